// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"
#include "cloudrun/service.h"
#include "data/data.h"

static int set_up(void **state)
{
    arena *a = NEW(arena);
    arena_init(a);
    *state = a;
    return 0;
}

static int tear_down(void **state)
{
    arena_deinit(*state);
    free(*state);
    return 0;
}

static const service_spec *load(arena *a, const char *text)
{
    const service_spec *specs = NULL;
    size_t count = 0;
    err e = ERR_INIT;
    if (service_parse(a, str_from(text), "service.yaml", &specs, &count, &e) != OK)
        fail_msg("%u:%u: %s", e.line, e.col, e.msg);
    assert_int_equal(count, 1);
    return specs;
}

// A service in four pieces; each may be empty.
static const char *service(arena *a, const char *annotations, const char *template_annotations,
                           const char *pod, const char *container)
{
    return arena_printf(a,
                        "apiVersion: serving.knative.dev/v1\n"
                        "kind: Service\n"
                        "metadata:\n"
                        "  name: orders\n"
                        "  annotations: {%s}\n"
                        "spec:\n"
                        "  template:\n"
                        "    metadata:\n"
                        "      annotations: {%s}\n"
                        "    spec:\n"
                        "      %s\n"
                        "      containers:\n"
                        "      - command: [run]\n"
                        "        %s\n",
                        annotations, template_annotations, pod, container)
        .ptr;
}

static void what_is_not_said_has_cloud_runs_defaults(void **state)
{
    const service_spec *s = load(*state, service(*state, "", "", "", ""));
    const service_container *c = s->ingress_container;
    assert_strz(s->name, "orders");
    assert_true(str_starts(s->revision, STR("orders-00001-")));
    assert_int_equal(s->revision.len, strlen("orders-00001-abc"));
    assert_int_equal(s->concurrency, 80);
    assert_int_equal(s->timeout_s, 300);
    assert_int_equal(s->min, 0);
    assert_int_equal(s->max, 100);
    assert_int_equal(s->ingress, SERVICE_INGRESS_ALL);
    assert_false(s->check_disabled || s->url_disabled || s->health_check_disabled);
    assert_int_equal(c->port, 8080);
    assert_int_equal(c->memory_bytes, 512 << 20);
    assert_int_equal(c->cpu_milli, 1000);
    assert_int_equal(c->startup.kind, SERVICE_PROBE_TCP);
    assert_int_equal(c->startup.period_s * c->startup.failures_max, 240);
    assert_false(c->liveness.set);
    assert_int_equal(s->note_count, 0);
}

static const char full[] =
    "apiVersion: serving.knative.dev/v1\n"
    "kind: Service\n"
    "metadata:\n"
    "  name: orders\n"
    "  namespace: 123456789012\n"
    "  annotations:\n"
    "    run.googleapis.com/ingress: internal\n"
    "    run.googleapis.com/invoker-iam-disabled: 'true'\n"
    "    run.googleapis.com/default-url-disabled: 'true'\n"
    "    run.googleapis.com/custom-audiences: '[\"https://a.example\", \"b\"]'\n"
    "    run.googleapis.com/maxScale: '3'\n"
    "    run.googleapis.com/minScale: '2'\n"
    "    example.com/owner: us\n"
    "spec:\n"
    "  template:\n"
    "    metadata:\n"
    "      name: orders-blue\n"
    "      annotations:\n"
    "        autoscaling.knative.dev/minScale: '1'\n"
    "        autoscaling.knative.dev/maxScale: '5'\n"
    "        run.googleapis.com/sessionAffinity: 'true'\n"
    "        run.googleapis.com/health-check-disabled: 'true'\n"
    "    spec:\n"
    "      containerConcurrency: 10\n"
    "      timeoutSeconds: 60\n"
    "      serviceAccountName: runtime@p.iam.gserviceaccount.com\n"
    "      containers:\n"
    "      - name: app\n"
    "        image: example/app\n"
    "        command: [python3, -u]\n"
    "        args: [app.py]\n"
    "        workingDir: src\n"
    "        env:\n"
    "        - {name: A, value: one}\n"
    "        - {name: B, value: two}\n"
    "        - {name: A, value: three}\n"
    "        - {name: C, valueFrom: {secretKeyRef: {name: key, key: 3}}}\n"
    "        - {name: EMPTY}\n"
    "        ports: [{name: http1, containerPort: 9000}]\n"
    "        resources: {limits: {cpu: 2, memory: 1Gi}}\n"
    "        startupProbe: {httpGet: {path: /ready, port: 9000, httpHeaders: [{name: X, "
    "value: y}]}, periodSeconds: 5, timeoutSeconds: 2, failureThreshold: 7}\n"
    "        livenessProbe: {tcpSocket: {port: 9001}, initialDelaySeconds: 3}\n"
    "  traffic:\n"
    "  - {revisionName: orders-blue, percent: 90}\n"
    "  - {latestRevision: true, percent: 10, tag: next}\n";

