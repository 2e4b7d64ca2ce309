// SPDX-License-Identifier: Apache-2.0
#include "cmd/identity.h"
#include "cmd/verbs.h"
#include "doctor/doctor.h"
#include "jose/jose.h"
#include "net/net.h"

enum { PAGE_BYTES_MAX = 1 << 20, DEADLINE_MS = 120000 };

typedef struct visit visit;
struct visit {
    cmd_call *call;
    err *e;
    code code;
    bool done;
};

static void on_done(void *ctx, const doctor_report *r, const err *e)
{
    visit *v = ctx;
    v->done = true;
    if (e) {
        *v->e = *e;
        v->code = e->code;
        return;
    }
    buf page;
    buf_init(&page, PAGE_BYTES_MAX);
    if (str_eq(option_text(v->call->options, "format"), STR("json")))
        doctor_json(r, &page);
    else
        doctor_text(r, &page);
    fwrite(buf_cstr(&page), 1, page.len, v->call->out);
    buf_deinit(&page);
    v->call->status = r->healthy ? EXIT_OK : EXIT_FAILED;
}

// A header carries a token that is visible ASCII in one piece.
static code check_token(str text, str token, const char *path, err *e)
{
    uint32_t line = 1, col = 1;
    for (const char *p = text.ptr; p < token.ptr; p++, col++)
        if (*p == '\n') {
            line++;
            col = 0;
        }
    for (size_t i = 0; i < token.len; i++, col++) {
        unsigned char c = (unsigned char)token.ptr[i];
        if (c > ' ' && c < 0x7f)
            continue;
        (void)err_set(e, DATA_SYNTAX, "the byte 0x%02x can't be part of a token", c);
        (void)err_at(e, path, line, col);
        return err_hint(e, "give one token, and nothing else");
    }
    if (token.len)
        return OK;
    (void)err_set(e, DATA_SYNTAX, "there is no token");
    (void)err_at(e, path, line, col);
    return err_hint(e, "gatepost token --audience URL prints one");
}

// The token of a file or of standard input; a leading "Bearer " may stay.
static code read_token(const option_values *o, arena *a, str *ret_token, err *e)
{
    const char *path = option_cstr(o, "token");
    str text;
    if (!path)
        return OK;
    code c = file_read(a, path, JWT_BYTES_MAX + 64, &text, e);
    if (c != OK)
        return c;
    *ret_token = str_trim(text);
    if (str_istarts(*ret_token, STR("bearer ")))
        *ret_token = str_trim(str_skip(*ret_token, 7));
    return check_token(text, *ret_token, str_eq(str_from(path), STR("-")) ? "standard input" : path,
                       e);
}

static code examine(visit *v, loop *l, identity_setup *s)
{
    const option_values *o = v->call->options;
    doctor_options options = {
        .url = option_args(o)->ptr[0],
        .trust = s->trust,
        .credentials = s->credentials,
        .up = s->up,
        .local = option_flag(o, "local"),
        .identity = option_text(o, "identity"),
        .identities = s->identities.ptr,
        .identity_count = s->identities.len,
        .audience = option_text(o, "audiences"),
    };
    code c = read_token(o, &s->arena, &options.token, v->e);
    if (c != OK)
        return c;
    doctor *d = doctor_start(l, &options, on_done, v);
    loop_run_until(l, &v->done, DEADLINE_MS);
    doctor_free(d);
    return v->code;
}

// Without a URL the token is foreign: what would the project's pools make of it?
static code examine_foreign(visit *v, loop *l, identity_setup *s)
{
    const option_values *o = v->call->options;
    bool accepted = false;
    buf page;
    doctor_foreign d = {
        .loop = l, .project = s->project, .as_json = str_eq(option_text(o, "format"), STR("json"))};
    if (!option_cstr(o, "token")) {
        (void)err_set(v->e, OPTION_ARGS, "the URL is missing");
        return err_hint(v->e, "name the service's URL, or a foreign token with --token FILE");
    }
    code c = read_token(o, &s->arena, &d.token, v->e);
    buf_init(&page, PAGE_BYTES_MAX);
    if (c == OK)
        c = doctor_foreign_token(&d, &page, &accepted, v->e);
    if (c == OK) {
        fwrite(buf_cstr(&page), 1, page.len, v->call->out);
        v->call->status = accepted ? EXIT_OK : EXIT_FAILED;
    }
    buf_deinit(&page);
    return c;
}

static code run_doctor(cmd_call *call, err *e)
{
    visit v = {.call = call, .e = e};
    identity_setup s;
    loop *l = loop_new();
    code c = identity_open(&s, l, call->options, NULL, e);
    if (c == OK)
        c = option_args(call->options)->len ? examine(&v, l, &s) : examine_foreign(&v, l, &s);
    identity_close(&s);
    loop_free(l);
    return c;
}

static const option_row rows[] = {
    {.name = "token",
     .kind = OPTION_TEXT,
     .value = "FILE",
     .help = "Judge the bearer token in this file ('-': standard input) instead of minting one; "
             "without a URL: by the project's workload identity pools"},
    {.name = "format",
     .kind = OPTION_CHOICE,
     .choices = "text|json",
     .def = "text",
     .help = "How to write the findings"},
    {0},
};
static const option_row *const tables[] = {rows, cmd_identity, cmd_common, NULL};

static const command_spec spec = {
    .name = "doctor",
    .args = "[URL]",
    .args_min = 0,
    .args_max = 1,
    .summary = "Explain a 401, 403 or 404 of a service and name the fix",
    .about =
        "Calls the URL (GET) without and, where it is trusted, with identity, and explains the "
        "answer: which audience was sent and which is expected, who called, which binding is "
        "missing, whether a clock is wrong. Of a service of the running 'gatepost up' it also "
        "tells what the trail says.\n\n"
        "With --token and no URL it tells what each provider under workload_identity_pools in "
        "gatepost.yaml makes of a foreign token: the principal and the accounts that it may act "
        "for, or why it is refused.\n\n"
        "Ends with 0 when the call works or a provider accepts the token, with 1 when it is "
        "refused "
        "or fails.",
    .example = "gatepost doctor https://orders-abc123-uc.a.run.app/orders\n"
               "pbpaste | gatepost doctor --token - https://orders-abc123-uc.a.run.app/\n"
               "gatepost doctor --token github.jwt",
    .tables = tables,
};

const verb verb_doctor = {.spec = &spec, .group = VERB_REACH, .run = run_doctor};
