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
#include "harness/roster.h"

#define PATIENCE_NS (20 * CLOCK_NS_PER_S)

struct scene {
    pid_t pid;
    struct process top;
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
    scene->top.pid = scene->pid;
    assert_int_equal(schedule_parse(&scene->schedule, events, error), 0);
    timeline_open(&scene->timeline, clock_now_ns());
    scene->setting = (struct faults_setting){.schedule = &scene->schedule,
                                             .duration_ns = 3600 * CLOCK_NS_PER_S,
                                             .server = {.top = &scene->top},
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

/* ---- a server that cannot be asked: its workers are its children ---- */

enum { CHILDREN = 3, HUNG_UP = -1 };

static int family_tells; /* the family's end of the pipe */

static void tell(pid_t who)
{
    if (write(family_tells, &who, sizeof(who)) != (ssize_t)sizeof(who))
        _exit(1);
}

static void tell_of_signal(int signal_number)
{
    (void)signal_number;
    tell(HUNG_UP);
}

static void start_child(void)
{
    pid_t family = getpid(), child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (getppid() == family) /* it may have died before the line above could tell the kernel */
            pause();
        _exit(0);
    }
    tell(child);
}

/* Tells of every child it starts: three, and one for each that has ended; and of HUP. */
static void play_family(void)
{
    signal(SIGHUP, tell_of_signal);
    for (unsigned i = 0; i < CHILDREN; i++)
        start_child();
    for (;;)
        if (waitpid(-1, NULL, 0) > 0)
            start_child();
}

struct family {
    pid_t pid, children[CHILDREN];
    int heard; /* the test's end of the pipe */
};

static pid_t hear(const struct family *family)
{
    pid_t who;
    assert_int_equal(read(family->heard, &who, sizeof(who)), sizeof(who));
    return who;
}

static void begin_family(struct family *family)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    family->pid = fork();
    if (family->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        family_tells = ends[1];
        play_family();
    }
    assert_true(family->pid > 0);
    close(ends[1]);
    family->heard = ends[0];
    for (unsigned i = 0; i < CHILDREN; i++)
        family->children[i] = hear(family);
}

static void end_family(struct family *family)
{
    kill(family->pid, SIGKILL);
    waitpid(family->pid, NULL, 0);
    close(family->heard);
}

static void expect_places(const struct roster *roster, pid_t first, pid_t second, pid_t third)
{
    assert_int_equal(roster->count, CHILDREN);
    assert_int_equal(roster->pids[0], first);
    assert_int_equal(roster->pids[1], second);
    assert_int_equal(roster->pids[2], third);
}

/* Who was started instead of one that died has the place of the dead; all others keep theirs. */
static void test_places(void **state)
{
    (void)state;
    struct family family;
    struct roster roster, late;
    begin_family(&family);
    roster_open(&roster, CHILDREN);
    expect_places(&roster, 0, 0, 0);
    assert_int_equal(roster_look(&roster, family.pid), 0);
    expect_places(&roster, family.children[0], family.children[1], family.children[2]);
    assert_int_equal(kill(family.children[0], SIGKILL), 0);
    pid_t first = hear(&family);
    assert_int_equal(roster_look(&roster, family.pid), 0);
    expect_places(&roster, first, family.children[1], family.children[2]);
    assert_int_equal(kill(family.children[1], SIGKILL), 0);
    pid_t second = hear(&family);
    assert_int_equal(roster_look(&roster, family.pid), 0);
    expect_places(&roster, first, second, family.children[2]);
    roster_open(&late, 1); /* who looks only now, and has fewer places, sees the oldest */
    assert_int_equal(roster_look(&late, family.pid), 0);
    assert_int_equal(late.pids[0], family.children[2]);
    roster_close(&late);
    roster_close(&roster);
    end_family(&family);
}

static void begin_with_family(struct scene *scene, struct family *family, const char *events)
{
    begin(scene, events);
    faults_close(scene->faults);
    names_free(&scene->notes);
    text_replace(&scene->undone, NULL);
    timeline_close(&scene->timeline);
    begin_family(family);
    timeline_open(&scene->timeline, clock_now_ns());
    scene->top = (struct process){.pid = family->pid};
    scene->setting.server =
        (struct faults_server){.top = &scene->top, .workers = CHILDREN, .children = true, .reload_signal = SIGHUP};
    assert_int_equal(faults_open(&scene->faults, &scene->setting), 0);
}

static unsigned count_moments(const struct timeline *timeline, const char *event)
{
    unsigned count = 0;
    for (unsigned i = 0; i < timeline->moment_count; i++)
        count += !strcmp(timeline->moments[i].event, event);
    return count;
}

