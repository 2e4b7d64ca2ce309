// SPDX-License-Identifier: Apache-2.0
// The files of a run: what it reads, and what it leaves behind.
#include <string.h>
#include <unistd.h>

#include "cmd/run.h"
#include "cmd/version.h"
#include "net/net.h"
#include "uri/uri.h"

enum { FETCH_MS = 30000 };

// ---- A file or a URL

typedef struct download download;
struct download {
    arena *a;
    const char *url;
    str text;
    err *e;
    code code;
    bool done;
};

static void on_download(void *ctx, const fetch_response *res, const err *e)
{
    download *d = ctx;
    d->done = true;
    if (e) {
        *d->e = *e;
        d->code = e->code;
        (void)err_wrap(d->e, "%s", d->url);
    } else if (res->status != 200) {
        d->code = err_set(d->e, DATA_FILE, "%s: the server answered %d " STR_FMT, d->url,
                          res->status, STR_ARG(res->reason));
        err_hint(d->e, "open the address in a browser: it must give the file itself");
    } else {
        d->text = arena_str(d->a, res->body);
    }
}

// `api_key`: empty, or the value of Postman's header.
static code fetch_text(arena *a, loop *l, const char *url, str api_key, str *ret_text, err *e)
{
    download d = {.a = a, .url = url, .e = e};
    const fetch_header headers[] = {{STR("User-Agent"), STR("Gatepost/" GATEPOST_VERSION)},
                                    {STR("X-Api-Key"), api_key}};
    fetch_request req = {
        .url = str_from(url),
        .headers = headers,
        .header_count = api_key.len ? 2 : 1,
        .proxy.from_env = true,
        .timeout_ms = FETCH_MS,
        .body_bytes_max = JSON_BYTES_MAX,
        .on_done = on_download,
        .ctx = &d,
    };
    fetch_client *c = fetch_client_new(l, FETCH_POLICY_PEOPLE);
    fetch_start(c, &req);
    loop_run_until(l, &d.done, FETCH_MS * 2);
    fetch_client_free(c);
    *ret_text = d.text;
    return d.code;
}

// "12345678-" and a UUID, as Postman names what it keeps.
static bool is_uid(str place)
{
    enum { UUID_LEN = 36 };
    if (place.len < UUID_LEN + 2 || place.ptr[place.len - UUID_LEN - 1] != '-')
        return false;
    for (size_t i = 0; i < place.len; i++)
        if (!ascii_is_alnum(place.ptr[i]) && place.ptr[i] != '-')
            return false;
    str uuid = str_skip(place, place.len - UUID_LEN);
    return uuid.ptr[8] == '-' && uuid.ptr[13] == '-' && uuid.ptr[18] == '-' && uuid.ptr[23] == '-';
}

// Only Postman's own servers get its key, and over TLS.
static bool is_postman(arena *a, const char *place)
{
    uri_url u;
    if (url_parse(a, str_from(place), &u, NULL) != OK || !str_eq(u.scheme, STR("https")))
        return false;
    return str_eq(u.host.name, STR("api.postman.com")) ||
           str_eq(u.host.name, STR("api.getpostman.com"));
}

// `kind`: "collections" or "environments" of Postman's API; NULL: it keeps none of these.
typedef struct source source;
struct source {
    const char *place, *kind;
    str api_key;
};

static code load(arena *a, loop *l, const source *s, str *ret_text, err *e)
{
    str p = str_from(s->place);
    if (str_istarts(p, STR("http://")) || str_istarts(p, STR("https://"))) {
        str key = is_postman(a, s->place) ? s->api_key : STR_NONE;
        return fetch_text(a, l, s->place, key, ret_text, e);
    }
    bool kept = s->kind && is_uid(p) && access(s->place, F_OK) != 0;
    if (kept && s->api_key.len) {
        str url = arena_printf(a, "https://api.postman.com/%s/%s", s->kind, s->place);
        return fetch_text(a, l, url.ptr, s->api_key, ret_text, e);
    }
    code c = file_read(a, s->place, JSON_BYTES_MAX, ret_text, e);
    if (c && kept) {
        e->hint[0] = 0;
        return err_hint(e,
                        "to read it from Postman, give --postman-api-key, or set POSTMAN_API_KEY");
    }
    if (c && str_find(p, STR("://")) > 0) {
        e->hint[0] = 0;
        return err_hint(e, "files are fetched from https:// and http:// addresses only");
    }
    return c;
}

// ---- What a run reads

