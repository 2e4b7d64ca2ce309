// SPDX-License-Identifier: Apache-2.0
// The decision table of contract cloud-run.md §1, a test for each row (T24), and what is remembered
// (T25). Every verdict is checked to have its entry.
#include "guard/test_guard.h"
#include "net/net_test_server.h"

#define NO_HEADER STR_NONE

// ---- rows: who passes
// -----------------------------------------------------------------------------

static void row_all_users_pass_without_a_token(void **state)
{
    fixture *f = *state;
    set_policy(f, PUBLIC);
    call(f, NO_HEADER);
    assert_passes(f, NULL);
    call_as(f, STRANGER);
    assert_passes(f, STRANGER); // who comes with a valid token is known all the same
}

static void row_a_disabled_check_passes_without_a_token(void **state)
{
    fixture *f = *state;
    f->target.check_disabled = true;
    call(f, NO_HEADER);
    assert_passes(f, NULL);
    assert_true(f->v.decision.check_disabled);
    call_as(f, STRANGER);
    assert_passes(f, STRANGER);
}

static void row_an_open_service_takes_no_offence_at_any_token(void **state)
{
    fixture *f = *state;
    const str headers[] = {
        STR("Basic dXNlcjpwYXNz"),
        STR("Bearer ya29.a0AfB"),
        STR("Bearer opaque"),
        bearer_of(f, token_of(f, TESTER, "https://elsewhere.example")),
        bearer_of(f, sign_as(f, other_key, "JWT", claims_of(f, TESTER, ORDERS))),
    };
    set_policy(f, PUBLIC);
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        call(f, headers[i]);
        assert_passes(f, NULL); // nobody's identity is taken from it either
        assert_false(f->v.authorization.replace);
    }
}

static void row_private_without_authorization_is_403(void **state)
{
    fixture *f = *state;
    call(f, NO_HEADER);
    assert_refused(f, 403, IAM_ANONYMOUS);
    assert_true(f->v.has_decision);
}

static void row_a_valid_token_of_a_member_passes(void **state)
{
    fixture *f = *state;
    call_as(f, TESTER);
    assert_passes(f, TESTER);
    assert_int_equal(f->v.who->kind, PRINCIPAL_SERVICE_ACCOUNT);
    assert_strz(f->v.issuer, GOOGLE);
    assert_strz(f->v.audience, ORDERS);
    assert_false(f->v.authorization.replace);
    call_as(f, JANE);
    assert_passes(f, JANE);
    assert_int_equal(f->v.who->kind, PRINCIPAL_USER);
}

static void row_lacking_the_permission_is_403(void **state)
{
    fixture *f = *state;
    call_as(f, STRANGER);
    assert_refused(f, 403, IAM_DENIED);
    assert_strz(f->v.who->email, STRANGER);
    assert_non_null(strstr(f->v.reason.msg, "serviceAccount:" STRANGER));
    assert_non_null(strstr(f->v.reason.hint, "roles/run.invoker"));
    set_policy(f, "{}");
    call_as(f, TESTER);
    assert_refused(f, 403, IAM_DENIED);
    set_policy(f,
               "{\"bindings\":[{\"role\":\"roles/run.viewer\",\"members\":[\"serviceAccount:" TESTER
               "\"]}]}");
    call_as(f, TESTER);
    assert_refused(f, 403, IAM_DENIED);
}

static void row_all_authenticated_users_is_any_valid_google_token(void **state)
{
    fixture *f = *state;
    set_policy(f, AUTHENTICATED);
    call_as(f, STRANGER);
    assert_passes(f, STRANGER);
    call_as(f, "somebody@gmail.com");
    assert_passes(f, "somebody@gmail.com");
    call(f, NO_HEADER);
    assert_refused(f, 403, IAM_ANONYMOUS);
    call(f, bearer_of(f, token_of(f, STRANGER, "https://elsewhere.example")));
    assert_refused(f, 401, JWT_AUDIENCE);
}

