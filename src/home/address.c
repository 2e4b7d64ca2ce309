// SPDX-License-Identifier: Apache-2.0
// $RUNTIME/up.json: how commands find the running `gatepost up` (injection.md §4).
#include <stdlib.h>
#include <unistd.h>

#include "data/data.h"
#include "home/home.h"
#include "home/own.h"
#include "home/process.h"
#include "home/shape.h"

enum { ADDRESS_BYTES_MAX = 1 << 20, MEMBERS_MAX = 1000, URLS_MAX = 300 };

static const char file_name[] = "up.json";

// ---- What the file looks like -------------------------------------------------------------------

// The address itself, not a name that resolves to it, and nothing before or behind it that a client
// could take for the host (threat 40).
static const shape loopback = {
    .kind = SHAPE_TEXT,
    .what = "an http URL on 127.0.0.1 or [::1]",
    .pattern = "^http://(127[.]0[.]0[.]1|[[]::1[]]):[0-9]{1,5}(/[A-Za-z0-9._~/@:-]*)?$",
    .max = 256,
};
static const shape run_app_url = {
    .kind = SHAPE_TEXT, .what = "an https URL", .pattern = "^https://[a-z0-9.-]+$", .max = 256};
static const shape text = {.kind = SHAPE_TEXT, .what = "text", .max = 4096};
static const shape name = {.kind = SHAPE_TEXT, .what = "a name", .min = 1, .max = 320};
static const shape count = {
    .kind = SHAPE_INT, .what = "a whole number", .min = 1, .max = INT64_MAX};

static const shape run_app_urls = {.kind = SHAPE_LIST, .item = &run_app_url, .max = URLS_MAX};
static const shape_key service_keys[] = {
    {.name = "name", .shape = &name, .required = true},
    {.name = "url", .shape = &loopback, .required = true},
    {.name = "run_app_urls", .shape = &run_app_urls, .required = true},
    {.name = "policy", .shape = &text},
    {0},
};
static const shape service = {.kind = SHAPE_OBJECT, .keys = service_keys};
static const shape services = {.kind = SHAPE_LIST, .item = &service, .max = MEMBERS_MAX};

static const shape_key account_keys[] = {
    {.name = "email", .shape = &name, .required = true},
    {.name = "key_file", .shape = &text},
    {0},
};
static const shape account = {.kind = SHAPE_OBJECT, .keys = account_keys};
static const shape accounts = {.kind = SHAPE_LIST, .item = &account, .max = MEMBERS_MAX};

static const shape_key address_keys[] = {
    {.name = "pid", .shape = &count, .required = true},
    {.name = "started", .shape = &count, .required = true},
    {.name = "project", .shape = &name, .required = true},
    {.name = "project_number", .shape = &name, .required = true},
    {.name = "issuer", .shape = &name, .required = true},
    {.name = "token_url", .shape = &loopback, .required = true},
    {.name = "iam_url", .shape = &loopback, .required = true},
    {.name = "metadata", .shape = &loopback, .required = true},
    {.name = "jwks", .shape = &loopback, .required = true},
    {.name = "certs", .shape = &loopback, .required = true},
    {.name = "admin", .shape = &loopback, .required = true},
    {.name = "run_as", .shape = &text},
    {.name = "audit", .shape = &text, .required = true},
    {.name = "proxy", .shape = &loopback},
    {.name = "ca", .shape = &text},
    {.name = "ca_bundle", .shape = &text},
    {.name = "env_file", .shape = &text},
    {.name = "services", .shape = &services, .required = true},
    {.name = "accounts", .shape = &accounts, .required = true},
    {0},
};
static const shape address_shape = {.kind = SHAPE_OBJECT, .keys = address_keys};

// The members that are one text, for reader and writer.
static const struct {
    const char *name;
    size_t offset;
} texts[] = {
    {"project", offsetof(home_address, project)},
    {"project_number", offsetof(home_address, project_number)},
    {"issuer", offsetof(home_address, issuer)},
    {"token_url", offsetof(home_address, token_url)},
    {"iam_url", offsetof(home_address, iam_url)},
    {"metadata", offsetof(home_address, metadata)},
    {"jwks", offsetof(home_address, jwks)},
    {"certs", offsetof(home_address, certs)},
    {"admin", offsetof(home_address, admin)},
    {"run_as", offsetof(home_address, run_as)},
    {"audit", offsetof(home_address, audit)},
    {"proxy", offsetof(home_address, proxy)},
    {"ca", offsetof(home_address, ca)},
    {"ca_bundle", offsetof(home_address, ca_bundle)},
    {"env_file", offsetof(home_address, env_file)},
};

// ---- Reading ------------------------------------------------------------------------------------

static str text_of(const json *obj, const char *key)
{
    return json_str_or(json_get(obj, key), STR_NONE);
}

static void fill_service(address_service *s, arena *a, const json *v)
{
    const json *urls = json_get(v, "run_app_urls");
    str *list = arena_array(a, urls->len, sizeof(*list));
    s->name = text_of(v, "name");
    s->url = text_of(v, "url");
    s->policy = text_of(v, "policy");
    JSON_EACH (urls, url)
        list[s->run_app_url_count++] = url->text;
    s->run_app_urls = list;
}

