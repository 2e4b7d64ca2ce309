// SPDX-License-Identifier: Apache-2.0
// Any bytes as requests ('q' first), responses ('s') or responses to HEAD ('h'), one behind the
// other. They must mean the same whole and in pieces, and what is accepted must have one reading.
#include <stdlib.h>

#include "base/fuzz.h"
#include "http/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const parse_limits limits = {
    .head_bytes_max = 2048, .header_count_max = 16, .target_bytes_max = 512, .connect = true};

static void check(bool condition)
{
    if (!condition)
        abort();
}

static void check_fields(const http_headers *h)
{
    for (size_t i = 0; i < h->len; i++)
        check(http_name_valid(h->ptr[i].name) && http_value_valid(h->ptr[i].value));
    size_t lengths = http_headers_count(h, STR("content-length"));
    check(lengths + http_headers_count(h, STR("transfer-encoding")) <= 1);
    check(h->len <= limits.header_count_max);
}

static void note_fields(buf *seen, const http_headers *h)
{
    check_fields(h);
    for (size_t i = 0; i < h->len; i++)
        buf_addf(seen, STR_FMT ": " STR_FMT "\n", STR_ARG(h->ptr[i].name),
                 STR_ARG(h->ptr[i].value));
}

static bool note_request(buf *seen, parser *p)
{
    http_request r;
    if (!head_read_request(p, &r))
        return false;
    bool connect = str_eq(r.method, STR("CONNECT"));
    check(connect ? str_chr(r.target, ':') > 0 && !r.body_bytes
                  : r.target.ptr[0] == '/' || str_eq(r.target, STR("*")));
    check(http_value_valid(r.target) && str_chr(r.target, ' ') < 0 && str_chr(r.target, '#') < 0);
    size_t hosts = http_headers_count(&r.headers, STR("host"));
    check((hosts == 1 || (connect && !hosts && !r.version_minor)) && r.host.len);
    check(!r.expects_continue || r.body_bytes);
    buf_addf(seen, STR_FMT " " STR_FMT " %lld %d%d%d\n", STR_ARG(r.method), STR_ARG(r.target),
             (long long)r.body_bytes, r.expects_continue, r.upgrade, p->keep_alive);
    note_fields(seen, &r.headers);
    return true;
}

static bool note_response(buf *seen, const parser *p)
{
    http_response r;
    head_read_response(p, &r);
    check(r.status >= 100 && r.status <= 999 && http_value_valid(r.reason));
    buf_addf(seen, "%d " STR_FMT " %lld %d\n", r.status, STR_ARG(r.reason), (long long)r.body_bytes,
             p->keep_alive);
    note_fields(seen, &r.headers);
    return true;
}

// Writes down what all of `text`, in pieces of `step` bytes, is taken for.
static void read_all(str text, char kind, size_t step, buf *seen)
{
    arena a;
    parser p;
    arena_init(&a);
    parser_init(&p, kind == 'q' ? HTTP_REQUEST : HTTP_RESPONSE, &limits, &a);
    p.no_body = kind == 'h';
    bool going = true;
    for (size_t at = 0; going && at < text.len; at += step) {
        str in = str_sub(text, at, at + step);
        for (parse_event e = PARSE_END; going && e != PARSE_MORE;) {
            e = parser_next(&p, &in);
            if (e == PARSE_HEAD)
                going = kind == 'q' ? note_request(seen, &p) : note_response(seen, &p);
            else if (e == PARSE_BODY)
                buf_adds(seen, p.piece);
            else if (e == PARSE_FAILED)
                going = false;
            else if (e == PARSE_END) {
                fuzz_accepted++;
                buf_addz(seen, "\nend\n");
                parser_restart(&p);
                p.no_body = kind == 'h';
                arena_reset(&a);
            }
        }
    }
    check(p.head_bytes <= limits.head_bytes_max);
    buf_addz(seen, going ? "more" : "refused");
    if (!going)
        check(p.why && p.status >= 400 && p.status <= 505);
    arena_deinit(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 1 << 16)
        return 0;
    char kind = (char)data[0];
    size_t steps[] = {1 << 16, 1, 1 + data[1] % 32};
    str text = {(const char *)data + 1, size - 1};
    buf first, other;
    buf_init(&first, 1 << 24);
    buf_init(&other, 1 << 24);
    read_all(text, kind, steps[0], &first);
    for (size_t i = 1; i < ARRAY_LEN(steps); i++) {
        read_all(text, kind, steps[i], &other);
        check(str_eq(buf_str(&first), buf_str(&other)));
        buf_reset(&other);
    }
    buf_deinit(&first);
    buf_deinit(&other);
    return 0;
}
