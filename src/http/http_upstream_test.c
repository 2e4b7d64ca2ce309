// SPDX-License-Identifier: Apache-2.0
// Calls over real sockets, to a server that answers raw bytes.
#include <errno.h>

#include "http/http_server.h"
#include "http/test_cert.h"
#include "http/test_upstream.h"

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

// ---- responses ----------------------------------------------------------------------------------

static void responses_end_in_every_way(void **state)
{
    world *w = *state;
    open_pool(w, defaults);
    static const struct {
        const char *method, *text;
        int status;
        const char *body;
        bool kept;
    } rows[] = {
        {"GET", LENGTH_3 "abc", 200, "abc", true},
        {"HEAD", LENGTH_3, 200, "", true},
        {"GET", "HTTP/1.1 204 No Content\r\n\r\n", 204, "", true},
        {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", 304, "", true},
        {"GET",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", 200,
         "abc", true},
        {"GET",
         "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" LENGTH_3 "abc",
         200, "abc", true},
        {"HEAD", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" LENGTH_3, 200, "", true},
        {"GET", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc", 200, "abc",
         false},
        {"GET", "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", 200, "abc", false},
        // Bytes behind a response belong to nothing: the connection isn't used again.
        {"GET", LENGTH_3 "abcX", 200, "abc", false},
        {"GET", LENGTH_3 "abc" LENGTH_3 "abc", 200, "abc", false},
    };
    size_t connection = 0;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        result r = exchange(w, connection, rows[i].method, rows[i].text);
        assert_row(i, r.code == OK);
        assert_row(i, r.status == rows[i].status);
        assert_row(i, str_eq(buf_str(&r.body), str_from(rows[i].body)));
        connection += !rows[i].kept;
        if (!rows[i].kept)
            peer_wait_end(&w->servers[connection - 1]);
        forget(&r);
    }
    assert_int_equal(w->accepted, connection);
}

static void a_response_may_end_with_the_connection(void **state)
{
    world *w = *state;
    open_pool(w, defaults);
    result r;
    start(w, &r, "GET");
    serve(w, 0, "\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nto the ");
    peer_send(&w->servers[0], "end");
    stream_shutdown(w->servers[0].stream);
    wait_end(&r);
    assert_int_equal(r.code, OK);
    assert_str(buf_str(&r.body), STR("to the end"));
    forget(&r);
}

static void T10_malformed_responses_end_the_call_and_the_connection(void **state)
{
    world *w = *state;
    open_pool(w, defaults);
    static const char *const rows[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: 1\nY: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",
        "SSH-2.0\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        result r = exchange(w, i, "GET", rows[i]);
        assert_row(i, r.code == HTTP_MALFORMED);
        assert_row(i, strstr(r.why, "127.0.0.1 port ") == r.why);
        peer_wait_end(&w->servers[i]);
        forget(&r);
    }
}

static void T13_responses_have_limits(void **state)
{
    world *w = *state;
    open_pool(w, (http_pool_options){.head_bytes_max = 100, .header_count_max = 2});
    result r = exchange(w, 0, "GET", "HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n");
    assert_int_equal(r.code, HTTP_MALFORMED);
    forget(&r);
    r = exchange(w, 1, "GET",
                 "HTTP/1.1 200 OK\r\nA: 34567890123456789012345678901234567890"
                 "34567890123456789012345678901234567890123456789012345\r\n\r\n");
    assert_int_equal(r.code, HTTP_MALFORMED);
    forget(&r);
    buf many;
    buf_init(&many, 100000);
    for (int i = 0; i < 100; i++)
        buf_addz(&many, "HTTP/1.1 100 Continue\r\n\r\n");
    r = exchange(w, 2, "GET", buf_cstr(&many));
    assert_int_equal(r.code, HTTP_MALFORMED);
    buf_deinit(&many);
    forget(&r);
}

// RFC 9112 §6.3 has a reading for them, which a proxy couldn't pass on but a client may use.
static void any_server_is_read_as_far_as_it_can_be(void **state)
{
    world *w = *state;
    static const char *const rows[] = {
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "HTTP/1.1 200\r\nContent-Length: 3\r\n\r\nabc",
    };
    for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
        bool any = i >= ARRAY_LEN(rows);
        const char *text = rows[i % ARRAY_LEN(rows)];
        http_pool_free(w->pool);
        open_pool(w, (http_pool_options){.any_server = any});
        result r;
        start(w, &r, "GET");
        serve(w, i, "\r\n\r\n", text);
        stream_shutdown(w->servers[i].stream);
        wait_end(&r);
        assert_row(i, r.code == (any || strstr(text, "HTTP/1.1 200\r") ? OK : HTTP_MALFORMED));
        assert_row(i, r.code || str_eq(buf_str(&r.body), STR("abc")));
        forget(&r);
    }
}

