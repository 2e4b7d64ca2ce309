// SPDX-License-Identifier: Apache-2.0
// What an external_account file says. The file is the person's own (file.c), and yet it is often
// handed on by others: so what it may make us call is checked, as Google asks of those who take
// such files.
#include "credential/external.h"
#include "uri/uri.h"

enum {
    PROGRAM_TIMEOUT_MS = 30000,
    PROGRAM_TIMEOUT_MIN_MS = 5000,
    PROGRAM_TIMEOUT_MAX_MS = 120000,
    PROGRAM_ARGS_MAX = 64,
    HEADERS_MAX = 32,
    LIFETIME_MIN_S = 600,
    LIFETIME_MAX_S = 43200,
};

static code wrong(const json *at, err *e, const char *what, const char *fix)
{
    (void)json_err(at, e, CRED_FILE, "%s", what);
    return err_hint(e, "%s", fix);
}

// ---- credential_source: a file or a URL
// -----------------------------------------------------------

static code read_format(external *x, arena *a, const json *from, err *e)
{
    const json *format = NULL;
    str type = STR("text"), field = STR_NONE;
    if (json_opt_obj(from, "format", &format, e))
        return CRED_FILE;
    if (format && (json_opt_str(format, "type", &type, e) ||
                   json_opt_str(format, "subject_token_field_name", &field, e)))
        return CRED_FILE;
    x->as_json = str_eq(type, STR("json"));
    if (!x->as_json && !str_eq(type, STR("text")))
        return wrong(json_get(format, "type"), e, "must be text or json", "leave it out for text");
    if (x->as_json && !field.len)
        return wrong(format, e, "has no subject_token_field_name",
                     "name the member of the JSON answer that holds the token");
    x->field = arena_str(a, field);
    return OK;
}

static code read_file_source(external *x, arena *a, const json *from, err *e)
{
    str file;
    if (json_get_str(from, "file", &file, e))
        return CRED_FILE;
    x->place = arena_str(a, file);
    return read_format(x, a, from, e);
}

// Whoever can change the answer on its way chooses who we are: plain http stays on this machine or
// on the link of its metadata server.
static bool url_is_safe(str text, bool *ret_link_local)
{
    arena a;
    uri_url u;
    arena_init(&a);
    bool safe = url_parse(&a, text, &u, NULL) == OK && !u.has_userinfo;
    bool link = safe && ((u.host.kind == HOST_IPV4 && u.host.ip[0] == 169 && u.host.ip[1] == 254) ||
                         str_eq(u.host.name, STR("fd00:ec2::254")) ||
                         str_eq(u.host.name, STR("metadata.google.internal")));
    *ret_link_local = safe && (link || host_is_loopback(&u.host));
    safe = safe && (str_eq(u.scheme, STR("https")) || *ret_link_local);
    arena_deinit(&a);
    return safe;
}

static code read_url(const json *from, const char *key, arena *a, str *ret, err *e)
{
    bool link_local;
    if (json_get_str(from, key, ret, e))
        return CRED_FILE;
    if (!url_is_safe(*ret, &link_local))
        return wrong(json_get(from, key), e,
                     "must be https, or http on this machine or its metadata address",
                     "over plain http anybody on the way could answer with a token of theirs");
    *ret = arena_str(a, *ret);
    return OK;
}

static code read_url_source(external *x, arena *a, const json *from, err *e)
{
    const json *headers = NULL;
    if (read_url(from, "url", a, &x->place, e) || json_opt_obj(from, "headers", &headers, e))
        return CRED_FILE;
    if (headers && headers->len > HEADERS_MAX)
        return wrong(headers, e, "has too many headers", "keep what the token's server needs");
    x->headers = arena_array(a, headers ? headers->len : 0, sizeof(*x->headers));
    JSON_EACH (headers, m) {
        if (json_want(m, JSON_STRING, e))
            return CRED_FILE;
        x->headers[x->header_count++] = (fetch_header){arena_str(a, m->key), arena_str(a, m->text)};
    }
    return read_format(x, a, from, e);
}

// ---- credential_source: a program
// -----------------------------------------------------------------

