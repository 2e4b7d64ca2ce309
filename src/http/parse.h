// SPDX-License-Identifier: Apache-2.0
// Inside http: llhttp in its strict mode behind an interface that is pulled, so that nothing of
// ours runs inside the parser. One parser per connection, started anew for each message.
//
// What llhttp lets through is checked once more where it differs from our reading: see head.c.
#pragma once

#include <llhttp.h>

#include "http/http_message.h"

typedef enum parse_event {
    PARSE_MORE,   // wants more bytes
    PARSE_HEAD,   // the head is there and checked
    PARSE_BODY,   // a piece of the body
    PARSE_END,    // of the message
    PARSE_FAILED, // see status and why; nothing more comes
} parse_event;

typedef struct parse_limits parse_limits;
struct parse_limits {
    size_t head_bytes_max;
    size_t header_count_max;
    size_t target_bytes_max;
    bool any_coding; // of a response: see any_server (http_upstream.h)
    bool connect;    // of a request: the method CONNECT is offered
};

typedef enum parse_phase {
    PARSING_HEAD,
    PARSING_CHUNKS,
    PARSING_LENGTH,    // `left` bytes
    PARSING_UNTIL_END, // of the connection
    PARSING_NOTHING,
} parse_phase;

typedef struct parser parser;
struct parser {
    llhttp_t ll;
    const parse_limits *limits;
    arena *arena; // of the message's strings
    parse_phase phase;
    parse_event event;  // what stopped llhttp
    bool paused;        // llhttp waits for llhttp_resume
    bool no_body;       // the response answers a HEAD
    size_t head_bytes;  // as received; 0: the message hasn't begun
    size_t extra_bytes; // of chunked framing, as far as the body doesn't excuse it
    uint64_t left;

    // The word under way: the last bytes of a block of the arena.
    char *block;
    size_t block_len;
    size_t block_cap;
    size_t word;
    str name; // of the field whose value is under way

    // Result: the head.
    str target;
    str reason;
    http_headers headers;
    int64_t body_bytes; // as in http_message.h
    bool bodiless;      // no body follows, whatever body_bytes tells (of a HEAD)
    bool until_end;     // the body ends with the connection
    bool keep_alive;

    // Result: a piece of the body, borrowed from the input.
    str piece;

    // Result: what is wrong. The status is for a client that sent it.
    int status;
    const char *why;
};

void parser_init(parser *p, llhttp_type_t type, const parse_limits *limits, arena *a);
// Forgets the message; the next one may begin.
void parser_restart(parser *p);
// Consumes from *in up to the next event. Call again after an event even with no input left.
parse_event parser_next(parser *p, str *in);
// The connection has ended, all input is consumed: PARSE_END or PARSE_FAILED.
parse_event parser_finish(parser *p);
// After PARSE_FAILED: the name that Node prints for it, "HPE_…".
const char *parser_error_name(const parser *p);

// ---- head.c: what a head means ------------------------------------------------------------------

// Called by the parser at the end of a head: sets body_bytes, or status and why.
bool head_check_framing(parser *p);
// After PARSE_HEAD. False: p->status and p->why tell.
bool head_read_request(parser *p, http_request *ret_req);
void head_read_response(const parser *p, http_response *ret_res);
