/*
 * The response parser writes what it saw as a line of text; each row of the tables says which line it must be. Every row is run
 * whole, one byte at a time and split at every position: the ordinary-response scanner sees only whole ones, llhttp sees the rest,
 * and both must tell the same story. The last test holds the two against each other on thousands of damaged responses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "http/response_parser.h"

#define TRANSCRIPT_SIZE 8192

struct transcript {
    char text[TRANSCRIPT_SIZE];
    size_t length;
    bool in_body;
    int fail_at_head;
};

static void append(struct transcript *transcript, const char *text, size_t length)
{
    assert_true(transcript->length + length + 1 < TRANSCRIPT_SIZE);
    memcpy(transcript->text + transcript->length, text, length);
    transcript->length += length;
    transcript->text[transcript->length] = '\0';
}

static void append_text(struct transcript *transcript, const char *text)
{
    append(transcript, text, strlen(text));
}

static int write_header(void *context, struct slice name, struct slice value)
{
    append(context, name.at, name.length);
    append_text(context, "=");
    append(context, value.at, value.length);
    append_text(context, ";");
    return 0;
}

static int write_head(void *context, const struct response_head *head)
{
    static const char *const framings[] = {"empty", "length", "chunked", "close"};
    struct transcript *transcript = context;
    char line[128];
    snprintf(line, sizeof(line), "%u %u.%u %s%s%s", head->status, head->major, head->minor, framings[head->framing],
             head->keep_alive ? " keep" : "", head->interim ? " interim" : "");
    append_text(transcript, line);
    if (head->has_length) {
        snprintf(line, sizeof(line), " %llu", (unsigned long long)head->content_length);
        append_text(transcript, line);
    }
    append_text(transcript, ";");
    return transcript->fail_at_head;
}

static int write_body(void *context, struct slice piece)
{
    struct transcript *transcript = context;
    if (!transcript->in_body)
        append_text(transcript, "body=");
    transcript->in_body = true;
    append(transcript, piece.at, piece.length);
    return 0;
}

static int write_complete(void *context)
{
    append_text(context, "|done");
    return 0;
}

static const struct response_events all_events = {
    .on_header = write_header,
    .on_head = write_head,
    .on_body = write_body,
    .on_complete = write_complete,
};

/* Feeds [0, first), then pieces of `step` bytes; ends with the peer's close. Verdicts and surplus end up in the transcript. */
static void run(const struct response_events *events, const char *data, size_t length, size_t first, size_t step, bool is_head,
                struct transcript *transcript)
{
    struct response_parser parser;
    size_t done = 0;
    *transcript = (struct transcript){.length = 0};
    response_parser_init(&parser, events, transcript);
    response_parser_begin(&parser, is_head);
    while (done < length && parser.stage != RESPONSE_COMPLETE) {
        size_t size = done < first ? first - done : step;
        size = size < length - done ? size : length - done;
        /* A copy of exactly this size on the heap: the sanitizers see every byte read beyond it. */
        char *piece = malloc(size);
        assert_non_null(piece);
        memcpy(piece, data + done, size);
        ssize_t taken = response_parser_feed(&parser, piece, size);
        free(piece);
        if (taken < 0) {
            append_text(transcript, taken == -EBADMSG ? "|malformed" : taken == -EMSGSIZE ? "|too large" : "|stopped");
            assert_int_equal(parser.stage, RESPONSE_BROKEN);
            assert_int_equal(response_parser_feed(&parser, "x", 1), -EBADMSG);
            break;
        }
        assert_true((size_t)taken == size || parser.stage == RESPONSE_COMPLETE);
        done += (size_t)taken;
    }
    if (parser.stage == RESPONSE_COMPLETE && done < length)
        append_text(transcript, "|surplus");
    else if (parser.stage != RESPONSE_COMPLETE && parser.stage != RESPONSE_BROKEN && response_parser_finish(&parser) != 0)
        append_text(transcript, "|cut short");
    response_parser_close(&parser);
}

struct row {
    const char *data, *expected;
    bool is_head;
};

