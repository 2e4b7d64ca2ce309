// SPDX-License-Identifier: Apache-2.0
// Identity end to end (contracts: injection.md): a real local key file, a token endpoint, a service
// that echoes what it gets, and scripts that look for the token.
#include "runner/runner_test_world.h"

// ---- the decision's way to the wire -------------------------------------------------------------

static void a_local_service_gets_its_token(void **state)
{
    world *w = *state;
    trust_local(w, w->s, AUDIENCE);
    const run_summary *sum = call(w, "HOST/echo", "", "");
    assert_int_equal(sum->failures.len, 0);
    assert_strz(audience_of(w, bearer(w->s, 0, "Authorization")), AUDIENCE);
    const run_identity *id = &w->s->last.identity;
    assert_int_equal(id->action, INJECTION_INJECT);
    assert_true(id->local);
    assert_strz(id->principal, "tester@demo.iam.gserviceaccount.com");
    assert_strz(id->audience, AUDIENCE);
    assert_strz(id->via, "service account key");
    assert_true(id->age_s >= 0);
    // The second call takes the token from memory.
    call(w, "HOST/echo", "", "");
    assert_int_equal(w->f->requests.len, 1);
}

static void the_run_app_url_is_served_by_up(void **state)
{
    world *w = *state;
    assert_code(trust_add_local(w->trust, STR(AUDIENCE), STR(AUDIENCE), NULL), OK);
    route(w, CLOUD_HOST, w->s);
    const run_summary *sum = call(w, AUDIENCE "/echo", "", "");
    assert_int_equal(sum->failures.len, 0);
    assert_strz(sent(w->s, 0, "Host"), CLOUD_HOST);
    assert_strz(audience_of(w, bearer(w->s, 0, "Authorization")), AUDIENCE);
    assert_strz(w->s->last.url, AUDIENCE "/echo");
}

// A proxy would read it.
static void a_token_in_plain_http_passes_no_proxy(void **state)
{
    world *w = *state;
    w->s->o.proxy.url = arena_printf(&w->f->mem, "http://127.0.0.1:%u", w->other->port).ptr;
    call(w, "HOST/echo", "", "");
    assert_int_equal(w->other->requests.len, 1); // plainly: through the proxy
    trust_local(w, w->s, AUDIENCE);
    call(w, "HOST/echo", "", "");
    assert_int_equal(w->other->requests.len, 1);
    assert_true(bearer(w->s, 0, "Authorization").len > 0);
}

static void the_table_row_by_row(void **state)
{
    static const struct {
        const char *members;
        injection_action action;
        const char *authorization, *serverless; // "": a token of ours, NULL: none
    } rows[] = {
        {"", INJECTION_INJECT, "", NULL},
        {",'auth':{'type':'noauth'}", INJECTION_NONE, NULL, NULL},
        {",'header':[{'key':'Authorization','value':'Basic eDp5'}]", INJECTION_INJECT, "Basic eDp5",
         ""},
        {",'header':[{'key':'Authorization','value':'Bearer {{token}}'}]", INJECTION_INJECT, "",
         NULL},
        {",'header':[{'key':'Authorization','value':''}]", INJECTION_INJECT, "", NULL},
        {",'header':[{'key':'X-Serverless-Authorization','value':'Bearer x'}]", INJECTION_LEAVE,
         NULL, "Bearer x"},
        {",'auth':{'type':'bearer','bearer':[{'key':'token','value':'app'}]}", INJECTION_INJECT,
         "Bearer app", ""},
    };
    world *w = *state;
    trust_local(w, w->s, AUDIENCE);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        vec_reset(&w->s->requests);
        call(w, "HOST/echo", rows[i].members, "");
        str got[] = {sent(w->s, 0, "Authorization"), sent(w->s, 0, "X-Serverless-Authorization")};
        const char *wanted[] = {rows[i].authorization, rows[i].serverless};
        assert_row(i, w->s->last.identity.action == rows[i].action);
        for (size_t k = 0; k < 2; k++) {
            if (!wanted[k])
                assert_row(i, !got[k].ptr);
            else if (*wanted[k])
                assert_row(i, str_eq(got[k], str_from(wanted[k])));
            else
                assert_row(i, str_starts(got[k], STR("Bearer eyJ")));
        }
    }
}

