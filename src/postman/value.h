// SPDX-License-Identifier: Apache-2.0
// value: JavaScript's conversions between its values, for variables. Private to the room.
#pragma once

#include "data/data.h"

// Appends what String(v) gives: "1", "null", "a,b", "[object Object]". NULL is undefined: nothing.
void value_text(const json *v, buf *out);
// Appends a number as JavaScript writes it: "1", "0.1", "1e+21".
void value_number(double n, buf *out);
// Boolean(v).
bool value_truth(const json *v);
// Number(v); false when that is NaN.
bool value_to_number(const json *v, double *ret);
