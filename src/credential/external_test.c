// SPDX-License-Identifier: Apache-2.0
// external_account: each credential_source against an STS on this loop, which asserts what it is
// asked, and the files that are refused.
#include "credential/credential_test_endpoints.h"
#include "jose/jose_aws4.h"

static const char pool[] = "//iam.googleapis.com/projects/1/locations/global/"
                           "workloadIdentityPools/p/providers/gh";
static const char jwt_type[] = "urn:ietf:params:oauth:token-type:jwt";

// ---- files ------------------------------------------------------------------------------------

static const char *external_file(fixture *f, const char *type, const char *source, const char *more)
{
    str text = arena_printf(&f->mem,
                            "{\"type\":\"external_account\",\"audience\":\"%s\","
                            "\"subject_token_type\":\"%s\",\"token_url\":\"" STR_FMT
                            "/v1/token\",\"credential_source\":{%s}%s}",
                            pool, type, STR_ARG(f->up.iam_url), source, more);
    return write_file(f, "external.json", text, 0600);
}

static const char *becomes_robot(fixture *f)
{
    return arena_printf(&f->mem,
                        ",\"service_account_impersonation_url\":\"" STR_FMT
                        "/v1/projects/-/serviceAccounts/robot@p.iam.gserviceaccount.com:"
                        "generateAccessToken\"",
                        STR_ARG(f->up.iam_url))
        .ptr;
}

static project_identity foreign;

static void use(fixture *f, const char *path)
{
    foreign = (project_identity){.name = STR("foreign"), .key = path};
    f->options.identities = &foreign;
    f->options.identity_count = 1;
    credential_provider_free(f->provider);
    f->provider = NULL;
    vec_reset(&f->requests);
    f->status_at = 0;
}

static void ask_access(fixture *f)
{
    ask(f, (credential_want){
               .kind = CREDENTIAL_ACCESS_TOKEN, .identity = STR("foreign"), .local = true});
}

static void ask_id(fixture *f)
{
    credential_want w = local_id;
    w.identity = STR("foreign");
    ask(f, w);
}

static str body_of(str request)
{
    return str_skip(request, (size_t)str_find(request, STR("\r\n\r\n")) + 4);
}

static void assert_holds(str text, const char *part)
{
    if (str_find(text, str_from(part)) < 0)
        fail_msg("'%s' isn't in '" STR_FMT "'", part, STR_ARG(text));
}

// What STS was asked last.
static str asked_sts(fixture *f, const char *name)
{
    for (size_t i = f->requests.len; i--;)
        if (str_starts(f->requests.ptr[i], STR("POST /v1/token ")))
            return field_of(f, body_of(f->requests.ptr[i]), name);
    fail_msg("STS wasn't asked");
    return STR_NONE;
}

// ---- file and URL -----------------------------------------------------------------------------

static void a_token_in_a_file_is_exchanged(void **state)
{
    fixture *f = *state;
    const char *token = write_file(f, "token", STR("the.foreign.token\n"), 0600);
    use(f, external_file(f, jwt_type, arena_printf(&f->mem, "\"file\":\"%s\"", token).ptr, ""));
    ask_access(f);
    assert_int_equal(f->e.code, OK);
    assert_strz(f->token, "ya29.federated-abcdefghijklmnopqrstuv");
    assert_strz(asked_sts(f, "subject_token"), "the.foreign.token"); // without its line's end
    assert_strz(asked_sts(f, "audience"), pool);
    assert_strz(asked_sts(f, "subject_token_type"), jwt_type);
    assert_strz(asked_sts(f, "scope"), "https://www.googleapis.com/auth/cloud-platform");
    assert_strz(asked_sts(f, "requested_token_type"),
                "urn:ietf:params:oauth:token-type:access_token");
    assert_strz(asked_sts(f, "grant_type"), "urn:ietf:params:oauth:grant-type:token-exchange");
    ask_id(f); // STS gives no ID tokens
    assert_int_equal(f->e.code, CRED_AUDIENCE);
    assert_non_null(strstr(f->e.hint, "service_account_impersonation_url"));
}

