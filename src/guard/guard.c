// SPDX-License-Identifier: Apache-2.0
#include "guard/guard.h"

#include <stdlib.h>

#include "cel/cel_json.h"
#include "guard/bearer.h"
#include "guard/entry.h"
#include "guard/memory.h"

struct guard {
    guard_options options;
    memory *remembered;
};

// One call on its way to its verdict.
typedef struct checking checking;
struct checking {
    guard *g;
    const guard_target *target;
    const guard_call *call;
    arena *mem;
    guard_verdict *verdict;
    bearer bearer;
    bool google;       // a valid token of Google's: counts for allAuthenticatedUsers
    bool client_token; // a person's token for gcloud or ADC: good at every service (threat 38)
    err ignored;       // why a credential wasn't considered, where none was needed
};

guard *guard_new(const guard_options *o)
{
    guard *g = NEW(guard);
    g->options = *o;
    g->remembered = memory_new(o->remembered_max ? o->remembered_max : GUARD_REMEMBERED_MAX);
    return g;
}

void guard_free(guard *g)
{
    if (!g)
        return;
    memory_free(g->remembered);
    free(g);
}

void guard_forget(guard *g)
{
    memory_forget(g->remembered);
}

// ---- who ----------------------------------------------------------------------------------------

// Verified before, by keys that are still the issuer's.
static const oidc_identity *recall(const checking *x)
{
    const oidc_identity *id = memory_find(x->g->remembered, x->bearer.token);
    if (id && id->generation == oidc_generation(x->g->options.issuers, id->token.issuer))
        return id;
    return NULL;
}

static oidc_state verify(const checking *x, oidc_identity *id, code *ret_code, err *e)
{
    const oidc_query q = {.token = x->bearer.token, .now_s = x->call->now_s};
    if (oidc_verify(x->g->options.issuers, &q, x->mem, id, ret_code, e) == OIDC_WAIT)
        return OIDC_WAIT;
    if (*ret_code)
        return OIDC_DONE;
    if (x->g->options.directory)
        directory_fill(x->g->options.directory, &id->who, x->mem);
    memory_put(x->g->remembered, q.token, id);
    return OIDC_DONE;
}

static bool names(const jwt *t, str audience)
{
    for (size_t i = 0; i < t->audience_count; i++)
        if (str_eq(t->audiences[i], audience))
            return true;
    return false;
}

// A person's token, which names the client that they signed in with instead of a service.
static bool is_client_token(const checking *x, const oidc_identity *id)
{
    if (id->kind != OIDC_GOOGLE || id->who.kind != PRINCIPAL_USER)
        return false;
    return (!x->target->refuse_gcloud_tokens && names(&id->token, GUARD_CLIENT_GCLOUD)) ||
           (!x->target->refuse_adc_tokens && names(&id->token, GUARD_CLIENT_ADC));
}

static code check_audience(checking *x, const oidc_identity *id, err *e)
{
    const guard_target *t = x->target;
    for (size_t i = 0; i < t->audience_count; i++)
        if (names(&id->token, t->audiences[i]))
            return OK;
    x->client_token = is_client_token(x, id);
    if (x->client_token)
        return OK;
    str is = oidc_quoted(x->verdict->audience, x->mem);
    str wanted = t->audience_count ? t->audiences[0] : STR("this service");
    (void)err_set(e, JWT_AUDIENCE, "the token is for \"" STR_FMT "\", not for " STR_FMT,
                  STR_ARG(is), STR_ARG(wanted));
    return err_hint(e, "gatepost token --audience " STR_FMT, STR_ARG(wanted));
}

static void tell_token(checking *x, const jwt *t)
{
    x->verdict->issuer = arena_str(x->mem, t->issuer);
    if (t->audience_count)
        x->verdict->audience = arena_str(x->mem, t->audiences[0]);
}

// Establishes who calls, or that nobody does (OK without a `who`), or why that can't be said.
static oidc_state identify(checking *x, code *ret_code, err *e)
{
    oidc_identity fresh;
    *ret_code = bearer_find(x->call, &x->bearer, e);
    if (*ret_code || !x->bearer.present)
        return OIDC_DONE;
    const oidc_identity *id = recall(x);
    if (id) {
        *ret_code = jwt_check_times(&id->token, x->call->now_s, x->g->options.leeway_s, e);
    } else {
        oidc_state state = verify(x, &fresh, ret_code, e);
        id = &fresh;
        if (state == OIDC_WAIT) {
            tell_token(x, &id->token);
            return OIDC_WAIT;
        }
    }
    tell_token(x, &id->token);
    if (*ret_code == OK)
        *ret_code = check_audience(x, id, e);
    if (*ret_code == OK) {
        x->google = id->kind == OIDC_GOOGLE;
        x->verdict->who = principal_copy(x->mem, &id->who);
    }
    return OIDC_DONE;
}

// ---- whether ------------------------------------------------------------------------------------

