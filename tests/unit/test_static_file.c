/*
 * Paths below /static/ and the types of files. The table is the list of ways out that people try.
 */
#include "support.h"

#include <errno.h>

#include "service/static_file.h"

static const struct {
    const char *encoded;
    int error;
    const char *path;
} table[] = {
    {"a", 0, "a"},
    {"a.html", 0, "a.html"},
    {"a/b/c.txt", 0, "a/b/c.txt"},
    {"a%20b.txt", 0, "a b.txt"},
    {"%61%2Etxt", 0, "a.txt"},
    {"a..b", 0, "a..b"},
    {"a...", 0, "a..."},
    {"a+b", 0, "a+b"},
    {"%C3%A9.txt", 0, "\xc3\xa9.txt"},
    {"a%0Ab", 0, "a\nb"},
    {"%25%32%65", 0, "%2e"}, /* decoded once */
    {"%252e%252e/x", 0, "%2e%2e/x"},

    {"", -ENOENT, NULL},
    {"a/", -ENOENT, NULL},
    {"/a", -ENOENT, NULL},
    {"//etc/passwd", -ENOENT, NULL},
    {"a//b", -ENOENT, NULL},
    {".", -ENOENT, NULL},
    {"..", -ENOENT, NULL},
    {"./a", -ENOENT, NULL},
    {"../a", -ENOENT, NULL},
    {"a/../b", -ENOENT, NULL},
    {"a/..", -ENOENT, NULL},
    {"a/.", -ENOENT, NULL},
    {".hidden", -ENOENT, NULL},
    {"a/.git/config", -ENOENT, NULL},
    {"%2e%2e/a", -ENOENT, NULL},
    {"%2E%2e/a", -ENOENT, NULL},
    {".%2e/a", -ENOENT, NULL},
    {"%2e./a", -ENOENT, NULL},
    {"%2ehidden", -ENOENT, NULL},
    {"..%2fa", -ENOENT, NULL},
    {"a%2fb", -ENOENT, NULL},
    {"a%2Fb", -ENOENT, NULL},
    {"%2fetc%2fpasswd", -ENOENT, NULL},
    {"..\\a", -ENOENT, NULL},
    {"a\\b", -ENOENT, NULL},
    {"a%5cb", -ENOENT, NULL},
    {"..%5ca", -ENOENT, NULL},

    {"%", -EINVAL, NULL},
    {"%2", -EINVAL, NULL},
    {"a%", -EINVAL, NULL},
    {"a%4", -EINVAL, NULL},
    {"%zz", -EINVAL, NULL},
    {"%4g", -EINVAL, NULL},
    {"%g4", -EINVAL, NULL},
    {"% 41", -EINVAL, NULL},
    {"%-1", -EINVAL, NULL},
    {"%%41", -EINVAL, NULL},
    {"%u0041", -EINVAL, NULL},
    {"a%00.txt", -EINVAL, NULL},
    {"%00", -EINVAL, NULL},
    {"../%zz", -EINVAL, NULL}, /* malformed before it is not found */
    {"../%00", -EINVAL, NULL},
};

static int decode(const char *encoded, size_t length, char *path)
{
    struct guarded guarded;
    guarded_init(&guarded, encoded, length);
    int error = static_path((struct slice){guarded.text, guarded.length}, path);
    guarded_close(&guarded);
    return error;
}

static void test_paths(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH_OF(table); i++) {
        char path[STATIC_PATH_SIZE];
        int error = decode(table[i].encoded, strlen(table[i].encoded), path);
        if (error != table[i].error || (!error && strcmp(path, table[i].path) != 0))
            fail_msg("'%s': %d '%s'", table[i].encoded, error, error ? "" : path);
    }
}

static void test_raw_nul(void **state)
{
    char path[STATIC_PATH_SIZE];
    (void)state;
    assert_int_equal(decode("a\0b", 3, path), -EINVAL);
}

static void test_long_paths(void **state)
{
    char encoded[3 * STATIC_PATH_SIZE + 1], path[STATIC_PATH_SIZE];
    (void)state;
    for (size_t i = 0; i < STATIC_PATH_SIZE; i++)
        memcpy(encoded + 3 * i, "%61", 3);
    assert_int_equal(decode(encoded, 3 * (STATIC_PATH_SIZE - 1), path), 0);
    assert_int_equal(strlen(path), STATIC_PATH_SIZE - 1);
    assert_int_equal(decode(encoded, 3 * STATIC_PATH_SIZE, path), -ENAMETOOLONG);
}

static void test_types(void **state)
{
    static const struct {
        const char *path, *type;
    } types[] = {
        {"index.html", "text/html; charset=utf-8"}, {"a/b.JSON", "application/json"},
        {"a.tar.gz", "application/gzip"},           {"picture.jpeg", "image/jpeg"},
        {"a.unknown", "application/octet-stream"},  {"a", "application/octet-stream"},
        {"a.", "application/octet-stream"},         {"html", "application/octet-stream"},
        {"a.html/b", "application/octet-stream"},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH_OF(types); i++)
        assert_string_equal(static_content_type(types[i].path), types[i].type);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_raw_nul),
        cmocka_unit_test(test_long_paths),
        cmocka_unit_test(test_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
