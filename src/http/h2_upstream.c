// SPDX-License-Identifier: Apache-2.0
#include "http/h2_upstream.h"

#include <stdlib.h>

#include "http/message.h"

struct h2_lane {
    http_pool *pool;
    h2_lane *next, *prev;
    stream *stream;
    nghttp2_session *session;
    h2_call *first;
    h2_due_list due;
    h2_call *current; // whose turn it is; NULL once it has left
    deadline by;      // until it is ready; then while it is idle
    task pump;
    unsigned busy;
    bool open;
    bool ready;   // the server speaks HTTP/2
    bool leaving; // takes no more calls
    bool broken;  // the session is
    bool gone;
};

// ---- what is due --------------------------------------------------------------------------------

static void wake(h2_lane *l)
{
    if (!l->busy)
        task_post(l->pool->loop, &l->pump);
}

static void make_due(h2_call *hc)
{
    h2_due_add(&hc->lane->due, &hc->due);
}

// ---- calls and lanes ----------------------------------------------------------------------------

static void lane_release(h2_lane *l)
{
    if (--l->busy || !l->gone)
        return;
    nghttp2_session_del(l->session);
    free(l);
}

// Its calls are gone, or the caller's business.
static void drop(h2_lane *l)
{
    http_pool *p = l->pool;
    if (l->gone)
        return;
    l->gone = l->leaving = true;
    l->busy++;
    task_cancel(&l->pump);
    deadline_deinit(&l->by);
    stream_free(l->stream);
    l->stream = NULL;
    *(l->prev ? &l->prev->next : &p->h2_lanes) = l->next;
    if (l->next)
        l->next->prev = l->prev;
    lane_release(l);
}

// What still comes for it is dropped; nghttp2 resets a stream before it asks for its body again.
static void leave_stream(h2_call *hc)
{
    nghttp2_session *session = hc->lane->session;
    if (hc->id)
        nghttp2_session_consume(session, hc->id, hc->in.len);
    if (hc->id && !hc->closed) {
        nghttp2_session_set_stream_user_data(session, hc->id, NULL);
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, hc->id, NGHTTP2_CANCEL);
    }
    wake(hc->lane);
}

void h2_call_leave(http_call *c)
{
    h2_call *hc = c->h2;
    h2_lane *l = hc->lane;
    c->h2 = NULL;
    h2_due_remove(&l->due, &hc->due);
    if (l->current == hc)
        l->current = NULL;
    *(hc->prev ? &hc->prev->next : &l->first) = hc->next;
    if (hc->next)
        hc->next->prev = hc->prev;
    if (!l->gone)
        leave_stream(hc);
    deadline_deinit(&hc->by);
    buf_deinit(&hc->in);
    h2_out_deinit(&hc->out);
    arena_deinit(&hc->mem);
    free(hc);
}

static void fail(h2_call *hc, const err *e)
{
    http_call *c = hc->call;
    h2_call_leave(c);
    call_end(c, e);
}

static void fail_with(h2_call *hc, enum code reason, const char *why)
{
    err e = ERR_INIT;
    const http_pool *p = hc->lane->pool;
    (void)err_set(&e, reason, "%s port %u: %s", p->host, (unsigned)p->o.port, why);
    fail(hc, &e);
}

static void fail_all(h2_lane *l, const err *e)
{
    l->busy++;
    drop(l);
    while (l->first)
        fail(l->first, e);
    lane_release(l);
}

static void fail_lane(h2_lane *l, enum code reason, const char *why)
{
    err e = ERR_INIT;
    (void)err_set(&e, reason, "%s port %u: %s", l->pool->host, (unsigned)l->pool->o.port, why);
    fail_all(l, &e);
}

// The server speaks HTTP/1.1 only: `said` so, or so it looks.
static void fall_back(h2_lane *l, bool said)
{
    http_pool *p = l->pool;
    if (p->o.http2) {
        fail_lane(l, HTTP_MALFORMED, "the server doesn't speak HTTP/2");
        return;
    }
    l->busy++;
    p->h2_refused = said;
    drop(l);
    while (l->first) {
        http_call *c = l->first->call;
        buf body = c->h2->out.queue;
        bool ended = c->body_ended;
        buf_init(&c->h2->out.queue, 0);
        h2_call_leave(c);
        c->body_left = c->o.body_bytes;
        c->body_ended = c->o.body_bytes == 0;
        pool_assign(p, c, false);
        (void)http_call_write(c, buf_str(&body));
        if (ended)
            http_call_write_end(c);
        buf_deinit(&body);
    }
    lane_release(l);
}

// ---- the request --------------------------------------------------------------------------------

