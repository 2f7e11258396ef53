/*
 * --html: a page with charts, all in one file: the drawings are SVG written here, the colours a style sheet that follows the
 * reader's light or dark scheme. No script, nothing loaded. It shows one run; charts that compare runs are the harness'.
 *
 * What happened by time is kept in at most COLUMNS columns. When they are full, each two become one and columns are twice as long:
 * a day fits into the memory of 20 seconds.
 *
 * Colours are those of Okabe and Ito, which the colour-blind can tell apart; lines differ in their dashes, too.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/html.h"
#include "base/units.h"
#include "loadgen/report/charts.h"
#include "loadgen/report/report.h"

#define COLUMNS      200
#define HEAT_ROWS    36
#define HEAT_LEVELS  8
#define TAIL_POINTS  200
#define TAIL_SURE    100 /* samples beyond a percentile that make it one */
#define TAIL_LEAST   10  /* below that it is an anecdote */
#define WORKERS_MOST 64  /* bars */

struct column {
    uint64_t requests, errors;
    struct histogram response;
};

struct page {
    struct column columns[COLUMNS];
    unsigned count;
    uint64_t width_ns, until_ns;
};

/* ---- what happened by time ---- */

static int column_init(struct column *column)
{
    column->requests = column->errors = 0;
    return histogram_init(&column->response, HISTOGRAM_HOUR_US, SERIES_DIGITS);
}

int page_new(const struct settings *settings, struct page **page)
{
    *page = NULL;
    if (!settings->html)
        return 0;
    struct page *made = calloc(1, sizeof(*made));
    int error = made ? 0 : -ENOMEM;
    for (unsigned i = 0; i < COLUMNS && !error; i++)
        error = column_init(&made->columns[i]);
    if (error) {
        page_free(made);
        return error;
    }
    made->width_ns = SERIES_INTERVAL_NS;
    *page = made;
    return 0;
}

void page_free(struct page *page)
{
    for (unsigned i = 0; page && i < COLUMNS; i++)
        histogram_close(&page->columns[i].response);
    free(page);
}

static void empty(struct column *column)
{
    column->requests = column->errors = 0;
    if (column->response.total)
        histogram_reset(&column->response);
}

static void add(struct column *to, const struct column *from)
{
    to->requests += from->requests;
    to->errors += from->errors;
    if (from->response.total)
        histogram_merge(&to->response, &from->response);
}

/* Each two columns become one. */
static void fold(struct page *page)
{
    for (unsigned i = 0; i < COLUMNS / 2; i++) {
        struct column *into = &page->columns[i];
        if (i > 0) {
            empty(into);
            add(into, &page->columns[2 * i]);
        }
        add(into, &page->columns[2 * i + 1]);
    }
    for (unsigned i = COLUMNS / 2; i < COLUMNS; i++)
        empty(&page->columns[i]);
    page->count = (page->count + 1) / 2;
    page->width_ns *= 2;
}

static void take(void *context, const struct series_interval *interval, uint64_t from_ns, uint64_t until_ns)
{
    struct page *page = context;
    if (from_ns == until_ns && from_ns > 0)
        from_ns--; /* what came after the end belongs to it */
    while (from_ns / page->width_ns >= COLUMNS)
        fold(page);
    unsigned index = (unsigned)(from_ns / page->width_ns);
    struct column *column = &page->columns[index];
    for (unsigned i = 0; i < interval->backend_count; i++) {
        const struct series_backend *backend = interval->backends[i];
        column->requests += backend->requests;
        if (backend->response.total)
            histogram_merge(&column->response, &backend->response);
    }
    column->errors += interval->errors;
    page->count = index + 1 > page->count ? index + 1 : page->count;
    page->until_ns = until_ns;
}

struct watcher page_watcher(struct page *page)
{
    return (struct watcher){take, page, true};
}

/* When column i begins, in seconds; i == count: when the last one ends. */
static double begin_s(const struct page *page, unsigned i)
{
    uint64_t begin = i * page->width_ns;
    return (double)(begin < page->until_ns ? begin : page->until_ns) / 1e9;
}

