// SPDX-License-Identifier: Apache-2.0
// For the tests of this room: an issuer on the test's own loop, whose document, keys and manners
// the test decides, and tokens with real signatures.
#pragma once

#include "data/data.h"
#include "net/net_test_server.h"
#include "oidc/oidc.h"

#define AUDIENCE STR("https://orders.example")

typedef struct fixture fixture;
struct fixture {
    arena mem;
    loop *loop;
    test_server server;
    str origin;    // "http://127.0.0.1:PORT": also the issuer's name
    jwk_set *keys; // what it publishes
    int status;    // of its answers, 0: 200
    bool silent;   // never answers
    str named;     // "issuer" in its document; empty: its name
    str jwks_uri;  // in its document; empty: its own
    str headers;   // of the keys: "Cache-Control: max-age=60\r\n"
    str body;      // in place of the keys
    unsigned discoveries, fetches;
    // the verifier
    oidc_options options;
    oidc *o;
    // the last verification
    oidc_identity who;
    err e;
    unsigned told; // waits that ended
    bool enough;   // told reached…
    unsigned wanted;
    // the last command
    bool done;
    code result;
    str report;
};

static jwk *key_a, *key_b; // making keys takes a while

static inline void answer(void *ctx, str request, buf *out)
{
    fixture *f = ctx;
    bool discovery = str_starts(request, STR("GET /.well-known/openid-configuration "));
    buf body;
    buf_init(&body, 1 << 21);
    *(discovery ? &f->discoveries : &f->fetches) += 1;
    if (f->silent)
        return;
    if (!discovery && f->body.len) {
        buf_adds(&body, f->body);
    } else if (!discovery) {
        jwk_set_write_json(f->keys, &body);
    } else {
        jout w = jout_new(&body, JSON_COMPACT);
        jout_object(&w, NULL);
        jout_str(&w, "issuer", f->named.len ? f->named : f->origin);
        jout_str(&w, "jwks_uri",
                 f->jwks_uri.len ? f->jwks_uri
                                 : arena_printf(&f->mem, STR_FMT "/keys", STR_ARG(f->origin)));
        jout_end(&w);
    }
    buf_addf(out, "HTTP/1.1 %d X\r\nLocation: /elsewhere\r\nContent-Length: %zu\r\n" STR_FMT "\r\n",
             f->status ? f->status : 200, body.len, STR_ARG(f->headers));
    buf_adds(out, buf_str(&body));
    buf_deinit(&body);
}

static inline void publish(fixture *f, jwk *k)
{
    jwk_set_unref(f->keys);
    f->keys = jwk_set_new();
    jwk_set_add(f->keys, k);
}

static inline int set_up(void **state)
{
    fixture *f = NEW(fixture);
    arena_init(&f->mem);
    f->loop = loop_new();
    unsigned port = test_server_start(&f->server, f->loop, answer, f);
    f->origin = arena_printf(&f->mem, "http://127.0.0.1:%u", port);
    f->options.loopback = true;
    publish(f, key_a);
    *state = f;
    return 0;
}

static inline int tear_down(void **state)
{
    fixture *f = *state;
    oidc_free(f->o);
    test_server_stop(&f->server);
    loop_free(f->loop);
    jwk_set_unref(f->keys);
    arena_deinit(&f->mem);
    free(f);
    return 0;
}

static inline int make_keys(void **state)
{
    (void)state;
    key_a = jwk_generate(JOSE_RS256, STR("a"));
    key_b = jwk_generate(JOSE_ES256, STR("b"));
    return 0;
}

static inline int drop_keys(void **state)
{
    (void)state;
    jwk_unref(key_a);
    jwk_unref(key_b);
    return 0;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

// ---- tokens -------------------------------------------------------------------------------------

static inline str sign(fixture *f, jwk *k, const char *typ, str claims)
{
    buf out;
    buf_init(&out, 64 << 10);
    assert_code(jwt_sign(k, claims, str_from(typ), &out, NULL), OK);
    str s = arena_str(&f->mem, buf_str(&out));
    buf_deinit(&out);
    return s;
}

// A good token of the issuer, for three days.
static inline str token_of(fixture *f, jwk *k)
{
    return sign(f, k, "JWT",
                arena_printf(&f->mem,
                             "{\"iss\":\"" STR_FMT "\",\"aud\":\"https://orders.example\","
                             "\"sub\":\"7\",\"email\":\"jane@example.com\","
                             "\"email_verified\":true,\"iat\":%lld,\"exp\":%lld}",
                             STR_ARG(f->origin), (long long)clock_wall_s(),
                             (long long)clock_wall_s() + 3 * 86400));
}

// ---- verifying ----------------------------------------------------------------------------------

static inline oidc *verifier(fixture *f)
{
    static const str domains[] = {{"example.com", 11}};
    if (f->o)
        return f->o;
    f->o = oidc_new(f->loop, &f->options);
    const oidc_issuer i = {
        .issuer = f->origin, .kind = OIDC_OTHER, .domains = domains, .domain_count = 1};
    if (oidc_add(f->o, &i, &f->e))
        fail_msg("%s", f->e.msg);
    return f->o;
}

static inline void on_told(void *ctx)
{
    fixture *f = ctx;
    f->enough = ++f->told >= f->wanted;
}

// Waits until that many waits have ended.
static inline void run_until_told(fixture *f, unsigned count)
{
    f->wanted = count;
    f->enough = f->told >= count;
    assert_true(loop_run_until(f->loop, &f->enough, TEST_WAIT_MS));
}

static inline oidc_state try_verify(fixture *f, str token, code *ret)
{
    str audience = AUDIENCE;
    *ret = OK;
    const oidc_query q = {
        .token = token, .audiences = &audience, .audience_count = 1, .now_s = clock_wall_s()};
    return oidc_verify(verifier(f), &q, &f->mem, &f->who, ret, &f->e);
}

// To the end, through one wait if need be.
static inline code verify(fixture *f, str token)
{
    code c;
    if (try_verify(f, token, &c) == OIDC_DONE)
        return c;
    unsigned before = f->told;
    oidc_wait_keys(f->o, f->who.token.issuer, on_told, f);
    assert_int_equal(f->told, before); // never inside the call
    run_until_told(f, before + 1);
    assert_int_equal(try_verify(f, token, &c), OIDC_DONE); // one wait is enough
    assert_int_equal(f->e.code, c);
    return c;
}
