// SPDX-License-Identifier: Apache-2.0
// Values from JSON: the claims of a token, the arguments of a call.
#pragma once

#include "cel/cel.h"
#include "data/data.h"

// Objects become maps. A number is an int when it is written as one and fits, else a double (beyond
// its range an infinity): both compare alike. Made in a; strings are borrowed from the tree. NULL
// gives null.
cel_value cel_from_json(arena *a, const json *v);
