// SPDX-License-Identifier: Apache-2.0
// engine_curl: from a fetch_request to the options of a libcurl handle.
#include <string.h>

#include "fetch/call.h"

// ---- URL --------------------------------------------------------------------------------------

static code parse_url(fetch_call *call, str url, err *e)
{
    if (fetch_has_line_break(url))
        return err_set(e, FETCH_REQUEST, "the URL has a line break or a NUL in it");
    call->curl.url = curl_url();
    CURLUcode rc =
        curl_url_set(call->curl.url, CURLUPART_URL, arena_cstr(&call->mem, url), CURLU_PATH_AS_IS);
    if (rc)
        return err_set(e, FETCH_REQUEST, "the URL '" STR_FMT "' can't be read: %s", STR_ARG(url),
                       curl_url_strerror(rc));
    char *scheme = NULL;
    curl_url_get(call->curl.url, CURLUPART_SCHEME, &scheme, 0);
    bool http = scheme && (!strcmp(scheme, "http") || !strcmp(scheme, "https"));
    curl_free(scheme);
    if (!http) {
        (void)err_set(e, FETCH_REQUEST, "the URL '" STR_FMT "' is neither http nor https",
                      STR_ARG(url));
        return err_hint(e, "requests go to addresses that begin with https:// or http://");
    }
    // Credentials in a URL are the caller's to turn into a header: libcurl must not act on them.
    curl_url_set(call->curl.url, CURLUPART_USER, NULL, 0);
    curl_url_set(call->curl.url, CURLUPART_PASSWORD, NULL, 0);
    curl_url_set(call->curl.url, CURLUPART_OPTIONS, NULL, 0);
    curl_url_set(call->curl.url, CURLUPART_FRAGMENT, NULL, 0);
    return OK;
}

// Host as the URL has it: with its port unless that is the scheme's own.
str curl_authority(fetch_call *call, const uri_url *u)
{
    (void)u;
    char *host = NULL, *port = NULL;
    curl_url_get(call->curl.url, CURLUPART_HOST, &host, 0);
    curl_url_get(call->curl.url, CURLUPART_PORT, &port, CURLU_NO_DEFAULT_PORT);
    str text = port ? arena_printf(&call->mem, "%s:%s", host, port)
                    : arena_printf(&call->mem, "%s", host ? host : "");
    curl_free(host);
    curl_free(port);
    return text;
}

static code judge_host(fetch_call *call, err *e)
{
    char *host = NULL;
    curl_url_get(call->curl.url, CURLUPART_HOST, &host, 0);
    code c = fetch_judge_host(call, str_from(host), e);
    curl_free(host);
    return c;
}

