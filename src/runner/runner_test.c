// SPDX-License-Identifier: Apache-2.0
// The order of a run and what it counts (contracts: Postman §3).
#include "runner/runner_test_stage.h"

#include <signal.h>

// A collection of requests to the server. A script is written with ` for quotes.
typedef struct row row;
struct row {
    const char *name, *path, *before, *after;
};

static void add_script(buf *b, const char *listen, const char *script)
{
    buf_addf(b, "{'listen':'%s','script':{'exec':['%s']}}", listen, script);
}

static const char *collection(stage *s, const row *rows, size_t count)
{
    buf b;
    buf_init(&b, 1 << 20);
    buf_addz(&b, "{'info':{'name':'C'},'item':[");
    for (size_t i = 0; i < count; i++) {
        const row *w = &rows[i];
        buf_addf(&b, "%s{'name':'%s','request':'HOST%s','event':[", i ? "," : "", w->name, w->path);
        if (w->before)
            add_script(&b, "prerequest", w->before);
        if (w->before && w->after)
            buf_addz(&b, ",");
        if (w->after)
            add_script(&b, "test", w->after);
        buf_addz(&b, "]}");
    }
    buf_addz(&b, "]}");
    const char *text = arena_str(&s->mem, buf_str(&b)).ptr;
    buf_deinit(&b);
    return text;
}

#define RUN(s, ...)                                                                                \
    run((s), collection((s), (const row[]){__VA_ARGS__}, ARRAY_LEN(((const row[]){__VA_ARGS__}))))

static void an_empty_collection_starts_and_ends(void **state)
{
    stage *s = *state;
    const run_summary *sum = run(s, "{'info':{'name':'C'},'item':[]}");
    assert_log(s, "start\ndone\n");
    assert_int_equal(sum->iterations.total, 0);
    assert_int_equal(sum->failures.len, 0);
}

static void a_request_without_scripts_is_sent(void **state)
{
    stage *s = *state;
    const run_summary *sum = RUN(s, {"one", "/echo?a=1", NULL, NULL});
    assert_log(s,
               "start\niteration 0/1\nitem one 0/1\nscripts prerequest\nend of scripts\nrequest\n"
               "response 200\nscripts test\nend of scripts\nend of item\nend of iteration\ndone\n");
    assert_strz(request_line(s, 0), "GET /echo?a=1");
    assert_true(contains(s->body, "GET /echo?a=1 HTTP/1.1"));
    assert_int_equal(sum->requests.total, 1);
    assert_int_equal(sum->requests.pending, 0);
    assert_int_equal(sum->iterations.total, 1);
    assert_int_equal(sum->items.total, 1);
    assert_int_equal(sum->tests.total, 1);
    assert_int_equal(sum->scripts.total, 0);
    assert_true(sum->response_bytes > 0);
}

#define EVENT(listen, script) "{'listen':'" listen "','script':{'exec':[\"" script "\"]}}"

static void scripts_run_outermost_first(void **state)
{
    stage *s = *state;
    const run_summary *sum =
        run(s, "{'info':{'name':'C'},'event':["
               "{'listen':'test','script':{'exec':['console.log(`t`, 1)']}},"
               "{'listen':'prerequest','script':{'exec':['console.log(`p`, 1)']}}],"
               "'item':[{'name':'F','event':["
               "{'listen':'prerequest','script':{'exec':['console.log(`p`, 2)']}},"
               "{'listen':'test','script':{'exec':['console.log(`t`, 2)']}}],"
               "'item':[{'name':'one','request':'HOST/x','event':["
               "{'listen':'test','script':{'exec':['console.log(`t`, 3);',"
               "'pm.test(`is 200`, () => pm.expect(pm.response.code).to.equal(200))']}}]}]}]}");
    assert_log(s, "start\niteration 0/1\nitem one 0/1\n"
                  "scripts prerequest\n"
                  "script prerequest of C\nconsole 'p' 1\nend of script of C\n"
                  "script prerequest of F\nconsole 'p' 2\nend of script of F\n"
                  "end of scripts\nrequest\nresponse 200\n"
                  "scripts test\n"
                  "script test of C\nconsole 't' 1\nend of script of C\n"
                  "script test of F\nconsole 't' 2\nend of script of F\n"
                  "script test of one\nconsole 't' 3\nassertion is 200\nend of script of one\n"
                  "end of scripts\nend of item\nend of iteration\ndone\n");
    assert_int_equal(sum->scripts.total, 5);
    assert_int_equal(sum->test_scripts.total, 3);
    assert_int_equal(sum->prerequest_scripts.total, 2);
    assert_int_equal(sum->assertions.total, 1);
    assert_int_equal(sum->assertions.failed, 0);
}

