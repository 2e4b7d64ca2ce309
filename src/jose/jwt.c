// SPDX-License-Identifier: Apache-2.0
// Taking tokens apart and making them (RFC 7515 §3.1, RFC 7519). Nothing here says that a token is
// good: that is jwt_check.c.
#include <string.h>

#include "data/data.h"
#include "jose/key.h"

// The limits are far above what issuers send, and far below what could cost us.
static const json_opts header_limits = {.bytes_max = 4096, .depth_max = 4, .values_max = 64};
static const json_opts claims_limits = {
    .bytes_max = JWT_BYTES_MAX, .depth_max = 32, .values_max = 4096};

// "three parts" for a JWS, five for a JWE.
static code split(str token, str parts[3], err *e)
{
    if (!token.len)
        return err_set(e, JWT_FORMAT, "the token is empty");
    if (token.len > JWT_BYTES_MAX)
        return err_set(e, JWT_FORMAT, "the token has %zu bytes; the limit is %d", token.len,
                       JWT_BYTES_MAX);
    size_t count = 0;
    str rest = token, part;
    while (str_cut(rest, '.', &part, &rest))
        if (count++ < 3)
            parts[count - 1] = part;
    if (count < 3)
        parts[count] = part;
    count++;
    if (count == 5)
        return err_set(e, JWT_FORMAT, "the token is encrypted (a JWE): that is refused");
    if (count == 3 && parts[0].len && parts[1].len && parts[2].len)
        return OK;
    if (count == 3 && !parts[2].len)
        return err_set(e, JWT_FORMAT, "the token has no signature");
    err_set(e, JWT_FORMAT, "not a JWT: a JWT has three parts with a dot between");
    if (str_starts(token, STR("ya29.")))
        err_hint(e, "this is an access token; an ID token is needed: "
                    "gatepost token --audience URL");
    return JWT_FORMAT;
}

static code decode(str part, const char *what, arena *a, str *ret, err *e)
{
    buf b;
    buf_init(&b, JWT_BYTES_MAX);
    bool good = base64url_decode(&b, part);
    if (good)
        *ret = arena_str(a, buf_str(&b));
    buf_deinit(&b);
    return good ? OK : err_set(e, JWT_FORMAT, "the token's %s isn't canonical base64url", what);
}

// What a JSON part is called in messages, how large it may be, and the code of its faults.
typedef struct part_kind {
    const char *name;
    const json_opts *limits;
    code fault;
} part_kind;

static const part_kind header_kind = {"header", &header_limits, JWT_HEADER};
static const part_kind claims_kind = {"claims", &claims_limits, JWT_CLAIMS};

static code decode_object(str part, const part_kind *kind, arena *a, const json **ret, err *e)
{
    str text = STR_NONE;
    code c = decode(part, kind->name, a, &text, e);
    if (c)
        return c;
    json *root = NULL;
    err why = ERR_INIT;
    if (json_parse(a, text, kind->limits, &root, &why) != OK)
        return err_set(e, kind->fault, "the token's %s isn't strict JSON: %s", kind->name, why.msg);
    if (root->type != JSON_OBJECT)
        return err_set(e, kind->fault, "the token's %s isn't an object", kind->name);
    *ret = root;
    return OK;
}

// ---- header

static code read_header_str(const json *header, const char *name, str *ret, err *e)
{
    const json *v = json_get(header, name);
    if (v && !json_is(v, JSON_STRING))
        return err_set(e, JWT_HEADER, "the header's \"%s\" must be a string", name);
    *ret = json_str_or(v, STR_NONE);
    return OK;
}

static code read_header(const json *header, jwt *t, err *e)
{
    static const char *const refused[] = {"crit", "jwk", "jku", "x5u", "x5c", "b64", "zip", "enc"};
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        if (json_get(header, refused[i]))
            return err_set(e, JWT_HEADER, "the header's \"%s\" is refused", refused[i]);
    code c = read_header_str(header, "alg", &t->alg_name, e);
    if (c == OK)
        c = read_header_str(header, "kid", &t->kid, e);
    if (c == OK)
        c = read_header_str(header, "typ", &t->typ, e);
    if (c)
        return c;
    if (!t->alg_name.len)
        return err_set(e, JWT_HEADER, "the header names no algorithm (\"alg\")");
    if (!jose_alg_from_name(t->alg_name, &t->alg))
        t->alg = JOSE_ALG_COUNT;
    return OK;
}

// ---- claims

static code read_claim_str(const jwt *t, const char *name, str *ret, err *e)
{
    const json *v = json_get(t->claims, name);
    if (v && !json_is(v, JSON_STRING))
        return err_set(e, JWT_CLAIMS, "the claim \"%s\" must be a string", name);
    *ret = json_str_or(v, STR_NONE);
    return OK;
}

