// SPDX-License-Identifier: Apache-2.0
// file: a whole file into memory.
#pragma once

#include "base/base.h"

// Reads a regular file (or a pipe) of at most bytes_max; "-" is standard input. The text is
// followed by a NUL that doesn't count. Errors: DATA_FILE (with the fix when it is missing or may
// not be read), DATA_LIMIT.
CODE_CHECKED file_read(arena *a, const char *path, size_t bytes_max, str *ret_text, err *e);
// As file_read, from a descriptor, which stays open; `path` names it in errors.
CODE_CHECKED file_read_fd(arena *a, int fd, const char *path, size_t bytes_max, str *ret_text,
                          err *e);
