/*
 * Messages between a primary and its workers, on one loop and without any process: who takes what, who is missing, and what becomes
 * of a question when one of those concerned goes.
 */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "base/clock.h"
#include "cluster/messages.h"
#include "cluster/primary.h"

#define WORKERS     4
#define LOOK_MS     20
#define PATIENCE_NS (20 * CLOCK_NS_PER_S)
#define LONG_MS     20000
#define SHORT_MS    500

struct station {
    struct worker worker;
    struct worker_private private;
    struct scoreboard_slot slot;
    struct life life;
    int silent;     /* the descriptor of an end that nobody reads, or -1 */
    uint64_t order; /* of the texts it took, as one number */
};

struct rig {
    struct primary primary;
    struct strategy strategy;
    struct station stations[WORKERS];
    uv_timer_t look;
    uint64_t deadline_ns;
};

static void on_worker_message(void *context, const struct channel_message *message, struct slice bytes, int fd)
{
    struct station *station = context;
    assert_int_equal(fd, -1);
    for (size_t i = 0; i < bytes.length; i++)
        station->order = (station->order ^ (unsigned char)bytes.at[i]) * 1099511628211u;
    messages_from_primary(&station->worker, message, bytes);
}

static void on_life_message(void *context, const struct channel_message *message, struct slice bytes, int fd)
{
    assert_int_equal(fd, -1);
    messages_from_worker(context, message, bytes);
}

static void on_ended(void *context)
{
    (void)context;
}

static const struct post_events worker_events = {on_worker_message, on_ended};
static const struct post_events life_events = {on_life_message, on_ended};

static void on_look(uv_timer_t *timer)
{
    (void)timer;
}

static void open_station(struct rig *rig, unsigned index, bool silent)
{
    struct station *station = &rig->stations[index];
    struct place *place = &rig->primary.places[index];
    int ends[2];
    assert_int_equal(channel_pair(ends), 0);
    *place = (struct place){.primary = &rig->primary, .index = index, .open = true, .wanted = true, .listener = -1};
    list_init(&place->lives);
    list_init(&station->life.link);
    station->life.primary = &rig->primary;
    station->life.place = place;
    station->life.state = LIFE_READY;
    station->life.generation = 3 + index;
    list_append(&place->lives, &station->life.link);
    place->current = &station->life;
    station->worker = (struct worker){.index = index, .private = &station->private, .slot = &station->slot};
    station->silent = silent ? ends[1] : -1;
    assert_int_equal(post_open(&station->life.post, &rig->primary.loop, ends[0], &life_events, &station->life), 0);
    if (!silent)
        assert_int_equal(post_open(&station->private.post, &rig->primary.loop, ends[1], &worker_events, station), 0);
}

/* Worker `silent` reads nothing; -1: all do. */
static struct rig *open_rig(int silent)
{
    struct rig *rig = calloc(1, sizeof *rig);
    assert_non_null(rig);
    rig->strategy.place = PROCESSES;
    rig->primary.strategy = &rig->strategy;
    rig->primary.worker_count = WORKERS;
    rig->deadline_ns = clock_now_ns() + PATIENCE_NS;
    assert_int_equal(uv_loop_init(&rig->primary.loop), 0);
    for (unsigned i = 0; i < WORKERS; i++)
        open_station(rig, i, (int)i == silent);
    uv_timer_init(&rig->primary.loop, &rig->look);
    uv_timer_start(&rig->look, on_look, LOOK_MS, LOOK_MS);
    uv_unref((uv_handle_t *)&rig->look);
    return rig;
}

#define RUN_UNTIL(rig, condition)                             \
    do {                                                      \
        while (!(condition)) {                                \
            uv_run(&(rig)->primary.loop, UV_RUN_ONCE);        \
            assert_true(clock_now_ns() < (rig)->deadline_ns); \
        }                                                     \
    } while (0)

static void close_post(struct post *post)
{
    if (!post->closing)
        post_close(post, NULL);
}

