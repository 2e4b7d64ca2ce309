// SPDX-License-Identifier: Apache-2.0
// relay: a client and a server on two connections, joined in the middle.
#include "net/net_test_pair.h"

typedef struct world world;
struct world {
    pair left, right; // the client's connection, the server's connection
    relay *middle;
    unsigned ends;
};

static void on_relay_end(void *ctx, relay *s)
{
    world *w = ctx;
    assert_ptr_equal(s, w->middle);
    w->ends++;
    w->left.event = w->right.event = true;
}

static int setup(void **state)
{
    world *w = NEW(world);
    loop *l = loop_new();
    pair *const pairs[] = {&w->left, &w->right};
    for (size_t i = 0; i < 2; i++) {
        pair *p = pairs[i];
        p->loop = l;
        p->client.pair = p->server.pair = p;
        buf_init(&p->client.in, 64 << 20);
        buf_init(&p->server.in, 64 << 20);
        pair_open(p);
    }
    stream_resume(w->left.client.s);
    stream_resume(w->right.server.s);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world *w = *state;
    loop *l = w->left.loop;
    relay_free(w->middle);
    pair *const pairs[] = {&w->left, &w->right};
    for (size_t i = 0; i < 2; i++) {
        pair_stop(pairs[i]);
        buf_deinit(&pairs[i]->client.in);
        buf_deinit(&pairs[i]->server.in);
    }
    loop_free(l);
    free(w);
    return 0;
}

static void join(world *w, relay_options o)
{
    o.a = w->left.server.s;
    o.b = w->right.client.s;
    o.on_end = on_relay_end;
    o.ctx = w;
    w->left.server.s = w->right.client.s = NULL; // taken
    w->middle = relay_new(w->left.loop, &o);
}

static void bytes_pass_both_ways_the_early_ones_first(void **state)
{
    world *w = *state;
    join(w, (relay_options){.a_early = STR("hel"), .b_early = STR("wel")});
    stream_write(w->left.client.s, STR("lo"));
    stream_write(w->right.server.s, STR("come"));
    await(&w->right, w->right.server.in.len == 5);
    await(&w->left, w->left.client.in.len == 7);
    assert_strz(buf_str(&w->right.server.in), "hello");
    assert_strz(buf_str(&w->left.client.in), "welcome");
    assert_int_equal(relay_bytes_of_a(w->middle), 5);
    assert_int_equal(relay_bytes_of_b(w->middle), 7);
}

static void one_side_may_end_while_the_other_goes_on(void **state)
{
    world *w = *state;
    join(w, (relay_options){0});
    stream_write(w->left.client.s, STR("question"));
    stream_shutdown(w->left.client.s);
    await(&w->right, w->right.server.ends);
    assert_strz(buf_str(&w->right.server.in), "question");
    assert_int_equal(w->ends, 0);
    stream_write(w->right.server.s, STR("answer"));
    stream_shutdown(w->right.server.s);
    await(&w->left, w->left.client.ends && w->ends);
    assert_strz(buf_str(&w->left.client.in), "answer");
    assert_int_equal(w->ends, 1);
}

static void who_leaves_takes_the_other_side_with_it(void **state)
{
    world *w = *state;
    join(w, (relay_options){0});
    stream_free(w->left.client.s);
    w->left.client.s = NULL;
    await(&w->right, w->right.server.ends);
    stream_free(w->right.server.s);
    w->right.server.s = NULL;
    await(&w->left, w->ends == 1);
}

static void a_side_that_reads_slowly_slows_the_other(void **state)
{
    enum { MUCH = 32 << 20 }; // more than the kernel holds of two connections
    world *w = *state;
    char *bytes = mem_new(MUCH);
    join(w, (relay_options){0});
    stream_pause(w->right.server.s);
    stream_write(w->left.client.s, (str){bytes, MUCH});
    bool never = false; // without the brake all of it would be here soon
    loop_run_until(w->left.loop, &never, 200);
    assert_true(relay_bytes_of_a(w->middle) < MUCH);
    stream_resume(w->right.server.s);
    await(&w->right, w->right.server.in.len == MUCH);
    free(bytes);
}

static void T13_a_relay_without_bytes_ends(void **state)
{
    world *w = *state;
    join(w, (relay_options){.idle_ms = 20});
    await(&w->left, w->ends);
    await(&w->left, w->left.client.ends);
    await(&w->right, w->right.server.ends);
}

static void a_relay_that_is_cut_tells_nobody(void **state)
{
    world *w = *state;
    join(w, (relay_options){.idle_ms = 60000});
    relay_cut(w->middle);
    await(&w->left, w->left.client.ends);
    await(&w->right, w->right.server.ends);
    assert_int_equal(w->ends, 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(bytes_pass_both_ways_the_early_ones_first),
        CASE(one_side_may_end_while_the_other_goes_on),
        CASE(who_leaves_takes_the_other_side_with_it),
        CASE(a_side_that_reads_slowly_slows_the_other),
        CASE(T13_a_relay_without_bytes_ends),
        CASE(a_relay_that_is_cut_tells_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
