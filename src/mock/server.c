// SPDX-License-Identifier: Apache-2.0
// The server: who may call, which example, when it is answered.
#include <stdlib.h>

#include "mock/match.h"

enum { ANSWER_BYTES_MAX = 64 << 20 };

typedef struct call call;

struct mock {
    loop *loop;
    mock_options o;
    http_server *server;
};

// One exchange, in its arena; ends with on_done.
struct call {
    mock *m;
    http_exchange *x;
    const http_request *req;
    arena *mem;
    oidc_wait *keys; // of the issuer that guard_check waits for
    timer *delay;
    mock_answer answer;
    bool cors; // the caller is a page of another origin
};

// ---- answers ------------------------------------------------------------------------------------

static void tell(const call *c, int status, str why)
{
    const mock_options *o = &c->m->o;
    const mock_example *e = c->answer.match.example;
    const mock_call told = {
        .peer_ip = http_exchange_peer_ip(c->x),
        .request = c->req,
        .body = c->answer.ask.body,
        .status = status,
        .example = e ? e->name : STR_NONE,
        .request_name = e ? e->request_name : STR_NONE,
        .why = why,
        .duration_ns = clock_mono_ns() - http_exchange_started_mono_ns(c->x),
    };
    if (o->on_call)
        o->on_call(o->ctx, &told);
}

// Pages of any origin may call a mock and read what it says, as Postman's mocks allow them.
static void add_cors(const call *c, http_headers *h)
{
    if (c->cors && !http_headers_has(h, STR("access-control-allow-origin"))) {
        http_headers_add(h, c->mem, STR("Access-Control-Allow-Origin"), STR("*"));
        http_headers_add(h, c->mem, STR("Access-Control-Expose-Headers"), STR("*"));
    }
}

// Refusals have the shape of Postman's: {"error": {"name", "header", "message"}}.
static void refuse(call *c, int status, const char *name, str header, str message)
{
    buf body;
    buf_init(&body, 64 << 10);
    jout w = jout_new(&body, JSON_PRETTY);
    jout_object(&w, NULL);
    jout_object(&w, "error");
    jout_str(&w, "name", str_from(name));
    jout_str(&w, "header", header);
    jout_str(&w, "message", message);
    jout_end(&w);
    jout_end(&w);
    http_headers h = {0};
    http_headers_add(&h, c->mem, STR("Content-Type"), STR("application/json; charset=utf-8"));
    add_cors(c, &h);
    tell(c, status, message);
    http_reply(c->x, status, h.ptr, h.len, buf_str(&body));
    buf_deinit(&body);
}

static void reply(call *c)
{
    const mock_example *e = c->answer.match.example;
    http_headers h = {0};
    buf text;
    buf_init(&text, ANSWER_BYTES_MAX);
    for (size_t i = 0; i < e->answer.len; i++) {
        buf_reset(&text);
        mock_fill(&c->answer, MOCK_TEXT, e->answer.ptr[i].value, &text);
        http_headers_add(&h, c->mem, e->answer.ptr[i].name, arena_str(c->mem, buf_str(&text)));
    }
    add_cors(c, &h);
    buf_reset(&text);
    mock_fill(&c->answer, e->kind, e->body, &text);
    if (buf_ok(&text)) {
        tell(c, e->status, STR_NONE);
        http_reply(c->x, e->status, h.ptr, h.len, buf_str(&text));
    } else {
        refuse(c, 500, "mockAnswerTooLargeError", STR("Answer too large"),
               STR("With its templates filled in the example is larger than 64 MiB."));
    }
    buf_deinit(&text);
}

static void on_delay(void *ctx)
{
    reply(ctx);
}

// In milliseconds, as the call asks (x-mock-response-delay), else as the mock is set.
static uint64_t delay_of(const call *c)
{
    uint64_t ms;
    str asked = http_headers_get(&c->req->headers, STR("x-mock-response-delay"));
    if (!str_to_u64(asked, &ms))
        return c->m->o.delay_ms;
    return ms < MOCK_DELAY_MS_MAX ? ms : MOCK_DELAY_MS_MAX;
}

static void on_body(void *ctx, str body, const err *e)
{
    call *c = ctx;
    const mock *m = c->m;
    mock_ask *q = &c->answer.ask;
    if (e) {
        refuse(c, code_http(e->code), "invalidRequestBodyError", STR("Request body"),
               str_from(e->msg));
        return;
    }
    q->body = body;
    mock_find(m->o.examples, q, c->mem, &c->answer.match);
    if (!c->answer.match.example) {
        refuse(c, 404, "mockRequestNotFoundError", STR("No matching requests"),
               c->answer.match.why);
        return;
    }
    uint64_t ms = delay_of(c);
    if (ms) {
        c->delay = timer_new(m->loop, on_delay, c);
        timer_start(c->delay, ms);
    } else {
        reply(c);
    }
}

// ---- the door -----------------------------------------------------------------------------------

static void look_up(call *c)
{
    const mock_options *o = &c->m->o;
    const http_headers *h = &c->req->headers;
    str match_body = http_headers_get(h, STR("x-mock-match-request-body"));
    str match_headers = http_headers_get(h, STR("x-mock-match-request-headers"));
    mock_ask *q = &c->answer.ask;
    q->match_body = match_body.len ? str_ieq(match_body, STR("true")) : o->match_body;
    q->match_headers = match_headers.len ? match_headers : o->match_headers;
    http_exchange_read_body(c->x, MOCK_REQUEST_BYTES_MAX, on_body, c);
}

static bool has_key(const call *c)
{
    const mock_door *d = c->m->o.door;
    return d->api_key && str_eq_secret(http_headers_get(&c->req->headers, STR("x-api-key")),
                                       secret_str(d->api_key));
}

