// SPDX-License-Identifier: Apache-2.0
// IAM credentials (google-identity.md §3): tokens of one account for another.
#include "google/key_job.h"

enum {
    DELEGATES_MAX = 8,
    SCOPES_MAX = 64,
    LIFETIME_S = 3600,
    AUDIENCE_BYTES_MAX = 8 << 10,
    SIGNED_JWT_LIFETIME_S = 12 * 3600
};

#define LIFETIME_CONSTRAINT "constraints/iam.allowServiceAccountCredentialLifetimeExtension"

static const api_method access_method = {
    .permission = "iam.serviceAccounts.getAccessToken",
    .log = AUDIT_DATA_ACCESS,
    .permission_type = "ADMIN_READ",
    .service = "iamcredentials.googleapis.com",
    .name = "GenerateAccessToken",
};
static const api_method id_method = {
    .permission = "iam.serviceAccounts.getOpenIdToken",
    .log = AUDIT_DATA_ACCESS,
    .permission_type = "ADMIN_READ",
    .service = "iamcredentials.googleapis.com",
    .name = "GenerateIdToken",
};

static const api_method sign_jwt_method = {
    .permission = "iam.serviceAccounts.signJwt",
    .log = AUDIT_DATA_ACCESS,
    .permission_type = "ADMIN_READ",
    .service = "iamcredentials.googleapis.com",
    .name = "SignJwt",
};
static const api_method sign_blob_method = {
    .permission = "iam.serviceAccounts.signBlob",
    .log = AUDIT_DATA_ACCESS,
    .permission_type = "ADMIN_READ",
    .service = "iamcredentials.googleapis.com",
    .name = "SignBlob",
};

static bool invalid(call *c, const char *what)
{
    call_rpc_error(c, RPC_INVALID_ARGUMENT, "%s", what);
    return false;
}

// "projects/-/serviceAccounts/E", nearest to the caller first; null and absent mean none.
static bool read_delegates(call *c, const json *body, api_use *u)
{
    const json *list = json_get(body, "delegates");
    if (!list || json_is(list, JSON_NULL))
        return true;
    if (!json_is(list, JSON_ARRAY) || list->len > DELEGATES_MAX)
        return invalid(c, "Invalid value at 'delegates': a list of at most 8 names.");
    u->delegates = arena_array(c->mem, list->len, sizeof(*u->delegates));
    JSON_EACH (list, v) {
        str name = json_str_or(v, STR_NONE);
        if (str_starts(name, STR("projects/-/serviceAccounts/")))
            name = str_skip(name, 27);
        account *a = account_find(c->g, name);
        if (!account_works(a) || a->is_person) {
            call_rpc_error(c, RPC_NOT_FOUND, "Not found; Gaia id not found for email %.*s",
                           name.len < 256 ? (int)name.len : 256, name.ptr ? name.ptr : "");
            return false;
        }
        u->delegates[u->delegate_count++] = a;
    }
    return true;
}

// Clients send booleans as strings too.
static bool read_flag(const json *body, const char *name)
{
    const json *v = json_get(body, name);
    return json_bool_or(v, false) || json_is_str(v, "true");
}

// ---- generateAccessToken

// "Ns"; 1 second to an hour.
static bool read_lifetime(call *c, const json *body, int64_t *ret_s)
{
    const json *v = json_get(body, "lifetime");
    if (!v || json_is(v, JSON_NULL))
        return true;
    str text = json_str_or(v, STR_NONE);
    if (!str_ends(text, STR("s")) || !str_to_i64(str_sub(text, 0, text.len - 1), ret_s))
        return invalid(c, "Invalid value at 'lifetime': a duration such as \"3600s\".");
    if (*ret_s <= 0)
        return invalid(c, "The access token lifetime must be greater than zero.");
    if (*ret_s <= LIFETIME_S)
        return true;
    return invalid(c, "The access token lifetime cannot exceed 3600 seconds without the "
                      "organization policy " LIFETIME_CONSTRAINT ".");
}

