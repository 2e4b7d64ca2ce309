// SPDX-License-Identifier: Apache-2.0
// What a fetch_request means, whichever engine carries it.
#include <arpa/inet.h>
#include <errno.h>
#include <unistd.h>

#include "fetch/call.h"

// Bytes that would end the line or the string; everything else may be sent (RFC 9110 §5.5).
bool fetch_has_line_break(str s)
{
    return str_chr(s, '\r') >= 0 || str_chr(s, '\n') >= 0 || str_chr(s, '\0') >= 0;
}

// ---- where it goes ----------------------------------------------------------------------------

// Leaves the zone as it was when the host is a name.
static void zone_of_text(str host, fetch_zone *zone)
{
    char text[INET6_ADDRSTRLEN];
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (str_starts(host, STR("[")) && str_ends(host, STR("]")))
        host = str_sub(host, 1, host.len - 1);
    if (host.len >= sizeof(text))
        return;
    memcpy(text, host.ptr, host.len);
    text[host.len] = '\0';
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
        *zone = fetch_zone_of((const struct sockaddr *)&in);
    else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1)
        *zone = fetch_zone_of((const struct sockaddr *)&in6);
}

// Judges a host that is an address already, and the names that metadata servers go by: where a
// proxy resolves names, no address passes our own check before a connect.
code fetch_judge_host(const fetch_call *call, str host, err *e)
{
    static const char *const metadata_names[] = {"metadata.google.internal", "metadata",
                                                 "metadata.goog", "instance-data",
                                                 "metadata.azure.internal"};
    if (call->route.address)
        return OK;
    if (str_ends(host, STR(".")))
        host.len--;
    fetch_zone zone = FETCH_ZONE_PUBLIC;
    for (size_t i = 0; i < ARRAY_LEN(metadata_names); i++)
        if (str_ieq(host, str_from(metadata_names[i])))
            zone = FETCH_ZONE_METADATA;
    zone_of_text(host, &zone);
    if (fetch_policy_allows(&call->client->policy, zone))
        return OK;
    return err_set(e, FETCH_ADDRESS,
                   "'" STR_FMT "' is a %s address, which may not be reached from "
                   "here",
                   STR_ARG(host), fetch_zone_name(zone));
}

code fetch_judge_address(const fetch_policy *p, const struct sockaddr *to, err *e)
{
    fetch_zone zone = fetch_zone_of(to);
    if (fetch_policy_allows(p, zone))
        return OK;
    return err_set(e, FETCH_ADDRESS,
                   "the host resolves to a %s address, which may not be reached from here",
                   fetch_zone_name(zone));
}

// ---- headers ----------------------------------------------------------------------------------

static bool is_framing(str name)
{
    return str_ieq(name, STR("Content-Length")) || str_ieq(name, STR("Transfer-Encoding"));
}

// Every metadata server of Google's kind, emulators on loopback included, answers only to these: an
// ordinary page can't send them, and no collection may (threat 42).
static bool asks_metadata(str name)
{
    return str_ieq(name, STR("Metadata-Flavor")) || str_ieq(name, STR("X-Google-Metadata-Request"));
}

static code check_header(const fetch_call *call, const fetch_header *h, err *e)
{
    if (asks_metadata(h->name) && !call->client->policy.metadata)
        return err_set(e, FETCH_ADDRESS,
                       "the header '" STR_FMT "' asks a metadata server, which may not be reached "
                       "from here",
                       STR_ARG(h->name));
    if (!http_name_valid(h->name))
        return err_set(e, FETCH_REQUEST, "'" STR_FMT "' can't be the name of a header",
                       STR_ARG(h->name));
    if (fetch_has_line_break(h->value))
        return err_set(e, FETCH_REQUEST,
                       "the value of the header '" STR_FMT "' has a line break or a NUL in it",
                       STR_ARG(h->name));
    return OK;
}

