// SPDX-License-Identifier: Apache-2.0
// $CONFIG/trust.json: {"trusted": [{"spec", "added"}], "files": [{"path", "hash", "added"}]}.
#include <stdlib.h>
#include <unistd.h>

#include "data/data.h"
#include "home/home.h"
#include "home/own.h"
#include "home/shape.h"

enum { TRUST_BYTES_MAX = 1 << 20, TRUST_ENTRIES_MAX = 10000 };

static const char file_name[] = "trust.json";

struct trust_store {
    arena mem; // of the texts
    const char *path;
    VEC(trust_entry) entries;
};

// ---- Reading ------------------------------------------------------------------------------------

static const shape text = {.kind = SHAPE_TEXT, .what = "text", .min = 1, .max = 4096};
static const shape digest = {
    .kind = SHAPE_TEXT, .what = "a SHA-256 in hexadecimal", .pattern = "^[0-9a-f]{64}$", .max = 64};
static const shape_key spec_keys[] = {
    {.name = "spec", .shape = &text, .required = true},
    {.name = "added", .shape = &text, .required = true},
    {0},
};
static const shape_key recorded_keys[] = {
    {.name = "path", .shape = &text, .required = true},
    {.name = "hash", .shape = &digest, .required = true},
    {.name = "added", .shape = &text, .required = true},
    {0},
};
static const shape spec_shape = {.kind = SHAPE_OBJECT, .keys = spec_keys};
static const shape recorded_shape = {.kind = SHAPE_OBJECT, .keys = recorded_keys};
static const shape specs = {.kind = SHAPE_LIST, .item = &spec_shape, .max = TRUST_ENTRIES_MAX};
static const shape recorded = {
    .kind = SHAPE_LIST, .item = &recorded_shape, .max = TRUST_ENTRIES_MAX};
static const shape_key store_keys[] = {
    {.name = "trusted", .shape = &specs},
    {.name = "files", .shape = &recorded},
    {0},
};
static const shape store_shape = {.kind = SHAPE_OBJECT, .keys = store_keys};

static str copy_of(trust_store *s, const json *obj, const char *key)
{
    return arena_str(&s->mem, json_str_or(json_get(obj, key), STR_NONE));
}

static void take(trust_store *s, const json *list, const char *name)
{
    JSON_EACH (list, m) {
        trust_entry one = {copy_of(s, m, name), copy_of(s, m, "hash"), copy_of(s, m, "added")};
        vec_push(&s->entries, one);
    }
}

static code read_text(trust_store *s, const char *path, str content, err *e)
{
    arena a;
    arena_init(&a);
    json *root;
    code c = json_parse(&a, content, &(json_opts){.file = path}, &root, e);
    if (c == OK)
        c = shape_check(root, &store_shape, e);
    if (c == OK) {
        take(s, json_get(root, "trusted"), "spec");
        take(s, json_get(root, "files"), "path");
    }
    arena_deinit(&a);
    return c;
}

// Replaces what the store holds by what the file says now.
static code reload(trust_store *s, err *e)
{
    static const own_rule rule = {OWN_WRITABLE, false, HOME_FILE, TRUST_BYTES_MAX};
    arena a;
    const char *dir, *path;
    str content = STR_NONE;
    arena_init(&a);
    arena_reset(&s->mem);
    vec_reset(&s->entries);
    code c = home_path(HOME_CONFIG, false, &a, &dir, e);
    if (c == OK) {
        s->path = path = arena_printf(&s->mem, "%s/%s", dir, file_name).ptr;
        c = own_read(path, &rule, &a, &content, e);
    }
    if (c == OK && content.ptr)
        c = read_text(s, path, content, e);
    arena_deinit(&a);
    return c;
}

code trust_store_load(trust_store **ret_store, err *e)
{
    trust_store *s = NEW(trust_store);
    arena_init(&s->mem);
    code c = reload(s, e);
    if (c != OK)
        trust_store_free(s);
    else
        *ret_store = s;
    return c;
}

void trust_store_free(trust_store *s)
{
    if (!s)
        return;
    vec_deinit(&s->entries);
    arena_deinit(&s->mem);
    free(s);
}

