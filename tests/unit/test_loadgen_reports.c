/*
 * The forms of a report, from a summary made by hand in which everything occurs: JSON and its documentation name the same keys, CSV
 * has a column for each of them, and texts from outside do no harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loadgen/report/report.h"

#define KEYS_MAX 400
#define KEY_SIZE 96

struct keys {
    char names[KEYS_MAX][KEY_SIZE];
    unsigned count;
};

static struct request_kind kinds[] = {{.name = "first"}, {.name = "second"}};
static struct settings settings;
static struct summary summary;

static void make_settings(void)
{
    settings = (struct settings){
        .url_text = "http://[::1]:80/a?\"b\"=<c>",
        .threads = 2,
        .connections = 3,
        .request.method = "GET",
        .request.mix_file = "mix,\"of\" them.ini",
        .mix = {.kinds = kinds, .count = 2, .checked = true},
        .is_open_loop = true,
        .is_rate_constant = true,
        .rate = 100,
        .duration_ns = 1000000000,
        .latency = true,
        .backend_header = "X-Worker",
    };
    assert_int_equal(net_parse_address("127.0.0.2:0", &settings.source.first), 0);
    settings.source.count = 3;
}

static void make_backends(struct stats *stats)
{
    static const char *const ids[] = {"1", "<script>alert(1)</script>",
                                      "0123456789012345678901234567890123456789012345678901234567890ab"};
    for (unsigned i = 0; i < 3; i++) {
        struct backend *backend = stats_backend(stats, slice_of(ids[i]));
        backend->answered = true;
        backend->requests = 10 * (i + 1);
        backend->connections = 1;
        for (unsigned k = 0; k < backend->requests; k++)
            histogram_record(&backend->response, 1000 + k);
    }
}

static void fill_histograms(void)
{
    struct stats *stats = &summary.stats;
    struct histogram *all[] = {&summary.response, &summary.answered, &summary.service, &summary.first_byte,
                               &stats->service,   &stats->send_lag,  &stats->own_lag,  &stats->connect};
    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (!all[i]->counts)
            assert_int_equal(histogram_init(all[i], HISTOGRAM_HOUR_US, 3), 0);
        for (unsigned k = 0; k < 60; k++)
            histogram_record(all[i], 900 + 10 * k);
    }
    histogram_record_many(&summary.response, 2000000, 4);
    histogram_record_many(&stats->censored, 2000000, 4);
    assert_int_equal(histogram_init(&summary.rates, SERIES_RATE_MAX, 3), 0);
    histogram_record(&summary.rates, 60);
}

static void fill_kinds(struct stats *stats)
{
    for (unsigned i = 0; i < 2; i++) {
        stats->kinds[i].requests = 30;
        stats->kinds[i].not_ok = 10 * i;
        histogram_record(&stats->kinds[i].response, 1000);
    }
}

static int make_summary(void **state)
{
    (void)state;
    make_settings();
    summary = (struct summary){.settings = &settings, .planned = 64, .duration_s = 1, .achieved_rate = 60, .headroom = 4};
    struct stats *stats = &summary.stats;
    assert_int_equal(stats_init(stats, 2), 0);
    make_backends(stats);
    fill_histograms();
    fill_kinds(stats);
    stats->ok = 50;
    stats->http_errors = 10;
    stats->status[200] = 50;
    stats->status[404] = 10;
    stats->timed_out = 4;
    stats->errors[ERROR_TIMEOUT] = 4;
    summary.fairness = fairness_of(stats);
    summary.fairness.jain_100ms = NAN;
    summary.fairness.jain_1s = 0.8;
    summary.validity = VALIDITY_SUSPECT;
    summary.reason_count = 2;
    snprintf(summary.reasons[0], REASON_SIZE, "one, \"quoted\" & <strange>");
    snprintf(summary.reasons[1], REASON_SIZE, "two");
    return 0;
}

static int drop_summary(void **state)
{
    (void)state;
    summary_close(&summary);
    return 0;
}

/* ---- keys ---- */

