// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/run.h"
#include "cmd/verbs.h"
#include "net/net.h"
#include "uri/uri.h"

// A run from its files to its end.
typedef struct run_job run_job;
struct run_job {
    cmd_call *call;
    loop *loop;
    arena arena;
    identity_setup identity;
    run_inputs in;
    VEC(run_route) routes;
    runner *runner;
    run_reporters reporters;
    bool stopping, done;
};

// ---- Identity

// One question, on a terminal; yes is remembered.
static bool ask(void *ctx, str question, str origin)
{
    run_job *s = ctx;
    buf text;
    buf_init(&text, 64 << 10);
    buf_adds(&text, question);
    fprintf(s->call->err, "%s\nTrust " STR_FMT " from now on? [y/N] ", buf_cstr(&text),
            STR_ARG(origin));
    fflush(s->call->err);
    buf_deinit(&text);
    char answer[16] = "";
    bool yes = fgets(answer, sizeof(answer), stdin) && ascii_lower(answer[0]) == 'y';
    err e = ERR_INIT;
    if (!yes)
        trust_decline(s->identity.trust, origin);
    else if (trust_add(s->identity.trust, origin, "your answer", &e) != OK ||
             trust_store_add(s->identity.store, origin, &e) != OK)
        err_print(&e, s->call->err); // it counts for this run all the same
    return yes;
}

// Where the URLs of the running `up`'s services lead with --local.
static code gather_routes(run_job *s, err *e)
{
    const home_address *up = s->identity.up;
    code c = OK;
    if (!option_flag(s->call->options, "local"))
        return OK;
    for (size_t i = 0; c == OK && i < up->service_count; i++) {
        const address_service *service = &up->services[i];
        uri_url url, alias;
        c = url_parse(&s->arena, service->url, &url, e);
        for (size_t k = 0; c == OK && k < service->run_app_url_count; k++) {
            c = url_parse(&s->arena, service->run_app_urls[k], &alias, e);
            run_route route = {alias.host.name, url.port};
            if (c == OK)
                vec_push(&s->routes, route);
        }
    }
    return c;
}

static runner_identity identity_of(run_job *s)
{
    const option_values *o = s->call->options;
    bool terminal = isatty(STDIN_FILENO) && isatty(fileno(s->call->err));
    return (runner_identity){
        .trust = s->identity.trust,
        .credentials = s->identity.credentials,
        .rules = s->identity.rules.ptr,
        .rule_count = s->identity.rules.len,
        .identities = s->identity.identities.ptr,
        .identity_count = s->identity.identities.len,
        .identity = option_text(o, "identity"),
        .audience = option_text(o, "audiences"),
        .local_issuer = s->identity.up ? s->identity.up->issuer : STR_NONE,
        .interactive = terminal,
        .ask = terminal ? ask : NULL,
        .ask_ctx = s,
    };
}

// ---- The run

// A bare --bail means failure.
static bool bails_on(const option_values *o, str what)
{
    const str_list *given = option_list(o, "bail");
    bool bare = option_is_set(o, "bail") && (!given->len || !given->ptr[0].len);
    for (size_t i = 0; i < given->len; i++)
        if (str_eq(given->ptr[i], what))
            return true;
    return bare && str_eq(what, STR("failure"));
}

static fetch_version version_of(str name)
{
    if (str_eq(name, STR("auto")))
        return FETCH_HTTP_AUTO;
    return str_eq(name, STR("http2")) ? FETCH_HTTP_2 : FETCH_HTTP_1_1;
}

