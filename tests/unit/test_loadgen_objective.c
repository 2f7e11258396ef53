/* What --slo and --find-max take and refuse, and when an objective counts as met. */
#include "support.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "loadgen/study/study.h"

static void test_grammar(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct objective expected;
    } rows[] = {
        {"p99<5ms", {.figure = FIGURE_PERCENTILE, .percentile = 99, .below = true, .bound = 5000}},
        {"p99.999<=250us", {.figure = FIGURE_PERCENTILE, .percentile = 99.999, .below = true, .or_equal = true, .bound = 250}},
        {"service-p50<1.5s", {.figure = FIGURE_PERCENTILE, .service = true, .percentile = 50, .below = true, .bound = 1500000}},
        {"mean<2ms", {.figure = FIGURE_MEAN, .below = true, .bound = 2000}},
        {"service-max<1m", {.figure = FIGURE_MAX, .service = true, .below = true, .bound = 60000000}},
        {"errors<0.1%", {.figure = FIGURE_ERRORS, .below = true, .bound = 0.1 / 100}},
        {"errors <= 0 %", {.figure = FIGURE_ERRORS, .below = true, .or_equal = true, .bound = 0}},
        {"rate>1000", {.figure = FIGURE_RATE, .bound = 1000}},
        {"rate>=20k", {.figure = FIGURE_RATE, .or_equal = true, .bound = 20000}},
        {"  rate  >  99.5  ", {.figure = FIGURE_RATE, .bound = 99.5}},
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        struct objectives objectives;
        char message[MESSAGE_SIZE];
        if (objectives_parse(rows[i].text, &objectives, message) != 0)
            fail_msg("'%s': %s", rows[i].text, message);
        const struct objective *got = &objectives.items[0], *wanted = &rows[i].expected;
        assert_int_equal(objectives.count, 1);
        if (got->figure != wanted->figure || got->service != wanted->service || got->percentile != wanted->percentile ||
            got->below != wanted->below || got->or_equal != wanted->or_equal || got->bound != wanted->bound)
            fail_msg("'%s' was read as something else", rows[i].text);
    }
}

static void test_several(void **state)
{
    (void)state;
    struct objectives objectives;
    char message[MESSAGE_SIZE];
    assert_int_equal(objectives_parse("p99<5ms , errors<0.1%,rate>1000", &objectives, message), 0);
    assert_int_equal(objectives.count, 3);
    assert_string_equal(objectives.items[0].text, "p99<5ms");
    assert_string_equal(objectives.items[1].text, "errors<0.1%");
    assert_string_equal(objectives.items[2].text, "rate>1000");
    assert_int_equal(objectives_parse("max<1s,max<1s,max<1s,max<1s,max<1s,max<1s,max<1s,max<1s,max<1s", &objectives, message),
                     -EINVAL);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *named; /* what the message must name */
    } rows[] = {
        {"", "''"},
        {"p99", "'p99'"},
        {"p99<5", "unit"},
        {"p99<", "unit"},
        {"p99=5ms", "'p99=5ms'"},
        {"p99<5ms,", "''"},
        {"p99<5ms,,rate>1", "''"},
        {"p99<5ms,quick>1", "'quick>1'"},
        {"p100<5ms", "p100"},
        {"p0<5ms", "p0"},
        {"p9.9.9<5ms", "p9.9.9"},
        {"p99x<5ms", "p99x"},
        {"service-errors<1%", "service-errors"},
        {"service-rate>1", "service-rate"},
        {"errors<1", "share"},
        {"errors<101%", "share"},
        {"errors<-1%", "share"},
        {"rate>fast", "rate"},
        {"rate>1e3", "rate"},
        {"rate>nan", "rate"},
        {"mean<-5ms", "unit"},
        {"p99<<5ms", "unit"},
        {"p99<5ms but only where it is not a very long objective indeed", "FIGURE"},
    };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        struct objectives objectives;
        char message[MESSAGE_SIZE] = "";
        if (objectives_parse(rows[i].text, &objectives, message) != -EINVAL)
            fail_msg("'%s' was taken", rows[i].text);
        if (!strstr(message, rows[i].named) || strchr(message, '\n'))
            fail_msg("'%s': the message does not name %s: %s", rows[i].text, rows[i].named, message);
    }
}

/* ---- values ---- */

static void open_summary(struct summary *summary, const struct settings *settings)
{
    *summary = (struct summary){.settings = settings};
    assert_int_equal(stats_init(&summary->stats, 1), 0);
    assert_int_equal(histogram_init(&summary->response, HISTOGRAM_HOUR_US, 3), 0);
    assert_int_equal(histogram_init(&summary->service, HISTOGRAM_HOUR_US, 3), 0);
}

