/*
 * Lines that can be told whole from torn: no byte may change, go or come unseen.
 */
#include "support.h"

#include <limits.h>
#include <stdlib.h>

#include "service/numbered_line.h"

/* A sealed line in memory that the caller frees; *length with its newline. */
static char *make(const struct numbered_line *line, const char *text, size_t *length)
{
    size_t text_length = strlen(text);
    char *out = malloc(NUMBERED_LINE_HEAD_MOST + text_length + 1);
    assert_non_null(out);
    size_t head = numbered_line_begin(line, text_length, out);
    assert_true(head < NUMBERED_LINE_HEAD_MOST);
    memcpy(out + head, text, text_length);
    *length = head + text_length + 1;
    numbered_line_seal(out, *length);
    return out;
}

static bool is_whole(const char *text, size_t length, struct numbered_line *line)
{
    struct guarded guarded;
    guarded_init(&guarded, text, length);
    bool whole = numbered_line_read((struct slice){guarded.text, guarded.length}, line);
    guarded_close(&guarded);
    return whole;
}

static void check(const struct numbered_line *line, const char *text)
{
    size_t length;
    struct numbered_line back = {0};
    char *made = make(line, text, &length);
    assert_int_equal(made[length - 1], '\n');
    assert_ptr_equal(memchr(made, '\n', length), made + length - 1);
    assert_true(is_whole(made, length - 1, &back));
    assert_int_equal(back.worker, line->worker);
    assert_int_equal(back.pid, line->pid);
    assert_int_equal(back.life, line->life);
    assert_true(back.number == line->number);
    free(made);
}

static void test_there_and_back(void **state)
{
    (void)state;
    check(&(struct numbered_line){0, 1, 1, 1}, "");
    check(&(struct numbered_line){3, 4711, 1, 17}, "hello");
    check(&(struct numbered_line){3, 4711, 1, 17}, "worker=3 pid=4711 life=1 line=17 length=0000000001 sum=0000000000000000 ");
    check(&(struct numbered_line){255, INT_MAX, UINT_MAX, UINT64_MAX / 10 - 10}, "the widest head");
}

static void test_every_change_is_seen(void **state)
{
    size_t length;
    struct numbered_line back;
    char *made = make(&(struct numbered_line){3, 4711, 1, 17}, "some text", &length);
    (void)state;
    for (size_t i = 0; i < length - 1; i++)
        for (int bit = 0; bit < 8; bit++) {
            made[i] ^= (char)(1 << bit);
            if (is_whole(made, length - 1, &back))
                fail_msg("bit %d of byte %zu changed unseen", bit, i);
            made[i] ^= (char)(1 << bit);
        }
    for (size_t cut = 0; cut < length - 1; cut++) {
        assert_false(is_whole(made, cut, &back));
        assert_false(is_whole(made + cut + 1, length - 2 - cut, &back));
    }
    free(made);
}

/* One line in the middle of another, at every place: neither is whole, and nor are both as one. */
static void test_interleaved(void **state)
{
    size_t one_length, two_length;
    struct numbered_line back;
    char *one = make(&(struct numbered_line){1, 10, 1, 1}, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", &one_length);
    char *two = make(&(struct numbered_line){2, 20, 1, 1}, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", &two_length);
    char *mixed = malloc(one_length + two_length);
    (void)state;
    assert_non_null(mixed);
    for (size_t cut = 1; cut < one_length - 1; cut++) {
        memcpy(mixed, one, cut);
        memcpy(mixed + cut, two, two_length);
        memcpy(mixed + cut + two_length, one + cut, one_length - cut);
        assert_false(is_whole(mixed, cut + two_length - 1, &back));
        assert_false(is_whole(mixed + cut + two_length, one_length - cut - 1, &back));
    }
    free(one);
    free(two);
    free(mixed);
}

static void test_what_is_no_line(void **state)
{
    static const char *const texts[] = {
        "",
        "hello",
        "worker=",
        "worker=1 pid=2 life=1 line=3 length=4",
        "worker=1 pid=2 life=1 line=3 length=0000000060 sum=",
        "worker=99999999999999999999999 pid=2 life=1 line=3 length=4 sum=0123456789abcdef ",
    };
    struct numbered_line back;
    (void)state;
    for (size_t i = 0; i < LENGTH_OF(texts); i++)
        assert_false(is_whole(texts[i], strlen(texts[i]), &back));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_every_change_is_seen),
        cmocka_unit_test(test_interleaved),
        cmocka_unit_test(test_what_is_no_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
