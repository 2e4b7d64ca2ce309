// SPDX-License-Identifier: Apache-2.0
// What the tests of this room share: a project with a few accounts, its state in a folder of its
// own, and their keys.
#pragma once

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test.h"
#include "google/state.h"

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
    w->accounts[0] = (google_account){STR(TESTER), invoker, 1, in_dir(w, "tester.json")};
    w->accounts[1] = (google_account){STR(STRANGER), NULL, 0, NULL};
    w->accounts[2] = (google_account){STR(ADMIN), admin_roles, 2, NULL};
    w->accounts[3] = (google_account){STR(JANE), invoker, 1, in_dir(w, "jane.json")};
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

static inline int set_up(void **state)
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

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define BARE_CASE(name) cmocka_unit_test_setup_teardown(name, make_world, tear_down)
