/* CPU lists and pinning on this machine; quotas in invented cgroup trees. */
#include "support.h"

#include "base/cpus.h"

#include <errno.h>
#include <ftw.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* ---- invented trees ---- */

static char root[64];

static void make_parents(char *path)
{
    for (char *slash = strchr(path + strlen(root) + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
        *slash = '/';
    }
}

static void put(const char *name, const char *text)
{
    char path[512];
    FILE *out;

    snprintf(path, sizeof(path), "%s/%s", root, name);
    make_parents(path);
    out = fopen(path, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static int make_root(void **state)
{
    (void)state;
    strcpy(root, "/tmp/test_cpus.XXXXXX");
    return mkdtemp(root) != NULL ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    (void)status;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int remove_root(void **state)
{
    (void)state;
    return nftw(root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void expect_quota(double cpus)
{
    double quota = cpus_quota_under(root);

    if (fabs(quota - cpus) > 1e-9)
        fail_msg("quota %g, not %g", quota, cpus);
}

static const char v2_mount[] =
    "29 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

static void put_v2(const char *group)
{
    char line[256];

    snprintf(line, sizeof(line), "0::%s\n", group);
    put("proc/self/cgroup", line);
    put("proc/self/mountinfo", v2_mount);
}

static void no_proc_no_quota(void **state)
{
    (void)state;
    expect_quota(0);
    assert_true(cpus_quota_under("/no/such/root") == 0);
}

static void v2_own_group(void **state)
{
    (void)state;
    put_v2("/app/web");
    put("sys/fs/cgroup/app/web/cpu.max", "150000 100000\n");
    expect_quota(1.5);
}

static void v2_max_is_none(void **state)
{
    (void)state;
    put_v2("/app/web");
    put("sys/fs/cgroup/app/web/cpu.max", "max 100000\n");
    put("sys/fs/cgroup/app/cpu.max", "max 100000\n");
    expect_quota(0);
}

static void v2_parent_is_tighter(void **state)
{
    (void)state;
    put_v2("/app/web/worker");
    put("sys/fs/cgroup/app/web/worker/cpu.max", "400000 100000\n");
    put("sys/fs/cgroup/app/web/cpu.max", "max 100000\n");
    put("sys/fs/cgroup/app/cpu.max", "25000 50000\n");
    put("sys/fs/cgroup/other/cpu.max", "1000 100000\n");
    expect_quota(0.5);
}

/* In a container with a cgroup namespace the own group is "/", and its file lies at the mount's root. */
static void v2_in_a_namespace(void **state)
{
    (void)state;
    put_v2("/");
    put("sys/fs/cgroup/cpu.max", "200000 100000\n");
    expect_quota(2);
}

static void v2_group_outside_the_namespace(void **state)
{
    (void)state;
    put_v2("/../elsewhere");
    put("sys/fs/cgroup/cpu.max", "300000 100000\n");
    expect_quota(3);
}

static void v2_nonsense_is_no_quota(void **state)
{
    static const char *const texts[] = {"", "max\n", "0 100000\n", "100000 0\n", "-5 100000\n", "many few\n"};

    (void)state;
    put_v2("/");
    for (size_t i = 0; i < LENGTH_OF(texts); i++) {
        put("sys/fs/cgroup/cpu.max", texts[i]);
        expect_quota(0);
    }
}

static void put_v1(const char *mount_root, const char *group)
{
    char text[512];

    snprintf(text, sizeof(text), "5:cpuset:/wrong\n4:cpu,cpuacct:%s\n1:name=systemd:/wrong\n", group);
    put("proc/self/cgroup", text);
    snprintf(text, sizeof(text),
             "30 25 0:27 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
             "33 25 0:28 %s /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n",
             mount_root);
    put("proc/self/mountinfo", text);
    put("sys/fs/cgroup/cpuset/wrong/cpu.cfs_quota_us", "1000\n");
    put("sys/fs/cgroup/cpuset/wrong/cpu.cfs_period_us", "100000\n");
}

static void put_v1_quota(const char *group, const char *quota, const char *period)
{
    char name[256];

    snprintf(name, sizeof(name), "sys/fs/cgroup/cpu,cpuacct%s/cpu.cfs_quota_us", group);
    put(name, quota);
    snprintf(name, sizeof(name), "sys/fs/cgroup/cpu,cpuacct%s/cpu.cfs_period_us", group);
    put(name, period);
}

static void v1_own_group_and_parent(void **state)
{
    (void)state;
    put_v1("/", "/app/web");
    put_v1_quota("/app/web", "250000\n", "100000\n");
    expect_quota(2.5);
    put_v1_quota("/app", "120000\n", "100000\n");
    expect_quota(1.2);
}

static void v1_minus_one_is_none(void **state)
{
    (void)state;
    put_v1("/", "/app");
    put_v1_quota("/app", "-1\n", "100000\n");
    put_v1_quota("", "-1\n", "100000\n");
    expect_quota(0);
}

/* A container without a cgroup namespace: the group as the host names it, of which the mount shows the end. */
static void v1_mounted_from_a_group(void **state)
{
    (void)state;
    put_v1("/docker/abc", "/docker/abc/inner");
    put_v1_quota("", "300000\n", "100000\n");
    put_v1_quota("/inner", "150000\n", "100000\n");
    expect_quota(1.5);
    put_v1("/docker/abc", "/docker/abc");
    expect_quota(3);
}

static void hybrid_takes_the_tighter(void **state)
{
    (void)state;
    put("proc/self/cgroup", "4:cpu,cpuacct:/app\n0::/unit\n");
    put("proc/self/mountinfo", "29 23 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
                               "33 25 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n");
    put("sys/fs/cgroup/unified/unit/cpu.max", "400000 100000\n");
    put_v1_quota("/app", "300000\n", "100000\n");
    expect_quota(3);
    put("sys/fs/cgroup/unified/unit/cpu.max", "200000 100000\n");
    expect_quota(2);
}

/* ---- this machine ---- */

static struct cpu_list allowed_here(void)
{
    struct cpu_list list;

    assert_int_equal(cpus_allowed(&list), 0);
    assert_true(list.count >= 1);
    return list;
}

static void lists_of_this_machine(void **state)
{
    struct cpu_list allowed = allowed_here(), list;
    char text[64], twice[80];
    unsigned last = allowed.cpu[allowed.count - 1];

    (void)state;
    snprintf(text, sizeof(text), "%u", last);
    assert_int_equal(cpus_parse(text, &list), 0);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.cpu[0], last);
    snprintf(twice, sizeof(twice), "%u,%u", last, last);
    assert_int_equal(cpus_parse(twice, &list), -EINVAL);
    assert_int_equal(cpus_parse("1023", &list), CPUS_MAX - 1 == last ? 0 : -ENXIO);
    assert_int_equal(cpus_parse("99999", &list), -ENXIO);
}

static void lists_that_are_none(void **state)
{
    static const char *const bad[] = {"", ",", "x", "-1", "0,", ",0", "1-0", "0-", "0--1", "0 1", "0;1", "+0", "123456", "0x0"};
    struct cpu_list list;

    (void)state;
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        if (cpus_parse(bad[i], &list) != -EINVAL)
            fail_msg("'%s' is taken", bad[i]);
}

static void formatted_in_ranges(void **state)
{
    static const struct {
        struct cpu_list list;
        const char *text;
    } rows[] = {
        {{0, {0}}, ""}, {{1, {5}}, "5"}, {{5, {0, 1, 2, 3, 8}}, "0-3,8"}, {{3, {2, 1, 0}}, "2,1,0"}, {{4, {4, 5, 0, 1}}, "4-5,0-1"},
    };
    char text[64], small[4];

    (void)state;
    for (size_t i = 0; i < LENGTH_OF(rows); i++)
        assert_string_equal(cpus_format(&rows[i].list, text, sizeof(text)), rows[i].text);
    assert_string_equal(cpus_format(&rows[2].list, small, sizeof(small)), "0-3");
}

static void pinned_where_told(void **state)
{
    struct cpu_list before = allowed_here(), now;
    unsigned last = before.cpu[before.count - 1];

    (void)state;
    assert_int_equal(cpus_pin(last), 0);
    now = allowed_here();
    assert_int_equal(now.count, 1);
    assert_int_equal(now.cpu[0], last);
    assert_int_equal(cpus_usable(), 1);
    assert_int_equal(sched_getcpu(), last);
    assert_int_equal(cpus_pin_list(&before), 0);
    now = allowed_here();
    assert_int_equal(now.count, before.count);
    assert_int_equal(cpus_pin(CPUS_MAX), -EINVAL);
}

static void usable_within_the_mask(void **state)
{
    struct cpu_list allowed = allowed_here();
    unsigned usable = cpus_usable();

    (void)state;
    assert_true(usable >= 1 && usable <= allowed.count);
}

#define quota_test(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)

int main(void)
{
    const struct CMUnitTest tests[] = {
        quota_test(no_proc_no_quota),
        quota_test(v2_own_group),
        quota_test(v2_max_is_none),
        quota_test(v2_parent_is_tighter),
        quota_test(v2_in_a_namespace),
        quota_test(v2_group_outside_the_namespace),
        quota_test(v2_nonsense_is_no_quota),
        quota_test(v1_own_group_and_parent),
        quota_test(v1_minus_one_is_none),
        quota_test(v1_mounted_from_a_group),
        quota_test(hybrid_takes_the_tighter),
        cmocka_unit_test(lists_of_this_machine),
        cmocka_unit_test(lists_that_are_none),
        cmocka_unit_test(formatted_in_ranges),
        cmocka_unit_test(pinned_where_told),
        cmocka_unit_test(usable_within_the_mask),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
