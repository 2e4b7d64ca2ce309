// SPDX-License-Identifier: Apache-2.0
// STS: each row of contract google-identity.md §2, and what its tokens can be used for.
#include "google/google_test.h"
#include "net/net_test_server.h"

#define POOL "projects/123456789012/locations/global/workloadIdentityPools/pipelines"
#define AUDIENCE "//iam.googleapis.com/" POOL "/providers/github"
#define ISSUER "https://token.actions.githubusercontent.com"
#define SUBJECT "repo:acme/shop:ref:refs/heads/main"
#define PRINCIPAL "principal://iam.googleapis.com/" POOL "/subject/" SUBJECT
#define SCOPE "https://www.googleapis.com/auth/cloud-platform"
#define TYPE "urn:ietf:params:oauth:token-type:"

static jwk *key, *other_key;

static int make_keys(void **state)
{
    (void)state;
    key = jwk_generate(JOSE_RS256, STR("k1"));
    other_key = jwk_generate(JOSE_RS256, STR("k1"));
    return 0;
}

static int drop_keys(void **state)
{
    (void)state;
    jwk_unref(key);
    jwk_unref(other_key);
    return 0;
}

static const json *parsed(world *w, str text)
{
    json *root = NULL;
    err e = ERR_INIT;
    if (json_parse(&w->mem, text, NULL, &root, &e))
        fail_msg("%s: " STR_FMT, e.msg, STR_ARG(text));
    return root;
}

// Pools "pipelines" and "closed"; the tester may be used by the repository's main branch.
static void declare(world *w, const char *issuer, bool inline_keys)
{
    buf b;
    buf_init(&b, 64 << 10);
    buf_addf(&b,
             "{\"pipelines\":{\"providers\":{\"github\":{\"issuer\":\"%s\",\"audiences\":[\"gp\"],"
             "\"map\":{\"google.subject\":\"assertion.sub\",\"attribute.repository\":"
             "\"assertion.repository\"},\"condition\":\"assertion.owner == 'acme'\"",
             issuer);
    if (inline_keys) {
        jwk_set *keys = jwk_set_new();
        jwk_set_add(keys, key);
        buf_addz(&b, ",\"jwks\":");
        jwk_set_write_json(keys, &b);
        jwk_set_unref(keys);
    }
    buf_addz(&b, "},\"idle\":{\"disabled\":true,\"issuer\":\"" ISSUER "\",\"map\":"
                 "{\"google.subject\":\"assertion.sub\"}}}},"
                 "\"closed\":{\"disabled\":true,\"providers\":{\"any1\":{\"issuer\":\"" ISSUER
                 "\",\"map\":{\"google.subject\":\"assertion.sub\"}}}}}");
    w->options.pools = parsed(w, buf_str(&b));
    buf_deinit(&b);
    w->accounts[0].policy =
        parsed(w, STR("{\"bindings\":[{\"role\":\"roles/iam.workloadIdentityUser\",\"members\":["
                      "\"principalSet://iam.googleapis.com/" POOL
                      "/attribute.repository/acme/shop\"]}]}"));
}

static int open_pools(void **state)
{
    make_world(state);
    declare(*state, ISSUER, true);
    open_google(*state);
    return 0;
}

// ---- tokens and calls

static str token_with(world *w, jwk *k, str claims)
{
    buf out;
    buf_init(&out, 16 << 10);
    assert_code(jwt_sign(k, claims, STR("JWT"), &out, NULL), OK);
    str s = arena_str(&w->mem, buf_str(&out));
    buf_deinit(&out);
    return s;
}

// A good token of the issuer; `more` may repeat nothing.
static str claims_of(world *w, const char *issuer, const char *audience, int64_t from_now)
{
    int64_t now_s = clock_wall_s();
    return arena_printf(&w->mem,
                        "{\"iss\":\"%s\",\"aud\":\"%s\",\"sub\":\"" SUBJECT "\",\"repository\":"
                        "\"acme/shop\",\"owner\":\"acme\",\"iat\":%lld,\"exp\":%lld}",
                        issuer, audience, (long long)now_s, (long long)(now_s + from_now));
}

static str good_token(world *w)
{
    return token_with(w, key, claims_of(w, ISSUER, "gp", 600));
}

typedef struct asked asked;
struct asked {
    const char *grant_type, *audience, *requested, *type, *scope;
    str token;
};

