// SPDX-License-Identifier: Apache-2.0
// Requests that are prepared once: nobody can tell them from those that aren't, but inside.
#include "runner/run.h"
#include "runner/runner_test_stage.h"

enum { TIMES = 3 };

typedef struct seen seen;
struct seen {
    bool kept[8];
    str tokens[8], cookies[8];
    size_t count;
};
static seen saw;

static str shown_header(const json *request, const char *name)
{
    JSON_EACH (json_get(request, "header"), m) {
        if (json_is_str(json_get(m, "key"), name))
            return json_str_or(json_get(m, "value"), STR_NONE);
    }
    return STR_NONE;
}

static void note(stage *s, const run_event *ev)
{
    if (ev->kind != RUN_REQUEST || saw.count == ARRAY_LEN(saw.kept))
        return;
    const json *shown = ev->exchange->request;
    saw.kept[saw.count] = s->r->turn.exchange->kept_at != NULL;
    saw.cookies[saw.count] = arena_str(&s->mem, shown_header(shown, "Cookie"));
    saw.tokens[saw.count++] = arena_str(&s->mem, shown_header(shown, "Postman-Token"));
}

// The first is as every request is; from the second on it is the one that was kept.
static void run_times(stage *s, uint32_t times, const char *collection)
{
    saw = (seen){0};
    s->on_event = note;
    s->o.iterations = times;
    vec_reset(&s->requests);
    const run_summary *sum = run(s, collection);
    assert_int_equal(sum->failures.len, 0);
}

static void what_repeats_is_prepared_once(void **state)
{
    static const struct {
        const char *label, *item;
        bool kept;
    } rows[] = {
        {"plain", "'request':'HOST/a'", true},
        {"a variable", "'request':'HOST/{{v}}'", true},
        {"a body", "'request':{'url':'HOST/a','method':'POST','body':{'mode':'raw','raw':'x'}}",
         true},
        {"an empty script",
         "'request':'HOST/a','event':[{'listen':'test','script':{'exec':['','  ']}}]", true},
        {"a dynamic variable", "'request':'HOST/{{$guid}}'", false},
        {"a dynamic variable in a variable", "'request':'HOST/{{id}}'", false},
        {"a script", "'request':'HOST/a','event':[{'listen':'test','script':{'exec':'1'}}]", false},
        {"a signature of the moment",
         "'request':{'url':'HOST/a','auth':{'type':'oauth1','oauth1':["
         "{'key':'consumerKey','value':'k'},{'key':'consumerSecret','value':'secret'}]}}",
         false},
    };
    stage *s = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        run_times(s, TIMES,
                  arena_printf(&s->mem,
                               "{'info':{'name':'C'},'variable':[{'key':'v','value':'1'},"
                               "{'key':'id','value':'{{$guid}}'}],'item':[{'name':'one',%s}]}",
                               rows[i].item)
                      .ptr);
        assert_int_equal(saw.count, TIMES);
        assert_row(i, !saw.kept[0] && saw.kept[1] == rows[i].kept && saw.kept[2] == rows[i].kept);
    }
}

static void each_has_a_token_of_its_own(void **state)
{
    stage *s = *state;
    run_times(s, TIMES, "{'info':{'name':'C'},'item':[{'name':'one','request':'HOST/a'}]}");
    assert_true(saw.kept[2]);
    for (size_t i = 0; i < TIMES; i++) {
        assert_strz(request_line(s, i), "GET /a");
        assert_int_equal(sent(s, i, "Postman-Token").len, 36);
        assert_true(str_eq(sent(s, i, "Postman-Token"), saw.tokens[i])); // told as it was sent
        for (size_t k = 0; k < i; k++)
            assert_false(str_eq(saw.tokens[i], saw.tokens[k]));
    }
}

static void a_token_of_the_persons_own_stays(void **state)
{
    stage *s = *state;
    run_times(s, 2,
              "{'info':{'name':'C'},'item':[{'name':'one','request':{'url':'HOST/a',"
              "'header':[{'key':'Postman-Token','value':'mine'}]}}]}");
    assert_strz(sent(s, 1, "Postman-Token"), "mine");
}

