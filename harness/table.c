/*
 * table: columns are rows of a table: a heading, a function that gives the text, and where the column is shown.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

#include "opinion.h"
#include "table.h"

enum layout experiment_layout(const struct experiment *experiment)
{
    switch (experiment->primary) {
    case METRIC_P50:
    case METRIC_P90:
    case METRIC_P99:
    case METRIC_P999:
        return LAYOUT_LATENCY;
    case METRIC_JAIN_REQUESTS:
    case METRIC_JAIN_CONNECTIONS:
    case METRIC_BUSIEST:
    case METRIC_CHI_SQUARE:
        return LAYOUT_SHARES;
    case METRIC_LOST:
    case METRIC_LOST_IDLE:
    case METRIC_GAP:
        return LAYOUT_LOSSES;
    default:
        return LAYOUT_COST;
    }
}

static char *loads_text(const struct experiment *experiment, const char *only)
{
    struct names loads = {0};
    for (unsigned i = 0; i < experiment->loads_count; i++) {
        char *label = load_label(&experiment->loads[i]), *text = load_text(&experiment->loads[i]);
        if (!only || !strcmp(only, label))
            names_add(&loads, text);
        free(text);
        free(label);
    }
    char *list = names_join(&loads, ", ");
    names_free(&loads);
    return list;
}

static char *connections_text(const struct experiment *experiment)
{
    unsigned each = experiment->requests_per_connection;
    return !each       ? text_copy("keep-alive")
           : each == 1 ? text_copy("one request a connection")
                       : text_print("%u requests a connection", each);
}

char *experiment_setting(const struct experiment *experiment, const char *load)
{
    char *connections = connections_text(experiment), *text;
    if (experiment->loads[0].kind == LOAD_CLOSED) {
        text = text_print("%s, %s, %u connections, closed loop", experiment->request, connections, experiment->connections);
    } else {
        char *loads = loads_text(experiment, load);
        text = text_print("%s, %s, %s arrivals at %s", experiment->request, connections,
                          experiment->arrivals == ARRIVALS_POISSON ? "Poisson" : "constant", loads);
        if (experiment->capacity_rate > 0)
            text_replace(&text, text_print("%s of %.0f/s measured", text, experiment->capacity_rate));
        free(loads);
    }
    if (experiment->method && strcmp(experiment->method, "GET"))
        text_replace(&text, text_print("%s %s", experiment->method, text));
    free(connections);
    return text;
}

/* ---- columns ---- */

struct view {
    const struct summary *summary;
    const struct experiment *experiment;
    const struct row *row;
    const struct opinion *opinion; /* of another generator, or NULL */
    enum metric metric;            /* the column's */
};

static char *column_name(const struct view *view)
{
    char *label = row_label(view->summary, view->row);
    if (view->experiment->loads_count > 1) {
        const char *load = view->row->load;
        text_replace(&label, strstr(load, "pct") ? text_print("%s at %.*s %%", label, (int)strlen(load) - 3, load)
                                                 : text_print("%s at %s", label, load));
    }
    return label;
}

static char *column_estimate(const struct view *view)
{
    return estimate_text(&view->row->of[view->metric], view->metric);
}

static char *column_primary(const struct view *view)
{
    return estimate_text(&view->row->of[view->experiment->primary], view->experiment->primary);
}

static char *column_median(const struct view *view)
{
    struct estimate point = view->row->of[view->metric];
    point.low = point.high = NAN;
    return estimate_text(&point, view->metric);
}

/* "110,000 (1.10)": what the other generator reached, and how many times ours that is. */
static char *column_opinion(const struct view *view)
{
    if (!view->opinion)
        return text_copy("-");
    const struct estimate theirs = {.n = view->opinion->count, .median = view->opinion->theirs, .low = NAN, .high = NAN};
    char *rate = estimate_text(&theirs, METRIC_RATE), *text = text_print("%s (%.2f)", rate, view->opinion->ratio);
    free(rate);
    return text;
}

#define TAIL 0.025 /* each of a test at 5 %; what deals in turn is more even than chance is */

/* Of the median block: both tails are told. */
static char *column_chance(const struct view *view)
{
    double p = view->row->of[METRIC_CHI_SQUARE].median;
    char *text = column_median(view);
    if (p < TAIL || p > 1 - TAIL)
        text_replace(&text, text_print("%s %s", text, p < TAIL ? "uneven" : "too even"));
    return text;
}

static char *column_workers(const struct view *view)
{
    return text_print("%u", view->row->workers);
}

static char *column_ratio(const struct view *view)
{
    enum metric metric = view->experiment->primary;
    if (view->row->baseline && view->row->ranked)
        return text_copy(metrics[metric].by == BY_RATIO ? "1.00" : "0");
    return contrast_text(metric, row_against(view->row, metric));
}