static code read_audience(jwt *t, arena *a, err *e)
{
    const json *aud = json_get(t->claims, "aud");
    if (!aud)
        return OK;
    bool array = json_is(aud, JSON_ARRAY);
    size_t count = array ? aud->len : 1;
    if (count == 0 || count > JWT_AUDIENCES_MAX)
        return err_set(e, JWT_CLAIMS, "the claim \"aud\" must name 1 to %d audiences",
                       JWT_AUDIENCES_MAX);
    str *list = arena_array(a, count, sizeof(*list));
    const json *at = array ? aud->first : aud;
    for (size_t i = 0; i < count; i++) {
        if (!json_is(at, JSON_STRING))
            return err_set(e, JWT_CLAIMS, "the claim \"aud\" must be a string or an array of them");
        list[i] = at->text;
        at = array ? at->next : NULL;
    }
    t->audiences = list;
    t->audience_count = count;
    return OK;
}

// RFC 7519's NumericDate. Beyond 2^53 a number isn't exact any more, and no clock gets there.
static code read_time(const jwt *t, const char *name, bool digits_too, bool *ret_has, int64_t *ret,
                      err *e)
{
    const json *v = json_get(t->claims, name);
    *ret_has = v != NULL;
    if (!v)
        return OK;
    uint64_t digits;
    if (digits_too && json_is(v, JSON_STRING) && str_to_u64(v->text, &digits) &&
        digits <= 1ULL << 53) {
        *ret = (int64_t)digits;
        return OK;
    }
    double seconds = -1;
    if (!json_is(v, JSON_NUMBER) || json_to_f64(v, &seconds, NULL) != OK || !(seconds >= 0) ||
        seconds >= 9007199254740992.0)
        return err_set(e, JWT_CLAIMS, "the claim \"%s\" must be a number of seconds since 1970",
                       name);
    *ret = (int64_t)seconds;
    return OK;
}

static code read_claims(jwt *t, bool digits_too, arena *a, err *e)
{
    code c = read_claim_str(t, "iss", &t->issuer, e);
    if (c == OK)
        c = read_claim_str(t, "sub", &t->subject, e);
    if (c == OK)
        c = read_audience(t, a, e);
    if (c == OK)
        c = read_time(t, "exp", digits_too, &t->has_expiry, &t->expiry_s, e);
    if (c == OK)
        c = read_time(t, "nbf", digits_too, &t->has_not_before, &t->not_before_s, e);
    if (c == OK)
        c = read_time(t, "iat", digits_too, &t->has_issued_at, &t->issued_at_s, e);
    return c;
}

static code parse(str token, bool digits_too, arena *a, jwt *t, err *e)
{
    *t = (jwt){.text = token, .alg = JOSE_ALG_COUNT};
    str parts[3] = {{NULL, 0}};
    const json *header = NULL;
    code c = split(token, parts, e);
    if (c)
        return c;
    t->signing_input = (str){token.ptr, parts[0].len + 1 + parts[1].len};
    c = decode_object(parts[0], &header_kind, a, &header, e);
    if (c == OK)
        c = read_header(header, t, e);
    if (c == OK)
        c = decode_object(parts[1], &claims_kind, a, &t->claims, e);
    if (c == OK)
        c = decode(parts[2], "signature", a, &t->signature, e);
    if (c == OK)
        c = read_claims(t, digits_too, a, e);
    return c;
}

code jwt_parse(str token, arena *a, jwt *ret_jwt, err *e)
{
    return parse(token, false, a, ret_jwt, e);
}

code jwt_parse_assertion(str token, arena *a, jwt *ret_jwt, err *e)
{
    return parse(token, true, a, ret_jwt, e);
}

bool jwt_looks_like(str token)
{
    str parts[3] = {{NULL, 0}};
    if (token.len > JWT_BYTES_MAX || split(token, parts, NULL) != OK)
        return false;
    buf b;
    buf_init(&b, JWT_BYTES_MAX);
    bool good = base64url_decode(&b, parts[0]) && str_starts(str_trim(buf_str(&b)), STR("{")) &&
                str_find(buf_str(&b), STR("\"alg\"")) > 0;
    buf_reset(&b);
    good = good && base64url_decode(&b, parts[1]);
    buf_reset(&b);
    good = good && base64url_decode(&b, parts[2]);
    buf_deinit(&b);
    return good;
}

// ---- making

code jwt_sign(jwk *k, str claims_json, str typ, buf *out, err *e)
{
    buf header, signature;
    buf_init(&header, 4096);
    buf_init(&signature, RSA_BITS_MAX / 8);
    buf_addf(&header, "{\"alg\":\"%s\",", jose_alg_name(k->alg));
    if (k->kid.len) {
        buf_addz(&header, "\"kid\":");
        buf_add_json(&header, k->kid);
        buf_addc(&header, ',');
    }
    buf_addz(&header, "\"typ\":");
    buf_add_json(&header, typ.len ? typ : STR("JWT"));
    buf_addc(&header, '}');
    size_t start = out->len;
    base64url_encode(out, buf_str(&header));
    buf_addc(out, '.');
    base64url_encode(out, claims_json);
    code c = buf_ok(out) ? OK : err_set(e, SYS_LIMIT, "the token doesn't fit");
    if (c == OK)
        c = jws_sign(k, str_skip(buf_str(out), start), &signature, e);
    if (c == OK) {
        buf_addc(out, '.');
        base64url_encode(out, buf_str(&signature));
    }
    buf_deinit(&header);
    buf_deinit(&signature);
    return c;
}
