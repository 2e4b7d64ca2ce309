// SPDX-License-Identifier: Apache-2.0
// The json reporter: newman's shape (contracts: Postman §10), written as the run goes on. What
// differs: a response body is {"type": "text"|"base64", "data": "…"} unless arrays of bytes were
// asked for, and each execution has an `identity`.
#include "report/internal.h"

enum { PART_BYTES_MAX = 1 << 30 };

// A JSON array that grows while a request has its turn.
typedef struct part part;
struct part {
    buf text;
    jout w;
    size_t len;
};

typedef struct json_report json_report;
struct json_report {
    reporter base;
    report_runs runs;
    const run_failure *ended_by; // the last run that was
    report_file *file;
    bool newman_buffers;
    buf out;
    jout w;
    // Of the request that has its turn.
    part exchange; // its last HTTP exchange: an array of one
    part assertions;
    part errors[2]; // of scripts, by js_event
    uint32_t requests;
    bool failed; // the file can't be written: told at the end
};

// ---- Parts

static void part_begin(part *p)
{
    buf_reset(&p->text);
    p->w = jout_new(&p->text, JSON_COMPACT);
    p->len = 0;
    jout_array(&p->w, NULL);
}

static void part_write(part *p, jout *w, const char *key)
{
    jout_end(&p->w);
    if (p->len)
        jout_raw(w, key, buf_str(&p->text));
}

static void flush(json_report *r)
{
    if (!buf_ok(&r->out) || fwrite(r->out.ptr ? r->out.ptr : "", 1, r->out.len,
                                   report_file_stream(r->file)) != r->out.len)
        r->failed = true;
    buf_reset(&r->out);
}

// ---- The exchange

static void write_body(json_report *r, jout *w, str body)
{
    jout_object(w, "stream");
    if (r->newman_buffers) {
        jout_str(w, "type", STR("Buffer"));
        jout_array(w, "data");
        for (size_t i = 0; i < body.len; i++)
            jout_i64(w, NULL, (unsigned char)body.ptr[i]);
        jout_end(w);
    } else if (utf8_valid(body)) {
        jout_str(w, "type", STR("text"));
        jout_str(w, "data", body);
    } else {
        buf encoded;
        buf_init(&encoded, PART_BYTES_MAX);
        base64_encode(&encoded, body);
        jout_str(w, "type", STR("base64"));
        jout_str(w, "data", buf_str(&encoded));
        buf_deinit(&encoded);
    }
    jout_end(w);
}

static void write_cookies(jout *w, const run_exchange *x)
{
    jout_array(w, "cookie");
    for (size_t i = 0; i < x->cookie_count; i++) {
        const js_cookie *k = &x->cookies[i];
        jout_object(w, NULL);
        jout_str(w, "name", k->name);
        jout_str(w, "value", k->value);
        jout_str(w, "domain", k->domain);
        jout_str(w, "path", k->path);
        jout_bool(w, "secure", k->secure);
        jout_bool(w, "httpOnly", k->http_only);
        jout_bool(w, "hostOnly", k->host_only);
        jout_end(w);
    }
    jout_end(w);
}

static void write_response(json_report *r, jout *w, const run_exchange *x)
{
    jout_object(w, "response");
    jout_str(w, "id", x->id);
    jout_str(w, "status", x->reason);
    jout_i64(w, "code", x->status);
    jout_array(w, "header");
    for (size_t i = 0; i < x->header_count; i++) {
        jout_object(w, NULL);
        jout_str(w, "key", x->headers[i].name);
        jout_str(w, "value", x->headers[i].value);
        jout_end(w);
    }
    jout_end(w);
    write_body(r, w, x->body);
    write_cookies(w, x);
    jout_i64(w, "responseTime", (int64_t)x->time_ms);
    jout_i64(w, "responseSize", (int64_t)x->body.len);
    jout_end(w);
}

static void text_unless_empty(jout *w, const char *key, str text)
{
    if (text.len)
        jout_str(w, key, text);
}

