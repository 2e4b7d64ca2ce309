// SPDX-License-Identifier: Apache-2.0
// connect with real sources of tokens, between a client and a service that speak raw bytes.
#include "credential/credential_test_endpoints.h"
#include "gate/connect.h"
#include "gate/test_upstream.h"

typedef struct world world;
struct world {
    fixture *f;
    upstream up, users;
    upstream *asked; // which of them the test looks at
    trust_set *trust;
    gate_connect_service services[2];
    gate_connect_options o;
    gate_connect *connect;
    peer client;
    bool idle;
};

static void on_idle(void *ctx)
{
    ((world *)ctx)->idle = true;
}

static int open_world(void **state)
{
    world *w = NEW(world);
    set_up((void **)&w->f);
    upstream_open(&w->up, w->f->loop);
    w->asked = &w->up;
    w->trust = trust_set_new();
    w->services[0] = (gate_connect_service){
        .name = STR("orders"),
        .url = arena_printf(&w->f->mem, "http://127.0.0.1:%u", listener_port(w->up.listener)),
        .local_issuer = w->f->up.issuer};
    w->o = (gate_connect_options){.services = w->services,
                                  .service_count = 1,
                                  .trust = w->trust,
                                  .tokens = provider(w->f),
                                  .on_idle = on_idle,
                                  .ctx = w};
    assert_code(trust_add_local(w->trust, w->services[0].url, STR("https://orders.example"), NULL),
                OK);
    *state = w;
    return 0;
}

static int close_world(void **state)
{
    world *w = *state;
    peer_close(&w->client);
    gate_connect_free(w->connect);
    upstream_close(&w->up);
    upstream_close(&w->users);
    trust_set_free(w->trust);
    tear_down((void **)&w->f);
    free(w);
    return 0;
}

static void connect_it(world *w)
{
    err e = ERR_INIT;
    if (gate_connect_new(w->f->loop, &w->o, &w->connect, &e))
        fail_msg("%s", e.msg);
}

// Sends a request with these lines; "Host: PORT" is replaced by the port's own.
static void call_with(world *w, const char *line, const char *lines)
{
    str text = arena_printf(&w->f->mem, "%s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n%s\r\n", line,
                            gate_connect_port(w->connect), lines);
    if (w->client.stream) {
        buf_reset(&w->client.got);
        stream_write(w->client.stream, text);
    } else {
        peer_connect(&w->client, w->f->loop, gate_connect_port(w->connect), text);
    }
}

static str upstream_text(world *w)
{
    return buf_str(&upstream_wait(w->asked, "\r\n\r\n")->got);
}

static bool client_has(const world *w, const char *text)
{
    return str_find(buf_str(&w->client.got), str_from(text)) >= 0;
}

static void reply(world *w, const char *text, const char *awaited)
{
    peer_send(upstream_wait(w->asked, "\r\n\r\n"), text);
    peer_wait(&w->client, awaited);
    buf_reset(&w->asked->peers[0].got);
}

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// The token in that header of the request, and what it is for.
static str token_in(world *w, const char *header, const char *audience)
{
    str text = upstream_text(w);
    ssize_t at = str_find(text, str_from(header));
    if (at < 0)
        fail_msg("no %s in " STR_FMT, header, STR_ARG(text));
    str token = str_skip(text, (size_t)at + strlen(header)), rest;
    str_cut(token, '\r', &token, &rest);
    jwt t;
    w->f->token = arena_str(&w->f->mem, token);
    assert_code(jwt_parse(w->f->token, &w->f->mem, &t, NULL), OK);
    assert_strz(t.audiences[0], audience);
    return w->f->token;
}

// ---- identity -----------------------------------------------------------------------------------

