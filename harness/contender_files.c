/*
 * contender_files: what a row is made of, by names that no two rows share.
 *
 * Two rows may be programs of one name in two folders, and a row may have the name of a program of ours without being it: so the
 * row's name is the key, not the file's. A peer is the files of its manifests and templates, and those they mention as
 * {peer}/FILE; they have the name of their folder before their own.
 */
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

#include "contender.h"

#define TEMPLATE_LIMIT (1u << 20)

/* ---- files ---- */

/* "peer FOLDER/FILE", of a path that is resolved. The caller frees. */
static char *peer_key(const char *path)
{
    const char *slash = strrchr(path, '/'), *folder = slash;
    while (folder && folder > path && folder[-1] != '/')
        folder--;
    return text_print("peer %s", folder ? folder : path);
}

static void add_peer_file(json_t *files, const char *path)
{
    struct stat of;
    char *plain = realpath(path, NULL);
    if (plain && stat(plain, &of) == 0 && S_ISREG(of.st_mode)) {
        char *key = peer_key(plain);
        json_object_set_new(files, key, json_string(plain));
        free(key);
    }
    free(plain);
}

static void add_folder(json_t *files, const char *folder)
{
    DIR *entries = opendir(folder);
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        char *path = text_print("%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.')
            add_peer_file(files, path);
        free(path);
    }
    if (entries)
        closedir(entries);
}

/* Each {peer}/FILE in a text: a template's or the command's. */
static void add_mentioned(json_t *files, const char *own, const char *text)
{
    static const char mark[] = "{peer}";
    while ((text = strstr(text, mark))) {
        text += sizeof(mark) - 1;
        char *path = text_print("%s%.*s", own, (int)strcspn(text, " \t\r\n\"';,"), text);
        add_peer_file(files, path);
        free(path);
    }
}

static void add_peer(json_t *files, const struct manifest *peer)
{
    const char *own = peer->folders.items[peer->folders.count - 1]; /* as runner.c has it */
    for (size_t i = 0; i < peer->folders.count; i++)
        add_folder(files, peer->folders.items[i]);
    add_mentioned(files, own, peer->command);
    for (size_t i = 0; i < peer->templates.count; i++) {
        char *path = manifest_file(peer, peer->templates.items[i]), *text = NULL;
        if (path && file_read(path, TEMPLATE_LIMIT, &text, NULL) == 0)
            add_mentioned(files, own, text);
        free(text);
        free(path);
    }
}

static void add_program(json_t *files, const struct contender *contender)
{
    char *key = contender->of_plan ? text_print("server %s", contender->name) : text_copy(contender->name);
    json_object_set_new(files, key, json_string(contender->program));
    free(key);
}

json_t *contenders_files(const struct contenders *contenders)
{
    json_t *files = json_object();
    for (size_t i = 0; i < contenders->count; i++) {
        const struct contender *contender = &contenders->items[i];
        if (contender->program)
            add_program(files, contender);
        if (contender->peer && !contender->missing)
            add_peer(files, contender->peer);
    }
    return files;
}

/* ---- versions ---- */

json_t *contenders_versions(struct contenders *contenders, struct custody *custody)
{
    json_t *versions = json_object();
    for (size_t i = 0; i < contenders->count; i++) {
        struct contender *contender = &contenders->items[i];
        if (!contender->peer || contender->missing)
            continue;
        free(contender->version);
        contender->version = NULL;
        contender_ask_version(contender, custody);
        json_object_set_new(versions, contender->name, contender->version ? json_string(contender->version) : json_null());
    }
    return versions;
}
