/*
 * Preconditions first, then the range: each is one small function, http_select is their order.
 */
#include "http/conditional.h"

#include "http/date.h"

static const char *const condition_fields[] = {"If-Match", "If-Unmodified-Since", "If-None-Match", "If-Modified-Since", "If-Range",
                                               "Range"};

bool http_is_conditional(const struct http_request *request)
{
    for (size_t i = 0; i < sizeof condition_fields / sizeof *condition_fields; i++)
        if (http_request_header(request, condition_fields[i]))
            return true;
    return false;
}

/* ---- fields ---- */

/* The next field of that name, from *index on; NULL when there is none left. */
static const struct slice *next_field(const struct http_request *request, const char *name, unsigned *index)
{
    while (*index < request->header_count) {
        const struct http_header *header = &request->headers[(*index)++];
        if (slice_is_nocase(header->name, name))
            return &header->value;
    }
    return NULL;
}

/* The value of a field that may come once; NULL when it is absent or came twice. */
static const struct slice *only_field(const struct http_request *request, const char *name)
{
    unsigned index = 0;
    const struct slice *value = next_field(request, name, &index);
    return value && next_field(request, name, &index) ? NULL : value;
}

/* ---- entity tags, RFC 9110 8.8.3 ---- */

static bool is_tag_byte(char c)
{
    return c == 0x21 || (c >= 0x23 && c != 0x7f) || (c & 0x80);
}

struct tag {
    struct slice opaque; /* with its quotes */
    bool weak;
};

/* Takes a tag off the front; false when none stands there. */
static bool take_tag(struct slice *text, struct tag *tag)
{
    tag->weak = slice_begins(*text, "W/");
    struct slice rest = tag->weak ? slice_after(*text, 2) : *text;
    if (rest.length < 2 || *rest.at != '"')
        return false;
    size_t end = 1;
    while (end < rest.length && is_tag_byte(rest.at[end]))
        end++;
    if (end == rest.length || rest.at[end] != '"')
        return false;
    tag->opaque = (struct slice){rest.at, end + 1};
    *text = slice_after(rest, end + 1);
    return true;
}

static bool is_same(struct slice one, struct slice other)
{
    return one.length == other.length && memcmp(one.at, other.at, one.length) == 0;
}

/* The separators before the next member of a list. Tags may hold commas, so a list of them is not split at those. */
static void skip_separators(struct slice *list)
{
    while (list->length > 0 && (*list->at == ',' || *list->at == ' ' || *list->at == '\t'))
        *list = slice_after(*list, 1);
}

/* Is `etag` (strong) in a list, or the list "*"? What is malformed ends the list. */
static bool lists_tag(struct slice list, struct slice etag, bool strongly)
{
    struct tag tag;
    list = slice_trim(list);
    if (slice_is(list, "*"))
        return true;
    for (skip_separators(&list); take_tag(&list, &tag); skip_separators(&list)) {
        if (is_same(tag.opaque, etag) && !(strongly && tag.weak))
            return true;
        list = slice_trim(list);
        if (list.length > 0 && *list.at != ',')
            return false;
    }
    return false;
}

enum answer { ABSENT, HOLDS, FAILS };

static enum answer match_any(const struct http_request *request, const char *name, struct slice etag, bool strongly)
{
    unsigned index = 0;
    const struct slice *value = next_field(request, name, &index);
    enum answer answer = value ? FAILS : ABSENT;
    for (; value && answer != HOLDS; value = next_field(request, name, &index))
        if (lists_tag(*value, etag, strongly))
            answer = HOLDS;
    return answer;
}

/* ---- dates ---- */

/* Is the representation no younger than the field's date? */
static enum answer unmodified_since(const struct http_request *request, const char *name, time_t modified, time_t now)
{
    const struct slice *value = only_field(request, name);
    time_t date;
    if (!value || http_date_parse(*value, now, &date) != 0)
        return ABSENT;
    return modified <= date ? HOLDS : FAILS;
}

