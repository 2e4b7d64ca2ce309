// SPDX-License-Identifier: Apache-2.0
// Inside http: the bytes of a connection that are still to be parsed. They are borrowed from the
// read that brought them, and copied only when they must outlast it.
#pragma once

#include "base/base.h"

typedef struct input input;
struct input {
    str rest;
    buf held;
    bool borrowed; // rest isn't in held
};

// `max` bounds what is copied.
void input_init(input *in, size_t max);
void input_deinit(input *in);
// More bytes, borrowed until input_keep.
void input_add(input *in, str bytes);
// The read is over: what is left of it is copied.
void input_keep(input *in);
