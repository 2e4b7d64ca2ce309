// SPDX-License-Identifier: Apache-2.0
// AWS as source of the subject token: a signed request to GetCallerIdentity, which Google's STS
// sends in our place. The keys come from the environment or, in up to four questions, from the
// instance metadata service (version 2 where the file names its session URL).
#include "credential/external.h"
#include "jose/jose_aws4.h"
#include "uri/uri.h"

typedef enum aws_question {
    AWS_SESSION,
    AWS_REGION,
    AWS_ROLE,
    AWS_KEYS,
    AWS_SIGN, // nothing is left to ask
} aws_question;

typedef struct aws_asked aws_asked;
struct aws_asked {
    aws_question question; // the one that is under way, or comes next
    str session, region, role;
    str access, secret, token;
};

static str variable(const exchange *x, const char *name)
{
    return str_from(option_env(provider_options(x->provider), name));
}

static void take_environment(exchange *x, aws_asked *aws)
{
    aws->access = variable(x, "AWS_ACCESS_KEY_ID");
    aws->secret = variable(x, "AWS_SECRET_ACCESS_KEY");
    aws->token = variable(x, "AWS_SESSION_TOKEN");
    aws->region = variable(x, "AWS_REGION");
    if (!aws->region.len)
        aws->region = variable(x, "AWS_DEFAULT_REGION");
}

static bool has_keys(const aws_asked *aws)
{
    return aws->access.len && aws->secret.len;
}

// The next question whose answer isn't there yet.
static aws_question next_question(const aws_asked *aws, const aws_places *at)
{
    bool asks = !aws->region.len || !has_keys(aws);
    if (asks && at->session_url.len && !aws->session.len)
        return AWS_SESSION;
    if (!aws->region.len)
        return AWS_REGION;
    if (has_keys(aws))
        return AWS_SIGN;
    return aws->role.len ? AWS_KEYS : AWS_ROLE;
}

static code no_place(const exchange *x, const char *what, const char *key, err *e)
{
    (void)err_set(e, CRED_SUBJECT, "%s isn't in the environment, and " STR_FMT " has no %s", what,
                  STR_ARG(x->caller->who.place), key);
    return err_hint(e, "set AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or add %s",
                    key);
}

// ---- the questions
// --------------------------------------------------------------------------------

static void add_header(exchange *x, fetch_request *req, const char *name, str value)
{
    fetch_header *headers = arena_array(&x->mem, 1, sizeof(*headers));
    headers[0] = (fetch_header){str_from(name), value};
    req->headers = headers;
    req->header_count = 1;
}

static code ask_question(exchange *x, fetch_request *req, err *e)
{
    const aws_places *at = &x->caller->external->aws;
    aws_asked *aws = x->aws;
    x->client = CLIENT_METADATA;
    switch (aws->question) {
    case AWS_SESSION:
        req->method = STR("PUT");
        req->url = at->session_url;
        add_header(x, req, "X-aws-ec2-metadata-token-ttl-seconds", STR("300"));
        return OK;
    case AWS_REGION:
        req->url = at->region_url;
        if (!req->url.len)
            return no_place(x, "the AWS region", "region_url", e);
        break;
    case AWS_ROLE:
        req->url = at->role_url;
        if (!req->url.len)
            return no_place(x, "an AWS access key", "url", e);
        break;
    default:
        req->url =
            arena_printf(&x->mem, STR_FMT "/" STR_FMT, STR_ARG(at->role_url), STR_ARG(aws->role));
        break;
    }
    if (aws->session.len)
        add_header(x, req, "X-aws-ec2-metadata-token", aws->session);
    return OK;
}

static code read_keys(exchange *x, str body, err *e)
{
    json *root;
    aws_asked *aws = x->aws;
    if (json_parse(&x->mem, body, &(json_opts){.file = "the answer of AWS"}, &root, e) ||
        json_get_str(root, "AccessKeyId", &aws->access, e) ||
        json_get_str(root, "SecretAccessKey", &aws->secret, e) ||
        json_opt_str(root, "Token", &aws->token, e))
        return CRED_SUBJECT;
    return OK;
}

