/*
 * The workers and fronts of a primary, each a place that is filled by one life after the other.
 *
 * A process is the program itself, started again with its identity in the environment and three descriptors at fixed
 * numbers. A thread runs the same worker with the same channel. Either says "ready" over the channel; a process's end is
 * seen by its exit, a thread's by the end of its channel.
 *
 * Rule: the primary keeps a copy of a process's end of the channel. What the process never took out of it can then be
 * read back when it is dead, and no connection is lost with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "cluster/primary.h"
#include "ipc/channel.h"

#define LONG_LIFE_NS (CLOCK_NS_PER_S) /* a worker that dies younger is not started again at once */
#define PAUSE_MS     250

extern char **environ;

static int start_member(struct member *member);

static const char *role_name(const struct member *member)
{
    return member->role == ROLE_FRONT ? "front" : "worker";
}

static void retire_slot(struct member *member)
{
    if (member->slot)
        scoreboard_retire(member->primary->scoreboard, member->slot);
    member->slot = NULL;
}

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void on_again(uv_timer_t *timer)
{
    struct member *member = timer->data;
    if (member->primary->draining || member->primary->stopping)
        return; /* nobody would tell it to end */
    int error = start_member(member);
    if (error)
        log_line(member->primary->log, LOG_ERROR, "%s %u cannot be started again: %s", role_name(member), member->index,
                 uv_strerror(error));
}

/* Everything of a life is closed: what it counted is kept, and the place is free. */
static void end_life(struct member *member)
{
    struct primary *primary = member->primary;
    bool long_life = clock_now_ns() - member->started_ns >= LONG_LIFE_NS;
    retire_slot(member);
    close_end(&member->channel);
    close_end(&member->worker_channel);
    member->state = MEMBER_NONE;
    primary_member_gone(primary, member);
    if (primary->serving && !primary->draining && !primary->stopping)
        uv_timer_start(&member->again, on_again, long_life ? 0 : PAUSE_MS, 0);
}

static void on_life_handle_closed(uv_handle_t *handle)
{
    struct member *member = handle->data;
    if (--member->handles == 0)
        end_life(member);
}

/* The life could not begin: what it has on the loop is closed, which ends it. */
static void abandon_life(struct member *member)
{
    if (member->has_process)
        uv_close((uv_handle_t *)&member->process, on_life_handle_closed);
    if (member->has_channel)
        uv_close((uv_handle_t *)&member->channel_poll, on_life_handle_closed);
    member->has_process = member->has_channel = false;
}

/* ---- the channel ---- */

static void free_worker(struct worker *worker)
{
    free(worker->private);
    free(worker);
}

static void end_thread(struct member *member)
{
    uv_thread_join(&member->thread);
    free_worker(member->thread_worker);
    member->thread_worker = NULL;
    abandon_life(member);
}

static void on_channel(uv_poll_t *poll, int status, int events)
{
    struct member *member = poll->data;
    struct channel_message message;
    int fd, got;
    (void)status;
    (void)events;
    while ((got = channel_receive(member->channel, &message, &fd)) > 0) {
        if (fd >= 0)
            close(fd);
        if (message.kind == CHANNEL_READY && member->state == MEMBER_STARTING) {
            member->state = MEMBER_READY;
            primary_member_ready(member->primary, member);
        }
    }
    if (got == -EAGAIN)
        return;
    if (member->thread_worker)
        end_thread(member);
    else
        uv_poll_stop(poll); /* a process's end is told by its exit */
}

static int open_channel(struct member *member, int ends[2])
{
    member->channel = ends[0];
    int error = uv_poll_init(&member->primary->loop, &member->channel_poll, ends[0]);
    if (error)
        return error;
    member->channel_poll.data = member;
    member->has_channel = true;
    member->handles++;
    return uv_poll_start(&member->channel_poll, UV_READABLE | UV_DISCONNECT, on_channel);
}

/* ---- processes ---- */