static void the_identity_is_added_and_the_rest_passes(void **state)
{
    world *w = *state;
    connect_it(w);
    assert_string_equal(gate_connect_identity(w->connect, 0),
                        "tester@demo.iam.gserviceaccount.com by service account key, audience "
                        "https://orders.example");
    call_with(w, "GET /a/..//%2f;x?y=%41", "X-Forwarded-For: 1.2.3.4\r\nX_Custom: a\r\nTE: x\r\n");
    str text = upstream_text(w);
    assert_true(str_starts(text, STR("GET /a/..//%2f;x?y=%41 HTTP/1.1\r\n")));
    str host =
        arena_printf(&w->f->mem, "\r\nHost: 127.0.0.1:%u\r\n", listener_port(w->up.listener));
    assert_true(str_find(text, host) > 0);
    assert_true(str_find(text, STR("X-Forwarded-For: 1.2.3.4\r\nX_Custom: a\r\n")) > 0);
    assert_true(str_find(text, STR("TE:")) < 0);
    assert_true(str_find(text, STR("traceparent")) < 0);
    token_in(w, "\r\nAuthorization: Bearer ", "https://orders.example");
    reply(w, OK_ANSWER, "\r\n\r\nok");
    call_with(w, "GET /", "");
    upstream_text(w);
    assert_int_equal(w->f->requests.len, 1); // one token for both
}

static void the_applications_own_authorization_passes_beside_it(void **state)
{
    world *w = *state;
    connect_it(w);
    call_with(w, "GET /", "Authorization: Basic YTpi\r\n");
    token_in(w, "\r\nX-Serverless-Authorization: Bearer ", "https://orders.example");
    assert_true(str_find(upstream_text(w), STR("Authorization: Basic YTpi\r\n")) > 0);
    reply(w, OK_ANSWER, "\r\n\r\nok");
    call_with(w, "GET /", "Authorization: Bearer {{token}}\r\n");
    token_in(w, "\r\nAuthorization: Bearer ", "https://orders.example");
    assert_true(str_find(upstream_text(w), STR("{{token}}")) < 0);
}

static void a_callers_own_google_token_stays(void **state)
{
    world *w = *state;
    connect_it(w);
    str own = mint(w->f, STR("https://wrong.example"), STR("other@demo.iam.gserviceaccount.com"));
    str line = arena_printf(&w->f->mem, "Authorization: Bearer " STR_FMT "\r\n", STR_ARG(own));
    call_with(w, "GET /", line.ptr);
    assert_str(token_in(w, "\r\nAuthorization: Bearer ", "https://wrong.example"), own);
    assert_true(str_find(upstream_text(w), STR("X-Serverless")) < 0);
    assert_int_equal(w->f->requests.len, 0);
}

static void identity_none_adds_nothing(void **state)
{
    world *w = *state;
    w->services[0].identity = STR("none");
    connect_it(w);
    assert_non_null(strstr(gate_connect_identity(w->connect, 0), "no identity"));
    call_with(w, "GET /", "");
    assert_true(str_find(upstream_text(w), STR("uthorization")) < 0);
}

static void T32_a_token_that_the_service_sends_back_is_taken_out(void **state)
{
    world *w = *state;
    connect_it(w);
    call_with(w, "GET /", "");
    str token = token_in(w, "\r\nAuthorization: Bearer ", "https://orders.example");
    str echo = arena_printf(&w->f->mem,
                            "HTTP/1.1 302 Found\r\nX-Echo: Bearer " STR_FMT
                            "\r\nLocation: /?t=" STR_FMT "\r\nContent-Length: 0\r\n\r\n",
                            STR_ARG(token), STR_ARG(token));
    reply(w, echo.ptr, "\r\n\r\n");
    str signature = str_skip(token, (size_t)str_rchr(token, '.') + 1);
    assert_true(str_find(buf_str(&w->client.got), str_sub(signature, 0, 24)) < 0);
    assert_true(client_has(w, "***\r\nLocation: /?t="));
}

static void a_token_that_cannot_be_had_is_explained(void **state)
{
    world *w = *state;
    connect_it(w);
    w->f->statuses[0] = 400;
    w->f->error = "{\"error\":\"invalid_grant\",\"error_description\":\"Invalid JWT Signature.\"}";
    call_with(w, "GET /", "");
    peer_wait(&w->client, "GP-CRED-04");
    assert_true(client_has(w, "HTTP/1.1 401 "));
    assert_true(client_has(w, "gatepost: "));
    assert_int_equal(w->up.count, 0);
}

// ---- what is told before the first call ---------------------------------------------------------

