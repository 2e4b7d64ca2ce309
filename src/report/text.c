// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "report/internal.h"

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

void report_identity(buf *out, const run_identity *id)
{
    if (id->age_s < 0) {
        buf_add_shown(out, id->report);
        return;
    }
    buf_adds(out, STR("as "));
    buf_add_shown(out, id->principal);
    buf_adds(out, STR(" ("));
    buf_add_shown(out, id->via);
    if (id->audience.len)
        buf_adds(out, STR(", audience "));
    buf_add_shown(out, id->audience);
    buf_adds(out, STR(", "));
    buf_add_u64(out, (uint64_t)id->age_s);
    buf_adds(out, STR(" s old)"));
}
