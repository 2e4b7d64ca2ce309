// SPDX-License-Identifier: Apache-2.0
// google_proxy: a CA for this run, a proxy for each service and one for programs outside, and what
// programs are told of them (ADR 10).
#include <unistd.h>

#include "cloudrun/up_own.h"

enum { ROOTS_BYTES_MAX = 8 << 20, ENV_BYTES_MAX = 64 << 10, HTTPS = 443, HTTP = 80 };

static const str metadata_names[] = {
    {"metadata.google.internal", 24}, {"169.254.169.254", 15}, {"metadata", 8}};

// ---- which hosts --------------------------------------------------------------------------------

static void adopt(void *server, stream *s, tls_context *tls)
{
    http_server_adopt(server, s, tls);
}

// Every service, as its callers know it: what answers stands when a call comes.
static void adopt_service(void *service, stream *s, tls_context *tls)
{
    gate_adopt(((up_service *)service)->gate, s, tls);
}

static size_t count_routes(const up *u)
{
    size_t n = GOOGLE_HOSTS + 1 + ARRAY_LEN(metadata_names);
    for (size_t i = 0; i < u->service_count; i++)
        n += u->services[i].run_app_url_count;
    return n;
}

// Those with TLS come first: their number is told, too.
static proxy_route *make_routes(up *u, http_server *metadata, size_t *ret_tls)
{
    proxy_route *routes = arena_array(&u->arena, count_routes(u), sizeof(*routes));
    size_t n = 0;
    for (size_t i = 0; i < GOOGLE_HOSTS; i++)
        routes[n++] = (proxy_route){google_hosts[i], HTTPS, false, adopt, u->token_server};
    str regional =
        arena_printf(&u->arena, STR_FMT "-run.googleapis.com", STR_ARG(u->project->region));
    routes[n++] = (proxy_route){regional, HTTPS, false, adopt, u->token_server};
    for (size_t i = 0; i < u->service_count; i++) {
        up_service *s = &u->services[i];
        for (size_t k = 0; k < s->run_app_url_count; k++) {
            str host = str_skip(s->run_app_urls[k], strlen("https://"));
            routes[n++] = (proxy_route){host, HTTPS, false, adopt_service, s};
        }
    }
    *ret_tls = n;
    for (size_t i = 0; i < ARRAY_LEN(metadata_names); i++)
        routes[n++] = (proxy_route){metadata_names[i], HTTP, true, adopt, metadata};
    return routes;
}

// ---- the CA -------------------------------------------------------------------------------------

static void make_authority(up *u)
{
    size_t count;
    const proxy_route *routes = make_routes(u, NULL, &count);
    str *names = arena_array(&u->arena, count, sizeof(*names));
    for (size_t i = 0; i < count; i++)
        names[i] = routes[i].host;
    // Two of one name would be two keys for one issuer.
    const char *title =
        arena_printf(&u->arena, "gatepost up, process %d, %08x", getpid(), (unsigned)rand_u64())
            .ptr;
    const tls_authority_options o = {
        .title = title, .names = names, .name_count = count, .alpn = "http/1.1"};
    u->authority = tls_authority_new(&o);
}

// Those of the distributions.
static const char *const root_files[] = {"/etc/ssl/certs/ca-certificates.crt",
                                         "/etc/pki/tls/certs/ca-bundle.crt",
                                         "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};

static code read_roots(up *u, str *ret_pem, err *e)
{
    const char *path = u->o.roots;
    for (size_t i = 0; !path && i < ARRAY_LEN(root_files); i++)
        if (access(root_files[i], R_OK) == 0)
            path = root_files[i];
    if (path)
        return file_read(&u->arena, path, ROOTS_BYTES_MAX, ret_pem, e);
    up_note(u, "no file with this machine's CAs was found, so instances trust none but the local "
               "one; SSL_CERT_FILE names it");
    return OK;
}

code up_proxy_prepare(up *u, err *e)
{
    if (!u->o.google_proxy)
        return OK;
    const char *dir = NULL;
    str roots = STR("");
    code c = home_path(HOME_RUNTIME, true, &u->arena, &dir, e);
    if (c == OK)
        c = read_roots(u, &roots, e);
    if (c)
        return c;
    make_authority(u);
    str pem = tls_authority_pem(u->authority);
    u->ca = arena_printf(&u->arena, "%s/ca.pem", dir).ptr;
    u->ca_bundle = arena_printf(&u->arena, "%s/ca-bundle.pem", dir).ptr;
    u->env_file = arena_printf(&u->arena, "%s/google.env", dir).ptr;
    c = home_write(u->ca, pem, 0600, e);
    if (c)
        return c;
    str both = arena_printf(&u->arena, STR_FMT "\n" STR_FMT, STR_ARG(roots), STR_ARG(pem));
    return home_write(u->ca_bundle, both, 0600, e);
}

// ---- the proxies --------------------------------------------------------------------------------

code up_proxy_listen(up *u, http_server *metadata, proxy **ret_proxy, err *e)
{
    if (!u->authority)
        return OK;
    size_t tls_count;
    const proxy_options o = {.authority = u->authority,
                             .routes = make_routes(u, metadata, &tls_count),
                             .route_count = count_routes(u),
                             .on_refusal = up_log_proxy,
                             .ctx = u};
    return proxy_new(u->loop, &o, ret_proxy, e);
}

environment_google up_proxy_google(const up *u, const http_server *metadata, const proxy *p)
{
    return (environment_google){.project_id = u->project->id,
                                .metadata_port = http_server_port(metadata),
                                .token_port = http_server_port(u->token_server),
                                .proxy_port = p ? proxy_port(p) : 0,
                                .ca = u->ca,
                                .bundle = u->ca_bundle};
}

void up_proxy_free(up *u)
{
    proxy_free(u->proxy);
    tls_authority_free(u->authority);
    const char *const files[] = {u->ca, u->ca_bundle, u->env_file};
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (files[i])
            unlink(files[i]);
}

// ---- for a shell --------------------------------------------------------------------------------

static void add_export(void *ctx, const char *name, const char *value)
{
    buf *out = ctx;
    buf_addf(out, "export %s='", name);
    for (; *value; value++) {
        if (*value == '\'')
            buf_addz(out, "'\\'");
        buf_addc(out, *value);
    }
    buf_addz(out, "'\n");
}

static const char *key_of(const up *u, str email)
{
    for (size_t i = 0; i < u->project->account_count; i++)
        if (str_ieq(u->project->accounts[i].email, email))
            return u->project->accounts[i].key;
    return NULL;
}

// The person's own credentials must not be found: local and cloud never mix (injection.md §4).
code up_proxy_env_file(up *u, err *e)
{
    if (!u->authority)
        return OK;
    const environment_google g = up_proxy_google(u, u->metadata_server, u->proxy);
    const char *key = key_of(u, u->run_as);
    buf text;
    buf_init(&text, ENV_BYTES_MAX);
    environment_of_google(&u->arena, &g, add_export, &text);
    add_export(&text, "CLOUDSDK_CONFIG", arena_printf(&u->arena, "%s/gcloud", u->home).ptr);
    if (key)
        add_export(&text, "GOOGLE_APPLICATION_CREDENTIALS", key);
    else
        buf_addz(&text, "unset GOOGLE_APPLICATION_CREDENTIALS\n");
    code c = home_write(u->env_file, buf_str(&text), 0600, e);
    buf_deinit(&text);
    return c;
}
