/*
 * Runs a target once over each file of the folders (or over the files) it is given: what `make test` does with the corpus, and how
 * a crash is looked at without a fuzzer.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "tests/fuzz/fuzz.h"

#define INPUT_LIMIT (16 << 20)

static int run_file(const char *path)
{
    char *text;
    size_t length;
    int error = file_read(path, INPUT_LIMIT, &text, &length);
    if (error) {
        fprintf(stderr, "%s: %s\n", path, strerror(-error));
        return error;
    }
    uint8_t *exact = malloc(length ? length : 1); /* not a byte more than libFuzzer gives */
    if (exact) {
        memcpy(exact, text, length);
        fprintf(stderr, "%s\n", path); /* before it runs: the last one named is the one that crashed */
        LLVMFuzzerTestOneInput(exact, length);
    }
    free(exact);
    free(text);
    return exact ? 1 : -ENOMEM;
}

/* Returns how many inputs were run, or a negative errno. */
static int run_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    int count = 0, outcome = 0;
    if (!dir)
        return errno == ENOTDIR ? run_file(folder) : -errno;
    for (struct dirent *entry; outcome >= 0 && (entry = readdir(dir));) {
        char path[4096];
        if (*entry->d_name == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        outcome = run_file(path);
        count += outcome > 0;
    }
    closedir(dir);
    return outcome < 0 ? outcome : count;
}

int main(int argc, char **argv)
{
    int total = 0;
    for (int i = 1; i < argc; i++) {
        int count = run_folder(argv[i]);
        if (count < 0) {
            fprintf(stderr, "%s: %s\n", argv[i], strerror(-count));
            return 1;
        }
        total += count;
    }
    printf("%d inputs\n", total);
    return total > 0 ? 0 : 1; /* nothing run is nothing tested */
}
