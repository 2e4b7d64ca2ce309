// SPDX-License-Identifier: Apache-2.0
// What `gatepost policy lint` and `gatepost policy explain` do between their options and their
// output.
#include "cel/cel_json.h"
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

enum { NS_PER_S = 1000000000 };

static void write_fix(const decision *d, buf *out)
{
    const binding_reason *near = decision_condition(d);
    const char *role = role_for(d->permission);
    if (d->allowed || str_eq(d->principal, STR("allUsers")))
        return;
    if (near)
        buf_addf(out,
                 "fix: call so that \"" STR_FMT "\" is met, or change it; --with NAME=VALUE tries "
                 "another call\n",
                 STR_ARG(near->condition));
    else if (role)
        buf_addf(out, "fix: bind " STR_FMT " to %s\n", STR_ARG(d->principal), role);
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
    write_fix(d, out);
}

// ---- what is said of the call

static code not_a(const char *type, str name, err *e)
{
    (void)err_set(e, POLICY_ATTRIBUTE, "'" STR_FMT "' is a %s", STR_ARG(name), type);
    return err_hint(e, str_eq(str_from(type), STR("timestamp"))
                           ? "write it as 2026-12-31T23:59:59Z"
                           : "write a number as it is, a list or a map as JSON");
}

static code read_value(const char *type, str name, str text, arena *a, cel_value *ret, err *e)
{
    int64_t number;
    json *root;
    *ret = cel_string(text);
    if (str_eq(str_from(type), STR("string")))
        return OK;
    if (str_eq(str_from(type), STR("timestamp"))) {
        if (!clock_parse_rfc3339(text, &number))
            return not_a(type, name, e);
        *ret = cel_timestamp(number / NS_PER_S, (int32_t)(number % NS_PER_S));
        return OK;
    }
    if (json_parse(a, text, NULL, &root, NULL))
        return not_a(type, name, e);
    json_type wanted = type[0] == 'm' ? JSON_OBJECT : type[0] == 'l' ? JSON_ARRAY : JSON_NUMBER;
    if (root->type != wanted)
        return not_a(type, name, e);
    *ret = cel_from_json(a, root);
    return OK;
}

static code read_attribute(str given, arena *a, cel_entry *ret, err *e)
{
    str name, value;
    bool whole = str_cut(given, '=', &name, &value);
    const char *type = policy_attribute_type(name);
    bool of_api = str_chr(name, '/') > 0; // for api.getAttribute
    if (!whole || (!type && !of_api)) {
        (void)err_set(e, POLICY_ATTRIBUTE, "\"" STR_FMT "\" isn't NAME=VALUE of an attribute",
                      STR_ARG(str_sub(given, 0, 100)));
        return err_hint(e, "for example request.path=/admin; doc/conditions.md lists the names");
    }
    ret->key = cel_string(name);
    return read_value(of_api ? "list" : type, name, value, a, &ret->value, e);
}

static code read_attributes(const policy_explain *x, arena *a, cel_map *ret, err *e)
{
    int64_t now_ns = clock_wall_ns();
    cel_entry *entries = arena_array(a, x->attribute_count + 1, sizeof(*entries));
    *ret = (cel_map){.entries = entries};
    for (; ret->len < x->attribute_count; ret->len++) {
        code c = read_attribute(x->attributes[ret->len], a, &entries[ret->len], e);
        if (c)
            return c;
    }
    // The first of a name counts.
    entries[ret->len++] = (cel_entry){
        cel_string(STR("request.time")),
        cel_timestamp(now_ns / NS_PER_S, (int32_t)(now_ns % NS_PER_S)),
    };
    return OK;
}

static code explain(const policy_explain *x, const policy *p, arena *a, buf *out, bool *ret_allowed,
                    err *e)
{
    principal who;
    cel_map attributes;
    code c = principal_parse(x->principal, a, &who, e);
    if (c == OK)
        c = read_attributes(x, a, &attributes, e);
    if (c)
        return c;
    directory *d = directory_new();
    c = directory_load(d, x->groups, e);
    if (c == OK) {
        directory_fill(d, &who, a);
        const cel_activation call = {.lookup = cel_lookup_map, .ctx = &attributes};
        policy_query q = {.who = &who,
                          .authenticated = who.kind != PRINCIPAL_ANONYMOUS,
                          .permission = x->permission.len ? x->permission : PERMISSION_INVOKE,
                          .resource = x->resource,
                          .call = &call};
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
