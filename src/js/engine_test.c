// SPDX-License-Identifier: Apache-2.0
// Real scripts in the real worker, through the engine.
#include "base/test.h"

#include <signal.h>
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

static js_script script_of(js_event event, const char *source)
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

static loop *the_loop;

static void run_script(seen *s, const js_script *script)
{
    js_callbacks cb = callbacks;
    cb.ctx = s;
    s->done = false;
    buf_reset(&s->log);
    js_run(s->engine, script, &cb);
    assert_false(s->done); // never inside js_run
    assert_true(loop_run_until(the_loop, &s->done, TEST_WAIT_MS));
}

static void run(seen *s, js_event event, const char *source)
{
    js_script script = script_of(event, source);
    run_script(s, &script);
}

static js_engine *the_engine; // of the test that is running

static seen begin_with(const js_config *cfg)
{
    the_engine = js_engine_new(the_loop, cfg);
    seen s = {.engine = the_engine, .answer = true};
    buf_init(&s.log, 1 << 20);
    return s;
}

static seen begin(void)
{
    return begin_with(NULL);
}

// A test that failed leaves its engine, whose callbacks know what is on the test's stack.
static int drop_engine(void **state)
{
    (void)state;
    js_engine_free(the_engine);
    the_engine = NULL;
    return 0;
}

static void end(seen *s)
{
    drop_engine(NULL);
    buf_deinit(&s->log);
    vec_deinit(&s->kept);
}

// The newest child: that of an engine before may not be gone yet.
static pid_t worker_pid(void)
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

