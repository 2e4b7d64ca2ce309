// SPDX-License-Identifier: Apache-2.0
#include "http/h2_server.h"
#include "http/message.h"

// ---- the head -----------------------------------------------------------------------------------

static void add_status_line(buf *head, int status)
{
    buf_adds(head, STR("HTTP/1.1 "));
    buf_add_u64(head, (uint64_t)status);
    buf_addc(head, ' ');
    buf_addz(head, http_reason(status));
    buf_adds(head, STR("\r\n"));
}

static void add_fields(http_server *s, const http_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!field_is_framing(headers[i].name) && !str_ieq(headers[i].name, STR("date")))
            add_field(&s->head, headers[i].name, headers[i].value);
    }
    buf_adds(&s->head, STR("Date: "));
    buf_adds(&s->head, server_date(s));
    buf_adds(&s->head, STR("\r\n"));
}

static void add_length(buf *head, uint64_t bytes)
{
    buf_adds(head, STR("Content-Length: "));
    buf_add_u64(head, bytes);
    buf_adds(head, STR("\r\n"));
}

static bool has_no_body(int status)
{
    return status == 204 || status == 304 || status < 200;
}

// How the end of the body is told: RFC 9112 §6, RFC 9110 §8.6.
static void add_framing(http_exchange *x, int64_t body_bytes)
{
    conn *c = x->c;
    buf *head = &c->s->head;
    bool none = has_no_body(x->status);
    if (body_bytes >= 0 && !none)
        add_length(head, (uint64_t)body_bytes);
    if (body_bytes >= 0 || x->reply_silent)
        return;
    if (x->req.version_minor == 0) {
        c->last = true; // its end is the connection's
        return;
    }
    x->reply_chunked = true;
    buf_adds(head, STR("Transfer-Encoding: chunked\r\n"));
}

// Is so much of the request still to come that the connection isn't worth keeping?
static bool leaves_request_unread(const http_exchange *x)
{
    if (x->c->phase != CONN_BODY)
        return false;
    bool waits = x->req.expects_continue && x->reader == BODY_UNASKED;
    return waits || x->c->parser.left > DISCARD_BYTES_MAX;
}

static void add_connection(http_exchange *x)
{
    conn *c = x->c;
    c->last = c->last || c->s->draining || leaves_request_unread(x);
    if (c->last)
        buf_adds(&c->s->head, STR("Connection: close\r\n"));
    else if (x->req.version_minor == 0)
        buf_adds(&c->s->head, STR("Connection: keep-alive\r\n"));
}

static bool write_out(http_exchange *x, str bytes)
{
    bool more;
    x->response_bytes += bytes.len;
    conn_write(x->c, bytes, &more);
    if (!more)
        x->wants_drain = true;
    return more;
}

void http_reply_start(http_exchange *x, int status, const http_header *headers, size_t count,
                      int64_t body_bytes)
{
    if (x->status)
        return;
    http_server *s = x->c->s;
    x->status = status;
    x->reply_left = body_bytes;
    x->reply_silent = has_no_body(status) || str_eq(x->req.method, STR("HEAD"));
    if (x->h2) {
        h2_reply_start(x, headers, count, body_bytes);
        return;
    }
    buf_reset(&s->head);
    add_status_line(&s->head, status);
    add_fields(s, headers, count);
    add_framing(x, body_bytes);
    add_connection(x);
    buf_adds(&s->head, STR("\r\n"));
    if (buf_ok(&s->head))
        write_out(x, buf_str(&s->head));
    else
        http_reply_abort(x);
}

void http_reply_past_gates(http_exchange *x)
{
    if (x->h2) { // answers that are held share its connection: only its end can be told
        x->c->broken = true;
        h2_wake(x);
        return;
    }
    x->c->last = true;
    (void)stream_pass_gates(x->c->stream);
}

bool http_reply_started(const http_exchange *x)
{
    return x->status != 0;
}

// ---- the body -----------------------------------------------------------------------------------

static bool write_chunk(http_exchange *x, str piece)
{
    char line[CHUNK_LINE_MAX];
    write_out(x, chunk_line(piece.len, line));
    write_out(x, piece);
    return write_out(x, STR("\r\n"));
}