static void errors_do_not_stop_what_comes_after(void **state)
{
    stage *s = *state;
    const run_summary *sum = run(
        s, "{'info':{'name':'C'},'item':[{'name':'one','request':'http://127.0.0.1:1/','event':["
           "{'listen':'prerequest','script':{'exec':['throw new Error(`before`)']}},"
           "{'listen':'test','script':{'exec':['console.log(pm.response.code);',"
           "'pm.test(`never`, () => pm.expect(1).to.equal(2));','undefined_name']}}]},"
           "{'name':'two','request':'HOST/two'}]}");
    str ends = lines_of(s, "end of script ");
    assert_true(
        contains(ends, "end of script of one FAIL Error: before at prerequest-script:1:16|"));
    assert_true(contains(ends, "FAIL ReferenceError: undefined_name is not defined at "
                               "test-script:3:1"));
    assert_strz(lines_of(s, "response"),
                "response 0 FAIL Error: connect ECONNREFUSED 127.0.0.1:1 at request|response 200");
    assert_strz(lines_of(s, "console"), "console undefined");
    assert_strz(lines_of(s, "assertion"),
                "assertion never FAIL AssertionError: expected 1 to equal 2 at "
                "assertion:0 in test-script");
    assert_int_equal(sum->failures.len, 4);
    assert_int_equal(sum->requests.failed, 1);
    assert_int_equal(sum->scripts.failed, 2);
    assert_int_equal(sum->test_scripts.failed, 1);
    assert_int_equal(sum->prerequest_scripts.failed, 1);
    assert_int_equal(sum->failures.ptr[1].code, FETCH_CONNECT);
}

static void an_empty_script_counts_as_one(void **state)
{
    stage *s = *state;
    const run_summary *sum = RUN(s, {"one", "/1", "", " "});
    assert_int_equal(sum->scripts.total, 2);
    assert_int_equal(sum->test_scripts.total, 1);
    assert_int_equal(sum->failures.len, 0);
}

static void an_assertion_that_throws_no_error_shows_its_name(void **state)
{
    stage *s = *state;
    const run_summary *sum =
        RUN(s, {"one", "/", NULL, "pm.test(`bare`, () => { throw 1 }); pm.test.skip(`later`)"});
    assert_strz(lines_of(s, "assertion"),
                "assertion bare FAIL AssertionError: bare at assertion:0 in test-script|"
                "assertion later skipped");
    assert_int_equal(sum->assertions.total, 2);
    assert_int_equal(sum->assertions.failed, 1);
    assert_strz(sum->failures.ptr[0].stack,
                "AssertionError: \n   at Object.eval sandbox-script.js:1:1)");
}

static void an_error_in_a_timer_is_no_failure(void **state)
{
    stage *s = *state;
    const run_summary *sum =
        RUN(s, {"one", "/", NULL, "setTimeout(() => { throw new Error(`late`) }, 1)"});
    assert_strz(lines_of(s, "exception"), "exception late");
    assert_int_equal(sum->failures.len, 0);
}

// ---- where the run goes -------------------------------------------------------------------------

