// SPDX-License-Identifier: Apache-2.0
// The token endpoint (google-identity.md §1). The order of the checks and the texts are what others
// measured at Google: clients and people search for them.
#include "google/call.h"

enum { ASSERTION_AHEAD_S = 300, ASSERTION_LIFETIME_S = 3600, BASIC_BYTES_MAX = 4096 };

#define GOOGLE_TOKEN_URL STR("https://oauth2.googleapis.com/token")

void oauth_answer(call *c, int status, buf *body)
{
    call_header(c, STR("cache-control"), STR("no-cache, no-store, max-age=0, must-revalidate"));
    call_header(c, STR("pragma"), STR("no-cache"));
    call_answer_json(c, status, body);
}

void oauth_refuse(call *c, int status, const char *error, str description)
{
    buf b;
    buf_init(&b, 8192);
    jout w = jout_new(&b, JSON_PRETTY);
    jout_object(&w, NULL);
    jout_str(&w, "error", str_from(error));
    jout_str(&w, "error_description", description);
    jout_end(&w);
    oauth_answer(c, status, &b);
}

static void refuse(call *c, const char *error, const char *description)
{
    oauth_refuse(c, 400, error, str_from(description));
}

// ---- what is granted

static bool has_scope(str scopes, str wanted)
{
    str scope;
    while (str_next(&scopes, ' ', &scope))
        if (str_eq(scope, wanted))
            return true;
    return false;
}

static void give_access(call *c, const access_grant *x, const refresh_token *refreshed)
{
    buf b, token, id;
    buf_init(&b, 32 << 10);
    buf_init(&token, 256);
    buf_init(&id, JWT_BYTES_MAX);
    int64_t left_s = mint_access(c->g, x, c->now_s, &token) - c->now_s;
    jout w = jout_new(&b, JSON_PRETTY);
    jout_object(&w, NULL);
    jout_str(&w, "access_token", buf_str(&token));
    jout_i64(&w, "expires_in", left_s > 1 ? left_s - 1 : left_s);
    if (refreshed)
        jout_str(&w, "scope", x->scopes);
    if (refreshed && has_scope(refreshed->scopes, STR("openid"))) {
        str domain = str_skip(x->who->email, (size_t)str_chr(x->who->email, '@') + 1);
        id_claims claims = {.who = x->who,
                            .audience = refreshed->client_id,
                            .azp = refreshed->client_id,
                            .email = true,
                            .managed_domain = str_eq(domain, STR("gmail.com")) ? STR_NONE : domain};
        if (mint_id(c->g, &claims, c->now_s, &id, NULL) == OK)
            jout_str(&w, "id_token", buf_str(&id));
    }
    jout_str(&w, "token_type", STR("Bearer"));
    jout_end(&w);
    buf_wipe(&token);
    buf_deinit(&token);
    buf_deinit(&id);
    oauth_answer(c, 200, &b);
}

static void give_id(call *c, const account *a, str audience)
{
    buf b, id;
    err e = ERR_INIT;
    buf_init(&b, 32 << 10);
    buf_init(&id, JWT_BYTES_MAX);
    id_claims claims = {.who = a, .audience = audience, .azp = a->email, .email = true};
    code failed = mint_id(c->g, &claims, c->now_s, &id, &e);
    jout w = jout_new(&b, JSON_PRETTY);
    jout_object(&w, NULL);
    jout_str(&w, "id_token", buf_str(&id));
    jout_end(&w);
    buf_deinit(&id);
    if (!failed) {
        oauth_answer(c, 200, &b);
        return;
    }
    buf_deinit(&b);
    oauth_refuse(c, 400, "invalid_request", str_from(e.msg));
}

// ---- the JWT bearer grant

static bool signed_by(const call *c, const jwt *t, const account *a)
{
    bool good = false;
    VEC_FOREACH (&a->keys, k) {
        if (good || !account_key_usable(*k, c->now_s) || (t->kid.len && !str_eq(t->kid, (*k)->id)))
            continue;
        jwk_set *one = jwk_set_new();
        jwk_set_add(one, (*k)->key);
        good = jwt_check_signature(t, one, NULL) == OK;
        jwk_set_unref(one);
        if (good)
            account_key_used(c->g, *k, c->now_s);
    }
    return good;
}