static void it_becomes_a_service_account(void **state)
{
    fixture *f = *state;
    const char *token = write_file(f, "token", STR("{\"a\":1,\"jwt\":\"x.y.z\"}"), 0600);
    const char *source = arena_printf(&f->mem,
                                      "\"file\":\"%s\",\"format\":{\"type\":\"json\","
                                      "\"subject_token_field_name\":\"jwt\"}",
                                      token)
                             .ptr;
    const char *more = arena_printf(&f->mem,
                                    "%s,\"service_account_impersonation\":"
                                    "{\"token_lifetime_seconds\":1200}",
                                    becomes_robot(f))
                           .ptr;
    use(f, external_file(f, jwt_type, source, more));
    ask_id(f);
    assert_int_equal(f->e.code, OK);
    assert_audience(f, "https://orders.example");
    assert_strz(f->principal, "robot@p.iam.gserviceaccount.com");
    assert_strz(asked_sts(f, "subject_token"), "x.y.z");
    assert_int_equal(f->requests.len, 2);
    assert_holds(f->requests.ptr[1], "robot@p.iam.gserviceaccount.com:generateIdToken");
    assert_holds(f->requests.ptr[1], "Authorization: Bearer ya29.federated-");
    ask_access(f); // with the federated token that is there
    assert_strz(f->token, "ya29.robot-abcdefghijklmnopqrstuv");
    assert_int_equal(f->requests.len, 3);
    assert_holds(f->requests.ptr[2], "\"lifetime\":\"1200s\"");
}

static void another_impersonation_stands_on_its_own_account(void **state)
{
    fixture *f = *state;
    const char *token = write_file(f, "token", STR("t"), 0600);
    use(f, external_file(f, jwt_type, arena_printf(&f->mem, "\"file\":\"%s\"", token).ptr,
                         becomes_robot(f)));
    str inner = STR_NONE;
    assert_code(file_read(&f->mem, foreign.key, 1 << 16, &inner, NULL), OK);
    use(f, write_file(f, "outer.json",
                      arena_printf(&f->mem,
                                   "{\"type\":\"impersonated_service_account\",\"delegates\":"
                                   "[\"projects/-/serviceAccounts/mid@p.example\"],"
                                   "\"source_credentials\":" STR_FMT
                                   ",\"service_account_impersonation_url\":\"" STR_FMT
                                   "/v1/projects/-/serviceAccounts/last@p.example:"
                                   "generateAccessToken\"}",
                                   STR_ARG(inner), STR_ARG(f->up.iam_url)),
                      0600));
    ask_id(f);
    assert_int_equal(f->e.code, OK);
    assert_int_equal(f->requests.len, 3);
    assert_holds(f->requests.ptr[1], "robot@p.iam.gserviceaccount.com:generateAccessToken");
    assert_true(str_find(f->requests.ptr[1], STR("delegates")) < 0);
    assert_holds(f->requests.ptr[2], "last@p.example:generateIdToken");
    assert_holds(f->requests.ptr[2], "Bearer ya29.robot-");
    assert_holds(f->requests.ptr[2],
                 "\"delegates\":[\"projects/-/serviceAccounts/mid@p.example\"]");
}

static void a_token_at_an_url_is_fetched_with_its_headers(void **state)
{
    fixture *f = *state;
    const char *source = arena_printf(&f->mem,
                                      "\"url\":\"" STR_FMT "/subject\",\"headers\":"
                                      "{\"Authorization\":\"Bearer of-the-runner\"},\"format\":"
                                      "{\"type\":\"json\",\"subject_token_field_name\":\"value\"}",
                                      STR_ARG(f->up.iam_url))
                             .ptr;
    use(f, external_file(f, jwt_type, source, ""));
    ask_access(f);
    assert_int_equal(f->e.code, OK);
    assert_holds(f->requests.ptr[0], "GET /subject ");
    assert_holds(f->requests.ptr[0], "Authorization: Bearer of-the-runner");
    assert_strz(asked_sts(f, "subject_token"), "served.by.url");

    use(f, foreign.key);
    f->statuses[0] = 404;
    ask_access(f);
    assert_int_equal(f->e.code, CRED_SUBJECT);
    assert_int_equal(f->requests.len, 1);
    assert_non_null(strstr(f->e.msg, "/subject answered 404"));
}

