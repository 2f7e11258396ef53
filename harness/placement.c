/* placement: halves the machine. Recorded with every cell and shown on charts, because figures depend on it. */
#include <stdio.h>

#include "placement.h"
#include "text.h"

static void take_range(struct cpu_list *part, const struct cpu_list *all, unsigned from, unsigned to)
{
    part->count = 0;
    for (unsigned i = from; i < to; i++)
        part->cpu[part->count++] = all->cpu[i];
}

int placement_choose(struct placement *placement)
{
    struct cpu_list all;
    int result = cpus_allowed(&all);
    if (result < 0)
        return result;
    placement->together = all.count < 2;
    unsigned half = placement->together ? all.count : all.count / 2;
    take_range(&placement->server, &all, 0, half);
    take_range(&placement->generator, &all, placement->together ? 0 : half, all.count);
    return 0;
}

unsigned placement_auto_workers(const struct placement *placement)
{
    return placement->server.count < 2 ? 2 : placement->server.count;
}

#define LIST_SIZE 512

char *placement_text(const struct placement *placement)
{
    char server[LIST_SIZE], generator[LIST_SIZE];
    cpus_format(&placement->server, server, sizeof(server));
    cpus_format(&placement->generator, generator, sizeof(generator));
    if (placement->together)
        return text_print("servers and generator together on CPU %s", server);
    return text_print("servers on CPU %s, generator on CPU %s", server, generator);
}

json_t *placement_json(const struct placement *placement)
{
    char server[LIST_SIZE], generator[LIST_SIZE];
    cpus_format(&placement->server, server, sizeof(server));
    cpus_format(&placement->generator, generator, sizeof(generator));
    return json_pack("{s:s, s:s, s:b}", "server", server, "generator", generator, "together", placement->together);
}
