/*
 * Conditions and ranges. Input: a byte for the method, a byte for the file's size, then a field a line.
 *
 * What must hold: a part lies in the file and is not empty, whole answers are whole, ranges are for GET only, and a request without
 * any of these fields gets the whole.
 */
#include <stdlib.h>
#include <string.h>

#include "http/conditional.h"
#include "tests/fuzz/fuzz.h"

#define FIELDS_MOST 8
#define NOW         1763800000

static const struct http_representation files[] = {
    {SLICE("\"1-2-3\""), 784111777, 1000},
    {SLICE("\"1-2-3\""), 784111777, 1},
    {SLICE("\"1-2-3\""), 784111777, 0},
    {SLICE("\"1-2-3\""), NOW, UINT64_MAX},
};

static unsigned read_fields(struct fuzz_input *input, struct http_header *headers, char **lines)
{
    unsigned count = 0;
    while (input->left > 0 && count < FIELDS_MOST) {
        char *line = lines[count] = fuzz_line(input), *colon = strchr(line, ':');
        headers[count].name = (struct slice){line, colon ? (size_t)(colon - line) : strlen(line)};
        headers[count].value = slice_trim(slice_of(colon ? colon + 1 : ""));
        count++;
    }
    return count;
}

static void check(const struct http_request *request, const struct http_representation *file)
{
    struct http_selection selection;
    bool is_get = slice_is(request->method, "GET");
    http_select(request, file, NOW, &selection);
    switch (selection.status) {
    case 200:
        fuzz_require(selection.first == 0 && selection.length == file->size);
        break;
    case 206:
        fuzz_require(is_get && selection.length > 0 && selection.first < file->size);
        fuzz_require(selection.length <= file->size - selection.first);
        break;
    case 416:
        fuzz_require(is_get);
        break;
    default:
        fuzz_require(selection.status == 304 || selection.status == 412);
    }
    fuzz_require(http_is_conditional(request) || selection.status == 200);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct http_header headers[FIELDS_MOST];
    char *lines[FIELDS_MOST];
    struct http_request request = {.headers = headers};
    request.method = fuzz_byte(&input) & 1 ? SLICE("HEAD") : SLICE("GET");
    const struct http_representation *file = &files[fuzz_byte(&input) % (sizeof files / sizeof *files)];
    request.header_count = read_fields(&input, headers, lines);
    check(&request, file);
    for (unsigned i = 0; i < request.header_count; i++)
        free(lines[i]);
    return 0;
}