static void add_head(const http_call *c, h2_fields *f)
{
    const http_call_options *o = &c->o;
    h2_fields_add(f, STR(":method"), o->method);
    h2_fields_add(f, STR(":scheme"), c->pool->o.tls_http2 ? STR("https") : STR("http"));
    h2_fields_add(f, STR(":authority"), http_headers_get(o->headers, STR("host")));
    h2_fields_add(f, STR(":path"), o->target);
    for (size_t i = 0; i < o->headers->len; i++)
        h2_fields_add(f, o->headers->ptr[i].name, o->headers->ptr[i].value);
    if (o->body_bytes > 0)
        h2_fields_length(f, (uint64_t)o->body_bytes);
    h2_fields_trailers(f);
}

static void submit(h2_call *hc)
{
    http_call *c = hc->call;
    h2_fields f;
    enum { ADDED_MAX = 6 };
    h2_fields_init(&f, &hc->mem, c->o.headers->len + ADDED_MAX);
    add_head(c, &f);
    nghttp2_data_provider body = h2_out_provider(&hc->out);
    int32_t id = nghttp2_submit_request(hc->lane->session, NULL, f.ptr, f.len,
                                        c->o.body_bytes ? &body : NULL, hc);
    if (id < 0) { // no ids are left
        hc->closed = true;
        hc->why = NGHTTP2_REFUSED_STREAM;
        hc->lane->leaving = true;
        make_due(hc);
        return;
    }
    hc->id = id;
    c->sent = true;
    deadline_set(&hc->by, c->pool->o.response_ms);
}

bool h2_call_write(http_call *c, str piece)
{
    h2_call *hc = c->h2;
    h2_out_add(&hc->out, piece);
    if (hc->id)
        h2_out_go(&hc->out, hc->lane->session, hc->id);
    wake(hc->lane);
    c->wants_drain = c->wants_drain || h2_out_queued(&hc->out) > STREAM_QUEUE_BYTES;
    return !c->wants_drain;
}

void h2_call_write_end(http_call *c)
{
    h2_call *hc = c->h2;
    hc->out.ended = true;
    if (hc->id)
        h2_out_go(&hc->out, hc->lane->session, hc->id);
    wake(hc->lane);
}

void h2_call_resume(http_call *c)
{
    h2_call *hc = c->h2;
    if (hc->id)
        deadline_set(&hc->by, c->head_told ? c->pool->o.body_ms : c->pool->o.response_ms);
    make_due(hc);
    wake(hc->lane);
}

// ---- the response -------------------------------------------------------------------------------

static void tell_head(h2_call *hc)
{
    http_call *c = hc->call;
    uint64_t status = 0;
    hc->head_due = false;
    (void)str_to_u64(hc->block.status, &status); // three digits, says nghttp2
    bool ends = hc->in_ended && !hc->in.len && !hc->has_trailers;
    c->res = (http_response){.status = (int)status,
                             .reason = str_from(http_reason((int)status)),
                             .headers = hc->block.headers,
                             .version_major = 2,
                             .body_bytes = h2_head_length(&hc->block, ends)};
    c->head_told = true;
    deadline_set(&hc->by, c->pool->o.body_ms);
    if (c->h.on_head)
        c->h.on_head(c->ctx, &c->res);
}

static void tell_body(h2_call *hc)
{
    http_call *c = hc->call;
    buf piece = hc->in;
    buf_init(&hc->in, 2 * H2_WINDOW_BYTES);
    nghttp2_session_consume(hc->lane->session, hc->id, piece.len);
    deadline_set(&hc->by, c->pool->o.body_ms);
    if (c->h.on_body)
        c->h.on_body(c->ctx, buf_str(&piece));
    buf_deinit(&piece);
}

// The exchange of trailers stands before the end, whose callback frees the call.
static void tell_end(h2_call *hc)
{
    http_call *c = hc->call;
    if (hc->has_trailers && c->h.on_trailers) {
        hc->has_trailers = false;
        c->h.on_trailers(c->ctx, &hc->trailers.headers);
        return;
    }
    h2_call_leave(c);
    call_end(c, NULL);
}

// The server promises that it has not looked at it (RFC 9113 §8.7): it may be sent once more.
static bool may_repeat(const h2_call *hc)
{
    return hc->why == NGHTTP2_REFUSED_STREAM && !hc->has_head && !hc->call->repeated &&
           (!hc->id || !hc->call->o.body_bytes);
}

static void repeat(h2_call *hc)
{
    http_call *c = hc->call;
    http_pool *p = c->pool;
    c->repeated = true;
    hc->lane->leaving = true;
    h2_call_leave(c);
    if (!h2_assign(p, c))
        pool_assign(p, c, false);
}

static void tell_closed(h2_call *hc)
{
    char why[128];
    if (may_repeat(hc)) {
        repeat(hc);
        return;
    }
    snprintf(why, sizeof why, "the server reset the stream: %s", h2_error_name(hc->why));
    fail_with(hc, NET_BROKEN, why);
}

