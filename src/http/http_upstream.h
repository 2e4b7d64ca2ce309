// SPDX-License-Identifier: Apache-2.0
// upstream: calls to one server over a pool of kept connections. A call is repeated in one case
// only: a kept connection turned out closed before any byte of a response came, and the request is
// one that may be sent twice (RFC 9110 §9.2.2) and has no body on the way.
#pragma once

#include "http/http_message.h"
#include "net/net.h"

enum { HTTP_IP_MAX = 46 };

typedef struct http_pool http_pool;
typedef struct http_pool_options http_pool_options;
struct http_pool_options {
    const char *host; // address or name
    uint16_t port;
    tls_context *tls;       // client context; NULL: plain
    tls_context *tls_http2; // the same with ALPN h2, for calls by HTTP/2; NULL: they go by HTTP/1.1
    bool http2;             // all calls go by HTTP/2, and the server must speak it
    const char *tls_name;   // NULL: host
    // 0 takes the default in parentheses.
    size_t connections_max;  // (256); calls beyond it wait
    size_t waiting_max;      // (10,000); calls beyond it fail with HTTP_BUSY
    uint64_t idle_ms;        // a kept connection is closed after (50 s)
    uint64_t connect_ms;     // (5 s)
    uint64_t response_ms;    // end of request to head of response (300 s)
    uint64_t body_ms;        // between two pieces of the response (300 s)
    size_t head_bytes_max;   // (64 KiB)
    size_t header_count_max; // (200)
    // The server is anybody's: what a recipient may read is read, although a proxy couldn't pass it
    // on (Transfer-Encoding that isn't chunked, RFC 9112 §6.3; or of HTTP/1.0).
    bool any_server;
    code (*may_connect)(void *ctx, const struct sockaddr *to, err *e); // as of stream_connect
    void *ctx;                                                         // of may_connect
};

http_pool *http_pool_new(loop *l, const http_pool_options *o);
// Calls under way end with SYS_CANCELLED before it returns control to the loop. NULL is allowed.
void http_pool_free(http_pool *p);

typedef struct http_call http_call;

// Any may be NULL.
typedef struct http_call_handlers http_call_handlers;
struct http_call_handlers {
    // Final head (1xx are dropped, but for 101). Valid until the call has ended.
    void (*on_head)(void *ctx, const http_response *res);
    void (*on_body)(void *ctx, str piece);
    // Fields behind the body of an HTTP/2 response, just before on_end.
    void (*on_trailers)(void *ctx, const http_headers *trailers);
    // Once; the call doesn't exist afterwards. e NULL: the whole response came. NET_…, SYS_TIMEOUT,
    // HTTP_MALFORMED, HTTP_BUSY, SYS_CANCELLED; by the caller's fault HTTP_UNSENDABLE (a method or
    // target that is none, a body that isn't of its length), SYS_LIMIT (a head over 4 MiB, a body
    // written on although http_call_write said no).
    void (*on_end)(void *ctx, const err *e);
    // The request body's queue is short again.
    void (*on_drain)(void *ctx);
    // 101: HTTP is over; takes the stream (paused). `early` came behind the head. No on_end
    // follows: the call doesn't exist afterwards.
    void (*on_upgrade)(void *ctx, const http_response *res, stream *s, str early);
};

// What became of a call, kept for the one that asks for it. Times are monotonic (clock.h), 0 for
// what did not happen; a kept connection was neither resolved nor connected.
typedef struct http_call_facts http_call_facts;
struct http_call_facts {
    uint64_t resolved_ns;
    uint64_t connected_ns;
    uint64_t sent_ns; // the head was handed to the connection
    uint64_t first_byte_ns;
    uint64_t request_bytes; // head, body and its framing
    uint64_t head_bytes;    // of the response, interim ones included
    char ip[HTTP_IP_MAX];
    uint16_t port;
    bool reused;
    int os_error;            // errno of what broke the connection; 0: none
    const char *parse_error; // the parser's name for a response that is none: "HPE_…"; or NULL
};

typedef struct http_call_options http_call_options;
struct http_call_options {
    str method;
    str target;
    const http_headers *headers; // without framing and hop-by-hop fields, which are the pool's;
                                 // Host is taken from here. All is borrowed until the call ends.
    // The whole head as it is to be sent, its empty line too, made and judged by the caller: takes
    // the place of target, headers and upgrade. What it says is method and body_bytes.
    str head;
    int64_t body_bytes;     // 0: none; a length; or HTTP_BODY_CHUNKED
    bool http2;             // by HTTP/2 if the server speaks it: over TLS ALPN tells, on a plain
                            // port how it begins; not with `head` or `upgrade`
    str upgrade;            // value of the Upgrade field to ask for; empty: none
    bool fresh;             // not on a kept connection
    http_call_facts *facts; // filled as the call goes on, until on_end; NULL: nobody asks
};

http_call *http_call_start(http_pool *p, const http_call_options *o, const http_call_handlers *h,
                           void *ctx);
// Body of the request: false asks to wait for on_drain.
bool http_call_write(http_call *c, str piece);
void http_call_write_end(http_call *c);
// Backpressure on the response.
void http_call_pause(http_call *c);
void http_call_resume(http_call *c);
// Ends without on_end; the connection closes.
void http_call_cancel(http_call *c);
