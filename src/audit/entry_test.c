// SPDX-License-Identifier: Apache-2.0
#include "audit/entry.h"
#include "audit/trail_test.h"

static const entry_stamp stamp = {{"id1", 3}, 1795486708123456789, false};

// The JSON text of the value at a path of names and indexes, separated by dots ("a.0.b").
static void assert_at(const json *root, const char *path, const char *wanted)
{
    str rest = str_from(path), part;
    const json *v = root;
    while (v && str_next(&rest, '.', &part)) {
        uint64_t index;
        v = v->type == JSON_ARRAY && str_to_u64(part, &index) ? json_at(v, index)
                                                              : json_gets(v, part);
    }
    char *text = v ? json_text(v, JSON_COMPACT) : mem_dup("(absent)");
    if (strcmp(text, wanted) != 0)
        fail_msg("%s is %s, wanted %s", path, text, wanted);
    free(text);
}

typedef struct expectation expectation;
struct expectation {
    const char *path, *value;
};

static void assert_entry(const buf *text, const expectation *rows, size_t count)
{
    arena a;
    arena_init(&a);
    json *root;
    err e = ERR_INIT;
    if (json_parse(&a, buf_str(text), NULL, &root, &e))
        fail_msg("%s in %.*s", e.msg, (int)text->len, text->ptr);
    for (size_t i = 0; i < count; i++)
        assert_at(root, rows[i].path, rows[i].value);
    arena_deinit(&a);
}

static void event_of_an_invocation(void **state)
{
    (void)state;
    sample x;
    audit_event ev = sample_event(sample_call(&x, 7));
    ev.caller.key_name = STR("//iam.googleapis.com/k");
    ev.caller.actor = STR("agent:reviewer");
    const str chain[] = {STR("a@x"), STR("b@x")};
    ev.caller.delegation = chain;
    ev.caller.delegation_count = 2;
    buf out;
    buf_init(&out, SIZE_MAX / 2);
    entry_write_event(&out, &ev, &stamp);
    static const expectation rows[] = {
        {"logName", "\"projects/demo/logs/cloudaudit.googleapis.com%2Fdata_access\""},
        {"insertId", "\"id1\""},
        {"timestamp", "\"2026-11-24T02:18:28.123456789Z\""},
        {"receiveTimestamp", "\"2026-11-24T02:18:28.123456789Z\""},
        {"severity", "\"INFO\""},
        {"resource.type", "\"cloud_run_revision\""},
        {"resource.labels",
         "{\"project_id\":\"demo\",\"location\":\"europe-west1\",\"service_name\":\"orders\","
         "\"configuration_name\":\"orders\",\"revision_name\":\"orders-00001-abc\"}"},
        {"protoPayload.@type", "\"type.googleapis.com/google.cloud.audit.AuditLog\""},
        {"protoPayload.serviceName", "\"run.googleapis.com\""},
        {"protoPayload.methodName", "\"gatepost.Invoke\""},
        {"protoPayload.authenticationInfo.principalEmail",
         "\"tester@demo.iam.gserviceaccount.com\""},
        {"protoPayload.authenticationInfo.principalSubject",
         "\"serviceAccount:tester@demo.iam.gserviceaccount.com\""},
        {"protoPayload.authenticationInfo.serviceAccountKeyName", "\"//iam.googleapis.com/k\""},
        {"protoPayload.authenticationInfo.serviceAccountDelegationInfo",
         "[{\"firstPartyPrincipal\":{\"principalEmail\":\"a@x\"}},"
         "{\"firstPartyPrincipal\":{\"principalEmail\":\"b@x\"}}]"},
        {"protoPayload.authorizationInfo.0.granted", "true"},
        {"protoPayload.authorizationInfo.0.permission", "\"run.routes.invoke\""},
        {"protoPayload.requestMetadata.callerIp", "\"127.0.0.1\""},
        {"protoPayload.requestMetadata.callerSuppliedUserAgent", "\"gatepost/0.1\""},
        {"protoPayload.status", "{}"},
        {"protoPayload.metadata", "{\"actor\":\"agent:reviewer\",\"source\":\"gatepost\","
                                  "\"explanation\":\"by roles/run.invoker\"}"},
        {"protoPayload.request", "(absent)"},
        {"httpRequest.requestMethod", "\"GET\""},
        {"httpRequest.status", "(absent)"},
        {"trace", "\"projects/demo/traces/4bf92f3577b34da6a3ce929d0e0e4736\""},
        {"spanId", "\"0000000000000007\""},
        {"traceSampled", "true"},
    };
    assert_entry(&out, rows, ARRAY_LEN(rows));
    buf_deinit(&out);
}

static void event_of_a_change(void **state)
{
    (void)state;
    const audit_label labels[] = {{"email_id", STR("a@x")}, {"unique_id", STR_NONE}};
    audit_event ev = {
        .log = AUDIT_ACTIVITY,
        .project_id = STR("demo"),
        .resource = {"service_account", labels, 2},
        .service_name = STR("iam.googleapis.com"),
        .method_name = STR("google.iam.admin.v1.CreateServiceAccountKey"),
        .permission = STR("iam.serviceAccountKeys.create"),
        .permission_type = "ADMIN_WRITE",
        .granted = true,
        .request_json = STR("{\"name\":\"projects/-/serviceAccounts/a@x\"}"),
        .response_json = STR("{\"key_type\":1}"),
    };
    buf out;
    buf_init(&out, SIZE_MAX / 2);
    entry_write_event(&out, &ev, &stamp);
    static const expectation rows[] = {
        {"logName", "\"projects/demo/logs/cloudaudit.googleapis.com%2Factivity\""},
        {"severity", "\"NOTICE\""},
        {"resource.labels", "{\"project_id\":\"demo\",\"email_id\":\"a@x\"}"},
        {"protoPayload.authenticationInfo", "{}"},
        {"protoPayload.authorizationInfo.0.permissionType", "\"ADMIN_WRITE\""},
        {"protoPayload.request", "{\"name\":\"projects/-/serviceAccounts/a@x\"}"},
        {"protoPayload.response", "{\"key_type\":1}"},
        {"protoPayload.metadata", "(absent)"},
        {"httpRequest", "(absent)"},
        {"trace", "(absent)"},
    };
    assert_entry(&out, rows, ARRAY_LEN(rows));
    buf_reset(&out);
    ev.status_code = 7;
    ev.granted = false;
    ev.status_message = STR("Permission 'x' denied");
    entry_write_event(&out, &ev, &stamp);
    static const expectation refused[] = {
        {"severity", "\"ERROR\""},
        {"protoPayload.status", "{\"code\":7,\"message\":\"Permission 'x' denied\"}"},
        {"protoPayload.authorizationInfo.0.granted", "false"},
    };
    assert_entry(&out, refused, ARRAY_LEN(refused));
    buf_deinit(&out);
}

