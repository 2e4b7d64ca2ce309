// SPDX-License-Identifier: Apache-2.0
// A program as source of the subject token ("executable"), which runs only where the person allowed
// it, and the file in which it keeps its answer.
#include <string.h>
#include <unistd.h>

#include "credential/external.h"
#include "oidc/oidc.h"

enum { ANSWER_BYTES_MAX = 64 << 10, VERSION_MAX = 1, ENV_OWN = 6 };

static const char allow_variable[] = "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES";

// ---- the answer
// -----------------------------------------------------------------------------------

static code told_failure(exchange *x, const json *root, err *e)
{
    str reason = json_str_or(json_get(root, "code"), STR("no code"));
    str text = json_str_or(json_get(root, "message"), STR("no message"));
    return err_set(e, CRED_SUBJECT, STR_FMT " has no token: " STR_FMT " (" STR_FMT ")",
                   STR_ARG(x->caller->external->place), STR_ARG(oidc_quoted(text, &x->mem)),
                   STR_ARG(oidc_quoted(reason, &x->mem)));
}

// The member that holds a token of this type. NULL for one that isn't known.
static const char *member_of(str type)
{
    static const struct {
        const char *type, *key;
    } types[] = {
        {"urn:ietf:params:oauth:token-type:id_token", "id_token"},
        {"urn:ietf:params:oauth:token-type:jwt", "id_token"},
        {"urn:ietf:params:oauth:token-type:saml2", "saml_response"},
    };
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_eq(type, str_from(types[i].type)))
            return types[i].key;
    return NULL;
}

static code check_success(exchange *x, const json *root, err *e)
{
    int64_t version;
    bool success;
    if (json_want(root, JSON_OBJECT, e) || json_get_i64(root, "version", &version, e) ||
        json_get_bool(root, "success", &success, e))
        return CRED_SUBJECT;
    if (version < 1 || version > VERSION_MAX)
        return err_set(e, CRED_SUBJECT, "its answer has version %lld; 1 is understood",
                       (long long)version);
    return success ? OK : told_failure(x, root, e);
}

// *ret_expired is set, and no error, for an answer that was good once.
static code read_answer(exchange *x, str text, bool *ret_expired, err *e)
{
    json *root;
    int64_t expires_s = 0;
    str type, token;
    if (json_parse(&x->mem, text, NULL, &root, e) || check_success(x, root, e) ||
        json_get_str(root, "token_type", &type, e) ||
        json_opt_i64(root, "expiration_time", &expires_s, e))
        return CRED_SUBJECT;
    const char *key = member_of(type);
    if (!key)
        return err_set(e, CRED_SUBJECT, "the token_type '" STR_FMT "' isn't known", STR_ARG(type));
    if (json_get_str(root, key, &token, e))
        return CRED_SUBJECT;
    if (!expires_s && x->caller->external->output_file)
        return err_set(e, CRED_SUBJECT,
                       "its answer has no expiration_time, which output_file makes necessary");
    *ret_expired = expires_s && expires_s <= clock_wall_s();
    x->subject = *ret_expired ? STR_NONE : token;
    return OK;
}

static void on_end(void *ctx, const child_result *r)
{
    exchange *x = ctx;
    const char *program = x->caller->external->place.ptr;
    err e = ERR_INIT;
    bool expired = false;
    code failed = OK;
    if (r->timed_out)
        failed = err_set(&e, CRED_SUBJECT, "it didn't end within %llu ms",
                         (unsigned long long)x->caller->external->timeout_ms);
    else if (r->status != 0 && !str_trim(r->out).len)
        failed = err_set(&e, CRED_SUBJECT, "it ended with status %d: " STR_FMT, r->status,
                         STR_ARG(oidc_quoted(str_trim(r->errors), &x->mem)));
    else
        failed = read_answer(x, r->out, &expired, &e);
    if (!failed && expired)
        failed = err_set(&e, CRED_SUBJECT, "the token that it gave has expired already");
    if (failed) {
        e.code = CRED_SUBJECT;
        (void)err_wrap(&e, "%s", program);
        exchange_finish(x, NULL, &e);
        return;
    }
    exchange_ask(x);
}

// ---- running it
// -----------------------------------------------------------------------------------

// Ours, and what Google's contract adds to it.
static const char *const *environment(exchange *x)
{
    const caller *c = x->caller;
    const external *ext = c->external;
    arena *a = &x->mem;
    size_t count = 0, n = 0;
    while (environ[count])
        count++;
    const char **env = arena_array(a, count + ENV_OWN, sizeof(*env));
    for (size_t i = 0; i < count; i++)
        if (strncmp(environ[i], "GOOGLE_EXTERNAL_ACCOUNT_", 24) != 0)
            env[n++] = environ[i];
    env[n++] =
        arena_printf(a, "GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE=" STR_FMT, STR_ARG(ext->audience)).ptr;
    env[n++] =
        arena_printf(a, "GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE=" STR_FMT, STR_ARG(ext->token_type))
            .ptr;
    env[n++] = "GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE=0";
    if (c->inner.len)
        env[n++] = arena_printf(a, "GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL=" STR_FMT,
                                STR_ARG(c->inner))
                       .ptr;
    if (ext->output_file)
        env[n++] = arena_printf(a, "GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE=%s", ext->output_file).ptr;
    return env;
}

// What an earlier run left. A file that can't be read, or that holds no good answer any more, is
// the program's to replace.
static void use_output_file(exchange *x)
{
    str text;
    bool expired;
    const char *path = x->caller->external->output_file;
    if (path && access(path, R_OK) == 0 &&
        file_read(&x->mem, path, ANSWER_BYTES_MAX, &text, NULL) == OK)
        (void)read_answer(x, text, &expired, NULL);
}

code program_ask(exchange *x, err *e)
{
    const external *ext = x->caller->external;
    const char *allowed = option_env(provider_options(x->provider), allow_variable);
    if (!allowed || strcmp(allowed, "1") != 0) {
        (void)err_set(e, CRED_SUBJECT, STR_FMT " would have to be run to get a token",
                      STR_ARG(ext->place));
        return err_hint(e, "if you know the program and " STR_FMT ": %s=1",
                        STR_ARG(x->caller->who.place), allow_variable);
    }
    use_output_file(x);
    if (x->subject.len)
        return OK;
    child_options o = {.argv = ext->argv,
                       .env = environment(x),
                       .timeout_ms = ext->timeout_ms,
                       .on_end = on_end,
                       .ctx = x};
    return child_start(provider_loop(x->provider), &o, &x->child, e) ? CRED_SUBJECT : OK;
}
