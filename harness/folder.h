/* Folders: make one with its parents, remove one of ours with what lies in it. */
#ifndef HARNESS_FOLDER_H
#define HARNESS_FOLDER_H

/* mkdir -p. 0 or negative errno; an existing folder is fine. */
int folder_make(const char *path);

/* Removes a folder with everything in it. 0 or negative errno. */
int folder_remove(const char *path);

/* Can a file be made there and be given 64 KiB? 0 or the negative errno of what hinders: a full disk, a limit, no right. */
int folder_probe(const char *path);

/* Copies a small text file, by way of a draft. 0 or negative errno. */
int folder_copy_file(const char *from, const char *to);

#endif
