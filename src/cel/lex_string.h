// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cel/lex.h"

// Whether a string or bytes literal starts here: a quote, perhaps with b and r in front.
bool cel_string_prefix(str s);
// Fills t, whose text becomes the literal as written.
cel_token cel_lex_string(arena *a, str s, cel_token t);
