/*
 * The report for people: wrk's lines in wrk's order, so that scripts find them, and between them what wrk does not say. A line that
 * would say nothing is left out.
 */
#include <math.h>
#include <string.h>

#include "base/units.h"
#include "loadgen/report/text_parts.h"

static void print_load(const struct settings *settings, FILE *out)
{
    static const char *const ways[] = {
        [DISPATCH_IDLE] = "", [DISPATCH_PINNED] = ", pinned", [DISPATCH_OPEN] = ", more when needed"};
    if (!settings->is_open_loop)
        fprintf(out, "  closed loop");
    else if (settings->profile_text)
        fprintf(out, "  open loop, %s, %s", arrivals_names[settings->arrivals.kind], settings->profile_text);
    else
        fprintf(out, "  open loop, %s %.10g/s", arrivals_names[settings->arrivals.kind], settings_planned_rate(settings));
    if (settings->pipeline > 1)
        fprintf(out, ", %llu pipelined", (unsigned long long)settings->pipeline);
    fprintf(out, "%s, seed %llu\n", settings->is_open_loop ? ways[settings->dispatch] : "", (unsigned long long)settings->seed);
}

void report_text_head(const struct settings *settings, FILE *out)
{
    char text[UNITS_TEXT_SIZE];
    if (settings->duration_ns)
        fprintf(out, "Running %s test @ %s\n", units_format_time(settings->duration_ns, text), settings->url_text);
    else
        fprintf(out, "Running %llu requests test @ %s\n", (unsigned long long)settings->requests, settings->url_text);
    fprintf(out, "  %llu threads and %llu connections\n", (unsigned long long)settings->threads,
            (unsigned long long)settings->connections);
    print_load(settings, out);
    fflush(out);
}

/* ---- latencies ---- */

#define TIMES_COLUMNS 5
static const double columns[TIMES_COLUMNS] = {50, 90, 99, 99.9, 100};

static void print_times(FILE *out, const char *name, const struct histogram *times, const char *meaning)
{
    char text[UNITS_TEXT_SIZE];
    if (times->total == 0)
        return;
    fprintf(out, "  %-14s", name);
    for (unsigned i = 0; i < TIMES_COLUMNS; i++)
        fprintf(out, " %10s", units_print_time(us_to_ns(histogram_percentile(times, columns[i])), text));
    fprintf(out, "   %s\n", meaning);
}

/* The same, with what is known only as a lower bound marked. */
static void print_bounded(const struct summary *summary, const char *name,
                          uint64_t (*percentile)(const struct summary *, double, bool *), const char *meaning, FILE *out)
{
    char text[UNITS_TEXT_SIZE], marked[UNITS_TEXT_SIZE + 2];
    fprintf(out, "  %-14s", name);
    for (unsigned i = 0; i < TIMES_COLUMNS; i++) {
        bool bound;
        uint64_t us = percentile(summary, columns[i], &bound);
        snprintf(marked, sizeof(marked), "%s%s", bound ? ">=" : "", units_print_time(us_to_ns(us), text));
        fprintf(out, " %10s", marked);
    }
    fprintf(out, "   %s\n", meaning);
}

static void print_censored(const struct stats *stats, FILE *out)
{
    if (stats->censored.total == 0)
        return;
    fprintf(out, "  %llu requests (timed out %llu, unfinished %llu, unsent %llu) stand in these with the time they had waited:\n",
            (unsigned long long)stats->censored.total, (unsigned long long)stats->timed_out, (unsigned long long)stats->unfinished,
            (unsigned long long)stats->unsent);
    fprintf(out, "  figures they could make more than 1 %% higher are lower bounds (>=)\n");
}

/* Corrected and uncorrected side by side: only in the open loop they differ. */
static void print_correction(const struct summary *summary, FILE *out)
{
    char corrected[UNITS_TEXT_SIZE], uncorrected[UNITS_TEXT_SIZE];
    const struct histogram *service = summary_uncorrected(summary);
    bool bound;
    if (!summary->settings->is_open_loop || service->total == 0)
        return;
    units_print_time(us_to_ns(summary_percentile(summary, 99, &bound)), corrected);
    units_print_time(us_to_ns(histogram_percentile(service, 99)), uncorrected);
    fprintf(out, "  p99 counted from the plan %s%s; from the send, as a closed-loop generator would say, %s\n", bound ? ">=" : "",
            corrected, uncorrected);
}

static void print_latencies(const struct summary *summary, FILE *out)
{
    bool open_loop = summary->settings->is_open_loop, on_demand = settings_opens_on_demand(summary->settings);
    if (summary->response.total == 0)
        return;
    fprintf(out, "  %-14s %10s %10s %10s %10s %10s\n", "", "p50", "p90", "p99", "p99.9", "max");
    print_bounded(summary, "Response time", summary_percentile,
                  open_loop   ? "from the plan"
                  : on_demand ? "from the connect"
                              : "from the send",
                  out);
    if (summary->service.total)
        print_bounded(summary, "Service time", summary_service_percentile, "from the send", out);
    print_times(out, "First byte", &summary->first_byte, "from the send");
    if (open_loop)
        print_times(out, "Send lag", &summary->stats.send_lag,
                    on_demand ? "from the plan to connect or send" : "from the plan to the send");
    print_times(out, "Connect time", &summary->stats.connect, "of connections opened");
    print_censored(&summary->stats, out);
    print_correction(summary, out);
}

/* ---- counts ---- */

static void print_identity(const struct summary *summary, FILE *out)
{
    const struct stats *stats = &summary->stats;
    fprintf(out,
            "  planned %llu = ok %llu + http errors %llu + socket errors %llu + timed out %llu + unfinished %llu + unsent %llu\n",
            (unsigned long long)summary->planned, (unsigned long long)stats->ok, (unsigned long long)stats->http_errors,
            (unsigned long long)stats->socket_errors, (unsigned long long)stats->timed_out, (unsigned long long)stats->unfinished,
            (unsigned long long)stats->unsent);
    if (stats->lingered)
        fprintf(out, "  %llu of the responses came after the end, within --linger\n", (unsigned long long)stats->lingered);
    if (stats->carried)
        fprintf(out, "  %llu requests of the warm-up were answered behind it: they count for the rate, and for nothing else\n",
                (unsigned long long)stats->carried);
    if (stats->retries)
        fprintf(out, "  %llu of the requests met the end of an idle connection and were sent again\n",
                (unsigned long long)stats->retries);
}

static void print_little(const struct summary *summary, FILE *out)
{
    if (summary->in_flight > 0 && summary->little > 0)
        fprintf(out, "  In flight on the average %.4g; by Little's law, rate times service time, %.4g\n", summary->in_flight,
                summary->little);
}

static void print_verdict(const struct summary *summary, FILE *out)
{
    if (summary->interrupted)
        fprintf(out, "Interrupted: the figures are those up to then\n");
    fprintf(out, "%s\n", validity_names[summary->validity]);
    for (unsigned i = 0; i < summary->reason_count; i++)
        fprintf(out, "  %s\n", summary->reasons[i]);
}

static void (*const parts[])(const struct summary *, FILE *) = {
    print_requests_in, print_identity, print_socket_errors, print_statuses, print_errors,  print_failed_checks,
    print_kinds,       print_workers,  print_little,        print_rates,    print_verdict,
};

void report_text(const struct summary *summary, FILE *out)
{
    print_thread_stats(summary, out);
    if (summary->settings->latency)
        print_distribution(summary, out);
    print_latencies(summary, out);
    if (summary->settings->latency)
        print_histogram(summary, out);
    for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        parts[i](summary, out);
}
