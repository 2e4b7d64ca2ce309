// SPDX-License-Identifier: Apache-2.0
// profile: how much load there is at each moment: users, or iterations that begin within a second.
// Pure arithmetic on the time since the beginning; whoever has a clock asks.
#pragma once

#include "base/base.h"

enum { PROFILE_STAGES_MAX = 64 };

// From the target of the stage before to its own, in a straight line.
typedef struct profile_stage profile_stage;
struct profile_stage {
    uint64_t ms;
    double target;
};

typedef struct profile profile;
struct profile {
    double start;
    profile_stage stages[PROFILE_STAGES_MAX];
    size_t count;
};

// A number without sign, exponent or blanks: what people write.
bool profile_number(str text, double *ret);

// "TIME:TARGET", the time as of clock_parse_duration. LOAD_STAGE, with the column in the text.
CODE_CHECKED profile_add(profile *p, str text, err *e);

uint64_t profile_length_ns(const profile *p);
// The target at that moment; after the end that of the end.
double profile_at(const profile *p, uint64_t ns);
double profile_peak(const profile *p);

// The open model, where the profile is of beginnings a second: when the beginning `index` (from 0)
// is due. False when the profile ends before.
bool profile_due(const profile *p, uint64_t index, uint64_t *ret_ns);
// How many are due until the end.
uint64_t profile_total(const profile *p);