static bool in_window(const jwt *t, int64_t now_s)
{
    return t->issued_at_s <= now_s + ASSERTION_AHEAD_S && t->expiry_s > now_s &&
           t->expiry_s > t->issued_at_s && t->expiry_s - t->issued_at_s <= ASSERTION_LIFETIME_S;
}

// Also the endpoint's name at Google: clients send it when their token_uri was redirected.
static bool meant_for_us(const call *c, const jwt *t)
{
    for (size_t i = 0; i < t->audience_count; i++) {
        str aud = t->audiences[i];
        if (str_eq(aud, GOOGLE_TOKEN_URL) || (c->g->base.len && str_starts(aud, c->g->base) &&
                                              str_eq(str_skip(aud, c->g->base.len), STR("/token"))))
            return true;
    }
    return false;
}

static str claim_str(const jwt *t, const char *name)
{
    return str_trim(json_str_or(json_get(t->claims, name), STR_NONE));
}

// NULL when the assertion is good; otherwise the error and its description.
static const char *check_assertion(const call *c, const jwt *t, const account *a,
                                   const char **ret_error)
{
    *ret_error = "invalid_grant";
    if (t->alg != JOSE_RS256)
        return "Invalid JWT Signature.";
    if (!a || a->is_person)
        return "Invalid grant: account not found";
    if (!signed_by(c, t, a))
        return "Invalid JWT Signature.";
    if (!t->has_issued_at)
        return "Invalid JWT: iat (issued at) is not set.";
    if (!t->has_expiry)
        return "Invalid JWT: exp (expiration time) is not set.";
    if (!in_window(t, c->now_s))
        return "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable "
               "timeframe. Check your iat and exp values in the JWT claim.";
    str scope = claim_str(t, "scope");
    if ((!scope.len && !claim_str(t, "target_audience").len) || scope.len > SCOPES_BYTES_MAX) {
        *ret_error = "invalid_scope";
        return "Invalid OAuth scope or ID token audience provided.";
    }
    return meant_for_us(c, t) ? NULL : "Invalid JWT: Failed audience check.";
}

static void grant_jwt(call *c, const form *f)
{
    jwt t;
    err e = ERR_INIT;
    const char *error, *description;
    if (jwt_parse_assertion(form_get(f, "assertion"), c->mem, &t, &e)) {
        log_info("google", "an assertion was refused: %s", e.msg);
        refuse(c, "invalid_request", "Bad Request");
        return;
    }
    account *a = account_find(c->g, t.issuer);
    if (!account_works(a))
        a = NULL;
    if ((description = check_assertion(c, &t, a, &error))) {
        log_info("google", "an assertion of %.*s was refused: %s",
                 t.issuer.len < 256 ? (int)t.issuer.len : 256, t.issuer.ptr ? t.issuer.ptr : "",
                 description);
        refuse(c, error, description);
        return;
    }
    if (t.subject.len && account_find(c->g, t.subject) != a) { // domain-wide delegation
        oauth_refuse(c, 401, "unauthorized_client",
                     STR("Client is unauthorized to retrieve access tokens using this method, or "
                         "client not authorized for any of the scopes requested."));
        return;
    }
    str audience = claim_str(&t, "target_audience");
    if (audience.len)
        give_id(c, a, audience);
    else
        give_access(c, &(access_grant){.who = a, .scopes = claim_str(&t, "scope")}, NULL);
}

// ---- the refresh_token grant

static bool within(str scopes, str wanted)
{
    str scope;
    while (str_next(&wanted, ' ', &scope))
        if (scope.len && !has_scope(scopes, scope))
            return false;
    return true;
}

static void grant_refresh(call *c, const form *f)
{
    unsigned char secret_hash[DIGEST_BYTES];
    const refresh_token *t = refresh_token_find(c->g, form_get(f, "refresh_token"));
    str scope = str_trim(form_get(f, "scope"));
    digest(form_get(f, "client_secret"), secret_hash);
    if (!t)
        refuse(c, "invalid_grant", "Token has been expired or revoked.");
    else if (!str_eq(t->client_id, form_get(f, "client_id")))
        oauth_refuse(c, 401, "unauthorized_client", STR("Unauthorized"));
    else if (!str_eq_secret(digest_str(secret_hash), digest_str(t->client_secret)))
        oauth_refuse(c, 401, "invalid_client", STR("The provided client secret is invalid."));
    else if (!within(t->scopes, scope) || scope.len > SCOPES_BYTES_MAX)
        refuse(c, "invalid_scope", "Some requested scopes were not granted at sign-in.");
    else
        give_access(c, &(access_grant){.who = t->who, .scopes = scope.len ? scope : t->scopes}, t);
}

