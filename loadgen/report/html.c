/*
 * --html: a page with charts, all in one file.
 */
#include <errno.h>

#include "loadgen/report/report.h"

int page_new(const struct settings *settings, struct page **page)
{
    *page = NULL;
    return settings->html ? -ENOSYS : 0;
}

struct watcher page_watcher(struct page *page)
{
    return (struct watcher){NULL, page, true};
}

int page_print(const struct page *page, const struct summary *summary, FILE *out)
{
    (void)page, (void)summary, (void)out;
    return -ENOSYS;
}

void page_free(struct page *page)
{
    (void)page;
}
