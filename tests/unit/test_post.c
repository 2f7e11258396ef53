/*
 * The post: order, bounds, deadlines, and what is left when the other end dies. Both ends are mostly on one loop; where one
 * has to be another process or thread, it is.
 */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <uv.h>

#include "base/clock.h"
#include "ipc/post.h"

#define PATIENCE_MS 20000
#define LOOK_MS     20 /* uv_run looks at timers, then waits: so long at most before a condition is looked at again */

/* ---- an end that writes down what it is told ---- */

#define NOTES_MAX 8192

struct note {
    uint16_t kind;
    int32_t value;
    uint64_t id;
    size_t length;
    uint64_t sum; /* of the bytes */
    int fd;
};

struct station {
    struct post post;
    struct note *notes;
    unsigned count;
    unsigned ended, closed;
    bool answers;           /* questions, with their own bytes */
    bool closes_at_message; /* post_close from within */
};

struct rig {
    uv_loop_t loop;
    uv_timer_t look;
    uint64_t deadline_ns;
    struct station ends[2];
};

static uint64_t sum_of(struct slice bytes)
{
    uint64_t sum = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i < bytes.length; i++)
        sum = (sum ^ (unsigned char)bytes.at[i]) * 1099511628211u;
    return sum;
}

static void on_closed(void *context)
{
    struct station *station = context;
    station->closed++;
}

static void on_message(void *context, const struct channel_message *message, struct slice bytes, int fd)
{
    struct station *station = context;
    assert_true(station->count < NOTES_MAX);
    station->notes[station->count++] = (struct note){
        .kind = message->kind, .value = message->value, .id = message->id, .length = bytes.length, .sum = sum_of(bytes), .fd = fd};
    if (station->answers && message->kind == CHANNEL_ASK)
        assert_int_equal(post_reply(&station->post, message->id, 0, bytes), 0);
    if (station->closes_at_message)
        post_close(&station->post, on_closed);
}

static void on_ended(void *context)
{
    struct station *station = context;
    station->ended++;
}

static const struct post_events events = {on_message, on_ended};

static void on_look(uv_timer_t *timer)
{
    (void)timer;
}

static void open_end(struct rig *rig, unsigned which, int fd)
{
    struct station *station = &rig->ends[which];
    station->notes = calloc(NOTES_MAX, sizeof *station->notes);
    assert_non_null(station->notes);
    assert_int_equal(post_open(&station->post, &rig->loop, fd, &events, station), 0);
}

static void open_rig(struct rig *rig)
{
    memset(rig, 0, sizeof *rig);
    assert_int_equal(uv_loop_init(&rig->loop), 0);
    uv_timer_init(&rig->loop, &rig->look);
    rig->deadline_ns = clock_now_ns() + PATIENCE_MS * CLOCK_NS_PER_MS;
    uv_timer_start(&rig->look, on_look, LOOK_MS, LOOK_MS);
    uv_unref((uv_handle_t *)&rig->look);
}

static void open_both(struct rig *rig)
{
    int fds[2];
    open_rig(rig);
    assert_int_equal(channel_pair(fds), 0);
    open_end(rig, 0, fds[0]);
    open_end(rig, 1, fds[1]);
}

/* Turns the loop until the condition holds. */
#define RUN_UNTIL(rig, condition)                             \
    do {                                                      \
        while (!(condition)) {                                \
            uv_run(&(rig)->loop, UV_RUN_ONCE);                \
            assert_true(clock_now_ns() < (rig)->deadline_ns); \
        }                                                     \
    } while (0)

static void close_rig(struct rig *rig)
{
    for (unsigned i = 0; i < 2; i++)
        if (rig->ends[i].notes && !rig->ends[i].post.closing)
            post_close(&rig->ends[i].post, on_closed);
    uv_close((uv_handle_t *)&rig->look, NULL);
    uv_run(&rig->loop, UV_RUN_DEFAULT);
    for (unsigned i = 0; i < 2; i++) {
        if (rig->ends[i].notes)
            assert_int_equal(rig->ends[i].closed, 1);
        free(rig->ends[i].notes);
    }
    assert_int_equal(uv_loop_close(&rig->loop), 0);
}

