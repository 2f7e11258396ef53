/*
 * What /metrics says of a primary made by hand; and the strict reader that judges it, shown texts with one mistake each.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cluster/admin.h"
#include "tests/contract/exposition.h"

/* ---- a primary without a loop: places, lives and a scoreboard ---- */

struct fixture {
    struct primary *primary;
    struct life lives[4];
    unsigned life_count;
    char *text;
};

static const struct strategy strategy = {.name = "made-up", .place = PROCESSES};

static struct place *make_place(struct fixture *fixture, enum worker_role role, unsigned index)
{
    struct place *place = &fixture->primary->places[role == ROLE_FRONT ? WORKERS_MAX + index : index];
    *place = (struct place){.primary = fixture->primary, .role = role, .index = index, .open = true, .wanted = true};
    list_init(&place->lives);
    return place;
}

static struct life *make_life(struct fixture *fixture, struct place *place, enum life_state state)
{
    struct life *life = &fixture->lives[fixture->life_count++];
    *life = (struct life){.primary = fixture->primary, .place = place, .state = state};
    life->slot = scoreboard_take(fixture->primary->scoreboard, place->role, place->index, place->lives_begun++);
    life->slot->pid = getpid();
    list_append(&place->lives, &life->link);
    return life;
}

/* Worker 0 serves; worker 1 is being replaced; worker 2 was given up; front 0 serves. */
static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    int fd;
    fixture->primary = calloc(1, sizeof *fixture->primary);
    fixture->primary->strategy = &strategy;
    fixture->primary->worker_count = 3;
    fixture->primary->front_count = 1;
    assert_int_equal(scoreboard_create(&fixture->primary->scoreboard, &fd), 0);
    close(fd);
    struct place *place = make_place(fixture, ROLE_WORKER, 0);
    place->current = make_life(fixture, place, LIFE_READY);
    place = make_place(fixture, ROLE_WORKER, 1);
    make_life(fixture, place, LIFE_DRAINING);
    place->current = make_life(fixture, place, LIFE_READY);
    place = make_place(fixture, ROLE_WORKER, 2);
    place->errored = true;
    place->restarts = 7;
    place = make_place(fixture, ROLE_FRONT, 0);
    place->current = make_life(fixture, place, LIFE_READY);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    scoreboard_unmap(fixture->primary->scoreboard);
    free(fixture->primary);
    free(fixture->text);
    free(fixture);
    return 0;
}

static const char *print(struct fixture *fixture)
{
    size_t length;
    free(fixture->text);
    FILE *out = open_memstream(&fixture->text, &length);
    assert_non_null(out);
    metrics_print(fixture->primary, out);
    assert_int_equal(fclose(out), 0);
    return fixture->text;
}

static void assert_has(const char *text, const char *line)
{
    if (!strstr(text, line))
        fail_msg("'%s' is not in\n%s", line, text);
}

/* ---- metrics ---- */

static void the_text_keeps_the_format(void **state)
{
    char why[EXPOSITION_WHY_SIZE] = "";
    const char *text = print(*state);
    if (!exposition_check(text, why))
        fail_msg("%s\n%s", why, text);
}

static void places_and_reloads_are_told(void **state)
{
    struct fixture *fixture = *state;
    fixture->primary->reload = (struct reload){.running = true, .done = 4, .aborted = 2};
    const char *text = print(fixture);
    assert_has(text, "\nclusterbench_workers_wanted 3\n");
    assert_has(text, "\nclusterbench_worker_ready{worker=\"0\",role=\"worker\"} 1\n");
    assert_has(text, "\nclusterbench_worker_ready{worker=\"2\",role=\"worker\"} 0\n");
    assert_has(text, "\nclusterbench_worker_ready{worker=\"0\",role=\"front\"} 1\n");
    assert_has(text, "\nclusterbench_worker_errored{worker=\"2\",role=\"worker\"} 1\n");
    assert_has(text, "\nclusterbench_worker_restarts_total{worker=\"2\",role=\"worker\"} 7\n");
    assert_has(text, "\nclusterbench_reload_running 1\n");
    assert_has(text, "\nclusterbench_reloads_total{result=\"done\"} 4\n");
    assert_has(text, "\nclusterbench_reloads_total{result=\"aborted\"} 2\n");
}

