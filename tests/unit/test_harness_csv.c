/* CSV: quotes, missing fields, files that are cut short. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/csv.h"

static char path[] = "/tmp/test-csv-XXXXXX";

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void open_text(struct csv *csv, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(csv_open(csv, path), 0);
}

static void test_fields(void **state)
{
    (void)state;
    struct csv csv;
    double number;
    open_text(&csv, "time_s,event,worker,text\n-1.5,fault,0,\"a \"\"b\"\", c\"\n2,,x\n");
    assert_true(csv_next(&csv));
    assert_true(csv_number(&csv, 0, &number) && number == -1.5);
    assert_string_equal(csv_text(&csv, 1), "fault");
    assert_string_equal(csv_text(&csv, 3), "a \"b\", c");
    assert_string_equal(csv_text(&csv, 4), "");
    assert_false(csv_number(&csv, 1, &number));
    assert_true(csv_next(&csv));
    assert_string_equal(csv_text(&csv, 1), "");
    assert_string_equal(csv_text(&csv, 2), "x");
    assert_string_equal(csv_text(&csv, 3), "");
    assert_false(csv_next(&csv));
    assert_false(csv_next(&csv));
    csv_close(&csv);
}

static void test_cut_files(void **state)
{
    (void)state;
    struct csv csv;
    double number;
    open_text(&csv, "");
    assert_false(csv_next(&csv));
    csv_close(&csv);
    open_text(&csv, "a,b");
    assert_false(csv_next(&csv));
    csv_close(&csv);
    open_text(&csv, "a,b\n1,\"half");
    assert_true(csv_next(&csv));
    assert_true(csv_number(&csv, 0, &number));
    assert_string_equal(csv_text(&csv, 1), "half");
    assert_false(csv_next(&csv));
    csv_close(&csv);
    open_text(&csv, "a\n,,,,,,,,,,,,,,,,,,,,,,,,,\nnan\n");
    assert_true(csv_next(&csv));
    assert_true(csv_next(&csv));
    assert_false(csv_number(&csv, 0, &number));
    csv_close(&csv);
    assert_int_equal(csv_open(&csv, "/tmp/no/such/file"), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fields), cmocka_unit_test(test_cut_files)};
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
