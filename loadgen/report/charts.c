/*
 * Charts as inline SVG. A chart is as wide as CHART_WIDTH units and scaled by whoever shows it; left and below the frame is room
 * for the ticks' labels.
 */
#include "loadgen/report/charts.h"

#include <math.h>
#include <string.h>

#include "base/html.h"

#define LEFT       58.0
#define RIGHT      (CHART_WIDTH - 24.0)
#define TOP        24.0
#define BOTTOM     (CHART_HEIGHT - 40.0)
#define TICKS_MOST 64

/* ---- axes ---- */

static double nice_step(double range)
{
    double power = pow(10, floor(log10(range / 4))), scaled = range / 4 / power;
    return power * (scaled > 5 ? 10 : scaled > 2 ? 5 : scaled > 1 ? 2 : 1);
}

struct axis axis_linear(double most, const char *label)
{
    double step = most > 0 ? nice_step(most) : 1;
    return (struct axis){AXIS_LINEAR, 0, most > 0 ? ceil(most / step) * step : 1, label};
}

/* To 1, 2 or 5 times a power of ten. */
static double round_log(double value, bool up)
{
    static const double steps[] = {1, 2, 5, 10};
    double power = pow(10, floor(log10(value) + 1e-9)), result = up ? 10 : 1;
    for (unsigned i = 0; i < 4; i++)
        if (up ? steps[i] * power >= value * (1 - 1e-9) : steps[3 - i] * power <= value * (1 + 1e-9)) {
            result = up ? steps[i] : steps[3 - i];
            break;
        }
    return result * power;
}

struct axis axis_time(double least_us, double most_us, const char *label)
{
    double from = round_log(fmax(least_us, 1), false), to = round_log(fmax(most_us, 1), true);
    return (struct axis){AXIS_TIME, from, to > from ? to : 10 * from, label};
}

static double position(const struct axis *axis, double value)
{
    value = fmin(fmax(value, axis->from), axis->to);
    if (axis->kind == AXIS_LINEAR)
        return (value - axis->from) / (axis->to - axis->from);
    return log(value / axis->from) / log(axis->to / axis->from);
}

static double at_x(const struct chart *chart, double x)
{
    return LEFT + (RIGHT - LEFT) * position(&chart->x, x);
}

static double at_y(const struct chart *chart, double y)
{
    return BOTTOM - (BOTTOM - TOP) * position(&chart->y, y);
}

/* Where an axis has its ticks; returns how many. */
static unsigned ticks_of(const struct axis *axis, double ticks[TICKS_MOST])
{
    unsigned count = 0;
    if (axis->kind == AXIS_LINEAR) {
        double step = nice_step(axis->to - axis->from);
        for (double at = axis->from; at <= axis->to * (1 + 1e-9) && count < TICKS_MOST; at += step)
            ticks[count++] = at;
        return count;
    }
    bool fine = axis->kind == AXIS_TIME && axis->to / axis->from <= 1000; /* few decades: also 2 and 5 */
    static const double steps[] = {1, 2, 5};
    for (double power = pow(10, floor(log10(axis->from) + 1e-9)); power <= axis->to; power *= 10)
        for (unsigned i = 0; i < (fine ? 3 : 1) && count < TICKS_MOST; i++)
            if (steps[i] * power >= axis->from * (1 - 1e-9) && steps[i] * power <= axis->to * (1 + 1e-9))
                ticks[count++] = steps[i] * power;
    return count;
}

static void print_tick(FILE *out, const struct axis *axis, double value)
{
    if (axis->kind == AXIS_TAIL)
        fprintf(out, "%.6g %%", 100 - 100 / value);
    else if (axis->kind == AXIS_TIME)
        fprintf(out,
                value >= 1e6   ? "%.4g s"
                : value >= 1e3 ? "%.4g ms"
                               : "%.4g us",
                value >= 1e6   ? value / 1e6
                : value >= 1e3 ? value / 1e3
                               : value);
    else
        fprintf(out,
                value >= 1e6   ? "%.4gM"
                : value >= 1e4 ? "%.4gk"
                               : "%.4g",
                value >= 1e6   ? value / 1e6
                : value >= 1e4 ? value / 1e3
                               : value);
}

static void print_x_axis(const struct chart *chart)
{
    double ticks[TICKS_MOST];
    unsigned count = ticks_of(&chart->x, ticks);
    for (unsigned i = 0; i < count; i++) {
        double x = at_x(chart, ticks[i]);
        fprintf(chart->out, "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/><text class=\"tick\" x=\"%.1f\" y=\"%.1f\">", x, TOP,
                BOTTOM, x, BOTTOM + 15);
        print_tick(chart->out, &chart->x, ticks[i]);
        fputs("</text>\n", chart->out);
    }
    fprintf(chart->out, "<text class=\"axis end\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", RIGHT, BOTTOM + 32, chart->x.label);
}

