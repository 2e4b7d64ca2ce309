// SPDX-License-Identifier: Apache-2.0
// utf8: RFC 3629. Overlong forms, surrogates and values above U+10FFFF are errors.
#pragma once

#include "base/str.h"

bool utf8_valid(str s);
// Decodes the first character: its length in bytes (1–4), or 0 when s is empty or malformed there.
size_t utf8_decode(str s, uint32_t *ret_cp);
// Encodes cp: the number of bytes written, or 0 when it is no character.
size_t utf8_encode(uint32_t cp, char ret_bytes[4]);
// Characters; each malformed byte counts as one.
size_t utf8_len(str s);
// Columns on a terminal: East Asian wide characters and emoji take two, combining marks none.
size_t utf8_width(str s);
