// SPDX-License-Identifier: Apache-2.0
// build: what the pieces of pm_prepare share. Private to the room.
#pragma once

#include "postman/postman.h"

typedef struct builder builder;
struct builder {
    arena *arena;
    const pm_prepare_options *options;
    pm_call *call;
    pm_url url;
    size_t filled_bytes; // of resolved texts
    bool too_large;      // a part of the body
    unsigned became;     // what of all templates (pm_resolve)
    bool momentary;      // signed for this moment
};

void builder_warn(builder *b, const char *fmt, ...) ATTR_PRINTF(2, 3);
void builder_header(builder *b, str name, str value, bool system);
// The Content-Type that a form can't be read without, in place of any other.
void builder_form_type(builder *b, str value);
// Removes all headers of that name, whatever their case.
void builder_drop_header(builder *b, str name);

// The body's segments, and its Content-Type unless the user set one (a wrong one is replaced where
// the body can't be read without the right one). `body` is resolved. PM_LIMIT.
CODE_CHECKED build_body(builder *b, const json *body, err *e);
// Adds a segment of bytes (copied into the arena), or of what a buffer holds, which ends with it,
// or takes an open file.
void build_bytes(builder *b, str bytes);
void build_taken(builder *b, buf *bytes);
void build_file(builder *b, int fd, uint64_t bytes);
// form-data, whose parts may be files.
void build_form(builder *b, const json *params);

// The headers as they are now, for scripts and reports.
void build_headers_shown(builder *b);
// Signs the request with the collection's own auth: {type, T: [{key, value}]}, resolved.
void build_auth(builder *b, const json *auth);
// The userinfo of the URL as basic auth, unless there is an Authorization header.
void build_userinfo(builder *b);
