/*
 * The report as one row of a table.
 */
#include <errno.h>

#include "loadgen/report/report.h"

int report_csv(const struct summary *summary, FILE *out)
{
    fprintf(out, "requests,achieved_rate\n%llu,%.3f\n", (unsigned long long)summary->planned, summary->achieved_rate);
    return ferror(out) ? -EIO : 0;
}
