/*
 * The channel and the scoreboard.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/channel.h"
#include "ipc/scoreboard.h"

static void test_message_with_and_without_descriptor(void **state)
{
    (void)state;
    int ends[2], pipes[2], fd;
    struct channel_message message;
    char byte = 0;
    assert_int_equal(channel_pair(ends), 0);
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(channel_receive(ends[1], &message, &fd), -EAGAIN);
    assert_int_equal(channel_send(ends[0], CHANNEL_READY, 42, -1), 0);
    assert_int_equal(channel_send(ends[0], CHANNEL_CONNECTION, 0, pipes[1]), 0);
    assert_int_equal(channel_receive(ends[1], &message, &fd), 1);
    assert_int_equal(message.kind, CHANNEL_READY);
    assert_int_equal(message.value, 42);
    assert_int_equal(fd, -1);
    assert_int_equal(channel_receive(ends[1], &message, &fd), 1);
    assert_int_equal(message.kind, CHANNEL_CONNECTION);
    assert_true(fd >= 0 && fd != pipes[1]);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(write(fd, "x", 1), 1);
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    assert_int_equal(byte, 'x');
    close(fd);
    close(pipes[0]);
    close(pipes[1]);
    close(ends[0]);
    assert_int_equal(channel_receive(ends[1], &message, &fd), 0);
    close(ends[1]);
}

static void test_full_channel_says_again(void **state)
{
    (void)state;
    int ends[2], sent = 0, error;
    assert_int_equal(channel_pair(ends), 0);
    while ((error = channel_send(ends[0], CHANNEL_READY, sent, -1)) == 0)
        sent++;
    assert_int_equal(error, -EAGAIN);
    assert_true(sent >= 128); /* the dealer counts on room for so many hand-offs */
    close(ends[0]);
    close(ends[1]);
}

/* Without a free descriptor the kernel drops what came along, and recvmsg alone would not say so. */
static void test_lost_descriptor_is_told(void **state)
{
    (void)state;
    int ends[2], fd, status;
    assert_int_equal(channel_pair(ends), 0);
    assert_int_equal(channel_send(ends[0], CHANNEL_CONNECTION, 0, STDERR_FILENO), 0);
    pid_t child = fork();
    if (child == 0) {
        struct channel_message message;
        struct rlimit limit = {(rlim_t)ends[1] + 1, (rlim_t)ends[1] + 1};
        int full = setrlimit(RLIMIT_NOFILE, &limit);
        _exit(full == 0 && channel_receive(ends[1], &message, &fd) == -EMFILE ? 0 : 1);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(ends[0]);
    close(ends[1]);
}

static void test_another_layout_is_refused(void **state)
{
    (void)state;
    int ends[2], fd;
    struct channel_message message = {CHANNEL_READY, CHANNEL_LAYOUT + 1, 0, 0};
    assert_int_equal(channel_pair(ends), 0);
    assert_int_equal(send(ends[0], &message, sizeof message, 0), sizeof message);
    assert_int_equal(channel_receive(ends[1], &message, &fd), -EPROTO);
    close(ends[0]);
    close(ends[1]);
}

static void test_slots_and_sums(void **state)
{
    (void)state;
    struct scoreboard *board, *same;
    struct counters total;
    int fd;
    assert_int_equal(scoreboard_create(&board, &fd), 0);
    assert_int_equal(scoreboard_map(fd, &same), 0);
    struct scoreboard_slot *old = scoreboard_take(board, ROLE_WORKER, 3, 0);
    struct scoreboard_slot *replacement = scoreboard_take(board, ROLE_WORKER, 3, 1);
    struct scoreboard_slot *front = scoreboard_take(board, ROLE_FRONT, 0, 0);
    assert_true(old && replacement && front && old != replacement);
    counter_add(&old->counters.requests, 10);
    counter_set(&old->counters.active, 4);
    counter_add(&replacement->counters.requests, 5);
    counter_set(&replacement->counters.active, 2);
    counter_add(&front->counters.requests, 1000);
    scoreboard_total(same, &total); /* seen through the other mapping */
    assert_int_equal(counter_read(&total.requests), 15);
    scoreboard_retire(board, old);
    scoreboard_total(same, &total);
    assert_int_equal(counter_read(&total.requests), 15); /* what was counted stays */
    assert_int_equal(counter_read(&total.active), 2);    /* what was open is not */
    assert_ptr_equal(scoreboard_take(board, ROLE_WORKER, 9, 0), old);
    assert_int_equal(counter_read(&old->counters.requests), 0);
    close(fd);
}

static void test_a_place_keeps_its_past(void **state)
{
    (void)state;
    static struct scoreboard_past place;
    struct scoreboard *board;
    int fd;
    assert_int_equal(scoreboard_create(&board, &fd), 0);
    struct scoreboard_slot *old = scoreboard_take(board, ROLE_WORKER, 3, 0);
    struct scoreboard_slot *replacement = scoreboard_take(board, ROLE_WORKER, 3, 1);
    struct scoreboard_slot *other = scoreboard_take(board, ROLE_FRONT, 3, 0);
    counter_add(&old->counters.requests, 10);
    counter_set(&old->counters.loop_lag_ns, 900);
    timings_note(&old->timings, 5000, 10);
    counter_add(&replacement->counters.requests, 5);
    counter_set(&replacement->counters.loop_lag_ns, 700);
    timings_note(&replacement->timings, 7000, 5);
    counter_add(&other->counters.requests, 1000);
    scoreboard_sum_place(board, ROLE_WORKER, 3, &place);
    assert_int_equal(counter_read(&place.counters.requests), 15);
    assert_int_equal(counter_read(&place.counters.loop_lag_ns), 900);
    scoreboard_retire(board, old);
    scoreboard_sum_place(board, ROLE_WORKER, 3, &place);
    assert_int_equal(counter_read(&place.counters.requests), 15);
    assert_int_equal(counter_read(&place.counters.loop_lag_ns), 700);
    assert_int_equal(timings_count(&place.timings), 15);
    assert_int_equal(timings_count_up_to(&place.timings, 5000), 10);
    assert_int_equal(board->workers_ever, 4);
    assert_int_equal(board->fronts_ever, 4);
    close(fd);
}

static void test_slots_run_out(void **state)
{
    (void)state;
    struct scoreboard *board;
    int fd;
    assert_int_equal(scoreboard_create(&board, &fd), 0);
    for (unsigned i = 0; i < SCOREBOARD_SLOTS; i++)
        assert_non_null(scoreboard_take(board, ROLE_WORKER, i % WORKERS_MAX, 0));
    assert_null(scoreboard_take(board, ROLE_WORKER, 0, 0));
    close(fd);
}

static void test_another_build_is_refused(void **state)
{
    (void)state;
    struct scoreboard *board, *same;
    int fd;
    assert_int_equal(scoreboard_create(&board, &fd), 0);
    board->layout++;
    assert_int_equal(scoreboard_map(fd, &same), -EPROTO);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message_with_and_without_descriptor),
        cmocka_unit_test(test_full_channel_says_again),
        cmocka_unit_test(test_lost_descriptor_is_told),
        cmocka_unit_test(test_another_layout_is_refused),
        cmocka_unit_test(test_slots_and_sums),
        cmocka_unit_test(test_a_place_keeps_its_past),
        cmocka_unit_test(test_slots_run_out),
        cmocka_unit_test(test_another_build_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
