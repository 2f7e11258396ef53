/*
 * machine_readings: what a machine says of the moment: load, pressure, steal, throttling. And what differs between two records.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#include "machine.h"

/* ---- readings ---- */

static void add_line(json_t *json, const char *key, const char *path)
{
    char *line = machine_line(path);
    json_object_set_new(json, key, line ? json_string(line) : json_null());
    free(line);
}

/* "nr_throttled 12" anywhere in the text; 0 where it is not. */
static uint64_t value_of(const char *text, const char *key)
{
    const char *found = strstr(text, key);
    return found ? strtoull(found + strlen(key), NULL, 10) : 0;
}

struct throttling {
    uint64_t times, us;
};

static void add_throttling(struct throttling *sum, const char *folder, const char *group)
{
    char *path = text_print("%s%s/cpu.stat", folder, strcmp(group, "/") ? group : ""), *text = NULL;
    if (file_read(path, 65536, &text, NULL) == 0) {
        sum->times += value_of(text, "nr_throttled ");
        sum->us += value_of(text, "throttled_usec ") + value_of(text, "throttled_time ") / 1000; /* version 2, version 1 */
        free(text);
    }
    free(path);
}

/* This process's group and its parents: a limit may stand at any of them. */
static void add_group(struct throttling *sum, const char *folder, char *group)
{
    for (;;) {
        add_throttling(sum, folder, group);
        char *slash = strrchr(group, '/');
        if (!slash || !strcmp(group, "/"))
            return;
        slash[slash == group] = '\0';
    }
}

/* Lines "0::/path" (version 2) and "4:cpu,cpuacct:/path" (version 1): cgroups(7). */
static struct throttling read_throttling(void)
{
    struct throttling sum = {0};
    char *text = NULL, *rest = NULL;
    if (file_read("/proc/self/cgroup", 65536, &text, NULL) < 0)
        return sum;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char *controllers = strchr(line, ':'), *group = controllers ? strchr(++controllers, ':') : NULL;
        if (!group)
            continue;
        *group++ = '\0';
        struct names names = {0};
        names_split(&names, controllers);
        if (!*controllers)
            add_group(&sum, "/sys/fs/cgroup", group);
        else if (names_hold(&names, "cpu"))
            add_group(&sum, "/sys/fs/cgroup/cpu", group);
        names_free(&names);
    }
    free(text);
    return sum;
}

json_t *machine_readings(void)
{
    json_t *json = json_object();
    add_line(json, "loadavg", "/proc/loadavg");
    add_line(json, "cpu_pressure", "/proc/pressure/cpu");
    add_line(json, "memory_pressure", "/proc/pressure/memory");
    add_line(json, "io_pressure", "/proc/pressure/io");
    struct machine_time since_boot, never = {0};
    if (machine_time(&since_boot) == 0)
        json_object_set_new(json, "steal_percent_since_boot", json_real(machine_steal_percent(&never, &since_boot)));
    struct throttling throttling = read_throttling();
    json_object_set_new(json, "cgroup_throttled", json_integer((json_int_t)throttling.times));
    json_object_set_new(json, "cgroup_throttled_us", json_integer((json_int_t)throttling.us));
    return json;
}

/* ---- differences ---- */

static char *value_text(const json_t *value)
{
    char *text = json_is_string(value) ? text_print("%.80s", json_string_value(value)) : NULL;
    if (!text && value && !json_is_null(value)) {
        char *dump = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6));
        text = text_print("%.80s", dump ? dump : "?");
        free(dump);
    }
    return text ? text : text_copy("nothing");
}

static void add_difference(const char *path, const json_t *before, const json_t *after, struct names *differences)
{
    char *old = value_text(before), *new = value_text(after);
    if (!strncmp(path, "sha256.", 7)) /* a few digits tell them apart */
        old[strlen(old) > 12 ? 12 : strlen(old)] = new[strlen(new) > 12 ? 12 : strlen(new)] = '\0';
    char *line = text_print("%s: %s, then %s", path, old, new);
    names_add(differences, line);
    free(line);
    free(new);
    free(old);
}

static void compare_values(const char *path, const json_t *before, const json_t *after, struct names *differences);

static void compare_members(const char *path, const json_t *before, const json_t *after, struct names *differences)
{
    json_t *both = json_object();
    json_object_update(both, (json_t *)before);
    json_object_update_missing(both, (json_t *)after);
    for (void *at = json_object_iter(both); at; at = json_object_iter_next(both, at)) {
        const char *key = json_object_iter_key(at);
        char *below = *path ? text_print("%s.%s", path, key) : text_copy(key);
        compare_values(below, json_object_get(before, key), json_object_get(after, key), differences);
        free(below);
    }
    json_decref(both);
}

/* What is missing and what is null are the same. */
static bool is_same(const json_t *before, const json_t *after)
{
    bool nothing = !before || json_is_null(before), still_nothing = !after || json_is_null(after);
    return nothing || still_nothing ? nothing && still_nothing : json_equal(before, after);
}

static void compare_values(const char *path, const json_t *before, const json_t *after, struct names *differences)
{
    if (!strcmp(path, "readings"))
        return;
    if (json_is_object(before) && json_is_object(after))
        compare_members(path, before, after, differences);
    else if (!is_same(before, after))
        add_difference(path, before, after, differences);
}

static void compare_identity(const json_t *before, const json_t *after, struct names *differences)
{
    static const char *const in_cpu[] = {"model", "online", "allowed"}, *const on_top[] = {"kernel", "architecture", "sha256",
                                                                                           "peers"};
    for (size_t i = 0; i < 3; i++) {
        char *path = text_print("cpu.%s", in_cpu[i]);
        compare_values(path, json_object_get(json_object_get(before, "cpu"), in_cpu[i]),
                       json_object_get(json_object_get(after, "cpu"), in_cpu[i]), differences);
        free(path);
    }
    for (size_t i = 0; i < sizeof(on_top) / sizeof(*on_top); i++)
        compare_values(on_top[i], json_object_get(before, on_top[i]), json_object_get(after, on_top[i]), differences);
}

static void compare_throttling(const json_t *before, const json_t *after, struct names *differences)
{
    static const char *const times = "cgroup_throttled", *const us = "cgroup_throttled_us";
    const json_t *old = json_object_get(before, "readings"), *new = json_object_get(after, "readings");
    json_int_t more = json_integer_value(json_object_get(new, times)) - json_integer_value(json_object_get(old, times)),
               longer = json_integer_value(json_object_get(new, us)) - json_integer_value(json_object_get(old, us));
    if (more <= 0)
        return;
    char *line = text_print("the cgroup's CPU quota throttled %lld times, %.1f ms in all", (long long)more, (double)longer / 1e3);
    names_add(differences, line);
    free(line);
}

void machine_compare(const json_t *before, const json_t *after, enum machine_part part, struct names *differences)
{
    if (part == MACHINE_IDENTITY) {
        compare_identity(before, after, differences);
        return;
    }
    compare_values("", before, after, differences);
    compare_throttling(before, after, differences);
}