static void what_cannot_work_is_told_at_once(void **state)
{
    static const struct {
        const char *url, *identity;
        code wanted;
    } rows[] = {
        {"https://other-abc123-ew.a.run.app", "", TRUST_MISSING},
        {"https://custom.example", "", TRUST_MISSING},
        {"https://a.example/path", "", URI_SYNTAX},
        {"https://a.example/?q", "", URI_SYNTAX},
        {"https://user@a.example/", "", URI_SYNTAX},
        {"ftp://a.example", "", URI_SYNTAX},
        {"orders", "", URI_SYNTAX},
        {NULL, "nobody", CRED_IDENTITY},
    };
    world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        err e = ERR_INIT;
        gate_connect_service one = w->services[0];
        gate_connect_options o = w->o;
        o.services = &one;
        if (rows[i].url)
            one.url = str_from(rows[i].url);
        one.identity = str_from(rows[i].identity);
        code c = gate_connect_new(w->f->loop, &o, &w->connect, &e);
        if (c != rows[i].wanted)
            fail_msg("row %zu: [%s] %s", i, code_id(c), e.msg);
        assert_row(i, e.code == c && e.msg[0]);
    }
    assert_null(w->connect);
}

// ---- T46 ----------------------------------------------------------------------------------------

static void T46_another_user_is_refused(void **state)
{
    world *w = *state;
    connect_it(w);
    connect_serve(w->connect, geteuid() + 1);
    call_with(w, "GET /", "");
    peer_wait(&w->client, "GP-GATE-02");
    assert_true(client_has(w, "HTTP/1.1 403 "));
    assert_int_equal(w->up.count, 0);
    assert_int_equal(w->f->requests.len, 0);
}

static void T46_another_host_is_refused(void **state)
{
    world *w = *state;
    connect_it(w);
    unsigned port = gate_connect_port(w->connect);
    const str hosts[] = {
        arena_printf(&w->f->mem, "evil.example:%u", port),
        STR("127.0.0.1"),
        arena_printf(&w->f->mem, "127.0.0.1:%u", port + 1),
        STR("localhost"),
        arena_printf(&w->f->mem, "localhost.evil.example:%u", port),
        arena_printf(&w->f->mem, "127.0.0.1.nip.io:%u", port),
    };
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        str text = arena_printf(&w->f->mem, "GET / HTTP/1.1\r\nHost: " STR_FMT "\r\n\r\n",
                                STR_ARG(hosts[i]));
        peer_close(&w->client);
        peer_connect(&w->client, w->f->loop, (uint16_t)port, text);
        peer_wait(&w->client, "GP-GATE-03");
    }
    str text = arena_printf(&w->f->mem, "GET / HTTP/1.1\r\nHost: LocalHost:%u\r\n\r\n", port);
    peer_close(&w->client);
    peer_connect(&w->client, w->f->loop, (uint16_t)port, text);
    reply(w, OK_ANSWER, "\r\n\r\nok");
    assert_int_equal(w->f->requests.len, 1);
}

