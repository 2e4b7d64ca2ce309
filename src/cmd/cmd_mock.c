// SPDX-License-Identifier: Apache-2.0
// `gatepost mock`: the saved examples of a collection as a server.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "cmd/mock_door.h"
#include "cmd/verbs.h"
#include "net/net.h"

enum { DRAIN_MS = 5000, TEXT_MAX = 64 << 10, LINE_MAX = 16 << 20 };

typedef struct run run;
struct run {
    cmd_call *call;
    loop *loop;
    arena arena; // of the collection and its examples
    pm_collection *collection;
    pm_scope *environment, *variables;
    pm_scopes scopes;
    mock_notes notes;
    mock_examples *examples;
    mock_doorway doorway;
    mock *mock;
    int record_fd; // -1: nothing is recorded
    bool stopping;
    err record_error;
};

// ---- What it serves -----------------------------------------------------------------------------

static code set_variables(run *r, err *e)
{
    const str_list *given = option_list(r->call->options, "env-var");
    for (size_t i = 0; i < given->len; i++) {
        str key, value;
        if (!str_cut(given->ptr[i], '=', &key, &value))
            return err_set(e, OPTION_INVALID, "--env-var: '" STR_FMT "' isn't KEY=VALUE",
                           STR_ARG(given->ptr[i]));
        code c = pm_scope_set_text(r->environment, key, value, e);
        if (c)
            return c;
    }
    return OK;
}

static code load_environment(run *r, err *e)
{
    const char *path = option_cstr(r->call->options, "environment");
    pm_values values = {0};
    str text;
    code c = OK;
    if (path) {
        c = file_read(&r->arena, path, JSON_BYTES_MAX, &text, e);
        if (c == OK)
            c = pm_values_read(&r->arena, text, path, "environment", &values, e);
    }
    if (c)
        return c;
    r->environment = pm_scope_new(values.id, values.name);
    c = values.values ? pm_scope_add(r->environment, values.values, e) : OK;
    return c == OK ? set_variables(r, e) : c;
}

static code no_examples(const run *r, err *e)
{
    (void)err_set(e, PM_COLLECTION, "%s: no request of the collection has a saved example",
                  option_args(r->call->options)->ptr[0].ptr);
    return err_hint(e, "save a response as an example in Postman, and export the collection again");
}

static code load_collection(run *r, err *e)
{
    const char *path = option_args(r->call->options)->ptr[0].ptr;
    str text;
    code c = file_read(&r->arena, path, JSON_BYTES_MAX, &text, e);
    if (c == OK)
        c = pm_collection_read(&r->arena, text, path, &r->collection, e);
    if (c == OK)
        c = load_environment(r, e);
    if (c)
        return c;
    r->variables = pm_scope_new(r->collection->root->id, r->collection->root->name);
    if (r->collection->variables)
        c = pm_scope_add(r->variables, r->collection->variables, e);
    if (c)
        return c;
    r->scopes = (pm_scopes){{r->environment, r->variables}};
    r->examples = mock_examples_read(&r->arena, r->collection, &r->scopes, &r->notes);
    return mock_examples_count(r->examples) ? OK : no_examples(r, e);
}

// ---- What is said of calls ----------------------------------------------------------------------

// Appends: calls of a former run stay. A disk that takes no more ends the mock.
static void record(run *r, str line)
{
    while (line.len && !r->record_error.code) {
        ssize_t n = write(r->record_fd, line.ptr, line.len);
        if (n > 0) {
            line = str_skip(line, (size_t)n);
        } else if (errno != EINTR) {
            (void)err_sys(&r->record_error, HOME_WRITE, errno, "%s",
                          option_cstr(r->call->options, "record"));
            loop_stop(r->loop);
        }
    }
}