/* ---- what becomes of questions ---- */

struct outcome {
    unsigned replies, parts;
    int status;
    size_t length;
    uint64_t sum;
    unsigned turn;         /* the how manieth reply of all it was */
    unsigned *turns;       /* counts them; or NULL */
    struct post *ask_more; /* asks again from within, to be refused; or NULL */
    int more_error;
};

static void on_replied(void *context, int status, struct slice bytes)
{
    struct outcome *outcome = context;
    outcome->status = status;
    outcome->length = bytes.length;
    outcome->sum = sum_of(bytes);
    if (status == POST_PART) {
        outcome->parts++;
        return;
    }
    outcome->replies++;
    if (outcome->turns)
        outcome->turn = (*outcome->turns)++;
    if (outcome->ask_more)
        outcome->more_error = post_ask(outcome->ask_more, 0, SLICE(""), 1000, on_replied, outcome);
}

static struct slice letters(size_t length)
{
    static char text[CHANNEL_BYTES_MAX + 1];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * 31 + i / 256);
    return (struct slice){text, length};
}

/* ---- messages ---- */

static void test_messages_arrive_whole_both_ways(void **state)
{
    static const size_t lengths[] = {0, 1, 15, 4096, 32768, CHANNEL_BYTES_MAX};
    struct rig rig;
    (void)state;
    open_both(&rig);
    for (unsigned i = 0; i < LENGTH_OF(lengths); i++)
        for (unsigned end = 0; end < 2; end++)
            assert_int_equal(post_send(&rig.ends[end].post, CHANNEL_TELL, (int32_t)i, letters(lengths[i])), 0);
    RUN_UNTIL(&rig, rig.ends[0].count == LENGTH_OF(lengths) && rig.ends[1].count == LENGTH_OF(lengths));
    for (unsigned i = 0; i < LENGTH_OF(lengths); i++)
        for (unsigned end = 0; end < 2; end++) {
            const struct note *note = &rig.ends[end].notes[i];
            assert_int_equal(note->kind, CHANNEL_TELL);
            assert_int_equal(note->value, i);
            assert_int_equal(note->length, lengths[i]);
            assert_true(note->sum == sum_of(letters(lengths[i])));
            assert_int_equal(note->fd, -1);
        }
    assert_int_equal(post_send(&rig.ends[0].post, CHANNEL_TELL, 0, letters(CHANNEL_BYTES_MAX + 1)), -EMSGSIZE);
    close_rig(&rig);
}

/* More than the socket holds: some are sent, the others wait, and the order is that of sending. */
static void test_order_through_the_queue(void **state)
{
    const unsigned many = 2 * POST_QUEUE_MESSAGES;
    struct rig rig;
    unsigned sent = 0;
    (void)state;
    open_both(&rig);
    while (sent < many) {
        size_t length = sent % 7 == 0 ? 5000 : sent % 3 * 100;
        int error = post_send(&rig.ends[0].post, CHANNEL_TELL, (int32_t)sent, letters(length));
        if (error == 0) {
            sent++;
            continue;
        }
        assert_int_equal(error, -ENOBUFS);
        unsigned seen = rig.ends[1].count;
        RUN_UNTIL(&rig, rig.ends[1].count > seen);
    }
    assert_true(rig.ends[0].post.counts.delayed > 0);
    RUN_UNTIL(&rig, rig.ends[1].count == many);
    for (unsigned i = 0; i < many; i++) {
        assert_int_equal(rig.ends[1].notes[i].value, i);
        assert_int_equal(rig.ends[1].notes[i].length, i % 7 == 0 ? 5000 : i % 3 * 100);
    }
    assert_int_equal(rig.ends[0].post.queued, 0);
    assert_int_equal(rig.ends[0].post.queued_bytes, 0);
    assert_true(rig.ends[0].post.counts.sent == many);
    assert_true(rig.ends[1].post.counts.received == many);
    close_rig(&rig);
}

