// SPDX-License-Identifier: Apache-2.0
// Tokens and signatures of one account for another; each with its entry in the trail.
#include "google/google_test.h"

#define CREDENTIALS "POST /v1/projects/-/serviceAccounts/"
#define CLOUD "\"https://www.googleapis.com/auth/cloud-platform\""

static int listening(void **state)
{
    set_up(state);
    listen_at(*state, BASE);
    return 0;
}

#undef CASE
#define CASE(name) cmocka_unit_test_setup_teardown(name, listening, tear_down)

// ---- IAM credentials

static void an_id_token_for_another_account(void **state)
{
    world *w = *state;
    static const struct {
        const char *body;
        bool email, email_azp;
    } rows[] = {
        {"{\"audience\":\"https://orders.example\"}", false, false},
        {"{\"audience\":\"https://orders.example\",\"includeEmail\":true}", true, false},
        {"{\"audience\":\"https://orders.example\",\"includeEmail\":\"true\",\"delegates\":null}",
         true, false},
        {"{\"audience\":\"https://orders.example\",\"includeEmail\":false,\"useEmailAzp\":true,"
         "\"delegates\":[],\"organizationNumberIncluded\":false}",
         false, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        call *c = api_call(w, CREDENTIALS TESTER ":generateIdToken", ADMIN, rows[i].body);
        assert_row(i, c->status == 200);
        assert_row(i, answer_json(w, c)->len == 1);
        const str audience = STR("https://orders.example");
        jwt_expect x = {.issuer = GOOGLE_ISSUER,
                        .audiences = &audience,
                        .audience_count = 1,
                        .now_s = clock_wall_s(),
                        .leeway_s = 5};
        jwt t;
        assert_code(jwt_verify(answer_str(w, c, "token"), google_keys(w->g), &x, &w->mem, &t, NULL),
                    OK);
        str id = account_find(w->g, STR(TESTER))->unique_id;
        assert_str(t.subject, id);
        assert_row(i, (json_get(t.claims, "email") != NULL) == rows[i].email);
        assert_str(json_get(t.claims, "azp")->text, rows[i].email_azp ? STR(TESTER) : id);
        trail e = trail_of(w);
        assert_int_equal(e.count, i + 1);
        assert_strz(e.method, "GenerateIdToken");
        assert_true(e.granted);
        assert_true(str_find(e.text, answer_str(w, c, "token")) < 0);
    }
}

static void an_access_token_for_another_account(void **state)
{
    world *w = *state;
    call *c = api_call(w, CREDENTIALS TESTER ":generateAccessToken", ADMIN,
                       "{\"scope\":[" CLOUD ",\"openid\"],\"lifetime\":\"600s\"}");
    assert_int_equal(c->status, 200);
    int64_t expires_ns;
    assert_true(clock_parse_rfc3339(answer_str(w, c, "expireTime"), &expires_ns));
    assert_int_equal(expires_ns / 1000000000, c->now_s + 600);
    google_bearer b;
    assert_true(google_access_token_check(w->g, answer_str(w, c, "accessToken"), &b));
    assert_strz(b.email, TESTER);
    assert_strz(b.scopes, "https://www.googleapis.com/auth/cloud-platform openid");
    assert_int_equal(b.delegation_count, 1);
    assert_strz(b.delegation[0], ADMIN);
    trail t = trail_of(w);
    assert_strz(t.method, "GenerateAccessToken");
    assert_strz(t.permission, "iam.serviceAccounts.getAccessToken");
    assert_strz(t.principal, ADMIN);
    assert_true(str_find(t.text, STR("cloudaudit.googleapis.com%2Fdata_access")) > 0);
    assert_true(str_find(t.text, STR("ADMIN_READ")) > 0);
    // By its unique id, with an unspecified lifetime
    str id = account_find(w->g, STR(TESTER))->unique_id;
    c = api_call(
        w, arena_printf(&w->mem, CREDENTIALS STR_FMT "%%3AgenerateAccessToken", STR_ARG(id)).ptr,
        ADMIN, "{\"scope\":[\"openid\"]}");
    assert_int_equal(c->status, 200);
    assert_true(clock_parse_rfc3339(answer_str(w, c, "expireTime"), &expires_ns));
    assert_int_equal(expires_ns / 1000000000, c->now_s + 3600);
}

// Who used an impersonated account is found in the trail of what it did.
static void the_trail_tells_on_whose_behalf(void **state)
{
    world *w = *state;
    call *c =
        api_call(w, CREDENTIALS TESTER ":generateAccessToken", ADMIN, "{\"scope\":[" CLOUD "]}");
    call *used = call_new(w, "GET /v1/projects/demo/serviceAccounts");
    used->authorization =
        arena_printf(&w->mem, "Bearer " STR_FMT, STR_ARG(answer_str(w, c, "accessToken")));
    used->authorization_count = 1;
    assert_int_equal(ask(w, used)->status, 403);
    trail t = trail_of(w);
    assert_strz(t.principal, TESTER);
    assert_false(t.granted);
    assert_true(str_find(t.text, STR("\"serviceAccountDelegationInfo\"")) > 0);
    assert_true(str_find(t.text, STR(ADMIN)) > 0);
}

static void each_wrong_request_for_credentials(void **state)
{
    static const struct {
        const char *request, *caller, *body;
        int status;
        const char *name, *says;
    } rows[] = {
        {CREDENTIALS TESTER ":generateAccessToken", STRANGER, "{\"scope\":[\"s\"]}", 403,
         "PERMISSION_DENIED", "'iam.serviceAccounts.getAccessToken'"},
        {CREDENTIALS TESTER ":generateIdToken", STRANGER, "{\"audience\":\"a\"}", 403,
         "PERMISSION_DENIED", "'iam.serviceAccounts.getOpenIdToken'"},
        {CREDENTIALS TESTER ":generateIdToken", TESTER, "{\"audience\":\"a\"}", 403,
         "PERMISSION_DENIED", "'iam.serviceAccounts.getOpenIdToken'"},
        {CREDENTIALS TESTER ":generateIdToken", NULL, "{\"audience\":\"a\"}", 401,
         "UNAUTHENTICATED", "missing required authentication credential"},
        {CREDENTIALS TESTER ":generateIdToken", ADMIN, "{}", 400, "INVALID_ARGUMENT", "'audience'"},
        {CREDENTIALS TESTER ":generateIdToken", ADMIN, "", 400, "INVALID_ARGUMENT", "'audience'"},
        {CREDENTIALS TESTER ":generateIdToken", ADMIN, "{\"audience\":1}", 400, "INVALID_ARGUMENT",
         "'audience'"},
        {CREDENTIALS TESTER ":generateIdToken", ADMIN, "{\"audience\":", 400, "INVALID_ARGUMENT",
         "Invalid JSON payload received"},
        {CREDENTIALS TESTER ":generateIdToken", ADMIN, "[]", 400, "INVALID_ARGUMENT",
         "Not an object"},
        {CREDENTIALS TESTER ":generateAccessToken", ADMIN, "{}", 400, "INVALID_ARGUMENT",
         "'scope'"},
        {CREDENTIALS TESTER ":generateAccessToken", ADMIN, "{\"scope\":[\"a b\"]}", 400,
         "INVALID_ARGUMENT", "'scope'"},
        {CREDENTIALS TESTER ":generateAccessToken", ADMIN,
         "{\"scope\":[\"s\"],\"lifetime\":\"0s\"}", 400, "INVALID_ARGUMENT", "greater than zero"},
        {CREDENTIALS TESTER ":generateAccessToken", ADMIN,
         "{\"scope\":[\"s\"],\"lifetime\":\"-5s\"}", 400, "INVALID_ARGUMENT", "greater than zero"},
        {CREDENTIALS TESTER ":generateAccessToken", ADMIN,
         "{\"scope\":[\"s\"],\"lifetime\":\"3601s\"}", 400, "INVALID_ARGUMENT",
         "constraints/iam.allowServiceAccountCredentialLifetimeExtension"},
        {CREDENTIALS TESTER ":generateAccessToken", ADMIN,
         "{\"scope\":[\"s\"],\"lifetime\":\"1h\"}", 400, "INVALID_ARGUMENT", "'lifetime'"},
        {CREDENTIALS TESTER ":generateAccessToken", ADMIN, "{\"scope\":[\"s\"],\"lifetime\":60}",
         400, "INVALID_ARGUMENT", "'lifetime'"},
        {CREDENTIALS TESTER ":generateAccessToken", ADMIN,
         "{\"scope\":[\"s\"],\"delegates\":\"d\"}", 400, "INVALID_ARGUMENT", "'delegates'"},
        {CREDENTIALS TESTER ":generateAccessToken", ADMIN,
         "{\"scope\":[\"s\"],\"delegates\":[\"projects/-/serviceAccounts/no@body\"]}", 404,
         "NOT_FOUND", "no@body"},
        {CREDENTIALS "no@body:generateIdToken", ADMIN, "{\"audience\":\"a\"}", 404, "NOT_FOUND",
         "no@body"},
        {CREDENTIALS JANE ":generateIdToken", ADMIN, "{\"audience\":\"a\"}", 404, "NOT_FOUND",
         JANE},
        {"POST /v1/projects/demo/serviceAccounts/" TESTER ":generateIdToken", ADMIN,
         "{\"audience\":\"a\"}", 400, "INVALID_ARGUMENT", "projects/-/serviceAccounts/"},
        {CREDENTIALS TESTER ":generate", ADMIN, "{}", 404, "NOT_FOUND", "Method not found"},
        {"GET /v1/projects/-/serviceAccounts/" TESTER ":generateIdToken", ADMIN, "{}", 404,
         "NOT_FOUND", "Method not found"},
    };
    world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        call *c = api_call(w, rows[i].request, rows[i].caller, rows[i].body);
        assert_row(i, c->status == rows[i].status);
        assert_int_equal(json_i64_or(json_get(error_of(w, c), "code"), 0), rows[i].status);
        assert_strz(error_status(w, c), rows[i].name);
        if (str_find(error_message(w, c), str_from(rows[i].says)) < 0)
            fail_msg("row %zu: " STR_FMT, i, STR_ARG(error_message(w, c)));
        assert_row(i, str_find(c->answer, STR("ya29.")) < 0);
    }
}

