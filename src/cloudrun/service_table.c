// SPDX-License-Identifier: Apache-2.0
// The table of service.yaml: each key that a document may hold, its type and what becomes of it.
#include <string.h>

#include "cloudrun/service.h"
#include "data/data.h"

typedef enum effect {
    HONOURED,
    NOTED,   // taken, and said to have no effect on this machine
    REFUSED, // an error; `why` is the way out
} effect;

typedef struct row row;
struct row {
    const char *path; // [] stands for each member of a list
    char type;        // string number bool object array; t: text or number; m: any names inside
    effect effect;
    const char *why;
};

#define META "metadata."
#define TEMPLATE "spec.template."
#define POD "spec.template.spec."
#define BOX "spec.template.spec.containers[]."
#define CLUSTER "it belongs to a cluster and means nothing to Cloud Run: remove it"
#define GPU_LIMIT "nvidia.com/gpu"
#define SERVER_SET "the server writes it: remove it"

// A probe's keys, which start-up and liveness share.
#define PROBE(name)                                                                                \
    {BOX name, 'o', HONOURED, 0}, {BOX name ".httpGet", 'o', HONOURED, 0},                         \
        {BOX name ".httpGet.path", 's', HONOURED, 0},                                              \
        {BOX name ".httpGet.port", 'n', HONOURED, 0},                                              \
        {BOX name ".httpGet.httpHeaders", 'a', HONOURED, 0},                                       \
        {BOX name ".httpGet.httpHeaders[]", 'o', HONOURED, 0},                                     \
        {BOX name ".httpGet.httpHeaders[].name", 's', HONOURED, 0},                                \
        {BOX name ".httpGet.httpHeaders[].value", 's', HONOURED, 0},                               \
        {BOX name ".httpGet.host", '*', REFUSED, "a probe asks the instance itself: remove it"},   \
        {BOX name ".httpGet.scheme", '*', REFUSED, "a probe speaks plain HTTP: remove it"},        \
        {BOX name ".tcpSocket", 'o', HONOURED, 0}, {BOX name ".tcpSocket.port", 'n', HONOURED, 0}, \
        {BOX name ".tcpSocket.host", '*', REFUSED, "a probe asks the instance itself: remove it"}, \
        {BOX name ".grpc", 'o', HONOURED, 0}, {BOX name ".grpc.port", 'n', HONOURED, 0},           \
        {BOX name ".grpc.service", 's', HONOURED, 0},                                              \
        {BOX name ".exec", '*', REFUSED, "use httpGet, tcpSocket or grpc"},                        \
        {BOX name ".initialDelaySeconds", 'n', HONOURED, 0},                                       \
        {BOX name ".periodSeconds", 'n', HONOURED, 0},                                             \
        {BOX name ".timeoutSeconds", 'n', HONOURED, 0},                                            \
        {BOX name ".failureThreshold", 'n', HONOURED, 0},                                          \
    {                                                                                              \
        BOX name ".successThreshold", 'n', HONOURED, 0                                             \
    }

