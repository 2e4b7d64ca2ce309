// SPDX-License-Identifier: Apache-2.0
// From project file and service.yaml to services with their identities and policies.
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cloudrun/up_own.h"

typedef struct sources sources;
struct sources {
    const char *project; // file or folder; NULL: to be found
    bool all;            // the services that the project lists
    VEC(const char *) files;
    size_t listed; // the first of `files` that the project lists, if it lists any
};

// ---- which files

static bool is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static const char *beneath(up *u, const char *dir, const char *name)
{
    return arena_printf(&u->arena, "%s/%s", dir, name).ptr;
}

static bool has_project(up *u, const char *dir)
{
    return access(beneath(u, dir, "gatepost.yaml"), F_OK) == 0;
}

static const char *dir_of(arena *a, const char *path)
{
    str s = str_from(path);
    ssize_t slash = str_rchr(s, '/');
    if (slash < 0)
        return ".";
    return slash == 0 ? "/" : arena_cstr(a, str_sub(s, 0, (size_t)slash));
}

static code use_project(up *u, sources *from, const char *dir, err *e)
{
    if (from->project && !u->o.project_file && strcmp(from->project, dir) != 0) {
        err_set(e, UP_NO_SERVICE, "'%s' and '%s' are two projects", from->project, dir);
        return err_hint(e, "bring up one project at a time; its gatepost.yaml lists its services");
    }
    if (!from->project)
        from->project = dir;
    return OK;
}

// A folder with a project file brings the project's services, another one its service.yaml.
static code add_path(up *u, sources *from, const char *path, err *e)
{
    bool folder = is_dir(path);
    const char *dir = folder ? path : dir_of(&u->arena, path);
    if (folder && has_project(u, dir))
        from->all = true;
    else
        vec_push(&from->files, folder ? beneath(u, dir, "service.yaml") : path);
    return has_project(u, dir) ? use_project(u, from, dir, e) : OK;
}

static code find_files(up *u, sources *from, err *e)
{
    from->all = !u->o.path_count;
    for (size_t i = 0; i < u->o.path_count; i++) {
        code c = add_path(u, from, arena_cstr(&u->arena, u->o.paths[i]), e);
        if (c)
            return c;
    }
    code c = project_load(&u->arena, from->project, NULL, &u->project, e);
    const json *section = c ? NULL : json_get(u->project->root, "up");
    if (section && u->o.on_project)
        c = u->o.on_project(u->o.ctx, section, &u->o, e);
    if (c)
        return c;
    from->listed = from->files.len;
    for (size_t i = 0; i < u->project->service_count && from->all; i++)
        vec_push(&from->files, u->project->services[i]);
    const char *here = beneath(u, u->project->dir, "service.yaml");
    if (!from->files.len && access(here, F_OK) == 0)
        vec_push(&from->files, here);
    if (from->files.len)
        return OK;
    err_set(e, UP_NO_SERVICE, "there is no service to bring up in %s", u->project->dir);
    return err_hint(e, "name a service.yaml, or list one under services: in gatepost.yaml");
}

// ---- services

static up_service *service_named(up *u, str name)
{
    for (size_t i = 0; i < u->service_count; i++)
        if (str_eq(u->services[i].spec->name, name))
            return &u->services[i];
    return NULL;
}

static code add_service(up *u, const service_spec *spec, err *e)
{
    const up_service *same = service_named(u, spec->name);
    if (same) {
        err_set(e, DATA_DUPLICATE, "%s has a service '" STR_FMT "' too", same->spec->file,
                STR_ARG(spec->name));
        return err_at(e, spec->file, 1, 1);
    }
    if (u->service_count == UP_SERVICES_MAX)
        return err_set(e, DATA_LIMIT, "at most %d services can be brought up", UP_SERVICES_MAX);
    up_service *s = &u->services[u->service_count++];
    *s = (up_service){
        .up = u, .spec = spec, .dir = dir_of(&u->arena, spec->file), .account = spec->account};
    for (size_t i = 0; i < spec->note_count; i++)
        up_note(u, spec->notes[i].ptr);
    return OK;
}

// A service.yaml that the project file names and that can't be read: the name is what is wrong.
static code absent_service(up *u, size_t i, err *e)
{
    const json *named = json_at(json_get(u->project->root, "services"), i);
    if (!named)
        return e->code;
    (void)err_at(e, named->file, named->line, named->col);
    e->hint[0] = 0;
    return err_hint(e, "its name is seen from the project file's folder");
}

