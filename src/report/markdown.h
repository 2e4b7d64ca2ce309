// SPDX-License-Identifier: Apache-2.0
// The summary of a run as GitHub's Markdown, for a file or the summary of a CI step.
#pragma once

#include "report/tally.h"

// At most `bytes_max`: what doesn't fit is told of.
void markdown_summary(buf *out, const tally *t, size_t bytes_max);
