// SPDX-License-Identifier: Apache-2.0
// For the tests of this room and of those above: endpoints on the same loop that answer as
// google-identity.md says and record what they were asked. Keys and assertions are real.
#pragma once

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/test.h"
#include "credential/credential.h"
#include "data/data.h"
#include "jose/jose.h"
#include "net/net_test_server.h"

enum { ANSWERS_MAX = 16 };

typedef struct fixture fixture;
struct fixture {
    arena mem;
    loop *loop;
    test_server server;
    char dir[64];
    jwk *key; // of every account and of the issuer
    home_address up;
    home_project nothing;
    // what the endpoints do
    int statuses[ANSWERS_MAX]; // of the next answers; 0: 200
    size_t status_at;
    int64_t lifetime_s;
    int64_t clock_ahead_s; // of the endpoints, shown by Date
    const char *error;     // body of an answer that isn't 200
    bool silent;
    str (*more)(fixture *f, str path); // of a test's own; nothing: what is below answers
    // what they saw
    VEC(str) requests;
    // the provider
    credential_options options;
    credential_provider *provider;
    map env;
    // the last answer
    int answers;
    err e;
    str token, via, principal;
};

// ---- endpoints --------------------------------------------------------------------------------

static inline str field_of(fixture *f, str form, const char *name)
{
    str pair, key, value;
    while (str_next(&form, '&', &pair)) {
        str_cut(pair, '=', &key, &value);
        if (!str_eq(key, str_from(name)))
            continue;
        buf out;
        buf_init(&out, 1 << 16);
        assert_true(percent_decode(&out, value));
        str s = arena_str(&f->mem, buf_str(&out));
        buf_deinit(&out);
        return s;
    }
    return STR_NONE;
}

static inline str mint(fixture *f, str audience, str email)
{
    static int serial;
    buf claims, out;
    buf_init(&claims, 8192);
    buf_init(&out, 8192);
    jout w = jout_new(&claims, JSON_COMPACT);
    int64_t now = clock_wall_s() + f->clock_ahead_s;
    jout_object(&w, NULL);
    jout_str(&w, "iss", STR("https://accounts.google.com"));
    jout_str(&w, "aud", audience);
    jout_str(&w, "email", email);
    jout_i64(&w, "serial", ++serial);
    jout_i64(&w, "iat", now);
    jout_i64(&w, "exp", now + f->lifetime_s);
    jout_end(&w);
    assert_code(jwt_sign(f->key, buf_str(&claims), STR("JWT"), &out, NULL), OK);
    str s = arena_str(&f->mem, buf_str(&out));
    buf_deinit(&claims);
    buf_deinit(&out);
    return s;
}

// The token endpoint: the assertion must verify and be meant for here.
static inline str answer_grant(fixture *f, str form)
{
    jwk_set *keys = jwk_set_new();
    jwt t;
    err e = ERR_INIT;
    const str audience = f->up.token_url;
    jwk_set_add(keys, f->key);
    jwt_expect x = {
        .audiences = &audience, .audience_count = 1, .now_s = clock_wall_s(), .leeway_s = 5};
    if (jwt_verify(field_of(f, form, "assertion"), keys, &x, &f->mem, &t, &e))
        fail_msg("the assertion: %s", e.msg);
    jwk_set_unref(keys);
    assert_int_equal(t.expiry_s - t.issued_at_s, 3600);
    str target = json_str_or(json_get(t.claims, "target_audience"), STR_NONE);
    str scope = json_str_or(json_get(t.claims, "scope"), STR_NONE);
    assert_true((target.len > 0) != (scope.len > 0));
    if (target.len)
        return arena_printf(&f->mem, "{\"id_token\":\"" STR_FMT "\"}",
                            STR_ARG(mint(f, target, t.issuer)));
    return arena_printf(&f->mem,
                        "{\"access_token\":\"ya29.local-" STR_FMT "-%zu-abcdefghijklmnop\","
                        "\"expires_in\":%lld,\"token_type\":\"Bearer\"}",
                        STR_ARG(t.issuer), f->requests.len, (long long)f->lifetime_s);
}

static inline str answer_refresh(fixture *f, str form)
{
    assert_strz(field_of(f, form, "refresh_token"), "1//0refresh");
    assert_strz(field_of(f, form, "client_secret"), "hush&=");
    return arena_printf(
        &f->mem,
        "{\"access_token\":\"ya29.user-abcdefghijklmnopqrstuv\",\"expires_in\":%lld,"
        "\"id_token\":\"" STR_FMT "\"}",
        (long long)f->lifetime_s,
        STR_ARG(mint(f, field_of(f, form, "client_id"), STR("jane@example.com"))));
}

