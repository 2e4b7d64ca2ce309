// SPDX-License-Identifier: Apache-2.0
// The metadata server as an instance of Cloud Run sees it (google-identity.md §4).
#include <unistd.h>

#include "google/call.h"

enum { INSTANCE_ID_LEN = 96, TEXT_BYTES_MAX = 64 << 10 };

#define DEFAULT_SCOPES                                                                             \
    STR("https://www.googleapis.com/auth/cloud-platform "                                          \
        "https://www.googleapis.com/auth/userinfo.email openid")
#define TEXT STR("application/text")
#define JSON STR("application/json")

struct google_metadata {
    google *g;
    account *who;
    uid_t owner;
    str instance_id;
    arena mem;
    // The last access token: it is given to everybody until little of it is left.
    secret *token;
    str token_scopes; // owned
    int64_t token_expires_s;
};

code google_metadata_new(google *g, const google_metadata_options *o,
                         google_metadata **ret_metadata, err *e)
{
    str email = o->account.len ? o->account : g->default_account;
    account *a = account_find(g, email);
    if (!a || a->is_person) {
        (void)err_set(e, GOOGLE_ACCOUNT, "there is no service account " STR_FMT, STR_ARG(email));
        return err_hint(e, "declare it under \"accounts\" in gatepost.yaml");
    }
    google_metadata *m = NEW(google_metadata);
    char fresh[INSTANCE_ID_LEN];
    random_hex(sizeof(fresh), fresh);
    arena_init(&m->mem);
    m->g = g;
    m->who = a;
    m->owner = geteuid();
    m->instance_id =
        arena_str(&m->mem, o->instance_id.len ? o->instance_id : (str){fresh, sizeof(fresh)});
    *ret_metadata = m;
    return OK;
}

void google_metadata_free(google_metadata *m)
{
    if (!m)
        return;
    secret_free(m->token);
    free((char *)(uintptr_t)m->token_scopes.ptr);
    arena_deinit(&m->mem);
    free(m);
}

google *metadata_google(google_metadata *m)
{
    return m->g;
}

void metadata_serve(google_metadata *m, uid_t owner)
{
    m->owner = owner;
}

bool metadata_serves(const google_metadata *m, uid_t user)
{
    return user == m->owner;
}

// ---- values

static str zone_of(const google_metadata *m, arena *mem)
{
    return arena_printf(mem, "projects/" STR_FMT "/zones/" STR_FMT "-1",
                        STR_ARG(m->g->project_number), STR_ARG(m->g->region));
}

static void get_zone(google_metadata *m, call *c)
{
    call_answer(c, 200, TEXT, zone_of(m, c->mem));
}

static void get_region(google_metadata *m, call *c)
{
    call_answer(c, 200, TEXT,
                arena_printf(c->mem, "projects/" STR_FMT "/regions/" STR_FMT,
                             STR_ARG(m->g->project_number), STR_ARG(m->g->region)));
}

static void get_instance_id(google_metadata *m, call *c)
{
    call_answer(c, 200, TEXT, m->instance_id);
}

static void get_project_id(google_metadata *m, call *c)
{
    call_answer(c, 200, TEXT, m->g->project_id);
}

static void get_project_number(google_metadata *m, call *c)
{
    call_answer(c, 200, TEXT, m->g->project_number);
}

static void get_universe(google_metadata *m, call *c)
{
    (void)m;
    call_answer(c, 200, TEXT, STR("googleapis.com"));
}

static void get_email(google_metadata *m, call *c)
{
    call_answer(c, 200, TEXT, m->who->email);
}

static void get_aliases(google_metadata *m, call *c)
{
    (void)m;
    call_answer(c, 200, TEXT, STR("default\n"));
}

static void get_scopes(google_metadata *m, call *c)
{
    (void)m;
    str scopes = DEFAULT_SCOPES;
    char *lines = arena_cstr(c->mem, scopes);
    for (size_t i = 0; i < scopes.len; i++)
        if (lines[i] == ' ')
            lines[i] = '\n';
    call_answer(c, 200, TEXT, arena_printf(c->mem, "%s\n", lines));
}

