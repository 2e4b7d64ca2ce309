// SPDX-License-Identifier: Apache-2.0
// The containers of service.yaml: what runs, with which variables, limits and probes.
#include <string.h>

#include "cloudrun/service.h"
#include "data/data.h"

// ---- env

static bool name_reserved(str name)
{
    static const char *const names[] = {"PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(name, str_from(names[i])))
            return true;
    return str_starts(name, STR("CLOUD_RUN_")) || str_starts(name, STR("X_GOOGLE_"));
}

static code check_name(const json *v, err *e)
{
    str s = v->text;
    bool good = s.len && !ascii_is_digit(s.ptr[0]);
    for (size_t i = 0; good && i < s.len; i++)
        good = ascii_is_alnum(s.ptr[i]) || strchr("_-.", s.ptr[i]);
    if (!good)
        return json_err(v, e, DATA_VALUE, "isn't the name of a variable");
    if (!name_reserved(s))
        return OK;
    json_err(v, e, UP_UNSUPPORTED, "Cloud Run sets " STR_FMT " itself", STR_ARG(s));
    return err_hint(e, "remove the variable, or give it another name");
}

static code read_secret(const json *from, service_env *to, err *e)
{
    const json *ref = NULL;
    code c = json_get_obj(from, "secretKeyRef", &ref, e);
    if (c == OK)
        c = json_get_str(ref, "name", &to->secret, e);
    if (c == OK)
        c = json_get_text(ref, "key", &to->version, e);
    if (c)
        return c;
    // Both become parts of a path.
    bool plain = to->secret.len && to->version.len;
    for (size_t i = 0; plain && i < to->secret.len; i++)
        plain = ascii_is_alnum(to->secret.ptr[i]) || strchr("_-", to->secret.ptr[i]);
    for (size_t i = 0; plain && i < to->version.len; i++)
        plain = ascii_is_alnum(to->version.ptr[i]);
    return plain ? OK
                 : json_err(ref, e, DATA_VALUE,
                            "must name a secret of this project, and as key its version");
}

static code both_values(const json *v, err *e)
{
    (void)json_err(v, e, DATA_VALUE, "has both value and valueFrom");
    return err_hint(e, "keep one of the two");
}

static code read_variable(const json *v, service_env *to, err *e)
{
    const json *from = json_get(v, "valueFrom");
    *to = (service_env){.at = v};
    code c = json_get_str(v, "name", &to->name, e);
    if (c == OK)
        c = check_name(json_get(v, "name"), e);
    if (c)
        return c;
    if (from && json_get(v, "value"))
        return both_values(v, e);
    if (from)
        return read_secret(from, to, e);
    c = json_opt_str(v, "value", &to->value, e);
    if (c == OK && to->value.len && memchr(to->value.ptr, 0, to->value.len))
        c = json_err(v, e, DATA_VALUE, "the value holds a NUL");
    return c;
}

static code read_env(service_reader *r, const json *list, service_container *to, err *e)
{
    if (!list)
        return OK;
    service_env *env = arena_array(r->a, list->len, sizeof(*env));
    map at = {0}; // name → place in env
    code c = OK;
    JSON_EACH (list, v) {
        service_env next;
        c = read_variable(v, &next, e);
        if (c)
            break;
        service_env *before = map_get(&at, next.name);
        service_env *slot = before ? before : &env[to->env_count++];
        *slot = next; // the last one counts
        map_set(&at, next.name, slot);
    }
    map_deinit(&at, NULL);
    to->env = env;
    return c;
}

// ---- one container

static code read_words(service_reader *r, const json *v, service_container *to, err *e)
{
    const json *command = json_get(v, "command"), *args = json_get(v, "args");
    str *words = arena_array(r->a, (command ? command->len : 0) + (args ? args->len : 0) + 1,
                             sizeof(*words));
    const json *const lists[] = {command, args};
    to->command = words;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        JSON_EACH (lists[i], w) {
            if (w->text.len && memchr(w->text.ptr, 0, w->text.len))
                return json_err(w, e, DATA_VALUE, "the word holds a NUL");
            words[to->command_count++] = w->text;
        }
    }
    if (command && command->len) {
        if (to->image.len)
            service_note(r, json_get(v, "image"), "not used: the command runs as a local process");
        return OK;
    }
    json_err(v, e, UP_COMMAND,
             to->image.len ? "the image can't be run here, and there is no command"
                           : "there is neither a command nor an image");
    return err_hint(e, "add the command that starts the program on this machine, for example "
                       "command: [\"python3\", \"app.py\"]");
}

