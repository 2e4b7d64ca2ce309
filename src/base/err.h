// SPDX-License-Identifier: Apache-2.0
// err: one way to fail. A function that can fail returns a `code` and fills an `err`, its last
// parameter: the leaf says why, callers wrap what they were doing, whoever knows adds the fix.
// Only cmd/ and the request boundary print. codes.def is the one table from code to exit status,
// HTTP status and page (doc/errors/GP-….md).
//
//   gatepost: gatepost.yaml:7:3: there is no setting 'max-stream' [GP-CFG-04]
//     hint: did you mean 'max-streams'?
#pragma once

#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/str.h"

#define ERR_CODE(name, id, exit_status, http_status, title) name,
typedef enum code {
    OK = 0,
#include "base/codes.def"
    CODE_COUNT
} code;
#undef ERR_CODE

#define CODE_CHECKED code ATTR_MUST_CHECK

// Exit statuses of the program; documented in doc/exit-codes.md.
enum {
    EXIT_OK = 0,
    EXIT_FAILED = 1,  // the work was done and its result is a failure (an assertion, a refusal)
    EXIT_USAGE = 2,   // the command line is wrong
    EXIT_INPUT = 3,   // a file, a setting or a collection is wrong
    EXIT_CRED = 4,    // no credential, or one that can't do what is asked
    EXIT_NETWORK = 5, // unreachable, time-out, TLS
    EXIT_SYSTEM = 6,  // disk, permission, a missing program, a defect of ours
    EXIT_PIPE = 141,  // who read the output went away; a shell says so of what SIGPIPE ended
};

typedef struct err err;
struct err {
    code code;
    uint32_t line; // 1-based, 0 when there is none
    uint32_t col;  // 1-based, counted in characters
    char file[256];
    char msg[1024];
    char hint[512];
};

#define ERR_INIT ((err){0})

// Sets the error and returns `c`. A NULL e is allowed everywhere: the code alone is kept.
code err_set(err *e, code c, const char *fmt, ...) ATTR_PRINTF(3, 4);
// As err_set, with ": strerror(errnum)" added.
code err_sys(err *e, code c, int errnum, const char *fmt, ...) ATTR_PRINTF(4, 5);
// Prepends "what: " and returns the code that is there.
code err_wrap(err *e, const char *fmt, ...) ATTR_PRINTF(2, 3);
// Adds the place unless one is already known, and returns the code.
code err_at(err *e, const char *file, uint32_t line, uint32_t col);
// Adds the fix unless one is already known, and returns the code.
code err_hint(err *e, const char *fmt, ...) ATTR_PRINTF(2, 3);

const char *code_id(code c);    // "GP-CFG-04"
const char *code_title(code c); // one line for humans
int code_exit(code c);          // EXIT_…
int code_http(code c);          // 400…599

// The two-line form above, prefixed with "gatepost: ". Control characters are shown escaped, so
// that input quoted in a message cannot drive the terminal (threat 48).
void err_print(const err *e, FILE *out);
