// SPDX-License-Identifier: Apache-2.0
// pidlock: a file that one process holds at a time, and that says which. The lock is flock's on the
// file, which is never replaced; the process id in it is for people.
#pragma once

#include "base/base.h"

typedef enum pidlock {
    PIDLOCK_TAKEN,
    PIDLOCK_HELD,   // by another process
    PIDLOCK_FAILED, // errno says why
} pidlock;

// Holds the file, which is made with mode 0600, until it is released or the process ends. When it
// is held, *ret_pid says by whom; 0: that can't be told. On a file system without locks it is never
// held.
pidlock pidlock_take(const char *path, int *ret_fd, int64_t *ret_pid);
void pidlock_release(int fd);