static double length_s(const struct page *page, unsigned i)
{
    return fmax(begin_s(page, i + 1) - begin_s(page, i), 1e-3);
}

/* ---- the style ---- */

static const char style[] =
    ":root{--ink:#222;--soft:#666;--paper:#fff;--line:#ddd;--blue:#0072b2;--orange:#b35900;--red:#c44601;--green:#00795a;"
    "--h0:#e3eef6;--h1:#c3dbec;--h2:#9cc5e0;--h3:#6fabd2;--h4:#4390c1;--h5:#1f74ab;--h6:#0c5688;--h7:#063a60}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6e6e6;--soft:#a3a3a3;--paper:#181a1b;--line:#3a3d3f;--blue:#56b4e9;"
    "--orange:#e69f00;--red:#ff7f42;--green:#2fbf95;"
    "--h0:#1d2c38;--h1:#1e4058;--h2:#1f5779;--h3:#276f9b;--h4:#3a89ba;--h5:#5ca4d1;--h6:#8ec3e4;--h7:#d3e9f7}}\n"
    "@media print{:root{--ink:#000;--soft:#444;--paper:#fff;--line:#ccc;--blue:#0072b2;--orange:#b35900;--red:#c44601;"
    "--green:#00795a;"
    "--h0:#e3eef6;--h1:#c3dbec;--h2:#9cc5e0;--h3:#6fabd2;--h4:#4390c1;--h5:#1f74ab;--h6:#0c5688;--h7:#063a60}"
    "figure,table{break-inside:avoid}}\n"
    "body{color:var(--ink);background:var(--paper);font:15px/1.45 system-ui,sans-serif;max-width:60rem;margin:0 auto;"
    "padding:1rem 1.2rem 3rem}\n"
    "h1{font-size:1.3rem;margin:.6rem 0 0;overflow-wrap:anywhere}h2{font-size:1.05rem;margin:2rem 0 .3rem}\n"
    "p{margin:.3rem 0}.soft,figcaption{color:var(--soft);font-size:.87rem}figure{margin:1.6rem 0 0}\n"
    ".verdict{border-left:.4rem solid;padding:.2rem .8rem;margin:1rem 0}.VALID{border-color:var(--green)}"
    ".SUSPECT{border-color:var(--orange)}.INVALID{border-color:var(--red)}.verdict b{letter-spacing:.04em}\n"
    ".figures{display:flex;flex-wrap:wrap;gap:.4rem 2.2rem;margin:1rem 0}.figures div{color:var(--soft);font-size:.87rem}"
    ".figures b{display:block;color:var(--ink);font-size:1.5rem;font-weight:600;line-height:1.2}\n"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums;margin:.4rem 0;max-width:100%}"
    "th,td{padding:.15rem .7rem .15rem 0;text-align:right;border-bottom:1px solid var(--line);font-weight:400}"
    "th{color:var(--soft);font-size:.87rem}th:first-child,td:first-child{text-align:left;overflow-wrap:anywhere}"
    "td:not(:first-child){white-space:nowrap}"
    ".scroll{overflow-x:auto}\n"
    "svg{display:block;width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:var(--soft)}"
    "svg .tick{text-anchor:middle}svg .end{text-anchor:end}svg .name{fill:var(--ink)}svg "
    ".word{paint-order:stroke;stroke:var(--paper);stroke-width:5px}"
    "svg path{fill:none;stroke-width:1.7}.grid{stroke:var(--line);stroke-width:.7!important}"
    ".one{stroke:var(--blue)}.two{stroke:var(--orange);stroke-dasharray:7 2}.bad{stroke:var(--red);stroke-dasharray:2 2}"
    ".mark{stroke:var(--soft);stroke-dasharray:4 4;stroke-width:1!important}.faint{opacity:.55}"
    ".bar{fill:var(--blue)}.even{stroke:var(--ink);stroke-dasharray:3 3}\n"
    "svg .heat0{fill:var(--h0)}svg .heat1{fill:var(--h1)}svg .heat2{fill:var(--h2)}svg .heat3{fill:var(--h3)}"
    "svg .heat4{fill:var(--h4)}svg .heat5{fill:var(--h5)}svg .heat6{fill:var(--h6)}svg .heat7{fill:var(--h7)}\n";

