/*
 * From a summary to the data and script of each kind of chart: a results folder is written here, and what the writers print is
 * held against tests/charts/NAME.dat and NAME.gp, number by number. scripts/lint draws the same files.
 *
 * `test_harness_charts FOLDER` writes them anew: look at the difference, and at the charts, before you keep them.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "harness/catalog.h"
#include "harness/chart.h"
#include "harness/folder.h"

#define BLOCKS 6

static char folder[] = "/tmp/test_harness_charts.XXXXXX";
static struct results results;
static struct summary summary;

static const char plan_text[] =
    "[plan]\ntitle = T\nblocks = 6\n"
    "[experiment cost]\ntitle = C\nstrategies = single, proxied, broken\nrequest = /hello\nduration = 1s\nworkers = 2\n"
    "connections = 64\nbaseline = single\nprimary = cpu_us_per_request\n"
    "[experiment load]\ntitle = L\nstrategies = shared, reuseport\nrequest = /block/{exp:5ms}\nrequests_per_connection = 1\n"
    "arrivals = poisson\nconnections = 64\nworkers = 2\nevents = at 400ms kill worker 1\nload = 50 %, 80 %, 90 %\nduration = "
    "1s\nbaseline = shared\n"
    "primary = p99_us\n"
    "[experiment scale]\ntitle = S\nstrategies = shared\nrequest = /block/2ms\nconnections = 64\nworkers = 1, 2, 4, 8, 16, 32\n"
    "duration = 1s\nprimary = requests_per_s\n";

/* ---- the folder ---- */

struct made {
    const char *experiment, *strategy, *load;
    unsigned block, workers;
    bool again;
    double rate, cpu_us, front_us, p50_us, p99_us, achieved;
    const char *failure, *note;
};