static void set_next_request_jumps(void **state)
{
    static const struct {
        const char *script, *went, *told;
    } rows[] = {
        {"1", "item a 0/4|item b 1/4|item c 2/4|item b 3/4", ""},
        {"pm.execution.setNextRequest(`c`)", "item a 0/4|item c 2/4|item b 3/4", "next c"},
        // of equal names the last
        {"postman.setNextRequest(`b`)", "item a 0/4|item b 3/4", "next b"},
        {"pm.execution.setNextRequest(null)", "item a 0/4", "next "},
        {"pm.execution.setNextRequest(`nobody`)", "item a 0/4", "next nobody"},
        // the last call counts
        {"pm.setNextRequest(null); pm.setNextRequest(`c`)", "item a 0/4|item c 2/4|item b 3/4",
         "next c"},
    };
    stage *s = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        RUN(s, {"a", "/a", NULL, rows[i].script}, {"b", "/b", NULL, NULL}, {"c", "/c", NULL, NULL},
            {"b", "/d", NULL, NULL});
        assert_strz(lines_of(s, "item "), arena_printf(&s->mem, "%s", rows[i].went).ptr);
        assert_strz(lines_of(s, "next"), rows[i].told);
    }
}

static void set_next_request_means_an_id_before_a_name(void **state)
{
    stage *s = *state;
    run(s, "{'info':{'name':'C'},'item':[{'id':'first','name':'a','request':'HOST/a','event':["
           "{'listen':'prerequest','script':{'exec':'pm.setNextRequest(`b`)'}}]},"
           "{'id':'x','name':'skipped','request':'HOST/1'},"
           "{'id':'b','name':'by id','request':'HOST/2'},"
           "{'id':'y','name':'b','request':'HOST/3'}]}");
    assert_strz(lines_of(s, "item "), "item a 0/4|item by id 2/4|item b 3/4");
}

// A loop that a script ends.
static void set_next_request_may_go_back(void **state)
{
    stage *s = *state;
    const run_summary *sum = RUN(s, {"a", "/a", NULL,
                                     "n = (typeof n === `undefined` ? 0 : n) + 1;"
                                     "pm.setNextRequest(n < 3 ? `a` : null)"});
    assert_int_equal(sum->requests.total, 3);
    assert_int_equal(sum->iterations.total, 1);
}

static void skip_request_skips_the_rest(void **state)
{
    stage *s = *state;
    s->o.iterations = 1;
    const run_summary *sum =
        run(s, "{'info':{'name':'C'},'event':[{'listen':'prerequest','script':{'exec':["
               "'pm.environment.set(`a`, 1); if (pm.info.requestName === `one`)',"
               "'pm.execution.skipRequest(); pm.environment.set(`b`, 1)']}}],"
               "'item':[{'name':'one','request':'HOST/1','event':["
               "{'listen':'prerequest','script':{'exec':'console.log(`never`)'}},"
               "{'listen':'test','script':{'exec':'console.log(`never`)'}}]},"
               "{'name':'two','request':'HOST/2'}]}");
    assert_strz(lines_of(s, "end of item"), "end of item skipped|end of item");
    assert_strz(lines_of(s, "console"), "");
    assert_int_equal(sum->requests.total, 1);
    assert_int_equal(sum->items.total, 2);
    assert_int_equal(sum->tests.total, 1);
    assert_int_equal(sum->failures.len, 0);
}

static void bail_ends_after_the_first_failure(void **state)
{
    stage *s = *state;
    s->o.bail = true;
    s->o.iterations = 3;
    const run_summary *sum = run(
        s, "{'info':{'name':'C'},'event':[{'listen':'test','script':{'exec':["
           "'pm.test(`x`, () => pm.expect(1).to.equal(2)); pm.test(`y`, () => { throw 1 })']}}],"
           "'item':[{'name':'one','request':'HOST/1','event':["
           "{'listen':'test','script':{'exec':'console.log(`not any more`)'}}]},"
           "{'name':'two','request':'HOST/2'}]}");
    assert_strz(lines_of(s, "end of script "),
                "end of script of C FAIL AssertionFailure: x, y at test-script");
    assert_strz(lines_of(s, "console"), "");
    assert_int_equal(sum->failures.len, 3);
    assert_int_equal(sum->iterations.total, 1);
    assert_int_equal(sum->items.total, 1);
    assert_true(contains(lines_of(s, "end of item"), "end of item"));
    assert_true(str_ends(buf_str(&s->log), STR("end of item\nend of iteration\ndone\n")));
}

