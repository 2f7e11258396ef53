/*
 * machine: figures without the machine they were taken on are gossip.
 *
 * What /proc and /sys tell is read; what only programs know (versions, hashes, the commit) is asked of them, and is null where
 * they are missing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cpus.h"
#include "base/file.h"

#include "catalog.h"
#include "machine.h"

#ifndef CLUSTERBENCH_BUILD
#define CLUSTERBENCH_BUILD "unknown"
#endif

char *machine_line(const char *path)
{
    char *text;
    size_t length;
    if (file_read(path, 1u << 20, &text, &length) < 0)
        return NULL;
    text[strcspn(text, "\n")] = '\0';
    return text;
}

int machine_time(struct machine_time *time)
{
    char *line = machine_line("/proc/stat");
    unsigned long long user, nice, system, idle, iowait, irq, softirq, steal;
    int fields = line ? sscanf(line, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle, &iowait, &irq,
                               &softirq, &steal)
                      : 0;
    free(line);
    if (fields != 8)
        return -EINVAL;
    uint64_t tick_ns = UINT64_C(1000000000) / (uint64_t)sysconf(_SC_CLK_TCK);
    time->busy_ns = (user + nice + system + irq + softirq) * tick_ns;
    time->steal_ns = steal * tick_ns;
    time->all_ns = time->busy_ns + time->steal_ns + (idle + iowait) * tick_ns;
    return 0;
}

double machine_steal_percent(const struct machine_time *from, const struct machine_time *to)
{
    uint64_t all_ns = to->all_ns - from->all_ns;
    return all_ns ? 100.0 * (double)(to->steal_ns - from->steal_ns) / (double)all_ns : 0;
}

/* The value of the first line "KEY : value" of /proc/cpuinfo. */
static char *cpuinfo_value(const char *key)
{
    char *text, *value = NULL;
    size_t length;
    if (file_read("/proc/cpuinfo", 4u << 20, &text, &length) < 0)
        return NULL;
    char *line = strstr(text, key), *colon = line ? strchr(line, ':') : NULL;
    if (colon) {
        colon[strcspn(colon, "\n")] = '\0';
        value = text_copy(text_trim(colon + 1));
    }
    free(text);
    return value;
}

char *machine_cpu_model(void)
{
    char *model = cpuinfo_value("model name");
    return model ? model : text_copy("unknown CPU");
}

static void set_text(json_t *json, const char *key, char *text)
{
    json_object_set_new(json, key,
                        text ? json_string(text) : json_null()); /* json_string gives NULL for broken UTF-8: no key then */
    free(text);
}

static void set_line(json_t *json, const char *key, const char *path)
{
    set_text(json, key, machine_line(path));
}

static void add_cpus(json_t *json)
{
    struct cpu_list allowed;
    char list[1024];
    json_t *cpu = json_object();
    set_text(cpu, "model", machine_cpu_model());
    json_object_set_new(cpu, "online", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
    if (cpus_allowed(&allowed) == 0)
        json_object_set_new(cpu, "allowed", json_string(cpus_format(&allowed, list, sizeof(list))));
    double quota = cpus_quota();
    json_object_set_new(cpu, "quota", quota > 0 ? json_real(quota) : json_null());
    set_line(cpu, "governor", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
    set_line(cpu, "smt", "/sys/devices/system/cpu/smt/control");
    json_object_set_new(json, "cpu", cpu);
}

static void add_mitigations(json_t *json)
{
    static const char *const names[] = {"meltdown", "spectre_v2", "retbleed", "mds", "spec_store_bypass"};
    json_t *mitigations = json_object();
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char *path = text_print("/sys/devices/system/cpu/vulnerabilities/%s", names[i]);
        set_line(mitigations, names[i], path);
        free(path);
    }
    json_object_set_new(json, "mitigations", mitigations);
}

static void add_kernel(json_t *json)
{
    struct utsname name;
    if (uname(&name) == 0) {
        set_text(json, "kernel", text_print("%s %s", name.sysname, name.release));
        json_object_set_new(json, "architecture", json_string(name.machine));
    }
    set_line(json, "somaxconn", "/proc/sys/net/core/somaxconn");
    set_line(json, "ip_local_port_range", "/proc/sys/net/ipv4/ip_local_port_range");
    set_line(json, "loadavg", "/proc/loadavg");
    set_line(json, "cpu_pressure", "/proc/pressure/cpu");
    struct machine_time since_boot, never = {0};
    if (machine_time(&since_boot) == 0)
        json_object_set_new(json, "steal_percent_since_boot", json_real(machine_steal_percent(&never, &since_boot)));
}

static char *first_line(char *text)
{
    if (text)
        text[strcspn(text, "\n")] = '\0';
    return text;
}

static void add_versions(json_t *json, struct custody *custody, const char *programs)
{
    json_t *versions = json_object();
    char *gnuplot[] = {(char *)"gnuplot", (char *)"--version", NULL};
    char *commit[] = {(char *)"git",      (char *)"-C",      (char *)CLUSTERBENCH_SOURCE_DIR, (char *)"describe",
                      (char *)"--always", (char *)"--dirty", (char *)"--abbrev=40",           NULL};
    json_object_set_new(versions, "clusterbench", json_string(CLUSTERBENCH_VERSION));
    json_object_set_new(versions, "compiler", json_string(__VERSION__));
    json_object_set_new(versions, "build", json_string(CLUSTERBENCH_BUILD));
    set_text(versions, "gnuplot", first_line(process_capture(custody, gnuplot)));
    set_text(versions, "commit", first_line(process_capture(custody, commit)));
    struct names list = {0};
    catalog_strategies(&list);
    names_add(&list, "loadgen");
    for (size_t i = 0; i < list.count; i++) {
        char *path = text_print("%s/%s", programs, list.items[i]), *argv[] = {path, (char *)"--version", NULL};
        if (access(path, X_OK) == 0)
            set_text(versions, list.items[i], first_line(process_capture(custody, argv)));
        free(path);
    }
    names_free(&list);
    json_object_set_new(json, "versions", versions);
}

/* SHA-256 of every program that exists, as sha256sum(1) prints them. */
static void add_hashes(json_t *json, struct custody *custody, const char *programs)
{
    json_t *hashes = json_object();
    struct names list = {0};
    catalog_strategies(&list);
    names_add(&list, "loadgen");
    names_add(&list, "clusterbench");
    for (size_t i = 0; i < list.count; i++) {
        char *path = text_print("%s/%s", programs, list.items[i]), *argv[] = {(char *)"sha256sum", path, NULL};
        char *output = access(path, R_OK) == 0 ? process_capture(custody, argv) : NULL;
        if (output) {
            output[strcspn(output, " ")] = '\0';
            json_object_set_new(hashes, list.items[i], json_string(output));
        }
        free(output);
        free(path);
    }
    names_free(&list);
    json_object_set_new(json, "sha256", hashes);
}

json_t *machine_record(struct custody *custody, const char *programs)
{
    json_t *json = json_object();
    json_object_set_new(json, "schema", json_string("clusterbench.machine/1"));
    add_cpus(json);
    add_kernel(json);
    add_mitigations(json);
    add_versions(json, custody, programs);
    add_hashes(json, custody, programs);
    return json;
}
