// SPDX-License-Identifier: Apache-2.0
// Policies of single resources: accounts and Cloud Run services. The declared one holds until
// setIamPolicy replaces it; that outlives a restart, until another one is declared.
#include "google/key_job.h"

enum { POLICY_TEXT_BYTES_MAX = 4 * POLICY_BYTES_MAX, ETAG_BYTES = 8, ROLES_MAX = 1000 };

// What setIamPolicy left in the state.
typedef struct stored stored;
struct stored {
    str declared; // hash of the declaration that it replaced
    str text;
};

// ---- the state

code policies_open(google *g, store *db, err *e)
{
    store_rows *r;
    code c =
        store_query(db, "select resource, declared, policy from iam_policy", STORE_NO_ARGS, &r, e);
    if (c)
        return c;
    while (store_next(r)) {
        stored *s = ARENA_NEW(&g->mem, stored);
        s->declared = arena_str(&g->mem, store_row_str(r, 1));
        s->text = arena_str(&g->mem, store_row_str(r, 2));
        map_set(&g->stored_policies, store_row_str(r, 0), s);
    }
    return store_end(r, e);
}

static str hash_of(const json *v, arena *mem)
{
    unsigned char hash[DIGEST_BYTES];
    buf hex;
    char *text = v ? json_text(v, JSON_COMPACT) : NULL;
    digest(str_from(text), hash);
    free(text);
    buf_init(&hex, 2 * DIGEST_BYTES + 1);
    hex_encode(&hex, digest_str(hash));
    str kept = arena_str(mem, buf_str(&hex));
    buf_deinit(&hex);
    return kept;
}

static void print(const policy *p, buf *out)
{
    buf_init(out, POLICY_TEXT_BYTES_MAX);
    jout w = jout_new(out, JSON_COMPACT);
    policy_json(p, &w, NULL);
}

// Made of the content: what was read again unchanged may be written over.
static str etag_of(const policy *p, arena *mem)
{
    unsigned char hash[DIGEST_BYTES];
    buf text;
    print(p, &text);
    digest(buf_str(&text), hash);
    buf_reset(&text);
    base64_encode(&text, str_sub(digest_str(hash), 0, ETAG_BYTES));
    str etag = arena_str(mem, buf_str(&text));
    buf_deinit(&text);
    return etag;
}

// With the etag of its content, whatever it says itself.
static code load(const google *g, const json *root, policy **ret, err *e)
{
    policy *plain;
    arena mem;
    code c = policy_load(root, g->roles, ret, e);
    if (c)
        return c;
    arena_init(&mem);
    json *copy = json_copy(&mem, root);
    (void)json_remove(&mem, copy, STR("etag"));
    c = policy_load(copy, g->roles, &plain, e);
    if (c == OK && policy_binding_count(plain)) {
        json_set(&mem, copy, STR("etag"), json_new_str(&mem, etag_of(plain, &mem)));
        policy_unref(plain);
        c = policy_load(copy, g->roles, &plain, e);
    }
    arena_deinit(&mem);
    policy_unref(*ret);
    *ret = c ? NULL : plain;
    return c;
}

static policy *load_stored(const google *g, const resource *r)
{
    const stored *s = map_get(&g->stored_policies, r->name);
    policy *p = NULL;
    err e = ERR_INIT;
    if (!s || !str_eq(s->declared, r->declared))
        return NULL;
    if (policy_load_text(s->text, "the state", g->roles, &p, &e))
        log_warning("google", "the policy of %s that was set is lost: %s", r->name.ptr, e.msg);
    else
        log_info("google", "%s has the policy that setIamPolicy gave it", r->name.ptr);
    return p;
}

static void take(google *g, resource *r, policy *own)
{
    policy *joined = policy_join(g->policy, own);
    policy_unref(r->own);
    policy_unref(r->policy);
    r->own = own;
    r->policy = joined;
}

code resource_open(google *g, resource *r, const json *declared, err *e)
{
    policy *own = NULL;
    r->declared = hash_of(declared, &g->mem);
    code c = declared ? load(g, declared, &own, e) : OK;
    if (c)
        return c;
    policy *set = load_stored(g, r);
    if (set) {
        policy_unref(own);
        own = set;
    }
    take(g, r, own ? own : policy_new(g->roles));
    return OK;
}

void resource_close(resource *r)
{
    policy_unref(r->own);
    policy_unref(r->policy);
}

static void keep(google *g, const resource *r)
{
    buf text;
    print(r->own, &text);
    journal_add(
        g->journal,
        "insert into iam_policy (resource, declared, policy) values (?, ?, ?)"
        " on conflict (resource) do update set declared = excluded.declared,"
        " policy = excluded.policy",
        STORE_ARGS(store_text(r->name), store_text(r->declared), store_text(buf_str(&text))));
    buf_deinit(&text);
}

