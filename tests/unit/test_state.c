/*
 * State without Redis: names of stores; a worker's own counter, sessions and cache; the primary asked; single flight; closing.
 */
#include "tests/unit/state_support.h"

/* ---- stores ---- */

static void test_stores_by_name(void **unused)
{
    (void)unused;
    enum state_store store;
    char text[STATE_ALLOWED_SIZE];
    assert_int_equal(state_parse_store(STATE_COUNTER, slice_of("primary"), &store), 0);
    assert_int_equal(store, STATE_PRIMARY);
    assert_int_equal(state_parse_store(STATE_COUNTER, slice_of("Primary"), &store), -EINVAL);
    assert_int_equal(state_parse_store(STATE_COUNTER, slice_of(""), &store), -EINVAL);
    assert_int_equal(state_parse_store(STATE_SESSION, slice_of("shared"), &store), -ENOTSUP);
    assert_int_equal(state_parse_store(STATE_CACHE, slice_of("primary"), &store), -ENOTSUP);
    assert_int_equal(state_parse_store(STATE_CACHE, slice_of("shared"), &store), 0);
    assert_string_equal(state_allowed_stores(STATE_COUNTER, text), "local, primary, shared or redis");
    assert_string_equal(state_allowed_stores(STATE_SESSION, text), "local or redis");
    assert_string_equal(state_allowed_stores(STATE_CACHE, text), "local, shared or redis");
}

static void test_stores_that_are_not_there(void **unused)
{
    (void)unused;
    struct lab lab;
    lab_open(&lab, (struct state_settings){0});
    assert_int_equal(count(&lab, STATE_PRIMARY, 1).error, -ENOTSUP);
    assert_int_equal(count(&lab, STATE_SHARED, 1).error, -ENOTSUP);
    assert_int_equal(count(&lab, STATE_REDIS, 1).error, -ENOTSUP);
    assert_int_equal(visit(&lab, STATE_SHARED, "").error, -ENOTSUP);
    assert_int_equal(get(&lab, STATE_PRIMARY, "key", false).error, -ENOTSUP);
    assert_int_equal(get(&lab, STATE_LOCAL, "", false).error, -EINVAL);
    char key[STATE_KEY_MAX + 2];
    memset(key, 'k', sizeof key);
    key[sizeof key - 1] = '\0';
    assert_int_equal(get(&lab, STATE_LOCAL, key, false).error, -EINVAL);
    lab_close(&lab);
}

static void test_what_cannot_be_opened(void **unused)
{
    (void)unused;
    struct state *state;
    uv_loop_t loop;
    static _Alignas(64) char other_build[4096];
    struct state_settings settings = {.loop = &loop, .shared = other_build};
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(state_open(&state, &settings), -EPROTO); /* never prepared, or by another build */
    settings.shared = NULL;
    assert_int_equal(net_parse_address("unix:@redis", &settings.redis), 0);
    assert_int_equal(state_open(&state, &settings), -EINVAL);
    assert_int_equal(uv_loop_close(&loop), 0);
}

/* ---- counter ---- */

static void test_local_counters_know_nothing_of_each_other(void **unused)
{
    (void)unused;
    struct lab one, two;
    lab_open(&one, (struct state_settings){0});
    lab_open(&two, (struct state_settings){0});
    assert_int_equal(count(&one, STATE_LOCAL, 5).value, 5);
    assert_int_equal(count(&one, STATE_LOCAL, -2).value, 3);
    assert_int_equal(count(&two, STATE_LOCAL, 1).value, 1);
    assert_int_equal(count(&one, STATE_LOCAL, 0).value, 3);
    assert_true(count(&two, STATE_LOCAL, INT64_MAX).value == INT64_MIN); /* wraps around */
    lab_close(&one);
    lab_close(&two);
}

/* A primary of the test's own: it answers at once, later, or with an error. */
struct fake_primary {
    struct state_primary primary;
    bool at_once;
    int refuse, fail;
    unsigned waiting;
    struct {
        char question[64];
        size_t length;
        state_answered *answered;
        void *context;
    } asked[4];
};

static void answer_question(struct fake_primary *fake, const char *question, size_t length, state_answered *answered, void *context)
{
    char answer[STATE_ANSWER_SIZE];
    int got = state_primary_answer(&fake->primary, (struct slice){question, length}, answer);
    assert_true(got >= 0);
    answered(context, fake->fail, (struct slice){answer, fake->fail ? 0 : (size_t)got});
}

