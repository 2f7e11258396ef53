/*
 * Where things are: the strategies of the build, the programs, the plans and the plot scripts.
 */
#ifndef HARNESS_CATALOG_H
#define HARNESS_CATALOG_H

#include "text.h"

/* The one list of CMakeLists.txt, in its order. */
void catalog_strategies(struct names *names);

/* The policies of lib/balance, sorted. */
void catalog_policies(struct names *names);

/* A strategy's line style on charts, 1..: the position in the list; a peer of the tree has a fixed one from 11 on; any other
 * program gets one of the styles behind the list's, by its name, always the same. */
unsigned catalog_style(const char *strategy);

/* How many workers the strategy can have at most: 1 for `single`, which is one loop by definition; else 1024. */
unsigned catalog_most_workers(const char *strategy);

/* Folders, in the order they are looked at; the caller frees the list. */
char *catalog_programs(const char *given);                                        /* --bin DIR, or where this program itself lies */
void catalog_folders(struct names *folders, const char *kind, const char *given); /* kind "plans" or "plots" */

/* A suite of tests/contract: beside this program, or installed in ../lib/clusterbench. The caller frees. */
char *catalog_suite(const char *name);

/* Folders of peers: --peers DIR, PREFIX/share/clusterbench/peers, strategies/peers of the source tree. */
void catalog_peer_folders(struct names *folders, const char *given);
/* DIR/NAME/peer.ini in the first folder that has it. The caller frees; NULL when none has. */
char *catalog_peer_file(const struct names *folders, const char *name);
/* Names of the peers in these folders, added in order, each once. */
void catalog_peers(const struct names *folders, struct names *peers);

/* A file that may be run: folders may be, too, after their fashion. */
bool catalog_is_program(const char *path);
/* Is DIR/NAME one? */
bool catalog_has_program(const char *folder, const char *name);

/* The file of a plan given by name or by path. The caller frees; NULL when there is none. */
char *catalog_plan_file(const struct names *folders, const char *plan);

/* Names of the plans in these folders, sorted, each once. */
void catalog_plans(const struct names *folders, struct names *plans);

#endif
