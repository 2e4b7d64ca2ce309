// SPDX-License-Identifier: Apache-2.0
// Each source against its endpoint.
#include "credential/credential_test_endpoints.h"

// ---- sources ----------------------------------------------------------------------------------

static void a_key_gives_id_tokens(void **state)
{
    fixture *f = *state;
    ask(f, local_id);
    assert_int_equal(f->e.code, OK);
    assert_audience(f, "https://orders.example");
    assert_strz(f->principal, "tester@demo.iam.gserviceaccount.com");
    assert_strz(f->via, "service account key");
}

static void a_key_gives_access_tokens(void **state)
{
    fixture *f = *state;
    credential_want w = {.kind = CREDENTIAL_ACCESS_TOKEN, .scope = STR("a b"), .local = true};
    ask(f, w);
    assert_true(str_starts(f->token, STR("ya29.local-tester@")));
}

// The source has its own word for what it does without asking.
static void a_key_signs_for_one_api_itself(void **state)
{
    fixture *f = *state;
    credential_want w = {.kind = CREDENTIAL_ACCESS_TOKEN, .local = true};
    w.audience = STR("https://pubsub.googleapis.com/");
    ask(f, w);
    assert_int_equal(f->e.code, OK);
    assert_int_equal(f->requests.len, 0);
    jwk_set *keys = jwk_set_new();
    jwk_set_add(keys, f->key);
    jwt t;
    jwt_expect x = {.issuer = STR("tester@demo.iam.gserviceaccount.com"),
                    .audiences = &w.audience,
                    .audience_count = 1,
                    .now_s = clock_wall_s(),
                    .lifetime_max_s = 3600};
    assert_code(jwt_verify(f->token, keys, &x, &f->mem, &t, NULL), OK);
    jwk_set_unref(keys);
    assert_str(t.subject, t.issuer);
    assert_strz(t.kid, "test-key");
    assert_int_equal(t.expiry_s - t.issued_at_s, 3600);
    w.scope = STR("a"); // with scopes it is an exchange
    ask(f, w);
    assert_int_equal(f->requests.len, 1);
    assert_true(str_starts(f->token, STR("ya29.local-tester@")));
}

static void identities_are_accounts_keys_and_impersonations(void **state)
{
    fixture *f = *state;
    const project_identity identities[] = {
        {.name = STR("alien"), .account = STR("stranger")},
        {.name = STR("filed"),
         .key =
             write_key(f, "filed.json", "filed@demo.iam.gserviceaccount.com", f->up.token_url.ptr)},
        {.name = STR("robot"), .impersonate = STR("robot@p.iam.gserviceaccount.com")},
        {.name = STR("nobody"), .none = true},
    };
    static const struct {
        const char *identity, *principal;
        code code;
    } rows[] = {
        {"", "tester@demo.iam.gserviceaccount.com", OK},
        {"stranger", "stranger@demo.iam.gserviceaccount.com", OK},
        {"stranger@demo.iam.gserviceaccount.com", "stranger@demo.iam.gserviceaccount.com", OK},
        {"alien", "stranger@demo.iam.gserviceaccount.com", OK},
        {"filed", "filed@demo.iam.gserviceaccount.com", OK},
        {"robot", "robot@p.iam.gserviceaccount.com", OK},
        {"nobody", "", CRED_IDENTITY},
        {"strange", "", CRED_IDENTITY},
    };
    f->options.identities = identities;
    f->options.identity_count = ARRAY_LEN(identities);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        credential_want w = local_id;
        w.identity = str_from(rows[i].identity);
        ask(f, w);
        if (f->e.code != rows[i].code)
            fail_msg("'%s': %s", rows[i].identity, f->e.msg);
        assert_strz(f->principal, rows[i].principal);
    }
    assert_non_null(strstr(f->e.hint, "alien"));
    assert_non_null(strstr(f->e.hint, "tester@"));
}

