// SPDX-License-Identifier: Apache-2.0
// engine_curl: libcurl's callbacks for what arrives, and its account of the exchange.
#include "fetch/call.h"

// "HTTP/1.1 200 OK": begins a head, and ends an interim one (1xx) before it.
static bool status_line(fetch_call *call, str line)
{
    str version, rest, digits;
    uint64_t status;
    if (!str_starts(line, STR("HTTP/")))
        return false;
    str_cut(str_skip(line, 5), ' ', &version, &rest);
    str_cut(rest, ' ', &digits, &rest);
    if (!str_to_u64(digits, &status) || status > 999)
        return false;
    call->http_version = arena_str(&call->mem, version);
    call->reason = arena_str(&call->mem, str_trim(rest));
    call->status = (int)status;
    vec_reset(&call->headers);
    return true;
}

static size_t on_header(char *ptr, size_t size, size_t count, void *ctx)
{
    fetch_call *call = ctx;
    size_t len = size * count;
    str line = str_trim((str){ptr, len});
    call->header_bytes += len;
    if (call->curl.head_done) // trailers
        return fetch_take_head_bytes(call) ? len : 0;
    if (!line.len) {
        call->curl.head_done = call->status >= 200;
        return len;
    }
    if ((!call->headers.len || call->status < 200) && status_line(call, line))
        return len;
    str name, value;
    if (!str_cut(line, ':', &name, &value))
        return len; // libcurl has judged the syntax; what it let pass without a colon is no header
    return fetch_take_header(call, str_trim(name), str_trim(value)) ? len : 0;
}

static size_t on_body(char *ptr, size_t size, size_t count, void *ctx)
{
    return fetch_take_body(ctx, (str){ptr, size * count}) ? size * count : 0;
}

void curl_apply_response(fetch_call *call)
{
    CURL *easy = call->curl.easy;
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
}

static uint64_t info_off(CURL *easy, CURLINFO info)
{
    curl_off_t value = 0;
    curl_easy_getinfo(easy, info, &value);
    return value > 0 ? (uint64_t)value : 0;
}

static uint64_t info_long(CURL *easy, CURLINFO info)
{
    long value = 0;
    curl_easy_getinfo(easy, info, &value);
    return value > 0 ? (uint64_t)value : 0;
}

static void describe_timings(CURL *easy, fetch_timings *t)
{
    t->dns_us = info_off(easy, CURLINFO_NAMELOOKUP_TIME_T);
    t->connect_us = info_off(easy, CURLINFO_CONNECT_TIME_T);
    t->tls_us = info_off(easy, CURLINFO_APPCONNECT_TIME_T);
    t->sent_us = info_off(easy, CURLINFO_PRETRANSFER_TIME_T);
    t->first_byte_us = info_off(easy, CURLINFO_STARTTRANSFER_TIME_T);
    t->total_us = info_off(easy, CURLINFO_TOTAL_TIME_T);
}

void curl_describe(fetch_call *call, fetch_response *ret)
{
    CURL *easy = call->curl.easy;
    char *ip = NULL;
    if (!easy)
        return;
    curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &ip);
    ret->request_bytes =
        info_long(easy, CURLINFO_REQUEST_SIZE) + info_off(easy, CURLINFO_SIZE_UPLOAD_T);
    ret->remote_ip = ip ? ip : "";
    ret->remote_port = (uint16_t)info_long(easy, CURLINFO_PRIMARY_PORT);
    ret->reused = call->status && info_long(easy, CURLINFO_NUM_CONNECTS) == 0;
    describe_timings(easy, &ret->timings);
    if (ret->reused) // libcurl counts its own passing through these phases
        ret->timings.dns_us = ret->timings.connect_us = ret->timings.tls_us = 0;
}
