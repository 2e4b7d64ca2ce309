// SPDX-License-Identifier: Apache-2.0
// `gatepost token`: one token on standard output, for those who send requests by other means.
#include "cmd/identity.h"
#include "cmd/verbs.h"
#include "net/net.h"

enum { DEADLINE_MS = 120000 };

typedef struct mint mint;
struct mint {
    cmd_call *call;
    identity_setup setup;
    credential_want want;
    err *e;
    code code;
    bool done;
};

// ---- Local or cloud -----------------------------------------------------------------------------

static const address_service *find_service(const home_address *up, str audience)
{
    for (size_t i = 0; up && i < up->service_count; i++) {
        const address_service *s = &up->services[i];
        if (str_eq(s->url, audience))
            return s;
        for (size_t k = 0; k < s->run_app_url_count; k++)
            if (str_eq(s->run_app_urls[k], audience))
                return s;
    }
    return NULL;
}

// By its e-mail address, or by what stands before the '@'.
static bool is_local_account(const home_address *up, str name)
{
    for (size_t i = 0; i < up->account_count; i++) {
        str head, tail, email = up->accounts[i].email;
        str_cut(email, '@', &head, &tail);
        if (str_eq(email, name) || str_eq(head, name))
            return true;
    }
    return false;
}

static bool is_local_identity(const identity_setup *s, str name)
{
    VEC_FOREACH (&s->identities, id) {
        if (str_eq(id->name, name))
            return id->account.len && is_local_account(s->up, id->account);
    }
    return is_local_account(s->up, name);
}

// The accounts of the running `up` are meant when they are named, when its service is, or when
// the person says so. A local token is worthless in the cloud, so there is no harm in the guess.
static bool is_local(const identity_setup *s, const option_values *o, const credential_want *w)
{
    if (option_flag(o, "local"))
        return true;
    if (!s->up)
        return false;
    if (w->identity.len)
        return is_local_identity(s, w->identity);
    return find_service(s->up, w->audience) != NULL;
}

// ---- What is wanted -----------------------------------------------------------------------------

// The tokens of an OAuth 2 client are made for what its identity says.
static bool needs_no_purpose(const identity_setup *s, str name)
{
    VEC_FOREACH (&s->identities, id) {
        if (str_eq(id->name, name))
            return id->oauth && !id->impersonate.len;
    }
    return false;
}

static code check_purpose(mint *m, str audience, str scope, bool access)
{
    if (needs_no_purpose(&m->setup, option_text(m->call->options, "identity"))) {
        if (!audience.len && !access)
            return OK;
        err_set(m->e, OPTION_ARGS,
                "the audience of this identity's tokens stands with the identity");
        return err_hint(m->e, "leave --audience and --access out; --scope asks for other scopes");
    }
    if ((audience.len > 0) != (scope.len > 0) && !(access && scope.len))
        return OK;
    err_set(m->e, OPTION_ARGS,
            audience.len ? "--audience makes an ID token, --scope an access token: give one"
                         : "the token needs a purpose: --audience or --scope");
    return err_hint(m->e, access ? "with --access the audience is one API: --access --audience "
                                   "https://pubsub.googleapis.com/"
                                 : "for a Cloud Run service: gatepost token --audience "
                                   "https://SERVICE-URL");
}

static code read_want(mint *m)
{
    const option_values *o = m->call->options;
    str audience = option_text(o, option_is_set(o, "audience") ? "audience" : "audiences");
    str scope = option_text(o, "scope");
    bool access = option_flag(o, "access");
    if (check_purpose(m, audience, scope, access))
        return OPTION_ARGS;
    m->want = (credential_want){.kind = audience.len && !access ? CREDENTIAL_ID_TOKEN
                                                                : CREDENTIAL_ACCESS_TOKEN,
                                .audience = audience,
                                .scope = scope,
                                .identity = option_text(o, "identity")};
    m->want.local = is_local(&m->setup, o, &m->want);
    if (m->want.local && !m->want.identity.len)
        m->want.identity = option_text(o, "account"); // without a name: the `up`'s own choice
    return OK;
}

