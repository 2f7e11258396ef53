/*
 * block: every cell once, in an order nobody chose, so that what drifts on the machine (heat, neighbours, caches) falls on all
 * strategies alike.
 */
#include "base/random.h"

#include "block.h"
#include "text.h"

#define SHUFFLE_STREAMS (UINT64_C(1) << 63) /* apart from the streams of the cells' seeds */

unsigned *block_shuffle(uint64_t seed, unsigned number, unsigned count)
{
    unsigned *order = memory_get(count * sizeof(*order));
    for (unsigned i = 0; i < count; i++)
        order[i] = i;
    struct random random;
    random_init_stream(&random, seed, SHUFFLE_STREAMS + number);
    random_shuffle(&random, order, count, sizeof(*order));
    return order;
}