static void a_refusal_is_in_the_trail(void **state)
{
    world *w = *state;
    api_call(w, CREDENTIALS TESTER ":generateIdToken", STRANGER, "{\"audience\":\"a\"}");
    trail t = trail_of(w);
    assert_int_equal(t.count, 1);
    assert_false(t.granted);
    assert_strz(t.principal, STRANGER);
    assert_strz(t.permission, "iam.serviceAccounts.getOpenIdToken");
    assert_true(str_find(t.text, STR("\"code\":7")) > 0);
}

// admin asks tester, who may ask nobody: each step of the chain counts.
static void delegation_is_checked_step_by_step(void **state)
{
    world *w = *state;
    call *c = api_call(w, CREDENTIALS STRANGER ":generateAccessToken", ADMIN,
                       "{\"scope\":[\"s\"],"
                       "\"delegates\":[\"projects/-/serviceAccounts/" TESTER "\"]}");
    assert_int_equal(c->status, 403);
    assert_true(str_find(error_message(w, c), STR("iam.serviceAccounts.getAccessToken")) > 0);
    c = api_call(w, CREDENTIALS STRANGER ":generateAccessToken", TESTER,
                 "{\"scope\":[\"s\"],\"delegates\":[\"projects/-/serviceAccounts/" ADMIN "\"]}");
    assert_int_equal(c->status, 403);
    assert_true(str_find(error_message(w, c), STR("iam.serviceAccounts.implicitDelegation")) > 0);
    static const str creator[] = {{"roles/iam.serviceAccountTokenCreator", 36}};
    w->accounts[0].roles = creator;
    reopen_google(w);
    c = api_call(w, CREDENTIALS STRANGER ":generateAccessToken", ADMIN,
                 "{\"scope\":[\"s\"],\"delegates\":[\"" TESTER "\"]}");
    assert_int_equal(c->status, 200);
    google_bearer b;
    assert_true(google_access_token_check(w->g, answer_str(w, c, "accessToken"), &b));
    assert_int_equal(b.delegation_count, 2);
    assert_strz(b.delegation[0], ADMIN);
    assert_strz(b.delegation[1], TESTER);
    trail t = trail_of(w);
    assert_true(
        str_find(t.text, STR("\"identityDelegationChain\":[\"projects/-/serviceAccounts/" TESTER
                             "\",\"projects/-/serviceAccounts/" STRANGER "\"]")) > 0);
    reopen_google(w); // delegation outlives a restart with its token
    assert_true(google_access_token_check(w->g, answer_str(w, c, "accessToken"), &b));
    assert_int_equal(b.delegation_count, 2);
    assert_strz(b.delegation[1], TESTER);
}

