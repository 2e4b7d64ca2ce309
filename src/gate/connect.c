// SPDX-License-Identifier: Apache-2.0
// connect: a gate whose door checks who is on this machine, and which adds an identity where a
// guarded one would ask for it.
#include "gate/connect.h"

#include <stdlib.h>
#include <unistd.h>

enum { SERVICE_TIMEOUT_MS = 3600 * 1000 }; // Cloud Run's longest; the service ends calls itself

static bool admit(void *ctx, gate_call *c, err *e)
{
    gate_connect *k = ctx;
    if (k->o.idle_ms)
        timer_start(k->idle, k->o.idle_ms);
    return connect_admit(k, c, e);
}

static str answer(void *ctx, gate_call *c, str name, str value)
{
    return connect_answer(ctx, c, name, value);
}

// ---- the identity -------------------------------------------------------------------------------

static void decide(const connect_target *t, const fields *f, injection_decision *d)
{
    const gate_connect_options *o = &t->connect->o;
    const injection_request r = {
        .url = t->o->url,
        .tls_insecure = o->tls_insecure,
        .identity = t->o->identity,
        .user_token = t->user_token,
        .client_token = t->client_token,
        .authorization = f->authorization,
        .authorization_count = f->authorization_count,
        .serverless = f->serverless,
        .serverless_count = f->serverless_count,
        .local_issuer = t->o->local_issuer,
        .audience = o->audience,
    };
    injection_decide(o->trust, &r, d);
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
    const connect_target *t = connect_target_of(c);
    injection_decision *d = ARENA_NEW(c->mem, injection_decision);
    decide(t, &c->fields, d);
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
                                  .identity = t->o->identity,
                                  .local = d->local,
                                  .user_token = t->user_token};
    c->token = credential_for(k->o.tokens, &want, on_token, c);
}

// ---- the backend: the service itself ------------------------------------------------------------

static void claim(void *ctx, gate_claim *claimed)
{
    gate_place(claimed, ((connect_target *)ctx)->pool, STR_NONE, STR_NONE);
}

static void release(void *ctx, gate_claim *claimed)
{
    (void)ctx;
    (void)claimed;
}

// ---- opening it ---------------------------------------------------------------------------------

static code check_url(connect_target *t, err *e)
{
    arena *a = &t->connect->mem;
    uri_url *u = &t->url;
    if (url_parse(a, t->o->url, u, e))
        return e->code;
    bool http = str_eq(u->scheme, STR("http")) || str_eq(u->scheme, STR("https"));
    if (!http || u->has_userinfo || !str_eq(u->path, STR("/")) || u->has_query || u->has_fragment) {
        (void)err_set(e, URI_SYNTAX,
                      "'" STR_FMT "' isn't a service's URL: http or https, a host, and no more",
                      STR_ARG(t->o->url));
        return err_hint(e, "name the service here, and the path in your calls");
    }
    buf host;
    buf_init(&host, 512);
    url_format_authority(&host, u);
    t->host = arena_str(a, buf_str(&host));
    buf_deinit(&host);
    return OK;
}

static void describe(connect_target *t, const injection_decision *d, const credential_who *who)
{
    arena *a = &t->connect->mem;
    if (d->action != INJECTION_INJECT) {
        t->line = arena_str(a, str_from(d->report));
        return;
    }
    str name = who->principal.len ? who->principal : who->place;
    const char *source = credential_source_name(who->source);
    if (who->source == CREDENTIAL_OAUTH && who->user)
        t->line = arena_printf(a,
                               STR_FMT " by %s; whoever has such a token can use it wherever it is "
                                       "taken",
                               STR_ARG(name), source);
    else if (who->user)
        t->line = arena_printf(a,
                               STR_FMT " by %s; such a token isn't bound to one service: this one "
                                       "could call all others as you. Better: "
                                       "--impersonate-service-account EMAIL",
                               STR_ARG(name), source);
    else
        t->line =
            arena_printf(a, STR_FMT " by %s, audience %s", STR_ARG(name), source, d->audience);
}

// What the first call would be told, now.
static code check_identity(connect_target *t, err *e)
{
    credential_provider *tokens = t->connect->o.tokens;
    injection_decision d;
    const credential_who *who = NULL;
    bool none = str_eq(t->o->identity, STR("none"));
    decide(t, &(fields){0}, &d);
    if (d.action == INJECTION_INJECT && !none) {
        if (credential_identify(tokens, t->o->identity, d.local, &who, e))
            return e->code;
        t->user_token = who->user;
        t->client_token = who->source == CREDENTIAL_OAUTH;
        decide(t, &(fields){0}, &d);
    }
    if (d.action == INJECTION_REFUSE) {
        *e = d.refusal;
        return e->code;
    }
    if (d.action == INJECTION_PLAIN && !none) {
        (void)err_set(e, TRUST_MISSING, "%s isn't trusted with an identity", d.trust.origin);
        return d.trust.https || d.trust.loopback
                   ? err_hint(e, "if it may get one: --trust %s", d.trust.origin)
                   : err_hint(e, "call it by https: no identity is sent over plain http");
    }
    describe(t, &d, who);
    return OK;
}

