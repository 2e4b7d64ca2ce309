// SPDX-License-Identifier: Apache-2.0
// Which credential an identity stands for. Reads files and the environment, asks no server.
//
// The default search of a cloud target, first that is there:
//   what was named      --account, CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE, …
//   ADC                 GOOGLE_APPLICATION_CREDENTIALS, gcloud's well-known file, metadata server
//   gcloud's account    the one of the active configuration
// What is named but broken is an error, not a reason to look further: a run as somebody else would
// be the worse surprise.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "credential/gcloud.h"
#include "credential/oauth.h"
#include "data/data.h"

typedef struct search search;
struct search {
    caller *c;
    arena *a;
    const credential_options *o;
    err *e;
};

typedef enum found { FOUND_NOT, FOUND_YES, FOUND_BROKEN } found;

const char *option_env(const credential_options *o, const char *name)
{
    const char *value = o->getenv ? o->getenv(o->getenv_ctx, name) : getenv(name);
    return value && *value ? value : NULL;
}

static void step(search *s, const char *what, found f, const char *fmt, ...) ATTR_PRINTF(4, 5);
static void step(search *s, const char *what, found f, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    credential_step one = {str_from(what), arena_vprintf(s->a, fmt, ap), f == FOUND_YES};
    va_end(ap);
    vec_push(&s->c->steps, one);
}

// ---- sources ----------------------------------------------------------------------------------

static const char *certificate_config(const search *s)
{
    const char *path = option_env(s->o, "GOOGLE_API_CERTIFICATE_CONFIG");
    const char *dir = gcloud_config_dir(s->o, s->a);
    if (path || !dir)
        return path;
    return arena_printf(s->a, "%s/certificate_config.json", dir).ptr;
}

static found take_file(search *s, const char *what, const char *path)
{
    file_rules rules = {s->o->untrusted_dir, s->o->up, certificate_config(s)};
    if (caller_read_file(s->c, s->a, path, &rules, s->e)) {
        (void)err_wrap(s->e, "%s", what);
        step(s, what, FOUND_BROKEN, "%s can't be used", path);
        return FOUND_BROKEN;
    }
    step(s, what, FOUND_YES, "%s: %s%s" STR_FMT, path, credential_source_name(s->c->who.source),
         s->c->who.principal.len ? " of " : "", STR_ARG(s->c->who.principal));
    return FOUND_YES;
}

static found take_gcloud(search *s, const char *what, str account)
{
    if (!program_in_path(s->o, "gcloud")) {
        step(s, what, FOUND_NOT, STR_FMT ", but there is no gcloud in PATH", STR_ARG(account));
        return FOUND_NOT;
    }
    s->c->account = arena_str(s->a, account);
    s->c->who.source = CREDENTIAL_GCLOUD;
    s->c->who.principal = s->c->account;
    s->c->who.place = STR("gcloud");
    s->c->who.user = !str_ends(account, STR(".gserviceaccount.com"));
    step(s, what, FOUND_YES, STR_FMT, STR_ARG(account));
    return FOUND_YES;
}

static found try_named_account(search *s)
{
    const char *account = s->o->account, *what = "--account";
    if (!account) {
        what = "CLOUDSDK_CORE_ACCOUNT";
        account = option_env(s->o, what);
    }
    if (!account) {
        step(s, "--account", FOUND_NOT, "not given, and CLOUDSDK_CORE_ACCOUNT is not set");
        return FOUND_NOT;
    }
    found f = take_gcloud(s, what, str_from(account));
    if (f == FOUND_YES)
        return f;
    (void)err_set(s->e, CRED_GCLOUD, "%s names %s, but there is no gcloud in PATH", what, account);
    (void)err_hint(s->e, "install the Google Cloud CLI, or use a key file or impersonation");
    return FOUND_BROKEN;
}

static found try_token_file(search *s)
{
    static const char what[] = "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE";
    const char *path = option_env(s->o, what);
    if (!path)
        return FOUND_NOT;
    if (access(path, R_OK) != 0) {
        (void)err_sys(s->e, CRED_FILE, errno, "%s: can't read '%s'", what, path);
        (void)err_hint(s->e, "write a token there, or unset the variable");
        step(s, what, FOUND_BROKEN, "%s can't be used", path);
        return FOUND_BROKEN;
    }
    s->c->who.source = CREDENTIAL_TOKEN;
    s->c->who.place = s->c->token_file = arena_str(s->a, str_from(path));
    step(s, what, FOUND_YES, "%s: an access token", path);
    return FOUND_YES;
}

static found try_env_file(search *s, const char *what)
{
    const char *path = option_env(s->o, what);
    if (path)
        return take_file(s, what, path);
    step(s, what, FOUND_NOT, "not set");
    return FOUND_NOT;
}

