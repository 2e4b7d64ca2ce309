// SPDX-License-Identifier: Apache-2.0
// Bodies of every mode, and the Content-Type that goes with them: as newman 6.2.2 sends them.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test.h"
#include "postman/postman.h"

static char dir[64];
static pm_folder *folder;

static void put(const char *name, const char *content)
{
    char path[200];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    close(fd);
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/pm_body_test.XXXXXX");
    assert_non_null(mkdtemp(dir));
    put("a.txt", "AAA");
    put("b.json", "{\"b\":1}");
    put("noext", "N");
    put("\xc3\xbc.png", "P");
    put("key.pem", "-----BEGIN PRIVATE KEY-----");
    return pm_folder_new(dir, NULL, 0, &folder, NULL);
}

static int remove_folder(void **state)
{
    static const char *const names[] = {"a.txt", "b.json", "noext", "\xc3\xbc.png", "key.pem"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char path[200];
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        unlink(path);
    }
    pm_folder_free(folder);
    return rmdir(dir);
}

// ---- preparing

static void prepare(arena *a, const char *request, const pm_prepare_options *o, pm_call *ret)
{
    json *v;
    err e = ERR_INIT;
    assert_code(json_parse(a, str_from(request), NULL, &v, &e), OK);
    if (pm_prepare(a, v, o, ret, &e) != OK)
        fail_msg("%s: %s", request, e.msg);
}

// All segments, files read; checks the sums.
static str body_of(arena *a, const pm_call *call)
{
    buf out;
    buf_init(&out, 1 << 20);
    for (size_t i = 0; i < call->body.len; i++) {
        const pm_segment *s = &call->body.ptr[i];
        if (s->fd < 0) {
            assert_int_equal(s->bytes.len, s->len);
            buf_adds(&out, s->bytes);
            continue;
        }
        char *to = buf_reserve(&out, s->len);
        assert_int_equal(pread(s->fd, to, s->len, 0), s->len);
        out.len += s->len;
    }
    assert_int_equal(out.len, call->body_bytes);
    str text = arena_str(a, buf_str(&out));
    buf_deinit(&out);
    return text;
}

typedef struct row row;
struct row {
    const char *body;    // of a POST
    const char *headers; // an array; NULL: none
    const char *type;    // Content-Type; NULL: none
    const char *bytes;
    size_t warnings;
};

static void check(size_t i, const row *r)
{
    arena a;
    pm_call call;
    arena_init(&a);
    pm_prepare_options o = {.folder = folder};
    str request = arena_printf(&a, "{\"url\":\"h\",\"method\":\"POST\",\"header\":%s,\"body\":%s}",
                               r->headers ? r->headers : "[]", r->body);
    prepare(&a, request.ptr, &o, &call);
    const pm_header *type = pm_call_header(&call, STR("Content-Type"));
    str length = pm_call_header(&call, STR("Content-Length"))->value, body = body_of(&a, &call);
    if (!str_eq(body, str_from(r->bytes)))
        fail_msg("row %zu: %s: got \"" STR_FMT "\", wanted \"%s\"", i, r->body, STR_ARG(body),
                 r->bytes);
    assert_row(i, !type == !r->type);
    if (type)
        assert_strz(type->value, r->type);
    uint64_t bytes;
    assert_row(i, str_to_u64(length, &bytes) && bytes == body.len);
    assert_row(i, call.warnings.len == r->warnings);
    pm_call_deinit(&call);
    arena_deinit(&a);
}

// ---- modes

#define TYPE(type) "[{\"key\":\"content-type\",\"value\":\"" type "\"}]"
#define RAW(raw) "{\"mode\":\"raw\",\"raw\":" raw "}"
#define RAW_AS(raw, language)                                                                      \
    "{\"mode\":\"raw\",\"raw\":" raw ",\"options\":{\"raw\":{\"language\":\"" language "\"}}}"