static void write_text(const char *name, const char *text)
{
    char *path = text_print("%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    free(path);
}

static void write_in_cell(const char *cell, const char *file, char *text)
{
    char *name = text_print("cells/%s/%s", cell, file);
    write_text(name, text);
    free(name);
    free(text);
}

static void write_server(const struct made *made, const char *cell)
{
    char *failure = made->failure ? text_print("\"%s\"", made->failure) : text_copy("null");
    char *notes = made->note ? text_print("\"%s\"", made->note) : text_copy("");
    write_in_cell(cell, "server.json",
                  text_print("{\"schema\":\"clusterbench.cell/"
                             "1\",\"block\":%u,\"experiment\":\"%s\",\"strategy\":\"%s\",\"again\":%s,\"workers\":%u,"
                             "\"load\":{\"label\":\"%s\",\"rate\":%g},\"ranked\":%s,\"failure\":%s,\"notes\":[%s],"
                             "\"window\":{\"cpu_us_per_request\":%g,\"cpu_user_us_per_request\":%g,"
                             "\"cpu_system_us_per_request\":%g,\"cpu_front_us_per_request\":%g}}",
                             made->block, made->experiment, made->strategy, made->again ? "true" : "false", made->workers,
                             made->load, made->rate, made->failure ? "false" : "true", failure, notes, made->cpu_us,
                             made->cpu_us / 4, made->cpu_us * 3 / 4, made->front_us));
    free(notes);
    free(failure);
}

/* Worker i gets i + 1 parts of the requests, and of the connections 2 i + 1 where they are kept, and is busy in the opposite order.
 */
static void write_workers(const struct made *made, const char *cell)
{
    char *list = text_copy(""),
         *csv = text_copy("worker,connections,requests,share,p99_us,server_accepted,server_requests,server_busy_ns\n");
    for (unsigned i = 0; i < made->workers; i++) {
        unsigned connections = 16 * (made->rate > 0 ? i + 1 : 2 * i + 1);
        text_replace(&list, text_print("%s%s{\"id\":\"%u\",\"connections\":%u,\"requests\":%u}", list, i ? "," : "", i, connections,
                                       100 * (i + 1)));
        text_replace(&csv, text_print("%s%u,%u,%u,0,0,0,0,%u\n", csv, i, connections, 100 * (i + 1),
                                      made->rate > 0 ? 1000 * (made->workers + 2 - i) : 0));
    }
    write_in_cell(cell, "workers.csv", csv);
    write_in_cell(cell, "load.json",
                  text_print("{\"schema\":\"clusterbench.loadgen/"
                             "1\",\"rate\":{\"achieved\":%g},\"response_time_us\":{\"p50\":%g,\"p90\":%g,\"p99\":%g},"
                             "\"cpu_us_per_request\":3,\"workers\":[%s]}",
                             made->achieved, made->p50_us, made->p50_us * 2, made->p99_us, list));
    free(list);
}

/* 2000 samples: all cells together have 100 beyond 99 % and not beyond 99.2 %. */
static char *hgrm_text(double p50_ms, double p99_ms)
{
    return text_print("       Value     Percentile TotalCount 1/(1-Percentile)\n\n%12.3f 0.500000000000 1000 2.00\n"
                      "%12.3f 0.900000000000 1800 10.00\n%12.3f 0.990000000000 1980 100.00\n%12.3f 1.000000000000 2000\n",
                      p50_ms, sqrt(p50_ms * p99_ms), p99_ms, 2 * p99_ms);
}

/* Ten intervals; worker 1 dies in the fifth and is back after the sixth, which has failed requests. */
static void write_times(const char *cell, const char *strategy)
{
    char *series = text_copy(""), *heat = text_copy("time_s,latency_us,count\n");
    for (int i = 0; i < 10; i++) {
        const char *form = "%s{\"t_s\":%.1f,\"interval_s\":0.1,\"worker\":null,\"requests\":%d,\"errors\":%d}\n"
                           "{\"t_s\":%.1f,\"interval_s\":0.1,\"worker\":\"0\",\"requests\":%d,\"errors\":0}\n"
                           "{\"t_s\":%.1f,\"interval_s\":0.1,\"worker\":\"1\",\"requests\":%d,\"errors\":%d}\n";
        double at_s = i / 10.0;
        int one = i == 5 ? 0 : 10 + i, errors = i == 5 ? 3 : 0;
        text_replace(&series, text_print(form, series, at_s, 20 + one, errors, at_s, 20, at_s, one, errors));
        text_replace(&heat, text_print("%s%.1f,%d,%d\n%.1f,%d,%d\n", heat, at_s, i == 5 ? 10000 : 1000, 20, at_s, 3162, 5));
    }
    /* Planned for 0.4 s: a little late for the one, whose workers are one process, not at all for the other. */
    write_in_cell(cell, "events.csv",
                  text_print("time_s,event,worker,text\n-0.5,start,,\"pid 6, workers 2\"\n-0.5,start,0,\"pid 7, generation 0\"\n"
                             "-0.5,start,1,\"pid %d, generation 0\"\n"
                             "0.4125,%s,1,\"kill worker 1%s\"\n0.42,exit,1,\"kill worker 1\"\n",
                             strcmp(strategy, "shared") ? 8 : 7, strcmp(strategy, "shared") ? "fault-failed" : "fault",
                             strcmp(strategy, "shared") ? ": nobody there" : ""));
    write_in_cell(cell, "series.jsonl", series);
    write_in_cell(cell, "heat.csv", heat);
    write_in_cell(cell, "lanes.csv",
                  text_copy("worker,life,state,from_s,to_s\n0,0,up,-0.5,1\n1,0,up,-0.5,0.41\n1,0,down,0.41,0.5\n"
                            "1,1,starting,0.5,0.6\n1,1,up,0.6,1\n"));
}

static void write_cell(const struct made *made)
{
    char *cell = text_print("%02u-%s-%s%s-w%u-%s", made->block, made->experiment, made->strategy, made->again ? ".again" : "",
                            made->workers, made->load);
    char *path = text_print("%s/cells/%s", folder, cell);
    assert_int_equal(folder_make(path), 0);
    write_server(made, cell);
    if (made->achieved > 0) {
        write_workers(made, cell);
        write_in_cell(cell, "latency.hgrm", hgrm_text(made->p50_us / 1e3, made->p99_us / 1e3));
        write_in_cell(cell, "service.hgrm", hgrm_text(made->p50_us / 2e3, made->p99_us / 2e3));
        if (made->rate > 0)
            write_times(cell, made->strategy);
    }
    free(path);
    free(cell);
}

static void write_costs(unsigned block, double noise)
{
    struct made made = {"cost", "single", "closed", block, 1, false, 0, 8 * noise, 0, 1000, 3000, 9000 / noise, NULL, NULL};
    write_cell(&made);
    made.again = true;
    made.cpu_us = 8.04 * noise;
    write_cell(&made);
    made = (struct made){"cost",     "proxied", "closed", block,        2,    false, 0, 24 * noise,
                         15 * noise, 3000,      9000,     3000 / noise, NULL, NULL};
    write_cell(&made);
    made = (struct made){"cost", "broken", "closed", block, 2, false, 0, 0, 0, 0, 0, 0, "broken ended with status 3", NULL};
    write_cell(&made);
}

/* At 90 % the generator is in doubt, and reuseport's cells have failed. */
static void write_loads(unsigned block, double noise)
{
    static const double shares[] = {0.5, 0.8, 0.9};
    for (int l = 0; l < 3; l++)
        for (int s = 0; s < 3; s++) {
            char *load = text_print("%.0fpct", 100 * shares[l]);
            double p50 = 4000 / (1 - shares[l] / 2) * noise * (s == 2 ? 2 : 1);
            struct made made = {"load",
                                s == 2 ? "reuseport" : "shared",
                                load,
                                block,
                                2,
                                s == 1,
                                400 * shares[l],
                                10,
                                0,
                                p50,
                                p50 / (1 - shares[l]),
                                400 * shares[l],
                                s == 2 && l == 2 ? "requests failed: 3 timed_out" : NULL,
                                l == 2 ? "generator: SUSPECT: late" : NULL};
            write_cell(&made);
            free(load);
        }
}

static void write_scales(unsigned block, double noise)
{
    for (unsigned workers = 1; workers <= 32; workers *= 2) {
        double n = workers, achieved = 500 * n / (1 + 0.02 * (n - 1) + 0.0005 * n * (n - 1));
        struct made made = {
            "scale", "shared", "closed", block, workers, false, 0, 10, 0, 1000, 3000, achieved * (1 + (noise - 1) / n), NULL, NULL};
        write_cell(&made);
    }
}

static int write_folder(void **state)
{
    (void)state;
    static const double noise[BLOCKS] = {1, 1.01, 0.99, 1.005, 0.995, 1.002};
    char error[RESULTS_ERROR_SIZE];
    assert_non_null(mkdtemp(folder));
    write_text("plan.ini", plan_text);
    write_text("run.json",
               "{\"schema\":\"clusterbench.run/1\",\"state\":\"complete\",\"seed\":7,\"planned_blocks\":6,\"only\":[],\"blocks\":["
               "{\"number\":1},{\"number\":2},{\"number\":3},{\"number\":4},{\"number\":5},{\"number\":6}]}");
    for (unsigned b = 1; b <= BLOCKS; b++) {
        write_costs(b, noise[b - 1]);
        write_loads(b, noise[b - 1]);
        write_scales(b, noise[b - 1]);
    }
    assert_int_equal(results_read(&results, folder, error), 0);
    assert_int_equal(results.unreadable.count, 0);
    summary_make(&summary, &results);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    summary_free(&summary);
    results_close(&results);
    return folder_remove(folder);
}

/* ---- the charts ---- */

struct sample {
    const char *name; /* of the files: KIND, or KIND-VARIANT */
    const struct chart_kind *kind;
    int experiment; /* -1: all */
    const char *load;
    const char *alt; /* a part of it */
    bool starred;
};

static const struct sample samples[] = {
    {"cost", &chart_cost, 0, "closed", " single: 8.0 [7.9, 8.1] us, 2.0 of it user. single (again): 8.0", true},
    {"latency", &chart_latency, 1, NULL, " reuseport *: p99 from 21.35 [21.12, 21.55] ms at 200/s to 145.60", true},
    {"latency-rows", &chart_latency, 0, NULL, " single: p99 3.00 [3.00, 3.00] ms. proxied: p99 9.00", false},
    {"percentiles", &chart_percentiles, 1, "80pct", " shared: median 6.67 ms, 99 % below 33.4 ms.", false},
    {"shares", &chart_shares, 1, "80pct", " shared: the busiest of 2 workers got 66.7 %, the idlest 33.3 %, Jain 0.90", false},
    {"lorenz", &chart_lorenz, 1, "80pct", " shared: the idlest 1 of 2 workers had 33.3 % of the requests, Jain 0.90", false},
    {"shares-kept", &chart_shares, 0, "closed", " proxied: the busiest of 2 workers got 75.0 %, the idlest 25.0 %, Jain 0.80",
     false},
    {"lorenz-kept", &chart_lorenz, 0, "closed",
     "Lorenz curves of the connections over the workers. proxied: the idlest 1 of 2 workers had 25.0 %", false},
    {"lorenz-scale", &chart_lorenz, 2, NULL, " shared, 2 workers: the idlest 1 of 2 workers had", false},
    {"fairness", &chart_fairness, 1, "80pct", "over the whole run: shared: 0.96", false},
    {"heat", &chart_heat, 1, "80pct", "requests lost a run: shared: none lost", false},
    {"lanes", &chart_lanes, 1, "80pct", "requests lost a run: shared: none lost", false},
    {"scaling", &chart_scaling, 2, NULL, " shared: 15.1 times with 32 workers. shared: USL sigma 0.02 [0.019, 0.021], kappa 0.0005",
     false},
    {"ratios", &chart_forest, -1, NULL,
     "of 3 comparisons 3 are called different. C  CPU per request, times that of single; less is better: single (again): A/A  1.0",
     true},
};

#define SAMPLES (sizeof(samples) / sizeof(*samples))

struct printed {
    char *data, *script, *alt;
};

static struct printed print_sample(const struct sample *sample)
{
    struct printed printed = {.data = NULL};
    size_t data_length, script_length;
    struct drawing drawing = {.summary = &summary,
                              .experiment = sample->experiment < 0 ? NULL : &results.plan.experiments[sample->experiment],
                              .index = sample->experiment < 0 ? 0 : (unsigned)sample->experiment,
                              .load = sample->load,
                              .data = open_memstream(&printed.data, &data_length),
                              .script = open_memstream(&printed.script, &script_length)};
    assert_non_null(drawing.data);
    assert_non_null(drawing.script);
    assert_int_equal(sample->kind->write(&drawing), 0);
    assert_non_null(drawing.subtitle);
    assert_non_null(drawing.alt);
    chart_print_text(drawing.script, "reading", drawing.subtitle);
    assert_int_equal(fclose(drawing.data), 0);
    assert_int_equal(fclose(drawing.script), 0);
    assert_int_equal(drawing.starred, sample->starred); /* the footer explains a star where there is one */
    free(drawing.subtitle);
    printed.alt = drawing.alt;
    return printed;
}

static void free_printed(struct printed *printed)
{
    free(printed->data);
    free(printed->script);
    free(printed->alt);
}

/* The same words, and numbers alike to a part in a thousand (fits differ a little between compilers). */
static bool is_alike(const char *one, const char *other)
{
    char *end_one, *end_other;
    double a = strtod(one, &end_one), b = strtod(other, &end_other);
    bool numbers = end_one != one && end_other != other && !*end_one && !*end_other;
    return numbers ? (isnan(a) && isnan(b)) || fabs(a - b) <= 1e-3 * fabs(a) + 1e-6 : !strcmp(one, other);
}

static void assert_alike(const char *name, char *is, char *expected)
{
    static const char cuts[] = " \n,[]:()=";
    char *rest_is = NULL, *rest_expected = NULL;
    char *one = strtok_r(is, cuts, &rest_is), *other = strtok_r(expected, cuts, &rest_expected);
    for (; one && other && is_alike(one, other); one = strtok_r(NULL, cuts, &rest_is))
        other = strtok_r(NULL, cuts, &rest_expected);
    if (one || other)
        fail_msg("%s: '%s' where '%s' is expected, before: %.60s", name, one ? one : "(the end)", other ? other : "(the end)",
                 rest_is);
}

static void assert_like_file(const struct sample *sample, const char *suffix, char *is)
{
    char *path = text_print("%s/tests/charts/%s.%s", SOURCE_FOLDER, sample->name, suffix), *expected;
    assert_int_equal(file_read(path, 1u << 20, &expected, NULL), 0);
    assert_alike(path, is, expected);
    free(expected);
    free(path);
}

static void test_writers_print_what_is_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        struct printed printed = print_sample(&samples[i]);
        if (!strstr(printed.alt, samples[i].alt))
            fail_msg("%s: '%s' is not in: %s", samples[i].name, samples[i].alt, printed.alt);
        assert_like_file(&samples[i], "dat", printed.data);
        assert_like_file(&samples[i], "gp", printed.script);
        free_printed(&printed);
    }
}

