// SPDX-License-Identifier: Apache-2.0
// key_job: a call that is answered later: once its key pair is made (on the work pool) and its
// change is on disk. The client may leave, and the google may go, at any moment between.
#pragma once

#include "google/call.h"

typedef struct key_job key_job;
// `k` is NULL when the change is about no key, or somebody deleted it meanwhile; `pair` is that of
// a new key.
typedef void key_job_answer(call *c, const api_use *u, const account_key *k, jwk *pair);
struct key_job {
    google *g; // NULL: gone
    call *c;   // NULL: the client left
    api_use use;
    char id[KEY_ID_LEN]; // of the key; zeroes: none
    jwk *pair;
    bool is_new;     // nobody else knows the key before the answer
    bool is_managed; // the pair becomes the account's managed key, unless it has one by then
    bool on_pool;
    key_job_answer *answer;
    key_job *next;
};

// Answers once what the caller changed is on disk. `k` may be NULL.
void key_job_save(call *c, const api_use *u, const account_key *k, key_job_answer *answer);
// Makes a key pair, then the account's key of it, then as above.
void key_job_make(call *c, const api_use *u, key_job_answer *answer);
// The same for the managed key of an account that has none.
void key_job_make_managed(call *c, const api_use *u, key_job_answer *answer);
// New keys of the account that are still being made.
size_t key_jobs_of(const google *g, const account *a);
// lifecycle.c: the answers of the IAM API that make, end and switch accounts. `u` is authorized.
void account_create(call *c, api_use *u, key_job_answer *answer);
void account_delete(call *c, const api_use *u, key_job_answer *answer);
void account_set_disabled(call *c, const api_use *u, bool disabled, key_job_answer *answer);
// The client left: a key that only it would have known is withdrawn.
void key_job_abandon(key_job *j);
// Lets go of all, when the google goes.
void key_jobs_close(google *g);