static char *column_speedup(const struct view *view)
{
    return view->row->speedup.n ? ratio_text(&view->row->speedup) : text_copy("-");
}

static char *column_shares(const struct view *view)
{
    char *text = text_copy("");
    for (unsigned i = 0; i < view->row->workers && view->row->measured; i++)
        text_replace(&text, text_print("%s%s%.1f", text, i ? " " : "", 100 * view->row->shares[i]));
    if (!*text)
        text_replace(&text, text_copy("-"));
    return text;
}

#define REASON_MOST 90 /* characters of a reason in a table; the whole stands in the cell's server.json */

static char *shortened(const char *reason)
{
    return strlen(reason) <= REASON_MOST ? text_copy(reason) : text_print("%.*s...", REASON_MOST - 3, reason);
}

static char *column_verdict(const struct view *view)
{
    const struct row *row = view->row;
    char *text = row->again      ? text_copy("A/A")
                 : row->baseline ? text_copy("baseline")
                                 : verdict_text(row, view->experiment->primary);
    if (row->ranked == row->cells)
        return text;
    char *reason = shortened(row->failure);
    if (!row->ranked)
        text_replace(&text, text_print("NOT RANKED: %s", reason));
    else
        text_replace(&text, text_print("%s%s%u of %u cells left out: %s", text, *text ? "; " : "", row->cells - row->ranked,
                                       row->cells, reason));
    free(reason);
    return text;
}

struct column {
    const char *heading; /* %s is the baseline, %p the primary metric, %g the other generator */
    char *(*text)(const struct view *view);
    enum metric metric;
    /* OTHER_PRIMARY: unless another column has it; UNLESS_PRIMARY: unless that column does */
    enum { LEFT = 1, NEEDS_BASELINE = 2, NEEDS_SCALING = 4, OTHER_PRIMARY = 8, NEEDS_CROSSCHECK = 16, UNLESS_PRIMARY = 32 } flags;
};

static const struct column cost_columns[] = {
    {"strategy", column_name, 0, LEFT},
    {"workers", column_workers, 0, 0},
    {"CPU us/request", column_estimate, METRIC_CPU, 0},
    {"requests/s", column_estimate, METRIC_RATE, 0},
    {"requests/s by %g (times ours)", column_opinion, 0, NEEDS_CROSSCHECK},
    {"speed-up", column_speedup, 0, NEEDS_SCALING},
    {"%p", column_primary, 0, OTHER_PRIMARY},
    {"against %s", column_ratio, 0, NEEDS_BASELINE},
    {"", column_verdict, 0, LEFT},
    {0},
};

static const struct column latency_columns[] = {
    {"strategy", column_name, 0, LEFT},
    {"p50 ms", column_estimate, METRIC_P50, 0},
    {"p99 ms", column_estimate, METRIC_P99, 0},
    {"share of each worker, busiest first, %", column_shares, 0, LEFT},
    {"Jain", column_median, METRIC_JAIN_REQUESTS, 0},
    {"requests/s", column_median, METRIC_RATE, NEEDS_CROSSCHECK | UNLESS_PRIMARY},
    {"requests/s by %g (times ours)", column_opinion, 0, NEEDS_CROSSCHECK},
    {"%p", column_primary, 0, OTHER_PRIMARY},
    {"against %s", column_ratio, 0, NEEDS_BASELINE},
    {"", column_verdict, 0, LEFT},
    {0},
};

static const struct column share_columns[] = {
    {"strategy", column_name, 0, LEFT},
    {"share of each worker, busiest first, %", column_shares, 0, LEFT},
    {"Jain of requests", column_estimate, METRIC_JAIN_REQUESTS, 0},
    {"of connections", column_median, METRIC_JAIN_CONNECTIONS, 0},
    {"busiest/mean", column_median, METRIC_BUSIEST, 0},
    {"chi-square p", column_chance, METRIC_CHI_SQUARE, 0},
    {"requests/s", column_median, METRIC_RATE, NEEDS_CROSSCHECK | UNLESS_PRIMARY},
    {"requests/s by %g (times ours)", column_opinion, 0, NEEDS_CROSSCHECK},
    {"%p", column_primary, 0, OTHER_PRIMARY},
    {"against %s", column_ratio, 0, NEEDS_BASELINE},
    {"", column_verdict, 0, LEFT},
    {0},
};

