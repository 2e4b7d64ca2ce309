// SPDX-License-Identifier: Apache-2.0
// The junit reporter: a suite for each request, over all iterations, and in it a case for each
// assertion. As newman's, but for two things: an assertion that failed once stays failed, and the
// elements stand in the order that the common schema wants (cases before system-err).
#include <ctype.h>

#include "report/internal.h"

enum { TEXT_BYTES_MAX = 64 << 20 };

typedef struct junit_case junit_case;
struct junit_case {
    uint32_t failed;
    char *message; // of the first failure
    char *stack;
};

typedef struct suite suite;
struct suite {
    const pm_item *item;
    map cases; // by assertion
    buf errors;
    uint32_t assertions; // of the last iteration
    uint32_t failures, error_count, runs;
    double seconds, last_seconds;
    char *identity; // of the last request that carried one
};

typedef struct junit_report junit_report;
struct junit_report {
    reporter base;
    runner *run;
    report_file *file;
    map suites; // by item id
    suite *now;
    bool failed;
};

// ---- Collecting

static void case_free(void *p)
{
    junit_case *c = p;
    free(c->message);
    free(c->stack);
    free(c);
}

static void suite_free(void *p)
{
    suite *s = p;
    map_deinit(&s->cases, case_free);
    buf_deinit(&s->errors);
    free(s->identity);
    free(s);
}

static void on_item(junit_report *r, const run_event *ev)
{
    suite *s = map_get(&r->suites, ev->item->id);
    if (!s) {
        s = mem_new(sizeof(*s));
        s->item = ev->item;
        buf_init(&s->errors, TEXT_BYTES_MAX);
        map_set(&r->suites, ev->item->id, s);
    }
    s->assertions = 0;
    r->now = s;
}

static void on_request(junit_report *r, const run_event *ev)
{
    suite *s = r->now;
    if (ev->exchange->by_script)
        return;
    s->last_seconds = ev->failure ? 0 : (double)ev->exchange->time_ms / 1000;
    s->seconds += s->last_seconds;
    s->runs++;
    if (ev->exchange->identity.age_s < 0)
        return;
    buf b;
    buf_init(&b, TEXT_BYTES_MAX);
    report_identity(&b, &ev->exchange->identity);
    free(s->identity);
    s->identity = buf_take(&b);
}

static void on_error(junit_report *r, const run_event *ev, const char *what)
{
    const run_failure *f = ev->failure;
    r->now->error_count++;
    buf_addf(&r->now->errors, "Iteration: %u\n%s: ", f->cursor.iteration, what);
    buf_adds(&r->now->errors, f->stack.len ? f->stack : f->message);
    buf_addz(&r->now->errors, "\n---\n");
}

static void on_assertion(junit_report *r, const run_event *ev)
{
    suite *s = r->now;
    junit_case *c = map_get(&s->cases, ev->assertion->name);
    if (!c) {
        c = mem_new(sizeof(*c));
        map_set(&s->cases, ev->assertion->name, c);
    }
    s->assertions++;
    if (!ev->failure)
        return;
    s->failures++;
    if (c->failed++ == 0) {
        c->message = mem_dupn(ev->failure->message.ptr, ev->failure->message.len);
        c->stack = mem_dupn(ev->failure->stack.ptr, ev->failure->stack.len);
    }
}

// ---- XML

// The characters that XML 1.0 has: all others would make the document unreadable (threat 48).
static bool xml_has(uint32_t cp)
{
    return cp >= 0x20 ? cp != 0xfffe && cp != 0xffff : cp == '\t' || cp == '\n' || cp == '\r';
}

static const char *entity_of(uint32_t cp)
{
    switch (cp) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\n':
        return "&#10;";
    default:
        return NULL;
    }
}

static void xml_text(buf *out, str text, bool cdata)
{
    while (text.len) {
        uint32_t cp = 0;
        size_t len = utf8_decode(text, &cp);
        str this = str_sub(text, 0, len ? len : 1);
        const char *entity = cdata ? NULL : entity_of(cp);
        if (!len || !xml_has(cp))
            buf_addz(out, "\xef\xbf\xbd");
        else if (cdata && str_starts(text, STR("]]>")))
            buf_addz(out, "]]]><![CDATA["); // "]]>" can't stand inside
        else if (entity)
            buf_addz(out, entity);
        else
            buf_adds(out, this);
        text = str_skip(text, this.len);
    }
}

static void attribute(buf *out, const char *name, str value)
{
    buf_addf(out, " %s=\"", name);
    xml_text(out, value, false);
    buf_addc(out, '"');
}

static void data_line(buf *out, const char *what, str text)
{
    buf_addf(out, "        <![CDATA[%s", what);
    xml_text(out, text, true);
    buf_addz(out, ".]]>\n");
}

// "F / G / first" → "FGFirst": words run together, each with a capital.
static void class_name(buf *out, str name, str otherwise)
{
    size_t before = out->len;
    bool start = true;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool hump = i && c >= 'A' && c <= 'Z' && ascii_lower(name.ptr[i - 1]) == name.ptr[i - 1];
        if (ascii_is_alnum(c))
            buf_addc(out, start || hump ? (char)toupper((unsigned char)c) : ascii_lower(c));
        start = !ascii_is_alnum(c) || ascii_is_digit(c);
    }
    if (out->len == before && name.len && otherwise.len)
        class_name(out, otherwise, STR(""));
}

