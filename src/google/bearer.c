// SPDX-License-Identifier: Apache-2.0
// Who calls an API, may they, and the trail's entry of it.
#include "google/call.h"

enum { SELF_SIGNED_LIFETIME_S = 3600, SELF_SIGNED_LEEWAY_S = 60 };

// ---- who

static const char *const api_scopes[] = {
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/iam",
};

static bool has_api_scope(str scopes)
{
    str scope;
    while (str_next(&scopes, ' ', &scope))
        for (size_t i = 0; i < ARRAY_LEN(api_scopes); i++)
            if (str_eq(scope, str_from(api_scopes[i])))
                return true;
    return false;
}

// The self-signed JWT of google-identity.md §1: no exchange, the account's key signs what would be
// an access token. Its audience is an API, or it names scopes.
static account *self_signed(google *g, str token, int64_t now_s, arena *mem, jwt *t)
{
    if (jwt_parse(token, mem, t, NULL))
        return NULL;
    account *a = account_find(g, t->issuer);
    if (!account_works(a) || a->is_person || !str_eq(t->subject, t->issuer))
        return NULL;
    jwk_set *keys = account_usable_keys(a, now_s);
    jwt_expect x = {
        .now_s = now_s, .leeway_s = SELF_SIGNED_LEEWAY_S, .lifetime_max_s = SELF_SIGNED_LIFETIME_S};
    bool good = jwt_check_signature(t, keys, NULL) == OK && jwt_check_claims(t, &x, NULL) == OK;
    jwk_set_unref(keys);
    return good ? a : NULL;
}

static bool names_an_api(const google *g, const jwt *t)
{
    static const char *const names[] = {
        "https://iam.googleapis.com", "https://iamcredentials.googleapis.com",
        "https://run.googleapis.com", "https://cloudresourcemanager.googleapis.com",
        "https://policyanalyzer.googleapis.com"};
    for (size_t i = 0; i < t->audience_count; i++) {
        str aud = t->audiences[i];
        if (str_ends(aud, STR("/")))
            aud.len--;
        if (g->base.len && str_eq(aud, g->base))
            return true;
        for (size_t k = 0; k < ARRAY_LEN(names); k++)
            if (str_eq(aud, str_from(names[k])))
                return true;
    }
    return false;
}

// The key by whose name the trail tells which one was used.
static str signing_key(const google *g, const account *a, const jwt *t, arena *mem)
{
    VEC_FOREACH (&a->keys, k)
        if (str_eq((*k)->id, t->kid))
            return arena_printf(mem, "//iam.googleapis.com/" STR_FMT,
                                STR_ARG(account_key_name(g, a, *k, mem)));
    return STR_NONE;
}

bool google_access_token_check(google *g, str token, google_bearer *ret_bearer)
{
    const access_token *t = access_token_find(g, token, clock_wall_s());
    if (!t)
        return false;
    *ret_bearer = (google_bearer){.email = t->who ? t->who->email : STR_NONE,
                                  .scopes = t->scopes,
                                  .expires_s = t->expires_s,
                                  .delegation = t->delegation,
                                  .delegation_count = t->delegation_count};
    return true;
}

static bool unauthenticated(call *c, const char *reason, const char *what)
{
    call_rpc_refuse(c, RPC_UNAUTHENTICATED, reason, STR_NONE,
                    arena_printf(c->mem,
                                 "Request %s. Expected OAuth 2 access token, login cookie or other "
                                 "valid authentication credential.",
                                 what)
                        .ptr);
    return false;
}

static bool out_of_scope(call *c)
{
    call_rpc_refuse(c, RPC_PERMISSION_DENIED, "ACCESS_TOKEN_SCOPE_INSUFFICIENT", STR_NONE,
                    "Request had insufficient authentication scopes.");
    return false;
}

static principal principal_of(const google *g, const account *a)
{
    principal p = {.kind = a->is_person ? PRINCIPAL_USER : PRINCIPAL_SERVICE_ACCOUNT,
                   .email = a->email,
                   .subject = a->unique_id,
                   .issuer = GOOGLE_ISSUER,
                   .project_number = a->is_person ? STR_NONE : g->project_number};
    if (a->is_person)
        p.domain = str_skip(a->email, (size_t)str_chr(a->email, '@') + 1);
    return p;
}

