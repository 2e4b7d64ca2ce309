// SPDX-License-Identifier: Apache-2.0
// clock: wall time for what others read (claims, logs), monotonic time for durations. Tests move
// the wall clock with clock_shift; the monotonic one never jumps.
#pragma once

#include "base/mem.h"
#include "base/str.h"

uint64_t clock_mono_ns(void);
uint64_t clock_mono_ms(void);
uint64_t clock_cpu_ms(void); // that this process has had of processors
int64_t clock_wall_ns(void); // since 1970-01-01T00:00:00Z
int64_t clock_wall_ms(void);
int64_t clock_wall_s(void);

// Adds to every later reading of the wall clock. For tests and the simulated hours of rotation.
void clock_shift(int64_t delta_ms);

// "2026-11-24T02:18:28.123456789Z": RFC 3339 in UTC; the fraction has no trailing zeros and is
// left out when it is zero.
enum { CLOCK_RFC3339_MAX = 40 };
void clock_rfc3339(int64_t wall_ns, char ret_text[CLOCK_RFC3339_MAX]);
// Any offset, any fraction; false when malformed or out of range.
bool clock_parse_rfc3339(str text, int64_t *ret_wall_ns);

// "300ms", "5s", "10m", "1h", "24h", "7d", "1h30m", and a bare number of seconds; false when
// malformed, negative, or over 10 years.
bool clock_parse_duration(str text, uint64_t *ret_ms);
