// SPDX-License-Identifier: Apache-2.0
#include "iam/iam.h"

#include <string.h>

const principal principal_anonymous = {.kind = PRINCIPAL_ANONYMOUS};

const char *principal_kind_name(principal_kind k)
{
    switch (k) {
    case PRINCIPAL_ANONYMOUS:
        return "anonymous";
    case PRINCIPAL_USER:
        return "user";
    case PRINCIPAL_SERVICE_ACCOUNT:
        return "service account";
    case PRINCIPAL_WORKFORCE:
        return "workforce identity";
    case PRINCIPAL_WORKLOAD:
        return "workload identity";
    }
    return "unknown";
}

void principal_name(const principal *p, buf *out)
{
    switch (p->kind) {
    case PRINCIPAL_ANONYMOUS:
        buf_addz(out, "allUsers");
        return;
    case PRINCIPAL_USER:
    case PRINCIPAL_SERVICE_ACCOUNT:
        buf_addz(out, p->kind == PRINCIPAL_USER ? "user:" : "serviceAccount:");
        if (p->email.len) {
            buf_adds(out, p->email);
            return;
        }
        // Somebody whose address nobody vouches for: no policy can name them, a trail must.
        buf_addf(out, STR_FMT "#" STR_FMT, STR_ARG(p->issuer), STR_ARG(p->subject));
        return;
    case PRINCIPAL_WORKFORCE:
    case PRINCIPAL_WORKLOAD:
        buf_addf(out, "principal://iam.googleapis.com/" STR_FMT "/subject/" STR_FMT,
                 STR_ARG(p->pool), STR_ARG(p->subject));
        return;
    }
}

code principal_parse(str text, arena *a, principal *p, err *e)
{
    if (str_eq(text, STR("allUsers")) || str_eq(text, STR("anonymous"))) {
        *p = principal_anonymous;
        return OK;
    }
    member m;
    code c = member_parse(text, a, &m, e);
    if (c)
        return c;
    *p = (principal){.email = m.value};
    switch (m.kind) {
    case MEMBER_USER:
        p->kind = PRINCIPAL_USER;
        p->domain = str_skip(m.value, (size_t)str_chr(m.value, '@') + 1);
        return OK;
    case MEMBER_SERVICE_ACCOUNT:
        p->kind = PRINCIPAL_SERVICE_ACCOUNT;
        return OK;
    case MEMBER_SUBJECT:
        p->kind = str_starts(m.pool, STR("locations/")) ? PRINCIPAL_WORKFORCE : PRINCIPAL_WORKLOAD;
        p->email = STR_NONE;
        p->subject = m.value;
        p->pool = m.pool;
        return OK;
    default:
        err_set(e, IAM_MEMBER, "\"" STR_FMT "\" stands for many: it can't call", STR_ARG(text));
        err_hint(e, "name one caller: user:…, serviceAccount:…, principal://… or allUsers");
        return IAM_MEMBER;
    }
}

static const str *copy_list(arena *a, const str *list, size_t count)
{
    str *to = arena_array(a, count, sizeof(*to));
    for (size_t i = 0; i < count; i++)
        to[i] = arena_str(a, list[i]);
    return to;
}

principal *principal_copy(arena *a, const principal *p)
{
    principal *to = ARENA_NEW(a, principal);
    *to = *p;
    str *const texts[] = {&to->email,  &to->domain, &to->subject,
                          &to->issuer, &to->pool,   &to->project_number};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = arena_str(a, *texts[i]);
    to->groups = copy_list(a, p->groups, p->group_count);
    principal_attribute *attributes = arena_array(a, p->attribute_count, sizeof(*attributes));
    for (size_t i = 0; i < p->attribute_count; i++)
        attributes[i] = (principal_attribute){arena_str(a, p->attributes[i].name),
                                              arena_str(a, p->attributes[i].value)};
    to->attributes = attributes;
    return to;
}

bool email_valid(str email)
{
    ssize_t at = str_chr(email, '@');
    if (at <= 0 || at != str_rchr(email, '@') || (size_t)at + 1 == email.len || email.len > 320)
        return false;
    for (size_t i = 0; i < email.len; i++)
        if ((unsigned char)email.ptr[i] <= ' ' || email.ptr[i] == 0x7f ||
            strchr("()<>[]:;,\\\"", email.ptr[i]))
            return false;
    return utf8_valid(email);
}

bool email_is_service_account(str email)
{
    return email_valid(email) && str_iends(email, STR(".gserviceaccount.com"));
}