static bool has_key(const struct keys *keys, const char *name)
{
    for (unsigned i = 0; i < keys->count; i++)
        if (strcmp(keys->names[i], name) == 0)
            return true;
    return false;
}

static void add_key(struct keys *keys, const char *name)
{
    if (has_key(keys, name))
        return;
    assert_true(keys->count < KEYS_MAX && strlen(name) < KEY_SIZE);
    snprintf(keys->names[keys->count++], KEY_SIZE, "%s", name);
}

/* A path as the documentation has it: what all times have in common stands there once. */
static void print_path(char *path, const char *prefix, const char *key)
{
    size_t length = strlen(prefix);
    if (length > 3 && strcmp(prefix + length - 3, "_us") == 0)
        prefix = "*_us";
    else if (strcmp(prefix, "status") == 0)
        key = "*";
    snprintf(path, KEY_SIZE, "%s%s%s", prefix, *prefix ? "." : "", key);
}

static void collect(struct keys *keys, const char *prefix, json_t *json)
{
    const char *key;
    char path[KEY_SIZE];
    size_t index;
    json_t *value;
    if (json_is_array(json)) {
        snprintf(path, sizeof(path), "%.90s[]", prefix);
        json_array_foreach(json, index, value) if (json_is_object(value)) collect(keys, path, value);
        return;
    }
    json_object_foreach(json, key, value)
    {
        print_path(path, prefix, key);
        add_key(keys, path);
        if (!json_is_null(value))
            collect(keys, path, value);
    }
}

/* Rows "| `key` |" of the documentation, which is found from where this file was compiled. */
static void read_documented(struct keys *keys)
{
    static const char here[] = __FILE__;
    char path[512], *text = NULL;
    const char *folder = strstr(here, "tests/unit/");
    assert_non_null(folder);
    snprintf(path, sizeof(path), "%.*sdocs/loadgen-json.md", (int)(folder - here), here);
    assert_int_equal(file_read(path, 1 << 20, &text, NULL), 0);
    for (char *row = strstr(text, "\n| `"); row; row = strstr(row + 1, "\n| `")) {
        char *end = strchr(row + 4, '`');
        assert_non_null(end);
        *end = '\0';
        add_key(keys, row + 4);
        *end = '`';
    }
    free(text);
}

static void test_json_is_documented(void **state)
{
    (void)state;
    static struct keys written, documented;
    json_t *json = report_json(&summary);
    assert_non_null(json);
    collect(&written, "", json);
    read_documented(&documented);
    assert_true(written.count > 100);
    for (unsigned i = 0; i < written.count; i++)
        if (!has_key(&documented, written.names[i]))
            fail_msg("%s is written and not documented", written.names[i]);
    for (unsigned i = 0; i < documented.count; i++)
        if (!has_key(&written, documented.names[i]))
            fail_msg("%s is documented and not written", documented.names[i]);
    json_decref(json);
}

static void test_json_says_what_is_a_bound(void **state)
{
    (void)state;
    json_t *json = report_json(&summary), *bounds = json_object_get(json_object_get(json, "lower_bounds"), "bounds");
    assert_int_equal(json_integer_value(json_object_get(json, "censored")), 4);
    assert_int_equal(json_array_size(bounds), 5); /* 4 of 64 did not end: p99 and all above */
    assert_string_equal(json_string_value(json_array_get(bounds, 0)), "p99");
    json_decref(json);
}

/* ---- CSV ---- */

/* The next field, unquoted, into `field`; returns what is behind it, NULL behind the last. */
static const char *next_field(const char *at, char *field, size_t size)
{
    bool quoted = *at == '"';
    size_t length = 0;
    for (at += quoted; *at && (quoted || (*at != ',' && *at != '\n')); at++) {
        if (*at == '"' && quoted && *++at != '"')
            break;
        assert_true(length < size - 1);
        field[length++] = *at;
    }
    field[length] = '\0';
    return *at == ',' ? at + 1 : NULL;
}

