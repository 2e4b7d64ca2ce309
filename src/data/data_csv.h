// SPDX-License-Identifier: Apache-2.0
// csv: data files as csv-parse 4 reads them for newman (contracts: Postman §2).
//
// The first row names the columns. Comma, quote and escape `"`, newlines allowed in quotes, blanks
// trimmed outside quotes; an unquoted field may hold quotes. Short rows lack the last names, extra
// fields are dropped, an empty line is a row whose first column is empty; of columns of one name
// the last counts. A byte order mark is dropped, UTF-16LE and Latin-1 are understood. Unquoted
// decimal numbers become numbers (`+5` → 5, `007` → 7, `1e3` → 1000); quoted fields stay text.
// Unlike newman, which reads 0x1F as 0, other notations stay text; any of LF, CR LF and CR ends a
// row.
#pragma once

#include "data/data_json.h"

// An array of objects; with `as_text` numbers stay text, too. Errors: DATA_SYNTAX, DATA_LIMIT.
CODE_CHECKED csv_parse(arena *a, str text, const json_opts *opts, bool as_text, json **ret_rows,
                       err *e);
