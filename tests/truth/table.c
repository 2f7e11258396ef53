/*
 * The table: for each scenario truth_server's notes, what loadgen says, and what wrk and ab say of a run of their own against the
 * same script (a closed loop: their truth stands beside them, and "latency" is the service time).
 *
 * Counts must be exact. Times must lie within 1 % or 50 us of the stamps, whichever is more, at p50, p90, p99 and at the maximum. A
 * machine that is busy with something else can spoil a run, and only ever makes the generator's times longer than the stamps; a lie
 * spoils every run. So times have five tries and have to be right in one of them, counts have to be right in all.
 *
 * In a burst answers wait for each other in the generator, up to 10 us each: it reads one and sends what is due before it reads the
 * next, as a client does. What is behind a stall comes in bursts of as many as there are connections: 48 of them put p99 of the
 * service time 2 % above the stamps. So there are 16, and 25 ms an answer.
 *
 * The response time's truth needs no word of loadgen's: requests carry their number in the path, at a constant rate number k was
 * planned for START + k / RATE, and the answer's stamp says when it left. START is the least of ARRIVAL - k / RATE: no request can
 * arrive before its plan, and the fastest one arrived a loopback's way behind it.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "truth.h"

#define TRIES             5
#define TOLERANCE_SHARE   0.01
#define TOLERANCE_US      50
#define RIVAL_CONNECTIONS 64

enum times { FIRST_TIME = 1, SERVICE_TIME = 2, RESPONSE_TIME = 4 };

struct scenario {
    const char *name, *story;
    const char *script; /* of truth_server */
    const char *load;   /* of loadgen */
    double rate;        /* constant; as in `load` */
    uint64_t planned;
    uint64_t duration_ns; /* what is answered later is unfinished; 0: all answers count */
    unsigned times;       /* which are judged; 0: counts only */
    bool rivals;
    const char *wrk, *ab;
};

