/*
 * One table of products; the list and the prices come from it.
 */
#include "service/shop.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "base/options.h"

struct product {
    const char *name;
    unsigned cents;
};

/* A product's number is its row, from 1 on. */
static const struct product products[SHOP_PRODUCTS] = {
    {"apples, 1 kg", 249},      {"bread, rye", 385},     {"butter, 250 g", 229}, {"cheese, 200 g", 419},
    {"coffee, 500 g", 749},     {"eggs, ten", 299},      {"honey, 500 g", 599},  {"milk, 1 l", 119},
    {"olive oil, 750 ml", 899}, {"potatoes, 2 kg", 279}, {"rice, 1 kg", 199},    {"tea, 100 bags", 349},
};

size_t shop_list(unsigned worker, uint64_t reading, char *text)
{
    size_t used = 0;
    used += (size_t)snprintf(text, SHOP_LIST_SIZE, "{\"read_by\": %u, \"reading\": %" PRIu64 ", \"products\": [", worker, reading);
    for (unsigned i = 0; i < SHOP_PRODUCTS; i++)
        used += (size_t)snprintf(text + used, SHOP_LIST_SIZE - used, "%s\n  {\"product\": %u, \"name\": \"%s\", \"cents\": %u}",
                                 i ? "," : "", i + 1, products[i].name, products[i].cents);
    used += (size_t)snprintf(text + used, SHOP_LIST_SIZE - used, "\n]}\n");
    return used;
}

/* A whole number of the object, from 1 to `most`. */
static int read_number(const json_t *object, const char *name, unsigned most, unsigned *number, char *why)
{
    const json_t *value = json_object_get(object, name);
    json_int_t given = json_integer_value(value);
    if (json_is_integer(value) && given >= 1 && given <= (json_int_t)most) {
        *number = (unsigned)given;
        return 0;
    }
    snprintf(why, SHOP_WHY_SIZE, "'%s' has to be a whole number from 1 to %u", name, most);
    return -EINVAL;
}

static int read_object(const json_t *object, struct shop_item *item, char *why)
{
    if (!json_is_object(object)) {
        snprintf(why, SHOP_WHY_SIZE, "the body is no JSON object such as {\"product\": 3, \"quantity\": 2}");
        return -EINVAL;
    }
    item->quantity = 1;
    int error = read_number(object, "product", SHOP_PRODUCTS, &item->product, why);
    if (!error && json_object_get(object, "quantity"))
        error = read_number(object, "quantity", SHOP_QUANTITY_MOST, &item->quantity, why);
    if (!error)
        item->cents = products[item->product - 1].cents * item->quantity;
    return error;
}

int shop_read_item(struct slice body, struct shop_item *item, char *why)
{
    json_error_t reason;
    if (body.length == 0) {
        snprintf(why, SHOP_WHY_SIZE, "the body is no JSON: it is empty");
        return -EINVAL;
    }
    json_t *object = json_loadb(body.at, body.length, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &reason);
    if (!object) {
        snprintf(why, SHOP_WHY_SIZE, "the body is no JSON: line %d: %.60s", reason.line, reason.text);
        options_make_line(why); /* it quotes the body */
        return -EINVAL;
    }
    int error = read_object(object, item, why);
    json_decref(object);
    return error;
}
