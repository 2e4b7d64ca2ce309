// SPDX-License-Identifier: Apache-2.0
// HTTP/2 between our own two sides: the server's connection and the pool's.
#include <stdlib.h>
#include <string.h>

#include "http/http_upstream.h"
#include "http/test_cert.h"
#include "http/test_server.h"

typedef struct both both;
struct both {
    world *w;
    http_pool *pool;
    bool event;
};

typedef struct result result;
struct result {
    both *b;
    http_call *call;
    int status, version;
    int64_t told;
    buf body;
    char trailer[64];
    const char *feed; // what is still to be sent of the request's body
    size_t feed_bytes;
    bool ended;
    code code;
    char why[256];
};

// ---- the server: also with trailers
// ---------------------------------------------------------------

static void on_request2(void *ctx, http_exchange *x)
{
    static const http_header trailers[] = {{STR("Grpc-Status"), STR("7")},
                                           {STR("Connection"), STR("x")}};
    const http_request *r = http_exchange_request(x);
    if (str_eq(r->target, STR("/trailers"))) {
        http_reply_start(x, 200, NULL, 0, HTTP_BODY_CHUNKED);
        http_reply_write(x, STR("body"));
        http_reply_trailers(x, trailers, ARRAY_LEN(trailers));
        http_reply_end(x);
    } else if (str_eq(r->target, STR("/only-trailers"))) {
        http_reply_start(x, 200, NULL, 0, HTTP_BODY_CHUNKED);
        http_reply_trailers(x, trailers, ARRAY_LEN(trailers));
        http_reply_end(x);
    } else if (str_eq(r->target, STR("/seen"))) {
        http_reply_text(x, 200, "%d " STR_FMT " " STR_FMT " cookie=" STR_FMT, r->version_major,
                        STR_ARG(r->method), STR_ARG(r->host),
                        STR_ARG(http_headers_get(&r->headers, STR("cookie"))));
    } else if (str_eq(r->target, STR("/cut"))) {
        http_reply_start(x, 200, NULL, 0, HTTP_BODY_CHUNKED);
        http_reply_write(x, STR("half"));
        http_reply_abort(x);
    } else {
        on_request(ctx, x);
    }
}

static int open_both(void **state)
{
    both *b = NEW(both);
    setup((void **)&b->w);
    *state = b;
    return 0;
}

static int close_both(void **state)
{
    both *b = *state;
    http_pool_free(b->pool);
    teardown((void **)&b->w);
    free(b);
    return 0;
}

static void open_server(both *b, http_server_options o)
{
    o.on_request = on_request2;
    o.ctx = b->w;
    assert_code(http_server_new(b->w->loop, &o, &b->w->server, NULL), OK);
}

static void open_pool(both *b, http_pool_options o)
{
    o.host = "127.0.0.1";
    o.port = http_server_port(b->w->server);
    b->pool = http_pool_new(b->w->loop, &o);
}

static void open_them(both *b)
{
    open_server(b, (http_server_options){.http2 = true});
    open_pool(b, (http_pool_options){0});
}

// ---- the client ---------------------------------------------------------------------------------

static void on_head(void *ctx, const http_response *res)
{
    result *r = ctx;
    r->status = res->status;
    r->version = res->version_major;
    r->told = res->body_bytes;
    r->b->event = true;
}

static void on_body(void *ctx, str piece)
{
    result *r = ctx;
    buf_adds(&r->body, piece);
    r->b->event = true;
}

static void on_trailers(void *ctx, const http_headers *trailers)
{
    result *r = ctx;
    assert_int_equal(trailers->len, 1);
    snprintf(r->trailer, sizeof r->trailer, STR_FMT "=" STR_FMT, STR_ARG(trailers->ptr[0].name),
             STR_ARG(trailers->ptr[0].value));
}

