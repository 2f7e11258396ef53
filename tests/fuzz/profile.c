/*
 * Rates over time. Input: the text. What is planned never shrinks, its inverse leads back, and the peak is the peak.
 */
#include <math.h>
#include <stdlib.h>

#include "loadgen/loadgen.h"
#include "loadgen/plan/plan.h"
#include "tests/fuzz/fuzz.h"

#define SAMPLES 16

static void check_profile(const struct profile *profile)
{
    double before = 0, peak = profile_peak(profile);
    uint64_t length = profile->length_ns == UINT64_MAX ? UINT64_C(3600000000000) : profile->length_ns;
    fuzz_require(profile->count > 0 && length > 0 && isfinite(peak) && peak > 0);
    for (unsigned i = 0; i <= SAMPLES; i++) {
        uint64_t offset = (uint64_t)((double)length / SAMPLES * i);
        double planned = profile_planned(profile, offset), rate = profile_rate(profile, offset);
        fuzz_require(isfinite(planned) && planned >= before - 1e-6 * before - 1e-9);
        fuzz_require(rate >= 0 && rate <= peak * (1 + 1e-9));
        double back = profile_offset_ns(profile, planned);
        fuzz_require(!isfinite(back) ||
                     fabs(profile_planned(profile, (uint64_t)back) - planned) <= 1e-6 * planned + 1e-3 + peak * 2e-9);
        before = planned;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct profile profile;
    size_t length;
    char *text = fuzz_rest(&input, &length), message[MESSAGE_SIZE] = "";
    if (fuzz_is_string(data, size)) {
        if (profile_parse(text, &profile, message) == 0) {
            check_profile(&profile);
            profile_close(&profile);
        } else
            fuzz_require(*message);
    }
    free(text);
    return 0;
}
