/* The intrusive list: order, and removing in any order and twice. */
#include "support.h"

#include "base/list.h"

struct item {
    int number;
    struct list link;
};

static void expect_numbers(const struct list *list, const int *numbers, size_t count)
{
    const struct list *link = list->next;

    for (size_t i = 0; i < count; i++, link = link->next) {
        assert_ptr_not_equal(link, list);
        assert_int_equal(list_entry(link, struct item, link)->number, numbers[i]);
        assert_ptr_equal(link->next->previous, link);
    }
    assert_ptr_equal(link, list);
}

static void appended_in_order(void **state)
{
    struct item items[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
    struct list list;

    (void)state;
    list_init(&list);
    assert_true(list_empty(&list));
    for (int i = 0; i < 3; i++)
        list_append(&list, &items[i].link);
    assert_false(list_empty(&list));
    expect_numbers(&list, (int[]){1, 2, 3}, 3);
}

static void removed_anywhere_and_twice(void **state)
{
    struct item items[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
    struct list list;

    (void)state;
    list_init(&list);
    for (int i = 0; i < 3; i++)
        list_append(&list, &items[i].link);
    list_remove(&items[1].link);
    list_remove(&items[1].link);
    expect_numbers(&list, (int[]){1, 3}, 2);
    list_append(&list, &items[1].link);
    expect_numbers(&list, (int[]){1, 3, 2}, 3);
    for (int i = 0; i < 3; i++)
        list_remove(&items[i].link);
    assert_true(list_empty(&list));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appended_in_order),
        cmocka_unit_test(removed_anywhere_and_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
