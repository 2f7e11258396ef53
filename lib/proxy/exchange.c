/*
 * One request and its response.
 *
 * An attempt sends the request to the upstream whose turn it is, over a connection that was kept or a new one. It can fail
 * before anything was sent (then anybody may have it), before anything of a response came (then only what is idempotent goes
 * to another one, and only once: a request that kills its worker must not walk through all of them), or behind that (then the
 * client is told: 502 or 504 while nothing has been sent to it, else its connection is cut, so that half an answer can never
 * pass for a whole one).
 *
 * A response that comes whole in one read leaves in one write. Any other is passed on piece by piece, and the upstream is not
 * read while the client has more than BACKLOG_MOST waiting.
 *
 * Rule: answering a request may bring the next one of the same client at once, inside the call. So before it answers, an
 * exchange has let go of its connection and of the request.
 */
#include "proxy/exchange.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define BACKLOG_MOST  262144 /* bytes */
#define ATTEMPTS_MOST 8

/* ---- giving up ---- */

/* Parts the exchange and its request, which is about to be answered. */
static struct http_request *detach_request(struct exchange *exchange)
{
    struct http_request *request = exchange->request;
    request->user = NULL;
    request->answered_by = exchange->upstream;
    exchange->request = NULL;
    return request;
}

static void discard_connection(struct exchange *exchange)
{
    if (exchange->connection)
        upstream_discard(exchange->connection);
    exchange->connection = NULL;
}

static const char *reason_of(int error)
{
    switch (error) {
    case UV_EOF:
        return "closed the connection without a response";
    case -EBADMSG:
        return "its response is malformed or cut short";
    case -EMSGSIZE:
        return "the head of its response is too large";
    case -EPROTO:
        return "switched protocols, which nobody asked for";
    case -ETIMEDOUT:
        return "timed out";
    default:
        return uv_strerror(error);
    }
}

/* The client has been sent nothing: it can be told what happened. */
static void give_up(struct exchange *exchange, int error)
{
    struct proxy *proxy = exchange->proxy;
    char text[160], who[32] = "no upstream";
    int status = error == -ENOMEM ? 503 : error == -ETIMEDOUT ? 504 : 502;
    if (exchange->upstream >= 0)
        snprintf(who, sizeof who, "upstream %d", exchange->upstream);
    int length = snprintf(text, sizeof text, "%d %s: %s: %s\n", status, http_status_reason(status), who, reason_of(error));
    struct http_response response = {
        .status = status,
        .content_type = SLICE("text/plain"),
        .body = {text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1},
    };
    discard_connection(exchange);
    struct http_request *request = detach_request(exchange);
    log_line(proxy->settings.log, LOG_INFO, "%.*s %.*s: %.*s", (int)request->method.length, request->method.at,
             (int)request->target.length, request->target.at, (int)response.body.length - 1, text);
    proxy_give_exchange(proxy, exchange);
    http_respond(request, &response);
}

static void count_error(const struct exchange *exchange)
{
    counter_add(&exchange->proxy->settings.counters->upstream_errors, 1);
}

/* The response went wrong after its first byte, or never came. */
static void break_off(struct exchange *exchange, int error)
{
    count_error(exchange);
    if (!exchange->begun) {
        give_up(exchange, error);
        return;
    }
    discard_connection(exchange);
    struct http_request *request = detach_request(exchange);
    proxy_give_exchange(exchange->proxy, exchange);
    http_respond_abort(request);
}

/* ---- attempts ---- */

static unsigned attempts_most(const struct exchange *exchange)
{
    unsigned upstreams = exchange->proxy->open ? exchange->proxy->open : exchange->proxy->pool.count;
    return upstreams < ATTEMPTS_MOST ? upstreams + 1 : ATTEMPTS_MOST;
}

/* May there be another attempt? Asked once for each: it notes that the request leaves again. */
static bool allow_another(struct exchange *exchange)
{
    if (exchange->upstream < 0 || exchange->attempts >= attempts_most(exchange))
        return false;
    if (!exchange->sent)
        return true;
    if (exchange->sent_again || !forward_is_idempotent(exchange->request->method))
        return false;
    exchange->sent_again = true;
    return true;
}

/* 0, or a negative errno and the connection is gone. */
static int send_request(struct exchange *exchange)
{
    struct http_request *request = exchange->request;
    uv_buf_t buffers[2] = {uv_buf_init(exchange->head.at, (unsigned)exchange->head.length),
                           uv_buf_init((char *)(uintptr_t)request->body.at, (unsigned)request->body.length)};
    response_parser_begin(&exchange->parser, request->is_head);
    int error = upstream_send(exchange->connection, buffers, request->body.length > 0 ? 2 : 1);
    exchange->sent |= exchange->connection->began;
    if (error)
        discard_connection(exchange);
    else
        proxy_await(exchange->proxy, exchange, WAIT_RESPONSE);
    return error;
}

