// SPDX-License-Identifier: Apache-2.0
// The annotations of service.yaml, by which most of Cloud Run's own settings go.
#include <string.h>

#include "cloudrun/service.h"
#include "data/data.h"

typedef struct annotations annotations;
struct annotations {
    service_reader *r;
    service_spec *s;
    uint32_t service_min, service_max; // run.googleapis.com/…
    uint32_t manual;
    bool is_manual;
};

typedef code (*read_fn)(annotations *an, const json *v, err *e);

static code read_bool(const json *v, bool *ret_value, err *e)
{
    *ret_value = str_ieq(v->text, STR("true"));
    if (*ret_value || str_ieq(v->text, STR("false")))
        return OK;
    (void)json_err(v, e, DATA_VALUE, "must be \"true\" or \"false\"");
    return err_hint(e, "write \"true\" or \"false\", with the quotes");
}

static code one_of(const json *v, const char *const *words, size_t count, size_t *ret_at, err *e)
{
    buf all;
    buf_init(&all, 256);
    for (size_t i = 0; i < count; i++) {
        if (str_eq(v->text, str_from(words[i]))) {
            *ret_at = i;
            buf_deinit(&all);
            return OK;
        }
        buf_addf(&all, "%s%s", i ? ", " : "", words[i]);
    }
    json_err(v, e, DATA_VALUE, "must be one of %s", buf_cstr(&all));
    buf_deinit(&all);
    return err_hint(e, "for example %s", words[0]);
}

static code read_min(annotations *an, const json *v, err *e)
{
    return service_text_uint(v, 0, 10000, &an->s->min, e);
}

static code read_max(annotations *an, const json *v, err *e)
{
    return service_text_uint(v, 1, 10000, &an->s->max, e);
}

static code read_service_min(annotations *an, const json *v, err *e)
{
    return service_text_uint(v, 0, 10000, &an->service_min, e);
}

static code read_service_max(annotations *an, const json *v, err *e)
{
    return service_text_uint(v, 1, 10000, &an->service_max, e);
}

static code read_mode(annotations *an, const json *v, err *e)
{
    static const char *const words[] = {"automatic", "manual"};
    size_t at = 0;
    code c = one_of(v, words, ARRAY_LEN(words), &at, e);
    an->is_manual = at == 1;
    return c;
}

static code read_manual(annotations *an, const json *v, err *e)
{
    return service_text_uint(v, 0, 1000, &an->manual, e);
}

static code read_ingress(annotations *an, const json *v, err *e)
{
    static const char *const words[] = {
        [SERVICE_INGRESS_ALL] = "all",
        [SERVICE_INGRESS_INTERNAL] = "internal",
        [SERVICE_INGRESS_LOAD_BALANCER] = "internal-and-cloud-load-balancing",
    };
    size_t at = 0;
    code c = one_of(v, words, ARRAY_LEN(words), &at, e);
    an->s->ingress = (service_ingress)at;
    return c;
}

static code read_iam_disabled(annotations *an, const json *v, err *e)
{
    return read_bool(v, &an->s->check_disabled, e);
}

static code read_url_disabled(annotations *an, const json *v, err *e)
{
    return read_bool(v, &an->s->url_disabled, e);
}

static code read_health(annotations *an, const json *v, err *e)
{
    return read_bool(v, &an->s->health_check_disabled, e);
}

static code read_audiences(annotations *an, const json *v, err *e)
{
    enum { TEXT_MAX = 32768 };
    json *list = NULL;
    json_opts opts = {.bytes_max = TEXT_MAX, .depth_max = 2};
    if (v->text.len > TEXT_MAX || json_parse(an->r->a, v->text, &opts, &list, NULL) != OK ||
        list->type != JSON_ARRAY)
        goto bad;
    str *audiences = arena_array(an->r->a, list->len, sizeof(*audiences));
    JSON_EACH (list, a) {
        if (a->type != JSON_STRING || !a->text.len)
            goto bad;
        audiences[an->s->audience_count++] = a->text;
    }
    an->s->audiences = audiences;
    return OK;
bad:
    json_err(v, e, DATA_VALUE, "must be a JSON list of texts, of at most %d characters", TEXT_MAX);
    return err_hint(e, "write '[\"https://api.example.com\"]'");
}

static code read_dependencies(annotations *an, const json *v, err *e)
{
    json *all = NULL;
    json_opts opts = {.bytes_max = 32768, .depth_max = 3};
    if (json_parse(an->r->a, v->text, &opts, &all, NULL) != OK || all->type != JSON_OBJECT) {
        json_err(v, e, DATA_VALUE, "must be a JSON object of lists of container names");
        return err_hint(e, "write '{\"app\": [\"proxy\"]}' when app waits for proxy");
    }
    an->s->dependencies = all;
    an->s->dependencies_at = v;
    return OK;
}

static code read_secrets(annotations *an, const json *v, err *e)
{
    (void)an;
    json_err(v, e, UP_UNSUPPORTED, "secrets of other projects aren't supported here");
    return err_hint(e, "use the name of a secret of this project in secretKeyRef");
}

enum { ON_SERVICE = 1, ON_TEMPLATE = 2, ON_BOTH = 3 };

