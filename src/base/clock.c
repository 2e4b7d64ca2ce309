// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { NS_PER_MS = 1000 * 1000, NS_PER_S = 1000 * 1000 * 1000 };

static int64_t shift_ns;

static int64_t read_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

uint64_t clock_mono_ns(void)
{
    return (uint64_t)read_clock(CLOCK_MONOTONIC);
}

uint64_t clock_mono_ms(void)
{
    return clock_mono_ns() / NS_PER_MS;
}

uint64_t clock_cpu_ms(void)
{
    return (uint64_t)read_clock(CLOCK_PROCESS_CPUTIME_ID) / NS_PER_MS;
}

int64_t clock_wall_ns(void)
{
    return read_clock(CLOCK_REALTIME) + __atomic_load_n(&shift_ns, __ATOMIC_RELAXED);
}

int64_t clock_wall_ms(void)
{
    return clock_wall_ns() / NS_PER_MS;
}

int64_t clock_wall_s(void)
{
    return clock_wall_ns() / NS_PER_S;
}

void clock_shift(int64_t delta_ms)
{
    __atomic_add_fetch(&shift_ns, delta_ms * NS_PER_MS, __ATOMIC_RELAXED);
}

// "2026-11-24T02:18:28", kept for those who write many times of one second.
static size_t put_second(int64_t s, char *to)
{
    static _Thread_local char text[CLOCK_RFC3339_MAX];
    static _Thread_local size_t len;
    static _Thread_local int64_t of = INT64_MIN;
    if (s != of) {
        time_t when = (time_t)s;
        struct tm tm;
        gmtime_r(&when, &tm);
        len = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
        of = s;
    }
    memcpy(to, text, len);
    return len;
}

void clock_rfc3339(int64_t wall_ns, char ret_text[CLOCK_RFC3339_MAX])
{
    enum { FRACTION_DIGITS = 9 };
    int64_t s = wall_ns / NS_PER_S, ns = wall_ns % NS_PER_S;
    if (ns < 0) {
        ns += NS_PER_S;
        s--;
    }
    size_t len = put_second(s, ret_text);
    if (ns) {
        ret_text[len] = '.';
        for (size_t i = len + FRACTION_DIGITS; i > len; i--, ns /= 10)
            ret_text[i] = (char)('0' + ns % 10);
        len += 1 + FRACTION_DIGITS;
        while (ret_text[len - 1] == '0')
            len--;
    }
    ret_text[len] = 'Z';
    ret_text[len + 1] = 0;
}

// Two digits, or as many as `len` says, at text[at]; false when they aren't digits or out of
// bounds.
static bool digits(str text, size_t at, size_t len, int *ret)
{
    uint64_t v;
    if (at + len > text.len || !str_to_u64(str_sub(text, at, at + len), &v))
        return false;
    *ret = (int)v;
    return true;
}

static bool parse_fraction(str *rest, int64_t *ret_ns)
{
    *ret_ns = 0;
    if (!str_starts(*rest, STR(".")))
        return true;
    *rest = str_skip(*rest, 1);
    int64_t unit = NS_PER_S;
    size_t n = 0;
    for (; n < rest->len && ascii_is_digit(rest->ptr[n]); n++) {
        unit /= 10; // digits past the ninth count nothing
        *ret_ns += unit * (rest->ptr[n] - '0');
    }
    *rest = str_skip(*rest, n);
    return n > 0;
}

static bool parse_offset(str rest, int64_t *ret_s)
{
    int hours, minutes;
    *ret_s = 0;
    if (rest.len == 1)
        return rest.ptr[0] == 'Z' || rest.ptr[0] == 'z';
    if (rest.len != 6 || (rest.ptr[0] != '+' && rest.ptr[0] != '-') || rest.ptr[3] != ':' ||
        !digits(rest, 1, 2, &hours) || !digits(rest, 4, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *ret_s = (rest.ptr[0] == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
    return true;
}

// YYYY-MM-DDThh:mm:ss; whether the month has that day is the caller's question.
static bool parse_civil(str text, struct tm *tm)
{
    static const struct {
        uint8_t at, digits;
        char after[3]; // one of these follows, when there are any
        int min, max;
    } fields[] = {{0, 4, "-", 1678, 2261}, {5, 2, "-", 1, 12},  {8, 2, "Tt", 1, 31},
                  {11, 2, ":", 0, 23},     {14, 2, ":", 0, 59}, {17, 2, "", 0, 60}};
    int value[sizeof(fields) / sizeof(fields[0])];
    if (text.len < 20)
        return false;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        char after = text.ptr[fields[i].at + fields[i].digits];
        if (!digits(text, fields[i].at, fields[i].digits, &value[i]) || value[i] < fields[i].min ||
            value[i] > fields[i].max ||
            (fields[i].after[0] && (!after || !strchr(fields[i].after, after))))
            return false;
    }
    *tm = (struct tm){.tm_year = value[0] - 1900,
                      .tm_mon = value[1] - 1,
                      .tm_mday = value[2],
                      .tm_hour = value[3],
                      .tm_min = value[4],
                      .tm_sec = value[5] == 60 ? 59 : value[5]}; // POSIX time has no leap second
    return true;
}

bool clock_parse_rfc3339(str text, int64_t *ret_wall_ns)
{
    struct tm tm;
    if (!parse_civil(text, &tm))
        return false;
    int day = tm.tm_mday;
    str rest = str_skip(text, 19);
    int64_t ns, offset_s, s = timegm(&tm);
    // timegm turns the 31st of April into the 1st of May: such a date does not exist.
    if (tm.tm_mday != day || !parse_fraction(&rest, &ns) || !parse_offset(rest, &offset_s))
        return false;
    *ret_wall_ns = (s - offset_s) * NS_PER_S + ns;
    return true;
}

static bool unit_ms(str *rest, uint64_t *ret_ms)
{
    static const struct {
        str name;
        uint64_t ms;
    } units[] = {{STR("ms"), 1},
                 {STR("s"), 1000},
                 {STR("m"), 60 * 1000},
                 {STR("h"), 3600 * 1000},
                 {STR("d"), 86400 * 1000}};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (!str_starts(*rest, units[i].name))
            continue;
        *rest = str_skip(*rest, units[i].name.len);
        *ret_ms = units[i].ms;
        return true;
    }
    return false;
}

bool clock_parse_duration(str text, uint64_t *ret_ms)
{
    static const uint64_t most_ms = 3653ULL * 86400 * 1000;
    uint64_t total = 0, value, unit = 1000;
    if (str_to_u64(text, &value)) {
        *ret_ms = value * 1000;
        return value <= most_ms / 1000;
    }
    if (text.len == 0)
        return false;
    while (text.len) {
        size_t n = 0;
        while (n < text.len && ascii_is_digit(text.ptr[n]))
            n++;
        if (!str_to_u64(str_sub(text, 0, n), &value))
            return false;
        text = str_skip(text, n);
        if (!unit_ms(&text, &unit) || value > most_ms / unit)
            return false;
        total += value * unit;
        if (total > most_ms)
            return false;
    }
    *ret_ms = total;
    return true;
}