static void T46_a_web_page_is_refused(void **state)
{
    world *w = *state;
    connect_it(w);
    unsigned port = gate_connect_port(w->connect);
    const struct {
        const char *lines;
        bool passes;
    } rows[] = {
        {"Sec-Fetch-Site: cross-site\r\n", false},
        {"Sec-Fetch-Site: same-site\r\n", false},
        {"Sec-Fetch-Site: CROSS-site\r\n", false},
        {"Origin: https://evil.example\r\n", false},
        {"Origin: null\r\n", false},
        {"Origin: http://127.0.0.1:1\r\n", false},
        {"Sec-Fetch-Site: same-origin\r\nOrigin: https://evil.example\r\n", false},
        {"Sec-Fetch-Site: none\r\n", true},
        {arena_printf(&w->f->mem, "Origin: http://127.0.0.1:%u\r\nSec-Fetch-Site: same-origin\r\n",
                      port)
             .ptr,
         true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        call_with(w, "POST /", rows[i].lines);
        if (rows[i].passes) {
            reply(w, OK_ANSWER, "\r\n\r\nok");
            continue;
        }
        peer_wait(&w->client, "GP-GATE-04");
        assert_row(i, client_has(w, "HTTP/1.1 403 "));
        assert_row(i, !w->up.count);
    }
}

static void T46_it_ends_when_nobody_calls(void **state)
{
    world *w = *state;
    w->o.idle_ms = 60;
    connect_it(w);
    call_with(w, "GET /", "");
    peer *up = upstream_wait(&w->up, "\r\n\r\n"); // a call under way is no idleness
    bool never = false;
    loop_run_until(w->f->loop, &never, 200);
    assert_false(w->idle);
    peer_send(up, OK_ANSWER);
    peer_wait(&w->client, "\r\n\r\nok");
    loop_run_until(w->f->loop, &w->idle, TEST_WAIT_MS);
    assert_true(w->idle);
    assert_int_equal(gate_connect_port(w->connect), 0);
}

// ---- WebSockets ---------------------------------------------------------------------------------

#define UPGRADE "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n"
#define SWITCHES                                                                                   \
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

static void a_websocket_gets_the_identity_and_passes_both_ways(void **state)
{
    world *w = *state;
    connect_it(w);
    call_with(w, "GET /live", UPGRADE);
    token_in(w, "\r\nAuthorization: Bearer ", "https://orders.example");
    assert_true(str_find(upstream_text(w), STR("\r\nSec-WebSocket-Key: a\r\n")) > 0);
    peer_send(upstream_wait(&w->up, "\r\n\r\n"), SWITCHES "hello");
    peer_wait(&w->client, "\r\n\r\nhello");
    stream_write(w->client.stream, STR("from the client"));
    upstream_wait(&w->up, "from the client");
}

static void T46_a_websocket_of_a_page_is_refused(void **state)
{
    world *w = *state;
    connect_it(w);
    call_with(w, "GET /live", UPGRADE "Origin: https://evil.example\r\n");
    peer_wait(&w->client, "GP-GATE-04");
    assert_int_equal(w->up.count, 0);
}

static void T46_a_websocket_that_nobody_uses_keeps_nothing_open(void **state)
{
    enum { IDLE_MS = 150 };
    world *w = *state;
    bool never = false;
    w->o.idle_ms = IDLE_MS;
    connect_it(w);
    call_with(w, "GET /live", UPGRADE);
    peer *up = upstream_wait(&w->up, "\r\n\r\n");
    peer_send(up, SWITCHES);
    peer_wait(&w->client, "101");
    for (int i = 0; i < 8; i++) { // longer than it may be idle
        stream_write(w->client.stream, STR("."));
        loop_run_until(w->f->loop, &never, IDLE_MS / 4);
    }
    assert_false(w->idle);
    loop_run_until(w->f->loop, &w->idle, TEST_WAIT_MS);
    assert_true(w->idle);
    loop_run_until(w->f->loop, &w->client.ended, TEST_WAIT_MS);
    assert_true(w->client.ended);
}

// ---- several services ---------------------------------------------------------------------------

#define USERS "https://users-abc123-ew.a.run.app"

static void connect_two(world *w)
{
    upstream_open(&w->users, w->f->loop);
    w->asked = &w->users;
    w->services[1] = (gate_connect_service){.name = STR("users"),
                                            .url = STR(USERS),
                                            .address = "127.0.0.1",
                                            .address_port = listener_port(w->users.listener),
                                            .local_issuer = w->f->up.issuer};
    assert_code(trust_add_local(w->trust, STR(USERS), STR(USERS), NULL), OK);
    w->o.service_count = 2;
    connect_it(w);
}

// A GET with that Host, "" for the port's own, where ":PORT" stands for its port.
static void call_at(world *w, const char *host, const char *target, const char *lines)
{
    str text = arena_printf(&w->f->mem, "GET %s HTTP/1.1\r\nHost: %s:%u\r\n%s\r\n", target,
                            host[0] ? host : "127.0.0.1", gate_connect_port(w->connect), lines);
    peer_close(&w->client);
    peer_connect(&w->client, w->f->loop, gate_connect_port(w->connect), text);
}

static void several_services_share_a_port_by_path_and_by_host(void **state)
{
    static const struct {
        const char *host, *target, *wanted;
        bool users;
    } rows[] = {
        {"", "/orders/a?b", "GET /a?b ", false},
        {"", "/users/a/../b", "GET /a/../b ", true},
        {"localhost", "/users", "GET / ", true},
        {"", "/users?q=/orders/", "GET /?q=/orders/ ", true},
        {"", "/orders//users/", "GET //users/ ", false},
        {"users.localhost", "/orders/a", "GET /orders/a ", true},
        {"Orders.LOCALHOST", "/", "GET / ", false},
    };
    world *w = *state;
    connect_two(w);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        w->asked = rows[i].users ? &w->users : &w->up;
        call_at(w, rows[i].host, rows[i].target, "");
        str text = upstream_text(w);
        assert_row(i, str_starts(text, str_from(rows[i].wanted)));
        token_in(w, "\r\nAuthorization: Bearer ", rows[i].users ? USERS : "https://orders.example");
        reply(w, OK_ANSWER, "\r\n\r\nok");
    }
    assert_true(w->up.count == 1 && w->users.count == 1);
    assert_string_equal(gate_connect_base(w->connect, 1), "/users");
    assert_non_null(strstr(gate_connect_identity(w->connect, 1), "audience " USERS));
}