// ---- tokens

static void bad_request(call *c, const char *why)
{
    call_answer(c, 400, TEXT, str_from(why));
}

static str wanted_scopes(call *c, const form *f)
{
    str list = str_trim(form_get(f, "scopes"));
    if (!list.len)
        return DEFAULT_SCOPES;
    char *text = arena_cstr(c->mem, list);
    for (size_t i = 0; i < list.len; i++)
        if (text[i] == ',')
            text[i] = ' ';
    return (str){text, list.len};
}

// Of an hour the last five minutes are too little: clients would ask again at once.
static bool token_will_do(const google_metadata *m, str scopes, int64_t now_s)
{
    return m->token && str_eq(m->token_scopes, scopes) &&
           m->token_expires_s - now_s > m->g->lifetime_s / 12 &&
           access_token_find(m->g, secret_str(m->token), now_s);
}

static void renew_token(google_metadata *m, str scopes, int64_t now_s)
{
    buf b;
    buf_init(&b, 256);
    access_grant x = {.who = m->who, .scopes = scopes};
    m->token_expires_s = mint_access(m->g, &x, now_s, &b);
    secret_free(m->token);
    m->token = secret_new(buf_str(&b));
    free((char *)(uintptr_t)m->token_scopes.ptr);
    m->token_scopes = (str){mem_dupn(scopes.ptr, scopes.len), scopes.len};
    buf_wipe(&b);
    buf_deinit(&b);
}

static void get_token(google_metadata *m, call *c)
{
    form f;
    buf b;
    if (!form_parse_raw(c->query, c->mem, &f)) {
        bad_request(c, "the query is malformed\n");
        return;
    }
    str scopes = wanted_scopes(c, &f);
    if (scopes.len > SCOPES_BYTES_MAX) {
        bad_request(c, "there are too many scopes\n");
        return;
    }
    if (!token_will_do(m, scopes, c->now_s))
        renew_token(m, scopes, c->now_s);
    int64_t left_s = m->token_expires_s - c->now_s;
    buf_init(&b, 4096);
    jout w = jout_new(&b, JSON_COMPACT);
    jout_object(&w, NULL);
    jout_str(&w, "access_token", secret_str(m->token));
    jout_i64(&w, "expires_in", left_s > 1 ? left_s - 1 : left_s);
    jout_str(&w, "token_type", STR("Bearer"));
    jout_end(&w);
    str body = arena_str(c->mem, buf_str(&b));
    buf_wipe(&b);
    buf_deinit(&b);
    call_answer(c, 200, JSON, body);
}

static void add_number(jout *w, const char *name, str digits)
{
    int64_t n;
    if (str_to_i64(digits, &n))
        jout_i64(w, name, n);
    else
        jout_str(w, name, digits);
}

// What format=full adds.
static str instance_claim(const google_metadata *m, bool licenses, arena *mem)
{
    buf b;
    buf_init(&b, 4096);
    jout w = jout_new(&b, JSON_COMPACT);
    jout_object(&w, NULL);
    jout_object(&w, "compute_engine");
    jout_str(&w, "instance_id", m->instance_id);
    if (licenses) {
        jout_array(&w, "license_id");
        jout_end(&w);
    }
    jout_str(&w, "project_id", m->g->project_id);
    add_number(&w, "project_number", m->g->project_number);
    jout_str(&w, "zone", zone_of(m, mem));
    jout_end(&w);
    jout_end(&w);
    str s = arena_str(mem, buf_str(&b));
    buf_deinit(&b);
    return s;
}

