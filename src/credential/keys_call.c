// SPDX-License-Identifier: Apache-2.0
// Calls of the IAM API with a token of whoever may manage the keys.
#include "credential/keys.h"

enum {
    TOKEN_MS = 90000,
    CALL_MS = 30000,
    ATTEMPTS = 4,
    BACKOFF_MS = 1000,
    ANSWER_BYTES_MAX = 1 << 20,
};

static const char google_iam[] = "https://iam.googleapis.com";
static const char google_analyzer[] = "https://policyanalyzer.googleapis.com";

// ---- token --------------------------------------------------------------------------------------

typedef struct minting minting;
struct minting {
    credential_token *token;
    err *e;
    code code;
    bool done;
};

static void on_token(void *ctx, credential_token *token, const err *e)
{
    minting *m = ctx;
    m->done = true;
    if (e) {
        *m->e = *e;
        m->code = e->code;
    } else {
        m->token = credential_token_ref(token);
    }
}

static code mint(loop *l, credential_provider *p, const credential_want *w, credential_token **ret,
                 err *e)
{
    err mine = ERR_INIT;
    minting m = {.e = &mine};
    credential_wait *wait = credential_for(p, w, on_token, &m);
    if (!loop_run_until(l, &m.done, TOKEN_MS)) {
        credential_cancel(wait);
        return err_set(e, SYS_TIMEOUT, "there was no token within %d s", TOKEN_MS / 1000);
    }
    *ret = m.token;
    if (m.code && e)
        *e = mine;
    return m.code;
}

static void own_provider(project_identity *id, credential_options *o, const key_access *by,
                         const char *path, credential_provider **ret)
{
    *id = (project_identity){.name = STR("key"), .key = path};
    *o = (credential_options){.identities = id, .identity_count = 1, .up = by->up};
    *ret = credential_provider_new(by->loop, o);
}

code keys_prove(const key_access *by, const char *path, bool local, arena *a, err *e)
{
    project_identity id;
    credential_options o;
    credential_provider *p;
    credential_token *token = NULL;
    (void)a;
    own_provider(&id, &o, by, path, &p);
    const credential_want want = {.kind = CREDENTIAL_ID_TOKEN,
                                  .audience = STR("https://iam.googleapis.com/"),
                                  .identity = STR("key"),
                                  .local = local};
    code c = mint(by->loop, p, &want, &token, e);
    if (token)
        credential_token_unref(token);
    credential_provider_free(p);
    return c;
}

// ---- session ------------------------------------------------------------------------------------

void keys_open(keys_session *s, const key_access *by, const key_file *f, arena *mem)
{
    *s = (keys_session){.by = by, .file = f, .mem = mem};
    s->base = f->local ? arena_cstr(mem, by->up->iam_url) : google_iam;
    s->fetch = fetch_client_new(by->loop, (fetch_policy){.loopback = f->local});
    if (!by->provider)
        own_provider(&s->itself, &s->options, by, f->path, &s->own);
}

void keys_reopen(keys_session *s)
{
    if (!s->own)
        return;
    credential_provider_free(s->own);
    own_provider(&s->itself, &s->options, s->by, s->file->path, &s->own);
}

void keys_close(keys_session *s)
{
    credential_provider_free(s->own);
    fetch_client_free(s->fetch);
}

// ---- one call -----------------------------------------------------------------------------------

typedef struct asking asking;
struct asking {
    arena *mem;
    int status;
    str body;
    err failure;
    bool done;
};

static void on_answer(void *ctx, const fetch_response *res, const err *e)
{
    asking *q = ctx;
    q->done = true;
    q->status = res->status;
    if (e)
        q->failure = *e;
    else
        q->body = arena_str(q->mem, res->body);
}

