/*
 * plot_scaling: speed-up against workers, with the Universal Scalability Law and Amdahl's through the points, and what the laws
 * leave over in a panel of its own. From six numbers of workers on; with fewer the chart shows the points and says why there is no
 * law.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chart.h"

#define KEY_LINE_HEIGHT 17u /* as scaling.gp has it */

static const struct row *point_of(const struct drawing *drawing, const struct scaling *scaling, unsigned *at)
{
    for (; *at < drawing->summary->row_count; ++*at) {
        const struct row *row = &drawing->summary->rows[*at];
        if (row->experiment == scaling->experiment && row->speedup.n && !strcmp(row->strategy, scaling->strategy) &&
            !strcmp(row->load, scaling->load))
            return &drawing->summary->rows[(*at)++];
    }
    return NULL;
}

static double residual(const struct fit *fit, bool fitted, const struct row *row)
{
    return fitted ? 100 * (row->speedup.median / scaling_law_at(&fit->law, row->workers) - 1) : NAN;
}

static void print_residual(FILE *out, double value)
{
    fprintf(out, isfinite(value) ? " %.6g" : " NaN", value);
}

static void print_points(struct drawing *drawing, const struct scaling *scaling, struct curves *curves, double *end)
{
    const struct row *row;
    for (unsigned at = 0; (row = point_of(drawing, scaling, &at));) {
        fprintf(drawing->data, "%u", row->workers);
        chart_print_estimate(drawing->data, &row->speedup, METRIC_JAIN_REQUESTS); /* a bare number, too */
        print_residual(drawing->data, residual(&scaling->usl, scaling->fitted, row));
        print_residual(drawing->data, residual(&scaling->amdahl, scaling->fitted, row));
        fputc('\n', drawing->data);
        chart_see(curves, row->speedup.median);
        chart_see(curves, row->speedup.high);
        *end = row->speedup.median;
    }
}

/* The laws' parameters as arrays, so that the script can draw them as curves. */
static void print_law(FILE *out, const char *name, unsigned curve, const struct scaling *scaling, const struct fit *fit)
{
    if (scaling->fitted)
        fprintf(out, "%s_scale[%u] = %.9g\n%s_sigma[%u] = %.9g\n%s_kappa[%u] = %.9g\n", name, curve, fit->law.scale, name, curve,
                fit->law.sigma, name, curve, fit->law.kappa);
    else
        fprintf(out, "%s_scale[%u] = NaN\n%s_sigma[%u] = NaN\n%s_kappa[%u] = NaN\n", name, curve, name, curve, name, curve);
}

/* What stands in the key: the parameters, where there are any. */
static void print_law_text(FILE *out, unsigned curve, const struct scaling *scaling)
{
    const struct fit *usl = &scaling->usl;
    char *text = scaling->fitted ? text_print("%s: sigma %.2g, kappa %.2g", scaling->strategy, usl->law.sigma, usl->law.kappa)
                                 : text_print("%s: no law", scaling->strategy);
    if (scaling->fitted && scaling_has_peak(scaling))
        text_replace(&text, text_print("%s, peak at %.0f", text, usl->peak.median));
    else if (scaling->fitted)
        text_replace(&text, text_print("%s, no certain peak", text));
    fprintf(out, "law_text[%u] = ", curve);
    chart_print_quoted(out, text);
    fputc('\n', out);
    free(text);
}

static void declare_laws(FILE *out, unsigned most)
{
    static const char *const names[] = {"usl_scale",    "usl_sigma",    "usl_kappa", "amdahl_scale",
                                        "amdahl_sigma", "amdahl_kappa", "law_text"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        fprintf(out, "array %s[%u]\n", names[i], most + !most);
}

static void add_strategy(struct drawing *drawing, const struct scaling *scaling, struct curves *curves)
{
    double end = NAN;
    chart_begin_curve(curves, drawing, scaling->strategy, scaling->strategy);
    print_points(drawing, scaling, curves, &end);
    chart_end_curve(curves, drawing, scaling->most, end);
    unsigned number = (unsigned)curves->names.count;
    print_law(drawing->script, "usl", number, scaling, &scaling->usl);
    print_law(drawing->script, "amdahl", number, scaling, &scaling->amdahl);
    print_law_text(drawing->script, number, scaling);
    char *text = scaling_text(scaling);
    chart_say(drawing, " %s: %.1f times with %u workers. %s.", scaling->strategy, end, scaling->most, text);
    free(text);
}

/* The key stands below the curves, two laws a line, so that any number of them is readable. */
static void print_size(FILE *out, unsigned curves, bool fitted)
{
    unsigned lines = fitted ? (curves + 1) / 2 : 0;
    fprintf(out, "fitted = %d\nkey_lines = %u\nheight = %u\n", fitted, lines, (fitted ? 640 : 480) + lines * KEY_LINE_HEIGHT);
}

static int write_scaling(struct drawing *drawing)
{
    const struct summary *summary = drawing->summary;
    struct curves curves = {0};
    unsigned fewest = UINT32_MAX, most = 0, fitted = 0, unfitted = 0;
    const char *why = NULL;
    fputs("# workers speedup low high usl_residual_percent amdahl_residual_percent\n", drawing->data);
    declare_laws(drawing->script, summary->scaling_count);
    chart_say(drawing, "Speed-up against the number of workers.");
    for (unsigned i = 0; i < summary->scaling_count; i++) {
        const struct scaling *scaling = &summary->scalings[i];
        if (scaling->experiment != drawing->index)
            continue;
        add_strategy(drawing, scaling, &curves);
        fewest = scaling->fewest < fewest ? scaling->fewest : fewest;
        most = scaling->most > most ? scaling->most : most;
        fitted += scaling->fitted;
        unfitted += !scaling->fitted;
        why = scaling->fitted ? why : scaling->no_fit_because;
    }
    drawing->subtitle = fitted && unfitted ? text_copy("line: USL, dashed: Amdahl, where there are points enough; grey: ideal")
                        : fitted           ? text_copy("line: USL (peak: in workers), dashed: Amdahl; grey: ideal")
                                           : text_print("grey: ideal; %s", why ? why : "nothing was measured");
    fprintf(drawing->script, "fewest = %u\nmost = %u\n", fewest, most);
    print_size(drawing->script, fitted + unfitted, fitted > 0);
    return chart_end_curves(&curves, drawing, true);
}

const struct chart_kind chart_scaling = {"scaling", "Speed-up with more workers", false, write_scaling};
