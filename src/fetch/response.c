// SPDX-License-Identifier: Apache-2.0
// The account of what arrives, whichever engine brings it.
#include "fetch/call.h"

static bool refuse(fetch_call *call, const char *what, size_t max)
{
    (void)err_set(&call->fail, FETCH_LIMIT, "the response has %s than %zu", what, max);
    return false;
}

// In the largest unit that needs no fraction.
static bool refuse_body(fetch_call *call)
{
    size_t max = call->body_bytes_max, shift = 0;
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB"};
    while (shift < 3 && max && max % 1024 == 0) {
        max /= 1024;
        shift++;
    }
    (void)err_set(&call->fail, FETCH_LIMIT, "the body of the response is larger than %zu %s", max,
                  units[shift]);
    return false;
}

// ---- head -------------------------------------------------------------------------------------

bool fetch_take_head_bytes(fetch_call *call)
{
    return call->header_bytes <= FETCH_HEADER_BYTES_MAX ||
           refuse(call, "more bytes of headers", FETCH_HEADER_BYTES_MAX);
}

bool fetch_take_header(fetch_call *call, str name, str value)
{
    if (!fetch_take_head_bytes(call))
        return false;
    if (call->headers.len == FETCH_HEADER_COUNT_MAX)
        return refuse(call, "more headers", FETCH_HEADER_COUNT_MAX);
    fetch_header h = {arena_str(&call->mem, name), arena_str(&call->mem, value)};
    vec_push(&call->headers, h);
    return true;
}

str fetch_response_header(const fetch_response *res, str name)
{
    for (size_t i = 0; i < res->header_count; i++)
        if (str_ieq(res->headers[i].name, name))
            return res->headers[i].value.ptr ? res->headers[i].value : STR("");
    return STR_NONE;
}

// ---- body -------------------------------------------------------------------------------------

static bool take_plain(void *ctx, str piece)
{
    fetch_call *call = ctx;
    call->body_bytes += piece.len;
    // Counts decoded bytes: a small answer that unpacks to a large one ends here (threat 17).
    if (call->body_bytes > call->body_bytes_max)
        return refuse_body(call);
    if (!call->on_body) {
        buf_adds(&call->body, piece);
        return true;
    }
    if (!call->on_body(call->ctx, piece) && !call->doomed)
        (void)err_set(&call->fail, SYS_CANCELLED, "the receiver ended the response");
    return !call->doomed && !call->fail.code;
}

// The first piece asks for it: an answer without a body may claim any coding.
static bool choose_decoder(fetch_call *call)
{
    for (size_t i = 0; i < call->headers.len && !call->raw_body; i++)
        if (str_ieq(call->headers.ptr[i].name, STR("Content-Encoding")) &&
            !decoder_add(&call->decoder, call->headers.ptr[i].value))
            return false;
    return true;
}

static bool refuse_coding(fetch_call *call, const char *why)
{
    static const failure_row malformed = {0, FETCH_PROTOCOL, "Z_DATA_ERROR"};
    if (!call->fail.code && !call->doomed) // otherwise it was the receiver's word
        fetch_fail(call, &malformed, why);
    return false;
}

bool fetch_take_body(fetch_call *call, str piece)
{
    if (call->doomed)
        return false;
    if (!call->wire_body_bytes && !choose_decoder(call))
        return refuse_coding(call,
                             "the body has a Content-Encoding other than gzip, deflate, br, zstd");
    call->wire_body_bytes += piece.len;
    if (!call->decoder)
        return take_plain(call, piece);
    return decoder_push(call->decoder, piece, take_plain, call) ||
           refuse_coding(call, "the body isn't what its Content-Encoding says");
}