// One thing that is due; true when there may be another one and the call still is. The callbacks
// may end the call, and the pool.
static bool step(h2_lane *l)
{
    h2_call *hc = l->current;
    http_call *c = hc->call;
    if (hc->block.too_large || hc->trailers.too_large) {
        fail_with(hc, HTTP_MALFORMED, "the header of the response is too large");
    } else if (c->paused) {
        return false;
    } else if (hc->head_due) {
        tell_head(hc);
    } else if (hc->in.len) {
        tell_body(hc);
    } else if (hc->in_ended) {
        tell_end(hc);
    } else if (hc->closed) {
        tell_closed(hc);
    } else if (c->wants_drain && h2_out_queued(&hc->out) <= STREAM_QUEUE_BYTES / 2) {
        call_drained(c);
    } else {
        return false;
    }
    return l->current != NULL;
}

static void on_late(void *ctx)
{
    h2_call *hc = ctx;
    err e = ERR_INIT;
    const http_call *c = hc->call;
    (void)err_set(&e, SYS_TIMEOUT, "%s port %u: %s", c->pool->host, (unsigned)c->pool->o.port,
                  c->head_told ? "the server stopped in the middle of its response"
                               : "the server didn't answer in time");
    fail(hc, &e);
}

// ---- what nghttp2 tells -------------------------------------------------------------------------

enum { INTERIM_MAX = 16 };

static h2_call *call_of(nghttp2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session, id);
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
    (void)ctx;
    h2_call *hc = call_of(session, frame->hd.stream_id);
    if (!hc)
        return 0;
    const http_pool *p = hc->call->pool;
    h2_head_init(hc->has_head ? &hc->trailers : &hc->block, &hc->mem, p->o.head_bytes_max,
                 p->o.header_count_max);
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                     nghttp2_rcbuf *value, uint8_t flags, void *ctx)
{
    (void)flags;
    (void)ctx;
    h2_call *hc = call_of(session, frame->hd.stream_id);
    if (hc)
        h2_head_add(hc->has_head ? &hc->trailers : &hc->block, name, value);
    return 0;
}

static void note_head(h2_call *hc)
{
    if (hc->has_head) {
        hc->has_trailers = true;
    } else if (!str_starts(hc->block.status, STR("1"))) {
        hc->has_head = hc->head_due = true;
    } else if (++hc->call->interim > INTERIM_MAX) {
        hc->block.too_large = true;
    }
}

static void on_settings(h2_lane *l, const nghttp2_frame *frame)
{
    if (frame->hd.flags & NGHTTP2_FLAG_ACK || l->ready)
        return;
    l->ready = true;
    for (h2_call *hc = l->first; hc; hc = hc->next)
        submit(hc);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
    h2_lane *l = ctx;
    if (frame->hd.type == NGHTTP2_SETTINGS)
        on_settings(l, frame);
    if (frame->hd.type == NGHTTP2_GOAWAY)
        l->leaving = true;
    bool headers = frame->hd.type == NGHTTP2_HEADERS;
    h2_call *hc =
        headers || frame->hd.type == NGHTTP2_DATA ? call_of(session, frame->hd.stream_id) : NULL;
    if (!hc)
        return 0;
    if (headers)
        note_head(hc);
    hc->in_ended = hc->in_ended || frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    make_due(hc);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t len, void *ctx)
{
    (void)flags;
    (void)ctx;
    h2_call *hc = call_of(session, id);
    if (hc)
        buf_add(&hc->in, data, len);
    else
        nghttp2_session_consume(session, id, len);
    return 0;
}

static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
    (void)ctx;
    h2_call *hc = frame->hd.type == NGHTTP2_DATA ? call_of(session, frame->hd.stream_id) : NULL;
    if (!hc)
        return 0;
    if (!hc->call->head_told)
        deadline_set(&hc->by, hc->call->pool->o.response_ms);
    if (hc->call->wants_drain)
        make_due(hc);
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t why, void *ctx)
{
    (void)ctx;
    h2_call *hc = call_of(session, id);
    if (!hc)
        return 0;
    hc->closed = true;
    hc->why = why;
    make_due(hc);
    return 0;
}

static nghttp2_session *session_new(h2_lane *l)
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
    nghttp2_session *session = h2_session_new(false, cb, l, l->pool->o.head_bytes_max);
    nghttp2_session_callbacks_del(cb);
    return session;
}

// ---- the connection -----------------------------------------------------------------------------

