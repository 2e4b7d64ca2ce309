// SPDX-License-Identifier: Apache-2.0
// For the tests of identity in runs: a token endpoint with accounts, and two services of one run.
#pragma once

#include "credential/credential_test_endpoints.h"
#include "runner/runner_test_stage.h"

#define AUDIENCE "https://orders-abc123def4-uc.a.run.app"
#define CLOUD_HOST "orders-abc123def4-uc.a.run.app"

typedef struct world world;
struct world {
    fixture *f;   // token endpoint and accounts
    stage *s;     // the service, trusted as one of the running `up`
    stage *other; // another port: another origin
    trust_set *trust;
    str asked; // the question
    bool says_yes;
};

static inline int world_set_up(void **state)
{
    world *w = NEW(world);
    void *made = NULL;
    assert_int_equal(set_up(&made), 0);
    w->f = made;
    w->s = stage_new(w->f->loop);
    w->other = stage_new(w->f->loop);
    w->trust = trust_set_new();
    w->s->o.identity = (runner_identity){.trust = w->trust, .credentials = provider(w->f)};
    *state = w;
    return 0;
}

static inline int world_tear_down(void **state)
{
    world *w = *state;
    void *made = w->f;
    stage_free(w->s);
    stage_free(w->other);
    trust_set_free(w->trust);
    free(w);
    return tear_down(&made);
}
#define WORLD(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

static inline const char *origin_of(world *w, const stage *s)
{
    return arena_printf(&w->f->mem, "http://127.0.0.1:%u", s->port).ptr;
}

static inline void trust_local(world *w, const stage *s, const char *audience)
{
    assert_code(trust_add_local(w->trust, str_from(origin_of(w, s)), str_from(audience), NULL), OK);
}

static inline void route(world *w, const char *host, const stage *to)
{
    run_route *r = ARENA_NEW(&w->f->mem, run_route);
    *r = (run_route){str_from(host), (uint16_t)to->port};
    w->s->o.routes = r;
    w->s->o.route_count = 1;
}

// One request to a URL, with more members of the request and a test script.
static inline const run_summary *call(world *w, const char *url, const char *members,
                                      const char *script)
{
    return run(w->s, arena_printf(&w->f->mem,
                                  "{'info':{'name':'C'},'item':[{'name':'F','item':[{'name':'one',"
                                  "'request':{'url':'%s'%s},'event':[{'listen':'test','script':"
                                  "{'exec':['%s']}}]}]}]}",
                                  url, members, script)
                         .ptr);
}

static inline str bearer(stage *s, size_t request, const char *name)
{
    str value = sent(s, request, name);
    return str_starts(value, STR("Bearer ")) ? str_skip(value, 7) : STR_NONE;
}

static inline str audience_of(world *w, str token)
{
    jwt t;
    assert_code(jwt_parse(token, &w->f->mem, &t, NULL), OK);
    assert_int_equal(t.audience_count, 1);
    return t.audiences[0];
}

static inline const char *redirect_to(world *w, const char *url)
{
    buf b;
    buf_init(&b, 4096);
    buf_addz(&b, "HOST/to/307/");
    percent_encode(&b, str_from(url));
    const char *text = arena_str(&w->f->mem, buf_str(&b)).ptr;
    buf_deinit(&b);
    return text;
}
