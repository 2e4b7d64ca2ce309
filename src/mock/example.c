// SPDX-License-Identifier: Apache-2.0
// Reads the saved examples of a collection.
#include "mock/example.h"

enum { EXAMPLES_MAX = 100000, STATUS_NONE = 200 };

typedef struct reader reader;
struct reader {
    arena *a;
    const pm_scopes *scopes;
    VEC(mock_example) found;
    mock_notes *notes;
};

static str filled(const reader *r, str text)
{
    if (str_find(text, STR("{{")) < 0)
        return text;
    buf b;
    buf_init(&b, PM_TEXT_BYTES_MAX);
    pm_resolve(r->scopes, text, &b);
    str copy = buf_ok(&b) ? arena_str(r->a, buf_str(&b)) : text;
    buf_deinit(&b);
    return copy;
}

static str decoded(arena *a, str text)
{
    if (str_chr(text, '%') < 0)
        return text;
    buf b;
    buf_init(&b, text.len + 1);
    str plain = percent_decode(&b, text) ? arena_str(a, buf_str(&b)) : text;
    buf_deinit(&b);
    return plain;
}

// ---- the request --------------------------------------------------------------------------------

size_t mock_path_split(arena *a, str path, str **ret_segments)
{
    size_t count = 0, max = 1;
    if (str_starts(path, STR("/")))
        path = str_skip(path, 1);
    for (size_t i = 0; i < path.len; i++)
        max += path.ptr[i] == '/';
    *ret_segments = arena_array(a, max, sizeof(str));
    for (bool more = true; more;) {
        str part;
        more = str_cut(path, '/', &part, &path);
        (*ret_segments)[count++] = decoded(a, part);
    }
    return count;
}

void mock_query_split(arena *a, str query, mock_params *ret)
{
    for (str part; str_next(&query, '&', &part);) {
        mock_param p = {0};
        if (!part.len)
            continue;
        str_cut(part, '=', &p.key, &p.value);
        p.key = decoded(a, p.key);
        p.value = decoded(a, p.value);
        vec_push(ret, p);
    }
}

// ":id" as the template that it is: "{{id}}".
static void open_path_variables(const reader *r, mock_example *x)
{
    for (size_t i = 0; i < x->segment_count; i++) {
        str s = x->segments[i];
        if (s.len > 1 && s.ptr[0] == ':')
            x->segments[i] = arena_printf(r->a, "{{" STR_FMT "}}", STR_ARG(str_skip(s, 1)));
    }
}

// A path in the value of the URL's first variable: "https://host/v1" of "{{baseUrl}}/orders".
static void read_base(const reader *r, const pm_url *u, mock_example *x)
{
    pm_url base;
    if (!str_starts(u->host, STR("{{")))
        return;
    pm_url_parse(r->a, filled(r, u->host), &base);
    if (base.path.len > 1)
        x->base_count = mock_path_split(r->a, base.path, &x->base);
    while (x->base_count && !x->base[x->base_count - 1].len)
        x->base_count--;
}

static void read_query(const reader *r, const pm_url *u, mock_example *x)
{
    size_t max = 0;
    for (const pm_param *p = u->query; p; p = p->next)
        max++;
    x->query = arena_array(r->a, max, sizeof *x->query);
    for (const pm_param *p = u->query; p; p = p->next)
        if (!p->disabled && p->key.len)
            x->query[x->query_count++] =
                (mock_param){decoded(r->a, filled(r, p->key)), decoded(r->a, filled(r, p->value))};
}

static void read_request(const reader *r, const json *request, mock_example *x)
{
    pm_url u;
    const json *normal = pm_request_normal(r->a, request);
    x->method = json_str_or(json_get(normal, "method"), STR("GET"));
    x->headers = json_get(normal, "header");
    x->request_body = json_get(normal, "body");
    pm_url_read(r->a, json_get(normal, "url"), &u);
    read_base(r, &u, x);
    x->segment_count = mock_path_split(r->a, filled(r, u.path), &x->segments);
    open_path_variables(r, x);
    read_query(r, &u, x);
}

// ---- the answer ---------------------------------------------------------------------------------

// What the server says itself, or what was true of the body before it was saved.
static bool is_framing(str name)
{
    static const str ours[] = {STR("content-length"),   STR("transfer-encoding"),
                               STR("content-encoding"), STR("connection"),
                               STR("keep-alive"),       STR("date"),
                               STR("trailer"),          STR("upgrade")};
    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        if (str_ieq(name, ours[i]))
            return true;
    return false;
}

