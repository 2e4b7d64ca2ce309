// SPDX-License-Identifier: Apache-2.0
// What the claims of a verified token make of its bearer (threats 21, 47).
#include "data/data.h"
#include "oidc/issuer.h"

static str claim(const jwt *t, const char *name)
{
    return json_str_or(json_get(t->claims, name), STR_NONE);
}

static str lower(arena *a, str s)
{
    char *text = arena_cstr(a, s);
    for (size_t i = 0; i < s.len; i++)
        text[i] = ascii_lower(text[i]);
    return (str){text, s.len};
}

str oidc_quoted(str text, arena *a)
{
    buf clean;
    buf_init(&clean, 2 * JWT_BYTES_MAX);
    jose_redact(text, &clean); // before the cut: half a token isn't seen as one
    str kept = arena_str(a, str_sub(buf_str(&clean), 0, 256));
    buf_deinit(&clean);
    return kept;
}

static str domain_of(str email)
{
    return str_skip(email, (size_t)(str_rchr(email, '@') + 1));
}

// Some providers write the boolean as a string.
static bool is_verified(const jwt *t)
{
    const json *v = json_get(t->claims, "email_verified");
    return json_bool_or(v, false) || json_is_str(v, "true");
}

// The address, in lower case, if the issuer may say it; else empty.
static str believed_email(const jwt *t, const oidc_issuer *i, arena *a)
{
    str email = claim(t, "email");
    if (!is_verified(t) || !email_valid(email))
        return STR_NONE;
    email = lower(a, email);
    return issuer_owns(i, domain_of(email)) ? email : STR_NONE;
}

// Without an address: a person's token is made for an OAuth client, which `azp` names; a service
// account's has its own number there (google-identity.md §1).
static principal_kind google_kind(const jwt *t, str email)
{
    bool is_account = email.len ? email_is_service_account(email)
                                : !str_ends(claim(t, "azp"), STR(".apps.googleusercontent.com"));
    return is_account ? PRINCIPAL_SERVICE_ACCOUNT : PRINCIPAL_USER;
}

static bool owns_by_name(const oidc_issuer *i, str domain)
{
    return issuer_owns(i, domain) && !str_eq(i->domains[0], STR("*"));
}

// The domain that manages the person. Google says so (`hd`); another issuer does by owning it.
static str managed_domain(const jwt *t, const oidc_issuer *i, const principal *p, arena *a)
{
    str domain = i->kind == OIDC_GOOGLE ? lower(a, claim(t, "hd")) : domain_of(p->email);
    bool owned = i->kind == OIDC_GOOGLE ? issuer_owns(i, domain) : owns_by_name(i, domain);
    return domain.len && owned ? domain : STR_NONE;
}

void oidc_principal(const jwt *t, const oidc_issuer *i, arena *a, principal *p)
{
    *p = (principal){.kind = PRINCIPAL_USER, .subject = t->subject, .issuer = i->issuer};
    p->email = believed_email(t, i, a);
    if (i->kind == OIDC_GOOGLE)
        p->kind = google_kind(t, p->email);
    if (p->kind == PRINCIPAL_USER)
        p->domain = managed_domain(t, i, p, a);
}
