// SPDX-License-Identifier: Apache-2.0
// `gatepost connect`: a port on this machine in front of services, which adds the
// identity.
#include <signal.h>

#include "cmd/connect.h"
#include "cmd/verbs.h"
#include "net/net.h"

enum { TEXT_MAX = 256 << 10, PEM_BYTES_MAX = 4 << 20 };

typedef struct run run;
struct run {
    cmd_call *call;
    loop *loop;
    identity_setup setup;
    connect_services services;
    tls_context *tls, *tls_http2;
    gate_connect_options o;
    gate_connect *connect;
    connect_proxy *proxy; // NULL: not wanted
};

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
    o.alpn = "h2,http/1.1";
    if (c == OK)
        c = tls_client_new(&o, &r->tls_http2, e);
    r->o.tls = r->tls;
    r->o.tls_http2 = r->tls_http2;
    return c;
}

// ---- What is said -------------------------------------------------------------------------------

static void write_service_json(const run *r, const char *address, size_t i, jout *w)
{
    const gate_connect_service *one = &r->services.ptr[i];
    jout_object(w, NULL);
    jout_str(w, "name", one->name);
    jout_strf(w, "url", "%s%s", address, gate_connect_base(r->connect, i));
    jout_str(w, "service", one->url);
    jout_str(w, "identity", str_from(gate_connect_identity(r->connect, i)));
    jout_end(w);
}

// The only service's members stand at the top, too.
static void write_json(const run *r, const char *address, buf *out)
{
    jout w = jout_new(out, JSON_PRETTY);
    jout_object(&w, NULL);
    jout_str(&w, "url", str_from(address));
    if (r->services.len == 1) {
        jout_str(&w, "service", r->services.ptr[0].url);
        jout_str(&w, "identity", str_from(gate_connect_identity(r->connect, 0)));
    }
    jout_array(&w, "services");
    for (size_t i = 0; i < r->services.len; i++)
        write_service_json(r, address, i, &w);
    jout_end(&w);
    if (r->proxy) {
        jout_strf(&w, "proxy", "http://127.0.0.1:%u", (unsigned)connect_proxy_port(r->proxy));
        jout_str(&w, "proxy_ca", connect_proxy_ca(r->proxy));
    }
    jout_i64(&w, "pid", getpid());
    jout_end(&w);
    buf_addc(out, '\n');
}

// A proxy of the environment would be asked for this machine's own address. Where both spellings
// are set, newman believes NO_PROXY and curl no_proxy.
static const char *past_proxy(const char *assignment)
{
    static const char *const names[] = {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_from(getenv(names[i])).len)
            return assignment;
    return "";
}

static void write_one(const run *r, const char *address, buf *out)
{
    buf_addf(out, "%s is " STR_FMT "\n", address, STR_ARG(r->services.ptr[0].url));
    buf_addf(out, "identity: %s\n\n", gate_connect_identity(r->connect, 0));
    buf_addf(out, "  %scurl %s/\n", past_proxy("no_proxy=127.0.0.1 "), address);
    buf_addf(out, "  %snewman run COLLECTION --env-var baseUrl=%s\n\n",
             past_proxy("NO_PROXY=127.0.0.1 "), address);
    buf_addf(out, "Postman: set the variable of the base URL to %s.\n", address);
}

static void write_several(const run *r, const char *address, buf *out)
{
    for (size_t i = 0; i < r->services.len; i++) {
        const gate_connect_service *one = &r->services.ptr[i];
        buf_addf(out, "%s%s is " STR_FMT "\n", address, gate_connect_base(r->connect, i),
                 STR_ARG(one->url));
        buf_addf(out, "  identity: %s\n", gate_connect_identity(r->connect, i));
    }
    str first = r->services.ptr[0].name;
    buf_addf(out, "\n  %scurl %s/" STR_FMT "/\n\n", past_proxy("no_proxy=127.0.0.1 "), address,
             STR_ARG(first));
    buf_addf(out, "In a browser: http://" STR_FMT ".localhost:%u/\n", STR_ARG(first),
             (unsigned)gate_connect_port(r->connect));
}