static inline str answer_iam(fixture *f, str path, str body)
{
    json *root;
    err e = ERR_INIT;
    if (json_parse(&f->mem, body, NULL, &root, &e))
        fail_msg("%s", e.msg);
    if (str_ends(path, STR(":generateIdToken"))) {
        assert_true(json_bool_or(json_get(root, "includeEmail"), false));
        str audience = json_str_or(json_get(root, "audience"), STR_NONE);
        return arena_printf(&f->mem, "{\"token\":\"" STR_FMT "\"}",
                            STR_ARG(mint(f, audience, STR("robot@p.iam.gserviceaccount.com"))));
    }
    char expiry[CLOCK_RFC3339_MAX];
    clock_rfc3339((clock_wall_s() + f->clock_ahead_s + f->lifetime_s) * 1000000000, expiry);
    return arena_printf(&f->mem,
                        "{\"accessToken\":\"ya29.robot-abcdefghijklmnopqrstuv\","
                        "\"expireTime\":\"%s\"}",
                        expiry);
}

static inline str answer_metadata(fixture *f, str path)
{
    str query;
    str_cut(path, '?', &path, &query);
    if (str_ends(path, STR("/email")))
        return STR("vm@p.iam.gserviceaccount.com\n");
    if (str_ends(path, STR("/identity")))
        return mint(f, field_of(f, query, "audience"), STR("vm@p.iam.gserviceaccount.com"));
    return arena_printf(&f->mem,
                        "{\"access_token\":\"ya29.vm-abcdefghijklmnopqrstuv\",\"expires_in\":%lld}",
                        (long long)f->lifetime_s);
}

