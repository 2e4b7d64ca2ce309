// SPDX-License-Identifier: Apache-2.0
// What the project's workload identity pools make of a foreign token, and why not.
#include "data/data.h"
#include "doctor/doctor.h"
#include "net/net.h"
#include "oidc/oidc_pool.h"
#include "policy/policy.h"

enum { KEYS_MS = 15000, NAME_BYTES_MAX = 4096 };

#define MINT_PERMISSION STR("iam.serviceAccounts.getAccessToken")

// One provider's answer.
typedef struct finding finding;
struct finding {
    const pool_provider *provider;
    pool_identity who;
    code code;
    err why;
    str name;      // the principal's
    str *accounts; // whose policy lets it act for them
    size_t account_count;
};

typedef struct foreign foreign;
struct foreign {
    const doctor_foreign *asked;
    arena mem;
    pool_set *pools;
    role_set *roles;
    finding *findings;
    size_t count;
    bool accepted; // by one at least
};

// ---- asking

static void set_true(void *ctx)
{
    *(bool *)ctx = true;
}

static void ask(foreign *f, pool_provider *p, finding *x)
{
    const oidc_query q = {.token = f->asked->token, .now_s = clock_wall_s()};
    x->provider = p;
    if (pool_check(p, &q, &f->mem, &x->who, &x->code, &x->why) == OIDC_DONE)
        return;
    bool told = false;
    oidc_wait *w = pool_wait_keys(p, set_true, &told);
    loop_run_until(f->asked->loop, &told, KEYS_MS);
    if (!told)
        oidc_wait_cancel(w);
    if (pool_check(p, &q, &f->mem, &x->who, &x->code, &x->why) == OIDC_WAIT)
        x->code = err_set(&x->why, OIDC_KEYS, "the issuer's keys didn't come within %d s",
                          KEYS_MS / 1000);
}

static bool may_use(const foreign *f, const project_account *a, const principal *who)
{
    policy *p = NULL;
    // A policy that can't be read is `up`'s to complain of.
    if (!a->policy || policy_load(a->policy, f->roles, &p, NULL))
        return false;
    const policy_query q = {.who = who, .permission = MINT_PERMISSION};
    bool may = policy_allows(p, &q);
    policy_unref(p);
    return may;
}

static void find_accounts(foreign *f, finding *x)
{
    const home_project *p = f->asked->project;
    x->accounts = arena_array(&f->mem, p->account_count, sizeof(str));
    for (size_t i = 0; i < p->account_count; i++)
        if (may_use(f, &p->accounts[i], &x->who.who))
            x->accounts[x->account_count++] = p->accounts[i].email;
}

static void conclude(foreign *f, finding *x)
{
    buf name;
    if (x->code)
        return;
    buf_init(&name, NAME_BYTES_MAX);
    principal_name(&x->who.who, &name);
    x->name = arena_str(&f->mem, buf_str(&name));
    buf_deinit(&name);
    find_accounts(f, x);
    f->accepted = true;
}

// ---- the report

static void add_pair(buf *out, const char *indent, str name, str value)
{
    buf_addz(out, indent);
    buf_add_shown(out, name);
    buf_addz(out, " = ");
    buf_add_shown(out, value);
    buf_addc(out, '\n');
}

static void add_mapped(const foreign *f, const finding *x, buf *out)
{
    const principal *who = &x->who.who;
    (void)f;
    if (who->subject.len)
        add_pair(out, "  ", STR("google.subject"), who->subject);
    for (size_t i = 0; i < who->group_count; i++)
        add_pair(out, "  ", STR("google.groups"), who->groups[i]);
    for (size_t i = 0; i < who->attribute_count; i++) {
        buf_addz(out, "  attribute.");
        add_pair(out, "", who->attributes[i].name, who->attributes[i].value);
    }
}

static void add_accepted(const foreign *f, const finding *x, buf *out)
{
    const principal *who = &x->who.who;
    buf_addz(out, ": accepted\n");
    add_mapped(f, x, out);
    buf_addz(out, "  it is ");
    buf_add_shown(out, x->name);
    buf_addc(out, '\n');
    for (size_t i = 0; i < x->account_count; i++)
        buf_addf(out, "  it may act for " STR_FMT "\n", STR_ARG(x->accounts[i]));
    if (!x->account_count)
        buf_addf(out,
                 "  it may act for no account of the project file\n"
                 "  hint: bind it, or principalSet://iam.googleapis.com/" STR_FMT
                 "/*, to roles/iam.workloadIdentityUser in an account's policy\n",
                 STR_ARG(who->pool));
}

