// SPDX-License-Identifier: Apache-2.0
// lint: what a collection should not hold: secrets in clear, scripts that mint tokens, variables
// that nothing defines; and the repair of what identity makes unnecessary.
#pragma once

#include "postman/postman_collection.h"

typedef struct pm_finding pm_finding;
struct pm_finding {
    const char *rule; // stable: "secret", "token-script", "hand-made-bearer", "unresolved-variable"
    str where;        // "Folder / request", or the file's name for what isn't in a request
    str message;      // never the secret itself
    const char *fix;
    bool fixable; // pm_lint_fix removes it
    const char *file;
    uint32_t line, col; // 0: unknown (a converted v1 collection)
};

typedef struct pm_findings pm_findings;
struct pm_findings {
    VEC(pm_finding) found; // in the order of the file
};

typedef struct pm_lint_input pm_lint_input;
struct pm_lint_input {
    const pm_collection *collection;
    const pm_values *environment; // NULL: none was named
    const pm_values *globals;
    const json *data; // rows
};

// Strings live in the arena or in the collection. Free found with vec_deinit.
void pm_lint(arena *a, const pm_lint_input *in, pm_findings *ret);
// A copy of the document (pm_collection.raw) without the token scripts that do nothing else,
// without the auth and headers that used what they minted, and without the variables that only they
// read or wrote. *ret_removed counts what is gone.
json *pm_lint_fix(arena *a, const pm_collection *c, size_t *ret_removed);

void pm_lint_text(const pm_findings *f, buf *out);
void pm_lint_json(const pm_findings *f, buf *out);
