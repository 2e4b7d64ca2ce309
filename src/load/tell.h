// SPDX-License-Identifier: Apache-2.0
// tell: what the ways of telling a result share. Private to the room.
#pragma once

#include "load/load.h"

bool load_holds(const load_result *r, const threshold *t);
// The measured value in the threshold's words.
void load_measured(buf *out, const load_result *r, const threshold *t);

// Three digits that mean something: "812µs", "12.3ms", "1.24s", "74.0s".
void load_us(buf *out, double us);
void load_percent(buf *out, double percent);
double load_failed_percent(const load_count *n);
// So many of them within a second.
double load_rate(const load_result *r, uint64_t count);
