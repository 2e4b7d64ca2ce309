// SPDX-License-Identifier: Apache-2.0
// `gatepost login` and `logout`: a person's sign-in at an issuer, kept as a refresh token in the
// keyring.
#include <string.h>

#include "cmd/identity.h"
#include "cmd/verbs.h"
#include "net/net.h"

enum { DEADLINE_MS = 600000 }; // people look for their phone

typedef struct sign sign;
struct sign {
    cmd_call *call;
    identity_setup setup;
    loop *loop;
    str identity;
    err *e;
    code code;
    bool revoked;
    bool done;
};

// ---- which identity -----------------------------------------------------------------------------

static bool is_for_people(const project_identity *id)
{
    return id->oauth && project_grant_is_login(id->oauth->grant);
}

// The one that is named, or the only one there is to sign in for.
static code choose(sign *s)
{
    const option_values *o = s->call->options;
    const str_list *args = option_args(o);
    size_t count = 0;
    s->identity = args->len ? args->ptr[0] : option_text(o, "identity");
    if (s->identity.len)
        return OK;
    buf names;
    buf_init(&names, 4096);
    VEC_FOREACH (&s->setup.identities, id) {
        if (!is_for_people(id))
            continue;
        buf_addf(&names, "%s" STR_FMT, count++ ? ", " : "", STR_ARG(id->name));
        s->identity = id->name;
    }
    if (count != 1)
        (void)err_set(s->e, OPTION_ARGS, "it isn't said for which identity");
    if (count > 1)
        (void)err_hint(s->e, "name one of %s", buf_cstr(&names));
    else if (!count)
        (void)err_hint(s->e, "define one: identities: NAME: oauth: {grant: authorization_code, "
                             "issuer: https://…, client_id: …}; for Google: gcloud auth login");
    buf_deinit(&names);
    return count == 1 ? OK : OPTION_ARGS;
}

static void on_session(void *ctx, const credential_session_end *end, const err *e)
{
    sign *s = ctx;
    s->done = true;
    s->revoked = end->revoked;
    s->code = e ? e->code : OK;
    if (e)
        *s->e = *e;
    else if (end->who.len)
        s->identity = arena_printf(&s->setup.arena, STR_FMT " as " STR_FMT, STR_ARG(s->identity),
                                   STR_ARG(end->who));
}

static code wait_for(sign *s, credential_session *session)
{
    if (!loop_run_until(s->loop, &s->done, DEADLINE_MS))
        s->code =
            err_set(s->e, SYS_TIMEOUT, "nobody signed in within %d minutes", DEADLINE_MS / 60000);
    credential_session_free(session);
    return s->code;
}

static void tell(const sign *s, const char *before, const char *after)
{
    buf line;
    buf_init(&line, 4096);
    buf_addz(&line, before);
    buf_add_shown(&line, s->identity);
    fprintf(s->call->out, "%s%s\n", buf_cstr(&line), after);
    buf_deinit(&line);
}

static code with_identity(cmd_call *call, code (*run)(sign *s), err *e)
{
    sign s = {.call = call, .e = e, .loop = loop_new()};
    code c = identity_open(&s.setup, s.loop, call->options, NULL, e);
    if (c == OK)
        c = choose(&s);
    if (c == OK)
        c = run(&s);
    identity_close(&s.setup);
    loop_free(s.loop);
    return c;
}

// ---- login --------------------------------------------------------------------------------------

static void on_prompt(void *ctx, const credential_prompt *prompt)
{
    const sign *s = ctx;
    buf text;
    buf_init(&text, 32 << 10);
    buf_addz(&text, "Open ");
    buf_add_shown(&text, prompt->url);
    if (prompt->user_code.len) {
        buf_addz(&text, "\nand enter the code ");
        buf_add_shown(&text, prompt->user_code);
    }
    fprintf(s->call->err, "%s\n", buf_cstr(&text));
    fflush(s->call->err);
    buf_deinit(&text);
}

static code login(sign *s)
{
    const option_values *o = s->call->options;
    const credential_login_options options = {.identity = s->identity,
                                              .device = option_flag(o, "device"),
                                              .browser = option_flag(o, "browser"),
                                              .on_prompt = on_prompt,
                                              .ctx = s};
    code c = wait_for(s, credential_login(s->setup.credentials, &options, on_session, s));
    if (c == OK)
        tell(s, "signed in: ", "");
    return c;
}

static code run_login(cmd_call *call, err *e)
{
    return with_identity(call, login, e);
}

static const option_row login_rows[] = {
    {.name = "device",
     .kind = OPTION_FLAG,
     .help = "Sign in with a code on another device, for a machine without a browser"},
    {.name = "browser",
     .kind = OPTION_FLAG,
     .def = "true",
     .help = "Open a browser ($BROWSER, xdg-open); --no-browser only tells the address"},
    {0},
};
static const option_row *const login_tables[] = {login_rows, cmd_identity, cmd_common, NULL};

static const command_spec login_spec = {
    .name = "login",
    .args = "[IDENTITY]",
    .args_max = 1,
    .summary = "Sign in at an issuer",
    .about =
        "For identities whose 'oauth' has the grant authorization_code or device_code "
        "(doc/identities.md). A browser on this machine comes back to a port of 127.0.0.1; with "
        "--device, a code is entered on any other one.\n\n"
        "What is kept is a refresh token: in the desktop's keyring where there is one, else in "
        "the kernel's, never in a file. Tokens are then made for 'gatepost run', 'connect' and "
        "'token' without asking again.",
    .example = "gatepost login okta\ngatepost login okta --device",
    .tables = login_tables,
};
const verb verb_login = {.spec = &login_spec, .group = VERB_REACH, .run = run_login};

// ---- logout -------------------------------------------------------------------------------------

// What can't be revoked is forgotten all the same, and the person is told.
static code logout(sign *s)
{
    credential_provider *p = s->setup.credentials;
    str name = s->identity;
    err why = ERR_INIT, *e = s->e;
    s->e = &why;
    code c = wait_for(s, credential_logout(p, name, true, on_session, s));
    s->e = e;
    if (c == CRED_LOGIN) {
        tell(s, "nobody was signed in: ", "");
        return OK;
    }
    if (c == OK) {
        tell(s, "signed out: ",
             s->revoked ? "; the issuer revoked the sign-in"
                        : "; the issuer can't revoke: what was made of it lives until it expires");
        return OK;
    }
    if (c == CRED_IDENTITY || c == CRED_KEYRING) {
        *e = why;
        return c;
    }
    s->done = false;
    c = wait_for(s, credential_logout(p, name, false, on_session, s));
    if (c == OK) {
        err_print(&why, s->call->err);
        tell(s, "forgotten here, but not revoked: ", "");
        s->call->status = code_exit(why.code);
    }
    return c;
}

static code run_logout(cmd_call *call, err *e)
{
    return with_identity(call, logout, e);
}

static const option_row *const logout_tables[] = {cmd_identity, cmd_common, NULL};

static const command_spec logout_spec = {
    .name = "logout",
    .args = "[IDENTITY]",
    .args_max = 1,
    .summary = "Forget a sign-in, and have the issuer revoke it",
    .about = "Removes the refresh token of 'gatepost login' from the keyring. An issuer that can "
             "(RFC 7009) revokes it before; when it can't be reached, the token is forgotten here "
             "all the same and the command fails.",
    .example = "gatepost logout okta",
    .tables = logout_tables,
};
const verb verb_logout = {.spec = &logout_spec, .group = VERB_REACH, .run = run_logout};