static void a_workforce_names_its_project_or_its_client(void **state)
{
    fixture *f = *state;
    const char *token = write_file(f, "token", STR("t"), 0600);
    const char *source = arena_printf(&f->mem, "\"file\":\"%s\"", token).ptr;
    use(f, external_file(f, jwt_type, source, ",\"workforce_pool_user_project\":\"12\\\"3\""));
    ask_access(f);
    assert_strz(asked_sts(f, "options"), "{\"userProject\":\"12\\\"3\"}");
    use(f, external_file(f, jwt_type, source,
                         ",\"workforce_pool_user_project\":\"123\",\"client_id\":\"id:1\","
                         "\"client_secret\":\"hush\""));
    ask_access(f);
    assert_strz(asked_sts(f, "options"), "");
    assert_holds(f->requests.ptr[0], "Authorization: Basic aWQlM0ExOmh1c2g=");
}

// ---- programs ---------------------------------------------------------------------------------

static const char program_head[] = "#!/bin/sh\necho run >> \"$(dirname \"$0\")/runs\"\n";

static const char *program_source(fixture *f, const char *text, const char *more)
{
    const char *path = write_file(f, "get token", str_from(text), 0755);
    return arena_printf(&f->mem, "\"executable\":{\"command\":\"\\\"%s\\\" --a=1 \\\"b c\\\"\"%s}",
                        path, more)
        .ptr;
}

static size_t runs(fixture *f)
{
    str text = STR_NONE;
    const char *path = arena_printf(&f->mem, "%s/runs", f->dir).ptr;
    return file_read(&f->mem, path, 4096, &text, NULL) ? 0 : text.len / 4;
}

static void a_program_gives_the_token_where_it_is_allowed(void **state)
{
    fixture *f = *state;
    static const char answer[] =
        "printf '{\"version\":1,\"success\":true,\"token_type\":"
        "\"urn:ietf:params:oauth:token-type:id_token\",\"id_token\":\"%s|%s|%s|%s|%s\"}' \"$1\" "
        "\"$2\" \"$GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE\" \"$GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE\" "
        "\"$GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL\"\n";
    const char *text = arena_printf(&f->mem, "%s%s", program_head, answer).ptr;
    use(f, external_file(f, jwt_type, program_source(f, text, ""), becomes_robot(f)));
    ask_id(f);
    assert_int_equal(f->e.code, CRED_SUBJECT);
    assert_non_null(strstr(f->e.hint, "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1"));
    assert_int_equal(runs(f), 0);

    set_env(f, "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1");
    ask_id(f);
    assert_int_equal(f->e.code, OK);
    assert_str(asked_sts(f, "subject_token"),
               arena_printf(&f->mem, "--a=1|b c|%s|0|robot@p.iam.gserviceaccount.com", pool));
}

