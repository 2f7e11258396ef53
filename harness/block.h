/* The order of the cells of a block. */
#ifndef HARNESS_BLOCK_H
#define HARNESS_BLOCK_H

#include <stdint.h>

/* A permutation of 0..count-1 from the run's seed and the block's number (1..): the same seed gives the same orders, and each block
 * its own. The caller frees. */
unsigned *block_shuffle(uint64_t seed, unsigned number, unsigned count);

#endif
