/*
 * The proxy around its exchanges: what is late, the end.
 *
 * Rule: nothing is late before the loop has read once more. libuv runs timers first; a front that was stopped for a while
 * would find its answers waiting behind an expired timer. So a timer that fires asks for one turn of the loop, and acts
 * behind it.
 */
#include "proxy/proxy.h"

#include <errno.h>
#include <stdlib.h>

#include "proxy/exchange.h"

#define SPARE_MOST 256

/* ---- what is late ---- */

static void on_timer(uv_timer_t *timer);

void proxy_arm(struct proxy *proxy, uint64_t due_ms)
{
    if (due_ms >= proxy->timer_due_ms || proxy->closing)
        return;
    uint64_t now_ms = uv_now(proxy->settings.loop);
    proxy->timer_due_ms = due_ms;
    uv_timer_start(&proxy->timer, on_timer, due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

void proxy_await(struct proxy *proxy, struct exchange *exchange, enum wait kind)
{
    const struct proxy_settings *settings = &proxy->settings;
    uint64_t timeout_ms = kind == WAIT_CONNECT ? settings->connect_timeout_ms : settings->response_timeout_ms;
    exchange->deadline_ms = uv_now(settings->loop) + timeout_ms;
    exchange->wait = kind;
    list_remove(&exchange->link);
    list_append(&proxy->waiting[kind], &exchange->link);
    proxy_arm(proxy, exchange->deadline_ms);
}

/* Returns when to look again. */
static uint64_t expire_exchanges(struct proxy *proxy, enum wait kind)
{
    struct list *list = &proxy->waiting[kind];
    uint64_t now_ms = uv_now(proxy->settings.loop);
    while (!list_empty(list)) {
        struct exchange *exchange = list_entry(list->next, struct exchange, link);
        if (exchange->deadline_ms > now_ms)
            return exchange->deadline_ms;
        exchange_expire(exchange); /* leaves the list, or moves to an end */
    }
    return UINT64_MAX;
}

static void on_timer(uv_timer_t *timer)
{
    struct proxy *proxy = timer->data;
    proxy->timer_due_ms = UINT64_MAX;
    proxy->has_read_since = !proxy->has_read_since;
    if (proxy->has_read_since) { /* the first time: comes back behind a turn of the loop */
        proxy_arm(proxy, uv_now(proxy->settings.loop) + 1);
        return;
    }
    uint64_t idle_due_ms = upstream_pool_expire(&proxy->pool);
    proxy_arm(proxy, expire_exchanges(proxy, WAIT_CONNECT));
    proxy_arm(proxy, expire_exchanges(proxy, WAIT_RESPONSE));
    proxy_arm(proxy, idle_due_ms);
}

/* ---- exchanges ---- */

struct exchange *proxy_take_exchange(struct proxy *proxy)
{
    if (list_empty(&proxy->spare))
        return exchange_new(proxy);
    struct exchange *exchange = list_entry(proxy->spare.previous, struct exchange, link);
    list_remove(&exchange->link);
    proxy->spare_count--;
    return exchange;
}

void proxy_give_exchange(struct proxy *proxy, struct exchange *exchange)
{
    list_remove(&exchange->link);
    if (proxy->spare_count == SPARE_MOST) {
        exchange_free(exchange);
        return;
    }
    forward_text_trim(&exchange->head);
    forward_fields_trim(&exchange->fields);
    list_append(&proxy->spare, &exchange->link);
    proxy->spare_count++;
}

static void on_request(void *context, struct http_request *request)
{
    struct proxy *proxy = context;
    struct exchange *exchange = proxy_take_exchange(proxy);
    if (!exchange) {
        struct http_response response = {.status = 503, .content_type = SLICE("text/plain"), .body = SLICE("out of memory\n")};
        http_respond(request, &response);
        return;
    }
    counter_add(&proxy->settings.counters->upstream_requests, 1);
    exchange_start(exchange, request);
}

static void on_abandoned(void *context, struct http_request *request)
{
    (void)context;
    if (request->user)
        exchange_abandon(request->user);
}

static void on_drained(void *context, struct http_request *request)
{
    (void)context;
    if (request->user)
        exchange_go_on(request->user);
}

const struct http_server_events proxy_events = {
    .request = on_request,
    .abandoned = on_abandoned,
    .drained = on_drained,
};

/* ---- beginning and end ---- */

static void proxy_free(struct proxy *proxy)
{
    while (!list_empty(&proxy->spare)) {
        struct exchange *exchange = list_entry(proxy->spare.next, struct exchange, link);
        list_remove(&exchange->link);
        exchange_free(exchange);
    }
    upstream_pool_free(&proxy->pool);
    free(proxy->members);
    free(proxy);
}

static void end(struct proxy *proxy)
{
    struct proxy_settings settings = proxy->settings;
    proxy_free(proxy);
    settings.closed(settings.owner);
}

static void on_timer_closed(uv_handle_t *timer)
{
    struct proxy *proxy = timer->data;
    proxy->timer.data = NULL;
    if (proxy->pool.open == 0)
        end(proxy);
}

static void on_emptied(void *owner)
{
    struct proxy *proxy = owner;
    if (!proxy->timer.data)
        end(proxy);
}

void proxy_close(void *context)
{
    struct proxy *proxy = context;
    proxy->closing = true;
    upstream_pool_close(&proxy->pool);
    uv_close((uv_handle_t *)&proxy->timer, on_timer_closed);
}

int proxy_open(struct proxy **result, const struct proxy_settings *settings)
{
    struct proxy *proxy = calloc(1, sizeof *proxy);
    if (!proxy)
        return -ENOMEM;
    proxy->settings = *settings;
    proxy->pool = (struct upstream_pool){
        .loop = settings->loop,
        .events = &exchange_events,
        .counters = settings->counters,
        .idle_most = settings->idle_most,
        .idle_ms = settings->idle_ms,
        .emptied = on_emptied,
        .owner = proxy,
    };
    list_init(&proxy->spare);
    for (int kind = 0; kind < WAIT_KINDS; kind++)
        list_init(&proxy->waiting[kind]);
    int error = upstream_pool_init(&proxy->pool, settings->upstream_count);
    if (!error)
        error = members_open(proxy);
    if (error) {
        proxy_free(proxy);
        return error;
    }
    proxy->timer_due_ms = UINT64_MAX;
    uv_timer_init(settings->loop, &proxy->timer); /* cannot fail */
    proxy->timer.data = proxy;
    *result = proxy;
    return 0;
}
