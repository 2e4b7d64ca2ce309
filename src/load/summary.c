// SPDX-License-Identifier: Apache-2.0
// What a load has shown, as text and as JSON.
#include <math.h>

#include "data/data.h"
#include "load/tell.h"

static const double percentiles[] = {50, 90, 95, 99, 99.9};

// ---- numbers ------------------------------------------------------------------------------------

void load_us(buf *out, double us)
{
    const char *unit = us < 1000 ? "µs" : us < 1e6 ? "ms" : "s";
    double n = us < 1000 ? us : us < 1e6 ? us / 1e3 : us / 1e6;
    buf_addf(out, "%.*f%s", us < 1000 || n >= 100 ? 0 : n >= 10 ? 1 : 2, n, unit);
}

double load_failed_percent(const load_count *n)
{
    return n->requests ? 100.0 * (double)n->failed / (double)n->requests : 0;
}

double load_rate(const load_result *r, uint64_t count)
{
    return r->elapsed_ns ? (double)count / load_seconds(r) : 0;
}

void load_percent(buf *out, double percent)
{
    buf_addf(out, "%.*f%%", percent == 0 || percent >= 10 ? 0 : percent >= 1 ? 1 : 2, percent);
}

// ---- text ---------------------------------------------------------------------------------------

enum { NAME_WIDTH_MAX = 48, CELL_WIDTH = 9 };

static void pad(buf *out, size_t from, size_t width)
{
    for (size_t shown = utf8_width(str_skip(buf_str(out), from)); shown < width; shown++)
        buf_addc(out, ' ');
}

static void cell(buf *out, const char *text)
{
    for (size_t shown = utf8_width(str_from(text)); shown < CELL_WIDTH; shown++)
        buf_addc(out, ' ');
    buf_addc(out, ' ');
    buf_addz(out, text);
}

static void time_cell(buf *out, double us)
{
    buf text;
    buf_init(&text, 64);
    load_us(&text, us);
    cell(out, buf_cstr(&text));
    buf_deinit(&text);
}

static void count_cells(buf *out, const load_result *r, const load_count *n)
{
    char text[32];
    snprintf(text, sizeof(text), "%llu", (unsigned long long)n->requests);
    cell(out, text);
    snprintf(text, sizeof(text), "%.1f", load_rate(r, n->requests));
    cell(out, text);
    snprintf(text, sizeof(text), "%llu", (unsigned long long)n->failed);
    cell(out, text);
    for (size_t i = 0; i < ARRAY_LEN(percentiles) - 1; i++)
        time_cell(out, (double)hist_percentile(&n->latency, percentiles[i]));
    time_cell(out, (double)n->latency.max);
    buf_addc(out, '\n');
}

static str shown_name(arena *a, const pm_item *item)
{
    buf b;
    buf_init(&b, 64 << 10);
    buf_add_shown(&b, pm_item_path(a, item, " / "));
    str name = arena_str(a, buf_str(&b));
    buf_deinit(&b);
    return name;
}

static size_t name_width(const load_result *r, arena *a)
{
    size_t width = 12;
    for (uint32_t i = 0; i < r->collection->request_count; i++) {
        size_t w = r->rows[i].n.requests ? utf8_width(shown_name(a, r->rows[i].item)) : 0;
        width = w > width ? w : width;
    }
    return width < NAME_WIDTH_MAX ? width : NAME_WIDTH_MAX;
}

static void table(buf *out, const load_result *r)
{
    static const char *const heads[] = {"count", "per s", "failed", "p50",
                                        "p90",   "p95",   "p99",    "max"};
    arena a;
    arena_init(&a);
    size_t width = name_width(r, &a), start = out->len;
    buf_addz(out, "request");
    pad(out, start, width);
    for (size_t i = 0; i < ARRAY_LEN(heads); i++)
        cell(out, heads[i]);
    buf_addc(out, '\n');
    for (uint32_t i = 0; i < r->collection->request_count; i++) {
        if (!r->rows[i].n.requests)
            continue;
        start = out->len;
        buf_adds(out, shown_name(&a, r->rows[i].item));
        pad(out, start, width);
        count_cells(out, r, &r->rows[i].n);
    }
    start = out->len;
    buf_addz(out, "all");
    pad(out, start, width);
    count_cells(out, r, &r->all);
    arena_deinit(&a);
}

static void heading(buf *out, const load_result *r)
{
    buf_add_shown(out, r->collection->root->name);
    buf_addf(out, ": %.1f s, %llu iterations (%.1f per s), ", load_seconds(r),
             (unsigned long long)r->iterations, load_rate(r, r->iterations));
    buf_addf(out, r->open ? "at most %u users\n" : "%u users\n", r->users);
    if (r->interrupted)
        buf_addz(out, "interrupted: this is as far as it came\n");
    buf_addc(out, '\n');
}

