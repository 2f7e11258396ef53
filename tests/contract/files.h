/*
 * The files suite: what every strategy serves below --root and writes to --append-file. Its table of tests, and what they share.
 */
#ifndef CONTRACT_FILES_H
#define CONTRACT_FILES_H

#include "client.h"
#include "contract.h"
#include "server_process.h"

#define FILES_TESTS(X)                                   \
    /* files_static.c */                                 \
    X(static_files, 0)                                   \
    X(static_head, 0)                                    \
    X(static_ways_out, 0)                                \
    X(static_conditions, 0)                              \
    X(static_ranges, 0)                                  \
    X(static_if_range, 0)                                \
    X(static_http_1_0, 0)                                \
    X(static_pipelined, 0)                               \
    X(static_without_root, 0)                            \
    X(static_bad_options, 0)                             \
    X(static_reads_nothing_for_nothing, 0)               \
    X(static_large_file_for_many, 0)                     \
    X(static_clients_leave, 0)                           \
    X(static_slow_clients_are_small, TRAIT_DIRECT)       \
    X(static_file_shrinks, 0)                            \
    X(static_file_grows, 0)                              \
    X(static_descriptors_exhausted, 0)                   \
    X(static_term_lets_downloads_end, 0)                 \
    /* files_append.c */                                 \
    X(append_whole, 0)                                   \
    X(append_flock, 0)                                   \
    X(append_primary, 0)                                 \
    X(append_buffered, 0)                                \
    X(append_bodies, 0)                                  \
    X(append_without_file, 0)                            \
    X(append_full_disk, 0)                               \
    X(append_lock_waits_aside, 0)                        \
    X(append_waiters_hold_up_no_files, 0)                \
    X(append_lock_dies_with_its_holder, TRAIT_PROCESSES) \
    X(append_client_leaves, 0)                           \
    X(append_in_order, 0)                                \
    X(append_primary_behind, TRAIT_PROCESSES)            \
    X(torn_lines_counts, 0)

#define FILES_DECLARE(name, needs) void test_##name(struct contract *contract);
FILES_TESTS(FILES_DECLARE)
#undef FILES_DECLARE

/* contract_file that gives the path back. */
char *files_path(struct contract *contract, const char *name, char path[CONTRACT_PATH]);

/* Makes a file of so many bytes there, no two 4 KiB of it alike; the bytes can be had by files_byte. */
void files_make(struct contract *contract, const char *name, size_t size);
unsigned char files_byte(size_t offset);

/* The same with this text. */
void files_write(struct contract *contract, const char *name, const char *text, size_t length);

/* Sends a GET with further fields, each with its CRLF. */
void files_send_get(struct client *client, const char *path, const char *fields);

#endif
