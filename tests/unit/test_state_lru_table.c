/*
 * The table in a worker's memory: ages, the bound, who makes room.
 */
#include "tests/unit/support.h"

#include <stdio.h>

#include "state/lru_table.h"

static void put(struct lru_table *table, const char *key, const char *value, uint64_t expires_ns)
{
    assert_int_equal(lru_table_put(table, slice_of(key), slice_of(value), expires_ns), 0);
}

/* "value", or "-" when there is none. */
static const char *find(struct lru_table *table, const char *key, uint64_t now_ns)
{
    static char text[64];
    struct lru_table_entry *entry = lru_table_find(table, slice_of(key), now_ns);
    snprintf(text, sizeof text, "%.*s", entry ? (int)entry->length : 1, entry ? lru_table_value(entry) : "-");
    return text;
}

static void test_put_find_replace(void **unused)
{
    (void)unused;
    struct lru_table table;
    assert_int_equal(lru_table_init(&table, 10), 0);
    assert_string_equal(find(&table, "a", 1), "-");
    put(&table, "a", "one", 100);
    put(&table, "b", "two", 100);
    put(&table, "a", "three", 100);
    assert_int_equal(table.count, 2);
    assert_string_equal(find(&table, "a", 1), "three");
    assert_string_equal(find(&table, "b", 1), "two");
    assert_string_equal(find(&table, "", 1), "-");
    lru_table_free(&table);
}

static void test_entries_grow_old(void **unused)
{
    (void)unused;
    struct lru_table table;
    assert_int_equal(lru_table_init(&table, 10), 0);
    put(&table, "a", "one", 100);
    assert_string_equal(find(&table, "a", 99), "one");
    lru_table_find(&table, slice_of("a"), 99)->expires_ns = 200;
    assert_string_equal(find(&table, "a", 199), "one");
    assert_string_equal(find(&table, "a", 200), "-");
    assert_int_equal(table.count, 0); /* and is gone */
    lru_table_free(&table);
}

static void test_longest_unused_makes_room(void **unused)
{
    (void)unused;
    struct lru_table table;
    assert_int_equal(lru_table_init(&table, 3), 0);
    put(&table, "a", "1", 100);
    put(&table, "b", "2", 100);
    put(&table, "c", "3", 100);
    assert_string_equal(find(&table, "a", 1), "1"); /* now b is the longest unused */
    put(&table, "d", "4", 100);
    assert_int_equal(table.count, 3);
    assert_string_equal(find(&table, "b", 1), "-");
    assert_string_equal(find(&table, "a", 1), "1");
    assert_string_equal(find(&table, "c", 1), "3");
    put(&table, "a", "5", 100); /* replacing takes no room */
    assert_string_equal(find(&table, "d", 1), "4");
    lru_table_free(&table);
}

static void test_many(void **unused)
{
    (void)unused;
    struct lru_table table;
    char key[16];
    assert_int_equal(lru_table_init(&table, 100), 0);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "key %u", i);
        put(&table, key, key, 100);
    }
    assert_int_equal(table.count, 100);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "key %u", i);
        assert_string_equal(find(&table, key, 1), i < 900 ? "-" : key);
    }
    lru_table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_find_replace),
        cmocka_unit_test(test_entries_grow_old),
        cmocka_unit_test(test_longest_unused_makes_room),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
