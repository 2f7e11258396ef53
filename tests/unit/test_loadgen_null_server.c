/* The null server of --selftest: one answer a request, however the requests are cut into pieces. */
#include "support.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/net.h"
#include "loadgen/study/study.h"

#define ANSWERS_MOST 40000
#define PATIENCE_MS  20000

struct talk {
    struct null_server *server;
    int fd;
    char *input;
    size_t length;
};

static void open_talk(struct talk *talk)
{
    const struct settings settings = {.pin.count = 0};
    char url[NULL_SERVER_URL_SIZE], address_text[NULL_SERVER_URL_SIZE];
    struct net_address address;
    bool in_progress;
    assert_int_equal(null_server_start(&settings, &talk->server, url), 0);
    assert_int_equal(sscanf(url, "http://%63[^/]/", address_text), 1);
    assert_int_equal(net_parse_address(address_text, &address), 0);
    talk->fd = net_connect_start(&address, NULL, &in_progress);
    assert_true(talk->fd >= 0);
    struct pollfd writable = {.fd = talk->fd, .events = POLLOUT};
    assert_int_equal(poll(&writable, 1, PATIENCE_MS), 1);
    talk->input = malloc(ANSWERS_MOST * 100);
    assert_non_null(talk->input);
    talk->length = 0;
}

static void close_talk(struct talk *talk)
{
    close(talk->fd);
    null_server_stop(talk->server);
    free(talk->input);
}

/* All that came must be answers. */
static unsigned count_answers(const struct talk *talk)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nX-Worker: 0\r\nContent-Length: 2\r\n\r\nok";
    size_t length = sizeof(answer) - 1;
    for (size_t at = 0; at + length <= talk->length; at += length)
        assert_memory_equal(talk->input + at, answer, length);
    return (unsigned)(talk->length / length);
}

/* Reads until there are so many whole answers. */
static void await_answers(struct talk *talk, unsigned wanted)
{
    while (count_answers(talk) < wanted) {
        struct pollfd readable = {.fd = talk->fd, .events = POLLIN};
        assert_int_equal(poll(&readable, 1, PATIENCE_MS), 1);
        ssize_t got = recv(talk->fd, talk->input + talk->length, ANSWERS_MOST * 100 - talk->length, 0);
        assert_true(got > 0);
        talk->length += (size_t)got;
    }
    assert_int_equal(count_answers(talk), wanted);
}

static void say(const struct talk *talk, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(talk->fd, text, length, MSG_NOSIGNAL);
        struct pollfd writable = {.fd = talk->fd, .events = POLLOUT};
        assert_true(sent > 0 || errno == EAGAIN);
        if (sent < 0)
            assert_int_equal(poll(&writable, 1, PATIENCE_MS), 1);
        text += sent > 0 ? sent : 0;
        length -= sent > 0 ? (size_t)sent : 0;
    }
}

/* Empty lines in a body end nothing; a field's name may be longer than what is kept of a line. */
static const char *const requests[] = {
    "GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
    "POST /b HTTP/1.1\r\nHost: x\r\ncontent-length:  11\r\n\r\nGET\r\n\r\n\r\n\r\n",
    "PUT /c HTTP/1.1\r\nA-Field-With-A-Name-That-Is-Longer-Than-What-Is-Kept: x\r\nContent-Length: 0\r\n\r\n",
    "GET /d HTTP/1.0\n\n",
};

static void test_whole(void **state)
{
    (void)state;
    struct talk talk;
    char all[512] = "";
    open_talk(&talk);
    for (size_t i = 0; i < LENGTH_OF(requests); i++)
        strcat(all, requests[i]);
    for (unsigned i = 1; i <= 10; i++) {
        say(&talk, all, strlen(all));
        await_answers(&talk, i * LENGTH_OF(requests));
    }
    close_talk(&talk);
}

static void test_byte_by_byte(void **state)
{
    (void)state;
    struct talk talk;
    open_talk(&talk);
    for (size_t i = 0; i < LENGTH_OF(requests); i++) {
        for (const char *at = requests[i]; *at; at++)
            say(&talk, at, 1);
        await_answers(&talk, (unsigned)i + 1);
    }
    close_talk(&talk);
}

/* More answers than the socket's buffers hold are kept until somebody reads them. */
static void test_answers_pile_up(void **state)
{
    (void)state;
    struct talk talk;
    open_talk(&talk);
    for (unsigned i = 0; i < ANSWERS_MOST; i++)
        say(&talk, requests[0], strlen(requests[0]));
    await_answers(&talk, ANSWERS_MOST);
    close_talk(&talk);
}

/* With peers still connected, and with none. */
static void test_stop(void **state)
{
    (void)state;
    const struct settings settings = {.pin = {.count = 1, .cpu = {0}}};
    struct null_server *server;
    struct talk talk;
    char url[NULL_SERVER_URL_SIZE];
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(null_server_start(&settings, &server, url), 0);
        null_server_stop(server);
        open_talk(&talk);
        say(&talk, requests[0], 5);
        close_talk(&talk);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_answers_pile_up),
        cmocka_unit_test(test_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
