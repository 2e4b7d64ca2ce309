// SPDX-License-Identifier: Apache-2.0
#include "cmd/identity.h"

#include <stdlib.h>
#include <sys/stat.h>

const option_row cmd_identity[] = {
    {.name = "local",
     .kind = OPTION_FLAG,
     .group = "Identity",
     .help = "Send requests for https://….run.app to the running 'gatepost up'"},
    {.name = "identity",
     .kind = OPTION_TEXT,
     .value = "NAME",
     .env = "GATEPOST_IDENTITY",
     .key = "identity",
     .group = "Identity",
     .help = "Who calls: an identity of the project file, or 'none'"},
    {.name = "account",
     .kind = OPTION_TEXT,
     .value = "EMAIL",
     .group = "Identity",
     .help = "The account of gcloud or of the running 'gatepost up' that calls; without --local "
             "CLOUDSDK_CORE_ACCOUNT names it too"},
    {.name = "impersonate-service-account",
     .kind = OPTION_TEXT,
     .value = "EMAIL",
     .group = "Identity",
     .help = "Call as this service account; several, separated by commas, are a chain; without "
             "--local CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT names it too"},
    {.name = "audiences",
     .kind = OPTION_TEXT,
     .value = "AUDIENCE",
     .group = "Identity",
     .help = "Mint tokens for this audience instead of the service's own"},
    {.name = "trust",
     .kind = OPTION_TEXT,
     .repeat = true,
     .comma = true,
     .value = "PROJECT|ORIGIN",
     .env = "GATEPOST_TRUST",
     .group = "Identity",
     .help = "What may receive identity: a project's number or hash, or an exact origin"},
    {.name = "refresh",
     .kind = OPTION_FLAG,
     .def = "true",
     .group = "Identity",
     .help = "Renew tokens before they expire; --no-refresh shows what happens without it"},
    {.name = "project",
     .kind = OPTION_TEXT,
     .value = "ID",
     .env = "CLOUDSDK_CORE_PROJECT",
     .group = "Identity",
     .help = "The Google Cloud project"},
    {.name = "region",
     .kind = OPTION_TEXT,
     .value = "REGION",
     .env = "CLOUDSDK_RUN_REGION",
     .group = "Identity",
     .help = "The region of the service"},
    {.name = "project-file",
     .kind = OPTION_TEXT,
     .value = "FILE",
     .env = "GATEPOST_PROJECT_FILE",
     .group = "Identity",
     .help = "The project's gatepost.yaml, or its folder; otherwise the nearest one is taken"},
    {0},
};

static void note(identity_setup *s, const char *fmt, ...) ATTR_PRINTF(2, 3);
static void note(identity_setup *s, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    str text = arena_vprintf(&s->arena, fmt, ap);
    va_end(ap);
    vec_push(&s->notes, text);
}

static bool has_project_file(arena *a, const char *dir)
{
    struct stat st;
    return dir && stat(arena_printf(a, "%s/gatepost.yaml", dir).ptr, &st) == 0;
}

static code take_section(option_values *o, const home_project *p, err *e)
{
    const json *section = json_get(p->root, options_spec(o)->name);
    return json_is(section, JSON_OBJECT) ? options_file(o, section, e) : OK;
}

static code load_files(identity_setup *s, option_values *o, const char *dir, err *e)
{
    const char *file = option_cstr(o, "project-file");
    if (!file && has_project_file(&s->arena, dir))
        file = dir;
    code c = trust_store_load(&s->store, e);
    if (c == OK)
        c = project_load(&s->arena, file, s->store, &s->project, e);
    if (c == OK)
        c = home_user_config(&s->arena, &s->user, e);
    if (c == OK)
        c = take_section(o, s->user, e);
    if (c == OK)
        c = take_section(o, s->project, e);
    if (c == OK)
        c = address_read(&s->arena, &s->up, e);
    return c;
}

// ---- Trust

static code trust_list(identity_setup *s, const home_project *p, err *e)
{
    code c = OK;
    for (size_t i = 0; c == OK && i < p->trust_count; i++)
        c = trust_add(s->trust, p->trust[i], p->path, e);
    return c;
}

