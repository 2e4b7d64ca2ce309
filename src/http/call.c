// SPDX-License-Identifier: Apache-2.0
#include "http/h2_upstream.h"
#include "http/message.h"

enum { INTERIM_MAX = 16 };

// ---- the end ------------------------------------------------------------------------------------

void call_end(http_call *c, const err *e)
{
    task_cancel(&c->soon);
    if (c->h.on_end)
        c->h.on_end(c->ctx, e);
    buf_deinit(&c->unsent);
    free(c);
}

void call_drained(http_call *c)
{
    if (!c->wants_drain)
        return;
    c->wants_drain = false;
    if (c->h.on_drain)
        c->h.on_drain(c->ctx);
}

// The lane goes first: on_end may free the pool, or start another call.
static bool fail(lane *via, const err *e)
{
    http_call *c = via->call;
    http_pool *p = via->pool;
    lane_drop(via);
    pool_next(p);
    call_end(c, e);
    return false;
}

static bool fail_with(lane *via, enum code reason, const char *why)
{
    err e = ERR_INIT;
    err_set(&e, reason, "%s port %u: %s", via->pool->host, (unsigned)via->pool->o.port, why);
    return fail(via, &e);
}

static void on_soon(void *ctx)
{
    http_call *c = ctx;
    if (!c->fail_code) {
        call_drained(c);
        return;
    }
    err e = ERR_INIT;
    err_set(&e, c->fail_code, "%s", c->fail_why);
    pool_unqueue(c);
    if (c->h2)
        h2_call_leave(c);
    if (c->lane)
        fail(c->lane, &e);
    else
        call_end(c, &e);
}

static void fail_soon(http_call *c, enum code reason, const char *why)
{
    c->fail_code = reason;
    c->fail_why = why;
    task_post(c->pool->loop, &c->soon);
}

// RFC 9110 §9.2.2
static bool is_idempotent(str method)
{
    static const str methods[] = {{"GET", 3},   {"HEAD", 4}, {"OPTIONS", 7},
                                  {"TRACE", 5}, {"PUT", 3},  {"DELETE", 6}};
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (str_eq(method, methods[i]))
            return true;
    }
    return false;
}

// A server may close a kept connection at any time; then the call crossed the close on its way. It
// is repeated on a new connection, which is no kept one: once.
static bool may_repeat(const lane *via)
{
    const http_call *c = via->call;
    return via->kept && !via->answered && !c->o.body_bytes && is_idempotent(c->o.method);
}

void call_broken(lane *via, const err *e)
{
    http_call *c = via->call;
    if (may_repeat(via) && (!e || e->code == NET_BROKEN)) {
        http_pool *p = via->pool;
        c->lane = NULL;
        lane_drop(via);
        pool_assign(p, c, true);
    } else if (e) {
        fail(via, e);
    } else {
        fail_with(via, NET_BROKEN,
                  via->answered ? "the server closed the connection in the middle of its response"
                                : "the server closed the connection without an answer");
    }
}

// ---- the request --------------------------------------------------------------------------------

// Fields of the connection, not of the message (RFC 9110 §7.6.1); Expect is the pool's, too: it
// doesn't wait for a 100.
static bool is_ours(str name)
{
    static const str names[] = {{"upgrade", 7}, {"keep-alive", 10},       {"te", 2},
                                {"expect", 6},  {"proxy-connection", 16}, {"trailer", 7}};
    if (field_is_framing(name))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (name.len == names[i].len && str_ieq(name, names[i]))
            return true;
    }
    return false;
}

static bool announces_empty_body(str method)
{
    return str_eq(method, STR("POST")) || str_eq(method, STR("PUT")) ||
           str_eq(method, STR("PATCH"));
}

static void add_framing(buf *head, const http_call_options *o)
{
    if (o->body_bytes == HTTP_BODY_CHUNKED) {
        buf_adds(head, STR("Transfer-Encoding: chunked\r\n"));
    } else if (o->body_bytes > 0 || announces_empty_body(o->method)) {
        buf_adds(head, STR("Content-Length: "));
        buf_add_u64(head, (uint64_t)o->body_bytes);
        buf_adds(head, STR("\r\n"));
    }
    if (o->upgrade.len) {
        buf_adds(head, STR("Connection: Upgrade\r\n"));
        add_field(head, STR("Upgrade"), o->upgrade);
    }
}

static void add_head(buf *head, const http_call_options *o)
{
    buf_reset(head);
    buf_adds(head, o->method);
    buf_addc(head, ' ');
    buf_adds(head, o->target);
    buf_adds(head, STR(" HTTP/1.1\r\n"));
    for (size_t i = 0; o->headers && i < o->headers->len; i++) {
        if (!is_ours(o->headers->ptr[i].name))
            add_field(head, o->headers->ptr[i].name, o->headers->ptr[i].value);
    }
    add_framing(head, o);
    buf_adds(head, STR("\r\n"));
}