static void ask(keys_session *s, const char *method, str url, str body, asking *q,
                const credential_token *token)
{
    const fetch_header headers[] = {{STR("Authorization"), credential_token_bearer(token)},
                                    {STR("Content-Type"), STR("application/json")}};
    const fetch_segment segment = FETCH_BYTES(body);
    const fetch_request req = {
        .method = str_from(method),
        .url = url,
        .headers = headers,
        .header_count = body.len ? 2 : 1,
        .body = &segment,
        .body_count = body.len > 0,
        .proxy.from_env = !s->file->local,
        .timeout_ms = CALL_MS,
        .body_bytes_max = ANSWER_BYTES_MAX,
        .on_done = on_answer,
        .ctx = q,
    };
    *q = (asking){.mem = s->mem};
    fetch_start(s->fetch, &req);
    loop_run_until(s->by->loop, &q->done, 2 * CALL_MS); // it has a time limit of its own
}

// What failed before it did anything, or can be asked twice.
static bool is_worth_repeating(const asking *q, const char *method)
{
    bool creates = strcmp(method, "POST") == 0;
    if (q->failure.code)
        return q->failure.code == FETCH_CONNECT || q->failure.code == FETCH_RESOLVE || !creates;
    return q->status == 429 || q->status == 503 ||
           (!creates && (q->status == 408 || q->status == 500 || q->status == 504));
}

static code refused(const keys_session *s, const asking *q, err *e)
{
    json *root = NULL;
    str text = STR_NONE;
    if (json_parse(s->mem, q->body, NULL, &root, NULL) == OK)
        text = json_str_or(json_get(json_get(root, "error"), "message"), STR_NONE);
    (void)err_set(e, KEYS_IAM, "IAM answered %d about the keys of " STR_FMT "%s" STR_FMT, q->status,
                  STR_ARG(s->file->email), text.len ? ": " : "", STR_ARG(text));
    if (q->status == 403 && s->file->local)
        return err_hint(e,
                        "give the account that asks the role roles/iam.serviceAccountKeyAdmin in "
                        "gatepost.yaml, and start gatepost up again");
    if (q->status == 403)
        return err_hint(e,
                        "gcloud iam service-accounts add-iam-policy-binding " STR_FMT
                        " --member=serviceAccount:" STR_FMT
                        " --role=roles/iam.serviceAccountKeyAdmin; or ask as somebody who may: "
                        "--identity, --impersonate-service-account",
                        STR_ARG(s->file->email), STR_ARG(s->file->email));
    return KEYS_IAM;
}

static code call_url(keys_session *s, const char *method, str url, str body, json **ret_answer,
                     err *e)
{
    asking q;
    credential_token *token = NULL;
    const bool never = false;
    const credential_want want = {.kind = CREDENTIAL_ACCESS_TOKEN,
                                  .identity = s->own ? STR("key") : s->by->identity,
                                  .local = s->file->local};
    code c = mint(s->by->loop, s->own ? s->own : s->by->provider, &want, &token, e);
    if (c)
        return c;
    for (int attempt = 0;; attempt++) {
        ask(s, method, url, body, &q, token);
        if (attempt + 1 == ATTEMPTS || !is_worth_repeating(&q, method))
            break;
        loop_run_until(s->by->loop, &never, BACKOFF_MS << attempt);
    }
    credential_token_unref(token);
    if (q.failure.code) {
        if (e)
            *e = q.failure;
        return err_wrap(e, "asking IAM");
    }
    if (q.status != 200)
        return refused(s, &q, e);
    if (ret_answer && json_parse(s->mem, q.body, NULL, ret_answer, e))
        return err_wrap(e, "the answer of IAM");
    return OK;
}

code keys_call(keys_session *s, const char *method, str path, str body, json **ret_answer, err *e)
{
    str url = arena_printf(s->mem, "%s/v1/projects/-/serviceAccounts/" STR_FMT STR_FMT, s->base,
                           STR_ARG(s->file->email), STR_ARG(path));
    return call_url(s, method, url, body, ret_answer, e);
}

code keys_usage(keys_session *s, str project, json **ret_answer, err *e)
{
    str url = arena_printf(s->mem,
                           "%s/v1/projects/" STR_FMT "/locations/global/activityTypes/"
                           "serviceAccountKeyLastAuthentication/activities:query?pageSize=1000",
                           s->file->local ? s->base : google_analyzer, STR_ARG(project));
    return call_url(s, "GET", url, STR_NONE, ret_answer, e);
}
