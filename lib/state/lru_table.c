/*
 * Buckets of singly linked entries, and one list through all of them in the order of their last use.
 */
#include "state/lru_table.h"

#include <errno.h>
#include <stdlib.h>

/* FNV-1a, 64 bits (Fowler, Noll, Vo); what collides here was made by ourselves: keys are ours, session ids are random. */
static uint64_t hash_of(struct slice key)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < key.length; i++)
        hash = (hash ^ (unsigned char)key.at[i]) * UINT64_C(0x100000001b3);
    return hash;
}

int lru_table_init(struct lru_table *table, size_t most)
{
    *table = (struct lru_table){.bucket_count = 1, .most = most};
    list_init(&table->used);
    while (table->bucket_count < most)
        table->bucket_count *= 2;
    table->buckets = calloc(table->bucket_count, sizeof(struct lru_table_entry *));
    return table->buckets ? 0 : -ENOMEM;
}

void lru_table_free(struct lru_table *table)
{
    while (table->buckets && !list_empty(&table->used)) {
        struct lru_table_entry *entry = list_entry(table->used.next, struct lru_table_entry, used);
        list_remove(&entry->used);
        free(entry);
    }
    free(table->buckets);
    table->buckets = NULL;
}

/* Where the pointer to the entry is, or the end of its bucket. */
static struct lru_table_entry **find_place(struct lru_table *table, uint64_t hash, struct slice key)
{
    struct lru_table_entry **place = &table->buckets[hash & (table->bucket_count - 1)];
    while (*place &&
           ((*place)->hash != hash || (*place)->key_length != key.length || memcmp((*place)->bytes, key.at, key.length) != 0))
        place = &(*place)->next;
    return place;
}

static void remove_at(struct lru_table *table, struct lru_table_entry **place)
{
    struct lru_table_entry *entry = *place;
    *place = entry->next;
    list_remove(&entry->used);
    free(entry);
    table->count--;
}

static void remove_longest_unused(struct lru_table *table)
{
    struct lru_table_entry *entry = list_entry(table->used.next, struct lru_table_entry, used);
    remove_at(table, find_place(table, entry->hash, (struct slice){entry->bytes, entry->key_length}));
}

struct lru_table_entry *lru_table_find(struct lru_table *table, struct slice key, uint64_t now_ns)
{
    struct lru_table_entry **place = find_place(table, hash_of(key), key), *entry = *place;
    if (!entry)
        return NULL;
    if (entry->expires_ns <= now_ns) {
        remove_at(table, place);
        return NULL;
    }
    list_remove(&entry->used);
    list_append(&table->used, &entry->used);
    return entry;
}

int lru_table_put(struct lru_table *table, struct slice key, struct slice value, uint64_t expires_ns)
{
    struct lru_table_entry *entry = malloc(sizeof *entry + key.length + value.length);
    if (!entry)
        return -ENOMEM;
    uint64_t hash = hash_of(key);
    struct lru_table_entry **place = find_place(table, hash, key);
    if (*place)
        remove_at(table, place);
    else if (table->count >= table->most)
        remove_longest_unused(table);
    *entry = (struct lru_table_entry){.hash = hash, .expires_ns = expires_ns, .key_length = key.length, .length = value.length};
    memcpy(entry->bytes, key.at, key.length);
    memcpy(lru_table_value(entry), value.at, value.length);
    place = &table->buckets[hash & (table->bucket_count - 1)];
    entry->next = *place;
    *place = entry;
    list_init(&entry->used);
    list_append(&table->used, &entry->used);
    table->count++;
    return 0;
}