// False: the call fails soon.
bool call_sendable(http_call *c)
{
    if (http_name_valid(c->o.method) && target_is_clean(c->o.target))
        return true;
    fail_soon(c, HTTP_UNSENDABLE, "the request's method or target isn't one");
    return false;
}

// False: the call fails soon.
static bool make_head(http_call *c, str *ret_head)
{
    buf *head = &c->pool->head;
    if (!call_sendable(c))
        return false;
    add_head(head, &c->o);
    if (!buf_ok(head)) {
        fail_soon(c, SYS_LIMIT, "the request's head is too large");
        return false;
    }
    *ret_head = buf_str(head);
    return true;
}

static void note_sent(const lane *via, size_t head_bytes)
{
    http_call_facts *f = via->call->o.facts;
    f->sent_ns = clock_mono_ns();
    f->request_bytes += head_bytes;
    f->reused = via->kept;
    f->resolved_ns = via->kept ? 0 : stream_resolved_ns(via->stream);
    f->connected_ns = via->kept ? 0 : stream_connected_ns(via->stream);
    snprintf(f->ip, sizeof(f->ip), "%s", stream_peer_ip(via->stream));
    f->port = stream_peer_port(via->stream);
}

static void restart_parser(lane *via)
{
    parser_restart(&via->parser);
    via->parser.no_body = str_eq(via->call->o.method, STR("HEAD"));
}

void call_send(lane *via)
{
    http_call *c = via->call;
    http_pool *p = via->pool;
    if (!via->open)
        return;
    str head = c->o.head;
    if (!head.len && !make_head(c, &head))
        return;
    restart_parser(via);
    via->answered = false;
    c->sent = true;
    if (c->o.facts)
        note_sent(via, head.len);
    stream_write_secret(via->stream, head);
    bool more = stream_write(via->stream, buf_str(&c->unsent));
    buf_deinit(&c->unsent);
    deadline_set(&via->by, p->o.response_ms);
    lane_set_reading(via, !c->paused);
    if (more && c->wants_drain)
        task_post(p->loop, &c->soon);
}

// ---- the response -------------------------------------------------------------------------------

static bool hand_over(lane *via)
{
    http_call *c = via->call;
    http_pool *p = via->pool;
    if (!c->o.upgrade.len || !c->h.on_upgrade)
        return fail_with(via, HTTP_MALFORMED, "the server switches protocols without being asked");
    stream *s = via->stream;
    str early = via->in.rest;
    via->stream = NULL;
    via->call = NULL;
    stream_pause(s);
    stream_handle(s, &(stream_handlers){0}, NULL);
    task_cancel(&c->soon);
    c->h.on_upgrade(c->ctx, &c->res, s, early);
    buf_deinit(&c->unsent);
    free(c);
    if (!via->gone) {
        lane_drop(via);
        pool_next(p);
    }
    return false;
}

static bool read_head(lane *via)
{
    http_call *c = via->call;
    head_read_response(&via->parser, &c->res);
    if (c->o.facts)
        c->o.facts->head_bytes += via->parser.head_bytes;
    if (c->res.status == 101)
        return hand_over(via);
    if (c->res.status < 200) {
        if (++c->interim > INTERIM_MAX)
            return fail_with(via, HTTP_MALFORMED, "the server sends too many interim responses");
        restart_parser(via);
        return true;
    }
    c->head_told = true;
    deadline_set(&via->by, via->pool->o.body_ms);
    if (c->h.on_head)
        c->h.on_head(c->ctx, &c->res);
    return true;
}

static bool read_end(lane *via)
{
    http_call *c = via->call;
    bool keep = via->parser.keep_alive && c->body_ended && !via->in.rest.len && !via->eof;
    lane_done(via, keep);
    call_end(c, NULL);
    return false;
}

bool call_step(lane *via)
{
    http_call *c = via->call;
    if (c->paused)
        return false;
    bool before_head = via->parser.phase == PARSING_HEAD;
    if (before_head && !via->parser.head_bytes)
        arena_reset(&via->arena); // not earlier: the last call's on_end may still read its head
    parse_event event = parser_next(&via->parser, &via->in.rest);
    if (event == PARSE_MORE && via->eof) {
        if (before_head || parser_finish(&via->parser) != PARSE_END) {
            call_broken(via, NULL);
            return false;
        }
        event = PARSE_END;
    }
    switch (event) {
    case PARSE_MORE:
        return false;
    case PARSE_HEAD:
        return read_head(via);
    case PARSE_BODY:
        deadline_set(&via->by, via->pool->o.body_ms);
        if (c->h.on_body)
            c->h.on_body(c->ctx, via->parser.piece);
        return true;
    case PARSE_END:
        return read_end(via);
    case PARSE_FAILED:
        if (c->o.facts)
            c->o.facts->parse_error = parser_error_name(&via->parser);
        return fail_with(via, HTTP_MALFORMED, via->parser.why);
    }
    return false;
}

