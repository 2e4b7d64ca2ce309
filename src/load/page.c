// SPDX-License-Identifier: Apache-2.0
// What a load has shown, as a page: the verdict, the thresholds, charts over time, a row for each
// request, why some failed. Its size is bounded by the collection and LOAD_POINTS.
#include <math.h>

#include "load/chart.h"
#include "load/tell.h"
#include "report/report_page.h"

// ---- the verdict --------------------------------------------------------------------------------

static size_t broken(const load_result *r, const thresholds *list)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++)
        count += !load_holds(r, &list->list[i]);
    return count;
}

static bool is_good(const load_result *r, const thresholds *list)
{
    return !r->interrupted && load_passes(r, list);
}

static void verdict(buf *out, const load_result *r, const thresholds *list)
{
    size_t no = broken(r, list);
    buf_addf(out, "<p class=\"verdict %s\">", is_good(r, list) ? "good" : "bad");
    if (r->interrupted)
        buf_addz(out, "Interrupted");
    else if (no)
        buf_addf(out, "%zu of %zu thresholds broken", no, list->count);
    else if (list->count)
        buf_addz(out, "All thresholds hold");
    else
        buf_addz(out, load_passes(r, list) ? "Done" : "No answer at all");
    buf_addz(out, "</p>\n");
}

static void heading(buf *out, const load_result *r, const thresholds *list)
{
    buf_addz(out, "<header>\n");
    verdict(out, r, list);
    buf_addz(out, "<h1>");
    html_text(out, r->collection->root->name);
    buf_addz(out, "</h1>\n<p class=\"facts\">");
    report_page_time(out, r->started_wall_ms);
    buf_addz(out, " · ");
    report_ms(out, load_seconds(r) * 1000, false);
    buf_addf(out, " · %s%u user%s · %llu iterations", r->open ? "at a rate, at most " : "",
             r->users, r->users == 1 ? "" : "s", (unsigned long long)r->iterations);
    buf_addz(out, "</p>\n</header>\n");
}

static void hint(buf *out, const char *fmt, uint64_t count)
{
    if (!count)
        return;
    buf_addz(out, "<p class=\"hint\">");
    buf_addf(out, "%llu", (unsigned long long)count);
    buf_addz(out, fmt);
    buf_addz(out, "</p>\n");
}

static void hints(buf *out, const load_result *r)
{
    if (r->interrupted)
        buf_addz(out, "<p class=\"hint\">It was interrupted: this is as far as it came.</p>\n");
    hint(out, " iterations were due and never began: all users were at work. More of them: --users",
         r->missed);
    hint(out, " iterations were dropped: they hadn't ended when the grace was over", r->dropped);
}

// ---- tiles --------------------------------------------------------------------------------------

static void begin_tile(buf *out, const char *what)
{
    buf_addf(out, "<div><dt>%s</dt><dd>", what);
}

static void us_tile(buf *out, const char *what, double us, const char *below, double more_us)
{
    begin_tile(out, what);
    load_us(out, us);
    buf_addf(out, "</dd><dd>%s", below);
    load_us(out, more_us);
    buf_addz(out, "</dd></div>\n");
}

static void tiles(buf *out, const load_result *r)
{
    const load_count *n = &r->all;
    buf_addz(out, "<dl class=\"tiles\">\n");
    begin_tile(out, "Requests");
    buf_addf(out, "%llu</dd><dd>%.1f a second</dd></div>\n", (unsigned long long)n->requests,
             load_rate(r, n->requests));
    begin_tile(out, "Failed");
    load_percent(out, load_failed_percent(n));
    if (n->failed)
        buf_addf(out, "</dd><dd class=\"bad\">%llu requests</dd></div>\n",
                 (unsigned long long)n->failed);
    else
        buf_addz(out, "</dd><dd>none</dd></div>\n");
    us_tile(out, "Median", (double)hist_percentile(&n->latency, 50), "90 % below ",
            (double)hist_percentile(&n->latency, 90));
    us_tile(out, "99 % below", (double)hist_percentile(&n->latency, 99), "longest ",
            (double)n->latency.max);
    if (r->open) {
        begin_tile(out, "Latest beginning");
        load_us(out, (double)r->late_us);
        buf_addz(out, "</dd><dd>after it was due</dd></div>\n");
    } else {
        begin_tile(out, "Received");
        report_bytes(out, n->bytes);
        buf_addz(out, "</dd><dd>bodies</dd></div>\n");
    }
    buf_addz(out, "</dl>\n");
}