bool http_reply_write(http_exchange *x, str piece)
{
    if (!piece.len || x->reply_silent || x->reply_ended || !x->status)
        return true;
    if (x->reply_left >= 0 && piece.len > (uint64_t)x->reply_left) {
        log_error("http", "a response's body is longer than its length: it was cut");
        piece.len = (size_t)x->reply_left;
    }
    x->body_bytes_sent += piece.len;
    if (x->reply_left >= 0)
        x->reply_left -= (int64_t)piece.len;
    if (x->h2)
        return h2_reply_write(x, piece);
    return x->reply_chunked ? write_chunk(x, piece) : write_out(x, piece);
}

void http_reply_on_drain(http_exchange *x, void (*on_drain)(void *ctx), void *ctx)
{
    x->on_drain = on_drain;
    x->drain_ctx = ctx;
}

void http_reply_trailers(http_exchange *x, const http_header *headers, size_t count)
{
    if (x->h2 && !x->reply_ended && !x->reply_silent)
        h2_reply_trailers(x, headers, count);
}

void http_reply_end(http_exchange *x)
{
    if (!x->status || x->reply_ended)
        return;
    if (x->reply_left > 0 && !x->reply_silent) {
        log_error("http", "a response's body is shorter than its length: the connection is cut");
        http_reply_abort(x);
        return;
    }
    x->reply_ended = true;
    if (x->h2)
        h2_reply_end(x);
    else if (x->reply_chunked)
        write_out(x, STR("0\r\n\r\n"));
    exchange_wake(x);
}

void http_reply_abort(http_exchange *x)
{
    x->reply_aborted = true;
    exchange_wake(x);
}

// ---- the whole ----------------------------------------------------------------------------------

void http_reply(http_exchange *x, int status, const http_header *headers, size_t count, str body)
{
    http_reply_start(x, status, headers, count, (int64_t)body.len);
    http_reply_write(x, body);
    http_reply_end(x);
}

static const http_header plain_text[] = {
    {{"Content-Type", 12}, {"text/plain; charset=utf-8", 25}},
};

void http_reply_text(http_exchange *x, int status, const char *fmt, ...)
{
    buf text;
    va_list ap;
    buf_init(&text, 1 << 20);
    va_start(ap, fmt);
    buf_addv(&text, fmt, ap);
    va_end(ap);
    buf_addc(&text, '\n');
    http_reply(x, status, plain_text, ARRAY_LEN(plain_text), buf_str(&text));
    buf_deinit(&text);
}

void reply_refusal(conn *c, int status, const char *why)
{
    buf *head = &c->s->head;
    bool more;
    buf_reset(head);
    add_status_line(head, status);
    add_fields(c->s, plain_text, ARRAY_LEN(plain_text));
    add_length(head, strlen(why) + 1);
    buf_adds(head, STR("Connection: close\r\n\r\n"));
    buf_addz(head, why);
    buf_addc(head, '\n');
    conn_write(c, buf_str(head), &more);
}

// ---- leaving HTTP -------------------------------------------------------------------------------

// The head leaves, then the connection is no longer ours.
static stream *hand_over(http_exchange *x, int status, const http_header *headers, size_t count,
                         str *ret_early)
{
    conn *c = x->c;
    buf *head = &c->s->head;
    x->status = status;
    buf_reset(head);
    add_status_line(head, status);
    add_fields(c->s, headers, count);
    buf_addz(head, status == 101 ? "Connection: Upgrade\r\n\r\n" : "\r\n");
    write_out(x, buf_str(head));
    x->reply_ended = true;
    *ret_early = c->in.rest;
    stream *s = c->stream;
    stream_pause(s);
    stream_handle(s, &(stream_handlers){0}, NULL);
    c->stream = NULL;
    deadline_clear(&c->read_by);
    deadline_clear(&c->write_by);
    conn_wake(c);
    return s;
}

stream *http_reply_upgrade(http_exchange *x, const http_header *headers, size_t count,
                           str *ret_early)
{
    return hand_over(x, 101, headers, count, ret_early);
}

stream *http_reply_connect(http_exchange *x, str *ret_early)
{
    return hand_over(x, 200, NULL, 0, ret_early);
}
