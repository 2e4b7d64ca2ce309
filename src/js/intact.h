// SPDX-License-Identifier: Apache-2.0
// intact: the prelude shares a realm with scripts, which may replace what every program stands on:
// Map, Array.prototype.map, JSON.stringify. What it does that matters (reports, timers, questions,
// variables) is done with the originals in place; the script's own come back afterwards. At the end
// of a script the originals stay: what it did to the language isn't the next one's trouble (T45).
#pragma once

#include <quickjs/quickjs.h>

#include "base/base.h"

typedef struct intact_member intact_member;
struct intact_member {
    JSValue owner;
    JSAtom key;
    bool there; // false: the owner has no such property
    JSPropertyDescriptor property;
};

typedef VEC(intact_member) intact_members;

typedef struct intact_owner intact_owner;
struct intact_owner {
    JSValue object;
    JSValue prototype;
};

typedef struct intact intact;
struct intact {
    intact_members members;
    intact_members others; // that only intact_mend looks after
    VEC(intact_owner) owners;
    JSValue plain; // Object.prototype: what scripts add to it is in every object
    uint32_t plain_count;
    bool inside; // an intact_call
    bool fresh;  // all is in place: nothing of a script has run since intact_mend
};

// Remembers the properties of these names, or that there are none, and the owner's prototype.
// `keys` is an array. Object.prototype must come first. `used`: by the prelude, in intact_call.
bool intact_keep(intact *in, JSContext *ctx, JSValueConst owner, JSValueConst keys, bool used);
void intact_deinit(intact *in, JSContext *ctx); // leaves it empty
// What it remembers has got new values that count from now on.
void intact_renew(intact *in, JSContext *ctx);
// Calls work() with the originals in place. Inside another call they are there already, and so they
// are for the first one after intact_mend: who lets a script run without one clears `fresh`.
JSValue intact_call(intact *in, JSContext *ctx, JSValueConst work);
// Puts the originals back for good. False when that can't be done: something was frozen or closed.
bool intact_mend(intact *in, JSContext *ctx);