static void rules_choose_who_calls(void **state)
{
    world *w = *state;
    const project_rule rules[] = {{STR("F/one"), STR("stranger")}};
    trust_local(w, w->s, AUDIENCE);
    w->s->o.identity.rules = rules;
    w->s->o.identity.rule_count = 1;
    call(w, "HOST/echo", "", "");
    assert_strz(w->s->last.identity.principal, "stranger@demo.iam.gserviceaccount.com");
    const project_identity none = {.name = STR("stranger"), .none = true};
    w->s->o.identity.identities = &none;
    w->s->o.identity.identity_count = 1;
    call(w, "HOST/echo", "", "");
    assert_int_equal(w->s->last.identity.action, INJECTION_NONE);
    assert_null(sent(w->s, 1, "Authorization").ptr);
}

static void an_identity_that_is_not_there_fails_the_request(void **state)
{
    world *w = *state;
    trust_local(w, w->s, AUDIENCE);
    w->s->o.identity.identity = STR("nobody");
    const run_summary *sum = call(w, "HOST/echo", "", "");
    assert_int_equal(w->s->requests.len, 0);
    assert_int_equal(sum->failures.len, 1);
    assert_int_equal(sum->failures.ptr[0].code, CRED_IDENTITY);
    assert_strz(sum->failures.ptr[0].at, "request");
    assert_true(sum->failures.ptr[0].hint.len > 0);
}

static void other_hosts_are_called_plainly(void **state)
{
    world *w = *state;
    const run_summary *sum = call(w, "HOST/echo", "", "");
    assert_int_equal(sum->failures.len, 0);
    assert_int_equal(w->s->last.identity.action, INJECTION_PLAIN);
    assert_strz(w->s->last.identity.report, "");
    assert_null(sent(w->s, 0, "Authorization").ptr);
    assert_int_equal(w->f->requests.len, 0);
}

// ---- threats ------------------------------------------------------------------------------------

static void T38_an_untrusted_run_app_gets_nothing(void **state)
{
    world *w = *state;
    route(w, "attacker-abc123def4-uc.a.run.app", w->s);
    const run_summary *sum = call(w, "https://attacker-abc123def4-uc.a.run.app/", "", "");
    assert_int_equal(sum->failures.len, 1);
    assert_int_equal(sum->failures.ptr[0].code, TRUST_MISSING);
    assert_true(contains(sum->failures.ptr[0].hint, "trust add https://attacker-abc123def4"));
    assert_int_equal(w->s->requests.len, 0);
    assert_int_equal(w->f->requests.len, 0);
}

// The trust in a project reaches what is written in the collection, not what a script makes of it.
static void T38_trust_in_a_project_does_not_reach_built_origins(void **state)
{
    world *w = *state;
    assert_code(trust_add(w->trust, STR("abc123def4"), "--trust", NULL), OK);
    const run_summary *sum =
        run(w->s, "{'info':{'name':'C'},'variable':[{'key':'known','value':'" CLOUD_HOST "'}],"
                  "'item':[{'name':'built','request':'https://{{svc}}-abc123def4-uc.a.run.app/',"
                  "'event':[{'listen':'prerequest','script':{'exec':"
                  "'pm.variables.set(`svc`, `payments`)'}},{'listen':'test','script':{'exec':"
                  "'pm.sendRequest(`https://billing-abc123def4-uc.a.run.app/`, "
                  "(e) => console.log(e.code))'}}]}]}");
    assert_int_equal(sum->failures.len, 2);
    assert_int_equal(sum->failures.ptr[0].code, TRUST_MISSING);
    assert_true(contains(sum->failures.ptr[0].message, "was built by a script"));
    assert_strz(lines_of(w->s, "console"), "console 'GP-TRUST-01'");
    assert_int_equal(w->f->requests.len, 0);
}

