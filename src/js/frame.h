// SPDX-License-Identifier: Apache-2.0
// frame: how the runner and the script worker speak. A frame is
//
//   length  4 bytes, little endian: of the payload
//   type    1 byte
//   payload
//
// Runner to worker. Text fields are JSON; what is binary stands in front of it or behind it, so
// that neither side escapes a response body.
//   SCOPE    number of the scope 1, its variables; they count until they are sent anew
//   RUN      script 4, timeout ms 8, lengths of source, context and request 4 each, source,
//   context,
//            request, body (an empty source: compiled before; body: that of the response)
//   RENEW    empty: scripts find nothing of those before; what is numbered is compiled anew
//   FETCHED  context length 4, context, body
//   COOKIES  context
// Worker to runner: one JSON object each. READY comes first and once, DONE ends a script.
#pragma once

#include "base/base.h"

enum {
    FRAME_HEAD_BYTES = 5,
    FRAME_RUN_HEAD_BYTES = 24,

    FRAME_SCOPE = 'S',
    FRAME_RUN = 'R',
    FRAME_RENEW = 'N',
    FRAME_FETCHED = 'F',
    FRAME_COOKIES = 'C',

    FRAME_READY = 'h',
    FRAME_ASSERTION = 'a',
    FRAME_CONSOLE = 'l',
    FRAME_EXCEPTION = 'x',
    FRAME_FETCH = 'f',
    FRAME_COOKIE_OP = 'c',
    FRAME_DONE = 'd',
};

typedef struct frame frame;
struct frame {
    char type;
    str payload;
};

typedef struct frame_run frame_run;
struct frame_run {
    uint32_t script;
    uint64_t timeout_ms; // 0: none
    str source;
    str context;
    str request;
    str body;
};

typedef enum frame_state { FRAME_PARTIAL, FRAME_WHOLE, FRAME_TOO_LARGE } frame_state;

// Looks at the start of `in`. FRAME_WHOLE: *ret_frame borrows from `in`, *ret_bytes is its length
// with the head. FRAME_PARTIAL: *ret_bytes is how many bytes are needed as far as is known.
frame_state frame_read(str in, size_t payload_max, frame *ret_frame, size_t *ret_bytes);

// Appends a head for a payload that follows.
void frame_add_head(buf *out, char type, size_t payload_len);
void frame_add_run(buf *out, const frame_run *r);
void frame_add_fetched(buf *out, str context, str body);

// False when the payload is shorter than it says.
bool frame_read_run(str payload, frame_run *ret_run);
bool frame_read_fetched(str payload, str *ret_context, str *ret_body);
