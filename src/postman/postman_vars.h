// SPDX-License-Identifier: Apache-2.0
// vars: variables, their scopes, and the templates that use them (contracts: Postman §4).
#pragma once

#include "data/data.h"

// ---- scope

// The variables of one scope, in order of definition. Values keep their JavaScript type; a scope
// owns copies of all that it holds.
typedef struct pm_variable pm_variable;
struct pm_variable {
    str key;     // owned; any bytes, NUL among them
    char *value; // JSON text; NULL: undefined
    char *type;  // "string", "number", "secret"…; "" when nobody said
    bool disabled;
};

typedef struct pm_scope pm_scope;

pm_scope *pm_scope_new(str id, str name);
// The same variables under the same name and id; its version is greater than that one.
pm_scope *pm_scope_copy(const pm_scope *s, uint64_t version);
void pm_scope_free(pm_scope *s); // NULL is allowed
str pm_scope_id(const pm_scope *s);
str pm_scope_name(const pm_scope *s);

// Adds [{key, value, type, enabled|disabled}, …]; `id` is understood for `key`. What is no object
// or has no key is skipped. PM_LIMIT.
CODE_CHECKED pm_scope_add(pm_scope *s, const json *values, err *e);
// Adds the members of an object: a row of iteration data.
CODE_CHECKED pm_scope_add_row(pm_scope *s, const json *row, err *e);
// Sets a value given as JSON text ("" is undefined). An empty type keeps the variable's own.
// PM_LIMIT, also when all values together grow too large: then nothing has changed.
CODE_CHECKED pm_scope_set(pm_scope *s, str key, str value_json, str type, err *e);
// Sets plain text: --env-var and --global-var.
CODE_CHECKED pm_scope_set_text(pm_scope *s, str key, str text, err *e);
void pm_scope_unset(pm_scope *s, str key);
void pm_scope_clear(pm_scope *s);

// For tests: the enabled variable of that name (the last one counts), or NULL.
const pm_variable *pm_scope_get(const pm_scope *s, str key);
// For tests.
size_t pm_scope_len(const pm_scope *s);
// Calls `each` with every variable of the type "secret".
void pm_scope_secrets(const pm_scope *s, void (*each)(void *ctx, const pm_variable *v), void *ctx);
// Grows with each change: what was made from the scope is still true while it stays.
uint64_t pm_scope_version(const pm_scope *s);
// [{"key":…, "value":…, "type":…, "disabled":true}, …], as scripts and exports take it. Borrowed,
// valid until the scope changes.
str pm_scope_json(pm_scope *s);
// {"key": value, …}, enabled ones only.
void pm_scope_object(const pm_scope *s, buf *out);

// ---- lookup

// Nearest scope first: local, data, environment, collection, globals. NULLs are skipped.
enum { PM_SCOPES_MAX = 5 };
typedef struct pm_scopes pm_scopes;
struct pm_scopes {
    const pm_scope *scope[PM_SCOPES_MAX];
};

// Appends the value as text, as JavaScript's String() would say it; false when no scope has it.
bool pm_lookup(const pm_scopes *s, str key, buf *out);
// The text of a value given as JSON.
void pm_value_text(str value_json, buf *out);

// ---- templates

// What became of a text's templates.
enum {
    PM_LEFT = 1 << 0,    // one has no value
    PM_FILLED = 1 << 1,  // one has
    PM_DYNAMIC = 1 << 2, // one has another value each time
};

// Appends `text` with each {{name}} replaced, up to 19 rounds, so that values may hold templates.
// Names are not trimmed; what has no value stays as it is written. The buffer's maximum bounds what
// cycles can grow to: check buf_ok.
unsigned pm_resolve(const pm_scopes *s, str text, buf *out);
// The next {{name}} in the text at or after *from, which then stands behind it; false at the end.
bool pm_template_next(str text, size_t *from, str *ret_name);

// Appends the value of a dynamic variable ("$guid", "$randomCity"), a new one at each call; false
// when there is none of that name.
bool pm_dynamic(str name, buf *out);
// For tests: the names of all dynamic variables, in a fixed order; NULL after the last.
const char *pm_dynamic_name(size_t i);