static void feed(result *r)
{
    enum { PIECE = 10000 };
    while (r->feed_bytes) {
        size_t count = r->feed_bytes < PIECE ? r->feed_bytes : PIECE;
        str piece = {r->feed, count};
        r->feed += count;
        r->feed_bytes -= count;
        if (!http_call_write(r->call, piece))
            return;
    }
    http_call_write_end(r->call);
}

static void on_drain(void *ctx)
{
    feed(ctx);
}

static void on_end(void *ctx, const err *e)
{
    result *r = ctx;
    r->ended = r->b->event = true;
    r->code = e ? e->code : OK;
    snprintf(r->why, sizeof r->why, "%s", e ? e->msg : "");
    r->call = NULL;
}

static const http_call_handlers handlers = {.on_head = on_head,
                                            .on_body = on_body,
                                            .on_trailers = on_trailers,
                                            .on_end = on_end,
                                            .on_drain = on_drain};

static void begin_with(both *b, result *r, const http_headers *h, const char *method,
                       const char *target, int64_t body_bytes)
{
    *r = (result){.b = b};
    buf_init(&r->body, 64 << 20);
    const http_call_options o = {.method = str_from(method),
                                 .target = str_from(target),
                                 .headers = h,
                                 .http2 = true,
                                 .body_bytes = body_bytes};
    r->call = http_call_start(b->pool, &o, &handlers, r);
}

static void begin(both *b, result *r, const char *method, const char *target, int64_t body_bytes)
{
    static http_header host = {{"Host", 4}, {"a.example", 9}};
    static http_headers h;
    h = (http_headers){&host, 1, 1};
    begin_with(b, r, &h, method, target, body_bytes);
}

static void wait_end(result *r)
{
    assert_true(loop_run_until(r->b->w->loop, &r->ended, TEST_WAIT_MS));
}

static result get(both *b, const char *target)
{
    result r;
    begin(b, &r, "GET", target, 0);
    wait_end(&r);
    return r;
}

static void assert_body(result *r, int status, const char *text)
{
    if (r->code)
        fail_msg("%s", r->why);
    assert_int_equal(r->status, status);
    assert_str(buf_str(&r->body), str_from(text));
    buf_deinit(&r->body);
}

// ---- messages -----------------------------------------------------------------------------------

static void many_calls_share_one_connection(void **state)
{
    enum { CALLS = 150 }; // more than the streams that it may have at once
    both *b = *state;
    static result r[CALLS];
    open_them(b);
    for (size_t i = 0; i < CALLS; i++)
        begin(b, &r[i], "GET", "/hello", 0);
    for (size_t i = 0; i < CALLS; i++) {
        wait_end(&r[i]);
        assert_int_equal(r[i].version, 2);
        assert_int_equal(r[i].told, 6);
        assert_body(&r[i], 200, "hello\n");
    }
    assert_int_equal(http_server_connections(b->w->server), 1);
}

static void a_request_arrives_as_it_was_meant(void **state)
{
    both *b = *state;
    result r;
    http_header fields[] = {
        {STR("HOST"), STR("b.example:81")}, {STR("Cookie"), STR("a=1")},
        {STR("Connection"), STR("close")},  {STR("Keep-Alive"), STR("timeout=5")},
        {STR("X-Bad"), STR("a\r\nb: c")},   {STR("cookie"), STR("b=2")}};
    const http_headers h = {fields, ARRAY_LEN(fields), ARRAY_LEN(fields)};
    open_them(b);
    begin_with(b, &r, &h, "PATCH", "/seen", 0);
    wait_end(&r);
    assert_body(&r, 200, "2 PATCH b.example:81 cookie=a=1; b=2\n");
}

static void a_head_has_a_length_and_no_body(void **state)
{
    both *b = *state;
    result r;
    open_them(b);
    begin(b, &r, "HEAD", "/hello", 0);
    wait_end(&r);
    assert_int_equal(r.told, 6);
    assert_body(&r, 200, "");
}

