// SPDX-License-Identifier: Apache-2.0
// Streams over TCP: both directions, what waits for whom, and how they end.
#include <unistd.h>

#include "net/net_test_pair.h"
#include "net/stream.h"

static void bytes_go_both_ways_and_each_end_is_told(void **state)
{
    pair *p = *state;
    pair_open(p);
    stream_resume(p->client.s);
    stream_resume(p->server.s);
    assert_true(stream_write(p->client.s, STR("to the ")));
    assert_true(stream_write(p->client.s, STR("server")));
    stream_shutdown(p->client.s);
    await(p, p->server.ends);
    assert_str(buf_str(&p->server.in), STR("to the server"));
    assert_int_equal(p->server.broken, OK);
    assert_true(stream_write(p->client.s, STR("too late"))); // nothing, and no error
    stream_write(p->server.s, STR("still open in this direction"));
    stream_shutdown(p->server.s);
    await(p, p->client.ends);
    assert_str(buf_str(&p->client.in), STR("still open in this direction"));
    assert_str(buf_str(&p->server.in), STR("to the server"));
}

static void each_end_knows_the_other(void **state)
{
    pair *p = *state;
    pair_open(p);
    assert_string_equal(stream_peer_ip(p->server.s), "127.0.0.1");
    assert_int_equal(stream_peer_port(p->client.s), listener_port(p->listener));
    assert_int_equal(stream_peer_port(p->server.s), stream_local_port(p->client.s));
    assert_true(stream_peer_local(p->server.s));
    uid_t uid = (uid_t)-1;
    assert_true(stream_peer_uid(p->server.s, &uid));
    assert_int_equal(uid, getuid());
    assert_false(stream_is_tls(p->server.s));
    assert_string_equal(stream_alpn(p->server.s), "");
}

static void nothing_is_read_before_resume_nor_after_pause(void **state)
{
    pair *p = *state;
    pair_open(p);
    stream_write(p->client.s, STR("first"));
    stream_resume(p->client.s);
    // An answer on the other direction proves that time has passed.
    stream_write(p->server.s, STR("x"));
    await(p, p->client.in.len == 1);
    assert_int_equal(p->server.in.len, 0);
    stream_resume(p->server.s);
    await(p, p->server.in.len == 5);
    stream_pause(p->server.s);
    stream_write(p->client.s, STR("second"));
    stream_shutdown(p->client.s);
    stream_write(p->server.s, STR("y"));
    await(p, p->client.in.len == 2);
    assert_int_equal(p->server.in.len, 5);
    assert_int_equal(p->server.ends, 0); // the end waits, too
    stream_resume(p->server.s);
    await(p, p->server.ends);
    assert_str(buf_str(&p->server.in), STR("firstsecond"));
}

static char piece_bytes[1 << 16];
static const str piece = {piece_bytes, sizeof(piece_bytes)};

static void a_writer_is_asked_to_wait_and_told_when_to_go_on(void **state)
{
    pair *p = *state;
    size_t sent = 0;
    pair_open(p);
    // Until the kernel takes no more: then the queue stays over its mark for a whole turn.
    for (bool full = false; !full; sent += piece.len) {
        bool more = stream_write(p->client.s, piece), never = false;
        assert_true(more == (stream_queued(p->client.s) <= STREAM_QUEUE_BYTES));
        if (!more)
            loop_run_until(p->loop, &never, 20);
        full = stream_queued(p->client.s) > STREAM_QUEUE_BYTES;
    }
    unsigned before = p->client.drains;
    stream_resume(p->server.s);
    await(p, p->client.drains > before);
    assert_true(stream_queued(p->client.s) <= STREAM_QUEUE_BYTES / 2);
    await(p, p->server.in.len == sent);
    assert_int_equal(p->client.drains, before + 1);
}

static void a_queue_that_nobody_reads_breaks_its_stream(void **state)
{
    pair *p = *state;
    pair_open(p);
    for (size_t n = 0; n <= STREAM_QUEUE_BYTES_MAX / sizeof(piece_bytes); n++)
        stream_write(p->client.s, piece);
    await(p, p->client.ends);
    assert_int_equal(p->client.broken, NET_BROKEN);
    assert_non_null(strstr(p->client.why, "the peer stopped reading"));
    assert_int_equal(stream_queued(p->client.s), 0);
    assert_true(stream_write(p->client.s, piece)); // nothing: it is broken
}

