// SPDX-License-Identifier: Apache-2.0
// Timestamps from year 1 to 9999 and durations up to 10,000 years, both in nanoseconds; parts of
// them in a time zone.
#include <time.h>

#include "cel/eval.h"
#include "cel/zone.h"

enum { NS_PER_S = 1000000000, ZONE_COST = 500 };
static const int64_t timestamp_min = -62135596800, timestamp_max = 253402300799;
static const int64_t duration_max = 315576000000;

static void carry(int64_t *s, int64_t *ns)
{
    *s += *ns / NS_PER_S;
    *ns %= NS_PER_S;
}

static bool cel_timestamp_norm(int64_t s, int64_t ns, cel_time *ret)
{
    carry(&s, &ns);
    if (ns < 0) {
        ns += NS_PER_S;
        s--;
    }
    *ret = (cel_time){s, (int32_t)ns};
    return s >= timestamp_min && s <= timestamp_max;
}

// Seconds and nanoseconds made proper; false when out of range.
static bool cel_duration_norm(int64_t s, int64_t ns, cel_time *ret)
{
    carry(&s, &ns);
    if (s > 0 && ns < 0) {
        s--;
        ns += NS_PER_S;
    } else if (s < 0 && ns > 0) {
        s++;
        ns -= NS_PER_S;
    }
    *ret = (cel_time){s, (int32_t)ns};
    return s >= -duration_max && s <= duration_max && (s != duration_max || ns <= 0) &&
           (s != -duration_max || ns >= 0);
}

// ---- Texts ----------------------------------------------------------------------------------

// A fraction of a second without trailing zeros.
static void add_fraction(int32_t ns, buf *out)
{
    int digits = 9;
    if (!ns)
        return;
    for (; ns % 10 == 0; ns /= 10)
        digits--;
    buf_addf(out, ".%0*d", digits, ns);
}

void cel_timestamp_text(cel_time t, buf *out)
{
    struct tm tm;
    time_t s = t.s;
    gmtime_r(&s, &tm);
    buf_addf(out, "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
             tm.tm_hour, tm.tm_min, tm.tm_sec);
    add_fraction(t.ns, out);
    buf_addc(out, 'Z');
}

void cel_duration_text(cel_time t, buf *out)
{
    bool negative = t.s < 0 || t.ns < 0;
    buf_addf(out, "%s%lld", negative ? "-" : "", (long long)(t.s < 0 ? -t.s : t.s));
    add_fraction(t.ns < 0 ? -t.ns : t.ns, out);
    buf_addc(out, 's');
}

static bool take_digits(str *s, size_t n, int *ret)
{
    uint64_t v;
    if (s->len < n || !str_to_u64(str_sub(*s, 0, n), &v))
        return false;
    *ret = (int)v;
    *s = str_skip(*s, n);
    return true;
}

static bool take(str *s, const char *any)
{
    if (!s->len || !s->ptr[0] || !strchr(any, s->ptr[0]))
        return false;
    *s = str_skip(*s, 1);
    return true;
}

// Digits of a fraction in nanoseconds, those past the ninth ignored; false without any.
static bool take_fraction(str *s, int64_t *ret_ns)
{
    int64_t unit = NS_PER_S;
    size_t n = 0;
    for (*ret_ns = 0; n < s->len && ascii_is_digit(s->ptr[n]); n++) {
        unit /= 10;
        *ret_ns += unit * (s->ptr[n] - '0');
    }
    *s = str_skip(*s, n);
    return n > 0;
}