static void everything_that_is_honoured_is_read(void **state)
{
    const service_spec *s = load(*state, full);
    const service_container *c = s->ingress_container;
    assert_strz(s->revision, "orders-blue");
    assert_strz(s->account, "runtime@p.iam.gserviceaccount.com");
    assert_int_equal(s->ingress, SERVICE_INGRESS_INTERNAL);
    assert_true(s->check_disabled && s->url_disabled && s->health_check_disabled);
    assert_int_equal(s->audience_count, 2);
    assert_strz(s->audiences[1], "b");
    assert_int_equal(s->min, 2); // the larger of both floors
    assert_int_equal(s->max, 3); // the smaller of both ceilings
    assert_int_equal(s->concurrency, 10);
    assert_int_equal(s->timeout_s, 60);
    assert_int_equal(c->command_count, 3);
    assert_strz(c->command[2], "app.py");
    assert_strz(c->workdir, "src");
    assert_int_equal(c->env_count, 4);
    assert_strz(c->env[0].value, "three"); // the last duplicate wins
    assert_strz(c->env[2].secret, "key");
    assert_strz(c->env[2].version, "3");
    assert_strz(c->env[3].value, "");
    assert_int_equal(c->port, 9000);
    assert_int_equal(c->cpu_milli, 2000);
    assert_int_equal(c->memory_bytes, 1 << 30);
    assert_int_equal(c->startup.kind, SERVICE_PROBE_HTTP);
    assert_int_equal(c->startup.port, 0); // the port that the instance gets
    assert_strz(c->startup.path, "/ready");
    assert_strz(c->startup.headers[0].value, "y");
    assert_int_equal(c->startup.failures_max, 7);
    assert_true(c->liveness.set);
    assert_int_equal(c->liveness.port, 9001);
    assert_int_equal(c->liveness.initial_delay_s, 3);
    assert_int_equal(s->traffic_count, 2);
    assert_strz(s->traffic[1].tag, "next");
    assert_int_equal(s->note_count, 2); // the other one is of sessionAffinity
    assert_strz(s->notes[1],
                "service.yaml:29:16: spec.template.spec.containers[0].image: not used: "
                "the command runs as a local process");
}

static void quantities_have_cloud_runs_forms(void **state)
{
    static const struct {
        const char *limits;
        uint32_t milli;
        uint64_t bytes;
    } rows[] = {
        {"cpu: '1'", 1000, 512 << 20},       {"cpu: 0.5", 500, 512 << 20},
        {"cpu: 250m", 250, 512 << 20},       {"cpu: '0.08'", 80, 512 << 20},
        {"cpu: 8", 8000, 512 << 20},         {"memory: 64Mi", 1000, 64 << 20},
        {"memory: 128M", 1000, 128000000},   {"memory: 2Gi", 1000, 2ULL << 30},
        {"memory: 65536Ki", 1000, 64 << 20}, {"memory: 536870912", 1000, 512 << 20},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *limits = arena_printf(*state, "resources: {limits: {%s}}", rows[i].limits).ptr;
        const service_spec *s =
            load(*state, service(*state, "", "", "containerConcurrency: 1", limits));
        assert_row(i, s->ingress_container->cpu_milli == rows[i].milli);
        assert_row(i, s->ingress_container->memory_bytes == rows[i].bytes);
    }
    // Less than one CPU takes one request at a time unless something else is said.
    const service_spec *s =
        load(*state, service(*state, "", "", "", "resources: {limits: {cpu: 500m}}"));
    assert_int_equal(s->concurrency, 1);
}

