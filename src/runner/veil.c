// SPDX-License-Identifier: Apache-2.0
// What no listener is shown: values of variables of the type "secret", secret parameters of auth
// and the credentials of an Authorization header. They are hidden where they stand, and from then
// on wherever else their text turns up: in a URL, a body, an answer that echoes it, a script's
// console.
#include "data/data.h"
#include "runner/run.h"

enum {
    SECRET_BYTES_MIN = 4, // shorter ones are hidden where they stand only: "a" is in every word
    SECRETS_MAX = 512,    // a script may set a new one in each of 10^5 iterations: the oldest go
    TEXT_BYTES_MAX = 256 << 20,
};

#define HIDDEN STR("***")

// ---- learning -----------------------------------------------------------------------------------

void veil_add(veil *v, str text)
{
    bool nothing = str_eq(text, STR("null")) || str_eq(text, STR("undefined"));
    if (nothing || text.len < SECRET_BYTES_MIN || map_has(&v->known, text) ||
        str_find(text, STR("{{")) >= 0)
        return;
    if (v->texts.len == SECRETS_MAX) {
        map_remove(&v->known, str_from(v->texts.ptr[0]));
        free(v->texts.ptr[0]);
        vec_remove(&v->texts, 0);
    }
    map_set(&v->known, text, v);
    vec_push(&v->texts, mem_dupn(text.ptr, text.len));
}

// Also in the forms that it has inside URLs and JSON.
static void learn(veil *v, str text)
{
    // A path, a query and a form leave different characters as they are.
    static void (*const in_url[])(buf * out, str text) = {percent_encode, pm_url_add_path,
                                                          pm_url_add_query};
    buf b;
    buf_init(&b, TEXT_BYTES_MAX);
    veil_add(v, text);
    for (size_t i = 0; i < ARRAY_LEN(in_url); i++) {
        buf_reset(&b);
        in_url[i](&b, text);
        veil_add(v, buf_str(&b));
    }
    buf_reset(&b);
    buf_add_json(&b, text);
    if (b.len > 2)
        veil_add(v, str_sub(buf_str(&b), 1, b.len - 1));
    buf_deinit(&b);
}

static void learn_variable(void *ctx, const pm_variable *v)
{
    buf text;
    buf_init(&text, TEXT_BYTES_MAX);
    if (v->value)
        pm_value_text(str_from(v->value), &text);
    learn(ctx, buf_str(&text));
    buf_deinit(&text);
}

void veil_learn_scopes(runner *r)
{
    for (int i = 0; i < JS_SCOPE_COUNT && !r->o.show_secrets; i++) {
        uint64_t version = pm_scope_version(r->scopes[i]);
        if (version != r->veil.versions[i])
            pm_scope_secrets(r->scopes[i], learn_variable, &r->veil);
        r->veil.versions[i] = version;
    }
}

// Parameters that are secrets, of all types of auth.
static bool is_secret_parameter(str key)
{
    static const char *const names[] = {
        "password",     "token",          "value",       "accessToken", "refreshToken",
        "clientSecret", "secret",         "privateKey",  "secretKey",   "sessionToken",
        "authKey",      "consumerSecret", "tokenSecret", "clientToken",
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(key, str_from(names[i])))
            return true;
    return false;
}

static bool is_secret_header(str name)
{
    return str_ieq(name, STR("Authorization")) || str_ieq(name, STR("Proxy-Authorization")) ||
           str_ieq(name, STR("X-Serverless-Authorization"));
}

// "Bearer abc" → "abc"
static str credentials_of(str value)
{
    str scheme, rest;
    return str_cut(value, ' ', &scheme, &rest) ? str_trim(rest) : value;
}

static void learn_it(void *ctx, str text)
{
    learn(ctx, text);
}

static void note(void *ctx, str text)
{
    (void)text;
    *(bool *)ctx = true;
}

