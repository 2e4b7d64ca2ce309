// SPDX-License-Identifier: Apache-2.0
// The order of a run and what it counts (contracts: Postman §3).
#include "runner/run_test.h"

// A request of that name to that path, with a test script when there is one.
#define REQUEST(name, path) "{'name':'" name "','request':{'method':'GET','url':'HOST" path "'}}"
#define TESTED(name, path, script)                                                                 \
    "{'name':'" name "','request':{'method':'GET','url':'HOST" path                                \
    "'},'event':[{'listen':'test','script':{'exec':[\"" script "\"]}}]}"
#define PREPARED(name, path, script)                                                               \
    "{'name':'" name "','request':{'method':'GET','url':'HOST" path                                \
    "'},'event':[{'listen':'prerequest','script':{'exec':[\"" script "\"]}}]}"
#define COLLECTION(items) "{'info':{'name':'C'},'item':[" items "]}"

static void an_empty_collection_starts_and_ends(void **state)
{
    stage *s = *state;
    const run_summary *sum = run(s, "{'info':{'name':'C'},'item':[]}");
    assert_log(s, "start\ndone\n");
    assert_int_equal(sum->iterations.total, 0);
    assert_int_equal(sum->failures.len, 0);
}

static void a_request_without_scripts_is_sent(void **state)
{
    stage *s = *state;
    const run_summary *sum = run(s, COLLECTION(REQUEST("one", "/echo?a=1")));
    assert_log(s, "start\niteration 0/1\nitem one 0/1\nscripts prerequest\nscripts end\nrequest\n"
                  "response 200\nscripts test\nscripts end\nitem end\niteration end\ndone\n");
    assert_strz(request_line(s, 0), "GET /echo?a=1");
    assert_true(contains(s->body, "GET /echo?a=1 HTTP/1.1"));
    assert_int_equal(sum->requests.total, 1);
    assert_int_equal(sum->requests.pending, 0);
    assert_int_equal(sum->iterations.total, 1);
    assert_int_equal(sum->items.total, 1);
    assert_int_equal(sum->tests.total, 1);
    assert_int_equal(sum->scripts.total, 0);
    assert_true(sum->response_bytes > 0);
}

#define EVENT(listen, script) "{'listen':'" listen "','script':{'exec':[\"" script "\"]}}"

static void scripts_run_outermost_first(void **state)
{
    stage *s = *state;
    const run_summary *sum =
        run(s, "{'info':{'name':'C'},'event':["
               "{'listen':'test','script':{'exec':['console.log(`t`, 1)']}},"
               "{'listen':'prerequest','script':{'exec':['console.log(`p`, 1)']}}],"
               "'item':[{'name':'F','event':["
               "{'listen':'prerequest','script':{'exec':['console.log(`p`, 2)']}},"
               "{'listen':'test','script':{'exec':['console.log(`t`, 2)']}}],"
               "'item':[{'name':'one','request':'HOST/x','event':["
               "{'listen':'test','script':{'exec':['console.log(`t`, 3);',"
               "'pm.test(`is 200`, () => pm.expect(pm.response.code).to.equal(200))']}}]}]}]}");
    assert_log(s, "start\niteration 0/1\nitem one 0/1\n"
                  "scripts prerequest\n"
                  "script prerequest of C\nconsole 'p' 1\nscript end of C\n"
                  "script prerequest of F\nconsole 'p' 2\nscript end of F\n"
                  "scripts end\nrequest\nresponse 200\n"
                  "scripts test\n"
                  "script test of C\nconsole 't' 1\nscript end of C\n"
                  "script test of F\nconsole 't' 2\nscript end of F\n"
                  "script test of one\nconsole 't' 3\nassertion is 200\nscript end of one\n"
                  "scripts end\nitem end\niteration end\ndone\n");
    assert_int_equal(sum->scripts.total, 5);
    assert_int_equal(sum->test_scripts.total, 3);
    assert_int_equal(sum->prerequest_scripts.total, 2);
    assert_int_equal(sum->assertions.total, 1);
    assert_int_equal(sum->assertions.failed, 0);
}

static void errors_do_not_stop_what_comes_after(void **state)
{
    stage *s = *state;
    const run_summary *sum = run(
        s,
        COLLECTION("{'name':'one','request':'http://127.0.0.1:1/','event':[" EVENT(
            "prerequest",
            "throw new Error(`before`)") "," EVENT("test",
                                                   "console.log(pm.response.code); "
                                                   "pm.test(`never`, () => "
                                                   "pm.expect(1).to.equal(2)); "
                                                   "undefined_name") "]}," REQUEST("two", "/two")));
    assert_strz(lines_of(s, "script end"),
                "script end of one FAIL Error: before at prerequest-script:1:28|"
                "script end of one FAIL ReferenceError: 'undefined_name' is not defined at "
                "test-script:1:94");
    assert_strz(lines_of(s, "response"),
                "response 0 FAIL Error: connect ECONNREFUSED 127.0.0.1:1 at request|response 200");
    assert_strz(lines_of(s, "console"), "console undefined");
    assert_strz(lines_of(s, "assertion"),
                "assertion never FAIL AssertionError: expected 1 to equal 2 at "
                "assertion:0 in test-script");
    assert_int_equal(sum->failures.len, 4);
    assert_int_equal(sum->requests.failed, 1);
    assert_int_equal(sum->scripts.failed, 2);
    assert_int_equal(sum->test_scripts.failed, 1);
    assert_int_equal(sum->prerequest_scripts.failed, 1);
    assert_int_equal(sum->failures.ptr[1].code, FETCH_CONNECT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(an_empty_collection_starts_and_ends),
        STAGED(a_request_without_scripts_is_sent),
        STAGED(scripts_run_outermost_first),
        STAGED(errors_do_not_stop_what_comes_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