static void another_issuers_people_are_not_all_authenticated_users(void **state)
{
    fixture *f = *state;
    const oidc_issuer okta = {
        .issuer = STR("https://acme.okta.com"), .kind = OIDC_OTHER, .keys = f->keys};
    oidc_free(f->issuers);
    f->issuers = oidc_new(NULL, NULL);
    assert_code(oidc_add(f->issuers, &okta, NULL), OK);
    open_guard(f);
    set_policy(f, AUTHENTICATED);
    str claims = arena_printf(&f->mem,
                              "{\"iss\":\"https://acme.okta.com\",\"aud\":\"" ORDERS "\","
                              "\"sub\":\"7\",\"exp\":%d}",
                              NOW + 60);
    call(f, bearer_of(f, sign_as(f, key, "JWT", claims)));
    assert_refused(f, 403, IAM_DENIED);
    assert_non_null(f->v.who);
}

#define CONDITIONAL(expression)                                                                    \
    "{\"version\":3,\"bindings\":[{\"role\":\"roles/run.invoker\",\"members\":"                    \
    "[\"serviceAccount:" TESTER                                                                    \
    "\"],\"condition\":{\"title\":\"test\",\"expression\":\"" expression "\"}}]}"

static bool find_path(void *ctx, str name, arena *a, cel_value *ret)
{
    (void)a;
    *ret = cel_string(str_from(ctx));
    return str_eq(name, STR("request.path"));
}

// Each twice: the second time the token is remembered, without its claims.
static void a_condition_decides_by_call_and_token(void **state)
{
    static const struct {
        const char *policy;
        bool passes;
    } rows[] = {
        {CONDITIONAL("request.path == '/orders'"), true},
        {CONDITIONAL("request.path == '/admin'"), false},
        {CONDITIONAL("request.method == 'GET'"), false}, // nobody says
        {CONDITIONAL("request.time == timestamp('2027-01-15T08:00:00Z')"), true},
        {CONDITIONAL("request.time > timestamp('2027-01-15T08:00:00Z')"), false},
        {CONDITIONAL("request.auth.issuer == '" GOOGLE "'"), true},
        {CONDITIONAL("'" ORDERS "' in request.auth.audiences"), true},
        {CONDITIONAL("request.auth.claims.sub == '108'"), true},
        {CONDITIONAL("request.auth.claims.absent == '108'"), false},
        {CONDITIONAL("request.auth.principal == 'serviceAccount:" TESTER "'"), true},
        {CONDITIONAL("resource.name.endsWith('/services/orders')"), true},
    };
    fixture *f = *state;
    str header = bearer_of(f, token_of(f, TESTER, ORDERS));
    const cel_activation attributes = {.lookup = find_path, .ctx = "/orders"};
    guard_call c = {.authorization = &header, .authorization_count = 1, .attributes = &attributes};
    for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
        set_policy(f, rows[i / 2].policy);
        assert_int_equal(call_with(f, c), GUARD_DONE);
        if (rows[i / 2].passes)
            assert_passes(f, TESTER);
        else
            assert_refused(f, 403, IAM_DENIED);
    }
}

static void an_unmet_condition_is_told_to_the_operator(void **state)
{
    fixture *f = *state;
    set_policy(f, CONDITIONAL("request.time < timestamp('2020-01-01T00:00:00Z')"));
    call_as(f, TESTER);
    assert_refused(f, 403, IAM_DENIED);
    assert_non_null(
        strstr(f->v.reason.msg, "the condition \"test\" of roles/run.invoker isn't met"));
    assert_non_null(strstr(f->v.reason.hint, "request.time < timestamp"));
    const json *payload = json_get(last_entry(f), "protoPayload");
    const json *why = json_get(json_get(payload, "metadata"), "decision");
    assert_true(
        json_is_str(json_get(json_at(json_get(why, "bindings"), 0), "outcome"), "condition-false"));
}

