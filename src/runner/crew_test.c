// SPDX-License-Identifier: Apache-2.0
// Iterations side by side: what is told is what would be told one after the other.
#include "runner/crew.h"
#include "runner/run.h"
#include "runner/runner_test_world.h"

#define ONE(path, before, after)                                                                   \
    "{'info':{'name':'C'},'item':[{'name':'one','request':'HOST" path "','event':["                \
    "{'listen':'prerequest','script':{'exec':['" before "']}},"                                    \
    "{'listen':'test','script':{'exec':['" after "']}}]}]}"

// ---- a server that keeps one request waiting ----------------------------------------------------

// The request to /held is answered when `release_at` others have come, or by let_go.
static test_client *held;
static size_t release_at, seen_others;

static test_client *client_of(stage *s, str request)
{
    VEC_FOREACH (&s->server.clients, c)
        if ((*c)->in.ptr == request.ptr)
            return *c;
    return NULL;
}

static void let_go(void)
{
    assert_non_null(held);
    stream_write(held->s, STR("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nheld"));
    held = NULL;
}

static bool keeps_waiting(stage *s, str path, str request, buf *out)
{
    (void)out;
    if (str_starts(path, STR("/held")) && seen_others < release_at) {
        held = client_of(s, request);
        assert_non_null(held);
        return true;
    }
    if (++seen_others == release_at && held)
        let_go();
    return false;
}

static void keep_waiting(stage *s, size_t until)
{
    held = NULL;
    seen_others = 0;
    release_at = until;
    s->answer = keeps_waiting;
}

static json *rows_of(stage *s, const char *text)
{
    json *rows;
    assert_code(json_parse(&s->mem, json_of(s, text), NULL, &rows, NULL), OK);
    return rows;
}

// Bodies belong to what is compared.
static void log_body(stage *s, const run_event *ev)
{
    if (ev->kind == RUN_REQUEST)
        buf_addf(&s->log, "  " STR_FMT "\n", STR_ARG(ev->exchange->body));
}

static str log_with(stage *s, const char *collection, uint32_t parallel)
{
    s->o.parallel = parallel;
    run(s, collection);
    return arena_str(&s->mem, buf_str(&s->log));
}

// ---- order --------------------------------------------------------------------------------------

static void iterations_are_told_in_their_order(void **state)
{
    stage *s = *state;
    s->o.data = rows_of(s, "[{'path':'held'},{'path':'1'},{'path':'2'},{'path':'3'},{'path':'4'},"
                           "{'path':'5'},{'path':'6'},{'path':'7'}]");
    const char *collection =
        ONE("/{{path}}", "console.log(pm.info.iteration)",
            "pm.test(`odd`, () => pm.expect(pm.info.iteration % 2).to.equal(1))");
    keep_waiting(s, 7);
    str told = log_with(s, collection, 4);
    const run_summary *sum = runner_summary(s->r);
    assert_int_equal(sum->iterations.total, 8);
    assert_int_equal(sum->failures.len, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(sum->failures.ptr[i].cursor.iteration, 2 * i);
    s->answer = NULL;
    assert_strz(log_with(s, collection, 1), told.ptr);
}

static void whatever_a_run_does_is_told_alike(void **state)
{
    static const char jumps[] =
        "{'info':{'name':'C'},'item':[{'name':'one','request':'HOST/{{n}}','event':[{'listen':"
        "'test','script':{'exec':['if (pm.iterationData.get(`n`) % 2) "
        "pm.execution.setNextRequest(`three`)']}}]},{'name':'two','request':'HOST/two','event':[{"
        "'listen':'prerequest','script':{'exec':['pm.execution.skipRequest()']}}]},{'name':'three',"
        "'request':'HOST/status/503','event':[{'listen':'test','script':{'exec':["
        "'pm.sendRequest(`HOST/asked`, (e, r) => { console.log(r.text()); "
        "setTimeout(() => { throw new Error(`later`) }, 1) })'"
        "]}}]}]}";
    static const char fails[] = ONE("/{{n}}", "if (pm.info.iteration === 2) throw new Error(`no`)",
                                    "pm.test(`{{n}}`, () => {})");
    static const char refused[] = "{'info':{'name':'C'},'item':[{'name':'one',"
                                  "'request':'http://127.0.0.1:1/'}]}";
    static const uint16_t unavailable[][2] = {{503, 503}};
    static const run_pick picks[] = {{1, 1}, {3, 0}, {3, 2}};
    static const struct {
        const char *collection;
        runner_options o;
    } rows[] = {
        {jumps, {.iterations = 7}},
        {jumps, {.iterations = 2}},
        {jumps, {.iterations = 6, .shard = {1, 3}}},
        {jumps, {.iterations = 6, .picks = picks, .pick_count = 3}},
        {jumps, {.iterations = 3, .retry = {1, false, unavailable, 1}}},
        {jumps, {.iterations = 4, .delay_ms = 1}},
        {fails, {.iterations = 5}},
        {fails, {.iterations = 5, .bail = true}},
        {fails, {.iterations = 5, .bail_folder = true}},
        {refused, {.iterations = 4, .bail = true}},
        {refused, {.iterations = 4, .bail_folder = true}},
        {"{'info':{'name':'C'},'item':[]}", {.iterations = 4}},
    };
    stage *s = *state;
    s->on_event = log_body;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        s->o = rows[i].o;
        s->o.policy = FETCH_POLICY_PEOPLE;
        s->o.data = rows_of(s, "[{'n':0},{'n':1},{'n':2},{'n':3},{'n':4}]");
        str told = log_with(s, rows[i].collection, 3);
        str after = log_with(s, rows[i].collection, 1);
        if (!str_eq(told, after))
            fail_msg("row %zu: side by side\n%s\none after the other\n%s", i, told.ptr, after.ptr);
    }
}