static unsigned count_fields(const char *line, const char *wanted, unsigned position, char *found, size_t size)
{
    unsigned count = 0;
    char field[4096];
    for (const char *at = line; at; count++) {
        at = next_field(at, field, sizeof(field));
        if ((wanted && strcmp(field, wanted) == 0) || (!wanted && count == position)) {
            snprintf(found, size, "%s", wanted ? "" : field);
            position = wanted ? count : position;
        }
    }
    return wanted ? position : count;
}

static void expect_field(const char *csv, const char *name, const char *value)
{
    char found[4096] = "?";
    const char *row = strchr(csv, '\n') + 1;
    unsigned column = count_fields(csv, name, UINT32_MAX, found, sizeof(found));
    if (column == UINT32_MAX)
        fail_msg("no column %s", name);
    count_fields(row, NULL, column, found, sizeof(found));
    assert_string_equal(found, value);
}

/* A column for every key that holds one figure. */
static void expect_columns(const char *csv, const char *prefix, json_t *json)
{
    const char *key;
    json_t *value;
    char path[KEY_SIZE], found[8];
    json_object_foreach(json, key, value)
    {
        snprintf(path, sizeof(path), "%s%s%s", prefix, *prefix ? "." : "", key);
        if (strcmp(path, "workers") == 0 || strcmp(path, "kinds") == 0 || strcmp(path, "status") == 0)
            continue;
        if (json_is_object(value))
            expect_columns(csv, path, value);
        else if (count_fields(csv, path, UINT32_MAX, found, sizeof(found)) == UINT32_MAX)
            fail_msg("no column %s", path);
    }
}

static void print_csv(char **text)
{
    size_t size;
    FILE *out = open_memstream(text, &size);
    assert_non_null(out);
    assert_int_equal(report_csv(&summary, out), 0);
    assert_int_equal(fclose(out), 0);
}

static void test_csv(void **state)
{
    (void)state;
    char found[8], *csv;
    json_t *json = report_json(&summary);
    print_csv(&csv);
    unsigned columns = count_fields(csv, NULL, UINT32_MAX, found, sizeof(found));
    assert_true(columns > 100);
    assert_int_equal(count_fields(strchr(csv, '\n') + 1, NULL, UINT32_MAX, found, sizeof(found)), columns);
    expect_columns(csv, "", json);
    expect_field(csv, "requests.ok", "50");
    expect_field(csv, "url", settings.url_text);
    expect_field(csv, "settings.mix", settings.request.mix_file);
    expect_field(csv, "settings.source.first", "127.0.0.2");
    expect_field(csv, "settings.profile", "");
    expect_field(csv, "reasons", "one, \"quoted\" & <strange>; two");
    json_decref(json);
    free(csv);
}

/* The same columns for a run in which nothing happened. */
static void test_csv_columns_stay(void **state)
{
    (void)state;
    char *full, *less;
    print_csv(&full);
    settings.is_open_loop = false;
    settings.mix.checked = false;
    histogram_reset(&summary.stats.send_lag);
    histogram_reset(&summary.rates);
    print_csv(&less);
    assert_int_equal(strcspn(full, "\n"), strcspn(less, "\n"));
    assert_memory_equal(full, less, strcspn(full, "\n"));
    expect_field(less, "send_lag_us.p99", "");
    free(full);
    free(less);
}

/* ---- text ---- */

static void print_text(char **text)
{
    size_t size;
    FILE *out = open_memstream(text, &size);
    assert_non_null(out);
    report_text_head(&settings, out);
    report_text(&summary, out);
    assert_int_equal(fclose(out), 0);
}

static void expect_lines(const char *text, const char *const *lines, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (!strstr(text, lines[i]))
            fail_msg("no '%s' in: %s", lines[i], text);
}

