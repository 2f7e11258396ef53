/*
 * The line-up of a run: who was left out and why, whose version is known, and what another load generator said of the same servers.
 * All of it from run.json and the cells' crosscheck.json.
 */
#ifndef HARNESS_LINEUP_H
#define HARNESS_LINEUP_H

#include <stdio.h>

#include "results.h"

/* "skipped: pm2: ..." a line, then the cross-checks as a table. Nothing when there is nothing to say. */
void lineup_print(const struct results *results, FILE *out);

/* The same as a <section>, with the versions of peers. */
struct page;
void lineup_print_html(const struct page *page);

#endif
