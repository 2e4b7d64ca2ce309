// SPDX-License-Identifier: Apache-2.0
// OAuth 1.0 (RFC 5849), and its extension for a hash of the body.
#include "postman/auth.h"

enum { NONCE_LEN = 11 };

static const struct {
    const char *name, *hash;
    bool rsa;
} methods[] = {
    {"HMAC-SHA1", "SHA1", false},     {"HMAC-SHA256", "SHA256", false},
    {"HMAC-SHA512", "SHA512", false}, {"RSA-SHA1", "SHA1", true},
    {"RSA-SHA256", "SHA256", true},   {"RSA-SHA512", "SHA512", true},
    {"PLAINTEXT", NULL, false},
};

typedef struct pair pair;
struct pair {
    str key, value;
};

typedef struct oauth1 oauth1;
struct oauth1 {
    builder *b;
    const json *params;
    str method;
    const char *hash; // NULL: PLAINTEXT
    bool rsa;
    bool with_empty;
    VEC(pair) own;    // oauth_…, in order, as they are
    VEC(pair) others; // of the query and of the form
};

static bool find_method(oauth1 *o)
{
    o->method = auth_param(o->b->arena, o->params, "signatureMethod");
    if (!o->method.len)
        o->method = STR("HMAC-SHA1");
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (str_eq(o->method, str_from(methods[i].name))) {
            o->hash = methods[i].hash;
            o->rsa = methods[i].rsa;
            return true;
        }
    }
    return false;
}

// ---- parameters of the request

static bool is_own(str key)
{
    static const char *const names[] = {
        "oauth_consumer_key", "oauth_token",     "oauth_signature_method", "oauth_timestamp",
        "oauth_nonce",        "oauth_version",   "oauth_signature",        "oauth_callback",
        "oauth_verifier",     "oauth_body_hash",
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(key, str_from(names[i])))
            return true;
    return false;
}

static void drop_own_query(builder *b)
{
    for (pm_param **p = &b->url.query; *p;) {
        if ((*p)->has_key && is_own((*p)->key))
            *p = (*p)->next;
        else
            p = &(*p)->next;
    }
}

// "a=b&c=d"; returns it without parameters of ours, which another signature may have left.
static str read_form(oauth1 *o, str text)
{
    arena *a = o->b->arena;
    buf kept;
    buf_init(&kept, PM_TEXT_BYTES_MAX);
    for (str part, key, value; str_next(&text, '&', &part);) {
        str_cut(part, '=', &key, &value);
        pair p = {auth_decoded(a, key), auth_decoded(a, value)};
        if (!part.len || is_own(p.key))
            continue;
        vec_push(&o->others, p);
        buf_addf(&kept, "%s" STR_FMT, kept.len ? "&" : "", STR_ARG(part));
    }
    str copy = arena_str(a, buf_str(&kept));
    buf_deinit(&kept);
    return copy;
}

static bool has_form(const builder *b)
{
    return json_is_str(json_get(json_get(b->call->request, "body"), "mode"), "urlencoded") &&
           !json_bool_or(json_get(json_get(b->call->request, "body"), "disabled"), false) &&
           b->call->body.len <= 1;
}

static void set_form(builder *b, str text)
{
    vec_reset(&b->call->body);
    b->call->body_bytes = 0;
    build_bytes(b, text);
}

// ---- parameters of ours

static void add_own(oauth1 *o, const char *key, const char *param, bool required)
{
    str value = auth_param(o->b->arena, o->params, param);
    pair p = {str_from(key), value};
    if (str_trim(value).len || (required && o->with_empty))
        vec_push(&o->own, p);
}

static void add_made(oauth1 *o, const char *key, const char *param, str made)
{
    str value = auth_param(o->b->arena, o->params, param);
    pair p = {str_from(key), value.len ? value : made};
    vec_push(&o->own, p);
}

