// SPDX-License-Identifier: Apache-2.0
// Members of a binding: every form that contract policy.md lists, and no other.
#include <string.h>

#include "iam/iam.h"

static str lower(arena *a, str s)
{
    char *to = arena_cstr(a, s);
    for (size_t i = 0; i < s.len; i++)
        to[i] = ascii_lower(to[i]);
    return (str){to, s.len};
}

static code unknown(str text, err *e)
{
    return err_set(e, IAM_MEMBER, "\"%.*s\" isn't a member", text.len < 256 ? (int)text.len : 256,
                   text.ptr ? text.ptr : "");
}

// ---- e-mail and domain forms

static const struct {
    str prefix;
    member_kind kind;
} address_forms[] = {
    {{"user:", 5}, MEMBER_USER},
    {{"serviceAccount:", 15}, MEMBER_SERVICE_ACCOUNT},
    {{"group:", 6}, MEMBER_GROUP},
    {{"domain:", 7}, MEMBER_DOMAIN},
};

static bool domain_valid(str d)
{
    if (!d.len || d.len > 253 || str_chr(d, '.') < 0 || d.ptr[0] == '.' || d.ptr[d.len - 1] == '.')
        return false;
    for (size_t i = 0; i < d.len; i++)
        if (!ascii_is_alnum(d.ptr[i]) && d.ptr[i] != '-' && d.ptr[i] != '.')
            return false;
    return str_find(d, STR("..")) < 0;
}

static code parse_address(member_kind kind, str value, arena *a, member *m, err *e)
{
    m->kind = kind;
    m->value = lower(a, value);
    bool good = kind == MEMBER_DOMAIN ? domain_valid(value) : email_valid(value);
    if (good)
        return OK;
    unknown(m->text, e);
    err_hint(e, kind == MEMBER_DOMAIN ? "write domain:example.com"
                                      : "one e-mail address must follow the colon");
    return IAM_MEMBER;
}

// ---- federated forms: principal:// and principalSet://

#define IAM_HOST STR("iam.googleapis.com/")
#define PROJECTS_HOST STR("cloudresourcemanager.googleapis.com/projects/")

// Takes "locations/global/workforcePools/P/" or "projects/N/locations/global/
// workloadIdentityPools/P/" off the front.
static bool cut_pool(str *rest, str *ret_pool)
{
    str at = *rest, number, pool;
    if (str_starts(at, STR("projects/"))) {
        uint64_t n;
        at = str_skip(at, 9);
        if (!str_cut(at, '/', &number, &at) || !str_to_u64(number, &n) ||
            !str_starts(at, STR("locations/global/workloadIdentityPools/")))
            return false;
        at = str_skip(at, 39);
    } else if (str_starts(at, STR("locations/global/workforcePools/"))) {
        at = str_skip(at, 32);
    } else {
        return false;
    }
    if (!str_cut(at, '/', &pool, &at) || !pool.len)
        return false;
    *ret_pool = (str){rest->ptr, (size_t)(at.ptr - rest->ptr) - 1};
    *rest = at;
    return true;
}

static bool parse_set(str rest, member *m)
{
    if (str_eq(rest, STR("*"))) {
        m->kind = MEMBER_POOL;
        return true;
    }
    if (str_starts(rest, STR("group/"))) {
        m->kind = MEMBER_POOL_GROUP;
        m->value = str_skip(rest, 6);
        return m->value.len > 0;
    }
    if (!str_starts(rest, STR("attribute.")))
        return false;
    m->kind = MEMBER_POOL_ATTRIBUTE;
    return str_cut(str_skip(rest, 10), '/', &m->name, &m->value) && m->name.len && m->value.len;
}

static bool parse_project_accounts(str rest, member *m)
{
    uint64_t n;
    str tail;
    m->kind = MEMBER_PROJECT_ACCOUNTS;
    return str_cut(rest, '/', &m->value, &tail) && str_to_u64(m->value, &n) &&
           str_eq(tail, STR("type/ServiceAccount"));
}

static code parse_federated(str text, member *m, err *e)
{
    bool set = str_starts(text, STR("principalSet://"));
    str rest = str_skip(text, set ? 15 : 12);
    bool good = false;
    if (set && str_starts(rest, PROJECTS_HOST)) {
        good = parse_project_accounts(str_skip(rest, PROJECTS_HOST.len), m);
    } else if (str_starts(rest, IAM_HOST)) {
        rest = str_skip(rest, IAM_HOST.len);
        good = cut_pool(&rest, &m->pool);
        if (good && set) {
            good = parse_set(rest, m);
        } else if (good) {
            m->kind = MEMBER_SUBJECT;
            good = str_starts(rest, STR("subject/")) && rest.len > 8;
            m->value = str_skip(rest, 8);
        }
    }
    if (good)
        return OK;
    unknown(text, e);
    err_hint(e, "write principal://iam.googleapis.com/POOL/subject/S or principalSet://"
                "iam.googleapis.com/POOL/{group/G, attribute.NAME/VALUE, *}, where POOL is "
                "locations/global/workforcePools/P or projects/NUMBER/locations/global/"
                "workloadIdentityPools/P");
    return IAM_MEMBER;
}

// ---- all forms

static bool is_deleted(str text)
{
    static const char *const after[] = {"user:", "serviceAccount:", "group:", "principal://",
                                        "principalSet://"};
    str rest = str_skip(text, 8);
    for (size_t i = 0; i < ARRAY_LEN(after); i++)
        if (str_starts(rest, str_from(after[i])) && rest.len > strlen(after[i]))
            return true;
    return false;
}

