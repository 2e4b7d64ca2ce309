// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>

#include "data/charset.h"
#include "data/data.h"
#include "data/tree.h"

enum { COLUMNS_MAX = 10000 };

typedef struct reader reader;
struct reader {
    arena *a;
    json_opts opts;
    str rest;
    uint32_t line, col;
    buf field;
    bool as_text;  // nothing becomes a number
    bool quoted;   // the field stood in quotes
    bool row_ends; // after the field
    err *e;
};

static code fail(reader *r, code c, const char *what)
{
    err_set(r->e, c, "%s", what);
    return err_at(r->e, r->opts.file, r->line, r->col);
}

// ---- fields

static char look(const reader *r)
{
    return r->rest.len ? r->rest.ptr[0] : 0;
}

static void step(reader *r)
{
    bool cr_alone = look(r) == '\r' && !str_starts(r->rest, STR("\r\n"));
    if (look(r) == '\n' || cr_alone) {
        r->line++;
        r->col = 1;
    } else if ((look(r) & 0xc0) != 0x80) {
        r->col++; // in characters: not for the bytes that continue one
    }
    r->rest = str_skip(r->rest, 1);
}

static bool at_row_end(const reader *r)
{
    return !r->rest.len || look(r) == '\n' || look(r) == '\r';
}

static bool at_blank(const reader *r)
{
    return r->rest.len && (look(r) == ' ' || look(r) == '\t' || look(r) == '\f');
}

static void skip_blanks(reader *r)
{
    while (at_blank(r))
        step(r);
}

static code read_quoted(reader *r)
{
    uint32_t line = r->line, col = r->col;
    step(r);
    for (;; step(r)) {
        if (!r->rest.len) {
            r->line = line;
            r->col = col;
            fail(r, DATA_SYNTAX, "this quote is never closed");
            return err_hint(r->e, "a quote within quotes is written twice: \"\"");
        }
        if (look(r) == '"') {
            step(r);
            if (look(r) != '"')
                break;
        }
        buf_addc(&r->field, look(r));
    }
    skip_blanks(r);
    if (at_row_end(r) || look(r) == ',')
        return OK;
    fail(r, DATA_SYNTAX, "only a comma or the end of the line may follow a closing quote");
    return err_hint(r->e, "a quote within quotes is written twice: \"\"");
}

static code read_field(reader *r)
{
    code c = OK;
    buf_reset(&r->field);
    skip_blanks(r);
    r->quoted = look(r) == '"';
    if (r->quoted) {
        c = read_quoted(r);
    } else {
        for (; !at_row_end(r) && look(r) != ','; step(r))
            buf_addc(&r->field, look(r));
        buf_truncate(&r->field, str_trim(buf_str(&r->field)).len);
    }
    r->row_ends = at_row_end(r);
    if (str_starts(r->rest, STR("\r\n")))
        step(r);
    if (r->rest.len && c == OK)
        step(r);
    return c;
}

// ---- values

// What JavaScript reads as a finite decimal number: no hexadecimal, no "nan", no blank.
static bool to_number(str text, double *ret)
{
    char copy[400], *end;
    if (!text.len || text.len >= sizeof(copy))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!ascii_is_digit(text.ptr[i]) && !strchr("+-.eE", text.ptr[i]))
            return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = 0;
    *ret = strtod(copy, &end);
    return !*end && isfinite(*ret);
}

static json *value_of(reader *r)
{
    double number;
    str text = buf_str(&r->field);
    if (r->quoted || r->as_text || !to_number(text, &number))
        return json_new_str(r->a, text);
    buf b;
    buf_init(&b, 64);
    jout w = jout_new(&b, JSON_COMPACT);
    jout_f64(&w, NULL, number);
    json *v = json_new(r->a, JSON_NUMBER);
    v->text = arena_str(r->a, buf_str(&b));
    buf_deinit(&b);
    return v;
}

static void place(json *v, const reader *r, uint32_t line, uint32_t col)
{
    v->file = r->opts.file;
    v->line = line;
    v->col = col;
}

// ---- rows

static code read_names(reader *r, str names[COLUMNS_MAX], size_t *ret_count)
{
    size_t count = 0;
    do {
        if (count == COLUMNS_MAX)
            return fail(r, DATA_LIMIT, "the first row has more than 10000 columns");
        code c = read_field(r);
        if (c != OK)
            return c;
        names[count++] = arena_str(r->a, buf_str(&r->field));
    } while (!r->row_ends);
    *ret_count = count;
    return OK;
}

static code read_row(reader *r, const str *names, size_t count, json *row)
{
    size_t i = 0;
    do {
        uint32_t line = r->line, col = r->col;
        code c = read_field(r);
        if (c != OK)
            return c;
        if (i < count)
            place(tree_put(row, names[i++], value_of(r), r->a), r, line, col);
    } while (!r->row_ends);
    return OK;
}

static code read_rows(reader *r, json *rows)
{
    str *names = arena_array(r->a, COLUMNS_MAX, sizeof(str));
    size_t count = 0, values = 0;
    code c = r->rest.len ? read_names(r, names, &count) : OK;
    for (;;) {
        skip_blanks(r); // blanks alone at the end are no row
        if (c != OK || !r->rest.len)
            return c;
        json *row = json_push(rows, json_new(r->a, JSON_OBJECT));
        place(row, r, r->line, r->col);
        c = read_row(r, names, count, row);
        values += 1 + row->len;
        if (c == OK && values > r->opts.values_max)
            c = fail(r, DATA_LIMIT, "the file has too many values");
    }
}

CODE_CHECKED csv_parse(arena *a, str text, const json_opts *opts, bool as_text, json **ret_rows,
                       err *e)
{
    reader r = {.a = a,
                .opts = opts ? *opts : (json_opts){0},
                .line = 1,
                .col = 1,
                .as_text = as_text,
                .e = e};
    r.opts.bytes_max = r.opts.bytes_max ? r.opts.bytes_max : JSON_BYTES_MAX;
    r.opts.values_max = r.opts.values_max ? r.opts.values_max : JSON_VALUES_MAX;
    if (text.len > r.opts.bytes_max) {
        r.line = r.col = 0;
        return fail(&r, DATA_LIMIT, "the file is too large");
    }
    r.rest = charset_to_utf8(a, text);
    buf_init(&r.field, r.opts.bytes_max * 3);
    *ret_rows = json_new(a, JSON_ARRAY);
    code c = read_rows(&r, *ret_rows);
    buf_deinit(&r.field);
    return c;
}
