// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <time.h>

#include "uri/uri.h"

enum { COOKIE_MAX_BYTES = 8 * 1024 };

// ---- Dates (RFC 6265 §5.1.1): any order, anything between

typedef struct date {
    int hour, minute, second, day, month, year;
    bool has_time, has_day, has_month, has_year;
} date;

static bool delimiter(char c)
{
    return !ascii_is_alnum(c) && c != ':' && (unsigned char)c < 0x80;
}

// Up to `most` digits at the start; how many there were.
static size_t digits(str s, size_t most, int *ret_value)
{
    size_t n = 0;
    *ret_value = 0;
    while (n < s.len && n < most && ascii_is_digit(s.ptr[n]))
        *ret_value = *ret_value * 10 + (s.ptr[n++] - '0');
    if (n < s.len && ascii_is_digit(s.ptr[n]))
        return 0; // longer than it may be
    return n;
}

static bool read_time(str token, date *d)
{
    int *parts[] = {&d->hour, &d->minute, &d->second};
    for (int i = 0; i < 3; i++) {
        size_t n = digits(token, 2, parts[i]);
        token = str_skip(token, n);
        if (n == 0 || (i < 2 && (token.len == 0 || token.ptr[0] != ':')))
            return false;
        token = str_skip(token, i < 2);
    }
    return true;
}

static bool read_month(str token, date *d)
{
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    for (int i = 0; token.len >= 3 && i < 12; i++) {
        if (!str_istarts(token, (str){names + i * 3, 3}))
            continue;
        d->month = i + 1;
        return true;
    }
    return false;
}

static void read_token(str token, date *d)
{
    int value = 0;
    size_t n;
    if (!d->has_time && read_time(token, d))
        d->has_time = true;
    else if (!d->has_day && digits(token, 2, &value) >= 1)
        d->has_day = true, d->day = value;
    else if (!d->has_month && read_month(token, d))
        d->has_month = true;
    else if (!d->has_year && (n = digits(token, 4, &value)) >= 2)
        d->has_year = true, d->year = value + (n == 2 ? (value < 70 ? 2000 : 1900) : 0);
}

bool cookie_date(str text, int64_t *ret_s)
{
    date d = {0};
    for (size_t i = 0; i < text.len;) {
        size_t start = i;
        while (i < text.len && !delimiter(text.ptr[i]))
            i++;
        if (i > start)
            read_token(str_sub(text, start, i), &d);
        else
            i++;
    }
    if (!d.has_time || !d.has_day || !d.has_month || !d.has_year || d.day < 1 || d.day > 31 ||
        d.year < 1601 || d.hour > 23 || d.minute > 59 || d.second > 59)
        return false;
    struct tm tm = {.tm_year = d.year - 1900,
                    .tm_mon = d.month - 1,
                    .tm_mday = d.day,
                    .tm_hour = d.hour,
                    .tm_min = d.minute,
                    .tm_sec = d.second};
    *ret_s = timegm(&tm);
    return tm.tm_mday == d.day; // no 31st of February
}

// ---- Set-Cookie (§5.2)

static str lower(arena *a, str s)
{
    char *copy = arena_cstr(a, s);
    for (size_t i = 0; i < s.len; i++)
        copy[i] = ascii_lower(copy[i]);
    return (str){copy, s.len};
}

// Max-Age wins over Expires; a malformed one is as if it weren't there.
static void max_age(str value, int64_t now_s, uri_cookie *c, bool *has_max_age)
{
    int64_t age = 0;
    str number = str_starts(value, STR("-")) ? str_skip(value, 1) : value;
    for (size_t i = 0; i < number.len; i++)
        if (!ascii_is_digit(number.ptr[i]))
            return;
    if (number.len == 0)
        return;
    if (!str_to_i64(value, &age) || age > (int64_t)400 * 86400)
        age = value.ptr[0] == '-' ? 0 : (int64_t)400 * 86400; // RFC 6265bis: at most 400 days
    *has_max_age = c->has_expiry = true;
    c->expires_s = age > 0 ? now_s + age : 0;
}

static void attribute(arena *a, str name, str value, int64_t now_s, uri_cookie *c,
                      bool *has_max_age)
{
    int64_t expires;
    if (str_ieq(name, STR("expires"))) {
        if (!*has_max_age && cookie_date(value, &expires)) {
            c->has_expiry = true;
            c->expires_s = expires;
        }
    } else if (str_ieq(name, STR("max-age"))) {
        max_age(value, now_s, c, has_max_age);
    } else if (str_ieq(name, STR("domain"))) {
        if (str_starts(value, STR(".")))
            value = str_skip(value, 1);
        if (value.len)
            c->domain = lower(a, value);
    } else if (str_ieq(name, STR("path"))) {
        c->path = str_starts(value, STR("/")) ? value : STR_NONE;
    } else if (str_ieq(name, STR("secure"))) {
        c->secure = true;
    } else if (str_ieq(name, STR("httponly"))) {
        c->http_only = true;
    } else if (str_ieq(name, STR("samesite"))) {
        c->same_site = value;
    }
}

static bool has_control(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (((unsigned char)s.ptr[i] < 0x20 && s.ptr[i] != '\t') || s.ptr[i] == 0x7f)
            return true;
    return false;
}

bool cookie_parse(arena *a, str text, int64_t now_s, uri_cookie *ret_cookie)
{
    *ret_cookie = (uri_cookie){0};
    if (text.len > COOKIE_MAX_BYTES || has_control(text))
        return false;
    str pair, rest, name, value;
    str_cut(text, ';', &pair, &rest);
    if (!str_cut(pair, '=', &name, &value)) {
        value = pair;
        name = STR_NONE;
    }
    ret_cookie->name = str_trim(name);
    ret_cookie->value = str_trim(value);
    if (ret_cookie->name.len == 0 && ret_cookie->value.len == 0)
        return false;
    bool has_max_age = false;
    while (str_next(&rest, ';', &pair)) {
        str_cut(pair, '=', &name, &value);
        attribute(a, str_trim(name), str_trim(value), now_s, ret_cookie, &has_max_age);
    }
    return true;
}

bool cookie_domain_match(const uri_host *h, str domain)
{
    return h->kind == HOST_NAME ? host_within(h->name, domain) : str_eq(h->name, domain);
}

bool cookie_path_match(str request_path, str cookie_path)
{
    if (!str_starts(request_path, cookie_path))
        return false;
    return request_path.len == cookie_path.len || str_ends(cookie_path, STR("/")) ||
           request_path.ptr[cookie_path.len] == '/';
}

str cookie_default_path(str request_path)
{
    ssize_t slash = str_rchr(request_path, '/');
    if (slash <= 0 || request_path.ptr[0] != '/')
        return STR("/");
    return str_sub(request_path, 0, (size_t)slash);
}