static bool answer_person(void *ctx, str question, str origin)
{
    world *w = ctx;
    w->asked = arena_str(&w->f->mem, question);
    if (w->says_yes)
        assert_code(trust_add(w->trust, origin, "your answer", NULL), OK);
    else
        trust_decline(w->trust, origin);
    return w->says_yes;
}

static void a_person_is_asked_once(void **state)
{
    world *w = *state;
    w->s->o.identity.interactive = true;
    w->s->o.identity.ask = answer_person;
    w->s->o.identity.ask_ctx = w;
    set_env(w->f, "GOOGLE_APPLICATION_CREDENTIALS",
            write_key(w->f, "cloud.json", "robot@p.iam.gserviceaccount.com", NULL));
    route(w, CLOUD_HOST, w->s); // a real credential must not follow it there
    const run_summary *sum = call(w, AUDIENCE "/", "", "");
    assert_true(contains(w->asked, AUDIENCE));
    assert_true(contains(w->asked, "robot@p.iam.gserviceaccount.com"));
    assert_int_equal(sum->failures.len, 0);
    assert_int_equal(w->s->last.identity.action, INJECTION_NONE); // declined: sent without
    assert_null(sent(w->s, 0, "Authorization").ptr);
    w->asked = STR_NONE;
    call(w, AUDIENCE "/", "", "");
    assert_int_equal(w->asked.len, 0);
}

static void T40_real_credentials_do_not_go_to_a_local_endpoint(void **state)
{
    world *w = *state;
    set_env(w->f, "GOOGLE_APPLICATION_CREDENTIALS",
            write_key(w->f, "cloud.json", "robot@p.iam.gserviceaccount.com", NULL));
    assert_code(trust_add(w->trust, STR(AUDIENCE), "--trust", NULL), OK);
    route(w, CLOUD_HOST, w->s);
    const run_summary *sum = call(w, AUDIENCE "/", "", "");
    assert_int_equal(sum->failures.len, 1);
    assert_int_equal(sum->failures.ptr[0].code, CRED_MIXED);
    assert_int_equal(w->s->requests.len, 0);
}

static void T40_local_credentials_do_not_leave_the_machine(void **state)
{
    world *w = *state;
    assert_code(trust_add_local(w->trust, STR(AUDIENCE), STR(AUDIENCE), NULL), OK);
    const run_summary *sum = call(w, AUDIENCE "/", "", ""); // no route
    assert_int_equal(sum->failures.len, 1);
    assert_int_equal(sum->failures.ptr[0].code, CRED_MIXED);
    assert_int_equal(w->f->requests.len, 0);
}

static void T44_without_tls_checks_no_identity_is_sent(void **state)
{
    static const struct {
        bool run, strict_off, strict_on, identity;
    } rows[] = {
        {true, false, false, false},
        {false, true, false, false},
        {true, false, true, true},
        {false, false, false, true},
    };
    world *w = *state;
    set_env(w->f, "GOOGLE_APPLICATION_CREDENTIALS",
            write_key(w->f, "cloud.json", "robot@p.iam.gserviceaccount.com", NULL));
    assert_code(trust_add(w->trust, STR(AUDIENCE), "--trust", NULL), OK);
    route(w, CLOUD_HOST, w->s);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        vec_reset(&w->s->requests);
        w->s->o.tls_insecure = rows[i].run;
        run(w->s, arena_printf(&w->f->mem,
                               "{'info':{'name':'C'},'item':[{'name':'one','request':'" AUDIENCE
                               "/','protocolProfileBehavior':{%s}}]}",
                               rows[i].strict_off  ? "'strictSSL':false"
                               : rows[i].strict_on ? "'strictSSL':true"
                                                   : "")
                      .ptr);
        if (rows[i].identity) { // decided for it; what stops it here is that the route is local
            assert_row(i, w->s->last.identity.action == INJECTION_INJECT);
            continue;
        }
        assert_row(i, w->s->last.identity.action == INJECTION_NONE);
        assert_row(i, contains(w->s->last.identity.report, "TLS is not verified"));
        assert_row(i, w->s->requests.len == 1 && !sent(w->s, 0, "Authorization").ptr);
    }
}

