// SPDX-License-Identifier: Apache-2.0
// The Postman environment of `gatepost connect`.
#include "cmd/connect.h"
#include "uri/uri.h"

enum { ENVIRONMENT_BYTES_MAX = 1 << 20 };

typedef struct writer writer;
struct writer {
    jout w;
    arena *mem;
    const identity_setup *s;
    const connect_services *services;
    const gate_connect *port;
};

static void value(writer *wr, const char *key, str text)
{
    jout_object(&wr->w, NULL);
    jout_str(&wr->w, "key", str_from(key));
    jout_str(&wr->w, "value", text);
    jout_str(&wr->w, "type", STR("default"));
    jout_bool(&wr->w, "enabled", true);
    jout_end(&wr->w);
}

static str address_of(const writer *wr, size_t service)
{
    return arena_printf(wr->mem, "http://127.0.0.1:%u%s", (unsigned)gate_connect_port(wr->port),
                        gate_connect_base(wr->port, service));
}

// ---- the collection's own variables -------------------------------------------------------------

static bool is_origin_of(arena *a, const uri_url *u, str url)
{
    uri_url own;
    if (url_parse(a, url, &own, NULL))
        return false;
    uri_origin one = url_origin(u), other = url_origin(&own);
    return origin_eq(&one, &other);
}

// A service of the running `up` has two run.app URLs besides its own.
static bool is_service(const writer *wr, const uri_url *u, const gate_connect_service *one)
{
    const home_address *up = wr->s->up;
    if (is_origin_of(wr->mem, u, one->url))
        return true;
    for (size_t i = 0; up && one->address && i < up->service_count; i++) {
        const address_service *s = &up->services[i];
        if (!str_eq(s->name, one->name))
            continue;
        for (size_t k = 0; k < s->run_app_url_count; k++)
            if (is_origin_of(wr->mem, u, s->run_app_urls[k]))
                return true;
    }
    return false;
}

// "https://orders….run.app/v1" becomes ADDRESS/v1; what is no address of a service stays out.
static void point(writer *wr, const json *variable)
{
    uri_url u;
    str text = json_str_or(json_get(variable, "value"), STR_NONE);
    str key = json_str_or(json_get(variable, "key"), STR_NONE);
    if (!key.len || url_parse(wr->mem, text, &u, NULL))
        return;
    for (size_t i = 0; i < wr->services->len; i++) {
        if (!is_service(wr, &u, &wr->services->ptr[i]))
            continue;
        str path = str_eq(u.path, STR("/")) && !str_ends(text, STR("/")) ? STR_NONE : u.path;
        str at = address_of(wr, i);
        value(wr, arena_cstr(wr->mem, key),
              arena_printf(wr->mem, STR_FMT STR_FMT "%s" STR_FMT, STR_ARG(at), STR_ARG(path),
                           u.has_query ? "?" : "", STR_ARG(u.query)));
        return;
    }
}

// ---- the file -----------------------------------------------------------------------------------

static void write_values(writer *wr, const json *collection)
{
    jout_array(&wr->w, "values");
    if (wr->services->len == 1)
        value(wr, "baseUrl", address_of(wr, 0));
    for (size_t i = 0; i < wr->services->len; i++) {
        str key = arena_printf(wr->mem, STR_FMT "_url", STR_ARG(wr->services->ptr[i].name));
        value(wr, key.ptr, address_of(wr, i));
    }
    JSON_EACH (json_get(collection, "variable"), variable)
        if (!json_is_str(json_get(variable, "key"), "baseUrl") || wr->services->len > 1)
            point(wr, variable);
    jout_end(&wr->w);
}

code connect_postman(identity_setup *s, const connect_services *services, const gate_connect *port,
                     const option_values *o, err *e)
{
    buf text;
    json *collection = NULL;
    const char *path = option_cstr(o, "collection");
    const json_opts tolerant = {.tolerant = true};
    if (path && json_load(&s->arena, path, &tolerant, &collection, e))
        return e->code;
    buf_init(&text, ENVIRONMENT_BYTES_MAX);
    writer wr = {jout_new(&text, JSON_PRETTY), &s->arena, s, services, port};
    jout_object(&wr.w, NULL);
    jout_str(&wr.w, "name", STR("gatepost connect"));
    write_values(&wr, collection);
    jout_str(&wr.w, "_postman_variable_scope", STR("environment"));
    jout_end(&wr.w);
    buf_addc(&text, '\n');
    code c = buf_ok(&text) ? home_write(option_cstr(o, "postman"), buf_str(&text), 0600, e)
                           : err_set(e, SYS_LIMIT, "the environment would be too large");
    buf_deinit(&text);
    return c;
}
