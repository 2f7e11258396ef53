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

/* "needs more": how who is worse by the metric differs, in words that have a direction. */
static const char *worse_words(enum metric metric)
{
    static const char *const words[METRIC_COUNT] = {
        [METRIC_CPU] = "needs more",
        [METRIC_CPU_USER] = "needs more",
        [METRIC_CPU_SYSTEM] = "needs more",
        [METRIC_CPU_FRONT] = "needs more",
        [METRIC_RATE] = "serves fewer",
        [METRIC_P50] = "is slower",
        [METRIC_P90] = "is slower",
        [METRIC_P99] = "is slower",
        [METRIC_P999] = "is slower",
        [METRIC_JAIN_REQUESTS] = "is less even",
        [METRIC_JAIN_CONNECTIONS] = "is less even",
        [METRIC_BUSIEST] = "is less even",
        [METRIC_CHI_SQUARE] = "has less",
        [METRIC_HITS] = "finds less",
        [METRIC_MEMORY] = "needs more",
        [METRIC_STARTUP] = "is slower",
        [METRIC_LOST] = "loses more",
        [METRIC_LOST_IDLE] = "loses more",
        [METRIC_GAP] = "is silent for longer",
        [METRIC_GENERATOR_CPU] = "needs more",
    };
    return words[metric] ? words[metric] : "is worse";
}

/* "-4.2..+9.0 %, or luck (Holm)", or why there is no interval. The caller frees. */
static char *open_text(const struct page *page, const struct ranking *ranking, const struct place *place, enum metric metric)
{
    if (!isfinite(place->against.low)) {
        char *gap = pair_gap_text(page->summary, place->row, ranking->places[0].row, metric);
        if (!*gap)
            text_replace(&gap, text_copy("too few blocks"));
        return gap;
    }
    char *range = contrast_range(metric, &place->against);
    char *text = text_print("could be %s%s", range, place->by_luck ? ", or luck (Holm)" : "");
    free(range);
    return text;
}

/* "reuseport (could be -4.2..+9.0 %), proxied (1.42 [1.31, 1.50] times)": those with this verdict against the first, and, of the
 * different ones, on this side. The caller frees; "" without any. */
static char *group_text(const struct page *page, const struct ranking *ranking, enum metric metric, enum verdict verdict,
                        bool reversed)
{
    struct names names = {0};
    for (unsigned i = 1; i < ranking->count; i++) {
        const struct place *place = &ranking->places[i];
        if (place->verdict != verdict || place->reversed != reversed)
            continue;
        char *label = row_label(page->summary, place->row);
        char *how =
            verdict == VERDICT_UNDECIDED ? open_text(page, ranking, place, metric) : contrast_phrase(metric, &place->against);
        char *text = text_print("%s (%s)", label, how);
        names_add(&names, text);
        free(text);
        free(how);
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

/* Those behind the first, by what is known of them. */
struct groups {
    char *worse, *better, *same, *open;
};

static struct groups find_groups(const struct page *page, const struct ranking *ranking, enum metric metric)
{
    return (struct groups){.worse = group_text(page, ranking, metric, VERDICT_DIFFERENT, false),
                           .better = group_text(page, ranking, metric, VERDICT_DIFFERENT, true),
                           .same = group_text(page, ranking, metric, VERDICT_SAME, false),
                           .open = group_text(page, ranking, metric, VERDICT_UNDECIDED, false)};
}

static void free_groups(struct groups *groups)
{
    free(groups->worse);
    free(groups->better);
    free(groups->same);
    free(groups->open);
}

static void add_groups(char **text, const struct groups *groups, const struct ranking *ranking, enum metric metric)
{
    const char *worse = worse_words(metric);
    if (*groups->better)
        add(text, text_print(" Better than it within the blocks, though not by the median: %s.", groups->better));
    if (*groups->same) {
        char *size = contrast_size(metric, ranking->places[0].delta);
        add(text, text_print(" The same within %s: %s.", size, groups->same));
        free(size);
    }
    if (*groups->open)
        add(text, text_print(" Undecided: %s.", groups->open));
    if (*groups->worse)
        add(text, text_print(" %c%s: %s.", worse[0] - 'a' + 'A', worse + 1, groups->worse));
}

static struct answer decided_answer(const struct page *page, const struct ranking *ranking, enum metric metric)
{
    struct answer answer = {.text = text_copy("")};
    struct groups groups = find_groups(page, ranking, metric);
    char *first = row_label(page->summary, ranking->places[0].row), *value = value_text(&ranking->places[0], metric);
    bool alone = !*groups.open && !*groups.same && !*groups.better;
    answer.word = alone ? "different" : *groups.open || *groups.better ? "undecided" : "same";
    add(&answer.text, alone ? text_print("%s, %s; every other ranked one %s.", first, value, worse_words(metric))
                            : text_print("%s has the best median, %s, but is not alone.", first, value));
    add_groups(&answer.text, &groups, ranking, metric);
    if (ranking->blocks_needed)
        add(&answer.text, text_print(" Even a difference in all %u blocks would not pass Holm's correction over %u comparisons: "
                                     "that takes %u blocks.",
                                     page->summary->block_count, ranking->count - 1, ranking->blocks_needed));
    free_groups(&groups);
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

/* Why nobody is called best, before the medians' ends. */
static struct answer undecidable_answer(const struct page *page, const struct ranking *ranking, enum metric metric)
{
    struct answer answer = {ranking->state == RANKING_VOID ? "void" : "no verdict", text_copy("")};
    char *unknown = page->summary->verdicts ? no_noise_text(page->summary, ranking->places[0].row, metric) : NULL;
    if (ranking->state == RANKING_VOID)
        add(&answer.text, text_copy("Nobody can say: the A/A pair, two runs of the same, differs itself. "));
    else if (unknown)
        add(&answer.text, text_print("Nothing tells how much is noise here: %s. ", unknown));
    add(&answer.text, range_text(page, ranking, metric));
    free(unknown);
    return answer;
}

static struct answer answer_of(const struct page *page, const struct ranking *ranking, enum metric metric)
{
    if (!ranking->count)
        return (struct answer){"not ranked", text_copy("No cell of it could be ranked.")};
    struct answer answer = ranking->state == RANKING_DECIDED && ranking->count > 1 ? decided_answer(page, ranking, metric)
                                                                                   : undecidable_answer(page, ranking, metric);
    char *unranked = names_join(&ranking->unranked, ", ");
    if (*unranked)
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

static const char *place_word(const struct place *place, enum metric metric)
{
    return place->reversed                       ? "better within the blocks"
           : place->verdict == VERDICT_DIFFERENT ? worse_words(metric)
                                                 : verdict_names[place->verdict];
}

/* "1 to 3, undecided" and below it the median; the median alone where nothing is decided. */
static void print_place(const struct page *page, const struct ranking *ranking, const struct place *place, enum metric metric)
{
    FILE *out = page->out;
    char *value = value_text(place, metric);
    if (ranking->state == RANKING_DECIDED) {
        char *rank = place_text(place);
        const char *word = place == ranking->places ? "" : place_word(place, metric);
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
