/*
 * The crowd: one thread, one epoll, a small state machine a client.
 *
 *   RESTING     between two requests, with its connection if it keeps one
 *   CONNECTING  its connection is being opened, for the request it is about to send
 *   ASKING      sent, and no whole answer yet
 *
 * Figures are written by the thread and copied by the test under one lock.
 */
#include "crowd.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define CLIENTS_MAX    128
#define ANSWER_MAX     4096
#define USUAL_PAUSE    3   /* ms */
#define SLOW_PAUSE     400 /* ms */
#define SINGLE_FACTOR  3   /* a connection for each request: paused so much longer, or local ports would run out */
#define EVENTS_AT_ONCE 64

/*
 * Who drains lets idle connections be for 250 ms, so that a request on its way is answered. A connection that was idle for less
 * than this when its request was sent has not been closed for that: its end is no excuse.
 */
#define IDLE_LEAST_NS (100 * MS)

const char *const crowd_end_names[CROWD_ENDS] = {"ok", "idle-closed", "refused", "cut", "bad status", "nonsense", "late"};

enum member_state { RESTING, CONNECTING, ASKING };

struct member {
    enum member_state state;
    int fd;               /* or -1 */
    bool keeps;           /* its connection */
    bool used;            /* the connection has brought an answer */
    bool idle;            /* and had been idle for a while when the request was sent */
    uint64_t answered_ns; /* when that was */
    int worker;           /* of that answer, or -1 */
    uint64_t pause_ns;
    uint64_t due_ns; /* RESTING: the next request; else the end of patience */
    size_t length;   /* of what came of the answer */
    char answer[ANSWER_MAX + 1];
};

struct crowd {
    struct list link;
    struct contract *contract;
    struct sockaddr_storage address;
    socklen_t address_length;
    uint64_t patience_ns;
    char request[256];
    size_t request_length;
    int epoll;
    unsigned count;
    struct member members[CLIENTS_MAX];
    pthread_t thread;
    pthread_mutex_t lock; /* of figures */
    struct crowd_figures figures;
    atomic_bool stopping, abandoned;
};

static struct list crowds = {&crowds, &crowds}; /* of the running test */

/* ---- the end of a request ---- */

static void drop_connection(struct member *member)
{
    if (member->fd >= 0)
        close(member->fd); /* leaves the epoll by that */
    member->fd = -1;
    member->used = false;
    member->worker = -1;
}

static void rest(struct member *member)
{
    member->state = RESTING;
    member->due_ns = now_ns() + member->pause_ns;
    member->length = 0;
}

static void count_end(struct crowd *crowd, const struct member *member, enum crowd_end end, int status, int error)
{
    struct crowd_figures *figures = &crowd->figures;
    figures->ends[end]++;
    if (end == CROWD_OK) {
        if (member->worker >= 0 && member->worker < CROWD_WORKERS)
            figures->by_worker[member->worker]++;
        return;
    }
    if (figures->failure_count < CROWD_FAILURES)
        figures->failures[figures->failure_count] = (struct crowd_failure){end, member->keeps, member->worker, status, error};
    figures->failure_count++;
}

static void fail_request(struct crowd *crowd, struct member *member, enum crowd_end end, int error)
{
    count_end(crowd, member, end, 0, error);
    drop_connection(member);
    rest(member);
}

/* The connection ended while an answer was awaited. */
static void lose_connection(struct crowd *crowd, struct member *member, int error)
{
    bool maybe_idle = member->idle && member->length == 0;
    fail_request(crowd, member, maybe_idle ? CROWD_IDLE_CLOSED : CROWD_CUT, error);
}

/* ---- the answer ---- */

/* The value of a field in the answer's head, or NULL. */
static const char *find_field(const char *head, const char *name)
{
    const char *at = strcasestr(head, name);
    return at == NULL ? NULL : at + strlen(name);
}

