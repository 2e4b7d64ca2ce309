// SPDX-License-Identifier: Apache-2.0
// Parts of a message that both sides share.
#pragma once

#include "base/base.h"

typedef struct http_header http_header;
struct http_header {
    str name;  // as sent; compared without case
    str value; // without blanks around it
};

// In order, with duplicates. A zeroed list is an empty one; memory comes from an arena.
typedef struct http_headers http_headers;
struct http_headers {
    http_header *ptr;
    size_t len;
    size_t cap;
};

// The first one's value, or STR_NONE.
str http_headers_get(const http_headers *h, str name);
size_t http_headers_count(const http_headers *h, str name);
bool http_headers_has(const http_headers *h, str name);
// True when a field of that name lists the token, without case: Connection: keep-alive, Upgrade.
bool http_headers_lists(const http_headers *h, str name, str token);
// Borrows name and value: they must live as long as the arena, or be copied into it before.
void http_headers_add(http_headers *h, arena *a, str name, str value);
// Replaces all of that name by one, which takes the place of the first; or adds it.
void http_headers_set(http_headers *h, arena *a, str name, str value);
// RFC 9110 §5.1 and §5.5: a token; no control characters but tab.
bool http_name_valid(str name);
bool http_value_valid(str value);

enum { HTTP_BODY_CHUNKED = -1 };

typedef struct http_request http_request;
struct http_request {
    str method;
    str target; // origin-form with its query, or "*": absolute-form was reduced to this;
                // of CONNECT "HOST:PORT"
    str host;   // the Host field as sent; never missing, never twice. Of CONNECT the target
    http_headers headers; // Host is among them
    int version_major;    // 1 or 2
    int version_minor;    // HTTP/1.x
    int64_t body_bytes;   // Content-Length, 0 without a body, or HTTP_BODY_CHUNKED
    bool expects_continue;
    bool upgrade; // asks to leave HTTP: Connection: upgrade and an Upgrade field
};

typedef struct http_response http_response;
struct http_response {
    int status;
    str reason;
    http_headers headers;
    int version_major;
    int version_minor;
    int64_t body_bytes; // HTTP_BODY_CHUNKED also when it ends with the connection. Of HEAD and 304:
                        // what GET would have, as far as it is told; no body follows.
};

// "Not Found"; "" when the status has no standard reason.
const char *http_reason(int status);