static void open_pool(connect_target *t)
{
    gate_connect *k = t->connect;
    bool https = str_eq(t->url.scheme, STR("https"));
    http_pool_options o = {.host = arena_cstr(&k->mem, t->url.host.name),
                           .port = t->url.port,
                           .tls = https ? k->o.tls : NULL,
                           .tls_http2 = https ? k->o.tls_http2 : NULL,
                           .response_ms = SERVICE_TIMEOUT_MS,
                           .body_ms = SERVICE_TIMEOUT_MS};
    if (t->o->address) {
        o.host = t->o->address;
        o.port = t->o->address_port;
        o.tls = o.tls_http2 = NULL;
        t->unreached_hint = "'gatepost up' was stopped, or started again on another port: start "
                            "it, then gatepost connect again";
    }
    t->pool = http_pool_new(k->loop, &o);
}

// It becomes part of a path and of a host name.
static code check_name(const gate_connect *k, size_t i, err *e)
{
    str name = k->o.services[i].name;
    bool valid = name.len > 0 && name.len <= 63;
    for (size_t at = 0; valid && at < name.len; at++)
        valid = name.ptr[at] == '-' || ascii_is_digit(name.ptr[at]) ||
                (name.ptr[at] >= 'a' && name.ptr[at] <= 'z');
    bool taken = false;
    for (size_t other = 0; other < i; other++)
        taken = taken || str_eq(k->o.services[other].name, name);
    if (valid && !taken)
        return OK;
    if (valid)
        (void)err_set(e, GATE_NAME, "two services are called '" STR_FMT "'", STR_ARG(name));
    else
        (void)err_set(e, GATE_NAME,
                      "'" STR_FMT "' can't be a service's name here: up to 63 lower-case letters, "
                      "digits and '-'",
                      STR_ARG(name));
    return err_hint(e, "name it yourself: NAME=URL");
}

static code open_target(gate_connect *k, size_t i, err *e)
{
    connect_target *t = &k->targets[i];
    t->connect = k;
    t->o = &k->o.services[i];
    bool several = k->o.service_count > 1;
    if (several && check_name(k, i, e))
        return e->code;
    t->base = several ? arena_printf(&k->mem, "/" STR_FMT, STR_ARG(t->o->name)).ptr : "";
    if (check_url(t, e) || check_identity(t, e))
        return e->code;
    open_pool(t);
    t->service = (gate_service){.name = t->host,
                                .backend = {claim, release, t},
                                .timeout_ms = SERVICE_TIMEOUT_MS,
                                .request_bytes_max = UINT64_MAX};
    return OK;
}

static code open_targets(gate_connect *k, err *e)
{
    if (!k->o.service_count || k->o.service_count > GATE_CONNECT_SERVICES_MAX)
        return err_set(e, GATE_NAME, "a port serves 1 to %d services, not %zu",
                       (int)GATE_CONNECT_SERVICES_MAX, k->o.service_count);
    k->targets = arena_array(&k->mem, k->o.service_count, sizeof *k->targets);
    for (size_t i = 0; i < k->o.service_count; i++) {
        if (open_target(k, i, e))
            return e->code;
    }
    return OK;
}

// Calls under way keep it open, but for WebSockets that nobody uses.
static void on_idle(void *ctx)
{
    gate_connect *k = ctx;
    if (!tunnels_quiet(k->gate)) {
        timer_start(k->idle, k->o.idle_ms);
        return;
    }
    gate_free(k->gate);
    k->gate = NULL;
    k->o.on_idle(k->o.ctx);
}

static code start(gate_connect *k, err *e)
{
    if (open_targets(k, e))
        return e->code;
    k->door = (gate_service){.name = STR("connect"), .timeout_ms = SERVICE_TIMEOUT_MS};
    const gate_options o = {.listen = {.port = k->o.port}, .service = &k->door};
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
    k->hooks = (gate_hooks){.admit = admit, .identify = identify, .answer = answer, .ctx = k};
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

void gate_connect_adopt(gate_connect *k, stream *s, tls_context *tls)
{
    if (k->gate)
        gate_adopt(k->gate, s, tls);
    else
        stream_free(s);
}

const char *gate_connect_base(const gate_connect *k, size_t service)
{
    return k->targets[service].base;
}

const char *gate_connect_identity(const gate_connect *k, size_t service)
{
    return k->targets[service].line.ptr;
}

void gate_connect_free(gate_connect *k)
{
    if (!k)
        return;
    gate_free(k->gate);
    for (size_t i = 0; k->targets && i < k->o.service_count; i++)
        http_pool_free(k->targets[i].pool);
    timer_free(k->idle);
    arena_deinit(&k->mem);
    free(k);
}