// ---- redirects ----------------------------------------------------------------------------------

static void T35_the_token_goes_to_its_own_origin_only(void **state)
{
    world *w = *state;
    trust_local(w, w->s, AUDIENCE);
    const char *other = arena_printf(&w->f->mem, "%s/echo", origin_of(w, w->other)).ptr;
    const char *name = arena_printf(&w->f->mem, "http://localhost:%u/echo", w->s->port).ptr;
    // The same origin: a token again, the same one.
    call(w, redirect_to(w, "/echo"), "", "");
    assert_int_equal(w->s->requests.len, 2);
    str token = bearer(w->s, 0, "Authorization");
    assert_true(token.len > 0);
    assert_str(bearer(w->s, 1, "Authorization"), token);
    // Another port.
    call(w, redirect_to(w, other), "", "");
    assert_int_equal(w->other->requests.len, 1);
    assert_null(sent(w->other, 0, "Authorization").ptr);
    assert_false(contains(w->other->requests.ptr[0], "Bearer"));
    // The same server by another name.
    call(w, redirect_to(w, name), "", "");
    assert_int_equal(w->s->requests.len, 5);
    assert_true(bearer(w->s, 3, "Authorization").len > 0);
    assert_null(sent(w->s, 4, "Authorization").ptr);
    // A look-alike in the cloud isn't even called.
    const run_summary *sum =
        call(w, redirect_to(w, "https://attacker-abc123def4-uc.a.run.app/"), "", "");
    assert_int_equal(sum->failures.len, 1);
    assert_int_equal(sum->failures.ptr[0].code, TRUST_MISSING);
}

static void T35_another_service_gets_a_token_of_its_own(void **state)
{
    world *w = *state;
    trust_local(w, w->s, AUDIENCE);
    trust_local(w, w->other, "https://payments.example");
    const char *other = arena_printf(&w->f->mem, "%s/echo", origin_of(w, w->other)).ptr;
    call(w, redirect_to(w, other), "", "");
    str first = bearer(w->s, 0, "Authorization"), second = bearer(w->other, 0, "Authorization");
    assert_strz(audience_of(w, first), AUDIENCE);
    assert_strz(audience_of(w, second), "https://payments.example");
    assert_false(contains(w->other->requests.ptr[0], arena_cstr(&w->f->mem, first)));
}

// --audiences and rules are for the request as it was written.
static void T35_a_chosen_audience_does_not_follow_a_redirect(void **state)
{
    world *w = *state;
    trust_local(w, w->s, AUDIENCE);
    trust_local(w, w->other, "https://payments.example");
    w->s->o.identity.audience = STR("https://chosen.example");
    const char *other = arena_printf(&w->f->mem, "%s/echo", origin_of(w, w->other)).ptr;
    call(w, redirect_to(w, "/echo"), "", "");
    assert_strz(audience_of(w, bearer(w->s, 1, "Authorization")), "https://chosen.example");
    call(w, redirect_to(w, other), "", "");
    assert_strz(audience_of(w, bearer(w->s, 2, "Authorization")), "https://chosen.example");
    assert_strz(audience_of(w, bearer(w->other, 0, "Authorization")), "https://payments.example");
}

