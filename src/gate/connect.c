// SPDX-License-Identifier: Apache-2.0
// connect: a gate whose door checks who is on this machine, and which adds an identity where a
// guarded one would ask for it.
#include <stdlib.h>
#include <unistd.h>

#include "gate/call.h"
#include "uri/uri.h"

enum { SERVICE_TIMEOUT_MS = 3600 * 1000 }; // Cloud Run's longest; the service ends calls itself

struct gate_connect {
    loop *loop;
    arena mem;
    gate_connect_options o; // texts in mem
    gate *gate;             // NULL: it was idle
    gate_service service;
    gate_hooks hooks;
    http_pool *pool;
    timer *idle;
    uid_t owner;
    bool user_token, client_token;
    str line; // gate_connect_identity
};

// ---- the door: threat 46 ------------------------------------------------------------------------

static bool check_owner(const gate_connect *k, const gate_call *c, err *e)
{
    uid_t uid = 0;
    bool known = http_exchange_peer_uid(c->x, &uid);
    if (known && uid == k->owner)
        return true;
    if (known)
        (void)err_set(e, GATE_STRANGER, "this port serves user %u, not user %u", (unsigned)k->owner,
                      (unsigned)uid);
    else
        (void)err_set(e, GATE_STRANGER, "it can't be told which user called");
    return false;
}

static bool is_our_authority(const gate_connect *k, const uri_host *host, uint16_t port)
{
    bool ours = str_eq(host->name, STR("127.0.0.1")) || str_eq(host->name, STR("localhost"));
    return ours && (port ? port : 80) == gate_port(k->gate);
}

static bool check_host(const gate_connect *k, const gate_call *c, err *e)
{
    uri_host host;
    uint16_t port = 0;
    if (authority_parse(c->mem, c->req->host, &host, &port, NULL) == OK &&
        is_our_authority(k, &host, port))
        return true;
    (void)err_set(e, GATE_HOST, "the Host field is '" STR_FMT "'", STR_ARG(c->req->host));
    (void)err_hint(e, "call http://127.0.0.1:%u", (unsigned)gate_port(k->gate));
    return false;
}

static bool is_our_origin(const gate_connect *k, arena *a, str text)
{
    uri_origin origin;
    if (origin_parse(a, text, &origin, NULL) || !str_eq(origin.scheme, STR("http")))
        return false;
    const uri_host host = {.name = origin.host};
    return is_our_authority(k, &host, origin.port);
}

// Browsers tell who made a page's request: all of them Origin, where it isn't a plain GET, and the
// newer ones Sec-Fetch-Site on each.
static bool check_site(const gate_connect *k, const gate_call *c, err *e)
{
    const http_headers *h = &c->req->headers;
    str site = http_headers_get(h, STR("sec-fetch-site"));
    str origin = http_headers_get(h, STR("origin"));
    bool known = !site.len || str_eq(site, STR("same-origin")) || str_eq(site, STR("none"));
    if (known && (!origin.len || is_our_origin(k, c->mem, origin)))
        return true;
    (void)err_set(e, GATE_SITE, "a web page of another site called (" STR_FMT ")",
                  STR_ARG(origin.len ? origin : site));
    return false;
}

static bool admit(void *ctx, gate_call *c, err *e)
{
    gate_connect *k = ctx;
    if (k->o.idle_ms)
        timer_start(k->idle, k->o.idle_ms);
    return check_owner(k, c, e) && check_host(k, c, e) && check_site(k, c, e);
}

// ---- the identity -------------------------------------------------------------------------------

static void decide(const gate_connect *k, const fields *f, injection_decision *d)
{
    const injection_request r = {
        .url = k->o.url,
        .tls_insecure = k->o.tls_insecure,
        .identity = k->o.identity,
        .user_token = k->user_token,
        .client_token = k->client_token,
        .authorization = f->authorization,
        .authorization_count = f->authorization_count,
        .serverless = f->serverless,
        .serverless_count = f->serverless_count,
        .local_issuer = k->o.local_issuer,
        .audience = k->o.audience,
    };
    injection_decide(k->o.trust, &r, d);
}

