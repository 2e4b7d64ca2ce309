// SPDX-License-Identifier: Apache-2.0
// The numbers so far in Prometheus's text format. Requests are told apart by their path in the
// collection; those of one path are one series.
#include "load/load.h"

// Microseconds. The usual bounds of a service's latencies.
static const uint64_t bounds[] = {1000,   2500,   5000,    10000,   25000,   50000,   100000,
                                  250000, 500000, 1000000, 2500000, 5000000, 10000000};
static const char *const classes[] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

typedef struct series series;
struct series {
    str label; // escaped
    uint64_t requests, failed, bytes, sum_us;
    uint64_t statuses[ARRAY_LEN(classes)];
    uint64_t up_to[ARRAY_LEN(bounds)];
};

typedef struct gathering gathering;
struct gathering {
    arena mem;
    map by_label; // in the order of the collection
};

// ---- gathering ----------------------------------------------------------------------------------

static str escaped(arena *a, str text)
{
    buf out;
    buf_init(&out, 2 * LOAD_LABEL_BYTES_MAX);
    for (size_t len; text.len && out.len < LOAD_LABEL_BYTES_MAX; text = str_skip(text, len)) {
        uint32_t cp;
        len = utf8_decode(text, &cp);
        if (!len) {
            buf_addz(&out, "\xef\xbf\xbd");
            len = 1;
        } else if (cp == '\n') {
            buf_addz(&out, "\\n");
        } else {
            if (cp == '\\' || cp == '"')
                buf_addc(&out, '\\');
            buf_add(&out, text.ptr, len);
        }
    }
    str copy = arena_str(a, buf_str(&out));
    buf_deinit(&out);
    return copy;
}

static series *series_of(gathering *g, str label)
{
    series *s = map_get(&g->by_label, label);
    if (!s && g->by_label.len >= LOAD_SERIES_MAX) {
        label = STR("(other)");
        s = map_get(&g->by_label, label);
    }
    if (!s) {
        s = ARENA_NEW(&g->mem, series);
        s->label = label;
        map_set(&g->by_label, label, s);
    }
    return s;
}

static void gather(gathering *g, const load_row *row)
{
    const load_count *n = &row->n;
    series *s = series_of(g, escaped(&g->mem, pm_item_path(&g->mem, row->item, " / ")));
    s->requests += n->requests;
    s->failed += n->failed;
    s->bytes += n->bytes;
    s->sum_us += n->latency.sum;
    for (size_t i = 0; i < ARRAY_LEN(classes); i++)
        s->statuses[i] += n->statuses[i];
    for (size_t i = 0; i < ARRAY_LEN(bounds); i++)
        s->up_to[i] += hist_count_to(&n->latency, bounds[i]);
}

// ---- writing ------------------------------------------------------------------------------------

#define NAME "gatepost_load_"

static void family(buf *out, const char *name, const char *type, const char *help)
{
    buf_addf(out, "# HELP " NAME "%s %s\n# TYPE " NAME "%s %s\n", name, help, name, type);
}

static void value(buf *out, uint64_t n)
{
    buf_addc(out, ' ');
    buf_add_u64(out, n);
    buf_addc(out, '\n');
}

static void seconds(buf *out, uint64_t us)
{
    buf_addf(out, "%llu.%06llu", (unsigned long long)(us / 1000000),
             (unsigned long long)(us % 1000000));
}

static void labelled(buf *out, const char *name, const series *s)
{
    buf_addf(out, NAME "%s{request=\"" STR_FMT "\"", name, STR_ARG(s->label));
}

static void statuses(buf *out, const series *s)
{
    for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
        labelled(out, "requests_total", s);
        buf_addf(out, ",status=\"%s\"}", classes[i]);
        value(out, s->statuses[i]);
    }
}

static void failures(buf *out, const series *s)
{
    labelled(out, "request_failures_total", s);
    buf_addc(out, '}');
    value(out, s->failed);
}

static void received(buf *out, const series *s)
{
    labelled(out, "received_bytes_total", s);
    buf_addc(out, '}');
    value(out, s->bytes);
}

static void durations(buf *out, const series *s)
{
    for (size_t i = 0; i < ARRAY_LEN(bounds); i++) {
        labelled(out, "request_duration_seconds_bucket", s);
        buf_addf(out, ",le=\"%g\"}", (double)bounds[i] / 1e6);
        value(out, s->up_to[i]);
    }
    labelled(out, "request_duration_seconds_bucket", s);
    buf_addz(out, ",le=\"+Inf\"}");
    value(out, s->requests);
    labelled(out, "request_duration_seconds_sum", s);
    buf_addz(out, "} ");
    seconds(out, s->sum_us);
    buf_addc(out, '\n');
    labelled(out, "request_duration_seconds_count", s);
    buf_addc(out, '}');
    value(out, s->requests);
}

static void each(buf *out, const gathering *g, void (*write)(buf *out, const series *s))
{
    void *s;
    for (size_t cursor = 0; map_next(&g->by_label, &cursor, &(str){0}, &s);)
        write(out, s);
}

static void requests(buf *out, const gathering *g)
{
    family(out, "requests_total", "counter", "Requests that ended, by class of status.");
    each(out, g, statuses);
    family(out, "request_failures_total", "counter",
           "Requests without an answer, with a failed test or, where there is no test, a status of "
           "400 or more.");
    each(out, g, failures);
    family(out, "received_bytes_total", "counter", "Bodies of answers as transferred.");
    each(out, g, received);
    family(out, "request_duration_seconds", "histogram",
           "How long requests took; at a rate, the first of an iteration from when it was due.");
    each(out, g, durations);
}

static void reasons(buf *out, const load_result *r)
{
    arena a;
    arena_init(&a);
    family(out, "failures_total", "counter", "Failed requests by reason.");
    for (size_t i = 0; i < r->reason_count; i++) {
        str label = escaped(&a, str_from(r->reasons[i].text));
        buf_addf(out, NAME "failures_total{reason=\"" STR_FMT "\"}", STR_ARG(label));
        value(out, r->reasons[i].count);
    }
    buf_addz(out, NAME "failures_total{reason=\"(other)\"}");
    value(out, r->other_reasons);
    arena_deinit(&a);
}

static void whole(buf *out, const load_result *r)
{
    family(out, "iterations_total", "counter", "Iterations that ended.");
    buf_addz(out, NAME "iterations_total");
    value(out, r->iterations);
    family(out, "users", "gauge", "Virtual users that there are.");
    buf_addz(out, NAME "users");
    value(out, r->users);
    family(out, "users_working", "gauge", "Virtual users in an iteration.");
    buf_addz(out, NAME "users_working");
    value(out, r->working);
    family(out, "latest_beginning_seconds", "gauge",
           "The most that an iteration began after it was due; 0 without a rate.");
    buf_addz(out, NAME "latest_beginning_seconds ");
    seconds(out, r->open ? r->late_us : 0);
    buf_addc(out, '\n');
}

void load_metrics(buf *out, const load_result *r)
{
    gathering g = {0};
    arena_init(&g.mem);
    map_init(&g.by_label);
    for (uint32_t i = 0; i < r->collection->request_count; i++)
        gather(&g, &r->rows[i]);
    requests(out, &g);
    reasons(out, r);
    whole(out, r);
    map_deinit(&g.by_label, NULL);
    arena_deinit(&g.mem);
}
