// SPDX-License-Identifier: Apache-2.0
// Inside http: the server's side. A connection (connection.c) carries one exchange at a time, which
// is a part of it (exchange.c: the request, reply.c: the response). User callbacks run from
// conn_pump and from events of the stream, never inside a function that the user called: those
// leave a mark and conn_wake.
#pragma once

#include "http/deadline.h"
#include "http/http_server.h"
#include "http/input.h"
#include "http/parse.h"

typedef struct conn conn;
typedef struct h2_exchange h2_exchange;

enum { DISCARD_BYTES_MAX = 256 << 10 }; // of a request's body that nobody wants; more: closes

typedef enum body_reader {
    BODY_UNASKED,
    BODY_WHOLE,
    BODY_PIECES,
    BODY_TOLD, // its end or error
} body_reader;

struct http_exchange {
    conn *c;
    h2_exchange *h2; // NULL: HTTP/1.1
    arena *mem;
    http_request req;
    uint64_t started_ns;

    body_reader reader;
    void (*on_body)(void *ctx, str bytes, const err *e); // of either reader
    void *body_ctx;
    buf body; // of BODY_WHOLE
    size_t body_max;
    bool body_paused;
    uint64_t body_bytes; // received

    int status;         // 0: no reply yet
    int64_t reply_left; // of a body with a length
    bool reply_chunked;
    bool reply_silent; // HEAD, 204, 304: a body is dropped
    bool reply_ended;
    bool reply_aborted;
    uint64_t response_bytes;
    uint64_t body_bytes_sent;
    void (*on_drain)(void *ctx);
    void *drain_ctx;
    bool wants_drain;

    void (*on_eof)(void *ctx);
    void *eof_ctx;
    void (*on_done)(void *ctx, const http_outcome *o);
    void *done_ctx;
};

typedef enum conn_phase {
    CONN_IDLE,
    CONN_HEAD,
    CONN_BODY,    // an exchange, its request body not read to the end
    CONN_READ,    // an exchange, its request read
    CONN_CLOSING, // its last bytes leave
    CONN_H2,      // many exchanges (h2_server.h), not `x`
} conn_phase;

struct conn {
    http_server *s;
    conn *next, *prev;
    stream *stream; // NULL once given away (101) or gone
    parser parser;
    arena arena; // of the exchange
    input in;
    conn_phase phase;
    deadline read_by;
    deadline write_by;
    int64_t taken;   // by the client of what was written, when write_by was set
    int64_t written; // in all
    size_t discarded;
    task pump;
    unsigned busy; // callers up the stack that still need the memory
    bool gone;
    bool reading;
    bool eof;
    bool last;       // closes after this exchange
    bool broken;     // is cut at once
    bool fresh;      // nothing came yet
    bool in_preface; // of HTTP/2, as it seems
    struct h2_conn *h2;
    http_exchange x;
};

struct http_server {
    loop *loop;
    http_server_options o;
    parse_limits limits;
    listener *listener;
    conn *conns;
    size_t conn_count;
    buf head; // scratch, for the head of a response
    int64_t date_s;
    char date[32]; // "Tue, 15 Nov 1994 08:12:31 GMT"
    bool draining;
    unsigned busy;
    bool freed;
    timer *drain_late;
    task drained;
    void (*on_drained)(void *ctx);
    void *drained_ctx;
};

// ---- connection.c
void conn_new(http_server *s, stream *st);
void conn_wake(conn *c);
void conn_write(conn *c, str bytes, bool *ret_more);
// Ends it at once; the exchange ends with it.
void conn_cut(conn *c);
// Sends what is queued, then closes.
void conn_close(conn *c);

// ---- server.c
void server_remove(http_server *s, conn *c);
str server_date(http_server *s);

// ---- exchange.c
void exchange_init(conn *c);
// A piece, the end (empty, e NULL) or an error, to whoever reads the body.
void exchange_body(http_exchange *x, str piece, const err *e);
// Something is due for it.
void exchange_wake(http_exchange *x);
bool exchange_wants_body(const http_exchange *x);

// ---- reply.c
// An answer without an exchange, as the request couldn't be read; the connection closes.
void reply_refusal(conn *c, int status, const char *why);
