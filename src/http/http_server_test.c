// SPDX-License-Identifier: Apache-2.0
// Messages and what becomes of them, over real sockets; clients send raw bytes.
#include "http/test_server.h"

static void a_request_gets_its_reply_and_the_connection_stays(void **state)
{
    world *w = *state;
    serve(w, defaults);
    ask(w, GET("/hello"));
    peer_wait(&w->client, "hello\n");
    assert_true(str_starts(buf_str(&w->client.got), STR("HTTP/1.1 200 OK\r\n")));
    assert_true(str_find(buf_str(&w->client.got), STR("content-type: text/plain\r\n")) > 0);
    assert_true(str_find(buf_str(&w->client.got), STR("Content-Length: 6\r\n")) > 0);
    assert_true(str_find(buf_str(&w->client.got), STR("Date: ")) > 0);
    buf_reset(&w->client.got);
    peer_send(&w->client, GET("/hello"));
    peer_wait(&w->client, "hello\n");
    assert_int_equal(w->dones, 2);
    assert_true(w->outcome.complete);
    assert_int_equal(w->outcome.body_bytes_sent, 6);
    assert_int_equal(http_server_connections(w->server), 1);
}

static void bodies_are_read_whole(void **state)
{
    world *w = *state;
    serve(w, defaults);
    ask(w, "POST /whole HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nabcde");
    peer_wait(&w->client, "\r\n\r\nabcde");
    buf_reset(&w->client.got);
    peer_send(&w->client,
              "POST /whole HTTP/1.1\r\n" HOST
              "Transfer-Encoding: chunked\r\n\r\n3\r\nxyz\r\n4;q=1\r\n1234\r\n0\r\nT: 1\r\n\r\n");
    peer_wait(&w->client, "\r\n\r\nxyz1234");
    buf_reset(&w->client.got);
    peer_send(&w->client, GET("/whole"));
    peer_wait(&w->client, "Content-Length: 0\r\n");
}

