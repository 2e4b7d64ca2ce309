// SPDX-License-Identifier: Apache-2.0
// A certificate as subject token: shown to STS by mutual TLS, and named in the request.
#include <string.h>

#include "credential/external.h"

enum { PEM_BYTES_MAX = 256 << 10, CONFIG_BYTES_MAX = 64 << 10 };

static const char begin_line[] = "-----BEGIN CERTIFICATE-----";
static const char end_line[] = "-----END CERTIFICATE-----";

// The configuration that gcloud and Google's libraries share.
static code read_config(external *x, arena *a, const char *path, err *e)
{
    const json_opts opts = {.bytes_max = CONFIG_BYTES_MAX};
    json *root;
    const json *configs = NULL, *workload = NULL;
    str cert, key;
    if (json_load(a, path, &opts, &root, e) || json_want(root, JSON_OBJECT, e) ||
        json_get_obj(root, "cert_configs", &configs, e) ||
        json_get_obj(configs, "workload", &workload, e) ||
        json_get_str(workload, "cert_path", &cert, e) ||
        json_get_str(workload, "key_path", &key, e))
        return CRED_FILE;
    x->cert_file = arena_cstr(a, cert);
    x->key_file = arena_cstr(a, key);
    return OK;
}

code external_read_certificate(external *x, arena *a, const json *from, err *e)
{
    const json *how = NULL;
    str config = STR_NONE, chain = STR_NONE;
    bool usual = false;
    if (json_get_obj(from, "certificate", &how, e) ||
        json_opt_bool(how, "use_default_certificate_config", &usual, e) ||
        json_opt_str(how, "certificate_config_location", &config, e) ||
        json_opt_str(how, "trust_chain_path", &chain, e))
        return CRED_FILE;
    if (usual == (config.len > 0)) {
        (void)json_err(how, e, CRED_FILE,
                       "must have either use_default_certificate_config or "
                       "certificate_config_location");
        return err_hint(e, "the default is GOOGLE_API_CERTIFICATE_CONFIG, or "
                           "certificate_config.json in gcloud's directory");
    }
    x->place = config.len ? arena_str(a, config) : x->place;
    if (!x->place.len)
        return json_err(how, e, CRED_FILE,
                        "neither GOOGLE_API_CERTIFICATE_CONFIG nor gcloud's directory is known");
    x->chain_file = chain.len ? arena_cstr(a, chain) : NULL;
    return read_config(x, a, x->place.ptr, e);
}

// Takes the next certificate of a PEM text: its base64 without line breaks. False at the end.
static bool next_certificate(str *rest, arena *a, str *ret_base64)
{
    ssize_t from = str_find(*rest, str_from(begin_line));
    if (from < 0)
        return false;
    str body = str_skip(*rest, (size_t)from + sizeof(begin_line) - 1);
    ssize_t to = str_find(body, str_from(end_line));
    if (to < 0)
        return false;
    *rest = str_skip(body, (size_t)to + sizeof(end_line) - 1);
    char *text = arena_cstr(a, str_sub(body, 0, (size_t)to)), *out = text;
    for (const char *p = text; *p; p++)
        if (!ascii_is_blank(*p))
            *out++ = *p;
    *ret_base64 = (str){text, (size_t)(out - text)};
    return true;
}

static code add_chain(exchange *x, const char *path, str leaf, jout *w, err *e)
{
    str text, one;
    if (file_read(&x->mem, path, PEM_BYTES_MAX, &text, e))
        return CRED_SUBJECT;
    for (bool first = true; next_certificate(&text, &x->mem, &one); first = false) {
        if (!str_eq(one, leaf)) {
            jout_str(w, NULL, one);
            continue;
        }
        if (first)
            continue; // a chain may begin with the certificate itself
        (void)err_set(e, CRED_SUBJECT, "%s holds the client's own certificate behind others", path);
        return err_hint(e, "put it first, or leave it out: intermediate certificates follow");
    }
    return OK;
}

code certificate_subject(exchange *x, err *e)
{
    const external *ext = x->caller->external;
    str text, leaf;
    if (file_read(&x->mem, ext->cert_file, PEM_BYTES_MAX, &text, e))
        return CRED_SUBJECT;
    if (!next_certificate(&text, &x->mem, &leaf))
        return err_set(e, CRED_SUBJECT, "%s holds no certificate in PEM form", ext->cert_file);
    buf list;
    buf_init(&list, PEM_BYTES_MAX);
    jout w = jout_new(&list, JSON_COMPACT);
    jout_array(&w, NULL);
    jout_str(&w, NULL, leaf);
    code failed = ext->chain_file ? add_chain(x, ext->chain_file, leaf, &w, e) : OK;
    jout_end(&w);
    x->subject = arena_str(&x->mem, buf_str(&list));
    buf_deinit(&list);
    return failed ? CRED_SUBJECT : OK;
}
