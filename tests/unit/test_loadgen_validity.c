/* Whether figures may be believed: every rule on either side of its edge, one at a time, from a summary that is beyond doubt. */
#include "support.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "loadgen/report/report.h"

#define SECOND       UINT64_C(1000000000)
#define REQUESTS     10000
#define SERVICE      1000 /* us */
#define LITTLE_LEAST 1000

static struct settings settings;
static struct summary summary;

/* 10 s at 1000/s, each answered after 1 ms: one in flight on the average. */
static void open_loop(void)
{
    settings = (struct settings){.is_open_loop = true,
                                 .is_rate_constant = true,
                                 .rate = REQUESTS / 10,
                                 .threads = 1,
                                 .connections = 10,
                                 .pipeline = 1,
                                 .duration_ns = 10 * SECOND,
                                 .seed = 1};
    assert_int_equal(profile_constant(&settings.profile, settings.rate), 0);
    struct histogram *own[] = {&summary.response, &summary.answered, &summary.service, &summary.first_byte};
    summary = (struct summary){.settings = &settings,
                               .planned = REQUESTS,
                               .duration_s = 10,
                               .achieved_rate = REQUESTS / 10,
                               .busiest_thread = 0.1,
                               .run_wait = 0.001,
                               .in_flight = 1,
                               .little = 1,
                               .steal = 0.001,
                               .cpu_ticks = 2000,
                               .headroom = NAN,
                               .identity_holds = true};
    assert_int_equal(stats_init(&summary.stats, 1), 0);
    summary.stats.started = summary.stats.ok = REQUESTS;
    for (unsigned i = 0; i < LENGTH_OF(own); i++) {
        assert_int_equal(histogram_init(own[i], HISTOGRAM_HOUR_US, 3), 0);
        histogram_record_many(own[i], SERVICE, REQUESTS);
    }
    histogram_record_many(&summary.stats.send_lag, 10, REQUESTS);
    histogram_record_many(&summary.stats.own_lag, 10, REQUESTS);
}

/* One connection that is always busy: 1000/s, too. */
static void closed_loop(void)
{
    open_loop();
    settings.is_open_loop = settings.is_rate_constant = false;
    settings.rate = 0;
    settings.connections = 1;
    histogram_reset(&summary.stats.send_lag);
    histogram_reset(&summary.stats.own_lag);
}

static void close_summary(void)
{
    summary_close(&summary);
    profile_close(&settings.profile);
}

/* Judges and forgets. `says`: what the only reason contains; NULL: there is none. */
static void expect(enum validity validity, const char *says)
{
    summary.validity = VALIDITY_VALID;
    summary.reason_count = 0;
    summary_judge(&summary);
    if (summary.validity != validity || summary.reason_count != (says != NULL) || (says && !strstr(summary.reasons[0], says)))
        fail_msg("%s, not %s (%s); %u reasons: %s; %s", validity_names[summary.validity], validity_names[validity],
                 says ? says : "no reason", summary.reason_count, summary.reasons[0], summary.reasons[1]);
    for (unsigned i = 0; i < summary.reason_count; i++)
        assert_true(strlen(summary.reasons[i]) < REASON_SIZE - 1); /* none is cut */
}

static void test_nothing_to_say(void **state)
{
    (void)state;
    open_loop();
    expect(VALIDITY_VALID, NULL);
    close_summary();
    closed_loop();
    expect(VALIDITY_VALID, NULL);
    close_summary();
}

static void test_identity(void **state)
{
    (void)state;
    open_loop();
    summary.identity_holds = false;
    expect(VALIDITY_INVALID, "do not add up");
    close_summary();
}

static void test_silence(void **state)
{
    (void)state;
    closed_loop();
    settings.duration_ns = 0, settings.requests = 100;
    summary.planned = summary.stats.started = 100;
    summary.stats.ok = 0, summary.stats.unfinished = 100;
    expect(VALIDITY_INVALID, "nothing was answered");
    close_summary();
}

static void test_plan(void **state)
{
    (void)state;
    open_loop();
    summary.planned = REQUESTS - 1;
    expect(VALIDITY_VALID, NULL); /* the last bit of a double */
    summary.planned = REQUESTS - 2;
    expect(VALIDITY_INVALID, "10000 requests should have been planned, 9998 were");
    summary.planned = REQUESTS + 2;
    expect(VALIDITY_INVALID, "10000 requests should have been planned, 10002 were");
    settings.arrivals.kind = ARRIVALS_POISSON;
    summary.planned = REQUESTS + 550;
    expect(VALIDITY_VALID, NULL);
    summary.planned = REQUESTS + 650;
    expect(VALIDITY_INVALID, "should have been planned");
    summary.planned = REQUESTS - 650;
    summary.duration_s = 9.5; /* it ended early, for another reason */
    expect(VALIDITY_VALID, NULL);
    settings.duration_ns = 0, settings.requests = REQUESTS;
    expect(VALIDITY_INVALID, "should have been planned");
    summary.planned = REQUESTS;
    expect(VALIDITY_VALID, NULL);
    close_summary();
}