static int ask(void *context, struct slice question, state_answered *answered, void *answered_context)
{
    struct fake_primary *fake = context;
    if (fake->refuse)
        return fake->refuse;
    if (fake->at_once) {
        answer_question(fake, question.at, question.length, answered, answered_context);
        return 0;
    }
    assert_true(fake->waiting < LENGTH_OF(fake->asked) && question.length <= sizeof fake->asked[0].question);
    memcpy(fake->asked[fake->waiting].question, question.at, question.length);
    fake->asked[fake->waiting].length = question.length;
    fake->asked[fake->waiting].answered = answered;
    fake->asked[fake->waiting++].context = answered_context;
    return 0;
}

static void answer_all_questions(struct fake_primary *fake)
{
    for (unsigned i = 0; i < fake->waiting; i++)
        answer_question(fake, fake->asked[i].question, fake->asked[i].length, fake->asked[i].answered, fake->asked[i].context);
    fake->waiting = 0;
}

static void test_primary_counts_for_all(void **unused)
{
    (void)unused;
    struct fake_primary fake = {.at_once = true};
    struct lab one, two;
    lab_open(&one, (struct state_settings){.ask = ask, .ask_context = &fake});
    lab_open(&two, (struct state_settings){.ask = ask, .ask_context = &fake});
    assert_int_equal(count(&one, STATE_PRIMARY, 5).value, 5);
    assert_int_equal(count(&two, STATE_PRIMARY, 2).value, 7);
    assert_int_equal(count(&one, STATE_PRIMARY, 0).value, 7);
    lab_close(&one);
    assert_int_equal(count(&two, STATE_PRIMARY, 0).value, 7); /* a worker goes, the number stays */
    lab_close(&two);
}

static void test_primary_that_does_not_answer(void **unused)
{
    (void)unused;
    struct fake_primary fake = {.refuse = -EAGAIN};
    struct note note = {0};
    struct lab lab;
    lab_open(&lab, (struct state_settings){.ask = ask, .ask_context = &fake});
    note = count(&lab, STATE_PRIMARY, 1);
    assert_int_equal(note.error, -EAGAIN);
    assert_non_null(strstr(note.why, "the primary: "));
    fake.refuse = 0;
    fake.fail = -ETIMEDOUT;
    fake.at_once = true;
    assert_int_equal(count(&lab, STATE_PRIMARY, 1).error, -ETIMEDOUT);
    lab_close(&lab);
}

/* The question is still out when the worker's state goes: it is answered, and what comes later finds nobody. */
static void test_answers_that_come_too_late(void **unused)
{
    (void)unused;
    struct fake_primary fake = {0};
    struct note first = {.error = UNANSWERED}, second = {.error = UNANSWERED};
    struct lab lab;
    lab_open(&lab, (struct state_settings){.ask = ask, .ask_context = &fake});
    state_count(lab.state, STATE_PRIMARY, 1, on_count, &first);
    state_count(lab.state, STATE_PRIMARY, 1, on_count, &second);
    assert_int_equal(first.error, UNANSWERED);
    lab_close(&lab);
    assert_int_equal(first.error, -ECANCELED);
    assert_int_equal(second.error, -ECANCELED);
    answer_all_questions(&fake);
    assert_int_equal(first.calls, 1);
    assert_int_equal(fake.primary.counter, 2);
}

static void test_primary_refuses_what_it_does_not_know(void **unused)
{
    (void)unused;
    struct state_primary primary = {0};
    char answer[STATE_ANSWER_SIZE], question[16] = {9};
    assert_int_equal(state_primary_answer(&primary, slice_of(""), answer), -EPROTO);
    assert_int_equal(state_primary_answer(&primary, slice_of("how much is it"), answer), -EPROTO);
    assert_int_equal(state_primary_answer(&primary, (struct slice){question, sizeof question}, answer), -EPROTO);
    assert_int_equal(primary.counter, 0);
}

/* ---- sessions ---- */

static void test_session_is_known_where_it_began(void **unused)
{
    (void)unused;
    struct lab one, two;
    lab_open(&one, (struct state_settings){0});
    lab_open(&two, (struct state_settings){0});
    struct note first = visit(&one, STATE_LOCAL, ""), again = visit(&one, STATE_LOCAL, first.visit.id);
    assert_false(first.visit.hit);
    assert_int_equal(first.visit.visits, 1);
    assert_int_equal(strlen(first.visit.id), 32);
    assert_true(again.visit.hit);
    assert_int_equal(again.visit.visits, 2);
    assert_string_equal(again.visit.id, first.visit.id);
    assert_int_equal(again.visit.created_s, first.visit.created_s);
    struct note elsewhere = visit(&two, STATE_LOCAL, first.visit.id);
    assert_false(elsewhere.visit.hit);
    assert_string_not_equal(elsewhere.visit.id, first.visit.id); /* never taken over from a client */
    assert_int_equal(state_counts(one.state)->session_hits, 1);
    assert_int_equal(state_counts(one.state)->session_misses, 1);
    lab_close(&one);
    lab_close(&two);
}

