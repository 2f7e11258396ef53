/*
 * ctl: one order to a server, and its outcome in one line. With --wait it looks on until /status says that what was ordered is
 * there, or will not be.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/units.h"

#include "sight.h"
#include "text.h"
#include "watch.h"

#define PATIENCE_NS   (10 * CLOCK_NS_PER_S) /* for one answer */
#define LOOK_EVERY_NS (50 * CLOCK_NS_PER_MS)

enum progress { UNDER_WAY, COMPLETE, FAILED };

struct order {
    const struct watch_settings *settings;
    const struct action *action;
    const char *text; /* of the address */
    struct net_address address;
    char *token;
    unsigned number;
    bool noted;          /* behind a reload that is running */
    struct sight before; /* --wait: as it was */
    char *outcome;       /* the line */
};

struct action {
    const char *name, *noun; /* noun: of its number, or NULL */
    const char *target;      /* a format of the number; NULL: only looks */
    unsigned least, most;
    void (*tell)(struct order *order);                                      /* what the server has begun */
    enum progress (*judge)(struct order *order, const struct sight *sight); /* and how far it is */
};

static void say(struct order *order, char *line)
{
    text_replace(&order->outcome, line);
}

/* ---- one order after the other ---- */

static enum progress judge_status(struct order *order, const struct sight *sight)
{
    char states[SIGHT_STATES_SIZE], reload[SIGHT_RELOAD_SIZE];
    say(order, text_print("%s: %s, %s, %s", sight->strategy, sight->state, sight_print_states(sight, states),
                          sight_print_reload(sight, reload)));
    return COMPLETE;
}

static void tell_reload(struct order *order)
{
    say(order, text_copy(order->noted ? "reload noted: it follows the one that is running" : "reload begun"));
}

/* One that was noted comes behind one that was running: both have to end. */
static enum progress judge_reload(struct order *order, const struct sight *sight)
{
    unsigned ended = sight->reloads_done + sight->reloads_aborted;
    if (ended < order->before.reloads_done + order->before.reloads_aborted + (order->noted ? 2 : 1) ||
        strcmp(sight->reload_state, "idle") != 0)
        return UNDER_WAY;
    if (sight->reloads_aborted > order->before.reloads_aborted) {
        say(order, text_print("reload aborted: %s", sight->reload_error));
        return FAILED;
    }
    say(order, text_print("reload done: %u workers are new", sight_count(sight, "ready")));
    return COMPLETE;
}

static void tell_scale(struct order *order)
{
    say(order, text_print("scaling from %u to %u workers", order->before.wanted, order->number));
}

/* All are there that are wanted, and nobody else any more. */
static enum progress judge_scale(struct order *order, const struct sight *sight)
{
    unsigned rows = 0;
    for (unsigned i = 0; i < sight->count; i++)
        rows += !sight->rows[i].front;
    if (sight->wanted != order->number) {
        say(order, text_print("somebody else has scaled to %u workers meanwhile", sight->wanted));
        return FAILED;
    }
    if (sight_count(sight, "errored")) {
        say(order, text_print("%u of %u workers are errored", sight_count(sight, "errored"), order->number));
        return FAILED;
    }
    if (sight_count(sight, "ready") != order->number || rows != order->number)
        return UNDER_WAY;
    say(order, text_print("scaled from %u to %u workers", order->before.wanted, order->number));
    return COMPLETE;
}

/* The worker's rows: the one that is not on its way out, if there is one, and how many there are. */
static const struct sight_row *find_rows(const struct sight *sight, unsigned index, unsigned *count)
{
    const struct sight_row *found = NULL;
    *count = 0;
    for (unsigned i = 0; i < sight->count; i++) {
        const struct sight_row *row = &sight->rows[i];
        if (row->front || row->index != index)
            continue;
        ++*count;
        if (!found || (strcmp(row->state, "draining") != 0 && strcmp(row->state, "ending") != 0))
            found = row;
    }
    return found;
}

static void tell_drain(struct order *order)
{
    say(order, text_print("worker %u drains", order->number));
}

static enum progress judge_drain(struct order *order, const struct sight *sight)
{
    unsigned rows;
    const struct sight_row *row = find_rows(sight, order->number, &rows);
    if (rows != 1 || strcmp(row->state, "drained") != 0)
        return UNDER_WAY;
    say(order, text_print("worker %u is drained", order->number));
    return COMPLETE;
}

static void tell_restart(struct order *order)
{
    say(order, text_print("worker %u is being replaced", order->number));
}

static enum progress judge_restart(struct order *order, const struct sight *sight)
{
    unsigned rows, rows_before;
    const struct sight_row *row = find_rows(sight, order->number, &rows);
    const struct sight_row *before = find_rows(&order->before, order->number, &rows_before);
    if (row && strcmp(row->state, "errored") == 0) {
        say(order, text_print("worker %u is errored: %s", order->number, row->last_end));
        return FAILED;
    }
    if (rows != 1 || strcmp(row->state, "ready") != 0 || (before && before->pid == row->pid && before->slot == row->slot))
        return UNDER_WAY;
    say(order, text_print("worker %u is replaced", order->number));
    return COMPLETE;
}

