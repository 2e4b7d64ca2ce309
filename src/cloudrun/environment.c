// SPDX-License-Identifier: Apache-2.0
#include "cloudrun/environment.h"

#include <string.h>
#include <unistd.h>

#include "data/data.h"

typedef struct variables variables;
struct variables {
    arena *a;
    map values; // name → "NAME=value"
};

static void set(variables *v, str name, str value)
{
    str text = arena_printf(v->a, STR_FMT "=" STR_FMT, STR_ARG(name), STR_ARG(value));
    map_set(&v->values, name, (void *)(uintptr_t)text.ptr);
}

static void setz(variables *v, const char *name, const char *value)
{
    set(v, str_from(name), str_from(value));
}

// A secret's value is a file of this machine: what Secret Manager holds is the cloud's.
static code read_secret(variables *v, const environment_options *o, const service_env *env,
                        str *ret_value, err *e)
{
    const char *folder =
        arena_printf(v->a, "%s/.gatepost/secrets/" STR_FMT, o->dir, STR_ARG(env->secret)).ptr;
    const char *path = arena_printf(v->a, "%s/" STR_FMT, folder, STR_ARG(env->version)).ptr;
    err why = ERR_INIT;
    if (access(path, F_OK) == 0 && file_read(v->a, path, SECRET_BYTES_MAX, ret_value, &why) != OK) {
        json_err(env->at, e, UP_SECRET, "the secret '" STR_FMT "': %s", STR_ARG(env->secret),
                 why.msg);
        return err_hint(e, "a secret's version is a file that you may read, of at most %d KiB",
                        SECRET_BYTES_MAX >> 10);
    }
    if (!ret_value->ptr) {
        json_err(env->at, e, UP_SECRET,
                 "the secret '" STR_FMT "' has no version '" STR_FMT "' here", STR_ARG(env->secret),
                 STR_ARG(env->version));
        return err_hint(e, "mkdir -p '%s' && printf %%s VALUE > '%s'", folder, path);
    }
    if (str_ends(*ret_value, STR("\n")))
        ret_value->len--;
    if (ret_value->len && memchr(ret_value->ptr, 0, ret_value->len))
        return json_err(env->at, e, UP_SECRET, "the value in %s holds a NUL", path);
    return OK;
}

static code set_own(variables *v, const environment_options *o, err *e)
{
    const service_container *box = o->container;
    for (size_t i = 0; i < box->env_count; i++) {
        str value = box->env[i].value;
        code c = box->env[i].secret.len ? read_secret(v, o, &box->env[i], &value, e) : OK;
        if (c)
            return c;
        set(v, box->env[i].name, value);
    }
    return OK;
}

// Where the clients of Google's libraries find the local Google. They send http through a proxy
// too, so loopback is named as what needs none.
static void set_google(variables *v, const environment_options *o)
{
    const char *metadata = arena_printf(v->a, "127.0.0.1:%u", o->metadata_port).ptr;
    const char *base = arena_printf(v->a, "http://127.0.0.1:%u/", o->token_port).ptr;
    setz(v, "GCE_METADATA_HOST", metadata);
    setz(v, "GCE_METADATA_IP", metadata);
    setz(v, "GCE_METADATA_ROOT", metadata);
    setz(v, "METADATA_SERVER_DETECTION", "assume-present");
    setz(v, "CLOUDSDK_AUTH_TOKEN_HOST", arena_printf(v->a, "%stoken", base).ptr);
    setz(v, "CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS", base);
    set(v, STR("GOOGLE_CLOUD_PROJECT"), o->project_id);
    setz(v, "NO_PROXY", "localhost,127.0.0.1,::1");
    setz(v, "no_proxy", "localhost,127.0.0.1,::1");
}

code environment_make(arena *a, const environment_options *o, const char *const **ret_env, err *e)
{
    variables v = {.a = a};
    setz(&v, "PATH", o->path && *o->path ? o->path : "/usr/local/bin:/usr/bin:/bin");
    setz(&v, "LANG", o->lang && *o->lang ? o->lang : "C.UTF-8");
    setz(&v, "HOME", o->home);
    set_google(&v, o);
    code c = set_own(&v, o, e);
    set(&v, STR("K_SERVICE"), o->spec->name);
    set(&v, STR("K_CONFIGURATION"), o->spec->name);
    set(&v, STR("K_REVISION"), o->spec->revision);
    const char **env = arena_array(a, v.values.len + 1, sizeof(*env));
    size_t n = 0, cursor = 0;
    str name;
    void *text;
    while (map_next(&v.values, &cursor, &name, &text))
        env[n++] = text;
    map_deinit(&v.values, NULL);
    *ret_env = env;
    return c;
}
