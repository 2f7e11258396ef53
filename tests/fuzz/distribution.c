/*
 * Distributions, and with them times and numbers. Input: the text, which ends without a NUL.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/distribution.h"
#include "tests/fuzz/fuzz.h"

#define HOUR_NS UINT64_C(3600000000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct distribution distribution;
    struct random random;
    char *exact = malloc(size ? size : 1);
    fuzz_require(exact != NULL);
    memcpy(exact, data, size);
    random_init(&random, 1);
    if (distribution_parse(exact, size, &distribution) == 0) {
        double mean = distribution_mean(&distribution);
        fuzz_require(!isnan(mean) && mean >= 0);
        for (int i = 0; i < 8; i++)
            fuzz_require(distribution_draw(&distribution, &random) <= HOUR_NS);
    }
    free(exact);
    return 0;
}
