/*
 * doctor_noise: what makes figures of this machine scatter or lean, and what to do about it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cpus.h"
#include "base/file.h"
#include "base/net.h"

#include "doctor_parts.h"
#include "noise.h"

#define BUSY_SHOWN 3u

static void check_cpus(struct checkup *checkup)
{
    struct cpu_list allowed;
    int result = cpus_allowed(&allowed);
    if (result < 0)
        doctor_find(checkup, NOISY, text_print("the CPU affinity cannot be read: %s", strerror(-result)),
                    "run on a machine with sched_getaffinity");
    else if (allowed.count < 2)
        doctor_find(checkup, SPOILING, text_copy("one CPU: server and generator take time from each other"),
                    "use two or more; CPU us/request stays meaningful, requests/s does not");
    else
        doctor_find(checkup, FINE, text_print("%u CPUs: servers and generator get their own", allowed.count), NULL);
}

static void check_quota(struct checkup *checkup)
{
    double quota = cpus_quota();
    struct cpu_list allowed = {0};
    if (quota > 0 && cpus_allowed(&allowed) == 0 && quota < allowed.count)
        doctor_find(checkup, SPOILING,
                    text_print("a cgroup quota of %.2f CPUs on %u: throttling shows up as latency", quota, allowed.count),
                    "raise the container's CPU limit (docker run --cpus, cpu.max)");
    else
        doctor_find(checkup, FINE, text_copy("no cgroup CPU quota in the way"), NULL);
}

static void check_governor(struct checkup *checkup)
{
    char *governor = machine_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
    if (governor && strcmp(governor, "performance"))
        doctor_find(checkup, NOISY, text_print("CPU governor is %s: the clock changes with the load", governor),
                    "cpupower frequency-set -g performance");
    else
        doctor_find(checkup, FINE,
                    text_print("CPU governor: %s", governor ? governor : "not visible (a virtual machine decides elsewhere)"),
                    NULL);
    free(governor);
}

static void check_backlog(struct checkup *checkup)
{
    int somaxconn = net_somaxconn();
    if (somaxconn < 1024)
        doctor_find(checkup, NOISY,
                    text_print("net.core.somaxconn is %d: bursts of connections overflow the accept queue", somaxconn),
                    "sysctl -w net.core.somaxconn=4096");
    else
        doctor_find(checkup, FINE, text_print("net.core.somaxconn is %d", somaxconn), NULL);
}

static void check_files(struct checkup *checkup)
{
    struct rlimit limit = {0};
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max < 16384)
        doctor_find(
            checkup, NOISY,
            text_print("at most %llu open files: plans with many connections will fail", (unsigned long long)limit.rlim_max),
            "ulimit -Hn 65536 (limits.conf, LimitNOFILE=)");
    else
        doctor_find(checkup, FINE, text_print("up to %llu open files", (unsigned long long)limit.rlim_max), NULL);
}

/* One request a connection uses a client port each; TIME_WAIT keeps it from that server's port for up to a minute. */
static void check_ports(struct checkup *checkup)
{
    char *range = machine_line("/proc/sys/net/ipv4/ip_local_port_range"), *end = NULL;
    unsigned long low = range ? strtoul(range, &end, 10) : 0, high = range ? strtoul(end, NULL, 10) : 0,
                  ports = high > low ? high - low + 1 : 0;
    if (ports < 20000)
        doctor_find(checkup, NOISY,
                    text_print("%lu client ports: a churn cell of 1.3 s ends them above %lu connections/s", ports, ports * 10 / 13),
                    "sysctl -w net.ipv4.ip_local_port_range='1024 65535'");
    else
        doctor_find(
            checkup, FINE,
            text_print("%lu client ports: enough for %lu new connections/s in a churn cell of 1.3 s", ports, ports * 10 / 13),
            NULL);
    free(range);
}

static void check_turbo(struct checkup *checkup)
{
    char *turbo = machine_turbo();
    if (turbo && !strcmp(turbo, "on"))
        doctor_find(checkup, NOISY, text_copy("turbo is on: the clock depends on heat and on how many cores work"),
                    "echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo, or 0 > /sys/devices/system/cpu/cpufreq/boost");
    else
        doctor_find(checkup, FINE, text_print("turbo: %s", turbo ? turbo : "not visible"), NULL);
    free(turbo);
}

