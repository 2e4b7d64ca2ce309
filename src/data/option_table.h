// SPDX-License-Identifier: Apache-2.0
// option_table: what parser and renderers share.
#pragma once

#include "data/data_options.h"

// Walks all rows of the tables, --help last; *cursor starts at 0. NULL at the end.
const option_row *table_next(const option_row *const *tables, size_t *cursor);
bool option_takes_value(const option_row *row);
// What help calls the value: "N", "cli|json", "DURATION".
const char *option_value_name(const option_row *row);
// Walks the choices "a|b|c"; false at the end.
bool choice_next(const char **rest, str *ret_choice);

// Gives the option a text from a source of that rank; `origin` is copied. A lower rank than the
// present value's changes nothing but is checked all the same.
code option_set(option_values *o, const option_row *row, option_source from, str text,
                const char *origin, err *e);
const option_row *option_find(const option_values *o, str name);
const option_row *option_find_letter(const option_values *o, char letter);
void option_add_arg(option_values *o, str arg);
