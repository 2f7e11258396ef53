/*
 * Results folders get cut short, by full disks and copies that were stopped, and edited by hand. Whatever lies in one, `report`,
 * `compare` and `export` end by themselves, and where they fail they say why in one line.
 *
 *   cut_folders CLUSTERBENCH FOLDER WORK SEED FIRST COUNT SECONDS
 *
 * WORK is to be a folder that is not there yet. In each round FIRST, FIRST+1, ... a few files of FOLDER's copy are cut, flipped,
 * deleted or have their numbers made extreme, by a sequence of their own of SEED; the commands are run on it; then the files are
 * put right again. Ends after COUNT rounds or SECONDS, whichever is first, or at a finding: that leaves WORK as it was and prints
 * the words that repeat the round.
 *
 * Sanitizers are told to end with a status of their own, which no command has.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/random.h"

#define FILES_MOST   4096
#define FILE_LIMIT   (4u << 20)
#define PATIENCE_S   60
#define OF_SANITIZER 99
#define DAMAGES_MOST 4
#define OUTPUT_LIMIT (16u << 20)

struct original {
    char *name; /* below the folder */
    char *bytes;
    size_t length;
};

static struct original originals[FILES_MOST];
static unsigned original_count;
static size_t prefix_length; /* of FOLDER and its slash */

static const char *clusterbench, *pristine;
static char cut[3072], out_path[4096], err_path[4096];

static _Noreturn void give_up(const char *what, const char *name)
{
    fprintf(stderr, "cut_folders: %s %s: %s\n", what, name, strerror(errno));
    exit(2);
}

/* ---- files ---- */

static int take_file(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)walk;
    if (type != FTW_F)
        return 0;
    if (original_count == FILES_MOST)
        return -1;
    struct original *file = &originals[original_count++];
    file->name = strdup(path + prefix_length);
    if (!file->name || file_read(path, FILE_LIMIT, &file->bytes, &file->length) < 0)
        return -1;
    return 0;
}

static void make_parents(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0777) < 0 && errno != EEXIST)
            give_up("cannot make", path);
        *slash = '/';
    }
}

static void cut_path(char path[4096], const struct original *file)
{
    snprintf(path, 4096, "%s/%s", cut, file->name);
}

static void write_bytes(const struct original *file, const char *bytes, size_t length)
{
    char path[4096];
    cut_path(path, file);
    make_parents(path);
    FILE *out = fopen(path, "w");
    if (!out || fwrite(bytes, 1, length, out) != length || fclose(out) != 0)
        give_up("cannot write", path);
}

/* ---- damage ---- */

/* A number in it becomes one that nobody expects. */
static void make_extreme(struct random *random, const struct original *file)
{
    static const char *const extremes[] = {"-1",     "0",        "1e308", "-1e308", "4294967296", "18446744073709551616",
                                           "1e-320", "99999999", "null",  "\"\"",   "[]",         "{}",
                                           "nan",    "0.5"};
    size_t at = file->length ? random_below(random, file->length) : 0, end;
    while (at < file->length && !strchr("0123456789", file->bytes[at]))
        at++;
    for (end = at; end < file->length && strchr("0123456789.", file->bytes[end]);)
        end++;
    const char *with = extremes[random_below(random, sizeof(extremes) / sizeof(*extremes))];
    char *bytes;
    int length = asprintf(&bytes, "%.*s%s%s", (int)at, file->bytes, with, file->bytes + end);
    if (length < 0)
        give_up("no memory for", file->name);
    write_bytes(file, bytes, (size_t)length);
    free(bytes);
}

static void flip(struct random *random, const struct original *file)
{
    char *bytes = malloc(file->length + 1);
    if (!bytes)
        give_up("no memory for", file->name);
    memcpy(bytes, file->bytes, file->length);
    for (uint64_t left = 1 + random_below(random, 8); left && file->length; left--) {
        size_t at = random_below(random, file->length);
        bytes[at] = (char)(random_below(random, 2) ? bytes[at] ^ (char)(1 << random_below(random, 8)) : (char)random_next(random));
    }
    write_bytes(file, bytes, file->length);
    free(bytes);
}

/* A piece of it stands there twice, or is gone. */
static void shift_piece(struct random *random, const struct original *file)
{
    size_t from = random_below(random, file->length + 1), length = random_below(random, file->length - from + 1);
    bool twice = random_below(random, 2) == 0;
    char *bytes = malloc(2 * file->length + 1);
    if (!bytes)
        give_up("no memory for", file->name);
    size_t used = twice ? from + length : from;
    memcpy(bytes, file->bytes, used);
    size_t rest = twice ? from : from + length;
    memcpy(bytes + used, file->bytes + rest, file->length - rest);
    write_bytes(file, bytes, used + file->length - rest);
    free(bytes);
}

