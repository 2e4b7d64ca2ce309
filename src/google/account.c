// SPDX-License-Identifier: Apache-2.0
// Accounts and their public keys.
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "google/state.h"

enum { USED_EVERY_S = 60 };

// ---- finding

static str lower(arena *mem, str s)
{
    char *to = arena_cstr(mem, s);
    for (size_t i = 0; i < s.len; i++)
        to[i] = ascii_lower(to[i]);
    return (str){to, s.len};
}

account *account_find(const google *g, str email_or_id)
{
    account *a = map_get(&g->unique_ids, email_or_id);
    if (a || email_or_id.len > 320) // RFC 3696's longest address
        return a;
    char low[320];
    for (size_t i = 0; i < email_or_id.len; i++)
        low[i] = ascii_lower(email_or_id.ptr[i]);
    return map_get(&g->accounts, (str){low, email_or_id.len});
}

account_key *account_key_find(const account *a, str id)
{
    VEC_FOREACH (&a->keys, k)
        if (str_eq((*k)->id, id))
            return *k;
    return NULL;
}

account_key *account_managed_key(const account *a)
{
    VEC_FOREACH (&a->keys, k)
        if ((*k)->signer)
            return *k;
    return NULL;
}

size_t account_own_keys(const account *a)
{
    return a->keys.len - (account_managed_key(a) != NULL);
}

bool account_key_usable(const account_key *k, int64_t now_s)
{
    return !k->disabled && now_s >= k->from_s && now_s < k->to_s;
}

jwk_set *account_usable_keys(const account *a, int64_t now_s)
{
    jwk_set *set = jwk_set_new();
    VEC_FOREACH (&a->keys, k)
        if (account_key_usable(*k, now_s))
            jwk_set_add(set, (*k)->key);
    return set;
}

str account_key_name(const google *g, const account *a, const account_key *k, arena *mem)
{
    return arena_printf(mem, "projects/" STR_FMT "/serviceAccounts/" STR_FMT "/keys/" STR_FMT,
                        STR_ARG(g->project_id), STR_ARG(a->email), STR_ARG(k->id));
}

// ---- keys

static bool time_of(const ASN1_TIME *t, int64_t *ret_s)
{
    struct tm tm;
    if (ASN1_TIME_to_tm(t, &tm) != 1)
        return false;
    *ret_s = timegm(&tm);
    return true;
}

static bool read_validity(str cert_pem, account_key *k)
{
    BIO *mem = BIO_new_mem_buf(cert_pem.ptr, (int)cert_pem.len);
    X509 *cert = PEM_read_bio_X509(mem, NULL, NULL, NULL);
    bool good = cert && time_of(X509_get0_notBefore(cert), &k->from_s) &&
                time_of(X509_get0_notAfter(cert), &k->to_s);
    X509_free(cert);
    BIO_free(mem);
    return good;
}

static void key_free(account_key *k)
{
    jwk_unref(k->key);
    jwk_unref(k->signer);
    free((char *)(uintptr_t)k->id.ptr);
    free((char *)(uintptr_t)k->cert.ptr);
    free(k);
}

code account_key_new(str id, str cert_pem, account_key **ret_key, err *e)
{
    account_key *k = NEW(account_key);
    k->id = (str){mem_dupn(id.ptr, id.len), id.len};
    k->cert = (str){mem_dupn(cert_pem.ptr, cert_pem.len), cert_pem.len};
    code c = jwk_from_pem(cert_pem, id, &k->key, e);
    if (c == OK && jwk_alg(k->key) != JOSE_RS256)
        c = err_set(e, JOSE_KEY, "the certificate's key must be an RSA key");
    if (c == OK && (jwk_private(k->key) || !read_validity(cert_pem, k)))
        c = err_set(e, JOSE_KEY, "the text isn't one certificate");
    if (c)
        key_free(k);
    else
        *ret_key = k;
    return c;
}