static void bail_counts_errors_too(void **state)
{
    stage *s = *state;
    s->o.bail = true;
    run(s, "{'info':{'name':'C'},'item':[{'name':'one','request':'http://127.0.0.1:1','event':["
           "{'listen':'test','script':{'exec':'console.log(`never`)'}}]},"
           "{'name':'two','request':'HOST/2'}]}");
    assert_strz(lines_of(s, "item "), "item one 0/2");
    assert_strz(lines_of(s, "scripts test"), "");
    RUN(s, {"one", "/1", "null.x", NULL}, {"two", "/2", NULL, NULL});
    assert_strz(lines_of(s, "request"), "");
    assert_int_equal(runner_summary(s->r)->failures.len, 1);
}

// With `folder`, assertions don't end anything; an error ends the run on the spot.
static void bail_folder_ends_the_run_at_an_error(void **state)
{
    stage *s = *state;
    s->o.bail_folder = true;
    const run_summary *sum =
        RUN(s, {"one", "/1", NULL, "pm.test(`x`, () => { throw new Error(1) })"},
            {"two", "/2", NULL, "throw new TypeError(`gone`)"}, {"three", "/3", NULL, NULL});
    assert_strz(lines_of(s, "item "), "item one 0/3|item two 1/3");
    assert_true(contains(lines_of(s, "done"), "done FAIL TypeError: gone"));
    assert_int_equal(sum->failures.len, 2); // not counted again
}

static void iterations_follow_rows(void **state)
{
    static const struct {
        const char *data;
        uint32_t iterations;
        const char *seen;
    } rows[] = {
        {NULL, 0, "console 0 1 undefined"},
        {NULL, 2, "console 0 2 undefined|console 1 2 undefined"},
        {"[{'n':'a'},{'n':'b'}]", 0, "console 0 2 'a'|console 1 2 'b'"},
        {"[{'n':'a'},{'n':'b'}]", 1, "console 0 1 'a'"},
        {"[{'n':'a'},{'n':'b'}]", 4,
         "console 0 4 'a'|console 1 4 'b'|console 2 4 'b'|"
         "console 3 4 'b'"},
        {"[]", 0, "console 0 1 undefined"},
    };
    stage *s = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json *data = NULL;
        if (rows[i].data)
            assert_code(json_parse(&s->mem, json_of(s, rows[i].data), NULL, &data, NULL), OK);
        s->o.data = data;
        s->o.iterations = rows[i].iterations;
        RUN(s, {"one", "/{{n}}",
                "console.log(pm.info.iteration, pm.info.iterationCount, pm.iterationData.get(`n`))",
                NULL});
        assert_strz(lines_of(s, "console"), rows[i].seen);
    }
    assert_strz(request_line(s, 3), "GET /a");
    assert_strz(request_line(s, 4), "GET /b");
}

// ---- folders ------------------------------------------------------------------------------------

static const char *const tree =
    "{'info':{'name':'C'},'item':["
    "{'name':'F','item':[{'name':'deep','item':[{'id':'1','name':'one','request':'HOST/1'}]},"
    "{'id':'2','name':'two','request':'HOST/2'}]},"
    "{'name':'deep','item':[{'id':'3','name':'three','request':'HOST/3'}]},"
    "{'name':'empty','item':[]}]}";