static void delete_file(const struct original *file)
{
    char path[4096];
    cut_path(path, file);
    if (unlink(path) < 0 && errno != ENOENT)
        give_up("cannot delete", path);
}

/* Its place is taken by a folder. */
static void replace_by_folder(const struct original *file)
{
    char path[4096];
    delete_file(file);
    cut_path(path, file);
    if (mkdir(path, 0777) < 0)
        give_up("cannot make", path);
}

static void damage(struct random *random, const struct original *file)
{
    switch (random_below(random, 10)) {
    case 0:
    case 1:
        write_bytes(file, file->bytes, random_below(random, file->length + 1));
        break;
    case 2:
        delete_file(file);
        break;
    case 3:
        replace_by_folder(file);
        break;
    case 4:
        shift_piece(random, file);
        break;
    case 5:
    case 6:
        flip(random, file);
        break;
    default:
        make_extreme(random, file);
    }
}

static void repair(const struct original *file)
{
    char path[4096];
    cut_path(path, file);
    if (rmdir(path) < 0 && errno != ENOTDIR && errno != ENOENT)
        give_up("cannot remove", path);
    write_bytes(file, file->bytes, file->length);
}

/* Half of the time one of the few files of the run, of which cells have so many more. */
static unsigned choose(struct random *random)
{
    unsigned at;
    bool of_run = random_below(random, 2) == 0;
    do {
        at = (unsigned)random_below(random, original_count);
    } while (of_run && !strncmp(originals[at].name, "cells/", 6));
    return at;
}

/* ---- commands ---- */

