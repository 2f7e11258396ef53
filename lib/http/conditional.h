/*
 * What a GET or HEAD is answered with when the client says what it already has (RFC 9110 13) or wants only a part (14). PURE:
 * fields of a request and validators of a representation in, a status and a range out.
 */
#ifndef HTTP_CONDITIONAL_H
#define HTTP_CONDITIONAL_H

#include <time.h>

#include "http/request.h"

struct http_representation {
    struct slice etag; /* with its quotes; a strong one */
    time_t modified;
    uint64_t size; /* bytes */
};

/* What to answer: 200 (all of it), 206 (`length` bytes from `first` on, never none), 304, 412 or 416. */
struct http_selection {
    int status;
    uint64_t first, length;
};

/* Does the request have any of the fields below? Without them all is wanted. */
bool http_is_conditional(const struct http_request *request);

/*
 * If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since, If-Range and Range, in the order of RFC 9110 13.2.2. A date that
 * is none, or a field of one value that came twice, is as good as absent; for If-Range that means the whole.
 *
 * Range: one range of bytes gets 206, or 416 where none of it exists. Several ranges, other units and what is malformed get the
 * whole, which 14.2 allows: no multipart/byteranges. So does a suffix of something empty: there is no Content-Range for it.
 *
 * A date in If-Range must be the very Last-Modified, and older than a second (13.1.5): within that the bytes may have changed
 * unseen.
 */
void http_select(const struct http_request *request, const struct http_representation *representation, time_t now,
                 struct http_selection *selection);

#endif