static void what_names_no_service_is_told_which_there_are(void **state)
{
    static const char *const targets[] = {"/",         "/order",  "/orders%2fa",
                                          "//users/a", "/Users/", "*"};
    world *w = *state;
    connect_two(w);
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        call_at(w, "", targets[i], "");
        if (strcmp(targets[i], "*") == 0) { // not for GET
            peer_wait(&w->client, "400");
            continue;
        }
        peer_wait(&w->client, "with /orders/…, /users/…");
        assert_row(i, client_has(w, "HTTP/1.1 404 ") && client_has(w, "GP-GATE-05"));
    }
    assert_int_equal(w->up.count, 0);
}

static void places_in_an_answer_are_the_ports(void **state)
{
    static const struct {
        const char *host, *field, *wanted;
    } rows[] = {
        {"", "Location: /login?to=/a", "Location: /users/login?to=/a\r\n"},
        {"", "Location: next", "Location: next\r\n"},
        {"", "Location: //evil.example/", "Location: //evil.example/\r\n"},
        {"", "Location: https://other.example/x", "Location: https://other.example/x\r\n"},
        {"", "Location: " USERS "/a?b#c", "Location: http://127.0.0.1:PORT/users/a?b#c\r\n"},
        {"", "Content-Location: " USERS, "Content-Location: http://127.0.0.1:PORT/users/\r\n"},
        {"users.localhost", "Location: /login", "Location: /login\r\n"},
        {"users.localhost", "Location: " USERS "/a", "Location: http://users.localhost:PORT/a\r\n"},
        {"", "Set-Cookie: s=1; Path=/; HttpOnly", "Set-Cookie: s=1; Path=/users/; HttpOnly\r\n"},
        {"", "Set-Cookie: path=/; path=/a", "Set-Cookie: path=/; Path=/users/a\r\n"},
        {"", "Set-Cookie: s=1; Domain=.users-abc123-ew.a.run.app; Secure",
         "Set-Cookie: s=1; Secure\r\n"},
        {"", "Set-Cookie: s=1; domain=evil.example", "Set-Cookie: s=1; domain=evil.example\r\n"},
        {"users.localhost", "Set-Cookie: s=1; Path=/", "Set-Cookie: s=1; Path=/\r\n"},
    };
    world *w = *state;
    connect_two(w);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        call_at(w, rows[i].host, rows[i].host[0] ? "/" : "/users/", "");
        upstream_text(w);
        reply(w,
              arena_printf(&w->f->mem, "HTTP/1.1 200 OK\r\n%s\r\nContent-Length: 0\r\n\r\n",
                           rows[i].field)
                  .ptr,
              "\r\n\r\n");
        str wanted = str_from(rows[i].wanted), before, after;
        ssize_t at = str_find(wanted, STR("PORT"));
        if (at >= 0) {
            before = str_sub(wanted, 0, (size_t)at);
            after = str_skip(wanted, (size_t)at + 4);
            wanted = arena_printf(&w->f->mem, STR_FMT "%u" STR_FMT, STR_ARG(before),
                                  gate_connect_port(w->connect), STR_ARG(after));
        }
        if (!client_has(w, wanted.ptr))
            fail_msg("row %zu: " STR_FMT, i, STR_ARG(buf_str(&w->client.got)));
    }
}