static void test_lag(void **state)
{
    (void)state;
    open_loop();
    histogram_record_many(&summary.stats.own_lag, 5000, 99); /* below 1 % of all */
    expect(VALIDITY_VALID, NULL);
    histogram_record_many(&summary.stats.own_lag, 5000, 10);
    expect(VALIDITY_INVALID, "the generator sent late: send lag p99 5.00ms with a connection free, allowed 1.00ms");
    close_summary();

    open_loop(); /* 1 ms is allowed, always; and 5 % of the median */
    histogram_reset(&summary.stats.own_lag);
    histogram_record_many(&summary.stats.own_lag, 1000, REQUESTS);
    expect(VALIDITY_VALID, NULL);
    histogram_record_many(&summary.stats.own_lag, 1001, REQUESTS);
    expect(VALIDITY_INVALID, "the generator sent late");
    histogram_reset(&summary.response);
    histogram_record_many(&summary.response, 40000, REQUESTS);
    expect(VALIDITY_VALID, NULL);
    close_summary();

    open_loop();
    histogram_record_many(&summary.stats.send_lag, 5000, 200);
    summary.stats.waited = 200;
    expect(VALIDITY_SUSPECT, "requests waited for a free connection: send lag p99 5.00ms (200 waited)");
    close_summary();

    open_loop(); /* connections that take their time to open are no lack of connections */
    histogram_record_many(&summary.stats.send_lag, 5000, 200);
    expect(VALIDITY_VALID, NULL);
    close_summary();
}

static void set_unsent(uint64_t unsent, uint64_t unfinished)
{
    summary.stats.unsent = unsent;
    summary.stats.unfinished = unfinished;
    summary.stats.ok = REQUESTS - unsent - unfinished;
}

static void test_rate(void **state)
{
    (void)state;
    open_loop();
    set_unsent(REQUESTS / 50, 0);
    expect(VALIDITY_VALID, NULL);
    set_unsent(REQUESTS / 50 + 1, 0);
    expect(VALIDITY_SUSPECT, "98.0 % of the planned requests were done: the server did not keep up");
    set_unsent(0, 300); /* far more than the one that is in flight on the average */
    expect(VALIDITY_SUSPECT, "% of the planned requests were done: the server");
    set_unsent(0, 300);
    summary.in_flight = summary.little = 300; /* ... but nothing else than the end where so many always are */
    expect(VALIDITY_VALID, NULL);
    set_unsent(4000, 0);
    summary.interrupted = true;
    expect(VALIDITY_SUSPECT, "interrupted after 10.00 s");
    close_summary();
}

/* Who is late or overworked must not blame the server. */
static void test_own_fault(void **state)
{
    (void)state;
    open_loop();
    set_unsent(4000, 0);
    summary.busiest_thread = 0.9;
    summary_judge(&summary);
    assert_int_equal(summary.validity, VALIDITY_INVALID);
    assert_int_equal(summary.reason_count, 2);
    assert_non_null(strstr(summary.reasons[0], "60.0 % of the planned requests were done: the generator did not keep up"));
    close_summary();
}

static void test_cpu(void **state)
{
    (void)state;
    open_loop();
    summary.busiest_thread = 0.80;
    expect(VALIDITY_VALID, NULL);
    summary.busiest_thread = 0.81;
    expect(VALIDITY_INVALID, "a generator thread was busy 81 % of the time, allowed 80 %");
    settings.spin_ns = 50000; /* on purpose */
    expect(VALIDITY_VALID, NULL);
    settings.spin_ns = 0;
    summary.duration_s = 0.09; /* too short to tell */
    expect(VALIDITY_VALID, NULL);
    close_summary();
    closed_loop();
    summary.busiest_thread = 0.95;
    expect(VALIDITY_VALID, NULL);
    summary.busiest_thread = 0.96;
    expect(VALIDITY_SUSPECT, "a generator thread was busy 96 % of the time: the limit was the generator");
    close_summary();
}

static void test_run_wait(void **state)
{
    (void)state;
    static const struct {
        bool open;
        double share;
        enum validity validity;
    } rows[] = {{true, .05, VALIDITY_VALID},   {true, .051, VALIDITY_SUSPECT}, {true, .20, VALIDITY_SUSPECT},
                {true, .21, VALIDITY_INVALID}, {false, .20, VALIDITY_VALID},   {false, .21, VALIDITY_SUSPECT},
                {false, .9, VALIDITY_SUSPECT}};
    for (unsigned i = 0; i < LENGTH_OF(rows); i++) {
        if (rows[i].open)
            open_loop();
        else
            closed_loop();
        summary.run_wait = rows[i].share;
        expect(rows[i].validity, rows[i].validity == VALIDITY_VALID ? NULL : "of the time for a CPU others had");
        close_summary();
    }
}

