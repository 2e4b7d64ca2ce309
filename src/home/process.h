// SPDX-License-Identifier: Apache-2.0
// process: which process a pid means. Pids are used again; a pid with its start time isn't.
#pragma once

#include "base/base.h"

// In clock ticks since boot; false when there is no such process of this user.
bool process_started(int64_t pid, int64_t *ret_started);
bool process_alive(int64_t pid, int64_t started);