code account_key_of_pair(const account *a, jwk *pair, account_key **ret_key, err *e)
{
    buf cert;
    buf_init(&cert, 16 << 10);
    code c = jwk_write_cert_pem(pair, a->email, clock_wall_s(), NEVER_S, &cert, e);
    if (c == OK)
        c = account_key_new(jwk_kid(pair), buf_str(&cert), ret_key, e);
    buf_deinit(&cert);
    return c;
}

void account_key_add(google *g, account *a, account_key *k)
{
    secret *pem = k->signer ? jwk_private_pem(k->signer) : NULL;
    vec_push(&a->keys, k);
    journal_add(g->journal,
                "insert into account_key (id, email, cert, uploaded, disabled, private_pem)"
                " values (?, ?, ?, ?, ?, ?)",
                STORE_ARGS(store_text(k->id), store_text(a->email), store_text(k->cert),
                           store_i64(k->uploaded), store_i64(k->disabled),
                           pem ? store_text(secret_str(pem)) : store_null()));
    secret_free(pem);
}

void account_key_set_disabled(google *g, account_key *k, bool disabled)
{
    k->disabled = disabled;
    journal_add(g->journal, "update account_key set disabled = ? where id = ?",
                STORE_ARGS(store_i64(disabled), store_text(k->id)));
}

void account_key_used(google *g, account_key *k, int64_t now_s)
{
    if (now_s < k->used_s + USED_EVERY_S && now_s >= k->used_s)
        return;
    k->used_s = now_s;
    journal_add(g->journal, "update account_key set used_s = ? where id = ?",
                STORE_ARGS(store_i64(now_s), store_text(k->id)));
}

void account_key_remove(google *g, account *a, account_key *k)
{
    journal_add(g->journal, "delete from account_key where id = ?", STORE_ARGS(store_text(k->id)));
    for (size_t i = 0; i < a->keys.len; i++)
        if (a->keys.ptr[i] == k) {
            vec_remove(&a->keys, i);
            break;
        }
    key_free(k);
}

// ---- opening

bool account_works(const account *a)
{
    return a && !a->disabled && !a->deleted;
}

static code add_account(google *g, str email, const char *key_file, err *e)
{
    int shown = email.len < 128 ? (int)email.len : 128;
    if (!email_valid(email) || email.len > 320)
        return err_set(e, GOOGLE_ACCOUNT, "\"%.*s\" isn't an e-mail address", shown, email.ptr);
    str low = lower(&g->mem, email);
    if (map_has(&g->accounts, low))
        return err_set(e, GOOGLE_ACCOUNT, "the account %.*s is declared twice", shown, email.ptr);
    if (g->accounts.len >= GOOGLE_ACCOUNTS_MAX)
        return err_set(e, SYS_LIMIT, "a project has at most %d accounts", GOOGLE_ACCOUNTS_MAX);
    account *a = ARENA_NEW(&g->mem, account);
    a->email = low;
    a->is_person = !email_is_service_account(low);
    a->key_file = key_file ? arena_cstr(&g->mem, str_from(key_file)) : NULL;
    map_set(&g->accounts, low, a);
    vec_push(&g->all, a);
    return OK;
}

// 21 digits, as Google's are; the first isn't 0.
static str new_unique_id(char ret_id[UNIQUE_ID_LEN])
{
    ret_id[0] = '1';
    for (size_t i = 1; i < UNIQUE_ID_LEN; i++)
        ret_id[i] = (char)('0' + rand_below(10));
    return (str){ret_id, UNIQUE_ID_LEN};
}

static code open_account(google *g, store *db, account *a, err *e)
{
    char fresh[UNIQUE_ID_LEN];
    store_rows *r;
    code c = store_run(db,
                       "insert into account (email, unique_id) values (?, ?)"
                       " on conflict (email) do nothing",
                       STORE_ARGS(store_text(a->email), store_text(new_unique_id(fresh))), e);
    if (c == OK)
        c = store_query(db,
                        "select unique_id, disabled, display_name, description from account"
                        " where email = ?",
                        STORE_ARGS(store_text(a->email)), &r, e);
    if (c)
        return c;
    if (store_next(r)) {
        a->unique_id = arena_str(&g->mem, store_row_str(r, 0));
        a->disabled = store_row_i64(r, 1);
        a->display_name = arena_str(&g->mem, store_row_str(r, 2));
        a->description = arena_str(&g->mem, store_row_str(r, 3));
    }
    map_set(&g->unique_ids, a->unique_id, a);
    return store_end(r, e);
}