void resource_forget(google *g, resource *r)
{
    (void)map_remove(&g->stored_policies, r->name);
    journal_add(g->journal, "delete from iam_policy where resource = ?",
                STORE_ARGS(store_text(r->name)));
}

// ---- what a change changes: iam.googleapis.com/modifiedGrantsByRole of conditions

static bool grants(const json *bindings, str role, str who, str condition)
{
    JSON_EACH (bindings, b) {
        if (!str_eq(json_str_or(json_get(b, "role"), STR_NONE), role) ||
            !str_eq(json_str_or(json_get(json_get(b, "condition"), "expression"), STR_NONE),
                    condition))
            continue;
        JSON_EACH (json_get(b, "members"), m)
            if (str_eq(json_str_or(m, STR_NONE), who))
                return true;
    }
    return false;
}

static void add_role(cel_list *roles, str role)
{
    cel_value *items = (cel_value *)(uintptr_t)roles->items;
    for (size_t i = 0; i < roles->len; i++)
        if (str_eq(items[i].s, role))
            return;
    if (roles->len < ROLES_MAX)
        items[roles->len++] = cel_string(role);
}

// The roles of `from` that give somebody what `to` doesn't.
static void add_differing(const json *from, const json *to, cel_list *roles)
{
    JSON_EACH (from, b) {
        str role = json_str_or(json_get(b, "role"), STR_NONE);
        str condition = json_str_or(json_get(json_get(b, "condition"), "expression"), STR_NONE);
        JSON_EACH (json_get(b, "members"), m)
            if (!grants(to, role, json_str_or(m, STR_NONE), condition))
                add_role(roles, role);
    }
}

static cel_value modified_roles(const policy *old, const policy *new, arena *mem)
{
    cel_list roles = {arena_array(mem, ROLES_MAX, sizeof(cel_value)), 0};
    const policy *const both[] = {old, new};
    const json *bindings[2] = {NULL, NULL};
    for (size_t i = 0; i < 2; i++) {
        buf text;
        json *root = NULL;
        print(both[i], &text);
        if (json_parse(mem, buf_str(&text), NULL, &root, NULL) == OK)
            bindings[i] = json_get(root, "bindings");
        buf_deinit(&text);
    }
    add_differing(bindings[0], bindings[1], &roles);
    add_differing(bindings[1], bindings[0], &roles);
    return cel_list_of(roles.items, roles.len);
}

// ---- getIamPolicy, setIamPolicy, testIamPermissions

static void answer_policy(call *c, const api_use *u, const account_key *k, jwk *pair)
{
    buf b;
    (void)k, (void)pair;
    buf_init(&b, POLICY_TEXT_BYTES_MAX);
    jout w = jout_new(&b, JSON_PRETTY);
    policy_json(u->resource->own, &w, NULL);
    call_answer_json(c, 200, &b);
}

static void get_policy(call *c, api_use *u)
{
    if (call_authorize(c, u) && call_record(c, u))
        answer_policy(c, u, NULL, NULL);
}

static bool is_concurrent(call *c, const resource *r, const json *given)
{
    str etag = json_str_or(json_get(given, "etag"), STR_NONE);
    if (!etag.len || str_eq(etag, policy_etag(r->own)))
        return false;
    call_rpc_error(c, RPC_ABORTED,
                   "There were concurrent policy changes. Please retry the whole read-modify-write "
                   "with exponential backoff.");
    return true;
}

static void set_policy(call *c, api_use *u)
{
    const json *body, *given;
    policy *own = NULL;
    err e = ERR_INIT;
    if (!call_json_body(c, &body))
        return;
    given = json_get(body, "policy");
    if (!json_is(given, JSON_OBJECT)) {
        call_rpc_error(c, RPC_INVALID_ARGUMENT, "Invalid value at 'policy': a policy is required.");
        return;
    }
    if (load(c->g, given, &own, &e)) {
        call_rpc_error(c, RPC_INVALID_ARGUMENT, "Invalid value at 'policy': %s", e.msg);
        return;
    }
    u->modified_roles = modified_roles(u->resource->own, own, c->mem);
    if (!call_authorize(c, u) || is_concurrent(c, u->resource, given)) {
        policy_unref(own);
        return;
    }
    take(c->g, u->resource, own);
    if (u->resource->on_policy)
        u->resource->on_policy(u->resource->ctx, u->resource->policy);
    keep(c->g, u->resource);
    key_job_save(c, u, NULL, answer_policy);
}