static str preview_type(const json *response)
{
    static const char *const types[][2] = {
        {"json", "application/json; charset=utf-8"},
        {"html", "text/html; charset=utf-8"},
        {"xml", "application/xml; charset=utf-8"},
        {"text", "text/plain; charset=utf-8"},
    };
    const json *language = json_get(response, "_postman_previewlanguage");
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (json_is_str(language, types[i][0]))
            return str_from(types[i][1]);
    return STR_NONE;
}

static void read_headers(const reader *r, const json *response, mock_example *x)
{
    json *as_request = json_new(r->a, JSON_OBJECT);
    const json *written = json_get(response, "header");
    if (written)
        json_set(r->a, as_request, STR("header"), json_copy(r->a, written));
    JSON_EACH (json_get(pm_request_normal(r->a, as_request), "header"), h) {
        str name = json_str_or(json_get(h, "key"), STR_NONE);
        str value = str_trim(json_str_or(json_get(h, "value"), STR_NONE));
        if (http_name_valid(name) && !is_framing(name) &&
            !json_bool_or(json_get(h, "disabled"), false))
            http_headers_add(&x->answer, r->a, name, value);
    }
    str type = preview_type(response);
    if (type.len && !http_headers_has(&x->answer, STR("content-type")))
        http_headers_add(&x->answer, r->a, STR("Content-Type"), type);
}

static void judge_type(const reader *r, mock_example *x)
{
    str type = filled(r, http_headers_get(&x->answer, STR("content-type")));
    if (str_ifind(type, STR("json")) >= 0)
        x->kind = MOCK_JSON;
    else if (str_ifind(type, STR("html")) >= 0 || str_ifind(type, STR("xml")) >= 0)
        x->kind = MOCK_MARKUP;
}

// The code as a number or in text; an example without one was saved as 200.
static bool read_status(const json *response, mock_example *x)
{
    const json *written = json_get(response, "code");
    int64_t status = STATUS_NONE;
    if (json_is(written, JSON_NUMBER) || json_is(written, JSON_STRING))
        if (!str_to_i64(written->text, &status))
            status = 0;
    x->status = status >= 200 && status <= 599 ? (int)status : 0;
    return x->status != 0;
}

// ---- the collection -----------------------------------------------------------------------------

static void leave_out(reader *r, const pm_item *item, str name, const char *why)
{
    str note = arena_printf(r->a, "the example '" STR_FMT "' of '" STR_FMT "' is left out: %s",
                            STR_ARG(name), STR_ARG(item->name), why);
    vec_push(r->notes, note);
}

static void read_example(reader *r, const pm_item *item, const json *response)
{
    mock_example x = {.request_name = item->name};
    x.name = json_str_or(json_get(response, "name"), STR_NONE);
    x.id = json_str_or(json_get(response, "id"),
                       json_str_or(json_get(response, "_postman_id"), STR_NONE));
    if (r->found.len == EXAMPLES_MAX) {
        leave_out(r, item, x.name, "there are more than 100000");
        return;
    }
    if (!read_status(response, &x)) {
        leave_out(r, item, x.name, "its code is no status of an answer (200 to 599)");
        return;
    }
    const json *original = json_get(response, "originalRequest");
    bool has_original = json_is(original, JSON_OBJECT) || json_is(original, JSON_STRING);
    read_request(r, has_original ? original : item->request, &x);
    read_headers(r, response, &x);
    judge_type(r, &x);
    x.body = json_str_or(json_get(response, "body"), STR_NONE);
    vec_push(&r->found, x);
}

mock_examples *mock_examples_read(arena *a, const pm_collection *c, const pm_scopes *scopes,
                                  mock_notes *ret_notes)
{
    reader r = {.a = a, .scopes = scopes, .notes = ret_notes};
    for (uint32_t i = 0; i < c->request_count; i++)
        JSON_EACH (json_get(c->requests[i]->raw, "response"), response)
            if (json_is(response, JSON_OBJECT))
                read_example(&r, c->requests[i], response);
    mock_examples *all = ARENA_NEW(a, mock_examples);
    mock_example *kept = arena_array(a, r.found.len, sizeof *kept);
    if (r.found.len)
        memcpy(kept, r.found.ptr, r.found.len * sizeof *kept);
    *all = (mock_examples){.ptr = kept, .len = r.found.len, .scopes = scopes};
    vec_deinit(&r.found);
    return all;
}

size_t mock_examples_count(const mock_examples *x)
{
    return x->len;
}
