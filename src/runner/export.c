// SPDX-License-Identifier: Apache-2.0
// What a run leaves behind, as newman exports it. Nothing leaves that holds a token.
#include "runner/run.h"

enum { EXPORT_BYTES_MAX = 512 << 20 };

static void add_markers(jout *w, const char *scope)
{
    char now[CLOCK_RFC3339_MAX];
    clock_rfc3339(clock_wall_ms() * 1000000, now);
    jout_str(w, "_postman_variable_scope", str_from(scope));
    jout_str(w, "_postman_exported_at", str_from(now));
    jout_str(w, "_postman_exported_using", STR("Gatepost"));
}

static void write_scope(jout *w, arena *a, pm_scope *s, const char *scope)
{
    json *values = NULL;
    if (json_parse(a, pm_scope_json(s), &(json_opts){.tolerant = true}, &values, NULL) != OK)
        values = json_new(a, JSON_ARRAY);
    jout_str(w, "id", pm_scope_id(s));
    jout_str(w, "name", pm_scope_name(s));
    jout_json(w, "values", values);
    add_markers(w, scope);
}

// The collection as it was read. As with newman, what scripts did to its variables isn't in it.
static void write_collection(jout *w, const runner *r)
{
    JSON_EACH (r->o.collection->raw, m) {
        jout_key(w, m->key);
        jout_json(w, NULL, m);
    }
    add_markers(w, "collection");
}

static void add_clean(const runner *r, buf *text, buf *out)
{
    arena a;
    arena_init(&a);
    buf_adds(out, run_clean(r, &a, buf_str(text)));
    if (!buf_ok(text))
        out->overflow = true;
    arena_deinit(&a);
}

void run_show(runner *r, js_scope_name name, buf *out)
{
    buf text;
    arena a;
    json *whole;
    buf_init(&text, EXPORT_BYTES_MAX);
    arena_init(&a);
    runner_export(r, name, &text);
    if (json_parse(&a, buf_str(&text), &(json_opts){.tolerant = true}, &whole, NULL) == OK)
        json_write(out, run_veil_json(r, &a, whole), JSON_COMPACT);
    arena_deinit(&a);
    buf_deinit(&text);
}

void runner_export(runner *r, js_scope_name name, buf *out)
{
    buf text;
    arena a;
    buf_init(&text, EXPORT_BYTES_MAX);
    arena_init(&a);
    jout w = jout_new(&text, JSON_PRETTY);
    jout_object(&w, NULL);
    if (name == JS_COLLECTION)
        write_collection(&w, r);
    else
        write_scope(&w, &a, r->scopes[name], name == JS_GLOBALS ? "globals" : "environment");
    jout_end(&w);
    add_clean(r, &text, out);
    arena_deinit(&a);
    buf_deinit(&text);
}

void runner_export_cookies(const runner *r, buf *out)
{
    buf text;
    buf_init(&text, EXPORT_BYTES_MAX);
    jar_write(r->jar, &text);
    add_clean(r, &text, out);
    buf_deinit(&text);
}