// Anybody may ask what they may do.
static void test_permissions(call *c, api_use *u)
{
    const json *body;
    buf b;
    if (!call_json_body(c, &body))
        return;
    const json *wanted = json_get(body, "permissions");
    if (!json_is(wanted, JSON_ARRAY) || wanted->len > 100) {
        call_rpc_error(c, RPC_INVALID_ARGUMENT,
                       "Invalid value at 'permissions': a list of at most 100 permissions.");
        return;
    }
    u->decision = (decision){.allowed = true};
    if (!call_record(c, u))
        return;
    buf_init(&b, GOOGLE_BODY_BYTES_MAX * 2);
    jout w = jout_new(&b, JSON_PRETTY);
    bool any = false;
    jout_object(&w, NULL);
    JSON_EACH (wanted, v) {
        str permission = json_str_or(v, STR_NONE);
        if (!call_permits(c, u, permission))
            continue;
        if (!any)
            jout_array(&w, "permissions");
        any = true;
        jout_str(&w, NULL, permission);
    }
    if (any)
        jout_end(&w);
    jout_end(&w);
    call_answer_json(c, 200, &b);
}

#define POLICY_METHOD(wanted, as_log, as_type, api, called)                                        \
    {                                                                                              \
        .permission = wanted, .log = as_log, .permission_type = as_type, .service = api,           \
        .name = called                                                                             \
    }
#define IAM_API "iam.googleapis.com"
#define RUN_API "run.googleapis.com"

static const struct {
    const char *verb;
    bool by_get; // also
    void (*answer)(call *c, api_use *u);
    api_method of_account, of_service;
} methods[] = {
    {"getIamPolicy", true, get_policy,
     POLICY_METHOD("iam.serviceAccounts.getIamPolicy", AUDIT_DATA_ACCESS, "ADMIN_READ", IAM_API,
                   "google.iam.admin.v1.GetIAMPolicy"),
     POLICY_METHOD("run.services.getIamPolicy", AUDIT_DATA_ACCESS, "ADMIN_READ", RUN_API,
                   "google.cloud.run.v2.Services.GetIamPolicy")},
    {"setIamPolicy", false, set_policy,
     POLICY_METHOD("iam.serviceAccounts.setIamPolicy", AUDIT_ACTIVITY, "ADMIN_WRITE", IAM_API,
                   "google.iam.admin.v1.SetIAMPolicy"),
     POLICY_METHOD("run.services.setIamPolicy", AUDIT_ACTIVITY, "ADMIN_WRITE", RUN_API,
                   "google.cloud.run.v2.Services.SetIamPolicy")},
    {"testIamPermissions", false, test_permissions,
     POLICY_METHOD("", AUDIT_DATA_ACCESS, "ADMIN_READ", IAM_API,
                   "google.iam.admin.v1.TestIAMPermissions"),
     POLICY_METHOD("", AUDIT_DATA_ACCESS, "ADMIN_READ", RUN_API,
                   "google.cloud.run.v2.Services.TestIamPermissions")},
};

bool policy_answer(call *c, const bearer *caller, account *target, resource *r, str verb)
{
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        bool get = methods[i].by_get && str_eq(c->method, STR("GET"));
        if (!str_eq(verb, str_from(methods[i].verb)) || !(get || str_eq(c->method, STR("POST"))))
            continue;
        api_use *u = ARENA_NEW(c->mem, api_use);
        *u = (api_use){.method = target ? &methods[i].of_account : &methods[i].of_service,
                       .caller = *caller,
                       .target = target,
                       .resource = r};
        methods[i].answer(c, u);
        return true;
    }
    return false;
}

bool policy_verb(str verb)
{
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (str_eq(verb, str_from(methods[i].verb)))
            return true;
    return false;
}

// ---- Cloud Run services

code google_add_service(google *g, const google_service *o, policy **ret_own, policy **ret_policy,
                        err *e)
{
    run_service *s = ARENA_NEW(&g->mem, run_service);
    s->name = arena_str(&g->mem, o->name);
    s->labels[0] = (audit_label){"service_name", s->name};
    s->labels[1] = (audit_label){"location", g->region};
    s->resource =
        (resource){.name = arena_printf(
                       &g->mem, "projects/" STR_FMT "/locations/" STR_FMT "/services/" STR_FMT,
                       STR_ARG(g->project_id), STR_ARG(g->region), STR_ARG(s->name)),
                   .log = {"cloud_run_revision", s->labels, ARRAY_LEN(s->labels)},
                   .on_policy = o->on_policy,
                   .ctx = o->ctx};
    code c = resource_open(g, &s->resource, o->declared, e);
    if (c)
        return c;
    vec_push(&g->services, s);
    *ret_own = s->resource.own;
    *ret_policy = s->resource.policy;
    return OK;
}

run_service *service_find(const google *g, str location, str name)
{
    VEC_FOREACH (&g->services, s)
        if (str_eq((*s)->name, name) && (str_eq(location, g->region) || str_eq(location, STR("-"))))
            return *s;
    return NULL;
}

void services_close(google *g)
{
    VEC_FOREACH (&g->services, s)
        resource_close(&(*s)->resource);
    vec_deinit(&g->services);
    map_deinit(&g->stored_policies, NULL);
}
