// SPDX-License-Identifier: Apache-2.0
// fields: which header fields pass between client and upstream, and what is added (contract
// cloud-run.md §2).
#pragma once

#include "http/http.h"

typedef struct gate_call gate_call;

// What one pass over the request's fields found. Arrays are in the exchange's arena.
typedef struct fields fields;
struct fields {
    unsigned char *kinds; // of each field, in order: field_kind
    const str *authorization, *serverless;
    size_t authorization_count, serverless_count;
    str forwarded_for; // all values, joined
    str user_agent, referer, traceparent, cloud_trace;
    bool nominates; // Connection names fields besides its usual words
};

void fields_read(const http_request *req, arena *a, fields *ret);
// The request's head for upstream, in c->head.
void fields_for_upstream(gate_call *c);
// The response's fields for the client, in the exchange's arena.
void fields_for_client(gate_call *c, const http_response *res, http_headers *ret);
void fields_for_trailers(gate_call *c, const http_headers *trailers, http_headers *ret);