static _Noreturn void become(char *const argv[])
{
    int out = open(out_path, O_WRONLY | O_CREAT | O_TRUNC, 0666), err = open(err_path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    alarm(PATIENCE_S);
    if (out >= 0 && err >= 0 && dup2(out, 1) == 1 && dup2(err, 2) == 2)
        execv(argv[0], argv);
    _exit(127);
}

static int run(char *const argv[])
{
    int status;
    pid_t child = fork();
    if (child == 0)
        become(argv);
    if (child < 0 || waitpid(child, &status, 0) != child)
        give_up("cannot run", argv[0]);
    return status;
}

static char *read_text(const char *path, size_t *length)
{
    char *text;
    int result = file_read(path, OUTPUT_LIMIT, &text, length);
    if (result < 0) {
        errno = -result;
        give_up("cannot read", path);
    }
    return text;
}

static unsigned count_lines(const char *text)
{
    unsigned lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

struct order {
    const char *words[8]; /* NULL ends them */
    int failed;           /* the exit status of what could not be done */
    int most;             /* the greatest status there is */
    bool json;            /* what it prints */
};

/* NULL, or what is wrong. */
static const char *judge(const struct order *order, int status)
{
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGALRM ? "does not end" : "crashed";
    int code = WEXITSTATUS(status);
    if (code == OF_SANITIZER)
        return "was found at fault by a sanitizer";
    if (code > order->most)
        return "ends with a status that it has not";
    size_t length, said;
    char *err = read_text(err_path, &said), *out = read_text(out_path, &length);
    const char *wrong = NULL;
    json_t *json = order->json && code != order->failed ? json_loadb(out, length, 0, NULL) : NULL;
    if (strstr(err, "Sanitizer") || strstr(err, "runtime error"))
        wrong = "was found at fault by a sanitizer";
    else if (code == order->failed && (count_lines(err) != 1 || said < 10))
        wrong = "fails without one line that says why";
    else if (code != order->failed && !length)
        wrong = "prints nothing";
    else if (code != order->failed && order->json && !json)
        wrong = "prints no JSON";
    json_decref(json);
    free(out);
    free(err);
    return wrong;
}

/* false: a finding, which is told. */
static bool carry_out(const struct order *order)
{
    char *argv[9] = {(char *)(uintptr_t)clusterbench};
    for (unsigned i = 0; i < 8 && order->words[i]; i++)
        argv[i + 1] = (char *)(uintptr_t)order->words[i];
    int status = run(argv);
    const char *wrong = judge(order, status);
    if (!wrong)
        return true;
    char *said = read_text(err_path, NULL);
    fprintf(stderr, "cut_folders: %s", clusterbench);
    for (unsigned i = 0; i < 8 && order->words[i]; i++)
        fprintf(stderr, " %s", order->words[i]);
    fprintf(stderr, ": %s (wait status %#x); it said:\n%.4000s\n", wrong, (unsigned)status, said);
    free(said);
    return false;
}

static bool carry_out_all(struct random *random)
{
    static const char *const formats[] = {"text", "json", "html"};
    const char *format = formats[random_below(random, 3)], *reading = random_below(random, 2) ? "relative" : "absolute";
    const char *as = random_below(random, 2) ? "--csv" : "--prometheus";
    bool json = !strcmp(format, "json");
    const struct order orders[] = {
        {.words = {"report", cut}, .failed = 1, .most = 1},
        {.words = {"compare", cut, pristine, "--format", format}, .failed = 2, .most = 3, .json = json},
        {.words = {"compare", pristine, cut, "--only-common", "--across-machines", "--reading", reading}, .failed = 2, .most = 3},
        {.words = {"export", cut, as}, .failed = 1, .most = 1},
    };
    for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++)
        if (!carry_out(&orders[i]))
            return false;
    return true;
}

/* ---- rounds ---- */

static bool go_round(uint64_t seed, uint64_t number)
{
    struct random random;
    unsigned damaged[DAMAGES_MOST], count;
    random_init_stream(&random, seed, number);
    count = 1 + (unsigned)random_below(&random, DAMAGES_MOST);
    for (unsigned i = 0; i < count; i++) {
        damaged[i] = choose(&random);
        repair(&originals[damaged[i]]); /* it may have been damaged a moment ago */
        damage(&random, &originals[damaged[i]]);
    }
    if (!carry_out_all(&random))
        return false;
    for (unsigned i = 0; i < count; i++)
        repair(&originals[damaged[i]]);
    return true;
}

static void prepare(const char *folder, const char *work)
{
    pristine = folder;
    prefix_length = strlen(folder) + 1;
    if (nftw(folder, take_file, 16, FTW_PHYS) != 0 || !original_count)
        give_up("cannot read", folder);
    if (mkdir(work, 0777) < 0)
        give_up("cannot make", work);
    snprintf(cut, sizeof(cut), "%.3000s/cut", work);
    snprintf(out_path, sizeof(out_path), "%s/out", work);
    snprintf(err_path, sizeof(err_path), "%s/err", work);
    for (unsigned i = 0; i < original_count; i++)
        write_bytes(&originals[i], originals[i].bytes, originals[i].length);
    char *asan, *ubsan;
    const char *of_asan = getenv("ASAN_OPTIONS"), *of_ubsan = getenv("UBSAN_OPTIONS");
    if (asprintf(&asan, "%s:exitcode=%d", of_asan ? of_asan : "", OF_SANITIZER) < 0 ||
        asprintf(&ubsan, "%s:exitcode=%d", of_ubsan ? of_ubsan : "", OF_SANITIZER) < 0 || setenv("ASAN_OPTIONS", asan, 1) < 0 ||
        setenv("UBSAN_OPTIONS", ubsan, 1) < 0)
        give_up("cannot set", "ASAN_OPTIONS");
    free(asan);
    free(ubsan);
}

int main(int argc, char **argv)
{
    if (argc != 8) {
        fputs("usage: cut_folders CLUSTERBENCH FOLDER WORK SEED FIRST COUNT SECONDS\n", stderr);
        return 2;
    }
    clusterbench = argv[1];
    uint64_t seed = strtoull(argv[4], NULL, 10), first = strtoull(argv[5], NULL, 10), count = strtoull(argv[6], NULL, 10), done = 0;
    uint64_t until_ns = clock_now_ns() + strtoull(argv[7], NULL, 10) * CLOCK_NS_PER_S;
    prepare(argv[2], argv[3]);
    const struct order sound = {.words = {"report", cut}, .failed = 1, .most = 0};
    if (!carry_out(&sound))
        return 1;
    for (; done < count && clock_now_ns() < until_ns; done++)
        if (!go_round(seed, first + done)) {
            fprintf(stderr, "cut_folders: again: cut_folders %s %s ANOTHER-FOLDER %llu %llu 1 60\n", argv[1], argv[2],
                    (unsigned long long)seed, (unsigned long long)(first + done));
            return 1;
        }
    printf("%llu folders, seed %llu: nothing found\n", (unsigned long long)done, (unsigned long long)seed);
    return done ? 0 : 1;
}
