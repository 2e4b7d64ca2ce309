// SPDX-License-Identifier: Apache-2.0
// suggest: "did you mean …?"
#pragma once

#include "base/base.h"

// The candidate nearest to `word` by edit distance (a swap of neighbours counts one), or NULL when
// none is near enough to be meant.
const char *suggest(str word, const char *const *candidates, size_t count);
