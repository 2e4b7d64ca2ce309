// SPDX-License-Identifier: Apache-2.0
// secret: an owned buffer for keys, passwords and tokens. Its memory is wiped on free, kept out of
// core dumps, and never printed: show a secret as SECRET_SHOWN.
#pragma once

#include "base/str.h"

#define SECRET_SHOWN "***"

typedef struct secret secret;

secret *secret_new(str value); // copies
void secret_free(secret *s);   // NULL is allowed
// Borrowed; for the one place that puts it on the wire or into a signature.
str secret_str(const secret *s);

// Wipes memory in a way that the compiler keeps.
void secret_wipe(void *ptr, size_t len);
