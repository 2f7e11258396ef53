/*
 * html_answers: the front of the page: a question an experiment with its answer and how sure it is, the forest, the ranks.
 *
 * Rule: the words come from intervals, never from medians alone. The first of a ranking is only called the one when it is different
 * from all others; who is undecided against it is named, with how far off it could be.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/html.h"

#include "html_parts.h"
#include "ranking.h"

/* ---- one answer ---- */

static char *load_phrase(const struct ranking *ranking)
{
    const char *load = ranking->load;
    if (strstr(load, "pct"))
        return text_print(" at %.*s %% load", (int)strlen(load) - 3, load);
    if (strstr(load, "ps"))
        return text_print(" at %.*s/s", (int)strlen(load) - 2, load);
    return text_copy("");
}

static char *value_text(const struct place *place, enum metric metric)
{
    char *number = estimate_text(&place->row->of[metric], metric);
    char *text = *metrics[metric].unit ? text_print("%s %s", number, metrics[metric].unit) : text_copy(number);
    free(number);
    return text;
}

/* "reuseport (could be -4..+9 %), proxied (1.42 [1.31, 1.50] times)": those with this verdict against the first. The caller
 * frees; "" without any. */
static char *group_text(const struct page *page, const struct ranking *ranking, enum metric metric, enum verdict verdict)
{
    struct names names = {0};
    for (unsigned i = 1; i < ranking->count; i++) {
        const struct place *place = &ranking->places[i];
        if (place->verdict != verdict)
            continue;
        char *label = row_label(page->summary, place->row), *against = contrast_phrase(metric, &place->against),
             *range = contrast_range(metric, &place->against);
        char *text = verdict != VERDICT_UNDECIDED   ? text_print("%s (%s)", label, against)
                     : isfinite(place->against.low) ? text_print("%s (could be %s)", label, range)
                                                    : text_print("%s (too few blocks have a figure of it)", label);
        names_add(&names, text);
        free(text);
        free(range);
        free(against);
        free(label);
    }
    char *text = names_join(&names, ", ");
    names_free(&names);
    return text;
}

static void add(char **text, char *more)
{
    text_replace(text, text_print("%s%s", *text, more));
    free(more);
}

/* The word of an answer, and the sentences behind it, which the caller frees. */
struct answer {
    const char *word;
    char *text;
};

static struct answer decided_answer(const struct page *page, const struct ranking *ranking, enum metric metric)
{
    struct answer answer = {.text = text_copy("")};
    char *first = row_label(page->summary, ranking->places[0].row), *value = value_text(&ranking->places[0], metric);
    char *different = group_text(page, ranking, metric, VERDICT_DIFFERENT), *same = group_text(page, ranking, metric, VERDICT_SAME),
         *open = group_text(page, ranking, metric, VERDICT_UNDECIDED), *size = contrast_size(metric, ranking->places[0].delta);
    answer.word = *open ? "undecided" : *same ? "same" : "different";
    add(&answer.text, *open || *same ? text_print("%s has the best median, %s, but is not alone.", first, value)
                                     : text_print("%s, %s; every other one is different.", first, value));
    if (*same)
        add(&answer.text, text_print(" The same within %s: %s.", size, same));
    if (*open)
        add(&answer.text, text_print(" Undecided: %s.", open));
    if (*different)
        add(&answer.text, text_print(" Different: %s.", different));
    free(size);
    free(open);
    free(same);
    free(different);
    free(value);
    free(first);
    return answer;
}

static char *range_text(const struct page *page, const struct ranking *ranking, enum metric metric)
{
    const struct place *first = &ranking->places[0], *last = &ranking->places[ranking->count - 1];
    char *best = row_label(page->summary, first->row), *best_value = value_text(first, metric);
    char *worst = row_label(page->summary, last->row), *worst_value = value_text(last, metric);
    char *text = ranking->count == 1 ? text_print("%s has %s.", best, best_value)
                                     : text_print("Medians lie from %s (%s) to %s (%s).", best_value, best, worst_value, worst);
    free(best);
    free(best_value);
    free(worst);
    free(worst_value);
    return text;
}

