/*
 * A rolling reload: one place after the other (or --reload-parallel at a time) gets a new life, which runs the executable that
 * is on disk by then.
 *
 * The new life is made ready, takes over, the old one drains; when it is gone, it is the next place's turn. If a new life does
 * not become ready, the reload is aborted: that place keeps its old life, places that had their turn keep the new one, the
 * others are left alone.
 *
 * It begins with the configuration file, where there is one: new lives get what stands there now (config.h). A file with a mistake
 * in it ends the reload before anything is touched; an aborted reload takes the old settings back.
 *
 * A reload that is asked for while one is running follows it, once, however often it was asked for; asked for before all
 * workers are ready, it follows then. The end of the program ends a reload.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cluster/primary.h"

static bool ends(const struct primary *primary)
{
    return primary->draining || primary->stopping;
}

static void say_aborted(struct primary *primary)
{
    const struct reload *reload = &primary->reload;
    primary_event(primary, "reload", NULL, NULL, "{s:s, s:i, s:s}", "step", "aborted", "replaced", (int)reload->replaced, "error",
                  reload->last_error);
}

/* Settings that are well-formed, and that workers could not log with, are taken back. */
static int check_access_log(struct primary *primary, char *why)
{
    const char *path = primary->options->access_log;
    int error = path ? access_log_check(path) : 0;
    if (!error)
        return 0;
    snprintf(why, OPTIONS_ERROR_SIZE, "%s: --access-log: '%.200s': %s", primary->strategy->name, path, access_log_error(error));
    config_revert(primary->config);
    return error;
}

/* What is wrong with the configuration file is wrong with a reload: it does not begin. */
static int read_config(struct primary *primary)
{
    struct reload *reload = &primary->reload;
    char error[OPTIONS_ERROR_SIZE];
    if (config_reload(primary->config, primary->log, error) == 0 && check_access_log(primary, error) == 0)
        return 0;
    const char *what = error + strlen(primary->strategy->name) + 2; /* without "reuseport: " */
    reload->aborted++;
    snprintf(reload->last_error, sizeof reload->last_error, "%.*s", PRIMARY_WHY_SIZE - 1, what);
    log_line(primary->log, LOG_ERROR, "reload: aborted before it began: %s", what);
    say_aborted(primary);
    return -EINVAL;
}

static int begin(struct primary *primary)
{
    struct reload *reload = &primary->reload;
    *reload = (struct reload){.done = reload->done, .aborted = reload->aborted};
    if (read_config(primary) != 0)
        return -EINVAL;
    reload->running = true;
    for (struct place *place = place_next(primary, NULL); place; place = place_next(primary, place))
        place->reload_due = place->wanted;
    log_line(primary->log, LOG_INFO, "reload: begins");
    primary_event(primary, "reload", NULL, NULL, "{s:s}", "step", "begin");
    reload_go_on(primary);
    return 0;
}

static void finish(struct primary *primary)
{
    struct reload *reload = &primary->reload;
    reload->running = false;
    if (reload->failing) {
        reload->aborted++;
        log_line(primary->log, LOG_ERROR, "reload: aborted after %u of %u: %s", reload->replaced,
                 primary->worker_count + primary->front_count, reload->last_error);
        say_aborted(primary);
    } else {
        reload->done++;
        log_line(primary->log, LOG_INFO, "reload: done, %u replaced", reload->replaced);
        primary_event(primary, "reload", NULL, NULL, "{s:s, s:i}", "step", "done", "replaced", (int)reload->replaced);
    }
    if (!reload->again)
        return;
    reload->again = false;
    (void)begin(primary); /* says what is wrong */
}

static struct place *find_due(const struct primary *primary)
{
    for (struct place *place = place_next(primary, NULL); place; place = place_next(primary, place))
        if (place->reload_due && !place->next && !place->replacing)
            return place;
    return NULL;
}

static void begin_place(struct place *place)
{
    struct primary *primary = place->primary;
    place->reload_due = false;
    if (!place->wanted)
        return;
    place->reloading = true;
    primary->reload.active++;
    primary_event(primary, "reload", place, place->current, "{s:s}", "step", place->role == ROLE_FRONT ? "front" : "worker");
    int error = place_replace(place, "reload");
    if (!error)
        return;
    place->replacing = NULL;
    char why[PRIMARY_WHY_SIZE];
    snprintf(why, sizeof why, "%s %u cannot be started: %s", role_name(place->role), place->index, uv_strerror(error));
    reload_place_settled(place, false, why);
}

/* Those that are not ready yet will not take over; where there was nobody to take over from, another life follows. */
static void call_off_others(struct primary *primary)
{
    for (struct place *place = place_next(primary, NULL); place; place = place_next(primary, place)) {
        struct life *begun = place->next ? place->next : place->current;
        place->reload_due = false;
        if (place->reloading && begun && begun->state == LIFE_STARTING)
            life_dismiss(begun, "the reload was aborted");
    }
}

/* Lives to come have the old settings: no worker has shown that it can live with the new ones. */
static void fail(struct primary *primary, const char *why)
{
    struct reload *reload = &primary->reload;
    reload->failing = true;
    snprintf(reload->last_error, sizeof reload->last_error, "%s", why);
    config_revert(primary->config);
    call_off_others(primary);
}

void reload_go_on(struct primary *primary)
{
    struct reload *reload = &primary->reload;
    struct place *place;
    if (!reload->running)
        return;
    while (!reload->failing && !ends(primary) && reload->active < primary->options->reload_parallel &&
           (place = find_due(primary)) != NULL)
        begin_place(place);
    bool waits = !reload->failing && !ends(primary); /* for a place that is being replaced for another reason */
    for (place = place_next(primary, NULL); place && waits; place = place_next(primary, place))
        if (place->reload_due)
            return;
    if (reload->active == 0 && reload->running && !ends(primary))
        finish(primary);
}

void reload_place_settled(struct place *place, bool ok, const char *why)
{
    struct primary *primary = place->primary;
    struct reload *reload = &primary->reload;
    if (place->reloading) {
        place->reloading = false;
        reload->active--;
        reload->replaced += ok && place_serves(place); /* it may have been taken out meanwhile */
        if (!ok && !reload->failing)
            fail(primary, why);
    }
    reload_go_on(primary);
}

void reload_give_up(struct primary *primary, const char *why)
{
    struct reload *reload = &primary->reload;
    reload->again = false;
    if (!reload->running)
        return;
    reload->running = false;
    reload->aborted++;
    snprintf(reload->last_error, sizeof reload->last_error, "%s", why);
    log_line(primary->log, LOG_WARN, "reload: aborted: %s", why);
    say_aborted(primary);
}

static int refuse(char *why, int error, const char *text)
{
    snprintf(why, PRIMARY_WHY_SIZE, "%s", text);
    return error;
}

int primary_reload(struct primary *primary, char *why)
{
    struct reload *reload = &primary->reload;
    why[0] = '\0';
    if (primary->strategy->place == IN_PLACE)
        return refuse(why, -EOPNOTSUPP, "the one worker is the program itself: it cannot be replaced while it runs");
    if (primary->strategy->place == THREADS)
        return refuse(why, -EOPNOTSUPP, "the workers are threads of one program: it cannot be replaced while it runs");
    if (ends(primary))
        return refuse(why, -ESHUTDOWN, "the program is ending");
    if (reload->running || !primary->serving) {
        reload->again = true;
        return refuse(why, -EALREADY,
                      reload->running ? "a reload is running; another one will follow it"
                                      : "it will begin when all workers are ready");
    }
    int error = begin(primary);
    return error ? refuse(why, error, reload->last_error) : 0;
}
