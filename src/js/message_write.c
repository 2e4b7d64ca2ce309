// SPDX-License-Identifier: Apache-2.0
#include "js/message.h"

static void write_if(jout *w, const char *key, str value)
{
    if (value.len)
        jout_str(w, key, value);
}

static void write_cookies(jout *w, const js_cookie *list, size_t count)
{
    jout_array(w, "cookies");
    for (const js_cookie *c = list; c < list + count; c++) {
        jout_object(w, NULL);
        jout_str(w, "name", c->name);
        jout_str(w, "value", c->value);
        jout_str(w, "domain", c->domain);
        jout_str(w, "path", c->path);
        if (c->expires_ms != INT64_MAX)
            jout_i64(w, "expires", c->expires_ms);
        if (c->max_age_s >= 0)
            jout_i64(w, "maxAge", c->max_age_s);
        jout_bool(w, "secure", c->secure);
        jout_bool(w, "httpOnly", c->http_only);
        jout_bool(w, "hostOnly", c->host_only);
        write_if(w, "sameSite", c->same_site);
        jout_end(w);
    }
    jout_end(w);
}

static void write_response(jout *w, const js_response *r)
{
    jout_object(w, "response");
    if (r->status) {
        write_if(w, "id", r->id);
        jout_i64(w, "code", r->status);
        jout_str(w, "status", r->reason);
        jout_array(w, "header");
        for (size_t i = 0; i < r->header_count; i++) {
            jout_object(w, NULL);
            jout_str(w, "key", r->headers[i].name);
            jout_str(w, "value", r->headers[i].value);
            jout_end(w);
        }
        jout_end(w);
        jout_i64(w, "responseTime", (int64_t)r->time_ms);
        jout_i64(w, "responseSize", (int64_t)r->body.len);
        jout_i64(w, "downloadedBytes", (int64_t)r->wire_body_bytes);
        jout_i64(w, "headerBytes", (int64_t)r->header_bytes);
    }
    write_cookies(w, r->cookies, r->cookie_count);
    jout_end(w);
}

void message_write_scope(buf *out, const js_scope *s)
{
    jout w = jout_new(out, JSON_COMPACT);
    jout_object(&w, NULL);
    write_if(&w, "id", s->id);
    write_if(&w, "name", s->name);
    if (s->values.len)
        jout_raw(&w, "values", s->values);
    jout_end(&w);
}

void message_write_run(buf *out, const js_script *s, uint32_t columns)
{
    jout w = jout_new(out, JSON_COMPACT);
    jout_object(&w, NULL);
    jout_str(&w, "event", s->event == JS_TEST ? STR("test") : STR("prerequest"));
    jout_i64(&w, "iteration", s->iteration);
    jout_i64(&w, "iterationCount", s->iteration_count);
    jout_str(&w, "requestId", s->request_id);
    jout_str(&w, "requestName", s->request_name);
    write_if(&w, "requestDescription", s->request_description);
    jout_array(&w, "location");
    for (size_t i = 0; i < s->location_len; i++)
        jout_str(&w, NULL, s->location[i]);
    jout_end(&w);
    jout_str(&w, "owner", s->owner);
    jout_i64(&w, "columns", columns);
    jout_bool(&w, "legacy",
              !str_starts(s->source, STR("\"use sandbox2\";")) &&
                  !str_starts(s->source, STR("'use sandbox2';")));
    if (s->response)
        write_response(&w, s->response);
    jout_end(&w);
}

static void write_failure(jout *w, const js_error *failure)
{
    if (!failure)
        return;
    jout_object(w, "failure");
    jout_str(w, "name", failure->name);
    jout_str(w, "message", failure->message);
    jout_end(w);
}

void message_write_fetched(buf *out, uint32_t id, const js_error *failure, const js_response *res)
{
    jout w = jout_new(out, JSON_COMPACT);
    jout_object(&w, NULL);
    jout_i64(&w, "id", id);
    write_failure(&w, failure);
    if (res)
        write_response(&w, res);
    jout_end(&w);
}

void message_write_cookies(buf *out, uint32_t id, const js_error *failure, const js_cookie *list,
                           size_t count)
{
    jout w = jout_new(out, JSON_COMPACT);
    jout_object(&w, NULL);
    jout_i64(&w, "id", id);
    write_failure(&w, failure);
    write_cookies(&w, list, count);
    jout_end(&w);
}
