/*
 * Arrivals read from a file. Input: the file. What is taken ascends.
 */
#include "loadgen/loadgen.h"
#include "loadgen/plan/plan.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_file file;
    struct trace trace = {.count = 0};
    char message[MESSAGE_SIZE] = "";
    fuzz_open_file(&file, (const char *)data, size);
    if (trace_read(file.path, &trace, message) == 0) {
        fuzz_require(trace.count > 0);
        for (uint64_t i = 1; i < trace.count; i++)
            fuzz_require(trace.offsets_ns[i - 1] <= trace.offsets_ns[i]);
        trace_close(&trace);
    } else
        fuzz_require(fuzz_is_message(message));
    fuzz_close_file(&file);
    return 0;
}
