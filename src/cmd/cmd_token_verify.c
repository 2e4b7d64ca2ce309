// SPDX-License-Identifier: Apache-2.0
// `gatepost token verify`: is this token good, and if not, what is wrong with it?
#include "cmd/verbs.h"
#include "home/home.h"
#include "net/net.h"
#include "oidc/oidc.h"

enum { DEADLINE_MS = 120000 };

typedef struct check check;
struct check {
    cmd_call *call;
    arena arena;
    oidc_report asked;
    err *e;
    code code;
    bool done;
};

static void on_done(void *ctx, code c, str text, const err *e)
{
    check *k = ctx;
    fwrite(text.ptr ? text.ptr : "", 1, text.len, k->call->out);
    if (text.len) { // the report tells what is wrong, and the fix
        k->call->status = code_exit(c);
        c = OK;
    }
    if (c != OK && e)
        *k->e = *e;
    k->code = c;
    k->done = true;
}

// The argument, or standard input; a leading "Bearer " may stay.
static code read_token(check *k)
{
    const str_list *args = option_args(k->call->options);
    str token = args->len ? args->ptr[0] : STR("-");
    code c =
        str_eq(token, STR("-")) ? file_read(&k->arena, "-", JWT_BYTES_MAX + 64, &token, k->e) : OK;
    if (c)
        return err_hint(k->e, "give one token, and nothing else");
    token = str_trim(token);
    k->asked.token = str_istarts(token, STR("bearer ")) ? str_trim(str_skip(token, 7)) : token;
    return c;
}

static code use_local_issuer(check *k)
{
    const home_address *up;
    code c = address_read(&k->arena, &up, k->e);
    if (c != OK)
        return c;
    if (!up) {
        err_set(k->e, HOME_ABSENT, "--local: no 'gatepost up' of yours is running");
        err_hint(k->e, "start one: gatepost up FOLDER");
        return HOME_ABSENT;
    }
    k->asked.issuer = up->issuer;
    k->asked.jwks_url = up->jwks;
    return OK;
}

static code read_issuer(check *k)
{
    const option_values *o = k->call->options;
    k->asked.issuer = option_text(o, "issuer");
    k->asked.jwks_url = option_text(o, "jwks");
    k->asked.audience = option_text(o, "audience");
    k->asked.as_json = str_eq(option_text(o, "format"), STR("json"));
    if (option_flag(o, "local"))
        return use_local_issuer(k);
    if (k->asked.issuer.len) {
        const home_address *up = NULL;
        k->asked.try_local =
            address_read(&k->arena, &up, NULL) == OK && up && str_eq(up->issuer, k->asked.issuer);
        return OK;
    }
    err_set(k->e, OPTION_ARGS, "whose token should it be?");
    err_hint(k->e, "give --issuer URL, or --local for a token of the running 'gatepost up'");
    return OPTION_ARGS;
}

static code run_verify(cmd_call *call, err *e)
{
    check k = {.call = call, .e = e};
    arena_init(&k.arena);
    code c = read_issuer(&k);
    if (c == OK)
        c = read_token(&k);
    if (c == OK) {
        loop *l = loop_new();
        oidc_command_verify(l, &k.asked, on_done, &k);
        (void)loop_run_until(l, &k.done, DEADLINE_MS); // its fetches have limits of their own
        loop_free(l);
        c = k.code;
    }
    arena_deinit(&k.arena);
    return c;
}

static const option_row rows[] = {
    {.name = "issuer",
     .kind = OPTION_TEXT,
     .value = "URL",
     .help = "Who must have issued it, exactly as in the token's 'iss'"},
    {.name = "audience",
     .kind = OPTION_TEXT,
     .value = "AUDIENCE",
     .help = "Whom it must be for; without it any audience is good"},
    {.name = "jwks",
     .kind = OPTION_TEXT,
     .value = "URL",
     .help = "Where the issuer's keys are; otherwise its discovery document says so"},
    {.name = "local",
     .kind = OPTION_FLAG,
     .help = "Issuer and keys are those of the running 'gatepost up'"},
    {.name = "format",
     .kind = OPTION_CHOICE,
     .choices = "text|json",
     .def = "text",
     .help = "How to write the report"},
    {0},
};
static const option_row *const tables[] = {rows, cmd_common, NULL};

static const command_spec spec = {
    .name = "token verify",
    .args = "[TOKEN|-]",
    .args_max = 1,
    .summary = "Check a token and tell what is wrong with it",
    .about =
        "Fetches the issuer's keys and checks signature, issuer, audience and times, each on its "
        "own. The token comes from standard input, so that it isn't seen in the list of processes, "
        "or stands on the command line. The report shows its claims, never the token.\n\n"
        "Ends with 0 when the token is good, with 1 when it isn't, with 5 when the keys can't be "
        "fetched.",
    .example =
        "gatepost token --local --audience $URL | gatepost token verify --local --audience $URL\n"
        "pbpaste | gatepost token verify --issuer https://accounts.google.com --audience $URL",
    .tables = tables,
};

const verb verb_token_verify = {.spec = &spec, .group = VERB_REACH, .run = run_verify};
