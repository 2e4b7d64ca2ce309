// SPDX-License-Identifier: Apache-2.0
#include "load/profile.h"

#include <errno.h>
#include <math.h>

static const double ns_of_s = 1e9;
enum { TARGET_MAX = 1000000 };

// ---- reading ------------------------------------------------------------------------------------

static code refuse(err *e, str text, size_t at, const char *what)
{
    (void)err_set(e, LOAD_STAGE, "'" STR_FMT "': %s", STR_ARG(text), what);
    (void)err_at(e, "--stage", 1, (uint32_t)at + 1);
    return err_hint(e, "a time and what is reached by then: 30s:50");
}

bool profile_number(str text, double *ret)
{
    char copy[32], *end;
    if (!text.len || text.len >= sizeof(copy) || !ascii_is_digit(text.ptr[0]))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!ascii_is_digit(text.ptr[i]) && text.ptr[i] != '.')
            return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = 0;
    *ret = strtod(copy, &end);
    return !*end;
}

code profile_add(profile *p, str text, err *e)
{
    str time, target;
    profile_stage s;
    if (!str_cut(text, ':', &time, &target))
        return refuse(e, text, text.len, "there is no ':' with a target behind the time");
    if (!clock_parse_duration(time, &s.ms))
        return refuse(e, text, 0, "it doesn't begin with a time");
    if (!profile_number(target, &s.target) || s.target > TARGET_MAX)
        return refuse(e, text, time.len + 1, "the target isn't a number up to 1000000");
    if (p->count == PROFILE_STAGES_MAX)
        return refuse(e, text, 0, "there are more than 64 stages");
    p->stages[p->count++] = s;
    return OK;
}

// ---- asking -------------------------------------------------------------------------------------

static double seconds_of(const profile_stage *s)
{
    return (double)s->ms / 1000;
}

uint64_t profile_length_ns(const profile *p)
{
    uint64_t ms = 0;
    for (size_t i = 0; i < p->count; i++)
        ms += p->stages[i].ms;
    return ms * 1000000;
}

double profile_peak(const profile *p)
{
    double peak = p->start;
    for (size_t i = 0; i < p->count; i++)
        peak = fmax(peak, p->stages[i].target);
    return peak;
}

double profile_at(const profile *p, uint64_t ns)
{
    double from = p->start, left = (double)ns / ns_of_s;
    for (size_t i = 0; i < p->count; i++) {
        double length = seconds_of(&p->stages[i]);
        if (left < length)
            return from + (p->stages[i].target - from) * left / length;
        left -= length;
        from = p->stages[i].target;
    }
    return from;
}

// What begins in a stage is the area under its line.
static double area(double from, const profile_stage *s)
{
    return (from + s->target) / 2 * seconds_of(s);
}

bool profile_due(const profile *p, uint64_t index, uint64_t *ret_ns)
{
    // Sums of many small areas may come out a hair short of the whole number that they make.
    const double tiny = 1e-9 * ((double)index + 1);
    double from = p->start, left = (double)index, begun = 0;
    for (size_t i = 0; i < p->count; i++) {
        const profile_stage *s = &p->stages[i];
        double all = area(from, s), length = seconds_of(s);
        if (left < all - tiny) {
            // from·t + slope·t²/2 = left, in the form that needs no difference of large numbers
            double slope = (s->target - from) / length;
            double root = sqrt(fmax(0, from * from + 2 * slope * left));
            double at = left > 0 ? 2 * left / (from + root) : 0;
            *ret_ns = (uint64_t)llround((begun + at) * ns_of_s);
            return true;
        }
        left = fmax(0, left - all);
        begun += length;
        from = s->target;
    }
    return false;
}

uint64_t profile_total(const profile *p)
{
    double from = p->start, all = 0;
    for (size_t i = 0; i < p->count; i++) {
        all += area(from, &p->stages[i]);
        from = p->stages[i].target;
    }
    return (uint64_t)ceil(all - 1e-9 * (all + 1));
}
