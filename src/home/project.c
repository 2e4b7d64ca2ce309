// SPDX-License-Identifier: Apache-2.0
// Which project file counts, and whether the person trusts it.
#include "home/project.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "home/own.h"
#include "home/project_keys.h"

static const char file_name[] = "gatepost.yaml";

// ---- Where it is --------------------------------------------------------------------------------

static bool has(const char *dir, const char *name)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return access(path, F_OK) == 0;
}

// The nearest one upwards; a checkout and the home directory are where a project ends.
static bool search(char dir[PATH_MAX])
{
    const char *home = home_dir_of_user();
    for (;;) {
        if (has(dir, file_name))
            return true;
        char *slash = strrchr(dir, '/');
        if (has(dir, ".git") || (home && strcmp(dir, home) == 0) || !slash || !dir[1])
            return false;
        slash[slash == dir] = '\0';
    }
}

static bool is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

code project_find(arena *a, const char *path, const char **ret_path, err *e)
{
    char dir[PATH_MAX], real[PATH_MAX];
    *ret_path = NULL;
    if (!path) {
        if (!getcwd(dir, sizeof(dir)))
            return err_sys(e, HOME_PROJECT, errno, "the current directory can't be found out");
        if (!search(dir))
            return OK;
        path = dir;
    }
    if (is_dir(path))
        path = arena_printf(a, "%s/%s", path, file_name).ptr;
    if (realpath(path, real)) {
        *ret_path = arena_cstr(a, str_from(real));
        return OK;
    }
    err_sys(e, HOME_PROJECT, errno, "can't read '%s'", path);
    err_hint(e, "`gatepost init` writes one");
    return HOME_PROJECT;
}

// ---- Reading it ---------------------------------------------------------------------------------

code project_parse(home_project *p, arena *a, str text, const shape *s, err *e)
{
    const json_opts opts = {.file = p->path,
                            .bytes_max = PROJECT_BYTES_MAX,
                            .depth_max = PROJECT_DEPTH_MAX,
                            .values_max = PROJECT_VALUES_MAX};
    json *root;
    code c = yaml_parse(a, text, &opts, &root, e);
    if (c == OK && root->type == JSON_NULL) { // an empty file
        root = json_new(a, JSON_OBJECT);
        root->file = p->path;
        root->line = root->col = 1;
    }
    if (c == OK)
        c = shape_check(root, s, e);
    if (c != OK)
        return c;
    p->root = root;
    return project_fill(p, a, e);
}

static home_project *defaults(arena *a)
{
    home_project *p = ARENA_NEW(a, home_project);
    p->dir = ".";
    p->id = STR("gatepost-local");
    p->region = STR("us-central1");
    p->token_lifetime_ms = 3600 * 1000;
    p->clock_skew_ms = 60 * 1000;
    p->root = json_new(a, JSON_OBJECT);
    return p;
}

static void set_place(home_project *p, arena *a, const char *path, str text)
{
    p->path = path;
    p->dir = arena_cstr(a, str_sub(str_from(path), 0, (size_t)str_rchr(str_from(path), '/')));
    if (!*p->dir)
        p->dir = "/";
    home_hash(text, p->hash);
}

code project_load(arena *a, const char *path, const trust_store *store,
                  const home_project **ret_project, err *e)
{
    home_project *p = defaults(a);
    str text;
    code c = project_find(a, path, &path, e);
    if (c == OK && path)
        c = file_read(a, path, PROJECT_BYTES_MAX, &text, e);
    if (c != OK)
        return c;
    if (path) {
        set_place(p, a, path, text);
        p->trusted = store && trust_store_has_file(store, p->hash);
        c = project_parse(p, a, text, &project_shape, e);
    }
    if (c != OK)
        return c;
    project_number(p, a);
    *ret_project = p;
    return OK;
}

code project_read(arena *a, str text, const home_project **ret_project, err *e)
{
    home_project *p = defaults(a);
    code c = project_parse(p, a, text, &project_shape, e);
    if (c != OK)
        return c;
    project_number(p, a);
    *ret_project = p;
    return OK;
}

code home_user_config(arena *a, const home_project **ret_config, err *e)
{
    static const own_rule rule = {OWN_WRITABLE, true, HOME_FILE, PROJECT_BYTES_MAX};
    home_project *p = defaults(a);
    const char *dir;
    str text = STR_NONE;
    code c = home_path(HOME_CONFIG, false, a, &dir, e);
    if (c != OK)
        return c;
    const char *path = arena_printf(a, "%s/config.yaml", dir).ptr;
    p->trusted = true;
    c = own_read(path, &rule, a, &text, e);
    if (c == OK && text.ptr) {
        set_place(p, a, path, text);
        c = project_parse(p, a, text, &user_shape, e);
    }
    if (c != OK)
        return c;
    project_number(p, a);
    *ret_config = p;
    return OK;
}

void project_schema(buf *out, const command_spec *const *commands)
{
    shape_key keys[PROJECT_SECTIONS_MAX];
    shape sections[PROJECT_SECTIONS_MAX];
    size_t n = 0;
    for (const shape_key *k = project_shape.more; k->name && n + 1 < PROJECT_SECTIONS_MAX; k++) {
        sections[n] = *k->shape;
        keys[n] = *k;
        for (const command_spec *const *c = commands; *c; c++)
            if (strcmp(k->name, (*c)->name) == 0)
                sections[n].options = (*c)->tables;
        keys[n].shape = &sections[n];
        n++;
    }
    keys[n] = (shape_key){0};
    shape whole = project_shape;
    whole.more = keys;
    jout w = jout_new(out, JSON_PRETTY);
    jout_object(&w, NULL);
    jout_str(&w, "$schema", STR("https://json-schema.org/draft/2020-12/schema"));
    jout_str(&w, "title", str_from(file_name));
    shape_schema(&whole, "The project file of Gatepost", &w);
    jout_end(&w);
    buf_addc(out, '\n');
}
