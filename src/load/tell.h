// SPDX-License-Identifier: Apache-2.0
// tell: what the ways of telling a result share. Private to the room.
#pragma once

#include "load/load.h"

bool load_holds(const load_result *r, const threshold *t);
