/*
 * Other generators, beside loadgen in the table. wrk and ab are run as installed and their text is read. wrk2 is in no
 * distribution; how it plans is a model here, computed for the same server, and labelled so.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "truth.h"

void figures_clear(struct figures *figures)
{
    for (unsigned i = 0; i < QUANTITIES; i++)
        figures->of[i] = NAN;
}

/* The number behind the first `label`, or `otherwise`. */
static double number_behind(const char *text, const char *label, double otherwise)
{
    const char *at = strstr(text, label);
    return at ? strtod(at + strlen(label), NULL) : otherwise;
}

/* wrk's times: "1.02ms", "530.00us", "1.10s". */
static double time_us(const char *text)
{
    char *unit;
    double value = strtod(text, &unit);
    if (unit == text)
        return NAN;
    return value * (strncmp(unit, "us", 2) == 0 ? 1 : strncmp(unit, "ms", 2) == 0 ? 1e3 : *unit == 'm' ? 60e6 : 1e6);
}

static double time_behind(const char *text, const char *label)
{
    const char *at = strstr(text, label);
    return at ? time_us(at + strlen(label)) : NAN;
}

/* "    Latency   1.13ms    1.01ms  10.2ms   95.1%": average, deviation, maximum. */
static double wrk_maximum(const char *text)
{
    char maximum[32];
    const char *at = strstr(text, "    Latency ");
    return at && sscanf(at, " Latency %*s %*s %31s", maximum) == 1 ? time_us(maximum) : NAN;
}

void wrk_figures(const char *output, struct figures *figures)
{
    figures_clear(figures);
    const char *requests = strstr(output, " requests in ");
    while (requests && requests > output && requests[-1] != ' ' && requests[-1] != '\n')
        requests--;
    double all = requests ? strtod(requests, NULL) : NAN, bad = number_behind(output, "Non-2xx or 3xx responses: ", 0);
    figures->of[ANSWERED] = all - bad;
    figures->of[HTTP_ERRORS] = bad;
    figures->of[SOCKET_ERRORS] = number_behind(output, "Socket errors: connect ", 0) + number_behind(output, ", read ", 0) +
                                 number_behind(output, ", write ", 0);
    figures->of[TIMED_OUT] = number_behind(output, ", timeout ", 0);
    figures->of[SERVICE_P50] = time_behind(output, "     50% ");
    figures->of[SERVICE_P90] = time_behind(output, "     90% ");
    figures->of[SERVICE_P99] = time_behind(output, "     99% ");
    figures->of[SERVICE_MAX] = wrk_maximum(output);
}

/* ab's times are whole milliseconds. It gives up as a whole when one request times out: then there is nothing to read. */
void ab_figures(const char *output, struct figures *figures)
{
    figures_clear(figures);
    double complete = number_behind(output, "Complete requests:", NAN), bad = number_behind(output, "Non-2xx responses:", 0);
    if (isnan(complete))
        return;
    figures->of[ANSWERED] = complete - bad;
    figures->of[HTTP_ERRORS] = bad;
    figures->of[SOCKET_ERRORS] = number_behind(output, "Failed requests:", 0);
    figures->of[SERVICE_P50] = number_behind(output, "  50% ", NAN) * 1e3;
    figures->of[SERVICE_P90] = number_behind(output, "  90% ", NAN) * 1e3;
    figures->of[SERVICE_P99] = number_behind(output, "  99% ", NAN) * 1e3;
    figures->of[SERVICE_MAX] = number_behind(output, " 100% ", NAN) * 1e3;
}

/* ---- wrk2's planning, as a model ---- */

static uint64_t answered_at(const struct server_model *server, uint64_t sent_ns)
{
    uint64_t answer = sent_ns + server->service_ns;
    bool meets_stall = answer >= server->stall_from_ns && sent_ns < server->stall_until_ns;
    if (!meets_stall)
        return answer;
    return sent_ns < server->stall_from_ns ? server->stall_until_ns : server->stall_until_ns + server->service_ns;
}

static uint64_t whole_ms_up(uint64_t ns)
{
    return (ns + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS * CLOCK_NS_PER_MS;
}

/*
 * One connection: a plan every `gap`; a pause is a whole number of milliseconds, rounded up; one that is behind its plan catches up
 * at twice its rate and no faster. The response time counts from the plan.
 */
static void wrk2_connection(const struct server_model *server, uint64_t from_ns, double gap_ns, uint64_t until_ns,
                            struct sample *sample)
{
    uint64_t now = from_ns, behind_since = 0, caught = 0;
    for (uint64_t i = 0; from_ns + (uint64_t)((double)i * gap_ns) < until_ns; i++) {
        uint64_t plan = from_ns + (uint64_t)((double)i * gap_ns), sent = now;
        if (plan >= now) {
            behind_since = 0;
            sent = now + whole_ms_up(plan - now);
        } else {
            caught = behind_since ? caught + 1 : 0;
            behind_since = behind_since ? behind_since : now;
            uint64_t earliest = behind_since + (uint64_t)((double)caught * gap_ns / 2);
            sent = earliest > now ? now + whole_ms_up(earliest - now) : now;
        }
        now = answered_at(server, sent);
        sample_add(sample, (double)(now - plan) / 1e3);
    }
}

void wrk2_model(const struct server_model *server, double rate, unsigned connections, uint64_t duration_ns, struct sample *sample)
{
    double gap_ns = (double)connections / rate * 1e9;
    for (unsigned i = 0; i < connections; i++)
        wrk2_connection(server, i * 5 * CLOCK_NS_PER_MS, gap_ns, duration_ns, sample); /* connections begin 5 ms apart */
}
