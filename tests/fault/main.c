/*
 * fault: what becomes of clients, workers and the program when something goes wrong, or is changed under load?
 *
 *   crowd.[ch]   clients that ask on in a thread, and know what became of every request
 *   generator.[ch]  loadgen as a child
 *   scene.[ch] places.c holdings.c disk.c
 *                a server whose log, places, holdings and program on disk can be looked at and changed
 *   workers.c    a worker is killed, stopped, hangs, crashes again and again, grows too large
 *   whole.c      what concerns the whole program: no descriptors left, the primary killed
 *   reloads.c    rolling reloads under load, and reloads that fail
 *   scaling.c    more workers, fewer, one taken out, under load
 *   signals.c    one thing while another is under way
 *   anything.c   all of it, in an order drawn at random
 *
 * What must hold behind every one of them: sent = ok + what is named, no process left, no zombie, as many descriptors as before.
 * The parts of a suite are the contract's (tests/contract). docs/supervision.md says what is promised.
 */
#include "crowd.h"
#include "tests.h"

#define FAULT_ROW(name, needs) {#name, test_##name, needs},
static const struct suite_test fault_tests[] = {FAULT_TESTS(FAULT_ROW)};

static const struct suite fault_suite = {
    .name = "fault",
    .summary = "Starts PROGRAM again and again, does it harm, and judges what becomes of its clients and workers.\n",
    .tests = fault_tests,
    .count = sizeof fault_tests / sizeof fault_tests[0],
    .has_full = true,
    .end_test = crowd_end_all,
};

int main(int argc, char **argv)
{
    return suite_main(&fault_suite, argc, argv);
}
