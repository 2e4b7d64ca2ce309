// SPDX-License-Identifier: Apache-2.0
// Source to program: parse, resolve, check, and prepare what literal arguments allow to.
#include "cel/eval.h"
#include "cel/regex.h"
#include "cel/zone.h"

static const cel_limits defaults = {
    .source_bytes = 4096, .depth = 200, .nodes = 4096, .regex_bytes = 262144, .cost = 1000000};

static void take_limits(cel_limits *l, const cel_limits *given)
{
    *l = defaults;
    if (!given)
        return;
    l->unchecked = given->unchecked;
    l->condition = given->condition;
    if (given->source_bytes)
        l->source_bytes = given->source_bytes;
    if (given->depth)
        l->depth = given->depth;
    if (given->nodes)
        l->nodes = given->nodes;
    if (given->regex_bytes)
        l->regex_bytes = given->regex_bytes;
    if (given->cost)
        l->cost = given->cost;
}

static void place(const cel_program *p, uint32_t offset, uint32_t *ret_line, uint32_t *ret_col)
{
    str before = str_sub(p->source, 0, offset), line;
    *ret_line = 1;
    while (str_cut(before, '\n', &line, &before) && (*ret_line)++ < UINT32_MAX)
        line = before;
    *ret_col = (uint32_t)utf8_len(line) + 1;
}

static code error_at(const cel_program *p, uint32_t offset, code c, err *e, str text)
{
    uint32_t line, col;
    err_set(e, c, STR_FMT, STR_ARG(text));
    place(p, offset, &line, &col);
    err_at(e, "expression", line, col);
    return c;
}

code cel_error_at(const cel_program *p, uint32_t offset, code c, err *e, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    return error_at(p, offset, c, e, str_from(text));
}

code cel_value_error(const cel_program *p, const cel_value *v, err *e)
{
    return v->kind == CEL_ERROR ? error_at(p, v->offset, CEL_FAILED, e, v->s) : OK;
}

code cel_eval_condition(const cel_program *p, arena *a, const cel_activation *activation,
                        bool *ret_holds, err *e)
{
    cel_value v = cel_eval(p, a, activation);
    *ret_holds = v.kind == CEL_BOOL && v.b;
    if (v.kind == CEL_BOOL || v.kind == CEL_ERROR)
        return cel_value_error(p, &v, e);
    return cel_error_at(p, p->root->offset, CEL_FAILED, e, "a condition gives a bool, not " STR_FMT,
                        STR_ARG(cel_value_type(&v)->name));
}

static code prepare_regex(cel_program *p, cel_node *n, const cel_node *pattern, err *e)
{
    char why[128];
    str s = pattern->value.s;
    cel_regex *r = cel_regex_new(s.ptr, s.len, p->limits.regex_bytes, why);
    if (!r) {
        cel_error_at(p, pattern->offset, CEL_SYNTAX, e, "the pattern can't be used: %s", why);
        err_hint(e, "patterns are RE2's: no look-around, no back-references");
        return CEL_SYNTAX;
    }
    vec_push(&p->regexes, r);
    n->regex = r;
    return OK;
}

static code prepare_zone(cel_program *p, cel_node *n, const cel_node *name, err *e)
{
    n->zone = cel_zone_load(&p->arena, name->value.s);
    if (n->zone)
        return OK;
    cel_error_at(p, name->offset, CEL_NAME, e, "there is no time zone '" STR_FMT "'",
                 STR_ARG(str_sub(name->value.s, 0, 80)));
    err_hint(e, "write an offset such as '+02:00', or a name such as 'Europe/Berlin', which needs "
                "the package tzdata");
    return CEL_NAME;
}

static bool may_call(const cel_node *n, cel_fn *fn)
{
    for (const cel_overload *o = n->overloads ? n->overloads->first : NULL; o; o = o->next)
        if (o->fn == fn)
            return true;
    return false;
}

// What a literal argument allows to do once: compile its pattern, read its time zone.
static code prepare(cel_program *p, cel_node *n, err *e)
{
    const cel_node *argument = n->kind == NODE_CALL && n->arg_count == 2 ? n->args[1] : NULL;
    code c = OK;
    if (argument && argument->kind == NODE_LITERAL && argument->value.kind == CEL_STRING) {
        if (may_call(n, cel_matches))
            c = prepare_regex(p, n, argument, e);
        else if (may_call(n, cel_time_part))
            c = prepare_zone(p, n, argument, e);
    }
    for (uint32_t i = 0; i < n->arg_count && c == OK; i++)
        c = prepare(p, n->args[i], e);
    return c;
}

static code compile(cel_program *p, err *e)
{
    if (p->source.len > p->limits.source_bytes) {
        cel_error_at(p, 0, CEL_LIMIT, e, "the expression has %zu bytes, at most %u", p->source.len,
                     p->limits.source_bytes);
        err_hint(e, "split it in two");
        return CEL_LIMIT;
    }
    if (!utf8_valid(p->source))
        return cel_error_at(p, 0, CEL_SYNTAX, e, "the expression isn't UTF-8");
    code c = cel_parse(p, e);
    if (c != OK)
        return c;
    cel_resolve(p);
    p->type = cel_type_of(CEL_DYN);
    c = p->limits.unchecked ? OK : cel_check(p, e);
    return c == OK ? prepare(p, p->root, e) : c;
}

code cel_compile(const cel_env *env, str source, const cel_limits *limits,
                 cel_program **ret_program, err *e)
{
    cel_program *p = NEW(cel_program);
    arena_init(&p->arena);
    p->env = env;
    take_limits(&p->limits, limits);
    p->source = arena_str(&p->arena, source);
    code c = compile(p, e);
    if (c != OK) {
        cel_program_free(p);
        p = NULL;
    }
    *ret_program = p;
    return c;
}

void cel_program_free(cel_program *p)
{
    if (!p)
        return;
    VEC_FOREACH (&p->regexes, r)
        cel_regex_free(*r);
    vec_deinit(&p->regexes);
    arena_deinit(&p->arena);
    free(p);
}

const cel_type *cel_program_type(const cel_program *p)
{
    return p->type;
}
