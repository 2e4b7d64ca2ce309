// SPDX-License-Identifier: Apache-2.0
// The `oauth` section of an identity, in the person's own file (always trusted) and in a checkout.
#include "data/data.h"
#include "home/home_test.h"

static const home_project *user(const char *oauth, err *e)
{
    const home_project *p = NULL;
    char dir[512], text[4096];
    snprintf(dir, sizeof(dir), "%s", at("config"));
    mkdir(dir, 0700);
    mkdir(at("config/gatepost"), 0700);
    snprintf(text, sizeof(text), "identities:\n  it: {%s}\n", oauth);
    put_file(at("config/gatepost/config.yaml"), text, 0600);
    setenv("XDG_CONFIG_HOME", dir, 1);
    return home_user_config(&mem, &p, e) == OK ? p : NULL;
}

static void a_client_is_read_with_its_places(void **state)
{
    (void)state;
    err e = ERR_INIT;
    const home_project *p = user(
        "oauth: {grant: client_credentials, issuer: 'https://login.example', client_id: me, "
        "client_secret: {env: HUSH}, scope: a b, audience: api, resource: 'https://api.example', "
        "token: id, redirect_port: 8080, key_id: k, subject_name: jane}",
        &e);
    if (!p)
        fail_msg("%s", e.msg);
    const project_oauth *o = p->identities[0].oauth;
    assert_int_equal(o->grant, GRANT_CLIENT_CREDENTIALS);
    assert_int_equal(o->client_auth, CLIENT_AUTH_BASIC); // a secret, and no word about it
    assert_strz(o->issuer, "https://login.example");
    assert_strz(o->client_id, "me");
    assert_string_equal(o->client_secret.env, "HUSH");
    assert_strz(o->scope, "a b");
    assert_strz(o->audience, "api");
    assert_strz(o->resource, "https://api.example");
    assert_strz(o->key_id, "k");
    assert_strz(o->subject_name, "jane");
    assert_true(o->id_token);
    assert_int_equal(o->redirect_port, 8080);
}

static void how_a_client_proves_itself_follows_from_what_it_has(void **state)
{
    (void)state;
    static const struct {
        const char *more;
        project_client_auth auth;
    } rows[] = {
        {"client_secret: {file: s}", CLIENT_AUTH_BASIC},
        {"client_secret: {file: s}, client_auth: client_secret_post", CLIENT_AUTH_POST},
        {"private_key: k.pem", CLIENT_AUTH_PRIVATE_KEY},
        {"private_key: k.pem, certificate: c.pem", CLIENT_AUTH_TLS},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[512];
        err e = ERR_INIT;
        snprintf(
            text, sizeof(text),
            "oauth: {grant: client_credentials, issuer: 'https://a.example', client_id: c, %s}",
            rows[i].more);
        const home_project *p = user(text, &e);
        if (!p)
            fail_msg("row %zu: %s", i, e.msg);
        assert_row(i, p->identities[0].oauth->client_auth == rows[i].auth);
    }
    const project_oauth *o = user("oauth: {grant: device_code, issuer: 'https://a.example', "
                                  "client_id: c, private_key: k.pem}",
                                  NULL)
                                 ->identities[0]
                                 .oauth;
    assert_string_equal(o->private_key, at("config/gatepost/k.pem")); // seen from the file
}

static void what_is_missing_or_wrong_has_its_place_and_its_fix(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says, *fix;
    } rows[] = {
        {"oauth: {}", "grant", NULL},
        {"oauth: {grant: password}", "one of client_credentials", NULL},
        {"oauth: {grant: client_credentials, isuer: 'https://a'}", "isuer", "'issuer'"},
        {"oauth: {grant: client_credentials, issuer: 'https://a'}", "no client_id", "client_id:"},
        {"oauth: {grant: client_credentials, issuer: 'https://a', client_id: c}", "prove itself",
         "client_secret"},
        {"oauth: {grant: device_code, client_id: c}", "neither issuer nor token_endpoint",
         "issuer:"},
        {"oauth: {grant: device_code, client_id: c, token_endpoint: 'https://a'}",
         "device_authorization_endpoint", "issuer:"},
        {"oauth: {grant: authorization_code, client_id: c, token_endpoint: 'https://a'}",
         "authorization_endpoint", "issuer:"},
        {"oauth: {grant: token_exchange, issuer: 'https://a'}", "no subject", "subject:"},
        {"oauth: {grant: jwt_bearer, issuer: 'https://a'}", "no assertion", "private_key"},
        {"oauth: {grant: device_code, issuer: 'https://a', client_id: c, client_secret: {}}",
         "exactly one place", "{env: NAME}"},
        {"oauth: {grant: device_code, issuer: 'https://a', client_id: c, client_secret: "
         "{env: A, file: b}}",
         "exactly one place", "{env: NAME}"},
        {"oauth: {grant: device_code, issuer: 'https://a', client_id: c, client_secret: hunter2}",
         "must be an object", NULL},
        {"oauth: {grant: device_code, issuer: 'https://a', client_id: c, client_auth: "
         "client_secret_post}",
         "no client_secret", "{env: NAME}"},
        {"oauth: {grant: device_code, issuer: 'https://a', client_id: c, client_auth: "
         "private_key_jwt}",
         "no private_key", "PEM"},
        {"oauth: {grant: device_code, issuer: 'https://a', client_id: c, client_auth: "
         "tls_client_auth}",
         "certificate", "PEM"},
        {"oauth: {grant: device_code, issuer: 'ftp://a', client_id: c}", "a URL", NULL},
        {"oauth: {grant: jwt_bearer, token_endpoint: 'https://a', token: id, subject: {env: A}}",
         "verified", "issuer:"},
        {"oauth: {grant: device_code, issuer: 'https://a', client_id: c}, account: a@b.c",
         "exactly one of", NULL},
        {"oauth: {grant: device_code, issuer: 'https://a', client_id: c}, impersonate: a@b.c",
         "exactly one of", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        err e = ERR_INIT;
        assert_row(i, !user(rows[i].text, &e));
        if (!strstr(e.msg, rows[i].says) || (rows[i].fix && !strstr(e.hint, rows[i].fix)) ||
            e.line != 2)
            fail_msg("row %zu: %u: %s / %s", i, e.line, e.msg, e.hint);
        assert_null(strstr(e.msg, "hunter2"));
    }
}

static void T39_a_checkout_names_no_token_endpoint(void **state)
{
    (void)state;
    err e = ERR_INIT;
    const home_project *p;
    put_file(
        at("gatepost.yaml"),
        "project: {id: my-project}\nidentities:\n  it: {oauth: {grant: client_credentials, "
        "issuer: 'https://attacker.example', client_id: c, client_secret: {env: AWS_SECRET}}}\n",
        0644);
    assert_code(project_load(&mem, at("gatepost.yaml"), NULL, &p, &e), HOME_UNTRUSTED);
    assert_int_equal(e.line, 3);
    assert_mentions(e.msg, "token endpoint");
    assert_mentions(e.hint, "gatepost trust file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_client_is_read_with_its_places),
        TEST(how_a_client_proves_itself_follows_from_what_it_has),
        TEST(what_is_missing_or_wrong_has_its_place_and_its_fix),
        TEST(T39_a_checkout_names_no_token_endpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
