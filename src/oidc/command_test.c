// SPDX-License-Identifier: Apache-2.0
// The reports of `gatepost token verify`.
#include "oidc/test_issuer.h"

static void on_report(void *ctx, code c, str text, const err *e)
{
    fixture *f = ctx;
    assert_true((c == OK) == (e == NULL));
    f->done = true;
    f->result = c;
    f->e = e ? *e : ERR_INIT;
    f->report = arena_str(&f->mem, text);
}

static code run(fixture *f, oidc_report r)
{
    f->done = false;
    if (!r.issuer.len)
        r.issuer = f->origin;
    oidc_command_verify(f->loop, &r, on_report, f);
    assert_false(f->done); // never inside the call
    assert_true(loop_run_until(f->loop, &f->done, TEST_WAIT_MS));
    // Never the token, nor the part of it that proves anything (T32).
    str signature = str_skip(r.token, (size_t)(str_rchr(r.token, '.') + 1));
    assert_true(!signature.len || str_find(f->report, signature) < 0);
    assert_int_equal(f->e.code, f->result);
    return f->result;
}

static void assert_says(fixture *f, const char *text)
{
    if (str_find(f->report, str_from(text)) < 0)
        fail_msg("\"%s\" isn't in:\n" STR_FMT, text, STR_ARG(f->report));
}

// A token whose claims begin with these, then iss and sub.
static str with_claims(fixture *f, jwk *k, const char *claims)
{
    return sign(f, k, "JWT",
                arena_printf(&f->mem, "{%s,\"iss\":\"" STR_FMT "\",\"sub\":\"7\"}", claims,
                             STR_ARG(f->origin)));
}

static str expiring(fixture *f, int64_t in_s)
{
    return with_claims(
        f, key_a,
        arena_printf(&f->mem, "\"aud\":\"https://orders.example\",\"iat\":%lld,\"exp\":%lld",
                     (long long)clock_wall_s() - 7500, (long long)(clock_wall_s() + in_s))
            .ptr);
}

static void a_good_token(void **state)
{
    fixture *f = *state;
    assert_code(run(f, (oidc_report){.token = token_of(f, key_a), .audience = AUDIENCE}), OK);
    assert_says(f, "the token is good\n");
    assert_says(f, "  header     ok     RS256, key a\n");
    assert_says(f,
                arena_printf(&f->mem, "  issuer     ok     " STR_FMT "\n", STR_ARG(f->origin)).ptr);
    assert_says(f, "  signature  ok     by a key of the issuer\n");
    assert_says(f, "  audience   ok     https://orders.example\n");
    assert_says(f, "  times      ok     issued ");
    assert_says(f, " ago, expires in ");
    assert_says(f, "  principal  ok     user:jane@example.com\n");
    assert_int_equal(f->discoveries, 1);
}

static void the_keys_can_be_named(void **state)
{
    fixture *f = *state;
    str keys = arena_printf(&f->mem, STR_FMT "/certs", STR_ARG(f->origin));
    assert_code(run(f, (oidc_report){.token = token_of(f, key_a), .jwks_url = keys}), OK);
    assert_int_equal(f->discoveries, 0);
    assert_says(f, "  audience   -      https://orders.example (not checked: no --audience)\n");
}

static void everything_that_is_wrong_is_told_at_once(void **state)
{
    fixture *f = *state;
    str token = with_claims(f, key_b, "\"aud\":[\"https://x\",\"https://y\"],\"exp\":1000");
    assert_code(run(f, (oidc_report){.token = token, .audience = AUDIENCE}), JWT_KEY);
    assert_says(f, "the token is refused\n");
    assert_says(f, "  header     ok     ES256, key b\n");
    assert_says(f, "  signature  WRONG  the issuer has no key \"b\" [GP-JWT-05]\n");
    assert_says(f, "  audience   WRONG  it is for https://x, https://y; expected "
                   "https://orders.example [GP-AUD-01]\n"
                   "             fix:   gatepost token --audience https://orders.example\n");
    assert_says(f, "  times      WRONG  it expired ");
    assert_says(f, " [GP-JWT-09]\n");
    assert_says(f, "  principal  -      7 (claimed, not proved)\n");
    assert_non_null(strstr(f->e.msg, "signature: the issuer has no key"));
}

