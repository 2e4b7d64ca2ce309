// SPDX-License-Identifier: Apache-2.0
// The page around the entries: its head, the summary, the timeline and the table of requests. There
// is no script in it and nothing is loaded; its policy says so to the browser.
#include <math.h>

#include "report/html.h"

#include "jose/jose.h"
#include "report/html_css.h"

enum { CHART_HEIGHT = 96, CHART_STEP = 10, CHART_BAR = 8 };

// ---- the head

static void policy(buf *out)
{
    unsigned char digest[JOSE_SHA256_BYTES];
    jose_sha256(STR(HTML_CSS), digest);
    buf_addz(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                  "style-src 'sha256-");
    base64_encode(out, (str){(const char *)digest, sizeof(digest)});
    buf_addz(out, "'; base-uri 'none'; form-action 'none'\">\n");
}

void report_page_begin(buf *out, str name, bool good)
{
    buf_addz(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    policy(out);
    buf_addz(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                  "<meta name=\"referrer\" content=\"no-referrer\">\n<title>");
    buf_addz(out, good ? "✓ " : "✕ ");
    html_text(out, name);
    buf_addz(out, "</title>\n<style>" HTML_CSS "</style>\n</head>\n<body>\n");
}

void report_page_time(buf *out, int64_t wall_ms)
{
    char text[CLOCK_RFC3339_MAX];
    clock_rfc3339(wall_ms / 1000 * 1000000000, text);
    str date, time;
    str_cut(str_from(text), 'T', &date, &time);
    buf_addf(out, "<time datetime=\"%s\">" STR_FMT ", " STR_FMT " UTC</time>", text, STR_ARG(date),
             STR_ARG(str_sub(time, 0, 5)));
}

static void heading(buf *out, const tally *t, str name, const run_summary *s)
{
    size_t failures = report_runs_failures(&t->runs);
    buf_addf(out, "<header>\n<p class=\"verdict %s\">", failures ? "bad" : "good");
    if (failures)
        buf_addf(out, "%zu failed", failures);
    else
        buf_addz(out, "All passed");
    buf_addz(out, "</p>\n<h1>");
    html_text(out, name);
    buf_addz(out, "</h1>\n<p class=\"facts\">");
    report_page_time(out, s->started_wall_ms);
    buf_addz(out, " · ");
    report_ms(out, (double)(s->completed_wall_ms - s->started_wall_ms), false);
    if (s->iterations.total > 1)
        buf_addf(out, " · %u iterations", s->iterations.total);
    buf_addz(out, "</p>\n</header>\n");
}

// ---- tiles

static void tile(buf *out, const char *what, const run_count *n, const char *all_well)
{
    buf_addf(out, "<div><dt>%s</dt><dd>%u</dd>", what, n->total);
    if (n->failed)
        buf_addf(out, "<dd class=\"bad\">%u failed</dd></div>\n", n->failed);
    else
        buf_addf(out, "<dd>%s</dd></div>\n", all_well);
}

static void time_tile(buf *out, const tally *t)
{
    buf_addz(out, "<div><dt>Median response</dt><dd>");
    report_ms(out, tally_percentile(t, 0.5), false);
    buf_addz(out, "</dd><dd>95 % below ");
    report_ms(out, tally_percentile(t, 0.95), false);
    buf_addz(out, "</dd></div>\n");
}

static void tiles(buf *out, const tally *t, const run_summary *s)
{
    run_count scripts = s->test_scripts;
    scripts.total += s->prerequest_scripts.total;
    scripts.failed += s->prerequest_scripts.failed;
    buf_addz(out, "<dl class=\"tiles\">\n");
    tile(out, "Requests", &s->requests, "all answered");
    tile(out, "Assertions", &s->assertions, s->assertions.total ? "all passed" : "none made");
    tile(out, "Scripts", &scripts, scripts.total ? "no errors" : "none");
    time_tile(out, t);
    buf_addz(out, "<div><dt>Received</dt><dd>");
    report_bytes(out, s->response_bytes);
    buf_addz(out, "</dd><dd>bodies</dd></div>\n</dl>\n");
}

// What ended a run belongs to no request.
static void ended(buf *out, const tally *t)
{
    run_failures all;
    VEC_FOREACH (&t->runs, r) {
        run_failures_begin(&all, (*r)->summary);
        for (const run_failure *f; (f = run_failures_next(&all));)
            if (!f->item)
                html_error(out, f);
        run_failures_end(&all);
    }
}

// ---- the timeline

static void bar(buf *out, const tally *t, size_t i, double top)
{
    const tally_bar *b = &t->bars[i];
    // Roots, so that one slow answer doesn't flatten all others.
    double height = top > 0 ? sqrt(b->ms_max / top) * (CHART_HEIGHT - 6) : 0;
    if (height < 3)
        height = 3;
    size_t first = i * t->bar_width + 1, last = (i + 1) * t->bar_width;
    buf_addf(out, "<rect class=\"%s\" x=\"%zu\" y=\"%.1f\" width=\"%d\" height=\"%.1f\"><title>",
             b->failed ? "no" : "ok", i * CHART_STEP, CHART_HEIGHT - height, CHART_BAR, height);
    if (t->bar_width > 1)
        buf_addf(out, "requests %zu–%zu, up to ", first, last < t->requests ? last : t->requests);
    else
        buf_addf(out, "request %zu, ", first);
    report_ms(out, b->ms_max, false);
    if (b->failed)
        buf_addf(out, ", %u failed", b->failed);
    buf_addz(out, "</title></rect>\n");
}

static void timeline(buf *out, const tally *t)
{
    enum { BARS_MIN = 40 }; // a short run has thin bars, too
    size_t count = tally_bar_count(t), room = count < BARS_MIN ? BARS_MIN : count;
    double top = 0;
    for (size_t i = 0; i < count; i++)
        top = t->bars[i].ms_max > top ? t->bars[i].ms_max : top;
    if (!count)
        return;
    buf_addf(out,
             "<h2>Timeline</h2>\n<figure class=\"card\">\n<svg viewBox=\"0 0 %zu %d\" "
             "preserveAspectRatio=\"none\" role=\"img\" aria-label=\"Response times of %u "
             "requests in their order\">\n<rect class=\"base\" y=\"%d\" width=\"%zu\" "
             "height=\"1\"/>\n",
             room * CHART_STEP, CHART_HEIGHT, t->requests, CHART_HEIGHT - 1, room * CHART_STEP);
    for (size_t i = 0; i < count; i++)
        bar(out, t, i, top);
    buf_addz(out, "</svg>\n<figcaption><span>");
    buf_addf(out, "%u requests, first to last", t->requests);
    if (t->bar_width > 1)
        buf_addf(out, ", %u a bar", t->bar_width);
    buf_addz(out, "</span><span>highest ");
    report_ms(out, top, false);
    buf_addz(out, "</span></figcaption>\n</figure>\n");
}

// ---- tables

static void request_row(buf *out, const tally_row *row, bool several)
{
    arena a;
    arena_init(&a);
    buf_addz(out, "<tr><td>");
    if (several) {
        html_text(out, row->source->collection->root->name);
        buf_addz(out, " / ");
    }
    html_text(out, report_item_name(&a, row->item));
    buf_addf(out, "</td><td class=\"n\">%u</td><td class=\"n%s\">%u</td><td class=\"n\">",
             row->turns, row->failed ? " bad" : "", row->failed);
    if (row->answers)
        report_ms(out, row->ms_sum / row->answers, false);
    buf_addz(out, "</td><td class=\"n\">");
    if (row->answers)
        report_ms(out, row->ms_max, false);
    buf_addz(out, "</td></tr>\n");
    arena_deinit(&a);
}

static void request_table(buf *out, const tally *t)
{
    buf_addz(out, "<h2>Requests by name</h2>\n<div class=\"card scroll\" tabindex=\"0\" "
                  "role=\"region\" aria-label=\"Requests by name\">\n<table>\n<thead><tr><th "
                  "scope=\"col\">Request</th><th scope=\"col\" class=\"n\">Runs</th><th "
                  "scope=\"col\" class=\"n\">Failed</th><th scope=\"col\" class=\"n\">Average"
                  "</th><th scope=\"col\" class=\"n\">Longest</th></tr></thead>\n<tbody>\n");
    size_t cursor = 0;
    void *row;
    while (map_next(&t->rows, &cursor, &(str){0}, &row))
        request_row(out, row, t->runs.len > 1);
    buf_addz(out, "</tbody></table></div>\n");
}

static void identity_table(buf *out, const tally *t)
{
    if (!t->identities.len)
        return;
    buf_addz(out, "<h2>Identities</h2>\n<div class=\"card scroll\" tabindex=\"0\" role=\"region\" "
                  "aria-label=\"Identities\">\n<table>\n<thead><tr><th scope=\"col\">Principal"
                  "</th><th scope=\"col\">Credential</th><th scope=\"col\">Token for</th><th "
                  "scope=\"col\" class=\"n\">Requests</th></tr></thead>\n<tbody>\n");
    size_t cursor = 0;
    void *value;
    while (map_next(&t->identities, &cursor, &(str){0}, &value)) {
        const tally_identity *id = value;
        const char *const cells[] = {id->principal, id->via, id->audience};
        buf_addz(out, "<tr>");
        for (size_t i = 0; i < ARRAY_LEN(cells); i++) {
            buf_addz(out, "<td>");
            html_text(out, str_from(cells[i]));
            buf_addz(out, "</td>");
        }
        buf_addf(out, "<td class=\"n\">%u</td></tr>\n", id->requests);
    }
    buf_addz(out, "</tbody></table></div>\n");
}

// ---- the page

void html_page_begin(buf *out, const tally *t)
{
    arena a;
    arena_init(&a);
    run_summary total = report_runs_total(&t->runs);
    str name = report_runs_name(&a, &t->runs);
    report_page_begin(out, name.len ? name : STR("Run"), !report_runs_failures(&t->runs));
    heading(out, t, name.len ? name : STR("Run"), &total);
    buf_addz(out, "<main>\n");
    tiles(out, t, &total);
    ended(out, t);
    arena_deinit(&a);
}

static void left_out(buf *out, size_t count, size_t shown, const char *what)
{
    if (shown < count)
        buf_addf(out,
                 "<p class=\"note\">%zu more that %s are in the table above and, in full, in the "
                 "report of -r json.</p>\n",
                 count - shown, what);
}

void html_page_failed(buf *out, size_t failed, size_t shown)
{
    if (!failed)
        return;
    buf_addf(out, "<h2>Failed<small>%zu request%s</small></h2>\n", failed, failed == 1 ? "" : "s");
    left_out(out, failed, shown, "failed");
    buf_addz(out, "<div class=\"list\">\n");
}

void html_page_all(buf *out, const tally *t, size_t passed, size_t shown)
{
    timeline(out, t);
    request_table(out, t);
    identity_table(out, t);
    if (!passed)
        return;
    buf_addf(out, "<h2>Passed<small>%zu request%s</small></h2>\n", passed, passed == 1 ? "" : "s");
    if (t->identities.len)
        buf_addz(out, "<fieldset class=\"filter\"><label><input type=\"radio\" name=\"only\" "
                      "checked>All</label><label><input type=\"radio\" name=\"only\" "
                      "id=\"only-carried\">With identity</label></fieldset>\n");
    left_out(out, passed, shown, "passed");
    buf_addz(out, "<div class=\"list\">\n");
}

void html_page_end(buf *out, const tally *t)
{
    (void)t;
    buf_addz(out, "</main>\n<footer>Written by gatepost run</footer>\n</body>\n</html>\n");
}
