// SPDX-License-Identifier: Apache-2.0
// memory: how much the processes of a group hold. Cloud Run counts what is resident; a limit of the
// address space (RLIMIT_AS) would stop programs that only reserve it, as Node and Go do.
#pragma once

#include "base/base.h"

typedef struct memory_use memory_use;
struct memory_use {
    pid_t group;
    uint64_t bytes; // filled in
};
// One walk through /proc for all of them; what can't be read counts nothing.
void memory_measure(memory_use *uses, size_t count);