code aws_read(exchange *x, str body, err *e)
{
    aws_asked *aws = x->aws;
    str text = str_trim(body);
    if (!text.len)
        return err_set(e, CRED_SUBJECT, "AWS gave an empty answer");
    switch (aws->question) {
    case AWS_SESSION:
        aws->session = text;
        return OK;
    case AWS_REGION: // "us-east-1d" is a zone of us-east-1
        aws->region = str_sub(text, 0, text.len - 1);
        return OK;
    case AWS_ROLE:
        aws->role = text;
        return OK;
    default:
        return read_keys(x, text, e);
    }
}

// ---- the signed request
// -----------------------------------------------------------------------------

static str authorization(exchange *x, const aws4 *key, const uri_url *u)
{
    arena *a = &x->mem;
    str host = u->host.name, token = x->aws->token;
    bool has_token = token.len > 0;
    const char *names = has_token ? "host;x-amz-date;x-amz-security-token" : "host;x-amz-date";
    str request = arena_printf(
        a,
        "POST\n" STR_FMT "\n" STR_FMT "\nhost:" STR_FMT "\nx-amz-date:" STR_FMT "\n%s" STR_FMT
        "%s\n%s\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        STR_ARG(u->path), STR_ARG(u->query), STR_ARG(host), STR_ARG(key->when),
        has_token ? "x-amz-security-token:" : "", STR_ARG(token), has_token ? "\n" : "", names);
    return arena_printf(a,
                        "AWS4-HMAC-SHA256 Credential=" STR_FMT "/" STR_FMT
                        ", SignedHeaders=%s, Signature=" STR_FMT,
                        STR_ARG(x->aws->access), STR_ARG(aws4_scope(key, a)), names,
                        STR_ARG(aws4_signature(key, request, a)));
}

static void put_header(jout *w, const char *key, str value)
{
    jout_object(w, NULL);
    jout_str(w, "key", str_from(key));
    jout_str(w, "value", value);
    jout_end(w);
}

static code sign(exchange *x, err *e)
{
    arena *a = &x->mem;
    aws_asked *aws = x->aws;
    str template = x->caller->external->aws.verification_url, url = template;
    char when[AWS4_WHEN_MAX];
    uri_url u;
    ssize_t at = str_find(template, STR("{region}"));
    if (at >= 0)
        url = arena_printf(a, STR_FMT STR_FMT STR_FMT, STR_ARG(str_sub(template, 0, (size_t)at)),
                           STR_ARG(aws->region), STR_ARG(str_skip(template, (size_t)at + 8)));
    if (url_parse(a, url, &u, e))
        return CRED_SUBJECT;
    aws4_when(clock_wall_s(), when);
    const aws4 key = {aws->secret, str_from(when), aws->region, STR("sts")};
    buf text, escaped;
    buf_init(&text, 16 << 10);
    buf_init(&escaped, 48 << 10);
    jout w = jout_new(&text, JSON_COMPACT);
    jout_object(&w, NULL);
    jout_str(&w, "url", url);
    jout_str(&w, "method", STR("POST"));
    jout_array(&w, "headers");
    put_header(&w, "Authorization", authorization(x, &key, &u));
    put_header(&w, "host", u.host.name);
    put_header(&w, "x-amz-date", key.when);
    if (aws->token.len)
        put_header(&w, "x-amz-security-token", aws->token);
    put_header(&w, "x-goog-cloud-target-resource", x->caller->external->audience);
    jout_end(&w);
    jout_end(&w);
    percent_encode(&escaped, buf_str(&text));
    x->subject = arena_str(a, buf_str(&escaped));
    buf_deinit(&text);
    buf_deinit(&escaped);
    return OK;
}

code aws_ask(exchange *x, fetch_request *req, err *e)
{
    if (!x->aws) {
        x->aws = ARENA_NEW(&x->mem, aws_asked);
        take_environment(x, x->aws);
    }
    x->aws->question = next_question(x->aws, &x->caller->external->aws);
    return x->aws->question == AWS_SIGN ? sign(x, e) : ask_question(x, req, e);
}
