// SPDX-License-Identifier: Apache-2.0
#include "http/parse.h"

enum {
    BLOCK_BYTES = 2048, // takes most heads whole
    // Of what a chunked body has besides its bytes; each of these excuses some of it. Small chunks
    // are fine, extensions and trailers that outweigh the body are not.
    EXTRA_BYTES_MAX = 4096,
    EXTRA_BYTES_EXCUSED = 8,
};

static int fail(parser *p, int status, const char *why)
{
    p->event = PARSE_FAILED;
    p->status = status;
    p->why = why;
    return HPE_USER;
}

static int pause_with(parser *p, parse_event event)
{
    p->event = event;
    p->paused = true;
    return HPE_PAUSED;
}

// ---- words: strings that come in parts ----------------------------------------------------------

static void word_add(parser *p, const char *at, size_t len)
{
    if (!len)
        return;
    if (len > p->block_cap - p->block_len) {
        size_t have = p->block_len - p->word;
        size_t cap = 2 * (have + len) > BLOCK_BYTES ? 2 * (have + len) : BLOCK_BYTES;
        char *block = arena_alloc(p->arena, cap);
        if (have)
            memcpy(block, p->block + p->word, have);
        p->block = block;
        p->block_len = have;
        p->block_cap = cap;
        p->word = 0;
    }
    memcpy(p->block + p->block_len, at, len);
    p->block_len += len;
}

static str word_end(parser *p)
{
    if (!p->block)
        return STR("");
    str word = {p->block + p->word, p->block_len - p->word};
    p->word = p->block_len;
    return word;
}

// ---- what llhttp calls --------------------------------------------------------------------------

static int on_target(llhttp_t *ll, const char *at, size_t len)
{
    parser *p = ll->data;
    if (p->block_len - p->word + len > p->limits->target_bytes_max)
        return fail(p, 414, "the request's target is too long");
    word_add(p, at, len);
    return 0;
}

static int on_target_end(llhttp_t *ll)
{
    parser *p = ll->data;
    p->target = word_end(p);
    return 0;
}

static int on_reason(llhttp_t *ll, const char *at, size_t len)
{
    word_add(ll->data, at, len);
    return 0;
}

static int on_reason_end(llhttp_t *ll)
{
    parser *p = ll->data;
    p->reason = word_end(p);
    return 0;
}

static int on_field(llhttp_t *ll, const char *at, size_t len)
{
    parser *p = ll->data;
    if (p->phase == PARSING_HEAD) // fields behind it are trailers: dropped
        word_add(p, at, len);
    return 0;
}

static int on_name_end(llhttp_t *ll)
{
    parser *p = ll->data;
    p->name = word_end(p);
    return 0;
}

static int on_value_end(llhttp_t *ll)
{
    parser *p = ll->data;
    if (p->phase != PARSING_HEAD)
        return 0;
    if (p->headers.len == p->limits->header_count_max)
        return fail(p, 431, "there are too many header fields");
    str value = word_end(p);
    while (value.len && ascii_is_blank(value.ptr[value.len - 1]))
        value.len--;
    http_headers_add(&p->headers, p->arena, p->name, value);
    return 0;
}

static int on_head_end(llhttp_t *ll)
{
    parser *p = ll->data;
    if (p->no_body)
        ll->flags |= F_SKIPBODY;
    p->keep_alive = llhttp_should_keep_alive(ll);
    if (!head_check_framing(p))
        return fail(p, p->status, p->why);
    return pause_with(p, PARSE_HEAD);
}

static int on_chunk_bytes(llhttp_t *ll, const char *at, size_t len)
{
    parser *p = ll->data;
    if (!len)
        return 0;
    p->piece = (str){at, len};
    return pause_with(p, PARSE_BODY);
}

static int on_message_end(llhttp_t *ll)
{
    return pause_with(ll->data, PARSE_END);
}

static const llhttp_settings_t settings = {
    .on_url = on_target,
    .on_url_complete = on_target_end,
    .on_status = on_reason,
    .on_status_complete = on_reason_end,
    .on_header_field = on_field,
    .on_header_field_complete = on_name_end,
    .on_header_value = on_field,
    .on_header_value_complete = on_value_end,
    .on_headers_complete = on_head_end,
    .on_body = on_chunk_bytes,
    .on_message_complete = on_message_end,
};

// ---- life ---------------------------------------------------------------------------------------

void parser_init(parser *p, llhttp_type_t type, const parse_limits *limits, arena *a)
{
    *p = (parser){.limits = limits, .arena = a};
    llhttp_init(&p->ll, type, &settings);
    p->ll.data = p;
}

void parser_restart(parser *p)
{
    parser_init(p, llhttp_get_type(&p->ll), p->limits, p->arena);
}

// ---- pulling ------------------------------------------------------------------------------------

// 501 where a method was meant, 400 where the line is garbage: all bytes before `at` began a method
// that we know, those behind it are a token's up to a space.
static int bad_method_status(str at)
{
    ssize_t space = str_chr(at, ' ');
    str word = space < 0 ? at : str_sub(at, 0, (size_t)space);
    return space == 0 || http_name_valid(word) ? 501 : 400;
}

