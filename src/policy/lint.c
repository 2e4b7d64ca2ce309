// SPDX-License-Identifier: Apache-2.0
// What is written rightly and meant wrongly.
#include <string.h>

#include "policy/binding.h"

typedef struct linter linter;
struct linter {
    arena *a;
    const policy *policy;
    const binding *binding;
    policy_findings *out;
};

typedef struct rule rule;
struct rule {
    policy_severity severity;
    const char *name;
    const char *message;
    const char *fix;
};

static void add(linter *l, const rule *r, place at, str member_text)
{
    policy_findings *f = l->out;
    if (f->len == f->cap) {
        size_t cap = f->cap ? f->cap * 2 : 16;
        policy_finding *ptr = arena_array(l->a, cap, sizeof(*ptr));
        if (f->len)
            memcpy(ptr, f->ptr, f->len * sizeof(*ptr));
        f->ptr = ptr;
        f->cap = cap;
    }
    f->warnings += r->severity == POLICY_WARNING;
    f->ptr[f->len++] = (policy_finding){.severity = r->severity,
                                        .rule = r->name,
                                        .role = l->binding->role,
                                        .member = member_text,
                                        .message = str_from(r->message),
                                        .fix = r->fix,
                                        .line = at.line,
                                        .col = at.col};
}

// ---- members

static const rule public_rule = {
    POLICY_WARNING, "public", "anybody on the internet has this role",
    "grant it to the callers by name; keep allUsers for services that are meant to be public"};
static const rule quasi_public = {
    POLICY_WARNING, "quasi-public",
    "everybody with any Google account has this role: that is as good as public",
    "grant it to the callers by name, or to domain:YOUR-DOMAIN"};
static const rule whole_pool = {
    POLICY_WARNING, "whole-pool",
    "every identity of the pool has this role, whatever its provider lets in",
    "name a subject, a group or an attribute of the pool"};
static const rule account_as_user = {POLICY_WARNING, "account-as-user",
                                     "a service account is named as a user: it never matches",
                                     "write serviceAccount: in place of user:"};
static const rule user_as_account = {POLICY_WARNING, "user-as-account",
                                     "this isn't a service account's address: it never matches",
                                     "write user: in place of serviceAccount:"};
static const rule deleted_member = {POLICY_NOTE, "deleted-member",
                                    "the account was deleted: the member matches nobody",
                                    "remove it"};
static const rule personal_account = {POLICY_NOTE, "personal-account",
                                      "a personal account isn't managed by your organisation",
                                      "use the person's work account, or a group"};
static const rule duplicate_member = {POLICY_NOTE, "duplicate-member",
                                      "the member has this role already", "remove one of the two"};

static const rule *rule_for_member(const member *m)
{
    switch (m->kind) {
    case MEMBER_ALL_USERS:
        return &public_rule;
    case MEMBER_ALL_AUTHENTICATED:
        return &quasi_public;
    case MEMBER_POOL:
        return &whole_pool;
    case MEMBER_DELETED:
        return &deleted_member;
    case MEMBER_USER:
        if (email_is_service_account(m->value))
            return &account_as_user;
        if (str_ends(m->value, STR("@gmail.com")) || str_ends(m->value, STR("@googlemail.com")))
            return &personal_account;
        return NULL;
    case MEMBER_SERVICE_ACCOUNT:
        return email_is_service_account(m->value) ? NULL : &user_as_account;
    default:
        return NULL;
    }
}

// ---- bindings

static const rule basic_role = {POLICY_WARNING, "basic-role",
                                "a basic role permits thousands of things besides",
                                "grant what is needed: roles/run.invoker to call services"};
static const rule unknown_role = {
    POLICY_NOTE, "unknown-role",
    "this role isn't known here: locally it grants nothing, in the cloud it may",
    "check its spelling, or declare it with its permissions among the project's roles"};
static const rule lost_condition = {
    POLICY_WARNING, "lost-condition",
    "the binding has a condition that is missing here: the policy was read as version 1",
    "read it again as version 3: gcloud does, and ?options.requestedPolicyVersion=3"};
static const rule empty_binding = {POLICY_NOTE, "empty-binding", "the binding has no members",
                                   "remove it"};
