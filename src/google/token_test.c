// SPDX-License-Identifier: Apache-2.0
// The token endpoint, row by row, with real signatures.
#include "google/google_test.h"

#define SCOPE "https://www.googleapis.com/auth/cloud-platform"
#define WINDOW                                                                                     \
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "  \
    "Check your iat and exp values in the JWT claim."

static jwk *tester_key, *other_key;

static int make_keys(void **state)
{
    (void)state;
    other_key = jwk_generate(JOSE_RS256, STR_NONE);
    return 0;
}

static int drop_keys(void **state)
{
    (void)state;
    jwk_unref(other_key);
    return 0;
}

static int listening(void **state)
{
    set_up(state);
    listen_at(*state, BASE);
    tester_key = key_in(*state, "tester.json");
    return 0;
}

static int stopped(void **state)
{
    jwk_unref(tester_key);
    return tear_down(state);
}

#undef CASE
#define CASE(name) cmocka_unit_test_setup_teardown(name, listening, stopped)

// Claims with {now+N} in place of times.
static str claims_at(world *w, const char *text, int64_t now_s)
{
    buf b;
    buf_init(&b, 8192);
    str rest = str_from(text), part, offset;
    int64_t n;
    while (str_cut(rest, '{', &part, &rest)) {
        buf_adds(&b, part);
        if (!str_starts(rest, STR("now"))) {
            buf_addc(&b, '{');
            continue;
        }
        str_cut(str_skip(rest, 3), '}', &offset, &rest);
        assert_true(str_to_i64(str_starts(offset, STR("+")) ? str_skip(offset, 1) : offset, &n));
        buf_addf(&b, "%lld", (long long)(now_s + n));
    }
    buf_adds(&b, part);
    str s = arena_str(&w->mem, buf_str(&b));
    buf_deinit(&b);
    return s;
}

static str signed_jwt(world *w, jwk *k, str claims)
{
    buf b;
    buf_init(&b, JWT_BYTES_MAX);
    assert_code(jwt_sign(k, claims, STR_NONE, &b, NULL), OK);
    str s = arena_str(&w->mem, buf_str(&b));
    buf_deinit(&b);
    return s;
}

// As Node's client signs: a header with nothing but alg.
static str bare_jwt(world *w, jwk *k, const char *header, str claims)
{
    buf b, sig;
    buf_init(&b, JWT_BYTES_MAX);
    buf_init(&sig, 1024);
    base64url_encode(&b, str_from(header));
    buf_addc(&b, '.');
    base64url_encode(&b, claims);
    assert_code(jws_sign(k, buf_str(&b), &sig, NULL), OK);
    buf_addc(&b, '.');
    base64url_encode(&b, buf_str(&sig));
    str s = arena_str(&w->mem, buf_str(&b));
    buf_deinit(&b);
    buf_deinit(&sig);
    return s;
}

static call *post(world *w, str body)
{
    call *c = call_new(w, "POST /token");
    c->content_type = STR("application/x-www-form-urlencoded");
    c->body = body;
    return ask(w, c);
}

static call *grant(world *w, str assertion)
{
    return post(w, arena_printf(&w->mem,
                                "grant_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3Agrant-type%%3Ajwt-"
                                "bearer&assertion=" STR_FMT,
                                STR_ARG(assertion)));
}

#define IDENTITY "\"iss\":\"" TESTER "\","
#define TIMES "\"iat\":{now+0},\"exp\":{now+3600},"
#define AUD "\"aud\":\"https://oauth2.googleapis.com/token\""

