/*
 * Dates. Input: the text. What is taken for a date is the same date when it is written and read again.
 */
#include <stdlib.h>

#include "http/date.h"
#include "tests/fuzz/fuzz.h"

#define NOW 1763800000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    size_t length;
    char *text = fuzz_rest(&input, &length), written[HTTP_DATE_SIZE];
    time_t date, back;
    if (http_date_parse((struct slice){text, length}, NOW, &date) == 0) {
        http_date_write(date, written);
        fuzz_require(http_date_parse(slice_of(written), NOW, &back) == 0);
        fuzz_require(back == date || date >= 253402300800); /* a leap second at the end of the year 9999 */
    }
    free(text);
    return 0;
}
