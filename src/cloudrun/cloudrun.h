// SPDX-License-Identifier: Apache-2.0
// cloudrun: `gatepost up`: Cloud Run on this machine (contract cloud-run.md). Each service.yaml
// becomes a port that judges calls as Cloud Run does, and instances from none upwards behind it;
// beside them stand the local Google (token endpoint, IAM, keys), a metadata server for each
// service, and an admin port.
//
// Invariants
// - Everything listens on loopback; the admin port answers only to its own address (threat 36).
// - Local and cloud identity never mix (injection.md §4): instances get nothing of the person's
//   environment that names a credential, and the issuer's keys are this machine's.
// - Who looks for the running `up` finds it by the address file alone (threat 40), which is written
//   when everything listens and removed first of all.
#pragma once

#include "base/base.h"

typedef struct json json;
typedef struct loop loop;
typedef struct jout jout;
typedef struct up up;

typedef struct up_options up_options;
struct up_options {
    const char *project_file; // NULL: found from the paths or the current directory
    const str *paths;         // service.yaml files, and folders that hold one or a gatepost.yaml
    size_t path_count;
    uint16_t port;           // of the first service, the others follow; 0: free ones
    uint64_t window_ms;      // of the autoscaler; 0: a minute
    uint64_t to_zero_ms;     // the last instance ends after this idle time; 0: window and a half
    bool internal;           // callers count as being inside the network: ingress lets them in
    bool google_proxy;       // instances get a proxy that answers for Google's hosts
    const char *path, *lang; // of the environment, for the instances
    const char *roots;       // PEM file of the CAs that are trusted here; NULL: the system's
    // Reads the section `up` of the project file into the options; when there is one. May be NULL.
    code (*on_project)(void *ctx, const json *section, up_options *o, err *e);
    // A line for the person who watches, without its end: what the programs write, what happens to
    // instances, each call. It may be shown on a terminal as it is.
    void (*on_line)(void *ctx, str line);
    void *ctx;
};

// Reads project and services, opens state and trail. Nothing listens yet. The paths must outlive
// it. Errors: those of project, service.yaml and policies; UP_NO_SERVICE; HOME_…, STORE_…, AUDIT_….
CODE_CHECKED up_new(loop *l, const up_options *o, up **ret_up, err *e);
// Listens, writes key files and the address file. NET_LISTEN, HOME_RUNNING, GOOGLE_KEY_FILE.
CODE_CHECKED up_start(up *u, err *e);
// Calls under way may finish for ten seconds, then the instances are asked to end.
void up_stop(up *u, void (*on_stopped)(void *ctx), void *ctx);
// Ends at once what still runs. NULL is allowed.
void up_free(up *u);

// The names of the services in a service.yaml, in its order. Errors: those of the file.
CODE_CHECKED up_service_names(arena *a, const char *path, const str **ret_names, size_t *ret_count,
                              err *e);

// {pid, project, services: [{name, url, run_app_urls}], token_url, metadata, issuer, jwks, certs,
// admin}, and with google_proxy {proxy, ca, ca_bundle, env_file}
void up_json(const up *u, jout *w);
// What runs where and what to try, for a terminal.
void up_text(const up *u, bool colour, buf *out);
