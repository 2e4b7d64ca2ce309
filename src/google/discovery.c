// SPDX-License-Identifier: Apache-2.0
// What verifiers read (google-identity.md §5), and the routes of everything but metadata.
#include "google/call.h"

enum { ANSWER_BYTES_MAX = 256 << 10 };

#define PUBLIC_FOR STR("public, max-age=3600, must-revalidate, no-transform")

static void answer_public(call *c, str body)
{
    call_header(c, STR("cache-control"), PUBLIC_FOR);
    call_answer(c, 200, STR("application/json; charset=UTF-8"), body);
}

static void add_list(jout *w, const char *name, const char *const *values)
{
    jout_array(w, name);
    for (; *values; values++)
        jout_str(w, NULL, str_from(*values));
    jout_end(w);
}

static void discovery_answer(call *c)
{
    static const char *const none[] = {"none", NULL}, *const subjects[] = {"public", NULL},
                             *const algs[] = {"RS256", NULL},
                             *const scopes[] = {"openid", "email", "profile", NULL},
                             *const auth[] = {"client_secret_post", "client_secret_basic", NULL},
                             *const claims[] = {"aud", "email", "email_verified",
                                                "exp", "iat",   "iss",
                                                "sub", "hd",    NULL},
                             *const grants[] = {"refresh_token",
                                                "urn:ietf:params:oauth:grant-type:jwt-bearer",
                                                NULL};
    buf b;
    buf_init(&b, 8192);
    jout w = jout_new(&b, JSON_PRETTY);
    str base = c->g->base;
    jout_object(&w, NULL);
    jout_str(&w, "issuer", GOOGLE_ISSUER);
    jout_strf(&w, "token_endpoint", STR_FMT "/token", STR_ARG(base));
    jout_strf(&w, "revocation_endpoint", STR_FMT "/revoke", STR_ARG(base));
    jout_strf(&w, "jwks_uri", STR_FMT "/oauth2/v3/certs", STR_ARG(base));
    add_list(&w, "response_types_supported", none);
    add_list(&w, "subject_types_supported", subjects);
    add_list(&w, "id_token_signing_alg_values_supported", algs);
    add_list(&w, "scopes_supported", scopes);
    add_list(&w, "token_endpoint_auth_methods_supported", auth);
    add_list(&w, "claims_supported", claims);
    add_list(&w, "grant_types_supported", grants);
    jout_end(&w);
    str body = arena_str(c->mem, buf_str(&b));
    buf_deinit(&b);
    answer_public(c, body);
}

static void jwks_answer(call *c)
{
    answer_public(c, buf_str(&c->g->jwks));
}

static void certs_answer(call *c)
{
    answer_public(c, buf_str(&c->g->certs));
}

// The last part of /service_accounts/v1/…/E; NULL: answered already.
static account *account_of_path(call *c, size_t parts_wanted)
{
    str parts[SEGMENTS_MAX];
    size_t count;
    account *a = NULL;
    if (path_split(c->path, c->mem, parts, &count) && count == parts_wanted)
        a = account_find(c->g, parts[count - 1]);
    if (a && !a->is_person)
        return a;
    call_rpc_error(c, RPC_NOT_FOUND, "Unknown service account");
    return NULL;
}

// The certificates of one account, under the address that its key files name.
static void account_certs_answer(call *c)
{
    buf b;
    account *a = account_of_path(c, 5);
    if (!a)
        return;
    buf_init(&b, ANSWER_BYTES_MAX);
    jout w = jout_new(&b, JSON_PRETTY);
    jout_object(&w, NULL);
    VEC_FOREACH (&a->keys, k)
        if (account_key_usable(*k, c->now_s)) {
            jout_key(&w, (*k)->id);
            jout_str(&w, NULL, (*k)->cert);
        }
    jout_end(&w);
    str body = arena_str(c->mem, buf_str(&b));
    buf_deinit(&b);
    answer_public(c, body);
}

// The same keys as a set: for those who verify what an account signed itself.
static void account_jwks_answer(call *c)
{
    buf b;
    account *a = account_of_path(c, 4);
    if (!a)
        return;
    jwk_set *keys = account_usable_keys(a, c->now_s);
    buf_init(&b, ANSWER_BYTES_MAX);
    jwk_set_write_json(keys, &b);
    jwk_set_unref(keys);
    str body = arena_str(c->mem, buf_str(&b));
    buf_deinit(&b);
    answer_public(c, body);
}

// ---- routes

static const struct {
    const char *path;
    bool prefix;
    bool any_method; // the answer looks at it
    void (*answer)(call *c);
} routes[] = {
    {"/token", false, true, token_endpoint},
    {"/revoke", false, true, revoke_endpoint},
    {"/v1/token", false, true, sts_endpoint},
    {"/v1/oauthtoken", false, true, token_endpoint}, // STS: refresh of external authorized users
    {"/v1/projects/", true, true, iam_answer},
    {"/v2/projects/", true, true, iam_answer},
    {"/.well-known/openid-configuration", false, false, discovery_answer},
    {"/oauth2/v3/certs", false, false, jwks_answer},
    {"/oauth2/v1/certs", false, false, certs_answer},
    {"/service_accounts/v1/metadata/x509/", true, false, account_certs_answer},
    {"/service_accounts/v1/jwk/", true, false, account_jwks_answer},
};

void google_route(call *c)
{
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        str path = str_from(routes[i].path);
        if (routes[i].prefix ? !str_starts(c->path, path) : !str_eq(c->path, path))
            continue;
        if (routes[i].any_method || str_eq(c->method, STR("GET")) || str_eq(c->method, STR("HEAD")))
            routes[i].answer(c);
        else
            call_method_not_allowed(c, STR("GET, HEAD"));
        return;
    }
    call_rpc_error(c, RPC_NOT_FOUND, "Not found.");
}
