/*
 * One exchange with an admin address in a thread of its own, so that nobody has to wait for it.
 */
#ifndef HARNESS_ERRAND_H
#define HARNESS_ERRAND_H

#include <stdbool.h>

#include "fetch.h"

struct errand;

/*
 * Sends `method` and `target` (copied) to `admin`; the thread comes back early when `stop_fd` is readable. NULL when it was sent,
 * to be ended; else why it was not: the address is NULL or cannot be read, or there is no thread.
 */
const char *errand_send(struct errand **errand, const char *admin, const char *method, const char *target, int stop_fd);

/* Has the answer come, or what there is instead? */
bool errand_done(struct errand *errand);
/* What fetch returned, and the answer, once it is done. They are the errand's. */
int errand_result(const struct errand *errand);
const struct fetch_answer *errand_answer(const struct errand *errand);

/* Waits for the thread. Takes NULL. */
void errand_end(struct errand *errand);

#endif
