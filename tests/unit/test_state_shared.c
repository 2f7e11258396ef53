/*
 * The memory that workers share: many processes add, an owner of the lock dies or is stopped, fills are leased from worker to
 * worker.
 */
#include "tests/unit/state_support.h"

#include <sys/wait.h>

#include "state/shared.h"

#define ADDERS    4
#define ADDITIONS 25000

static void end_child(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* ---- the counter ---- */

/* All of them begin together: what they do is over in milliseconds. */
_Noreturn static void add_many(void *shared, _Atomic unsigned *ready)
{
    struct lab lab;
    lab_open(&lab, (struct state_settings){.shared = shared});
    atomic_fetch_add(ready, 1);
    while (atomic_load(ready) < ADDERS)
        ;
    for (unsigned i = 0; i < ADDITIONS; i++)
        (void)count(&lab, STATE_SHARED, 1);
    _exit(0);
}

static void test_no_increment_is_lost(void **unused)
{
    (void)unused;
    void *shared = make_shared();
    _Atomic unsigned *ready = mmap(NULL, sizeof *ready, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t children[ADDERS];
    struct lab lab;
    assert_true((void *)ready != MAP_FAILED);
    for (unsigned i = 0; i < ADDERS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0)
            add_many(shared, ready);
    }
    for (unsigned i = 0; i < ADDERS; i++)
        end_child(children[i]);
    lab_open(&lab, (struct state_settings){.shared = shared});
    assert_int_equal(count(&lab, STATE_SHARED, 0).value, ADDERS * ADDITIONS);
    lab_close(&lab);
    munmap((void *)ready, sizeof *ready);
    munmap(shared, SHARED_BYTES);
}

/* ---- the lock ---- */

/* A child that takes the lock, says so and then stops or dies with it. */
static pid_t hold_lock(struct state_shared *shared, int signal_number)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (shared_lock(shared) != 0)
            _exit(1);
        shared->slots[0].length = UINT32_MAX; /* half of something */
        raise(signal_number);
        _exit(2);
    }
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    assert_true(signal_number == SIGSTOP ? WIFSTOPPED(status) : WIFSIGNALED(status));
    return child;
}

static void test_owner_killed_with_the_lock(void **unused)
{
    (void)unused;
    struct state_shared *shared = make_shared();
    struct lab lab;
    lab_open(&lab, (struct state_settings){.shared = shared});
    (void)count(&lab, STATE_SHARED, 7);
    (void)fill(&lab, get(&lab, STATE_SHARED, "products", true).fill, "apples", TTL_NS);
    assert_int_equal(get(&lab, STATE_SHARED, "products", true).source, STATE_HIT);
    (void)hold_lock(shared, SIGKILL);
    struct note next = get(&lab, STATE_SHARED, "products", true);
    assert_int_equal(next.error, 0);           /* nobody hangs */
    assert_int_equal(next.source, STATE_MISS); /* the cache was cleared */
    assert_int_equal(shared->inherited, 1);
    assert_int_equal(count(&lab, STATE_SHARED, 0).value, 7); /* the counter was not */
    assert_int_equal(fill(&lab, next.fill, "pears", TTL_NS).error, 0);
    assert_string_equal(get(&lab, STATE_SHARED, "products", true).bytes, "pears");
    lab_close(&lab);
    munmap(shared, SHARED_BYTES);
}

/* Its owner may go on in an hour: others get an error instead of the same hour. */
static void test_owner_stopped_with_the_lock(void **unused)
{
    (void)unused;
    struct state_shared *shared = make_shared();
    struct lab lab;
    lab_open(&lab, (struct state_settings){.shared = shared});
    pid_t child = hold_lock(shared, SIGSTOP);
    struct note note = get(&lab, STATE_SHARED, "products", true);
    assert_int_equal(note.error, -ETIMEDOUT);
    assert_non_null(strstr(note.why, "shared memory"));
    assert_int_equal(count(&lab, STATE_SHARED, 1).value, 1); /* needs no lock */
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(get(&lab, STATE_SHARED, "products", false).source, STATE_MISS);
    lab_close(&lab);
    munmap(shared, SHARED_BYTES);
}

/* ---- the table ---- */

