// SPDX-License-Identifier: Apache-2.0
// The parser and the reading of heads, row by row: each input is parsed whole and byte by byte.
#include "http/parse.h"

#include "base/test.h"
#include "http/message.h"

static parse_limits limits = {
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

static void T07_connect_names_one_server(void **state)
{
    (void)state;
#define CONNECT "CONNECT a.example:443 HTTP/1.1\r\n"
    static const refusal rows[] = {
        REFUSED(0, CONNECT "Host: a.example:443\r\n\r\n"),
        REFUSED(0, CONNECT "Host: A.example\r\n\r\n"),
        REFUSED(0, "CONNECT [::1]:80 HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"),
        REFUSED(0, "CONNECT a.example:443 HTTP/1.0\r\n\r\n"),
        REFUSED(400, CONNECT "\r\n"),
        REFUSED(400, CONNECT "Host: b.example:443\r\n\r\n"),
        REFUSED(400, CONNECT "Host: a.example:80\r\n\r\n"),
        REFUSED(400, CONNECT "Host: a.example\r\nHost: a.example\r\n\r\n"),
        REFUSED(400, "CONNECT a.example:443 HTTP/1.0\r\nHost: b.example\r\n\r\n"),
        REFUSED(400, "CONNECT a.example HTTP/1.1\r\n" HOST "\r\n"),
        REFUSED(400, "CONNECT /a HTTP/1.1\r\n" HOST "\r\n"),
        REFUSED(400, "CONNECT u@a.example:443 HTTP/1.1\r\n" HOST "\r\n"),
        REFUSED(400, CONNECT "Host: a.example\r\nContent-Length: 1\r\n\r\nx"),
        REFUSED(400, CONNECT "Host: a.example\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    };
    limits.connect = true;
    check_refusals(rows, ARRAY_LEN(rows), true);
    parsed r;
    parse(&r, STR("CONNECT a.example:443 HTTP/1.0\r\n\r\n"), 10000, true);
    assert_str(r.req.target, STR("a.example:443"));
    assert_str(r.req.host, STR("a.example:443"));
    forget(&r);
    limits.connect = false;
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

static void T10_ambiguous_responses_are_refused(void **state)
{
    (void)state;
#define OK_LINE "HTTP/1.1 200 OK\r\n"
    static const refusal rows[] = {
        REFUSED(0, OK_LINE "Content-Length: 3\r\n\r\nabc"),
        REFUSED(0, OK_LINE "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
        REFUSED(0, "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"),
        REFUSED(400, OK_LINE "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc"),
        REFUSED(400, OK_LINE "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
        REFUSED(400, OK_LINE "Content-Length: 3, 3\r\n\r\nabc"),
        REFUSED(400, OK_LINE "Content-Length:\r\n\r\nabc"),
        REFUSED(400, OK_LINE "Content-Length: -1\r\n\r\nabc"),
        REFUSED(501, OK_LINE "Transfer-Encoding: gzip\r\n\r\nabc"),
        REFUSED(400, OK_LINE "Transfer-Encoding: gzip, chunked\r\n\r\nabc"),
        REFUSED(400, OK_LINE "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
        REFUSED(400, "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        REFUSED(400, OK_LINE "X: 1\nY: 2\r\n\r\n"),
        REFUSED(400, OK_LINE "X: 1\rY: 2\r\n\r\n"),
        REFUSED(400, OK_LINE "X: 1\r\n 2\r\n\r\n"),
        REFUSED(400, OK_LINE "X : 1\r\n\r\n"),
        REFUSED(400, OK_LINE ": 1\r\n\r\n"),
        REFUSED(400, OK_LINE "X: a\0b\r\n\r\n"),
        REFUSED(400, "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n"),
        REFUSED(400, "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"),
        REFUSED(400, "HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n"),
        REFUSED(400, "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"),
        REFUSED(400, "HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n"),
        REFUSED(505, "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
        REFUSED(400, "HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n"),
        REFUSED(400, "HTTP/1.1 200 O\x1bK\r\nContent-Length: 0\r\n\r\n"),
        REFUSED(400, "ICY 200 OK\r\nContent-Length: 0\r\n\r\n"),
        REFUSED(400, "SSH-2.0-OpenSSH_9.2\r\n"),
    };
    check_refusals(rows, ARRAY_LEN(rows), false);
}

// ---- requests that are accepted -----------------------------------------------------------------

static void a_head_is_read_alike_however_it_arrives(void **state)
{
    (void)state;
    str text = STR("\r\nPOST /a%20b?q=%C3 HTTP/1.1\r\nhOsT: A.example:8080\r\nX-Empty:\r\n"
                   "X-Long: \t a  b \t\r\nX-Empty: \xff\r\nContent-Length: 4\r\n\r\nbodyGET /next");
    for (size_t step = 1; step <= text.len; step++) {
        parsed r;
        parse(&r, text, step, true);
        assert_int_equal(r.status, 0);
        assert_int_equal(r.ends, 1);
        assert_int_equal(r.consumed, text.len - strlen("GET /next"));
        assert_str(r.req.method, STR("POST"));
        assert_str(r.req.target, STR("/a%20b?q=%C3"));
        assert_str(r.req.host, STR("A.example:8080"));
        assert_int_equal(r.req.headers.len, 5);
        assert_str(r.req.headers.ptr[0].name, STR("hOsT"));
        assert_str(r.req.headers.ptr[1].value, STR(""));
        assert_str(r.req.headers.ptr[2].value, STR("a  b"));
        assert_str(r.req.headers.ptr[3].value, STR("\xff"));
        assert_int_equal(r.req.body_bytes, 4);
        assert_str(buf_str(&r.body), STR("body"));
        assert_true(r.parser.keep_alive);
        forget(&r);
    }
}

static void chunks_are_joined_and_trailers_dropped(void **state)
{
    (void)state;
    str text = STR(CHUNKED "3;a=\"b;c\";d\r\nabc\r\n0A\r\n0123456789\r\n"
                           "000\r\nX-Trailer: 1\r\nAuthorization: x\r\n\r\nrest");
    for (size_t step = 1; step <= text.len; step++) {
        parsed r;
        parse(&r, text, step, true);
        assert_int_equal(r.ends, 1);
        assert_int_equal(r.consumed, text.len - strlen("rest"));
        assert_int_equal(r.req.body_bytes, HTTP_BODY_CHUNKED);
        assert_str(buf_str(&r.body), STR("abc0123456789"));
        assert_int_equal(r.parser.headers.len, 2);
        forget(&r);
    }
}

static void absolute_targets_are_reduced(void **state)
{
    (void)state;
    static const struct {
        const char *target, *host, *reduced;
    } rows[] = {
        {"http://a.example/x?y=1", "a.example", "/x?y=1"},
        {"http://a.example", "a.example", "/"},
        {"http://a.example?y", "a.example", "/?y"},
        {"HTTPS://A.example:443/%2e", "a.example:443", "/%2e"},
        {"http://[::1]:81/", "[::1]:81", "/"},
        {"/plain", "a.example", "/plain"},
        {"//double", "a.example", "//double"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf text;
        buf_init(&text, 4096);
        buf_addf(&text, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", rows[i].target, rows[i].host);
        parsed r;
        parse(&r, buf_str(&text), text.len, true);
        assert_row(i, r.status == 0);
        assert_row(i, str_eq(r.req.target, str_from(rows[i].reduced)));
        assert_row(i, str_eq(r.req.host, str_from(rows[i].host)));
        forget(&r);
        buf_deinit(&text);
    }
}

static void what_a_request_asks_of_its_connection(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool keep_alive, expects, upgrade;
    } rows[] = {
        {GET "\r\n", true, false, false},
        {GET "Connection: close\r\n\r\n", false, false, false},
        {GET "Connection: x, CLOSE\r\n\r\n", false, false, false},
        {"GET / HTTP/1.0\r\n" HOST "\r\n", false, false, false},
        {"GET / HTTP/1.0\r\n" HOST "Connection: keep-alive\r\n\r\n", true, false, false},
        {POST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n", true, true, false},
        {POST "Expect: 100-continue\r\nContent-Length: 0\r\n\r\n", true, false, false},
        {"POST / HTTP/1.0\r\n" HOST "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n", false,
         false, false},
        {GET "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", true, false, true},
        {GET "Connection: keep-alive, upgrade\r\nUpgrade: x\r\n\r\n", true, false, true},
        {GET "Upgrade: websocket\r\n\r\n", true, false, false},
        {GET "Connection: Upgrade\r\n\r\n", true, false, false},
        {"OPTIONS * HTTP/1.1\r\n" HOST "\r\n", true, false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        parsed r;
        parse(&r, str_from(rows[i].text), 1000, true);
        assert_row(i, r.status == 0);
        assert_row(i, r.parser.keep_alive == rows[i].keep_alive);
        assert_row(i, r.req.expects_continue == rows[i].expects);
        assert_row(i, r.req.upgrade == rows[i].upgrade);
        forget(&r);
    }
}

static void T11_bytes_behind_an_upgrade_stay_unread(void **state)
{
    (void)state;
    str text = STR(GET "Connection: upgrade\r\nUpgrade: x\r\n\r\nearly\r\n\r\n");
    parsed r;
    parse(&r, text, text.len, true);
    assert_int_equal(r.ends, 1);
    assert_int_equal(r.consumed, text.len - strlen("early\r\n\r\n"));
    forget(&r);
}

// ---- responses that are accepted ----------------------------------------------------------------

static void where_a_response_ends(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool head;
        int64_t body_bytes;
        bool keep_alive;
        const char *body;
        const char *rest;
    } rows[] = {
        {OK_LINE "Content-Length: 3\r\n\r\nabcX", false, 3, true, "abc", "X"},
        {OK_LINE "Content-Length: 3\r\n\r\nX", true, 3, true, "", "X"},
        {OK_LINE "\r\nX", true, HTTP_BODY_CHUNKED, true, "", "X"},
        {OK_LINE "Transfer-Encoding: chunked\r\n\r\nX", true, HTTP_BODY_CHUNKED, true, "", "X"},
        {OK_LINE "Connection: close\r\nContent-Length: 1\r\n\r\na", false, 1, false, "a", ""},
        {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", false, 1, false, "a", ""},
        {"HTTP/1.1 204 No Content\r\n\r\nX", false, 0, true, "", "X"},
        {"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\nX", false, 9, true, "", "X"},
        {"HTTP/1.1 100 Continue\r\n\r\nX", false, 0, true, "", "X"},
        {"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nX", false, 0, true, "", "X"},
        {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nX", false, 0,
         true, "", "X"},
        {OK_LINE "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\nX", false, HTTP_BODY_CHUNKED,
         true, "a", "X"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        parsed r = {0};
        arena_init(&r.arena);
        buf_init(&r.body, 4096);
        parser_init(&r.parser, HTTP_RESPONSE, &limits, &r.arena);
        r.parser.no_body = rows[i].head;
        str in = str_from(rows[i].text);
        feed(&r, &in, false);
        assert_row(i, r.ends == 1);
        assert_row(i, r.res.body_bytes == rows[i].body_bytes);
        assert_row(i, r.parser.keep_alive == rows[i].keep_alive);
        assert_row(i, str_eq(buf_str(&r.body), str_from(rows[i].body)));
        assert_row(i, str_eq(in, str_from(rows[i].rest)));
        forget(&r);
    }
}

static void a_response_without_a_length_ends_with_the_connection(void **state)
{
    (void)state;
    parsed r;
    parse(&r, STR("HTTP/1.1 404 Nothing Here\r\nA: b\r\n\r\nsome text"), 7, false);
    assert_int_equal(r.ends, 0);
    assert_int_equal(r.res.status, 404);
    assert_str(r.res.reason, STR("Nothing Here"));
    assert_int_equal(r.res.body_bytes, HTTP_BODY_CHUNKED);
    assert_false(r.parser.keep_alive);
    assert_str(buf_str(&r.body), STR("some text"));
    assert_int_equal(parser_finish(&r.parser), PARSE_END);
    forget(&r);
    parse(&r, STR("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsome"), 7, false);
    assert_int_equal(parser_finish(&r.parser), PARSE_FAILED);
    forget(&r);
}

// ---- limits -------------------------------------------------------------------------------------

static int status_of(buf *text)
{
    int status = -1;
    for (size_t step = 1; step < 1000000; step *= 1000) {
        parsed r;
        parse(&r, buf_str(text), step, true);
        assert_true(status < 0 || status == r.status); // alike, however it arrives
        status = r.status;
        assert_true(r.parser.head_bytes <= limits.head_bytes_max);
        forget(&r);
    }
    buf_reset(text);
    return status;
}

static void repeat(buf *text, const char *part, size_t times)
{
    for (size_t i = 0; i < times; i++)
        buf_addz(text, part);
}

static void T13_a_head_has_limits(void **state)
{
    (void)state;
    buf t;
    buf_init(&t, 1 << 20);
    size_t fixed = strlen(GET "X: \r\n\r\n");
    buf_addz(&t, GET "X: ");
    repeat(&t, "a", limits.head_bytes_max - fixed);
    buf_addz(&t, "\r\n\r\n");
    assert_int_equal(status_of(&t), 0);
    buf_addz(&t, GET "X: ");
    repeat(&t, "a", limits.head_bytes_max - fixed + 1);
    buf_addz(&t, "\r\n\r\n");
    assert_int_equal(status_of(&t), 431);
    buf_addz(&t, GET "X:"); // blanks that no field keeps count, too
    repeat(&t, " ", 100000);
    assert_int_equal(status_of(&t), 431);
    repeat(&t, "\r\n", 50000);
    assert_int_equal(status_of(&t), 431);
    buf_addz(&t, GET);
    repeat(&t, "X: a\r\n", limits.header_count_max - 1);
    buf_addz(&t, "\r\n");
    assert_int_equal(status_of(&t), 0);
    buf_addz(&t, GET);
    repeat(&t, "X: a\r\n", limits.header_count_max);
    buf_addz(&t, "\r\n");
    assert_int_equal(status_of(&t), 431);
    buf_addz(&t, "GET /");
    repeat(&t, "a", limits.target_bytes_max - 1);
    buf_addz(&t, " HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(status_of(&t), 0);
    buf_addz(&t, "GET /");
    repeat(&t, "a", limits.target_bytes_max);
    buf_addz(&t, " HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(status_of(&t), 414);
    buf_deinit(&t);
}

static void T10_chunk_extensions_and_trailers_have_a_limit(void **state)
{
    (void)state;
    buf t;
    buf_init(&t, 1 << 20);
    buf_addz(&t, CHUNKED "1;x=");
    repeat(&t, "a", 5000);
    buf_addz(&t, "\r\nb\r\n0\r\n\r\n");
    assert_int_equal(status_of(&t), 400);
    buf_addz(&t, CHUNKED);
    repeat(&t, "1;abc=def\r\nx\r\n", 1000); // all together

    buf_addz(&t, "0\r\n\r\n");
    assert_int_equal(status_of(&t), 400);
    buf_addz(&t, CHUNKED "0\r\n");
    repeat(&t, "X: aaaaaaaa\r\n", 1000);
    buf_addz(&t, "\r\n");
    assert_int_equal(status_of(&t), 400);
    buf_addz(&t, CHUNKED "0\r\n");
    repeat(&t, "X:\r\n", 5000);
    buf_addz(&t, "\r\n");
    assert_int_equal(status_of(&t), 400);
    buf_addz(&t, CHUNKED "0\r\nX: ");
    repeat(&t, " ", 100000);
    assert_int_equal(status_of(&t), 400);
    buf_addz(&t, CHUNKED);
    repeat(&t, "0", 100000); // leading zeros of a size
    assert_int_equal(status_of(&t), 400);
    buf_addz(&t, CHUNKED);
    repeat(&t, "8\r\nabcdefgh\r\n", 1000);
    buf_addz(&t, "0\r\nX: y\r\n\r\n");
    assert_int_equal(status_of(&t), 0);
    buf_deinit(&t);
}

// ---- message ------------------------------------------------------------------------------------

static void fields_are_found_and_changed(void **state)
{
    (void)state;
    arena a;
    arena_init(&a);
    http_headers h = {0};
    assert_null(http_headers_get(&h, STR("a")).ptr);
    for (int i = 0; i < 40; i++)
        http_headers_add(&h, &a, i % 2 ? STR("Odd") : STR("Even"), STR("1"));
    http_headers_add(&h, &a, STR("Last"), STR("x, Y ,z"));
    assert_int_equal(http_headers_count(&h, STR("odd")), 20);
    assert_true(http_headers_has(&h, STR("LAST")));
    http_headers_set(&h, &a, STR("EVEN"), STR("2"));
    assert_int_equal(http_headers_count(&h, STR("even")), 1);
    assert_str(h.ptr[0].value, STR("2"));
    assert_str(h.ptr[0].name, STR("EVEN"));
    assert_int_equal(h.len, 22);
    http_headers_set(&h, &a, STR("New"), STR("3"));
    assert_str(http_headers_get(&h, STR("new")), STR("3"));
    assert_true(http_headers_lists(&h, STR("last"), STR("y")));
    assert_true(http_headers_lists(&h, STR("last"), STR("Z")));
    assert_false(http_headers_lists(&h, STR("last"), STR("x, y")));
    assert_false(http_headers_lists(&h, STR("new"), STR("x")));
    arena_deinit(&a);
}

static void what_names_and_values_may_hold(void **state)
{
    (void)state;
    assert_true(http_name_valid(STR("X-a_b.c~1!#$%&'*+^`|")));
    static const str bad_names[] = {{"", 0},   {"a b", 3}, {"a:", 2},       {"a\0", 2},
                                    {"\n", 1}, {"(", 1},   {"\xc3\xa4", 2}, {"a\r\nb", 4}};
    for (size_t i = 0; i < ARRAY_LEN(bad_names); i++)
        assert_row(i, !http_name_valid(bad_names[i]));
    assert_true(http_value_valid(STR("")));
    assert_true(http_value_valid(STR("a\tb \xff\"")));
    static const str bad_values[] = {{"\r", 1}, {"a\nb", 3}, {"\0", 1}, {"\x1f", 1}, {"\x7f", 1}};
    for (size_t i = 0; i < ARRAY_LEN(bad_values); i++)
        assert_row(i, !http_value_valid(bad_values[i]));
}

// Values are looked at eight bytes at a time.
static void each_byte_counts_wherever_it_stands_in_a_value(void **state)
{
    (void)state;
    static const char around[] = {'x', ' ', '\t', '\x80', '\xff', '~'};
    char value[19];
    for (size_t at = 0; at < sizeof value; at++) {
        for (int byte = 0; byte < 256; byte++) {
            bool bad = (byte < 0x20 && byte != '\t') || byte == 0x7f;
            memset(value, around[(at + (size_t)byte) % sizeof around], sizeof value);
            value[at] = (char)byte;
            assert_row(byte, http_value_valid((str){value, sizeof value}) == !bad);
        }
    }
}

static void statuses_have_their_reasons(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *reason;
    } rows[] = {
        {0, ""},
        {99, ""},
        {100, "Continue"},
        {103, "Early Hints"},
        {104, ""},
        {200, "OK"},
        {206, "Partial Content"},
        {299, ""},
        {308, "Permanent Redirect"},
        {306, ""},
        {404, "Not Found"},
        {418, ""},
        {431, "Request Header Fields Too Large"},
        {451, "Unavailable For Legal Reasons"},
        {499, ""},
        {501, "Not Implemented"},
        {511, "Network Authentication Required"},
        {512, ""},
        {600, ""},
        {-1, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_row(i, strcmp(http_reason(rows[i].status), rows[i].reason) == 0);
}

static void numbers_are_written(void **state)
{
    (void)state;
    buf b;
    char line[CHUNK_LINE_MAX];
    buf_init(&b, 100);
    buf_add_u64(&b, 0);
    buf_addc(&b, ' ');
    buf_add_u64(&b, UINT64_MAX);
    assert_str(buf_str(&b), STR("0 18446744073709551615"));
    assert_str(chunk_line(1, line), STR("1\r\n"));
    assert_str(chunk_line(0x1f4a0, line), STR("1f4a0\r\n"));
    assert_str(chunk_line(SIZE_MAX, line), STR("ffffffffffffffff\r\n"));
    buf_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(T07_a_host_that_is_missing_doubled_or_malformed_is_refused),
        cmocka_unit_test(T07_an_absolute_target_that_disagrees_with_host_is_refused),
        cmocka_unit_test(T10_ambiguous_framing_of_requests_is_refused),
        cmocka_unit_test(T10_malformed_lines_of_requests_are_refused),
        cmocka_unit_test(T07_connect_names_one_server),
        cmocka_unit_test(T10_malformed_chunks_are_refused),
        cmocka_unit_test(T10_ambiguous_responses_are_refused),
        cmocka_unit_test(a_head_is_read_alike_however_it_arrives),
        cmocka_unit_test(chunks_are_joined_and_trailers_dropped),
        cmocka_unit_test(absolute_targets_are_reduced),
        cmocka_unit_test(what_a_request_asks_of_its_connection),
        cmocka_unit_test(T11_bytes_behind_an_upgrade_stay_unread),
        cmocka_unit_test(where_a_response_ends),
        cmocka_unit_test(a_response_without_a_length_ends_with_the_connection),
        cmocka_unit_test(T13_a_head_has_limits),
        cmocka_unit_test(T10_chunk_extensions_and_trailers_have_a_limit),
        cmocka_unit_test(fields_are_found_and_changed),
        cmocka_unit_test(what_names_and_values_may_hold),
        cmocka_unit_test(each_byte_counts_wherever_it_stands_in_a_value),
        cmocka_unit_test(statuses_have_their_reasons),
        cmocka_unit_test(numbers_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
