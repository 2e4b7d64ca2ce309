// SPDX-License-Identifier: Apache-2.0
// What `gatepost policy lint` and `gatepost policy explain` do between their options and their
// output.
#include "policy/binding.h"

code policy_command_lint(const char *path, bool as_json, buf *out, bool *ret_clean, err *e)
{
    role_set *roles = role_set_new();
    policy *p = NULL;
    code c = policy_load_file(path, roles, &p, e);
    if (c == OK) {
        arena a;
        arena_init(&a);
        policy_findings found;
        policy_lint(p, &a, &found);
        *ret_clean = found.warnings == 0;
        if (as_json) {
            jout w = jout_new(out, JSON_PRETTY);
            policy_lint_json(&found, path, &w, NULL);
            buf_addc(out, '\n');
        } else {
            policy_lint_text(&found, path, out);
        }
        arena_deinit(&a);
    }
    policy_unref(p);
    role_set_free(roles);
    return c;
}

static void write_explanation(const decision *d, bool as_json, buf *out)
{
    if (as_json) {
        jout w = jout_new(out, JSON_PRETTY);
        decision_json(d, &w, NULL);
        buf_addc(out, '\n');
        return;
    }
    buf_addz(out, d->allowed ? "allowed: " : "refused: ");
    decision_text(d, out);
    const char *role = d->allowed ? NULL : role_for(d->permission);
    if (role && !str_eq(d->principal, STR("allUsers")))
        buf_addf(out, "fix: bind " STR_FMT " to %s\n", STR_ARG(d->principal), role);
}

static code explain(const policy_explain *x, const policy *p, arena *a, buf *out, bool *ret_allowed,
                    err *e)
{
    principal who;
    code c = principal_parse(x->principal, a, &who, e);
    if (c)
        return c;
    directory *d = directory_new();
    c = directory_load(d, x->groups, e);
    if (c == OK) {
        directory_fill(d, &who, a);
        policy_query q = {.who = &who,
                          .authenticated = who.kind != PRINCIPAL_ANONYMOUS,
                          .permission = x->permission.len ? x->permission : PERMISSION_INVOKE,
                          .resource = x->resource};
        decision got;
        policy_decide(p, &q, a, &got);
        write_explanation(&got, x->as_json, out);
        *ret_allowed = got.allowed;
    }
    directory_free(d);
    return c;
}

code policy_command_explain(const policy_explain *x, buf *out, bool *ret_allowed, err *e)
{
    role_set *roles = role_set_new();
    policy *p = NULL;
    code c = policy_load_file(x->path, roles, &p, e);
    if (c == OK) {
        arena a;
        arena_init(&a);
        c = explain(x, p, &a, out, ret_allowed, e);
        arena_deinit(&a);
    }
    policy_unref(p);
    role_set_free(roles);
    return c;
}
