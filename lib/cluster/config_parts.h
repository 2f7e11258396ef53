/*
 * What config.c and config_reload.c share. Others see config.h.
 */
#ifndef CLUSTER_CONFIG_PARTS_H
#define CLUSTER_CONFIG_PARTS_H

#include "cluster/config.h"

#define CONFIG_SHOWN_LONGEST 160 /* of a text in a message */

/* Fills in `error` behind the program's name and returns -EINVAL. */
int config_complain(const struct config *config, char *error, const char *format, ...) __attribute__((format(printf, 3, 4)));

static inline bool config_is_list(const struct config_row *row)
{
    return row->spec->type == OPTION_LIST;
}

/* Takes a text over that fields point into: it is freed by config_close. 0 or -ENOMEM, and it is freed at once. */
int config_keep_text(struct config *config, char *text);

/* As if nobody had given a value yet; fields that are no lists keep theirs until they are set. */
void config_forget_values(struct config *config);

/* Defaults and command line, as if there were no file. An options_outcome or -EINVAL. */
int config_read_command_line(struct config *config, int argc, char **argv, char *error);

void config_close_descriptor(int *fd);

#endif
