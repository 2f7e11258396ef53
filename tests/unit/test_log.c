/* Log lines: their form, their one write, and that nothing a client sends can steer a terminal. */
#include "support.h"

#include "base/log.h"

#include <errno.h>
#include <regex.h>
#include <stdio.h>

/* Everything logged between begin and end, read back from the pipe that stands for stderr. */
struct capture {
    int kept, pipe[2];
    char text[8192];
};

static void begin(struct capture *capture)
{
    capture->kept = dup(STDERR_FILENO);
    assert_true(capture->kept >= 0);
    assert_int_equal(pipe(capture->pipe), 0);
    assert_true(dup2(capture->pipe[1], STDERR_FILENO) >= 0);
}

static void end(struct capture *capture)
{
    ssize_t got;

    assert_true(dup2(capture->kept, STDERR_FILENO) >= 0);
    close(capture->kept);
    close(capture->pipe[1]);
    got = read(capture->pipe[0], capture->text, sizeof(capture->text) - 1);
    close(capture->pipe[0]);
    assert_true(got >= 0);
    capture->text[got] = '\0';
}

static void expect_match(const char *text, const char *pattern)
{
    regex_t regex;

    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    if (regexec(&regex, text, 0, NULL, 0) != 0)
        fail_msg("'%s' is not like %s", text, pattern);
    regfree(&regex);
}

static const struct log log_info = {"prog", LOG_INFO};

static void form_of_a_line(void **state)
{
    struct capture capture;
    char pattern[256];

    (void)state;
    begin(&capture);
    log_line(&log_info, LOG_INFO, "worker %d ended by signal %d", 2, 9);
    end(&capture);
    snprintf(pattern, sizeof(pattern),
             "^20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\\.[0-9]{3}Z prog\\[%ld\\] info: worker 2 ended by "
             "signal 9\n$",
             (long)getpid());
    expect_match(capture.text, pattern);
}

static void levels_above_are_dropped(void **state)
{
    struct capture capture;

    (void)state;
    begin(&capture);
    log_line(&log_info, LOG_DEBUG, "not this");
    log_line(&log_info, LOG_ERROR, "first");
    log_line(&log_info, LOG_WARN, "second");
    end(&capture);
    expect_match(capture.text, "^[^\n]* error: first\n[^\n]* warn: second\n$");
    assert_null(strstr(capture.text, "not this"));
}

static void controls_are_hidden(void **state)
{
    struct capture capture;

    (void)state;
    begin(&capture);
    log_line(&log_info, LOG_WARN, "path %s", "a\nb\033[2Jc\x7f\xc3\xa9");
    end(&capture);
    expect_match(capture.text, "warn: path a\\?b\\?\\[2Jc\\?\xc3\xa9\n$");
}

static void long_lines_are_cut(void **state)
{
    struct capture capture;

    (void)state;
    begin(&capture);
    log_line(&log_info, LOG_WARN, "%05000d", 0);
    end(&capture);
    assert_int_equal(strlen(capture.text), 1024);
    assert_int_equal(capture.text[1023], '\n');
}

/* Even where the line cannot be written: there is no stderr for a moment. */
static void errno_is_kept(void **state)
{
    int kept = dup(STDERR_FILENO), after;

    (void)state;
    assert_true(kept >= 0);
    close(STDERR_FILENO);
    errno = EMFILE;
    log_line(&log_info, LOG_WARN, "x");
    after = errno;
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    close(kept);
    assert_int_equal(after, EMFILE);
}

static void names_in_order(void **state)
{
    (void)state;
    assert_string_equal(log_level_names[LOG_ERROR], "error");
    assert_string_equal(log_level_names[LOG_DEBUG], "debug");
    assert_null(log_level_names[LOG_DEBUG + 1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(form_of_a_line),      cmocka_unit_test(levels_above_are_dropped),
        cmocka_unit_test(controls_are_hidden), cmocka_unit_test(long_lines_are_cut),
        cmocka_unit_test(errno_is_kept),       cmocka_unit_test(names_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
