// SPDX-License-Identifier: Apache-2.0
// match: which example answers a call. Private to the room.
#pragma once

#include "mock/example.h"

typedef struct mock_ask mock_ask;
struct mock_ask {
    str method;
    str path, query; // of the target
    const http_headers *headers;
    str body;
    bool match_body;
    str match_headers; // names, comma separated
};

typedef struct mock_capture mock_capture;
struct mock_capture {
    str name;
    str value;
};
typedef VEC(mock_capture) mock_captures;

typedef struct mock_match mock_match;
struct mock_match {
    const mock_example *example; // NULL: none
    mock_captures captures;      // what its wildcards stand for
    str why;                     // no example: what was missing
};

// Texts live in the arena or the call; the captures are freed by the caller (vec_deinit).
void mock_find(const mock_examples *x, const mock_ask *q, arena *a, mock_match *ret);

// Whether the body of a call is the one that an example was saved with: JSON by value, forms by
// their fields in any order, other text without the blanks around it.
bool mock_body_eq(const json *saved, const mock_ask *q, const pm_scopes *scopes, arena *a);

// A call and the example that was found for it.
typedef struct mock_answer mock_answer;
struct mock_answer {
    arena *mem;
    const pm_scopes *scopes;
    mock_ask ask;
    mock_match match;
};
// Appends a text of the example with its templates filled in, the first of these that there is:
// what a wildcard of the path or query stands for ({{name}}), what the call carries ({{$body 'a.b'
// 'default'}}, {{$queryParams 'q'}}, {{$headers 'h'}}, {{$pathSegments '0'}}), a variable.
void mock_fill(const mock_answer *answer, mock_kind kind, str text, buf *out);
