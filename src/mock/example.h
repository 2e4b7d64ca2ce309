// SPDX-License-Identifier: Apache-2.0
// example: what a saved example expects and answers. Private to the room.
#pragma once

#include "mock/mock.h"

typedef struct mock_param mock_param;
struct mock_param {
    str key;
    str value; // decoded; a template that is left matches anything
};
typedef VEC(mock_param) mock_params;

// What the body of an answer is: how text is escaped that is put into it.
typedef enum mock_kind { MOCK_TEXT, MOCK_JSON, MOCK_MARKUP } mock_kind;

typedef struct mock_example mock_example;
struct mock_example {
    str id;
    str name;
    str request_name;
    str method;
    // Segments of the path as written, and of what a variable in front of it holds ("{{baseUrl}}"
    // may end in a path): a caller's base URL has that path or hasn't.
    str *segments;
    size_t segment_count;
    str *base;
    size_t base_count;
    mock_param *query;
    size_t query_count;
    const json *headers;      // of the request: [{key, value}]
    const json *request_body; // its body, an object of Collection v2.1
    int status;
    http_headers answer; // values as written
    str body;            // as written: filled in anew for each call, for {{$guid}} and the like
    mock_kind kind;
};

struct mock_examples {
    const mock_example *ptr;
    size_t len;
    const pm_scopes *scopes;
};

// The segments of a path, decoded; a trailing slash gives an empty last one.
size_t mock_path_split(arena *a, str path, str **ret_segments);
// The parameters of a query, decoded.
void mock_query_split(arena *a, str query, mock_params *ret);
