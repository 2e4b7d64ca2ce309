// SPDX-License-Identifier: Apache-2.0
// Credential files: service account keys, `gcloud auth application-default login`'s user
// credentials, workload and workforce federation, and impersonation on top of any of them
// (google-identity.md §7).
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "credential/external.h"
#include "credential/oauth.h"
#include "data/data.h"
#include "uri/uri.h"

enum { FILE_BYTES_MAX = 64 << 10 };

static const char google_token_url[] = "https://oauth2.googleapis.com/token";
static const char google_sts_url[] = "https://sts.googleapis.com/v1/token";
static const char google_sts_mtls_url[] = "https://sts.mtls.googleapis.com/v1/token";
static const char google_oauthtoken_url[] = "https://sts.googleapis.com/v1/oauthtoken";

typedef struct reader reader;
struct reader {
    caller *c;
    arena *a;
    const file_rules *rules;
};

// ---- where the file lies ----------------------------------------------------------------------

bool lies_beneath(const char *path, const char *dir)
{
    char real[PATH_MAX], top[PATH_MAX];
    if (!realpath(path, real) || !realpath(dir, top))
        return false;
    size_t len = strlen(top);
    return strncmp(real, top, len) == 0 && (real[len] == '/' || real[len] == '\0' || len == 1);
}

static bool lies_in_repository(const char *path)
{
    char probe[PATH_MAX + 8];
    str dir = str_from(path);
    for (ssize_t cut = str_rchr(dir, '/'); cut > 0; cut = str_rchr(dir, '/')) {
        dir = str_sub(dir, 0, (size_t)cut);
        snprintf(probe, sizeof(probe), STR_FMT "/.git", STR_ARG(dir));
        if (access(probe, F_OK) == 0)
            return true;
    }
    return false;
}

// A credential belongs to the person, not to the collection (threats 39, 41).
static code check_place(caller *c, arena *a, const char *path, const file_rules *rules, err *e)
{
    char real[PATH_MAX];
    struct stat st;
    if (!realpath(path, real) || stat(real, &st)) {
        (void)err_sys(e, CRED_FILE, errno, "%s", path);
        return err_hint(e,
                        "name the file that is there; `gatepost whoami` shows what is looked at");
    }
    if (rules->untrusted_dir && lies_beneath(path, rules->untrusted_dir)) {
        (void)err_set(e, CRED_FILE, "%s lies inside the collection's own directory %s", path,
                      rules->untrusted_dir);
        return err_hint(e, "keep credentials outside of what is checked in or sent around, for "
                           "example in ~/.config/gatepost");
    }
    if (st.st_mode & (S_IRWXG | S_IRWXO))
        c->who.warning = arena_printf(a, "%s can be read by others: chmod 600 %s", path, path).ptr;
    else if (lies_in_repository(real))
        c->who.warning =
            arena_printf(a, "%s lies inside a git checkout: a commit would publish it", path).ptr;
    return OK;
}

// ---- what the file says -----------------------------------------------------------------------

endpoint endpoint_of(str url, const home_address *up)
{
    arena a;
    uri_url u, own;
    arena_init(&a);
    endpoint which = ENDPOINT_OTHER;
    bool parsed = url_parse(&a, url, &u, NULL) == OK && !u.has_userinfo;
    if (parsed && str_eq(u.scheme, STR("https")) && u.port == 443 &&
        (host_within(u.host.name, STR("googleapis.com")) ||
         host_within(u.host.name, STR("accounts.google.com"))))
        which = ENDPOINT_GOOGLE;
    if (parsed && up && url_parse(&a, up->token_url, &own, NULL) == OK) {
        uri_origin theirs = url_origin(&u), ours = url_origin(&own);
        which = origin_eq(&theirs, &ours) ? ENDPOINT_LOCAL : which;
    }
    arena_deinit(&a);
    return which;
}

static bool is_loopback(str url)
{
    arena a;
    uri_url u;
    arena_init(&a);
    bool is = url_parse(&a, url, &u, NULL) == OK && host_is_loopback(&u.host);
    arena_deinit(&a);
    return is;
}

static code read_universe(const json *root, err *e)
{
    str universe = STR("googleapis.com");
    if (json_opt_str(root, "universe_domain", &universe, e))
        return CRED_FILE;
    if (str_eq(universe, STR("googleapis.com")))
        return OK;
    return json_err(json_get(root, "universe_domain"), e, CRED_FILE,
                    "the universe '" STR_FMT "' isn't supported, only googleapis.com",
                    STR_ARG(universe));
}