/* Two lives in one place are one series, and it does not fall when one of them ends. */
static void a_place_is_one_series(void **state)
{
    struct fixture *fixture = *state;
    struct life *old = &fixture->lives[1], *new = &fixture->lives[2];
    counter_add(&old->slot->counters.requests, 70);
    counter_add(&old->slot->counters.active, 5);
    counter_add(&new->slot->counters.requests, 3);
    timings_note(&old->slot->timings, 1000, 70);
    const char *text = print(fixture);
    assert_has(text, "\nclusterbench_requests_total{worker=\"1\",role=\"worker\"} 73\n");
    assert_has(text, "\nclusterbench_connections_active{worker=\"1\",role=\"worker\"} 5\n");
    list_remove(&old->link);
    scoreboard_retire(fixture->primary->scoreboard, old->slot);
    text = print(fixture);
    assert_has(text, "\nclusterbench_requests_total{worker=\"1\",role=\"worker\"} 73\n");
    assert_has(text, "\nclusterbench_connections_active{worker=\"1\",role=\"worker\"} 0\n");
    assert_has(text, "\nclusterbench_service_time_seconds_count{worker=\"1\",role=\"worker\"} 70\n");
}

#define SET_ONE(name, help) counter_set(&counters->name, ++value);

/* Each counter of the table gets a value of its own, and each of these turns up: also of counters that come later. */
static void every_counter_is_shown(void **state)
{
    struct fixture *fixture = *state;
    struct counters *counters = &fixture->lives[0].slot->counters;
    uint64_t value = 5000000000;
    COUNTERS_TABLE(SET_ONE)
    const char *text = print(fixture);
    for (uint64_t i = 5000000001; i <= value; i++) {
        char as_count[64], as_seconds[64];
        snprintf(as_count, sizeof as_count, "} %llu\n", (unsigned long long)i);
        snprintf(as_seconds, sizeof as_seconds, "} %llu.%09llu\n", (unsigned long long)(i / 1000000000),
                 (unsigned long long)(i % 1000000000));
        if (!strstr(text, as_count) && !strstr(text, as_seconds))
            fail_msg("counter %llu of the table is not shown\n%s", (unsigned long long)(i - 5000000000), text);
    }
    assert_has(text, "\nclusterbench_connections_accepted_total{worker=\"0\",role=\"worker\"} 5000000001\n");
    assert_has(text, "# TYPE clusterbench_connections_active gauge\n");
}

static void times_are_a_histogram(void **state)
{
    struct fixture *fixture = *state;
    struct timings *timings = &fixture->lives[0].slot->timings;
    timings_note(timings, 900, 16);  /* below 1 us */
    timings_note(timings, 2500, 10); /* on an edge: within */
    timings_note(timings, 2501, 1);
    timings_note(timings, UINT64_C(200000000000), 2); /* beyond 100 s */
    const char *text = print(fixture);
    const char *labels = "worker=\"0\",role=\"worker\",le=";
    static const struct {
        const char *edge;
        unsigned count;
    } buckets[] = {{"\"1e-06\"", 16}, {"\"2.5e-06\"", 26}, {"\"5e-06\"", 27}, {"\"0.001\"", 27}, {"\"100\"", 27}, {"\"+Inf\"", 29}};
    for (size_t i = 0; i < LENGTH_OF(buckets); i++) {
        char line[160];
        snprintf(line, sizeof line, "\nclusterbench_service_time_seconds_bucket{%s%s} %u\n", labels, buckets[i].edge,
                 buckets[i].count);
        assert_has(text, line);
    }
    assert_has(text, "\nclusterbench_service_time_seconds_count{worker=\"0\",role=\"worker\"} 29\n");
    assert_has(text, "\nclusterbench_service_time_seconds_sum{worker=\"0\",role=\"worker\"} 400.000041901\n");
    assert_null(strstr(text, "service_time_seconds_count{worker=\"0\",role=\"front\"}")); /* fronts are not timed */
}

/* Threads share their memory: it is not told once for each of them. */
static void threads_have_no_memory_of_their_own(void **state)
{
    static const struct strategy threads = {.name = "made-up", .place = THREADS};
    struct fixture *fixture = *state;
    assert_has(print(fixture), "clusterbench_worker_resident_memory_bytes");
    fixture->primary->strategy = &threads;
    assert_null(strstr(print(fixture), "clusterbench_worker_resident_memory_bytes"));
}

/* ---- the reader ---- */

#define HEAD(name, type) "# HELP " name " Words.\n# TYPE " name " " type "\n"

