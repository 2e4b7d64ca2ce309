// SPDX-License-Identifier: Apache-2.0
// Inside http: the upstream's side. A lane (pool.c) is one connection; it carries one call at a
// time (call.c). User callbacks run from lane_pump and from events of the stream or a task, never
// inside a function that the user called.
#pragma once

#include "http/deadline.h"
#include "http/http_upstream.h"
#include "http/input.h"
#include "http/parse.h"

typedef struct lane lane;
typedef struct h2_call h2_call;

struct http_call {
    http_pool *pool;
    lane *lane;             // NULL while it waits for one
    h2_call *h2;            // NULL: it goes by HTTP/1.1
    http_call *next, *prev; // of those that wait
    http_call_options o;
    http_call_handlers h;
    void *ctx;
    http_response res;
    buf unsent; // of the request's body, framed, until the connection is open
    int64_t body_left;
    bool body_ended;
    bool sent;
    bool wants_drain;
    bool paused;
    bool head_told;
    unsigned interim; // 1xx that came
    bool repeated;    // by HTTP/2
    task soon;        // to tell a failure, or that a body may go on
    code fail_code;
    const char *fail_why;
};

struct lane {
    http_pool *pool;
    lane *next, *prev;           // all of the pool
    lane *next_idle, *prev_idle; // while idle, the latest first
    stream *stream;
    http_call *call; // NULL: idle
    parser parser;
    arena arena; // of the response's head
    input in;
    deadline by;
    task pump;
    unsigned busy;
    bool gone;
    bool open;
    bool idle;
    bool kept;     // has served before: the server may have closed it meanwhile
    bool answered; // a byte of the response came
    bool reading;
    bool eof;
};

struct http_pool {
    loop *loop;
    http_pool_options o;
    char *host;
    char *tls_name;
    parse_limits limits;
    lane *lanes;
    lane *idle;
    struct h2_lane *h2_lanes;
    bool h2_refused; // the server speaks HTTP/1.1 only
    size_t lane_count;
    http_call *waiting, *waiting_last;
    size_t waiting_count;
    buf head; // scratch, for the head of a request
    bool freed;
};

// ---- pool.c
// Closes at once; its call, if any, is the caller's business.
void lane_drop(lane *via);
// The call has ended well: kept or closed. Then a waiting call may start.
void lane_done(lane *via, bool keep);
void lane_wake(lane *via);
void lane_set_reading(lane *via, bool reading);
// Starts the next waiting call, as a connection has ended or become idle.
void pool_next(http_pool *p);
// Gives the call a connection, or a place in the queue, or fails it soon.
void pool_assign(http_pool *p, http_call *c, bool fresh);
void pool_unqueue(http_call *c);

// ---- call.c
// On an open lane: sends the head and what is there of the body.
void call_send(lane *via);
// The method and the target are; false: it fails soon.
bool call_sendable(http_call *c);
// Ends the call, telling on_end; frees it. Its lane is detached before.
void call_end(http_call *c, const err *e);
// The queue of the request's body is short again.
void call_drained(http_call *c);
// The lane broke or was closed (e NULL) under the call: tries again or fails.
void call_broken(lane *via, const err *e);
// One step of the response; true when there may be another.
bool call_step(lane *via);
