// SPDX-License-Identifier: Apache-2.0
// newman: command lines and config files of newman as `gatepost run` knows them.
#pragma once

#include "cmd/cmd.h"

typedef VEC(const char *) newman_words;

// Translates what follows `newman run`. The words of newman's config files come first, unless the
// command line says the same option. What newman takes and has no meaning here (an option of
// somebody's reporter) is left out and noted. `tables` are those of the run's options.
//
// ./.newmanrc comes with a checkout: of it only what a project file may say is taken (options that
// have a key), as it may neither widen what a run reaches nor hide how it ended.
//
// Errors: those of reading the config files.
CODE_CHECKED newman_translate(arena *a, const option_row *const *tables, const cmd_words *words,
                              FILE *notes, newman_words *ret, err *e);
