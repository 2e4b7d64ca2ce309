// SPDX-License-Identifier: Apache-2.0
// Inside net: what its files share of the loop.
#pragma once

#include <uv.h>

#include "net/net_loop.h"
#include "net/net_stream.h"

struct loop {
    uv_loop_t uv;
    uv_prepare_t before_poll;
    uv_check_t after_poll;
    uv_idle_t busy;   // active while tasks wait: keeps the poll from sleeping
    uv_timer_t retry; // active while a gate holds the streams back
    uv_timer_t until; // of loop_run_until
    task soon;        // rings: those posted since the last turn's end,
    task now;         // and those that this one is running
    VEC(loop_gate *) gates;
    stream *dirty;         // streams with unsent bytes of this turn,
    stream *dirty_passing; // and those of them that wait for no gate
    stream *lingering;     // streams that stream_close has taken
    char read_bytes[STREAM_READ_BYTES];
};

// Of stream.c: sends the queues of one of the dirty lists; drops what lingers.
void streams_flush(stream **list);
void streams_drop_lingering(loop *l);
// Closes a handle that is the first member of what mem_new gave, which is freed with it.
void handle_close_free(uv_handle_t *h);
// Sets NET_/SYS_ errors from libuv's negative numbers.
code err_uv(err *e, code c, int status, const char *fmt, ...) ATTR_PRINTF(4, 5);
