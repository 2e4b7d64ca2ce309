// SPDX-License-Identifier: Apache-2.0
// project: how a project file is read, for the files of this room.
#pragma once

#include "home/home.h"
#include "home/shape.h"

// Reads the text into p, whose path, dir, trusted and defaults are set. Everything lives in the
// arena.
CODE_CHECKED project_parse(home_project *p, arena *a, str text, const shape *s, err *e);
// p->root, which has its shape, into the other members.
CODE_CHECKED project_fill(home_project *p, arena *a, err *e);
// The path that v names, seen from the file; out of its folder only where it is trusted (threats
// 39, 41).
CODE_CHECKED project_resolve(const home_project *p, arena *a, const json *v, const char **ret_path,
                             err *e);
// oauth.c: an identity's `oauth`, which has its shape.
CODE_CHECKED project_oauth_fill(const home_project *p, arena *a, const json *v,
                                const project_oauth **ret, err *e);
// Number and hash of a project that doesn't give its own: always the same ones for one id.
void project_number(home_project *p, arena *a);