static const struct column resource_columns[] = {
    {"strategy", column_name, 0, LEFT},
    {"workers", column_workers, 0, 0},
    {"CPU us/request", column_median, METRIC_CPU, 0},
    {"user", column_median, METRIC_CPU_USER, 0},
    {"system", column_median, METRIC_CPU_SYSTEM, 0},
    {"generator us", column_median, METRIC_GENERATOR_CPU, 0},
    {"p50 ms", column_median, METRIC_P50, 0},
    {"p99 ms", column_median, METRIC_P99, 0},
    {"PSS MB", column_estimate, METRIC_MEMORY, 0},
    {"start-up ms", column_estimate, METRIC_STARTUP, 0},
    {0},
};

static const struct column primary_columns[] = {
    {"strategy", column_name, 0, LEFT},
    {"%p", column_primary, 0, 0},
    {"requests/s", column_median, METRIC_RATE, NEEDS_CROSSCHECK | UNLESS_PRIMARY},
    {"requests/s by %g (times ours)", column_opinion, 0, NEEDS_CROSSCHECK},
    {"against %s", column_ratio, 0, NEEDS_BASELINE},
    {"", column_verdict, 0, LEFT},
    {0},
};

static const struct column loss_columns[] = {
    {"strategy", column_name, 0, LEFT},
    {"workers", column_workers, 0, 0},
    {"lost requests", column_estimate, METRIC_LOST, 0},
    {"of them idle-closed", column_median, METRIC_LOST_IDLE, 0},
    {"longest gap ms", column_median, METRIC_GAP, 0},
    {"requests/s", column_median, METRIC_RATE, 0},
    {"requests/s by %g (times ours)", column_opinion, 0, NEEDS_CROSSCHECK},
    {"p50 ms", column_median, METRIC_P50, 0},
    {"p99 ms", column_estimate, METRIC_P99, 0},
    {"against %s", column_ratio, 0, NEEDS_BASELINE},
    {"", column_verdict, 0, LEFT},
    {0},
};

static const struct column *const layouts[] = {[LAYOUT_COST] = cost_columns,
                                               [LAYOUT_LATENCY] = latency_columns,
                                               [LAYOUT_SHARES] = share_columns,
                                               [LAYOUT_LOSSES] = loss_columns};

/* ---- making ---- */

static char *heading_text(const char *heading, const struct experiment *experiment)
{
    const struct metric_row *primary = &metrics[experiment->primary];
    if (!strcmp(heading, "%p"))
        return *primary->unit && strcmp(primary->unit, "1/s") ? text_print("%s, %s", primary->label, primary->unit)
                                                              : text_copy(primary->label);
    const char *mark = strstr(heading, "%g");
    if (mark)
        return text_print("%.*s%s%s", (int)(mark - heading), heading, experiment->crosscheck, mark + 2);
    mark = strstr(heading, "%s");
    return mark ? text_print("%.*s%s", (int)(mark - heading), heading, experiment->baseline) : text_copy(heading);
}

static const struct column *columns_of(const struct experiment *experiment, enum table_detail detail)
{
    return detail == TABLE_PRIMARY     ? primary_columns
           : detail == TABLE_RESOURCES ? resource_columns
                                       : layouts[experiment_layout(experiment)];
}

static void add_row(struct table *table, const struct view *view, const struct column *const *shown)
{
    table->cells = memory_grow(table->cells, (table->rows + 1) * table->columns * sizeof(*table->cells));
    table->ranked = memory_grow(table->ranked, (table->rows + 1) * sizeof(*table->ranked));
    table->strategies = memory_grow(table->strategies, (table->rows + 1) * sizeof(*table->strategies));
    table->strategies[table->rows] = view->row->strategy;
    for (unsigned c = 0; c < table->columns; c++) {
        struct view of_column = *view;
        of_column.metric = shown[c]->metric;
        table->cells[table->rows * table->columns + c] = shown[c]->text(&of_column);
    }
    table->ranked[table->rows++] = view->row->ranked > 0;
}

static bool shows_primary(const struct column *columns, const struct experiment *experiment)
{
    for (; columns->heading; columns++)
        if ((columns->text == column_estimate || columns->text == column_median) && columns->metric == experiment->primary)
            return true;
    return false;
}

static bool is_shown(const struct column *column, const struct view *view, unsigned experiment)
{
    if (column->flags & NEEDS_BASELINE && !view->experiment->baseline)
        return false;
    if (column->flags & NEEDS_CROSSCHECK && !view->experiment->crosscheck)
        return false;
    if (column->flags & UNLESS_PRIMARY && view->experiment->primary == column->metric)
        return false;
    bool scaled = !(column->flags & NEEDS_SCALING);
    for (unsigned i = 0; i < view->summary->scaling_count && !scaled; i++)
        scaled = view->summary->scalings[i].experiment == experiment;
    return scaled;
}

static const struct opinion *opinion_of(const struct opinions *opinions, const struct row *row)
{
    const struct opinion like = {
        .experiment = row->experiment, .workers = row->workers, .strategy = row->strategy, .load = row->load, .again = row->again};
    return opinions_find(opinions, &like);
}

