// SPDX-License-Identifier: Apache-2.0
// encode: base64 (RFC 4648 §4), base64url without padding (§5), hex, percent escapes and markup.
// Decoders are strict: a foreign byte, wrong padding or stray bits in the last group make them
// fail, so that each value has one form (threat 18).
#pragma once

#include "base/buf.h"
#include "base/str.h"

void base64_encode(buf *out, str in);
bool base64_decode(buf *out, str in);
void base64url_encode(buf *out, str in);
bool base64url_decode(buf *out, str in);
void hex_encode(buf *out, str in);
bool hex_decode(buf *out, str in); // either case
// %XX for all but RFC 3986's unreserved characters.
void percent_encode(buf *out, str in);
// False on a bad escape; then what was decoded so far is in out.
bool percent_decode(buf *out, str in);

// The entity that a character needs in HTML and XML, in text and in quoted attribute values; NULL
// when it may stand as it is.
const char *markup_entity(uint32_t cp);
// Appends text with these in place.
void markup_escape(buf *out, str text);