// Host, when the request names one itself.
static code find_host(const fetch_call *call, const fetch_request *req, const fetch_header **ret,
                      err *e)
{
    *ret = NULL;
    for (size_t i = 0; i < req->header_count; i++) {
        const fetch_header *h = &req->headers[i];
        if (!str_ieq(h->name, STR("Host")))
            continue;
        if (*ret)
            return err_set(e, FETCH_REQUEST, "the request has two Host headers");
        *ret = h;
    }
    return *ret ? check_header(call, *ret, e) : OK;
}

static code add_headers(fetch_call *call, const fetch_request *req, const uri_url *u, err *e)
{
    const fetch_header *host;
    code c = find_host(call, req, &host, e);
    if (c)
        return c;
    str authority = host ? str_trim(host->value) : call->engine->authority(call, u);
    call->engine->add_field(call, STR("Host"), authority);
    for (size_t i = 0; i < req->header_count; i++) {
        const fetch_header *h = &req->headers[i];
        // Framing follows the body that is sent, whatever the request claims (threat 10).
        if (h == host || is_framing(h->name))
            continue;
        c = check_header(call, h, e);
        if (c)
            return c;
        call->engine->add_field(call, h->name, str_trim(h->value));
    }
    return OK;
}

// ---- body -------------------------------------------------------------------------------------

static uint64_t segment_len(const fetch_segment *s)
{
    return s->file_fd < 0 ? s->bytes.len : s->len;
}

// The next bytes of one segment, or -1 when its file can't give them.
static ssize_t segment_read(const fetch_segment *s, uint64_t pos, char *to, size_t max)
{
    uint64_t left = segment_len(s) - pos;
    size_t n = left < max ? (size_t)left : max;
    if (s->file_fd < 0) {
        memcpy(to, s->bytes.ptr + pos, n);
        return (ssize_t)n;
    }
    ssize_t got;
    do {
        got = pread(s->file_fd, to, n, (off_t)(s->offset + pos));
    } while (got < 0 && errno == EINTR);
    return got > 0 ? got : -1;
}

ssize_t fetch_read_body(fetch_call *call, char *to, size_t max)
{
    while (call->segment_at < call->segment_count) {
        const fetch_segment *s = &call->segments[call->segment_at];
        if (call->segment_pos == segment_len(s)) {
            call->segment_at++;
            call->segment_pos = 0;
            continue;
        }
        ssize_t n = segment_read(s, call->segment_pos, to, max);
        if (n < 0) {
            (void)err_sys(&call->fail, FETCH_REQUEST, errno, "a file of the body can't be read");
            return -1;
        }
        call->segment_pos += (uint64_t)n;
        return n;
    }
    return 0;
}

void fetch_rewind_body(fetch_call *call)
{
    call->segment_at = 0;
    call->segment_pos = 0;
}

static void take_body(fetch_call *call, const fetch_request *req)
{
    call->segment_count = req->body_count;
    call->segments = arena_array(&call->mem, req->body_count, sizeof(fetch_segment));
    for (size_t i = 0; i < req->body_count; i++) {
        call->segments[i] = req->body[i];
        call->body_len += segment_len(&req->body[i]);
    }
}

// ---- the whole --------------------------------------------------------------------------------

static code take_method(fetch_call *call, str method, err *e)
{
    call->method = method.len ? arena_str(&call->mem, method) : STR("GET");
    if (!http_name_valid(call->method))
        return err_set(e, FETCH_REQUEST, "'" STR_FMT "' can't be a method", STR_ARG(call->method));
    if (str_eq(call->method, STR("CONNECT")))
        return err_set(e, FETCH_REQUEST, "CONNECT opens a tunnel; it is no request to a server");
    return OK;
}

code fetch_prepare(fetch_call *call, const fetch_request *req, const uri_url *u, err *e)
{
    if (req->route.address) {
        call->route = req->route;
        call->route.address = arena_cstr(&call->mem, str_from(req->route.address));
    }
    if (req->body_count)
        take_body(call, req);
    code c = take_method(call, req->method, e);
    if (!c)
        c = call->engine->open(call, req, u, e);
    if (!c)
        c = add_headers(call, req, u, e);
    return c ? c : call->engine->ready(call, req, e);
}
