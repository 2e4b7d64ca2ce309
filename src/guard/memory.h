// SPDX-License-Identifier: Apache-2.0
// memory: tokens that were verified, by their whole text, so that a token that comes again costs a
// look-up instead of a signature.
//
// Invariants
// - It says what a token is, never what it may do: audience and permission are judged at each call.
// - A token is kept from its second sight on. One that comes once costs a hash and eight bytes, and
//   pushes nobody out.
// - At most `max` are kept; those not used since the last lap make room.
#pragma once

#include "guard/guard.h"

typedef struct memory memory;

memory *memory_new(size_t max);
void memory_free(memory *m);
void memory_forget(memory *m);
// Borrowed until the next change, or NULL. Of its token only issuer, audiences and times are there.
const oidc_identity *memory_find(memory *m, str token);
void memory_put(memory *m, str token, const oidc_identity *id);
// For tests.
size_t memory_len(const memory *m);