// Those that the API made; one that is declared by now is that.
static code add_made_accounts(google *g, store *db, err *e)
{
    store_rows *r;
    code c = store_query(db, "select email from account where made = 1 order by rowid",
                         STORE_NO_ARGS, &r, e);
    if (c)
        return c;
    while (c == OK && store_next(r))
        if (!map_has(&g->accounts, store_row_str(r, 0)))
            c = add_account(g, store_row_str(r, 0), NULL, e);
    code end = store_end(r, c ? NULL : e);
    return c ? c : end;
}

static code open_keys(google *g, store *db, err *e)
{
    store_rows *r;
    code c = store_query(db,
                         "select id, email, cert, uploaded, disabled, private_pem, used_s"
                         " from account_key order by rowid",
                         STORE_NO_ARGS, &r, e);
    if (c)
        return c;
    while (c == OK && store_next(r)) {
        account *a = account_find(g, store_row_str(r, 1));
        account_key *k;
        if (!a)
            continue;
        c = account_key_new(store_row_str(r, 0), store_row_str(r, 2), &k, e);
        if (c)
            break;
        k->uploaded = store_row_i64(r, 3);
        k->disabled = store_row_i64(r, 4);
        k->used_s = store_row_i64(r, 6);
        vec_push(&a->keys, k);
        if (!store_row_null(r, 5))
            c = jwk_from_pem(store_row_str(r, 5), k->id, &k->signer, e);
    }
    code end = store_end(r, c ? NULL : e);
    return c ? c : end;
}

static json *binding_of(arena *mem, json *bindings, str role)
{
    JSON_EACH (bindings, b)
        if (str_eq(json_get(b, "role")->text, role))
            return (json *)(uintptr_t)json_get(b, "members");
    json *b = json_push(bindings, json_new(mem, JSON_OBJECT));
    json_set(mem, b, STR("role"), json_new_str(mem, role));
    return json_set(mem, b, STR("members"), json_new(mem, JSON_ARRAY));
}

// The accounts' roles, turned round into the project's policy.
static code open_policy(google *g, const google_options *o, err *e)
{
    arena mem;
    arena_init(&mem);
    json *root = json_new(&mem, JSON_OBJECT);
    json *bindings = json_set(&mem, root, STR("bindings"), json_new(&mem, JSON_ARRAY));
    for (size_t i = 0; i < o->account_count; i++) {
        const google_account *x = &o->accounts[i];
        const char *kind = email_is_service_account(x->email) ? "serviceAccount" : "user";
        for (size_t r = 0; r < x->role_count; r++)
            json_push(
                binding_of(&mem, bindings, x->roles[r]),
                json_new_str(&mem, arena_printf(&mem, "%s:" STR_FMT, kind, STR_ARG(x->email))));
    }
    code c = policy_load(root, o->roles, &g->policy, e);
    arena_deinit(&mem);
    return c ? err_wrap(e, "the roles of the accounts") : OK;
}

// Once it has its number.
static code open_resource(google *g, account *a, const json *declared, err *e)
{
    a->labels[0] = (audit_label){"email_id", a->email};
    a->labels[1] = (audit_label){"unique_id", a->unique_id};
    a->resource = (resource){
        .name = arena_printf(&g->mem, "projects/-/serviceAccounts/" STR_FMT, STR_ARG(a->unique_id)),
        .log = {"service_account", a->labels, ARRAY_LEN(a->labels)}};
    if (declared && a->is_person)
        return json_err(declared, e, GOOGLE_ACCOUNT, "a person has no policy: nobody uses %s",
                        a->email.ptr);
    return resource_open(g, &a->resource, declared, e)
               ? err_wrap(e, "the policy of " STR_FMT, STR_ARG(a->email))
               : OK;
}