static void folders_select(void **state)
{
    static const struct {
        const char *names[3];
        size_t count;
        const char *ran;
    } rows[] = {
        {{NULL}, 0, "item one 0/3|item two 1/3|item three 2/3"},
        {{"F"}, 1, "item one 0/2|item two 1/2"},
        {{"deep"}, 1, "item three 0/1"}, // own members before those deeper down
        {{"2"}, 1, "item two 0/1"},
        {{"one"}, 1, "item one 0/1"},
        {{"empty"}, 1, ""},
        {{"three", "two"}, 2, "item two 0/2|item three 1/2"}, // in document order
        {{"F", "two"}, 2, "item one 0/2|item two 1/2"},       // once
        {{"two", "two"}, 2, "item two 0/1"},
    };
    stage *s = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        str names[3];
        for (size_t k = 0; k < rows[i].count; k++)
            names[k] = str_from(rows[i].names[k]);
        s->o.folders = names;
        s->o.folder_count = rows[i].count;
        run(s, tree);
        assert_strz(lines_of(s, "item "), rows[i].ran);
    }
}

static void a_folder_that_is_not_there(void **state)
{
    stage *s = *state;
    err e = ERR_INIT;
    runner *r = NULL;
    str names[] = {STR("F"), STR("thre")};
    load(s, tree);
    s->o.folders = names;
    s->o.folder_count = 2;
    assert_code(runner_new(s->loop, &s->o, &r, &e), RUN_FOLDER);
    assert_string_equal(e.msg, "the collection has no folder or request 'thre'");
    assert_string_equal(e.hint, "did you mean 'three'?");
    assert_null(r);
    names[0] = STR("nothing");
    s->o.folder_count = 1;
    assert_code(runner_new(s->loop, &s->o, &r, &e), RUN_FOLDER);
}

// ---- variables and changes ----------------------------------------------------------------------

static void variables_last_as_long_as_their_scope(void **state)
{
    stage *s = *state;
    err e = ERR_INIT;
    pm_values env;
    s->o.iterations = 2;
    assert_code(pm_values_read(&s->mem,
                               json_of(s, "{'id':'e','name':'staging','values':["
                                          "{'key':'who','value':'file'}]}"),
                               "env", "environment", &env, &e),
                OK);
    s->o.environment = &env;
    const str over[] = {STR("who=command line"), STR("other=a=b")};
    s->o.env_vars = over;
    s->o.env_var_count = 2;
    RUN(s,
        {"one", "/{{who}}/{{n}}",
         "console.log(pm.environment.name, pm.environment.get(`other`), pm.variables.get(`n`));"
         "pm.variables.set(`n`, (pm.variables.get(`n`) || 0) + 1); pm.environment.set(`o`, {a: 1})",
         "console.log(pm.variables.get(`n`), pm.environment.get(`o`).a)"});
    assert_strz(lines_of(s, "console"),
                "console 'staging' 'a=b' undefined|console 1 1|console 'staging' 'a=b' 1|"
                "console 2 1");
    assert_strz(request_line(s, 0), "GET /command%20line/1");
    assert_strz(request_line(s, 1), "GET /command%20line/2");
    buf out;
    buf_init(&out, 1 << 20);
    runner_export(s->r, JS_ENVIRONMENT, &out);
    json *root;
    assert_code(json_parse(&s->mem, buf_str(&out), NULL, &root, &e), OK);
    assert_true(json_is_str(json_get(root, "id"), "e"));
    assert_true(json_is_str(json_get(root, "name"), "staging"));
    assert_true(json_is_str(json_get(root, "_postman_variable_scope"), "environment"));
    const json *values = json_get(root, "values");
    assert_int_equal(values->len, 3);
    assert_true(json_is_str(json_get(json_at(values, 0), "value"), "command line"));
    assert_true(json_is(json_get(json_at(values, 2), "value"), JSON_OBJECT));
    buf_deinit(&out);
}