static void add_body_hash(oauth1 *o, bool form)
{
    const pm_call *call = o->b->call;
    auth_body how = {.algorithm = o->hash, .base64 = true};
    if (form || !o->hash || !auth_flag(o->params, "includeBodyHash"))
        return;
    pair p = {STR("oauth_body_hash"), call->body_bytes
                                          ? auth_hash_body(o->b->arena, call, &how)
                                          : auth_hash_base64(o->b->arena, o->hash, STR_NONE)};
    if (p.value.len)
        vec_push(&o->own, p);
}

static void collect_own(oauth1 *o, bool form)
{
    arena *a = o->b->arena;
    pair method = {STR("oauth_signature_method"), o->method};
    str now = arena_printf(a, "%lld", (long long)clock_wall_s());
    add_own(o, "oauth_consumer_key", "consumerKey", true);
    add_own(o, "oauth_token", "token", true);
    vec_push(&o->own, method);
    add_made(o, "oauth_timestamp", "timestamp", now);
    add_made(o, "oauth_nonce", "nonce", auth_nonce(a, NONCE_LEN));
    add_own(o, "oauth_version", "version", true);
    add_body_hash(o, form);
    add_own(o, "oauth_callback", "callback", false);
    add_own(o, "oauth_verifier", "verifier", false);
}

// ---- the signature

static int by_key_and_value(const void *x, const void *y)
{
    const pair *p = x, *q = y;
    int order = str_cmp(p->key, q->key);
    return order ? order : str_cmp(p->value, q->value);
}

// RFC 5849 §3.4.1.3.2.
static str normalized(oauth1 *o)
{
    arena *a = o->b->arena;
    buf out;
    VEC(pair) all = {0};
    VEC_FOREACH (&o->own, p) {
        pair e = {auth_encoded(a, p->key), auth_encoded(a, p->value)};
        vec_push(&all, e);
    }
    VEC_FOREACH (&o->others, p) {
        pair e = {auth_encoded(a, p->key), auth_encoded(a, p->value)};
        vec_push(&all, e);
    }
    if (all.len)
        qsort(all.ptr, all.len, sizeof(*all.ptr), by_key_and_value);
    buf_init(&out, PM_TEXT_BYTES_MAX);
    VEC_FOREACH (&all, p)
        buf_addf(&out, "%s" STR_FMT "=" STR_FMT, out.len ? "&" : "", STR_ARG(p->key),
                 STR_ARG(p->value));
    str text = arena_str(a, buf_str(&out));
    buf_deinit(&out);
    vec_deinit(&all);
    return text;
}

// RFC 5849 §3.4.1.1 and §3.4.1.2.
static str base_string(oauth1 *o, const auth_url *url)
{
    arena *a = o->b->arena;
    bool usual = str_eq(url->port, str_eq(url->scheme, STR("https")) ? STR("443") : STR("80"));
    str uri = arena_printf(a, STR_FMT "://" STR_FMT STR_FMT, STR_ARG(url->scheme),
                           STR_ARG(usual ? url->host : url->authority), STR_ARG(url->path));
    return arena_printf(a, STR_FMT "&" STR_FMT "&" STR_FMT, STR_ARG(o->b->call->method),
                        STR_ARG(auth_encoded(a, uri)), STR_ARG(auth_encoded(a, normalized(o))));
}

static bool sign_rsa(oauth1 *o, str base, str *ret)
{
    buf raw, base64;
    buf_init(&raw, PM_TEXT_BYTES_MAX);
    buf_init(&base64, PM_TEXT_BYTES_MAX);
    str pem = auth_param(o->b->arena, o->params, "privateKey");
    const char *wrong = auth_sign(AUTH_RSA, o->hash, pem, base, &raw);
    base64_encode(&base64, buf_str(&raw));
    *ret = arena_str(o->b->arena, buf_str(&base64));
    buf_deinit(&raw);
    buf_deinit(&base64);
    if (wrong)
        auth_failed(o->b, "oauth1", wrong);
    return !wrong;
}

static bool make_signature(oauth1 *o, const auth_url *url, str *ret)
{
    arena *a = o->b->arena;
    str base = base_string(o, url);
    if (o->rsa)
        return sign_rsa(o, base, ret);
    str key = arena_printf(a, STR_FMT "&" STR_FMT,
                           STR_ARG(auth_encoded(a, auth_param(a, o->params, "consumerSecret"))),
                           STR_ARG(auth_encoded(a, auth_param(a, o->params, "tokenSecret"))));
    *ret = o->hash ? auth_hmac_base64(a, o->hash, key, base) : key;
    return true;
}