static call *sign(world *w, const char *method, const char *payload)
{
    buf b;
    buf_init(&b, 4096);
    buf_addz(&b, "{\"payload\":");
    buf_add_json(&b, str_from(payload));
    buf_addc(&b, '}');
    call *c = api_call(w, arena_printf(&w->mem, CREDENTIALS TESTER ":%s", method).ptr, ADMIN,
                       arena_str(&w->mem, buf_str(&b)).ptr);
    buf_deinit(&b);
    return c;
}

// The way without a key file: an assertion that the account's managed key signed is exchanged.
static void a_signed_jwt_is_good_at_the_token_endpoint(void **state)
{
    world *w = *state;
    long long now = clock_wall_s();
    const char *claims =
        arena_printf(&w->mem,
                     "{\"iss\":\"" TESTER "\",\"aud\":\"https://oauth2.googleapis.com/token\","
                     "\"scope\":\"s\",\"iat\":%lld,\"exp\":%lld}",
                     now, now + 3600)
            .ptr;
    call *c = sign(w, "signJwt", claims);
    assert_int_equal(c->status, 200);
    str id = answer_str(w, c, "keyId");
    assert_strz(trail_of(w).method, "SignJwt");
    call *t = call_new(w, "POST /token");
    t->content_type = STR("application/x-www-form-urlencoded");
    t->body = arena_printf(
        &w->mem, "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=" STR_FMT,
        STR_ARG(answer_str(w, c, "signedJwt")));
    assert_int_equal(ask(w, t)->status, 200);
    // One managed key serves for good, also after a restart; its certificate is published.
    reopen_google(w);
    c = sign(w, "signJwt", claims);
    assert_str(answer_str(w, c, "keyId"), id);
    c = ask(w, call_new(w, "GET /service_accounts/v1/metadata/x509/" TESTER));
    assert_non_null(json_gets(answer_json(w, c), id));
}

