// SPDX-License-Identifier: Apache-2.0
// A JSON report that is read again: what it tells, and what of it is run once more.
#include "report/report_saved.h"

#include "base/test.h"
#include "data/data.h"

typedef struct heard heard;
struct heard {
    arena mem;
    buf log;
    run_exchange last;
    str body;
    size_t failures;
    const run_summary *summary;
};

static int set_up(void **state)
{
    heard *h = NEW(heard);
    arena_init(&h->mem);
    buf_init(&h->log, 1 << 20);
    *state = h;
    return 0;
}

static int tear_down(void **state)
{
    heard *h = *state;
    buf_deinit(&h->log);
    arena_deinit(&h->mem);
    free(h);
    return 0;
}

// With ' for ".
static str json_of(heard *h, const char *text)
{
    str copy = arena_str(&h->mem, str_from(text));
    for (char *c = (char *)(uintptr_t)copy.ptr; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    return copy;
}

#define COLLECTION                                                                                 \
    "'collection':{'info':{'name':'C'},'item':["                                                   \
    "{'id':'i-a','name':'a','request':'http://h/a'},"                                              \
    "{'id':'i-b','name':'b','request':'http://h/b'},"                                              \
    "{'id':'i-b2','name':'b','request':'http://h/b2'}]}"
#define CURSOR(ref, iteration, position)                                                           \
    "'cursor':{'ref':'" ref "','iteration':" #iteration ",'position':" #position ",'cycles':2}"
#define ITEM(id, name) "'item':{'id':'" id "','name':'" name "'}"
#define OK_A(ref, iteration) "{" CURSOR(ref, iteration, 0) "," ITEM("i-a", "a") "}"
#define FAILED "'assertions':[{'assertion':'t','error':{'name':'AssertionError','message':'no'}}]"

static report_saved *read_report(heard *h, const char *text)
{
    report_saved *s;
    err e = ERR_INIT;
    if (report_saved_read(&h->mem, json_of(h, text), "r.json", &s, &e))
        fail_msg("%s", e.msg);
    return s;
}

static report_saved *of_executions(heard *h, const char *executions)
{
    return read_report(
        h, arena_printf(&h->mem, "{" COLLECTION ",'run':{'executions':[%s]}}", executions).ptr);
}

static void on_event(void *ctx, const run_event *ev)
{
    static const char *const names[] = {
        [RUN_ITERATION] = "iteration", [RUN_ITEM] = "item",           [RUN_REQUEST] = "response",
        [RUN_SCRIPT] = "script",       [RUN_ASSERTION] = "assertion", [RUN_DONE] = "done"};
    heard *h = ctx;
    h->summary = ev->source->summary;
    h->failures += ev->failure != NULL;
    const char *name = ev->kind < ARRAY_LEN(names) ? names[ev->kind] : NULL;
    if (!name)
        return;
    buf_addf(&h->log, "%s%s", h->log.len ? "|" : "", name);
    if (ev->kind == RUN_ITERATION)
        buf_addf(&h->log, " %u/%u", ev->cursor->iteration, ev->cursor->iterations);
    if (ev->kind == RUN_ITEM)
        buf_addf(&h->log, " " STR_FMT, STR_ARG(ev->item->id));
    if (ev->kind == RUN_ASSERTION)
        buf_addf(&h->log, " " STR_FMT "%s", STR_ARG(ev->assertion->name),
                 ev->assertion->skipped ? " skipped" : "");
    if (ev->kind == RUN_REQUEST) {
        h->last = *ev->exchange;
        h->body = arena_str(&h->mem, ev->exchange->body);
        if (h->last.failure_name)
            h->last.failure_name = arena_str(&h->mem, str_from(h->last.failure_name)).ptr;
        buf_addf(&h->log, " %d%s", ev->exchange->status, ev->exchange->by_script ? " again" : "");
    }
    if (ev->failure)
        buf_addf(&h->log, " FAIL " STR_FMT ": " STR_FMT, STR_ARG(ev->failure->name),
                 STR_ARG(ev->failure->message));
}

static void tell(heard *h, report_saved *const *reports, size_t count)
{
    const run_listener one = {on_event, h};
    report_saved_tell(&h->mem, reports, count, &one, 1);
}

static void assert_heard(heard *h, const char *expected)
{
    assert_strz(buf_str(&h->log), expected);
}

// ---- reading ------------------------------------------------------------------------------------

static void what_is_no_report_is_refused_with_the_way_to_one(void **state)
{
    heard *h = *state;
    static const char *const rows[] = {
        "[]",
        "{}",
        "{'run':{'executions':[]}}",
        "{" COLLECTION "}",
        "{" COLLECTION ",'run':{}}",
        "{" COLLECTION ",'run':{'executions':{}}}",
        "{'collection':[],'run':{'executions':[]}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        report_saved *s;
        err e = ERR_INIT;
        code c = report_saved_read(&h->mem, json_of(h, rows[i]), "r.json", &s, &e);
        assert_row(i, c == REPORT_FORM && strstr(e.hint, "--reporter-json-export"));
        assert_row(i, e.file && !strcmp(e.file, "r.json"));
    }
}

// ---- --only-failed ------------------------------------------------------------------------------

static str picks_of(heard *h, const report_saved *s)
{
    const run_pick *picks;
    size_t count;
    err e = ERR_INIT;
    pm_collection *c;
    assert_code(pm_collection_read(&h->mem,
                                   json_of(h, "{'info':{'name':'C'},'item':["
                                              "{'id':'i-a','name':'a','request':'u'},"
                                              "{'id':'new','name':'b','request':'u'},"
                                              "{'id':'n2','name':'b','request':'u'}]}"),
                                   "c.json", &c, &e),
                OK);
    if (report_saved_picks(&h->mem, s, c, &picks, &count, &e))
        return arena_printf(&h->mem, "%s %s", code_id(e.code), e.msg);
    buf b;
    buf_init(&b, 4096);
    for (size_t i = 0; i < count; i++)
        buf_addf(&b, "%s%u:" STR_FMT, i ? " " : "", picks[i].iteration,
                 STR_ARG(c->requests[picks[i].index]->id));
    str text = arena_str(&h->mem, buf_str(&b));
    buf_deinit(&b);
    return text;
}

static void what_failed_in_any_way_is_picked(void **state)
{
    heard *h = *state;
    static const struct {
        const char *more, *picked;
    } rows[] = {
        {"", ""},
        {",'assertions':[{'assertion':'t'}]", ""},
        {",'testScript':[{}]", ""},
        {"," FAILED, "0:i-a"},
        {",'assertions':[{'assertion':'t'},{'assertion':'u','error':{}}]", "0:i-a"},
        {",'requestError':{'code':'ECONNREFUSED'}", "0:i-a"},
        {",'testScript':[{'error':{'name':'TypeError'}}]", "0:i-a"},
        {",'prerequestScript':[{'error':{'name':'TypeError'}}]", "0:i-a"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *one =
            arena_printf(&h->mem, "{" CURSOR("r", 0, 0) "," ITEM("i-a", "a") "%s}", rows[i].more)
                .ptr;
        str picked = picks_of(h, of_executions(h, one));
        if (!str_eq(picked, str_from(rows[i].picked)))
            fail_msg("row %zu: " STR_FMT, i, STR_ARG(picked));
    }
}

// newman makes ids anew where a collection has none: then the name counts, of several the place.
static void requests_are_found_by_id_name_and_place(void **state)
{
    heard *h = *state;
    report_saved *s =
        of_executions(h, "{" CURSOR("r1", 1, 2) "," ITEM(
                             "gone", "b") "," FAILED "}," //
                                          "{" CURSOR("r2", 1, 1) "," ITEM(
                                              "gone", "b") "," FAILED "}," //
                                                           "{" CURSOR("r3", 0, 2) "," ITEM(
                                                               "i-a", "renamed") "," FAILED "}");
    assert_strz(picks_of(h, s), "0:i-a 1:new 1:n2"); // sorted, as the runner wants them
    s = of_executions(h, "{" CURSOR("r", 0, 0) "," ITEM("x", "other") "," FAILED "}");
    str told = picks_of(h, s);
    assert_true(str_ends(told, STR("the collection has no request 'other'")));
    assert_true(str_starts(told, str_from(code_id(REPORT_FORM))));
}

// ---- telling ------------------------------------------------------------------------------------

static void a_report_is_told_as_the_run_was(void **state)
{
    heard *h = *state;
    report_saved *s = read_report(
        h,
        "{" COLLECTION
        ",'run':{'stats':{'iterations':{'total':1},'requests':{'total':2,'failed':1},"
        "'assertions':{'total':2,'failed':1}},'timings':{'responseAverage':7,'responseMin':7,"
        "'responseMax':7,'responseSd':0,'started':1000,'completed':3000},"
        "'transfers':{'responseTotal':5},"
        "'failures':[{'error':{'name':'AssertionError','message':'no','test':'t'},"
        "'at':'assertion:0 in test-script','source':{'id':'i-a','name':'a'},"
        "'cursor':{'iteration':0,'position':0}}],"
        "'executions':[{" CURSOR("r1", 0, 0) "," ITEM(
            "i-a",
            "a") ","
                 "'request':{'method':'PUT','url':'http://h/a?x=1'},"
                 "'response':{'code':201,'status':'Created','header':[{'key':'X','value':'y'}],"
                 "'stream':{'type':'text','data':'hello'},'responseTime':7,'responseSize':5},"
                 "'identity':{'principal':'p@x','tokenAgeSeconds':3},"
                 "'assertions':[{'assertion':'t','error':{'name':'AssertionError','message':'no'}},"
                 "{'assertion':'later','skipped':true}]},"
                 "{" CURSOR("r2", 0, 1) "," ITEM("i-b",
                                                 "b") ","
                                                      "'requestError':{'code':'ECONNREFUSED'}}]}}");
    assert_true(report_saved_failed(s));
    tell(h, &s, 1);
    assert_heard(h, "iteration 0/2|item i-a|response 201|assertion t FAIL AssertionError: no|"
                    "assertion later skipped|item i-b|response 0 FAIL Error: ECONNREFUSED|done");
    assert_strz(str_from(h->last.failure_name), "ECONNREFUSED");
    const run_summary *sum = h->summary;
    assert_int_equal(sum->requests.total, 2);
    assert_int_equal(sum->requests.failed, 1);
    assert_int_equal(sum->response_bytes, 5);
    assert_int_equal(sum->started_wall_ms, 1000);
    assert_true(sum->response.average == 7);
    assert_int_equal(sum->failures.len, 1);
    assert_strz(sum->failures.ptr[0].at, "assertion:0 in test-script");
    assert_strz(sum->failures.ptr[0].item->id, "i-a");
}

static void an_answer_comes_back_as_it_was(void **state)
{
    heard *h = *state;
    static const struct {
        const char *stream, *body;
    } rows[] = {
        {"{'type':'text','data':'hello'}", "hello"},
        {"{'type':'base64','data':'aGVsbG8='}", "hello"},
        {"{'type':'Buffer','data':[104,101,108,108,111]}", "hello"}, // newman's
        {"{}", ""},
        {"null", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *one =
            arena_printf(
                &h->mem,
                "{" CURSOR("r", 0, 0) "," ITEM(
                    "i-a", "a") ",'request':{'method':'PUT',"
                                "'url':'http://h/a?x=1'},'response':{'code':201,'status':'Created',"
                                "'header':[{'key':'X','value':'y'}],'stream':%s,'responseTime':7}}",
                rows[i].stream)
                .ptr;
        report_saved *s = of_executions(h, one);
        tell(h, &s, 1);
        assert_row(i, str_eq(h->body, str_from(rows[i].body)));
        assert_row(i, h->last.has_response && h->last.status == 201 && h->last.time_ms == 7);
        assert_row(i, h->last.header_count == 1);
    }
}

// newman writes an execution once more for each pm.sendRequest, with the same assertions.
static void a_repeated_execution_counts_once(void **state)
{
    heard *h = *state;
    report_saved *s = of_executions(
        h, "{" CURSOR("r", 0, 0) "," ITEM("i-a", "a") "," FAILED "},"
                                                      "{" CURSOR("r", 0, 0) "," ITEM(
                                                          "i-a", "a") "," FAILED "}," OK_A("q", 1));
    tell(h, &s, 1);
    assert_heard(h, "iteration 0/2|item i-a|response 0|response 0 again|"
                    "assertion t FAIL AssertionError: no|iteration 1/2|item i-a|response 0|done");
}

static void shards_are_one_run_in_the_order_of_iterations(void **state)
{
    heard *h = *state;
    static const char stats[] = "'stats':{'requests':{'total':2},'iterations':{'total':2}}";
    report_saved *shards[2];
    for (size_t i = 0; i < 2; i++)
        shards[i] = read_report(
            h,
            arena_printf(&h->mem,
                         "{" COLLECTION ",'run':{%s,'executions':["
                         "{'cursor':{'ref':'%zu','iteration':%zu,'cycles':4}," ITEM(
                             "i-a", "a") "},{'cursor':{'ref':'x%zu','iteration':%zu,'cycles':4}," //
                         ITEM("i-a", "a") "}]}}",
                         stats, i, i, i, i + 2)
                .ptr);
    report_saved *const backwards[] = {shards[1], shards[0]};
    tell(h, backwards, 2);
    assert_heard(h, "iteration 0/4|item i-a|response 0|iteration 1/4|item i-a|response 0|"
                    "iteration 2/4|item i-a|response 0|iteration 3/4|item i-a|response 0|done");
    assert_int_equal(h->summary->requests.total, 4);
}

static void reports_of_other_collections_are_runs_of_their_own(void **state)
{
    heard *h = *state;
    report_saved *two[] = {
        of_executions(h, OK_A("r", 0)),
        read_report(h, "{'collection':{'info':{'name':'D'},'item':[{'id':'d','name':'d',"
                       "'request':'u'}]},'run':{'executions':[{" CURSOR("r", 0, 0) "," ITEM(
                           "d", "d") "}]}}"),
    };
    tell(h, two, 2);
    assert_heard(h, "iteration 0/2|item i-a|response 0|done|iteration 0/2|item d|response 0|done");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_is_no_report_is_refused_with_the_way_to_one),
        CASE(what_failed_in_any_way_is_picked),
        CASE(requests_are_found_by_id_name_and_place),
        CASE(a_report_is_told_as_the_run_was),
        CASE(an_answer_comes_back_as_it_was),
        CASE(a_repeated_execution_counts_once),
        CASE(shards_are_one_run_in_the_order_of_iterations),
        CASE(reports_of_other_collections_are_runs_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
