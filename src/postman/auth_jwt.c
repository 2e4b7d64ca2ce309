// SPDX-License-Identifier: Apache-2.0
// A JWT made on the spot: of the collection's own claims (jwt), or for services of Atlassian's
// (asap). Signing only: what verifies tokens is jose, which has no symmetric algorithms.
#include "postman/auth.h"

typedef struct algorithm algorithm;
struct algorithm {
    const char *name, *hash;
    auth_scheme scheme;
};
static const algorithm algorithms[] = {
    {"HS256", "SHA256", AUTH_HMAC},  {"HS384", "SHA384", AUTH_HMAC},
    {"HS512", "SHA512", AUTH_HMAC},  {"RS256", "SHA256", AUTH_RSA},
    {"RS384", "SHA384", AUTH_RSA},   {"RS512", "SHA512", AUTH_RSA},
    {"PS256", "SHA256", AUTH_PSS},   {"PS384", "SHA384", AUTH_PSS},
    {"PS512", "SHA512", AUTH_PSS},   {"ES256", "SHA256", AUTH_ECDSA},
    {"ES384", "SHA384", AUTH_ECDSA}, {"ES512", "SHA512", AUTH_ECDSA},
};

static const algorithm *find_algorithm(str name)
{
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++)
        if (str_eq(name, str_from(algorithms[i].name)))
            return &algorithms[i];
    return NULL;
}

// An object as it is, or the text of one; an empty one when there is none, NULL when it is neither.
static json *object_param(arena *a, const json *params, const char *key)
{
    const json *v = auth_value(params, key);
    json *parsed = NULL;
    json_opts tolerant = {.tolerant = true};
    if (json_is(v, JSON_STRING) && str_trim(v->text).len) {
        if (json_parse(a, v->text, &tolerant, &parsed, NULL))
            return NULL;
    } else if (v && !json_is(v, JSON_STRING) && !json_is(v, JSON_NULL)) {
        parsed = json_copy(a, v);
    } else {
        parsed = json_new(a, JSON_OBJECT);
    }
    return json_is(parsed, JSON_OBJECT) ? parsed : NULL;
}

// NULL, or why there is no token.
static const char *make_token(arena *a, const algorithm *alg, str key, const json *header,
                              const json *claims, str *ret)
{
    buf text, out, sum;
    const char *wrong = NULL;
    buf_init(&text, PM_TEXT_BYTES_MAX);
    buf_init(&out, PM_TEXT_BYTES_MAX);
    buf_init(&sum, PM_TEXT_BYTES_MAX);
    json_write(&text, header, JSON_COMPACT);
    base64url_encode(&out, buf_str(&text));
    buf_addc(&out, '.');
    buf_reset(&text);
    json_write(&text, claims, JSON_COMPACT);
    base64url_encode(&out, buf_str(&text));
    if (alg->scheme == AUTH_HMAC)
        auth_hmac(alg->hash, key, buf_str(&out), &sum);
    else
        wrong = auth_sign(alg->scheme, alg->hash, key, buf_str(&out), &sum);
    buf_addc(&out, '.');
    base64url_encode(&out, buf_str(&sum));
    if (!wrong && !buf_ok(&out))
        wrong = "the token is too large";
    *ret = arena_str(a, buf_str(&out));
    buf_deinit(&text);
    buf_deinit(&out);
    buf_deinit(&sum);
    return wrong;
}

// ---- jwt

static void add_token(builder *b, const json *params, str token)
{
    arena *a = b->arena;
    str where = auth_param(a, params, "addTokenTo"), prefix = STR("Bearer");
    str key = auth_param(a, params, "queryParamKey");
    const json *given = auth_value(params, "headerPrefix");
    if (given && !json_is(given, JSON_NULL))
        prefix = auth_param(a, params, "headerPrefix");
    if (!where.len || str_eq(where, STR("header")))
        auth_header(b, arena_printf(a, STR_FMT "%s" STR_FMT, STR_ARG(prefix), prefix.len ? " " : "",
                                    STR_ARG(token)));
    else if (str_eq(where, STR("queryParam")))
        auth_query(b, key.len ? key : STR("token"), token);
}

// The bytes of the secret, which may be written in base64 of either alphabet, padded or not.
static str secret_bytes(arena *a, const json *params)
{
    str key = auth_param(a, params, "secret");
    buf url, plain;
    if (!auth_flag(params, "isSecretBase64Encoded"))
        return key;
    buf_init(&url, PM_TEXT_BYTES_MAX);
    buf_init(&plain, PM_TEXT_BYTES_MAX);
    for (size_t i = 0; i < key.len && key.ptr[i] != '='; i++)
        if (!ascii_is_blank(key.ptr[i]))
            buf_addc(&url, key.ptr[i] == '+' ? '-' : key.ptr[i] == '/' ? '_' : key.ptr[i]);
    if (base64url_decode(&plain, buf_str(&url)))
        key = arena_str(a, buf_str(&plain));
    buf_wipe(&url);
    buf_wipe(&plain);
    buf_deinit(&url);
    buf_deinit(&plain);
    return key;
}

static const char *jwt_token(arena *a, const json *params, str *ret)
{
    str name = auth_param(a, params, "algorithm");
    const algorithm *alg = find_algorithm(name);
    json *header = object_param(a, params, "header"), *claims = object_param(a, params, "payload");
    if (!alg)
        return "invalid algorithm";
    bool symmetric = alg->scheme == AUTH_HMAC;
    str key = symmetric ? secret_bytes(a, params) : auth_param(a, params, "privateKey");
    if (!key.len)
        return symmetric ? "Invalid secret key. Enter a valid key."
                         : "Invalid private key. Enter a valid key.";
    if (!header || !claims)
        return "header and payload must be JSON objects";
    json_set(a, header, STR("alg"), json_new_str(a, name));
    return make_token(a, alg, key, header, claims, ret);
}