// What scripts tell, in order.
static const struct {
    js_event event;
    const char *source;
    const char *log;
} told[] = {
    {JS_TEST,
     "pm.test('status', () => pm.response.to.have.status(200));"
     "pm.test('wrong', () => pm.expect(pm.response.json().id).to.eql(8));"
     "pm.test.skip('later'); pm.test('empty');",
     "ok 0 status\nFAIL 1 wrong: AssertionError: expected 7 to deeply equal 8\n"
     "skip 2 later\nok 3 empty\n"},
    {JS_TEST,
     "let go; pm.test('waits', (done) => { go = done; });"
     "pm.test('fails', (done) => setTimeout(() => { done(new Error('no')); setTimeout(go, 1); }, "
     "1));",
     "FAIL 1 fails: Error: no\nok 0 waits\n"},
    {JS_TEST, "pm.test('r', async () => { throw new Error('unseen'); });",
     "ok 0 r\nexception Error: unseen\n"},
    {JS_PREREQUEST, "console.log('a', {b: [1, null]}); console.warn(undefined)",
     "log 'a' { b: [ 1, null ] }\nwarn undefined\n"},
    {JS_PREREQUEST,
     "pm.environment.set('o', {a: 1}); pm.globals.unset('g');"
     "pm.collectionVariables.set('c', true, 'boolean'); pm.variables.set('l', 1);"
     "pm.environment.set('n', '6'); pm.environment.set('gone', 1);"
     "pm.environment.unset('gone')",
     "globals unset g= \ncollection set c=true boolean\nenvironment set o={\"a\":1} any\n"
     "environment set n=6 number\nenvironment unset gone= \nlocal set l=1 any\n"},
    {JS_PREREQUEST, "pm.environment.clear(); pm.environment.set('a', 'b')",
     "environment clear = \nenvironment set a=\"b\" any\n"},
    {JS_PREREQUEST,
     "console.log(pm.variables.get('who'), pm.variables.get('g'), "
     "pm.variables.get('row'), pm.environment.get('n') + 1, "
     "pm.environment.get('off'), pm.environment.get('twice'), "
     "pm.environment.name, pm.iterationData.get('row'), "
     "pm.variables.replaceIn('{{who}}/{{none}}'))",
     "log 'env' 'global' 3 6 undefined '2' 'staging' 3 'env/{{none}}'\n"},
    {JS_TEST,
     "console.log(pm.info.eventName, pm.info.iteration, pm.info.iterationCount, "
     "pm.info.requestName, JSON.stringify(pm.info), pm.execution.location, "
     "pm.execution.location.current)",
     "log 'test' 1 3 'create' '{}' [ 'Shop', 'Orders', 'create' ] 'Orders'\n"},
    {JS_TEST,
     "console.log(pm.request.method, pm.request.url.toString(), "
     "pm.request.url.query.get('q'), pm.request.headers.get('a'), "
     "pm.request.body.raw, pm.request.url.getPath(), pm.request.url.getHost())",
     "log 'POST' 'https://orders.example/v1/:id?q=1&r={{x}}' '1' '1' '{}' '/v1/:id' "
     "'orders.example'\n"},
    {JS_TEST,
     "const r = pm.response; console.log(r.code, r.status, r.responseTime, "
     "r.headers.get('x-one'), r.reason(), r.text().length, r.size().total, "
     "pm.cookies.get('sid'), r.stream.length)",
     "log 200 'OK' 12 '1' 'OK' 66 125 'a b' 66\n"},
    {JS_TEST,
     "pm.sendRequest({url: 'http://a.example/b', method: 'put', header: {X: 'y'}, "
     "body: {mode: 'raw', raw: 'z'}}, (e, r, more) => console.log(e, r.code, "
     "r.json().method, r.json().header[0].key, more.cookies.get('sid')))",
     "log null 201 'PUT' 'X' 'a b'\n"},
    {JS_TEST, "const r = await pm.sendRequest('http://a.example/'); console.log(r.status)",
     "log 'Created'\n"},
    {JS_TEST,
     "pm.cookies.jar().get('https://a.example/x', 'sid', (e, v) => console.log(e, v));"
     "pm.cookies.jar().set('https://a.example', 'n', 'v', (e) => console.log(e))",
     "cookies get https://a.example/x sid\ncookies set https://a.example n\n"
     "log null 'x=y'\nlog null\n"},
    {JS_TEST, "postman.setNextRequest('last')",
     "warn 'Using \"postman.setNextRequest\" is deprecated. Use "
     "\"pm.execution.setNextRequest()\" instead.'\nnext last\n"},
    {JS_TEST, "pm.execution.setNextRequest('other')", "next other\n"},
    {JS_TEST, "setTimeout(() => { throw new TypeError('late'); }, 1)",
     "exception TypeError: late\n"},
    {JS_TEST,
     "'use sandbox2'; console.log(Buffer.from('é').toString('base64'), btoa('a'), atob('YQ=='), "
     "require('lodash').chunk([1, 2, 3], 2))",
     "log 'w6k=' 'YQ==' 'a' [ [ 1, 2 ], [ 3 ] ]\n"},
    {JS_TEST,
     "const o = {}; o.o = o; const asked = {url: 'http://a.example', body: {mode: 'raw', raw: o}};"
     "try { pm.sendRequest(asked, () => {}) } catch (e) { console.log(e.message) }",
     "log 'circular reference'\n"},
    {JS_TEST, "return; console.log('never')", ""},
};

static void scripts_tell_what_they_did(void **state)
{
    (void)state;
    seen s = begin();
    for (size_t i = 0; i < ARRAY_LEN(told); i++) {
        run(&s, told[i].event, told[i].source);
        if (s.code)
            fail_msg("row %zu: %s", i, s.error);
        if (!str_eq(buf_str(&s.log), str_from(told[i].log)))
            fail_msg("row %zu: got\n%swanted\n%s", i, buf_cstr(&s.log), told[i].log);
    }
    assert_int_equal(js_worker_count(s.engine), 1);
    end(&s);
}

