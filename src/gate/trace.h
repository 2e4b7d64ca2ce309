// SPDX-License-Identifier: Apache-2.0
// trace: the call's place in a trace (W3C Trace Context; X-Cloud-Trace-Context). A client may name
// the trace, the span is always ours: an entry can't be made to look like another call's.
#pragma once

#include "base/base.h"

typedef struct trace trace;
struct trace {
    char id[32];   // hex
    char span[16]; // hex
    uint64_t span_number;
    bool sampled;
};

// From the values of traceparent and X-Cloud-Trace-Context, which may be missing or malformed.
void trace_begin(trace *t, str traceparent, str cloud);
static inline str trace_id(const trace *t)
{
    return (str){t->id, sizeof t->id};
}
static inline str trace_span(const trace *t)
{
    return (str){t->span, sizeof t->span};
}
// "TRACE/SPAN;o=1" and "00-TRACE-SPAN-01" for upstream, "TRACE;o=1" for the client.
str trace_cloud(const trace *t, arena *a);
str trace_parent(const trace *t, arena *a);
str trace_answer(const trace *t, arena *a);