static void test_bytes_are_seen_by_all_until_they_are_old(void **unused)
{
    (void)unused;
    void *shared = make_shared();
    struct lab one, two;
    lab_open(&one, (struct state_settings){.shared = shared});
    lab_open(&two, (struct state_settings){.shared = shared});
    (void)fill(&one, get(&one, STATE_SHARED, "products", false).fill, "apples", 20 * CLOCK_NS_PER_MS);
    assert_string_equal(get(&two, STATE_SHARED, "products", false).bytes, "apples");
    let_pass(20 * CLOCK_NS_PER_MS);
    assert_int_equal(get(&two, STATE_SHARED, "products", false).source, STATE_MISS);
    lab_close(&one);
    lab_close(&two);
    munmap(shared, SHARED_BYTES);
}

static void test_too_long_for_a_slot(void **unused)
{
    (void)unused;
    struct state_shared *shared = make_shared();
    static char bytes[STATE_SHARED_VALUE_MAX + 1];
    struct note kept = {0}, miss;
    struct lab lab;
    lab_open(&lab, (struct state_settings){.shared = shared, .lease_ns = 3600 * CLOCK_NS_PER_S});
    miss = get(&lab, STATE_SHARED, "products", true);
    state_cache_fill(miss.fill, (struct slice){bytes, sizeof bytes}, TTL_NS, on_kept, &kept);
    assert_int_equal(kept.error, -E2BIG);
    miss = get(&lab, STATE_SHARED, "products", true);
    assert_int_equal(miss.source, STATE_MISS); /* the lease was given back, too */
    state_cache_fill(miss.fill, (struct slice){bytes, sizeof bytes - 1}, TTL_NS, on_kept, &kept);
    assert_int_equal(kept.error, 0);
    assert_int_equal(get(&lab, STATE_SHARED, "products", true).source, STATE_HIT);
    lab_close(&lab);
    munmap(shared, SHARED_BYTES);
}

static void test_longest_unused_slot_makes_room(void **unused)
{
    (void)unused;
    struct state_shared *shared = make_shared();
    struct lab lab;
    char key[16];
    lab_open(&lab, (struct state_settings){.shared = shared});
    for (uint32_t i = 0; i <= shared->slot_count; i++) {
        snprintf(key, sizeof key, "key %u", i);
        (void)fill(&lab, get(&lab, STATE_SHARED, key, false).fill, key, TTL_NS);
        assert_int_equal(get(&lab, STATE_SHARED, "key 0", false).source, STATE_HIT); /* always in use */
    }
    struct note miss = get(&lab, STATE_SHARED, "key 1", false);
    assert_int_equal(miss.source, STATE_MISS);
    assert_int_equal(get(&lab, STATE_SHARED, "key 2", false).source, STATE_HIT);
    lab_close(&lab);
    munmap(shared, SHARED_BYTES);
}

static void test_only_what_fits_is_prepared(void **unused)
{
    (void)unused;
    static _Alignas(64) char memory[4096 + 4096];
    assert_int_equal(state_shared_init(memory, 4096), -EINVAL);
    assert_int_equal(state_shared_init(memory + 8, sizeof memory - 8), -EINVAL);
    assert_int_equal(state_shared_init(memory, sizeof memory), 0);
    assert_int_equal(((struct state_shared *)memory)->slot_count, 1);
}

/* ---- single flight between workers ---- */

static void test_one_fill_for_two_workers(void **unused)
{
    (void)unused;
    void *shared = make_shared();
    struct note first, waits[3];
    struct lab one, two;
    lab_open(&one, (struct state_settings){.shared = shared});
    lab_open(&two, (struct state_settings){.shared = shared});
    first = get(&one, STATE_SHARED, "products", true);
    assert_int_equal(first.source, STATE_MISS);
    for (unsigned i = 0; i < 3; i++) {
        waits[i] = (struct note){.error = UNANSWERED};
        state_cache_get(two.state, STATE_SHARED, slice_of("products"), true, on_got, &waits[i]);
        assert_int_equal(waits[i].error, UNANSWERED);
    }
    assert_int_equal(fill(&one, first.fill, "apples", TTL_NS).error, 0);
    for (unsigned i = 0; i < 3; i++) {
        lab_wait(&two, &waits[i].calls, 1);
        assert_int_equal(waits[i].source, STATE_COLLAPSED);
        assert_string_equal(waits[i].bytes, "apples");
    }
    assert_int_equal(state_counts(one.state)->cache_fills + state_counts(two.state)->cache_fills, 1);
    lab_close(&one);
    lab_close(&two);
    munmap(shared, SHARED_BYTES);
}

