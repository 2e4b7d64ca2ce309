// SPDX-License-Identifier: Apache-2.0
// up from inside.
#pragma once

#include "cloudrun/cloudrun.h"
#include "cloudrun/cloudrun_proxy.h"
#include "cloudrun/environment.h"
#include "cloudrun/revision.h"
#include "data/data.h"
#include "gate/gate.h"
#include "google/google.h"
#include "home/home.h"

enum { UP_DRAIN_MS = 10000, UP_LABELS = 4, UP_SERVICES_MAX = 50 };

typedef struct up_service up_service;
struct up_service {
    up *up;
    const service_spec *spec;
    const char *dir; // of service.yaml
    str account;
    const project_policy *declared; // NULL: none
    policy *policy;                 // with what the project grants
    audit_label labels[UP_LABELS];
    guard_target target;
    gate_service gate_service;
    gate *gate;
    google_metadata *metadata;
    http_server *metadata_server;
    proxy *proxy; // NULL: none
    revision *revision;
    str url;
    const str *run_app_urls;
    size_t run_app_url_count;
};

struct up {
    loop *loop;
    up_options o;
    arena arena;
    const home_project *project;
    role_set *roles;
    directory *directory;
    audit_spool *spool;
    google *google;
    oidc *oidc;
    guard *guard;
    up_service *services;
    size_t service_count;
    google_metadata *metadata; // for programs outside: tests, a shell
    http_server *metadata_server, *token_server, *admin_server;
    const char *home; // HOME of the instances
    // Of google_proxy:
    tls_authority *authority;
    proxy *proxy; // for programs outside
    const char *ca, *ca_bundle, *env_file;
    const char *audit_dir;
    str run_as; // who programs outside are
    home_address address;
    bool written;   // the address file
    size_t closing; // drains and stops that are under way
    void (*on_stopped)(void *ctx);
    void *stopped_ctx;
};

// up_project.c: project, services, state, trail, identities.
CODE_CHECKED up_load(up *u, err *e);

// up_service.c
CODE_CHECKED up_service_init(up_service *s, err *e);
CODE_CHECKED up_service_listen(up_service *s, uint16_t port, err *e);
void up_service_free(up_service *s);

// up_proxy.c: what google_proxy makes; nothing without it.
CODE_CHECKED up_proxy_prepare(up *u, err *e); // before the services listen
CODE_CHECKED up_proxy_listen(up *u, http_server *metadata, proxy **ret_proxy, err *e);
environment_google up_proxy_google(const up *u, const http_server *metadata, const proxy *p);
CODE_CHECKED up_proxy_env_file(up *u, err *e);
void up_proxy_free(up *u);

// up_admin.c
CODE_CHECKED up_admin_listen(up *u, err *e);

// up_address.c
void up_address_fill(up *u);

// up_log.c: lines for the person who watches.
void up_log_output(up_service *s, str instance_id, str container, str line);
void up_log_proxy(void *up, const err *e);
void up_log_event(up_service *s, str instance_id, const err *e, const char *text);
void up_log_call(void *service, const gate_record *r);
void up_note(up *u, const char *text);
