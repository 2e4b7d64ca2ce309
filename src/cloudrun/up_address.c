// SPDX-License-Identifier: Apache-2.0
// What `up` says of itself: to other commands by the address file, to programs as JSON, to people.
#include <unistd.h>

#include "cloudrun/up_own.h"

static str url_of(up *u, const http_server *server, const char *path)
{
    return arena_printf(&u->arena, "http://127.0.0.1:%u%s", http_server_port(server), path);
}

void up_address_fill(up *u)
{
    const home_project *p = u->project;
    address_service *services = arena_array(&u->arena, u->service_count, sizeof(*services));
    for (size_t i = 0; i < u->service_count; i++) {
        const up_service *s = &u->services[i];
        const char *file = s->declared ? s->declared->policy->file : NULL;
        services[i] = (address_service){.name = s->spec->name,
                                        .url = s->url,
                                        .run_app_urls = s->run_app_urls,
                                        .run_app_url_count = s->run_app_url_count,
                                        .policy = str_from(file)};
    }
    address_account *accounts = arena_array(&u->arena, p->account_count, sizeof(*accounts));
    for (size_t i = 0; i < p->account_count; i++)
        accounts[i] = (address_account){.email = p->accounts[i].email,
                                        .key_file = str_from(p->accounts[i].key)};
    u->address = (home_address){.pid = getpid(),
                                .project = p->id,
                                .project_number = p->number,
                                .issuer = GOOGLE_ISSUER,
                                .token_url = url_of(u, u->token_server, "/token"),
                                .iam_url = url_of(u, u->token_server, ""),
                                .metadata = url_of(u, u->metadata_server, ""),
                                .jwks = url_of(u, u->token_server, "/oauth2/v3/certs"),
                                .certs = url_of(u, u->token_server, "/oauth2/v1/certs"),
                                .admin = url_of(u, u->admin_server, ""),
                                .run_as = u->run_as,
                                .audit = str_from(u->audit_dir),
                                .ca = str_from(u->ca),
                                .ca_bundle = str_from(u->ca_bundle),
                                .env_file = str_from(u->env_file),
                                .services = services,
                                .service_count = u->service_count,
                                .accounts = accounts,
                                .account_count = p->account_count};
    if (u->proxy)
        u->address.proxy = arena_printf(&u->arena, "http://127.0.0.1:%u", proxy_port(u->proxy));
}

void up_json(const up *u, jout *w)
{
    const home_address *ad = &u->address;
    jout_object(w, NULL);
    jout_i64(w, "pid", ad->pid);
    jout_str(w, "project", ad->project);
    jout_array(w, "services");
    for (size_t i = 0; i < ad->service_count; i++) {
        jout_object(w, NULL);
        jout_str(w, "name", ad->services[i].name);
        jout_str(w, "url", ad->services[i].url);
        jout_array(w, "run_app_urls");
        for (size_t k = 0; k < ad->services[i].run_app_url_count; k++)
            jout_str(w, NULL, ad->services[i].run_app_urls[k]);
        jout_end(w);
        jout_end(w);
    }
    jout_end(w);
    jout_str(w, "token_url", ad->token_url);
    jout_str(w, "metadata", ad->metadata);
    jout_str(w, "issuer", ad->issuer);
    jout_str(w, "jwks", ad->jwks);
    jout_str(w, "certs", ad->certs);
    jout_str(w, "admin", ad->admin);
    if (ad->proxy.len) {
        jout_str(w, "proxy", ad->proxy);
        jout_str(w, "ca", ad->ca);
        jout_str(w, "ca_bundle", ad->ca_bundle);
        jout_str(w, "env_file", ad->env_file);
    }
    jout_end(w);
}

static void service_text(const up_service *s, const char *bold, const char *plain, buf *out)
{
    buf_addf(out, "\n%s" STR_FMT "%s  " STR_FMT "\n", bold, STR_ARG(s->spec->name), plain,
             STR_ARG(s->url));
    for (size_t i = 0; i < s->run_app_url_count; i++)
        buf_addf(out, "  as " STR_FMT "\n", STR_ARG(s->run_app_urls[i]));
    buf_addf(out, "  runs as " STR_FMT ", %u to %u instances of %u calls\n", STR_ARG(s->account),
             s->spec->min, s->spec->max, s->spec->concurrency);
    if (s->spec->check_disabled)
        buf_addz(out, "  anybody may call it: the invoker check is disabled\n");
}

// A project file, which may be a stranger's, chose both (threat 48).
static void key_text(const address_account *a, buf *out)
{
    buf_addz(out, "key file         ");
    buf_add_shown(out, a->key_file);
    buf_addz(out, " of ");
    buf_add_shown(out, a->email);
    buf_addc(out, '\n');
}

void up_text(const up *u, bool colour, buf *out)
{
    const home_address *ad = &u->address;
    const char *bold = colour ? "\033[1m" : "", *plain = colour ? "\033[0m" : "";
    buf_addf(out, "Cloud Run of project " STR_FMT " is up on this machine.\n",
             STR_ARG(ad->project));
    for (size_t i = 0; i < u->service_count; i++)
        service_text(&u->services[i], bold, plain, out);
    buf_addf(out, "\ntoken endpoint   " STR_FMT "\nmetadata server  " STR_FMT "\n",
             STR_ARG(ad->token_url), STR_ARG(ad->metadata));
    buf_addf(out, "audit trail      " STR_FMT "\n", STR_ARG(ad->audit));
    if (ad->proxy.len)
        buf_addf(out, "Google's hosts   " STR_FMT "; in a shell: . " STR_FMT "\n",
                 STR_ARG(ad->proxy), STR_ARG(ad->env_file));
    for (size_t i = 0; i < ad->account_count; i++)
        if (ad->accounts[i].key_file.len)
            key_text(&ad->accounts[i], out);
    str url = ad->services[0].run_app_urls[0];
    buf_addf(out,
             "\n%sNext, in another terminal:%s\n"
             "  gatepost run --local COLLECTION\n"
             "  curl -H \"Authorization: Bearer $(gatepost token --audience " STR_FMT ")\" " STR_FMT
             "/\n"
             "  gatepost audit tail\n"
             "Ctrl-C stops everything.\n",
             bold, plain, STR_ARG(url), STR_ARG(ad->services[0].url));
}