static bool is_met(const char *text, const struct summary *summary)
{
    struct objectives objectives;
    char message[MESSAGE_SIZE];
    assert_int_equal(objectives_parse(text, &objectives, message), 0);
    return objectives_met(&objectives, summary);
}

/* A hundred answers of 1..100 us response time and half of that service time; one of them an error. */
static void fill(struct summary *summary)
{
    for (unsigned i = 1; i <= 100; i++) {
        histogram_record(&summary->response, i);
        histogram_record(&summary->service, (i + 1) / 2);
    }
    summary->planned = 100;
    summary->stats.ok = 99;
    summary->stats.http_errors = 1;
    summary->achieved_rate = 50;
}

static void test_values(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool met;
    } rows[] = {
        {"p99<100us", true},          {"p99<99us", false},         {"p99<=99us", true},    {"p99>98us", true},
        {"p99>99us", false},          {"p99>=99us", true},         {"p50<51us", true},     {"p50<50us", false},
        {"service-p50<26us", true},   {"service-p50<25us", false}, {"max<=100us", true},   {"max<100us", false},
        {"service-max<51us", true},   {"mean<51us", true},         {"mean<50us", false},   {"errors<2%", true},
        {"errors<1%", false},         {"errors<=1%", true},        {"errors<0.5%", false}, {"rate>49.9", true},
        {"rate>50", false},           {"rate>=50", true},          {"rate<50", false},     {"p99<100us,rate>50", false},
        {"p99<100us,rate>=50", true},
    };
    const struct settings settings = {.is_open_loop = true};
    struct summary summary;
    open_summary(&summary, &settings);
    fill(&summary);
    for (size_t i = 0; i < LENGTH_OF(rows); i++)
        if (is_met(rows[i].text, &summary) != rows[i].met)
            fail_msg("%s must be %s", rows[i].text, rows[i].met ? "met" : "missed");
    summary_close(&summary);
}

/* Ten of 110 requests got no answer, after 2 us of waiting each: how slow they would have been nobody knows. */
static void test_lower_bounds(void **state)
{
    (void)state;
    const struct settings settings = {.is_open_loop = true};
    struct summary summary;
    open_summary(&summary, &settings);
    fill(&summary);
    histogram_record_many(&summary.response, 2, 10);
    histogram_record_many(&summary.stats.censored, 2, 10);
    summary.planned = 110;
    assert_true(is_met("p50<60us", &summary)); /* 55 answered within 55 us */
    assert_false(is_met("p50<50us", &summary));
    assert_false(is_met("p95<1h", &summary)); /* nobody knows */
    assert_true(is_met("p95>50us", &summary));
    assert_false(is_met("max<1h", &summary));
    assert_false(is_met("mean<1h", &summary));
    assert_false(is_met("errors<10%", &summary));
    assert_true(is_met("service-p95<1s", &summary)); /* they had not been sent */
    histogram_record_many(&summary.service, 2, 10);
    histogram_record_many(&summary.stats.censored_service, 2, 10);
    assert_false(is_met("service-p95<1s", &summary));
    summary_close(&summary);
}

static void test_nothing_measured(void **state)
{
    (void)state;
    static const char *const texts[] = {"p99<1h", "p99>0", "mean<1h", "max<1h", "errors<100%", "rate>0"};
    const struct settings settings = {.is_open_loop = true};
    struct summary summary;
    open_summary(&summary, &settings);
    for (size_t i = 0; i < LENGTH_OF(texts); i++)
        if (is_met(texts[i], &summary))
            fail_msg("%s holds of nothing", texts[i]);
    summary_close(&summary);
}

static void test_json(void **state)
{
    (void)state;
    const struct settings settings = {.is_open_loop = true};
    struct objectives objectives;
    struct summary summary;
    char message[MESSAGE_SIZE];
    open_summary(&summary, &settings);
    fill(&summary);
    assert_int_equal(objectives_parse("p99<99us,errors<2%", &objectives, message), 0);
    json_t *json = objectives_json(&objectives, &summary), *first = json_array_get(json, 0);
    assert_int_equal(json_array_size(json), 2);
    assert_string_equal(json_string_value(json_object_get(first, "objective")), "p99<99us");
    assert_true(json_number_value(json_object_get(first, "value")) == 99);
    assert_true(json_is_false(json_object_get(first, "met")));
    assert_true(json_is_true(json_object_get(json_array_get(json, 1), "met")));
    json_decref(json);
    summary_close(&summary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grammar), cmocka_unit_test(test_several),      cmocka_unit_test(test_refused),
        cmocka_unit_test(test_values),  cmocka_unit_test(test_lower_bounds), cmocka_unit_test(test_nothing_measured),
        cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
