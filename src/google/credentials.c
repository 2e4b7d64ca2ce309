// SPDX-License-Identifier: Apache-2.0
// IAM credentials (google-identity.md §3): tokens of one account for another.
#include "google/call.h"

enum { DELEGATES_MAX = 8, SCOPES_MAX = 64, LIFETIME_S = 3600, AUDIENCE_BYTES_MAX = 8 << 10 };

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
        if (!a || a->is_person) {
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
    buf_init(&b, AUDIENCE_BYTES_MAX);
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
    chain[0] = u->caller.who->email;
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

// ---- dispatch

static const struct {
    const char *name;
    const api_method *method;
    void (*answer)(call *c, api_use *u, const json *body);
} methods[] = {
    {"generateAccessToken", &access_method, generate_access},
    {"generateIdToken", &id_method, generate_id},
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
