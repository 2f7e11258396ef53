/* The requests of a run: from the command line, from a mix file, and how often each. */
#include "tests/unit/support.h"

#include <errno.h>
#include <fcntl.h>
#include <gsl/gsl_cdf.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/random.h"
#include "loadgen/loadgen.h"
#include "loadgen/request/request.h"

static char folder[] = "/tmp/clusterbench-mix-XXXXXX";

static char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text, size_t length)
{
    FILE *file = fopen(path_of(name), "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static struct url make_url(void)
{
    static const char text[] = "http://127.0.0.1:1/from-url";
    struct url url;
    char message[MESSAGE_SIZE];
    assert_int_equal(url_parse(text, &url, message), 0);
    return url;
}

/* mix_init on a file of these bytes. */
static int read_mix(struct request_mix *mix, struct request_options options, const char *text, size_t length, char *message)
{
    struct url url = make_url();
    char *path;
    write_file("mix.ini", text, length);
    path = strdup(path_of("mix.ini"));
    options.method = options.method ? options.method : "GET";
    options.mix_file = path;
    int error = mix_init(mix, &options, &url, message);
    free(path);
    return error;
}

static struct request_mix good(struct request_options options, const char *text)
{
    struct request_mix mix;
    char message[MESSAGE_SIZE] = "";
    if (read_mix(&mix, options, text, strlen(text), message) != 0)
        fail_msg("%s: %s", text, message);
    return mix;
}

static char *render(const struct request_kind *kind)
{
    struct render_state state = {.sequence = 5};
    char *buffer = malloc(kind->keep.longest);
    random_init(&state.random, 1);
    struct slice text = template_render(&kind->keep, &state, NULL, buffer);
    char *copy = strndup(text.at, text.length);
    free(buffer);
    return copy;
}

static void expect(const struct request_mix *mix, unsigned index, const char *name, const char *request)
{
    assert_in_range(index, 0, mix->count - 1);
    char *text = render(&mix->kinds[index]);
    assert_string_equal(mix->kinds[index].name, name);
    assert_string_equal(text, request);
    assert_true(mix->longest >= mix->kinds[index].keep.longest && mix->longest >= mix->kinds[index].last.longest);
    free(text);
}

#define HEAD(line) line " HTTP/1.1\r\nHost: 127.0.0.1:1\r\n"

static void test_command_line(void **state)
{
    (void)state;
    struct url url = make_url();
    struct request_mix mix;
    char message[MESSAGE_SIZE] = "";
    const char *checks[] = {"status=200", "contains=x"};
    struct request_options options = {.method = "POST", .body = "b{seq}", .checks = {checks, 2}};
    assert_int_equal(mix_init(&mix, &options, &url, message), 0);
    assert_int_equal(mix.count, 1);
    expect(&mix, 0, "/from-url", HEAD("POST /from-url") "Content-Length:  2\r\n\r\nb5"); /* as wide as 18446744073709551615 */
    assert_true(mix.checked && mix.reads_body && mix.kinds[0].checked && !mix.cookies && !mix.kinds[0].is_head);
    struct random random, untouched;
    random_init(&random, 1);
    untouched = random;
    assert_int_equal(mix_pick(&mix, &random), 0);
    assert_memory_equal(&random, &untouched, sizeof(random));
    mix_close(&mix);

    options = (struct request_options){.method = "HEAD", .cookies = true};
    assert_int_equal(mix_init(&mix, &options, &url, message), 0);
    expect(&mix, 0, "/from-url", HEAD("HEAD /from-url") "\r\n");
    assert_true(mix.cookies && mix.kinds[0].is_head && !mix.checked);
    mix_close(&mix);
}

static void test_body_file(void **state)
{
    (void)state;
    struct url url = make_url();
    struct request_mix mix;
    char message[MESSAGE_SIZE] = "";
    static const char bytes[] = "\0\x01{}\xff\r\n";
    write_file("body", bytes, sizeof(bytes) - 1);
    struct request_options options = {.method = "PUT", .body_file = path_of("body")};
    assert_int_equal(mix_init(&mix, &options, &url, message), 0);
    struct slice text = template_render(&mix.kinds[0].keep, NULL, NULL, NULL);
    assert_memory_equal(text.at + text.length - 11, "\r\n\r\n\0\x01{}\xff\r\n", 11);
    assert_non_null(memmem(text.at, text.length, "\r\nContent-Length: 7\r\n", 21));
    mix_close(&mix);

    options.body_file = path_of("missing");
    assert_int_equal(mix_init(&mix, &options, &url, message), -ENOENT);
    assert_non_null(strstr(message, "--body-file: '/tmp/"));
    assert_non_null(strstr(message, "No such file"));
    options.body_file = folder;
    assert_int_equal(mix_init(&mix, &options, &url, message), -EISDIR);
}

static void test_sections(void **state)
{
    (void)state;
    const char *headers[] = {"X-All: 1", "X-Some: 1"}, *checks[] = {"status=2xx", "header=X"};
    struct request_options options = {.method = "GET", .headers = {headers, 2}, .checks = {checks, 2}};
    write_file("cart.json", "{\"file\": true}", 14);
    struct request_mix mix = good(options, "\xef\xbb\xbf# shop\r\n"
                                           "[product]\r\n"
                                           "weight = 8\r\n"
                                           "  path = /api/products?id={seq}\r\n"
                                           "\r\n"
                                           "; nothing but what the command line says\n"
                                           "[plain]\n"
                                           "[ cart ]\n"
                                           "weight=.5\n"
                                           "method=POST\n"
                                           "path=/api/cart/add\n"
                                           "header=Content-Type: application/json; charset=utf-8\n"
                                           "header=x-some: {seq}\n"
                                           "check=status=201\n"
                                           "check = contains= ; = # \n"
                                           "body = {\"id\": [1]} ; no comment\t\n"
                                           "[file]\n"
                                           "body-file = cart.json\n"
                                           "[head]\n"
                                           "method = HEAD");
    assert_int_equal(mix.count, 5);
    expect(&mix, 0, "product", HEAD("GET /api/products?id=5") "X-All: 1\r\nX-Some: 1\r\n\r\n");
    expect(&mix, 1, "plain", HEAD("GET /from-url") "X-All: 1\r\nX-Some: 1\r\n\r\n");
    expect(&mix, 2, "cart",
           HEAD("POST /api/cart/add") "Content-Type: application/json; charset=utf-8\r\nx-some: 5\r\nX-All: 1\r\n"
                                      "Content-Length: 24\r\n\r\n{\"id\": [1]} ; no comment");
    expect(&mix, 3, "file", HEAD("GET /from-url") "X-All: 1\r\nX-Some: 1\r\nContent-Length: 14\r\n\r\n{\"file\": true}");
    assert_true(mix.kinds[4].is_head && mix.checked && mix.reads_body);
    assert_int_equal(mix.kinds[0].check.status_to, 299);
    assert_int_equal(mix.kinds[2].check.status_to, 201);
    assert_true(mix.kinds[2].check.wanted[CHECK_HEADER] && !mix.kinds[0].check.wanted[CHECK_CONTAINS]);
    assert_true(slice_is(mix.kinds[2].check.contains, " ; = #"));
    assert_true(mix.kinds[0].weight == 8 && mix.kinds[1].weight == 1 && mix.kinds[2].weight == 0.5);
    assert_true(mix.kinds[4].cumulative == 1);
    mix_close(&mix);
}

/* Long lines: longer than any buffer somebody might have thought of. */
static void test_long_body(void **state)
{
    (void)state;
    enum { LENGTH = 100000 };
    char *text = malloc(LENGTH + 32), *at = stpcpy(text, "[a]\nbody=");
    memset(at, 'x', LENGTH);
    at[LENGTH] = '\0';
    struct request_mix mix = good((struct request_options){.method = "POST"}, text);
    struct slice request = template_render(&mix.kinds[0].keep, NULL, NULL, NULL);
    assert_memory_equal(request.at + request.length - LENGTH, at, LENGTH);
    mix_close(&mix);
    free(text);
}

static void test_weights(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned count;
        double weights[8];
    } rows[] = {
        {"[a]\nweight=8\n[b]\nweight=2\n", 2, {8, 2}},
        {"[a]\n[b]\n[c]\n", 3, {1, 1, 1}},
        {"[a]\nweight=0.1\n[b]\nweight=100\n[c]\nweight=7\n[d]\nweight=7\n[e]\nweight=.5\n", 5, {.1, 100, 7, 7, .5}},
        {"[a]\nweight=1\n[b]\nweight=2\n[c]\nweight=3\n[d]\nweight=4\n[e]\nweight=5\n[f]\nweight=6\n[g]\nweight=7\n[h]\nweight=8\n",
         8,
         {1, 2, 3, 4, 5, 6, 7, 8}},
    };
    for (unsigned i = 0; i < LENGTH_OF(rows); i++) {
        struct request_mix mix = good((struct request_options){.method = "GET"}, rows[i].text);
        struct random random;
        unsigned seen[8] = {0}, draws = 200000;
        double total = 0, sum = 0;
        random_init(&random, 40 + i);
        assert_int_equal(mix.count, rows[i].count);
        for (unsigned k = 0; k < rows[i].count; k++)
            total += rows[i].weights[k];
        for (unsigned k = 0; k < draws; k++)
            seen[mix_pick(&mix, &random)]++;
        for (unsigned k = 0; k < rows[i].count; k++) {
            double mean = draws * rows[i].weights[k] / total;
            sum += (seen[k] - mean) * (seen[k] - mean) / mean;
        }
        assert_true(gsl_cdf_chisq_Q(sum, rows[i].count - 1) > 1e-4);
        mix_close(&mix);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *named;
    } rows[] = {
        {"", "no section"},
        {"# nothing\n\n", "no section"},
        {"weight = 1\n[a]\n", "mix.ini:1: weight stands before"},
        {"[a]\nwieght = 1\n", "mix.ini:2: unknown key 'wieght'; use weight"},
        {"\n[a]\nweight = x\n", "mix.ini:3: weight: 'x' is not allowed; use a number above 0"},
        {"[a]\nweight = 0\n", ":2: weight: '0'"},
        {"[a]\nweight = -1\n", ":2: weight: '-1'"},
        {"[a]\nweight =\n", ":2: weight: ''"},
        {"[a]\nweight = nan\n", ":2: weight: 'nan'"},
        {"[a]\nweight = 1e3\n", ":2: weight: '1e3'"},
        {"[a]\nweight = 1.2.3\n", ":2: weight: '1.2.3'"},
        {"[a]\nweight = 2000000000\n", ":2: weight: '2000000000'"},
        {"[a]\nweight = 1\nweight = 1\n", ":3: weight stands in line 2 already"},
        {"[a]\nbody = 1\nbody-file = x\n", ":3: a section has a body or a body-file"},
        {"[a]\nbody-file = mix.ini\nbody = 1\n", ":3: a section has a body or a body-file"},
        {"[a]\n[b]\n[a]\n", ":3: [a] is there already"},
        {"[a]\n[a]\n", ":2: [a] is there already"},
        {"[]\n", ":1: a section's name"},
        {"[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]\n", ":1: a section's name"},
        {"[a\n", ":1: '[a' is no section"},
        {"[a] x\n", ":1: '[a] x' is no section"},
        {"[a]\nweight\n", ":2: 'weight' is neither"},
        {"[a]\npath =\n", ":2: path: ''"},
        {"[a]\npath = x\n", ":2: path: 'x' is not allowed; use /PATH"},
        {"[a]\npath = /a b\n", ":2: path: '/a b'"},
        {"[a]\npath = /a#b\n", ":2: path: '/a#b'"},
        {"[a]\npath = /\xc3\xa4\n", ":2: path: "},
        {"[a]\npath = /{\n", ":2: path: the placeholder '{'"},
        {"[a]\npath = /{exp}\n", ":2: path: the placeholder '{exp}'"},
        {"[a]\nbody = {exp:5}\n", ":2: body: the placeholder '{exp:5}'"},
        {"[a]\nheader = X: {zipf:0}\n", ":2: header: the placeholder '{zipf:0}'"},
        {"[a]\nheader = X\n", ":2: header: 'X' is not allowed; use 'Name: value'"},
        {"[a]\nheader = Content-Length: 5\n", ":2: header: "},
        {"[a]\nmethod = get\n", ":2: method: 'get'"},
        {"[a]\nmethod =\n", ":2: method: ''"},
        {"[a]\nmethod = CONNECT\n", ":2: method: 'CONNECT'"},
        {"[a]\ncheck = status\n", ":2: check: 'status' is not allowed; use status=200"},
        {"\n[a]\ncheck = status=200\ncheck = status=404\n", ":2: [a]: status is checked already"},
        {"[a]\nmethod = HEAD\ncheck = length=5\n", ":1: [a]: check: a response to HEAD"},
        {"[a]\nbody-file =\n", ":2: body-file: ''"},
        {"[a]\nbody-file = missing\n", ":2: body-file: 'missing': No such file"},
        {"[a]\nbody-file = bad-body\n", ":2: body-file: 'bad-body': the placeholder '{exp:5}'"},
        {"[a]\nbody-file = /dev/zero\n", ":2: body-file: '/dev/zero': the file has more than 64 MiB"},
        {"[a]\nbody = a\rb\n", ":2: the line holds a control character"},
        {"[a\x1b]\n", ":1: the line holds a control character"},
    };
    write_file("bad-body", "xx {exp:5}", 10);
    for (unsigned i = 0; i < LENGTH_OF(rows); i++) {
        struct request_mix mix;
        char message[MESSAGE_SIZE] = "";
        int error = read_mix(&mix, (struct request_options){.method = "GET"}, rows[i].text, strlen(rows[i].text), message);
        if (error >= 0 || !strstr(message, rows[i].named) || strchr(message, '\n'))
            fail_msg("'%s': %d, '%s'", rows[i].text, error, message);
    }
}

static void test_refused_whole(void **state)
{
    (void)state;
    struct url url = make_url();
    struct request_mix mix;
    char message[MESSAGE_SIZE] = "", many[65 * 16] = "";
    assert_int_equal(read_mix(&mix, (struct request_options){.method = "GET"}, "[a]\nbody=\0x\n", 12, message), -EINVAL);
    assert_non_null(strstr(message, "NUL"));
    for (unsigned i = 0; i <= MIX_KINDS_MAX; i++)
        sprintf(many + strlen(many), "[s%u]\n", i);
    assert_int_equal(read_mix(&mix, (struct request_options){.method = "GET"}, many, strlen(many), message), -EINVAL);
    assert_non_null(strstr(message, ":65: too many sections; 64 are allowed"));
    *strstr(many, "[s64]") = '\0';
    mix = good((struct request_options){.method = "GET"}, many);
    assert_int_equal(mix.count, 64);
    mix_close(&mix);

    struct request_options options = {.method = "GET", .mix_file = "/no/such/mix.ini"};
    assert_int_equal(mix_init(&mix, &options, &url, message), -ENOENT);
    assert_string_equal(message, "--mix: '/no/such/mix.ini': No such file or directory");
    options.mix_file = "/dev/zero";
    assert_int_equal(mix_init(&mix, &options, &url, message), -EFBIG);
}

static void test_command_line_refused(void **state)
{
    (void)state;
    const char *cookie[] = {"cookie: a=b"}, *header[] = {"X: {exp:}"}, *check[] = {"nothing"}, *twice[] = {"length=1", "length=2"};
    const struct {
        struct request_options options;
        const char *named;
    } rows[] = {
        {{.method = "GET", .headers = {cookie, 1}, .cookies = true}, "one Cookie field"},
        {{.method = "GET", .headers = {header, 1}}, "--header: the placeholder '{exp:}'"},
        {{.method = "GET", .body = "{zipf:x}"}, "--body: the placeholder '{zipf:x}'"},
        {{.method = "GET", .checks = {check, 1}}, "--check: 'nothing' is not allowed; use status=200"},
        {{.method = "GET", .checks = {twice, 2}}, "--check: 'length=2' is not allowed; length is checked already"},
        {{.method = "HEAD", .checks = {twice, 1}}, "check: a response to HEAD"},
    };
    for (unsigned i = 0; i < LENGTH_OF(rows); i++) {
        struct url url = make_url();
        struct request_mix mix;
        char message[MESSAGE_SIZE] = "";
        if (mix_init(&mix, &rows[i].options, &url, message) != -EINVAL || !strstr(message, rows[i].named))
            fail_msg("row %u: '%s'", i, message);
    }
    struct url url = make_url();
    struct request_mix mix;
    struct request_options options = {.method = "GET"};
    char message[MESSAGE_SIZE] = "";
    url.target = SLICE("/{nope}");
    assert_int_equal(mix_init(&mix, &options, &url, message), -EINVAL);
    assert_non_null(strstr(message, "URL: the placeholder '{nope}'"));
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"mix.ini", "body", "cart.json", "bad-body"};
    for (unsigned i = 0; i < LENGTH_OF(names); i++)
        unlink(path_of(names[i]));
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_command_line),  cmocka_unit_test(test_body_file),
        cmocka_unit_test(test_sections),      cmocka_unit_test(test_long_body),
        cmocka_unit_test(test_weights),       cmocka_unit_test(test_refused),
        cmocka_unit_test(test_refused_whole), cmocka_unit_test(test_command_line_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
