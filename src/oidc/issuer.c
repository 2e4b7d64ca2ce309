// SPDX-License-Identifier: Apache-2.0
// The configured issuers.
#include <string.h>

#include "oidc/issuer.h"

#define GOOGLE STR("https://accounts.google.com")

oidc *oidc_new(loop *l, const oidc_options *o)
{
    oidc *made = NEW(oidc);
    made->loop = l;
    if (o)
        made->options = *o;
    arena_init(&made->mem);
    if (!l)
        return made;
    fetch_policy policy = {.private_network = made->options.private_network};
    made->remote = fetch_client_new(l, policy);
    policy.loopback = true;
    made->local = fetch_client_new(l, policy);
    return made;
}

static void issuer_free(void *value)
{
    issuer *i = value;
    keys_stop(i);
    jwk_set_unref(i->keys);
    arena_deinit(&i->mem);
    free(i);
}

void oidc_free(oidc *o)
{
    if (!o)
        return;
    keys_forget_waits(o);
    map_deinit(&o->issuers, issuer_free);
    fetch_client_free(o->remote);
    fetch_client_free(o->local);
    arena_deinit(&o->mem);
    free(o);
}

issuer *issuer_find(const oidc *o, str iss)
{
    issuer *i = map_get(&o->issuers, iss);
    // Google's own verifiers take its name without the scheme too (google-identity.md §5).
    if (!i && str_eq(iss, str_skip(GOOGLE, 8)))
        i = map_get(&o->issuers, GOOGLE);
    return i;
}

bool oidc_knows(const oidc *o, str iss)
{
    return issuer_find(o, iss) != NULL;
}

uint64_t oidc_generation(const oidc *o, str iss)
{
    const issuer *i = issuer_find(o, iss);
    // 0 is nobody's generation: whoever remembers a token comes to oidc_verify with it, which
    // fetches what must be fetched.
    if (!i || !i->keys || (!keys_fresh(i) && keys_may_fetch(i)))
        return 0;
    return i->generation;
}

void oidc_set_keys(oidc *o, str iss, jwk_set *keys)
{
    issuer *i = issuer_find(o, iss);
    if (i && i->in_memory)
        keys_replace(i, keys);
}

// ---- what is accepted ---------------------------------------------------------------------------

code issuer_check_url(const oidc *o, str text, arena *a, uri_url *u, err *e)
{
    if (url_parse(a, text, u, e)) {
        (void)err_set(e, OIDC_CONFIG, "\"%.*s\" isn't a URL", text.len < 256 ? (int)text.len : 256,
                      text.ptr ? text.ptr : "");
        return OIDC_CONFIG;
    }
    bool loopback = host_is_loopback(&u->host);
    if (!str_eq(u->scheme, STR("https")) &&
        !(str_eq(u->scheme, STR("http")) && loopback && o->options.loopback))
        return err_set(e, OIDC_CONFIG, "\"" STR_FMT "\" isn't https", STR_ARG(text));
    if (u->has_userinfo)
        return err_set(e, OIDC_CONFIG, "a URL of an issuer holds no user or password");
    return OK;
}

static code check_name(const oidc *o, str iss, arena *a, uri_url *u, err *e)
{
    if (!iss.len)
        return err_set(e, OIDC_CONFIG, "the issuer is missing");
    code c = issuer_check_url(o, iss, a, u, e);
    if (c == OK && (u->has_query || u->has_fragment))
        c = err_set(e, OIDC_CONFIG, "\"" STR_FMT "\" has a query or a fragment", STR_ARG(iss));
    if (c)
        return err_hint(e, "an issuer is an https URL, exactly as its tokens have it in \"iss\"");
    if (issuer_find(o, iss))
        return err_set(e, OIDC_CONFIG, "the issuer " STR_FMT " is there twice", STR_ARG(iss));
    return OK;
}

static bool owns_all(const oidc_issuer *i)
{
    return i->domain_count && str_eq(i->domains[0], STR("*"));
}

static bool is_google_domain(str domain)
{
    return str_eq(domain, STR("gserviceaccount.com")) ||
           str_ends(domain, STR(".gserviceaccount.com"));
}

// Service accounts are Google's, whatever a configuration says: so that nobody else can name one.
bool issuer_owns(const oidc_issuer *i, str domain)
{
    if (is_google_domain(domain))
        return i->kind == OIDC_GOOGLE;
    if (owns_all(i))
        return true;
    for (size_t d = 0; d < i->domain_count; d++)
        if (str_eq(i->domains[d], domain))
            return true;
    return false;
}

