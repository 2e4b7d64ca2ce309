// SPDX-License-Identifier: Apache-2.0
// Digest access authentication (RFC 7616, and RFC 2617 for what old servers ask). The first request
// goes out without it; the server's challenge is remembered for the later requests of the same
// definition to the same origin, each of which counts the nonce up.
#include "postman/auth.h"

enum { CNONCE_LEN = 16, CHALLENGE_BYTES_MAX = 8 << 10 };

// ---- memory

struct pm_auth_memory {
    arena mem; // of the challenge
    str origin;
    str realm, nonce, opaque, qop, algorithm;
    str cnonce;
    uint32_t uses; // of the nonce
};

pm_auth_memory *pm_auth_memory_new(void)
{
    pm_auth_memory *m = NEW(pm_auth_memory);
    arena_init(&m->mem);
    return m;
}

void pm_auth_memory_free(pm_auth_memory *m)
{
    if (!m)
        return;
    arena_deinit(&m->mem);
    free(m);
}

// ---- algorithms

static const struct {
    const char *name, *hash;
    bool session;
} algorithms[] = {
    {"MD5", "MD5", false},
    {"MD5-sess", "MD5", true},
    {"SHA-256", "SHA256", false},
    {"SHA-256-sess", "SHA256", true},
    {"SHA-512-256", "SHA512-256", false},
    {"SHA-512-256-sess", "SHA512-256", true},
};

static ssize_t find_algorithm(str name)
{
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++)
        if (str_ieq(name, str_from(algorithms[i].name)))
            return (ssize_t)i;
    return -1;
}

// ---- the header

typedef struct digest digest;
struct digest {
    arena *arena;
    const pm_call *call;
    str username, password, realm, nonce, opaque, qop, algorithm, cnonce, count, target;
    const char *hash;
    bool session;
};

// What is offered may be a list; what is asked of the whole body is the second choice.
static str choose_qop(str offered)
{
    bool integrity = false;
    for (str part; str_next(&offered, ',', &part);) {
        if (str_ieq(str_trim(part), STR("auth")))
            return STR("auth");
        integrity = integrity || str_ieq(str_trim(part), STR("auth-int"));
    }
    return integrity ? STR("auth-int") : STR_NONE;
}

static str own_or(arena *a, const json *params, const char *key, str learned)
{
    str own = auth_param(a, params, key);
    return own.len ? own : learned;
}

// What the parameters say counts, what was learned fills the gaps.
static void collect(digest *d, const json *params, pm_auth_memory *m)
{
    static pm_auth_memory nothing;
    auth_url url = auth_url_of(d->call->url);
    str origin =
        arena_printf(d->arena, STR_FMT "://" STR_FMT, STR_ARG(url.scheme), STR_ARG(url.authority));
    pm_auth_memory *learned = m && str_eq(m->origin, origin) ? m : &nothing;
    d->target = url.target;
    d->username = auth_param(d->arena, params, "username");
    d->password = auth_param(d->arena, params, "password");
    d->realm = own_or(d->arena, params, "realm", learned->realm);
    d->nonce = own_or(d->arena, params, "nonce", learned->nonce);
    d->opaque = own_or(d->arena, params, "opaque", learned->opaque);
    d->qop = choose_qop(own_or(d->arena, params, "qop", learned->qop));
    d->algorithm = own_or(d->arena, params, "algorithm", learned->algorithm);
    d->cnonce = own_or(d->arena, params, "clientNonce", learned->cnonce);
    if (!d->cnonce.len)
        d->cnonce = auth_nonce(d->arena, CNONCE_LEN);
    d->count = auth_param(d->arena, params, "nonceCount");
    if (!d->count.len)
        d->count = arena_printf(d->arena, "%08x", learned == m && m ? ++m->uses : 1);
}

static str hash_joined(const digest *d, const str *parts, size_t count)
{
    buf text;
    buf_init(&text, PM_TEXT_BYTES_MAX);
    for (size_t i = 0; i < count; i++)
        buf_addf(&text, "%s" STR_FMT, i ? ":" : "", STR_ARG(parts[i]));
    str hex = auth_hash_hex(d->arena, d->hash, buf_str(&text));
    buf_wipe(&text);
    buf_deinit(&text);
    return hex;
}
#define HASH(d, ...)                                                                               \
    hash_joined((d), (const str[]){__VA_ARGS__}, ARRAY_LEN(((const str[]){__VA_ARGS__})))

