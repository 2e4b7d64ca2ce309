// SPDX-License-Identifier: Apache-2.0
// What no listener is shown, wherever it turns up, and what scripts and servers get all the same.
#include "base/test.h"
#include "runner/run.h"
#include "runner/runner_test_stage.h"

#define SECRET "s3cret/of mine"

static void give_environment(stage *s, const char *text)
{
    static pm_values env;
    err e = ERR_INIT;
    if (pm_values_read(&s->mem, json_of(s, text), "env", "environment", &env, &e))
        fail_msg("%s", e.msg);
    s->o.environment = &env;
}

static void give_secret(stage *s, const char *value)
{
    give_environment(s, arena_printf(&s->mem,
                                     "{'name':'E','values':[{'key':'key','value':'%s',"
                                     "'type':'secret'},{'key':'open','value':'plain'}]}",
                                     value)
                            .ptr);
}

static str shown_environment(stage *s)
{
    buf b;
    buf_init(&b, 1 << 16);
    run_show(s->r, JS_ENVIRONMENT, &b);
    str copy = arena_str(&s->mem, buf_str(&b));
    buf_deinit(&b);
    return copy;
}

static str exported_environment(stage *s)
{
    buf b;
    buf_init(&b, 1 << 16);
    runner_export(s->r, JS_ENVIRONMENT, &b);
    str copy = arena_str(&s->mem, buf_str(&b));
    buf_deinit(&b);
    return copy;
}

// Everything that a listener heard of the last request, as text.
static str told_text;

static void remember(stage *s, const run_event *ev)
{
    buf b;
    if (ev->kind != RUN_REQUEST)
        return;
    buf_init(&b, 1 << 20);
    json_write(&b, ev->exchange->request, JSON_COMPACT);
    buf_adds(&b, ev->exchange->url);
    buf_adds(&b, ev->exchange->body);
    for (size_t i = 0; i < ev->exchange->header_count; i++)
        buf_adds(&b, ev->exchange->headers[i].value);
    told_text = arena_str(&s->mem, buf_str(&b));
    buf_deinit(&b);
}

static const char everywhere[] =
    "{'info':{'name':'C'},'item':[{'name':'a','request':{'method':'POST',"
    "'url':'HOST/echo?k={{key}}','header':[{'key':'X-Key','value':'{{key}}'}],"
    "'body':{'mode':'raw','raw':'{{key}}'}},'event':[{'listen':'test','script':{'exec':["
    "'const k = pm.environment.get(`key`); console.log(`the key is ` + k, [k]);',"
    "'pm.test(`has ` + k, () => { throw new Error(`not ` + k) });',"
    "'pm.execution.setNextRequest(null);']}}]}]}";

static void T43_a_secret_is_hidden_wherever_it_turns_up(void **state)
{
    stage *s = *state;
    give_secret(s, SECRET);
    s->on_event = remember;
    const run_summary *sum = run(s, everywhere);
    // The server and the script have got it,
    assert_true(contains(s->requests.ptr[0], "X-Key: " SECRET "\r\n"));
    assert_true(contains(s->requests.ptr[0], "k=s3cret/of%20mine"));
    // nobody who listens has: not in an address, a header, a body, what was echoed, a console, the
    // name of a test, a failure.
    assert_false(contains(told_text, "s3cret"));
    assert_true(contains(told_text, "***"));
    assert_true(contains(told_text, "User-Agent")); // what isn't secret stays
    assert_false(contains(buf_str(&s->log), "s3cret"));
    assert_true(contains(lines_of(s, "console"), "'the key is ***'"));
    assert_true(contains(lines_of(s, "assertion"), "assertion has *** FAIL Error: not ***"));
    assert_strz(sum->failures.ptr[0].message, "not ***");
    assert_strz(sum->failures.ptr[0].test, "has ***");
    assert_false(contains(sum->failures.ptr[0].stack, "s3cret"));
}

static void who_asks_for_them_sees_secrets(void **state)
{
    stage *s = *state;
    give_secret(s, SECRET);
    s->on_event = remember;
    s->o.show_secrets = true;
    const run_summary *sum = run(s, everywhere);
    assert_true(contains(told_text, "X-Key: " SECRET));
    assert_strz(sum->failures.ptr[0].message, "not " SECRET);
    assert_true(contains(shown_environment(s), SECRET));
}

// "a" is in every word: hidden where it stands, not in what was echoed.
static void a_short_secret_is_hidden_where_it_stands_only(void **state)
{
    stage *s = *state;
    give_secret(s, "xyz");
    s->on_event = remember;
    (void)run(s, everywhere);
    assert_true(contains(told_text, "X-Key: xyz"));
    assert_true(contains(shown_environment(s), "\"***\""));
    assert_false(contains(shown_environment(s), "xyz"));
}

static void an_export_keeps_what_a_report_hides(void **state)
{
    stage *s = *state;
    give_secret(s, SECRET);
    (void)run(s, everywhere);
    assert_false(contains(shown_environment(s), "s3cret"));
    assert_true(contains(shown_environment(s), "plain"));
    assert_true(contains(exported_environment(s), SECRET));
}

static void a_secret_that_a_script_changes_is_hidden_from_then_on(void **state)
{
    stage *s = *state;
    give_secret(s, "first-secret");
    (void)run(s, "{'info':{'name':'C'},'item':[{'name':'a','request':'HOST/',"
                 "'event':[{'listen':'test','script':{'exec':["
                 "'console.log(`second-secret`);',"
                 "'pm.environment.set(`key`, `second-secret`);']}}]},"
                 "{'name':'b','request':'HOST/','event':[{'listen':'test','script':{'exec':["
                 "'console.log(`first-secret and second-secret`);']}}]}]}");
    // Nobody can know a text before it is a secret's.
    assert_strz(lines_of(s, "console"), "console 'second-secret'|console '*** and ***'");
}