static code load_services(up *u, const sources *from, err *e)
{
    u->services = arena_array(&u->arena, UP_SERVICES_MAX, sizeof(*u->services));
    for (size_t i = 0; i < from->files.len; i++) {
        const service_spec *specs = NULL;
        size_t count = 0;
        code c = service_load(&u->arena, from->files.ptr[i], &specs, &count, e);
        if (c == DATA_FILE && i >= from->listed)
            c = absent_service(u, i - from->listed, e);
        for (size_t k = 0; c == OK && k < count; k++)
            c = add_service(u, &specs[k], e);
        if (c)
            return c;
    }
    return OK;
}

static code no_such_service(up *u, const project_policy *p, err *e)
{
    const char *names[UP_SERVICES_MAX];
    for (size_t i = 0; i < u->service_count; i++)
        names[i] = arena_cstr(&u->arena, u->services[i].spec->name);
    const json *at = json_first(json_get(u->project->root, "policies"));
    while (!str_eq(at->key, p->service))
        at = at->next;
    (void)json_err_key(at, e, DATA_UNKNOWN, "there is no service '" STR_FMT "'",
                       STR_ARG(p->service));
    const char *near = suggest(p->service, names, u->service_count);
    if (near)
        return err_hint(e, "did you mean '%s'?", near);
    return err_hint(e, "list its service.yaml under services:, or remove its policy");
}

// Each policy of the project file must be of a service that is there, or of one that isn't brought
// up this time.
static code find_policies(up *u, bool all, err *e)
{
    for (size_t i = 0; i < u->project->policy_count; i++) {
        const project_policy *p = &u->project->policies[i];
        up_service *s = service_named(u, p->service);
        if (s)
            s->declared = p;
        else if (all)
            return no_such_service(u, p, e);
    }
    return OK;
}

// ---- identities

// Keys are kept in folders of their own, which git passes over.
static code make_dir_of(up *u, const char *file, err *e)
{
    const char *dir = file ? dir_of(&u->arena, file) : NULL;
    if (!dir || is_dir(dir))
        return OK;
    if (mkdir(dir, 0700) != 0 && !is_dir(dir)) // another one may start at the same time
        return err_sys(e, HOME_DIR, errno, "the folder of %s", file);
    return home_write(beneath(u, dir, ".gitignore"), STR("*\n"), 0600, e);
}

static code make_key_dirs(up *u, err *e)
{
    const home_project *p = u->project;
    code c = OK;
    for (size_t i = 0; c == OK && i < p->account_count; i++)
        c = make_dir_of(u, p->accounts[i].key, e);
    for (size_t i = 0; c == OK && i < p->credential_count; i++)
        c = make_dir_of(u, p->credentials[i].file, e);
    return c;
}

// Without a project file there is one account: who started this, and may call it. Its key is kept
// with the state.
static code add_developer(up *u, err *e)
{
    static const str roles[] = {{"roles/run.invoker", sizeof("roles/run.invoker") - 1}};
    const char *state = NULL;
    code c = home_path(HOME_STATE, true, &u->arena, &state, e);
    if (c)
        return c;
    home_project *p = ARENA_NEW(&u->arena, home_project);
    project_account *developer = ARENA_NEW(&u->arena, project_account);
    *p = *u->project;
    p->run_as =
        arena_printf(&u->arena, "developer@" STR_FMT ".iam.gserviceaccount.com", STR_ARG(p->id));
    *developer = (project_account){.email = p->run_as,
                                   .roles = roles,
                                   .role_count = ARRAY_LEN(roles),
                                   .key = beneath(u, state, "developer.json")};
    p->accounts = developer;
    p->account_count = 1;
    u->project = p;
    return OK;
}

// Such a role grants nothing: most often it is misspelt.
static void note_unknown_roles(up *u)
{
    for (size_t i = 0; i < u->project->account_count; i++) {
        const json *roles = u->project->accounts[i].roles_written;
        JSON_EACH (roles, role)
            if (!role_known(u->roles, role->text))
                up_note(u, arena_printf(&u->arena,
                                        "%s:%u:%u: " STR_FMT
                                        " isn't known here and grants nothing [unknown-role]",
                                        role->file, (unsigned)role->line, (unsigned)role->col,
                                        STR_ARG(role->text))
                               .ptr);
    }
}

