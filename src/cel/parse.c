// SPDX-License-Identifier: Apache-2.0
// Tokens to tree, by precedence. Recursion is bounded by limits.depth; so is the tree, whose chains
// (1 + 1 + …) are built without recursion. && and || are flat: a long condition isn't a deep one.
#include "cel/parse.h"

cel_node *cel_parse_fail(cel_parser *p, uint32_t offset, const char *fmt, ...)
{
    char text[256];
    va_list ap;
    if (p->failed != OK)
        return NULL;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    p->failed = cel_error_at(p->program, offset, CEL_SYNTAX, p->e, "%s", text);
    return NULL;
}

static cel_node *over_limit(cel_parser *p, uint32_t offset, const char *what, uint32_t max)
{
    if (p->failed == OK) {
        p->failed = cel_error_at(p->program, offset, CEL_LIMIT, p->e, "%s, at most %u", what, max);
        err_hint(p->e, "split the expression in two, or write it shorter");
    }
    return NULL;
}

cel_node *cel_parse_node(cel_parser *p, cel_node_kind kind, uint32_t offset, cel_node *const *args,
                         size_t count)
{
    const cel_limits *limits = &p->program->limits;
    if (p->failed != OK)
        return NULL;
    if (++p->nodes > limits->nodes)
        return over_limit(p, offset, "the expression has too many parts", limits->nodes);
    cel_node *n = ARENA_NEW(&p->program->arena, cel_node);
    n->kind = kind;
    n->offset = offset;
    n->depth = 1;
    n->arg_count = (uint32_t)count;
    n->args = arena_array(&p->program->arena, count, sizeof(*args));
    for (size_t i = 0; i < count; i++) {
        n->args[i] = args[i];
        if (args[i]->depth >= n->depth)
            n->depth = args[i]->depth + 1;
    }
    if (n->depth > limits->depth)
        return over_limit(p, offset, "the expression is nested too deeply", limits->depth);
    return n;
}

static void advance(cel_parser *p)
{
    p->token = cel_lex(&p->program->arena, p->program->source, &p->at);
    if (p->token.kind == TOKEN_BAD)
        cel_parse_fail(p, p->token.offset, STR_FMT, STR_ARG(p->token.text));
}

static bool at(const cel_parser *p, const char *punctuation)
{
    return p->failed == OK && p->token.kind == TOKEN_PUNCTUATION &&
           str_eq(p->token.text, str_from(punctuation));
}

static bool accept(cel_parser *p, const char *punctuation)
{
    if (!at(p, punctuation))
        return false;
    advance(p);
    return true;
}

static cel_node *unexpected(cel_parser *p, const char *wanted)
{
    if (p->token.kind == TOKEN_END)
        return cel_parse_fail(p, p->token.offset, "the expression ends where %s should follow",
                              wanted);
    return cel_parse_fail(p, p->token.offset, "'" STR_FMT "' stands where %s should",
                          STR_ARG(p->token.text), wanted);
}

static bool expect(cel_parser *p, const char *punctuation)
{
    char wanted[8];
    if (accept(p, punctuation))
        return true;
    snprintf(wanted, sizeof(wanted), "'%s'", punctuation);
    unexpected(p, wanted);
    return false;
}

static cel_node *parse_expr(cel_parser *p);

static cel_node *call_of(cel_parser *p, uint32_t offset, str name, cel_node *const *args,
                         size_t count)
{
    cel_node *n = cel_parse_node(p, NODE_CALL, offset, args, count);
    if (n)
        n->name = name;
    return n;
}

// Whether the word is one of the language's, or kept for other languages.
static bool reserved(str word)
{
    static const char *const words[] = {
        "in",      "as",  "break",  "const", "continue", "for",    "function",
        "else",    "if",  "import", "let",   "loop",     "return", "namespace",
        "package", "var", "void",   "while", "true",     "false",  "null"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq(word, str_from(words[i])))
            return true;
    return false;
}

