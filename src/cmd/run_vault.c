// SPDX-License-Identifier: Apache-2.0
// What a person hands to scripts by an option: secrets for pm.vault, and a folder of packages for
// pm.require. Naming the file is the consent: no collection gets at either otherwise.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/run.h"

enum {
    VAULT_BYTES_MAX = 1 << 20,
    PACKAGES_BYTES_MAX = 16 << 20,
    PACKAGES_MAX = 1000,
    DEPTH_MAX = 8
};

static void add_value(arena *a, json *list, str key, const json *value, const char *type)
{
    json *v = json_push(list, json_new(a, JSON_OBJECT));
    json_set(a, v, STR("key"), json_new_str(a, key));
    json_set(a, v, STR("value"), json_copy(a, value));
    json_set(a, v, STR("type"), json_new_str(a, str_from(type)));
}

// ---- secrets

static code check_owner(int fd, const char *path, err *e)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_set(e, DATA_FILE, "%s can't be read: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode) || !(st.st_mode & 077))
        return OK;
    (void)err_set(e, DATA_FILE, "%s: others may read these secrets (mode %04o)", path,
                  (unsigned)(st.st_mode & 07777));
    return err_hint(e, "chmod 600 %s", path);
}

static code read_vault(arena *a, int fd, const char *path, json **ret, err *e)
{
    str text;
    json *object;
    json_opts opts = {.bytes_max = VAULT_BYTES_MAX};
    code c = check_owner(fd, path, e);
    if (!c)
        c = file_read_fd(a, fd, path, VAULT_BYTES_MAX, &text, e);
    if (!c)
        c = json_parse(a, text, &opts, &object, e);
    if (c == OK && !json_is(object, JSON_OBJECT)) {
        c = err_set(e, DATA_TYPE, "a vault is an object of names and values");
        err_hint(e, "write {\"name\": \"secret\", …}");
    }
    if (c)
        return err_at(e, path, e->line, e->col);
    *ret = json_new(a, JSON_ARRAY);
    JSON_EACH (object, m)
        add_value(a, *ret, m->key, m, "secret");
    return OK;
}

code run_vault_load(run_inputs *in, arena *a, const char *path, err *e)
{
    json *list = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        (void)err_set(e, DATA_FILE, "%s can't be read: %s", path, strerror(errno));
        return err_hint(e, "--vault names a file of yours: {\"name\": \"secret\", …}");
    }
    code c = read_vault(a, fd, path, &list, e);
    close(fd);
    in->vault = list;
    return c;
}

// ---- packages

typedef struct package_walk package_walk;
struct package_walk {
    arena *a;
    json *list;
    size_t bytes;
    unsigned depth;
};

// "x.js" is the package x, "x/index.js" too.
static code add_package(package_walk *w, str name, const char *path, err *e)
{
    str text;
    static const str index = STR("/index");
    code c = file_read(w->a, path, PACKAGES_BYTES_MAX, &text, e);
    if (c)
        return c;
    w->bytes += text.len;
    if (w->list->len == PACKAGES_MAX || w->bytes > PACKAGES_BYTES_MAX) {
        (void)err_set(e, DATA_LIMIT, "--packages holds more than %d files or %d MiB", PACKAGES_MAX,
                      PACKAGES_BYTES_MAX >> 20);
        return err_hint(e, "name the folder that has the packages alone, without node_modules");
    }
    if (str_ends(name, index))
        name = str_sub(name, 0, name.len - index.len);
    add_value(w->a, w->list, name, json_new_str(w->a, text), "string");
    return OK;
}

static code walk(package_walk *w, const char *dir, str prefix, err *e)
{
    DIR *d = w->depth < DEPTH_MAX ? opendir(dir) : NULL;
    code c = OK;
    if (!d && w->depth)
        return OK;
    if (!d) {
        (void)err_set(e, DATA_FILE, "%s can't be read: %s", dir, strerror(errno));
        return err_hint(e, "--packages names a folder: pm.require('@team/x') is @team/x.js in it");
    }
    w->depth++;
    for (struct dirent *entry; !c && (entry = readdir(d));) {
        str name = str_from(entry->d_name);
        const char *path = arena_printf(w->a, "%s/%s", dir, entry->d_name).ptr;
        str full = arena_printf(w->a, STR_FMT "%s" STR_FMT, STR_ARG(prefix), prefix.len ? "/" : "",
                                STR_ARG(name));
        struct stat st;
        if (str_starts(name, STR(".")) || lstat(path, &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode))
            c = walk(w, path, full, e);
        else if (S_ISREG(st.st_mode) && str_ends(name, STR(".js")))
            c = add_package(w, str_sub(full, 0, full.len - 3), path, e);
    }
    w->depth--;
    closedir(d);
    return c;
}

code run_packages_load(run_inputs *in, arena *a, const char *dir, err *e)
{
    package_walk w = {.a = a, .list = json_new(a, JSON_ARRAY)};
    code c = walk(&w, dir, STR_NONE, e);
    in->packages = c ? NULL : w.list;
    return c;
}
