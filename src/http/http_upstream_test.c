// SPDX-License-Identifier: Apache-2.0
// The pool against our own server, and against a listener that answers raw bytes.
#include "http/http_upstream.h"

#include "http/http_server.h"
#include "http/test_peer.h"

typedef struct world world;
struct world {
    loop *loop;
    http_pool *pool;
    listener *listener;
    peer servers[8]; // accepted, in order
    size_t accepted;
    bool connected; // accepted has grown
    size_t done_count;
    bool done;
};

typedef struct result result;
struct result {
    world *world;
    http_call *call;
    int status;
    size_t headers;
    buf body;
    bool ended;
    code code;
    char why[256];
};

static void on_head(void *ctx, const http_response *res)
{
    result *r = ctx;
    r->status = res->status;
    r->headers = res->headers.len;
}

static void on_body(void *ctx, str piece)
{
    result *r = ctx;
    buf_adds(&r->body, piece);
}

static void on_end(void *ctx, const err *e)
{
    result *r = ctx;
    r->ended = true;
    r->code = e ? e->code : OK;
    snprintf(r->why, sizeof(r->why), "%s", e ? e->msg : "");
    r->call = NULL;
}

static const http_call_handlers handlers = {
    .on_head = on_head, .on_body = on_body, .on_end = on_end};

static void on_accept(void *ctx, stream *s)
{
    world *w = ctx;
    assert_true(w->accepted < ARRAY_LEN(w->servers));
    peer_accept(&w->servers[w->accepted++], w->loop, s);
    w->connected = true;
}

static int setup(void **state)
{
    world *w = NEW(world);
    err e = ERR_INIT;
    w->loop = loop_new();
    listen_options lo = {.on_accept = on_accept, .ctx = w};
    assert_code(listener_new(w->loop, &lo, &w->listener, &e), OK);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world *w = *state;
    for (size_t i = 0; i < w->accepted; i++)
        peer_close(&w->servers[i]);
    http_pool_free(w->pool);
    listener_free(w->listener);
    loop_free(w->loop);
    free(w);
    return 0;
}

static void open_pool(world *w, http_pool_options o)
{
    o.host = "127.0.0.1";
    o.port = listener_port(w->listener);
    w->pool = http_pool_new(w->loop, &o);
}

static http_headers host_only(void)
{
    static http_header host = {{"Host", 4}, {"a.example", 9}};
    return (http_headers){&host, 1, 1};
}

static void start(world *w, result *r, const char *method)
{
    static http_headers h;
    h = host_only();
    *r = (result){.world = w};
    buf_init(&r->body, 64 << 20);
    http_call_options o = {.method = str_from(method), .target = STR("/x?y"), .headers = &h};
    r->call = http_call_start(w->pool, &o, &handlers, r);
}

static void wait_connection(world *w, size_t count)
{
    while (w->accepted < count) {
        w->connected = false;
        assert_true(loop_run_until(w->loop, &w->connected, PEER_MS));
    }
}

static void wait_end(result *r)
{
    assert_true(loop_run_until(r->world->loop, &r->ended, PEER_MS));
}

static const http_pool_options defaults;

static void a_call_gets_its_response_and_the_connection_is_kept(void **state)
{
    world *w = *state;
    result r;
    open_pool(w, defaults);
    for (int i = 0; i < 3; i++) {
        start(w, &r, "GET");
        wait_connection(w, 1);
        peer_wait(&w->servers[0], "GET /x?y HTTP/1.1\r\nHost: a.example\r\n\r\n");
        buf_reset(&w->servers[0].got);
        peer_send(&w->servers[0], "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 3\r\n\r\nabc");
        wait_end(&r);
        assert_int_equal(r.code, OK);
        assert_int_equal(r.status, 200);
        assert_int_equal(r.headers, 2);
        assert_str(buf_str(&r.body), STR("abc"));
        buf_deinit(&r.body);
    }
    assert_int_equal(w->accepted, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_call_gets_its_response_and_the_connection_is_kept, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
