/* Where connections come from and how long they live: ranges of addresses, draws of lives. */
#include "support.h"

#include <errno.h>
#include <math.h>

#include "loadgen/engine/engine.h"

static void expect_addresses(const char *text, unsigned count, const char *const *addresses)
{
    struct source_range range;
    assert_int_equal(source_range_parse(text, &range), 0);
    assert_int_equal(range.count, count);
    for (unsigned i = 0; i < 2 * count; i++) { /* then they begin again */
        struct net_address address;
        char printed[NET_TEXT_SIZE];
        source_address(&range, i, &address);
        assert_string_equal(net_format_address(&address, false, printed), addresses[i % count]);
        assert_int_equal(net_port(&address), 0);
    }
}

static void test_ranges(void **state)
{
    (void)state;
    expect_addresses("127.0.0.1", 1, (const char *const[]){"127.0.0.1"});
    expect_addresses("127.0.0.2-127.0.0.4", 3, (const char *const[]){"127.0.0.2", "127.0.0.3", "127.0.0.4"});
    expect_addresses("10.0.255.254-10.1.0.1", 4, (const char *const[]){"10.0.255.254", "10.0.255.255", "10.1.0.0", "10.1.0.1"});
    expect_addresses("::1", 1, (const char *const[]){"::1"});
    expect_addresses("fd00::ffff-fd00::1:1", 3, (const char *const[]){"fd00::ffff", "fd00::1:0", "fd00::1:1"});
}

static void test_large_range(void **state)
{
    (void)state;
    struct source_range range;
    struct net_address address;
    char printed[NET_TEXT_SIZE];
    assert_int_equal(source_range_parse("10.0.0.0-10.15.255.255", &range), 0);
    assert_int_equal(range.count, 1u << 20);
    source_address(&range, (1u << 20) - 1, &address);
    assert_string_equal(net_format_address(&address, false, printed), "10.15.255.255");
}

static void test_bad_ranges(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "127.0.0",
        "127.0.0.1-",
        "-127.0.0.1",
        "127.0.0.2-127.0.0.1",
        "127.0.0.1-::1",
        "localhost",
        "127.0.0.1 ",
        "127.0.0.1-127.0.0.2-127.0.0.3",
        "256.0.0.1",
        "10.0.0.0-10.16.0.0",
        "0.0.0.0-255.255.255.255",
        "fd00::-fd01::",
        "::2-::1",
        "[::1]",
        "127.0.0.1:80",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    for (unsigned i = 0; i < LENGTH_OF(texts); i++) {
        struct source_range range = {.count = 77};
        if (source_range_parse(texts[i], &range) != -EINVAL || range.count != 77)
            fail_msg("'%s' was taken", texts[i]);
    }
}

static void test_lives(void **state)
{
    (void)state;
    struct random random;
    struct connection_life life;
    random_init(&random, 1);
    assert_int_equal(connection_life_draw(&(struct connection_life){0, false}, &random), UINT64_MAX);
    assert_int_equal(connection_life_parse("7", &life), 0);
    assert_int_equal(connection_life_draw(&life, &random), 7);
    assert_int_equal(connection_life_parse("geometric:1", &life), 0);
    assert_int_equal(connection_life_draw(&life, &random), 1);
    static const char *const bad[] = {"0", "geometric:", "geometric:0", "-1", "7x", "uniform:3"};
    for (unsigned i = 0; i < LENGTH_OF(bad); i++)
        assert_int_equal(connection_life_parse(bad[i], &life), -EINVAL);
}

/* P(k) = p (1-p)^(k-1), p = 1/mean; each count within five standard deviations. */
static void test_geometric_lives(void **state)
{
    (void)state;
    enum { DRAWS = 100000, MEAN = 4, CELLS = 20 };
    const struct connection_life life = {MEAN, true};
    struct random random;
    unsigned counts[CELLS] = {0};
    double sum = 0, probability = 1.0 / MEAN;
    random_init(&random, 2);
    for (unsigned i = 0; i < DRAWS; i++) {
        uint64_t drawn = connection_life_draw(&life, &random);
        assert_true(drawn >= 1);
        sum += (double)drawn;
        counts[drawn < CELLS ? drawn : 0]++;
    }
    assert_true(fabs(sum / DRAWS - MEAN) < 5 * sqrt(MEAN * (MEAN - 1.0) / DRAWS));
    for (unsigned k = 1; k < CELLS; k++, probability *= 1 - 1.0 / MEAN)
        assert_true(fabs(counts[k] - DRAWS * probability) < 5 * sqrt(DRAWS * probability));
}

static void test_port_range(void **state)
{
    (void)state;
    struct port_range range = port_range_read();
    assert_true(range.first > 0 && range.count > 0);
    assert_true(range.first + range.count - 1 <= UINT16_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges), cmocka_unit_test(test_large_range),     cmocka_unit_test(test_bad_ranges),
        cmocka_unit_test(test_lives),  cmocka_unit_test(test_geometric_lives), cmocka_unit_test(test_port_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