static void check_smt(struct checkup *checkup)
{
    char *active = machine_line("/sys/devices/system/cpu/smt/active");
    if (active && !strcmp(active, "1"))
        doctor_find(checkup, NOISY, text_copy("SMT is on: two of the CPUs may be one core, and take time from each other unseen"),
                    "echo off > /sys/devices/system/cpu/smt/control, or taskset to one CPU a core");
    else
        doctor_find(checkup, FINE, text_copy(active ? "SMT is off" : "SMT: not visible"), NULL);
    free(active);
}

static void check_steal(struct checkup *checkup)
{
    const struct watch *watch = checkup->watch;
    if (!watch->worked)
        return doctor_find(checkup, NOISY, text_copy("/proc cannot be read"),
                           "blocks cannot be checked for steal and foreign CPU here");
    double steal = machine_steal_percent(&watch->from, &watch->to);
    char *kind = machine_virtualisation();
    if (steal > NOISE_STEAL_MOST_PERCENT)
        doctor_find(checkup, SPOILING, text_print("steal %.1f %%: the hypervisor gives this CPU time to others", steal),
                    "another host or hour; blocks above 2 % are run again");
    else
        doctor_find(checkup, FINE, text_print("steal %.1f %%; virtualisation: %s", steal, kind), NULL);
    free(kind);
}

static uint64_t used_ns(const struct census_entry *entry, const struct census *before)
{
    for (unsigned i = 0; i < before->count; i++)
        if (before->entries[i].pid == entry->pid && before->entries[i].cpu_ns <= entry->cpu_ns)
            return entry->cpu_ns - before->entries[i].cpu_ns;
    return entry->cpu_ns;
}

/* "cc1 (812) 96 %, make (90) 2 %": the busiest of them. The caller frees. */
static char *busiest_text(const struct watch *watch)
{
    const struct census_entry *shown[BUSY_SHOWN] = {0};
    char *text = text_copy("");
    for (unsigned n = 0; n < BUSY_SHOWN; n++) {
        uint64_t most_ns = 0;
        for (unsigned i = 0; i < watch->after.count; i++) {
            const struct census_entry *entry = &watch->after.entries[i];
            bool again = entry->pid == getpid();
            for (unsigned k = 0; k < n; k++)
                again |= entry == shown[k];
            if (!again && used_ns(entry, &watch->before) > most_ns) {
                most_ns = used_ns(entry, &watch->before);
                shown[n] = entry;
            }
        }
        if (!shown[n])
            break;
        char name[sizeof(shown[n]->name)];
        memcpy(name, shown[n]->name, sizeof(name));
        text_replace(&text, text_print("%s%s%s (%d) %.0f %%", text, n ? ", " : "", text_tame(name), (int)shown[n]->pid,
                                       100.0 * (double)most_ns / (double)watch->wall_ns));
    }
    return text;
}

static void check_others(struct checkup *checkup)
{
    const struct watch *watch = checkup->watch;
    uint64_t before_ns = census_others_ns(&watch->before, getpid()), after_ns = census_others_ns(&watch->after, getpid());
    uint64_t others_ns = after_ns > before_ns ? after_ns - before_ns : 0, worked_ns = watch->to.busy_ns - watch->from.busy_ns;
    if (others_ns > worked_ns) /* a process that ended in the midst of the walk was seen twice */
        others_ns = worked_ns;
    double percent = watch->wall_ns ? 100.0 * (double)others_ns / (double)watch->wall_ns : 0;
    char *names = busiest_text(watch);
    if (percent > NOISE_FOREIGN_MOST_PERCENT)
        doctor_find(checkup, SPOILING,
                    text_print("other programs use %.0f %% of one CPU%s%s", percent, *names ? ", the busiest: " : "", names),
                    "end them, or wait; blocks above 5 % are run again");
    else
        doctor_find(checkup, FINE, text_print("other programs use %.0f %% of one CPU", percent), NULL);
    free(names);
}

/* "some avg10=1.23 avg60=...": how long something had to wait, percent of the last ten seconds; -1 where it is not known. */
static double pressure(const char *path)
{
    char *line = machine_line(path), *value = line ? strstr(line, "avg10=") : NULL;
    double percent = value ? strtod(value + 6, NULL) : -1;
    free(line);
    return percent;
}