static void what_has_no_local_effect_is_noted_with_its_place(void **state)
{
    static const char *const on_service[] = {"run.googleapis.com/description",
                                             "run.googleapis.com/client-name",
                                             "run.googleapis.com/launch-stage",
                                             "run.googleapis.com/binary-authorization",
                                             "run.googleapis.com/build-source-location",
                                             "run.googleapis.com/gc-traffic-tags",
                                             "run.googleapis.com/urls"};
    static const char *const on_template[] = {"run.googleapis.com/cpu-throttling",
                                              "run.googleapis.com/startup-cpu-boost",
                                              "run.googleapis.com/execution-environment",
                                              "run.googleapis.com/vpc-access-egress",
                                              "run.googleapis.com/network-interfaces",
                                              "run.googleapis.com/encryption-key",
                                              "run.googleapis.com/base-images",
                                              "run.googleapis.com/gpu-zonal-redundancy-disabled"};
    for (size_t i = 0; i < ARRAY_LEN(on_service); i++) {
        const char *one = arena_printf(*state, "%s: x", on_service[i]).ptr;
        const service_spec *s = load(*state, service(*state, one, "", "", ""));
        assert_row(i, s->note_count == 1);
        assert_row(i, str_ends(s->notes[0], STR(": no local effect")));
        assert_row(i, str_starts(s->notes[0], STR("service.yaml:5:")));
    }
    for (size_t i = 0; i < ARRAY_LEN(on_template); i++) {
        const char *one = arena_printf(*state, "%s: x", on_template[i]).ptr;
        const service_spec *s = load(*state, service(*state, "", one, "", ""));
        assert_row(i, s->note_count == 1);
    }
}

typedef struct bad_row {
    const char *annotations, *template_annotations, *pod, *container;
    code c;
    unsigned line;
    const char *message; // part of it
} bad_row;

static void check_bad(arena *a, const bad_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const bad_row *r = &rows[i];
        const char *text = service(a, r->annotations ? r->annotations : "",
                                   r->template_annotations ? r->template_annotations : "",
                                   r->pod ? r->pod : "", r->container ? r->container : "");
        const service_spec *specs;
        size_t n;
        err e = ERR_INIT;
        code c = service_parse(a, str_from(text), "service.yaml", &specs, &n, &e);
        if (c != r->c || e.line != r->line || !strstr(e.msg, r->message))
            fail_msg("row %zu (%s%s%s%s): got [%s] %u:%u %s", i,
                     r->annotations ? r->annotations : "",
                     r->template_annotations ? "template" : "", r->pod ? r->pod : "",
                     r->container ? r->container : "", code_id(c), e.line, e.col, e.msg);
        assert_row(i, e.col > 0);
        assert_string_equal(e.file, "service.yaml");
        if (c == UP_UNSUPPORTED || c == DATA_UNKNOWN)
            assert_row(i, e.hint[0]); // the way out
    }
}

