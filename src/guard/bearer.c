// SPDX-License-Identifier: Apache-2.0
#include "guard/bearer.h"

static const char *name_of(const bearer *b)
{
    return b->serverless ? "X-Serverless-Authorization" : "Authorization";
}

static code several(const bearer *b, err *e)
{
    (void)err_set(e, GUARD_AMBIGUOUS, "the call carries several %s tokens", name_of(b));
    return err_hint(e,
                    "send one header with one token; a client, a script or a proxy adds another");
}

static bool is_unresolved(str value)
{
    return str_chr(value, '{') >= 0 && str_find(value, STR("{{")) >= 0;
}

static code not_bearer(const bearer *b, str value, err *e)
{
    (void)err_set(e, GUARD_SCHEME, "the %s header isn't \"Bearer TOKEN\"", name_of(b));
    if (is_unresolved(value))
        return err_hint(e, "a variable of the collection ({{…}}) wasn't filled in");
    if (jwt_looks_like(value))
        return err_hint(e, "write \"Bearer \" before the token");
    return err_hint(e, "if the application behind wants this header, send the identity in "
                       "X-Serverless-Authorization");
}

static code access_token(err *e)
{
    (void)err_set(e, GUARD_ACCESS_TOKEN,
                  "the token is an access token: those are for Google's "
                  "own APIs");
    return err_hint(e, "an ID token is needed: gatepost token --audience URL");
}

static ssize_t find_blank(str s)
{
    size_t whole = s.len;
    static const char blanks[] = {' ', '\t', '\r', '\n'};
    for (size_t i = 0; i < sizeof blanks; i++) { // tokens are long, and one search each is quick
        ssize_t at = str_chr(s, blanks[i]);
        if (at >= 0)
            s.len = (size_t)at;
    }
    return s.len < whole ? (ssize_t)s.len : -1;
}

code bearer_find(const guard_call *c, bearer *b, err *e)
{
    bool serverless = c->serverless_count > 0;
    const str *values = serverless ? c->serverless : c->authorization;
    size_t count = serverless ? c->serverless_count : c->authorization_count;
    *b = (bearer){.present = count > 0, .serverless = serverless};
    if (count == 0)
        return OK;
    if (count > 1)
        return several(b, e);
    b->header = values[0];
    str value = str_trim(b->header);
    ssize_t blank = find_blank(value);
    if (blank < 0 || !str_ieq(str_sub(value, 0, (size_t)blank), STR("Bearer")) ||
        is_unresolved(value))
        return not_bearer(b, value, e);
    str token = str_trim(str_skip(value, (size_t)blank));
    if (find_blank(token) >= 0 || str_chr(token, ',') >= 0)
        return several(b, e);
    if (str_starts(token, STR("ya29.")) || str_starts(token, STR("1//")))
        return access_token(e);
    b->token = token;
    return OK;
}

str bearer_without_signature(const bearer *b, arena *a)
{
    size_t before = (size_t)(b->token.ptr - b->header.ptr) + (size_t)str_rchr(b->token, '.') + 1;
    return arena_printf(a, STR_FMT "SIGNATURE_REMOVED_BY_GOOGLE",
                        STR_ARG(str_sub(b->header, 0, before)));
}