// An assertion goes to Google or to the running `up`, never to an address that only the file names
// (threats 39, 40).
static code read_token_uri(reader *r, const json *root, const char *key, const char *usual, err *e)
{
    str uri = str_from(usual);
    if (json_opt_str(root, key, &uri, e))
        return CRED_FILE;
    r->c->token_uri = arena_str(r->a, uri);
    endpoint whose = endpoint_of(uri, r->rules->up);
    r->c->who.local = whose == ENDPOINT_LOCAL;
    if (whose != ENDPOINT_OTHER)
        return OK;
    (void)json_err(json_get(root, key), e, CRED_FILE, "'" STR_FMT "' isn't an address of Google's",
                   STR_ARG(uri));
    return err_hint(e, is_loopback(uri)
                           ? r->rules->up
                                 ? "another `gatepost up` than the one that runs wrote this file: "
                                   "use a key file of the running one"
                                 : "this is a credential of a local project: start it with "
                                   "`gatepost up`"
                           : "what proves who you are would be handed to that server; take a "
                             "credential file from a source that you trust");
}

static code read_service_account(reader *r, const json *root, err *e)
{
    caller *c = r->c;
    str email, pem, kid = STR_NONE, project_id = STR_NONE;
    if (json_get_str(root, "client_email", &email, e) ||
        json_get_str(root, "private_key", &pem, e) ||
        json_opt_str(root, "private_key_id", &kid, e) ||
        json_opt_str(root, "project_id", &project_id, e) || read_universe(root, e) ||
        read_token_uri(r, root, "token_uri", google_token_url, e))
        return CRED_FILE;
    if (jwk_from_pem(pem, kid, &c->key, e)) {
        const json *at = json_get(root, "private_key");
        (void)err_wrap(e, "private_key");
        (void)err_at(e, at->file, at->line, at->col);
        (void)err_hint(e,
                       "take the file as Google gave it; a new key: gcloud iam "
                       "service-accounts keys create FILE --iam-account " STR_FMT,
                       STR_ARG(email));
        return CRED_FILE;
    }
    c->email = arena_str(r->a, email);
    c->who.source = CREDENTIAL_SERVICE_ACCOUNT;
    c->who.principal = c->email;
    c->who.project = arena_str(r->a, project_id);
    return OK;
}

// A client and the refresh token that it was given.
static code read_client(reader *r, const json *root, err *e)
{
    str id, password, refresh, project_id = STR_NONE;
    if (json_get_str(root, "client_id", &id, e) ||
        json_get_str(root, "client_secret", &password, e) ||
        json_get_str(root, "refresh_token", &refresh, e) ||
        json_opt_str(root, "quota_project_id", &project_id, e) || read_universe(root, e))
        return CRED_FILE;
    r->c->client_id = arena_str(r->a, id);
    r->c->client_secret = secret_new(password);
    r->c->refresh_token = secret_new(refresh);
    r->c->who.project = arena_str(r->a, project_id);
    return OK;
}

static code read_user(reader *r, const json *root, err *e)
{
    if (read_client(r, root, e) || read_token_uri(r, root, "token_uri", google_token_url, e))
        return CRED_FILE;
    r->c->who.source = CREDENTIAL_USER;
    r->c->who.user = true;
    return OK;
}

// ".../serviceAccounts/EMAIL:generateAccessToken", of the same Google as the token endpoint.
static code read_target(reader *r, const json *root, str *ret_email, err *e)
{
    const json *at = json_get(root, "service_account_impersonation_url");
    str text, email;
    if (json_get_str(root, "service_account_impersonation_url", &text, e))
        return CRED_FILE;
    ssize_t slash = str_find(text, STR("/serviceAccounts/"));
    bool same = r->c->who.local ? endpoint_of(text, r->rules->up) == ENDPOINT_LOCAL
                                : str_starts(text, STR("https://iamcredentials.googleapis.com/"));
    if (!same || slash < 0 || !str_cut(str_skip(text, (size_t)slash + 17), ':', &email, &text) ||
        str_chr(email, '@') <= 0)
        return json_err(at, e, CRED_FILE,
                        "must be %s/v1/projects/-/serviceAccounts/EMAIL:generateAccessToken",
                        r->c->who.local ? "the running `gatepost up`'s"
                                        : "https://iamcredentials.googleapis.com");
    *ret_email = arena_str(r->a, email);
    return OK;
}

static code read_external(reader *r, const json *root, err *e)
{
    if (read_universe(root, e) || external_read(r->c, r->a, root, r->rules, e))
        return CRED_FILE;
    bool mtls = r->c->external->cert_file;
    if (read_token_uri(r, root, "token_url", mtls ? google_sts_mtls_url : google_sts_url, e))
        return CRED_FILE;
    if (!json_get(root, "service_account_impersonation_url"))
        return OK;
    return read_target(r, root, &r->c->inner, e);
}

static code read_external_user(reader *r, const json *root, err *e)
{
    if (read_client(r, root, e) || read_token_uri(r, root, "token_url", google_oauthtoken_url, e))
        return CRED_FILE;
    r->c->who.source = CREDENTIAL_EXTERNAL_USER;
    r->c->who.user = true;
    return OK;
}

