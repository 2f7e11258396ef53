/*
 * Several requests and how often each.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loadgen/loadgen.h"
#include "loadgen/request/request.h"

int mix_init(struct request_mix *mix, const struct request_options *options, const struct url *url, char *message)
{
    struct request_parts parts = {.method = options->method, .url = url, .headers = &options->headers};
    if (options->body)
        parts.body = slice_of(options->body);
    *mix = (struct request_mix){.kinds = calloc(1, sizeof(struct request_kind)), .count = 1};
    if (!mix->kinds)
        return -ENOMEM;
    struct request_kind *kind = &mix->kinds[0];
    kind->is_head = strcmp(options->method, "HEAD") == 0;
    char why[MESSAGE_SIZE] = "";
    int error = template_init(&kind->keep, &parts, why);
    parts.last = true;
    if (!error)
        error = template_init(&kind->last, &parts, why);
    if (error)
        snprintf(message, MESSAGE_SIZE, "URL: %.480s", *why ? why : strerror(-error));
    mix->longest = kind->keep.longest > kind->last.longest ? kind->keep.longest : kind->last.longest;
    return error;
}

void mix_close(struct request_mix *mix)
{
    for (unsigned i = 0; i < mix->count && mix->kinds; i++) {
        template_close(&mix->kinds[i].keep);
        template_close(&mix->kinds[i].last);
    }
    free(mix->kinds);
    *mix = (struct request_mix){.count = 0};
}

unsigned mix_pick(const struct request_mix *mix, struct random *random)
{
    (void)mix, (void)random;
    return 0;
}
