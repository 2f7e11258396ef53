/*
 * Writing until all is written: write(2) is replaced by one that takes little, is interrupted, and fails when it is told to.
 */
#include "support.h"

#include <errno.h>
#include <stdbool.h>

#include "base/file.h"

ssize_t __wrap_write(int fd, const void *text, size_t length);

static struct {
    size_t at_once;      /* the most it takes */
    unsigned interrupts; /* every so many calls is one, 0 for none */
    unsigned fail_at;    /* the call that fails with ENOSPC, from 1 on; 0 for none */
    bool stuck;          /* takes nothing */
    unsigned calls;
    size_t largest; /* piece it was offered */
    char taken[256];
    size_t length;
} kernel;

ssize_t __wrap_write(int fd, const void *text, size_t length)
{
    (void)fd;
    kernel.calls++;
    if (length > kernel.largest)
        kernel.largest = length;
    if (kernel.interrupts && kernel.calls % kernel.interrupts == 0)
        return errno = EINTR, -1;
    if (kernel.fail_at == kernel.calls)
        return errno = ENOSPC, -1;
    size_t taken = kernel.stuck ? 0 : length < kernel.at_once ? length : kernel.at_once;
    assert_true(kernel.length + taken <= sizeof kernel.taken);
    memcpy(kernel.taken + kernel.length, text, taken);
    kernel.length += taken;
    return (ssize_t)taken;
}

static const char text[] = "0123456789abcdefghijklmnopqrstuvwxyz";
#define LENGTH (sizeof text - 1)

static void begin(size_t at_once)
{
    memset(&kernel, 0, sizeof kernel);
    kernel.at_once = at_once;
}

static void expect_all(void)
{
    assert_int_equal(kernel.length, LENGTH);
    assert_memory_equal(kernel.taken, text, LENGTH);
}

static void test_one_call_when_all_is_taken(void **state)
{
    unsigned writes = 0;
    (void)state;
    begin(LENGTH);
    assert_int_equal(file_write(1, text, LENGTH, LENGTH, &writes), 0);
    assert_int_equal(kernel.calls, 1);
    assert_int_equal(writes, 1);
    expect_all();
}

static void test_short_writes_are_completed(void **state)
{
    (void)state;
    for (size_t at_once = 1; at_once <= LENGTH; at_once++) {
        unsigned writes = 5;
        begin(at_once);
        kernel.interrupts = 3;
        assert_int_equal(file_write(1, text, LENGTH, LENGTH, &writes), 0);
        assert_int_equal(writes, 5 + (LENGTH + at_once - 1) / at_once); /* added to what was there */
        expect_all();
    }
}

static void test_pieces(void **state)
{
    unsigned writes = 0;
    (void)state;
    begin(LENGTH);
    assert_int_equal(file_write(1, text, LENGTH, 10, &writes), 0);
    assert_int_equal(writes, 4);
    assert_int_equal(kernel.largest, 10);
    expect_all();
}

static void test_failures(void **state)
{
    unsigned writes = 0;
    (void)state;
    begin(10);
    kernel.fail_at = 3;
    assert_int_equal(file_write(1, text, LENGTH, LENGTH, &writes), -ENOSPC);
    assert_int_equal(writes, 2);
    begin(10);
    kernel.stuck = true;
    assert_int_equal(file_write(1, text, LENGTH, LENGTH, &writes), -EIO);
    assert_int_equal(file_write(1, text, 0, LENGTH, &writes), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_call_when_all_is_taken),
        cmocka_unit_test(test_short_writes_are_completed),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
