// SPDX-License-Identifier: Apache-2.0
// Credential files: service account keys, `gcloud auth application-default login`'s user
// credentials, and impersonation on top of either (google-identity.md §7).
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "credential/provider.h"
#include "data/data.h"
#include "uri/uri.h"

enum { FILE_BYTES_MAX = 64 << 10 };

static const char google_token_url[] = "https://oauth2.googleapis.com/token";

// ---- where the file lies ----------------------------------------------------------------------

static bool lies_beneath(const char *path, const char *dir)
{
    size_t len = strlen(dir);
    while (len > 1 && dir[len - 1] == '/')
        len--;
    return strncmp(path, dir, len) == 0 && (path[len] == '/' || path[len] == '\0' || len == 1);
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
    char real[PATH_MAX], dir[PATH_MAX];
    struct stat st;
    if (!realpath(path, real) || stat(real, &st)) {
        (void)err_sys(e, CRED_FILE, errno, "%s", path);
        return err_hint(e,
                        "name the file that is there; `gatepost whoami` shows what is looked at");
    }
    if (rules->untrusted_dir && realpath(rules->untrusted_dir, dir) && lies_beneath(real, dir)) {
        (void)err_set(e, CRED_FILE, "%s lies inside the collection's own directory %s", path, dir);
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

// An assertion goes to Google or to the running `up`, never to an address that only the file names
// (threats 39, 40).
static code check_token_uri(caller *c, const char *path, const file_rules *rules, err *e)
{
    arena a;
    uri_url u;
    if (rules->up && str_eq(c->token_uri, rules->up->token_url)) {
        c->who.local = true;
        return OK;
    }
    arena_init(&a);
    bool parsed = url_parse(&a, c->token_uri, &u, NULL) == OK;
    bool google = parsed && str_eq(u.scheme, STR("https")) && u.port == 443 && !u.has_userinfo &&
                  (host_within(u.host.name, STR("googleapis.com")) ||
                   host_within(u.host.name, STR("accounts.google.com")));
    bool loopback = parsed && host_is_loopback(&u.host);
    arena_deinit(&a);
    if (google)
        return OK;
    (void)err_set(e, CRED_FILE, "token_uri is " STR_FMT ", which is not Google's",
                  STR_ARG(c->token_uri));
    (void)err_at(e, path, 0, 0);
    return err_hint(e, loopback ? "this is a key of a local project: start it with `gatepost up`"
                                : "an assertion signed with this key would be handed to that "
                                  "server; take a key file from a source that you trust");
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

static code read_token_uri(caller *c, arena *a, const json *root, err *e)
{
    str uri = str_from(google_token_url);
    if (json_opt_str(root, "token_uri", &uri, e))
        return CRED_FILE;
    c->token_uri = arena_str(a, uri);
    return OK;
}

static code read_service_account(caller *c, arena *a, const json *root, err *e)
{
    str email, pem, kid = STR_NONE, project_id = STR_NONE;
    if (json_get_str(root, "client_email", &email, e) ||
        json_get_str(root, "private_key", &pem, e) ||
        json_opt_str(root, "private_key_id", &kid, e) ||
        json_opt_str(root, "project_id", &project_id, e) || read_universe(root, e) ||
        read_token_uri(c, a, root, e))
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
    c->email = arena_str(a, email);
    c->who.source = CREDENTIAL_SERVICE_ACCOUNT;
    c->who.principal = c->email;
    c->who.project = arena_str(a, project_id);
    return OK;
}

static code read_user(caller *c, arena *a, const json *root, err *e)
{
    str id, password, refresh, project_id = STR_NONE;
    if (json_get_str(root, "client_id", &id, e) ||
        json_get_str(root, "client_secret", &password, e) ||
        json_get_str(root, "refresh_token", &refresh, e) ||
        json_opt_str(root, "quota_project_id", &project_id, e) || read_universe(root, e) ||
        read_token_uri(c, a, root, e))
        return CRED_FILE;
    c->client_id = arena_str(a, id);
    c->client_secret = secret_new(password);
    c->refresh_token = secret_new(refresh);
    c->who.source = CREDENTIAL_USER;
    c->who.project = arena_str(a, project_id);
    c->who.user = true;
    return OK;
}

// ".../serviceAccounts/EMAIL:generateAccessToken"
static code read_impersonation_url(caller *c, arena *a, const json *root, err *e)
{
    str text, email;
    if (json_get_str(root, "service_account_impersonation_url", &text, e))
        return CRED_FILE;
    ssize_t at = str_find(text, STR("/serviceAccounts/"));
    if (!str_starts(text, STR("https://iamcredentials.googleapis.com/")) || at < 0 ||
        !str_cut(str_skip(text, (size_t)at + 17), ':', &email, &text) || str_chr(email, '@') <= 0)
        return json_err(json_get(root, "service_account_impersonation_url"), e, CRED_FILE,
                        "must be https://iamcredentials.googleapis.com/v1/projects/-/"
                        "serviceAccounts/EMAIL:generateAccessToken");
    vec_push(&c->chain, arena_str(a, email));
    return OK;
}

static code read_impersonated(caller *c, arena *a, const json *root, err *e)
{
    const json *base = NULL, *delegates = NULL;
    if (json_get_obj(root, "source_credentials", &base, e) ||
        json_opt_arr(root, "delegates", &delegates, e))
        return CRED_FILE;
    str type = json_str_or(json_get(base, "type"), STR_NONE);
    code failed;
    if (str_eq(type, STR("service_account")))
        failed = read_service_account(c, a, base, e);
    else if (str_eq(type, STR("authorized_user")))
        failed = read_user(c, a, base, e);
    else
        return json_err(base, e, CRED_FILE, "must be of type service_account or authorized_user");
    if (failed)
        return failed;
    JSON_EACH (delegates, m)
        vec_push(&c->chain, arena_str(a, json_str_or(m, STR_NONE)));
    return read_impersonation_url(c, a, root, e);
}

static code read_typed(caller *c, arena *a, const json *root, err *e)
{
    static const struct {
        const char *type;
        code (*read)(caller *c, arena *a, const json *root, err *e);
    } readers[] = {
        {"service_account", read_service_account},
        {"authorized_user", read_user},
        {"impersonated_service_account", read_impersonated},
    };
    str type;
    if (json_want(root, JSON_OBJECT, e) || json_get_str(root, "type", &type, e))
        return CRED_FILE;
    for (size_t i = 0; i < ARRAY_LEN(readers); i++)
        if (str_eq(type, str_from(readers[i].type)))
            return readers[i].read(c, a, root, e);
    (void)json_err(json_get(root, "type"), e, CRED_FILE,
                   "'" STR_FMT "' isn't a type of credential that can be used here", STR_ARG(type));
    return err_hint(e, "service_account, authorized_user and impersonated_service_account are "
                       "understood");
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
        failed = read_typed(c, a, root, e);
    if (!failed)
        failed = check_token_uri(c, name, rules, e);
    // The key is in the file, in the tree and in the arena between them: none of it stays.
    if (root)
        json_wipe(root);
    if (text.len)
        secret_wipe((char *)(uintptr_t)text.ptr, text.len);
    arena_deinit(&scratch);
    c->who.place = str_from(name);
    if (failed && e)
        e->code = CRED_FILE;
    return failed ? CRED_FILE : OK;
}

void caller_deinit(caller *c)
{
    vec_deinit(&c->steps);
    vec_deinit(&c->chain);
    jwk_unref(c->key);
    secret_free(c->client_secret);
    secret_free(c->refresh_token);
}
