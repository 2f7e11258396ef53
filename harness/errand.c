/*
 * errand: the thread writes the result before it sets `done`; whoever has seen that may read it.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"

#include "errand.h"
#include "text.h"

#define PATIENCE_NS (5 * CLOCK_NS_PER_S) /* with a server that does not answer */

struct errand {
    pthread_t thread;
    const char *method;
    char *target;
    struct net_address address;
    int stop_fd;
    int result;
    struct fetch_answer answer;
    atomic_bool done;
};

static void *run(void *context)
{
    struct errand *errand = context;
    struct fetch_request request = {.method = errand->method,
                                    .target = errand->target,
                                    .deadline_ns = clock_now_ns() + PATIENCE_NS,
                                    .stop_fds = &errand->stop_fd,
                                    .stop_count = 1};
    errand->result = fetch(&errand->address, &request, &errand->answer);
    atomic_store(&errand->done, true);
    return NULL;
}

static void free_errand(struct errand *errand)
{
    free(errand->answer.body);
    free(errand->target);
    free(errand);
}

const char *errand_send(struct errand **errand, const char *admin, const char *method, const char *target, int stop_fd)
{
    struct errand *made = memory_get(sizeof(*made));
    *made = (struct errand){.method = method, .target = text_copy(target), .stop_fd = stop_fd};
    const char *why = NULL;
    if (!admin)
        why = "the server has no admin address";
    else if (fetch_parse_address(admin, &made->address) < 0)
        why = "the server's admin address cannot be read";
    else if (pthread_create(&made->thread, NULL, run, made) != 0)
        why = "no thread to ask the server with";
    if (why)
        free_errand(made);
    else
        *errand = made;
    return why;
}

bool errand_done(struct errand *errand)
{
    return atomic_load(&errand->done);
}

int errand_result(const struct errand *errand)
{
    return errand->result;
}

const struct fetch_answer *errand_answer(const struct errand *errand)
{
    return &errand->answer;
}

void errand_end(struct errand *errand)
{
    if (!errand)
        return;
    pthread_join(errand->thread, NULL);
    free_errand(errand);
}