static void write_identity(jout *w, const run_exchange *x)
{
    const run_identity *id = &x->identity;
    if (!id->report.len && id->age_s < 0)
        return;
    jout_object(w, "identity");
    text_unless_empty(w, "principal", id->principal);
    text_unless_empty(w, "source", id->via);
    text_unless_empty(w, "audience", id->audience);
    if (id->age_s >= 0)
        jout_i64(w, "tokenAgeSeconds", id->age_s);
    jout_bool(w, "local", id->local);
    text_unless_empty(w, "report", id->report);
    text_unless_empty(w, "warning", id->warning);
    text_unless_empty(w, "trace", x->trace);
    text_unless_empty(w, "explanation", x->explain);
    jout_end(w);
}

static void on_request(json_report *r, const run_event *ev)
{
    const run_exchange *x = ev->exchange;
    part_begin(&r->exchange);
    jout *w = &r->exchange.w;
    jout_object(w, NULL);
    jout_json(w, "request", x->request);
    if (x->has_response)
        write_response(r, w, x);
    if (ev->failure) {
        jout_object(w, "requestError");
        jout_str(w, "message", ev->failure->message);
        if (x->failure_name)
            jout_str(w, "code", str_from(x->failure_name));
        if (ev->failure->code != OK)
            jout_str(w, "id", str_from(code_id(ev->failure->code)));
        text_unless_empty(w, "hint", ev->failure->hint);
        jout_end(w);
    }
    write_identity(w, x);
    jout_end(w);
    r->exchange.len = 1;
    r->requests++;
}

// ---- Scripts and assertions

static void write_error(jout *w, const run_failure *f)
{
    jout_object(w, "error");
    jout_str(w, "name", f->name);
    if (f->test.len) {
        jout_i64(w, "index", f->index);
        jout_str(w, "test", f->test);
    }
    jout_str(w, "message", f->message);
    jout_str(w, "stack", f->stack);
    if (f->code != OK)
        jout_str(w, "code", str_from(code_id(f->code)));
    text_unless_empty(w, "hint", f->hint);
    jout_end(w);
}

static void on_assertion(json_report *r, const run_event *ev)
{
    jout *w = &r->assertions.w;
    jout_object(w, NULL);
    jout_str(w, "assertion", ev->assertion->name);
    jout_bool(w, "skipped", ev->assertion->skipped);
    if (ev->failure)
        write_error(w, ev->failure);
    jout_end(w);
    r->assertions.len++;
}

static void on_script(json_report *r, const run_event *ev)
{
    if (!ev->failure)
        return;
    part *p = &r->errors[ev->script_kind];
    jout_object(&p->w, NULL);
    write_error(&p->w, ev->failure);
    jout_end(&p->w);
    p->len++;
}

// ---- One request's turn

static void write_cursor(jout *w, const run_cursor *c, const char *key)
{
    jout_object(w, key);
    jout_i64(w, "position", c->position);
    jout_i64(w, "iteration", c->iteration);
    jout_i64(w, "length", c->length);
    jout_i64(w, "cycles", c->iterations);
    if (c->ref[0])
        jout_str(w, "ref", str_from(c->ref));
    jout_end(w);
}

static void write_item(jout *w, const run_source *source, const pm_item *item, const char *key)
{
    arena a;
    arena_init(&a);
    jout_object(w, key);
    jout_str(w, "id", item->id);
    jout_str(w, "name", item->name);
    if (item->request)
        jout_json(w, "request", source->veil(source->ctx, &a, item->request));
    const json *events = json_get(item->raw, "event");
    if (events)
        jout_json(w, "event", source->veil(source->ctx, &a, events));
    jout_end(w);
    arena_deinit(&a);
}

static void on_item(json_report *r)
{
    part_begin(&r->assertions);
    part_begin(&r->errors[JS_PREREQUEST]);
    part_begin(&r->errors[JS_TEST]);
    r->exchange.len = 0;
    r->requests = 0;
}

