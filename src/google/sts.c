// SPDX-License-Identifier: Apache-2.0
// STS (google-identity.md §2, RFC 8693): tokens of foreign issuers for tokens of the pools that
// believe them. What is refused is worded as others measured it at Google.
#include "google/call.h"

enum { LIFETIME_S = 3600, SCOPE_BYTES_MAX = 8 << 10, ENTRY_BYTES_MAX = 64 << 10 };

#define TOKEN_TYPE "urn:ietf:params:oauth:token-type:"

// Nobody measured these.
#define UNREADABLE "Unable to parse the ID Token."
#define NO_SCOPE "The scope of the access token is missing."
#define TOO_LONG                                                                                   \
    "The size of mapped attribute exceeds the 127 bytes limit. Either modify your attribute "      \
    "mapping or the incoming assertion to produce a mapped attribute that is less than 127 bytes."

typedef struct exchange exchange;
struct exchange {
    call *c;
    str grant_type, audience, scope, requested_type, subject_token, subject_type;
    pool_provider *provider;
    pool_identity who;
    oidc_wait *wait;
};

// ---- what is asked: a form or, as Google's own GitHub action sends it, JSON

static const struct {
    const char *form, *json;
    size_t offset;
    bool needed;
} fields[] = {
    {"grant_type", "grantType", offsetof(exchange, grant_type), true},
    {"audience", "audience", offsetof(exchange, audience), true},
    {"requested_token_type", "requestedTokenType", offsetof(exchange, requested_type), true},
    {"subject_token", "subjectToken", offsetof(exchange, subject_token), true},
    {"subject_token_type", "subjectTokenType", offsetof(exchange, subject_type), true},
    {"scope", "scope", offsetof(exchange, scope), false},
};

static str *field(exchange *x, size_t i)
{
    return (str *)(void *)((char *)x + fields[i].offset);
}

static bool read_form(exchange *x)
{
    form f;
    if (!oauth_form(x->c, &f))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        *field(x, i) = form_get(&f, fields[i].form);
    return true;
}

static bool read_json(exchange *x)
{
    const json *body;
    if (!call_json_body(x->c, &body))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        *field(x, i) = json_str_or(json_get(body, fields[i].json), STR_NONE);
    return true;
}

static bool refuse(exchange *x, const char *error, const char *fmt, ...) ATTR_PRINTF(3, 4);

static bool read_request(exchange *x)
{
    bool is_json = str_istarts(str_trim(x->c->content_type), STR("application/json"));
    if (!(is_json ? read_json(x) : read_form(x)))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (fields[i].needed && !field(x, i)->len)
            return refuse(x, "invalid_request", "Missing required parameter: %s", fields[i].form);
    return true;
}

static bool check_request(exchange *x)
{
    if (!str_eq(x->grant_type, STR("urn:ietf:params:oauth:grant-type:token-exchange")))
        return refuse(x, "unsupported_grant_type", "Invalid grant_type.");
    if (!str_eq(x->requested_type, STR(TOKEN_TYPE "access_token")))
        return refuse(x, "invalid_request", "Invalid requested_token_type.");
    if (!str_eq(x->subject_type, STR(TOKEN_TYPE "jwt")) &&
        !str_eq(x->subject_type, STR(TOKEN_TYPE "id_token")))
        return refuse(x, "invalid_request",
                      "Invalid subject_token_type: the provider is an OpenID Connect one.");
    x->scope = str_trim(x->scope);
    if (!x->scope.len || x->scope.len > SCOPE_BYTES_MAX)
        return refuse(x, "invalid_scope", NO_SCOPE);
    x->provider = pool_set_find(x->c->g->pools, x->audience);
    if (x->provider)
        return true;
    return refuse(x, "invalid_target",
                  "The target service indicated by the \"audience\" parameters is invalid. This "
                  "might either be because the pool or provider is disabled or deleted or because "
                  "it doesn't exist.");
}

// ---- the trail