static const bad_row refused_rows[] = {
    {.container = "envFrom: []", .c = UP_UNSUPPORTED, .line = 14, .message = "envFrom"},
    {.container = "env: [{name: A, valueFrom: {configMapKeyRef: {name: a, key: b}}}]",
     .c = UP_UNSUPPORTED,
     .line = 14,
     .message = "configMapKeyRef"},
    {.container = "env: [{name: A, valueFrom: {secretKeyRef: {name: a, key: '1', optional: "
                  "true}}}]",
     .c = UP_UNSUPPORTED,
     .line = 14,
     .message = "optional"},
    {.container = "env: [{name: A, valueFrom: {fieldRef: {fieldPath: x}}}]",
     .c = UP_UNSUPPORTED,
     .line = 14,
     .message = "fieldRef"},
    {.container = "env: [{name: PORT, value: '1'}]",
     .c = UP_UNSUPPORTED,
     .line = 14,
     .message = "PORT"},
    {.container = "env: [{name: K_SERVICE, value: x}]",
     .c = UP_UNSUPPORTED,
     .line = 14,
     .message = "K_SERVICE"},
    {.container = "env: [{name: K_REVISION, value: x}]",
     .c = UP_UNSUPPORTED,
     .line = 14,
     .message = "K_REVISION"},
    {.container = "env: [{name: K_CONFIGURATION, value: x}]",
     .c = UP_UNSUPPORTED,
     .line = 14,
     .message = "K_CONFIGURATION"},
    {.container = "env: [{name: CLOUD_RUN_TASK_INDEX, value: x}]",
     .c = UP_UNSUPPORTED,
     .line = 14,
     .message = "CLOUD_RUN_TASK_INDEX"},
    {.container = "env: [{name: X_GOOGLE_Y, value: x}]",
     .c = UP_UNSUPPORTED,
     .line = 14,
     .message = "X_GOOGLE_Y"},
    {.container = "securityContext: {}",
     .c = UP_UNSUPPORTED,
     .line = 14,
     .message = "securityContext"},
    {.container = "lifecycle: {}", .c = UP_UNSUPPORTED, .line = 14, .message = "lifecycle"},
    {.container = "readinessProbe: {}",
     .c = UP_UNSUPPORTED,
     .line = 14,
     .message = "readinessProbe"},
    {.container = "startupProbe: {exec: {command: [x]}}",
     .c = UP_UNSUPPORTED,
     .line = 14,
     .message = "exec"},
    {.container = "startupProbe: {httpGet: {host: x}}",
     .c = UP_UNSUPPORTED,
     .line = 14,
     .message = "host"},
    {.container = "livenessProbe: {httpGet: {scheme: HTTPS}}",
     .c = UP_UNSUPPORTED,
     .line = 14,
     .message = "scheme"},
    {.pod = "imagePullSecrets: []", .c = UP_UNSUPPORTED, .line = 11, .message = "imagePullSecrets"},
    {.pod = "enableServiceLinks: false",
     .c = UP_UNSUPPORTED,
     .line = 11,
     .message = "enableServiceLinks"},
    {.pod = "securityContext: {}", .c = UP_UNSUPPORTED, .line = 11, .message = "securityContext"},
    {.pod = "volumes: [{name: v, configMap: {name: c}}]",
     .c = UP_UNSUPPORTED,
     .line = 11,
     .message = "configMap"},
    {.pod = "volumes: [{name: v, secret: {secretName: s, optional: true}}]",
     .c = UP_UNSUPPORTED,
     .line = 11,
     .message = "optional"},
    {.template_annotations = "run.googleapis.com/secrets: 'a:projects/1/secrets/b'",
     .c = UP_UNSUPPORTED,
     .line = 9,
     .message = "secrets"},
    {.annotations = "autoscaling.knative.dev/maxScale: '1'",
     .c = UP_UNSUPPORTED,
     .line = 5,
     .message = "doesn't belong here"},
    {.template_annotations = "run.googleapis.com/ingress: all",
     .c = UP_UNSUPPORTED,
     .line = 9,
     .message = "doesn't belong here"},
    {.annotations = "run.googleapis.com/ingres: all",
     .c = DATA_UNKNOWN,
     .line = 5,
     .message = "no such annotation"},
    {.template_annotations = "autoscaling.knative.dev/window: 60s",
     .c = DATA_UNKNOWN,
     .line = 9,
     .message = "no such annotation"},
    {.pod = "timeoutSecond: 5", .c = DATA_UNKNOWN, .line = 11, .message = "timeoutSecond"},
    {.container = "comand: [x]", .c = DATA_UNKNOWN, .line = 14, .message = "comand"},
    {.container = "'ports[]': []", .c = DATA_UNKNOWN, .line = 14, .message = "ports[]"},
};

static void each_refused_key_is_refused_at_its_place_with_a_way_out(void **state)
{
    check_bad(*state, refused_rows, ARRAY_LEN(refused_rows));
}