static bool read_scopes(call *c, const json *body, str *ret)
{
    const json *list = json_get(body, "scope");
    buf b;
    bool good = json_is(list, JSON_ARRAY) && list->len && list->len <= SCOPES_MAX;
    buf_init(&b, SCOPES_BYTES_MAX);
    JSON_EACH (list, v) {
        str scope = json_str_or(v, STR_NONE);
        good = good && scope.len && str_chr(scope, ' ') < 0;
        if (b.len)
            buf_addc(&b, ' ');
        buf_adds(&b, scope);
    }
    good = good && buf_ok(&b);
    *ret = arena_str(c->mem, buf_str(&b));
    buf_deinit(&b);
    return good || invalid(c, "Invalid value at 'scope': a list of OAuth scopes is required.");
}

static void generate_access(call *c, api_use *u, const json *body)
{
    access_grant x = {.who = u->target};
    if (!read_scopes(c, body, &x.scopes) || !read_lifetime(c, body, &x.lifetime_s) ||
        !call_authorize(c, u) || !call_record(c, u))
        return;
    str *chain = arena_array(c->mem, u->delegate_count + 1, sizeof(str));
    chain[0] = u->caller.who ? u->caller.who->email : u->caller.name;
    for (size_t i = 0; i < u->delegate_count; i++)
        chain[i + 1] = u->delegates[i]->email;
    x.delegation = chain;
    x.delegation_count = u->delegate_count + 1;
    char expires[CLOCK_RFC3339_MAX];
    buf b, token;
    buf_init(&b, 4096);
    buf_init(&token, 256);
    clock_rfc3339(mint_access(c->g, &x, c->now_s, &token) * 1000000000, expires);
    jout w = jout_new(&b, JSON_PRETTY);
    jout_object(&w, NULL);
    jout_str(&w, "accessToken", buf_str(&token));
    jout_str(&w, "expireTime", str_from(expires));
    jout_end(&w);
    buf_wipe(&token);
    buf_deinit(&token);
    call_answer_json(c, 200, &b);
}

// ---- generateIdToken

static void generate_id(call *c, api_use *u, const json *body)
{
    id_claims x = {.who = u->target,
                   .audience = json_str_or(json_get(body, "audience"), STR_NONE),
                   .azp = read_flag(body, "useEmailAzp") ? u->target->email : STR_NONE,
                   .email = read_flag(body, "includeEmail")};
    if (!x.audience.len || x.audience.len > AUDIENCE_BYTES_MAX) {
        invalid(c, "Invalid value at 'audience': an audience is required.");
        return;
    }
    if (!call_authorize(c, u) || !call_record(c, u))
        return;
    buf b, token;
    err e = ERR_INIT;
    buf_init(&b, 32 << 10);
    buf_init(&token, JWT_BYTES_MAX);
    code failed = mint_id(c->g, &x, c->now_s, &token, &e);
    jout w = jout_new(&b, JSON_PRETTY);
    jout_object(&w, NULL);
    jout_str(&w, "token", buf_str(&token));
    jout_end(&w);
    buf_deinit(&token);
    if (failed) {
        buf_deinit(&b);
        call_rpc_error(c, RPC_INVALID_ARGUMENT, "%s", e.msg);
        return;
    }
    call_answer_json(c, 200, &b);
}

// ---- signJwt, signBlob: by the account's managed key

static void answer_signed(call *c, const account_key *k, const char *name, str text)
{
    buf b;
    buf_init(&b, 128 << 10);
    jout w = jout_new(&b, JSON_PRETTY);
    jout_object(&w, NULL);
    jout_str(&w, "keyId", k->id);
    jout_str(&w, name, text);
    jout_end(&w);
    call_answer_json(c, 200, &b);
}

// Both know the payload to be good: it was read before the key was sought.
static str payload_of(const call *c)
{
    json *body = NULL;
    if (json_parse(c->mem, c->body, NULL, &body, NULL))
        return STR_NONE;
    return json_str_or(json_get(body, "payload"), STR_NONE);
}