const trust_entry *trust_store_at(const trust_store *s, size_t i)
{
    return i < s->entries.len ? &s->entries.ptr[i] : NULL;
}

const char *trust_store_path(const trust_store *s)
{
    return s->path;
}

bool trust_store_has_file(const trust_store *s, const char *hash_hex)
{
    VEC_FOREACH (&s->entries, one) {
        if (one->hash.len && str_eq(one->hash, str_from(hash_hex)))
            return true;
    }
    return false;
}

// ---- Changing -----------------------------------------------------------------------------------

static void write_list(const trust_store *s, jout *w, bool files)
{
    jout_array(w, files ? "files" : "trusted");
    VEC_FOREACH (&s->entries, one) {
        if ((one->hash.len > 0) != files)
            continue;
        jout_object(w, NULL);
        jout_str(w, files ? "path" : "spec", one->spec);
        if (files)
            jout_str(w, "hash", one->hash);
        jout_str(w, "added", one->added);
        jout_end(w);
    }
    jout_end(w);
}

static code store(const trust_store *s, err *e)
{
    buf out;
    buf_init(&out, TRUST_BYTES_MAX);
    jout w = jout_new(&out, JSON_PRETTY);
    jout_object(&w, NULL);
    write_list(s, &w, false);
    write_list(s, &w, true);
    jout_end(&w);
    buf_addc(&out, '\n');
    code c = buf_ok(&out) && s->entries.len <= TRUST_ENTRIES_MAX
                 ? home_write_in(HOME_CONFIG, file_name, buf_str(&out), e)
                 : err_set(e, HOME_WRITE, "the trust store is full: %d entries, %d bytes",
                           TRUST_ENTRIES_MAX, TRUST_BYTES_MAX);
    buf_deinit(&out);
    return c;
}

// The same spec, or a file of the same path.
static trust_entry *find(const trust_store *s, str spec, bool file)
{
    VEC_FOREACH (&s->entries, one) {
        if ((one->hash.len > 0) == file && str_eq(one->spec, spec))
            return one;
    }
    return NULL;
}

static code put(trust_store *s, str spec, str hash, err *e)
{
    char now[CLOCK_RFC3339_MAX];
    trust_entry *there = find(s, spec, hash.len > 0);
    if (there && str_eq(there->hash, hash))
        return OK;
    clock_rfc3339(clock_wall_s() * 1000000000, now);
    trust_entry one = {arena_str(&s->mem, spec), arena_str(&s->mem, hash),
                       arena_str(&s->mem, str_from(now))};
    if (there)
        *there = one; // the file has changed since
    else
        vec_push(&s->entries, one);
    return store(s, e);
}

static code drop(trust_store *s, str spec, str unused, err *e)
{
    (void)unused;
    trust_entry *there = find(s, spec, false);
    if (!there)
        there = find(s, spec, true);
    if (!there) {
        err_set(e, HOME_ABSENT, "'" STR_FMT "' isn't in the trust store", STR_ARG(spec));
        err_hint(e, "`gatepost trust list` shows what is");
        return HOME_ABSENT;
    }
    vec_remove(&s->entries, (size_t)(there - s->entries.ptr));
    return store(s, e);
}

// Under a lock and on what the file says then, so that two commands at once both count.
static code change(trust_store *s, code (*what)(trust_store *, str, str, err *), str spec, str hash,
                   err *e)
{
    arena a;
    const char *dir;
    int lock = -1;
    arena_init(&a);
    code c = home_path(HOME_CONFIG, true, &a, &dir, e);
    if (c == OK)
        c = own_lock(dir, &lock, e);
    spec = arena_str(&a, spec); // it may be the store's own
    if (c == OK)
        c = reload(s, e);
    if (c == OK)
        c = what(s, spec, hash, e);
    if (lock >= 0)
        close(lock);
    arena_deinit(&a);
    return c;
}

code trust_store_add(trust_store *s, str spec, err *e)
{
    return change(s, put, spec, STR_NONE, e);
}

code trust_store_add_file(trust_store *s, const char *path, const char *hash_hex, err *e)
{
    return change(s, put, str_from(path), str_from(hash_hex), e);
}

code trust_store_remove(trust_store *s, str spec_or_path, err *e)
{
    return change(s, drop, spec_or_path, STR_NONE, e);
}
