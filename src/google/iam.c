// SPDX-License-Identifier: Apache-2.0
// The IAM API as far as it is about accounts and their keys (google-identity.md §6).
#include "google/key_job.h"

enum { ANSWER_BYTES_MAX = 1 << 20, CERT_BYTES_MAX = 16 << 10 };

#define METHOD(variable, wanted, as_log, as_type, called)                                          \
    static const api_method variable = {                                                           \
        .permission = "iam." wanted,                                                               \
        .log = as_log,                                                                             \
        .permission_type = as_type,                                                                \
        .service = "iam.googleapis.com",                                                           \
        .name = "google.iam.admin.v1." called,                                                     \
    }
METHOD(list_accounts, "serviceAccounts.list", AUDIT_DATA_ACCESS, "ADMIN_READ",
       "ListServiceAccounts");
METHOD(get_account, "serviceAccounts.get", AUDIT_DATA_ACCESS, "ADMIN_READ", "GetServiceAccount");
METHOD(create_account, "serviceAccounts.create", AUDIT_ACTIVITY, "ADMIN_WRITE",
       "CreateServiceAccount");
METHOD(delete_account, "serviceAccounts.delete", AUDIT_ACTIVITY, "ADMIN_WRITE",
       "DeleteServiceAccount");
METHOD(disable_account, "serviceAccounts.disable", AUDIT_ACTIVITY, "ADMIN_WRITE",
       "DisableServiceAccount");
METHOD(enable_account, "serviceAccounts.enable", AUDIT_ACTIVITY, "ADMIN_WRITE",
       "EnableServiceAccount");
METHOD(list_keys, "serviceAccountKeys.list", AUDIT_DATA_ACCESS, "ADMIN_READ",
       "ListServiceAccountKeys");
METHOD(get_key, "serviceAccountKeys.get", AUDIT_DATA_ACCESS, "ADMIN_READ", "GetServiceAccountKey");
METHOD(create_key, "serviceAccountKeys.create", AUDIT_ACTIVITY, "ADMIN_WRITE",
       "CreateServiceAccountKey");
METHOD(upload_key, "serviceAccountKeys.create", AUDIT_ACTIVITY, "ADMIN_WRITE",
       "UploadServiceAccountKey");
METHOD(delete_key, "serviceAccountKeys.delete", AUDIT_ACTIVITY, "ADMIN_WRITE",
       "DeleteServiceAccountKey");
METHOD(disable_key, "serviceAccountKeys.disable", AUDIT_ACTIVITY, "ADMIN_WRITE",
       "DisableServiceAccountKey");
METHOD(enable_key, "serviceAccountKeys.enable", AUDIT_ACTIVITY, "ADMIN_WRITE",
       "EnableServiceAccountKey");

// ---- the texts

static void add_account(const google *g, const account *a, jout *w, const char *name)
{
    jout_object(w, name);
    jout_strf(w, "name", "projects/" STR_FMT "/serviceAccounts/" STR_FMT, STR_ARG(g->project_id),
              STR_ARG(a->email));
    jout_str(w, "projectId", g->project_id);
    jout_str(w, "uniqueId", a->unique_id);
    jout_str(w, "email", a->email);
    jout_str(w, "oauth2ClientId", a->unique_id);
    if (a->display_name.len)
        jout_str(w, "displayName", a->display_name);
    if (a->description.len)
        jout_str(w, "description", a->description);
    if (a->disabled)
        jout_bool(w, "disabled", true);
    jout_end(w);
}

static void add_time(jout *w, const char *name, int64_t s)
{
    char text[CLOCK_RFC3339_MAX];
    // Beyond what nanoseconds since 1970 can count there is only "never".
    if (s >= NEVER_S)
        snprintf(text, sizeof(text), "9999-12-31T23:59:59Z");
    else
        clock_rfc3339(s * 1000000000, text);
    jout_str(w, name, str_from(text));
}