static found try_override(search *s)
{
    // gcloud's own, rarely set: worth a line only when it is.
    static const char what[] = "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE";
    return option_env(s->o, what) ? try_env_file(s, what) : FOUND_NOT;
}

static found try_adc_env(search *s)
{
    return try_env_file(s, "GOOGLE_APPLICATION_CREDENTIALS");
}

static found try_well_known(search *s)
{
    static const char what[] = "application default credentials";
    const char *dir = gcloud_config_dir(s->o, s->a);
    if (!dir) {
        step(s, what, FOUND_NOT, "neither CLOUDSDK_CONFIG nor a home directory is known");
        return FOUND_NOT;
    }
    str path = arena_printf(s->a, "%s/application_default_credentials.json", dir);
    if (access(path.ptr, F_OK) == 0)
        return take_file(s, what, path.ptr);
    step(s, what, FOUND_NOT, "%s does not exist", path.ptr);
    return FOUND_NOT;
}

// As gcp-metadata decides without a network probe: what the environment says, else the firmware.
static bool on_google_cloud(const credential_options *o)
{
    static const char *const hints[] = {"K_SERVICE", "CLOUD_RUN_JOB", "FUNCTION_NAME",
                                        "GCE_METADATA_IP", "GCE_METADATA_HOST"};
    const char *detection = option_env(o, "METADATA_SERVER_DETECTION");
    if (detection)
        return strcmp(detection, "none") != 0;
    for (size_t i = 0; i < ARRAY_LEN(hints); i++)
        if (option_env(o, hints[i]))
            return true;
    char name[64] = "";
    int fd = open("/sys/class/dmi/id/product_name", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, name, sizeof(name) - 1);
    close(fd);
    return n > 0 && str_starts(str_from(name), STR("Google"));
}

static found try_metadata(search *s)
{
    static const char what[] = "metadata server";
    if (!on_google_cloud(s->o)) {
        step(s, what, FOUND_NOT, "this machine isn't on Google Cloud");
        return FOUND_NOT;
    }
    const char *host = option_env(s->o, "GCE_METADATA_IP");
    if (!host)
        host = option_env(s->o, "GCE_METADATA_HOST");
    s->c->metadata_host = arena_str(s->a, host ? str_from(host) : STR("metadata.google.internal"));
    s->c->who.source = CREDENTIAL_METADATA;
    s->c->who.place = s->c->metadata_host;
    str origin = arena_printf(s->a, "http://" STR_FMT, STR_ARG(s->c->metadata_host));
    s->c->who.local = s->o->up && str_eq(origin, s->o->up->metadata);
    step(s, what, FOUND_YES, STR_FMT, STR_ARG(s->c->metadata_host));
    return FOUND_YES;
}

static found try_gcloud(search *s)
{
    static const char what[] = "gcloud's account";
    str account = gcloud_property(s->o, s->a, "core", "account");
    if (account.len)
        return take_gcloud(s, what, account);
    step(s, what, FOUND_NOT, "gcloud has none: not installed, or not signed in");
    return FOUND_NOT;
}

static code nothing_found(search *s)
{
    buf text;
    buf_init(&text, 900);
    VEC_FOREACH (&s->c->steps, one) {
        buf_addf(&text, "%s" STR_FMT " (" STR_FMT ")", text.len ? ", " : "", STR_ARG(one->what),
                 STR_ARG(one->detail));
    }
    (void)err_set(s->e, CRED_NOT_FOUND, "no credential was found; looked at: %s", buf_cstr(&text));
    buf_deinit(&text);
    return err_hint(s->e, "sign in with `gcloud auth application-default login`, set "
                          "GOOGLE_APPLICATION_CREDENTIALS to a key file, or run against "
                          "`gatepost up` with --local");
}

static code search_default(search *s)
{
    static found (*const tries[])(search *) = {try_named_account, try_token_file, try_override,
                                               try_adc_env,       try_well_known, try_metadata,
                                               try_gcloud};
    for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
        found f = tries[i](s);
        if (f != FOUND_NOT)
            return f == FOUND_YES ? OK : s->e->code;
    }
    return nothing_found(s);
}

// ---- accounts of the running up ---------------------------------------------------------------

static const address_account *find_local(const home_address *up, str name)
{
    for (size_t i = 0; i < up->account_count; i++) {
        const address_account *one = &up->accounts[i];
        str local_part, domain;
        str_cut(one->email, '@', &local_part, &domain);
        if (str_eq(one->email, name) || str_eq(local_part, name))
            return one;
    }
    return NULL;
}