static void a_rule_makes_no_candidates_of_others(void **state)
{
    world *w = *state;
    const project_rule rules[] = {{STR("F/*"), STR("stranger")}};
    trust_local(w, w->s, AUDIENCE);
    w->s->o.identity.rules = rules;
    w->s->o.identity.rule_count = 1;
    const char *other = arena_printf(&w->f->mem, "%s/echo", origin_of(w, w->other)).ptr;
    const run_summary *sum = call(
        w, redirect_to(w, other), "",
        arena_printf(&w->f->mem, "pm.sendRequest(`%s`, (e, r) => console.log(e, r.code))", other)
            .ptr);
    assert_int_equal(sum->failures.len, 0);
    assert_strz(lines_of(w->s, "console"), "console null 200");
    assert_int_equal(w->other->requests.len, 2);
    assert_null(sent(w->other, 0, "Authorization").ptr);
    assert_null(sent(w->other, 1, "Authorization").ptr);
    // The request itself needs trust once a rule gives it an identity.
    sum = call(w, other, "", "");
    assert_int_equal(sum->failures.len, 1);
    assert_int_equal(sum->failures.ptr[0].code, TRUST_MISSING);
}

// A token that the collection brought itself is left alone, and stays with its origin all the same.
static void T35_a_google_token_of_the_collection_stays_with_its_origin(void **state)
{
    world *w = *state;
    trust_local(w, w->s, AUDIENCE);
    str own = mint(w->f, STR(AUDIENCE), STR("x@example.com"));
    const char *header =
        arena_printf(&w->f->mem, ",'header':[{'key':'Authorization','value':'Bearer " STR_FMT "'}]",
                     STR_ARG(own))
            .ptr;
    const char *other = arena_printf(&w->f->mem, "%s/echo", origin_of(w, w->other)).ptr;
    call(w, redirect_to(w, other), header, "");
    assert_str(bearer(w->s, 0, "Authorization"), own);
    assert_null(sent(w->other, 0, "Authorization").ptr);
}

// ---- what comes back ----------------------------------------------------------------------------

// Sends the token back in every way that a server might think of.
static bool echo_token(stage *s, str path, str request, buf *out)
{
    (void)path;
    (void)request;
    str token = bearer(s, s->requests.len - 1, "Authorization");
    buf body, base64, percent;
    buf_init(&body, 1 << 20);
    buf_init(&base64, 1 << 20);
    buf_init(&percent, 1 << 20);
    base64_encode(&base64, token);
    for (size_t i = 0; i < token.len; i++)
        buf_addf(&percent, "%%%02x", (unsigned char)token.ptr[i]);
    buf_addf(&body, "plain " STR_FMT " base64 %s percent %s", STR_ARG(token), buf_cstr(&base64),
             buf_cstr(&percent));
    reply(out, 200,
          arena_printf(&s->mem, "X-Echo: " STR_FMT "\r\nSet-Cookie: t=" STR_FMT "\r\n",
                       STR_ARG(token), STR_ARG(token))
              .ptr,
          buf_str(&body));
    buf_deinit(&body);
    buf_deinit(&base64);
    buf_deinit(&percent);
    return true;
}

// The part of a token that makes it one.
static const char *signature_of(world *w, str token)
{
    return arena_cstr(&w->f->mem, str_skip(token, (size_t)str_rchr(token, '.') + 1));
}