// Leaves the object open.
static void begin_key(const api_use *u, const call *c, const account_key *k, jout *w)
{
    jout_object(w, NULL);
    jout_str(w, "name", account_key_name(c->g, u->target, k, c->mem));
    add_time(w, "validAfterTime", k->from_s);
    add_time(w, "validBeforeTime", k->to_s);
    jout_str(w, "keyAlgorithm", STR("KEY_ALG_RSA_2048"));
    jout_str(w, "keyOrigin", k->uploaded ? STR("USER_PROVIDED") : STR("GOOGLE_PROVIDED"));
    jout_str(w, "keyType", k->signer ? STR("SYSTEM_MANAGED") : STR("USER_MANAGED"));
    if (k->disabled)
        jout_bool(w, "disabled", true);
}

static void add_base64(jout *w, const char *name, str text)
{
    buf b;
    buf_init(&b, ANSWER_BYTES_MAX);
    base64_encode(&b, text);
    jout_str(w, name, buf_str(&b));
    buf_wipe(&b);
    buf_deinit(&b);
}

static void answer_empty(call *c, const api_use *u, const account_key *k, jwk *pair)
{
    (void)u;
    (void)k;
    (void)pair;
    call_answer(c, 200, STR("application/json; charset=UTF-8"), STR("{}\n"));
}

// ---- accounts

static void do_list_accounts(call *c, api_use *u, str key)
{
    size_t cursor = 0;
    str email;
    void *a;
    buf b;
    (void)u;
    (void)key;
    buf_init(&b, ANSWER_BYTES_MAX);
    jout w = jout_new(&b, JSON_PRETTY);
    jout_object(&w, NULL);
    jout_array(&w, "accounts");
    while (map_next(&c->g->accounts, &cursor, &email, &a))
        if (!((account *)a)->is_person)
            add_account(c->g, a, &w, NULL);
    jout_end(&w);
    jout_end(&w);
    call_answer_json(c, 200, &b);
}

static void answer_account(call *c, const api_use *u, const account_key *k, jwk *pair)
{
    buf b;
    (void)k, (void)pair;
    buf_init(&b, ANSWER_BYTES_MAX);
    jout w = jout_new(&b, JSON_PRETTY);
    add_account(c->g, u->target, &w, NULL);
    call_answer_json(c, 200, &b);
}

static void do_get_account(call *c, api_use *u, str key)
{
    (void)key;
    answer_account(c, u, NULL, NULL);
}

static void do_create_account(call *c, api_use *u, str key)
{
    (void)key;
    account_create(c, u, answer_account);
}

static void do_delete_account(call *c, api_use *u, str key)
{
    (void)key;
    account_delete(c, u, answer_empty);
}

static void do_disable_account(call *c, api_use *u, str key)
{
    (void)key;
    account_set_disabled(c, u, u->method == &disable_account, answer_empty);
}

// ---- keys

static account_key *find_key(call *c, const api_use *u, str id)
{
    account_key *k = account_key_find(u->target, id);
    if (!k)
        call_rpc_error(c, RPC_NOT_FOUND, "Service account key %.*s does not exist.",
                       id.len < 64 ? (int)id.len : 64, id.ptr);
    return k;
}

// For a change: the managed key can't be changed.
static account_key *find_own_key(call *c, const api_use *u, str id)
{
    account_key *k = find_key(c, u, id);
    if (!k || !k->signer)
        return k;
    call_rpc_error(c, RPC_FAILED_PRECONDITION,
                   "Precondition check failed: the key is managed by the system.");
    return NULL;
}

// By ?keyTypes=…, which may be repeated; without one all are wanted.
static bool wants_key(const form *f, const account_key *k)
{
    bool asked = false;
    for (size_t i = 0; i < f->count; i++) {
        if (!str_eq(f->fields[i].name, STR("keyTypes")))
            continue;
        if (str_eq(f->fields[i].value, k->signer ? STR("SYSTEM_MANAGED") : STR("USER_MANAGED")))
            return true;
        asked = true;
    }
    return !asked;
}