// By path the pages of all services have one origin; by host each has its own.
static void T46_a_page_of_one_service_cannot_call_another(void **state)
{
    world *w = *state;
    connect_two(w);
    unsigned port = gate_connect_port(w->connect);
    arena *a = &w->f->mem;
    const char *own = arena_printf(a, "Origin: http://users.localhost:%u\r\n", port).ptr;
    const char *shared = arena_printf(a, "Origin: http://127.0.0.1:%u\r\n", port).ptr;
    const struct {
        const char *host, *target, *lines;
        bool passes;
    } rows[] = {
        {"", "/users/", shared, false},
        {"", "/users/", own, false},
        {"", "/users/", "Sec-Fetch-Site: same-origin\r\n", false},
        {"", "/users/", "Sec-Fetch-Site: none\r\n", true},
        {"orders.localhost", "/", own, false},
        {"orders.localhost", "/", "Sec-Fetch-Site: same-site\r\n", false},
        {"users.localhost", "/", shared, false},
        {"users.localhost", "/", own, true},
        {"users.localhost", "/", "Sec-Fetch-Site: same-origin\r\n", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t before = w->users.count;
        call_at(w, rows[i].host, rows[i].target, rows[i].lines);
        if (rows[i].passes) {
            reply(w, OK_ANSWER, "\r\n\r\nok");
            continue;
        }
        peer_wait(&w->client, "GP-GATE-04");
        assert_row(i, w->users.count == before);
    }
    call_at(w, "", "/users/", shared);
    peer_wait(&w->client, "http://users.localhost:");
}

static void T46_each_form_of_several_services_has_the_same_door(void **state)
{
    static const char *const hosts[] = {"evil.example", "other.localhost",
                                        "users.localhost.evil.example", "a.users.localhost",
                                        ".localhost"};
    world *w = *state;
    connect_two(w);
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        call_at(w, hosts[i], "/users/", "");
        peer_wait(&w->client, i == 4 ? "HTTP/1.1 4" : "GP-GATE-03");
    }
    connect_serve(w->connect, geteuid() + 1);
    call_at(w, "", "/users/", "");
    peer_wait(&w->client, "GP-GATE-02");
    call_at(w, "users.localhost", "/", "");
    peer_wait(&w->client, "GP-GATE-02");
    assert_int_equal(w->up.count, 0);
}

// ---- HTTP/2 -------------------------------------------------------------------------------------

typedef struct seen seen;
struct seen {
    int status, version;
    buf body;
    bool ended;
};

static void on_answer_head(void *ctx, const http_response *res)
{
    seen *a = ctx;
    a->status = res->status;
    a->version = res->version_major;
}

static void on_answer_body(void *ctx, str piece)
{
    buf_adds(&((seen *)ctx)->body, piece);
}

static void on_answer_end(void *ctx, const err *e)
{
    (void)e;
    ((seen *)ctx)->ended = true;
}

// The door looks at each stream, not at its connection.
static void T46_each_stream_of_http2_comes_through_the_same_door(void **state)
{
    world *w = *state;
    connect_it(w);
    unsigned port = gate_connect_port(w->connect);
    str own = arena_printf(&w->f->mem, "localhost:%u", port);
    const http_header rows[][2] = {
        {{STR("Host"), STR("evil.example")}, {STR("X"), STR("GP-GATE-03")}},
        {{STR("Host"), own}, {STR("Origin"), STR("https://evil.example")}},
        {{STR("Host"), own}, {STR("Sec-Fetch-Site"), STR("cross-site")}},
        {{STR("Host"), own}, {STR("X"), STR("another user")}},
    };
    static const char *const wanted[] = {"GP-GATE-03", "GP-GATE-04", "GP-GATE-04", "GP-GATE-02"};
    static const http_call_handlers handlers = {
        .on_head = on_answer_head, .on_body = on_answer_body, .on_end = on_answer_end};
    const http_pool_options po = {.host = "127.0.0.1", .port = (uint16_t)port, .http2 = true};
    http_pool *pool = http_pool_new(w->f->loop, &po);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        seen a = {0};
        http_header two[] = {rows[i][0], rows[i][1]};
        const http_headers h = {two, 2, 2};
        const http_call_options o = {.method = STR("GET"), .target = STR("/"), .headers = &h};
        buf_init(&a.body, 4096);
        if (i == 3)
            connect_serve(w->connect, geteuid() + 1);
        http_call_start(pool, &o, &handlers, &a);
        loop_run_until(w->f->loop, &a.ended, TEST_WAIT_MS);
        assert_row(i, a.status == 403 && a.version == 2);
        assert_row(i, str_find(buf_str(&a.body), str_from(wanted[i])) >= 0);
        buf_deinit(&a.body);
    }
    http_pool_free(pool);
    assert_int_equal(w->up.count, 0);
}

