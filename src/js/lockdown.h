// SPDX-License-Identifier: Apache-2.0
// lockdown: what the worker gives up before it sees a script (threat 45, injection.md §5).
//
// - seccomp: memory, time, read and write on what is open, and exit; everything else ends the
//   process: no open, no socket, no exec, no clone, no executable memory;
// - Landlock, where the kernel has it: no path at all, should a filter ever be wrong;
// - limits: no core file, no file growth, no descriptor beyond stdio, no process, bounded memory;
// - no_new_privs, not dumpable (nobody attaches, /proc/PID belongs to root), empty environment.
#pragma once

#include "base/base.h"

// `memory_bytes_max` bounds the address space, the engine's own limit should strike before it.
// False, with errno, when one of the parts that must not be missing failed.
bool lockdown(size_t memory_bytes_max);