static void do_list_keys(call *c, api_use *u, str key)
{
    form f = {.count = 0};
    buf b;
    bool any = false;
    (void)key;
    (void)form_parse(c->query, c->mem, &f);
    buf_init(&b, ANSWER_BYTES_MAX);
    jout w = jout_new(&b, JSON_PRETTY);
    jout_object(&w, NULL);
    VEC_FOREACH (&u->target->keys, k) {
        if (!wants_key(&f, *k))
            continue;
        if (!any)
            jout_array(&w, "keys");
        any = true;
        begin_key(u, c, *k, &w);
        jout_end(&w);
    }
    if (any)
        jout_end(&w);
    jout_end(&w);
    call_answer_json(c, 200, &b);
}

// publicKeyType: TYPE_X509_PEM_FILE or TYPE_RAW_PUBLIC_KEY; without it there is no key in it.
static void do_get_key(call *c, api_use *u, str id)
{
    form f = {.count = 0};
    buf b, pem;
    const account_key *k = find_key(c, u, id);
    if (!k)
        return;
    (void)form_parse(c->query, c->mem, &f);
    str kind = form_get(&f, "publicKeyType");
    buf_init(&b, ANSWER_BYTES_MAX);
    buf_init(&pem, CERT_BYTES_MAX);
    if (str_eq(kind, STR("TYPE_X509_PEM_FILE")))
        buf_adds(&pem, k->cert);
    else if (str_eq(kind, STR("TYPE_RAW_PUBLIC_KEY")))
        jwk_write_public_pem(k->key, &pem);
    jout w = jout_new(&b, JSON_PRETTY);
    begin_key(u, c, k, &w);
    if (pem.len)
        add_base64(&w, "publicKeyData", buf_str(&pem));
    jout_end(&w);
    buf_deinit(&pem);
    call_answer_json(c, 200, &b);
}

static bool has_room(call *c, const api_use *u)
{
    if (account_own_keys(u->target) + key_jobs_of(c->g, u->target) < GOOGLE_KEYS_MAX)
        return true;
    call_rpc_error(c, RPC_FAILED_PRECONDITION,
                   "Precondition check failed: the account has %d keys already.", GOOGLE_KEYS_MAX);
    return false;
}

static void answer_created(call *c, const api_use *u, const account_key *k, jwk *pair)
{
    buf b, file;
    if (!k) {
        call_rpc_error(c, RPC_NOT_FOUND, "The key was deleted before it was there.");
        return;
    }
    buf_init(&b, ANSWER_BYTES_MAX);
    jout w = jout_new(&b, JSON_PRETTY);
    begin_key(u, c, k, &w);
    if (pair) {
        buf_init(&file, CERT_BYTES_MAX);
        key_file_json(c->g, u->target, pair, &file);
        jout_str(&w, "privateKeyType", STR("TYPE_GOOGLE_CREDENTIALS_FILE"));
        add_base64(&w, "privateKeyData", buf_str(&file));
        buf_wipe(&file);
        buf_deinit(&file);
    }
    jout_end(&w);
    call_answer_json(c, 200, &b);
}

// Absent, unspecified, or the only one there is.
static bool choice_is(const json *body, const char *name, const char *unspecified, const char *only)
{
    const json *v = json_get(body, name);
    return !v || json_is_str(v, unspecified) || json_is_str(v, only);
}

static void do_create_key(call *c, api_use *u, str key)
{
    const json *body;
    (void)key;
    if (!call_json_body(c, &body))
        return;
    if (!choice_is(body, "privateKeyType", "TYPE_UNSPECIFIED", "TYPE_GOOGLE_CREDENTIALS_FILE"))
        call_rpc_error(c, RPC_INVALID_ARGUMENT,
                       "Invalid value at 'privateKeyType': only TYPE_GOOGLE_CREDENTIALS_FILE keys "
                       "are made here.");
    else if (!choice_is(body, "keyAlgorithm", "KEY_ALG_UNSPECIFIED", "KEY_ALG_RSA_2048"))
        call_rpc_error(c, RPC_INVALID_ARGUMENT,
                       "Invalid value at 'keyAlgorithm': only KEY_ALG_RSA_2048 keys are made "
                       "here.");
    else if (has_room(c, u))
        key_job_make(c, u, answer_created);
}

