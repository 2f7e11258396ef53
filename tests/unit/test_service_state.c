/*
 * The service's part of state and shop: paths, cookies, what may be put into a cart.
 */
#include "tests/unit/support.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "service/cookie.h"
#include "service/service.h"
#include "service/shop.h"

/* ---- paths ---- */

static void ask(const char *method, const char *path, const char *query, struct service_response *response)
{
    const struct service_request request = {
        .method = slice_of(method), .path = slice_of(path), .query = slice_of(query), .body = SLICE("the body"), .worker = 7};
    service_answer(&request, response);
}

static const struct {
    const char *method, *query;
    int status; /* of what is refused; 0: an errand */
    const char *store;
    int64_t number;
} counter_table[] = {
    {"GET", "", 0, "local", 0},
    {"HEAD", "store=shared", 0, "shared", 0},
    {"GET", "store=redis&add=5", 0, "redis", 0}, /* a GET never adds */
    {"POST", "", 0, "local", 1},
    {"POST", "store=primary&add=5", 0, "primary", 5},
    {"POST", "add=-3&store=", 0, "", -3},
    {"POST", "add=0", 0, "local", 0},
    {"POST", "add=1m", 0, "local", 1000000},
    {"POST", "add=-1000000", 0, "local", -1000000},
    {"POST", "add=1000001", 400, NULL, 0},
    {"POST", "add=", 400, NULL, 0},
    {"POST", "add=-", 400, NULL, 0},
    {"POST", "add=--1", 400, NULL, 0},
    {"POST", "add=%31", 400, NULL, 0},
    {"POST", "add=1.5", 400, NULL, 0},
    {"PUT", "", 405, NULL, 0},
};

static void test_counter(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < LENGTH_OF(counter_table); i++) {
        struct service_response response;
        ask(counter_table[i].method, "/counter", counter_table[i].query, &response);
        if (counter_table[i].status) {
            assert_int_equal(response.work, SERVICE_ANSWER);
            assert_int_equal(response.status, counter_table[i].status);
            continue;
        }
        assert_int_equal(response.work, SERVICE_ERRAND);
        assert_int_equal(response.errand, SERVICE_COUNTER);
        assert_int_equal(response.number, counter_table[i].number);
        assert_true(slice_is(response.argument, counter_table[i].store));
    }
}

static const struct {
    const char *method, *path;
    int status; /* 0: an errand */
    enum service_errand errand;
} errand_table[] = {
    {"GET", "/session", 0, SERVICE_SESSION},
    {"HEAD", "/session", 0, SERVICE_SESSION},
    {"POST", "/session", 405, 0},
    {"GET", "/api/products", 0, SERVICE_PRODUCTS},
    {"POST", "/api/products", 405, 0},
    {"GET", "/api/products/3", 404, 0},
    {"POST", "/api/cart/add", 0, SERVICE_CART},
    {"GET", "/api/cart/add", 405, 0},
    {"HEAD", "/api/cart/add", 405, 0},
    {"GET", "/api/cart", 404, 0},
};

static void test_errands(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < LENGTH_OF(errand_table); i++) {
        struct service_response response;
        ask(errand_table[i].method, errand_table[i].path, "", &response);
        assert_int_equal(response.work, errand_table[i].status ? SERVICE_ANSWER : SERVICE_ERRAND);
        if (errand_table[i].status)
            assert_int_equal(response.status, errand_table[i].status);
        else
            assert_int_equal(response.errand, errand_table[i].errand);
    }
    struct service_response response;
    ask("POST", "/api/cart/add", "", &response);
    assert_true(slice_is(response.argument, "the body"));
    ask("GET", "/api/cart/add", "", &response);
    assert_true(slice_is(response.fields, "Allow: POST, OPTIONS\r\n"));
}

/* ---- cookies ---- */

static const struct {
    const char *field, *value; /* NULL: none */
} cookie_table[] = {
    {"session=0123", "0123"},
    {"a=1; session=0123", "0123"},
    {"a=1;session=0123;b=2", "0123"},
    {"session=0123; session=4567", "0123"},
    {" session=\"0123\" ", "0123"},
    {"session=a=b", "a=b"},
    {"session=", ""},
    {"session=\"", "\""},
    {"session", NULL},
    {"mysession=0123", NULL},
    {"Session=0123", NULL},
    {"session =0123", NULL},
    {"", NULL},
    {";;; ;", NULL},
    {"=0123", NULL},
};

