/*
 * report: the order of things after the last block, the same for a fresh run and for a folder from last year.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "lineup.h"
#include "report.h"
#include "table.h"

static int draw_and_write(struct custody *custody, const struct summary *summary, const char *scripts, struct gallery *gallery)
{
    int result = summary_write(summary);
    if (!result)
        result = plot_all(custody, summary, scripts, gallery);
    if (!result)
        result = report_write_html(summary, gallery);
    return result;
}

static void print_end(const struct summary *summary, const struct gallery *gallery, enum report_mode mode)
{
    const char *folder = summary->results->folder;
    if (mode == REPORT_WITH_TABLES)
        table_print_summary(summary, stdout);
    for (size_t i = 0; i < summary->results->unreadable.count; i++)
        printf("left out: %s\n", summary->results->unreadable.items[i]);
    lineup_print(summary->results, stdout);
    if (!summary->results->complete)
        puts("This run was interrupted: it shows the blocks that were measured.");
    if (gallery->no_gnuplot)
        printf("No plots: gnuplot is missing. apt-get install gnuplot-nox, then: clusterbench report %s\n", folder);
    printf("Report: %s/report.html\n", folder);
}

int report_make(struct custody *custody, const char *folder, const char *plot_scripts, enum report_mode mode)
{
    struct results results;
    char error[RESULTS_ERROR_SIZE];
    if (results_read(&results, folder, error) < 0) {
        fprintf(stderr, "clusterbench: %s\n", error);
        return 1;
    }
    if (results.complete && !results.cell_count &&
        !results.unreadable.count) { /* what was drawn before is worth more than nothing */
        fprintf(stderr, "clusterbench: %s: the run is complete, but its cells/ are not there any more; nothing was changed\n",
                folder);
        results_close(&results);
        return 1;
    }
    struct summary summary;
    struct gallery gallery = {0};
    summary_make(&summary, &results);
    int result = draw_and_write(custody, &summary, plot_scripts, &gallery);
    if (!result)
        print_end(&summary, &gallery, mode);
    else if (result == -EINTR)
        fprintf(stderr, "clusterbench: interrupted; to draw it again: clusterbench report %s\n", folder);
    else
        fprintf(stderr, "clusterbench: cannot write the report in %s: %s\n", folder, strerror(-result));
    gallery_free(&gallery);
    summary_free(&summary);
    results_close(&results);
    return result == -EINTR ? 130 : result ? 1 : 0;
}
