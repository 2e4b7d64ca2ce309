// SPDX-License-Identifier: Apache-2.0
// Tokens: ID tokens are signed and forgotten; access and refresh tokens are random and remembered
// by their hash.
#include <openssl/evp.h>

#include "google/state.h"

enum { CLAIMS_BYTES_MAX = 12 << 10, RANDOM_BYTES = 48 };

void digest(str text, unsigned char ret[DIGEST_BYTES])
{
    EVP_Digest(text.ptr, text.len, ret, NULL, EVP_sha256(), NULL);
}

static void add_random(buf *out)
{
    char bytes[RANDOM_BYTES];
    rand_bytes(bytes, sizeof(bytes));
    base64url_encode(out, (str){bytes, sizeof(bytes)});
    secret_wipe(bytes, sizeof(bytes));
}

// ---- ID tokens

code mint_id(google *g, const id_claims *x, int64_t now_s, buf *out, err *e)
{
    buf claims;
    buf_init(&claims, CLAIMS_BYTES_MAX);
    jout w = jout_new(&claims, JSON_COMPACT);
    jout_object(&w, NULL);
    jout_str(&w, "aud", x->audience);
    jout_str(&w, "azp", x->azp.len ? x->azp : x->who->unique_id);
    if (x->email) {
        jout_str(&w, "email", x->who->email);
        jout_bool(&w, "email_verified", true);
    }
    jout_i64(&w, "exp", now_s + g->lifetime_s);
    if (x->google_json.len)
        jout_raw(&w, "google", x->google_json);
    if (x->managed_domain.len)
        jout_str(&w, "hd", x->managed_domain);
    jout_i64(&w, "iat", now_s);
    jout_str(&w, "iss", GOOGLE_ISSUER);
    jout_str(&w, "sub", x->who->unique_id);
    jout_end(&w);
    code c = buf_ok(&claims) ? jwt_sign(g->signer, buf_str(&claims), STR("JWT"), out, e)
                             : err_set(e, SYS_LIMIT, "the audience is too long");
    buf_deinit(&claims);
    return c;
}

code google_mint_id_token(google *g, str email, str audience, buf *out, err *e)
{
    account *a = account_find(g, email);
    if (!account_works(a))
        return err_set(e, GOOGLE_ACCOUNT, "there is no account " STR_FMT, STR_ARG(email));
    return mint_id(g, &(id_claims){.who = a, .audience = audience, .email = true}, clock_wall_s(),
                   out, e);
}

// ---- access tokens

// One allocation that holds its strings too: lists of e-mail addresses are kept as text, one a
// line.
static access_token *access_token_new(const access_grant *x, int64_t expires_s)
{
    size_t bytes = x->scopes.len + x->federated.len + x->delegation_count * sizeof(str);
    for (size_t i = 0; i < x->delegation_count; i++)
        bytes += x->delegation[i].len;
    access_token *t = mem_new(sizeof(*t) + bytes);
    t->who = x->who;
    t->expires_s = expires_s;
    t->delegation = (str *)(t + 1);
    t->delegation_count = x->delegation_count;
    char *at = (char *)(t->delegation + x->delegation_count);
    for (size_t i = 0; i < x->delegation_count; i++) {
        t->delegation[i] = (str){at, x->delegation[i].len};
        memcpy(at, x->delegation[i].ptr, x->delegation[i].len);
        at += x->delegation[i].len;
    }
    t->scopes = (str){at, x->scopes.len};
    if (x->scopes.len)
        memcpy(at, x->scopes.ptr, x->scopes.len);
    t->federated = (str){at + x->scopes.len, x->federated.len};
    if (x->federated.len)
        memcpy(at + x->scopes.len, x->federated.ptr, x->federated.len);
    return t;
}

static void drop_access(google *g, str key)
{
    journal_add(g->journal, "delete from access_token where digest = ?",
                STORE_ARGS(store_blob(key)));
    free(map_remove(&g->access_tokens, key));
}

// Expired ones go; when that isn't enough, the oldest.
static void make_room(google *g, int64_t now_s)
{
    size_t cursor = 0;
    str key;
    void *t;
    while (map_next(&g->access_tokens, &cursor, &key, &t))
        if (((access_token *)t)->expires_s <= now_s)
            drop_access(g, key);
    cursor = 0;
    if (g->access_tokens.len >= GOOGLE_TOKENS_MAX && map_next(&g->access_tokens, &cursor, &key, &t))
        drop_access(g, key);
}

int64_t mint_access(google *g, const access_grant *x, int64_t now_s, buf *out)
{
    unsigned char hash[DIGEST_BYTES];
    size_t start = out->len;
    buf_addz(out, !x->who ? "ya29.d." : x->who->is_person ? "ya29.a0" : "ya29.c.");
    add_random(out);
    digest(str_skip(buf_str(out), start), hash);
    if (g->access_tokens.len >= GOOGLE_TOKENS_MAX)
        make_room(g, now_s);
    access_token *t = access_token_new(x, now_s + (x->lifetime_s ? x->lifetime_s : g->lifetime_s));
    map_set(&g->access_tokens, digest_str(hash), t);
    buf chain;
    buf_init(&chain, 4096);
    for (size_t i = 0; i < t->delegation_count; i++)
        buf_addf(&chain, STR_FMT "\n", STR_ARG(t->delegation[i]));
    journal_add(g->journal,
                "insert into access_token (digest, email, scopes, delegation, expires_s, federated)"
                " values (?, ?, ?, ?, ?, ?)",
                STORE_ARGS(store_blob(digest_str(hash)),
                           store_text(t->who ? t->who->email : STR("")), store_text(t->scopes),
                           store_text(buf_str(&chain)), store_i64(t->expires_s),
                           t->who ? store_null() : store_text(t->federated)));
    buf_deinit(&chain);
    return t->expires_s;
}