static void what_a_program_answers_is_checked(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"echo nonsense", "GP"},
        {"echo '{}'", "version"},
        {"echo '{\"version\":2,\"success\":true}'", "version 2"},
        {"echo '{\"version\":1,\"success\":false,\"code\":\"401\",\"message\":\"sign in\"}'",
         "sign in (401)"},
        {"echo '{\"version\":1,\"success\":true,\"token_type\":\"x\",\"id_token\":\"t\"}'", "'x'"},
        {"echo '{\"version\":1,\"success\":true,\"token_type\":"
         "\"urn:ietf:params:oauth:token-type:saml2\",\"id_token\":\"t\"}'",
         "saml_response"},
        {"echo '{\"version\":1,\"success\":true,\"token_type\":"
         "\"urn:ietf:params:oauth:token-type:jwt\",\"id_token\":\"t\",\"expiration_time\":1}'",
         "expired"},
        {"echo 'no network' >&2; exit 3", "status 3: no network"},
    };
    set_env(f, "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *text = arena_printf(&f->mem, "#!/bin/sh\n%s\n", rows[i].text).ptr;
        use(f, external_file(f, jwt_type, program_source(f, text, ""), ""));
        ask_access(f);
        assert_row(i, f->e.code == CRED_SUBJECT && f->requests.len == 0);
        if (strcmp(rows[i].says, "GP") != 0 && !strstr(f->e.msg, rows[i].says))
            fail_msg("row %zu: %s", i, f->e.msg);
    }
}

static void an_output_file_saves_the_program(void **state)
{
    fixture *f = *state;
    const char *out = arena_printf(&f->mem, "%s/answer.json", f->dir).ptr;
    const char *text =
        arena_printf(&f->mem,
                     "%sprintf '{\"version\":1,\"success\":true,\"token_type\":"
                     "\"urn:ietf:params:oauth:token-type:jwt\",\"id_token\":\"kept\","
                     "\"expiration_time\":%lld}' | tee \"$GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE\"\n",
                     program_head, (long long)clock_wall_s() + 1000)
            .ptr;
    const char *more = arena_printf(&f->mem, ",\"output_file\":\"%s\"", out).ptr;
    const char *path = external_file(f, jwt_type, program_source(f, text, more), "");
    set_env(f, "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1");
    for (int i = 0; i < 2; i++) {
        use(f, path);
        ask_access(f);
        assert_int_equal(f->e.code, OK);
        assert_strz(asked_sts(f, "subject_token"), "kept");
    }
    assert_int_equal(runs(f), 1);
    clock_shift(2000 * 1000); // what is kept has expired, and the program gives no better
    use(f, path);
    ask_access(f);
    assert_int_equal(f->e.code, CRED_SUBJECT);
    assert_int_equal(runs(f), 2);
    clock_shift(-2000 * 1000);
}

// ---- AWS --------------------------------------------------------------------------------------

static const char aws_type[] = "urn:ietf:params:aws:token-type:aws4_request";

static const char *aws_source(fixture *f)
{
    str base = f->up.iam_url;
    return arena_printf(&f->mem,
                        "\"environment_id\":\"aws1\",\"region_url\":\"" STR_FMT "/zone\","
                        "\"url\":\"" STR_FMT "/role\",\"imdsv2_session_token_url\":\"" STR_FMT
                        "/session\",\"regional_cred_verification_url\":\"https://sts.{region}."
                        "amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15\"",
                        STR_ARG(base), STR_ARG(base), STR_ARG(base))
        .ptr;
}

static str aws_header(const json *request, const char *name)
{
    JSON_EACH (json_get(request, "headers"), m)
        if (json_is_str(json_get(m, "key"), name))
            return json_str_or(json_get(m, "value"), STR_NONE);
    return STR_NONE;
}

static const json *aws_request(fixture *f)
{
    json *root;
    buf text;
    buf_init(&text, 1 << 16);
    assert_true(percent_decode(&text, asked_sts(f, "subject_token")));
    assert_code(json_parse(&f->mem, buf_str(&text), NULL, &root, NULL), OK);
    buf_deinit(&text);
    return root;
}