static code check_domain(const oidc_issuer *i, str domain, err *e)
{
    bool all = str_eq(domain, STR("*"));
    if (all && i->domain_count > 1)
        return err_set(e, OIDC_CONFIG, "\"*\" stands for all domains: nothing stands beside it");
    if (!all && (!domain.len || str_chr(domain, '@') >= 0 || str_chr(domain, '*') >= 0 ||
                 domain.ptr[0] == '.')) {
        (void)err_set(e, OIDC_CONFIG, "\"" STR_FMT "\" isn't a domain", STR_ARG(domain));
        return err_hint(e, "write a domain as in the addresses: example.com");
    }
    if (is_google_domain(domain))
        return err_set(e, OIDC_CONFIG,
                       "\"" STR_FMT "\" holds Google's service accounts: nobody is "
                       "given it",
                       STR_ARG(domain));
    return OK;
}

static code check_overlap(const oidc *o, const oidc_issuer *i, err *e)
{
    size_t at = 0;
    str name;
    void *value;
    while (map_next(&o->issuers, &at, &name, &value)) {
        const oidc_issuer *other = &((issuer *)value)->is;
        if (owns_all(i) || owns_all(other)) {
            (void)err_set(e, OIDC_CONFIG,
                          "the issuer " STR_FMT " speaks for all e-mail domains (\"*\"): no other "
                          "can stand beside it",
                          STR_ARG(owns_all(other) ? name : i->issuer));
            return err_hint(e, "list the domains that each issuer owns");
        }
        for (size_t d = 0; d < i->domain_count; d++)
            if (issuer_owns(other, i->domains[d])) {
                (void)err_set(e, OIDC_CONFIG,
                              "the issuers " STR_FMT " and " STR_FMT " both own " STR_FMT,
                              STR_ARG(name), STR_ARG(i->issuer), STR_ARG(i->domains[d]));
                return err_hint(e, "one could name the other's people: give the domain to one");
            }
    }
    return OK;
}

static code take_domains(oidc *o, oidc_issuer *to, err *e)
{
    str *domains = arena_array(&o->mem, to->domain_count, sizeof(*domains));
    for (size_t d = 0; d < to->domain_count; d++) {
        char *text = arena_cstr(&o->mem, to->domains[d]);
        for (char *at = text; *at; at++)
            *at = ascii_lower(*at);
        domains[d] = (str){text, to->domains[d].len};
    }
    to->domains = domains;
    for (size_t d = 0; d < to->domain_count; d++) {
        code c = check_domain(to, domains[d], e);
        if (c)
            return c;
    }
    return check_overlap(o, to, e);
}

static code check_places(const oidc *o, const oidc_issuer *i, arena *a, uri_url *u, err *e)
{
    code c = OK;
    str place = i->jwks_url.len ? i->jwks_url : i->discovery_url;
    if (i->keys)
        return OK;
    if (place.len)
        c = issuer_check_url(o, place, a, u, e);
    if (c == OK && !o->loop)
        c = err_set(e, OIDC_CONFIG, "the keys of " STR_FMT " must be given", STR_ARG(i->issuer));
    return c;
}

code oidc_add(oidc *o, const oidc_issuer *given, err *e)
{
    oidc_issuer is = *given;
    uri_url u;
    code c = check_name(o, is.issuer, &o->mem, &u, e);
    if (c == OK)
        c = take_domains(o, &is, e);
    if (c == OK)
        c = check_places(o, &is, &o->mem, &u, e);
    if (c)
        return c;
    issuer *i = NEW(issuer);
    i->owner = o;
    i->is = is;
    i->is.issuer = arena_str(&o->mem, is.issuer);
    i->is.discovery_url = arena_str(&o->mem, is.discovery_url);
    i->is.jwks_url = arena_str(&o->mem, is.jwks_url);
    i->is.keys = NULL;
    i->in_memory = is.keys != NULL;
    i->is_local = o->options.loopback && host_is_loopback(&u.host);
    i->tried_s = NEVER;
    arena_init(&i->mem);
    if (is.keys)
        keys_replace(i, is.keys);
    map_set(&o->issuers, i->is.issuer, i);
    return OK;
}