static void read_options(run_job *s, runner_options *ret)
{
    const option_values *o = s->call->options;
    const str_list *env_vars = option_list(o, "env-var"),
                   *global_vars = option_list(o, "global-var"), *folders = option_list(o, "folder");
    *ret = (runner_options){
        .collection = s->in.collection,
        .environment = s->in.environment,
        .globals = s->in.globals,
        .data = s->in.data,
        .env_vars = env_vars->ptr,
        .env_var_count = env_vars->len,
        .global_vars = global_vars->ptr,
        .global_var_count = global_vars->len,
        .folders = folders->ptr,
        .folder_count = folders->len,
        .iterations =
            option_is_set(o, "iteration-count") ? (uint32_t)option_int(o, "iteration-count") : 0,
        .bail = bails_on(o, STR("failure")),
        .bail_folder = bails_on(o, STR("folder")),
        .no_redirects = option_flag(o, "ignore-redirects"),
        .tls_insecure = option_flag(o, "insecure"),
        .show_secrets = option_flag(o, "show-secrets"),
        .delay_ms = (uint64_t)option_int(o, "delay-request"),
        .timeout_ms = (uint64_t)option_int(o, "timeout"),
        .request_timeout_ms = (uint64_t)option_int(o, "timeout-request"),
        .script_timeout_ms = (uint64_t)option_int(o, "timeout-script"),
        .response_bytes_max = (size_t)option_int(o, "response-limit"),
        .folder = s->in.folder,
        .policy = {.loopback = true, .private_network = option_flag(o, "private-network")},
        .tls = {.ca_file = option_cstr(o, "ssl-extra-ca-certs"),
                .cert_file = option_cstr(o, "ssl-client-cert"),
                .key_file = option_cstr(o, "ssl-client-key"),
                .key_password = option_cstr(o, "ssl-client-passphrase")},
        .certificates = s->in.certificates,
        .certificate_count = s->in.certificate_count,
        .proxy = {.from_env = true},
        .version = version_of(option_text(o, "protocol-version")),
        .routes = s->routes.ptr,
        .route_count = s->routes.len,
        .identity = identity_of(s),
        .cookie_jar = s->in.cookie_jar,
        .vault = s->in.vault,
        .packages = s->in.packages,
    };
}

static void on_done(void *ctx)
{
    run_job *s = ctx;
    s->done = true;
    loop_stop(s->loop);
}

static void on_interrupt(void *ctx, int signum)
{
    (void)signum;
    run_job *s = ctx;
    if (!s->stopping)
        fputs("gatepost: stopping after what is under way; once more stops at once\n",
              s->call->err);
    s->stopping = true;
    runner_stop(s->runner);
}

// Who sends this one (timeout, a CI system) sends no second before it kills.
static void on_terminate(void *ctx, int signum)
{
    (void)signum;
    run_job *s = ctx;
    fputs("gatepost: stopping at once\n", s->call->err);
    s->stopping = true;
    runner_stop(s->runner);
    runner_stop(s->runner);
}

static code run_to_end(run_job *s, err *e)
{
    signal_watch *interrupt = signal_watch_new(s->loop, SIGINT, on_interrupt, s);
    signal_watch *terminate = signal_watch_new(s->loop, SIGTERM, on_terminate, s);
    runner_start(s->runner, on_done, s);
    while (!s->done)
        loop_run(s->loop);
    signal_watch_free(interrupt);
    signal_watch_free(terminate);
    code c = run_reporters_finish(&s->reporters, e);
    if (c == OK)
        c = run_export(s->call->options, s->runner, e);
    // What was interrupted hasn't passed, whatever the part of it that ran.
    bool failed = s->stopping || runner_summary(s->runner)->failures.len;
    if (c == OK && failed && !option_flag(s->call->options, "suppress-exit-code"))
        s->call->status = EXIT_FAILED;
    return c;
}

// "dir/x.json" → "dir"; of a URL nothing.
static const char *folder_of(run_job *s, const char *place)
{
    if (strstr(place, "://"))
        return NULL;
    str path = str_from(place);
    ssize_t slash = str_rchr(path, '/');
    return slash < 0 ? "." : arena_cstr(&s->arena, str_sub(path, 0, slash ? (size_t)slash : 1));
}