static void hint_prefix(str text, err *e)
{
    if (email_is_service_account(text))
        err_hint(e, "write serviceAccount:" STR_FMT, STR_ARG(text));
    else if (email_valid(text) && text.len < 256 && str_chr(text, ':') < 0)
        err_hint(e, "write user:" STR_FMT " or group:" STR_FMT, STR_ARG(text), STR_ARG(text));
    else
        err_hint(e, "a member is allUsers, allAuthenticatedUsers, user:, serviceAccount:, group:, "
                    "domain:, principal:// or principalSet://, as written here");
}

code member_parse(str text, arena *a, member *m, err *e)
{
    *m = (member){.text = arena_str(a, text)};
    text = m->text;
    for (size_t i = 0; i < ARRAY_LEN(address_forms); i++)
        if (str_starts(text, address_forms[i].prefix))
            return parse_address(address_forms[i].kind, str_skip(text, address_forms[i].prefix.len),
                                 a, m, e);
    if (str_starts(text, STR("principal://")) || str_starts(text, STR("principalSet://")))
        return parse_federated(text, m, e);
    if (str_starts(text, STR("deleted:")) && is_deleted(text)) {
        m->kind = MEMBER_DELETED;
        return OK;
    }
    if (str_eq(text, STR("allUsers")) || str_eq(text, STR("allAuthenticatedUsers"))) {
        m->kind = text.len == 8 ? MEMBER_ALL_USERS : MEMBER_ALL_AUTHENTICATED;
        return OK;
    }
    unknown(text, e);
    hint_prefix(text, e);
    return IAM_MEMBER;
}

// ---- matching

static bool in_pool(const member *m, const principal *p)
{
    return (p->kind == PRINCIPAL_WORKFORCE || p->kind == PRINCIPAL_WORKLOAD) &&
           str_eq(m->pool, p->pool);
}

static bool in_group(const member *m, const principal *p)
{
    for (size_t i = 0; i < p->group_count; i++)
        if (str_eq(m->value, p->groups[i]))
            return true;
    return false;
}

static bool has_attribute(const member *m, const principal *p)
{
    for (size_t i = 0; i < p->attribute_count; i++)
        if (str_eq(m->name, p->attributes[i].name) && str_eq(m->value, p->attributes[i].value))
            return true;
    return false;
}

// An address names its kind too: a person isn't a service account of the same address.
static bool is_address(const member *m, const principal *p, member_kind kind)
{
    return m->kind == kind && p->email.len && str_eq(m->value, p->email);
}

// What Google's own accounts are named by.
static bool matches_account(const member *m, const principal *p)
{
    if (p->kind == PRINCIPAL_USER)
        return m->kind == MEMBER_DOMAIN ? p->domain.len && str_eq(m->value, p->domain)
                                        : is_address(m, p, MEMBER_USER);
    if (p->kind == PRINCIPAL_SERVICE_ACCOUNT)
        return m->kind == MEMBER_PROJECT_ACCOUNTS
                   ? p->project_number.len && str_eq(m->value, p->project_number)
                   : is_address(m, p, MEMBER_SERVICE_ACCOUNT);
    return false;
}

// What identities of a pool are named by.
static bool matches_federated(const member *m, const principal *p)
{
    if (m->kind == MEMBER_SUBJECT)
        return str_eq(m->value, p->subject);
    if (m->kind == MEMBER_POOL_GROUP)
        return in_group(m, p);
    return m->kind == MEMBER_POOL || (m->kind == MEMBER_POOL_ATTRIBUTE && has_attribute(m, p));
}

bool member_matches(const member *m, const principal *p, bool authenticated)
{
    if (m->kind == MEMBER_ALL_USERS)
        return true;
    if (m->kind == MEMBER_DELETED || p->kind == PRINCIPAL_ANONYMOUS)
        return false;
    if (m->pool.len)
        return in_pool(m, p) && matches_federated(m, p);
    if (p->kind != PRINCIPAL_USER && p->kind != PRINCIPAL_SERVICE_ACCOUNT)
        return false;
    if (m->kind == MEMBER_ALL_AUTHENTICATED)
        return authenticated;
    return m->kind == MEMBER_GROUP ? in_group(m, p) : matches_account(m, p);
}

// ---- near misses

static bool names_address(const member *m, str email)
{
    return email.len &&
           (m->kind == MEMBER_USER || m->kind == MEMBER_SERVICE_ACCOUNT ||
            m->kind == MEMBER_GROUP) &&
           str_eq(m->value, email);
}

bool member_near_miss(const member *m, const principal *p, buf *out)
{
    str email_domain = str_skip(p->email, (size_t)(str_chr(p->email, '@') + 1));
    bool federated = p->kind == PRINCIPAL_WORKFORCE || p->kind == PRINCIPAL_WORKLOAD;
    if (names_address(m, p->email))
        buf_addf(out, "the caller is a %s, the member names another kind",
                 principal_kind_name(p->kind));
    else if (m->kind == MEMBER_DELETED && p->email.len && str_ifind(m->text, p->email) >= 0)
        buf_addz(out, "the member is a deleted account of that name: an account made anew must be "
                      "granted anew");
    else if (m->kind == MEMBER_DOMAIN && p->email.len && str_eq(m->value, email_domain))
        buf_addz(out, "the address is of the domain, but the issuer doesn't vouch that the domain "
                      "manages it");
    else if (m->kind == MEMBER_SUBJECT && federated && str_eq(m->value, p->subject))
        buf_addz(out, "the subject is the same, the pool is another");
    else if (m->kind == MEMBER_ALL_AUTHENTICATED && federated)
        buf_addz(out, "allAuthenticatedUsers doesn't cover federated identities");
    else
        return false;
    return true;
}
