/*
 * plan_keys: what a plan may say, key by key.
 *
 * Keys are rows of three tables: [plan], [experiment NAME], [server NAME]. A row has a setter for its type and the words that
 * tell a person what is allowed. What only the whole section can show is checked in plan.c.
 */
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/distribution.h"
#include "base/units.h"

#include "catalog.h"
#include "crosscheck.h"
#include "plan_keys.h"

const char *const picture_names[PICTURE_COUNT] = {[PICTURE_COST] = "cost",         [PICTURE_SHARES] = "shares",
                                                  [PICTURE_LATENCY] = "latency",   [PICTURE_PERCENTILES] = "percentiles",
                                                  [PICTURE_FAIRNESS] = "fairness", [PICTURE_HEAT] = "heat",
                                                  [PICTURE_LANES] = "lanes",       [PICTURE_LORENZ] = "lorenz",
                                                  [PICTURE_SCALING] = "scaling"};

/* ---- setters: one a type; `field` is the member's address; 0 or -EINVAL ---- */

static int set_text(void *field, const char *value)
{
    text_replace(field, text_copy(value));
    return *value ? 0 : -EINVAL;
}

static bool has_bad_placeholder(const char *path)
{
    for (const char *open = strchr(path, '{'); open; open = strchr(open, '{')) {
        struct distribution distribution;
        size_t length = strcspn(++open, "}");
        if (!open[length] || distribution_parse(open, length, &distribution) < 0)
            return true;
    }
    return false;
}

/* Bytes from `least` on, and no DEL: what loadgen would refuse in the midst of the run. */
static bool has_only(const char *text, unsigned char least, unsigned char most)
{
    for (; *text; text++)
        if ((unsigned char)*text < least || (unsigned char)*text > most || *text == 127)
            return false;
    return true;
}

static int set_path(void *field, const char *value)
{
    return *value == '/' && has_only(value, '!', '~') && !has_bad_placeholder(value) ? set_text(field, value) : -EINVAL;
}

static int set_names(void *field, const char *value)
{
    struct names *names = field;
    names_free(names);
    names_split(names, value);
    return names->count && !strchr(value, '/') ? 0 : -EINVAL; /* they become parts of file names */
}

static int set_strategies(void *field, const char *value)
{
    struct names *names = field;
    if (strcmp(value, "all"))
        return set_names(field, value);
    names_free(names);
    catalog_strategies(names);
    return 0;
}

static int parse_number(const char *value, unsigned least, unsigned most, unsigned *number)
{
    uint64_t count;
    if (units_parse_count(value, strlen(value), &count) < 0 || count < least || count > most)
        return -EINVAL;
    *number = (unsigned)count;
    return 0;
}

static int set_blocks(void *field, const char *value)
{
    return parse_number(value, 1, 99, field);
}

static int set_positive(void *field, const char *value)
{
    return parse_number(value, 1, 1000000, field);
}

static int set_threads(void *field, const char *value)
{
    return parse_number(value, 1, 64, field);
}

/* As many bits as every JSON reader keeps. */
static int set_seed(void *field, const char *value)
{
    uint64_t seed;
    if (units_parse_count(value, strlen(value), &seed) < 0 || seed < 1 || seed > UINT64_C(1) << 53)
        return -EINVAL;
    *(uint64_t *)field = seed;
    return 0;
}

static int set_yes_no(void *field, const char *value)
{
    *(bool *)field = !strcmp(value, "yes");
    return *(bool *)field || !strcmp(value, "no") ? 0 : -EINVAL;
}

static int set_wish(void *field, const char *value)
{
    *(enum wish *)field = strcmp(value, "yes") ? WISH_NO : WISH_YES;
    return !strcmp(value, "yes") || !strcmp(value, "no") ? 0 : -EINVAL;
}

static int set_workers(void *field, const char *value)
{
    struct experiment *experiment = (struct experiment *)((char *)field - offsetof(struct experiment, workers));
    struct names parts = {0};
    names_split(&parts, value);
    int result = parts.count ? 0 : -EINVAL;
    experiment->workers = memory_grow(experiment->workers, (parts.count + 1) * sizeof(*experiment->workers));
    experiment->workers_count = (unsigned)parts.count;
    for (size_t i = 0; i < parts.count && !result; i++)
        if (!strcmp(parts.items[i], "auto"))
            experiment->workers[i] = 0;
        else
            result = parse_number(parts.items[i], 1, 1024, &experiment->workers[i]);
    names_free(&parts);
    return result;
}