static void close_rig(struct rig *rig)
{
    for (unsigned i = 0; i < WORKERS; i++) {
        close_post(&rig->stations[i].life.post);
        if (rig->stations[i].silent < 0)
            close_post(&rig->stations[i].private.post);
        else
            close(rig->stations[i].silent);
    }
    uv_close((uv_handle_t *)&rig->look, NULL);
    uv_run(&rig->primary.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&rig->primary.loop), 0);
    free(rig);
}

/* ---- what a gather tells ---- */

struct told {
    unsigned done, parts;
    int error;
    struct gather_result result;
    unsigned parts_of[WORKERS];
    int refuse; /* what `part` gives for worker 2 */
    size_t length;
};

static void on_done(void *context, int error, const struct gather_result *result)
{
    struct told *told = context;
    told->done++;
    told->error = error;
    assert_true((error == 0) == (result != NULL));
    if (result)
        told->result = *result;
}

static int on_part(void *context, unsigned index, struct slice bytes)
{
    struct told *told = context;
    assert_int_equal(told->done, 0);
    assert_true(index < WORKERS);
    told->parts++;
    told->parts_of[index]++;
    told->length = bytes.length;
    return index == 2 ? told->refuse : 0;
}

static void check_missing(const struct told *told, unsigned count, unsigned index)
{
    assert_int_equal(told->done, 1);
    assert_int_equal(told->error, 0);
    assert_int_equal(told->result.asked, WORKERS);
    assert_int_equal(told->result.answered, WORKERS - count);
    assert_int_equal(told->result.missing_count, count);
    if (count == 1)
        assert_int_equal(told->result.missing[0], index);
}

static void test_broadcast_reaches_everybody(void **state)
{
    struct rig *rig = open_rig(-1);
    struct told told = {0};
    (void)state;
    assert_int_equal(worker_broadcast(&rig->stations[1].worker, TOPIC_TEXT, SLICE("hello"), LONG_MS, on_done, &told), 0);
    assert_int_equal(told.done, 0);
    RUN_UNTIL(rig, told.done);
    check_missing(&told, 0, 0);
    for (unsigned i = 0; i < WORKERS; i++) {
        const struct worker_messages *messages = &rig->stations[i].private.messages;
        assert_int_equal(messages->received, 1);
        assert_true(slice_is((struct slice){messages->last, messages->length}, "hello"));
    }
    close_rig(rig);
}

/* Every worker broadcasts, all at once: all take everything, in the same order. */
static void test_broadcasts_come_in_one_order(void **state)
{
    enum { EACH = 200 };
    struct rig *rig = open_rig(-1);
    static struct told told[EACH * WORKERS];
    char text[32];
    unsigned done = 0;
    (void)state;
    memset(told, 0, sizeof told);
    for (unsigned i = 0; i < EACH; i++)
        for (unsigned j = 0; j < WORKERS; j++) {
            int length = snprintf(text, sizeof text, "%u of %u", i, j);
            struct slice bytes = {text, (size_t)length};
            assert_int_equal(
                worker_broadcast(&rig->stations[j].worker, TOPIC_TEXT, bytes, LONG_MS, on_done, &told[i * WORKERS + j]), 0);
        }
    while (done < EACH * WORKERS) {
        RUN_UNTIL(rig, told[done].done);
        check_missing(&told[done++], 0, 0);
    }
    for (unsigned j = 0; j < WORKERS; j++) {
        assert_int_equal(rig->stations[j].private.messages.received, EACH * WORKERS);
        assert_true(rig->stations[j].order == rig->stations[0].order);
    }
    close_rig(rig);
}

static void test_gather_from_everybody(void **state)
{
    struct rig *rig = open_rig(-1);
    struct told told = {0};
    (void)state;
    assert_int_equal(worker_gather(&rig->stations[0].worker, TOPIC_STATS, SLICE(""), LONG_MS, on_part, on_done, &told), 0);
    RUN_UNTIL(rig, told.done);
    check_missing(&told, 0, 0);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(told.parts_of[i], 1);
    close_rig(rig);
}

