// SPDX-License-Identifier: Apache-2.0
// From a fetch_request to the options of a libcurl handle.
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fetch/call.h"

enum { CONNECT_TIMEOUT_MS = 30000 };

static bool is_token_char(char c)
{
    return ascii_is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_token_char(s.ptr[i]))
            return false;
    return s.len > 0;
}

// Bytes that would end the line or the string; everything else may be sent (RFC 9110 §5.5).
static bool has_line_break(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] == '\r' || s.ptr[i] == '\n' || s.ptr[i] == '\0')
            return true;
    return false;
}

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

// ---- URL --------------------------------------------------------------------------------------

static code parse_url(fetch_call *call, str url, err *e)
{
    if (has_line_break(url))
        return err_set(e, FETCH_REQUEST, "the URL has a line break or a NUL in it");
    call->url = curl_url();
    CURLUcode rc =
        curl_url_set(call->url, CURLUPART_URL, arena_cstr(&call->mem, url), CURLU_PATH_AS_IS);
    if (rc)
        return err_set(e, FETCH_REQUEST, "the URL '" STR_FMT "' can't be read: %s", STR_ARG(url),
                       curl_url_strerror(rc));
    char *scheme = NULL;
    curl_url_get(call->url, CURLUPART_SCHEME, &scheme, 0);
    bool http = scheme && (!strcmp(scheme, "http") || !strcmp(scheme, "https"));
    curl_free(scheme);
    if (!http) {
        (void)err_set(e, FETCH_REQUEST, "the URL '" STR_FMT "' is neither http nor https",
                      STR_ARG(url));
        return err_hint(e, "requests go to addresses that begin with https:// or http://");
    }
    // Credentials in a URL are the caller's to turn into a header: libcurl must not act on them.
    curl_url_set(call->url, CURLUPART_USER, NULL, 0);
    curl_url_set(call->url, CURLUPART_PASSWORD, NULL, 0);
    curl_url_set(call->url, CURLUPART_OPTIONS, NULL, 0);
    curl_url_set(call->url, CURLUPART_FRAGMENT, NULL, 0);
    return OK;
}

// Host as the URL has it: with its port unless that is the scheme's own.
static str host_of_url(fetch_call *call)
{
    char *host = NULL, *port = NULL;
    curl_url_get(call->url, CURLUPART_HOST, &host, 0);
    curl_url_get(call->url, CURLUPART_PORT, &port, CURLU_NO_DEFAULT_PORT);
    str text = port ? arena_printf(&call->mem, "%s:%s", host, port)
                    : arena_printf(&call->mem, "%s", host ? host : "");
    curl_free(host);
    curl_free(port);
    return text;
}

// Judges a host that is an address already, and the names that metadata servers go by: where a
// proxy resolves names, no address passes our own check before a connect.
static code judge_host(fetch_call *call, err *e)
{
    static const char *const metadata_names[] = {"metadata.google.internal", "metadata",
                                                 "metadata.goog", "instance-data",
                                                 "metadata.azure.internal"};
    char *text = NULL;
    curl_url_get(call->url, CURLUPART_HOST, &text, 0);
    str host = arena_str(&call->mem, str_from(text));
    curl_free(text);
    if (str_ends(host, STR(".")))
        host.len--;
    fetch_zone zone = FETCH_ZONE_PUBLIC;
    for (size_t i = 0; i < ARRAY_LEN(metadata_names); i++)
        if (str_ieq(host, str_from(metadata_names[i])))
            zone = FETCH_ZONE_METADATA;
    zone_of_text(host, &zone);
    if (fetch_policy_allows(call_policy(call), zone))
        return OK;
    return err_set(e, FETCH_ADDRESS,
                   "'" STR_FMT "' is a %s address, which may not be reached from "
                   "here",
                   STR_ARG(host), fetch_zone_name(zone));
}