static const struct row accepted[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "Content-Length=5;200 1.1 length keep 5;body=hello|done", false},
    {"HTTP/1.1 200 OK\r\nDate: x\r\nX-Worker: \t 3 \r\nContent-Length: 0\r\n\r\n",
     "Date=x;X-Worker=3;Content-Length=0;200 1.1 length keep 0;|done", false},
    {"HTTP/1.1 200 OK\r\nEmpty:\r\ncontent-LENGTH:2\r\n\r\nhi", "Empty=;content-LENGTH=2;200 1.1 length keep 2;body=hi|done",
     false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi",
     "Content-Length=2;Connection=close;200 1.1 length 2;body=hi|done", false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nhi",
     "Content-Length=2;Connection=keep-alive;200 1.1 length keep 2;body=hi|done", false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: x, close\r\n\r\nhi",
     "Content-Length=2;Connection=x, close;200 1.1 length 2;body=hi|done", false},
    {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", "Content-Length=2;200 1.0 length 2;body=hi|done", false},
    {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: Keep-Alive\r\n\r\nhi",
     "Content-Length=2;Connection=Keep-Alive;200 1.0 length keep 2;body=hi|done", false},
    {"HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\nx", "Content-Length=1;404 1.1 length keep 1;body=x|done", false},
    {"HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\nx", "Content-Length=1;200 1.1 length keep 1;body=x|done", false},
    {"HTTP/1.1 200 caf\xc3\xa9\r\nX: \xff\r\nContent-Length: 1\r\n\r\nx",
     "X=\xff;Content-Length=1;200 1.1 length keep 1;body=x|done", false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\n\r\n",
     "Transfer-Encoding=chunked;200 1.1 chunked keep;body=abcde|done", false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nContent-Length: 9\r\nX: y\r\n\r\n",
     "Transfer-Encoding=chunked;200 1.1 chunked keep;body=x|done", false},
    {"HTTP/1.1 200 OK\r\n\r\nuntil the end", "200 1.1 close;body=until the end|done", false},
    {"HTTP/1.1 200 OK\r\n\r\n", "200 1.1 close;|done", false},
    {"HTTP/1.1 204 No Content\r\n\r\n", "204 1.1 empty keep;|done", false},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", "Content-Length=99;304 1.1 empty keep 99;|done", false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", "Content-Length=99;200 1.1 empty keep 99;|done", true},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "Transfer-Encoding=chunked;200 1.1 empty keep;|done", true},
    {"HTTP/1.1 200 OK\r\n\r\n", "200 1.1 empty keep;|done", true},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
     "100 1.1 empty keep interim;Content-Length=1;200 1.1 length keep 1;body=x|done", false},
    {"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 102 P\r\n\r\nHTTP/1.1 204 N\r\n\r\n",
     "Link=a;103 1.1 empty keep interim;102 1.1 empty keep interim;204 1.1 empty keep;|done", false},
    {"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
     "Connection=upgrade;Upgrade=websocket;101 1.1 empty;|done", false},
    {"HTTP/1.1 101 Switching Protocols\r\n\r\n", "101 1.1 empty;|done", false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK", "Content-Length=1;200 1.1 length keep 1;body=x|done|surplus",
     false},
    {"HTTP/1.1 204 N\r\n\r\nx", "204 1.1 empty keep;|done|surplus", false},
    {"HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: w\r\n\r\nbytes", "Connection=upgrade;Upgrade=w;101 1.1 empty;|done|surplus",
     false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nx",
     "Transfer-Encoding=chunked;200 1.1 chunked keep;|done|surplus", false},
};

/* Each must end as malformed, never as a complete response. */
static const char *const refused[] = {
    "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "hello\r\n\r\n",
    "SSH-2.0-OpenSSH\r\n",
    "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 0\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\n",
    "HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\n X: a\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\n: a\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX[]: a\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX: \x01\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX: \x7f\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nContent-Length: 0x1\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nContent-Length: 1 1\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\t\r\n\r\nhello", /* llhttp knows no tab there */
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\nx\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nx\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxX0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\n0\n\n",
};

static const char *const cut_short[] = {
    "H",
    "HTTP/1.1 200 OK\r\nContent-Le",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
};