static const struct {
    const char *what, *claims, *error, *description;
} refusals[] = {
    {"unknown iss",
     "{\"iss\":\"nobody@demo.iam.gserviceaccount.com\"," TIMES "\"scope\":\"s\"," AUD "}",
     "invalid_grant", "Invalid grant: account not found"},
    {"no iss", "{" TIMES "\"scope\":\"s\"," AUD "}", "invalid_grant",
     "Invalid grant: account not found"},
    {"a person", "{\"iss\":\"" JANE "\"," TIMES "\"scope\":\"s\"," AUD "}", "invalid_grant",
     "Invalid grant: account not found"},
    {"another account's key", "{\"iss\":\"" STRANGER "\"," TIMES "\"scope\":\"s\"," AUD "}",
     "invalid_grant", "Invalid JWT Signature."},
    {"no iat", "{" IDENTITY "\"exp\":{now+3600},\"scope\":\"s\"," AUD "}", "invalid_grant",
     "Invalid JWT: iat (issued at) is not set."},
    {"no exp", "{" IDENTITY "\"iat\":{now+0},\"scope\":\"s\"," AUD "}", "invalid_grant",
     "Invalid JWT: exp (expiration time) is not set."},
    {"neither", "{" IDENTITY "\"scope\":\"s\"," AUD "}", "invalid_grant",
     "Invalid JWT: iat (issued at) is not set."},
    {"over an hour", "{" IDENTITY "\"iat\":{now+0},\"exp\":{now+3601},\"scope\":\"s\"," AUD "}",
     "invalid_grant", WINDOW},
    {"expired", "{" IDENTITY "\"iat\":{now-3600},\"exp\":{now+0},\"scope\":\"s\"," AUD "}",
     "invalid_grant", WINDOW},
    {"too early", "{" IDENTITY "\"iat\":{now+301},\"exp\":{now+3700},\"scope\":\"s\"," AUD "}",
     "invalid_grant", WINDOW},
    {"exp before iat", "{" IDENTITY "\"iat\":{now+100},\"exp\":{now+50},\"scope\":\"s\"," AUD "}",
     "invalid_grant", WINDOW},
    {"digits out of the window",
     "{" IDENTITY "\"iat\":\"{now-7200}\",\"exp\":\"{now-3600}\",\"scope\":\"s\"," AUD "}",
     "invalid_grant", WINDOW},
    {"no scope", "{" IDENTITY TIMES AUD "}", "invalid_scope",
     "Invalid OAuth scope or ID token audience provided."},
    {"empty scope", "{" IDENTITY TIMES "\"scope\":\"\"," AUD "}", "invalid_scope",
     "Invalid OAuth scope or ID token audience provided."},
    {"blank scope", "{" IDENTITY TIMES "\"scope\":\" \"," AUD "}", "invalid_scope",
     "Invalid OAuth scope or ID token audience provided."},
    {"empty audience", "{" IDENTITY TIMES "\"target_audience\":\"\"," AUD "}", "invalid_scope",
     "Invalid OAuth scope or ID token audience provided."},
    {"wrong aud", "{" IDENTITY TIMES "\"scope\":\"s\",\"aud\":\"https://example.com/token\"}",
     "invalid_grant", "Invalid JWT: Failed audience check."},
    {"no aud", "{" IDENTITY TIMES "\"scope\":\"s\"}", "invalid_grant",
     "Invalid JWT: Failed audience check."},
    {"aud that begins alike", "{" IDENTITY TIMES "\"scope\":\"s\",\"aud\":\"" BASE "/tokens\"}",
     "invalid_grant", "Invalid JWT: Failed audience check."},
    // The order of the checks: of two faults the first in the contract is told.
    {"window before scope",
     "{" IDENTITY "\"iat\":{now+0},\"exp\":{now+9999},\"aud\":\"https://example.com\"}",
     "invalid_grant", WINDOW},
    {"scope before aud", "{" IDENTITY TIMES "\"aud\":\"https://example.com\"}", "invalid_scope",
     "Invalid OAuth scope or ID token audience provided."},
    {"undecodable: iat", "{" IDENTITY "\"iat\":true,\"exp\":{now+3600},\"scope\":\"s\"," AUD "}",
     "invalid_request", "Bad Request"},
    {"T20: exp without end", "{" IDENTITY "\"iat\":{now+0},\"exp\":1e300,\"scope\":\"s\"," AUD "}",
     "invalid_request", "Bad Request"},
    {"T18: a name twice", "{" IDENTITY IDENTITY TIMES "\"scope\":\"s\"," AUD "}", "invalid_request",
     "Bad Request"},
};

