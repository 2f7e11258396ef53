/*
 * message_bench: what a message over a channel costs (lib/ipc/post.h), between two processes and between two threads.
 *
 * Two measurements for each length: questions one at a time, each asked when the reply to the one before it has come; and messages
 * one way, as many as the channel takes. The far end counts what it got; a last question, which stands behind all messages, fetches
 * that count, so the rate is of messages received. CPU time is of both ends, user and system.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cpus.h"
#include "base/histogram.h"
#include "base/options.h"
#include "ipc/post.h"

#define NAME       "message_bench"
#define HIGHEST_NS (10 * CLOCK_NS_PER_S)
#define TIMEOUT_MS 10000
#define WARM_UP    100

enum { TOPIC_ECHO, TOPIC_TALLY };

struct settings {
    uint64_t time_ns;
};

static const struct option_spec specs[] = {
    {.name = "time",
     .letter = 't',
     .type = OPTION_TIME,
     OPTION_FIELD(struct settings, time_ns),
     .min = CLOCK_NS_PER_MS,
     .max = 60 * CLOCK_NS_PER_S,
     .fallback = "200ms",
     .argument = "TIME",
     .help = "for each measurement; there are 24"},
    {.name = NULL},
};

static void give_up(const char *what, int error)
{
    fprintf(stderr, "%s: %s: %s\n", NAME, what, uv_strerror(error));
    exit(1);
}

/* ---- the far end: a process or a thread ---- */

struct tally {
    uint64_t received, cpu_ns;
};

struct far_end {
    struct post post;
    uint64_t received;
};

static void far_message(void *context, const struct channel_message *message, struct slice bytes, int fd)
{
    struct far_end *far = context;
    struct tally tally = {far->received, clock_thread_cpu_ns()};
    (void)fd;
    if (message->kind != CHANNEL_ASK) {
        far->received++;
        return;
    }
    int error = post_reply(&far->post, message->id, 0,
                           message->value == TOPIC_TALLY ? (struct slice){(char *)&tally, sizeof tally} : bytes);
    if (error)
        give_up("cannot reply", error);
}

static void far_ended(void *context)
{
    struct far_end *far = context;
    post_close(&far->post, NULL);
}

static void run_far_end(void *context)
{
    static const struct post_events events = {far_message, far_ended};
    struct far_end far = {.received = 0};
    uv_loop_t loop;
    int *channel = context, error = uv_loop_init(&loop);
    if (!error)
        error = post_open(&far.post, &loop, *channel, &events, &far);
    if (error)
        give_up("cannot open the far end", error);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
}

/* ---- the near end: it measures ---- */

struct near_end {
    uv_loop_t loop;
    struct post post;
    struct histogram times;
    uint64_t time_ns;
    bool replied;
    struct tally tally;
};

struct figures {
    double p50_us, p99_us, asks_a_s, ask_cpu_us;
    double sends_a_s, bytes_a_s, send_cpu_us;
};

static void on_message(void *context, const struct channel_message *message, struct slice bytes, int fd)
{
    (void)context;
    (void)message;
    (void)bytes;
    (void)fd;
}

static void on_ended(void *context)
{
    (void)context;
    give_up("the far end is gone", -EPIPE);
}

static void on_reply(void *context, int status, struct slice bytes)
{
    struct near_end *near = context;
    if (status != 0)
        give_up("no reply", status);
    near->replied = true;
    if (bytes.length == sizeof near->tally)
        memcpy(&near->tally, bytes.at, sizeof near->tally);
}

/* Waits for room when the queue is full. */
static void ask(struct near_end *near, int topic, struct slice bytes)
{
    int error;
    near->replied = false;
    while ((error = post_ask(&near->post, topic, bytes, TIMEOUT_MS, on_reply, near)) == -ENOBUFS)
        uv_run(&near->loop, UV_RUN_ONCE);
    if (error)
        give_up("cannot ask", error);
    while (!near->replied)
        uv_run(&near->loop, UV_RUN_ONCE);
}

/* What the far end has counted, and both ends' CPU time. */
static struct tally take_tally(struct near_end *near)
{
    ask(near, TOPIC_TALLY, (struct slice){"", 0});
    return (struct tally){near->tally.received, near->tally.cpu_ns + clock_thread_cpu_ns()};
}

static void measure_questions(struct near_end *near, struct slice bytes, struct figures *figures)
{
    for (int i = 0; i < WARM_UP; i++)
        ask(near, TOPIC_ECHO, bytes);
    histogram_reset(&near->times);
    uint64_t cpu_ns = take_tally(near).cpu_ns, begin_ns = clock_now_ns(), now_ns = begin_ns;
    while (now_ns - begin_ns < near->time_ns) {
        uint64_t asked_ns = now_ns;
        ask(near, TOPIC_ECHO, bytes);
        now_ns = clock_now_ns();
        histogram_record(&near->times, now_ns - asked_ns);
    }
    double count = (double)near->times.total;
    cpu_ns = take_tally(near).cpu_ns - cpu_ns;
    figures->p50_us = (double)histogram_percentile(&near->times, 50) / 1e3;
    figures->p99_us = (double)histogram_percentile(&near->times, 99) / 1e3;
    figures->asks_a_s = count * 1e9 / (double)(now_ns - begin_ns);
    figures->ask_cpu_us = (double)cpu_ns / 1e3 / count;
}

