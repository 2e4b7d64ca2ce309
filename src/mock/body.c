// SPDX-License-Identifier: Apache-2.0
// Whether a call's body is the one that an example was saved with.
#include "mock/match.h"

enum { FIELDS_MAX = 1000 };

static str filled(const pm_scopes *scopes, str text, arena *a)
{
    buf b;
    buf_init(&b, PM_TEXT_BYTES_MAX);
    pm_resolve(scopes, text, &b);
    str copy = arena_str(a, buf_str(&b));
    buf_deinit(&b);
    return copy;
}

static bool text_eq(str saved, str sent, arena *a)
{
    json *x, *y;
    if (str_eq(str_trim(saved), str_trim(sent)))
        return true;
    return json_parse(a, saved, NULL, &x, NULL) == OK &&
           json_parse(a, sent, NULL, &y, NULL) == OK && json_eq(x, y);
}

// ---- forms --------------------------------------------------------------------------------------

// The same fields the same number of times, in any order.
static bool fields_eq(const mock_params *x, const mock_params *y)
{
    bool taken[FIELDS_MAX] = {false};
    if (x->len != y->len || y->len > FIELDS_MAX)
        return false;
    VEC_FOREACH (x, p) {
        size_t i = 0;
        while (i < y->len &&
               (taken[i] || !str_eq(p->key, y->ptr[i].key) || !str_eq(p->value, y->ptr[i].value)))
            i++;
        if (i == y->len)
            return false;
        taken[i] = true;
    }
    return true;
}

// What was saved: [{key, value, type: text|file, src, disabled}]. Of files the names count.
static void saved_fields(const json *list, const pm_scopes *scopes, arena *a, mock_params *ret)
{
    JSON_EACH (list, f) {
        if (json_bool_or(json_get(f, "disabled"), false))
            continue;
        mock_param p = {.key = filled(scopes, json_str_or(json_get(f, "key"), STR_NONE), a)};
        const json *src = json_get(f, "src");
        if (json_is(src, JSON_ARRAY))
            src = json_at(src, 0);
        if (json_is_str(json_get(f, "type"), "file")) {
            str path = json_str_or(src, STR_NONE);
            ssize_t slash = str_rchr(path, '/');
            p.value = str_skip(path, (size_t)(slash + 1));
        } else {
            p.value = filled(scopes, json_str_or(json_get(f, "value"), STR_NONE), a);
        }
        vec_push(ret, p);
    }
}

// "+" is a blank in forms (WHATWG URL §5.1), and never in what was saved.
static str form_text(str body, arena *a)
{
    char *text = arena_cstr(a, body);
    for (size_t i = 0; i < body.len; i++)
        if (text[i] == '+')
            text[i] = ' ';
    return (str){text, body.len};
}

// A parameter of a header's value: boundary=x, filename="y".
static str parameter(str value, str name)
{
    for (str part; str_next(&value, ';', &part);) {
        str key, text;
        if (!str_cut(str_trim(part), '=', &key, &text) || !str_ieq(str_trim(key), name))
            continue;
        text = str_trim(text);
        bool quoted = text.len > 1 && text.ptr[0] == '"' && text.ptr[text.len - 1] == '"';
        return quoted ? str_sub(text, 1, text.len - 1) : text;
    }
    return STR_NONE;
}

// One part of multipart/form-data (RFC 7578): its head, a blank line, its content.
static void read_part(str part, mock_params *ret)
{
    ssize_t gap = str_find(part, STR("\r\n\r\n"));
    if (gap < 0)
        return;
    str head = str_sub(part, 0, (size_t)gap), content = str_skip(part, (size_t)gap + 4);
    for (str line; str_next(&head, '\n', &line);) {
        if (!str_istarts(line, STR("content-disposition:")))
            continue;
        str file = parameter(line, STR("filename"));
        vec_push(ret, ((mock_param){parameter(line, STR("name")), file.len ? file : content}));
        return;
    }
}

static void sent_parts(const mock_ask *q, arena *a, mock_params *ret)
{
    str type = http_headers_get(q->headers, STR("content-type"));
    str boundary = parameter(type, STR("boundary")), rest = q->body;
    if (!boundary.len)
        return;
    str line = arena_printf(a, "\r\n--" STR_FMT, STR_ARG(boundary));
    str first = str_skip(line, 2);
    if (!str_starts(rest, first))
        return;
    rest = str_skip(rest, first.len);
    while (ret->len < FIELDS_MAX) {
        ssize_t end = str_find(rest, line);
        if (end < 0)
            return;
        read_part(str_sub(rest, 2, (size_t)end), ret);
        rest = str_skip(rest, (size_t)end + line.len);
    }
}

static bool form_eq(const json *saved, str mode, const mock_ask *q, const pm_scopes *scopes,
                    arena *a)
{
    mock_params x = {0}, y = {0};
    saved_fields(json_gets(saved, mode), scopes, a, &x);
    if (str_eq(mode, STR("urlencoded")))
        mock_query_split(a, form_text(q->body, a), &y);
    else
        sent_parts(q, a, &y);
    bool same = fields_eq(&x, &y);
    vec_deinit(&x);
    vec_deinit(&y);
    return same;
}

// ---- all of them --------------------------------------------------------------------------------

// GraphQL goes on the wire as JSON whose variables are a value, and is saved with them as text.
static bool graphql_eq(const json *saved, const mock_ask *q, const pm_scopes *scopes, arena *a)
{
    json *sent;
    const json *g = json_get(saved, "graphql");
    if (json_parse(a, q->body, NULL, &sent, NULL))
        return false;
    str query = filled(scopes, json_str_or(json_get(g, "query"), STR_NONE), a);
    str variables = filled(scopes, json_str_or(json_get(g, "variables"), STR_NONE), a);
    buf text;
    buf_init(&text, PM_TEXT_BYTES_MAX);
    const json *given = json_get(sent, "variables");
    if (given && !json_is(given, JSON_NULL))
        json_write(&text, given, JSON_COMPACT);
    bool same =
        str_eq(str_trim(query), str_trim(json_str_or(json_get(sent, "query"), STR_NONE))) &&
        text_eq(variables.len ? variables : STR("{}"), text.len ? buf_str(&text) : STR("{}"), a);
    buf_deinit(&text);
    return same;
}

bool mock_body_eq(const json *saved, const mock_ask *q, const pm_scopes *scopes, arena *a)
{
    str mode = json_str_or(json_get(saved, "mode"), STR_NONE);
    if (str_eq(mode, STR("urlencoded")) || str_eq(mode, STR("formdata")))
        return form_eq(saved, mode, q, scopes, a);
    if (str_eq(mode, STR("graphql")))
        return graphql_eq(saved, q, scopes, a);
    return text_eq(filled(scopes, json_str_or(json_get(saved, "raw"), STR_NONE), a), q->body, a);
}