static void test_headroom(void **state)
{
    (void)state;
    open_loop();
    summary.headroom = 1.25;
    expect(VALIDITY_VALID, NULL);
    summary.headroom = 1.2;
    expect(VALIDITY_SUSPECT, "83 % of what the generator reaches against a server that does nothing");
    close_summary();
}

static void test_little(void **state)
{
    (void)state;
    void (*const loops[])(void) = {open_loop, closed_loop};
    for (unsigned i = 0; i < LENGTH_OF(loops); i++) {
        loops[i]();
        summary.in_flight = 1.02;
        expect(VALIDITY_VALID, NULL);
        summary.in_flight = 1.03;
        expect(VALIDITY_INVALID, "Little's law is broken: 1.03 requests were in flight, but rate times service time is 1");
        summary.in_flight = 0.97;
        expect(VALIDITY_INVALID, "Little's law is broken");
        histogram_reset(&summary.service);
        histogram_record_many(&summary.service, SERVICE, LITTLE_LEAST - 1); /* too few for averages */
        expect(VALIDITY_VALID, NULL);
        histogram_record(&summary.service, SERVICE);
        expect(VALIDITY_INVALID, "Little's law is broken");
        close_summary();
    }
}

/* What a run's ends cut off may be missing on one side. */
static void test_little_at_the_ends(void **state)
{
    (void)state;
    closed_loop();
    settings.duration_ns = SECOND;
    settings.connections = 1000;
    summary.duration_s = 1;
    histogram_reset(&summary.service);
    histogram_record_many(&summary.service, 100000, REQUESTS); /* 100 ms of 1 s */
    summary.little = 1000;
    summary.in_flight = 900;
    expect(VALIDITY_VALID, NULL);
    summary.in_flight = 850;
    expect(VALIDITY_INVALID, "Little's law is broken");
    summary.stats.timed_out = 200; /* too many whose end is not known */
    summary.stats.ok = REQUESTS - 200;
    expect(VALIDITY_SUSPECT, "got no response");
    close_summary();
}

static void test_idle_connections(void **state)
{
    (void)state;
    closed_loop();
    settings.connections = 2;
    settings.pipeline = 10;
    summary.in_flight = summary.little = 19.1;
    expect(VALIDITY_VALID, NULL);
    summary.in_flight = summary.little = 18.9;
    expect(VALIDITY_SUSPECT, "of 20 requests that could have been in flight 18.9 were");
    settings.has_think = true; /* then they pause on purpose */
    expect(VALIDITY_VALID, NULL);
    settings.has_think = false;
    settings.life.requests = 1;
    expect(VALIDITY_VALID, NULL);
    settings.life.requests = 0;
    settings.is_open_loop = true;
    expect(VALIDITY_VALID, NULL);
    close_summary();
}

static void test_machine(void **state)
{
    (void)state;
    void (*const loops[])(void) = {open_loop, closed_loop};
    for (unsigned i = 0; i < LENGTH_OF(loops); i++) {
        loops[i]();
        summary.steal = 0.02;
        expect(VALIDITY_VALID, NULL);
        summary.steal = 0.021;
        expect(VALIDITY_SUSPECT, "2.1 % of the machine's CPU time was stolen");
        summary.cpu_ticks = 99; /* two ticks of them: no share */
        expect(VALIDITY_VALID, NULL);
        summary.listen_overflows = 0, summary.listen_drops = 1;
        expect(VALIDITY_SUSPECT, "1 connections were dropped before they were accepted on this machine");
        summary.listen_overflows = 7, summary.listen_drops = 7;
        expect(VALIDITY_SUSPECT, "7 connections were dropped from a full accept queue on this machine");
        close_summary();
    }
}

static void test_local_errors(void **state)
{
    (void)state;
    closed_loop();
    summary.stats.last_error[ERROR_LOCAL] = -EADDRNOTAVAIL;
    summary.stats.errors[ERROR_LOCAL] = 1;
    expect(VALIDITY_SUSPECT, "1 errors were this machine's, not the server's (Cannot assign requested address)");
    summary.stats.errors[ERROR_LOCAL] = REQUESTS / 1000;
    expect(VALIDITY_SUSPECT, "10 errors were this machine's");
    summary.stats.errors[ERROR_LOCAL] = REQUESTS / 1000 + 1;
    expect(VALIDITY_INVALID, "11 errors were this machine's");
    close_summary();
}

