// SPDX-License-Identifier: Apache-2.0
// Calls: their list, their beginning and their one end.
#include "fetch/call.h"

// ---- calls ------------------------------------------------------------------------------------

static void link_call(fetch_client *c, fetch_call *call)
{
    call->next = c->calls;
    if (c->calls)
        c->calls->prev = call;
    c->calls = call;
}

static void unlink_call(fetch_call *call)
{
    if (call->prev)
        call->prev->next = call->next;
    else
        call->client->calls = call->next;
    if (call->next)
        call->next->prev = call->prev;
}

static void call_free(fetch_call *call)
{
    task_cancel(&call->begin);
    unlink_call(call);
    call->engine->release(call);
    decoder_free(call->decoder);
    buf_deinit(&call->body);
    vec_deinit(&call->headers);
    arena_deinit(&call->mem);
    free(call);
}

// ---- the end ----------------------------------------------------------------------------------

static void describe(fetch_call *call, fetch_response *ret)
{
    *ret = (fetch_response){
        .status = call->status,
        .reason = call->reason,
        .http_version = call->http_version,
        .headers = call->headers.ptr,
        .header_count = call->headers.len,
        .body = buf_str(&call->body),
        .body_bytes = call->body_bytes,
        .wire_body_bytes = call->wire_body_bytes,
        .header_bytes = call->header_bytes,
        .remote_ip = "",
        .failure = call->failure,
    };
    if (call->fail.code && !ret->failure)
        ret->failure = call->fail.code == FETCH_ADDRESS ? "EACCES" : code_id(call->fail.code);
    call->engine->describe(call, ret);
}

bool fetch_finish(fetch_call *call)
{
    fetch_client *c = call->client;
    if (call->doomed) {
        call_free(call);
        return true;
    }
    fetch_response res;
    bool freed = false;
    describe(call, &res);
    c->freed = &freed; // to free the client inside on_done is to free this call with it
    call->on_done(call->ctx, &res, res.failure ? &call->fail : NULL);
    if (freed)
        return false;
    c->freed = NULL;
    call_free(call);
    return true;
}

// ---- public -----------------------------------------------------------------------------------

fetch_client *fetch_client_new(loop *l, fetch_policy policy)
{
    fetch_client *c = NEW(fetch_client);
    c->loop = l;
    c->policy = policy;
    return c;
}

void fetch_client_free(fetch_client *c)
{
    if (!c)
        return;
    if (c->freed)
        *c->freed = true;
    while (c->calls)
        call_free(c->calls);
    origins_free(c);
    if (c->multi)
        curl_multi_cleanup(c->multi);
    timer_free(c->timer);
    free(c);
}

static void begin(void *ctx)
{
    fetch_call *call = ctx;
    if (call->fail.code)
        fetch_finish(call);
    else
        call->engine->begin(call);
}

fetch_call *fetch_start(fetch_client *c, const fetch_request *req)
{
    fetch_call *call = NEW(fetch_call);
    uri_url url;
    call->client = c;
    call->timeout_ms = req->timeout_ms;
    call->connect_timeout_ms = req->connect_timeout_ms ? req->connect_timeout_ms : 30000;
    call->body_bytes_max = req->body_bytes_max ? req->body_bytes_max : FETCH_BODY_BYTES_MAX;
    call->raw_body = req->raw_body;
    call->on_body = req->on_body;
    call->on_done = req->on_done;
    call->ctx = req->ctx;
    call->begin = (task){.run = begin, .ctx = call};
    arena_init(&call->mem);
    buf_init(&call->body, call->body_bytes_max);
    link_call(c, call);
    call->engine = engine_for(call, req, &url);
    // A refusal is told by begin, which runs later: no callback inside this call.
    (void)!fetch_prepare(call, req, &url, &call->fail);
    task_post(c->loop, &call->begin);
    return call;
}

void fetch_cancel(fetch_call *call)
{
    if (call->engine->is_held(call))
        call->doomed = true;
    else
        call_free(call);
}
