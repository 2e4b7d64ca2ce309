// SPDX-License-Identifier: Apache-2.0
// Inside http: what both sides of HTTP/2 (RFC 9113) share, over nghttp2. None of our users'
// callbacks runs inside one of nghttp2's: those note what is due, and a pump deals with it.
#pragma once

#include <nghttp2/nghttp2.h>

#include "http/http_message.h"
#include "net/net.h"

enum {
    H2_STREAMS_MAX = 100,         // of one connection, at once
    H2_WINDOW_BYTES = 64 << 10,   // of a stream's body, held while nobody reads it
    H2_CONNECTION_BYTES = 1 << 20 // of all bodies of a connection
};

// ---- a block of fields that comes ---------------------------------------------------------------

typedef struct h2_head h2_head;
struct h2_head {
    arena *mem;
    size_t bytes, bytes_max, count_max;
    bool too_large; // then what came behind is missing
    http_headers headers;
    str method, authority, path, status;
};

void h2_head_init(h2_head *h, arena *mem, size_t bytes_max, size_t count_max);
// Copies it. nghttp2 has checked names, values and the pseudo fields' order (RFC 9113 §8.2, §8.3).
void h2_head_add(h2_head *h, nghttp2_rcbuf *name, nghttp2_rcbuf *value);
// What a body's length is told to be: Content-Length, or HTTP_BODY_CHUNKED.
int64_t h2_head_length(const h2_head *h, bool ends);

// ---- a block of fields that leaves --------------------------------------------------------------

typedef struct h2_fields h2_fields;
struct h2_fields {
    arena *mem;
    nghttp2_nv *ptr;
    size_t len;
};

void h2_fields_init(h2_fields *f, arena *mem, size_t count_max);
// Fields of the connection (RFC 9113 §8.2.2) and those with forbidden bytes are left out.
void h2_fields_add(h2_fields *f, str name, str value);
void h2_fields_length(h2_fields *f, uint64_t bytes); // Content-Length
void h2_fields_trailers(h2_fields *f);               // that they are welcome: TE

// ---- a body that leaves -------------------------------------------------------------------------

typedef struct h2_out h2_out;
struct h2_out {
    buf queue;
    size_t at;     // of its first byte that is still to be sent
    bool ended;    // no more comes
    bool deferred; // nghttp2 waits to be told of more
    const h2_fields *trailers;
};

void h2_out_init(h2_out *o);
void h2_out_deinit(h2_out *o);
size_t h2_out_queued(const h2_out *o);
void h2_out_add(h2_out *o, str bytes);
// There is more, or the end: tells nghttp2.
void h2_out_go(h2_out *o, nghttp2_session *session, int32_t id);
nghttp2_data_provider h2_out_provider(h2_out *o);

// ---- for whom something is due
// --------------------------------------------------------------------

typedef struct h2_due h2_due;
struct h2_due {
    void *owner;
    h2_due *next;
    bool listed;
};
typedef struct h2_due_list h2_due_list;
struct h2_due_list {
    h2_due *first, *last;
};
void h2_due_add(h2_due_list *list, h2_due *d); // nothing when it is there
void h2_due_remove(h2_due_list *list, h2_due *d);
// The owner of the first, which is taken out; NULL: nothing is due.
void *h2_due_take(h2_due_list *list);

// ---- sessions -----------------------------------------------------------------------------------

// Limits against floods (threat 12) and windows that open as bodies are read.
nghttp2_session *h2_session_new(bool server, const nghttp2_session_callbacks *cb, void *ctx,
                                size_t head_bytes_max);
// "CANCEL"
const char *h2_error_name(uint32_t error_code);
