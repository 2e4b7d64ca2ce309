// SPDX-License-Identifier: Apache-2.0
// The tree between parser, resolver, checker and evaluator, and the program that holds it.
#pragma once

#include "cel/cel.h"

typedef enum cel_node_kind {
    NODE_LITERAL,
    NODE_IDENT,    // name, until the resolver has made it one of the next three
    NODE_LOCAL,    // slot
    NODE_VARIABLE, // slot, of the program's variables
    NODE_UNKNOWN,  // name: nothing is declared so
    NODE_SELECT,   // args[0].name
    NODE_INDEX,    // args[0][args[1]]
    NODE_CALL,     // name(args), args[0].name(args[1]…) with `member`
    NODE_AND,
    NODE_OR,
    NODE_CONDITIONAL,
    NODE_LIST,
    NODE_MAP,      // args: key, value, key, value…
    NODE_OPTIONAL, // args[0], which may be absent: an element of a list, a value of a map
    NODE_MESSAGE,  // name{names[0]: args[0]…}
    NODE_COMPREHENSION,
} cel_node_kind;

// args[0] is evaluated outside, the rest with the variables names[0…var_count) bound.
typedef enum cel_comprehension {
    COMPREHEND_ALL,
    COMPREHEND_EXISTS,
    COMPREHEND_EXISTS_ONE,
    COMPREHEND_LIST, // args: range, [filter,] transform
    COMPREHEND_FILTER,
    COMPREHEND_MAP,     // args: range, [filter,] value; keys stay
    COMPREHEND_ENTRIES, // args: range, [filter,] map whose entries are added
    COMPREHEND_BIND,
    COMPREHEND_OPT_MAP,
    COMPREHEND_OPT_FLAT_MAP,
} cel_comprehension;

typedef struct cel_node cel_node;
typedef struct cel_overloads cel_overloads;
struct cel_node {
    cel_node_kind kind;
    uint32_t offset; // in the source
    uint32_t depth;
    uint32_t slot;
    bool member;   // a call with a receiver
    bool test;     // has(args[0].name)
    bool optional; // .? and [?
    uint8_t op;    // cel_comprehension
    uint8_t var_count;
    str name;
    const str *names;
    cel_value value;
    cel_node **args;
    uint32_t arg_count;
    const cel_overloads *overloads; // NODE_CALL; NULL when nothing has that name
    const struct cel_regex *regex;  // of matches() with a literal pattern
    const struct cel_zone *zone;    // of getHours() and its like with a literal zone
    const cel_type *type;           // of NODE_MESSAGE before the check
};

typedef struct cel_variable {
    str name;
    const cel_type *type;
} cel_variable;

struct cel_program {
    arena arena;
    const cel_env *env;
    cel_limits limits;
    str source;
    cel_node *root;
    const cel_type *type;
    const cel_variable **variables; // that the expression uses
    uint32_t variable_count;
    uint32_t slot_count;
    VEC(struct cel_regex *) regexes;
};

// Sets the error with line and column of the offset.
code cel_error_at(const cel_program *p, uint32_t offset, code c, err *e, const char *fmt, ...)
    ATTR_PRINTF(5, 6);

code cel_parse(cel_program *p, err *e);
void cel_resolve(cel_program *p);
code cel_check(cel_program *p, err *e);
