/*
 * Does the open loop keep its plan? At 20,000/s on /hello of `single`:
 *
 * Rate: achieved within 0.2 % of what was planned.
 *
 * Send lag: p99 at most 100 us above what a bare loop around timerfd reaches on the same CPU with plans of the same kind. The two
 * take turns, bare, loadgen, bare, loadgen, ..., so that the machine's mood is both's; the median of the differences counts.
 *
 * Gaps: Poisson arrivals as truth_server stamped them against the exponential distribution, Kolmogorov-Smirnov, p > .001. At
 * 500/s, so that the some 20 us by which the way to the server blurs each gap are small beside 2 ms. (That loadgen's plans are
 * exact is a unit test.)
 */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cpus.h"
#include "base/random.h"
#include "truth.h"

#define RATE         20000.0
#define SECONDS      2
#define PAIRS        5
#define RATE_SHARE   0.002
#define LAG_US       100
#define GAPS_RATE    500
#define GAPS         4000
#define SIGNIFICANCE 0.001

/* ---- the bare loop ---- */

struct bare {
    int cpu;
    bool poisson;
    uint64_t seed;
    struct sample lateness_us;
};

static void sleep_until(int timer, uint64_t when_ns)
{
    uint64_t expirations;
    struct itimerspec when = {.it_value = {(time_t)(when_ns / CLOCK_NS_PER_S), (long)(when_ns % CLOCK_NS_PER_S)}};
    if (timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL) != 0 || read(timer, &expirations, sizeof(expirations)) < 0)
        truth_die("timerfd: %s", strerror(errno));
}

static void *bare_run(void *argument)
{
    struct bare *bare = argument;
    struct random random;
    unsigned count = (unsigned)(RATE * SECONDS), done = 0;
    random_init(&random, bare->seed);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    program_run_first(); /* as loadgen, if it is allowed */
    if (timer < 0 || (bare->cpu >= 0 && cpus_pin((unsigned)bare->cpu) != 0))
        truth_die("the bare loop: %s", strerror(errno));
    double gap_ns = 1e9 / RATE, plan_ns = (double)clock_now_ns() + 1e7;
    while (done < count) {
        sleep_until(timer, (uint64_t)plan_ns);
        uint64_t now_ns = clock_now_ns();
        for (; done < count && plan_ns <= (double)now_ns; done++) {
            sample_add(&bare->lateness_us, ((double)now_ns - plan_ns) / 1e3);
            plan_ns += bare->poisson ? gap_ns * random_exponential(&random) : gap_ns;
        }
    }
    close(timer);
    return NULL;
}

/* p99 of the lateness, in microseconds. */
static double bare_lag(const struct truth *truth, bool poisson, uint64_t seed)
{
    pthread_t thread;
    struct bare bare = {.cpu = truth->generator_cpu, .poisson = poisson, .seed = seed};
    if (pthread_create(&thread, NULL, bare_run, &bare) != 0 || pthread_join(thread, NULL) != 0)
        truth_die("the bare loop has no thread");
    double lag = sample_percentile(&bare.lateness_us, 99);
    sample_close(&bare.lateness_us);
    return lag;
}

/* ---- rate and lag ---- */

static void one_pair(struct truth *truth, const char *arrivals, const char *url, unsigned pair, struct sample *differences,
                     struct sample *rates)
{
    char options[256];
    double bare = bare_lag(truth, strcmp(arrivals, "poisson") == 0, pair + 1);
    snprintf(options, sizeof(options), "-t 1 -c 64 -R %.0f -d %ds --arrivals %s --seed %u --backend-header none", RATE, SECONDS,
             arrivals, pair + 1);
    json_t *report = loadgen_run(truth, options, url, NULL);
    double lag = report_number(report, "send_lag_us/p99"), planned = report_number(report, "requests/planned");
    double achieved = report_number(report, "requests/ok");
    printf("  %-8s pair %u: bare p99 %7.1f us   send lag p99 %7.1f us   planned %.0f, answered %.0f\n", arrivals, pair + 1, bare,
           lag, planned, achieved);
    fflush(stdout);
    sample_add(differences, lag - bare);
    sample_add(rates, report_number(report, "rate/achieved") / (planned / report_number(report, "duration_s")));
    json_decref(report);
}

static void judge_pairs(struct truth *truth, const char *arrivals, const char *url)
{
    struct sample differences = {.values = NULL}, rates = {.values = NULL};
    for (unsigned pair = 0; pair < PAIRS; pair++)
        one_pair(truth, arrivals, url, pair, &differences, &rates);
    double rate = sample_median(&rates), difference = sample_median(&differences);
    truth_judge(truth, fabs(rate - 1) <= RATE_SHARE, "%s: achieved / planned %.5f, within 0.2 %% (median of %d)", arrivals, rate,
                PAIRS);
    truth_judge(truth, difference <= LAG_US, "%s: send lag p99 %+.1f us against the bare loop, at most %d more (median of %d)",
                arrivals, difference, LAG_US, PAIRS);
    sample_close(&differences);
    sample_close(&rates);
}

/* ---- gaps ---- */

static double gaps_p(struct truth *truth, const char *arrivals)
{
    struct scripted server;
    struct stamps stamps;
    struct sample gaps = {.values = NULL};
    char options[256];
    scripted_start(truth, &server, "");
    snprintf(options, sizeof(options), "-t 1 -c 64 -R %d -n %d --arrivals %s --seed 7", GAPS_RATE, GAPS, arrivals);
    json_decref(loadgen_run(truth, options, server.program.url, NULL));
    scripted_stop(&server, &stamps);
    for (size_t i = 1; i < stamps.count; i++)
        sample_add(&gaps, (double)(stamps.rows[i].arrival_ns - stamps.rows[i - 1].arrival_ns) / 1e9 * GAPS_RATE);
    double p = sample_ks_p(&gaps, exponential_distribution);
    sample_close(&gaps);
    stamps_close(&stamps);
    return p;
}

void truth_pacing(struct truth *truth)
{
    struct program server;
    char url[256];
    truth->run_first = true;
    server_start(truth, &server, "single", "");
    snprintf(url, sizeof(url), "%s/hello", server.url);
    judge_pairs(truth, "constant", url);
    judge_pairs(truth, "poisson", url);
    program_stop(&server);
    double poisson = gaps_p(truth, "poisson"), constant = gaps_p(truth, "constant");
    truth->run_first = false;
    truth_judge(truth, poisson > SIGNIFICANCE, "poisson: gaps of %d arrivals are exponential, Kolmogorov-Smirnov p = %.3g", GAPS,
                poisson);
    truth_judge(truth, constant < SIGNIFICANCE, "constant: the same test says they are not, p = %.3g (a test that can fail)",
                constant);
}
