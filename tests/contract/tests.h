/*
 * The table of the contract's tests: X(file's function test_NAME, traits the program must have). Printed names are NAME.
 * A test may take any state of the contract as it finds it: servers and clients it starts are ended after it.
 */
#ifndef CONTRACT_TESTS_H
#define CONTRACT_TESTS_H

#include "contract.h"

#define CONTRACT_TESTS(X)                                                     \
    /* http_basic.c */                                                        \
    X(ready_line, 0)                                                          \
    X(greeting, 0)                                                            \
    X(worker_header, 0)                                                       \
    X(healthz, 0)                                                             \
    X(head_request, 0)                                                        \
    X(keep_alive, 0)                                                          \
    X(http_1_0, 0)                                                            \
    X(connection_close, 0)                                                    \
    X(pipelining, 0)                                                          \
    X(echo_content_length, 0)                                                 \
    X(echo_chunked, 0)                                                        \
    X(bytes_sizes, 0)                                                         \
    X(date, 0)                                                                \
    X(unknown_path, 0)                                                        \
    X(wrong_method, 0)                                                        \
    X(expect_continue, 0)                                                     \
    X(split_requests, 0)                                                      \
    X(half_close, 0)                                                          \
    X(faults_hidden, 0)                                                       \
    X(faults_shown, 0)                                                        \
    /* http_bad_input.c */                                                    \
    X(bad_requests, 0)                                                        \
    X(bad_requests_bytewise, 0)                                               \
    X(limits, 0)                                                              \
    X(header_flood, 0)                                                        \
    /* timeouts.c */                                                          \
    X(header_drip, 0)                                                         \
    X(slow_body, 0)                                                           \
    X(idle_timeout, 0)                                                        \
    X(client_never_reads, 0)                                                  \
    X(client_reads_slowly, 0)                                                 \
    /* dispatch.c */                                                          \
    X(every_worker_serves, 0)                                                 \
    X(wait_does_not_occupy, 0)                                                \
    X(block_occupies, 0)                                                      \
    X(cpu_burns, 0)                                                           \
    X(even_counts, TRAIT_EVEN | TRAIT_MANY)                                   \
    X(status_document, 0)                                                     \
    X(status_sums, 0)                                                         \
    X(accept_modes, TRAIT_MODES)                                              \
    /* lifecycle.c */                                                         \
    X(worker_killed, TRAIT_PROCESSES)                                         \
    X(worker_told_to_end, TRAIT_PROCESSES)                                    \
    X(front_killed, TRAIT_FRONTS)                                             \
    X(sums_survive_a_crash, TRAIT_PROCESSES)                                  \
    X(crash_is_replaced, TRAIT_PROCESSES)                                     \
    X(killed_whole, TRAIT_WHOLE)                                              \
    X(primary_killed, 0)                                                      \
    X(primary_killed_while_blocked, TRAIT_PROCESSES)                          \
    X(term_drains, 0)                                                         \
    X(term_drains_blocked, TRAIT_PROCESSES)                                   \
    X(term_answers_the_queue, 0)                                              \
    X(unhealthy_while_draining, 0)                                            \
    X(grace_ends_a_drain, 0)                                                  \
    X(grace_ends_a_blocked_worker, TRAIT_PROCESSES)                           \
    X(interrupt_stops, 0)                                                     \
    /* drain.c */                                                             \
    X(drain_answers_idle, 0)                                                  \
    X(drain_answers_pipelined, 0)                                             \
    X(posts_survive_drains, TRAIT_FRONTS)                                     \
    X(posts_survive_reloads, TRAIT_PROCESSES | TRAIT_STEERED)                 \
    X(queue_survives_a_kill, TRAIT_PROCESSES)                                 \
    X(queue_survives_a_farewell, TRAIT_PROCESSES | TRAIT_STEERED)             \
    /* resources.c */                                                         \
    X(nothing_leaks, 0)                                                       \
    X(descriptors_exhausted, 0)                                               \
    X(clients_that_leave_early, 0)                                            \
    X(idle_connections_are_small, TRAIT_ALONE)                                \
    X(max_connections, TRAIT_DIRECT)                                          \
    /* admin.c */                                                             \
    X(metrics_format, TRAIT_STEERED)                                          \
    X(metrics_sums, TRAIT_STEERED)                                            \
    X(metrics_survive_a_crash, TRAIT_STEERED | TRAIT_PROCESSES)               \
    X(service_times, TRAIT_STEERED)                                           \
    X(front_times, TRAIT_STEERED | TRAIT_FRONTS)                              \
    X(admin_methods, TRAIT_STEERED)                                           \
    X(admin_bad_values, TRAIT_STEERED)                                        \
    X(admin_browser, TRAIT_STEERED)                                           \
    X(admin_crowd, TRAIT_STEERED)                                             \
    X(admin_token, TRAIT_STEERED)                                             \
    X(admin_token_file, TRAIT_STEERED)                                        \
    X(admin_token_is_hidden, TRAIT_KIT)                                       \
    X(admin_token_rules, TRAIT_STEERED)                                       \
    X(fifo_without_writer, TRAIT_KIT)                                         \
    X(admin_cannot, TRAIT_STEERED)                                            \
    X(admin_reload, TRAIT_STEERED | TRAIT_PROCESSES)                          \
    X(admin_scale, TRAIT_STEERED | TRAIT_MANY)                                \
    X(admin_drain_and_restart, TRAIT_STEERED | TRAIT_MANY)                    \
    X(admin_while_draining, TRAIT_STEERED | TRAIT_APART)                      \
    /* command_line.c */                                                      \
    X(help, 0)                                                                \
    X(version, 0)                                                             \
    X(bad_options, 0)                                                         \
    X(one_worker_only, TRAIT_ALONE)                                           \
    X(other_options, 0)                                                       \
    X(busy_port, 0)                                                           \
    X(busy_admin_port, 0)                                                     \
    X(stated_port, 0)                                                         \
    X(ipv6, 0)                                                                \
    X(unix_path, TRAIT_UNIX)                                                  \
    X(unix_path_refused, TRAIT_NO_UNIX)                                       \
    /* config.c */                                                            \
    X(check_config, TRAIT_KIT)                                                \
    X(config_hides_the_token, TRAIT_KIT)                                      \
    X(bad_config, TRAIT_KIT)                                                  \
    X(config_reaches_workers, TRAIT_KIT)                                      \
    X(config_outlives_its_file, TRAIT_KIT | TRAIT_PROCESSES)                  \
    X(config_at_a_reload, TRAIT_KIT | TRAIT_PROCESSES)                        \
    X(config_that_nobody_can_use, TRAIT_KIT | TRAIT_PROCESSES | TRAIT_DIRECT) \
    /* logs.c */                                                              \
    X(access_log, TRAIT_KIT)                                                  \
    X(access_log_refused, TRAIT_KIT)                                          \
    X(access_log_lines_are_whole, TRAIT_KIT)                                  \
    X(access_log_rotation, TRAIT_KIT)                                         \
    X(slow_log, TRAIT_KIT)                                                    \
    X(access_log_of_the_impatient, TRAIT_KIT)                                 \
    X(logs_that_cannot_be, TRAIT_KIT)                                         \
    X(access_log_without_its_folder, TRAIT_KIT | TRAIT_PROCESSES)             \
    X(logs_on_a_full_disk, TRAIT_KIT)                                         \
    X(event_log, TRAIT_KIT)                                                   \
    X(events_of_a_crash, TRAIT_KIT | TRAIT_PROCESSES)                         \
    X(events_of_a_reload, TRAIT_KIT | TRAIT_PROCESSES)                        \
    /* lifecycle.c, last: it ends the server that the tests have shared */    \
    X(long_lived_server_ends, 0)

#define CONTRACT_DECLARE(name, needs) void test_##name(struct contract *contract);
CONTRACT_TESTS(CONTRACT_DECLARE)
#undef CONTRACT_DECLARE

#endif
