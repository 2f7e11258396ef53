/*
 * From what stands behind /static/ to a file's name below --root, and from that to its type. PURE: no file is looked at.
 */
#ifndef SERVICE_STATIC_FILE_H
#define SERVICE_STATIC_FILE_H

#include "base/slice.h"

#define STATIC_PATH_SIZE 4096

/*
 * Decodes the path once (RFC 3986 2.1) into `path`, a string of at most STATIC_PATH_SIZE with its NUL: components between single
 * slashes, relative, without "." and "..".
 *
 * 0; -EINVAL for an escape that is none and for %00: no path at all (400). -ENOENT for what no file here is called (404): a
 * component that is empty or begins with a dot, a slash that came as an escape, a backslash; -ENAMETOOLONG (404).
 */
int static_path(struct slice encoded, char *path);

/* The media type by the extension, of any case; application/octet-stream for what the table does not have. */
const char *static_content_type(const char *path);

#endif