static const row rows[] = {
    {"apiVersion", 's', HONOURED, 0},
    {"kind", 's', HONOURED, 0},
    {"status", '*', NOTED, 0},
    {"metadata", 'o', HONOURED, 0},
    {META "name", 's', HONOURED, 0},
    {META "namespace", 't', HONOURED, 0},
    {META "annotations", 'm', HONOURED, 0},
    {META "labels", 'm', HONOURED, 0},
    {META "generation", '*', NOTED, 0},
    {META "resourceVersion", '*', NOTED, 0},
    {META "selfLink", '*', NOTED, 0},
    {META "uid", '*', NOTED, 0},
    {META "creationTimestamp", '*', NOTED, 0},
    {META "generateName", '*', REFUSED, "give the service its name in metadata.name"},
    {META "finalizers", '*', REFUSED, CLUSTER},
    {META "ownerReferences", '*', REFUSED, CLUSTER},
    {META "deletionTimestamp", '*', REFUSED, SERVER_SET},
    {"spec", 'o', HONOURED, 0},
    {"spec.template", 'o', HONOURED, 0},
    {TEMPLATE "metadata", 'o', HONOURED, 0},
    {TEMPLATE "metadata.name", 's', HONOURED, 0},
    {TEMPLATE "metadata.namespace", 't', HONOURED, 0},
    {TEMPLATE "metadata.annotations", 'm', HONOURED, 0},
    {TEMPLATE "metadata.labels", 'm', HONOURED, 0},
    {TEMPLATE "metadata.creationTimestamp", '*', NOTED, 0},
    {TEMPLATE "metadata.generateName", '*', REFUSED, "name it, or leave the name to Cloud Run"},
    {TEMPLATE "metadata.finalizers", '*', REFUSED, CLUSTER},
    {TEMPLATE "metadata.ownerReferences", '*', REFUSED, CLUSTER},
    {TEMPLATE "spec", 'o', HONOURED, 0},
    {POD "containerConcurrency", 'n', HONOURED, 0},
    {POD "timeoutSeconds", 'n', HONOURED, 0},
    {POD "serviceAccountName", 's', HONOURED, 0},
    {POD "nodeSelector", '*', NOTED, 0},
    {POD "runtimeClassName", '*', NOTED, 0},
    {POD "imagePullSecrets", '*', REFUSED, "Cloud Run pulls as its service agent: remove it"},
    {POD "enableServiceLinks", '*', REFUSED, CLUSTER},
    {POD "securityContext", '*', REFUSED, CLUSTER},
    {POD "initContainers", '*', REFUSED, "use a container and container-dependencies"},
    {POD "volumes", 'a', HONOURED, 0},
    {POD "volumes[]", 'o', HONOURED, 0},
    {POD "volumes[].name", 's', HONOURED, 0},
    {POD "volumes[].emptyDir", 'o', HONOURED, 0},
    {POD "volumes[].emptyDir.medium", 's', HONOURED, 0},
    {POD "volumes[].emptyDir.sizeLimit", 't', HONOURED, 0},
    {POD "volumes[].secret", 'o', HONOURED, 0},
    {POD "volumes[].secret.secretName", 's', HONOURED, 0},
    {POD "volumes[].secret.defaultMode", 'n', HONOURED, 0},
    {POD "volumes[].secret.items", 'a', HONOURED, 0},
    {POD "volumes[].secret.items[]", 'o', HONOURED, 0},
    {POD "volumes[].secret.items[].key", 't', HONOURED, 0},
    {POD "volumes[].secret.items[].path", 's', HONOURED, 0},
    {POD "volumes[].secret.items[].mode", 'n', HONOURED, 0},
    {POD "volumes[].secret.optional", '*', REFUSED, "a secret must exist: remove it"},
    {POD "volumes[].configMap", '*', REFUSED, "Cloud Run has no config maps: use a secret"},
    {POD "volumes[].csi", '*', REFUSED, "buckets can't be mounted here: use emptyDir"},
    {POD "volumes[].nfs", '*', REFUSED, "NFS can't be mounted here: use emptyDir"},
    {POD "containers", 'a', HONOURED, 0},
    {POD "containers[]", 'o', HONOURED, 0},
    {BOX "name", 's', HONOURED, 0},
    {BOX "image", 's', HONOURED, 0},
    {BOX "imagePullPolicy", '*', NOTED, 0},
    {BOX "command", 'a', HONOURED, 0},
    {BOX "command[]", 's', HONOURED, 0},
    {BOX "args", 'a', HONOURED, 0},
    {BOX "args[]", 's', HONOURED, 0},
    {BOX "workingDir", 's', HONOURED, 0},
    {BOX "env", 'a', HONOURED, 0},
    {BOX "env[]", 'o', HONOURED, 0},
    {BOX "env[].name", 's', HONOURED, 0},
    {BOX "env[].value", 's', HONOURED, 0},
    {BOX "env[].valueFrom", 'o', HONOURED, 0},
    {BOX "env[].valueFrom.secretKeyRef", 'o', HONOURED, 0},
    {BOX "env[].valueFrom.secretKeyRef.name", 's', HONOURED, 0},
    {BOX "env[].valueFrom.secretKeyRef.key", 't', HONOURED, 0},
    {BOX "env[].valueFrom.secretKeyRef.optional", '*', REFUSED, "a secret must exist: remove it"},
    {BOX "env[].valueFrom.configMapKeyRef", '*', REFUSED, "write the value, or use secretKeyRef"},
    {BOX "env[].valueFrom.fieldRef", '*', REFUSED, "Cloud Run sets K_SERVICE and K_REVISION"},
    {BOX "env[].valueFrom.resourceFieldRef", '*', REFUSED, "write the value"},
    {BOX "envFrom", '*', REFUSED, "list the variables under env"},
    {BOX "ports", 'a', HONOURED, 0},
    {BOX "ports[]", 'o', HONOURED, 0},
    {BOX "ports[].name", 's', HONOURED, 0},
    {BOX "ports[].containerPort", 'n', HONOURED, 0},
    {BOX "ports[].protocol", 's', HONOURED, 0},
    {BOX "ports[].hostPort", '*', REFUSED, CLUSTER},
    {BOX "resources", 'o', HONOURED, 0},
    {BOX "resources.limits", 'o', HONOURED, 0},
    {BOX "resources.limits.cpu", 't', HONOURED, 0},
    {BOX "resources.limits.memory", 't', HONOURED, 0},
    {BOX "resources.limits." GPU_LIMIT, '*', NOTED, 0},
    {BOX "resources.requests", '*', NOTED, 0},
    {BOX "volumeMounts", 'a', HONOURED, 0},
    {BOX "volumeMounts[]", 'o', HONOURED, 0},
    {BOX "volumeMounts[].name", 's', HONOURED, 0},
    {BOX "volumeMounts[].mountPath", 's', HONOURED, 0},
    {BOX "volumeMounts[].readOnly", 'b', HONOURED, 0},
    PROBE("startupProbe"),
    PROBE("livenessProbe"),
    {BOX "readinessProbe", '*', REFUSED, "use startupProbe and livenessProbe"},
    {BOX "securityContext", '*', REFUSED, CLUSTER},
    {BOX "lifecycle", '*', REFUSED, "Cloud Run has no hooks: react to SIGTERM instead"},
    {BOX "stdin", '*', REFUSED, "an instance has no input: remove it"},
    {BOX "tty", '*', REFUSED, "an instance has no terminal: remove it"},
    {"spec.traffic", 'a', HONOURED, 0},
    {"spec.traffic[]", 'o', HONOURED, 0},
    {"spec.traffic[].revisionName", 's', HONOURED, 0},
    {"spec.traffic[].latestRevision", 'b', HONOURED, 0},
    {"spec.traffic[].percent", 'n', HONOURED, 0},
    {"spec.traffic[].tag", 's', HONOURED, 0},
    {"spec.traffic[].url", '*', NOTED, 0},
    {"spec.traffic[].configurationName", '*', REFUSED, "use revisionName or latestRevision"},
};

