// SPDX-License-Identifier: Apache-2.0
// The values of options, from wherever they come.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/data_suggest.h"
#include "data/option_table.h"

typedef struct slot {
    const option_row *row;
    option_source from;
    char *origin; // NULL: the default
    str_list texts;
} slot;

struct option_values {
    const command_spec *spec;
    arena arena;
    VEC(slot) values;
    str_list args;
};

static const option_row help_row = {
    .name = "help", .letter = 'h', .kind = OPTION_FLAG, .help = "Show this help"};

const option_row *table_next(const option_row *const *tables, size_t *cursor)
{
    size_t skip = (*cursor)++;
    for (; tables && *tables; tables++)
        for (const option_row *row = *tables; row->name; row++)
            if (skip-- == 0)
                return row;
    return skip == 0 ? &help_row : NULL;
}

bool option_takes_value(const option_row *row)
{
    return row->kind != OPTION_FLAG;
}

const char *option_value_name(const option_row *row)
{
    static const char *const names[] = {"", "TEXT", "N", "DURATION", "SIZE", "CHOICE"};
    if (row->value)
        return row->value;
    return row->kind == OPTION_CHOICE ? row->choices : names[row->kind];
}

bool choice_next(const char **rest, str *ret_choice)
{
    if (!*rest || !**rest)
        return false;
    str all = str_from(*rest), tail;
    str_cut(all, '|', ret_choice, &tail);
    *rest = tail.ptr && tail.len ? tail.ptr : "";
    return true;
}

option_values *options_new(const command_spec *c)
{
    option_values *o = NEW(option_values);
    o->spec = c;
    arena_init(&o->arena);
    size_t cursor = 0;
    for (const option_row *row; (row = table_next(c->tables, &cursor));) {
        slot v = {.row = row};
        if (row->def)
            vec_push(&v.texts, str_from(row->def));
        vec_push(&o->values, v);
    }
    return o;
}

void options_free(option_values *o)
{
    if (!o)
        return;
    VEC_FOREACH (&o->values, v) {
        vec_deinit(&v->texts);
        free(v->origin);
    }
    vec_deinit(&o->values);
    vec_deinit(&o->args);
    arena_deinit(&o->arena);
    free(o);
}

const command_spec *options_spec(const option_values *o)
{
    return o->spec;
}

void option_add_arg(option_values *o, str arg)
{
    vec_push(&o->args, arg);
}

const option_row *option_find(const option_values *o, str name)
{
    VEC_FOREACH (&o->values, v) {
        if (str_eq(name, str_from(v->row->name)))
            return v->row;
    }
    return NULL;
}

const option_row *option_find_letter(const option_values *o, char letter)
{
    VEC_FOREACH (&o->values, v) {
        if (v->row->letter == letter)
            return v->row;
    }
    return NULL;
}

// ---- Checking a text

static bool parse_bool(str text, bool *ret_value)
{
    static const char *const words[] = {"0", "1", "false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (!str_ieq(text, str_from(words[i])))
            continue;
        *ret_value = i % 2;
        return true;
    }
    return false;
}

static bool parse_bytes(str text, int64_t *ret_value)
{
    static const char units[] = "kmgt";
    int shift = 0;
    for (int i = 0; text.len && units[i]; i++)
        if (ascii_lower(text.ptr[text.len - 1]) == units[i])
            shift = (i + 1) * 10;
    if (shift)
        text.len--;
    uint64_t number;
    if (!str_to_u64(text, &number) || number > (uint64_t)INT64_MAX >> shift)
        return false;
    *ret_value = (int64_t)(number << shift);
    return true;
}

static bool parse_number(const option_row *row, str text, int64_t *ret_value)
{
    uint64_t ms;
    if (row->kind == OPTION_INT)
        return str_to_i64(text, ret_value);
    if (row->kind == OPTION_BYTES)
        return parse_bytes(text, ret_value);
    if (!clock_parse_duration(text, &ms))
        return false;
    *ret_value = (int64_t)ms;
    return true;
}

static code wrong(const option_row *row, option_source from, const char *origin, err *e,
                  const char *fmt, ...) ATTR_PRINTF(5, 6);