static void get_identity(google_metadata *m, call *c)
{
    form f;
    buf token;
    err e = ERR_INIT;
    if (!form_parse_raw(c->query, c->mem, &f)) {
        bad_request(c, "the query is malformed\n");
        return;
    }
    str format = form_get(&f, "format");
    id_claims x = {.who = m->who, .audience = form_get(&f, "audience"), .email = true};
    if (!x.audience.len) {
        bad_request(c, "non-empty audience parameter required\n");
        return;
    }
    if (format.len && !str_ieq(format, STR("standard")) && !str_ieq(format, STR("full"))) {
        bad_request(c, "format must be standard or full\n");
        return;
    }
    if (str_ieq(format, STR("full")))
        x.google_json = instance_claim(m, str_ieq(form_get(&f, "licenses"), STR("TRUE")), c->mem);
    buf_init(&token, JWT_BYTES_MAX);
    if (mint_id(m->g, &x, c->now_s, &token, &e))
        bad_request(c, e.msg);
    else
        call_answer(c, 200, TEXT, buf_str(&token));
    buf_deinit(&token);
}

// ---- directories

static void add_account_object(const google_metadata *m, jout *w, const char *name)
{
    str scopes = DEFAULT_SCOPES, scope;
    jout_object(w, name);
    jout_array(w, "aliases");
    jout_str(w, NULL, STR("default"));
    jout_end(w);
    jout_str(w, "email", m->who->email);
    jout_array(w, "scopes");
    while (str_next(&scopes, ' ', &scope))
        jout_str(w, NULL, scope);
    jout_end(w);
    jout_end(w);
}

static void add_accounts_object(const google_metadata *m, jout *w, const char *name)
{
    jout_object(w, name);
    add_account_object(m, w, "default");
    jout_key(w, m->who->email);
    add_account_object(m, w, NULL);
    jout_end(w);
}

static bool is_recursive(call *c)
{
    form f;
    return form_parse_raw(c->query, c->mem, &f) && str_ieq(form_get(&f, "recursive"), STR("true"));
}

// A listing, or with ?recursive=true what `add` writes.
static void list(google_metadata *m, call *c, const char *listing,
                 void (*add)(const google_metadata *m, jout *w, const char *name))
{
    buf b;
    if (!is_recursive(c)) {
        call_answer(c, 200, TEXT, str_from(listing));
        return;
    }
    buf_init(&b, TEXT_BYTES_MAX);
    jout w = jout_new(&b, JSON_COMPACT);
    add(m, &w, NULL);
    str body = arena_str(c->mem, buf_str(&b));
    buf_deinit(&b);
    call_answer(c, 200, JSON, body);
}

static void list_account(google_metadata *m, call *c)
{
    list(m, c, "aliases\nemail\nidentity\nscopes\ntoken\n", add_account_object);
}

static void list_accounts(google_metadata *m, call *c)
{
    list(m, c, arena_printf(c->mem, "default/\n" STR_FMT "/\n", STR_ARG(m->who->email)).ptr,
         add_accounts_object);
}

static void add_instance(const google_metadata *m, jout *w, const char *name)
{
    arena mem;
    arena_init(&mem);
    jout_object(w, name);
    jout_str(w, "id", m->instance_id);
    jout_strf(w, "region", "projects/" STR_FMT "/regions/" STR_FMT, STR_ARG(m->g->project_number),
              STR_ARG(m->g->region));
    add_accounts_object(m, w, "serviceAccounts");
    jout_str(w, "zone", zone_of(m, &mem));
    jout_end(w);
    arena_deinit(&mem);
}

static void list_instance(google_metadata *m, call *c)
{
    list(m, c, "id\nregion\nservice-accounts/\nzone\n", add_instance);
}

static void add_project(const google_metadata *m, jout *w, const char *name)
{
    jout_object(w, name);
    add_number(w, "numericProjectId", m->g->project_number);
    jout_str(w, "projectId", m->g->project_id);
    jout_end(w);
}

static void list_project(google_metadata *m, call *c)
{
    list(m, c, "numeric-project-id\nproject-id\n", add_project);
}

static void add_all(const google_metadata *m, jout *w, const char *name)
{
    jout_object(w, name);
    add_instance(m, w, "instance");
    add_project(m, w, "project");
    jout_end(w);
}

static void list_all(google_metadata *m, call *c)
{
    list(m, c, "instance/\nproject/\nuniverse/\n", add_all);
}

static void list_root(google_metadata *m, call *c)
{
    (void)m;
    call_answer(c, 200, TEXT, STR("computeMetadata/\n"));
}

// ---- routes

