// SPDX-License-Identifier: Apache-2.0
#include "google/key_job.h"

static void forget(call *c)
{
    c->job = NULL;
    c->on_left = NULL;
}

static void on_left(call *c)
{
    key_job_abandon(c->job);
}

static key_job *job_new(call *c, const api_use *u, key_job_answer *answer)
{
    key_job *j = NEW(key_job);
    j->g = c->g;
    j->c = c;
    j->use = *u;
    j->answer = answer;
    j->next = c->g->jobs;
    c->g->jobs = j;
    c->job = j;
    c->on_left = on_left;
    return j;
}

static void job_free(key_job *j)
{
    for (key_job **at = j->g ? &j->g->jobs : NULL; at && *at; at = &(*at)->next)
        if (*at == j) {
            *at = j->next;
            break;
        }
    if (j->c)
        forget(j->c);
    jwk_unref(j->pair);
    free(j);
}

// By its id each time: anybody may have deleted it since.
static account_key *key_of(const key_job *j)
{
    return j->id[0] ? account_key_find(j->use.target, (str){j->id, KEY_ID_LEN}) : NULL;
}

static void withdraw(key_job *j)
{
    account_key *k = key_of(j);
    if (j->is_new && k)
        account_key_remove(j->g, j->use.target, k);
}

static void fail(key_job *j, rpc status, const char *message)
{
    call *c = j->c;
    withdraw(j);
    job_free(j);
    call_rpc_error(c, status, "%s", message);
}

static void on_written(void *ctx, const err *e)
{
    key_job *j = ctx;
    call *c = j->c;
    if (c && e) {
        fail(j, RPC_UNAVAILABLE, "The change can't be saved at the moment.");
        return;
    }
    if (c)
        forget(c);
    j->c = NULL;
    if (!c || !call_record(c, &j->use)) // then it is answered: the trail takes nothing now
        withdraw(j);
    else
        j->answer(c, &j->use, key_of(j), j->pair);
    job_free(j);
}

static void save(key_job *j, const account_key *k)
{
    if (k)
        memcpy(j->id, k->id.ptr, KEY_ID_LEN);
    journal_wait(j->g->journal, on_written, j);
}

void key_job_save(call *c, const api_use *u, const account_key *k, key_job_answer *answer)
{
    save(job_new(c, u, answer), k);
}

static void make_pair(void *ctx)
{
    key_job *j = ctx;
    char id[KEY_ID_LEN];
    random_hex(sizeof(id), id);
    j->pair = jwk_generate(JOSE_RS256, (str){id, sizeof(id)});
}

static code take_pair(key_job *j, account_key **ret_key, err *e)
{
    account *a = j->use.target;
    if (j->is_managed && (*ret_key = account_managed_key(a)))
        return OK; // another call was faster
    code c = account_key_of_pair(a, j->pair, ret_key, e);
    if (c)
        return c;
    if (j->is_managed)
        (*ret_key)->signer = jwk_ref(j->pair);
    account_key_add(j->g, a, *ret_key);
    return OK;
}

static void on_pair(void *ctx)
{
    key_job *j = ctx;
    account_key *k;
    err e = ERR_INIT;
    j->on_pool = false;
    if (!j->g || !j->c) {
        job_free(j);
        return;
    }
    if (take_pair(j, &k, &e))
        fail(j, RPC_INTERNAL, e.msg);
    else
        save(j, k);
}

static void start_making(key_job *j)
{
    j->on_pool = true;
    work_start(j->g->loop, make_pair, on_pair, j);
}

void key_job_make(call *c, const api_use *u, key_job_answer *answer)
{
    key_job *j = job_new(c, u, answer);
    j->is_new = true;
    start_making(j);
}

void key_job_make_managed(call *c, const api_use *u, key_job_answer *answer)
{
    key_job *j = job_new(c, u, answer);
    j->is_managed = true;
    start_making(j);
}

size_t key_jobs_of(const google *g, const account *a)
{
    size_t count = 0;
    for (const key_job *j = g->jobs; j; j = j->next)
        count += j->is_new && j->on_pool && j->use.target == a;
    return count;
}

void key_job_abandon(key_job *j)
{
    j->c = NULL;
}

void key_jobs_close(google *g)
{
    for (key_job *j = g->jobs, *next; j; j = next) {
        next = j->next;
        j->g = NULL;
        if (j->c)
            forget(j->c);
        j->c = NULL;
        if (!j->on_pool) // the journal calls nobody back any more; on_pair comes
            job_free(j);
    }
    g->jobs = NULL;
}