// All values of a header, in the call's arena.
static const str *values_of(const call *c, str name, size_t *ret_count)
{
    const http_headers *h = &c->req->headers;
    str *values = arena_array(c->mem, h->len, sizeof *values);
    *ret_count = 0;
    for (size_t i = 0; i < h->len; i++)
        if (str_ieq(h->ptr[i].name, name))
            values[(*ret_count)++] = h->ptr[i].value;
    return values;
}

static void refuse_identity(call *c, const guard_verdict *v)
{
    buf page;
    http_headers h = {0};
    buf_init(&page, 64 << 10);
    guard_page(v->status, c->answer.ask.path, &page);
    http_headers_add(&h, c->mem, STR("Content-Type"), STR("text/html; charset=UTF-8"));
    if (v->www_authenticate.len)
        http_headers_add(&h, c->mem, STR("WWW-Authenticate"), v->www_authenticate);
    add_cors(c, &h);
    tell(c, v->status, str_from(v->reason.msg));
    if (v->code == AUDIT_SPOOL || v->code == AUDIT_BUSY)
        http_reply_past_gates(c->x);
    http_reply(c->x, v->status, h.ptr, h.len, buf_str(&page));
    buf_deinit(&page);
}

static void check_identity(void *ctx)
{
    call *c = ctx;
    const mock_door *d = c->m->o.door;
    const audit_call http = {
        .method = c->req->method,
        .url = arena_printf(c->mem, "http://" STR_FMT STR_FMT, STR_ARG(c->req->host),
                            STR_ARG(c->req->target)),
        .remote_ip = str_from(http_exchange_peer_ip(c->x)),
        .user_agent = http_headers_get(&c->req->headers, STR("user-agent")),
    };
    guard_call g = {.http = &http, .now_s = clock_wall_s()};
    g.authorization = values_of(c, STR("authorization"), &g.authorization_count);
    g.serverless = values_of(c, STR("x-serverless-authorization"), &g.serverless_count);
    guard_verdict *v = ARENA_NEW(c->mem, guard_verdict);
    c->keys = NULL;
    if (guard_check(d->guard, d->target, &g, c->mem, v) == GUARD_WAIT)
        c->keys = oidc_wait_keys(d->issuers, v->issuer, check_identity, c);
    else if (v->allowed)
        look_up(c);
    else
        refuse_identity(c, v);
}

static void admit(call *c)
{
    const mock_door *d = c->m->o.door;
    if (!d || has_key(c))
        look_up(c);
    else if (d->guard)
        check_identity(c);
    else
        refuse(c, 401, "AuthenticationError", STR("Invalid API key"),
               STR("This mock is private: each call must bring its key in x-api-key."));
}

// ---- exchanges ----------------------------------------------------------------------------------

static void on_done(void *ctx, const http_outcome *o)
{
    (void)o;
    call *c = ctx;
    if (c->keys)
        oidc_wait_cancel(c->keys);
    timer_free(c->delay);
    vec_deinit(&c->answer.match.captures);
}

// A browser asks first whether a page of another origin may call.
static bool is_preflight(const call *c)
{
    return str_eq(c->req->method, STR("OPTIONS")) &&
           http_headers_has(&c->req->headers, STR("access-control-request-method"));
}

static void reply_preflight(call *c)
{
    const http_headers *asked = &c->req->headers;
    str names = http_headers_get(asked, STR("access-control-request-headers"));
    http_headers h = {0};
    http_headers_add(&h, c->mem, STR("Access-Control-Allow-Origin"), STR("*"));
    http_headers_add(&h, c->mem, STR("Access-Control-Allow-Methods"),
                     http_headers_get(asked, STR("access-control-request-method")));
    if (names.len)
        http_headers_add(&h, c->mem, STR("Access-Control-Allow-Headers"), names);
    http_headers_add(&h, c->mem, STR("Access-Control-Max-Age"), STR("600"));
    tell(c, 204, STR_NONE);
    http_reply(c->x, 204, h.ptr, h.len, STR_NONE);
}

static void on_request(void *ctx, http_exchange *x)
{
    call *c = ARENA_NEW(http_exchange_arena(x), call);
    *c = (call){.m = ctx, .x = x, .req = http_exchange_request(x), .mem = http_exchange_arena(x)};
    c->cors = http_headers_has(&c->req->headers, STR("origin"));
    c->answer = (mock_answer){.mem = c->mem, .scopes = c->m->o.scopes};
    c->answer.ask = (mock_ask){.method = c->req->method, .headers = &c->req->headers};
    str_cut(c->req->target, '?', &c->answer.ask.path, &c->answer.ask.query);
    http_exchange_on_done(x, on_done, c);
    if (is_preflight(c))
        reply_preflight(c);
    else
        admit(c);
}

// ---- life ---------------------------------------------------------------------------------------

code mock_new(loop *l, const mock_options *o, mock **ret_mock, err *e)
{
    mock *m = NEW(mock);
    *m = (mock){.loop = l, .o = *o};
    m->o.listen.on_request = on_request;
    m->o.listen.ctx = m;
    m->o.listen.body_bytes_max = MOCK_REQUEST_BYTES_MAX;
    code c = http_server_new(l, &m->o.listen, &m->server, e);
    if (c)
        free(m);
    else
        *ret_mock = m;
    return c;
}

uint16_t mock_port(const mock *m)
{
    return http_server_port(m->server);
}

void mock_drain(mock *m, uint64_t ms, void (*on_drained)(void *ctx), void *ctx)
{
    http_server_drain(m->server, ms, on_drained, ctx);
}

void mock_free(mock *m)
{
    if (!m)
        return;
    http_server_free(m->server);
    free(m);
}
