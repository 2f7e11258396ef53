/*
 * What the tests of lib/state share: a state on a loop of its own, callbacks that note what they were told, and waiting for them.
 */
#ifndef TESTS_UNIT_STATE_SUPPORT_H
#define TESTS_UNIT_STATE_SUPPORT_H

#include "tests/unit/support.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "state/state.h"

#define WAIT_MS      20000
#define SHARED_BYTES (64 * 1024)
#define UNANSWERED   12345 /* of `error`: nobody has called back */
#define TTL_NS       (60 * CLOCK_NS_PER_S)

/* ---- a loop with a state ---- */

struct lab {
    uv_loop_t loop;
    uv_timer_t patience;
    bool out_of_patience, closed;
    struct state *state;
};

static inline void on_patience(uv_timer_t *timer)
{
    ((struct lab *)timer->data)->out_of_patience = true;
}

static inline void lab_open(struct lab *lab, struct state_settings settings)
{
    memset(lab, 0, sizeof *lab);
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(uv_loop_init(&lab->loop), 0);
    uv_timer_init(&lab->loop, &lab->patience);
    lab->patience.data = lab;
    settings.loop = &lab->loop;
    assert_int_equal(state_open(&lab->state, &settings), 0);
}

/* Turns the loop until *calls reaches `least`. */
static inline void lab_wait(struct lab *lab, const unsigned *calls, unsigned least)
{
    lab->out_of_patience = false;
    uv_timer_start(&lab->patience, on_patience, WAIT_MS, 0);
    while (*calls < least && !lab->out_of_patience)
        uv_run(&lab->loop, UV_RUN_ONCE);
    uv_timer_stop(&lab->patience);
    assert_true(*calls >= least);
}

static inline void on_lab_closed(void *lab)
{
    ((struct lab *)lab)->closed = true;
}

/* Behind this the loop holds nothing. */
static inline void lab_close(struct lab *lab)
{
    if (lab->state)
        state_close(lab->state, on_lab_closed, lab);
    uv_close((uv_handle_t *)&lab->patience, NULL);
    uv_run(&lab->loop, UV_RUN_DEFAULT);
    assert_true(lab->closed);
    assert_int_equal(uv_loop_close(&lab->loop), 0);
}

/* Memory as the primary makes it for all workers. */
static inline void *make_shared(void)
{
    void *memory = mmap(NULL, SHARED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    assert_int_equal(state_shared_init(memory, SHARED_BYTES), 0);
    return memory;
}

/* ---- what callbacks were told ---- */

struct note {
    unsigned calls;
    int error;
    char why[320];
    int64_t value;
    struct state_visit visit;
    enum state_source source;
    char bytes[64];
    struct state_fill *fill;
};

static inline void note_error(struct note *note, int error, const char *why)
{
    note->calls++;
    note->error = error;
    snprintf(note->why, sizeof note->why, "%s", why ? why : "");
    assert_true(error == 0 || (why && *why)); /* an error comes with its reason */
}

static inline void on_count(void *context, int error, const char *why, int64_t value)
{
    struct note *note = context;
    note_error(note, error, why);
    note->value = value;
}

static inline void on_visit(void *context, int error, const char *why, const struct state_visit *visit)
{
    struct note *note = context;
    note_error(note, error, why);
    if (visit)
        note->visit = *visit;
}

static inline void on_got(void *context, int error, const char *why, const struct state_got *got)
{
    struct note *note = context;
    note_error(note, error, why);
    if (!got)
        return;
    note->source = got->source;
    note->fill = got->fill;
    snprintf(note->bytes, sizeof note->bytes, "%.*s", (int)got->bytes.length, got->bytes.at);
}

static inline void on_kept(void *context, int error, const char *why)
{
    note_error(context, error, why);
}

/* ---- one step, waited for ---- */

static inline struct note count(struct lab *lab, enum state_store store, int64_t add)
{
    struct note note = {0};
    state_count(lab->state, store, add, on_count, &note);
    lab_wait(lab, &note.calls, 1);
    return note;
}

static inline struct note visit(struct lab *lab, enum state_store store, const char *id)
{
    struct note note = {0};
    state_session_visit(lab->state, store, slice_of(id), on_visit, &note);
    lab_wait(lab, &note.calls, 1);
    return note;
}

static inline struct note get(struct lab *lab, enum state_store store, const char *key, bool single_flight)
{
    struct note note = {0};
    state_cache_get(lab->state, store, slice_of(key), single_flight, on_got, &note);
    lab_wait(lab, &note.calls, 1);
    return note;
}

static inline struct note fill(struct lab *lab, struct state_fill *missing, const char *bytes, uint64_t ttl_ns)
{
    struct note note = {0};
    state_cache_fill(missing, slice_of(bytes), ttl_ns, on_kept, &note);
    lab_wait(lab, &note.calls, 1);
    return note;
}

/* Past the time an entry is good for: the clock itself is waited for. */
static inline void let_pass(uint64_t ns)
{
    clock_sleep_until_ns(clock_now_ns() + ns);
}

#endif
