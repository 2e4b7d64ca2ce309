// SPDX-License-Identifier: Apache-2.0
// Real scripts in the real worker, through the engine.
#pragma once

#include "base/test.h"

#include <unistd.h>

#include "js/js.h"
#include "net/net.h"

// What a script said, as text: one line a message.
typedef struct seen seen;
struct seen {
    js_engine *engine;
    buf log;
    bool done;
    code code;
    char error[512];
    js_next_kind next_kind;
    bool skip;
    char request[2048];
    bool answer;        // answer sendRequest with 201 and the request's JSON as body
    bool stall;         // don't answer at all
    str body;           // of answers, in the place of the request's JSON
    VEC(uint32_t) kept; // questions that are answered all at once, when there are as many as this
    size_t keep;
};

static void on_assertion(void *ctx, const js_assertion *a)
{
    seen *s = ctx;
    buf_addf(&s->log, "%s %u " STR_FMT,
             a->skipped  ? "skip"
             : a->passed ? "ok"
                         : "FAIL",
             a->index, STR_ARG(a->name));
    if (!a->passed)
        buf_addf(&s->log, ": " STR_FMT ": " STR_FMT, STR_ARG(a->error.name),
                 STR_ARG(a->error.message));
    buf_addc(&s->log, '\n');
}

static void on_console(void *ctx, str level, const str *messages, size_t count)
{
    seen *s = ctx;
    buf_adds(&s->log, level);
    for (size_t i = 0; i < count; i++)
        buf_addf(&s->log, " " STR_FMT, STR_ARG(messages[i]));
    buf_addc(&s->log, '\n');
}

static void on_exception(void *ctx, const js_error *e)
{
    seen *s = ctx;
    buf_addf(&s->log, "exception " STR_FMT ": " STR_FMT "\n", STR_ARG(e->name),
             STR_ARG(e->message));
}

static void on_fetch(void *ctx, const js_fetch *f)
{
    seen *s = ctx;
    js_header headers[] = {{STR("Content-Type"), STR("application/json")}};
    js_cookie cookies[] = {
        {.name = STR("sid"), .value = STR("a%20b"), .expires_ms = INT64_MAX, .max_age_s = -1}};
    js_response res = {.status = 201,
                       .reason = STR("Created"),
                       .headers = headers,
                       .header_count = 1,
                       .body = f->request,
                       .cookies = cookies,
                       .cookie_count = 1};
    js_error refused = {.name = STR("ECONNREFUSED"), .message = STR("connect ECONNREFUSED")};
    if (s->stall)
        return;
    if (s->body.ptr)
        res.body = s->body;
    vec_push(&s->kept, f->id);
    if (s->kept.len < s->keep)
        return;
    VEC_FOREACH (&s->kept, id)
        js_answer_fetch(s->engine, *id, s->answer ? NULL : &refused, s->answer ? &res : NULL);
    vec_reset(&s->kept);
}

static void on_cookies(void *ctx, const js_cookie_op *op)
{
    seen *s = ctx;
    static const char *const kinds[] = {"get", "set", "unset", "clear"};
    js_cookie found = {
        .name = STR("sid"), .value = STR("x%3Dy"), .expires_ms = INT64_MAX, .max_age_s = -1};
    buf_addf(&s->log, "cookies %s " STR_FMT " " STR_FMT STR_FMT "\n", kinds[op->kind],
             STR_ARG(op->url), STR_ARG(op->name), STR_ARG(op->cookie.name));
    js_answer_cookies(s->engine, op->id, NULL, &found, op->kind == JS_COOKIE_GET ? 1 : 0);
}

static void on_done(void *ctx, const js_result *r)
{
    static const char *const scopes[] = {"globals", "collection", "environment", "data", "local"};
    static const char *const kinds[] = {"set", "unset", "clear"};
    seen *s = ctx;
    assert_false(s->done);
    for (size_t i = 0; i < r->change_count; i++)
        buf_addf(&s->log, "%s %s " STR_FMT "=" STR_FMT " " STR_FMT "\n",
                 scopes[r->changes[i].scope], kinds[r->changes[i].kind], STR_ARG(r->changes[i].key),
                 STR_ARG(r->changes[i].value), STR_ARG(r->changes[i].type));
    if (r->next_kind == JS_NEXT_NAMED)
        buf_addf(&s->log, "next " STR_FMT "\n", STR_ARG(r->next));
    s->code = r->code;
    s->skip = r->skip;
    s->next_kind = r->next_kind;
    snprintf(s->error, sizeof(s->error), STR_FMT ": " STR_FMT, STR_ARG(r->error.name),
             STR_ARG(r->error.message));
    snprintf(s->request, sizeof(s->request), STR_FMT, STR_ARG(r->request));
    s->done = true;
}

