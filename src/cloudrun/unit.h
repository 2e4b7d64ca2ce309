// SPDX-License-Identifier: Apache-2.0
// unit: one container of an instance: a process, what it writes, and the probes that watch it.
#pragma once

#include "cloudrun/instance.h"
#include "cloudrun/output.h"
#include "cloudrun/probe.h"

typedef struct unit unit;
// Callbacks; none comes from within a function of the unit.
typedef struct unit_handlers unit_handlers;
struct unit_handlers {
    void (*on_started)(unit *u);                // its start-up probe succeeded, or it needs none
    void (*on_failed)(unit *u, const err *why); // a probe gave it up; it still runs
    void (*on_ended)(unit *u, const err *why);  // once, with its last line told
    void (*on_line)(unit *u, str line);
};

struct unit {
    void *ctx;
    const unit_handlers *handlers;
    loop *loop;
    const service_container *box;
    const instance_run *run;
    uint16_t port; // of the instance; told to the container that takes the calls
    bool is_ingress;
    bool check; // has start-up probes at all
    bool begun, started, ended;
    bool exited;
    uint32_t open; // pipes that may still bring output
    process *process;
    output *out, *errors;
    probe *probe;
    timer *ask;      // the next question of a probe
    timer *deadline; // of the start; after its exit, of its output
    uint64_t gap_ms;
    uint32_t attempts; // of the start-up probe
    uint32_t failures; // of the liveness probe, in a row
    err last;          // what the start-up probe said last
    err why;
    task end;
};

// `u` is filled in up to `check`.
void unit_init(unit *u);
// An error is told by on_ended.
void unit_start(unit *u);
// No more probes; a signal to the processes. Nothing for one that hasn't begun.
void unit_signal(unit *u, int signum);
void unit_deinit(unit *u);
