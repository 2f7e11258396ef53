/*
 * What a thread counts. Plain numbers of one writer; merged when the threads have ended.
 *
 * Rule: every request that was taken up ends in exactly one of ok, http_errors, socket_errors, timed_out or unfinished.
 * Response times are kept a backend and nowhere else: their sum over the backends is the distribution of all.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loadgen/measure/measure.h"

const char *const error_names[ERROR_KINDS] = {"connect", "read", "write", "malformed", "timeout", "local", "idle_closed"};

#define OTHERS_ID "(others)"

#define HISTOGRAMS 8

static struct histogram *const *histograms_of(struct stats *stats, struct histogram *all[HISTOGRAMS])
{
    struct histogram *const those[HISTOGRAMS] = {
        &stats->service,       &stats->send_lag,    &stats->own_lag,  &stats->connect,
        &stats->split_service, &stats->split_first, &stats->censored, &stats->censored_service,
    };
    memcpy(all, those, sizeof(those));
    return all;
}

bool error_is_local(int error)
{
    static const int local[] = {EADDRNOTAVAIL, EMFILE, ENFILE, ENOBUFS, ENOMEM, EADDRINUSE, EACCES, EPERM};
    for (unsigned i = 0; i < sizeof(local) / sizeof(local[0]); i++)
        if (error == local[i])
            return true;
    return false;
}

/* `id` has at most BACKEND_ID_MAX bytes. */
static struct backend *add_backend(struct stats *stats, struct slice id)
{
    struct backend *backend = calloc(1, sizeof(*backend));
    if (!backend)
        return NULL;
    if (histogram_init(&backend->response, HISTOGRAM_HOUR_US, 3) != 0) {
        free(backend);
        return NULL;
    }
    backend->index = stats->backend_count;
    backend->id_length = id.length;
    memcpy(backend->id, id.at, backend->id_length);
    stats->backends[stats->backend_count++] = backend;
    return backend;
}

static int add_kinds(struct stats *stats, unsigned count)
{
    stats->kinds = calloc(count, sizeof(*stats->kinds));
    if (!stats->kinds)
        return -ENOMEM;
    int error = 0;
    for (; stats->kind_count < count && !error; stats->kind_count++)
        error = histogram_init(&stats->kinds[stats->kind_count].response, HISTOGRAM_HOUR_US, 3);
    return error;
}

int stats_init(struct stats *stats, unsigned kind_count)
{
    struct histogram *all[HISTOGRAMS];
    *stats = (struct stats){.started = 0};
    histograms_of(stats, all);
    int error = add_backend(stats, SLICE("-")) ? 0 : -ENOMEM;
    for (unsigned i = 0; i < HISTOGRAMS && !error; i++)
        error = histogram_init(all[i], HISTOGRAM_HOUR_US, 3);
    if (!error && kind_count > 1)
        error = add_kinds(stats, kind_count);
    if (error)
        stats_close(stats);
    return error;
}

void stats_close(struct stats *stats)
{
    struct histogram *all[HISTOGRAMS];
    histograms_of(stats, all);
    for (unsigned i = 0; i < HISTOGRAMS; i++)
        histogram_close(all[i]);
    for (unsigned i = 0; i < stats->backend_count; i++) {
        histogram_close(&stats->backends[i]->response);
        free(stats->backends[i]);
    }
    stats->backend_count = 0;
    for (unsigned i = 0; i < stats->kind_count; i++)
        histogram_close(&stats->kinds[i].response);
    free(stats->kinds);
    stats->kinds = NULL;
    stats->kind_count = 0;
}

static struct backend *find_backend(const struct stats *stats, struct slice id)
{
    for (unsigned i = 0; i < stats->backend_count; i++) {
        struct backend *backend = stats->backends[i];
        if (backend->id_length == id.length && memcmp(backend->id, id.at, id.length) == 0)
            return backend;
    }
    return NULL;
}

/* Cuts an id to what is kept of it, and copies it into `text`. */
static struct slice tidy_id(struct slice id, char text[BACKEND_ID_MAX])
{
    size_t length = id.length < BACKEND_ID_MAX ? id.length : BACKEND_ID_MAX;
    for (size_t i = 0; i < length; i++)
        text[i] = id.at[i] >= ' ' && id.at[i] < 0x7f ? id.at[i] : '?';
    return (struct slice){text, length};
}

