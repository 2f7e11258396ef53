/*
 * The table of fault tests: X(file's function test_NAME, traits the program must have). Printed names are NAME.
 */
#ifndef FAULT_TESTS_H
#define FAULT_TESTS_H

#include "contract.h"

#define FAULT_TESTS(X)                                          \
    /* workers.c */                                             \
    X(worker_killed, TRAIT_PROCESSES)                           \
    X(front_killed, TRAIT_FRONTS)                               \
    X(queue_outlives_its_worker, TRAIT_PROCESSES)               \
    X(all_killed, TRAIT_PROCESSES)                              \
    X(worker_stopped, TRAIT_PROCESSES)                          \
    X(worker_stopped_for_good, TRAIT_PROCESSES)                 \
    X(block_is_no_hang, TRAIT_PROCESSES)                        \
    X(stall_is_a_hang, TRAIT_PROCESSES)                         \
    X(program_stopped, TRAIT_PROCESSES)                         \
    X(crash_loop, TRAIT_PROCESSES)                              \
    X(errored_is_cleared, TRAIT_PROCESSES)                      \
    X(waiting_costs_nothing, TRAIT_PROCESSES)                   \
    X(dies_at_start, TRAIT_PROCESSES)                           \
    X(too_much_memory, TRAIT_PROCESSES)                         \
    X(far_too_much_memory, TRAIT_PROCESSES)                     \
    /* whole.c */                                               \
    X(descriptors_run_out, 0)                                   \
    X(accept_fails, 0)                                          \
    X(closed_streams, 0)                                        \
    X(drain_when_full, 0)                                       \
    X(primary_killed, 0)                                        \
    X(reload_refused, TRAIT_WHOLE)                              \
    /* reloads.c */                                             \
    X(reloads_under_load, TRAIT_PROCESSES)                      \
    X(reloads_under_loadgen, TRAIT_PROCESSES)                   \
    X(reload_cuts_behind_the_grace, TRAIT_PROCESSES)            \
    X(reload_fails, TRAIT_PROCESSES)                            \
    X(reload_onto_another_strategy, TRAIT_PROCESSES)            \
    X(reload_that_fails_keeps_settings, TRAIT_PROCESSES)        \
    X(reload_that_fails_calls_off_first_lives, TRAIT_PROCESSES) \
    X(own_sockets, TRAIT_SOCKETS)                               \
    X(own_sockets_migrate, TRAIT_SOCKETS)                       \
    /* scaling.c */                                             \
    X(scale_under_load, TRAIT_MANY)                             \
    X(many_lives, TRAIT_MANY)                                   \
    X(drain_under_load, TRAIT_MANY)                             \
    X(drained_leaves_its_group, TRAIT_SOCKETS)                  \
    X(one_more_without_descriptors, TRAIT_PROCESSES)            \
    X(one_more_behind_a_drain, TRAIT_SOCKETS)                   \
    X(scale_short_of_descriptors, TRAIT_MODES)                  \
    X(one_less_while_nobody_serves, TRAIT_PROCESSES)            \
    /* signals.c */                                             \
    X(hangups_overlap, TRAIT_PROCESSES)                         \
    X(hangup_during_start, TRAIT_PROCESSES)                     \
    X(term_during_reload, TRAIT_PROCESSES)                      \
    X(term_before_the_new_life_is_ready, TRAIT_PROCESSES)       \
    X(interrupt_during_reload, TRAIT_PROCESSES)                 \
    X(drain_during_reload, TRAIT_PROCESSES)                     \
    X(one_less_during_reload, TRAIT_PROCESSES)                  \
    X(one_less_before_its_new_life_is_ready, TRAIT_PROCESSES)   \
    X(one_more_during_reload, TRAIT_PROCESSES)                  \
    X(hangup_while_restarting, TRAIT_PROCESSES)                 \
    X(hangup_while_it_begins_again, TRAIT_PROCESSES)            \
    X(old_killed_during_its_replacement, TRAIT_PROCESSES)       \
    X(new_killed_before_it_is_ready, TRAIT_PROCESSES)           \
    X(new_killed_while_the_old_drains, TRAIT_PROCESSES)         \
    X(new_given_up_while_the_old_drains, TRAIT_PROCESSES)       \
    X(term_while_restarting, TRAIT_PROCESSES)                   \
    X(term_while_starting, TRAIT_PROCESSES)                     \
    /* anything.c */                                            \
    X(anything_in_any_order, TRAIT_MANY)

#define FAULT_DECLARE(name, needs) void test_##name(struct contract *contract);
FAULT_TESTS(FAULT_DECLARE)
#undef FAULT_DECLARE

#endif