static void answer_jwt(call *c, const api_use *u, const account_key *k, jwk *pair)
{
    buf token;
    err e = ERR_INIT;
    (void)u;
    (void)pair;
    buf_init(&token, 128 << 10);
    if (jwt_sign(k->signer, payload_of(c), STR_NONE, &token, &e))
        call_rpc_error(c, RPC_INTERNAL, "%s", e.msg);
    else
        answer_signed(c, k, "signedJwt", buf_str(&token));
    buf_deinit(&token);
}

static void answer_blob(call *c, const api_use *u, const account_key *k, jwk *pair)
{
    buf bytes, signature, text;
    err e = ERR_INIT;
    (void)u;
    (void)pair;
    buf_init(&bytes, GOOGLE_BODY_BYTES_MAX);
    buf_init(&signature, 1024);
    buf_init(&text, 2048);
    (void)base64_decode(&bytes, payload_of(c));
    if (jws_sign(k->signer, buf_str(&bytes), &signature, &e)) {
        call_rpc_error(c, RPC_INTERNAL, "%s", e.msg);
    } else {
        base64_encode(&text, buf_str(&signature));
        answer_signed(c, k, "signedBlob", buf_str(&text));
    }
    buf_deinit(&bytes);
    buf_deinit(&signature);
    buf_deinit(&text);
}

static void sign(call *c, const api_use *u, key_job_answer *answer)
{
    api_use *kept = ARENA_NEW(c->mem, api_use);
    *kept = *u;
    if (!call_authorize(c, kept))
        return;
    const account_key *k = account_managed_key(u->target);
    if (!k)
        key_job_make_managed(c, kept, answer);
    else if (call_record(c, kept))
        answer(c, kept, k, NULL);
}

// The payload is a JSON text in a JSON string; an exp in it is at most 12 hours ahead.
static void sign_jwt(call *c, api_use *u, const json *body)
{
    json *claims = NULL;
    str payload = json_str_or(json_get(body, "payload"), STR_NONE);
    if (json_parse(c->mem, payload, NULL, &claims, NULL) || claims->type != JSON_OBJECT) {
        invalid(c, "Invalid value at 'payload': a JSON object as a string is required.");
        return;
    }
    const json *exp = json_get(claims, "exp");
    int64_t exp_s = json_i64_or(exp, -1);
    if (exp && (exp_s < c->now_s || exp_s > c->now_s + SIGNED_JWT_LIFETIME_S))
        invalid(c, "Invalid value at 'payload': exp must be a time in the next 12 hours.");
    else
        sign(c, u, answer_jwt);
}

static void sign_blob(call *c, api_use *u, const json *body)
{
    buf bytes;
    str payload = json_str_or(json_get(body, "payload"), STR_NONE);
    buf_init(&bytes, GOOGLE_BODY_BYTES_MAX);
    bool good = payload.len && base64_decode(&bytes, payload);
    buf_deinit(&bytes);
    if (good)
        sign(c, u, answer_blob);
    else
        invalid(c, "Invalid value at 'payload': bytes in base64 are required.");
}

// ---- dispatch

static const struct {
    const char *name;
    const api_method *method;
    void (*answer)(call *c, api_use *u, const json *body);
} methods[] = {
    {"generateAccessToken", &access_method, generate_access},
    {"generateIdToken", &id_method, generate_id},
    {"signJwt", &sign_jwt_method, sign_jwt},
    {"signBlob", &sign_blob_method, sign_blob},
};

bool credentials_answer(call *c, const bearer *caller, account *target, str method)
{
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (!str_eq(method, str_from(methods[i].name)))
            continue;
        api_use u = {.method = methods[i].method, .caller = *caller, .target = target};
        const json *body;
        if (call_json_body(c, &body) && read_delegates(c, body, &u))
            methods[i].answer(c, &u, body);
        return true;
    }
    return false;
}
