/*
 * --compare: is B another server than A, as far as this load can tell?
 *
 * A run proves nothing about a difference smaller than what two runs of the same server differ by, and that is more than one
 * thinks: the machine warms up, other programs come and go. So both are measured in blocks that follow closely on each other,
 * each with A, A again and B in an order drawn from the seed, each on fresh connections and with the same seed. What disturbs a
 * block disturbs all three; the ratio B/A of a block is what is kept. The ratios of A again to A show what no difference at all
 * looks like here, and B must stand out from that (estimate.h, blocks.c):
 *
 *   different   the interval of B/A lies outside 1 +- delta; delta is 3 %, or half the width of A/A's interval if that is more
 *   same        it lies inside
 *   undecided   it reaches over an edge; more blocks, or longer runs, would tell
 *   void        A differs from itself: this figure tells nothing here, whatever B does
 *
 * The headline is about one figure, chosen beforehand: requests/s in the closed loop, the median response time in the open loop,
 * where requests/s is what was asked for. The others are shown, but of eight figures one may well differ by chance. Only when one
 * of the two fails more of its requests, by 1 % of all, is that the headline: error pages may be as fast as answers.
 *
 * A block is rejected for what happened to the machine or the generator (steal, an INVALID run), never for its figures; its
 * place is tried again up to 3 times. If more than 30 % are rejected, nothing is concluded.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/units.h"
#include "loadgen/study/study.h"

#define BLOCKS_DEFAULT      10
#define RETRIES_MOST        3
#define REJECTED_SHARE_MOST 0.30
#define STEAL_MOST          0.02
#define TICKS_LEAST         100
#define REST_NS             (20 * CLOCK_NS_PER_MS) /* for the server to see connections closed */

struct block {
    unsigned number; /* from 1; a block tried again keeps its number */
    uint64_t seed;
    enum compare_cell order[CELLS];
    unsigned done; /* runs, in that order */
    enum validity validity[CELLS];
    double values[CELLS][METRICS];
    bool bounds[CELLS][METRICS]; /* which of them are lower bounds */
    bool rejected;
    char reason[REASON_SIZE + 64];
};

struct compare {
    const struct settings *settings;
    struct settings a, b;
    unsigned wanted; /* blocks */
    struct block *blocks;
    unsigned count, kept; /* attempts; those that count */
    bool interrupted, reportable;
    enum metric_kind primary;
    struct comparison comparisons[METRICS];
};

static const char *const cell_names[] = {"A", "A again", "B"};

/* ---- blocks ---- */

static void reject(struct block *block, const char *what, const char *why)
{
    if (!block->rejected)
        snprintf(block->reason, sizeof(block->reason), "%s%s", what, why);
    block->rejected = true;
}

static void note(struct block *block, enum compare_cell cell, const struct summary *summary)
{
    char text[64];
    metrics_of(summary, block->values[cell], block->bounds[cell]);
    block->validity[cell] = summary->validity;
    block->done++;
    if (summary->validity == VALIDITY_INVALID) {
        snprintf(text, sizeof(text), "%s INVALID: ", cell_names[cell]);
        reject(block, text, summary->reason_count ? summary->reasons[0] : "");
    }
}

/* The kernel counts in ticks of 10 ms: a block so short that one of them would be more than 1 % is not judged. */
static void note_host(struct block *block, const struct host *before)
{
    struct host after;
    char text[32];
    host_read(&after);
    double steal = host_steal_share(before, &after);
    if (after.cpu_ticks - before->cpu_ticks < TICKS_LEAST || steal <= STEAL_MOST)
        return;
    snprintf(text, sizeof(text), "%.1f %%", 100 * steal);
    reject(block, "steal ", text);
}

static int measure(struct compare *compare, struct block *block, enum compare_cell cell)
{
    struct settings run = cell == CELL_B ? compare->b : compare->a; /* the seed is the block's */
    struct summary summary;
    char message[MESSAGE_SIZE];
    bool measured;
    run.seed = block->seed;
    int status = measure_once(&run, &summary, &measured, message);
    if (*message)
        fprintf(stderr, "%s\n", message);
    if (measured) {
        note(block, cell, &summary);
        summary_close(&summary);
    }
    return status == EXIT_INVALID ? 0 : status;
}