static void set_bearer(call *c, bearer *ret, account *who, str federated)
{
    buf name;
    buf_init(&name, 4096);
    *ret = (bearer){.who = who};
    if (who)
        ret->is = principal_of(c->g, who);
    else
        federated_read(federated, c->mem, &ret->is);
    principal_name(&ret->is, &name);
    ret->name = arena_str(c->mem, buf_str(&name));
    buf_deinit(&name);
}

// A copy: the token may be gone before a call that waits for the disk is recorded.
static const str *copy_chain(const access_token *t, arena *mem)
{
    str *chain = arena_array(mem, t->delegation_count, sizeof(*chain));
    for (size_t i = 0; i < t->delegation_count; i++)
        chain[i] = arena_str(mem, t->delegation[i]);
    return chain;
}

bool call_authenticate(call *c, bearer *ret)
{
    str scheme, token;
    if (!c->authorization_count)
        return unauthenticated(c, "CREDENTIALS_MISSING",
                               "is missing required authentication credential");
    str_cut(c->authorization, ' ', &scheme, &token);
    token = str_trim(token);
    if (c->authorization_count > 1 || !str_ieq(scheme, STR("Bearer")))
        return unauthenticated(c, "ACCESS_TOKEN_TYPE_UNSUPPORTED",
                               "had invalid authentication credentials");
    const access_token *t = access_token_find(c->g, token, c->now_s);
    if (t) {
        set_bearer(c, ret, t->who, t->federated);
        ret->delegation = copy_chain(t, c->mem);
        ret->delegation_count = t->delegation_count;
        return has_api_scope(t->scopes) || out_of_scope(c);
    }
    jwt self;
    account *a = self_signed(c->g, token, c->now_s, c->mem, &self);
    if (!a)
        return unauthenticated(c, "ACCESS_TOKEN_TYPE_UNSUPPORTED",
                               "had invalid authentication credentials");
    set_bearer(c, ret, a, STR_NONE);
    ret->key_name = signing_key(c->g, a, &self, c->mem);
    return names_an_api(c->g, &self) ||
           has_api_scope(json_str_or(json_get(self.claims, "scope"), STR_NONE)) || out_of_scope(c);
}

bool call_bearer(call *c, str token, bearer *ret)
{
    const access_token *t = access_token_find(c->g, token, c->now_s);
    const refresh_token *refresh = t ? NULL : refresh_token_find(c->g, token);
    if (!t && !refresh)
        return false;
    set_bearer(c, ret, t ? t->who : refresh->who, t ? t->federated : STR_NONE);
    return true;
}

// ---- may they

static const resource *resource_for(const api_use *u)
{
    return u->resource ? u->resource : u->target ? &u->target->resource : NULL;
}

// NULL: the project.
static str resource_name(const call *c, const resource *r)
{
    return r ? r->name : arena_printf(c->mem, "projects/" STR_FMT, STR_ARG(c->g->project_id));
}

// ["projects/-/serviceAccounts/E", …]: the delegates, then the target.
static void add_chain(jout *w, const api_use *u)
{
    jout_array(w, "identityDelegationChain");
    for (size_t i = 0; i < u->delegate_count; i++)
        jout_strf(w, NULL, "projects/-/serviceAccounts/" STR_FMT, STR_ARG(u->delegates[i]->email));
    jout_strf(w, NULL, "projects/-/serviceAccounts/" STR_FMT, STR_ARG(u->target->email));
    jout_end(w);
}

static str metadata_of(const call *c, const api_use *u)
{
    buf b, why;
    buf_init(&b, 16 << 10);
    buf_init(&why, 2048);
    if (u->decision.permission.len)
        decision_summary(&u->decision, &why);
    jout w = jout_new(&b, JSON_COMPACT);
    jout_object(&w, NULL);
    jout_str(&w, "source", STR("gatepost"));
    if (why.len)
        jout_str(&w, "explanation", buf_str(&why));
    if (u->target && u->delegate_count)
        add_chain(&w, u);
    jout_end(&w);
    str s = arena_str(c->mem, buf_str(&b));
    buf_deinit(&b);
    buf_deinit(&why);
    return s;
}

