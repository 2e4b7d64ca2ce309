// SPDX-License-Identifier: Apache-2.0
#include "load/threshold.h"

#include "load/profile.h"

typedef struct reader reader;
struct reader {
    str text;
    size_t at;
    err *e;
};

static code refuse(const reader *r, size_t at, str word, const char *what)
{
    (void)err_set(r->e, LOAD_THRESHOLD, "'" STR_FMT "' %s", STR_ARG(word), what);
    (void)err_at(r->e, "--threshold", 1, (uint32_t)at + 1);
    return err_hint(r->e, "for example: p95<200ms, errors<1%%, rate>=50, Folder / request: p99<1s");
}

static void skip_blanks(reader *r)
{
    while (r->at < r->text.len && r->text.ptr[r->at] == ' ')
        r->at++;
}

static str rest(const reader *r)
{
    return str_skip(r->text, r->at);
}

// ---- the metric ---------------------------------------------------------------------------------

static const struct {
    const char *name;
    load_metric metric;
} metrics[] = {
    {"avg", LOAD_AVERAGE},   {"min", LOAD_MIN},       {"max", LOAD_MAX},
    {"errors", LOAD_ERRORS}, {"failed", LOAD_FAILED}, {"rate", LOAD_RATE},
};

static code read_metric(reader *r, threshold *t)
{
    size_t start = r->at;
    while (r->at < r->text.len && !memchr("<>= ", r->text.ptr[r->at], 4))
        r->at++;
    str word = str_sub(r->text, start, r->at);
    for (size_t i = 0; i < ARRAY_LEN(metrics); i++) {
        if (str_eq(word, str_from(metrics[i].name))) {
            t->metric = metrics[i].metric;
            return OK;
        }
    }
    t->metric = LOAD_PERCENTILE;
    if (str_starts(word, STR("p")) && profile_number(str_skip(word, 1), &t->percent) &&
        t->percent > 0 && t->percent <= 100)
        return OK;
    return refuse(r, start, word, "is none of p50 … p99.9, avg, min, max, errors, failed, rate");
}

// ---- the bound ----------------------------------------------------------------------------------

static code read_sign(reader *r, threshold *t)
{
    skip_blanks(r);
    char c = r->at < r->text.len ? r->text.ptr[r->at] : 0;
    if (c != '<' && c != '>')
        return refuse(r, r->at, rest(r), "doesn't begin with < or >");
    t->less = c == '<';
    r->at++;
    t->or_equal = r->at < r->text.len && r->text.ptr[r->at] == '=';
    r->at += t->or_equal;
    skip_blanks(r);
    return OK;
}

static const struct {
    const char *unit;
    double factor;
    bool of_time;
} units[] = {
    {"us", 1, true},   {"µs", 1, true}, {"ms", 1e3, true}, {"s", 1e6, true},
    {"m", 60e6, true}, {"%", 1, false}, {"/s", 1, false},  {"", 1, false},
};

static bool is_of_time(load_metric m)
{
    return m <= LOAD_MAX;
}

static bool unit_fits(load_metric m, size_t unit)
{
    const char *u = units[unit].unit;
    if (is_of_time(m) || units[unit].of_time)
        return is_of_time(m) && units[unit].of_time;
    if (*u == '%')
        return m == LOAD_ERRORS;
    return *u == '/' ? m == LOAD_RATE : m != LOAD_ERRORS;
}

static code read_value(reader *r, threshold *t)
{
    size_t start = r->at;
    while (r->at < r->text.len && (ascii_is_digit(r->text.ptr[r->at]) || r->text.ptr[r->at] == '.'))
        r->at++;
    str number = str_sub(r->text, start, r->at), unit = str_trim(rest(r));
    if (!profile_number(number, &t->value))
        return refuse(r, start, str_skip(r->text, start), "doesn't begin with a number");
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (!str_eq(unit, str_from(units[i].unit)) || !unit_fits(t->metric, i))
            continue;
        t->value *= units[i].factor;
        return OK;
    }
    if (is_of_time(t->metric))
        return refuse(r, r->at, unit, "is no unit of time: us, ms, s, m");
    return refuse(r, r->at, unit,
                  t->metric == LOAD_ERRORS ? "should be %" : "isn't the unit of this number");
}

code threshold_parse(str text, threshold *ret, err *e)
{
    reader r = {.text = text, .e = e};
    *ret = (threshold){.text = text};
    for (ssize_t colon = str_find(text, STR(": ")); colon >= 0;
         colon = str_find(rest(&r), STR(": ")))
        r.at += (size_t)colon + 2; // the last one ends the name
    if (r.at)
        ret->request = str_trim(str_sub(text, 0, r.at - 2));
    skip_blanks(&r);
    code c = read_metric(&r, ret);
    if (c == OK)
        c = read_sign(&r, ret);
    return c == OK ? read_value(&r, ret) : c;
}

// ---- judging ------------------------------------------------------------------------------------

double threshold_measure(const threshold *t, const load_count *n, double seconds)
{
    switch (t->metric) {
    case LOAD_PERCENTILE:
        return (double)hist_percentile(&n->latency, t->percent);
    case LOAD_AVERAGE:
        return hist_average(&n->latency);
    case LOAD_MIN:
        return (double)n->latency.min;
    case LOAD_MAX:
        return (double)n->latency.max;
    case LOAD_ERRORS:
        return n->requests ? 100.0 * (double)n->failed / (double)n->requests : 0;
    case LOAD_FAILED:
        return (double)n->failed;
    case LOAD_RATE:
        return seconds > 0 ? (double)n->requests / seconds : 0;
    }
    return 0;
}

bool threshold_holds(const threshold *t, const load_count *n, double seconds)
{
    double got = threshold_measure(t, n, seconds);
    if (!n->requests)
        return false;
    if (got == t->value)
        return t->or_equal;
    return t->less ? got < t->value : got > t->value;
}
