// SPDX-License-Identifier: Apache-2.0
// The parser and the reading of heads, row by row: each input is parsed whole and byte by byte.
#include "http/parse.h"

#include "base/test.h"

static const parse_limits limits = {
    .head_bytes_max = 4096, .header_count_max = 20, .target_bytes_max = 256};

typedef struct parsed parsed;
struct parsed {
    arena arena;
    parser parser;
    buf body;
    size_t ends;
    size_t consumed;
    int status; // 0: nothing wrong
    const char *why;
    http_request req;
    http_response res;
};

static void feed(parsed *r, str *in, bool request)
{
    for (;;) {
        parse_event event = parser_next(&r->parser, in);
        if (event == PARSE_MORE)
            return;
        if (event == PARSE_HEAD && request && !head_read_request(&r->parser, &r->req))
            event = PARSE_FAILED;
        else if (event == PARSE_HEAD && !request)
            head_read_response(&r->parser, &r->res);
        if (event == PARSE_BODY)
            buf_adds(&r->body, r->parser.piece);
        if (event == PARSE_END)
            r->ends++;
        if (event == PARSE_FAILED) {
            r->status = r->parser.status;
            r->why = r->parser.why;
        }
        if (event == PARSE_END || event == PARSE_FAILED)
            return;
    }
}

// In pieces of `step` bytes.
static void parse(parsed *r, str text, size_t step, bool request)
{
    *r = (parsed){0};
    arena_init(&r->arena);
    buf_init(&r->body, 1 << 20);
    parser_init(&r->parser, request ? HTTP_REQUEST : HTTP_RESPONSE, &limits, &r->arena);
    while (r->consumed < text.len && !r->ends && !r->status) {
        str piece = str_sub(text, r->consumed, r->consumed + step);
        str rest = piece;
        feed(r, &rest, request);
        r->consumed += piece.len - rest.len;
    }
}

static void forget(parsed *r)
{
    arena_deinit(&r->arena);
    buf_deinit(&r->body);
}

// ---- requests that are refused ------------------------------------------------------------------

typedef struct refusal refusal;
struct refusal {
    const char *text;
    size_t len;
    int status;
};
#define REFUSED(status, text)                                                                      \
    {                                                                                              \
        text, sizeof(text) - 1, status                                                             \
    }
#define HOST "Host: a.example\r\n"
#define GET "GET / HTTP/1.1\r\n" HOST
#define POST "POST / HTTP/1.1\r\n" HOST

static void check_refusals(const refusal *rows, size_t count, bool request)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t step = 1; step < 10000; step *= 100) {
            parsed r;
            parse(&r, (str){rows[i].text, rows[i].len}, step, request);
            if (r.status != rows[i].status)
                fail_msg("row %zu in steps of %zu: status %d (%s), wanted %d, ends %zu", i, step,
                         r.status, r.why ? r.why : "", rows[i].status, r.ends);
            if (rows[i].status)
                assert_non_null(r.why);
            forget(&r);
        }
    }
}