static void groups_of_the_directory_count(void **state)
{
    fixture *f = *state;
    json *groups = NULL;
    assert_code(json_parse(&f->mem, STR("{\"team@example.com\":[\"serviceAccount:" STRANGER "\"]}"),
                           NULL, &groups, NULL),
                OK);
    assert_code(directory_load(f->directory, groups, NULL), OK);
    set_policy(f, POLICY("\"group:team@example.com\""));
    str header = bearer_of(f, token_of(f, STRANGER, ORDERS));
    for (int i = 0; i < 3; i++) { // verified, verified and kept, recalled
        call(f, header);
        assert_passes(f, STRANGER);
        assert_int_equal(f->v.who->group_count, 1);
    }
    call_as(f, TESTER);
    assert_refused(f, 403, IAM_DENIED);
}

// generateIdToken without includeEmail: Google knows the account by its number.
static void a_token_without_an_address_is_an_account_all_the_same(void **state)
{
    fixture *f = *state;
    str claims = arena_printf(&f->mem,
                              "{\"iss\":\"" GOOGLE "\",\"aud\":\"" ORDERS "\",\"sub\":\"108\","
                              "\"azp\":\"108\",\"exp\":%d}",
                              NOW + 60);
    str header = bearer_of(f, sign_as(f, key, "JWT", claims));
    call(f, header);
    assert_refused(f, 403, IAM_DENIED);
    guard_forget(f->guard);
    directory_add_account(f->directory, STR("108"), STR(TESTER));
    for (int i = 0; i < 3; i++) {
        call(f, header);
        assert_passes(f, TESTER);
    }
}

// ---- rows: what is no credential
// ------------------------------------------------------------------

static void row_not_a_jwt_is_401(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *header;
        code want;
    } rows[] = {
        {"Bearer opaque", JWT_FORMAT},
        {"Bearer a.b", JWT_FORMAT},
        {"Bearer a.b.c.d.e", JWT_FORMAT},
        {"Basic dXNlcjpwYXNz", GUARD_SCHEME},
        {"", GUARD_SCHEME},
        {"Bearer", GUARD_SCHEME},
        {"Bearer ", GUARD_SCHEME},
        {"Bearer {{token}}", GUARD_SCHEME},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        call(f, str_from(rows[i].header));
        assert_refused(f, 401, rows[i].want);
    }
}

static void row_an_access_token_is_401(void **state)
{
    fixture *f = *state;
    call(f, STR("Bearer ya29.a0AfB_byDexample"));
    assert_refused(f, 401, GUARD_ACCESS_TOKEN);
    assert_non_null(strstr(f->v.reason.hint, "gatepost token --audience"));
}

static void row_several_tokens_in_one_header_are_401(void **state)
{
    fixture *f = *state;
    str t = token_of(f, TESTER, ORDERS);
    static const char *const forms[] = {"Bearer %.*s %.*s", "Bearer %.*s, Bearer %.*s",
                                        "Bearer %.*s,%.*s", "Bearer %.*s\t%.*s",
                                        "Bearer Bearer %.*s%.*s"};
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        char header[4096];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(header, sizeof header, forms[i], STR_ARG(t), STR_ARG(t));
#pragma GCC diagnostic pop
        call(f, str_from(header));
        assert_refused(f, 401, GUARD_AMBIGUOUS);
    }
}

static void row_duplicate_headers_are_401(void **state)
{
    fixture *f = *state;
    str good = bearer_of(f, token_of(f, TESTER, ORDERS));
    const str same[] = {good, good}, mixed[] = {good, STR("Basic eDp5")};
    call_with(f, (guard_call){.authorization = same, .authorization_count = 2});
    assert_refused(f, 401, GUARD_AMBIGUOUS);
    call_with(f, (guard_call){.authorization = mixed, .authorization_count = 2});
    assert_refused(f, 401, GUARD_AMBIGUOUS);
    call_with(f, (guard_call){.serverless = same, .serverless_count = 2});
    assert_refused(f, 401, GUARD_AMBIGUOUS);
}

