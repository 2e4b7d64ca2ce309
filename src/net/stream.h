// SPDX-License-Identifier: Apache-2.0
// Inside net: the parts of a stream. The libuv handle (`io`) lives on until its close callback has
// run, the stream does not: io->data is the stream, or NULL once it is gone.
#pragma once

#include "net/loop.h"
#include "net/tls.h"

enum { STREAM_IP_MAX = 46 };

typedef struct write_op write_op;
typedef struct connector connector;

struct stream {
    loop *loop;
    uv_stream_t *io; // NULL: not connected yet, or broken
    stream_handlers h;
    void *ctx;
    tls_layer *tls; // NULL: plain
    buf out;        // waits for the end of the turn
    write_op *writing;
    connector *connector; // while stream_connect is at work
    listener *acceptor;   // while the handshake of an accepted stream is at work
    timer *deadline;      // of opening, later of lingering
    task replay;          // delivers plain text that waited in the TLS layer for stream_resume
    stream *next, *prev;  // in one list at most: lingering, or the acceptor's handshakes
    stream *next_dirty, *prev_dirty;
    size_t discarded; // bytes read while lingering
    unsigned held;    // callers up the stack that still need the memory
    bool freed;
    bool is_dirty;
    bool passes_gates; // not changed while it is dirty: it says in which list
    bool is_open;
    bool want_read;
    bool is_reading; // libuv is told to
    bool eof;
    bool shutdown_wanted;
    bool shutdown_done;
    bool over_mark;
    bool is_lingering;
    bool has_names;
    int broken_by; // errno
    uint64_t resolved_ns;
    uint64_t connected_ns;
    char peer_ip[STREAM_IP_MAX];
    char local_ip[STREAM_IP_MAX];
    uint16_t peer_port;
    uint16_t local_port;
};

// A stream over a connected or accepted handle, which was made by mem_new; takes the handle.
stream *stream_over(loop *l, uv_stream_t *io);
// Connected (and TLS is up, if any): tells who waits for it.
void stream_opened(stream *s);
// The end of the stream by a failure; tells who waits for it.
void stream_break(stream *s, const err *e);
// Keeps what libuv said about a failure, for stream_errno.
void stream_note(stream *s, int status);
// Begins TLS over the open connection.
void stream_start_tls(stream *s, tls_context *ctx, const char *name);

// Of connect.c and listen.c: what becomes of their part when the stream goes.
void connector_detach(connector *c);
void acceptor_opened(listener *ln, stream *s);
void acceptor_failed(listener *ln, stream *s);
