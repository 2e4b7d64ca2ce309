// SPDX-License-Identifier: Apache-2.0
// Bodies (contracts: Postman §6).
#include "postman/build.h"
#include "postman/mime.h"
#include "postman/value.h"

void build_bytes(builder *b, str bytes)
{
    pm_segment s = {.bytes = arena_str(b->arena, bytes), .fd = -1, .len = bytes.len};
    if (!bytes.len)
        return;
    vec_push(&b->call->body, s);
    b->call->body_bytes += bytes.len;
}

void build_taken(builder *b, buf *bytes)
{
    b->too_large = b->too_large || !buf_ok(bytes);
    build_bytes(b, buf_str(bytes));
    buf_deinit(bytes);
}

void build_file(builder *b, int fd, uint64_t bytes)
{
    pm_segment s = {.fd = fd, .len = bytes};
    vec_push(&b->call->body, s);
    b->call->body_bytes += bytes;
}

static void default_type(builder *b, const char *type)
{
    if (!pm_call_header(b->call, STR("Content-Type")))
        builder_header(b, STR("Content-Type"), str_from(type), true);
}

// ---- raw

static const char *language_type(str language)
{
    static const struct {
        const char *language, *type;
    } types[] = {{"json", "application/json"},
                 {"xml", "application/xml"},
                 {"html", "text/html"},
                 {"javascript", "application/javascript"}};
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_eq(language, str_from(types[i].language)))
            return types[i].type;
    return "text/plain";
}

// "application/json", "application/problem+json; …"
static bool is_json_type(str type)
{
    if (!str_starts(type, STR("application/")))
        return false;
    str rest = str_skip(type, 12);
    if (str_starts(rest, STR("json")))
        return true;
    ssize_t at = str_find(rest, STR("+json"));
    return at > 0 && str_chr(str_sub(rest, 0, (size_t)at), ' ') < 0;
}

// Leaves out // and /* */ comments that aren't in strings.
static void strip_comments(buf *out, str text)
{
    bool in_string = false;
    for (size_t i = 0; i < text.len; i++) {
        str rest = str_skip(text, i);
        if (in_string || (!str_starts(rest, STR("//")) && !str_starts(rest, STR("/*")))) {
            if (in_string && text.ptr[i] == '\\' && i + 1 < text.len)
                buf_addc(out, text.ptr[i++]);
            else if (text.ptr[i] == '"')
                in_string = !in_string;
            buf_addc(out, text.ptr[i]);
            continue;
        }
        bool line = rest.ptr[1] == '/';
        ssize_t end = line ? str_chr(rest, '\n') : str_find(str_skip(rest, 2), STR("*/"));
        if (end < 0)
            return;
        i += line ? (size_t)end - 1 : (size_t)end + 3;
    }
}

static void build_raw(builder *b, const json *body)
{
    const json *raw = json_get(body, "raw");
    str language =
        json_str_or(json_get(json_get(json_get(body, "options"), "raw"), "language"), STR_NONE);
    const pm_header *type = pm_call_header(b->call, STR("Content-Type"));
    bool json_body =
        language.len ? str_eq(language, STR("json")) : type && is_json_type(type->value);
    buf text, stripped;
    buf_init(&text, PM_TEXT_BYTES_MAX);
    buf_init(&stripped, PM_TEXT_BYTES_MAX);
    if (json_is(raw, JSON_STRING))
        buf_adds(&text, raw->text);
    else
        json_write(&text, raw, JSON_COMPACT);
    stripped.overflow = text.overflow;
    if (json_body)
        strip_comments(&stripped, buf_str(&text));
    build_taken(b, json_body ? &stripped : &text);
    default_type(b, language_type(language));
    buf_deinit(&text);
    buf_deinit(&stripped);
}

// ---- urlencoded

static void add_pair(buf *out, const json *param)
{
    const json *value = json_get(param, "value");
    buf text;
    buf_init(&text, PM_TEXT_BYTES_MAX);
    if (value && value->type != JSON_NULL && value->type < JSON_ARRAY)
        value_text(value, &text);
    if (out->len)
        buf_addc(out, '&');
    percent_encode(out, json_str_or(json_get(param, "key"), STR_NONE));
    buf_addc(out, '=');
    percent_encode(out, buf_str(&text));
    buf_deinit(&text);
}

// Parameters of one name stand together, where the first of them is.
typedef struct pair pair;
struct pair {
    const json *param;
    pair *next; // of the same name
    pair *last; // of the first: the newest
};

static void add_pairs(builder *b, const json *params, buf *out)
{
    map by_key;
    map_init(&by_key);
    JSON_EACH (params, m) {
        if (json_bool_or(json_get(m, "disabled"), false))
            continue;
        str key = json_str_or(json_get(m, "key"), STR_NONE);
        pair *p = ARENA_NEW(b->arena, pair), *first = map_get(&by_key, key);
        p->param = m;
        if (first)
            first->last->next = p;
        else
            map_set(&by_key, key, first = p);
        first->last = p;
    }
    str key;
    void *first;
    for (size_t cursor = 0; map_next(&by_key, &cursor, &key, &first);)
        for (const pair *p = first; p; p = p->next)
            add_pair(out, p->param);
    map_deinit(&by_key, NULL);
}

