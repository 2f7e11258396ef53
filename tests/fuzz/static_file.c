/*
 * Paths below /static/. Input: what stands behind it.
 *
 * What must hold: a path that is taken is relative, has no component that is empty or begins with a dot, and is what its escapes
 * say: encoding all of it and decoding that gives it again. And every file has a type.
 */
#include <errno.h>
#include <stdlib.h>

#include "service/static_file.h"
#include "tests/fuzz/fuzz.h"

static void check_components(const char *path)
{
    fuzz_require(path[0] != '\0' && path[strlen(path) - 1] != '/' && !strchr(path, '\\'));
    for (const char *at = path; at; at = strchr(at, '/') ? strchr(at, '/') + 1 : NULL)
        fuzz_require(*at != '.' && *at != '/');
}

/* Every byte as an escape, but for the slashes. */
static char *encode(const char *path, size_t *length)
{
    static const char digits[] = "0123456789abcdef";
    char *encoded = malloc(3 * strlen(path) + 1), *out = encoded;
    fuzz_require(encoded != NULL);
    for (; *path; path++) {
        if (*path == '/') {
            *out++ = '/';
            continue;
        }
        *out++ = '%';
        *out++ = digits[(unsigned char)*path >> 4];
        *out++ = digits[*path & 15];
    }
    *length = (size_t)(out - encoded);
    return encoded;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    size_t length;
    char *text = fuzz_rest(&input, &length), path[STATIC_PATH_SIZE], again[STATIC_PATH_SIZE];
    int error = static_path((struct slice){text, length}, path);
    fuzz_require(error == 0 || error == -EINVAL || error == -ENOENT || error == -ENAMETOOLONG);
    if (!error) {
        char *encoded = encode(path, &length);
        check_components(path);
        fuzz_require(static_path((struct slice){encoded, length}, again) == 0 && strcmp(path, again) == 0);
        fuzz_require(strchr(static_content_type(path), '/'));
        free(encoded);
    }
    free(text);
    return 0;
}
