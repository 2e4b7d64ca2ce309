// SPDX-License-Identifier: Apache-2.0
// One service of `up`: names, policy, port, metadata server and revision.
#include "cloudrun/up_own.h"
#include "uri/uri.h"

// ---- names

static str run_app_url(up_service *s, str tag, bool by_number)
{
    const home_project *p = s->up->project;
    run_app name = {.tag = tag,
                    .service = s->spec->name,
                    .hash = by_number ? STR_NONE : p->project_hash,
                    .number = by_number ? p->number : STR_NONE,
                    .region = p->region};
    buf url;
    buf_init(&url, 1024);
    buf_addz(&url, "https://");
    run_app_format(&url, &name);
    str kept = arena_str(&s->up->arena, buf_str(&url));
    buf_deinit(&url);
    return kept;
}

// Both forms of the service's URL, then those of its tags.
static void make_urls(up_service *s)
{
    const service_spec *spec = s->spec;
    str *urls = arena_array(&s->up->arena, 2 + 2 * spec->traffic_count, sizeof(*urls));
    size_t n = 0;
    urls[n++] = run_app_url(s, STR_NONE, false);
    urls[n++] = run_app_url(s, STR_NONE, true);
    for (size_t i = 0; i < spec->traffic_count; i++) {
        if (!spec->traffic[i].tag.len)
            continue;
        urls[n++] = run_app_url(s, spec->traffic[i].tag, false);
        urls[n++] = run_app_url(s, spec->traffic[i].tag, true);
    }
    s->run_app_urls = urls;
    s->run_app_url_count = n;
}

static void make_target(up_service *s)
{
    up *u = s->up;
    const home_project *p = u->project;
    const service_spec *spec = s->spec;
    str *audiences =
        arena_array(&u->arena, s->run_app_url_count + spec->audience_count, sizeof(*audiences));
    size_t n = 0;
    for (size_t i = 0; i < s->run_app_url_count; i++)
        audiences[n++] = s->run_app_urls[i];
    for (size_t i = 0; i < spec->audience_count; i++)
        audiences[n++] = spec->audiences[i];
    const audit_label labels[UP_LABELS] = {{"location", p->region},
                                           {"service_name", spec->name},
                                           {"configuration_name", spec->name},
                                           {"revision_name", spec->revision}};
    memcpy(s->labels, labels, sizeof(labels));
    s->target = (guard_target){
        .project_id = p->id,
        .resource =
            arena_printf(&u->arena, "projects/" STR_FMT "/locations/" STR_FMT "/services/" STR_FMT,
                         STR_ARG(p->id), STR_ARG(p->region), STR_ARG(spec->name)),
        .log_resource = {.type = "cloud_run_revision",
                         .labels = s->labels,
                         .label_count = UP_LABELS},
        .policy = s->policy,
        .check_disabled = spec->check_disabled,
        .audiences = audiences,
        .audience_count = n};
}

// ---- policy

// Exposure that people regret is told at once.
static void warn(up_service *s, const policy *own)
{
    policy_findings found;
    policy_lint(own, &s->up->arena, &found);
    for (const policy_finding *f = found.ptr; f < found.ptr + found.len; f++) {
        if (f->severity != POLICY_WARNING)
            continue;
        str text = arena_printf(&s->up->arena,
                                "the policy of '" STR_FMT "', line %u: " STR_FMT " " STR_FMT
                                ": " STR_FMT " [%s]; %s",
                                STR_ARG(s->spec->name), f->line, STR_ARG(f->role),
                                STR_ARG(f->member), STR_ARG(f->message), f->rule, f->fix);
        up_note(s->up, text.ptr);
    }
}

// setIamPolicy gave it another one: the next call is judged by that.
static void on_policy(void *ctx, policy *p)
{
    up_service *s = ctx;
    policy_unref(s->policy);
    s->policy = policy_ref(p);
    s->target.policy = p;
}

static code make_policy(up_service *s, err *e)
{
    const google_service service = {.name = s->spec->name,
                                    .declared = s->declared ? s->declared->policy : NULL,
                                    .on_policy = on_policy,
                                    .ctx = s};
    policy *own, *all;
    code c = google_add_service(s->up->google, &service, &own, &all, e);
    if (c)
        return c;
    warn(s, own);
    s->policy = policy_ref(all);
    return OK;
}

// ---- calls and instances

static void on_claim(void *ctx, gate_claim *c)
{
    c->backend = revision_claim(((up_service *)ctx)->revision, c);
}

static void on_release(void *ctx, gate_claim *c)
{
    revision_release(((up_service *)ctx)->revision, c->backend);
}

static void on_place(void *ctx, void *call, http_pool *pool, str instance_id)
{
    up_service *s = ctx;
    gate_place(call, pool, instance_id, s->spec->revision);
}

static void on_refuse(void *ctx, void *call, int status, const err *why)
{
    up_service *s = ctx;
    place *p = ((gate_claim *)call)->backend;
    gate_refuse(call, status, why);
    revision_release(s->revision, p);
}

static void on_line(void *ctx, str instance_id, str container, str line)
{
    up_log_output(ctx, instance_id, container, line);
}

static void on_event(void *ctx, str instance_id, const err *e, const char *text)
{
    up_log_event(ctx, instance_id, e, text);
}