#define RUN "run.googleapis.com/"
#define SCALE "autoscaling.knative.dev/"

// read NULL: taken, without effect on this machine. A name may end in '*'.
static const struct {
    const char *name;
    int where;
    read_fn read;
} known[] = {
    {SCALE "minScale", ON_TEMPLATE, read_min},
    {SCALE "maxScale", ON_TEMPLATE, read_max},
    {RUN "minScale", ON_SERVICE, read_service_min},
    {RUN "maxScale", ON_SERVICE, read_service_max},
    {RUN "scalingMode", ON_SERVICE, read_mode},
    {RUN "manualInstanceCount", ON_SERVICE, read_manual},
    {RUN "ingress", ON_SERVICE, read_ingress},
    {RUN "invoker-iam-disabled", ON_SERVICE, read_iam_disabled},
    {RUN "default-url-disabled", ON_SERVICE, read_url_disabled},
    {RUN "custom-audiences", ON_SERVICE, read_audiences},
    {RUN "sessionAffinity", ON_TEMPLATE, NULL},
    {RUN "health-check-disabled", ON_TEMPLATE, read_health},
    {RUN "container-dependencies", ON_TEMPLATE, read_dependencies},
    {RUN "secrets", ON_TEMPLATE, read_secrets},
    {RUN "cpu-throttling", ON_TEMPLATE, NULL},
    {RUN "startup-cpu-boost", ON_TEMPLATE, NULL},
    {RUN "execution-environment", ON_TEMPLATE, NULL},
    {RUN "description", ON_SERVICE, NULL},
    {RUN "client-name", ON_BOTH, NULL},
    {RUN "client-version", ON_BOTH, NULL},
    {RUN "launch-stage", ON_SERVICE, NULL},
    {RUN "vpc-access-*", ON_TEMPLATE, NULL},
    {RUN "network-interfaces", ON_TEMPLATE, NULL},
    {RUN "binary-authorization*", ON_SERVICE, NULL},
    {RUN "encryption-key*", ON_TEMPLATE, NULL},
    {RUN "build-*", ON_BOTH, NULL},
    {RUN "base-images", ON_TEMPLATE, NULL},
    {RUN "gpu-*", ON_TEMPLATE, NULL},
    {RUN "gc-traffic-tags", ON_SERVICE, NULL},
    // What an exported service holds because the server wrote it.
    {RUN "ingress-status", ON_SERVICE, NULL},
    {RUN "operation-id", ON_SERVICE, NULL},
    {RUN "urls", ON_SERVICE, NULL},
};

static code refuse(const json *v, int where, err *e)
{
    const char *names[ARRAY_LEN(known)];
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (str_eq(v->key, str_from(known[i].name))) {
            json_err_key(v, e, UP_UNSUPPORTED, "this annotation doesn't belong here");
            return err_hint(e, "put it under %s",
                            where == ON_SERVICE ? "spec.template.metadata.annotations"
                                                : "metadata.annotations, beside the name");
        }
        if (known[i].where & where && !strchr(known[i].name, '*'))
            names[n++] = known[i].name;
    }
    const char *near = suggest(v->key, names, n);
    json_err_key(v, e, DATA_UNKNOWN, "Cloud Run knows no such annotation");
    return err_hint(e, near ? "did you mean '%s'?" : "remove it%s", near ? near : "");
}

static code read_one(annotations *an, const json *v, int where, err *e)
{
    code c = json_want(v, JSON_STRING, e);
    if (c)
        return c;
    if (!str_starts(v->key, STR(RUN)) && !str_starts(v->key, STR(SCALE)))
        return OK; // somebody else's
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (!(known[i].where & where) || !str_glob(str_from(known[i].name), v->key))
            continue;
        if (known[i].read)
            return known[i].read(an, v, e);
        service_note(an->r, v, "no local effect");
        return OK;
    }
    return refuse(v, where, e);
}

static code read_all(annotations *an, const json *metadata, int where, err *e)
{
    JSON_EACH (json_get(metadata, "annotations"), v) {
        code c = read_one(an, v, where, e);
        if (c)
            return c;
    }
    return OK;
}

code service_annotations_read(service_reader *r, const json *root, service_spec *s, err *e)
{
    annotations an = {.r = r, .s = s, .service_max = UINT32_MAX};
    const json *metadata = json_get(root, "metadata");
    const json *template = json_get(json_get(json_get(root, "spec"), "template"), "metadata");
    code c = read_all(&an, metadata, ON_SERVICE, e);
    if (c == OK)
        c = read_all(&an, template, ON_TEMPLATE, e);
    if (c)
        return c;
    // The service's bounds hold for its revisions together; here one revision runs.
    s->min = s->min > an.service_min ? s->min : an.service_min;
    s->max = s->max < an.service_max ? s->max : an.service_max;
    if (an.is_manual)
        s->min = s->max = an.manual;
    if (s->min > s->max)
        (void)json_err(metadata, e, DATA_VALUE, "minScale (%u) is more than maxScale (%u)", s->min,
                       s->max);
    return s->min > s->max ? err_hint(e, "lower minScale or raise maxScale") : OK;
}