/* ---- words ---- */

static double us_to_ns(uint64_t us)
{
    return (double)us * 1000;
}

static uint64_t responses_of(const struct summary *summary)
{
    return summary->stats.ok + summary->stats.http_errors;
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

typedef uint64_t percentile_function(const struct summary *summary, double percentile, bool *bound);

static void print_bounded(const struct summary *summary, percentile_function *percentile_of, double percentile, FILE *out)
{
    char text[UNITS_TEXT_SIZE];
    bool bound;
    uint64_t us = percentile_of(summary, percentile, &bound);
    fprintf(out, "%s%s", bound ? "&ge;&thinsp;" : "", units_print_time(us_to_ns(us), text));
}

static void print_head(const struct summary *summary, FILE *out)
{
    const struct settings *settings = summary->settings;
    fprintf(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                 "<meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\">"
                 "<title>loadgen: ");
    html_print_text(out, settings->url_text);
    fprintf(out, "</title>\n<style>\n%s</style></head>\n<body>\n<h1>", style);
    html_print_text(out, settings->url_text);
    fprintf(out, "</h1>\n<p class=\"soft\">%.*f s, %llu threads, %llu connections, ", summary->duration_s < 0.1 ? 4 : 2,
            summary->duration_s, (unsigned long long)settings->threads, (unsigned long long)settings->connections);
    if (!settings->is_open_loop)
        fputs("closed loop", out);
    else
        fprintf(out, "open loop, %s arrivals, %.10g/s planned", arrivals_names[settings->arrivals.kind],
                settings_planned_rate(settings));
    fprintf(out, ", seed %llu; loadgen " CLUSTERBENCH_VERSION "</p>\n", (unsigned long long)settings->seed);
}

static void print_verdict(const struct summary *summary, FILE *out)
{
    fprintf(out, "<div class=\"verdict %s\"><b>%s</b>", validity_names[summary->validity], validity_names[summary->validity]);
    if (summary->interrupted)
        fputs("<p>Interrupted: the figures are those up to then</p>", out);
    for (unsigned i = 0; i < summary->reason_count; i++) {
        fputs("<p>", out);
        html_print_text(out, summary->reasons[i]);
        fputs("</p>", out);
    }
    fputs("</div>\n", out);
}

static void print_headline(const struct summary *summary, FILE *out)
{
    uint64_t failed = summary->planned - summary->stats.ok;
    fprintf(out, "<div class=\"figures\"><div><b>%.6g/s</b>responses</div>", summary->achieved_rate);
    if (summary->response.total) {
        fputs("<div><b>", out);
        print_bounded(summary, summary_percentile, 50, out);
        fputs("</b>median response time</div><div><b>", out);
        print_bounded(summary, summary_percentile, 99, out);
        fputs("</b>p99</div><div><b>", out);
        print_bounded(summary, summary_percentile, 99.9, out);
        fputs("</b>p99.9</div>", out);
    }
    fprintf(out, "<div><b>%.3g %%</b>not ok</div></div>\n", percent(failed, summary->planned));
}

/* ---- charts by time ---- */

static void caption(FILE *out, const char *title, const char *text)
{
    fprintf(out, "<figcaption><b>%s.</b> %s</figcaption></figure>\n", title, text);
}

struct by_time {
    double at[COLUMNS + 1], middle[COLUMNS], rate[COLUMNS], errors[COLUMNS], p50[COLUMNS], p99[COLUMNS];
    double most_rate, least_us, most_us;
    bool has_errors;
};

/* No rate of a short column at the end, nor of one behind it, in which nothing is sent any more and answers are awaited. */
static void measure_columns(const struct page *page, double end_s, struct by_time *time)
{
    *time = (struct by_time){.least_us = INFINITY};
    time->at[page->count] = begin_s(page, page->count);
    for (unsigned i = 0; i < page->count; i++) {
        const struct column *column = &page->columns[i];
        const struct histogram *response = &column->response;
        time->at[i] = begin_s(page, i);
        time->middle[i] = time->at[i] + length_s(page, i) / 2;
        bool whole = 2 * length_s(page, i) * 1e9 > (double)page->width_ns && time->at[i] + length_s(page, i) < end_s + 1e-3;
        time->rate[i] = whole ? (double)column->requests / length_s(page, i) : NAN;
        time->errors[i] = whole ? (double)column->errors / length_s(page, i) : NAN;
        time->p50[i] = response->total ? (double)histogram_percentile(response, 50) : NAN;
        time->p99[i] = response->total ? (double)histogram_percentile(response, 99) : NAN;
        time->most_rate = fmax(time->most_rate, fmax(time->rate[i], time->errors[i]));
        time->has_errors |= column->errors > 0;
        if (response->total) {
            time->least_us = fmin(time->least_us, (double)histogram_minimum(response));
            time->most_us = fmax(time->most_us, (double)histogram_maximum(response));
        }
    }
}

static struct axis seconds_axis(const struct page *page)
{
    return (struct axis){AXIS_LINEAR, 0, fmax(begin_s(page, page->count), 1e-3), "seconds since the start"};
}

static bool has_rates(const struct page *page, const struct by_time *time)
{
    unsigned i = 0;
    while (i < page->count && isnan(time->rate[i]))
        i++;
    return i < page->count;
}

static void draw_rate(const struct page *page, const struct summary *summary, const struct by_time *time, FILE *out)
{
    char alt[200], text[160];
    struct chart chart = {out, seconds_axis(page), axis_linear(time->most_rate, "per second")};
    snprintf(alt, sizeof(alt), "Responses a second by time: %.6g on the average, at most %.6g.", summary->achieved_rate,
             time->most_rate);
    fputs("<figure>", out);
    chart_begin(&chart, alt);
    if (summary->settings->is_open_loop && summary->settings->is_rate_constant && summary->settings->rate < chart.y.to)
        chart_mark(&chart, true, summary->settings->rate, "planned");
    chart_steps(&chart, "one", time->at, time->rate, page->count);
    if (time->has_errors)
        chart_steps(&chart, "bad", time->at, time->errors, page->count);
    static const char *const classes[] = {"one", "bad"}, *const both[] = {"responses", "errors", NULL},
                             *const one[] = {"responses", NULL};
    chart_legend(&chart, classes, time->has_errors ? both : one);
    chart_end(&chart);
    snprintf(text, sizeof(text), "One step is %.3g s.%s", (double)page->width_ns / 1e9,
             time->has_errors ? " Errors: http errors, socket errors and time-outs." : " There were no errors.");
    caption(out, "Throughput", text);
}

static void draw_latency(const struct page *page, const struct by_time *time, FILE *out)
{
    static const char *const classes[] = {"one", "two"}, *const names[] = {"p50", "p99", NULL};
    double least = INFINITY, most = 0;
    for (unsigned i = 0; i < page->count; i++) {
        least = fmin(least, isnan(time->p50[i]) ? least : time->p50[i]);
        most = fmax(most, isnan(time->p99[i]) ? most : time->p99[i]);
    }
    struct chart chart = {out, seconds_axis(page), axis_time(least, most, "response time")};
    fputs("<figure>", out);
    chart_begin(&chart, "Median and 99th percentile of response time, by time.");
    chart_line(&chart, "one", time->middle, time->p50, page->count);
    chart_line(&chart, "two", time->middle, time->p99, page->count);
    chart_legend(&chart, classes, names);
    chart_end(&chart);
    caption(out, "Response time", "Of the requests that ended in each step; a gap: none did.");
}

/* ---- the heat map ---- */

struct heat {
    uint64_t counts[COLUMNS][HEAT_ROWS], most;
    double edges[HEAT_ROWS + 1];
    unsigned rows;
};

/* Rows of equal ratio; not finer than the histograms, whose slots would leave stripes. */
static void count_heat(const struct page *page, const struct axis *axis, struct heat *heat)
{
    heat->rows = HEAT_ROWS;
    while (heat->rows > 4 && pow(axis->to / axis->from, 1.0 / heat->rows) < 1.03)
        heat->rows /= 2;
    for (unsigned row = 0; row <= heat->rows; row++)
        heat->edges[row] = axis->from * pow(axis->to / axis->from, (double)row / heat->rows);
    for (unsigned i = 0; i < page->count; i++) {
        const struct histogram *response = &page->columns[i].response;
        uint64_t before = 0;
        for (unsigned row = 0; row < heat->rows; row++) {
            uint64_t up_to =
                row + 1 == heat->rows ? response->total : histogram_count_up_to(response, (uint64_t)heat->edges[row + 1]);
            heat->counts[i][row] = up_to - before;
            before = up_to;
            heat->most = heat->counts[i][row] > heat->most ? heat->counts[i][row] : heat->most;
        }
    }
}

/* By the logarithm: a single slow request must be seen beside a thousand fast ones. */
static unsigned heat_level(const struct heat *heat, uint64_t count)
{
    double level = heat->most > 1 ? log((double)count) / log((double)heat->most) * HEAT_LEVELS : HEAT_LEVELS - 1;
    return level < HEAT_LEVELS ? (unsigned)level : HEAT_LEVELS - 1;
}

/* All cells of one colour; neighbours in time are one. */
static void draw_level(const struct chart *chart, const struct by_time *time, const struct heat *heat, unsigned columns,
                       unsigned level)
{
    chart_cells_begin(chart, level);
    for (unsigned row = 0; row < heat->rows; row++)
        for (unsigned i = 0, end; i < columns; i = end) {
            for (end = i; end < columns && heat->counts[end][row] && heat_level(heat, heat->counts[end][row]) == level; end++)
                ;
            if (end > i)
                chart_cell(chart, time->at[i], time->at[end], heat->edges[row], heat->edges[row + 1]);
            else
                end = i + 1;
        }
    chart_cells_end(chart);
}

static int draw_heat(const struct page *page, const struct by_time *time, FILE *out)
{
    char text[200];
    struct heat *heat = calloc(1, sizeof(*heat));
    struct chart chart = {out, seconds_axis(page), axis_time(time->least_us, time->most_us, "response time")};
    if (!heat)
        return -ENOMEM;
    count_heat(page, &chart.y, heat);
    fputs("<figure>", out);
    chart_begin(&chart, "Heat map: how many requests ended when, and with which response time.");
    for (unsigned level = 0; level < HEAT_LEVELS; level++)
        draw_level(&chart, time, heat, page->count, level);
    chart_end(&chart);
    snprintf(text, sizeof(text),
             "Each request by when it ended and how long it took; the stronger the colour, the more: from 1 to "
             "%llu in a cell, on a logarithmic scale.",
             (unsigned long long)heat->most);
    caption(out, "Every response", text);
    free(heat);
    return 0;
}

/* ---- percentiles ---- */

/* Percentiles equally far apart on the axis, up to where `least` samples remain; returns how many. */
static unsigned tail_of(const struct histogram *times, double from, uint64_t least, double *tail, double *us)
{
    double to = (double)times->total / (double)least;
    unsigned count = 0;
    for (unsigned i = 0; to > from && i < TAIL_POINTS; i++) {
        tail[count] = from * pow(to / from, (double)i / (TAIL_POINTS - 1));
        us[count++] = (double)histogram_percentile(times, 100 - 100 / tail[i]);
    }
    return count;
}

static void draw_tail(const struct chart *chart, const char *class, const char *faint, const struct histogram *times)
{
    double tail[TAIL_POINTS], us[TAIL_POINTS], sure = fmax(1, (double)times->total / TAIL_SURE);
    chart_line(chart, class, tail, us, tail_of(times, 1, TAIL_SURE, tail, us));
    chart_line(chart, faint, tail, us, tail_of(times, sure, TAIL_LEAST, tail, us));
}

static void draw_percentiles(const struct summary *summary, FILE *out)
{
    static const char *const classes[] = {"one", "two"}, *const names[] = {"response time", "service time", NULL};
    const struct histogram *response = &summary->response, *service = &summary->service;
    if (response->total < 2 * TAIL_LEAST)
        return;
    double end = pow(10, ceil(log10((double)response->total / TAIL_LEAST)));
    uint64_t least = histogram_minimum(service->total ? service : response);
    struct chart chart = {out,
                          {AXIS_TAIL, 1, end, "of the requests took at most so long"},
                          axis_time((double)least,
                                    (double)histogram_percentile(response, 100 - 100.0 * TAIL_LEAST / (double)response->total),
                                    "time")};
    fputs("<figure>", out);
    chart_begin(&chart, "Percentiles of response time and service time; each step to the right is a tenth of the requests.");
    double answered = (double)summary->answered.total / (double)response->total;
    if (answered < 1 && 1 / (1 - answered) < end)
        chart_mark(&chart, false, 1 / (1 - answered), "lower bounds to the right");
    draw_tail(&chart, "two", "two faint", service);
    draw_tail(&chart, "one", "one faint", response);
    chart_legend(&chart, classes, names);
    chart_end(&chart);
    caption(out, "Percentiles",
            "Response time counts from the plan, service time from the send. Paler where fewer than 100 "
            "requests remain, drawn as far as 10 do.");
}

/* ---- workers ---- */

#define BAR_HEIGHT 20
#define BAR_LEFT   170.0
#define BAR_RIGHT  (CHART_WIDTH - 190.0)

/* The ends of a name that is too long: workers of one program begin alike. */
static const char *print_name(const char *id, char name[BACKEND_ID_MAX + 1])
{
    size_t length = strlen(id);
    snprintf(name, BACKEND_ID_MAX + 1, length > 22 ? "%.10s..%s" : "%s", id, id + (length > 22 ? length - 10 : 0));
    return name;
}

static void draw_bar(const struct summary *summary, const struct backend *backend, unsigned row, double scale, FILE *out)
{
    char text[UNITS_TEXT_SIZE];
    double y = 8 + row * BAR_HEIGHT, width = scale * (double)backend->requests;
    fprintf(out, "<text class=\"name end\" x=\"%.1f\" y=\"%.1f\">", BAR_LEFT - 8, y + 12);
    char name[BACKEND_ID_MAX + 1];
    html_print_text(out, print_name(backend->id, name));
    fprintf(out, "</text><rect class=\"bar\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\"/>", BAR_LEFT, y, width,
            BAR_HEIGHT - 6);
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\">%.1f %%, p99 %s</text>\n", BAR_RIGHT + 14, y + 12,
            percent(backend->requests, responses_of(summary)),
            units_print_time(us_to_ns(histogram_percentile(&backend->response, 99)), text));
}