static home_address *fill(arena *a, const json *root)
{
    home_address *ad = ARENA_NEW(a, home_address);
    ad->pid = json_i64_or(json_get(root, "pid"), 0);
    ad->started = json_i64_or(json_get(root, "started"), 0);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *(str *)(void *)((char *)ad + texts[i].offset) = text_of(root, texts[i].name);
    const json *list = json_get(root, "services");
    address_service *s = arena_array(a, list->len, sizeof(*s));
    JSON_EACH (list, v)
        fill_service(&s[ad->service_count++], a, v);
    ad->services = s;
    list = json_get(root, "accounts");
    address_account *accounts_of = arena_array(a, list->len, sizeof(*accounts_of));
    JSON_EACH (list, v)
        accounts_of[ad->account_count++] =
            (address_account){text_of(v, "email"), text_of(v, "key_file")};
    ad->accounts = accounts_of;
    return ad;
}

static code forged(const char *path, err *e)
{
    err_wrap(e, "%s can't be believed", path);
    err_hint(e, "stop `gatepost up` and start it again: it writes the file anew");
    if (e)
        e->code = HOME_FORGED;
    return HOME_FORGED;
}

code address_path(arena *a, const char **ret_path, err *e)
{
    const char *dir;
    code c = home_path(HOME_RUNTIME, false, a, &dir, e);
    if (c == OK)
        *ret_path = arena_printf(a, "%s/%s", dir, file_name).ptr;
    return c;
}

code address_read(arena *a, const home_address **ret_ad, err *e)
{
    static const own_rule rule = {OWN_CLOSED, false, HOME_FORGED, ADDRESS_BYTES_MAX};
    const char *path;
    str content;
    json *root;
    *ret_ad = NULL;
    code c = address_path(a, &path, e);
    if (c != OK)
        return c;
    c = own_read(path, &rule, a, &content, e);
    if (c != OK || !content.ptr)
        return c == OK ? OK : forged(path, e);
    if (json_parse(a, content, &(json_opts){.file = path}, &root, e) != OK ||
        shape_check(root, &address_shape, e) != OK)
        return forged(path, e);
    const home_address *ad = fill(a, root);
    if (process_alive(ad->pid, ad->started))
        *ret_ad = ad;
    return OK;
}

// ---- Writing ------------------------------------------------------------------------------------

static void write_address(const home_address *ad, int64_t started, buf *out)
{
    jout w = jout_new(out, JSON_PRETTY);
    jout_object(&w, NULL);
    jout_i64(&w, "pid", getpid());
    jout_i64(&w, "started", started);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        const str *s = (const void *)((const char *)ad + texts[i].offset);
        if (s->len)
            jout_str(&w, texts[i].name, *s);
    }
    jout_array(&w, "services");
    for (size_t i = 0; i < ad->service_count; i++) {
        const address_service *s = &ad->services[i];
        jout_object(&w, NULL);
        jout_str(&w, "name", s->name);
        jout_str(&w, "url", s->url);
        jout_array(&w, "run_app_urls");
        for (size_t k = 0; k < s->run_app_url_count; k++)
            jout_str(&w, NULL, s->run_app_urls[k]);
        jout_end(&w);
        jout_str(&w, "policy", s->policy);
        jout_end(&w);
    }
    jout_end(&w);
    jout_array(&w, "accounts");
    for (size_t i = 0; i < ad->account_count; i++) {
        jout_object(&w, NULL);
        jout_str(&w, "email", ad->accounts[i].email);
        jout_str(&w, "key_file", ad->accounts[i].key_file);
        jout_end(&w);
    }
    jout_end(&w);
    jout_end(&w);
    buf_addc(out, '\n');
}

static code write_unless_running(const home_address *ad, arena *a, err *e)
{
    const home_address *other;
    int64_t started;
    code c = address_read(a, &other, e);
    if (c != OK)
        return c;
    if (other && other->pid != getpid()) {
        err_set(e, HOME_RUNNING, "gatepost up is running already: process %lld, project " STR_FMT,
                (long long)other->pid, STR_ARG(other->project));
        err_hint(e, "stop it with: kill %lld", (long long)other->pid);
        return HOME_RUNNING;
    }
    if (!process_started(getpid(), &started))
        return err_set(e, SYS_FAILED, "/proc doesn't tell when this process began");
    buf out;
    buf_init(&out, ADDRESS_BYTES_MAX);
    write_address(ad, started, &out);
    c = buf_ok(&out) ? home_write_in(HOME_RUNTIME, file_name, buf_str(&out), e)
                     : err_set(e, SYS_LIMIT, "the address file would be larger than %d bytes",
                               ADDRESS_BYTES_MAX);
    buf_deinit(&out);
    return c;
}

code address_write(const home_address *ad, err *e)
{
    arena a;
    const char *dir;
    int lock = -1;
    arena_init(&a);
    code c = home_path(HOME_RUNTIME, true, &a, &dir, e);
    if (c == OK)
        c = own_lock(dir, &lock, e); // of two that start at once, one wins
    if (c == OK)
        c = write_unless_running(ad, &a, e);
    if (lock >= 0)
        close(lock);
    arena_deinit(&a);
    return c;
}

void address_remove(void)
{
    arena a;
    const home_address *ad;
    const char *path;
    arena_init(&a);
    if (address_read(&a, &ad, NULL) == OK && ad && ad->pid == getpid() &&
        address_path(&a, &path, NULL) == OK)
        unlink(path);
    arena_deinit(&a);
}

str address_services(const home_address *up, arena *a)
{
    enum { LIST_BYTES_MAX = 400 };
    buf out;
    buf_init(&out, LIST_BYTES_MAX);
    for (size_t i = 0; i < up->service_count && out.len < LIST_BYTES_MAX / 2; i++)
        buf_addf(&out, "%s" STR_FMT, i ? ", " : "", STR_ARG(up->services[i].name));
    str list = arena_str(a, buf_str(&out));
    buf_deinit(&out);
    return list.len ? list : STR("none");
}