static void close_sends_what_is_queued(void **state)
{
    pair *p = *state;
    pair_open(p);
    for (int i = 0; i < 64; i++)
        stream_write(p->server.s, piece);
    // Our peer sends without reading: a plain close would answer with a reset.
    stream_write(p->client.s, STR("a request that nobody reads"));
    stream_close(p->server.s, 20000);
    p->server.s = NULL;
    stream_resume(p->client.s);
    await(p, p->client.ends);
    assert_int_equal(p->client.broken, OK);
    assert_int_equal(p->client.in.len, 64 * piece.len);
}

static void a_lingering_stream_lets_go_of_a_peer_that_never_reads(void **state)
{
    pair *p = *state;
    pair_open(p);
    for (int i = 0; i < 256; i++)
        stream_write(p->server.s, piece);
    stream_close(p->server.s, 50);
    p->server.s = NULL;
    bool never = false;
    loop_run_until(p->loop, &never, 200); // longer than it lingers
    stream_resume(p->client.s);
    await(p, p->client.ends);
    assert_true(p->client.in.len < 256 * piece.len);
}

static void free_at_once(test_end *t)
{
    stream_free(t->s);
    t->s = NULL;
}

static void a_stream_may_be_freed_in_its_own_callback(void **state)
{
    pair *p = *state;
    pair_open(p);
    p->server.on_bytes = free_at_once;
    stream_resume(p->server.s);
    stream_resume(p->client.s);
    stream_write(p->client.s, piece);
    await(p, p->client.ends);
    assert_null(p->server.s);
    assert_int_equal(p->server.ends, 0); // nothing is told after it
}

typedef struct door door;
struct door {
    unsigned asked, closed_for;
    const pair *pair;
};

static bool may_send(void *ctx)
{
    door *d = ctx;
    assert_int_equal(d->pair->server.in.len, 0);
    return ++d->asked > d->closed_for;
}

static bool stands_open(void *ctx)
{
    return !((const door *)ctx)->closed_for;
}

static void no_byte_passes_a_gate_before_it_agrees(void **state)
{
    pair *p = *state;
    pair_open(p);
    door d = {.closed_for = 3, .pair = p};
    loop_gate *g = loop_gate_new(p->loop, may_send, &d);
    stream_resume(p->server.s);
    stream_write(p->client.s, STR("held"));
    await(p, p->server.in.len == 4);
    assert_int_equal(d.asked, 4);
    loop_gate_free(g);
}

static void what_a_gate_does_not_guard_passes_it(void **state)
{
    pair *p = *state;
    pair_open(p);
    door d = {.closed_for = 1000000, .pair = NULL};
    loop_gate *g = loop_gate_new(p->loop, stands_open, &d);
    stream_resume(p->server.s);
    stream_resume(p->client.s);
    stream_write(p->server.s, STR("guarded"));
    assert_false(stream_pass_gates(p->server.s)); // what waits already would go with it
    assert_true(stream_pass_gates(p->client.s));
    stream_write(p->client.s, STR("free"));
    await(p, p->server.in.len == 4);
    assert_int_equal(p->client.in.len, 0);
    stream_write(p->client.s, STR("!"));
    await(p, p->server.in.len == 5);
    d.closed_for = 0;
    await(p, p->client.in.len == 7);
    loop_gate_free(g);
}

// What holds a credential is in no memory of ours once it has left, at once or after a wait.
static void a_secret_is_wiped_when_it_has_left(void **state)
{
    pair *p = *state;
    const str bearer = STR("Authorization: Bearer abc");
    static char many[2 << 20];
    pair_open(p);
    stream *s = p->client.s;
    stream_resume(p->server.s);
    stream_write_secret(s, bearer);
    const char *queued = s->out.ptr;
    assert_memory_equal(queued, bearer.ptr, bearer.len);
    await(p, p->server.in.len == bearer.len);
    assert_int_equal(s->out.len, 0);
    assert_ptr_equal(s->out.ptr, queued);
    assert_null(memmem(queued, s->out.cap, "Bearer", 6));
    stream_write(s, STR("plain")); // is nobody's secret
    assert_false(s->out.secret);
    memset(many, 'x', sizeof(many));
    stream_write(s, (str){many, sizeof(many)});
    stream_write_secret(s, bearer);
    await(p, p->server.in.len == 2 * bearer.len + 5 + sizeof(many));
    assert_false(s->out.secret);
}