// ---- every iteration begins as the first --------------------------------------------------------

static void iterations_begin_afresh(void **state)
{
    stage *s = *state;
    const char *collection = ONE(
        "/cookie/c=1",
        "for (const scope of [`variables`, `environment`, `globals`, `collectionVariables`]) "
        "pm[scope].set(`n`, (pm[scope].get(`n`) || 0) + 1); left = typeof left; "
        "console.log(pm.environment.get(`n`), pm.globals.get(`n`), pm.collectionVariables.get(`n`),"
        " pm.variables.get(`n`), left, ``.mark, require(`moment`).locale()); "
        "String.prototype.mark = 1; require(`moment`).locale(`de`); "
        "console.log(pm.variables.get(`n`))",
        "pm.environment.set(`last`, pm.info.iteration)");
    s->o.iterations = 6;
    s->o.env_vars = &STR("kept=1");
    s->o.env_var_count = 1;
    log_with(s, collection, 2);
    assert_strz(lines_of(s, "console 1"), "console 1 1 1 1 'undefined' undefined 'en'|console 1|"
                                          "console 1 1 1 1 'undefined' undefined 'en'|console 1|"
                                          "console 1 1 1 1 'undefined' undefined 'en'|console 1|"
                                          "console 1 1 1 1 'undefined' undefined 'en'|console 1|"
                                          "console 1 1 1 1 'undefined' undefined 'en'|console 1|"
                                          "console 1 1 1 1 'undefined' undefined 'en'|console 1");
    for (size_t i = 0; i < s->requests.len; i++)
        assert_strz(sent(s, i, "Cookie"), "");
    buf text;
    buf_init(&text, 1 << 20);
    runner_export(s->r, JS_ENVIRONMENT, &text);
    assert_true(contains(buf_str(&text), "\"value\": 5,\n      \"key\": \"last\""));
    assert_true(contains(buf_str(&text), "\"key\": \"kept\""));
    buf_reset(&text);
    runner_export_cookies(s->r, &text);
    assert_true(contains(buf_str(&text), "\"key\": \"c\""));
    buf_deinit(&text);
}

static void what_the_last_iteration_left_is_exported(void **state)
{
    stage *s = *state;
    buf text;
    buf_init(&text, 1 << 20);
    s->o.iterations = 4;
    log_with(s, ONE("/", "if (pm.info.iteration < 3) pm.globals.set(`earlier`, 1)", ""), 2);
    runner_export(s->r, JS_GLOBALS, &text);
    assert_false(contains(buf_str(&text), "earlier"));
    buf_deinit(&text);
}

static void cookies_to_begin_with_are_every_iterations(void **state)
{
    stage *s = *state;
    s->o.cookie_jar = "{\"cookies\":[{\"key\":\"first\",\"value\":\"1\",\"domain\":\"127.0.0.1\","
                      "\"path\":\"/\",\"hostOnly\":true}]}";
    s->o.iterations = 4;
    log_with(s, ONE("/cookie/first=2", "", ""), 2);
    for (size_t i = 0; i < 4; i++)
        assert_strz(sent(s, i, "Cookie"), "first=1");
}

