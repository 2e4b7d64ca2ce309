// SPDX-License-Identifier: Apache-2.0
// One call in flight, shared by the files of this room.
#pragma once

#include <curl/curl.h>

#include "fetch/fetch.h"
#include "net/net.h"

struct fetch_call {
    fetch_client *client;
    fetch_call *prev, *next; // in the client's list
    task begin;
    CURL *easy;
    arena mem; // copies of the request, text of the response's head
    struct curl_slist *header_lines;
    struct curl_slist *connect_to;
    CURLU *url;

    // request
    str method;
    fetch_segment *segments;
    size_t segment_count;
    size_t segment_at;    // the one being sent
    uint64_t segment_pos; // bytes of it already sent
    uint64_t body_len;
    fetch_route route;
    uint64_t timeout_ms;
    size_t body_bytes_max;
    bool (*on_body)(void *ctx, str piece);
    void (*on_done)(void *ctx, const fetch_response *res, const err *e);
    void *ctx;

    // response
    int status;
    str reason;
    str http_version;
    VEC(fetch_header) headers;
    size_t header_bytes;
    bool head_done;
    buf body;
    uint64_t body_bytes;

    bool added;  // libcurl has the handle
    bool doomed; // cancelled inside one of libcurl's callbacks
    err fail;    // why one of our callbacks ended the call, or what is wrong with the request
    char curl_text[CURL_ERROR_SIZE];
};

const fetch_policy *call_policy(const fetch_call *call);

// request.c: sets the handle up from the request. FETCH_REQUEST, FETCH_ADDRESS.
CODE_CHECKED call_prepare(fetch_call *call, const fetch_request *req, err *e);

// response.c: libcurl's callbacks for what arrives.
size_t call_on_header(char *ptr, size_t size, size_t count, void *ctx);
size_t call_on_body(char *ptr, size_t size, size_t count, void *ctx);
// Fills what libcurl knows about the exchange; borrowed from the call.
void call_describe(fetch_call *call, fetch_response *ret);

// failure.c: what a failure of libcurl means. Returns Node's name for it.
const char *call_failure(fetch_call *call, CURLcode result, err *e);