static void notes(buf *out, const load_result *r)
{
    if (r->open) {
        buf_addz(out, "latest beginning: ");
        load_us(out, (double)r->late_us);
        buf_addz(out, " after it was due\n");
    }
    if (r->missed)
        buf_addf(out,
                 "%llu iterations were due and never began: all users were at work. More of them: "
                 "--users\n",
                 (unsigned long long)r->missed);
    if (r->dropped)
        buf_addf(out, "%llu iterations were dropped: they hadn't ended when the grace was over\n",
                 (unsigned long long)r->dropped);
    if (r->all.failed)
        buf_addz(out, "failed:\n");
    for (size_t i = 0; i < r->reason_count; i++) {
        buf_addf(out, "  %8llu  ", (unsigned long long)r->reasons[i].count);
        buf_add_shown(out, str_from(r->reasons[i].text));
        buf_addc(out, '\n');
    }
    if (r->other_reasons)
        buf_addf(out, "  %8llu  for other reasons\n", (unsigned long long)r->other_reasons);
}

void load_measured(buf *out, const load_result *r, const threshold *t)
{
    const load_count *n = load_counted(r, t);
    if (!n || !n->requests) {
        buf_addz(out, n ? "no request was made" : "there is no such request");
        return;
    }
    double got = threshold_measure(t, n, load_seconds(r));
    if (t->metric <= LOAD_MAX)
        load_us(out, got);
    else if (t->metric == LOAD_ERRORS)
        load_percent(out, got);
    else
        buf_addf(out, t->metric == LOAD_RATE ? "%.1f/s" : "%.0f", got);
}

bool load_holds(const load_result *r, const threshold *t)
{
    const load_count *n = load_counted(r, t);
    return n && threshold_holds(t, n, load_seconds(r));
}

static void verdicts(buf *out, const load_result *r, const thresholds *list, bool colour)
{
    if (list->count)
        buf_addc(out, '\n');
    for (size_t i = 0; i < list->count; i++) {
        bool ok = load_holds(r, &list->list[i]);
        if (colour)
            buf_addz(out, ok ? "\x1b[32m" : "\x1b[31m");
        buf_addz(out, ok ? "✓ " : "✗ ");
        buf_add_shown(out, list->list[i].text);
        if (colour)
            buf_addz(out, "\x1b[0m");
        buf_addz(out, "  ");
        load_measured(out, r, &list->list[i]);
        buf_addc(out, '\n');
    }
}

void load_text(buf *out, const load_result *r, const thresholds *list, bool colour)
{
    heading(out, r);
    table(out, r);
    buf_addc(out, '\n');
    notes(out, r);
    verdicts(out, r, list, colour);
}

// The newest stretch that says something: one that has just begun doesn't.
static const load_point *newest(const load_result *r)
{
    size_t i = r->point_count;
    while (i-- > 0)
        if (r->points[i].n.requests && (!i || r->elapsed_ns - i * r->point_ns >= r->point_ns / 2))
            return &r->points[i];
    return NULL;
}

static void line_parts(buf *out, const load_result *r)
{
    const load_point *p = newest(r);
    buf_addf(out, "%.0f", load_seconds(r));
    if (r->length_ns)
        buf_addf(out, " of %.0f", ceil((double)r->length_ns / 1e9));
    buf_addf(out, " s  failed ");
    load_percent(out, load_failed_percent(&r->all));
    buf_addf(out, "  %llu requests  %.0f per s", (unsigned long long)r->all.requests,
             load_rate(r, r->all.requests));
    if (p) {
        buf_addz(out, "  now p50 ");
        load_us(out, (double)hist_percentile(&p->n.latency, 50));
        buf_addz(out, " p99 ");
        load_us(out, (double)hist_percentile(&p->n.latency, 99));
    }
    buf_addf(out, "  %u of %u users", r->working, r->users);
}

static size_t last_part(str line)
{
    size_t at = line.len;
    while (at > 1 && (line.ptr[at - 1] != ' ' || line.ptr[at - 2] != ' '))
        at--;
    return at > 1 ? at - 2 : 0;
}

// What doesn't fit is left out part by part, the last first: a line that breaks can't be drawn
// over.
void load_line(buf *out, const load_result *r, size_t width)
{
    buf line;
    buf_init(&line, 1024);
    line_parts(&line, r);
    str text = buf_str(&line);
    while (text.len && utf8_width(text) > width)
        text = str_sub(text, 0, last_part(text));
    buf_adds(out, text);
    buf_deinit(&line);
}

// ---- JSON ---------------------------------------------------------------------------------------

static void ms_member(jout *w, const char *key, double us)
{
    jout_f64(w, key, round(us) / 1000);
}