/* An end that nobody reads: open_rig with the bare descriptor of the other one. */
static int open_unread(struct rig *rig)
{
    int fds[2];
    open_rig(rig);
    assert_int_equal(channel_pair(fds), 0);
    open_end(rig, 0, fds[0]);
    return fds[1];
}

static unsigned flood(struct post *post, size_t length)
{
    unsigned sent = 0;
    int error;
    while ((error = post_send(post, CHANNEL_TELL, (int32_t)sent, letters(length))) == 0)
        sent++;
    assert_int_equal(error, -ENOBUFS);
    return sent;
}

static unsigned read_all(int channel, uint16_t *last_kind)
{
    struct channel_message message = {0};
    unsigned count = 0;
    int fd;
    while (channel_receive(channel, &message, &fd) > 0) {
        *last_kind = message.kind;
        count++;
    }
    return count;
}

static void test_queue_is_bounded_in_messages(void **state)
{
    struct rig rig = {0};
    struct post *post = &rig.ends[0].post;
    uint16_t last = 0;
    (void)state;
    int other = open_unread(&rig);
    unsigned sent = flood(post, 10);
    assert_int_equal(post->queued, POST_QUEUE_MESSAGES);
    assert_true(post->counts.sent == sent - POST_QUEUE_MESSAGES);
    assert_true(post->counts.refused == 1);
    assert_int_equal(post_send(post, CHANNEL_DRAIN, 0, SLICE("")), 0); /* an order always has a place, behind the others */
    assert_int_equal(post_send(post, CHANNEL_TELL, 0, SLICE("")), -ENOBUFS);
    assert_true(post->counts.refused == 2);
    unsigned seen = 0;
    RUN_UNTIL(&rig, (seen += read_all(other, &last)) == sent + 1);
    assert_int_equal(last, CHANNEL_DRAIN);
    assert_int_equal(post->queued, 0);
    assert_int_equal(post_send(post, CHANNEL_TELL, 0, SLICE("")), 0);
    close_rig(&rig);
    close(other);
}

static void test_queue_is_bounded_in_bytes(void **state)
{
    struct rig rig = {0};
    struct post *post = &rig.ends[0].post;
    (void)state;
    int other = open_unread(&rig);
    (void)flood(post, CHANNEL_BYTES_MAX);
    assert_true(post->counts.sent >= 3); /* as channel.h says */
    assert_int_equal(post->queued, POST_QUEUE_BYTES / CHANNEL_BYTES_MAX);
    assert_int_equal(post->queued_bytes, POST_QUEUE_BYTES / CHANNEL_BYTES_MAX * CHANNEL_BYTES_MAX);
    close_rig(&rig); /* with a full queue: nothing of it leaks */
    close(other);
}

/* A flood is taken in batches: between two of them the loop turns. */
static void test_flood_leaves_the_loop_its_turns(void **state)
{
    struct rig rig;
    (void)state;
    open_both(&rig);
    unsigned sent = flood(&rig.ends[0].post, 0), before, turns = 0;
    while (rig.ends[1].count < sent) {
        before = rig.ends[1].count;
        uv_run(&rig.loop, UV_RUN_ONCE);
        assert_true(rig.ends[1].count - before <= POST_BATCH);
        assert_true(clock_now_ns() < rig.deadline_ns);
        turns++;
    }
    assert_true(turns >= sent / POST_BATCH);
    close_rig(&rig);
}

static void test_message_may_close_the_post(void **state)
{
    struct rig rig;
    (void)state;
    open_both(&rig);
    rig.ends[1].closes_at_message = true;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(post_send(&rig.ends[0].post, CHANNEL_TELL, 0, SLICE("x")), 0);
    RUN_UNTIL(&rig, rig.ends[1].closed && rig.ends[0].ended);
    assert_int_equal(rig.ends[1].count, 1);
    assert_int_equal(rig.ends[1].ended, 0); /* it ended itself */
    close_rig(&rig);
}

