/*
 * The stand-in: a small server that keeps the whole contract by the plainest means, and breaks it on demand. It is the suite's
 * negative control: with `--bug NAME` it has one planted mistake, and a named test must find it (self.sh). It shares no code with
 * the servers under test but the base room; speed is no aim.
 *
 *   stand_in.c        processes: a primary, workers that take turns accepting, supervision, /status
 *   stand_in_http.c   one thread a connection; a lock a worker stands for the loop that /block occupies
 */
#ifndef STAND_IN_H
#define STAND_IN_H

#include "base/counters.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* X(name on the command line, constant) */
#define STAND_IN_BUGS(X)                                  \
    X("none", NONE)                                       \
    X("no-worker-header", NO_WORKER_HEADER)               \
    X("wrong-greeting", WRONG_GREETING)                   \
    X("unhealthy", UNHEALTHY)                             \
    X("head-has-body", HEAD_HAS_BODY)                     \
    X("closes-after-one", CLOSES_AFTER_ONE)               \
    X("http10-stays-open", HTTP10_STAYS_OPEN)             \
    X("ignores-close", IGNORES_CLOSE)                     \
    X("drops-pipelined", DROPS_PIPELINED)                 \
    X("echo-loses-a-byte", ECHO_LOSES_A_BYTE)             \
    X("chunks-lose-a-byte", CHUNKS_LOSE_A_BYTE)           \
    X("bytes-one-short", BYTES_ONE_SHORT)                 \
    X("no-date", NO_DATE)                                 \
    X("unknown-is-fine", UNKNOWN_IS_FINE)                 \
    X("no-allow", NO_ALLOW)                               \
    X("always-continue", ALWAYS_CONTINUE)                 \
    X("needs-whole-head", NEEDS_WHOLE_HEAD)               \
    X("half-close-aborts", HALF_CLOSE_ABORTS)             \
    X("faults-always", FAULTS_ALWAYS)                     \
    X("faults-never", FAULTS_NEVER)                       \
    X("smuggles", SMUGGLES)                               \
    X("takes-obs-fold", TAKES_OBS_FOLD)                   \
    X("takes-short-body", TAKES_SHORT_BODY)               \
    X("stays-open-after-400", STAYS_OPEN_AFTER_400)       \
    X("no-limits", NO_LIMITS)                             \
    X("keeps-refused-bytes", KEEPS_REFUSED_BYTES)         \
    X("header-deadline-moves", HEADER_DEADLINE_MOVES)     \
    X("body-deadline-moves", BODY_DEADLINE_MOVES)         \
    X("no-idle-timeout", NO_IDLE_TIMEOUT)                 \
    X("no-write-timeout", NO_WRITE_TIMEOUT)               \
    X("write-deadline-stays", WRITE_DEADLINE_STAYS)       \
    X("one-worker-does-all", ONE_WORKER_DOES_ALL)         \
    X("wait-occupies", WAIT_OCCUPIES)                     \
    X("block-yields", BLOCK_YIELDS)                       \
    X("cpu-uncounted", CPU_UNCOUNTED)                     \
    X("counts-twice", COUNTS_TWICE)                       \
    X("status-lacks-state", STATUS_LACKS_STATE)           \
    X("no-restart", NO_RESTART)                           \
    X("forgets-retired", FORGETS_RETIRED)                 \
    X("worker-outlives-primary", WORKER_OUTLIVES_PRIMARY) \
    X("no-drain", NO_DRAIN)                               \
    X("drops-queue", DROPS_QUEUE)                         \
    X("always-healthy", ALWAYS_HEALTHY)                   \
    X("idle-holds-drain", IDLE_HOLDS_DRAIN)               \
    X("hasty-drain", HASTY_DRAIN)                         \
    X("drain-drops-pipelined", DRAIN_DROPS_PIPELINED)     \
    X("drain-exits-1", DRAIN_EXITS_1)                     \
    X("no-grace", NO_GRACE)                               \
    X("ignores-interrupt", IGNORES_INTERRUPT)             \
    X("leaks-descriptors", LEAKS_DESCRIPTORS)             \
    X("dies-of-sigpipe", DIES_OF_SIGPIPE)                 \
    X("dies-of-emfile", DIES_OF_EMFILE)                   \
    X("no-max-connections", NO_MAX_CONNECTIONS)           \
    X("prints-port-0", PRINTS_PORT_0)                     \
    X("joins-busy-port", JOINS_BUSY_PORT)                 \
    X("path-left-behind", PATH_LEFT_BEHIND)               \
    X("chatty-errors", CHATTY_ERRORS)                     \
    X("version-says-little", VERSION_SAYS_LITTLE)         \
    X("ready-too-early", READY_TOO_EARLY)

#define STAND_IN_BUG(name, constant) BUG_##constant,
enum bug { STAND_IN_BUGS(STAND_IN_BUG) BUG_COUNT };
#undef STAND_IN_BUG

struct settings {
    const char *listen, *admin, *pin, *strategy;
    uint64_t workers, backlog, max_connections;
    uint64_t header_timeout_ns, body_timeout_ns, idle_timeout_ns, write_timeout_ns, grace_ns;
    uint64_t max_header, max_header_lines, max_target, max_body;
    bool faults;
    int log, bug;
};

/* One a worker, in memory that all processes share. A new worker goes on where the dead one of its index stopped. */
struct slot {
    _Atomic pid_t pid;
    atomic_bool ready;
    atomic_uint generation;
    struct counters counters;
};

struct shared_state {
    _Atomic uint64_t turn; /* index of the worker that accepts next */
    struct slot slots[64];
};

/* A worker process. The lock is its "loop": who answers holds it. */
struct worker {
    const struct settings *settings;
    struct slot *slot;
    unsigned index;
    pthread_mutex_t loop;
    int drain_fd; /* an eventfd, readable from the drain on */
    atomic_bool draining;
    atomic_uint active;
};

/* A thread: serves one connection to its end. Owns `argument`, a struct connection made by stand_in_accepted. */
int stand_in_accepted(struct worker *worker, int fd); /* 0 or negative errno; then the descriptor is closed */

static inline bool has_bug(const struct settings *settings, enum bug bug)
{
    return settings->bug == (int)bug;
}

#endif
