// SPDX-License-Identifier: Apache-2.0
// For the tests of this room: a guarded service, tokens with real signatures, and the trail.
#pragma once

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test.h"
#include "data/data.h"
#include "guard/guard.h"

#define NOW 1800000000
#define GOOGLE "https://accounts.google.com"
#define ORDERS "https://orders-4cn5pqrsta-ew.a.run.app"
#define ORDERS_TOO "https://orders-123.europe-west1.run.app"
#define TESTER "tester@demo.iam.gserviceaccount.com"
#define STRANGER "stranger@demo.iam.gserviceaccount.com"
#define JANE "jane@example.com"

static const str audiences[] = {
    {ORDERS, sizeof(ORDERS) - 1}, {ORDERS_TOO, sizeof(ORDERS_TOO) - 1}, {"custom-audience", 15}};

// Policies by name.
#define POLICY(members)                                                                            \
    "{\"bindings\":[{\"role\":\"roles/run.invoker\",\"members\":[" members "]}]}"
#define PRIVATE POLICY("\"serviceAccount:" TESTER "\",\"user:" JANE "\"")
#define PUBLIC POLICY("\"allUsers\"")
#define AUTHENTICATED POLICY("\"allAuthenticatedUsers\"")

typedef struct fixture fixture;
struct fixture {
    arena mem;
    char dir[64];
    role_set *roles;
    policy *policy;
    directory *directory;
    jwk_set *keys;
    oidc *issuers;
    audit_spool *spool;
    guard *guard;
    guard_target target;
    audit_call http;
    int64_t now_s;
    guard_verdict v;
    // the trail
    size_t entries;
    str entry; // the last one
};

static jwk *key, *other_key; // making keys takes a while

static inline int make_keys(void **state)
{
    (void)state;
    key = jwk_generate(JOSE_RS256, STR("k1"));
    other_key = jwk_generate(JOSE_RS256, STR("k1")); // the same kid
    return 0;
}

static inline int drop_keys(void **state)
{
    (void)state;
    jwk_unref(key);
    jwk_unref(other_key);
    return 0;
}

static inline void set_policy(fixture *f, const char *text)
{
    err e = ERR_INIT;
    policy_unref(f->policy);
    if (policy_load_text(str_from(text), "policy.json", f->roles, &f->policy, &e))
        fail_msg("%s", e.msg);
    f->target.policy = f->policy;
}

static inline void open_guard(fixture *f)
{
    guard_free(f->guard);
    guard_options o = {.issuers = f->issuers, .spool = f->spool, .directory = f->directory};
    f->guard = guard_new(&o);
}

static inline void add_issuer(fixture *f)
{
    static const str all[] = {{"*", 1}};
    const oidc_issuer google = {.issuer = STR(GOOGLE),
                                .kind = OIDC_GOOGLE,
                                .domains = all,
                                .domain_count = 1,
                                .keys = f->keys};
    f->issuers = oidc_new(NULL, NULL);
    assert_code(oidc_add(f->issuers, &google, NULL), OK);
}

