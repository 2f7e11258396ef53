/*
 * summary_files: a summary as summary.csv, tidy, and as summary.json. summary_markdown.c writes summary.md.
 */
#include <math.h>
#include <stdlib.h>

#include "base/file.h"

#include "summary.h"
#include "summary_parts.h"

/* ---- summary.csv ---- */

static void print_number(FILE *out, double value)
{
    if (isfinite(value))
        fprintf(out, ",%.9g", value);
    else
        fputc(',', out);
}

static void print_line(FILE *out, const struct summary *summary, const struct row *row, int m)
{
    const struct experiment *experiment = &summary->results->plan.experiments[row->experiment];
    fprintf(out, "%s,%s%s,%u,%s,%s,%u", experiment->name, row->strategy, row->again ? ".again" : "", row->workers, row->load,
            metrics[m].name, row->of[m].n);
    bool by_ratio = metrics[m].by == BY_RATIO && row->ratio[m].n;
    const double numbers[] = {row->of[m].median,
                              row->of[m].low,
                              row->of[m].high,
                              row->of[m].coverage > 0 ? row->of[m].coverage : NAN,
                              by_ratio ? row->ratio[m].median : NAN,
                              by_ratio ? row->ratio[m].low : NAN,
                              by_ratio ? row->ratio[m].high : NAN};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
        print_number(out, numbers[i]);
    fprintf(out, ",%s,%u", verdict_names[row->verdict[m]], row->cells - row->ranked);
    print_number(out, row->p[m]);
    print_number(out, row->p_holm[m]);
    fprintf(out, ",%s", compared_by_names[metrics[m].by]);
    print_number(out, row->difference[m].median);
    print_number(out, row->difference[m].low);
    print_number(out, row->difference[m].high);
    fprintf(out, ",%u\n", row_left_out(summary, row, (enum metric)m));
}

static int write_csv(const struct summary *summary)
{
    char *path = text_print("%s/summary.csv", summary->results->folder);
    struct file_draft draft;
    int result = file_draft(&draft, path);
    free(path);
    if (result < 0)
        return result;
    fputs("experiment,strategy,workers,load,metric,n,median,low,high,coverage,ratio,ratio_low,ratio_high,verdict,"
          "cells_not_ranked,p,p_holm,compared_by,difference,difference_low,difference_high,pairs_left_out\n",
          draft.out);
    for (unsigned i = 0; i < summary->row_count; i++)
        for (int m = 0; m < METRIC_COUNT; m++)
            print_line(draft.out, summary, &summary->rows[i], m);
    return file_commit(&draft);
}

/* ---- summary.json ---- */

static json_t *number_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *estimate_json(const struct estimate *estimate)
{
    json_t *json = json_object();
    json_object_set_new(json, "n", json_integer(estimate->n));
    json_object_set_new(json, "median", number_or_null(estimate->median));
    json_object_set_new(json, "low", number_or_null(estimate->low));
    json_object_set_new(json, "high", number_or_null(estimate->high));
    json_object_set_new(json, "coverage", estimate->coverage > 0 ? json_real(estimate->coverage) : json_null());
    return json;
}

static void add_against(json_t *json, const struct summary *summary, const struct row *row, enum metric m)
{
    bool by_ratio = metrics[m].by == BY_RATIO;
    json_t *against = row_against(row, m)->n ? estimate_json(row_against(row, m)) : json_null();
    json_object_set_new(json, "compared_by", json_string(compared_by_names[metrics[m].by]));
    json_object_set_new(json, "ratio", by_ratio ? against : json_null());
    json_object_set_new(json, "difference", by_ratio ? json_null() : against);
    json_object_set_new(json, "pairs_left_out", json_integer(row_left_out(summary, row, m)));
}

static json_t *row_json(const struct summary *summary, const struct row *row)
{
    json_t *json = json_object(), *all = json_object();
    json_object_set_new(json, "experiment", json_string(summary->results->plan.experiments[row->experiment].name));
    json_object_set_new(json, "strategy", json_string(row->strategy));
    json_object_set_new(json, "again", json_boolean(row->again));
    json_object_set_new(json, "workers", json_integer(row->workers));
    const struct row *baseline = summary_baseline(summary, row);
    json_object_set_new(json, "baseline_workers", baseline ? json_integer(baseline->workers) : json_null());
    json_object_set_new(json, "load", json_string(row->load));
    json_object_set_new(json, "rate", json_real(row->rate));
    json_object_set_new(json, "cells", json_integer(row->cells));
    json_object_set_new(json, "ranked", json_integer(row->ranked));
    json_object_set_new(json, "failure", row->failure ? json_string(row->failure) : json_null());
    for (int m = 0; m < METRIC_COUNT; m++) {
        if (!row->of[m].n)
            continue;
        json_t *metric = estimate_json(&row->of[m]);
        add_against(metric, summary, row, (enum metric)m);
        json_object_set_new(metric, "verdict", json_string(verdict_names[row->verdict[m]]));
        json_object_set_new(metric, "p", number_or_null(row->p[m]));
        json_object_set_new(metric, "p_holm", number_or_null(row->p_holm[m]));
        json_object_set_new(metric, "delta", row->delta[m] > 0 ? json_real(row->delta[m]) : json_null());
        json_object_set_new(all, metrics[m].name, metric);
    }
    json_object_set_new(json, "metrics", all);
    json_object_set_new(json, "speedup", row->speedup.n ? estimate_json(&row->speedup) : json_null());
    json_t *shares = json_array();
    for (unsigned i = 0; i < row->workers && row->measured; i++)
        json_array_append_new(shares, json_real(row->shares[i]));
    json_object_set_new(json, "shares", shares);
    return json;
}

