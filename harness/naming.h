/*
 * Numbers for workers that are known by names: pids in X-Worker become 0, 1, 2, the same in all files of a cell.
 */
#ifndef HARNESS_NAMING_H
#define HARNESS_NAMING_H

#include <jansson.h>
#include <stdbool.h>

/*
 * In load.json's "workers" each "id" becomes its rank among them, by length and then by letters, and "called" what it was. More
 * names than workers get the ranks behind them.
 */
void naming_number_load(json_t *load);

/*
 * The same numbers in series.jsonl, for a load that was numbered; a name that load.json does not have gets the next one, in the
 * order of the file. Nothing is done where there is no such file. 0 or negative errno: then the file is as it was.
 */
int naming_number_series(const json_t *load, const char *path);

#endif