// "a=b&c": taken apart and escaped as a list is.
static void add_pairs_text(str text, buf *out)
{
    for (str part, key, value; str_next(&text, '&', &part);) {
        bool has_value = str_cut(part, '=', &key, &value);
        if (out->len)
            buf_addc(out, '&');
        percent_encode(out, key);
        buf_addc(out, '=');
        if (has_value)
            percent_encode(out, value);
    }
}

static void build_urlencoded(builder *b, const json *params)
{
    const pm_header *type = pm_call_header(b->call, STR("Content-Type"));
    buf text;
    buf_init(&text, PM_TEXT_BYTES_MAX);
    if (json_is(params, JSON_STRING))
        add_pairs_text(params->text, &text);
    else
        add_pairs(b, params, &text);
    build_taken(b, &text);
    if (!type || !str_starts(type->value, STR("application/x-www-form-urlencoded")))
        builder_form_type(b, STR("application/x-www-form-urlencoded"));
}

// ---- file

static void build_content(builder *b, str base64)
{
    buf content;
    buf_init(&content, PM_TEXT_BYTES_MAX);
    if (!base64_decode(&content, base64))
        buf_reset(&content);
    build_taken(b, &content);
}

static void build_source(builder *b, const json *file)
{
    str src = json_str_or(json_is(file, JSON_STRING) ? file : json_get(file, "src"), STR_NONE);
    str content = json_str_or(json_get(file, "content"), STR_NONE);
    int fd = -1;
    uint64_t bytes = 0;
    err e = ERR_INIT;
    if (!src.len && content.len) {
        build_content(b, content);
        return;
    }
    if (!b->options->folder) {
        builder_warn(b, "uploading files from scripts is not allowed");
        return;
    }
    if (pm_folder_open(b->options->folder, src, &fd, &bytes, &e) != OK) {
        builder_warn(b, "Binary file load error: %s", e.msg);
        return;
    }
    build_file(b, fd, bytes);
    const char *type = mime_of(src);
    default_type(b, type ? type : "application/octet-stream");
}

// ---- graphql

static void build_graphql(builder *b, const json *graphql)
{
    buf text;
    buf_init(&text, PM_TEXT_BYTES_MAX);
    const json *variables = json_get(graphql, "variables");
    bool verbatim = json_is(variables, JSON_STRING);
    jout w = jout_new(&text, JSON_COMPACT);
    jout_object(&w, NULL);
    for (int i = 0; i < 2; i++) {
        const char *name = i ? "operationName" : "query";
        const json *v = json_get(graphql, name);
        if (v && (json_is(v, JSON_STRING) || !verbatim))
            jout_json(&w, name, v);
    }
    // As it is written, not checked: a slip in it is the server's to tell.
    if (verbatim && variables->text.len)
        jout_raw(&w, "variables", variables->text);
    else if (variables && !verbatim)
        jout_json(&w, "variables", variables);
    jout_end(&w);
    build_taken(b, &text);
    default_type(b, "application/json");
}

// ---- which

// Something enabled in it.
static bool has_content(const json *content)
{
    if (!content || json_is(content, JSON_NULL))
        return false;
    if (json_is(content, JSON_STRING))
        return content->text.len > 0;
    if (json_is(content, JSON_ARRAY)) {
        JSON_EACH (content, m) {
            if (!json_bool_or(json_get(m, "disabled"), false))
                return true;
        }
        return false;
    }
    return !json_is(content, JSON_OBJECT) || content->len > 0;
}

static bool pruned(const builder *b)
{
    static const char *const methods[] = {"GET", "COPY", "HEAD", "PURGE", "UNLOCK"};
    if (b->options->behavior.no_pruning || b->options->send_request)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (str_eq(b->call->method, str_from(methods[i])))
            return true;
    return false;
}

CODE_CHECKED build_body(builder *b, const json *body, err *e)
{
    str mode = json_str_or(json_get(body, "mode"), STR_NONE);
    const json *content = mode.len ? json_gets(body, mode) : NULL;
    if (!has_content(content) || pruned(b) || json_bool_or(json_get(body, "disabled"), false))
        return OK;
    if (str_eq(mode, STR("raw")))
        build_raw(b, body);
    else if (str_eq(mode, STR("urlencoded")))
        build_urlencoded(b, content);
    else if (str_eq(mode, STR("formdata")))
        build_form(b, content);
    else if (str_eq(mode, STR("file")))
        build_source(b, content);
    else if (str_eq(mode, STR("graphql")))
        build_graphql(b, content);
    if (!b->too_large)
        return OK;
    return err_set(e, PM_LIMIT, "the body, or a part of it, is larger than %d bytes",
                   PM_TEXT_BYTES_MAX);
}
