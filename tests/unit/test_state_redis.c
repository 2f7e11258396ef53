/*
 * State in Redis, with a Redis of the test's own: what it keeps, and what happens when it is not there, dies, stops, comes back.
 */
#include "tests/unit/state_support.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/redis/redis_server.h"

#define DEADLINE_NS (200 * CLOCK_NS_PER_MS)

/* One Redis for all tests; each begins with nothing in it. */
static struct redis_server server;

static struct state_settings settings(void)
{
    struct state_settings made = {.redis_deadline_ns = DEADLINE_NS};
    assert_int_equal(net_parse_address(server.address, &made.redis), 0);
    return made;
}

static void tell(const char *line, const char *expected)
{
    char answer[256];
    assert_int_equal(redis_server_tell(&server, line, answer, sizeof answer), 0);
    assert_string_equal(answer, expected);
}

static int begin(void **unused)
{
    (void)unused;
    if (!redis_server_available())
        return 0;
    if (server.pid == 0 && redis_server_start(&server, 0) != 0)
        return -1;
    tell("FLUSHALL", "+OK");
    return 0;
}

#define SKIP_WITHOUT_REDIS()                                                                      \
    do {                                                                                          \
        if (!redis_server_available()) {                                                          \
            print_message("skipped: no redis-server or redis-check-rdb (Debian: redis-tools)\n"); \
            skip();                                                                               \
        }                                                                                         \
    } while (0)

/* Asks until there is no error: Redis is back. */
static struct note count_until_up(struct lab *lab)
{
    struct note note;
    uint64_t deadline_ns = clock_now_ns() + WAIT_MS * CLOCK_NS_PER_MS;
    while ((note = count(lab, STATE_REDIS, 0)).error != 0 && clock_now_ns() < deadline_ns)
        uv_run(&lab->loop, UV_RUN_ONCE);
    assert_int_equal(note.error, 0);
    return note;
}

/* ---- what it keeps ---- */

static void test_counter(void **unused)
{
    (void)unused;
    SKIP_WITHOUT_REDIS();
    struct lab one, two;
    lab_open(&one, settings());
    lab_open(&two, settings());
    assert_int_equal(count(&one, STATE_REDIS, 0).value, 0); /* there is none yet */
    assert_int_equal(count(&one, STATE_REDIS, 5).value, 5);
    assert_int_equal(count(&two, STATE_REDIS, -2).value, 3);
    assert_int_equal(count(&one, STATE_REDIS, 0).value, 3);
    tell("SET clusterbench:counter many", "+OK");
    assert_int_equal(count(&one, STATE_REDIS, 0).error, -EPROTO);
    struct note note = count(&one, STATE_REDIS, 1);
    assert_int_equal(note.error, -EREMOTEIO);
    assert_non_null(strstr(note.why, "ERR value is not an integer"));
    lab_close(&one);
    lab_close(&two);
}

#define ADDERS    4
#define ADDITIONS 2500
#define BATCH     100

_Noreturn static void add_many(void)
{
    struct lab lab;
    lab_open(&lab, settings());
    for (unsigned sent = 0; sent < ADDITIONS; sent += BATCH) {
        struct note note = {0};
        for (unsigned i = 0; i < BATCH; i++)
            state_count(lab.state, STATE_REDIS, 1, on_count, &note);
        lab_wait(&lab, &note.calls, BATCH);
        if (note.error)
            _exit(1);
    }
    _exit(0);
}

static void test_no_increment_is_lost(void **unused)
{
    (void)unused;
    SKIP_WITHOUT_REDIS();
    int status;
    pid_t children[ADDERS];
    for (unsigned i = 0; i < ADDERS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0)
            add_many();
    }
    for (unsigned i = 0; i < ADDERS; i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    char answer[64];
    assert_int_equal(redis_server_tell(&server, "STRLEN clusterbench:counter", answer, sizeof answer), 0);
    assert_string_equal(answer, ":5");
    struct lab lab;
    lab_open(&lab, settings());
    assert_int_equal(count(&lab, STATE_REDIS, 0).value, ADDERS * ADDITIONS);
    lab_close(&lab);
}

