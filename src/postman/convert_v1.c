// SPDX-License-Identifier: Apache-2.0
// Collection v1 (a flat list of requests, and folders that name them) as v2.1. What is newer than
// v1 in the file (events, auth) counts; its older forms (tests, currentHelper) stand in for it.
#include "postman/collection.h"
#include "postman/postman.h"

typedef struct converter converter;
struct converter {
    arena *arena;
    map requests; // id → const json *, each taken out when it is placed
    map folders;
};

static json *put(const converter *c, json *obj, const char *key, json *value)
{
    return json_set(c->arena, obj, str_from(key), value);
}

static void put_copy(const converter *c, json *obj, const char *key, const json *value)
{
    if (value && !json_is(value, JSON_NULL))
        put(c, obj, key, json_copy(c->arena, value));
}

static bool is_empty(const json *v)
{
    return !v || json_is(v, JSON_NULL) || (json_is(v, JSON_STRING) && !v->text.len) ||
           (v->type >= JSON_ARRAY && !v->len);
}

// `enabled: false` is v2's `disabled: true`.
static json *copy_params(const converter *c, const json *list)
{
    json *params = json_new(c->arena, JSON_ARRAY);
    JSON_EACH (list, m) {
        if (!json_is(m, JSON_OBJECT) || is_empty(json_get(m, "key")))
            continue;
        json *param = json_push(params, json_copy(c->arena, m));
        if (!json_bool_or(json_get(m, "enabled"), true))
            put(c, param, "disabled", json_new_bool(c->arena, true));
        json_remove(c->arena, param, STR("enabled"));
        if (json_is_str(json_get(m, "type"), "file") && is_empty(json_get(m, "src")))
            put_copy(c, param, "src", json_get(m, "value"));
    }
    return params;
}

// ---- events and auth

static void push_event(const converter *c, json *events, const char *listen, const json *source)
{
    if (is_empty(source))
        return;
    json *event = json_push(events, json_new(c->arena, JSON_OBJECT));
    put(c, event, "listen", json_new_str(c->arena, str_from(listen)));
    json *script = put(c, event, "script", json_new(c->arena, JSON_OBJECT));
    put_copy(c, script, "exec", source);
}

static void convert_events(const converter *c, const json *from, json *to)
{
    const json *written = json_get(from, "events");
    if (json_is(written, JSON_ARRAY) && written->len) {
        put_copy(c, to, "event", written);
        return;
    }
    json *events = put(c, to, "event", json_new(c->arena, JSON_ARRAY));
    push_event(c, events, "prerequest", json_get(from, "preRequestScript"));
    push_event(c, events, "test", json_get(from, "tests"));
}

static str auth_type(str helper)
{
    static const struct {
        const char *helper, *type;
    } types[] = {{"basicAuth", "basic"},      {"bearerAuth", "bearer"}, {"digestAuth", "digest"},
                 {"hawkAuth", "hawk"},        {"oAuth1", "oauth1"},     {"oAuth2", "oauth2"},
                 {"awsSigV4", "awsv4"},       {"ntlmAuth", "ntlm"},     {"apikeyAuth", "apikey"},
                 {"edgegridAuth", "edgegrid"}};
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_eq(helper, str_from(types[i].helper)))
            return str_from(types[i].type);
    return helper;
}

static void convert_auth(const converter *c, const json *from, json *to)
{
    const json *auth = json_get(from, "auth"), *helper = json_get(from, "currentHelper");
    if (json_is(auth, JSON_OBJECT)) {
        put_copy(c, to, "auth", auth);
        return;
    }
    if (!json_is(helper, JSON_STRING) || json_is_str(helper, "normal"))
        return;
    json *converted = put(c, to, "auth", json_new(c->arena, JSON_OBJECT));
    str type = auth_type(helper->text);
    put(c, converted, "type", json_new_str(c->arena, type));
    const json *attributes = json_get(from, "helperAttributes");
    if (json_is(attributes, JSON_OBJECT))
        json_set(c->arena, converted, type, json_copy(c->arena, attributes));
}

// ---- request