static void on_call(void *ctx, const mock_call *c)
{
    run *r = ctx;
    buf line;
    buf_init(&line, LINE_MAX);
    buf_adds(&line, c->request->method);
    buf_addc(&line, ' ');
    buf_add_shown(&line, c->request->target);
    buf_addf(&line, " %d ", c->status);
    buf_add_shown(&line, c->why.len ? c->why : c->example);
    buf_addc(&line, '\n');
    fwrite(buf_cstr(&line), 1, line.len, r->call->err);
    fflush(r->call->err);
    if (r->record_fd >= 0) {
        buf_reset(&line);
        mock_call_json(c, &line);
        buf_addc(&line, '\n');
        record(r, buf_str(&line));
    }
    buf_deinit(&line);
}

static code open_record(run *r, err *e)
{
    const char *path = option_cstr(r->call->options, "record");
    if (!path)
        return OK;
    r->record_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    return r->record_fd >= 0 ? OK : err_sys(e, HOME_WRITE, errno, "%s", path);
}

// ---- Where it listens ---------------------------------------------------------------------------

static void write_json(const run *r, buf *out)
{
    jout w = jout_new(out, JSON_PRETTY);
    jout_object(&w, NULL);
    jout_strf(&w, "url", "http://127.0.0.1:%u", (unsigned)mock_port(r->mock));
    jout_str(&w, "collection", r->collection->root->name);
    jout_i64(&w, "examples", (int64_t)mock_examples_count(r->examples));
    jout_bool(&w, "private", option_flag(r->call->options, "private"));
    if (r->doorway.trail)
        jout_str(&w, "audit", str_from(r->doorway.trail));
    jout_i64(&w, "pid", getpid());
    jout_end(&w);
    buf_addc(out, '\n');
}

static void write_text(const run *r, buf *out)
{
    buf_addf(out, "http://127.0.0.1:%u answers with %zu examples of ", (unsigned)mock_port(r->mock),
             mock_examples_count(r->examples));
    buf_add_shown(out, r->collection->root->name);
    buf_addz(out, "\nSet the variable of the collection's base URL to this address. Ctrl-C ends "
                  "it.\n");
    if (r->doorway.trail)
        buf_addf(out, "gatepost audit query --dir %s tells who called.\n", r->doorway.trail);
}

static void announce(const run *r)
{
    buf text;
    buf_init(&text, TEXT_MAX);
    VEC_FOREACH (&r->notes, note)
        fprintf(r->call->err, "gatepost: " STR_FMT "\n", STR_ARG(*note));
    if (str_eq(option_text(r->call->options, "format"), STR("json")))
        write_json(r, &text);
    else
        write_text(r, &text);
    fwrite(buf_cstr(&text), 1, text.len, r->call->out);
    fflush(r->call->out);
    buf_deinit(&text);
}

// ---- Running it ---------------------------------------------------------------------------------

static void on_drained(void *ctx)
{
    loop_stop(((run *)ctx)->loop);
}

// The first one lets calls finish, the second one doesn't wait.
static void on_signal(void *ctx, int signum)
{
    (void)signum;
    run *r = ctx;
    if (r->stopping)
        loop_stop(r->loop);
    else
        mock_drain(r->mock, DRAIN_MS, on_drained, r);
    r->stopping = true;
}

static code serve(run *r, const mock_door *door, err *e)
{
    const option_values *options = r->call->options;
    const mock_options o = {
        .listen.port = (uint16_t)option_int(options, "port"),
        .examples = r->examples,
        .scopes = &r->scopes,
        .door = door,
        .match_body = option_flag(options, "match-body"),
        .match_headers = option_text(options, "match-headers"),
        .delay_ms = (uint64_t)option_int(options, "delay"),
        .on_call = on_call,
        .ctx = r,
    };
    code c = mock_new(r->loop, &o, &r->mock, e);
    if (c)
        return c;
    mock_door_listens(&r->doorway, mock_port(r->mock));
    signal_watch *interrupt = signal_watch_new(r->loop, SIGINT, on_signal, r);
    signal_watch *terminate = signal_watch_new(r->loop, SIGTERM, on_signal, r);
    announce(r);
    loop_run(r->loop);
    signal_watch_free(interrupt);
    signal_watch_free(terminate);
    *e = r->record_error;
    return e->code;
}

