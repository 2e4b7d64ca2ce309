// SPDX-License-Identifier: Apache-2.0
// relay: bytes in both directions between two streams, each as fast as the other one takes them.
//
// When a side has sent its last byte the other one is told; the relay ends once both have, or when
// a side breaks or nothing passes for too long.
#pragma once

#include "net/net_stream.h"

typedef struct relay relay;
typedef struct relay_options relay_options;
struct relay_options {
    stream *a, *b;        // taken; open, and with nobody's handlers
    str a_early, b_early; // what a and b have sent already; borrowed during the call
    uint64_t idle_ms;     // ends when for so long, at most twice, nothing passes; 0: never
    void (*on_end)(void *ctx, relay *s); // its streams are gone, it is still to be freed
    void *ctx;
};
relay *relay_new(loop *l, const relay_options *o);
// Ends it, if it hasn't, without on_end.
void relay_cut(relay *s);
// The same, and frees it. NULL is allowed.
void relay_free(relay *s);
// What came from each side.
uint64_t relay_bytes_of_a(const relay *s);
uint64_t relay_bytes_of_b(const relay *s);