static void say_how_it_ended(const struct member *member, int64_t exit_status, int term_signal)
{
    const struct primary *primary = member->primary;
    bool wanted = member->state == MEMBER_ENDING || primary->stopping;
    enum log_level level = wanted ? LOG_DEBUG : LOG_WARN;
    const char *next = primary->serving && !primary->draining && !primary->stopping ? ", starting another" : "";
    if (term_signal)
        log_line(primary->log, level, "%s %u (pid %d) ended by signal %d%s", role_name(member), member->index,
                 (int)member->process.pid, term_signal, next);
    else
        log_line(primary->log, level, "%s %u (pid %d) exited with status %d%s", role_name(member), member->index,
                 (int)member->process.pid, (int)exit_status, next);
}

static void on_exit_of(uv_process_t *process, int64_t exit_status, int term_signal)
{
    struct member *member = process->data;
    say_how_it_ended(member, exit_status, term_signal);
    member->process_running = false;
    dealer_reclaim(member->primary, member);
    abandon_life(member);
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

static int inherited_listener(const struct member *member)
{
    const struct primary *primary = member->primary;
    bool has_fronts = primary->member_count > primary->worker_count;
    if (member->listener >= 0)
        return member->listener;
    if (primary->listener_is_shared && (member->role == ROLE_FRONT || !has_fronts))
        return primary->listener;
    return -1;
}

static uv_stdio_container_t inherit(int fd)
{
    uv_stdio_container_t container = {.flags = fd >= 0 ? UV_INHERIT_FD : UV_IGNORE};
    container.data.fd = fd;
    return container;
}

static int spawn(struct member *member, int worker_end)
{
    struct primary *primary = member->primary;
    char identity[sizeof WORKER_IDENTITY_NAME + WORKER_IDENTITY_SIZE];
    snprintf(identity, sizeof identity, "%s=%u:%u:%u:%d", WORKER_IDENTITY_NAME, member->index,
             (unsigned)(member->slot - primary->scoreboard->slots), (unsigned)member->role, (int)getpid());
    char **environment = environment_with(identity);
    if (!environment)
        return -ENOMEM;
    int listener = inherited_listener(member);
    uv_stdio_container_t descriptors[] = {
        inherit(-1),                     /* stdin: nothing */
        inherit(STDERR_FILENO),          /* stdout: the ready line is the primary's */
        inherit(STDERR_FILENO),          /**/
        inherit(worker_end),             /* WORKER_CHANNEL_FD */
        inherit(primary->scoreboard_fd), /* WORKER_SCOREBOARD_FD */
        inherit(listener),               /* WORKER_LISTENER_FD */
    };
    uv_process_options_t options = {
        .file = primary->executable,
        .args = primary->argv,
        .env = environment,
        .exit_cb = on_exit_of,
        .stdio = descriptors,
        .stdio_count = listener >= 0 ? 6 : 5,
    };
    member->process.data = member;
    member->has_process = true; /* even when it fails: the handle has to be closed */
    member->handles++;
    int error = uv_spawn(&primary->loop, &member->process, &options);
    member->process_running = !error;
    free(environment);
    return error;
}

/* ---- threads ---- */

static void run_thread(void *context)
{
    (void)worker_run(context); /* the primary hears of its end, whichever it is, by the end of the channel */
}

/* As a process does, a worker in this one gets its own descriptor of the listening socket: each closes the own when it ends. */
static int make_worker(struct member *member, int channel, struct worker **made)
{
    struct primary *primary = member->primary;
    struct worker *worker = calloc(1, sizeof *worker);
    struct worker_private *private = calloc(1, sizeof *private);
    int listener = inherited_listener(member), error = 0;
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
        .role = member->role,
        .index = member->index,
        .scoreboard = primary->scoreboard,
        .slot = member->slot,
        .listener = listener,
        .private = private,
    };
    *made = worker;
    return 0;
}

static int start_thread(struct member *member, int channel)
{
    struct worker *worker;
    int error = make_worker(member, channel, &worker);
    if (error)
        return error;
    member->thread_worker = worker; /* set before: its channel may speak at once */
    error = uv_thread_create(&member->thread, run_thread, worker);
    if (!error)
        return 0;
    member->thread_worker = NULL;
    close_end(&worker->listener);
    free_worker(worker);
    return error;
}

/* ---- in place ---- */

static void on_worker_in_place_ended(void *context)
{
    struct member *member = context;
    end_life(member);
}