static void test_cookies(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < LENGTH_OF(cookie_table); i++) {
        struct guarded field;
        struct slice value = SLICE("untouched");
        guarded_init(&field, cookie_table[i].field, strlen(cookie_table[i].field));
        bool found = cookie_value((struct slice){field.text, field.length}, "session", &value);
        assert_int_equal(found, cookie_table[i].value != NULL);
        assert_true(slice_is(value, found ? cookie_table[i].value : "untouched"));
        guarded_close(&field);
    }
}

/* ---- the shop ---- */

static void test_list_is_json(void **unused)
{
    (void)unused;
    char text[SHOP_LIST_SIZE];
    size_t length = shop_list(255, UINT64_MAX >> 1, text);
    assert_true(length < sizeof text && text[length - 1] == '\n'); /* whole, with the longest numbers */
    json_t *list = json_loadb(text, length, 0, NULL);
    assert_non_null(list);
    assert_int_equal(json_integer_value(json_object_get(list, "read_by")), 255);
    const json_t *products = json_object_get(list, "products");
    assert_int_equal(json_array_size(products), SHOP_PRODUCTS);
    for (size_t i = 0; i < SHOP_PRODUCTS; i++) {
        const json_t *product = json_array_get(products, i);
        assert_int_equal(json_integer_value(json_object_get(product, "product")), i + 1);
        assert_true(json_integer_value(json_object_get(product, "cents")) > 0);
        assert_true(json_string_length(json_object_get(product, "name")) > 0);
    }
    json_decref(list);
}

static const struct {
    const char *body;
    unsigned product, quantity; /* 0: refused */
    const char *why;            /* a part of it */
} item_table[] = {
    {"{\"product\": 3, \"quantity\": 2}", 3, 2, NULL},
    {"{\"product\":12}", 12, 1, NULL},
    {" {\"product\":1,\"quantity\":99,\"note\":\"gift\"} ", 1, 99, NULL},
    {"", 0, 0, "the body is no JSON: it is empty"},
    {"{\"product\": 3", 0, 0, "no JSON: line 1"},
    {"{\"product\": 3} {}", 0, 0, "no JSON"},
    {"{\"product\": 3, \"product\": 4}", 0, 0, "duplicate"},
    {"[3, 2]", 0, 0, "no JSON object"},
    {"3", 0, 0, "no JSON object"},
    {"{}", 0, 0, "'product' has to be a whole number from 1 to 12"},
    {"{\"product\": 0}", 0, 0, "'product'"},
    {"{\"product\": 13}", 0, 0, "'product'"},
    {"{\"product\": -1}", 0, 0, "'product'"},
    {"{\"product\": \"3\"}", 0, 0, "'product'"},
    {"{\"product\": 3.0}", 0, 0, "'product'"},
    {"{\"product\": 4294967299}", 0, 0, "'product'"},
    {"{\"product\": 3, \"quantity\": 0}", 0, 0, "'quantity' has to be a whole number from 1 to 99"},
    {"{\"product\": 3, \"quantity\": 100}", 0, 0, "'quantity'"},
    {"{\"product\": 3, \"quantity\": null}", 0, 0, "'quantity'"},
    {"\xff\xfe", 0, 0, "no JSON"},
    {"{\"product\": \"a\nb\"}", 0, 0, "no JSON"},
    {"{\"product\": 3\n\n\n x\ny}", 0, 0, "no JSON: line 4"},
};

static void test_items(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < LENGTH_OF(item_table); i++) {
        struct shop_item item = {0};
        char why[SHOP_WHY_SIZE] = "";
        struct guarded body;
        guarded_init(&body, item_table[i].body, strlen(item_table[i].body));
        int error = shop_read_item((struct slice){body.text, body.length}, &item, why);
        assert_int_equal(error, item_table[i].why ? -EINVAL : 0);
        if (item_table[i].why) {
            assert_non_null(strstr(why, item_table[i].why));
            assert_null(strchr(why, '\n')); /* it goes into one line */
        } else {
            assert_int_equal(item.product, item_table[i].product);
            assert_int_equal(item.quantity, item_table[i].quantity);
            assert_int_equal(item.cents % item.quantity, 0);
            assert_true(item.cents > 0);
        }
        guarded_close(&body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counter),      cmocka_unit_test(test_errands), cmocka_unit_test(test_cookies),
        cmocka_unit_test(test_list_is_json), cmocka_unit_test(test_items),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
