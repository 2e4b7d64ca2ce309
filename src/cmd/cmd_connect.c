// SPDX-License-Identifier: Apache-2.0
// `gatepost connect`: a port on this machine in front of one service, which adds the identity.
#include <signal.h>

#include "cmd/identity.h"
#include "cmd/verbs.h"
#include "gate/gate.h"
#include "net/net.h"
#include "uri/uri.h"

enum { TEXT_MAX = 64 << 10, PEM_BYTES_MAX = 4 << 20 };

typedef struct run run;
struct run {
    cmd_call *call;
    loop *loop;
    identity_setup setup;
    tls_context *tls;
    gate_connect_options o;
    gate_connect *connect;
};

// ---- Which service ------------------------------------------------------------------------------

static bool serves(const address_service *s, str url)
{
    for (size_t i = 0; i < s->run_app_url_count; i++)
        if (str_eq(s->run_app_urls[i], url))
            return true;
    return str_eq(s->url, url);
}

static const address_service *find_service(const home_address *up, str name_or_url)
{
    for (size_t i = 0; up && i < up->service_count; i++)
        if (str_eq(up->services[i].name, name_or_url) || serves(&up->services[i], name_or_url))
            return &up->services[i];
    return NULL;
}

static code unknown_service(const run *r, str what, err *e)
{
    if (!r->setup.up) {
        (void)err_set(e, HOME_ABSENT,
                      "'" STR_FMT "' isn't a URL, and no 'gatepost up' of yours is running",
                      STR_ARG(what));
        return err_hint(e, "give the service's URL: https://…");
    }
    (void)err_set(e, HOME_ABSENT, "the running 'gatepost up' has no service '" STR_FMT "'",
                  STR_ARG(what));
    return err_hint(e, "gatepost up --print-address-file names the file that lists its services");
}

// The URL stays what it is, and the calls go to this machine.
static code route_to(run *r, const address_service *s, err *e)
{
    uri_url u;
    if (url_parse(&r->setup.arena, s->url, &u, e))
        return e->code;
    r->o.address = arena_cstr(&r->setup.arena, u.host.name);
    r->o.address_port = u.port;
    return OK;
}

static code choose_service(run *r, err *e)
{
    const option_values *options = r->call->options;
    str what = option_args(options)->ptr[0];
    if (str_ends(what, STR("/")))
        what.len--;
    const address_service *s = find_service(r->setup.up, what);
    bool is_url = str_find(what, STR("://")) >= 0;
    bool local = option_flag(options, "local");
    if (!s && (local || !is_url))
        return unknown_service(r, what, e);
    r->o.url = is_url ? what : s->url;
    local = local || !is_url || (s && str_eq(s->url, what));
    if (local) {
        r->o.local_issuer = r->setup.up->issuer;
        if (!r->o.identity.len)
            r->o.identity = option_text(options, "account");
    }
    return local ? route_to(r, s, e) : OK;
}

// ---- TLS ----------------------------------------------------------------------------------------

static code open_tls(run *r, err *e)
{
    const option_values *options = r->call->options;
    const char *path = option_cstr(options, "ssl-extra-ca-certs");
    r->o.tls_insecure = option_flag(options, "insecure");
    tls_client_options o = {.insecure = r->o.tls_insecure, .alpn = "http/1.1"};
    if (path && file_read(&r->setup.arena, path, PEM_BYTES_MAX, &o.ca_pem, e))
        return e->code;
    code c = tls_client_new(&o, &r->tls, e);
    r->o.tls = r->tls;
    return c;
}

// ---- What is said -------------------------------------------------------------------------------

static void write_json(const run *r, const char *address, buf *out)
{
    jout w = jout_new(out, JSON_PRETTY);
    jout_object(&w, NULL);
    jout_str(&w, "url", str_from(address));
    jout_str(&w, "service", r->o.url);
    jout_str(&w, "identity", str_from(gate_connect_identity(r->connect)));
    jout_i64(&w, "pid", getpid());
    jout_end(&w);
    buf_addc(out, '\n');
}

static void write_text(const run *r, const char *address, buf *out)
{
    buf_addf(out, "%s is " STR_FMT "\n", address, STR_ARG(r->o.url));
    buf_addf(out, "identity: %s\n\n", gate_connect_identity(r->connect));
    buf_addf(out, "  curl %s/\n", address);
    buf_addf(out, "  newman run COLLECTION --env-var baseUrl=%s\n\n", address);
    buf_addf(out, "Postman: set the variable of the base URL to %s.\n", address);
    buf_addz(out, "It serves your own programs on this machine. Ctrl-C ends it.\n");
}

