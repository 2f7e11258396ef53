/* status: a GET whose answer is a small JSON document. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fetch.h"
#include "status.h"

int status_get(const char *url, const char *path, uint64_t deadline_ns, json_t **document)
{
    struct net_address address;
    struct fetch_request request = {.method = "GET", .target = path, .deadline_ns = deadline_ns};
    struct fetch_answer answer;
    *document = NULL;
    if (strncmp(url, "http://", 7) != 0 || fetch_parse_address(url, &address) < 0)
        return -EINVAL;
    int result = fetch(&address, &request, &answer);
    if (result)
        return result;
    *document = answer.status == 200 ? json_loads(answer.body, 0, NULL) : NULL;
    free(answer.body);
    return *document ? 0 : -EPROTO;
}