/* A difference that cannot be seen however large it is, is null. */
static json_t *power_json(const struct summary *summary, const struct power *power)
{
    if (!power->comparisons)
        return json_null();
    char *least = row_label(summary, power->least.row), *most = row_label(summary, power->most.row);
    json_t *json = json_pack("{s:o, s:o, s:s, s:o, s:s}", "difference", number_or_null(power->median), "least",
                             number_or_null(power->least.difference), "least_of", least, "most",
                             number_or_null(power->most.difference), "most_of", most);
    free(least);
    free(most);
    return json;
}

/* The ends of a peak or a knee may be infinite: then `open` says so and the end is null. */
static json_t *open_estimate_json(const struct estimate *estimate)
{
    json_t *json = estimate_json(estimate);
    json_object_set_new(json, "open", json_boolean(isinf(estimate->high)));
    return json;
}

static json_t *law_json(const struct fit *fit)
{
    json_t *json = json_object(), *residuals = json_array();
    json_object_set_new(json, "scale", number_or_null(fit->law.scale));
    json_object_set_new(json, "sigma", estimate_json(&fit->sigma));
    if (fit->model == FIT_USL) {
        json_object_set_new(json, "kappa", estimate_json(&fit->kappa));
        json_object_set_new(json, "peak", open_estimate_json(&fit->peak));
    }
    for (unsigned i = 0; i < fit->points; i++)
        json_array_append_new(residuals, number_or_null(fit->residuals[i]));
    json_object_set_new(json, "residuals", residuals);
    return json;
}

static json_t *scalings_json(const struct summary *summary, unsigned experiment)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < summary->scaling_count; i++) {
        const struct scaling *scaling = &summary->scalings[i];
        if (scaling->experiment != experiment)
            continue;
        json_t *json = json_object();
        json_object_set_new(json, "strategy", json_string(scaling->strategy));
        json_object_set_new(json, "fewest", json_integer(scaling->fewest));
        json_object_set_new(json, "most", json_integer(scaling->most));
        json_object_set_new(json, "amdahl", scaling->fitted ? law_json(&scaling->amdahl) : json_null());
        json_object_set_new(json, "usl", scaling->fitted ? law_json(&scaling->usl) : json_null());
        json_object_set_new(json, "no_fit_because", scaling->fitted ? json_null() : json_string(scaling->no_fit_because));
        json_array_append_new(list, json);
    }
    return list;
}

static json_t *knees_json(const struct summary *summary, unsigned experiment)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < summary->knee_count; i++) {
        const struct knee *knee = &summary->knees[i];
        if (knee->experiment != experiment)
            continue;
        json_t *json = json_object();
        json_object_set_new(json, "strategy", json_string(knee->strategy));
        json_object_set_new(json, "workers", json_integer(knee->workers));
        json_object_set_new(json, "highest_rate", json_real(knee->highest));
        json_object_set_new(json, "rate", open_estimate_json(&knee->rate));
        json_array_append_new(list, json);
    }
    return list;
}

static json_t *experiment_json(const struct summary *summary, unsigned experiment)
{
    const struct power *power = &summary->powers[experiment];
    json_t *json = json_object();
    json_object_set_new(json, "name", json_string(summary->results->plan.experiments[experiment].name));
    json_object_set_new(json, "primary", json_string(metrics[summary->results->plan.experiments[experiment].primary].name));
    json_object_set_new(json, "compared_by",
                        json_string(compared_by_names[metrics[summary->results->plan.experiments[experiment].primary].by]));
    json_object_set_new(json, "comparisons", json_integer(power->comparisons));
    json_object_set_new(json, "power", power_json(summary, power));
    json_object_set_new(json, "scaling", scalings_json(summary, experiment));
    json_object_set_new(json, "knees", knees_json(summary, experiment));
    return json;
}

static int write_json(const struct summary *summary)
{
    json_t *json = json_object(), *rows = json_array(), *experiments = json_array();
    json_object_set_new(json, "schema", json_string("clusterbench.summary/1"));
    json_object_set_new(json, "plan", json_string(summary->results->plan.name));
    json_object_set_new(json, "blocks", json_integer(summary->block_count));
    json_object_set_new(json, "rejected", json_integer(summary->rejected));
    json_object_set_new(json, "no_verdicts_because",
                        summary->no_verdicts_because ? json_string(summary->no_verdicts_because) : json_null());
    json_object_set_new(json, "adjusted", json_boolean(summary->adjusted));
    for (unsigned e = 0; e < summary->results->plan.count; e++)
        json_array_append_new(experiments, experiment_json(summary, e));
    json_object_set_new(json, "experiments", experiments);
    for (unsigned i = 0; i < summary->row_count; i++)
        json_array_append_new(rows, row_json(summary, &summary->rows[i]));
    json_object_set_new(json, "rows", rows);
    char *path = text_print("%s/summary.json", summary->results->folder);
    int result = file_write_json(path, json);
    free(path);
    json_decref(json);
    return result;
}

int summary_write(const struct summary *summary)
{
    int result = write_csv(summary);
    if (!result)
        result = write_json(summary);
    return result ? result : summary_write_markdown(summary);
}