static void add_field(buf *b, const char *name, str value)
{
    buf_addf(b, "%s%s=", b->len ? "&" : "", name);
    percent_encode(b, value);
}

static call *exchange_by(world *w, asked q)
{
    call *c = call_new(w, "POST /v1/token");
    buf b;
    buf_init(&b, 64 << 10);
    add_field(
        &b, "grant_type",
        str_from(q.grant_type ? q.grant_type : "urn:ietf:params:oauth:grant-type:token-exchange"));
    add_field(&b, "audience", str_from(q.audience ? q.audience : AUDIENCE));
    add_field(&b, "requested_token_type",
              str_from(q.requested ? q.requested : TYPE "access_token"));
    add_field(&b, "subject_token_type", str_from(q.type ? q.type : TYPE "jwt"));
    add_field(&b, "scope", str_from(q.scope ? q.scope : SCOPE));
    add_field(&b, "subject_token", q.token);
    add_field(&b, "options", STR("{\"userProject\":\"1\"}"));
    c->body = arena_str(&w->mem, buf_str(&b));
    c->content_type = STR("application/x-www-form-urlencoded");
    buf_deinit(&b);
    return ask(w, c);
}

static call *exchange(world *w, str token)
{
    return exchange_by(w, (asked){.token = token});
}

static void assert_refused(world *w, call *c, const char *error, const char *description)
{
    assert_int_equal(c->status, 400);
    if (!str_eq(answer_str(w, c, "error"), str_from(error)) ||
        !str_eq(answer_str(w, c, "error_description"), str_from(description)))
        fail_msg("wanted %s: %s, got " STR_FMT, error, description, STR_ARG(c->answer));
}

static call *call_as(world *w, const char *request, str token, const char *body)
{
    call *c = call_new(w, request);
    c->authorization = arena_printf(&w->mem, "Bearer " STR_FMT, STR_ARG(token));
    c->authorization_count = 1;
    c->body = str_from(body);
    return ask(w, c);
}

// ---- granted

static void a_foreign_token_becomes_an_access_token(void **state)
{
    world *w = *state;
    static const char *const types[] = {TYPE "jwt", TYPE "id_token"};
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        call *c = exchange_by(w, (asked){.token = good_token(w), .type = types[i]});
        assert_int_equal(c->status, 200);
        assert_true(str_starts(answer_str(w, c, "access_token"), STR("ya29.d.")));
        assert_strz(answer_str(w, c, "issued_token_type"), TYPE "access_token");
        assert_strz(answer_str(w, c, "token_type"), "Bearer");
        int64_t left_s = json_i64_or(json_get(answer_json(w, c), "expires_in"), -1);
        assert_true(left_s > 590 && left_s <= 600);
        assert_strz(header_of(c, "cache-control"),
                    "no-cache, no-store, max-age=0, must-revalidate");
    }
}

static void a_token_lives_as_long_as_the_foreign_one_and_at_most_an_hour(void **state)
{
    world *w = *state;
    call *c = exchange(w, token_with(w, key, claims_of(w, ISSUER, "gp", 9 * 3600)));
    assert_int_equal(json_i64_or(json_get(answer_json(w, c), "expires_in"), -1), 3600);
    c = exchange(w, token_with(w, key, claims_of(w, ISSUER, "gp", -30))); // within the skew
    assert_int_equal(json_i64_or(json_get(answer_json(w, c), "expires_in"), -1), 1);
}

// As Google's own action for GitHub asks.
static void a_request_may_be_json(void **state)
{
    world *w = *state;
    call *c = call_new(w, "POST /v1/token");
    c->content_type = STR("application/json; charset=utf-8");
    c->body =
        arena_printf(&w->mem,
                     "{\"audience\":\"" AUDIENCE "\",\"grantType\":"
                     "\"urn:ietf:params:oauth:grant-type:token-exchange\","
                     "\"requestedTokenType\":\"" TYPE "access_token\",\"scope\":\"" SCOPE
                     "\",\"subjectTokenType\":\"" TYPE "jwt\",\"subjectToken\":\"" STR_FMT "\"}",
                     STR_ARG(good_token(w)));
    ask(w, c);
    assert_int_equal(c->status, 200);
    assert_true(str_starts(answer_str(w, c, "access_token"), STR("ya29.d.")));
}

