// SPDX-License-Identifier: Apache-2.0
// newman's config files: /etc/postman/newmanrc, ~/.postman/newmanrc, ./.newmanrc. JSON with the
// names of options in camelCase, at the top or under `run`; the later file counts, the command line
// most.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/newman_words.h"

enum { NAME_BYTES_MAX = 256, FILE_BYTES_MAX = 1 << 20 };

typedef struct config_file config_file;
struct config_file {
    const char *path;
    bool checkout; // it came with what is run
};

// "sslExtraCaCerts" → "ssl-extra-ca-certs"
static str kebab(arena *a, str name)
{
    buf b;
    buf_init(&b, NAME_BYTES_MAX);
    for (size_t i = 0; i < name.len; i++) {
        bool upper = name.ptr[i] >= 'A' && name.ptr[i] <= 'Z';
        if (upper && i)
            buf_addc(&b, '-');
        buf_addc(&b, ascii_lower(name.ptr[i]));
    }
    str text = arena_str(a, buf_str(&b));
    buf_deinit(&b);
    return text;
}

static bool scalar(arena *a, const json *v, str *ret)
{
    const json *key = json_get(v, "key");
    if (json_is(v, JSON_STRING) || json_is(v, JSON_NUMBER))
        *ret = v->text;
    else if (json_is(v, JSON_BOOL))
        *ret = v->boolean ? STR("true") : STR("false");
    else if (key) // of envVar and globalVar
        *ret = arena_printf(a, STR_FMT "=" STR_FMT, STR_ARG(json_str_or(key, STR(""))),
                            STR_ARG(json_str_or(json_get(v, "value"), STR(""))));
    else
        return false;
    return true;
}

static void say_value(newman_line *l, const option_row *row, const json *v)
{
    str value;
    if (!scalar(l->arena, v, &value))
        newman_note(l, "%s:%u: %s has a value that is understood in a library only: ignored",
                    v->file, v->line, row->name);
    else if (!strcmp(row->name, "reporters"))
        newman_reporters(l, value);
    else if (row->optional && json_is(v, JSON_BOOL)) // bail: true
        newman_say(l, row, STR(""));
    else
        newman_say(l, row, value);
}

// {"json": {"export": "r.json"}}
static void say_reporter_options(newman_line *l, const json *reporters)
{
    str value;
    JSON_EACH (reporters, reporter) {
        JSON_EACH (reporter, o) {
            str option = arena_printf(l->arena, STR_FMT "-" STR_FMT, STR_ARG(reporter->key),
                                      STR_ARG(kebab(l->arena, o->key)));
            if (scalar(l->arena, o, &value))
                newman_reporter_option(l, option, value);
        }
    }
}

static bool is_allowed(newman_line *l, const config_file *f, const option_row *row, const json *v)
{
    if (!f->checkout || row->key)
        return true;
    newman_note(l,
                "%s:%u: '%s' is not taken from a file that comes with a checkout: give it on the "
                "command line, or in ~/.postman/newmanrc",
                f->path, v->key_line, row->name);
    return false;
}

static void say_member(newman_line *l, const config_file *f, const json *m)
{
    str name = kebab(l->arena, m->key);
    if (str_eq(name, STR("reporter"))) {
        if (!f->checkout)
            say_reporter_options(l, m);
        return;
    }
    bool no_insecure = str_eq(name, STR("insecure-file-read"));
    const option_row *row = newman_option(l, no_insecure ? STR("no-insecure-file-read") : name);
    if (!row)
        newman_note(l, "%s:%u: there is no option '" STR_FMT "': ignored", f->path, m->key_line,
                    STR_ARG(m->key));
    else if (no_insecure || !is_allowed(l, f, row, m))
        return; // files outside the folder are never read
    else if (m->type == JSON_ARRAY)
        JSON_EACH (m, one)
            say_value(l, row, one);
    else
        say_value(l, row, m);
}

static code read_file(newman_line *l, const config_file *f, const json **ret, err *e)
{
    json *root = NULL;
    json_opts opts = {.bytes_max = FILE_BYTES_MAX, .tolerant = true};
    *ret = NULL;
    if (access(f->path, F_OK) != 0)
        return OK;
    code c = json_load(l->arena, f->path, &opts, &root, e);
    *ret = root;
    return c;
}

// Later files first: what one has said, an earlier one doesn't.
static void say_file(newman_line *l, const config_file *f, const json *root)
{
    newman_line own = *l;
    own.said = (map){0};
    own.words = (newman_words){0};
    JSON_EACH (root, m)
        if (!str_eq(m->key, STR("run")))
            say_member(&own, f, m);
    VEC_FOREACH (&own.words, word) {
        str name, rest;
        (void)str_cut(str_from(*word + 2), '=', &name, &rest);
        str plain = str_starts(name, STR("no-")) ? str_skip(name, 3) : name;
        if (!map_has(&l->said, name) && !map_has(&l->said, plain))
            vec_push(&l->words, *word);
    }
    size_t cursor = 0;
    str name;
    while (map_next(&own.said, &cursor, &name, &(void *){0}))
        map_set(&l->said, name, l);
    map_deinit(&own.said, NULL);
    vec_deinit(&own.words);
}

static code read_files(newman_line *l, err *e)
{
    const char *home = getenv("HOME");
    str own = home ? arena_printf(l->arena, "%s/.postman/newmanrc", home) : STR("");
    const config_file files[] = {
        {".newmanrc", true}, {own.ptr, false}, {"/etc/postman/newmanrc", false}};
    const json *roots[ARRAY_LEN(files)];
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        code c = read_file(l, &files[i], &roots[i], e);
        if (c != OK)
            return c;
    }
    // What any file says of the command counts before what one says of all commands.
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        say_file(l, &files[i], json_get(roots[i], "run"));
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        say_file(l, &files[i], roots[i]);
    return OK;
}

code newman_translate(arena *a, const option_row *const *tables, const cmd_words *words,
                      FILE *notes, newman_words *ret, err *e)
{
    newman_line l = {
        .arena = a, .notes = notes, .tables = tables, .argv = words->words, .argc = words->count};
    newman_read_words(&l);
    code c = read_files(&l, e);
    if (l.arguments.len)
        vec_push(&l.words, "--");
    VEC_FOREACH (&l.arguments, word)
        vec_push(&l.words, *word);
    vec_deinit(&l.arguments);
    map_deinit(&l.said, NULL);
    *ret = l.words;
    return c;
}