static void test_session(void **unused)
{
    (void)unused;
    SKIP_WITHOUT_REDIS();
    struct lab one, two;
    lab_open(&one, settings());
    lab_open(&two, settings());
    struct note first = visit(&one, STATE_REDIS, "");
    assert_int_equal(first.error, 0);
    assert_false(first.visit.hit);
    assert_int_equal(first.visit.visits, 1);
    struct note elsewhere = visit(&two, STATE_REDIS, first.visit.id);
    assert_true(elsewhere.visit.hit); /* in whichever worker */
    assert_int_equal(elsewhere.visit.visits, 2);
    assert_int_equal(elsewhere.visit.created_s, first.visit.created_s);
    assert_string_equal(elsewhere.visit.id, first.visit.id);
    struct note made_up = visit(&one, STATE_REDIS, "0123456789abcdef0123456789abcdef");
    assert_false(made_up.visit.hit);
    assert_string_not_equal(made_up.visit.id, "0123456789abcdef0123456789abcdef");
    tell("EXISTS clusterbench:session:0123456789abcdef0123456789abcdef", ":0");
    tell("HSET clusterbench:session:x visits 1 created 1", ":2");
    assert_false(visit(&one, STATE_REDIS, "x").visit.hit); /* only what can be an id is looked for */
    assert_int_equal(state_counts(two.state)->session_hits, 1);
    lab_close(&one);
    lab_close(&two);
}

static void test_session_ends(void **unused)
{
    (void)unused;
    SKIP_WITHOUT_REDIS();
    struct state_settings short_lived = settings();
    short_lived.session_ttl_ns = 20 * CLOCK_NS_PER_MS;
    struct lab lab;
    lab_open(&lab, short_lived);
    struct note first = visit(&lab, STATE_REDIS, "");
    let_pass(50 * CLOCK_NS_PER_MS);
    assert_false(visit(&lab, STATE_REDIS, first.visit.id).visit.hit);
    lab_close(&lab);
}

static void test_cache(void **unused)
{
    (void)unused;
    SKIP_WITHOUT_REDIS();
    struct lab one, two;
    lab_open(&one, settings());
    lab_open(&two, settings());
    struct note miss = get(&one, STATE_REDIS, "products", false);
    assert_int_equal(miss.source, STATE_MISS);
    assert_int_equal(fill(&one, miss.fill, "apples", 50 * CLOCK_NS_PER_MS).error, 0);
    struct note hit = get(&two, STATE_REDIS, "products", false);
    assert_int_equal(hit.source, STATE_HIT);
    assert_string_equal(hit.bytes, "apples");
    let_pass(60 * CLOCK_NS_PER_MS);
    miss = get(&two, STATE_REDIS, "products", true);
    assert_int_equal(miss.source, STATE_MISS); /* too old */
    state_cache_give_up(miss.fill, -EIO, "the database is gone");
    (void)count(&two, STATE_REDIS, 0); /* behind it */
    tell("EXISTS clusterbench:filling:products", ":0");
    lab_close(&one);
    lab_close(&two);
}

static void test_one_fill_for_two_workers(void **unused)
{
    (void)unused;
    SKIP_WITHOUT_REDIS();
    struct note first, waits[3];
    struct lab one, two;
    lab_open(&one, settings());
    lab_open(&two, settings());
    first = get(&one, STATE_REDIS, "products", true);
    assert_int_equal(first.source, STATE_MISS);
    for (unsigned i = 0; i < 3; i++) {
        waits[i] = (struct note){.error = UNANSWERED};
        state_cache_get(two.state, STATE_REDIS, slice_of("products"), true, on_got, &waits[i]);
    }
    (void)count(&two, STATE_REDIS, 0); /* behind their look */
    assert_int_equal(waits[0].error, UNANSWERED);
    assert_int_equal(fill(&one, first.fill, "apples", TTL_NS).error, 0);
    for (unsigned i = 0; i < 3; i++) {
        lab_wait(&two, &waits[i].calls, 1);
        assert_int_equal(waits[i].source, STATE_COLLAPSED);
        assert_string_equal(waits[i].bytes, "apples");
    }
    tell("EXISTS clusterbench:filling:products", ":0");
    lab_close(&one);
    lab_close(&two);
}

