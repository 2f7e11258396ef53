/*
 * Seeded random numbers: xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64. The same seed gives the same
 * sequence on every machine; nothing here is for secrets.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state[4];
};

void random_init(struct random *random, uint64_t seed);

/* An independent stream: the same (seed, stream) gives the same sequence. One a thread, one a purpose. */
void random_init_stream(struct random *random, uint64_t seed, uint64_t stream);

uint64_t random_next(struct random *random);

/* Uniform on [0, 1), 53 bits. */
double random_unit(struct random *random);

/* Uniform on 0 .. bound-1 without modulo bias (Lemire 2019); bound > 0. */
uint64_t random_below(struct random *random, uint64_t bound);

/* Exponential with mean 1; standard normal (polar method, no state kept between calls). */
double random_exponential(struct random *random);
double random_normal(struct random *random);

/* In-place Fisher-Yates shuffle of `count` elements of `size` bytes. */
void random_shuffle(struct random *random, void *elements, unsigned count, unsigned size);

/* A seed from the kernel for runs that were given none. getrandom(2) */
uint64_t random_seed(void);

#endif
