// SPDX-License-Identifier: Apache-2.0
// T45: what a hostile worker may write is refused, member by member, and by the frame.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test.h"
#include "js/frame.h"
#include "js/message.h"
#include "net/net.h"

static code read_message(arena *a, char type, const char *text, err *e)
{
    js_assertion assertion;
    js_error error;
    js_fetch fetch;
    js_cookie_op op;
    js_result result;
    str level, *messages;
    size_t count;
    json *root;
    assert_code(json_parse(a, str_from(text), NULL, &root, e), OK);
    switch (type) {
    case FRAME_ASSERTION:
        return message_read_assertion(root, &assertion, e);
    case FRAME_CONSOLE:
        return message_read_console(a, root, &level, &messages, &count, e);
    case FRAME_EXCEPTION:
        return message_read_error(root, &error, e);
    case FRAME_FETCH:
        return message_read_fetch(root, &fetch, e);
    case FRAME_COOKIE_OP:
        return message_read_cookie_op(root, &op, e);
    default:
        return message_read_done(a, root, &result, e);
    }
}

static void T45_members_of_the_wrong_kind_are_refused(void **state)
{
    static const struct {
        char type;
        const char *text, *member; // NULL: accepted
    } rows[] = {
        {FRAME_ASSERTION, "{\"name\":\"n\",\"index\":0,\"passed\":true}", NULL},
        {FRAME_ASSERTION, "{\"name\":\"n\",\"passed\":true,\"more\":[1]}", NULL},
        {FRAME_ASSERTION, "{\"name\":5}", "name"},
        {FRAME_ASSERTION, "{\"name\":\"n\",\"index\":-1}", "index"},
        {FRAME_ASSERTION, "{\"name\":\"n\",\"index\":100001}", "index"},
        {FRAME_ASSERTION, "{\"name\":\"n\",\"index\":1e400}", "index"},
        {FRAME_ASSERTION, "{\"name\":\"n\",\"index\":\"1\"}", "index"},
        {FRAME_ASSERTION, "{\"name\":\"n\",\"passed\":1}", "passed"},
        {FRAME_ASSERTION, "{\"name\":\"n\",\"skipped\":\"no\"}", "skipped"},
        {FRAME_ASSERTION, "{\"name\":\"n\",\"error\":\"e\"}", "error"},
        {FRAME_ASSERTION, "{\"name\":\"n\",\"error\":{\"message\":[]}}", "message"},
        {FRAME_ASSERTION, "{\"name\":\"n\",\"passed\":true,\"error\":{}}", "passed"},
        {FRAME_CONSOLE, "{\"level\":\"warn\",\"messages\":[\"a\"]}", NULL},
        {FRAME_CONSOLE, "{\"level\":\"shout\",\"messages\":[]}", "level"},
        {FRAME_CONSOLE, "{\"level\":[],\"messages\":[]}", "level"},
        {FRAME_CONSOLE, "{\"level\":\"log\"}", "messages"},
        {FRAME_CONSOLE, "{\"level\":\"log\",\"messages\":\"a\"}", "messages"},
        {FRAME_CONSOLE, "{\"level\":\"log\",\"messages\":[\"a\",5]}", "messages"},
        {FRAME_EXCEPTION, "{\"name\":\"E\",\"message\":null}", NULL},
        {FRAME_EXCEPTION, "{\"stack\":{}}", "stack"},
        {FRAME_FETCH, "{\"id\":1,\"request\":\"{}\"}", NULL},
        {FRAME_FETCH, "{\"request\":\"{}\"}", "id"},
        {FRAME_FETCH, "{\"id\":0,\"request\":\"{}\"}", "id"},
        {FRAME_FETCH, "{\"id\":4294967296,\"request\":\"{}\"}", "id"},
        {FRAME_FETCH, "{\"id\":\"1\",\"request\":\"{}\"}", "id"},
        {FRAME_FETCH, "{\"id\":1}", "request"},
        {FRAME_FETCH, "{\"id\":1,\"request\":{}}", "request"},
        {FRAME_COOKIE_OP, "{\"id\":1,\"op\":\"get\",\"url\":\"h\"}", NULL},
        {FRAME_COOKIE_OP, "{\"id\":1,\"op\":\"set\",\"url\":\"h\",\"cookie\":{\"name\":\"n\"}}",
         NULL},
        {FRAME_COOKIE_OP, "{\"op\":\"get\",\"url\":\"h\"}", "id"},
        {FRAME_COOKIE_OP, "{\"id\":1,\"op\":\"steal\",\"url\":\"h\"}", "op"},
        {FRAME_COOKIE_OP, "{\"id\":1,\"op\":\"get\"}", "url"},
        {FRAME_COOKIE_OP, "{\"id\":1,\"op\":\"get\",\"url\":\"h\",\"cookie\":[]}", "cookie"},
        {FRAME_COOKIE_OP, "{\"id\":1,\"op\":\"get\",\"url\":\"h\",\"cookie\":{\"maxAge\":-2}}",
         "maxAge"},
        {FRAME_COOKIE_OP, "{\"id\":1,\"op\":\"get\",\"url\":\"h\",\"cookie\":{\"expires\":1e300}}",
         "expires"},
        {FRAME_COOKIE_OP, "{\"id\":1,\"op\":\"get\",\"url\":\"h\",\"cookie\":{\"secure\":1}}",
         "secure"},
        {FRAME_DONE, "{}", NULL},
        {FRAME_DONE, "{\"changes\":[{\"scope\":\"local\",\"kind\":\"clear\"}],\"next\":null}",
         NULL},
        {FRAME_DONE, "{\"changes\":{}}", "changes"},
        {FRAME_DONE, "{\"changes\":[5]}", "changes"},
        {FRAME_DONE, "{\"changes\":[{\"scope\":\"data\",\"kind\":\"set\"}]}", "changes"},
        {FRAME_DONE, "{\"changes\":[{\"scope\":\"globals\",\"kind\":\"eval\"}]}", "changes"},
        {FRAME_DONE, "{\"changes\":[{\"scope\":\"globals\",\"kind\":\"set\",\"value\":5}]}",
         "value"},
        {FRAME_DONE, "{\"request\":{}}", "request"},
        {FRAME_DONE, "{\"next\":5}", "next"},
        {FRAME_DONE, "{\"skip\":\"yes\"}", "skip"},
        {FRAME_DONE, "{\"timeout\":0}", "timeout"},
        {FRAME_DONE, "{\"spoiled\":\"no\"}", "spoiled"},
        {FRAME_DONE, "{\"error\":[]}", "error"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        char wanted[100];
        err e = ERR_INIT;
        arena_init(&a);
        code c = read_message(&a, rows[i].type, rows[i].text, &e);
        assert_row(i, c == (rows[i].member ? SCRIPT_PROTOCOL : OK));
        snprintf(wanted, sizeof(wanted), "a wrong '%s'", rows[i].member ? rows[i].member : "");
        assert_row(i, !rows[i].member || strstr(e.msg, wanted));
        arena_deinit(&a);
    }
}

static void T45_lists_and_urls_are_bounded(void **state)
{
    static const struct {
        const char *head, *member, *tail;
        char type;
        int count;
    } rows[] = {
        {"{\"level\":\"log\",\"messages\":[\"\"", ",\"\"", "]}", FRAME_CONSOLE, MESSAGE_LIST_MAX},
        {"{\"changes\":[{}", ",{}", "]}", FRAME_DONE, MESSAGE_LIST_MAX},
        {"{\"id\":1,\"op\":\"get\",\"url\":\"h", "x", "\"}", FRAME_COOKIE_OP,
         MESSAGE_URL_BYTES_MAX},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        buf text;
        err e = ERR_INIT;
        arena_init(&a);
        buf_init(&text, 1 << 20);
        buf_addz(&text, rows[i].head);
        for (int k = 0; k < rows[i].count; k++)
            buf_addz(&text, rows[i].member);
        buf_addz(&text, rows[i].tail);
        assert_row(i, read_message(&a, rows[i].type, buf_cstr(&text), &e) == SCRIPT_PROTOCOL);
        buf_deinit(&text);
        arena_deinit(&a);
    }
}

// ---- frames

static void frames_are_cut_as_they_arrive(void **state)
{
    static const char whole[] = "\3\0\0\0dxyzrest";
    frame f;
    size_t len;
    (void)state;
    for (size_t i = 0; i < FRAME_HEAD_BYTES; i++) {
        assert_int_equal(frame_read((str){whole, i}, 10, &f, &len), FRAME_PARTIAL);
        assert_int_equal(len, FRAME_HEAD_BYTES);
    }
    assert_int_equal(frame_read((str){whole, 7}, 10, &f, &len), FRAME_PARTIAL);
    assert_int_equal(len, 8);
    assert_int_equal(frame_read((str){whole, 12}, 3, &f, &len), FRAME_WHOLE);
    assert_int_equal(len, 8);
    assert_int_equal(f.type, FRAME_DONE);
    assert_strz(f.payload, "xyz");
    assert_int_equal(frame_read((str){whole, 12}, 2, &f, &len), FRAME_TOO_LARGE);
    assert_int_equal(frame_read(STR("\xff\xff\xff\xff"
                                    "d"),
                                1 << 20, &f, &len),
                     FRAME_TOO_LARGE);
}

static void what_the_runner_writes_the_worker_reads(void **state)
{
    frame_run r = {.script = 7,
                   .timeout_ms = 1ull << 40,
                   .source = STR("source"),
                   .context = STR("{}"),
                   .request = STR("{\"url\":\"/\"}"),
                   .body = STR("bo\0dy")},
              back;
    str context, body;
    frame f;
    size_t len;
    buf out;
    (void)state;
    buf_init(&out, 1000);
    frame_add_run(&out, &r);
    assert_int_equal(frame_read(buf_str(&out), 1000, &f, &len), FRAME_WHOLE);
    assert_int_equal(len, out.len);
    assert_true(frame_read_run(f.payload, &back));
    assert_int_equal(back.script, 7);
    assert_true(back.timeout_ms == 1ull << 40);
    assert_strz(back.source, "source");
    assert_strz(back.context, "{}");
    assert_strz(back.request, "{\"url\":\"/\"}");
    assert_str(back.body, STR("bo\0dy"));
    for (size_t cut = 0; cut < f.payload.len - r.body.len; cut++)
        assert_row(cut, !frame_read_run(str_sub(f.payload, 0, cut), &back));
    buf_reset(&out);
    frame_add_fetched(&out, STR("{}"), STR("body"));
    assert_int_equal(frame_read(buf_str(&out), 1000, &f, &len), FRAME_WHOLE);
    assert_true(frame_read_fetched(f.payload, &context, &body));
    assert_strz(context, "{}");
    assert_strz(body, "body");
    assert_false(frame_read_fetched(str_sub(f.payload, 0, 5), &context, &body));
    buf_deinit(&out);
}

// ---- a hostile worker, through the engine

typedef struct seen seen;
struct seen {
    bool done;
    code code;
    char error[200];
    unsigned told;
};

static void on_done(void *ctx, const js_result *r)
{
    seen *s = ctx;
    s->code = r->code;
    snprintf(s->error, sizeof(s->error), STR_FMT, STR_ARG(r->error.message));
    s->done = true;
}
static void on_assertion(void *ctx, const js_assertion *a)
{
    (void)a;
    ((seen *)ctx)->told++;
}
static void on_console(void *ctx, str level, const str *messages, size_t count)
{
    (void)level, (void)messages, (void)count;
    ((seen *)ctx)->told++;
}
static void on_exception(void *ctx, const js_error *e)
{
    (void)e;
    ((seen *)ctx)->told++;
}
static void on_fetch(void *ctx, const js_fetch *f)
{
    (void)f;
    ((seen *)ctx)->told++;
}
static void on_cookies(void *ctx, const js_cookie_op *op)
{
    (void)op;
    ((seen *)ctx)->told++;
}

static void write_file(const char *path, str content, mode_t mode)
{
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, mode);
    assert_int_equal(write(fd, content.ptr, content.len), content.len);
    close(fd);
}