static void bodies_are_streamed_both_ways(void **state)
{
    world *w = *state;
    serve(w, defaults);
    ask(w, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    peer_wait(&w->client, "3\r\nabc\r\n");
    peer_send(&w->client, "2\r\nde\r\n0\r\n\r\n");
    peer_wait(&w->client, "2\r\nde\r\n0\r\n\r\n");
    assert_int_equal(w->outcome.body_bytes_sent, 5);
}

// ---- the end of a message and of a connection ---------------------------------------------------

static void pipelined_requests_are_answered_in_order(void **state)
{
    world *w = *state;
    serve(w, defaults);
    ask(w, GET("/1") GET("/hold") GET("/hello") GET("/3"));
    http_exchange *x = wait_held(w);
    while (!str_eq(http_exchange_request(x)->target, STR("/hold")))
        x = wait_held(w);
    assert_int_equal(w->requests, 2); // the third waits for the second's answer
    http_reply_text(x, 200, "held");
    peer_wait(&w->client, "404\n"); // the first's
    wait_done(w, 4);
    peer_wait(&w->client, "hello\n");
    assert_int_equal(w->requests, 4);
    str got = buf_str(&w->client.got);
    assert_true(str_find(got, STR("held\n")) < str_find(got, STR("hello\n")));
    assert_int_equal(http_server_connections(w->server), 1);
}

static void T13_later_requests_are_held_up_to_a_limit(void **state)
{
    world *w = *state;
    serve(w, (http_server_options){.pipeline_bytes_max = 4096});
    buf many;
    buf_init(&many, 64 << 20);
    buf_addz(&many, GET("/hold"));
    size_t count = (32 << 20) / 2048; // more than the sockets' buffers take
    for (size_t i = 0; i < count; i++)
        buf_addf(&many, "GET /none HTTP/1.1\r\n" HOST "X: %02000d\r\n\r\n", 0);
    peer_connect(&w->client, w->loop, http_server_port(w->server), buf_str(&many));
    http_exchange *x = wait_held(w);
    bool never = false; // enough turns for everything that can move
    loop_run_until(w->loop, &never, 200);
    assert_true(stream_queued(w->client.stream) > 8 << 20);
    http_reply_text(x, 200, "held");
    wait_done(w, (unsigned)count + 1);
    assert_int_equal(w->requests, count + 1);
    buf_deinit(&many);
}

static void a_connection_ends_when_its_request_says_so(void **state)
{
    world *w = *state;
    serve(w, defaults);
    static const char *const texts[] = {
        "GET /hello HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n",
        "GET /hello HTTP/1.0\r\n" HOST "\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        ask_anew(w, texts[i]);
        peer_wait_end(&w->client);
        assert_false(w->client.broken);
        assert_got(w, "Connection: close\r\n");
        assert_got(w, "\r\n\r\nhello\n");
    }
    ask_anew(w, "GET /hello HTTP/1.0\r\n" HOST "Connection: keep-alive\r\n\r\n");
    peer_wait(&w->client, "hello\n");
    assert_got(w, "Connection: keep-alive\r\n");
    ask_again(w, "GET /hello HTTP/1.0\r\n" HOST "Connection: keep-alive\r\n\r\n");
    peer_wait(&w->client, "hello\n");
}

static void a_client_that_has_sent_its_last_byte_gets_its_answers(void **state)
{
    world *w = *state;
    serve(w, defaults);
    ask(w, GET("/hello") GET("/hold"));
    http_exchange *x = wait_held(w);
    while (!str_eq(http_exchange_request(x)->target, STR("/hold")))
        x = wait_held(w);
    stream_shutdown(w->client.stream);
    peer_wait(&w->client, "hello\n");
    http_reply_text(w->held, 200, "late");
    peer_wait_end(&w->client);
    assert_got(w, "late\n");
    assert_false(w->client.broken);
}

static void a_chunked_reply_to_an_old_client_ends_with_the_connection(void **state)
{
    world *w = *state;
    serve(w, defaults);
    ask(w, "POST /echo HTTP/1.0\r\n" HOST "Connection: keep-alive\r\nContent-Length: 3\r\n\r\nabc");
    peer_wait_end(&w->client);
    assert_got(w, "Connection: close\r\n");
    assert_got(w, "\r\n\r\nabc");
    assert_not_got(w, "chunked");
}

static void answers_without_a_body_have_none(void **state)
{
    world *w = *state;
    serve(w, defaults);
    ask(w, "HEAD /hello HTTP/1.1\r\n" HOST "\r\n");
    peer_wait(&w->client, "\r\n\r\n");
    assert_got(w, "Content-Length: 6\r\n");
    assert_not_got(w, "hello");
    static const struct {
        const char *method;
        int status;
        int64_t body_bytes;
        const char *length; // NULL: none is told
    } rows[] = {
        {"GET", 204, 5, NULL},
        {"GET", 304, 5, NULL},
        {"GET", 304, HTTP_BODY_CHUNKED, NULL},
        {"HEAD", 200, 5, "Content-Length: 5\r\n"},
        {"HEAD", 200, HTTP_BODY_CHUNKED, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf text;
        buf_init(&text, 1000);
        buf_addf(&text, "%s /hold HTTP/1.1\r\n" HOST "\r\n", rows[i].method);
        ask_again(w, buf_cstr(&text));
        http_exchange *x = wait_held(w);
        http_reply_start(x, rows[i].status, NULL, 0, rows[i].body_bytes);
        http_reply_write(x, STR("abcde"));
        http_reply_end(x);
        peer_wait(&w->client, "\r\n\r\n");
        ask_again(w, GET("/hello")); // right behind it comes the next answer
        peer_wait(&w->client, "hello\n");
        assert_true(str_starts(buf_str(&w->client.got), STR("HTTP/1.1 200 OK")));
        buf_deinit(&text);
    }
}

// ---- 100 (Continue) -----------------------------------------------------------------------------

static void a_body_is_asked_for_when_it_is_awaited(void **state)
{
    world *w = *state;
    serve(w, defaults);
    ask(w, "POST /whole HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    peer_wait(&w->client, "HTTP/1.1 100 Continue\r\n\r\n");
    assert_str(buf_str(&w->client.got), STR("HTTP/1.1 100 Continue\r\n\r\n"));
    peer_send(&w->client, "abc");
    peer_wait(&w->client, "\r\n\r\nabc");
    // One that is there already isn't asked for.
    ask_again(w, "POST /whole HTTP/1.1\r\n" HOST
                 "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc");
    peer_wait(&w->client, "\r\n\r\nabc");
    assert_true(str_starts(buf_str(&w->client.got), STR("HTTP/1.1 200")));
}

static void a_body_that_nobody_wants_is_not_asked_for(void **state)
{
    world *w = *state;
    serve(w, defaults);
    ask(w, "POST /none HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    peer_wait_end(&w->client);
    assert_true(str_starts(buf_str(&w->client.got), STR("HTTP/1.1 404")));
    assert_got(w, "Connection: close\r\n"); // as it may come or not
}

// ---- request bodies -----------------------------------------------------------------------------

static void a_body_that_nobody_read_is_skipped(void **state)
{
    world *w = *state;
    serve(w, defaults);
    ask(w, "POST /none HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nab");
    peer_wait(&w->client, "404\n");
    peer_send(&w->client, "cde" GET("/hello"));
    peer_wait(&w->client, "hello\n");
    ask_again(w, "POST /none HTTP/1.1\r\n" HOST
                 "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" GET("/hello"));
    peer_wait(&w->client, "hello\n");
}

static void T13_a_large_body_that_nobody_read_ends_the_connection(void **state)
{
    world *w = *state;
    serve(w, defaults);
    ask(w, "POST /none HTTP/1.1\r\n" HOST "Content-Length: 100000000\r\n\r\nab");
    peer_wait_end(&w->client);
    assert_got(w, "Connection: close\r\n");
    assert_got(w, "404\n");
    ask_anew(w, "POST /none HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nfffffff\r\n");
    peer_wait(&w->client, "404\n");
    buf_reserve(&w->body, 1 << 20);
    memset(w->body.ptr, 'x', 1 << 20);
    stream_write(w->client.stream, (str){w->body.ptr, 1 << 20});
    peer_wait_end(&w->client);
}

static void T13_bodies_have_limits(void **state)
{
    world *w = *state;
    serve(w, (http_server_options){.body_bytes_max = 10});
    ask(w, "POST /whole HTTP/1.1\r\n" HOST "Content-Length: 11\r\n\r\n");
    peer_wait_end(&w->client);
    assert_true(str_starts(buf_str(&w->client.got), STR("HTTP/1.1 413 Content Too Large\r\n")));
    assert_int_equal(w->requests, 0);
    ask_anew(w, "POST /whole HTTP/1.1\r\n" HOST
                "Transfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n5\r\nghijk\r\n");
    peer_wait_end(&w->client);
    assert_int_equal(w->body_error, SYS_LIMIT);
    assert_got(w, "HTTP/1.1 413 ");
    w->body_max = 4; // the handler's own
    ask_anew(w, "POST /whole HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nabcde");
    peer_wait(&w->client, "HTTP/1.1 413 ");
    ask_again(w, "POST /whole HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nabcd");
    peer_wait(&w->client, "\r\n\r\nabcd");
}

static void T10_a_broken_body_is_told_and_ends_the_connection(void **state)
{
    world *w = *state;
    serve(w, defaults);
    ask(w, "POST /whole HTTP/1.1\r\n" HOST
           "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n" GET("/hello"));
    peer_wait_end(&w->client);
    assert_int_equal(w->body_error, HTTP_BODY);
    assert_true(str_starts(buf_str(&w->client.got), STR("HTTP/1.1 400 Bad Request\r\n")));
    assert_got(w, "Connection: close\r\n");
    assert_int_equal(w->requests, 1); // what followed has no meaning
    ask_anew(w, "POST /whole HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\nabcd");
    wait_held(w);
    stream_shutdown(w->client.stream);
    peer_wait_end(&w->client);
    assert_int_equal(w->body_error, HTTP_BODY);
    assert_got(w, "HTTP/1.1 400 ");
}

static void large_bodies_flow_at_the_pace_of_the_slower_side(void **state)
{
    world *w = *state;
    serve(w, defaults);
    size_t total = 24 << 20;
    buf request;
    buf_init(&request, 64 << 20);
    buf_addf(&request, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n", total);
    memset(buf_reserve(&request, total), 'x', total);
    request.len += total;
    peer_connect(&w->client, w->loop, http_server_port(w->server), buf_str(&request));
    stream_pause(w->client.stream); // takes nothing of the answer
    wait_held(w);
    bool never = false; // enough turns for everything that can move
    loop_run_until(w->loop, &never, 300);
    assert_true(stream_queued(w->client.stream) > 4 << 20); // so nothing of the request is taken
    assert_int_equal(w->dones, 0);
    stream_resume(w->client.stream);
    wait_done(w, 1);
    peer_wait(&w->client, "\r\n0\r\n\r\n");
    assert_int_equal(w->outcome.body_bytes_sent, total);
    assert_true(w->outcome.request_bytes == request.len);
    buf_deinit(&request);
}

// ---- replies ------------------------------------------------------------------------------------

static void T10_a_reply_cannot_be_split(void **state)
{
    world *w = *state;
    serve(w, defaults);
    ask(w, GET("/hold"));
    http_exchange *x = wait_held(w);
    http_header headers[] = {
        {STR("X-Good"), STR("1")},
        {STR("X-Split"), STR("1\r\nSet-Cookie: a=b")},
        {STR("X-Lf"), STR("1\nSet-Cookie: a=b")},
        {STR("X-Nul"), {"a\0b", 3}},
        {STR("X\r\nSet-Cookie: a=b\r\nY"), STR("1")},
        {STR("X: y"), STR("1")},
        {STR(""), STR("1")},
    };
    http_reply(x, 200, headers, ARRAY_LEN(headers), STR("body"));
    peer_wait(&w->client, "body");
    assert_got(w, "X-Good: 1\r\n");
    assert_not_got(w, "Set-Cookie");
    assert_not_got(w, "X-Split");
    assert_not_got(w, "X-Lf");
    assert_not_got(w, "X-Nul");
    assert_not_got(w, "X:");
    assert_not_got(w, "\r\n: ");
}

static void the_fields_of_framing_are_the_servers(void **state)
{
    world *w = *state;
    serve(w, defaults);
    ask(w, GET("/hold"));
    http_exchange *x = wait_held(w);
    http_header headers[] = {
        {STR("content-length"), STR("99")},
        {STR("TRANSFER-ENCODING"), STR("gzip")},
        {STR("connection"), STR("close")},
        {STR("date"), STR("yesterday")},
    };
    http_reply(x, 200, headers, ARRAY_LEN(headers), STR("body"));
    peer_wait(&w->client, "body");
    assert_int_equal(times_got(w, "\r\n"), 4);
    assert_got(w, "\r\nContent-Length: 4\r\n");
    assert_got(w, " GMT\r\n");
    assert_not_got(w, "yesterday");
    assert_int_equal(w->outcome.response_bytes, w->client.got.len);
}

static void a_reply_that_breaks_its_length_is_not_taken_for_whole(void **state)
{
    world *w = *state;
    serve(w, defaults);
    ask(w, GET("/hold"));
    http_exchange *x = wait_held(w);
    http_reply_start(x, 200, NULL, 0, 3);
    http_reply_write(x, STR("abcd"));
    http_reply_end(x);
    peer_wait(&w->client, "abc");
    ask_again(w, GET("/hold")); // nothing of the fourth byte is in the way
    x = wait_held(w);
    http_reply_start(x, 200, NULL, 0, 9);
    http_reply_write(x, STR("short"));
    http_reply_end(x);
    wait_done(w, 2);
    assert_false(w->outcome.complete);
    peer_wait_end(&w->client);
}

static void an_aborted_reply_is_cut(void **state)
{
    world *w = *state;
    serve(w, defaults);
    ask(w, GET("/hold"));
    http_exchange *x = wait_held(w);
    http_reply_start(x, 200, NULL, 0, HTTP_BODY_CHUNKED);
    http_reply_write(x, STR("part"));
    peer_wait(&w->client, "part");
    http_reply_abort(x);
    wait_done(w, 1);
    assert_false(w->outcome.complete);
    assert_int_equal(w->outcome.status, 200);
    assert_int_equal(w->outcome.body_bytes_sent, 4);
    peer_wait_end(&w->client);
    assert_not_got(w, "\r\n0\r\n");
}

static void a_client_that_leaves_ends_its_exchange(void **state)
{
    world *w = *state;
    serve(w, defaults);
    ask(w, GET("/hold"));
    http_exchange *x = wait_held(w);
    http_reply_start(x, 200, NULL, 0, HTTP_BODY_CHUNKED);
    http_reply_write(x, STR("part"));
    peer_wait(&w->client, "part");
    peer_close(&w->client);
    bool never = false;
    for (uint64_t until = clock_mono_ms() + TEST_WAIT_MS; w->held && clock_mono_ms() < until;) {
        http_reply_write(w->held, STR("more"));
        loop_run_until(w->loop, &never, 5);
    }
    assert_int_equal(w->dones, 1);
    assert_false(w->outcome.complete);
}

// ---- leaving HTTP -------------------------------------------------------------------------------

#define UPGRADE(path) "GET " path " HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: x\r\n\r\n"

static void T11_an_upgrade_hands_the_connection_over(void **state)
{
    world *w = *state;
    serve(w, defaults);
    ask(w, UPGRADE("/hold") "early");
    http_exchange *x = wait_held(w);
    assert_true(http_exchange_request(x)->upgrade);
    assert_int_equal(w->client.got.len, 0);
    http_header headers[] = {{STR("Upgrade"), STR("x")}};
    str early;
    stream *s = http_reply_upgrade(x, headers, 1, &early);
    assert_str(early, STR("early"));
    assert_int_equal(w->dones, 0); // not inside the call
    wait_done(w, 1);
    assert_int_equal(w->outcome.status, 101);
    assert_true(w->outcome.complete);
    assert_int_equal(http_server_connections(w->server), 0);
    peer other;
    peer_accept(&other, w->loop, s);
    peer_wait(&w->client, "\r\n\r\n");
    assert_true(str_starts(buf_str(&w->client.got), STR("HTTP/1.1 101 Switching Protocols\r\n")));
    assert_got(w, "Upgrade: x\r\n");
    assert_got(w, "Connection: Upgrade\r\n");
    peer_send(&w->client, GET("/hello")); // no longer HTTP
    peer_wait(&other, GET("/hello"));
    peer_send(&other, "raw");
    peer_wait(&w->client, "\r\n\r\nraw");
    peer_close(&other);
}

static void an_upgrade_that_nobody_takes_is_a_request(void **state)
{
    world *w = *state;
    serve(w, defaults);
    ask(w, UPGRADE("/hello") GET("/hello"));
    wait_done(w, 2);
    peer_wait(&w->client, "hello\n");
    assert_int_equal(w->requests, 2);
}

// ---- CONNECT, and streams that come another way -------------------------------------------------

#define CONNECT(to) "CONNECT " to " HTTP/1.1\r\nHost: " to "\r\n\r\n"

static void connect_is_offered_where_it_is_wanted(void **state)
{
    world *w = *state;
    serve(w, defaults);
    ask(w, CONNECT("b.example:1"));
    peer_wait_end(&w->client);
    assert_got(w, "HTTP/1.1 501 Not Implemented\r\n");
    assert_int_equal(w->requests, 0);
    http_server_free(w->server);
    serve(w, (http_server_options){.connect = true});
    ask_anew(w, CONNECT("b.example:1") GET("/hello")); // refused, it is a request like others
    peer_wait(&w->client, "hello\n");
    assert_got(w, "HTTP/1.1 404 Not Found\r\n");
}

static void T11_a_granted_connect_hands_the_connection_over(void **state)
{
    world *w = *state;
    serve(w, (http_server_options){.connect = true});
    ask(w, CONNECT("/hold:1") "early");
    peer_wait_end(&w->client); // a target that is none
    assert_got(w, "HTTP/1.1 400 ");
    ask_anew(w, CONNECT("hold:1") "early");
    http_exchange *x = wait_held(w);
    assert_str(http_exchange_request(x)->target, STR("hold:1"));
    assert_int_equal(w->client.got.len, 0);
    str early;
    stream *s = http_reply_connect(x, &early);
    assert_str(early, STR("early"));
    wait_done(w, 1);
    assert_int_equal(w->outcome.status, 200);
    peer other;
    peer_accept(&other, w->loop, s);
    peer_wait(&w->client, "\r\n\r\n");
    assert_true(str_starts(buf_str(&w->client.got), STR("HTTP/1.1 200 OK\r\n")));
    assert_not_got(w, "Content-Length");
    assert_not_got(w, "Connection");
    peer_send(&other, "raw");
    peer_wait(&w->client, "\r\n\r\nraw");
    peer_close(&other);
}

// What a proxy does for a host that it answers for itself.
static void a_stream_that_came_another_way_is_served(void **state)
{
    world *w = *state;
    str early;
    serve(w, (http_server_options){.connect = true});
    ask(w, CONNECT("hold:1"));
    http_server_adopt(w->server, http_reply_connect(wait_held(w), &early), NULL);
    peer_wait(&w->client, "\r\n\r\n");
    ask_again(w, GET("/hello"));
    peer_wait(&w->client, "hello\n");
    assert_int_equal(http_server_connections(w->server), 1);
    ask_anew(w, CONNECT("hold:1"));
    http_exchange *x = wait_held(w);
    http_server_drain(w->server, 0, NULL, NULL); // it takes no more
    http_server_adopt(w->server, http_reply_connect(x, &early), NULL);
    peer_wait_end(&w->client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_gets_its_reply_and_the_connection_stays),
        TEST(bodies_are_read_whole),
        TEST(bodies_are_streamed_both_ways),
        TEST(pipelined_requests_are_answered_in_order),
        TEST(T13_later_requests_are_held_up_to_a_limit),
        TEST(a_connection_ends_when_its_request_says_so),
        TEST(a_client_that_has_sent_its_last_byte_gets_its_answers),
        TEST(a_chunked_reply_to_an_old_client_ends_with_the_connection),
        TEST(answers_without_a_body_have_none),
        TEST(a_body_is_asked_for_when_it_is_awaited),
        TEST(a_body_that_nobody_wants_is_not_asked_for),
        TEST(a_body_that_nobody_read_is_skipped),
        TEST(T13_a_large_body_that_nobody_read_ends_the_connection),
        TEST(T13_bodies_have_limits),
        TEST(T10_a_broken_body_is_told_and_ends_the_connection),
        TEST(large_bodies_flow_at_the_pace_of_the_slower_side),
        TEST(T10_a_reply_cannot_be_split),
        TEST(the_fields_of_framing_are_the_servers),
        TEST(a_reply_that_breaks_its_length_is_not_taken_for_whole),
        TEST(an_aborted_reply_is_cut),
        TEST(a_client_that_leaves_ends_its_exchange),
        TEST(T11_an_upgrade_hands_the_connection_over),
        TEST(an_upgrade_that_nobody_takes_is_a_request),
        TEST(connect_is_offered_where_it_is_wanted),
        TEST(T11_a_granted_connect_hands_the_connection_over),
        TEST(a_stream_that_came_another_way_is_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
