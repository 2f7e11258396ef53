/*
 * URLs. Input: the URL. No name is asked of anybody: getaddrinfo is wrapped (see CMakeLists.txt) and takes numbers only.
 */
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "loadgen/loadgen.h"
#include "loadgen/request/request.h"
#include "tests/fuzz/fuzz.h"

int __real_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **found);
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **found);

int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
    struct addrinfo numeric = hints ? *hints : (struct addrinfo){.ai_family = AF_UNSPEC};
    numeric.ai_flags |= AI_NUMERICHOST | AI_NUMERICSERV;
    return __real_getaddrinfo(host, service, &numeric, found);
}

static bool lies_in(struct slice part, const char *text)
{
    return part.length == 0 || (part.at >= text && part.at + part.length <= text + strlen(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    size_t length;
    char *text = fuzz_rest(&input, &length), message[MESSAGE_SIZE] = "";
    struct url url;
    int error = fuzz_is_string(data, size) ? url_parse(text, &url, message) : -EINVAL;
    if (!error) {
        fuzz_require(url.host.length > 0 && url.address.length > 0);
        fuzz_require(lies_in(url.target, text) || slice_is(url.target, "/"));
        fuzz_require(lies_in(url.host, text) || slice_is(url.host, "localhost"));
        fuzz_require(url_is_target(url.target) && (url.target.length == 0 || !memchr(url.target.at, '#', url.target.length)));
        fuzz_require(net_is_unix(&url.address) || net_port(&url.address) != 0);
        fuzz_require(strcspn(url.host.at, "\r\n \t") >= url.host.length); /* it goes into the Host field */
    } else if (fuzz_is_string(data, size))
        fuzz_require(*message);
    free(text);
    return 0;
}