static void a_script_that_throws_has_failed(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        const char *error;
        code code;
    } rows[] = {
        {"undefined.x", "TypeError: cannot read property 'x' of undefined", SCRIPT_FAILED},
        {"throw 'text'", "Error: text", SCRIPT_FAILED},
        {"throw null", "Error: null", SCRIPT_FAILED},
        {"let 1x", "SyntaxError: invalid number literal", SCRIPT_FAILED},
        {"require('net')", "Error: Cannot find module 'net'", SCRIPT_FAILED},
        {"require('constructor')", "Error: Cannot find module 'constructor'", SCRIPT_FAILED},
        {"pm.response.to.be.notFound",
         "AssertionError: expected response to have status reason 'NOT FOUND' but got 'OK'",
         SCRIPT_FAILED},
        {"await Promise.reject(new Error('async'))", "Error: async", SCRIPT_FAILED},
        {"for (let a = [1];;) a = a.concat(a)", "InternalError: out of memory", SCRIPT_FAILED},
        {"(function f() { f() })()", "InternalError: stack overflow", SCRIPT_FAILED},
    };
    js_config cfg = {.memory_bytes_max = 64 << 20};
    seen s = begin_with(&cfg);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        run(&s, JS_TEST, rows[i].source);
        if (s.code != rows[i].code || strcmp(s.error, rows[i].error) != 0)
            fail_msg("row %zu: got [%s] %s", i, code_id(s.code), s.error);
    }
    assert_int_equal(js_worker_count(s.engine), 1);
    end(&s);
}

static void a_request_that_was_changed_comes_back(void **state)
{
    (void)state;
    seen s = begin();
    run(&s, JS_PREREQUEST,
        "pm.request.headers.add({key: 'B', value: '2'});"
        "pm.request.url.query.add('z=1'); pm.request.method = 'PUT'");
    assert_non_null(strstr(s.request, "\"method\":\"PUT\""));
    assert_non_null(strstr(s.request, "{\"key\":\"B\",\"value\":\"2\"}"));
    assert_non_null(strstr(s.request, "{\"key\":\"z\",\"value\":\"1\"}"));
    run(&s, JS_PREREQUEST, "pm.request.url.toString()");
    assert_string_equal(s.request, ""); // looked at, not changed
    run(&s, JS_TEST, "pm.request.method = 'PUT'");
    assert_string_equal(s.request, ""); // too late
    end(&s);
}

static void undeclared_globals_stay_and_declared_ones_do_not(void **state)
{
    (void)state;
    seen s = begin();
    run(&s, JS_TEST, "kept = 1; var a = 2; let b = 3; const c = 4; function f() {}");
    run(&s, JS_TEST, "console.log(kept, typeof a, typeof b, typeof c, typeof f)");
    assert_log(&s, "log 1 'undefined' 'undefined' 'undefined' 'undefined'\n");
    end(&s);
}

static void skip_request_loses_what_comes_after(void **state)
{
    (void)state;
    seen s = begin();
    run(&s, JS_PREREQUEST,
        "pm.environment.set('a', 1); pm.execution.skipRequest();"
        "pm.environment.set('b', 2); pm.test('never', () => {});"
        "pm.sendRequest('http://a.example', () => pm.environment.set('c', 3))");
    assert_true(s.skip);
    assert_log(&s, "environment set a=1 any\n");
    run(&s, JS_TEST, "pm.execution.skipRequest()");
    assert_string_equal(s.error, "TypeError: pm.execution.skipRequest is not a function");
    assert_false(s.skip);
    end(&s);
}

static void next_request_null_ends_the_run(void **state)
{
    (void)state;
    seen s = begin();
    run(&s, JS_TEST, "postman.setNextRequest(null)");
    assert_int_equal(s.next_kind, JS_NEXT_STOP);
    run(&s, JS_TEST, "1");
    assert_int_equal(s.next_kind, JS_NEXT_UNSET);
    end(&s);
}