// The request is signed again here, from what STS would see of it.
static void assert_signed(fixture *f, const json *request, const char *secret_key, bool with_token)
{
    str when = aws_header(request, "x-amz-date");
    const aws4 key = {str_from(secret_key), when, STR("eu-north-1"), STR("sts")};
    str token = aws_header(request, "x-amz-security-token");
    assert_true(with_token == (token.len > 0));
    str canonical = arena_printf(
        &f->mem,
        "POST\n/\nAction=GetCallerIdentity&Version=2011-06-15\nhost:sts.eu-north-1.amazonaws.com\n"
        "x-amz-date:" STR_FMT "\n%s" STR_FMT "%s\nhost;x-amz-date%s\n"
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        STR_ARG(when), with_token ? "x-amz-security-token:" : "", STR_ARG(token),
        with_token ? "\n" : "", with_token ? ";x-amz-security-token" : "");
    assert_holds(aws_header(request, "Authorization"),
                 arena_printf(&f->mem, "Signature=" STR_FMT,
                              STR_ARG(aws4_signature(&key, canonical, &f->mem)))
                     .ptr);
    assert_strz(json_str_or(json_get(request, "url"), STR_NONE),
                "https://sts.eu-north-1.amazonaws.com?Action=GetCallerIdentity&"
                "Version=2011-06-15");
    assert_strz(aws_header(request, "x-goog-cloud-target-resource"), pool);
    assert_strz(aws_header(request, "host"), "sts.eu-north-1.amazonaws.com");
}

static void aws_is_asked_by_its_metadata_service(void **state)
{
    fixture *f = *state;
    use(f, external_file(f, aws_type, aws_source(f), ""));
    ask_access(f);
    assert_int_equal(f->e.code, OK);
    static const char *const asked[] = {"PUT /session ", "GET /zone ", "GET /role ",
                                        "GET /role/the-role ", "POST /v1/token "};
    assert_int_equal(f->requests.len, ARRAY_LEN(asked));
    for (size_t i = 0; i < ARRAY_LEN(asked); i++)
        assert_row(i, str_starts(f->requests.ptr[i], str_from(asked[i])));
    assert_holds(f->requests.ptr[0], "X-aws-ec2-metadata-token-ttl-seconds: 300");
    for (size_t i = 1; i < 4; i++)
        assert_holds(f->requests.ptr[i], "X-aws-ec2-metadata-token: imds-session");
    assert_signed(f, aws_request(f), "aws-secret", true);
}

static void aws_keys_of_the_environment_need_no_service(void **state)
{
    fixture *f = *state;
    set_env(f, "AWS_ACCESS_KEY_ID", "AKID");
    set_env(f, "AWS_SECRET_ACCESS_KEY", "from-env");
    set_env(f, "AWS_DEFAULT_REGION", "eu-north-1");
    use(f, external_file(f, aws_type, aws_source(f), ""));
    ask_access(f);
    assert_int_equal(f->e.code, OK);
    assert_int_equal(f->requests.len, 1);
    assert_signed(f, aws_request(f), "from-env", false);
}

// ---- certificates -----------------------------------------------------------------------------

static str certificate(fixture *f, const char *name)
{
    buf pem;
    buf_init(&pem, 1 << 16);
    assert_code(jwk_write_cert_pem(f->key, str_from(name), 0, 4000000000, &pem, NULL), OK);
    str text = arena_str(&f->mem, buf_str(&pem));
    buf_deinit(&pem);
    return text;
}

