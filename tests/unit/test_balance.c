/*
 * Policies, driven without a server.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "balance/balance.h"

#define MEMBERS 5

static void test_round_robin_takes_turns(void **state)
{
    (void)state;
    struct balance balance;
    struct balance_member members[MEMBERS];
    balance_init(&balance, &balance_round_robin, members, MEMBERS);
    assert_int_equal(balance_pick(&balance), -1);
    for (unsigned i = 0; i < MEMBERS; i++)
        balance_set_usable(&balance, i, true);
    for (int i = 0; i < 3 * MEMBERS; i++)
        assert_int_equal(balance_pick(&balance), i % MEMBERS);
    for (int i = 0; i < MEMBERS; i++)
        assert_int_equal(members[i].chosen, 3);
}

static void test_round_robin_passes_over(void **state)
{
    (void)state;
    struct balance balance;
    struct balance_member members[MEMBERS];
    balance_init(&balance, &balance_round_robin, members, MEMBERS);
    balance_set_usable(&balance, 1, true);
    balance_set_usable(&balance, 4, true);
    static const int expected[] = {1, 4, 1, 4};
    for (int i = 0; i < 4; i++)
        assert_int_equal(balance_pick(&balance), expected[i]);
    balance_set_usable(&balance, 1, false);
    assert_int_equal(balance_pick(&balance), 4);
    assert_int_equal(balance_pick(&balance), 4);
    balance_set_usable(&balance, 4, false);
    assert_int_equal(balance_pick(&balance), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_robin_takes_turns),
        cmocka_unit_test(test_round_robin_passes_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
