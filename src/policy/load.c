// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "policy/binding.h"

enum { VERSION_UNSAID = -1, VERSION_CONDITIONS = 3 };

policy *policy_new(const role_set *roles)
{
    policy *p = NEW(policy);
    arena_init(&p->memory);
    p->refs = 1;
    p->roles = roles;
    p->version = VERSION_UNSAID;
    return p;
}

policy *policy_ref(policy *p)
{
    p->refs++;
    return p;
}

policy *policy_join(policy *a, policy *b)
{
    policy *p = policy_new(a->roles);
    p->bindings = arena_array(&p->memory, a->count + b->count, sizeof(*p->bindings));
    policy *const parts[] = {a, b};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        p->parts[i] = policy_ref(parts[i]);
        for (size_t k = 0; k < parts[i]->count; k++)
            p->bindings[p->count++] = parts[i]->bindings[k];
    }
    return p;
}

void policy_unref(policy *p)
{
    if (!p || --p->refs)
        return;
    for (size_t i = 0; i < ARRAY_LEN(p->parts); i++)
        policy_unref(p->parts[i]);
    for (size_t i = 0; p->env && i < p->count; i++)
        if (p->bindings[i].condition)
            cel_program_free(p->bindings[i].condition->program);
    cel_env_free(p->env);
    arena_deinit(&p->memory);
    free(p);
}

size_t policy_binding_count(const policy *p)
{
    return p->count;
}

// A reader of data's refused the value: for those who load policies that is one kind of error.
static code invalid(err *e)
{
    if (e)
        e->code = POLICY_INVALID;
    return POLICY_INVALID;
}

static code load_member(policy *p, const json *v, binding *b, err *e)
{
    if (json_want(v, JSON_STRING, e) != OK)
        return invalid(e);
    code c = member_parse(v->text, &p->memory, &b->members[b->count], e);
    if (c)
        err_at(e, v->file, v->line, v->col);
    b->places[b->count++] = (place){v->line, v->col};
    return c;
}

static code load_binding(policy *p, const json *v, size_t *members_left, err *e)
{
    binding *b = &p->bindings[p->count];
    const json *members = NULL, *when = json_get(v, "condition");
    if (JSON_KNOWN(v, e, "role", "members", "condition") != OK ||
        json_get_str(v, "role", &b->role, e) != OK || json_get_arr(v, "members", &members, e) != OK)
        return invalid(e);
    if (!b->role.len || b->role.len > 256)
        return json_err(json_get(v, "role"), e, POLICY_INVALID, "must be a role such as %s",
                        "roles/run.invoker");
    if (members->len > *members_left)
        return json_err(members, e, POLICY_INVALID, "a policy has at most %d members",
                        POLICY_MEMBERS_MAX);
    *members_left -= members->len;
    b->role = arena_str(&p->memory, b->role);
    b->at = (place){v->line, v->col};
    b->members = arena_array(&p->memory, members->len, sizeof(*b->members));
    b->places = arena_array(&p->memory, members->len, sizeof(*b->places));
    JSON_EACH (members, m) {
        code c = load_member(p, m, b, e);
        if (c)
            return c;
    }
    p->count++;
    return when && when->type != JSON_NULL ? condition_load(p, when, b, e) : OK;
}

// auditConfigs says what Google logs; here every call is logged, so it is checked and kept.
static code check_audit_config(const json *v, err *e)
{
    const json *configs = NULL;
    str text;
    if (JSON_KNOWN(v, e, "service", "auditLogConfigs") != OK ||
        json_get_str(v, "service", &text, e) != OK ||
        json_get_arr(v, "auditLogConfigs", &configs, e) != OK)
        return invalid(e);
    JSON_EACH (configs, at) {
        const json *exempted = NULL;
        if (JSON_KNOWN(at, e, "logType", "exemptedMembers") != OK ||
            json_get_str(at, "logType", &text, e) != OK ||
            json_opt_arr(at, "exemptedMembers", &exempted, e) != OK)
            return invalid(e);
    }
    return OK;
}

static code bad_version(const json *v, err *e)
{
    (void)json_err(v, e, POLICY_INVALID, "must be 1 or 3");
    return err_hint(e, "write 1; 3 is for policies with conditions");
}