static void a_certificate_names_itself_and_its_chain(void **state)
{
    fixture *f = *state;
    str own = certificate(f, "own"), middle = certificate(f, "middle");
    const char *cert = write_file(f, "cert.pem", own, 0600);
    secret *pem = jwk_private_pem(f->key);
    const char *key = write_file(f, "key.pem", secret_str(pem), 0600);
    secret_free(pem);
    set_env(f, "GOOGLE_API_CERTIFICATE_CONFIG",
            write_file(f, "certificate_config.json",
                       arena_printf(&f->mem,
                                    "{\"cert_configs\":{\"workload\":{\"cert_path\":\"%s\","
                                    "\"key_path\":\"%s\"}}}",
                                    cert, key),
                       0600));
    const char *chain =
        write_file(f, "chain.pem",
                   arena_printf(&f->mem, STR_FMT STR_FMT, STR_ARG(own), STR_ARG(middle)), 0600);
    const char *source = arena_printf(&f->mem,
                                      "\"certificate\":{\"use_default_certificate_config\":true,"
                                      "\"trust_chain_path\":\"%s\"}",
                                      chain)
                             .ptr;
    use(f, external_file(f, "urn:ietf:params:oauth:token-type:mtls", source, ""));
    ask_access(f);
    assert_int_equal(f->e.code, OK);
    json *list;
    assert_code(json_parse(&f->mem, asked_sts(f, "subject_token"), NULL, &list, NULL), OK);
    assert_int_equal(list->len, 2);
    assert_true(str_starts(json_at(list, 0)->text, STR("MII")));
    assert_false(str_eq(json_at(list, 0)->text, json_at(list, 1)->text));

    write_file(f, "chain.pem",
               arena_printf(&f->mem, STR_FMT STR_FMT, STR_ARG(middle), STR_ARG(own)), 0600);
    use(f, foreign.key);
    ask_access(f);
    assert_int_equal(f->e.code, CRED_SUBJECT);
    assert_non_null(strstr(f->e.msg, "own certificate behind others"));
}

// ---- refusals ---------------------------------------------------------------------------------

static void T39_what_a_file_may_make_us_call(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *source, *more, *says;
    } rows[] = {
        {"\"file\":\"/t\"", ",\"token_url\":\"https://attacker.example/v1/token\"", "token_url"},
        {"\"file\":\"/t\"", ",\"token_url\":\"https://sts.googleapis.com.evil.example/v1/token\"",
         "token_url"},
        {"\"file\":\"/t\"", ",\"token_url\":\"http://sts.googleapis.com/v1/token\"", "token_url"},
        {"\"file\":\"/t\"",
         ",\"service_account_impersonation_url\":\"https://attacker.example/v1/projects/-/"
         "serviceAccounts/a@b:generateAccessToken\"",
         "service_account_impersonation_url"},
        {"\"url\":\"http://attacker.example/\"", "", "must be https"},
        {"\"url\":\"https://user@a.example/\"", "", "must be https"},
        {"\"url\":\"file:///etc/passwd\"", "", "must be https"},
        {"\"executable\":{\"command\":\"get-token\"}", "", "absolute path"},
        {"\"executable\":{\"command\":\"./get-token\"}", "", "absolute path"},
        {"\"executable\":{\"command\":\"\"}", "", "absolute path"},
        {"\"executable\":{\"command\":\"/bin/sh\",\"timeout_millis\":4999}", "", "5000"},
        {"\"environment_id\":\"aws2\",\"regional_cred_verification_url\":"
         "\"https://sts.amazonaws.com\"",
         "", "aws1"},
        {"\"environment_id\":\"aws1\",\"regional_cred_verification_url\":"
         "\"https://sts.attacker.example\"",
         "", "Amazon"},
        {"\"environment_id\":\"aws1\",\"url\":\"https://attacker.example/\","
         "\"regional_cred_verification_url\":\"https://sts.amazonaws.com\"",
         "", "metadata address"},
        {"\"file\":\"/t\",\"url\":\"https://a.example/\"", "", "exactly one"},
        {"", "", "exactly one"},
        {"\"file\":\"/t\",\"format\":{\"type\":\"json\"}", "", "subject_token_field_name"},
        {"\"file\":\"/t\",\"format\":{\"type\":\"xml\"}", "", "text or json"},
        {"\"certificate\":{}", "", "either"},
        {"\"file\":\"/t\"", ",\"service_account_impersonation\":{\"token_lifetime_seconds\":60}",
         "600"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        str text = arena_printf(&f->mem,
                                "{\"type\":\"external_account\",\"audience\":\"%s\","
                                "\"subject_token_type\":\"%s\",\"credential_source\":{%s}%s}",
                                pool, jwt_type, rows[i].source, rows[i].more);
        set_env(f, "GOOGLE_APPLICATION_CREDENTIALS", write_file(f, "bad.json", text, 0600));
        credential_provider_free(f->provider);
        f->provider = NULL;
        ask(f, (credential_want){.kind = CREDENTIAL_ACCESS_TOKEN});
        if (f->e.code != CRED_FILE || !strstr(f->e.msg, rows[i].says) || !f->e.line)
            fail_msg("row %zu: %s", i, f->e.msg);
    }
}