static void do_upload_key(call *c, api_use *u, str key)
{
    const json *body;
    account_key *k = NULL;
    char id[KEY_ID_LEN];
    buf pem;
    err e = ERR_INIT;
    (void)key;
    if (!call_json_body(c, &body) || !has_room(c, u))
        return;
    buf_init(&pem, CERT_BYTES_MAX);
    random_hex(sizeof(id), id);
    code failed = OK;
    if (!base64_decode(&pem, json_str_or(json_get(body, "publicKeyData"), STR_NONE)) || !pem.len)
        failed = err_set(&e, JOSE_KEY, "it must be a certificate in PEM, in base64");
    else
        failed = account_key_new((str){id, sizeof(id)}, buf_str(&pem), &k, &e);
    buf_deinit(&pem);
    if (failed) {
        call_rpc_error(c, RPC_INVALID_ARGUMENT, "Invalid value at 'publicKeyData': %s.", e.msg);
        return;
    }
    k->uploaded = true;
    account_key_add(c->g, u->target, k);
    key_job_save(c, u, k, answer_created);
}

static void do_delete_key(call *c, api_use *u, str id)
{
    account_key *k = find_own_key(c, u, id);
    if (!k)
        return;
    account_key_remove(c->g, u->target, k);
    key_job_save(c, u, NULL, answer_empty);
}

static void do_disable_key(call *c, api_use *u, str id)
{
    account_key *k = find_own_key(c, u, id);
    if (!k)
        return;
    account_key_set_disabled(c->g, k, u->method == &disable_key);
    key_job_save(c, u, k, answer_empty);
}

// ---- routes

// projects/P/serviceAccounts[/E[/keys[/K]]][:VERB]
typedef struct iam_path iam_path;
struct iam_path {
    str project, account, key, verb;
    str location, service; // of projects/P/locations/R/services/S:VERB
    size_t parts;          // 3: all accounts, 4: one, 5: its keys, 6: one of them
};

typedef struct iam_route iam_route;
struct iam_route {
    const char *method;
    size_t parts;
    const char *verb;
    const api_method *use;
    void (*answer)(call *c, api_use *u, str key);
    bool writes; // its entry comes when the change is on disk
};

static const iam_route routes[] = {
    {"GET", 3, "", &list_accounts, do_list_accounts, false},
    {"POST", 3, "", &create_account, do_create_account, true},
    {"GET", 4, "", &get_account, do_get_account, false},
    {"DELETE", 4, "", &delete_account, do_delete_account, true},
    {"POST", 4, "disable", &disable_account, do_disable_account, true},
    {"POST", 4, "enable", &enable_account, do_disable_account, true},
    {"GET", 5, "", &list_keys, do_list_keys, false},
    {"GET", 6, "", &get_key, do_get_key, false},
    {"POST", 5, "", &create_key, do_create_key, true},
    {"POST", 5, "upload", &upload_key, do_upload_key, true},
    {"DELETE", 6, "", &delete_key, do_delete_key, true},
    {"POST", 6, "disable", &disable_key, do_disable_key, true},
    {"POST", 6, "enable", &enable_key, do_disable_key, true},
};

// v1/projects/P/…, or v2 as Cloud Run has it.
static bool is_api_path(const str *parts, size_t count)
{
    return count >= 4 && count <= 7 &&
           (str_eq(parts[0], STR("v1")) || str_eq(parts[0], STR("v2"))) &&
           str_eq(parts[1], STR("projects"));
}

static bool read_path(call *c, iam_path *p)
{
    str parts[SEGMENTS_MAX], last;
    size_t count;
    *p = (iam_path){.parts = 0};
    if (!path_split(c->path, c->mem, parts, &count) || !is_api_path(parts, count))
        return false;
    last = parts[count - 1];
    ssize_t colon = str_rchr(last, ':');
    if (colon >= 0) {
        parts[count - 1] = str_sub(last, 0, (size_t)colon);
        p->verb = str_skip(last, (size_t)colon + 1);
    }
    p->parts = count - 1;
    p->project = parts[2];
    p->account = count > 4 ? parts[4] : STR_NONE;
    p->key = count > 6 ? parts[6] : STR_NONE;
    if (count == 7 && str_eq(parts[3], STR("locations")) && str_eq(parts[5], STR("services"))) {
        p->location = parts[4];
        p->service = parts[6];
        return p->service.len > 0;
    }
    return str_eq(parts[0], STR("v1")) && str_eq(parts[3], STR("serviceAccounts")) &&
           (count < 6 || str_eq(parts[5], STR("keys")));
}