static void the_scheme_is_read_in_any_case(void **state)
{
    fixture *f = *state;
    static const char *const schemes[] = {"Bearer ", "bearer ", "BEARER ", "bEaReR   ",
                                          "  Bearer\t"};
    str t = token_of(f, TESTER, ORDERS);
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        call(f, arena_printf(&f->mem, "%s" STR_FMT " ", schemes[i], STR_ARG(t)));
        assert_passes(f, TESTER);
    }
}

// ---- rows: tokens that don't hold
// -----------------------------------------------------------------

static void row_a_bad_signature_is_401(void **state)
{
    fixture *f = *state;
    str t = token_of(f, TESTER, ORDERS);
    char *changed = arena_cstr(&f->mem, t);
    changed[t.len - 30] = changed[t.len - 30] == 'A' ? 'B' : 'A';
    call(f, bearer_of(f, (str){changed, t.len}));
    assert_refused(f, 401, JWT_SIGNATURE);
    assert_null(f->v.who);
    call(f, bearer_of(f, sign_as(f, other_key, "JWT", claims_of(f, TESTER, ORDERS))));
    assert_refused(f, 401, JWT_SIGNATURE);
    str before = str_sub(t, 0, (size_t)str_rchr(t, '.'));
    call(f,
         arena_printf(&f->mem, "Bearer " STR_FMT ".SIGNATURE_REMOVED_BY_GOOGLE", STR_ARG(before)));
    assert_refused(f, 401, JWT_SIGNATURE); // what a service got can't be passed on
}

static void row_an_expired_token_is_401(void **state)
{
    fixture *f = *state;
    f->now_s = NOW + 3590;
    call_as(f, TESTER);
    assert_refused(f, 401, JWT_EXPIRED);
    f->now_s = NOW - 60;
    call_as(f, TESTER);
    assert_refused(f, 401, JWT_EARLY);
}

static void row_an_unknown_issuer_is_401(void **state)
{
    fixture *f = *state;
    call(f, bearer_of(f, sign_as(f, key, "JWT", STR("{\"iss\":\"https://evil\",\"exp\":9e9}"))));
    assert_refused(f, 401, OIDC_ISSUER);
    assert_strz(f->v.issuer, "https://evil");
}

static void row_a_wrong_audience_is_401_and_says_so_in_its_header(void **state)
{
    fixture *f = *state;
    static const char *const wrong[] = {"https://elsewhere.example",
                                        ORDERS "/",
                                        ORDERS "/orders",
                                        "orders-4cn5pqrsta-ew.a.run.app",
                                        "HTTPS://orders-4cn5pqrsta-ew.a.run.app",
                                        "custom-audienc",
                                        "custom-audience2"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        call(f, bearer_of(f, token_of(f, TESTER, wrong[i])));
        assert_refused(f, 401, JWT_AUDIENCE);
        assert_strz(f->v.www_authenticate, "Bearer error=\"invalid_token\" error_description="
                                           "\"The access token could not be verified\"");
        assert_strz(f->v.audience, wrong[i]);
        assert_non_null(strstr(f->v.reason.hint, "gatepost token --audience " ORDERS));
    }
}

static void row_both_url_forms_and_custom_audiences_are_accepted(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(audiences); i++) {
        call(f, bearer_of(f, token_of(f, TESTER, audiences[i].ptr)));
        assert_passes(f, TESTER);
    }
}

static void row_gclouds_audience_is_accepted_for_people(void **state)
{
    fixture *f = *state;
    const char *client = GUARD_CLIENT_GCLOUD.ptr;
    call(f, bearer_of(f, token_of(f, JANE, client)));
    assert_passes(f, JANE);
    call(f, bearer_of(f, token_of(f, TESTER, client)));
    assert_refused(f, 401, JWT_AUDIENCE); // an account names the service
    f->target.refuse_gcloud_tokens = true;
    call(f, bearer_of(f, token_of(f, JANE, client)));
    assert_refused(f, 401, JWT_AUDIENCE);
}

