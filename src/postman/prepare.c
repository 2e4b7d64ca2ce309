// SPDX-License-Identifier: Apache-2.0
// From a request as it is written to what goes on the wire.
#include <string.h>
#include <unistd.h>

#include "postman/build.h"
#include "postman/collection.h"
#include "postman/url.h"
#include "postman/value.h"

// ---- headers

void builder_warn(builder *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    str text = arena_vprintf(b->arena, fmt, ap);
    va_end(ap);
    vec_push(&b->call->warnings, text);
}

void builder_header(builder *b, str name, str value, bool system)
{
    pm_header h = {
        .name = arena_str(b->arena, name), .value = arena_str(b->arena, value), .system = system};
    vec_push(&b->call->headers, h);
}

void builder_form_type(builder *b, str value)
{
    str name = STR("Content-Type"); // or as the user spells it
    VEC_FOREACH (&b->call->headers, h)
        if (str_ieq(h->name, name)) {
            h->unsent = true;
            name = h->disabled ? name : h->name;
        }
    builder_header(b, name, value, true);
    b->call->headers.ptr[b->call->headers.len - 1].unshown = true;
}

void builder_drop_header(builder *b, str name)
{
    size_t kept = 0;
    VEC_FOREACH (&b->call->headers, h)
        if (!str_ieq(h->name, name))
            b->call->headers.ptr[kept++] = *h;
    b->call->headers.len = kept;
}

const pm_header *pm_call_header(const pm_call *c, str name)
{
    for (size_t i = 0; i < c->headers.len; i++)
        if (!c->headers.ptr[i].unsent && str_ieq(c->headers.ptr[i].name, name))
            return &c->headers.ptr[i];
    return NULL;
}

static pm_header *find_spelling(pm_header *from, const pm_header *end, str name)
{
    while (from < end && (from->unsent || !str_eq(from->name, name)))
        from++;
    return from;
}

// One name in two spellings is one header: of the spellings the one that comes up last is sent,
// with all its values.
static void choose_spelling(builder *b, pm_header *first)
{
    const pm_header *end = b->call->headers.ptr + b->call->headers.len, *chosen = first;
    for (pm_header *h = first; h < end; h++)
        if (!h->unsent && str_ieq(h->name, first->name) && find_spelling(first, end, h->name) == h)
            chosen = h;
    str name = chosen->name;
    for (pm_header *h = first; h < end; h++)
        if (str_ieq(h->name, name) && !str_eq(h->name, name))
            h->unsent = true;
}

static code too_many_headers(const json *list, err *e)
{
    json_err(list, e, PM_LIMIT, "the request has more than %d headers", PM_HEADERS_MAX);
    return err_hint(e, "no server takes so many: were they made by a script?");
}

static code users_headers(builder *b, const json *list, err *e)
{
    code c = OK;
    if (list && list->len > PM_HEADERS_MAX)
        return too_many_headers(list, e);
    JSON_EACH (list, m) {
        str name = str_trim(json_str_or(json_get(m, "key"), STR_NONE));
        const json *v = json_get(m, "value");
        if (!name.len)
            continue;
        buf value;
        buf_init(&value, PM_TEXT_BYTES_MAX);
        if (v && !json_is(v, JSON_NULL))
            value_text(v, &value);
        if (!buf_ok(&value))
            c = err_set(e, PM_LIMIT, "a header is larger than %d bytes", PM_TEXT_BYTES_MAX);
        builder_header(b, name, str_trim(buf_str(&value)), false);
        pm_header *h = &b->call->headers.ptr[b->call->headers.len - 1];
        h->disabled = h->unsent = json_bool_or(json_get(m, "disabled"), false);
        buf_deinit(&value);
    }
    VEC_FOREACH (&b->call->headers, h)
        if (!h->unsent)
            choose_spelling(b, h);
    return c;
}

static void system_header(builder *b, uint32_t flag, const char *name, str value)
{
    if (!(b->options->behavior.no_headers & flag) && !pm_call_header(b->call, str_from(name)))
        builder_header(b, str_from(name), value, true);
}

// The authority of a URL that pm_url_wire made.
static str authority(str url)
{
    str rest = str_skip(url, (size_t)str_find(url, STR("://")) + 3);
    ssize_t slash = str_chr(rest, '/');
    return slash < 0 ? rest : str_sub(rest, 0, (size_t)slash);
}

// A request without a body says so where one is expected: servers answer 411 otherwise (RFC 9110
// §8.6).
static bool expects_body(str method)
{
    static const char *const without[] = {"GET", "HEAD", "DELETE", "OPTIONS", "TRACE", "CONNECT"};
    for (size_t i = 0; i < ARRAY_LEN(without); i++)
        if (str_eq(method, str_from(without[i])))
            return false;
    return true;
}

// One of the user's own that a form has replaced.
static bool has_type_of_its_own(const builder *b)
{
    VEC_FOREACH (&b->call->headers, h)
        if (!h->system && !h->disabled && str_ieq(h->name, STR("Content-Type")))
            return true;
    return false;
}

