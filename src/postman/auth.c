// SPDX-License-Identifier: Apache-2.0
// The auth that a collection spells out itself. Here are the simple types, the table of all, and
// what the signers share; the others have files of their own. An unknown type is told, and the
// request goes out without it, as newman does. Identity of ours is added elsewhere.
#include "postman/auth.h"
#include "postman/url.h"
#include "postman/value.h"

// ---- what signers share

const json *auth_value(const json *params, const char *key)
{
    const json *found = NULL;
    JSON_EACH (params, m)
        if (json_is_str(json_get(m, "key"), key))
            found = json_get(m, "value");
    return found;
}

str auth_text(arena *a, const json *v)
{
    if (!v || json_is(v, JSON_NULL))
        return STR_NONE;
    buf value;
    buf_init(&value, PM_TEXT_BYTES_MAX);
    value_text(v, &value);
    str text = arena_str(a, buf_str(&value));
    buf_deinit(&value);
    return text;
}

str auth_param(arena *a, const json *params, const char *key)
{
    return auth_text(a, auth_value(params, key));
}

bool auth_flag(const json *params, const char *key)
{
    const json *v = auth_value(params, key);
    bool typed = false;
    JSON_EACH (params, m)
        if (json_is_str(json_get(m, "key"), key))
            typed = json_is_str(json_get(m, "type"), "boolean");
    if (typed && json_is(v, JSON_STRING))
        return str_ieq(v->text, STR("true"));
    return v && value_truth(v);
}

void auth_header(builder *b, str value)
{
    builder_drop_header(b, STR("Authorization"));
    builder_header(b, STR("Authorization"), value, true);
}

void auth_drop_query(builder *b, str key)
{
    for (pm_param **p = &b->url.query; *p;) {
        if ((*p)->has_key && str_eq((*p)->key, key))
            *p = (*p)->next;
        else
            p = &(*p)->next;
    }
}

void auth_query(builder *b, str key, str value)
{
    auth_drop_query(b, key);
    pm_param **tail = &b->url.query;
    while (*tail)
        tail = &(*tail)->next;
    pm_param *p = pm_param_push(b->arena, &tail);
    p->key = key;
    p->value = value;
    p->has_key = p->has_value = true;
    b->url.has_query = true;
}

void auth_failed(builder *b, const char *type, const char *why)
{
    builder_warn(b, "%s.auth: could not sign the request: %s", type, why);
}

auth_url auth_url_of(str wire)
{
    auth_url u = {0};
    ssize_t at = str_find(wire, STR("://"));
    u.scheme = str_sub(wire, 0, (size_t)at);
    str rest = str_skip(wire, (size_t)at + 3);
    size_t len = 0;
    while (len < rest.len && !strchr("/?#", rest.ptr[len]))
        len++;
    u.authority = u.host = str_sub(rest, 0, len);
    u.target = str_skip(rest, len);
    ssize_t colon = str_rchr(u.authority, ':'), bracket = str_rchr(u.authority, ']');
    if (colon > bracket) {
        u.host = str_sub(u.authority, 0, (size_t)colon);
        u.port = str_skip(u.authority, (size_t)colon + 1);
    }
    str_cut(u.target, '?', &u.path, &u.query);
    return u;
}

bool auth_url_now(builder *b, auth_url *ret)
{
    str wire;
    if (pm_url_wire(b->arena, &b->url, b->options->behavior.no_encoding, &wire, NULL))
        return false; // pm_prepare says what is wrong with it
    *ret = auth_url_of(wire);
    return true;
}

str auth_nonce(arena *a, size_t len)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    char *text = arena_alloc(a, len + 1);
    for (size_t i = 0; i < len; i++)
        text[i] = letters[rand_below(sizeof(letters) - 1)];
    return (str){text, len};
}

str auth_encoded(arena *a, str text)
{
    buf out;
    buf_init(&out, PM_TEXT_BYTES_MAX);
    percent_encode(&out, text);
    str copy = arena_str(a, buf_str(&out));
    buf_deinit(&out);
    return copy;
}

str auth_decoded(arena *a, str text)
{
    buf spaced, plain;
    buf_init(&spaced, PM_TEXT_BYTES_MAX);
    buf_init(&plain, PM_TEXT_BYTES_MAX);
    for (size_t i = 0; i < text.len; i++)
        buf_addc(&spaced, text.ptr[i] == '+' ? ' ' : text.ptr[i]);
    bool good = percent_decode(&plain, buf_str(&spaced));
    str copy = arena_str(a, good ? buf_str(&plain) : buf_str(&spaced));
    buf_deinit(&spaced);
    buf_deinit(&plain);
    return copy;
}