/* Its answer was of no use to who asked: nobody else knows. */
static void test_answer_of_no_use_is_missing(void **state)
{
    struct rig *rig = open_rig(-1);
    struct told told = {.refuse = -EPROTO};
    (void)state;
    rig->stations[3].life.state = LIFE_STARTING;
    assert_int_equal(worker_gather(&rig->stations[0].worker, TOPIC_STATS, SLICE(""), LONG_MS, on_part, on_done, &told), 0);
    RUN_UNTIL(rig, told.done);
    assert_int_equal(told.parts, WORKERS - 1);
    check_missing(&told, 2, 0);
    assert_int_equal(told.result.missing[0], 2);
    assert_int_equal(told.result.missing[1], 3);
    close_rig(rig);
}

static void test_primary_gathers(void **state)
{
    struct rig *rig = open_rig(-1);
    struct told told = {.refuse = -EPROTO};
    (void)state;
    assert_int_equal(primary_gather(&rig->primary, TOPIC_STATS, SLICE(""), LONG_MS, on_part, on_done, &told), 0);
    RUN_UNTIL(rig, told.done);
    assert_int_equal(told.parts, WORKERS);
    check_missing(&told, 1, 2); /* its answer was of no use */
    close_rig(rig);
}

/* ---- who is missing ---- */

static void test_silent_worker_is_missing_at_the_deadline(void **state)
{
    struct rig *rig = open_rig(2);
    struct told told = {0};
    (void)state;
    uint64_t begin_ns = clock_now_ns();
    assert_int_equal(worker_gather(&rig->stations[0].worker, TOPIC_STATS, SLICE(""), SHORT_MS, on_part, on_done, &told), 0);
    RUN_UNTIL(rig, told.parts == WORKERS - 1); /* the others are not delayed by it */
    RUN_UNTIL(rig, told.done);
    assert_true(clock_now_ns() - begin_ns >= SHORT_MS * CLOCK_NS_PER_MS);
    check_missing(&told, 1, 2);
    close_rig(rig);
}

static void test_place_without_a_worker_is_missing_at_once(void **state)
{
    struct rig *rig = open_rig(-1);
    struct told told = {0};
    (void)state;
    rig->stations[3].life.state = LIFE_STARTING;
    assert_int_equal(worker_broadcast(&rig->stations[0].worker, TOPIC_TEXT, SLICE("x"), LONG_MS, on_done, &told), 0);
    RUN_UNTIL(rig, told.done);
    check_missing(&told, 1, 3);
    assert_int_equal(rig->stations[3].private.messages.received, 0);
    close_rig(rig);
}

/* Nobody waits for the deadline of a worker that has gone. */
static void test_worker_that_dies_is_missing(void **state)
{
    struct rig *rig = open_rig(2);
    struct told told = {0};
    (void)state;
    assert_int_equal(worker_gather(&rig->stations[0].worker, TOPIC_STATS, SLICE(""), LONG_MS, on_part, on_done, &told), 0);
    RUN_UNTIL(rig, told.parts == WORKERS - 1);
    assert_int_equal(told.done, 0);
    close(rig->stations[2].silent);
    rig->stations[2].silent = open("/dev/null", O_RDONLY | O_CLOEXEC);
    RUN_UNTIL(rig, told.done);
    check_missing(&told, 1, 2);
    close_rig(rig);
}

static void test_worker_with_a_full_queue_is_missing_at_once(void **state)
{
    struct rig *rig = open_rig(2);
    struct told told = {0};
    int error;
    unsigned sent = 0;
    (void)state;
    while ((error = primary_send(&rig->primary, 2, TOPIC_TEXT, SLICE("some text"))) == 0)
        sent++;
    assert_int_equal(error, -ENOBUFS);
    assert_true(sent > POST_QUEUE_MESSAGES);
    assert_int_equal(primary_broadcast(&rig->primary, TOPIC_TEXT, SLICE("all")), WORKERS - 1);
    assert_int_equal(worker_broadcast(&rig->stations[0].worker, TOPIC_TEXT, SLICE("x"), LONG_MS, on_done, &told), 0);
    RUN_UNTIL(rig, told.done);
    check_missing(&told, 1, 2);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(rig->stations[i].private.messages.received, i == 2 ? 0 : 2);
    close_rig(rig);
}