static void test_ids_that_are_none(void **unused)
{
    (void)unused;
    static const char *const ids[] = {"x",
                                      "0123456789abcdef0123456789abcde",
                                      "0123456789abcdef0123456789abcdef0",
                                      "0123456789ABCDEF0123456789ABCDEF",
                                      "../../../../../../../etc/passwd.",
                                      "0123456789abcdef0123456789abcdef"};
    struct lab lab;
    lab_open(&lab, (struct state_settings){0});
    for (size_t i = 0; i < LENGTH_OF(ids); i++) {
        struct note note = visit(&lab, STATE_LOCAL, ids[i]);
        assert_int_equal(note.error, 0);
        assert_false(note.visit.hit);
        assert_string_not_equal(note.visit.id, ids[i]);
    }
    lab_close(&lab);
}

static void test_sessions_end(void **unused)
{
    (void)unused;
    struct lab lab;
    const uint64_t ttl_ns = 20 * CLOCK_NS_PER_MS;
    lab_open(&lab, (struct state_settings){.session_ttl_ns = ttl_ns});
    struct note first = visit(&lab, STATE_LOCAL, "");
    let_pass(ttl_ns);
    assert_false(visit(&lab, STATE_LOCAL, first.visit.id).visit.hit);
    lab_close(&lab);
    lab_open(&lab, (struct state_settings){.sessions_max = 2});
    struct note one = visit(&lab, STATE_LOCAL, ""), two = visit(&lab, STATE_LOCAL, "");
    assert_true(visit(&lab, STATE_LOCAL, one.visit.id).visit.hit);
    (void)visit(&lab, STATE_LOCAL, ""); /* a third: the second was longest unused */
    assert_true(visit(&lab, STATE_LOCAL, one.visit.id).visit.hit);
    assert_false(visit(&lab, STATE_LOCAL, two.visit.id).visit.hit);
    lab_close(&lab);
}

/* ---- cache ---- */

static void test_miss_fill_hit(void **unused)
{
    (void)unused;
    struct lab lab;
    lab_open(&lab, (struct state_settings){0});
    struct note miss = get(&lab, STATE_LOCAL, "products", false);
    assert_int_equal(miss.source, STATE_MISS);
    assert_int_equal(fill(&lab, miss.fill, "apples", 20 * CLOCK_NS_PER_MS).error, 0);
    struct note hit = get(&lab, STATE_LOCAL, "products", false);
    assert_int_equal(hit.source, STATE_HIT);
    assert_string_equal(hit.bytes, "apples");
    let_pass(20 * CLOCK_NS_PER_MS);
    miss = get(&lab, STATE_LOCAL, "products", false);
    assert_int_equal(miss.source, STATE_MISS); /* too old */
    state_cache_give_up(miss.fill, -EIO, "the database is gone");
    assert_int_equal(state_counts(lab.state)->cache_hits, 1);
    assert_int_equal(state_counts(lab.state)->cache_misses, 2);
    assert_int_equal(state_counts(lab.state)->cache_fills, 1);
    lab_close(&lab);
}

/* Asks `count` times for one key, without waiting for answers. */
static void storm(struct lab *lab, enum state_store store, bool single_flight, struct note *notes, unsigned number)
{
    for (unsigned i = 0; i < number; i++) {
        notes[i] = (struct note){.error = UNANSWERED};
        state_cache_get(lab->state, store, slice_of("products"), single_flight, on_got, &notes[i]);
    }
}

static void test_storm_without_single_flight(void **unused)
{
    (void)unused;
    struct note notes[5];
    struct lab lab;
    lab_open(&lab, (struct state_settings){0});
    storm(&lab, STATE_LOCAL, false, notes, 5);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(notes[i].error, 0);
        assert_int_equal(notes[i].source, STATE_MISS);
        (void)fill(&lab, notes[i].fill, "apples", TTL_NS);
    }
    assert_int_equal(state_counts(lab.state)->cache_fills, 5);
    lab_close(&lab);
}

