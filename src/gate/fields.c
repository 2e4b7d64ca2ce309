// SPDX-License-Identifier: Apache-2.0
#include "gate/fields.h"

#include <string.h>

#include "gate/call.h"

typedef enum field_kind {
    FIELD_PASSES,
    FIELD_HOST,
    FIELD_AUTHORIZATION,
    FIELD_SERVERLESS,
    FIELD_FORWARDED_FOR,
    FIELD_TRACEPARENT,
    FIELD_CLOUD_TRACE,
    FIELD_USER_AGENT,
    FIELD_REFERER,
    FIELD_FRONT,      // the front end's to say: a client's is dropped
    FIELD_CONNECTION, // of one hop
    FIELD_HOP,
} field_kind;

// What isn't here passes. `whole` false: a prefix.
typedef struct row row;
struct row {
    str name;
    field_kind kind;
};
static const row rows[] = {
    {{"host", 4}, FIELD_HOST},
    {{"authorization", 13}, FIELD_AUTHORIZATION},
    {{"x-serverless-authorization", 26}, FIELD_SERVERLESS},
    {{"x-forwarded-for", 15}, FIELD_FORWARDED_FOR},
    {{"x-forwarded-proto", 17}, FIELD_FRONT},
    {{"forwarded", 9}, FIELD_FRONT},
    {{"traceparent", 11}, FIELD_TRACEPARENT},
    {{"x-cloud-trace-context", 21}, FIELD_CLOUD_TRACE},
    {{"user-agent", 10}, FIELD_USER_AGENT},
    {{"referer", 7}, FIELD_REFERER},
    {{"connection", 10}, FIELD_CONNECTION},
    {{"keep-alive", 10}, FIELD_HOP},
    {{"proxy-connection", 16}, FIELD_HOP},
    {{"proxy-authorization", 19}, FIELD_HOP},
    {{"transfer-encoding", 17}, FIELD_HOP},
    {{"content-length", 14}, FIELD_HOP},
    {{"te", 2}, FIELD_HOP},
    {{"trailer", 7}, FIELD_HOP},
    {{"upgrade", 7}, FIELD_HOP},
    {{"expect", 6}, FIELD_HOP},
};
// Whoever is behind us believes these, as only Google's front end sets them.
static const str front_prefixes[] = {{"x-goog-authenticated-user-", 26}, {"x-goog-iap-", 11}};

// ---- names --------------------------------------------------------------------------------------

// Without case, and '_' is '-': for those who make variables of field names they are the same
// (threat 3).
static bool spells(str name, str plain)
{
    if (name.len < plain.len)
        return false;
    for (size_t i = 0; i < plain.len; i++) {
        char c = ascii_lower(name.ptr[i]);
        if ((c == '_' ? '-' : c) != plain.ptr[i])
            return false;
    }
    return true;
}

static field_kind kind_of(str name)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (name.len != rows[i].name.len || !spells(name, rows[i].name))
            continue;
        return str_chr(name, '_') < 0 ? rows[i].kind : FIELD_FRONT;
    }
    for (size_t i = 0; i < ARRAY_LEN(front_prefixes); i++) {
        if (spells(name, front_prefixes[i]))
            return FIELD_FRONT;
    }
    return FIELD_PASSES;
}

// Does Connection name fields of the message, which then belong to this hop too?
static bool nominates_any(str value)
{
    for (str word; str_next(&value, ',', &word);) {
        word = str_trim(word);
        if (word.len && !str_ieq(word, STR("close")) && !str_ieq(word, STR("keep-alive")) &&
            !str_ieq(word, STR("upgrade")))
            return true;
    }
    return false;
}

static str joined(arena *a, str list, str more)
{
    if (!list.len)
        return more;
    char *to = arena_alloc(a, list.len + 2 + more.len);
    memcpy(to, list.ptr, list.len);
    memcpy(to + list.len, ", ", 2);
    memcpy(to + list.len + 2, more.ptr, more.len);
    return (str){to, list.len + 2 + more.len};
}

// ---- the request --------------------------------------------------------------------------------

// Appends to an array that has room for all fields of the request.
static void collect(const http_request *req, arena *a, const str **values, size_t *count, str value)
{
    str *into = (str *)(uintptr_t)*values;
    if (!into)
        into = arena_array(a, req->headers.len, sizeof(str));
    into[(*count)++] = value;
    *values = into;
}

static void note(const http_request *req, arena *a, fields *f, field_kind kind, str value)
{
    switch (kind) {
    case FIELD_AUTHORIZATION:
        collect(req, a, &f->authorization, &f->authorization_count, value);
        break;
    case FIELD_SERVERLESS:
        collect(req, a, &f->serverless, &f->serverless_count, value);
        break;
    case FIELD_FORWARDED_FOR:
        f->forwarded_for = joined(a, f->forwarded_for, value);
        break;
    case FIELD_TRACEPARENT:
        f->traceparent = value;
        break;
    case FIELD_CLOUD_TRACE:
        f->cloud_trace = value;
        break;
    case FIELD_USER_AGENT:
        f->user_agent = value;
        break;
    case FIELD_REFERER:
        f->referer = value;
        break;
    case FIELD_CONNECTION:
        f->nominates = f->nominates || nominates_any(value);
        break;
    default:
        break;
    }
}

void fields_read(const http_request *req, arena *a, fields *f)
{
    *f = (fields){.kinds = arena_alloc(a, req->headers.len)};
    for (size_t i = 0; i < req->headers.len; i++) {
        const http_header *h = &req->headers.ptr[i];
        field_kind kind = kind_of(h->name);
        f->kinds[i] = (unsigned char)kind;
        note(req, a, f, kind, h->value);
    }
}

