// SPDX-License-Identifier: Apache-2.0
// dynamic: the word lists behind the dynamic variables. Private to the room.
#pragma once

#include "base/base.h"

// A list of words separated by '|', or NULL when there is none of that name.
const char *dynamic_words(str list);
