// SPDX-License-Identifier: Apache-2.0
// Inside http: writing the head of a message, on either side.
#pragma once

#include "http/http_message.h"

// "1f4\r\n"
enum { CHUNK_LINE_MAX = 18 };
str chunk_line(size_t len, char text[CHUNK_LINE_MAX]);
// "name: value\r\n". A field that would break the framing of the head is left out and logged by
// its name (threat 10): false.
bool add_field(buf *out, str name, str value);
// Content-Length, Transfer-Encoding or Connection: the fields that say where a message ends.
bool field_is_framing(str name);
// Not empty, and without what would end it in a head: blanks and control characters.
bool target_is_clean(str target);
// A comma-separated list holds the token, without case.
bool list_has(str list, str token);
