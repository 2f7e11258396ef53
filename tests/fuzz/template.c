/*
 * Requests with placeholders. Input: a byte of settings, a line that is the target, a line that is a header, the rest is the body.
 *
 * What is rendered fits into the room it was promised, ends with a body as long as its head says, and is what was written
 * where there was no placeholder.
 */
#include <stdlib.h>
#include <string.h>

#include "loadgen/loadgen.h"
#include "loadgen/request/request.h"
#include "tests/fuzz/fuzz.h"

enum { WITH_BODY = 1, WITH_COOKIES = 2, LAST = 4, WITH_HEADER = 8 };

static const char length_field[] = "\r\nContent-Length: ";

/* The head says how long the body is, in its last field. */
static void check_request(struct slice request, const struct request_parts *parts, bool fixed_body)
{
    const char *end = memmem(request.at, request.length, "\r\n\r\n", 4);
    fuzz_require(end != NULL);
    struct slice head = {request.at, (size_t)(end - request.at)}, body = {end + 4, request.length - head.length - 4};
    const char *field = memmem(head.at, head.length, length_field, strlen(length_field));
    fuzz_require((field != NULL) == (parts->body.at != NULL));
    fuzz_require(field || body.length == 0);
    if (field) {
        char *rest, *digits = strndup(field + strlen(length_field), (size_t)(end - field) - strlen(length_field));
        fuzz_require(digits && strtoull(digits, &rest, 10) == body.length && *rest == '\0');
        free(digits);
    }
    if (fixed_body && parts->body.at)
        fuzz_require(body.length == parts->body.length && memcmp(body.at, parts->body.at, body.length) == 0);
}

static void render_some(const struct template *template, const struct request_parts *parts, struct cookie_jar *jar)
{
    struct render_state state = {.sequence = 8, .step = UINT64_C(999999999999)};
    char *buffer = malloc(template->longest);
    bool fixed_body = !parts->body.at || template->count == 1;
    fuzz_require(buffer != NULL);
    random_init(&state.random, 1);
    for (int i = 0; i < 4; i++) {
        struct slice request = template_render(template, &state, i == 0 ? NULL : jar, buffer);
        fuzz_require(request.length <= template->longest);
        check_request(request, parts, fixed_body);
        cookie_jar_set(jar, SLICE("session=abc"));
    }
    free(buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    uint8_t settings = fuzz_byte(&input);
    size_t body_length;
    char *target = fuzz_line(&input), *header = fuzz_line(&input), *body = fuzz_rest(&input, &body_length);
    const struct url url = {.host = SLICE("127.0.0.1:80"), .target = slice_of(target)};
    const char *items[] = {header};
    struct option_list headers = {items, settings & WITH_HEADER ? 1 : 0};
    struct request_parts parts = {
        .method = "POST",
        .url = &url,
        .headers = &headers,
        .body = {settings & WITH_BODY ? body : NULL, settings & WITH_BODY ? body_length : 0},
        .last = settings & LAST,
        .cookies = settings & WITH_COOKIES,
    };
    char message[MESSAGE_SIZE] = "";
    struct template template;
    if (url_is_target(url.target) && (headers.count == 0 || !template_check_header(header))) {
        bool good = template_check_text(url.target, true, message) == 0 && template_check_text(parts.body, false, message) == 0 &&
                    (headers.count == 0 || template_check_text(slice_of(header), false, message) == 0);
        int error = template_init(&template, &parts, message);
        fuzz_require(good == (error == 0));
        fuzz_require(!error || fuzz_is_message(message));
        if (!error) {
            struct cookie_jar *jar = cookie_jar_new();
            fuzz_require(jar != NULL);
            render_some(&template, &parts, jar);
            cookie_jar_free(jar);
            template_close(&template);
        }
    }
    free(target);
    free(header);
    free(body);
    return 0;
}