// "@" stands for the account: `default` or its address. A directory ends in a slash; without it
// there is a redirect.
static const struct {
    const char *path;
    void (*answer)(google_metadata *m, call *c);
} routes[] = {
    {"/", list_root},
    {"/computeMetadata/v1/", list_all},
    {"/computeMetadata/v1/project/", list_project},
    {"/computeMetadata/v1/project/project-id", get_project_id},
    {"/computeMetadata/v1/project/numeric-project-id", get_project_number},
    {"/computeMetadata/v1/instance/", list_instance},
    {"/computeMetadata/v1/instance/id", get_instance_id},
    {"/computeMetadata/v1/instance/region", get_region},
    {"/computeMetadata/v1/instance/zone", get_zone},
    {"/computeMetadata/v1/instance/service-accounts/", list_accounts},
    {"/computeMetadata/v1/instance/service-accounts/@/", list_account},
    {"/computeMetadata/v1/instance/service-accounts/@/aliases", get_aliases},
    {"/computeMetadata/v1/instance/service-accounts/@/email", get_email},
    {"/computeMetadata/v1/instance/service-accounts/@/identity", get_identity},
    {"/computeMetadata/v1/instance/service-accounts/@/scopes", get_scopes},
    {"/computeMetadata/v1/instance/service-accounts/@/token", get_token},
    {"/computeMetadata/v1/universe/universe-domain", get_universe},
    {"/computeMetadata/v1/universe/universe_domain", get_universe},
};

#define ACCOUNTS STR("/computeMetadata/v1/instance/service-accounts/")

// The path with its account as "@", or STR_NONE when it names another.
static str plain_path(const google_metadata *m, call *c)
{
    str head, tail, name;
    buf decoded;
    if (!str_starts(c->path, ACCOUNTS) || c->path.len == ACCOUNTS.len)
        return c->path;
    bool slash = str_cut(str_skip(c->path, ACCOUNTS.len), '/', &head, &tail);
    buf_init(&decoded, 1024);
    bool known = percent_decode(&decoded, head);
    name = buf_str(&decoded);
    known = known && account_works(m->who) &&
            (str_eq(name, STR("default")) || str_ieq(name, m->who->email));
    buf_deinit(&decoded);
    if (!known)
        return STR_NONE;
    return arena_printf(c->mem, STR_FMT "@%s" STR_FMT, STR_ARG(ACCOUNTS), slash ? "/" : "",
                        STR_ARG(tail));
}

static void find_route(google_metadata *m, call *c)
{
    str path = plain_path(m, c);
    for (size_t i = 0; path.len && i < ARRAY_LEN(routes); i++) {
        str row = str_from(routes[i].path);
        if (str_eq(path, row)) {
            routes[i].answer(m, c);
            return;
        }
        if (row.len == path.len + 1 && str_starts(row, path) && row.ptr[path.len] == '/') {
            call_header(c, STR("location"),
                        arena_printf(c->mem, STR_FMT "/%s" STR_FMT, STR_ARG(c->path),
                                     c->query.len ? "?" : "", STR_ARG(c->query)));
            call_answer(c, 301, TEXT, STR_NONE);
            return;
        }
    }
    call_answer(c, 404, TEXT, STR_NONE);
}

void metadata_route(google_metadata *m, call *c)
{
    call_header(c, STR("metadata-flavor"), STR("Google"));
    call_header(c, STR("server"), STR("Metadata Server for Serverless"));
    if (c->forwarded) // somebody's proxy was talked into asking (threat 42)
        call_answer(c, 403, TEXT, STR("a request with X-Forwarded-For is refused\n"));
    else if (!str_ieq(c->flavor, STR("Google")) && !str_eq(c->path, STR("/")))
        call_answer(c, 403, TEXT, STR("Missing required header: Metadata-Flavor: Google\n"));
    else if (!str_eq(c->method, STR("GET")) && !str_eq(c->method, STR("HEAD"))) {
        call_header(c, STR("allow"), STR("GET, HEAD"));
        call_answer(c, 405, TEXT, STR_NONE);
    } else
        find_route(m, c);
}
