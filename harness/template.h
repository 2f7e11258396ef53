/*
 * Templates of configuration files and command lines: text with {placeholders}.
 *
 * A placeholder is a name of a-z, 0-9, '-' and '_' between braces, nothing else: "events { }" and "{ \"a\": 1 }" stay as they
 * are. A line that holds {backend} or {backend_port} is written once for each backend.
 */
#ifndef HARNESS_TEMPLATE_H
#define HARNESS_TEMPLATE_H

#include <stddef.h>

/* Names with texts, in the order they were set. */
struct values {
    struct value {
        char *name, *text;
    } * items;
    size_t count;
};

/* Adds a name, or gives the one there is another text. */
void values_set(struct values *values, const char *name, const char *text);
const char *values_find(const struct values *values, const char *name); /* NULL when it is not there */
void values_free(struct values *values);

/* Ports of the backends, by index. */
struct backend_ports {
    const unsigned *ports;
    size_t count;
};

#define TEMPLATE_ERROR_SIZE 384

/*
 * The text with every placeholder replaced; the caller frees. NULL with "FILE:LINE: what is wrong; what is known" in `error` for
 * a placeholder that has no value.
 */
char *template_render(const char *file, const char *text, const struct values *values, const struct backend_ports *backends,
                      char error[TEMPLATE_ERROR_SIZE]);

#endif
