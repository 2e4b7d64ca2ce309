// SPDX-License-Identifier: Apache-2.0
// yaml: YAML 1.2 into the tree of data_json.h, with positions.
//
// Only what configuration needs. Plain scalars: `null`, `~` and nothing are null; `true`, `false`
// (also True, TRUE, …) are booleans; what JSON calls a number is one; all else is text, also `yes`,
// `no`, `on`, `0x1F`, `1.2.3` and `2026-11-24`. Quoted scalars are text. Tags other than the core
// schema's are refused, as are duplicate keys, keys that aren't scalars, a second document, and
// merge keys (`<<`). Aliases are expanded as copies; what they expand to counts against the limits
// (threat 50).
#pragma once

#include "data/data_json.h"

enum { YAML_BYTES_MAX = 4 << 20, YAML_DEPTH_MAX = 64, YAML_VALUES_MAX = 200000 };

// `opts` may be NULL; its zeros mean the limits above, `tolerant` has no meaning. An empty document
// is null. Errors: DATA_SYNTAX, DATA_DUPLICATE, DATA_LIMIT.
CODE_CHECKED yaml_parse(arena *a, str text, const json_opts *opts, json **ret_root, err *e);
CODE_CHECKED yaml_load(arena *a, const char *path, const json_opts *opts, json **ret_root, err *e);
// Several documents (`---`), each as one member of the array *ret_docs; empty ones are left out.
CODE_CHECKED yaml_parse_all(arena *a, str text, const json_opts *opts, json **ret_docs, err *e);