static void raw(void **state)
{
    static const row rows[] = {
        {RAW("\"text\""), NULL, "text/plain", "text", 0},
        {RAW_AS("\"{}\"", "json"), NULL, "application/json", "{}", 0},
        {RAW_AS("\"{}\"", "xml"), NULL, "application/xml", "{}", 0},
        {RAW_AS("\"{}\"", "html"), NULL, "text/html", "{}", 0},
        {RAW_AS("\"{}\"", "javascript"), NULL, "application/javascript", "{}", 0},
        {RAW_AS("\"{}\"", "text"), NULL, "text/plain", "{}", 0},
        {RAW_AS("\"{}\"", "weird"), NULL, "text/plain", "{}", 0},
        {RAW("\"x\""), TYPE("a/b"), "a/b", "x", 0},
        {RAW_AS("{\"a\":[1]}", "json"), NULL, "application/json", "{\"a\":[1]}", 0},
        {RAW("5"), NULL, "text/plain", "5", 0},
        {RAW("\"\""), NULL, NULL, "", 0},
        {RAW("null"), NULL, NULL, "", 0},
        {"{\"mode\":\"raw\",\"raw\":\"x\",\"disabled\":true}", NULL, NULL, "", 0},
        {"{\"mode\":\"nothing\",\"nothing\":\"x\"}", NULL, NULL, "", 0},
        {"{\"raw\":\"no mode\"}", NULL, NULL, "", 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check(i, &rows[i]);
}

static void comments_are_stripped_from_json(void **state)
{
    static const row rows[] = {
        {RAW_AS("\"{\\n // one\\n \\\"a\\\": \\\"x//y\\\", /* two */ \\\"b\\\": \\\"q\\\\\\\"/*z*/"
                "\\\"\\n}\"",
                "json"),
         NULL, "application/json", "{\n \n \"a\": \"x//y\",  \"b\": \"q\\\"/*z*/\"\n}", 0},
        {RAW_AS("\"{}//end\"", "json"), NULL, "application/json", "{}", 0},
        {RAW_AS("\"{}/*end\"", "json"), NULL, "application/json", "{}", 0},
        {RAW_AS("\"{}/\"", "json"), NULL, "application/json", "{}/", 0},
        {RAW("\"{} // x\""), TYPE("application/vnd.x+json"), "application/vnd.x+json", "{} ", 0},
        {RAW("\"{} // x\""), TYPE("application/json; charset=utf-8"),
         "application/json; charset=utf-8", "{} ", 0},
        {RAW("\"{} // x\""), TYPE("text/json"), "text/json", "{} // x", 0},
        {RAW("\"{} // x\""), NULL, "text/plain", "{} // x", 0},
        {RAW_AS("\"{} // x\"", "text"), TYPE("application/json"), "application/json", "{} // x", 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check(i, &rows[i]);
}

#define FORM_TYPE "application/x-www-form-urlencoded"
static void urlencoded(void **state)
{
    static const row rows[] = {
        {"{\"mode\":\"urlencoded\",\"urlencoded\":[{\"key\":\"a b\",\"value\":\"!'()*~-_. +&=\"},"
         "{\"key\":\"n\",\"value\":null},{\"key\":\"e\"},{\"key\":\"d\",\"value\":\"1\","
         "\"disabled\":true},{\"key\":\"\xc3\xa9\",\"value\":\"\xe2\x82\xac\"},{\"key\":\"a b\","
         "\"value\":\"2\"},{\"key\":\"num\",\"value\":5},{\"key\":\"bo\",\"value\":true},{\"key\":"
         "\"\",\"value\":\"v\"}]}",
         NULL, FORM_TYPE,
         "a%20b=%21%27%28%29%2A~-_.%20%2B%26%3D&a%20b=2&n=&e=&%C3%A9=%E2%82%AC&num=5&bo=true&=v",
         0},
        {"{\"mode\":\"urlencoded\",\"urlencoded\":\"a=b c&d=%41&e\"}", NULL, FORM_TYPE,
         "a=b%20c&d=%2541&e=", 0},
        {"{\"mode\":\"urlencoded\",\"urlencoded\":[{\"key\":\"a\",\"value\":\"b\"}]}",
         TYPE("text/x"), FORM_TYPE, "a=b", 0},
        {"{\"mode\":\"urlencoded\",\"urlencoded\":[{\"key\":\"a\",\"value\":\"b\"}]}",
         TYPE(FORM_TYPE ";charset=x"), FORM_TYPE ";charset=x", "a=b", 0},
        {"{\"mode\":\"urlencoded\",\"urlencoded\":[{\"key\":\"a\",\"disabled\":true}]}", NULL, NULL,
         "", 0},
        {"{\"mode\":\"urlencoded\",\"urlencoded\":[]}", NULL, NULL, "", 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check(i, &rows[i]);
}

#define GQL(members) "{\"mode\":\"graphql\",\"graphql\":" members "}"
static void graphql(void **state)
{
    static const row rows[] = {
        {GQL("{\"query\":\"{ a }\",\"operationName\":\"O\",\"variables\":\"{\\\"x\\\": 1}\"}"),
         NULL, "application/json",
         "{\"query\":\"{ a }\",\"operationName\":\"O\",\"variables\":{\"x\": 1}}", 0},
        {GQL("{\"query\":\"{ a }\",\"variables\":\"\"}"), NULL, "application/json",
         "{\"query\":\"{ a }\"}", 0},
        {GQL("{\"query\":\"{ a }\",\"variables\":{\"x\":1}}"), NULL, "application/json",
         "{\"query\":\"{ a }\",\"variables\":{\"x\":1}}", 0},
        {GQL("{\"query\":\"{ a }\",\"variables\":\"{x\"}"), NULL, "application/json",
         "{\"query\":\"{ a }\",\"variables\":{x}", 0},
        {GQL("{\"query\":\"{ a }\",\"operationName\":null,\"variables\":\"{}\"}"), NULL,
         "application/json", "{\"query\":\"{ a }\",\"variables\":{}}", 0},
        {GQL("{\"query\":\"a\"}"), TYPE("a/b"), "a/b", "{\"query\":\"a\"}", 0},
        {GQL("{}"), NULL, NULL, "", 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check(i, &rows[i]);
}

static void files(void **state)
{
    static const row rows[] = {
        {"{\"mode\":\"file\",\"file\":{\"src\":\"b.json\"}}", NULL, "application/json", "{\"b\":1}",
         0},
        {"{\"mode\":\"file\",\"file\":{\"src\":\"noext\"}}", NULL, "application/octet-stream", "N",
         0},
        {"{\"mode\":\"file\",\"file\":\"a.txt\"}", NULL, "text/plain", "AAA", 0},
        {"{\"mode\":\"file\",\"file\":{\"src\":\"b.json\"}}", TYPE("a/b"), "a/b", "{\"b\":1}", 0},
        {"{\"mode\":\"file\",\"file\":{\"content\":\"aGk=\"}}", NULL, NULL, "hi", 0},
        {"{\"mode\":\"file\",\"file\":{\"src\":\"nope\"}}", NULL, NULL, "", 1},
        {"{\"mode\":\"file\",\"file\":{\"src\":\"../etc/passwd\"}}", NULL, NULL, "", 1},
        {"{\"mode\":\"file\",\"file\":{\"src\":\"key.pem\"}}", NULL, NULL, "", 1}, // T41
        {"{\"mode\":\"file\",\"file\":{}}", NULL, NULL, "", 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check(i, &rows[i]);
}

// ---- form-data

#define PART(head, content)                                                                        \
    "--B\r\nContent-Disposition: form-data; name=" head "\r\n\r\n" content "\r\n"
static void formdata(void **state)
{
    static const struct {
        const char *param, *parts;
        size_t warnings;
    } rows[] = {
        {"{\"key\":\"t\",\"value\":\"v\"}", PART("\"t\"", "v"), 0},
        {"{\"key\":\"t\",\"value\":\"v\",\"type\":\"text\",\"contentType\":\"application/json\"}",
         PART("\"t\"\r\nContent-Type: application/json", "v"), 0},
        {"{\"key\":\"n\",\"value\":5}", PART("\"n\"", "5"), 0},
        {"{\"key\":\"o\",\"value\":{\"a\":1}}", PART("\"o\"", "{\"a\":1}"), 0},
        {"{\"key\":\"e\"}", PART("\"e\"", ""), 0},
        {"{\"key\":\"e\",\"value\":null}", PART("\"e\"", ""), 0},
        {"{\"key\":\"f\",\"type\":\"file\",\"src\":\"a.txt\"}",
         PART("\"f\"; filename=\"a.txt\"\r\nContent-Type: text/plain", "AAA"), 0},
        {"{\"key\":\"f\",\"type\":\"file\",\"src\":\"noext\"}",
         PART("\"f\"; filename=\"noext\"\r\nContent-Type: application/octet-stream", "N"), 0},
        {"{\"key\":\"m\",\"type\":\"file\",\"src\":[\"a.txt\",\"b.json\"]}",
         PART("\"m\"; filename=\"a.txt\"\r\nContent-Type: text/plain", "AAA")
             PART("\"m\"; filename=\"b.json\"\r\nContent-Type: application/json", "{\"b\":1}"),
         0},
        {"{\"key\":\"f\",\"type\":\"file\",\"src\":\"a.txt\",\"fileName\":\"other.png\"}",
         PART("\"f\"; filename=\"other.png\"\r\nContent-Type: image/png", "AAA"), 0},
        {"{\"key\":\"f\",\"type\":\"file\",\"src\":\"a.txt\",\"contentType\":\"x/y\"}",
         PART("\"f\"; filename=\"a.txt\"\r\nContent-Type: x/y", "AAA"), 0},
        {"{\"key\":\"f\",\"type\":\"file\",\"src\":\"\xc3\xbc.png\"}",
         PART("\"f\"; filename=\"\xc3\xbc.png\"; filename*=UTF-8''%C3%BC.png\r\n"
              "Content-Type: image/png",
              "P"),
         0},
        {"{\"key\":\"i\",\"type\":\"file\",\"value\":\"aGk=\",\"fileName\":\"i.bin\"}",
         PART("\"i\"; filename=\"i.bin\"\r\nContent-Type: application/octet-stream", "hi"), 0},
        {"{\"key\":\"e\",\"type\":\"file\",\"src\":\"\"}", PART("\"e\"; filename=\"\"", ""), 1},
        {"{\"key\":\"e\",\"type\":\"file\",\"src\":[]}", PART("\"e\"; filename=\"\"", ""), 1},
        {"{\"key\":\"e\",\"type\":\"file\",\"src\":null}", PART("\"e\"; filename=\"\"", ""), 1},
        // what may not or can't be read is left out and told
        {"{\"key\":\"x\",\"type\":\"file\",\"src\":\"nope\"}", "", 1},
        {"{\"key\":\"x\",\"type\":\"file\",\"src\":[\"nope\",\"a.txt\",\"key.pem\"]}",
         PART("\"x\"; filename=\"a.txt\"\r\nContent-Type: text/plain", "AAA"), 2},
        {"{\"key\":\"x\",\"type\":\"file\",\"src\":\"/etc/passwd\"}", "", 1},
        {"{\"key\":\"d\",\"value\":\"v\",\"disabled\":true}", "", 0},
        // nothing breaks out of a part's head
        {"{\"key\":\"q\\\"q\\r\\nX: y\",\"value\":\"v\"}", PART("\"q%22q%0D%0AX: y\"", "v"), 0},
        {"{\"key\":\"t\",\"value\":\"v\",\"contentType\":\"a/b\\r\\nX: y\"}", PART("\"t\"", "v"),
         0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        arena_init(&a);
        str body = arena_printf(
            &a, "{\"mode\":\"formdata\",\"formdata\":[%s,{\"key\":\"z\",\"value\":\"\"}]}",
            rows[i].param);
        str bytes = arena_printf(&a, "%s" PART("\"z\"", "") "--B--\r\n", rows[i].parts);
        row r = {body.ptr, TYPE("multipart/form-data; boundary=B"),
                 "multipart/form-data; boundary=B", bytes.ptr, rows[i].warnings};
        check(i, &r);
        arena_deinit(&a);
    }
}

static void formdata_of_nothing_is_no_body(void **state)
{
    static const row rows[] = {
        {"{\"mode\":\"formdata\",\"formdata\":[{\"key\":\"x\",\"type\":\"file\",\"src\":\"nope\"}]"
         "}",
         NULL, NULL, "", 1},
        {"{\"mode\":\"formdata\",\"formdata\":[{\"key\":\"x\",\"value\":\"v\",\"disabled\":true}]}",
         NULL, NULL, "", 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check(i, &rows[i]);
}

static void a_quoted_boundary_is_understood(void **state)
{
    (void)state;
    row r = {"{\"mode\":\"formdata\",\"formdata\":[{\"key\":\"z\",\"value\":\"\"}]}",
             TYPE("multipart/form-data; boundary=\\\"B\\\"; x=y"),
             "multipart/form-data; boundary=\"B\"; x=y", PART("\"z\"", "") "--B--\r\n", 0};
    check(0, &r);
}

static void formdata_names_its_boundary(void **state)
{
    static const char *const types[] = {NULL, "application/json", "multipart/form-data",
                                        "multipart/form-data; boundary="};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        arena a;
        pm_call call;
        str boundary, rest;
        arena_init(&a);
        pm_prepare_options o = {.folder = folder};
        str request = arena_printf(
            &a,
            "{\"url\":\"h\",\"method\":\"POST\",\"header\":[{\"key\":\"%s\",\"value\":\"%s\"}],"
            "\"body\":{\"mode\":\"formdata\",\"formdata\":[{\"key\":\"t\",\"value\":\"v\"}]}}",
            types[i] ? "Content-Type" : "X", types[i] ? types[i] : "");
        prepare(&a, request.ptr, &o, &call);
        str type = pm_call_header(&call, STR("Content-Type"))->value;
        assert_row(i, str_starts(type, STR("multipart/form-data; boundary=-----")));
        assert_true(str_cut(type, '=', &rest, &boundary));
        str end = arena_printf(&a, "--" STR_FMT "--\r\n", STR_ARG(boundary));
        assert_row(i, str_ends(body_of(&a, &call), end));
        pm_call_deinit(&call);
        arena_deinit(&a);
    }
}

// ---- who has a body

static void bodies_are_pruned_by_method(void **state)
{
    static const struct {
        const char *method;
        bool kept;
    } rows[] = {{"GET", false},   {"get", false},    {"COPY", false},   {"HEAD", false},
                {"PURGE", false}, {"UNLOCK", false}, {"POST", true},    {"PUT", true},
                {"PATCH", true},  {"DELETE", true},  {"OPTIONS", true}, {"LINK", true}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        pm_call call, kept;
        arena_init(&a);
        pm_prepare_options o = {0}, all = {.behavior = {.no_pruning = true}};
        str request = arena_printf(
            &a, "{\"url\":\"h\",\"method\":\"%s\",\"body\":" RAW("\"x\"") "}", rows[i].method);
        prepare(&a, request.ptr, &o, &call);
        prepare(&a, request.ptr, &all, &kept);
        assert_row(i, (call.body.len == 1) == rows[i].kept);
        assert_row(i, !pm_call_header(&call, STR("Content-Type")) == !rows[i].kept);
        assert_int_equal(kept.body.len, 1);
        pm_call_deinit(&call);
        pm_call_deinit(&kept);
        arena_deinit(&a);
    }
}

// A script can't upload files, and is told so.
static void T41_scripts_upload_no_files(void **state)
{
    static const char *const bodies[] = {
        "{\"mode\":\"file\",\"file\":{\"src\":\"a.txt\"}}",
        "{\"mode\":\"formdata\",\"formdata\":[{\"key\":\"f\",\"type\":\"file\",\"src\":\"a.txt\"}]"
        "}",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        arena a;
        pm_call call;
        arena_init(&a);
        pm_prepare_options o = {.send_request = true};
        str request =
            arena_printf(&a, "{\"url\":\"h\",\"method\":\"POST\",\"body\":%s}", bodies[i]);
        prepare(&a, request.ptr, &o, &call);
        assert_int_equal(call.warnings.len, 1);
        assert_strz(call.warnings.ptr[0], "uploading files from scripts is not allowed");
        assert_true(str_find(body_of(&a, &call), STR("AAA")) < 0);
        pm_call_deinit(&call);
        arena_deinit(&a);
    }
}

// Files are handed on open, and closed with the call.
static void files_are_not_read_into_memory(void **state)
{
    arena a;
    pm_call call;
    (void)state;
    arena_init(&a);
    pm_prepare_options o = {.folder = folder};
    prepare(&a,
            "{\"url\":\"h\",\"method\":\"PUT\",\"body\":{\"mode\":\"file\",\"file\":\"a.txt\"}}",
            &o, &call);
    assert_int_equal(call.body.len, 1);
    int fd = call.body.ptr[0].fd;
    assert_true(fd >= 0);
    assert_true(fcntl(fd, F_GETFD) >= 0);
    pm_call_deinit(&call);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    arena_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw),
        cmocka_unit_test(comments_are_stripped_from_json),
        cmocka_unit_test(urlencoded),
        cmocka_unit_test(graphql),
        cmocka_unit_test(files),
        cmocka_unit_test(formdata),
        cmocka_unit_test(formdata_of_nothing_is_no_body),
        cmocka_unit_test(a_quoted_boundary_is_understood),
        cmocka_unit_test(formdata_names_its_boundary),
        cmocka_unit_test(bodies_are_pruned_by_method),
        cmocka_unit_test(T41_scripts_upload_no_files),
        cmocka_unit_test(files_are_not_read_into_memory),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