static void take_answer(struct crowd *crowd, struct member *member, char *head, int status)
{
    const char *worker = find_field(head, "\r\nX-Worker: ");
    const char *connection = find_field(head, "\r\nConnection: ");
    bool ends = connection != NULL && strncasecmp(connection, "close", 5) == 0;
    if (worker != NULL)
        member->worker = atoi(worker);
    member->used = true;
    member->answered_ns = now_ns();
    count_end(crowd, member, status == 200 ? CROWD_OK : CROWD_STATUS, status, 0);
    if (ends || !member->keeps)
        drop_connection(member);
    rest(member);
}

/* Looks whether the answer is whole. */
static void look_at_answer(struct crowd *crowd, struct member *member)
{
    int status;
    char *end;
    member->answer[member->length] = '\0';
    end = strstr(member->answer, "\r\n\r\n");
    if (end == NULL) {
        if (member->length == ANSWER_MAX)
            fail_request(crowd, member, CROWD_NONSENSE, 0);
        return;
    }
    const char *length = find_field(member->answer, "\r\nContent-Length: ");
    if (length == NULL || length > end || sscanf(member->answer, "HTTP/1.1 %d", &status) != 1 ||
        (size_t)(end + 4 - member->answer) + strtoul(length, NULL, 10) > ANSWER_MAX) {
        fail_request(crowd, member, CROWD_NONSENSE, 0);
        return;
    }
    if (member->length < (size_t)(end + 4 - member->answer) + strtoul(length, NULL, 10))
        return;
    end[2] = '\0';
    take_answer(crowd, member, member->answer, status);
}

/* ---- a client's steps ---- */

static void send_request(struct crowd *crowd, struct member *member)
{
    member->idle = member->used && now_ns() - member->answered_ns >= IDLE_LEAST_NS;
    ssize_t n = send(member->fd, crowd->request, crowd->request_length, MSG_NOSIGNAL);
    member->state = ASKING;
    if (n != (ssize_t)crowd->request_length)
        lose_connection(crowd, member, n < 0 ? errno : 0);
}

static int open_connection(struct crowd *crowd, struct member *member)
{
    int one = 1;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = member};
    member->fd = socket(crowd->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (member->fd < 0)
        return errno;
    if (crowd->address.ss_family != AF_UNIX && setsockopt(member->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0)
        return errno;
    if (connect(member->fd, (struct sockaddr *)&crowd->address, crowd->address_length) != 0 && errno != EINPROGRESS)
        return errno;
    return epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, member->fd, &event) == 0 ? 0 : errno;
}

