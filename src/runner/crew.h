// SPDX-License-Identifier: Apache-2.0
// crew: iterations side by side (--parallel). Private to the room.
//
// A run with a crew does no turn itself. Its hands, runners too, take the iterations in their
// order; whatever they tell is told by the run in that order, as if one had followed the other.
//
// Invariants
// - An iteration begins as the first one does: variables, cookies, what auth has learned and what
//   scripts find as globals. Tokens are shared: those of identity, and those of oauth2 grants.
// - A hand hides nothing: the run does so when it tells, with the secrets that were known by then.
// - What waits to be told is bounded: hands that are ahead stand still meanwhile. The oldest
//   iteration never waits.
// - After an iteration that ends the run (--bail, an error) nothing later is told.
#pragma once

#include "net/net.h"
#include "runner/runner.h"

enum { CREW_KEPT_BYTES_MAX = 32 << 20 }; // of all that waits to be told

typedef struct crew crew;
typedef struct stint stint; // one iteration under way

// Makes the hands that r->o.parallel asks for.
CODE_CHECKED crew_new(runner *root, err *e);
void crew_free(crew *c); // NULL is allowed
// A step of the run: ends when all hands have.
flow_next crew_work(void *ctx, err *e);
// They end what is under way, and begin nothing.
void crew_stop(crew *c);
// Tells what is still kept, also of iterations that haven't ended, and ends the hands.
void crew_end(crew *c);

// For the hands: the next iteration, as r->cursor.iteration; false when there is none.
bool crew_take(runner *r);
// Should it wait for the oldest iteration before it does more? runner_go comes then.
bool crew_holds(const runner *r);
void crew_tell(runner *r, run_event *ev);
// For tests: of all that waits to be told.
size_t crew_kept_bytes(const crew *c);

// A copy of all that the event borrows for its call.
const run_event *event_copy(arena *a, const run_event *ev);
