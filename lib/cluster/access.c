/*
 * Who may use the admin address.
 *
 * A token, where one is set, is asked of everybody. Without one the address is a loopback address or a unix socket, and whoever can
 * reach it may use it, with one exception: the pages that a browser on this machine shows. Such a page can make the browser send
 * requests here, and it can have its own name resolved to a loopback address (DNS rebinding) so that it may read the answers, too.
 * The first betrays itself by an Origin field (Fetch standard, 3.2), the second by the name in Host.
 */
#include <arpa/inet.h>

#include "cluster/admin.h"

/* Takes as long for a wrong token as for the right one, whatever they have in common. */
static bool token_is(struct slice given, const char *token)
{
    size_t length = strlen(token);
    unsigned char differs = given.length != length;
    for (size_t i = 0; i < given.length; i++)
        differs |= (unsigned char)given.at[i] ^ (unsigned char)token[i % length];
    return differs == 0;
}

/* Authorization: Bearer TOKEN, RFC 6750 2.1. */
static bool shows_token(const struct http_request *request, const char *token)
{
    static const char scheme[] = "Bearer ";
    const struct slice *value = http_request_header(request, "Authorization");
    if (!value || value->length < sizeof scheme - 1 || strncasecmp(value->at, scheme, sizeof scheme - 1) != 0)
        return false;
    return token_is(slice_trim(slice_after(*value, sizeof scheme - 1)), token);
}

/* "127.0.0.1:9000" -> "127.0.0.1", "[::1]" -> "::1". */
static struct slice without_port(struct slice host)
{
    const char *end;
    if (host.length > 0 && host.at[0] == '[') {
        end = memchr(host.at, ']', host.length);
        return end ? (struct slice){host.at + 1, (size_t)(end - host.at) - 1} : host;
    }
    end = memchr(host.at, ':', host.length);
    return end ? (struct slice){host.at, (size_t)(end - host.at)} : host;
}

/* Without the port; false for what is a name. */
static bool parse_literal(struct slice host, struct net_address *address)
{
    char text[INET6_ADDRSTRLEN];
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address->storage;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address->storage;
    if (host.length >= sizeof text)
        return false;
    *address = (struct net_address){.length = 0};
    memcpy(text, host.at, host.length);
    text[host.length] = '\0';
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        address->length = sizeof *v4;
    } else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        address->length = sizeof *v6;
    }
    return address->length > 0;
}

static bool same_host(const struct net_address *one, const struct net_address *other)
{
    char one_text[NET_TEXT_SIZE], other_text[NET_TEXT_SIZE];
    return strcmp(net_format_address(one, false, one_text), net_format_address(other, false, other_text)) == 0;
}

static bool is_any(const struct net_address *address)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address->storage;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address->storage;
    return address->storage.ss_family == AF_INET ? v4->sin_addr.s_addr == INADDR_ANY : IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);
}

/* Only a name can be made to point here by somebody else; beyond loopback a name is what people use, and the token has been shown.
 */
static bool host_is_ours(const struct access_rules *rules, const struct http_request *request)
{
    struct net_address literal;
    struct slice host = without_port(request->authority);
    if (net_is_unix(rules->address) || host.length == 0 || slice_is_nocase(host, "localhost"))
        return true;
    if (!parse_literal(host, &literal))
        return rules->token[0] != '\0' && !net_is_loopback(rules->address);
    return net_is_loopback(&literal) || is_any(rules->address) || same_host(&literal, rules->address);
}

int access_check(const struct access_rules *rules, const struct http_request *request, bool steers, char *why)
{
    if (rules->token[0] != '\0' && !shows_token(request, rules->token)) {
        snprintf(why, ACCESS_WHY_SIZE, "the token of --admin-token is missing or wrong; send Authorization: Bearer TOKEN");
        return 401;
    }
    if (!host_is_ours(rules, request)) {
        snprintf(why, ACCESS_WHY_SIZE, "Host: '%.*s' is not allowed; use the address this server is bound to, or localhost",
                 request->authority.length < 80 ? (int)request->authority.length : 80, request->authority.at);
        return 403;
    }
    if (steers && http_request_header(request, "Origin")) {
        snprintf(why, ACCESS_WHY_SIZE, "Origin is not allowed: pages in a browser may not steer this server");
        return 403;
    }
    return 0;
}