static void an_exchange_is_in_the_trail_without_its_tokens(void **state)
{
    world *w = *state;
    str token = good_token(w);
    call *c = exchange(w, token);
    trail t = trail_of(w);
    assert_int_equal(t.count, 1);
    assert_true(t.granted);
    assert_strz(t.method, "google.identity.sts.v1.SecurityTokenService.ExchangeToken");
    assert_true(str_find(t.text, STR("\"principalSubject\":\"" PRINCIPAL "\"")) >= 0);
    assert_true(str_find(t.text, STR("\"mapped_principal\":\"" PRINCIPAL "\"")) >= 0);
    assert_true(str_find(t.text, STR("\"resourceName\":\"" AUDIENCE "\"")) >= 0);
    assert_int_equal(str_find(t.text, token), -1);
    assert_int_equal(str_find(t.text, answer_str(w, c, "access_token")), -1);
    exchange(w, token_with(w, key, claims_of(w, ISSUER, "other", 600)));
    t = trail_of(w);
    assert_int_equal(t.count, 2);
    assert_false(t.granted);
    assert_true(str_find(t.text, STR("\"code\":\"GP-AUD-01\"")) >= 0);
}

// ---- refused: the contract's rows

static void each_row_of_the_contract_is_refused_in_its_words(void **state)
{
    world *w = *state;
    int64_t now_s = clock_wall_s();
    assert_refused(
        w, exchange(w, token_with(w, key, claims_of(w, ISSUER "/", "gp", 600))), "invalid_grant",
        "The issuer in ID Token " ISSUER "/ does not match the expected one in config: " ISSUER);
    assert_refused(w, exchange(w, token_with(w, key, claims_of(w, ISSUER, "other", 600))),
                   "invalid_grant",
                   "The audience in ID Token [other] does not match the expected audience.");
    str expired = claims_of(w, ISSUER, "gp", -61);
    assert_refused(w, exchange(w, token_with(w, key, expired)), "invalid_grant",
                   arena_printf(&w->mem, "ID Token issued at %lld is stale to sign-in.",
                                (long long)json_i64_or(json_get(parsed(w, expired), "iat"), 0))
                       .ptr);
    assert_refused(
        w,
        exchange(w, token_with(w, key,
                               arena_printf(&w->mem,
                                            "{\"iss\":\"" ISSUER "\",\"aud\":\"gp\",\"sub\":\"s\","
                                            "\"iat\":%lld,\"exp\":%lld}",
                                            (long long)now_s + 119, (long long)now_s + 600))),
        "invalid_grant",
        arena_printf(&w->mem, "ID Token issued at %lld is stale to sign-in.",
                     (long long)now_s + 119)
            .ptr);
    assert_refused(
        w,
        exchange(w, token_with(w, key,
                               arena_printf(&w->mem,
                                            "{\"iss\":\"" ISSUER "\",\"aud\":\"gp\",\"exp\":%lld}",
                                            (long long)now_s + 600))),
        "invalid_grant", "ID Token issued at 0 is stale to sign-in.");
    assert_refused(w, exchange(w, token_with(w, other_key, claims_of(w, ISSUER, "gp", 600))),
                   "invalid_grant", "Unable to verify the ID Token signature.");
    jwk *unknown = jwk_generate(JOSE_RS256, STR("k2"));
    assert_refused(w, exchange(w, token_with(w, unknown, claims_of(w, ISSUER, "gp", 600))),
                   "invalid_grant", "Error connecting to the given credential's issuer.");
    jwk_unref(unknown);
    assert_refused(
        w,
        exchange(w, token_with(w, key,
                               arena_printf(&w->mem,
                                            "{\"iss\":\"" ISSUER "\",\"aud\":\"gp\",\"sub\":\"s\","
                                            "\"repository\":\"r\",\"owner\":\"evil\",\"iat\":%lld,"
                                            "\"exp\":%lld}",
                                            (long long)now_s, (long long)now_s + 600))),
        "unauthorized_client", "The given credential is rejected by the attribute condition.");
}

#define NO_TARGET                                                                                  \
    "The target service indicated by the \"audience\" parameters is invalid. This might either "   \
    "be "                                                                                          \
    "because the pool or provider is disabled or deleted or because it doesn't exist."

