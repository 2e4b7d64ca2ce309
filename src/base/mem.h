// SPDX-License-Identifier: Apache-2.0
// mem: allocation that does not fail. When memory runs out the process aborts with a message:
// what a client can make us allocate is capped by limits, long before that.
#pragma once

#include <stddef.h>

#define ATTR_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define ATTR_MUST_CHECK __attribute__((warn_unused_result))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

// Zeroed; free with free(). A size of 0 gives a valid pointer.
void *mem_new(size_t bytes);
// As mem_new for `count` members of `bytes` each; the product is checked.
void *mem_array(size_t count, size_t bytes);
// Resizes what mem_new or mem_resize gave; the grown part is not zeroed.
void *mem_resize(void *ptr, size_t count, size_t bytes);
// NUL-terminated copies; free with free().
char *mem_dup(const char *cstr);
char *mem_dupn(const char *ptr, size_t len);

#define NEW(T) ((T *)mem_new(sizeof(T)))