static void row_the_adc_audience_is_accepted_with_a_switch(void **state)
{
    fixture *f = *state;
    const char *client = GUARD_CLIENT_ADC.ptr;
    call(f, bearer_of(f, token_of(f, JANE, client)));
    assert_passes(f, JANE);
    f->target.refuse_adc_tokens = true;
    call(f, bearer_of(f, token_of(f, JANE, client)));
    assert_refused(f, 401, JWT_AUDIENCE);
    call(f, bearer_of(f, token_of(f, JANE, GUARD_CLIENT_GCLOUD.ptr)));
    assert_passes(f, JANE);
}

// ---- rows: X-Serverless-Authorization, and what goes on
// -------------------------------------------

static guard_state call_both(fixture *f, str serverless, str authorization)
{
    return call_with(f, (guard_call){.serverless = &serverless,
                                     .serverless_count = 1,
                                     .authorization = &authorization,
                                     .authorization_count = authorization.ptr != NULL});
}

static void row_only_the_serverless_header_counts_when_it_is_there(void **state)
{
    fixture *f = *state;
    str good = bearer_of(f, token_of(f, TESTER, ORDERS));
    call_both(f, good, STR("Basic dXNlcjpwYXNz"));
    assert_passes(f, TESTER);
    assert_false(f->v.authorization.replace); // it is the application's
    call_both(f, STR("Bearer nonsense"), good);
    assert_refused(f, 401, JWT_FORMAT);
    call_both(f, bearer_of(f, token_of(f, STRANGER, ORDERS)), good);
    assert_refused(f, 403, IAM_DENIED);
}

static void assert_removed(str value, str header)
{
    assert_true(str_ends(value, STR(".SIGNATURE_REMOVED_BY_GOOGLE")));
    str kept = str_sub(value, 0, value.len - 27);
    assert_true(str_starts(header, kept));
    assert_int_equal(kept.len, (size_t)str_rchr(header, '.') + 1);
}

static void signatures_are_removed_from_the_serverless_header(void **state)
{
    fixture *f = *state;
    str good = arena_printf(&f->mem, "bearer  " STR_FMT, STR_ARG(token_of(f, TESTER, ORDERS)));
    call_both(f, good, NO_HEADER);
    assert_passes(f, TESTER);
    assert_true(f->v.serverless.replace && !f->v.authorization.replace);
    assert_removed(f->v.serverless.value, good);
    // Also at an open service, and of a token that means nothing here.
    set_policy(f, PUBLIC);
    str foreign = bearer_of(f, token_of(f, TESTER, "https://elsewhere.example"));
    call_both(f, foreign, NO_HEADER);
    assert_passes(f, NULL);
    assert_true(f->v.serverless.replace);
    assert_removed(f->v.serverless.value, foreign);
    call_both(f, STR("Bearer opaque"), NO_HEADER);
    assert_passes(f, NULL);
    assert_false(f->v.serverless.replace);
}

static void signatures_are_removed_from_tokens_that_are_good_elsewhere(void **state)
{
    fixture *f = *state;
    const char *const clients[] = {GUARD_CLIENT_GCLOUD.ptr, GUARD_CLIENT_ADC.ptr};
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        str header = bearer_of(f, token_of(f, JANE, clients[i]));
        for (int again = 0; again < 3; again++) { // remembered or not
            call(f, header);
            assert_passes(f, JANE);
            assert_true(f->v.authorization.replace);
            assert_removed(f->v.authorization.value, header);
        }
    }
}

static void a_services_own_tokens_keep_their_signature_unless_told(void **state)
{
    fixture *f = *state;
    str header = bearer_of(f, token_of(f, TESTER, ORDERS));
    call(f, header);
    assert_false(f->v.authorization.replace);
    f->target.remove_signature = true;
    call(f, header);
    assert_passes(f, TESTER);
    assert_true(f->v.authorization.replace);
    assert_removed(f->v.authorization.value, header);
}

