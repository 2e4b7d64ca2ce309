// SPDX-License-Identifier: Apache-2.0
// The decision table of injection.md §2, row by row, and what may not slip between the rows.
#include "base/test.h"
#include "credential/credential.h"

static const char service[] = "https://orders-abc123xyz0-uc.a.run.app/orders";
static const char other[] = "https://attacker-zzzzzzzzzz-uc.a.run.app/";
static const char by_origin[] = "https://api.example/v1";
static const char served[] = "https://hello-servedhash-uc.a.run.app/";
static const char local[] = "http://127.0.0.1:41001/orders";
static const char local_issuer[] = "http://127.0.0.1:41000";

// A bearer whose claims are the given JSON; the signature is nobody's.
static str bearer(arena *a, const char *scheme, const char *claims)
{
    buf text;
    buf_init(&text, 4096);
    base64url_encode(&text, STR("{\"alg\":\"RS256\"}"));
    buf_addc(&text, '.');
    base64url_encode(&text, str_from(claims));
    str all = arena_printf(a, "%s " STR_FMT ".c2ln", scheme, STR_ARG(buf_str(&text)));
    buf_deinit(&text);
    return all;
}

typedef struct fixture fixture;
struct fixture {
    trust_set *trust;
    arena mem;
};

static int set_up(void **state)
{
    fixture *f = NEW(fixture);
    arena_init(&f->mem);
    f->trust = trust_set_new();
    err e = ERR_INIT;
    assert_code(trust_add_list(f->trust, STR("abc123xyz0 https://api.example"), "--trust", &e), OK);
    assert_code(trust_add_local(f->trust, STR("http://127.0.0.1:41001"),
                                STR("https://orders-abc123xyz0-uc.a.run.app"), &e),
                OK);
    assert_code(trust_note_served(f->trust, str_from(served), &e), OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    trust_set_free(f->trust);
    arena_deinit(&f->mem);
    free(f);
    return 0;
}

typedef struct row row;
struct row {
    const char *name;
    const char *url;
    const char *authorization; // NULL: none; "@CLAIMS": a bearer with these claims
    const char *serverless;
    const char *identity;
    const char *host;
    bool built, insecure, noauth, user, interactive, by_rule;
    injection_action action;
    injection_header header;
    code refusal;
    const char *says; // in report, warning or refusal
};

static injection_decision decide(fixture *f, const row *r)
{
    str authorization = STR_NONE, serverless = str_from(r->serverless);
    injection_decision d;
    if (r->authorization && r->authorization[0] == '@')
        authorization = bearer(&f->mem, "Bearer", r->authorization + 1);
    else
        authorization = str_from(r->authorization);
    injection_request req = {
        .url = str_from(r->url),
        .origin_built = r->built,
        .tls_insecure = r->insecure,
        .noauth = r->noauth,
        .identity = str_from(r->identity),
        .by_rule = r->by_rule,
        .user_token = r->user,
        .interactive = r->interactive,
        .authorization = &authorization,
        .authorization_count = r->authorization ? 1 : 0,
        .serverless = &serverless,
        .serverless_count = r->serverless ? 1 : 0,
        .host_header = str_from(r->host),
        .local_issuer = str_from(local_issuer),
    };
    injection_decide(f->trust, &req, &d);
    return d;
}

static void check(fixture *f, const row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        injection_decision d = decide(f, &rows[i]);
        if (d.action != rows[i].action)
            fail_msg("%s: action %d, report '%s', refusal '%s'", rows[i].name, d.action, d.report,
                     d.refusal.msg);
        if (d.refusal.code != rows[i].refusal)
            fail_msg("%s: %s", rows[i].name, code_id(d.refusal.code));
        if (d.action == INJECTION_INJECT && d.header != rows[i].header)
            fail_msg("%s: the wrong header", rows[i].name);
        if (rows[i].says && !strstr(d.report, rows[i].says) && !strstr(d.warning, rows[i].says) &&
            !strstr(d.refusal.msg, rows[i].says) && !strstr(d.refusal.hint, rows[i].says))
            fail_msg("%s: says '%s' '%s' '%s' '%s'", rows[i].name, d.report, d.warning,
                     d.refusal.msg, d.refusal.hint);
        if ((d.action == INJECTION_PLAIN) != (d.report[0] == '\0'))
            fail_msg("%s: report '%s'", rows[i].name, d.report);
    }
}

