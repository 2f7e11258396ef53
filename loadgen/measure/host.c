/*
 * What the machine did meanwhile: CPU time taken away by the hypervisor, connections that never reached a server because an accept
 * queue was full, segments sent again. Each is the difference of two readings, and belongs to the whole machine (or, for the
 * network, to the namespace), not to this run alone.
 *
 * Reading is apart from understanding, so that the latter can be tested on text. proc_stat(5), proc_pid_net(5); schedstat:
 * Documentation/scheduler/sched-stats.rst of the kernel.
 */
#include <stdlib.h>

#include "base/file.h"
#include "loadgen/measure/measure.h"

#define FILE_MOST (1 << 20)

/* The times of the line "cpu": user nice system idle iowait irq softirq steal; guests are contained in user and nice. */
#define CPU_TIMES  8
#define STEAL_TIME 7

/* ---- text ---- */

/* Takes a line off `rest`. False when there is none left. */
static bool next_line(struct slice *rest, struct slice *line)
{
    if (rest->length == 0)
        return false;
    const char *end = memchr(rest->at, '\n', rest->length);
    *line = (struct slice){rest->at, end ? (size_t)(end - rest->at) : rest->length};
    *rest = slice_after(*rest, line->length + (end != NULL));
    return true;
}

/* Takes a word off `line`. Its length is 0 when there is none left. */
static struct slice next_word(struct slice *line)
{
    *line = slice_trim(*line);
    size_t length = 0;
    while (length < line->length && line->at[length] != ' ' && line->at[length] != '\t')
        length++;
    struct slice word = {line->at, length};
    *line = slice_after(*line, length);
    return word;
}

/* A whole number; false for anything else, and for one that does not fit. */
static bool read_number(struct slice word, uint64_t *number)
{
    uint64_t value = 0;
    for (size_t i = 0; i < word.length; i++) {
        unsigned digit = (unsigned char)word.at[i] - (unsigned)'0';
        if (digit > 9 || __builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, digit, &value))
            return false;
    }
    if (word.length > 0)
        *number = value;
    return word.length > 0;
}

void host_parse_stat(struct slice text, struct host *host)
{
    struct slice line;
    while (next_line(&text, &line)) {
        if (!slice_is(next_word(&line), "cpu"))
            continue;
        uint64_t times[CPU_TIMES] = {0}, sum = 0;
        for (unsigned i = 0; i < CPU_TIMES && read_number(next_word(&line), &times[i]); i++)
            sum += times[i];
        host->cpu_ticks = sum;
        host->steal_ticks = times[STEAL_TIME];
        return;
    }
}

/* Two lines begin with the protocol: the names of its counters, then their values in the same order. */
uint64_t host_parse_counter(struct slice text, const char *protocol, const char *name)
{
    struct slice names = {NULL, 0}, line;
    uint64_t value = 0;
    while (next_line(&text, &line)) {
        if (!slice_is(next_word(&line), protocol))
            continue;
        if (!names.at) {
            names = line;
            continue;
        }
        for (struct slice word = next_word(&names); word.length > 0; word = next_word(&names)) {
            struct slice number = next_word(&line);
            if (slice_is(word, name))
                return read_number(number, &value) ? value : 0;
        }
        return 0;
    }
    return 0;
}

uint64_t host_parse_wait_ns(struct slice text)
{
    uint64_t wait_ns = 0;
    next_word(&text); /* time on a CPU */
    return read_number(next_word(&text), &wait_ns) ? wait_ns : 0;
}

/* ---- reading ---- */

/* An empty text when there is no such file. The caller frees text.at. */
static struct slice read_text(const char *path)
{
    char *text;
    size_t length;
    return file_read(path, FILE_MOST, &text, &length) == 0 ? (struct slice){text, length} : (struct slice){NULL, 0};
}

void host_read(struct host *host)
{
    struct slice stat = read_text("/proc/stat"), netstat = read_text("/proc/net/netstat"), snmp = read_text("/proc/net/snmp");
    *host = (struct host){
        .listen_overflows = host_parse_counter(netstat, "TcpExt:", "ListenOverflows"),
        .listen_drops = host_parse_counter(netstat, "TcpExt:", "ListenDrops"),
        .segments_retransmitted = host_parse_counter(snmp, "Tcp:", "RetransSegs"),
        .segments = host_parse_counter(snmp, "Tcp:", "OutSegs"),
    };
    host_parse_stat(stat, host);
    free((void *)(uintptr_t)stat.at);
    free((void *)(uintptr_t)netstat.at);
    free((void *)(uintptr_t)snmp.at);
}

uint64_t host_thread_wait_ns(void)
{
    struct slice text = read_text("/proc/thread-self/schedstat");
    uint64_t wait_ns = host_parse_wait_ns(text);
    free((void *)(uintptr_t)text.at);
    return wait_ns;
}

/* ---- differences ---- */

uint64_t host_grown(uint64_t before, uint64_t after)
{
    return after > before ? after - before : 0;
}

double host_steal_share(const struct host *before, const struct host *after)
{
    uint64_t ticks = host_grown(before->cpu_ticks, after->cpu_ticks);
    return ticks ? (double)host_grown(before->steal_ticks, after->steal_ticks) / (double)ticks : 0;
}