static void names_that_cannot_be_told_apart_are_refused(void **state)
{
    static const char *const names[] = {"", "Orders", "a/b", "a.b", "users"};
    world *w = *state;
    w->services[1] = w->services[0];
    w->services[1].name = STR("users");
    w->o.service_count = 2;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        err e = ERR_INIT;
        w->services[0].name = str_from(names[i]);
        assert_code(gate_connect_new(w->f->loop, &w->o, &w->connect, &e), GATE_NAME);
    }
}

static void a_run_app_url_is_served_by_the_running_up(void **state)
{
    world *w = *state;
    str url = STR("https://orders-abc123-ew.a.run.app");
    assert_code(trust_add_local(w->trust, url, url, NULL), OK);
    w->services[0].url = url;
    w->services[0].address = "127.0.0.1";
    w->services[0].address_port = listener_port(w->up.listener);
    connect_it(w);
    call_with(w, "GET /", "");
    assert_true(str_find(upstream_text(w), STR("\r\nHost: orders-abc123-ew.a.run.app\r\n")) > 0);
    token_in(w, "\r\nAuthorization: Bearer ", "https://orders-abc123-ew.a.run.app");
}

static void a_running_up_that_ended_is_told(void **state)
{
    world *w = *state;
    w->services[0].address = "127.0.0.1";
    w->services[0].address_port = listener_port(w->up.listener);
    listener_free(w->up.listener);
    w->up.listener = NULL;
    connect_it(w);
    call_with(w, "GET /", "");
    peer_wait(&w->client, "gatepost connect again");
    assert_true(str_starts(buf_str(&w->client.got), STR("HTTP/1.1 503 ")));
}

#define WORLD(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD(the_identity_is_added_and_the_rest_passes),
        WORLD(the_applications_own_authorization_passes_beside_it),
        WORLD(a_callers_own_google_token_stays),
        WORLD(identity_none_adds_nothing),
        WORLD(T32_a_token_that_the_service_sends_back_is_taken_out),
        WORLD(a_token_that_cannot_be_had_is_explained),
        WORLD(what_cannot_work_is_told_at_once),
        WORLD(T46_another_user_is_refused),
        WORLD(T46_another_host_is_refused),
        WORLD(T46_a_web_page_is_refused),
        WORLD(T46_it_ends_when_nobody_calls),
        WORLD(a_websocket_gets_the_identity_and_passes_both_ways),
        WORLD(T46_a_websocket_of_a_page_is_refused),
        WORLD(T46_a_websocket_that_nobody_uses_keeps_nothing_open),
        WORLD(several_services_share_a_port_by_path_and_by_host),
        WORLD(what_names_no_service_is_told_which_there_are),
        WORLD(places_in_an_answer_are_the_ports),
        WORLD(T46_a_page_of_one_service_cannot_call_another),
        WORLD(T46_each_form_of_several_services_has_the_same_door),
        WORLD(T46_each_stream_of_http2_comes_through_the_same_door),
        WORLD(names_that_cannot_be_told_apart_are_refused),
        WORLD(a_run_app_url_is_served_by_the_running_up),
        WORLD(a_running_up_that_ended_is_told),
    };
    return cmocka_run_group_tests(tests, make_key, drop_key);
}
