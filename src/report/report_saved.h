// SPDX-License-Identifier: Apache-2.0
// saved: a JSON report, ours or newman's, that is read again: to tell it to other reporters, or to
// run what failed in it once more.
#pragma once

#include "report/report.h"

typedef struct report_saved report_saved;

// Lives in the arena. Errors: those of json_parse and pm_collection_read; REPORT_FORM when it is no
// report.
CODE_CHECKED report_saved_read(arena *a, str text, const char *file, report_saved **ret, err *e);
// Tells the reports as runs. Those of one collection that follow each other are one run, in the
// order of its iterations: the shards of a run.
void report_saved_tell(arena *a, report_saved *const *reports, size_t count,
                       const run_listener *listeners, size_t listener_count);
// Did something fail in it?
bool report_saved_failed(const report_saved *s);
// What failed in it, as requests of the collection, sorted; in the arena. REPORT_FORM when the
// collection hasn't one of these.
CODE_CHECKED report_saved_picks(arena *a, const report_saved *s, const pm_collection *c,
                                const run_pick **ret_picks, size_t *ret_count, err *e);
