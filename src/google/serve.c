// SPDX-License-Identifier: Apache-2.0
// From an exchange to a call, and back.
#include "google/call.h"
#include "uri/uri.h"

const str google_hosts[GOOGLE_HOSTS] = {
    {"oauth2.googleapis.com", 21},
    {"sts.googleapis.com", 18},
    {"iam.googleapis.com", 18},
    {"iamcredentials.googleapis.com", 29},
    {"run.googleapis.com", 18},
    {"cloudresourcemanager.googleapis.com", 35},
    {"policyanalyzer.googleapis.com", 29},
    {"www.googleapis.com", 18},
    {"accounts.google.com", 19},
};

typedef struct served served;
struct served {
    call c;
    http_exchange *x;
};

static void on_answer(call *c)
{
    served *s = c->ctx;
    if (c->past_gates)
        http_reply_past_gates(s->x);
    http_reply(s->x, c->status, c->headers, c->header_count, c->answer);
}

static void on_done(void *ctx, const http_outcome *o)
{
    served *s = ctx;
    (void)o;
    if (s->c.on_left)
        s->c.on_left(&s->c);
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

// A web page whose name was pointed at this machine (DNS rebinding) may ask anything of an address
// that it calls its own, but can't hide that name (threat 46).
static bool named_as_ours(http_exchange *x)
{
    static const char *const names[] = {"accounts.google.com", "metadata.google.internal",
                                        "metadata", "169.254.169.254"};
    uri_host h;
    uint16_t port;
    arena *mem = http_exchange_arena(x);
    if (authority_parse(mem, http_exchange_request(x)->host, &h, &port, NULL))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(h.name, str_from(names[i])))
            return true;
    return host_is_loopback(&h) || host_within(h.name, STR("googleapis.com"));
}

static bool refuse_foreign_name(http_exchange *x)
{
    if (named_as_ours(x))
        return false;
    http_reply_text(x, 403, "this server answers under a loopback address and Google's own names");
    return true;
}

// Of the two servers this one gives tokens to who has none: to this user's programs, then (threat
// 46).
static bool refuse_stranger(const google_metadata *m, http_exchange *x)
{
    uid_t uid;
    if (!http_exchange_peer_uid(x, &uid) || metadata_serves(m, uid))
        return false;
    http_reply_text(x, 403, "this server answers to programs of its own user only");
    return true;
}

void google_on_request(void *ctx, http_exchange *x)
{
    if (refuse_foreign_name(x))
        return;
    served *s = serve(ctx, x);
    http_exchange_read_body(x, GOOGLE_BODY_BYTES_MAX, on_body, s);
}

void google_metadata_on_request(void *ctx, http_exchange *x)
{
    google_metadata *m = ctx;
    if (refuse_foreign_name(x) || refuse_stranger(m, x))
        return;
    served *s = serve(metadata_google(m), x);
    metadata_route(m, &s->c);
}