// Cloud Run answers 404 to who may not come in, and logs nothing.
static const char *closed(const up_service *s)
{
    if (s->up->o.internal)
        return NULL;
    if (s->spec->url_disabled)
        return "its run.app URL is disabled (run.googleapis.com/default-url-disabled)";
    return s->spec->ingress == SERVICE_INGRESS_ALL
               ? NULL
               : "its ingress lets only internal calls in (run.googleapis.com/ingress)";
}

static void tell_closed(up_service *s)
{
    const char *why = s->gate_service.closed;
    if (why)
        up_note(s->up,
                arena_printf(&s->up->arena,
                             "service '" STR_FMT "' answers 404 to calls from outside, as %s; "
                             "--internal makes callers internal",
                             STR_ARG(s->spec->name), why)
                    .ptr);
}

code up_service_init(up_service *s, err *e)
{
    google_metadata_options account = {.account = s->spec->account};
    code c = google_metadata_new(s->up->google, &account, &s->metadata, e);
    if (c) {
        const json *at = s->spec->account_at;
        err_wrap(e, "service '" STR_FMT "'", STR_ARG(s->spec->name));
        return at ? err_at(e, s->spec->file, at->line, at->col) : c;
    }
    s->account = s->spec->account.len ? s->spec->account : google_default_account(s->up->google);
    c = make_policy(s, e);
    if (c)
        return c;
    make_urls(s);
    make_target(s);
    s->gate_service =
        (gate_service){.name = s->spec->name,
                       .target = &s->target,
                       .backend = {.claim = on_claim, .release = on_release, .ctx = s},
                       .timeout_ms = s->spec->timeout_s * 1000ULL,
                       .request_bytes_max = s->spec->ingress_container->h2c ? UINT64_MAX : 0,
                       .closed = closed(s)};
    tell_closed(s);
    return OK;
}

// ---- listening

static const char *start_dir(up_service *s, const service_container *box)
{
    if (!box->workdir.len)
        return s->dir;
    bool absolute = box->workdir.ptr[0] == '/';
    return arena_printf(&s->up->arena, "%s%s" STR_FMT, absolute ? "" : s->dir, absolute ? "" : "/",
                        STR_ARG(box->workdir))
        .ptr;
}

static code make_runs(up_service *s, const instance_run **ret_runs, err *e)
{
    up *u = s->up;
    instance_run *runs = arena_array(&u->arena, s->spec->container_count, sizeof(*runs));
    *ret_runs = runs;
    for (size_t i = 0; i < s->spec->container_count; i++) {
        const service_container *box = &s->spec->containers[i];
        environment_options o = {.spec = s->spec,
                                 .container = box,
                                 .dir = s->dir,
                                 .home = u->home,
                                 .path = u->o.path,
                                 .lang = u->o.lang,
                                 .google = up_proxy_google(u, s->metadata_server, s->proxy)};
        runs[i].dir = start_dir(s, box);
        code c = environment_make(&u->arena, &o, &runs[i].env, e);
        if (c)
            return c;
    }
    return OK;
}

static code start_revision(up_service *s, err *e)
{
    up *u = s->up;
    const instance_run *runs = NULL;
    code c = make_runs(s, &runs, e);
    if (c)
        return c;
    uint64_t window = u->o.window_ms ? u->o.window_ms : SCALE_WINDOW_MS;
    uint64_t to_zero = u->o.to_zero_ms ? u->o.to_zero_ms : window + window / 2;
    if (window > to_zero)
        window = to_zero;
    revision_options ro = {.spec = s->spec,
                           .runs = runs,
                           .window_ms = window,
                           .grace_ms = to_zero - window,
                           .on_place = on_place,
                           .on_refuse = on_refuse,
                           .on_line = on_line,
                           .on_event = on_event,
                           .ctx = s};
    s->revision = revision_new(u->loop, &ro);
    revision_start(s->revision);
    return OK;
}

code up_service_listen(up_service *s, uint16_t port, err *e)
{
    up *u = s->up;
    http_server_options metadata = {.on_request = google_metadata_on_request, .ctx = s->metadata};
    code c = http_server_new(u->loop, &metadata, &s->metadata_server, e);
    if (c == OK)
        c = up_proxy_listen(u, s->metadata_server, &s->proxy, e);
    if (c == OK)
        c = start_revision(s, e);
    if (c)
        return c;
    gate_options o = {.listen = {.port = port},
                      .service = &s->gate_service,
                      .guard = u->guard,
                      .issuers = u->oidc,
                      .spool = u->spool,
                      .on_record = up_log_call,
                      .record_ctx = s};
    c = gate_new(u->loop, &o, &s->gate, e);
    if (c)
        return err_wrap(e, "service '" STR_FMT "'", STR_ARG(s->spec->name));
    s->url = arena_printf(&u->arena, "http://127.0.0.1:%u", gate_port(s->gate));
    return OK;
}

void up_service_free(up_service *s)
{
    gate_free(s->gate); // releases its claims
    revision_free(s->revision);
    proxy_free(s->proxy);
    http_server_free(s->metadata_server);
    google_metadata_free(s->metadata);
    policy_unref(s->policy);
}