static void on_token(void *ctx, credential_token *token, const err *e)
{
    mint *m = ctx;
    m->done = true;
    if (e) {
        *m->e = *e;
        m->code = e->code;
        return;
    }
    str value = credential_token_value(token);
    fwrite(value.ptr, 1, value.len, m->call->out);
    fputc('\n', m->call->out);
}

// A service goes by its run.app URL, wherever it listens.
static void warn_of_address(const mint *m)
{
    const address_service *s = find_service(m->setup.up, m->want.audience);
    if (m->want.local && s && s->run_app_url_count && str_eq(s->url, m->want.audience))
        fprintf(m->call->err,
                "gatepost: warning: the service at " STR_FMT
                " takes tokens for its own URL: --audience " STR_FMT "\n",
                STR_ARG(s->url), STR_ARG(s->run_app_urls[0]));
}

static void tell_notes(const mint *m)
{
    VEC_FOREACH (&m->setup.notes, note)
        fprintf(m->call->err, "gatepost: " STR_FMT "\n", STR_ARG(*note));
}

static code mint_token(mint *m, loop *l)
{
    code c = read_want(m);
    if (c != OK)
        return c;
    warn_of_address(m);
    credential_wait *wait = credential_for(m->setup.credentials, &m->want, on_token, m);
    if (!loop_run_until(l, &m->done, DEADLINE_MS)) {
        credential_cancel(wait);
        return err_set(m->e, SYS_TIMEOUT, "there was no token within %d s", DEADLINE_MS / 1000);
    }
    if (m->code != OK && m->want.identity.len)
        tell_notes(m); // why a name of the project file may not be known
    return m->code;
}

static code run_token(cmd_call *call, err *e)
{
    mint m = {.call = call, .e = e};
    loop *l = loop_new();
    code c = identity_open(&m.setup, l, call->options, NULL, e);
    if (c == OK)
        c = mint_token(&m, l);
    identity_close(&m.setup);
    loop_free(l);
    return c;
}

static const option_row rows[] = {
    {.name = "audience",
     .kind = OPTION_TEXT,
     .value = "AUDIENCE",
     .help = "An ID token for this audience; for Cloud Run it is the service's URL"},
    {.name = "access",
     .kind = OPTION_FLAG,
     .help = "An access token for the audience, an API's URL: a service account key signs it "
             "itself"},
    {.name = "scope",
     .kind = OPTION_TEXT,
     .value = "SCOPES",
     .help = "An access token with these scopes, blanks between them"},
    {0},
};
static const option_row *const tables[] = {rows, cmd_identity, cmd_common, NULL};

static const command_spec spec = {
    .name = "token",
    .summary = "Print a token",
    .about =
        "Prints an ID token (--audience) or an access token (--scope) and nothing else. Whoever "
        "reads it can use it until it expires, so send it to where it is needed and don't store "
        "it; 'gatepost run' and 'gatepost connect' need no token in the open.\n\n"
        "Accounts of the running 'gatepost up' are used with --local, when --identity names one, "
        "and when the audience is one of its services. Otherwise the credential is the one that "
        "'gatepost whoami' shows. An identity that is an OAuth 2 client (doc/identities.md) says "
        "itself what its tokens are for.",
    .example = "gatepost token --audience https://orders-abc123-uc.a.run.app\n"
               "gatepost token --scope https://www.googleapis.com/auth/cloud-platform\n"
               "gatepost token --access --audience https://pubsub.googleapis.com/\n"
               "gatepost token --identity okta\n"
               "gatepost token --local --identity stranger --audience https://wrong.example",
    .tables = tables,
};

const verb verb_token = {.spec = &spec, .group = VERB_REACH, .run = run_token};