static const rule duplicate_binding = {POLICY_NOTE, "duplicate-binding",
                                       "the role has a binding already", "merge the two"};

// A role under a condition is another grant than the role.
static str what_is_granted(const linter *l)
{
    const binding *b = l->binding;
    if (!b->condition)
        return b->role;
    return arena_printf(l->a, STR_FMT "\n" STR_FMT, STR_ARG(b->role),
                        STR_ARG(b->condition->expression));
}

static void lint_role(linter *l, const map *seen)
{
    const binding *b = l->binding;
    const rule *r = role_basic(b->role)                         ? &basic_role
                    : str_find(b->role, STR("_withcond_")) >= 0 ? &lost_condition
                    : !role_known(l->policy->roles, b->role)    ? &unknown_role
                                                                : NULL;
    if (r)
        add(l, r, b->at, STR_NONE);
    if (!b->count)
        add(l, &empty_binding, b->at, STR_NONE);
    if (map_has(seen, what_is_granted(l)))
        add(l, &duplicate_binding, b->at, STR_NONE);
}

static void lint_members(linter *l, map *granted)
{
    const binding *b = l->binding;
    for (size_t i = 0; i < b->count; i++) {
        const member *m = &b->members[i];
        const rule *r = rule_for_member(m);
        if (r)
            add(l, r, b->places[i], m->text);
        str key =
            arena_printf(l->a, STR_FMT "\n" STR_FMT, STR_ARG(what_is_granted(l)), STR_ARG(m->text));
        if (map_set(granted, key, l))
            add(l, &duplicate_member, b->places[i], m->text);
    }
}

void policy_lint(const policy *p, arena *a, policy_findings *ret_findings)
{
    *ret_findings = (policy_findings){0};
    linter l = {.a = a, .policy = p, .out = ret_findings};
    map roles = {0}, granted = {0};
    for (size_t i = 0; i < p->count; i++) {
        l.binding = &p->bindings[i];
        lint_role(&l, &roles);
        map_set(&roles, what_is_granted(&l), &l);
        lint_members(&l, &granted);
    }
    map_deinit(&roles, NULL);
    map_deinit(&granted, NULL);
}

// ---- reports

static const char *severity_name(policy_severity s)
{
    return s == POLICY_WARNING ? "warning" : "note";
}

void policy_lint_text(const policy_findings *f, const char *file, buf *out)
{
    for (const policy_finding *x = f->ptr; x < f->ptr + f->len; x++) {
        buf_add_shown(out, str_from(file));
        if (x->line)
            buf_addf(out, ":%u:%u", x->line, x->col);
        buf_addf(out, ": %s: ", severity_name(x->severity));
        buf_add_shown(out, x->role);
        if (x->member.len) {
            buf_addz(out, ", ");
            buf_add_shown(out, x->member);
        }
        buf_addf(out, ": " STR_FMT " [%s]\n  fix: %s\n", STR_ARG(x->message), x->rule, x->fix);
    }
    size_t notes = f->len - f->warnings;
    if (!f->len)
        buf_addz(out, "nothing found\n");
    else
        buf_addf(out, "%zu warning%s, %zu note%s\n", f->warnings, f->warnings == 1 ? "" : "s",
                 notes, notes == 1 ? "" : "s");
}

void policy_lint_json(const policy_findings *f, const char *file, jout *w, const char *key)
{
    jout_object(w, key);
    jout_str(w, "file", str_from(file));
    jout_array(w, "findings");
    for (const policy_finding *x = f->ptr; x < f->ptr + f->len; x++) {
        jout_object(w, NULL);
        jout_str(w, "severity", str_from(severity_name(x->severity)));
        jout_str(w, "rule", str_from(x->rule));
        jout_str(w, "role", x->role);
        if (x->member.len)
            jout_str(w, "member", x->member);
        jout_str(w, "message", x->message);
        jout_str(w, "fix", str_from(x->fix));
        if (x->line) {
            jout_i64(w, "line", x->line);
            jout_i64(w, "column", x->col);
        }
        jout_end(w);
    }
    jout_end(w);
    jout_i64(w, "warnings", (int64_t)f->warnings);
    jout_i64(w, "notes", (int64_t)(f->len - f->warnings));
    jout_end(w);
}
