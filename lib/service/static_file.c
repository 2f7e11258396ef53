/*
 * Two rules keep clients below the root, and this is the first: no component of a path begins with a dot, and only a plain slash
 * parts components. So there is no "..", however it is written, and files that hide stay hidden. The second is the kernel's
 * (beneath_open): it also knows of links.
 */
#include "service/static_file.h"

#include <errno.h>

#include "service/escape.h"

/* May the character stand there? `first`: of a component. */
static int check_character(int c, bool escaped, bool first)
{
    if (c == '\0')
        return -EINVAL;
    if (c == '\\' || (c == '/' && (escaped || first)) || (c == '.' && first))
        return -ENOENT;
    return 0;
}

int static_path(struct slice encoded, char *path)
{
    size_t length = 0;
    int error = 0;
    /* The whole of it is looked at: what is malformed is so even behind what is not found. */
    while (encoded.length > 0) {
        bool escaped, first = length == 0 || path[length - 1] == '/';
        int c = escape_take(&encoded, &escaped);
        int wrong = c < 0 ? c : check_character(c, escaped, first);
        if (wrong == -EINVAL)
            return wrong;
        if (!error)
            error = wrong ? wrong : length + 1 == STATIC_PATH_SIZE ? -ENAMETOOLONG : 0;
        if (!error)
            path[length++] = (char)c;
    }
    if (!error && (length == 0 || path[length - 1] == '/'))
        error = -ENOENT; /* a folder */
    path[length] = '\0';
    return error;
}

static const struct {
    const char *extension, *type;
} types[] = {
    {"html", "text/html; charset=utf-8"},
    {"htm", "text/html; charset=utf-8"},
    {"css", "text/css; charset=utf-8"},
    {"js", "text/javascript; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"txt", "text/plain; charset=utf-8"},
    {"md", "text/markdown; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"json", "application/json"},
    {"xml", "application/xml"},
    {"svg", "image/svg+xml"},
    {"png", "image/png"},
    {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"gif", "image/gif"},
    {"webp", "image/webp"},
    {"ico", "image/x-icon"},
    {"woff2", "font/woff2"},
    {"wasm", "application/wasm"},
    {"pdf", "application/pdf"},
    {"gz", "application/gzip"},
    {"zip", "application/zip"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
};

const char *static_content_type(const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++)
        if (strcasecmp(dot + 1, types[i].extension) == 0)
            return types[i].type;
    return "application/octet-stream";
}
