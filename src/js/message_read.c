// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "js/message.h"

static code refuse(err *e, const char *what)
{
    return err_set(e, SCRIPT_PROTOCOL, "the script worker sent a message with a wrong '%s'", what);
}

// The member, when it is there, must be of that type. NULL: absent.
static bool member(const json *root, const char *key, json_type type, const json **ret)
{
    *ret = json_get(root, key);
    if (*ret && json_is(*ret, JSON_NULL))
        *ret = NULL;
    return !*ret || json_is(*ret, type);
}

static code text(const json *root, const char *key, str *ret, err *e)
{
    const json *v;
    if (!member(root, key, JSON_STRING, &v))
        return refuse(e, key);
    *ret = v ? v->text : STR_NONE;
    return OK;
}

static code flag(const json *root, const char *key, bool *ret, err *e)
{
    const json *v;
    if (!member(root, key, JSON_BOOL, &v))
        return refuse(e, key);
    *ret = v && v->boolean;
    return OK;
}

// A whole number; `otherwise` when absent.
static code number(const json *root, const char *key, int64_t min, int64_t otherwise, int64_t *ret,
                   err *e)
{
    const json *v;
    double d;
    *ret = otherwise;
    if (!member(root, key, JSON_NUMBER, &v))
        return refuse(e, key);
    if (!v)
        return OK;
    if (json_to_f64(v, &d, NULL) || !(d >= (double)min && d <= 9007199254740991.0))
        return refuse(e, key);
    *ret = (int64_t)d;
    return OK;
}

static code id_of(const json *root, uint32_t *ret, err *e)
{
    int64_t id;
    code c = number(root, "id", 1, 0, &id, e);
    if (!c && (id < 1 || id > UINT32_MAX))
        c = refuse(e, "id");
    *ret = (uint32_t)id;
    return c;
}

code message_read_error(const json *root, js_error *ret, err *e)
{
    code c = text(root, "name", &ret->name, e);
    if (!c)
        c = text(root, "message", &ret->message, e);
    if (!c)
        c = text(root, "stack", &ret->stack, e);
    return c;
}

static code optional_error(const json *root, js_error *ret, bool *ret_there, err *e)
{
    const json *v;
    *ret = (js_error){0};
    if (!member(root, "error", JSON_OBJECT, &v))
        return refuse(e, "error");
    *ret_there = v != NULL;
    return v ? message_read_error(v, ret, e) : OK;
}

code message_read_assertion(const json *root, js_assertion *ret, err *e)
{
    int64_t index;
    bool has_error = false;
    *ret = (js_assertion){0};
    code c = text(root, "name", &ret->name, e);
    if (!c)
        c = number(root, "index", 0, 0, &index, e);
    if (!c)
        c = flag(root, "passed", &ret->passed, e);
    if (!c)
        c = flag(root, "skipped", &ret->skipped, e);
    if (!c)
        c = optional_error(root, &ret->error, &has_error, e);
    if (c)
        return c;
    if (index > MESSAGE_LIST_MAX)
        return refuse(e, "index");
    ret->index = (uint32_t)index;
    return ret->passed && has_error ? refuse(e, "passed") : OK;
}

code message_read_console(arena *a, const json *root, str *ret_level, str **ret_messages,
                          size_t *ret_count, err *e)
{
    static const char *const levels[] = {"log", "info", "warn", "error", "debug"};
    const json *list;
    code c = text(root, "level", ret_level, e);
    if (c)
        return c;
    bool known = false;
    for (size_t i = 0; i < ARRAY_LEN(levels); i++)
        known = known || str_eq(*ret_level, str_from(levels[i]));
    if (!known)
        return refuse(e, "level");
    if (!member(root, "messages", JSON_ARRAY, &list) || !list || list->len > MESSAGE_LIST_MAX)
        return refuse(e, "messages");
    *ret_messages = arena_array(a, list->len, sizeof(str));
    *ret_count = 0;
    JSON_EACH (list, m) {
        if (!json_is(m, JSON_STRING))
            return refuse(e, "messages");
        (*ret_messages)[(*ret_count)++] = m->text;
    }
    return OK;
}

code message_read_fetch(const json *root, js_fetch *ret, err *e)
{
    code c = id_of(root, &ret->id, e);
    if (!c)
        c = text(root, "request", &ret->request, e);
    if (!c)
        c = text(root, "item", &ret->item, e);
    if (!c)
        c = text(root, "variables", &ret->variables, e);
    return c ? c : ret->request.len || ret->item.len ? OK : refuse(e, "request");
}