static code two_ports(const json *ports, err *e, const char *why)
{
    (void)json_err(ports, e, DATA_VALUE, "%s", why);
    return err_hint(e, "keep the one that takes the calls: ports: [{containerPort: 8080}]");
}

static code bad_protocol(const json *name, err *e)
{
    (void)json_err(name, e, DATA_VALUE, "must be http1 or h2c");
    return err_hint(e, "leave the name out, or write h2c if the program speaks HTTP/2");
}

static code read_port(const json *list, service_container *to, err *e)
{
    uint32_t port = 8080;
    str name = STR("http1"), protocol = STR("TCP");
    to->port = 8080;
    if (!list)
        return OK;
    if (list->len != 1)
        return two_ports(list, e, "a container has exactly one port");
    const json *v = json_at(list, 0);
    code c = json_opt_str(v, "name", &name, e);
    if (c == OK)
        c = json_opt_str(v, "protocol", &protocol, e);
    if (c == OK)
        c = service_uint(json_get(v, "containerPort"), 1, 65535, &port, e);
    if (c)
        return c;
    to->h2c = str_eq(name, STR("h2c"));
    if (name.len && !to->h2c && !str_eq(name, STR("http1")))
        return bad_protocol(json_get(v, "name"), e);
    if (!str_eq(protocol, STR("TCP")))
        return json_err(json_get(v, "protocol"), e, DATA_VALUE, "must be TCP");
    to->has_port = true;
    to->port = (uint16_t)port;
    return OK;
}

static code read_mounts(service_reader *r, const json *v, const map *volumes, err *e)
{
    JSON_EACH (json_get(v, "volumeMounts"), m) {
        str name, path;
        code c = json_get_str(m, "name", &name, e);
        if (c == OK)
            c = json_get_str(m, "mountPath", &path, e);
        if (c)
            return c;
        if (!map_has(volumes, name))
            return json_err(json_get(m, "name"), e, DATA_VALUE, "there is no volume '" STR_FMT "'",
                            STR_ARG(name));
        if (!path.len || path.ptr[0] != '/')
            return json_err(json_get(m, "mountPath"), e, DATA_VALUE, "must start with '/'");
        service_note(r, m, "not mounted: a local process sees this machine's " STR_FMT,
                     STR_ARG(path));
    }
    return OK;
}

static code read_container(service_reader *r, const json *v, const map *volumes,
                           service_container *to, err *e)
{
    *to = (service_container){.cpu_milli = SERVICE_CPU_MILLI,
                              .memory_bytes = SERVICE_MEMORY_BYTES,
                              .startup = {.period_s = SERVICE_STARTUP_S,
                                          .timeout_s = SERVICE_STARTUP_S,
                                          .failures_max = 1},
                              .at = v};
    const json *limits = json_get(json_get(v, "resources"), "limits"), *name = json_get(v, "name");
    code c = json_opt_str(v, "name", &to->name, e);
    if (c == OK && name)
        c = service_label(name, 63, e);
    if (c == OK)
        c = json_opt_str(v, "image", &to->image, e);
    if (c == OK)
        c = json_opt_str(v, "workingDir", &to->workdir, e);
    if (c == OK)
        c = read_words(r, v, to, e);
    if (c == OK)
        c = read_env(r, json_get(v, "env"), to, e);
    if (c == OK)
        c = read_port(json_get(v, "ports"), to, e);
    if (c == OK)
        c = service_cpu(json_get(limits, "cpu"), &to->cpu_milli, e);
    if (c == OK)
        c = service_memory(json_get(limits, "memory"), &to->memory_bytes, e);
    if (c == OK)
        c = read_mounts(r, v, volumes, e);
    if (c == OK)
        c = service_probe_read(r, json_get(v, "startupProbe"), true, &to->startup, e);
    if (c == OK)
        c = service_probe_read(r, json_get(v, "livenessProbe"), false, &to->liveness, e);
    return c;
}

// ---- all of them

static code read_volumes(const json *list, map *volumes, err *e)
{
    JSON_EACH (list, v) {
        str name, of_secret;
        code c = json_get_str(v, "name", &name, e);
        if (c)
            return c;
        const json *from = json_get(v, "secret");
        if (!!from + !!json_get(v, "emptyDir") != 1)
            return json_err(v, e, DATA_VALUE, "must be either an emptyDir or a secret");
        c = from ? json_get_str(from, "secretName", &of_secret, e) : OK;
        if (c)
            return c;
        if (map_set(volumes, name, volumes))
            return json_err(json_get(v, "name"), e, DATA_DUPLICATE,
                            "there is another volume of this name");
    }
    return OK;
}

