// SPDX-License-Identifier: Apache-2.0
// server: HTTP/1.1 on a port, and HTTP/2 where it is offered. A handler gets an exchange when the
// head of a request is there, reads its body (whole or piece by piece) or doesn't, and replies (at
// once or piece by piece).
//
//   static void on_request(void *ctx, http_exchange *x)
//   {
//       http_header type = {STR("content-type"), STR("text/plain")};
//       http_reply(x, 200, &type, 1, STR("hello\n"));
//   }
#pragma once

#include "http/http_message.h"
#include "net/net.h"

typedef struct http_server http_server;
typedef struct http_exchange http_exchange;

typedef struct http_server_options http_server_options;
struct http_server_options {
    const char *host; // numeric; NULL: 127.0.0.1
    uint16_t port;    // 0: a free one
    tls_context *tls; // NULL: plain
    bool http2;       // also HTTP/2: by ALPN, on a plain port by prior knowledge (RFC 9113 §3.3)
    bool connect;     // offers CONNECT, which http_reply_connect answers
    // Every limit: 0 takes the default in parentheses.
    size_t head_bytes_max;     // request line and fields (32 KiB) → 431
    size_t header_count_max;   // (100) → 431
    size_t target_bytes_max;   // (8 KiB) → 414
    uint64_t body_bytes_max;   // (unlimited) → 413
    uint64_t head_ms;          // first byte to end of head (10 s) → 408
    uint64_t body_ms;          // between two pieces of a body that is being read (30 s) → closes;
                               // by HTTP/2, whose streams may be silent, it is the handler's to say
    uint64_t idle_ms;          // between requests (65 s) → closes
    uint64_t write_ms;         // the client takes nothing of a waiting response (30 s) → closes
    size_t connections_max;    // (1024) → accepted and closed
    size_t pipeline_bytes_max; // bytes of later requests held during one (64 KiB)
    void (*on_request)(void *ctx, http_exchange *x);
    void *ctx;
};

CODE_CHECKED http_server_new(loop *l, const http_server_options *o, http_server **ret_server,
                             err *e);
uint16_t http_server_port(const http_server *s);
// Takes an open, plain stream that came another way and has no handlers, and serves it as if it had
// been accepted here; with `tls` (a server context) after a handshake.
void http_server_adopt(http_server *s, stream *st, tls_context *tls);
// For tests.
size_t http_server_connections(const http_server *s);
// Accepts no more, closes idle connections, lets requests under way finish for at most `ms`, then
// cuts them; on_drained comes once.
void http_server_drain(http_server *s, uint64_t ms, void (*on_drained)(void *ctx), void *ctx);
// Cuts what is left; exchanges end with their on_done. NULL is allowed.
void http_server_free(http_server *s);

// ---- exchange -----------------------------------------------------------------------------------

// How an exchange ended; valid during on_done.
typedef struct http_outcome http_outcome;
struct http_outcome {
    bool complete;          // the whole response was handed to the connection
    int status;             // 0: none was begun
    uint64_t request_bytes; // head and body, as received
    uint64_t response_bytes;
    uint64_t body_bytes_sent; // of the response, without framing
    uint64_t duration_ns;     // from the first byte of the head
};

// Once, when the exchange is over, whoever ended it: reply sent, client gone, server freed. After
// it the exchange does not exist. A handler that keeps one beyond on_request must set it.
void http_exchange_on_done(http_exchange *x, void (*on_done)(void *ctx, const http_outcome *o),
                           void *ctx);

// The client has sent its last byte in the course of the exchange: it left, or it only closed its
// sending side and still reads. Which of the two shows no sooner than when something is written.
void http_exchange_on_eof(http_exchange *x, void (*on_eof)(void *ctx), void *ctx);

const http_request *http_exchange_request(const http_exchange *x);
// Lives as long as the exchange.
arena *http_exchange_arena(http_exchange *x);
const char *http_exchange_peer_ip(const http_exchange *x);
// See stream_peer_uid.
bool http_exchange_peer_uid(const http_exchange *x, uid_t *ret_uid);
bool http_exchange_is_tls(const http_exchange *x);
uint64_t http_exchange_started_mono_ns(const http_exchange *x);

// ---- request body -------------------------------------------------------------------------------
// Nothing is read before one of these two is called; then 100 (Continue) is sent if it is awaited.
// A body that nobody asked for is discarded after the reply, or the connection closes when there is
// much of it.

// The whole body, valid as long as the exchange. e: SYS_LIMIT when it is larger than `max` (reply
// 413); HTTP_BODY when its framing is broken (reply 400).
void http_exchange_read_body(http_exchange *x, size_t max,
                             void (*on_body)(void *ctx, str body, const err *e), void *ctx);
// Piece by piece; the end is an empty piece with e NULL, or e as above. Trailers are dropped.
void http_exchange_stream_body(http_exchange *x,
                               void (*on_piece)(void *ctx, str piece, const err *e), void *ctx);
// Backpressure while streaming.
void http_exchange_pause_body(http_exchange *x);
void http_exchange_resume_body(http_exchange *x);

// ---- response -----------------------------------------------------------------------------------
// Content-Length, Transfer-Encoding, Connection and Date are the server's: those given are ignored.
// Names and values with forbidden bytes are left out, and logged: no response splitting. HEAD, 204
// and 304 get no body whatever is given (Content-Length tells the length for HEAD).

// The whole answer. The exchange must not be used afterwards (on_done comes later).
void http_reply(http_exchange *x, int status, const http_header *headers, size_t count, str body);
// "text/plain" from a format, with a newline added.
void http_reply_text(http_exchange *x, int status, const char *fmt, ...) ATTR_PRINTF(3, 4);

// In pieces: start, write…, end. body_bytes is the length, or HTTP_BODY_CHUNKED.
void http_reply_start(http_exchange *x, int status, const http_header *headers, size_t count,
                      int64_t body_bytes);
// False asks to wait for on_drain (the bytes were taken).
bool http_reply_write(http_exchange *x, str piece);
void http_reply_on_drain(http_exchange *x, void (*on_drain)(void *ctx), void *ctx);
// Before the end: fields behind the body, which reach clients of HTTP/2 only. Copied.
void http_reply_trailers(http_exchange *x, const http_header *headers, size_t count);
void http_reply_end(http_exchange *x);
// Before the reply: it tells nothing that the loop's gates guard, so it leaves although one of them
// holds (stream_pass_gates), unless an earlier answer still waits. The connection closes after it.
void http_reply_past_gates(http_exchange *x);
// The client sees that the response is not whole: the connection is cut.
void http_reply_abort(http_exchange *x);
bool http_reply_started(const http_exchange *x);

// Sends 101 with these headers (Upgrade among them) and hands the connection over; the exchange
// ends. `ret_early` gets bytes that came behind the head, valid until the callback that this is
// called from has returned. The stream is paused and has no handlers.
stream *http_reply_upgrade(http_exchange *x, const http_header *headers, size_t count,
                           str *ret_early);
// The same with 200, which is the answer to a CONNECT that is granted (RFC 9110 §9.3.6).
stream *http_reply_connect(http_exchange *x, str *ret_early);
