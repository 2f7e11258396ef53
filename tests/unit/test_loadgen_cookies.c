/* The cookies of one connection, as RFC 6265 has them. */
#include "tests/unit/support.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "loadgen/request/request.h"

static void set(struct cookie_jar *jar, const char *text)
{
    struct guarded guarded; /* not a byte behind the value may be looked at */
    guarded_init(&guarded, text, strlen(text));
    cookie_jar_set(jar, (struct slice){guarded.text, guarded.length});
    guarded_close(&guarded);
}

static void expect(const struct cookie_jar *jar, const char *header, const char *after)
{
    struct slice seen = cookie_jar_header(jar);
    if (seen.length != strlen(header) || (seen.length > 0 && memcmp(seen.at, header, seen.length) != 0))
        fail_msg("after '%s': expected '%s', saw '%.*s'", after, header, (int)seen.length, seen.length ? seen.at : "");
}

/* Each step is a Set-Cookie and the header behind it. */
struct step {
    const char *set, *header;
};

static void walk(const struct step *steps, unsigned count)
{
    struct cookie_jar *jar = cookie_jar_new();
    assert_non_null(jar);
    expect(jar, "", "nothing");
    for (unsigned i = 0; i < count; i++) {
        set(jar, steps[i].set);
        expect(jar, steps[i].header, steps[i].set);
    }
    cookie_jar_free(jar);
}

static void test_set(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {"a=1", "a=1"},
        {"b=2; Path=/; HttpOnly; Secure; SameSite=Lax; Domain=example.com", "a=1; b=2"},
        {" c = x y ;Path=/elsewhere", "a=1; b=2; c=x y"},
        {"a=\"quoted\"", "a=\"quoted\"; b=2; c=x y"},
        {"b=", "a=\"quoted\"; b=; c=x y"},
        {"b=k=v", "a=\"quoted\"; b=k=v; c=x y"},
        {"A=other", "a=\"quoted\"; b=k=v; c=x y; A=other"},
        {"ab=1", "a=\"quoted\"; b=k=v; c=x y; A=other; ab=1"},
        {"c=3", "a=\"quoted\"; b=k=v; c=3; A=other; ab=1"},
    };
    walk(steps, LENGTH_OF(steps));
}

static void test_taken_back(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {"a=1", "a=1"},
        {"b=2", "a=1; b=2"},
        {"c=3", "a=1; b=2; c=3"},
        {"b=x; Max-Age=0", "a=1; c=3"},
        {"b=4; max-age=-1", "a=1; c=3"},
        {"a=; MAX-AGE=0", "c=3"},
        {"a=5; Max-Age=60", "c=3; a=5"},
        {"a=6; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "c=3"},
        {"c=7; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=10", "c=7"}, /* Max-Age counts, wherever it stands */
        {"c=8; Max-Age=10; Max-Age=0", ""},                                /* the last of a kind counts */
        {"c=8; Max-Age=0; Max-Age=10", "c=8"},
        {"c=9; Max-Age=x", "c=9"}, /* no number: passed over */
        {"c=10; Max-Age=", "c=10"},
        {"c=11; Max-Age", "c=11"},
        {"c=12; Max-Age=0x", "c=12"},
        {"c=13; Max-Age=000", ""},
    };
    walk(steps, LENGTH_OF(steps));
}

/* Every past date takes the cookie back, every future one keeps it, and what is no date says nothing. */
static void test_dates(void **state)
{
    (void)state;
    static const struct {
        const char *date;
        bool over;
    } rows[] = {
        {"Wed, 09 Jun 2021 10:18:14 GMT", true},
        {"Wed, 09-Jun-2021 10:18:14 GMT", true},
        {"Wednesday, 09-Jun-21 10:18:14 GMT", true},
        {"Wed Jun  9 10:18:14 2021", true},
        {"9 june 2021 1:2:3", true},
        {"10:18:14 2021 9 Jun", true},
        {"Sun, 06 Nov 1994 08:49:37 GMT", true},
        {"Sunday, 06-Nov-94 08:49:37 GMT", true},
        {"01 Jan 1601 00:00:00", true},
        {"Wed, 09 Jun 2999 10:18:14 GMT", false},
        {"Wed, 09-Jun-69 10:18:14 GMT", false}, /* 2069 */
        {"Fri, 31 Dec 9999 23:59:59 GMT", false},
        {"09 Jun 1600 10:18:14", false}, /* from here on: no dates */
        {"Wed, 09 Jun 2021", false},
        {"Wed, 09 Jun 2021 24:00:00 GMT", false},
        {"Wed, 09 Jun 2021 10:60:00 GMT", false},
        {"Wed, 09 Jun 2021 10:00:60 GMT", false},
        {"Wed, 31 Feb 2021 10:18:14 GMT", false},
        {"Wed, 32 Jan 2021 10:18:14 GMT", false},
        {"Wed, 00 Jan 2021 10:18:14 GMT", false},
        {"Wed, 09 Xyz 2021 10:18:14 GMT", false},
        {"Wed, 09 Jun 20211 10:18:14 GMT", false},
        {"Wed, 09 Jun 2021 10:18 GMT", false},
        {"yesterday", false},
        {"", false},
        {"0", false},
    };
    for (unsigned i = 0; i < LENGTH_OF(rows); i++) {
        char text[128];
        struct cookie_jar *jar = cookie_jar_new();
        set(jar, "a=1");
        snprintf(text, sizeof(text), "a=2; expires=%s; Path=/", rows[i].date);
        set(jar, text);
        expect(jar, rows[i].over ? "" : "a=2", text);
        cookie_jar_free(jar);
    }
}

