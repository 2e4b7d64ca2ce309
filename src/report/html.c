// SPDX-License-Identifier: Apache-2.0
// The html reporter: one file that needs nothing else. Each turn of a request becomes an entry when
// it ends; entries wait in two drafts, what failed and what passed, and the page is put together
// when the run is over: what failed stands first. Memory and file stay bounded: of a long run the
// first entries are shown in full, and all of it in the timeline and the tables.
#include "report/html.h"

typedef struct draft draft;
struct draft {
    report_file *file;
    size_t count, shown;
};

typedef struct html html;
struct html {
    reporter base;
    report_file *file;
    tally tally;
    draft failed, passed;
    bool broken; // a file can't be written: told at the end
    // Of the request that has its turn.
    bool open;
    const pm_item *item;
    run_cursor cursor;
    bool carried; // an identity of ours
    buf exchanges, checks, console, errors;
    size_t check_count;
    buf method, brief, why; // of the entry's first line
    arena mem;
};

// ---- one turn

static void begin_turn(html *h, const run_event *ev)
{
    buf *const parts[] = {&h->exchanges, &h->checks, &h->console, &h->errors,
                          &h->method,    &h->brief,  &h->why};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        buf_reset(parts[i]);
    h->open = true;
    h->item = ev->item;
    h->cursor = *ev->cursor;
    h->carried = false;
    h->check_count = 0;
}

// A failed run isn't looked at for what passed: nothing is written that won't be shown.
static bool is_wanted(const html *h)
{
    return h->failed.shown < HTML_FAILED_MAX || h->passed.shown < HTML_PASSED_MAX;
}

static void on_request(html *h, const run_event *ev)
{
    const run_exchange *x = ev->exchange;
    h->carried = h->carried || x->identity.age_s >= 0;
    html_exchange(&h->exchanges, ev);
    if (x->by_script)
        return;
    buf_reset(&h->method);
    buf_reset(&h->brief);
    html_text(&h->method, x->method);
    if (!x->has_response)
        return;
    buf_addf(&h->brief, "<span class=\"%s\">%d</span> · ", x->status < 400 ? "good" : "bad",
             x->status);
    report_ms(&h->brief, report_time(x), false);
    buf_addz(&h->brief, " · ");
    report_bytes(&h->brief, x->header_bytes + x->body_bytes);
}

// The first thing that went wrong stands in the entry's own line.
static void note_failure(html *h, const run_failure *f)
{
    if (h->why.len)
        return;
    if (f->test.len) {
        html_text(&h->why, f->test);
        buf_addz(&h->why, " — ");
    }
    html_text(&h->why, f->message);
}

// ---- the entry

static void section(buf *out, const char *title, const char *begin, const buf *content,
                    const char *end)
{
    if (content->len)
        buf_addf(out, "<h3>%s</h3>\n%s", title, begin);
    if (content->len)
        buf_adds(out, buf_str(content));
    if (content->len)
        buf_addz(out, end);
}

static void summary_line(html *h, buf *out, bool failed, bool skipped)
{
    const char *class = failed ? "bad" : skipped ? "skip" : "good";
    const char *word = failed ? "failed" : skipped ? "skipped" : "passed";
    arena_reset(&h->mem);
    buf_addf(out, "<summary><span class=\"mark %s\" role=\"img\" aria-label=\"%s\">%s</span>",
             class, word,
             failed    ? "✕"
             : skipped ? "–"
                       : "✓");
    buf_addz(out, "<span class=\"name\"><small>");
    buf_adds(out, buf_str(&h->method));
    buf_addz(out, "</small> ");
    html_text(out, report_item_name(&h->mem, h->item));
    if (h->cursor.iterations > 1)
        buf_addf(out, " <small>iteration %u</small>", h->cursor.iteration + 1);
    buf_addz(out, "</span><span class=\"brief\">");
    buf_adds(out, buf_str(&h->brief));
    if (skipped)
        buf_addz(out, "skipped");
    buf_addz(out, "</span>");
    if (h->why.len) {
        buf_addz(out, "<span class=\"why\">");
        buf_adds(out, buf_str(&h->why));
        buf_addz(out, "</span>");
    }
    buf_addz(out, "</summary>\n");
}

static void write_entry(html *h, draft *d, bool failed, bool skipped)
{
    enum { OPEN_MAX = 1 };
    buf out;
    buf_init(&out, HTML_BYTES_MAX);
    buf_addf(&out, "<details class=\"entry%s\"%s>", h->carried ? " carried" : "",
             failed && d->shown < OPEN_MAX ? " open" : "");
    summary_line(h, &out, failed, skipped);
    buf_addz(&out, "<div class=\"inside\">\n");
    section(&out, "Assertions", "<ul class=\"checks\">\n", &h->checks, "</ul>\n");
    section(&out, "Errors of scripts", "", &h->errors, "");
    buf_adds(&out, buf_str(&h->exchanges));
    section(&out, "Console", "<pre tabindex=\"0\">", &h->console, "</pre>\n");
    buf_addz(&out, "</div></details>\n");
    FILE *f = report_file_stream(d->file);
    if (!buf_ok(&out) || fwrite(out.ptr, 1, out.len, f) != out.len)
        h->broken = true;
    d->shown++;
    buf_deinit(&out);
}

