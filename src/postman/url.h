// SPDX-License-Identifier: Apache-2.0
// url: what reading and writing URLs share. Private to the room.
#pragma once

#include "postman/postman_url.h"

// Appends a zeroed parameter to a list whose end is *tail.
pm_param *pm_param_push(arena *a, pm_param ***tail);
// The name in a segment ":name" or ":name.rest"; a NULL ptr when it is no path variable.
str pm_path_variable(str segment);