static void system_headers(builder *b)
{
    char token[RAND_UUID_MAX];
    rand_uuid(token);
    if (b->options->behavior.no_headers & PM_SYSTEM_CONTENT_TYPE) {
        const pm_header *type = pm_call_header(b->call, STR("Content-Type"));
        if (type && type->system && !has_type_of_its_own(b))
            builder_drop_header(b, STR("Content-Type"));
    }
    system_header(b, PM_SYSTEM_USER_AGENT, "User-Agent", STR("PostmanRuntime/7.39.1"));
    system_header(b, PM_SYSTEM_ACCEPT, "Accept", STR("*/*"));
    system_header(b, PM_SYSTEM_CACHE_CONTROL, "Cache-Control", STR("no-cache"));
    system_header(b, PM_SYSTEM_POSTMAN_TOKEN, "Postman-Token", str_from(token));
    system_header(b, PM_SYSTEM_HOST, "Host", authority(b->call->url));
    system_header(b, PM_SYSTEM_ACCEPT_ENCODING, "Accept-Encoding", STR("gzip, deflate, br"));
    system_header(b, PM_SYSTEM_CONNECTION, "Connection", STR("keep-alive"));
    if (b->call->body.len || expects_body(b->call->method))
        system_header(b, PM_SYSTEM_CONTENT_LENGTH, "Content-Length",
                      arena_printf(b->arena, "%llu", (unsigned long long)b->call->body_bytes));
}

// ---- resolve

static code too_long(err *e)
{
    err_set(e, PM_LIMIT, "a text of the request is larger than %d bytes", PM_TEXT_BYTES_MAX);
    return err_hint(e, "send it from a file: a body of the mode 'file' or 'formdata'");
}

static code resolve_text(builder *b, str text, str *ret, err *e)
{
    *ret = text;
    if (text.len > PM_TEXT_BYTES_MAX)
        return too_long(e);
    if (!b->options->scopes || str_find(text, STR("{{")) < 0)
        return OK;
    buf out;
    buf_init(&out, PM_TEXT_BYTES_MAX);
    b->became |= pm_resolve(b->options->scopes, text, &out);
    bool ok = buf_ok(&out);
    *ret = arena_str(b->arena, buf_str(&out));
    buf_deinit(&out);
    b->filled_bytes += ret->len;
    if (ok && b->filled_bytes <= PM_FILLED_BYTES_MAX)
        return OK;
    if (ok) {
        err_set(e, PM_LIMIT, "the request grows beyond %d bytes when its variables are filled in",
                PM_FILLED_BYTES_MAX);
        return err_hint(e, "look for a large value that many parts of it use");
    }
    err_set(e, PM_LIMIT, "a text grows beyond %d bytes when its variables are filled in",
            PM_TEXT_BYTES_MAX);
    return err_hint(e, "look for variables whose values name each other");
}

// Every string in the tree, names of members excepted.
static code resolve_tree(builder *b, json *v, err *e)
{
    code c = OK;
    if (json_is(v, JSON_STRING))
        return resolve_text(b, v->text, &v->text, e);
    for (json *m = json_first(v); m && c == OK; m = m->next)
        c = resolve_tree(b, m, e);
    return c;
}

static code resolve_member(builder *b, json *request, const char *name, err *e)
{
    for (json *m = json_first(request); m; m = m->next)
        if (str_eq(m->key, str_from(name)))
            return resolve_tree(b, m, e);
    return OK;
}

// A value may bring '/', '?' and '&': the URL is filled in as one text and read again.
static code resolve_url(builder *b, const json *url, err *e)
{
    pm_url_read(b->arena, url, &b->url);
    if (!b->options->scopes)
        return OK;
    str text = pm_url_text(b->arena, &b->url);
    code c = resolve_text(b, text, &text, e);
    pm_url_parse(b->arena, text, &b->url);
    return c;
}

// ---- the resolved request, for scripts and reports

void build_headers_shown(builder *b)
{
    json *list = json_new(b->arena, JSON_ARRAY);
    VEC_FOREACH (&b->call->headers, h) {
        if (h->unshown)
            continue;
        json *m = json_push(list, json_new(b->arena, JSON_OBJECT));
        json_set(b->arena, m, STR("key"), json_new_str(b->arena, h->name));
        json_set(b->arena, m, STR("value"), json_new_str(b->arena, h->value));
        if (h->system)
            json_set(b->arena, m, STR("system"), json_new_bool(b->arena, true));
        if (h->disabled)
            json_set(b->arena, m, STR("disabled"), json_new_bool(b->arena, true));
    }
    json_set(b->arena, b->call->request, STR("header"), list);
}