// STS, and where subject tokens come from.
static inline str answer_federation(fixture *f, str method, str path)
{
    static const struct {
        const char *method, *path, *body;
    } rows[] = {
        {"GET", "/subject", "{\"count\":1,\"value\":\"served.by.url\"}"},
        {"PUT", "/session", "imds-session"},
        {"GET", "/zone", "eu-north-1b"},
        {"GET", "/role", "the-role\n"},
        {"GET", "/role/the-role",
         "{\"Code\":\"Success\",\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":\"aws-secret\","
         "\"Token\":\"aws-session\"}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_eq(method, str_from(rows[i].method)) && str_eq(path, str_from(rows[i].path)))
            return str_from(rows[i].body);
    if (str_eq(path, STR("/v1/token")))
        return arena_printf(&f->mem,
                            "{\"access_token\":\"ya29.federated-abcdefghijklmnopqrstuv\","
                            "\"issued_token_type\":\"urn:ietf:params:oauth:token-type:"
                            "access_token\",\"token_type\":\"Bearer\",\"expires_in\":%lld}",
                            (long long)f->lifetime_s);
    if (str_eq(path, STR("/v1/oauthtoken")))
        return arena_printf(&f->mem,
                            "{\"access_token\":\"ya29.workforce-abcdefghijklmnopqrstuv\","
                            "\"expires_in\":%lld,\"refresh_token\":\"rotated-%zu\"}",
                            (long long)f->lifetime_s, f->requests.len);
    return STR_NONE;
}

static inline str answer_of(fixture *f, str request)
{
    str method, rest, path, tail;
    str_cut(request, ' ', &method, &rest);
    str_cut(rest, ' ', &path, &tail);
    str body = str_skip(request, (size_t)str_find(request, STR("\r\n\r\n")) + 4);
    str own = f->more ? f->more(f, path) : STR_NONE;
    if (own.len)
        return own;
    if (str_starts(path, STR("/computeMetadata/v1/")))
        return answer_metadata(f, path);
    if (str_starts(path, STR("/v1/projects/-/serviceAccounts/")))
        return answer_iam(f, path, body);
    str federation = answer_federation(f, method, path);
    if (federation.len)
        return federation;
    assert_strz(path, "/token");
    if (str_eq(field_of(f, body, "grant_type"), STR("refresh_token")))
        return answer_refresh(f, body);
    return answer_grant(f, body);
}

static inline void write_date(buf *out, int64_t s)
{
    char text[64];
    time_t t = (time_t)s;
    struct tm tm;
    gmtime_r(&t, &tm);
    strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
    buf_addf(out, "Date: %s\r\n", text);
}

static inline void answer(void *ctx, str request, buf *out)
{
    fixture *f = ctx;
    int status = f->status_at < ANSWERS_MAX ? f->statuses[f->status_at++] : 0;
    vec_push(&f->requests, arena_str(&f->mem, request));
    if (f->silent)
        return;
    str body = status ? str_from(f->error ? f->error : "") : answer_of(f, request);
    buf_addf(out, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n", status ? status : 200, body.len);
    write_date(out, clock_wall_s() + f->clock_ahead_s);
    buf_addz(out, "\r\n");
    buf_adds(out, body);
}

// ---- files ------------------------------------------------------------------------------------

static inline const char *write_file(fixture *f, const char *name, str text, mode_t mode)
{
    const char *path = arena_printf(&f->mem, "%s/%s", f->dir, name).ptr;
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, mode);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(write(fd, text.ptr, text.len), (ssize_t)text.len);
    close(fd);
    return path;
}

static inline const char *write_key(fixture *f, const char *name, const char *email,
                                    const char *token_uri)
{
    buf out;
    secret *pem = jwk_private_pem(f->key);
    buf_init(&out, 1 << 16);
    jout w = jout_new(&out, JSON_PRETTY);
    jout_object(&w, NULL);
    jout_str(&w, "type", STR("service_account"));
    jout_str(&w, "project_id", STR("demo"));
    jout_str(&w, "private_key_id", jwk_kid(f->key));
    jout_str(&w, "private_key", secret_str(pem));
    jout_str(&w, "client_email", str_from(email));
    if (token_uri)
        jout_str(&w, "token_uri", str_from(token_uri));
    jout_end(&w);
    const char *path = write_file(f, name, buf_str(&out), 0600);
    secret_free(pem);
    buf_deinit(&out);
    return path;
}

static inline const char *from_env(void *ctx, const char *name)
{
    return map_get(&((fixture *)ctx)->env, str_from(name));
}

static inline void set_env(fixture *f, const char *name, const char *value)
{
    map_set(&f->env, str_from(name), (char *)(uintptr_t)value);
}

// ---- set-up -----------------------------------------------------------------------------------

static jwk *shared_key; // making one takes a while

static inline int make_key(void **state)
{
    (void)state;
    shared_key = jwk_generate(JOSE_RS256, STR("test-key"));
    return 0;
}

static inline int drop_key(void **state)
{
    (void)state;
    jwk_unref(shared_key);
    return 0;
}

static inline int set_up(void **state)
{
    fixture *f = NEW(fixture);
    arena_init(&f->mem);
    f->key = shared_key;
    f->loop = loop_new();
    f->lifetime_s = 3600;
    snprintf(f->dir, sizeof(f->dir), "/tmp/credential-test-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    unsigned port = test_server_start(&f->server, f->loop, answer, f);
    f->up.token_url = arena_printf(&f->mem, "http://127.0.0.1:%u/token", port);
    f->up.iam_url = arena_printf(&f->mem, "http://127.0.0.1:%u", port);
    f->up.metadata = f->up.iam_url;
    f->up.issuer = f->up.iam_url;
    address_account *accounts = arena_array(&f->mem, 2, sizeof(address_account));
    accounts[0] = (address_account){
        STR("tester@demo.iam.gserviceaccount.com"),
        str_from(write_key(f, "tester.json", "tester@demo.iam.gserviceaccount.com",
                           f->up.token_url.ptr))};
    accounts[1] = (address_account){
        STR("stranger@demo.iam.gserviceaccount.com"),
        str_from(write_key(f, "stranger.json", "stranger@demo.iam.gserviceaccount.com",
                           f->up.token_url.ptr))};
    f->up.accounts = accounts;
    f->up.account_count = 2;
    f->options.up = &f->up;
    f->options.run_as = "tester";
    f->options.getenv = from_env;
    f->options.getenv_ctx = f;
    set_env(f, "METADATA_SERVER_DETECTION", "none");
    *state = f;
    return 0;
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline int tear_down(void **state)
{
    fixture *f = *state;
    credential_provider_free(f->provider);
    test_server_stop(&f->server);
    vec_deinit(&f->requests);
    loop_free(f->loop);
    map_deinit(&f->env, NULL);
    nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    arena_deinit(&f->mem);
    free(f);
    return 0;
}

// ---- asking -----------------------------------------------------------------------------------

static inline void on_token(void *ctx, credential_token *t, const err *e)
{
    fixture *f = ctx;
    f->answers++;
    f->e = e ? *e : ERR_INIT;
    f->token = f->via = f->principal = STR_NONE;
    if (!t)
        return;
    f->via = arena_str(&f->mem, t->via);
    f->token = arena_str(&f->mem, credential_token_value(t));
    f->principal = arena_str(&f->mem, t->principal);
    assert_true(str_find(f->via, f->token) < 0);
}

static inline credential_provider *provider(fixture *f)
{
    if (!f->provider)
        f->provider = credential_provider_new(f->loop, &f->options);
    return f->provider;
}

static inline void ask(fixture *f, credential_want w)
{
    int before = f->answers;
    credential_for(provider(f), &w, on_token, f);
    assert_int_equal(f->answers, before); // never inside the call
    uint64_t end = clock_mono_ms() + 15000;
    bool done = false;
    while (f->answers == before && clock_mono_ms() < end)
        loop_run_until(f->loop, &done, 5);
    assert_int_equal(f->answers, before + 1);
}

static const credential_want local_id __attribute__((unused)) = {
    .kind = CREDENTIAL_ID_TOKEN, .audience = {"https://orders.example", 22}, .local = true};

static inline void assert_audience(fixture *f, const char *audience)
{
    jwt t;
    assert_code(jwt_parse(f->token, &f->mem, &t, NULL), OK);
    assert_int_equal(t.audience_count, 1);
    assert_strz(t.audiences[0], audience);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
