// SPDX-License-Identifier: Apache-2.0
#include "http/h2_server.h"

static void set_reading(conn *c, bool reading)
{
    if (reading == c->reading)
        return;
    c->reading = reading;
    if (reading)
        stream_resume(c->stream);
    else
        stream_pause(c->stream);
}

// ---- the end ------------------------------------------------------------------------------------

static void release(conn *c)
{
    if (--c->busy || !c->gone)
        return;
    h2_free(c);
    arena_deinit(&c->arena);
    input_deinit(&c->in);
    free(c);
}

// The caller holds it.
static void leave(conn *c)
{
    c->gone = true;
    task_cancel(&c->pump);
    deadline_deinit(&c->read_by);
    deadline_deinit(&c->write_by);
    server_remove(c->s, c);
    c->s = NULL;
}

static bool has_exchange(const conn *c)
{
    return c->phase == CONN_BODY || c->phase == CONN_READ;
}

// Ends the exchange; the connection goes on, unless on_done ended it.
static void conn_end_exchange(conn *c, bool complete)
{
    http_exchange *x = &c->x;
    http_outcome o = {.complete = complete,
                      .status = x->status,
                      .request_bytes = c->parser.head_bytes + x->body_bytes,
                      .response_bytes = x->response_bytes,
                      .body_bytes_sent = x->body_bytes_sent,
                      .duration_ns = clock_mono_ns() - x->started_ns};
    c->phase = CONN_IDLE;
    if (x->on_done)
        x->on_done(x->done_ctx, &o);
    buf_deinit(&x->body);
    arena_reset(&c->arena);
    parser_restart(&c->parser);
}

void conn_cut(conn *c)
{
    c->busy++;
    if (c->h2)
        h2_cut(c);
    else if (has_exchange(c))
        conn_end_exchange(c, !c->stream);
    if (!c->gone) {
        stream_free(c->stream);
        c->stream = NULL;
        leave(c);
    }
    release(c);
}

// A long queue leaves first, as long as the client takes something of it.
void conn_close(conn *c)
{
    if (stream_queued(c->stream) > STREAM_QUEUE_BYTES && c->phase != CONN_CLOSING) {
        c->phase = CONN_CLOSING;
        deadline_clear(&c->read_by);
        set_reading(c, false);
        return;
    }
    c->busy++;
    stream_close(c->stream, c->s->o.write_ms);
    c->stream = NULL;
    leave(c);
    release(c);
}

// ---- parsing ------------------------------------------------------------------------------------

static bool refuse(conn *c, int status, const char *why)
{
    reply_refusal(c, status, why);
    conn_close(c);
    return false;
}

static bool begin_exchange(conn *c)
{
    exchange_init(c);
    if (!head_read_request(&c->parser, &c->x.req))
        return refuse(c, c->parser.status, c->parser.why);
    if (c->x.req.body_bytes > 0 && (uint64_t)c->x.req.body_bytes > c->s->o.body_bytes_max)
        return refuse(c, 413, "the body is too large");
    c->phase = CONN_BODY;
    c->last = !c->parser.keep_alive;
    c->s->o.on_request(c->s->o.ctx, &c->x);
    return true;
}

// The first bytes of a connection choose the protocol; an incomplete preface waits as a head does.
static bool begins_h2(conn *c)
{
    h2_begins begins = c->s->o.http2 && c->fresh ? h2_preface(c->in.rest) : H2_NO;
    if (begins == H2_MAYBE && !c->eof) {
        if (!c->in_preface)
            deadline_set(&c->read_by, c->s->o.head_ms);
        c->in_preface = true;
        return true;
    }
    c->fresh = c->in_preface = false;
    if (begins != H2_YES)
        return false;
    h2_begin(c);
    h2_read(c, c->in.rest);
    c->in.rest = STR_NONE;
    return true;
}