static void trailers_follow_the_body(void **state)
{
    both *b = *state;
    open_them(b);
    result r = get(b, "/trailers");
    assert_string_equal(r.trailer, "grpc-status=7");
    assert_body(&r, 200, "body");
    r = get(b, "/only-trailers");
    assert_string_equal(r.trailer, "grpc-status=7");
    assert_int_equal(r.told, HTTP_BODY_CHUNKED); // or who passes it on would end it too early
    assert_body(&r, 200, "");
}

// Neither side holds more of it than its marks: both wait for each other all the time.
static void a_body_flows_both_ways_at_once(void **state)
{
    enum { BYTES = 3 << 20 };
    both *b = *state;
    open_them(b);
    char *bytes = mem_new(BYTES);
    for (size_t i = 0; i < BYTES; i++)
        bytes[i] = (char)(i * 31 + i / 977);
    for (int chunked = 0; chunked < 2; chunked++) {
        result r;
        begin(b, &r, "POST", "/echo", chunked ? HTTP_BODY_CHUNKED : BYTES);
        r.feed = bytes;
        r.feed_bytes = BYTES;
        feed(&r);
        wait_end(&r);
        assert_int_equal(r.code, OK);
        assert_true(str_eq(buf_str(&r.body), (str){bytes, BYTES}));
        buf_deinit(&r.body);
    }
    free(bytes);
}

static void a_paused_response_waits(void **state)
{
    both *b = *state;
    result r;
    bool never = false;
    buf_addz(&b->w->body, "the body");
    open_them(b);
    begin(b, &r, "GET", "/big", 0);
    http_call_pause(r.call);
    loop_run_until(b->w->loop, &never, 50);
    assert_int_equal(r.status, 0);
    http_call_resume(r.call);
    wait_end(&r);
    assert_body(&r, 200, "the body");
}

static void one_that_is_not_read_holds_up_no_other(void **state)
{
    both *b = *state;
    result slow;
    char *bytes = mem_new(1 << 20);
    memset(bytes, 'x', 1 << 20);
    buf_add(&b->w->body, bytes, 1 << 20);
    free(bytes);
    open_them(b);
    begin(b, &slow, "GET", "/big", 0);
    while (!slow.body.len) {
        b->event = false;
        loop_run_until(b->w->loop, &b->event, TEST_WAIT_MS);
    }
    http_call_pause(slow.call);
    result r = get(b, "/hello");
    assert_body(&r, 200, "hello\n");
    assert_true(slow.body.len < 1 << 20);
    http_call_resume(slow.call);
    wait_end(&slow);
    assert_int_equal(slow.body.len, 1 << 20);
    buf_deinit(&slow.body);
}

// ---- ends ---------------------------------------------------------------------------------------

static void a_response_that_is_cut_is_an_error(void **state)
{
    both *b = *state;
    open_them(b);
    result r = get(b, "/cut");
    assert_int_equal(r.code, NET_BROKEN);
    assert_non_null(strstr(r.why, "INTERNAL_ERROR"));
    buf_deinit(&r.body);
    r = get(b, "/hello"); // the connection is as good as before
    assert_body(&r, 200, "hello\n");
    assert_int_equal(http_server_connections(b->w->server), 1);
}

static void a_cancelled_call_ends_its_exchange(void **state)
{
    both *b = *state;
    result r;
    open_them(b);
    begin(b, &r, "POST", "/hold", HTTP_BODY_CHUNKED);
    wait_held(b->w);
    http_call_cancel(r.call);
    wait_done(b->w, 1);
    assert_false(b->w->outcome.complete);
    buf_deinit(&r.body);
    r = get(b, "/hello");
    assert_body(&r, 200, "hello\n");
    assert_int_equal(http_server_connections(b->w->server), 1);
}