static void write_case(buf *out, const suite *s, str name, const junit_case *c, str suite_name,
                       const pm_collection *collection)
{
    buf_addz(out, "    <testcase");
    attribute(out, "name", name);
    buf_addf(out, " time=\"%.3f\" classname=\"", s->last_seconds);
    class_name(out, suite_name, collection->root->name);
    if (!c->failed) {
        buf_addz(out, "\"/>\n");
        return;
    }
    buf_addz(out, "\">\n      <failure type=\"AssertionFailure\"");
    attribute(out, "message", str_from(c->message));
    buf_addf(out, ">\n        <![CDATA[Failed %u times.]]>\n", c->failed);
    data_line(out, "Collection JSON ID: ", collection->root->id);
    data_line(out, "Collection name: ", collection->root->name);
    data_line(out, "Request name: ", suite_name);
    data_line(out, "Test description: ", name);
    data_line(out, "Error message: ", str_from(c->message));
    data_line(out, "Stacktrace: ", str_from(c->stack));
    buf_addz(out, "      </failure>\n    </testcase>\n");
}

static void write_suite(buf *out, const suite *s, const char *started,
                        const pm_collection *collection)
{
    arena a;
    arena_init(&a);
    str name = report_item_name(&a, s->item);
    buf_addz(out, "  <testsuite");
    attribute(out, "name", name);
    attribute(out, "id", s->item->id);
    buf_addf(out, " timestamp=\"%s\" tests=\"%u\" failures=\"%u\" errors=\"%u\" time=\"%.3f\">\n",
             started, s->assertions, s->failures, s->error_count,
             s->runs ? s->seconds / s->runs : 0);
    if (s->identity) {
        buf_addz(out, "    <properties>\n      <property name=\"identity\"");
        attribute(out, "value", str_from(s->identity));
        buf_addz(out, "/>\n    </properties>\n");
    }
    size_t cursor = 0;
    str key;
    void *value;
    while (map_next(&s->cases, &cursor, &key, &value))
        write_case(out, s, key, value, name, collection);
    if (s->errors.len) {
        buf_addz(out, "    <system-err><![CDATA[");
        xml_text(out, buf_str(&s->errors), true);
        buf_addz(out, "]]></system-err>\n");
    }
    buf_addz(out, "  </testsuite>\n");
    arena_deinit(&a);
}

static void write_part(junit_report *r, buf *out)
{
    FILE *f = report_file_stream(r->file);
    if (!buf_ok(out) || fwrite(out->ptr, 1, out->len, f) != out->len)
        r->failed = true;
    buf_reset(out);
}

static void on_done(junit_report *r)
{
    const run_summary *s = runner_summary(r->run);
    const pm_collection *collection = runner_settings(r->run)->collection;
    char started[CLOCK_RFC3339_MAX];
    clock_rfc3339(s->started_wall_ms * 1000000, started);
    buf out;
    buf_init(&out, TEXT_BYTES_MAX);
    size_t cursor = 0;
    void *value;
    double seconds = 0;
    while (map_next(&r->suites, &cursor, &(str){0}, &value))
        seconds += ((const suite *)value)->seconds;
    buf_addz(&out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites");
    attribute(&out, "name", collection->root->name);
    buf_addf(&out, " tests=\"%u\" time=\"%.3f\">\n", s->tests.total, seconds);
    write_part(r, &out);
    cursor = 0;
    while (map_next(&r->suites, &cursor, &(str){0}, &value)) {
        write_suite(&out, value, started, collection);
        write_part(r, &out);
    }
    buf_addz(&out, "</testsuites>\n");
    write_part(r, &out);
    buf_deinit(&out);
}

static void on_event(void *ctx, const run_event *ev)
{
    junit_report *r = ctx;
    switch (ev->kind) {
    case RUN_ITEM:
        return on_item(r, ev);
    case RUN_REQUEST:
        on_request(r, ev);
        if (ev->failure)
            on_error(r, ev, "RequestError");
        return;
    case RUN_SCRIPT:
        if (ev->failure)
            on_error(r, ev,
                     ev->script_kind == JS_TEST ? "testScriptError" : "prerequestScriptError");
        return;
    case RUN_ASSERTION:
        return on_assertion(r, ev);
    case RUN_DONE:
        return on_done(r);
    default:
        return;
    }
}

static code finish(reporter *base, err *e)
{
    junit_report *r = (junit_report *)base;
    report_file *f = r->file;
    r->file = NULL;
    if (!r->failed)
        return report_file_commit(f, e);
    report_file_discard(f);
    return err_set(e, HOME_WRITE, "the JUnit report could not be written: is the disk full?");
}

static void junit_free(reporter *base)
{
    junit_report *r = (junit_report *)base;
    report_file_discard(r->file);
    map_deinit(&r->suites, suite_free);
    free(r);
}

code report_junit_new(runner *run, const report_file_options *o, reporter **ret, err *e)
{
    junit_report *r = mem_new(sizeof(*r));
    *r = (junit_report){
        .base = {.listener = {on_event, r}, .finish = finish, .free = junit_free},
        .run = run,
    };
    map_init(&r->suites);
    arena a;
    arena_init(&a);
    const char *path;
    code c = report_export_path(&a, o->path, "run-report", "xml", &path, e);
    if (c == OK)
        c = report_file_new(path, &r->file, e);
    arena_deinit(&a);
    if (c == OK)
        *ret = &r->base;
    else
        junit_free(&r->base);
    return c;
}
