// SPDX-License-Identifier: Apache-2.0
// What the trail says of each verdict, and that it says it before the verdict is known.
#include "guard/test_guard.h"
#include "net/net.h"

static const json *at(const json *v, const char *path)
{
    str rest = str_from(path), name;
    while (v && str_next(&rest, '.', &name))
        v = json_is(v, JSON_ARRAY) ? json_at(v, 0) : json_gets(v, name);
    return v;
}

static void assert_at(const json *entry, const char *path, const char *text)
{
    str is = json_str_or(at(entry, path), STR("(missing)"));
    if (!str_eq(is, str_from(text)))
        fail_msg("%s is \"" STR_FMT "\", wanted \"%s\"", path, STR_ARG(is), text);
}

static void assert_has(const json *entry, const char *path, const char *part)
{
    str is = json_str_or(at(entry, path), STR("(missing)"));
    if (str_find(is, str_from(part)) < 0)
        fail_msg("%s is \"" STR_FMT "\" without \"%s\"", path, STR_ARG(is), part);
}

static bool granted(const json *entry)
{
    return json_bool_or(at(entry, "protoPayload.authorizationInfo.0.granted"), false);
}

static int64_t status_of(const json *entry)
{
    return json_i64_or(at(entry, "protoPayload.status.code"), 0);
}

static void an_allowed_call(void **state)
{
    fixture *f = *state;
    call_as(f, TESTER);
    const json *e = last_entry(f);
    assert_int_equal(f->entries, 1);
    assert_at(e, "insertId", f->v.audit_id);
    assert_at(e, "logName", "projects/demo/logs/cloudaudit.googleapis.com%2Fdata_access");
    assert_at(e, "resource.type", "cloud_run_revision");
    assert_at(e, "resource.labels.service_name", "orders");
    assert_at(e, "protoPayload.serviceName", "run.googleapis.com");
    assert_at(e, "protoPayload.resourceName",
              "projects/demo/locations/europe-west1/services/orders");
    assert_at(e, "protoPayload.authenticationInfo.principalEmail", TESTER);
    assert_at(e, "protoPayload.authenticationInfo.principalSubject", "serviceAccount:" TESTER);
    assert_at(e, "protoPayload.authorizationInfo.0.permission", "run.routes.invoke");
    assert_at(e, "protoPayload.authorizationInfo.0.permissionType", "DATA_WRITE");
    assert_true(granted(e));
    assert_int_equal(status_of(e), 0);
    assert_at(e, "trace", "projects/demo/traces/4bf92f3577b34da6a3ce929d0e0e4736");
    assert_at(e, "protoPayload.metadata.issuer", GOOGLE);
    assert_at(e, "protoPayload.metadata.audience", ORDERS);
    assert_has(e, "protoPayload.metadata.explanation", "roles/run.invoker");
    assert_has(e, "protoPayload.metadata.source", "Gatepost: an extension");
}

static void a_refused_caller(void **state)
{
    fixture *f = *state;
    call_as(f, STRANGER);
    const json *e = last_entry(f);
    assert_false(granted(e));
    assert_int_equal(status_of(e), 7);
    assert_at(e, "protoPayload.authenticationInfo.principalEmail", STRANGER);
    assert_at(e, "protoPayload.metadata.code", "GP-IAM-04");
    assert_has(e, "protoPayload.metadata.explanation", STRANGER);
    assert_at(e, "protoPayload.metadata.decision.bindings.0.outcome", "no-member");
}

static void a_call_without_identity(void **state)
{
    fixture *f = *state;
    call(f, STR_NONE);
    const json *e = last_entry(f);
    assert_false(granted(e));
    assert_int_equal(status_of(e), 7);
    assert_at(e, "protoPayload.metadata.code", "GP-IAM-05");
    assert_null(at(e, "protoPayload.authenticationInfo.principalEmail"));
}