// Lines "Name: value"; "//" in front of one disables it, what isn't of this form is no header.
static void convert_header_text(const converter *c, json *list, str text)
{
    map known = {0};
    JSON_EACH (list, m)
        map_set(&known, json_str_or(json_get(m, "key"), STR_NONE), list);
    for (str line, key, value; str_next(&text, '\n', &line);) {
        bool header = str_cut(line, ':', &key, &value);
        key = str_trim(key);
        bool disabled = str_starts(key, STR("//"));
        if (disabled)
            key = str_trim(str_skip(key, 2));
        if (!header || !key.len || str_chr(key, ' ') >= 0 || map_set(&known, key, list))
            continue;
        json *h = json_push(list, json_new(c->arena, JSON_OBJECT));
        put(c, h, "key", json_new_str(c->arena, key));
        put(c, h, "value", json_new_str(c->arena, str_trim(value)));
        if (disabled)
            put(c, h, "disabled", json_new_bool(c->arena, true));
    }
    map_deinit(&known, NULL);
}

// The text holds what `headerData` lacks.
static json *convert_headers(const converter *c, const json *v1)
{
    const json *text = json_get(v1, "headers"), *data = json_get(v1, "headerData");
    if (json_is(text, JSON_ARRAY))
        return json_copy(c->arena, text);
    json *list = copy_params(c, data);
    if (json_is(text, JSON_STRING))
        convert_header_text(c, list, text->text);
    return list;
}

static const char *body_mode(const json *v1)
{
    static const struct {
        const char *v1, *mode;
    } modes[] = {{"params", "formdata"},
                 {"urlencoded", "urlencoded"},
                 {"raw", "raw"},
                 {"binary", "file"},
                 {"graphql", "graphql"}};
    const json *mode = json_get(v1, "dataMode");
    for (size_t i = 0; i < ARRAY_LEN(modes); i++)
        if (json_is_str(mode, modes[i].v1))
            return modes[i].mode;
    bool nothing = is_empty(json_get(v1, "data")) && is_empty(json_get(v1, "rawModeData")) &&
                   is_empty(json_get(v1, "graphqlModeData"));
    if (nothing || json_is(mode, JSON_NULL))
        return NULL;
    if (is_empty(json_get(v1, "rawModeData")) && json_is(json_get(v1, "data"), JSON_ARRAY))
        return "formdata";
    return is_empty(json_get(v1, "graphqlModeData")) ? "raw" : "graphql";
}

// A string, or an array that holds just one.
static const json *raw_text(const json *v1)
{
    const json *raw = json_get(v1, "rawModeData");
    if (json_is(raw, JSON_ARRAY) && raw->len == 1)
        raw = json_first(raw);
    return json_is(raw, JSON_STRING) ? raw : NULL;
}

static void convert_body(const converter *c, const json *v1, json *request)
{
    const char *mode = body_mode(v1);
    const json *data = json_get(v1, "data"), *raw = raw_text(v1);
    const json *data_options = json_get(v1, "dataOptions");
    if (!mode)
        return;
    json *body = put(c, request, "body", json_new(c->arena, JSON_OBJECT));
    put(c, body, "mode", json_new_str(c->arena, str_from(mode)));
    if (!strcmp(mode, "raw"))
        put(c, body, "raw", json_new_str(c->arena, json_str_or(raw ? raw : data, STR_NONE)));
    else if (!strcmp(mode, "graphql"))
        put_copy(c, body, "graphql", json_get(v1, "graphqlModeData"));
    else if (!strcmp(mode, "file"))
        put_copy(c, put(c, body, "file", json_new(c->arena, JSON_OBJECT)), "src", raw);
    else
        json_set(c->arena, body, str_from(mode), copy_params(c, data));
    if (json_is(data_options, JSON_OBJECT))
        put_copy(c, body, "options", data_options);
    if (json_bool_or(json_get(v1, "dataDisabled"), false))
        put(c, body, "disabled", json_new_bool(c->arena, true));
}

static json *convert_url(const converter *c, const json *v1)
{
    pm_url u;
    pm_url_read(c->arena, json_get(v1, "url"), &u);
    json *url = pm_url_json(c->arena, &u);
    json *query = copy_params(c, json_get(v1, "queryParams"));
    json *variables = copy_params(c, json_get(v1, "pathVariableData"));
    JSON_EACH (json_get(v1, "pathVariables"), m) {
        json *variable = json_push(variables, json_new(c->arena, JSON_OBJECT));
        put(c, variable, "key", json_new_str(c->arena, m->key));
        put_copy(c, variable, "value", m);
    }
    if (query->len)
        put(c, url, "query", query);
    if (variables->len)
        put(c, url, "variable", variables);
    return url;
}