// Remembered tokens leave their claims behind: they are read again by the rare condition that asks.
static bool token_attribute(const checking *x, str name, arena *a, cel_value *ret)
{
    jwt t;
    if (!x->verdict->who || jwt_parse(x->bearer.token, a, &t, NULL))
        return false;
    cel_value *audiences = arena_array(a, t.audience_count, sizeof(*audiences));
    for (size_t i = 0; i < t.audience_count; i++)
        audiences[i] = cel_string(t.audiences[i]);
    if (str_eq(name, STR("issuer")))
        *ret = cel_string(t.issuer);
    else if (str_eq(name, STR("audiences")))
        *ret = cel_list_of(audiences, t.audience_count);
    else if (str_eq(name, STR("claims")))
        *ret = cel_from_json(a, t.claims);
    else
        return false;
    return true;
}

static bool find_attribute(void *ctx, str name, arena *a, cel_value *ret)
{
    const checking *x = ctx;
    const cel_activation *rest = x->call->attributes;
    if (str_starts(name, STR("request.auth.")))
        return token_attribute(x, str_skip(name, 13), a, ret);
    if (!str_eq(name, STR("request.time")))
        return rest && rest->lookup(rest->ctx, name, a, ret);
    *ret = cel_timestamp(x->call->now_s, 0);
    return true;
}

static void decide(checking *x, const principal *who, decision *d)
{
    const guard_target *t = x->target;
    const cel_activation call = {.lookup = find_attribute, .ctx = x};
    const policy_query q = {.who = who,
                            .authenticated = x->google,
                            .permission = PERMISSION_INVOKE,
                            .resource = t->resource,
                            .call = &call};
    policy_decide(t->policy, &q, x->mem, d);
    if (!t->check_disabled)
        return;
    d->allowed = d->check_disabled = true;
    d->reason_count = 0;
}

static bool is_public(const checking *x)
{
    const policy_query q = {.who = &principal_anonymous, .permission = PERMISSION_INVOKE};
    return x->target->check_disabled || policy_allows(x->target->policy, &q);
}

static void explain_refusal(checking *x)
{
    guard_verdict *v = x->verdict;
    v->code = v->who ? IAM_DENIED : IAM_ANONYMOUS;
    if (!v->who) {
        (void)err_set(&v->reason, IAM_ANONYMOUS, "the call carries no identity");
        (void)err_hint(&v->reason,
                       "send Authorization: Bearer $(gatepost token --audience URL), or "
                       "call with gatepost run or gatepost connect");
        return;
    }
    buf text;
    buf_init(&text, 1024);
    decision_summary(&v->decision, &text);
    (void)err_set(&v->reason, IAM_DENIED, "%s", buf_cstr(&text));
    const binding_reason *near = decision_condition(&v->decision);
    if (near)
        (void)err_hint(&v->reason, "call so that it is met: " STR_FMT, STR_ARG(near->expression));
    else
        (void)err_hint(&v->reason, "bind " STR_FMT " to roles/run.invoker in the service's policy",
                       STR_ARG(v->decision.principal));
    buf_deinit(&text);
}

static void authorise(checking *x)
{
    guard_verdict *v = x->verdict;
    decide(x, v->who ? v->who : &principal_anonymous, &v->decision);
    v->has_decision = true;
    v->allowed = v->decision.allowed;
    if (!v->allowed)
        explain_refusal(x);
}

// ---- what goes on -------------------------------------------------------------------------------

// A service gets tokens that can't be used again: always in X-Serverless-Authorization, and those
// of people that are good elsewhere too. For others the sources conflict (contract §1).
static void rewrite(checking *x)
{
    const bearer *b = &x->bearer;
    guard_verdict *v = x->verdict;
    bool removes = b->serverless ? v->who || jwt_looks_like(b->token)
                                 : x->client_token || (x->target->remove_signature && v->who);
    if (!b->token.len || !removes)
        return;
    guard_rewrite *r = b->serverless ? &v->serverless : &v->authorization;
    *r = (guard_rewrite){.replace = true, .value = bearer_without_signature(b, x->mem)};
}

static void conclude(checking *x)
{
    guard_verdict *v = x->verdict;
    v->status = v->allowed ? 200 : code_http(v->code);
    if (v->code == JWT_AUDIENCE)
        v->www_authenticate = STR("Bearer error=\"invalid_token\" error_description=\"The access "
                                  "token could not be verified\"");
    if (v->allowed)
        rewrite(x);
    entry_add(x->g->options.spool, x->target, x->call, &x->ignored, v);
}

guard_state guard_check(guard *g, const guard_target *t, const guard_call *c, arena *a,
                        guard_verdict *v)
{
    *v = (guard_verdict){0};
    v->code = audit_spool_check(g->options.spool, &v->reason);
    if (v->code) {
        v->status = code_http(v->code);
        return GUARD_DONE;
    }
    checking x = {.g = g, .target = t, .call = c, .mem = a, .verdict = v};
    bool wait = identify(&x, &v->code, &v->reason) == OIDC_WAIT;
    if (wait || v->code) {
        bool passes = is_public(&x);
        if (wait && !passes)
            return GUARD_WAIT;
        if (passes) { // an open door waits for no keys and asks for no token
            x.ignored = v->reason;
            if (wait)
                (void)err_set(&x.ignored, OIDC_KEYS, "the issuer's keys aren't here yet");
            v->code = OK;
            v->reason = ERR_INIT;
        }
    }
    if (v->code == OK)
        authorise(&x);
    conclude(&x);
    return GUARD_DONE;
}
