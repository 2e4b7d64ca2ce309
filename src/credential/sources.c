// SPDX-License-Identifier: Apache-2.0
// The sources that are asked over HTTP: what each sends and how it answers (google-identity.md §1,
// 3 and 4).
#include <string.h>

#include "credential/external.h"
#include "uri/uri.h"

enum { ASSERTION_LIFETIME_S = 3600, SKEW_WORTH_TELLING_S = 30 };

static const char grant_type[] = "urn:ietf:params:oauth:grant-type:jwt-bearer";
static const char cloud_platform[] = "https://www.googleapis.com/auth/cloud-platform";
static const char iam_credentials_url[] = "https://iamcredentials.googleapis.com";

static const fetch_header form_headers[] = {
    {STR("Content-Type"), STR("application/x-www-form-urlencoded")}};
static const fetch_header flavor_headers[] = {{STR("Metadata-Flavor"), STR("Google")}};

str scope_of(const exchange *x)
{
    return x->scope.len ? x->scope : str_from(cloud_platform);
}

// ---- parts shared by the two grants of the token endpoint ---------------------------------------

void form_field(buf *form, const char *name, str value)
{
    buf_addf(form, "%s%s=", form->len ? "&" : "", name);
    percent_encode(form, value);
}

code form_post(exchange *x, fetch_request *req, err *e)
{
    if (!buf_ok(&x->body))
        return err_set(e, CRED_FILE, "the request for a token would be too large");
    fetch_segment *body = ARENA_NEW(&x->mem, fetch_segment);
    *body = FETCH_BYTES(buf_str(&x->body));
    req->method = STR("POST");
    req->url = x->caller->token_uri;
    req->headers = form_headers;
    req->header_count = ARRAY_LEN(form_headers);
    req->body = body;
    req->body_count = 1;
    return OK;
}

void form_basic(exchange *x, fetch_request *req)
{
    buf pair, value;
    buf_init(&pair, 8 << 10);
    buf_init(&value, 16 << 10);
    percent_encode(&pair, x->caller->client_id);
    buf_addc(&pair, ':');
    percent_encode(&pair, secret_str(x->caller->client_secret));
    buf_addz(&value, "Basic ");
    base64_encode(&value, buf_str(&pair));
    fetch_header *headers = arena_array(&x->mem, 2, sizeof(*headers));
    headers[0] = form_headers[0];
    headers[1] = (fetch_header){STR("Authorization"), arena_str(&x->mem, buf_str(&value))};
    req->headers = headers;
    req->header_count = 2;
    buf_wipe(&pair);
    buf_wipe(&value);
    buf_deinit(&pair);
    buf_deinit(&value);
}

code answer_parse(exchange *x, str body, json **ret, err *e)
{
    if (json_parse(&x->mem, body, &(json_opts){.file = "token endpoint's answer"}, ret, e) ||
        json_want(*ret, JSON_OBJECT, e)) {
        if (e)
            e->code = CRED_ANSWER;
        return CRED_ANSWER;
    }
    return OK;
}

code answer_token(exchange *x, str body, minted *ret, bool *ret_again, err *e)
{
    json *root;
    str token;
    (void)ret_again;
    if (answer_parse(x, body, &root, e))
        return CRED_ANSWER;
    if (x->kind == CREDENTIAL_ID_TOKEN) {
        if (json_get_str(root, "id_token", &token, e))
            return CRED_ANSWER;
        return minted_from_jwt(x, token, ret, e);
    }
    int64_t lifetime_s;
    if (json_get_str(root, "access_token", &ret->value, e) ||
        json_get_i64(root, "expires_in", &lifetime_s, e))
        return CRED_ANSWER;
    ret->lifetime_ms = lifetime_ms(lifetime_s);
    return OK;
}

// What to do about the endpoint's own words. The first that occurs in them counts.
static const struct {
    const char *words, *fix;
} token_fixes[] = {
    {"account not found", "the service account doesn't exist any more"},
    {"reasonable timeframe", "this machine's clock is wrong: set it (timedatectl)"},
    {"expired or revoked", "sign in again: gcloud auth application-default login"},
    {"invalid_rapt",
     "your organisation wants a new sign-in: gcloud auth application-default login"},
    {"invalid_scope", "the scope or audience is empty or unknown"},
    {"deleted_client", "the OAuth client was deleted: gcloud auth application-default login"},
    {"does not match the expected one",
     "the provider's issuer must be the token's iss to the letter: gcloud iam "
     "workload-identity-pools providers describe"},
    {"does not match the expected audience",
     "have the token made for the provider's full name, or add its aud to the provider's allowed "
     "audiences"},
    {"stale to sign-in", "the subject token has expired, or lacks iat or exp: have a new one made"},
    {"attribute condition", "the provider takes other tokens only: see its attributeCondition"},
    {"pool or provider is disabled",
     "is the audience in the file right? gcloud iam workload-identity-pools providers list"},
    {"given credential's issuer",
     "Google can't fetch the issuer's keys, or they lack the token's kid: upload them to the "
     "provider"},
};