static void each_secret(const json *request, void (*each)(void *ctx, str text), void *ctx)
{
    JSON_EACH (json_get(request, "auth"), type) {
        JSON_EACH (type, p)
            if (is_secret_parameter(json_str_or(json_get(p, "key"), STR_NONE)))
                each(ctx, json_str_or(json_get(p, "value"), STR_NONE));
    }
    JSON_EACH (json_get(request, "header"), h)
        if (is_secret_header(json_str_or(json_get(h, "key"), STR_NONE)))
            each(ctx, credentials_of(json_str_or(json_get(h, "value"), STR_NONE)));
}

bool veil_finds(const json *request)
{
    bool found = false;
    each_secret(request, note, &found);
    return found;
}

void veil_learn_request(runner *r, const json *request)
{
    if (!r->o.show_secrets)
        each_secret(request, learn_it, &r->veil);
}

void veil_minted(runner *r, str token)
{
    learn(&r->veil, token);
}

size_t veil_take(veil *v, arena *a, const str **ret_texts)
{
    size_t count = v->texts.len;
    str *list = arena_array(a, count, sizeof(*list));
    for (size_t i = 0; i < count; i++) {
        list[i] = arena_str(a, str_from(v->texts.ptr[i]));
        free(v->texts.ptr[i]);
    }
    vec_reset(&v->texts);
    if (v->known.len > SECRETS_MAX)
        map_deinit(&v->known, NULL);
    *ret_texts = list;
    return count;
}

void veil_deinit(veil *v)
{
    VEC_FOREACH (&v->texts, t)
        free(*t);
    vec_deinit(&v->texts);
    map_deinit(&v->known, NULL);
}

// ---- hiding -------------------------------------------------------------------------------------

// The secret that begins first in the text, of several the longest.
static ssize_t first_secret(const veil *v, str text, size_t *ret_len)
{
    ssize_t first = -1;
    VEC_FOREACH (&v->texts, t) {
        str one = str_from(*t);
        ssize_t at = str_find(text, one);
        if (at < 0 || (first >= 0 && at > first) || (at == first && one.len <= *ret_len))
            continue;
        first = at;
        *ret_len = one.len;
    }
    return first;
}

str run_veil(const runner *r, arena *a, str text)
{
    buf out;
    size_t len = 0;
    bool hides = r->root == r && r->veil.texts.len;
    ssize_t at = hides ? first_secret(&r->veil, text, &len) : -1;
    if (at < 0)
        return text;
    buf_init(&out, TEXT_BYTES_MAX);
    for (; at >= 0; at = first_secret(&r->veil, text, &len)) {
        buf_adds(&out, str_sub(text, 0, (size_t)at));
        buf_adds(&out, HIDDEN);
        text = str_skip(text, (size_t)at + len);
    }
    buf_adds(&out, text);
    str copy = buf_ok(&out) ? arena_str(a, buf_str(&out)) : HIDDEN;
    buf_deinit(&out);
    return copy;
}

typedef struct veiling veiling;
struct veiling {
    const runner *r;
    arena *a;
};

static json *member(json *object, const char *key)
{
    json *m = json_first(object);
    while (m && !str_eq(m->key, str_from(key)))
        m = m->next;
    return m;
}

// What is a template only names its secret.
static void hide(json *value, str shown)
{
    if (value && value->type == JSON_STRING && value->text.len &&
        str_find(value->text, STR("{{")) < 0)
        value->text = shown;
}

static void hide_header(veiling *v, json *value)
{
    str scheme, rest;
    if (!value || value->type != JSON_STRING)
        return;
    bool has_scheme = str_cut(value->text, ' ', &scheme, &rest);
    hide(value, has_scheme ? arena_printf(v->a, STR_FMT " ***", STR_ARG(scheme)) : HIDDEN);
}

