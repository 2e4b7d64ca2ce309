// SPDX-License-Identifier: Apache-2.0
// net: the only room that sees libuv. A loop on one thread and what runs on it: tasks, timers,
// signals, watched descriptors, streams (TCP and TLS), processes, blocking work, and flows, the
// step tables of control sequences.
//
// Invariants
// - One loop belongs to one thread; only work's `run` function runs elsewhere.
// - A user callback never runs inside the call that registered it, nor inside the call that frees
//   the object; after that call it never runs at all.
// - What a stream is given to write during a turn of the loop leaves at the end of that turn, with
//   one system call, and after the loop's gates (net_loop.h) have agreed.
#pragma once

#include "net/net_authority.h"
#include "net/net_flow.h"
#include "net/net_loop.h"
#include "net/net_process.h"
#include "net/net_relay.h"
#include "net/net_stream.h"
#include "net/net_tls.h"
#include "net/net_work.h"