// What used the variable before isn't sent again; what uses none goes on.
static void a_changed_variable_counts(void **state)
{
    stage *s = *state;
    run_times(s, 2,
              "{'info':{'name':'C'},'variable':[{'key':'v','value':'1'}],'item':["
              "{'name':'a','request':'HOST/{{v}}'},{'name':'b','request':'HOST/b'},"
              "{'name':'c','request':'HOST/c','event':[{'listen':'test','script':{'exec':"
              "'pm.collectionVariables.set(`v`, Number(pm.collectionVariables.get(`v`)) + 1)'}}]},"
              "{'name':'d','request':'HOST/d/{{v}}'}]}");
    static const char *const lines[] = {"GET /1", "GET /b", "GET /c", "GET /d/2",
                                        "GET /2", "GET /b", "GET /c", "GET /d/3"};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        assert_strz(request_line(s, i), lines[i]);
}

static void a_row_of_data_counts(void **state)
{
    stage *s = *state;
    json *rows;
    assert_code(json_parse(&s->mem, STR("[{\"v\":1},{\"v\":2},{\"v\":3}]"), NULL, &rows, NULL), OK);
    s->o.data = rows;
    run_times(s, 0, "{'info':{'name':'C'},'item':[{'name':'one','request':'HOST/{{v}}'}]}");
    assert_strz(request_line(s, 0), "GET /1");
    assert_strz(request_line(s, 1), "GET /2");
    assert_strz(request_line(s, 2), "GET /3");
}

static bool count_cookies(stage *s, str path, str request, buf *out)
{
    (void)path;
    (void)request;
    reply(out, 200, arena_printf(&s->mem, "Set-Cookie: seen=%zu\r\n", s->requests.len).ptr,
          STR(""));
    return true;
}

static void cookies_are_of_the_moment(void **state)
{
    stage *s = *state;
    s->answer = count_cookies;
    run_times(s, TIMES, "{'info':{'name':'C'},'item':[{'name':'one','request':'HOST/a'}]}");
    assert_null(sent(s, 0, "Cookie").ptr);
    assert_strz(sent(s, 1, "Cookie"), "seen=1");
    assert_strz(sent(s, 2, "Cookie"), "seen=2");
    assert_true(saw.kept[1] && saw.kept[2]);
    assert_int_equal(saw.cookies[0].len, 0);
    assert_strz(saw.cookies[1], "seen=1"); // each shows its own
    assert_strz(saw.cookies[2], "seen=2");
}

static void a_redirect_leads_away_from_one_exchange_only(void **state)
{
    stage *s = *state;
    run_times(s, TIMES,
              "{'info':{'name':'C'},'item':[{'name':'one','request':'HOST/to/302//echo'}]}");
    assert_int_equal(s->requests.len, 2 * TIMES);
    for (size_t i = 0; i < TIMES; i++) {
        assert_strz(request_line(s, 2 * i), "GET /to/302//echo");
        assert_strz(request_line(s, 2 * i + 1), "GET /echo");
    }
}

// One that can't be sent fails each time.
static void an_impossible_request_fails_each_time(void **state)
{
    stage *s = *state;
    s->o.iterations = TIMES;
    const run_summary *sum =
        run(s, "{'info':{'name':'C'},'item':[{'name':'one','request':'http://[::1/'}]}");
    assert_int_equal(sum->failures.len, TIMES);
    assert_int_equal(sum->requests.failed, TIMES);
}

static void several_runners_share_what_is_ready(void **state)
{
    stage *s = *state;
    load(s, "{'info':{'name':'C'},'variable':[{'key':'v','value':'1'}],"
            "'item':[{'name':'one','request':'HOST/{{v}}'}]}");
    s->o.ready = run_ready_new(s->collection);
    run_times(s, 2, NULL);
    run_times(s, 1, NULL);
    assert_true(saw.kept[0]);
    assert_strz(request_line(s, 0), "GET /1");
    runner_free(s->r);
    s->r = NULL;
    run_ready_free(s->o.ready);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(what_repeats_is_prepared_once),
        STAGED(each_has_a_token_of_its_own),
        STAGED(a_token_of_the_persons_own_stays),
        STAGED(a_changed_variable_counts),
        STAGED(a_row_of_data_counts),
        STAGED(cookies_are_of_the_moment),
        STAGED(a_redirect_leads_away_from_one_exchange_only),
        STAGED(an_impossible_request_fails_each_time),
        STAGED(several_runners_share_what_is_ready),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