static void scripts_are_stopped_when_their_time_is_over(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        const char *error;
    } rows[] = {
        {"for (;;);", "Error: sandbox: synchronous script execution timeout"},
        {"setInterval(() => {}, 10)", "Error: sandbox: asynchronous script execution timeout"},
        {"pm.sendRequest('http://a.example', () => {})",
         "Error: sandbox: asynchronous script execution timeout"},
        {"setTimeout(() => { for (;;); }, 1)",
         "Error: sandbox: asynchronous script execution timeout"},
        {"(function f() { Promise.resolve().then(f) })()",
         "Error: sandbox: asynchronous script execution timeout"},
        // Catching doesn't help.
        {"for (;;) { try { for (;;); } catch (e) {} }",
         "Error: sandbox: synchronous script execution timeout"},
    };
    seen s = begin();
    s.stall = true;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char source[200];
        snprintf(source, sizeof(source), "pm.globals.set('k', 1); %s", rows[i].source);
        js_script script = script_of(JS_TEST, source);
        script.timeout_ms = 200;
        run_script(&s, &script);
        if (s.code != SCRIPT_TIMEOUT || strcmp(s.error, rows[i].error) != 0)
            fail_msg("row %zu: got [%s] %s", i, code_id(s.code), s.error);
        assert_log(&s, "globals set k=1 any\n");  // a worker that is killed could not tell it
        run(&s, JS_TEST, "console.log('alive')"); // and nothing of the last script's goes on
        assert_log(&s, "log 'alive'\n");
        assert_int_equal(js_worker_count(s.engine), i + 2);
    }
    end(&s);
}

// The next script begins inside on_done, as the runner's do.
static void on_done_again(void *ctx, const js_result *r)
{
    seen *s = ctx;
    js_script script = script_of(JS_TEST, "console.log('next')");
    js_callbacks cb = callbacks;
    cb.ctx = s;
    js_run(s->engine, &script, &cb);
    assert_int_equal(r->code, SCRIPT_TIMEOUT);
    assert_strz(r->error.message, "sandbox: synchronous script execution timeout");
}

static void a_script_may_follow_at_once_on_one_that_was_stopped(void **state)
{
    (void)state;
    seen s = begin();
    js_script script = script_of(JS_TEST, "for (;;);");
    script.timeout_ms = 50;
    js_callbacks cb = callbacks;
    cb.on_done = on_done_again;
    cb.ctx = &s;
    js_run(s.engine, &script, &cb);
    assert_true(loop_run_until(the_loop, &s.done, TEST_WAIT_MS));
    assert_log(&s, "log 'next'\n");
    end(&s);
}

static void until_asleep(pid_t worker)
{
    char path[64], line[256] = "";
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)worker);
    while (!strstr(line, ") S ")) {
        FILE *in = fopen(path, "r");
        assert_non_null(in);
        assert_non_null(fgets(line, sizeof(line), in));
        fclose(in);
    }
}

// Its time is over, and the time to stop by itself, but others had the processor.
static void a_worker_that_got_no_processor_is_not_killed(void **state)
{
    (void)state;
    seen s = begin();
    run(&s, JS_TEST, "1");
    js_script script = script_of(JS_TEST, "console.log('late')");
    script.timeout_ms = 200;
    js_callbacks cb = callbacks;
    cb.ctx = &s;
    s.done = false;
    pid_t worker = worker_pid();
    until_asleep(worker);
    kill(worker, SIGSTOP); // before the script is sent, at the end of this turn
    js_run(s.engine, &script, &cb);
    assert_false(loop_run_until(the_loop, &s.done, script.timeout_ms + JS_KILL_CPU_MS + 300));
    kill(worker, SIGCONT);
    assert_true(loop_run_until(the_loop, &s.done, TEST_WAIT_MS));
    assert_strz(str_from(s.error), ": ");
    assert_log(&s, "log 'late'\n");
    end(&s);
}

static void a_failed_request_is_told_to_its_callback(void **state)
{
    (void)state;
    seen s = begin();
    s.answer = false;
    run(&s, JS_TEST,
        "pm.sendRequest('http://a.example', (e, r) => "
        "console.log(e.code, e.message, typeof r, r.code))");
    assert_log(&s, "log 'ECONNREFUSED' 'connect ECONNREFUSED' 'object' undefined\n");
    end(&s);
}

// ---- what one script leaves to the next ---------------------------------------------------------

