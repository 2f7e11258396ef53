/*
 * naming: names to numbers.
 *
 * Pids are given in the order of start, so that their rank is the worker's place as long as all of them are seen.
 *
 * Rule: who has a number in load.json has it in the series, too.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#include "naming.h"
#include "text.h"

#define NAMELESS_WORKER "-" /* answers without X-Worker */

static const char *text_at(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* Numbers by size, other names by letters. */
static bool stands_before(const char *one, const char *other)
{
    size_t length = strlen(one), length_of_other = strlen(other);
    return length != length_of_other ? length < length_of_other : strcmp(one, other) < 0;
}

static unsigned rank_of(const struct names *ids, const char *id)
{
    unsigned rank = 0;
    for (size_t i = 0; i < ids->count; i++)
        rank += stands_before(ids->items[i], id);
    return rank;
}

void naming_number_load(json_t *load)
{
    struct names ids = {0};
    size_t i;
    json_t *worker;
    json_array_foreach(json_object_get(load, "workers"), i, worker) if (text_at(worker, "id"))
        names_add(&ids, text_at(worker, "id"));
    json_array_foreach(json_object_get(load, "workers"), i, worker)
    {
        const char *id = text_at(worker, "id");
        if (!id)
            continue;
        char *number = text_print("%u", rank_of(&ids, id));
        json_object_set_new(worker, "called", json_string(id));
        json_object_set_new(worker, "id", json_string(number));
        free(number);
    }
    names_free(&ids);
}

/* ---- the series ---- */

/* Name to number, as load.json has it. */
static json_t *numbers_of(const json_t *load)
{
    json_t *numbers = json_object();
    size_t i;
    const json_t *worker;
    json_array_foreach(json_object_get(load, "workers"), i, worker) if (text_at(worker, "called"))
        json_object_set(numbers, text_at(worker, "called"), json_object_get(worker, "id"));
    return numbers;
}

static json_t *number_of(json_t *numbers, const char *name)
{
    if (!json_object_get(numbers, name)) {
        char *next = text_print("%zu", json_object_size(numbers));
        json_object_set_new(numbers, name, json_string(next));
        free(next);
    }
    return json_object_get(numbers, name);
}

static int copy_line(json_t *numbers, const char *text, size_t length, FILE *out)
{
    json_t *line = json_loadb(text, length, 0, NULL);
    if (!line)
        return -EINVAL;
    const char *name = text_at(line, "worker");
    if (name && strcmp(name, NAMELESS_WORKER) != 0)
        json_object_set(line, "worker", number_of(numbers, name));
    int result = json_dumpf(line, out, JSON_COMPACT | JSON_REAL_PRECISION(9)) < 0 || fputc('\n', out) == EOF ? -EIO : 0;
    json_decref(line);
    return result;
}

static int copy_lines(json_t *numbers, FILE *in, FILE *out)
{
    char *text = NULL;
    size_t size = 0;
    ssize_t length;
    int result = 0;
    while (!result && (length = getline(&text, &size, in)) > 0)
        result = copy_line(numbers, text, (size_t)length, out);
    if (!result && ferror(in))
        result = -EIO;
    free(text);
    return result;
}

int naming_number_series(const json_t *load, const char *path)
{
    struct file_draft draft;
    FILE *in = fopen(path, "re");
    if (!in)
        return errno == ENOENT ? 0 : -errno;
    int result = file_draft(&draft, path);
    if (!result) {
        json_t *numbers = numbers_of(load);
        result = copy_lines(numbers, in, draft.out);
        json_decref(numbers);
        if (result)
            file_discard(&draft);
        else
            result = file_commit(&draft);
    }
    fclose(in);
    return result;
}