const access_token *access_token_find(google *g, str token, int64_t now_s)
{
    unsigned char hash[DIGEST_BYTES];
    digest(token, hash);
    const access_token *t = map_get(&g->access_tokens, digest_str(hash));
    return t && t->expires_s > now_s && (!t->who || account_works(t->who)) ? t : NULL;
}

code google_mint_access_token(google *g, const google_grant *x, buf *out, int64_t *ret_expires_s,
                              err *e)
{
    account *a = account_find(g, x->email);
    if (!account_works(a))
        return err_set(e, GOOGLE_ACCOUNT, "there is no account " STR_FMT, STR_ARG(x->email));
    access_grant grant = {.who = a, .scopes = x->scopes, .lifetime_s = x->lifetime_s};
    *ret_expires_s = mint_access(g, &grant, clock_wall_s(), out);
    return OK;
}

// ---- refresh tokens

static refresh_token *refresh_token_make(account *a, str client_id, str scopes)
{
    refresh_token *t = mem_new(sizeof(*t) + client_id.len + scopes.len);
    char *at = (char *)(t + 1);
    t->who = a;
    t->client_id = (str){memcpy(at, client_id.ptr, client_id.len), client_id.len};
    t->scopes = (str){memcpy(at + client_id.len, scopes.ptr, scopes.len), scopes.len};
    return t;
}

void refresh_token_new(google *g, account *a, str client_id, str scopes, buf *ret_token,
                       buf *ret_secret)
{
    unsigned char hash[DIGEST_BYTES];
    refresh_token *t = refresh_token_make(a, client_id, scopes);
    size_t start = ret_token->len, secret_start = ret_secret->len;
    buf_addz(ret_token, "1//0");
    add_random(ret_token);
    buf_addz(ret_secret, "GOCSPX-");
    add_random(ret_secret);
    digest(str_skip(buf_str(ret_token), start), hash);
    digest(str_skip(buf_str(ret_secret), secret_start), t->client_secret);
    map_set(&g->refresh_tokens, digest_str(hash), t);
    journal_add(g->journal,
                "insert into refresh_token (digest, email, client_id, client_secret, scopes)"
                " values (?, ?, ?, ?, ?)",
                STORE_ARGS(store_blob(digest_str(hash)), store_text(a->email),
                           store_text(client_id), store_blob(digest_str(t->client_secret)),
                           store_text(scopes)));
}

const refresh_token *refresh_token_find(const google *g, str token)
{
    unsigned char hash[DIGEST_BYTES];
    digest(token, hash);
    return map_get(&g->refresh_tokens, digest_str(hash));
}

void token_revoke(google *g, str token)
{
    unsigned char hash[DIGEST_BYTES];
    size_t cursor = 0;
    str key;
    void *t;
    digest(token, hash);
    refresh_token *refresh = map_remove(&g->refresh_tokens, digest_str(hash));
    if (!refresh) {
        drop_access(g, digest_str(hash));
        return;
    }
    while (map_next(&g->access_tokens, &cursor, &key, &t))
        if (((access_token *)t)->who == refresh->who)
            drop_access(g, key);
    journal_add(g->journal, "delete from refresh_token where digest = ?",
                STORE_ARGS(store_blob(digest_str(hash))));
    free(refresh);
}

// ---- opening

static code open_access(google *g, store *db, err *e)
{
    store_rows *r;
    code c = store_run(db, "delete from access_token where expires_s <= ?",
                       STORE_ARGS(store_i64(clock_wall_s())), e);
    if (c == OK)
        c = store_query(db,
                        "select digest, email, scopes, delegation, expires_s, federated"
                        " from access_token"
                        " order by rowid",
                        STORE_NO_ARGS, &r, e);
    if (c)
        return c;
    while (store_next(r)) {
        access_grant x = {.who = account_find(g, store_row_str(r, 1)),
                          .scopes = store_row_str(r, 2),
                          .federated = store_row_str(r, 5)};
        VEC(str) chain = {0};
        str rest = store_row_str(r, 3), email;
        while (str_next(&rest, '\n', &email))
            if (email.len)
                vec_push(&chain, email);
        x.delegation = chain.ptr;
        x.delegation_count = chain.len;
        if (x.who || x.federated.len)
            map_set(&g->access_tokens, store_row_str(r, 0),
                    access_token_new(&x, store_row_i64(r, 4)));
        vec_deinit(&chain);
    }
    return store_end(r, e);
}

static code open_refresh(google *g, store *db, err *e)
{
    store_rows *r;
    code c =
        store_query(db, "select digest, email, client_id, scopes, client_secret from refresh_token",
                    STORE_NO_ARGS, &r, e);
    if (c)
        return c;
    while (store_next(r)) {
        account *a = account_find(g, store_row_str(r, 1));
        str secret_hash = store_row_str(r, 4);
        if (!a || secret_hash.len != DIGEST_BYTES)
            continue;
        refresh_token *t = refresh_token_make(a, store_row_str(r, 2), store_row_str(r, 3));
        memcpy(t->client_secret, secret_hash.ptr, DIGEST_BYTES);
        map_set(&g->refresh_tokens, store_row_str(r, 0), t);
    }
    return store_end(r, e);
}

code tokens_open(google *g, store *db, err *e)
{
    code c = open_access(g, db, e);
    return c ? c : open_refresh(g, db, e);
}

void tokens_close(google *g)
{
    map_deinit(&g->access_tokens, free);
    map_deinit(&g->refresh_tokens, free);
}
