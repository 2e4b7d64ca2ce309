// SPDX-License-Identifier: Apache-2.0
// Network failures in the words of Node's programs: people and tools know them from newman.
#include <string.h>

#include "runner/run.h"

static const char *certificate_text(const char *name)
{
    static const char *const texts[][2] = {
        {"CERT_HAS_EXPIRED", "certificate has expired"},
        {"CERT_NOT_YET_VALID", "certificate is not yet valid"},
        {"CERT_REVOKED", "certificate revoked"},
        {"CERT_UNTRUSTED", "certificate not trusted"},
        {"DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed certificate"},
        {"SELF_SIGNED_CERT_IN_CHAIN", "self-signed certificate in certificate chain"},
        {"UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "unable to get local issuer certificate"},
        {"UNABLE_TO_VERIFY_LEAF_SIGNATURE", "unable to verify the first certificate"},
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (!strcmp(name, texts[i][0]))
            return texts[i][1];
    return NULL;
}

// "connect ECONNREFUSED 127.0.0.1:1": where the last attempt went. localhost ends with IPv4.
static str connect_text(arena *a, const char *name, const uri_url *u)
{
    str host =
        host_is_loopback(&u->host) && u->host.kind == HOST_NAME ? STR("127.0.0.1") : u->host.name;
    return arena_printf(a, "connect %s " STR_FMT ":%u", name, STR_ARG(host), u->port);
}

str run_failure_message(arena *a, const char *name, const uri_url *u, const err *e)
{
    static const char *const connecting[] = {"ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH",
                                             "EADDRNOTAVAIL"};
    const char *text = certificate_text(name);
    if (text)
        return str_from(text);
    if (e->code == FETCH_CONNECT && u->host.name.len)
        for (size_t i = 0; i < ARRAY_LEN(connecting); i++)
            if (!strcmp(name, connecting[i]))
                return connect_text(a, name, u);
    if (e->code == FETCH_RESOLVE)
        return arena_printf(a, "getaddrinfo %s " STR_FMT, name, STR_ARG(u->host.name));
    if (e->code == FETCH_TIMEOUT)
        return str_from(name);
    if (!strcmp(name, "ECONNRESET") && e->code == FETCH_PROTOCOL)
        return STR("socket hang up");
    return arena_str(a, str_from(e->msg));
}
