/*
 * The report for people, around the lines of wrk that scripts look for: "N requests in", "Socket errors:", "Non-2xx or 3xx
 * responses:", "Requests/sec:", "Transfer/sec:" and, with --latency, "  Latency Distribution".
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "loadgen/report/report.h"

#define BAR_WIDTH 24

static double us_to_ns(uint64_t us)
{
    return (double)us * 1000;
}

void report_text_head(const struct settings *settings, FILE *out)
{
    char text[UNITS_TEXT_SIZE];
    if (settings->duration_ns)
        fprintf(out, "Running %s test @ %s\n", units_format_time(settings->duration_ns, text), settings->url_text);
    else
        fprintf(out, "Running %llu requests test @ %s\n", (unsigned long long)settings->requests, settings->url_text);
    fprintf(out, "  %llu threads and %llu connections, ", (unsigned long long)settings->threads,
            (unsigned long long)settings->connections);
    if (settings->is_open_loop)
        fprintf(out, "open loop, %s %.10g/s, seed %llu\n", arrivals_names[settings->arrivals.kind], settings_planned_rate(settings),
                (unsigned long long)settings->seed);
    else
        fprintf(out, "closed loop, seed %llu\n", (unsigned long long)settings->seed);
    fflush(out);
}

static void print_times(FILE *out, const char *name, const struct histogram *times, const char *meaning)
{
    static const double percentiles[] = {50, 90, 99, 99.9, 100};
    char text[UNITS_TEXT_SIZE];
    if (times->total == 0)
        return;
    fprintf(out, "  %-14s", name);
    for (unsigned i = 0; i < sizeof(percentiles) / sizeof(percentiles[0]); i++)
        fprintf(out, " %8s", units_print_time(us_to_ns(histogram_percentile(times, percentiles[i])), text));
    fprintf(out, "   %s\n", meaning);
}

static void print_latencies(const struct summary *summary, FILE *out)
{
    bool open_loop = summary->settings->is_open_loop, on_demand = settings_opens_on_demand(summary->settings);
    if (summary->response.total == 0)
        return;
    fprintf(out, "  %-14s %8s %8s %8s %8s %8s\n", "", "p50", "p90", "p99", "p99.9", "max");
    print_times(out, "Response time", &summary->response,
                open_loop   ? "from the planned send"
                : on_demand ? "from the connect (closed loop: nothing was planned)"
                            : "from the send (closed loop: nothing was planned, so it is the service time)");
    if (open_loop || on_demand)
        print_times(out, "Service time", &summary->service, "from the actual send");
    if (open_loop)
        print_times(out, "Send lag", &summary->stats.send_lag,
                    on_demand ? "from the plan to the connect or send" : "from the plan to the send");
    print_times(out, "Connect time", &summary->stats.connect, "of connections opened");
    if (summary->stats.timed_out)
        fprintf(out, "  %llu timed out and stand among these with the time they had waited\n",
                (unsigned long long)summary->stats.timed_out);
}

static void print_distribution(const struct summary *summary, FILE *out)
{
    static const double percentiles[] = {50, 75, 90, 99, 99.9, 99.99, 99.999};
    char text[UNITS_TEXT_SIZE];
    fprintf(out, "  Latency Distribution (response time)\n");
    for (unsigned i = 0; i < sizeof(percentiles) / sizeof(percentiles[0]); i++)
        fprintf(out, "%7.7g%%  %8s\n", percentiles[i],
                units_print_time(us_to_ns(histogram_percentile(&summary->response, percentiles[i])), text));
}

static void print_counts(const struct summary *summary, FILE *out)
{
    const struct stats *stats = &summary->stats;
    char text[UNITS_TEXT_SIZE];
    fprintf(out, "  %llu requests in %.2fs, %s read\n", (unsigned long long)(summary->stats.ok + summary->stats.http_errors),
            summary->duration_s, units_print_size((double)stats->bytes_read, text));
    fprintf(out,
            "  planned %llu = ok %llu + http errors %llu + socket errors %llu + timed out %llu + unfinished %llu + unsent %llu\n",
            (unsigned long long)summary->planned, (unsigned long long)summary->stats.ok, (unsigned long long)summary->stats.http_errors,
            (unsigned long long)stats->socket_errors, (unsigned long long)stats->timed_out, (unsigned long long)stats->unfinished,
            (unsigned long long)stats->unsent);
}

static void print_errors(const struct summary *summary, FILE *out)
{
    const uint64_t *errors = summary->stats.errors;
    uint64_t reads = errors[ERROR_READ] + errors[ERROR_MALFORMED];
    if (errors[ERROR_CONNECT] + reads + errors[ERROR_WRITE] + errors[ERROR_TIMEOUT] > 0)
        fprintf(out, "  Socket errors: connect %llu, read %llu, write %llu, timeout %llu\n",
                (unsigned long long)errors[ERROR_CONNECT], (unsigned long long)reads, (unsigned long long)errors[ERROR_WRITE],
                (unsigned long long)errors[ERROR_TIMEOUT]);
    for (unsigned kind = 0; kind < ERROR_KINDS; kind++)
        if (errors[kind] && kind != ERROR_TIMEOUT)
            fprintf(out, "    %s: %s\n", error_names[kind],
                    kind == ERROR_MALFORMED ? "not an HTTP/1.x response, or bytes nobody asked for"
                                            : strerror(-summary->stats.last_error[kind]));
    if (summary->stats.http_errors)
        fprintf(out, "  Non-2xx or 3xx responses: %llu\n", (unsigned long long)summary->stats.http_errors);
}

/* ---- workers ---- */

