// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cel/eval.h"

// "…%s %d %.2f…".format([…]).
cel_value cel_format(cel_call *c, const cel_value *args, size_t count);
