// SPDX-License-Identifier: Apache-2.0
// RE2 behind a C face: matching takes time linear in the text, whatever the pattern.
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

#include <stdbool.h>
#include <stddef.h>

typedef struct cel_regex cel_regex;

// NULL when the pattern is malformed or needs more than max_bytes; then why is in `ret_why`.
cel_regex *cel_regex_new(const char *pattern, size_t len, size_t max_bytes, char ret_why[128]);
void cel_regex_free(cel_regex *r);
// Whether the pattern matches anywhere in the text.
bool cel_regex_find(const cel_regex *r, const char *text, size_t len);

#ifdef __cplusplus
}
#endif