// {key, value} of a header or a variable. `of_auth`: it is a parameter of an auth.
static void hide_pair(veiling *v, json *pair, bool of_auth)
{
    json *value = member(pair, "value");
    str key = json_str_or(json_get(pair, "key"), STR_NONE);
    if (json_is_str(json_get(pair, "type"), "secret"))
        hide(value, HIDDEN);
    else if (of_auth && is_secret_parameter(key))
        hide(value, HIDDEN);
    else if (!of_auth && is_secret_header(key))
        hide_header(v, value);
}

static void hide_all(veiling *v, json *node, bool of_auth)
{
    if (node->type == JSON_STRING)
        node->text = run_veil(v->r, v->a, node->text);
    bool own = !v->r->o.show_secrets;
    if (own && node->type == JSON_OBJECT)
        hide_pair(v, node, of_auth);
    for (json *m = json_first(node); m; m = m->next) {
        // Collection v2.0 has {"basic": {"password": …}}.
        if (own && of_auth && is_secret_parameter(m->key) && !json_get(node, "key"))
            hide(m, HIDDEN);
        hide_all(v, m, of_auth || str_eq(m->key, STR("auth")));
    }
}

const json *run_veil_json(const runner *r, arena *a, const json *part)
{
    if (!part || (r->o.show_secrets && !r->veil.texts.len))
        return part;
    veiling v = {r, a};
    json *copy = json_copy(a, part);
    hide_all(&v, copy, str_eq(part->key, STR("auth")));
    return copy;
}

static void veil_exchange(runner *r, run_exchange *x, arena *a)
{
    js_header *headers = arena_array(a, x->header_count, sizeof(*headers));
    js_cookie *cookies = arena_array(a, x->cookie_count, sizeof(*cookies));
    for (size_t i = 0; i < x->header_count; i++)
        headers[i] = (js_header){x->headers[i].name, run_veil(r, a, x->headers[i].value)};
    for (size_t i = 0; i < x->cookie_count; i++) {
        cookies[i] = x->cookies[i];
        cookies[i].value = run_veil(r, a, cookies[i].value);
    }
    x->headers = headers;
    x->cookies = cookies;
    if (r->veil.texts.len || json_get(x->request, "auth"))
        x->request = run_veil_json(r, a, x->request);
    x->url = run_veil(r, a, x->url);
    x->body = run_veil(r, a, x->body);
    x->reason = run_veil(r, a, x->reason);
}

static void veil_error(runner *r, js_error *e, arena *a)
{
    e->message = run_veil(r, a, e->message);
    e->stack = run_veil(r, a, e->stack);
}

// Failures are veiled where they are kept (tell.c).
const run_event *veil_event(runner *r, const run_event *ev, arena *a, veiled *mem)
{
    if (r->o.show_secrets && !r->veil.texts.len)
        return ev;
    veil_learn_scopes(r);
    bool has_auth = ev->exchange && json_get(ev->exchange->request, "auth");
    if (!r->veil.texts.len && !has_auth)
        return ev;
    mem->event = *ev;
    if (ev->exchange) {
        mem->exchange = *ev->exchange;
        veil_exchange(r, &mem->exchange, a);
        mem->event.exchange = &mem->exchange;
    }
    if (!r->veil.texts.len)
        return &mem->event;
    if (ev->assertion) {
        mem->assertion = *ev->assertion;
        mem->assertion.name = run_veil(r, a, ev->assertion->name);
        veil_error(r, &mem->assertion.error, a);
        mem->event.assertion = &mem->assertion;
    }
    if (ev->error) {
        mem->error = *ev->error;
        veil_error(r, &mem->error, a);
        mem->event.error = &mem->error;
    }
    str *messages = arena_array(a, ev->message_count, sizeof(*messages));
    for (size_t i = 0; i < ev->message_count; i++)
        messages[i] = run_veil(r, a, ev->messages[i]);
    mem->event.messages = messages;
    mem->event.next = run_veil(r, a, ev->next);
    return &mem->event;
}
