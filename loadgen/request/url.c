/*
 * URLs as this generator takes them: RFC 3986's http form, and http://unix:/path:/target as Docker and nginx write it.
 * Only what can be sent is let through: no user info, no control characters or spaces in the target, the fragment cut off.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "loadgen/loadgen.h"
#include "loadgen/request/request.h"

static const char form[] = "use http://HOST:PORT/PATH, http://[IPV6]:PORT/PATH or http://unix:/SOCKET:/PATH";

static int refuse(char *message, const char *why)
{
    snprintf(message, MESSAGE_SIZE, "%s; %s", why, form);
    return -EINVAL;
}

bool url_is_target(struct slice text)
{
    for (size_t i = 0; i < text.length; i++)
        if ((unsigned char)text.at[i] <= ' ' || (unsigned char)text.at[i] >= 0x7f)
            return false;
    return true;
}

static int check_target(struct slice target, char *message)
{
    if (!url_is_target(target))
        return refuse(message, "the path holds a space, a control character or a byte outside ASCII (write it as %XX)");
    return 0;
}

static int parse_address(const char *text, struct url *url, char *message)
{
    int error = net_parse_address(text, &url->address);
    if (error == -ENOENT)
        snprintf(message, MESSAGE_SIZE, "there is no host '%.*s'", (int)url->host.length, url->host.at);
    else if (error)
        return refuse(message, "not a host and port");
    return error;
}

/* "/path/of/socket:/target" */
static int parse_unix(struct slice rest, struct url *url, char *message)
{
    const char *colon = memchr(rest.at, ':', rest.length);
    size_t length = colon ? (size_t)(colon - rest.at) : rest.length;
    char text[sizeof(struct sockaddr_storage) + 8];
    if (length == 0 || length + sizeof("unix:") > sizeof(text))
        return refuse(message, "the socket's path is empty or too long");
    snprintf(text, sizeof(text), "unix:%.*s", (int)length, rest.at);
    url->host = SLICE("localhost");
    url->target = colon ? slice_after(rest, length + 1) : SLICE("/");
    return parse_address(text, url, message);
}

/* The digits behind the last colon outside brackets, or none. */
static bool has_port(struct slice host)
{
    const char *bracket = memrchr(host.at, ']', host.length), *colon = memrchr(host.at, ':', host.length);
    return colon && (!bracket || colon > bracket);
}

static int parse_host(struct slice rest, struct url *url, char *message)
{
    size_t length = 0;
    while (length < rest.length && !strchr("/?", rest.at[length]))
        length++;
    char text[300];
    url->host = (struct slice){rest.at, length};
    url->target = slice_after(rest, length);
    if (length == 0 || length + sizeof(":80") > sizeof(text))
        return refuse(message, "the host is empty or too long");
    if (memchr(url->host.at, '@', length) || memchr(url->host.at, '*', length))
        return refuse(message, "the host may hold no '@' and no '*'");
    snprintf(text, sizeof(text), "%.*s%s", (int)length, url->host.at, has_port(url->host) ? "" : ":80");
    int error = parse_address(text, url, message);
    if (!error && net_port(&url->address) == 0)
        return refuse(message, "port 0 cannot be connected to");
    return error;
}

int url_parse(const char *text, struct url *url, char *message)
{
    struct slice rest = slice_of(text);
    if (!slice_begins(rest, "http://"))
        return refuse(message, slice_begins(rest, "https://") ? "https is not spoken here" : "it does not begin with http://");
    rest = slice_after(rest, strlen("http://"));
    const char *fragment = memchr(rest.at, '#', rest.length);
    if (fragment)
        rest.length = (size_t)(fragment - rest.at);
    int error =
        slice_begins(rest, "unix:") ? parse_unix(slice_after(rest, strlen("unix:")), url, message) : parse_host(rest, url, message);
    return error ? error : check_target(url->target, message);
}
