/*
 * run_folder: what a run writes, and who may write.
 *
 * run.json says "interrupted" from its first writing on and "complete" only at the very end, so that a run that was killed,
 * whatever the way, never passes for a whole one. It is written again after every cell: what it says of the block under way is
 * what `--resume` goes on from. The harness holds a lock (flock) on the folder itself for as long as it lives; where the file
 * system knows no such locks it does without.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"

#include "capacity.h"
#include "folder.h"
#include "machine.h"
#include "run_parts.h"

int run_complain(const char *text)
{
    fprintf(stderr, "clusterbench: %s\n", text);
    return -EINVAL;
}

int run_complain_file(const char *what, const char *path, int error)
{
    fprintf(stderr, "clusterbench: %s %s: %s\n", what, path, strerror(-error));
    return error;
}

char *run_time(const char *format)
{
    char text[64];
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(text, sizeof(text), format, &utc);
    return text_copy(text);
}

/* ---- the folder ---- */

int run_lock(struct run *run)
{
    run->lock_fd = open(run->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (run->lock_fd < 0)
        return run_complain_file("cannot open results folder", run->folder, -errno);
    if (flock(run->lock_fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        return 0;
    fprintf(stderr, "clusterbench: %s is in use: another clusterbench is running in it\n", run->folder);
    return -EBUSY;
}

static bool has_entries(const char *path)
{
    DIR *folder = opendir(path);
    bool any = !folder && errno != ENOENT;
    for (struct dirent *entry; folder && !any && (entry = readdir(folder));)
        any = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    if (folder)
        closedir(folder);
    return any;
}

/* A harness that was killed before its first writing leaves a folder without results. */
static int refuse_results(const struct run *run, const char *cells)
{
    struct stat there;
    char *state = text_print("%s/run.json", run->folder);
    bool known = lstat(state, &there) == 0, used = known || has_entries(cells);
    free(state);
    if (used)
        fprintf(stderr, "clusterbench: --out: %s holds results already; name a new folder%s%s\n", run->folder,
                known ? ", or go on with it: --resume " : "", known ? run->folder : "");
    return used ? -EEXIST : 0;
}

int run_make_folder(struct run *run)
{
    if (run->settings->out && !*run->settings->out)
        return run_complain("--out: '' is not allowed; name a folder");
    char *stamp = run_time("%Y%m%dT%H%M%SZ");
    run->folder = run->settings->out ? text_copy(run->settings->out) : text_print("results/%s-%s", stamp, run->plan.name);
    free(stamp);
    char *cells = text_print("%s/cells", run->folder);
    int result = folder_make(run->folder);
    if (result)
        run_complain_file("cannot make results folder", run->folder, result);
    else
        result = run_lock(run);
    if (!result)
        result = refuse_results(run, cells);
    if (!result && (result = folder_make(cells)) != 0)
        run_complain_file("cannot make", cells, result);
    free(cells);
    return result;
}

/* "run.json.tmp-4711": the draft of a process that is no more. */
static bool is_stale_draft(const char *name)
{
    const char *mark = strstr(name, ".tmp-");
    char *end = NULL;
    long pid = mark && isdigit((unsigned char)mark[5]) ? strtol(mark + 5, &end, 10) : 0;
    return pid > 0 && !*end && kill((pid_t)pid, 0) < 0 && errno == ESRCH;
}

static bool is_draft_cell(const char *name)
{
    size_t length = strlen(name);
    return length > 4 && !strcmp(name + length - 4, ".tmp");
}

static int remove_matching(const char *path, bool (*matches)(const char *name), int (*remove_it)(const char *path))
{
    DIR *folder = opendir(path);
    int result = folder ? 0 : -errno;
    for (struct dirent *entry; folder && !result && (entry = readdir(folder));) {
        if (!matches(entry->d_name))
            continue;
        char *draft = text_print("%s/%s", path, entry->d_name);
        result = remove_it(draft);
        if (result)
            run_complain_file("cannot remove", draft, result);
        free(draft);
    }
    if (folder)
        closedir(folder);
    else
        run_complain_file("cannot read", path, result);
    return result;
}

static int remove_file(const char *path)
{
    return unlink(path) < 0 ? -errno : 0;
}

int run_remove_drafts(const struct run *run)
{
    char *cells = text_print("%s/cells", run->folder);
    int result = remove_matching(cells, is_draft_cell, folder_remove);
    if (!result)
        result = remove_matching(run->folder, is_stale_draft, remove_file);
    free(cells);
    return result;
}

/* ---- run.json ---- */

static json_t *lines_json(const struct names *lines)
{
    json_t *array = json_array();
    for (size_t i = 0; i < lines->count; i++)
        json_array_append_new(array, json_string(lines->items[i]));
    return array;
}

static json_t *under_way_json(const struct run *run)
{
    const struct under_way *block = &run->under_way;
    if (!block->number)
        return json_null();
    json_t *order = json_array();
    for (unsigned i = 0; i < block->count; i++) {
        char *name = cell_name(&run->plan, &run->cells[block->sequence[i]], block->number);
        json_array_append_new(order, json_string(name));
        free(name);
    }
    return json_pack("{s:i, s:o, s:O, s:O, s:o, s:b, s:i}", "number", (int)block->number, "order", order, "done", block->done,
                     "calibration_us", block->calibrations, "noise", noise_json(&block->sums), "resumed", block->resumed,
                     "spoiled_cells", (int)block->spoiled_cells);
}

static void add_identity(json_t *json, const struct run *run)
{
    char *placement = placement_text(&run->placement), *now = run_time("%Y-%m-%dT%H:%M:%SZ");
    json_object_set_new(json, "plan",
                        json_pack("{s:s, s:s, s:s, s:s}", "schema", "clusterbench.plan/1", "name", run->plan.name, "title",
                                  run->plan.title, "file", "plan.ini"));
    json_object_set_new(json, "seed", json_integer((json_int_t)run->seed));
    json_object_set_new(json, "planned_blocks", json_integer(run->plan.blocks));
    json_object_set_new(json, "only", lines_json(&run->only));
    json_object_set_new(json, "quick", json_boolean(run->quick));
    json_object_set_new(json, "capacities", capacity_json(&run->plan));
    json_object_set_new(json, "contenders", run->rows ? json_incref(run->rows) : contenders_json(&run->contenders));
    json_object_set_new(json, "skipped", lines_json(&run->skipped));
    json_object_set_new(json, "started", json_string(run->started));
    json_object_set_new(json, "written", json_string(now));
    json_object_set_new(json, "placement", placement_json(&run->placement));
    json_object_set_new(json, "placement_text", json_string(placement));
    free(now);
    free(placement);
}

int run_write_state(const struct run *run, const char *state)
{
    json_t *json = json_object();
    json_object_set_new(json, "schema", json_string("clusterbench.run/1"));
    json_object_set_new(json, "state", json_string(state));
    json_object_set_new(json, "version", json_string(CLUSTERBENCH_VERSION));
    add_identity(json, run);
    json_object_set_new(json, "interrupted_by",
                        run->custody.interrupted_by ? json_string(strsignal(run->custody.interrupted_by)) : json_null());
    json_object_set_new(json, "reportable", json_boolean(!noise_too_much(run->accepted, run->rejected)));
    json_object_set(json, "blocks", run->blocks);
    json_object_set_new(json, "under_way", under_way_json(run));
    json_object_set(json, "repeats", run->repeats);
    json_object_set(json, "sittings", run->sittings);
    json_object_set(json, "machine_changes", run->machine_changes);
    int result = run_write_json(run, "run.json", json);
    json_decref(json);
    return result;
}

/* ---- other files ---- */

int run_write_json(const struct run *run, const char *file, const json_t *json)
{
    char *path = text_print("%s/%s", run->folder, file);
    int result = file_write_json(path, json);
    if (result)
        run_complain_file("cannot write", path, result);
    free(path);
    return result;
}

json_t *run_look_at_machine(struct run *run)
{
    json_t *files = contenders_files(&run->contenders), *machine = machine_record(&run->custody, run->programs, files);
    json_object_set_new(machine, "peers", contenders_versions(&run->contenders, &run->custody));
    json_decref(files);
    return machine;
}

int run_write_text(const struct run *run, const char *file, const char *text)
{
    char *path = text_print("%s/%s", run->folder, file);
    struct file_draft draft;
    int result = file_draft(&draft, path);
    if (!result) {
        fputs(text, draft.out);
        result = file_commit(&draft);
    }
    if (result)
        run_complain_file("cannot write", path, result);
    free(path);
    return result;
}

/* A field in quotes, as RFC 4180 has it; nothing where there is none. */
static void print_quoted(FILE *out, const json_t *text)
{
    const char *at = json_string_value(text);
    fputc('"', out);
    for (; at && *at; at++)
        fprintf(out, *at == '"' ? "\"%c" : "%c", *at);
    fputs("\"\n", out);
}

static void print_rejected(FILE *out, const json_t *row)
{
    static const char *const readings[] = {"steal_percent", "foreign_cpu_percent", "calibration_off_percent"};
    fprintf(out, "%d,,", (int)json_integer_value(json_object_get(row, "number")));
    for (size_t i = 0; i < sizeof(readings) / sizeof(*readings); i++)
        fprintf(out, "%.2f,", json_number_value(json_object_get(row, readings[i])));
    print_quoted(out, json_object_get(row, "reason"));
}

static void print_repeat(FILE *out, const json_t *row)
{
    const char *cell = json_string_value(json_object_get(row, "cell"));
    fprintf(out, "%d,%s,,,,", (int)json_integer_value(json_object_get(row, "block")), cell ? cell : "");
    print_quoted(out, json_object_get(row, "reason"));
}

/* Blocks that were thrown out whole, and tries of single cells. */
int run_write_rejected(const struct run *run)
{
    char *path = text_print("%s/rejected.csv", run->folder);
    struct file_draft draft;
    int result = file_draft(&draft, path);
    if (!result) {
        size_t i;
        const json_t *row;
        fputs("block,cell,steal_percent,foreign_cpu_percent,calibration_off_percent,reason\n", draft.out);
        json_array_foreach(run->blocks, i, row) if (json_is_false(json_object_get(row, "accepted"))) print_rejected(draft.out, row);
        json_array_foreach(run->repeats, i, row) print_repeat(draft.out, row);
        result = file_commit(&draft);
    }
    if (result)
        run_complain_file("cannot write", path, result);
    free(path);
    return result;
}