// As newman's list: once for each HTTP request of the item, pm.sendRequest's included, and each
// time the same.
static void on_item_end(json_report *r, const run_event *ev)
{
    if (!r->requests)
        return;
    buf text;
    buf_init(&text, PART_BYTES_MAX);
    jout w = jout_new(&text, JSON_COMPACT);
    jout_object(&w, NULL);
    write_cursor(&w, ev->cursor, "cursor");
    write_item(&w, ev->source, ev->item, "item");
    jout_end(&r->exchange.w);
    // The members of the exchange's object: "[{" and "}]" are cut off.
    str members = str_sub(buf_str(&r->exchange.text), 2, r->exchange.text.len - 2);
    buf_addc(&text, ',');
    buf_adds(&text, members);
    jout_str(&w, "id", ev->item->id);
    part_write(&r->errors[JS_PREREQUEST], &w, "prerequestScript");
    part_write(&r->errors[JS_TEST], &w, "testScript");
    part_write(&r->assertions, &w, "assertions");
    jout_end(&w);
    for (uint32_t i = 0; i < r->requests; i++) {
        jout_raw(&r->w, NULL, buf_str(&text));
        flush(r);
    }
    buf_deinit(&text);
}

// ---- The run

// Before anything is told: a run whose files can't be read leaves no file.
static void on_start(json_report *r)
{
    if (r->runs.len > 1)
        return;
    r->w = jout_new(&r->out, JSON_COMPACT);
    jout_object(&r->w, NULL);
    jout_object(&r->w, "run");
    jout_array(&r->w, "executions");
}

static void write_count(jout *w, const char *key, const run_count *n)
{
    jout_object(w, key);
    jout_i64(w, "total", n->total);
    jout_i64(w, "pending", n->pending);
    jout_i64(w, "failed", n->failed);
    jout_end(w);
}

static void write_stats(jout *w, const run_summary *s)
{
    jout_object(w, "stats");
    write_count(w, "iterations", &s->iterations);
    write_count(w, "items", &s->items);
    write_count(w, "scripts", &s->scripts);
    write_count(w, "prerequests", &s->prerequests);
    write_count(w, "requests", &s->requests);
    write_count(w, "tests", &s->tests);
    write_count(w, "assertions", &s->assertions);
    write_count(w, "testScripts", &s->test_scripts);
    write_count(w, "prerequestScripts", &s->prerequest_scripts);
    jout_end(w);
}

static void write_spread(jout *w, const char *const names[4], const run_spread *s)
{
    const double values[] = {s->average, s->min, s->max, s->sd};
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        jout_f64(w, names[i], values[i]);
}

static void write_timings(jout *w, const run_summary *s)
{
    static const char *const response[] = {"responseAverage", "responseMin", "responseMax",
                                           "responseSd"};
    static const char *const dns[] = {"dnsAverage", "dnsMin", "dnsMax", "dnsSd"};
    static const char *const first[] = {"firstByteAverage", "firstByteMin", "firstByteMax",
                                        "firstByteSd"};
    jout_object(w, "timings");
    write_spread(w, response, &s->response);
    write_spread(w, dns, &s->dns);
    write_spread(w, first, &s->first_byte);
    jout_i64(w, "started", s->started_wall_ms);
    jout_i64(w, "completed", s->completed_wall_ms);
    jout_end(w);
    jout_object(w, "transfers");
    jout_i64(w, "responseTotal", (int64_t)s->response_bytes);
    jout_end(w);
}

static void write_failures(json_report *r, const run_source *source)
{
    run_failures all;
    run_failures_begin(&all, source->summary);
    for (const run_failure *f; (f = run_failures_next(&all));) {
        jout_object(&r->w, NULL);
        write_error(&r->w, f);
        jout_str(&r->w, "at", f->at);
        if (f->item)
            write_item(&r->w, source, f->item, "source");
        if (f->item && f->item->parent)
            write_item(&r->w, source, f->item->parent, "parent");
        write_cursor(&r->w, &f->cursor, "cursor");
        jout_end(&r->w);
        flush(r);
    }
    run_failures_end(&all);
}

static void write_scope(json_report *r, js_scope_name name, const char *key)
{
    const run_source *last = *vec_last(&r->runs);
    buf text;
    buf_init(&text, PART_BYTES_MAX);
    last->show(last->ctx, name, &text);
    if (text.len)
        jout_raw(&r->w, key, buf_str(&text));
    buf_deinit(&text);
}

static void write_collection(json_report *r, const run_source *source, const char *key)
{
    arena a;
    arena_init(&a);
    jout_json(&r->w, key, source->veil(source->ctx, &a, source->collection->raw));
    arena_deinit(&a);
    flush(r);
}