/* ---- hand-offs ---- */

static bool same_file(int one, int other)
{
    struct stat a, b;
    return fstat(one, &a) == 0 && fstat(other, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static void test_descriptors_between_messages(void **state)
{
    struct rig rig;
    int pipes[2];
    (void)state;
    open_both(&rig);
    assert_int_equal(pipe(pipes), 0);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(post_send(&rig.ends[0].post, CHANNEL_TELL, i, letters(1000)), 0);
        assert_int_equal(post_hand(&rig.ends[0].post, CHANNEL_CONNECTION, i, pipes[1]), 0);
    }
    RUN_UNTIL(&rig, rig.ends[1].count == 40);
    for (int i = 0; i < 40; i++) {
        const struct note *note = &rig.ends[1].notes[i];
        assert_int_equal(note->value, i / 2);
        assert_int_equal(note->kind, i % 2 ? CHANNEL_CONNECTION : CHANNEL_TELL);
        if (i % 2 == 0) {
            assert_int_equal(note->fd, -1);
            continue;
        }
        assert_true(note->fd >= 0 && note->fd != pipes[1] && same_file(note->fd, pipes[1]));
        assert_true(fcntl(note->fd, F_GETFD) & FD_CLOEXEC);
        close(note->fd);
    }
    close(pipes[0]);
    close(pipes[1]);
    close_rig(&rig);
}

/* While a message waits, a hand-off that the socket has room for is refused all the same: it would overtake. */
static void test_hand_off_overtakes_nothing(void **state)
{
    struct rig rig = {0};
    struct post *post = &rig.ends[0].post;
    struct channel_message message;
    uint16_t last = 0;
    int fd;
    (void)state;
    int other = open_unread(&rig);
    (void)flood(post, 10);
    assert_int_equal(post_hand(post, CHANNEL_LOCAL, 7, -1), -EAGAIN);
    assert_int_equal(channel_receive(other, &message, &fd), 1);
    assert_int_equal(channel_receive(other, &message, &fd), 1); /* room for one */
    assert_int_equal(post_hand(post, CHANNEL_LOCAL, 7, -1), -EAGAIN);
    RUN_UNTIL(&rig, (read_all(other, &last), post->queued == 0));
    assert_int_equal(post_hand(post, CHANNEL_LOCAL, 7, -1), 0);
    (void)read_all(other, &last);
    assert_int_equal(last, CHANNEL_LOCAL);
    close_rig(&rig);
    close(other);
}

/* In a child, where the limit of descriptors may be lowered: the message arrives, its descriptor does not, the post lives on. */
static int receive_without_descriptors(int channel)
{
    struct rig rig;
    open_rig(&rig);
    open_end(&rig, 1, channel);
    int free_fd = dup(channel); /* the lowest that is free */
    struct rlimit limit = {(rlim_t)free_fd, (rlim_t)free_fd};
    close(free_fd);
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 1;
    RUN_UNTIL(&rig, rig.ends[1].ended);
    const struct note *notes = rig.ends[1].notes;
    bool right = rig.ends[1].count == 2 && notes[0].kind == CHANNEL_CONNECTION && notes[0].fd == -1 && notes[0].value == 5 &&
                 notes[1].kind == CHANNEL_TELL && notes[1].length == 3;
    close_rig(&rig);
    return right ? 0 : 2;
}

static void test_lost_descriptor(void **state)
{
    struct rig rig;
    int fds[2], status;
    (void)state;
    assert_int_equal(channel_pair(fds), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(fds[0]);
        _exit(receive_without_descriptors(fds[1]));
    }
    close(fds[1]);
    open_rig(&rig);
    open_end(&rig, 0, fds[0]);
    assert_int_equal(post_hand(&rig.ends[0].post, CHANNEL_CONNECTION, 5, STDERR_FILENO), 0);
    assert_int_equal(post_send(&rig.ends[0].post, CHANNEL_TELL, 0, SLICE("abc")), 0);
    close_rig(&rig);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* ---- questions ---- */

static void test_questions_and_replies(void **state)
{
    struct rig rig;
    struct outcome outcomes[200] = {0};
    unsigned turns = 0;
    (void)state;
    open_both(&rig);
    rig.ends[0].answers = rig.ends[1].answers = true;
    for (unsigned i = 0; i < LENGTH_OF(outcomes); i++) {
        outcomes[i].turns = &turns;
        assert_int_equal(post_ask(&rig.ends[i % 2].post, 9, letters(i), PATIENCE_MS, on_replied, &outcomes[i]), 0);
        assert_int_equal(outcomes[i].replies, 0);
    }
    RUN_UNTIL(&rig, turns == LENGTH_OF(outcomes));
    for (unsigned i = 0; i < LENGTH_OF(outcomes); i++) {
        assert_int_equal(outcomes[i].replies, 1);
        assert_int_equal(outcomes[i].status, 0);
        assert_int_equal(outcomes[i].length, i);
        assert_true(outcomes[i].sum == sum_of(letters(i)));
        if (i >= 2)
            assert_true(outcomes[i].turn > outcomes[i - 2].turn);
    }
    assert_int_equal(rig.ends[0].post.asked + rig.ends[1].post.asked, 0);
    close_rig(&rig);
}

/* Replies in another order than the questions, with errors, with parts. */
static void test_replies_find_their_question(void **state)
{
    struct rig rig;
    struct outcome outcomes[3] = {0};
    struct note *notes;
    (void)state;
    open_both(&rig);
    notes = rig.ends[1].notes;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(post_ask(&rig.ends[0].post, (int32_t)i, SLICE(""), PATIENCE_MS - 5000 * i, on_replied, &outcomes[i]), 0);
    RUN_UNTIL(&rig, rig.ends[1].count == 3);
    assert_int_equal(post_reply(&rig.ends[1].post, notes[2].id, -ENOENT, letters(2)), 0);
    assert_int_equal(post_reply_part(&rig.ends[1].post, notes[0].id, letters(7)), 0);
    assert_int_equal(post_reply(&rig.ends[1].post, notes[1].id, 0, letters(1)), 0);
    assert_int_equal(post_reply_part(&rig.ends[1].post, notes[0].id, letters(8)), 0);
    RUN_UNTIL(&rig, outcomes[0].parts == 2);
    assert_int_equal(outcomes[2].status, -ENOENT);
    assert_int_equal(outcomes[2].length, 2);
    assert_int_equal(outcomes[1].status, 0);
    assert_int_equal(outcomes[1].length, 1);
    assert_int_equal(outcomes[0].status, POST_PART);
    assert_int_equal(outcomes[0].length, 8);
    assert_int_equal(outcomes[0].replies, 0);
    assert_int_equal(post_reply(&rig.ends[1].post, notes[0].id, 0, letters(9)), 0);
    RUN_UNTIL(&rig, outcomes[0].replies == 1);
    assert_int_equal(outcomes[0].length, 9);
    assert_int_equal(post_reply(&rig.ends[1].post, notes[0].id, 0, letters(9)), 0); /* again: nobody asked */
    RUN_UNTIL(&rig, rig.ends[0].post.counts.late == 1);
    assert_int_equal(outcomes[0].replies, 1);
    close_rig(&rig);
}

/* The shorter deadline first, whatever the order of asking; a reply behind it is dropped. */
static void test_deadlines(void **state)
{
    static const uint64_t timeouts_ms[] = {60, 10, 0, 30};
    static const unsigned order[] = {3, 1, 0, 2};
    struct rig rig;
    struct outcome outcomes[4] = {0};
    unsigned turns = 0;
    (void)state;
    open_both(&rig);
    uint64_t begin_ns = clock_now_ns();
    for (unsigned i = 0; i < 4; i++) {
        outcomes[i].turns = &turns;
        assert_int_equal(post_ask(&rig.ends[0].post, 0, SLICE(""), timeouts_ms[i], on_replied, &outcomes[i]), 0);
    }
    RUN_UNTIL(&rig, turns == 4 && rig.ends[1].count == 4);
    assert_true(clock_now_ns() - begin_ns >= 60 * CLOCK_NS_PER_MS); /* never early */
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(outcomes[i].status, -ETIMEDOUT);
        assert_int_equal(outcomes[i].replies, 1);
        assert_int_equal(outcomes[i].turn, order[i]);
        assert_int_equal(post_reply(&rig.ends[1].post, rig.ends[1].notes[i].id, 0, SLICE("late")), 0);
    }
    RUN_UNTIL(&rig, rig.ends[0].post.counts.late == 4);
    assert_true(rig.ends[0].post.counts.timed_out == 4);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(outcomes[i].replies, 1);
    close_rig(&rig);
}

static void answer_everything(int channel, unsigned count)
{
    struct channel_message message;
    int fd;
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(channel_receive(channel, &message, &fd), 1);
        message.kind = CHANNEL_REPLY;
        message.value = 0;
        assert_int_equal(channel_send_bytes(channel, &message, SLICE("yes"), -1), 0);
    }
}