/* A worker that refuses (the text is too long for it) has not taken it. */
static void test_refusal_is_no_answer(void **state)
{
    static char text[GATHER_BYTES_MAX + 1];
    struct rig *rig = open_rig(-1);
    struct told told = {0};
    struct worker *worker = &rig->stations[0].worker;
    (void)state;
    memset(text, 'x', sizeof text);
    assert_int_equal(worker_broadcast(worker, TOPIC_TEXT, (struct slice){text, sizeof text}, LONG_MS, on_done, &told), -EMSGSIZE);
    assert_int_equal(worker_broadcast(worker, TOPIC_TEXT, (struct slice){text, sizeof text - 1}, LONG_MS, on_done, &told), 0);
    RUN_UNTIL(rig, told.done);
    check_missing(&told, WORKERS, 0);
    assert_int_equal(rig->stations[0].private.messages.received, 0);
    memset(&told, 0, sizeof told);
    assert_int_equal(worker_broadcast(worker, TOPIC_TEXT, (struct slice){text, SERVICE_MESSAGE_MAX}, LONG_MS, on_done, &told), 0);
    RUN_UNTIL(rig, told.done);
    check_missing(&told, 0, 0);
    close_rig(rig);
}

/* ---- one of those concerned goes ---- */

/* The asker ends while others still answer: it is told so, and what comes for it later is dropped. */
static void test_asker_goes(void **state)
{
    struct rig *rig = open_rig(2);
    struct told told = {0};
    (void)state;
    assert_int_equal(worker_gather(&rig->stations[0].worker, TOPIC_STATS, SLICE(""), SHORT_MS, on_part, on_done, &told), 0);
    RUN_UNTIL(rig, told.parts == WORKERS - 1);
    post_close(&rig->stations[0].private.post, NULL);
    list_remove(&rig->stations[0].life.link);
    rig->primary.places[0].current = NULL;
    RUN_UNTIL(rig, told.done);
    assert_int_equal(told.error, -EPIPE);
    RUN_UNTIL(rig, rig->stations[2].life.post.counts.timed_out == 1); /* the round's end finds nobody to tell */
    assert_int_equal(told.done, 1);
    close_rig(rig);
}

/* Another life of the same place is not the one that asked. */
static void test_answer_is_not_for_the_next_life(void **state)
{
    struct rig *rig = open_rig(2);
    struct told told = {0};
    (void)state;
    assert_int_equal(worker_gather(&rig->stations[0].worker, TOPIC_STATS, SLICE(""), SHORT_MS, on_part, on_done, &told), 0);
    RUN_UNTIL(rig, told.parts == WORKERS - 1);
    uint64_t received = rig->stations[0].private.post.counts.received;
    rig->stations[0].life.generation++;
    RUN_UNTIL(rig, rig->stations[2].life.post.counts.timed_out == 1);
    uv_run(&rig->primary.loop, UV_RUN_NOWAIT);
    assert_true(rig->stations[0].private.post.counts.received == received);
    assert_int_equal(told.done, 0);
    close_rig(rig);
    assert_int_equal(told.error, -EPIPE);
}

/* The primary ends in the middle: everybody who waits is told, nothing leaks. */
static void test_end_in_the_middle(void **state)
{
    struct rig *rig = open_rig(2);
    struct told told[2] = {{0}, {0}};
    (void)state;
    assert_int_equal(worker_gather(&rig->stations[0].worker, TOPIC_STATS, SLICE(""), LONG_MS, on_part, on_done, &told[0]), 0);
    assert_int_equal(primary_gather(&rig->primary, TOPIC_STATS, SLICE(""), LONG_MS, on_part, on_done, &told[1]), 0);
    RUN_UNTIL(rig, told[0].parts == WORKERS - 1 && told[1].parts == WORKERS - 1);
    close_rig(rig);
    assert_int_equal(told[0].error, -EPIPE);
    check_missing(&told[1], 1, 2);
}

/* ---- single messages and questions ---- */

struct answer {
    unsigned count;
    int status;
};