static int measure_block(struct compare *compare, struct study *study, struct block *block)
{
    struct host before;
    int status = 0;
    host_read(&before);
    for (unsigned i = 0; i < CELLS && !status && !block->rejected; i++) {
        study_progress(study, "block %u of %u, %s", block->number, compare->wanted, cell_names[block->order[i]]);
        status = measure(compare, block, block->order[i]);
        if (!status && study_rest(study, REST_NS))
            status = EXIT_INTERRUPTED;
    }
    note_host(block, &before);
    study_progress(study, NULL);
    return status;
}

/* ---- text ---- */

static void print_head(const struct compare *compare, FILE *out)
{
    const struct settings *a = &compare->a;
    char warmup[UNITS_TEXT_SIZE];
    fprintf(out, "Comparing B with A in %u blocks of three runs: A, A again and B, shuffled\n  A: %s\n  B: %s\n", compare->wanted,
            a->url_text, compare->b.url_text);
    report_text_head(a, out);
    fprintf(out, "  after %s of warm-up\n  %5s", units_format_time(a->warmup_ns, warmup), "block");
    for (unsigned cell = 0; cell < CELLS; cell++)
        fprintf(out, " %10s", cell_names[cell]);
    fprintf(out, "  %s, order\n", metrics[compare->primary].name);
    fflush(out);
}

static void print_block(const struct compare *compare, const struct block *block, FILE *out)
{
    char text[METRIC_TEXT_SIZE];
    fprintf(out, "  %5u", block->number);
    for (unsigned cell = 0; cell < CELLS && !block->rejected; cell++)
        fprintf(out, " %10s",
                metric_print_bound(compare->primary, block->values[cell][compare->primary], block->bounds[cell][compare->primary],
                                   text));
    for (unsigned i = 0; i < CELLS && !block->rejected; i++)
        fprintf(out, "%s %s", i ? "," : " ", cell_names[block->order[i]]);
    fprintf(out, block->rejected ? "  rejected: %s\n" : "%s\n", block->reason);
    fflush(out);
}

static char *print_ratio(const struct estimate *ratio, char *text, size_t size)
{
    if (!isfinite(ratio->median))
        snprintf(text, size, "-");
    else if (!isfinite(ratio->low))
        snprintf(text, size, "%.3f", ratio->median);
    else
        snprintf(text, size, "%.3f [%.3f, %.3f]", ratio->median, ratio->low, ratio->high);
    return text;
}

static void print_verdict(const struct comparison *comparison, FILE *out)
{
    fprintf(out, "%s", comparison->verdict == VERDICT_NONE ? "-" : verdict_names[comparison->verdict]);
    if (comparison->verdict == VERDICT_UNDECIDED && comparison->of_bounds)
        fprintf(out, ", of lower bounds");
    else if (comparison->verdict == VERDICT_UNDECIDED && isfinite(comparison->ratio.low))
        fprintf(out, ", could be %+.1f..%+.1f %%", 100 * (comparison->ratio.low - 1), 100 * (comparison->ratio.high - 1));
}

static bool is_bound(const struct compare *compare, enum compare_cell cell, enum metric_kind kind)
{
    bool bound = false;
    for (unsigned i = 0; i < compare->count; i++)
        bound |= !compare->blocks[i].rejected && compare->blocks[i].bounds[cell][kind];
    return bound;
}

static void print_table(const struct compare *compare, FILE *out)
{
    fprintf(out, "  %-12s %10s %10s  %-22s %-22s %6s\n", "median", "A", "B", "B/A", "A again/A", "delta");
    for (unsigned kind = 0; kind < METRICS; kind++) {
        const struct comparison *comparison = &compare->comparisons[kind];
        char a[METRIC_TEXT_SIZE], b[METRIC_TEXT_SIZE], ratio[64], again[64];
        fprintf(out, "  %-12s %10s %10s  %-22s %-22s %5.1f%%  ", metrics[kind].name,
                metric_print_bound(kind, comparison->a.median, is_bound(compare, CELL_A, kind), a),
                metric_print_bound(kind, comparison->b.median, is_bound(compare, CELL_B, kind), b),
                print_ratio(&comparison->ratio, ratio, sizeof(ratio)), print_ratio(&comparison->again, again, sizeof(again)),
                100 * comparison->delta);
        print_verdict(comparison, out);
        fputc('\n', out);
    }
}

