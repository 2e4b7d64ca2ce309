// SPDX-License-Identifier: Apache-2.0
// The credential files that `gatepost up` keeps for declared accounts: Google's key file for a
// service account, an authorized_user file for a person.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/pidlock.h"
#include "google/state.h"

#define LOCK_NAME ".gatepost-up.lock"

enum { FILE_BYTES_MAX = 64 << 10 };

// gcloud's client for application default credentials: what a person's file names at Google too.
#define ADC_CLIENT STR("764086051850-6qr4p6gpi6hn506pt8ejuq83di341hur.apps.googleusercontent.com")
#define ADC_SCOPES                                                                                 \
    STR("openid https://www.googleapis.com/auth/userinfo.email "                                   \
        "https://www.googleapis.com/auth/cloud-platform")

// ---- the texts

static void add_key_file(const google *g, const account *a, str key_id, str pem, buf *out)
{
    jout w = jout_new(out, JSON_PRETTY);
    buf email;
    buf_init(&email, 2048);
    percent_encode(&email, a->email);
    jout_object(&w, NULL);
    jout_str(&w, "type", STR("service_account"));
    jout_str(&w, "project_id", g->project_id);
    jout_str(&w, "private_key_id", key_id);
    jout_str(&w, "private_key", pem);
    jout_str(&w, "client_email", a->email);
    jout_str(&w, "client_id", a->unique_id);
    jout_strf(&w, "auth_uri", STR_FMT "/o/oauth2/auth", STR_ARG(GOOGLE_ISSUER));
    jout_strf(&w, "token_uri", STR_FMT "/token", STR_ARG(g->base));
    jout_strf(&w, "auth_provider_x509_cert_url", STR_FMT "/oauth2/v1/certs", STR_ARG(g->base));
    jout_strf(&w, "client_x509_cert_url", STR_FMT "/service_accounts/v1/metadata/x509/" STR_FMT,
              STR_ARG(g->base), STR_ARG(buf_str(&email)));
    jout_str(&w, "universe_domain", STR("googleapis.com"));
    jout_end(&w);
    buf_addc(out, '\n');
    buf_deinit(&email);
}

void key_file_json(const google *g, const account *a, jwk *pair, buf *out)
{
    secret *pem = jwk_private_pem(pair);
    add_key_file(g, a, jwk_kid(pair), secret_str(pem), out);
    secret_free(pem);
}

static void add_user_file(const google *g, const account *a, str refresh, str client_secret,
                          buf *out)
{
    jout w = jout_new(out, JSON_PRETTY);
    jout_object(&w, NULL);
    jout_str(&w, "type", STR("authorized_user"));
    jout_str(&w, "account", a->email);
    jout_str(&w, "client_id", ADC_CLIENT);
    jout_str(&w, "client_secret", client_secret);
    jout_str(&w, "refresh_token", refresh);
    jout_strf(&w, "token_uri", STR_FMT "/token", STR_ARG(g->base));
    jout_str(&w, "universe_domain", STR("googleapis.com"));
    jout_end(&w);
    buf_addc(out, '\n');
}

static code failed(const char *path, const char *what, err *e)
{
    return err_sys(e, GOOGLE_KEY_FILE, errno, "%s can't be %s", path, what);
}

static bool write_all(int fd, str text)
{
    while (text.len) {
        ssize_t n = write(fd, text.ptr, text.len);
        if (n < 0 && errno != EINTR)
            return false;
        text = str_skip(text, n < 0 ? 0 : (size_t)n);
    }
    return fsync(fd) == 0;
}

// ---- whose they are

void key_locks_release(google *g)
{
    VEC_FOREACH (&g->key_locks, fd)
        pidlock_release(*fd);
    vec_deinit(&g->key_locks);
}

// A file that is kept, and the setting that names it.
typedef struct kept kept;
struct kept {
    const char *path, *setting;
    str of;
};

static code not_ours(const kept *k, int64_t pid, err *e)
{
    char who[64] = "another gatepost up", how[64] = "stop that one";
    if (pid) {
        snprintf(who, sizeof(who), "process %lld, another gatepost up", (long long)pid);
        snprintf(how, sizeof(how), "stop that one: kill %lld", (long long)pid);
    }
    (void)err_set(e, HOME_RUNNING, "%s is kept by %s, which runs with a state of its own", k->path,
                  who);
    return err_hint(e, "%s; or let \"%s\" of " STR_FMT " name a file in another folder", how,
                    k->setting, STR_ARG(k->of));
}

