// SPDX-License-Identifier: Apache-2.0
// What a secret looks like: by its own shape, or by the name that it is given.
#include "jose/jose.h"
#include "postman/lint.h"
#include "postman/postman.h"

// "tokenType", "addTokenTo", "secretName": of a secret, but not itself one.
static bool is_about_secrets(str name)
{
    static const char *const ends[] = {"type", "name", "hint", "use", "to", "url", "encoded"};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        if (str_iends(name, str_from(ends[i])))
            return true;
    return str_ieq(name, STR("Postman-Token")); // a number of the request
}

static bool is_secret_name(str name)
{
    static const char *const words[] = {"password",    "passwd",     "secret",    "token",
                                        "apikey",      "api_key",    "api-key",   "privatekey",
                                        "private_key", "access_key", "credential"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_ifind(name, str_from(words[i])) >= 0)
            return !is_about_secrets(name);
    return str_iends(name, STR("authorization")); // a header, whatever its scheme
}

// A value that stands for itself: no template, no <fill me in>.
static bool is_literal(str value)
{
    return value.len && str_find(value, STR("{{")) < 0 && value.ptr[0] != '<' &&
           value.ptr[0] != '$' && str_find(value, STR("***")) < 0;
}

bool pm_is_secret(str name, str value)
{
    enum { SHORTEST = 6 };
    return value.len >= SHORTEST && is_literal(value) && !str_starts(value, STR("http")) &&
           is_secret_name(name);
}

static bool is_token_char(char c)
{
    return ascii_is_alnum(c) || c == '_' || c == '-';
}

// Keys of clouds and services that begin with their maker's mark.
static bool has_marked_key(str text)
{
    static const struct {
        const char *mark;
        size_t more; // characters behind it, at least
    } rows[] = {{"AKIA", 16},  {"ASIA", 16},  {"AIza", 35},   {"ghp_", 30},
                {"gho_", 30},  {"ghs_", 30},  {"ghu_", 30},   {"github_pat_", 30},
                {"xoxb-", 10}, {"xoxp-", 10}, {"glpat-", 20}, {"sk_live_", 16}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        str rest = text, mark = str_from(rows[i].mark);
        for (ssize_t at; (at = str_find(rest, mark)) >= 0;) {
            bool begins = !at || !is_token_char(rest.ptr[at - 1]);
            rest = str_skip(rest, (size_t)at + mark.len);
            size_t n = 0;
            while (n < rest.len && is_token_char(rest.ptr[n]))
                n++;
            if (begins && n >= rows[i].more)
                return true;
        }
    }
    return false;
}

// "postgres://u:p@h"
static bool has_userinfo(str text)
{
    for (ssize_t at; (at = str_find(text, STR("://"))) >= 0;) {
        str user, password;
        text = str_skip(text, (size_t)at + 3);
        size_t n = 0;
        while (n < text.len && text.ptr[n] > ' ' && !strchr("/?#\"'`<>\\", text.ptr[n]))
            n++;
        str authority = str_sub(text, 0, n);
        ssize_t end = str_rchr(authority, '@');
        if (end > 0 && str_cut(str_sub(authority, 0, (size_t)end), ':', &user, &password) &&
            is_literal(password))
            return true;
    }
    return false;
}

bool pm_has_secret_shape(str text)
{
    buf rest;
    buf_init(&rest, PM_TEXT_BYTES_MAX);
    bool shape = jose_redact(text, &rest);
    buf_deinit(&rest);
    return shape || has_marked_key(text) || has_userinfo(text);
}

// "?api_key=k-1234567&": the name before an '=' and the value behind it. Returns where that ends.
static size_t form_pair(str text, size_t at, str *ret_name, str *ret_value)
{
    size_t begin = at, end = at + 1;
    while (begin && is_token_char(text.ptr[begin - 1]))
        begin--;
    while (end < text.len && text.ptr[end] > ' ' && !strchr("&;#\"'", text.ptr[end]))
        end++;
    *ret_name = str_sub(text, begin, at);
    *ret_value = str_sub(text, at + 1, end);
    return end;
}

// {"password": "hunter22"}: the name before a ':' and the value behind it.
static size_t json_pair(str text, size_t at, str *ret_name, str *ret_value)
{
    size_t end = at, begin;
    *ret_name = *ret_value = STR_NONE;
    while (end && ascii_is_blank(text.ptr[end - 1]))
        end--;
    if (!end || text.ptr[end - 1] != '"')
        return at + 1;
    for (begin = --end; begin && is_token_char(text.ptr[begin - 1]);)
        begin--;
    str rest = str_skip(text, at + 1);
    while (rest.len && ascii_is_blank(rest.ptr[0]))
        rest = str_skip(rest, 1);
    ssize_t close = rest.len && rest.ptr[0] == '"' ? str_chr(str_skip(rest, 1), '"') : -1;
    if (close > 0) {
        *ret_name = str_sub(text, begin, end);
        *ret_value = str_sub(rest, 1, (size_t)close + 1);
    }
    return at + 1;
}

str pm_named_secret(str text)
{
    for (size_t at = 0; at < text.len;) {
        str name = STR_NONE, value = STR_NONE;
        if (text.ptr[at] == '=')
            at = form_pair(text, at, &name, &value);
        else if (text.ptr[at] == ':')
            at = json_pair(text, at, &name, &value);
        else
            at++;
        if (name.len && pm_is_secret(name, value))
            return name;
    }
    return STR_NONE;
}