static unsigned shown_backends(const struct stats *stats, const struct backend **shown)
{
    unsigned count = 0;
    for (unsigned i = 0; i < stats->backend_count && count < WORKERS_MOST; i++)
        if (i > 0 || stats->backends[0]->requests > 0)
            shown[count++] = stats->backends[i];
    return count;
}

static void draw_workers(const struct summary *summary, FILE *out)
{
    const struct backend *shown[WORKERS_MOST];
    const struct fairness *fairness = &summary->fairness;
    unsigned count = shown_backends(&summary->stats, shown);
    uint64_t most = 1;
    char text[200];
    if (summary->stats.backend_count < 2 || fairness->workers < 2)
        return;
    for (unsigned i = 0; i < count; i++)
        most = shown[i]->requests > most ? shown[i]->requests : most;
    double scale = (BAR_RIGHT - BAR_LEFT) / (double)most,
           even = BAR_LEFT + scale * (double)responses_of(summary) / fairness->workers;
    fprintf(out, "<figure><svg viewBox=\"0 0 %d %u\" role=\"img\" aria-label=\"Share of the responses of each worker\">",
            CHART_WIDTH, count * BAR_HEIGHT + 26);
    fputs("<title>Share of the responses of each worker</title>\n", out);
    for (unsigned i = 0; i < count; i++)
        draw_bar(summary, shown[i], i, scale, out);
    if (even <= BAR_RIGHT + 1)
        fprintf(out, "<path class=\"even\" d=\"M%.1f 2V%u\"/><text class=\"tick\" x=\"%.1f\" y=\"%u\">even share</text>", even,
                count * BAR_HEIGHT + 8, even, count * BAR_HEIGHT + 21);
    fputs("</svg>\n", out);
    snprintf(text, sizeof(text), "%u workers; Jain's index %.3f, busiest/mean %.2f.%s", fairness->workers, fairness->jain,
             fairness->max_over_mean, fairness->workers > WORKERS_MOST ? " The first 64 are drawn." : "");
    caption(out, "Share of each worker", text);
}

