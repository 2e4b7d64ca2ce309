// SPDX-License-Identifier: Apache-2.0
// The github reporter: workflow commands on the step's output, which GitHub Actions reads line by
// line, and Markdown appended to the step's summary.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "report/markdown.h"

enum {
    ANNOTATIONS_MAX = 50,
    TITLES_MAX = 10000,          // GitHub shows the first ten of a step
    SUMMARY_BYTES_MAX = 1000000, // GitHub takes 1 MiB of a step
    TOKEN_BYTES = 16,
    TEXT_BYTES_MAX = 1 << 20,
    MESSAGE_BYTES_MAX = 4096,
};

typedef struct github github;
struct github {
    reporter base;
    report_github_options o;
    tally tally;
    char token[TOKEN_BYTES * 2 + 1];
    bool muted;
};

// What a command's own signs would be; in a property also what ends one.
static void add_value(buf *out, str text, bool property)
{
    text = str_sub(text, 0, MESSAGE_BYTES_MAX);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool special = c == '%' || c == '\r' || c == '\n' || (property && (c == ':' || c == ','));
        if (special)
            buf_addf(out, "%%%02X", (unsigned char)c);
        else if ((unsigned char)c >= 0x20 && c != 0x7f)
            buf_addc(out, c);
    }
}

static void property(buf *out, char before, const char *name, str value)
{
    buf_addf(out, "%c%s=", before, name);
    add_value(out, value, true);
}

static str below(const char *folder, str file)
{
    str f = str_from(folder);
    if (!f.len || !str_starts(file, f))
        return file;
    str rest = str_skip(file, f.len);
    return rest.len && rest.ptr[0] == '/' ? str_skip(rest, 1) : file;
}

static str title_of(arena *a, const run_failure *f)
{
    str name = f->item ? report_item_name(a, f->item) : STR("the run");
    if (!f->test.len)
        return name;
    return arena_printf(a, STR_FMT ": " STR_FMT, STR_ARG(name), STR_ARG(f->test));
}

static void annotate(const github *g, buf *out, const run_failure *f, str title)
{
    const json *raw = f->item ? f->item->raw : NULL;
    buf_addz(out, "::error");
    property(out, ' ', "title", title);
    if (raw && raw->line && raw->file) {
        property(out, ',', "file", below(g->o.folder, str_from(raw->file)));
        buf_addf(out, ",line=%u", raw->line);
    }
    buf_addz(out, "::");
    add_value(out, f->message, false);
    if (f->hint.len) {
        add_value(out, STR("\nhint: "), false);
        add_value(out, f->hint, false);
    }
    buf_addc(out, '\n');
}

// What fails in each iteration is said once. Returns how many are left out.
static size_t annotate_run(const github *g, const run_summary *s, map *told, buf *out)
{
    size_t left_out = 0;
    run_failures all;
    arena a;
    arena_init(&a);
    run_failures_begin(&all, s);
    for (const run_failure *f; (f = run_failures_next(&all)); arena_reset(&a)) {
        str title = title_of(&a, f);
        if (map_has(told, title))
            continue;
        if (told->len < ANNOTATIONS_MAX)
            annotate(g, out, f, title);
        else
            left_out++;
        if (told->len < TITLES_MAX) // names may be made anew for each iteration
            map_set(told, title, out);
    }
    run_failures_end(&all);
    arena_deinit(&a);
    return left_out;
}

static void annotations(const github *g, buf *out)
{
    map told = {0};
    size_t left_out = 0;
    VEC_FOREACH (&g->tally.runs, r)
        left_out += annotate_run(g, (*r)->summary, &told, out);
    if (left_out)
        buf_addf(out, "::warning::%zu more failures\n", left_out);
    map_deinit(&told, NULL);
}

// Appends, as GitHub wants it: each step of a job has a file of its own.
static code write_summary(github *g, err *e)
{
    buf text;
    if (!g->o.summary)
        return OK;
    int fd = open(g->o.summary, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_sys(e, HOME_WRITE, errno, "the step's summary %s can't be written",
                       g->o.summary);
    buf_init(&text, SUMMARY_BYTES_MAX);
    markdown_summary(&text, &g->tally, SUMMARY_BYTES_MAX);
    code c = OK;
    if (write(fd, text.ptr, text.len) != (ssize_t)text.len)
        c = err_sys(e, HOME_WRITE, errno, "the step's summary %s can't be written", g->o.summary);
    close(fd);
    buf_deinit(&text);
    return c;
}

static void on_event(void *ctx, const run_event *ev)
{
    github *g = ctx;
    if (ev->kind == RUN_START && !g->muted) {
        fprintf(g->o.out, "::stop-commands::%s\n", g->token);
        fflush(g->o.out);
        g->muted = true;
    }
    tally_event(&g->tally, ev);
}

static code finish(reporter *base, err *e)
{
    github *g = (github *)base;
    buf out;
    buf_init(&out, TEXT_BYTES_MAX);
    if (g->muted)
        buf_addf(&out, "::%s::\n", g->token);
    annotations(g, &out);
    fwrite(out.ptr ? out.ptr : "", 1, out.len, g->o.out);
    fflush(g->o.out);
    buf_deinit(&out);
    return write_summary(g, e);
}

static void github_free(reporter *base)
{
    github *g = (github *)base;
    tally_deinit(&g->tally);
    free(g);
}

reporter *report_github_new(const report_github_options *o)
{
    github *g = NEW(github);
    g->base = (reporter){.listener = {on_event, g}, .finish = finish, .free = github_free};
    g->o = *o;
    tally_init(&g->tally);
    unsigned char random[TOKEN_BYTES];
    buf hex;
    rand_bytes(random, sizeof(random));
    buf_init(&hex, sizeof(g->token));
    hex_encode(&hex, (str){(const char *)random, sizeof(random)});
    memcpy(g->token, hex.ptr, hex.len);
    buf_deinit(&hex);
    return &g->base;
}
