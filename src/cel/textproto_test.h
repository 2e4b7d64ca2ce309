// SPDX-License-Identifier: Apache-2.0
// A reader of protobuf's text format, as far as cel-spec's test data uses it.
#pragma once

#include "base/base.h"

typedef struct pb_field pb_field;
typedef struct pb_message {
    pb_field *first;
    pb_field *last;
} pb_message;
struct pb_field {
    pb_field *next;
    str name;        // of an expanded Any its [type.url]
    str text;        // a scalar; a string without quotes and escapes
    pb_message *sub; // or a message
};

typedef struct pb_reader {
    arena *arena;
    str rest;
} pb_reader;

static inline void pb_blank(pb_reader *r)
{
    for (;;) {
        r->rest = str_trim(r->rest);
        if (r->rest.len && strchr(",;", r->rest.ptr[0])) {
            r->rest = str_skip(r->rest, 1);
        } else if (str_starts(r->rest, STR("#"))) {
            str line;
            str_cut(r->rest, '\n', &line, &r->rest);
        } else {
            return;
        }
    }
}

static inline bool pb_take(pb_reader *r, char c)
{
    pb_blank(r);
    bool there = r->rest.len && r->rest.ptr[0] == c;
    if (there)
        r->rest = str_skip(r->rest, 1);
    return there;
}

static inline size_t pb_number(str s, size_t max_digits, int base, uint32_t *ret)
{
    char text[16] = {0}, *end;
    memcpy(text, s.ptr, s.len < max_digits ? s.len : max_digits);
    *ret = (uint32_t)strtoul(text, &end, base);
    return (size_t)(end - text);
}

// One escape behind its backslash; the bytes it took.
static inline size_t pb_escape(str s, buf *out)
{
    static const char letters[] = "abfnrtv", stand_for[] = "\a\b\f\n\r\t\v";
    const char *at = strchr(letters, s.ptr[0]);
    uint32_t v;
    char utf8[4];
    if (at) {
        buf_addc(out, stand_for[at - letters]);
        return 1;
    }
    if (s.ptr[0] >= '0' && s.ptr[0] <= '7') {
        size_t n = pb_number(s, 3, 8, &v);
        buf_addc(out, (char)v);
        return n;
    }
    if (strchr("xXuU", s.ptr[0])) {
        size_t digits = s.ptr[0] == 'U' ? 8 : s.ptr[0] == 'u' ? 4 : 2;
        size_t n = pb_number(str_skip(s, 1), digits, 16, &v);
        if (digits == 2)
            buf_addc(out, (char)v);
        else
            buf_add(out, utf8, utf8_encode(v, utf8));
        return n + 1;
    }
    buf_addc(out, s.ptr[0]);
    return 1;
}

// Adjacent strings are one.
static inline str pb_string(pb_reader *r)
{
    buf out;
    buf_init(&out, 1 << 20);
    for (pb_blank(r); r->rest.len && (r->rest.ptr[0] == '"' || r->rest.ptr[0] == '\'');
         pb_blank(r)) {
        char quote = r->rest.ptr[0];
        r->rest = str_skip(r->rest, 1);
        while (r->rest.len && r->rest.ptr[0] != quote) {
            bool escaped = r->rest.ptr[0] == '\\';
            if (!escaped)
                buf_addc(&out, r->rest.ptr[0]);
            r->rest = str_skip(r->rest, 1);
            if (escaped)
                r->rest = str_skip(r->rest, pb_escape(r->rest, &out));
        }
        r->rest = str_skip(r->rest, 1);
    }
    str s = arena_str(r->arena, buf_str(&out));
    buf_deinit(&out);
    return s;
}

static inline str pb_word(pb_reader *r)
{
    size_t n = 0;
    pb_blank(r);
    while (n < r->rest.len && (ascii_is_alnum(r->rest.ptr[n]) || strchr("_.+-/", r->rest.ptr[n])))
        n++;
    str word = str_sub(r->rest, 0, n);
    r->rest = str_skip(r->rest, n);
    return word;
}

static inline pb_message *pb_read(pb_reader *r);

static inline bool pb_value(pb_reader *r, pb_field *f)
{
    if (pb_take(r, '{')) {
        f->sub = pb_read(r);
        return f->sub && pb_take(r, '}');
    }
    pb_blank(r);
    if (r->rest.len && (r->rest.ptr[0] == '"' || r->rest.ptr[0] == '\''))
        f->text = pb_string(r);
    else
        f->text = pb_word(r);
    return f->sub || f->text.ptr;
}

static inline void pb_append(pb_message *m, pb_field *f)
{
    if (m->last)
        m->last->next = f;
    else
        m->first = f;
    m->last = f;
}

// The fields up to a closing brace or the end; NULL when malformed.
static inline pb_message *pb_read(pb_reader *r)
{
    pb_message *m = ARENA_NEW(r->arena, pb_message);
    for (pb_blank(r); r->rest.len && r->rest.ptr[0] != '}'; pb_blank(r)) {
        pb_field *f = ARENA_NEW(r->arena, pb_field);
        bool any = pb_take(r, '[');
        f->name = pb_word(r);
        if (!f->name.len || (any && !pb_take(r, ']')))
            return NULL;
        pb_take(r, ':');
        if (pb_take(r, '[')) { // a list of values is the field many times
            while (!pb_take(r, ']')) {
                pb_field *item = ARENA_NEW(r->arena, pb_field);
                item->name = f->name;
                if (!r->rest.len || !pb_value(r, item))
                    return NULL;
                pb_append(m, item);
            }
            continue;
        }
        if (!pb_value(r, f))
            return NULL;
        pb_append(m, f);
    }
    return m;
}

static inline const pb_field *pb_get(const pb_message *m, const char *name)
{
    for (const pb_field *f = m ? m->first : NULL; f; f = f->next)
        if (str_eq(f->name, str_from(name)))
            return f;
    return NULL;
}

static inline const pb_message *pb_sub(const pb_message *m, const char *name)
{
    const pb_field *f = pb_get(m, name);
    return f ? f->sub : NULL;
}

static inline str pb_text(const pb_message *m, const char *name)
{
    const pb_field *f = pb_get(m, name);
    return f ? f->text : STR_NONE;
}
