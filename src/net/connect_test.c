// SPDX-License-Identifier: Apache-2.0
// stream_connect with names that have several addresses: the resolver is ours here. All of 127/8 is
// this machine, so each address is a server, or none, as a test likes.
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <unistd.h>

#include "base/test.h"
#include "net/net.h"

// ---- the resolver -------------------------------------------------------------------------------

static const char *const *addresses; // what every name has, NULL at the end
static const char *loopback = "127.0.0.2";

int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                struct addrinfo **ret)
{
    static const char *given[2];
    (void)hints;
    const char *const *list = addresses;
    given[0] = host ? host : loopback;
    if (inet_addr(given[0]) != INADDR_NONE)
        list = given;
    *ret = NULL;
    for (struct addrinfo **last = ret; *list; list++, last = &(*last)->ai_next) {
        struct sockaddr_in *in = NEW(struct sockaddr_in);
        *in = (struct sockaddr_in){.sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
                                   .sin_addr.s_addr = inet_addr(*list)};
        *last = NEW(struct addrinfo);
        **last = (struct addrinfo){.ai_family = AF_INET,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_addrlen = sizeof(*in),
                                   .ai_addr = (struct sockaddr *)in};
    }
    return *ret ? 0 : EAI_NONAME;
}

void freeaddrinfo(struct addrinfo *list)
{
    while (list) {
        struct addrinfo *next = list->ai_next;
        free(list->ai_addr);
        free(list);
        list = next;
    }
}

// ---- one connection at a time -------------------------------------------------------------------

typedef struct fixture fixture;
struct fixture {
    loop *loop;
    listener *listener; // on 127.0.0.2
    stream *accepted;
    stream *s;
    bool over;
    bool opened;
    err e;
    const char *refused; // by may_connect
    unsigned asked;
};

static void on_accept(void *ctx, stream *s)
{
    fixture *f = ctx;
    stream_free(f->accepted);
    f->accepted = s;
}

static void on_open(void *ctx)
{
    fixture *f = ctx;
    f->over = f->opened = true;
}

static void on_end(void *ctx, const err *e)
{
    fixture *f = ctx;
    f->over = true;
    f->e = e ? *e : ERR_INIT;
}

static code may_connect(void *ctx, const struct sockaddr *to, err *e)
{
    fixture *f = ctx;
    char text[INET_ADDRSTRLEN];
    struct sockaddr_in in;
    memcpy(&in, to, sizeof(in));
    inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text));
    f->asked++;
    if (f->refused && !strcmp(text, f->refused))
        return err_set(e, SYS_FAILED, "not to %s", text);
    return OK;
}

static void connect_name(fixture *f, const char *host, uint64_t timeout_ms)
{
    static const stream_handlers handlers = {.on_open = on_open, .on_end = on_end};
    connect_options o = {.host = host,
                         .port = listener_port(f->listener),
                         .timeout_ms = timeout_ms,
                         .may_connect = may_connect,
                         .ctx = f};
    f->over = f->opened = false;
    f->asked = 0;
    f->s = stream_connect(f->loop, &o, &handlers, f);
    assert_true(loop_run_until(f->loop, &f->over, TEST_WAIT_MS));
}

static void connect_to(fixture *f, uint64_t timeout_ms)
{
    connect_name(f, "several.example", timeout_ms);
}

static int set_up(void **state)
{
    fixture *f = NEW(fixture);
    f->loop = loop_new();
    listen_options o = {.host = "127.0.0.2", .on_accept = on_accept, .ctx = f};
    assert_code(listener_new(f->loop, &o, &f->listener, NULL), OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    stream_free(f->s);
    stream_free(f->accepted);
    listener_free(f->listener);
    loop_free(f->loop);
    free(f);
    return 0;
}

// ---- tests --------------------------------------------------------------------------------------

static void each_address_has_its_turn(void **state)
{
    fixture *f = *state;
    addresses = (const char *const[]){"127.0.0.3", "127.0.0.4", "127.0.0.2", "127.0.0.5", NULL};
    connect_to(f, TEST_WAIT_MS);
    assert_true(f->opened);
    assert_int_equal(f->asked, 3);
    assert_string_equal(stream_peer_ip(f->s), "127.0.0.2");
    assert_true(stream_resolved_ns(f->s) && stream_connected_ns(f->s) >= stream_resolved_ns(f->s));
}

static void when_none_answers_the_last_reason_is_told(void **state)
{
    fixture *f = *state;
    addresses = (const char *const[]){"127.0.0.3", "127.0.0.4", NULL};
    connect_to(f, TEST_WAIT_MS);
    assert_code(f->e.code, NET_CONNECT);
    assert_int_equal(stream_errno(f->s), ECONNREFUSED);
    assert_int_equal(stream_connected_ns(f->s), 0);
    stream_free(f->s);
    addresses = (const char *const[]){NULL};
    connect_to(f, TEST_WAIT_MS);
    assert_code(f->e.code, NET_RESOLVE);
}

// A server whose queue is full answers no SYN, as a host behind a strict firewall.
static void an_address_that_never_answers_leaves_time_for_the_next(void **state)
{
    fixture *f = *state;
    struct sockaddr_in mute = {.sin_family = AF_INET,
                               .sin_port = htons(listener_port(f->listener)),
                               .sin_addr.s_addr = inet_addr("127.0.0.3")};
    int fds[4];
    fds[0] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fds[0], (struct sockaddr *)&mute, sizeof(mute)), 0);
    assert_int_equal(listen(fds[0], 0), 0);
    for (size_t i = 1; i < ARRAY_LEN(fds); i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(fds[i], (struct sockaddr *)&mute, sizeof(mute));
    }
    addresses = (const char *const[]){"127.0.0.3", "127.0.0.2", NULL};
    connect_to(f, 400);
    assert_true(f->opened);
    stream_free(f->s);
    addresses = (const char *const[]){"127.0.0.3", NULL};
    connect_to(f, 100);
    assert_code(f->e.code, SYS_TIMEOUT);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        close(fds[i]);
}

static void T42_a_refused_address_ends_the_attempt(void **state)
{
    fixture *f = *state;
    f->refused = "127.0.0.4";
    addresses = (const char *const[]){"127.0.0.3", "127.0.0.4", "127.0.0.2", NULL};
    connect_to(f, TEST_WAIT_MS);
    assert_code(f->e.code, SYS_FAILED);
    assert_string_equal(f->e.msg, "not to 127.0.0.4");
    assert_int_equal(f->asked, 2);
    assert_null(f->accepted);
}

static void localhost_is_this_machine_whatever_the_resolver_says(void **state)
{
    fixture *f = *state;
    static const char *const names[] = {"localhost", "LocalHost.", "orders.localhost"};
    addresses = (const char *const[]){"127.0.0.3", NULL}; // where nobody listens
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        connect_name(f, names[i], TEST_WAIT_MS);
        assert_row(i, f->opened);
        stream_free(f->s);
    }
    connect_name(f, "notlocalhost", TEST_WAIT_MS);
    assert_code(f->e.code, NET_CONNECT);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(each_address_has_its_turn),
        CASE(when_none_answers_the_last_reason_is_told),
        CASE(an_address_that_never_answers_leaves_time_for_the_next),
        CASE(T42_a_refused_address_ends_the_attempt),
        CASE(localhost_is_this_machine_whatever_the_resolver_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