// A field that passes, with the value that upstream gets.
static bool passes(const gate_call *c, size_t i, str *ret_value)
{
    const guard_verdict *v = c->verdict;
    *ret_value = c->req->headers.ptr[i].value;
    switch ((field_kind)c->fields.kinds[i]) {
    case FIELD_HOST:
        if (c->gate->hooks)
            *ret_value = c->host;
        return true;
    case FIELD_AUTHORIZATION:
        if (v && v->authorization.replace)
            *ret_value = v->authorization.value;
        break;
    case FIELD_SERVERLESS:
        if (v && v->serverless.replace)
            *ret_value = v->serverless.value;
        break;
    case FIELD_FORWARDED_FOR:
    case FIELD_TRACEPARENT:
    case FIELD_CLOUD_TRACE:
    case FIELD_FRONT:
        if (!c->gate->hooks)
            return false; // ours take their place
        break;
    case FIELD_CONNECTION:
    case FIELD_HOP:
        return false;
    default:
        break;
    }
    return !c->fields.nominates ||
           !http_headers_lists(&c->req->headers, STR("connection"), c->req->headers.ptr[i].name);
}

static str forwarded(arena *a, str ip)
{
    bool v6 = str_chr(ip, ':') >= 0;
    return arena_printf(
        a, v6 ? "for=\"[" STR_FMT "]\";proto=https" : "for=\"" STR_FMT "\";proto=https",
        STR_ARG(ip));
}

static void add_front(gate_call *c)
{
    str ip = c->http.remote_ip;
    http_headers *h = &c->head;
    http_headers_add(h, c->mem, STR("x-forwarded-for"),
                     joined(c->mem, c->fields.forwarded_for, ip));
    http_headers_add(h, c->mem, STR("x-forwarded-proto"), STR("https"));
    http_headers_add(h, c->mem, STR("forwarded"), forwarded(c->mem, ip));
    http_headers_add(h, c->mem, STR("x-cloud-trace-context"), trace_cloud(&c->trace, c->mem));
    http_headers_add(h, c->mem, STR("traceparent"), trace_parent(&c->trace, c->mem));
}

void fields_for_upstream(gate_call *c)
{
    enum { ADDED_MAX = 6 };
    const http_headers *from = &c->req->headers;
    c->head = (http_headers){.cap = from->len + ADDED_MAX};
    c->head.ptr = arena_array(c->mem, c->head.cap, sizeof(http_header));
    for (size_t i = 0; i < from->len; i++) {
        str value;
        if (passes(c, i, &value))
            http_headers_add(&c->head, c->mem, from->ptr[i].name, value);
    }
    if (!c->gate->hooks)
        add_front(c);
    else if (c->bearer)
        http_headers_set(&c->head, c->mem, c->bearer_header, secret_str(c->bearer));
}

// ---- the response -------------------------------------------------------------------------------

typedef struct answer_traits answer_traits;
struct answer_traits {
    bool nominates;
    bool sets_cookie; // then nobody but the client may keep it
};

static answer_traits traits_of(const http_headers *from)
{
    answer_traits t = {0};
    for (size_t i = 0; i < from->len; i++) {
        const http_header *h = &from->ptr[i];
        if (h->name.len == 10 && str_ieq(h->name, STR("connection")))
            t.nominates = t.nominates || nominates_any(h->value);
        else if (h->name.len == 10 && str_ieq(h->name, STR("set-cookie")))
            t.sets_cookie = true;
    }
    return t;
}

static bool answer_passes(const gate_call *c, const http_headers *from, size_t i, answer_traits t)
{
    str name = from->ptr[i].name;
    field_kind kind = kind_of(name);
    if (kind == FIELD_HOP || kind == FIELD_CONNECTION ||
        (t.nominates && http_headers_lists(from, STR("connection"), name)))
        return false;
    if (c->gate->hooks)
        return true;
    return kind != FIELD_CLOUD_TRACE && !(t.sets_cookie && str_ieq(name, STR("cache-control")));
}

// Those that pass, as the client gets them; with room for `added` more.
static answer_traits copy_answer(gate_call *c, const http_headers *from, size_t added,
                                 http_headers *ret)
{
    const gate_hooks *hooks = c->gate->hooks;
    answer_traits traits = traits_of(from);
    *ret = (http_headers){.cap = from->len + added};
    ret->ptr = arena_array(c->mem, ret->cap, sizeof(http_header));
    for (size_t i = 0; i < from->len; i++) {
        if (!answer_passes(c, from, i, traits))
            continue;
        str name = from->ptr[i].name, value = from->ptr[i].value;
        http_headers_add(ret, c->mem, name,
                         hooks ? hooks->answer(hooks->ctx, c, name, value) : value);
    }
    return traits;
}

void fields_for_client(gate_call *c, const http_response *res, http_headers *ret)
{
    enum { ADDED_MAX = 2 };
    answer_traits traits = copy_answer(c, &res->headers, ADDED_MAX, ret);
    if (c->gate->hooks)
        return;
    if (traits.sets_cookie)
        http_headers_add(ret, c->mem, STR("cache-control"), STR("private"));
    http_headers_add(ret, c->mem, STR("x-cloud-trace-context"), trace_answer(&c->trace, c->mem));
}

void fields_for_trailers(gate_call *c, const http_headers *trailers, http_headers *ret)
{
    (void)copy_answer(c, trailers, 1, ret);
}
