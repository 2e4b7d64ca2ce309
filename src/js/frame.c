// SPDX-License-Identifier: Apache-2.0
#include "js/frame.h"

static void add_u32(buf *out, uint32_t v)
{
    char bytes[4] = {(char)v, (char)(v >> 8), (char)(v >> 16), (char)(v >> 24)};
    buf_add(out, bytes, sizeof(bytes));
}

static uint32_t read_u32(const char *ptr)
{
    const unsigned char *b = (const unsigned char *)ptr;
    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

// Takes n bytes off the front.
static bool take(str *in, size_t n, str *ret_part)
{
    if (in->len < n)
        return false;
    *ret_part = str_sub(*in, 0, n);
    *in = str_skip(*in, n);
    return true;
}

frame_state frame_read(str in, size_t payload_max, frame *ret_frame, size_t *ret_bytes)
{
    *ret_bytes = FRAME_HEAD_BYTES;
    if (in.len < FRAME_HEAD_BYTES)
        return FRAME_PARTIAL;
    size_t len = read_u32(in.ptr);
    if (len > payload_max)
        return FRAME_TOO_LARGE;
    *ret_bytes += len;
    if (in.len < *ret_bytes)
        return FRAME_PARTIAL;
    *ret_frame = (frame){in.ptr[4], str_sub(in, FRAME_HEAD_BYTES, *ret_bytes)};
    return FRAME_WHOLE;
}

void frame_add_head(buf *out, char type, size_t payload_len)
{
    add_u32(out, (uint32_t)payload_len);
    buf_addc(out, type);
}

void frame_add_run(buf *out, const frame_run *r)
{
    frame_add_head(out, FRAME_RUN,
                   FRAME_RUN_HEAD_BYTES + r->source.len + r->context.len + r->request.len +
                       r->body.len);
    add_u32(out, r->script);
    add_u32(out, (uint32_t)r->timeout_ms);
    add_u32(out, (uint32_t)(r->timeout_ms >> 32));
    add_u32(out, (uint32_t)r->source.len);
    add_u32(out, (uint32_t)r->context.len);
    add_u32(out, (uint32_t)r->request.len);
    buf_adds(out, r->source);
    buf_adds(out, r->context);
    buf_adds(out, r->request);
    buf_adds(out, r->body);
}

bool frame_read_run(str payload, frame_run *ret_run)
{
    str head;
    if (!take(&payload, FRAME_RUN_HEAD_BYTES, &head))
        return false;
    ret_run->script = read_u32(head.ptr);
    ret_run->timeout_ms = read_u32(head.ptr + 4) | (uint64_t)read_u32(head.ptr + 8) << 32;
    if (!take(&payload, read_u32(head.ptr + 12), &ret_run->source) ||
        !take(&payload, read_u32(head.ptr + 16), &ret_run->context) ||
        !take(&payload, read_u32(head.ptr + 20), &ret_run->request))
        return false;
    ret_run->body = payload;
    return true;
}

void frame_add_fetched(buf *out, str context, str body)
{
    frame_add_head(out, FRAME_FETCHED, 4 + context.len + body.len);
    add_u32(out, (uint32_t)context.len);
    buf_adds(out, context);
    buf_adds(out, body);
}

bool frame_read_fetched(str payload, str *ret_context, str *ret_body)
{
    str head;
    if (!take(&payload, 4, &head) || !take(&payload, read_u32(head.ptr), ret_context))
        return false;
    *ret_body = payload;
    return true;
}
