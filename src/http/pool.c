// SPDX-License-Identifier: Apache-2.0
#include "http/pool.h"

#include "http/h2_upstream.h"

enum { HELD_BYTES_MAX = 4 * STREAM_READ_BYTES };

// ---- lanes --------------------------------------------------------------------------------------

static void release(lane *via)
{
    if (--via->busy || !via->gone)
        return;
    arena_deinit(&via->arena);
    input_deinit(&via->in);
    free(via);
}

static void unidle(lane *via)
{
    if (!via->idle)
        return;
    via->idle = false;
    *(via->prev_idle ? &via->prev_idle->next_idle : &via->pool->idle) = via->next_idle;
    if (via->next_idle)
        via->next_idle->prev_idle = via->prev_idle;
}

static void push_idle(lane *via)
{
    via->idle = true;
    via->prev_idle = NULL;
    via->next_idle = via->pool->idle;
    if (via->next_idle)
        via->next_idle->prev_idle = via;
    via->pool->idle = via;
}

void lane_drop(lane *via)
{
    http_pool *p = via->pool;
    via->busy++;
    via->gone = true;
    unidle(via);
    task_cancel(&via->pump);
    deadline_deinit(&via->by);
    stream_free(via->stream);
    via->stream = NULL;
    via->call = NULL;
    *(via->prev ? &via->prev->next : &p->lanes) = via->next;
    if (via->next)
        via->next->prev = via->prev;
    p->lane_count--;
    release(via);
}

void lane_done(lane *via, bool keep)
{
    http_pool *p = via->pool;
    via->call = NULL;
    if (keep) {
        via->kept = true;
        push_idle(via);
        deadline_set(&via->by, p->o.idle_ms);
    } else {
        lane_drop(via);
    }
    pool_next(p);
}

void lane_set_reading(lane *via, bool reading)
{
    if (reading == via->reading || !via->stream)
        return;
    via->reading = reading;
    if (reading)
        stream_resume(via->stream);
    else
        stream_pause(via->stream);
}

static void pump(lane *via)
{
    via->busy++;
    while (!via->gone && via->call && call_step(via)) {
    }
    if (!via->gone)
        input_keep(&via->in);
    release(via);
}

static void on_pump(void *ctx)
{
    pump(ctx);
}

void lane_wake(lane *via)
{
    if (!via->busy)
        task_post(via->pool->loop, &via->pump);
}

// ---- events of the stream -----------------------------------------------------------------------

static void on_open(void *ctx)
{
    lane *via = ctx;
    via->open = true;
    call_send(via);
}

static void on_read(void *ctx, str bytes)
{
    lane *via = ctx;
    if (via->idle) { // nobody asked: it can't be trusted with the next call (threat 10)
        lane_drop(via);
        return;
    }
    if (!via->answered && via->call->o.facts)
        via->call->o.facts->first_byte_ns = clock_mono_ns();
    via->answered = true;
    input_add(&via->in, bytes);
    pump(via);
}

static void on_end(void *ctx, const err *e)
{
    lane *via = ctx;
    http_pool *p = via->pool;
    if (via->idle) {
        lane_drop(via);
        pool_next(p);
    } else if (e) {
        if (via->call->o.facts)
            via->call->o.facts->os_error = stream_errno(via->stream);
        call_broken(via, e);
    } else {
        via->eof = true;
        pump(via);
    }
}

static void on_drain(void *ctx)
{
    lane *via = ctx;
    if (via->call)
        call_drained(via->call);
}

static void on_late(void *ctx)
{
    lane *via = ctx;
    if (via->idle) {
        lane_drop(via);
        return;
    }
    err e = ERR_INIT;
    err_set(&e, SYS_TIMEOUT, "%s port %u: %s", via->pool->host, (unsigned)via->pool->o.port,
            via->call->head_told ? "the server stopped in the middle of its response"
                                 : "the server didn't answer in time");
    call_broken(via, &e);
}