// Blanks separate; between double quotes they don't. No shell is asked.
static void split_command(external *x, arena *a, str command)
{
    size_t count = 0;
    x->argv = arena_array(a, PROGRAM_ARGS_MAX + 1, sizeof(*x->argv));
    char *word = arena_cstr(a, command), *to = word;
    bool quoted = false, inside = false;
    for (const char *p = word;; p++) {
        if (*p == '"') {
            quoted = !quoted;
            inside = true;
        } else if (*p && (quoted || !ascii_is_blank(*p))) {
            *to++ = *p;
            inside = true;
        } else {
            bool end = !*p;
            *to++ = '\0';
            if (inside && count < PROGRAM_ARGS_MAX)
                x->argv[count++] = word;
            word = to;
            inside = false;
            if (end)
                return;
        }
    }
}

// A program is found by its whole path: a name would be looked up, and a relative one would run
// what lies in the directory that the collection came with (threat 39).
static code check_program(const external *x, const json *at, const file_rules *rules, err *e)
{
    if (!x->argv[0] || x->argv[0][0] != '/')
        return wrong(at, e, "must begin with the absolute path of a program",
                     "for example /usr/local/bin/get-token --for=gcp");
    if (rules->untrusted_dir && lies_beneath(x->argv[0], rules->untrusted_dir))
        return wrong(at, e, "is a program inside the collection's own directory",
                     "what comes with a collection is not run: install the program elsewhere");
    return OK;
}

static code read_program_source(external *x, arena *a, const json *from, const file_rules *rules,
                                err *e)
{
    const json *program = NULL;
    str command, output = STR_NONE;
    int64_t timeout_ms = PROGRAM_TIMEOUT_MS;
    if (json_get_obj(from, "executable", &program, e) ||
        json_get_str(program, "command", &command, e) ||
        json_opt_i64(program, "timeout_millis", &timeout_ms, e) ||
        json_opt_str(program, "output_file", &output, e))
        return CRED_FILE;
    if (timeout_ms < PROGRAM_TIMEOUT_MIN_MS || timeout_ms > PROGRAM_TIMEOUT_MAX_MS)
        return wrong(json_get(program, "timeout_millis"), e, "must be from 5000 to 120000",
                     "leave it out for 30000");
    split_command(x, a, command);
    x->timeout_ms = (uint64_t)timeout_ms;
    x->output_file = output.len ? arena_cstr(a, output) : NULL;
    x->place = str_from(x->argv[0]);
    return check_program(x, json_get(program, "command"), rules, e);
}

// ---- credential_source: AWS
// -------------------------------------------------------------------------

// A signature over a request to Amazon's STS and to nobody else leaves us.
static bool is_amazon(str url)
{
    arena a;
    uri_url u;
    arena_init(&a);
    ssize_t at = str_find(url, STR("{region}"));
    if (at >= 0)
        url = arena_printf(&a, STR_FMT "us-east-1" STR_FMT, STR_ARG(str_sub(url, 0, (size_t)at)),
                           STR_ARG(str_skip(url, (size_t)at + 8)));
    bool is = url_parse(&a, url, &u, NULL) == OK && str_eq(u.scheme, STR("https")) &&
              u.port == 443 && !u.has_userinfo && str_starts(u.host.name, STR("sts.")) &&
              (host_within(u.host.name, STR("amazonaws.com")) ||
               host_within(u.host.name, STR("amazonaws.com.cn")));
    arena_deinit(&a);
    return is;
}

static code read_metadata_url(const json *from, const char *key, arena *a, str *ret, err *e)
{
    bool link_local = false;
    *ret = STR_NONE;
    if (json_opt_str(from, key, ret, e))
        return CRED_FILE;
    if (ret->len && (!url_is_safe(*ret, &link_local) || !link_local))
        return wrong(json_get(from, key), e, "must be on the metadata address of AWS",
                     "http://169.254.169.254/… or http://[fd00:ec2::254]/…");
    *ret = arena_str(a, *ret);
    return OK;
}

