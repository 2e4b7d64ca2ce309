// SPDX-License-Identifier: Apache-2.0
// What a head means, where RFC 9112 leaves no choice or where implementations differ (threats 7
// and 10).
#include "http/message.h"
#include "http/parse.h"
#include "uri/uri.h"

static bool refuse(parser *p, int status, const char *why)
{
    p->status = status;
    p->why = why;
    return false;
}

// ---- framing: RFC 9112 §6 -----------------------------------------------------------------------

static bool response_has_no_body(const parser *p)
{
    int status = p->ll.status_code;
    return p->no_body || status / 100 == 1 || status == 204 || status == 304;
}

typedef struct framing framing;
struct framing {
    size_t lengths;
    size_t codings;
    str length;
    str coding;
};

static framing find_framing(const http_headers *h)
{
    framing f = {0};
    for (size_t i = 0; i < h->len; i++) {
        const http_header *field = &h->ptr[i];
        if (field->name.len == 14 && str_ieq(field->name, STR("content-length"))) {
            f.lengths++;
            f.length = field->value;
        } else if (field->name.len == 17 && str_ieq(field->name, STR("transfer-encoding"))) {
            f.codings++;
            f.coding = field->value;
        }
    }
    return f;
}

// RFC 9112 §6.3: chunked must be the last coding; a response with another one ends with the
// connection.
static bool ends_with_connection(const parser *p, const framing *f)
{
    return p->limits->any_coding && f->codings && !(p->ll.flags & F_CHUNKED);
}

static bool check_coding(parser *p, const framing *f)
{
    if (!f->codings || p->limits->any_coding || str_ieq(f->coding, STR("chunked")))
        return true;
    bool malformed = !f->coding.len || list_has(f->coding, STR("chunked"));
    return refuse(p, malformed ? 400 : 501, "Transfer-Encoding isn't 'chunked'");
}

static void read_response_framing(parser *p, bool told)
{
    p->bodiless = response_has_no_body(p);
    if (!told && (p->no_body || !p->bodiless))
        p->body_bytes = HTTP_BODY_CHUNKED;
    p->until_end = !p->bodiless && !told;
    p->keep_alive = p->keep_alive && !p->until_end;
}

// One length, told in one way: two readers would see two bodies.
static bool check_told_once(parser *p, const framing *f)
{
    bool any = p->limits->any_coding;
    if (f->lengths > 1 || (f->lengths && f->codings) || (f->codings > 1 && !any))
        return refuse(p, 400, "the length of the body is told twice");
    if (f->codings && p->ll.http_minor == 0 && !any)
        return refuse(p, 400, "Transfer-Encoding isn't part of HTTP/1.0");
    return check_coding(p, f);
}

bool head_check_framing(parser *p)
{
    framing f = find_framing(&p->headers);
    uint64_t length = 0;
    if (p->ll.http_major != 1)
        return refuse(p, 505, "the version isn't HTTP/1.1 or HTTP/1.0");
    if (!check_told_once(p, &f))
        return false;
    if (f.lengths && (!str_to_u64(f.length, &length) || length > INT64_MAX))
        return refuse(p, 400, "Content-Length isn't a number");
    p->body_bytes = f.codings ? HTTP_BODY_CHUNKED : (int64_t)length;
    if (p->ll.type == HTTP_REQUEST)
        return true;
    if (p->ll.status_code < 100)
        return refuse(p, 400, "the status is none");
    if (!http_value_valid(p->reason)) // which llhttp leaves to us
        return refuse(p, 400, "the reason phrase holds control characters");
    read_response_framing(p, f.codings + f.lengths > 0 && !ends_with_connection(p, &f));
    return true;
}

// ---- target and Host: RFC 9112 §3.2 -------------------------------------------------------------