static void print_worker(const struct summary *summary, const struct backend *backend, uint64_t most, FILE *out)
{
    char text[UNITS_TEXT_SIZE], bar[BAR_WIDTH + 1];
    uint64_t responses = summary->stats.ok + summary->stats.http_errors;
    size_t length = most ? (size_t)(BAR_WIDTH * backend->requests / most) : 0;
    memset(bar, '#', length);
    bar[length] = '\0';
    fprintf(out, "  %6s %12llu %9llu  %5.1f%% %8s  %s\n", backend->id, (unsigned long long)backend->connections,
            (unsigned long long)backend->requests, responses ? 100.0 * (double)backend->requests / (double)responses : 0,
            units_print_time(us_to_ns(histogram_percentile(&backend->response, 99)), text), bar);
}

static void print_fairness(const struct fairness *fairness, FILE *out)
{
    if (isnan(fairness->jain))
        return;
    fprintf(out, "  Jain %.3f   CV %.3f   busiest/mean %.2f   ", fairness->jain, fairness->cv, fairness->max_over_mean);
    if (isnan(fairness->chi_square_p))
        fprintf(out, "chi-square on connections: too few\n");
    else
        fprintf(out,
                fairness->chi_square_p < 0.01 ? "chi-square on connections p = %.1e\n" : "chi-square on connections p = %.2f\n",
                fairness->chi_square_p);
}

static void print_workers(const struct summary *summary, FILE *out)
{
    const struct stats *stats = &summary->stats;
    uint64_t most = 0;
    if (stats->backend_count < 2)
        return; /* nobody named itself */
    for (unsigned i = 0; i < stats->backend_count; i++)
        most = stats->backends[i]->requests > most ? stats->backends[i]->requests : most;
    fprintf(out, "  Worker  connections  requests   share      p99\n");
    for (unsigned i = 0; i < stats->backend_count; i++)
        if (i > 0 || stats->backends[0]->requests > 0)
            print_worker(summary, stats->backends[i], most, out);
    print_fairness(&summary->fairness, out);
}

void report_text(const struct summary *summary, FILE *out)
{
    char text[UNITS_TEXT_SIZE];
    double transfer = summary->duration_s > 0 ? (double)summary->stats.bytes_read / summary->duration_s : 0;
    print_latencies(summary, out);
    if (summary->settings->latency && summary->response.total)
        print_distribution(summary, out);
    print_counts(summary, out);
    print_errors(summary, out);
    print_workers(summary, out);
    fprintf(out, "Requests/sec: %10.2f\n", summary->achieved_rate);
    fprintf(out, "Transfer/sec: %10s\n", units_print_size(transfer, text));
    if (summary->interrupted)
        fprintf(out, "Interrupted: the figures are those up to then\n");
    fprintf(out, "%s\n", validity_names[summary->validity]);
    for (unsigned i = 0; i < summary->reason_count; i++)
        fprintf(out, "  %s\n", summary->reasons[i]);
}
