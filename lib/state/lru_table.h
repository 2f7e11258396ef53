/*
 * A hash table in a worker's memory: bytes by key, an age for each entry, and a bound. When it is full, the entry that nobody has
 * used for the longest time makes room.
 */
#ifndef STATE_LRU_TABLE_H
#define STATE_LRU_TABLE_H

#include <stdint.h>

#include "base/list.h"
#include "base/slice.h"

struct lru_table_entry {
    struct list used;
    struct lru_table_entry *next; /* in its bucket */
    uint64_t hash;
    uint64_t expires_ns; /* of clock_now_ns; may be changed */
    size_t key_length, length;
    char bytes[]; /* the key, then the value */
};

struct lru_table {
    struct lru_table_entry **buckets;
    size_t bucket_count; /* a power of two */
    size_t count, most;
    struct list used; /* the longest unused first */
};

/* At most `most` (> 0) entries. 0 or -ENOMEM. */
int lru_table_init(struct lru_table *table, size_t most);
void lru_table_free(struct lru_table *table);

/* The entry, used just now; NULL when there is none or it is too old. Valid until the next lru_table_put. */
struct lru_table_entry *lru_table_find(struct lru_table *table, struct slice key, uint64_t now_ns);

/* Puts it in, in place of an older one. 0 or -ENOMEM. */
int lru_table_put(struct lru_table *table, struct slice key, struct slice value, uint64_t expires_ns);

static inline char *lru_table_value(struct lru_table_entry *entry)
{
    return entry->bytes + entry->key_length;
}

#endif