/* ---- tables ---- */

/* `bounded`, or NULL, gives the same percentiles and says which are lower bounds. */
static void print_times_row(const struct summary *summary, const char *name, const struct histogram *times,
                            percentile_function *bounded, FILE *out)
{
    static const double columns[] = {50, 90, 99, 99.9, 99.99, 100};
    char text[UNITS_TEXT_SIZE];
    if (times->total == 0)
        return;
    fprintf(out, "<tr><td>%s</td>", name);
    for (unsigned i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        fputs("<td>", out);
        if (bounded)
            print_bounded(summary, bounded, columns[i], out);
        else
            fputs(units_print_time(us_to_ns(histogram_percentile(times, columns[i])), text), out);
        fputs("</td>", out);
    }
    fputs("</tr>\n", out);
}

static void print_times(const struct summary *summary, FILE *out)
{
    const struct stats *stats = &summary->stats;
    fputs("<h2>Times</h2>\n<div "
          "class=\"scroll\"><table><tr><th></th><th>p50</th><th>p90</th><th>p99</th><th>p99.9</th><th>p99.99</th>"
          "<th>max</th></tr>\n",
          out);
    print_times_row(summary,
                    summary->settings->is_open_loop               ? "Response time, from the plan"
                    : settings_opens_on_demand(summary->settings) ? "Response time, from the connect"
                                                                  : "Response time, from the send",
                    &summary->response, summary_percentile, out);
    print_times_row(summary, "Service time, from the send", &summary->service, summary_service_percentile, out);
    print_times_row(summary, "First byte, from the send", &summary->first_byte, NULL, out);
    print_times_row(summary, "Send lag", &stats->send_lag, NULL, out);
    print_times_row(summary, "Connect time", &stats->connect, NULL, out);
    print_times_row(summary, "Uncorrected: as a closed-loop generator would say", summary_uncorrected(summary), NULL, out);
    fputs("</table></div>\n", out);
    if (stats->censored.total)
        fprintf(out,
                "<p class=\"soft\">%llu requests had no response; they stand in these with the time they had waited. Figures they "
                "could make more than 1 %% higher are lower bounds (&ge;).</p>\n",
                (unsigned long long)stats->censored.total);
}

