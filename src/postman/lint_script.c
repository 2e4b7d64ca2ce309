// SPDX-License-Identifier: Apache-2.0
// What scripts give away about themselves. This reads text, not JavaScript: enough to tell the
// scripts that people paste from each other.
#include "postman/lint.h"

bool pm_mints_tokens(str source)
{
    static const char *const marks[] = {
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer",
        "oauth2.googleapis.com/token",
        "googleapis.com/oauth2/v4/token",
        "accounts.google.com/o/oauth2/token",
        "sts.googleapis.com",
        "iamcredentials.googleapis.com",
        "metadata.google.internal",
    };
    for (size_t i = 0; i < ARRAY_LEN(marks); i++)
        if (str_find(source, str_from(marks[i])) >= 0)
            return true;
    return false;
}

str pm_script_text(arena *a, const json *event)
{
    const json *exec = json_get(json_get(event, "script"), "exec");
    if (!json_is(exec, JSON_ARRAY))
        return json_str_or(exec, STR(""));
    buf b;
    buf_init(&b, PM_TEXT_BYTES_MAX);
    JSON_EACH (exec, line) {
        buf_adds(&b, json_str_or(line, STR("")));
        buf_addc(&b, '\n');
    }
    str text = arena_str(a, buf_str(&b));
    buf_deinit(&b);
    return text;
}

// The end of what begins at `at` and ends with its own quote on the line ('`': on any).
static size_t literal_end(str s, size_t at)
{
    char quote = s.ptr[at];
    bool class = false; // [/] ends no regular expression
    for (at++; at < s.len && (s.ptr[at] != '\n' || quote == '`'); at++) {
        if (s.ptr[at] == quote && !class)
            return at + 1;
        if (quote == '/')
            class = s.ptr[at] == '[' || (class && s.ptr[at] != ']');
        at += s.ptr[at] == '\\';
    }
    return at < s.len ? at : s.len;
}

// Behind a value a slash divides.
static bool is_value_end(char c)
{
    return ascii_is_alnum(c) || c == ')' || c == ']' || c == '}' || c == '_' || c == '$' ||
           c == '\'' || c == '"' || c == '`';
}

str pm_script_code(arena *a, str source)
{
    buf b;
    buf_init(&b, PM_TEXT_BYTES_MAX);
    char last = 0; // before this, and no blank
    for (size_t at = 0, end; at < source.len; at = end) {
        str rest = str_skip(source, at);
        char c = source.ptr[at];
        bool block = str_starts(rest, STR("/*"));
        end = at + 1;
        if (block || str_starts(rest, STR("//"))) {
            ssize_t len = str_find(rest, block ? STR("*/") : STR("\n"));
            end = len < 0 ? source.len : at + (size_t)len + (block ? 2 : 0);
            continue;
        }
        if (c == '\'' || c == '"' || c == '`' || (c == '/' && !is_value_end(last)))
            end = literal_end(source, at);
        buf_adds(&b, str_sub(source, at, end));
        if (!ascii_is_blank(c))
            last = source.ptr[end - 1];
    }
    str bare = arena_str(a, buf_str(&b));
    buf_deinit(&b);
    return bare;
}

// 'name' or "name" or `name` at the beginning, behind blanks.
static bool quoted(str text, str *ret_name)
{
    while (text.len && ascii_is_blank(text.ptr[0]))
        text = str_skip(text, 1);
    if (text.len < 2 || (text.ptr[0] != '\'' && text.ptr[0] != '"' && text.ptr[0] != '`'))
        return false;
    ssize_t end = str_chr(str_skip(text, 1), text.ptr[0]);
    if (end <= 0)
        return false;
    *ret_name = str_sub(text, 1, (size_t)end + 1);
    return true;
}

bool pm_next_set_variable(str *rest, str *ret_name)
{
    static const char *const calls[] = {".set", "setEnvironmentVariable", "setGlobalVariable"};
    for (ssize_t open; (open = str_chr(*rest, '(')) >= 0;) {
        str before = str_sub(*rest, 0, (size_t)open);
        *rest = str_skip(*rest, (size_t)open + 1);
        for (size_t i = 0; i < ARRAY_LEN(calls); i++)
            if (str_ends(before, str_from(calls[i])) && quoted(*rest, ret_name))
                return true;
    }
    *rest = STR_NONE;
    return false;
}

bool pm_next_quoted(str text, char quote, size_t *from, str *ret_name)
{
    str rest = str_skip(text, *from);
    ssize_t begin = str_chr(rest, quote);
    ssize_t len = begin < 0 ? -1 : str_chr(str_skip(rest, (size_t)begin + 1), quote);
    if (len < 0)
        return false;
    *ret_name = str_sub(rest, (size_t)begin + 1, (size_t)(begin + 1 + len));
    *from += (size_t)(begin + 1 + len); // the closing quote may open the next
    return true;
}

bool pm_is_key(str value)
{
    return str_find(value, STR("-----BEGIN ")) >= 0 &&
           str_find(value, STR("PRIVATE KEY-----")) >= 0;
}
