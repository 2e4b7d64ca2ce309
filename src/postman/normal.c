// SPDX-License-Identifier: Apache-2.0
// The many forms that a request may be written in, made one.
#include "postman/collection.h"
#include "postman/postman.h"

static json *put(arena *a, json *obj, const char *key, json *value)
{
    return json_set(a, obj, str_from(key), value);
}

static bool absent(const json *v)
{
    return !v || json_is(v, JSON_NULL);
}

str pm_description(const json *v)
{
    if (json_is(v, JSON_OBJECT))
        v = json_get(v, "content");
    return json_str_or(v, STR_NONE);
}

// ---- auth

json *pm_auth_normal(arena *a, const json *auth)
{
    str type = json_str_or(json_get(auth, "type"), STR_NONE);
    if (!type.len || str_eq(type, STR("type")))
        return NULL;
    json *normal = json_new(a, JSON_OBJECT);
    put(a, normal, "type", json_new_str(a, type));
    const json *written = json_gets(auth, type);
    json *list = json_set(a, normal, type, json_new(a, JSON_ARRAY));
    JSON_EACH (written, m) {
        if (json_is(written, JSON_ARRAY)) {
            if (json_is(m, JSON_OBJECT))
                json_push(list, json_copy(a, m));
            continue;
        }
        json *param = json_push(list, json_new(a, JSON_OBJECT));
        put(a, param, "key", json_new_str(a, m->key));
        put(a, param, "value", json_copy(a, m));
    }
    return normal;
}

// ---- headers

static void push_header(arena *a, json *list, str key, const json *value, bool disabled)
{
    json *h = json_push(list, json_new(a, JSON_OBJECT));
    put(a, h, "key", json_new_str(a, key));
    put(a, h, "value",
        absent(value) || json_is(value, JSON_STRING) ? json_new_str(a, json_str_or(value, STR_NONE))
                                                     : json_copy(a, value));
    if (disabled)
        put(a, h, "disabled", json_new_bool(a, true));
}

// "Name: value"; without a colon it is a name.
static void push_header_line(arena *a, json *list, str line)
{
    str key, value;
    str_cut(line, ':', &key, &value);
    key = str_trim(key);
    if (key.len)
        push_header(a, list, key, json_new_str(a, str_trim(value)), false);
}

static void push_header_lines(arena *a, json *list, str text)
{
    for (str line; str_next(&text, '\n', &line);)
        push_header_line(a, list, line);
}

static json *normal_headers(arena *a, const json *headers)
{
    json *list = json_new(a, JSON_ARRAY);
    if (json_is(headers, JSON_STRING))
        push_header_lines(a, list, headers->text);
    JSON_EACH (headers, m) {
        if (json_is(m, JSON_STRING) && json_is(headers, JSON_ARRAY))
            push_header_line(a, list, m->text);
        else if (json_is(headers, JSON_OBJECT))
            push_header(a, list, m->key, m, false);
        else if (json_is(m, JSON_OBJECT))
            push_header(a, list, json_str_or(json_get(m, "key"), STR_NONE), json_get(m, "value"),
                        json_bool_or(json_get(m, "disabled"), false));
    }
    return list;
}

// ---- request

static json *normal_method(arena *a, const json *method)
{
    str text = json_str_or(method, STR("GET"));
    char *upper = arena_cstr(a, text);
    for (size_t i = 0; i < text.len; i++)
        if (upper[i] >= 'a' && upper[i] <= 'z')
            upper[i] = (char)(upper[i] - 'a' + 'A');
    return json_new_str(a, (str){upper, text.len});
}

static json *normal_url(arena *a, const json *written)
{
    pm_url parts;
    pm_url_read(a, written, &parts);
    return pm_url_json(a, &parts);
}

json *pm_request_normal(arena *a, const json *request)
{
    json *normal = json_new(a, JSON_OBJECT);
    const json *written = json_is(request, JSON_STRING) ? request : json_get(request, "url");
    put(a, normal, "url", normal_url(a, written));
    put(a, normal, "method", normal_method(a, json_get(request, "method")));
    put(a, normal, "header", normal_headers(a, json_get(request, "header")));
    const json *body = json_get(request, "body"), *description = json_get(request, "description");
    if (json_is(body, JSON_OBJECT) && body->len)
        put(a, normal, "body", json_copy(a, body));
    if (!absent(description))
        put(a, normal, "description", json_new_str(a, pm_description(description)));
    json *auth = pm_auth_normal(a, json_get(request, "auth"));
    if (auth)
        put(a, normal, "auth", auth);
    return normal;
}
