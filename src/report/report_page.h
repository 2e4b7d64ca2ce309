// SPDX-License-Identifier: Apache-2.0
// page: what the html pages of other rooms share with the html reporter: the head with its styles
// and its policy, the escaping of text, numbers as people read them, files that appear when they
// are complete.
#pragma once

#include "report/report.h"

// From the doctype to the beginning of the body. There is no script in a page, no attribute holds
// style, and nothing is loaded: the page's own policy says so to the browser.
void report_page_begin(buf *out, str name, bool good);
// Date and time in UTC.
void report_page_time(buf *out, int64_t wall_ms);

// Escaped for elements and quoted attributes; control characters and those that turn the direction
// of text are shown as \uNNNN.
void html_text(buf *out, str text);

// "226B", "1.23kB": newman's way with sizes.
void report_bytes(buf *out, uint64_t bytes);
// "18ms", "2.3s", "1m 1.5s"; below a millisecond "350µs", or "350us" when it must be plain.
void report_ms(buf *out, double ms, bool plain);

// A file that appears when it is complete.
typedef struct report_file report_file;
CODE_CHECKED report_file_new(const char *path, report_file **ret, err *e);
FILE *report_file_stream(report_file *f);
// Frees it, too.
CODE_CHECKED report_file_commit(report_file *f, err *e);
void report_file_discard(report_file *f); // NULL is allowed
