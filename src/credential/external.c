// SPDX-License-Identifier: Apache-2.0
// The exchange of a foreign token at Google's STS (google-identity.md §2).
#include "credential/external.h"

enum { SUBJECT_BYTES_MAX = 32 << 10 };

// The subject token in a text or in the member of a JSON object. CRED_SUBJECT.
static code subject_read(exchange *x, str text, err *e)
{
    const external *ext = x->caller->external;
    json *root;
    if (!ext->as_json) {
        x->subject = str_trim(text);
    } else if (json_parse(&x->mem, text, NULL, &root, e) || json_want(root, JSON_OBJECT, e) ||
               json_get_str(root, arena_cstr(&x->mem, ext->field), &x->subject, e)) {
        return err_wrap(e, STR_FMT, STR_ARG(ext->place));
    }
    if (x->subject.len)
        return OK;
    (void)err_set(e, CRED_SUBJECT, STR_FMT " holds no token", STR_ARG(ext->place));
    return err_hint(e, "is the program running that writes it?");
}

// ---- the subject token
// ----------------------------------------------------------------------------

static code read_subject_file(exchange *x, err *e)
{
    str text;
    const char *path = arena_cstr(&x->mem, x->caller->external->place);
    if (file_read(&x->mem, path, SUBJECT_BYTES_MAX, &text, e))
        return err_hint(e, "it should hold the token to exchange; the program or the platform that "
                           "writes it isn't there, or it is called otherwise");
    return subject_read(x, text, e);
}

// A metadata server's answer comes from the link; any other by the way of the cloud's.
static void ask_subject_url(exchange *x, fetch_request *req)
{
    const external *ext = x->caller->external;
    bool plain = str_istarts(ext->place, STR("http:"));
    x->client = plain ? CLIENT_METADATA : CLIENT_CLOUD;
    req->url = ext->place;
    req->headers = ext->headers;
    req->header_count = ext->header_count;
}

static code ask_subject(exchange *x, fetch_request *req, err *e)
{
    switch (x->caller->external->kind) {
    case SUBJECT_FILE:
        return read_subject_file(x, e);
    case SUBJECT_URL:
        ask_subject_url(x, req);
        return OK;
    case SUBJECT_PROGRAM:
        return program_ask(x, e);
    case SUBJECT_AWS:
        return aws_ask(x, req, e);
    default:
        return certificate_subject(x, e);
    }
}

// ---- STS
// --------------------------------------------------------------------------------------------

static str sts_options(exchange *x)
{
    buf text;
    buf_init(&text, 4096);
    jout w = jout_new(&text, JSON_COMPACT);
    jout_object(&w, NULL);
    jout_str(&w, "userProject", x->caller->external->user_project);
    jout_end(&w);
    str copy = arena_str(&x->mem, buf_str(&text));
    buf_deinit(&text);
    return copy;
}

static code ask_sts(exchange *x, fetch_request *req, err *e)
{
    const caller *c = x->caller;
    const external *ext = c->external;
    form_field(&x->body, "grant_type", STR("urn:ietf:params:oauth:grant-type:token-exchange"));
    form_field(&x->body, "audience", ext->audience);
    form_field(&x->body, "scope", scope_of(x));
    form_field(&x->body, "requested_token_type",
               STR("urn:ietf:params:oauth:token-type:access_token"));
    form_field(&x->body, "subject_token", x->subject);
    form_field(&x->body, "subject_token_type", ext->token_type);
    if (ext->user_project.len && !c->client_id.len)
        form_field(&x->body, "options", sts_options(x));
    if (form_post(x, req, e))
        return CRED_FILE;
    if (c->client_id.len && c->client_secret)
        form_basic(x, req);
    req->tls.cert_file = ext->cert_file;
    req->tls.key_file = ext->key_file;
    return OK;
}

static code ask(exchange *x, fetch_request *req, err *e)
{
    if (!x->subject.len) {
        if (ask_subject(x, req, e)) {
            if (e)
                e->code = CRED_SUBJECT;
            (void)err_wrap(e, "the subject token");
            return CRED_SUBJECT;
        }
        if (!x->subject.len)
            return OK; // something is under way
    }
    return ask_sts(x, req, e);
}

static code read_answer(exchange *x, str body, minted *ret, bool *ret_again, err *e)
{
    if (x->subject.len)
        return answer_token(x, body, ret, ret_again, e);
    *ret_again = true;
    code failed = x->aws ? aws_read(x, body, e) : subject_read(x, body, e);
    if (failed && e)
        e->code = CRED_SUBJECT;
    return failed ? CRED_SUBJECT : OK;
}

static code refused(exchange *x, const fetch_response *res, err *e)
{
    if (x->subject.len)
        return answer_refused(x, res, e);
    (void)err_set(e, CRED_SUBJECT, "the subject token: " STR_FMT " answered %d",
                  STR_ARG(x->caller->external->place), res->status);
    return err_hint(e, "nothing was sent to Google; is this the machine, or the job, that the "
                       "credential file was made for?");
}

const source source_external = {CLIENT_CLOUD, ask, read_answer, refused};

// ---- external_account_authorized_user: a workforce sign-in
// -----------------------------------------

static code ask_user(exchange *x, fetch_request *req, err *e)
{
    form_field(&x->body, "grant_type", STR("refresh_token"));
    form_field(&x->body, "refresh_token", secret_str(x->caller->refresh_token));
    if (x->scope.len)
        form_field(&x->body, "scope", x->scope);
    if (form_post(x, req, e))
        return CRED_FILE;
    form_basic(x, req);
    return OK;
}

// STS may give another refresh token, and the one before is then of no use any more.
static code read_user(exchange *x, str body, minted *ret, bool *ret_again, err *e)
{
    json *root;
    str next = STR_NONE;
    code failed = answer_token(x, body, ret, ret_again, e);
    if (!failed && !answer_parse(x, body, &root, NULL) &&
        !json_opt_str(root, "refresh_token", &next, NULL) && next.len) {
        secret_free(x->caller->refresh_token);
        x->caller->refresh_token = secret_new(next);
    }
    return failed;
}

const source source_external_user = {CLIENT_CLOUD, ask_user, read_user, answer_refused};