// The store takes nothing that can't be trusted; a hand may have written it, or an older gatepost.
static code trust_stored(identity_setup *s, err *e)
{
    const trust_entry *entry;
    for (size_t i = 0; (entry = trust_store_at(s->store, i)); i++) {
        if (entry->hash.len || trust_add(s->trust, entry->spec, "gatepost trust", e) == OK)
            continue;
        (void)err_wrap(e, "%s", trust_store_path(s->store));
        e->hint[0] = '\0';
        return err_hint(e, "take it out: gatepost trust remove '" STR_FMT "'",
                        STR_ARG(entry->spec));
    }
    return OK;
}

static code trust_services(identity_setup *s, bool local, err *e)
{
    code c = OK;
    for (size_t i = 0; s->up && c == OK && i < s->up->service_count; i++) {
        const address_service *service = &s->up->services[i];
        str audience = service->run_app_url_count ? service->run_app_urls[0] : service->url;
        c = trust_add_local(s->trust, service->url, audience, e);
        for (size_t k = 0; c == OK && k < service->run_app_url_count; k++) {
            str url = service->run_app_urls[k];
            c = local ? trust_add_local(s->trust, url, audience, e)
                      : trust_note_served(s->trust, url, e);
        }
    }
    return c;
}

static code gather_trust(identity_setup *s, const option_values *o, err *e)
{
    s->trust = trust_set_new();
    code c = trust_services(s, option_flag(o, "local"), e);
    const str_list *given = option_list(o, "trust");
    for (size_t i = 0; c == OK && i < given->len; i++)
        c = trust_add_list(s->trust, given->ptr[i], option_origin(o, "trust"), e);
    if (c == OK)
        c = trust_stored(s, e);
    if (c == OK)
        c = trust_list(s, s->user, e);
    if (c == OK && s->project->trusted)
        c = trust_list(s, s->project, e);
    else if (s->project->trust_count)
        note(s, "%s: its 'trust' is not heeded until 'gatepost trust file' has recorded the file",
             s->project->path);
    return c;
}

// ---- Identities and rules

static bool is_account_of_up(const identity_setup *s, str email)
{
    for (size_t i = 0; s->up && i < s->up->account_count; i++)
        if (str_eq(s->up->accounts[i].email, email))
            return true;
    return false;
}

// What an untrusted file may choose among: nobody, and the running `up`'s own accounts.
static bool harmless(const identity_setup *s, const project_identity *id)
{
    return id->none || (id->account.len && is_account_of_up(s, id->account));
}

static bool has_identity(const identity_setup *s, str name)
{
    VEC_FOREACH (&s->identities, id) {
        if (str_eq(id->name, name))
            return true;
    }
    return false;
}

static void set_aside(identity_setup *s, const home_project *p, str name)
{
    str why = arena_printf(&s->arena,
                           "%s: the identity '" STR_FMT
                           "' is not heeded: it is no account of the running "
                           "'gatepost up', and the file isn't trusted ('gatepost trust file')",
                           p->path, STR_ARG(name));
    identity_aside one = {.name = name, .why = why};
    vec_push(&s->asides, one);
}

static void gather_identities(identity_setup *s, const home_project *p)
{
    for (size_t i = 0; i < p->identity_count; i++) {
        const project_identity *id = &p->identities[i];
        if (has_identity(s, id->name))
            continue; // the person's own comes first
        project_identity own = *id;
        own.local_only = !p->trusted;
        if (p->trusted || harmless(s, id))
            vec_push(&s->identities, own);
        else
            set_aside(s, p, id->name);
    }
    // Also those whose identity was set aside: their requests are refused, for calling as somebody
    // else than the file says would be worse than not calling.
    for (size_t i = 0; i < p->rule_count; i++)
        vec_push(&s->rules, p->rules[i]);
}

// Somebody asks for it; till then it is nobody's concern.
static void note_wanted(identity_setup *s, str name)
{
    VEC_FOREACH (&s->asides, one) {
        if (one->said || !str_eq(one->name, name))
            continue;
        one->said = true;
        vec_push(&s->notes, one->why);
    }
}

