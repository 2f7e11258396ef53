/*
 * The life of a worker or a front, from its start to its end.
 *
 * A process is the program itself, started again with its identity in the environment and three descriptors at fixed
 * numbers. A thread runs the same worker with the same channel, and so does a worker in place, on the primary's own loop. All say
 * "ready" over the channel; a process's end is seen by its exit, a thread's by the end of its channel; in place, by a call.
 *
 * Rule: the primary keeps a copy of a process's end of the channel. What the process never took out of it can then be
 * read back when it is dead, and no connection is lost with it.
 *
 * Rule: a life is freed when the loop holds nothing of it any more; places.c has heard of its end just before.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cluster/messages.h"
#include "cluster/primary.h"

extern char **environ;

const char *role_name(enum worker_role role)
{
    return role == ROLE_FRONT ? "front" : "worker";
}

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Everything of it is closed: what it counted is kept, the place is told, and it is gone. */
static void end_life(struct life *life)
{
    struct primary *primary = life->primary;
    if (life->slot)
        scoreboard_retire(primary->scoreboard, life->slot);
    life->slot = NULL;
    close_end(&life->worker_channel);
    life->state = LIFE_ENDING;
    list_remove(&life->link);
    place_life_gone(life->place, life);
    if (life != primary->in_place) /* that one goes with its worker, behind the loop */
        free(life);
}

static void on_part_closed(void *context)
{
    struct life *life = context;
    if (--life->handles == 0)
        end_life(life);
}

static void on_process_closed(uv_handle_t *handle)
{
    on_part_closed(handle->data);
}

/* What it has on the loop is closed, which ends it. */
static void let_go(struct life *life)
{
    if (life->has_process)
        uv_close((uv_handle_t *)&life->process, on_process_closed);
    if (life->has_post)
        post_close(&life->post, on_part_closed);
    life->has_process = life->has_post = false;
}

/* ---- the channel ---- */

static void free_worker(struct worker *worker)
{
    free(worker->private);
    free(worker);
}

static void end_thread(struct life *life)
{
    uv_thread_join(&life->thread);
    free_worker(life->thread_worker);
    life->thread_worker = NULL;
    snprintf(life->end, sizeof life->end, "%s", life->was_ready ? "ended" : "could not start");
    primary_event(life->primary, "exit", life->place, life, "{s:s}", "end", life->end);
    let_go(life);
}

/* A process has to prove that it is the same strategy: somebody may have put another program in the place of this one. */
static bool is_foreign(struct life *life)
{
    const char *program = life->slot->program, *wanted = life->primary->scoreboard->strategy;
    bool proved = strncmp(program, wanted, SCOREBOARD_NAME_SIZE) == 0;
    bool is_process = life->primary->strategy->place == PROCESSES;
    if (!proved)
        snprintf(life->foreign, sizeof life->foreign, "the program is %.*s now", SCOREBOARD_NAME_SIZE,
                 *program ? program : "another one");
    return is_process && !proved;
}

static void become_ready(struct life *life)
{
    life->state = LIFE_READY;
    life->was_ready = true;
    life->deadline_ns = 0;
    place_life_ready(life->place, life);
}

static void on_message(void *context, const struct channel_message *message, struct slice bytes, int fd)
{
    struct life *life = context;
    if (fd >= 0)
        close(fd);
    bool says_ready = message->kind == CHANNEL_READY && life->state == LIFE_STARTING;
    if (says_ready && is_foreign(life))
        life_kill(life, life->foreign);
    else if (says_ready)
        become_ready(life);
    else
        messages_from_worker(life, message, bytes);
}

/* A process's end is told by its exit, that of a worker in place by itself. */
static void on_channel_ended(void *context)
{
    struct life *life = context;
    if (life->thread_worker && life->primary->strategy->place == THREADS)
        end_thread(life);
}

/* The worker's end is in *worker_end. */
static int open_channel(struct life *life, int *worker_end)
{
    static const struct post_events events = {on_message, on_channel_ended};
    int ends[2];
    int error = channel_pair(ends);
    if (error)
        return error;
    *worker_end = ends[1];
    error = post_open(&life->post, &life->primary->loop, ends[0], &events, life);
    if (error) {
        close(ends[0]);
        close(ends[1]);
        return error;
    }
    life->has_post = true;
    life->handles++;
    return 0;
}

/* ---- processes ---- */

static void describe_end(struct life *life, int64_t exit_status, int term_signal)
{
    const char *why = life->kill_reason ? life->kill_reason : "", *before = life->kill_reason ? " (" : "",
               *behind = life->kill_reason ? ")" : "";
    if (term_signal)
        snprintf(life->end, sizeof life->end, "signal %d%s%s%s", term_signal, before, why, behind);
    else
        snprintf(life->end, sizeof life->end, "exit status %d%s%s%s", (int)exit_status, before, why, behind);
}

