/*
 * Percent-encoded text, RFC 3986 2.1, a character at a time.
 */
#ifndef SERVICE_ESCAPE_H
#define SERVICE_ESCAPE_H

#include <stdbool.h>

#include "base/slice.h"

/*
 * Takes the first character off `text`, which is not empty: its value, 0..255. *escaped says that it was written as '%' and two
 * hexadecimal digits. -EINVAL: a '%' without them; then nothing is taken off.
 */
int escape_take(struct slice *text, bool *escaped);

#endif