static code apply_route(fetch_call *call, err *e)
{
    const fetch_route *r = &call->route;
    bool v6 = strchr(r->address, ':') != NULL;
    str to = arena_printf(&call->mem, v6 ? "::[%s]:%u" : "::%s:%u", r->address, r->port);
    call->connect_to = curl_slist_append(NULL, to.ptr);
    curl_easy_setopt(call->easy, CURLOPT_CONNECT_TO, call->connect_to);
    if (!r->plain)
        return OK;
    // The port is spelled out so that the change of scheme does not change it.
    char *port = NULL;
    curl_url_get(call->url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
    CURLUcode rc = curl_url_set(call->url, CURLUPART_PORT, port, 0);
    curl_free(port);
    if (!rc)
        rc = curl_url_set(call->url, CURLUPART_SCHEME, "http", 0);
    return rc ? err_set(e, FETCH_REQUEST, "the route can't be applied: %s", curl_url_strerror(rc))
              : OK;
}

// ---- headers ----------------------------------------------------------------------------------

static void add_line(fetch_call *call, str line)
{
    call->header_lines = curl_slist_append(call->header_lines, line.ptr);
}

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

static code add_header(fetch_call *call, const fetch_header *h, err *e)
{
    if (asks_metadata(h->name) && !call_policy(call)->metadata)
        return err_set(e, FETCH_ADDRESS,
                       "the header '" STR_FMT "' asks a metadata server, which may not be reached "
                       "from here",
                       STR_ARG(h->name));
    if (!is_token(h->name))
        return err_set(e, FETCH_REQUEST, "'" STR_FMT "' can't be the name of a header",
                       STR_ARG(h->name));
    if (has_line_break(h->value))
        return err_set(e, FETCH_REQUEST,
                       "the value of the header '" STR_FMT "' has a line break or a NUL in it",
                       STR_ARG(h->name));
    // libcurl's way to say "with an empty value" is a semicolon in place of the colon.
    str value = str_trim(h->value);
    add_line(call, value.len ? arena_printf(&call->mem, STR_FMT ": " STR_FMT, STR_ARG(h->name),
                                            STR_ARG(value))
                             : arena_printf(&call->mem, STR_FMT ";", STR_ARG(h->name)));
    return OK;
}

// What libcurl would send by itself unless told not to.
static const char *const own_headers[] = {"User-Agent", "Accept", "Accept-Encoding", "Content-Type",
                                          "Expect"};

static code apply_headers(fetch_call *call, const fetch_request *req, str host, err *e)
{
    bool given[ARRAY_LEN(own_headers)] = {false};
    bool host_given = false;
    for (size_t i = 0; i < req->header_count; i++) {
        const fetch_header *h = &req->headers[i];
        // Framing follows the body that is sent, whatever the request claims (threat 10).
        if (is_framing(h->name))
            continue;
        bool is_host = str_ieq(h->name, STR("Host"));
        if (is_host && host_given)
            return err_set(e, FETCH_REQUEST, "the request has two Host headers");
        host_given |= is_host;
        for (size_t k = 0; k < ARRAY_LEN(own_headers); k++)
            given[k] |= str_ieq(h->name, str_from(own_headers[k]));
        if (add_header(call, h, e))
            return e ? e->code : FETCH_REQUEST;
    }
    if (!host_given)
        add_line(call, arena_printf(&call->mem, "Host: " STR_FMT, STR_ARG(host)));
    for (size_t k = 0; k < ARRAY_LEN(own_headers); k++)
        if (!given[k])
            add_line(call, arena_printf(&call->mem, "%s:", own_headers[k]));
    if (req->chunked && req->body_count)
        add_line(call, STR("Transfer-Encoding: chunked"));
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->header_lines);
    curl_easy_setopt(call->easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
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

static size_t on_send(char *to, size_t size, size_t count, void *ctx)
{
    fetch_call *call = ctx;
    while (call->segment_at < call->segment_count) {
        const fetch_segment *s = &call->segments[call->segment_at];
        if (call->segment_pos == segment_len(s)) {
            call->segment_at++;
            call->segment_pos = 0;
            continue;
        }
        ssize_t n = segment_read(s, call->segment_pos, to, size * count);
        if (n < 0) {
            (void)err_sys(&call->fail, FETCH_REQUEST, errno, "a file of the body can't be read");
            return CURL_READFUNC_ABORT;
        }
        call->segment_pos += (uint64_t)n;
        return (size_t)n;
    }
    return 0;
}

// libcurl asks to begin again when a kept connection turned out to be dead.
static int on_seek(void *ctx, curl_off_t offset, int origin)
{
    fetch_call *call = ctx;
    if (offset != 0 || origin != SEEK_SET)
        return CURL_SEEKFUNC_FAIL;
    call->segment_at = 0;
    call->segment_pos = 0;
    return CURL_SEEKFUNC_OK;
}

static void apply_body(fetch_call *call, const fetch_request *req)
{
    call->segment_count = req->body_count;
    call->segments = arena_array(&call->mem, req->body_count, sizeof(fetch_segment));
    for (size_t i = 0; i < req->body_count; i++) {
        call->segments[i] = req->body[i];
        call->body_len += segment_len(&req->body[i]);
    }
    curl_easy_setopt(call->easy, CURLOPT_POST, 1L);
    curl_easy_setopt(call->easy, CURLOPT_READFUNCTION, on_send);
    curl_easy_setopt(call->easy, CURLOPT_READDATA, call);
    curl_easy_setopt(call->easy, CURLOPT_SEEKFUNCTION, on_seek);
    curl_easy_setopt(call->easy, CURLOPT_SEEKDATA, call);
    curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     req->chunked ? (curl_off_t)-1 : (curl_off_t)call->body_len);
}

static code apply_method(fetch_call *call, const fetch_request *req, err *e)
{
    call->method = req->method.len ? arena_str(&call->mem, req->method) : STR("GET");
    if (!is_token(call->method))
        return err_set(e, FETCH_REQUEST, "'" STR_FMT "' can't be a method", STR_ARG(call->method));
    if (str_eq(call->method, STR("CONNECT")))
        return err_set(e, FETCH_REQUEST, "CONNECT opens a tunnel; it is no request to a server");
    if (req->body_count)
        apply_body(call, req);
    if (str_eq(call->method, STR("HEAD")))
        curl_easy_setopt(call->easy, CURLOPT_NOBODY, 1L);
    curl_easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST, call->method.ptr);
    return OK;
}