static void request_log_entry(void **state)
{
    (void)state;
    sample x;
    audit_request rq = sample_request(sample_call(&x, 7), 200);
    buf out;
    buf_init(&out, SIZE_MAX / 2);
    entry_write_request(&out, &rq, &stamp);
    static const expectation rows[] = {
        {"logName", "\"projects/demo/logs/run.googleapis.com%2Frequests\""},
        {"timestamp", "\"2026-11-24T02:18:27.767940225Z\""}, // when it arrived
        {"receiveTimestamp", "\"2026-11-24T02:18:28.123456789Z\""},
        {"severity", "\"INFO\""},
        {"httpRequest",
         "{\"requestMethod\":\"GET\","
         "\"requestUrl\":\"https://orders-4cn5pqrsta-ew.a.run.app/orders/17\","
         "\"protocol\":\"HTTP/1.1\",\"userAgent\":\"gatepost/0.1\",\"remoteIp\":\"127.0.0.1\","
         "\"requestSize\":\"827\",\"status\":200,\"responseSize\":\"212\","
         "\"latency\":\"0.355516564s\"}"},
        {"labels", "{\"instanceId\":\"00c0ffee\"}"},
        {"protoPayload", "(absent)"},
        {"textPayload", "(absent)"},
    };
    assert_entry(&out, rows, ARRAY_LEN(rows));
    buf_deinit(&out);
}

static void severity_follows_the_status(void **state)
{
    (void)state;
    const struct {
        int status;
        const char *severity;
    } rows[] = {{200, "\"INFO\""},    {302, "\"INFO\""},  {401, "\"WARNING\""},
                {403, "\"WARNING\""}, {500, "\"ERROR\""}, {0, "\"ERROR\""}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        sample x;
        audit_request rq = sample_request(sample_call(&x, 7), rows[i].status);
        rq.text = STR("The request was not authenticated.");
        buf out;
        buf_init(&out, SIZE_MAX / 2);
        entry_write_request(&out, &rq, &stamp);
        const expectation wanted[] = {
            {"severity", rows[i].severity},
            {"textPayload", "\"The request was not authenticated.\""},
        };
        assert_entry(&out, wanted, ARRAY_LEN(wanted));
        buf_deinit(&out);
    }
}

// People put tokens into URLs, and a client chooses its User-Agent.
static void T32_no_token_in_an_entry(void **state)
{
    (void)state;
    static const char *const secrets[] = {
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLXNpZ25hdHVyZQ",
        "ya29.a0AfH6SMBx3k9Zq1LwEo7",
        "eyJhbGciOiJSUzI1NiJ9%2EeyJzdWIiOiIxIn0%2Ec2lnbmF0dXJlLXNpZ25hdHVyZQ",
    };
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
        char url[256];
        snprintf(url, sizeof url, "https://orders.run.app/x?id=17&access_token=%s", secrets[i]);
        sample x;
        sample_call(&x, 7);
        x.call.url = str_from(url);
        x.call.user_agent = x.call.referer = str_from(url);
        audit_event ev = sample_event(&x);
        audit_request rq = sample_request(&x, 200);
        buf out;
        buf_init(&out, SIZE_MAX / 2);
        entry_write_event(&out, &ev, &stamp);
        entry_write_request(&out, &rq, &stamp);
        assert_row(i, str_find(buf_str(&out), str_from(secrets[i])) < 0);
        assert_row(i, str_find(buf_str(&out), STR("c2lnbmF0dXJl")) < 0);
        assert_row(i, str_find(buf_str(&out), STR("x?id=17&")) >= 0);
        buf_deinit(&out);
    }
}

static void odd_bytes_stay_json(void **state)
{
    (void)state;
    sample x;
    sample_call(&x, 7);
    x.call.user_agent = STR("a\"b\\c\n\x1b[31m\xff\xc3\xa9");
    audit_event ev = sample_event(&x);
    buf out;
    buf_init(&out, SIZE_MAX / 2);
    entry_write_event(&out, &ev, &stamp);
    assert_null(memchr(out.ptr, '\n', out.len)); // one line
    assert_null(memchr(out.ptr, 0x1b, out.len));
    static const expectation rows[] = {
        {"httpRequest.userAgent", "\"a\\\"b\\\\c\\n\\u001b[31m\xef\xbf\xbd\xc3\xa9\""}};
    assert_entry(&out, rows, 1);
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(event_of_an_invocation),   cmocka_unit_test(event_of_a_change),
        cmocka_unit_test(request_log_entry),        cmocka_unit_test(severity_follows_the_status),
        cmocka_unit_test(T32_no_token_in_an_entry), cmocka_unit_test(odd_bytes_stay_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