// ---- tables -------------------------------------------------------------------------------------

typedef struct column column;
struct column {
    const char *head;
    bool text;
};

static void begin_table(buf *out, const char *label, const column *columns, size_t count)
{
    buf_addf(out,
             "<div class=\"card scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\">\n"
             "<table>\n<thead><tr>",
             label);
    for (size_t i = 0; i < count; i++)
        buf_addf(out, "<th scope=\"col\"%s>%s</th>", columns[i].text ? "" : " class=\"n\"",
                 columns[i].head);
    buf_addz(out, "</tr></thead>\n<tbody>\n");
}

static void end_table(buf *out)
{
    buf_addz(out, "</tbody></table></div>\n");
}

static void count_cell(buf *out, uint64_t n, const char *class)
{
    buf_addf(out, "<td class=\"n%s\">%llu</td>", class, (unsigned long long)n);
}

static void us_cell(buf *out, double us)
{
    buf_addz(out, "<td class=\"n\">");
    load_us(out, us);
    buf_addz(out, "</td>");
}

static void thresholds_table(buf *out, const load_result *r, const thresholds *list)
{
    static const column columns[] = {{"Threshold", true}, {"Measured", false}, {"Verdict", false}};
    if (!list->count)
        return;
    buf_addz(out, "<h2>Thresholds</h2>\n");
    begin_table(out, "Thresholds", columns, ARRAY_LEN(columns));
    for (size_t i = 0; i < list->count; i++) {
        bool ok = load_holds(r, &list->list[i]);
        buf_addz(out, "<tr><td><code>");
        html_text(out, list->list[i].text);
        buf_addz(out, "</code></td><td class=\"n\">");
        load_measured(out, r, &list->list[i]);
        buf_addf(out, "</td><td class=\"n %s\">%s</td></tr>\n", ok ? "good" : "bad",
                 ok ? "✓ holds" : "✕ broken");
    }
    end_table(out);
}

static void counted_cells(buf *out, const load_result *r, const load_count *n)
{
    static const double percents[] = {50, 90, 95, 99};
    count_cell(out, n->requests, "");
    buf_addf(out, "<td class=\"n\">%.1f</td>", load_rate(r, n->requests));
    count_cell(out, n->failed, n->failed ? " bad" : "");
    for (size_t i = 0; i < ARRAY_LEN(percents); i++)
        us_cell(out, (double)hist_percentile(&n->latency, percents[i]));
    us_cell(out, (double)n->latency.max);
    buf_addz(out, "</tr>\n");
}

static void requests_table(buf *out, const load_result *r)
{
    static const column columns[] = {{"Request", true}, {"Count", false}, {"A second", false},
                                     {"Failed", false}, {"p50", false},   {"p90", false},
                                     {"p95", false},    {"p99", false},   {"Longest", false}};
    arena a;
    arena_init(&a);
    buf_addz(out, "<h2>Requests by name</h2>\n");
    begin_table(out, "Requests by name", columns, ARRAY_LEN(columns));
    for (uint32_t i = 0; i < r->collection->request_count; i++) {
        if (!r->rows[i].n.requests)
            continue;
        buf_addz(out, "<tr><td>");
        html_text(out, pm_item_path(&a, r->rows[i].item, " / "));
        buf_addz(out, "</td>");
        counted_cells(out, r, &r->rows[i].n);
        arena_reset(&a);
    }
    buf_addz(out, "<tr class=\"sum\"><td>All</td>");
    counted_cells(out, r, &r->all);
    end_table(out);
    arena_deinit(&a);
}