static void test_passed_over(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "=",
                                        "=x",
                                        " = x",
                                        "a",
                                        "a;b=1",
                                        "; a=2",
                                        "a\r\nX=1",
                                        "x=1\r\n",
                                        "x=\x01",
                                        "x=1\n; Path=/",
                                        "x\x7f=1",
                                        "x=1\x7f;Max-Age=5"};
    struct cookie_jar *jar = cookie_jar_new();
    set(jar, "a=1");
    for (unsigned i = 0; i < LENGTH_OF(texts); i++) {
        set(jar, texts[i]);
        expect(jar, "a=1", texts[i]);
    }
    cookie_jar_set(jar, (struct slice){"x=1\0y", 5});
    expect(jar, "a=1", "a NUL");
    cookie_jar_free(jar);
    cookie_jar_free(NULL);
}

static void test_limits(void **state)
{
    (void)state;
    struct cookie_jar *jar = cookie_jar_new();
    char text[COOKIES_LONGEST + 64], expected[64 * 8] = "";
    for (unsigned i = 0; i < 70; i++) {
        snprintf(text, sizeof(text), "n%u=v", i);
        set(jar, text);
        if (i < 64)
            sprintf(expected + strlen(expected), "%sn%u=v", i ? "; " : "", i);
    }
    expect(jar, expected, "70 cookies");
    set(jar, "n63=; Max-Age=0"); /* makes room for one */
    set(jar, "z=1");
    set(jar, "y=1");
    assert_non_null(memmem(cookie_jar_header(jar).at, cookie_jar_header(jar).length, "n62=v; z=1", 10));
    assert_null(memmem(cookie_jar_header(jar).at, cookie_jar_header(jar).length, "y=1", 3));
    cookie_jar_free(jar);

    jar = cookie_jar_new();
    memset(text, 'x', sizeof(text));
    text[1] = '=';
    cookie_jar_set(jar, (struct slice){text, COOKIES_LONGEST + 1});
    assert_int_equal(cookie_jar_header(jar).length, 0);
    cookie_jar_set(jar, (struct slice){text, COOKIES_LONGEST - 4});
    assert_int_equal(cookie_jar_header(jar).length, COOKIES_LONGEST - 4);
    set(jar, "a=1"); /* with "; " one byte too many */
    assert_int_equal(cookie_jar_header(jar).length, COOKIES_LONGEST - 4);
    set(jar, "a=");
    assert_int_equal(cookie_jar_header(jar).length, COOKIES_LONGEST);
    set(jar, "a=1"); /* grows where there is no room: stays */
    assert_int_equal(cookie_jar_header(jar).length, COOKIES_LONGEST);
    cookie_jar_set(jar, (struct slice){text, 3});
    expect(jar, "x=x; a=", "a shorter one");
    cookie_jar_free(jar);
}

/* ---- a server with sessions: /session of the issue on shared state ---- */

struct session_server {
    unsigned visits[32], created;
};

/* Answers one request that carries `cookies`: a known session is counted, another visitor gets a new one. */
static void visit(struct session_server *server, struct cookie_jar *jar)
{
    char text[64];
    struct slice cookies = cookie_jar_header(jar);
    const char *sid = cookies.length ? memmem(cookies.at, cookies.length, "sid=", 4) : NULL;
    unsigned id = 0;
    snprintf(text, sizeof(text), "%.*s", sid ? (int)(cookies.at + cookies.length - sid) : 0, sid ? sid : "");
    if (sscanf(text, "sid=s%u", &id) == 1 && id >= 1 && id <= server->created) {
        server->visits[id - 1]++;
        return;
    }
    server->visits[server->created++]++;
    snprintf(text, sizeof(text), "sid=s%u; Path=/; HttpOnly; Max-Age=3600", server->created);
    set(jar, text);
}

static void test_sessions(void **state)
{
    (void)state;
    enum { CONNECTIONS = 8, REQUESTS = 400 };
    struct session_server server = {.created = 0};
    struct cookie_jar *jars[CONNECTIONS];
    struct random random;
    unsigned sent[CONNECTIONS] = {0}, total = 0;
    random_init(&random, 2);
    for (unsigned i = 0; i < CONNECTIONS; i++)
        assert_non_null(jars[i] = cookie_jar_new());
    for (unsigned i = 0; i < REQUESTS; i++) {
        unsigned which = (unsigned)random_below(&random, CONNECTIONS);
        set(jars[which], "theme=dark"); /* something else beside it */
        visit(&server, jars[which]);
        sent[which]++;
    }
    assert_int_equal(server.created, CONNECTIONS); /* one session a connection, never a second */
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        unsigned id;
        char text[64];
        struct slice header = cookie_jar_header(jars[i]);
        snprintf(text, sizeof(text), "%.*s", (int)header.length, header.at);
        assert_int_equal(sscanf(text, "theme=dark; sid=s%u", &id), 1);
        assert_int_equal(server.visits[id - 1], sent[i]);
        total += server.visits[i];
        cookie_jar_free(jars[i]);
    }
    assert_int_equal(total, REQUESTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set),         cmocka_unit_test(test_taken_back), cmocka_unit_test(test_dates),
        cmocka_unit_test(test_passed_over), cmocka_unit_test(test_limits),     cmocka_unit_test(test_sessions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
