// SPDX-License-Identifier: Apache-2.0
// Inside http: a connection of the server that speaks HTTP/2 (h2_server.c). It carries many
// exchanges; each is part of an h2_exchange.
#pragma once

#include "http/h2.h"
#include "http/server.h"

typedef struct h2_conn h2_conn;

struct h2_exchange {
    http_exchange x; // first: the public one
    h2_conn *h;
    h2_exchange *next, *prev;
    h2_due due;
    int32_t id;
    arena mem;
    h2_head head;
    bool asked; // the head is there
    bool begun; // on_request was told
    buf in;     // of the request's body, while nobody reads
    bool in_ended;
    h2_out out;
    h2_fields trailers;
    bool answered; // the last frame was handed to the connection
    bool closed;   // by the client, or by both
};

// The bytes with which HTTP/2 begins (RFC 9113 §3.4): those that are there say whether it is.
typedef enum h2_begins { H2_NO, H2_YES, H2_MAYBE } h2_begins;
h2_begins h2_preface(str bytes);

// From now on the connection speaks it.
void h2_begin(conn *c);
void h2_read(conn *c, str bytes);
// Does what is due, and sends.
void h2_pump(conn *c);
// Lets those under way finish: no new ones.
void h2_leave(conn *c);
// Ends all exchanges; the memory stays until h2_free.
void h2_cut(conn *c);
void h2_free(conn *c);

// ---- what exchange.c and reply.c leave to it

void h2_wake(http_exchange *x);
void h2_continue(http_exchange *x); // 100
void h2_reply_start(http_exchange *x, const http_header *headers, size_t count, int64_t body_bytes);
bool h2_reply_write(http_exchange *x, str piece);
void h2_reply_trailers(http_exchange *x, const http_header *headers, size_t count);
void h2_reply_end(http_exchange *x);
