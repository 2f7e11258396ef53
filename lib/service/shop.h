/*
 * What the shop sells, and what may be put into its cart. No store, no clock: who keeps the list in a cache and how long the
 * database takes is the worker's business.
 */
#ifndef SERVICE_SHOP_H
#define SERVICE_SHOP_H

#include <stdint.h>

#include "base/slice.h"

#define SHOP_LIST_SIZE     2048
#define SHOP_PRODUCTS      12
#define SHOP_QUANTITY_MOST 99

/*
 * The list as JSON, as the database gives it: which worker read it, and its how manieth reading that was, stand in it, so that a
 * client sees how old a cached copy is and whose. Returns its length; `text` has SHOP_LIST_SIZE bytes.
 */
size_t shop_list(unsigned worker, uint64_t reading, char *text);

struct shop_item {
    unsigned product, quantity;
    unsigned cents; /* for all of them */
};

#define SHOP_WHY_SIZE 96

/* Reads {"product": 3, "quantity": 2}; without a quantity it is 1. 0, or -EINVAL and one phrase in `why` (SHOP_WHY_SIZE bytes). */
int shop_read_item(struct slice body, struct shop_item *item, char *why);

#endif
