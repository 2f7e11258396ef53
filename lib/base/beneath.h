/*
 * Files that must lie below a folder, whatever the names in a path are linked to.
 */
#ifndef BASE_BENEATH_H
#define BASE_BENEATH_H

/*
 * Opens what `path` (relative, its components not "..") names below the folder that `root` is open on, with open(2)'s `flags` and
 * O_CLOEXEC. No link leads out: openat2(2) with RESOLVE_BENEATH and RESOLVE_NO_MAGICLINKS. Nor does one lead to what hides: a file
 * found through links has no component in its real name, from the folder on, that begins with a dot; to know that takes /proc.
 * Where the kernel lacks openat2, no link is followed at all. The descriptor or a negative errno; -EXDEV and -ELOOP for a path that
 * would leave, or follow what it may not.
 */
int beneath_open(int root, const char *path, int flags);

/* The way without openat2, component by component. */
int beneath_open_stepwise(int root, const char *path, int flags);

#endif
