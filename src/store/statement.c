// SPDX-License-Identifier: Apache-2.0
// Statements, rows and transactions.
#include <assert.h>

#include "store/db.h"

static void free_rows(void *value)
{
    store_rows *r = value;
    sqlite3_finalize(r->stmt);
    free(r);
}

void db_forget_statements(store *s)
{
    map_deinit(&s->statements, free_rows);
}

static code prepare(store *s, const char *sql, store_rows **ret_rows, err *e)
{
    store_rows *r = map_get(&s->statements, str_from(sql));
    if (!r) {
        sqlite3_stmt *stmt;
        int result = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
        if (result != SQLITE_OK)
            return db_error(s, result, e);
        r = NEW(store_rows);
        r->store = s;
        r->stmt = stmt;
        map_set(&s->statements, str_from(sql), r);
    }
    assert(!r->open);
    *ret_rows = r;
    return OK;
}

static int bind_value(sqlite3_stmt *stmt, int at, const store_value *v)
{
    const char *bytes = v->bytes.ptr ? v->bytes.ptr : "";
    switch (v->type) {
    case STORE_I64:
        return sqlite3_bind_int64(stmt, at, v->i64);
    case STORE_TEXT:
        return sqlite3_bind_text64(stmt, at, bytes, v->bytes.len, SQLITE_STATIC, SQLITE_UTF8);
    case STORE_BLOB:
        return sqlite3_bind_blob64(stmt, at, bytes, v->bytes.len, SQLITE_STATIC);
    case STORE_NULL:
    default:
        return sqlite3_bind_null(stmt, at);
    }
}

code store_query(store *s, const char *sql, const store_value *args, size_t arg_count,
                 store_rows **ret_rows, err *e)
{
    store_rows *r = NULL;
    code c = prepare(s, sql, &r, e);
    if (c)
        return c;
    assert((size_t)sqlite3_bind_parameter_count(r->stmt) == arg_count);
    for (size_t i = 0; i < arg_count; i++) {
        int result = bind_value(r->stmt, (int)i + 1, &args[i]);
        if (result != SQLITE_OK) {
            sqlite3_clear_bindings(r->stmt);
            return db_error(s, result, e);
        }
    }
    r->open = true;
    r->done = false;
    r->result = SQLITE_OK;
    *ret_rows = r;
    return OK;
}

bool store_next(store_rows *r)
{
    if (r->result || r->done)
        return false;
    int result = sqlite3_step(r->stmt);
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        r->result = result;
    if (result == SQLITE_DONE)
        r->done = true;
    return result == SQLITE_ROW;
}

int64_t store_row_i64(store_rows *r, int column)
{
    return sqlite3_column_int64(r->stmt, column);
}

str store_row_str(store_rows *r, int column)
{
    const char *ptr = sqlite3_column_blob(r->stmt, column);
    return (str){ptr, ptr ? (size_t)sqlite3_column_bytes(r->stmt, column) : 0};
}

bool store_row_null(store_rows *r, int column)
{
    return sqlite3_column_type(r->stmt, column) == SQLITE_NULL;
}

code store_end(store_rows *r, err *e)
{
    code c = r->result ? db_error(r->store, r->result, e) : OK;
    sqlite3_reset(r->stmt);
    sqlite3_clear_bindings(r->stmt);
    r->open = false;
    return c;
}

code store_run(store *s, const char *sql, const store_value *args, size_t arg_count, err *e)
{
    store_rows *r;
    code c = store_query(s, sql, args, arg_count, &r, e);
    if (c)
        return c;
    while (store_next(r))
        ;
    return store_end(r, e);
}

code store_begin(store *s, err *e)
{
    return store_run(s, "BEGIN IMMEDIATE", STORE_NO_ARGS, e);
}

code store_commit(store *s, err *e)
{
    return store_run(s, "COMMIT", STORE_NO_ARGS, e);
}

void store_rollback(store *s)
{
    if (!sqlite3_get_autocommit(s->db)) // some errors have rolled back already
        if (store_run(s, "ROLLBACK", STORE_NO_ARGS, NULL))
            log_error("store", "%s: %s", s->path, sqlite3_errmsg(s->db));
}