static void each_refusal_has_googles_words(void **state)
{
    world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        call *c =
            grant(w, signed_jwt(w, tester_key, claims_at(w, refusals[i].claims, clock_wall_s())));
        if (c->status != 400)
            fail_msg("%s: %d", refusals[i].what, c->status);
        assert_strz(answer_str(w, c, "error"), refusals[i].error);
        assert_strz(answer_str(w, c, "error_description"), refusals[i].description);
        assert_strz(header_of(c, "content-type"), "application/json; charset=UTF-8");
        assert_true(str_find(header_of(c, "cache-control"), STR("no-store")) >= 0);
    }
}

static void scopes_are_bounded(void **state)
{
    world *w = *state;
    str claims = arena_printf(&w->mem, "{" IDENTITY TIMES "\"scope\":\"%04097d\"," AUD "}", 0);
    call *c = grant(w, signed_jwt(w, tester_key, claims_at(w, claims.ptr, clock_wall_s())));
    assert_int_equal(c->status, 400);
    assert_strz(answer_str(w, c, "error"), "invalid_scope");
}

#define GOOD "{" IDENTITY TIMES "\"scope\":\"" SCOPE "\"," AUD "}"

static str good_claims(world *w)
{
    return claims_at(w, GOOD, clock_wall_s());
}

static void T14_T16_signatures_that_prove_nothing(void **state)
{
    world *w = *state;
    str good = signed_jwt(w, tester_key, good_claims(w));
    ssize_t dot = str_rchr(good, '.');
    const struct {
        const char *what;
        str assertion;
        const char *error, *description;
    } rows[] = {
        {"empty", STR("e30.e30.AAAA"), "invalid_request", "Bad Request"},
        {"not a JWT", STR("assertion"), "invalid_request", "Bad Request"},
        {"no signature", str_sub(good, 0, (size_t)dot + 1), "invalid_request", "Bad Request"},
        {"another key", signed_jwt(w, other_key, good_claims(w)), "invalid_grant",
         "Invalid JWT Signature."},
        {"the issuer's key", signed_jwt(w, w->g->signer, good_claims(w)), "invalid_grant",
         "Invalid JWT Signature."},
        {"none", bare_jwt(w, tester_key, "{\"alg\":\"none\"}", good_claims(w)), "invalid_grant",
         "Invalid JWT Signature."},
        {"HS256", bare_jwt(w, tester_key, "{\"alg\":\"HS256\"}", good_claims(w)), "invalid_grant",
         "Invalid JWT Signature."},
        {"RS512", bare_jwt(w, tester_key, "{\"alg\":\"RS512\"}", good_claims(w)), "invalid_grant",
         "Invalid JWT Signature."},
        {"a key in the header",
         bare_jwt(w, other_key, "{\"alg\":\"RS256\",\"jwk\":{\"kty\":\"RSA\"}}", good_claims(w)),
         "invalid_request", "Bad Request"},
        {"crit", bare_jwt(w, tester_key, "{\"alg\":\"RS256\",\"crit\":[\"x\"]}", good_claims(w)),
         "invalid_request", "Bad Request"},
    };
    assert_int_equal(grant(w, good)->status, 200);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        call *c = grant(w, rows[i].assertion);
        if (c->status != 400)
            fail_msg("%s: %d", rows[i].what, c->status);
        assert_strz(answer_str(w, c, "error"), rows[i].error);
        assert_strz(answer_str(w, c, "error_description"), rows[i].description);
    }
}

