// SPDX-License-Identifier: Apache-2.0
// A service account's key file and what IAM knows of its keys.
#include <limits.h>
#include <stdlib.h>

#include "credential/keys.h"

enum { FILE_BYTES_MAX = 64 << 10 };

// ---- file ---------------------------------------------------------------------------------------

static code no_key_file(const char *path, err *e)
{
    (void)err_set(e, CRED_FILE, "%s: it isn't a service account's key file", path);
    return err_hint(e, "only those hold a key that can be rotated: \"type\": \"service_account\"");
}

code key_file_read(arena *a, const char *path, const home_address *up, key_file *ret, err *e)
{
    char real[PATH_MAX];
    str text, token_uri = STR_NONE;
    json *root;
    *ret = (key_file){.path = arena_cstr(a, str_from(realpath(path, real) ? real : path))};
    code c = file_read(a, ret->path, FILE_BYTES_MAX, &text, e);
    if (c)
        return c;
    const json_opts opts = {.file = ret->path};
    c = json_parse(a, text, &opts, &root, e);
    secret_wipe((char *)(uintptr_t)text.ptr, text.len);
    if (c)
        return CRED_FILE;
    if (!json_is_str(json_get(root, "type"), "service_account"))
        c = no_key_file(ret->path, e);
    else if (json_get_str(root, "client_email", &ret->email, e) ||
             json_get_str(root, "private_key_id", &ret->key_id, e) ||
             json_opt_str(root, "token_uri", &token_uri, e))
        c = CRED_FILE;
    ret->email = arena_str(a, ret->email);
    ret->key_id = arena_str(a, ret->key_id);
    ret->local = up && str_eq(token_uri, up->token_url);
    json_wipe(root);
    return c;
}

// ---- list ---------------------------------------------------------------------------------------

static int64_t seconds(const json *v)
{
    int64_t ns;
    return clock_parse_rfc3339(json_str_or(v, STR_NONE), &ns) ? ns / 1000000000 : 0;
}

static str last_part(str name)
{
    return str_skip(name, (size_t)(str_rchr(name, '/') + 1));
}

static int by_age(const void *a, const void *b)
{
    const iam_key *x = a, *y = b;
    return x->created_s < y->created_s ? -1 : x->created_s > y->created_s;
}

code keys_fetch_list(keys_session *s, iam_keys *ret, err *e)
{
    json *root;
    code c = keys_call(s, "GET", STR("/keys?keyTypes=USER_MANAGED"), STR_NONE, &root, e);
    if (c)
        return c;
    vec_reset(ret);
    JSON_EACH (json_get(root, "keys"), k) {
        iam_key key = {
            .id = last_part(json_str_or(json_get(k, "name"), STR_NONE)),
            .created_s = seconds(json_get(k, "validAfterTime")),
            .expires_s = seconds(json_get(k, "validBeforeTime")),
            .disabled = json_bool_or(json_get(k, "disabled"), false),
        };
        if (key.id.len)
            vec_push(ret, key);
    }
    if (ret->len)
        qsort(ret->ptr, ret->len, sizeof *ret->ptr, by_age);
    return OK;
}

// The project is part of every service account's address: NAME@PROJECT.iam.gserviceaccount.com.
static str project_of(str email)
{
    str name, domain, project;
    str_cut(email, '@', &name, &domain);
    str_cut(domain, '.', &project, &domain);
    return str_eq(domain, STR("iam.gserviceaccount.com")) ? project : STR_NONE;
}

static void note_usage(iam_keys *keys, const json *activities)
{
    VEC_FOREACH (keys, k) {
        k->usage_known = true;
        JSON_EACH (activities, a) {
            if (!str_eq(last_part(json_str_or(json_get(a, "fullResourceName"), STR_NONE)), k->id))
                continue;
            int64_t used = seconds(json_get(json_get(a, "activity"), "lastAuthenticatedTime"));
            if (used > k->used_s)
                k->used_s = used;
        }
    }
}

code keys_list(const key_access *by, const key_file *f, arena *a, iam_keys *ret, str *ret_why,
               err *e)
{
    keys_session s;
    json *usage;
    err missing = ERR_INIT;
    *ret_why = STR_NONE;
    keys_open(&s, by, f, a);
    code c = keys_fetch_list(&s, ret, e);
    str project = project_of(f->email);
    if (c == OK && project.len) {
        if (keys_usage(&s, project, &usage, &missing) == OK)
            note_usage(ret, json_get(usage, "activities"));
        else
            *ret_why = arena_str(a, str_from(missing.msg));
    }
    keys_close(&s);
    return c;
}