/* "9.1 % fewer requests a second", "10.0 % slower" */
static char *print_difference(const struct compare *compare, char *text, size_t size)
{
    double ratio = compare->comparisons[compare->primary].ratio.median, percent = fabs(100 * (ratio - 1));
    if (compare->primary == METRIC_RATE)
        snprintf(text, size, "%.1f %% %s requests a second", percent, ratio < 1 ? "fewer" : "more");
    else
        snprintf(text, size, "%.1f %% %s", percent, ratio < 1 ? "faster" : "slower");
    return text;
}

/* The figure the headline is about. */
static enum metric_kind headline_of(const struct compare *compare)
{
    return compare->comparisons[METRIC_ERRORS].verdict == VERDICT_DIFFERENT ? METRIC_ERRORS : compare->primary;
}

static void print_failures(const struct compare *compare, FILE *out)
{
    const struct comparison *errors = &compare->comparisons[METRIC_ERRORS];
    char a[METRIC_TEXT_SIZE], b[METRIC_TEXT_SIZE];
    fprintf(out, "B failed %s of its requests, A %s: different; nothing else about them can be compared\n",
            metric_print(METRIC_ERRORS, errors->b.median, b), metric_print(METRIC_ERRORS, errors->a.median, a));
}

static void print_headline(const struct compare *compare, FILE *out)
{
    const struct comparison *primary = &compare->comparisons[compare->primary];
    char ratio[64], difference[64];
    print_ratio(&primary->ratio, ratio, sizeof(ratio));
    print_difference(compare, difference, sizeof(difference));
    switch (primary->verdict) {
    case VERDICT_DIFFERENT:
        fprintf(out, "B answers %s than A: ", difference);
        break;
    case VERDICT_SAME:
        fprintf(out, "B answers as A does, within %.1f %%: ", 100 * primary->delta);
        break;
    case VERDICT_UNDECIDED:
        fprintf(out, "Whether B differs from A is undecided: ");
        break;
    case VERDICT_VOID:
        fprintf(out, "A differs from itself, so nothing can be said of B: ");
        break;
    default:
        fprintf(out, "No verdict, there is no interval below 6 blocks: ");
    }
    fprintf(out, "%s %s", metrics[compare->primary].name, ratio);
    if (primary->verdict != VERDICT_NONE) {
        fprintf(out, ", ");
        print_verdict(primary, out);
    }
    fputc('\n', out);
}

static void print_result(const struct compare *compare, FILE *out)
{
    if (compare->interrupted)
        fprintf(out, "Interrupted after %u of %u blocks\n", compare->kept, compare->wanted);
    if (compare->kept == 0)
        return;
    if (compare->reportable)
        (headline_of(compare) == METRIC_ERRORS ? print_failures : print_headline)(compare, out);
    else
        fprintf(out, "Not reportable: %u of %u blocks were rejected\n", compare->count - compare->kept, compare->count);
    print_table(compare, out);
    fprintf(out, "  %u blocks", compare->kept);
    if (compare->comparisons[compare->primary].ratio.coverage > 0)
        fprintf(out, ", intervals of %.1f %% coverage, each by itself",
                100 * compare->comparisons[compare->primary].ratio.coverage);
    fprintf(out, "; %u rejected\n", compare->count - compare->kept);
}

static void print_all(const void *results, FILE *out)
{
    const struct compare *compare = results;
    print_head(compare, out);
    for (unsigned i = 0; i < compare->count; i++)
        print_block(compare, &compare->blocks[i], out);
    print_result(compare, out);
}

/* ---- JSON and CSV ---- */