static code wrong(const option_row *row, option_source from, const char *origin, err *e,
                  const char *fmt, ...)
{
    char what[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    code c = from == OPTION_FROM_FILE ? DATA_VALUE : OPTION_INVALID;
    return err_set(e, c, "%s: %s", from == OPTION_FROM_FILE ? row->key : origin, what);
}

// The form of the values that are right.
static code hint_form(const option_row *row, err *e)
{
    long long min = row->min, max = row->max;
    if (row->kind == OPTION_FLAG)
        return err_hint(e, "write --%s or --no-%s", row->name, row->name);
    if (row->kind == OPTION_CHOICE)
        return err_hint(e, "choose one of them: --%s %.*s", row->name,
                        (int)strcspn(row->choices, "|"), row->choices);
    if (row->kind == OPTION_INT && (min || max))
        return err_hint(e, "write a whole number from %lld to %lld", min, max);
    if (row->kind == OPTION_INT)
        return err_hint(e, "write a whole number, 0 or more");
    if (row->kind == OPTION_BYTES)
        return err_hint(e, "write 512, 64k or 10M");
    return err_hint(e, "write a time with its unit: 500ms, 90s, 5m or 1h");
}

static code check_choice(const option_row *row, option_source from, str text, const char *origin,
                         err *e)
{
    const char *rest = row->choices, *names[32];
    char copies[32][32];
    size_t n = 0;
    if (row->optional && text.len == 0)
        return OK;
    for (str choice; choice_next(&rest, &choice) && n < ARRAY_LEN(names); n++) {
        if (str_eq(choice, text))
            return OK;
        snprintf(copies[n], sizeof(copies[n]), STR_FMT, STR_ARG(choice));
        names[n] = copies[n];
    }
    code c =
        wrong(row, from, origin, e, "'" STR_FMT "' is not one of %s", STR_ARG(text), row->choices);
    const char *near = suggest(text, names, n);
    if (e && near)
        err_hint(e, "did you mean '%s'?", near);
    return c;
}

static code check_number(const option_row *row, option_source from, str text, const char *origin,
                         err *e)
{
    static const char *const forms[] = {[OPTION_INT] = "a whole number",
                                        [OPTION_DURATION] = "a duration such as 90s, 5m or 1h",
                                        [OPTION_BYTES] = "a size such as 512, 64k or 10M"};
    int64_t value;
    if (!parse_number(row, text, &value))
        return wrong(row, from, origin, e, "'" STR_FMT "' is not %s", STR_ARG(text),
                     forms[row->kind]);
    const char *unit = row->kind == OPTION_DURATION ? " ms" : "";
    if (row->min == 0 && row->max == 0 && value < 0)
        return wrong(row, from, origin, e, "'" STR_FMT "' is negative", STR_ARG(text));
    if ((row->min || row->max) && (value < row->min || value > row->max))
        return wrong(row, from, origin, e, "'" STR_FMT "' is outside %lld … %lld%s", STR_ARG(text),
                     (long long)row->min, (long long)row->max, unit);
    return OK;
}

static code check(const option_row *row, option_source from, str text, const char *origin, err *e)
{
    bool flag;
    switch (row->kind) {
    case OPTION_FLAG:
        return parse_bool(text, &flag)
                   ? OK
                   : wrong(row, from, origin, e, "'" STR_FMT "' is neither true nor false",
                           STR_ARG(text));
    case OPTION_TEXT:
        return OK;
    case OPTION_CHOICE:
        return check_choice(row, from, text, origin, e);
    case OPTION_INT:
    case OPTION_DURATION:
    case OPTION_BYTES:
        break;
    }
    return check_number(row, from, text, origin, e);
}

// ---- Setting

static slot *slot_of(const option_values *o, const option_row *row)
{
    VEC_FOREACH (&o->values, v) {
        if (v->row == row)
            return v;
    }
    return NULL;
}

static code set_one(slot *v, option_source from, str text, const char *origin, err *e)
{
    if (check(v->row, from, text, origin, e) != OK)
        return hint_form(v->row, e);
    if (from >= v->from)
        vec_push(&v->texts, text);
    return OK;
}

code option_set(option_values *o, const option_row *row, option_source from, str text,
                const char *origin, err *e)
{
    slot *v = slot_of(o, row);
    if (from > v->from) { // what a lower rank said is forgotten
        vec_reset(&v->texts);
        v->from = from;
        free(v->origin);
        v->origin = mem_dup(origin);
    }
    if (!row->comma)
        return set_one(v, from, text, origin, e);
    code c = OK;
    for (str part; c == OK && str_next(&text, ',', &part);)
        if (str_trim(part).len)
            c = set_one(v, from, str_trim(part), origin, e);
    return c;
}

code options_env(option_values *o, const char *(*get)(const char *name), err *e)
{
    VEC_FOREACH (&o->values, v) {
        const char *name = v->row->env;
        const char *text = name ? (get ? get(name) : getenv(name)) : NULL;
        if (!text || !*text)
            continue;
        code c = option_set(o, v->row, OPTION_FROM_ENV, str_from(text), name, e);
        if (c != OK)
            return c;
    }
    return OK;
}

static code set_json(option_values *o, const option_row *row, const json *v, err *e)
{
    if (row->kind == OPTION_FLAG ? v->type != JSON_BOOL
                                 : v->type != JSON_STRING && v->type != JSON_NUMBER)
        return json_err(v, e, DATA_TYPE, "must be %s, not %s",
                        row->kind == OPTION_FLAG ? "true or false" : "a string or a number",
                        json_type_name(v->type));
    str text = v->type == JSON_BOOL ? (v->boolean ? STR("true") : STR("false")) : v->text;
    char origin[320];
    snprintf(origin, sizeof(origin), "%s:%u:%u", v->file ? v->file : "", v->line, v->col);
    code c = option_set(o, row, OPTION_FROM_FILE, text, origin, e);
    if (c != OK && e)
        err_at(e, v->file, v->line, v->col);
    return c;
}

static code check_keys(const option_values *o, const json *root, err *e)
{
    VEC(const char *) keys = {0};
    VEC_FOREACH (&o->values, v) {
        if (v->row->key)
            vec_push(&keys, v->row->key);
    }
    code c = json_known(root, keys.ptr, keys.len, e);
    vec_deinit(&keys);
    return c;
}

static code set_member(option_values *o, slot *v, const json *member, err *e)
{
    if (v->from == OPTION_FROM_FILE) // another file's list isn't added to
        v->from = OPTION_DEFAULT;
    if (!v->row->repeat || member->type != JSON_ARRAY)
        return set_json(o, v->row, member, e);
    code c = OK;
    for (const json *m = member->first; m && c == OK; m = m->next)
        c = set_json(o, v->row, m, e);
    return c;
}

code options_file(option_values *o, const json *root, err *e)
{
    code c = check_keys(o, root, e);
    VEC_FOREACH (&o->values, v) {
        const json *member = v->row->key && c == OK ? json_get(root, v->row->key) : NULL;
        if (member && member->type != JSON_NULL)
            c = set_member(o, v, member, e);
    }
    return c;
}

// ---- Asking

static const slot *ask(const option_values *o, const char *name)
{
    const option_row *row = option_find(o, str_from(name));
    if (!row) {
        fprintf(stderr, "gatepost: the command '%s' has no option '%s'\n", o->spec->name, name);
        abort();
    }
    return slot_of(o, row);
}

bool option_is_set(const option_values *o, const char *name)
{
    return ask(o, name)->from != OPTION_DEFAULT;
}

bool option_flag(const option_values *o, const char *name)
{
    str text = option_text(o, name);
    bool flag = false;
    return text.len && parse_bool(text, &flag) && flag;
}

str option_text(const option_values *o, const char *name)
{
    const slot *v = ask(o, name);
    return v->texts.len ? *vec_last(&v->texts) : STR_NONE;
}

const char *option_cstr(const option_values *o, const char *name)
{
    str text = option_text(o, name);
    return text.ptr; // texts come from argv, getenv, tables and trees: each ends with a NUL
}

int64_t option_int(const option_values *o, const char *name)
{
    const slot *v = ask(o, name);
    int64_t number = 0;
    if (v->texts.len && !parse_number(v->row, *vec_last(&v->texts), &number)) {
        fprintf(stderr, "gatepost: the option '%s' is no number\n", name);
        abort();
    }
    return number;
}

const str_list *option_list(const option_values *o, const char *name)
{
    return &ask(o, name)->texts;
}

const str_list *option_args(const option_values *o)
{
    return &o->args;
}

const char *option_origin(const option_values *o, const char *name)
{
    const slot *v = ask(o, name);
    return v->origin ? v->origin : "default";
}
