/*
 * What every unit test needs: cmocka with the headers it wants before it, and text whose end lies at a guard page, so that
 * a parser that looks at one byte more than it was given is ended by the kernel.
 */
#ifndef TESTS_UNIT_SUPPORT_H
#define TESTS_UNIT_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define LENGTH_OF(array) (sizeof(array) / sizeof((array)[0]))

struct guarded {
    char *text; /* `length` bytes, then the guard page; no NUL */
    size_t length, mapped;
    char *pages;
};

static inline void guarded_init(struct guarded *guarded, const char *text, size_t length)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (length / page + 1) * page;

    guarded->mapped = room + page;
    guarded->pages = mmap(NULL, guarded->mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(guarded->pages != MAP_FAILED);
    assert_int_equal(mprotect(guarded->pages + room, page, PROT_NONE), 0);
    guarded->text = guarded->pages + room - length;
    guarded->length = length;
    memcpy(guarded->text, text, length);
}

static inline void guarded_close(struct guarded *guarded)
{
    assert_int_equal(munmap(guarded->pages, guarded->mapped), 0);
}

#endif