static const struct {
    const char *type;
    code (*read)(reader *r, const json *root, err *e);
} sources[] = {
    {"service_account", read_service_account},
    {"authorized_user", read_user},
    {"external_account", read_external},
    {"external_account_authorized_user", read_external_user},
};

static code read_source(reader *r, const json *root, str type, err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(sources); i++)
        if (str_eq(type, str_from(sources[i].type)))
            return sources[i].read(r, root, e);
    (void)json_err(json_get(root, "type"), e, CRED_FILE,
                   "'" STR_FMT "' isn't a type of credential that can be used here", STR_ARG(type));
    return err_hint(e, "service_account, authorized_user, external_account, "
                       "external_account_authorized_user and impersonated_service_account are "
                       "understood");
}

static code read_impersonated(reader *r, const json *root, err *e)
{
    const json *base = NULL, *delegates = NULL;
    str type, target;
    if (json_get_obj(root, "source_credentials", &base, e) ||
        json_opt_arr(root, "delegates", &delegates, e) || json_get_str(base, "type", &type, e) ||
        read_source(r, base, type, e) || read_target(r, root, &target, e))
        return CRED_FILE;
    JSON_EACH (delegates, m) {
        str email = json_str_or(m, STR_NONE);
        ssize_t slash = str_rchr(email, '/'); // Google's form: projects/-/serviceAccounts/EMAIL
        vec_push(&r->c->chain, arena_str(r->a, str_skip(email, (size_t)(slash + 1))));
    }
    vec_push(&r->c->chain, target);
    return OK;
}

static code read_typed(reader *r, const json *root, err *e)
{
    str type;
    if (json_want(root, JSON_OBJECT, e) || json_get_str(root, "type", &type, e))
        return CRED_FILE;
    return str_eq(type, STR("impersonated_service_account")) ? read_impersonated(r, root, e)
                                                             : read_source(r, root, type, e);
}

static void stamp_key(caller *c, const struct stat *st)
{
    c->key_inode = st->st_ino;
    c->key_changed = st->st_mtim;
}

code caller_read_file(caller *c, arena *a, const char *path, const file_rules *rules, err *e)
{
    arena scratch;
    str text = STR_NONE;
    json *root = NULL;
    const char *name = arena_cstr(a, str_from(path));
    code failed = check_place(c, a, name, rules, e);
    if (failed)
        return failed;
    arena_init(&scratch);
    failed = file_read(&scratch, name, FILE_BYTES_MAX, &text, e);
    if (!failed)
        failed = json_parse(&scratch, text, &(json_opts){.file = name}, &root, e);
    if (failed && str_starts(text, STR("-----BEGIN")))
        (void)err_hint(e, "not the PEM alone is needed but the JSON file that it is a part of");
    if (!failed)
        failed = read_typed(&(reader){c, a, rules}, root, e);
    // The key is in the file, in the tree and in the arena between them: none of it stays.
    if (root)
        json_wipe(root);
    if (text.len)
        secret_wipe((char *)(uintptr_t)text.ptr, text.len);
    arena_deinit(&scratch);
    c->who.place = str_from(name);
    struct stat st;
    if (!failed && stat(name, &st) == 0)
        stamp_key(c, &st);
    if (failed && e)
        e->code = CRED_FILE;
    return failed ? CRED_FILE : OK;
}

static bool key_file_changed(const caller *c, struct stat *st)
{
    return stat(c->who.place.ptr, st) == 0 &&
           (st->st_ino != c->key_inode || st->st_mtim.tv_sec != c->key_changed.tv_sec ||
            st->st_mtim.tv_nsec != c->key_changed.tv_nsec);
}

void caller_renew_key(caller *c, const home_address *up)
{
    struct stat st;
    arena mem;
    caller now = {0};
    const file_rules rules = {.up = up}; // the place was judged when the file was first read
    if (c->who.source != CREDENTIAL_SERVICE_ACCOUNT || !key_file_changed(c, &st))
        return;
    arena_init(&mem);
    if (caller_read_file(&now, &mem, c->who.place.ptr, &rules, NULL) == OK &&
        now.who.source == CREDENTIAL_SERVICE_ACCOUNT && str_eq(now.email, c->email) &&
        str_eq(now.token_uri, c->token_uri)) {
        jwk *old = c->key;
        c->key = now.key;
        now.key = old;
        stamp_key(c, &st);
    }
    caller_deinit(&now);
    arena_deinit(&mem);
}

void caller_deinit(caller *c)
{
    vec_deinit(&c->steps);
    vec_deinit(&c->chain);
    jwk_unref(c->key);
    secret_free(c->client_secret);
    secret_free(c->refresh_token);
    oauth_deinit(c->oauth);
}