static const struct scenario scenarios[] = {
    {
        .name = "delay",
        .story = "every answer leaves 10 ms after its request",
        .script = "--delay 10ms",
        .load = "-c 64 -R 1000 -n 1500",
        .rate = 1000,
        .planned = 1500,
        .times = FIRST_TIME | SERVICE_TIME | RESPONSE_TIME,
        .rivals = true,
        .wrk = "-d 3s",
        .ab = "-n 3000",
    },
    {
        .name = "first-byte",
        .story = "the head after 10 ms, the body after 25 ms",
        .script = "--first-byte 10ms --delay 25ms",
        .load = "-c 64 -R 1000 -n 3000",
        .rate = 1000,
        .planned = 3000,
        .times = FIRST_TIME | SERVICE_TIME | RESPONSE_TIME,
        .rivals = true,
        .wrk = "-d 3s",
        .ab = "-n 3000",
    },
    {
        .name = "in-flight",
        .story = "10 ms each, up to 8 requests in flight on each of 4 connections: every one is a sample of its own",
        .script = "--delay 10ms",
        .load = "-c 4 --pipeline 8 -R 1000 -n 3000",
        .rate = 1000,
        .planned = 3000,
        .times = FIRST_TIME | SERVICE_TIME | RESPONSE_TIME,
    },
    {
        .name = "stall",
        .story = "25 ms each; after 2 s everything stands still for 1 s",
        .script = "--delay 25ms --stall-at 2s --stall 1s",
        .load = "-c 16 -R 400 -n 2000",
        .rate = 400,
        .planned = 2000,
        .times = SERVICE_TIME | RESPONSE_TIME,
        .rivals = true,
        .wrk = "-d 5s",
        .ab = "-n 10000",
    },
    {
        .name = "drop",
        .story = "20 requests are never answered",
        .script = "--delay 1ms --drop 20/100",
        .load = "-c 64 -R 3000 -n 3000 --timeout 500ms",
        .rate = 3000,
        .planned = 3000,
        .rivals = true,
        .wrk = "-d 3s --timeout 1s",
        .ab = "-n 3000 -s 1",
    },
    {
        .name = "reset",
        .story = "20 requests are answered by a reset",
        .script = "--delay 1ms --reset 20/100",
        .load = "-c 64 -R 3000 -n 3000",
        .rate = 3000,
        .planned = 3000,
        .rivals = true,
        .wrk = "-d 2s",
        .ab = "-n 3000 -r",
    },
    {
        .name = "length",
        .story = "Content-Length lies: 20 answers are cut short, 30 go on behind their end",
        .script = "--delay 1ms --cut 20/100 --surplus 30/70",
        .load = "-c 64 -R 3000 -n 3000",
        .rate = 3000,
        .planned = 3000,
        .rivals = true,
        .wrk = "-d 2s",
        .ab = "-n 3000 -r",
    },
    {
        .name = "refuse",
        .story = "50 answers are 503",
        .script = "--delay 1ms --refuse 50/40",
        .load = "-c 64 -R 3000 -n 3000",
        .rate = 3000,
        .planned = 3000,
        .rivals = true,
        .wrk = "-d 2s",
        .ab = "-n 3000",
    },
    {
        .name = "end",
        .story = "more is planned than can be sent; at the end some wait for answers, some were never sent",
        .script = "--delay 300ms --stall-at 700ms --stall 1s",
        .load = "-c 20 -R 100 -d 1s --linger 0",
        .rate = 100,
        .planned = 100,
        .duration_ns = CLOCK_NS_PER_S,
    },
    {
        .name = "a-connection-each",
        .story = "every request on a connection of its own; some are dropped, reset, cut or refused",
        .script = "--delay 1ms --drop 5/211 --reset 7/101 --cut 5/131 --refuse 11/71",
        .load = "-c 64 -R 1000 -n 1500 --timeout 1s --requests-per-connection 1",
        .rate = 1000,
        .planned = 1500,
    },
    {
        .name = "pipeline",
        .story = "up to 8 requests in flight a connection, poisson arrivals on two threads; 50 answers are 503",
        .script = "--delay 5ms --refuse 50/40",
        .load = "-t 2 -c 8 --pipeline 8 -R 3000 -n 3000 --arrivals poisson",
        .rate = 3000,
        .planned = 3000,
    },
    {
        .name = "everything",
        .story = "all of it together, on two threads",
        .script =
            "--delay 2ms --first-byte 1ms --stall-at 500ms --stall 300ms --drop 5/211 --reset 7/101 --cut 5/131 --surplus 6/151 "
            "--refuse 11/71",
        .load = "-t 2 -c 64 -R 1000 -n 1500 --timeout 1s",
        .rate = 1000,
        .planned = 1500,
    },
};

static const struct {
    const char *name;
    const char *path; /* in loadgen's report */
    double percentile;
    unsigned times; /* 0: a count */
} quantities[QUANTITIES] = {
    [RECEIVED] = {"requests sent", NULL, 0, 0},
    [ANSWERED] = {"answered", "requests/ok", 0, 0},
    [HTTP_ERRORS] = {"http errors", "requests/http_errors", 0, 0},
    [SOCKET_ERRORS] = {"reset or cut", "requests/socket_errors", 0, 0},
    [TIMED_OUT] = {"never answered", "requests/timed_out", 0, 0},
    [UNFINISHED] = {"unfinished", "requests/unfinished", 0, 0},
    [UNSENT] = {"planned, never sent", "requests/unsent", 0, 0},
    [FIRST_P50] = {"first byte p50", "first_byte_us/p50", 50, FIRST_TIME},
    [FIRST_P90] = {"first byte p90", "first_byte_us/p90", 90, FIRST_TIME},
    [FIRST_P99] = {"first byte p99", "first_byte_us/p99", 99, FIRST_TIME},
    [FIRST_MAX] = {"first byte max", "first_byte_us/max", 100, FIRST_TIME},
    [SERVICE_P50] = {"service p50", "service_time_us/p50", 50, SERVICE_TIME},
    [SERVICE_P90] = {"service p90", "service_time_us/p90", 90, SERVICE_TIME},
    [SERVICE_P99] = {"service p99", "service_time_us/p99", 99, SERVICE_TIME},
    [SERVICE_MAX] = {"service max", "service_time_us/max", 100, SERVICE_TIME},
    [RESPONSE_P50] = {"response p50", "response_time_us/p50", 50, RESPONSE_TIME},
    [RESPONSE_P90] = {"response p90", "response_time_us/p90", 90, RESPONSE_TIME},
    [RESPONSE_P99] = {"response p99", "response_time_us/p99", 99, RESPONSE_TIME},
    [RESPONSE_MAX] = {"response max", "response_time_us/max", 100, RESPONSE_TIME},
};

