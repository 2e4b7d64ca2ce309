// SPDX-License-Identifier: Apache-2.0
// What `run` and `load` begin with: files, identity, and where requests may go.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/run.h"
#include "net/net.h"
#include "uri/uri.h"

// ---- Identity

// One question, on a terminal; yes is remembered.
static bool ask(void *ctx, str question, str origin)
{
    run_setup *s = ctx;
    buf text;
    buf_init(&text, 64 << 10);
    buf_adds(&text, question);
    fprintf(s->call->err, "\n%s\nTrust " STR_FMT " from now on? [y/N] ", buf_cstr(&text),
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
static code gather_routes(run_setup *s, err *e)
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

static runner_identity identity_of(run_setup *s)
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

// ---- What a runner is given

static fetch_version version_of(str name)
{
    if (str_eq(name, STR("auto")))
        return FETCH_HTTP_AUTO;
    return str_eq(name, STR("http2")) ? FETCH_HTTP_2 : FETCH_HTTP_1_1;
}

void run_setup_options(run_setup *s, runner_options *ret)
{
    const option_values *o = s->call->options;
    const str_list *env_vars = option_list(o, "env-var"),
                   *global_vars = option_list(o, "global-var"), *folders = option_list(o, "folder");
    *ret = (runner_options){
        .collection = s->in.collections[0],
        .environment = s->in.environment,
        .globals = s->in.globals,
        .data = s->in.data,
        .env_vars = env_vars->ptr,
        .env_var_count = env_vars->len,
        .global_vars = global_vars->ptr,
        .global_var_count = global_vars->len,
        .folders = folders->ptr,
        .folder_count = folders->len,
        .no_redirects = option_flag(o, "ignore-redirects"),
        .tls_insecure = option_flag(o, "insecure"),
        .delay_ms = (uint64_t)option_int(o, "delay-request"),
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

// ---- Opening

// "dir/x.json" → "dir"; of a URL nothing.
static const char *folder_of(run_setup *s, const char *place)
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

static void tell_notes(run_setup *s, const char *place, const pm_collection *c)
{
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
}

static void tell_all_notes(run_setup *s)
{
    for (size_t i = 0; i < s->in.collection_count; i++)
        tell_notes(s, option_args(s->call->options)->ptr[i].ptr, s->in.collections[i]);
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

run_setup run_setup_new(cmd_call *call)
{
    run_setup s = {.call = call, .loop = loop_new()};
    arena_init(&s.arena);
    return s;
}

code run_setup_open(run_setup *s, err *e)
{
    option_values *o = s->call->options;
    const char *place = option_args(o)->ptr[0].ptr;
    adopt_proxy();
    code c = check_pair(o, e);
    if (c == OK)
        c = run_inputs_load(&s->in, &s->arena, s->loop, o, e);
    if (c == OK)
        c = identity_open(&s->identity, s->loop, o, folder_of(s, place), e);
    if (c == OK)
        c = gather_routes(s, e);
    if (c == OK)
        tell_all_notes(s);
    return c;
}

void run_setup_close(run_setup *s)
{
    identity_close(&s->identity);
    vec_deinit(&s->routes);
    pm_folder_free(s->in.folder);
    arena_deinit(&s->arena);
    loop_free(s->loop);
}
