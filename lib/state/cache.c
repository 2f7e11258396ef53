/*
 * Get and fill.
 *
 * Every get that asks its store is a fill: it may have to be filled. With single flight, a later get for the same key joins the
 * fill that is under way, in whatever phase it is, and is answered with it:
 *
 *   LOOKING --found--> everybody: hit (or collapsed, if another worker was awaited)
 *   LOOKING --absent-> OUT: the first get is told to fill, the others wait
 *   LOOKING --busy---> AWAITED: another worker fills it; LOOKING again every few milliseconds, until it is found, or its lease ends
 *   OUT --filled-----> KEEPING --kept--> everybody who waits: collapsed
 *   OUT --given up---> everybody who waits: the error
 *
 * Without single flight each get is a fill of its own, and a storm of misses is as many fills.
 */
#include <errno.h>
#include <stdlib.h>

#include "state/store.h"

#define LOOK_AGAIN_MS 5

const char *const state_source_names[] = {"hit", "miss", "collapsed", NULL};

struct cache_get {
    struct list link;
    state_got_it *done;
    void *context;
};

/* ---- answering ---- */

static void answer_get(struct state_fill *fill, int error, const char *why, const struct state_got *got)
{
    struct cache_get *get = list_entry(fill->gets.next, struct cache_get, link), answered = *get;
    list_remove(&get->link);
    free(get);
    answered.done(answered.context, error, why, got);
}

static void end_fill(struct state_fill *fill)
{
    list_remove(&fill->link);
    free(fill->bytes);
    free(fill);
}

/* From here on no get joins. */
static void answer_all(struct state_fill *fill, enum state_source source, struct slice bytes)
{
    struct state_counts *counts = &fill->state->counts;
    const struct state_got got = {.source = source, .bytes = bytes};
    list_remove(&fill->link);
    while (!list_empty(&fill->gets)) {
        if (source == STATE_HIT)
            counts->cache_hits++;
        else
            counts->cache_collapsed++;
        answer_get(fill, 0, NULL, &got);
    }
}

static void refuse_all(struct state_fill *fill, int error, const char *why)
{
    list_remove(&fill->link);
    while (!list_empty(&fill->gets))
        answer_get(fill, error, why, NULL);
    end_fill(fill);
}

/* ---- what stores say ---- */

void fill_found(struct state_fill *fill, struct slice bytes)
{
    answer_all(fill, fill->awaited ? STATE_COLLAPSED : STATE_HIT, bytes);
    end_fill(fill);
}

void fill_absent(struct state_fill *fill)
{
    const struct state_got got = {.source = STATE_MISS, .fill = fill};
    fill->phase = FILL_OUT;
    fill->state->counts.cache_misses++;
    answer_get(fill, 0, NULL, &got);
}

void fill_failed(struct state_fill *fill, int error, const char *why)
{
    refuse_all(fill, error, why);
}

void fill_kept(struct state_fill *fill, int error, const char *why)
{
    struct state_counts *counts = &fill->state->counts;
    if (error)
        counts->cache_unkept++;
    else
        counts->cache_fills++;
    answer_all(fill, STATE_COLLAPSED, (struct slice){fill->bytes, fill->length});
    if (fill->kept)
        fill->kept(fill->kept_context, error, why);
    end_fill(fill);
}

/* ---- fills of other workers ---- */

static void look(struct state_fill *fill)
{
    fill->phase = FILL_LOOKING;
    fill->store->look(fill);
}

/* Answers of one change the list: it is begun anew behind each. */
static struct state_fill *next_to_ask_again(const struct state *state)
{
    for (struct list *link = state->fills.next; link != &state->fills; link = link->next) {
        struct state_fill *fill = list_entry(link, struct state_fill, link);
        if (fill->ask_again)
            return fill;
    }
    return NULL;
}

static void on_look_again(uv_timer_t *timer)
{
    struct state *state = timer->data;
    struct state_fill *fill;
    for (struct list *link = state->fills.next; link != &state->fills; link = link->next) {
        fill = list_entry(link, struct state_fill, link);
        fill->ask_again = fill->phase == FILL_AWAITED;
    }
    while ((fill = next_to_ask_again(state))) {
        fill->ask_again = false;
        look(fill);
    }
}

/* The timer is set anew as long as there is somebody to ask for. */
void fill_busy(struct state_fill *fill)
{
    uv_timer_t *timer = &fill->state->look_again;
    fill->phase = FILL_AWAITED;
    fill->awaited = true;
    if (!uv_is_active((const uv_handle_t *)timer))
        uv_timer_start(timer, on_look_again, LOOK_AGAIN_MS, 0);
}