static code read_cookie(const json *root, js_cookie *ret, err *e)
{
    code c = text(root, "name", &ret->name, e);
    if (!c)
        c = text(root, "value", &ret->value, e);
    if (!c)
        c = text(root, "domain", &ret->domain, e);
    if (!c)
        c = text(root, "path", &ret->path, e);
    if (!c)
        c = text(root, "sameSite", &ret->same_site, e);
    if (!c)
        c = number(root, "expires", INT64_MIN / 2048, INT64_MAX, &ret->expires_ms, e);
    if (!c)
        c = number(root, "maxAge", 0, -1, &ret->max_age_s, e);
    if (!c)
        c = flag(root, "secure", &ret->secure, e);
    if (!c)
        c = flag(root, "httpOnly", &ret->http_only, e);
    if (!c)
        c = flag(root, "hostOnly", &ret->host_only, e);
    return c;
}

code message_read_cookie_op(const json *root, js_cookie_op *ret, err *e)
{
    static const char *const kinds[] = {"get", "set", "unset", "clear"};
    const json *cookie;
    str op;
    *ret = (js_cookie_op){.cookie = {.expires_ms = INT64_MAX, .max_age_s = -1}};
    code c = id_of(root, &ret->id, e);
    if (!c)
        c = text(root, "op", &op, e);
    if (!c)
        c = text(root, "url", &ret->url, e);
    if (!c)
        c = text(root, "name", &ret->name, e);
    if (!c)
        c = text(root, "value", &ret->value, e);
    if (c)
        return c;
    size_t kind = 0;
    while (kind < ARRAY_LEN(kinds) && !str_eq(op, str_from(kinds[kind])))
        kind++;
    if (kind == ARRAY_LEN(kinds))
        return refuse(e, "op");
    ret->kind = (js_cookie_kind)kind;
    if (!ret->url.len || ret->url.len > MESSAGE_URL_BYTES_MAX)
        return refuse(e, "url");
    if (!member(root, "cookie", JSON_OBJECT, &cookie))
        return refuse(e, "cookie");
    return cookie ? read_cookie(cookie, &ret->cookie, e) : OK;
}

static code read_change(const json *v, js_change *ret, err *e)
{
    // Data of an iteration is not for scripts to change.
    static const struct {
        const char *key;
        js_scope_name scope;
    } scopes[] = {{"globals", JS_GLOBALS},
                  {"collection", JS_COLLECTION},
                  {"environment", JS_ENVIRONMENT},
                  {"local", JS_LOCAL},
                  {"vault", JS_VAULT}};
    static const char *const kinds[] = {"set", "unset", "clear"};
    str scope, kind;
    code c = text(v, "scope", &scope, e);
    if (!c)
        c = text(v, "kind", &kind, e);
    if (!c)
        c = text(v, "key", &ret->key, e);
    if (!c)
        c = text(v, "value", &ret->value, e);
    if (!c)
        c = text(v, "type", &ret->type, e);
    if (c)
        return c;
    size_t s = 0, k = 0;
    while (s < ARRAY_LEN(scopes) && !str_eq(scope, str_from(scopes[s].key)))
        s++;
    while (k < ARRAY_LEN(kinds) && !str_eq(kind, str_from(kinds[k])))
        k++;
    if (s == ARRAY_LEN(scopes) || k == ARRAY_LEN(kinds))
        return refuse(e, "changes");
    ret->scope = scopes[s].scope;
    ret->kind = (js_change_kind)k;
    return OK;
}

static code read_changes(arena *a, const json *root, js_result *ret, err *e)
{
    const json *list;
    if (!member(root, "changes", JSON_ARRAY, &list) || (list && list->len > MESSAGE_LIST_MAX))
        return refuse(e, "changes");
    if (!list)
        return OK;
    js_change *changes = arena_array(a, list->len, sizeof(js_change));
    ret->changes = changes;
    JSON_EACH (list, m) {
        code c = read_change(m, &changes[ret->change_count], e);
        if (c)
            return c;
        ret->change_count++;
    }
    return OK;
}

code message_read_done(arena *a, const json *root, js_result *ret, err *e)
{
    bool failed = false, timed_out;
    *ret = (js_result){0};
    code c = read_changes(a, root, ret, e);
    if (!c)
        c = text(root, "request", &ret->request, e);
    if (!c)
        c = text(root, "next", &ret->next, e);
    if (!c)
        c = flag(root, "skip", &ret->skip, e);
    if (!c)
        c = flag(root, "timeout", &timed_out, e);
    if (!c)
        c = flag(root, "spoiled", &ret->spoiled, e);
    if (!c)
        c = optional_error(root, &ret->error, &failed, e);
    if (c)
        return c;
    const json *next = json_get(root, "next");
    ret->next_kind = !next                      ? JS_NEXT_UNSET
                     : json_is(next, JSON_NULL) ? JS_NEXT_STOP
                                                : JS_NEXT_NAMED;
    ret->code = timed_out ? SCRIPT_TIMEOUT : failed ? SCRIPT_FAILED : OK;
    return OK;
}