static void test_lease_of_the_dead_runs_out(void **unused)
{
    (void)unused;
    SKIP_WITHOUT_REDIS();
    struct lab lab;
    tell("SET clusterbench:filling:products somebody PX 100", "+OK");
    lab_open(&lab, settings());
    struct note note = get(&lab, STATE_REDIS, "products", true);
    assert_int_equal(note.source, STATE_MISS);
    tell("SET clusterbench:filling:products another PX 60000", "+OK"); /* we were too slow */
    assert_int_equal(fill(&lab, note.fill, "apples", TTL_NS).error, 0);
    tell("EXISTS clusterbench:filling:products", ":1"); /* and end nobody else's */
    assert_int_equal(get(&lab, STATE_REDIS, "products", true).source, STATE_HIT);
    lab_close(&lab);
}

/*
 * Who ends in the middle of a fill leaves no lease behind: given up or not, and also when Redis has not yet said whose it is (it is
 * stopped meanwhile). What was sent before a connection was made is done before anything that comes over that connection.
 */
static void test_lease_ends_with_its_worker(void **unused)
{
    (void)unused;
    SKIP_WITHOUT_REDIS();
    for (unsigned round = 0; round < 3; round++) {
        struct note asked = {0};
        struct lab lab;
        lab_open(&lab, settings());
        (void)count(&lab, STATE_REDIS, 0);
        if (round == 2)
            kill(server.pid, SIGSTOP);
        state_cache_get(lab.state, STATE_REDIS, slice_of("products"), true, on_got, &asked);
        if (round == 2) {
            uv_run(&lab.loop, UV_RUN_NOWAIT); /* it is on its way */
        } else {
            lab_wait(&lab, &asked.calls, 1);
            assert_int_equal(asked.source, STATE_MISS);
            tell("EXISTS clusterbench:filling:products", ":1");
        }
        if (round == 0)
            state_cache_give_up(asked.fill, -ECANCELED, "the worker is ending");
        lab_close(&lab);
        if (round == 2)
            kill(server.pid, SIGCONT);
        tell("EXISTS clusterbench:filling:products", ":0");
    }
}

/* It leaves by itself, with another's lease in Redis: that one stays. */
static void test_ending_leaves_other_leases(void **unused)
{
    (void)unused;
    SKIP_WITHOUT_REDIS();
    struct note asked = {0};
    struct lab lab;
    tell("SET clusterbench:filling:products somebody PX 60000", "+OK");
    lab_open(&lab, settings());
    (void)count(&lab, STATE_REDIS, 0);
    state_cache_get(lab.state, STATE_REDIS, slice_of("products"), true, on_got, &asked);
    (void)count(&lab, STATE_REDIS, 0); /* behind its look */
    lab_close(&lab);
    assert_int_equal(asked.error, -ECANCELED);
    tell("EXISTS clusterbench:filling:products", ":1");
}

/* ---- and when it is not there ---- */