/* What stands beside each other in one table. */
enum column { TRUTH, LOADGEN, WRK_TRUTH, WRK, AB_TRUTH, AB, WRK2_MODEL, COLUMNS };

static const char *const column_names[COLUMNS] = {"truth", "loadgen", "truth", "wrk", "truth", "ab", "wrk2 (model)"};

struct table {
    struct figures columns[COLUMNS];
};

/* ---- what was true ---- */

static void fill_times(struct figures *figures, struct sample *sample, unsigned times)
{
    for (unsigned i = 0; i < QUANTITIES; i++)
        if (quantities[i].times == times)
            figures->of[i] = sample_percentile(sample, quantities[i].percentile);
}

static bool has_answer(const struct stamp *row)
{
    return row->last_ns && row->fate != FATE_CUT;
}

/* The start of the plans, in nanoseconds. */
static double start_of(const struct stamps *stamps, double rate)
{
    double start = INFINITY;
    for (size_t i = 0; i < stamps->count; i++)
        if (stamps->rows[i].number != STAMP_NO_NUMBER)
            start = fmin(start, (double)stamps->rows[i].arrival_ns - (double)stamps->rows[i].number / rate * 1e9);
    return start;
}

static void true_times(const struct stamps *stamps, double rate, struct figures *figures)
{
    struct sample first = {.values = NULL}, service = {.values = NULL}, response = {.values = NULL};
    double start = start_of(stamps, rate);
    for (size_t i = 0; i < stamps->count; i++) {
        const struct stamp *row = &stamps->rows[i];
        if (!has_answer(row))
            continue;
        sample_add(&first, (double)(row->first_ns - row->arrival_ns) / 1e3);
        sample_add(&service, (double)(row->last_ns - row->arrival_ns) / 1e3);
        if (row->number != STAMP_NO_NUMBER)
            sample_add(&response, ((double)row->last_ns - start) / 1e3 - (double)row->number / rate * 1e6);
    }
    fill_times(figures, &first, FIRST_TIME);
    fill_times(figures, &service, SERVICE_TIME);
    fill_times(figures, &response, RESPONSE_TIME);
    sample_close(&first);
    sample_close(&service);
    sample_close(&response);
}

/* An answer that left after the run's end came too late for it. */
static void end_at(struct stamps *stamps, const struct scenario *scenario)
{
    double end = start_of(stamps, scenario->rate) + (double)scenario->duration_ns;
    for (size_t i = 0; i < stamps->count && scenario->duration_ns; i++)
        if ((double)stamps->rows[i].last_ns > end)
            stamps->rows[i].fate = FATE_GONE;
}

/* `planned` 0: a closed loop. */
static void true_figures(const struct stamps *stamps, double rate, uint64_t planned, struct figures *figures)
{
    figures_clear(figures);
    double *of = figures->of;
    of[RECEIVED] = (double)stamps->count;
    of[ANSWERED] = (double)(stamps_count(stamps, FATE_ANSWERED) + stamps_count(stamps, FATE_SURPLUS));
    of[HTTP_ERRORS] = (double)stamps_count(stamps, FATE_REFUSED);
    of[SOCKET_ERRORS] = (double)(stamps_count(stamps, FATE_RESET) + stamps_count(stamps, FATE_CUT));
    of[TIMED_OUT] = (double)stamps_count(stamps, FATE_DROPPED);
    of[UNFINISHED] = (double)stamps_count(stamps, FATE_GONE);
    of[UNSENT] = planned ? (double)planned - (double)stamps->count : NAN;
    true_times(stamps, rate, figures);
}

/* ---- what is said ---- */

static void said_figures(const json_t *report, struct figures *figures)
{
    figures_clear(figures);
    for (unsigned i = 0; i < QUANTITIES; i++)
        if (quantities[i].path)
            figures->of[i] = report_number(report, quantities[i].path);
    figures->of[RECEIVED] = report_number(report, "requests/planned") - figures->of[UNSENT];
}

