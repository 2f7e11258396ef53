/*
 * What the fault tests share: servers and requests (scene.c), what /status and the log say (places.c), what processes hold
 * (holdings.c), and a copy of the program that can be replaced on disk (disk.c).
 */
#ifndef FAULT_SCENE_H
#define FAULT_SCENE_H

#include "client.h"
#include "contract.h"
#include "server_process.h"
#include "status.h"
#include <signal.h>

/* ---- servers ---- */

/* With --log info, short idle time-outs (so that pools empty themselves), and more arguments, ended by NULL. */
struct server *scene_start(struct contract *contract, unsigned workers, ...) __attribute__((sentinel));

/* The same by a plan, whose arguments are ignored; not waited for. */
struct server *scene_spawn(struct contract *contract, const struct server_plan *plan, ...) __attribute__((sentinel));

/* Nothing is under way: TERM, exit status, nobody left, port free, and no waiting for the grace. */
void scene_end(struct server *server, int exit_status);

/* The program has ended, by whatever was done to it: its exit status, nobody left, port free. -1: any status. */
void scene_expect_end(struct server *server, struct family *family, int exit_status, const char *after);

void scene_signal(struct contract *contract, pid_t pid, int number);

/* A request on a connection of its own, answered with 200 or the test fails. The worker that answered. */
int scene_ask(struct contract *contract, struct server *server, const char *path);

/* `path` is under way at each of the workers 0..`workers` - 1, on clients[0..]. In that order where clients are connected to them.
 */
void scene_occupy_all(struct contract *contract, struct server *server, const char *path, unsigned workers,
                      struct client **clients);

/* So many requests at once that no worker can have them all. */
void scene_send_wave(struct contract *contract, struct server *server);

/* New connections until each of the workers 0..`workers` - 1 has answered. */
void scene_expect_all_serve(struct contract *contract, struct server *server, unsigned workers);

/* ---- the log: the server's stderr ---- */

unsigned scene_log_count(const struct server *server, const char *text); /* lines that hold it */

/* Waits until `count` lines hold `text`; fails the test at the end of patience. */
void scene_log_wait(const struct server *server, const char *text, unsigned count);

/* Now, neither more nor less. */
void scene_expect_log(const struct server *server, const char *text, unsigned count);

/* ---- /status ---- */

struct place_row {
    bool front;
    unsigned index;
    char state[16];
    pid_t pid;
    unsigned generation, restarts;
    char last_end[80];
    double next_start_s;
    uint64_t rss_bytes;
};

#define PLACE_ROWS 128

/* All rows, a life each. How many. */
size_t scene_rows(struct contract *contract, const struct server *server, struct place_row rows[PLACE_ROWS]);

/* The row of worker (front) `index` in that state; false when there is none. */
bool scene_find(struct contract *contract, const struct server *server, bool front, unsigned index, const char *state,
                struct place_row *row);

/* Waits for it; fails the test at the end of patience. */
struct place_row scene_wait_state(struct contract *contract, const struct server *server, bool front, unsigned index,
                                  const char *state);

/* Waits until worker (front) `index` is ready in a later life than `before`. */
struct place_row scene_wait_replaced(struct contract *contract, const struct server *server, const struct place_row *before);

/* Waits until exactly `workers` workers have a row, all of them ready. */
void scene_wait_workers(struct contract *contract, const struct server *server, unsigned workers);

/* Waits until /status wants so many workers: a signal has arrived. */
void scene_wait_wanted(struct contract *contract, const struct server *server, unsigned workers);

/* A number of the document, such as "reload/done". */
uint64_t scene_number(struct contract *contract, const struct server *server, const char *path);

/* The same for a text. */
#define SCENE_TEXT 256
void scene_text(struct contract *contract, const struct server *server, const char *path, char text[SCENE_TEXT]);

/* Waits until so many reloads have been done and aborted, and none runs. */
void scene_wait_reloads(struct contract *contract, const struct server *server, unsigned done, unsigned aborted);

/* POST on the admin address: the status; the second form fails the test on another one. */
int scene_try_post(struct contract *contract, const struct server *server, const char *target);
void scene_post(struct contract *contract, const struct server *server, const char *target, int status);

/* ---- what its processes hold ---- */

struct holdings {
    unsigned processes, descriptors, primary_descriptors;
};

/* What they hold when nothing is under way: nobody else may be asking. */
void scene_take_stock(struct server *server, struct holdings *holdings);

/* Waits until its processes hold what they held, and none of them is a zombie; fails the test at the end of patience. */
void scene_expect_stock(struct server *server, const struct holdings *before);

/* ---- a program on disk ---- */

/* Where the copy is, in `path`; NULL when there is none. */
const char *scene_copied_program(struct contract *contract, char path[CONTRACT_PATH]);

/* Copies the program into the test's folder; servers are started from there from now on. */
void scene_copy_program(struct contract *contract);

/* What stands in place of the program from now on: another inode under its name. */
enum program_kind {
    PROGRAM_GOOD,        /* a new copy */
    PROGRAM_GATED,       /* waits for scene_open_gate, then is the program */
    PROGRAM_EXITS,       /* exits with status 1 */
    PROGRAM_FIRST_GATED, /* the one for worker 0, the other for all others */
    PROGRAM_SLEEPS,      /* never becomes ready */
    PROGRAM_NONE,        /* no file */
};
void scene_replace_program(struct contract *contract, enum program_kind kind);
/* By a copy of another program that stands beside it; false, and nothing happens, where there is none of that name. */
bool scene_replace_program_by(struct contract *contract, const char *name);
void scene_open_gate(struct contract *contract);

/* Whether the process runs the file that is on disk now. */
bool scene_runs_program_on_disk(struct contract *contract, pid_t pid);

#endif
