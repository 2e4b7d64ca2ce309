// SPDX-License-Identifier: Apache-2.0
// A service from its document; the parts are read in service_annotation.c and service_container.c.
#include "cloudrun/service.h"

#include "cloudrun/cloudrun.h"
#include "data/data.h"

enum { DOCUMENTS_MAX = 100, NAME_MAX_LEN = 49, REVISION_MAX_LEN = 63 };

void service_note(service_reader *r, const json *at, const char *fmt, ...)
{
    buf text, path;
    buf_init(&text, 2048);
    buf_init(&path, 1024);
    json_path(&path, at);
    buf_addf(&text, "%s:%u:%u: " STR_FMT ": ", at->file ? at->file : "", at->line, at->col,
             STR_ARG(buf_str(&path)));
    va_list ap;
    va_start(ap, fmt);
    buf_addv(&text, fmt, ap);
    va_end(ap);
    vec_push(&r->notes, arena_str(r->a, buf_str(&text)));
    buf_deinit(&path);
    buf_deinit(&text);
}

static code check_kind(const json *root, err *e)
{
    str version, kind;
    code c = json_get_str(root, "apiVersion", &version, e);
    if (c == OK)
        c = json_get_str(root, "kind", &kind, e);
    if (c)
        return c;
    if (!str_eq(version, STR("serving.knative.dev/v1"))) {
        json_err(json_get(root, "apiVersion"), e, DATA_VALUE, "must be serving.knative.dev/v1");
        return err_hint(e,
                        "`gcloud run services describe SERVICE --format export` prints that form");
    }
    if (str_eq(kind, STR("Service")))
        return OK;
    json_err(json_get(root, "kind"), e, UP_UNSUPPORTED,
             "only a Service can be brought up, not a " STR_FMT, STR_ARG(kind));
    return err_hint(e, "write kind: Service");
}

// SERVICE-00001-abc: the first revision, with three letters that change with what it says.
static str make_revision(arena *a, str service, str text)
{
    uint64_t h = hash_keyed(text, 0, 0);
    char suffix[3];
    for (size_t i = 0; i < sizeof(suffix); i++, h /= 26)
        suffix[i] = (char)('a' + h % 26);
    return arena_printf(a, STR_FMT "-00001-%.3s", STR_ARG(service), suffix);
}

static code read_names(service_reader *r, const json *root, str text, service_spec *s, err *e)
{
    const json *metadata = NULL;
    code c = json_get_obj(root, "metadata", &metadata, e);
    if (c == OK)
        c = json_get_str(metadata, "name", &s->name, e);
    if (c == OK)
        c = service_label(json_get(metadata, "name"), NAME_MAX_LEN, e);
    if (c)
        return c;
    const json *of_template = json_get(json_get(json_get(root, "spec"), "template"), "metadata");
    const json *revision = json_get(of_template, "name");
    if (!revision) {
        s->revision = make_revision(r->a, s->name, text);
        return OK;
    }
    s->revision = revision->text;
    c = service_label(revision, REVISION_MAX_LEN, e);
    str rest = str_skip(s->revision, s->name.len);
    if (c == OK && (!str_starts(s->revision, s->name) || rest.len < 2 || rest.ptr[0] != '-'))
        c = json_err(revision, e, DATA_VALUE, "must start with '" STR_FMT "-'", STR_ARG(s->name));
    return c;
}

// ---- traffic

static code read_target(service_reader *r, const json *v, service_spec *s, service_traffic *t,
                        err *e)
{
    bool latest = false;
    code c = json_opt_str(v, "revisionName", &t->revision, e);
    if (c == OK)
        c = json_opt_bool(v, "latestRevision", &latest, e);
    if (c == OK)
        c = service_uint(json_get(v, "percent"), 0, 100, &t->percent, e);
    if (c == OK)
        c = json_opt_str(v, "tag", &t->tag, e);
    if (c == OK && t->tag.len)
        c = service_label(json_get(v, "tag"), 46, e);
    if (c)
        return c;
    if (latest == (t->revision.len > 0)) {
        json_err(v, e, DATA_VALUE,
                 "must have exactly one of revisionName and latestRevision: true");
        return err_hint(e, "one service.yaml is one revision: latestRevision: true");
    }
    if (t->revision.len && !str_eq(t->revision, s->revision))
        service_note(r, v, "only " STR_FMT " runs here: it gets this part of the traffic too",
                     STR_ARG(s->revision));
    for (size_t i = 0; i < s->traffic_count && t->tag.len; i++)
        if (str_eq(s->traffic[i].tag, t->tag))
            return json_err(json_get(v, "tag"), e, DATA_DUPLICATE, "this tag is taken");
    return OK;
}

static code read_traffic(service_reader *r, const json *list, service_spec *s, err *e)
{
    if (!list || !list->len)
        return OK;
    if (list->len > SERVICE_TRAFFIC_MAX) {
        json_err(list, e, DATA_LIMIT, "has %u parts: at most %d are taken", list->len,
                 SERVICE_TRAFFIC_MAX);
        return err_hint(e, "remove the tags that nobody calls any more");
    }
    service_traffic *targets = arena_array(r->a, list->len, sizeof(*targets));
    s->traffic = targets;
    uint64_t sum = 0;
    JSON_EACH (list, v) {
        code c = read_target(r, v, s, &targets[s->traffic_count], e);
        if (c)
            return c;
        sum += targets[s->traffic_count++].percent;
    }
    if (sum == 100)
        return OK;
    (void)json_err(list, e, DATA_VALUE, "the percents make %llu, not 100", (unsigned long long)sum);
    return err_hint(e, "here one revision runs: {latestRevision: true, percent: 100}");
}

// ---- the whole

