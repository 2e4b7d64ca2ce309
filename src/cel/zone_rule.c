// SPDX-License-Identifier: Apache-2.0
// POSIX TZ rules: what a time zone does in the years to come.
#include "cel/zone_rule.h"

#include <time.h>

enum { DAY_S = 86400 };

// When a change happens each year: kind 'M' with month, week and weekday, 'J' or 'N' with a day.
typedef struct change change;
struct change {
    char kind;
    int64_t month, week, day;
    int64_t time_s;
};

static bool take_number(str *s, int64_t *ret)
{
    size_t n = 0;
    uint64_t v;
    while (n < s->len && n < 4 && ascii_is_digit(s->ptr[n]))
        n++;
    if (!str_to_u64(str_sub(*s, 0, n), &v))
        return false;
    *ret = (int64_t)v;
    *s = str_skip(*s, n);
    return true;
}

static bool take(str *s, char c)
{
    bool there = s->len && s->ptr[0] == c;
    if (there)
        *s = str_skip(*s, 1);
    return there;
}

// [+-]hh[:mm[:ss]] in seconds.
static bool take_time(str *s, int64_t *ret_s)
{
    int64_t part = 0, unit = 3600;
    bool minus = take(s, '-');
    *ret_s = 0;
    if (!minus)
        take(s, '+');
    do {
        if (!take_number(s, &part))
            return false;
        *ret_s += part * unit;
        unit /= 60;
    } while (unit && take(s, ':'));
    *ret_s = minus ? -*ret_s : *ret_s;
    return true;
}

static bool take_zone_name(str *s)
{
    size_t n = 0;
    bool quoted = take(s, '<');
    while (n < s->len && (quoted ? s->ptr[n] != '>' : ascii_is_alpha(s->ptr[n])))
        n++;
    *s = str_skip(*s, n);
    return n > 0 && (!quoted || take(s, '>'));
}

// "3.2.0": the second Sunday of March.
static bool take_month_day(str *s, change *ret)
{
    return take_number(s, &ret->month) && take(s, '.') && take_number(s, &ret->week) &&
           take(s, '.') && take_number(s, &ret->day) && ret->month >= 1 && ret->month <= 12 &&
           ret->week >= 1 && ret->week <= 5 && ret->day <= 6;
}

static bool take_change(str *s, change *ret)
{
    *ret = (change){.kind = take(s, 'M') ? 'M' : take(s, 'J') ? 'J' : 'N', .time_s = 2 * 3600};
    bool day =
        ret->kind == 'M' ? take_month_day(s, ret) : take_number(s, &ret->day) && ret->day <= 366;
    return day && (!take(s, '/') || take_time(s, &ret->time_s));
}

static int64_t day_start(int year, int month, int day)
{
    struct tm tm = {.tm_year = year - 1900, .tm_mon = month, .tm_mday = day};
    return timegm(&tm);
}

static bool leap_year(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

// The local second of the change in that year.
static int64_t change_at(const change *c, int year)
{
    if (c->kind != 'M') {
        bool after_february = c->kind == 'J' && leap_year(year) && c->day >= 60;
        int64_t day = c->day - (c->kind == 'J') + after_february;
        return day_start(year, 0, 1) + day * DAY_S + c->time_s;
    }
    int month = (int)c->month - 1;
    int64_t first = day_start(year, month, 1), next = day_start(year, month + 1, 1);
    int64_t weekday = (first / DAY_S + 4) % 7; // 1970-01-01 was a Thursday
    int64_t at = first + ((c->day - weekday + 7) % 7 + 7 * (c->week - 1)) * DAY_S;
    while (at >= next)
        at -= 7 * DAY_S; // week 5 is the last one
    return at + c->time_s;
}

static bool take_changes(str *s, change *ret_start, change *ret_end)
{
    return take(s, ',') && take_change(s, ret_start) && take(s, ',') && take_change(s, ret_end) &&
           !s->len;
}

bool zone_rule_offset(str rule, int64_t at_s, int64_t *ret_offset_s)
{
    int64_t west_s, summer_west_s;
    change start, end;
    struct tm tm;
    if (!take_zone_name(&rule) || !take_time(&rule, &west_s))
        return false;
    *ret_offset_s = -west_s;
    if (!rule.len)
        return true;
    summer_west_s = west_s - 3600;
    if (!take_zone_name(&rule) ||
        (!str_starts(rule, STR(",")) && !take_time(&rule, &summer_west_s)) ||
        !take_changes(&rule, &start, &end))
        return false;
    time_t local = at_s - west_s;
    gmtime_r(&local, &tm);
    int64_t from = change_at(&start, tm.tm_year + 1900) + west_s;
    int64_t to = change_at(&end, tm.tm_year + 1900) + summer_west_s;
    // South of the equator summer goes over the turn of the year.
    bool summer = from < to ? at_s >= from && at_s < to : at_s >= from || at_s < to;
    if (summer)
        *ret_offset_s = -summer_west_s;
    return true;
}
