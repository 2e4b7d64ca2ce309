// SPDX-License-Identifier: Apache-2.0
// What the parts of the html reporter share. All text that isn't ours goes through html_text: what
// a collection or a server sends stays text (threat 48).
#pragma once

#include "report/tally.h"

enum {
    HTML_BYTES_MAX = 64 << 20,
    HTML_BODY_BYTES = 16 << 10, // of a body that are shown
    HTML_FAILED_MAX = 500,      // turns that are shown in full
    HTML_PASSED_MAX = 1000,
};

// ---- one turn (html_entry.c)

// What is inside of an entry. Each appends one piece.
void html_exchange(buf *out, const run_event *ev);
void html_assertion(buf *out, const run_event *ev);
void html_error(buf *out, const run_failure *f);
void html_console(buf *out, const run_event *ev);

// ---- around the entries (html_page.c)

// From the beginning to where the failed entries stand; `failed` counts them, `shown` are there.
void html_page_begin(buf *out, const tally *t);
void html_page_failed(buf *out, size_t failed, size_t shown);
void html_page_all(buf *out, const tally *t, size_t passed, size_t shown);
void html_page_end(buf *out, const tally *t);