static str body_hash(const digest *d)
{
    str hex = auth_hash_body(d->arena, d->call, &(auth_body){.algorithm = d->hash});
    return hex.len ? hex : auth_hash_hex(d->arena, d->hash, STR_NONE);
}

// RFC 7616 §3.4.1 to §3.4.3.
static str response(const digest *d)
{
    str method = d->call->method;
    str a1 = HASH(d, d->username, d->realm, d->password);
    if (d->session)
        a1 = HASH(d, a1, d->nonce, d->cnonce);
    str a2 = str_eq(d->qop, STR("auth-int")) ? HASH(d, method, d->target, body_hash(d))
                                             : HASH(d, method, d->target);
    return d->qop.len ? HASH(d, a1, d->nonce, d->count, d->cnonce, d->qop, a2)
                      : HASH(d, a1, d->nonce, a2);
}

// A value of a challenge is kept as it is quoted; the user's is not quoted yet.
static void add_quoted(buf *out, const char *key, str value, bool quoted_already)
{
    buf_addf(out, "%s%s=\"", out->len > 7 ? ", " : "", key);
    for (size_t i = 0; i < value.len; i++) {
        if (!quoted_already && (value.ptr[i] == '"' || value.ptr[i] == '\\'))
            buf_addc(out, '\\');
        buf_addc(out, value.ptr[i]);
    }
    buf_addc(out, '"');
}

static str header(const digest *d)
{
    buf out;
    buf_init(&out, PM_TEXT_BYTES_MAX);
    buf_addz(&out, "Digest ");
    add_quoted(&out, "username", d->username, false);
    add_quoted(&out, "realm", d->realm, true);
    add_quoted(&out, "nonce", d->nonce, true);
    add_quoted(&out, "uri", d->target, true);
    add_quoted(&out, "algorithm", d->algorithm, true);
    if (d->qop.len)
        buf_addf(&out, ", qop=" STR_FMT, STR_ARG(d->qop));
    if (d->qop.len || d->session) {
        buf_addf(&out, ", nc=" STR_FMT, STR_ARG(d->count));
        add_quoted(&out, "cnonce", d->cnonce, true);
    }
    add_quoted(&out, "response", response(d), true);
    if (d->opaque.len)
        add_quoted(&out, "opaque", d->opaque, true);
    str text = arena_str(d->arena, buf_str(&out));
    buf_deinit(&out);
    return text;
}

// Empty when something is missing yet; `ret_wrong` when the algorithm is none of ours.
static str make_header(digest *d, const json *params, pm_auth_memory *m, bool *ret_wrong)
{
    collect(d, params, m);
    ssize_t found = d->algorithm.len ? find_algorithm(d->algorithm) : 0;
    *ret_wrong = found < 0;
    if (found < 0 || !d->username.len || !d->realm.len || !d->nonce.len)
        return STR_NONE;
    if (!d->algorithm.len)
        d->algorithm = str_from(algorithms[found].name);
    d->hash = algorithms[found].hash;
    d->session = algorithms[found].session;
    return header(d);
}

void sign_digest(builder *b, const json *params)
{
    digest d = {.arena = b->arena, .call = b->call};
    bool wrong;
    if (pm_url_wire(b->arena, &b->url, b->options->behavior.no_encoding, &b->call->url, NULL))
        return;
    str value = make_header(&d, params, b->options->memory, &wrong);
    if (wrong)
        auth_failed(b, "digest", "the algorithm is none of MD5, SHA-256, SHA-512-256 (-sess)");
    if (value.len)
        auth_header(b, value);
}

// ---- the challenge