static void add_skew(exchange *x, err *e)
{
    int64_t skew = clock_wall_s() - x->server_now_s;
    int64_t size = skew < 0 ? -skew : skew;
    if (size > SKEW_WORTH_TELLING_S)
        (void)err_hint(e, "this machine's clock is %lld s %s the server's: set it (timedatectl)",
                       (long long)size, skew > 0 ? "ahead of" : "behind");
}

// The endpoint knows the account, but not (or no longer) the key that signed for it.
static code hint_key(const caller *c, err *e)
{
    if (c->who.local)
        return err_hint(e,
                        "the account has another key by now: remove " STR_FMT ", and start "
                        "`gatepost up` again, which writes it anew",
                        STR_ARG(c->who.place));
    return err_hint(e,
                    "the key was deleted or has expired: gcloud iam service-accounts keys create "
                    "FILE --iam-account " STR_FMT ", or --impersonate-service-account",
                    STR_ARG(c->email));
}

str answer_told(exchange *x, const fetch_response *res, err *e)
{
    json *root = NULL;
    str error = STR_NONE, text = STR_NONE;
    if (json_parse(&x->mem, res->body, NULL, &root, NULL) == OK) {
        error = json_str_or(json_get(root, "error"), STR_NONE);
        text = json_str_or(json_get(root, "error_description"), STR_NONE);
    }
    (void)err_set(e, CRED_REFUSED,
                  STR_FMT " answered %d"
                          "%s" STR_FMT "%s" STR_FMT,
                  STR_ARG(x->caller->token_uri), res->status, error.len ? ": " : "", STR_ARG(error),
                  text.len ? ": " : "", STR_ARG(text));
    return error;
}

code answer_refused(exchange *x, const fetch_response *res, err *e)
{
    (void)answer_told(x, res, e);
    str text = str_from(e->msg);
    if (str_find(text, STR("timeframe")) >= 0)
        add_skew(x, e);
    if (str_find(text, STR("Invalid JWT Signature")) >= 0)
        return hint_key(x->caller, e);
    for (size_t i = 0; i < ARRAY_LEN(token_fixes); i++)
        if (strstr(e->msg, token_fixes[i].words))
            return err_hint(e, "%s", token_fixes[i].fix);
    return CRED_REFUSED;
}

// ---- service account key: JWT bearer grant ------------------------------------------------------

static void write_claims(exchange *x, buf *claims)
{
    jout w = jout_new(claims, JSON_COMPACT);
    int64_t now = clock_wall_s();
    jout_object(&w, NULL);
    jout_str(&w, "iss", x->caller->email);
    if (x->kind == CREDENTIAL_ID_TOKEN)
        jout_str(&w, "target_audience", x->audience);
    else
        jout_str(&w, "scope", scope_of(x));
    jout_str(&w, "aud", x->caller->token_uri);
    jout_i64(&w, "iat", now);
    jout_i64(&w, "exp", now + ASSERTION_LIFETIME_S);
    jout_end(&w);
}

static code ask_grant(exchange *x, fetch_request *req, err *e)
{
    buf claims, assertion;
    buf_init(&claims, 16 << 10);
    buf_init(&assertion, 32 << 10);
    write_claims(x, &claims);
    code failed = jwt_sign(x->caller->key, buf_str(&claims), STR("JWT"), &assertion, e);
    if (!failed) {
        form_field(&x->body, "grant_type", str_from(grant_type));
        form_field(&x->body, "assertion", buf_str(&assertion));
        failed = form_post(x, req, e);
    }
    buf_wipe(&assertion);
    buf_deinit(&assertion);
    buf_deinit(&claims);
    return failed;
}

// google-identity.md §1: for one API by its URL, or for scopes.
code grant_self_signed(exchange *x, minted *ret, err *e)
{
    buf claims;
    buf_init(&claims, 16 << 10);
    jout w = jout_new(&claims, JSON_COMPACT);
    int64_t now = clock_wall_s();
    jout_object(&w, NULL);
    jout_str(&w, "iss", x->caller->email);
    jout_str(&w, "sub", x->caller->email);
    if (x->audience.len)
        jout_str(&w, "aud", x->audience);
    else
        jout_str(&w, "scope", scope_of(x));
    jout_i64(&w, "iat", now);
    jout_i64(&w, "exp", now + ASSERTION_LIFETIME_S);
    jout_end(&w);
    code failed = jwt_sign(x->caller->key, buf_str(&claims), STR("JWT"), &x->body, e);
    *ret = (minted){.value = buf_str(&x->body), .lifetime_ms = lifetime_ms(ASSERTION_LIFETIME_S)};
    buf_deinit(&claims);
    return failed;
}