// Of several runs a collection with a folder for each.
static void write_collections(json_report *r)
{
    if (r->runs.len == 1)
        return write_collection(r, r->runs.ptr[0], "collection");
    arena a;
    arena_init(&a);
    jout_object(&r->w, "collection");
    jout_object(&r->w, "info");
    jout_str(&r->w, "name", report_runs_name(&a, &r->runs));
    jout_str(&r->w, "schema",
             STR("https://schema.getpostman.com/json/collection/v2.1.0/collection.json"));
    jout_end(&r->w);
    jout_array(&r->w, "item");
    VEC_FOREACH (&r->runs, s) {
        const json *raw = (*s)->veil((*s)->ctx, &a, (*s)->collection->raw);
        jout_object(&r->w, NULL);
        jout_str(&r->w, "name", (*s)->collection->root->name);
        JSON_EACH (raw, m) {
            if (str_eq(m->key, STR("info")))
                continue;
            jout_key(&r->w, m->key);
            jout_json(&r->w, NULL, m);
        }
        jout_end(&r->w);
        flush(r);
    }
    jout_end(&r->w);
    jout_end(&r->w);
    arena_deinit(&a);
}

static void on_done(json_report *r, const run_event *ev)
{
    if (ev->failure)
        r->ended_by = ev->failure;
}

static void write_end(json_report *r)
{
    run_summary total = report_runs_total(&r->runs);
    jout_end(&r->w);
    write_stats(&r->w, &total);
    write_timings(&r->w, &total);
    jout_array(&r->w, "failures");
    VEC_FOREACH (&r->runs, s)
        write_failures(r, *s);
    jout_end(&r->w);
    if (r->ended_by)
        write_error(&r->w, r->ended_by);
    else
        jout_null(&r->w, "error");
    jout_end(&r->w);
    write_collections(r);
    write_scope(r, JS_ENVIRONMENT, "environment");
    write_scope(r, JS_GLOBALS, "globals");
    jout_end(&r->w);
    buf_addc(&r->out, '\n');
    flush(r);
}

static void on_event(void *ctx, const run_event *ev)
{
    json_report *r = ctx;
    report_runs_add(&r->runs, ev);
    switch (ev->kind) {
    case RUN_START:
        return on_start(r);
    case RUN_ITEM:
        return on_item(r);
    case RUN_REQUEST:
        return on_request(r, ev);
    case RUN_ASSERTION:
        return on_assertion(r, ev);
    case RUN_SCRIPT:
        return on_script(r, ev);
    case RUN_ITEM_END:
        return on_item_end(r, ev);
    case RUN_DONE:
        return on_done(r, ev);
    default:
        return;
    }
}

static code finish(reporter *base, err *e)
{
    json_report *r = (json_report *)base;
    report_file *f = r->file;
    if (r->runs.len)
        write_end(r);
    r->file = NULL;
    if (!r->failed)
        return report_file_commit(f, e);
    report_file_discard(f);
    return err_set(e, HOME_WRITE, "the JSON report could not be written: is the disk full?");
}

static void json_free(reporter *base)
{
    json_report *r = (json_report *)base;
    report_file_discard(r->file);
    vec_deinit(&r->runs);
    buf_deinit(&r->out);
    buf_deinit(&r->exchange.text);
    buf_deinit(&r->assertions.text);
    buf_deinit(&r->errors[JS_PREREQUEST].text);
    buf_deinit(&r->errors[JS_TEST].text);
    free(r);
}

code report_json_new(const report_file_options *o, reporter **ret, err *e)
{
    json_report *r = mem_new(sizeof(*r));
    *r = (json_report){
        .base = {.listener = {on_event, r}, .finish = finish, .free = json_free},
        .newman_buffers = o->newman_buffers,
    };
    buf *const all[] = {&r->out, &r->exchange.text, &r->assertions.text,
                        &r->errors[JS_PREREQUEST].text, &r->errors[JS_TEST].text};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        buf_init(all[i], PART_BYTES_MAX);
    arena a;
    arena_init(&a);
    const char *path;
    code c = report_export_path(&a, o->path, "run-report", "json", &path, e);
    if (c == OK)
        c = report_file_new(path, &r->file, e);
    arena_deinit(&a);
    if (c == OK)
        *ret = &r->base;
    else
        json_free(&r->base);
    return c;
}