static void list_local(const home_address *up, buf *out)
{
    for (size_t i = 0; i < up->account_count; i++)
        buf_addf(out, "%s" STR_FMT, i ? ", " : "", STR_ARG(up->accounts[i].email));
}

static code take_local(search *s, const address_account *account)
{
    if (!account->key_file.len) {
        (void)err_set(s->e, CRED_FILE, "the local account " STR_FMT " has no key file",
                      STR_ARG(account->email));
        return err_hint(s->e, "in gatepost.yaml give it one, key: .gatepost/NAME.json; then start "
                              "it again: gatepost up");
    }
    // Written by `up` itself, wherever the project wants it: even inside the checkout.
    file_rules rules = {NULL, s->o->up, NULL};
    const char *path = arena_cstr(s->a, account->key_file);
    if (caller_read_file(s->c, s->a, path, &rules, s->e))
        return CRED_FILE;
    step(s, "account of gatepost up", FOUND_YES, STR_FMT, STR_ARG(account->email));
    return OK;
}

static code no_local_choice(search *s)
{
    buf names;
    buf_init(&names, 400);
    list_local(s->o->up, &names);
    (void)err_set(s->e, CRED_NOT_FOUND, "it isn't said which local account calls");
    (void)err_hint(s->e,
                   names.len ? "put run_as into gatepost.yaml or give --identity: %s"
                             : "there is none%s: declare one under accounts in gatepost.yaml, with "
                               "a key and roles: [roles/run.invoker]",
                   buf_cstr(&names));
    buf_deinit(&names);
    return CRED_NOT_FOUND;
}

static code no_local_account(search *s, const char *what, str name)
{
    buf names;
    buf_init(&names, 400);
    list_local(s->o->up, &names);
    (void)err_set(s->e, CRED_IDENTITY, "%s: `gatepost up` has no account '" STR_FMT "'", what,
                  STR_ARG(name));
    (void)err_hint(s->e, names.len ? "known: %s" : "it has none%s", buf_cstr(&names));
    buf_deinit(&names);
    return CRED_IDENTITY;
}

// Only what stands on the command line chooses among local accounts: gcloud's variables and
// configuration speak of the cloud's.
static code search_local(search *s)
{
    const home_address *up = s->o->up;
    if (!up) {
        (void)err_set(s->e, CRED_NOT_FOUND, "no `gatepost up` is running");
        return err_hint(s->e, "start it: gatepost up");
    }
    const char *what = s->o->account ? "--account" : "run_as";
    str name = s->o->account                ? str_from(s->o->account)
               : s->o->run_as               ? str_from(s->o->run_as)
               : find_local(up, up->run_as) ? up->run_as
                                            : STR_NONE; // whom nobody outside can be
    if (!name.len && up->account_count == 1)
        return take_local(s, &up->accounts[0]);
    if (!name.len)
        return no_local_choice(s);
    const address_account *account = find_local(up, name);
    return account ? take_local(s, account) : no_local_account(s, what, name);
}

// ---- named identities -------------------------------------------------------------------------

static const project_identity *find_identity(const credential_options *o, str name)
{
    for (size_t i = 0; i < o->identity_count; i++)
        if (str_eq(o->identities[i].name, name))
            return &o->identities[i];
    return NULL;
}

static void add_chain(search *s, str emails)
{
    str one;
    while (str_next(&emails, ',', &one))
        if (str_trim(one).len)
            vec_push(&s->c->chain, arena_str(s->a, str_trim(one)));
}

// A checkout may choose among the accounts that it made up, not among those that gcloud is signed
// in with, even where the names are the same (threat 39).
static code take_account(search *s, const project_identity *id, bool local)
{
    str name = id->account;
    if (!local && id->local_only) {
        (void)err_set(s->e, CRED_IDENTITY,
                      "the identity '" STR_FMT "' is one of a project file that isn't trusted: it "
                      "calls the services of `gatepost up` only",
                      STR_ARG(id->name));
        return err_hint(s->e, "use --local to call those; to let the file choose accounts of "
                              "gcloud: gatepost trust file");
    }
    if (local) {
        if (!s->o->up)
            return search_local(s); // says that none is running
        const address_account *account = find_local(s->o->up, name);
        if (account)
            return take_local(s, account);
        return no_local_account(s, "account of the identity", name);
    }
    if (take_gcloud(s, "account of the identity", name) == FOUND_YES)
        return OK;
    return err_set(s->e, CRED_GCLOUD, "the account " STR_FMT " needs gcloud, which is not in PATH",
                   STR_ARG(name));
}

