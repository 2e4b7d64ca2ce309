// SPDX-License-Identifier: Apache-2.0
// OAuth 2 clients against an issuer on this loop: what each grant sends, what is made of the
// answer, and what is kept of a sign-in. End-to-end tests ask issuers of others
// (test/identities.test.mjs).
#include "credential/credential_test_endpoints.h"
#include "credential/keyring.h"

static project_oauth client;
static project_identity identities[2];
// Of the issuer's next answer; NULL: a plain one.
static const char *token_answer;
static const char *subject = "jane";
static const char *audience_of_id = "me";
static int given;

static str base(fixture *f)
{
    return f->up.iam_url;
}

static str body_of(str request)
{
    return str_skip(request, (size_t)str_find(request, STR("\r\n\r\n")) + 4);
}

static str id_token(fixture *f)
{
    buf claims, out;
    buf_init(&claims, 8192);
    buf_init(&out, 8192);
    jout w = jout_new(&claims, JSON_COMPACT);
    jout_object(&w, NULL);
    jout_str(&w, "iss", base(f));
    jout_str(&w, "aud", str_from(audience_of_id));
    jout_str(&w, "sub", str_from(subject));
    jout_i64(&w, "iat", clock_wall_s());
    jout_i64(&w, "exp", clock_wall_s() + f->lifetime_s);
    jout_end(&w);
    assert_code(jwt_sign(f->key, buf_str(&claims), STR("JWT"), &out, NULL), OK);
    str s = arena_str(&f->mem, buf_str(&out));
    buf_deinit(&claims);
    buf_deinit(&out);
    return s;
}

static str answer_issuer(fixture *f, str path)
{
    str b = base(f);
    if (str_eq(path, STR("/.well-known/openid-configuration")))
        return arena_printf(&f->mem,
                            "{\"issuer\":\"" STR_FMT "\",\"token_endpoint\":\"" STR_FMT
                            "/oauth/token\",\"jwks_uri\":\"" STR_FMT "/jwks\"}",
                            STR_ARG(b), STR_ARG(b), STR_ARG(b));
    if (str_eq(path, STR("/jwks"))) {
        buf text;
        jwk_set *keys = jwk_set_new();
        jwk_set_add(keys, f->key);
        buf_init(&text, 8192);
        jwk_set_write_json(keys, &text);
        str s = arena_str(&f->mem, buf_str(&text));
        jwk_set_unref(keys);
        buf_deinit(&text);
        return s;
    }
    if (!str_eq(path, STR("/oauth/token")))
        return STR_NONE;
    if (token_answer)
        return str_from(token_answer);
    given++;
    return arena_printf(
        &f->mem,
        "{\"access_token\":\"access-%d-abcdefghijklmnopqrstuvwxyz\",\"id_token\":\"" STR_FMT
        "\",\"refresh_token\":\"refresh-%d\",\"token_type\":\"bearer\","
        "\"expires_in\":%lld}",
        given, STR_ARG(id_token(f)), given, (long long)f->lifetime_s);
}

static str asked(fixture *f, const char *name)
{
    for (size_t i = f->requests.len; i--;)
        if (str_starts(f->requests.ptr[i], STR("POST /oauth/token ")) ||
            str_starts(f->requests.ptr[i], STR("POST /v1/token ")))
            return field_of(f, body_of(f->requests.ptr[i]), name);
    fail_msg("no token was asked for");
    return STR_NONE;
}

static void use(fixture *f, project_oauth c)
{
    client = c;
    client.issuer = client.token_endpoint.len ? client.issuer : base(f);
    identities[0] = (project_identity){.name = STR("it"), .oauth = &client};
    f->more = answer_issuer;
    f->options.up = NULL;
    f->options.identities = identities;
    f->options.identity_count = 1;
    token_answer = NULL;
    subject = "jane";
    audience_of_id = "me";
    given = 0;
    vec_reset(&f->requests);
    credential_provider_free(f->provider);
    f->provider = NULL;
}

