// SPDX-License-Identifier: Apache-2.0
// fleet: the instances of one revision; revision.c puts calls into them.
#pragma once

#include "cloudrun/revision.h"

typedef struct slot slot;
struct slot {
    revision *revision;
    instance *instance; // NULL once it is gone; the slot stays for the calls that it had
    char id[INSTANCE_ID_LEN + 1];
    uint32_t calls;
    uint64_t idle_ms; // since when there are none
};

typedef struct place_list place_list;
struct place_list {
    place *first, *last;
    uint32_t len;
};

struct revision {
    loop *loop;
    revision_options o;
    scaler scaler;
    VEC(slot *) slots;
    size_t turn; // of the round-robin
    uint32_t calls;
    place_list waiting; // the oldest first
    place_list doomed;  // to be refused in the next turn
    task dispatch;
    task poke;
    timer *tick;
    timer *patience; // of the call that has waited longest
    timer *memory;
    uint64_t starts, start_ms_sum, started;
    uint32_t failures; // starts that failed in a row
    uint64_t retry_ms; // not before
    bool stopping;
    void (*on_stopped)(void *ctx);
    void *stopped_ctx;
};

// Brings the number of instances to what the autoscaler wants.
void fleet_scale(revision *r);
void fleet_stop(revision *r);
void fleet_check_memory(revision *r);
void fleet_free(revision *r);
uint32_t fleet_alive(const revision *r); // starting or ready
// One with room for a call, or NULL.
slot *fleet_find(revision *r);
void fleet_leave(slot *s);

// For the fleet: the only start there was has failed.
void revision_refuse_waiting(revision *r, int status, const err *why);
