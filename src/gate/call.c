// SPDX-License-Identifier: Apache-2.0
#include "gate/call.h"

#include <stdlib.h>
#include <string.h>

#include "uri/uri.h"

// ---- who the call is, for trail and log ---------------------------------------------------------

// Cloud Run's front end speaks https only; on this machine it is the port that was called.
static bool is_local_name(arena *a, str authority)
{
    uri_host h;
    uint16_t port;
    return authority_parse(a, authority, &h, &port, NULL) == OK && host_is_loopback(&h);
}

static str url_of(const gate_call *c)
{
    str host = c->req->host, target = c->target;
    bool plain = is_local_name(c->mem, host) && !http_exchange_is_tls(c->x);
    str scheme = plain ? STR("http://") : STR("https://");
    char *to = arena_alloc(c->mem, scheme.len + host.len + target.len);
    memcpy(to, scheme.ptr, scheme.len);
    memcpy(to + scheme.len, host.ptr, host.len);
    memcpy(to + scheme.len + host.len, target.ptr, target.len);
    return (str){to, scheme.len + host.len + target.len};
}

static str protocol_of(const http_request *req)
{
    if (req->version_major == 2)
        return STR("HTTP/2");
    return req->version_minor ? STR("HTTP/1.1") : STR("HTTP/1.0");
}

static void describe(gate_call *c)
{
    c->http = (audit_call){
        .method = c->req->method,
        .url = url_of(c),
        .protocol = protocol_of(c->req),
        .user_agent = c->fields.user_agent,
        .referer = c->fields.referer,
        .remote_ip = arena_str(c->mem, str_from(http_exchange_peer_ip(c->x))),
        .server_ip = c->gate->server_ip,
        .trace = trace_id(&c->trace),
        .span = trace_span(&c->trace),
        .sampled = c->trace.sampled,
    };
}

// The one reading of the target (threats 5, 6, 9). Where nothing is judged it passes as it came.
static code read_target(gate_call *c, err *e)
{
    c->target = c->path = c->req->target;
    if (!c->service->target)
        return OK;
    str path, query;
    bool has_query = str_cut(c->req->target, '?', &path, &query);
    c->path = path;
    if (path_canonical(c->mem, path, 0, &c->path, e))
        return e->code;
    if (!has_query)
        c->target = c->path;
    else if (!str_eq(path, c->path))
        c->target = arena_printf(c->mem, STR_FMT "?" STR_FMT, STR_ARG(c->path), STR_ARG(query));
    return OK;
}

// ---- judged -------------------------------------------------------------------------------------

static void judge(gate_call *c);

static void on_keys(void *ctx)
{
    gate_call *c = ctx;
    c->keys = NULL;
    judge(c);
}

static void refuse_by(gate_call *c)
{
    const guard_verdict *v = c->verdict;
    c->unlogged = !v->audit_id[0]; // the spool takes nothing
    call_refuse(c, v->status, &v->reason);
}

static void judge(gate_call *c)
{
    const cel_activation attributes = attributes_of(c);
    const guard_call call = {
        .authorization = c->fields.authorization,
        .authorization_count = c->fields.authorization_count,
        .serverless = c->fields.serverless,
        .serverless_count = c->fields.serverless_count,
        .http = &c->http,
        .now_s = clock_wall_s(),
        .attributes = &attributes,
    };
    guard_verdict *v = arena_alloc(c->mem, sizeof *v);
    if (guard_check(c->gate->o.guard, c->service->target, &call, c->mem, v) == GUARD_WAIT) {
        c->keys = oidc_wait_keys(c->gate->o.issuers, v->issuer, on_keys, c);
        return;
    }
    c->verdict = v;
    if (v->allowed)
        call_claim(c);
    else
        refuse_by(c);
}

// ---- a place ------------------------------------------------------------------------------------

bool call_takes_body(gate_call *c, uint64_t bytes)
{
    uint64_t max = c->service->request_bytes_max;
    if (!max)
        max = GATE_REQUEST_BYTES_MAX;
    if (bytes <= max)
        return true;
    err e = ERR_INIT;
    (void)err_set(&e, SYS_LIMIT, "the body is larger than the %llu bytes that are let through",
                  (unsigned long long)max);
    call_refuse(c, code_http(SYS_LIMIT), &e);
    return false;
}

void call_claim(gate_call *c)
{
    int64_t told = c->req->body_bytes;
    if (told > 0 && !call_takes_body(c, (uint64_t)told))
        return;
    c->claimed = true;
    c->service->backend.claim(c->service->backend.ctx, &c->claim);
}