static void expect_everywhere(const char *data, const char *expected, bool is_head)
{
    struct transcript seen;
    size_t length = strlen(data);
    for (size_t first = 1; first <= length; first++) {
        run(&all_events, data, length, first, length, is_head, &seen);
        assert_string_equal(seen.text, expected);
    }
    run(&all_events, data, length, 1, 1, is_head, &seen);
    /* One byte at a time, surplus is cut off before it is ever offered. */
    append_text(&seen, "");
    assert_string_equal(seen.text, expected);
}

static void test_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++)
        expect_everywhere(accepted[i].data, accepted[i].expected, accepted[i].is_head);
}

static void expect_ending(const char *data, const char *ending, const char *never)
{
    struct transcript seen;
    size_t length = strlen(data);
    for (size_t first = 1; first <= length + 1; first++) {
        run(&all_events, data, length, first <= length ? first : 1, first <= length ? length : 1, false, &seen);
        if (!strstr(seen.text, ending) || strstr(seen.text, never))
            fail_msg("split at %zu of '%s': saw '%s'", first, data, seen.text);
    }
}

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        expect_ending(refused[i], "|malformed", "|done");
}

static void test_cut_short(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cut_short) / sizeof(cut_short[0]); i++)
        expect_ending(cut_short[i], "|cut short", "|done");
}

static void test_nothing_at_all(void **state)
{
    (void)state;
    struct response_parser parser;
    response_parser_init(&parser, &all_events, NULL);
    response_parser_begin(&parser, false);
    assert_int_equal(response_parser_finish(&parser), -ENODATA);
    response_parser_close(&parser);
}

static void test_nul_in_a_value(void **state)
{
    (void)state;
    static const char data[] = "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n";
    struct transcript seen;
    for (size_t first = 1; first < sizeof(data); first++) {
        run(&all_events, data, sizeof(data) - 1, first, sizeof(data), false, &seen);
        assert_non_null(strstr(seen.text, "|malformed"));
    }
}

static void test_one_field_only(void **state)
{
    (void)state;
    struct response_events events = all_events;
    events.only = SLICE("x-worker");
    const char *data = "HTTP/1.1 200 OK\r\nX-Worke: 1\r\nX-Worker: 7\r\nX-Worker2: 9\r\nContent-Length: 1\r\n\r\nx";
    struct transcript seen;
    for (size_t first = 1; first <= strlen(data); first++) {
        run(&events, data, strlen(data), first, first % 3 + 1, false, &seen);
        assert_string_equal(seen.text, "X-Worker=7;200 1.1 length keep 1;body=x|done");
    }
}

static void test_no_callbacks(void **state)
{
    (void)state;
    static const struct response_events none = {.on_head = NULL};
    struct transcript seen;
    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++)
        for (size_t first = 1; first <= strlen(accepted[i].data); first++) {
            run(&none, accepted[i].data, strlen(accepted[i].data), first, 1, accepted[i].is_head, &seen);
            assert_null(strstr(seen.text, "malformed"));
        }
}

static void test_callback_stops(void **state)
{
    (void)state;
    const char *data = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
    for (size_t first = 1; first <= strlen(data); first++) {
        struct transcript seen = {.fail_at_head = -ECANCELED};
        struct response_parser parser;
        response_parser_init(&parser, &all_events, &seen);
        response_parser_begin(&parser, false);
        ssize_t taken = response_parser_feed(&parser, data, first);
        if (taken >= 0)
            taken = response_parser_feed(&parser, data + first, strlen(data) - first);
        assert_int_equal(taken, -ECANCELED);
        assert_int_equal(parser.stage, RESPONSE_BROKEN);
        response_parser_close(&parser);
    }
}

/* Exactly the limit passes, one byte more does not, by either way and with interim responses counted in. */
static void test_head_limit(void **state)
{
    (void)state;
    static const char *const heads[] = {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n",
                                        "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"};
    for (size_t i = 0; i < 2; i++) {
        char data[128];
        size_t head = strlen(heads[i]), length = (size_t)snprintf(data, sizeof(data), "%sx", heads[i]);
        for (size_t first = 1; first <= length; first++) {
            struct response_events events = all_events;
            struct transcript seen;
            events.head_limit = head;
            run(&events, data, length, first, length, false, &seen);
            assert_non_null(strstr(seen.text, "body=x|done"));
            events.head_limit = head - 1;
            run(&events, data, length, first, length, false, &seen);
            assert_non_null(strstr(seen.text, "|too large"));
        }
    }
}