/* RFC 9110 13.1.5 */
static bool range_applies(const struct http_request *request, const struct http_representation *representation, time_t now)
{
    const struct slice *value = only_field(request, "If-Range");
    struct tag tag;
    time_t date;
    if (!value)
        return http_request_header(request, "If-Range") == NULL;
    struct slice text = *value;
    if (take_tag(&text, &tag))
        return text.length == 0 && !tag.weak && is_same(tag.opaque, representation->etag);
    return http_date_parse(text, now, &date) == 0 && date == representation->modified && date < now - 1;
}

/* ---- ranges, RFC 9110 14.1.2 ---- */

/* Takes digits off the front; as large as can be when there are too many. False without any. */
static bool take_position(struct slice *text, uint64_t *position)
{
    size_t count = 0;
    *position = 0;
    for (; count < text->length && text->at[count] >= '0' && text->at[count] <= '9'; count++) {
        uint64_t digit = (uint64_t)(text->at[count] - '0');
        *position = *position > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *position * 10 + digit;
    }
    *text = slice_after(*text, count);
    return count > 0;
}

static int select_all(uint64_t size, struct http_selection *selection)
{
    *selection = (struct http_selection){200, 0, size};
    return 200;
}

static int select_part(uint64_t first, uint64_t last, uint64_t size, struct http_selection *selection)
{
    if (first >= size) {
        *selection = (struct http_selection){416, 0, 0};
    } else {
        uint64_t end = last < size - 1 ? last : size - 1;
        *selection = (struct http_selection){206, first, end - first + 1};
    }
    return selection->status;
}

/* "-500": the last 500 bytes. */
static int select_suffix(struct slice text, uint64_t size, struct http_selection *selection)
{
    uint64_t length;
    if (!take_position(&text, &length) || text.length > 0)
        return select_all(size, selection);
    if (length == 0)
        return select_part(size, size, size, selection);
    if (size == 0)
        return select_all(size, selection);
    return select_part(length < size ? size - length : 0, size - 1, size, selection);
}

/* "500-999" or "500-". */
static int select_range(struct slice text, uint64_t size, struct http_selection *selection)
{
    uint64_t first, last = UINT64_MAX;
    if (text.length > 0 && *text.at == '-')
        return select_suffix(slice_after(text, 1), size, selection);
    bool good = take_position(&text, &first) && text.length > 0 && *text.at == '-';
    if (good)
        text = slice_after(text, 1);
    if (good && text.length > 0)
        good = take_position(&text, &last) && text.length == 0 && first <= last;
    return good ? select_part(first, last, size, selection) : select_all(size, selection);
}

static int select_bytes(const struct slice *range, uint64_t size, struct http_selection *selection)
{
    static const char unit[] = "bytes=";
    struct slice list, member, another;
    if (!range || range->length < sizeof unit - 1 || strncasecmp(range->at, unit, sizeof unit - 1) != 0)
        return select_all(size, selection);
    list = slice_after(*range, sizeof unit - 1);
    if (!slice_next_member(&list, &member) || slice_next_member(&list, &another))
        return select_all(size, selection);
    return select_range(member, size, selection);
}

/* ---- all together ---- */

/* The status that ends it before the range is looked at, or 0. */
static int check_preconditions(const struct http_request *request, const struct http_representation *representation, time_t now)
{
    enum answer answer = match_any(request, "If-Match", representation->etag, true);
    if (answer == ABSENT)
        answer = unmodified_since(request, "If-Unmodified-Since", representation->modified, now);
    if (answer == FAILS)
        return 412;
    answer = match_any(request, "If-None-Match", representation->etag, false);
    if (answer == ABSENT)
        answer = unmodified_since(request, "If-Modified-Since", representation->modified, now);
    return answer == HOLDS ? 304 : 0;
}

void http_select(const struct http_request *request, const struct http_representation *representation, time_t now,
                 struct http_selection *selection)
{
    int status = check_preconditions(request, representation, now);
    if (status)
        *selection = (struct http_selection){status, 0, 0};
    else if (slice_is(request->method, "GET") && range_applies(request, representation, now))
        select_bytes(only_field(request, "Range"), representation->size, selection);
    else
        select_all(representation->size, selection);
}