static code read_aws_source(external *x, arena *a, const json *from, err *e)
{
    str id, url;
    aws_places *aws = &x->aws;
    if (json_get_str(from, "environment_id", &id, e) ||
        json_get_str(from, "regional_cred_verification_url", &url, e) ||
        read_metadata_url(from, "region_url", a, &aws->region_url, e) ||
        read_metadata_url(from, "url", a, &aws->role_url, e) ||
        read_metadata_url(from, "imdsv2_session_token_url", a, &aws->session_url, e))
        return CRED_FILE;
    if (!str_eq(id, STR("aws1")))
        return wrong(json_get(from, "environment_id"), e, "only aws1 is known",
                     "make the file anew: gcloud iam workload-identity-pools create-cred-config");
    if (!is_amazon(url))
        return wrong(json_get(from, "regional_cred_verification_url"), e, "must be Amazon's STS",
                     "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&"
                     "Version=2011-06-15");
    aws->verification_url = arena_str(a, url);
    x->place = aws->role_url.len ? aws->role_url : STR("the environment");
    return OK;
}

// ---- the whole file
// -----------------------------------------------------------------------------------

static code read_source(external *x, arena *a, const json *from, const file_rules *rules, err *e)
{
    static const char *const kinds[] = {
        [SUBJECT_FILE] = "file",
        [SUBJECT_URL] = "url",
        [SUBJECT_PROGRAM] = "executable",
        [SUBJECT_AWS] = "environment_id",
        [SUBJECT_CERTIFICATE] = "certificate",
    };
    size_t found = 0;
    bool aws = json_get(from, "environment_id");
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (!json_get(from, kinds[i]) || (aws && i == SUBJECT_URL)) // AWS has a url beside
            continue;
        x->kind = (subject_kind)i;
        found++;
    }
    if (found != 1)
        return wrong(from, e,
                     "must have exactly one of file, url, executable, certificate and "
                     "environment_id",
                     "make the file anew: gcloud iam workload-identity-pools create-cred-config");
    switch (x->kind) {
    case SUBJECT_FILE:
        return read_file_source(x, a, from, e);
    case SUBJECT_URL:
        return read_url_source(x, a, from, e);
    case SUBJECT_PROGRAM:
        return read_program_source(x, a, from, rules, e);
    case SUBJECT_AWS:
        return read_aws_source(x, a, from, e);
    default:
        x->place = str_from(rules->certificate_config);
        return external_read_certificate(x, a, from, e);
    }
}

static code read_lifetime(caller *c, const json *root, err *e)
{
    static const char key[] = "token_lifetime_seconds";
    const json *how = NULL;
    if (json_opt_obj(root, "service_account_impersonation", &how, e))
        return CRED_FILE;
    if (how && json_opt_i64(how, key, &c->inner_lifetime_s, e))
        return CRED_FILE;
    if (c->inner_lifetime_s &&
        (c->inner_lifetime_s < LIFETIME_MIN_S || c->inner_lifetime_s > LIFETIME_MAX_S))
        return wrong(json_get(how, key), e, "must be from 600 to 43200",
                     "leave it out for an hour; more needs the organisation's consent");
    return OK;
}

static code read_optional(caller *c, external *x, arena *a, const json *root, err *e)
{
    str id = STR_NONE, password = STR_NONE, project = STR_NONE;
    if (json_opt_str(root, "client_id", &id, e) ||
        json_opt_str(root, "client_secret", &password, e) ||
        json_opt_str(root, "workforce_pool_user_project", &project, e))
        return CRED_FILE;
    c->client_id = arena_str(a, id);
    c->client_secret = password.len ? secret_new(password) : NULL;
    x->user_project = arena_str(a, project);
    return read_lifetime(c, root, e);
}

code external_read(caller *c, arena *a, const json *root, const file_rules *rules, err *e)
{
    external *x = ARENA_NEW(a, external);
    const json *from = NULL;
    str audience, type;
    if (json_get_str(root, "audience", &audience, e) ||
        json_get_str(root, "subject_token_type", &type, e) ||
        json_get_obj(root, "credential_source", &from, e) || read_source(x, a, from, rules, e) ||
        read_optional(c, x, a, root, e))
        return CRED_FILE;
    x->audience = arena_str(a, audience);
    x->token_type = arena_str(a, type);
    c->external = x;
    c->who.source = CREDENTIAL_EXTERNAL;
    return OK;
}
