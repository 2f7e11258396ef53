/* The conclusion of an experiment, as a sentence computed from its rows. */
#ifndef HARNESS_FINDING_H
#define HARNESS_FINDING_H

#include "summary.h"

/* One or a few sentences, plain text. The caller frees. */
char *finding_text(const struct summary *summary, unsigned experiment);

#endif