static void credentials_of_a_header_are_hidden_not_their_scheme(void **state)
{
    stage *s = *state;
    static const struct {
        const char *header, *value, *shown, *secret;
    } rows[] = {
        {"Authorization", "Bearer abcdefgh1234", "Bearer ***", "abcdefgh1234"},
        {"authorization", "abcdefgh1234", "\"***\"", "abcdefgh1234"},
        {"Proxy-Authorization", "Basic YWJjZGVmZw", "Basic ***", "YWJjZGVmZw"},
        {"X-Serverless-Authorization", "bearer abcdefgh1234", "bearer ***", "abcdefgh1234"},
    };
    s->on_event = remember;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *text =
            arena_printf(&s->mem,
                         "{'info':{'name':'C'},'item':[{'name':'a','request':{'url':'HOST/echo',"
                         "'header':[{'key':'%s','value':'%s'}]}}]}",
                         rows[i].header, rows[i].value)
                .ptr;
        (void)run(s, text);
        assert_row(i, contains(told_text, rows[i].shown));
        assert_row(i, !contains(told_text, rows[i].secret)); // nor in what the server echoed
    }
}

static void secret_parameters_of_auth_are_hidden_in_both_forms(void **state)
{
    stage *s = *state;
    static const char *const forms[] = {
        "{'type':'basic','basic':[{'key':'username','value':'jane'},"
        "{'key':'password','value':'pass-of-jane'}]}",
        "{'type':'basic','basic':{'username':'jane','password':'pass-of-jane'}}",
    };
    s->on_event = remember;
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        const char *text = arena_printf(&s->mem,
                                        "{'info':{'name':'C','schema':'https://schema.getpostman."
                                        "com/json/collection/v2.%zu.0/collection.json'},'item':["
                                        "{'name':'a','request':{'url':'HOST/echo','auth':%s}}]}",
                                        1 - i, forms[i])
                               .ptr;
        (void)run(s, text);
        arena a;
        arena_init(&a);
        buf b;
        buf_init(&b, 1 << 16);
        json_write(&b, run_veil_json(s->r, &a, s->collection->requests[0]->request), JSON_COMPACT);
        assert_row(i, contains(buf_str(&b), "jane"));
        assert_row(i, !contains(buf_str(&b), "pass-of-jane"));
        assert_row(i, !contains(told_text, "pass-of-jane"));
        assert_row(i, !contains(told_text, "amFuZTpwYXNz")); // as Basic encodes it
        buf_deinit(&b);
        arena_deinit(&a);
    }
}

// ---- texts

static str veiled_text(stage *s, const char *text)
{
    return run_veil(s->r, &s->mem, str_from(text));
}

static void the_longest_of_several_secrets_is_hidden(void **state)
{
    stage *s = *state;
    (void)run(s, "{'info':{'name':'C'},'item':[]}");
    static const char *const secrets[] = {"abcd", "abcdefgh", "efghijkl", "say \"so\" & more"};
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
        veil_minted(s->r, str_from(secrets[i]));
    static const char *const rows[][2] = {
        {"nothing", "nothing"},
        {"abcd", "***"},
        {"xabcdefghx", "x***x"},                                  // not "***efgh"
        {"abcdefghijkl", "***ijkl"},                              // the one that begins first
        {"efghijklabcd", "******"},                               // side by side
        {"abcabcd", "abc***"},                                    //
        {"say%20%22so%22%20%26%20more", "***"},                   // in an URL
        {"{\"x\":\"say \\\"so\\\" & more\"}", "{\"x\":\"***\"}"}, // in JSON
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        str got = veiled_text(s, rows[i][0]);
        if (!str_eq(got, str_from(rows[i][1])))
            fail_msg("row %zu: " STR_FMT, i, STR_ARG(got));
    }
}

// A script that makes a new secret in each iteration doesn't fill the memory.
static void the_oldest_of_very_many_are_forgotten(void **state)
{
    stage *s = *state;
    (void)run(s, "{'info':{'name':'C'},'item':[]}");
    enum { MANY = 1000 };
    for (int i = 0; i < MANY; i++)
        veil_minted(s->r, arena_printf(&s->mem, "secret-%04d", i));
    assert_int_equal(s->r->veil.texts.len, 512);
    assert_strz(veiled_text(s, "secret-0000"), "secret-0000");
    assert_strz(veiled_text(s, "secret-0999"), "***");
    assert_strz(veiled_text(s, "secret-0488"), "***");
    veil_minted(s->r, STR("secret-0999")); // known: nothing goes for it
    assert_strz(veiled_text(s, "secret-0488"), "***");
}

static void a_template_is_no_secret(void **state)
{
    stage *s = *state;
    (void)run(s, "{'info':{'name':'C'},'item':[]}");
    veil_minted(s->r, STR("{{token}}"));
    assert_strz(veiled_text(s, "Bearer {{token}}"), "Bearer {{token}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(T43_a_secret_is_hidden_wherever_it_turns_up),
        STAGED(who_asks_for_them_sees_secrets),
        STAGED(a_short_secret_is_hidden_where_it_stands_only),
        STAGED(an_export_keeps_what_a_report_hides),
        STAGED(a_secret_that_a_script_changes_is_hidden_from_then_on),
        STAGED(credentials_of_a_header_are_hidden_not_their_scheme),
        STAGED(secret_parameters_of_auth_are_hidden_in_both_forms),
        STAGED(the_longest_of_several_secrets_is_hidden),
        STAGED(the_oldest_of_very_many_are_forgotten),
        STAGED(a_template_is_no_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