static void ask_it(fixture *f)
{
    ask(f, (credential_want){.kind = CREDENTIAL_ID_TOKEN, // what a request to a service wants
                             .audience = STR("https://api.example"),
                             .identity = STR("it"),
                             .user_token = true});
}

// ---- what is sent -----------------------------------------------------------------------------

static void a_client_gives_what_it_is_configured_for(void **state)
{
    fixture *f = *state;
    set_env(f, "HUSH", "a:b");
    use(f, (project_oauth){.grant = GRANT_CLIENT_CREDENTIALS,
                           .client_id = STR("me"),
                           .client_auth = CLIENT_AUTH_BASIC,
                           .client_secret.env = "HUSH",
                           .scope = STR("read"),
                           .audience = STR("api"),
                           .resource = STR("https://r.example")});
    ask_it(f);
    assert_int_equal(f->e.code, OK);
    assert_strz(f->token, "access-1-abcdefghijklmnopqrstuvwxyz");
    assert_strz(f->principal, "me");
    assert_strz(f->via, "OAuth 2 client");
    assert_strz(asked(f, "grant_type"), "client_credentials");
    assert_strz(asked(f, "scope"), "read");
    assert_strz(asked(f, "audience"), "api");
    assert_strz(asked(f, "resource"), "https://r.example");
    assert_true(str_find(f->requests.ptr[1], STR("Authorization: Basic bWU6YSUzQWI=")) > 0);
    ask_it(f); // from memory
    assert_int_equal(f->requests.len, 2);

    client.id_token = true;
    credential_forget(f->provider, STR_NONE);
    ask_it(f);
    assert_int_equal(f->e.code, OK);
    assert_audience(f, "me");
    assert_int_equal(f->requests.len, 4); // the issuer's keys too, its metadata once
}

