// SPDX-License-Identifier: Apache-2.0
// Inside http: the upstream's side of HTTP/2 (h2_upstream.c). An h2_lane is a connection that
// carries many calls at once; the pool has one that takes new calls, and those that are leaving.
//
// Whether the server speaks it shows late: by ALPN, or on a plain port by the SETTINGS that it
// begins with. Until then calls wait, so that they can still go by HTTP/1.1.
#pragma once

#include "http/h2.h"
#include "http/pool.h"

typedef struct h2_lane h2_lane;

// A call's part of it.
struct h2_call {
    http_call *call;
    h2_lane *lane;
    h2_call *next, *prev; // of the lane
    h2_due due;
    int32_t id; // 0: not submitted yet
    arena mem;
    h2_head block; // of fields, as it comes
    bool has_head, head_due;
    h2_head trailers;
    bool has_trailers;
    buf in; // of the response's body, while the call is paused
    bool in_ended;
    bool closed;
    uint32_t why; // it was closed
    h2_out out;
    deadline by;
};

// True: the call goes, or waits to go, by HTTP/2.
bool h2_assign(http_pool *p, http_call *c);
bool h2_call_write(http_call *c, str piece);
void h2_call_write_end(http_call *c);
void h2_call_resume(http_call *c);
// Takes the call off its connection, which is told unless the stream has ended.
void h2_call_leave(http_call *c);
// Ends all of them with the error.
void h2_lanes_free(http_pool *p, const err *e);
