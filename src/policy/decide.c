// SPDX-License-Identifier: Apache-2.0
#include "policy/binding.h"

enum { NEAR_MISS_SCAN_MAX = 1000 }; // members of one binding that are looked at for a hint

// The member by which the binding covers the caller, or NULL.
static const member *covering(const binding *b, const policy_query *q)
{
    for (size_t i = 0; i < b->count; i++)
        if (member_matches(&b->members[i], q->who, q->authenticated))
            return &b->members[i];
    return NULL;
}

static bool condition_met(const binding *b, const policy_query *q)
{
    bool holds = true;
    return !b->condition || (condition_holds(b->condition, q, &holds, NULL) == OK && holds);
}

static const binding *granting(const policy *p, const policy_query *q, const member **ret_member)
{
    for (size_t i = 0; i < p->count; i++) {
        const binding *b = &p->bindings[i];
        *ret_member = covering(b, q);
        if (*ret_member && role_permits(p->roles, b->role, q->permission) && condition_met(b, q))
            return b;
    }
    return NULL;
}

bool policy_allows(const policy *p, const policy_query *q)
{
    const member *m;
    return granting(p, q, &m) != NULL;
}

static void find_near_miss(const binding *b, const policy_query *q, arena *a, binding_reason *r)
{
    buf text;
    buf_init(&text, 1024);
    for (size_t i = 0; i < b->count && i < NEAR_MISS_SCAN_MAX; i++) {
        if (!member_near_miss(&b->members[i], q->who, &text))
            continue;
        r->member = arena_str(a, b->members[i].text);
        r->near_miss = arena_str(a, buf_str(&text));
        break;
    }
    buf_deinit(&text);
}

// Of a binding that would grant it but for its condition.
static void explain_condition(const binding *b, const policy_query *q, arena *a, binding_reason *r)
{
    bool holds;
    err why = ERR_INIT;
    r->outcome = BINDING_CONDITION_FALSE;
    r->expression = arena_str(a, b->condition->expression);
    if (condition_holds(b->condition, q, &holds, &why)) {
        r->outcome = BINDING_CONDITION_FAILED;
        r->failure = arena_str(a, str_from(why.msg));
    }
}

static void explain_members(const binding *b, const policy_query *q, arena *a, binding_reason *r)
{
    const member *m = covering(b, q);
    if (m && b->condition) {
        r->member = arena_str(a, m->text);
        explain_condition(b, q, a, r);
    } else {
        r->outcome = BINDING_NO_MEMBER;
        find_near_miss(b, q, a, r);
    }
}

static void explain_refusal(const policy *p, const policy_query *q, arena *a, decision *d)
{
    binding_reason *reasons = arena_array(a, p->count, sizeof(*reasons));
    for (size_t i = 0; i < p->count; i++) {
        const binding *b = &p->bindings[i];
        binding_reason *r = &reasons[i];
        *r = (binding_reason){.role = arena_str(a, b->role),
                              .member_count = b->count,
                              .condition = arena_str(a, condition_name(b->condition)),
                              .line = b->at.line};
        if (!role_known(p->roles, b->role))
            r->outcome = BINDING_ROLE_UNKNOWN;
        else if (!role_permits(p->roles, b->role, q->permission))
            r->outcome = BINDING_ROLE_LACKS;
        else
            explain_members(b, q, a, r);
    }
    d->reasons = reasons;
    d->reason_count = p->count;
}

void policy_decide(const policy *p, const policy_query *q, arena *a, decision *d)
{
    buf name;
    buf_init(&name, 4096);
    principal_name(q->who, &name);
    *d = (decision){.permission = q->permission,
                    .resource = q->resource,
                    .principal = arena_str(a, buf_str(&name))};
    buf_deinit(&name);
    const member *m = NULL;
    const binding *b = granting(p, q, &m);
    if (!b) {
        explain_refusal(p, q, a, d);
        return;
    }
    binding_reason *r = ARENA_NEW(a, binding_reason);
    *r = (binding_reason){.outcome = BINDING_GRANTS,
                          .role = arena_str(a, b->role),
                          .member_count = b->count,
                          .member = arena_str(a, m->text),
                          .condition = arena_str(a, condition_name(b->condition)),
                          .line = b->at.line};
    d->allowed = true;
    d->reasons = r;
    d->reason_count = 1;
}
