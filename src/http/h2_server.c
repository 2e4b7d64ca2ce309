// SPDX-License-Identifier: Apache-2.0
#include "http/h2_server.h"

#include <stdlib.h>

#include "http/message.h"
#include "uri/uri.h"

struct h2_conn {
    conn *c;
    nghttp2_session *session;
    h2_exchange *first;
    size_t open;
    h2_due_list due;
};

h2_begins h2_preface(str bytes)
{
    static const str preface = {NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN};
    size_t count = bytes.len < preface.len ? bytes.len : preface.len;
    if (!str_eq(str_sub(bytes, 0, count), str_sub(preface, 0, count)))
        return H2_NO;
    return count == preface.len ? H2_YES : H2_MAYBE;
}

// ---- what is due --------------------------------------------------------------------------------

static void make_due(h2_exchange *he)
{
    h2_due_add(&he->h->due, &he->due);
}

// ---- exchanges ----------------------------------------------------------------------------------

static h2_exchange *exchange_of(nghttp2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session, id);
}

static h2_exchange *exchange_new(h2_conn *h, int32_t id)
{
    h2_exchange *he = NEW(h2_exchange);
    const http_server_options *o = &h->c->s->o;
    he->h = h;
    he->due.owner = he;
    he->id = id;
    arena_init(&he->mem);
    he->x = (http_exchange){.c = h->c, .h2 = he, .mem = &he->mem, .started_ns = clock_mono_ns()};
    h2_head_init(&he->head, &he->mem, o->head_bytes_max, o->header_count_max);
    buf_init(&he->in, 2 * H2_WINDOW_BYTES);
    h2_out_init(&he->out);
    he->next = h->first;
    if (he->next)
        he->next->prev = he;
    h->first = he;
    h->open++;
    return he;
}

static void exchange_unlink(h2_exchange *he)
{
    h2_conn *h = he->h;
    h2_due_remove(&h->due, &he->due);
    *(he->prev ? &he->prev->next : &h->first) = he->next;
    if (he->next)
        he->next->prev = he->prev;
    h->open--;
}

static void exchange_free(h2_exchange *he)
{
    buf_deinit(&he->x.body);
    buf_deinit(&he->in);
    h2_out_deinit(&he->out);
    arena_deinit(&he->mem);
    free(he);
}

// Whoever ended it. What still comes for the stream is dropped.
static void end(h2_exchange *he, bool complete)
{
    http_exchange *x = &he->x;
    h2_conn *h = he->h;
    http_outcome o = {.complete = complete,
                      .status = x->status,
                      .request_bytes = he->head.bytes + x->body_bytes,
                      .response_bytes = x->response_bytes,
                      .body_bytes_sent = x->body_bytes_sent,
                      .duration_ns = clock_mono_ns() - x->started_ns};
    if (!he->closed)
        nghttp2_session_set_stream_user_data(h->session, he->id, NULL);
    nghttp2_session_consume(h->session, he->id, he->in.len);
    exchange_unlink(he);
    if (x->on_done)
        x->on_done(x->done_ctx, &o);
    exchange_free(he);
}

static void reset(h2_exchange *he, uint32_t why)
{
    if (!he->closed)
        nghttp2_submit_rst_stream(he->h->session, NGHTTP2_FLAG_NONE, he->id, why);
}

// ---- a request's head ---------------------------------------------------------------------------