/* As wrk 4.1 prints them, but for the figures; and what it does not say. */
static void test_text(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "Running 1s test @ http",
        "\n  2 threads and 3 connections\n",
        "\n  Thread Stats   Avg      Stdev     Max   +/- Stdev\n    Latency   ",
        "\n    Req/Sec    60.00      0.00    60.00    100.00%\n",
        "\n  Latency Distribution",
        "\n     50%    1.21ms\n",
        "\n     99%    2.00s   or more\n",
        "\n 99.999%    2.00s   or more\n",
        "\n  60 requests in 1.00s, 0.00B read\n",
        "\n  Socket errors: connect 0, read 0, write 0, timeout 4\n",
        "\n  Non-2xx or 3xx responses: 6\n",
        "\nRequests/sec:      60.00\n",
        "\nTransfer/sec:      0.00B\n",
        " >=2.00s",
        "\n     404          6   10.0%",
        "\n  timeout             4   no response within --timeout\n",
        "\n  Failed checks: length 7, crc32 3\n",
        "\n  second        30   50.0%   1.00ms   1.00ms       10\n",
        "  p99 counted from the plan >=2.00s; from the send, as a closed-loop generator would say, 1.49ms\n",
        "\n  01234567890..234567890ab ",
        "\n  Jain 0.857 (in 1 s 0.800)   CV 0.408   busiest/mean 1.50   chi-square on connections: too few\n",
        "\nSUSPECT\n  one, ",
    };
    char *text;
    summary.stats.status[200] = 54; /* 4 of them failed their check */
    summary.stats.status[404] = 6;
    summary.stats.check_failed[CHECK_LENGTH] = 7;
    summary.stats.check_failed[CHECK_CRC32] = 3;
    print_text(&text);
    expect_lines(text, lines, sizeof(lines) / sizeof(lines[0]));
    for (const char *line = text; line && *line; line = strchr(line, '\n') + 1)
        if (strcspn(line, "\n") > 130)
            fail_msg("a long line: %s", line);
    free(text);
}

static void test_text_uncorrected(void **state)
{
    (void)state;
    static const char *const lines[] = {"\n  Latency Distribution (service time, uncorrected)\n", "\n     99%    1.49ms\n",
                                        "uncorrected: as a closed-loop generator would say\n"};
    char *text;
    settings.uncorrected = true;
    print_text(&text);
    expect_lines(text, lines, sizeof(lines) / sizeof(lines[0]));
    free(text);
}

/* No empty tables, no fairness of one, nothing about errors. */
static void test_text_is_calm(void **state)
{
    (void)state;
    static const char *const words[] = {"error ", "Error",      "Status", "Failed", "Jain",
                                        "Kind",   "%  or more", ">=",     "linger", "Worker"};
    char *text;
    struct stats *stats = &summary.stats;
    struct kind_stats *kinds_before = stats->kinds;
    unsigned backends_before = stats->backend_count;
    stats->kinds = NULL;
    stats->status[404] = stats->http_errors = stats->timed_out = stats->errors[ERROR_TIMEOUT] = 0;
    stats->ok = stats->status[200] = 60;
    stats->backend_count = 1; /* nobody named himself */
    histogram_reset(&stats->censored);
    histogram_reset(&summary.response);
    assert_int_equal(histogram_merge(&summary.response, &summary.answered), 0);
    summary.reason_count = 0;
    print_text(&text);
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strstr(text, words[i]))
            fail_msg("'%s' in: %s", words[i], text);
    stats->kinds = kinds_before;
    stats->backend_count = backends_before;
    free(text);
}

/* ---- the page ---- */

static unsigned count_words(const char *text, const char *word)
{
    unsigned count = 0;
    for (const char *at = text; (at = strstr(at, word)); at++)
        count++;
    return count;
}

