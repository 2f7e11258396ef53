/*
 * A run from outside: makes the threads, lets them open their connections, gives them one common start, and waits for the end, for
 * a signal, or, for --series, for the next interval. This thread sleeps in poll(2) meanwhile.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "loadgen/engine/engine.h"

#define START_DELAY_NS CLOCK_NS_PER_MS /* for every thread to hear of the start before it comes */

static int fail(char *message, const char *what, const char *which, int error)
{
    snprintf(message, MESSAGE_SIZE, "loadgen: %s%s%s: %s", what, *which ? " " : "", which, strerror(-error));
    return error;
}

/* ---- making ---- */

static void make_load(struct run *run)
{
    run->load.events = connection_events(run->settings);
    run->load.ports = port_range_read();
}

/* INT and TERM arrive as something to read; the threads, started later, inherit the mask. */
static int make_signals(struct run *run)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    int error = pthread_sigmask(SIG_BLOCK, &signals, NULL);
    if (error)
        return -error;
    run->signal_fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    return run->signal_fd < 0 ? -errno : 0;
}

static int make_engines(struct run *run)
{
    uint64_t threads = run->settings->threads;
    int error = 0;
    run->engines = calloc(threads, sizeof(*run->engines));
    run->series = calloc(threads, sizeof(*run->series));
    if (!run->engines || !run->series)
        return -ENOMEM;
    bool detailed = false;
    for (unsigned i = 0; i < run->watcher_count; i++)
        detailed |= run->watchers[i].detailed;
    for (unsigned i = 0; i < threads && !error; i++) {
        error = engine_init(&run->engines[i], &run->load, i, run->news_fd);
        run->engine_count++;
        if (!error)
            error = series_init(&run->series[i], detailed);
        run->engines[i].series = &run->series[i];
    }
    return error;
}

static int make(struct run *run, char *message)
{
    make_load(run);
    int error = windows_init(&run->windows);
    run->news_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (!error)
        error = run->news_fd < 0 ? -errno : make_signals(run);
    if (!error)
        error = make_engines(run);
    return error ? fail(message, "cannot begin", "", error) : 0;
}

void run_close(struct run *run)
{
    for (unsigned i = 0; i < run->engine_count; i++) {
        engine_close(&run->engines[i]);
        if (run->series)
            series_close(&run->series[i]);
    }
    if (run->signal_fd >= 0)
        close(run->signal_fd);
    if (run->news_fd >= 0)
        close(run->news_fd);
    series_interval_close(&run->interval);
    windows_close(&run->windows);
    free(run->engines);
    free(run->series);
}

/* ---- the series ---- */

/* What all threads did in one interval, for everybody who watches. */
static void tell_watchers(struct run *run, uint64_t until_ns)
{
    windows_take(&run->windows, &run->interval);
    for (unsigned i = 0; i < run->watcher_count; i++)
        run->watchers[i].take(run->watchers[i].context, &run->interval, run->intervals * SERIES_INTERVAL_NS, until_ns);
    run->intervals++;
    series_interval_reset(&run->interval);
}

static void tell_tick(struct run *run)
{
    for (unsigned i = 0; i < run->engine_count; i++)
        series_take(&run->series[i], run->intervals + 1, &run->interval);
    tell_watchers(run, (run->intervals + 1) * SERIES_INTERVAL_NS);
}

static unsigned count_ready(const struct run *run)
{
    unsigned ready = 0;
    for (unsigned i = 0; i < run->engine_count; i++)
        ready += series_ready(&run->series[i]);
    return ready;
}

/* Each tick that all threads have passed. A thread that could not report at one has its figures in a later one. */
static void collect_series(struct run *run)
{
    while (count_ready(run) == run->engine_count)
        tell_tick(run);
}

/* How long was measured; as long as there was something to count, --linger may have gone on. */
static uint64_t measured_ns(const struct run *run, bool lingered)
{
    uint64_t length_ns = 0;
    for (unsigned i = 0; i < run->engine_count; i++) {
        const struct engine *engine = &run->engines[i];
        uint64_t until = lingered && engine->last_end_ns > engine->until_ns ? engine->last_end_ns : engine->until_ns;
        if (engine->from_ns && until > engine->from_ns + length_ns)
            length_ns = until - engine->from_ns;
    }
    return length_ns;
}

/* After the threads have ended: what they still hold, up to the end, which cuts the last interval off. */
static void end_series(struct run *run)
{
    while (count_ready(run) > 0 || measured_ns(run, false) > (run->intervals + 1) * SERIES_INTERVAL_NS)
        tell_tick(run);
    for (unsigned i = 0; i < run->engine_count; i++)
        series_end(&run->series[i], &run->engines[i].stats, &run->interval);
    bool left = run->interval.started + run->interval.errors > 0;
    for (unsigned i = 0; i < run->interval.backend_count; i++)
        left |= run->interval.backends[i]->requests > 0;
    uint64_t from_ns = run->intervals * SERIES_INTERVAL_NS, until_ns = measured_ns(run, left);
    if (left || until_ns > from_ns)
        tell_watchers(run, until_ns > from_ns ? until_ns : from_ns);
}