static void T07_a_host_that_is_missing_doubled_or_malformed_is_refused(void **state)
{
    (void)state;
    static const refusal rows[] = {
        REFUSED(400, "GET / HTTP/1.1\r\n\r\n"),
        REFUSED(400, "GET / HTTP/1.0\r\n\r\n"),
        REFUSED(400, "GET / HTTP/1.1\r\nHost:\r\n\r\n"),
        REFUSED(400, "GET / HTTP/1.1\r\n" HOST HOST "\r\n"),
        REFUSED(400, "GET / HTTP/1.1\r\n" HOST "host: b.example\r\n\r\n"),
        REFUSED(400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
        REFUSED(400, "GET / HTTP/1.1\r\nHost: a.example, b.example\r\n\r\n"),
        REFUSED(400, "GET / HTTP/1.1\r\nHost: a.example/x\r\n\r\n"),
        REFUSED(400, "GET / HTTP/1.1\r\nHost: u@a.example\r\n\r\n"),
        REFUSED(400, "GET / HTTP/1.1\r\nHost: a.example:http\r\n\r\n"),
        REFUSED(400, "GET / HTTP/1.1\r\nHost: a.example:70000\r\n\r\n"),
        REFUSED(400, "GET / HTTP/1.1\r\nHost: ::1\r\n\r\n"),
    };
    check_refusals(rows, ARRAY_LEN(rows), true);
}

static void T07_an_absolute_target_that_disagrees_with_host_is_refused(void **state)
{
    (void)state;
    static const refusal rows[] = {
        REFUSED(400, "GET http://b.example/ HTTP/1.1\r\n" HOST "\r\n"),
        REFUSED(400, "GET http://a.example:81/ HTTP/1.1\r\n" HOST "\r\n"),
        REFUSED(400, "GET http://a.example/ HTTP/1.1\r\nHost: a.example:81\r\n\r\n"),
        REFUSED(400, "GET http://u@a.example/ HTTP/1.1\r\n" HOST "\r\n"),
        REFUSED(400, "GET ftp://a.example/ HTTP/1.1\r\n" HOST "\r\n"),
        REFUSED(400, "GET http:///x HTTP/1.1\r\n" HOST "\r\n"),
        REFUSED(0, "GET http://A.example./x HTTP/1.1\r\n" HOST "\r\n"),
        REFUSED(0, "GET http://a.example:80/x HTTP/1.1\r\n" HOST "\r\n"),
        REFUSED(0, "GET https://a.example/x HTTP/1.1\r\nHost: a.example:443\r\n\r\n"),
    };
    check_refusals(rows, ARRAY_LEN(rows), true);
}

static void T10_ambiguous_framing_of_requests_is_refused(void **state)
{
    (void)state;
    static const refusal rows[] = {
        // two lengths
        REFUSED(400, POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc"),
        REFUSED(400, POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"),
        REFUSED(400, POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
        REFUSED(400, POST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
        REFUSED(400, POST "Content-Length: 3, 3\r\n\r\nabc"),
        REFUSED(400, POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
        REFUSED(400, POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n"),
        REFUSED(400, POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
        REFUSED(400, POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
        REFUSED(400, POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        REFUSED(501, POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        REFUSED(501, POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"),
        REFUSED(400, POST "Transfer-Encoding:\r\n\r\n0\r\n\r\n"),
        REFUSED(501, POST "Transfer-Encoding: chunked;x=y\r\n\r\n0\r\n\r\n"),
        REFUSED(400, "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        // a length that is none
        REFUSED(400, POST "Content-Length:\r\n\r\n"),
        REFUSED(400, POST "Content-Length: \r\n\r\n"),
        REFUSED(400, POST "Content-Length: +3\r\n\r\nabc"),
        REFUSED(400, POST "Content-Length: -3\r\n\r\nabc"),
        REFUSED(400, POST "Content-Length: 0x3\r\n\r\nabc"),
        REFUSED(400, POST "Content-Length: 3 4\r\n\r\nabc"),
        REFUSED(400, POST "Content-Length: 3.0\r\n\r\nabc"),
        REFUSED(400, POST "Content-Length: 99999999999999999999\r\n\r\nabc"),
        REFUSED(400, POST "Content-Length: 18446744073709551616\r\n\r\nabc"),
        REFUSED(400, POST "Content-Length: 9223372036854775808\r\n\r\nabc"),
    };
    check_refusals(rows, ARRAY_LEN(rows), true);
}

static void T10_malformed_lines_of_requests_are_refused(void **state)
{
    (void)state;
    static const refusal rows[] = {
        // line ends
        REFUSED(400, "GET / HTTP/1.1\nHost: a.example\r\n\r\n"),
        REFUSED(400, "GET / HTTP/1.1\r\nHost: a.example\n\r\n"),
        REFUSED(400, GET "X: 1\n\r\n"),
        REFUSED(400, GET "X: 1\rY: 2\r\n\r\n"),
        REFUSED(400, GET "X: 1\r\r\n\r\n"),
        REFUSED(400, GET "\n"),
        REFUSED(400, GET "\rX: 1\r\n\r\n"),
        REFUSED(400, "GET / HTTP/1.1\rHost: a.example\r\n\r\n"),
        // names
        REFUSED(400, GET "X : 1\r\n\r\n"),
        REFUSED(400, GET "X\t: 1\r\n\r\n"),
        REFUSED(400, GET ": 1\r\n\r\n"),
        REFUSED(400, GET " X: 1\r\n\r\n"),
        REFUSED(400, GET "X\r\n\r\n"),
        REFUSED(400, GET "X\0Y: 1\r\n\r\n"),
        REFUSED(400, GET "X(Y): 1\r\n\r\n"),
        REFUSED(400, GET "X\x80: 1\r\n\r\n"),
        // folding
        REFUSED(400, GET "X: 1\r\n 2\r\n\r\n"),
        REFUSED(400, GET "X: 1\r\n\t2\r\n\r\n"),
        REFUSED(400, GET "X:\r\n 2\r\n\r\n"),
        REFUSED(400, "GET / HTTP/1.1\r\n " HOST "\r\n"),
        // values
        REFUSED(400, GET "X: a\0b\r\n\r\n"),
        REFUSED(400, GET "X: a\x01"
                         "b\r\n\r\n"),
        REFUSED(400, GET "X: a\x7f\r\n\r\n"),
        REFUSED(400, GET "X: a\x0b\r\n\r\n"),
        // targets
        REFUSED(400, "GET /a b HTTP/1.1\r\n" HOST "\r\n"),
        REFUSED(400, "GET /a\tb HTTP/1.1\r\n" HOST "\r\n"),
        REFUSED(400, "GET /a\0b HTTP/1.1\r\n" HOST "\r\n"),
        REFUSED(400, "GET /a#b HTTP/1.1\r\n" HOST "\r\n"),
        REFUSED(400, "GET a HTTP/1.1\r\n" HOST "\r\n"),
        REFUSED(400, "GET * HTTP/1.1\r\n" HOST "\r\n"),
        REFUSED(400, "GET /\tHTTP/1.1\r\n" HOST "\r\n"),
        // the line
        REFUSED(400, "GET\t/ HTTP/1.1\r\n" HOST "\r\n"),
        REFUSED(400, "GET / HTTP/1.1 \r\n" HOST "\r\n"),
        REFUSED(400, "GET / HTTQ/1.1\r\n" HOST "\r\n"),
        REFUSED(400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
        REFUSED(400, "{\"a\":1}\r\n\r\n"),
        // methods and versions that we don't have
        REFUSED(501, "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n"),
        REFUSED(501, "BREW / HTTP/1.1\r\n" HOST "\r\n"),
        REFUSED(501, "get / HTTP/1.1\r\n" HOST "\r\n"),
        REFUSED(501, "GETX / HTTP/1.1\r\n" HOST "\r\n"),
        REFUSED(505, "GET / HTTP/2.0\r\n" HOST "\r\n"),
        REFUSED(505, "GET / HTTP/3.1\r\n" HOST "\r\n"),
        REFUSED(505, "GET / HTTP/0.9\r\n" HOST "\r\n"),
        REFUSED(505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        REFUSED(417, POST "Expect: 200-ok\r\nContent-Length: 1\r\n\r\n"),
    };
    check_refusals(rows, ARRAY_LEN(rows), true);
}

static void T10_malformed_chunks_are_refused(void **state)
{
    (void)state;
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
    static const refusal rows[] = {
        REFUSED(0, CHUNKED "3\r\nabc\r\n0\r\n\r\n"),
        REFUSED(400, CHUNKED "\r\nabc\r\n0\r\n\r\n"),
        REFUSED(400, CHUNKED "-3\r\nabc\r\n0\r\n\r\n"),
        REFUSED(400, CHUNKED "0x3\r\nabc\r\n0\r\n\r\n"),
        REFUSED(400, CHUNKED " 3\r\nabc\r\n0\r\n\r\n"),
        REFUSED(400, CHUNKED "3 \r\nabc\r\n0\r\n\r\n"),
        REFUSED(400, CHUNKED "3\nabc\r\n0\r\n\r\n"),
        REFUSED(400, CHUNKED "3\r\nabcd\r\n0\r\n\r\n"),
        REFUSED(400, CHUNKED "3\r\nabc\n0\r\n\r\n"),
        REFUSED(400, CHUNKED "3\r\nabc0\r\n\r\n"),
        REFUSED(400, CHUNKED "3;a\nabc\r\n0\r\n\r\n"),
        REFUSED(400, CHUNKED "3;a\rabc\r\n0\r\n\r\n"),
        REFUSED(400, CHUNKED "3\rabc\r\n0\r\n\r\n"),
        REFUSED(400, CHUNKED "ffffffffffffffff1\r\nabc"),
        REFUSED(400, CHUNKED "0\r\nX: 1\n\r\n"),
        REFUSED(400, CHUNKED "0\r\n X: 1\r\n\r\n"),
    };
    check_refusals(rows, ARRAY_LEN(rows), true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(T07_a_host_that_is_missing_doubled_or_malformed_is_refused),
        cmocka_unit_test(T07_an_absolute_target_that_disagrees_with_host_is_refused),
        cmocka_unit_test(T10_ambiguous_framing_of_requests_is_refused),
        cmocka_unit_test(T10_malformed_lines_of_requests_are_refused),
        cmocka_unit_test(T10_malformed_chunks_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