static void the_collection_is_exported_as_it_was_read(void **state)
{
    stage *s = *state;
    buf out;
    json *root;
    run(s, "{'info':{'name':'C'},'variable':[{'key':'a','value':'1'}],'item':[{'name':'one',"
           "'request':'HOST/1','event':[{'listen':'test','script':{'exec':"
           "'pm.collectionVariables.set(`a`, `2`)'}}]}]}");
    buf_init(&out, 1 << 20);
    runner_export(s->r, JS_COLLECTION, &out);
    assert_code(json_parse(&s->mem, buf_str(&out), NULL, &root, NULL), OK);
    assert_true(json_is_str(json_get(json_get(root, "info"), "name"), "C"));
    assert_true(json_is_str(json_get(json_at(json_get(root, "variable"), 0), "value"), "1"));
    assert_int_equal(json_get(root, "item")->len, 1);
    buf_deinit(&out);
}

static void changes_of_the_request_are_sent_once(void **state)
{
    stage *s = *state;
    s->o.iterations = 2;
    RUN(s, {"one", "/as-written",
            "console.log(pm.request.url.getPath());"
            "pm.request.headers.add({key: `X-Made`, value: `{{v}}`}); pm.request.method = `PUT`;"
            "pm.variables.set(`v`, `late`); pm.request.url.path = [`changed`]",
            "console.log(pm.request.headers.get(`X-Made`), pm.request.method)"});
    assert_strz(lines_of(s, "console"), "console '/as-written'|console 'late' 'PUT'|"
                                        "console '/as-written'|console 'late' 'PUT'");
    assert_strz(request_line(s, 1), "PUT /changed");
    assert_strz(sent(s, 1, "X-Made"), "late");
    assert_strz(sent(s, 1, "Content-Length"), "0");
}

// T50: values that name each other grow up to a limit, and the run goes on.
static void T50_cycles_of_variables_end(void **state)
{
    stage *s = *state;
    const run_summary *sum =
        run(s, "{'info':{'name':'C'},'variable':[{'key':'a','value':'{{b}}{{b}}{{b}}{{b}}'},"
               "{'key':'b','value':'{{a}}{{a}}{{a}}{{a}}'}],'item':["
               "{'name':'one','request':'HOST/{{a}}'},{'name':'two','request':'HOST/2'}]}");
    assert_int_equal(sum->failures.len, 1);
    assert_int_equal(sum->failures.ptr[0].code, PM_LIMIT);
    assert_strz(sum->failures.ptr[0].at, "request");
    assert_int_equal(sum->requests.total, 2);
    assert_int_equal(sum->requests.failed, 1);
}

// ---- time, and the end --------------------------------------------------------------------------
// The loop's clock may lag behind ours: what is waited for may seem shorter by that.

static void the_delay_comes_before_each_request(void **state)
{
    stage *s = *state;
    s->o.delay_ms = 30;
    uint64_t before = clock_mono_ms();
    RUN(s, {"one", "/1", NULL, NULL}, {"two", "/2", NULL, NULL});
    assert_true(clock_mono_ms() - before >= 50);
}

static void a_request_times_out(void **state)
{
    stage *s = *state;
    s->o.request_timeout_ms = 500;
    const run_summary *sum = RUN(s, {"one", "/hang", NULL, NULL}, {"two", "/2", NULL, NULL});
    assert_strz(lines_of(s, "response"),
                "response 0 FAIL Error: ESOCKETTIMEDOUT at request|response 200");
    assert_int_equal(sum->failures.ptr[0].code, FETCH_TIMEOUT);
}

// One time for a request with all its redirects.
static void redirects_share_the_time_of_their_request(void **state)
{
    stage *s = *state;
    s->o.request_timeout_ms = 500;
    uint64_t before = clock_mono_ms();
    const run_summary *sum = RUN(s, {"one", "/to/302//hang", NULL, NULL});
    assert_int_equal(sum->failures.len, 1);
    assert_int_equal(sum->failures.ptr[0].code, FETCH_TIMEOUT);
    assert_int_equal(s->requests.len, 2);
    assert_true(clock_mono_ms() - before >= 450);
}