// Exchanges may stand on each other, but not in a circle: that would wait for itself.
static code check_circle(const search *s, const project_identity *id)
{
    const project_identity *at = id;
    for (size_t i = 0; at && at->oauth && at->oauth->subject.identity.len; i++) {
        if (i > s->o->identity_count)
            return err_set(s->e, CRED_IDENTITY, "the identity " STR_FMT " stands on itself",
                           STR_ARG(id->name));
        at = find_identity(s->o, at->oauth->subject.identity);
    }
    return OK;
}

static code take_oauth(search *s, const project_identity *id)
{
    static const char what[] = "oauth of the identity";
    if (check_circle(s, id))
        return CRED_IDENTITY;
    const oauth_named named = {id, s->o};
    if (oauth_take(s->c, s->a, &named, s->e)) {
        step(s, what, FOUND_BROKEN, "can't be used");
        return err_wrap(s->e, "the identity " STR_FMT, STR_ARG(id->name));
    }
    step(s, what, FOUND_YES, "the client " STR_FMT " of " STR_FMT " by %s",
         STR_ARG(s->c->client_id), STR_ARG(s->c->who.place), project_grant_name(id->oauth->grant));
    return OK;
}

static code take_identity(search *s, const project_identity *id, bool local)
{
    if (id->none)
        return err_set(s->e, CRED_IDENTITY,
                       "the identity '" STR_FMT "' has no credential on "
                       "purpose",
                       STR_ARG(id->name));
    if (id->key)
        return take_file(s, "key of the identity", id->key) == FOUND_YES ? OK : CRED_FILE;
    if (id->account.len)
        return take_account(s, id, local);
    if (id->oauth)
        return take_oauth(s, id);
    code failed = local ? search_local(s) : search_default(s);
    if (!failed)
        add_chain(s, id->impersonate);
    return failed;
}

static code unknown_identity(search *s, str name)
{
    buf names;
    buf_init(&names, 400);
    for (size_t i = 0; i < s->o->identity_count; i++)
        buf_addf(&names, "%s" STR_FMT, i ? ", " : "", STR_ARG(s->o->identities[i].name));
    if (s->o->up) {
        buf_addz(&names, names.len ? ", " : "");
        list_local(s->o->up, &names);
    }
    (void)err_set(s->e, CRED_IDENTITY, "there is no identity '" STR_FMT "'", STR_ARG(name));
    (void)err_hint(s->e, names.len ? "known: %s" : "none is known%s; name one under `identities`",
                   buf_cstr(&names));
    buf_deinit(&names);
    return CRED_IDENTITY;
}

static code search_named(search *s, str name, bool local)
{
    const project_identity *id = find_identity(s->o, name);
    if (id)
        return take_identity(s, id, local);
    const address_account *account = local && s->o->up ? find_local(s->o->up, name) : NULL;
    return account ? take_local(s, account) : unknown_identity(s, name);
}

// ---- all together -----------------------------------------------------------------------------

// --impersonate-service-account belongs to the run, so it stands over the default identity only.
// gcloud's variable names an account of the cloud.
static void add_run_impersonation(search *s, bool local)
{
    const char *emails = s->o->impersonate;
    if (!emails && !local)
        emails = option_env(s->o, "CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT");
    if (emails)
        add_chain(s, str_from(emails));
}

static void finish_chain(caller *c)
{
    if (!caller_stages(c))
        return;
    c->who.impersonated = true;
    c->who.principal = c->chain.len ? *vec_last(&c->chain) : c->inner;
    c->who.user = false; // the token is the service account's
}

static code check_mixed(search *s, bool local)
{
    if (s->c->who.local == local)
        return OK;
    (void)err_set(s->e, CRED_MIXED,
                  local ? STR_FMT " is a credential of the cloud; it is never shown to a local "
                                  "service"
                        : STR_FMT " is an account of the running `gatepost up`; no service in the "
                                  "cloud knows it",
                  STR_ARG(s->c->who.principal.len ? s->c->who.principal : s->c->who.place));
    return err_hint(s->e, local ? "choose one of the `up`'s accounts with --identity or run_as"
                                : "use --local to call the local services");
}

code caller_find(caller *c, arena *a, const credential_options *o, str identity, bool local, err *e)
{
    err own = ERR_INIT;
    search s = {c, a, o, &own};
    code failed;
    if (identity.len) {
        failed = search_named(&s, identity, local);
    } else {
        failed = local ? search_local(&s) : search_default(&s);
        if (!failed)
            add_run_impersonation(&s, local);
    }
    if (!failed)
        failed = check_mixed(&s, local);
    if (c->who.source == CREDENTIAL_USER || c->who.source == CREDENTIAL_GCLOUD)
        c->email = c->who.principal;
    finish_chain(c);
    caller_explain(c, a);
    c->who.steps = c->steps.ptr;
    c->who.step_count = c->steps.len;
    if (failed && e)
        *e = own;
    return failed;
}