static code open_resources(google *g, const google_options *o, err *e)
{
    code c = OK;
    for (size_t k = 0; c == OK && k < g->all.len; k++) {
        account *a = g->all.ptr[k];
        const json *declared = NULL;
        for (size_t i = 0; i < o->account_count; i++)
            if (str_ieq(o->accounts[i].email, a->email))
                declared = o->accounts[i].policy;
        c = open_resource(g, a, declared, e);
    }
    return c;
}

code accounts_open(google *g, store *db, const google_options *o, err *e)
{
    code c = OK;
    for (size_t i = 0; c == OK && i < o->account_count; i++)
        c = add_account(g, o->accounts[i].email, o->accounts[i].key_file, e);
    if (c)
        return c;
    g->default_account = arena_printf(&g->mem, STR_FMT "-compute@developer.gserviceaccount.com",
                                      STR_ARG(g->project_number));
    if (!map_has(&g->accounts, g->default_account))
        c = add_account(g, g->default_account, NULL, e);
    VEC_FOREACH (&g->all, a)
        (*a)->declared = true;
    if (c == OK)
        c = add_made_accounts(g, db, e);
    for (size_t i = 0; c == OK && i < g->all.len; i++)
        c = open_account(g, db, g->all.ptr[i], e);
    if (c == OK)
        c = open_keys(g, db, e);
    if (c == OK)
        c = open_policy(g, o, e);
    return c ? c : open_resources(g, o, e);
}

// ---- later

static void tell(const google *g, const account *a, str email)
{
    if (g->directory && !a->is_person)
        directory_add_account(g->directory, a->unique_id, email);
}

void google_tell(google *g, directory *d)
{
    g->directory = d;
    VEC_FOREACH (&g->all, a)
        tell(g, *a, (*a)->deleted ? STR_NONE : (*a)->email);
}

code account_make(google *g, str email, str display_name, str description, account **ret, err *e)
{
    char fresh[UNIQUE_ID_LEN];
    code c = add_account(g, email, NULL, e);
    if (c)
        return c;
    account *a = *ret = account_find(g, email);
    a->unique_id = arena_str(&g->mem, new_unique_id(fresh));
    a->display_name = arena_str(&g->mem, display_name);
    a->description = arena_str(&g->mem, description);
    map_set(&g->unique_ids, a->unique_id, a);
    journal_add(g->journal,
                "insert into account (email, unique_id, made, display_name, description)"
                " values (?, ?, 1, ?, ?) on conflict (email) do update set"
                " unique_id = excluded.unique_id, made = 1, disabled = 0,"
                " display_name = excluded.display_name, description = excluded.description",
                STORE_ARGS(store_text(a->email), store_text(a->unique_id),
                           store_text(a->display_name), store_text(a->description)));
    tell(g, a, a->email);
    return open_resource(g, a, NULL, e);
}

void account_drop(google *g, account *a)
{
    static const char *const tables[] = {"delete from access_token where email = ?",
                                         "delete from account_key where email = ?",
                                         "delete from account where email = ?"};
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        journal_add(g->journal, tables[i], STORE_ARGS(store_text(a->email)));
    resource_forget(g, &a->resource);
    tell(g, a, STR_NONE);
    a->deleted = true;
    (void)map_remove(&g->unique_ids, a->unique_id);
    (void)map_remove(&g->accounts, a->email);
}

void accounts_close(google *g)
{
    VEC_FOREACH (&g->all, at) {
        account *a = *at;
        VEC_FOREACH (&a->keys, k)
            key_free(*k);
        vec_deinit(&a->keys);
        resource_close(&a->resource);
    }
    vec_deinit(&g->all);
    map_deinit(&g->accounts, NULL);
    map_deinit(&g->unique_ids, NULL);
    policy_unref(g->policy);
}
