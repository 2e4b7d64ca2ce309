// SPDX-License-Identifier: Apache-2.0
// Offsets of time zones: fixed ones, and those of the system's database (RFC 8536 files).
#include <fcntl.h>
#include <unistd.h>

#include "cel/zone.h"
#include "cel/zone_rule.h"

enum { FILE_BYTES_MAX = 1 << 17, HEADER_BYTES = 44 };
static const char folder[] = "/usr/share/zoneinfo/";

struct cel_zone {
    int64_t fixed_s;
    str file; // empty for a fixed offset
};

typedef struct table table;
struct table {
    uint32_t times, types, chars, leaps, stds, uts;
};

static int64_t big_endian(const char *p, size_t bytes)
{
    uint64_t v = (int8_t)p[0] < 0 ? UINT64_MAX : 0;
    for (size_t i = 0; i < bytes; i++)
        v = v << 8 | (uint8_t)p[i];
    return (int64_t)v;
}

static bool read_header(str s, table *ret)
{
    uint32_t *const fields[] = {&ret->uts,   &ret->stds,  &ret->leaps,
                                &ret->times, &ret->types, &ret->chars};
    if (s.len < HEADER_BYTES || !str_starts(s, STR("TZif")))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        int64_t v = big_endian(s.ptr + 20 + 4 * i, 4);
        if (v < 0 || v > FILE_BYTES_MAX)
            return false;
        *fields[i] = (uint32_t)v;
    }
    return ret->types > 0;
}

static size_t body_bytes(const table *t, size_t time_bytes)
{
    return (size_t)t->times * (time_bytes + 1) + (size_t)t->types * 6 + t->chars +
           (size_t)t->leaps * (time_bytes + 4) + t->stds + t->uts;
}

// The offset of the period that holds the moment, by the table with 8-byte times.
static bool table_offset(const table *t, str body, int64_t at_s, int64_t *ret_offset_s)
{
    size_t low = 0, high = t->times; // periods before low have begun, those from high on haven't
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (big_endian(body.ptr + 8 * middle, 8) <= at_s)
            low = middle + 1;
        else
            high = middle;
    }
    const char *kinds = body.ptr + 8 * (size_t)t->times, *types = kinds + t->times;
    uint8_t type = low ? (uint8_t)kinds[low - 1] : 0;
    str rule = str_skip(body, body_bytes(t, 8));
    if (type >= t->types)
        return false;
    *ret_offset_s = big_endian(types + 6 * (size_t)type, 4);
    // Behind the last period a rule says how it goes on.
    if (low == t->times && str_cut(str_skip(rule, 1), '\n', &rule, &body) && rule.len)
        return zone_rule_offset(rule, at_s, ret_offset_s);
    return true;
}

static bool file_offset(str file, int64_t at_s, int64_t *ret_offset_s)
{
    table t;
    if (!read_header(file, &t) || file.ptr[4] < '2')
        return false;
    str second = str_skip(file, HEADER_BYTES + body_bytes(&t, 4));
    if (!read_header(second, &t))
        return false;
    str body = str_skip(second, HEADER_BYTES);
    return body.len >= body_bytes(&t, 8) && table_offset(&t, body, at_s, ret_offset_s);
}

// Only names that stay inside the folder.
static bool safe_name(str zone)
{
    for (size_t i = 0; i < zone.len; i++)
        if (!ascii_is_alnum(zone.ptr[i]) && (!zone.ptr[i] || !strchr("_+-/", zone.ptr[i])))
            return false;
    return zone.len > 0 && zone.len < 64 && zone.ptr[0] != '/';
}

static bool read_zone(str zone, buf *out)
{
    char path[128];
    ssize_t n = 0;
    snprintf(path, sizeof(path), "%s" STR_FMT, folder, STR_ARG(zone));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    for (char *to; (to = buf_reserve(out, 16384)) && (n = read(fd, to, 16384)) > 0;)
        out->len += (size_t)n;
    close(fd);
    return n == 0 && buf_ok(out);
}

// "+02:00", "02:00", "-9:30".
static bool fixed_offset(str zone, int64_t *ret_offset_s)
{
    str hours, minutes;
    uint64_t h, m;
    bool west = str_starts(zone, STR("-"));
    if (west || str_starts(zone, STR("+")))
        zone = str_skip(zone, 1);
    if (!str_cut(zone, ':', &hours, &minutes) || hours.len > 2 || minutes.len != 2 ||
        !str_to_u64(hours, &h) || !str_to_u64(minutes, &m) || h > 23 || m > 59)
        return false;
    *ret_offset_s = (west ? -1 : 1) * (int64_t)(h * 3600 + m * 60);
    return true;
}

const cel_zone *cel_zone_load(arena *a, str name)
{
    buf file;
    cel_zone *zone = ARENA_NEW(a, cel_zone);
    int64_t offset_s;
    if (str_eq(name, STR("UTC")) || fixed_offset(name, &zone->fixed_s))
        return zone;
    if (!safe_name(name))
        return NULL;
    buf_init(&file, FILE_BYTES_MAX);
    bool found = read_zone(name, &file) && file_offset(buf_str(&file), 0, &offset_s);
    if (found)
        zone->file = arena_str(a, buf_str(&file));
    buf_deinit(&file);
    return found ? zone : NULL;
}

int64_t cel_zone_offset(const cel_zone *zone, int64_t at_s)
{
    int64_t offset_s = zone->fixed_s;
    if (zone->file.len)
        file_offset(zone->file, at_s, &offset_s);
    return offset_s;
}
