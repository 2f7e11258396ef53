/*
 * doctor: a table of checks. Each looks at one thing and says how it is; what spoils figures comes with its remedy.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cpus.h"
#include "base/net.h"

#include "catalog.h"
#include "doctor.h"
#include "machine.h"

#define STEAL_WATCH_NS (500 * CLOCK_NS_PER_MS)

enum grade { FINE, NOISY, MISSING };

struct checkup {
    struct custody *custody;
    const char *programs;
    enum grade grade; /* of the check under way */
    char *what;
    const char *remedy;
};

static void find(struct checkup *checkup, enum grade grade, char *what, const char *remedy)
{
    checkup->grade = grade;
    checkup->what = what;
    checkup->remedy = remedy;
}

static void check_programs(struct checkup *checkup)
{
    struct names list = {0}, missing = {0};
    catalog_strategies(&list);
    names_add(&list, "loadgen");
    for (size_t i = 0; i < list.count; i++)
        if (!catalog_has_program(checkup->programs, list.items[i]))
            names_add(&missing, list.items[i]);
    char *names = names_join(&missing, ", ");
    if (missing.count)
        find(checkup, MISSING, text_print("not in %s: %s", checkup->programs, names),
             "make build, or name another folder with --bin");
    else
        find(checkup, FINE, text_print("all %zu programs are in %s", list.count, checkup->programs), NULL);
    free(names);
    names_free(&missing);
    names_free(&list);
}

static void check_gnuplot(struct checkup *checkup)
{
    char *argv[] = {(char *)"gnuplot", (char *)"--version", NULL}, *version = process_capture(checkup->custody, argv);
    if (version)
        find(checkup, FINE, text_copy(text_trim(version)), NULL);
    else
        find(checkup, MISSING, text_copy("gnuplot is missing: tables and data, but no plots"), "apt-get install gnuplot-nox");
    free(version);
}

static void check_cpus(struct checkup *checkup)
{
    struct cpu_list allowed;
    int result = cpus_allowed(&allowed);
    if (result < 0)
        find(checkup, NOISY, text_print("the CPU affinity cannot be read: %s", strerror(-result)),
             "run on a machine with sched_getaffinity");
    else if (allowed.count < 2)
        find(checkup, NOISY, text_copy("one CPU: server and generator take time from each other"),
             "use two or more; CPU us/request stays meaningful, requests/s does not");
    else
        find(checkup, FINE, text_print("%u CPUs: servers and generator get their own", allowed.count), NULL);
}

static void check_quota(struct checkup *checkup)
{
    double quota = cpus_quota();
    struct cpu_list allowed = {0};
    if (quota > 0 && cpus_allowed(&allowed) == 0 && quota < allowed.count)
        find(checkup, NOISY, text_print("a cgroup quota of %.2f CPUs on %u: throttling shows up as latency", quota, allowed.count),
             "raise the container's CPU limit (docker run --cpus, cpu.max)");
    else
        find(checkup, FINE, text_copy("no cgroup CPU quota in the way"), NULL);
}

static void check_governor(struct checkup *checkup)
{
    char *governor = machine_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
    if (governor && strcmp(governor, "performance"))
        find(checkup, NOISY, text_print("CPU governor is %s: the clock changes with the load", governor),
             "cpupower frequency-set -g performance");
    else
        find(checkup, FINE,
             text_print("CPU governor: %s", governor ? governor : "not visible (a virtual machine decides elsewhere)"), NULL);
    free(governor);
}

static void check_steal(struct checkup *checkup)
{
    struct machine_time from, to;
    if (machine_time(&from) < 0)
        return find(checkup, NOISY, text_copy("/proc/stat cannot be read"), "blocks cannot be checked for steal here");
    clock_sleep_until_ns(clock_now_ns() + STEAL_WATCH_NS);
    machine_time(&to);
    double steal = machine_steal_percent(&from, &to),
           busy = to.all_ns > from.all_ns ? 100.0 * (double)(to.busy_ns - from.busy_ns) / (double)(to.all_ns - from.all_ns) : 0;
    if (steal > 2)
        find(checkup, NOISY, text_print("steal %.1f %%: the hypervisor gives this CPU time to others", steal),
             "another host or hour; blocks above 2 % are run again");
    else if (busy > 20)
        find(checkup, NOISY, text_print("%.0f %% of the CPU time is in use although nothing is measured", busy),
             "end what runs (top shows it)");
    else
        find(checkup, FINE, text_print("steal %.1f %%, other programs use %.0f %%", steal, busy), NULL);
}

static void check_backlog(struct checkup *checkup)
{
    int somaxconn = net_somaxconn();
    if (somaxconn < 1024)
        find(checkup, NOISY, text_print("net.core.somaxconn is %d: bursts of connections overflow the accept queue", somaxconn),
             "sysctl -w net.core.somaxconn=4096");
    else
        find(checkup, FINE, text_print("net.core.somaxconn is %d", somaxconn), NULL);
}

static void check_files(struct checkup *checkup)
{
    struct rlimit limit = {0};
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max < 16384)
        find(checkup, NOISY,
             text_print("at most %llu open files: plans with many connections will fail", (unsigned long long)limit.rlim_max),
             "ulimit -Hn 65536 (limits.conf, LimitNOFILE=)");
    else
        find(checkup, FINE, text_print("up to %llu open files", (unsigned long long)limit.rlim_max), NULL);
}

/* One request a connection uses a client port each; TIME_WAIT keeps it from that server's port for up to a minute. */
static void check_ports(struct checkup *checkup)
{
    char *range = machine_line("/proc/sys/net/ipv4/ip_local_port_range"), *end = NULL;
    unsigned long low = range ? strtoul(range, &end, 10) : 0, high = range ? strtoul(end, NULL, 10) : 0,
                  ports = high > low ? high - low + 1 : 0;
    if (ports < 20000)
        find(checkup, NOISY,
             text_print("%lu client ports: a churn cell of 1.3 s ends them above %lu connections/s", ports, ports * 10 / 13),
             "sysctl -w net.ipv4.ip_local_port_range='1024 65535'");
    else
        find(checkup, FINE,
             text_print("%lu client ports: enough for %lu new connections/s in a churn cell of 1.3 s", ports, ports * 10 / 13),
             NULL);
    free(range);
}

static const struct {
    const char *name;
    void (*look)(struct checkup *checkup);
} checks[] = {
    {"programs", check_programs}, {"plots", check_gnuplot},     {"CPUs", check_cpus},
    {"quota", check_quota},       {"governor", check_governor}, {"steal", check_steal},
    {"backlog", check_backlog},   {"open files", check_files},  {"ports", check_ports},
};

int doctor_examine(struct custody *custody, const char *programs)
{
    static const char *const words[] = {[FINE] = "ok", [NOISY] = "noisy", [MISSING] = "missing"};
    unsigned counts[3] = {0};
    char *folder = catalog_programs(programs);
    for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
        struct checkup checkup = {.custody = custody, .programs = folder};
        checks[i].look(&checkup);
        printf("%-8s %-11s %s\n", words[checkup.grade], checks[i].name, checkup.what);
        if (checkup.remedy)
            printf("%-8s %-11s -> %s\n", "", "", checkup.remedy);
        counts[checkup.grade]++;
        free(checkup.what);
    }
    printf("machine grade %c: %u ok, %u noisy, %u missing\n",
           counts[NOISY] == 0  ? 'A'
           : counts[NOISY] < 3 ? 'B'
                               : 'C',
           counts[FINE], counts[NOISY], counts[MISSING]);
    free(folder);
    return 0;
}