/* An experiment in which nothing was measured has no chart. */
static void test_nothing_is_no_chart(void **state)
{
    (void)state;
    static const struct chart_kind *const kinds[] = {&chart_cost, &chart_percentiles, &chart_shares, &chart_lorenz, &chart_scaling};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        struct drawing drawing = {.summary = &summary,
                                  .experiment = &results.plan.experiments[1],
                                  .index = 1,
                                  .load = "no such load",
                                  .data = fmemopen(NULL, 4096, "w"),
                                  .script = fmemopen(NULL, 4096, "w")};
        assert_int_not_equal(kinds[i]->write(&drawing), 0);
        fclose(drawing.data);
        fclose(drawing.script);
        free(drawing.subtitle);
        free(drawing.alt);
    }
}

/* A curve each for `names`, a law for all but the last. */
static char *print_scalings(const struct names *names)
{
    unsigned count = (unsigned)names->count;
    struct experiment experiment = {.name = (char *)"scale", .strategies = *names};
    struct results of_scale = {.plan = {.experiments = &experiment, .count = 1}};
    struct row *rows = memory_get(count * sizeof(*rows));
    struct scaling *scalings = memory_get(count * sizeof(*scalings));
    struct summary many = {.results = &of_scale, .rows = rows, .row_count = count, .scalings = scalings, .scaling_count = count};
    for (unsigned i = 0; i < count; i++) {
        const struct fit fit = {.law = {1, 0.0123456, 0.000123456}, .peak = {.median = 31}};
        rows[i] = (struct row){.strategy = names->items[i],
                               .load = "closed",
                               .workers = 32,
                               .speedup = {.n = 1, .median = 3 + i, .low = 3, .high = 30}};
        scalings[i] =
            (struct scaling){.strategy = names->items[i], .load = "closed", .fewest = 1, .most = 32, .usl = fit, .amdahl = fit};
        scalings[i].fitted = i + 1 < count;
        scalings[i].no_fit_because = (char *)"no law is fitted";
    }
    char *script = NULL;
    size_t length;
    struct drawing drawing = {.summary = &many,
                              .experiment = &experiment,
                              .data = fmemopen(NULL, 65536, "w"),
                              .script = open_memstream(&script, &length)};
    assert_int_equal(chart_scaling.write(&drawing), 0);
    fclose(drawing.data);
    assert_int_equal(fclose(drawing.script), 0);
    free(drawing.subtitle);
    free(drawing.alt);
    free(scalings);
    free(rows);
    return script;
}