static void impersonation_uses_the_base_and_its_delegates(void **state)
{
    fixture *f = *state;
    const project_identity robot = {.name = STR("robot"),
                                    .impersonate = STR("mid@p.example, robot@p.example")};
    f->options.identities = &robot;
    f->options.identity_count = 1;
    credential_want w = local_id;
    w.identity = STR("robot");
    ask(f, w);
    assert_int_equal(f->e.code, OK);
    assert_int_equal(f->requests.len, 2);
    str asked = f->requests.ptr[1];
    assert_true(str_starts(asked, STR("POST /v1/projects/-/serviceAccounts/robot@p.example:"
                                      "generateIdToken HTTP/1.1\r\n")));
    assert_true(str_find(asked, STR("Authorization: Bearer ya29.local-tester@")) > 0);
    assert_true(
        str_find(asked, STR("\"delegates\":[\"projects/-/serviceAccounts/mid@p.example\"]")) > 0);
    assert_true(str_starts(f->via, STR("impersonation by tester@demo")));

    w.kind = CREDENTIAL_ACCESS_TOKEN; // the base's token is remembered
    ask(f, w);
    assert_int_equal(f->requests.len, 3);
    assert_strz(f->token, "ya29.robot-abcdefghijklmnopqrstuv");
}

static void a_refused_impersonation_names_the_grant(void **state)
{
    fixture *f = *state;
    const project_identity robot = {.name = STR("robot"),
                                    .impersonate = STR("robot@p.iam.gserviceaccount.com")};
    f->options.identities = &robot;
    f->options.identity_count = 1;
    f->statuses[1] = 403;
    f->error = "{\"error\":{\"code\":403,\"message\":\"Permission 'iam.serviceAccounts."
               "getOpenIdToken' denied\",\"status\":\"PERMISSION_DENIED\"}}";
    credential_want w = local_id;
    w.identity = STR("robot");
    ask(f, w);
    assert_int_equal(f->e.code, CRED_IMPERSONATION);
    assert_non_null(strstr(f->e.msg, "getOpenIdToken"));
    assert_non_null(strstr(
        f->e.hint, "in gatepost.yaml let the policy of the account robot@p.iam.gserviceaccount.com "
                   "give serviceAccount:tester@demo.iam.gserviceaccount.com "
                   "roles/iam.serviceAccountOpenIdTokenCreator"));
}

static void the_metadata_server_is_asked_by_its_rules(void **state)
{
    fixture *f = *state;
    str host = str_skip(f->up.metadata, 7);
    set_env(f, "GCE_METADATA_HOST", arena_cstr(&f->mem, host));
    map_remove(&f->env, STR("METADATA_SERVER_DETECTION"));
    f->up.metadata = STR("http://127.0.0.1:1"); // so it isn't the `up`'s
    credential_want w = {.kind = CREDENTIAL_ID_TOKEN, .audience = STR("https://a.example/?x=1&y")};
    ask(f, w);
    assert_int_equal(f->e.code, OK);
    assert_audience(f, "https://a.example/?x=1&y");
    assert_strz(f->principal, "vm@p.iam.gserviceaccount.com");
    assert_int_equal(f->requests.len, 2);
    for (size_t i = 0; i < 2; i++)
        assert_true(str_find(f->requests.ptr[i], STR("\r\nMetadata-Flavor: Google\r\n")) > 0);
    w = (credential_want){.kind = CREDENTIAL_ACCESS_TOKEN};
    ask(f, w);
    assert_strz(f->token, "ya29.vm-abcdefghijklmnopqrstuv");
    assert_strz(f->principal, "vm@p.iam.gserviceaccount.com");
}

static const char *write_user(fixture *f)
{
    str text = arena_printf(&f->mem,
                            "{\"type\":\"authorized_user\",\"client_id\":\"id.example\","
                            "\"client_secret\":\"hush&=\",\"refresh_token\":\"1//0refresh\","
                            "\"token_uri\":\"" STR_FMT "\"}",
                            STR_ARG(f->up.token_url));
    return write_file(f, "user.json", text, 0600);
}

