/*
 * contract: does a server program keep the contract that all strategies share?
 */
#include "tests.h"

#define CONTRACT_ROW(name, needs) {#name, test_##name, needs},
static const struct suite_test contract_tests[] = {CONTRACT_TESTS(CONTRACT_ROW)};

static const struct suite contract_suite = {
    .name = "contract",
    .summary = "Starts PROGRAM again and again and judges it by the contract that all strategies share.\n",
    .tests = contract_tests,
    .count = sizeof contract_tests / sizeof contract_tests[0],
    .gives_up = true,
};

int main(int argc, char **argv)
{
    return suite_main(&contract_suite, argc, argv);
}