void identity_note_request(identity_setup *s, str path)
{
    bool by_rule;
    note_wanted(s, identity_for(s->rules.ptr, s->rules.len, path, STR_NONE, &by_rule));
}

static bool defines(const home_project *p, str name)
{
    for (size_t i = 0; i < p->identity_count; i++)
        if (str_eq(p->identities[i].name, name))
            return true;
    return false;
}

// A local account may be named without a definition, by its e-mail or the part before the @.
static bool is_account(str email, str name)
{
    str local_part, domain;
    str_cut(email, '@', &local_part, &domain);
    return str_eq(email, name) || str_eq(local_part, name);
}

static bool names_account(const identity_setup *s, str name)
{
    for (size_t i = 0; i < s->project->account_count; i++)
        if (is_account(s->project->accounts[i].email, name))
            return true;
    for (size_t i = 0; s->up && i < s->up->account_count; i++)
        if (is_account(s->up->accounts[i].email, name))
            return true;
    return false;
}

// Every identity of the project's rules is defined there or by the person.
static code check_rules(const identity_setup *s, err *e)
{
    JSON_EACH (json_get(s->project->root, "rules"), rule) {
        const json *at = json_get(rule, "identity");
        str name = json_str_or(at, STR_NONE);
        if (str_eq(name, STR("none")) || defines(s->project, name) || defines(s->user, name) ||
            names_account(s, name))
            continue;
        (void)json_err(at, e, CRED_IDENTITY, "there is no identity '" STR_FMT "'", STR_ARG(name));
        return err_hint(e, "define it under 'identities', or write 'none'");
    }
    return OK;
}

static void make_provider(identity_setup *s, loop *l, const option_values *o, const char *dir)
{
    str run_as = s->project->run_as.len ? s->project->run_as : s->up ? s->up->run_as : STR_NONE;
    bool known = is_account_of_up(s, run_as);
    credential_options options = {
        .account = option_cstr(o, "account"),
        .impersonate = option_cstr(o, "impersonate-service-account"),
        .run_as = known ? arena_cstr(&s->arena, run_as) : NULL,
        .identities = s->identities.ptr,
        .identity_count = s->identities.len,
        .up = s->up,
        .untrusted_dir = s->project->path && s->project->trusted ? NULL : dir,
        .no_refresh = !option_flag(o, "refresh"),
    };
    s->credentials = credential_provider_new(l, &options);
}

// gcloud's variable speaks of the cloud; who set it might think that it counts here too.
static void note_unheeded(identity_setup *s, const option_values *o)
{
    static const char variable[] = "CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT";
    const char *value = getenv(variable);
    if (value && *value && option_flag(o, "local") &&
        !option_is_set(o, "impersonate-service-account"))
        note(s, "%s is not heeded with --local; --impersonate-service-account is", variable);
}

code identity_open(identity_setup *s, loop *l, option_values *o, const char *dir, err *e)
{
    *s = (identity_setup){0};
    arena_init(&s->arena);
    code c = load_files(s, o, dir, e);
    if (c == OK && option_flag(o, "local") && !s->up) {
        c = err_set(e, HOME_ABSENT, "--local: no 'gatepost up' of yours is running");
        err_hint(e, "start one: gatepost up FOLDER");
    }
    if (c == OK)
        c = gather_trust(s, o, e);
    if (c == OK)
        c = check_rules(s, e);
    if (c != OK)
        return c;
    gather_identities(s, s->user);
    gather_identities(s, s->project);
    note_wanted(s, option_text(o, "identity"));
    note_unheeded(s, o);
    make_provider(s, l, o, dir);
    return OK;
}

void identity_close(identity_setup *s)
{
    credential_provider_free(s->credentials);
    trust_set_free(s->trust);
    trust_store_free(s->store);
    vec_deinit(&s->identities);
    vec_deinit(&s->rules);
    vec_deinit(&s->asides);
    vec_deinit(&s->notes);
    arena_deinit(&s->arena);
}