static void the_reader_takes_what_is_right(void **state)
{
    (void)state;
    char why[EXPOSITION_WHY_SIZE] = "";
    static const char text[] =
        HEAD("a_total", "counter") "a_total 1\n" HEAD("b", "gauge") "b{x=\"1\",y=\"q\\\"\\\\\"} -2.5\nb{x=\"2\"} 0\n" HEAD(
            "h_seconds",
            "histogram") "h_seconds_bucket{le=\"1\"} 2\nh_seconds_bucket{le=\"+Inf\"} 3\nh_seconds_sum 7.5\nh_seconds_count 3\n";
    if (!exposition_check(text, why))
        fail_msg("%s", why);
    unsigned count;
    assert_true(exposition_sum(text, "b", "", &count) == -2.5 && count == 2);
    assert_true(exposition_sum(text, "b", "x=\"2\"", &count) == 0 && count == 1);
}

#define HISTOGRAM(lines) HEAD("h_seconds", "histogram") lines "h_seconds_sum 1\nh_seconds_count 3\n"

static void the_reader_refuses_each_mistake(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "a_total 1\n",                                                                         /* no HELP, no TYPE */
        "# TYPE a_total counter\na_total 1\n",                                                 /* no HELP */
        "# HELP a_total Words.\na_total 1\n",                                                  /* no TYPE */
        "# HELP a_total \n# TYPE a_total counter\na_total 1\n",                                /* no words */
        "# HELP a_total \\x.\n# TYPE a_total counter\na_total 1\n",                            /* no escape */
        "# HELP a_total Words.\n# TYPE b_total counter\nb_total 1\n",                          /* of two families */
        HEAD("a_total", "number") "a_total 1\n",                                               /* no type */
        HEAD("a_total", "counter"),                                                            /* no sample */
        HEAD("a_total", "counter") "a_total 1",                                                /* no end */
        HEAD("a_total", "counter") "b_total 1\n",                                              /* a stranger */
        HEAD("a_total", "counter") "a_total 1\na_total 2\n",                                   /* twice */
        HEAD("a_total", "counter") "a_total{x=\"1\"} 1\na_total{x=\"1\"} 1\n",                 /* twice */
        HEAD("a_total", "counter") "a_total 1\n" HEAD("a_total", "counter") "a_total 2\n",     /* torn apart */
        HEAD("a_total", "counter") "a_total{x=\"1\",x=\"2\"} 1\n",                             /* a label twice */
        HEAD("a_total", "counter") "a_total{x=1} 1\n",                                         /* no quotes */
        HEAD("a_total", "counter") "a_total{x=\"1} 1\n",                                       /* one quote */
        HEAD("a_total", "counter") "a_total{1x=\"1\"} 1\n",                                    /* no name */
        HEAD("a_total", "counter") "a_total{le=\"1\"} 1\n",                                    /* of histograms */
        HEAD("a_total", "counter") "a_total -1\n",                                             /* fell */
        HEAD("a_total", "counter") "a_total one\n",                                            /* no number */
        HEAD("a_total", "counter") "a_total 1 \n",                                             /* a blank */
        HEAD("a", "counter") "a 1\n",                                                          /* no _total */
        HEAD("a_total", "gauge") "a_total 1\n",                                                /* _total */
        HEAD("a_ms", "gauge") "a_ms 1\n",                                                      /* unit */
        HEAD("h_seconds", "histogram") "h_seconds_bucket{le=\"+Inf\"} 3\nh_seconds_count 3\n", /* no _sum */
        HISTOGRAM("h_seconds_bucket{le=\"1\"} 3\n"),                                           /* no +Inf */
        HISTOGRAM("h_seconds_bucket{le=\"1\"} 4\nh_seconds_bucket{le=\"+Inf\"} 3\n"),          /* falls */
        HISTOGRAM("h_seconds_bucket{le=\"2\"} 1\nh_seconds_bucket{le=\"1\"} 2\nh_seconds_bucket{le=\"+Inf\"} 3\n"),
        HISTOGRAM("h_seconds_bucket{le=\"+Inf\"} 2\n"), /* not _count */
        HISTOGRAM("h_seconds_bucket 3\n"),              /* no le */
    };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++) {
        char why[EXPOSITION_WHY_SIZE] = "";
        if (exposition_check(wrong[i], why))
            fail_msg("this was taken:\n%s", wrong[i]);
        assert_true(why[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_text_keeps_the_format, set_up, tear_down),
        cmocka_unit_test_setup_teardown(places_and_reloads_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_place_is_one_series, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_counter_is_shown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(times_are_a_histogram, set_up, tear_down),
        cmocka_unit_test_setup_teardown(threads_have_no_memory_of_their_own, set_up, tear_down),
        cmocka_unit_test(the_reader_takes_what_is_right),
        cmocka_unit_test(the_reader_refuses_each_mistake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