static void run_loadgen(struct truth *truth, const struct scenario *scenario, struct table *table)
{
    struct scripted server;
    struct stamps stamps;
    char url[256];
    scripted_start(truth, &server, scenario->script);
    snprintf(url, sizeof(url), "%s/{seq}", server.program.url);
    json_t *report = loadgen_run(truth, scenario->load, url, NULL);
    scripted_stop(&server, &stamps);
    end_at(&stamps, scenario);
    true_figures(&stamps, scenario->rate, scenario->planned, &table->columns[TRUTH]);
    said_figures(report, &table->columns[LOADGEN]);
    json_decref(report);
    stamps_close(&stamps);
}

static const char *last_line(char *text)
{
    size_t length = strlen(text);
    while (length && text[length - 1] == '\n')
        text[--length] = '\0';
    const char *line = strrchr(text, '\n');
    return line ? line + 1 : text;
}

static void run_rival(struct truth *truth, const struct scenario *scenario, const char *command, struct figures *true_ones,
                      struct figures *said, void (*read)(const char *output, struct figures *figures))
{
    struct scripted server;
    struct program program;
    struct stamps stamps;
    char line[512];
    scripted_start(truth, &server, scenario->script);
    snprintf(line, sizeof(line), "%s %s/", command, server.program.url);
    program_start(truth, &program, truth->generator_cpu, line);
    program_wait(&program);
    scripted_stop(&server, &stamps);
    true_figures(&stamps, scenario->rate, 0, true_ones);
    char *output = program_output(&program);
    read(output, said);
    if (isnan(said->of[ANSWERED]))
        printf("\n%s: gave up and told nothing: %s\n", command, last_line(output));
    free(output);
    stamps_close(&stamps);
}

static void model_wrk2(const struct truth *truth, const struct scenario *scenario, struct table *table)
{
    struct sample sample = {.values = NULL};
    struct server_model server = {.service_ns = (uint64_t)(table->columns[TRUTH].of[SERVICE_P50] * 1e3)};
    if (strcmp(scenario->name, "stall") == 0) {
        server.stall_from_ns = 2 * CLOCK_NS_PER_S;
        server.stall_until_ns = 3 * CLOCK_NS_PER_S;
    }
    if (truth->counts_only || !(scenario->times & RESPONSE_TIME) || isnan(table->columns[TRUTH].of[SERVICE_P50]))
        return;
    wrk2_model(&server, scenario->rate, RIVAL_CONNECTIONS, (uint64_t)((double)scenario->planned / scenario->rate * 1e9), &sample);
    fill_times(&table->columns[WRK2_MODEL], &sample, RESPONSE_TIME);
    sample_close(&sample);
}

static void run_rivals(struct truth *truth, const struct scenario *scenario, struct table *table)
{
    char command[256];
    if (truth->counts_only || !scenario->rivals)
        return;
    if (program_is_installed("wrk")) {
        snprintf(command, sizeof(command), "wrk -t 1 -c %d --latency %s", RIVAL_CONNECTIONS, scenario->wrk);
        run_rival(truth, scenario, command, &table->columns[WRK_TRUTH], &table->columns[WRK], wrk_figures);
    }
    if (program_is_installed("ab")) {
        snprintf(command, sizeof(command), "ab -q -k -c %d %s", RIVAL_CONNECTIONS, scenario->ab);
        run_rival(truth, scenario, command, &table->columns[AB_TRUTH], &table->columns[AB], ab_figures);
    }
}

/* ---- judging ---- */

static bool is_right(const struct table *table, enum quantity quantity)
{
    double truth = table->columns[TRUTH].of[quantity], said = table->columns[LOADGEN].of[quantity];
    if (quantities[quantity].times == 0)
        return said == truth;
    return fabs(said - truth) <= fmax(TOLERANCE_SHARE * truth, TOLERANCE_US);
}

static bool is_judged(const struct scenario *scenario, enum quantity quantity)
{
    return quantities[quantity].times == 0 || (quantities[quantity].times & scenario->times);
}