static lane *lane_new(http_pool *p, http_call *c)
{
    lane *via = NEW(lane);
    via->pool = p;
    via->call = c;
    via->pump = (task){.run = on_pump, .ctx = via};
    arena_init(&via->arena);
    parser_init(&via->parser, HTTP_RESPONSE, &p->limits, &via->arena);
    input_init(&via->in, HELD_BYTES_MAX);
    deadline_init(&via->by, p->loop, on_late, via);
    via->next = p->lanes;
    if (via->next)
        via->next->prev = via;
    p->lanes = via;
    p->lane_count++;
    connect_options co = {.host = p->host,
                          .port = p->o.port,
                          .tls = p->o.tls,
                          .tls_name = p->tls_name,
                          .timeout_ms = p->o.connect_ms,
                          .may_connect = p->o.may_connect,
                          .ctx = p->o.ctx};
    static const stream_handlers handlers = {
        .on_open = on_open, .on_read = on_read, .on_end = on_end, .on_drain = on_drain};
    via->stream = stream_connect(p->loop, &co, &handlers, via);
    return via;
}

// ---- calls that wait ----------------------------------------------------------------------------

static void queue(http_pool *p, http_call *c)
{
    c->next = NULL;
    c->prev = p->waiting_last;
    *(c->prev ? &c->prev->next : &p->waiting) = c;
    p->waiting_last = c;
    p->waiting_count++;
}

void pool_unqueue(http_call *c)
{
    http_pool *p = c->pool;
    if (!c->prev && p->waiting != c)
        return;
    *(c->prev ? &c->prev->next : &p->waiting) = c->next;
    *(c->next ? &c->next->prev : &p->waiting_last) = c->prev;
    c->next = c->prev = NULL;
    p->waiting_count--;
}

static void use_idle(lane *via, http_call *c)
{
    unidle(via);
    via->call = c;
    c->lane = via;
    call_send(via);
}

void pool_assign(http_pool *p, http_call *c, bool fresh)
{
    if (p->idle && !fresh)
        use_idle(p->idle, c);
    else if (p->lane_count < p->o.connections_max)
        c->lane = lane_new(p, c);
    else if (p->idle) { // a fresh one is wanted, and there is no room for it
        lane_drop(p->idle);
        c->lane = lane_new(p, c);
    } else if (p->waiting_count < p->o.waiting_max)
        queue(p, c);
    else {
        c->fail_code = HTTP_BUSY;
        c->fail_why = "all connections to the server are busy, and too many calls wait";
        task_post(p->loop, &c->soon);
    }
}

void pool_next(http_pool *p)
{
    http_call *c = p->waiting;
    if (!c || p->freed || (!p->idle && p->lane_count >= p->o.connections_max))
        return;
    pool_unqueue(c);
    pool_assign(p, c, false);
}

// ---- life ---------------------------------------------------------------------------------------

#define SET_DEFAULT(field, value)                                                                  \
    do {                                                                                           \
        if (!(field))                                                                              \
            (field) = (value);                                                                     \
    } while (0)

http_pool *http_pool_new(loop *l, const http_pool_options *o)
{
    http_pool *p = NEW(http_pool);
    p->loop = l;
    p->o = *o;
    p->host = mem_dup(o->host);
    p->tls_name = o->tls_name ? mem_dup(o->tls_name) : NULL;
    if (o->tls)
        tls_context_ref(o->tls);
    if (o->tls_http2)
        tls_context_ref(o->tls_http2);
    SET_DEFAULT(p->o.connections_max, 256);
    SET_DEFAULT(p->o.waiting_max, 10000);
    SET_DEFAULT(p->o.idle_ms, 50000);
    SET_DEFAULT(p->o.connect_ms, 5000);
    SET_DEFAULT(p->o.response_ms, 300000);
    SET_DEFAULT(p->o.body_ms, 300000);
    SET_DEFAULT(p->o.head_bytes_max, 64 << 10);
    SET_DEFAULT(p->o.header_count_max, 200);
    p->limits = (parse_limits){.head_bytes_max = p->o.head_bytes_max,
                               .header_count_max = p->o.header_count_max,
                               .any_coding = p->o.any_server};
    buf_init(&p->head, 4 << 20);
    return p;
}

void http_pool_free(http_pool *p)
{
    if (!p)
        return;
    err e = ERR_INIT;
    err_set(&e, SYS_CANCELLED, "the connections to the server are closed");
    p->freed = true;
    while (p->waiting) {
        http_call *c = p->waiting;
        pool_unqueue(c);
        call_end(c, &e);
    }
    h2_lanes_free(p, &e);
    while (p->lanes) {
        http_call *c = p->lanes->call;
        lane_drop(p->lanes);
        if (c)
            call_end(c, &e);
    }
    tls_context_unref(p->o.tls);
    tls_context_unref(p->o.tls_http2);
    buf_deinit(&p->head);
    free(p->host);
    free(p->tls_name);
    free(p);
}