static void print_y_axis(const struct chart *chart)
{
    double ticks[TICKS_MOST];
    unsigned count = ticks_of(&chart->y, ticks);
    for (unsigned i = 0; i < count; i++) {
        double y = at_y(chart, ticks[i]);
        fprintf(chart->out, "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/><text class=\"tick end\" x=\"%.1f\" y=\"%.1f\">", LEFT, y,
                RIGHT, LEFT - 6, y + 4);
        print_tick(chart->out, &chart->y, ticks[i]);
        fputs("</text>\n", chart->out);
    }
    fprintf(chart->out, "<text class=\"axis\" x=\"2\" y=\"12\">%s</text>\n", chart->y.label);
}

void chart_begin(struct chart *chart, const char *alt)
{
    fprintf(chart->out, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", CHART_WIDTH, CHART_HEIGHT);
    html_print_text(chart->out, alt);
    fputs("\"><title>", chart->out);
    html_print_text(chart->out, alt);
    fputs("</title>\n", chart->out);
    print_x_axis(chart);
    print_y_axis(chart);
}

void chart_end(struct chart *chart)
{
    fputs("</svg>\n", chart->out);
}

/* ---- what is in it ---- */

/* A point without neighbours is a dash: a path of one point would not be seen. */
void chart_line(const struct chart *chart, const char *class, const double *x, const double *y, unsigned count)
{
    bool gap = true;
    fprintf(chart->out, "<path class=\"%s\" d=\"", class);
    for (unsigned i = 0; i < count; i++) {
        bool alone = gap && (i + 1 == count || isnan(y[i + 1]));
        if (!isnan(y[i]) && alone)
            fprintf(chart->out, "M%.1f %.1fh6", at_x(chart, x[i]) - 3, at_y(chart, y[i]));
        else if (!isnan(y[i]))
            fprintf(chart->out, "%c%.1f %.1f", gap ? 'M' : 'L', at_x(chart, x[i]), at_y(chart, y[i]));
        gap = isnan(y[i]);
    }
    fputs("\"/>\n", chart->out);
}

void chart_steps(const struct chart *chart, const char *class, const double *x, const double *y, unsigned count)
{
    bool gap = true;
    fprintf(chart->out, "<path class=\"%s\" d=\"", class);
    for (unsigned i = 0; i < count; i++) {
        if (!isnan(y[i]) && gap)
            fprintf(chart->out, "M%.1f %.1f", at_x(chart, x[i]), at_y(chart, y[i]));
        else if (!isnan(y[i]))
            fprintf(chart->out, "V%.1f", at_y(chart, y[i]));
        if (!isnan(y[i]))
            fprintf(chart->out, "H%.1f", at_x(chart, x[i + 1]));
        gap = isnan(y[i]);
    }
    fputs("\"/>\n", chart->out);
}

void chart_legend(const struct chart *chart, const char *const *classes, const char *const *names)
{
    double x = RIGHT;
    unsigned count = 0;
    while (names[count])
        count++;
    while (count-- > 0) {
        x -= 6.6 * (double)strlen(names[count]);
        fprintf(chart->out, "<text class=\"axis\" x=\"%.1f\" y=\"12\">%s</text><path class=\"%s\" d=\"M%.1f 8h22\"/>\n", x,
                names[count], classes[count], x - 28);
        x -= 44;
    }
}

/* The word stands on that side of the line on which there is more room. */
void chart_mark(const struct chart *chart, bool level, double at, const char *word)
{
    double x = level ? LEFT : at_x(chart, at), y = level ? at_y(chart, at) : TOP;
    bool is_left = !level && x < (LEFT + RIGHT) / 2;
    fprintf(chart->out, level ? "<path class=\"mark\" d=\"M%.1f %.1fH%.1f\"/>" : "<path class=\"mark\" d=\"M%.1f %.1fV%.1f\"/>", x,
            y, level ? RIGHT : BOTTOM);
    fprintf(chart->out, "<text class=\"word%s\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", is_left ? "" : " end",
            level ? RIGHT - 4 : x + (is_left ? 4 : -4), level ? y - 4 : BOTTOM - 6, word);
}

void chart_cells_begin(const struct chart *chart, unsigned level)
{
    fprintf(chart->out, "<path class=\"heat%u\" d=\"", level);
}

void chart_cell(const struct chart *chart, double x0, double x1, double y0, double y1)
{
    double left = at_x(chart, x0), top = at_y(chart, y1);
    fprintf(chart->out, "M%.1f %.1fh%.1fv%.1fh%.1fz", left, top, at_x(chart, x1) - left, at_y(chart, y0) - top,
            left - at_x(chart, x1));
}

void chart_cells_end(const struct chart *chart)
{
    fputs("\"/>\n", chart->out);
}