// A secret that an iteration learns is hidden from then on, in the order of what is told.
static void secrets_are_hidden_as_one_after_the_other(void **state)
{
    stage *s = *state;
    s->on_event = log_body;
    s->o.data = rows_of(s, "[{'pw':'hunter-1'},{'pw':'hunter-2'},{'pw':'hunter-3'}]");
    const char *collection =
        "{'info':{'name':'C'},'item':[{'name':'all','request':'HOST/hunter-1/hunter-2/hunter-3'},"
        "{'name':'mine','request':{'method':'POST','url':'HOST/{{pw}}','auth':{'type':'apikey',"
        "'apikey':[{'key':'key','value':'K'},{'key':'value','value':'{{pw}}'},{'key':'in','value':"
        "'header'}]}}}]}";
    str told = log_with(s, collection, 3);
    assert_true(contains(told, "  /hunter-1/hunter-2/hunter-3\n"));
    assert_true(contains(told, "  /***/hunter-2/hunter-3\n"));
    assert_true(contains(told, "  /***/***/hunter-3\n"));
    assert_strz(log_with(s, collection, 1), told.ptr);
}

// ---- the end ------------------------------------------------------------------------------------

static void bail_ends_with_the_first_failure_in_order(void **state)
{
    stage *s = *state;
    // Iteration 2 fails at once; iteration 1 fails when 2 and 3 have been asked for.
    s->o.data = rows_of(s, "[{'path':'0'},{'path':'held'},{'path':'fails'},{'path':'hang'},"
                           "{'path':'4'},{'path':'5'}]");
    s->o.bail = true;
    keep_waiting(s, 3);
    log_with(
        s,
        ONE("/{{path}}", "", "pm.test(`all`, () => pm.expect(pm.response.text()).to.equal(`/0`))"),
        4);
    assert_strz(lines_of(s, "iteration"), "iteration 0/6|iteration 1/6");
    assert_strz(lines_of(s, "done"), "done");
    const run_summary *sum = runner_summary(s->r);
    assert_int_equal(sum->failures.len, 2); // the assertion, and what bail makes of it
    assert_int_equal(sum->failures.ptr[0].cursor.iteration, 1);
    assert_int_equal(sum->iterations.total, 2);
    assert_int_equal(sum->requests.pending, 0);
}

static void a_failure_drops_what_would_be_told_later(void **state)
{
    stage *s = *state;
    s->o.data = rows_of(s, "[{'path':'held'},{'path':'hang'},{'path':'hang'},{'path':'hang'}]");
    s->o.bail = true;
    keep_waiting(s, 3); // hang comes thrice: nothing of it is waited for
    log_with(s, ONE("/{{path}}", "", "throw new Error(`no`)"), 4);
    assert_strz(lines_of(s, "iteration"), "iteration 0/4");
}

static void stop_later(stage *s, const run_event *ev)
{
    if (ev->kind == RUN_ITERATION && ev->cursor->iteration == 2)
        runner_stop(s->r);
}

static void stopping_tells_all_that_had_begun(void **state)
{
    stage *s = *state;
    s->on_event = stop_later;
    s->o.iterations = 1000000; // however far hands are ahead, they wait before that
    log_with(s, ONE("/", "", "1"), 4);
    const run_summary *sum = runner_summary(s->r);
    assert_true(sum->iterations.total >= 3 && sum->iterations.total < 1000000);
    assert_int_equal(sum->iterations.pending, 0);
    assert_int_equal(sum->requests.total, s->requests.len);
    assert_true(str_ends(buf_str(&s->log), STR("end of item\nend of iteration\ndone\n")));
}

static void wait_for_requests(stage *s, size_t count)
{
    bool never = false;
    while (s->requests.len < count)
        loop_run_until(s->loop, &never, 5);
}

static void T45_what_would_never_end_is_dropped_and_the_rest_told(void **state)
{
    static const char *const reasons[] = {
        "done FAIL Error: interrupted: what was under way is dropped at run",
        "done FAIL Error: callback timed out at run"};
    stage *s = *state;
    s->o.data = rows_of(s, "[{'path':'hang'},{'path':'1'},{'path':'2'},{'path':'hang'}]");
    s->o.parallel = 4;
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        s->o.timeout_ms = i ? 1500 : 0;
        load(s, ONE("/{{path}}", "", ""));
        vec_reset(&s->requests);
        begin(s);
        wait_for_requests(s, 4);
        if (!i) {
            runner_stop(s->r);
            runner_stop(s->r);
        }
        assert_true(loop_run_until(s->loop, &s->done, TEST_WAIT_MS));
        assert_strz(lines_of(s, "iteration"),
                    "iteration 0/4|iteration 1/4|iteration 2/4|iteration 3/4");
        assert_strz(lines_of(s, "done"), reasons[i]);
        assert_int_equal(runner_summary(s->r)->failures.len, 1);
        assert_int_equal(runner_summary(s->r)->requests.pending, 2);
    }
}

static void a_run_may_be_dropped_while_iterations_wait(void **state)
{
    stage *s = *state;
    s->o.data = rows_of(s, "[{'path':'hang'},{'path':'1'},{'path':'2'},{'path':'hang'}]");
    s->o.parallel = 4;
    load(s, ONE("/{{path}}", "", "for (;;);"));
    begin(s);
    wait_for_requests(s, 3);
    runner_free(s->r);
    s->r = NULL;
    assert_false(s->done);
}

