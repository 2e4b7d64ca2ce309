// SPDX-License-Identifier: Apache-2.0
// `gatepost token verify`: one token, one issuer, one report.
#include "net/net.h"
#include "oidc/report.h"

#define GOOGLE STR("https://accounts.google.com")

typedef struct command command;
struct command {
    arena mem;
    oidc_report asked;
    oidc *issuers;
    task begin;
    void (*on_done)(void *ctx, code c, str text, const err *e);
    void *ctx;
};

static void finish(command *cmd, code c, str text, const err *e)
{
    cmd->on_done(cmd->ctx, c, text, c ? e : NULL);
    oidc_free(cmd->issuers);
    arena_deinit(&cmd->mem);
    free(cmd);
}

static void tell(command *cmd, report *r)
{
    err e = ERR_INIT;
    buf out;
    buf_init(&out, 256 << 10);
    code c = report_make(r, &e);
    if (cmd->asked.as_json)
        report_json(r, &out);
    else
        report_text(r, &out);
    finish(cmd, c, buf_str(&out), &e);
    buf_deinit(&out);
}

static void check(void *ctx)
{
    command *cmd = ctx;
    err e = ERR_INIT;
    oidc_identity who;
    code verified;
    report r = {.asked = &cmd->asked, .who = &who, .mem = &cmd->mem, .now_s = clock_wall_s()};
    const oidc_query q = {.token = cmd->asked.token, .now_s = r.now_s};
    if (oidc_verify(cmd->issuers, &q, &cmd->mem, &who, &verified, &e) == OIDC_WAIT) {
        oidc_wait_keys(cmd->issuers, who.token.issuer, check, cmd);
        return;
    }
    jwt again;
    r.parsed = jwt_parse(cmd->asked.token, &cmd->mem, &again, NULL) == OK;
    r.issuer_known = oidc_knows(cmd->issuers, who.token.issuer);
    r.verified = verified;
    r.why = &e;
    tell(cmd, &r);
}

static void begin(void *ctx)
{
    static const str all[] = {{"*", 1}};
    command *cmd = ctx;
    err e = ERR_INIT;
    const oidc_issuer i = {.issuer = cmd->asked.issuer,
                           .kind = str_eq(cmd->asked.issuer, GOOGLE) ? OIDC_GOOGLE : OIDC_OTHER,
                           .domains = all,
                           .domain_count = 1,
                           .jwks_url = cmd->asked.jwks_url};
    if (oidc_add(cmd->issuers, &i, &e))
        finish(cmd, e.code, STR_NONE, &e);
    else
        check(cmd);
}

void oidc_command_verify(loop *l, const oidc_report *asked,
                         void (*on_done)(void *ctx, code c, str text, const err *e), void *ctx)
{
    // A person named these addresses: they may be on this machine or in this network.
    static const oidc_options options = {.loopback = true, .private_network = true, .quiet = true};
    command *cmd = NEW(command);
    arena_init(&cmd->mem);
    cmd->asked = (oidc_report){.token = arena_str(&cmd->mem, asked->token),
                               .issuer = arena_str(&cmd->mem, asked->issuer),
                               .audience = arena_str(&cmd->mem, asked->audience),
                               .jwks_url = arena_str(&cmd->mem, asked->jwks_url),
                               .try_local = asked->try_local,
                               .as_json = asked->as_json};
    cmd->issuers = oidc_new(l, &options);
    cmd->on_done = on_done;
    cmd->ctx = ctx;
    cmd->begin = (task){.run = begin, .ctx = cmd};
    task_post(l, &cmd->begin);
}
