/* The kernel's counters, read from sample text, from torn and hostile text, and from the kernel. */
#include "support.h"

#include <sched.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/random.h"
#include "loadgen/measure/measure.h"

static const char stat_text[] = "cpu  100 20 30 4000 50 6 7 80 9 1\n"
                                "cpu0 1 2 3 4 5 6 7 8 9 10\n"
                                "intr 12345 0 0\nctxt 5\nbtime 1700000000\n";

static const char netstat_text[] = "TcpExt: SyncookiesSent ListenOverflowsNot ListenOverflows ListenDrops TCPPrequeued\n"
                                   "TcpExt: 1 2 33 44 5\n"
                                   "IpExt: InNoRoutes ListenDrops\n"
                                   "IpExt: 7 8\n";

static const char snmp_text[] = "Ip: Forwarding DefaultTTL\nIp: 1 64\n"
                                "Tcp: RtoAlgorithm MaxConn OutSegs RetransSegs\nTcp: 1 -1 900 12\n"
                                "Udp: OutSegs\nUdp: 3\n";

static void test_samples(void **state)
{
    (void)state;
    struct host host = {0};
    host_parse_stat(slice_of(stat_text), &host);
    assert_int_equal(host.cpu_ticks, 100 + 20 + 30 + 4000 + 50 + 6 + 7 + 80); /* guests are in user and nice already */
    assert_int_equal(host.steal_ticks, 80);
    assert_int_equal(host_parse_counter(slice_of(netstat_text), "TcpExt:", "ListenOverflows"), 33);
    assert_int_equal(host_parse_counter(slice_of(netstat_text), "TcpExt:", "ListenDrops"), 44);
    assert_int_equal(host_parse_counter(slice_of(netstat_text), "IpExt:", "ListenDrops"), 8);
    assert_int_equal(host_parse_counter(slice_of(snmp_text), "Tcp:", "OutSegs"), 900);
    assert_int_equal(host_parse_counter(slice_of(snmp_text), "Tcp:", "RetransSegs"), 12);
    assert_int_equal(host_parse_counter(slice_of(snmp_text), "Tcp:", "MaxConn"), 0); /* -1 is no count */
    assert_int_equal(host_parse_wait_ns(slice_of("123456 7890 42\n")), 7890);
}

static void test_what_is_missing_is_zero(void **state)
{
    (void)state;
    static const char *const torn[] = {"",
                                       "\n",
                                       "TcpExt:",
                                       "TcpExt: ListenDrops",
                                       "TcpExt: ListenDrops\n",
                                       "TcpExt: A ListenDrops\nTcpExt: 1\n",
                                       "TcpExt: ListenDrops\nTcpExt:\n",
                                       "TcpExt: ListenDrops\nIpExt: 5\n",
                                       "TcpExt: ListenDropsX\nTcpExt: 5\n",
                                       "TcpExtra: ListenDrops\nTcpExtra: 5\n",
                                       "TcpExt: ListenDrops\nTcpExt: 5x\n",
                                       "TcpExt: ListenDrops\nTcpExt: 99999999999999999999999\n"};
    for (unsigned i = 0; i < LENGTH_OF(torn); i++)
        assert_int_equal(host_parse_counter(slice_of(torn[i]), "TcpExt:", "ListenDrops"), 0);
    static const char *const waits[] = {"", "5", "5 ", "5 x 1", "\n"};
    for (unsigned i = 0; i < LENGTH_OF(waits); i++)
        assert_int_equal(host_parse_wait_ns(slice_of(waits[i])), 0);
    struct host host = {.cpu_ticks = 5, .steal_ticks = 6};
    host_parse_stat(slice_of("cpu0 1 2 3\nintr 7"), &host);
    assert_int_equal(host.cpu_ticks, 5);
    host_parse_stat(slice_of("cpu 1 2 3 4"), &host); /* a kernel that knows of no steal */
    assert_int_equal(host.cpu_ticks, 10);
    assert_int_equal(host.steal_ticks, 0);
    host_parse_stat(slice_of("cpu 1 -2 3 4"), &host);
    assert_int_equal(host.cpu_ticks, 1);
}

/* Every beginning of the samples, and samples with bytes changed, at a guard page. */
static void test_hostile(void **state)
{
    (void)state;
    static const char *const texts[] = {stat_text, netstat_text, snmp_text, "1 2 3\n"};
    struct random random;
    random_init(&random, 11);
    for (unsigned i = 0; i < LENGTH_OF(texts); i++)
        for (size_t length = 0; length <= strlen(texts[i]); length++)
            for (unsigned change = 0; change < 5; change++) {
                struct guarded guarded;
                struct host host = {0};
                guarded_init(&guarded, texts[i], length);
                if (change > 0 && length > 0)
                    guarded.text[random_below(&random, length)] = "\n \0:9"[random_below(&random, 5)];
                struct slice text = {guarded.text, guarded.length};
                host_parse_stat(text, &host);
                host_parse_counter(text, "TcpExt:", "ListenDrops");
                host_parse_counter(text, "Tcp:", "RetransSegs");
                host_parse_wait_ns(text);
                guarded_close(&guarded);
            }
}

static void test_shares(void **state)
{
    (void)state;
    struct host before = {.cpu_ticks = 1000, .steal_ticks = 100}, after = {.cpu_ticks = 1200, .steal_ticks = 110};
    assert_true(host_steal_share(&before, &after) == 0.05);
    assert_true(host_steal_share(&after, &before) == 0);
    assert_true(host_steal_share(&before, &before) == 0);
    assert_int_equal(host_grown(5, 8), 3);
    assert_int_equal(host_grown(8, 5), 0);
}

/* This machine's: time passes, and it has sent segments or not, but less than none never. */
static void test_this_machine(void **state)
{
    (void)state;
    struct host before, after;
    host_read(&before);
    assert_true(before.cpu_ticks > 0);
    uint64_t wait_ns = host_thread_wait_ns(), until_ns = clock_now_ns() + 30 * CLOCK_NS_PER_MS;
    while (clock_now_ns() < until_ns)
        ;
    host_read(&after);
    assert_true(after.cpu_ticks > before.cpu_ticks);
    assert_true(after.listen_drops >= before.listen_drops && after.segments >= before.segments);
    assert_true(host_thread_wait_ns() >= wait_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_samples), cmocka_unit_test(test_what_is_missing_is_zero),
                                       cmocka_unit_test(test_hostile), cmocka_unit_test(test_shares),
                                       cmocka_unit_test(test_this_machine)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