static void on_exit_of(uv_process_t *process, int64_t exit_status, int term_signal)
{
    struct life *life = process->data;
    bool wanted = life->state == LIFE_DRAINING || life->primary->stopping;
    enum log_level level = wanted ? LOG_DEBUG : life->dismissed ? LOG_INFO : LOG_WARN;
    if (!life->kill_reason && life->slot->program[0] && is_foreign(life))
        life->kill_reason = life->foreign;
    describe_end(life, exit_status, term_signal);
    log_line(life->primary->log, level, "%s %u (pid %d) ended: %s", role_name(life->place->role), life->place->index,
             (int)process->pid, life->end);
    primary_event(life->primary, "exit", life->place, life, "{s:i, s:s*}", term_signal ? "signal" : "status",
                  term_signal ? term_signal : (int)exit_status, "reason", life->kill_reason);
    life->process_running = false;
    life->state = LIFE_ENDING;
    dealer_reclaim(life->primary, life);
    let_go(life);
}

/* The environment with one more entry. The caller frees the array; the strings are borrowed. */
static char **environment_with(char *entry)
{
    size_t count = 0;
    while (environ[count])
        count++;
    char **copy = malloc((count + 2) * sizeof *copy);
    if (!copy)
        return NULL;
    for (size_t i = 0; i < count; i++)
        copy[i] = environ[i];
    copy[count] = entry;
    copy[count + 1] = NULL;
    return copy;
}

static uv_stdio_container_t inherit(int fd)
{
    uv_stdio_container_t container = {.flags = fd >= 0 ? UV_INHERIT_FD : UV_IGNORE};
    container.data.fd = fd;
    return container;
}

static int spawn(struct life *life, int worker_end)
{
    struct primary *primary = life->primary;
    char identity[sizeof WORKER_IDENTITY_NAME + WORKER_IDENTITY_SIZE];
    snprintf(identity, sizeof identity, "%s=%u:%u:%u:%d", WORKER_IDENTITY_NAME, life->place->index,
             (unsigned)(life->slot - primary->scoreboard->slots), (unsigned)life->place->role, (int)getpid());
    char **environment = environment_with(identity);
    if (!environment)
        return -ENOMEM;
    int listener = listeners_inherited(life->place);
    uv_stdio_container_t descriptors[] = {
        inherit(-1),                     /* stdin: nothing */
        inherit(STDERR_FILENO),          /* stdout: the ready line is the primary's */
        inherit(STDERR_FILENO),          /**/
        inherit(worker_end),             /* WORKER_CHANNEL_FD */
        inherit(primary->scoreboard_fd), /* WORKER_SCOREBOARD_FD */
        inherit(listener),               /* WORKER_LISTENER_FD; often none */
        inherit(primary->config->shared) /* WORKER_SETTINGS_FD; the same */
    };
    uv_process_options_t options = {
        .file = primary->executable,
        .args = primary->argv,
        .env = environment,
        .exit_cb = on_exit_of,
        .stdio = descriptors,
        .stdio_count = sizeof descriptors / sizeof *descriptors,
    };
    life->process.data = life;
    life->has_process = true; /* even when it fails: the handle has to be closed */
    life->handles++;
    int error = uv_spawn(&primary->loop, &life->process, &options);
    life->process_running = !error;
    if (!error)
        life->slot->pid = life->process.pid; /* so that it can be seen before it can say so itself */
    free(environment);
    return error;
}

/* ---- threads ---- */

static void run_thread(void *context)
{
    (void)worker_run(context); /* the primary hears of its end, whichever it is, by the end of the channel */
}

/* As a process does, a worker in this one gets its own descriptor of the listening socket: each closes the own when it ends. */
static int make_worker(struct life *life, int channel, struct worker **made)
{
    struct primary *primary = life->primary;
    struct worker *worker = calloc(1, sizeof *worker);
    struct worker_private *private = calloc(1, sizeof *private);
    int listener = listeners_inherited(life->place), error = 0;
    if (!worker || !private)
        error = -ENOMEM;
    else if (listener >= 0 && (listener = fcntl(listener, F_DUPFD_CLOEXEC, 0)) < 0)
        error = -errno;
    if (error) {
        free(worker);
        free(private);
        return error;
    }
    private->channel = channel;
    *worker = (struct worker){
        .strategy = primary->strategy,
        .options = primary->options,
        .own_options = primary->own_options,
        .log = primary->log,
        .role = life->place->role,
        .index = life->place->index,
        .scoreboard = primary->scoreboard,
        .slot = life->slot,
        .listener = listener,
        .private = private,
    };
    *made = worker;
    return 0;
}