static void convert_request(const converter *c, const json *v1, json *members)
{
    json *item = json_push(members, json_new(c->arena, JSON_OBJECT));
    json *request = json_new(c->arena, JSON_OBJECT);
    put_copy(c, item, "id", json_get(v1, "id"));
    put_copy(c, item, "name", json_get(v1, "name"));
    put_copy(c, item, "protocolProfileBehavior", json_get(v1, "protocolProfileBehavior"));
    convert_events(c, v1, item);
    convert_auth(c, v1, request);
    put_copy(c, request, "method", json_get(v1, "method"));
    put(c, request, "header", convert_headers(c, v1));
    convert_body(c, v1, request);
    put(c, request, "url", convert_url(c, v1));
    put_copy(c, request, "description", json_get(v1, "description"));
    put(c, item, "request", request);
}

// ---- folders

// Places what the lists name: folders first, then requests. Each is taken out of its map, so that
// lists that name each other end.
static void convert_members(converter *c, const json *folders, const json *order, json *members,
                            unsigned depth)
{
    JSON_EACH (folders, id) {
        const json *v1 = map_remove(&c->folders, json_str_or(id, STR_NONE));
        if (!v1)
            continue;
        json *folder = json_push(members, json_new(c->arena, JSON_OBJECT));
        put_copy(c, folder, "id", json_get(v1, "id"));
        put_copy(c, folder, "name", json_get(v1, "name"));
        put_copy(c, folder, "description", json_get(v1, "description"));
        put_copy(c, folder, "protocolProfileBehavior", json_get(v1, "protocolProfileBehavior"));
        convert_events(c, v1, folder);
        convert_auth(c, v1, folder);
        json *inner = put(c, folder, "item", json_new(c->arena, JSON_ARRAY));
        if (depth <= PM_DEPTH_MAX)
            convert_members(c, json_get(v1, "folders_order"), json_get(v1, "order"), inner,
                            depth + 1);
    }
    JSON_EACH (order, id) {
        const json *v1 = map_remove(&c->requests, json_str_or(id, STR_NONE));
        if (v1)
            convert_request(c, v1, members);
    }
}

static void index_by_id(map *m, const json *list)
{
    map_init(m);
    JSON_EACH (list, v) {
        str id = json_str_or(json_get(v, "id"), STR_NONE);
        // The map holds no const pointers; nothing is written through it.
        if (id.len)
            map_set(m, id, (void *)(uintptr_t)v);
    }
}

// The ids of the folders at the top: as the file lists them, else those that no other one names.
static const json *top_folders(const converter *c, const json *v1)
{
    const json *order = json_get(v1, "folders_order"), *folders = json_get(v1, "folders");
    if (json_is(order, JSON_ARRAY))
        return order;
    json *ids = json_new(c->arena, JSON_ARRAY);
    map inner;
    map_init(&inner);
    JSON_EACH (folders, folder) {
        JSON_EACH (json_get(folder, "folders_order"), id) {
            map_set(&inner, json_str_or(id, STR_NONE), &inner);
        }
    }
    JSON_EACH (folders, folder) {
        str id = json_str_or(json_get(folder, "id"), STR_NONE);
        if (!map_has(&inner, id))
            json_push(ids, json_new_str(c->arena, id));
    }
    map_deinit(&inner, NULL);
    return ids;
}

json *pm_convert_v1(arena *a, const json *v1)
{
    converter c = {.arena = a};
    json *doc = json_new(a, JSON_OBJECT), *info = put(&c, doc, "info", json_new(a, JSON_OBJECT));
    put_copy(&c, info, "_postman_id", json_get(v1, "id"));
    put_copy(&c, info, "name", json_get(v1, "name"));
    put_copy(&c, info, "description", json_get(v1, "description"));
    put_copy(&c, doc, "variable", json_get(v1, "variables"));
    put_copy(&c, doc, "protocolProfileBehavior", json_get(v1, "protocolProfileBehavior"));
    convert_events(&c, v1, doc);
    convert_auth(&c, v1, doc);
    index_by_id(&c.requests, json_get(v1, "requests"));
    index_by_id(&c.folders, json_get(v1, "folders"));
    json *members = put(&c, doc, "item", json_new(a, JSON_ARRAY));
    convert_members(&c, top_folders(&c, v1), json_get(v1, "order"), members, 0);
    map_deinit(&c.requests, NULL);
    map_deinit(&c.folders, NULL);
    return doc;
}