static const bad_row wrong_rows[] = {
    {.pod = "containerConcurrency: 1001", .c = DATA_VALUE, .line = 11, .message = "0 to 1000"},
    {.pod = "containerConcurrency: -1", .c = DATA_VALUE, .line = 11, .message = "0 to 1000"},
    {.pod = "containerConcurrency: '80'", .c = DATA_TYPE, .line = 11, .message = "a number"},
    {.pod = "timeoutSeconds: 3601", .c = DATA_VALUE, .line = 11, .message = "1 to 3600"},
    {.pod = "timeoutSeconds: 0", .c = DATA_VALUE, .line = 11, .message = "1 to 3600"},
    {.pod = "timeoutSeconds: 1.5", .c = DATA_VALUE, .line = 11, .message = "1 to 3600"},
    {.pod = "serviceAccountName: default", .c = DATA_VALUE, .line = 11, .message = "e-mail"},
    {.pod = "volumes: [{name: v}]", .c = DATA_VALUE, .line = 11, .message = "emptyDir"},
    {.container = "ports: [{containerPort: 1}, {containerPort: 2}]",
     .c = DATA_VALUE,
     .line = 14,
     .message = "exactly one port"},
    {.container = "ports: [{containerPort: 0}]",
     .c = DATA_VALUE,
     .line = 14,
     .message = "1 to 65535"},
    {.container = "ports: [{name: grpc}]", .c = DATA_VALUE, .line = 14, .message = "http1"},
    {.container = "ports: [{protocol: UDP}]", .c = DATA_VALUE, .line = 14, .message = "TCP"},
    {.container = "resources: {limits: {cpu: 9}}", .c = DATA_VALUE, .line = 14, .message = "CPUs"},
    {.container = "resources: {limits: {memory: 1Mi}}",
     .c = DATA_VALUE,
     .line = 14,
     .message = "32Mi"},
    {.container = "resources: {limits: {memory: lots}}",
     .c = DATA_VALUE,
     .line = 14,
     .message = "32Mi"},
    {.container = "env: [{name: A, value: 5}]", .c = DATA_TYPE, .line = 14, .message = "a string"},
    {.container = "env: [{name: 1A, value: x}]",
     .c = DATA_VALUE,
     .line = 14,
     .message = "name of a variable"},
    {.container = "env: [{value: x}]", .c = DATA_MISSING, .line = 14, .message = "name"},
    {.container = "env: [{name: A, value: x, valueFrom: {secretKeyRef: {name: a, key: b}}}]",
     .c = DATA_VALUE,
     .line = 14,
     .message = "both"},
    {.container = "env: [{name: A, valueFrom: {secretKeyRef: {name: ../a, key: b}}}]",
     .c = DATA_VALUE,
     .line = 14,
     .message = "secret"},
    {.container = "startupProbe: {}", .c = DATA_VALUE, .line = 14, .message = "exactly one"},
    {.container = "startupProbe: {tcpSocket: {port: 1}, grpc: {port: 1}}",
     .c = DATA_VALUE,
     .line = 14,
     .message = "exactly one"},
    {.container = "startupProbe: {tcpSocket: {}, periodSeconds: 241}",
     .c = DATA_VALUE,
     .line = 14,
     .message = "1 to 240"},
    {.container = "startupProbe: {tcpSocket: {}, timeoutSeconds: 11}",
     .c = DATA_VALUE,
     .line = 14,
     .message = "timeoutSeconds"},
    {.container = "startupProbe: {tcpSocket: {}, failureThreshold: 25}",
     .c = DATA_VALUE,
     .line = 14,
     .message = "250 s"},
    {.container = "livenessProbe: {tcpSocket: {}, successThreshold: 2}",
     .c = DATA_VALUE,
     .line = 14,
     .message = "1 to 1"},
    {.container = "startupProbe: {httpGet: {path: ready}}",
     .c = DATA_VALUE,
     .line = 14,
     .message = "'/'"},
    {.container = "volumeMounts: [{name: x, mountPath: /x}]",
     .c = DATA_VALUE,
     .line = 14,
     .message = "no volume"},
    {.annotations = "run.googleapis.com/ingress: external",
     .c = DATA_VALUE,
     .line = 5,
     .message = "internal-and-cloud-load-balancing"},
    {.annotations = "run.googleapis.com/invoker-iam-disabled: 'yes'",
     .c = DATA_VALUE,
     .line = 5,
     .message = "true"},
    {.annotations = "run.googleapis.com/invoker-iam-disabled: true",
     .c = DATA_TYPE,
     .line = 5,
     .message = "a string"},
    {.annotations = "run.googleapis.com/custom-audiences: 'https://a'",
     .c = DATA_VALUE,
     .line = 5,
     .message = "JSON list"},
    {.template_annotations = "autoscaling.knative.dev/maxScale: '0'",
     .c = DATA_VALUE,
     .line = 9,
     .message = "1 to 10000"},
    {.template_annotations = "autoscaling.knative.dev/maxScale: 3",
     .c = DATA_TYPE,
     .line = 9,
     .message = "a string"},
    {.template_annotations =
         "autoscaling.knative.dev/minScale: '5', autoscaling.knative.dev/maxScale: '3'",
     .c = DATA_VALUE,
     .line = 4,
     .message = "minScale (5)"},
    {.template_annotations = "run.googleapis.com/container-dependencies: '[]'",
     .c = DATA_VALUE,
     .line = 9,
     .message = "JSON object"},
};