static void feed_page(struct page *page, unsigned intervals)
{
    struct watcher watcher = page_watcher(page);
    struct series_backend backend = {.id = "1"};
    struct series_interval interval = {.backends = {&backend}, .backend_count = 1};
    assert_int_equal(histogram_init(&backend.response, HISTOGRAM_HOUR_US, SERIES_DIGITS), 0);
    for (unsigned i = 0; i < intervals; i++) {
        bool stalled = i % 100 == 50;
        backend.requests = stalled ? 0 : 7;
        interval.errors = i % 10 == 0;
        histogram_reset(&backend.response);
        histogram_record_many(&backend.response, 100 + 1000 * (i % 13), backend.requests);
        watcher.take(watcher.context, &interval, i * SERIES_INTERVAL_NS, (i + 1) * SERIES_INTERVAL_NS);
    }
    watcher.take(watcher.context, &interval, intervals * SERIES_INTERVAL_NS, intervals * SERIES_INTERVAL_NS); /* after the end */
    histogram_close(&backend.response);
}

static void print_page(unsigned intervals, char **text)
{
    size_t size;
    struct page *page;
    FILE *out = open_memstream(text, &size);
    settings.html = "somewhere";
    summary.duration_s = intervals / 10.0;
    assert_non_null(out);
    assert_int_equal(page_new(&settings, &page), 0);
    feed_page(page, intervals);
    assert_int_equal(page_print(page, &summary, out), 0);
    page_free(page);
    assert_int_equal(fclose(out), 0);
    summary.duration_s = 1;
}

/* What comes from outside stands on the page as text; no figure is none. */
static void test_page(void **state)
{
    (void)state;
    char *text;
    print_page(20, &text);
    assert_null(strstr(text, "<script"));
    assert_null(strstr(text, "<c>"));
    assert_null(strstr(text, "<strange>"));
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "inf"));
    assert_non_null(strstr(text, "&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert_non_null(strstr(text, "one, &quot;quoted&quot; &amp; &lt;strange&gt;"));
    assert_non_null(strstr(text, "One step is 0.1 s."));
    assert_non_null(strstr(text, ">0123456789..34567890ab<")); /* both ends: names that begin alike stay apart */
    assert_int_equal(count_words(text, "<svg"), 5);
    assert_int_equal(count_words(text, "<svg"), count_words(text, "</svg>"));
    assert_int_equal(count_words(text, "role=\"img\" aria-label=\""), 5);
    assert_int_equal(count_words(text, "<table>"), count_words(text, "</table>"));
    free(text);
}

/* A long run is drawn in as few columns as a short one. */
static void test_page_folds(void **state)
{
    (void)state;
    char *brief, *text;
    print_page(150, &brief);
    print_page(36000, &text);                             /* an hour */
    assert_non_null(strstr(text, "One step is 25.6 s.")); /* 141 columns */
    assert_true(strlen(text) < 4 * strlen(brief));
    free(brief);
    free(text);
}

/* Nothing came back, and there was no interval. */
static void test_page_of_nothing(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size;
    struct page *page;
    FILE *out = open_memstream(&text, &size);
    settings.html = "somewhere";
    histogram_reset(&summary.response);
    histogram_reset(&summary.service);
    assert_non_null(out);
    assert_int_equal(page_new(&settings, &page), 0);
    assert_int_equal(page_print(page, &summary, out), 0);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "</html>"));
    page_free(page);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_json_is_documented, make_summary, drop_summary),
        cmocka_unit_test_setup_teardown(test_json_says_what_is_a_bound, make_summary, drop_summary),
        cmocka_unit_test_setup_teardown(test_csv, make_summary, drop_summary),
        cmocka_unit_test_setup_teardown(test_csv_columns_stay, make_summary, drop_summary),
        cmocka_unit_test_setup_teardown(test_page, make_summary, drop_summary),
        cmocka_unit_test_setup_teardown(test_page_folds, make_summary, drop_summary),
        cmocka_unit_test_setup_teardown(test_page_of_nothing, make_summary, drop_summary),
        cmocka_unit_test_setup_teardown(test_text, make_summary, drop_summary),
        cmocka_unit_test_setup_teardown(test_text_uncorrected, make_summary, drop_summary),
        cmocka_unit_test_setup_teardown(test_text_is_calm, make_summary, drop_summary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
