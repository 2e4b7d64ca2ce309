// SPDX-License-Identifier: Apache-2.0
// For the tests of gate: a gate on loopback with a real guard, policy, issuer and spool; a client
// and an upstream that say what the test tells them, byte for byte.
#pragma once

#include <dirent.h>
#include <unistd.h>

#include "data/data.h"
#include "gate/gate.h"
#include "gate/test_upstream.h"

#define GOOGLE "https://accounts.google.com"
#define ORDERS "https://orders-abc123-ew.a.run.app"
#define TESTER "tester@demo.iam.gserviceaccount.com"
#define STRANGER "stranger@demo.iam.gserviceaccount.com"
#define JANE "jane@example.com"

#define POLICY(members)                                                                            \
    "{\"bindings\":[{\"role\":\"roles/run.invoker\",\"members\":[" members "]}]}"
#define PRIVATE POLICY("\"serviceAccount:" TESTER "\",\"user:" JANE "\"")
#define PUBLIC POLICY("\"allUsers\"")
#define AUTHENTICATED POLICY("\"allAuthenticatedUsers\"")

typedef struct fixture fixture;
struct fixture {
    arena mem;
    loop *loop;
    char dir[64];
    role_set *roles;
    policy *policy;
    jwk_set *keys;
    oidc *issuers;
    audit_spool *spool;
    guard *guard;
    guard_target target;
    gate_service service;
    gate *gate;
    uint64_t leave_ms;
    upstream up;
    http_pool *pool;
    peer client;
    // The backend
    enum { PLACES, HOLDS, REFUSES } mode;
    int refuse_status;
    gate_claim *held;
    size_t claims, releases;
    bool claimed, released;
    // The trail, as last read
    size_t rows;
    str event, request;
    // What a watcher was told
    size_t records;
    str record; // "STATUS PATH CALLER [CODE]"
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

// ---- backend ------------------------------------------------------------------------------------

static inline void on_claim(void *ctx, gate_claim *c)
{
    fixture *f = ctx;
    f->claims++;
    f->claimed = true;
    f->held = f->mode == REFUSES ? NULL : c;
    err e = ERR_INIT;
    (void)err_set(&e, SYS_LIMIT, "no room");
    if (f->mode == PLACES)
        gate_place(c, f->pool, STR("instance-1"), STR("orders-00002-abc"));
    else if (f->mode == REFUSES)
        gate_refuse(c, f->refuse_status, &e);
}

static inline void on_release(void *ctx, gate_claim *c)
{
    fixture *f = ctx;
    assert_ptr_equal(c, f->held);
    f->held = NULL;
    f->releases++;
    f->released = true;
}

// ---- set-up -------------------------------------------------------------------------------------

static inline void set_policy(fixture *f, const char *text)
{
    err e = ERR_INIT;
    policy_unref(f->policy);
    if (policy_load_text(str_from(text), "policy.json", f->roles, &f->policy, &e))
        fail_msg("%s", e.msg);
    f->target.policy = f->policy;
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

static inline void on_record(void *ctx, const gate_record *r)
{
    fixture *f = ctx;
    const principal *who = r->verdict ? r->verdict->who : NULL;
    f->records++;
    f->record = arena_printf(&f->mem, "%d " STR_FMT " " STR_FMT " [%s]", r->request->status,
                             STR_ARG(r->path), STR_ARG(who ? who->email : STR("nobody")),
                             r->refusal ? code_id(r->refusal->code) : "");
}

static inline void open_gate(fixture *f, http_server_options listen)
{
    gate_free(f->gate);
    gate_options o = {.listen = listen,
                      .service = &f->service,
                      .guard = f->guard,
                      .issuers = f->issuers,
                      .spool = f->spool,
                      .leave_ms = f->leave_ms,
                      .on_record = on_record,
                      .record_ctx = f};
    assert_code(gate_new(f->loop, &o, &f->gate, NULL), OK);
}

static inline void open_pool(fixture *f)
{
    http_pool_options o = {.host = "127.0.0.1", .port = listener_port(f->up.listener)};
    f->pool = http_pool_new(f->loop, &o);
}

static const audit_label test_labels[] = {{"service_name", {"orders", 6}},
                                          {"revision_name", {"orders-00001-xyz", 16}}};
static const str test_audiences[] = {{ORDERS, sizeof(ORDERS) - 1}, {"custom-audience", 15}};

static inline int set_up(void **state)
{
    fixture *f = NEW(fixture);
    arena_init(&f->mem);
    f->loop = loop_new();
    snprintf(f->dir, sizeof f->dir, "/tmp/gatepost-gate-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    assert_code(audit_spool_open(f->loop, f->dir, NULL, &f->spool, NULL), OK);
    f->roles = role_set_new();
    f->keys = jwk_set_new();
    jwk_set_add(f->keys, key);
    add_issuer(f);
    guard_options go = {.issuers = f->issuers, .spool = f->spool};
    f->guard = guard_new(&go);
    f->target =
        (guard_target){.project_id = STR("demo"),
                       .resource = STR("projects/demo/locations/europe-west1/services/orders"),
                       .log_resource = {"cloud_run_revision", test_labels, ARRAY_LEN(test_labels)},
                       .audiences = test_audiences,
                       .audience_count = ARRAY_LEN(test_audiences)};
    f->service = (gate_service){
        .name = STR("orders"), .target = &f->target, .backend = {on_claim, on_release, f}};
    set_policy(f, PRIVATE);
    upstream_open(&f->up, f->loop);
    open_pool(f);
    open_gate(f, (http_server_options){0});
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
    peer_close(&f->client);
    gate_free(f->gate);
    assert_null(f->held);
    http_pool_free(f->pool);
    upstream_close(&f->up);
    guard_free(f->guard);
    audit_spool_close(f->spool);
    oidc_free(f->issuers);
    policy_unref(f->policy);
    role_set_free(f->roles);
    jwk_set_unref(f->keys);
    loop_free(f->loop);
    remove_dir(f->dir);
    arena_deinit(&f->mem);
    free(f);
    return 0;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

// ---- tokens -------------------------------------------------------------------------------------

static inline str sign_as(fixture *f, jwk *k, str claims)
{
    buf out;
    buf_init(&out, 64 << 10);
    assert_code(jwt_sign(k, claims, STR("JWT"), &out, NULL), OK);
    str s = arena_str(&f->mem, buf_str(&out));
    buf_deinit(&out);
    return s;
}

static inline str claims_of(fixture *f, const char *email, const char *audience, int64_t from_now)
{
    long long now = clock_wall_s();
    return arena_printf(&f->mem,
                        "{\"iss\":\"" GOOGLE "\",\"aud\":\"%s\",\"sub\":\"108\",\"email\":\"%s\","
                        "\"email_verified\":true,\"iat\":%lld,\"exp\":%lld}",
                        audience, email, now + from_now - 3600, now + from_now);
}

static inline const char *token_of(fixture *f, const char *email, const char *audience)
{
    return sign_as(f, key, claims_of(f, email, audience, 3000)).ptr;
}

static inline const char *tester(fixture *f)
{
    return token_of(f, TESTER, ORDERS);
}

// ---- calls --------------------------------------------------------------------------------------

#define HOST "Host: orders-abc123-ew.a.run.app\r\n"

// Sends a head, with "Authorization: Bearer TOKEN" unless the token is NULL. `rest` is lines; what
// follows an empty one is the body.
static inline void ask(fixture *f, const char *line, const char *token, const char *rest)
{
    str authorization =
        token ? arena_printf(&f->mem, "Authorization: Bearer %s\r\n", token) : STR_NONE;
    str text = arena_printf(&f->mem, "%s HTTP/1.1\r\n" HOST STR_FMT "%s%s", line,
                            STR_ARG(authorization), rest, strstr(rest, "\r\n\r\n") ? "" : "\r\n");
    if (f->client.stream) {
        buf_reset(&f->client.got);
        stream_write(f->client.stream, text);
        return;
    }
    peer_connect(&f->client, f->loop, gate_port(f->gate), text);
}

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// The upstream's answer, and what the client sees of it.
static inline void answer(fixture *f, const char *text, const char *awaited)
{
    peer *up = upstream_wait(&f->up, "\r\n\r\n");
    peer_send(up, text);
    peer_wait(&f->client, awaited);
}

static inline bool client_got(const fixture *f, const char *text)
{
    return str_find(buf_str(&f->client.got), str_from(text)) >= 0;
}

static inline bool upstream_got(const fixture *f, const char *text)
{
    return f->up.count && str_find(buf_str(&f->up.peers[f->up.count - 1].got), str_from(text)) >= 0;
}

static inline void assert_status(const fixture *f, int status)
{
    char line[32];
    snprintf(line, sizeof line, "HTTP/1.1 %d ", status);
    if (!str_starts(buf_str(&f->client.got), str_from(line)))
        fail_msg("wanted %d, got \"" STR_FMT "\"", status, STR_ARG(buf_str(&f->client.got)));
}

// A whole answer without the upstream: the status of the gate's own page.
static inline void assert_refused(fixture *f, int status)
{
    peer_wait(&f->client, "</html>");
    assert_status(f, status);
}

// ---- the trail ----------------------------------------------------------------------------------

static inline bool on_row(void *ctx, const audit_row *row)
{
    fixture *f = ctx;
    f->rows++;
    f->event = arena_str(&f->mem, row->event_text);
    f->request = arena_str(&f->mem, row->request_text);
    return true;
}

static inline void read_trail(fixture *f)
{
    static const audit_filter all = {0};
    assert_code(audit_spool_flush(f->spool, NULL), OK);
    f->rows = 0;
    f->event = f->request = STR_NONE;
    assert_code(audit_read(f->dir, &all, on_row, f, NULL), OK);
}

static inline void assert_in(str text, const char *part)
{
    if (str_find(text, str_from(part)) < 0)
        fail_msg("no \"%s\" in " STR_FMT, part, STR_ARG(text));
}