/* Every curve has its law in the key, two a line, each short enough for half the width of a picture. */
static void test_key_of_many_laws(void **state)
{
    (void)state;
    struct names names = {0};
    names_split(&names, "single shared master-accept reuseport threaded proxied nginx-shared nginx-accept-mutex node-cluster-none");
    char *script = print_scalings(&names), *end;
    assert_non_null(strstr(script, "key_lines = 5\nheight = 725\n"));
    for (unsigned i = 0; i < names.count; i++) {
        char *start = text_print("law_text[%u] = '%s: %s'\n", i + 1, names.items[i],
                                 i + 1 < names.count ? "sigma 0.012, kappa 0.00012, peak at 31" : "no law");
        assert_non_null(end = strstr(script, start));
        assert_in_range(strcspn(end, "\n"), 1, 80);
        free(start);
    }
    free(script);
    names_free(&names);
}

static void test_names_move_apart(void **state)
{
    (void)state;
    double places[] = {5, 5.1, 0.2, 9.9, NAN};
    chart_spread(places, 5, 1, 0, 10);
    assert_float_equal(places[4], 0, 1e-9); /* what has no place stands at the low end */
    assert_float_equal(places[2], 1, 1e-9);
    assert_float_equal(places[0], 5, 1e-9);
    assert_float_equal(places[1], 6, 1e-9);
    assert_float_equal(places[3], 9.9, 1e-9);
    double crowd[] = {9, 9, 9};
    chart_spread(crowd, 3, 5, 0, 4); /* more than there is room for: evenly */
    assert_float_equal(crowd[0] + crowd[1] + crowd[2], 6, 1e-9);
    double high[] = {4, 3.9};
    chart_spread(high, 2, 1, 0, 4);
    assert_float_equal(high[0], 4, 1e-9);
    assert_float_equal(high[1], 3, 1e-9);
}

