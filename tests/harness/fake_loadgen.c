/*
 * A load generator that makes one connection and no request: it writes a load.json of schema clusterbench.loadgen/1 and an .hgrm of
 * made-up figures.
 *
 * With --announce it says when it begins to measure, which is at once, and stays for --duration; --series is three intervals of 100
 * ms, of which the middle one is empty.
 *
 * With $FAKE_LATE set, the first four runs are INVALID.
 * With $FAKE_LARGE set, load.json is large.
 * With $FAKE_FIFO set it says "started" into that pipe and then waits to be ended: a test that reads the pipe knows that the
 * harness is in the midst of a cell.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/net.h"
#include "base/units.h"

static const char hgrm[] = "       Value     Percentile TotalCount 1/(1-Percentile)\n\n"
                           "       1.000 0.000000000000          1           1.00\n"
                           "       2.000 0.500000000000        500           2.00\n"
                           "       4.000 0.900000000000        900          10.00\n"
                           "       8.000 0.990000000000        990         100.00\n"
                           "       9.000 1.000000000000       1000\n"
                           "#[Mean    =        2.500, StdDeviation   =        1.000]\n";

static const char load[] =
    "{\"schema\":\"clusterbench.loadgen/"
    "1\",\"url\":\"%s\",\"seed\":%s,\"threads\":1,\"connections\":64,\"duration_s\":0.1,\"loop\":\"closed\","
    "\"requests\":{\"planned\":1000,\"ok\":1000,\"http_errors\":0,\"socket_errors\":0,\"timed_out\":0,\"unfinished\":0,\"unsent\":"
    "0},"
    "\"rate\":{\"planned\":null,\"achieved\":10000.0},\"response_time_us\":{\"mean\":2500,\"p50\":2000,\"p90\":4000,\"p99\":8000,"
    "\"p99.9\":9000,"
    "\"max\":9000},\"workers\":[{\"id\":\"0\",\"connections\":32,\"requests\":600,\"share\":0.6},{\"id\":\"1\",\"connections\":32,"
    "\"requests\":400,\"share\":0.4}],\"fairness\":{\"jain\":0.96},\"cpu_us_per_request\":5.0,\"verdict\":\"%s\",\"reasons\":[]}"
    "\n";

static void write_file(const char *path, const char *text)
{
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file || fputs(text, file) < 0 || fclose(file) != 0)
        exit(2);
}

/* One connection to the server, until it closes it. */
static void visit(const char *url)
{
    char host[NET_TEXT_SIZE];
    struct net_address address;
    bool in_progress;
    snprintf(host, sizeof(host), "%.*s", (int)strcspn(url + 7, "/"), url + 7);
    int fd = net_parse_address(host, &address) < 0 ? -1 : net_connect_start(&address, NULL, &in_progress);
    struct pollfd closed = {.fd = fd, .events = POLLIN};
    if (fd < 0 || poll(&closed, 1, 5000) != 1)
        exit(2);
    close(fd);
}

static void wait_to_be_ended(const char *fifo)
{
    FILE *pipe = fopen(fifo, "w");
    if (!pipe)
        exit(2);
    fputs("started\n", pipe);
    fclose(pipe);
    for (;;)
        pause();
}

/* 100,000 bytes more, which JSON does not mind. */
static void enlarge(const char *path)
{
    FILE *file = fopen(path, "a");
    bool whole = file && fprintf(file, "%100000s", "") == 100000;
    if (!file || fclose(file) != 0 || !whole)
        exit(2);
}

/* Every call takes a byte from the file $FAKE_PASSES; without one left, or without the file, it may not. */
static bool may_pass(void)
{
    const char *path = getenv("FAKE_PASSES");
    struct stat file;
    return path && stat(path, &file) == 0 && file.st_size > 0 && truncate(path, file.st_size - 1) == 0;
}

/* Every call adds a byte to the file $FAKE_LATE; the first four of them were late. */
static bool is_late(void)
{
    const char *path = getenv("FAKE_LATE");
    FILE *file = path ? fopen(path, "a") : NULL;
    if (!file)
        return false;
    fseek(file, 0, SEEK_END);
    long calls = ftell(file);
    fputc('.', file);
    fclose(file);
    return calls < 4;
}

static const char series[] = "{\"t_s\":0.0,\"interval_s\":0.1,\"worker\":null,\"requests\":10,\"errors\":0}\n"
                             "{\"t_s\":0.0,\"interval_s\":0.1,\"worker\":\"0\",\"requests\":10,\"errors\":0}\n"
                             "{\"t_s\":0.1,\"interval_s\":0.1,\"worker\":null,\"requests\":0,\"errors\":1}\n"
                             "{\"t_s\":0.1,\"interval_s\":0.1,\"worker\":\"0\",\"requests\":0,\"errors\":1}\n"
                             "{\"t_s\":0.2,\"interval_s\":0.1,\"worker\":null,\"requests\":10,\"errors\":0}\n"
                             "{\"t_s\":0.2,\"interval_s\":0.1,\"worker\":\"0\",\"requests\":10,\"errors\":0}\n";

/* Returns when the measurement begins. */
static uint64_t announce(int argc, char **argv)
{
    uint64_t now_ns = clock_now_ns();
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--announce"))
            printf("measuring from %llu\n", (unsigned long long)now_ns);
    fflush(stdout);
    return now_ns;
}

static void stay(uint64_t from_ns, const char *duration)
{
    uint64_t length_ns;
    if (units_parse_time(duration, strlen(duration), &length_ns) == 0)
        clock_sleep_until_ns(from_ns + length_ns);
}

int main(int argc, char **argv)
{
    const char *series_path = NULL, *heat = NULL, *duration = "0";
    uint64_t from_ns = announce(argc, argv);
    const char *out = NULL, *percentiles = NULL, *service = NULL, *seed = "0", *fifo = getenv("FAKE_FIFO");
    for (int i = 1; i + 1 < argc; i++) {
        if (!strcmp(argv[i], "-o"))
            out = argv[i + 1];
        else if (!strcmp(argv[i], "--hgrm"))
            percentiles = argv[i + 1];
        else if (!strcmp(argv[i], "--series"))
            series_path = argv[i + 1];
        else if (!strcmp(argv[i], "--heat"))
            heat = argv[i + 1];
        else if (!strcmp(argv[i], "--duration"))
            duration = argv[i + 1];
        else if (!strcmp(argv[i], "--hgrm-service"))
            service = argv[i + 1];
        else if (!strcmp(argv[i], "--seed"))
            seed = argv[i + 1];
    }
    if (argc == 2 && !strcmp(argv[1], "--version"))
        return puts("loadgen fake") < 0;
    if (fifo && !may_pass())
        wait_to_be_ended(fifo);
    if (series_path)
        stay(from_ns, duration);
    visit(argv[argc - 1]);
    char text[4096];
    bool late = is_late();
    snprintf(text, sizeof(text), load, argv[argc - 1], seed, late ? "INVALID" : "VALID");
    write_file(out, text);
    if (getenv("FAKE_LARGE"))
        enlarge(out);
    write_file(percentiles, hgrm);
    if (service)
        write_file(service, hgrm);
    if (series_path)
        write_file(series_path, series);
    if (heat)
        write_file(heat, "time_s,latency_us,count\n0.0,1000,10\n0.2,79433,10\n");
    return late ? 3 : 0;
}