/* Counts (times == false) or times: how many are wrong. */
static unsigned count_wrong(const struct scenario *scenario, const struct table *table, bool times)
{
    unsigned wrong = 0;
    for (unsigned i = 0; i < QUANTITIES; i++)
        if (is_judged(scenario, i) && (quantities[i].times != 0) == times)
            wrong += !is_right(table, i);
    return wrong;
}

/* ---- printing ---- */

static bool has_column(const struct table *table, enum column column)
{
    const struct figures *said = &table->columns[column + (column == WRK_TRUTH || column == AB_TRUTH)];
    for (unsigned i = 0; i < QUANTITIES; i++)
        if (!isnan(said->of[i]))
            return true;
    return false;
}

static void print_figure(double value, bool is_time)
{
    if (isnan(value))
        printf(" %12s", "-");
    else if (is_time)
        printf(" %9.3f ms", value / 1e3);
    else
        printf(" %12.0f", value);
}

static bool is_worth_a_row(const struct scenario *scenario, const struct table *table, enum quantity quantity)
{
    if (quantities[quantity].times)
        return (quantities[quantity].times & scenario->times);
    for (unsigned column = 0; column < COLUMNS; column++)
        if (table->columns[column].of[quantity] > 0)
            return true;
    return false;
}

static void print_row(const struct truth *truth, const struct scenario *scenario, const struct table *table, enum quantity quantity)
{
    bool is_time = quantities[quantity].times != 0;
    printf("  %-20s", quantities[quantity].name);
    for (unsigned column = 0; column < COLUMNS; column++) {
        /* The others have no plan: what was true of the response time is so for loadgen's plan only. */
        bool planless = quantities[quantity].times == RESPONSE_TIME && (column == WRK_TRUTH || column == AB_TRUTH);
        if (has_column(table, column))
            print_figure(planless ? NAN : table->columns[column].of[quantity], is_time);
        if (column == LOADGEN)
            printf(" %-5s", !is_judged(scenario, quantity) || (is_time && truth->counts_only) ? ""
                            : is_right(table, quantity)                                       ? "ok"
                                                                                              : "WRONG");
    }
    printf("\n");
}

static void print_table(const struct truth *truth, const struct scenario *scenario, const struct table *table)
{
    printf("\n%s: %s\n  truth_server %s\n  loadgen %s\n  %-20s", scenario->name, scenario->story, scenario->script, scenario->load,
           "");
    for (unsigned column = 0; column < COLUMNS; column++) {
        if (has_column(table, column))
            printf(" %12s", column_names[column]);
        if (column == LOADGEN)
            printf(" %-5s", "");
    }
    printf("\n");
    for (unsigned i = 0; i < QUANTITIES; i++)
        if (is_worth_a_row(scenario, table, i))
            print_row(truth, scenario, table, i);
}

/* ---- all of it ---- */

static void play(struct truth *truth, const struct scenario *scenario)
{
    struct table table;
    bool times_right = false, counts_right = true;
    unsigned tries = 0;
    for (unsigned i = 0; i < COLUMNS; i++)
        figures_clear(&table.columns[i]);
    truth->run_first = scenario->times; /* the others, too */
    while (tries < TRIES && !times_right && counts_right) {
        tries++;
        run_loadgen(truth, scenario, &table);
        counts_right = count_wrong(scenario, &table, false) == 0;
        times_right = truth->counts_only || count_wrong(scenario, &table, true) == 0;
    }
    run_rivals(truth, scenario, &table);
    truth->run_first = false;
    model_wrk2(truth, scenario, &table);
    print_table(truth, scenario, &table);
    truth_judge(truth, counts_right, "%s: counts are exact", scenario->name);
    if (!truth->counts_only && scenario->times)
        truth_judge(truth, times_right, "%s: times within 1 %% or 50 us of the stamps (try %u of %d)", scenario->name, tries,
                    TRIES);
}

void truth_table(struct truth *truth)
{
    if (!truth->counts_only && !program_is_installed("wrk"))
        truth_skip(truth, "the column of wrk: not installed (package wrk)");
    if (!truth->counts_only && !program_is_installed("ab"))
        truth_skip(truth, "the column of ab: not installed (package apache2-utils)");
    for (unsigned i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
        if ((!truth->only || strstr(scenarios[i].name, truth->only)) && !(truth->counts_only && scenarios[i].times))
            play(truth, &scenarios[i]);
}