static void each_way_to_ask_is_understood(void **state)
{
    static const char *const rows[] = {
        GOOD,
        "{" IDENTITY TIMES "\"scope\":\"" SCOPE "\",\"aud\":\"" BASE "/token\"}",
        "{" IDENTITY TIMES "\"scope\":\"" SCOPE "\",\"aud\":[\"x\",\"" BASE "/token\"]}",
        "{" IDENTITY "\"iat\":\"{now+0}\",\"exp\":\"{now+3600}\",\"scope\":\"" SCOPE "\"," AUD "}",
        "{" IDENTITY "\"iat\":{now+300},\"exp\":{now+3900},\"scope\":\"" SCOPE "\"," AUD "}",
        "{" IDENTITY "\"iat\":{now-3595},\"exp\":{now+5},\"scope\":\"" SCOPE "\"," AUD "}",
        "{" IDENTITY TIMES "\"sub\":\"" TESTER "\",\"scope\":\"" SCOPE "\"," AUD "}",
    };
    world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        str claims = claims_at(w, rows[i], clock_wall_s());
        assert_row(i, grant(w, signed_jwt(w, tester_key, claims))->status == 200);
        // Node: no kid, no typ
        assert_row(i,
                   grant(w, bare_jwt(w, tester_key, "{\"alg\":\"RS256\"}", claims))->status == 200);
    }
}

static void an_access_token_comes_as_googles_does(void **state)
{
    world *w = *state;
    call *c = grant(w, signed_jwt(w, tester_key, good_claims(w)));
    const json *root = answer_json(w, c);
    assert_int_equal(root->len, 3);
    assert_int_equal(json_i64_or(json_get(root, "expires_in"), 0), 3599);
    assert_strz(answer_str(w, c, "token_type"), "Bearer");
    str token = answer_str(w, c, "access_token");
    assert_true(str_starts(token, STR("ya29.")));
    google_bearer b;
    assert_true(google_access_token_check(w->g, token, &b));
    assert_strz(b.email, TESTER);
    assert_strz(b.scopes, SCOPE);
}

static void an_id_token_comes_as_googles_does(void **state)
{
    world *w = *state;
    str claims = claims_at(w,
                           "{" IDENTITY TIMES
                           "\"scope\":\"\",\"target_audience\":\"https://orders.example\"," AUD "}",
                           clock_wall_s());
    call *c = grant(w, signed_jwt(w, tester_key, claims));
    assert_int_equal(c->status, 200);
    assert_int_equal(answer_json(w, c)->len, 1);
    const str audience = STR("https://orders.example");
    jwt_expect x = {.issuer = GOOGLE_ISSUER,
                    .audiences = &audience,
                    .audience_count = 1,
                    .now_s = clock_wall_s(),
                    .leeway_s = 5};
    jwt t;
    assert_code(jwt_verify(answer_str(w, c, "id_token"), google_keys(w->g), &x, &w->mem, &t, NULL),
                OK);
    assert_int_equal(t.claims->len, 8);
    assert_strz(json_get(t.claims, "azp")->text, TESTER);
    assert_strz(json_get(t.claims, "email")->text, TESTER);
    assert_true(json_bool_or(json_get(t.claims, "email_verified"), false));
    assert_str(t.subject, account_find(w->g, STR(TESTER))->unique_id);
    assert_int_equal(t.expiry_s - t.issued_at_s, 3600);
}

static void the_lifetime_is_a_setting(void **state)
{
    world *w = *state;
    w->options.token_lifetime_s = 5;
    reopen_google(w);
    listen_at(w, BASE);
    call *c = grant(w, signed_jwt(w, tester_key, good_claims(w)));
    assert_int_equal(json_i64_or(json_get(answer_json(w, c), "expires_in"), 0), 4);
    str token = answer_str(w, c, "access_token");
    assert_non_null(access_token_find(w->g, token, c->now_s + 4));
    assert_null(access_token_find(w->g, token, c->now_s + 5));
}