static bool read_head(conn *c)
{
    if (!c->in.rest.len) {
        if (c->eof)
            conn_close(c);
        return false;
    }
    if (stream_queued(c->stream) > STREAM_QUEUE_BYTES)
        return false; // on_drain comes back here: answers wait for the client, not requests
    if (c->phase == CONN_IDLE && begins_h2(c))
        return false;
    if (c->phase == CONN_IDLE) {
        c->phase = CONN_HEAD;
        c->x.started_ns = clock_mono_ns();
        deadline_clear(&c->read_by);
    }
    parse_event event = parser_next(&c->parser, &c->in.rest);
    if (event == PARSE_HEAD)
        return begin_exchange(c);
    if (event == PARSE_FAILED)
        return refuse(c, c->parser.status, c->parser.why);
    return true; // all is consumed
}

static bool end_exchange(conn *c)
{
    bool last = c->last;
    conn_end_exchange(c, true);
    if (c->gone)
        return false;
    if (!last && !c->s->draining)
        return true;
    conn_close(c);
    return false;
}

// After the reply: what is still to come of the request is skipped, within reason.
static bool discard(conn *c, str piece)
{
    c->discarded += piece.len;
    if (c->discarded <= DISCARD_BYTES_MAX)
        return true;
    conn_end_exchange(c, true);
    if (!c->gone)
        conn_close(c);
    return false;
}

static bool body_broken(conn *c, const char *why)
{
    err e = ERR_INIT;
    err_set(&e, HTTP_BODY, "%s", why);
    c->phase = CONN_READ;
    c->last = true;
    c->in.rest = STR_NONE;
    exchange_body(&c->x, STR_NONE, &e);
    return true;
}

static bool body_piece(conn *c, str piece)
{
    c->x.body_bytes += piece.len;
    if (c->x.reply_ended)
        return discard(c, piece);
    if (c->x.body_bytes > c->s->o.body_bytes_max) {
        err e = ERR_INIT;
        err_set(&e, SYS_LIMIT, "the body of the request is larger than %llu bytes",
                (unsigned long long)c->s->o.body_bytes_max);
        c->last = true;
        exchange_body(&c->x, STR_NONE, &e);
        return true;
    }
    exchange_body(&c->x, piece, NULL);
    return true;
}

static bool read_body(conn *c)
{
    if (c->x.reply_ended && c->last)
        return end_exchange(c); // what still comes is dropped while the connection lingers
    if (!c->x.reply_ended && !exchange_wants_body(&c->x))
        return false;
    parse_event event = parser_next(&c->parser, &c->in.rest);
    if (event == PARSE_MORE && c->eof)
        return body_broken(c, "the client ended the connection in the middle of the body");
    if (event == PARSE_MORE)
        return false;
    if (event == PARSE_FAILED)
        return body_broken(c, c->parser.why);
    if (event == PARSE_BODY)
        return body_piece(c, c->parser.piece);
    c->phase = CONN_READ;
    exchange_body(&c->x, STR_NONE, NULL);
    return true;
}

// One step; true when there may be another one.
static bool step(conn *c)
{
    if (has_exchange(c) && (c->x.reply_aborted || !c->stream)) {
        conn_cut(c);
        return false;
    }
    switch (c->phase) {
    case CONN_IDLE:
    case CONN_HEAD:
        return read_head(c);
    case CONN_BODY:
        return read_body(c);
    case CONN_READ:
        return c->x.reply_ended && end_exchange(c);
    case CONN_CLOSING:
    case CONN_H2:
        break;
    }
    return false;
}

// What the connection waits for now, and until when.
static void settle(conn *c)
{
    const http_server_options *o = &c->s->o;
    bool reading = c->phase == CONN_BODY && (exchange_wants_body(&c->x) || c->x.reply_ended);
    if (c->phase == CONN_IDLE && !c->in_preface)
        deadline_set(&c->read_by, o->idle_ms);
    else if (c->phase == CONN_IDLE)
        ; // its deadline is set
    else if (c->phase == CONN_HEAD && !deadline_is_set(&c->read_by))
        deadline_set(&c->read_by, o->head_ms);
    else if (reading)
        deadline_set(&c->read_by, o->body_ms);
    else if (c->phase != CONN_HEAD)
        deadline_clear(&c->read_by);
    set_reading(c, c->phase != CONN_CLOSING && c->in.rest.len < o->pipeline_bytes_max);
}

