// SPDX-License-Identifier: Apache-2.0
// What parser and macros share.
#pragma once

#include "cel/ast.h"
#include "cel/lex.h"

enum { CEL_ARGS_MAX = 4096 };

typedef struct cel_parser cel_parser;
struct cel_parser {
    cel_program *program;
    cel_token token; // not yet used up
    uint32_t at;     // behind it
    uint32_t depth;  // of the parser's recursion
    uint32_t nodes;
    code failed;
    err *e;
};

typedef VEC(cel_node *) cel_nodes;

// Fails at the offset unless it has failed before; NULL.
cel_node *cel_parse_fail(cel_parser *p, uint32_t offset, const char *fmt, ...) ATTR_PRINTF(3, 4);
// A node with a copy of the arguments; NULL past a limit.
cel_node *cel_parse_node(cel_parser *p, cel_node_kind kind, uint32_t offset, cel_node *const *args,
                         size_t count);
// Replaces a call by what its macro stands for; the call itself when it is none.
cel_node *cel_expand_macro(cel_parser *p, cel_node *call);
