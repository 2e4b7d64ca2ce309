// SPDX-License-Identifier: Apache-2.0
// What the reporters share.
#pragma once

#include "report/report_page.h"

struct reporter {
    run_listener listener;
    code (*finish)(reporter *r, err *e);
    void (*free)(reporter *r);
};

// The runs that a reporter has heard of, in their order.
typedef VEC(const run_source *) report_runs;
void report_runs_add(report_runs *runs, const run_event *ev); // heeds RUN_START
run_summary report_runs_total(const report_runs *runs);       // without failures
size_t report_runs_failures(const report_runs *runs);
// The collection's name, of several runs "A + B".
str report_runs_name(arena *a, const report_runs *runs);

// Milliseconds of an exchange; where the whole ones are none, with their fraction.
double report_time(const run_exchange *x);
// The text of `line` shown escaped, with `indent` behind each line break of its own.
void report_lines(buf *out, str text, const char *indent);
// "Folder / sub / request".
str report_item_name(arena *a, const pm_item *item);
// What was said last of a credential: it is the same for call after call, but for the age.
typedef struct report_words report_words;
struct report_words {
    arena mem;
    str principal, via, audience;
    buf text;
};
void report_words_init(report_words *w);
void report_words_deinit(report_words *w);
// "as tester@… (service account key, audience https://…, 3 s old)", or why there was no identity.
// Nothing for a plain call.
void report_identity(report_words *w, buf *out, const run_identity *id);