// `what` is the option's name and the kind of file.
static code load_values(arena *a, loop *l, const option_values *o, const char *what,
                        pm_values **ret, err *e)
{
    const char *place = option_cstr(o, what);
    str text;
    if (!place)
        return OK;
    *ret = ARENA_NEW(a, pm_values);
    source from = {place, strcmp(what, "globals") ? "environments" : NULL,
                   option_text(o, "postman-api-key")};
    code c = load(a, l, &from, &text, e);
    return c == OK ? pm_values_read(a, text, place, what, *ret, e) : c;
}

static code load_data(run_inputs *in, arena *a, loop *l, const option_values *o, err *e)
{
    const char *place = option_cstr(o, "iteration-data");
    str text;
    if (!place)
        return OK;
    code c = load(a, l, &(source){.place = place}, &text, e);
    return c == OK ? pm_data_read(a, text, place, str_eq(option_text(o, "data-types"), STR("text")),
                                  &in->data, e)
                   : c;
}

static code load_cookies(run_inputs *in, arena *a, const option_values *o, err *e)
{
    const char *place = option_cstr(o, "cookie-jar");
    str text;
    if (!place)
        return OK;
    code c = file_read(a, place, JSON_BYTES_MAX, &text, e);
    if (c == OK)
        in->cookie_jar = text.ptr;
    return c;
}

static code load_collections(run_inputs *in, arena *a, loop *l, const option_values *o, err *e)
{
    const str_list *places = option_args(o);
    code c = OK;
    in->collections = arena_array(a, places->len, sizeof(*in->collections));
    for (size_t i = 0; c == OK && i < places->len; i++) {
        str text;
        const char *place = places->ptr[i].ptr;
        source from = {place, "collections", option_text(o, "postman-api-key")};
        c = load(a, l, &from, &text, e);
        if (c == OK)
            c = pm_collection_read(a, text, place, &in->collections[i], e);
    }
    in->collection_count = places->len;
    return c;
}

code run_inputs_load(run_inputs *in, arena *a, loop *l, const option_values *o, err *e)
{
    code c = load_collections(in, a, l, o, e);
    if (c == OK)
        c = load_values(a, l, o, "environment", &in->environment, e);
    if (c == OK)
        c = load_values(a, l, o, "globals", &in->globals, e);
    if (c == OK)
        c = load_data(in, a, l, o, e);
    if (c == OK)
        c = load_cookies(in, a, o, e);
    if (!c && option_is_set(o, "vault"))
        c = run_vault_load(in, a, option_cstr(o, "vault"), e);
    if (!c && option_is_set(o, "packages"))
        c = run_packages_load(in, a, option_cstr(o, "packages"), e);
    if (!c && option_is_set(o, "ssl-client-cert-list"))
        c = run_certificates_load(in, a, option_cstr(o, "ssl-client-cert-list"), e);
    if (c != OK)
        return c;
    const str_list *allowed = option_list(o, "allow-files");
    return pm_folder_new(option_cstr(o, "working-dir"), allowed->ptr, allowed->len, &in->folder, e);
}

// ---- What it leaves behind

static code write_export(const char *path, const char *what, str text, err *e)
{
    arena a;
    arena_init(&a);
    const char *target;
    code c = report_export_path(&a, path, what, "json", &target, e);
    if (c == OK)
        c = home_write(target, text, 0600, e);
    arena_deinit(&a);
    return c;
}

code run_export(const option_values *o, runner *r, err *e)
{
    static const struct {
        const char *option, *what;
        int scope; // a js_scope_name, or -1: the cookies
    } exports[] = {
        {"export-environment", "environment", JS_ENVIRONMENT},
        {"export-globals", "globals", JS_GLOBALS},
        {"export-collection", "collection", JS_COLLECTION},
        {"export-cookie-jar", "cookie-jar", -1},
    };
    code c = OK;
    for (size_t i = 0; c == OK && i < ARRAY_LEN(exports); i++) {
        if (!option_is_set(o, exports[i].option))
            continue;
        buf text;
        buf_init(&text, 1 << 30);
        if (exports[i].scope < 0)
            runner_export_cookies(r, &text);
        else
            runner_export(r, (js_scope_name)exports[i].scope, &text);
        if (buf_ok(&text))
            c = write_export(option_cstr(o, exports[i].option), exports[i].what, buf_str(&text), e);
        else
            c = err_set(e, SYS_LIMIT, "--%s: it is larger than 1 GiB", exports[i].option);
        buf_deinit(&text);
    }
    return c;
}
