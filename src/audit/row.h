// SPDX-License-Identifier: Apache-2.0
// row: what a person wants to know of a call, out of its entries.
#pragma once

#include "audit/audit.h"

// Fills the row from its texts: event_text and request_text, of which one may be empty. False when
// they aren't entries of ours. All lives in the arena or in the texts.
bool row_parse(arena *a, str event_text, str request_text, audit_row *ret_row);
// Whether an entry is an event (it has a protoPayload) or one of the request log.
bool row_is_event(const audit_row *row);
// What joins an event and its request: trace and span; empty when the entry has none.
str row_key(arena *a, const audit_row *row);

// All conditions but the status, which is known when the call is finished.
bool row_matches(const audit_row *row, const audit_filter *f);
bool row_status_matches(int status, const audit_filter *f);