static int set_time(void *field, const char *value)
{
    uint64_t ns;
    int result = units_parse_time(value, strlen(value), &ns);
    if (result || ns > 3600 * CLOCK_NS_PER_S)
        return -EINVAL;
    *(uint64_t *)field = ns;
    return 0;
}

static int set_duration(void *field, const char *value)
{
    return set_time(field, value) || *(uint64_t *)field < 10 * CLOCK_NS_PER_MS ? -EINVAL : 0;
}

static int set_arrivals(void *field, const char *value)
{
    *(enum arrivals *)field = strcmp(value, "poisson") ? ARRIVALS_CONSTANT : ARRIVALS_POISSON;
    return !strcmp(value, "poisson") || !strcmp(value, "constant") ? 0 : -EINVAL;
}

/* "80 %" or "1280/s" */
static int parse_load(char *text, struct load *load)
{
    char *end, *value = text_trim(text);
    double number = strtod(value, &end);
    end = text_trim(end);
    if (end == value || !isfinite(number) || number <= 0)
        return -EINVAL;
    if (!strcmp(end, "%") && number <= 200)
        *load = (struct load){LOAD_SHARE, number / 100};
    else if (!strcmp(end, "/s") && number <= 1e7)
        *load = (struct load){LOAD_RATE, number};
    else
        return -EINVAL;
    return 0;
}

static int set_loads(void *field, const char *value)
{
    struct experiment *experiment = (struct experiment *)((char *)field - offsetof(struct experiment, loads));
    char *copy = text_copy(value), *rest = copy;
    int result = 0;
    experiment->loads_count = 0;
    for (char *part; !result && (part = strsep(&rest, ","));) {
        unsigned count = experiment->loads_count;
        experiment->loads = memory_grow(experiment->loads, (count + 1) * sizeof(*experiment->loads));
        result = parse_load(part, &experiment->loads[count]);
        experiment->loads_count = count + 1;
    }
    free(copy);
    return result;
}

static int set_primary(void *field, const char *value)
{
    int metric = metric_find(value);
    if (metric < 0)
        return -EINVAL;
    *(enum metric *)field = (enum metric)metric;
    return 0;
}

/* RFC 9110, 5.6.2: the letters of a token that methods use. */
static int set_method(void *field, const char *value)
{
    return strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(value) ? set_text(field, value) : -EINVAL;
}

static int set_header(void *field, const char *value)
{
    const char *colon = strchr(value, ':');
    return colon && colon > value && !memchr(value, ' ', (size_t)(colon - value)) && has_only(value, ' ', 255)
               ? set_text(field, value)
               : -EINVAL;
}

static int set_think(void *field, const char *value)
{
    struct distribution distribution;
    return distribution_parse(value, strlen(value), &distribution) < 0 ? -EINVAL : set_text(field, value);
}

static int set_dispatch(void *field, const char *value)
{
    bool known = !strcmp(value, "idle") || !strcmp(value, "pinned") || !strcmp(value, "open");
    return known ? set_text(field, value) : -EINVAL;
}

static int set_capacity(void *field, const char *value)
{
    *(enum capacity *)field = strcmp(value, "measured") ? CAPACITY_ANALYTIC : CAPACITY_MEASURED;
    return !strcmp(value, "measured") || !strcmp(value, "analytic") ? 0 : -EINVAL;
}

static int find_picture(const char *name)
{
    for (int i = 0; i < PICTURE_COUNT; i++)
        if (!strcmp(picture_names[i], name))
            return i;
    return -1;
}

static int set_pictures(void *field, const char *value)
{
    struct names parts = {0};
    names_split(&parts, value);
    int result = parts.count ? 0 : -EINVAL;
    for (size_t i = 0; i < parts.count && !result; i++) {
        int picture = find_picture(parts.items[i]);
        if (picture < 0)
            result = -EINVAL;
        else
            ((bool *)field)[picture] = true;
    }
    names_free(&parts);
    return result;
}

static int set_crosscheck(void *field, const char *value)
{
    return crosscheck_knows(value) ? set_text(field, value) : -EINVAL;
}

/* ---- the keys ---- */

#define METRIC_AND_COMMA(id, name, label, unit, decimals, better, factor, by) name ", "