// ---- threats
// --------------------------------------------------------------------------------------

// A token of any header and claims, rightly signed.
static str forge(fixture *f, const char *header, const char *claims)
{
    buf token, sig;
    buf_init(&token, 64 << 10);
    buf_init(&sig, 1024);
    base64url_encode(&token, str_from(header));
    buf_addc(&token, '.');
    base64url_encode(&token, str_from(claims));
    assert_code(jws_sign(key, buf_str(&token), &sig, NULL), OK);
    buf_addc(&token, '.');
    base64url_encode(&token, buf_str(&sig));
    str s = bearer_of(f, buf_str(&token));
    buf_deinit(&token);
    buf_deinit(&sig);
    return s;
}

static void T14_T15_T16_T18_T20_T22_forged_tokens_are_401(void **state)
{
    fixture *f = *state;
    const char *good = claims_of(f, TESTER, ORDERS).ptr;
#define C(more) "{\"iss\":\"" GOOGLE "\",\"aud\":\"" ORDERS "\"" more "}"
    const struct {
        const char *header, *claims;
        code want;
    } rows[] = {
        {"{\"alg\":\"none\"}", good, JWT_ALG},
        {"{\"alg\":\"nOnE\"}", good, JWT_ALG},
        {"{\"alg\":\"\"}", good, JWT_HEADER},
        {"{}", good, JWT_HEADER},
        {"{\"alg\":\"HS256\",\"kid\":\"k1\"}", good, JWT_ALG},
        {"{\"alg\":\"RS512\",\"kid\":\"k1\"}", good, JWT_ALG},
        {"{\"alg\":\"RS256\",\"kid\":\"k1\",\"crit\":[\"exp\"]}", good, JWT_HEADER},
        {"{\"alg\":\"RS256\",\"jwk\":{}}", good, JWT_HEADER},
        {"{\"alg\":\"RS256\",\"kid\":\"' OR 1=1\"}", good, JWT_KEY},
        {"{\"alg\":\"RS256\",\"kid\":\"k1\",\"typ\":\"at+jwt\"}", good, JWT_TYPE},
        {"{\"alg\":\"RS256\",\"alg\":\"RS256\"}", good, JWT_HEADER},
        {"{\"alg\":\"RS256\"}", C(""), JWT_CLAIMS},
        {"{\"alg\":\"RS256\"}", C(",\"exp\":1e300"), JWT_CLAIMS},
        {"{\"alg\":\"RS256\"}", C(",\"exp\":\"1800000060\""), JWT_CLAIMS},
        {"{\"alg\":\"RS256\"}", C(",\"exp\":1800000060,\"exp\":1800000061"), JWT_CLAIMS},
        {"{\"alg\":\"RS256\"}", C(",\"exp\":1800000060,\"nbf\":1800000050"), JWT_EARLY},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        call(f, forge(f, rows[i].header, rows[i].claims));
        assert_refused(f, 401, rows[i].want);
    }
    call(f, forge(f, "{\"alg\":\"RS256\"}", good));
    assert_passes(f, TESTER); // the forger's tools are in order
}

static void T21_addresses_that_only_look_right_are_403(void **state)
{
    fixture *f = *state;
    static const char *const emails[] = {"jane@example.com.evil", "x@jane@example.com",
                                         "jane@evil-example.com", "jane@example.com "};
    for (size_t i = 0; i < ARRAY_LEN(emails); i++) {
        call_as(f, emails[i]);
        assert_refused(f, 403, IAM_DENIED);
    }
    str unverified = arena_printf(&f->mem,
                                  "{\"iss\":\"" GOOGLE "\",\"aud\":\"" ORDERS "\",\"email\":\"" JANE
                                  "\",\"email_verified\":false,\"exp\":%d}",
                                  NOW + 60);
    call(f, bearer_of(f, sign_as(f, key, "JWT", unverified)));
    assert_refused(f, 403, IAM_DENIED);
    call_as(f, "JANE@Example.com");
    assert_passes(f, JANE);
}