static void count_members(jout *w, const load_result *r, const load_count *n)
{
    static const char *const statuses[] = {NULL, "1xx", "2xx", "3xx", "4xx", "5xx"};
    jout_i64(w, "requests", (int64_t)n->requests);
    jout_i64(w, "failed", (int64_t)n->failed);
    jout_f64(w, "errors_percent", load_failed_percent(n));
    jout_f64(w, "rate", load_rate(r, n->requests));
    jout_i64(w, "bytes", (int64_t)n->bytes);
    jout_object(w, "statuses");
    for (size_t i = 1; i < ARRAY_LEN(statuses); i++)
        jout_i64(w, statuses[i], (int64_t)n->statuses[i]);
    jout_i64(w, "none", (int64_t)n->statuses[0]);
    jout_end(w);
    jout_object(w, "latency_ms");
    ms_member(w, "min", (double)n->latency.min);
    ms_member(w, "avg", hist_average(&n->latency));
    for (size_t i = 0; i < ARRAY_LEN(percentiles); i++) {
        char key[16];
        snprintf(key, sizeof(key), "p%g", percentiles[i]);
        ms_member(w, key, (double)hist_percentile(&n->latency, percentiles[i]));
    }
    ms_member(w, "max", (double)n->latency.max);
    jout_end(w);
}

static void row_members(jout *w, const load_result *r, const load_row *row)
{
    arena a;
    arena_init(&a);
    jout_object(w, NULL);
    jout_str(w, "name", pm_item_path(&a, row->item, " / "));
    jout_str(w, "id", row->item->id);
    count_members(w, r, &row->n);
    jout_end(w);
    arena_deinit(&a);
}

static void point_members(jout *w, const load_result *r, size_t i)
{
    const load_point *p = &r->points[i];
    jout_object(w, NULL);
    jout_f64(w, "at_s", (double)i * (double)r->point_ns / 1e9);
    jout_i64(w, "users", p->users);
    jout_i64(w, "requests", (int64_t)p->n.requests);
    jout_i64(w, "failed", (int64_t)p->n.failed);
    ms_member(w, "p50", (double)hist_percentile(&p->n.latency, 50));
    ms_member(w, "p95", (double)hist_percentile(&p->n.latency, 95));
    ms_member(w, "p99", (double)hist_percentile(&p->n.latency, 99));
    ms_member(w, "max", (double)p->n.latency.max);
    jout_end(w);
}

static void verdict_members(jout *w, const load_result *r, const threshold *t)
{
    const load_count *n = load_counted(r, t);
    double got = n ? threshold_measure(t, n, load_seconds(r)) : 0;
    jout_object(w, NULL);
    jout_str(w, "threshold", t->text);
    jout_bool(w, "passed", load_holds(r, t));
    if (n && n->requests)
        jout_f64(w, "measured", t->metric <= LOAD_MAX ? round(got) / 1000 : got);
    else
        jout_null(w, "measured");
    jout_end(w);
}

static void run_members(jout *w, const load_result *r)
{
    char started[CLOCK_RFC3339_MAX];
    clock_rfc3339(r->started_wall_ms * 1000000, started);
    jout_str(w, "collection", r->collection->root->name);
    jout_str(w, "started", str_from(started));
    jout_f64(w, "seconds", load_seconds(r));
    jout_str(w, "model", r->open ? STR("open") : STR("closed"));
    jout_bool(w, "interrupted", r->interrupted);
    jout_i64(w, "users", r->users);
    jout_i64(w, "iterations", (int64_t)r->iterations);
    jout_i64(w, "missed_iterations", (int64_t)r->missed);
    jout_i64(w, "dropped_iterations", (int64_t)r->dropped);
    ms_member(w, "latest_beginning_ms", (double)r->late_us);
}

void load_json(buf *out, const load_result *r, const thresholds *list)
{
    jout w = jout_new(out, JSON_PRETTY);
    jout_object(&w, NULL);
    run_members(&w, r);
    jout_bool(&w, "passed", load_passes(r, list));
    jout_array(&w, "thresholds");
    for (size_t i = 0; i < list->count; i++)
        verdict_members(&w, r, &list->list[i]);
    jout_end(&w);
    jout_object(&w, "all");
    count_members(&w, r, &r->all);
    jout_end(&w);
    jout_array(&w, "requests");
    for (uint32_t i = 0; i < r->collection->request_count; i++)
        if (r->rows[i].n.requests)
            row_members(&w, r, &r->rows[i]);
    jout_end(&w);
    jout_array(&w, "failures");
    for (size_t i = 0; i < r->reason_count; i++) {
        jout_object(&w, NULL);
        jout_str(&w, "reason", str_from(r->reasons[i].text));
        jout_i64(&w, "count", (int64_t)r->reasons[i].count);
        jout_end(&w);
    }
    jout_end(&w);
    jout_array(&w, "timeline");
    for (size_t i = 0; i < r->point_count; i++)
        point_members(&w, r, i);
    jout_end(&w);
    jout_end(&w);
    buf_addc(out, '\n');
}