static const struct moment *first_moment(const struct timeline *timeline, const char *event)
{
    unsigned i = 0;
    while (i < timeline->moment_count && strcmp(timeline->moments[i].event, event) != 0)
        i++;
    assert_true(i < timeline->moment_count);
    return &timeline->moments[i];
}

/* Turns until there are so many moments of that kind. */
static void turn_until_told(struct scene *scene, const char *event, unsigned count)
{
    for (uint64_t deadline_ns = clock_now_ns() + PATIENCE_NS; clock_now_ns() < deadline_ns;) {
        if (count_moments(&scene->timeline, event) >= count)
            return;
        if (faults_next_ns(scene->faults) <= clock_now_ns())
            faults_turn(scene->faults);
    }
    fail_msg("there are %u moments of the kind %s, not %u", count_moments(&scene->timeline, event), event, count);
}

static void test_kills_a_child(void **state)
{
    (void)state;
    struct scene scene;
    struct family family;
    begin_with_family(&scene, &family, "at 60ms kill worker 1, at 61ms reload");
    turn_until_told(&scene, "fault", 2);
    pid_t told[2] = {hear(&family), hear(&family)};
    assert_true((told[0] == HUNG_UP) != (told[1] == HUNG_UP));
    assert_int_equal(kill(family.children[0], 0), 0);
    assert_int_equal(kill(family.children[1], 0), -1); /* waited for by its parent before that told of the next */
    assert_int_equal(kill(family.children[2], 0), 0);
    turn_until_told(&scene, "start", CHILDREN + 1);
    assert_int_equal(faults_close(scene.faults), 0);
    assert_int_equal(scene.notes.count, 0);
    const struct moment *kill_it = first_moment(&scene.timeline, "fault"), *gone = first_moment(&scene.timeline, "exit");
    assert_string_equal(kill_it->text, "kill worker 1");
    assert_string_equal(kill_it->worker, "1");
    assert_true(kill_it->at_s >= 0.06);
    assert_string_equal(gone->worker, "1");
    assert_true(gone->at_s >= kill_it->at_s);
    assert_int_equal(scene.timeline.life_count, CHILDREN + 1);
    const struct life *heir = &scene.timeline.lives[CHILDREN];
    assert_string_equal(heir->worker, "1");
    assert_int_equal(heir->number, 1);
    assert_int_equal(heir->generation, told[0] == HUNG_UP ? told[1] : told[0]);
    assert_true(scene.timeline.lives[1].end_s <= heir->start_s && scene.timeline.last_s >= heir->start_s);
    end_family(&family);
    end(&scene);
}

/* A server that was waited for has no number any more: whoever got it is left alone. */
static void test_a_server_that_has_ended(void **state)
{
    (void)state;
    struct scene scene;
    struct family family;
    begin_with_family(&scene, &family, "at 1ms reload, at 2ms kill worker 0, at 3ms kill server");
    scene.top.ended = true;
    turn_until_told(&scene, "fault-failed", 3);
    assert_int_equal(faults_close(scene.faults), 0);
    static const char *const notes[] = {"event at 1ms: reload: the server has ended",
                                        "event at 2ms: kill worker 0: there is no such process",
                                        "event at 3ms: kill server: the server has ended"};
    assert_int_equal(scene.notes.count, 3);
    for (unsigned i = 0; i < 3; i++)
        assert_true(names_hold(&scene.notes, notes[i]));
    assert_null(scene.undone);
    assert_int_equal(count_moments(&scene.timeline, "exit"), CHILDREN);
    assert_int_equal(kill(family.pid, 0), 0);
    assert_int_equal(kill(family.children[0], 0), 0);
    end_family(&family);
    end(&scene);
}

static void test_no_such_child(void **state)
{
    (void)state;
    struct scene scene;
    struct family family;
    begin_with_family(&scene, &family, "at 1ms kill worker 3, at 2ms scale 4");
    turn_until_told(&scene, "fault-failed", 2);
    assert_int_equal(faults_close(scene.faults), 0);
    assert_int_equal(scene.notes.count, 2);
    assert_string_equal(scene.notes.items[0], "event at 1ms: kill worker 3: there is no such process");
    assert_string_equal(scene.notes.items[1], "event at 2ms: scale 4: the server has no admin address");
    assert_non_null(scene.undone);
    end_family(&family);
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_goes_on_at_the_end),
        cmocka_unit_test(test_goes_on_when_the_harness_is_killed),
        cmocka_unit_test(test_slow_stops_and_goes_on),
        cmocka_unit_test(test_kills_the_top),
        cmocka_unit_test(test_says_what_could_not_be_done),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_kills_a_child),
        cmocka_unit_test(test_no_such_child),
        cmocka_unit_test(test_a_server_that_has_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
