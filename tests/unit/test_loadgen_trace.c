/* Arrivals from a file: what is a time, what is passed over, and which line is to blame. */
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "loadgen/loadgen.h"
#include "loadgen/plan/plan.h"

static char path[] = "/tmp/loadgen-trace-XXXXXX";

static void write_file(const char *text, size_t length)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, length, out), length);
    assert_int_equal(fclose(out), 0);
}

static void test_times(void **state)
{
    (void)state;
    static const char text[] = "# seconds, and times with their unit\n"
                               "0\n"
                               "\n"
                               "  0.0125\n"
                               "12.5ms   # the same moment again\r\n"
                               "1.5e-2\n"
                               "0.30000000000000004\n"
                               "400000us\n"
                               "\t1s\n"
                               "0.02m\n"
                               "#\n"
                               "24h";
    static const uint64_t expected[] = {0,         12500000,   12500000,   15000000,      300000000,
                                        400000000, 1000000000, 1200000000, 86400000000000};
    struct trace trace;
    char message[MESSAGE_SIZE] = "";
    write_file(text, sizeof(text) - 1);
    if (trace_read(path, &trace, message) != 0)
        fail_msg("%s", message);
    assert_int_equal(trace.count, LENGTH_OF(expected));
    for (unsigned i = 0; i < LENGTH_OF(expected); i++)
        assert_int_equal(trace.offsets_ns[i], expected[i]);
    trace_close(&trace);
    assert_int_equal(trace.count, 0);
}

static void test_many(void **state)
{
    (void)state;
    enum { COUNT = 300000 };
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    for (unsigned i = 0; i < COUNT; i++)
        fprintf(out, "%u.%06u\n", i / 1000, i % 1000 * 1000);
    assert_int_equal(fclose(out), 0);
    struct trace trace;
    char message[MESSAGE_SIZE];
    assert_int_equal(trace_read(path, &trace, message), 0);
    assert_int_equal(trace.count, COUNT);
    for (uint64_t i = 0; i < COUNT; i++)
        assert_int_equal(trace.offsets_ns[i], i * 1000000);
    trace_close(&trace);
}

static void expect_refused(const char *text, size_t length, const char *says)
{
    struct trace trace;
    char message[MESSAGE_SIZE] = "", expected[MESSAGE_SIZE];
    write_file(text, length);
    snprintf(expected, sizeof(expected), "%s%s", *says == ':' ? path : "", says);
    if (trace_read(path, &trace, message) != -EINVAL || !strstr(message, expected) || strchr(message, '\n'))
        fail_msg("'%s', not '%s'", message, expected);
    assert_null(trace.offsets_ns);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"0\n1\nsoon\n", ":3: 'soon' is not a time; use seconds since the start (0.0125) or a time with its unit (12.5ms)"},
        {"0\n\n# x\n-1\n", ":4: '-1' is not a time"},
        {"+1\n", ":1: '+1' is not a time"},
        {"nan\n", ":1: 'nan' is not a time"},
        {"inf\n", ":1: 'inf' is not a time"},
        {"0x10\n", ":1: '0x10' is not a time"},
        {"1 2\n", ":1: '1 2' is not a time"},
        {"1 s\n", ":1: '1 s' is not a time"},
        {"1,5\n", ":1: '1,5' is not a time"},
        {"1.5.2\n", ":1: '1.5.2' is not a time"},
        {"1d\n", ":1: '1d' is not a time"},
        {"1e\n", ":1: '1e' is not a time"},
        {"1e999\n", ":1: '1e999' is too late; use times up to 24h"},
        {"86400.1\n", ":1: '86400.1' is too late"},
        {"0.5\n0.499999999\n", ":2: '0.499999999' is earlier than the time before it; use ascending times"},
        {"0.5\n1ms\n", ":2: '1ms' is earlier"},
        {"1\x1b[2J\n", ":1: '1?[2J' is not a time"},
        {"0.00000000000000000000000000000000000000000000000000000000000000000001\n", "' is not a time"},
        {"", "has no times; use one a line"},
        {"# nothing\n\n \n", "has no times"},
    };
    for (unsigned i = 0; i < LENGTH_OF(rows); i++)
        expect_refused(rows[i].text, strlen(rows[i].text), rows[i].says);
    expect_refused("1\n\0\n", 4, ":2: '?' is not a time");
}

static void test_unreadable(void **state)
{
    (void)state;
    struct trace trace;
    char message[MESSAGE_SIZE] = "";
    assert_int_equal(trace_read("/no/such/file", &trace, message), -ENOENT);
    assert_non_null(strstr(message, "'/no/such/file' cannot be opened: No such file"));
    assert_int_equal(trace_read("/tmp", &trace, message), -EISDIR);
    assert_non_null(strstr(message, "'/tmp' cannot be read: Is a directory"));
    assert_int_equal(trace_read("/dev/zero", &trace, message), -EINVAL); /* one line without end */
    assert_non_null(strstr(message, "/dev/zero:1: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_times), cmocka_unit_test(test_many), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_unreadable)};
    int fd = mkstemp(path);
    if (fd < 0 || close(fd) != 0)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return unlink(path) == 0 ? failed : 1;
}
