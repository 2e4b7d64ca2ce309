// SPDX-License-Identifier: Apache-2.0
// Kept connections, waiting, times and cancelling; the server answers raw bytes.
#include "http/test_upstream.h"

// ---- kept connections ---------------------------------------------------------------------------

static void a_call_that_meets_a_closed_connection_is_repeated_once(void **state)
{
    world *w = *state;
    open_pool(w, defaults);
    static const struct {
        const char *method;
        bool repeated;
    } rows[] = {{"GET", true},    {"HEAD", true},  {"OPTIONS", true},
                {"DELETE", true}, {"POST", false}, {"PATCH", false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        http_pool_free(w->pool);
        open_pool(w, defaults);
        size_t first = w->accepted;
        if (first + 2 > ARRAY_LEN(w->servers)) {
            for (size_t k = 0; k < first; k++)
                peer_close(&w->servers[k]);
            w->accepted = first = 0;
        }
        result r = exchange(w, first, "GET", LENGTH_3 "abc");
        forget(&r);
        start(w, &r, rows[i].method); // on the kept one, which the server closes now
        peer_wait(&w->servers[first], "\r\n\r\n");
        stream_shutdown(w->servers[first].stream);
        if (rows[i].repeated)
            serve(w, first + 1, "\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n");
        wait_end(&r);
        assert_row(i, r.code == (rows[i].repeated ? OK : NET_BROKEN));
        forget(&r);
    }
}

static void a_call_is_repeated_on_a_new_connection_and_never_twice(void **state)
{
    world *w = *state;
    open_pool(w, defaults);
    result a, b;
    start(w, &a, "GET");
    start(w, &b, "GET");
    serve(w, 0, "\r\n\r\n", LENGTH_3 "abc");
    serve(w, 1, "\r\n\r\n", LENGTH_3 "abc");
    wait_end(&a);
    wait_end(&b);
    forget(&a);
    forget(&b);
    start(w, &a, "GET"); // two are kept; the server has restarted
    while (!w->servers[0].got.len && !w->servers[1].got.len)
        idle_turns(w);
    size_t used = w->servers[0].got.len ? 0 : 1;
    stream_shutdown(w->servers[used].stream);
    wait_connection(w, 3);
    peer_wait(&w->servers[2], "\r\n\r\n");
    stream_shutdown(w->servers[2].stream);
    wait_end(&a);
    assert_int_equal(a.code, NET_BROKEN);
    assert_int_equal(w->accepted, 3);
    assert_int_equal(w->servers[1 - used].got.len, 0);
    forget(&a);
}

static void a_call_is_not_repeated_after_a_byte_of_a_response(void **state)
{
    world *w = *state;
    open_pool(w, defaults);
    result r = exchange(w, 0, "GET", LENGTH_3 "abc");
    forget(&r);
    start(w, &r, "GET");
    serve(w, 0, "\r\n\r\n", "H");
    stream_shutdown(w->servers[0].stream);
    wait_end(&r);
    assert_int_equal(r.code, NET_BROKEN);
    assert_int_equal(w->accepted, 1);
    forget(&r);
}

static void T10_bytes_that_nobody_asked_for_spoil_a_kept_connection(void **state)
{
    world *w = *state;
    open_pool(w, defaults);
    result r = exchange(w, 0, "GET", LENGTH_3 "abc");
    forget(&r);
    peer_send(&w->servers[0], "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
    peer_wait_end(&w->servers[0]);
    r = exchange(w, 1, "GET", LENGTH_3 "xyz");
    assert_str(buf_str(&r.body), STR("xyz"));
    forget(&r);
}

static void an_idle_connection_is_closed(void **state)
{
    world *w = *state;
    open_pool(w, (http_pool_options){.idle_ms = 50});
    result r = exchange(w, 0, "GET", LENGTH_3 "abc");
    forget(&r);
    peer_wait_end(&w->servers[0]);
}

// ---- time and numbers ---------------------------------------------------------------------------

static void T13_a_server_has_limited_time(void **state)
{
    world *w = *state;
    open_pool(w, (http_pool_options){.response_ms = 60, .body_ms = 60});
    static const char *const rows[] = {"", "HTTP/1.1 200 OK\r\n", LENGTH_3 "ab"};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        result r = exchange(w, i, "GET", rows[i]);
        assert_row(i, r.code == SYS_TIMEOUT);
        peer_wait_end(&w->servers[i]);
        forget(&r);
    }
}

static void a_server_that_is_not_there_is_told(void **state)
{
    world *w = *state;
    open_pool(w, defaults);
    listener_free(w->listener);
    w->listener = NULL;
    result r;
    start(w, &r, "GET");
    assert_false(r.ended);
    wait_end(&r);
    assert_int_equal(r.code, NET_CONNECT);
    forget(&r);
}

static void calls_beyond_the_connections_wait_in_turn(void **state)
{
    world *w = *state;
    open_pool(w, (http_pool_options){.connections_max = 1, .waiting_max = 2});
    result r[4];
    for (size_t i = 0; i < 4; i++)
        start(w, &r[i], "GET");
    assert_false(r[3].ended);
    wait_end(&r[3]);
    assert_int_equal(r[3].code, HTTP_BUSY);
    for (size_t i = 0; i < 3; i++) {
        assert_false(r[i].ended);
        serve(w, 0, "\r\n\r\n", LENGTH_3 "abc");
        wait_end(&r[i]);
        assert_int_equal(r[i].code, OK);
    }
    assert_int_equal(w->accepted, 1);
    for (size_t i = 0; i < 4; i++)
        forget(&r[i]);
}

static void a_waiting_call_gets_a_new_connection_when_one_breaks(void **state)
{
    world *w = *state;
    open_pool(w, (http_pool_options){.connections_max = 1});
    result a, b;
    start(w, &a, "GET");
    start(w, &b, "GET");
    wait_connection(w, 1);
    peer_wait(&w->servers[0], "\r\n\r\n");
    stream_shutdown(w->servers[0].stream);
    wait_end(&a);
    assert_int_equal(a.code, NET_BROKEN);
    serve(w, 1, "\r\n\r\n", LENGTH_3 "abc");
    wait_end(&b);
    assert_int_equal(b.code, OK);
    forget(&a);
    forget(&b);
}

// ---- cancelling ---------------------------------------------------------------------------------

static void a_cancelled_call_is_silent(void **state)
{
    world *w = *state;
    open_pool(w, (http_pool_options){.connections_max = 1});
    result a, b, c;
    start(w, &a, "GET");
    start(w, &b, "GET");
    start(w, &c, "GET");
    http_call_cancel(b.call); // it waits
    wait_connection(w, 1);
    peer_wait(&w->servers[0], "\r\n\r\n");
    http_call_cancel(a.call); // it is under way
    peer_wait_end(&w->servers[0]);
    serve(w, 1, "\r\n\r\n", LENGTH_3 "abc");
    wait_end(&c);
    assert_int_equal(c.code, OK);
    assert_false(a.ended);
    assert_false(b.ended);
    forget(&a);
    forget(&b);
    forget(&c);
}

static void freeing_a_pool_ends_its_calls(void **state)
{
    world *w = *state;
    open_pool(w, (http_pool_options){.connections_max = 1});
    result a, b;
    start(w, &a, "GET");
    start(w, &b, "GET");
    wait_connection(w, 1);
    peer_wait(&w->servers[0], "\r\n\r\n");
    http_pool_free(w->pool);
    w->pool = NULL;
    assert_int_equal(a.code, SYS_CANCELLED);
    assert_int_equal(b.code, SYS_CANCELLED);
    forget(&a);
    forget(&b);
}

static void free_pool(void *ctx, const http_response *res)
{
    (void)res;
    world *w = ((result *)ctx)->world;
    http_pool_free(w->pool);
    w->pool = NULL;
}

static void cancel(void *ctx, str piece)
{
    (void)piece;
    result *r = ctx;
    http_call_cancel(r->call);
    r->ended = true;
}

static void a_callback_may_end_everything(void **state)
{
    world *w = *state;
    open_pool(w, defaults);
    http_headers h = host_only();
    http_call_options o = {.method = STR("GET"), .target = STR("/"), .headers = &h};
    result r = {.world = w};
    http_call_handlers by_cancel = {.on_body = cancel, .on_end = on_end};
    r.call = http_call_start(w->pool, &o, &by_cancel, &r);
    serve(w, 0, "\r\n\r\n", LENGTH_3 "abc");
    wait_end(&r);
    peer_wait_end(&w->servers[0]);
    r = (result){.world = w};
    http_call_handlers by_free = {.on_head = free_pool, .on_end = on_end};
    r.call = http_call_start(w->pool, &o, &by_free, &r);
    serve(w, 1, "\r\n\r\n", LENGTH_3 "abc");
    wait_end(&r);
    assert_int_equal(r.code, SYS_CANCELLED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_that_meets_a_closed_connection_is_repeated_once),
        TEST(a_call_is_repeated_on_a_new_connection_and_never_twice),
        TEST(a_call_is_not_repeated_after_a_byte_of_a_response),
        TEST(T10_bytes_that_nobody_asked_for_spoil_a_kept_connection),
        TEST(an_idle_connection_is_closed),
        TEST(T13_a_server_has_limited_time),
        TEST(a_server_that_is_not_there_is_told),
        TEST(calls_beyond_the_connections_wait_in_turn),
        TEST(a_waiting_call_gets_a_new_connection_when_one_breaks),
        TEST(a_cancelled_call_is_silent),
        TEST(freeing_a_pool_ends_its_calls),
        TEST(a_callback_may_end_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
