// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cel/cel.h"

enum { CEL_TYPE_PARAMS_MAX = 3 };

struct cel_type {
    cel_kind kind;
    uint32_t variable; // CEL_VARIABLE: its number
    str name;          // as type() and messages show it
    const cel_type *params[CEL_TYPE_PARAMS_MAX];
    uint8_t count;
};

// The type of a kind, without parameters: list is list(dyn).
const cel_type *cel_type_of(cel_kind kind);
const cel_type *cel_type_with(arena *a, cel_kind kind, const cel_type *first,
                              const cel_type *second);
// The type with this full name ("int", "google.protobuf.Timestamp"), or NULL.
const cel_type *cel_type_named(str name);
// Takes a type from the front of *text; NULL when there is none.
const cel_type *cel_type_next(arena *a, str *text);