static int start_in_place(struct member *member)
{
    struct worker *worker;
    int error = make_worker(member, -1, &worker);
    if (error)
        return error;
    worker->loop = &member->primary->loop;
    worker->private->ended = on_worker_in_place_ended;
    worker->private->ended_context = member;
    member->thread_worker = worker;
    worker_prepare_thread(worker);
    error = worker_begin(worker);
    if (error)
        return error;
    member->state = MEMBER_READY;
    primary_member_ready(member->primary, member);
    return 0;
}

/* ---- any member ---- */

static int start_with_channel(struct member *member)
{
    int ends[2];
    int error = channel_pair(ends);
    if (error)
        return error;
    error = open_channel(member, ends);
    if (!error && member->primary->strategy->place == THREADS) {
        error = start_thread(member, ends[1]);
        if (!error)
            return 0;
    }
    member->worker_channel = ends[1];
    if (!error)
        error = spawn(member, ends[1]);
    return error;
}

static int start_member(struct member *member)
{
    struct primary *primary = member->primary;
    member->slot = scoreboard_take(primary->scoreboard, member->role, member->index, member->generation);
    if (!member->slot)
        return -ENOSPC;
    member->generation++;
    member->state = MEMBER_STARTING;
    member->started_ns = clock_now_ns();
    member->handed = 0;
    int error = primary->strategy->place == IN_PLACE ? start_in_place(member) : start_with_channel(member);
    if (error && member->handles > 0)
        abandon_life(member);
    else if (error)
        end_life(member);
    return error;
}

static void init_member(struct primary *primary, struct member *member, enum worker_role role, unsigned index)
{
    *member =
        (struct member){.primary = primary, .role = role, .index = index, .channel = -1, .worker_channel = -1, .listener = -1};
    uv_timer_init(&primary->loop, &member->again);
    member->again.data = member;
}

int members_create(struct primary *primary)
{
    primary->members = calloc(primary->member_count, sizeof *primary->members);
    if (!primary->members)
        return -ENOMEM;
    for (unsigned i = 0; i < primary->member_count; i++) {
        bool front = i >= primary->worker_count;
        init_member(primary, &primary->members[i], front ? ROLE_FRONT : ROLE_WORKER, front ? i - primary->worker_count : i);
    }
    return 0;
}

int members_start(struct primary *primary)
{
    for (unsigned i = 0; i < primary->member_count; i++) {
        int error = start_member(&primary->members[i]);
        if (error)
            return error;
    }
    return 0;
}

bool members_any_alive(const struct primary *primary, enum worker_role role)
{
    for (unsigned i = 0; i < primary->member_count; i++)
        if (primary->members[i].role == role && primary->members[i].state != MEMBER_NONE)
            return true;
    return false;
}

static void tell(struct member *member, enum channel_kind order)
{
    bool in_place = member->primary->strategy->place == IN_PLACE;
    if (in_place && order == CHANNEL_DRAIN)
        worker_drain(member->thread_worker);
    else if (in_place)
        worker_stop(member->thread_worker);
    else if (channel_send(member->channel, order, 0, -1) != 0 && member->process_running)
        uv_process_kill(&member->process, order == CHANNEL_DRAIN ? SIGTERM : SIGKILL);
}

void members_drain(struct primary *primary, enum worker_role role)
{
    for (unsigned i = 0; i < primary->member_count; i++) {
        struct member *member = &primary->members[i];
        if (member->role != role || member->state == MEMBER_NONE || member->state == MEMBER_ENDING)
            continue;
        member->state = MEMBER_ENDING;
        dealer_member_changed(primary, member);
        tell(member, CHANNEL_DRAIN);
    }
}

void members_kill(struct primary *primary)
{
    for (unsigned i = 0; i < primary->member_count; i++) {
        struct member *member = &primary->members[i];
        if (member->state == MEMBER_NONE)
            continue;
        member->state = MEMBER_ENDING;
        if (member->process_running)
            uv_process_kill(&member->process, SIGKILL);
        else
            tell(member, CHANNEL_STOP);
    }
}

void members_free(struct primary *primary)
{
    for (unsigned i = 0; primary->members && i < primary->member_count; i++) {
        struct member *member = &primary->members[i];
        close_end(&member->listener);
        if (member->thread_worker) {
            worker_free(member->thread_worker);
            free_worker(member->thread_worker);
        }
    }
    free(primary->members);
}
