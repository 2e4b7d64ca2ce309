// SPDX-License-Identifier: Apache-2.0
// `gatepost whoami`: which credential would be used, where it was found, and what it can do. Asks
// no server and mints nothing.
#include "cmd/identity.h"
#include "cmd/verbs.h"
#include "net/net.h"

enum { PAGE_BYTES_MAX = 1 << 20 };

// What a credential gives; NULL: nothing.
typedef struct powers powers;
struct powers {
    const char *id_token;
    const char *access_token;
};

static powers powers_of(const credential_who *who)
{
    if (who->source == CREDENTIAL_NONE)
        return (powers){0};
    if (who->source == CREDENTIAL_TOKEN && !who->impersonated)
        return (powers){NULL, "the one in the file, as long as it is valid"};
    if (who->source == CREDENTIAL_OAUTH && !who->impersonated)
        return (powers){"the issuer's, for the client, where the identity says token: id",
                        "the issuer's, for the identity's scope and audience"};
    bool external = who->source == CREDENTIAL_EXTERNAL || who->source == CREDENTIAL_EXTERNAL_USER;
    if (external && !who->impersonated)
        return (powers){NULL, "for any scope that the pool's principal was granted"};
    if (who->user)
        return (powers){"with its client as audience, so not bound to one service",
                        "for the scopes that were consented to"};
    return (powers){"for any audience", "for any scope"};
}

// ---- JSON ---------------------------------------------------------------------------------------

static void put_optional(jout *w, const char *key, const char *value)
{
    if (value)
        jout_str(w, key, str_from(value));
    else
        jout_null(w, key);
}

static void write_json(const identity_setup *s, const credential_who *who, code failed, buf *out)
{
    powers p = powers_of(who);
    jout w = jout_new(out, JSON_PRETTY);
    jout_object(&w, NULL);
    jout_bool(&w, "found", failed == OK);
    if (failed == OK) {
        jout_str(&w, "principal", who->principal);
        jout_str(&w, "source", str_from(credential_source_name(who->source)));
        jout_str(&w, "place", who->place);
        jout_str(&w, "project", who->project);
        jout_bool(&w, "user", who->user);
        jout_bool(&w, "local", who->local);
        jout_bool(&w, "impersonated", who->impersonated);
        jout_array(&w, "way");
        for (size_t i = 0; i < who->way_count; i++)
            jout_str(&w, NULL, who->way[i]);
        jout_end(&w);
        put_optional(&w, "warning", who->warning);
        jout_object(&w, "mints");
        put_optional(&w, "id_token", p.id_token);
        put_optional(&w, "access_token", p.access_token);
        jout_end(&w);
    }
    jout_array(&w, "steps");
    for (size_t i = 0; i < who->step_count; i++) {
        jout_object(&w, NULL);
        jout_str(&w, "what", who->steps[i].what);
        jout_str(&w, "detail", who->steps[i].detail);
        jout_bool(&w, "found", who->steps[i].found);
        jout_end(&w);
    }
    jout_end(&w);
    jout_array(&w, "notes");
    VEC_FOREACH (&s->notes, note)
        jout_str(&w, NULL, *note);
    jout_end(&w);
    jout_end(&w);
    buf_addc(out, '\n');
}

// ---- Text ---------------------------------------------------------------------------------------

static void write_steps(const credential_who *who, buf *out)
{
    int width = 0;
    for (size_t i = 0; i < who->step_count; i++)
        width = (int)who->steps[i].what.len > width ? (int)who->steps[i].what.len : width;
    for (size_t i = 0; i < who->step_count; i++) {
        const credential_step *step = &who->steps[i];
        buf_addf(out, "%c %-*.*s  ", step->found ? '>' : ' ', width, (int)step->what.len,
                 step->what.ptr);
        buf_add_shown(out, step->detail);
        buf_addc(out, '\n');
    }
}

static void write_line(buf *out, const char *name, str value)
{
    if (!value.len)
        return;
    buf_addf(out, "%-16s", name);
    buf_add_shown(out, value);
    buf_addc(out, '\n');
}

static void write_text(const identity_setup *s, const credential_who *who, code failed, buf *out)
{
    powers p = powers_of(who);
    write_steps(who, out);
    if (failed == OK) {
        buf_addc(out, '\n');
        write_line(out, "principal",
                   who->principal.len ? who->principal : STR("(only the source knows)"));
        write_line(out, "source", str_from(credential_source_name(who->source)));
        write_line(out, "place", who->place);
        write_line(out, "project", who->project);
        for (size_t i = 0; i < who->way_count; i++)
            write_line(out, i ? "" : "way to a token", who->way[i]);
        write_line(out, "ID tokens", p.id_token ? str_from(p.id_token) : STR("none"));
        write_line(out, "access tokens", p.access_token ? str_from(p.access_token) : STR("none"));
        write_line(out, "local",
                   who->local ? STR("an account of the running 'gatepost up'") : STR_NONE);
        write_line(out, "warning", str_from(who->warning));
    }
    VEC_FOREACH (&s->notes, note)
        write_line(out, "note", *note);
}

// The steps stand in the answer; the error needn't list them again.
static code shortened(const err *full, err *e)
{
    (void)err_set(e, CRED_NOT_FOUND, "no credential was found");
    return err_hint(e, "%s", full->hint);
}

static code show(cmd_call *call, const identity_setup *s, err *e)
{
    const option_values *o = call->options;
    const credential_who *who;
    bool local = option_flag(o, "local");
    str identity = option_text(o, "identity");
    if (local && !identity.len)
        identity = option_text(o, "account");
    err why = ERR_INIT;
    code c = credential_identify(s->credentials, identity, local, &who, &why);
    if (c == CRED_NOT_FOUND && who->step_count)
        (void)shortened(&why, e);
    else if (c != OK)
        *e = why;
    buf page;
    buf_init(&page, PAGE_BYTES_MAX);
    if (str_eq(option_text(o, "format"), STR("json")))
        write_json(s, who, c, &page);
    else
        write_text(s, who, c, &page);
    fwrite(buf_cstr(&page), 1, page.len, call->out);
    buf_deinit(&page);
    return c;
}

static code run_whoami(cmd_call *call, err *e)
{
    identity_setup s;
    loop *l = loop_new();
    code c = identity_open(&s, l, call->options, NULL, e);
    if (c == OK)
        c = show(call, &s, e);
    identity_close(&s);
    loop_free(l);
    return c;
}

static const option_row rows[] = {
    {.name = "format",
     .kind = OPTION_CHOICE,
     .choices = "text|json",
     .def = "text",
     .help = "How to write the answer"},
    {0},
};
static const option_row *const tables[] = {rows, cmd_identity, cmd_common, NULL};

static const command_spec spec = {
    .name = "whoami",
    .summary = "Show which credential would be used, and why",
    .about = "Looks where Google's own libraries and gcloud look, in their order, and tells each "
             "step. '>' marks where the search ended. No server is asked and no token is made.\n\n"
             "Ends with 4 when there is no credential.",
    .example = "gatepost whoami\n"
               "gatepost whoami --local --identity stranger --format json",
    .tables = tables,
};

const verb verb_whoami = {.spec = &spec, .group = VERB_REACH, .run = run_whoami};
