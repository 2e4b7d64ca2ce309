// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include "http/h2_server.h"

#include <time.h>

// ---- date ---------------------------------------------------------------------------------------

// RFC 9110 §5.6.7, in English whatever the locale; made once a second.
str server_date(http_server *s)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t now_s = clock_wall_s();
    if (now_s != s->date_s) {
        s->date_s = now_s;
        time_t t = (time_t)now_s;
        struct tm tm;
        gmtime_r(&t, &tm);
        snprintf(s->date, sizeof(s->date), "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT",
                 days + 3 * tm.tm_wday, (unsigned)tm.tm_mday % 100, months + 3 * tm.tm_mon,
                 (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)tm.tm_hour % 100,
                 (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
    }
    return str_from(s->date);
}

// ---- connections --------------------------------------------------------------------------------

static void on_accept(void *ctx, stream *st)
{
    http_server *s = ctx;
    if (s->conn_count >= s->o.connections_max)
        stream_free(st);
    else
        conn_new(s, st);
}

void http_server_adopt(http_server *s, stream *st, tls_context *tls)
{
    if (!s->listener)
        stream_free(st); // it accepts no more
    else if (tls)
        listener_adopt(s->listener, st, tls);
    else
        on_accept(s, st);
}

static void check_drained(http_server *s)
{
    if (s->draining && !s->conn_count)
        task_post(s->loop, &s->drained);
}

void server_remove(http_server *s, conn *c)
{
    *(c->prev ? &c->prev->next : &s->conns) = c->next;
    if (c->next)
        c->next->prev = c->prev;
    c->next = c->prev = NULL;
    s->conn_count--;
    check_drained(s);
}

static void release(http_server *s)
{
    if (--s->busy || !s->freed)
        return;
    buf_deinit(&s->head);
    free(s);
}

// An on_done on the way may free the server.
static void cut_all(http_server *s)
{
    s->busy++;
    while (s->conns)
        conn_cut(s->conns);
    release(s);
}

// ---- life ---------------------------------------------------------------------------------------

static void on_drained(void *ctx)
{
    http_server *s = ctx;
    timer_stop(s->drain_late);
    if (s->on_drained)
        s->on_drained(s->drained_ctx);
}

static void on_drain_late(void *ctx)
{
    cut_all(ctx);
}

#define SET_DEFAULT(field, value)                                                                  \
    do {                                                                                           \
        if (!(field))                                                                              \
            (field) = (value);                                                                     \
    } while (0)

static void set_defaults(http_server_options *o)
{
    SET_DEFAULT(o->head_bytes_max, 32 << 10);
    SET_DEFAULT(o->header_count_max, 100);
    SET_DEFAULT(o->target_bytes_max, 8 << 10);
    SET_DEFAULT(o->body_bytes_max, UINT64_MAX);
    SET_DEFAULT(o->head_ms, 10000);
    SET_DEFAULT(o->body_ms, 30000);
    SET_DEFAULT(o->idle_ms, 65000);
    SET_DEFAULT(o->write_ms, 30000);
    SET_DEFAULT(o->connections_max, 1024);
    SET_DEFAULT(o->pipeline_bytes_max, 64 << 10);
}

code http_server_new(loop *l, const http_server_options *o, http_server **ret_server, err *e)
{
    http_server *s = NEW(http_server);
    s->loop = l;
    s->o = *o;
    set_defaults(&s->o);
    s->limits = (parse_limits){.head_bytes_max = s->o.head_bytes_max,
                               .header_count_max = s->o.header_count_max,
                               .target_bytes_max = s->o.target_bytes_max,
                               .connect = o->connect};
    listen_options lo = {.host = o->host,
                         .port = o->port,
                         .tls = o->tls,
                         .handshake_timeout_ms = s->o.head_ms,
                         .on_accept = on_accept,
                         .ctx = s};
    code c = listener_new(l, &lo, &s->listener, e);
    if (c != OK) {
        free(s);
        return c;
    }
    s->o.host = NULL; // borrowed until here
    s->o.tls = NULL;
    s->drained = (task){.run = on_drained, .ctx = s};
    s->drain_late = timer_new(l, on_drain_late, s);
    buf_init(&s->head, 1 << 20);
    *ret_server = s;
    return OK;
}

uint16_t http_server_port(const http_server *s)
{
    return s->listener ? listener_port(s->listener) : 0;
}

size_t http_server_connections(const http_server *s)
{
    return s->conn_count;
}

void http_server_drain(http_server *s, uint64_t ms, void (*on_drained_by)(void *ctx), void *ctx)
{
    if (s->draining)
        return;
    s->draining = true;
    s->on_drained = on_drained_by;
    s->drained_ctx = ctx;
    listener_free(s->listener);
    s->listener = NULL;
    for (conn *c = s->conns, *next; c; c = next) {
        next = c->next;
        if (c->phase == CONN_H2)
            h2_leave(c);
        else if (c->phase == CONN_IDLE && !c->busy)
            conn_close(c);
    }
    timer_start(s->drain_late, ms);
    check_drained(s);
}

void http_server_free(http_server *s)
{
    if (!s)
        return;
    s->draining = false;
    listener_free(s->listener);
    s->listener = NULL;
    task_cancel(&s->drained);
    timer_free(s->drain_late);
    s->freed = true;
    cut_all(s);
}
