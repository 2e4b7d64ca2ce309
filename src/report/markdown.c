// SPDX-License-Identifier: Apache-2.0
// The markdown reporter. Text of others is set so that it stays text: it neither formats, links,
// mentions nor opens a tag (threat 48).
#include "report/markdown.h"

#include <string.h>

enum { TEXT_BYTES_MAX = 16 << 20, FAILURES_MAX = 200, ROWS_MAX = 500, LINE_CHARS_MAX = 300 };

// ---- text

static void add_char(buf *out, uint32_t cp, str bytes)
{
    bool control = cp < 0x20 || (cp >= 0x7f && cp < 0xa0);
    if (control)
        buf_addc(out, ' ');
    else if (cp < 0x80 && strchr("<>&@#", (int)cp)) // nor a mention or an issue
        buf_addf(out, "&#%u;", cp);
    else if (cp < 0x80 && strchr("\\`*_{}[]()+!|~$", (int)cp))
        buf_addf(out, "\\%c", (char)cp);
    else
        buf_adds(out, bytes);
}

// One line, escaped; also inside a cell of a table.
static void add_text(buf *out, str text)
{
    for (size_t chars = 0; text.len && chars < LINE_CHARS_MAX; chars++) {
        uint32_t cp = 0;
        size_t len = utf8_decode(text, &cp);
        if (len)
            add_char(out, cp, str_sub(text, 0, len));
        else
            buf_addz(out, "\xef\xbf\xbd");
        text = str_skip(text, len ? len : 1);
    }
    if (text.len)
        buf_addz(out, "…");
}

// A URL would become a link: the colon is spelled out.
static void add_cell(buf *out, str text)
{
    ssize_t at;
    while ((at = str_find(text, STR("://"))) >= 0) {
        add_text(out, str_sub(text, 0, (size_t)at));
        buf_addz(out, "&#58;//");
        text = str_skip(text, (size_t)at + 3);
    }
    add_text(out, text);
}

// ---- parts

static void count_row(buf *out, const char *what, const run_count *n)
{
    buf_addf(out, "| %s | %u | %u |\n", what, n->total, n->failed);
}

static void counts(buf *out, const tally *t, const run_summary *s)
{
    buf_addz(out, "| | executed | failed |\n|---|---:|---:|\n");
    count_row(out, "iterations", &s->iterations);
    count_row(out, "requests", &s->requests);
    count_row(out, "test scripts", &s->test_scripts);
    count_row(out, "prerequest scripts", &s->prerequest_scripts);
    count_row(out, "assertions", &s->assertions);
    buf_addz(out, "\nDuration ");
    report_ms(out, (double)(s->completed_wall_ms - s->started_wall_ms), false);
    buf_addz(out, " · received ");
    report_bytes(out, s->response_bytes);
    buf_addz(out, " · response time ");
    report_ms(out, s->response.average, false);
    buf_addz(out, " on average, 95 % below ");
    report_ms(out, tally_percentile(t, 0.95), false);
    buf_addc(out, '\n');
}

static void failure(buf *out, const run_failure *f, bool several)
{
    arena a;
    arena_init(&a);
    buf_addz(out, "- **");
    add_cell(out, f->item ? report_item_name(&a, f->item) : STR("the run"));
    buf_addz(out, "**");
    if (several)
        buf_addf(out, " (iteration %u)", f->cursor.iteration + 1);
    if (f->test.len) {
        buf_addz(out, ": ");
        add_cell(out, f->test);
    }
    buf_addz(out, "  \n  ");
    add_cell(out, f->message);
    if (f->hint.len) {
        buf_addz(out, "  \n  hint: ");
        add_cell(out, f->hint);
    }
    buf_addc(out, '\n');
    arena_deinit(&a);
}

static void failures(buf *out, const tally *t, size_t all, size_t bytes_max)
{
    size_t told = 0;
    if (!all)
        return;
    buf_addz(out, "\n### Failed\n\n");
    VEC_FOREACH (&t->runs, r) {
        run_failures each;
        run_failures_begin(&each, (*r)->summary);
        for (const run_failure *f; (f = run_failures_next(&each)); told++) {
            if (told == FAILURES_MAX || out->len > bytes_max / 2)
                break;
            failure(out, f, f->cursor.iterations > 1);
        }
        run_failures_end(&each);
    }
    if (told < all)
        buf_addf(out, "\n… and %zu more\n", all - told);
}