static code open_google(up *u, const char *state, err *e)
{
    const home_project *p = u->project;
    google_account *accounts = arena_array(&u->arena, p->account_count, sizeof(*accounts));
    for (size_t i = 0; i < p->account_count; i++)
        accounts[i] = (google_account){.email = p->accounts[i].email,
                                       .roles = p->accounts[i].roles,
                                       .role_count = p->accounts[i].role_count,
                                       .key_file = p->accounts[i].key,
                                       .policy = p->accounts[i].policy};
    google_external *externals = arena_array(&u->arena, p->credential_count, sizeof(*externals));
    for (size_t i = 0; i < p->credential_count; i++)
        externals[i] = (google_external){.pool = p->credentials[i].pool,
                                         .provider = p->credentials[i].provider,
                                         .path = p->credentials[i].file,
                                         .token_file = p->credentials[i].token,
                                         .impersonate = p->credentials[i].impersonate};
    google_options o = {
        .project_id = p->id,
        .project_number = p->number,
        .region = p->region,
        .state = arena_printf(&u->arena, "%s/google-" STR_FMT ".db", state, STR_ARG(p->id)).ptr,
        .token_lifetime_s = (int64_t)(p->token_lifetime_ms / 1000),
        .accounts = accounts,
        .account_count = p->account_count,
        .pools = p->pools,
        .externals = externals,
        .external_count = p->credential_count,
        .roles = u->roles,
        .spool = u->spool};
    code c = google_new(u->loop, &o, &u->google, e);
    if (c)
        return c;
    u->run_as = p->run_as.len ? p->run_as : google_default_account(u->google);
    return OK;
}

static code open_guard(up *u, err *e)
{
    static const str all = {"*", 1};
    const home_project *p = u->project;
    int64_t leeway_s = (int64_t)(p->clock_skew_ms / 1000);
    u->directory = directory_new();
    directory_add_project(u->directory, p->id, p->number);
    google_tell(u->google, u->directory);
    code c = directory_load(u->directory, p->groups, e);
    if (c)
        return c;
    oidc_options checks = {.leeway_s = leeway_s, .loopback = true};
    u->oidc = oidc_new(u->loop, &checks);
    oidc_issuer local = {.issuer = GOOGLE_ISSUER,
                         .kind = OIDC_GOOGLE,
                         .domains = &all,
                         .domain_count = 1,
                         .keys = google_keys(u->google)};
    c = oidc_add(u->oidc, &local, e);
    if (c)
        return c;
    guard_options o = {
        .issuers = u->oidc, .spool = u->spool, .directory = u->directory, .leeway_s = leeway_s};
    u->guard = guard_new(&o);
    return OK;
}

// The lock of the trail is that of the whole state: who has it is the one `gatepost up`.
static code already_running(err *e)
{
    if (e)
        e->code = HOME_RUNNING;
    (void)err_wrap(e, "gatepost up runs already");
    return HOME_RUNNING;
}

static code open_state(up *u, err *e)
{
    const char *state = NULL, *runtime = NULL;
    code c = home_path(HOME_STATE, true, &u->arena, &state, e);
    if (c == OK)
        c = home_path(HOME_RUNTIME, true, &u->arena, &runtime, e);
    if (c)
        return c;
    u->audit_dir = beneath(u, state, "audit");
    u->home = beneath(u, runtime, "home");
    if (mkdir(u->home, 0700) != 0 && !is_dir(u->home))
        return err_sys(e, HOME_DIR, errno, "%s can't be made", u->home);
    c = audit_spool_open(u->loop, u->audit_dir, NULL, &u->spool, e);
    if (c == AUDIT_LOCKED) // it has no address yet: both began at once
        return already_running(e);
    if (c == OK)
        c = open_google(u, state, e);
    return c ? c : open_guard(u, e);
}

// Before anything is touched: state and key files are those of the one that runs.
static code check_alone(up *u, err *e)
{
    const home_address *other = NULL;
    code c = address_read(&u->arena, &other, e);
    if (c || !other)
        return c;
    err_set(e, HOME_RUNNING, "gatepost up runs already: process %lld, project " STR_FMT,
            (long long)other->pid, STR_ARG(other->project));
    return err_hint(e, "use that one, or stop it first: kill %lld", (long long)other->pid);
}

code up_load(up *u, err *e)
{
    sources from = {.project = u->o.project_file};
    code c = check_alone(u, e);
    if (c == OK)
        c = find_files(u, &from, e);
    if (c == OK)
        c = load_services(u, &from, e);
    vec_deinit(&from.files);
    if (c == OK)
        c = find_policies(u, from.all, e);
    if (c)
        return c;
    u->roles = role_set_new();
    note_unknown_roles(u);
    c = u->project->path ? make_key_dirs(u, e) : add_developer(u, e);
    if (c == OK)
        c = open_state(u, e);
    for (size_t i = 0; c == OK && i < u->service_count; i++)
        c = up_service_init(&u->services[i], e);
    return c;
}