static int start_thread(struct life *life, int channel)
{
    struct worker *worker;
    int error = make_worker(life, channel, &worker);
    if (error)
        return error;
    life->thread_worker = worker; /* set before: its channel may speak at once */
    error = uv_thread_create(&life->thread, run_thread, worker);
    if (!error)
        return 0;
    life->thread_worker = NULL;
    close_end(&worker->listener);
    free_worker(worker);
    return error;
}

/* ---- in place ---- */

static void on_worker_in_place_ended(void *context)
{
    struct life *life = context;
    primary_event(life->primary, "exit", life->place, life, "{s:s}", "end", "ended");
    let_go(life);
}

static int start_in_place(struct life *life)
{
    struct worker *worker;
    int channel;
    life->primary->in_place = life;
    int error = open_channel(life, &channel);
    if (error)
        return error;
    error = make_worker(life, channel, &worker);
    if (error) {
        close(channel);
        return error;
    }
    worker->loop = &life->primary->loop;
    worker->private->ended = on_worker_in_place_ended;
    worker->private->ended_context = life;
    life->thread_worker = worker;
    worker_prepare_thread(worker);
    return worker_begin(worker);
}

void life_free_in_place(struct life *life)
{
    if (!life)
        return;
    if (life->thread_worker) {
        worker_free(life->thread_worker);
        free_worker(life->thread_worker);
    }
    free(life);
}

/* ---- any life ---- */

static int start_with_channel(struct life *life)
{
    int channel;
    int error = open_channel(life, &channel);
    if (error)
        return error;
    bool is_thread = life->primary->strategy->place == THREADS;
    error = is_thread ? start_thread(life, channel) : spawn(life, channel);
    if (!is_thread || error)
        life->worker_channel = channel; /* else it is the thread's */
    return error;
}

static struct life *make_life(struct place *place)
{
    struct primary *primary = place->primary;
    struct life *life = calloc(1, sizeof *life);
    if (!life)
        return NULL;
    life->slot = scoreboard_take(primary->scoreboard, place->role, place->index, place->lives_begun);
    if (!life->slot) {
        free(life);
        return NULL;
    }
    life->primary = primary;
    life->place = place;
    life->generation = place->lives_begun++;
    life->worker_channel = -1;
    life->started_ns = clock_now_ns();
    life->deadline_ns = life->started_ns + primary->options->ready_timeout_ns;
    list_append(&place->lives, &life->link);
    return life;
}

/*
 * Begins a life for the place. 0 and the life in *begun, which is set before anything of it can happen; or a negative errno: then
 * its end follows, as that of any life - at once where nothing of it was on the loop yet.
 */
int life_start(struct place *place, struct life **begun)
{
    struct primary *primary = place->primary;
    struct life *life = make_life(place);
    if (!life)
        return -ENOMEM;
    *begun = life;
    int error = primary->strategy->place == IN_PLACE ? start_in_place(life) : start_with_channel(life);
    primary_event(primary, "start", place, life, error ? "{s:s}" : NULL, "error", error ? uv_strerror(error) : "");
    if (!error)
        return 0;
    snprintf(life->end, sizeof life->end, "cannot start: %s", uv_strerror(error));
    if (life->handles > 0)
        let_go(life);
    else
        end_life(life);
    return error;
}

static void tell(struct life *life, enum channel_kind order)
{
    if (post_send(&life->post, order, 0, SLICE("")) != 0 && life->process_running)
        uv_process_kill(&life->process, order == CHANNEL_DRAIN ? SIGTERM : SIGKILL);
}

void life_drain(struct life *life, uint64_t grace_ns)
{
    if (life->state >= LIFE_DRAINING)
        return;
    life->state = LIFE_DRAINING;
    life->deadline_ns = grace_ns ? clock_now_ns() + grace_ns : 0;
    tell(life, CHANNEL_DRAIN);
}

void life_stop(struct life *life)
{
    if (life->state == LIFE_ENDING)
        return;
    life->state = LIFE_DRAINING;
    life->deadline_ns = 0;
    tell(life, CHANNEL_STOP);
}

void life_reopen_logs(struct life *life)
{
    if (life->has_post && life->state != LIFE_ENDING)
        (void)post_send(&life->post, CHANNEL_REOPEN, 0, SLICE("")); /* it fails for those that are gone: nothing to reopen */
}

void life_kill(struct life *life, const char *reason)
{
    if (life->state == LIFE_ENDING)
        return;
    life->state = LIFE_ENDING;
    life->deadline_ns = 0;
    life->kill_reason = reason;
    if (life->process_running)
        uv_process_kill(&life->process, SIGKILL);
    else
        tell(life, CHANNEL_STOP);
}

void life_dismiss(struct life *life, const char *reason)
{
    life->dismissed = life->state != LIFE_ENDING; /* else it had an end of its own */
    life_kill(life, reason);
}
