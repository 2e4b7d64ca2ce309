// SPDX-License-Identifier: Apache-2.0
// Refusals, limits, times and ends of the server; clients send raw bytes.
#include "http/test_server.h"

// ---- refusals -----------------------------------------------------------------------------------

static void T10_what_is_not_understood_is_refused_and_the_connection_closed(void **state)
{
    world *w = *state;
    serve(w, defaults);
    static const struct {
        const char *text, *line;
    } rows[] = {
        {"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"},
        {"\x16\x03\x01\x02\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"},
        {"BREW / HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 501 Not Implemented\r\n"},
        {"GET / HTTP/2.0\r\n" HOST "\r\n", "HTTP/1.1 505 HTTP Version Not Supported\r\n"},
        {"GET / HTTP/1.1\r\n" HOST "Expect: x\r\n\r\n", "HTTP/1.1 417 Expectation Failed\r\n"},
        {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
         "HTTP/1.1 400 Bad Request\r\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ask_anew(w, rows[i].text);
        peer_wait_end(&w->client);
        assert_row(i, str_starts(buf_str(&w->client.got), str_from(rows[i].line)));
        assert_row(i, times_got(w, "Connection: close\r\n") == 1);
        assert_row(i, times_got(w, "Content-Type: text/plain") == 1);
        assert_row(i, w->client.got.ptr[w->client.got.len - 1] == '\n');
    }
    assert_int_equal(w->requests, 0);
    ask_anew(w, GET("/hello") "nonsense\r\n\r\n"); // behind a good one, too
    peer_wait_end(&w->client);
    assert_int_equal(times_got(w, "HTTP/1.1 "), 2);
    assert_got(w, "HTTP/1.1 400 ");
}

static void T13_heads_have_limits(void **state)
{
    world *w = *state;
    serve(w, (http_server_options){
                 .head_bytes_max = 200, .header_count_max = 3, .target_bytes_max = 20});
    static const struct {
        const char *text, *line;
    } rows[] = {
        {"GET /45678901234567890 HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 404 Not Found\r\n"},
        {"GET /45678901234567890123 HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 414 URI Too Long\r\n"},
        {"GET / HTTP/1.1\r\n" HOST "A: 1\r\nB: 2\r\nC: 3\r\n\r\n",
         "HTTP/1.1 431 Request Header Fields Too Large\r\n"},
        {"GET / HTTP/1.1\r\n" HOST "A: 1\r\nB: 2\r\n\r\n", "HTTP/1.1 404 Not Found\r\n"},
        {"GET / HTTP/1.1\r\n" HOST "A: 3456789012345678901234567890123456789012345678901234567890"
         "3456789012345678901234567890123456789012345678901234567890"
         "34567890123456789012345678901234567890123456789012345678901234567890\r\n\r\n",
         "HTTP/1.1 431 Request Header Fields Too Large\r\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ask_anew(w, rows[i].text);
        peer_wait(&w->client, "\r\n\r\n");
        assert_row(i, str_starts(buf_str(&w->client.got), str_from(rows[i].line)));
    }
}

static void T13_connections_have_a_limit(void **state)
{
    world *w = *state;
    serve(w, (http_server_options){.connections_max = 1});
    ask(w, GET("/hello"));
    peer_wait(&w->client, "hello\n");
    peer second;
    peer_connect(&second, w->loop, http_server_port(w->server), STR(GET("/hello")));
    peer_wait_end(&second);
    assert_int_equal(second.got.len, 0);
    peer_close(&second);
    ask_again(w, GET("/hello"));
    peer_wait(&w->client, "hello\n");
}

// ---- time ---------------------------------------------------------------------------------------

static void T13_a_slow_head_is_answered_408(void **state)
{
    world *w = *state;
    serve(w, (http_server_options){.head_ms = 60});
    ask(w, "GET / HT");
    peer_wait_end(&w->client);
    assert_true(str_starts(buf_str(&w->client.got), STR("HTTP/1.1 408 Request Timeout\r\n")));
    assert_int_equal(w->requests, 0);
}

static void drip(void *ctx)
{
    world *w = ctx;
    if (!w->client.ended)
        peer_send(&w->client, "a");
}

static void T13_bytes_that_drip_do_not_extend_the_time_of_a_head(void **state)
{
    world *w = *state;
    serve(w, (http_server_options){.head_ms = 150, .idle_ms = 5000});
    ask(w, "GET / HTTP/1.1\r\nX: ");
    timer *t = timer_new(w->loop, drip, w);
    for (uint64_t until = clock_mono_ms() + TEST_WAIT_MS;
         !w->client.ended && clock_mono_ms() < until;) {
        timer_start(t, 10);
        w->done = false;
        loop_run_until(w->loop, &w->done, 20);
    }
    timer_free(t);
    assert_got(w, "HTTP/1.1 408 ");
}

static void T13_an_idle_connection_is_closed(void **state)
{
    world *w = *state;
    serve(w, (http_server_options){.idle_ms = 300});
    ask(w, "");
    peer_wait_end(&w->client);
    assert_int_equal(w->client.got.len, 0);
    assert_false(w->client.broken);
    ask_anew(w, GET("/hello"));
    peer_wait_end(&w->client);
    assert_int_equal(times_got(w, "HTTP/1.1 "), 1);
    assert_int_equal(http_server_connections(w->server), 0);
}

static void T13_a_body_that_stops_ends_its_exchange(void **state)
{
    world *w = *state;
    serve(w, (http_server_options){.body_ms = 60});
    ask(w, "POST /whole HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nab");
    wait_done(w, 1);
    assert_false(w->outcome.complete);
    assert_int_equal(w->outcome.status, 0);
    peer_wait_end(&w->client);
}

static void T13_a_client_that_takes_nothing_is_cut(void **state)
{
    world *w = *state;
    serve(w, (http_server_options){.write_ms = 100});
    memset(buf_reserve(&w->body, 32 << 20), 'x', 32 << 20);
    w->body.len = 32 << 20;
    ask(w, GET("/big"));
    stream_pause(w->client.stream);
    wait_done(w, 1);
    bool never = false;
    for (uint64_t until = clock_mono_ms() + TEST_WAIT_MS;
         http_server_connections(w->server) && clock_mono_ms() < until;)
        loop_run_until(w->loop, &never, 20);
    assert_int_equal(http_server_connections(w->server), 0);
}

static void a_handler_may_take_its_time(void **state)
{
    world *w = *state;
    serve(w, (http_server_options){.head_ms = 50, .body_ms = 50, .idle_ms = 300, .write_ms = 50});
    ask(w, "POST /hold HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\n");
    http_exchange *x = wait_held(w);
    bool never = false;
    loop_run_until(w->loop, &never, 500);
    assert_ptr_equal(w->held, x);
    http_reply_text(x, 200, "at last");
    peer_wait(&w->client, "at last\n");
}

// ---- the end of a server ------------------------------------------------------------------------

static void set_flag(void *ctx)
{
    *(bool *)ctx = true;
}

static void draining_lets_requests_finish(void **state)
{
    world *w = *state;
    serve(w, defaults);
    ask(w, GET("/hello"));
    peer_wait(&w->client, "hello\n");
    peer busy;
    peer_connect(&busy, w->loop, http_server_port(w->server), STR(GET("/hold")));
    w->held = NULL;
    http_exchange *x = wait_held(w);
    bool drained = false;
    http_server_drain(w->server, 60000, set_flag, &drained);
    assert_false(drained);
    peer_wait_end(&w->client); // it was idle
    assert_int_equal(http_server_connections(w->server), 1);
    http_reply_text(x, 200, "last");
    assert_true(loop_run_until(w->loop, &drained, TEST_WAIT_MS));
    peer_wait_end(&busy);
    assert_true(str_find(buf_str(&busy.got), STR("Connection: close\r\n")) > 0);
    assert_true(str_ends(buf_str(&busy.got), STR("last\n")));
    peer late;
    peer_connect(&late, w->loop, http_server_port(w->server), STR(""));
    peer_wait_end(&late);
    peer_close(&late);
    peer_close(&busy);
}

static void draining_cuts_what_takes_too_long(void **state)
{
    world *w = *state;
    serve(w, defaults);
    ask(w, GET("/hold"));
    wait_held(w);
    bool drained = false;
    http_server_drain(w->server, 50, set_flag, &drained);
    assert_true(loop_run_until(w->loop, &drained, TEST_WAIT_MS));
    assert_int_equal(w->dones, 1);
    assert_false(w->outcome.complete);
}

static void draining_an_idle_server_is_told_as_well(void **state)
{
    world *w = *state;
    serve(w, defaults);
    bool drained = false;
    http_server_drain(w->server, 50, set_flag, &drained);
    assert_false(drained);
    assert_true(loop_run_until(w->loop, &drained, TEST_WAIT_MS));
}

static void a_server_may_be_freed_while_it_works(void **state)
{
    world *w = *state;
    serve(w, defaults);
    ask(w, GET("/hold"));
    wait_held(w);
    http_server_free(w->server);
    w->server = NULL;
    assert_int_equal(w->dones, 1);
    assert_false(w->outcome.complete);
    peer_wait_end(&w->client);
    serve(w, defaults);
    ask_anew(w, GET("/free") GET("/hello")); // by a handler
    peer_wait_end(&w->client);
    assert_int_equal(w->dones, 2);
    assert_null(w->server);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(T10_what_is_not_understood_is_refused_and_the_connection_closed),
        TEST(T13_heads_have_limits),
        TEST(T13_connections_have_a_limit),
        TEST(T13_a_slow_head_is_answered_408),
        TEST(T13_bytes_that_drip_do_not_extend_the_time_of_a_head),
        TEST(T13_an_idle_connection_is_closed),
        TEST(T13_a_body_that_stops_ends_its_exchange),
        TEST(T13_a_client_that_takes_nothing_is_cut),
        TEST(a_handler_may_take_its_time),
        TEST(draining_lets_requests_finish),
        TEST(draining_cuts_what_takes_too_long),
        TEST(draining_an_idle_server_is_told_as_well),
        TEST(a_server_may_be_freed_while_it_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