static void a_user_has_no_audience_of_choice(void **state)
{
    fixture *f = *state;
    const project_identity me = {.name = STR("me"), .key = write_user(f)};
    f->options.identities = &me;
    f->options.identity_count = 1;
    credential_want w = local_id;
    w.identity = STR("me");
    ask(f, w);
    assert_int_equal(f->e.code, CRED_AUDIENCE);
    assert_non_null(strstr(f->e.hint, "--impersonate-service-account"));
    assert_int_equal(f->requests.len, 0);

    w.user_token = true; // a token of the client's audience will do
    ask(f, w);
    assert_int_equal(f->e.code, OK);
    assert_audience(f, "id.example");
    assert_strz(f->principal, "jane@example.com");

    w.user_token = false;
    w.audience = STR("id.example");
    ask(f, w);
    assert_int_equal(f->e.code, OK);

    w.kind = CREDENTIAL_ACCESS_TOKEN;
    ask(f, w);
    assert_strz(f->token, "ya29.user-abcdefghijklmnopqrstuv");
}

static void gcloud_is_asked_as_a_program(void **state)
{
    fixture *f = *state;
    str script = arena_printf(
        &f->mem,
        "#!/bin/sh\necho \"$@\" >> %s/args\n"
        "case \"$*\" in *broken@*) echo 'ERROR: not signed in' >&2; exit 1;; "
        "*identity*) echo '" STR_FMT "';; *) echo ya29.gcloud-abcdefghijklmnopqrst;; esac\n",
        f->dir, STR_ARG(mint(f, STR("https://a.example"), STR("sa@p.iam.gserviceaccount.com"))));
    write_file(f, "gcloud", script, 0755);
    const char *path = arena_printf(&f->mem, "%s:%s", f->dir, getenv("PATH")).ptr;
    char *old = mem_dup(getenv("PATH"));
    setenv("PATH", path, 1);
    set_env(f, "PATH", path);
    set_env(f, "CLOUDSDK_CORE_ACCOUNT", "sa@p.iam.gserviceaccount.com");
    credential_want w = {.kind = CREDENTIAL_ID_TOKEN, .audience = STR("https://a.example")};
    ask(f, w);
    assert_int_equal(f->e.code, OK);
    assert_strz(f->principal, "sa@p.iam.gserviceaccount.com");
    w.kind = CREDENTIAL_ACCESS_TOKEN;
    ask(f, w);
    assert_strz(f->token, "ya29.gcloud-abcdefghijklmnopqrst");

    const project_identity broken = {.name = STR("broken"), .account = STR("broken@example.com")};
    credential_provider_free(f->provider);
    f->provider = NULL;
    f->options.identities = &broken;
    f->options.identity_count = 1;
    w.identity = STR("broken");
    ask(f, w);
    assert_int_equal(f->e.code, CRED_GCLOUD);
    assert_non_null(strstr(f->e.msg, "not signed in"));
    assert_non_null(strstr(f->e.hint, "gcloud auth login broken@example.com"));
    w.kind = CREDENTIAL_ID_TOKEN; // a person's account
    ask(f, w);
    assert_int_equal(f->e.code, CRED_AUDIENCE);

    str args;
    const char *log = arena_printf(&f->mem, "%s/args", f->dir).ptr;
    assert_code(file_read(&f->mem, log, 4096, &args, NULL), OK);
    assert_strz(args, "auth print-identity-token sa@p.iam.gserviceaccount.com --quiet "
                      "--audiences=https://a.example\n"
                      "auth print-access-token sa@p.iam.gserviceaccount.com --quiet\n"
                      "auth print-access-token broken@example.com --quiet\n");
    setenv("PATH", old, 1);
    free(old);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_key_gives_id_tokens),
        CASE(a_key_gives_access_tokens),
        CASE(a_key_signs_for_one_api_itself),
        CASE(identities_are_accounts_keys_and_impersonations),
        CASE(impersonation_uses_the_base_and_its_delegates),
        CASE(a_refused_impersonation_names_the_grant),
        CASE(the_metadata_server_is_asked_by_its_rules),
        CASE(a_user_has_no_audience_of_choice),
        CASE(gcloud_is_asked_as_a_program),
    };
    return cmocka_run_group_tests(tests, make_key, drop_key);
}