static code load_rest(policy *p, const json *root, err *e)
{
    const json *configs = NULL;
    if (json_opt_str(root, "etag", &p->etag, e) != OK ||
        json_opt_i64(root, "version", &p->version, e) != OK ||
        json_opt_arr(root, "auditConfigs", &configs, e) != OK)
        return invalid(e);
    const json *version = json_get(root, "version");
    if (version && p->version != 0 && p->version != 1 && p->version != VERSION_CONDITIONS)
        return bad_version(version, e);
    p->etag = arena_str(&p->memory, p->etag);
    JSON_EACH (configs, v) {
        code c = check_audit_config(v, e);
        if (c)
            return c;
    }
    p->audit_configs = configs ? json_copy(&p->memory, configs) : NULL;
    return OK;
}

static code fill(policy *p, const json *root, err *e)
{
    const json *bindings = NULL;
    if (json_want(root, JSON_OBJECT, e) != OK ||
        JSON_KNOWN(root, e, "bindings", "etag", "version", "auditConfigs") != OK ||
        json_opt_arr(root, "bindings", &bindings, e) != OK)
        return invalid(e);
    code c = load_rest(p, root, e);
    if (c || !bindings)
        return c;
    if (bindings->len > POLICY_BINDINGS_MAX)
        return json_err(bindings, e, POLICY_INVALID, "a policy has at most %d bindings",
                        POLICY_BINDINGS_MAX);
    p->bindings = arena_array(&p->memory, bindings->len, sizeof(*p->bindings));
    size_t members_left = POLICY_MEMBERS_MAX;
    JSON_EACH (bindings, v) {
        c = load_binding(p, v, &members_left, e);
        if (c)
            return c;
    }
    return OK;
}

// As Google has it: who doesn't say 3 doesn't know of conditions.
static code check_version(const policy *p, const json *root, err *e)
{
    if (!p->env || p->version == VERSION_UNSAID || p->version == VERSION_CONDITIONS)
        return OK;
    (void)json_err(json_get(root, "version"), e, POLICY_CONDITION,
                   "must be 3 in a policy with conditions");
    return err_hint(e, "write version: 3");
}

code policy_load(const json *root, const role_set *roles, policy **ret_policy, err *e)
{
    policy *p = policy_new(roles);
    code c = fill(p, root, e);
    if (c == OK)
        c = check_version(p, root, e);
    if (c)
        policy_unref(p);
    else
        *ret_policy = p;
    return c;
}

code policy_load_text(str text, const char *file, const role_set *roles, policy **ret_policy,
                      err *e)
{
    arena a;
    arena_init(&a);
    json_opts opts = {.file = file,
                      .bytes_max = POLICY_BYTES_MAX,
                      .depth_max = 16,
                      .values_max = 4 * POLICY_MEMBERS_MAX};
    json *root = NULL;
    // JSON is YAML too, but its own reader knows better what is wrong with it.
    bool is_json = str_starts(str_trim(text), STR("{"));
    code c =
        is_json ? json_parse(&a, text, &opts, &root, e) : yaml_parse(&a, text, &opts, &root, e);
    if (c == OK)
        c = policy_load(root, roles, ret_policy, e);
    arena_deinit(&a);
    return c;
}

code policy_load_file(const char *path, const role_set *roles, policy **ret_policy, err *e)
{
    arena a;
    arena_init(&a);
    str text;
    code c = file_read(&a, path, POLICY_BYTES_MAX, &text, e);
    if (c == OK)
        c = policy_load_text(text, path, roles, ret_policy, e);
    arena_deinit(&a);
    return c;
}

str policy_etag(const policy *p)
{
    return p->etag.len ? p->etag : STR("ACAB");
}

static int64_t version_of(const policy *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->bindings[i].condition)
            return VERSION_CONDITIONS;
    return p->version > 0 ? p->version : 1;
}

void policy_json(const policy *p, jout *w, const char *key)
{
    jout_object(w, key);
    if (p->count) {
        jout_array(w, "bindings");
        for (const binding *b = p->bindings; b < p->bindings + p->count; b++) {
            jout_object(w, NULL);
            jout_array(w, "members");
            for (size_t i = 0; i < b->count; i++)
                jout_str(w, NULL, b->members[i].text);
            jout_end(w);
            jout_str(w, "role", b->role);
            if (b->condition)
                condition_json(b->condition, w, "condition");
            jout_end(w);
        }
        jout_end(w);
    }
    if (p->audit_configs)
        jout_json(w, "auditConfigs", p->audit_configs);
    jout_str(w, "etag", policy_etag(p));
    if (p->count)
        jout_i64(w, "version", version_of(p));
    jout_end(w);
}
