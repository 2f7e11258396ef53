/*
 * What the fuzz targets share. A target is a file NAME.c with LLVMFuzzerTestOneInput, its first inputs are in corpus/NAME/.
 *
 * Two programs are made of it: with clang and -DFUZZ=ON one that looks for new inputs (`make fuzz`), with any compiler one that
 * runs the inputs it is given once (`make test`), so that targets cannot rot and what was found once stays mended.
 *
 * A target does not only wait for sanitizers to complain: it says what must hold, by comparing with a second way to the same
 * answer (the whole instead of pieces, memmem, zlib) or by a rule of the module's header.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program where something does not hold, saying what. */
#define fuzz_require(holds)                        \
    do {                                           \
        if (!(holds))                              \
            fuzz_fail(__FILE__, __LINE__, #holds); \
    } while (0)

_Noreturn void fuzz_fail(const char *file, int line, const char *what);

/* An input that is taken apart from its beginning. */
struct fuzz_input {
    const uint8_t *at;
    size_t left;
};

uint8_t fuzz_byte(struct fuzz_input *input); /* 0 when there is none left */
/* The text before the next newline, without it; a string of its own, which the caller frees. */
char *fuzz_line(struct fuzz_input *input);
/* All that is left; NUL behind it, the caller frees. A copy of its exact size, so that sanitizers see who reads past its end. */
char *fuzz_rest(struct fuzz_input *input, size_t *length);
bool fuzz_is_string(const uint8_t *data, size_t size); /* no NUL in it */

/* Where the next cut is, 1..left: from two bytes of the input, so that the fuzzer can choose. */
struct fuzz_cuts {
    uint32_t state;
};
size_t fuzz_cut(struct fuzz_cuts *cuts, size_t left);

/* A file of these bytes under a name for open(2); both end with fuzz_close_file. */
struct fuzz_file {
    int fd;
    char path[32];
};
void fuzz_open_file(struct fuzz_file *file, const char *text, size_t length);
void fuzz_close_file(struct fuzz_file *file);

/* A message: there is one, and it is one line. */
bool fuzz_is_message(const char *message);

#endif
