// SPDX-License-Identifier: Apache-2.0
// journal: changes on their way to the database. Memory is changed first, by its owner; the journal
// writes the same change behind, on the work pool, all that waits in one transaction.
//
// A batch that fails (the disk is full) is given up, logged, and told to those who wait for it;
// what memory says until the next start is then their business.
#pragma once

#include "net/net.h"
#include "store/store.h"

typedef struct journal journal;

// Takes the store: nobody else may use it from here on.
journal *journal_new(loop *l, store *db);
// Writes what waits, blocking; those who wait aren't called. NULL is allowed.
void journal_free(journal *j);

// Copies the values; `sql` is a literal.
void journal_add(journal *j, const char *sql, const store_value *args, size_t count);
// Calls back once all that was added before is on disk, or has failed to get there.
void journal_wait(journal *j, void (*on_written)(void *ctx, const err *e), void *ctx);