const struct key plan_keys[] = {
    {"title", offsetof(struct plan, title), set_text, true, "a line of text"},
    {"blocks", offsetof(struct plan, blocks), set_blocks, false, "1..99"},
    {"verdicts", offsetof(struct plan, verdicts), set_yes_no, false, "yes or no"},
    {"seed", offsetof(struct plan, seed), set_seed, false, "1..9007199254740992"},
    {0},
};

const struct key experiment_keys[] = {
    {"title", offsetof(struct experiment, title), set_text, true, "a line of text"},
    {"question", offsetof(struct experiment, question), set_text, true, "a line of text"},
    {"strategies", offsetof(struct experiment, strategies), set_strategies, false, "all, or names of programs with commas between"},
    {"except", offsetof(struct experiment, except), set_names, false, "names of strategies with commas between"},
    {"workers", offsetof(struct experiment, workers), set_workers, false, "auto or 1..1024, several with commas"},
    {"request", offsetof(struct experiment, request), set_path, false, "a path such as /hello or /block/{exp:5ms}"},
    {"method", offsetof(struct experiment, method), set_method, false, "a method such as GET or POST"},
    {"header", offsetof(struct experiment, header), set_header, false, "a field such as Accept: text/html"},
    {"body", offsetof(struct experiment, body), set_text, false, "a text"},
    {"cookies", offsetof(struct experiment, cookies), set_yes_no, false, "yes or no"},
    {"think", offsetof(struct experiment, think), set_think, false, "a time or a distribution such as exp:10ms"},
    {"dispatch", offsetof(struct experiment, dispatch), set_dispatch, false, "idle, pinned or open"},
    {"connections", offsetof(struct experiment, connections), set_positive, false, "1..1000000"},
    {"threads", offsetof(struct experiment, threads), set_threads, false, "1..64"},
    {"requests_per_connection", offsetof(struct experiment, requests_per_connection), set_positive, false, "1..1000000"},
    {"arrivals", offsetof(struct experiment, arrivals), set_arrivals, false, "constant or poisson"},
    {"load", offsetof(struct experiment, loads), set_loads, false,
     "80 % (of capacity, up to 200 %) or 1280/s, several with commas"},
    {"capacity", offsetof(struct experiment, capacity), set_capacity, false, "analytic or measured"},
    {"duration", offsetof(struct experiment, duration_ns), set_duration, false, "a time such as 500ms or 2s, 10ms..1h"},
    {"warmup", offsetof(struct experiment, warmup_ns), set_time, false, "a time such as 300ms, up to 1h"},
    {"seed", offsetof(struct experiment, seed), set_seed, false, "1..9007199254740992"},
    {"baseline", offsetof(struct experiment, baseline), set_text, false, "the name of one of the strategies"},
    {"crosscheck", offsetof(struct experiment, crosscheck), set_crosscheck, false, CROSSCHECK_ALLOWED},
    {"primary", offsetof(struct experiment, primary), set_primary, false,
     "one of " METRIC_TABLE(METRIC_AND_COMMA) "as summary.csv names them"},
    {"events", offsetof(struct experiment, events), set_text, true, "at 3s kill worker 1, every 1s stop server for 5ms, ..."},
    {"series", offsetof(struct experiment, series), set_wish, false, "yes or no"},
    {"pictures", offsetof(struct experiment, pictures), set_pictures, false,
     "cost, latency, percentiles, shares, lorenz, fairness, heat, lanes, scaling"},
    {0},
};

static int set_options(void *field, const char *value)
{
    struct names *words = field;
    names_free(words);
    text_words(words, value);
    return words->count ? 0 : -EINVAL;
}

static int set_server_workers(void *field, const char *value)
{
    return parse_number(value, 1, 1024, field);
}

const struct key server_keys[] = {
    {"program", offsetof(struct plan_server, program), set_text, false, "the name of a program or a peer, or a path"},
    {"options", offsetof(struct plan_server, options), set_options, false, "words for its command line"},
    {"workers", offsetof(struct plan_server, workers), set_server_workers, false, "1..1024"},
    {"request", offsetof(struct plan_server, request), set_path, false, "a path such as /hello or /block/{exp:5ms}"},
    {0},
};

const struct key *key_find(const struct key *keys, const char *name)
{
    for (; keys->name; keys++)
        if (!strcmp(keys->name, name))
            return keys;
    return NULL;
}
