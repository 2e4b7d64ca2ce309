// SPDX-License-Identifier: Apache-2.0
// What arrives: the head line by line, the body piece by piece, and libcurl's account of it.
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

static size_t refuse(fetch_call *call, const char *what, size_t max)
{
    (void)err_set(&call->fail, FETCH_LIMIT, "the response has %s than %zu", what, max);
    return 0; // tells libcurl to end the call
}

size_t call_on_header(char *ptr, size_t size, size_t count, void *ctx)
{
    fetch_call *call = ctx;
    size_t len = size * count;
    str line = str_trim((str){ptr, len});
    call->header_bytes += len;
    if (call->header_bytes > FETCH_HEADER_BYTES_MAX)
        return refuse(call, "more bytes of headers", FETCH_HEADER_BYTES_MAX);
    if (call->head_done) // trailers
        return len;
    if (!line.len) {
        call->head_done = call->status >= 200;
        return len;
    }
    if (!call->headers.len && status_line(call, line))
        return len;
    if (call->status < 200 && status_line(call, line))
        return len;
    str name, value;
    if (!str_cut(line, ':', &name, &value))
        return len; // libcurl has judged the syntax; what it let pass without a colon is no header
    if (call->headers.len == FETCH_HEADER_COUNT_MAX)
        return refuse(call, "more headers", FETCH_HEADER_COUNT_MAX);
    fetch_header h = {arena_str(&call->mem, str_trim(name)),
                      arena_str(&call->mem, str_trim(value))};
    vec_push(&call->headers, h);
    return len;
}

size_t call_on_body(char *ptr, size_t size, size_t count, void *ctx)
{
    fetch_call *call = ctx;
    size_t len = size * count;
    if (call->doomed)
        return 0;
    call->body_bytes += len;
    // Counts decoded bytes: a small answer that unpacks to a large one ends here (threat 17).
    if (call->body_bytes > call->body_bytes_max)
        return refuse(call, "a larger body", call->body_bytes_max);
    if (!call->on_body) {
        buf_add(&call->body, ptr, len);
        return len;
    }
    if (!call->on_body(call->ctx, (str){ptr, len})) {
        (void)err_set(&call->fail, SYS_CANCELLED, "the receiver ended the response");
        return 0;
    }
    return call->doomed ? 0 : len;
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

void call_describe(fetch_call *call, fetch_response *ret)
{
    CURL *easy = call->easy;
    char *ip = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &ip);
    *ret = (fetch_response){
        .status = call->status,
        .reason = call->reason,
        .http_version = call->http_version,
        .headers = call->headers.ptr,
        .header_count = call->headers.len,
        .body = buf_str(&call->body),
        .body_bytes = call->body_bytes,
        .wire_body_bytes = info_off(easy, CURLINFO_SIZE_DOWNLOAD_T),
        .header_bytes = call->header_bytes,
        .request_bytes =
            info_long(easy, CURLINFO_REQUEST_SIZE) + info_off(easy, CURLINFO_SIZE_UPLOAD_T),
        .remote_ip = ip ? ip : "",
        .remote_port = (uint16_t)info_long(easy, CURLINFO_PRIMARY_PORT),
        .reused = call->status && info_long(easy, CURLINFO_NUM_CONNECTS) == 0,
    };
    describe_timings(easy, &ret->timings);
    if (ret->reused) // libcurl counts its own passing through these phases
        ret->timings.dns_us = ret->timings.connect_us = ret->timings.tls_us = 0;
}

str fetch_response_header(const fetch_response *res, str name)
{
    for (size_t i = 0; i < res->header_count; i++)
        if (str_ieq(res->headers[i].name, name))
            return res->headers[i].value.ptr ? res->headers[i].value : STR("");
    return STR_NONE;
}