static const struct action actions[] = {
    {"status", NULL, NULL, 0, 0, NULL, judge_status},
    {"reload", NULL, "/reload", 0, 0, tell_reload, judge_reload},
    {"scale", "a number of workers", "/scale?workers=%u", 1, 256, tell_scale, judge_scale},
    {"drain", "a worker", "/drain?worker=%u", 0, 255, tell_drain, judge_drain},
    {"restart", "a worker", "/restart?worker=%u", 0, 255, tell_restart, judge_restart},
};

/* ---- the command line ---- */

static int refuse(const char *word, const char *allowed)
{
    fprintf(stderr, "clusterbench: ctl: '%s' is not allowed; use %s\n", word, allowed);
    return -1;
}

static int read_action(struct order *order, int count, char **words)
{
    uint64_t number = 0;
    if (count == 0) {
        fputs("clusterbench: ctl needs an action: clusterbench ctl ADDR status|reload|scale N|drain I|restart I\n", stderr);
        return -1;
    }
    for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++)
        if (strcmp(actions[i].name, words[0]) == 0)
            order->action = &actions[i];
    const struct action *action = order->action;
    if (!action)
        return refuse(words[0], "status, reload, scale N, drain I or restart I");
    if (!action->noun && count > 1)
        return refuse(words[1], "nothing behind it");
    if (action->noun && count < 2) {
        fprintf(stderr, "clusterbench: ctl: %s needs %s\n", action->name, action->noun);
        return -1;
    }
    if (action->noun &&
        (units_parse_count(words[1], strlen(words[1]), &number) != 0 || number < action->least || number > action->most)) {
        char allowed[64];
        snprintf(allowed, sizeof(allowed), "%s, %u..%u", action->noun, action->least, action->most);
        return refuse(words[1], allowed);
    }
    order->number = (unsigned)number;
    return 0;
}

/* ---- the exchange ---- */

static int fail(const struct order *order, const char *why)
{
    fprintf(stderr, "clusterbench: ctl: %s: %s: %s\n", order->text, order->action->name, why);
    return -1;
}

static int take_look(struct order *order, struct sight *sight)
{
    struct fetch_request request = {.token = order->token, .deadline_ns = clock_now_ns() + PATIENCE_NS};
    int result = sight_take(sight, &order->address, &request);
    return result ? fail(order, sight_error(result)) : 0;
}

/* "error" of the answer; what else it may be is told by its status. */
static char *error_of(const struct fetch_answer *answer)
{
    json_t *document = json_loads(answer->body, 0, NULL);
    const char *error = json_string_value(json_object_get(document, "error"));
    char *text = error ? text_tame(text_copy(error)) : text_print("it answers with status %d", answer->status);
    json_decref(document);
    return text;
}

static int send_order(struct order *order)
{
    struct fetch_answer answer;
    char *target = text_print(order->action->target, order->number);
    struct fetch_request request = {
        .method = "POST", .target = target, .token = order->token, .deadline_ns = clock_now_ns() + PATIENCE_NS};
    int result = fetch(&order->address, &request, &answer);
    free(target);
    if (result)
        return fail(order, sight_error(result));
    order->noted = answer.status == 202;
    if (answer.status < 200 || answer.status > 299) {
        char *why = error_of(&answer);
        result = fail(order, why);
        free(why);
    }
    free(answer.body);
    return result;
}

/* Looks until it is over. 0 or -1 with the line said. */
static int look_on(struct order *order)
{
    uint64_t deadline_ns = clock_now_ns() + order->settings->timeout_ns;
    enum progress progress = UNDER_WAY;
    while (progress == UNDER_WAY) {
        struct sight sight;
        if (take_look(order, &sight) < 0)
            return -1;
        progress = order->action->judge(order, &sight);
        sight_close(&sight);
        if (progress == UNDER_WAY && clock_now_ns() >= deadline_ns)
            return fail(order, "not complete at the end of --timeout");
        if (progress == UNDER_WAY)
            clock_sleep_until_ns(clock_now_ns() + LOOK_EVERY_NS);
    }
    return progress == COMPLETE ? 0 : fail(order, order->outcome);
}

static int carry_out(struct order *order)
{
    if (take_look(order, &order->before) < 0)
        return -1;
    if (!order->action->target)
        return order->action->judge(order, &order->before) == COMPLETE ? 0 : -1;
    if (send_order(order) < 0)
        return -1;
    order->action->tell(order);
    return order->settings->wait ? look_on(order) : 0;
}

int ctl_run(const struct watch_settings *settings, int count, char **words)
{
    struct order order = {.settings = settings, .text = words[0]};
    if (read_action(&order, count - 1, words + 1) < 0 || watch_open("ctl", settings, words[0], &order.address, &order.token) < 0)
        return 1;
    int result = carry_out(&order);
    if (result == 0)
        puts(order.outcome);
    sight_close(&order.before);
    free(order.outcome);
    free(order.token);
    return result == 0 && fflush(stdout) == 0 ? 0 : 1;
}
