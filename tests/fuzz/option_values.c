/*
 * Values of options with a grammar of their own. Input: a byte that chooses the option, then the text.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "loadgen/engine/engine.h"
#include "loadgen/loadgen.h"
#include "loadgen/settings.h"
#include "loadgen/study/study.h"
#include "tests/fuzz/fuzz.h"

static void try_objectives(const char *text)
{
    struct objectives objectives = {.count = 0};
    char message[MESSAGE_SIZE] = "";
    if (objectives_parse(text, &objectives, message) != 0) {
        fuzz_require(*message);
        return;
    }
    fuzz_require(objectives.count > 0 && objectives.count <= OBJECTIVES_MAX);
    for (unsigned i = 0; i < objectives.count; i++) {
        const struct objective *objective = &objectives.items[i];
        fuzz_require(isfinite(objective->bound) && objective->bound >= 0);
        fuzz_require(objective->percentile >= 0 && objective->percentile <= 100);
        fuzz_require(memchr(objective->text, '\0', sizeof(objective->text)) != NULL);
    }
}

static void try_life(const char *text)
{
    struct connection_life life = {.requests = 0};
    if (connection_life_parse(text, &life) == 0)
        fuzz_require(life.requests > 0);
}

/* Every address of a range is of the same kind, and after the last one comes the first. */
static void try_source(const char *text)
{
    struct source_range range;
    struct net_address first, last;
    if (source_range_parse(text, &range) != 0)
        return;
    fuzz_require(range.count > 0);
    source_address(&range, range.count - 1, &last);
    source_address(&range, range.count, &first);
    fuzz_require(last.length == range.first.length && last.storage.ss_family == range.first.storage.ss_family);
    fuzz_require(memcmp(&first.storage, &range.first.storage, range.first.length) == 0);
}

static void try_arrivals(const char *text)
{
    struct arrivals_choice choice = {.trace_file = NULL};
    if (arrivals_parse(text, &choice) == 0)
        fuzz_require((choice.kind == ARRIVALS_TRACE) == (choice.trace_file != NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const tries[])(const char *) = {try_objectives, try_life, try_source, try_arrivals};
    struct fuzz_input input = {data, size};
    size_t length, which = fuzz_byte(&input) % (sizeof(tries) / sizeof(tries[0]));
    char *text = fuzz_rest(&input, &length);
    if (strlen(text) == length)
        tries[which](text);
    free(text);
    return 0;
}