/* A flood of fields stays within the limit's memory and ends. */
static void test_header_flood(void **state)
{
    (void)state;
    struct response_parser parser;
    struct response_events events = {.on_header = write_header, .only = SLICE("x-worker")};
    response_parser_init(&parser, &events, NULL);
    response_parser_begin(&parser, false);
    assert_int_equal(response_parser_feed(&parser, "HTTP/1.1 200 OK\r\nX-Worker: ", 27), 27);
    ssize_t taken = 0;
    size_t fed = 27;
    while (taken >= 0 && fed < 10 * RESPONSE_HEAD_LIMIT) {
        taken = response_parser_feed(&parser, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 32);
        fed += 32;
        assert_true(parser.held_size <= 2 * RESPONSE_HEAD_LIMIT + 64);
    }
    assert_int_equal(taken, -EMSGSIZE);
    response_parser_close(&parser);
}

static void test_pipelined(void **state)
{
    (void)state;
    const char *data = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 204 N\r\n\r\nHTTP/1.1 200 OK\r\n"
                       "Transfer-Encoding: chunked\r\n\r\n1\r\nb\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nc";
    for (size_t step = 1; step <= strlen(data); step++) {
        struct transcript seen = {.length = 0};
        struct response_parser parser;
        size_t done = 0, responses = 0;
        response_parser_init(&parser, &all_events, &seen);
        response_parser_begin(&parser, false);
        while (done < strlen(data)) {
            size_t size = step < strlen(data) - done ? step : strlen(data) - done;
            ssize_t taken = response_parser_feed(&parser, data + done, size);
            assert_true(taken > 0);
            done += (size_t)taken;
            if (parser.stage == RESPONSE_COMPLETE) {
                responses++;
                seen.in_body = false;
                response_parser_begin(&parser, false);
            }
        }
        assert_int_equal(responses, 4);
        response_parser_close(&parser);
    }
}

/* The scanner is no more lenient than llhttp with check_head: whatever one of them says of a damaged response, so does the other.
 */
static void test_scanner_agrees_with_llhttp(void **state)
{
    (void)state;
    static const char model[] =
        "HTTP/1.1 200 OK\r\nDate: Sat, 21 Nov 2026 21:00:00 GMT\r\nX-Worker: 12\r\nConnection: keep-alive\r\n"
        "Content-Length: 5\r\n\r\nhello";
    static const char spice[] = "\r\n\t :;,-+0159aZ\x01\x1f\x7f\x80\xff\"()[]{}@/=";
    struct random random;
    random_init(&random, 20261121);
    for (int round = 0; round < 60000; round++) {
        char data[sizeof(model)];
        size_t length = sizeof(model) - 1;
        memcpy(data, model, sizeof(model));
        for (uint64_t edits = 1 + random_below(&random, 3); edits > 0; edits--) {
            size_t at = random_below(&random, length);
            if (random_below(&random, 3) == 0) {
                memmove(data + at, data + at + 1, length - at - 1);
                length--;
            } else {
                data[at] = spice[random_below(&random, sizeof(spice) - 1)];
            }
        }
        struct transcript whole, bytewise;
        run(&all_events, data, length, length, length, false, &whole);
        run(&all_events, data, length, 1, length, false, &bytewise);
        if (strcmp(whole.text, bytewise.text) != 0)
            fail_msg("round %d: whole '%s', cut '%s' of '%.*s'", round, whole.text, bytewise.text, (int)length, data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),       cmocka_unit_test(test_refused),
        cmocka_unit_test(test_cut_short),      cmocka_unit_test(test_nothing_at_all),
        cmocka_unit_test(test_nul_in_a_value), cmocka_unit_test(test_one_field_only),
        cmocka_unit_test(test_no_callbacks),   cmocka_unit_test(test_callback_stops),
        cmocka_unit_test(test_head_limit),     cmocka_unit_test(test_header_flood),
        cmocka_unit_test(test_pipelined),      cmocka_unit_test(test_scanner_agrees_with_llhttp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