/* The replies lie in the socket while the loop is occupied beyond the deadline: libuv will run the timer before it reads. */
static void test_reply_that_came_in_time_counts(void **state)
{
    struct rig rig;
    struct outcome outcomes[100] = {0};
    unsigned turns = 0;
    (void)state;
    int other = open_unread(&rig);
    for (unsigned i = 0; i < LENGTH_OF(outcomes); i++) {
        outcomes[i].turns = &turns;
        assert_int_equal(post_ask(&rig.ends[0].post, 0, SLICE(""), 5, on_replied, &outcomes[i]), 0);
    }
    answer_everything(other, LENGTH_OF(outcomes));
    clock_sleep_until_ns(clock_now_ns() + 20 * CLOCK_NS_PER_MS);
    RUN_UNTIL(&rig, turns == LENGTH_OF(outcomes));
    for (unsigned i = 0; i < LENGTH_OF(outcomes); i++)
        assert_int_equal(outcomes[i].status, 0);
    close_rig(&rig);
    close(other);
}

static void test_questions_are_bounded(void **state)
{
    struct rig rig;
    static struct outcome outcomes[POST_ASKS_MAX + 1];
    unsigned turns = 0;
    (void)state;
    memset(outcomes, 0, sizeof outcomes);
    int other = open_unread(&rig);
    for (unsigned i = 0; i < POST_ASKS_MAX; i++) {
        outcomes[i].turns = &turns;
        assert_int_equal(post_ask(&rig.ends[0].post, 0, SLICE(""), 100, on_replied, &outcomes[i]), 0);
    }
    assert_int_equal(post_ask(&rig.ends[0].post, 0, SLICE(""), 100, on_replied, &outcomes[POST_ASKS_MAX]), -ENOBUFS);
    assert_true(rig.ends[0].post.counts.refused == 1);
    RUN_UNTIL(&rig, turns == POST_ASKS_MAX);
    assert_int_equal(outcomes[0].status, -ETIMEDOUT);
    assert_int_equal(outcomes[POST_ASKS_MAX].replies, 0);
    assert_int_equal(rig.ends[0].post.asked, 0);
    close_rig(&rig);
    close(other);
}

