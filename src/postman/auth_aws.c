// SPDX-License-Identifier: Apache-2.0
// AWS Signature Version 4, in headers or in the query.
#include "jose/jose_aws4.h"
#include "postman/auth.h"

typedef struct pair pair;
struct pair {
    str key, value;
};
typedef VEC(pair) pairs;

typedef struct aws aws;
struct aws {
    builder *b;
    str access, token;
    bool in_query, s3;
    char when[AWS4_WHEN_MAX];
    aws4 key;
    str scope;
    auth_url url;
    pairs headers; // to sign: names in lower case, sorted
    str signed_names;
    str body_hash;
};

static str joined(arena *a, pairs *list, const char *between, const char *end, bool with_values)
{
    buf out;
    buf_init(&out, PM_TEXT_BYTES_MAX);
    VEC_FOREACH (list, p) {
        if (p != list->ptr && *end != '\n')
            buf_addz(&out, end);
        buf_adds(&out, p->key);
        if (with_values)
            buf_addf(&out, "%s" STR_FMT "%s", between, STR_ARG(p->value), *end == '\n' ? "\n" : "");
    }
    str text = arena_str(a, buf_str(&out));
    buf_deinit(&out);
    return text;
}

static int by_key_and_value(const void *x, const void *y)
{
    const pair *p = x, *q = y;
    int order = str_cmp(p->key, q->key);
    return order ? order : str_cmp(p->value, q->value);
}

static void sort(pairs *list)
{
    if (list->len)
        qsort(list->ptr, list->len, sizeof(*list->ptr), by_key_and_value);
}

// ---- headers

// On the way to the service these change, or are added.
static bool is_unsigned(str name)
{
    static const char *const names[] = {
        "authorization", "connection", "x-amzn-trace-id",   "user-agent", "expect",
        "range",         "cookie",     "presigned-expires", "host"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_ieq(name, str_from(names[i])))
            return true;
    return false;
}

static str single_spaced(arena *a, str text)
{
    buf out;
    buf_init(&out, PM_TEXT_BYTES_MAX);
    text = str_trim(text);
    for (size_t i = 0; i < text.len; i++) {
        bool blank = ascii_is_blank(text.ptr[i]);
        if (!blank || !ascii_is_blank(text.ptr[i - 1]))
            buf_addc(&out, blank ? ' ' : text.ptr[i]);
    }
    str copy = arena_str(a, buf_str(&out));
    buf_deinit(&out);
    return copy;
}

static void add_signed(aws *s, str name, str value)
{
    arena *a = s->b->arena;
    char *lower = arena_cstr(a, name);
    for (char *p = lower; *p; p++)
        *p = ascii_lower(*p);
    value = single_spaced(a, value);
    VEC_FOREACH (&s->headers, p) {
        if (str_eq(p->key, str_from(lower))) { // lines of one name are one header
            p->value = arena_printf(a, STR_FMT "," STR_FMT, STR_ARG(p->value), STR_ARG(value));
            return;
        }
    }
    pair p = {str_from(lower), value};
    vec_push(&s->headers, p);
}

static void collect_headers(aws *s)
{
    const pm_call *call = s->b->call;
    const pm_header *host = pm_call_header(call, STR("Host"));
    str type = auth_content_type(s->b);
    VEC_FOREACH (&call->headers, h)
        if (!h->unsent && !is_unsigned(h->name) && !str_ieq(h->name, STR("Content-Type")))
            add_signed(s, h->name, h->value);
    if (type.len)
        add_signed(s, STR("content-type"), type);
    add_signed(s, STR("host"), host ? host->value : s->url.authority);
    sort(&s->headers);
    s->signed_names = joined(s->b->arena, &s->headers, "", ";", false);
}

// ---- the canonical request

// "." and ".." are resolved and empty segments dropped, but for S3, whose keys may have them. S3's
// path is encoded once, that of the others twice.
static str canonical_path(const aws *s)
{
    arena *a = s->b->arena;
    buf out;
    buf_init(&out, PM_TEXT_BYTES_MAX);
    str rest = str_skip(s->url.path, 1), segment;
    for (bool more = s->url.path.len > 0; more;) {
        more = str_cut(rest, '/', &segment, &rest);
        if (s->s3) {
            buf_addf(&out, "/" STR_FMT, STR_ARG(auth_encoded(a, auth_decoded(a, segment))));
        } else if (str_eq(segment, STR(".."))) {
            ssize_t slash = str_rchr(buf_str(&out), '/');
            buf_truncate(&out, slash < 0 ? 0 : (size_t)slash);
        } else if ((segment.len || !more) && !str_eq(segment, STR("."))) {
            buf_addf(&out, "/" STR_FMT, STR_ARG(auth_encoded(a, segment)));
        }
    }
    str path = out.len ? arena_str(a, buf_str(&out)) : STR("/");
    buf_deinit(&out);
    return path;
}

static str canonical_query(const aws *s)
{
    arena *a = s->b->arena;
    pairs list = {0};
    str rest = s->url.query;
    for (str part, key, value; str_next(&rest, '&', &part);) {
        str_cut(part, '=', &key, &value);
        pair p = {auth_encoded(a, auth_decoded(a, key)), auth_encoded(a, auth_decoded(a, value))};
        if (key.len)
            vec_push(&list, p);
    }
    sort(&list);
    str text = joined(a, &list, "=", "&", true);
    vec_deinit(&list);
    return text;
}

