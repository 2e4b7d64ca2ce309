// SPDX-License-Identifier: Apache-2.0
// What scripts do and tell.
#include <signal.h>

#include "js/js_test.h"

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
     "globals unset g= \ncollection set c=true \nenvironment set o={\"a\":1} \n"
     "environment set n=\"6\" \nenvironment unset gone= \nlocal set l=1 any\n"},
    {JS_PREREQUEST, "pm.environment.clear(); pm.environment.set('a', 'b')",
     "environment unset who= \nenvironment unset n= \nenvironment unset off= \nenvironment unset "
     "twice= \nenvironment set a=\"b\" \n"},
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

static void a_script_that_is_no_script_fails_each_time_alike(void **state)
{
    (void)state;
    seen s = begin();
    for (int i = 0; i < 2; i++) {
        run(&s, JS_TEST, "let 1x");
        assert_string_equal(s.error, "SyntaxError: invalid number literal");
    }
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

static void nothing_is_left_after_renewing(void **state)
{
    static const char *const rows[][2] = {
        {"kept = 1", "typeof kept"},
        {"String.prototype.mark = 1", "''.mark"},
        {"Object.prototype.mark = () => 1", "typeof ({}).mark"},
        {"Date.now = () => 5", "Date.now() > 5"},
        {"Date.prototype.getTime = () => 5", "new Date().getTime() > 5"},
        {"require('lodash').mark = 1", "typeof require('lodash').mark"},
        {"_.mark = 1", "typeof _.mark"},
        {"require('moment').locale('de')", "require('moment').locale()"},
        {"pm.test('t', () => pm.expect(1).to.eql(1))", "pm.info.iteration"},
    };
    (void)state;
    seen s = begin();
    js_renew(s.engine); // before any worker
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char look[200], first[200];
        snprintf(look, sizeof(look), "console.log(%s)", rows[i][1]);
        run(&s, JS_TEST, look);
        snprintf(first, sizeof(first), "%s", buf_cstr(&s.log));
        run(&s, JS_TEST, rows[i][0]);
        js_renew(s.engine);
        run(&s, JS_TEST, look);
        if (strcmp(buf_cstr(&s.log), first))
            fail_msg("row %zu: %s, after %s", i, first, buf_cstr(&s.log));
        js_renew(s.engine);
    }
    assert_int_equal(js_worker_count(s.engine), 1);
    end(&s);
}

static void what_is_renewed_is_collected(void **state)
{
    (void)state;
    seen s = begin_with(&(js_config){.memory_bytes_max = 48 << 20});
    for (int i = 0; i < 200; i++) {
        js_script script =
            script_of(JS_TEST, "left = 1; console.log(pm.environment.get('v')); "
                               "pm.test('t', () => pm.expect([1]).to.deep.include(1))");
        script.scopes[JS_ENVIRONMENT] = (js_scope){
            .values = i ? STR("[]") : STR("[{\"key\":\"v\",\"value\":\"first\"}]"), .version = 7};
        run_script(&s, &script);
        assert_log(&s, "log 'first'\nok 0 t\n");
        js_renew(s.engine);
    }
    assert_int_equal(js_worker_count(s.engine), 1);
    end(&s);
}

static void a_held_engine_takes_nothing(void **state)
{
    (void)state;
    seen other = begin(), s = begin();
    js_script script = script_of(
        JS_TEST, "for (let i = 0; i < 12; i++) console.log('x'.repeat(1 << 16)); console.log(1)");
    js_callbacks cb = callbacks;
    cb.ctx = &s;
    run(&s, JS_TEST, "1");
    js_hold(s.engine, true);
    s.done = false;
    js_run(s.engine, &script, &cb);
    run(&other, JS_TEST, "setTimeout(() => {}, 100)");
    js_engine_free(other.engine);
    buf_deinit(&other.log);
    assert_log(&s, "");
    assert_false(s.done);
    js_hold(s.engine, false);
    assert_true(loop_run_until(the_loop, &s.done, TEST_WAIT_MS));
    assert_code(s.code, OK);
    assert_true(str_ends(buf_str(&s.log), STR("\nlog 1\n")));
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
    assert_log(&s, "environment set a=1 \n");
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
    {"kept = pm; pm.globals.set('k', 1)", "globals set k=1 \n"},
    {"kept.globals.set('k', 2); console.log(kept.globals === pm.globals, kept.execution === "
     "pm.execution)",
     "log true true\nglobals set k=2 \n"},
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
        snprintf(log, sizeof(log), "log '%s'\nenvironment set v=0 \n", rows[i].seen);
        script.scopes[JS_ENVIRONMENT] =
            (js_scope){.values = str_from(values), .version = rows[i].version};
        run_script(&s, &script);
        if (!str_eq(buf_str(&s.log), str_from(log)))
            fail_msg("row %zu: got\n%swanted\n%s", i, buf_cstr(&s.log), log);
    }
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

static void a_response_that_scripts_cannot_be_given_fails_only_its_script(void **state)
{
    (void)state;
    seen s = begin();
    js_script script = script_of(JS_TEST, "console.log(pm.globals.get('g'), typeof kept)");
    js_response large = response;
    large.body = (str){mem_new(JS_FRAME_BYTES_MAX), JS_FRAME_BYTES_MAX};
    run(&s, JS_TEST, "kept = 1");
    script.scopes[JS_GLOBALS].version = 7;
    script.response = &large;
    run_script(&s, &script);
    assert_int_equal(s.code, SCRIPT_FAILED);
    assert_non_null(strstr(s.error, "more than 288 MiB (288 of them are the response)"));
    script.response = &response; // the same script and scope: the worker still has to get them
    run_script(&s, &script);
    assert_log(&s, "log 'global' 'number'\n");
    assert_int_equal(js_worker_count(s.engine), 1);
    free((void *)(uintptr_t)large.body.ptr);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(scripts_tell_what_they_did),
        unit(a_script_that_throws_has_failed),
        unit(a_script_that_is_no_script_fails_each_time_alike),
        unit(a_request_that_was_changed_comes_back),
        unit(undeclared_globals_stay_and_declared_ones_do_not),
        unit(nothing_is_left_after_renewing),
        unit(what_is_renewed_is_collected),
        unit(a_held_engine_takes_nothing),
        unit(skip_request_loses_what_comes_after),
        unit(next_request_null_ends_the_run),
        unit(a_failed_request_is_told_to_its_callback),
        unit(each_script_finds_its_own_globals),
        unit(a_scope_is_sent_again_when_its_version_is_new),
        unit(a_new_worker_gets_every_scope),
        unit(a_response_that_scripts_cannot_be_given_fails_only_its_script),
        unit(a_worker_that_cannot_start_fails_the_script),
    };
    the_loop = loop_new();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    loop_free(the_loop);
    return failed;
}