static void requests(buf *out, const tally *t, size_t bytes_max)
{
    size_t cursor = 0, told = 0;
    void *value;
    arena a;
    arena_init(&a);
    buf_addz(out, "\n<details><summary>Requests</summary>\n\n| request | runs | failed | average | "
                  "longest |\n|---|---:|---:|---:|---:|\n");
    while (map_next(&t->rows, &cursor, &(str){0}, &value)) {
        const tally_row *row = value;
        if (told++ == ROWS_MAX || out->len > bytes_max - bytes_max / 4)
            break;
        buf_addz(out, "| ");
        add_cell(out, report_item_name(&a, row->item));
        buf_addf(out, " | %u | %u | ", row->turns, row->failed);
        if (row->answers)
            report_ms(out, row->ms_sum / row->answers, false);
        buf_addz(out, " | ");
        if (row->answers)
            report_ms(out, row->ms_max, false);
        buf_addz(out, " |\n");
    }
    if (told > ROWS_MAX || cursor < t->rows.entry_len)
        buf_addf(out, "\n%zu requests in all\n", t->rows.len);
    buf_addz(out, "\n</details>\n");
    arena_deinit(&a);
}

static void identities(buf *out, const tally *t, size_t bytes_max)
{
    size_t cursor = 0;
    void *value;
    if (!t->identities.len || out->len > bytes_max - bytes_max / 8)
        return;
    buf_addz(out, "\n### Identities\n\n| principal | credential | token for | requests |\n"
                  "|---|---|---|---:|\n");
    while (map_next(&t->identities, &cursor, &(str){0}, &value)) {
        const tally_identity *id = value;
        buf_addz(out, "| ");
        add_cell(out, str_from(id->principal));
        buf_addz(out, " | ");
        add_cell(out, str_from(id->via));
        buf_addz(out, " | ");
        add_cell(out, str_from(id->audience));
        buf_addf(out, " | %u |\n", id->requests);
    }
}

void markdown_summary(buf *out, const tally *t, size_t bytes_max)
{
    run_summary total = report_runs_total(&t->runs);
    size_t all = report_runs_failures(&t->runs);
    arena a;
    arena_init(&a);
    buf_addf(out, "## %s ", all ? "❌" : "✅");
    add_cell(out, report_runs_name(&a, &t->runs));
    if (all)
        buf_addf(out, ": %zu failed", all);
    buf_addz(out, "\n\n");
    counts(out, t, &total);
    failures(out, t, all, bytes_max);
    identities(out, t, bytes_max);
    requests(out, t, bytes_max);
    arena_deinit(&a);
}

// ---- the reporter

typedef struct markdown markdown;
struct markdown {
    reporter base;
    report_file *file;
    tally tally;
};

static void on_event(void *ctx, const run_event *ev)
{
    markdown *m = ctx;
    tally_event(&m->tally, ev);
}

static code finish(reporter *base, err *e)
{
    markdown *m = (markdown *)base;
    report_file *f = m->file;
    buf out;
    buf_init(&out, TEXT_BYTES_MAX);
    markdown_summary(&out, &m->tally, TEXT_BYTES_MAX / 2);
    fwrite(out.ptr, 1, out.len, report_file_stream(f)); // the commit looks at ferror
    buf_deinit(&out);
    m->file = NULL;
    return report_file_commit(f, e);
}

static void markdown_free(reporter *base)
{
    markdown *m = (markdown *)base;
    report_file_discard(m->file);
    tally_deinit(&m->tally);
    free(m);
}

code report_markdown_new(const report_file_options *o, reporter **ret, err *e)
{
    markdown *m = NEW(markdown);
    m->base = (reporter){.listener = {on_event, m}, .finish = finish, .free = markdown_free};
    tally_init(&m->tally);
    arena a;
    arena_init(&a);
    const char *path;
    code c = report_export_path(&a, o->path, "run-report", "md", &path, e);
    if (c == OK)
        c = report_file_new(path, &m->file, e);
    arena_deinit(&a);
    if (c == OK)
        *ret = &m->base;
    else
        markdown_free(&m->base);
    return c;
}
