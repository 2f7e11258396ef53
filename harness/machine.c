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

#include "http/request.h"
#include <gsl/gsl_version.h>
#include <uv.h>

#include "base/cpus.h"
#include "base/file.h"
#include "http/request.h"

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
    time->interrupts_ns = (irq + softirq) * tick_ns;
    time->busy_ns = (user + nice + system) * tick_ns + time->interrupts_ns;
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

char *machine_choice(const char *path)
{
    char *line = machine_line(path), *open = line ? strchr(line, '[') : NULL, *close = open ? strchr(open, ']') : NULL,
         *chosen = NULL;
    if (close) {
        *close = '\0';
        chosen = text_copy(open + 1);
    }
    free(line);
    return chosen;
}

char *machine_turbo(void)
{
    char *no_turbo = machine_line("/sys/devices/system/cpu/intel_pstate/no_turbo"),
         *boost = machine_line("/sys/devices/system/cpu/cpufreq/boost"), *turbo = NULL;
    if (no_turbo)
        turbo = text_copy(!strcmp(no_turbo, "0") ? "on" : "off");
    else if (boost)
        turbo = text_copy(!strcmp(boost, "0") ? "off" : "on");
    free(boost);
    free(no_turbo);
    return turbo;
}

char *machine_virtualisation(void)
{
    char *flags = cpuinfo_value("flags"), *type = machine_line("/sys/hypervisor/type");
    bool machine = (flags && strstr(flags, "hypervisor")) || type;
    bool container = access("/.dockerenv", F_OK) == 0 || access("/run/.containerenv", F_OK) == 0;
    free(type);
    free(flags);
    if (machine)
        return text_copy(container ? "virtual machine, container" : "virtual machine");
    return text_copy(container ? "container" : "none seen");
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
    set_line(cpu, "frequency_driver", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_driver");
    set_text(cpu, "turbo", machine_turbo());
    set_line(cpu, "smt", "/sys/devices/system/cpu/smt/control");
    set_line(cpu, "smt_active", "/sys/devices/system/cpu/smt/active");
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
    set_line(json, "clock_source", "/sys/devices/system/clocksource/clocksource0/current_clocksource");
    set_text(json, "transparent_huge_pages", machine_choice("/sys/kernel/mm/transparent_hugepage/enabled"));
    set_line(json, "timer_slack_ns", "/proc/self/timerslack_ns");
    set_line(json, "swappiness", "/proc/sys/vm/swappiness");
    set_text(json, "virtualisation", machine_virtualisation());
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
    json_object_set_new(versions, "libuv", json_string(uv_version_string()));
    set_text(versions, "llhttp", text_print("%d.%d.%d", LLHTTP_VERSION_MAJOR, LLHTTP_VERSION_MINOR, LLHTTP_VERSION_PATCH));
    json_object_set_new(versions, "gsl", json_string(gsl_version));
    json_object_set_new(versions, "jansson", json_string(JANSSON_VERSION));
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

/* As sha256sum(1) prints it, under the program's name. */
static void add_hash(json_t *hashes, struct custody *custody, const char *name, const char *path)
{
    char *argv[] = {(char *)"sha256sum", (char *)"--", (char *)(uintptr_t)path, NULL};
    char *output = access(path, R_OK) == 0 ? process_capture(custody, argv) : NULL;
    if (output) {
        output[strcspn(output, " ")] = '\0';
        json_object_set_new(hashes, name, json_string(output));
    }
    free(output);
}

static void add_hashes(json_t *json, struct custody *custody, const char *programs, const json_t *files)
{
    json_t *hashes = json_object();
    struct names list = {0};
    catalog_strategies(&list);
    names_add(&list, "loadgen");
    for (size_t i = 0; i < list.count; i++) {
        char *path = text_print("%s/%s", programs, list.items[i]);
        add_hash(hashes, custody, list.items[i], path);
        free(path);
    }
    for (void *at = json_object_iter((json_t *)(uintptr_t)files); at; at = json_object_iter_next((json_t *)(uintptr_t)files, at))
        if (!json_object_get(hashes, json_object_iter_key(at)))
            add_hash(hashes, custody, json_object_iter_key(at), json_string_value(json_object_iter_value(at)));
    char *own = realpath("/proc/self/exe", NULL);
    if (own)
        add_hash(hashes, custody, "clusterbench", own);
    free(own);
    names_free(&list);
    json_object_set_new(json, "sha256", hashes);
}

json_t *machine_record(struct custody *custody, const char *programs, const json_t *files)
{
    json_t *json = json_object();
    json_object_set_new(json, "schema", json_string("clusterbench.machine/1"));
    add_cpus(json);
    add_kernel(json);
    add_mitigations(json);
    add_versions(json, custody, programs);
    add_hashes(json, custody, programs, files);
    json_object_set_new(json, "readings", machine_readings());
    return json;
}
