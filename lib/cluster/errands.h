/*
 * The errands: one function each, ending in job_answer or job_end (work.h). A file a subject:
 *
 * errand_state.c     counter, session
 * errand_shop.c      products, cart
 * errand_static.c    files below --root
 * errand_append.c    lines of all workers in one file
 * errand_messages.c  broadcast, statistics of all workers
 */
#ifndef CLUSTER_ERRANDS_H
#define CLUSTER_ERRANDS_H

#include "cluster/work.h"

void errand_counter(struct job *job);
void errand_session(struct job *job);
void errand_products(struct job *job);
void errand_cart(struct job *job);
void errand_static(struct job *job);
void errand_append(struct job *job);
void errand_broadcast(struct job *job);
void errand_stats(struct job *job);

#endif