/* A question that the queue has no room for is refused, and leaves nothing behind that could expire. */
static void test_question_to_a_full_queue(void **state)
{
    struct rig rig;
    struct outcome outcome = {0};
    (void)state;
    int other = open_unread(&rig);
    (void)flood(&rig.ends[0].post, 10);
    assert_int_equal(post_ask(&rig.ends[0].post, 0, SLICE("?"), 1, on_replied, &outcome), -ENOBUFS);
    assert_int_equal(rig.ends[0].post.asked, 0);
    close_rig(&rig);
    assert_int_equal(outcome.replies, 0);
    close(other);
}

/* ---- the other end goes ---- */

static void test_end_of_the_other_one(void **state)
{
    struct rig rig;
    struct outcome outcomes[2] = {0};
    (void)state;
    open_both(&rig);
    outcomes[0].ask_more = &rig.ends[0].post;
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(post_ask(&rig.ends[0].post, 0, SLICE(""), PATIENCE_MS, on_replied, &outcomes[i]), 0);
    RUN_UNTIL(&rig, rig.ends[1].count == 2);
    post_close(&rig.ends[1].post, on_closed);
    RUN_UNTIL(&rig, rig.ends[0].ended);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(outcomes[i].replies, 1);
        assert_int_equal(outcomes[i].status, -EPIPE);
    }
    assert_int_equal(outcomes[0].more_error, -EPIPE);
    assert_int_equal(post_send(&rig.ends[0].post, CHANNEL_TELL, 0, SLICE("")), -EPIPE);
    assert_int_equal(post_hand(&rig.ends[0].post, CHANNEL_LOCAL, 0, -1), -EPIPE);
    assert_int_equal(post_ask(&rig.ends[0].post, 0, SLICE(""), 1, on_replied, &outcomes[0]), -EPIPE);
    close_rig(&rig);
    assert_int_equal(rig.ends[0].ended, 1);
    assert_int_equal(outcomes[0].replies, 1);
}

