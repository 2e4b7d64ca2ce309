// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include "cmd/verbs.h"
#include "home/home.h"
#include "postman/postman.h"
#include "postman/postman_lint.h"

enum { PAGE_BYTES_MAX = 64 << 20 };

typedef struct lint_files lint_files;
struct lint_files {
    arena arena;
    str text; // of the collection
    pm_collection *collection;
    pm_values values[2]; // environment, globals
    bool has[2];
    const json *data;
};

// A named pipe may have nobody at its other end.
static code read_one(lint_files *f, const char *path, str *ret_text, err *e)
{
    struct stat st;
    if (strcmp(path, "-") != 0 && stat(path, &st) == 0 && !S_ISREG(st.st_mode) &&
        !S_ISDIR(st.st_mode)) {
        (void)err_set(e, DATA_FILE, "'%s' is no regular file", path);
        return err_hint(e, "write it into a file; a collection may also come from standard input: "
                           "gatepost lint -");
    }
    return file_read(&f->arena, path, JSON_BYTES_MAX, ret_text, e);
}

static code load(lint_files *f, const option_values *o, err *e)
{
    static const char *const kinds[] = {"environment", "globals"};
    const char *path = option_args(o)->ptr[0].ptr, *data = option_cstr(o, "iteration-data");
    str text;
    code c = read_one(f, path, &f->text, e);
    if (c == OK)
        c = pm_collection_read(&f->arena, f->text, path, &f->collection, e);
    for (size_t i = 0; i < ARRAY_LEN(kinds) && c == OK; i++) {
        const char *place = option_cstr(o, kinds[i]);
        f->has[i] = place != NULL;
        if (place)
            c = read_one(f, place, &text, e);
        if (place && c == OK)
            c = pm_values_read(&f->arena, text, place, kinds[i], &f->values[i], e);
    }
    if (c == OK && data)
        c = read_one(f, data, &text, e);
    if (c == OK && data)
        c = pm_data_read(&f->arena, text, data, false, &f->data, e);
    return c;
}

// As the file is laid out: by tabs, by that many blanks, or on one line.
static unsigned layout(str text)
{
    text = str_trim(text);
    ssize_t line = str_chr(text, '\n');
    if (line < 0)
        return JSON_COMPACT;
    text = str_skip(text, (size_t)line + 1);
    if (str_starts(text, STR("\t")))
        return JSON_PRETTY | JSON_TABS;
    unsigned blanks = 0;
    while (blanks < text.len && blanks < JSON_BLANKS_MAX && text.ptr[blanks] == ' ')
        blanks++;
    return JSON_PRETTY | JSON_BLANKS(blanks);
}

static code repair(lint_files *f, cmd_call *call, err *e)
{
    const char *path = option_args(call->options)->ptr[0].ptr;
    size_t removed;
    if (f->collection->converted) {
        err_set(e, PM_COLLECTION, "%s: a %s collection can't be repaired in place", path,
                f->collection->converted);
        return err_hint(e, "export it as Collection v2.1 first");
    }
    if (strcmp(path, "-") == 0) {
        err_set(e, OPTION_ARGS, "standard input can't be repaired in place");
        return err_hint(e, "name the collection's file");
    }
    json *doc = pm_lint_fix(&f->arena, f->collection, &removed);
    if (!removed)
        return OK;
    buf text;
    buf_init(&text, JSON_BYTES_MAX * 2);
    json_write(&text, doc, layout(f->text));
    if (str_ends(f->text, STR("\n")))
        buf_addc(&text, '\n');
    struct stat st;
    unsigned mode = stat(path, &st) == 0 ? st.st_mode & 0777 : 0600;
    code c = text.overflow
                 ? err_set(e, DATA_LIMIT, "'%s' would be larger than %zu bytes", path, text.max)
                 : home_write(path, buf_str(&text), mode, e);
    buf_deinit(&text);
    if (c == OK)
        fprintf(call->err, "gatepost: %s: %zu thing%s removed\n", path, removed,
                removed == 1 ? "" : "s");
    // What is left is told about the file as it is now.
    return c == OK ? load(f, call->options, e) : c;
}

static void report(lint_files *f, cmd_call *call)
{
    pm_lint_input in = {.collection = f->collection,
                        .environment = f->has[0] ? &f->values[0] : NULL,
                        .globals = f->has[1] ? &f->values[1] : NULL,
                        .data = f->data};
    pm_findings found;
    buf page;
    pm_lint(&f->arena, &in, &found);
    buf_init(&page, PAGE_BYTES_MAX);
    if (str_eq(option_text(call->options, "format"), STR("json")))
        pm_lint_json(&found, &page);
    else
        pm_lint_text(&found, &page);
    fwrite(buf_cstr(&page), 1, page.len, call->out);
    if (found.found.len)
        call->status = EXIT_FAILED;
    buf_deinit(&page);
    vec_deinit(&found.found);
}

static code run_lint(cmd_call *call, err *e)
{
    lint_files f = {0};
    arena_init(&f.arena);
    code c = load(&f, call->options, e);
    if (c == OK && option_flag(call->options, "fix"))
        c = repair(&f, call, e);
    if (c == OK)
        report(&f, call);
    arena_deinit(&f.arena);
    return c;
}

static const option_row rows[] = {
    {.name = "fix",
     .kind = OPTION_FLAG,
     .help = "Remove token scripts, their keys and the headers that sent their tokens"},
    {.name = "environment",
     .letter = 'e',
     .kind = OPTION_TEXT,
     .value = "FILE",
     .help = "Environment: its variables are known, its secrets are found"},
    {.name = "globals", .letter = 'g', .kind = OPTION_TEXT, .value = "FILE", .help = "Globals"},
    {.name = "iteration-data",
     .letter = 'd',
     .kind = OPTION_TEXT,
     .value = "FILE",
     .help = "Iteration data: its columns are known variables"},
    {.name = "format",
     .kind = OPTION_CHOICE,
     .choices = "text|json",
     .def = "text",
     .help = "How to write the findings"},
    {0},
};
static const option_row *const tables[] = {rows, cmd_common, NULL};

static const command_spec spec = {
    .name = "lint",
    .args = "COLLECTION",
    .args_min = 1,
    .args_max = 1,
    .summary = "Find secrets, token scripts and unresolved variables in a collection",
    .about =
        "Ends with 1 when something was found. With --fix the file is rewritten without the "
        "scripts that trade a key for a token and do nothing else, without the auth and headers "
        "that sent it, and without the variables that only they used: 'gatepost run' needs none "
        "of it. A script that does more is told, and stays as it is.",
    .example = "gatepost lint orders.postman_collection.json\n"
               "gatepost lint --fix orders.postman_collection.json",
    .tables = tables,
};

const verb verb_lint = {.spec = &spec, .group = VERB_TEST, .run = run_lint};