static void T39_a_program_of_the_collection_is_not_run(void **state)
{
    fixture *f = *state;
    set_env(f, "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1");
    use(f, external_file(f, jwt_type, program_source(f, program_head, ""), ""));
    char elsewhere[] = "/tmp/credential-file-XXXXXX";
    close(mkstemp(elsewhere));
    assert_int_equal(rename(foreign.key, elsewhere), 0);
    foreign.key = elsewhere;
    f->options.untrusted_dir = f->dir;
    ask_access(f);
    unlink(elsewhere);
    assert_int_equal(f->e.code, CRED_FILE);
    assert_non_null(strstr(f->e.msg, "inside the collection's own directory"));
    assert_int_equal(runs(f), 0);
}

static void T40_no_foreign_token_of_the_cloud_goes_to_the_local_google(void **state)
{
    fixture *f = *state;
    const char *token = write_file(f, "token", STR("t"), 0600);
    const char *path = external_file(
        f, jwt_type, arena_printf(&f->mem, "\"file\":\"%s\"", token).ptr, becomes_robot(f));
    set_env(f, "GOOGLE_APPLICATION_CREDENTIALS", path);
    credential_want w = {.kind = CREDENTIAL_ID_TOKEN, .audience = STR("https://a.example")};
    ask(f, w);
    assert_int_equal(f->e.code, CRED_MIXED);
    assert_int_equal(f->requests.len, 0);
}

static void refusals_of_sts_name_the_way_out(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *body, *says;
    } rows[] = {
        {"{\"error\":\"invalid_grant\",\"error_description\":\"The issuer in ID Token a does not "
         "match the expected one in config: b\"}",
         "iss to the letter"},
        {"{\"error\":\"invalid_grant\",\"error_description\":\"The audience in ID Token [x] does "
         "not match the expected audience.\"}",
         "allowed audiences"},
        {"{\"error\":\"invalid_grant\",\"error_description\":\"ID Token issued at 5 is stale to "
         "sign-in.\"}",
         "have a new one made"},
        {"{\"error\":\"unauthorized_client\",\"error_description\":\"The given credential is "
         "rejected by the attribute condition.\"}",
         "attributeCondition"},
        {"{\"error\":\"invalid_target\",\"error_description\":\"The target service indicated by "
         "the \\\"audience\\\" parameters is invalid. This might either be because the pool or "
         "provider is disabled or deleted or because it doesn't exist.\"}",
         "providers list"},
    };
    const char *token = write_file(f, "token", STR("t"), 0600);
    use(f, external_file(f, jwt_type, arena_printf(&f->mem, "\"file\":\"%s\"", token).ptr, ""));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        use(f, foreign.key);
        f->statuses[0] = 400;
        f->error = rows[i].body;
        ask_access(f);
        assert_row(i, f->e.code == CRED_REFUSED && strstr(f->e.hint, rows[i].says));
    }
    use(f, external_file(f, jwt_type, arena_printf(&f->mem, "\"file\":\"%s\"", token).ptr,
                         becomes_robot(f)));
    f->statuses[0] = 0;
    f->statuses[1] = 403;
    f->error = "{\"error\":{\"code\":403,\"message\":\"denied\"}}";
    ask_id(f);
    assert_int_equal(f->e.code, CRED_IMPERSONATION);
    assert_non_null(strstr(f->e.hint, "roles/iam.workloadIdentityUser \"--member=principalSet:"
                                      "//iam.googleapis.com/projects/1/locations/global/"
                                      "workloadIdentityPools/p/*\""));
}

