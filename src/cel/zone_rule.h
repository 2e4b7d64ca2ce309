// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/base.h"

// The offset that a POSIX TZ rule ("EST5EDT,M3.2.0,M11.1.0") gives at a moment.
bool zone_rule_offset(str rule, int64_t at_s, int64_t *ret_offset_s);