static void on_replied(void *context, int status, struct slice bytes)
{
    struct answer *answer = context;
    (void)bytes;
    answer->count++;
    answer->status = status;
}

static void test_primary_to_one_worker(void **state)
{
    struct rig *rig = open_rig(-1);
    struct answer answer = {0};
    (void)state;
    assert_int_equal(primary_send(&rig->primary, 1, TOPIC_TEXT, SLICE("one")), 0);
    assert_int_equal(primary_ask(&rig->primary, 1, TOPIC_TEXT, SLICE("two"), LONG_MS, on_replied, &answer), 0);
    RUN_UNTIL(rig, answer.count);
    assert_int_equal(answer.status, 0);
    assert_int_equal(rig->stations[1].private.messages.received, 2);
    assert_true(rig->stations[1].life.post.counts.late == 0); /* the first one wanted no reply, and has none */
    assert_int_equal(rig->stations[0].private.messages.received, 0);
    rig->primary.places[1].drained = true;
    assert_int_equal(primary_send(&rig->primary, 1, TOPIC_TEXT, SLICE("x")), -ENOENT);
    assert_int_equal(primary_ask(&rig->primary, WORKERS_MAX, TOPIC_TEXT, SLICE("x"), 1, on_replied, &answer), -ENOENT);
    rig->primary.places[1].drained = false;
    close_rig(rig);
}

/* What nobody takes is answered, both ways; a message that wants no answer gets none. */
static void test_topics_that_nobody_takes(void **state)
{
    struct rig *rig = open_rig(-1);
    struct answer answers[4] = {{0}};
    struct worker *worker = &rig->stations[0].worker;
    (void)state;
    assert_int_equal(worker_send(worker, TOPIC_TEXT, SLICE("x")), 0);
    assert_int_equal(worker_ask(worker, TOPIC_TEXT, SLICE("x"), LONG_MS, on_replied, &answers[0]), 0);
    assert_int_equal(worker_ask(worker, TOPICS, SLICE("x"), LONG_MS, on_replied, &answers[1]), 0);
    assert_int_equal(worker_ask(worker, (enum topic) - 1, SLICE("x"), LONG_MS, on_replied, &answers[2]), 0);
    assert_int_equal(primary_ask(&rig->primary, 0, TOPIC_GATHER, SLICE("x"), LONG_MS, on_replied, &answers[3]), 0);
    RUN_UNTIL(rig, answers[0].count && answers[1].count && answers[2].count && answers[3].count);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(answers[i].status, -ENOSYS);
    assert_true(rig->stations[0].private.post.counts.late == 0);
    close_rig(rig);
}

/* An order that is cut short is refused. */
static void test_broken_order(void **state)
{
    struct rig *rig = open_rig(-1);
    struct answer answer = {0};
    (void)state;
    assert_int_equal(worker_ask(&rig->stations[0].worker, TOPIC_GATHER, SLICE("x"), LONG_MS, on_replied, &answer), 0);
    RUN_UNTIL(rig, answer.count);
    assert_int_equal(answer.status, -EPROTO);
    close_rig(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broadcast_reaches_everybody),
        cmocka_unit_test(test_broadcasts_come_in_one_order),
        cmocka_unit_test(test_gather_from_everybody),
        cmocka_unit_test(test_answer_of_no_use_is_missing),
        cmocka_unit_test(test_primary_gathers),
        cmocka_unit_test(test_silent_worker_is_missing_at_the_deadline),
        cmocka_unit_test(test_place_without_a_worker_is_missing_at_once),
        cmocka_unit_test(test_worker_that_dies_is_missing),
        cmocka_unit_test(test_worker_with_a_full_queue_is_missing_at_once),
        cmocka_unit_test(test_refusal_is_no_answer),
        cmocka_unit_test(test_asker_goes),
        cmocka_unit_test(test_answer_is_not_for_the_next_life),
        cmocka_unit_test(test_end_in_the_middle),
        cmocka_unit_test(test_primary_to_one_worker),
        cmocka_unit_test(test_topics_that_nobody_takes),
        cmocka_unit_test(test_broken_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