static void row_1_not_a_candidate(void **state)
{
    static const row rows[] = {
        {.name = "another host", .url = "https://example.com/", .action = INJECTION_PLAIN},
        {.name = "with its own token",
         .url = "https://example.com/",
         .authorization = "@{\"iss\":\"https://accounts.google.com\"}",
         .action = INJECTION_PLAIN},
        {.name = "plain http", .url = "http://example.com/", .action = INJECTION_PLAIN},
        {.name = "TLS off",
         .url = "https://example.com/",
         .insecure = true,
         .action = INJECTION_PLAIN},
        {.name = "a port of loopback that no service has",
         .url = "http://127.0.0.1:9999/",
         .action = INJECTION_PLAIN},
        {.name = "a rule without identity",
         .url = "https://example.com/",
         .by_rule = true,
         .identity = "none",
         .action = INJECTION_PLAIN},
    };
    check(*state, rows, ARRAY_LEN(rows));
}

static void row_2_untrusted_or_unsafe(void **state)
{
    static const row rows[] = {
        {.name = "T38 untrusted, nobody to ask",
         .url = other,
         .action = INJECTION_REFUSE,
         .refusal = TRUST_MISSING,
         .says = "gatepost trust add https://attacker-zzzzzzzzzz-uc.a.run.app"},
        {.name =
             "T38 untrusted, and the running up serves it: it gets nothing, and --local is named",
         .url = served,
         .action = INJECTION_REFUSE,
         .refusal = TRUST_MISSING,
         .says = "--local calls it in the running 'gatepost up'"},
        {.name = "T38 untrusted, on a terminal",
         .url = other,
         .interactive = true,
         .action = INJECTION_ASK},
        {.name = "T38 a project's trust, but the origin was built",
         .url = service,
         .built = true,
         .action = INJECTION_REFUSE,
         .refusal = TRUST_MISSING,
         .says = "built by a script"},
        {.name = "an exact origin, built",
         .url = by_origin,
         .built = true,
         .action = INJECTION_INJECT},
        {.name = "T38 a rule makes any host a candidate, and needs trust",
         .url = "https://example.com/",
         .identity = "stranger",
         .by_rule = true,
         .action = INJECTION_REFUSE,
         .refusal = TRUST_MISSING},
        {.name = "T44 TLS off",
         .url = service,
         .insecure = true,
         .action = INJECTION_NONE,
         .says = "TLS is not verified"},
        {.name = "T44 TLS off, exact origin",
         .url = by_origin,
         .insecure = true,
         .action = INJECTION_NONE,
         .says = "TLS is not verified"},
        {.name = "T44 plain http off loopback",
         .url = "http://orders-abc123xyz0-uc.a.run.app/",
         .action = INJECTION_NONE,
         .says = "plain http"},
        {.name = "T35 Host names another",
         .url = service,
         .host = "attacker-zzzzzzzzzz-uc.a.run.app",
         .action = INJECTION_NONE,
         .says = "Host header"},
        {.name = "Host names the same",
         .url = service,
         .host = "Orders-ABC123xyz0-uc.a.run.app",
         .action = INJECTION_INJECT},
        {.name = "T38 a user's token and only the project's trust",
         .url = service,
         .user = true,
         .action = INJECTION_REFUSE,
         .refusal = TRUST_USER,
         .says = "--impersonate-service-account"},
        {.name = "T38 a user's token, on a terminal",
         .url = service,
         .user = true,
         .interactive = true,
         .action = INJECTION_ASK},
        {.name = "a user's token, exact origin",
         .url = by_origin,
         .user = true,
         .action = INJECTION_INJECT},
        {.name = "the local up's services are trusted", .url = local, .action = INJECTION_INJECT},
        {.name = "also built", .url = local, .built = true, .action = INJECTION_INJECT},
    };
    check(*state, rows, ARRAY_LEN(rows));
}

static void row_3_no_identity_wanted(void **state)
{
    static const row rows[] = {
        {.name = "noauth",
         .url = service,
         .noauth = true,
         .action = INJECTION_NONE,
         .says = "noauth"},
        {.name = "identity none",
         .url = service,
         .identity = "none",
         .action = INJECTION_NONE,
         .says = "none was chosen"},
        {.name = "noauth, untrusted: nothing to refuse",
         .url = other,
         .noauth = true,
         .action = INJECTION_NONE},
        {.name = "noauth with a header of its own",
         .url = service,
         .noauth = true,
         .authorization = "Bearer opaque",
         .action = INJECTION_NONE},
    };
    check(*state, rows, ARRAY_LEN(rows));
}

static void row_4_the_requests_own_token_stays(void **state)
{
    static const row rows[] = {
        {.name = "X-Serverless-Authorization",
         .url = service,
         .serverless = "Bearer x",
         .action = INJECTION_LEAVE},
        {.name = "an empty one too", .url = service, .serverless = "", .action = INJECTION_LEAVE},
        {.name = "Google's",
         .url = service,
         .authorization = "@{\"iss\":\"https://accounts.google.com\"}",
         .action = INJECTION_LEAVE},
        {.name = "Google's other spelling",
         .url = service,
         .authorization = "@{\"iss\":\"accounts.google.com\",\"aud\":\"wrong\",\"exp\":1}",
         .action = INJECTION_LEAVE},
        {.name = "the local issuer's",
         .url = local,
         .authorization = "@{\"iss\":\"http://127.0.0.1:41000\"}",
         .action = INJECTION_LEAVE},
        {.name = "untrusted, with its own token",
         .url = other,
         .authorization = "@{\"iss\":\"https://accounts.google.com\"}",
         .action = INJECTION_LEAVE},
    };
    check(*state, rows, ARRAY_LEN(rows));
}