static void print_count(FILE *out, const char *name, uint64_t count)
{
    fprintf(out, "<tr><td>%s</td><td>%llu</td></tr>\n", name, (unsigned long long)count);
}

static void print_requests(const struct summary *summary, FILE *out)
{
    const struct stats *stats = &summary->stats;
    fputs("<h2>Requests</h2>\n<table>", out);
    print_count(out, "planned", summary->planned);
    print_count(out, "= ok", stats->ok);
    print_count(out, "+ http errors", stats->http_errors);
    print_count(out, "+ socket errors", stats->socket_errors);
    print_count(out, "+ timed out", stats->timed_out);
    print_count(out, "+ unfinished", stats->unfinished);
    print_count(out, "+ unsent", stats->unsent);
    fputs("</table>\n", out);
}

static void print_statuses(const struct summary *summary, FILE *out)
{
    const struct stats *stats = &summary->stats;
    fputs("<h2>Statuses and errors</h2>\n<table>", out);
    for (unsigned status = 0; status < STATUS_MAX; status++)
        if (stats->status[status])
            fprintf(out, "<tr><td>status %u</td><td>%llu</td></tr>\n", status, (unsigned long long)stats->status[status]);
    for (unsigned kind = 0; kind < ERROR_KINDS; kind++)
        if (stats->errors[kind])
            fprintf(out, "<tr><td>error: %s</td><td>%llu</td></tr>\n", error_names[kind], (unsigned long long)stats->errors[kind]);
    for (unsigned kind = 0; kind < CHECK_KINDS; kind++)
        if (stats->check_failed[kind])
            fprintf(out, "<tr><td>failed check: %s</td><td>%llu</td></tr>\n", check_names[kind],
                    (unsigned long long)stats->check_failed[kind]);
    fputs("</table>\n", out);
}

