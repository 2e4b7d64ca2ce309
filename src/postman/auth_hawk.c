// SPDX-License-Identifier: Apache-2.0
// Hawk: a MAC over the request line, and over the body when that is wanted.
#include "postman/auth.h"

enum { NONCE_LEN = 6 };

static const char *hash_of(str algorithm)
{
    if (!algorithm.len || str_eq(algorithm, STR("sha256")))
        return "SHA256";
    return str_eq(algorithm, STR("sha1")) ? "SHA1" : NULL;
}

// Backslashes, and what would end the value or the line.
static str escaped(arena *a, str text, char special, const char *with)
{
    buf out;
    buf_init(&out, PM_TEXT_BYTES_MAX);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\\')
            buf_addz(&out, "\\\\");
        else if (text.ptr[i] == special)
            buf_addz(&out, with);
        else
            buf_addc(&out, text.ptr[i]);
    }
    str copy = arena_str(a, buf_str(&out));
    buf_deinit(&out);
    return copy;
}

// The media type alone, in lower case.
static str media_type(builder *b)
{
    str type = auth_content_type(b), rest;
    str_cut(type, ';', &type, &rest);
    char *lower = arena_cstr(b->arena, str_trim(type));
    for (char *p = lower; *p; p++)
        *p = ascii_lower(*p);
    return str_from(lower);
}

static str payload_hash(builder *b, const char *algorithm)
{
    auth_body how = {
        .algorithm = algorithm,
        .base64 = true,
        .before = arena_printf(b->arena, "hawk.1.payload\n" STR_FMT "\n", STR_ARG(media_type(b))),
        .after = STR("\n")};
    return auth_hash_body(b->arena, b->call, &how);
}

typedef struct hawk hawk;
struct hawk {
    str id, key, timestamp, nonce, hash, ext, app, dlg;
    const char *algorithm;
    auth_url url;
};

static str mac(builder *b, const hawk *h)
{
    buf out;
    buf_init(&out, PM_TEXT_BYTES_MAX);
    bool tls = str_eq(h->url.scheme, STR("https"));
    str port = h->url.port.len ? h->url.port : tls ? STR("443") : STR("80");
    const str lines[] = {STR("hawk.1.header"),
                         h->timestamp,
                         h->nonce,
                         b->call->method,
                         h->url.target,
                         h->url.host,
                         port,
                         h->hash,
                         escaped(b->arena, h->ext, '\n', "\\n")};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        buf_addf(&out, STR_FMT "\n", STR_ARG(lines[i]));
    if (h->app.len)
        buf_addf(&out, STR_FMT "\n" STR_FMT "\n", STR_ARG(h->app), STR_ARG(h->dlg));
    str text = auth_hmac_base64(b->arena, h->algorithm, h->key, buf_str(&out));
    buf_deinit(&out);
    return text;
}

static void add(buf *out, const char *key, str value)
{
    if (value.len)
        buf_addf(out, "%s%s=\"" STR_FMT "\"", out->len > 5 ? ", " : "", key, STR_ARG(value));
}

static void add_header(builder *b, const hawk *h)
{
    buf out;
    buf_init(&out, PM_TEXT_BYTES_MAX);
    buf_addz(&out, "Hawk ");
    add(&out, "id", h->id);
    add(&out, "ts", h->timestamp);
    add(&out, "nonce", h->nonce);
    add(&out, "hash", h->hash);
    add(&out, "ext", escaped(b->arena, h->ext, '"', "\\\""));
    add(&out, "mac", mac(b, h));
    add(&out, "app", h->app);
    add(&out, "dlg", h->app.len ? h->dlg : STR_NONE);
    auth_header(b, buf_str(&out));
    buf_deinit(&out);
}

void sign_hawk(builder *b, const json *params)
{
    arena *a = b->arena;
    uint64_t given = 0;
    hawk h = {.id = auth_param(a, params, "authId"),
              .key = auth_param(a, params, "authKey"),
              .timestamp = auth_param(a, params, "timestamp"),
              .nonce = auth_param(a, params, "nonce"),
              .ext = auth_param(a, params, "extraData"),
              .app = auth_param(a, params, "app"),
              .dlg = auth_param(a, params, "delegation"),
              .algorithm = hash_of(auth_param(a, params, "algorithm"))};
    if (!h.id.len || !h.key.len)
        return;
    if (!h.algorithm) {
        auth_failed(b, "hawk", "the algorithm is neither sha1 nor sha256");
        return;
    }
    if (!h.nonce.len)
        h.nonce = auth_nonce(a, NONCE_LEN);
    if (!str_to_u64(h.timestamp, &given) || !given)
        h.timestamp = arena_printf(a, "%lld", (long long)clock_wall_s());
    if (auth_flag(params, "includePayloadHash"))
        h.hash = payload_hash(b, h.algorithm);
    if (auth_url_now(b, &h.url))
        add_header(b, &h);
}