static void a_missing_or_disabled_target_is_invalid(void **state)
{
    static const char *const audiences[] = {
        "//iam.googleapis.com/" POOL "/providers/none",
        "//iam.googleapis.com/" POOL "/providers/idle",
        "//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/closed/"
        "providers/any1",
        "//iam.googleapis.com/projects/9/locations/global/workloadIdentityPools/pipelines/"
        "providers/github",
        "gp",
    };
    world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(audiences); i++)
        assert_refused(w, exchange_by(w, (asked){.token = good_token(w), .audience = audiences[i]}),
                       "invalid_target", NO_TARGET);
}

static void a_malformed_request_is_told_what_it_lacks(void **state)
{
    static const struct {
        asked q;
        const char *error, *says;
    } rows[] = {
        {{.grant_type = "refresh_token"}, "unsupported_grant_type", "grant_type"},
        {{.requested = TYPE "id_token"}, "invalid_request", "requested_token_type"},
        {{.type = TYPE "saml2"}, "invalid_request", "subject_token_type"},
        {{.type = "urn:ietf:params:aws:token-type:aws4_request"},
         "invalid_request",
         "subject_token_type"},
        {{.scope = ""}, "invalid_scope", "scope"},
        {{.audience = ""}, "invalid_request", "Missing required parameter: audience"},
        {{.token = {"x", 1}}, "invalid_grant", "Unable to parse the ID Token."},
    };
    world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        asked q = rows[i].q;
        if (!q.token.len)
            q.token = good_token(w);
        call *c = exchange_by(w, q);
        assert_int_equal(c->status, 400);
        assert_strz(answer_str(w, c, "error"), rows[i].error);
        if (str_find(answer_str(w, c, "error_description"), str_from(rows[i].says)) < 0)
            fail_msg("row %zu: " STR_FMT, i, STR_ARG(c->answer));
    }
    call *c = ask(w, call_new(w, "GET /v1/token"));
    assert_int_equal(c->status, 405);
}

// A client that puts somebody's token where an issuer belongs doesn't get it written down.
static void T32_tokens_in_claims_stay_out_of_answers_and_trail(void **state)
{
    world *w = *state;
    str token = good_token(w);
    call *c = exchange(w, token_with(w, key, claims_of(w, token.ptr, "gp", 600)));
    assert_int_equal(c->status, 400);
    assert_int_equal(str_find(c->answer, token), -1);
    assert_int_equal(str_find(trail_of(w).text, token), -1);
}

// ---- what it is good for

#define MINT "/v1/projects/-/serviceAccounts/" TESTER ":"
#define SCOPES "{\"scope\":[\"" SCOPE "\"]}"

static void a_federated_token_impersonates_whom_it_may(void **state)
{
    world *w = *state;
    str token = answer_str(w, exchange(w, good_token(w)), "access_token");
    call *c = call_as(w, "POST " MINT "generateAccessToken", token, SCOPES);
    assert_int_equal(c->status, 200);
    google_bearer b;
    assert_true(google_access_token_check(w->g, answer_str(w, c, "accessToken"), &b));
    assert_strz(b.email, TESTER);
    assert_int_equal(b.delegation_count, 1);
    assert_strz(b.delegation[0], PRINCIPAL);
    c = call_as(w, "POST " MINT "generateIdToken", token,
                "{\"audience\":\"https://a.example\",\"includeEmail\":true}");
    assert_int_equal(c->status, 200);
    trail t = trail_of(w);
    assert_strz(t.method, "GenerateIdToken");
    assert_true(t.granted);
    assert_true(str_find(t.text, STR("\"principalSubject\":\"" PRINCIPAL "\"")) >= 0);
    assert_int_equal(str_find(t.text, STR("principalEmail")), -1);
    // Not a role of its own, and nobody else's account.
    c = call_as(w, "POST " MINT "signJwt", token, "{\"payload\":\"{}\"}");
    assert_int_equal(c->status, 403);
    c = call_as(w, "POST /v1/projects/-/serviceAccounts/" STRANGER ":generateIdToken", token,
                "{\"audience\":\"https://a.example\"}");
    assert_int_equal(c->status, 403);
    assert_strz(trail_of(w).permission, "iam.serviceAccounts.getOpenIdToken");
}