static parse_event failed(parser *p, llhttp_errno_t error, str at)
{
    p->phase = PARSING_NOTHING;
    if (p->event == PARSE_FAILED) // one of the callbacks said why
        return PARSE_FAILED;
    p->event = PARSE_FAILED;
    p->why = llhttp_get_error_reason(&p->ll);
    p->status = 400;
    if (error == HPE_INVALID_METHOD) {
        p->status = bad_method_status(at);
        p->why = p->status == 501 ? "the method isn't known" : "the request line is malformed";
    } else if (error == HPE_PAUSED_H2_UPGRADE ||
               (error == HPE_INVALID_VERSION && p->ll.http_major != 1)) {
        p->status = 505;
        p->why = "the version isn't HTTP/1.1 or HTTP/1.0";
    }
    return PARSE_FAILED;
}

// Runs llhttp over *in and skips what it took.
static parse_event run(parser *p, str *in, size_t len)
{
    if (p->paused)
        llhttp_resume(&p->ll);
    p->paused = false;
    p->event = PARSE_MORE;
    const char *from = in->ptr ? in->ptr : "";
    llhttp_errno_t error = llhttp_execute(&p->ll, from, len);
    size_t used = error == HPE_OK ? len : (size_t)(llhttp_get_error_pos(&p->ll) - from);
    *in = str_skip(*in, used);
    if (p->phase == PARSING_HEAD)
        p->head_bytes += used;
    if (error != HPE_OK && error != HPE_PAUSED)
        return failed(p, error, *in);
    return p->event;
}

static void enter_body(parser *p)
{
    p->phase = PARSING_LENGTH;
    p->left = 0;
    if (p->bodiless)
        return;
    if (p->until_end)
        p->phase = PARSING_UNTIL_END;
    else if (p->body_bytes == HTTP_BODY_CHUNKED)
        p->phase = PARSING_CHUNKS;
    else
        p->left = (uint64_t)p->body_bytes;
}

static parse_event next_of_head(parser *p, str *in)
{
    if (!in->len)
        return PARSE_MORE;
    size_t room = p->limits->head_bytes_max - p->head_bytes;
    parse_event event = run(p, in, in->len < room ? in->len : room);
    if (event == PARSE_HEAD)
        enter_body(p);
    if (event != PARSE_MORE || p->head_bytes < p->limits->head_bytes_max)
        return event;
    fail(p, 431, "the header fields are too large");
    return failed(p, HPE_USER, *in);
}

// A body with a length, or without an end, needs no parser.
static parse_event next_of_length(parser *p, str *in)
{
    if (!p->left) {
        p->phase = PARSING_NOTHING;
        return PARSE_END;
    }
    if (!in->len)
        return PARSE_MORE;
    p->piece = str_sub(*in, 0, p->left < in->len ? (size_t)p->left : in->len);
    p->left -= p->piece.len;
    *in = str_skip(*in, p->piece.len);
    return PARSE_BODY;
}

static parse_event next_of_chunks(parser *p, str *in)
{
    size_t before = in->len;
    parse_event event = run(p, in, in->len);
    size_t body = event == PARSE_BODY ? p->piece.len : 0;
    size_t excused = body * EXTRA_BYTES_EXCUSED;
    p->extra_bytes += before - in->len - body;
    if (p->extra_bytes > EXTRA_BYTES_MAX && event != PARSE_FAILED) {
        fail(p, 400, "the chunked body has too many extensions or trailers");
        return failed(p, HPE_USER, *in);
    }
    p->extra_bytes -= excused < p->extra_bytes ? excused : p->extra_bytes;
    if (event == PARSE_END)
        p->phase = PARSING_NOTHING;
    return event;
}

parse_event parser_next(parser *p, str *in)
{
    switch (p->phase) {
    case PARSING_HEAD:
        return next_of_head(p, in);
    case PARSING_LENGTH:
        return next_of_length(p, in);
    case PARSING_CHUNKS:
        return next_of_chunks(p, in);
    case PARSING_UNTIL_END:
        p->piece = *in;
        *in = STR_NONE;
        return p->piece.len ? PARSE_BODY : PARSE_MORE;
    case PARSING_NOTHING:
        break;
    }
    return p->event == PARSE_FAILED ? PARSE_FAILED : PARSE_MORE;
}

const char *parser_error_name(const parser *p)
{
    llhttp_errno_t error = llhttp_get_errno(&p->ll);
    if (p->status == 431)
        return "HPE_HEADER_OVERFLOW"; // Node's own: llhttp has no such limit
    if (error == HPE_OK || error == HPE_USER || error == HPE_PAUSED)
        return "HPE_INVALID_HEADER_TOKEN"; // refused by us
    return llhttp_errno_name(error);
}

parse_event parser_finish(parser *p)
{
    if (p->phase == PARSING_UNTIL_END) {
        p->phase = PARSING_NOTHING;
        return PARSE_END;
    }
    fail(p, 400, "the connection ended in the middle of the message");
    return failed(p, HPE_USER, STR_NONE);
}