static void a_signed_blob_verifies_with_the_published_key(void **state)
{
    world *w = *state;
    call *c = sign(w, "signBlob", "aGVsbG8=");
    assert_int_equal(c->status, 200);
    buf signature;
    buf_init(&signature, 1024);
    assert_true(base64_decode(&signature, answer_str(w, c, "signedBlob")));
    const account_key *k =
        account_key_find(account_find(w->g, STR(TESTER)), answer_str(w, c, "keyId"));
    assert_true(jws_verify(k->key, STR("hello"), buf_str(&signature)));
    assert_false(jws_verify(k->key, STR("hallo"), buf_str(&signature)));
    buf_deinit(&signature);
}

static void two_who_sign_first_share_the_managed_key(void **state)
{
    world *w = *state;
    call *first = call_new(w, CREDENTIALS TESTER ":signBlob");
    first->authorization = bearer_of(w, ADMIN);
    first->authorization_count = 1;
    first->body = STR("{\"payload\":\"aGVsbG8=\"}");
    google_route(first);
    call *second = sign(w, "signBlob", "aGVsbG8=");
    uint64_t end = clock_mono_ms() + 30000;
    bool never = false;
    while (!first->ctx && clock_mono_ms() < end)
        loop_run_until(w->loop, &never, 5);
    assert_str(answer_str(w, first, "keyId"), answer_str(w, second, "keyId"));
    account *a = account_find(w->g, STR(TESTER));
    assert_int_equal(a->keys.len, 2); // that of its file, and the managed one
    assert_int_equal(account_own_keys(a), 1);
}