// The next `key=value` or `key="value"` of a challenge; a quoted value as it is between the quotes.
static bool next_parameter(str *rest, str *ret_key, str *ret_value)
{
    while (rest->len && (ascii_is_blank(*rest->ptr) || *rest->ptr == ','))
        *rest = str_skip(*rest, 1);
    if (!rest->len || !str_cut(*rest, '=', ret_key, rest))
        return false;
    *ret_key = str_trim(*ret_key);
    *rest = str_trim(*rest);
    size_t len = 0;
    if (!str_starts(*rest, STR("\""))) {
        while (len < rest->len && rest->ptr[len] != ',' && !ascii_is_blank(rest->ptr[len]))
            len++;
        *ret_value = str_sub(*rest, 0, len);
        *rest = str_skip(*rest, len);
        return true;
    }
    *rest = str_skip(*rest, 1);
    while (len < rest->len && rest->ptr[len] != '"')
        len += rest->ptr[len] == '\\' ? 2 : 1;
    *ret_value = str_sub(*rest, 0, len);
    *rest = str_skip(*rest, len + 1);
    return true;
}

typedef struct challenge challenge;
struct challenge {
    str realm, nonce, opaque, qop, algorithm;
    bool stale;
};

static challenge read_challenge(str text)
{
    challenge c = {0};
    for (str key, value; next_parameter(&text, &key, &value);) {
        if (str_ieq(key, STR("realm")))
            c.realm = value;
        else if (str_ieq(key, STR("nonce")))
            c.nonce = value;
        else if (str_ieq(key, STR("opaque")))
            c.opaque = value;
        else if (str_ieq(key, STR("qop")))
            c.qop = value;
        else if (str_ieq(key, STR("algorithm")))
            c.algorithm = value;
        else if (str_ieq(key, STR("stale")))
            c.stale = str_ieq(value, STR("true"));
    }
    return c;
}

// Of several challenges, the first whose algorithm we have.
static bool find_challenge(const pm_answer *answer, challenge *ret)
{
    for (size_t i = 0; i < answer->challenge_count; i++) {
        str text = answer->challenges[i];
        if (!str_istarts(text, STR("Digest ")) || text.len > CHALLENGE_BYTES_MAX)
            continue;
        *ret = read_challenge(str_skip(text, 7));
        if (!ret->algorithm.len || find_algorithm(ret->algorithm) >= 0)
            return true;
    }
    return false;
}

static void learn(pm_auth_memory *m, str origin, const challenge *c)
{
    arena_reset(&m->mem);
    m->origin = arena_str(&m->mem, origin);
    m->realm = arena_str(&m->mem, c->realm);
    m->nonce = arena_str(&m->mem, c->nonce);
    m->opaque = arena_str(&m->mem, c->opaque);
    m->qop = arena_str(&m->mem, c->qop);
    m->algorithm = arena_str(&m->mem, c->algorithm);
    m->cnonce = auth_nonce(&m->mem, CNONCE_LEN);
    m->uses = 0;
}

// Does the challenge say something that wasn't known when the request was signed? A refusal of what
// was known is the end of it: the password is wrong.
static bool is_news(const auth_answer *x, str origin, const challenge *c)
{
    const pm_auth_memory *m = x->call->memory;
    if (c->stale || !str_eq(m->origin, origin) || !str_eq(m->realm, c->realm))
        return true;
    return (c->qop.len && !m->qop.len) || (c->opaque.len && !m->opaque.len);
}

// The user's own nonce and realm leave nothing to learn.
static bool all_given(const auth_answer *x, const challenge *c)
{
    arena *a = x->arena;
    return auth_param(a, x->params, "nonce").len && auth_param(a, x->params, "realm").len &&
           (!c->qop.len ||
            (auth_param(a, x->params, "qop").len && auth_param(a, x->params, "nonceCount").len &&
             auth_param(a, x->params, "clientNonce").len)) &&
           (!c->opaque.len || auth_param(a, x->params, "opaque").len);
}

bool answer_digest(const auth_answer *x, str *ret_header)
{
    challenge c;
    bool wrong;
    int status = x->answer->status;
    digest d = {.arena = x->arena, .call = x->call};
    auth_url url = auth_url_of(x->call->url);
    str origin =
        arena_printf(x->arena, STR_FMT "://" STR_FMT, STR_ARG(url.scheme), STR_ARG(url.authority));
    if ((status != 401 && status != 403) || auth_flag(x->params, "disableRetryRequest") ||
        !find_challenge(x->answer, &c) || !is_news(x, origin, &c) || all_given(x, &c))
        return false;
    learn(x->call->memory, origin, &c);
    *ret_header = make_header(&d, x->params, x->call->memory, &wrong);
    return true;
}