static void test_closing_ends_the_questions(void **state)
{
    struct rig rig = {0};
    struct outcome outcome = {.ask_more = &rig.ends[0].post};
    (void)state;
    int other = open_unread(&rig);
    assert_int_equal(post_ask(&rig.ends[0].post, 0, SLICE(""), PATIENCE_MS, on_replied, &outcome), 0);
    post_close(&rig.ends[0].post, on_closed);
    assert_int_equal(outcome.replies, 0); /* not from within the call */
    RUN_UNTIL(&rig, rig.ends[0].closed);
    assert_int_equal(outcome.replies, 1);
    assert_int_equal(outcome.status, -EPIPE);
    assert_int_equal(outcome.more_error, -EPIPE);
    close_rig(&rig);
    close(other);
}

/*
 * A process says its last words and is killed with our messages unread in its socket, while more wait in our queue: every word
 * arrives before the end does.
 */
static void test_death_with_messages_unread(void **state)
{
    struct rig rig;
    struct outcome outcome = {0};
    int fds[2], status;
    char byte;
    int go[2];
    (void)state;
    assert_int_equal(channel_pair(fds), 0);
    assert_int_equal(pipe(go), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct channel_message message = {.kind = CHANNEL_TELL};
        close(fds[0]);
        if (read(go[0], &byte, 1) != 1)
            _exit(1);
        for (message.value = 0; message.value < 100; message.value++)
            if (channel_send_bytes(fds[1], &message, SLICE("last words"), -1) != 0)
                _exit(1);
        _exit(0);
    }
    close(fds[1]);
    open_rig(&rig);
    open_end(&rig, 0, fds[0]);
    assert_int_equal(post_ask(&rig.ends[0].post, 0, SLICE(""), PATIENCE_MS, on_replied, &outcome), 0);
    (void)flood(&rig.ends[0].post, 100);
    assert_int_equal(write(go[1], "g", 1), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    RUN_UNTIL(&rig, rig.ends[0].ended);
    assert_int_equal(rig.ends[0].count, 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(rig.ends[0].notes[i].value, i);
    assert_int_equal(outcome.status, -EPIPE);
    assert_int_equal(rig.ends[0].post.queued, 0);
    close(go[0]);
    close(go[1]);
    close_rig(&rig);
    assert_int_equal(rig.ends[0].ended, 1);
}

/* A message of another layout is not understood: that is the end. */
static void test_another_layout_ends_it(void **state)
{
    struct rig rig;
    struct channel_message message = {CHANNEL_TELL, CHANNEL_LAYOUT + 1, 0, 0};
    (void)state;
    int other = open_unread(&rig);
    assert_int_equal(send(other, &message, sizeof message, 0), sizeof message);
    RUN_UNTIL(&rig, rig.ends[0].ended);
    assert_int_equal(rig.ends[0].count, 0);
    close_rig(&rig);
    close(other);
}

/* ---- between threads ---- */

static void end_when_the_other_does(void *context)
{
    struct station *station = context;
    post_close(&station->post, on_closed);
}

static void run_echo(void *context)
{
    static const struct post_events echo = {on_message, end_when_the_other_does};
    uv_loop_t loop;
    struct station station = {.answers = true, .notes = calloc(NOTES_MAX, sizeof(struct note))};
    int *fd = context;
    if (!station.notes || uv_loop_init(&loop) != 0 || post_open(&station.post, &loop, *fd, &echo, &station) != 0)
        abort();
    uv_run(&loop, UV_RUN_DEFAULT);
    free(station.notes);
    if (uv_loop_close(&loop) != 0)
        abort();
}

static void test_between_threads(void **state)
{
    static struct outcome outcomes[4000];
    struct rig rig;
    uv_thread_t thread;
    unsigned turns = 0;
    int fds[2];
    (void)state;
    memset(outcomes, 0, sizeof outcomes);
    open_rig(&rig);
    assert_int_equal(channel_pair(fds), 0);
    open_end(&rig, 0, fds[0]);
    assert_int_equal(uv_thread_create(&thread, run_echo, &fds[1]), 0);
    for (unsigned asked = 0; asked < LENGTH_OF(outcomes);) {
        outcomes[asked].turns = &turns;
        int error = post_ask(&rig.ends[0].post, 0, letters(asked % 500), PATIENCE_MS, on_replied, &outcomes[asked]);
        if (error == 0) {
            asked++;
            continue;
        }
        assert_int_equal(error, -ENOBUFS);
        unsigned before = turns;
        RUN_UNTIL(&rig, turns > before);
    }
    RUN_UNTIL(&rig, turns == LENGTH_OF(outcomes));
    for (unsigned i = 0; i < LENGTH_OF(outcomes); i++) {
        assert_int_equal(outcomes[i].status, 0);
        assert_int_equal(outcomes[i].length, i % 500);
        assert_int_equal(outcomes[i].turn, i);
    }
    post_close(&rig.ends[0].post, on_closed);
    RUN_UNTIL(&rig, rig.ends[0].closed);
    uv_thread_join(&thread);
    close_rig(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_arrive_whole_both_ways),
        cmocka_unit_test(test_order_through_the_queue),
        cmocka_unit_test(test_queue_is_bounded_in_messages),
        cmocka_unit_test(test_queue_is_bounded_in_bytes),
        cmocka_unit_test(test_flood_leaves_the_loop_its_turns),
        cmocka_unit_test(test_message_may_close_the_post),
        cmocka_unit_test(test_descriptors_between_messages),
        cmocka_unit_test(test_hand_off_overtakes_nothing),
        cmocka_unit_test(test_lost_descriptor),
        cmocka_unit_test(test_questions_and_replies),
        cmocka_unit_test(test_replies_find_their_question),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_reply_that_came_in_time_counts),
        cmocka_unit_test(test_questions_are_bounded),
        cmocka_unit_test(test_question_to_a_full_queue),
        cmocka_unit_test(test_end_of_the_other_one),
        cmocka_unit_test(test_closing_ends_the_questions),
        cmocka_unit_test(test_death_with_messages_unread),
        cmocka_unit_test(test_another_layout_ends_it),
        cmocka_unit_test(test_between_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
