// SPDX-License-Identifier: Apache-2.0
// From an exchange to a call, and back.
#include "google/key_job.h"

typedef struct served served;
struct served {
    call c;
    http_exchange *x;
};

static void on_answer(call *c)
{
    served *s = c->ctx;
    http_reply(s->x, c->status, c->headers, c->header_count, c->answer);
}

static void on_done(void *ctx, const http_outcome *o)
{
    served *s = ctx;
    (void)o;
    if (s->c.job)
        key_job_abandon(s->c.job);
}

static served *serve(google *g, http_exchange *x)
{
    const http_request *r = http_exchange_request(x);
    served *s = ARENA_NEW(http_exchange_arena(x), served);
    call *c = &s->c;
    s->x = x;
    c->g = g;
    c->mem = http_exchange_arena(x);
    c->method = r->method;
    str_cut(r->target, '?', &c->path, &c->query);
    c->content_type = http_headers_get(&r->headers, STR("content-type"));
    c->authorization = http_headers_get(&r->headers, STR("authorization"));
    c->authorization_count = http_headers_count(&r->headers, STR("authorization"));
    c->flavor = http_headers_get(&r->headers, STR("metadata-flavor"));
    c->forwarded = http_headers_has(&r->headers, STR("x-forwarded-for"));
    c->now_s = clock_wall_s();
    c->on_answer = on_answer;
    c->ctx = s;
    c->http = (audit_call){
        .method = r->method,
        .url = arena_printf(c->mem, STR_FMT STR_FMT, STR_ARG(g->base), STR_ARG(r->target)),
        .protocol = STR("HTTP/1.1"),
        .user_agent = http_headers_get(&r->headers, STR("user-agent")),
        .remote_ip = str_from(http_exchange_peer_ip(x)),
    };
    http_exchange_on_done(x, on_done, s);
    return s;
}

static void on_body(void *ctx, str body, const err *e)
{
    served *s = ctx;
    if (!e) {
        s->c.body = body;
        google_route(&s->c);
        return;
    }
    bool large = e->code == SYS_LIMIT;
    http_header type = {STR("content-type"), STR("text/plain; charset=UTF-8")};
    http_reply(s->x, large ? 413 : 400, &type, 1,
               large ? STR("Request Entity Too Large\n") : STR("Bad Request\n"));
}

void google_on_request(void *ctx, http_exchange *x)
{
    served *s = serve(ctx, x);
    http_exchange_read_body(x, GOOGLE_BODY_BYTES_MAX, on_body, s);
}

void google_metadata_on_request(void *ctx, http_exchange *x)
{
    google_metadata *m = ctx;
    served *s = serve(metadata_google(m), x);
    metadata_route(m, &s->c);
}
