// SPDX-License-Identifier: Apache-2.0
// Two simulated days: a program that calls every ten minutes with tokens of a key that is rotated
// under it, against the local Google, on a clock that the test moves.
#include <ftw.h>
#include <unistd.h>

#include "base/test.h"
#include "credential/credential_keys.h"
#include "google/google.h"
#include "net/net.h"
#include "oidc/oidc.h"

#define ROBOT "robot@demo.iam.gserviceaccount.com"

enum { STEP_MS = 10 * 60 * 1000, STEPS = 48 * 6, GRACE_MS = 30 * 60 * 1000 };

typedef struct world world;
struct world {
    arena mem;
    loop *loop;
    char dir[64];
    role_set *roles;
    audit_spool *spool;
    google *google;
    http_server *server;
    oidc *issuers;
    home_address up;
    project_identity identity;
    credential_options options;
    credential_provider *provider;
    unsigned calls, rotations;
    const char *key;
};

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void open_google(world *w)
{
    static const str roles[] = {{"roles/iam.serviceAccountKeyAdmin", 32}};
    err e = ERR_INIT;
    const google_account account = {STR(ROBOT), roles, 1, w->key, NULL};
    const google_options o = {.project_id = STR("demo"),
                              .project_number = STR("123456789012"),
                              .region = STR("europe-west1"),
                              .state = ":memory:",
                              .accounts = &account,
                              .account_count = 1,
                              .roles = w->roles,
                              .spool = w->spool};
    if (google_new(w->loop, &o, &w->google, &e))
        fail_msg("%s", e.msg);
    const http_server_options listen = {.on_request = google_on_request, .ctx = w->google};
    if (http_server_new(w->loop, &listen, &w->server, &e))
        fail_msg("%s", e.msg);
    w->up.iam_url = arena_printf(&w->mem, "http://127.0.0.1:%u", http_server_port(w->server));
    w->up.token_url = arena_printf(&w->mem, STR_FMT "/token", STR_ARG(w->up.iam_url));
    w->up.issuer = GOOGLE_ISSUER;
    if (google_listening(w->google, w->up.iam_url, &e))
        fail_msg("%s", e.msg);
}

static void open_service(world *w)
{
    static const str all = {"*", 1};
    err e = ERR_INIT;
    const oidc_options checks = {0};
    const oidc_issuer issuer = {.issuer = GOOGLE_ISSUER,
                                .kind = OIDC_GOOGLE,
                                .domains = &all,
                                .domain_count = 1,
                                .keys = google_keys(w->google)};
    w->issuers = oidc_new(NULL, &checks);
    if (oidc_add(w->issuers, &issuer, &e))
        fail_msg("%s", e.msg);
}

static void open_world(world *w)
{
    err e = ERR_INIT;
    arena_init(&w->mem);
    w->loop = loop_new();
    w->roles = role_set_new();
    snprintf(w->dir, sizeof(w->dir), "/tmp/gatepost-hours-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    w->key = arena_printf(&w->mem, "%s/robot.json", w->dir).ptr;
    const char *trail = arena_printf(&w->mem, "%s/audit", w->dir).ptr;
    if (audit_spool_open(w->loop, trail, NULL, &w->spool, &e))
        fail_msg("%s", e.msg);
    open_google(w);
    open_service(w);
    w->identity = (project_identity){.name = STR("robot"), .key = w->key};
    w->options =
        (credential_options){.identities = &w->identity, .identity_count = 1, .up = &w->up};
    w->provider = credential_provider_new(w->loop, &w->options);
}

static void close_world(world *w)
{
    credential_provider_free(w->provider);
    http_server_free(w->server);
    google_free(w->google);
    oidc_free(w->issuers);
    audit_spool_close(w->spool);
    loop_free(w->loop);
    role_set_free(w->roles);
    nftw(w->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    arena_deinit(&w->mem);
}

// ---- a call -------------------------------------------------------------------------------------

typedef struct answer answer;
struct answer {
    world *w;
    bool done;
};

// What the service makes of the token, by the clock of the moment.
static void on_token(void *ctx, credential_token *t, const err *failed)
{
    static const str audience = {"https://orders.example", 22};
    answer *a = ctx;
    err e = ERR_INIT;
    code verdict = OK;
    a->done = true;
    if (failed)
        fail_msg("call %u: %s", a->w->calls, failed->msg);
    arena mem;
    arena_init(&mem);
    oidc_identity id;
    const oidc_query q = {.token = credential_token_value(t),
                          .audiences = &audience,
                          .audience_count = 1,
                          .now_s = clock_wall_s()};
    assert_int_equal(oidc_verify(a->w->issuers, &q, &mem, &id, &verdict, &e), OIDC_DONE);
    if (verdict)
        fail_msg("call %u: %s", a->w->calls, e.msg);
    arena_deinit(&mem);
}

static void call(world *w)
{
    answer a = {.w = w};
    const credential_want want = {.kind = CREDENTIAL_ID_TOKEN,
                                  .audience = STR("https://orders.example"),
                                  .identity = STR("robot"),
                                  .local = true};
    credential_for(w->provider, &want, on_token, &a);
    assert_true(loop_run_until(w->loop, &a.done, TEST_WAIT_MS));
    w->calls++;
}

// ---- the rotation, as a timer runs it -----------------------------------------------------------

static void rotate(world *w)
{
    static const bool stop = true; // comes back instead of waiting out the grace
    err e = ERR_INIT;
    uint64_t wait_ms = 0;
    const key_rotation r = {.by = {.loop = w->loop, .up = &w->up},
                            .path = w->key,
                            .older_ms = KEYS_STALE_MS,
                            .grace_ms = GRACE_MS,
                            .stop = &stop};
    code c = key_rotate(&r, &wait_ms, &e);
    if (c && c != SYS_CANCELLED)
        fail_msg("after %u calls: %s", w->calls, e.msg);
    w->rotations += c == OK && !wait_ms;
}

static void two_days_of_calls_with_rotation_and_expiry_lose_none(void **state)
{
    (void)state;
    world w = {0};
    open_world(&w);
    for (unsigned i = 0; i < STEPS; i++) {
        clock_shift(STEP_MS);
        rotate(&w);
        call(&w);
    }
    assert_int_equal(w.calls, STEPS);
    assert_int_equal(w.rotations, 1); // at 24 h, and over half an hour later; the next is due
    clock_shift(STEP_MS);
    rotate(&w);
    clock_shift(GRACE_MS);
    rotate(&w);
    assert_int_equal(w.rotations, 2);
    call(&w);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_days_of_calls_with_rotation_and_expiry_lose_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
