// SPDX-License-Identifier: Apache-2.0
// engine_direct: plain HTTP/1.1 over the http room's pool. The head is written once, in
// fetch_start, and sent as it is.
#include <errno.h>

#include "fetch/call.h"

enum { HEAD_BYTES_MAX = 4 << 20, SEND_PIECE_BYTES = 64 << 10 };

// ---- the request ------------------------------------------------------------------------------

// At once what a head usually takes: a secret that moves is wiped where it was.
static void reserve_head(buf *head, const fetch_request *req)
{
    size_t bytes = req->method.len + req->url.len + 128; // with Host and framing
    for (size_t i = 0; i < req->header_count; i++)
        bytes += req->headers[i].name.len + req->headers[i].value.len + 4;
    buf_reserve(head, bytes < HEAD_BYTES_MAX ? bytes : 0);
}

static code open_call(fetch_call *call, const fetch_request *req, const uri_url *u, err *e)
{
    direct_exchange *x = &call->direct;
    const fetch_route *r = &call->route;
    buf_init(&x->head, HEAD_BYTES_MAX);
    x->head.secret = true; // it may hold a credential
    reserve_head(&x->head, req);
    code c = fetch_judge_host(call, u->host.name, e);
    if (c)
        return c;
    const char *host = r->address ? r->address : arena_cstr(&call->mem, u->host.name);
    x->origin = origin_get(call, host, r->address ? r->port : u->port);
    x->chunked = req->chunked && req->body_count;
    buf_adds(&x->head, call->method);
    buf_addc(&x->head, ' ');
    buf_adds(&x->head, u->path);
    if (u->has_query) {
        buf_addc(&x->head, '?');
        buf_adds(&x->head, u->query);
    }
    buf_adds(&x->head, STR(" HTTP/1.1\r\n"));
    return OK;
}

static str authority(fetch_call *call, const uri_url *u)
{
    buf text;
    buf_init(&text, 1024);
    url_format_authority(&text, u);
    str kept = arena_str(&call->mem, buf_str(&text));
    buf_deinit(&text);
    return kept;
}

static void add_field(fetch_call *call, str name, str value)
{
    buf *head = &call->direct.head;
    buf_adds(head, name);
    buf_adds(head, value.len ? STR(": ") : STR(":"));
    buf_adds(head, value);
    buf_adds(head, STR("\r\n"));
}

static code end_head(fetch_call *call, const fetch_request *req, err *e)
{
    buf *head = &call->direct.head;
    if (call->direct.chunked) {
        buf_adds(head, STR("Transfer-Encoding: chunked\r\n"));
    } else if (req->body_count) {
        buf_adds(head, STR("Content-Length: "));
        buf_add_u64(head, call->body_len);
        buf_adds(head, STR("\r\n"));
    }
    buf_adds(head, STR("\r\n"));
    return buf_ok(head) ? OK
                        : err_set(e, FETCH_REQUEST, "the headers of the request are over %d MiB",
                                  HEAD_BYTES_MAX >> 20);
}

// ---- failures ---------------------------------------------------------------------------------

// The last word, in an event of the call.
static void end(fetch_call *call)
{
    if (call->direct.http)
        http_call_cancel(call->direct.http);
    call->direct.http = NULL;
    fetch_finish(call);
}

static void fail_malformed(fetch_call *call, const err *e)
{
    const char *name = call->direct.facts.parse_error;
    failure_row row = {0, FETCH_PROTOCOL, name ? name : "HPE_INVALID_HEADER_TOKEN"};
    if (str_eq(str_from(row.name), STR("HPE_HEADER_OVERFLOW")))
        (void)err_set(&call->fail, FETCH_LIMIT, "the response's head is over %d KiB or %d headers",
                      FETCH_HEADER_BYTES_MAX >> 10, FETCH_HEADER_COUNT_MAX);
    else
        fetch_fail(call, &row, e->msg);
}

static void fail_by(fetch_call *call, const err *e)
{
    static const failure_row unresolved = {0, FETCH_RESOLVE, "ENOTFOUND"};
    static const failure_row reset = {0, FETCH_PROTOCOL, "ECONNRESET"};
    static const failure_row pipe = {0, FETCH_PROTOCOL, "EPIPE"};
    const http_call_facts *f = &call->direct.facts;
    switch ((int)e->code) {
    case NET_RESOLVE:
        fetch_fail(call, &unresolved, e->msg);
        break;
    case NET_CONNECT:
        fetch_fail(call, failure_of_connect(f->os_error), e->msg);
        break;
    case SYS_TIMEOUT:
        fetch_fail(call, failure_of_timeout(!f->sent_ns), e->msg);
        break;
    case NET_BROKEN:
        fetch_fail(call, f->os_error == EPIPE ? &pipe : &reset, e->msg);
        break;
    case HTTP_MALFORMED:
        fail_malformed(call, e);
        break;
    default: // the address policy's, or a limit
        call->fail = *e;
    }
}

