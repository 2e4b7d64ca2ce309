// SPDX-License-Identifier: Apache-2.0
// --ssl-client-cert-list: newman's list of client certificates and the URLs that they are for.
#include "cmd/run.h"

static code read_matches(arena *a, const json *entry, run_certificate *c, err *e)
{
    const json *list;
    code failed = json_get_arr(entry, "matches", &list, e);
    if (failed)
        return failed;
    str *matches = arena_array(a, list->len, sizeof(*matches));
    c->matches = matches;
    JSON_EACH (list, m) {
        if (json_want(m, JSON_STRING, e))
            return DATA_TYPE;
        matches[c->match_count++] = m->text;
    }
    return OK;
}

// {"src": PATH}, NULL when there is none.
static code read_src(arena *a, const json *entry, const char *key, const char **ret, err *e)
{
    const json *file = NULL;
    str src = STR_NONE;
    code c = json_opt_obj(entry, key, &file, e);
    if (!c && file)
        c = json_get_str(file, "src", &src, e);
    *ret = src.len ? arena_cstr(a, src) : NULL;
    return c;
}

static code read_entry(arena *a, const json *entry, run_certificate *c, err *e)
{
    const char *pfx = NULL;
    str passphrase = STR_NONE;
    code failed = json_want(entry, JSON_OBJECT, e);
    if (!failed)
        failed = read_matches(a, entry, c, e);
    if (!failed)
        failed = read_src(a, entry, "key", &c->key_file, e);
    if (!failed)
        failed = read_src(a, entry, "cert", &c->cert_file, e);
    if (!failed)
        failed = read_src(a, entry, "pfx", &pfx, e);
    if (!failed)
        failed = json_opt_str(entry, "passphrase", &passphrase, e);
    if (failed)
        return failed;
    if (passphrase.len)
        c->key_password = arena_cstr(a, passphrase);
    c->p12 = pfx != NULL;
    if (pfx)
        c->cert_file = pfx;
    if (!c->cert_file)
        return json_err(entry, e, DATA_MISSING, "has neither 'cert' nor 'pfx'");
    return OK;
}

code run_certificates_load(run_inputs *in, arena *a, const char *path, err *e)
{
    json *root;
    code c = json_load(a, path, &(json_opts){.tolerant = true}, &root, e);
    if (!c)
        c = json_want(root, JSON_ARRAY, e);
    if (c)
        return err_wrap(e, "--ssl-client-cert-list");
    run_certificate *list = arena_array(a, root->len, sizeof(*list));
    in->certificates = list;
    JSON_EACH (root, entry) {
        c = read_entry(a, entry, &list[in->certificate_count++], e);
        if (c)
            return err_wrap(e, "--ssl-client-cert-list");
    }
    return OK;
}