// ---- connecting and listening
// ---------------------------------------------------------------------

static uint16_t free_port(pair *p)
{
    listener *ln;
    listen_options o = {.on_accept = pair_accept, .ctx = p};
    assert_code(listener_new(p->loop, &o, &ln, NULL), OK);
    uint16_t port = listener_port(ln);
    listener_free(ln);
    return port;
}

static void a_server_that_is_not_there(void **state)
{
    pair *p = *state;
    connect_options o = {.host = "127.0.0.1", .port = free_port(p)};
    p->client.s = stream_connect(p->loop, &o, &end_handlers, &p->client);
    assert_int_equal(p->client.ends, 0); // never in the call itself
    await(p, p->client.ends);
    assert_int_equal(p->client.broken, NET_CONNECT);
    assert_non_null(strstr(p->client.why, "127.0.0.1"));
    assert_int_equal(p->client.opens, 0);
}

static void a_connection_that_is_given_up(void **state)
{
    pair *p = *state;
    connect_options o = {.host = "127.0.0.1", .port = free_port(p)};
    p->client.s = stream_connect(p->loop, &o, &end_handlers, &p->client);
    stream_free(p->client.s);
    p->client.s = NULL;
    loop_run(p->loop); // nothing is left that could call back
    assert_int_equal(p->client.ends + p->client.opens, 0);
}

static void an_address_that_cannot_be_listened_on(void **state)
{
    pair *p = *state;
    pair_open(p);
    listener *ln = NULL;
    err e = ERR_INIT;
    listen_options taken = {.port = listener_port(p->listener), .on_accept = pair_accept};
    assert_code(listener_new(p->loop, &taken, &ln, &e), NET_LISTEN);
    assert_non_null(strstr(e.msg, "address already in use"));
    listen_options named = {.host = "localhost", .on_accept = pair_accept};
    assert_code(listener_new(p->loop, &named, &ln, &e), NET_LISTEN);
    assert_non_null(strstr(e.msg, "not a numeric address"));
    assert_null(ln);
}

static void accepted_streams_outlive_their_listener(void **state)
{
    pair *p = *state;
    pair_open(p);
    connect_options again = {.host = "127.0.0.1", .port = listener_port(p->listener)};
    listener_free(p->listener);
    p->listener = NULL;
    stream_resume(p->server.s);
    stream_write(p->client.s, STR("still"));
    await(p, p->server.in.len == 5);
    test_end late = {.pair = p};
    late.s = stream_connect(p->loop, &again, &end_handlers, &late);
    await(p, late.ends);
    assert_int_equal(late.broken, NET_CONNECT);
    stream_free(late.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR_CASE(bytes_go_both_ways_and_each_end_is_told),
        PAIR_CASE(each_end_knows_the_other),
        PAIR_CASE(nothing_is_read_before_resume_nor_after_pause),
        PAIR_CASE(a_writer_is_asked_to_wait_and_told_when_to_go_on),
        PAIR_CASE(a_queue_that_nobody_reads_breaks_its_stream),
        PAIR_CASE(close_sends_what_is_queued),
        PAIR_CASE(a_lingering_stream_lets_go_of_a_peer_that_never_reads),
        PAIR_CASE(a_stream_may_be_freed_in_its_own_callback),
        PAIR_CASE(no_byte_passes_a_gate_before_it_agrees),
        PAIR_CASE(what_a_gate_does_not_guard_passes_it),
        PAIR_CASE(a_secret_is_wiped_when_it_has_left),
        PAIR_CASE(a_server_that_is_not_there),
        PAIR_CASE(a_connection_that_is_given_up),
        PAIR_CASE(an_address_that_cannot_be_listened_on),
        PAIR_CASE(accepted_streams_outlive_their_listener),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