static void row_5_empty_or_unresolved(void **state)
{
    static const row rows[] = {
        {.name = "empty",
         .url = service,
         .authorization = "",
         .action = INJECTION_INJECT,
         .header = INJECTION_AUTHORIZATION,
         .says = "unresolved"},
        {.name = "blank",
         .url = service,
         .authorization = "  ",
         .action = INJECTION_INJECT,
         .header = INJECTION_AUTHORIZATION},
        {.name = "unresolved",
         .url = service,
         .authorization = "Bearer {{token}}",
         .action = INJECTION_INJECT,
         .header = INJECTION_AUTHORIZATION,
         .says = "unresolved"},
    };
    check(*state, rows, ARRAY_LEN(rows));
}

static void row_6_the_applications_own_authorization(void **state)
{
    static const row rows[] = {
        {.name = "opaque",
         .url = service,
         .authorization = "Bearer opaque",
         .action = INJECTION_INJECT,
         .header = INJECTION_SERVERLESS,
         .says = "X-Serverless-Authorization"},
        {.name = "basic",
         .url = service,
         .authorization = "Basic dTpw",
         .action = INJECTION_INJECT,
         .header = INJECTION_SERVERLESS},
        {.name = "another issuer's",
         .url = service,
         .authorization = "@{\"iss\":\"https://login.example\"}",
         .action = INJECTION_INJECT,
         .header = INJECTION_SERVERLESS},
        {.name = "an issuer that resembles Google's",
         .url = service,
         .authorization = "@{\"iss\":\"https://accounts.google.com.example\"}",
         .action = INJECTION_INJECT,
         .header = INJECTION_SERVERLESS},
        {.name = "claims that aren't JSON",
         .url = service,
         .authorization = "@not json",
         .action = INJECTION_INJECT,
         .header = INJECTION_SERVERLESS},
        {.name = "braces that are no variable",
         .url = service,
         .authorization = "Custom }}x{{",
         .action = INJECTION_INJECT,
         .header = INJECTION_SERVERLESS},
    };
    check(*state, rows, ARRAY_LEN(rows));
}

static void row_7_no_authorization(void **state)
{
    static const row rows[] = {
        {.name = "by project",
         .url = service,
         .action = INJECTION_INJECT,
         .header = INJECTION_AUTHORIZATION,
         .says = "--trust"},
        {.name = "by origin",
         .url = by_origin,
         .action = INJECTION_INJECT,
         .header = INJECTION_AUTHORIZATION},
        {.name = "local",
         .url = local,
         .action = INJECTION_INJECT,
         .header = INJECTION_AUTHORIZATION},
    };
    check(*state, rows, ARRAY_LEN(rows));
}

