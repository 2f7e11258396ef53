/*
 * The text report's own: text.c has the order and the latencies, text_wrk.c wrk's lines, text_tables.c counts in tables.
 */
#ifndef LOADGEN_TEXT_PARTS_H
#define LOADGEN_TEXT_PARTS_H

#include "loadgen/report/report.h"

static inline double us_to_ns(uint64_t us)
{
    return (double)us * 1000;
}

static inline uint64_t summary_responses(const struct summary *summary)
{
    return summary->stats.ok + summary->stats.http_errors;
}

#define BAR_SIZE 32

/* '#' for its part of `most`, at most `width` (below BAR_SIZE); returns `bar`. What is more than nothing has one at least. */
char *text_bar(uint64_t count, uint64_t most, unsigned width, char bar[BAR_SIZE]);

/* ---- text_wrk.c: each line as wrk 4.1 prints it ---- */

void print_thread_stats(const struct summary *summary, FILE *out);
void print_distribution(const struct summary *summary, FILE *out);
void print_requests_in(const struct summary *summary, FILE *out);
void print_socket_errors(const struct summary *summary, FILE *out);
void print_rates(const struct summary *summary, FILE *out);

/* ---- text_tables.c: nothing where there is nothing to say ---- */

void print_statuses(const struct summary *summary, FILE *out);
void print_errors(const struct summary *summary, FILE *out);
void print_failed_checks(const struct summary *summary, FILE *out);
void print_kinds(const struct summary *summary, FILE *out);
void print_workers(const struct summary *summary, FILE *out);
void print_histogram(const struct summary *summary, FILE *out);

#endif