/* A worker that gives up, or ends, gives its lease back: nobody waits for it to run out (an hour here). */
static void test_lease_given_back(void **unused)
{
    (void)unused;
    void *shared = make_shared();
    struct note first, second = {.error = UNANSWERED};
    struct lab one, two;
    lab_open(&one, (struct state_settings){.shared = shared, .lease_ns = 3600 * CLOCK_NS_PER_S});
    lab_open(&two, (struct state_settings){.shared = shared, .lease_ns = 3600 * CLOCK_NS_PER_S});
    first = get(&one, STATE_SHARED, "products", true);
    state_cache_give_up(first.fill, -EIO, "the database is gone");
    first = get(&one, STATE_SHARED, "products", true);
    assert_int_equal(first.source, STATE_MISS);
    state_cache_get(two.state, STATE_SHARED, slice_of("products"), true, on_got, &second);
    assert_int_equal(second.error, UNANSWERED);
    lab_close(&one);
    lab_wait(&two, &second.calls, 1);
    assert_int_equal(second.source, STATE_MISS);
    lab_close(&two);
    munmap(shared, SHARED_BYTES);
}

static void test_lease_of_the_dead_runs_out(void **unused)
{
    (void)unused;
    void *shared = make_shared();
    struct lab lab;
    struct state_settings settings = {.shared = shared, .lease_ns = 50 * CLOCK_NS_PER_MS};
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        lab_open(&lab, settings);
        _exit(get(&lab, STATE_SHARED, "products", true).source == STATE_MISS ? 0 : 1); /* and never fills it */
    }
    end_child(child);
    lab_open(&lab, settings);
    struct note note = get(&lab, STATE_SHARED, "products", true);
    assert_int_equal(note.source, STATE_MISS);
    assert_int_equal(fill(&lab, note.fill, "apples", TTL_NS).error, 0);
    lab_close(&lab);
    munmap(shared, SHARED_BYTES);
}

/* Whoever was too slow keeps what it brings, but does not end the lease of the one after it. */
static void test_late_owner_does_not_end_anothers_lease(void **unused)
{
    (void)unused;
    struct state_shared *shared = make_shared();
    char value[STATE_SHARED_VALUE_MAX];
    size_t length;
    struct shared_lease slow = {true, 1, 100}, next = {true, 2, 200}, third = {true, 3, 300};
    assert_int_equal(shared_look(shared, slice_of("key"), 10, &slow, value, &length), SHARED_ABSENT);
    assert_int_equal(shared_look(shared, slice_of("key"), 50, &next, value, &length), SHARED_BUSY);
    assert_int_equal(shared_look(shared, slice_of("key"), 100, &next, value, &length), SHARED_ABSENT);
    shared_release(shared, slice_of("key"), 1);
    assert_int_equal(shared_look(shared, slice_of("key"), 110, &third, value, &length), SHARED_BUSY);
    shared_release(shared, slice_of("key"), 2);
    assert_int_equal(shared_look(shared, slice_of("key"), 120, &third, value, &length), SHARED_ABSENT);
    munmap(shared, SHARED_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_increment_is_lost),
        cmocka_unit_test(test_owner_killed_with_the_lock),
        cmocka_unit_test(test_owner_stopped_with_the_lock),
        cmocka_unit_test(test_bytes_are_seen_by_all_until_they_are_old),
        cmocka_unit_test(test_too_long_for_a_slot),
        cmocka_unit_test(test_longest_unused_slot_makes_room),
        cmocka_unit_test(test_only_what_fits_is_prepared),
        cmocka_unit_test(test_one_fill_for_two_workers),
        cmocka_unit_test(test_lease_given_back),
        cmocka_unit_test(test_lease_of_the_dead_runs_out),
        cmocka_unit_test(test_late_owner_does_not_end_anothers_lease),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
