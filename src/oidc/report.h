// SPDX-License-Identifier: Apache-2.0
// The report of `gatepost token verify`: every check on its own, so that a person sees all that is
// wrong with a token at once, not the first thing only.
#pragma once

#include "oidc/oidc.h"

typedef enum check_state { CHECK_GOOD, CHECK_WRONG, CHECK_OPEN, CHECK_SKIPPED } check_state;

typedef struct report_check report_check;
struct report_check {
    const char *name;
    check_state state;
    str text;
    code code; // of a wrong one, and of an open one: it could not be checked
    str fix;   // "" when there is nothing to do but read the text
};

enum { REPORT_CHECKS_MAX = 8 };

typedef struct report report;
struct report {
    const oidc_report *asked;
    const oidc_identity *who; // its token as far as it was read
    bool parsed;
    bool issuer_known; // the token's issuer is the one asked for
    code verified;     // what oidc_verify said, audience left out
    const err *why;
    int64_t now_s;
    arena *mem;
    report_check checks[REPORT_CHECKS_MAX];
    size_t count;
};

// Fills `checks` from what stands above them. OK, or the code of the first check that failed, with
// its words.
CODE_CHECKED report_make(report *r, err *e);
void report_text(const report *r, buf *out);
void report_json(const report *r, buf *out);