// Expressions up to `close`, which is used up. With `optional`, ?x becomes a NODE_OPTIONAL.
static bool parse_items(cel_parser *p, const char *close, bool optional, cel_nodes *items)
{
    while (p->failed == OK && !at(p, close)) {
        uint32_t offset = p->token.offset;
        bool maybe = optional && accept(p, "?");
        cel_node *item = parse_expr(p);
        if (item && maybe)
            item = cel_parse_node(p, NODE_OPTIONAL, offset, &item, 1);
        if (!item)
            return false;
        vec_push(items, item);
        if (!accept(p, ","))
            break;
        if (str_eq(str_from(close), STR(")")) && at(p, close))
            unexpected(p, "an argument");
    }
    return expect(p, close);
}

static cel_node *parse_list(cel_parser *p, uint32_t offset)
{
    cel_nodes items = {0};
    cel_node *n = NULL;
    if (parse_items(p, "]", true, &items))
        n = cel_parse_node(p, NODE_LIST, offset, items.ptr, items.len);
    vec_deinit(&items);
    return n;
}

static bool parse_entry(cel_parser *p, cel_nodes *items)
{
    uint32_t offset = p->token.offset;
    bool maybe = accept(p, "?");
    cel_node *key = parse_expr(p);
    if (!key || !expect(p, ":"))
        return false;
    cel_node *value = parse_expr(p);
    if (value && maybe)
        value = cel_parse_node(p, NODE_OPTIONAL, offset, &value, 1);
    if (!value)
        return false;
    vec_push(items, key);
    vec_push(items, value);
    return true;
}

static cel_node *parse_map(cel_parser *p, uint32_t offset)
{
    cel_nodes items = {0};
    cel_node *n = NULL;
    while (!at(p, "}") && parse_entry(p, &items))
        if (!accept(p, ","))
            break;
    if (p->failed == OK && expect(p, "}"))
        n = cel_parse_node(p, NODE_MAP, offset, items.ptr, items.len);
    vec_deinit(&items);
    return n;
}

static bool parse_field(cel_parser *p, cel_nodes *items, str *ret_name)
{
    uint32_t offset = p->token.offset;
    bool maybe = accept(p, "?");
    if (p->token.kind != TOKEN_IDENT && p->token.kind != TOKEN_QUOTED) {
        unexpected(p, "a field's name");
        return false;
    }
    *ret_name = p->token.text;
    advance(p);
    cel_node *value = expect(p, ":") ? parse_expr(p) : NULL;
    if (value && maybe)
        value = cel_parse_node(p, NODE_OPTIONAL, offset, &value, 1);
    if (value)
        vec_push(items, value);
    return value != NULL;
}

// The dotted name of a chain of fields, or the empty slice.
static str dotted(cel_parser *p, const cel_node *n)
{
    if (n->kind == NODE_IDENT)
        return n->name;
    if (n->kind != NODE_SELECT || n->optional)
        return STR_NONE;
    str head = dotted(p, n->args[0]);
    return head.len ? arena_printf(&p->program->arena, STR_FMT "." STR_FMT, STR_ARG(head),
                                   STR_ARG(n->name))
                    : STR_NONE;
}

static cel_node *parse_message(cel_parser *p, const cel_node *name)
{
    cel_nodes items = {0};
    VEC(str) names = {0};
    str field;
    cel_node *n = NULL;
    while (!at(p, "}") && parse_field(p, &items, &field)) {
        vec_push(&names, field);
        if (!accept(p, ","))
            break;
    }
    if (p->failed == OK && expect(p, "}"))
        n = cel_parse_node(p, NODE_MESSAGE, name->offset, items.ptr, items.len);
    if (n) {
        str *kept = arena_array(&p->program->arena, names.len, sizeof(str));
        for (size_t i = 0; i < names.len; i++)
            kept[i] = names.ptr[i];
        n->name = dotted(p, name);
        n->names = kept;
    }
    vec_deinit(&names);
    vec_deinit(&items);
    return n;
}

// The call of `name` on what is in args already, after its '('.
static cel_node *parse_call(cel_parser *p, uint32_t offset, str name, cel_node *receiver)
{
    cel_nodes args = {0};
    cel_node *n = NULL;
    if (receiver)
        vec_push(&args, receiver);
    if (parse_items(p, ")", false, &args))
        n = call_of(p, offset, name, args.ptr, args.len);
    vec_deinit(&args);
    if (!n)
        return NULL;
    n->member = receiver != NULL;
    return cel_expand_macro(p, n);
}

