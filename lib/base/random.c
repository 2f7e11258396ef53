/*
 * Seeded random numbers, the same on every machine: common random numbers are what makes two strategies comparable, and a
 * seed in a result is what makes it repeatable.
 *
 * Generator: xoshiro256** of D. Blackman and S. Vigna, "Scrambled Linear Pseudorandom Number Generators", 2018; its 256 bits of
 * state are filled by splitmix64 (Steele, Lea, Flood 2014), as its authors advise.
 */
#include "base/random.h"

#include <errno.h>
#include <math.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"

static uint64_t splitmix_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void random_init(struct random *random, uint64_t seed)
{
    int i;

    for (i = 0; i < 4; i++)
        random->state[i] = splitmix_next(&seed);
}

/* Both numbers go through the mixer before they meet, so that (1, 2) and (2, 1) or neighbouring streams have nothing in common. */
void random_init_stream(struct random *random, uint64_t seed, uint64_t stream)
{
    uint64_t mixed_seed = splitmix_next(&seed);

    stream ^= mixed_seed;
    random_init(random, mixed_seed ^ splitmix_next(&stream));
}

static uint64_t rotate_left(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

uint64_t random_next(struct random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

double random_unit(struct random *random)
{
    return (double)(random_next(random) >> 11) * 0x1.0p-53;
}

/* D. Lemire, "Fast Random Integer Generation in an Interval", 2019: multiply, and draw again only where the low half is biased. */
uint64_t random_below(struct random *random, uint64_t bound)
{
    unsigned __int128 product = (unsigned __int128)random_next(random) * bound;

    if ((uint64_t)product < bound) {
        uint64_t biased = -bound % bound;

        while ((uint64_t)product < biased)
            product = (unsigned __int128)random_next(random) * bound;
    }
    return (uint64_t)(product >> 64);
}

double random_exponential(struct random *random)
{
    return -log1p(-random_unit(random));
}

/* Marsaglia's polar method; the second of the pair is thrown away, so that the sequence has no hidden state. */
double random_normal(struct random *random)
{
    double x, y, square;

    do {
        x = 2 * random_unit(random) - 1;
        y = 2 * random_unit(random) - 1;
        square = x * x + y * y;
    } while (square >= 1 || square == 0);
    return x * sqrt(-2 * log(square) / square);
}

static void swap_bytes(unsigned char *a, unsigned char *b, unsigned size)
{
    unsigned i;

    for (i = 0; i < size; i++) {
        unsigned char kept = a[i];

        a[i] = b[i];
        b[i] = kept;
    }
}

void random_shuffle(struct random *random, void *elements, unsigned count, unsigned size)
{
    unsigned char *bytes = elements;
    size_t left;

    for (left = count; left > 1; left--)
        swap_bytes(bytes + (left - 1) * size, bytes + random_below(random, left) * size, size);
}

/* Without getrandom (a sandbox may refuse it) time and pid must do: a seed has to differ, not to be secret. */
uint64_t random_seed(void)
{
    uint64_t seed;
    ssize_t got;

    do
        got = getrandom(&seed, sizeof(seed), 0);
    while (got < 0 && errno == EINTR);
    if (got == (ssize_t)sizeof(seed))
        return seed;
    seed = clock_now_ns() ^ ((uint64_t)getpid() << 32);
    return splitmix_next(&seed);
}