/* The server has closed a connection nobody was using. */
static void notice_idle_end(struct crowd *crowd, struct member *member)
{
    char byte;
    if (member->fd < 0 || (recv(member->fd, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN))
        return;
    crowd->figures.reopened++;
    drop_connection(member);
}

static void begin_request(struct crowd *crowd, struct member *member)
{
    notice_idle_end(crowd, member);
    crowd->figures.sent++;
    member->due_ns = now_ns() + crowd->patience_ns;
    if (member->fd >= 0) {
        send_request(crowd, member);
        return;
    }
    int error = open_connection(crowd, member);
    member->state = CONNECTING;
    if (error)
        fail_request(crowd, member, CROWD_REFUSED, error);
}

static void finish_connect(struct crowd *crowd, struct member *member)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(member->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        error = errno;
    if (error)
        fail_request(crowd, member, CROWD_REFUSED, error);
    else
        send_request(crowd, member);
}

static void read_answer(struct crowd *crowd, struct member *member)
{
    while (member->state == ASKING) {
        ssize_t n = recv(member->fd, member->answer + member->length, ANSWER_MAX - member->length, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) {
            lose_connection(crowd, member, n < 0 ? errno : 0);
            return;
        }
        member->length += (size_t)n;
        look_at_answer(crowd, member);
    }
}

static void on_event(struct crowd *crowd, struct member *member, unsigned events)
{
    if (member->state == CONNECTING && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
        finish_connect(crowd, member);
    if (member->state == ASKING && (events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP)))
        read_answer(crowd, member);
    else if (member->state == RESTING)
        notice_idle_end(crowd, member);
}

/* ---- the thread ---- */

static void look_at_clock(struct crowd *crowd, struct member *member, uint64_t time_ns, bool stopping)
{
    if (time_ns < member->due_ns)
        return;
    if (member->state != RESTING)
        fail_request(crowd, member, CROWD_LATE, 0);
    else if (!stopping)
        begin_request(crowd, member);
}

/* Until the next one is due; 0 members under way ends a crowd that stops. */
static int plan_ahead(struct crowd *crowd, bool stopping, unsigned *under_way)
{
    uint64_t first_ns = UINT64_MAX;
    *under_way = 0;
    for (unsigned i = 0; i < crowd->count; i++) {
        const struct member *member = &crowd->members[i];
        *under_way += member->state != RESTING;
        if (member->due_ns < first_ns && !(stopping && member->state == RESTING))
            first_ns = member->due_ns;
    }
    int wait_ms = milliseconds_until(first_ns);
    return wait_ms < 20 ? wait_ms : 20; /* to see that it is to stop */
}

static void *run_crowd(void *context)
{
    struct crowd *crowd = context;
    struct epoll_event events[EVENTS_AT_ONCE];
    unsigned under_way = 1;
    int wait_ms = 0;
    while (!crowd->abandoned && (under_way > 0 || !crowd->stopping)) {
        int n = epoll_wait(crowd->epoll, events, EVENTS_AT_ONCE, wait_ms);
        bool stopping = crowd->stopping;
        pthread_mutex_lock(&crowd->lock);
        for (int i = 0; i < n; i++)
            on_event(crowd, events[i].data.ptr, events[i].events);
        uint64_t time_ns = now_ns();
        for (unsigned i = 0; i < crowd->count; i++)
            look_at_clock(crowd, &crowd->members[i], time_ns, stopping);
        wait_ms = plan_ahead(crowd, stopping, &under_way);
        pthread_mutex_unlock(&crowd->lock);
    }
    return NULL;
}

/* ---- what the header promises ---- */

static void add_members(struct crowd *crowd, unsigned count, bool keeps, uint64_t pause_ms)
{
    for (unsigned i = 0; i < count && crowd->count < CLIENTS_MAX; i++) {
        struct member *member = &crowd->members[crowd->count++];
        member->fd = member->worker = -1;
        member->keeps = keeps;
        member->pause_ns = pause_ms * MS;
        member->due_ns = now_ns() + i * pause_ms * MS / count; /* not all at once */
    }
}

struct crowd *crowd_start(struct contract *contract, const struct server *server, const struct crowd_plan *plan)
{
    unsigned pause_ms = plan->pause_ms ? plan->pause_ms : USUAL_PAUSE;
    struct crowd *crowd = calloc(1, sizeof *crowd);
    CHECK(contract, crowd != NULL, "out of memory");
    crowd->contract = contract;
    crowd->address = server->address;
    crowd->address_length = server->address_length;
    crowd->patience_ns = contract->patience_ns;
    crowd->request_length = (size_t)snprintf(crowd->request, sizeof crowd->request, "GET %s HTTP/1.1\r\nHost: crowd\r\n\r\n",
                                             plan->path ? plan->path : "/hello");
    add_members(crowd, plan->kept, true, pause_ms);
    add_members(crowd, plan->slow, true, SLOW_PAUSE);
    add_members(crowd, plan->single, false, SINGLE_FACTOR * pause_ms);
    pthread_mutex_init(&crowd->lock, NULL);
    crowd->epoll = epoll_create1(EPOLL_CLOEXEC);
    int error = crowd->epoll < 0 ? errno : pthread_create(&crowd->thread, NULL, run_crowd, crowd);
    CHECK(contract, error == 0, "a crowd cannot be started: %s", strerror(error));
    list_append(&crowds, &crowd->link);
    return crowd;
}

void crowd_look(struct crowd *crowd, struct crowd_figures *figures)
{
    pthread_mutex_lock(&crowd->lock);
    *figures = crowd->figures;
    pthread_mutex_unlock(&crowd->lock);
}

static uint64_t good_answers(struct crowd *crowd)
{
    pthread_mutex_lock(&crowd->lock);
    uint64_t ok = crowd->figures.ends[CROWD_OK];
    pthread_mutex_unlock(&crowd->lock);
    return ok;
}

void crowd_wait(struct crowd *crowd, uint64_t more)
{
    uint64_t wanted = good_answers(crowd) + more, deadline_ns = now_ns() + crowd->patience_ns;
    while (good_answers(crowd) < wanted)
        if (!look_again(deadline_ns)) {
            struct crowd_figures figures;
            crowd_look(crowd, &figures);
            crowd_print_failures(&figures);
            contract_fail(crowd->contract, __FILE__, __LINE__, "the crowd did not get %llu more answers within the patience",
                          (unsigned long long)more);
        }
}

void crowd_stop(struct crowd *crowd, struct crowd_figures *figures)
{
    crowd->stopping = true;
    pthread_join(crowd->thread, NULL);
    for (unsigned i = 0; i < crowd->count; i++)
        drop_connection(&crowd->members[i]);
    if (figures != NULL)
        *figures = crowd->figures;
    close(crowd->epoll);
    pthread_mutex_destroy(&crowd->lock);
    list_remove(&crowd->link);
    free(crowd);
}

void crowd_end_all(struct contract *contract)
{
    (void)contract;
    while (!list_empty(&crowds)) {
        struct crowd *crowd = list_entry(crowds.next, struct crowd, link);
        crowd->abandoned = true;
        crowd_stop(crowd, NULL);
    }
}

uint64_t crowd_failed(const struct crowd_figures *figures)
{
    uint64_t failed = 0;
    for (int end = CROWD_REFUSED; end < CROWD_ENDS; end++)
        failed += figures->ends[end];
    return failed;
}

const char *crowd_describe(const struct crowd_figures *figures, char text[CROWD_TEXT])
{
    int length = snprintf(text, CROWD_TEXT, "sent %llu = ok %llu", (unsigned long long)figures->sent,
                          (unsigned long long)figures->ends[CROWD_OK]);
    for (int end = CROWD_IDLE_CLOSED; end < CROWD_ENDS; end++)
        if (figures->ends[end] > 0)
            length += snprintf(text + length, (size_t)(CROWD_TEXT - length), " + %s %llu", crowd_end_names[end],
                               (unsigned long long)figures->ends[end]);
    return text;
}

void crowd_print_failures(const struct crowd_figures *figures)
{
    for (unsigned i = 0; i < figures->failure_count && i < CROWD_FAILURES; i++) {
        const struct crowd_failure *failure = &figures->failures[i];
        print_error("  %s: %s connection, last answer from worker %d, status %d, %s\n", crowd_end_names[failure->end],
                    failure->kept ? "kept" : "single", failure->worker, failure->status,
                    failure->error ? strerror(failure->error) : "orderly");
    }
}

void crowd_check_sum(struct contract *contract, const struct crowd_figures *figures)
{
    char text[CROWD_TEXT];
    uint64_t ends = 0;
    for (int end = 0; end < CROWD_ENDS; end++)
        ends += figures->ends[end];
    CHECK(contract, ends == figures->sent, "the crowd's sum is wrong: %s", crowd_describe(figures, text));
    CHECK(contract, figures->ends[CROWD_OK] > 0, "the crowd got no good answer: %s", crowd_describe(figures, text));
}

void crowd_check_all_ok(struct contract *contract, const struct crowd_figures *figures, const char *during)
{
    char text[CROWD_TEXT];
    crowd_check_sum(contract, figures);
    if (crowd_failed(figures) == 0)
        return;
    crowd_print_failures(figures);
    contract_fail(contract, __FILE__, __LINE__, "requests failed during %s: %s", during, crowd_describe(figures, text));
}
