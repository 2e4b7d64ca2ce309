// SPDX-License-Identifier: Apache-2.0
// own: whether a file or directory is the user's own, so that nobody else put words into it.
#pragma once

#include <sys/stat.h>

#include "base/base.h"

enum {
    OWN_CLOSED = S_IRWXG | S_IRWXO,   // nobody else may do anything with it
    OWN_WRITABLE = S_IWGRP | S_IWOTH, // others may read
};

// What keeps `st` from being the own thing of user `uid`, or NULL. `type` is S_IFREG or S_IFDIR, no
// bit of `forbidden` may be set.
const char *own_fault(const struct stat *st, mode_t type, uid_t uid, mode_t forbidden);
// What keeps files in a directory of this `st` from being safe from other users, or NULL: a sticky
// directory is safe, one that is open to a private group (its number is the user's) too.
const char *own_dir_fault(const struct stat *st, uid_t uid);

typedef struct own_rule own_rule;
struct own_rule {
    mode_t forbidden;
    bool follow; // symbolic links
    code failure;
    size_t bytes_max;
};
// Reads a file that must be the user's own. A missing one is OK and gives STR_NONE.
CODE_CHECKED own_read(const char *path, const own_rule *rule, arena *a, str *ret_text, err *e);

// Holds the directory against other Gatepost processes until the descriptor is closed. HOME_DIR.
CODE_CHECKED own_lock(const char *dir, int *ret_fd, err *e);

// The user's home directory, or NULL.
const char *home_dir_of_user(void);