static void each_step_to_a_token_is_told(void **state)
{
    fixture *f = *state;
    const credential_who *who;
    err e = ERR_INIT;
    static const struct {
        const char *source, *first;
    } rows[] = {
        {"\"file\":\"/run/token\"", "the foreign token is read from the file /run/token"},
        {"\"url\":\"https://a.example/t\"",
         "the foreign token is fetched from https://a.example/t"},
        {"\"executable\":{\"command\":\"/bin/get x\",\"output_file\":\"/o\"}",
         "the foreign token is asked from the program /bin/get, if "
         "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1; what it gave before is in /o"},
        {"\"environment_id\":\"aws1\",\"regional_cred_verification_url\":"
         "\"https://sts.amazonaws.com?a=b\"",
         "a request to https://sts.amazonaws.com?a=b is signed with the AWS keys of the "
         "environment"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        use(f, external_file(f, jwt_type, rows[i].source, becomes_robot(f)));
        if (credential_identify(provider(f), STR("foreign"), true, &who, &e))
            fail_msg("row %zu: %s", i, e.msg);
        assert_int_equal(who->way_count, 3);
        assert_strz(who->way[0], rows[i].first);
        assert_str(who->way[1],
                   arena_printf(&f->mem, "it goes to " STR_FMT "/v1/token for the provider %s",
                                STR_ARG(f->up.iam_url), pool));
        assert_strz(who->way[2], "with that token, IAM credentials are asked to speak for "
                                 "robot@p.iam.gserviceaccount.com");
        assert_strz(who->principal, "robot@p.iam.gserviceaccount.com");
    }
}

// ---- workforce sign-in ------------------------------------------------------------------------

static void a_workforce_sign_in_is_refreshed_and_rotated(void **state)
{
    fixture *f = *state;
    use(f, write_file(f, "workforce.json",
                      arena_printf(&f->mem,
                                   "{\"type\":\"external_account_authorized_user\","
                                   "\"client_id\":\"id\",\"client_secret\":\"hush\","
                                   "\"refresh_token\":\"first\",\"token_url\":\"" STR_FMT
                                   "/v1/oauthtoken\"}",
                                   STR_ARG(f->up.iam_url)),
                      0600));
    ask_access(f);
    assert_int_equal(f->e.code, OK);
    assert_holds(f->requests.ptr[0], "POST /v1/oauthtoken ");
    assert_holds(f->requests.ptr[0], "Authorization: Basic aWQ6aHVzaA==");
    assert_strz(field_of(f, body_of(f->requests.ptr[0]), "refresh_token"), "first");
    credential_forget(f->provider, STR_NONE);
    ask_access(f);
    assert_strz(field_of(f, body_of(f->requests.ptr[1]), "refresh_token"), "rotated-1");
    ask_id(f);
    assert_int_equal(f->e.code, CRED_AUDIENCE);
    assert_non_null(strstr(f->e.hint, "--impersonate-service-account"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_token_in_a_file_is_exchanged),
        CASE(it_becomes_a_service_account),
        CASE(another_impersonation_stands_on_its_own_account),
        CASE(a_token_at_an_url_is_fetched_with_its_headers),
        CASE(a_workforce_names_its_project_or_its_client),
        CASE(a_program_gives_the_token_where_it_is_allowed),
        CASE(what_a_program_answers_is_checked),
        CASE(an_output_file_saves_the_program),
        CASE(aws_is_asked_by_its_metadata_service),
        CASE(aws_keys_of_the_environment_need_no_service),
        CASE(a_certificate_names_itself_and_its_chain),
        CASE(T39_what_a_file_may_make_us_call),
        CASE(T39_a_program_of_the_collection_is_not_run),
        CASE(T40_no_foreign_token_of_the_cloud_goes_to_the_local_google),
        CASE(refusals_of_sts_name_the_way_out),
        CASE(each_step_to_a_token_is_told),
        CASE(a_workforce_sign_in_is_refreshed_and_rotated),
    };
    return cmocka_run_group_tests(tests, make_key, drop_key);
}