static void write_text(const run *r, const char *address, buf *out)
{
    if (r->services.len == 1)
        write_one(r, address, out);
    else
        write_several(r, address, out);
    const char *environment = option_cstr(r->call->options, "postman");
    if (environment)
        buf_addf(out, "Postman: import %s and choose the environment 'gatepost connect'.\n",
                 environment);
    if (r->proxy)
        connect_proxy_text(r->proxy, out);
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
    const connect_proxy_options po = {.port = (uint16_t)option_int(r->call->options, "proxy-port"),
                                      .mem = &r->setup.arena};
    if (c == OK && option_flag(r->call->options, "forward-proxy"))
        c = connect_proxy_new(r->loop, &r->services, r->connect, &po, &r->proxy, e);
    if (c == OK && option_cstr(r->call->options, "postman"))
        c = connect_postman(&r->setup, &r->services, r->connect, r->call->options, e);
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
    if (connect_choose(&r->setup, options, &r->services, e))
        return e->code;
    r->o = (gate_connect_options){
        .services = r->services.ptr,
        .service_count = r->services.len,
        .port = (uint16_t)option_int(options, "port"),
        .trust = r->setup.trust,
        .tokens = r->setup.credentials,
        .audience = option_text(options, "audiences"),
        .idle_ms = (uint64_t)option_int(options, "idle"),
        .on_idle = on_idle,
        .ctx = r,
    };
    code c = open_tls(r, e);
    return c == OK ? serve(r, e) : c;
}

static code run_connect(cmd_call *call, err *e)
{
    run r = {.call = call, .loop = loop_new()};
    code c = identity_open(&r.setup, r.loop, call->options, NULL, e);
    if (c == OK)
        c = open_connect(&r, e);
    connect_proxy_free(r.proxy);
    gate_connect_free(r.connect);
    tls_context_unref(r.tls);
    tls_context_unref(r.tls_http2);
    vec_deinit(&r.services);
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
    {.name = "forward-proxy",
     .kind = OPTION_FLAG,
     .group = "Proxy",
     .help = "Be an HTTPS proxy too, for programs whose URLs can't be changed"},
    {.name = "proxy-port",
     .kind = OPTION_INT,
     .value = "PORT",
     .def = "0",
     .max = 65535,
     .group = "Proxy",
     .help = "Where the proxy listens on 127.0.0.1; 0: a free one"},
    {.name = "postman",
     .kind = OPTION_TEXT,
     .value = "FILE",
     .group = "Output",
     .help = "Write a Postman environment that points at the port"},
    {.name = "collection",
     .kind = OPTION_TEXT,
     .value = "FILE",
     .group = "Output",
     .help = "With --postman: also for the variables in which this collection has the addresses"},
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
    .args = "[NAME=]URL|SERVICE…",
    .args_max = UINT32_MAX,
    .summary = "A local port in front of services that adds your identity",
    .about =
        "Prints an address on this machine. What is sent there goes on to the service with an ID "
        "token, minted and renewed as needed; the token is never shown. So the Postman app, "
        "newman, curl or a browser can call a private service without any set-up of their own, "
        "over HTTP/1.1, HTTP/2 (prior knowledge), gRPC and WebSockets. What a request brings along "
        "decides as with 'gatepost "
        "run': its own Google token stays, another Authorization goes on beside the identity.\n\n"
        "The service must be trusted with an identity (--trust, 'gatepost trust add'). A service "
        "of the running 'gatepost up' is named by its name, and with --local by its run.app URL; "
        "one in the cloud by its URL, or by name with --region and --project (its number). "
        "Without any, it is all services of the running 'gatepost up', or those of gatepost.yaml "
        "in the cloud.\n\n"
        "Several services share the port: each is found below /NAME/, which is taken off the "
        "path, and as http://NAME.localhost:PORT.\n\n"
        "With --forward-proxy there is a proxy as well, for the Postman app's proxy setting and "
        "the "
        "like: it ends TLS for the services' own hosts, adds the identity and passes everything "
        "else on untouched. For that the program must trust a CA that is made here, once; its "
        "certificate limits it to those hosts, its key stays in a file that only you can read. "
        "Prefer the port: it needs no such trust.\n\n"
        "The port serves programs of your own user only; web pages of other sites are refused. It "
        "ends when nobody called for long.",
    .example =
        "gatepost connect --trust abc123 https://orders-abc123-uc.a.run.app\n"
        "gatepost connect --port 8080 orders users\n"
        "gatepost connect --region us-central1 --project 123456789012 --trust 123456789012 orders\n"
        "gatepost connect --port 8080 --postman port.postman_environment.json",
    .tables = tables,
};

const verb verb_connect = {.spec = &spec, .group = VERB_REACH, .run = run_connect};