/*
 * Only the first attempt uses a connection that was kept: if that was stale, the next one has to be certain. And where there
 * would be no next one, it is looked at before.
 */
static int attempt_once(struct exchange *exchange)
{
    struct proxy *proxy = exchange->proxy;
    exchange->upstream = members_choose(proxy, exchange->upstream);
    if (exchange->upstream < 0)
        return -EHOSTUNREACH;
    struct upstream *upstream = &proxy->pool.upstreams[exchange->upstream];
    if (exchange->attempts++ == 0)
        exchange->connection = upstream_take(upstream, exchange, !forward_is_idempotent(exchange->request->method));
    if (exchange->connection)
        return send_request(exchange);
    int error = upstream_connect(upstream, exchange, &exchange->connection);
    if (!error)
        proxy_await(proxy, exchange, WAIT_CONNECT);
    return error;
}

static void attempt(struct exchange *exchange)
{
    int error;
    do {
        error = attempt_once(exchange);
        if (error)
            count_error(exchange);
    } while (error && allow_another(exchange));
    if (error)
        give_up(exchange, error);
}

/* An attempt failed before a byte of response. */
static void try_another(struct exchange *exchange, int error)
{
    count_error(exchange);
    if (allow_another(exchange))
        attempt(exchange);
    else
        give_up(exchange, error);
}

void exchange_start(struct exchange *exchange, struct http_request *request)
{
    exchange->request = request;
    request->user = exchange;
    exchange->connection = NULL;
    exchange->upstream = -1;
    exchange->attempts = 0;
    exchange->sent = exchange->sent_again = exchange->answered = exchange->begun = exchange->paused = false;
    exchange->body = (struct slice){"", 0};
    forward_fields_reset(&exchange->fields);
    int error = forward_request(request, http_request_peer(request), &exchange->head);
    if (error)
        give_up(exchange, error);
    else
        attempt(exchange);
}

static void on_connected(void *user)
{
    struct exchange *exchange = user;
    int error = send_request(exchange);
    if (error)
        try_another(exchange, error);
}

static void on_sent(void *user)
{
    struct exchange *exchange = user;
    if (!exchange->paused)
        proxy_await(exchange->proxy, exchange, WAIT_RESPONSE);
}

/* ---- the response: what the parser tells ---- */

static void begin_response(struct exchange *exchange)
{
    const struct response_head *head = &exchange->parser.head;
    struct http_response response = {.status = head->status, .fields = exchange->lines};
    exchange->begun = true;
    http_respond_begin(exchange->request, &response, head->framing == RESPONSE_LENGTH ? head->content_length : HTTP_LENGTH_UNKNOWN);
}

/* 1xx, RFC 9110 15.2: passed on, but not to HTTP/1.0. */
static int pass_interim(struct exchange *exchange, unsigned status)
{
    char head[64];
    int length = snprintf(head, sizeof head, "HTTP/1.1 %u %s\r\n", status, http_status_reason((int)status));
    struct forward_text text = {NULL, 0, 0};
    int error = forward_text_append(&text, (struct slice){head, (size_t)length});
    if (!error)
        error = forward_text_append(&text, exchange->lines);
    if (!error)
        error = forward_text_append(&text, SLICE("\r\n"));
    if (!error)
        http_respond_interim(exchange->request, (struct slice){text.at, text.length});
    forward_text_free(&text);
    return error;
}

static int on_header(void *context, struct slice name, struct slice value)
{
    struct exchange *exchange = context;
    return forward_fields_add(&exchange->fields, name, value);
}

static int on_head(void *context, const struct response_head *head)
{
    struct exchange *exchange = context;
    int error = 0;
    exchange->lines = forward_fields_finish(&exchange->fields);
    if (head->status == 101)
        return -EPROTO;
    if (!head->interim)
        return 0;
    if (!exchange->request->http_1_0)
        error = pass_interim(exchange, head->status);
    forward_fields_reset(&exchange->fields);
    return exchange->request ? error : -ECANCELED;
}

static int on_body(void *context, struct slice piece)
{
    struct exchange *exchange = context;
    const struct response_head *head = &exchange->parser.head;
    if (!exchange->begun && head->framing == RESPONSE_LENGTH && head->content_length == piece.length) {
        exchange->body = piece;
        return 0;
    }
    if (!exchange->begun)
        begin_response(exchange);
    if (exchange->request)
        http_respond_piece(exchange->request, piece.at, piece.length);
    return exchange->request ? 0 : -ECANCELED; /* the client is gone: exchange_abandon was called meanwhile */
}

static const struct response_events parser_events = {.on_header = on_header, .on_head = on_head, .on_body = on_body};

/* ---- the response: what becomes of it ---- */