static void the_end_of_either_side_ends_the_calls(void **state)
{
    both *b = *state;
    result r;
    open_them(b);
    begin(b, &r, "GET", "/hold", 0);
    wait_held(b->w);
    http_server_free(b->w->server);
    b->w->server = NULL;
    assert_int_equal(b->w->dones, 1);
    wait_end(&r);
    assert_int_equal(r.code, NET_BROKEN);
    buf_deinit(&r.body);
    http_pool_free(b->pool);
    open_them(b);
    begin(b, &r, "GET", "/hold", 0);
    wait_held(b->w);
    http_pool_free(b->pool);
    b->pool = NULL;
    assert_int_equal(r.code, SYS_CANCELLED);
    wait_done(b->w, 2);
    buf_deinit(&r.body);
}

static void a_handler_may_free_the_server(void **state)
{
    both *b = *state;
    open_them(b);
    result r = get(b, "/free");
    assert_int_equal(r.code, NET_BROKEN);
    buf_deinit(&r.body);
}

static void on_drained(void *ctx)
{
    *(bool *)ctx = true;
}

static void draining_lets_calls_finish(void **state)
{
    both *b = *state;
    result r;
    bool drained = false;
    open_them(b);
    begin(b, &r, "GET", "/hold", 0);
    http_exchange *x = wait_held(b->w);
    http_server_drain(b->w->server, TEST_WAIT_MS, on_drained, &drained);
    http_reply(x, 200, NULL, 0, STR("late"));
    wait_end(&r);
    assert_body(&r, 200, "late");
    assert_true(loop_run_until(b->w->loop, &drained, TEST_WAIT_MS));
}

static void a_server_that_is_silent_is_given_up(void **state)
{
    both *b = *state;
    open_server(b, (http_server_options){.http2 = true});
    open_pool(b, (http_pool_options){.response_ms = 50});
    result r = get(b, "/hold");
    assert_int_equal(r.code, SYS_TIMEOUT);
    buf_deinit(&r.body);
    wait_done(b->w, 1);
}

static void a_request_that_is_none_is_not_sent(void **state)
{
    both *b = *state;
    result r;
    open_them(b);
    begin(b, &r, "GET", "/a b", 0);
    wait_end(&r);
    assert_int_equal(r.code, HTTP_UNSENDABLE);
    buf_deinit(&r.body);
}

// ---- who speaks it ------------------------------------------------------------------------------

static void a_server_of_the_old_protocol_gets_it(void **state)
{
    both *b = *state;
    result r;
    open_server(b, (http_server_options){0});
    open_pool(b, (http_pool_options){0});
    for (int i = 0; i < 2; i++) {
        begin(b, &r, "POST", "/whole", HTTP_BODY_CHUNKED);
        r.feed = "what waited";
        r.feed_bytes = 11;
        feed(&r);
        wait_end(&r);
        assert_int_equal(r.version, 1);
        assert_body(&r, 200, "what waited");
    }
    begin(b, &r, "POST", "/whole", 3);
    (void)http_call_write(r.call, STR("abc"));
    wait_end(&r);
    assert_body(&r, 200, "abc");
}

static void where_it_must_be_spoken_nothing_else_will_do(void **state)
{
    both *b = *state;
    open_server(b, (http_server_options){0});
    open_pool(b, (http_pool_options){.http2 = true});
    result r = get(b, "/hello");
    assert_int_equal(r.code, HTTP_MALFORMED);
    assert_non_null(strstr(r.why, "doesn't speak HTTP/2"));
    buf_deinit(&r.body);
}

static void over_tls_the_handshake_tells(void **state)
{
    both *b = *state;
    static const char *const offers[] = {"h2,http/1.1", "http/1.1"};
    const tls_client_options co = {.insecure = true, .alpn = "h2,http/1.1"};
    const tls_client_options co1 = {.insecure = true, .alpn = "http/1.1"};
    tls_context *client, *client1;
    assert_code(tls_client_new(&co, &client, NULL), OK);
    assert_code(tls_client_new(&co1, &client1, NULL), OK);
    for (int i = 0; i < 2; i++) {
        const tls_server_options so = {
            .cert_pem = STR(TEST_CERT), .key_pem = STR(TEST_KEY), .alpn = offers[i]};
        tls_context *server;
        assert_code(tls_server_new(&so, &server, NULL), OK);
        open_server(b, (http_server_options){.http2 = true, .tls = server});
        open_pool(b, (http_pool_options){.tls = client1, .tls_http2 = client});
        result r = get(b, "/hello");
        assert_int_equal(r.version, i ? 1 : 2);
        assert_body(&r, 200, "hello\n");
        http_pool_free(b->pool);
        b->pool = NULL;
        http_server_free(b->w->server);
        b->w->server = NULL;
        tls_context_unref(server);
    }
    tls_context_unref(client);
    tls_context_unref(client1);
}

