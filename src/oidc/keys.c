// SPDX-License-Identifier: Apache-2.0
// Where the keys of an issuer come from and how long they are believed (OpenID Connect Discovery
// 1.0 §4, RFC 7517 §5, RFC 9111 §5.2.2).
#include "data/data.h"
#include "oidc/issuer.h"

enum {
    RETRY_S = 60,  // between two attempts at one issuer
    FRESH_S = 300, // when the answer doesn't say
    FRESH_MIN_S = RETRY_S,
    FRESH_MAX_S = 6 * 60 * 60, // a withdrawn key goes after this, whatever the answer says
    BELIEVED_S = 24 * 60 * 60, // the last good keys, while the issuer is down
    TIMEOUT_MS = 5000,         // for each of the two questions
    DISCOVERY_BYTES_MAX = 64 << 10,
};

// A clock that was set back makes everything old, rather than young for ever.
static bool has_passed(int64_t since_s, int64_t span_s)
{
    int64_t now_s = clock_wall_s();
    return now_s < since_s || now_s - since_s >= span_s;
}

bool keys_fresh(const issuer *i)
{
    return i->keys && (i->in_memory || !has_passed(i->fetched_s, i->fresh_s));
}

bool keys_may_fetch(const issuer *i)
{
    return !i->in_memory && (i->tried_s == NEVER || has_passed(i->tried_s, RETRY_S));
}

void keys_expire(issuer *i)
{
    if (!i->keys || i->in_memory || !has_passed(i->fetched_s, BELIEVED_S))
        return;
    jwk_set_unref(i->keys);
    i->keys = NULL;
    i->generation++;
}

static bool same_keys(const jwk_set *a, const jwk_set *b)
{
    if (!a || jwk_set_len(a) != jwk_set_len(b))
        return false;
    for (size_t n = 0; n < jwk_set_len(a); n++) {
        const jwk *k = jwk_set_at(a, n), *other = jwk_set_find(b, jwk_kid(k));
        if (!other || jwk_alg(k) != jwk_alg(other) ||
            !str_eq(jwk_thumbprint(k), jwk_thumbprint(other)))
            return false;
    }
    return true;
}

// Keys that are the same stay: with them the verification contexts, and what others remember.
void keys_replace(issuer *i, jwk_set *keys)
{
    if (same_keys(i->keys, keys))
        return;
    jwk_set_ref(keys);
    jwk_set_unref(i->keys);
    i->keys = keys;
    i->generation++;
}

// ---- waiting ------------------------------------------------------------------------------------

struct oidc_wait {
    oidc *owner;
    const issuer *issuer;
    task told; // posted once there is something to tell
    void (*on_keys)(void *ctx);
    void *ctx;
    oidc_wait *next, *prev;
};

static void wait_free(oidc_wait *w)
{
    task_cancel(&w->told);
    if (w->next)
        w->next->prev = w->prev;
    *(w->prev ? &w->prev->next : &w->owner->waits) = w->next;
    free(w);
}

static void tell(void *ctx)
{
    oidc_wait *w = ctx;
    void (*on_keys)(void *ctx) = w->on_keys;
    void *their = w->ctx;
    wait_free(w);
    on_keys(their);
}

oidc_wait *oidc_wait_keys(oidc *o, str iss, void (*on_keys)(void *ctx), void *ctx)
{
    issuer *i = issuer_find(o, iss);
    oidc_wait *w = NEW(oidc_wait);
    *w = (oidc_wait){.owner = o, .issuer = i, .on_keys = on_keys, .ctx = ctx, .next = o->waits};
    w->told = (task){.run = tell, .ctx = w};
    if (w->next)
        w->next->prev = w;
    o->waits = w;
    if (i && !keys_fresh(i) && keys_may_fetch(i))
        keys_fetch(i);
    if (!i || !i->fetching.active)
        task_post(o->loop, &w->told);
    return w;
}

void oidc_wait_cancel(oidc_wait *w)
{
    wait_free(w);
}

void keys_forget_waits(oidc *o)
{
    while (o->waits)
        wait_free(o->waits);
}

// ---- fetching -----------------------------------------------------------------------------------

static void get(issuer *i, str url, size_t bytes_max,
                void (*on_done)(void *ctx, const fetch_response *res, const err *e))
{
    static const fetch_header headers[] = {{STR("Accept"), STR("application/json")},
                                           {STR("User-Agent"), STR("gatepost")}};
    fetch_request req = {
        .url = url,
        .headers = headers,
        .header_count = ARRAY_LEN(headers),
        .timeout_ms = TIMEOUT_MS,
        .body_bytes_max = bytes_max,
        .proxy.from_env = !i->is_local,
        .on_done = on_done,
        .ctx = i,
    };
    i->call = fetch_start(i->is_local ? i->owner->local : i->owner->remote, &req);
}

// What is said of every answer, good ones aside.
static code check_answer(str url, const fetch_response *res, const err *failure, err *e)
{
    if (failure) {
        *e = *failure;
        return err_wrap(e, STR_FMT, STR_ARG(url));
    }
    if (res->status == 200)
        return OK;
    (void)err_set(e, OIDC_KEYS, STR_FMT " answered %d", STR_ARG(url), res->status);
    if (res->status >= 300 && res->status < 400)
        return err_hint(e, "redirects aren't followed: configure the address where the keys are");
    return OIDC_KEYS;
}

static str discovery_url(issuer *i)
{
    if (i->is.discovery_url.len)
        return i->is.discovery_url;
    str base = i->is.issuer;
    if (str_ends(base, STR("/")))
        base.len--;
    return arena_printf(&i->mem, STR_FMT "/.well-known/openid-configuration", STR_ARG(base));
}

