// SPDX-License-Identifier: Apache-2.0
// What finding and repairing share.
#pragma once

#include "postman/postman_lint.h"

// Does the script trade a key for a token, or ask somebody for one?
bool pm_mints_tokens(str source);
// The lines of a script joined, as pm_script.source.
str pm_script_text(arena *a, const json *event);
// Takes the next variable that a script sets ("….set('name'", "setGlobalVariable("name"") from
// *rest; false at the end.
bool pm_next_set_variable(str *rest, str *ret_name);
// Takes the next text that may be a variable's name: what stands between two quotes of one kind (a
// script's get('name')), whatever the quotes were meant for. *from starts at 0.
bool pm_next_quoted(str text, char quote, size_t *from, str *ret_name);
// Private keys and service-account key files: what signs assertions.
bool pm_is_key(str value);