static void times_are_told_in_words(void **state)
{
    fixture *f = *state;
    assert_code(run(f, (oidc_report){.token = expiring(f, -7200)}), JWT_EXPIRED);
    assert_says(f, "it expired 2 h ");
    assert_code(run(f, (oidc_report){.token = expiring(f, 3 * 86400 + 5 * 3600 + 60)}), OK);
    assert_says(f, "issued 2 h 5 min ago, expires in 3 days 5 h (");
    assert_code(run(f, (oidc_report){.token = with_claims(f, key_a, "\"aud\":\"x\"")}), JWT_CLAIMS);
    assert_says(f, "it never expires (no \"exp\")");
    str early = with_claims(f, key_a, "\"exp\":9007199254740000,\"nbf\":9007199254740000");
    assert_code(run(f, (oidc_report){.token = early}), JWT_EARLY);
    assert_says(f, "in the future");
}

static void another_issuers_token(void **state)
{
    fixture *f = *state;
    assert_code(run(f, (oidc_report){.token = token_of(f, key_a),
                                     .issuer = STR("https://idp.example"),
                                     .audience = AUDIENCE}),
                JWT_ISSUER);
    assert_says(f, "  issuer     WRONG  ");
    assert_says(f, "; expected \"https://idp.example\" [GP-JWT-08]\n");
    assert_says(f, "  signature  -      not checked");
    assert_says(f, "  audience   ok     ");
    assert_int_equal(f->discoveries, 0);
}

static void words_that_are_no_id_tokens(void **state)
{
    fixture *f = *state;
    assert_code(run(f, (oidc_report){.token = STR("ya29.a0AfB_byC")}), JWT_FORMAT);
    assert_says(f, "  token      WRONG  not a JWT");
    assert_says(f, "fix:   this is an access token; an ID token is needed");
    assert_true(str_find(f->report, STR("AfB_byC")) < 0);
    str access = sign(f, key_a, "at+jwt", STR("{\"iss\":\"x\",\"exp\":1}"));
    assert_code(run(f, (oidc_report){.token = access}), JWT_ISSUER);
    assert_says(f, ", an access token: Cloud Run takes ID tokens only\n");
    str logout = sign(f, key_a, "logout+jwt", STR("{\"iss\":\"x\",\"exp\":1}"));
    assert_code(run(f, (oidc_report){.token = logout}), JWT_TYPE);
    assert_says(f, "  header     WRONG  the token's type is \"logout+jwt\"");
}

static void a_changed_token_and_one_that_was_passed_on(void **state)
{
    fixture *f = *state;
    str token = token_of(f, key_a);
    char *changed = arena_cstr(&f->mem, token);
    changed[token.len - 20] = changed[token.len - 20] == 'A' ? 'B' : 'A';
    assert_code(run(f, (oidc_report){.token = {changed, token.len}}), JWT_SIGNATURE);
    assert_says(f, "fix:   it was changed or cut on its way: copy it whole");
    str removed = arena_printf(&f->mem, STR_FMT ".SIGNATURE_REMOVED_BY_GOOGLE",
                               STR_ARG(str_sub(token, 0, (size_t)str_rchr(token, '.'))));
    assert_code(run(f, (oidc_report){.token = removed}), JWT_SIGNATURE);
    assert_says(f, "fix:   Cloud Run removed this signature");
}