static void a_response_that_is_cut_is_told(void **state)
{
    world *w = *state;
    open_pool(w, defaults);
    static const char *const rows[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 200 O",
        "",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        result r;
        start(w, &r, "GET");
        serve(w, i, "\r\n\r\n", rows[i]);
        stream_shutdown(w->servers[i].stream);
        wait_end(&r);
        assert_row(i, r.code == NET_BROKEN);
        forget(&r);
    }
}

static void a_pause_suspends_the_time_of_a_body(void **state)
{
    world *w = *state;
    open_pool(w, (http_pool_options){.body_ms = 200});
    result r;
    start(w, &r, "GET");
    wait_connection(w, 1);
    peer_wait(&w->servers[0], "\r\n\r\n");
    http_call_pause(r.call);
    peer_send(&w->servers[0], LENGTH_3 "abc");
    bool never = false;
    loop_run_until(w->loop, &never, 500);
    assert_false(r.ended);
    http_call_resume(r.call);
    wait_end(&r);
    assert_int_equal(r.code, OK);
    forget(&r);
}

// ---- requests -----------------------------------------------------------------------------------

static void a_request_has_the_pools_framing(void **state)
{
    world *w = *state;
    open_pool(w, defaults);
    http_header fields[] = {
        {STR("Host"), STR("a.example")},
        {STR("Connection"), STR("close")},
        {STR("Content-Length"), STR("99")},
        {STR("Transfer-Encoding"), STR("gzip")},
        {STR("TE"), STR("trailers")},
        {STR("Keep-Alive"), STR("1")},
        {STR("Upgrade"), STR("h2c")},
        {STR("Expect"), STR("100-continue")},
        {STR("X-Split"), STR("1\r\nX-Injected: 1")},
        {STR("X-Kept"), STR("1")},
    };
    http_headers h = {fields, ARRAY_LEN(fields), ARRAY_LEN(fields)};
    static const struct {
        const char *method;
        int64_t body_bytes;
        const char *sent;
    } rows[] = {
        {"GET", 0, "GET / HTTP/1.1\r\nHost: a.example\r\nX-Kept: 1\r\n\r\n"},
        {"POST", 0, "POST / HTTP/1.1\r\nHost: a.example\r\nX-Kept: 1\r\nContent-Length: 0\r\n\r\n"},
        {"POST", 5,
         "POST / HTTP/1.1\r\nHost: a.example\r\nX-Kept: 1\r\nContent-Length: 5\r\n\r\nabcde"},
        {"PUT", HTTP_BODY_CHUNKED,
         "PUT / HTTP/1.1\r\nHost: a.example\r\nX-Kept: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
         "2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        result r = {.world = w};
        buf_init(&r.body, 1000);
        http_call_options o = {.method = str_from(rows[i].method),
                               .target = STR("/"),
                               .headers = &h,
                               .body_bytes = rows[i].body_bytes};
        r.call = http_call_start(w->pool, &o, &handlers, &r);
        if (rows[i].body_bytes) {
            assert_true(http_call_write(r.call, STR("ab")));
            http_call_write(r.call, STR("cde"));
            http_call_write_end(r.call);
        }
        wait_connection(w, 1);
        peer_wait(&w->servers[0], rows[i].sent);
        assert_row(i, str_eq(buf_str(&w->servers[0].got), str_from(rows[i].sent)));
        buf_reset(&w->servers[0].got);
        peer_send(&w->servers[0], LENGTH_3 "abc");
        wait_end(&r);
        assert_row(i, r.code == OK);
        forget(&r);
    }
    assert_int_equal(w->accepted, 1);
}

static void T10_a_request_line_cannot_be_split(void **state)
{
    world *w = *state;
    open_pool(w, defaults);
    static const struct {
        const char *method, *target;
    } rows[] = {
        {"GET", "/ HTTP/1.1\r\nX: y"},
        {"GET", "/a b"},
        {"GET", ""},
        {"GET", "/\n"},
        {"GET /", "/"},
        {"", "/"},
        {"A\r\nB", "/"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        result r = {.world = w};
        http_call_options o = {.method = str_from(rows[i].method),
                               .target = str_from(rows[i].target)};
        r.call = http_call_start(w->pool, &o, &handlers, &r);
        assert_row(i, !r.ended);
        wait_end(&r);
        assert_row(i, r.code == HTTP_UNSENDABLE);
    }
    for (size_t i = 0; i < w->accepted; i++)
        assert_int_equal(w->servers[i].got.len, 0);
}

static void a_body_that_breaks_its_length_ends_the_call(void **state)
{
    world *w = *state;
    open_pool(w, defaults);
    for (int i = 0; i < 2; i++) {
        result r = {.world = w};
        http_headers h = host_only();
        http_call_options o = {
            .method = STR("PUT"), .target = STR("/"), .headers = &h, .body_bytes = 3};
        r.call = http_call_start(w->pool, &o, &handlers, &r);
        http_call_write(r.call, i ? STR("abcd") : STR("ab"));
        http_call_write_end(r.call);
        assert_false(r.ended);
        wait_end(&r);
        assert_int_equal(r.code, HTTP_UNSENDABLE);
    }
}

typedef struct upload upload;
struct upload {
    result r; // first: the handlers of a result
    size_t left;
    unsigned waits;
    bool done;
};

static const char megabyte[1 << 20];

static void write_more(upload *u)
{
    while (u->left) {
        u->left--;
        if (!http_call_write(u->r.call, (str){megabyte, sizeof(megabyte)})) {
            u->waits++;
            return;
        }
    }
    http_call_write_end(u->r.call);
    u->done = true;
}

static void on_upload_drain(void *ctx)
{
    write_more(ctx);
}

static void a_request_body_waits_for_the_server(void **state)
{
    world *w = *state;
    open_pool(w, defaults);
    upload u = {.r = {.world = w}, .left = 24};
    buf_init(&u.r.body, 1000);
    http_headers h = host_only();
    http_call_handlers with_drain = handlers;
    with_drain.on_drain = on_upload_drain;
    http_call_options o = {.method = STR("POST"),
                           .target = STR("/"),
                           .headers = &h,
                           .body_bytes = (int64_t)(24 * sizeof(megabyte))};
    u.r.call = http_call_start(w->pool, &o, &with_drain, &u.r);
    write_more(&u);
    assert_int_equal(u.waits, 1); // before there is a connection, too
    wait_connection(w, 1);
    stream_pause(w->servers[0].stream);
    bool never = false;
    loop_run_until(w->loop, &never, 200);
    assert_true(u.left > 4);
    stream_resume(w->servers[0].stream);
    peer_wait_bytes(&w->servers[0], 24 * sizeof(megabyte));
    assert_true(u.done);
    peer_send(&w->servers[0], LENGTH_3 "abc");
    wait_end(&u.r);
    assert_int_equal(u.r.code, OK);
    forget(&u.r);
}

static void a_response_waits_for_its_reader(void **state)
{
    world *w = *state;
    open_pool(w, defaults);
    result r;
    start(w, &r, "GET");
    wait_connection(w, 1);
    peer *server = &w->servers[0];
    peer_wait(server, "\r\n\r\n");
    http_call_pause(r.call);
    peer_send(server, "HTTP/1.1 200 OK\r\nContent-Length: 25165824\r\n\r\n");
    for (int i = 0; i < 24; i++)
        stream_write(server->stream, (str){megabyte, sizeof(megabyte)});
    bool never = false;
    loop_run_until(w->loop, &never, 300);
    assert_true(stream_queued(server->stream) > 4 << 20);
    assert_int_equal(r.body.len, 0);
    assert_false(r.ended);
    http_call_resume(r.call);
    assert_int_equal(r.body.len, 0); // not inside the call
    wait_end(&r);
    assert_int_equal(r.code, OK);
    assert_int_equal(r.body.len, 25165824);
    forget(&r);
}

// ---- leaving HTTP -------------------------------------------------------------------------------

typedef struct upgraded upgraded;
struct upgraded {
    result r; // first: the handlers of a result
    int status;
    peer tunnel;
    bool done;
};

static void on_upgrade(void *ctx, const http_response *res, stream *s, str early)
{
    upgraded *u = ctx;
    u->status = res->status;
    peer_accept(&u->tunnel, u->r.world->loop, s);
    buf_adds(&u->tunnel.got, early);
    u->done = true;
}

static void T11_a_tunnel_begins_with_the_servers_101(void **state)
{
    world *w = *state;
    open_pool(w, defaults);
    http_headers h = host_only();
    http_call_handlers hs = handlers;
    hs.on_upgrade = on_upgrade;
    http_call_options o = {
        .method = STR("GET"), .target = STR("/"), .headers = &h, .upgrade = STR("websocket")};
    upgraded u = {.r = {.world = w}};
    u.r.call = http_call_start(w->pool, &o, &hs, &u.r);
    serve(w, 0, "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "HTTP/1.1 101 Switching Pro");
    idle_turns(w);
    assert_false(u.done); // not a byte before the head is whole
    peer_send(&w->servers[0], "tocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nearly");
    assert_true(loop_run_until(w->loop, &u.done, TEST_WAIT_MS));
    assert_int_equal(u.status, 101);
    peer_wait(&u.tunnel, "early");
    peer_send(&w->servers[0], " HTTP/1.1 200");
    peer_wait(&u.tunnel, "early HTTP/1.1 200");
    peer_send(&u.tunnel, "up");
    peer_wait(&w->servers[0], "up");
    assert_false(u.r.ended);
    peer_close(&u.tunnel);
    // A refusal is a response like any other.
    buf_init(&u.r.body, 1000);
    u.r.call = http_call_start(w->pool, &o, &hs, &u.r);
    serve(w, 1, "\r\n\r\n", "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    wait_end(&u.r);
    assert_int_equal(u.r.status, 403);
    assert_str(buf_str(&u.r.body), STR("no"));
    forget(&u.r);
}

// ---- a caller that makes the head itself --------------------------------------------------------

static void start_own(world *w, result *r, const char *head, bool fresh, http_call_facts *facts)
{
    http_call_options o = {
        .method = STR("GET"), .head = str_from(head), .fresh = fresh, .facts = facts};
    *r = (result){.world = w};
    buf_init(&r->body, 1000);
    *facts = (http_call_facts){0};
    r->call = http_call_start(w->pool, &o, &handlers, r);
}

static void a_head_goes_out_as_it_was_made(void **state)
{
    world *w = *state;
    open_pool(w, defaults);
    static const char head[] = "GET /a{}b HTTP/1.1\r\nhOsT: x\r\nTE: trailers\r\nX:\r\n\r\n";
    http_call_facts facts;
    result r;
    for (size_t i = 0; i < 2; i++) {
        start_own(w, &r, head, true, &facts); // the second on a new connection, too
        wait_connection(w, i + 1);
        peer_wait(&w->servers[i], head);
        assert_strz(buf_str(&w->servers[i].got), head);
        peer_send(&w->servers[i], LENGTH_3 "abc");
        wait_end(&r);
        assert_int_equal(r.status, 200);
        assert_false(facts.reused);
        forget(&r);
    }
}

static void a_call_tells_what_became_of_it(void **state)
{
    world *w = *state;
    open_pool(w, defaults);
    static const char head[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    static const char interim[] = "HTTP/1.1 103 Early Hints\r\n\r\n";
    http_call_facts facts;
    result r;
    for (int i = 0; i < 2; i++) {
        uint64_t before = clock_mono_ns();
        start_own(w, &r, head, false, &facts);
        wait_connection(w, 1);
        peer_wait(&w->servers[0], "\r\n\r\n");
        buf_reset(&w->servers[0].got);
        peer_send(&w->servers[0], interim);
        peer_send(&w->servers[0], LENGTH_3 "abc");
        wait_end(&r);
        assert_int_equal(facts.request_bytes, strlen(head));
        assert_int_equal(facts.head_bytes, strlen(interim) + strlen(LENGTH_3));
        assert_string_equal(facts.ip, "127.0.0.1");
        assert_int_equal(facts.port, listener_port(w->listener));
        assert_int_equal(facts.reused, i);
        assert_true(i ? !facts.resolved_ns && !facts.connected_ns : facts.resolved_ns >= before);
        assert_true(facts.sent_ns >= (i ? before : facts.connected_ns));
        assert_true(facts.first_byte_ns >= facts.sent_ns);
        forget(&r);
    }
    start_own(w, &r, head, false, &facts);
    serve(w, 0, "\r\n\r\n", "SSH-2.0\r\n");
    wait_end(&r);
    assert_string_equal(facts.parse_error, "HPE_INVALID_CONSTANT");
    forget(&r);
    http_pool_free(w->pool);
    http_pool_options nowhere = {.host = "127.0.0.1", .port = 1};
    w->pool = http_pool_new(w->loop, &nowhere);
    start_own(w, &r, head, false, &facts);
    wait_end(&r);
    assert_int_equal(facts.os_error, ECONNREFUSED);
    forget(&r);
}

static code refuse_all(void *ctx, const struct sockaddr *to, err *e)
{
    (void)to;
    return err_set(e, SYS_FAILED, "%s", (const char *)ctx);
}

static void T42_the_callers_word_stands_before_each_connect(void **state)
{
    world *w = *state;
    char why[] = "not there";
    open_pool(w, (http_pool_options){.may_connect = refuse_all, .ctx = why});
    result r;
    start(w, &r, "GET");
    wait_end(&r);
    assert_code(r.code, SYS_FAILED);
    assert_string_equal(r.why, why);
    assert_int_equal(w->accepted, 0);
    forget(&r);
}

// ---- TLS ----------------------------------------------------------------------------------------

static void on_tls_request(void *ctx, http_exchange *x)
{
    *(bool *)ctx = http_exchange_is_tls(x);
    http_reply_text(x, 200, "over TLS");
}

static void calls_go_over_tls_when_the_name_is_the_servers(void **state)
{
    world *w = *state;
    tls_context *server_tls, *client_tls;
    tls_server_options so = {.cert_pem = STR(TEST_CERT), .key_pem = STR(TEST_KEY)};
    assert_code(tls_server_new(&so, &server_tls, NULL), OK);
    tls_client_options co = {.ca_pem = STR(TEST_CERT)};
    assert_code(tls_client_new(&co, &client_tls, NULL), OK);
    bool was_tls = false;
    http_server *server;
    http_server_options o = {.tls = server_tls, .on_request = on_tls_request, .ctx = &was_tls};
    assert_code(http_server_new(w->loop, &o, &server, NULL), OK);
    http_pool_options po = {.host = "127.0.0.1",
                            .port = http_server_port(server),
                            .tls = client_tls,
                            .tls_name = "a.example"};
    w->pool = http_pool_new(w->loop, &po);
    result r;
    for (int i = 0; i < 2; i++) {
        start(w, &r, "GET");
        wait_end(&r);
        assert_int_equal(r.code, OK);
        assert_str(buf_str(&r.body), STR("over TLS\n"));
        forget(&r);
    }
    assert_true(was_tls);
    assert_int_equal(http_server_connections(server), 1);
    http_pool_free(w->pool);
    po.tls_name = "b.example";
    w->pool = http_pool_new(w->loop, &po);
    start(w, &r, "GET");
    wait_end(&r);
    assert_int_equal(r.code, NET_TLS);
    forget(&r);
    http_server_free(server);
    tls_context_unref(server_tls);
    tls_context_unref(client_tls);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_gets_its_response_and_the_connection_is_kept),
        TEST(responses_end_in_every_way),
        TEST(a_response_may_end_with_the_connection),
        TEST(T10_malformed_responses_end_the_call_and_the_connection),
        TEST(T13_responses_have_limits),
        TEST(any_server_is_read_as_far_as_it_can_be),
        TEST(a_response_that_is_cut_is_told),
        TEST(a_head_goes_out_as_it_was_made),
        TEST(a_call_tells_what_became_of_it),
        TEST(T42_the_callers_word_stands_before_each_connect),
        TEST(a_request_has_the_pools_framing),
        TEST(T10_a_request_line_cannot_be_split),
        TEST(a_body_that_breaks_its_length_ends_the_call),
        TEST(a_request_body_waits_for_the_server),
        TEST(a_response_waits_for_its_reader),
        TEST(a_pause_suspends_the_time_of_a_body),
        TEST(T11_a_tunnel_begins_with_the_servers_101),
        TEST(calls_go_over_tls_when_the_name_is_the_servers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
