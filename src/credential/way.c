// SPDX-License-Identifier: Apache-2.0
// How a credential becomes a token, step by step, for `gatepost whoami`.
#include "credential/external.h"
#include "credential/oauth.h"

typedef struct way way;
struct way {
    arena *a;
    VEC(str) steps;
};

static void add(way *w, const char *fmt, ...) ATTR_PRINTF(2, 3);
static void add(way *w, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    str text = arena_vprintf(w->a, fmt, ap);
    va_end(ap);
    vec_push(&w->steps, text);
}

static void add_subject(way *w, const external *x)
{
    switch (x->kind) {
    case SUBJECT_FILE:
        add(w, "the foreign token is read from the file " STR_FMT, STR_ARG(x->place));
        break;
    case SUBJECT_URL:
        add(w, "the foreign token is fetched from " STR_FMT, STR_ARG(x->place));
        break;
    case SUBJECT_PROGRAM:
        add(w,
            "the foreign token is asked from the program " STR_FMT
            ", if GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1%s%s",
            STR_ARG(x->place), x->output_file ? "; what it gave before is in " : "",
            x->output_file ? x->output_file : "");
        break;
    case SUBJECT_AWS:
        add(w, "a request to " STR_FMT " is signed with the AWS keys of " STR_FMT,
            STR_ARG(x->aws.verification_url), STR_ARG(x->place));
        break;
    case SUBJECT_CERTIFICATE:
        add(w, "the certificate %s is shown by mutual TLS", x->cert_file);
        break;
    }
    if (x->as_json)
        add(w, "of that JSON, the member '" STR_FMT "' is taken", STR_ARG(x->field));
}

static void add_client(way *w, const oauth *o)
{
    const project_oauth *p = o->config;
    if (p->issuer.len)
        add(w, "the endpoints are read from " STR_FMT "/.well-known/openid-configuration",
            STR_ARG(p->issuer));
    if (project_grant_is_login(p->grant))
        add(w,
            "whoever signed in (gatepost login " STR_FMT
            ") has a refresh token in the keyring, and "
            "it gives the token",
            STR_ARG(o->name));
    else if (p->subject.identity.len)
        add(w, "a token of the identity " STR_FMT " is made first", STR_ARG(p->subject.identity));
    else if (p->subject.file || p->subject.env)
        add(w, "what is exchanged is read from %s",
            p->subject.file ? p->subject.file : p->subject.env);
    add(w, "the client " STR_FMT " proves itself by %s, and asks by %s for the %s",
        STR_ARG(p->client_id), project_client_auth_name(p->client_auth),
        project_grant_name(p->grant), p->id_token ? "ID token" : "access token");
}

static void add_source(way *w, const caller *c)
{
    switch (c->who.source) {
    case CREDENTIAL_SERVICE_ACCOUNT:
        add(w,
            "an assertion signed with the key goes to " STR_FMT
            "; for one API (--access --audience URL) it is the access token itself",
            STR_ARG(c->token_uri));
        break;
    case CREDENTIAL_USER:
    case CREDENTIAL_EXTERNAL_USER:
        add(w, "the refresh token goes to " STR_FMT, STR_ARG(c->token_uri));
        break;
    case CREDENTIAL_GCLOUD:
        add(w, "gcloud is asked: gcloud auth print-identity-token " STR_FMT, STR_ARG(c->account));
        break;
    case CREDENTIAL_METADATA:
        add(w, "the metadata server at " STR_FMT " is asked for its default account",
            STR_ARG(c->metadata_host));
        break;
    case CREDENTIAL_EXTERNAL:
        add_subject(w, c->external);
        add(w, "it goes to " STR_FMT " for the provider " STR_FMT, STR_ARG(c->token_uri),
            STR_ARG(c->external->audience));
        break;
    case CREDENTIAL_OAUTH:
        add_client(w, c->oauth);
        break;
    case CREDENTIAL_TOKEN:
        add(w, "the token is read from the file");
        break;
    case CREDENTIAL_NONE:
        break;
    }
}

void caller_explain(caller *c, arena *a)
{
    way w = {.a = a};
    add_source(&w, c);
    for (unsigned stage = 1; stage <= caller_stages(c); stage++) {
        size_t count;
        const str *targets = caller_targets(c, stage, &count);
        for (size_t i = 0; i + 1 < count; i++)
            add(&w, "on behalf of the delegate " STR_FMT, STR_ARG(targets[i]));
        add(&w, "with that token, IAM credentials are asked to speak for " STR_FMT,
            STR_ARG(targets[count - 1]));
    }
    str *steps = arena_array(a, w.steps.len, sizeof(*steps));
    for (size_t i = 0; i < w.steps.len; i++)
        steps[i] = w.steps.ptr[i];
    c->who.way = steps;
    c->who.way_count = w.steps.len;
    vec_deinit(&w.steps);
}