// Rows run one after the other in one worker.
static const struct {
    const char *source, *log;
} followed[] = {
    // What a script does to its globals, and to pm, ends with it.
    {"tests.a = true; console = 1; pm = 2; environment = 3; pm2 = 4",
     "warn 'Using \"tests\" is deprecated. Use \"pm.test()\" instead.'\nok 0 a\n"},
    {"pm.test('b', () => pm.expect(pm2).to.equal(4)); console.log(Object.keys(tests), "
     "environment.who)",
     "ok 0 b\nwarn 'Using \"environment\" is deprecated. Use \"pm.environment\" instead.'\n"
     "log [] 'env'\n"},
    {"delete globalThis.pm; Object.defineProperty(globalThis, 'console', {value: 5, configurable: "
     "true}); delete globalThis.responseCode; JSON = null",
     ""},
    {"console.log(typeof pm.test, typeof responseCode, typeof JSON.parse)",
     "log 'function' 'object' 'function'\n"},
    {"pm.mine = 1; pm.test = 2; pm.request = 3; pm.environment = 4; pm.info = 5", ""},
    {"console.log(pm.mine, typeof pm.test, pm.request.method, pm.environment.name, "
     "pm.info.requestName, Object.keys(pm).join())",
     "log undefined 'function' 'POST' 'staging' 'create' "
     "'request,response,cookies,expect,test'\n"},
    // The first API is gone for a script that renounces it, and back for the next one.
    {"'use sandbox2'; console.log(typeof tests, typeof postman, typeof JSON.parse, typeof atob)",
     "log 'undefined' 'undefined' 'function' 'function'\n"},
    {"console.log(typeof tests, typeof postman, typeof _)", "log 'object' 'object' 'function'\n"},
    // A pm that was kept speaks for the script that runs.
    {"kept = pm; pm.globals.set('k', 1)", "globals set k=1 any\n"},
    {"kept.globals.set('k', 2); console.log(kept.globals === pm.globals, kept.execution === "
     "pm.execution)",
     "log true true\nglobals set k=2 any\n"},
};

static void each_script_finds_its_own_globals(void **state)
{
    (void)state;
    seen s = begin();
    for (size_t i = 0; i < ARRAY_LEN(followed); i++) {
        run(&s, JS_TEST, followed[i].source);
        if (s.code || !str_eq(buf_str(&s.log), str_from(followed[i].log)))
            fail_msg("row %zu: %s: got\n%swanted\n%s", i, s.error, buf_cstr(&s.log),
                     followed[i].log);
    }
    end(&s);
}

// A version says that the worker has it already: whatever the text is now, it isn't sent.
static void a_scope_is_sent_again_when_its_version_is_new(void **state)
{
    static const struct {
        uint64_t version;
        const char *value, *seen;
    } rows[] = {{1, "a", "a"}, {1, "b", "a"}, {2, "c", "c"}, {2, "d", "c"},
                {0, "e", "e"}, {0, "f", "f"}, {2, "g", "g"}};
    (void)state;
    seen s = begin();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char values[100], log[100];
        js_script script =
            script_of(JS_TEST, "console.log(pm.environment.get('v')); pm.environment.set('v', 0)");
        snprintf(values, sizeof(values), "[{\"key\":\"v\",\"value\":\"%s\"}]", rows[i].value);
        snprintf(log, sizeof(log), "log '%s'\nenvironment set v=0 any\n", rows[i].seen);
        script.scopes[JS_ENVIRONMENT] =
            (js_scope){.values = str_from(values), .version = rows[i].version};
        run_script(&s, &script);
        if (!str_eq(buf_str(&s.log), str_from(log)))
            fail_msg("row %zu: got\n%swanted\n%s", i, buf_cstr(&s.log), log);
    }
    end(&s);
}