/* Everything the client gets is known. */
static void answer(struct exchange *exchange)
{
    const struct response_head *head = &exchange->parser.head;
    struct http_request *request = detach_request(exchange);
    struct http_response response = {
        .status = head->status,
        .fields = exchange->lines,
        .body = exchange->body,
        .body_length = request->is_head && head->has_length ? head->content_length : 0,
    };
    if (exchange->begun) {
        http_respond_end(request);
    } else if (request->is_head && !head->has_length) { /* nobody knows how long the body would have been */
        http_respond_begin(request, &response, HTTP_LENGTH_UNKNOWN);
        http_respond_end(request);
    } else {
        http_respond(request, &response);
    }
    proxy_give_exchange(exchange->proxy, exchange);
}

/* The upstream is done. Its connection is kept when both sides agree on where the response ended. */
static void finish(struct exchange *exchange, bool ended_exactly)
{
    struct proxy *proxy = exchange->proxy;
    struct upstream_connection *connection = exchange->connection;
    exchange->connection = NULL;
    if (connection && exchange->parser.head.keep_alive && ended_exactly && !connection->sending) {
        upstream_release(connection);
        proxy_arm(proxy, uv_now(proxy->settings.loop) + proxy->settings.idle_ms);
    } else if (connection) {
        upstream_discard(connection);
    }
    answer(exchange);
}

/* The client may be slower than the upstream. */
static void wait_for_more(struct exchange *exchange)
{
    if (http_respond_backlog(exchange->request) > BACKLOG_MOST) {
        exchange->paused = true;
        upstream_pause(exchange->connection);
        list_remove(&exchange->link); /* the client's time-out rules now */
    } else {
        proxy_await(exchange->proxy, exchange, WAIT_RESPONSE);
    }
}

/* Feeds the parser; a head that came without any of its body goes out at once. */
static ssize_t parse(struct exchange *exchange, const char *data, size_t length)
{
    ssize_t taken = response_parser_feed(&exchange->parser, data, length);
    if (taken >= 0 && exchange->parser.stage == RESPONSE_IN_BODY && !exchange->begun) {
        begin_response(exchange);
        if (exchange->request)
            http_respond_piece(exchange->request, NULL, 0);
    }
    return taken;
}

static void on_received(void *user, const char *data, size_t length)
{
    struct exchange *exchange = user;
    exchange->answered = true;
    exchange->in_received = true;
    ssize_t taken = parse(exchange, data, length);
    exchange->in_received = false;
    if (!exchange->request)
        proxy_give_exchange(exchange->proxy, exchange); /* abandoned meanwhile */
    else if (taken < 0)
        break_off(exchange, (int)taken);
    else if (exchange->parser.stage == RESPONSE_COMPLETE)
        finish(exchange, (size_t)taken == length);
    else
        wait_for_more(exchange);
}

/* ---- interruptions ---- */

static void on_failed(void *user, int error)
{
    struct exchange *exchange = user;
    exchange->connection = NULL;
    if (exchange->wait == WAIT_CONNECT)
        members_pass_over(exchange->proxy, (unsigned)exchange->upstream);
    if (!exchange->answered)
        try_another(exchange, error);
    else if (error == UV_EOF && response_parser_finish(&exchange->parser) == 0)
        finish(exchange, false); /* the close was the end of its body */
    else
        break_off(exchange, error == UV_EOF ? -EBADMSG : error);
}

void exchange_expire(struct exchange *exchange)
{
    discard_connection(exchange);
    if (exchange->wait == WAIT_CONNECT) {
        members_pass_over(exchange->proxy, (unsigned)exchange->upstream);
        try_another(exchange, -ETIMEDOUT);
    } else {
        break_off(exchange, -ETIMEDOUT);
    }
}

void exchange_abandon(struct exchange *exchange)
{
    (void)detach_request(exchange);
    discard_connection(exchange);
    if (!exchange->in_received)
        proxy_give_exchange(exchange->proxy, exchange);
}

void exchange_go_on(struct exchange *exchange)
{
    if (!exchange->paused)
        return;
    exchange->paused = false;
    proxy_await(exchange->proxy, exchange, WAIT_RESPONSE);
    upstream_resume(exchange->connection);
}

const struct upstream_events exchange_events = {
    .connected = on_connected,
    .received = on_received,
    .sent = on_sent,
    .failed = on_failed,
};

/* ---- the object ---- */

struct exchange *exchange_new(struct proxy *proxy)
{
    struct exchange *exchange = calloc(1, sizeof *exchange);
    if (!exchange)
        return NULL;
    exchange->proxy = proxy;
    list_init(&exchange->link);
    response_parser_init(&exchange->parser, &parser_events, exchange);
    return exchange;
}

void exchange_free(struct exchange *exchange)
{
    response_parser_close(&exchange->parser);
    forward_text_free(&exchange->head);
    forward_fields_free(&exchange->fields);
    free(exchange);
}
