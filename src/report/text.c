// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "report/internal.h"

enum { WORDS_BYTES_MAX = 1 << 20 };

// Up to `digits` decimals without trailing zeros.
static void add_number(buf *out, double value, int digits)
{
    char text[64];
    int len = snprintf(text, sizeof(text), "%.*f", digits, value);
    while (digits > 0 && text[len - 1] == '0')
        len--;
    if (text[len - 1] == '.')
        len--;
    buf_add(out, text, (size_t)len);
}

void report_bytes(buf *out, uint64_t bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 1000 && unit + 1 < ARRAY_LEN(units); unit++)
        value /= 1000;
    add_number(out, value, unit ? 2 : 0);
    buf_addz(out, units[unit]);
}

void report_ms(buf *out, double ms, bool plain)
{
    if (ms < 1) {
        buf_addf(out, "%d%s", (int)(ms * 1000), plain ? "us" : "µs");
        return;
    }
    if (ms < 1998) {
        buf_addf(out, "%dms", (int)ms);
        return;
    }
    uint64_t minutes = (uint64_t)(ms / 60000);
    if (minutes >= 60)
        buf_addf(out, "%lluh ", (unsigned long long)(minutes / 60));
    if (minutes)
        buf_addf(out, "%llum ", (unsigned long long)(minutes % 60));
    add_number(out, fmod(ms / 1000, 60), 1);
    buf_addc(out, 's');
}

double report_time(const run_exchange *x)
{
    return x->time_ms ? (double)x->time_ms : (double)x->timings.total_us / 1000;
}

void report_lines(buf *out, str text, const char *indent)
{
    bool first = true;
    for (str line; str_next(&text, '\n', &line); first = false) {
        if (!first) {
            buf_addc(out, '\n');
            buf_addz(out, indent);
        }
        buf_add_shown(out, line);
    }
}

str report_item_name(arena *a, const pm_item *item)
{
    return item ? pm_item_path(a, item, " / ") : STR("");
}

static bool is_about(const report_words *w, const run_identity *id)
{
    return str_eq(w->principal, id->principal) && str_eq(w->via, id->via) &&
           str_eq(w->audience, id->audience);
}

static void make_words(report_words *w, const run_identity *id)
{
    arena_reset(&w->mem);
    w->principal = arena_str(&w->mem, id->principal);
    w->via = arena_str(&w->mem, id->via);
    w->audience = arena_str(&w->mem, id->audience);
    buf_reset(&w->text);
    buf_adds(&w->text, STR("as "));
    buf_add_shown(&w->text, id->principal);
    buf_adds(&w->text, STR(" ("));
    buf_add_shown(&w->text, id->via);
    if (id->audience.len)
        buf_adds(&w->text, STR(", audience "));
    buf_add_shown(&w->text, id->audience);
    buf_adds(&w->text, STR(", "));
}

void report_words_init(report_words *w)
{
    *w = (report_words){0};
    arena_init(&w->mem);
    buf_init(&w->text, WORDS_BYTES_MAX);
}

void report_identity(report_words *w, buf *out, const run_identity *id)
{
    if (id->age_s < 0) {
        buf_add_shown(out, id->report);
        return;
    }
    if (!w->text.len || !is_about(w, id))
        make_words(w, id);
    buf_adds(out, buf_str(&w->text));
    buf_add_u64(out, (uint64_t)id->age_s);
    buf_adds(out, STR(" s old)"));
}

void report_words_deinit(report_words *w)
{
    arena_deinit(&w->mem);
    buf_deinit(&w->text);
}
