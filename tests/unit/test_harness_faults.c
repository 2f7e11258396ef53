/* Faults on a process of the test's own: it is stopped and goes on, whatever the way it ends. No HTTP here: that is end to end. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "harness/faults.h"

#define PATIENCE_NS (20 * CLOCK_NS_PER_S)

struct scene {
    pid_t pid;
    struct schedule schedule;
    struct timeline timeline;
    struct names notes;
    char *undone;
    struct faults_setting setting;
    struct faults *faults;
};

static void begin(struct scene *scene, const char *events)
{
    char error[SCHEDULE_ERROR_SIZE];
    *scene = (struct scene){.pid = fork()};
    if (scene->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    assert_true(scene->pid > 0);
    assert_int_equal(schedule_parse(&scene->schedule, events, error), 0);
    timeline_open(&scene->timeline, clock_now_ns());
    scene->setting = (struct faults_setting){.schedule = &scene->schedule,
                                             .duration_ns = 3600 * CLOCK_NS_PER_S,
                                             .server = scene->pid,
                                             .timeline = &scene->timeline,
                                             .notes = &scene->notes,
                                             .undone = &scene->undone};
    assert_int_equal(faults_open(&scene->faults, &scene->setting), 0);
}

static void end(struct scene *scene)
{
    kill(scene->pid, SIGKILL);
    waitpid(scene->pid, NULL, 0);
    schedule_free(&scene->schedule);
    timeline_close(&scene->timeline);
    names_free(&scene->notes);
    free(scene->undone);
}

/* It goes on, or has; waited for with patience. */
static void expect_running(const struct scene *scene)
{
    int status = 0;
    pid_t told = 0;
    for (uint64_t deadline_ns = clock_now_ns() + PATIENCE_NS; !told && clock_now_ns() < deadline_ns;)
        told = waitpid(scene->pid, &status, WCONTINUED | WNOHANG);
    assert_int_equal(told, scene->pid);
    assert_true(WIFCONTINUED(status));
}

/* Turns until the process has come into a state that waitpid(2) tells with `options`. Its status. */
static int turn_until(struct scene *scene, int options)
{
    int status = 0;
    for (uint64_t deadline_ns = clock_now_ns() + PATIENCE_NS; clock_now_ns() < deadline_ns;) {
        if (waitpid(scene->pid, &status, options | WNOHANG) == scene->pid)
            return status;
        if (faults_next_ns(scene->faults) <= clock_now_ns())
            faults_turn(scene->faults);
    }
    fail_msg("nothing happened to the process");
    return 0;
}

static void test_goes_on_at_the_end(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, "at 1ms stop server");
    assert_true(WIFSTOPPED(turn_until(&scene, WUNTRACED)));
    assert_int_equal(faults_close(scene.faults), 0);
    expect_running(&scene);
    assert_int_equal(scene.timeline.moment_count, 2);
    assert_string_equal(scene.timeline.moments[0].event, "fault");
    assert_true(scene.timeline.moments[0].at_s >= 0.001);
    assert_string_equal(scene.timeline.moments[1].event, "fault-end");
    assert_int_equal(scene.notes.count, 0);
    end(&scene);
}

/* A process that plays the harness: it does what is due until it is killed. */
static pid_t start_keeper(struct scene *scene)
{
    pid_t keeper = fork();
    if (keeper == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            if (faults_next_ns(scene->faults) <= clock_now_ns())
                faults_turn(scene->faults);
    }
    assert_true(keeper > 0);
    return keeper;
}

/* Nobody is left who would: a peer that stands still cannot take the TERM that the kernel sends it. */
static void test_goes_on_when_the_harness_is_killed(void **state)
{
    (void)state;
    struct scene scene;
    int status;
    begin(&scene, "at 1ms stop server");
    pid_t keeper = start_keeper(&scene);
    assert_int_equal(waitpid(scene.pid, &status, WUNTRACED), scene.pid);
    assert_true(WIFSTOPPED(status));
    assert_int_equal(kill(keeper, SIGKILL), 0);
    assert_int_equal(waitpid(keeper, NULL, 0), keeper);
    expect_running(&scene);
    faults_close(scene.faults);
    end(&scene);
}

static void test_slow_stops_and_goes_on(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, "at 1ms slow server x4 for 200ms");
    assert_true(WIFSTOPPED(turn_until(&scene, WUNTRACED)));
    assert_true(WIFCONTINUED(turn_until(&scene, WCONTINUED)));
    assert_true(WIFSTOPPED(turn_until(&scene, WUNTRACED))); /* a second time */
    while (faults_next_ns(scene.faults) != UINT64_MAX)
        if (faults_next_ns(scene.faults) <= clock_now_ns())
            faults_turn(scene.faults);
    assert_true(WIFCONTINUED(turn_until(&scene, WCONTINUED)));
    assert_int_equal(waitpid(scene.pid, NULL, WUNTRACED | WNOHANG), 0);
    assert_string_equal(scene.timeline.moments[1].event, "fault-end");
    assert_true(scene.timeline.moments[1].at_s >= 0.201);
    faults_close(scene.faults);
    end(&scene);
}

static void test_kills_the_top(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, "at 1ms kill server, at 300ms stop server for 1ms");
    int status = turn_until(&scene, 0);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    while (faults_next_ns(scene.faults) != UINT64_MAX)
        if (faults_next_ns(scene.faults) <= clock_now_ns())
            faults_turn(scene.faults);
    assert_int_equal(scene.notes.count, 1);
    assert_string_equal(scene.notes.items[0], "event at 300ms: stop server for 1ms: the server has ended");
    assert_true(faults_close(scene.faults) >= scene.timeline.begin_ns + CLOCK_NS_PER_MS);
    assert_null(scene.undone); /* nobody was spared anything */
    end(&scene);
}

static void test_says_what_could_not_be_done(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, "at 1ms stop worker 0, at 2ms reload, at 30m kill server");
    for (uint64_t deadline_ns = clock_now_ns() + PATIENCE_NS; scene.notes.count < 2 && clock_now_ns() < deadline_ns;)
        if (faults_next_ns(scene.faults) <= clock_now_ns())
            faults_turn(scene.faults);
    assert_int_equal(faults_close(scene.faults), 0);
    static const char *const notes[] = {"event at 1ms: stop worker 0: the server has no admin address",
                                        "event at 2ms: reload: the server has no admin address",
                                        "event at 30m: kill server: the load was over before"};
    assert_int_equal(scene.notes.count, 3);
    for (unsigned i = 0; i < 3; i++)
        assert_string_equal(scene.notes.items[i], notes[i]);
    assert_string_equal(scene.undone, "the event at 1ms was not carried out: stop worker 0: the server has no admin address");
    assert_int_equal(waitpid(scene.pid, NULL, WNOHANG), 0); /* it lives */
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_goes_on_at_the_end),          cmocka_unit_test(test_goes_on_when_the_harness_is_killed),
        cmocka_unit_test(test_slow_stops_and_goes_on),      cmocka_unit_test(test_kills_the_top),
        cmocka_unit_test(test_says_what_could_not_be_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
