// SPDX-License-Identifier: Apache-2.0
// csv: data files as csv-parse 4 reads them for newman (contracts: Postman §2).
//
// The first row names the columns. Comma, quote and escape `"`, newlines allowed in quotes, blanks
// trimmed outside quotes; an unquoted field may hold quotes. Short rows lack the last names, extra
// fields are dropped, an empty line in the middle is a row whose first column is empty. A byte
// order mark is dropped. Unquoted integers and decimals become numbers in JavaScript's form
// (`+5` → 5, `007` → 7, `1e3` → 1000, `0x1F` → 0); quoted fields stay text.
#pragma once

#include "data/data_json.h"

// An array of objects. Errors: DATA_SYNTAX, DATA_LIMIT.
CODE_CHECKED csv_parse(arena *a, str text, const json_opts *opts, json **ret_rows, err *e);