static void test_down_from_the_beginning_then_up(void **unused)
{
    (void)unused;
    SKIP_WITHOUT_REDIS();
    struct lab lab;
    redis_server_kill(&server);
    unlink(server.path);
    lab_open(&lab, settings());
    struct note note = {.error = UNANSWERED};
    state_count(lab.state, STATE_REDIS, 1, on_count, &note);
    assert_int_equal(note.error, -ENOTCONN); /* at once */
    assert_non_null(strstr(note.why, server.address));
    assert_non_null(strstr(note.why, "No such file or directory"));
    assert_int_equal(visit(&lab, STATE_REDIS, "").error, -ENOTCONN);
    assert_int_equal(get(&lab, STATE_REDIS, "products", true).error, -ENOTCONN);
    assert_int_equal(count(&lab, STATE_LOCAL, 1).value, 1); /* the rest goes on */
    assert_int_equal(redis_server_start(&server, 0), 0);
    (void)count_until_up(&lab);
    assert_int_equal(count(&lab, STATE_REDIS, 3).value, 3);
    lab_close(&lab);
}

/* What was told of a Redis that goes and comes. */
struct changes {
    unsigned downs, ups;
    char why[320];
};

static void on_changed(void *context, const char *name, const char *why)
{
    struct changes *changes = context;
    assert_string_equal(name, server.address);
    changes->downs += why != NULL;
    changes->ups += why == NULL;
    if (why)
        snprintf(changes->why, sizeof changes->why, "%s", why);
}

