// SPDX-License-Identifier: Apache-2.0
#include "data/data.h"
#include "jose/key.h"

struct jwk_set {
    VEC(jwk *) keys;
    uint32_t refs;
};

jwk_set *jwk_set_new(void)
{
    jwk_set *s = NEW(jwk_set);
    s->refs = 1;
    return s;
}

jwk_set *jwk_set_ref(jwk_set *s)
{
    s->refs++;
    return s;
}

void jwk_set_unref(jwk_set *s)
{
    if (!s || --s->refs)
        return;
    VEC_FOREACH (&s->keys, k)
        jwk_unref(*k);
    vec_deinit(&s->keys);
    free(s);
}

void jwk_set_add(jwk_set *s, jwk *k)
{
    jwk_ref(k);
    VEC_FOREACH (&s->keys, at) {
        if (str_eq((*at)->kid, k->kid)) {
            jwk_unref(*at);
            *at = k;
            return;
        }
    }
    vec_push(&s->keys, k);
}

size_t jwk_set_len(const jwk_set *s)
{
    return s->keys.len;
}

jwk *jwk_set_at(const jwk_set *s, size_t i)
{
    return s->keys.ptr[i];
}

jwk *jwk_set_find(const jwk_set *s, str kid)
{
    VEC_FOREACH (&s->keys, k)
        if (str_eq((*k)->kid, kid))
            return *k;
    return NULL;
}

// Adds one member of "keys"; a key that can't be used is passed over, with the reason in `skipped`.
static code add_from_json(jwk_set *s, const json *object, err *skipped, err *e)
{
    const char *shown = jwk_private_member(object);
    if (shown) {
        err_set(e, JOSE_KEY_SET, "the key set publishes a private key (member \"%s\")", shown);
        err_hint(e, "whoever can read it can sign: replace the key, publish public members");
        return JOSE_KEY_SET;
    }
    jwk *k = NULL;
    if (jwk_from_json(object, &k, skipped) != OK)
        return OK;
    const jwk *before = jwk_set_find(s, k->kid);
    bool clash = before && !str_eq(jwk_thumbprint(before), jwk_thumbprint(k));
    if (!before)
        jwk_set_add(s, k);
    code c = clash ? err_set(e, JOSE_KEY_SET, "two keys of the set have the id \"" STR_FMT "\"",
                             STR_ARG(k->kid))
                   : OK;
    jwk_unref(k);
    return c;
}

static code fill(jwk_set *s, const json *root, err *e)
{
    const json *keys = json_get(root, "keys");
    if (!json_is(keys, JSON_ARRAY))
        return err_set(e, JOSE_KEY_SET, "a key set must be an object with an array \"keys\"");
    if (keys->len > JWK_SET_KEYS_MAX)
        return err_set(e, JOSE_KEY_SET, "the key set has %u keys; the limit is %d", keys->len,
                       JWK_SET_KEYS_MAX);
    err skipped = ERR_INIT;
    JSON_EACH (keys, object) {
        code c = add_from_json(s, object, &skipped, e);
        if (c)
            return c;
    }
    if (s->keys.len)
        return OK;
    return err_set(e, JOSE_KEY_SET, "the key set has no usable key%s%s", *skipped.msg ? ": " : "",
                   skipped.msg);
}

code jwk_set_from_text(str text, jwk_set **ret_set, err *e)
{
    arena a;
    arena_init(&a);
    json *root = NULL;
    jwk_set *s = jwk_set_new();
    json_opts opts = {.bytes_max = JWK_SET_BYTES_MAX, .depth_max = 16, .values_max = 8192};
    code c = json_parse(&a, text, &opts, &root, e);
    if (c)
        c = err_set(e, JOSE_KEY_SET, "the key set isn't JSON or too large");
    else
        c = fill(s, root, e);
    if (c)
        jwk_set_unref(s);
    else
        *ret_set = s;
    arena_deinit(&a);
    return c;
}

void jwk_set_write_json(const jwk_set *s, buf *out)
{
    buf_addz(out, "{\"keys\":[");
    for (size_t i = 0; i < s->keys.len; i++) {
        if (i)
            buf_addc(out, ',');
        jwk_write_json(s->keys.ptr[i], out);
    }
    buf_addz(out, "]}");
}

code jwk_set_write_certs(const jwk_set *s, str name, int64_t from_s, int64_t to_s, buf *out, err *e)
{
    buf pem;
    buf_init(&pem, 16 * 1024);
    code c = OK;
    bool comma = false;
    buf_addc(out, '{');
    for (size_t i = 0; i < s->keys.len && c == OK; i++) {
        if (!s->keys.ptr[i]->is_private)
            continue;
        buf_reset(&pem);
        c = jwk_write_cert_pem(s->keys.ptr[i], name, from_s, to_s, &pem, e);
        if (comma)
            buf_addc(out, ',');
        comma = true;
        buf_add_json(out, s->keys.ptr[i]->kid);
        buf_addc(out, ':');
        buf_add_json(out, buf_str(&pem));
    }
    buf_addc(out, '}');
    buf_deinit(&pem);
    return c;
}