static void T45_a_worker_that_dies_takes_only_its_script_along(void **state)
{
    (void)state;
    seen s = begin();
    run(&s, JS_TEST, "kept = 1");
    js_script script = script_of(JS_TEST, "for (;;);");
    js_callbacks cb = callbacks;
    cb.ctx = &s;
    s.done = false;
    js_run(s.engine, &script, &cb);
    kill(worker_pid(), SIGSEGV);
    assert_true(loop_run_until(the_loop, &s.done, TEST_WAIT_MS));
    assert_int_equal(s.code, SCRIPT_CRASHED);
    run(&s, JS_TEST, "console.log(typeof kept)");
    assert_log(&s, "log 'undefined'\n");
    assert_int_equal(js_worker_count(s.engine), 2);
    end(&s);
}

static void a_new_worker_gets_every_scope(void **state)
{
    (void)state;
    seen s = begin();
    js_script script = script_of(JS_TEST, "console.log(pm.globals.get('g'))");
    script.scopes[JS_GLOBALS].version = 7;
    run_script(&s, &script);
    kill(worker_pid(), SIGKILL);
    run_script(&s, &script); // the engine may learn of the death before it or in it
    run_script(&s, &script);
    assert_log(&s, "log 'global'\n");
    assert_int_equal(js_worker_count(s.engine), 2);
    end(&s);
}

static void T45_a_native_call_that_never_ends_is_killed(void **state)
{
    (void)state;
    seen s = begin();
    // No look at the time inside: one native call of years.
    js_script script = script_of(JS_TEST, "pm.globals.set('k', 1);"
                                          "[].indexOf.call({length: 2 ** 53 - 1}, 1)");
    script.timeout_ms = 100;
    run_script(&s, &script);
    assert_int_equal(s.code, SCRIPT_TIMEOUT);
    assert_log(&s, "");
    run(&s, JS_TEST, "console.log('alive')");
    assert_log(&s, "log 'alive'\n");
    assert_int_equal(js_worker_count(s.engine), 2);
    end(&s);
}

static void a_worker_that_cannot_start_fails_the_script(void **state)
{
    (void)state;
    js_config cfg = {.worker = "/nonexistent/gatepost-script"};
    seen s = begin_with(&cfg);
    run(&s, JS_TEST, "1");
    assert_int_equal(s.code, SCRIPT_WORKER);
    assert_non_null(strstr(s.error, "/nonexistent/gatepost-script"));
    end(&s);
}

static void T45_the_next_script_finds_the_language_as_it_was(void **state)
{
    (void)state;
    static const struct {
        const char *attack, *next, *log;
        uint32_t workers;
    } rows[] = {
        {"Array.prototype.map = JSON.stringify = null; Map = 5",
         "console.log([1].map(String), JSON.stringify({}), typeof Map)",
         "log [ '1' ] '{}' 'function'\n", 1},
        {"Object.prototype.passed = true; Array.prototype.map = () => []; JSON.parse = () => ({})",
         "pm.test('real', () => { throw new Error('x'); })", "FAIL 0 real: Error: x\n", 1},
        {"Object.prototype.toJSON = () => 1; Object.prototype.disabled = true",
         "console.log(JSON.stringify({}), ({}).disabled)", "log '{}' undefined\n", 1},
        // What helps others stays, as in Postman.
        {"Object.prototype.help = () => 'helped'; String.prototype.shout = () => 'HEY';"
         "Date.now = () => 5; left = 1",
         "console.log(({}).help(), ''.shout(), Date.now(), left)", "log 'helped' 'HEY' 5 1\n", 1},
        // What can't be put back ends the worker.
        {"left = 1; Object.freeze(Array.prototype)", "console.log(typeof left)",
         "log 'undefined'\n", 2},
        {"Object.defineProperty(Object.prototype, 'disabled', {value: true})",
         "console.log(({}).disabled)", "log undefined\n", 2},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        seen s = begin();
        run(&s, JS_TEST, rows[i].attack);
        assert_row(i, s.code == OK);
        run(&s, JS_TEST, rows[i].next);
        assert_log(&s, rows[i].log);
        assert_row(i, js_worker_count(s.engine) == rows[i].workers);
        end(&s);
    }
}