/* ---- the run ---- */

static void wake(struct engine *engine)
{
    uint64_t one = 1;
    ssize_t written = write(engine->wake_fd, &one, sizeof(one));
    (void)written; /* fails only when it already holds 2^64-2 wake-ups: then it wakes, too */
}

static void stop_all(struct run *run)
{
    for (unsigned i = 0; i < run->engine_count; i++) {
        atomic_store(&run->engines[i].stop, true);
        wake(&run->engines[i]);
    }
}

/* For whoever does something at a certain time of the measurement. Nothing to be done when nobody can hear it. */
static void announce(const struct run *run, uint64_t start_ns)
{
    if (run->settings->announce) {
        printf("measuring from %llu\n", (unsigned long long)(start_ns + run->settings->warmup_ns));
        fflush(stdout);
    }
}

static void start_all(struct run *run)
{
    uint64_t start = clock_now_ns() + START_DELAY_NS;
    announce(run, start);
    for (unsigned i = 0; i < run->engine_count; i++) {
        atomic_store(&run->engines[i].start_ns, start);
        wake(&run->engines[i]);
    }
}

static bool all_ready(struct run *run)
{
    for (unsigned i = 0; i < run->engine_count; i++)
        if (!atomic_load(&run->engines[i].ready) && !atomic_load(&run->engines[i].done))
            return false;
    return true;
}

static bool all_done(struct run *run)
{
    for (unsigned i = 0; i < run->engine_count; i++)
        if (!atomic_load(&run->engines[i].done))
            return false;
    return true;
}

/* Sleeps until a thread has news - it is ready, done, or has completed an interval - or a signal comes. */
static int await_news(struct run *run)
{
    struct pollfd fds[] = {{.fd = run->news_fd, .events = POLLIN}, {.fd = run->signal_fd, .events = POLLIN}};
    int count = poll(fds, 2, -1);
    if (count < 0)
        return errno == EINTR ? 0 : -errno;
    uint64_t news;
    if (fds[0].revents && read(run->news_fd, &news, sizeof(news)) < 0 && errno != EAGAIN)
        return -errno;
    struct signalfd_siginfo signal;
    if (fds[1].revents && read(run->signal_fd, &signal, sizeof(signal)) == sizeof(signal)) {
        run->interrupted = true;
        stop_all(run);
    }
    return 0;
}

/* One thread that broke ends the run for all. */
static void stop_after_failure(struct run *run)
{
    for (unsigned i = 0; i < run->engine_count && !run->broken; i++)
        run->broken = atomic_load(&run->engines[i].done) && run->engines[i].error;
    if (run->broken)
        stop_all(run);
}

static int await_all(struct run *run, bool (*condition)(struct run *))
{
    int error = 0;
    while (!error && !condition(run)) {
        error = await_news(run);
        if (!run->broken)
            stop_after_failure(run);
        collect_series(run);
    }
    return error;
}

static int start_threads(struct run *run)
{
    for (unsigned i = 0; i < run->engine_count; i++) {
        int error = pthread_create(&run->engines[i].thread, NULL, engine_run, &run->engines[i]);
        if (error)
            return -error;
        run->thread_count++;
    }
    return 0;
}

static int join_threads(struct run *run)
{
    int error = 0;
    for (unsigned i = 0; i < run->thread_count; i++) {
        pthread_join(run->engines[i].thread, NULL);
        error = run->engines[i].error ? run->engines[i].error : error;
    }
    return error;
}

/* Opening, one start for all, the load, the end. Threads that have been started are always joined. */
static int carry_out(struct run *run)
{
    int error = start_threads(run);
    if (!error)
        error = await_all(run, all_ready);
    if (!error && !run->interrupted && !run->broken)
        start_all(run);
    if (!error)
        error = await_all(run, all_done);
    if (error)
        stop_all(run);
    int thread_error = join_threads(run);
    return error ? error : thread_error;
}

int run_load(struct run *run, const struct settings *settings, const struct watcher *watchers, unsigned watcher_count,
             char *message)
{
    *run = (struct run){.settings = settings,
                        .load.settings = settings,
                        .watchers = watchers,
                        .watcher_count = watcher_count,
                        .news_fd = -1,
                        .signal_fd = -1};
    int error = make(run, message);
    if (error)
        return error;
    host_read(&run->before);
    error = carry_out(run);
    host_read(&run->after);
    if (error)
        return fail(message, "internal error, the run was broken off", "", error);
    end_series(run);
    return 0;
}
