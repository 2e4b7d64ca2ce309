// SPDX-License-Identifier: Apache-2.0
// output: what a program writes, line by line.
#pragma once

#include "net/net.h"

enum { OUTPUT_LINE_BYTES_MAX = 16 << 10 }; // a longer line comes in pieces

typedef struct output output;
// Takes the stream. on_line gets lines without their end, the last one also without a newline;
// on_end comes once, after it.
output *output_new(stream *s, void (*on_line)(void *ctx, str line), void (*on_end)(void *ctx),
                   void *ctx);
// NULL is allowed.
void output_free(output *o);
