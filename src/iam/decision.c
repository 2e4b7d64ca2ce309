// SPDX-License-Identifier: Apache-2.0
// The words for a decision. What is decided, and why, is policy's.
#include "data/data.h"
#include "iam/iam.h"

enum { SHOWN_REASONS_MAX = 50 };

const char *binding_outcome_name(binding_outcome o)
{
    switch (o) {
    case BINDING_GRANTS:
        return "grants";
    case BINDING_ROLE_LACKS:
        return "role-lacks-permission";
    case BINDING_ROLE_UNKNOWN:
        return "role-unknown";
    case BINDING_NO_MEMBER:
        return "no-member";
    case BINDING_CONDITION_FALSE:
        return "condition-false";
    case BINDING_CONDITION_FAILED:
        return "condition-failed";
    }
    return "unknown";
}

const binding_reason *decision_condition(const decision *d)
{
    for (size_t i = 0; !d->allowed && i < d->reason_count; i++)
        if (d->reasons[i].outcome == BINDING_CONDITION_FALSE ||
            d->reasons[i].outcome == BINDING_CONDITION_FAILED)
            return &d->reasons[i];
    return NULL;
}

static void refusal_summary(const decision *d, buf *out)
{
    const binding_reason *r = decision_condition(d);
    if (!d->reason_count)
        buf_addz(out, ": the policy has no bindings");
    else if (r)
        buf_addf(out, ": the condition \"" STR_FMT "\" of " STR_FMT " %s", STR_ARG(r->condition),
                 STR_ARG(r->role),
                 r->outcome == BINDING_CONDITION_FALSE ? "isn't met" : "can't be evaluated");
}

void decision_summary(const decision *d, buf *out)
{
    if (d->check_disabled) {
        buf_addz(out, "the service asks for no identity (its IAM check is disabled)");
        return;
    }
    const char *caller = str_eq(d->principal, STR("allUsers")) ? "anybody" : NULL;
    if (caller)
        buf_addz(out, caller);
    else
        buf_adds(out, d->principal);
    buf_addz(out, d->allowed ? " has " : " lacks ");
    buf_adds(out, d->permission);
    if (d->resource.len) {
        buf_addz(out, " on ");
        buf_adds(out, d->resource);
    }
    if (d->allowed && d->reason_count) {
        const binding_reason *r = &d->reasons[0];
        buf_addz(out, " by ");
        buf_adds(out, r->role);
        if (!str_eq(r->member, d->principal)) {
            buf_addz(out, " through ");
            buf_adds(out, r->member);
        }
        if (r->condition.len)
            buf_addf(out, " under its condition \"" STR_FMT "\"", STR_ARG(r->condition));
    }
    if (!d->allowed)
        refusal_summary(d, out);
}

static void no_member_text(const binding_reason *r, buf *out)
{
    if (r->member_count == 1)
        buf_addz(out, ": its one member isn't the caller");
    else
        buf_addf(out, ": none of its %zu members is the caller", r->member_count);
    if (r->near_miss.len)
        buf_addf(out, "; " STR_FMT ": " STR_FMT, STR_ARG(r->member), STR_ARG(r->near_miss));
    buf_addc(out, '\n');
}

static void reason_text(const binding_reason *r, const decision *d, buf *out)
{
    buf_addf(out, "  " STR_FMT, STR_ARG(r->role));
    if (r->line)
        buf_addf(out, " (line %u)", r->line);
    switch (r->outcome) {
    case BINDING_GRANTS:
        buf_addf(out, ": grants it to " STR_FMT "\n", STR_ARG(r->member));
        return;
    case BINDING_ROLE_LACKS:
        buf_addf(out, ": this role doesn't have " STR_FMT "\n", STR_ARG(d->permission));
        return;
    case BINDING_ROLE_UNKNOWN:
        buf_addz(out, ": this role isn't known here, so it grants nothing\n");
        return;
    case BINDING_NO_MEMBER:
        no_member_text(r, out);
        return;
    case BINDING_CONDITION_FALSE:
        buf_addf(out,
                 ": it covers the caller, but its condition \"" STR_FMT "\" isn't met: " STR_FMT
                 "\n",
                 STR_ARG(r->condition), STR_ARG(r->expression));
        return;
    case BINDING_CONDITION_FAILED:
        buf_addf(out,
                 ": it covers the caller, but its condition \"" STR_FMT
                 "\" can't be evaluated (" STR_FMT "): " STR_FMT "\n",
                 STR_ARG(r->condition), STR_ARG(r->failure), STR_ARG(r->expression));
        return;
    }
}

void decision_text(const decision *d, buf *out)
{
    decision_summary(d, out);
    buf_addc(out, '\n');
    for (size_t i = 0; i < d->reason_count && i < SHOWN_REASONS_MAX; i++)
        reason_text(&d->reasons[i], d, out);
    if (d->reason_count > SHOWN_REASONS_MAX)
        buf_addf(out, "  and %zu more bindings\n", d->reason_count - SHOWN_REASONS_MAX);
}

static void reason_json(const binding_reason *r, jout *w)
{
    jout_object(w, NULL);
    jout_str(w, "role", r->role);
    jout_str(w, "outcome", str_from(binding_outcome_name(r->outcome)));
    if (r->member.len)
        jout_str(w, "member", r->member);
    if (r->near_miss.len)
        jout_str(w, "nearMiss", r->near_miss);
    if (r->condition.len)
        jout_str(w, "condition", r->condition);
    if (r->expression.len)
        jout_str(w, "expression", r->expression);
    if (r->failure.len)
        jout_str(w, "failure", r->failure);
    if (r->outcome == BINDING_NO_MEMBER)
        jout_i64(w, "members", (int64_t)r->member_count);
    if (r->line)
        jout_i64(w, "line", r->line);
    jout_end(w);
}

void decision_json(const decision *d, jout *w, const char *key)
{
    jout_object(w, key);
    jout_bool(w, "allowed", d->allowed);
    if (d->check_disabled)
        jout_bool(w, "checkDisabled", true);
    jout_str(w, "permission", d->permission);
    if (d->resource.len)
        jout_str(w, "resource", d->resource);
    jout_str(w, "principal", d->principal);
    jout_array(w, "bindings");
    for (size_t i = 0; i < d->reason_count && i < SHOWN_REASONS_MAX; i++)
        reason_json(&d->reasons[i], w);
    jout_end(w);
    if (d->reason_count > SHOWN_REASONS_MAX)
        jout_i64(w, "bindingsLeftOut", (int64_t)(d->reason_count - SHOWN_REASONS_MAX));
    jout_end(w);
}
