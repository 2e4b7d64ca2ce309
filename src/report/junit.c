// SPDX-License-Identifier: Apache-2.0
// The junit reporter: a suite for each turn of a request, and in it a case for each assertion and
// for each error. Newman puts all iterations into one suite, counts the last and keeps errors out
// of the cases, where CI servers don't look; apart from that the names are its.
#include <ctype.h>

#include "report/internal.h"

// The totals stand in the first element, and are known when the last is written.
enum { TEXT_BYTES_MAX = 64 << 20, TOTALS_WIDTH = 160 };

typedef struct junit_report junit_report;
struct junit_report {
    reporter base;
    report_file *file;
    report_runs runs;
    long totals_at; // where in the file
    uint64_t tests, failures, errors, skipped;
    double seconds;
    // Of the request that has its turn.
    const pm_item *item; // NULL: none has
    buf cases, system_err;
    str suite, class; // in the arena
    arena turn;
    uint32_t suite_tests, suite_failures, suite_errors, suite_skipped;
    double suite_seconds;
    char *identity;
    report_words words;
    char started[CLOCK_RFC3339_MAX];
    bool failed;
};

// ---- XML

// The characters that XML 1.0 has: all others would make the document unreadable (threat 48).
static bool xml_has(uint32_t cp)
{
    return cp >= 0x20 ? cp != 0xfffe && cp != 0xffff : cp == '\t' || cp == '\n' || cp == '\r';
}