static json_t *run_json(const struct block *block, enum compare_cell cell)
{
    json_t *json = json_pack("{s:s s:s}", "cell", cell_names[cell], "verdict", validity_names[block->validity[cell]]);
    for (unsigned kind = 0; kind < METRICS; kind++)
        json_object_set_new(json, metrics[kind].key, metric_json(block->values[cell][kind]));
    return json;
}

static json_t *block_json(const struct block *block)
{
    json_t *runs = json_array();
    for (unsigned i = 0; i < block->done; i++)
        json_array_append_new(runs, run_json(block, block->order[i]));
    return json_pack("{s:i s:I s:o s:o}", "block", (int)block->number, "seed", (json_int_t)block->seed, "rejected",
                     block->rejected ? json_string(block->reason) : json_null(), "runs", runs);
}

static json_t *comparison_json(const struct comparison *comparison)
{
    return json_pack("{s:o s:o s:o s:o s:f s:b s:s}", "a", estimate_json(&comparison->a), "b", estimate_json(&comparison->b),
                     "ratio", estimate_json(&comparison->ratio), "again", estimate_json(&comparison->again), "delta",
                     comparison->delta, "of_lower_bounds", comparison->of_bounds, "verdict", verdict_names[comparison->verdict]);
}

static json_t *all_json(const void *results)
{
    const struct compare *compare = results;
    json_t *blocks = json_array(), *comparisons = json_object();
    for (unsigned i = 0; i < compare->count; i++)
        json_array_append_new(blocks, block_json(&compare->blocks[i]));
    for (unsigned kind = 0; kind < METRICS; kind++)
        json_object_set_new(comparisons, metrics[kind].key, comparison_json(&compare->comparisons[kind]));
    enum verdict verdict = compare->reportable ? compare->comparisons[headline_of(compare)].verdict : VERDICT_NONE;
    return json_pack("{s:s s:s s:s s:s s:I s:s s:i s:i s:i s:b s:b s:s s:s s:o s:o}", "schema", "clusterbench.loadgen.compare/1",
                     "version", CLUSTERBENCH_VERSION, "a", compare->a.url_text, "b", compare->b.url_text, "seed",
                     (json_int_t)compare->settings->seed, "loop", compare->settings->is_open_loop ? "open" : "closed",
                     "blocks_wanted", (int)compare->wanted, "blocks_kept", (int)compare->kept, "blocks_rejected",
                     (int)(compare->count - compare->kept), "interrupted", compare->interrupted, "reportable", compare->reportable,
                     "primary", metrics[headline_of(compare)].key, "verdict", verdict_names[verdict], "metrics", comparisons,
                     "blocks", blocks);
}

static void block_csv(const struct block *block, FILE *out)
{
    for (unsigned i = 0; i < block->done; i++) {
        enum compare_cell cell = block->order[i];
        fprintf(out, "%u,%d,%u,%s,%llu,%s", block->number, !block->rejected, i + 1, cell_names[cell],
                (unsigned long long)block->seed, validity_names[block->validity[cell]]);
        for (unsigned kind = 0; kind < METRICS; kind++)
            fprintf(out, isfinite(block->values[cell][kind]) ? ",%.6g" : ",", block->values[cell][kind]);
        fputc('\n', out);
    }
}

static void all_csv(const void *results, FILE *out)
{
    const struct compare *compare = results;
    fputs("block,kept,position,cell,seed,verdict", out);
    for (unsigned kind = 0; kind < METRICS; kind++)
        fprintf(out, ",%s", metrics[kind].key);
    fputc('\n', out);
    for (unsigned i = 0; i < compare->count; i++)
        block_csv(&compare->blocks[i], out);
}

static const struct study_forms forms = {print_all, all_json, all_csv};

/* ---- the comparison ---- */

static struct block *add_block(struct compare *compare, unsigned number)
{
    struct block *blocks = realloc(compare->blocks, (compare->count + 1) * sizeof(*blocks));
    if (!blocks) {
        fprintf(stderr, "loadgen: cannot go on: %s\n", strerror(ENOMEM));
        return NULL;
    }
    compare->blocks = blocks;
    struct block *block = &blocks[compare->count];
    *block = (struct block){.number = number, .seed = study_seed(compare->settings, number - 1)};
    block_shuffle(compare->settings->seed, number, block->order);
    return block;
}

