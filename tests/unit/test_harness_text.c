/* Running out of memory ends the program with one line and a status that no command gives another meaning. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/compare.h"
#include "harness/text.h"

static void ask_for_too_much(int to)
{
    volatile size_t size = PTRDIFF_MAX;
    if (dup2(to, STDERR_FILENO) < 0)
        _exit(99);
    free(memory_get(size));
    _exit(0);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    int ends[2], status;
    char line[128] = "";
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child)
        ask_for_too_much(ends[1]);
    close(ends[1]);
    assert_true(read(ends[0], line, sizeof(line) - 1) > 0);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), COMPARE_CANNOT); /* of compare 1 would say "worse" */
    assert_string_equal(line, "clusterbench: out of memory\n");
}

int main(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    puts("left out: a sanitizer does not let an allocation fail");
    (void)test_out_of_memory;
    return 0;
#else
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_out_of_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
#endif
}