static code open_mock(run *r, err *e)
{
    const mock_door *door = NULL;
    code c = load_collection(r, e);
    if (c == OK)
        c = open_record(r, e);
    if (c)
        return c;
    c = mock_door_open(&r->doorway, r->loop, r->call->options, r->collection->root->name, &door, e);
    if (c == OK)
        c = serve(r, door, e);
    mock_free(r->mock);
    mock_door_close(&r->doorway);
    return c;
}

static code run_mock(cmd_call *call, err *e)
{
    run r = {.call = call, .loop = loop_new(), .record_fd = -1};
    arena_init(&r.arena);
    code c = open_mock(&r, e);
    if (r.record_fd >= 0)
        close(r.record_fd);
    pm_scope_free(r.environment);
    pm_scope_free(r.variables);
    vec_deinit(&r.notes);
    arena_deinit(&r.arena);
    loop_free(r.loop);
    return c;
}

static const option_row rows[] = {
    {.name = "port",
     .letter = 'p',
     .kind = OPTION_INT,
     .value = "PORT",
     .def = "0",
     .max = 65535,
     .help = "Listen there on 127.0.0.1; 0: a free one"},
    {.name = "environment",
     .letter = 'e',
     .kind = OPTION_TEXT,
     .value = "FILE",
     .help = "Environment whose variables the examples use"},
    {.name = "env-var",
     .kind = OPTION_TEXT,
     .repeat = true,
     .value = "KEY=VALUE",
     .help = "Set an environment variable of the collection; may be given again"},
    {.name = "match-body",
     .kind = OPTION_FLAG,
     .group = "Answers",
     .help = "A call gets only examples that were saved with its body"},
    {.name = "match-headers",
     .kind = OPTION_TEXT,
     .value = "NAMES",
     .group = "Answers",
     .help = "A call gets only examples that were saved with its values of these headers"},
    {.name = "delay",
     .kind = OPTION_DURATION,
     .def = "0",
     .max = MOCK_DELAY_MS_MAX,
     .group = "Answers",
     .help = "Wait before each answer; the call's x-mock-response-delay wins"},
    {.name = "record",
     .kind = OPTION_TEXT,
     .value = "FILE",
     .group = "Output",
     .help = "Append each call to the file, a line of JSON each, without keys and tokens"},
    {.name = "format",
     .kind = OPTION_CHOICE,
     .choices = "text|json",
     .def = "text",
     .group = "Output",
     .help = "How to say where it listens"},
    {0},
};
static const option_row *const tables[] = {rows, cmd_mock_door, cmd_common, NULL};

static const command_spec spec = {
    .name = "mock",
    .args = "COLLECTION",
    .args_min = 1,
    .args_max = 1,
    .summary = "Answer calls with the saved examples of a collection",
    .about =
        "A server on this machine that matches calls with the examples of a collection by the "
        "rules of Postman's mock servers: method and path must agree, of several examples the "
        "nearest query counts. A call may choose: x-mock-response-code, x-mock-response-name, "
        "x-mock-response-id; x-mock-match-request-body: true, x-mock-match-request-headers: "
        "NAMES; x-mock-response-delay: MILLISECONDS.\n\n"
        "Examples are filled in: variables, dynamic variables ({{$guid}}), what the path's "
        "variables stand for ({{id}} of /orders/:id), and what the call carries: {{$body 'a.b' "
        "'default'}}, {{$queryParams 'page' '1'}}, {{$headers 'x'}}, {{$pathSegments '0'}}.\n\n"
        "With --private a call must bring the key, or an ID token of a member; decisions about "
        "tokens are in an audit trail.",
    .example = "gatepost mock orders.postman_collection.json\n"
               "gatepost mock --port 3000 --delay 200ms --record calls.jsonl orders.json\n"
               "gatepost mock --private --local --member "
               "serviceAccount:tester@demo.iam.gserviceaccount.com orders.json",
    .tables = tables,
};

const verb verb_mock = {.spec = &spec, .group = VERB_TEST, .run = run_mock};