static void announce(const run *r)
{
    char address[64];
    buf text;
    snprintf(address, sizeof address, "http://127.0.0.1:%u",
             (unsigned)gate_connect_port(r->connect));
    buf_init(&text, TEXT_MAX);
    if (str_eq(option_text(r->call->options, "format"), STR("json")))
        write_json(r, address, &text);
    else
        write_text(r, address, &text);
    fwrite(buf_cstr(&text), 1, text.len, r->call->out);
    fflush(r->call->out);
    buf_deinit(&text);
}

// ---- Running it ---------------------------------------------------------------------------------

static void on_idle(void *ctx)
{
    run *r = ctx;
    fprintf(r->call->err, "gatepost: closed, nobody called for %s\n",
            option_cstr(r->call->options, "idle"));
    loop_stop(r->loop);
}

static void on_signal(void *ctx, int signum)
{
    (void)signum;
    loop_stop(((run *)ctx)->loop);
}

static code serve(run *r, err *e)
{
    code c = gate_connect_new(r->loop, &r->o, &r->connect, e);
    if (c)
        return c;
    VEC_FOREACH (&r->setup.notes, note)
        fprintf(r->call->err, "gatepost: " STR_FMT "\n", STR_ARG(*note));
    signal_watch *interrupt = signal_watch_new(r->loop, SIGINT, on_signal, r);
    signal_watch *terminate = signal_watch_new(r->loop, SIGTERM, on_signal, r);
    announce(r);
    loop_run(r->loop);
    signal_watch_free(interrupt);
    signal_watch_free(terminate);
    return OK;
}

static code open_connect(run *r, err *e)
{
    const option_values *options = r->call->options;
    r->o = (gate_connect_options){
        .port = (uint16_t)option_int(options, "port"),
        .trust = r->setup.trust,
        .tokens = r->setup.credentials,
        .identity = option_text(options, "identity"),
        .audience = option_text(options, "audiences"),
        .idle_ms = (uint64_t)option_int(options, "idle"),
        .on_idle = on_idle,
        .ctx = r,
    };
    code c = choose_service(r, e);
    if (c == OK)
        c = open_tls(r, e);
    return c == OK ? serve(r, e) : c;
}

static code run_connect(cmd_call *call, err *e)
{
    run r = {.call = call, .loop = loop_new()};
    code c = identity_open(&r.setup, r.loop, call->options, NULL, e);
    if (c == OK)
        c = open_connect(&r, e);
    gate_connect_free(r.connect);
    tls_context_unref(r.tls);
    identity_close(&r.setup);
    loop_free(r.loop);
    return c;
}

static const option_row rows[] = {
    {.name = "port",
     .key = "port",
     .letter = 'p',
     .kind = OPTION_INT,
     .value = "PORT",
     .def = "0",
     .max = 65535,
     .help = "Listen there on 127.0.0.1; 0: a free one"},
    {.name = "idle",
     .key = "idle",
     .kind = OPTION_DURATION,
     .def = "8h",
     .min = 1000,
     .max = 7LL * 24 * 3600 * 1000,
     .help = "End when nobody called for this long"},
    {.name = "insecure",
     .letter = 'k',
     .kind = OPTION_FLAG,
     .help = "Don't verify the service's certificate; then no identity is added"},
    {.name = "ssl-extra-ca-certs",
     .kind = OPTION_TEXT,
     .value = "FILE",
     .help = "Certificates to trust in addition to the system's (PEM)"},
    {.name = "format",
     .kind = OPTION_CHOICE,
     .choices = "text|json",
     .def = "text",
     .group = "Output",
     .help = "How to say where it listens"},
    {0},
};
static const option_row *const tables[] = {rows, cmd_identity, cmd_common, NULL};

static const command_spec spec = {
    .name = "connect",
    .args = "URL|SERVICE",
    .args_min = 1,
    .args_max = 1,
    .summary = "A local port in front of a service that adds your identity",
    .about =
        "Prints an address on this machine. What is sent there goes on to the service with an ID "
        "token, minted and renewed as needed; the token is never shown. So the Postman app, "
        "newman, curl or a browser can call a private service without any set-up of their own. "
        "What a request brings along decides as with 'gatepost run': its own Google token stays, "
        "another Authorization goes on beside the identity.\n\n"
        "The service must be trusted with an identity (--trust, 'gatepost trust add'). A service "
        "of the running 'gatepost up' is named by its name, and with --local by its run.app "
        "URL.\n\n"
        "The port serves programs of your own user only; web pages are refused.",
    .example = "gatepost connect --trust abc123 https://orders-abc123-uc.a.run.app\n"
               "gatepost connect --port 8080 orders\n"
               "gatepost connect --identity stranger --format json orders",
    .tables = tables,
};

const verb verb_connect = {.spec = &spec, .group = VERB_REACH, .run = run_connect};