/* Where the Redis was, somebody takes connections and ends them: each is a try that has failed. */
static void refuse_tries(struct lab *lab, unsigned tries)
{
    struct net_address address = settings().redis;
    int listener = net_listen(&address, 0, 8);
    assert_true(listener >= 0);
    assert_int_equal(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
    uint64_t deadline_ns = clock_now_ns() + WAIT_MS * CLOCK_NS_PER_MS;
    while (tries > 0 && clock_now_ns() < deadline_ns) {
        int fd = accept(listener, NULL, NULL);
        if (fd >= 0) {
            close(fd);
            tries--;
        }
        uv_run(&lab->loop, fd >= 0 ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    }
    assert_int_equal(tries, 0);
    close(listener);
    unlink(server.path);
}

/* A change is told once, however many tries fail; a connection that succeeds at once is none. */
static void test_changes_are_told_once(void **unused)
{
    (void)unused;
    SKIP_WITHOUT_REDIS();
    struct changes changes = {0};
    struct state_settings told = settings();
    struct lab lab;
    told.redis_changed = on_changed;
    told.redis_context = &changes;
    lab_open(&lab, told);
    (void)count(&lab, STATE_REDIS, 1);
    assert_int_equal(changes.downs + changes.ups, 0);
    redis_server_kill(&server);
    unlink(server.path);
    lab_wait(&lab, &changes.downs, 1);
    assert_non_null(strstr(changes.why, server.address));
    refuse_tries(&lab, 3);
    assert_int_equal(changes.downs, 1);
    assert_int_equal(changes.ups, 0);
    assert_int_equal(redis_server_start(&server, 0), 0);
    (void)count_until_up(&lab);
    assert_int_equal(changes.downs, 1);
    assert_int_equal(changes.ups, 1);
    lab_close(&lab); /* an end is no change */
    assert_int_equal(changes.downs, 1);
}

static void test_killed_and_restarted(void **unused)
{
    (void)unused;
    SKIP_WITHOUT_REDIS();
    struct lab lab;
    lab_open(&lab, settings());
    for (unsigned round = 0; round < 2; round++) {
        assert_int_equal(count(&lab, STATE_REDIS, 1).value, 1);
        redis_server_kill(&server);
        struct note broken = count(&lab, STATE_REDIS, 1); /* its fate is told, not waited for */
        assert_true(broken.error == -ECONNRESET || broken.error == -ENOTCONN);
        struct note down = count(&lab, STATE_REDIS, 1);
        assert_int_equal(down.error, -ENOTCONN);
        assert_int_equal(redis_server_start(&server, 0), 0);
        assert_int_equal(count_until_up(&lab).value, 0);
    }
    lab_close(&lab);
}

/* Commands that Redis has and never answers: it is stopped, takes them, and is killed. */
static void test_killed_with_commands_under_way(void **unused)
{
    (void)unused;
    SKIP_WITHOUT_REDIS();
    struct state_settings patient = settings();
    patient.redis_deadline_ns = 3600 * CLOCK_NS_PER_S;
    struct note note = {0};
    struct lab lab;
    lab_open(&lab, patient);
    (void)count(&lab, STATE_REDIS, 1);
    kill(server.pid, SIGSTOP);
    for (unsigned i = 0; i < 50; i++)
        state_count(lab.state, STATE_REDIS, 1, on_count, &note);
    for (unsigned i = 0; i < 5; i++)
        uv_run(&lab.loop, UV_RUN_NOWAIT);
    assert_int_equal(note.calls, 0);
    redis_server_kill(&server);
    lab_wait(&lab, &note.calls, 50);
    assert_int_equal(note.error, -ECONNRESET);
    assert_non_null(strstr(note.why, server.address));
    lab_close(&lab);
}

static void test_stopped_and_continued(void **unused)
{
    (void)unused;
    SKIP_WITHOUT_REDIS();
    struct lab lab;
    lab_open(&lab, settings());
    assert_int_equal(count(&lab, STATE_REDIS, 1).value, 1);
    kill(server.pid, SIGSTOP);
    struct note hung = count(&lab, STATE_REDIS, 0);
    assert_int_equal(hung.error, -ETIMEDOUT);
    assert_non_null(strstr(hung.why, "no answer within 200 ms"));
    for (unsigned i = 0; i < 3; i++) { /* the kernel still connects for it; that is not up */
        let_pass(50 * CLOCK_NS_PER_MS);
        uv_run(&lab.loop, UV_RUN_NOWAIT);
        struct note down = {.error = UNANSWERED};
        state_count(lab.state, STATE_REDIS, 1, on_count, &down);
        assert_int_equal(down.error, -ENOTCONN);
    }
    kill(server.pid, SIGCONT);
    assert_int_equal(count_until_up(&lab).value, 1);
    lab_close(&lab);
}

/* A worker that was occupied for longer than the deadline does not hold that against Redis. */
static void test_own_absence_is_no_silence(void **unused)
{
    (void)unused;
    SKIP_WITHOUT_REDIS();
    struct note note = {0};
    struct lab lab;
    lab_open(&lab, settings());
    (void)count(&lab, STATE_REDIS, 1);
    state_count(lab.state, STATE_REDIS, 1, on_count, &note);
    let_pass(2 * DEADLINE_NS);
    lab_wait(&lab, &note.calls, 1);
    assert_int_equal(note.error, 0);
    assert_int_equal(note.value, 2);
    lab_close(&lab);
}

static void test_not_ready_is_not_up(void **unused)
{
    (void)unused;
    SKIP_WITHOUT_REDIS();
    struct lab lab;
    tell("CONFIG SET requirepass secret", "+OK");
    lab_open(&lab, settings());
    struct note note = count(&lab, STATE_REDIS, 1);
    assert_int_equal(note.error, -ENOTCONN);
    assert_non_null(strstr(note.why, "NOAUTH"));
    lab_close(&lab);
    redis_server_kill(&server); /* its password goes with it */
}

static void test_closing_with_commands_under_way(void **unused)
{
    (void)unused;
    SKIP_WITHOUT_REDIS();
    struct note counts = {0}, visits = {0}, got = {0};
    struct lab lab;
    lab_open(&lab, settings());
    (void)count(&lab, STATE_REDIS, 1);
    for (unsigned i = 0; i < 10; i++)
        state_count(lab.state, STATE_REDIS, 1, on_count, &counts);
    state_session_visit(lab.state, STATE_REDIS, slice_of(""), on_visit, &visits);
    for (unsigned i = 0; i < 3; i++)
        state_cache_get(lab.state, STATE_REDIS, slice_of("products"), true, on_got, &got);
    lab_close(&lab);
    assert_int_equal(counts.calls, 10);
    assert_int_equal(counts.error, -ECANCELED);
    assert_int_equal(visits.error, -ECANCELED);
    assert_int_equal(got.calls, 3);
    assert_int_equal(got.error, -ECANCELED);
}

/* Closing from within an answer: hiredis is on the stack. */
static void on_count_close(void *context, int error, const char *why, int64_t value)
{
    struct lab *lab = context;
    (void)error;
    (void)why;
    (void)value;
    state_close(lab->state, on_lab_closed, lab);
    lab->state = NULL;
}

static void test_closing_from_an_answer(void **unused)
{
    (void)unused;
    SKIP_WITHOUT_REDIS();
    for (int killed = 0; killed < 2; killed++) {
        struct note behind = {.error = UNANSWERED};
        struct lab lab;
        lab_open(&lab, settings());
        (void)count(&lab, STATE_REDIS, 1);
        state_count(lab.state, STATE_REDIS, 1, on_count_close, &lab);
        state_count(lab.state, STATE_REDIS, 1, on_count, &behind);
        if (killed)
            redis_server_kill(&server);
        lab_wait(&lab, &behind.calls, 1);
        lab_close(&lab);
        assert_true(behind.error == -ECANCELED || (killed && behind.error == -ECONNRESET));
    }
}

/* ---- over TCP ---- */

static uint16_t free_port(struct net_address *address, int *listener)
{
    assert_int_equal(net_parse_address("127.0.0.1:0", address), 0);
    *listener = net_bind(address, 0); /* bound, not listening: who connects is refused */
    assert_true(*listener >= 0);
    assert_int_equal(net_local_address(*listener, address), 0);
    return net_port(address);
}

static void test_refused_over_tcp_then_up(void **unused)
{
    (void)unused;
    SKIP_WITHOUT_REDIS();
    struct state_settings over_tcp = settings();
    struct lab lab;
    int listener;
    uint16_t port = free_port(&over_tcp.redis, &listener);
    lab_open(&lab, over_tcp);
    struct note note = count(&lab, STATE_REDIS, 1); /* waits for the first connection */
    assert_int_equal(note.error, -ENOTCONN);
    assert_non_null(strstr(note.why, "Connection refused"));
    close(listener);
    redis_server_kill(&server);
    assert_int_equal(redis_server_start(&server, port), 0);
    (void)count_until_up(&lab);
    assert_int_equal(count(&lab, STATE_REDIS, 4).value, 4);
    redis_server_kill(&server);
    struct note broken = count(&lab, STATE_REDIS, 1);
    assert_true(broken.error == -ECONNRESET || broken.error == -ENOTCONN);
    lab_close(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_counter, begin),
        cmocka_unit_test_setup(test_no_increment_is_lost, begin),
        cmocka_unit_test_setup(test_session, begin),
        cmocka_unit_test_setup(test_session_ends, begin),
        cmocka_unit_test_setup(test_cache, begin),
        cmocka_unit_test_setup(test_one_fill_for_two_workers, begin),
        cmocka_unit_test_setup(test_lease_of_the_dead_runs_out, begin),
        cmocka_unit_test_setup(test_lease_ends_with_its_worker, begin),
        cmocka_unit_test_setup(test_ending_leaves_other_leases, begin),
        cmocka_unit_test_setup(test_down_from_the_beginning_then_up, begin),
        cmocka_unit_test_setup(test_changes_are_told_once, begin),
        cmocka_unit_test_setup(test_killed_and_restarted, begin),
        cmocka_unit_test_setup(test_killed_with_commands_under_way, begin),
        cmocka_unit_test_setup(test_stopped_and_continued, begin),
        cmocka_unit_test_setup(test_own_absence_is_no_silence, begin),
        cmocka_unit_test_setup(test_not_ready_is_not_up, begin),
        cmocka_unit_test_setup(test_closing_with_commands_under_way, begin),
        cmocka_unit_test_setup(test_closing_from_an_answer, begin),
        cmocka_unit_test_setup(test_refused_over_tcp_then_up, begin),
    };
    if (redis_server_prepare(&server) != 0)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    redis_server_remove(&server);
    return failed;
}