static void each_wrong_value_is_told_at_its_place(void **state)
{
    check_bad(*state, wrong_rows, ARRAY_LEN(wrong_rows));
}

static void whole_documents_that_are_not_a_service(void **state)
{
    static const struct {
        const char *text;
        code c;
        const char *message;
    } rows[] = {
        {"", DATA_VALUE, "empty"},
        {"[]", DATA_TYPE, "an object"},
        {"apiVersion: serving.knative.dev/v1\n", DATA_MISSING, "kind"},
        {"apiVersion: v1\nkind: Service\n", DATA_VALUE, "serving.knative.dev/v1"},
        {"apiVersion: serving.knative.dev/v1\nkind: Job\n", UP_UNSUPPORTED, "Job"},
        {"apiVersion: serving.knative.dev/v1\nkind: Service\n", DATA_MISSING, "metadata"},
        {"apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: Orders}\n",
         DATA_VALUE, "lower-case"},
        {"apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: orders-}\n",
         DATA_VALUE, "lower-case"},
        {"apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: o}\n", DATA_MISSING,
         "spec"},
        {"apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: o}\n"
         "spec: {template: {spec: {containers: []}}}\n",
         DATA_VALUE, "1 to 10"},
        {"apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: o}\n"
         "spec: {template: {spec: {containers: [{image: x}]}}}\n",
         UP_COMMAND, "image"},
        {"apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: o}\n"
         "spec: {template: {spec: {containers: [{args: [x]}]}}}\n",
         UP_COMMAND, "neither"},
        {"apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: o}\n"
         "spec: {template: {metadata: {name: other-1}, spec: {containers: [{command: [x]}]}}}\n",
         DATA_VALUE, "must start with 'o-'"},
        {"apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: o, generateName: "
         "p}\n",
         UP_UNSUPPORTED, "generateName"},
        {"apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: o, finalizers: []}\n",
         UP_UNSUPPORTED, "finalizers"},
        {"apiVersion: serving.knative.dev/v1\nkind: Service\n"
         "metadata: {name: o, ownerReferences: []}\n",
         UP_UNSUPPORTED, "ownerReferences"},
        {"apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: o}\n"
         "spec.template: {}\n",
         DATA_UNKNOWN, "spec.template"},
        {"{\"apiVersion\": \"serving.knative.dev/v1\", \"kind\": \"Service\", }", DATA_SYNTAX, ""},
        {"apiVersion: [\n", DATA_SYNTAX, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const service_spec *specs;
        size_t count;
        err e = ERR_INIT;
        code c = service_parse(*state, str_from(rows[i].text), "f", &specs, &count, &e);
        if (c != rows[i].c || !strstr(e.msg, rows[i].message) || !e.line)
            fail_msg("row %zu: got [%s] %u:%u %s", i, code_id(c), e.line, e.col, e.msg);
    }
}

// Each tag is an address of its own: as many as the address file takes.
static void traffic_has_a_limit_in_number(void **state)
{
    for (int extra = 0; extra < 2; extra++) {
        buf text;
        buf_init(&text, 64 << 10);
        buf_addz(&text, "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: o}\n"
                        "spec: {template: {spec: {containers: [{command: [x]}]}},\n"
                        "traffic: [{latestRevision: true, percent: 100}");
        for (int i = 1; i < SERVICE_TRAFFIC_MAX + extra; i++)
            buf_addf(&text, ", {latestRevision: true, tag: t%d}", i);
        buf_addz(&text, "]}\n");
        const service_spec *specs = NULL;
        size_t count = 0;
        err e = ERR_INIT;
        code c = service_parse(*state, buf_str(&text), "f", &specs, &count, &e);
        assert_code(c, extra ? DATA_LIMIT : OK);
        if (extra)
            assert_non_null(strstr(e.msg, "spec.traffic: has 101 parts: at most 100"));
        buf_deinit(&text);
    }
}

static void traffic_is_checked(void **state)
{
    static const struct {
        const char *traffic;
        code c;
        const char *message;
        size_t notes;
    } rows[] = {
        {"[{latestRevision: true, percent: 100}]", OK, "", 0},
        {"[{latestRevision: true, percent: 100, tag: blue}]", OK, "", 0},
        {"[{revisionName: o-00007-xyz, percent: 100}]", OK, "", 1},
        {"[{latestRevision: true, percent: 99}]", DATA_VALUE, "99, not 100", 0},
        {"[{latestRevision: true, percent: 60}, {revisionName: o-1, percent: 60}]", DATA_VALUE,
         "120, not 100", 0},
        {"[{latestRevision: true, percent: 101}]", DATA_VALUE, "0 to 100", 0},
        {"[{percent: 100}]", DATA_VALUE, "exactly one", 0},
        {"[{latestRevision: true, revisionName: o-1, percent: 100}]", DATA_VALUE, "exactly one", 0},
        {"[{configurationName: o, percent: 100}]", UP_UNSUPPORTED, "configurationName", 0},
        {"[{latestRevision: true, percent: 100, tag: Blue}]", DATA_VALUE, "lower-case", 0},
        {"[{latestRevision: true, percent: 50, tag: a}, {latestRevision: true, percent: 50, tag: "
         "a}]",
         DATA_DUPLICATE, "taken", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        str text = arena_printf(*state,
                                "apiVersion: serving.knative.dev/v1\nkind: Service\n"
                                "metadata: {name: o}\n"
                                "spec: {template: {spec: {containers: [{command: [x]}]}},\n"
                                "traffic: %s}\n",
                                rows[i].traffic);
        const service_spec *specs = NULL;
        size_t count = 0;
        err e = ERR_INIT;
        code c = service_parse(*state, text, "f", &specs, &count, &e);
        if (c != rows[i].c || !strstr(e.msg, rows[i].message))
            fail_msg("row %zu: got [%s] %s", i, code_id(c), e.msg);
        if (c)
            assert_row(i, e.line == 5);
        else
            assert_row(i, specs->note_count == rows[i].notes);
    }
}

static void containers_beside_the_one_with_the_port(void **state)
{
    static const struct {
        const char *containers;
        code c;
        const char *message;
    } rows[] = {
        {"[{name: a, command: [x], ports: [{}]}, {name: b, command: [y]}]", OK, ""},
        {"[{name: a, command: [x]}, {name: b, command: [y], ports: [{}]}]", OK, ""},
        {"[{name: a, command: [x]}, {name: b, command: [y]}]", DATA_MISSING, "must have a port"},
        {"[{name: a, command: [x], ports: [{}]}, {name: b, command: [y], ports: [{}]}]", DATA_VALUE,
         "only one container"},
        {"[{command: [x], ports: [{}]}, {name: b, command: [y]}]", DATA_MISSING, "needs a name"},
        {"[{name: a, command: [x], ports: [{}]}, {name: a, command: [y]}]", DATA_DUPLICATE,
         "this name"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        str text = arena_printf(*state,
                                "apiVersion: serving.knative.dev/v1\nkind: Service\n"
                                "metadata: {name: o}\n"
                                "spec: {template: {spec: {containers: %s}}}\n",
                                rows[i].containers);
        const service_spec *specs = NULL;
        size_t count = 0;
        err e = ERR_INIT;
        code c = service_parse(*state, text, "f", &specs, &count, &e);
        if (c != rows[i].c || !strstr(e.msg, rows[i].message))
            fail_msg("row %zu: got [%s] %s", i, code_id(c), e.msg);
        if (c == OK)
            assert_row(i, specs->ingress_container->has_port && specs->container_count == 2);
    }
}

static void containers_wait_for_those_they_depend_on(void **state)
{
    static const struct {
        const char *dependencies;
        code c;
        const char *message;
    } rows[] = {
        {"{\"a\": [\"b\", \"c\"], \"b\": [\"c\"]}", OK, ""},
        {"{\"a\": [\"d\"]}", DATA_VALUE, "no container 'd'"},
        {"{\"d\": [\"a\"]}", DATA_VALUE, "no container 'd'"},
        {"{\"a\": \"b\"}", DATA_VALUE, "lists of container names"},
        {"{\"a\": [\"b\"], \"b\": [\"c\"], \"c\": [\"a\"]}", DATA_VALUE, "wait for each other"},
        {"{\"a\": [\"a\"]}", DATA_VALUE, "wait for each other"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        str text =
            arena_printf(*state,
                         "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: o}\n"
                         "spec: {template: {metadata: {annotations: {\n"
                         "run.googleapis.com/container-dependencies: '%s'}},\n"
                         "spec: {containers: [{name: a, command: [x], ports: [{}]},\n"
                         "{name: b, command: [y], startupProbe: {tcpSocket: {port: 8080}}},\n"
                         "{name: c, command: [z]}]}}}\n",
                         rows[i].dependencies);
        const service_spec *s = NULL;
        size_t count = 0;
        err e = ERR_INIT;
        code c = service_parse(*state, text, "f", &s, &count, &e);
        if (c != rows[i].c || !strstr(e.msg, rows[i].message) || (c && e.line != 5))
            fail_msg("row %zu: got [%s] %u %s", i, code_id(c), e.line, e.msg);
        if (c)
            continue;
        assert_int_equal(s->containers[0].needs_count, 2);
        assert_int_equal(s->containers[0].needs[1], 2);
        assert_int_equal(s->containers[1].startup.port, 8080); // not the instance's own
    }
}

static void a_file_may_hold_several_services_in_yaml_or_one_in_json(void **state)
{
#define ONE(name)                                                                                  \
    "{\"apiVersion\": \"serving.knative.dev/v1\", \"kind\": \"Service\", \"metadata\": "           \
    "{\"name\": "                                                                                  \
    "\"" name "\"}, \"spec\": {\"template\": {\"spec\": {\"containers\": [{\"command\": "          \
    "[\"x\"]}]}}}}"
    const service_spec *specs = NULL;
    size_t count = 0;
    err e = ERR_INIT;
    assert_code(service_parse(*state, STR(ONE("a")), "f.json", &specs, &count, &e), OK);
    assert_int_equal(count, 1);
    assert_code(service_parse(*state, STR("---\n" ONE("a") "\n---\n" ONE("b") "\n"), "f", &specs,
                              &count, &e),
                OK);
    assert_int_equal(count, 2);
    assert_strz(specs[1].name, "b");
    assert_code(service_parse(*state, STR("---\n" ONE("a") "\n---\n" ONE("a") "\n"), "f", &specs,
                              &count, &e),
                DATA_DUPLICATE);
    assert_int_equal(e.line, 4);
#undef ONE
}

static void the_example_is_a_service(void **state)
{
    const char *path =
        arena_printf(*state, "%s/examples/orders/service.yaml", getenv("GATEPOST_SOURCE")).ptr;
    const service_spec *specs = NULL;
    size_t count = 0;
    err e = ERR_INIT;
    if (service_load(*state, path, &specs, &count, &e) != OK)
        fail_msg("%s", e.msg);
    assert_int_equal(count, 1);
    assert_int_equal(specs->concurrency, 20);
    assert_int_equal(specs->max, 3);
    assert_int_equal(specs->note_count, 0);
}

// T50: what explodes when it is read is refused before it is big.
static void T50_a_file_that_explodes_is_refused(void **state)
{
    buf text;
    buf_init(&text, 1 << 20);
    buf_addz(&text, "a: &a [x,x,x,x,x,x,x,x,x]\n");
    for (char c = 'b'; c < 'k'; c++)
        buf_addf(&text, "%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", c, c, c - 1, c - 1,
                 c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1);
    const service_spec *specs;
    size_t count;
    err e = ERR_INIT;
    assert_code(service_parse(*state, buf_str(&text), "f", &specs, &count, &e), DATA_LIMIT);
    buf_deinit(&text);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_is_not_said_has_cloud_runs_defaults),
        TEST(everything_that_is_honoured_is_read),
        TEST(quantities_have_cloud_runs_forms),
        TEST(what_has_no_local_effect_is_noted_with_its_place),
        TEST(each_refused_key_is_refused_at_its_place_with_a_way_out),
        TEST(each_wrong_value_is_told_at_its_place),
        TEST(whole_documents_that_are_not_a_service),
        TEST(traffic_is_checked),
        TEST(traffic_has_a_limit_in_number),
        TEST(containers_beside_the_one_with_the_port),
        TEST(containers_wait_for_those_they_depend_on),
        TEST(a_file_may_hold_several_services_in_yaml_or_one_in_json),
        TEST(the_example_is_a_service),
        TEST(T50_a_file_that_explodes_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
