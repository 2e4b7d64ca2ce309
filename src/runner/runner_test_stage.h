// SPDX-License-Identifier: Apache-2.0
// For the tests of this room: a run of a collection against a server on the same loop, with the
// real script worker, and what it told.
#pragma once

#include "net/net_test_server.h"
#include "runner/runner.h"

typedef struct stage stage;
struct stage {
    arena mem;
    loop *loop;
    test_server server;
    unsigned port;
    VEC(str) requests; // that the server got
    runner_options o;
    pm_collection *collection;
    runner *r;
    bool done;
    buf log;           // one line an event
    str body;          // of the last response
    run_exchange last; // its texts are copies
    void (*on_event)(stage *s, const run_event *ev);
    // A server's answers of the test's own; false: the usual ones.
    bool (*answer)(stage *s, str path, str request, buf *out);
};

// ---- the server -------------------------------------------------------------------------------

static inline void reply(buf *out, int status, const char *headers, str body)
{
    buf_addf(out, "HTTP/1.1 %d Reason\r\n%sContent-Length: %zu\r\n\r\n", status, headers, body.len);
    buf_adds(out, body);
}

static inline str decoded(stage *s, str text)
{
    buf b;
    buf_init(&b, 1 << 20);
    assert_true(percent_decode(&b, text));
    str copy = arena_str(&s->mem, buf_str(&b));
    buf_deinit(&b);
    return copy;
}

// /echo           the request itself
// /status/N       that status
// /to/N/LOCATION  a redirect to it (percent-encoded)
// /cookie/TEXT    Set-Cookie (percent-encoded)
// /hang           nothing
// anything else   the path
static inline void stage_answer(void *ctx, str request, buf *out)
{
    stage *s = ctx;
    str method, rest, path, query;
    vec_push(&s->requests, arena_str(&s->mem, request));
    str_cut(request, ' ', &method, &rest);
    str_cut(rest, ' ', &path, &rest);
    str_cut(path, '?', &path, &query);
    if (s->answer && s->answer(s, path, request, out))
        return;
    if (str_eq(path, STR("/echo"))) {
        reply(out, 200, "", request);
    } else if (str_starts(path, STR("/status/"))) {
        reply(out, (int)strtol(path.ptr + 8, NULL, 10), "", STR("{}"));
    } else if (str_starts(path, STR("/to/"))) {
        str to = decoded(s, str_skip(path, 8));
        reply(out, (int)strtol(path.ptr + 4, NULL, 10),
              arena_printf(&s->mem, "Location: " STR_FMT "\r\n", STR_ARG(to)).ptr, STR("moved"));
    } else if (str_starts(path, STR("/cookie/"))) {
        str cookie = decoded(s, str_skip(path, 8));
        reply(out, 200, arena_printf(&s->mem, "Set-Cookie: " STR_FMT "\r\n", STR_ARG(cookie)).ptr,
              STR(""));
    } else if (!str_eq(path, STR("/hang"))) {
        reply(out, 200, "", path);
    }
}

// ---- what is told -----------------------------------------------------------------------------

static inline void log_failure(stage *s, const run_failure *x)
{
    if (x)
        buf_addf(&s->log, " FAIL " STR_FMT ": " STR_FMT " at " STR_FMT, STR_ARG(x->name),
                 STR_ARG(x->message), STR_ARG(x->at));
}

static inline void log_event(stage *s, const run_event *ev)
{
    static const char *const names[] = {
        [RUN_START] = "start",
        [RUN_ITERATION] = "iteration",
        [RUN_ITEM] = "item",
        [RUN_BEFORE_SCRIPTS] = "scripts",
        [RUN_BEFORE_SCRIPT] = "script",
        [RUN_SCRIPT] = "end of script",
        [RUN_SCRIPTS] = "end of scripts",
        [RUN_BEFORE_REQUEST] = "request",
        [RUN_REQUEST] = "response",
        [RUN_ASSERTION] = "assertion",
        [RUN_CONSOLE] = "console",
        [RUN_EXCEPTION] = "exception",
        [RUN_NEXT] = "next",
        [RUN_ITEM_END] = "end of item",
        [RUN_ITERATION_END] = "end of iteration",
        [RUN_DONE] = "done",
    };
    buf_addz(&s->log, names[ev->kind]);
    if (ev->kind == RUN_ITERATION)
        buf_addf(&s->log, " %u/%u", ev->cursor->iteration, ev->cursor->iterations);
    if (ev->kind == RUN_ITEM)
        buf_addf(&s->log, " " STR_FMT " %u/%u", STR_ARG(ev->item->name), ev->cursor->position,
                 ev->cursor->length);
    if (ev->kind == RUN_BEFORE_SCRIPTS || ev->kind == RUN_BEFORE_SCRIPT)
        buf_addz(&s->log, ev->script_kind == JS_TEST ? " test" : " prerequest");
    if (ev->script)
        buf_addf(&s->log, " of " STR_FMT, STR_ARG(ev->script->owner->name));
    if (ev->kind == RUN_REQUEST)
        buf_addf(&s->log, " %d", ev->exchange->status);
    if (ev->assertion)
        buf_addf(&s->log, " " STR_FMT "%s", STR_ARG(ev->assertion->name),
                 ev->assertion->skipped ? " skipped" : "");
    for (size_t i = 0; i < ev->message_count; i++)
        buf_addf(&s->log, " " STR_FMT, STR_ARG(ev->messages[i]));
    if (ev->error)
        buf_addf(&s->log, " " STR_FMT, STR_ARG(ev->error->message));
    if (ev->kind == RUN_NEXT)
        buf_addf(&s->log, " " STR_FMT, STR_ARG(ev->next));
    if (ev->skipped)
        buf_addz(&s->log, " skipped");
    log_failure(s, ev->failure);
    buf_addc(&s->log, '\n');
}

