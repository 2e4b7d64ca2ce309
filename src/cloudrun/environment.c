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

static void setz(void *ctx, const char *name, const char *value)
{
    set(ctx, str_from(name), str_from(value));
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

void environment_of_google(arena *a, const environment_google *g,
                           void (*set_one)(void *ctx, const char *name, const char *value),
                           void *ctx)
{
    const char *metadata = arena_printf(a, "127.0.0.1:%u", g->metadata_port).ptr;
    const char *base = arena_printf(a, "http://127.0.0.1:%u/", g->token_port).ptr;
    const char *proxy = arena_printf(a, "http://127.0.0.1:%u", g->proxy_port).ptr;
    // They send http through a proxy too, so loopback is named as what needs none. The metadata
    // server isn't: who asks for it by its name is answered by the proxy.
    static const char direct[] = "localhost,127.0.0.1,::1";
    const struct {
        const char *name, *value;
        bool of_proxy;
    } rows[] = {
        {"GCE_METADATA_HOST", metadata, false},
        {"GCE_METADATA_IP", metadata, false},
        {"GCE_METADATA_ROOT", metadata, false},
        {"METADATA_SERVER_DETECTION", "assume-present", false},
        {"CLOUDSDK_AUTH_TOKEN_HOST", arena_printf(a, "%stoken", base).ptr, false},
        {"CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS", base, false},
        {"GOOGLE_CLOUD_PROJECT", arena_cstr(a, g->project_id), false},
        {"NO_PROXY", direct, false},
        {"no_proxy", direct, false},
        {"HTTPS_PROXY", proxy, true},
        {"https_proxy", proxy, true},
        {"NODE_USE_ENV_PROXY", "1", true}, // Node's own fetch, from 24 on
        {"NODE_EXTRA_CA_CERTS", g->ca, true},
        {"SSL_CERT_FILE", g->bundle, true},
        {"REQUESTS_CA_BUNDLE", g->bundle, true},
        {"CURL_CA_BUNDLE", g->bundle, true},
        {"CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE", g->bundle, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (!rows[i].of_proxy || g->proxy_port)
            set_one(ctx, rows[i].name, rows[i].value);
}

code environment_make(arena *a, const environment_options *o, const char *const **ret_env, err *e)
{
    variables v = {.a = a};
    setz(&v, "PATH", o->path && *o->path ? o->path : "/usr/local/bin:/usr/bin:/bin");
    setz(&v, "LANG", o->lang && *o->lang ? o->lang : "C.UTF-8");
    setz(&v, "HOME", o->home);
    environment_of_google(a, &o->google, setz, &v);
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