static void T25_a_disabled_key_is_refused_at_once(void **state)
{
    world *w = *state;
    account *a = account_find(w->g, STR(TESTER));
    str assertion = signed_jwt(w, tester_key, good_claims(w));
    account_key_set_disabled(w->g, a->keys.ptr[0], true);
    assert_strz(answer_str(w, grant(w, assertion), "error_description"), "Invalid JWT Signature.");
    reopen_google(w); // it stays so
    a = account_find(w->g, STR(TESTER));
    assert_strz(answer_str(w, grant(w, assertion), "error_description"), "Invalid JWT Signature.");
    account_key_set_disabled(w->g, a->keys.ptr[0], false);
    assert_int_equal(grant(w, assertion)->status, 200);
    account_key_remove(w->g, a, a->keys.ptr[0]);
    assert_strz(answer_str(w, grant(w, assertion), "error_description"), "Invalid JWT Signature.");
}

static void delegation_of_a_whole_domain_is_not_authorized(void **state)
{
    world *w = *state;
    str claims =
        claims_at(w, "{" IDENTITY TIMES "\"sub\":\"" JANE "\",\"scope\":\"" SCOPE "\"," AUD "}",
                  clock_wall_s());
    call *c = grant(w, signed_jwt(w, tester_key, claims));
    assert_int_equal(c->status, 401);
    assert_strz(answer_str(w, c, "error"), "unauthorized_client");
}

static void requests_that_are_no_grant(void **state)
{
    static const struct {
        const char *type, *body, *error, *description;
    } rows[] = {
        {"application/json", "{}", "invalid_request", "Bad Request"},
        {"application/x-www-form-urlencoded", "", "invalid_request",
         "Missing required parameter: grant_type"},
        {"application/x-www-form-urlencoded", "grant_type=%zz", "invalid_request", "Bad Request"},
        {"application/x-www-form-urlencoded", "grant_type=password", "unsupported_grant_type",
         "Invalid grant_type: password"},
        {"application/x-www-form-urlencoded; charset=utf-8",
         "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer", "invalid_request",
         "Missing required parameter: assertion"},
        {"application/x-www-form-urlencoded", "grant_type=refresh_token&refresh_token=x",
         "invalid_request", "Missing required parameter: client_id"},
        {"application/x-www-form-urlencoded", "assertion=a&grant_type=b&assertion=c",
         "invalid_request", "OAuth 2 parameters can only have a single value: assertion"},
    };
    world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        call *c = call_new(w, "POST /token");
        c->content_type = str_from(rows[i].type);
        c->body = str_from(rows[i].body);
        assert_row(i, ask(w, c)->status == 400);
        assert_strz(answer_str(w, c, "error"), rows[i].error);
        assert_strz(answer_str(w, c, "error_description"), rows[i].description);
    }
    call *c = ask(w, call_new(w, "GET /token"));
    assert_int_equal(c->status, 405);
    assert_strz(header_of(c, "allow"), "POST");
}

// ---- refresh tokens

static str member_of(world *w, const char *file, const char *name)
{
    json *root;
    assert_code(json_load(&w->mem, in_dir(w, file), NULL, &root, NULL), OK);
    return json_str_or(json_get(root, name), STR_NONE);
}

static call *refresh(world *w, str token, str client, str client_secret, const char *more)
{
    return post(w, arena_printf(&w->mem,
                                "grant_type=refresh_token&refresh_token=" STR_FMT
                                "&client_id=" STR_FMT "&client_secret=" STR_FMT "%s",
                                STR_ARG(token), STR_ARG(client), STR_ARG(client_secret), more));
}

static void a_persons_refresh_token_gives_both_tokens(void **state)
{
    world *w = *state;
    str token = member_of(w, "jane.json", "refresh_token");
    str client = member_of(w, "jane.json", "client_id");
    call *c = refresh(w, token, client, member_of(w, "jane.json", "client_secret"), "");
    assert_int_equal(c->status, 200);
    google_bearer b;
    assert_true(google_access_token_check(w->g, answer_str(w, c, "access_token"), &b));
    assert_strz(b.email, JANE);
    assert_str(answer_str(w, c, "scope"), b.scopes);
    jwt_expect x = {.issuer = GOOGLE_ISSUER,
                    .audiences = &client,
                    .audience_count = 1,
                    .now_s = clock_wall_s(),
                    .leeway_s = 5};
    jwt t;
    assert_code(jwt_verify(answer_str(w, c, "id_token"), google_keys(w->g), &x, &w->mem, &t, NULL),
                OK);
    assert_strz(json_get(t.claims, "email")->text, JANE);
    assert_strz(json_get(t.claims, "hd")->text, "example.com");
}