static void a_key_signs_the_assertion(void **state)
{
    fixture *f = *state;
    secret *pem = jwk_private_pem(f->key);
    const char *path = write_file(f, "key.pem", secret_str(pem), 0600);
    secret_free(pem);
    use(f, (project_oauth){.grant = GRANT_JWT_BEARER,
                           .client_id = STR("me"),
                           .private_key = path,
                           .key_id = STR("mine"),
                           .subject_name = STR("jane@example.com")});
    ask_it(f);
    assert_int_equal(f->e.code, OK);
    assert_strz(asked(f, "grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
    jwt t;
    assert_code(jwt_parse(asked(f, "assertion"), &f->mem, &t, NULL), OK);
    assert_strz(t.kid, "mine");
    assert_strz(t.issuer, "me");
    assert_strz(t.subject, "jane@example.com");
    assert_str(t.audiences[0], arena_printf(&f->mem, STR_FMT "/oauth/token", STR_ARG(base(f))));
    assert_int_equal(t.expiry_s - t.issued_at_s, 60);
    assert_true(json_str_or(json_get(t.claims, "jti"), STR_NONE).len > 20);
}

static void an_assertion_names_no_key_that_wasnt_named(void **state)
{
    fixture *f = *state;
    secret *pem = jwk_private_pem(f->key);
    const char *path = write_file(f, "key.pem", secret_str(pem), 0600);
    secret_free(pem);
    use(f, (project_oauth){.grant = GRANT_JWT_BEARER, .client_id = STR("me"), .private_key = path});
    ask_it(f);
    assert_int_equal(f->e.code, OK);
    jwt t;
    assert_code(jwt_parse(asked(f, "assertion"), &f->mem, &t, NULL), OK);
    assert_int_equal(t.kid.len, 0);
    assert_strz(t.subject, "me");
}

static void another_identitys_token_is_exchanged(void **state)
{
    fixture *f = *state;
    static project_oauth inner;
    set_env(f, "HUSH", "s");
    use(f, (project_oauth){.grant = GRANT_TOKEN_EXCHANGE, .subject.identity = STR("inner")});
    inner = (project_oauth){.grant = GRANT_CLIENT_CREDENTIALS,
                            .issuer = base(f),
                            .client_id = STR("me"),
                            .client_auth = CLIENT_AUTH_POST,
                            .client_secret.env = "HUSH"};
    identities[1] = (project_identity){.name = STR("inner"), .oauth = &inner};
    f->options.identity_count = 2;
    ask_it(f);
    assert_int_equal(f->e.code, OK);
    assert_strz(f->token, "access-2-abcdefghijklmnopqrstuvwxyz");
    assert_strz(asked(f, "grant_type"), "urn:ietf:params:oauth:grant-type:token-exchange");
    assert_strz(asked(f, "subject_token"), "access-1-abcdefghijklmnopqrstuvwxyz");
    assert_strz(asked(f, "subject_token_type"), "urn:ietf:params:oauth:token-type:access_token");
    assert_strz(asked(f, "requested_token_type"), "urn:ietf:params:oauth:token-type:access_token");

    identities[1].oauth = &client; // one that stands on itself
    identities[1].name = STR("it");
    client.subject.identity = STR("it");
    credential_provider_free(f->provider);
    f->provider = NULL;
    ask_it(f);
    assert_int_equal(f->e.code, CRED_IDENTITY);
    assert_non_null(strstr(f->e.msg, "stands on itself"));
}

static void a_foreign_token_becomes_a_service_account_of_google(void **state)
{
    fixture *f = *state;
    set_env(f, "TOKEN", "foreign.jwt.token");
    use(f, (project_oauth){.grant = GRANT_TOKEN_EXCHANGE,
                           .token_endpoint =
                               arena_printf(&f->mem, STR_FMT "/v1/token", STR_ARG(base(f))),
                           .audience = STR("//iam.googleapis.com/providers/okta"),
                           .subject.env = "TOKEN"});
    identities[0].impersonate = STR("robot@p.iam.gserviceaccount.com");
    f->options.up = &f->up;
    credential_want w = local_id;
    w.identity = STR("it");
    ask(f, w);
    assert_int_equal(f->e.code, OK);
    assert_audience(f, "https://orders.example"); // bound to the service, as Cloud Run wants it
    assert_strz(f->principal, "robot@p.iam.gserviceaccount.com");
    assert_strz(asked(f, "subject_token"), "foreign.jwt.token");
    assert_strz(asked(f, "subject_token_type"), "urn:ietf:params:oauth:token-type:jwt");
    assert_strz(asked(f, "audience"), "//iam.googleapis.com/providers/okta");
    assert_strz(asked(f, "scope"), "https://www.googleapis.com/auth/cloud-platform");
    assert_true(str_find(f->requests.ptr[1], STR("Bearer ya29.federated-")) > 0);
}

// ---- what comes back --------------------------------------------------------------------------

static void answers_that_are_no_token(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *answer, *says;
        bool id;
    } rows[] = {
        {"nonsense", "token endpoint", false},
        {"{}", "access_token", false},
        {"{\"access_token\":5}", "access_token", false},
        {"{\"access_token\":\"a\",\"token_type\":\"DPoP\"}", "DPoP", false},
        {"{\"access_token\":\"a\",\"id_token\":\"b\"}", "the ID token", true},
        {"{\"access_token\":\"a\"}", "no ID token", true},
    };
    set_env(f, "HUSH", "s");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        use(f, (project_oauth){.grant = GRANT_CLIENT_CREDENTIALS,
                               .client_id = STR("me"),
                               .client_auth = CLIENT_AUTH_POST,
                               .client_secret.env = "HUSH",
                               .id_token = rows[i].id});
        token_answer = rows[i].answer;
        ask_it(f);
        if (f->e.code == OK ||
            (!strstr(f->e.msg, rows[i].says) && !strstr(f->e.file, rows[i].says)))
            fail_msg("row %zu: %s", i, f->e.msg);
    }
}