const source source_grant = {CLIENT_CLOUD, ask_grant, answer_token, answer_refused};

// ---- user credentials: refresh grant ------------------------------------------------------------

static code ask_refresh(exchange *x, fetch_request *req, err *e)
{
    form_field(&x->body, "grant_type", STR("refresh_token"));
    form_field(&x->body, "client_id", x->caller->client_id);
    form_field(&x->body, "client_secret", secret_str(x->caller->client_secret));
    form_field(&x->body, "refresh_token", secret_str(x->caller->refresh_token));
    if (x->kind == CREDENTIAL_ACCESS_TOKEN && x->scope.len)
        form_field(&x->body, "scope", x->scope);
    return form_post(x, req, e);
}

const source source_refresh = {CLIENT_CLOUD, ask_refresh, answer_token, answer_refused};

// ---- metadata server ----------------------------------------------------------------------------

// First whose token it will be, then the token: nothing else tells the principal of an access
// token.
static code ask_metadata(exchange *x, fetch_request *req, err *e)
{
    (void)e;
    buf path;
    buf_init(&path, 8 << 10);
    if (!x->email.len) {
        buf_addz(&path, "email");
    } else if (x->kind == CREDENTIAL_ID_TOKEN) {
        buf_addz(&path, "identity?format=full&audience=");
        percent_encode(&path, x->audience);
    } else {
        buf_addz(&path, "token");
        if (x->scope.len) {
            buf_addz(&path, "?scopes=");
            percent_encode(&path, x->scope);
        }
    }
    req->url = arena_printf(
        &x->mem, "http://" STR_FMT "/computeMetadata/v1/instance/service-accounts/default/" STR_FMT,
        STR_ARG(x->caller->metadata_host), STR_ARG(buf_str(&path)));
    req->headers = flavor_headers;
    req->header_count = ARRAY_LEN(flavor_headers);
    buf_deinit(&path);
    return OK;
}

static code read_metadata(exchange *x, str body, minted *ret, bool *ret_again, err *e)
{
    if (!x->email.len) {
        x->email = arena_str(&x->mem, str_trim(body));
        *ret_again = true;
        return OK;
    }
    if (x->kind == CREDENTIAL_ACCESS_TOKEN && answer_token(x, body, ret, ret_again, e))
        return CRED_ANSWER;
    if (x->kind == CREDENTIAL_ID_TOKEN && minted_from_jwt(x, str_trim(body), ret, e))
        return CRED_ANSWER;
    ret->principal = x->email;
    return OK;
}

static code refused_metadata(exchange *x, const fetch_response *res, err *e)
{
    (void)err_set(e, CRED_REFUSED, "the metadata server at " STR_FMT " answered %d",
                  STR_ARG(x->caller->metadata_host), res->status);
    if (res->status == 404)
        (void)err_hint(e, "this machine has no service account attached");
    return CRED_REFUSED;
}

const source source_metadata = {CLIENT_METADATA, ask_metadata, read_metadata, refused_metadata};

// ---- impersonation: IAM credentials -------------------------------------------------------------

static void write_impersonation(exchange *x, buf *out)
{
    size_t count;
    const str *targets = caller_targets(x->caller, x->base.stage, &count);
    jout w = jout_new(out, JSON_COMPACT);
    jout_object(&w, NULL);
    if (x->kind == CREDENTIAL_ID_TOKEN) {
        jout_str(&w, "audience", x->audience);
        jout_bool(&w, "includeEmail", true);
    } else {
        str rest = scope_of(x), one;
        jout_array(&w, "scope");
        while (str_next(&rest, ' ', &one))
            if (one.len)
                jout_str(&w, NULL, one);
        jout_end(&w);
        bool is_own = targets == &x->caller->inner && x->caller->inner_lifetime_s;
        jout_strf(&w, "lifetime", "%llds",
                  (long long)(is_own ? x->caller->inner_lifetime_s : ASSERTION_LIFETIME_S));
    }
    if (count > 1) {
        jout_array(&w, "delegates");
        for (size_t i = 0; i + 1 < count; i++)
            jout_strf(&w, NULL, "projects/-/serviceAccounts/" STR_FMT, STR_ARG(targets[i]));
        jout_end(&w);
    }
    jout_end(&w);
}

static str target_of(const exchange *x)
{
    size_t count;
    const str *targets = caller_targets(x->caller, x->base.stage, &count);
    return targets[count - 1];
}