// ---- what the user calls ------------------------------------------------------------------------

static bool wants_h2(const http_call *c)
{
    return c->pool->o.http2 || (c->o.http2 && !c->o.upgrade.len && !c->o.head.len);
}

http_call *http_call_start(http_pool *p, const http_call_options *o, const http_call_handlers *h,
                           void *ctx)
{
    http_call *c = NEW(http_call);
    c->pool = p;
    c->o = *o;
    c->h = *h;
    c->ctx = ctx;
    c->body_left = o->body_bytes;
    c->body_ended = o->body_bytes == 0;
    c->soon = (task){.run = on_soon, .ctx = c};
    buf_init(&c->unsent, STREAM_QUEUE_BYTES_MAX);
    if (!wants_h2(c) || !h2_assign(p, c))
        pool_assign(p, c, o->fresh);
    return c;
}

static bool write_bytes(http_call *c, str bytes)
{
    if (c->o.facts)
        c->o.facts->request_bytes += bytes.len;
    if (c->sent)
        return stream_write(c->lane->stream, bytes);
    buf_adds(&c->unsent, bytes);
    return c->unsent.len <= STREAM_QUEUE_BYTES;
}

bool http_call_write(http_call *c, str piece)
{
    if (!piece.len || c->body_ended)
        return true;
    bool more = true;
    if (c->o.body_bytes == HTTP_BODY_CHUNKED && c->h2) {
        more = h2_call_write(c, piece);
    } else if (c->o.body_bytes == HTTP_BODY_CHUNKED) {
        char line[CHUNK_LINE_MAX];
        write_bytes(c, chunk_line(piece.len, line));
        write_bytes(c, piece);
        more = write_bytes(c, STR("\r\n"));
    } else if (piece.len > (uint64_t)c->body_left) {
        fail_soon(c, HTTP_UNSENDABLE, "the request's body is longer than its length");
        return true;
    } else {
        c->body_left -= (int64_t)piece.len;
        more = c->h2 ? h2_call_write(c, piece) : write_bytes(c, piece);
    }
    if (!buf_ok(&c->unsent) || (c->h2 && !buf_ok(&c->h2->out.queue)))
        fail_soon(c, SYS_LIMIT, "too much of the request's body waits for a connection");
    if (c->lane && c->sent && !c->head_told)
        deadline_set(&c->lane->by, c->pool->o.response_ms);
    if (!more)
        c->wants_drain = true;
    return more;
}

void http_call_write_end(http_call *c)
{
    if (c->body_ended)
        return;
    if (c->o.body_bytes != HTTP_BODY_CHUNKED && c->body_left > 0) {
        fail_soon(c, HTTP_UNSENDABLE, "the request's body is shorter than its length");
        return;
    }
    if (c->h2)
        h2_call_write_end(c);
    else if (c->o.body_bytes == HTTP_BODY_CHUNKED)
        write_bytes(c, STR("0\r\n\r\n"));
    c->body_ended = true;
    if (c->lane && c->sent && !c->head_told)
        deadline_set(&c->lane->by, c->pool->o.response_ms);
}

void http_call_pause(http_call *c)
{
    c->paused = true;
    if (c->h2)
        deadline_clear(&c->h2->by);
    if (!c->lane || !c->sent)
        return;
    lane_set_reading(c->lane, false);
    deadline_clear(&c->lane->by);
}

void http_call_resume(http_call *c)
{
    if (!c->paused)
        return;
    c->paused = false;
    if (c->h2)
        h2_call_resume(c);
    if (!c->lane || !c->sent)
        return;
    deadline_set(&c->lane->by, c->head_told ? c->pool->o.body_ms : c->pool->o.response_ms);
    lane_set_reading(c->lane, true);
    lane_wake(c->lane);
}

void http_call_cancel(http_call *c)
{
    http_pool *p = c->pool;
    lane *via = c->lane;
    pool_unqueue(c);
    if (c->h2)
        h2_call_leave(c);
    task_cancel(&c->soon);
    buf_deinit(&c->unsent);
    free(c);
    if (via) {
        lane_drop(via);
        pool_next(p);
    }
}
