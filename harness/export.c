/*
 * export: tidy CSV holds every cell that was measured, also those that are not ranked or lie in a block that was thrown out, with
 * columns that say so: whoever does statistics of their own decides. Prometheus gets what a report would rank.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#include "export.h"

/* ---- CSV: RFC 4180 ---- */

static void print_field(FILE *out, const char *text)
{
    if (!text[strcspn(text, ",\"\r\n")]) {
        fprintf(out, "%s,", text);
        return;
    }
    fputc('"', out);
    for (; *text; text++)
        fprintf(out, *text == '"' ? "\"%c" : "%c", *text);
    fputs("\",", out);
}

/* A block that is not settled yet is not accepted. */
static bool is_accepted(const struct results *results, unsigned block)
{
    for (unsigned i = 0; i < results->block_count; i++)
        if (results->blocks[i].number == block)
            return results->blocks[i].accepted;
    return false;
}

static void print_value(FILE *out, const struct results *results, const struct cell_record *cell, int m)
{
    print_field(out, results->plan.name);
    print_field(out, results->plan.experiments[cell->experiment].name);
    print_field(out, cell->strategy);
    fprintf(out, "%s,%u,", cell->again ? "true" : "false", cell->workers);
    print_field(out, cell->load);
    fprintf(out, "%.9g,%u,%s,%s,%s,%.9g\n", cell->rate, cell->block, is_accepted(results, cell->block) ? "true" : "false",
            cell->ranked ? "true" : "false", metrics[m].name, cell->value[m]);
}

void export_print_csv(const struct results *results, FILE *out)
{
    fputs("plan,experiment,strategy,again,workers,load,rate,block,accepted,ranked,metric,value\n", out);
    for (unsigned i = 0; i < results->cell_count; i++)
        for (int m = 0; m < METRIC_COUNT; m++)
            if (isfinite(results->cells[i].value[m]))
                print_value(out, results, &results->cells[i], m);
}

/* ---- Prometheus' text format 0.0.4 ---- */

/* Its names have base units: seconds and bytes. */
static const struct family {
    const char *name;
    double factor; /* from the stored unit */
} families[METRIC_COUNT] = {
    [METRIC_CPU] = {"request_cpu_seconds", 1e-6},
    [METRIC_CPU_USER] = {"request_cpu_user_seconds", 1e-6},
    [METRIC_CPU_SYSTEM] = {"request_cpu_system_seconds", 1e-6},
    [METRIC_CPU_FRONT] = {"request_cpu_proxy_seconds", 1e-6},
    [METRIC_RATE] = {"requests_per_second", 1},
    [METRIC_P50] = {"response_time_p50_seconds", 1e-6},
    [METRIC_P90] = {"response_time_p90_seconds", 1e-6},
    [METRIC_P99] = {"response_time_p99_seconds", 1e-6},
    [METRIC_P999] = {"response_time_p999_seconds", 1e-6},
    [METRIC_JAIN_REQUESTS] = {"jain_requests", 1},
    [METRIC_JAIN_CONNECTIONS] = {"jain_connections", 1},
    [METRIC_BUSIEST] = {"busiest_over_mean", 1},
    [METRIC_CHI_SQUARE] = {"chi_square_p", 1},
    [METRIC_HITS] = {"found_ratio", 1e-2},
    [METRIC_MEMORY] = {"memory_pss_bytes", 1},
    [METRIC_STARTUP] = {"startup_seconds", 1e-6},
    [METRIC_LOST] = {"lost_requests", 1},
    [METRIC_LOST_IDLE] = {"lost_idle_closed_requests", 1},
    [METRIC_GAP] = {"longest_gap_seconds", 1e-3},
    [METRIC_GENERATOR_CPU] = {"request_generator_cpu_seconds", 1e-6},
};

static void print_label(FILE *out, const char *name, const char *value)
{
    fprintf(out, "%s=\"", name);
    for (; *value; value++)
        if (*value == '\n')
            fputs("\\n", out);
        else
            fprintf(out, *value == '"' || *value == '\\' ? "\\%c" : "%c", *value);
    fputc('"', out);
}

static void print_sample(FILE *out, const struct summary *summary, const struct row *row, int m)
{
    char *workers = text_print("%u", row->workers);
    const char *const labels[][2] = {{"plan", summary->results->plan.name},
                                     {"experiment", summary->results->plan.experiments[row->experiment].name},
                                     {"strategy", row->strategy},
                                     {"again", row->again ? "true" : "false"},
                                     {"workers", workers},
                                     {"load", row->load}};
    fprintf(out, "clusterbench_%s{", families[m].name);
    for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++) {
        fputs(i ? "," : "", out);
        print_label(out, labels[i][0], labels[i][1]);
    }
    fprintf(out, "} %.9g\n", row->of[m].median * families[m].factor);
    free(workers);
}

static void print_family(FILE *out, const struct summary *summary, int m)
{
    bool begun = false;
    for (unsigned i = 0; i < summary->row_count; i++) {
        const struct row *row = &summary->rows[i];
        if (!row->ranked || !isfinite(row->of[m].median))
            continue;
        if (!begun)
            fprintf(out, "# HELP clusterbench_%s Median of the blocks: %s.\n# TYPE clusterbench_%s gauge\n", families[m].name,
                    metrics[m].label, families[m].name);
        begun = true;
        print_sample(out, summary, row, m);
    }
}

void export_print_prometheus(const struct summary *summary, FILE *out)
{
    fputs("# HELP clusterbench_blocks Blocks that the medians are of.\n# TYPE clusterbench_blocks gauge\nclusterbench_blocks{",
          out);
    print_label(out, "plan", summary->results->plan.name);
    fprintf(out, "} %u\n", summary->block_count);
    for (int m = 0; m < METRIC_COUNT; m++)
        print_family(out, summary, m);
}

/* ---- the command ---- */

static void print(const struct export_settings *settings, const struct results *results, FILE *out)
{
    struct summary summary;
    if (settings->csv) {
        export_print_csv(results, out);
        return;
    }
    summary_make(&summary, results);
    export_print_prometheus(&summary, out);
    summary_free(&summary);
}

static int write_out(const struct export_settings *settings, const struct results *results)
{
    struct file_draft draft;
    if (!settings->out) {
        print(settings, results, stdout);
        return fflush(stdout) == 0 ? 0 : -errno;
    }
    int result = file_draft(&draft, settings->out);
    if (result < 0)
        return result;
    print(settings, results, draft.out);
    return file_commit(&draft);
}

int export_run(const struct export_settings *settings, const char *folder)
{
    struct results results;
    char error[RESULTS_ERROR_SIZE];
    if (settings->csv == settings->prometheus) {
        fputs("clusterbench: export needs one of --csv and --prometheus\n", stderr);
        return 1;
    }
    int result = results_read(&results, folder, error);
    if (!result && results_lack_cells(&results)) {
        snprintf(error, sizeof(error), "%s: the run is complete, but its cells/ are not there any more", folder);
        results_close(&results);
        result = -ENODATA;
    }
    if (result < 0) {
        fprintf(stderr, "clusterbench: export: %s\n", text_tame(error));
        return 1;
    }
    result = write_out(settings, &results);
    if (result < 0)
        fprintf(stderr, "clusterbench: export: cannot write %s: %s\n", settings->out ? settings->out : "to stdout",
                strerror(-result));
    for (size_t i = 0; i < results.unreadable.count; i++)
        fprintf(stderr, "clusterbench: export: left out: %s\n", results.unreadable.items[i]);
    results_close(&results);
    return result < 0 ? 1 : 0;
}
