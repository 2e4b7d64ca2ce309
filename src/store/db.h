// SPDX-License-Identifier: Apache-2.0
// db: the store's inside, shared by its files.
#pragma once

#include <sqlite3.h>

#include "store/store.h"

struct store {
    sqlite3 *db;
    char *path;
    map statements; // SQL → store_rows
};

struct store_rows {
    store *store;
    sqlite3_stmt *stmt;
    int result; // of SQLite, when a step failed
    bool done;  // the last row was seen
    bool open;  // between store_query and store_end
};

// Turns SQLite's result into our code, with its own words.
code db_error(store *s, int result, err *e);
// Runs SQL without values.
// Finalises all kept statements.
void db_forget_statements(store *s);
