// SPDX-License-Identifier: Apache-2.0
// What the evaluator's files share with the libraries of functions.
#pragma once

#include "cel/ast.h"
#include "cel/env.h"

struct cel_call {
    const cel_program *program;
    arena *arena;
    const cel_activation *activation;
    cel_value *slots;     // of the variables that macros bind
    cel_value *variables; // CEL_DYN until they are asked for
    uint64_t cost;        // so far
    bool over;            // the limit is passed: the evaluation ends
    uint32_t offset;      // of what is evaluated
    const cel_node *node; // the call that runs
    void *ctx;            // of its overload
};

// Functions that the compiler prepares for a literal argument: matches(), getHours() and its like.
cel_fn cel_matches;
cel_fn cel_time_part;

cel_value cel_eval_node(cel_call *c, const cel_node *n);
cel_value cel_eval_comprehension(cel_call *c, const cel_node *n);
// The error of a function that has no definition for these arguments.
cel_value cel_no_overload(cel_call *c);

// args[0][args[1]]; *ret_found false, and null, when there is none. An error when it can't be.
// Copies to the arena.
cel_value cel_optional_of(cel_call *c, cel_value v);
cel_value cel_optional_none(void);

// As cel_equal, and counts its work; false past the limit.
bool cel_equal_in(cel_call *c, const cel_value *a, const cel_value *b);
const cel_value *cel_map_get_in(cel_call *c, const cel_map *m, const cel_value *key);
// Numbers of any type: -1, 0, 1, or 2 when one is NaN.
int cel_compare_numbers(const cel_value *a, const cel_value *b);
bool cel_is_number(const cel_value *v);
// As cel_compare_numbers, for any two values that have an order; 2 when they have none.
int cel_compare(const cel_value *a, const cel_value *b);
const cel_type *cel_value_type(const cel_value *v);

// A buffer for text that may still be made, and the text as a string or bytes value: frees the
// buffer. Past the limit an error.
void cel_text_start(cel_call *c, buf *out);
cel_value cel_text_end(cel_call *c, buf *out, cel_kind kind);

// The text of a number: the shortest that reads back as the same double.
void cel_double_text(double d, buf *out);
void cel_timestamp_text(cel_time t, buf *out);
void cel_duration_text(cel_time t, buf *out);
void cel_net_text(const cel_value *v, buf *out);
// What string() and %s give for a value that isn't a list or a map; false when there is no text.
bool cel_scalar_text(const cel_value *v, buf *out);