// What the body says of its type comes behind what auth has added.
static void type_last(builder *b)
{
    const pm_header *type = pm_call_header(b->call, STR("Content-Type"));
    if (!type || !type->system)
        return;
    pm_header moved = *type;
    vec_remove(&b->call->headers, (size_t)(type - b->call->headers.ptr));
    vec_push(&b->call->headers, moved);
}

static code fill(builder *b, json *request, err *e)
{
    pm_call *call = b->call;
    call->request = request;
    json *auth = b->options->auth ? json_copy(b->arena, b->options->auth) : NULL;
    const json *own = json_get(request, "auth");
    code c = resolve_url(b, json_get(request, "url"), e);
    if (c == OK)
        c = resolve_member(b, request, "header", e);
    if (c == OK)
        c = resolve_member(b, request, "body", e);
    if (own)
        auth = json_copy(b->arena, own);
    if (c == OK)
        c = resolve_tree(b, auth, e);
    if (c != OK)
        return c;
    call->method = json_str_or(json_get(request, "method"), STR("GET"));
    c = users_headers(b, json_get(request, "header"), e);
    if (c == OK)
        c = build_body(b, json_get(request, "body"), e);
    build_auth(b, auth);
    type_last(b);
    build_userinfo(b);
    call->url_text = pm_url_text(b->arena, &b->url);
    if (auth)
        json_set(b->arena, request, STR("auth"), auth);
    json_set(b->arena, request, STR("url"), pm_url_json(b->arena, &b->url));
    return c;
}

// Scripts and reports see the URL as it is sent, as newman's do.
static void show_url(builder *b)
{
    pm_url sent;
    pm_url_parse(b->arena, b->call->url, &sent);
    sent.user = pm_userinfo_wire(b->arena, b->url.user);
    sent.password = pm_userinfo_wire(b->arena, b->url.password);
    sent.hash = pm_hash_wire(b->arena, b->url.hash);
    json_set(b->arena, b->call->request, STR("url"), pm_url_json(b->arena, &sent));
}

// ---- sent once more

// The token in the header and the one that is shown become one, which can be written over.
static void share_token(builder *b)
{
    static const str name = {"Postman-Token", 13};
    json *m = json_first(json_get(b->call->request, "header"));
    VEC_FOREACH (&b->call->headers, h) { // shown in the same order
        if (h->system && str_eq(h->name, name)) {
            json *shown = json_new_str(b->arena, STR_NONE);
            b->call->token = arena_alloc(b->arena, h->value.len + 1);
            memcpy(b->call->token, h->value.ptr, h->value.len);
            h->value.ptr = shown->text.ptr = b->call->token;
            shown->text.len = h->value.len;
            json_set(b->arena, m, STR("value"), shown);
        }
        if (!h->unshown)
            m = m->next;
    }
}

static bool repeats(const builder *b)
{
    const pm_call *c = b->call;
    VEC_FOREACH (&c->body, s)
        if (s->fd >= 0)
            return false;
    return !(b->became & PM_DYNAMIC) && !b->momentary && !c->wants_grant &&
           !b->options->granted.len && !c->warnings.len;
}

void pm_call_renew(const pm_call *c)
{
    char token[RAND_UUID_MAX];
    rand_uuid(token);
    if (c->token)
        memcpy(c->token, token, sizeof(token) - 1);
}

CODE_CHECKED pm_prepare(arena *a, const json *request, const pm_prepare_options *o, pm_call *ret,
                        err *e)
{
    builder b = {.arena = a, .options = o, .call = ret};
    *ret = (pm_call){0};
    code c = fill(&b, pm_request_normal(a, request), e);
    if (c == OK)
        c = pm_url_wire(a, &b.url, o->behavior.no_encoding, &ret->url, e);
    if (c != OK) {
        pm_call_deinit(ret);
        *ret = (pm_call){.request = ret->request, .method = ret->method, .url_text = ret->url_text};
        return c;
    }
    show_url(&b);
    system_headers(&b);
    build_headers_shown(&b);
    ret->of_variables = b.became != 0;
    ret->repeats = repeats(&b);
    if (ret->repeats)
        share_token(&b);
    return OK;
}

CODE_CHECKED pm_origin(arena *a, const json *request, const pm_scopes *scopes, str *ret_origin,
                       err *e)
{
    pm_prepare_options o = {.scopes = scopes};
    pm_call call = {0};
    builder b = {.arena = a, .options = &o, .call = &call};
    str url;
    code c = resolve_url(&b, json_is(request, JSON_STRING) ? request : json_get(request, "url"), e);
    if (c == OK)
        c = pm_url_wire(a, &b.url, false, &url, e);
    if (c == OK)
        *ret_origin = str_sub(url, 0, (size_t)(authority(url).ptr - url.ptr) + authority(url).len);
    return c;
}

void pm_call_deinit(pm_call *c)
{
    VEC_FOREACH (&c->body, s)
        if (s->fd >= 0)
            close(s->fd);
    vec_deinit(&c->body);
    vec_deinit(&c->headers);
    vec_deinit(&c->warnings);
}
