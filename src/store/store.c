// SPDX-License-Identifier: Apache-2.0
// Opening a database and bringing its schema up to date.
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/db.h"

enum { BUSY_MS = 5000 };

static code code_of(int result)
{
    switch (result & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return STORE_BUSY;
    case SQLITE_CONSTRAINT:
        return STORE_CONFLICT;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return STORE_CORRUPT;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
        return STORE_OPEN;
    default:
        return STORE_FAILED;
    }
}

code db_error(store *s, int result, err *e)
{
    code c = code_of(result);
    err_set(e, c, "%s: %s", s->path, sqlite3_errmsg(s->db));
    if (c == STORE_BUSY)
        err_hint(e, "another process holds the database; wait for it to end, or end it");
    else if (c == STORE_CORRUPT)
        err_hint(e, "move the file away and start again: it is made anew, without its old state");
    return c;
}

static code db_exec(store *s, const char *sql, err *e)
{
    int result = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
    return result == SQLITE_OK ? OK : db_error(s, result, e);
}

static code read_version(store *s, int64_t *ret_version, err *e)
{
    store_rows *r;
    code c = store_query(s, "PRAGMA user_version", STORE_NO_ARGS, &r, e);
    if (c)
        return c;
    *ret_version = store_next(r) ? store_row_i64(r, 0) : 0;
    return store_end(r, e);
}

// One step in a transaction of its own. The version is read again under the write lock: another
// process may have taken the step meanwhile.
static code migrate_step(store *s, const store_schema *schema, int64_t *version, err *e)
{
    code c = store_begin(s, e);
    if (c)
        return c;
    c = read_version(s, version, e);
    if (!c && *version < (int64_t)schema->count) {
        char pragma[48];
        snprintf(pragma, sizeof pragma, "PRAGMA user_version = %lld", (long long)*version + 1);
        c = db_exec(s, schema->steps[*version], e);
        if (!c)
            c = db_exec(s, pragma, e);
        *version += 1;
    }
    if (!c)
        c = store_commit(s, e);
    if (c)
        store_rollback(s);
    return c;
}

static code migrate(store *s, const store_schema *schema, err *e)
{
    int64_t version;
    code c = read_version(s, &version, e);
    while (!c && version < (int64_t)schema->count)
        c = migrate_step(s, schema, &version, e);
    if (!c && version > (int64_t)schema->count) {
        c = err_set(e, STORE_NEWER, "%s: its schema has version %lld, this program knows %zu",
                    s->path, (long long)version, schema->count);
        err_hint(e, "use the newer gatepost that wrote it, or move the file away to start anew");
    }
    return c;
}

// SQLite would make the file with the umask's mode and follow links: we make it before, closed to
// others. What is there already must be ours.
static code prepare_file(const char *path, err *e)
{
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_sys(e, STORE_OPEN, errno, "%s", path);
    struct stat st;
    code c = OK;
    if (fstat(fd, &st) != 0)
        c = err_sys(e, STORE_OPEN, errno, "%s", path);
    else if (!S_ISREG(st.st_mode))
        c = err_set(e, STORE_OPEN, "%s: not a regular file", path);
    else if (st.st_uid != geteuid())
        c = err_set(e, STORE_OPEN, "%s: belongs to another user", path);
    else if (fchmod(fd, 0600) != 0)
        c = err_sys(e, STORE_OPEN, errno, "%s", path);
    close(fd);
    return c;
}

static code open_database(store *s, err *e)
{
    bool memory = str_eq(str_from(s->path), STR(":memory:"));
    code c = memory ? OK : prepare_file(s->path, e);
    if (c)
        return c;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (!memory)
        flags |= SQLITE_OPEN_NOFOLLOW;
    int result = sqlite3_open_v2(s->path, &s->db, flags, NULL);
    if (result != SQLITE_OK)
        return db_error(s, result, e);
    sqlite3_busy_timeout(s->db, BUSY_MS);
    return db_exec(s,
                   "PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL;"
                   "PRAGMA trusted_schema = OFF",
                   e);
}

code store_new(const char *path, const store_schema *schema, store **ret_store, err *e)
{
    store *s = NEW(store);
    s->path = mem_dup(path);
    code c = open_database(s, e);
    if (!c)
        c = migrate(s, schema, e);
    if (c) {
        store_free(s);
        return c;
    }
    *ret_store = s;
    return OK;
}

void store_free(store *s)
{
    if (!s)
        return;
    db_forget_statements(s);
    sqlite3_close(s->db);
    free(s->path);
    free(s);
}