// ---- connection -------------------------------------------------------------------------------

static void apply_tls(CURL *easy, const fetch_tls *t)
{
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, t->insecure ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, t->insecure ? 0L : 2L);
    // The system's hashed directory stays in force beside a bundle of ours.
    if (t->ca_file)
        curl_easy_setopt(easy, CURLOPT_CAINFO, t->ca_file);
    if (!t->cert_file)
        return;
    curl_easy_setopt(easy, CURLOPT_SSLCERT, t->cert_file);
    curl_easy_setopt(easy, CURLOPT_SSLCERTTYPE, t->cert_p12 ? "P12" : "PEM");
    if (t->key_file)
        curl_easy_setopt(easy, CURLOPT_SSLKEY, t->key_file);
    if (t->key_password)
        curl_easy_setopt(easy, CURLOPT_KEYPASSWD, t->key_password);
}

static void apply_proxy(fetch_call *call, const fetch_proxy *p)
{
    CURL *easy = call->easy;
    if (call->route.address || (!p->url && !p->from_env)) {
        curl_easy_setopt(easy, CURLOPT_PROXY, ""); // an empty one also silences the environment
        return;
    }
    if (!p->url)
        return;
    curl_easy_setopt(easy, CURLOPT_PROXY, p->url);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, p->bypass ? p->bypass : "");
    if (p->user) {
        curl_easy_setopt(easy, CURLOPT_PROXYUSERNAME, p->user);
        curl_easy_setopt(easy, CURLOPT_PROXYPASSWORD, p->password ? p->password : "");
    }
}

static long http_version(const fetch_request *req)
{
    switch (req->version) {
    case FETCH_HTTP_1_1:
        break;
    case FETCH_HTTP_AUTO:
        return CURL_HTTP_VERSION_2TLS;
    case FETCH_HTTP_2:
        return CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
    }
    return CURL_HTTP_VERSION_1_1;
}

static void apply_transport(fetch_call *call, const fetch_request *req)
{
    CURL *easy = call->easy;
    uint64_t connect_ms = req->connect_timeout_ms ? req->connect_timeout_ms : CONNECT_TIMEOUT_MS;
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, http_version(req));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)req->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    if (!req->raw_body)
        curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip, deflate, br");
}

code call_prepare(fetch_call *call, const fetch_request *req, err *e)
{
    if (req->route.address) {
        call->route = req->route;
        call->route.address = arena_cstr(&call->mem, str_from(req->route.address));
    }
    if (parse_url(call, req->url, e))
        return FETCH_REQUEST;
    str host = host_of_url(call);
    code c = call->route.address ? apply_route(call, e) : judge_host(call, e);
    if (c)
        return c;
    if (apply_method(call, req, e) || apply_headers(call, req, host, e))
        return FETCH_REQUEST;
    apply_transport(call, req);
    apply_tls(call->easy, &req->tls);
    apply_proxy(call, &req->proxy);
    curl_easy_setopt(call->easy, CURLOPT_CURLU, call->url);
    return OK;
}
