// SPDX-License-Identifier: Apache-2.0
// proxy: whom it serves, what it answers for itself, and where it passes bytes on to. That TLS ends
// here for Google's hosts is shown by Google's own clients (test/unmodified.test.mjs).
#include "cloudrun/cloudrun_proxy.h"

#include <unistd.h>

#include "http/http_test_peer.h"

typedef struct world world;
struct world {
    loop *loop;
    http_server *own; // answers for metadata.google.internal
    listener *far;    // a server that knows nothing of this
    peer at_far;
    bool far_called;
    proxy *proxy;
    peer client;
    code refused;
    char why[sizeof(((err *)0)->msg)], hint[sizeof(((err *)0)->hint)];
    proxy_route route;
};

static void on_own_request(void *ctx, http_exchange *x)
{
    (void)ctx;
    http_reply_text(x, 200, "own " STR_FMT, STR_ARG(http_exchange_request(x)->target));
}

static void on_far_accept(void *ctx, stream *s)
{
    world *w = ctx;
    w->far_called = true;
    peer_accept(&w->at_far, w->loop, s);
}

static void on_refusal(void *ctx, const err *e)
{
    world *w = ctx;
    w->refused = e->code;
    snprintf(w->why, sizeof(w->why), "%s", e->msg);
    snprintf(w->hint, sizeof(w->hint), "%s", e->hint);
}

static void adopt(void *server, stream *s, tls_context *tls)
{
    assert_null(tls);
    http_server_adopt(server, s, tls);
}

static int setup(void **state)
{
    world *w = NEW(world);
    err e = ERR_INIT;
    w->loop = loop_new();
    http_server_options own = {.on_request = on_own_request};
    assert_code(http_server_new(w->loop, &own, &w->own, &e), OK);
    listen_options far = {.on_accept = on_far_accept, .ctx = w};
    assert_code(listener_new(w->loop, &far, &w->far, &e), OK);
    w->route = (proxy_route){STR("metadata.google.internal"), 80, true, adopt, w->own};
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world *w = *state;
    peer_close(&w->client);
    peer_close(&w->at_far);
    proxy_free(w->proxy);
    http_server_free(w->own);
    listener_free(w->far);
    loop_free(w->loop);
    free(w);
    return 0;
}

static void open_proxy(world *w, proxy_options o)
{
    err e = ERR_INIT;
    o.routes = &w->route;
    o.route_count = 1;
    o.on_refusal = on_refusal;
    o.ctx = w;
    assert_code(proxy_new(w->loop, &o, &w->proxy, &e), OK);
}

static const proxy_options to_loopback = {.policy = {.loopback = true}};

static void ask(world *w, const char *text)
{
    peer_close(&w->client);
    w->refused = OK;
    peer_connect(&w->client, w->loop, proxy_port(w->proxy), str_from(text));
}

static void ask_for(world *w, const char *authority, const char *more)
{
    char text[400];
    snprintf(text, sizeof(text), "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n%s", authority, authority,
             more);
    peer_close(&w->client);
    w->refused = OK;
    peer_connect(&w->client, w->loop, proxy_port(w->proxy), STR_NONE);
    while (!w->client.open)
        loop_run_until(w->loop, &w->client.open, TEST_WAIT_MS);
    peer_send(&w->client, text);
}

static const char *far_of(world *w)
{
    static char text[40];
    snprintf(text, sizeof(text), "127.0.0.1:%u", listener_port(w->far));
    return text;
}

static bool got(world *w, const char *text)
{
    return str_find(buf_str(&w->client.got), str_from(text)) >= 0;
}

static void a_host_of_its_own_is_answered_for(void **state)
{
    world *w = *state;
    static const char *const names[] = {"metadata.google.internal:80",
                                        "Metadata.Google.Internal.:80"};
    open_proxy(w, (proxy_options){0});
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        ask_for(w, names[i], "");
        peer_wait(&w->client, "HTTP/1.1 200 OK\r\n");
        peer_send(&w->client, "GET /x HTTP/1.1\r\nHost: metadata.google.internal\r\n\r\n");
        peer_wait(&w->client, "own /x\n");
    }
}

static void T11_a_client_that_does_not_wait_for_the_answer_is_cut(void **state)
{
    world *w = *state;
    open_proxy(w, (proxy_options){0});
    ask_for(w, "metadata.google.internal:80", "GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n");
    peer_wait_end(&w->client);
    assert_false(got(w, "own"));
}

static void other_hosts_are_passed_on_to_unread(void **state)
{
    world *w = *state;
    open_proxy(w, to_loopback);
    ask_for(w, far_of(w), "\x16 early");
    peer_wait(&w->client, "HTTP/1.1 200 OK\r\n");
    loop_run_until(w->loop, &w->far_called, TEST_WAIT_MS);
    peer_wait(&w->at_far, "\x16 early");
    peer_send(&w->at_far, "answer");
    peer_wait(&w->client, "\r\n\r\nanswer");
    peer_send(&w->client, "more");
    peer_wait(&w->at_far, "earlymore");
    stream_shutdown(w->client.stream);
    peer_wait_end(&w->at_far);
    peer_close(&w->at_far);
    peer_wait_end(&w->client);
    assert_int_equal(w->refused, OK);
}