static void a_script_times_out(void **state)
{
    stage *s = *state;
    s->o.script_timeout_ms = 100;
    const run_summary *sum = RUN(s, {"one", "/1", NULL, "for (;;);"}, {"two", "/2", NULL, NULL});
    assert_true(contains(lines_of(s, "end of script "), "synchronous script execution timeout"));
    assert_int_equal(sum->failures.ptr[0].code, SCRIPT_TIMEOUT);
    assert_int_equal(sum->requests.total, 2);
}

static void the_run_times_out(void **state)
{
    static const row rows[] = {{"in a request", "/hang", NULL, NULL},
                               {"in a script", "/", "for (;;);", NULL},
                               {"in a question", "/", "pm.sendRequest(`HOST/hang`)", NULL}};
    stage *s = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        s->o.timeout_ms = 150;
        const run_summary *sum = run(s, collection(s, &rows[i], 1));
        assert_strz(lines_of(s, "done"), "done FAIL Error: callback timed out at run");
        assert_int_equal(sum->failures.len, 1);
        assert_int_equal(sum->failures.ptr[0].code, SYS_TIMEOUT);
        assert_null(sum->failures.ptr[0].item);
    }
}

static void stop_after_first(stage *s, const run_event *ev)
{
    if (ev->kind == RUN_REQUEST)
        runner_stop(s->r);
}

static void stopping_ends_the_run_in_order(void **state)
{
    stage *s = *state;
    s->on_event = stop_after_first;
    s->o.iterations = 5;
    const run_summary *sum = RUN(s, {"one", "/1", NULL, "1"}, {"two", "/2", NULL, NULL});
    assert_int_equal(sum->requests.total, 1);
    assert_true(
        str_ends(buf_str(&s->log), STR("end of scripts\nend of item\nend of iteration\ndone\n")));
}

static void stopping_does_not_wait_for_the_delay(void **state)
{
    stage *s = *state;
    bool never = false;
    s->o.delay_ms = 3600 * 1000;
    load(s, collection(s, (const row[]){{"one", "/1", "1", NULL}}, 1));
    begin(s);
    loop_run_until(s->loop, &never, 20);
    assert_log(s, "start\niteration 0/1\nitem one 0/1\n");
    runner_stop(s->r);
    assert_true(loop_run_until(s->loop, &s->done, TEST_WAIT_MS));
    assert_log(s, "start\niteration 0/1\nitem one 0/1\nend of item\nend of iteration\ndone\n");
    assert_int_equal(s->requests.len, 0);
}

static const row endless[] = {{"in a request", "/hang", NULL, NULL},
                              {"in a script", "/", "for (;;);", NULL},
                              {"in a question", "/", "pm.sendRequest(`HOST/hang`)", NULL}};

static void T45_stopping_twice_drops_what_would_never_end(void **state)
{
    stage *s = *state;
    bool never = false;
    for (size_t i = 0; i < ARRAY_LEN(endless); i++) {
        load(s, collection(s, &endless[i], 1));
        begin(s);
        loop_run_until(s->loop, &never, 50);
        runner_stop(s->r);
        assert_row(i, !loop_run_until(s->loop, &s->done, 50));
        runner_stop(s->r);
        runner_stop(s->r); // impatient
        assert_row(i, loop_run_until(s->loop, &s->done, TEST_WAIT_MS));
        assert_strz(lines_of(s, "done"),
                    "done FAIL Error: interrupted: what was under way is dropped at run");
        assert_int_equal(runner_summary(s->r)->failures.ptr[0].code, SYS_CANCELLED);
    }
}

static void a_run_may_be_dropped_at_any_time(void **state)
{
    stage *s = *state;
    bool never = false;
    for (size_t i = 0; i < ARRAY_LEN(endless); i++) {
        load(s, collection(s, &endless[i], 1));
        begin(s);
        loop_run_until(s->loop, &never, 50);
        runner_free(s->r);
        s->r = NULL;
        loop_run_until(s->loop, &never, 10);
        assert_false(s->done);
    }
}

// ---- the worker ---------------------------------------------------------------------------------