static void the_audience_is_the_targets(void **state)
{
    fixture *f = *state;
    injection_decision d;
    static const struct {
        const char *url, *chosen, *audience;
        bool local;
    } rows[] = {
        {service, "", "https://orders-abc123xyz0-uc.a.run.app", false},
        {"https://v2---orders-abc123xyz0-uc.a.run.app/x", "",
         "https://orders-abc123xyz0-uc.a.run.app", false},
        {by_origin, "", "https://api.example", false},
        {local, "", "https://orders-abc123xyz0-uc.a.run.app", true},
        {service, "https://custom.example", "https://custom.example", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        injection_request req = {.url = str_from(rows[i].url),
                                 .audience = str_from(rows[i].chosen)};
        injection_decide(f->trust, &req, &d);
        assert_row(i, d.action == INJECTION_INJECT);
        assert_string_equal(d.audience, rows[i].audience);
        assert_int_equal(d.local, rows[i].local);
    }
}

static void several_authorization_headers(void **state)
{
    fixture *f = *state;
    str google = bearer(&f->mem, "bearer", "{\"iss\":\"https://accounts.google.com\"}");
    const str values[] = {STR("Basic dTpw"), google};
    injection_decision d;
    injection_request req = {
        .url = str_from(service), .authorization = values, .authorization_count = 2};
    injection_decide(f->trust, &req, &d);
    assert_int_equal(d.action, INJECTION_LEAVE);
    req.authorization_count = 1;
    injection_decide(f->trust, &req, &d);
    assert_int_equal(d.action, INJECTION_INJECT);
    assert_int_equal(d.header, INJECTION_SERVERLESS);
}

static void declining_is_an_answer(void **state)
{
    fixture *f = *state;
    injection_decision d;
    injection_request req = {.url = str_from(other), .interactive = true};
    injection_decide(f->trust, &req, &d);
    assert_int_equal(d.action, INJECTION_ASK);
    trust_decline(f->trust, str_from(d.trust.origin));
    injection_decide(f->trust, &req, &d);
    assert_int_equal(d.action, INJECTION_NONE);
    assert_non_null(strstr(d.report, "declined"));
}

static void the_question_says_what_yes_means(void **state)
{
    fixture *f = *state;
    injection_decision d;
    buf text;
    buf_init(&text, 4096);
    injection_request req = {.url = str_from(other), .interactive = true};
    injection_decide(f->trust, &req, &d);
    injection_question(&d, STR("tester@p.iam.gserviceaccount.com"), &text);
    assert_true(str_find(buf_str(&text), STR("attacker-zzzzzzzzzz-uc.a.run.app")) > 0);
    assert_true(str_find(buf_str(&text), STR("tester@p.iam.gserviceaccount.com")) > 0);
    assert_true(str_find(buf_str(&text), STR("ID token")) > 0);

    buf_reset(&text);
    req.user_token = true;
    injection_decide(f->trust, &req, &d);
    injection_question(&d, STR("jane@example.com"), &text);
    assert_true(str_find(buf_str(&text), STR("every service that you may invoke")) > 0);
    buf_deinit(&text);
}

// Such a token isn't bound to the service either, but impersonation is no way out of that.
static void T38_a_clients_token_needs_the_exact_origin(void **state)
{
    (void)state;
    trust_set *t = trust_set_new();
    injection_decision d;
    injection_request req = {.url = STR("https://orders-123456789012.us-central1.run.app/"),
                             .user_token = true,
                             .client_token = true};
    assert_code(trust_add(t, STR("123456789012"), "--trust", NULL), OK);
    injection_decide(t, &req, &d);
    assert_int_equal(d.action, INJECTION_REFUSE);
    assert_int_equal(d.refusal.code, TRUST_USER);
    assert_non_null(strstr(d.refusal.msg, "an OAuth 2 client's"));
    assert_null(strstr(d.refusal.hint, "impersonate"));
    assert_code(
        trust_add(t, STR("https://orders-123456789012.us-central1.run.app"), "--trust", NULL), OK);
    injection_decide(t, &req, &d);
    assert_int_equal(d.action, INJECTION_INJECT);
    assert_non_null(strstr(d.warning, "OAuth 2 client's token"));
    buf text;
    buf_init(&text, 4096);
    injection_question(&d, STR("me"), &text);
    assert_non_null(strstr(buf_cstr(&text), "OAuth 2 client (me)"));
    buf_deinit(&text);
    trust_set_free(t);
}

static void an_unreadable_url_is_refused(void **state)
{
    fixture *f = *state;
    injection_decision d;
    injection_request req = {.url = STR("https://orders-abc123xyz0-uc.a.run.app\\@x/")};
    injection_decide(f->trust, &req, &d);
    assert_int_equal(d.action, INJECTION_REFUSE);
    assert_int_not_equal(d.refusal.code, OK);
}

static void rules_choose_who_calls(void **state)
{
    (void)state;
    static const project_rule rules[] = {
        {.request = {"Refused/as a stranger", 21}, .identity = {"stranger", 8}},
        {.request = {"Refused/*", 9}, .identity = {"none", 4}},
        {.request = {"*/nightly*", 10}, .identity = {"robot", 5}},
    };
    static const struct {
        const char *path, *identity;
        bool by_rule;
    } rows[] = {
        {"Refused/as a stranger", "stranger", true},
        {"Refused/without identity", "none", true},
        {"Orders/list", "tester", false},
        {"Orders/deep/nightly run", "robot", true},
        {"refused/x", "tester", false},
        {"", "tester", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool by_rule = !rows[i].by_rule;
        str id =
            identity_for(rules, ARRAY_LEN(rules), str_from(rows[i].path), STR("tester"), &by_rule);
        assert_strz(id, rows[i].identity);
        assert_int_equal(by_rule, rows[i].by_rule);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(row_1_not_a_candidate),
        CASE(row_2_untrusted_or_unsafe),
        CASE(row_3_no_identity_wanted),
        CASE(row_4_the_requests_own_token_stays),
        CASE(row_5_empty_or_unresolved),
        CASE(row_6_the_applications_own_authorization),
        CASE(row_7_no_authorization),
        CASE(the_audience_is_the_targets),
        CASE(several_authorization_headers),
        CASE(declining_is_an_answer),
        CASE(the_question_says_what_yes_means),
        CASE(T38_a_clients_token_needs_the_exact_origin),
        CASE(an_unreadable_url_is_refused),
        CASE(rules_choose_who_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