static void xml_text(buf *out, str text, bool cdata)
{
    while (text.len) {
        uint32_t cp = 0;
        size_t len = utf8_decode(text, &cp);
        str this = str_sub(text, 0, len ? len : 1);
        const char *entity = cdata ? NULL : cp == '\n' ? "&#10;" : markup_entity(cp);
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
    buf_addf(out, "<![CDATA[%s", what);
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

// ---- Cases

static void begin_case(junit_report *r, str name)
{
    buf *out = &r->cases;
    buf_addz(out, "    <testcase");
    attribute(out, "name", name);
    attribute(out, "classname", r->class);
    buf_addf(out, " time=\"%.3f\"", r->suite_seconds);
    r->suite_tests++;
}

// `what` is "failure" or "error".
static void add_problem(junit_report *r, const char *what, str type, const run_event *ev)
{
    const run_failure *f = ev->failure;
    buf *out = &r->cases;
    buf_addf(out, ">\n      <%s", what);
    attribute(out, "type", type);
    attribute(out, "message", f->message);
    buf_addc(out, '>');
    data_line(out, "Collection JSON ID: ", ev->source->collection->root->id);
    data_line(out, "Collection name: ", ev->source->collection->root->name);
    data_line(out, "Request name: ", r->suite);
    if (f->test.len)
        data_line(out, "Test description: ", f->test);
    data_line(out, "Error message: ", f->message);
    data_line(out, "Stacktrace: ", f->stack);
    buf_addf(out, "      </%s>\n    </testcase>\n", what);
}

static void on_assertion(junit_report *r, const run_event *ev)
{
    begin_case(r, ev->assertion->name);
    if (ev->failure) {
        r->suite_failures++;
        add_problem(r, "failure", STR("AssertionFailure"), ev);
    } else if (ev->assertion->skipped) {
        r->suite_skipped++;
        buf_addz(&r->cases, "><skipped/></testcase>\n");
    } else {
        buf_addz(&r->cases, "/>\n");
    }
}

static void on_error(junit_report *r, const run_event *ev, const char *what)
{
    const run_failure *f = ev->failure;
    r->suite_errors++;
    begin_case(r, str_from(what));
    add_problem(r, "error", f->name, ev);
    buf_addf(&r->system_err, "Iteration: %u\n%s: ", f->cursor.iteration, what);
    buf_adds(&r->system_err, f->stack.len ? f->stack : f->message);
    buf_addz(&r->system_err, "\n---\n");
}

static void on_request(junit_report *r, const run_event *ev)
{
    const run_exchange *x = ev->exchange;
    if (!x->by_script && !ev->failure)
        r->suite_seconds = (double)x->time_ms / 1000;
    if (!x->by_script && x->identity.age_s >= 0) {
        buf b;
        buf_init(&b, TEXT_BYTES_MAX);
        report_identity(&r->words, &b, &x->identity);
        free(r->identity);
        r->identity = buf_take(&b);
    }
    if (ev->failure)
        on_error(r, ev, "RequestError");
}

// ---- Suites

static str text_of(arena *a, buf *b)
{
    str copy = arena_str(a, buf_str(b));
    buf_deinit(b);
    return copy;
}

static void on_item(junit_report *r, const run_event *ev)
{
    const pm_collection *c = ev->source->collection;
    buf name, class;
    arena_reset(&r->turn);
    r->item = ev->item;
    buf_reset(&r->cases);
    buf_reset(&r->system_err);
    buf_init(&name, TEXT_BYTES_MAX);
    buf_init(&class, TEXT_BYTES_MAX);
    buf_adds(&name, report_item_name(&r->turn, ev->item));
    class_name(&class, buf_str(&name), c->root->name);
    if (ev->cursor->iterations > 1) {
        buf_addf(&name, " (iteration %u)", ev->cursor->iteration + 1);
        buf_addf(&class, ".Iteration%u", ev->cursor->iteration + 1);
    }
    r->suite = text_of(&r->turn, &name);
    r->class = text_of(&r->turn, &class);
    r->suite_tests = r->suite_failures = r->suite_errors = r->suite_skipped = 0;
    r->suite_seconds = 0;
    free(r->identity);
    r->identity = NULL;
    clock_rfc3339(clock_wall_ms() * 1000000, r->started);
}

static void write_part(junit_report *r, buf *out)
{
    FILE *f = report_file_stream(r->file);
    if (!buf_ok(out) || fwrite(out->ptr, 1, out->len, f) != out->len)
        r->failed = true;
    buf_reset(out);
}

static void count_suite(junit_report *r)
{
    r->tests += r->suite_tests;
    r->failures += r->suite_failures;
    r->errors += r->suite_errors;
    r->skipped += r->suite_skipped;
    r->seconds += r->suite_seconds;
}

// Also of a turn that the end of the run cut short.
static void on_item_end(junit_report *r, const run_event *ev)
{
    buf out;
    if (!r->item)
        return;
    buf_init(&out, TEXT_BYTES_MAX * 4);
    buf_addz(&out, "  <testsuite");
    attribute(&out, "name", r->suite);
    attribute(&out, "id", r->item->id);
    attribute(&out, "package", ev->source->collection->root->name);
    buf_addf(&out,
             " timestamp=\"%s\" tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"%u\""
             " time=\"%.3f\">\n",
             r->started, r->suite_tests, r->suite_failures, r->suite_errors, r->suite_skipped,
             r->suite_seconds);
    if (r->identity) {
        buf_addz(&out, "    <properties>\n      <property name=\"identity\"");
        attribute(&out, "value", str_from(r->identity));
        buf_addz(&out, "/>\n    </properties>\n");
    }
    buf_adds(&out, buf_str(&r->cases));
    if (r->system_err.len) {
        buf_addz(&out, "    <system-err><![CDATA[");
        xml_text(&out, buf_str(&r->system_err), true);
        buf_addz(&out, "]]></system-err>\n");
    }
    buf_addz(&out, "  </testsuite>\n");
    if (!buf_ok(&r->cases) || !buf_ok(&r->system_err))
        r->failed = true;
    count_suite(r);
    r->item = NULL;
    write_part(r, &out);
    buf_deinit(&out);
}

// ---- The run

static void on_start(junit_report *r, const run_event *ev)
{
    buf out;
    if (r->runs.len > 1)
        return;
    buf_init(&out, TEXT_BYTES_MAX);
    buf_addz(&out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites");
    attribute(&out, "name", ev->source->collection->root->name);
    r->totals_at = (long)out.len;
    buf_addf(&out, "%*s>\n", TOTALS_WIDTH, "");
    write_part(r, &out);
    buf_deinit(&out);
}

static void write_totals(junit_report *r)
{
    char text[TOTALS_WIDTH];
    int len = snprintf(text, sizeof(text),
                       " tests=\"%llu\" failures=\"%llu\" errors=\"%llu\" skipped=\"%llu\""
                       " time=\"%.3f\"",
                       (unsigned long long)r->tests, (unsigned long long)r->failures,
                       (unsigned long long)r->errors, (unsigned long long)r->skipped, r->seconds);
    FILE *f = report_file_stream(r->file);
    bool ok = fputs("</testsuites>\n", f) >= 0 && fseek(f, r->totals_at, SEEK_SET) == 0 &&
              fwrite(text, 1, (size_t)len, f) == (size_t)len;
    if (!ok)
        r->failed = true;
}

static void on_event(void *ctx, const run_event *ev)
{
    junit_report *r = ctx;
    report_runs_add(&r->runs, ev);
    switch (ev->kind) {
    case RUN_START:
        return on_start(r, ev);
    case RUN_ITEM:
        return on_item(r, ev);
    case RUN_REQUEST:
        return on_request(r, ev);
    case RUN_SCRIPT:
        if (ev->failure)
            on_error(r, ev,
                     ev->script_kind == JS_TEST ? "testScriptError" : "prerequestScriptError");
        return;
    case RUN_ASSERTION:
        return on_assertion(r, ev);
    case RUN_ITEM_END:
    case RUN_DONE:
        return on_item_end(r, ev);
    default:
        return;
    }
}

static code finish(reporter *base, err *e)
{
    junit_report *r = (junit_report *)base;
    report_file *f = r->file;
    write_totals(r);
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
    vec_deinit(&r->runs);
    buf_deinit(&r->cases);
    buf_deinit(&r->system_err);
    arena_deinit(&r->turn);
    report_words_deinit(&r->words);
    free(r->identity);
    free(r);
}

code report_junit_new(const report_file_options *o, reporter **ret, err *e)
{
    junit_report *r = mem_new(sizeof(*r));
    *r = (junit_report){
        .base = {.listener = {on_event, r}, .finish = finish, .free = junit_free},
    };
    arena_init(&r->turn);
    report_words_init(&r->words);
    buf_init(&r->cases, TEXT_BYTES_MAX);
    buf_init(&r->system_err, TEXT_BYTES_MAX);
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