static str name_of(const exchange *x)
{
    if (!x->who.who.subject.len)
        return STR_NONE;
    buf name;
    buf_init(&name, 4096);
    principal_name(&x->who.who, &name);
    str kept = arena_str(x->c->mem, buf_str(&name));
    buf_deinit(&name);
    return kept;
}

static str request_of(const exchange *x)
{
    buf b;
    buf_init(&b, ENTRY_BYTES_MAX);
    jout w = jout_new(&b, JSON_COMPACT);
    jout_object(&w, NULL);
    jout_str(&w, "@type", STR("type.googleapis.com/google.identity.sts.v1.ExchangeTokenRequest"));
    jout_str(&w, "audience", oidc_quoted(x->audience, x->c->mem));
    jout_str(&w, "grantType", oidc_quoted(x->grant_type, x->c->mem));
    jout_str(&w, "requestedTokenType", oidc_quoted(x->requested_type, x->c->mem));
    jout_str(&w, "subjectTokenType", oidc_quoted(x->subject_type, x->c->mem));
    jout_end(&w);
    str text = arena_str(x->c->mem, buf_str(&b));
    buf_deinit(&b);
    return text;
}

static str metadata_of(const exchange *x, str mapped, const err *why)
{
    buf b;
    buf_init(&b, ENTRY_BYTES_MAX);
    jout w = jout_new(&b, JSON_COMPACT);
    jout_object(&w, NULL);
    jout_str(&w, "@type", STR("type.googleapis.com/google.identity.sts.v1.AuditData"));
    if (mapped.len)
        jout_str(&w, "mapped_principal", mapped);
    if (x->who.token.issuer.len)
        jout_str(&w, "issuer", oidc_quoted(x->who.token.issuer, x->c->mem));
    if (x->who.token.subject.len)
        jout_str(&w, "subject", oidc_quoted(x->who.token.subject, x->c->mem));
    if (why) {
        jout_str(&w, "code", str_from(code_id(why->code)));
        jout_str(&w, "explanation", oidc_quoted(str_from(why->msg), x->c->mem));
    }
    jout_end(&w);
    str text = arena_str(x->c->mem, buf_str(&b));
    buf_deinit(&b);
    return text;
}

// `why` NULL: granted.
static void add_entry(const exchange *x, const char *description, const err *why)
{
    const google *g = x->c->g;
    const audit_label labels[] = {
        {"service", STR("sts.googleapis.com")},
        {"method", STR("google.identity.sts.v1.SecurityTokenService.ExchangeToken")}};
    str mapped = name_of(x);
    audit_event ev = {
        .log = AUDIT_DATA_ACCESS,
        .project_id = g->project_id,
        .resource = {"audited_resource", labels, ARRAY_LEN(labels)},
        .service_name = labels[0].value,
        .method_name = labels[1].value,
        .resource_name = oidc_quoted(x->audience, x->c->mem),
        .granted = !description,
        .status_code = description ? rpc_number(RPC_INVALID_ARGUMENT) : 0,
        .status_message = description ? oidc_quoted(str_from(description), x->c->mem) : STR_NONE,
        .caller = {.subject = mapped},
        .call = &x->c->http,
        .request_json = request_of(x),
        .metadata_json = metadata_of(x, mapped, why),
    };
    if (g->spool)
        audit_add_event(g->spool, &ev, NULL);
}

// ---- refusals

static void refuse_by(exchange *x, const char *error, const char *description, const err *why)
{
    if (!call_trail_ready(x->c))
        return;
    add_entry(x, description, why);
    oauth_refuse(x->c, 400, error, str_from(description));
}

static bool refuse(exchange *x, const char *error, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    str description = arena_vprintf(x->c->mem, fmt, ap);
    va_end(ap);
    refuse_by(x, error, description.ptr, NULL);
    return false;
}

// "a, b"
static str audiences_of(const exchange *x)
{
    const jwt *t = &x->who.token;
    buf b;
    buf_init(&b, ENTRY_BYTES_MAX);
    for (size_t i = 0; i < t->audience_count; i++) {
        buf_addz(&b, i ? ", " : "");
        buf_adds(&b, oidc_quoted(t->audiences[i], x->c->mem));
    }
    str all = arena_str(x->c->mem, buf_str(&b));
    buf_deinit(&b);
    return all;
}