static inline void stage_event(void *ctx, const run_event *ev)
{
    stage *s = ctx;
    log_event(s, ev);
    if (ev->kind == RUN_REQUEST) {
        const run_exchange *x = ev->exchange;
        s->last = *x;
        s->last.url = arena_str(&s->mem, x->url);
        s->last.trace = arena_str(&s->mem, x->trace);
        s->last.explain = arena_str(&s->mem, x->explain);
        s->last.identity.report = arena_str(&s->mem, x->identity.report);
        s->last.identity.principal = arena_str(&s->mem, x->identity.principal);
        s->last.identity.audience = arena_str(&s->mem, x->identity.audience);
        s->last.identity.via = arena_str(&s->mem, x->identity.via);
        s->body = arena_str(&s->mem, x->body);
    }
    if (s->on_event)
        s->on_event(s, ev);
}

// ---- a run ------------------------------------------------------------------------------------

static inline void on_run_done(void *ctx)
{
    stage *s = ctx;
    assert_false(s->done);
    s->done = true;
}

// The text of a collection: `items` with ' for ", and HOST for the server.
static inline str json_of(stage *s, const char *text)
{
    buf b;
    buf_init(&b, 1 << 20);
    for (const char *c = text; *c; c++) {
        if (!strncmp(c, "HOST", 4)) {
            buf_addf(&b, "http://127.0.0.1:%u", s->port);
            c += 3;
        } else {
            buf_addc(&b, *c == '\'' ? '"' : *c);
        }
    }
    str copy = arena_str(&s->mem, buf_str(&b));
    buf_deinit(&b);
    return copy;
}

static inline void load(stage *s, const char *text)
{
    err e = ERR_INIT;
    if (pm_collection_read(&s->mem, json_of(s, text), "test", &s->collection, &e))
        fail_msg("the collection: %s", e.msg);
    s->o.collection = s->collection;
}

static inline void begin(stage *s)
{
    err e = ERR_INIT;
    runner_free(s->r);
    s->r = NULL;
    s->done = false;
    buf_reset(&s->log);
    if (runner_new(s->loop, &s->o, &s->r, &e))
        fail_msg("the runner: %s", e.msg);
    runner_listen(s->r, &(run_listener){stage_event, s});
    runner_start(s->r, on_run_done, s);
    assert_false(s->done);
    assert_int_equal(s->log.len, 0); // nothing happens inside the call
}

static inline const run_summary *run(stage *s, const char *collection)
{
    if (collection)
        load(s, collection);
    begin(s);
    if (!loop_run_until(s->loop, &s->done, TEST_WAIT_MS))
        fail_msg("the run doesn't end; it told\n%s", buf_cstr(&s->log));
    return runner_summary(s->r);
}

static inline void assert_log(stage *s, const char *expected)
{
    assert_strz(buf_str(&s->log), expected);
}

// Lines of the log that start so, joined.
static inline str lines_of(stage *s, const char *start)
{
    buf b;
    str rest = buf_str(&s->log), line;
    buf_init(&b, 1 << 20);
    while (str_next(&rest, '\n', &line))
        if (str_starts(line, str_from(start)))
            buf_addf(&b, "%s" STR_FMT, b.len ? "|" : "", STR_ARG(line));
    str copy = arena_str(&s->mem, buf_str(&b));
    buf_deinit(&b);
    return copy;
}

static inline bool contains(str text, const char *part)
{
    return str_find(text, str_from(part)) >= 0;
}

// The value of a header that the server got, or NULL.
static inline str sent(stage *s, size_t request, const char *name)
{
    assert_true(request < s->requests.len);
    str text = s->requests.ptr[request];
    ssize_t at = str_ifind(text, arena_printf(&s->mem, "\r\n%s: ", name));
    if (at < 0)
        return STR_NONE;
    str value = str_skip(text, (size_t)at + strlen(name) + 4);
    return str_sub(value, 0, (size_t)str_chr(value, '\r'));
}

static inline str request_line(stage *s, size_t request)
{
    assert_true(request < s->requests.len);
    str text = s->requests.ptr[request];
    return str_sub(text, 0, (size_t)str_find(text, STR(" HTTP/1.1\r\n")));
}

static inline stage *stage_new(loop *l)
{
    stage *s = NEW(stage);
    arena_init(&s->mem);
    buf_init(&s->log, 16 << 20);
    s->loop = l;
    s->port = test_server_start(&s->server, s->loop, stage_answer, s);
    s->o.policy = FETCH_POLICY_PEOPLE;
    return s;
}

// The loop stays.
static inline void stage_free(stage *s)
{
    runner_free(s->r);
    test_server_stop(&s->server);
    vec_deinit(&s->requests);
    buf_deinit(&s->log);
    arena_deinit(&s->mem);
    free(s);
}

static inline int stage_set_up(void **state)
{
    *state = stage_new(loop_new());
    return 0;
}

static inline int stage_tear_down(void **state)
{
    stage *s = *state;
    loop *l = s->loop;
    stage_free(s);
    loop_free(l);
    return 0;
}

#define STAGED(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)
