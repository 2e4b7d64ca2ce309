// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "data/data_write.h"

jout jout_new(buf *out, unsigned style)
{
    return (jout){.out = out, .style = style};
}

static void new_line(jout *w)
{
    if (!(w->style & JSON_PRETTY))
        return;
    buf_addc(w->out, '\n');
    for (uint32_t i = 0; i < w->depth; i++)
        buf_addz(w->out, "  ");
}

// What stands before a value: comma, line, name.
static void before_value(jout *w, str key, bool has_key)
{
    if (w->after_key) { // jout_key wrote it all
        assert(!has_key);
        w->after_key = false;
        return;
    }
    bool in_object = w->depth && !(w->is_array & 1);
    assert(has_key == in_object);
    if (w->comma)
        buf_addc(w->out, ',');
    if (w->depth)
        new_line(w);
    w->comma = true;
    if (has_key) {
        buf_add_json(w->out, key);
        buf_addc(w->out, ':');
        if (w->style & JSON_PRETTY)
            buf_addc(w->out, ' ');
    }
}

static void before(jout *w, const char *key)
{
    before_value(w, str_from(key), key != NULL);
}

void jout_key(jout *w, str key)
{
    before_value(w, key, true);
    w->after_key = true;
}

static void open_level(jout *w, bool is_array)
{
    assert(w->depth < JOUT_DEPTH_MAX);
    buf_addc(w->out, is_array ? '[' : '{');
    w->depth++;
    w->is_array = w->is_array << 1 | is_array;
    w->comma = false;
}

void jout_object(jout *w, const char *key)
{
    before(w, key);
    open_level(w, false);
}

void jout_array(jout *w, const char *key)
{
    before(w, key);
    open_level(w, true);
}

void jout_end(jout *w)
{
    assert(w->depth && !w->after_key);
    bool is_array = w->is_array & 1, empty = !w->comma;
    w->depth--;
    w->is_array >>= 1;
    w->comma = true; // the level that was closed is a member of this one
    if (!empty)
        new_line(w);
    buf_addc(w->out, is_array ? ']' : '}');
}

void jout_str(jout *w, const char *key, str value)
{
    before(w, key);
    buf_add_json(w->out, value);
}

void jout_strf(jout *w, const char *key, const char *fmt, ...)
{
    buf text;
    buf_init(&text, w->out->max);
    va_list ap;
    va_start(ap, fmt);
    buf_addv(&text, fmt, ap);
    va_end(ap);
    jout_str(w, key, buf_str(&text));
    buf_deinit(&text);
}

void jout_i64(jout *w, const char *key, int64_t value)
{
    before(w, key);
    if (value < 0)
        buf_addc(w->out, '-');
    buf_add_u64(w->out, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void jout_f64(jout *w, const char *key, double value)
{
    before(w, key);
    if (!isfinite(value)) {
        buf_addz(w->out, "null");
        return;
    }
    char text[40]; // the shortest form that reads back as the same number
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    buf_addz(w->out, text);
}

void jout_bool(jout *w, const char *key, bool value)
{
    before(w, key);
    buf_addz(w->out, value ? "true" : "false");
}

void jout_null(jout *w, const char *key)
{
    before(w, key);
    buf_addz(w->out, "null");
}

void jout_raw(jout *w, const char *key, str text)
{
    before(w, key);
    buf_adds(w->out, text);
}

static int by_key(const void *a, const void *b)
{
    const json *const *x = a, *const *y = b;
    return str_cmp((*x)->key, (*y)->key);
}

// A tree may be deeper than jout's levels, so it keeps its own depth.
static void write_tree(buf *out, const json *v, unsigned style, uint32_t depth);

static void write_line(buf *out, unsigned style, uint32_t depth)
{
    if (!(style & JSON_PRETTY))
        return;
    static const char blanks[JSON_BLANKS_MAX + 1] = "               ";
    unsigned given = style / JSON_BLANKS(1) % (JSON_BLANKS_MAX + 1);
    buf_addc(out, '\n');
    for (uint32_t i = 0; i < depth; i++)
        if (style & JSON_TABS)
            buf_addc(out, '\t');
        else
            buf_add(out, blanks, given ? given : 2);
}

static void write_member(buf *out, const json *m, bool named, unsigned style, uint32_t depth)
{
    write_line(out, style, depth);
    if (named) {
        buf_add_json(out, m->key);
        buf_addz(out, style & JSON_PRETTY ? ": " : ":");
    }
    write_tree(out, m, style, depth);
}

static void write_sorted(buf *out, const json *v, unsigned style, uint32_t depth)
{
    const json **members = mem_array(v->len, sizeof(*members));
    size_t n = 0;
    JSON_EACH (v, m)
        members[n++] = m;
    qsort(members, n, sizeof(*members), by_key);
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_addc(out, ',');
        write_member(out, members[i], true, style, depth);
    }
    free(members);
}

static void write_container(buf *out, const json *v, unsigned style, uint32_t depth)
{
    bool is_object = v->type == JSON_OBJECT;
    buf_addc(out, is_object ? '{' : '[');
    if (is_object && style & JSON_SORTED) {
        write_sorted(out, v, style, depth + 1);
    } else {
        JSON_EACH (v, m) {
            if (m != v->first)
                buf_addc(out, ',');
            write_member(out, m, is_object, style, depth + 1);
        }
    }
    if (v->len)
        write_line(out, style, depth);
    buf_addc(out, is_object ? '}' : ']');
}

static void write_tree(buf *out, const json *v, unsigned style, uint32_t depth)
{
    switch (v->type) {
    case JSON_NULL:
        buf_addz(out, "null");
        break;
    case JSON_BOOL:
        buf_addz(out, v->boolean ? "true" : "false");
        break;
    case JSON_NUMBER:
        buf_adds(out, v->text);
        break;
    case JSON_STRING:
        buf_add_json(out, v->text);
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        write_container(out, v, style, depth);
        break;
    }
}

void jout_json(jout *w, const char *key, const json *v)
{
    before(w, key);
    write_tree(w->out, v, w->style, w->depth);
}

void json_write(buf *out, const json *v, unsigned style)
{
    write_tree(out, v, style, 0);
}

char *json_text(const json *v, unsigned style)
{
    buf out;
    buf_init(&out, SIZE_MAX / 2);
    json_write(&out, v, style);
    return buf_take(&out);
}