// A key and its certificate go together.
static code check_pair(const option_values *o, err *e)
{
    if (!option_is_set(o, "ssl-client-key") || option_is_set(o, "ssl-client-cert"))
        return OK;
    (void)err_set(e, OPTION_ARGS, "--ssl-client-key is given without its certificate");
    return err_hint(e, "add --ssl-client-cert FILE");
}

static void tell_notes(run_job *s, const char *place)
{
    const pm_collection *c = s->in.collection;
    arena a;
    arena_init(&a);
    for (uint32_t i = 0; i < c->request_count; i++) {
        identity_note_request(&s->identity, pm_item_path(&a, c->requests[i], "/"));
        arena_reset(&a);
    }
    arena_deinit(&a);
    if (c->converted)
        fprintf(s->call->err, "gatepost: %s: converted from Collection %s: export it as v2.1\n",
                place, c->converted);
    VEC_FOREACH (&s->identity.notes, n)
        fprintf(s->call->err, "gatepost: " STR_FMT "\n", STR_ARG(*n));
}

// As newman, HTTP_PROXY counts too, and for https when that has none of its own; libcurl, which may
// find itself in a CGI script, reads http_proxy in small letters only.
static void adopt_proxy(void)
{
    const char *proxy = getenv("http_proxy");
    if (!proxy)
        proxy = getenv("HTTP_PROXY");
    if (!proxy || !*proxy)
        return;
    setenv("http_proxy", proxy, false);
    if (!getenv("HTTPS_PROXY"))
        setenv("https_proxy", proxy, false);
}

static code prepare(run_job *s, err *e)
{
    option_values *o = s->call->options;
    adopt_proxy();
    code c = check_pair(o, e);
    if (c == OK)
        c = run_inputs_load(&s->in, &s->arena, s->loop, o, e);
    if (c != OK)
        return c;
    const char *place = option_args(o)->ptr[0].ptr;
    c = identity_open(&s->identity, s->loop, o, folder_of(s, place), e);
    if (c == OK)
        c = gather_routes(s, e);
    if (c != OK)
        return c;
    tell_notes(s, place);
    runner_options options;
    read_options(s, &options);
    c = runner_new(s->loop, &options, &s->runner, e);
    if (c == RUN_COOKIES)
        (void)err_at(e, option_cstr(s->call->options, "cookie-jar"), e->line, e->col);
    if (c == OK)
        c = run_reporters_new(&s->reporters, s->call, e);
    if (c == OK)
        run_reporters_listen(&s->reporters, s->runner);
    return c;
}

code run_collection(cmd_call *call, err *e)
{
    run_job s = {.call = call, .loop = loop_new()};
    arena_init(&s.arena);
    code c = prepare(&s, e);
    if (c == OK)
        c = run_to_end(&s, e);
    run_reporters_free(&s.reporters);
    runner_free(s.runner);
    identity_close(&s.identity);
    vec_deinit(&s.routes);
    pm_folder_free(s.in.folder);
    arena_deinit(&s.arena);
    loop_free(s.loop);
    return c;
}

const option_row *const cmd_run_tables[] = {cmd_identity, cmd_run_rows, cmd_common, NULL};

static const command_spec spec = {
    .name = "run",
    .args = "COLLECTION",
    .args_min = 1,
    .args_max = 1,
    .summary = "Run a Postman collection, with the right identity for each request",
    .about = "Runs a Postman collection (v2.1, v2.0, v1; a file or a URL) as newman does: the same "
             "options, output, reports and scripts. A request to a private Cloud Run service that "
             "is trusted gets an ID token for exactly that service; no script, report or log ever "
             "sees it.\n\n"
             "With --local the collection's https://….run.app requests go to the services of the "
             "running 'gatepost up', with local credentials.\n\n"
             "Ends with 1 when an assertion, a script or a request failed.",
    .example = "gatepost run orders.postman_collection.json --trust 123456789012\n"
               "gatepost run --local -e staging.json -d rows.csv -r cli,junit orders.json",
    .tables = cmd_run_tables,
};

const verb verb_run = {.spec = &spec, .group = VERB_TEST, .run = run_collection};
