// SPDX-License-Identifier: Apache-2.0
// Where Prometheus asks. It tells names of requests and numbers, and changes nothing.
#include "http/http.h"
#include "load/load.h"
#include "uri/uri.h"

enum { METRICS_BYTES_MAX = 16 << 20, CONNECTIONS_MAX = 16 };

struct load_endpoint {
    http_server *server;
    load_job *job;
    char *address; // as it stands in a URL
};

// A page whose name was pointed at this machine can't hide that name, and no browser lets it ask
// under an address that isn't its own without an Origin.
static bool is_ours(http_exchange *x)
{
    const http_request *rq = http_exchange_request(x);
    uri_host h;
    uint16_t port;
    if (http_headers_has(&rq->headers, STR("origin")) ||
        authority_parse(http_exchange_arena(x), rq->host, &h, &port, NULL))
        return false;
    return h.kind != HOST_NAME || str_eq(h.name, STR("localhost"));
}

static void reply_metrics(const load_endpoint *p, http_exchange *x)
{
    http_header type = {STR("content-type"), STR("text/plain; version=0.0.4; charset=utf-8")};
    buf body;
    buf_init(&body, METRICS_BYTES_MAX);
    load_metrics(&body, load_job_results(p->job));
    http_reply(x, 200, &type, 1, buf_str(&body));
    buf_deinit(&body);
}

static void on_request(void *ctx, http_exchange *x)
{
    const load_endpoint *p = ctx;
    const http_request *rq = http_exchange_request(x);
    if (!is_ours(x))
        http_reply_text(x, 403,
                        "this port answers under an address or localhost, not to web pages");
    else if (!str_eq(rq->method, STR("GET")) && !str_eq(rq->method, STR("HEAD")))
        http_reply_text(x, 405, "only GET is possible here");
    else if (str_eq(rq->target, STR("/metrics")))
        reply_metrics(p, x);
    else
        http_reply_text(x, 404, "there is /metrics");
}

static code bad_place(str where, err *e)
{
    (void)err_set(e, OPTION_INVALID,
                  "--prometheus: '" STR_FMT "' is neither a port nor an address with one",
                  STR_ARG(where));
    return err_hint(e, "for example: --prometheus 9464, or --prometheus 0.0.0.0:9464");
}

static code read_place(arena *a, str where, uri_host *ret_host, uint16_t *ret_port, err *e)
{
    ssize_t colon = str_rchr(where, ':');
    str host = colon < 0 ? STR("127.0.0.1") : str_sub(where, 0, (size_t)colon);
    uint64_t port;
    if (!str_to_u64(str_skip(where, (size_t)(colon + 1)), &port) || port > UINT16_MAX ||
        host_parse(a, host, ret_host, NULL) || ret_host->kind == HOST_NAME ||
        (ret_host->kind == HOST_IPV6 && !str_starts(host, STR("["))))
        return bad_place(where, e);
    *ret_port = (uint16_t)port;
    return OK;
}

code load_endpoint_new(loop *l, load_job *job, str where, load_endpoint **ret, err *e)
{
    load_endpoint *p = NEW(load_endpoint);
    arena a;
    uri_host h;
    http_server_options o = {
        .connections_max = CONNECTIONS_MAX, .on_request = on_request, .ctx = p};
    arena_init(&a);
    p->job = job;
    code c = read_place(&a, where, &h, &o.port, e);
    if (c == OK) {
        o.host = arena_cstr(&a, h.name);
        p->address = mem_dup(h.kind == HOST_IPV6 ? arena_printf(&a, "[%s]", o.host).ptr : o.host);
        c = http_server_new(l, &o, &p->server, e);
    }
    arena_deinit(&a);
    if (c == OK)
        *ret = p;
    else
        load_endpoint_free(p);
    return c;
}

void load_endpoint_free(load_endpoint *p)
{
    if (!p)
        return;
    http_server_free(p->server);
    free(p->address);
    free(p);
}

void load_endpoint_url(const load_endpoint *p, buf *out)
{
    buf_addf(out, "http://%s:%u/metrics", p->address, (unsigned)http_server_port(p->server));
}