static void print_share_row(const struct summary *summary, const char *name, uint64_t requests, const struct histogram *times,
                            FILE *out)
{
    char p50[UNITS_TEXT_SIZE], p99[UNITS_TEXT_SIZE];
    fputs("<tr><td>", out);
    html_print_text(out, name);
    fprintf(out, "</td><td>%llu</td><td>%.1f %%</td><td>%s</td><td>%s</td>", (unsigned long long)requests,
            percent(requests, responses_of(summary)), units_print_time(us_to_ns(histogram_percentile(times, 50)), p50),
            units_print_time(us_to_ns(histogram_percentile(times, 99)), p99));
}

static void print_kinds(const struct summary *summary, FILE *out)
{
    const struct stats *stats = &summary->stats;
    if (!stats->kinds || stats->kind_count < 2)
        return;
    fputs("<h2>Kinds of request</h2>\n<div "
          "class=\"scroll\"><table><tr><th></th><th>responses</th><th>share</th><th>p50</th><th>p99</th>"
          "<th>not ok</th></tr>\n",
          out);
    for (unsigned i = 0; i < stats->kind_count; i++) {
        const struct kind_stats *kind = &stats->kinds[i];
        print_share_row(summary, summary->settings->mix.kinds[i].name, kind->requests, &kind->response, out);
        fprintf(out, "<td>%llu</td></tr>\n", (unsigned long long)kind->not_ok);
    }
    fputs("</table></div>\n", out);
}