// The one that takes the requests: the only one, or the only one with a port.
static code find_ingress(const json *list, service_spec *s, err *e)
{
    s->ingress_container = s->container_count == 1 ? s->containers : NULL;
    for (size_t i = 0; i < s->container_count && s->container_count > 1; i++) {
        const service_container *c = &s->containers[i];
        if (!c->name.len)
            return json_err(c->at, e, DATA_MISSING, "needs a name, as it isn't the only container");
        for (size_t k = 0; k < i; k++)
            if (str_eq(s->containers[k].name, c->name))
                return json_err(json_get(c->at, "name"), e, DATA_DUPLICATE,
                                "there is another container of this name");
        if (c->has_port && s->ingress_container)
            return two_ports(json_get(c->at, "ports"), e, "only one container may have a port");
        if (c->has_port)
            s->ingress_container = c;
    }
    return s->ingress_container
               ? OK
               : json_err(list, e, DATA_MISSING, "one of the containers must have a port");
}

// Cloud Run probes the port that the program was told; here each instance has its own.
static void own_port(service_probe *p, const service_container *of)
{
    if (p->port == of->port)
        p->port = 0;
}

// ---- what waits for what

static code find_container(const service_spec *s, str name, size_t *ret_at, err *e)
{
    for (*ret_at = 0; *ret_at < s->container_count; ++*ret_at)
        if (name.len && str_eq(s->containers[*ret_at].name, name))
            return OK;
    return json_err(s->dependencies_at, e, DATA_VALUE, "there is no container '" STR_FMT "'",
                    STR_ARG(name));
}

static code read_needs(service_reader *r, const service_spec *s, const json *list,
                       service_container *of, err *e)
{
    if (list->type != JSON_ARRAY)
        return json_err(s->dependencies_at, e, DATA_VALUE,
                        "must be a JSON object of lists of container names");
    size_t *needs = arena_array(r->a, list->len, sizeof(*needs));
    JSON_EACH (list, name) {
        code c = find_container(s, json_str_or(name, STR_NONE), &needs[of->needs_count++], e);
        if (c)
            return c;
    }
    of->needs = needs;
    return OK;
}

// Starts in turn what waits for nothing that is left; what is left in the end waits in a circle.
static bool circular(const service_spec *s)
{
    bool started[SERVICE_CONTAINERS_MAX] = {false};
    size_t left = s->container_count;
    for (size_t before = left + 1; left && left < before;) {
        before = left;
        for (size_t i = 0; i < s->container_count; i++) {
            const service_container *c = &s->containers[i];
            bool may = !started[i];
            for (size_t k = 0; k < c->needs_count; k++)
                may = may && started[c->needs[k]];
            started[i] = started[i] || may;
            left -= may;
        }
    }
    return left > 0;
}

static code read_dependencies(service_reader *r, service_container *containers, service_spec *s,
                              err *e)
{
    JSON_EACH (s->dependencies, list) {
        size_t at;
        code c = find_container(s, list->key, &at, e);
        if (c == OK)
            c = read_needs(r, s, list, &containers[at], e);
        if (c)
            return c;
    }
    if (circular(s))
        return json_err(s->dependencies_at, e, DATA_VALUE, "containers wait for each other");
    return OK;
}

static code bad_count(const json *list, err *e)
{
    (void)json_err(list, e, DATA_VALUE, "a service has 1 to %d containers, not %u",
                   SERVICE_CONTAINERS_MAX, list->len);
    return err_hint(e, list->len ? "keep those that the service needs"
                                 : "for example - command: [\"python3\", \"app.py\"]");
}

code service_containers_read(service_reader *r, const json *list, service_spec *s, err *e)
{
    map volumes = {0};
    code c = read_volumes(json_get(list->parent, "volumes"), &volumes, e);
    if (c == OK && (!list->len || list->len > SERVICE_CONTAINERS_MAX))
        c = bad_count(list, e);
    service_container *containers = arena_array(r->a, list->len, sizeof(*containers));
    s->containers = containers;
    JSON_EACH (list, v) {
        if (c == OK)
            c = read_container(r, v, &volumes, &containers[s->container_count++], e);
    }
    map_deinit(&volumes, NULL);
    if (c == OK)
        c = find_ingress(list, s, e);
    if (c)
        return c;
    service_container *ingress = &containers[s->ingress_container - s->containers];
    own_port(&ingress->startup, ingress);
    own_port(&ingress->liveness, ingress);
    return read_dependencies(r, containers, s, e);
}