static void a_lifetime_that_isnt_told_is_short(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *answer;
        int64_t lives_s;
    } rows[] = {
        {"{\"access_token\":\"abcdefghijklmnopqrstuvwxyz\"}", 300},
        {"{\"access_token\":\"abcdefghijklmnopqrstuvwxyz\",\"expires_in\":\"1200\"}", 1200},
        {"{\"access_token\":\"abcdefghijklmnopqrstuvwxyz\",\"expires_in\":600}", 600},
    };
    set_env(f, "HUSH", "s");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        use(f, (project_oauth){.grant = GRANT_CLIENT_CREDENTIALS,
                               .client_id = STR("me"),
                               .client_auth = CLIENT_AUTH_POST,
                               .client_secret.env = "HUSH"});
        token_answer = rows[i].answer;
        ask_it(f);
        size_t before = f->requests.len;
        clock_shift((rows[i].lives_s - 5) * 1000);
        ask_it(f); // in its last seconds: a new one is waited for
        clock_shift(-(rows[i].lives_s - 5) * 1000);
        assert_row(i, f->requests.len == before + 1);
    }
}

// ---- what is kept of a sign-in ----------------------------------------------------------------

typedef struct kept kept;
struct kept {
    bool done;
    char value[1024];
    err e;
};

static void on_kept(void *ctx, str value, const err *e)
{
    kept *k = ctx;
    k->done = true;
    k->e = e ? *e : ERR_INIT;
    snprintf(k->value, sizeof(k->value), STR_FMT, STR_ARG(value));
}

static kept wait_kept(fixture *f, str name, str value, bool forget)
{
    kept k = {0};
    keyring_ask about = {&f->options, name, on_kept, &k};
    keyring_op *op = forget      ? keyring_forget(f->loop, &about)
                     : value.len ? keyring_store(f->loop, &about, value)
                                 : keyring_load(f->loop, &about);
    assert_non_null(op);
    assert_false(k.done); // never inside the call
    assert_true(loop_run_until(f->loop, &k.done, 20000));
    return k;
}

static void assert_keeps(fixture *f, const char *name)
{
    str key = arena_printf(&f->mem, "gatepost test %d %s", (int)getpid(), name);
    assert_string_equal(wait_kept(f, key, STR_NONE, false).value, "");
    assert_int_equal(wait_kept(f, key, STR("first"), false).e.code, OK);
    assert_int_equal(wait_kept(f, key, STR("{\"second\":1}"), false).e.code, OK);
    assert_string_equal(wait_kept(f, key, STR_NONE, false).value, "{\"second\":1}");
    assert_int_equal(wait_kept(f, key, STR_NONE, true).e.code, OK);
    assert_string_equal(wait_kept(f, key, STR_NONE, false).value, "");
    assert_int_equal(wait_kept(f, key, STR_NONE, true).e.code, OK); // also what isn't there
}

static void the_kernel_keeps_replaces_and_forgets(void **state)
{
    assert_keeps(*state, "kernel");
}

// A Secret Service is spoken to through its program.
static void the_desktop_is_asked_first(void **state)
{
    fixture *f = *state;
    write_file(f, "secret-tool",
               arena_printf(&f->mem,
                            "#!/bin/sh\nverb=$1\n"
                            "for last; do :; done\nkey=%s/kept-$(printf %%s \"$last\" | cksum | "
                            "cut -d' ' -f1)\necho \"$*\" >> %s/asked\ncase $verb in store) cat > "
                            "$key;; lookup) cat $key 2>/dev/null;; clear) rm -f $key;; esac\n",
                            f->dir, f->dir),
               0755);
    const char *path = arena_printf(&f->mem, "%s:%s", f->dir, getenv("PATH")).ptr;
    char *old = mem_dup(getenv("PATH"));
    setenv("PATH", path, 1);
    set_env(f, "PATH", path);
    assert_keeps(f, "kernel too"); // no session's bus: it isn't asked
    assert_int_not_equal(access(arena_printf(&f->mem, "%s/asked", f->dir).ptr, F_OK), 0);
    set_env(f, "DBUS_SESSION_BUS_ADDRESS", "unix:path=/run/bus");
    assert_keeps(f, "desktop");
    str told;
    const char *log = arena_printf(&f->mem, "%s/asked", f->dir).ptr;
    assert_code(file_read(&f->mem, log, 4096, &told, NULL), OK);
    assert_true(str_find(told, STR("store --label=Gatepost sign-in gatepost gatepost test")) > 0);
    assert_true(str_find(told, STR("second")) < 0); // a value is no argument
    setenv("PATH", old, 1);
    free(old);
}