static void measure_messages(struct near_end *near, struct slice bytes, struct figures *figures)
{
    struct tally before = take_tally(near);
    uint64_t begin_ns = clock_now_ns(), sent = 0;
    while (clock_now_ns() - begin_ns < near->time_ns) {
        int error = post_send(&near->post, CHANNEL_TELL, 0, bytes);
        if (!error)
            sent++;
        else if (error == -ENOBUFS)
            uv_run(&near->loop, UV_RUN_ONCE);
        else
            give_up("cannot send", error);
    }
    struct tally after = take_tally(near);
    double seconds = (double)(clock_now_ns() - begin_ns) / 1e9, count = (double)(after.received - before.received);
    if (after.received - before.received != sent)
        give_up("messages were lost", -EIO);
    figures->sends_a_s = count / seconds;
    figures->bytes_a_s = count * (double)bytes.length / seconds;
    figures->send_cpu_us = (double)(after.cpu_ns - before.cpu_ns) / 1e3 / count;
}

static void measure_all(const char *between, int channel, uint64_t time_ns)
{
    static const size_t lengths[] = {16, 256, 1024, 4096, 16384, 32768};
    static const struct post_events events = {on_message, on_ended};
    static char text[32768];
    struct near_end near = {.time_ns = time_ns};
    int error = uv_loop_init(&near.loop);
    if (!error)
        error = histogram_init(&near.times, HIGHEST_NS, 3);
    if (!error)
        error = post_open(&near.post, &near.loop, channel, &events, &near);
    if (error)
        give_up("cannot open the near end", error);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct slice bytes = {text, lengths[i]};
        struct figures f;
        measure_questions(&near, bytes, &f);
        measure_messages(&near, bytes, &f);
        printf("%-10s %6zu  %8.1f %8.1f %9.0f %7.2f  %10.0f %8.1f %7.2f\n", between, lengths[i], f.p50_us, f.p99_us, f.asks_a_s,
               f.ask_cpu_us, f.sends_a_s, f.bytes_a_s / 1e6, f.send_cpu_us);
        fflush(stdout);
    }
    post_close(&near.post, NULL);
    uv_run(&near.loop, UV_RUN_DEFAULT);
    uv_loop_close(&near.loop);
    histogram_close(&near.times);
}

/* ---- who is at the far end ---- */

/* The child is made before any loop is. It ends when the channel does, or with its parent. */
static void between_processes(uint64_t time_ns)
{
    int ends[2], status = 0, error = channel_pair(ends);
    if (error)
        give_up("cannot open a channel", error);
    pid_t child = fork();
    if (child < 0)
        give_up("cannot start a process", -errno);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ends[0]);
        run_far_end(&ends[1]);
        _exit(0);
    }
    close(ends[1]);
    measure_all("processes", ends[0], time_ns);
    if (waitpid(child, &status, 0) != child || status != 0)
        give_up("the far end failed", -ECHILD);
}

static void between_threads(uint64_t time_ns)
{
    int ends[2], error = channel_pair(ends);
    uv_thread_t thread;
    if (error)
        give_up("cannot open a channel", error);
    error = uv_thread_create(&thread, run_far_end, &ends[1]);
    if (error)
        give_up("cannot start a thread", error);
    measure_all("threads", ends[0], time_ns);
    uv_thread_join(&thread);
}

int main(int argc, char **argv)
{
    struct settings settings = {0};
    struct option_table table = {specs, &settings};
    const struct option_program program = {.name = NAME,
                                           .summary = "what a message over a channel costs, between processes and between threads",
                                           .usage = "[options]",
                                           .version = NAME " (clusterbench " CLUSTERBENCH_VERSION ")",
                                           .tables = &table,
                                           .table_count = 1};
    char error[OPTIONS_ERROR_SIZE];
    int operand = argc, outcome = options_parse(&program, argc, argv, &operand, error);
    if (outcome < 0 || (outcome == OPTIONS_RUN && operand < argc)) {
        fprintf(stderr, "%s\n", outcome < 0 ? error : NAME ": it takes options only, see --help");
        return 1;
    }
    if (outcome == OPTIONS_DONE)
        return 0;
    printf("a channel of SOCK_SEQPACKET, %u usable CPUs, %.3g s a measurement; CPU time is of both ends\n", cpus_usable(),
           (double)settings.time_ns / 1e9);
    printf("%-10s %6s  %35s  %27s\n", "", "", "questions and replies, one by one", "messages one way");
    printf("%-10s %6s  %8s %8s %9s %7s  %10s %8s %7s\n", "between", "bytes", "p50 us", "p99 us", "/s", "CPU us", "/s", "MB/s",
           "CPU us");
    fflush(stdout); /* before the fork: the child has no copy of it */
    between_processes(settings.time_ns);
    between_threads(settings.time_ns);
    return 0;
}