/* ---- get ---- */

static struct state_fill *find_fill(const struct state *state, const struct cache_store *store, struct slice key)
{
    for (struct list *link = state->fills.next; link != &state->fills; link = link->next) {
        struct state_fill *fill = list_entry(link, struct state_fill, link);
        if (fill->store == store && fill->key_length == key.length && memcmp(fill->key, key.at, key.length) == 0)
            return fill;
    }
    return NULL;
}

static struct state_fill *make_fill(struct state *state, const struct cache_store *store, struct slice key, bool single_flight)
{
    struct state_fill *fill = calloc(1, sizeof *fill);
    if (!fill)
        return NULL;
    fill->state = state;
    fill->store = store;
    memcpy(fill->key, key.at, key.length);
    fill->key_length = key.length;
    fill->single_flight = single_flight;
    fill->token = random_next(&state->random);
    list_init(&fill->gets);
    list_append(&state->fills, &fill->link);
    return fill;
}

static int join(struct state_fill *fill, state_got_it *done, void *context)
{
    struct cache_get *get = fill ? malloc(sizeof *get) : NULL;
    if (!get)
        return -ENOMEM;
    get->done = done;
    get->context = context;
    list_append(&fill->gets, &get->link);
    return 0;
}

void state_cache_get(struct state *state, enum state_store store, struct slice key, bool single_flight, state_got_it *done,
                     void *context)
{
    const char *why;
    int error = state_check(state, STATE_CACHE, store, &why);
    if (error == 0 && (key.length == 0 || key.length > STATE_KEY_MAX)) {
        error = -EINVAL;
        why = "the key is empty or too long";
    }
    if (error) {
        done(context, error, why, NULL);
        return;
    }
    struct state_fill *under_way = single_flight ? find_fill(state, cache_stores[store], key) : NULL;
    struct state_fill *fill = under_way ? under_way : make_fill(state, cache_stores[store], key, single_flight);
    if (join(fill, done, context) != 0) {
        if (fill && !under_way)
            end_fill(fill);
        done(context, -ENOMEM, "out of memory", NULL);
    } else if (!under_way) {
        look(fill);
    }
}

/* ---- fill ---- */

/* There is not even room for a copy that those who wait could be given. */
static void fill_kept_not(struct state_fill *fill)
{
    fill->store->release(fill);
    fill->state->counts.cache_unkept++;
    if (fill->kept)
        fill->kept(fill->kept_context, -ENOMEM, "out of memory");
    refuse_all(fill, -ENOMEM, "out of memory");
}

void state_cache_fill(struct state_fill *fill, struct slice bytes, uint64_t ttl_ns, state_kept *done, void *context)
{
    fill->phase = FILL_KEEPING;
    fill->kept = done;
    fill->kept_context = context;
    fill->bytes = malloc(bytes.length + 1);
    if (!fill->bytes) {
        fill_kept_not(fill);
        return;
    }
    memcpy(fill->bytes, bytes.at, bytes.length);
    fill->length = bytes.length;
    if (bytes.length <= STATE_VALUE_MAX) {
        fill->store->keep(fill, ttl_ns);
    } else {
        fill->store->release(fill);
        fill_kept(fill, -E2BIG, "too long for a cache");
    }
}

void state_cache_give_up(struct state_fill *fill, int error, const char *why)
{
    fill->store->release(fill);
    refuse_all(fill, error, why);
}

/* ---- open and close ---- */

void cache_open(struct state *state)
{
    list_init(&state->fills);
    uv_timer_init(state->settings.loop, &state->look_again); /* never fails */
    state->look_again.data = state;
}

/* A look that is under way may bring the lease, when nobody is here to take it. What is being kept ends its lease itself. */
void cache_release(struct state *state)
{
    for (struct list *link = state->fills.next; link != &state->fills; link = link->next) {
        struct state_fill *fill = list_entry(link, struct state_fill, link);
        if (fill->phase == FILL_OUT || fill->phase == FILL_LOOKING)
            fill->store->release(fill);
    }
}

void cache_close(struct state *state, uv_close_cb closed)
{
    while (!list_empty(&state->fills))
        refuse_all(list_entry(state->fills.next, struct state_fill, link), -ECANCELED, STATE_ENDING);
    uv_close((uv_handle_t *)&state->look_again, closed);
}
