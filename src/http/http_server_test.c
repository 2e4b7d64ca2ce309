// SPDX-License-Identifier: Apache-2.0
// The server over real sockets; clients send raw bytes.
#include "http/http_server.h"

#include "http/test_peer.h"

typedef struct world world;
struct world {
    loop *loop;
    http_server *server;
    peer client;
    http_exchange *held; // by /hold, until the test replies
    bool reached;        // a handler was reached
    unsigned requests;
    unsigned dones;
    http_outcome outcome;
    bool done;
    buf body; // what a handler read
    code body_error;
    size_t body_max;
};

static void on_done(void *ctx, const http_outcome *o)
{
    world *w = ctx;
    w->dones++;
    w->outcome = *o;
    w->held = NULL;
    w->done = true;
}

// ---- handlers -----------------------------------------------------------------------------------

static void on_whole(void *ctx, str body, const err *e)
{
    world *w = ctx;
    w->body_error = e ? e->code : OK;
    if (e)
        http_reply_text(w->held, code_http(e->code), "%s", e->msg);
    else
        http_reply(w->held, 200, NULL, 0, body);
}

static void on_echo_drain(void *ctx)
{
    world *w = ctx;
    http_exchange_resume_body(w->held);
}

static void on_echo(void *ctx, str piece, const err *e)
{
    world *w = ctx;
    w->body_error = e ? e->code : OK;
    if (e)
        http_reply_abort(w->held);
    else if (!piece.len)
        http_reply_end(w->held);
    else if (!http_reply_write(w->held, piece))
        http_exchange_pause_body(w->held);
}

static void on_request(void *ctx, http_exchange *x)
{
    world *w = ctx;
    const http_request *r = http_exchange_request(x);
    w->requests++;
    w->held = x;
    http_exchange_on_done(x, on_done, w);
    w->done = true;
    if (str_eq(r->target, STR("/hello"))) {
        http_header type = {STR("content-type"), STR("text/plain")};
        http_reply(x, 200, &type, 1, STR("hello\n"));
    } else if (str_eq(r->target, STR("/whole"))) {
        http_exchange_read_body(x, w->body_max, on_whole, w);
    } else if (str_eq(r->target, STR("/echo"))) {
        http_reply_start(x, 200, NULL, 0, HTTP_BODY_CHUNKED);
        http_reply_on_drain(x, on_echo_drain, w);
        http_exchange_stream_body(x, on_echo, w);
    } else if (!str_eq(r->target, STR("/hold"))) {
        http_reply_text(x, 404, "no");
    }
}

// ---- set-up -------------------------------------------------------------------------------------

static int setup(void **state)
{
    world *w = NEW(world);
    w->loop = loop_new();
    w->body_max = 1 << 20;
    buf_init(&w->body, 64 << 20);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world *w = *state;
    peer_close(&w->client);
    http_server_free(w->server);
    buf_deinit(&w->body);
    loop_free(w->loop);
    free(w);
    return 0;
}

static void serve(world *w, http_server_options o)
{
    err e = ERR_INIT;
    o.on_request = on_request;
    o.ctx = w;
    assert_code(http_server_new(w->loop, &o, &w->server, &e), OK);
}

static void ask(world *w, const char *text)
{
    peer_connect(&w->client, w->loop, http_server_port(w->server), str_from(text));
}

static const http_server_options defaults;

#define HOST "Host: a.example\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"

// ---- tests --------------------------------------------------------------------------------------

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_request_gets_its_reply_and_the_connection_stays, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(bodies_are_read_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(bodies_are_streamed_both_ways, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