// Once each: a folder may have two names.
static code lock_folder(google *g, map *held, const kept *k, err *e)
{
    int fd;
    int64_t pid;
    struct stat st = {0};
    str folder = str_sub(str_from(k->path), 0, (size_t)(str_rchr(str_from(k->path), '/') + 1));
    (void)stat(folder.len ? arena_cstr(&g->mem, folder) : ".", &st);
    str id = {(const char *)&st.st_ino, sizeof(st.st_ino)};
    if (map_has(held, id))
        return OK;
    map_set(held, id, g);
    const char *path = arena_printf(&g->mem, STR_FMT LOCK_NAME, STR_ARG(folder)).ptr;
    pidlock got = pidlock_take(path, &fd, &pid);
    if (got == PIDLOCK_HELD)
        return not_ours(k, pid, e);
    if (got == PIDLOCK_FAILED)
        return failed(k->path, "written", e);
    vec_push(&g->key_locks, fd);
    return OK;
}

// Another `gatepost up`, with a state of its own, may live from the same files. Each holds the
// folders that it keeps files in, not the files: these are replaced, here and by `gatepost keys
// rotate`, and in the beginning there are none.
static code lock_folders(google *g, err *e)
{
    code c = OK;
    size_t cursor = 0;
    str email;
    void *value;
    map held = {0};
    while (c == OK && map_next(&g->accounts, &cursor, &email, &value)) {
        const account *a = value;
        if (a->key_file)
            c = lock_folder(g, &held, &(kept){a->key_file, "key", a->email}, e);
    }
    for (size_t i = 0; c == OK && i < g->external_count; i++) {
        const google_external *x = &g->externals[i];
        c = lock_folder(g, &held, &(kept){x->path, "credential", x->provider}, e);
    }
    map_deinit(&held, NULL);
    return c;
}

// ---- writing

code key_file_write(const char *path, str text, err *e)
{
    char tmp[4096];
    if (snprintf(tmp, sizeof(tmp), "%s.%08llx.tmp", path, (long long)(rand_u64() >> 32)) >=
        (int)sizeof(tmp))
        return err_set(e, GOOGLE_KEY_FILE, "%s: the path is too long", path);
    int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return failed(path, "written", e);
    bool written = write_all(fd, text) && rename(tmp, path) == 0;
    int saved = errno;
    close(fd);
    if (written)
        return OK;
    unlink(tmp);
    errno = saved;
    return failed(path, "written", e);
}

static code write_secret(const char *path, buf *text, err *e)
{
    code c = key_file_write(path, buf_str(text), e);
    buf_wipe(text);
    buf_deinit(text);
    return c;
}

// ---- what is there already

typedef enum found {
    FOUND_NONE,
    FOUND_STALE, // ours, but of no use here
    FOUND_GOOD,
} found;

static code in_the_way(const account *a, const char *why, err *e)
{
    (void)err_set(e, GOOGLE_KEY_FILE, "%s: %s: it is left alone, so " STR_FMT " gets no key",
                  a->key_file, why, STR_ARG(a->email));
    return err_hint(e, "move the file away, or let this account's \"key\" name another path");
}

bool key_file_on_loopback(str url)
{
    return str_starts(url, STR("http://127.0.0.1:")) || str_starts(url, STR("http://[::1]:")) ||
           str_starts(url, STR("http://localhost:"));
}

static bool made_for(const account *a, const json *root)
{
    str email = json_str_or(json_get(root, a->is_person ? "account" : "client_email"), STR_NONE);
    return json_is_str(json_get(root, "type"),
                       a->is_person ? "authorized_user" : "service_account") &&
           str_ieq(email, a->email) &&
           key_file_on_loopback(json_str_or(json_get(root, "token_uri"), STR_NONE));
}