static code ask_impersonate(exchange *x, fetch_request *req, err *e)
{
    const caller *c = x->caller;
    const home_address *up = provider_options(x->provider)->up;
    str base = c->who.local && up ? up->iam_url : str_from(iam_credentials_url);
    write_impersonation(x, &x->body);
    if (form_post(x, req, e))
        return e ? e->code : CRED_FILE;
    fetch_header *headers = arena_array(&x->mem, 2, sizeof(fetch_header));
    headers[0] = (fetch_header){STR("Content-Type"), STR("application/json")};
    headers[1] = (fetch_header){STR("Authorization"), credential_token_bearer(x->base.token)};
    req->headers = headers;
    req->header_count = 2;
    req->url =
        arena_printf(&x->mem, STR_FMT "/v1/projects/-/serviceAccounts/" STR_FMT ":%s",
                     STR_ARG(base), STR_ARG(target_of(x)),
                     x->kind == CREDENTIAL_ID_TOKEN ? "generateIdToken" : "generateAccessToken");
    return OK;
}

static code read_impersonate(exchange *x, str body, minted *ret, bool *ret_again, err *e)
{
    json *root;
    str token, expiry;
    int64_t expires_ns;
    (void)ret_again;
    if (answer_parse(x, body, &root, e))
        return CRED_ANSWER;
    if (x->kind == CREDENTIAL_ID_TOKEN)
        return json_get_str(root, "token", &token, e) ? CRED_ANSWER
                                                      : minted_from_jwt(x, token, ret, e);
    if (json_get_str(root, "accessToken", &ret->value, e) ||
        json_get_str(root, "expireTime", &expiry, e))
        return CRED_ANSWER;
    if (!clock_parse_rfc3339(expiry, &expires_ns))
        return err_set(e, CRED_ANSWER, "expireTime isn't a time: " STR_FMT, STR_ARG(expiry));
    ret->lifetime_ms = lifetime_ms(exchange_left_s(x, expires_ns / 1000000000));
    return OK;
}

// A federated principal is let in as a member of its pool.
static code hint_federation(const caller *c, str target, err *e)
{
    str pool = c->external->audience;
    ssize_t end = str_find(pool, STR("/providers/"));
    return err_hint(e,
                    "gcloud iam service-accounts add-iam-policy-binding " STR_FMT
                    " --role=roles/iam.workloadIdentityUser \"--member=principalSet:" STR_FMT
                    "/*\" (better: the one subject or attribute that is meant)",
                    STR_ARG(target), STR_ARG(end < 0 ? pool : str_sub(pool, 0, (size_t)end)));
}

static const char *kind_of(str email)
{
    return str_ends(email, STR(".gserviceaccount.com")) ? "serviceAccount" : "user";
}

static code hint_local(str target, str base, const char *role, err *e)
{
    return err_hint(e,
                    "in gatepost.yaml let the policy of the account " STR_FMT " give %s:" STR_FMT
                    " roles/iam.serviceAccount%sTokenCreator; then start it again: "
                    "gatepost up",
                    STR_ARG(target), kind_of(base), STR_ARG(base), role);
}

static code refused_impersonate(exchange *x, const fetch_response *res, err *e)
{
    size_t count;
    const str *targets = caller_targets(x->caller, x->base.stage, &count);
    str target = targets[count - 1];
    str base = x->base.token->principal.len ? x->base.token->principal : STR("YOU");
    json *root = NULL;
    str text = STR_NONE;
    if (json_parse(&x->mem, res->body, NULL, &root, NULL) == OK)
        text = json_str_or(json_get(json_get(root, "error"), "message"), STR_NONE);
    (void)err_set(e, CRED_IMPERSONATION,
                  "IAM answered %d to impersonating " STR_FMT " as " STR_FMT "%s" STR_FMT,
                  res->status, STR_ARG(target), STR_ARG(base), text.len ? ": " : "", STR_ARG(text));
    bool local = x->caller->who.local;
    if (res->status == 404)
        return err_hint(e, local ? "is the e-mail right? gatepost.yaml has the accounts"
                                 : "is the e-mail right? gcloud iam service-accounts list");
    if (res->status == 401) // a self-signed token shows by its times that a clock is wrong
        add_skew(x, e);
    if (res->status != 403)
        return CRED_IMPERSONATION;
    if (x->base.stage == 1 && x->caller->external)
        return hint_federation(x->caller, target, e);
    const char *role = x->kind == CREDENTIAL_ID_TOKEN && count == 1 ? "OpenId" : "";
    if (local)
        return hint_local(targets[0], base, role, e);
    return err_hint(e,
                    "gcloud iam service-accounts add-iam-policy-binding " STR_FMT
                    " --member=%s:" STR_FMT " --role=roles/iam.serviceAccount%sTokenCreator",
                    STR_ARG(targets[0]), kind_of(base), STR_ARG(base), role);
}

const source source_impersonate = {CLIENT_CLOUD, ask_impersonate, read_impersonate,
                                   refused_impersonate};
