// SPDX-License-Identifier: Apache-2.0
// The admin port: GET /healthz and GET /status. It is on loopback and tells no secret, but a page
// in a browser must not read it either (DNS rebinding), so it knows its own address only (threats
// 36, 46).
#include "cloudrun/up_own.h"

static bool own_host(up *u, str host)
{
    uint16_t port = http_server_port(u->admin_server);
    char own[64];
    static const char *const names[] = {"127.0.0.1", "localhost"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(own, sizeof(own), "%s:%u", names[i], port);
        if (str_ieq(host, str_from(own)))
            return true;
    }
    return false;
}

static void write_service(const up_service *s, jout *w)
{
    revision_status now = revision_count(s->revision);
    jout_object(w, NULL);
    jout_str(w, "name", s->spec->name);
    jout_str(w, "url", s->url);
    jout_str(w, "revision", s->spec->revision);
    jout_object(w, "instances");
    jout_i64(w, "starting", now.starting);
    jout_i64(w, "ready", now.ready);
    jout_i64(w, "stopping", now.stopping);
    jout_i64(w, "started", (int64_t)now.starts);
    jout_end(w);
    jout_i64(w, "calls", now.calls);
    jout_i64(w, "waiting", now.waiting);
    jout_end(w);
}

static void reply_status(up *u, http_exchange *x)
{
    buf body;
    buf_init(&body, 1 << 20);
    jout w = jout_new(&body, JSON_PRETTY);
    jout_object(&w, NULL);
    jout_str(&w, "project", u->project->id);
    jout_array(&w, "services");
    for (size_t i = 0; i < u->service_count; i++)
        write_service(&u->services[i], &w);
    jout_end(&w);
    jout_end(&w);
    buf_addc(&body, '\n');
    http_header type = {STR("content-type"), STR("application/json")};
    http_reply(x, 200, &type, 1, buf_str(&body));
    buf_deinit(&body);
}

static void on_request(void *ctx, http_exchange *x)
{
    up *u = ctx;
    const http_request *rq = http_exchange_request(x);
    if (!own_host(u, rq->host) || http_headers_has(&rq->headers, STR("origin")))
        http_reply_text(x, 403, "this port answers to its own address only");
    else if (!str_eq(rq->method, STR("GET")))
        http_reply_text(x, 405, "only GET is possible here");
    else if (str_eq(rq->target, STR("/healthz")))
        http_reply_text(x, 200, "ok");
    else if (str_eq(rq->target, STR("/status")))
        reply_status(u, x);
    else
        http_reply_text(x, 404, "there are /healthz and /status");
}

code up_admin_listen(up *u, err *e)
{
    http_server_options o = {.connections_max = 16, .on_request = on_request, .ctx = u};
    return http_server_new(u->loop, &o, &u->admin_server, e);
}
