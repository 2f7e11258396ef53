/*
 * What `truth` judges with: its statistics against known values, its reading of wrk's and ab's text, the notes' way through a file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "truth.h"

/* Ranks are rounded up, as HdrHistogram has them. */
static void test_percentiles(void **state)
{
    (void)state;
    struct sample sample = {.values = NULL};
    assert_true(isnan(sample_percentile(&sample, 50)));
    for (unsigned i = 10; i > 0; i--)
        sample_add(&sample, i);
    assert_true(sample_percentile(&sample, 0) == 1);
    assert_true(sample_percentile(&sample, 50) == 5);
    assert_true(sample_percentile(&sample, 90) == 9);
    assert_true(sample_percentile(&sample, 90.1) == 10);
    assert_true(sample_percentile(&sample, 100) == 10);
    assert_true(sample_median(&sample) == 5.5);
    sample_close(&sample);
}

/* 5 % points of chi-square with 3 degrees of freedom, and of Kolmogorov's distribution (1.358). */
static void test_tables(void **state)
{
    (void)state;
    const uint64_t counts[] = {10, 20, 30};
    struct sample sample = {.values = NULL};
    assert_true(chi_square_of(counts, 3) == 10);
    assert_float_equal(chi_square_p(7.814728, 3), 0.05, 1e-6);
    for (unsigned i = 0; i < 10000; i++)
        sample_add(&sample, ((double)i + 0.5) / 10000 * (1 - 0.01358)); /* at most 0.01358 from uniform */
    assert_float_equal(sample_ks_p(&sample, uniform_distribution), 0.05, 2e-3);
    sample_close(&sample);
}

static void test_kolmogorov_smirnov(void **state)
{
    (void)state;
    struct sample right = {.values = NULL}, wrong = {.values = NULL};
    struct random random;
    random_init(&random, 1);
    for (unsigned i = 0; i < 4000; i++) {
        sample_add(&right, random_exponential(&random));
        sample_add(&wrong, 0.9 * random_exponential(&random)); /* 10 % too fast */
    }
    assert_true(sample_ks_p(&right, exponential_distribution) > 0.01);
    assert_true(sample_ks_p(&wrong, exponential_distribution) < 0.001);
    sample_close(&right);
    sample_close(&wrong);
}

static void test_wrk(void **state)
{
    (void)state;
    struct figures figures;
    wrk_figures("  Thread Stats   Avg      Stdev     Max   +/- Stdev\n"
                "    Latency   475.78us   12.56ms   1.01s    99.97%\n"
                "  Latency Distribution\n     50%  272.00us\n     75%  357.00us\n     90%    1.50ms\n     99%    1.01s \n"
                "  63529 requests in 3.00s, 8.18MB read\n"
                "  Socket errors: connect 1, read 20, write 3, timeout 5\n"
                "  Non-2xx or 3xx responses: 29\n",
                &figures);
    assert_true(figures.of[ANSWERED] == 63500 && figures.of[HTTP_ERRORS] == 29);
    assert_true(figures.of[SOCKET_ERRORS] == 24 && figures.of[TIMED_OUT] == 5);
    assert_float_equal(figures.of[SERVICE_P50], 272, 1e-6);
    assert_float_equal(figures.of[SERVICE_P90], 1500, 1e-6);
    assert_float_equal(figures.of[SERVICE_P99], 1.01e6, 1e-3);
    assert_float_equal(figures.of[SERVICE_MAX], 1.01e6, 1e-3);
    wrk_figures("unable to connect to 127.0.0.1:1 Connection refused\n", &figures);
    assert_true(isnan(figures.of[ANSWERED]));
}

static void test_ab(void **state)
{
    (void)state;
    struct figures figures;
    ab_figures(
        "Complete requests:      3000\nFailed requests:        60\n   (Connect: 0, Receive: 20, Length: 20, Exceptions: 20)\n"
        "Non-2xx responses:      50\n  50%     10\n  90%     11\n  99%     14\n 100%     16 (longest request)\n",
        &figures);
    assert_true(figures.of[ANSWERED] == 2950 && figures.of[HTTP_ERRORS] == 50 && figures.of[SOCKET_ERRORS] == 60);
    assert_true(figures.of[SERVICE_P50] == 10000 && figures.of[SERVICE_MAX] == 16000);
    ab_figures("apr_pollset_poll: The timeout specified has expired (70007)\n", &figures);
    assert_true(isnan(figures.of[ANSWERED]));
}

/* Pauses are whole milliseconds: 0.5 ms late on the average where the server needs none; a stall is seen nearly whole. */
static void test_wrk2_model(void **state)
{
    (void)state;
    struct sample even = {.values = NULL}, stalled = {.values = NULL};
    const struct server_model quick = {.service_ns = 1000};
    const struct server_model stall = {1000, 2 * CLOCK_NS_PER_S, 3 * CLOCK_NS_PER_S};
    wrk2_model(&quick, 997, 10, 5 * CLOCK_NS_PER_S, &even);
    wrk2_model(&stall, 997, 10, 5 * CLOCK_NS_PER_S, &stalled);
    assert_in_range(even.count, 4900, 5000);
    assert_float_equal(sample_median(&even), 500, 100);
    assert_true(sample_percentile(&even, 100) <= 1002);
    assert_float_equal(sample_percentile(&stalled, 100), 1e6, 2e4);
    sample_close(&even);
    sample_close(&stalled);
}

static void test_stamps(void **state)
{
    (void)state;
    char path[] = "/tmp/test-truth-XXXXXX";
    struct stamps written = {.connections = 3, .stall_from_ns = 5, .stall_until_ns = 9}, read;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    for (unsigned i = 0; i < FATES; i++)
        *stamps_add(&written) = (struct stamp){i, STAMP_NO_NUMBER, 10 + i, 20, i % 2 ? 30 : 0, i};
    assert_int_equal(stamps_write(&written, path), 0);
    assert_int_equal(stamps_read(&read, path), 0);
    assert_int_equal(read.count, FATES);
    for (unsigned i = 0; i < FATES; i++) {
        const struct stamp *one = &read.rows[i], *two = &written.rows[i];
        assert_true(one->connection == two->connection && one->number == two->number && one->fate == two->fate);
        assert_true(one->arrival_ns == two->arrival_ns && one->first_ns == two->first_ns && one->last_ns == two->last_ns);
    }
    assert_true(read.connections == 3 && read.stall_from_ns == 5 && read.stall_until_ns == 9);
    assert_int_equal(stamps_count(&read, FATE_CUT), 1);
    stamps_close(&read);
    assert_int_equal(write(fd, "garbage", 7), 7);
    assert_true(stamps_read(&read, path) < 0);
    stamps_close(&read);
    stamps_close(&written);
    close(fd);
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_percentiles), cmocka_unit_test(test_tables), cmocka_unit_test(test_kolmogorov_smirnov),
        cmocka_unit_test(test_wrk),         cmocka_unit_test(test_ab),     cmocka_unit_test(test_wrk2_model),
        cmocka_unit_test(test_stamps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