// A program that waits for the script, writes these bytes, and then waits for its end.
static seen run_hostile(loop *l, const char *dir, str bytes)
{
    char program[100], output[100], text[400];
    seen s = {0};
    snprintf(program, sizeof(program), "%s/worker", dir);
    snprintf(output, sizeof(output), "%s/output", dir);
    snprintf(text, sizeof(text),
             "#!/bin/sh\nprintf '\\000\\000\\000\\000h'\nhead -c 1 >/dev/null\ncat '%s'\n"
             "exec cat >/dev/null\n",
             output);
    write_file(program, str_from(text), 0700);
    write_file(output, bytes, 0600);
    js_engine *engine = js_engine_new(l, &(js_config){.worker = program});
    js_script script = {.event = JS_TEST, .source = STR("1"), .timeout_ms = 20000};
    js_callbacks cb = {on_assertion, on_console, on_exception, on_fetch, on_cookies, on_done, &s};
    js_run(engine, &script, &cb);
    assert_true(loop_run_until(l, &s.done, TEST_WAIT_MS));
    js_engine_free(engine);
    unlink(program);
    unlink(output);
    return s;
}

static void T45_a_hostile_worker_ends_its_script(void **state)
{
    static const struct {
        str bytes;
        const char *says;
        unsigned told;
    } rows[] = {
        {STR("\2\0\0\0d{}"), "", 0}, // a decent one
        {STR("\2\0\0\0z{}"), "unknown type", 0},
        {STR("\2\0\0\0d{x"), "not JSON", 0},
        {STR("\2\0\0\0d[]"), "not JSON", 0},
        {STR("\0\0\0\0h\2\0\0\0d{}"), "not JSON", 0}, // ready twice
        {STR("\xff\xff\xff\x7f"
             "d"),
         "more than 288 MiB", 0},
        {STR("\x16\0\0\0"
             "f{\"id\":1,\"request\":\"x\"}\x16\0\0\0"
             "f{\"id\":1,\"request\":\"x\"}"),
         "an id twice", 1},
        {STR("\2\0\0\0a{}\2\0\0\0x{}\2\0\0\0f{}"), "a wrong 'id'", 2},
        {STR("\x0b\0\0\0d{\"skip\":5} "), "a wrong 'skip'", 0},
    };
    char dir[] = "/tmp/js_message_test.XXXXXX";
    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        seen s = run_hostile(*state, dir, rows[i].bytes);
        if (s.code != (rows[i].says[0] ? SCRIPT_PROTOCOL : OK) || !strstr(s.error, rows[i].says))
            fail_msg("row %zu: [%s] %s", i, code_id(s.code), s.error);
        assert_int_equal(s.told, rows[i].told);
    }
    rmdir(dir);
}

