/*
 * The shop: /api/products reads its list from a slow database, unless the cache has it; /api/cart/add takes some time.
 *
 * The database is an alarm: a reading occupies nobody, as one over a network. A reading goes on when the client that caused it has
 * left: others may wait for it (--single-flight), and the cache wants it anyway.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cluster/errands.h"
#include "cluster/worker.h"
#include "service/shop.h"

#define CART_TIME_NS (50 * CLOCK_NS_PER_MS)

/* ---- /api/products ---- */

/* One way to the database and back, and into the cache. It holds the job that was told of the miss. */
struct reading {
    struct alarm alarm;
    struct list link; /* until the database has answered */
    struct job *job;
    struct state_fill *fill;
    uint64_t number;
    size_t length;
    char text[SHOP_LIST_SIZE];
};

static void answer_list(struct job *job, enum state_source source, struct slice list)
{
    char fields[32];
    int length = snprintf(fields, sizeof fields, "X-Cache: %s\r\n", state_source_names[source]);
    const struct http_response response = {
        .status = 200, .content_type = SLICE("application/json"), .fields = {fields, (size_t)length}, .body = list};
    state_share_note(job->worker);
    if (job_back(job))
        job_answer(job, &response);
}

static void answer_unavailable(struct job *job, const char *why)
{
    if (job_back(job))
        job_answer_text(job, 503, "%s", why);
}

/* Whether it was kept or not: the list is here. What could not be kept is counted (cache_unkept). */
static void on_kept(void *context, int error, const char *why)
{
    struct reading *reading = context;
    (void)error;
    (void)why;
    answer_list(reading->job, STATE_MISS, (struct slice){reading->text, reading->length});
    free(reading);
}

static void on_read(struct alarm *alarm)
{
    struct reading *reading = (struct reading *)alarm;
    const struct worker *worker = reading->job->worker;
    list_remove(&reading->link);
    reading->length = shop_list(worker->index, reading->number, reading->text);
    state_cache_fill(reading->fill, (struct slice){reading->text, reading->length}, worker->options->cache_ttl_ns, on_kept,
                     reading);
}

static void give_up(struct state_fill *fill, struct job *job, int error, const char *why)
{
    state_cache_give_up(fill, error, why);
    answer_unavailable(job, why);
}

static void begin_reading(struct job *job, struct state_fill *fill)
{
    struct worker_private *private = job->worker->private;
    struct reading *reading = calloc(1, sizeof *reading);
    if (!reading) {
        give_up(fill, job, -ENOMEM, "out of memory");
        return;
    }
    reading->alarm.ring = on_read;
    reading->job = job;
    reading->fill = fill;
    reading->number = ++private->share.readings_begun;
    list_append(&private->share.readings, &reading->link);
    if (alarm_set(&private->clock, &reading->alarm, clock_now_ns() + job->worker->options->database_time_ns) != 0)
        on_read(&reading->alarm); /* without memory for an alarm: early rather than never */
}

static void on_got(void *context, int error, const char *why, const struct state_got *got)
{
    struct job *job = context;
    if (error)
        answer_unavailable(job, why);
    else if (got->source == STATE_MISS)
        begin_reading(job, got->fill);
    else
        answer_list(job, got->source, got->bytes);
}

void errand_products(struct job *job)
{
    const struct cluster_options *options = job->worker->options;
    job_hold(job);
    state_cache_get(job->worker->private->share.state, (enum state_store)options->cache, SLICE("products"), options->single_flight,
                    on_got, job);
}

void shop_close(struct worker *worker)
{
    struct worker_private *private = worker->private;
    while (!list_empty(&private->share.readings)) {
        struct reading *reading = list_entry(private->share.readings.next, struct reading, link);
        list_remove(&reading->link);
        alarm_cancel(&private->clock, &reading->alarm);
        give_up(reading->fill, reading->job, -ECANCELED, "the worker is ending");
        free(reading);
    }
}

/* ---- /api/cart/add ---- */

static void answer_cart(struct job *job)
{
    const struct http_response response = {
        .status = 200, .content_type = SLICE("application/json"), .body = slice_of(job->response.text)};
    job_answer(job, &response);
}

void errand_cart(struct job *job)
{
    struct shop_item item;
    char why[SHOP_WHY_SIZE];
    if (shop_read_item(job->response.argument, &item, why) != 0) {
        job_answer_text(job, 400, "%s", why);
        return;
    }
    snprintf(job->response.text, sizeof job->response.text, "{\"added\": {\"product\": %u, \"quantity\": %u, \"cents\": %u}}\n",
             item.product, item.quantity, item.cents);
    if (job_after(job, CART_TIME_NS, answer_cart) != 0)
        answer_cart(job); /* without memory for an alarm: early rather than never */
}