// RFC 9113 §8.3.1; the Host that stands beside :authority says the same (threat 7).
static int read_target(h2_exchange *he, const char **ret_why)
{
    h2_head *h = &he->head;
    http_request *req = &he->x.req;
    uri_host host;
    uint16_t port;
    str named = http_headers_get(&h->headers, STR("host"));
    req->host = h->authority.len ? h->authority : named;
    *ret_why = "the request needs one authority";
    if (http_headers_count(&h->headers, STR("host")) > 1 ||
        (named.len && !str_ieq(named, req->host)) ||
        authority_parse(h->mem, req->host, &host, &port, NULL))
        return 400;
    *ret_why = "the request's target is malformed";
    bool star = str_eq(h->path, STR("*")) && str_eq(h->method, STR("OPTIONS"));
    if ((!str_starts(h->path, STR("/")) && !star) || !target_is_clean(h->path) ||
        str_chr(h->path, '#') >= 0)
        return 400;
    *ret_why = "the target is too long";
    if (h->path.len > he->h->c->s->o.target_bytes_max)
        return 414;
    req->target = h->path;
    http_headers_set(&h->headers, h->mem, STR("host"), req->host);
    return 0;
}

static int read_request(h2_exchange *he, const char **ret_why)
{
    h2_head *h = &he->head;
    http_request *req = &he->x.req;
    *ret_why = "the header of the request is too large";
    if (h->too_large)
        return 431;
    *ret_why = "CONNECT isn't offered";
    if (str_eq(h->method, STR("CONNECT")))
        return 501;
    int status = read_target(he, ret_why);
    if (status)
        return status;
    req->method = h->method;
    req->version_major = 2;
    req->headers = h->headers;
    req->body_bytes = h2_head_length(h, he->in_ended && !he->in.len);
    req->expects_continue = req->body_bytes && str_ieq(http_headers_get(&h->headers, STR("expect")),
                                                       STR("100-continue"));
    *ret_why = "the body is too large";
    return req->body_bytes > 0 && (uint64_t)req->body_bytes > he->h->c->s->o.body_bytes_max ? 413
                                                                                            : 0;
}

static void begin(h2_exchange *he)
{
    const http_server *s = he->h->c->s;
    const char *why;
    he->begun = true;
    int status = read_request(he, &why);
    if (status)
        http_reply_text(&he->x, status, "%s", why);
    else
        s->o.on_request(s->o.ctx, &he->x);
}

// ---- a request's body ---------------------------------------------------------------------------

static void consume(h2_exchange *he, size_t bytes)
{
    nghttp2_session_consume(he->h->session, he->id, bytes);
}

static void body_piece(h2_exchange *he)
{
    http_exchange *x = &he->x;
    uint64_t max = he->h->c->s->o.body_bytes_max;
    buf piece = he->in;
    buf_init(&he->in, 2 * H2_WINDOW_BYTES);
    x->body_bytes += piece.len;
    consume(he, piece.len);
    err e = ERR_INIT;
    if (x->body_bytes > max) {
        (void)err_set(&e, SYS_LIMIT, "the body of the request is larger than %llu bytes",
                      (unsigned long long)max);
        exchange_body(x, STR_NONE, &e);
    } else {
        exchange_body(x, buf_str(&piece), NULL);
    }
    buf_deinit(&piece); // which the callback may have outlived, but not the exchange
}

// Answered, left by the client, or cut by who answers it.
static bool is_over(const h2_exchange *he)
{
    bool complete = he->answered && he->x.reply_ended;
    return complete || (he->closed && !he->answered) || he->x.reply_aborted;
}

static void finish(h2_exchange *he)
{
    bool complete = he->answered && he->x.reply_ended;
    if (!complete || !he->in_ended)
        reset(he, complete ? NGHTTP2_NO_ERROR : NGHTTP2_INTERNAL_ERROR);
    end(he, complete);
}

static bool tell_body(h2_exchange *he)
{
    http_exchange *x = &he->x;
    if (!he->begun || x->reply_ended || !exchange_wants_body(x))
        return false;
    if (he->in.len)
        body_piece(he);
    else if (he->in_ended)
        exchange_body(x, STR_NONE, NULL);
    else
        return false;
    return true;
}

// One thing that is due; true when there may be another one. The callbacks may end everything: the
// caller looks at the connection before it goes on.
static bool step(h2_exchange *he)
{
    http_exchange *x = &he->x;
    if (is_over(he)) {
        finish(he);
        return false;
    }
    if (he->asked && !he->begun) {
        begin(he);
        return true;
    }
    if (tell_body(he))
        return true;
    if (!x->wants_drain || h2_out_queued(&he->out) > STREAM_QUEUE_BYTES / 2)
        return false;
    x->wants_drain = false;
    if (x->on_drain)
        x->on_drain(x->drain_ctx);
    return true;
}

