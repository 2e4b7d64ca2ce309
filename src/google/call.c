// SPDX-License-Identifier: Apache-2.0
#include "google/call.h"

// ---- answers

void call_header(call *c, str name, str value)
{
    c->headers[c->header_count++] = (http_header){name, value};
}

void call_answer(call *c, int status, str type, str body)
{
    c->status = status;
    c->answer = arena_str(c->mem, body);
    call_header(c, STR("content-type"), type);
    c->on_answer(c);
}

void call_answer_json(call *c, int status, buf *body)
{
    str copy = arena_str(c->mem, buf_str(body));
    buf_wipe(body); // it may have been a key
    buf_deinit(body);
    call_answer(c, status, STR("application/json; charset=UTF-8"), copy);
}

static void call_answer_text(call *c, int status, str body)
{
    call_answer(c, status, STR("text/plain; charset=UTF-8"), body);
}

void call_method_not_allowed(call *c, str allow)
{
    call_header(c, STR("allow"), allow);
    call_answer_text(c, 405, STR("Method Not Allowed\n"));
}

// ---- forms and paths

static bool decode(str text, bool plus, arena *mem, str *ret)
{
    buf out;
    buf_init(&out, text.len + 1);
    char *copy = arena_cstr(mem, text);
    for (size_t i = 0; plus && i < text.len; i++)
        if (copy[i] == '+')
            copy[i] = ' ';
    bool good = percent_decode(&out, (str){copy, text.len});
    *ret = arena_str(mem, buf_str(&out));
    buf_wipe(&out);
    buf_deinit(&out);
    return good;
}

static bool parse_fields(str text, bool plus, arena *mem, form *f)
{
    str pair, name, value;
    f->count = 0;
    while (str_next(&text, '&', &pair)) {
        if (!pair.len)
            continue;
        str_cut(pair, '=', &name, &value);
        if (f->count == FORM_FIELDS_MAX || !decode(name, plus, mem, &f->fields[f->count].name) ||
            !decode(value, plus, mem, &f->fields[f->count].value))
            return false;
        f->count++;
    }
    return true;
}

bool form_parse(str text, arena *mem, form *f)
{
    return parse_fields(text, true, mem, f);
}

bool form_parse_raw(str text, arena *mem, form *f)
{
    return parse_fields(text, false, mem, f);
}

str form_get(const form *f, const char *name)
{
    for (size_t i = 0; i < f->count; i++)
        if (str_eq(f->fields[i].name, str_from(name)))
            return f->fields[i].value;
    return STR_NONE;
}

str form_repeated(const form *f)
{
    for (size_t i = 1; i < f->count; i++)
        for (size_t j = 0; j < i; j++)
            if (str_eq(f->fields[i].name, f->fields[j].name))
                return f->fields[i].name;
    return STR_NONE;
}

bool path_split(str path, arena *mem, str parts[SEGMENTS_MAX], size_t *ret_count)
{
    str rest = str_skip(path, 1), part;
    *ret_count = 0;
    while (str_next(&rest, '/', &part))
        if (*ret_count == SEGMENTS_MAX || !decode(part, false, mem, &parts[(*ret_count)++]))
            return false;
    return true;
}

bool call_json_body(call *c, const json **ret_object)
{
    static const json_opts limits = {
        .bytes_max = GOOGLE_BODY_BYTES_MAX, .depth_max = 16, .values_max = 1000};
    err e = ERR_INIT;
    json *root = json_new(c->mem, JSON_OBJECT);
    if (str_trim(c->body).len && json_parse(c->mem, c->body, &limits, &root, &e)) {
        call_rpc_error(c, RPC_INVALID_ARGUMENT, "Invalid JSON payload received. %s (%u:%u)", e.msg,
                       e.line, e.col);
        return false;
    }
    if (root->type != JSON_OBJECT) {
        call_rpc_error(c, RPC_INVALID_ARGUMENT, "Invalid JSON payload received. Not an object.");
        return false;
    }
    *ret_object = root;
    return true;
}

// ---- errors

static const struct {
    int http, number;
    const char *name;
} rpc_rows[] = {
    [RPC_INVALID_ARGUMENT] = {400, 3, "INVALID_ARGUMENT"},
    [RPC_UNAUTHENTICATED] = {401, 16, "UNAUTHENTICATED"},
    [RPC_PERMISSION_DENIED] = {403, 7, "PERMISSION_DENIED"},
    [RPC_NOT_FOUND] = {404, 5, "NOT_FOUND"},
    [RPC_ALREADY_EXISTS] = {409, 6, "ALREADY_EXISTS"},
    [RPC_ABORTED] = {409, 10, "ABORTED"},
    [RPC_FAILED_PRECONDITION] = {400, 9, "FAILED_PRECONDITION"},
    [RPC_RESOURCE_EXHAUSTED] = {429, 8, "RESOURCE_EXHAUSTED"},
    [RPC_UNAVAILABLE] = {503, 14, "UNAVAILABLE"},
    [RPC_INTERNAL] = {500, 13, "INTERNAL"},
};

int rpc_number(rpc status)
{
    return rpc_rows[status].number;
}

static void add_info(jout *w, const char *reason, str permission)
{
    jout_array(w, "details");
    jout_object(w, NULL);
    jout_str(w, "@type", STR("type.googleapis.com/google.rpc.ErrorInfo"));
    jout_str(w, "reason", str_from(reason));
    jout_str(w, "domain", permission.len ? STR("iam.googleapis.com") : STR("googleapis.com"));
    if (permission.len) {
        jout_object(w, "metadata");
        jout_str(w, "permission", permission);
        jout_end(w);
    }
    jout_end(w);
    jout_end(w);
}

void call_rpc_refuse(call *c, rpc status, const char *reason, str permission, const char *message)
{
    buf b;
    buf_init(&b, 16 << 10);
    jout w = jout_new(&b, JSON_PRETTY);
    jout_object(&w, NULL);
    jout_object(&w, "error");
    jout_i64(&w, "code", rpc_rows[status].http);
    jout_str(&w, "message", str_from(message));
    jout_str(&w, "status", str_from(rpc_rows[status].name));
    if (reason)
        add_info(&w, reason, permission);
    jout_end(&w);
    jout_end(&w);
    if (status == RPC_UNAUTHENTICATED)
        call_header(c, STR("www-authenticate"),
                    STR("Bearer realm=\"https://accounts.google.com/\", error=\"invalid_token\""));
    call_answer_json(c, rpc_rows[status].http, &b);
}

void call_rpc_error(call *c, rpc status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    str message = arena_vprintf(c->mem, fmt, ap);
    va_end(ap);
    call_rpc_refuse(c, status, NULL, STR_NONE, message.ptr);
}