struct backend *stats_backend(struct stats *stats, struct slice id)
{
    char text[BACKEND_ID_MAX];
    id = tidy_id(id, text);
    struct backend *backend = id.length ? find_backend(stats, id) : stats->backends[0];
    if (!backend && stats->backend_count >= BACKENDS_MAX) {
        id = SLICE(OTHERS_ID);
        backend = find_backend(stats, id);
    }
    if (!backend)
        backend = add_backend(stats, id);
    return backend ? backend : stats->backends[0];
}

bool stats_has_others(const struct stats *stats)
{
    return find_backend(stats, SLICE(OTHERS_ID)) != NULL;
}

static int merge_backends(struct stats *into, const struct stats *from)
{
    int error = 0;
    for (unsigned i = 0; i < from->backend_count && !error; i++) {
        const struct backend *theirs = from->backends[i];
        if (i > 0 && !theirs->answered)
            continue;
        struct backend *ours = stats_backend(into, (struct slice){theirs->id, theirs->id_length});
        ours->answered |= theirs->answered;
        ours->connections += theirs->connections;
        ours->requests += theirs->requests;
        ours->bytes += theirs->bytes;
        ours->errors += theirs->errors;
        ours->http_errors += theirs->http_errors;
        error = histogram_merge(&ours->response, &theirs->response);
    }
    return error;
}

static void merge_counts(struct stats *into, const struct stats *from)
{
    into->started += from->started;
    into->ok += from->ok;
    into->http_errors += from->http_errors;
    into->lingered += from->lingered;
    into->retries += from->retries;
    into->warmup += from->warmup;
    into->carried += from->carried;
    into->run_wait_ns += from->run_wait_ns;
    into->spin_ns += from->spin_ns;
    into->in_flight_ns += from->in_flight_ns;
    into->socket_errors += from->socket_errors;
    into->timed_out += from->timed_out;
    into->unfinished += from->unfinished;
    into->unsent += from->unsent;
    into->waited += from->waited;
    into->bytes_read += from->bytes_read;
    into->bytes_written += from->bytes_written;
    into->cpu_ns += from->cpu_ns;
    for (unsigned i = 0; i < STATUS_MAX; i++)
        into->status[i] += from->status[i];
    for (unsigned i = 0; i < CHECK_KINDS; i++)
        into->check_failed[i] += from->check_failed[i];
    for (unsigned i = 0; i < ERROR_KINDS; i++) {
        into->errors[i] += from->errors[i];
        into->last_error[i] = from->last_error[i] ? from->last_error[i] : into->last_error[i];
    }
}

/* -EINVAL where the two do not have the same kinds. */
static int merge_kinds(struct stats *into, const struct stats *from)
{
    int error = into->kind_count == from->kind_count ? 0 : -EINVAL;
    for (unsigned i = 0; i < from->kind_count && !error; i++) {
        into->kinds[i].requests += from->kinds[i].requests;
        into->kinds[i].not_ok += from->kinds[i].not_ok;
        error = histogram_merge(&into->kinds[i].response, &from->kinds[i].response);
    }
    return error;
}

int stats_merge(struct stats *into, const struct stats *from)
{
    merge_counts(into, from);
    struct histogram *ours[HISTOGRAMS], *theirs[HISTOGRAMS];
    histograms_of(into, ours);
    histograms_of((struct stats *)(uintptr_t)from, theirs); /* read only */
    int error = 0;
    for (unsigned i = 0; i < HISTOGRAMS && !error; i++)
        error = histogram_merge(ours[i], theirs[i]);
    if (!error)
        error = merge_kinds(into, from);
    return error ? error : merge_backends(into, from);
}

int stats_response_times(const struct stats *stats, struct histogram *response)
{
    int error = 0;
    for (unsigned i = 0; i < stats->backend_count && !error; i++)
        error = histogram_merge(response, &stats->backends[i]->response);
    return error;
}