static str sign_in_name(fixture *f)
{
    return arena_printf(&f->mem, "gatepost " STR_FMT " me", STR_ARG(base(f)));
}

static void use_sign_in(fixture *f, bool id)
{
    use(f, (project_oauth){.grant = GRANT_AUTHORIZATION_CODE,
                           .client_id = STR("me"),
                           .client_auth = CLIENT_AUTH_NONE,
                           .id_token = id});
    setenv("XDG_RUNTIME_DIR", f->dir, 1);
    (void)wait_kept(f, sign_in_name(f),
                    STR("{\"refresh_token\":\"the-first\",\"sub\":\"jane\",\"who\":\"Jane\"}"),
                    false);
}

static void a_refresh_token_that_rotates_is_kept(void **state)
{
    fixture *f = *state;
    use_sign_in(f, false);
    ask_it(f);
    assert_int_equal(f->e.code, OK);
    assert_strz(f->principal, "Jane");
    assert_strz(asked(f, "grant_type"), "refresh_token");
    assert_strz(asked(f, "refresh_token"), "the-first");
    assert_strz(asked(f, "client_id"), "me");
    credential_forget(f->provider, STR_NONE);
    ask_it(f);
    assert_strz(asked(f, "refresh_token"), "refresh-1");
    kept k = wait_kept(f, sign_in_name(f), STR_NONE, false);
    assert_non_null(strstr(k.value, "\"refresh_token\":\"refresh-2\""));
    assert_non_null(strstr(k.value, "\"sub\":\"jane\""));
    (void)wait_kept(f, sign_in_name(f), STR_NONE, true);
    credential_forget(f->provider, STR_NONE);
    ask_it(f);
    assert_int_equal(f->e.code, CRED_LOGIN);
    assert_non_null(strstr(f->e.hint, "gatepost login it"));
}

static void T23_a_refreshed_id_token_is_verified_and_of_the_same_person(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *subject, *audience, *says;
    } rows[] = {
        {"mallory", "me", "somebody else's"},
        {"jane", "another", "aud"},
        {"jane", "me", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        use_sign_in(f, true);
        subject = rows[i].subject;
        audience_of_id = rows[i].audience;
        ask_it(f);
        if (rows[i].says ? f->e.code == OK || !strstr(f->e.msg, rows[i].says) : f->e.code != OK)
            fail_msg("row %zu: %s", i, f->e.msg);
        // What was rotated is kept all the same: the one before is of no use any more.
        kept k = wait_kept(f, sign_in_name(f), STR_NONE, false);
        assert_non_null(strstr(k.value, "refresh-1"));
        assert_non_null(strstr(k.value, "\"sub\":\"jane\""));
    }
    (void)wait_kept(f, sign_in_name(f), STR_NONE, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_client_gives_what_it_is_configured_for),
        CASE(a_key_signs_the_assertion),
        CASE(an_assertion_names_no_key_that_wasnt_named),
        CASE(another_identitys_token_is_exchanged),
        CASE(a_foreign_token_becomes_a_service_account_of_google),
        CASE(answers_that_are_no_token),
        CASE(a_lifetime_that_isnt_told_is_short),
        CASE(the_kernel_keeps_replaces_and_forgets),
        CASE(the_desktop_is_asked_first),
        CASE(a_refresh_token_that_rotates_is_kept),
        CASE(T23_a_refreshed_id_token_is_verified_and_of_the_same_person),
    };
    return cmocka_run_group_tests(tests, make_key, drop_key);
}