static void the_old_protocol_is_still_served_beside_it(void **state)
{
    both *b = *state;
    open_them(b);
    ask(b->w, "P");
    bool never = false;
    loop_run_until(b->w->loop, &never, 20);
    peer_send(&b->w->client, "OST /hello HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n");
    peer_wait(&b->w->client, "\r\n\r\nhello\n");
    ask_again(b->w, GET("/hello"));
    peer_wait(&b->w->client, "\r\n\r\nhello\n");
}

// ---- T12, T13
// -------------------------------------------------------------------------------------

static void T12_a_header_that_is_too_large_is_refused(void **state)
{
    both *b = *state;
    result r;
    open_them(b);
    char *large = mem_new(40 << 10);
    memset(large, 'a', 40 << 10);
    http_header fields[] = {{STR("Host"), STR("a.example")}, {STR("X-Large"), {large, 40 << 10}}};
    const http_headers h = {fields, 2, 2};
    begin_with(b, &r, &h, "GET", "/hello", 0);
    wait_end(&r);
    assert_int_equal(r.status, 431);
    buf_deinit(&r.body);
    free(large);
    assert_int_equal(b->w->requests, 0);
}

static void T12_a_head_that_means_two_things_is_refused(void **state)
{
    static const struct {
        const char *host, *target;
        int status;
    } rows[] = {
        {"a.example", "/a#b", 400},   {"a b", "/", 400},
        {"user@a.example", "/", 400}, {"", "/", 400},
        {"a.example", "*", 400},      {"a.example", "a", 400},
    };
    both *b = *state;
    open_them(b);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        result r;
        http_header host = {STR("Host"), str_from(rows[i].host)};
        const http_headers h = {&host, 1, 1};
        begin_with(b, &r, &h, "GET", rows[i].target, 0);
        wait_end(&r);
        // What nghttp2 itself refuses ends the stream.
        assert_row(i, r.status == rows[i].status || r.code == NET_BROKEN);
        buf_deinit(&r.body);
    }
    assert_int_equal(b->w->requests, 0);
}

static void T12_a_body_that_is_too_large_is_refused(void **state)
{
    both *b = *state;
    open_server(b, (http_server_options){.http2 = true, .body_bytes_max = 10});
    open_pool(b, (http_pool_options){0});
    for (int chunked = 0; chunked < 2; chunked++) {
        result r;
        begin(b, &r, "POST", "/whole", chunked ? HTTP_BODY_CHUNKED : 11);
        r.feed = "12345678901";
        r.feed_bytes = 11;
        feed(&r);
        wait_end(&r);
        assert_int_equal(r.status, 413);
        buf_deinit(&r.body);
    }
}

static void T13_a_preface_that_does_not_come_ends(void **state)
{
    both *b = *state;
    open_server(b, (http_server_options){.http2 = true, .head_ms = 50, .idle_ms = TEST_WAIT_MS});
    ask(b->w, "PRI * HT");
    peer_wait_end(&b->w->client);
}