// ---- what nghttp2 tells -------------------------------------------------------------------------

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        nghttp2_session_set_stream_user_data(session, frame->hd.stream_id,
                                             exchange_new(ctx, frame->hd.stream_id));
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                     nghttp2_rcbuf *value, uint8_t flags, void *ctx)
{
    (void)flags;
    (void)ctx;
    h2_exchange *he = exchange_of(session, frame->hd.stream_id);
    if (he && frame->headers.cat == NGHTTP2_HCAT_REQUEST) // trailers are dropped
        h2_head_add(&he->head, name, value);
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
    (void)ctx;
    bool headers = frame->hd.type == NGHTTP2_HEADERS;
    h2_exchange *he = headers || frame->hd.type == NGHTTP2_DATA
                          ? exchange_of(session, frame->hd.stream_id)
                          : NULL;
    if (!he)
        return 0;
    he->asked = true;
    he->in_ended = he->in_ended || frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    make_due(he);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t len, void *ctx)
{
    (void)flags;
    (void)ctx;
    h2_exchange *he = exchange_of(session, id);
    if (he && !he->x.reply_ended && he->x.reader != BODY_TOLD) {
        buf_add(&he->in, data, len);
        make_due(he);
    } else {
        nghttp2_session_consume(session, id, len);
    }
    return 0;
}

static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
    (void)ctx;
    bool of_message = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    h2_exchange *he = of_message ? exchange_of(session, frame->hd.stream_id) : NULL;
    if (!he)
        return 0;
    he->x.response_bytes += frame->hd.length + 9;
    he->answered = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    if (he->answered || he->x.wants_drain)
        make_due(he);
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t why, void *ctx)
{
    (void)why;
    (void)ctx;
    h2_exchange *he = exchange_of(session, id);
    if (!he)
        return 0;
    he->closed = true;
    make_due(he);
    return 0;
}

// ---- the connection -----------------------------------------------------------------------------

