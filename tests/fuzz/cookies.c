/*
 * A jar. Input: a Set-Cookie value a line. After each, the header keeps its form: it goes into a request as it is.
 */
#include <stdlib.h>
#include <string.h>

#include "loadgen/request/request.h"
#include "tests/fuzz/fuzz.h"

#define COOKIES_MAX 64

/* With `whole` also: no name twice. */
static void check_header_form(const struct cookie_jar *jar, bool whole)
{
    struct slice rest = cookie_jar_header(jar), names[COOKIES_MAX];
    unsigned count = 0;
    fuzz_require(rest.length <= COOKIES_LONGEST);
    for (size_t i = 0; i < rest.length; i++)
        fuzz_require(((unsigned char)rest.at[i] >= ' ' || rest.at[i] == '\t') && rest.at[i] != 0x7f);
    while (rest.length > 0) {
        const char *end = memmem(rest.at, rest.length, "; ", 2);
        struct slice cookie = {rest.at, end ? (size_t)(end - rest.at) : rest.length};
        const char *equals = cookie.length ? memchr(cookie.at, '=', cookie.length) : NULL;
        fuzz_require(count < COOKIES_MAX && equals && equals > cookie.at && !memchr(cookie.at, ';', cookie.length));
        names[count] = (struct slice){cookie.at, (size_t)(equals - cookie.at)};
        for (unsigned i = 0; i < count && whole; i++)
            fuzz_require(names[i].length != names[count].length || memcmp(names[i].at, names[count].at, names[i].length) != 0);
        count++;
        rest = slice_after(rest, cookie.length + (end ? 2 : 0));
        fuzz_require(!end || rest.length > 0); /* nothing dangles */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct cookie_jar *jar = cookie_jar_new();
    fuzz_require(jar != NULL);
    while (input.left > 0) {
        const uint8_t *end = memchr(input.at, '\n', input.left);
        size_t length = end ? (size_t)(end - input.at) : input.left;
        char *exact = malloc(length ? length : 1);
        fuzz_require(exact != NULL);
        memcpy(exact, input.at, length);
        cookie_jar_set(jar, (struct slice){exact, length});
        check_header_form(jar, false);
        struct slice once = cookie_jar_header(jar);
        char *before = strndup(once.length ? once.at : "", once.length);
        cookie_jar_set(jar, (struct slice){exact, length}); /* the second time changes nothing */
        fuzz_require(before && cookie_jar_header(jar).length == strlen(before));
        fuzz_require(memcmp(before, *before ? cookie_jar_header(jar).at : "", strlen(before)) == 0);
        free(before);
        free(exact);
        input.at += length + (end ? 1 : 0);
        input.left -= length + (end ? 1 : 0);
    }
    check_header_form(jar, true);
    cookie_jar_free(jar);
    return 0;
}