// As much as the stream takes without asking to wait. False: the session has ended.
static bool flush(h2_lane *l)
{
    while (l->open && stream_queued(l->stream) <= STREAM_QUEUE_BYTES) {
        const uint8_t *bytes;
        ssize_t count = nghttp2_session_mem_send(l->session, &bytes);
        if (count < 0)
            return false;
        if (!count)
            break;
        (void)stream_write_secret(l->stream, (str){(const char *)bytes, (size_t)count});
    }
    return nghttp2_session_want_read(l->session) || nghttp2_session_want_write(l->session);
}

static void settle(h2_lane *l)
{
    if (!l->ready)
        return;
    if (l->first)
        deadline_clear(&l->by);
    else if (l->leaving)
        drop(l);
    else if (!deadline_is_set(&l->by))
        deadline_set(&l->by, l->pool->o.idle_ms);
}

static void end_session(h2_lane *l)
{
    if (!l->ready)
        fall_back(l, true); // what came wasn't HTTP/2
    else if (l->broken)
        fail_lane(l, HTTP_MALFORMED, "the server broke the rules of HTTP/2");
    else
        fail_lane(l, NET_BROKEN, "the server ended the connection");
}

static void pump(h2_lane *l)
{
    bool alive = true;
    l->busy++;
    do {
        while (!l->gone && (l->current = h2_due_take(&l->due))) {
            while (step(l)) {
            }
        }
        alive = !l->gone && flush(l);
    } while (alive && l->due.first);
    if (!l->gone && alive && !l->broken)
        settle(l);
    else if (!l->gone)
        end_session(l);
    lane_release(l);
}

static void on_pump(void *ctx)
{
    pump(ctx);
}

static void on_open(void *ctx)
{
    h2_lane *l = ctx;
    l->open = true;
    if (!l->pool->o.tls_http2) {
        deadline_set(&l->by, l->pool->o.connect_ms);
    } else if (!str_eq(str_from(stream_alpn(l->stream)), STR("h2"))) {
        fall_back(l, true);
        return;
    }
    pump(l);
}

static void on_read(void *ctx, str bytes)
{
    h2_lane *l = ctx;
    ssize_t taken = nghttp2_session_mem_recv(l->session, (const uint8_t *)bytes.ptr, bytes.len);
    l->broken = taken < 0;
    pump(l);
}

static void on_end(void *ctx, const err *e)
{
    h2_lane *l = ctx;
    if (l->open && !l->ready)
        fall_back(l, false);
    else if (e)
        fail_all(l, e);
    else
        fail_lane(l, NET_BROKEN, "the server closed the connection");
}

static void on_drain(void *ctx)
{
    pump(ctx);
}

static void on_lane_late(void *ctx)
{
    h2_lane *l = ctx;
    if (!l->ready)
        fall_back(l, false);
    else if (!l->first)
        drop(l);
}

static h2_lane *lane_new(http_pool *p)
{
    h2_lane *l = NEW(h2_lane);
    l->pool = p;
    l->session = session_new(l);
    l->pump = (task){.run = on_pump, .ctx = l};
    deadline_init(&l->by, p->loop, on_lane_late, l);
    l->next = p->h2_lanes;
    if (l->next)
        l->next->prev = l;
    p->h2_lanes = l;
    const connect_options o = {.host = p->host,
                               .port = p->o.port,
                               .tls = p->o.tls_http2,
                               .tls_name = p->tls_name,
                               .timeout_ms = p->o.connect_ms,
                               .may_connect = p->o.may_connect,
                               .ctx = p->o.ctx};
    static const stream_handlers handlers = {
        .on_open = on_open, .on_read = on_read, .on_end = on_end, .on_drain = on_drain};
    l->stream = stream_connect(p->loop, &o, &handlers, l);
    stream_resume(l->stream);
    return l;
}

static h2_lane *lane_of(http_pool *p)
{
    for (h2_lane *l = p->h2_lanes; l; l = l->next) {
        if (!l->leaving)
            return l;
    }
    return lane_new(p);
}

bool h2_assign(http_pool *p, http_call *c)
{
    if (!call_sendable(c) || p->h2_refused || (p->o.tls && !p->o.tls_http2))
        return false;
    h2_call *hc = NEW(h2_call);
    hc->call = c;
    hc->due.owner = hc;
    hc->lane = lane_of(p);
    arena_init(&hc->mem);
    buf_init(&hc->in, 2 * H2_WINDOW_BYTES);
    h2_out_init(&hc->out);
    hc->out.ended = c->body_ended;
    deadline_init(&hc->by, p->loop, on_late, hc);
    hc->next = hc->lane->first;
    if (hc->next)
        hc->next->prev = hc;
    hc->lane->first = hc;
    c->h2 = hc;
    if (hc->lane->ready) {
        submit(hc);
        wake(hc->lane);
    }
    return true;
}

void h2_lanes_free(http_pool *p, const err *e)
{
    while (p->h2_lanes)
        fail_all(p->h2_lanes, e);
}
