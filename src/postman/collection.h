// SPDX-License-Identifier: Apache-2.0
// collection: what reading collections shares. Private to the room.
#pragma once

#include "postman/postman_collection.h"

// A collection of form v1 as one of v2.1, in the same arena.
json *pm_convert_v1(arena *a, const json *v1);
// {"type": T, T: [{key, value}]} from v2.0's objects; NULL when it says nothing.
json *pm_auth_normal(arena *a, const json *auth);
// The text of a description, which may be an object with `content`.
str pm_description(const json *v);