static void T45_messages_and_questions_of_a_script_are_counted(void **state)
{
    static const struct {
        bool questions;
        int count;
        const char *says;
    } rows[] = {{true, 1001, "waits for more than 1000"}, {false, 100001, "more than 100000"}};
    char dir[] = "/tmp/js_message_test.XXXXXX";
    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf out;
        buf_init(&out, 4 << 20);
        for (int k = 1; k <= rows[i].count; k++) {
            char text[60] = "{}";
            if (rows[i].questions)
                snprintf(text, sizeof(text), "{\"id\":%d,\"request\":\"x\"}", k);
            frame_add_head(&out, rows[i].questions ? FRAME_FETCH : FRAME_EXCEPTION, strlen(text));
            buf_addz(&out, text);
        }
        seen s = run_hostile(*state, dir, buf_str(&out));
        assert_int_equal(s.code, SCRIPT_PROTOCOL);
        assert_row(i, strstr(s.error, rows[i].says));
        assert_int_equal(s.told, rows[i].count - 1);
        buf_deinit(&out);
    }
    rmdir(dir);
}

int main(void)
{
    loop *l = loop_new();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(T45_members_of_the_wrong_kind_are_refused),
        cmocka_unit_test(T45_lists_and_urls_are_bounded),
        cmocka_unit_test(frames_are_cut_as_they_arrive),
        cmocka_unit_test(what_the_runner_writes_the_worker_reads),
        cmocka_unit_test_prestate(T45_a_hostile_worker_ends_its_script, l),
        cmocka_unit_test_prestate(T45_messages_and_questions_of_a_script_are_counted, l),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    loop_free(l);
    return failed;
}