// The document must name the issuer that it was asked for (§4.3): else one provider could hand out
// another one's keys. Its address for the keys is judged as a configured one is.
static code read_discovery(issuer *i, str body, err *e)
{
    static const json_opts limits = {.bytes_max = DISCOVERY_BYTES_MAX, .values_max = 4096};
    json *root = NULL;
    str named = STR_NONE;
    uri_url u;
    code c = json_parse(&i->mem, body, &limits, &root, e);
    if (c == OK)
        c = json_get_str(root, "issuer", &named, e);
    if (c == OK && !str_eq(named, i->is.issuer)) {
        (void)err_set(e, OIDC_KEYS, "it names another issuer: \"%.*s\"",
                      named.len < 256 ? (int)named.len : 256, named.ptr);
        c = err_hint(e, "configure the issuer exactly as it names itself, or the address of its "
                        "keys");
    }
    if (c == OK)
        c = json_get_str(root, "jwks_uri", &i->keys_url, e);
    if (c == OK)
        c = issuer_check_url(i->owner, i->keys_url, &i->mem, &u, e);
    return c;
}

static void on_discovery(void *ctx, const fetch_response *res, const err *failure)
{
    issuer *i = ctx;
    err e = ERR_INIT;
    i->call = NULL;
    code c = check_answer(discovery_url(i), res, failure, &e);
    if (c == OK && (c = read_discovery(i, res->body, &e)))
        (void)err_wrap(&e, STR_FMT, STR_ARG(discovery_url(i)));
    if (c)
        flow_fail(&i->fetching, &e);
    else
        flow_resume(&i->fetching);
}

static flow_next ask_discovery(void *ctx, err *e)
{
    (void)e;
    issuer *i = ctx;
    i->keys_url = i->is.jwks_url;
    if (i->keys_url.len)
        return FLOW_MORE;
    get(i, discovery_url(i), DISCOVERY_BYTES_MAX, on_discovery);
    return FLOW_WAIT;
}

// Cache-Control's max-age less Age, within our bounds.
static int64_t freshness_s(const fetch_response *res)
{
    str rest = fetch_response_header(res, STR("Cache-Control")), part;
    uint64_t age = 0, max_age;
    int64_t fresh_s = FRESH_S;
    (void)str_to_u64(fetch_response_header(res, STR("Age")), &age);
    while (str_next(&rest, ',', &part)) {
        part = str_trim(part);
        if (str_ieq(part, STR("no-store")) || str_ieq(part, STR("no-cache")))
            return FRESH_MIN_S;
        if (str_istarts(part, STR("max-age=")) && str_to_u64(str_skip(part, 8), &max_age))
            fresh_s = max_age < age               ? 0
                      : max_age - age > INT32_MAX ? INT32_MAX
                                                  : (int64_t)(max_age - age);
    }
    return fresh_s < FRESH_MIN_S ? FRESH_MIN_S : fresh_s > FRESH_MAX_S ? FRESH_MAX_S : fresh_s;
}

static void on_keys(void *ctx, const fetch_response *res, const err *failure)
{
    issuer *i = ctx;
    err e = ERR_INIT;
    jwk_set *keys = NULL;
    i->call = NULL;
    code c = check_answer(i->keys_url, res, failure, &e);
    if (c == OK && (c = jwk_set_from_text(res->body, &keys, &e)))
        (void)err_wrap(&e, STR_FMT, STR_ARG(i->keys_url));
    if (c) {
        flow_fail(&i->fetching, &e);
        return;
    }
    keys_replace(i, keys);
    jwk_set_unref(keys);
    i->fetched_s = clock_wall_s();
    i->fresh_s = freshness_s(res);
    flow_resume(&i->fetching);
}

static flow_next ask_keys(void *ctx, err *e)
{
    (void)e;
    issuer *i = ctx;
    get(i, i->keys_url, JWK_SET_BYTES_MAX, on_keys);
    return FLOW_WAIT;
}

// The hints of these are for services and the options of a run.
static bool is_unreachable(code c)
{
    return c == FETCH_RESOLVE || c == FETCH_CONNECT || c == FETCH_TLS;
}

static void on_finish(void *ctx, const err *e)
{
    issuer *i = ctx;
    if (i->call)
        fetch_cancel(i->call);
    i->call = NULL;
    i->failure = ERR_INIT;
    if (e) {
        (void)err_set(&i->failure, OIDC_KEYS, "the keys of " STR_FMT " can't be fetched: %s",
                      STR_ARG(i->is.issuer), e->msg);
        if (!is_unreachable(e->code))
            (void)err_hint(&i->failure, "%s", e->hint);
        if (!i->owner->options.quiet)
            log_warning("oidc", "%s [%s]%s", i->failure.msg, code_id(e->code),
                        i->keys ? "; the last good ones serve on" : "");
    }
    arena_reset(&i->mem);
    for (oidc_wait *w = i->owner->waits; w; w = w->next)
        if (w->issuer == i)
            task_post(i->owner->loop, &w->told);
}

void keys_fetch(issuer *i)
{
    static const flow_step steps[] = {ask_discovery, ask_keys, NULL};
    if (i->fetching.active)
        return;
    i->tried_s = clock_wall_s();
    flow_start(&i->fetching, i->owner->loop, steps, 2 * TIMEOUT_MS, on_finish, i);
}

void keys_stop(issuer *i)
{
    flow_cancel(&i->fetching);
    if (i->call)
        fetch_cancel(i->call);
    i->call = NULL;
}