static inline int set_up(void **state)
{
    static const audit_label labels[] = {{"service_name", {"orders", 6}}};
    fixture *f = NEW(fixture);
    arena_init(&f->mem);
    snprintf(f->dir, sizeof f->dir, "/tmp/gatepost-guard-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    assert_code(audit_spool_open(NULL, f->dir, NULL, &f->spool, NULL), OK);
    f->roles = role_set_new();
    f->directory = directory_new();
    f->keys = jwk_set_new();
    jwk_set_add(f->keys, key);
    add_issuer(f);
    f->now_s = NOW;
    f->target = (guard_target){.project_id = STR("demo"),
                               .resource = STR("projects/demo/locations/europe-west1/services/"
                                               "orders"),
                               .log_resource = {"cloud_run_revision", labels, 1},
                               .audiences = audiences,
                               .audience_count = ARRAY_LEN(audiences)};
    f->http = (audit_call){.method = STR("GET"),
                           .url = STR(ORDERS "/orders/17"),
                           .remote_ip = STR("127.0.0.1"),
                           .trace = STR("4bf92f3577b34da6a3ce929d0e0e4736"),
                           .span = STR("00f067aa0ba902b7")};
    set_policy(f, PRIVATE);
    open_guard(f);
    *state = f;
    return 0;
}

static inline void remove_dir(const char *path)
{
    DIR *d = opendir(path);
    const struct dirent *entry;
    while (d && (entry = readdir(d)))
        unlinkat(dirfd(d), entry->d_name, 0);
    closedir(d);
    rmdir(path);
}

static inline int tear_down(void **state)
{
    fixture *f = *state;
    guard_free(f->guard);
    audit_spool_close(f->spool);
    oidc_free(f->issuers);
    policy_unref(f->policy);
    role_set_free(f->roles);
    directory_free(f->directory);
    jwk_set_unref(f->keys);
    remove_dir(f->dir);
    arena_deinit(&f->mem);
    free(f);
    return 0;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

// ---- tokens -------------------------------------------------------------------------------------

static inline str sign_as(fixture *f, jwk *k, const char *typ, str claims)
{
    buf out;
    buf_init(&out, 64 << 10);
    assert_code(jwt_sign(k, claims, str_from(typ), &out, NULL), OK);
    str s = arena_str(&f->mem, buf_str(&out));
    buf_deinit(&out);
    return s;
}

// Google's token of that caller for that audience, good for an hour less ten seconds.
static inline str claims_of(fixture *f, const char *email, const char *audience)
{
    return arena_printf(&f->mem,
                        "{\"iss\":\"" GOOGLE "\",\"aud\":\"%s\",\"sub\":\"108\",\"email\":\"%s\","
                        "\"email_verified\":true,\"iat\":%d,\"exp\":%d}",
                        audience, email, NOW - 10, NOW + 3590);
}

static inline str token_of(fixture *f, const char *email, const char *audience)
{
    return sign_as(f, key, "JWT", claims_of(f, email, audience));
}

static inline str bearer_of(fixture *f, str token)
{
    return arena_printf(&f->mem, "Bearer " STR_FMT, STR_ARG(token));
}

// ---- calls --------------------------------------------------------------------------------------

static inline guard_state call_with(fixture *f, guard_call c)
{
    c.http = &f->http;
    c.now_s = f->now_s;
    return guard_check(f->guard, &f->target, &c, &f->mem, &f->v);
}

// A call with that Authorization header; a NULL ptr: without one.
static inline const guard_verdict *call(fixture *f, str header)
{
    guard_call c = {.authorization = &header, .authorization_count = header.ptr != NULL};
    assert_int_equal(call_with(f, c), GUARD_DONE);
    return &f->v;
}

static inline const guard_verdict *call_as(fixture *f, const char *email)
{
    return call(f, bearer_of(f, token_of(f, email, ORDERS)));
}

// Cloud Run's answers: a status, and WWW-Authenticate for one of them.
static inline void assert_passes(const fixture *f, const char *who)
{
    if (!f->v.allowed)
        fail_msg("refused: %s [%s]", f->v.reason.msg, code_id(f->v.code));
    assert_int_equal(f->v.status, 200);
    assert_code(f->v.code, OK);
    assert_int_equal(f->v.www_authenticate.len, 0);
    assert_true(f->v.audit_id[0]);
    if (who)
        assert_strz(f->v.who->email, who);
    else
        assert_null(f->v.who);
}

static inline void assert_refused(const fixture *f, int status, code c)
{
    if (f->v.allowed || f->v.code != c)
        fail_msg("got [%s] %s, wanted [%s]", code_id(f->v.code), f->v.reason.msg, code_id(c));
    assert_int_equal(f->v.status, status);
    assert_int_equal(f->v.reason.code, c);
    assert_true(f->v.reason.msg[0]);
    assert_int_equal(f->v.www_authenticate.len > 0, c == JWT_AUDIENCE);
    assert_false(f->v.authorization.replace || f->v.serverless.replace);
    assert_true(f->v.audit_id[0]);
}

// ---- the trail ----------------------------------------------------------------------------------

static inline bool on_row(void *ctx, const audit_row *row)
{
    fixture *f = ctx;
    f->entries++;
    f->entry = arena_str(&f->mem, row->event_text);
    return true;
}

// Reads it as it is now; the last entry as JSON.
static inline const json *last_entry(fixture *f)
{
    static const audit_filter all = {0};
    json *root = NULL;
    f->entries = 0;
    assert_code(audit_read(f->dir, &all, on_row, f, NULL), OK);
    if (f->entries)
        assert_code(json_parse(&f->mem, f->entry, NULL, &root, NULL), OK);
    return root;
}