static const js_callbacks callbacks = {on_assertion, on_console, on_exception, on_fetch,
                                       on_cookies,   on_done,    NULL};

static const js_header response_headers[] = {{STR("Content-Type"), STR("application/json")},
                                             {STR("X-One"), STR("1")}};
static const js_cookie response_cookies[] = {
    {.name = STR("sid"), .value = STR("a%20b"), .expires_ms = INT64_MAX, .max_age_s = -1}};
static const js_response response = {
    .id = STR("response-id"),
    .status = 200,
    .reason = STR("OK"),
    .headers = response_headers,
    .header_count = 2,
    .body = STR("{\"id\": 7, \"items\": [{\"name\": \"pen\"}], \"big\": 12345678901234567890}"),
    .time_ms = 12,
    .header_bytes = 60,
    .wire_body_bytes = 65,
    .cookies = response_cookies,
    .cookie_count = 1,
};
static const str location[] = {STR("Shop"), STR("Orders"), STR("create")};

static inline js_script script_of(js_event event, const char *source)
{
    return (js_script){
        .event = event,
        .source = str_from(source),
        .scopes = {[JS_GLOBALS] = {.values = STR("[{\"key\":\"g\",\"value\":\"global\"},"
                                                 "{\"key\":\"who\",\"value\":\"global\"}]")},
                   [JS_COLLECTION] = {.values =
                                          STR("[{\"key\":\"who\",\"value\":\"collection\"}]")},
                   [JS_ENVIRONMENT] = {.id = STR("env-id"),
                                       .name = STR("staging"),
                                       .values = STR(
                                           "[{\"key\":\"who\",\"value\":\"env\"},"
                                           "{\"key\":\"n\",\"value\":\"5\",\"type\":\"number\"},"
                                           "{\"key\":\"off\",\"value\":\"x\",\"disabled\":true},"
                                           "{\"key\":\"twice\",\"value\":\"1\"},"
                                           "{\"key\":\"twice\",\"value\":\"2\"}]")},
                   [JS_DATA] = {.values = STR("{\"row\":3}")},
                   [JS_LOCAL] = {.values = STR("[]")}},
        .request = STR("{\"method\":\"POST\",\"url\":\"https://orders.example/v1/:id?q=1&r={{x}}\","
                       "\"header\":[{\"key\":\"A\",\"value\":\"1\"}],"
                       "\"body\":{\"mode\":\"raw\",\"raw\":\"{}\"}}"),
        .response = event == JS_TEST ? &response : NULL,
        .request_id = STR("request-id"),
        .request_name = STR("create"),
        .iteration = 1,
        .iteration_count = 3,
        .location = location,
        .location_len = 3,
        .owner = STR("Orders"),
        .timeout_ms = 20000,
    };
}

static loop *the_loop; // main makes it

static inline void run_script(seen *s, const js_script *script)
{
    js_callbacks cb = callbacks;
    cb.ctx = s;
    s->done = false;
    buf_reset(&s->log);
    js_run(s->engine, script, &cb);
    assert_false(s->done); // never inside js_run
    assert_true(loop_run_until(the_loop, &s->done, TEST_WAIT_MS));
}

static inline void run(seen *s, js_event event, const char *source)
{
    js_script script = script_of(event, source);
    run_script(s, &script);
}

static js_engine *the_engine; // of the test that is running

static inline seen begin_with(const js_config *cfg)
{
    the_engine = js_engine_new(the_loop, cfg);
    seen s = {.engine = the_engine, .answer = true};
    buf_init(&s.log, 1 << 20);
    return s;
}

static inline seen begin(void)
{
    return begin_with(NULL);
}

// A test that failed leaves its engine, whose callbacks know what is on the test's stack.
static inline int drop_engine(void **state)
{
    (void)state;
    js_engine_free(the_engine);
    the_engine = NULL;
    return 0;
}

static inline void end(seen *s)
{
    drop_engine(NULL);
    buf_deinit(&s->log);
    vec_deinit(&s->kept);
}

// The newest child: that of an engine before may not be gone yet.
static inline pid_t worker_pid(void)
{
    char path[64], line[256] = "";
    snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    assert_non_null(fgets(line, sizeof(line), in));
    fclose(in);
    str last = str_trim(str_from(line));
    return (pid_t)strtol(last.ptr + str_rchr(last, ' ') + 1, NULL, 10);
}

#define assert_log(s, text) assert_strz(buf_str(&(s)->log), text)

#define unit(test) cmocka_unit_test_teardown(test, drop_engine)