static void T43_no_script_report_or_export_sees_the_token(void **state)
{
    world *w = *state;
    trust_local(w, w->s, AUDIENCE);
    w->s->answer = echo_token;
    call(w, "HOST/", "",
         "pm.environment.set(`body`, pm.response.text());"
         "pm.environment.set(`header`, pm.response.headers.get(`X-Echo`));"
         "pm.environment.set(`cookie`, pm.cookies.get(`t`));"
         "pm.environment.set(`request`, JSON.stringify(pm.request));"
         "console.log(pm.response.text(), pm.request.headers.get(`Authorization`));"
         "pm.test(pm.response.text(), () => { throw new Error(pm.response.text()) });"
         "pm.sendRequest(pm.request.url.toString(), (e, r) => {"
         "console.log(r.text(), r.headers.get(`X-Echo`)); throw new Error(r.text()) })");
    str token = bearer(w->s, 0, "Authorization");
    const char *secret_part = signature_of(w, token);
    assert_true(strlen(secret_part) > 300);
    buf exported, base64;
    buf_init(&exported, 1 << 20);
    buf_init(&base64, 1 << 20);
    runner_export(w->s->r, JS_ENVIRONMENT, &exported);
    runner_export_cookies(w->s->r, &exported);
    base64_encode(&base64, token);
    const str seen[] = {buf_str(&w->s->log), buf_str(&exported), w->s->body};
    const char *const forms[] = {secret_part, arena_str(&w->f->mem, buf_str(&base64)).ptr};
    for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
        assert_true(contains(seen[i], "***"));
        for (size_t k = 0; k < ARRAY_LEN(forms); k++) {
            // Any 40 bytes of it would be too many.
            str form = str_from(forms[k]);
            size_t from = k ? form.len - 400 : 0;
            for (size_t at = from; at + 40 < form.len - 8; at += 20)
                assert_row(i, str_find(seen[i], str_sub(form, at, at + 40)) < 0);
        }
    }
    assert_true(contains(w->s->body, "plain eyJ")); // what isn't secret stays readable
    assert_true(contains(w->s->body, "percent "));
    assert_false(contains(w->s->body, "%2e%4"));
    buf_deinit(&exported);
    buf_deinit(&base64);
}

static bool redirect_with_token(stage *s, str path, str request, buf *out)
{
    (void)request;
    if (str_eq(path, STR("/echo")))
        return false;
    str token = bearer(s, s->requests.len - 1, "Authorization");
    reply(out, 302,
          arena_printf(&s->mem, "Location: http://localhost:%u/echo?t=" STR_FMT "\r\n", s->port,
                       STR_ARG(token))
              .ptr,
          STR(""));
    return true;
}

static void T43_a_redirect_does_not_carry_the_token_in_its_url(void **state)
{
    world *w = *state;
    trust_local(w, w->s, AUDIENCE);
    w->s->answer = redirect_with_token;
    call(w, "HOST/", "", "");
    assert_int_equal(w->s->requests.len, 2);
    const char *secret_part = signature_of(w, bearer(w->s, 0, "Authorization"));
    assert_true(contains(w->s->requests.ptr[1], "***"));
    assert_false(contains(w->s->requests.ptr[1], secret_part));
}

static void scripts_requests_carry_identity_too(void **state)
{
    world *w = *state;
    trust_local(w, w->other, "https://payments.example");
    call(w, "HOST/", "",
         arena_printf(&w->f->mem, "pm.sendRequest(`%s/echo`, (e, r) => console.log(r.code))",
                      origin_of(w, w->other))
             .ptr);
    assert_null(sent(w->s, 0, "Authorization").ptr);
    assert_strz(audience_of(w, bearer(w->other, 0, "Authorization")), "https://payments.example");
    assert_strz(lines_of(w->s, "console"), "console 200");
}

// ---- refusals -----------------------------------------------------------------------------------

static bool refuse(stage *s, str path, str request, buf *out)
{
    (void)s;
    (void)request;
    if (!str_starts(path, STR("/no")))
        return false;
    reply(out, 403, "X-Cloud-Trace-Context: 0123456789abcdef0123456789abcdef/1;o=1\r\n",
          str_eq(path, STR("/no"))
              ? STR("<html><h1>Error: Forbidden</h1><h2>Your client …</h2></html>")
              : STR("{\"error\": \"not yours\"}"));
    return true;
}

static void a_refusal_is_explained(void **state)
{
    world *w = *state;
    trust_local(w, w->s, AUDIENCE);
    w->s->answer = refuse;
    call(w, "HOST/no", "", "");
    assert_int_equal(w->s->last.status, 403);
    assert_strz(w->s->last.trace, "gatepost audit query --id 0123456789abcdef0123456789abcdef");
    assert_true(contains(w->s->last.explain, "run.routes.invoke"));
    assert_false(contains(w->s->last.explain, signature_of(w, bearer(w->s, 0, "Authorization"))));
    call(w, "HOST/status/200", "", "");
    assert_strz(w->s->last.explain, "");
    call(w, "HOST/not-yours", "", ""); // the application's own word: identity did its part
    assert_int_equal(w->s->last.status, 403);
    assert_strz(w->s->last.explain, "");
    assert_strz(w->s->last.trace, "");
}

