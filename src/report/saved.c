// SPDX-License-Identifier: Apache-2.0
#include "report/report_saved.h"

#include <math.h>
#include <stdlib.h>

#include "data/data.h"

enum { REPORT_BYTES_MAX = 1 << 30, REPORT_VALUES_MAX = 100000000, BODY_BYTES_MAX = 256 << 20 };

struct report_saved {
    const char *file;
    const json *root, *run, *executions;
    pm_collection *collection;
};

// Reports that are told as one run.
typedef struct told told;
struct told {
    arena *a;
    arena turn;
    report_saved *const *reports;
    size_t count;
    run_source source;
    run_summary summary;
    run_cursor cursor;
    const run_listener *listeners;
    size_t listener_count;
};

// ---- reading

code report_saved_read(arena *a, str text, const char *file, report_saved **ret, err *e)
{
    json *root;
    json_opts opts = {.file = file,
                      .bytes_max = REPORT_BYTES_MAX,
                      .values_max = REPORT_VALUES_MAX,
                      .tolerant = true};
    report_saved *s = ARENA_NEW(a, report_saved);
    code c = json_parse(a, text, &opts, &root, e);
    if (c != OK)
        return c;
    *s = (report_saved){.file = file, .root = root, .run = json_get(root, "run")};
    s->executions = json_get(s->run, "executions");
    const json *collection = json_get(root, "collection");
    if (!json_is(s->executions, JSON_ARRAY) || !json_is(collection, JSON_OBJECT)) {
        (void)err_set(e, REPORT_FORM, "this is no JSON report of a run");
        (void)err_at(e, file, 0, 0);
        return err_hint(e, "reports are written by: gatepost run COLLECTION -r json "
                           "--reporter-json-export FILE");
    }
    char *own = json_text(collection, JSON_COMPACT);
    c = pm_collection_read(a, str_from(own), file, &s->collection, e);
    free(own);
    *ret = s;
    return c;
}

static uint32_t number(const json *obj, const char *key)
{
    int64_t n = json_i64_or(json_get(obj, key), 0);
    return n < 0 || n > UINT32_MAX ? 0 : (uint32_t)n;
}

static str text(const json *obj, const char *key)
{
    return json_str_or(json_get(obj, key), STR_NONE);
}

// The request that an execution is of: by its id; else by its name, of several in its place.
static const pm_item *item_of(const pm_collection *c, const json *execution)
{
    const json *said = json_get(execution, "item");
    uint32_t position = number(json_get(execution, "cursor"), "position");
    const pm_item *named = NULL;
    for (uint32_t i = 0; i < c->request_count; i++) {
        const pm_item *item = c->requests[i];
        if (str_eq(item->id, text(said, "id")))
            return item;
        if (str_eq(item->name, text(said, "name")) && (!named || i == position))
            named = item;
    }
    return named;
}

static bool has_error(const json *list)
{
    JSON_EACH (list, one)
        if (json_get(one, "error"))
            return true;
    return false;
}

static bool has_failed(const json *execution)
{
    return json_get(execution, "requestError") || has_error(json_get(execution, "assertions")) ||
           has_error(json_get(execution, "testScript")) ||
           has_error(json_get(execution, "prerequestScript"));
}

static size_t failures_of(const report_saved *s)
{
    const json *failures = json_get(s->run, "failures");
    return failures ? failures->len : 0;
}

bool report_saved_failed(const report_saved *s)
{
    return failures_of(s) > 0;
}

// ---- --only-failed

