// SPDX-License-Identifier: Apache-2.0
// store: an embedded database, by SQLite. For state that must survive a restart and is small:
// accounts, keys, issued tokens. Calls block; use them at start, from commands, on net's work pool,
// or where one indexed look-up is cheaper than the way to another thread.
//
// Invariants
// - Files have mode 0600 and are never opened through a symbolic link. WAL, foreign keys on,
//   synchronous=FULL; a lock held by another process is waited for (5 s), then STORE_BUSY.
// - SQL is always a literal; values are always bound, never pasted.
// - A store belongs to one thread at a time.
#pragma once

#include "base/base.h"

typedef struct store store;

// One step of the schema's history: the SQL that leads from version i to i+1, in its own
// transaction. Steps are only ever added at the end. PRAGMA user_version remembers how many ran.
typedef struct store_schema store_schema;
struct store_schema {
    const char *const *steps;
    size_t count;
};

// Opens or makes the database and brings it up to the schema. ":memory:" gives one that is gone
// with the store. STORE_OPEN, STORE_BUSY, STORE_CORRUPT (not a database, or damaged), STORE_NEWER
// (a newer program wrote it).
CODE_CHECKED store_new(const char *path, const store_schema *schema, store **ret_store, err *e);
void store_free(store *s); // NULL is allowed

// ---- values -------------------------------------------------------------------------------------

typedef enum store_type { STORE_NULL, STORE_I64, STORE_TEXT, STORE_BLOB } store_type;

typedef struct store_value store_value;
struct store_value {
    store_type type;
    int64_t i64;
    str bytes; // borrowed until the statement is done
};
static inline store_value store_null(void)
{
    return (store_value){.type = STORE_NULL};
}
static inline store_value store_i64(int64_t v)
{
    return (store_value){.type = STORE_I64, .i64 = v};
}
static inline store_value store_text(str v)
{
    return (store_value){.type = STORE_TEXT, .bytes = v};
}
static inline store_value store_blob(str v)
{
    return (store_value){.type = STORE_BLOB, .bytes = v};
}

// Arguments for the ? of a statement: STORE_ARGS(store_text(email), store_i64(now)).
#define STORE_ARGS(...)                                                                            \
    (const store_value[]){__VA_ARGS__},                                                            \
        (sizeof((const store_value[]){__VA_ARGS__}) / sizeof(store_value))
#define STORE_NO_ARGS NULL, 0

// ---- statements ---------------------------------------------------------------------------------

// Runs one statement to its end; rows are ignored. Statements are compiled once and kept.
// STORE_CONFLICT when a constraint says no; STORE_BUSY; STORE_FAILED (disk full, I/O);
// STORE_CORRUPT.
CODE_CHECKED store_run(store *s, const char *sql, const store_value *args, size_t arg_count,
                       err *e);

// Rows of a query. One cursor for each SQL text at a time.
//
//   store_rows *r;
//   if ((c = store_query(s, "select name from account where project = ?", STORE_ARGS(…), &r, e)))
//       return c;
//   while (store_next(r))
//       use(store_row_str(r, 0));
//   return store_end(r, e);
typedef struct store_rows store_rows;
CODE_CHECKED store_query(store *s, const char *sql, const store_value *args, size_t arg_count,
                         store_rows **ret_rows, err *e);
// False at the end, and on an error, which store_end tells.
bool store_next(store_rows *r);
// Columns count from 0; the text is valid until the next store_next or store_end.
int64_t store_row_i64(store_rows *r, int column);
str store_row_str(store_rows *r, int column); // TEXT or BLOB; NULL gives STR_NONE
bool store_row_null(store_rows *r, int column);
CODE_CHECKED store_end(store_rows *r, err *e);

// ---- transactions -------------------------------------------------------------------------------

// Takes the write lock at once, so that a read within can't be overtaken. They don't nest.
CODE_CHECKED store_begin(store *s, err *e);
CODE_CHECKED store_commit(store *s, err *e);
// Undoes what was done since store_begin; nothing when no transaction is open.
void store_rollback(store *s);