static void on_token(void *ctx, credential_token *token, const err *e)
{
    gate_call *c = ctx;
    c->token = NULL;
    if (e) {
        call_refuse(c, code_http(e->code), e);
        return;
    }
    c->bearer = secret_new(credential_token_bearer(token));
    call_claim(c);
}

static void identify(void *ctx, gate_call *c)
{
    gate_connect *k = ctx;
    injection_decision *d = ARENA_NEW(c->mem, injection_decision);
    decide(k, &c->fields, d);
    if (d->action == INJECTION_REFUSE) {
        call_refuse(c, code_http(d->refusal.code), &d->refusal);
        return;
    }
    if (d->action != INJECTION_INJECT) {
        call_claim(c);
        return;
    }
    c->bearer_header = d->header == INJECTION_SERVERLESS ? STR("X-Serverless-Authorization")
                                                         : STR("Authorization");
    const credential_want want = {.kind = CREDENTIAL_ID_TOKEN,
                                  .audience = str_from(d->audience),
                                  .identity = k->o.identity,
                                  .local = d->local,
                                  .user_token = k->user_token};
    c->token = credential_for(k->o.tokens, &want, on_token, c);
}

// Services send back what they get, and what connect was asked to hide would be in the client's
// log (threat 32).
static str clean(void *ctx, gate_call *c, str value)
{
    gate_connect *k = ctx;
    buf out;
    if (!c->bearer)
        return value;
    buf_init(&out, SIZE_MAX / 2);
    if (credential_redact(k->o.tokens, value, &out))
        value = arena_str(c->mem, buf_str(&out));
    buf_deinit(&out);
    return value;
}

// ---- the backend: the service itself ------------------------------------------------------------

static void claim(void *ctx, gate_claim *claimed)
{
    gate_connect *k = ctx;
    gate_place(claimed, k->pool, STR_NONE, STR_NONE);
}

static void release(void *ctx, gate_claim *claimed)
{
    (void)ctx;
    (void)claimed;
}

// ---- life ---------------------------------------------------------------------------------------

static void on_idle(void *ctx)
{
    gate_connect *k = ctx;
    if (gate_calls(k->gate)) {
        timer_start(k->idle, k->o.idle_ms);
        return;
    }
    gate_free(k->gate);
    k->gate = NULL;
    k->o.on_idle(k->o.ctx);
}

static code check_url(gate_connect *k, uri_url *u, err *e)
{
    if (url_parse(&k->mem, k->o.url, u, e))
        return e->code;
    bool http = str_eq(u->scheme, STR("http")) || str_eq(u->scheme, STR("https"));
    if (!http || u->has_userinfo || !str_eq(u->path, STR("/")) || u->has_query || u->has_fragment) {
        (void)err_set(e, URI_SYNTAX,
                      "'" STR_FMT "' isn't a service's URL: http or https, a host, and no more",
                      STR_ARG(k->o.url));
        return err_hint(e, "name the service here, and the path in your calls");
    }
    buf host;
    buf_init(&host, 512);
    url_format_authority(&host, u);
    k->hooks.host = arena_str(&k->mem, buf_str(&host));
    buf_deinit(&host);
    return OK;
}

static void describe(gate_connect *k, const injection_decision *d, const credential_who *who)
{
    if (d->action != INJECTION_INJECT) {
        k->line = arena_str(&k->mem, str_from(d->report));
        return;
    }
    str name = who->principal.len ? who->principal : who->place;
    const char *source = credential_source_name(who->source);
    if (who->source == CREDENTIAL_OAUTH && who->user)
        k->line = arena_printf(&k->mem,
                               STR_FMT " by %s; whoever has such a token can use it wherever it is "
                                       "taken",
                               STR_ARG(name), source);
    else if (who->user)
        k->line = arena_printf(&k->mem,
                               STR_FMT " by %s; such a token isn't bound to one service: this one "
                                       "could call all others as you. Better: "
                                       "--impersonate-service-account EMAIL",
                               STR_ARG(name), source);
    else
        k->line = arena_printf(&k->mem, STR_FMT " by %s, audience %s", STR_ARG(name), source,
                               d->audience);
}