static void add_finding(const foreign *f, const finding *x, buf *out)
{
    buf_adds(out, str_skip(pool_provider_name(x->provider), 2));
    if (!x->code) {
        add_accepted(f, x, out);
        return;
    }
    buf_addz(out, ": refused: ");
    buf_add_shown(out, str_from(x->why.msg));
    buf_addf(out, " [%s]\n", code_id(x->code));
    if (x->code == POOL_MAPPING || x->code == POOL_CONDITION)
        add_mapped(f, x, out);
    if (x->why.hint[0]) {
        buf_addz(out, "  hint: ");
        buf_add_shown(out, str_from(x->why.hint));
        buf_addc(out, '\n');
    }
}

static void add_json(const foreign *f, const finding *x, jout *w)
{
    const principal *who = &x->who.who;
    jout_object(w, NULL);
    jout_str(w, "provider", pool_provider_name(x->provider));
    jout_bool(w, "accepted", !x->code);
    if (x->code) {
        jout_str(w, "code", str_from(code_id(x->code)));
        jout_str(w, "reason", str_from(x->why.msg));
        jout_str(w, "fix", str_from(x->why.hint));
    } else {
        jout_str(w, "principal", x->name);
    }
    jout_object(w, "mapped");
    if (who->subject.len)
        jout_str(w, "google.subject", who->subject);
    for (size_t i = 0; i < who->attribute_count; i++) {
        jout_key(w, arena_printf((arena *)(uintptr_t)&f->mem, "attribute." STR_FMT,
                                 STR_ARG(who->attributes[i].name)));
        jout_str(w, NULL, who->attributes[i].value);
    }
    jout_array(w, "google.groups");
    for (size_t i = 0; i < who->group_count; i++)
        jout_str(w, NULL, who->groups[i]);
    jout_end(w);
    jout_end(w);
    jout_array(w, "accounts");
    for (size_t i = 0; i < x->account_count; i++)
        jout_str(w, NULL, x->accounts[i]);
    jout_end(w);
    jout_end(w);
}

static void report(const foreign *f, buf *out)
{
    if (!f->asked->as_json) {
        for (size_t i = 0; i < f->count; i++)
            add_finding(f, &f->findings[i], out);
        return;
    }
    jout w = jout_new(out, JSON_PRETTY);
    jout_object(&w, NULL);
    jout_bool(&w, "accepted", f->accepted);
    jout_array(&w, "providers");
    for (size_t i = 0; i < f->count; i++)
        add_json(f, &f->findings[i], &w);
    jout_end(&w);
    jout_end(&w);
    buf_addc(out, '\n');
}

static code examine(foreign *f, err *e)
{
    f->count = pool_set_len(f->pools);
    if (!f->count) {
        (void)err_set(e, POOL_TARGET, "%s declares no provider of a workload identity pool",
                      f->asked->project->path ? f->asked->project->path : "no gatepost.yaml here");
        return err_hint(e, "declare one under workload_identity_pools, or name a URL to try the "
                           "token there");
    }
    f->findings = arena_array(&f->mem, f->count, sizeof(*f->findings));
    for (size_t i = 0; i < f->count; i++) {
        finding *x = &f->findings[i];
        pool_provider *p = pool_set_at(f->pools, i);
        if (pool_provider_disabled(p)) {
            x->provider = p;
            x->code = err_set(&x->why, POOL_TARGET, "the provider, or its pool, is disabled");
        } else {
            ask(f, p, x);
            conclude(f, x);
        }
    }
    return OK;
}

code doctor_foreign_token(const doctor_foreign *d, buf *out, bool *ret_accepted, err *e)
{
    foreign f = {.asked = d};
    arena_init(&f.mem);
    f.roles = role_set_new();
    code c = pool_set_new(d->loop, d->project->pools, d->project->number, &f.pools, e);
    if (c == OK)
        c = examine(&f, e);
    if (c == OK)
        report(&f, out);
    *ret_accepted = f.accepted;
    pool_set_free(f.pools);
    role_set_free(f.roles);
    arena_deinit(&f.mem);
    return c;
}