static void T13_a_connection_without_calls_ends(void **state)
{
    both *b = *state;
    open_server(b, (http_server_options){.http2 = true, .idle_ms = 50});
    ask(b->w, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    peer_wait_end(&b->w->client);
}

// ---- T12: floods, in frames made by hand
// ----------------------------------------------------------

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define HEAD_OF_GET                                                                                \
    "\x82\x86\x84\x41\x01"                                                                         \
    "a" // GET http://a/
enum { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW, MORE };
enum { END_STREAM = 1, END_HEADERS = 4 };

static void frame(buf *out, int type, int flags, uint32_t id, str payload)
{
    const char head[] = {(char)(payload.len >> 16),
                         (char)(payload.len >> 8),
                         (char)payload.len,
                         (char)type,
                         (char)flags,
                         (char)(id >> 24),
                         (char)(id >> 16),
                         (char)(id >> 8),
                         (char)id};
    buf_add(out, head, sizeof head);
    buf_adds(out, payload);
}

// Sends these frames over and over on a new connection, until the server ends it.
static void flood(both *b, str first, str again, size_t times)
{
    buf out;
    buf_init(&out, 64 << 20);
    buf_adds(&out, STR(PREFACE));
    frame(&out, SETTINGS, 0, 0, STR_NONE);
    buf_adds(&out, first);
    for (size_t i = 0; i < times; i++)
        buf_adds(&out, again);
    peer_connect(&b->w->client, b->w->loop, http_server_port(b->w->server), buf_str(&out));
    peer_wait_end(&b->w->client);
    peer_close(&b->w->client);
    b->w->client.stream = NULL;
    buf_deinit(&out);
}

static void T12_floods_of_control_frames_end_the_connection(void **state)
{
    both *b = *state;
    open_server(b, (http_server_options){.http2 = true});
    buf ping, settings, headers, more;
    buf *all[] = {&ping, &settings, &headers, &more};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        buf_init(all[i], 1 << 20);
    frame(&ping, PING, 0, 0, STR("12345678"));
    frame(&settings, SETTINGS, 0, 0, STR_NONE);
    frame(&headers, HEADERS, END_STREAM, 1, STR(HEAD_OF_GET));
    frame(&more, MORE, 0, 1,
          STR("\x40\x01"
              "a"
              "\x01"
              "b"));
    flood(b, STR_NONE, buf_str(&ping), 50000);
    flood(b, STR_NONE, buf_str(&settings), 50000);
    flood(b, buf_str(&headers), buf_str(&more), 50000);
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        buf_deinit(all[i]);
    assert_int_equal(b->w->requests, 0);
}

static void T12_rapid_resets_end_the_connection(void **state)
{
    enum { STREAMS = 20000 };
    both *b = *state;
    buf out;
    open_server(b, (http_server_options){.http2 = true});
    buf_init(&out, 8 << 20);
    for (uint32_t id = 1; id < 2 * STREAMS; id += 2) {
        frame(&out, HEADERS, END_HEADERS | END_STREAM, id, STR(HEAD_OF_GET));
        frame(&out, RST_STREAM, 0, id, STR("\0\0\0\x8"));
    }
    flood(b, buf_str(&out), STR_NONE, 0);
    buf_deinit(&out);
    assert_true(b->w->requests < STREAMS / 4);
    assert_int_equal(b->w->dones, b->w->requests);
}

// A large entry of the table, named again and again in few bytes.
static void T12_a_header_that_unpacks_to_much_is_refused(void **state)
{
    enum { NAMED = 12000, LARGE = 3000 };
    both *b = *state;
    buf block, out;
    open_server(b, (http_server_options){.http2 = true, .idle_ms = 200});
    buf_init(&block, 64 << 10);
    buf_init(&out, 1 << 20);
    buf_adds(&block, STR(HEAD_OF_GET "\x40\x01x\x7f\xb9\x16")); // x: 127 + 57 + 22 × 128 = 3000
    for (int i = 0; i < LARGE; i++)
        buf_addc(&block, 'v');
    for (int i = 0; i < NAMED; i++)
        buf_addc(&block, '\xbe');
    frame(&out, HEADERS, END_HEADERS | END_STREAM, 1, buf_str(&block));
    flood(b, buf_str(&out), STR_NONE, 0);
    assert_int_equal(b->w->requests, 0);
    buf_deinit(&block);
    buf_deinit(&out);
}

static void T12_a_stream_begun_with_forbidden_fields_is_reset(void **state)
{
    // A field of the connection, a name with a capital, a line break in a value, a late pseudo
    // field.
    static const str blocks[] = {
        {HEAD_OF_GET "\x40\x0a"
                     "connection\x01x",
         sizeof(HEAD_OF_GET "\x40\x0a"
                            "connection\x01x") -
             1},
        {HEAD_OF_GET "\x40\x01X\x01x", sizeof(HEAD_OF_GET "\x40\x01X\x01x") - 1},
        {HEAD_OF_GET "\x40\x01x\x03"
                     "a\r\n",
         sizeof(HEAD_OF_GET "\x40\x01x\x03"
                            "a\r\n") -
             1},
        {"\x82\x86\x84\x40\x01x\x01x\x41\x01"
         "a",
         sizeof("\x82\x86\x84\x40\x01x\x01x\x41\x01"
                "a") -
             1},
        {HEAD_OF_GET "\x40\x11transfer-encoding\x07"
                     "chunked",
         sizeof(HEAD_OF_GET "\x40\x11transfer-encoding\x07"
                            "chunked") -
             1},
    };
    both *b = *state;
    open_server(b, (http_server_options){.http2 = true});
    for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
        buf out;
        buf_init(&out, 1 << 20);
        buf_adds(&out, STR(PREFACE));
        frame(&out, SETTINGS, 0, 0, STR_NONE);
        frame(&out, HEADERS, END_HEADERS | END_STREAM, 1, blocks[i]);
        peer_close(&b->w->client);
        peer_connect(&b->w->client, b->w->loop, http_server_port(b->w->server), buf_str(&out));
        // RST_STREAM of stream 1 (13 bytes), after our settings and their acknowledgement.
        while (str_find(buf_str(&b->w->client.got), STR("\0\0\x4\x3\0\0\0\0\x1")) < 0)
            peer_wait_bytes(&b->w->client, b->w->client.got.len + 1);
        buf_deinit(&out);
    }
    assert_int_equal(b->w->requests, 0);
}

