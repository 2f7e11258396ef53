/*
 * The errands: one function each, ending in job_answer or job_end (work.h). A file a subject:
 *
 * errand_state.c     counter, session, shop
 * errand_files.c     static files, appending to one log file
 * errand_messages.c  broadcast, statistics of all workers
 */
#ifndef CLUSTER_ERRANDS_H
#define CLUSTER_ERRANDS_H

#include "cluster/work.h"

void errand_broadcast(struct job *job);
void errand_stats(struct job *job);

#endif