static str signature(aws *s)
{
    arena *a = s->b->arena;
    str request =
        arena_printf(a, STR_FMT "\n" STR_FMT "\n" STR_FMT "\n" STR_FMT "\n" STR_FMT "\n" STR_FMT,
                     STR_ARG(s->b->call->method), STR_ARG(canonical_path(s)),
                     STR_ARG(canonical_query(s)), STR_ARG(joined(a, &s->headers, ":", "\n", true)),
                     STR_ARG(s->signed_names), STR_ARG(s->body_hash));
    return aws4_signature(&s->key, request, a);
}

// ---- where it goes

static void put_header(builder *b, const char *name, str value)
{
    builder_drop_header(b, str_from(name));
    builder_header(b, str_from(name), value, true);
}

static void sign_headers(aws *s)
{
    builder *b = s->b;
    s->body_hash = auth_hash_body(b->arena, b->call, &(auth_body){.algorithm = "SHA256"});
    bool hashed = s->body_hash.len > 0;
    if (!hashed)
        s->body_hash = auth_hash_hex(b->arena, "SHA256", STR_NONE);
    if (hashed || s->s3)
        put_header(b, "X-Amz-Content-Sha256", s->body_hash);
    if (s->token.len)
        put_header(b, "X-Amz-Security-Token", s->token);
    put_header(b, "X-Amz-Date", str_from(s->when));
    if (!auth_url_now(b, &s->url))
        return;
    collect_headers(s);
    auth_header(b, arena_printf(b->arena,
                                "AWS4-HMAC-SHA256 Credential=" STR_FMT "/" STR_FMT
                                ", SignedHeaders=" STR_FMT ", Signature=" STR_FMT,
                                STR_ARG(s->access), STR_ARG(s->scope), STR_ARG(s->signed_names),
                                STR_ARG(signature(s))));
}

static bool in_query(const builder *b, const char *key)
{
    for (const pm_param *p = b->url.query; p; p = p->next)
        if (!p->disabled && p->has_key && str_eq(p->key, str_from(key)))
            return true;
    return false;
}

static void put_query(builder *b, const char *key, str value)
{
    auth_query(b, str_from(key), auth_encoded(b->arena, value));
}

static void sign_query(aws *s)
{
    builder *b = s->b;
    arena *a = b->arena;
    if (!auth_url_now(b, &s->url))
        return;
    collect_headers(s);
    s->body_hash = s->s3 ? STR("UNSIGNED-PAYLOAD") : auth_hash_hex(a, "SHA256", STR_NONE);
    if (s->token.len)
        put_query(b, "X-Amz-Security-Token", s->token);
    if (s->s3 && !in_query(b, "X-Amz-Expires"))
        put_query(b, "X-Amz-Expires", STR("86400"));
    put_query(b, "X-Amz-Date", str_from(s->when));
    put_query(b, "X-Amz-Algorithm", STR("AWS4-HMAC-SHA256"));
    put_query(b, "X-Amz-Credential",
              arena_printf(a, STR_FMT "/" STR_FMT, STR_ARG(s->access), STR_ARG(s->scope)));
    put_query(b, "X-Amz-SignedHeaders", s->signed_names);
    if (auth_url_now(b, &s->url))
        put_query(b, "X-Amz-Signature", signature(s));
}

static str or (str value, str otherwise)
{
    return value.len ? value : otherwise;
}

static void drop_old(builder *b)
{
    static const char *const headers[] = {"Authorization", "X-Amz-Date", "X-Amz-Security-Token",
                                          "X-Amz-Content-Sha256"};
    static const char *const params[] = {"X-Amz-Security-Token", "X-Amz-Date",
                                         "X-Amz-Algorithm",      "X-Amz-Credential",
                                         "X-Amz-SignedHeaders",  "X-Amz-Signature"};
    for (size_t i = 0; i < ARRAY_LEN(headers); i++)
        builder_drop_header(b, str_from(headers[i]));
    for (size_t i = 0; i < ARRAY_LEN(params); i++)
        auth_drop_query(b, str_from(params[i]));
}

void sign_aws(builder *b, const json *params)
{
    arena *a = b->arena;
    aws s = {.b = b,
             .access = auth_param(a, params, "accessKey"),
             .token = auth_param(a, params, "sessionToken")};
    aws4_when(clock_wall_s(), s.when);
    s.key = (aws4){.secret = auth_param(a, params, "secretKey"),
                   .when = str_from(s.when),
                   .region = or (auth_param(a, params, "region"), STR("us-east-1")),
                   .service = or (auth_param(a, params, "service"), STR("execute-api"))};
    s.scope = aws4_scope(&s.key, a);
    s.s3 = str_eq(s.key.service, STR("s3"));
    drop_old(b);
    if (auth_flag(params, "addAuthDataToQuery"))
        sign_query(&s);
    else
        sign_headers(&s);
    vec_deinit(&s.headers);
}