static void the_managed_key_is_nobodys_to_change(void **state)
{
    world *w = *state;
    str id = answer_str(w, sign(w, "signBlob", "aGVsbG8="), "keyId");
    const char *keys = "/v1/projects/demo/serviceAccounts/" TESTER "/keys";
    call *c =
        api_call(w, arena_printf(&w->mem, "DELETE %s/" STR_FMT, keys, STR_ARG(id)).ptr, ADMIN, "");
    assert_strz(error_status(w, c), "FAILED_PRECONDITION");
    c = api_call(w, arena_printf(&w->mem, "POST %s/" STR_FMT ":disable", keys, STR_ARG(id)).ptr,
                 ADMIN, "");
    assert_strz(error_status(w, c), "FAILED_PRECONDITION");
    c = api_call(w, arena_printf(&w->mem, "GET %s?keyTypes=SYSTEM_MANAGED", keys).ptr, ADMIN, "");
    const json *list = json_get(answer_json(w, c), "keys");
    assert_int_equal(list->len, 1);
    assert_strz(json_get(json_at(list, 0), "keyType")->text, "SYSTEM_MANAGED");
    c = api_call(w, arena_printf(&w->mem, "GET %s", keys).ptr, ADMIN, "");
    assert_int_equal(json_get(answer_json(w, c), "keys")->len, 2);
}

static void each_wrong_payload_to_sign(void **state)
{
    world *w = *state;
    long long now = clock_wall_s();
    const struct {
        const char *method, *payload;
    } rows[] = {
        {"signJwt", ""},
        {"signJwt", "[]"},
        {"signJwt", "{\"a\":1,\"a\":2}"},
        {"signJwt", "{\"exp\":\"soon\"}"},
        {"signJwt", "{\"exp\":1}"},
        {"signJwt", arena_printf(&w->mem, "{\"exp\":%lld}", now + 12 * 3600 + 60).ptr},
        {"signBlob", ""},
        {"signBlob", "***"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        call *c = sign(w, rows[i].method, rows[i].payload);
        assert_row(i, c->status == 400);
        assert_row(i, str_find(error_message(w, c), STR("'payload'")) > 0);
    }
    call *c = api_call(w, CREDENTIALS TESTER ":signJwt", STRANGER, "{\"payload\":\"{}\"}");
    assert_int_equal(c->status, 403);
    assert_true(str_find(error_message(w, c), STR("'iam.serviceAccounts.signJwt'")) > 0);
    assert_null(account_managed_key(account_find(w->g, STR(TESTER)))); // none was needed
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_id_token_for_another_account),
        CASE(an_access_token_for_another_account),
        CASE(the_trail_tells_on_whose_behalf),
        CASE(each_wrong_request_for_credentials),
        CASE(a_refusal_is_in_the_trail),
        CASE(delegation_is_checked_step_by_step),
        CASE(a_signed_jwt_is_good_at_the_token_endpoint),
        CASE(a_signed_blob_verifies_with_the_published_key),
        CASE(two_who_sign_first_share_the_managed_key),
        CASE(the_managed_key_is_nobodys_to_change),
        CASE(each_wrong_payload_to_sign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