static void T25_a_token_is_judged_by_each_service_anew(void **state)
{
    fixture *f = *state;
    static const str other[] = {{"https://other.example", 21}};
    str header = bearer_of(f, token_of(f, TESTER, ORDERS));
    for (int i = 0; i < 3; i++) {
        call(f, header);
        assert_passes(f, TESTER);
    }
    f->target.audiences = other;
    f->target.audience_count = 1;
    call(f, header);
    assert_refused(f, 401, JWT_AUDIENCE);
    f->target.audiences = audiences;
    set_policy(f, "{}");
    call(f, header);
    assert_refused(f, 403, IAM_DENIED);
}

static void T25_a_remembered_token_expires(void **state)
{
    fixture *f = *state;
    str header = bearer_of(f, token_of(f, TESTER, ORDERS));
    for (int i = 0; i < 3; i++)
        call(f, header);
    f->now_s = NOW + 3589;
    call(f, header);
    assert_passes(f, TESTER);
    f->now_s = NOW + 3590;
    call(f, header);
    assert_refused(f, 401, JWT_EXPIRED);
}

static void T25_a_withdrawn_key_takes_its_tokens_along(void **state)
{
    fixture *f = *state;
    str header = bearer_of(f, token_of(f, TESTER, ORDERS));
    for (int i = 0; i < 3; i++)
        call(f, header);
    assert_passes(f, TESTER);
    jwk_set *rotated = jwk_set_new();
    jwk_set_add(rotated, other_key);
    oidc_set_keys(f->issuers, STR(GOOGLE), rotated);
    jwk_set_unref(rotated);
    call(f, header);
    assert_refused(f, 401, JWT_SIGNATURE);
}

static void what_was_forgotten_is_verified_again(void **state)
{
    fixture *f = *state;
    str header = bearer_of(f, token_of(f, TESTER, ORDERS));
    for (int i = 0; i < 4; i++) {
        call(f, header);
        assert_passes(f, TESTER);
        if (i == 2)
            guard_forget(f->guard);
    }
}

// ---- keys that must be fetched
// --------------------------------------------------------------------

typedef struct remote remote;
struct remote {
    fixture *f;
    loop *loop;
    test_server server;
    int status;
    bool told;
};

static void answer_keys(void *ctx, str request, buf *out)
{
    remote *r = ctx;
    (void)request;
    buf body;
    buf_init(&body, 64 << 10);
    jwk_set_write_json(r->f->keys, &body);
    buf_addf(out, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n\r\n" STR_FMT, r->status, body.len,
             STR_ARG(buf_str(&body)));
    buf_deinit(&body);
}

static void on_told(void *ctx)
{
    ((remote *)ctx)->told = true;
}

static void remote_open(remote *r, fixture *f, int status)
{
    static const str all[] = {{"*", 1}};
    static const oidc_options options = {.loopback = true};
    *r = (remote){.f = f, .loop = loop_new(), .status = status};
    unsigned port = test_server_start(&r->server, r->loop, answer_keys, r);
    const oidc_issuer google = {
        .issuer = STR(GOOGLE),
        .kind = OIDC_GOOGLE,
        .domains = all,
        .domain_count = 1,
        .jwks_url = arena_printf(&f->mem, "http://127.0.0.1:%u/certs", port),
    };
    oidc_free(f->issuers);
    f->issuers = oidc_new(r->loop, &options);
    assert_code(oidc_add(f->issuers, &google, NULL), OK);
    open_guard(f);
}

static void remote_close(remote *r)
{
    oidc_free(r->f->issuers);
    r->f->issuers = NULL;
    test_server_stop(&r->server);
    loop_free(r->loop);
}

