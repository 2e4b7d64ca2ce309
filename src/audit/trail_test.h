// SPDX-License-Identifier: Apache-2.0
// What the tests of this room share: a spool in a folder of its own, and calls to put into it.
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/audit.h"
#include "base/test.h"
#include "data/data.h"

static char spool_dir[64];

static inline int make_dir(void **state)
{
    (void)state;
    snprintf(spool_dir, sizeof spool_dir, "/tmp/gatepost-audit-XXXXXX");
    return mkdtemp(spool_dir) ? 0 : -1;
}

static inline int remove_dir(void **state)
{
    (void)state;
    DIR *d = opendir(spool_dir);
    const struct dirent *entry;
    while (d && (entry = readdir(d)))
        unlinkat(dirfd(d), entry->d_name, 0);
    closedir(d);
    return rmdir(spool_dir);
}

static inline audit_spool *open_spool_as(loop *l, const audit_options *o)
{
    audit_spool *s = NULL;
    err e = ERR_INIT;
    if (audit_spool_open(l, spool_dir, o, &s, &e))
        fail_msg("%s", e.msg);
    return s;
}

static inline audit_spool *open_spool(void)
{
    return open_spool_as(NULL, NULL);
}

static inline const char *spool_file(unsigned number)
{
    static char path[96];
    snprintf(path, sizeof path, "%s/audit-%08u.jsonl", spool_dir, number);
    return path;
}

static const audit_label revision_labels[] = {
    {"location", {"europe-west1", 12}},
    {"service_name", {"orders", 6}},
    {"configuration_name", {"orders", 6}},
    {"revision_name", {"orders-00001-abc", 16}},
};
static const audit_resource revision = {"cloud_run_revision", revision_labels,
                                        ARRAY_LEN(revision_labels)};

// A call of orders by the tester; `i` makes its span.
typedef struct sample sample;
struct sample {
    char span[17];
    audit_call call;
};
static inline sample *sample_call(sample *x, unsigned i)
{
    snprintf(x->span, sizeof x->span, "%016x", i);
    x->call = (audit_call){.method = STR("GET"),
                           .url = STR("https://orders-4cn5pqrsta-ew.a.run.app/orders/17"),
                           .protocol = STR("HTTP/1.1"),
                           .user_agent = STR("gatepost/0.1"),
                           .remote_ip = STR("127.0.0.1"),
                           .trace = STR("4bf92f3577b34da6a3ce929d0e0e4736"),
                           .span = {x->span, 16},
                           .sampled = true};
    return x;
}

static inline audit_event sample_event(const sample *x)
{
    return (audit_event){
        .log = AUDIT_DATA_ACCESS,
        .project_id = STR("demo"),
        .resource = revision,
        .service_name = STR("run.googleapis.com"),
        .method_name = STR("gatepost.Invoke"),
        .resource_name = STR("projects/demo/locations/europe-west1/services/orders"),
        .permission = STR("run.routes.invoke"),
        .granted = true,
        .caller = {.email = STR("tester@demo.iam.gserviceaccount.com"),
                   .subject = STR("serviceAccount:tester@demo.iam.gserviceaccount.com")},
        .call = &x->call,
        .metadata_json = STR("{\"source\":\"gatepost\",\"explanation\":\"by roles/run.invoker\"}"),
    };
}

static inline audit_event sample_refusal(const sample *x)
{
    audit_event ev = sample_event(x);
    ev.granted = false;
    ev.status_code = 7;
    ev.status_message = STR("Permission denied");
    ev.caller = (audit_caller){.email = STR("stranger@demo.iam.gserviceaccount.com")};
    ev.metadata_json = STR("{\"explanation\":\"no binding names the caller\"}");
    return ev;
}

static inline audit_request sample_request(const sample *x, int status)
{
    return (audit_request){.project_id = STR("demo"),
                           .resource = revision,
                           .instance_id = STR("00c0ffee"),
                           .call = x->call,
                           .status = status,
                           .request_bytes = 827,
                           .response_bytes = 212,
                           .latency_ns = 355516564};
}

// Adds call i: its event, and its request when status isn't 0.
static inline void add_sample(audit_spool *s, unsigned i, bool granted, int status)
{
    sample x;
    sample_call(&x, i);
    audit_event ev = granted ? sample_event(&x) : sample_refusal(&x);
    audit_add_event(s, &ev, NULL);
    if (status) {
        audit_request rq = sample_request(&x, status);
        audit_add_request(s, &rq, NULL);
    }
}

static inline uint64_t verified(void)
{
    uint64_t entries = 0;
    err e = ERR_INIT;
    if (audit_verify(spool_dir, &entries, &e))
        fail_msg("%s:%u: %s", e.file, e.line, e.msg);
    return entries;
}
