// SPDX-License-Identifier: Apache-2.0
// entry: a verdict as an audit entry.
#pragma once

#include "guard/guard.h"

// Appends the entry of a complete verdict and sets its audit_id. `ignored`, when its code isn't OK,
// tells why a credential that came along wasn't considered.
void entry_add(audit_spool *s, const guard_target *t, const guard_call *c, const err *ignored,
               guard_verdict *v);