static void kill_worker(stage *s, const run_event *ev)
{
    if (ev->kind != RUN_BEFORE_REQUEST || !ev->exchange->by_script)
        return;
    // The worker is this process's only child.
    char path[64], text[32] = "";
    snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    assert_non_null(fgets(text, sizeof(text), in));
    fclose(in);
    kill((pid_t)strtol(text, NULL, 10), SIGSEGV);
    (void)s;
}

static void T45_a_worker_that_dies_does_not_end_the_run(void **state)
{
    stage *s = *state;
    s->on_event = kill_worker;
    const run_summary *sum =
        RUN(s, {"one", "/1", NULL, "pm.sendRequest(`HOST/hang`)"},
            {"two", "/2", NULL, "pm.test(`alive`, () => pm.expect(pm.response.code).to.eql(200))"});
    assert_true(
        contains(lines_of(s, "end of script "), "the script worker was ended by signal 11"));
    assert_strz(lines_of(s, "assertion"), "assertion alive");
    assert_int_equal(sum->failures.len, 2); // also the request whose answer nobody takes
    assert_int_equal(sum->failures.ptr[0].code, SYS_CANCELLED);
    assert_int_equal(sum->failures.ptr[1].code, SCRIPT_CRASHED);
    assert_int_equal(sum->requests.pending, 0);
}

static void counts_add_up(void **state)
{
    stage *s = *state;
    s->o.iterations = 3;
    const run_summary *sum =
        RUN(s, {"one", "/1", "1", "pm.test(`a`, () => {})"}, {"two", "/2", NULL, NULL});
    const run_count *all[] = {&sum->iterations,  &sum->items,        &sum->scripts,
                              &sum->prerequests, &sum->requests,     &sum->tests,
                              &sum->assertions,  &sum->test_scripts, &sum->prerequest_scripts};
    static const uint32_t totals[] = {3, 6, 6, 6, 6, 6, 3, 3, 3};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        assert_row(i, all[i]->total == totals[i]);
        assert_row(i, all[i]->pending == 0 && all[i]->failed == 0);
    }
    assert_true(sum->completed_wall_ms >= sum->started_wall_ms);
    assert_true(sum->first_byte.min > 0 && sum->first_byte.min <= sum->first_byte.average);
    assert_true(sum->first_byte.average <= sum->first_byte.max);
    assert_int_equal(sum->response_bytes, 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(an_empty_collection_starts_and_ends),
        STAGED(a_request_without_scripts_is_sent),
        STAGED(scripts_run_outermost_first),
        STAGED(errors_do_not_stop_what_comes_after),
        STAGED(an_empty_script_counts_as_one),
        STAGED(an_assertion_that_throws_no_error_shows_its_name),
        STAGED(an_error_in_a_timer_is_no_failure),
        STAGED(set_next_request_jumps),
        STAGED(set_next_request_means_an_id_before_a_name),
        STAGED(set_next_request_may_go_back),
        STAGED(skip_request_skips_the_rest),
        STAGED(bail_ends_after_the_first_failure),
        STAGED(bail_counts_errors_too),
        STAGED(bail_folder_ends_the_run_at_an_error),
        STAGED(iterations_follow_rows),
        STAGED(folders_select),
        STAGED(a_folder_that_is_not_there),
        STAGED(variables_last_as_long_as_their_scope),
        STAGED(the_collection_is_exported_as_it_was_read),
        STAGED(changes_of_the_request_are_sent_once),
        STAGED(T50_cycles_of_variables_end),
        STAGED(the_delay_comes_before_each_request),
        STAGED(a_request_times_out),
        STAGED(redirects_share_the_time_of_their_request),
        STAGED(a_script_times_out),
        STAGED(the_run_times_out),
        STAGED(stopping_ends_the_run_in_order),
        STAGED(stopping_does_not_wait_for_the_delay),
        STAGED(T45_stopping_twice_drops_what_would_never_end),
        STAGED(a_run_may_be_dropped_at_any_time),
        STAGED(T45_a_worker_that_dies_does_not_end_the_run),
        STAGED(counts_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
