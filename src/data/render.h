// SPDX-License-Identifier: Apache-2.0
// render: what the renderers share.
#pragma once

#include "data/option_table.h"

enum { RENDER_GROUPS_MAX = 16 };

// The headings in order of first use.
size_t render_groups(const option_row *const *tables, const char *ret_groups[RENDER_GROUPS_MAX]);
// The next row under that heading; *cursor starts at 0. NULL at the end.
const option_row *render_next(const option_row *const *tables, const char *group, size_t *cursor);
void render_flag(buf *out, const option_row *row);  // "-n, --iteration-count N"
void render_notes(buf *out, const option_row *row); // " [default: 1] [GATEPOST_N]"
void render_usage(buf *out, const command_spec *c); // "gatepost run [OPTIONS] COLLECTION"
