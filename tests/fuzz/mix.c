/*
 * Mix files. Input: the file. Those that name a body-file are left out: other files are none of the fuzzer's business.
 */
#include <stdlib.h>
#include <string.h>

#include "loadgen/loadgen.h"
#include "loadgen/request/request.h"
#include "tests/fuzz/fuzz.h"

static void check_mix(const struct request_mix *mix)
{
    struct random random;
    struct render_state state = {.sequence = 1, .step = 1};
    char *buffer = malloc(mix->longest);
    double before = 0;
    random_init(&random, 1);
    random_init(&state.random, 1);
    fuzz_require(buffer && mix->count >= 1 && mix->count <= MIX_KINDS_MAX);
    for (unsigned i = 0; i < mix->count; i++) {
        const struct request_kind *kind = &mix->kinds[i];
        fuzz_require(kind->weight > 0 && kind->cumulative >= before && kind->cumulative <= 1 && *kind->name);
        fuzz_require(kind->keep.longest <= mix->longest && kind->last.longest <= mix->longest);
        fuzz_require(template_render(&kind->keep, &state, NULL, buffer).length <= mix->longest);
        fuzz_require(template_render(&kind->last, &state, NULL, buffer).length <= mix->longest);
        fuzz_require(mix_pick(mix, &random) < mix->count);
        before = kind->cumulative;
    }
    fuzz_require(before == 1);
    free(buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *header = "X-Id: {seq}", *check = "status=2xx";
    const struct url url = {.host = SLICE("127.0.0.1:80"), .target = SLICE("/")};
    struct fuzz_file file;
    struct request_mix mix;
    char message[MESSAGE_SIZE] = "";
    if (size > 0 && memmem(data, size, "body-file", strlen("body-file")))
        return 0;
    fuzz_open_file(&file, (const char *)data, size);
    struct request_options options = {
        .method = "GET", .body = "{uuid}", .mix_file = file.path, .headers = {&header, 1}, .checks = {&check, 1}};
    if (mix_init(&mix, &options, &url, message) == 0) {
        check_mix(&mix);
        mix_close(&mix);
    } else
        fuzz_require(fuzz_is_message(message));
    fuzz_close_file(&file);
    return 0;
}