static void the_chain_names_the_federated_identity(void **state)
{
    world *w = *state;
    str token = answer_str(w, exchange(w, good_token(w)), "access_token");
    call *c = call_as(w, "POST " MINT "generateAccessToken", token, SCOPES);
    c = call_as(w, "GET /v1/projects/demo/serviceAccounts/" TESTER, answer_str(w, c, "accessToken"),
                "");
    trail t = trail_of(w);
    assert_strz(t.principal, TESTER);
    assert_true(
        str_find(t.text, STR("\"serviceAccountDelegationInfo\":[{\"principalSubject\":\"" PRINCIPAL
                             "\"}]")) >= 0);
}

static void a_federated_token_survives_a_restart(void **state)
{
    world *w = *state;
    str token = answer_str(w, exchange(w, good_token(w)), "access_token");
    reopen_google(w);
    call *c = call_as(w, "POST " MINT "generateAccessToken", token, SCOPES);
    assert_int_equal(c->status, 200);
    google_bearer b;
    assert_true(google_access_token_check(w->g, token, &b));
    assert_int_equal(b.email.len, 0);
}

static void a_token_without_an_api_scope_is_good_for_nothing_here(void **state)
{
    world *w = *state;
    call *c = exchange_by(w, (asked){.token = good_token(w), .scope = "openid"});
    c = call_as(w, "POST " MINT "generateAccessToken", answer_str(w, c, "access_token"), SCOPES);
    assert_int_equal(c->status, 403);
    assert_strz(error_message(w, c), "Request had insufficient authentication scopes.");
}

// ---- keys by discovery

typedef struct idp idp;
struct idp {
    test_server server;
    str origin;
    unsigned asked;
};

static void answer_discovery(void *ctx, str request, buf *out)
{
    idp *i = ctx;
    buf body;
    buf_init(&body, 8192);
    i->asked++;
    if (str_starts(request, STR("GET /.well-known"))) {
        buf_addf(&body, "{\"issuer\":\"" STR_FMT "\",\"jwks_uri\":\"" STR_FMT "/keys\"}",
                 STR_ARG(i->origin), STR_ARG(i->origin));
    } else {
        jwk_set *keys = jwk_set_new();
        jwk_set_add(keys, key);
        jwk_set_write_json(keys, &body);
        jwk_set_unref(keys);
    }
    buf_addf(out, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n" STR_FMT, body.len,
             STR_ARG(buf_str(&body)));
    buf_deinit(&body);
}

static void an_exchange_waits_for_the_issuers_keys(void **state)
{
    world *w = *state;
    idp i = {.asked = 0};
    unsigned port = test_server_start(&i.server, w->loop, answer_discovery, &i);
    i.origin = arena_printf(&w->mem, "http://127.0.0.1:%u", port);
    declare(w, i.origin.ptr, false);
    open_google(w);
    str token = token_with(w, key, claims_of(w, i.origin.ptr, "gp", 600));
    // One whose client leaves while it waits, then one that stays.
    call *gone = call_new(w, "POST /v1/token");
    call *c = exchange(w, token);
    assert_int_equal(c->status, 200);
    assert_int_equal(i.asked, 2);
    gone->body = c->body;
    gone->content_type = c->content_type;
    google_free(w->g);
    open_google(w);
    gone->g = w->g;
    google_route(gone);
    assert_non_null(gone->on_left);
    gone->on_left(gone);
    c = exchange(w, token);
    assert_int_equal(c->status, 200);
    assert_null(gone->ctx); // never answered
    test_server_stop(&i.server);
}

#undef CASE
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_pools, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_foreign_token_becomes_an_access_token),
        CASE(a_token_lives_as_long_as_the_foreign_one_and_at_most_an_hour),
        CASE(a_request_may_be_json),
        CASE(an_exchange_is_in_the_trail_without_its_tokens),
        CASE(each_row_of_the_contract_is_refused_in_its_words),
        CASE(a_missing_or_disabled_target_is_invalid),
        CASE(a_malformed_request_is_told_what_it_lacks),
        CASE(T32_tokens_in_claims_stay_out_of_answers_and_trail),
        CASE(a_federated_token_impersonates_whom_it_may),
        CASE(the_chain_names_the_federated_identity),
        CASE(a_federated_token_survives_a_restart),
        CASE(a_token_without_an_api_scope_is_good_for_nothing_here),
        BARE_CASE(an_exchange_waits_for_the_issuers_keys),
    };
    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