#define BOTH(name) cmocka_unit_test_setup_teardown(name, open_both, close_both)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(many_calls_share_one_connection),
        BOTH(a_request_arrives_as_it_was_meant),
        BOTH(a_head_has_a_length_and_no_body),
        BOTH(trailers_follow_the_body),
        BOTH(a_body_flows_both_ways_at_once),
        BOTH(a_paused_response_waits),
        BOTH(one_that_is_not_read_holds_up_no_other),
        BOTH(a_response_that_is_cut_is_an_error),
        BOTH(a_cancelled_call_ends_its_exchange),
        BOTH(the_end_of_either_side_ends_the_calls),
        BOTH(a_handler_may_free_the_server),
        BOTH(draining_lets_calls_finish),
        BOTH(a_server_that_is_silent_is_given_up),
        BOTH(a_request_that_is_none_is_not_sent),
        BOTH(a_server_of_the_old_protocol_gets_it),
        BOTH(where_it_must_be_spoken_nothing_else_will_do),
        BOTH(over_tls_the_handshake_tells),
        BOTH(the_old_protocol_is_still_served_beside_it),
        BOTH(T12_a_header_that_is_too_large_is_refused),
        BOTH(T12_a_head_that_means_two_things_is_refused),
        BOTH(T12_a_body_that_is_too_large_is_refused),
        BOTH(T12_floods_of_control_frames_end_the_connection),
        BOTH(T12_rapid_resets_end_the_connection),
        BOTH(T12_a_header_that_unpacks_to_much_is_refused),
        BOTH(T12_a_stream_begun_with_forbidden_fields_is_reset),
        BOTH(T13_a_preface_that_does_not_come_ends),
        BOTH(T13_a_connection_without_calls_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
