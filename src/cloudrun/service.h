// SPDX-License-Identifier: Apache-2.0
// service: a Knative service.yaml as Cloud Run takes it (contract cloud-run.md §3). Every key is
// either honoured, noted as without effect on this machine, or refused with its place and a way
// out; none is passed over. What is noted is told once, at the start.
#pragma once

#include "base/base.h"

typedef struct json json;

enum {
    SERVICE_BYTES_MAX = 1 << 20,
    SERVICE_CONTAINERS_MAX = 10,
    SERVICE_TRAFFIC_MAX = 100,
    SERVICE_CONCURRENCY = 80, // when nothing is said
    SERVICE_CONCURRENCY_MAX = 1000,
    SERVICE_TIMEOUT_S = 300,
    SERVICE_TIMEOUT_S_MAX = 3600,
    SERVICE_INSTANCES = 100, // maxScale when nothing is said
    SERVICE_STARTUP_S = 240, // the longest that a start may take
    SERVICE_MEMORY_BYTES = 512 << 20,
    SERVICE_CPU_MILLI = 1000,
};

typedef enum service_probe_kind { SERVICE_PROBE_TCP, SERVICE_PROBE_HTTP } service_probe_kind;

typedef struct service_header service_header;
struct service_header {
    str name, value;
};

typedef struct service_probe service_probe;
struct service_probe {
    bool set; // false for a liveness probe that isn't there
    service_probe_kind kind;
    str path;      // SERVICE_PROBE_HTTP
    uint16_t port; // 0: the one that $PORT names
    const service_header *headers;
    size_t header_count;
    uint32_t initial_delay_s, period_s, timeout_s, failures_max;
};

typedef struct service_env service_env;
struct service_env {
    str name, value;
    str secret, version; // set: the value comes from there
    const json *at;
};

typedef struct service_container service_container;
struct service_container {
    str name;           // may be empty when it is the only one
    str image;          // empty: a process
    const str *command; // with args behind it: the words to run
    size_t command_count;
    str workdir;
    const service_env *env; // each name once
    size_t env_count;
    bool has_port; // takes the requests
    bool h2c;      // speaks HTTP/2 there, and nothing else
    uint16_t port; // as written; each instance really listens on a port of its own
    uint32_t cpu_milli;
    uint64_t memory_bytes;
    service_probe startup, liveness;
    const size_t *needs; // containers that must have started before
    size_t needs_count;
    const json *at;
};

typedef struct service_traffic service_traffic;
struct service_traffic {
    str revision; // empty: the latest
    uint32_t percent;
    str tag;
};

typedef enum service_ingress {
    SERVICE_INGRESS_ALL,
    SERVICE_INGRESS_INTERNAL,
    SERVICE_INGRESS_LOAD_BALANCER,
} service_ingress;

// Lives in the arena that it was loaded into.
typedef struct service_spec service_spec;
struct service_spec {
    const char *file;
    str name;
    str revision; // "orders-00001-abc" when the file names none
    str account;  // empty: the project's default
    const json *account_at;
    service_ingress ingress;
    bool check_disabled;        // run.googleapis.com/invoker-iam-disabled
    bool url_disabled;          // run.googleapis.com/default-url-disabled
    bool health_check_disabled; // no start-up probe at all
    const str *audiences;
    size_t audience_count;
    uint32_t concurrency; // requests that one instance takes at once
    uint32_t timeout_s;
    uint32_t min, max; // instances
    const service_container *containers;
    size_t container_count;
    const service_container *ingress_container;
    const json *dependencies; // {"app": ["proxy"]} or NULL
    const json *dependencies_at;
    const service_traffic *traffic;
    size_t traffic_count;
    const str *notes; // "FILE:LINE:COL: KEY: no local effect"
    size_t note_count;
};

// Reads YAML or JSON, one service or several documents. Errors, each with its place: DATA_… for
// what is malformed, missing, unknown or out of bounds; UP_UNSUPPORTED for what Cloud Run or this
// program refuses; UP_COMMAND when nothing says what to run on this machine.
CODE_CHECKED service_load(arena *a, const char *path, const service_spec **ret_specs,
                          size_t *ret_count, err *e);
// `file` is named in errors and must live as long as the arena.
CODE_CHECKED service_parse(arena *a, str text, const char *file, const service_spec **ret_specs,
                           size_t *ret_count, err *e);

// ---- within the room ----------------------------------------------------------------------------

// What the reading of one document collects.
typedef struct service_reader service_reader;
struct service_reader {
    arena *a;
    VEC(str) notes;
};
void service_note(service_reader *r, const json *at, const char *fmt, ...) ATTR_PRINTF(3, 4);

// Checks each key of the document against the table: type, and whether it is honoured.
CODE_CHECKED service_check(service_reader *r, const json *root, err *e);

// Values; `v` may be NULL, then *ret_value stays.
CODE_CHECKED service_uint(const json *v, uint32_t min, uint32_t max, uint32_t *ret_value, err *e);
// The same from an annotation, whose value is text.
CODE_CHECKED service_text_uint(const json *v, uint32_t min, uint32_t max, uint32_t *ret_value,
                               err *e);
CODE_CHECKED service_cpu(const json *v, uint32_t *ret_milli, err *e);
CODE_CHECKED service_memory(const json *v, uint64_t *ret_bytes, err *e);
// RFC 1035 label of at most `max` characters.
CODE_CHECKED service_label(const json *v, size_t max, err *e);
CODE_CHECKED service_probe_read(service_reader *r, const json *v, bool startup,
                                service_probe *ret_probe, err *e);
CODE_CHECKED service_containers_read(service_reader *r, const json *list, service_spec *s, err *e);
CODE_CHECKED service_annotations_read(service_reader *r, const json *root, service_spec *s, err *e);
