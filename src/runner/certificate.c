// SPDX-License-Identifier: Apache-2.0
// Which client certificate a request shows (contracts: Postman §8).
#include "runner/run.h"

static bool scheme_matches(str schemes, str scheme)
{
    str one;
    while (str_next(&schemes, '+', &one))
        if (str_eq(one, STR("*")) || str_ieq(one, scheme))
            return true;
    return false;
}

// "*", "*.example.com" (also example.com itself), or the host.
static bool host_matches(str pattern, const uri_url *u)
{
    if (str_eq(pattern, STR("*")))
        return true;
    if (str_starts(pattern, STR("*.")))
        return u->host.kind == HOST_NAME && host_within(u->host.name, str_skip(pattern, 2));
    if (str_starts(pattern, STR("[")) && str_ends(pattern, STR("]")))
        pattern = str_sub(pattern, 1, pattern.len - 1);
    return str_ieq(pattern, u->host.name);
}

static bool port_matches(str pattern, const uri_url *u)
{
    uint64_t port;
    if (!pattern.len)
        return u->port == scheme_port(u->scheme);
    return str_eq(pattern, STR("*")) || (str_to_u64(pattern, &port) && port == u->port);
}

bool certificate_matches(str pattern, const uri_url *u)
{
    ssize_t at = str_find(pattern, STR("://"));
    if (str_eq(pattern, STR("<all_urls>")))
        return true;
    if (at < 0 || !scheme_matches(str_sub(pattern, 0, (size_t)at), u->scheme))
        return false;
    str rest = str_skip(pattern, (size_t)at + 3);
    ssize_t slash = str_chr(rest, '/');
    str path = slash < 0 ? STR("/*") : str_skip(rest, (size_t)slash);
    str host = slash < 0 ? rest : str_sub(rest, 0, (size_t)slash);
    str port = STR_NONE;
    ssize_t colon = str_rchr(host, ':');
    if (colon > str_rchr(host, ']')) { // not one of an IPv6 address
        port = str_skip(host, (size_t)colon + 1);
        host = str_sub(host, 0, (size_t)colon);
    }
    return host_matches(host, u) && port_matches(port, u) && str_glob(path, u->path);
}

static bool is_for(const run_certificate *c, const uri_url *u)
{
    for (size_t i = 0; i < c->match_count; i++)
        if (certificate_matches(c->matches[i], u))
            return true;
    return false;
}

void certificate_choose(const runner *r, const uri_url *u, fetch_tls *tls)
{
    if (!str_eq(u->scheme, STR("https")))
        return;
    for (size_t i = 0; i < r->o.certificate_count; i++) {
        const run_certificate *c = &r->o.certificates[i];
        if (!is_for(c, u))
            continue;
        tls->cert_file = c->cert_file;
        tls->key_file = c->key_file;
        tls->key_password = c->key_password;
        tls->cert_p12 = c->p12;
        return;
    }
}
