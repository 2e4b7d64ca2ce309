// SPDX-License-Identifier: Apache-2.0
// stream: bytes in both directions, over TCP, TLS over TCP, or the pipe of a child process.
//
// Reading is paused until stream_resume is first called. Writing queues: the queue of a turn leaves
// at its end with one system call; what the kernel doesn't take waits for the peer.
#pragma once

#include <sys/socket.h>

#include "base/base.h"
#include "net/net_loop.h"

typedef struct stream stream;
typedef struct tls_context tls_context;

// Any member may be NULL. `bytes` is valid during the call only. Every callback may call any
// function on the stream, stream_free included.
typedef struct stream_handlers stream_handlers;
struct stream_handlers {
    // Of stream_connect: connected, and TLS is up.
    void (*on_open)(void *ctx);
    void (*on_read)(void *ctx, str bytes);
    // e NULL: the peer has sent its last byte; writing is still possible. Otherwise the stream is
    // broken (or was never opened): nothing more is read, written or told.
    void (*on_end)(void *ctx, const err *e);
    // The queue, after stream_write returned false, is below half of its mark again.
    void (*on_drain)(void *ctx);
};

enum {
    STREAM_QUEUE_BYTES = 256 << 10,    // mark at which stream_write asks to wait
    STREAM_QUEUE_BYTES_MAX = 64 << 20, // beyond it the stream breaks: its writer doesn't listen
    STREAM_READ_BYTES = 64 << 10,      // largest piece that on_read gets
};

// Once, before the loop's next turn, by who accepted or spawned; later to hand the stream on.
void stream_handle(stream *s, const stream_handlers *h, void *ctx);

void stream_resume(stream *s);
// No on_read after it; the end is not told either, until reading is resumed.
void stream_pause(stream *s);

// Copies the bytes into the queue. False asks to wait for on_drain (the bytes were taken all the
// same). Before on_open, and on a broken or shut-down stream, it does nothing and returns true.
bool stream_write(stream *s, str bytes);
// As stream_write, of what holds a credential: our copy is wiped once it has left or is dropped.
bool stream_write_secret(stream *s, str bytes);
size_t stream_queued(const stream *s);
// From now on the stream's bytes leave even while a gate of the loop holds (net_loop.h): for an
// answer that tells nothing the gate guards. False, and without effect, when bytes wait already.
bool stream_pass_gates(stream *s);
// The peer sees the end after what is queued.
void stream_shutdown(stream *s);

// Takes the stream: sends what is queued, then closes; bytes that still arrive are discarded for a
// moment, so that the peer reads our last ones instead of a reset. At most `linger_ms`.
void stream_close(stream *s, uint64_t linger_ms);
// Drops what is queued and closes. NULL is allowed.
void stream_free(stream *s);

// "127.0.0.1" or "::1", and the port; "" and 0 for a pipe.
const char *stream_peer_ip(stream *s);
uint16_t stream_peer_port(stream *s);
uint16_t stream_local_port(stream *s);
// True when the peer is on this machine (the address is a loopback one).
bool stream_peer_local(stream *s);
// The user that owns the other end of a loopback connection, asked of the kernel. False when the
// peer isn't local, has closed already, or can't be told.
bool stream_peer_uid(stream *s, uid_t *ret_uid);
// For tests: what ALPN chose: "http/1.1", or "" without TLS or ALPN.
const char *stream_alpn(const stream *s);
bool stream_is_tls(const stream *s);
// Of stream_connect, monotonic (clock.h): when the name was resolved and the connection was there.
// 0: not yet.
uint64_t stream_resolved_ns(const stream *s);
uint64_t stream_connected_ns(const stream *s);
// The system's errno for the break that on_end tells; 0 when it has none.
int stream_errno(const stream *s);

// ---- connect ------------------------------------------------------------------------------------

typedef struct connect_options connect_options;
struct connect_options {
    // An address or a name; borrowed during the call. localhost and NAME.localhost are this
    // machine.
    const char *host;
    uint16_t port;
    tls_context *tls;     // NULL: plain. A client context.
    const char *tls_name; // name to verify and to send as SNI; NULL: host
    uint64_t timeout_ms;  // until on_open; 0: 30 s
    // Asked about each address after resolution, immediately before the connect to it. A refusal
    // ends the stream with its error, whatever other addresses there are. NULL: all may be tried.
    code (*may_connect)(void *ctx, const struct sockaddr *to, err *e);
    void *ctx; // of may_connect
};
// The addresses of a name are tried in the order of the resolver, each until it fails or half of
// the time that is left is over. Never fails at once: errors come by on_end. NET_RESOLVE,
// NET_CONNECT, NET_TLS, SYS_TIMEOUT, and those of may_connect.
stream *stream_connect(loop *l, const connect_options *o, const stream_handlers *h, void *ctx);

// ---- listen -------------------------------------------------------------------------------------

typedef struct listener listener;
typedef struct listen_options listen_options;
struct listen_options {
    const char *host; // a numeric address; NULL: 127.0.0.1
    uint16_t port;    // 0: a free one
    tls_context *tls; // NULL: plain. A server context; on_accept comes after the handshake.
    uint64_t handshake_timeout_ms; // 0: 10 s
    // Takes the stream, whose handlers are to be set in the call.
    void (*on_accept)(void *ctx, stream *s);
    void *ctx;
};
// NET_LISTEN.
CODE_CHECKED listener_new(loop *l, const listen_options *o, listener **ret_listener, err *e);
uint16_t listener_port(const listener *ln);
// Takes an open, plain stream that came another way and has no handlers; on_accept gets it once the
// handshake by this server context is over. What is queued in it leaves before.
void listener_adopt(listener *ln, stream *s, tls_context *tls);
// Accepts no more; accepted streams stay. NULL is allowed.
void listener_free(listener *ln);
