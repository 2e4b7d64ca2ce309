// SPDX-License-Identifier: Apache-2.0
// shape: what a file of ours may look like, as a table. The check of a file that was read and the
// JSON Schema that editors use are both made from it, so they can't differ.
//
// After shape_check a reader may take values without looking at their types again.
#pragma once

#include "data/data.h"

typedef enum shape_kind {
    SHAPE_TEXT, // a string of min … max bytes
    SHAPE_ID,   // the same, or a whole number: ids that look like one
    SHAPE_INT,  // a whole number, min … max
    SHAPE_BOOL,
    SHAPE_DURATION, // "90s", "1h", or a number of seconds; min … max milliseconds
    SHAPE_LIST,     // at most max members, each an `item`
    SHAPE_MAP,      // any names that fit `pattern`, each with an `item`; at most max
    SHAPE_OBJECT,   // the names of `keys`
    SHAPE_FREE,     // an object that somebody else looks into: with `options`, those
    SHAPE_EITHER,   // a string that is an `item`, or else an `other`
} shape_kind;

typedef struct shape shape;
typedef struct shape_key shape_key;

struct shape {
    shape_kind kind;
    const char *what;    // what it is, for errors and the schema: "an e-mail address"
    const char *example; // one that fits, for the fix; NULL: `what` says enough
    const char *pattern; // POSIX extended, in the part that JavaScript reads alike; NULL: any text
    uint64_t min, max;
    const shape *item;
    const shape *other;
    const shape_key *keys;            // ends with a NULL name
    const shape_key *more;            // of OBJECT, behind keys; NULL: none
    const option_row *const *options; // of FREE, for the schema; NULL: anything
};

struct shape_key {
    const char *name;
    const shape *shape;
    bool required;
    const char *help; // one line, without a full stop
};

// The first thing about v that doesn't fit. Null counts as absent. Errors: DATA_TYPE, DATA_VALUE,
// DATA_MISSING, DATA_UNKNOWN with the nearest name as a hint, DATA_LIMIT, each with its place.
CODE_CHECKED shape_check(const json *v, const shape *s, err *e);
// JSON Schema (2020-12) of the shape as an object's members; the object is open already.
void shape_schema(const shape *s, const char *help, jout *w);