static code apply_route(fetch_call *call, err *e)
{
    const fetch_route *r = &call->route;
    bool v6 = strchr(r->address, ':') != NULL;
    str to = arena_printf(&call->mem, v6 ? "::[%s]:%u" : "::%s:%u", r->address, r->port);
    call->curl.connect_to = curl_slist_append(NULL, to.ptr);
    curl_easy_setopt(call->curl.easy, CURLOPT_CONNECT_TO, call->curl.connect_to);
    if (!r->plain)
        return OK;
    // The port is spelled out so that the change of scheme does not change it.
    char *port = NULL;
    curl_url_get(call->curl.url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
    CURLUcode rc = curl_url_set(call->curl.url, CURLUPART_PORT, port, 0);
    curl_free(port);
    if (!rc)
        rc = curl_url_set(call->curl.url, CURLUPART_SCHEME, "http", 0);
    return rc ? err_set(e, FETCH_REQUEST, "the route can't be applied: %s", curl_url_strerror(rc))
              : OK;
}

code curl_open(fetch_call *call, const fetch_request *req, const uri_url *u, err *e)
{
    (void)u;
    if (parse_url(call, req->url, e))
        return FETCH_REQUEST;
    return judge_host(call, e);
}

// ---- headers ----------------------------------------------------------------------------------

// What libcurl would send by itself unless told not to.
static const char *const own_headers[] = {
    "User-Agent:", "Accept:", "Accept-Encoding:", "Content-Type:", "Expect:"};

static void add_line(fetch_call *call, const char *line)
{
    call->curl.lines = curl_slist_append(call->curl.lines, line);
}

void curl_add_field(fetch_call *call, str name, str value)
{
    buf line;
    for (size_t i = 0; i < ARRAY_LEN(own_headers); i++)
        if (str_ieq(name, str_sub(str_from(own_headers[i]), 0, strlen(own_headers[i]) - 1)))
            call->curl.given |= 1u << i;
    buf_init(&line, name.len + value.len + 2);
    line.secret = true; // it may be a credential, as in the list, which curl.c wipes
    buf_adds(&line, name);
    // libcurl's way to say "with an empty value" is a semicolon in place of the colon.
    buf_adds(&line, value.len ? STR(": ") : STR(";"));
    buf_adds(&line, value);
    add_line(call, buf_cstr(&line));
    buf_deinit(&line);
}

static void apply_headers(fetch_call *call, const fetch_request *req)
{
    for (size_t i = 0; i < ARRAY_LEN(own_headers); i++)
        if (!(call->curl.given & 1u << i))
            add_line(call, own_headers[i]);
    if (req->chunked && req->body_count)
        add_line(call, "Transfer-Encoding: chunked");
    curl_easy_setopt(call->curl.easy, CURLOPT_HTTPHEADER, call->curl.lines);
    curl_easy_setopt(call->curl.easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
}

// ---- method and body --------------------------------------------------------------------------

static size_t on_send(char *to, size_t size, size_t count, void *ctx)
{
    ssize_t n = fetch_read_body(ctx, to, size * count);
    return n < 0 ? CURL_READFUNC_ABORT : (size_t)n;
}

// libcurl asks to begin again when a kept connection turned out to be dead.
static int on_seek(void *ctx, curl_off_t offset, int from)
{
    if (offset != 0 || from != SEEK_SET)
        return CURL_SEEKFUNC_FAIL;
    fetch_rewind_body(ctx);
    return CURL_SEEKFUNC_OK;
}

static void apply_body(fetch_call *call, bool chunked)
{
    CURL *easy = call->curl.easy;
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_send);
    curl_easy_setopt(easy, CURLOPT_READDATA, call);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, call);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     chunked ? (curl_off_t)-1 : (curl_off_t)call->body_len);
}

static void apply_method(fetch_call *call, const fetch_request *req)
{
    if (req->body_count)
        apply_body(call, req->chunked);
    if (str_eq(call->method, STR("HEAD")))
        curl_easy_setopt(call->curl.easy, CURLOPT_NOBODY, 1L);
    curl_easy_setopt(call->curl.easy, CURLOPT_CUSTOMREQUEST, call->method.ptr);
}

// ---- connection -------------------------------------------------------------------------------

static void apply_tls(CURL *easy, const fetch_tls *t)
{
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, t->insecure ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, t->insecure ? 0L : 2L);
    // The system's hashed directory stays in force beside a bundle of ours, or the environment's,
    // which OpenSSL reads itself where it isn't under libcurl (net/tls.c).
    const char *bundle = t->ca_file ? t->ca_file : getenv("SSL_CERT_FILE");
    if (bundle && *bundle)
        curl_easy_setopt(easy, CURLOPT_CAINFO, bundle);
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
    CURL *easy = call->curl.easy;
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
    CURL *easy = call->curl.easy;
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, http_version(req));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)req->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)call->connect_timeout_ms);
}

code curl_ready(fetch_call *call, const fetch_request *req, err *e)
{
    // Not earlier: the Host of a routed call is that of its own URL.
    code c = call->route.address ? apply_route(call, e) : OK;
    if (c)
        return c;
    apply_method(call, req);
    apply_headers(call, req);
    apply_transport(call, req);
    apply_tls(call->curl.easy, &req->tls);
    apply_proxy(call, &req->proxy);
    curl_easy_setopt(call->curl.easy, CURLOPT_CURLU, call->curl.url);
    return OK;
}