static void T45_a_script_that_hangs_holds_up_its_iteration_only(void **state)
{
    stage *s = *state;
    s->o.iterations = 4;
    s->o.script_timeout_ms = 100;
    log_with(s, ONE("/", "if (pm.info.iteration === 1) for (;;);", "console.log(1)"), 4);
    assert_strz(lines_of(s, "console"), "console 1|console 1|console 1|console 1");
    assert_int_equal(runner_summary(s->r)->failures.len, 1);
    assert_int_equal(runner_summary(s->r)->failures.ptr[0].code, SCRIPT_TIMEOUT);
    assert_int_equal(runner_summary(s->r)->failures.ptr[0].cursor.iteration, 1);
}

// ---- memory -------------------------------------------------------------------------------------

static bool answers_much(stage *s, str path, str request, buf *out)
{
    static char block[1 << 20];
    memset(block, 'x', sizeof(block));
    if (!keeps_waiting(s, path, request, out))
        reply(out, 200, "", (str){block, sizeof(block)});
    return true;
}

enum { FULL_BYTES = 1 << 20 };

// Until as much is kept as may be, and a while longer.
static void run_until_full(stage *s)
{
    bool never = false;
    uint64_t until = clock_mono_ms() + TEST_WAIT_MS;
    while (crew_kept_bytes(s->r->crew) <= FULL_BYTES && clock_mono_ms() < until)
        loop_run_until(s->loop, &never, 10);
    loop_run_until(s->loop, &never, 200);
}

static void T45_what_waits_to_be_told_is_bounded(void **state)
{
    static const struct {
        const char *collection;
        uint32_t iterations;
    } rows[] = {
        {ONE("/{{path}}", "", ""), 40},
        {ONE("/{{path}}",
             "if (pm.info.iteration) for (let i = 0; i < 250; i++) "
             "console.log(`y`.repeat(10000))",
             ""),
         3},
    };
    stage *s = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        s->o.data = rows_of(s, "[{'path':'held'},{'path':'big'}]");
        s->o.iterations = rows[i].iterations;
        s->o.parallel = 3;
        keep_waiting(s, SIZE_MAX);
        s->answer = answers_much;
        load(s, rows[i].collection);
        begin(s);
        s->r->kept_bytes_max = FULL_BYTES;
        run_until_full(s);
        // Each hand does one step beyond.
        assert_row(i, crew_kept_bytes(s->r->crew) > FULL_BYTES);
        assert_row(i, crew_kept_bytes(s->r->crew) < FULL_BYTES + (5 << 20) / 2);
        let_go();
        assert_row(i, loop_run_until(s->loop, &s->done, TEST_WAIT_MS));
        assert_int_equal(runner_summary(s->r)->iterations.total, rows[i].iterations);
        assert_int_equal(runner_summary(s->r)->failures.len, 0);
    }
}

// ---- tokens -------------------------------------------------------------------------------------

static void one_token_is_fetched_for_all(void **state)
{
    world *w = *state;
    trust_local(w, w->s, AUDIENCE);
    w->s->o.iterations = 12;
    w->s->o.parallel = 6;
    const run_summary *sum = call(w, "HOST/echo", "", "console.log(pm.response.text())");
    assert_int_equal(sum->requests.total, 12);
    assert_int_equal(sum->failures.len, 0);
    assert_int_equal(w->f->requests.len, 1);
    str token = bearer(w->s, 0, "Authorization");
    assert_true(token.len > 0);
    for (size_t i = 1; i < 12; i++)
        assert_true(str_eq(bearer(w->s, i, "Authorization"), token));
    assert_false(str_find(buf_str(&w->s->log), token) >= 0); // echoed, and cleaned everywhere
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(iterations_are_told_in_their_order),
        STAGED(whatever_a_run_does_is_told_alike),
        STAGED(iterations_begin_afresh),
        STAGED(what_the_last_iteration_left_is_exported),
        STAGED(cookies_to_begin_with_are_every_iterations),
        STAGED(secrets_are_hidden_as_one_after_the_other),
        STAGED(bail_ends_with_the_first_failure_in_order),
        STAGED(a_failure_drops_what_would_be_told_later),
        STAGED(stopping_tells_all_that_had_begun),
        STAGED(T45_what_would_never_end_is_dropped_and_the_rest_told),
        STAGED(a_run_may_be_dropped_while_iterations_wait),
        STAGED(T45_a_script_that_hangs_holds_up_its_iteration_only),
        STAGED(T45_what_waits_to_be_told_is_bounded),
        WORLD(one_token_is_fetched_for_all),
    };
    return cmocka_run_group_tests(tests, make_key, drop_key);
}