str auth_content_type(const builder *b)
{
    const pm_header *h = pm_call_header(b->call, STR("Content-Type"));
    bool kept = h && !(h->system && b->options->behavior.no_headers & PM_SYSTEM_CONTENT_TYPE);
    return kept ? h->value : STR_NONE;
}

// ---- the simple types

static void add_basic(builder *b, str user, str password)
{
    str pair = arena_printf(b->arena, STR_FMT ":" STR_FMT, STR_ARG(user), STR_ARG(password));
    buf value;
    buf_init(&value, PM_TEXT_BYTES_MAX);
    buf_addz(&value, "Basic ");
    base64_encode(&value, pair);
    auth_header(b, buf_str(&value));
    buf_deinit(&value);
}

static void sign_basic(builder *b, const json *params)
{
    add_basic(b, auth_param(b->arena, params, "username"),
              auth_param(b->arena, params, "password"));
}

static void sign_bearer(builder *b, const json *params)
{
    str token = auth_param(b->arena, params, "token");
    if (!token.len)
        return;
    auth_header(b, arena_printf(b->arena, "Bearer " STR_FMT, STR_ARG(token)));
}

static void sign_apikey(builder *b, const json *params)
{
    str key = auth_param(b->arena, params, "key"), value = auth_param(b->arena, params, "value");
    if (!key.len && !value.len)
        return;
    if (str_eq(auth_param(b->arena, params, "in"), STR("query"))) {
        auth_query(b, key, value);
        return;
    }
    if (!key.len)
        return;
    builder_drop_header(b, key);
    builder_header(b, key, value, true);
}

// ---- the table

typedef struct signer signer;
struct signer {
    const char *type;
    void (*sign)(builder *b, const json *params);
    bool (*answer)(const auth_answer *x, str *ret_header); // NULL: answers tell it nothing
    bool lasting; // the same parameters always give the same
};
static const signer signers[] = {
    {"basic", sign_basic, NULL, true},    {"bearer", sign_bearer, NULL, true},
    {"apikey", sign_apikey, NULL, true},  {"oauth2", sign_oauth2, NULL, true},
    {"oauth1", sign_oauth1, NULL, false}, {"digest", sign_digest, answer_digest, false},
    {"hawk", sign_hawk, NULL, false},     {"awsv4", sign_aws, NULL, false},
    {"jwt", sign_jwt, NULL, false},       {"edgegrid", sign_edgegrid, NULL, false},
    {"asap", sign_asap, NULL, false},     {"ntlm", sign_ntlm, answer_ntlm, false},
};

static const signer *find_signer(str type)
{
    for (size_t i = 0; i < ARRAY_LEN(signers); i++)
        if (str_eq(type, str_from(signers[i].type)))
            return &signers[i];
    return NULL;
}

void build_auth(builder *b, const json *auth)
{
    str type = json_str_or(json_get(auth, "type"), STR_NONE);
    const signer *s = find_signer(type);
    if (!type.len)
        return;
    if (str_eq(type, STR("noauth"))) {
        b->call->noauth = true;
        return;
    }
    if (!s) {
        builder_warn(
            b, "auth of the type '" STR_FMT "' isn't supported: the request is sent without it",
            STR_ARG(type));
        return;
    }
    s->sign(b, json_gets(auth, type));
    b->momentary = !s->lasting;
    b->call->auth = s->type;
    b->call->auth_params = json_gets(auth, type);
    b->call->memory = b->options->memory;
}

static void replace_header(arena *a, pm_call *call, str value)
{
    builder b = {.arena = a, .call = call};
    auth_header(&b, value);
    build_headers_shown(&b);
}

bool pm_answer_challenge(arena *a, pm_call *call, const pm_answer *answer)
{
    const signer *s = call->auth ? find_signer(str_from(call->auth)) : NULL;
    auth_answer x = {a, call, call->auth_params, answer};
    str value = STR_NONE;
    if (!s || !s->answer || !call->memory || !s->answer(&x, &value))
        return false;
    if (value.len)
        replace_header(a, call, value);
    return value.len > 0;
}

static str unescaped(builder *b, str text)
{
    buf plain;
    buf_init(&plain, PM_TEXT_BYTES_MAX);
    if (percent_decode(&plain, text))
        text = arena_str(b->arena, buf_str(&plain));
    buf_deinit(&plain);
    return text;
}

void build_userinfo(builder *b)
{
    bool written = b->url.user.ptr || b->url.password.ptr;
    if (!written || pm_call_header(b->call, STR("Authorization")))
        return;
    add_basic(b, unescaped(b, b->url.user), unescaped(b, b->url.password));
    b->call->headers.ptr[b->call->headers.len - 1].unshown = true; // the URL shows it
}