static void T34_T42_only_public_addresses_are_passed_on_to(void **state)
{
    world *w = *state;
    static const struct {
        const char *target, *zone;
    } rows[] = {
        {"127.0.0.1:80", "loopback"},
        {"localhost:443", "loopback"},
        {"[::1]:443", "loopback"},
        {"2130706433:80", "loopback"}, // 127.0.0.1
        {"0x7f.1:80", "loopback"},
        {"0.0.0.0:80", "loopback"},
        {"[::ffff:127.0.0.1]:80", "loopback"},
        {"169.254.169.254:80", "link-local or metadata"},
        {"169.254.169.254:443", "link-local or metadata"},
        {"2852039166:80", "link-local or metadata"},
        {"[fd00:ec2::254]:80", "link-local or metadata"},
        {"[fe80::1]:80", "link-local or metadata"},
        {"10.0.0.1:443", "private"},
        {"192.168.1.1:443", "private"},
        {"[64:ff9b::a00:1]:443", "private"}, // 10.0.0.1
        {"224.0.0.1:443", "unusable"},
    };
    open_proxy(w, (proxy_options){0});
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ask_for(w, rows[i].target, "");
        peer_wait(&w->client, "[GP-FET-08]");
        assert_row(i, got(w, "HTTP/1.1 403 Forbidden\r\n"));
        assert_row(i, w->refused == FETCH_ADDRESS);
        assert_row(i, strstr(w->why, rows[i].zone) != NULL);
        assert_row(i, strstr(w->why, rows[i].target) != NULL);
        assert_row(i,
                   (strcmp(rows[i].zone, "private") == 0) == (strstr(w->hint, "NO_PROXY") != NULL));
    }
    assert_false(w->far_called);
}

static void what_cannot_be_reached_is_told(void **state)
{
    world *w = *state;
    char target[40];
    open_proxy(w, to_loopback);
    snprintf(target, sizeof(target), "%s", far_of(w));
    listener_free(w->far);
    w->far = NULL;
    ask_for(w, target, "");
    peer_wait(&w->client, "[GP-NET-03]");
    assert_true(got(w, "HTTP/1.1 502 Bad Gateway\r\n"));
    ask_for(w, "nowhere.invalid:443", "");
    peer_wait(&w->client, "[GP-NET-02]");
    assert_true(got(w, "resolving nowhere.invalid"));
}

static void T46_it_serves_its_own_user_only(void **state)
{
    world *w = *state;
    open_proxy(w, to_loopback);
    proxy_serve(w->proxy, geteuid() + 1);
    const char *const targets[] = {"metadata.google.internal:80", far_of(w)};
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        ask_for(w, targets[i], "");
        peer_wait(&w->client, "own user only\n");
        assert_row(i, got(w, "HTTP/1.1 403 Forbidden\r\n"));
    }
    assert_false(w->far_called);
}

static void it_offers_connect_only(void **state)
{
    world *w = *state;
    open_proxy(w, to_loopback);
    ask(w, "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n");
    peer_wait(&w->client, "CONNECT only\n");
    assert_true(got(w, "HTTP/1.1 405 Method Not Allowed\r\n"));
    assert_true(got(w, "Allow: CONNECT\r\n"));
    ask(w, "CONNECT a.example HTTP/1.1\r\nHost: a.example\r\n\r\n");
    peer_wait_end(&w->client);
    assert_true(got(w, "HTTP/1.1 400 "));
}

static void T13_a_connection_without_bytes_ends(void **state)
{
    world *w = *state;
    proxy_options o = to_loopback;
    o.idle_ms = 20;
    open_proxy(w, o);
    ask_for(w, far_of(w), "");
    peer_wait(&w->client, "HTTP/1.1 200 OK\r\n");
    peer_wait_end(&w->client);
}

// Half of a connection, and one that is passed on: freeing the proxy ends both.
static void it_can_end_at_any_time(void **state)
{
    world *w = *state;
    open_proxy(w, to_loopback);
    ask_for(w, far_of(w), "");
    peer_wait(&w->client, "HTTP/1.1 200 OK\r\n");
    peer waiting;
    peer_connect(&waiting, w->loop, proxy_port(w->proxy),
                 STR("CONNECT nowhere.invalid:443 HTTP/1.1\r\nHost: nowhere.invalid\r\n\r\n"));
    while (!waiting.open)
        loop_run_until(w->loop, &waiting.open, TEST_WAIT_MS);
    proxy_free(w->proxy);
    w->proxy = NULL;
    peer_wait_end(&w->client);
    peer_wait_end(&waiting);
    peer_close(&waiting);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_host_of_its_own_is_answered_for),
        TEST(T11_a_client_that_does_not_wait_for_the_answer_is_cut),
        TEST(other_hosts_are_passed_on_to_unread),
        TEST(T34_T42_only_public_addresses_are_passed_on_to),
        TEST(what_cannot_be_reached_is_told),
        TEST(T46_it_serves_its_own_user_only),
        TEST(it_offers_connect_only),
        TEST(T13_a_connection_without_bytes_ends),
        TEST(it_can_end_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
