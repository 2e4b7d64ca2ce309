// SPDX-License-Identifier: Apache-2.0
// Who may call a private mock.
#include "cmd/mock_door.h"
#include "net/net.h"

// ---- Identities ---------------------------------------------------------------------------------

static code add_issuer(mock_doorway *d, loop *l, const option_values *o, err *e)
{
    static const str all = {"*", 1};
    str named = option_text(o, "issuer");
    oidc_issuer issuer = {.issuer = named, .kind = OIDC_OTHER, .domains = &all, .domain_count = 1};
    const oidc_options checks = {.loopback = true};
    const home_address *up = NULL;
    code c = address_read(&d->arena, &up, e);
    if (c)
        return c;
    if (option_flag(o, "local") && !up) {
        (void)err_set(e, HOME_ABSENT, "--local: no 'gatepost up' of yours is running");
        return err_hint(e, "start it with: gatepost up");
    }
    if (!named.len) {
        issuer.kind = OIDC_GOOGLE;
        issuer.issuer = option_flag(o, "local") ? up->issuer : STR("https://accounts.google.com");
        issuer.jwks_url = option_flag(o, "local") ? up->jwks : STR_NONE;
    }
    d->issuers = oidc_new(l, &checks);
    return oidc_add(d->issuers, &issuer, e);
}

// The policy that the members make: what gcloud run services add-iam-policy-binding would.
static code make_policy(mock_doorway *d, const str_list *members, err *e)
{
    json *root = json_new(&d->arena, JSON_OBJECT);
    json *bindings = json_set(&d->arena, root, STR("bindings"), json_new(&d->arena, JSON_ARRAY));
    json *binding = json_push(bindings, json_new(&d->arena, JSON_OBJECT));
    json_set(&d->arena, binding, STR("role"), json_new_str(&d->arena, STR("roles/run.invoker")));
    json *list = json_set(&d->arena, binding, STR("members"), json_new(&d->arena, JSON_ARRAY));
    for (size_t i = 0; i < members->len; i++)
        json_push(list, json_new_str(&d->arena, members->ptr[i]));
    d->roles = role_set_new();
    code c = policy_load(root, d->roles, &d->policy, e);
    return c == OK ? OK : err_wrap(e, "--member");
}

static code open_trail(mock_doorway *d, loop *l, const option_values *o, err *e)
{
    const char *state;
    d->trail = option_cstr(o, "audit-dir");
    if (!d->trail) {
        code c = home_path(HOME_STATE, true, &d->arena, &state, e);
        if (c)
            return c;
        d->trail = arena_printf(&d->arena, "%s/audit-mock", state).ptr;
    }
    return audit_spool_open(l, d->trail, NULL, &d->spool, e);
}

static code open_guard(mock_doorway *d, loop *l, const option_values *o, str name, err *e)
{
    code c = make_policy(d, option_list(o, "member"), e);
    if (c == OK)
        c = add_issuer(d, l, o, e);
    if (c == OK)
        c = open_trail(d, l, o, e);
    if (c)
        return c;
    const guard_options options = {.issuers = d->issuers, .spool = d->spool};
    const str_list *audiences = option_list(o, "audiences");
    audit_label *label = ARENA_NEW(&d->arena, audit_label);
    *label = (audit_label){"service_name", name};
    d->guard = guard_new(&options);
    d->target = (guard_target){
        .project_id = STR("mock"),
        .resource = arena_printf(&d->arena, "projects/mock/locations/local/services/" STR_FMT,
                                 STR_ARG(name)),
        .log_resource = {.type = "cloud_run_revision", .labels = label, .label_count = 1},
        .policy = d->policy,
        .audiences = audiences->ptr,
        .audience_count = audiences->len,
    };
    d->door.guard = d->guard;
    d->door.target = &d->target;
    d->door.issuers = d->issuers;
    return OK;
}

// ---- Both ---------------------------------------------------------------------------------------

static code nothing_asked_for(err *e)
{
    (void)err_set(e, OPTION_INVALID, "--private: nobody could call the mock");
    return err_hint(e, "give its key (GATEPOST_MOCK_API_KEY), or who may call it with a token "
                       "(--member user:you@example.com)");
}

static code not_private(const option_values *o, err *e)
{
    static const char *const names[] = {"member", "issuer", "audiences", "audit-dir", "local"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (option_is_set(o, names[i])) {
            (void)err_set(e, OPTION_INVALID, "--%s: the mock is open to everybody", names[i]);
            return err_hint(e, "give --private too");
        }
    return OK;
}

code mock_door_open(mock_doorway *d, loop *l, const option_values *o, str name,
                    const mock_door **ret_door, err *e)
{
    *d = (mock_doorway){0};
    arena_init(&d->arena);
    if (!option_flag(o, "private"))
        return not_private(o, e);
    str key = option_text(o, "api-key");
    if (key.len)
        d->door.api_key = d->api_key = secret_new(key);
    code c = OK;
    if (option_list(o, "member")->len)
        c = open_guard(d, l, o, name, e);
    if (c == OK && !d->api_key && !d->guard)
        c = nothing_asked_for(e);
    *ret_door = &d->door;
    return c;
}

void mock_door_listens(mock_doorway *d, uint16_t port)
{
    if (!d->guard || d->target.audience_count)
        return;
    str *own = ARENA_NEW(&d->arena, str);
    *own = arena_printf(&d->arena, "http://127.0.0.1:%u", (unsigned)port);
    d->target.audiences = own;
    d->target.audience_count = 1;
}

void mock_door_close(mock_doorway *d)
{
    guard_free(d->guard);
    audit_spool_close(d->spool);
    oidc_free(d->issuers);
    policy_unref(d->policy);
    role_set_free(d->roles);
    secret_free(d->api_key);
    arena_deinit(&d->arena);
}

const option_row cmd_mock_door[] = {
    {.name = "private",
     .kind = OPTION_FLAG,
     .group = "Private mock",
     .help = "Answer those only who bring the key, or a token of somebody who may call"},
    {.name = "api-key",
     .env = "GATEPOST_MOCK_API_KEY",
     .kind = OPTION_TEXT,
     .value = "KEY",
     .group = "Private mock",
     .help = "What callers send in x-api-key; in the variable nobody else sees it"},
    {.name = "member",
     .kind = OPTION_TEXT,
     .repeat = true,
     .value = "MEMBER",
     .group = "Private mock",
     .help = "Who may call with an ID token (user:…, serviceAccount:…); may be given again"},
    {.name = "issuer",
     .kind = OPTION_TEXT,
     .value = "URL",
     .group = "Private mock",
     .help = "Whose tokens count, in place of Google's"},
    {.name = "local",
     .kind = OPTION_FLAG,
     .group = "Private mock",
     .help = "Tokens of the running 'gatepost up' count, in place of Google's"},
    {.name = "audiences",
     .kind = OPTION_TEXT,
     .repeat = true,
     .comma = true,
     .value = "AUDIENCE",
     .group = "Private mock",
     .help = "What tokens must be for; otherwise http://127.0.0.1:PORT of the mock"},
    {.name = "audit-dir",
     .kind = OPTION_TEXT,
     .value = "DIR",
     .group = "Private mock",
     .help = "Folder of the trail of decisions about tokens; otherwise 'audit-mock' in the state "
             "folder"},
    {0},
};