static void on_late(void *ctx)
{
    fetch_call *call = ctx;
    char text[64];
    snprintf(text, sizeof(text), "no whole answer within %llu ms",
             (unsigned long long)call->timeout_ms);
    fetch_fail(call, failure_of_timeout(!call->direct.facts.sent_ns), text);
    end(call);
}

// ---- the exchange -----------------------------------------------------------------------------

static void send_call(fetch_call *call);

static void on_head(void *ctx, const http_response *res)
{
    fetch_call *call = ctx;
    call->status = res->status;
    call->http_version = res->version_minor ? STR("1.1") : STR("1.0");
    call->reason = arena_str(&call->mem, str_trim(res->reason));
    for (size_t i = 0; i < res->headers.len; i++) // the pool has our limits
        (void)fetch_take_header(call, res->headers.ptr[i].name, res->headers.ptr[i].value);
}

static void on_body(void *ctx, str piece)
{
    fetch_call *call = ctx;
    call->direct.in_body = true;
    bool more = fetch_take_body(call, piece);
    call->direct.in_body = false;
    if (!more)
        end(call);
}

// Goes on where the body's queue was long.
static void on_drain(void *ctx)
{
    fetch_call *call = ctx;
    char piece[SEND_PIECE_BYTES];
    ssize_t n;
    while ((n = fetch_read_body(call, piece, sizeof(piece))) > 0)
        if (!http_call_write(call->direct.http, (str){piece, (size_t)n}))
            return;
    if (n == 0)
        http_call_write_end(call->direct.http);
    else
        end(call);
}

// The server closed a kept connection while the request was on its way. What the pool doesn't
// repeat by itself, because only we can rewind a body, is repeated here: once, and never when a
// byte of a response had come.
static bool crossed_a_close(const fetch_call *call, const err *e)
{
    const direct_exchange *x = &call->direct;
    return e->code == NET_BROKEN && x->facts.reused && !x->facts.first_byte_ns && !x->repeated;
}

static void on_end(void *ctx, const err *e)
{
    fetch_call *call = ctx;
    call->direct.http = NULL;
    if (e && crossed_a_close(call, e)) {
        call->direct.repeated = true;
        send_call(call);
        return;
    }
    if (e && !call->fail.code)
        fail_by(call, e);
    fetch_finish(call);
}

static void send_call(fetch_call *call)
{
    static const http_call_handlers handlers = {
        .on_head = on_head, .on_body = on_body, .on_end = on_end, .on_drain = on_drain};
    direct_exchange *x = &call->direct;
    http_call_options o = {.method = call->method,
                           .head = buf_str(&x->head),
                           .body_bytes = x->chunked ? HTTP_BODY_CHUNKED : (int64_t)call->body_len,
                           .fresh = x->repeated,
                           .facts = &x->facts};
    x->facts = (http_call_facts){0};
    fetch_rewind_body(call);
    x->http = http_call_start(origin_pool(x->origin), &o, &handlers, call);
    if (call->segment_count)
        on_drain(call);
}

static void begin(fetch_call *call)
{
    direct_exchange *x = &call->direct;
    x->started_ns = clock_mono_ns();
    if (call->timeout_ms) {
        x->timer = timer_new(call->client->loop, on_late, call);
        timer_start(x->timer, call->timeout_ms);
    }
    send_call(call);
}

static uint64_t since_us(const fetch_call *call, uint64_t ns)
{
    return ns ? (ns - call->direct.started_ns) / 1000 : 0;
}

static void describe(fetch_call *call, fetch_response *ret)
{
    const direct_exchange *x = &call->direct;
    const http_call_facts *f = &x->facts;
    if (!x->started_ns)
        return;
    ret->header_bytes = f->head_bytes;
    ret->request_bytes = f->request_bytes;
    ret->remote_ip = f->ip;
    ret->remote_port = f->port;
    ret->reused = f->reused;
    ret->timings = (fetch_timings){.dns_us = since_us(call, f->resolved_ns),
                                   .connect_us = since_us(call, f->connected_ns),
                                   .sent_us = since_us(call, f->sent_ns),
                                   .first_byte_us = since_us(call, f->first_byte_ns),
                                   .total_us = since_us(call, clock_mono_ns())};
}

static bool is_held(const fetch_call *call)
{
    return call->direct.in_body;
}

static void release(fetch_call *call)
{
    direct_exchange *x = &call->direct;
    if (x->http)
        http_call_cancel(x->http);
    if (x->origin)
        origin_put(x->origin);
    timer_free(x->timer);
    buf_deinit(&x->head);
}

const engine engine_direct = {
    .open = open_call,
    .authority = authority,
    .add_field = add_field,
    .ready = end_head,
    .begin = begin,
    .describe = describe,
    .is_held = is_held,
    .release = release,
};