// As an external_account_authorized_user asks (google-identity.md §2).
static void a_client_may_authenticate_in_the_header(void **state)
{
    static const char *const paths[] = {"POST /token", "POST /v1/oauthtoken"};
    world *w = *state;
    str token = member_of(w, "jane.json", "refresh_token");
    str pair =
        arena_printf(&w->mem, STR_FMT ":" STR_FMT, STR_ARG(member_of(w, "jane.json", "client_id")),
                     STR_ARG(member_of(w, "jane.json", "client_secret")));
    const struct {
        str pair;
        int status;
    } rows[] = {
        {pair, 200}, {arena_printf(&w->mem, STR_FMT "x", STR_ARG(pair)), 401}, {STR("x"), 400}};
    for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
        call *c = call_new(w, paths[i % 2]);
        buf basic;
        buf_init(&basic, 1024);
        buf_addz(&basic, "Basic ");
        base64_encode(&basic, rows[i / 2].pair);
        c->authorization = arena_str(&w->mem, buf_str(&basic));
        c->authorization_count = 1;
        c->content_type = STR("application/x-www-form-urlencoded");
        c->body = arena_printf(&w->mem, "grant_type=refresh_token&refresh_token=" STR_FMT,
                               STR_ARG(token));
        ask(w, c);
        assert_row(i, c->status == rows[i / 2].status);
        buf_deinit(&basic);
    }
}

static void refresh_tokens_are_checked(void **state)
{
    world *w = *state;
    str token = member_of(w, "jane.json", "refresh_token");
    str client = member_of(w, "jane.json", "client_id");
    str secret_text = member_of(w, "jane.json", "client_secret");
    const struct {
        str token, client, secret;
        const char *more;
        int status;
        const char *error, *description;
    } rows[] = {
        {STR("1//0unknown"), client, secret_text, "", 400, "invalid_grant",
         "Token has been expired or revoked."},
        {token, STR("other"), secret_text, "", 401, "unauthorized_client", "Unauthorized"},
        {token, client, STR("guess"), "", 401, "invalid_client",
         "The provided client secret is invalid."},
        {token, client, secret_text, "&scope=openid+more", 400, "invalid_scope",
         "Some requested scopes were not granted at sign-in."},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        call *c = refresh(w, rows[i].token, rows[i].client, rows[i].secret, rows[i].more);
        assert_row(i, c->status == rows[i].status);
        assert_strz(answer_str(w, c, "error"), rows[i].error);
        assert_strz(answer_str(w, c, "error_description"), rows[i].description);
    }
    call *c = refresh(w, token, client, secret_text, "&scope=openid");
    assert_int_equal(c->status, 200);
    assert_strz(answer_str(w, c, "scope"), "openid");
    reopen_google(w); // it outlives a restart
    listen_at(w, BASE);
    assert_str(member_of(w, "jane.json", "refresh_token"), token);
    assert_int_equal(refresh(w, token, client, secret_text, "")->status, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(each_refusal_has_googles_words),
        CASE(scopes_are_bounded),
        CASE(T14_T16_signatures_that_prove_nothing),
        CASE(each_way_to_ask_is_understood),
        CASE(an_access_token_comes_as_googles_does),
        CASE(an_id_token_comes_as_googles_does),
        CASE(the_lifetime_is_a_setting),
        CASE(T25_a_disabled_key_is_refused_at_once),
        CASE(delegation_of_a_whole_domain_is_not_authorized),
        CASE(requests_that_are_no_grant),
        CASE(a_persons_refresh_token_gives_both_tokens),
        CASE(a_client_may_authenticate_in_the_header),
        CASE(refresh_tokens_are_checked),
    };
    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
