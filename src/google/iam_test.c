// SPDX-License-Identifier: Apache-2.0
// Who is a bearer, accounts, keys, and what verifiers read.
#include "google/google_test.h"
#include "google/key_job.h"

#define KEYS "/v1/projects/demo/serviceAccounts/" STRANGER "/keys"
#define CLOUD "\"https://www.googleapis.com/auth/cloud-platform\""

static int listening(void **state)
{
    set_up(state);
    listen_at(*state, BASE);
    return 0;
}

#undef CASE
#define CASE(name) cmocka_unit_test_setup_teardown(name, listening, tear_down)

// ---- who calls

static str self_signed(world *w, const char *audience, const char *more)
{
    buf b;
    jwk *k = key_in(w, "tester.json");
    long long now = clock_wall_s();
    buf_init(&b, JWT_BYTES_MAX);
    str claims = arena_printf(&w->mem,
                              "{\"iss\":\"" TESTER "\",\"sub\":\"" TESTER "\",\"aud\":\"%s\","
                              "\"iat\":%lld,\"exp\":%lld%s}",
                              audience, now, now + 3600, more);
    assert_code(jwt_sign(k, claims, STR_NONE, &b, NULL), OK);
    str s = arena_printf(&w->mem, "Bearer " STR_FMT, STR_ARG(buf_str(&b)));
    buf_deinit(&b);
    jwk_unref(k);
    return s;
}

static call *as(world *w, str authorization, size_t count)
{
    call *c = call_new(w, "GET /v1/projects/demo/serviceAccounts");
    c->authorization = authorization;
    c->authorization_count = count;
    return ask(w, c);
}

