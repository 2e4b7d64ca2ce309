// SPDX-License-Identifier: Apache-2.0
// The forward proxy of `gatepost connect`: for programs that can be given a proxy, but no other
// URL. To add an identity inside TLS it must end TLS, in the name of the chosen services and no
// other.
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cloudrun/cloudrun_proxy.h"
#include "cmd/connect.h"
#include "uri/uri.h"

enum { PEM_BYTES_MAX = 64 << 10 };

struct connect_proxy {
    tls_authority *authority;
    proxy *proxy;
    VEC(proxy_route) routes;
    VEC(str) names;
    str ca_file;
};

static void adopt(void *connect, stream *s, tls_context *tls)
{
    gate_connect_adopt(connect, s, tls);
}

// ---- the hosts ----------------------------------------------------------------------------------

static bool has_name(const connect_proxy *p, str name)
{
    VEC_FOREACH (&p->names, one) {
        if (str_eq(*one, name))
            return true;
    }
    return false;
}

static code add_hosts(connect_proxy *p, const connect_services *services, gate_connect *port,
                      arena *a, err *e)
{
    VEC_FOREACH (services, one) {
        uri_url u;
        if (url_parse(a, one->url, &u, e))
            return e->code;
        if (!str_eq(u.scheme, STR("https")) || u.host.kind != HOST_NAME)
            continue;
        const proxy_route route = {
            .host = u.host.name, .port = u.port, .adopt = adopt, .server = port};
        vec_push(&p->routes, route);
        if (!has_name(p, u.host.name))
            vec_push(&p->names, u.host.name);
    }
    if (p->names.len)
        return OK;
    (void)err_set(e, OPTION_INVALID, "--forward-proxy: none of the services has an https URL");
    return err_hint(e, "call the port itself, or name a service by its run.app URL");
}

// ---- the authority: made once for the same hosts
// -------------------------------------------------

// "connect-ca-1f2e3d4c5b6a"
static const char *file_stem(const connect_proxy *p, arena *a)
{
    char hex[HOME_HASH_MAX];
    buf all;
    buf_init(&all, 64 << 10);
    VEC_FOREACH (&p->names, name)
        buf_addf(&all, STR_FMT "\n", STR_ARG(*name));
    home_hash(buf_str(&all), hex);
    buf_deinit(&all);
    return arena_printf(a, "connect-ca-%.12s", hex).ptr;
}

static code save(const connect_proxy *p, const char *key_file, const char *stem, arena *a, err *e)
{
    buf pem;
    buf_init(&pem, PEM_BYTES_MAX);
    pem.secret = true;
    tls_authority_save(p->authority, &pem);
    code c = home_write(key_file, buf_str(&pem), 0600, e);
    buf_deinit(&pem);
    if (c)
        return c;
    return home_write_in(HOME_STATE, arena_printf(a, "%s.pem", stem).ptr,
                         tls_authority_pem(p->authority), e);
}

static code open_authority(connect_proxy *p, arena *a, err *e)
{
    const tls_authority_options o = {.title = "gatepost connect",
                                     .names = p->names.ptr,
                                     .name_count = p->names.len,
                                     .alpn = "h2,http/1.1"};
    const char *dir, *stem = file_stem(p, a);
    struct stat st;
    str saved;
    if (home_path(HOME_STATE, true, a, &dir, e))
        return e->code;
    const char *key_file = arena_printf(a, "%s/%s.key", dir, stem).ptr;
    p->ca_file = arena_printf(a, "%s/%s.pem", dir, stem);
    bool own = lstat(key_file, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
               !(st.st_mode & 077);
    if (own && file_read(a, key_file, PEM_BYTES_MAX, &saved, e))
        return e->code;
    bool kept = own && tls_authority_load(&o, saved, &p->authority, NULL) == OK;
    if (own)
        explicit_bzero((char *)(uintptr_t)saved.ptr, saved.len);
    if (kept)
        return OK;
    p->authority = tls_authority_new(&o);
    return save(p, key_file, stem, a, e);
}

// ---- life ---------------------------------------------------------------------------------------

code connect_proxy_new(loop *l, const connect_services *services, gate_connect *port,
                       const connect_proxy_options *o, connect_proxy **ret_proxy, err *e)
{
    connect_proxy *p = NEW(connect_proxy);
    *ret_proxy = p;
    if (add_hosts(p, services, port, o->mem, e) || open_authority(p, o->mem, e))
        return e->code;
    const proxy_options po = {.authority = p->authority,
                              .routes = p->routes.ptr,
                              .route_count = p->routes.len,
                              .policy = FETCH_POLICY_PEOPLE,
                              .port = o->port};
    return proxy_new(l, &po, &p->proxy, e);
}

uint16_t connect_proxy_port(const connect_proxy *p)
{
    return proxy_port(p->proxy);
}

str connect_proxy_ca(const connect_proxy *p)
{
    return p->ca_file;
}

void connect_proxy_text(const connect_proxy *p, buf *out)
{
    buf_addf(out, "\nProxy: http://127.0.0.1:%u for HTTPS, with this CA:\n  " STR_FMT "\n",
             (unsigned)proxy_port(p->proxy), STR_ARG(p->ca_file));
    buf_addz(out, "  Whoever trusts it lets this machine speak for these hosts, and no other can "
                  "be\n  spoken for: the CA itself is limited to them.\n");
    VEC_FOREACH (&p->names, name)
        buf_addf(out, "    " STR_FMT "\n", STR_ARG(*name));
    buf_addf(out,
             "  Postman: Settings > Proxy > a custom proxy for HTTPS; Certificates > CA "
             "certificates.\n"
             "  curl --proxy http://127.0.0.1:%u --cacert FILE https://" STR_FMT "/\n"
             "  To take the trust back, remove it there; deleting the CA's two files makes a new "
             "one.\n",
             (unsigned)proxy_port(p->proxy), STR_ARG(p->names.ptr[0]));
}

void connect_proxy_free(connect_proxy *p)
{
    if (!p)
        return;
    proxy_free(p->proxy);
    tls_authority_free(p->authority);
    vec_deinit(&p->routes);
    vec_deinit(&p->names);
    free(p);
}
