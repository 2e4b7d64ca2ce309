// SPDX-License-Identifier: Apache-2.0
#include "google/journal.h"

#include <pthread.h>

typedef struct change change;
struct change {
    const char *sql;
    store_value *args;
    size_t count;
};

typedef struct waiter waiter;
struct waiter {
    void (*on_written)(void *ctx, const err *e);
    void *ctx;
};

// One transaction. While it runs it belongs to a thread of the work pool, store included.
typedef struct batch batch;
struct batch {
    journal *journal; // NULL: the journal was freed meanwhile
    store *db;
    arena mem;
    VEC(change) changes;
    VEC(waiter) waiters;
    err e;
    pthread_mutex_t lock; // over `finished`, for the one who frees during a run
    pthread_cond_t finish;
    bool finished;
};

struct journal {
    loop *loop;
    store *db;
    task start;
    batch *next;    // collects; never NULL
    batch *running; // NULL: none
};

static batch *batch_new(journal *j)
{
    batch *b = NEW(batch);
    b->journal = j;
    b->db = j->db;
    arena_init(&b->mem);
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->finish, NULL);
    return b;
}

static void batch_free(batch *b)
{
    pthread_cond_destroy(&b->finish);
    pthread_mutex_destroy(&b->lock);
    VEC_FOREACH (&b->changes, x) // there may be a private key among them
        for (size_t i = 0; i < x->count; i++)
            secret_wipe((char *)(uintptr_t)x->args[i].bytes.ptr, x->args[i].bytes.len);
    vec_deinit(&b->changes);
    vec_deinit(&b->waiters);
    arena_deinit(&b->mem);
    free(b);
}

static code write_changes(batch *b)
{
    code c = store_begin(b->db, &b->e);
    VEC_FOREACH (&b->changes, x)
        if (c == OK)
            c = store_run(b->db, x->sql, x->args, x->count, &b->e);
    if (c == OK)
        c = store_commit(b->db, &b->e);
    if (c) {
        store_rollback(b->db);
        log_error("google", "what was issued or changed isn't on disk: %s", b->e.msg);
    }
    return c;
}

static void run_batch(void *ctx)
{
    batch *b = ctx;
    if (b->changes.len)
        (void)write_changes(b);
    pthread_mutex_lock(&b->lock);
    b->finished = true;
    pthread_cond_signal(&b->finish);
    pthread_mutex_unlock(&b->lock);
}

static void on_batch(void *ctx)
{
    batch *b = ctx;
    journal *j = b->journal;
    if (j) {
        j->running = NULL;
        if (j->next->changes.len || j->next->waiters.len)
            task_post(j->loop, &j->start);
        VEC_FOREACH (&b->waiters, w)
            w->on_written(w->ctx, b->e.code ? &b->e : NULL);
    }
    batch_free(b);
}

static void start_batch(void *ctx)
{
    journal *j = ctx;
    if (j->running)
        return; // on_batch comes back to it
    j->running = j->next;
    j->next = batch_new(j);
    work_start(j->loop, run_batch, on_batch, j->running);
}

journal *journal_new(loop *l, store *db)
{
    journal *j = NEW(journal);
    j->loop = l;
    j->db = db;
    j->start = (task){.run = start_batch, .ctx = j};
    j->next = batch_new(j);
    return j;
}

void journal_free(journal *j)
{
    if (!j)
        return;
    task_cancel(&j->start);
    batch *b = j->running;
    if (b) {
        pthread_mutex_lock(&b->lock);
        while (!b->finished)
            pthread_cond_wait(&b->finish, &b->lock);
        pthread_mutex_unlock(&b->lock);
        b->journal = NULL; // on_batch frees it
    }
    if (j->next->changes.len)
        (void)write_changes(j->next);
    batch_free(j->next);
    store_free(j->db);
    free(j);
}

void journal_add(journal *j, const char *sql, const store_value *args, size_t count)
{
    batch *b = j->next;
    change x = {.sql = sql, .args = arena_array(&b->mem, count, sizeof(*args)), .count = count};
    for (size_t i = 0; i < count; i++) {
        x.args[i] = args[i];
        x.args[i].bytes = arena_str(&b->mem, args[i].bytes);
    }
    vec_push(&b->changes, x);
    task_post(j->loop, &j->start);
}

void journal_wait(journal *j, void (*on_written)(void *ctx, const err *e), void *ctx)
{
    vec_push(&j->next->waiters, ((waiter){on_written, ctx}));
    task_post(j->loop, &j->start);
}
