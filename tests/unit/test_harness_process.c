/* Programs started by the harness: what they say, how long they may take, and that nothing of them stays. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "harness/process.h"
#include "harness/tree.h"

static struct custody custody;

static int open_custody(void **state)
{
    (void)state;
    return custody_open(&custody);
}

static int close_custody(void **state)
{
    (void)state;
    custody_close(&custody);
    return 0;
}

static uint64_t in_seconds(unsigned seconds)
{
    return clock_now_ns() + seconds * CLOCK_NS_PER_S;
}

static void start_shell(struct process *process, const char *script)
{
    char *argv[] = {(char *)"sh", (char *)"-c", (char *)(uintptr_t)script, NULL};
    struct process_spec spec = {.argv = argv, .keep_output = true};
    assert_int_equal(process_start(&custody, process, &spec), 0);
}

static void test_missing_program(void **state)
{
    (void)state;
    char *argv[] = {(char *)"/nonexistent/program", NULL};
    struct process_spec spec = {.argv = argv};
    struct process process;
    assert_int_equal(process_start(&custody, &process, &spec), -ENOENT);
}

static void test_line_and_end(void **state)
{
    (void)state;
    struct process process;
    char line[64];
    start_shell(&process, "echo ready here; exit 7");
    assert_int_equal(process_read_line(&custody, &process, line, sizeof(line), in_seconds(10)), 10);
    assert_string_equal(line, "ready here");
    assert_int_equal(process_read_line(&custody, &process, line, sizeof(line), in_seconds(10)), -EPIPE);
    assert_int_equal(process_wait(&custody, &process, in_seconds(10), HEED_SIGNALS), 0);
    char *end = process_describe_end(&process);
    assert_string_equal(end, "ended with status 7");
    free(end);
    process_stop(&custody, &process, 0);
}

static void test_line_that_never_comes(void **state)
{
    (void)state;
    struct process process;
    char line[8];
    start_shell(&process, "read never");
    assert_int_equal(process_wait(&custody, &process, in_seconds(10), HEED_SIGNALS), 0); /* stdin is /dev/null */
    process_stop(&custody, &process, 0);
    start_shell(&process, "exec tail -f /dev/null");
    assert_int_equal(process_read_line(&custody, &process, line, sizeof(line), clock_now_ns() + CLOCK_NS_PER_MS), -ETIMEDOUT);
    assert_int_equal(process_wait(&custody, &process, clock_now_ns(), HEED_SIGNALS), -ETIMEDOUT);
    assert_true(process_stop(&custody, &process, 10 * CLOCK_NS_PER_S)); /* TERM is enough */
    start_shell(&process, "echo 123456789");
    assert_int_equal(process_read_line(&custody, &process, line, sizeof(line), in_seconds(10)), -EMSGSIZE);
    process_stop(&custody, &process, CLOCK_NS_PER_S);
}

static void test_deaf_to_term(void **state)
{
    (void)state;
    struct process process;
    char line[16];
    start_shell(&process, "trap '' TERM; echo deaf; exec tail -f /dev/null");
    assert_int_equal(process_read_line(&custody, &process, line, sizeof(line), in_seconds(10)), 4);
    assert_false(process_stop(&custody, &process, CLOCK_NS_PER_MS));
    assert_true(WIFSIGNALED(process.status) && WTERMSIG(process.status) == SIGKILL);
}

static void test_orphans_are_found(void **state)
{
    (void)state;
    struct process process;
    struct tree tree = {0};
    char line[16];
    start_shell(&process, "setsid tail -f /dev/null > /dev/null & echo $!");
    assert_true(process_read_line(&custody, &process, line, sizeof(line), in_seconds(10)) > 0);
    assert_int_equal(process_wait(&custody, &process, in_seconds(10), HEED_SIGNALS), 0);
    process_stop(&custody, &process, 0);
    assert_int_equal(tree_descendants(getpid(), &tree), 0);
    assert_int_equal(tree.count, 1); /* it came to us */
    assert_int_equal(tree.pids[0], atoi(line));
    assert_int_equal(custody_clear(&custody, 0), 1);
    assert_int_equal(tree_descendants(getpid(), &tree), 0);
    assert_int_equal(tree.count, 0);
    assert_int_equal(custody_clear(&custody, 0), 0);
    tree_free(&tree);
}

static void test_signals_interrupt_waits(void **state)
{
    (void)state;
    struct process process;
    start_shell(&process, "exec tail -f /dev/null");
    assert_int_equal(raise(SIGTERM), 0);
    assert_int_equal(process_wait(&custody, &process, in_seconds(10), HEED_SIGNALS), -EINTR);
    assert_int_equal(custody.interrupted_by, SIGTERM);
    process_stop(&custody, &process, 0);
    assert_true(process.ended);
    custody.interrupted_by = 0;
}

static void test_capture(void **state)
{
    (void)state;
    char *good[] = {(char *)"echo", (char *)"version 1", NULL}, *bad[] = {(char *)"false", NULL};
    char *text = process_capture(&custody, good);
    assert_string_equal(text, "version 1\n");
    free(text);
    assert_null(process_capture(&custody, bad));
}

/* A server that forks for each request costs what its dead children took. */
static void test_usage_of_the_dead(void **state)
{
    (void)state;
    struct tree_usage before, after;
    int status;
    assert_int_equal(tree_cpu(getpid(), &before), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        uint64_t begin_ns = clock_thread_cpu_ns();
        while (clock_thread_cpu_ns() - begin_ns < 60 * CLOCK_NS_PER_MS)
            ;
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(tree_cpu(getpid(), &after), 0);
    assert_true(after.cpu_ns - before.cpu_ns >= 30 * CLOCK_NS_PER_MS); /* by sampling: a tick or two may be missed */
    assert_int_equal(after.processes, 1);
}

static void test_usage_of_a_tree(void **state)
{
    (void)state;
    struct tree_usage before, after;
    assert_int_equal(tree_cpu(getpid(), &before), 0);
    uint64_t begin_ns = clock_thread_cpu_ns();
    while (clock_thread_cpu_ns() - begin_ns < 20 * CLOCK_NS_PER_MS)
        ;
    assert_int_equal(tree_cpu(getpid(), &after), 0);
    assert_true(after.cpu_ns - before.cpu_ns >= 10 * CLOCK_NS_PER_MS); /* a tick less where there is no schedstat */
    assert_int_equal(after.processes, 1);
    assert_true(after.identity == before.identity);
    assert_int_equal(tree_memory(getpid(), &after), 0);
    assert_true(after.pss_bytes > 0);
    assert_int_equal(tree_cpu(999999999, &after), -ESRCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missing_program),
        cmocka_unit_test(test_line_and_end),
        cmocka_unit_test(test_line_that_never_comes),
        cmocka_unit_test(test_deaf_to_term),
        cmocka_unit_test(test_orphans_are_found),
        cmocka_unit_test(test_signals_interrupt_waits),
        cmocka_unit_test(test_capture),
        cmocka_unit_test(test_usage_of_a_tree),
        cmocka_unit_test(test_usage_of_the_dead),
    };
    return cmocka_run_group_tests(tests, open_custody, close_custody);
}