static void reasons_table(buf *out, const load_result *r)
{
    static const column columns[] = {{"Why", true}, {"Requests", false}};
    if (!r->reason_count)
        return;
    buf_addf(out, "<h2>Failed<small>%llu requests</small></h2>\n",
             (unsigned long long)r->all.failed);
    begin_table(out, "Why requests failed", columns, ARRAY_LEN(columns));
    for (size_t i = 0; i < r->reason_count; i++) {
        buf_addz(out, "<tr><td>");
        html_text(out, str_from(r->reasons[i].text));
        buf_addz(out, "</td>");
        count_cell(out, r->reasons[i].count, "");
        buf_addz(out, "</tr>\n");
    }
    if (r->other_reasons) {
        buf_addz(out, "<tr><td>for other reasons</td>");
        count_cell(out, r->other_reasons, "");
        buf_addz(out, "</tr>\n");
    }
    end_table(out);
}

static void numbers(buf *out, const load_result *r)
{
    static const column columns[] = {{"From", false},   {"Users", false},  {"A second", false},
                                     {"Failed", false}, {"p50", false},    {"p95", false},
                                     {"p99", false},    {"Longest", false}};
    buf_addz(out, "<details class=\"fold\"><summary>The numbers of the charts</summary>\n");
    begin_table(out, "The numbers of the charts", columns, ARRAY_LEN(columns));
    for (size_t i = 0; i < chart_points(r); i++) {
        const load_point *p = &r->points[i];
        buf_addz(out, "<tr><td class=\"n\">");
        chart_clock(out, (double)i * (double)r->point_ns / 1e9);
        buf_addz(out, "</td>");
        count_cell(out, p->users, "");
        buf_addf(out, "<td class=\"n\">%.1f</td>", (double)p->n.requests / chart_seconds(r, i));
        count_cell(out, p->n.failed, p->n.failed ? " bad" : "");
        us_cell(out, (double)hist_percentile(&p->n.latency, 50));
        us_cell(out, (double)hist_percentile(&p->n.latency, 95));
        us_cell(out, (double)hist_percentile(&p->n.latency, 99));
        us_cell(out, (double)p->n.latency.max);
        buf_addz(out, "</tr>\n");
    }
    end_table(out);
    buf_addz(out, "</details>\n");
}

// ---- charts -------------------------------------------------------------------------------------

static double rate_at(const load_result *r, const load_point *p, double seconds, size_t line)
{
    (void)r;
    (void)line;
    return seconds > 0 ? (double)p->n.requests / seconds : 0;
}

static double latency_at(const load_result *r, const load_point *p, double seconds, size_t line)
{
    static const double percents[CHART_LINES_MAX] = {50, 95, 99};
    (void)r;
    (void)seconds;
    return p->n.requests ? (double)hist_percentile(&p->n.latency, percents[line]) : NAN;
}

static double failed_at(const load_result *r, const load_point *p, double seconds, size_t line)
{
    (void)r;
    (void)seconds;
    (void)line;
    return p->n.requests ? load_failed_percent(&p->n) : NAN;
}

static double users_at(const load_result *r, const load_point *p, double seconds, size_t line)
{
    (void)r;
    (void)seconds;
    (void)line;
    return p->users;
}

static void add_plain(buf *out, double value)
{
    buf_addf(out, "%.*f", value == floor(value) || value >= 100 ? 0 : 1, value);
}

static void charts(buf *out, const load_result *r)
{
    static const chart list[] = {
        {"Requests a second", {"a second"}, rate_at, add_plain, false, false},
        {"Latency", {"p50", "p95", "p99"}, latency_at, load_us, false, false},
        {"Failed requests", {"failed"}, failed_at, load_percent, false, true},
        {"Users at work", {"users"}, users_at, add_plain, true, false},
    };
    if (!r->all.requests)
        return;
    buf_addz(out, "<h2>Over time</h2>\n<div class=\"charts\">\n");
    for (size_t i = 0; i < ARRAY_LEN(list); i++)
        chart_add(out, r, &list[i]);
    buf_addz(out, "</div>\n");
    numbers(out, r);
}

// ---- the page -----------------------------------------------------------------------------------

void load_html(buf *out, const load_result *r, const thresholds *list)
{
    report_page_begin(out, r->collection->root->name, is_good(r, list));
    heading(out, r, list);
    buf_addz(out, "<main>\n");
    hints(out, r);
    tiles(out, r);
    thresholds_table(out, r, list);
    charts(out, r);
    requests_table(out, r);
    reasons_table(out, r);
    buf_addz(out, "</main>\n<footer>Written by gatepost load</footer>\n</body>\n</html>\n");
}
