// SPDX-License-Identifier: Apache-2.0
// plan: which requests run, in which order, and where setNextRequest leads. Private to the room.
#pragma once

#include "postman/postman.h"

typedef struct plan plan;
struct plan {
    VEC(const pm_item *) items; // of one iteration, in document order
    bool indexed;
    map ids; // → 1 + position of the last item of that id
    map names;
};

// All requests, or those of `folders` (names or ids of folders and requests; one: the first match
// from the top; several: in document order, all must exist). RUN_FOLDER.
CODE_CHECKED plan_make(plan *p, const pm_collection *c, const str *folders, size_t count, err *e);
void plan_deinit(plan *p);
// The position that setNextRequest means: ids before names, the last of equal ones; -1: none.
ssize_t plan_find(plan *p, str id_or_name);
