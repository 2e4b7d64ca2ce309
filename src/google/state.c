// SPDX-License-Identifier: Apache-2.0
#include "google/key_job.h"

static const char *const steps[] = {
    "create table issuer_key (kid text primary key, pem text not null, made_s integer not null)"
    " strict;"
    "create table account (email text primary key, unique_id text not null unique) strict;"
    "create table account_key (id text primary key, email text not null"
    " references account (email), cert text not null, uploaded integer not null,"
    " disabled integer not null) strict;"
    "create table access_token (digest blob primary key, email text not null,"
    " scopes text not null, delegation text not null, expires_s integer not null) strict;"
    "create table refresh_token (digest blob primary key, email text not null,"
    " client_id text not null, client_secret blob not null, scopes text not null) strict;",
    "alter table account_key add column private_pem text", // of managed keys
    "alter table access_token add column federated text",  // of identities of pools
    "alter table account_key add column used_s integer not null default 0",
    "alter table account add column made integer not null default 0;" // by the API
    "alter table account add column disabled integer not null default 0;"
    "alter table account add column display_name text not null default '';"
    "alter table account add column description text not null default '';"
    "create table iam_policy (resource text primary key, declared text not null,"
    " policy text not null) strict",
};
const store_schema google_schema = {steps, ARRAY_LEN(steps)};

void random_hex(size_t digits, char *ret_text)
{
    for (size_t i = 0; i < digits; i++)
        ret_text[i] = "0123456789abcdef"[rand_below(16)];
}

// ---- the issuer's key

static code load_signer(google *g, store *db, int64_t *ret_made_s, err *e)
{
    store_rows *r;
    code c = store_query(db, "select kid, pem, made_s from issuer_key order by made_s desc",
                         STORE_NO_ARGS, &r, e);
    if (c)
        return c;
    if (store_next(r)) {
        *ret_made_s = store_row_i64(r, 2);
        c = jwk_from_pem(store_row_str(r, 1), store_row_str(r, 0), &g->signer, e);
    }
    code end = store_end(r, c ? NULL : e);
    return c ? c : end;
}

static code make_signer(google *g, store *db, int64_t *ret_made_s, err *e)
{
    char kid[KEY_ID_LEN];
    random_hex(sizeof(kid), kid);
    g->signer = jwk_generate(JOSE_RS256, (str){kid, sizeof(kid)});
    *ret_made_s = clock_wall_s();
    secret *pem = jwk_private_pem(g->signer);
    code c = store_run(db, "insert into issuer_key (kid, pem, made_s) values (?, ?, ?)",
                       STORE_ARGS(store_text(jwk_kid(g->signer)), store_text(secret_str(pem)),
                                  store_i64(*ret_made_s)),
                       e);
    secret_free(pem);
    return c;
}

static code open_signer(google *g, store *db, err *e)
{
    int64_t made_s = 0;
    code c = load_signer(g, db, &made_s, e);
    if (c == OK && !g->signer)
        c = make_signer(g, db, &made_s, e);
    if (c)
        return c;
    g->keys = jwk_set_new();
    jwk_set_add(g->keys, g->signer);
    jwk_set_write_json(g->keys, &g->jwks);
    return jwk_set_write_certs(g->keys, STR("federated-signon.system.gserviceaccount.com"), made_s,
                               NEVER_S, &g->certs, e);
}

jwk_set *google_keys(google *g)
{
    return g->keys;
}

// ---- opening and closing

static code open_all(google *g, store *db, const google_options *o, err *e)
{
    code c = open_signer(g, db, e);
    if (c == OK)
        c = policies_open(g, db, e);
    if (c == OK)
        c = accounts_open(g, db, o, e);
    if (c == OK)
        c = tokens_open(g, db, e);
    if (c == OK)
        c = pool_set_new(g->loop, o->pools, g->project_number, &g->pools, e);
    g->externals = o->externals;
    g->external_count = o->external_count;
    return c;
}

static google *google_alloc(loop *l, const google_options *o)
{
    google *g = NEW(google);
    arena_init(&g->mem);
    buf_init(&g->jwks, JWK_SET_BYTES_MAX);
    buf_init(&g->certs, JWK_SET_BYTES_MAX);
    g->loop = l;
    g->project_id = arena_str(&g->mem, o->project_id);
    g->project_number = arena_str(&g->mem, o->project_number);
    g->region = arena_str(&g->mem, o->region);
    g->lifetime_s = o->token_lifetime_s ? o->token_lifetime_s : GOOGLE_LIFETIME_S;
    g->roles = o->roles;
    g->spool = o->spool;
    return g;
}

code google_new(loop *l, const google_options *o, google **ret_google, err *e)
{
    store *db = NULL;
    code c = store_new(o->state, &google_schema, &db, e);
    if (c)
        return c;
    google *g = google_alloc(l, o);
    c = open_all(g, db, o, e);
    if (c) {
        store_free(db);
        google_free(g);
        return c;
    }
    g->journal = journal_new(l, db);
    *ret_google = g;
    return OK;
}

void google_free(google *g)
{
    if (!g)
        return;
    key_jobs_close(g);
    key_locks_release(g);
    journal_free(g->journal);
    pool_set_free(g->pools);
    services_close(g);
    tokens_close(g);
    accounts_close(g);
    jwk_set_unref(g->keys);
    jwk_unref(g->signer);
    buf_deinit(&g->jwks);
    buf_deinit(&g->certs);
    arena_deinit(&g->mem);
    free(g);
}

str google_default_account(const google *g)
{
    return g->default_account;
}