// ---- the endpoint

// What a grant can't do without; in the order in which it is missed.
static const struct {
    const char *type;
    const char *fields[3];
    void (*grant)(call *c, const form *f);
} grants[] = {
    {"urn:ietf:params:oauth:grant-type:jwt-bearer", {"assertion"}, grant_jwt},
    {"refresh_token", {"refresh_token", "client_id", "client_secret"}, grant_refresh},
};

static const char *missing_field(const form *f, const char *const fields[3])
{
    for (size_t i = 0; i < 3 && fields[i]; i++)
        if (!form_get(f, fields[i]).len)
            return fields[i];
    return NULL;
}

static void dispatch(call *c, const form *f)
{
    str type = form_get(f, "grant_type");
    for (size_t i = 0; i < ARRAY_LEN(grants); i++) {
        if (!str_eq(type, str_from(grants[i].type)))
            continue;
        const char *missing = missing_field(f, grants[i].fields);
        if (missing)
            oauth_refuse(c, 400, "invalid_request",
                         arena_printf(c->mem, "Missing required parameter: %s", missing));
        else
            grants[i].grant(c, f);
        return;
    }
    if (!type.len)
        refuse(c, "invalid_request", "Missing required parameter: grant_type");
    else
        oauth_refuse(c, 400, "unsupported_grant_type",
                     arena_printf(c->mem, "Invalid grant_type: %.*s",
                                  type.len < 128 ? (int)type.len : 128, type.ptr));
}

bool oauth_form(call *c, form *f)
{
    str type, parameters;
    str_cut(c->content_type, ';', &type, &parameters);
    if (!str_ieq(str_trim(type), STR("application/x-www-form-urlencoded")) ||
        !form_parse(c->body, c->mem, f)) {
        refuse(c, "invalid_request", "Bad Request");
        return false;
    }
    str twice = form_repeated(f);
    if (twice.len)
        oauth_refuse(c, 400, "invalid_request",
                     arena_printf(c->mem, "OAuth 2 parameters can only have a single value: %.*s",
                                  twice.len < 128 ? (int)twice.len : 128, twice.ptr));
    return !twice.len;
}

static bool unescape(str text, arena *mem, str *ret)
{
    form f;
    bool good = form_parse(arena_printf(mem, "x=" STR_FMT, STR_ARG(text)), mem, &f) && f.count == 1;
    *ret = good ? f.fields[0].value : STR_NONE;
    return good;
}

// Client authentication in the header (RFC 6749 §2.3.1) becomes the fields that it stands for; what
// the form says itself counts.
static void take_basic_client(call *c, form *f)
{
    str scheme, rest, id, password;
    buf plain;
    str_cut(c->authorization, ' ', &scheme, &rest);
    if (c->authorization_count != 1 || !str_ieq(scheme, STR("Basic")) ||
        f->count + 2 > FORM_FIELDS_MAX || form_get(f, "client_id").len)
        return;
    buf_init(&plain, BASIC_BYTES_MAX);
    if (base64_decode(&plain, str_trim(rest)) && str_cut(buf_str(&plain), ':', &id, &password) &&
        unescape(id, c->mem, &id) && unescape(password, c->mem, &password)) {
        f->fields[f->count++] = (form_field){STR("client_id"), id};
        f->fields[f->count++] = (form_field){STR("client_secret"), password};
    }
    buf_wipe(&plain);
    buf_deinit(&plain);
}

void token_endpoint(call *c)
{
    form f;
    if (!str_eq(c->method, STR("POST"))) {
        call_method_not_allowed(c, STR("POST"));
    } else if (oauth_form(c, &f)) {
        take_basic_client(c, &f);
        dispatch(c, &f);
    }
}