static void end_turn(html *h, const run_event *ev)
{
    bool failed = h->tally.failed;
    draft *d = failed ? &h->failed : &h->passed;
    if (!h->open)
        return;
    h->open = false;
    d->count++;
    if (d->shown < (failed ? HTML_FAILED_MAX : HTML_PASSED_MAX))
        write_entry(h, d, failed, ev->skipped);
}

static void on_event(void *ctx, const run_event *ev)
{
    html *h = ctx;
    bool wanted = is_wanted(h);
    if (ev->kind == RUN_ITEM)
        begin_turn(h, ev);
    else if (ev->kind == RUN_REQUEST && wanted)
        on_request(h, ev);
    else if (ev->kind == RUN_ASSERTION && wanted)
        html_assertion(&h->checks, ev);
    else if (ev->kind == RUN_CONSOLE && wanted)
        html_console(&h->console, ev);
    else if (ev->kind == RUN_SCRIPT && ev->failure && wanted)
        html_error(&h->errors, ev->failure);
    if (ev->failure && h->open)
        note_failure(h, ev->failure);
    if (ev->kind == RUN_ITEM_END || ev->kind == RUN_DONE)
        end_turn(h, ev);
    tally_event(&h->tally, ev);
}

// ---- the page

static void write_page(html *h, buf *part)
{
    FILE *f = report_file_stream(h->file);
    if (!buf_ok(part) || fwrite(part->ptr ? part->ptr : "", 1, part->len, f) != part->len)
        h->broken = true;
    buf_reset(part);
}

static void copy_draft(html *h, draft *d)
{
    char block[16 << 10];
    FILE *from = report_file_stream(d->file), *to = report_file_stream(h->file);
    rewind(from);
    for (size_t n; (n = fread(block, 1, sizeof(block), from)) > 0;)
        if (fwrite(block, 1, n, to) != n)
            h->broken = true;
    if (ferror(from))
        h->broken = true;
}

static void assemble(html *h)
{
    buf part;
    buf_init(&part, HTML_BYTES_MAX);
    html_page_begin(&part, &h->tally);
    html_page_failed(&part, h->failed.count, h->failed.shown);
    write_page(h, &part);
    copy_draft(h, &h->failed);
    if (h->failed.count)
        buf_addz(&part, "</div>\n");
    html_page_all(&part, &h->tally, h->passed.count, h->passed.shown);
    write_page(h, &part);
    copy_draft(h, &h->passed);
    if (h->passed.count)
        buf_addz(&part, "</div>\n");
    html_page_end(&part, &h->tally);
    write_page(h, &part);
    buf_deinit(&part);
}

static code finish(reporter *base, err *e)
{
    html *h = (html *)base;
    assemble(h);
    report_file *f = h->file;
    h->file = NULL;
    if (!h->broken)
        return report_file_commit(f, e);
    report_file_discard(f);
    return err_set(e, HOME_WRITE, "the HTML report could not be written: is the disk full?");
}

static void html_free(reporter *base)
{
    html *h = (html *)base;
    buf *const parts[] = {&h->exchanges, &h->checks, &h->console, &h->errors,
                          &h->method,    &h->brief,  &h->why};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        buf_deinit(parts[i]);
    report_file_discard(h->failed.file);
    report_file_discard(h->passed.file);
    report_file_discard(h->file);
    tally_deinit(&h->tally);
    arena_deinit(&h->mem);
    free(h);
}

// The drafts stand beside the report and go with the reporter.
static code open_files(html *h, const char *path, err *e)
{
    code c = report_file_new(path, &h->file, e);
    if (c == OK)
        c = report_file_new(path, &h->failed.file, e);
    return c == OK ? report_file_new(path, &h->passed.file, e) : c;
}

code report_html_new(const report_file_options *o, reporter **ret, err *e)
{
    html *h = NEW(html);
    h->base = (reporter){.listener = {on_event, h}, .finish = finish, .free = html_free};
    buf *const parts[] = {&h->exchanges, &h->checks, &h->console, &h->errors,
                          &h->method,    &h->brief,  &h->why};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        buf_init(parts[i], HTML_BYTES_MAX);
    arena_init(&h->mem);
    tally_init(&h->tally);
    arena a;
    arena_init(&a);
    const char *path;
    code c = report_export_path(&a, o->path, "run-report", "html", &path, e);
    if (c == OK)
        c = open_files(h, path, e);
    arena_deinit(&a);
    if (c == OK)
        *ret = &h->base;
    else
        html_free(&h->base);
    return c;
}
