// SPDX-License-Identifier: Apache-2.0
// A call as a line of JSON.
#include "mock/mock.h"

enum { BODY_SHOWN_MAX = 1 << 20 };

static bool is_secret(str name)
{
    static const str secrets[] = {
        STR("authorization"), STR("proxy-authorization"), STR("x-serverless-authorization"),
        STR("cookie"),        STR("x-api-key"),
    };
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
        if (str_ieq(name, secrets[i]))
            return true;
    return false;
}

static void write_headers(const http_headers *h, jout *w)
{
    jout_array(w, "headers");
    for (size_t i = 0; i < h->len; i++) {
        jout_object(w, NULL);
        jout_str(w, "key", h->ptr[i].name);
        jout_str(w, "value", is_secret(h->ptr[i].name) ? STR("***") : h->ptr[i].value);
        jout_end(w);
    }
    jout_end(w);
}

void mock_call_json(const mock_call *c, buf *out)
{
    char time[CLOCK_RFC3339_MAX];
    clock_rfc3339(clock_wall_ns(), time);
    jout w = jout_new(out, JSON_COMPACT);
    jout_object(&w, NULL);
    jout_str(&w, "time", str_from(time));
    jout_str(&w, "remoteIp", str_from(c->peer_ip));
    jout_object(&w, "request");
    jout_str(&w, "method", c->request->method);
    jout_str(&w, "url", c->request->target);
    write_headers(&c->request->headers, &w);
    jout_str(&w, "body", str_sub(c->body, 0, BODY_SHOWN_MAX));
    if (c->body.len > BODY_SHOWN_MAX)
        jout_i64(&w, "bodyBytes", (int64_t)c->body.len);
    jout_end(&w);
    jout_i64(&w, "status", c->status);
    if (c->why.len)
        jout_str(&w, "why", c->why);
    else {
        jout_str(&w, "example", c->example);
        jout_str(&w, "name", c->request_name);
    }
    jout_f64(&w, "durationMs", (double)c->duration_ns / 1e6);
    jout_end(&w);
}