static bool take_offset(str *s, int64_t *ret_s)
{
    int hours, minutes;
    bool west = str_starts(*s, STR("-"));
    *ret_s = 0;
    if (take(s, "Zz"))
        return true;
    if (!take(s, "+-") || !take_digits(s, 2, &hours) || !take(s, ":") ||
        !take_digits(s, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *ret_s = (west ? -1 : 1) * (hours * 3600 + minutes * 60);
    return true;
}

static bool civil(const struct tm *tm, int64_t *ret_s)
{
    struct tm made = *tm;
    if (tm->tm_mon < 0 || tm->tm_mon > 11 || tm->tm_hour > 23 || tm->tm_min > 59 || tm->tm_sec > 59)
        return false;
    *ret_s = timegm(&made);
    return made.tm_mday == tm->tm_mday; // timegm makes 1 May of 31 April
}

// YYYY-MM-DDThh:mm:ss
static bool take_civil(str *s, struct tm *ret)
{
    struct {
        int *to;
        size_t digits;
        const char *after;
    } fields[] = {{&ret->tm_year, 4, "-"}, {&ret->tm_mon, 2, "-"}, {&ret->tm_mday, 2, "Tt"},
                  {&ret->tm_hour, 2, ":"}, {&ret->tm_min, 2, ":"}, {&ret->tm_sec, 2, NULL}};
    *ret = (struct tm){0};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (!take_digits(s, fields[i].digits, fields[i].to) ||
            (fields[i].after && !take(s, fields[i].after)))
            return false;
    ret->tm_year -= 1900;
    ret->tm_mon--;
    return true;
}

static bool cel_timestamp_parse(str s, cel_time *ret)
{
    struct tm tm;
    int64_t base, offset, ns = 0;
    if (!take_civil(&s, &tm) || (take(&s, ".") && !take_fraction(&s, &ns)))
        return false;
    return take_offset(&s, &offset) && !s.len && civil(&tm, &base) &&
           cel_timestamp_norm(base - offset, ns, ret);
}

static bool take_unit(str *s, int64_t *ret_ns)
{
    static const struct {
        str name;
        int64_t ns;
    } units[] = {{STR("ns"), 1},
                 {STR("us"), 1000},
                 {STR("µs"), 1000},
                 {STR("ms"), 1000000},
                 {STR("s"), NS_PER_S},
                 {STR("m"), 60LL * NS_PER_S},
                 {STR("h"), 3600LL * NS_PER_S}};
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (str_starts(*s, units[i].name)) {
            *s = str_skip(*s, units[i].name.len);
            *ret_ns = units[i].ns;
            return true;
        }
    return false;
}

// One part, "1.5h": the whole number, and its fraction in 10⁻⁹ of the unit.
static bool take_part(str *s, __int128 *total_ns)
{
    size_t n = 0;
    uint64_t whole = 0;
    int64_t fraction = 0, unit;
    while (n < s->len && ascii_is_digit(s->ptr[n]))
        n++;
    if (n && (!str_to_u64(str_sub(*s, 0, n), &whole) || whole > INT64_MAX))
        return false;
    *s = str_skip(*s, n);
    bool has_fraction = take(s, ".") && take_fraction(s, &fraction);
    if ((!n && !has_fraction) || !take_unit(s, &unit))
        return false;
    *total_ns += (__int128)whole * unit + (__int128)fraction * unit / NS_PER_S;
    return *total_ns <= (__int128)duration_max * NS_PER_S;
}

static bool cel_duration_parse(str s, cel_time *ret)
{
    bool negative = str_starts(s, STR("-"));
    __int128 ns = 0;
    take(&s, "+-");
    *ret = (cel_time){0};
    if (str_eq(s, STR("0")))
        return true;
    if (!s.len)
        return false;
    while (s.len)
        if (!take_part(&s, &ns))
            return false;
    ns = negative ? -ns : ns;
    return cel_duration_norm((int64_t)(ns / NS_PER_S), (int64_t)(ns % NS_PER_S), ret);
}

// ---- Functions ------------------------------------------------------------------------------

static cel_value time_value(cel_call *c, cel_kind kind, int64_t s, int64_t ns)
{
    cel_value v = {.kind = kind};
    bool fits = kind == CEL_TIMESTAMP ? cel_timestamp_norm(s, ns, &v.time)
                                      : cel_duration_norm(s, ns, &v.time);
    return fits ? v : cel_call_error(c, "range: the time is out of range");
}

static cel_value to_timestamp(cel_call *c, const cel_value *a, size_t n)
{
    cel_value v = {.kind = CEL_TIMESTAMP};
    (void)n;
    if (a->kind == CEL_INT)
        return time_value(c, CEL_TIMESTAMP, a->i, 0);
    return cel_timestamp_parse(a->s, &v.time)
               ? v
               : cel_call_error(c, "'" STR_FMT "' isn't a timestamp, or out of range",
                                STR_ARG(str_sub(a->s, 0, 80)));
}

static cel_value to_duration(cel_call *c, const cel_value *a, size_t n)
{
    cel_value v = {.kind = CEL_DURATION};
    (void)n;
    if (a->kind == CEL_INT)
        return time_value(c, CEL_DURATION, a->i, 0);
    return cel_duration_parse(a->s, &v.time)
               ? v
               : cel_call_error(c, "'" STR_FMT "' isn't a duration, or out of range",
                                STR_ARG(str_sub(a->s, 0, 80)));
}

static cel_value same(cel_call *c, const cel_value *a, size_t n)
{
    (void)c, (void)n;
    return *a;
}

// Both are in range, so that the sums can't overflow.
static cel_value add(cel_call *c, const cel_value *a, size_t n)
{
    bool stamp = a[0].kind == CEL_TIMESTAMP || a[1].kind == CEL_TIMESTAMP;
    (void)n;
    return time_value(c, stamp ? CEL_TIMESTAMP : CEL_DURATION, a[0].time.s + a[1].time.s,
                      (int64_t)a[0].time.ns + a[1].time.ns);
}

// Between two timestamps lies a duration of at most ±2⁶³ nanoseconds, as in other implementations.
static cel_value subtract(cel_call *c, const cel_value *a, size_t n)
{
    int64_t s = a[0].time.s - a[1].time.s, ns = (int64_t)a[0].time.ns - a[1].time.ns;
    bool stamp = a[0].kind == CEL_TIMESTAMP && a[1].kind == CEL_DURATION;
    (void)n;
    if (a[1].kind == CEL_TIMESTAMP && (s > INT64_MAX / NS_PER_S || s < INT64_MIN / NS_PER_S))
        return cel_call_error(c, "range: the timestamps are too far apart");
    return time_value(c, stamp ? CEL_TIMESTAMP : CEL_DURATION, s, ns);
}

typedef enum time_part {
    PART_YEAR,
    PART_MONTH,
    PART_DAY_OF_YEAR,
    PART_DAY_OF_MONTH,
    PART_DATE,
    PART_DAY_OF_WEEK,
    PART_HOURS,
    PART_MINUTES,
    PART_SECONDS,
    PART_MILLISECONDS,
} time_part;

static int64_t part_of(const struct tm *tm, int32_t ns, time_part part)
{
    const int64_t parts[] = {
        [PART_YEAR] = tm->tm_year + 1900, [PART_MONTH] = tm->tm_mon,
        [PART_DAY_OF_YEAR] = tm->tm_yday, [PART_DAY_OF_MONTH] = tm->tm_mday - 1,
        [PART_DATE] = tm->tm_mday,        [PART_DAY_OF_WEEK] = tm->tm_wday,
        [PART_HOURS] = tm->tm_hour,       [PART_MINUTES] = tm->tm_min,
        [PART_SECONDS] = tm->tm_sec,      [PART_MILLISECONDS] = ns / 1000000,
    };
    return parts[part];
}

static int64_t duration_part(cel_time t, time_part part)
{
    switch (part) {
    case PART_HOURS:
        return t.s / 3600;
    case PART_MINUTES:
        return t.s / 60;
    case PART_SECONDS:
        return t.s;
    default:
        return t.ns / 1000000;
    }
}

cel_value cel_time_part(cel_call *c, const cel_value *a, size_t n)
{
    time_part part = (time_part)(intptr_t)c->ctx;
    const cel_zone *zone = c->node->zone;
    struct tm tm;
    if (a->kind == CEL_DURATION)
        return cel_int(duration_part(a->time, part));
    if (n == 2 && !zone) {
        zone = cel_call_charge(c, ZONE_COST) ? cel_zone_load(c->arena, a[1].s) : NULL;
        if (!zone)
            return cel_call_error(c, "there is no time zone '" STR_FMT "'",
                                  STR_ARG(str_sub(a[1].s, 0, 80)));
    }
    time_t local = a->time.s + (zone ? cel_zone_offset(zone, a->time.s) : 0);
    gmtime_r(&local, &tm);
    return cel_int(part_of(&tm, a->time.ns, part));
}

#define PART(p) (void *)(intptr_t)(p)
#define GET(name, p)                                                                               \
    CEL_ROW(name, "timestamp.() int", cel_time_part, PART(p)),                                     \
        CEL_ROW(name, "timestamp.(string) int", cel_time_part, PART(p))

const cel_function cel_time_functions[] = {
    {"timestamp", "(timestamp) timestamp", same, NULL},
    {"timestamp", "(string) timestamp", to_timestamp, NULL},
    {"timestamp", "(int) timestamp", to_timestamp, NULL},
    {"duration", "(duration) duration", same, NULL},
    {"duration", "(string) duration", to_duration, NULL},
    {"duration", "(int) duration", to_duration, NULL},
    {"_+_", "(timestamp, duration) timestamp", add, NULL},
    {"_+_", "(duration, timestamp) timestamp", add, NULL},
    {"_+_", "(duration, duration) duration", add, NULL},
    {"_-_", "(timestamp, timestamp) duration", subtract, NULL},
    {"_-_", "(timestamp, duration) timestamp", subtract, NULL},
    {"_-_", "(duration, duration) duration", subtract, NULL},
    GET("getFullYear", PART_YEAR),
    GET("getMonth", PART_MONTH),
    GET("getDayOfYear", PART_DAY_OF_YEAR),
    GET("getDayOfMonth", PART_DAY_OF_MONTH),
    GET("getDate", PART_DATE),
    GET("getDayOfWeek", PART_DAY_OF_WEEK),
    GET("getHours", PART_HOURS),
    GET("getMinutes", PART_MINUTES),
    GET("getSeconds", PART_SECONDS),
    GET("getMilliseconds", PART_MILLISECONDS),
    {"getHours", "duration.() int", cel_time_part, PART(PART_HOURS)},
    {"getMinutes", "duration.() int", cel_time_part, PART(PART_MINUTES)},
    {"getSeconds", "duration.() int", cel_time_part, PART(PART_SECONDS)},
    {"getMilliseconds", "duration.() int", cel_time_part, PART(PART_MILLISECONDS)},
    {0},
};
