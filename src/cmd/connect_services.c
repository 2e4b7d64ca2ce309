// SPDX-License-Identifier: Apache-2.0
// Which services `gatepost connect` stands in front of.
#include <string.h>

#include "cloudrun/cloudrun.h"
#include "cmd/connect.h"
#include "uri/uri.h"

typedef struct chooser chooser;
struct chooser {
    identity_setup *s;
    const option_values *o;
    connect_services *services;
};

// ---- those of the running `up` ------------------------------------------------------------------

static bool serves(const address_service *s, str url)
{
    for (size_t i = 0; i < s->run_app_url_count; i++)
        if (str_eq(s->run_app_urls[i], url))
            return true;
    return str_eq(s->url, url);
}

static const address_service *find_service(const home_address *running, str name_or_url)
{
    for (size_t i = 0; running && i < running->service_count; i++) {
        const address_service *s = &running->services[i];
        if (str_eq(s->name, name_or_url) || serves(s, name_or_url))
            return s;
    }
    return NULL;
}

// The URL stays what it is, and the calls go to this machine.
static code route_to(chooser *c, const address_service *s, gate_connect_service *ret, err *e)
{
    uri_url u;
    arena *a = &c->s->arena;
    if (url_parse(a, s->url, &u, e))
        return e->code;
    ret->address = arena_cstr(a, u.host.name);
    ret->address_port = u.port;
    ret->local_issuer = c->s->up->issuer;
    if (!ret->identity.len)
        ret->identity = option_text(c->o, "account");
    return OK;
}

static code unknown_service(const chooser *c, str what, err *e)
{
    if (!c->s->up) {
        (void)err_set(e, HOME_ABSENT,
                      "'" STR_FMT "' isn't a URL, and no 'gatepost up' of yours is running",
                      STR_ARG(what));
        return err_hint(e, "give the service's URL, https://…, or its --region and --project");
    }
    (void)err_set(e, HOME_ABSENT, "the running 'gatepost up' has no service '" STR_FMT "'",
                  STR_ARG(what));
    return err_hint(e, "it serves: " STR_FMT, STR_ARG(address_services(c->s->up, &c->s->arena)));
}

// ---- those of a project in the cloud ------------------------------------------------------------

static bool names_region(const option_values *o)
{
    return str_eq(str_from(option_origin(o, "region")), STR("--region"));
}

// What the project file says itself; numbers and hashes that `up` makes up are no use in the cloud.
static str told(const home_project *p, const char *key)
{
    const json *v = json_get(json_get(p->root, "project"), key);
    return v && (v->type == JSON_STRING || v->type == JSON_NUMBER) ? v->text : STR_NONE;
}

static bool find_project(const chooser *c, run_app *n)
{
    const home_project *p = c->s->project;
    str project = option_text(c->o, "project");
    uint64_t digits;
    if (str_to_u64(project, &digits)) {
        n->number = project;
        return true;
    }
    if (!project.len || str_eq(project, p->id)) {
        n->number = told(p, "number");
        n->hash = n->number.len ? STR_NONE : told(p, "hash");
    }
    return n->number.len || n->hash.len;
}

// Who asks for a region or a project means the cloud; who doesn't may have misspelt a service's
// name.
static code unknown_project(const chooser *c, str name, err *e)
{
    if (!names_region(c->o) && !option_is_set(c->o, "project"))
        return unknown_service(c, name, e);
    (void)err_set(e, OPTION_INVALID, "--region: the project's number isn't known");
    return err_hint(e, "--project NUMBER, which is printed by: gcloud projects describe "
                       "PROJECT --format='value(projectNumber)'");
}

// The deterministic URL: contract cloud-run.md §2.
static code in_cloud(chooser *c, str name, str *ret_url, err *e)
{
    run_app n = {.service = name, .region = option_text(c->o, "region")};
    buf host;
    if (!n.region.len)
        n.region = told(c->s->project, "region");
    if (!n.region.len)
        return unknown_service(c, name, e);
    if (!find_project(c, &n))
        return unknown_project(c, name, e);
    buf_init(&host, 512);
    run_app_format(&host, &n);
    *ret_url = arena_printf(&c->s->arena, "https://%s", buf_cstr(&host));
    buf_deinit(&host);
    return OK;
}

// ---- one ----------------------------------------------------------------------------------------

// What it is called when nobody named it: as at Cloud Run, else by its host.
static code name_of(chooser *c, gate_connect_service *one, err *e)
{
    uri_url u;
    run_app n;
    str rest;
    if (url_parse(&c->s->arena, one->url, &u, e))
        return e->code;
    if (run_app_parse(u.host.name, &n))
        one->name = n.service;
    else
        str_cut(u.host.name, '.', &one->name, &rest);
    return OK;
}

// "NAME=URL" names it here; a query's '=' lies behind the scheme.
static str cut_name(str *word)
{
    str name, rest;
    if (!str_cut(*word, '=', &name, &rest) || str_chr(name, '/') >= 0)
        return STR_NONE;
    *word = rest;
    return name;
}

// What the word says: a URL, or a service's name here or in the cloud.
static code find(chooser *c, str word, gate_connect_service *one, const address_service **ret_here,
                 err *e)
{
    bool is_url = str_find(word, STR("://")) >= 0;
    bool local = option_flag(c->o, "local");
    bool cloud = !local && !is_url && names_region(c->o);
    const address_service *s = cloud ? NULL : find_service(c->s->up, word);
    *ret_here = s && (local || !is_url || str_eq(s->url, word)) ? s : NULL;
    if (is_url)
        one->url = word;
    else if (s)
        one->url = s->url;
    if (!s && local)
        return unknown_service(c, word, e);
    return one->url.len ? OK : in_cloud(c, word, &one->url, e);
}

static code add(chooser *c, str word, err *e)
{
    gate_connect_service one = {.identity = option_text(c->o, "identity")};
    const address_service *here;
    one.name = cut_name(&word);
    if (str_ends(word, STR("/")))
        word.len--;
    if (find(c, word, &one, &here, e) || (here && route_to(c, here, &one, e)))
        return e->code;
    if (!one.name.len && here)
        one.name = here->name;
    if (!one.name.len && name_of(c, &one, e))
        return e->code;
    vec_push(c->services, one);
    return OK;
}

// ---- all ----------------------------------------------------------------------------------------

static code add_file(chooser *c, const char *path, err *e)
{
    const str *names;
    size_t count;
    if (up_service_names(&c->s->arena, path, &names, &count, e))
        return e->code;
    for (size_t i = 0; i < count; i++) {
        if (add(c, names[i], e))
            return e->code;
    }
    return OK;
}

static code add_all(chooser *c, err *e)
{
    const home_address *running = names_region(c->o) ? NULL : c->s->up;
    const home_project *p = c->s->project;
    code status = OK;
    for (size_t i = 0; running && status == OK && i < running->service_count; i++)
        status = add(c, running->services[i].name, e);
    for (size_t i = 0; !running && status == OK && i < p->service_count; i++)
        status = add_file(c, p->services[i], e);
    if (status || c->services->len)
        return status;
    (void)err_set(e, OPTION_ARGS,
                  "which service? Neither a running 'gatepost up' nor a gatepost.yaml tells");
    return err_hint(e, "gatepost connect https://…");
}

code connect_choose(identity_setup *s, const option_values *o, connect_services *ret, err *e)
{
    chooser c = {s, o, ret};
    const str_list *words = option_args(o);
    if (!words->len)
        return add_all(&c, e);
    for (size_t i = 0; i < words->len; i++) {
        if (add(&c, words->ptr[i], e))
            return e->code;
    }
    return OK;
}