static void add_rows(struct table *table, struct view *view, unsigned experiment, const struct column *const *shown)
{
    struct opinions opinions;
    opinions_take(&opinions, view->summary->results);
    for (unsigned i = 0; i < view->summary->row_count; i++) {
        view->row = &view->summary->rows[i];
        view->opinion = opinion_of(&opinions, view->row);
        if (view->row->experiment == experiment)
            add_row(table, view, shown);
    }
    opinions_free(&opinions);
}

void table_make(struct table *table, const struct summary *summary, unsigned experiment, enum table_detail detail)
{
    *table = (struct table){0};
    struct view view = {.summary = summary, .experiment = &summary->results->plan.experiments[experiment]};
    const struct column *shown[TABLE_COLUMNS_MOST];
    const struct column *columns = columns_of(view.experiment, detail);
    bool twice = shows_primary(columns, view.experiment);
    for (const struct column *column = columns; column->heading; column++) {
        if (!is_shown(column, &view, experiment) || (column->flags & OTHER_PRIMARY && twice))
            continue;
        shown[table->columns] = column;
        table->left[table->columns] = column->flags & LEFT;
        table->heading[table->columns++] = heading_text(column->heading, view.experiment);
    }
    add_rows(table, &view, experiment, shown);
}

void table_free(struct table *table)
{
    for (unsigned i = 0; i < table->rows * table->columns; i++)
        free(table->cells[i]);
    for (unsigned i = 0; i < table->columns; i++)
        free(table->heading[i]);
    free(table->cells);
    free(table->ranked);
    free(table->strategies);
    *table = (struct table){0};
}

/* ---- the terminal ---- */

static void print_line(const struct table *table, char *const *texts, const int *widths, FILE *out)
{
    fputs("  ", out);
    for (unsigned c = 0; c < table->columns; c++) {
        bool last = c + 1 == table->columns;
        fprintf(out, " %*s", table->left[c] ? (last ? 0 : -widths[c]) : widths[c], texts[c]);
        fputs(last ? "\n" : "  ", out);
    }
}

void table_print(const struct table *table, FILE *out)
{
    int widths[TABLE_COLUMNS_MOST];
    for (unsigned c = 0; c < table->columns; c++) {
        widths[c] = (int)strlen(table->heading[c]);
        for (unsigned r = 0; r < table->rows; r++) {
            int width = (int)strlen(table->cells[r * table->columns + c]);
            widths[c] = width > widths[c] ? width : widths[c];
        }
    }
    print_line(table, table->heading, widths, out);
    for (unsigned r = 0; r < table->rows; r++)
        print_line(table, table->cells + r * table->columns, widths, out);
}

static void take_remark(struct names *remarks, char *text)
{
    if (*text)
        names_add(remarks, text);
    free(text);
}

void table_remarks(const struct summary *summary, unsigned experiment, struct names *remarks)
{
    *remarks = (struct names){0};
    for (unsigned i = 0; i < summary->scaling_count; i++)
        if (summary->scalings[i].experiment == experiment)
            take_remark(remarks, scaling_text(&summary->scalings[i]));
    for (unsigned i = 0; i < summary->knee_count; i++)
        if (summary->knees[i].experiment == experiment)
            take_remark(remarks, knee_text(&summary->knees[i]));
    take_remark(remarks, contrast_remark(summary, experiment));
    take_remark(remarks, left_out_remark(summary, experiment));
    take_remark(remarks, workers_remark(summary, experiment));
    take_remark(remarks, power_text(summary, experiment));
}

static void print_remarks(const struct summary *summary, unsigned experiment, FILE *out)
{
    struct names remarks;
    table_remarks(summary, experiment, &remarks);
    for (size_t i = 0; i < remarks.count; i++)
        fprintf(out, "   %s\n", remarks.items[i]);
    names_free(&remarks);
}

void table_print_summary(const struct summary *summary, FILE *out)
{
    const struct plan *plan = &summary->results->plan;
    for (unsigned e = 0; e < plan->count; e++) {
        char *setting = experiment_setting(&plan->experiments[e], NULL);
        fprintf(out, "\n%u. %s  (%s%s)\n", e + 1, plan->experiments[e].title, setting,
                plan->experiments[e].emulated ? ", blocked-worker emulation" : "");
        free(setting);
        struct table table;
        table_make(&table, summary, e, TABLE_RESULT);
        if (table.rows)
            table_print(&table, out);
        else
            fputs("   no cell of it was run\n", out);
        table_free(&table);
        print_remarks(summary, e, out);
    }
    fputc('\n', out);
    char *basis = basis_text(summary);
    fprintf(out, "%s\n", basis);
    free(basis);
}