// *ret_file is the file's JSON, to be wiped, also where it isn't ours.
static code look(const google *g, const account *a, arena *mem, found *ret_found, json **ret_file,
                 err *e)
{
    struct stat st;
    json *root;
    *ret_found = FOUND_NONE;
    if (lstat(a->key_file, &st) < 0)
        return errno == ENOENT ? OK : failed(a->key_file, "looked at", e);
    if (!S_ISREG(st.st_mode))
        return in_the_way(a, S_ISLNK(st.st_mode) ? "a symbolic link" : "not a file", e);
    json_opts limits = {.bytes_max = FILE_BYTES_MAX, .depth_max = 4, .values_max = 64};
    bool read = json_load(mem, a->key_file, &limits, &root, NULL) == OK;
    *ret_file = read ? root : NULL;
    if (!read || root->type != JSON_OBJECT)
        return in_the_way(a, "not a file of Gatepost's", e);
    if (!made_for(a, root))
        return in_the_way(a, "a credential that wasn't made for this account here", e);
    *ret_found = FOUND_STALE;
    str id = json_str_or(json_get(root, "private_key_id"), STR_NONE);
    str refresh = json_str_or(json_get(root, "refresh_token"), STR_NONE);
    const account_key *k = account_key_find(a, id);
    if (a->is_person ? refresh_token_find(g, refresh) != NULL
                     : k && account_key_usable(k, clock_wall_s()))
        *ret_found = FOUND_GOOD;
    return OK;
}

// ---- keeping them

static void keep(const google *g, const account *a, const json *file, buf *out)
{
    str text = json_str_or(json_get(file, "private_key"), STR_NONE);
    if (a->is_person)
        add_user_file(g, a, json_str_or(json_get(file, "refresh_token"), STR_NONE),
                      json_str_or(json_get(file, "client_secret"), STR_NONE), out);
    else
        add_key_file(g, a, json_str_or(json_get(file, "private_key_id"), STR_NONE), text, out);
}

static code renew_key(google *g, account *a, buf *out, err *e)
{
    char id[KEY_ID_LEN];
    account_key *k;
    // The keys of lost files would fill the account's limit, start after start.
    while (account_own_keys(a) >= GOOGLE_KEYS_MAX) {
        log_warning("google", "the oldest key of %s goes: it had %d", a->email.ptr,
                    GOOGLE_KEYS_MAX);
        account_key_remove(g, a, a->keys.ptr[a->keys.ptr[0]->signer != NULL]);
    }
    random_hex(sizeof(id), id);
    jwk *pair = jwk_generate(JOSE_RS256, (str){id, sizeof(id)});
    code c = account_key_of_pair(a, pair, &k, e);
    if (c == OK) {
        account_key_add(g, a, k);
        key_file_json(g, a, pair, out);
    }
    jwk_unref(pair);
    return c;
}

static void renew_user(google *g, account *a, buf *out)
{
    buf refresh, client_secret;
    buf_init(&refresh, 256);
    buf_init(&client_secret, 256);
    refresh_token_new(g, a, ADC_CLIENT, ADC_SCOPES, &refresh, &client_secret);
    add_user_file(g, a, buf_str(&refresh), buf_str(&client_secret), out);
    buf_wipe(&refresh);
    buf_deinit(&refresh);
    buf_wipe(&client_secret);
    buf_deinit(&client_secret);
}

static code settle(google *g, account *a, arena *mem, err *e)
{
    found what;
    json *file = NULL;
    buf out;
    code c = look(g, a, mem, &what, &file, e);
    buf_init(&out, FILE_BYTES_MAX);
    if (c == OK && what == FOUND_GOOD)
        keep(g, a, file, &out);
    else if (c == OK && a->is_person)
        renew_user(g, a, &out);
    else if (c == OK)
        c = renew_key(g, a, &out, e);
    if (file)
        json_wipe(file);
    if (c == OK)
        return write_secret(a->key_file, &out, e);
    buf_deinit(&out);
    return c;
}

code google_listening(google *g, str base_url, err *e)
{
    code c;
    size_t cursor = 0;
    str email;
    void *a;
    arena mem;
    g->base = arena_str(&g->mem, base_url);
    arena_init(&mem);
    key_locks_release(g);
    c = lock_folders(g, e);
    while (c == OK && map_next(&g->accounts, &cursor, &email, &a))
        if (((account *)a)->key_file)
            c = settle(g, a, &mem, e);
    if (c == OK)
        c = external_files_write(g, &mem, e);
    arena_deinit(&mem);
    return c;
}