/* One block, tried again while it is rejected. 0: go on. A block that was cut off is none. */
static int run_block(struct compare *compare, struct study *study, unsigned number)
{
    for (unsigned attempt = 0; attempt <= RETRIES_MOST; attempt++) {
        struct block *block = add_block(compare, number);
        int status = block ? measure_block(compare, study, block) : EXIT_UNMEASURED;
        if (status)
            return status;
        compare->count++;
        compare->kept += !block->rejected;
        if (study->text)
            print_block(compare, block, study->text);
        if (!block->rejected)
            return 0;
    }
    return 0;
}

static int compare_metric(struct compare *compare, enum metric_kind kind)
{
    double *values = calloc((size_t)CELLS * (compare->kept + 1), sizeof(*values));
    if (!values)
        return -ENOMEM;
    unsigned n = 0;
    for (unsigned i = 0; i < compare->count; i++) {
        for (unsigned cell = 0; cell < CELLS && !compare->blocks[i].rejected; cell++)
            values[cell * compare->kept + n] = compare->blocks[i].values[cell][kind];
        n += !compare->blocks[i].rejected;
    }
    const double *const cells[CELLS] = {values, values + compare->kept, values + 2 * compare->kept};
    int error =
        (kind == METRIC_ERRORS ? comparison_init_shares : comparison_init)(&compare->comparisons[kind], cells, compare->kept);
    free(values);
    if (!error)
        comparison_weaken(&compare->comparisons[kind], is_bound(compare, CELL_A, kind) || is_bound(compare, CELL_AGAIN, kind),
                          is_bound(compare, CELL_B, kind));
    return error;
}

static int conclude(struct compare *compare)
{
    int error = 0;
    for (unsigned kind = 0; kind < METRICS && !error; kind++)
        error = compare_metric(compare, kind);
    unsigned rejected = compare->count - compare->kept;
    compare->reportable = compare->kept > 0 && rejected <= REJECTED_SHARE_MOST * compare->count;
    if (error)
        fprintf(stderr, "loadgen: cannot sum up: %s\n", strerror(-error));
    return error;
}

static int run_blocks(struct compare *compare, struct study *study)
{
    int status = 0;
    for (unsigned number = 1; number <= compare->wanted && !status; number++)
        status = run_block(compare, study, number);
    compare->interrupted = status == EXIT_INTERRUPTED;
    if (conclude(compare) != 0)
        return EXIT_UNMEASURED;
    if (study->text)
        print_result(compare, study->text);
    return status ? status : compare->reportable ? EXIT_DONE : EXIT_INVALID;
}

static int settle(struct compare *compare, const struct settings *settings, char *message)
{
    compare->a = *settings;
    int error = settings_copy_for_url(&compare->b, settings, settings->compare_url, message);
    study_watch_nothing(&compare->a);
    study_watch_nothing(&compare->b);
    study_warm_up(&compare->a);
    study_warm_up(&compare->b);
    return error;
}

static int carry_out(struct compare *compare)
{
    struct study study;
    int status = study_begin(&study, compare->settings);
    if (status)
        return status;
    if (study.text)
        print_head(compare, study.text);
    return study_end(&study, &forms, compare, run_blocks(compare, &study));
}

enum exit_status study_compare(const struct settings *settings)
{
    struct compare compare = {
        .settings = settings,
        .wanted = settings->repeat ? (unsigned)settings->repeat : BLOCKS_DEFAULT,
        .primary = settings->is_open_loop ? METRIC_P50 : METRIC_RATE,
    };
    char message[MESSAGE_SIZE];
    int status = EXIT_USAGE;
    if (settle(&compare, settings, message) == 0)
        status = carry_out(&compare);
    else
        fprintf(stderr, "%s\n", message);
    settings_close_copy(&compare.b);
    free(compare.blocks);
    return status;
}