// ---- where it goes

static void to_header(oauth1 *o)
{
    buf out;
    buf_init(&out, PM_TEXT_BYTES_MAX);
    str realm = str_trim(auth_param(o->b->arena, o->params, "realm"));
    bool plain = auth_flag(o->params, "disableHeaderEncoding");
    buf_addz(&out, "OAuth ");
    if (realm.len)
        buf_addf(&out, "realm=\"" STR_FMT "\"",
                 STR_ARG(plain ? realm : auth_encoded(o->b->arena, realm)));
    VEC_FOREACH (&o->own, p) {
        str value = str_trim(p->value);
        if (value.len)
            buf_addf(&out, "%s" STR_FMT "=\"" STR_FMT "\"", out.len > 6 ? "," : "", STR_ARG(p->key),
                     STR_ARG(plain ? value : auth_encoded(o->b->arena, value)));
    }
    auth_header(o->b, buf_str(&out));
    buf_deinit(&out);
}

static void to_form(oauth1 *o, str form)
{
    buf out;
    buf_init(&out, PM_TEXT_BYTES_MAX);
    buf_adds(&out, form);
    VEC_FOREACH (&o->own, p)
        buf_addf(&out, "%s" STR_FMT "=" STR_FMT, out.len ? "&" : "", STR_ARG(p->key),
                 STR_ARG(auth_encoded(o->b->arena, p->value)));
    set_form(o->b, buf_str(&out));
    buf_deinit(&out);
    if (!pm_call_header(o->b->call, STR("Content-Type")))
        builder_form_type(o->b, STR("application/x-www-form-urlencoded"));
}

static void to_query(oauth1 *o)
{
    bool plain = o->b->options->behavior.no_encoding;
    VEC_FOREACH (&o->own, p)
        auth_query(o->b, p->key, plain ? p->value : auth_encoded(o->b->arena, p->value));
}

// The query as the signature has it: what Postman leaves alone elsewhere is encoded.
static void encode_query(oauth1 *o)
{
    arena *a = o->b->arena;
    if (o->b->options->behavior.no_encoding)
        return;
    for (pm_param *p = o->b->url.query; p; p = p->next) {
        p->key = auth_encoded(a, auth_decoded(a, p->key));
        if (p->has_value)
            p->value = auth_encoded(a, auth_decoded(a, p->value));
    }
}

static void sign(oauth1 *o, const auth_url *url)
{
    builder *b = o->b;
    bool form = has_form(b);
    str form_text = STR_NONE, signature;
    read_form(o, url->query);
    if (form && b->call->body.len) {
        form_text = read_form(o, b->call->body.ptr[0].bytes);
        set_form(b, form_text);
    }
    collect_own(o, form);
    if (!make_signature(o, url, &signature))
        return;
    pair last = {STR("oauth_signature"), signature};
    vec_push(&o->own, last);
    encode_query(o);
    bool may_hold = str_eq(b->call->method, STR("POST")) || str_eq(b->call->method, STR("PUT"));
    if (auth_flag(o->params, "addParamsToHeader"))
        to_header(o);
    else if (form && may_hold)
        to_form(o, form_text);
    else
        to_query(o);
}

void sign_oauth1(builder *b, const json *params)
{
    oauth1 o = {.b = b, .params = params, .with_empty = auth_flag(params, "addEmptyParamsToSign")};
    auth_url url;
    if (!find_method(&o)) {
        auth_failed(b, "oauth1", "there is no such signatureMethod");
        return;
    }
    if (!auth_param(b->arena, params, "consumerKey").len ||
        !auth_param(b->arena, params, o.rsa ? "privateKey" : "consumerSecret").len)
        return;
    builder_drop_header(b, STR("Authorization"));
    drop_own_query(b);
    if (auth_url_now(b, &url))
        sign(&o, &url);
    vec_deinit(&o.own);
    vec_deinit(&o.others);
}