static int by_iteration(const void *a, const void *b)
{
    const run_pick *x = a, *y = b;
    if (x->iteration != y->iteration)
        return x->iteration < y->iteration ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

code report_saved_picks(arena *a, const report_saved *s, const pm_collection *c,
                        const run_pick **ret_picks, size_t *ret_count, err *e)
{
    run_pick *picks = arena_array(a, s->executions->len + 1, sizeof(*picks));
    size_t n = 0;
    JSON_EACH (s->executions, x) {
        if (!has_failed(x))
            continue;
        const pm_item *item = item_of(c, x);
        if (!item) {
            str name = text(json_get(x, "item"), "name");
            (void)err_set(e, REPORT_FORM, "the collection has no request '" STR_FMT "'",
                          STR_ARG(name));
            (void)err_at(e, s->file, x->line, x->col);
            return err_hint(e, "is the report of this collection?");
        }
        picks[n++] = (run_pick){number(json_get(x, "cursor"), "iteration"), item->index};
    }
    qsort(picks, n, sizeof(*picks), by_iteration);
    *ret_picks = picks;
    *ret_count = n;
    return OK;
}

// ---- one execution, told

static void tell(told *t, run_event ev)
{
    ev.source = &t->source;
    ev.cursor = &t->cursor;
    for (size_t i = 0; i < t->listener_count; i++)
        t->listeners[i].on_event(t->listeners[i].ctx, &ev);
}

// Our code of that id; newman's errors have none.
static code code_of(const json *error)
{
    str id = text(error, "id").len ? text(error, "id") : text(error, "code");
    for (int c = OK + 1; c < CODE_COUNT; c++)
        if (str_eq(id, str_from(code_id((code)c))))
            return (code)c;
    return OK;
}

static run_failure failure_of(const told *t, const json *error, const pm_item *item)
{
    return (run_failure){
        .name = json_str_or(json_get(error, "name"), STR("Error")),
        .message = text(error, "message"),
        .stack = text(error, "stack"),
        .test = text(error, "test"),
        .index = number(error, "index"),
        .hint = text(error, "hint"),
        .code = code_of(error),
        .item = item,
        .cursor = t->cursor,
    };
}

// {"type": "text"|"base64"|"Buffer", "data": …}
static str body_of(arena *a, const json *stream)
{
    const json *data = json_get(stream, "data");
    buf b;
    if (json_is_str(json_get(stream, "type"), "text"))
        return json_str_or(data, STR_NONE);
    buf_init(&b, BODY_BYTES_MAX);
    if (json_is_str(json_get(stream, "type"), "base64"))
        (void)!base64_decode(&b, json_str_or(data, STR_NONE));
    else
        JSON_EACH (data, byte)
            buf_addc(&b, (char)json_i64_or(byte, 0));
    str body = arena_str(a, buf_str(&b));
    buf_deinit(&b);
    return body;
}

static void take_identity(const json *execution, run_exchange *x)
{
    const json *id = json_get(execution, "identity");
    x->identity = (run_identity){
        .report = text(id, "report"),
        .warning = text(id, "warning"),
        .principal = text(id, "principal"),
        .audience = text(id, "audience"),
        .via = text(id, "source"),
        .age_s = json_i64_or(json_get(id, "tokenAgeSeconds"), -1),
        .local = json_bool_or(json_get(id, "local"), false),
        .trusted = "",
    };
    x->trace = text(id, "trace");
    x->explain = text(id, "explanation");
}

static void take_response(arena *a, const json *response, run_exchange *x)
{
    const json *headers = json_get(response, "header");
    js_header *list = arena_array(a, headers ? headers->len : 0, sizeof(*list));
    x->has_response = true;
    x->id = text(response, "id");
    x->status = (int)number(response, "code");
    x->reason = text(response, "status");
    x->headers = list;
    JSON_EACH (headers, h)
        list[x->header_count++] = (js_header){text(h, "key"), text(h, "value")};
    x->body = body_of(a, json_get(response, "stream"));
    x->time_ms = number(response, "responseTime");
    x->timings.total_us = x->time_ms * 1000;
    x->body_bytes = number(response, "responseSize");
}

static run_exchange exchange_of(arena *a, const json *execution)
{
    run_exchange x = {.request = json_get(execution, "request")};
    pm_url url;
    pm_url_read(a, json_get(x.request, "url"), &url);
    x.url = pm_url_text(a, &url);
    x.method = json_str_or(json_get(x.request, "method"), STR("GET"));
    take_identity(execution, &x);
    if (json_is(json_get(execution, "response"), JSON_OBJECT))
        take_response(a, json_get(execution, "response"), &x);
    return x;
}

static void tell_request(told *t, const json *execution, const pm_item *item, bool again)
{
    run_exchange x = exchange_of(&t->turn, execution);
    const json *error = json_get(execution, "requestError");
    run_failure f = failure_of(t, error, item);
    if (error && text(error, "code").len)
        x.failure_name = arena_cstr(&t->turn, text(error, "code"));
    if (!f.message.len) // newman's errors keep theirs to themselves
        f.message = text(error, "code");
    x.by_script = again; // newman repeats an execution for each pm.sendRequest
    tell(t, (run_event){.kind = RUN_REQUEST,
                        .item = item,
                        .exchange = &x,
                        .failure = error && !again ? &f : NULL});
}

static void tell_scripts(told *t, const json *list, const pm_item *item, js_event kind)
{
    JSON_EACH (list, one) {
        run_failure f = failure_of(t, json_get(one, "error"), item);
        tell(t, (run_event){.kind = RUN_SCRIPT, .item = item, .failure = &f, .script_kind = kind});
    }
}

static void tell_assertions(told *t, const json *list, const pm_item *item)
{
    uint32_t index = 0;
    JSON_EACH (list, one) {
        const json *error = json_get(one, "error");
        run_failure f = failure_of(t, error, item);
        js_assertion a = {.name = text(one, "assertion"),
                          .index = index++,
                          .passed = !error,
                          .skipped = json_bool_or(json_get(one, "skipped"), false),
                          .error = {f.name, f.message, f.stack}};
        tell(t, (run_event){.kind = RUN_ASSERTION,
                            .item = item,
                            .script_kind = JS_TEST,
                            .assertion = &a,
                            .failure = error ? &f : NULL});
    }
}

static bool same_turn(const json *a, const json *b)
{
    const json *x = json_get(a, "cursor"), *y = json_get(b, "cursor");
    return a && b && text(x, "ref").len && str_eq(text(x, "ref"), text(y, "ref"));
}

// One turn: an execution, and the repetitions behind it. Returns what follows.
static const json *tell_turn(told *t, const json *x)
{
    const json *cursor = json_get(x, "cursor");
    const pm_item *item = item_of(t->source.collection, x);
    const json *after = x->next;
    arena_reset(&t->turn);
    t->cursor.iteration = number(cursor, "iteration");
    t->cursor.position = number(cursor, "position");
    if (!item)
        item = t->source.collection->root;
    tell(t, (run_event){.kind = RUN_ITEM, .item = item});
    tell_scripts(t, json_get(x, "prerequestScript"), item, JS_PREREQUEST);
    tell_request(t, x, item, false);
    for (; same_turn(x, after); after = after->next)
        tell_request(t, after, item, true);
    tell_assertions(t, json_get(x, "assertions"), item);
    tell_scripts(t, json_get(x, "testScript"), item, JS_TEST);
    tell(t, (run_event){.kind = RUN_ITEM_END, .item = item});
    return after;
}

// ---- one run

static run_count count_of(const json *stats, const char *key)
{
    const json *n = json_get(stats, key);
    return (run_count){number(n, "total"), number(n, "pending"), number(n, "failed")};
}

static double decimal(const json *obj, const char *key)
{
    double value;
    const json *v = json_get(obj, key);
    return v && json_to_f64(v, &value, NULL) == OK ? value : 0;
}

static run_spread spread_of(const json *timings, const char *const keys[4], uint64_t count)
{
    return (run_spread){decimal(timings, keys[0]), decimal(timings, keys[1]),
                        decimal(timings, keys[2]), decimal(timings, keys[3]), count};
}

static void add_summary(run_summary *total, const report_saved *s)
{
    const json *stats = json_get(s->run, "stats"), *timings = json_get(s->run, "timings");
    static const char *const response[] = {"responseAverage", "responseMin", "responseMax",
                                           "responseSd"};
    run_summary one = {
        .iterations = count_of(stats, "iterations"),
        .items = count_of(stats, "items"),
        .scripts = count_of(stats, "scripts"),
        .prerequests = count_of(stats, "prerequests"),
        .requests = count_of(stats, "requests"),
        .tests = count_of(stats, "tests"),
        .assertions = count_of(stats, "assertions"),
        .test_scripts = count_of(stats, "testScripts"),
        .prerequest_scripts = count_of(stats, "prerequestScripts"),
        .started_wall_ms = json_i64_or(json_get(timings, "started"), 0),
        .completed_wall_ms = json_i64_or(json_get(timings, "completed"), 0),
        .response_bytes =
            (uint64_t)fmax(0, decimal(json_get(s->run, "transfers"), "responseTotal")),
    };
    one.response = spread_of(timings, response, one.requests.total - (uint64_t)one.requests.failed);
    run_summary_add(total, &one);
}

// Room for those of all reports is there.
static void add_failures(told *t, const report_saved *s)
{
    JSON_EACH (json_get(s->run, "failures"), f) {
        const json *cursor = json_get(f, "cursor");
        t->cursor.iteration = number(cursor, "iteration");
        t->cursor.position = number(cursor, "position");
        run_failure one = failure_of(t, json_get(f, "error"), NULL);
        one.at = text(f, "at");
        const json *source = json_get(f, "source");
        for (uint32_t i = 0; source && i < t->source.collection->request_count; i++) {
            const pm_item *r = t->source.collection->requests[i];
            bool named = !one.item && str_eq(r->name, text(source, "name"));
            if (named || str_eq(r->id, text(source, "id")))
                one.item = r;
        }
        t->summary.failures.ptr[t->summary.failures.len++] = one;
        t->summary.failure_count++;
    }
}

static const json *own_veil(void *ctx, arena *a, const json *part)
{
    (void)ctx;
    (void)a;
    return part; // what was written is fit to be shown
}

static void own_show(void *ctx, js_scope_name name, buf *out)
{
    const told *t = ctx;
    const report_saved *last = t->reports[t->count - 1];
    const json *scope = json_get(last->root, name == JS_GLOBALS ? "globals" : "environment");
    if (scope)
        json_write(out, scope, JSON_COMPACT);
}

static void own_stop(void *ctx)
{
    (void)ctx;
}

// The report whose next execution comes first.
static size_t first_of(const json *const *next, size_t count)
{
    size_t best = count;
    for (size_t i = 0; i < count; i++) {
        if (!next[i])
            continue;
        const json *a = json_get(next[i], "cursor");
        const json *b = best < count ? json_get(next[best], "cursor") : NULL;
        uint64_t x = (uint64_t)number(a, "iteration") << 32 | number(a, "position");
        uint64_t y = (uint64_t)number(b, "iteration") << 32 | number(b, "position");
        if (best == count || x < y)
            best = i;
    }
    return best;
}

static void tell_run(told *t)
{
    const json **next = arena_array(t->a, t->count, sizeof(*next));
    size_t failures = 0;
    for (size_t i = 0; i < t->count; i++)
        failures += failures_of(t->reports[i]);
    t->summary.failures.ptr = arena_array(t->a, failures, sizeof(run_failure));
    for (size_t i = 0; i < t->count; i++) {
        const json *first = json_first(t->reports[i]->executions);
        next[i] = first;
        uint32_t cycles = number(json_get(first, "cursor"), "cycles");
        t->cursor.iterations = cycles > t->cursor.iterations ? cycles : t->cursor.iterations;
        add_summary(&t->summary, t->reports[i]);
        add_failures(t, t->reports[i]);
    }
    t->cursor.iteration = t->cursor.position = 0;
    t->cursor.length = t->source.collection->request_count;
    uint32_t iteration = UINT32_MAX;
    tell(t, (run_event){.kind = RUN_START});
    for (size_t i; (i = first_of(next, t->count)) < t->count;) {
        uint32_t at = number(json_get(next[i], "cursor"), "iteration");
        t->cursor.iteration = at;
        t->cursor.iteration = at;
        if (at != iteration)
            tell(t, (run_event){.kind = RUN_ITERATION});
        iteration = at;
        next[i] = tell_turn(t, next[i]);
    }
    tell(t, (run_event){.kind = RUN_DONE});
}

static bool same_collection(const report_saved *a, const report_saved *b)
{
    const pm_item *x = a->collection->root, *y = b->collection->root;
    bool same_id = str_eq(text(json_get(a->collection->raw, "info"), "_postman_id"),
                          text(json_get(b->collection->raw, "info"), "_postman_id"));
    return same_id && str_eq(x->name, y->name) &&
           a->collection->request_count == b->collection->request_count;
}

void report_saved_tell(arena *a, report_saved *const *reports, size_t count,
                       const run_listener *listeners, size_t listener_count)
{
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && same_collection(reports[from], reports[to]);)
            to++;
        told *t = ARENA_NEW(a, told); // a source outlives its telling
        t->a = a;
        arena_init(&t->turn);
        t->reports = reports + from;
        t->count = to - from;
        t->listeners = listeners;
        t->listener_count = listener_count;
        t->source =
            (run_source){reports[from]->collection, &t->summary, t, own_veil, own_show, own_stop};
        tell_run(t);
        arena_deinit(&t->turn);
    }
}