static const iam_route *find_route(const call *c, const iam_path *p)
{
    if (p->service.len)
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        if (p->parts == routes[i].parts && str_eq(p->verb, str_from(routes[i].verb)) &&
            str_eq(c->method, str_from(routes[i].method)))
            return &routes[i];
    return NULL;
}

static bool is_our_project(const google *g, str project)
{
    return str_eq(project, STR("-")) || str_eq(project, g->project_id) ||
           str_eq(project, g->project_number);
}

static void unknown_method(call *c)
{
    call_rpc_error(c, RPC_NOT_FOUND, "Method not found.");
}

static void use_route(call *c, const iam_route *r, const iam_path *p, const bearer *caller)
{
    account *a = p->account.len ? account_find(c->g, p->account) : NULL;
    bool known = is_our_project(c->g, p->project) && (p->parts == 3 || (a && !a->is_person));
    api_use *u = ARENA_NEW(c->mem, api_use);
    *u = (api_use){.method = r->use, .caller = *caller, .target = known ? a : NULL};
    if (!call_authorize(c, u))
        return;
    if (!known)
        call_rpc_error(c, RPC_NOT_FOUND, "Unknown service account");
    else if (r->writes || call_record(c, u))
        r->answer(c, u, p->key);
}

static void use_credentials(call *c, const iam_path *p, const bearer *caller)
{
    account *a = account_find(c->g, p->account);
    if (!str_eq(p->project, STR("-")))
        call_rpc_error(c, RPC_INVALID_ARGUMENT,
                       "Invalid form of account ID. Should be projects/-/serviceAccounts/ and the "
                       "e-mail address or unique ID.");
    else if (!a || a->is_person)
        call_rpc_error(c, RPC_NOT_FOUND, "Not found; Gaia id not found for email %.*s",
                       p->account.len < 256 ? (int)p->account.len : 256, p->account.ptr);
    else if (a->disabled)
        call_rpc_error(c, RPC_FAILED_PRECONDITION, "Service account " STR_FMT " is disabled.",
                       STR_ARG(a->email));
    else if (!credentials_answer(c, caller, a, p->verb))
        unknown_method(c);
}

static void use_policy(call *c, const iam_path *p, const bearer *caller)
{
    bool ours = is_our_project(c->g, p->project);
    account *a = ours && !p->service.len ? account_find(c->g, p->account) : NULL;
    run_service *s = ours && p->service.len ? service_find(c->g, p->location, p->service) : NULL;
    if (!s && (!a || a->is_person))
        call_rpc_error(c, RPC_NOT_FOUND, "%s",
                       p->service.len ? "Resource not found." : "Unknown service account");
    else if (!policy_answer(c, caller, s ? NULL : a, s ? &s->resource : &a->resource, p->verb))
        unknown_method(c);
}

static void use(call *c, const iam_path *p, const iam_route *r)
{
    bearer caller;
    if (!call_authenticate(c, &caller))
        return;
    if (r)
        use_route(c, r, p, &caller);
    else if (policy_verb(p->verb))
        use_policy(c, p, &caller);
    else
        use_credentials(c, p, &caller);
}

void iam_answer(call *c)
{
    iam_path p;
    if (activity_asked(c)) {
        activity_answer(c);
        return;
    }
    if (project_asked(c)) {
        project_answer(c);
        return;
    }
    bool good = read_path(c, &p);
    const iam_route *r = good ? find_route(c, &p) : NULL;
    bool of_one = good && !r && (p.service.len || p.parts == 4);
    bool credentials = of_one && !p.service.len && p.verb.len && str_eq(c->method, STR("POST"));
    if (r || credentials || (of_one && policy_verb(p.verb)))
        use(c, &p, r);
    else
        unknown_method(c);
}