static void test_storm_with_single_flight(void **unused)
{
    (void)unused;
    struct note notes[5], other;
    struct lab lab;
    lab_open(&lab, (struct state_settings){0});
    storm(&lab, STATE_LOCAL, true, notes, 5);
    assert_int_equal(notes[0].source, STATE_MISS);
    for (unsigned i = 1; i < 5; i++)
        assert_int_equal(notes[i].error, UNANSWERED); /* they wait */
    other = get(&lab, STATE_LOCAL, "carts", true);
    assert_int_equal(other.source, STATE_MISS); /* another key waits for nobody */
    state_cache_give_up(other.fill, -EIO, "no carts");
    assert_int_equal(fill(&lab, notes[0].fill, "apples", TTL_NS).error, 0);
    for (unsigned i = 1; i < 5; i++) {
        assert_int_equal(notes[i].calls, 1);
        assert_int_equal(notes[i].source, STATE_COLLAPSED);
        assert_string_equal(notes[i].bytes, "apples");
    }
    assert_int_equal(state_counts(lab.state)->cache_fills, 1);
    assert_int_equal(state_counts(lab.state)->cache_collapsed, 4);
    assert_int_equal(get(&lab, STATE_LOCAL, "products", true).source, STATE_HIT);
    lab_close(&lab);
}

static void test_fill_that_fails(void **unused)
{
    (void)unused;
    struct note notes[3];
    struct lab lab;
    lab_open(&lab, (struct state_settings){0});
    storm(&lab, STATE_LOCAL, true, notes, 3);
    state_cache_give_up(notes[0].fill, -EIO, "the database is gone");
    for (unsigned i = 1; i < 3; i++) {
        assert_int_equal(notes[i].error, -EIO);
        assert_string_equal(notes[i].why, "the database is gone");
    }
    struct note next = get(&lab, STATE_LOCAL, "products", true);
    assert_int_equal(next.source, STATE_MISS); /* and the next one may try */
    assert_int_equal(fill(&lab, next.fill, "apples", TTL_NS).error, 0);
    lab_close(&lab);
}

static void test_too_long_to_keep(void **unused)
{
    (void)unused;
    struct lab lab;
    struct note notes[2], kept = {0};
    char *bytes = calloc(1, STATE_VALUE_MAX + 1);
    assert_non_null(bytes);
    lab_open(&lab, (struct state_settings){0});
    storm(&lab, STATE_LOCAL, true, notes, 2);
    state_cache_fill(notes[0].fill, (struct slice){bytes, STATE_VALUE_MAX + 1}, TTL_NS, on_kept, &kept);
    assert_int_equal(kept.error, -E2BIG);
    assert_int_equal(notes[1].error, 0); /* who waited has it all the same */
    assert_int_equal(notes[1].source, STATE_COLLAPSED);
    assert_int_equal(state_counts(lab.state)->cache_unkept, 1);
    struct note miss = get(&lab, STATE_LOCAL, "products", true);
    assert_int_equal(miss.source, STATE_MISS);
    lab_close(&lab); /* takes the fill back */
    free(bytes);
}

static void test_closing_answers_who_waits(void **unused)
{
    (void)unused;
    struct note notes[4], late = {0};
    struct lab lab;
    lab_open(&lab, (struct state_settings){0});
    storm(&lab, STATE_LOCAL, true, notes, 4);
    state_close(lab.state, on_lab_closed, &lab);
    for (unsigned i = 1; i < 4; i++)
        assert_int_equal(notes[i].error, -ECANCELED);
    assert_false(lab.closed);
    state_count(lab.state, STATE_LOCAL, 1, on_count, &late);
    assert_int_equal(late.error, -ECANCELED);
    lab.state = NULL;
    lab_close(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stores_by_name),
        cmocka_unit_test(test_stores_that_are_not_there),
        cmocka_unit_test(test_what_cannot_be_opened),
        cmocka_unit_test(test_local_counters_know_nothing_of_each_other),
        cmocka_unit_test(test_primary_counts_for_all),
        cmocka_unit_test(test_primary_that_does_not_answer),
        cmocka_unit_test(test_answers_that_come_too_late),
        cmocka_unit_test(test_primary_refuses_what_it_does_not_know),
        cmocka_unit_test(test_session_is_known_where_it_began),
        cmocka_unit_test(test_ids_that_are_none),
        cmocka_unit_test(test_sessions_end),
        cmocka_unit_test(test_miss_fill_hit),
        cmocka_unit_test(test_storm_without_single_flight),
        cmocka_unit_test(test_storm_with_single_flight),
        cmocka_unit_test(test_fill_that_fails),
        cmocka_unit_test(test_too_long_to_keep),
        cmocka_unit_test(test_closing_answers_who_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