static void pump(conn *c)
{
    c->busy++;
    while (!c->gone && step(c)) {
    }
    if (!c->gone && c->h2) {
        h2_pump(c);
    } else if (!c->gone) {
        input_keep(&c->in);
        settle(c);
    }
    release(c);
}

static void on_pump(void *ctx)
{
    pump(ctx);
}

void conn_wake(conn *c)
{
    if (!c->busy)
        task_post(c->s->loop, &c->pump);
}

// ---- the stream ---------------------------------------------------------------------------------

static void on_read(void *ctx, str bytes)
{
    conn *c = ctx;
    if (c->h2)
        h2_read(c, bytes);
    else
        input_add(&c->in, bytes);
    pump(c);
}

static void on_end(void *ctx, const err *e)
{
    conn *c = ctx;
    if (e || c->h2) {
        conn_cut(c);
        return;
    }
    c->eof = true;
    if (has_exchange(c) && c->x.on_eof)
        c->x.on_eof(c->x.eof_ctx);
    pump(c);
}

static void on_drain(void *ctx)
{
    conn *c = ctx;
    if (c->phase == CONN_CLOSING) {
        conn_close(c);
    } else if (!has_exchange(c) || c->h2) {
        pump(c);
    } else if (c->x.wants_drain) {
        c->x.wants_drain = false;
        if (c->x.on_drain)
            c->x.on_drain(c->x.drain_ctx);
    }
}

static int64_t taken(const conn *c)
{
    return c->written - (int64_t)stream_queued(c->stream);
}

void conn_write(conn *c, str bytes, bool *ret_more)
{
    c->written += (int64_t)bytes.len;
    *ret_more = stream_write(c->stream, bytes);
    if (deadline_is_set(&c->write_by))
        return;
    c->taken = taken(c);
    deadline_set(&c->write_by, c->s->o.write_ms);
}

// ---- deadlines ----------------------------------------------------------------------------------

static void on_write_late(void *ctx)
{
    conn *c = ctx;
    if (!stream_queued(c->stream))
        return;
    if (taken(c) <= c->taken) {
        conn_cut(c);
        return;
    }
    c->taken = taken(c);
    deadline_set(&c->write_by, c->s->o.write_ms);
}

static void on_read_late(void *ctx)
{
    conn *c = ctx;
    if (c->phase == CONN_HEAD)
        refuse(c, 408, "the head of the request took too long");
    else if (c->phase == CONN_BODY)
        conn_cut(c);
    else if (stream_queued(c->stream)) // a long response: its own deadline watches
        deadline_set(&c->read_by, c->s->o.idle_ms);
    else
        conn_close(c);
}

void conn_new(http_server *s, stream *st)
{
    conn *c = NEW(conn);
    c->s = s;
    c->stream = st;
    c->pump = (task){.run = on_pump, .ctx = c};
    arena_init(&c->arena);
    parser_init(&c->parser, HTTP_REQUEST, &s->limits, &c->arena);
    input_init(&c->in, s->o.pipeline_bytes_max + 2 * STREAM_READ_BYTES);
    deadline_init(&c->read_by, s->loop, on_read_late, c);
    deadline_init(&c->write_by, s->loop, on_write_late, c);
    c->next = s->conns;
    if (c->next)
        c->next->prev = c;
    s->conns = c;
    s->conn_count++;
    stream_handle(
        st, &(stream_handlers){.on_read = on_read, .on_end = on_end, .on_drain = on_drain}, c);
    deadline_set(&c->read_by, s->o.idle_ms);
    set_reading(c, true);
    c->fresh = true;
    if (s->o.http2 && str_eq(str_from(stream_alpn(st)), STR("h2"))) {
        h2_begin(c);
        conn_wake(c); // its settings
    }
}