void sign_jwt(builder *b, const json *params)
{
    str token;
    const char *wrong = jwt_token(b->arena, params, &token);
    if (wrong)
        auth_failed(b, "jwt", wrong);
    else
        add_token(b, params, token);
}

// ---- asap

enum { EXPIRY_S = 3600 };

// "data:application/pkcs8;kid=…;base64,…" as a PEM, percent-decoded; other keys are PEM already.
static const char *asap_key(arena *a, str kid, str *key)
{
    buf plain;
    buf_init(&plain, PM_TEXT_BYTES_MAX);
    str text = *key, head, data;
    if (text.len > 1 && str_starts(text, STR("\"")) && str_ends(text, STR("\"")))
        text = str_sub(text, 1, text.len - 1);
    if (percent_decode(&plain, text))
        text = arena_str(a, buf_str(&plain));
    buf_wipe(&plain);
    buf_deinit(&plain);
    *key = text;
    if (!str_starts(text, STR("data:")))
        return NULL;
    str_cut(text, ',', &head, &data);
    str expected = arena_printf(a, "data:application/pkcs8;kid=" STR_FMT ";base64", STR_ARG(kid));
    if (!str_eq(head, expected))
        return "the private key's data URI isn't data:application/pkcs8;kid=KID;base64,… of this "
               "kid";
    *key = arena_printf(a, "-----BEGIN PRIVATE KEY-----\n" STR_FMT "\n-----END PRIVATE KEY-----",
                        STR_ARG(data));
    return NULL;
}

static bool is_set(const json *v)
{
    return v && !json_is(v, JSON_NULL) && !(json_is(v, JSON_STRING) && !v->text.len);
}

// A claim that isn't there yet gets this value, if there is one.
static void fill(arena *a, json *claims, const char *name, str value)
{
    if (!is_set(json_get(claims, name)) && value.len)
        json_set(a, claims, str_from(name), json_new_str(a, value));
}

static void fill_times(arena *a, json *claims, str expiry)
{
    int64_t now = clock_wall_s();
    uint64_t lives = 0;
    if (!str_to_u64(expiry, &lives) || !lives || lives > INT32_MAX)
        lives = EXPIRY_S;
    if (!is_set(json_get(claims, "iat")))
        json_set(a, claims, STR("iat"), json_new_i64(a, now));
    if (!is_set(json_get(claims, "exp")))
        json_set(a, claims, STR("exp"), json_new_i64(a, now + (int64_t)lives));
}

static json *asap_claims(arena *a, const json *params)
{
    char id[RAND_UUID_MAX];
    json *claims = object_param(a, params, "claims");
    if (!claims)
        return NULL;
    rand_uuid(id);
    fill(a, claims, "iss", auth_param(a, params, "iss"));
    fill(a, claims, "sub", auth_param(a, params, "sub"));
    fill(a, claims, "sub", json_str_or(json_get(claims, "iss"), STR_NONE));
    fill(a, claims, "aud", auth_param(a, params, "aud"));
    fill(a, claims, "jti", str_from(id));
    fill_times(a, claims, auth_param(a, params, "exp"));
    return claims;
}

static const char *asap_token(arena *a, const json *params, str *ret)
{
    json *claims = asap_claims(a, params);
    str key = auth_param(a, params, "privateKey"), name = auth_param(a, params, "alg");
    if (!claims)
        return "Failed to parse claims";
    str kid = json_str_or(json_get(claims, "kid"), auth_param(a, params, "kid"));
    const algorithm *alg = find_algorithm(name.len ? name : STR("RS256"));
    if (!kid.len || !is_set(json_get(claims, "iss")) || !is_set(json_get(claims, "aud")) ||
        !key.len)
        return "One or more of required claims missing";
    if (!alg || alg->scheme == AUTH_HMAC)
        return "invalid algorithm";
    const char *wrong = asap_key(a, kid, &key);
    if (wrong)
        return wrong;
    json *header = json_new(a, JSON_OBJECT);
    json_set(a, header, STR("alg"), json_new_str(a, str_from(alg->name)));
    json_set(a, header, STR("kid"), json_new_str(a, kid));
    return make_token(a, alg, key, header, claims, ret);
}

void sign_asap(builder *b, const json *params)
{
    str token;
    const char *wrong = asap_token(b->arena, params, &token);
    if (wrong)
        auth_failed(b, "asap", wrong);
    else
        auth_header(b, arena_printf(b->arena, "Bearer " STR_FMT, STR_ARG(token)));
}

// ---- assertions (RFC 7523)

const char *jwt_assertion(arena *a, const json *params, str issuer, str audience, str *ret)
{
    str name = auth_param(a, params, "algorithm");
    const algorithm *alg = find_algorithm(name.len ? name : STR("RS256"));
    json *header = object_param(a, params, "header"), *claims = object_param(a, params, "payload");
    if (!alg)
        return "invalid algorithm";
    bool symmetric = alg->scheme == AUTH_HMAC;
    str key = symmetric ? secret_bytes(a, params) : auth_param(a, params, "privateKey");
    if (!key.len)
        return symmetric ? "'secret' is empty" : "'privateKey' is empty";
    if (!header || !claims)
        return "header and payload must be JSON objects";
    json_set(a, header, STR("alg"), json_new_str(a, str_from(alg->name)));
    fill(a, claims, "iss", issuer);
    fill(a, claims, "sub", json_str_or(json_get(claims, "iss"), STR_NONE));
    fill(a, claims, "aud", audience);
    fill_times(a, claims, STR_NONE);
    return make_token(a, alg, key, header, claims, ret);
}