static void check_pressure(struct checkup *checkup)
{
    double cpu = pressure("/proc/pressure/cpu"), memory = pressure("/proc/pressure/memory"), io = pressure("/proc/pressure/io");
    if (cpu < 0)
        doctor_find(checkup, FINE, text_copy("no pressure information (the kernel has none, or psi=0)"), NULL);
    else if (cpu > 5 || memory > 1 || io > 5)
        doctor_find(
            checkup, NOISY,
            text_print("pressure: something waited for a CPU %.0f %% of the last 10 s, for memory %.0f %%, for a disk %.0f %%", cpu,
                       memory, io),
            "end what runs, give it more memory, let the disk come to rest; then look again after 10 s");
    else
        doctor_find(checkup, FINE,
                    text_print("pressure: CPU %.0f %%, memory %.0f %%, disk %.0f %% of the last 10 s", cpu, memory, io), NULL);
}

static void check_huge_pages(struct checkup *checkup)
{
    char *choice = machine_choice("/sys/kernel/mm/transparent_hugepage/enabled");
    if (choice && !strcmp(choice, "always"))
        doctor_find(checkup, NOISY, text_copy("transparent huge pages: always: memory is moved about while it is used"),
                    "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled");
    else
        doctor_find(checkup, FINE, text_print("transparent huge pages: %s", choice ? choice : "none"), NULL);
    free(choice);
}

static void check_clock(struct checkup *checkup)
{
    static const char *const quick[] = {"tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page", NULL};
    char *source = machine_line("/sys/devices/system/clocksource/clocksource0/current_clocksource");
    bool known = !source;
    for (size_t i = 0; quick[i] && source; i++)
        known |= !strcmp(source, quick[i]);
    if (known)
        doctor_find(checkup, FINE, text_print("clock source: %s", source ? source : "not visible"), NULL);
    else
        doctor_find(checkup, NOISY, text_print("clock source is %s: each look at the clock is a system call", source),
                    "clocksource=tsc on the kernel's command line, where dmesg does not call the TSC unstable");
    free(source);
}

static void check_timers(struct checkup *checkup)
{
    char *slack = machine_line("/proc/self/timerslack_ns");
    double us = slack ? strtod(slack, NULL) / 1e3 : 0;
    if (us > 50)
        doctor_find(checkup, NOISY, text_print("timer slack is %.0f us: sleeps end that much late", us),
                    "start from a shell with the usual 50 us (prctl PR_SET_TIMERSLACK)");
    else
        doctor_find(checkup, FINE, text_print("timer slack: %.0f us", us), NULL);
    free(slack);
}

/* The third column of /proc/swaps is the size, the fourth what is used: kilobytes. */
static void check_swap(struct checkup *checkup)
{
    char *text = NULL;
    unsigned long used = 0, part;
    if (file_read("/proc/swaps", 65536, &text, NULL) == 0)
        for (char *line = strchr(text, '\n'); line; line = strchr(line + 1, '\n'))
            if (sscanf(line, " %*s %*s %*u %lu", &part) == 1)
                used += part;
    free(text);
    if (used)
        doctor_find(checkup, NOISY, text_print("%lu MB are in swap: what comes back from there takes milliseconds", used / 1024),
                    "swapoff -a && swapon -a once there is memory for it");
    else
        doctor_find(checkup, FINE, text_copy("nothing is in swap"), NULL);
}

static void check_mitigations(struct checkup *checkup)
{
    static const char *const names[] = {"meltdown", "spectre_v2", "retbleed", "mds", "spec_store_bypass", "srbds", "l1tf"};
    struct names active = {0};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char *path = text_print("/sys/devices/system/cpu/vulnerabilities/%s", names[i]), *line = machine_line(path);
        if (line && !strncmp(line, "Mitigation", 10))
            names_add(&active, names[i]);
        free(line);
        free(path);
    }
    char *list = names_join(&active, ", ");
    if (active.count)
        doctor_find(checkup, NOTED, text_print("mitigations make system calls dearer: %s", list),
                    "leave them; compare with machines that have the same");
    else
        doctor_find(checkup, FINE, text_copy("no mitigation that makes system calls dearer"), NULL);
    free(list);
    names_free(&active);
}

const struct check doctor_noise_checks[] = {
    {"CPUs", check_cpus},
    {"quota", check_quota},
    {"governor", check_governor},
    {"turbo", check_turbo},
    {"SMT", check_smt},
    {"steal", check_steal},
    {"others", check_others},
    {"pressure", check_pressure},
    {"swap", check_swap},
    {"huge pages", check_huge_pages},
    {"clock", check_clock},
    {"timers", check_timers},
    {"mitigations", check_mitigations},
    {"backlog", check_backlog},
    {"open files", check_files},
    {"ports", check_ports},
    {NULL, NULL},
};