static void print_workers(const struct summary *summary, FILE *out)
{
    const struct stats *stats = &summary->stats;
    if (stats->backend_count < 2)
        return;
    fputs("<h2>Workers</h2>\n<div class=\"scroll\"><table><tr><th></th><th>responses</th><th>share</th><th>p50</th><th>p99</th>"
          "<th>connections</th><th>errors</th></tr>\n",
          out);
    for (unsigned i = 0; i < stats->backend_count; i++) {
        const struct backend *backend = stats->backends[i];
        if (i == 0 && backend->requests == 0)
            continue;
        print_share_row(summary, backend->id, backend->requests, &backend->response, out);
        fprintf(out, "<td>%llu</td><td>%llu</td></tr>\n", (unsigned long long)backend->connections,
                (unsigned long long)(backend->errors + backend->http_errors));
    }
    fputs("</table></div>\n", out);
}

/* ---- the page ---- */

static int draw_by_time(const struct page *page, const struct summary *summary, FILE *out)
{
    struct by_time *time = malloc(sizeof(*time));
    int error = 0;
    if (!time)
        return -ENOMEM;
    measure_columns(page, summary->duration_s, time);
    if (has_rates(page, time)) /* a run of less than half a step has none */
        draw_rate(page, summary, time, out);
    if (time->most_us > 0) {
        draw_latency(page, time, out);
        error = draw_heat(page, time, out);
    }
    free(time);
    return error;
}

int page_print(const struct page *page, const struct summary *summary, FILE *out)
{
    print_head(summary, out);
    print_verdict(summary, out);
    print_headline(summary, out);
    int error = page->count ? draw_by_time(page, summary, out) : 0;
    draw_percentiles(summary, out);
    draw_workers(summary, out);
    print_times(summary, out);
    print_requests(summary, out);
    print_statuses(summary, out);
    print_kinds(summary, out);
    print_workers(summary, out);
    fputs("</body></html>\n", out);
    if (error)
        return error;
    return ferror(out) ? -EIO : 0;
}
