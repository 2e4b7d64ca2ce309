// SPDX-License-Identifier: Apache-2.0
// charset: what tolerant reading makes of bytes that aren't plain UTF-8.
#pragma once

#include "base/base.h"

// The text as UTF-8 without a byte order mark: UTF-16LE by its mark or by its first character,
// else UTF-8, else Latin-1. Borrows from `text` where nothing had to change.
str charset_to_utf8(arena *a, str text);