static code read_limits(const json *pod, service_spec *s, err *e)
{
    const json *concurrency = json_get(pod, "containerConcurrency");
    code c = service_uint(concurrency, 0, SERVICE_CONCURRENCY_MAX, &s->concurrency, e);
    if (c == OK)
        c = service_uint(json_get(pod, "timeoutSeconds"), 1, SERVICE_TIMEOUT_S_MAX, &s->timeout_s,
                         e);
    if (c)
        return c;
    bool part_cpu = s->ingress_container->cpu_milli < 1000;
    if (!s->concurrency)
        s->concurrency = part_cpu ? 1 : SERVICE_CONCURRENCY;
    if (!part_cpu || s->concurrency == 1)
        return OK;
    (void)json_err(concurrency, e, DATA_VALUE, "must be 1 with less than one CPU");
    return err_hint(e, "write containerConcurrency: 1, or a cpu limit of \"1\"");
}

static code bad_account(const json *v, err *e)
{
    (void)json_err(v, e, DATA_VALUE, "must be the e-mail address of a service account");
    return err_hint(e, "for example orders-runtime@my-project.iam.gserviceaccount.com");
}

static code read_template(service_reader *r, const json *spec, service_spec *s, err *e)
{
    const json *template = NULL, *pod = NULL, *containers = NULL;
    code c = json_get_obj(spec, "template", &template, e);
    if (c == OK)
        c = json_get_obj(template, "spec", &pod, e);
    if (c == OK)
        c = json_get_arr(pod, "containers", &containers, e);
    if (c == OK)
        c = json_opt_str(pod, "serviceAccountName", &s->account, e);
    s->account_at = json_get(pod, "serviceAccountName");
    if (c == OK && s->account.len && str_chr(s->account, '@') < 1)
        c = bad_account(s->account_at, e);
    if (c == OK)
        c = service_containers_read(r, containers, s, e);
    return c ? c : read_limits(pod, s, e);
}

static code read_service(service_reader *r, const json *root, str text, service_spec *s, err *e)
{
    *s = (service_spec){
        .file = root->file, .timeout_s = SERVICE_TIMEOUT_S, .max = SERVICE_INSTANCES};
    const json *spec = NULL;
    code c = json_want(root, JSON_OBJECT, e);
    if (c == OK)
        c = check_kind(root, e);
    if (c == OK)
        c = service_check(r, root, e);
    if (c == OK)
        c = read_names(r, root, text, s, e);
    if (c == OK)
        c = service_annotations_read(r, root, s, e);
    if (c == OK)
        c = json_get_obj(root, "spec", &spec, e);
    if (c == OK)
        c = read_template(r, spec, s, e);
    return c ? c : read_traffic(r, json_get(spec, "traffic"), s, e);
}

static code name_taken(const json *name, err *e)
{
    (void)json_err(name, e, DATA_DUPLICATE, "the file has another service of this name");
    return err_hint(e, "give each service a name of its own");
}

static code read_documents(arena *a, const json *docs, str text, service_spec *specs, err *e)
{
    size_t n = 0;
    JSON_EACH (docs, root) {
        service_reader r = {.a = a};
        service_spec *s = &specs[n];
        code c = read_service(&r, root, text, s, e);
        str *notes = arena_array(a, r.notes.len, sizeof(*notes));
        for (size_t i = 0; i < r.notes.len; i++)
            notes[i] = r.notes.ptr[i];
        s->notes = notes;
        s->note_count = r.notes.len;
        vec_deinit(&r.notes);
        for (size_t i = 0; c == OK && i < n; i++)
            if (str_eq(specs[i].name, s->name))
                c = name_taken(json_get(json_get(root, "metadata"), "name"), e);
        if (c)
            return c;
        n++;
    }
    return OK;
}

code service_parse(arena *a, str text, const char *file, const service_spec **ret_specs,
                   size_t *ret_count, err *e)
{
    json *docs = NULL, *root = NULL;
    json_opts opts = {.file = file, .bytes_max = SERVICE_BYTES_MAX};
    // JSON is YAML too, but its own reader knows better what is wrong with it.
    bool is_json = str_starts(str_trim(text), STR("{"));
    code c =
        is_json ? json_parse(a, text, &opts, &root, e) : yaml_parse_all(a, text, &opts, &docs, e);
    if (c)
        return c;
    if (is_json) {
        docs = json_new(a, JSON_ARRAY);
        json_push(docs, root);
    }
    if (!docs->len || docs->len > DOCUMENTS_MAX) {
        err_set(e, DATA_VALUE,
                docs->len ? "the file holds too many services" : "the file is empty");
        err_at(e, file, 1, 1);
        return err_hint(e, "`gcloud run services describe SERVICE --format export` prints one");
    }
    service_spec *specs = arena_array(a, docs->len, sizeof(*specs));
    c = read_documents(a, docs, text, specs, e);
    *ret_specs = specs;
    *ret_count = docs->len;
    return c;
}

code service_load(arena *a, const char *path, const service_spec **ret_specs, size_t *ret_count,
                  err *e)
{
    str text;
    code c = file_read(a, path, SERVICE_BYTES_MAX, &text, e);
    return c ? c : service_parse(a, text, arena_cstr(a, str_from(path)), ret_specs, ret_count, e);
}

code up_service_names(arena *a, const char *path, const str **ret_names, size_t *ret_count, err *e)
{
    const service_spec *specs;
    code c = service_load(a, path, &specs, ret_count, e);
    if (c)
        return c;
    str *names = arena_array(a, *ret_count, sizeof *names);
    for (size_t i = 0; i < *ret_count; i++)
        names[i] = specs[i].name;
    *ret_names = names;
    return OK;
}