static void add_entry(const call *c, const api_use *u, rpc refused, const char *message)
{
    const google *g = c->g;
    const resource *r = resource_for(u);
    audit_event ev = {
        .log = u->method->log,
        .project_id = g->project_id,
        .resource = r ? r->log : (audit_resource){"service_account", NULL, 0},
        .service_name = str_from(u->method->service),
        .method_name = str_from(u->method->name),
        .resource_name = resource_name(c, r),
        .permission = u->decision.permission,
        .permission_type = u->method->permission_type,
        .granted = u->decision.allowed,
        .status_code = message ? rpc_number(refused) : 0,
        .status_message = str_from(message),
        .caller = {.email = u->caller.is.email,
                   .subject = u->caller.name,
                   .key_name = u->caller.key_name,
                   .delegation = u->caller.delegation,
                   .delegation_count = u->caller.delegation_count},
        .call = &c->http,
        .metadata_json = metadata_of(c, u),
    };
    audit_add_event(g->spool, &ev, NULL);
}

bool call_trail_ready(call *c)
{
    if (!c->g->spool || audit_spool_ready(c->g->spool))
        return true;
    c->past_gates = true;
    call_rpc_error(c, RPC_UNAVAILABLE, "The audit trail can't be written at the moment.");
    return false;
}

typedef struct attributes attributes;
struct attributes {
    const call *c;
    const api_use *u;
};

static bool find_attribute(void *ctx, str name, arena *a, cel_value *ret)
{
    const attributes *x = ctx;
    (void)a;
    if (str_eq(name, STR("iam.googleapis.com/modifiedGrantsByRole"))) {
        *ret = x->u->modified_roles;
        return ret->kind == CEL_LIST;
    }
    *ret = cel_timestamp(x->c->now_s, 0);
    return str_eq(name, STR("request.time"));
}

// On the resource, NULL: the project.
static bool decide(call *c, api_use *u, const principal *who, const resource *r,
                   const char *permission)
{
    attributes known = {c, u};
    const cel_activation activation = {.lookup = find_attribute, .ctx = &known};
    const policy_query q = {.who = who,
                            .authenticated = true,
                            .permission = str_from(permission),
                            .resource = resource_name(c, r),
                            .call = &activation};
    policy_decide(r ? r->policy : c->g->policy, &q, c->mem, &u->decision);
    return u->decision.allowed;
}

bool call_permits(call *c, const api_use *u, str permission)
{
    attributes known = {c, u};
    const resource *r = resource_for(u);
    const cel_activation activation = {.lookup = find_attribute, .ctx = &known};
    const policy_query q = {.who = &u->caller.is,
                            .authenticated = true,
                            .permission = permission,
                            .resource = resource_name(c, r),
                            .call = &activation};
    return policy_allows(r ? r->policy : c->g->policy, &q);
}

bool call_authorize(call *c, api_use *u)
{
    const principal *who = &u->caller.is;
    bool granted = true;
    // Each in the chain must be allowed to ask the next one to ask.
    for (size_t i = 0; granted && i < u->delegate_count; i++) {
        granted =
            decide(c, u, who, &u->delegates[i]->resource, "iam.serviceAccounts.implicitDelegation");
        principal *next = ARENA_NEW(c->mem, principal);
        *next = principal_of(c->g, u->delegates[i]);
        who = next;
    }
    if (!call_trail_ready(c))
        return false;
    if (granted && decide(c, u, who, resource_for(u), u->method->permission))
        return true;
    const char *message =
        arena_printf(c->mem, "Permission '" STR_FMT "' denied on resource (or it may not exist).",
                     STR_ARG(u->decision.permission))
            .ptr;
    if (c->g->spool)
        add_entry(c, u, RPC_PERMISSION_DENIED, message);
    call_rpc_refuse(c, RPC_PERMISSION_DENIED, "IAM_PERMISSION_DENIED", u->decision.permission,
                    message);
    return false;
}

bool call_record(call *c, const api_use *u)
{
    if (!call_trail_ready(c))
        return false;
    if (c->g->spool)
        add_entry(c, u, RPC_INTERNAL, NULL);
    return true;
}