static void T45_what_a_script_leaves_is_read_within_its_time(void **state)
{
    (void)state;
    seen s = begin();
    js_script script = script_of(JS_TEST, "pm.globals.set('x', {toJSON() { for (;;); }})");
    script.timeout_ms = 100;
    run_script(&s, &script);
    assert_int_equal(s.code, SCRIPT_TIMEOUT);
    assert_non_null(strstr(s.error, "timeout: reading what the script left doesn't end"));
    end(&s);
}

// Each of these once left a run without an end.
static void T45_what_a_script_leaves_behind_is_its_own_error(void **state)
{
    (void)state;
    static const struct {
        const char *source, *error;
    } rows[] = {
        {"const a = {}; a.a = a; pm.environment.set('x', a)", "circular reference"},
        {"pm.environment.set('x', {toJSON() { throw new Error('poison') }})", "poison"},
        {"pm.environment.set('x', 1n)", "BigInt"},
        {"pm.request.toJSON = () => { throw new Error('poison') }", "poison"},
        {"pm.setNextRequest({toString() { throw new Error('poison') }})", "poison"},
        {"pm.request.url.hash = 'a'.repeat(130 << 20)", "can't be told"},
    };
    seen s = begin();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        run(&s, JS_PREREQUEST, rows[i].source);
        if (!strstr(s.error, rows[i].error))
            fail_msg("%s: '%s'", rows[i].source, s.error);
    }
    run(&s, JS_PREREQUEST, "pm.environment.set('bad', 1n); pm.environment.set('k', 'v')");
    assert_log(&s, "environment set k=\"v\" any\n"); // the rest is kept
    end(&s);
}

// Answers that the worker doesn't take (here: as they come all at once) must not fill the queue
// until a frame is cut.
static void T45_large_answers_to_a_busy_script_are_refused_in_time(void **state)
{
    (void)state;
    enum { BODY_BYTES = 60 << 20 };
    seen s = begin();
    char *body = mem_new(BODY_BYTES);
    memset(body, 'x', BODY_BYTES);
    s.body = (str){body, BODY_BYTES};
    s.keep = 6;
    js_script script =
        script_of(JS_TEST, "let good = 0, bad = 0, why;\n"
                           "for (let i = 0; i < 6; i++)\n"
                           "    pm.sendRequest('http://a.example/', (error) => {\n"
                           "        if (error) { bad++; why = error.message; } else good++;\n"
                           "        if (good + bad === 6) console.log(good > 0, bad > 0, why);\n"
                           "    });\n");
    script.timeout_ms = 0; // so many bytes take their time
    run_script(&s, &script);
    assert_int_equal(s.code, OK);
    assert_log(&s, "log true true 'the response is too large'\n");
    end(&s);
    free(body);
}

#define unit(test) cmocka_unit_test_teardown(test, drop_engine)

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(scripts_tell_what_they_did),
        unit(a_script_that_throws_has_failed),
        unit(a_request_that_was_changed_comes_back),
        unit(undeclared_globals_stay_and_declared_ones_do_not),
        unit(skip_request_loses_what_comes_after),
        unit(next_request_null_ends_the_run),
        unit(scripts_are_stopped_when_their_time_is_over),
        unit(a_script_may_follow_at_once_on_one_that_was_stopped),
        unit(a_worker_that_got_no_processor_is_not_killed),
        unit(a_failed_request_is_told_to_its_callback),
        unit(each_script_finds_its_own_globals),
        unit(a_scope_is_sent_again_when_its_version_is_new),
        unit(a_new_worker_gets_every_scope),
        unit(T45_a_worker_that_dies_takes_only_its_script_along),
        unit(T45_a_native_call_that_never_ends_is_killed),
        unit(a_worker_that_cannot_start_fails_the_script),
        unit(T45_large_answers_to_a_busy_script_are_refused_in_time),
        unit(T45_the_next_script_finds_the_language_as_it_was),
        unit(T45_what_a_script_leaves_is_read_within_its_time),
        unit(T45_what_a_script_leaves_behind_is_its_own_error),
    };
    the_loop = loop_new();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    loop_free(the_loop);
    return failed;
}