static void an_issuer_that_cannot_be_asked(void **state)
{
    fixture *f = *state;
    f->status = 404;
    assert_code(run(f, (oidc_report){.token = token_of(f, key_a)}), OIDC_KEYS);
    assert_says(f, "  signature  ?      not checked: the keys of http://127.0.0.1:");
    assert_says(f, "answered 404 [GP-OIDC-02]\n");
    f->status = 200;
    assert_code(run(f, (oidc_report){.token = token_of(f, key_a),
                                     .jwks_url = STR("http://127.0.0.1:1/keys")}),
                OIDC_KEYS);
    assert_says(f, "fix:   is the issuer's address right, and does this machine reach it? --jwks");
    assert_code(run(f, (oidc_report){.token = token_of(f, key_a),
                                     .try_local = true,
                                     .jwks_url = STR("http://127.0.0.1:1/keys")}),
                OIDC_KEYS);
    assert_says(f, "fix:   if it is a token of the running 'gatepost up': --local; otherwise: ");
    assert_code(run(f, (oidc_report){.token = token_of(f, key_a), .issuer = STR("nonsense")}),
                OIDC_CONFIG);
}

static void an_address_that_nobody_verified_is_not_the_principal(void **state)
{
    fixture *f = *state;
    str token = with_claims(f, key_a, "\"email\":\"ceo@example.com\",\"exp\":9000000000");
    assert_code(run(f, (oidc_report){.token = token}), OK);
    assert_says(f, "#7 (its e-mail isn't believed: not verified)");
}

static void T48_what_a_token_says_cannot_drive_the_terminal(void **state)
{
    fixture *f = *state;
    str token =
        with_claims(f, key_a, "\"aud\":\"\\u001b[2J\",\"email\":\"\\u001b]0;x\\u0007\",\"exp\":5");
    assert_code(run(f, (oidc_report){.token = token, .audience = AUDIENCE}), JWT_AUDIENCE);
    assert_true(str_chr(f->report, '\x1b') < 0);
    assert_says(f, "\\u001b[2J");
}

static void T32_a_token_inside_a_token_is_not_shown(void **state)
{
    fixture *f = *state;
    str victim = token_of(f, key_a);
    str claims =
        arena_printf(&f->mem, "\"aud\":\"" STR_FMT "\",\"email\":\"" STR_FMT "\",\"exp\":5",
                     STR_ARG(victim), STR_ARG(victim));
    str token = with_claims(f, key_b, claims.ptr);
    for (int as_json = 0; as_json < 2; as_json++) {
        (void)run(f, (oidc_report){.token = token, .audience = AUDIENCE, .as_json = as_json});
        assert_true(str_find(f->report, str_sub(victim, 0, 40)) < 0);
        assert_says(f, "***");
    }
}

static void the_same_for_machines(void **state)
{
    fixture *f = *state;
    json *root = NULL;
    str token = token_of(f, key_a);
    assert_code(
        run(f, (oidc_report){.token = token, .audience = STR("https://x"), .as_json = true}),
        JWT_AUDIENCE);
    assert_code(json_parse(&f->mem, f->report, NULL, &root, &f->e), OK);
    assert_false(json_bool_or(json_get(root, "valid"), true));
    const json *checks = json_get(root, "checks");
    assert_int_equal(checks->len, 6);
    const json *audience = json_at(checks, 3);
    assert_true(json_is_str(json_get(audience, "check"), "audience"));
    assert_false(json_bool_or(json_get(audience, "ok"), true));
    assert_true(json_is_str(json_get(audience, "code"), "GP-AUD-01"));
    assert_true(json_is_str(json_get(audience, "fix"), "gatepost token --audience https://x"));
    assert_true(json_bool_or(json_get(json_at(checks, 2), "ok"), false));
    assert_true(json_is_str(json_get(json_get(root, "token"), "kid"), "a"));
    assert_true(json_is_str(json_at(json_get(json_get(root, "token"), "audience"), 0),
                            "https://orders.example"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_good_token),
        CASE(the_keys_can_be_named),
        CASE(everything_that_is_wrong_is_told_at_once),
        CASE(times_are_told_in_words),
        CASE(another_issuers_token),
        CASE(words_that_are_no_id_tokens),
        CASE(a_changed_token_and_one_that_was_passed_on),
        CASE(an_issuer_that_cannot_be_asked),
        CASE(an_address_that_nobody_verified_is_not_the_principal),
        CASE(T48_what_a_token_says_cannot_drive_the_terminal),
        CASE(T32_a_token_inside_a_token_is_not_shown),
        CASE(the_same_for_machines),
    };
    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