static void T22_only_access_tokens_and_self_signed_ones_are_bearers(void **state)
{
    world *w = *state;
    buf id;
    buf_init(&id, JWT_BYTES_MAX);
    buf_addz(&id, "Bearer ");
    assert_code(
        google_mint_id_token(w->g, STR(TESTER), STR("https://iam.googleapis.com/"), &id, NULL), OK);
    google_grant narrow = {STR(TESTER), STR("openid email"), 0};
    buf token;
    int64_t expires_s;
    buf_init(&token, 256);
    buf_addz(&token, "Bearer ");
    assert_code(google_mint_access_token(w->g, &narrow, &token, &expires_s, NULL), OK);
    // 403 stands for: known, but without the permission
    const struct {
        str authorization;
        size_t count;
        int status;
        const char *reason;
    } rows[] = {
        {STR_NONE, 0, 401, "CREDENTIALS_MISSING"},
        {STR("Bearer ya29.c.unknown"), 1, 401, "ACCESS_TOKEN_TYPE_UNSUPPORTED"},
        {STR("Bearer "), 1, 401, "ACCESS_TOKEN_TYPE_UNSUPPORTED"},
        {STR("Basic eDp5"), 1, 401, "ACCESS_TOKEN_TYPE_UNSUPPORTED"},
        {buf_str(&id), 1, 401, "ACCESS_TOKEN_TYPE_UNSUPPORTED"},
        {bearer_of(w, TESTER), 2, 401, "ACCESS_TOKEN_TYPE_UNSUPPORTED"},
        {buf_str(&token), 1, 403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT"},
        {bearer_of(w, TESTER), 1, 403, "IAM_PERMISSION_DENIED"},
        {self_signed(w, "https://iam.googleapis.com/", ""), 1, 403, "IAM_PERMISSION_DENIED"},
        {self_signed(w, BASE "/", ""), 1, 403, "IAM_PERMISSION_DENIED"},
        {self_signed(w, "", ",\"scope\":" CLOUD), 1, 403, "IAM_PERMISSION_DENIED"},
        {self_signed(w, "https://orders.example", ""), 1, 403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        call *c = as(w, rows[i].authorization, rows[i].count);
        assert_row(i, c->status == rows[i].status);
        const json *info = json_at(json_get(error_of(w, c), "details"), 0);
        assert_strz(json_get(info, "reason")->text, rows[i].reason);
        assert_row(i, (header_of(c, "www-authenticate").len > 0) == (c->status == 401));
    }
    buf_deinit(&id);
    buf_deinit(&token);
}

static void the_trail_names_the_key_of_a_self_signed_token(void **state)
{
    world *w = *state;
    as(w, self_signed(w, "https://iam.googleapis.com/", ""), 1);
    trail t = trail_of(w);
    str id = account_find(w->g, STR(TESTER))->keys.ptr[0]->id;
    assert_true(
        str_find(t.text, arena_printf(&w->mem,
                                      "\"serviceAccountKeyName\":\"//iam.googleapis.com/"
                                      "projects/demo/serviceAccounts/" TESTER "/keys/" STR_FMT "\"",
                                      STR_ARG(id))) > 0);
}

// ---- accounts and keys

static void accounts_are_listed_without_people(void **state)
{
    world *w = *state;
    static const str viewer[] = {{"roles/iam.serviceAccountUser", 28}};
    w->accounts[0].roles = viewer;
    reopen_google(w);
    call *c = api_call(w, "GET /v1/projects/demo/serviceAccounts", TESTER, "");
    const json *list = json_get(answer_json(w, c), "accounts");
    assert_int_equal(list->len, 4); // three and the default one
    assert_strz(json_get(json_at(list, 0), "name")->text, "projects/demo/serviceAccounts/" TESTER);
    assert_true(str_find(c->answer, STR(JANE)) < 0);
    c = api_call(w, "GET /v1/projects/-/serviceAccounts/" STRANGER, TESTER, "");
    assert_strz(answer_str(w, c, "email"), STRANGER);
    assert_str(answer_str(w, c, "uniqueId"), account_find(w->g, STR(STRANGER))->unique_id);
    assert_int_equal(api_call(w, "GET /v1/projects/-/serviceAccounts/" JANE, TESTER, "")->status,
                     404);
    assert_int_equal(
        api_call(w, "GET /v1/projects/other/serviceAccounts/" STRANGER, TESTER, "")->status, 404);
    // Who may not look is not told what there is.
    assert_int_equal(api_call(w, "GET /v1/projects/-/serviceAccounts/" JANE, STRANGER, "")->status,
                     403);
}

static call *create_key(world *w)
{
    call *c = api_call(w, "POST " KEYS, ADMIN,
                       "{\"privateKeyType\":\"TYPE_GOOGLE_CREDENTIALS_FILE\","
                       "\"keyAlgorithm\":\"KEY_ALG_RSA_2048\"}");
    if (c->status != 200)
        fail_msg("%d: " STR_FMT, c->status, STR_ARG(c->answer));
    return c;
}

static json *key_json_of(world *w, const call *c)
{
    buf b;
    json *file;
    buf_init(&b, 16 << 10);
    assert_true(base64_decode(&b, answer_str(w, c, "privateKeyData")));
    assert_code(json_parse(&w->mem, buf_str(&b), NULL, &file, NULL), OK);
    buf_deinit(&b);
    return file;
}

static void a_created_key_comes_once_and_works(void **state)
{
    world *w = *state;
    call *c = create_key(w);
    assert_strz(answer_str(w, c, "keyAlgorithm"), "KEY_ALG_RSA_2048");
    assert_strz(answer_str(w, c, "keyOrigin"), "GOOGLE_PROVIDED");
    assert_strz(answer_str(w, c, "keyType"), "USER_MANAGED");
    assert_strz(answer_str(w, c, "privateKeyType"), "TYPE_GOOGLE_CREDENTIALS_FILE");
    assert_strz(answer_str(w, c, "validBeforeTime"), "9999-12-31T23:59:59Z");
    const json *file = key_json_of(w, c);
    str id = json_get(file, "private_key_id")->text;
    assert_str(answer_str(w, c, "name"),
               arena_printf(&w->mem, "projects/demo/serviceAccounts/" STRANGER "/keys/" STR_FMT,
                            STR_ARG(id)));
    assert_strz(json_get(file, "type")->text, "service_account");
    assert_strz(json_get(file, "client_email")->text, STRANGER);
    assert_strz(json_get(file, "token_uri")->text, BASE "/token");
    assert_strz(json_get(file, "project_id")->text, "demo");
    jwk *k;
    assert_code(jwk_from_pem(json_get(file, "private_key")->text, id, &k, NULL), OK);
    account_key *known = account_key_find(account_find(w->g, STR(STRANGER)), id);
    assert_str(jwk_thumbprint(known->key), jwk_thumbprint(k));
    jwk_unref(k);
    trail t = trail_of(w);
    assert_strz(t.method, "google.iam.admin.v1.CreateServiceAccountKey");
    assert_true(str_find(t.text, STR("cloudaudit.googleapis.com%2Factivity")) > 0);
    assert_true(str_find(t.text, STR("ADMIN_WRITE")) > 0);
    assert_true(str_find(t.text, STR("PRIVATE KEY")) < 0);
    // Nowhere else: not in the list, not in the state
    c = api_call(w, "GET " KEYS, ADMIN, "");
    assert_true(str_find(c->answer, id) > 0);
    assert_true(str_find(c->answer, STR("privateKey")) < 0);
    reopen_google(w);
    assert_non_null(account_key_find(account_find(w->g, STR(STRANGER)), id));
    str text;
    assert_code(file_read(&w->mem, w->options.state, 8 << 20, &text, NULL), OK);
    str pem = json_get(file, "private_key")->text;
    assert_true(str_find(text, str_sub(pem, 100, 140)) < 0);
}

static void public_keys_are_given_in_both_forms(void **state)
{
    world *w = *state;
    str id = json_get(key_json_of(w, create_key(w)), "private_key_id")->text;
    static const struct {
        const char *query, *begins;
    } rows[] = {
        {"", NULL},
        {"?publicKeyType=TYPE_NONE", NULL},
        {"?publicKeyType=TYPE_X509_PEM_FILE", "-----BEGIN CERTIFICATE-----"},
        {"?publicKeyType=TYPE_RAW_PUBLIC_KEY", "-----BEGIN PUBLIC KEY-----"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf b;
        buf_init(&b, 16 << 10);
        call *c = api_call(
            w, arena_printf(&w->mem, "GET " KEYS "/" STR_FMT "%s", STR_ARG(id), rows[i].query).ptr,
            ADMIN, "");
        assert_row(i, c->status == 200);
        assert_row(i, base64_decode(&b, answer_str(w, c, "publicKeyData")));
        if (rows[i].begins)
            assert_row(i, str_starts(buf_str(&b), str_from(rows[i].begins)));
        else
            assert_row(i, !b.len);
        buf_deinit(&b);
    }
}

static void keys_are_disabled_enabled_and_deleted(void **state)
{
    world *w = *state;
    str id = json_get(key_json_of(w, create_key(w)), "private_key_id")->text;
    const char *path = arena_printf(&w->mem, KEYS "/" STR_FMT, STR_ARG(id)).ptr;
    account *a = account_find(w->g, STR(STRANGER));
    call *c = api_call(w, arena_printf(&w->mem, "POST %s:disable", path).ptr, ADMIN, "{}");
    assert_int_equal(c->status, 200);
    assert_strz(c->answer, "{}\n");
    assert_false(account_key_usable(account_key_find(a, id), clock_wall_s()));
    c = api_call(w, arena_printf(&w->mem, "GET %s", path).ptr, ADMIN, "");
    assert_true(json_bool_or(json_get(answer_json(w, c), "disabled"), false));
    c = api_call(w, arena_printf(&w->mem, "POST %s:enable", path).ptr, ADMIN, "");
    assert_int_equal(c->status, 200);
    assert_true(account_key_usable(account_key_find(a, id), clock_wall_s()));
    assert_strz(trail_of(w).method, "google.iam.admin.v1.EnableServiceAccountKey");
    c = api_call(w, arena_printf(&w->mem, "DELETE %s", path).ptr, ADMIN, "");
    assert_int_equal(c->status, 200);
    assert_null(account_key_find(a, id));
    assert_strz(trail_of(w).method, "google.iam.admin.v1.DeleteServiceAccountKey");
    c = api_call(w, arena_printf(&w->mem, "DELETE %s", path).ptr, ADMIN, "");
    assert_int_equal(c->status, 404);
    reopen_google(w);
    assert_null(account_key_find(account_find(w->g, STR(STRANGER)), id));
    c = api_call(w, "GET " KEYS, ADMIN, "");
    assert_strz(c->answer, "{}");
}

static str certificate(world *w, jose_alg alg, int64_t to_s)
{
    buf pem, b;
    jwk *k = jwk_generate(alg, STR_NONE);
    buf_init(&pem, 16 << 10);
    buf_init(&b, 32 << 10);
    assert_code(jwk_write_cert_pem(k, STR("x"), 0, to_s, &pem, NULL), OK);
    base64_encode(&b, buf_str(&pem));
    str s = arena_printf(&w->mem, "{\"publicKeyData\":\"" STR_FMT "\"}", STR_ARG(buf_str(&b)));
    buf_deinit(&pem);
    buf_deinit(&b);
    jwk_unref(k);
    return s;
}

static void own_certificates_can_be_uploaded(void **state)
{
    world *w = *state;
    str good = certificate(w, JOSE_RS256, INT64_C(1900000000));
    call *c = api_call(w, "POST " KEYS ":upload", ADMIN, good.ptr);
    assert_int_equal(c->status, 200);
    assert_strz(answer_str(w, c, "keyOrigin"), "USER_PROVIDED");
    assert_strz(answer_str(w, c, "validAfterTime"), "1970-01-01T00:00:00Z");
    assert_strz(answer_str(w, c, "validBeforeTime"), "2030-03-17T17:46:40Z");
    account *a = account_find(w->g, STR(STRANGER));
    assert_true(account_key_usable(a->keys.ptr[0], INT64_C(1899999999)));
    assert_false(account_key_usable(a->keys.ptr[0], INT64_C(1900000000)));
    assert_strz(trail_of(w).method, "google.iam.admin.v1.UploadServiceAccountKey");
    const char *const wrong[] = {
        "{}",
        "{\"publicKeyData\":\"***\"}",
        "{\"publicKeyData\":\"aGVsbG8=\"}",
        certificate(w, JOSE_ES256, INT64_C(1900000000)).ptr,
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        c = api_call(w, "POST " KEYS ":upload", ADMIN, wrong[i]);
        assert_row(i, c->status == 400);
        assert_row(i, str_find(error_message(w, c), STR("'publicKeyData'")) > 0);
    }
    assert_int_equal(a->keys.len, 1);
}

static void an_account_has_ten_keys_at_most(void **state)
{
    world *w = *state;
    str cert = certificate(w, JOSE_RS256, INT64_C(1900000000));
    for (int i = 0; i < GOOGLE_KEYS_MAX - 1; i++)
        assert_int_equal(api_call(w, "POST " KEYS ":upload", ADMIN, cert.ptr)->status, 200);
    // One place is left, and the first of two is still being made.
    call *first = call_new(w, "POST " KEYS), *second;
    first->authorization = bearer_of(w, ADMIN);
    first->authorization_count = 1;
    google_route(first);
    second = api_call(w, "POST " KEYS, ADMIN, "");
    assert_int_equal(second->status, 400);
    assert_strz(error_status(w, second), "FAILED_PRECONDITION");
    uint64_t end = clock_mono_ms() + 30000;
    bool never = false;
    while (!first->ctx && clock_mono_ms() < end)
        loop_run_until(w->loop, &never, 5);
    assert_int_equal(first->status, 200);
    call *list = api_call(w, "GET " KEYS, ADMIN, "");
    assert_int_equal(json_get(answer_json(w, list), "keys")->len, GOOGLE_KEYS_MAX);
    list = api_call(w, "GET " KEYS "?keyTypes=SYSTEM_MANAGED", ADMIN, "");
    assert_strz(list->answer, "{}");
    list = api_call(w, "GET " KEYS "?keyTypes=SYSTEM_MANAGED&keyTypes=USER_MANAGED", ADMIN, "");
    assert_int_equal(json_get(answer_json(w, list), "keys")->len, GOOGLE_KEYS_MAX);
}

static void a_project_is_named_to_who_may_see_it(void **state)
{
    static const struct {
        const char *request, *caller;
        int status;
    } rows[] = {
        {"GET /v1/projects/demo", ADMIN, 200},    {"GET /v1/projects/123456789012", ADMIN, 200},
        {"GET /v1/projects/demo", STRANGER, 403}, {"GET /v1/projects/demo", NULL, 401},
        {"GET /v1/projects/other", ADMIN, 403},   {"DELETE /v1/projects/demo", ADMIN, 404},
        {"GET /v1/projects/demo/", ADMIN, 404},   {"GET /v1/projects/", ADMIN, 404},
    };
    world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        call *c = api_call(w, rows[i].request, rows[i].caller, "");
        assert_row(i, c->status == rows[i].status);
        if (c->status != 200)
            continue;
        assert_strz(answer_str(w, c, "projectId"), "demo");
        assert_strz(answer_str(w, c, "projectNumber"), "123456789012");
        assert_strz(answer_str(w, c, "lifecycleState"), "ACTIVE");
    }
}

static void wrong_requests_for_keys(void **state)
{
    static const struct {
        const char *request, *caller, *body;
        int status;
    } rows[] = {
        {"POST " KEYS, STRANGER, "{}", 403},
        {"POST " KEYS, NULL, "{}", 401},
        {"POST " KEYS, ADMIN, "{\"privateKeyType\":\"TYPE_PKCS12_FILE\"}", 400},
        {"POST " KEYS, ADMIN, "{\"keyAlgorithm\":\"KEY_ALG_RSA_1024\"}", 400},
        {"POST " KEYS, ADMIN, "{\"a\":1,\"a\":2}", 400},
        {"POST /v1/projects/demo/serviceAccounts/no@body/keys", ADMIN, "{}", 404},
        {"POST /v1/projects/demo/serviceAccounts/" JANE "/keys", ADMIN, "{}", 404},
        {"GET " KEYS "/0123", ADMIN, "", 404},
        {"POST " KEYS "/0123:disable", ADMIN, "", 404},
        {"PATCH " KEYS, ADMIN, "", 404},
        {"GET " KEYS "/a/b", ADMIN, "", 404},
        {"GET /v1/projects/demo/serviceAccounts/x/y/z/a/b/c/d", ADMIN, "", 404},
        {"GET /v1/projects/demo/topics", ADMIN, "", 404},
        {"GET /v1/projects/demo/serviceAccounts/%zz", ADMIN, "", 404},
    };
    world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        call *c = api_call(w, rows[i].request, rows[i].caller, rows[i].body);
        assert_row(i, c->status == rows[i].status);
        assert_row(i, json_i64_or(json_get(error_of(w, c), "code"), 0) == rows[i].status);
    }
    assert_int_equal(account_find(w->g, STR(STRANGER))->keys.len, 0);
}

// A client that leaves while its key is made leaves no key behind that nobody has.
static void a_key_for_nobody_is_withdrawn(void **state)
{
    world *w = *state;
    call *c = call_new(w, "POST " KEYS);
    c->authorization = bearer_of(w, ADMIN);
    c->authorization_count = 1;
    google_route(c);
    assert_non_null(c->job);
    key_job_abandon(c->job);
    uint64_t end = clock_mono_ms() + 30000;
    bool never = false;
    while (w->g->jobs && clock_mono_ms() < end)
        loop_run_until(w->loop, &never, 5);
    assert_null(w->g->jobs);
    assert_null(c->ctx); // nobody to answer
    assert_int_equal(account_find(w->g, STR(STRANGER))->keys.len, 0);
}

// The token that made the call may be pushed out by newer ones while the key is made.
static void a_key_is_recorded_after_its_callers_token_has_gone(void **state)
{
    world *w = *state;
    call *made = api_call(w, "POST /v1/projects/-/serviceAccounts/" ADMIN ":generateAccessToken",
                          ADMIN, "{\"scope\":[" CLOUD "]}");
    call *c = call_new(w, "POST " KEYS);
    c->authorization =
        arena_printf(&w->mem, "Bearer " STR_FMT, STR_ARG(answer_str(w, made, "accessToken")));
    c->authorization_count = 1;
    google_route(c);
    assert_non_null(c->job);
    for (int i = 0; i <= GOOGLE_TOKENS_MAX; i++)
        bearer_of(w, TESTER);
    assert_false(access_token_find(w->g, str_skip(c->authorization, 7), c->now_s));
    uint64_t end = clock_mono_ms() + 30000;
    bool never = false;
    while (!c->ctx && clock_mono_ms() < end)
        loop_run_until(w->loop, &never, 5);
    assert_int_equal(c->status, 200);
    assert_true(str_find(trail_of(w).text, STR("\"serviceAccountDelegationInfo\":[{")) > 0);
}

static void set_true(void *ctx, const err *e)
{
    assert_null(e);
    *(bool *)ctx = true;
}

static store *second_connection(world *w)
{
    store *db;
    assert_code(store_new(w->options.state, &google_schema, &db, NULL), OK);
    return db;
}

static void until_it_has_keys(world *w, size_t count)
{
    account *a = account_find(w->g, STR(STRANGER));
    uint64_t end = clock_mono_ms() + 30000;
    bool never = false;
    while (a->keys.len != count && clock_mono_ms() < end)
        loop_run_until(w->loop, &never, 1);
    assert_int_equal(a->keys.len, count);
}

// The same between the making and the disk, which another process holds up.
static void a_key_on_its_way_to_the_disk_is_withdrawn(void **state)
{
    world *w = *state;
    bool written = false;
    journal_wait(w->g->journal, set_true, &written); // what the start wrote is through
    assert_true(loop_run_until(w->loop, &written, TEST_WAIT_MS));
    store *other = second_connection(w);
    call *c = call_new(w, "POST " KEYS);
    c->authorization = bearer_of(w, ADMIN);
    c->authorization_count = 1;
    assert_code(store_begin(other, NULL), OK);
    google_route(c);
    until_it_has_keys(w, 1);
    assert_non_null(c->job);
    key_job_abandon(c->job);
    store_rollback(other);
    until_it_has_keys(w, 0);
    assert_null(w->g->jobs);
    assert_null(c->ctx);
    store_free(other);
    reopen_google(w);
    assert_int_equal(account_find(w->g, STR(STRANGER))->keys.len, 0);
}

static void a_key_that_cannot_be_saved_is_not_given_out(void **state)
{
    world *w = *state;
    store *other = second_connection(w);
    assert_code(store_run(other, "delete from account where email = ?",
                          STORE_ARGS(store_text(STR(STRANGER))), NULL),
                OK);
    store_free(other);
    call *c = api_call(w, "POST " KEYS, ADMIN, "{}");
    assert_int_equal(c->status, 503);
    assert_strz(error_status(w, c), "UNAVAILABLE");
    assert_true(str_find(c->answer, STR("privateKeyData")) < 0);
    assert_int_equal(account_find(w->g, STR(STRANGER))->keys.len, 0);
    assert_int_equal(trail_of(w).count, 0);
}

static void it_may_stop_while_a_key_is_made(void **state)
{
    world *w = *state;
    call *c = call_new(w, "POST " KEYS);
    c->authorization = bearer_of(w, ADMIN);
    c->authorization_count = 1;
    google_route(c);
    reopen_google(w);
    assert_null(c->job);
    assert_null(c->ctx);
    create_key(w); // the pool comes back to the old job meanwhile
}

// ---- what verifiers read

static void keys_are_published_in_both_forms(void **state)
{
    world *w = *state;
    call *jwks = ask(w, call_new(w, "GET /oauth2/v3/certs"));
    call *certs = ask(w, call_new(w, "GET /oauth2/v1/certs"));
    jwk_set *set;
    assert_code(jwk_set_from_text(jwks->answer, &set, NULL), OK);
    assert_int_equal(jwk_set_len(set), 1);
    assert_int_equal(answer_json(w, certs)->len, 1);
    const json *pem = json_first(answer_json(w, certs));
    jwk *k;
    assert_str(pem->key, jwk_kid(jwk_set_at(set, 0)));
    assert_code(jwk_from_pem(pem->text, pem->key, &k, NULL), OK);
    assert_str(jwk_thumbprint(k), jwk_thumbprint(jwk_set_at(set, 0)));
    assert_true(str_find(header_of(jwks, "cache-control"), STR("max-age=")) >= 0);
    assert_true(str_find(header_of(certs, "cache-control"), STR("max-age=")) >= 0);
    jwk_unref(k);
    jwk_set_unref(set);
}

static void discovery_names_googles_issuer_and_local_addresses(void **state)
{
    world *w = *state;
    call *c = ask(w, call_new(w, "GET /.well-known/openid-configuration"));
    assert_strz(answer_str(w, c, "issuer"), "https://accounts.google.com");
    assert_strz(answer_str(w, c, "jwks_uri"), BASE "/oauth2/v3/certs");
    assert_strz(answer_str(w, c, "token_endpoint"), BASE "/token");
    assert_int_equal(ask(w, call_new(w, "POST /oauth2/v3/certs"))->status, 405);
    assert_int_equal(ask(w, call_new(w, "GET /oauth2/v2/certs"))->status, 404);
    assert_int_equal(ask(w, call_new(w, "GET /tokens"))->status, 404);
}

static void certificates_of_an_account_are_where_its_key_file_says(void **state)
{
    world *w = *state;
    json *file;
    assert_code(json_load(&w->mem, in_dir(w, "tester.json"), NULL, &file, NULL), OK);
    str url = json_get(file, "client_x509_cert_url")->text;
    assert_true(str_starts(url, STR(BASE)));
    call *c = ask(
        w, call_new(
               w, arena_printf(&w->mem, "GET " STR_FMT, STR_ARG(str_skip(url, strlen(BASE)))).ptr));
    assert_int_equal(c->status, 200);
    assert_str(json_first(answer_json(w, c))->key, json_get(file, "private_key_id")->text);
    jwk_set *set;
    str id = arena_str(&w->mem, json_first(answer_json(w, c))->key);
    c = ask(w, call_new(w, "GET /service_accounts/v1/jwk/" TESTER));
    assert_code(jwk_set_from_text(c->answer, &set, NULL), OK);
    assert_non_null(jwk_set_find(set, id));
    jwk_set_unref(set);
    // A key that is disabled, and who is no service account, vouch for nothing.
    account *a = account_find(w->g, STR(TESTER));
    account_key_set_disabled(w->g, account_key_find(a, id), true);
    c = ask(w, call_new(w, "GET /service_accounts/v1/jwk/" TESTER));
    assert_int_equal(json_get(answer_json(w, c), "keys")->len, 0);
    c = ask(w, call_new(w, "GET /service_accounts/v1/metadata/x509/" TESTER));
    assert_int_equal(answer_json(w, c)->len, 0);
    static const char *const nobody[] = {
        "GET /service_accounts/v1/metadata/x509/" JANE, "GET /service_accounts/v1/jwk/" JANE,
        "GET /service_accounts/v1/jwk/no@body", "GET /service_accounts/v1/jwk/" TESTER "/x"};
    for (size_t i = 0; i < ARRAY_LEN(nobody); i++)
        assert_row(i, ask(w, call_new(w, nobody[i]))->status == 404);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(T22_only_access_tokens_and_self_signed_ones_are_bearers),
        CASE(the_trail_names_the_key_of_a_self_signed_token),
        CASE(accounts_are_listed_without_people),
        CASE(a_created_key_comes_once_and_works),
        CASE(public_keys_are_given_in_both_forms),
        CASE(keys_are_disabled_enabled_and_deleted),
        CASE(own_certificates_can_be_uploaded),
        CASE(an_account_has_ten_keys_at_most),
        CASE(a_project_is_named_to_who_may_see_it),
        CASE(wrong_requests_for_keys),
        CASE(a_key_for_nobody_is_withdrawn),
        CASE(a_key_on_its_way_to_the_disk_is_withdrawn),
        CASE(a_key_that_cannot_be_saved_is_not_given_out),
        CASE(it_may_stop_while_a_key_is_made),
        CASE(a_key_is_recorded_after_its_callers_token_has_gone),
        CASE(keys_are_published_in_both_forms),
        CASE(discovery_names_googles_issuer_and_local_addresses),
        CASE(certificates_of_an_account_are_where_its_key_file_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