static bool refuse_all(stage *s, str path, str request, buf *out)
{
    (void)path;
    return refuse(s, STR("/no"), request, out);
}

// Through a proxy, so that no name is looked up; plain http, so that the proxy can answer.
static void where_to_look_after_a_refusal_by_form_of_url(void **state)
{
#define TRACE "0123456789abcdef0123456789abcdef"
    static const struct {
        const char *host;
        bool routed;
        const char *look;
    } rows[] = {
        {"orders-k2v7xw4mqa-uc.a.run.app", false, "gcloud logging read 'trace:" TRACE "'"},
        {"orders-123456789012.us-central1.run.app", false,
         "gcloud logging read 'trace:" TRACE "' --project 123456789012"},
        {"orders-k2v7xw4mqa-uc.a.run.app", true, "gatepost audit query --id " TRACE},
        {"orders-123456789012.us-central1.run.app", true, "gatepost audit query --id " TRACE},
    };
#undef TRACE
    world *w = *state;
    w->s->answer = w->other->answer = refuse_all;
    w->s->o.proxy.url = origin_of(w, w->other);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        w->s->o.route_count = 0;
        if (rows[i].routed)
            route(w, rows[i].host, w->s);
        call(w, arena_printf(&w->f->mem, "http://%s/", rows[i].host).ptr, "", "");
        assert_row(i, str_eq(w->s->last.trace, str_from(rows[i].look)));
    }
}

static void a_token_endpoint_that_refuses_fails_the_request(void **state)
{
    world *w = *state;
    trust_local(w, w->s, AUDIENCE);
    w->f->statuses[0] = 400;
    w->f->error = "{\"error\":\"invalid_grant\",\"error_description\":\"gone\"}";
    const run_summary *sum = call(w, "HOST/", "", "console.log(pm.response.code)");
    assert_int_equal(sum->failures.len, 1);
    assert_int_equal(sum->failures.ptr[0].code, CRED_REFUSED);
    assert_int_equal(w->s->requests.len, 0);
    assert_strz(lines_of(w->s, "console"), "console undefined"); // test scripts run all the same
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD(a_local_service_gets_its_token),
        WORLD(the_run_app_url_is_served_by_up),
        WORLD(a_token_in_plain_http_passes_no_proxy),
        WORLD(the_table_row_by_row),
        WORLD(rules_choose_who_calls),
        WORLD(an_identity_that_is_not_there_fails_the_request),
        WORLD(other_hosts_are_called_plainly),
        WORLD(T38_an_untrusted_run_app_gets_nothing),
        WORLD(T38_trust_in_a_project_does_not_reach_built_origins),
        WORLD(a_person_is_asked_once),
        WORLD(T40_real_credentials_do_not_go_to_a_local_endpoint),
        WORLD(T40_local_credentials_do_not_leave_the_machine),
        WORLD(T44_without_tls_checks_no_identity_is_sent),
        WORLD(T35_the_token_goes_to_its_own_origin_only),
        WORLD(T35_another_service_gets_a_token_of_its_own),
        WORLD(T35_a_chosen_audience_does_not_follow_a_redirect),
        WORLD(a_rule_makes_no_candidates_of_others),
        WORLD(T35_a_google_token_of_the_collection_stays_with_its_origin),
        WORLD(T43_no_script_report_or_export_sees_the_token),
        WORLD(T43_a_redirect_does_not_carry_the_token_in_its_url),
        WORLD(scripts_requests_carry_identity_too),
        WORLD(a_refusal_is_explained),
        WORLD(where_to_look_after_a_refusal_by_form_of_url),
        WORLD(a_token_endpoint_that_refuses_fails_the_request),
    };
    return cmocka_run_group_tests(tests, make_key, drop_key);
}