static void a_private_service_waits_for_the_issuers_keys(void **state)
{
    fixture *f = *state;
    remote r;
    remote_open(&r, f, 200);
    str header = bearer_of(f, token_of(f, TESTER, ORDERS));
    guard_call c = {.authorization = &header, .authorization_count = 1};
    assert_int_equal(call_with(f, c), GUARD_WAIT);
    assert_null(last_entry(f));
    oidc_wait_keys(f->issuers, f->v.issuer, on_told, &r);
    assert_true(loop_run_until(r.loop, &r.told, TEST_WAIT_MS));
    call(f, header);
    assert_passes(f, TESTER);
    last_entry(f);
    assert_int_equal(f->entries, 1);
    remote_close(&r);
}

static void row_keys_that_cannot_be_fetched_are_503(void **state)
{
    fixture *f = *state;
    remote r;
    remote_open(&r, f, 500);
    str header = bearer_of(f, token_of(f, TESTER, ORDERS));
    guard_call c = {.authorization = &header, .authorization_count = 1};
    assert_int_equal(call_with(f, c), GUARD_WAIT);
    oidc_wait_keys(f->issuers, f->v.issuer, on_told, &r);
    assert_true(loop_run_until(r.loop, &r.told, TEST_WAIT_MS));
    call(f, header);
    assert_refused(f, 503, OIDC_KEYS);
    remote_close(&r);
}

static void an_open_service_waits_for_no_keys(void **state)
{
    fixture *f = *state;
    remote r;
    remote_open(&r, f, 200);
    set_policy(f, PUBLIC);
    call_as(f, TESTER);
    assert_passes(f, NULL);
    remote_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(row_all_users_pass_without_a_token),
        CASE(row_a_disabled_check_passes_without_a_token),
        CASE(row_an_open_service_takes_no_offence_at_any_token),
        CASE(row_private_without_authorization_is_403),
        CASE(row_a_valid_token_of_a_member_passes),
        CASE(row_lacking_the_permission_is_403),
        CASE(row_all_authenticated_users_is_any_valid_google_token),
        CASE(another_issuers_people_are_not_all_authenticated_users),
        CASE(a_condition_decides_by_call_and_token),
        CASE(an_unmet_condition_is_told_to_the_operator),
        CASE(groups_of_the_directory_count),
        CASE(a_token_without_an_address_is_an_account_all_the_same),
        CASE(row_not_a_jwt_is_401),
        CASE(row_an_access_token_is_401),
        CASE(row_several_tokens_in_one_header_are_401),
        CASE(row_duplicate_headers_are_401),
        CASE(the_scheme_is_read_in_any_case),
        CASE(row_a_bad_signature_is_401),
        CASE(row_an_expired_token_is_401),
        CASE(row_an_unknown_issuer_is_401),
        CASE(row_a_wrong_audience_is_401_and_says_so_in_its_header),
        CASE(row_both_url_forms_and_custom_audiences_are_accepted),
        CASE(row_gclouds_audience_is_accepted_for_people),
        CASE(row_the_adc_audience_is_accepted_with_a_switch),
        CASE(row_only_the_serverless_header_counts_when_it_is_there),
        CASE(signatures_are_removed_from_the_serverless_header),
        CASE(signatures_are_removed_from_tokens_that_are_good_elsewhere),
        CASE(a_services_own_tokens_keep_their_signature_unless_told),
        CASE(T14_T15_T16_T18_T20_T22_forged_tokens_are_401),
        CASE(T21_addresses_that_only_look_right_are_403),
        CASE(T25_a_token_is_judged_by_each_service_anew),
        CASE(T25_a_remembered_token_expires),
        CASE(T25_a_withdrawn_key_takes_its_tokens_along),
        CASE(what_was_forgotten_is_verified_again),
        CASE(a_private_service_waits_for_the_issuers_keys),
        CASE(row_keys_that_cannot_be_fetched_are_503),
        CASE(an_open_service_waits_for_no_keys),
    };
    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
