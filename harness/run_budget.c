/*
 * run_budget: how many blocks a span of time holds.
 *
 * Counted is all that the run is known to do: the cells that measure a capacity, the blocks, the pictures of the report. Of what
 * luck decides, the blocks that may have to be made up for are counted as if all of them had (noise.h says how many), and in each
 * block its longest cell as if it had to be run again. A plan without verdicts repeats neither.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/units.h"

#include "run_parts.h"

#define BLOCKS_FOR_VERDICTS 6u
#define REPORT_NS           CLOCK_NS_PER_S
#define CHART_NS            (500 * CLOCK_NS_PER_MS) /* an svg and a png by gnuplot */

struct needs {
    uint64_t capacity_ns, report_ns;
    uint64_t block_ns, cell_ns; /* of a block, and of its longest cell once more */
};

uint64_t run_capacity_ns(const struct run *run)
{
    uint64_t sum_ns = 0;
    for (unsigned e = 0; e < run->plan.count; e++) {
        const struct experiment *experiment = &run->plan.experiments[e];
        if (experiment_needs_capacity(experiment))
            sum_ns += experiment->duration_ns + experiment->warmup_ns + PLAN_AROUND_CELL_NS;
    }
    return sum_ns;
}

/* One picture of all, and of each kind that is asked for one a load at most. */
static uint64_t report_ns(const struct plan *plan)
{
    unsigned charts = 1;
    for (unsigned e = 0; e < plan->count; e++)
        for (int picture = 0; picture < PICTURE_COUNT; picture++)
            charts += plan->experiments[e].pictures[picture] ? plan->experiments[e].loads_count : 0;
    return REPORT_NS + charts * CHART_NS;
}

static struct needs needs_of(const struct run *run)
{
    struct needs needs = {.capacity_ns = run_capacity_ns(run), .report_ns = report_ns(&run->plan)};
    for (unsigned i = 0; i < run->cell_count; i++) {
        uint64_t cell_ns = plan_cell_ns(&run->plan, &run->cells[i]) + PLAN_AROUND_CELL_NS;
        needs.block_ns += cell_ns;
        if (run->plan.verdicts && cell_ns > needs.cell_ns)
            needs.cell_ns = cell_ns;
    }
    return needs;
}

static unsigned repeats_of(const struct run *run, unsigned blocks)
{
    return run->plan.verdicts ? noise_repeats_most(blocks) : 0;
}

static bool is_enough(const struct run *run, const struct needs *needs, unsigned blocks)
{
    uint64_t all_ns =
        needs->capacity_ns + needs->report_ns + (blocks + repeats_of(run, blocks)) * (needs->block_ns + needs->cell_ns);
    return all_ns <= run->settings->budget_ns;
}

/* "; capacities 2.3 s, report 4.0 s; ...": what else the budget is for. */
static void print_needs(const struct run *run, const struct needs *needs)
{
    unsigned repeats = repeats_of(run, run->plan.blocks);
    char *capacity = run_time_text(needs->capacity_ns), *report = run_time_text(needs->report_ns);
    if (repeats)
        fprintf(stderr, ", %u more if any are disturbed", repeats);
    if (needs->capacity_ns)
        fprintf(stderr, ", %s to measure capacities", capacity);
    fprintf(stderr, ", %s for the report", report);
    free(report);
    free(capacity);
}

void run_choose_blocks(struct run *run)
{
    if (!run->settings->budget_ns)
        return;
    struct needs needs = needs_of(run);
    bool fits = is_enough(run, &needs, 1);
    for (run->plan.blocks = 1; run->plan.blocks < BLOCKS_MOST && is_enough(run, &needs, run->plan.blocks + 1); run->plan.blocks++)
        ;
    char budget[UNITS_TEXT_SIZE], *each = run_time_text(needs.block_ns);
    fprintf(stderr, "--budget %s: %u block%s of about %s", units_format_time(run->settings->budget_ns, budget), run->plan.blocks,
            run->plan.blocks == 1 ? "" : "s", each);
    print_needs(run, &needs);
    fprintf(stderr, "%s%s\n", fits ? "" : " (longer than the budget)",
            !run->plan.verdicts                      ? "; this plan gives no verdicts"
            : run->plan.blocks < BLOCKS_FOR_VERDICTS ? "; no verdicts below 6 blocks"
                                                     : "; enough for verdicts");
    free(each);
}
