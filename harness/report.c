/*
 * report: the order of things after the last block, the same for a fresh run and for a folder from last year.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
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

static void print_end(const struct summary *summary, const struct gallery *gallery, const char *folder, enum report_mode mode)
{
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

/* 0 or negative errno, with a line on stderr; `shown` is the folder's name as a terminal may have it. */
static int read_whole(struct results *results, const char *folder, const char *shown)
{
    char error[RESULTS_ERROR_SIZE];
    int result = results_read(results, folder, error);
    if (result < 0) {
        fprintf(stderr, "clusterbench: %s\n", text_clean(error));
        return result;
    }
    if (!results_lack_cells(results))
        return 0;
    /* what was drawn before is worth more than nothing */
    fprintf(stderr, "clusterbench: %s: the run is complete, but its cells/ are not there any more; nothing was changed\n", shown);
    results_close(results);
    return -ENOENT;
}

static int draw(struct custody *custody, const struct results *results, const char *plot_scripts, const char *shown,
                enum report_mode mode)
{
    struct summary summary;
    struct gallery gallery = {0};
    summary_make(&summary, results);
    int result = draw_and_write(custody, &summary, plot_scripts, &gallery);
    if (!result)
        print_end(&summary, &gallery, shown, mode);
    else if (result == -EINTR)
        fprintf(stderr, "clusterbench: interrupted; to draw it again: clusterbench report %s\n", shown);
    else
        fprintf(stderr, "clusterbench: cannot write the report in %s: %s\n", shown, strerror(-result));
    gallery_free(&gallery);
    summary_free(&summary);
    return result == -EINTR ? 130 : result ? 1 : 0;
}

int report_make(struct custody *custody, const char *folder, const char *plot_scripts, enum report_mode mode)
{
    struct results results;
    char *shown = text_clean(text_copy(folder));
    int status = 1;
    if (read_whole(&results, folder, shown) == 0) {
        status = draw(custody, &results, plot_scripts, shown, mode);
        results_close(&results);
    }
    free(shown);
    return status;
}