static void a_token_that_does_not_hold_names_nobody(void **state)
{
    fixture *f = *state;
    call(f, bearer_of(f, sign_as(f, other_key, "JWT", claims_of(f, TESTER, ORDERS))));
    const json *e = last_entry(f);
    assert_false(granted(e));
    assert_int_equal(status_of(e), 16);
    assert_at(e, "protoPayload.metadata.code", "GP-JWT-06");
    assert_null(at(e, "protoPayload.authenticationInfo.principalEmail"));
    assert_true(str_find(f->entry, STR(TESTER)) < 0);
    call(f, bearer_of(f, token_of(f, TESTER, "https://elsewhere.example")));
    e = last_entry(f);
    assert_int_equal(status_of(e), 16);
    assert_at(e, "protoPayload.metadata.code", "GP-AUD-01");
    assert_has(e, "protoPayload.metadata.explanation", "https://elsewhere.example");
}

static void an_open_service_tells_why_a_token_was_not_considered(void **state)
{
    fixture *f = *state;
    set_policy(f, PUBLIC);
    call(f, STR("Bearer opaque"));
    const json *e = last_entry(f);
    assert_true(granted(e));
    assert_has(e, "protoPayload.metadata.credentialIgnored", "not a JWT");
    call(f, STR_NONE);
    assert_null(at(last_entry(f), "protoPayload.metadata.credentialIgnored"));
}

static void every_verdict_has_one_entry(void **state)
{
    fixture *f = *state;
    const str headers[] = {
        STR_NONE,
        STR("Basic x"),
        STR("Bearer ya29.a"),
        STR("Bearer a b"),
        bearer_of(f, token_of(f, TESTER, ORDERS)),
        bearer_of(f, token_of(f, TESTER, ORDERS)),
        bearer_of(f, token_of(f, TESTER, ORDERS)), // recalled
        bearer_of(f, token_of(f, STRANGER, ORDERS)),
        bearer_of(f, token_of(f, TESTER, "x")),
    };
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        call(f, headers[i]);
        const json *e = last_entry(f); // in the file already
        assert_int_equal(f->entries, i + 1);
        assert_at(e, "insertId", f->v.audit_id);
        assert_row(i, granted(e) == f->v.allowed);
    }
}

static void T32_no_token_gets_into_the_trail(void **state)
{
    fixture *f = *state;
    str victim = token_of(f, TESTER, ORDERS);
    str inside =
        sign_as(f, key, "JWT",
                arena_printf(&f->mem, "{\"iss\":\"" GOOGLE "\",\"aud\":\"" STR_FMT "\",\"exp\":%d}",
                             STR_ARG(victim), NOW + 60));
    call(f, bearer_of(f, inside));
    assert_refused(f, 401, JWT_AUDIENCE);
    last_entry(f);
    assert_true(str_find(f->entry, str_sub(victim, 0, 40)) < 0);
    assert_true(str_find(f->entry, str_sub(inside, 0, 60)) < 0);
}

static void a_trail_that_takes_no_more_is_503(void **state)
{
    fixture *f = *state;
    loop *l = loop_new();
    audit_options o = {.pending_bytes_max = 1};
    audit_spool_close(f->spool);
    assert_code(audit_spool_open(l, f->dir, &o, &f->spool, NULL), OK);
    open_guard(f);
    call_as(f, TESTER);
    assert_passes(f, TESTER);
    call_as(f, TESTER);
    assert_false(f->v.allowed);
    assert_int_equal(f->v.status, 503);
    assert_code(f->v.code, AUDIT_BUSY);
    assert_int_equal(f->v.audit_id[0], 0);
    assert_code(audit_spool_flush(f->spool, NULL), OK);
    call_as(f, STRANGER);
    assert_refused(f, 403, IAM_DENIED);
    assert_code(audit_spool_flush(f->spool, NULL), OK);
    last_entry(f);
    assert_int_equal(f->entries, 2);
    guard_free(f->guard);
    f->guard = NULL;
    audit_spool_close(f->spool);
    f->spool = NULL;
    loop_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_allowed_call),
        CASE(a_refused_caller),
        CASE(a_call_without_identity),
        CASE(a_token_that_does_not_hold_names_nobody),
        CASE(an_open_service_tells_why_a_token_was_not_considered),
        CASE(every_verdict_has_one_entry),
        CASE(T32_no_token_gets_into_the_trail),
        CASE(a_trail_that_takes_no_more_is_503),
    };
    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