static struct answer answer_of(const struct page *page, const struct ranking *ranking, enum metric metric)
{
    struct answer answer = {"not ranked", text_copy("")};
    if (!ranking->count) {
        add(&answer.text, text_copy("No cell of it could be ranked."));
    } else if (ranking->state == RANKING_DECIDED && ranking->count > 1) {
        free(answer.text);
        answer = decided_answer(page, ranking, metric);
    } else {
        answer.word = ranking->state == RANKING_VOID ? "void" : "no verdict";
        if (ranking->state == RANKING_VOID)
            add(&answer.text, text_copy("Nobody can say: the A/A pair, two runs of the same, differs itself. "));
        add(&answer.text, range_text(page, ranking, metric));
    }
    char *unranked = names_join(&ranking->unranked, ", ");
    if (ranking->count && *unranked)
        add(&answer.text, text_print(" Not ranked: %s; its section says why.", unranked));
    free(unranked);
    return answer;
}

static void print_answer(const struct page *page, unsigned index)
{
    FILE *out = page->out;
    const struct experiment *experiment = &page->summary->results->plan.experiments[index];
    enum metric metric = experiment->primary;
    struct ranking ranking;
    ranking_make(&ranking, page->summary, index, metric);
    struct answer answer = answer_of(page, &ranking, metric);
    char *load = load_phrase(&ranking);
    html_print_element(out, "<li><p><a href=\"#experiment-", experiment->name, "\">");
    html_print_element(out, "", experiment->title, "</a> ");
    html_print_element(out, "<span class=\"faint\">Which strategy is best by ", metrics[metric].label, "");
    html_print_element(out, "", load, metrics[metric].better < 0 ? " here (less is better)" : " here (more is better)");
    fputs(", and how sure is that?</span></p>\n", out);
    fprintf(out, "<p><strong class=\"word\">%s</strong> ", answer.word);
    html_print_element(out, "", answer.text, "</p></li>\n");
    free(load);
    free(answer.text);
    ranking_free(&ranking);
}

/* ---- ranks of all strategies ---- */

/* A column an experiment; NULL rankings of those that have nothing to show. */
struct ranks {
    enum metric metric;
    struct ranking *of; /* an experiment each */
    struct names strategies;
};

static void make_ranks(struct ranks *ranks, const struct summary *summary, enum metric metric)
{
    unsigned count = summary->results->plan.count;
    *ranks = (struct ranks){.metric = metric, .of = memory_get((count + 1) * sizeof(*ranks->of))};
    for (unsigned e = 0; e < count; e++)
        ranking_make(&ranks->of[e], summary, e, metric);
    for (unsigned i = 0; i < summary->row_count; i++)
        if (!names_hold(&ranks->strategies, summary->rows[i].strategy))
            names_add(&ranks->strategies, summary->rows[i].strategy);
}

static void free_ranks(struct ranks *ranks, unsigned count)
{
    for (unsigned e = 0; e < count; e++)
        ranking_free(&ranks->of[e]);
    free(ranks->of);
    names_free(&ranks->strategies);
}

/* "1 to 3, undecided" and below it the median; the median alone where nothing is decided. */
static void print_place(const struct page *page, const struct ranking *ranking, const struct place *place, enum metric metric)
{
    FILE *out = page->out;
    char *value = value_text(place, metric);
    if (ranking->state == RANKING_DECIDED) {
        char *rank = place_text(place);
        const char *word = place == ranking->places ? "" : verdict_names[place->verdict];
        fprintf(out, "<td>%s%s%s%s%s<br><span class=\"faint\">", place->worst == 1 ? "<strong>" : "", rank,
                place->worst == 1 ? "</strong>" : "", *word ? ", " : "", word);
        html_print_element(out, "", value, "</span></td>");
        free(rank);
    } else {
        html_print_element(out, "<td>", value, "</td>");
    }
    free(value);
}