static const char *describe(const exchange *x, const err *why)
{
    arena *mem = x->c->mem;
    const jwt *t = &x->who.token;
    switch (why->code) {
    case OIDC_ISSUER:
        return arena_printf(mem,
                            "The issuer in ID Token " STR_FMT
                            " does not match the expected one in config: " STR_FMT,
                            STR_ARG(oidc_quoted(t->issuer, mem)),
                            STR_ARG(pool_provider_issuer(x->provider)))
            .ptr;
    case JWT_AUDIENCE:
        return arena_printf(mem,
                            "The audience in ID Token [" STR_FMT
                            "] does not match the expected audience.",
                            STR_ARG(audiences_of(x)))
            .ptr;
    case JWT_EXPIRED:
    case JWT_EARLY:
        return arena_printf(mem, "ID Token issued at %lld is stale to sign-in.",
                            (long long)t->issued_at_s)
            .ptr;
    case JWT_SIGNATURE:
    case JWT_ALG:
        return "Unable to verify the ID Token signature.";
    case JWT_KEY:
    case OIDC_KEYS:
        return "Error connecting to the given credential's issuer.";
    case POOL_CONDITION:
        return "The given credential is rejected by the attribute condition.";
    case POOL_MAPPING:
        return strstr(why->msg, "127 bytes") ? TOO_LONG : arena_str(mem, str_from(why->msg)).ptr;
    default:
        return UNREADABLE;
    }
}

static void refuse_token(exchange *x, const err *why)
{
    log_info("google", "a token for " STR_FMT " was refused: %s [%s]",
             STR_ARG(pool_provider_name(x->provider)), why->msg, code_id(why->code));
    refuse_by(x, why->code == POOL_CONDITION ? "unauthorized_client" : "invalid_grant",
              describe(x, why), why);
}

// ---- the exchange

static void grant(exchange *x)
{
    call *c = x->c;
    int64_t left_s = x->who.token.expiry_s - c->now_s;
    access_grant g = {.federated = federated_text(&x->who.who, c->mem),
                      .scopes = x->scope,
                      .lifetime_s = left_s < 1            ? 1
                                    : left_s > LIFETIME_S ? LIFETIME_S
                                                          : left_s};
    if (!call_trail_ready(c))
        return;
    add_entry(x, NULL, NULL);
    buf b, token;
    buf_init(&b, 4096);
    buf_init(&token, 256);
    (void)mint_access(c->g, &g, c->now_s, &token);
    jout w = jout_new(&b, JSON_PRETTY);
    jout_object(&w, NULL);
    jout_str(&w, "access_token", buf_str(&token));
    jout_str(&w, "issued_token_type", STR(TOKEN_TYPE "access_token"));
    jout_str(&w, "token_type", STR("Bearer"));
    jout_i64(&w, "expires_in", g.lifetime_s);
    jout_end(&w);
    buf_wipe(&token);
    buf_deinit(&token);
    oauth_answer(c, 200, &b);
}

static void on_left(call *c)
{
    exchange *x = c->left_ctx;
    oidc_wait_cancel(x->wait);
}

static void check_token(void *ctx)
{
    exchange *x = ctx;
    call *c = x->c;
    code failed;
    err why = ERR_INIT;
    const oidc_query q = {.token = x->subject_token, .now_s = c->now_s};
    c->on_left = NULL;
    if (pool_check(x->provider, &q, c->mem, &x->who, &failed, &why) == OIDC_WAIT) {
        x->wait = pool_wait_keys(x->provider, check_token, x);
        c->on_left = on_left;
        c->left_ctx = x;
    } else if (failed) {
        refuse_token(x, &why);
    } else {
        grant(x);
    }
}

void sts_endpoint(call *c)
{
    if (!str_eq(c->method, STR("POST"))) {
        call_method_not_allowed(c, STR("POST"));
        return;
    }
    exchange *x = ARENA_NEW(c->mem, exchange);
    x->c = c;
    if (read_request(x) && check_request(x))
        check_token(x);
}