// Reduces absolute-form to origin-form. A Host that names another server is refused, not ignored:
// what stands behind us may read either (threat 7).
static bool reduce_absolute(parser *p, const uri_host *host, uint16_t port, str *target)
{
    uri_url u;
    if (url_parse(p->arena, *target, &u, NULL) != OK || !scheme_port(u.scheme) || u.has_userinfo)
        return refuse(p, 400, "the request's target is malformed");
    if (!port)
        port = scheme_port(u.scheme);
    if (!str_eq(u.host.name, host->name) || u.port != port)
        return refuse(p, 400, "the target and the Host field name different servers");
    *target = u.has_query
                  ? arena_printf(p->arena, STR_FMT "?" STR_FMT, STR_ARG(u.path), STR_ARG(u.query))
                  : u.path;
    return true;
}

static bool read_target(parser *p, http_request *req)
{
    uri_host host;
    uint16_t port = 0;
    if (http_headers_count(&p->headers, STR("host")) != 1)
        return refuse(p, 400, "the request needs one Host field");
    req->host = http_headers_get(&p->headers, STR("host"));
    if (authority_parse(p->arena, req->host, &host, &port, NULL) != OK)
        return refuse(p, 400, "the Host field is malformed");
    req->target = p->target;
    if (!target_is_clean(p->target) || str_chr(p->target, '#') >= 0)
        return refuse(p, 400, "the request's target is malformed");
    if (p->target.ptr[0] == '/')
        return true;
    if (str_eq(p->target, STR("*")))
        return str_eq(req->method, STR("OPTIONS")) ||
               refuse(p, 400, "the target '*' is for OPTIONS only");
    return reduce_absolute(p, &host, port, &req->target);
}

// RFC 9112 §3.2.3: HOST:PORT. Clients of HTTP/1.0 send no Host field with it; one that names
// another server is refused (threat 7).
static bool read_connect_target(parser *p, http_request *req)
{
    uri_host to, host;
    uint16_t port = 0, host_port = 0;
    size_t hosts = http_headers_count(&p->headers, STR("host"));
    req->target = req->host = p->target;
    if (!target_is_clean(p->target) ||
        authority_parse(p->arena, p->target, &to, &port, NULL) != OK || !port)
        return refuse(p, 400, "the target of CONNECT isn't HOST:PORT");
    if (p->body_bytes)
        return refuse(p, 400, "CONNECT has no body");
    if (!hosts && p->ll.http_minor == 0)
        return true;
    str field = http_headers_get(&p->headers, STR("host"));
    if (hosts != 1 || authority_parse(p->arena, field, &host, &host_port, NULL) != OK)
        return refuse(p, 400, "the request needs one Host field");
    return (str_eq(host.name, to.name) && (!host_port || host_port == port)) ||
           refuse(p, 400, "the target and the Host field name different servers");
}

bool head_read_request(parser *p, http_request *req)
{
    bool connect = llhttp_get_method(&p->ll) == HTTP_CONNECT;
    if (connect && !p->limits->connect)
        return refuse(p, 501, "CONNECT isn't offered");
    *req = (http_request){.method = str_from(llhttp_method_name(llhttp_get_method(&p->ll))),
                          .version_major = 1,
                          .version_minor = p->ll.http_minor,
                          .body_bytes = p->body_bytes};
    if (!(connect ? read_connect_target(p, req) : read_target(p, req)))
        return false;
    req->headers = p->headers;
    str expect = http_headers_get(&p->headers, STR("expect"));
    if (expect.ptr && req->version_minor > 0) {
        if (!str_ieq(expect, STR("100-continue")))
            return refuse(p, 417, "the only expectation that is met is 100-continue");
        req->expects_continue = req->body_bytes != 0;
    }
    req->upgrade = req->version_minor > 0 && p->ll.flags & F_CONNECTION_UPGRADE &&
                   http_headers_has(&p->headers, STR("upgrade"));
    return true;
}

void head_read_response(const parser *p, http_response *res)
{
    *res = (http_response){.status = p->ll.status_code,
                           .reason = p->reason,
                           .headers = p->headers,
                           .version_major = 1,
                           .version_minor = p->ll.http_minor,
                           .body_bytes = p->body_bytes};
}