enum { PATH_BYTES_MAX = 4096, KEY_BYTES_MAX = 64 };

// Names with a dot or a bracket in them would be read as paths.
static bool key_plain(str key)
{
    for (size_t i = 0; i < key.len; i++)
        if (!ascii_is_alnum(key.ptr[i]))
            return str_eq(key, STR(GPU_LIMIT));
    return key.len && key.len <= KEY_BYTES_MAX;
}

static const row *find(str path)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_eq(path, str_from(rows[i].path)))
            return &rows[i];
    return NULL;
}

// The names that the table has directly beneath `path`.
static size_t siblings(str path, const char *ret_names[ARRAY_LEN(rows)])
{
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        str rest = str_from(rows[i].path);
        if (rows[i].effect == REFUSED || !str_starts(rest, path))
            continue;
        rest = str_skip(rest, path.len);
        if (path.len && (!rest.len || rest.ptr[0] != '.'))
            continue;
        rest = str_skip(rest, path.len ? 1 : 0);
        if (rest.len && str_find(rest, STR("[]")) < 0 && str_chr(rest, '.') < 0)
            ret_names[n++] = rest.ptr;
    }
    return n;
}

static code unknown(const json *v, str parent, err *e)
{
    const char *names[ARRAY_LEN(rows)];
    const char *near = suggest(v->key, names, siblings(parent, names));
    json_err_key(v, e, DATA_UNKNOWN, "there is no such setting");
    if (near)
        err_hint(e, "did you mean '%s'?", near);
    else
        err_hint(e, "Cloud Run's service.yaml has no such key here: remove it");
    return DATA_UNKNOWN;
}

static code check_type(const json *v, char type, err *e)
{
    switch (type) {
    case 's':
        return json_want(v, JSON_STRING, e);
    case 'n':
        return json_want(v, JSON_NUMBER, e);
    case 'b':
        return json_want(v, JSON_BOOL, e);
    case 'a':
        return json_want(v, JSON_ARRAY, e);
    case 't':
        return v->type == JSON_NUMBER ? OK : json_want(v, JSON_STRING, e);
    case 'o':
    case 'm':
        return json_want(v, JSON_OBJECT, e);
    default:
        return OK;
    }
}

static code check_node(service_reader *r, const json *v, buf *path, err *e)
{
    const row *known = find(buf_str(path));
    if (known->effect == REFUSED) {
        json_err_key(v, e, UP_UNSUPPORTED, "this setting isn't supported");
        return err_hint(e, "%s", known->why);
    }
    if (known->effect == NOTED) {
        service_note(r, v, "no local effect");
        return OK;
    }
    // `emptyDir:` with nothing behind it is an empty one.
    bool absent = v->type == JSON_NULL && v->parent->type == JSON_OBJECT;
    return absent ? OK : check_type(v, known->type, e);
}

static code check_members(service_reader *r, const json *v, buf *path, err *e)
{
    size_t len = path->len;
    JSON_EACH (v, m) {
        if (v->type == JSON_ARRAY)
            buf_addz(path, "[]");
        else
            buf_addf(path, "%s" STR_FMT, len ? "." : "", STR_ARG(m->key));
        bool plain = v->type == JSON_ARRAY || key_plain(m->key);
        const row *known = plain ? find(buf_str(path)) : NULL;
        if (!known)
            return unknown(m, str_sub(buf_str(path), 0, len), e);
        code c = check_node(r, m, path, e);
        if (c == OK && known->effect == HONOURED && strchr("oa", known->type))
            c = check_members(r, m, path, e);
        if (c)
            return c;
        buf_truncate(path, len);
    }
    return OK;
}

code service_check(service_reader *r, const json *root, err *e)
{
    buf path;
    buf_init(&path, PATH_BYTES_MAX);
    code c = json_want(root, JSON_OBJECT, e);
    if (c == OK)
        c = check_members(r, root, &path, e);
    buf_deinit(&path);
    return c;
}