static void test_failures(void **state)
{
    (void)state;
    closed_loop();
    summary.stats.socket_errors = 50, summary.stats.timed_out = 50;
    summary.stats.ok -= 100;
    expect(VALIDITY_VALID, NULL);
    summary.stats.timed_out++, summary.stats.ok--;
    expect(VALIDITY_SUSPECT, "1.0 % of the requests got no response");
    close_summary();
}

static void test_answers(void **state)
{
    (void)state;
    closed_loop();
    summary.stats.http_errors = 100, summary.stats.ok -= 100;
    expect(VALIDITY_VALID, NULL);
    summary.stats.http_errors++, summary.stats.ok--;
    expect(VALIDITY_SUSPECT, "1.0 % of the responses had a status of 400 or above");
    summary.stats.http_errors = 0, summary.stats.ok = REQUESTS;
    summary.stats.errors[ERROR_MALFORMED] = 100;
    expect(VALIDITY_VALID, NULL);
    summary.stats.errors[ERROR_MALFORMED] = 101;
    expect(VALIDITY_SUSPECT, "101 connections were given up");
    close_summary();
}

/* A check that failed is no status that was bad. */
static void test_checks(void **state)
{
    (void)state;
    closed_loop();
    summary.stats.check_failed[CHECK_CONTAINS] = 1;
    summary.stats.http_errors = 1, summary.stats.ok--;
    expect(VALIDITY_SUSPECT, "1 responses failed a check (0.01 %): contains 1");
    summary.stats.check_failed[CHECK_STATUS] = 4999;
    summary.stats.http_errors = 5000, summary.stats.ok = 5000;
    expect(VALIDITY_SUSPECT, "5000 responses failed a check (50.00 %): status 4999, contains 1");
    for (unsigned kind = 0; kind < CHECK_KINDS; kind++)
        summary.stats.check_failed[kind] = 1000;
    expect(VALIDITY_SUSPECT, "status 1000, header 1000, contains 1000, length 1000, crc32 1000");
    close_summary();
}

static void test_too_many_workers(void **state)
{
    (void)state;
    char id[16];
    closed_loop();
    for (unsigned i = 0; i < BACKENDS_MAX - 1; i++) {
        snprintf(id, sizeof(id), "w%u", i);
        stats_backend(&summary.stats, slice_of(id));
    }
    expect(VALIDITY_VALID, NULL);
    stats_backend(&summary.stats, SLICE("one more"));
    expect(VALIDITY_SUSPECT, "more than 255 workers named themselves");
    close_summary();
}

static void test_end(void **state)
{
    (void)state;
    closed_loop();
    settings.duration_ns = 0, settings.requests = REQUESTS;
    summary.stats.unsent = 5, summary.stats.ok -= 5;
    expect(VALIDITY_SUSPECT, "the server could not be reached any more: 5 requests were not sent");
    close_summary();
}

/* Everything at once: the worst decides, and no reason is lost or cut. */
static void test_all_at_once(void **state)
{
    (void)state;
    open_loop();
    summary.identity_holds = false;
    summary.planned = 20000;
    summary.stats.unsent = 10000;
    summary.busiest_thread = 1, summary.run_wait = 0.5, summary.headroom = 1.01, summary.steal = 0.5;
    summary.listen_drops = summary.listen_overflows = UINT64_MAX;
    summary.stats.errors[ERROR_LOCAL] = UINT64_MAX;
    summary.stats.last_error[ERROR_LOCAL] = -EADDRNOTAVAIL;
    summary.stats.socket_errors = summary.stats.errors[ERROR_MALFORMED] = 9000;
    for (unsigned kind = 0; kind < CHECK_KINDS; kind++)
        summary.stats.check_failed[kind] = UINT64_MAX / CHECK_KINDS;
    summary.stats.http_errors = UINT64_MAX;
    histogram_record_many(&summary.stats.own_lag, 10000000, REQUESTS);
    summary_judge(&summary);
    assert_int_equal(summary.validity, VALIDITY_INVALID);
    assert_true(summary.reason_count >= 12 && summary.reason_count <= REASONS_MAX);
    for (unsigned i = 0; i < summary.reason_count; i++)
        assert_true(strlen(summary.reasons[i]) < REASON_SIZE - 1);
    close_summary();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_to_say),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_plan),
        cmocka_unit_test(test_lag),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_own_fault),
        cmocka_unit_test(test_cpu),
        cmocka_unit_test(test_run_wait),
        cmocka_unit_test(test_headroom),
        cmocka_unit_test(test_little),
        cmocka_unit_test(test_little_at_the_ends),
        cmocka_unit_test(test_idle_connections),
        cmocka_unit_test(test_machine),
        cmocka_unit_test(test_local_errors),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_checks),
        cmocka_unit_test(test_too_many_workers),
        cmocka_unit_test(test_end),
        cmocka_unit_test(test_all_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