static void test_long_texts_are_cut(void **state)
{
    (void)state;
    static const struct {
        const char *text, *cut;
    } cases[] = {{"", ""},
                 {"12345678", "12345678"},
                 {"123456789", "12345..."},
                 {"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
                  "678",
                  "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
                  "678"},
                 {"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
                  "6789",
                  "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4..."}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char *cut = chart_shorten(cases[i].text, 8);
        assert_string_equal(cut, cases[i].cut);
        free(cut);
    }
}

/* Key and summary tell a peak by the same rule: its whole interval lies among the workers that were measured. */
static void test_a_peak_is_told_when_it_is_certain(void **state)
{
    (void)state;
    struct scaling scaling = {.strategy = "shared", .most = 64, .fitted = true};
    static const struct {
        double median, high;
        bool told;
    } cases[] = {{40, 60, true}, {40, 80, false}, {40, INFINITY, false}, {40, NAN, true}, {70, NAN, false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        scaling.usl.peak = (struct estimate){.median = cases[i].median, .low = 30, .high = cases[i].high};
        char *text = scaling_text(&scaling);
        assert_int_equal(scaling_has_peak(&scaling), cases[i].told);
        assert_int_equal(strstr(text, "most at 40 workers") != NULL, cases[i].told);
        free(text);
    }
}

/* Strategies of the tree have the same style in every run; others never share one within a run. */
static void test_no_two_share_a_style(void **state)
{
    (void)state;
    struct experiment experiment = {.strategies = {0}};
    names_split(&experiment.strategies, "single shared pm2 nginx-accept-mutex a b c d e f g h");
    struct results other = {.plan = {.experiments = &experiment, .count = 1}};
    struct summary of_other = {.results = &other};
    struct drawing drawing = {.summary = &of_other, .experiment = &experiment};
    for (size_t i = 0; i < experiment.strategies.count; i++) {
        unsigned style = chart_style(&drawing, experiment.strategies.items[i]);
        assert_in_range(style, 1, 18);
        if (i < 4)
            assert_int_equal(style, catalog_style(experiment.strategies.items[i]));
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(style, chart_style(&drawing, experiment.strategies.items[k]));
    }
    names_free(&experiment.strategies);
}

/* ---- to write them anew ---- */

static void keep(const char *to, const char *name, const char *suffix, const char *text)
{
    char *path = text_print("%s/%s.%s", to, name, suffix);
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
    free(path);
}

static const char *keep_in;

static void keep_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        struct printed printed = print_sample(&samples[i]);
        keep(keep_in, samples[i].name, "dat", printed.data);
        keep(keep_in, samples[i].name, "gp", printed.script);
        puts(printed.alt);
        free_printed(&printed);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest keeping[] = {cmocka_unit_test(keep_all)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writers_print_what_is_known),
        cmocka_unit_test(test_nothing_is_no_chart),
        cmocka_unit_test(test_key_of_many_laws),
        cmocka_unit_test(test_names_move_apart),
        cmocka_unit_test(test_long_texts_are_cut),
        cmocka_unit_test(test_a_peak_is_told_when_it_is_certain),
        cmocka_unit_test(test_no_two_share_a_style),
    };
    keep_in = argc > 1 ? argv[1] : NULL;
    return keep_in ? cmocka_run_group_tests(keeping, write_folder, remove_folder)
                   : cmocka_run_group_tests(tests, write_folder, remove_folder);
}