static gate_call *call_of(gate_claim *claim)
{
    return (gate_call *)claim; // its first member
}

void gate_place(gate_claim *claim, http_pool *pool, str instance_id, str revision)
{
    gate_call *c = call_of(claim);
    c->placed = true;
    c->pool = pool;
    c->instance_id = arena_str(c->mem, instance_id);
    c->revision = arena_str(c->mem, revision);
    forward_start(c);
}

void gate_refuse(gate_claim *claim, int status, const err *why)
{
    gate_call *c = call_of(claim);
    c->claimed = false;
    call_refuse(c, status, why);
}

// ---- life ---------------------------------------------------------------------------------------

void call_release(gate_call *c)
{
    if (!c->claimed)
        return;
    c->claimed = false;
    c->service->backend.release(c->service->backend.ctx, &c->claim);
}

// What held the call: the trail, whose failure holds every answer, or the service.
static int why_late(const gate_call *c, err *e)
{
    if (c->gate->o.spool && audit_spool_check(c->gate->o.spool, e))
        return code_http(e->code);
    (void)err_set(e, SYS_TIMEOUT, "the call reached the service's time limit%s",
                  c->placed ? "" : " while it waited for an instance");
    return 504;
}

static void stop_waiting(gate_call *c)
{
    if (c->keys)
        oidc_wait_cancel(c->keys);
    if (c->token)
        credential_cancel(c->token);
    c->keys = NULL;
    c->token = NULL;
}

void call_late(gate_call *c)
{
    if (c->tunnel) {
        tunnel_cut(c->tunnel);
        return;
    }
    if (c->answered)
        return;
    stop_waiting(c);
    if (c->left) {
        http_reply_abort(c->x);
        return;
    }
    err e = ERR_INIT;
    int status = why_late(c, &e);
    call_refuse(c, status, &e);
}

// Most clients that send no more are gone, and their calls would hold places for nothing.
static void on_eof(void *ctx)
{
    gate_call *c = ctx;
    uint64_t ms = c->gate->o.leave_ms ? c->gate->o.leave_ms : GATE_LEAVE_MS;
    uint64_t until = loop_now_ms(c->gate->loop) + ms;
    if (c->answered || until >= c->deadline_ms)
        return;
    c->left = true;
    deadline_remove(c);
    c->deadline_ms = until;
    deadline_add(c);
}

// The exchange is over: complete, or because the client left.
static void on_done(void *ctx, const http_outcome *o)
{
    gate_call *c = ctx;
    stop_waiting(c);
    if (c->tunnel) {
        tunnel_keep(c, o);
        return;
    }
    if (c->up)
        http_call_cancel(c->up);
    call_finish(c, o);
}

void call_finish(gate_call *c, const http_outcome *o)
{
    call_release(c);
    deadline_remove(c);
    call_log(c, o);
    secret_free(c->bearer);
    c->gate->calls--;
    free(c);
}

static void start(gate_call *c)
{
    err e = ERR_INIT;
    const gate_hooks *hooks = c->gate->hooks;
    if (c->service->closed) {
        c->unlogged = true;
        (void)err_set(&e, GATE_CLOSED, "%s", c->service->closed);
        call_refuse(c, code_http(GATE_CLOSED), &e);
        return;
    }
    bool clear = read_target(c, &e) == OK;
    if (!hooks)
        describe(c);
    if (!clear || (hooks && !hooks->admit(hooks->ctx, c, &e)))
        call_refuse(c, code_http(e.code), &e);
    else if (hooks)
        hooks->identify(hooks->ctx, c);
    else
        judge(c);
}

void call_begin(gate *g, http_exchange *x)
{
    gate_call *c = NEW(gate_call);
    c->gate = g;
    c->service = g->o.service;
    c->x = x;
    c->req = c->claim.request = http_exchange_request(x);
    c->mem = http_exchange_arena(x);
    uint64_t ms = c->service->timeout_ms ? c->service->timeout_ms : GATE_TIMEOUT_MS;
    c->deadline_ms = loop_now_ms(g->loop) + ms;
    g->calls++;
    http_exchange_on_done(x, on_done, c);
    http_exchange_on_eof(x, on_eof, c);
    deadline_add(c);
    fields_read(c->req, c->mem, &c->fields);
    trace_begin(&c->trace, c->fields.traceparent, c->fields.cloud_trace);
    start(c);
}
