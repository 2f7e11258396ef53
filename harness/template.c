/*
 * template: replaces placeholders, line by line.
 *
 * Rule: a name between braces that has no value is a mistake, never text: a configuration with a hole in it would start something
 * else than was meant.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "template.h"
#include "text.h"

static const char name_letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";

/* ---- values ---- */

void values_set(struct values *values, const char *name, const char *text)
{
    for (size_t i = 0; i < values->count; i++)
        if (!strcmp(values->items[i].name, name)) {
            text_replace(&values->items[i].text, text_copy(text));
            return;
        }
    values->items = memory_grow(values->items, (values->count + 1) * sizeof(*values->items));
    values->items[values->count++] = (struct value){text_copy(name), text_copy(text)};
}

const char *values_find(const struct values *values, const char *name)
{
    for (size_t i = 0; i < values->count; i++)
        if (!strcmp(values->items[i].name, name))
            return values->items[i].text;
    return NULL;
}

void values_free(struct values *values)
{
    for (size_t i = 0; i < values->count; i++) {
        free(values->items[i].name);
        free(values->items[i].text);
    }
    free(values->items);
    *values = (struct values){0};
}

/* ---- rendering ---- */

struct rendering {
    const char *file;
    unsigned line;
    const struct values *values;
    const struct backend_ports *backends;
    FILE *out;
    char *error;
};

static bool is_of_backends(const char *name)
{
    return !strcmp(name, "backend") || !strcmp(name, "backend_port");
}

/* The name behind '{' at `open` when this is a placeholder; the caller frees. */
static char *placeholder_at(const char *open)
{
    size_t length = strspn(open + 1, name_letters);
    return length && open[1 + length] == '}' ? text_print("%.*s", (int)length, open + 1) : NULL;
}

static bool is_repeated(const char *line)
{
    bool repeated = false;
    for (const char *open = strchr(line, '{'); open && !repeated; open = strchr(open + 1, '{')) {
        char *name = placeholder_at(open);
        repeated = name && is_of_backends(name);
        free(name);
    }
    return repeated;
}

static int refuse(const struct rendering *rendering, const char *name)
{
    struct names known = {0};
    for (size_t i = 0; i < rendering->values->count; i++)
        names_add(&known, rendering->values->items[i].name);
    names_add(&known, "backend");
    names_add(&known, "backend_port");
    char *all = names_join(&known, ", ");
    snprintf(rendering->error, TEMPLATE_ERROR_SIZE, "%s:%u: there is no placeholder {%s}; known are %s", rendering->file,
             rendering->line, name, all);
    free(all);
    names_free(&known);
    return -EINVAL;
}

static int write_value(const struct rendering *rendering, const char *name, size_t backend)
{
    const char *text = values_find(rendering->values, name);
    if (!strcmp(name, "backend"))
        fprintf(rendering->out, "%zu", backend);
    else if (!strcmp(name, "backend_port"))
        fprintf(rendering->out, "%u", rendering->backends->ports[backend]);
    else if (!text)
        return refuse(rendering, name);
    else
        fputs(text, rendering->out);
    return 0;
}

static int write_line(const struct rendering *rendering, const char *line, size_t backend)
{
    int result = 0;
    while (*line && !result) {
        char *name = *line == '{' ? placeholder_at(line) : NULL;
        if (name) {
            result = write_value(rendering, name, backend);
            line += strlen(name) + 2;
        } else {
            fputc(*line++, rendering->out);
        }
        free(name);
    }
    return result;
}

static int render_line(const struct rendering *rendering, const char *line)
{
    if (!is_repeated(line))
        return write_line(rendering, line, 0);
    int result = 0;
    for (size_t i = 0; i < rendering->backends->count && !result; i++)
        result = write_line(rendering, line, i);
    return result;
}

static int render_lines(struct rendering *rendering, const char *text)
{
    int result = 0;
    while (*text && !result) {
        size_t length = strcspn(text, "\n");
        length += text[length] == '\n';
        char *line = text_print("%.*s", (int)length, text);
        rendering->line++;
        result = render_line(rendering, line);
        free(line);
        text += length;
    }
    return result;
}

char *template_render(const char *file, const char *text, const struct values *values, const struct backend_ports *backends,
                      char error[TEMPLATE_ERROR_SIZE])
{
    static const struct backend_ports none;
    char *rendered = NULL;
    size_t size;
    struct rendering rendering = {.file = file, .values = values, .backends = backends ? backends : &none, .error = error};
    rendering.out = open_memstream(&rendered, &size);
    if (!rendering.out) {
        snprintf(error, TEMPLATE_ERROR_SIZE, "%s: %s", file, strerror(errno));
        return NULL;
    }
    int result = render_lines(&rendering, text);
    if (fclose(rendering.out) != 0 && !result) {
        snprintf(error, TEMPLATE_ERROR_SIZE, "%s: %s", file, strerror(errno));
        result = -errno;
    }
    if (!result)
        return rendered;
    free(rendered);
    return NULL;
}
