// SPDX-License-Identifier: Apache-2.0
// entry: LogEntry objects as text, written straight into a buffer.
#pragma once

#include "audit/audit.h"

// What the spool gives to an entry.
typedef struct entry_stamp entry_stamp;
struct entry_stamp {
    str id;
    int64_t wall_ns;
    bool shortened; // texts are cut, JSON texts and most delegates left out
};

void entry_write_event(buf *out, const audit_event *ev, const entry_stamp *st);
void entry_write_request(buf *out, const audit_request *rq, const entry_stamp *st);
