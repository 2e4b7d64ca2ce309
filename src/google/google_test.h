// SPDX-License-Identifier: Apache-2.0
// What the tests of this room share: a project with a few accounts, its state in a folder of its
// own, and their keys.
#pragma once

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test.h"
#include "google/call.h"

#define TESTER "tester@demo.iam.gserviceaccount.com"
#define STRANGER "stranger@demo.iam.gserviceaccount.com"
#define ADMIN "admin@demo.iam.gserviceaccount.com"
#define JANE "jane@example.com"
#define BASE "http://127.0.0.1:4000"

typedef struct world world;
struct world {
    arena mem;
    loop *loop;
    google *g;
    role_set *roles;
    audit_spool *spool;
    char dir[48];
    google_account accounts[4];
    google_options options;
};

static inline const char *in_dir(world *w, const char *name)
{
    return arena_printf(&w->mem, "%s/%s", w->dir, name).ptr;
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void open_google(world *w)
{
    err e = ERR_INIT;
    if (google_new(w->loop, &w->options, &w->g, &e))
        fail_msg("%s", e.msg);
}

static inline void reopen_google(world *w)
{
    google_free(w->g);
    open_google(w);
}

// Without google_new: for tests of its errors.
static inline int make_world(void **state)
{
    static const str admin_roles[] = {{"roles/iam.serviceAccountKeyAdmin", 32},
                                      {"roles/iam.serviceAccountTokenCreator", 36}};
    static const str invoker[] = {{"roles/run.invoker", 17}};
    world *w = NEW(world);
    err e = ERR_INIT;
    arena_init(&w->mem);
    w->loop = loop_new();
    w->roles = role_set_new();
    snprintf(w->dir, sizeof(w->dir), "/tmp/gatepost-google-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    if (audit_spool_open(w->loop, in_dir(w, "audit"), NULL, &w->spool, &e))
        fail_msg("%s", e.msg);
    w->accounts[0] = (google_account){STR(TESTER), invoker, 1, in_dir(w, "tester.json"), NULL};
    w->accounts[1] = (google_account){STR(STRANGER), NULL, 0, NULL, NULL};
    w->accounts[2] = (google_account){STR(ADMIN), admin_roles, 2, NULL, NULL};
    w->accounts[3] = (google_account){STR(JANE), invoker, 1, in_dir(w, "jane.json"), NULL};
    w->options = (google_options){.project_id = STR("demo"),
                                  .project_number = STR("123456789012"),
                                  .region = STR("europe-west1"),
                                  .state = in_dir(w, "google.db"),
                                  .accounts = w->accounts,
                                  .account_count = 4,
                                  .roles = w->roles,
                                  .spool = w->spool};
    *state = w;
    return 0;
}

static inline int __attribute__((unused)) set_up(void **state)
{
    make_world(state);
    open_google(*state);
    return 0;
}

static inline int tear_down(void **state)
{
    world *w = *state;
    google_free(w->g);
    audit_spool_close(w->spool);
    loop_free(w->loop);
    role_set_free(w->roles);
    nftw(w->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    arena_deinit(&w->mem);
    free(w);
    return 0;
}

// ---- calls

static inline void on_answer(call *c)
{
    assert_null(c->ctx); // once
    c->ctx = c;
}

// "GET /path?query"
static inline call *call_new(world *w, const char *request)
{
    call *c = ARENA_NEW(&w->mem, call);
    str target;
    c->g = w->g;
    c->mem = &w->mem;
    str_cut(str_from(request), ' ', &c->method, &target);
    str_cut(target, '?', &c->path, &c->query);
    c->now_s = clock_wall_s();
    c->on_answer = on_answer;
    return c;
}

// Routes it and waits for its answer.
static inline call *ask(world *w, call *c)
{
    uint64_t end = clock_mono_ms() + 30000;
    bool never = false;
    google_route(c);
    while (!c->ctx && clock_mono_ms() < end)
        loop_run_until(w->loop, &never, 5);
    assert_non_null(c->ctx);
    return c;
}

static inline const json *answer_json(world *w, const call *c)
{
    json *root = NULL;
    err e = ERR_INIT;
    if (json_parse(&w->mem, c->answer, NULL, &root, &e))
        fail_msg("%s: " STR_FMT, e.msg, STR_ARG(c->answer));
    return root;
}

static inline str answer_str(world *w, const call *c, const char *name)
{
    return json_str_or(json_get(answer_json(w, c), name), STR_NONE);
}

static inline str header_of(const call *c, const char *name)
{
    for (size_t i = 0; i < c->header_count; i++)
        if (str_ieq(c->headers[i].name, str_from(name)))
            return c->headers[i].value;
    return STR_NONE;
}

// The key that google_listening put into the account's file.
static inline jwk *key_in(world *w, const char *name)
{
    json *file;
    jwk *k;
    assert_code(json_load(&w->mem, in_dir(w, name), NULL, &file, NULL), OK);
    assert_code(jwk_from_pem(json_get(file, "private_key")->text,
                             json_get(file, "private_key_id")->text, &k, NULL),
                OK);
    return k;
}

static inline void listen_at(world *w, const char *base)
{
    err e = ERR_INIT;
    if (google_listening(w->g, str_from(base), &e))
        fail_msg("%s", e.msg);
}

// Makes a token as the account, with a scope that the APIs take.
static inline str bearer_of(world *w, const char *email)
{
    buf b;
    int64_t expires_s;
    google_grant x = {str_from(email), STR("https://www.googleapis.com/auth/cloud-platform"), 0};
    buf_init(&b, 256);
    assert_code(google_mint_access_token(w->g, &x, &b, &expires_s, NULL), OK);
    str s = arena_printf(&w->mem, "Bearer " STR_FMT, STR_ARG(buf_str(&b)));
    buf_deinit(&b);
    return s;
}

static inline call *api_call(world *w, const char *request, const char *email, const char *body)
{
    call *c = call_new(w, request);
    if (email) {
        c->authorization = bearer_of(w, email);
        c->authorization_count = 1;
    }
    c->body = str_from(body);
    return ask(w, c);
}

// ---- Google's errors, and the trail

static inline const json *error_of(world *w, const call *c)
{
    return json_get(answer_json(w, c), "error");
}

static inline str error_status(world *w, const call *c)
{
    return json_str_or(json_get(error_of(w, c), "status"), STR_NONE);
}

static inline str error_message(world *w, const call *c)
{
    return json_str_or(json_get(error_of(w, c), "message"), STR_NONE);
}

typedef struct trail trail;
struct trail {
    arena *mem;
    size_t count;
    str method, permission, principal;
    bool granted;
    str text;
};

static inline bool on_row(void *ctx, const audit_row *row)
{
    trail *t = ctx;
    t->count++;
    t->method = arena_str(t->mem, row->method);
    t->permission = arena_str(t->mem, row->permission);
    t->principal = arena_str(t->mem, row->principal);
    t->granted = row->granted;
    t->text = arena_str(t->mem, row->event_text);
    return true;
}

// How many entries there are, and the last one.
static inline trail trail_of(world *w)
{
    trail t = {.mem = &w->mem};
    assert_code(audit_spool_flush(w->spool, NULL), OK);
    assert_code(audit_read(in_dir(w, "audit"), &(audit_filter){.limit = 0}, on_row, &t, NULL), OK);
    return t;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define BARE_CASE(name) cmocka_unit_test_setup_teardown(name, make_world, tear_down)
