// SPDX-License-Identifier: Apache-2.0
// rand: randomness of the kernel's. Good for keys and nonces.
#pragma once

#include <stddef.h>
#include <stdint.h>

void rand_bytes(void *ptr, size_t len);
uint64_t rand_u64(void);
// Uniform in 0 … bound-1; bound must not be 0.
uint64_t rand_below(uint64_t bound);
// Version 4 (RFC 9562 §5.4), lower case, with its NUL: a name, not a secret.
enum { RAND_UUID_MAX = 37 };
void rand_uuid(char ret_text[RAND_UUID_MAX]);