// What the first call would be told, now.
static code check_identity(gate_connect *k, err *e)
{
    injection_decision d;
    const credential_who *who = NULL;
    bool none = str_eq(k->o.identity, STR("none"));
    decide(k, &(fields){0}, &d);
    if (d.action == INJECTION_INJECT && !none) {
        if (credential_identify(k->o.tokens, k->o.identity, d.local, &who, e))
            return e->code;
        k->user_token = who->user;
        k->client_token = who->source == CREDENTIAL_OAUTH;
        decide(k, &(fields){0}, &d);
    }
    if (d.action == INJECTION_REFUSE) {
        *e = d.refusal;
        return e->code;
    }
    if (d.action == INJECTION_PLAIN && !none) {
        (void)err_set(e, TRUST_MISSING, "%s isn't trusted with an identity", d.trust.origin);
        return err_hint(e, "if it may get one: --trust %s", d.trust.origin);
    }
    describe(k, &d, who);
    return OK;
}

static void open_pool(gate_connect *k, const uri_url *u)
{
    bool https = str_eq(u->scheme, STR("https"));
    http_pool_options o = {.host = arena_cstr(&k->mem, u->host.name),
                           .port = u->port,
                           .tls = https ? k->o.tls : NULL,
                           .response_ms = SERVICE_TIMEOUT_MS,
                           .body_ms = SERVICE_TIMEOUT_MS};
    if (k->o.address) {
        o.host = k->o.address;
        o.port = k->o.address_port;
        o.tls = NULL;
        k->hooks.unreached_hint = "'gatepost up' was stopped, or started again on another port: "
                                  "start it, then gatepost connect again";
    }
    k->pool = http_pool_new(k->loop, &o);
}

static code start(gate_connect *k, err *e)
{
    uri_url u;
    if (check_url(k, &u, e) || check_identity(k, e))
        return e->code;
    open_pool(k, &u);
    k->service = (gate_service){.name = k->hooks.host,
                                .backend = {claim, release, k},
                                .timeout_ms = SERVICE_TIMEOUT_MS,
                                .request_bytes_max = UINT64_MAX};
    const gate_options o = {.listen = {.port = k->o.port}, .service = &k->service};
    if (gate_open(k->loop, &o, &k->hooks, &k->gate, e))
        return e->code;
    k->idle = timer_new(k->loop, on_idle, k);
    if (k->o.idle_ms)
        timer_start(k->idle, k->o.idle_ms);
    return OK;
}

code gate_connect_new(loop *l, const gate_connect_options *o, gate_connect **ret_connect, err *e)
{
    err own = ERR_INIT;
    gate_connect *k = NEW(gate_connect);
    k->loop = l;
    arena_init(&k->mem);
    k->o = *o;
    connect_serve(k, geteuid());
    k->hooks = (gate_hooks){.admit = admit, .identify = identify, .clean = clean, .ctx = k};
    code c = start(k, e ? e : &own);
    if (c == OK)
        *ret_connect = k;
    else
        gate_connect_free(k);
    return c;
}

void connect_serve(gate_connect *k, uid_t owner)
{
    k->owner = owner;
}

uint16_t gate_connect_port(const gate_connect *k)
{
    return k->gate ? gate_port(k->gate) : 0;
}

const char *gate_connect_identity(const gate_connect *k)
{
    return k->line.ptr ? k->line.ptr : "";
}

void gate_connect_free(gate_connect *k)
{
    if (!k)
        return;
    gate_free(k->gate);
    http_pool_free(k->pool);
    timer_free(k->idle);
    arena_deinit(&k->mem);
    free(k);
}