static cel_node *parse_ident(cel_parser *p, bool root)
{
    cel_token t = p->token;
    if (t.kind != TOKEN_IDENT || reserved(t.text)) {
        unexpected(p, "a name");
        if (t.kind == TOKEN_IDENT && p->failed == CEL_SYNTAX)
            err_hint(p->e, "'" STR_FMT "' is a reserved word: choose another name",
                     STR_ARG(t.text));
        return NULL;
    }
    str name = t.text;
    if (root)
        name = arena_printf(&p->program->arena, "." STR_FMT, STR_ARG(name));
    advance(p);
    if (accept(p, "("))
        return parse_call(p, t.offset, name, NULL);
    cel_node *n = cel_parse_node(p, NODE_IDENT, t.offset, NULL, 0);
    if (n)
        n->name = name;
    return n;
}

static cel_node *literal(cel_parser *p, uint32_t offset, cel_value v)
{
    cel_node *n = cel_parse_node(p, NODE_LITERAL, offset, NULL, 0);
    if (n)
        n->value = v;
    return n;
}

// A literal after `minus` minus signs or none; the token is a literal.
static cel_node *parse_literal(cel_parser *p, bool minus)
{
    cel_token t = p->token;
    cel_value v = t.value;
    if (t.lowest && !minus)
        return cel_parse_fail(p, t.offset, "the number is out of an int's range");
    if (minus && v.kind == CEL_INT && !t.lowest)
        v.i = -v.i;
    else if (minus && v.kind == CEL_DOUBLE)
        v.d = -v.d;
    advance(p);
    return literal(p, t.offset, v);
}

static cel_node *parse_primary(cel_parser *p)
{
    uint32_t offset = p->token.offset;
    str word = p->token.kind == TOKEN_IDENT ? p->token.text : STR_NONE;
    if (p->token.kind == TOKEN_LITERAL)
        return parse_literal(p, false);
    bool is_true = str_eq(word, STR("true"));
    if (is_true || str_eq(word, STR("false")) || str_eq(word, STR("null"))) {
        cel_value v = str_eq(word, STR("null")) ? cel_null() : cel_bool(is_true);
        advance(p);
        return literal(p, offset, v);
    }
    if (word.len)
        return parse_ident(p, false);
    if (accept(p, "."))
        return parse_ident(p, true);
    if (accept(p, "["))
        return parse_list(p, offset);
    if (accept(p, "{"))
        return parse_map(p, offset);
    if (!accept(p, "("))
        return unexpected(p, "a value");
    cel_node *n = parse_expr(p);
    return n && expect(p, ")") ? n : NULL;
}

static cel_node *parse_select(cel_parser *p, cel_node *of)
{
    bool optional = accept(p, "?");
    cel_token t = p->token;
    if (t.kind != TOKEN_QUOTED &&
        (t.kind != TOKEN_IDENT || str_eq(t.text, STR("in")) || str_eq(t.text, STR("true")) ||
         str_eq(t.text, STR("false")) || str_eq(t.text, STR("null"))))
        return unexpected(p, "a field's name");
    advance(p);
    if (t.kind == TOKEN_IDENT && !optional && accept(p, "("))
        return parse_call(p, t.offset, t.text, of);
    cel_node *n = cel_parse_node(p, NODE_SELECT, t.offset, &of, 1);
    if (n) {
        n->name = t.text;
        n->optional = optional;
    }
    return n;
}

static cel_node *parse_index(cel_parser *p, cel_node *of, uint32_t offset)
{
    bool optional = accept(p, "?");
    cel_node *args[2] = {of, parse_expr(p)};
    if (!args[1] || !expect(p, "]"))
        return NULL;
    cel_node *n = cel_parse_node(p, NODE_INDEX, offset, args, 2);
    if (n)
        n->optional = optional;
    return n;
}

static cel_node *parse_member(cel_parser *p, cel_node *n)
{
    while (n && p->failed == OK) {
        uint32_t offset = p->token.offset;
        if (accept(p, "."))
            n = parse_select(p, n);
        else if (accept(p, "["))
            n = parse_index(p, n, offset);
        else if (at(p, "{") && dotted(p, n).len && (advance(p), true))
            n = parse_message(p, n);
        else
            break;
    }
    return p->failed == OK ? n : NULL;
}