static void print_rank(const struct page *page, const struct ranking *ranking, const char *strategy, enum metric metric)
{
    for (unsigned i = 0; i < ranking->count; i++)
        if (!strcmp(ranking->places[i].row->strategy, strategy)) {
            print_place(page, ranking, &ranking->places[i], metric);
            return;
        }
    fputs(names_hold(&ranking->unranked, strategy) ? "<td>not ranked</td>" : "<td>-</td>", page->out);
}

static void print_rank_heading(const struct page *page, const struct ranks *ranks, unsigned e)
{
    static const char *const states[] = {
        [RANKING_VOID] = ": void, the A/A pair differs", [RANKING_WITHOUT_VERDICTS] = ": no verdict", [RANKING_DECIDED] = ""};
    char *load = load_phrase(&ranks->of[e]);
    char *text = text_print("%s%s%s", page->summary->results->plan.experiments[e].name, load, states[ranks->of[e].state]);
    html_print_heading(page->out, text, false);
    free(text);
    free(load);
}

static void print_rank_table(const struct page *page, const struct ranks *ranks, const char *caption)
{
    FILE *out = page->out;
    unsigned count = page->summary->results->plan.count;
    html_begin_table(out, caption, true);
    fputs("<thead><tr>", out);
    html_print_heading(out, "strategy", true);
    for (unsigned e = 0; e < count; e++)
        if (ranks->of[e].count)
            print_rank_heading(page, ranks, e);
    fputs("</tr></thead>\n<tbody>\n", out);
    for (size_t s = 0; s < ranks->strategies.count; s++) {
        html_print_element(out, "<tr data-strategy=\"", ranks->strategies.items[s], "\">");
        html_print_element(out, "<th scope=\"row\" class=\"left\">", ranks->strategies.items[s], "</th>");
        for (unsigned e = 0; e < count; e++)
            if (ranks->of[e].count)
                print_rank(page, &ranks->of[e], ranks->strategies.items[s], ranks->metric);
        fputs("</tr>\n", out);
    }
    html_end_table(out);
}

static void print_ranks(const struct page *page, enum metric metric, const char *caption)
{
    unsigned count = page->summary->results->plan.count, ranked = 0;
    struct ranks ranks;
    make_ranks(&ranks, page->summary, metric);
    for (unsigned e = 0; e < count; e++)
        ranked += ranks.of[e].count > 0;
    if (ranked)
        print_rank_table(page, &ranks, caption);
    else
        html_print_element(page->out, "<p>", caption, ": no cell could be ranked.</p>\n");
    free_ranks(&ranks, count);
}

/* ---- the front ---- */

void html_print_answers(const struct page *page)
{
    FILE *out = page->out;
    fputs("<section id=\"answers\"><h2>Questions and answers</h2>\n<ol class=\"answers\">\n", out);
    for (unsigned e = 0; e < page->summary->results->plan.count; e++)
        print_answer(page, e);
    fputs("</ol>\n", out);
    char *basis = basis_text(page->summary);
    html_print_element(out, "<p class=\"faint\">", basis, " ");
    free(basis);
    fputs("<a href=\"#method\">How to read this</a></p>\n", out);
    for (unsigned i = 0; i < page->gallery->count; i++)
        if (page->gallery->charts[i].experiment >= page->summary->results->plan.count)
            html_print_chart(page, &page->gallery->charts[i]);
    fputs(
        "</section>\n<section id=\"ranks\"><h2>Ranks</h2>\n<p>A place is a range: \"1 to 3\" may be the first or the third, these "
        "blocks do not tell. Below it the median with its interval, and the verdict against the one with the best median.</p>\n",
        out);
    print_ranks(page, METRIC_CPU, "By CPU time of all server processes a request (us)");
    print_ranks(page, METRIC_P99, "By p99 of response times (ms)");
    fputs("</section>\n", out);
}
