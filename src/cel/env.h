// SPDX-License-Identifier: Apache-2.0
// Declarations: what names mean. Functions of one name are tried in order of declaration.
#pragma once

#include "cel/ast.h"
#include "cel/type.h"

enum { CEL_FUNCTION_ARGS_MAX = 8 };

typedef struct cel_overload cel_overload;
struct cel_overload {
    const cel_overload *next;
    const cel_type *args[CEL_FUNCTION_ARGS_MAX]; // the receiver first
    uint8_t count;
    bool member;
    bool lazy; // gets arguments that are errors, but for the first
    const cel_type *result;
    cel_fn *fn;
    void *ctx;
};

struct cel_overloads {
    cel_overload *first;
    cel_overload *last;
};

struct cel_env {
    arena arena;
    str container;
    map variables; // name → cel_variable
    map functions; // name → cel_overloads
};

// A function's name as it is written: "+" for "_+_".
str cel_plain_name(str name);

// One row of such a table, for macros that make several.
#define CEL_ROW(name, signature, fn, ctx)                                                          \
    {                                                                                              \
        name, signature, fn, ctx                                                                   \
    }

// Tables of functions, in the order of their file names; each ends with a row without a name. With
// "lazy " in front of its signature a function gets errors as arguments, but for the first.
extern const cel_function cel_convert_functions[];
extern const cel_function cel_encode_functions[];
extern const cel_function cel_math_functions[];
extern const cel_function cel_network_functions[];
extern const cel_function cel_operator_functions[];
extern const cel_function cel_optional_functions[];
extern const cel_function cel_string_functions[];
extern const cel_function cel_time_functions[];

// The i-th full name that `name` may have in the container, innermost first; false after the last.
bool cel_env_candidate(const cel_env *env, str name, size_t i, buf *out);
// A name with a dot in front is looked up at the root alone. NULL when there is none.
const cel_variable *cel_env_find_variable(const cel_env *env, str name);
const cel_overloads *cel_env_find_function(const cel_env *env, str name);