static bool at_number(const cel_parser *p)
{
    return p->token.kind == TOKEN_LITERAL &&
           (p->token.value.kind == CEL_INT || p->token.value.kind == CEL_DOUBLE);
}

static cel_node *parse_unary(cel_parser *p)
{
    uint32_t offset = p->token.offset;
    bool minus = at(p, "-");
    cel_node *n;
    if (p->failed != OK)
        return NULL;
    if (!minus && !at(p, "!"))
        return parse_member(p, parse_primary(p));
    advance(p);
    if (minus && at_number(p))
        return parse_member(p, parse_literal(p, true));
    if (++p->depth > p->program->limits.depth)
        return over_limit(p, offset, "the expression is nested too deeply",
                          p->program->limits.depth);
    n = parse_unary(p);
    p->depth--;
    return n ? call_of(p, offset, minus ? STR("-_") : STR("!_"), &n, 1) : NULL;
}

// The operator at the token, if its precedence is `level`: 0 relations, 1 sums, 2 products.
static str operator_at(const cel_parser *p, int level)
{
    static const struct {
        const char *text;
        str name;
        int level;
    } operators[] = {{"==", STR("_==_"), 0}, {"!=", STR("_!=_"), 0}, {"<", STR("_<_"), 0},
                     {"<=", STR("_<=_"), 0}, {">", STR("_>_"), 0},   {">=", STR("_>=_"), 0},
                     {"in", STR("@in"), 0},  {"+", STR("_+_"), 1},   {"-", STR("_-_"), 1},
                     {"*", STR("_*_"), 2},   {"/", STR("_/_"), 2},   {"%", STR("_%_"), 2}};
    if (p->token.kind != TOKEN_PUNCTUATION && p->token.kind != TOKEN_IDENT)
        return STR_NONE;
    for (size_t i = 0; i < ARRAY_LEN(operators); i++)
        if (operators[i].level == level && str_eq(p->token.text, str_from(operators[i].text)))
            return operators[i].name;
    return STR_NONE;
}

static cel_node *parse_binary(cel_parser *p, int level)
{
    cel_node *n = level > 2 ? parse_unary(p) : parse_binary(p, level + 1);
    while (n && level <= 2 && p->failed == OK) {
        str name = operator_at(p, level);
        uint32_t offset = p->token.offset;
        if (!name.len)
            break;
        advance(p);
        cel_node *args[2] = {n, parse_binary(p, level + 1)};
        n = args[1] ? call_of(p, offset, name, args, 2) : NULL;
    }
    return p->failed == OK ? n : NULL;
}

static cel_node *parse_logic(cel_parser *p, bool either)
{
    cel_nodes args = {0};
    uint32_t offset = p->token.offset;
    cel_node *n;
    do {
        n = either ? parse_logic(p, false) : parse_binary(p, 0);
        if (n)
            vec_push(&args, n);
    } while (n && accept(p, either ? "||" : "&&"));
    if (n && args.len > 1)
        n = cel_parse_node(p, either ? NODE_OR : NODE_AND, offset, args.ptr, args.len);
    vec_deinit(&args);
    return p->failed == OK ? n : NULL;
}

static cel_node *parse_expr(cel_parser *p)
{
    uint32_t offset = p->token.offset;
    if (++p->depth > p->program->limits.depth)
        return over_limit(p, offset, "the expression is nested too deeply",
                          p->program->limits.depth);
    cel_node *n = parse_logic(p, true);
    offset = p->token.offset;
    if (n && accept(p, "?")) {
        cel_node *args[3] = {n, parse_logic(p, true), NULL};
        if (args[1] && expect(p, ":"))
            args[2] = parse_expr(p);
        n = args[2] ? cel_parse_node(p, NODE_CONDITIONAL, offset, args, 3) : NULL;
    }
    p->depth--;
    return p->failed == OK ? n : NULL;
}

code cel_parse(cel_program *program, err *e)
{
    cel_parser p = {.program = program, .e = e};
    advance(&p);
    program->root = parse_expr(&p);
    if (p.failed == OK && p.token.kind != TOKEN_END)
        unexpected(&p, "an operator or the end");
    return p.failed;
}