static nghttp2_session_callbacks *callbacks_new(void)
{
    nghttp2_session_callbacks *cb = NULL;
    if (nghttp2_session_callbacks_new(&cb))
        abort(); // only for want of memory
    nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(cb, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
    return cb;
}

void h2_begin(conn *c)
{
    h2_conn *h = NEW(h2_conn);
    nghttp2_session_callbacks *cb = callbacks_new();
    h->c = c;
    h->session = h2_session_new(true, cb, h, c->s->o.head_bytes_max);
    nghttp2_session_callbacks_del(cb);
    c->h2 = h;
    c->phase = CONN_H2;
    deadline_set(&c->read_by, c->s->o.idle_ms);
}

// As much as the stream takes without asking to wait. False: the session has ended.
static bool flush(h2_conn *h)
{
    bool more = true;
    while (more && stream_queued(h->c->stream) <= STREAM_QUEUE_BYTES) {
        const uint8_t *bytes;
        ssize_t count = nghttp2_session_mem_send(h->session, &bytes);
        if (count < 0)
            return false;
        if (!count)
            break;
        conn_write(h->c, (str){(const char *)bytes, (size_t)count}, &more);
    }
    return nghttp2_session_want_read(h->session) || nghttp2_session_want_write(h->session);
}

static void settle(conn *c)
{
    if (c->h2->open)
        deadline_clear(&c->read_by);
    else if (!deadline_is_set(&c->read_by))
        deadline_set(&c->read_by, c->s->o.idle_ms);
}

// The session has ended: so have the exchanges that it still has.
static void close_all(conn *c)
{
    h2_cut(c);
    if (!c->gone)
        conn_close(c);
}

void h2_pump(conn *c)
{
    h2_conn *h = c->h2;
    bool alive = true;
    do {
        for (h2_exchange *he; !c->gone && (he = h2_due_take(&h->due));) {
            while (step(he)) {
                if (c->gone)
                    return;
            }
        }
        alive = alive && !c->gone && flush(h);
    } while (!c->gone && h->due.first);
    if (c->gone)
        return;
    if (c->broken)
        conn_cut(c);
    else if (!alive || (c->s->draining && !h->open))
        close_all(c);
    else
        settle(c);
}

void h2_read(conn *c, str bytes)
{
    ssize_t taken = nghttp2_session_mem_recv(c->h2->session, (const uint8_t *)bytes.ptr, bytes.len);
    if (taken < 0) // not HTTP/2, or a flood; otherwise nghttp2 says goodbye itself
        c->broken = true;
}

void h2_leave(conn *c)
{
    int32_t last = nghttp2_session_get_last_proc_stream_id(c->h2->session);
    nghttp2_submit_goaway(c->h2->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0);
    conn_wake(c);
}

void h2_cut(conn *c)
{
    while (c->h2->first)
        end(c->h2->first, false);
}

void h2_free(conn *c)
{
    if (!c->h2)
        return;
    nghttp2_session_del(c->h2->session);
    free(c->h2);
    c->h2 = NULL;
}

// ---- answers ------------------------------------------------------------------------------------

void h2_wake(http_exchange *x)
{
    make_due(x->h2);
    conn_wake(x->c);
}

void h2_continue(http_exchange *x)
{
    h2_fields f;
    h2_fields_init(&f, x->mem, 1);
    h2_fields_add(&f, STR(":status"), STR("100"));
    nghttp2_submit_headers(x->h2->h->session, NGHTTP2_FLAG_NONE, x->h2->id, NULL, f.ptr, f.len,
                           NULL);
}

static void add_all(h2_fields *f, const http_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!str_ieq(headers[i].name, STR("date")))
            h2_fields_add(f, headers[i].name, headers[i].value);
    }
}

void h2_reply_start(http_exchange *x, const http_header *headers, size_t count, int64_t body_bytes)
{
    h2_exchange *he = x->h2;
    h2_fields f;
    char number[STR_U64_MAX];
    h2_fields_init(&f, x->mem, count + 3);
    h2_fields_add(&f, STR(":status"), arena_str(x->mem, str_u64((uint64_t)x->status, number)));
    add_all(&f, headers, count);
    h2_fields_add(&f, STR("date"), server_date(x->c->s));
    if (body_bytes > 0 && x->status != 204 && x->status != 304)
        h2_fields_length(&f, (uint64_t)body_bytes);
    nghttp2_data_provider body = h2_out_provider(&he->out);
    bool ends = body_bytes == 0 || x->reply_silent;
    if (nghttp2_submit_response(he->h->session, he->id, f.ptr, f.len, ends ? NULL : &body))
        x->reply_aborted = true;
    h2_wake(x);
}

bool h2_reply_write(http_exchange *x, str piece)
{
    h2_exchange *he = x->h2;
    h2_out_add(&he->out, piece);
    h2_out_go(&he->out, he->h->session, he->id);
    h2_wake(x);
    x->wants_drain = x->wants_drain || h2_out_queued(&he->out) > STREAM_QUEUE_BYTES;
    return !x->wants_drain;
}

void h2_reply_trailers(http_exchange *x, const http_header *headers, size_t count)
{
    h2_exchange *he = x->h2;
    h2_fields_init(&he->trailers, x->mem, count);
    for (size_t i = 0; i < count; i++)
        h2_fields_add(&he->trailers, headers[i].name, arena_str(x->mem, headers[i].value));
    he->out.trailers = &he->trailers;
}

void h2_reply_end(http_exchange *x)
{
    h2_exchange *he = x->h2;
    he->out.ended = true;
    h2_out_go(&he->out, he->h->session, he->id);
    h2_wake(x);
}
