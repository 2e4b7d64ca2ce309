// SPDX-License-Identifier: Apache-2.0
// `gatepost trust …`: what may receive identity (injection.md §1), as the person decided.
#include "cmd/verbs.h"
#include "credential/credential.h"
#include "home/home.h"

static const option_row *const plain_tables[] = {cmd_common, NULL};

// ---- add ----------------------------------------------------------------------------------------

// Nothing is stored unless all of it can be trusted.
static code read_specs(const str_list *args, arena *a, str *ret, err *e)
{
    code c = OK;
    for (size_t i = 0; i < args->len && c == OK; i++)
        c = trust_read(args->ptr[i], "trust add", a, &ret[i], e);
    return c;
}

static code run_add(cmd_call *call, err *e)
{
    const str_list *args = option_args(call->options);
    trust_store *store = NULL;
    arena a;
    arena_init(&a);
    str *specs = arena_array(&a, args->len, sizeof(str));
    code c = read_specs(args, &a, specs, e);
    if (c == OK)
        c = trust_store_load(&store, e);
    for (size_t i = 0; i < args->len && c == OK; i++) {
        c = trust_store_add(store, specs[i], e);
        if (c == OK)
            fprintf(call->out, "trusted: " STR_FMT "\n", STR_ARG(specs[i]));
    }
    trust_store_free(store);
    arena_deinit(&a);
    return c;
}

static const command_spec add_spec = {
    .name = "trust add",
    .args = "PROJECT|ORIGIN…",
    .args_min = 1,
    .args_max = 100,
    .summary = "Let a project's services or an origin receive identity",
    .about =
        "A project is named by its number or by the hash in its services' URLs: then service "
        "accounts' tokens go to all its services on run.app. An origin (https://HOST[:PORT]) is "
        "named exactly; a user's token goes to such an origin only, because that token is good "
        "for every service that the user may call.",
    .example = "gatepost trust add 123456789012\n"
               "gatepost trust add https://orders-abc123-uc.a.run.app",
    .tables = plain_tables,
};

const verb verb_trust_add = {.spec = &add_spec, .group = VERB_REACH, .run = run_add};

// ---- remove -------------------------------------------------------------------------------------

// The spelling in which the store has an origin, which may be another than today's.
static str as_stored(const trust_store *store, str what, arena *a)
{
    const trust_entry *one;
    str wanted, spec;
    if (trust_read(what, "", a, &wanted, NULL))
        return what;
    for (size_t i = 0; (one = trust_store_at(store, i)); i++)
        if (!one->hash.len && trust_read(one->spec, "", a, &spec, NULL) == OK &&
            str_eq(spec, wanted))
            return one->spec;
    return what;
}

// A file may be named as it is from here; it is stored by its absolute path.
static code remove_one(trust_store *store, str what, err *e)
{
    arena a;
    const char *path;
    arena_init(&a);
    code c = trust_store_remove(store, as_stored(store, what, &a), e);
    if (c == HOME_ABSENT && project_find(&a, arena_cstr(&a, what), &path, NULL) == OK &&
        trust_store_remove(store, str_from(path), NULL) == OK) {
        *e = ERR_INIT;
        c = OK;
    }
    arena_deinit(&a);
    return c;
}

static code run_remove(cmd_call *call, err *e)
{
    const str_list *args = option_args(call->options);
    trust_store *store = NULL;
    code c = trust_store_load(&store, e);
    for (size_t i = 0; i < args->len && c == OK; i++) {
        c = remove_one(store, args->ptr[i], e);
        if (c == OK)
            fprintf(call->out, "no longer trusted: " STR_FMT "\n", STR_ARG(args->ptr[i]));
    }
    trust_store_free(store);
    return c;
}

static const command_spec remove_spec = {
    .name = "trust remove",
    .args = "PROJECT|ORIGIN|FILE…",
    .args_min = 1,
    .args_max = 100,
    .summary = "Take trust back",
    .example = "gatepost trust remove 123456789012\ngatepost trust remove gatepost.yaml",
    .tables = plain_tables,
};

const verb verb_trust_remove = {.spec = &remove_spec, .group = VERB_REACH, .run = run_remove};

// ---- list ---------------------------------------------------------------------------------------

static bool hash_file(arena *a, const char *path, char ret_hex[HOME_HASH_MAX], err *e)
{
    str text;
    if (file_read(a, path, PROJECT_BYTES_MAX, &text, e) != OK)
        return false;
    home_hash(text, ret_hex);
    return true;
}

// What is to be said about an entry: a recorded file counts only while it is what it was.
static const char *state_of(const trust_entry *one)
{
    char hex[HOME_HASH_MAX];
    arena a;
    if (!one->hash.len)
        return "";
    arena_init(&a);
    bool there = hash_file(&a, arena_cstr(&a, one->spec), hex, NULL);
    arena_deinit(&a);
    return !there ? "missing" : str_eq(one->hash, str_from(hex)) ? "unchanged" : "changed since";
}

static const char *kind_of(const trust_entry *one)
{
    if (one->hash.len)
        return "file";
    return str_find(one->spec, STR("://")) > 0 ? "origin" : "project";
}

static void list_text(const trust_store *store, buf *out)
{
    const trust_entry *one;
    for (size_t i = 0; (one = trust_store_at(store, i)); i++) {
        buf_addf(out, STR_FMT "  %-7s  ", STR_ARG(one->added), kind_of(one));
        buf_add_shown(out, one->spec);
        const char *state = state_of(one);
        buf_addf(out, *state ? "  (%s)\n" : "%s\n", state);
    }
}

static void list_json(const trust_store *store, buf *out)
{
    const trust_entry *one;
    jout w = jout_new(out, JSON_PRETTY);
    jout_array(&w, NULL);
    for (size_t i = 0; (one = trust_store_at(store, i)); i++) {
        jout_object(&w, NULL);
        jout_str(&w, "kind", str_from(kind_of(one)));
        jout_str(&w, "name", one->spec);
        jout_str(&w, "added", one->added);
        if (one->hash.len) {
            jout_str(&w, "sha256", one->hash);
            jout_str(&w, "state", str_from(state_of(one)));
        }
        jout_end(&w);
    }
    jout_end(&w);
    buf_addc(out, '\n');
}

static code run_list(cmd_call *call, err *e)
{
    enum { PAGE_BYTES_MAX = 16 << 20 };
    trust_store *store;
    buf page;
    code c = trust_store_load(&store, e);
    if (c != OK)
        return c;
    buf_init(&page, PAGE_BYTES_MAX);
    if (str_eq(option_text(call->options, "format"), STR("json")))
        list_json(store, &page);
    else
        list_text(store, &page);
    fwrite(buf_cstr(&page), 1, page.len, call->out);
    if (!page.len)
        fputs("gatepost: nothing is trusted yet; 'gatepost trust add' does that\n", call->err);
    buf_deinit(&page);
    trust_store_free(store);
    return OK;
}

static const option_row list_rows[] = {
    {.name = "format",
     .kind = OPTION_CHOICE,
     .choices = "text|json",
     .def = "text",
     .help = "How to write the list"},
    {0},
};
static const option_row *const list_tables[] = {list_rows, cmd_common, NULL};

static const command_spec list_spec = {
    .name = "trust list",
    .summary = "Show what is trusted",
    .about = "Lists what 'gatepost trust' has stored. --trust, GATEPOST_TRUST and the user's "
             "config.yaml add to it.",
    .tables = list_tables,
};

const verb verb_trust_list = {.spec = &list_spec, .group = VERB_REACH, .run = run_list};

// ---- file ---------------------------------------------------------------------------------------

// What the file may do from now on, so that nobody trusts more than they meant to.
static void tell(cmd_call *call, const home_project *p)
{
    fprintf(call->out, "trusted: %s\n  sha256 %s\n", p->path, p->hash);
    for (size_t i = 0; i < p->identity_count; i++) {
        const project_identity *id = &p->identities[i];
        if (id->key)
            fprintf(call->out, "  identity " STR_FMT " reads the credential file %s\n",
                    STR_ARG(id->name), id->key);
        if (id->oauth)
            fprintf(call->out, "  identity " STR_FMT " is the client " STR_FMT " of " STR_FMT "\n",
                    STR_ARG(id->name), STR_ARG(id->oauth->client_id),
                    STR_ARG(id->oauth->issuer.len ? id->oauth->issuer : id->oauth->token_endpoint));
        if (id->impersonate.len)
            fprintf(call->out, "  identity " STR_FMT " impersonates " STR_FMT "\n",
                    STR_ARG(id->name), STR_ARG(id->impersonate));
    }
    for (size_t i = 0; i < p->trust_count; i++)
        fprintf(call->out, "  identity may go to " STR_FMT "\n", STR_ARG(p->trust[i]));
}

static code record(cmd_call *call, trust_store *store, arena *a, const char *path, err *e)
{
    char hex[HOME_HASH_MAX];
    const home_project *p;
    if (!hash_file(a, path, hex, e))
        return e->code;
    code c = trust_store_add_file(store, path, hex, e);
    if (c != OK)
        return c;
    c = project_load(a, path, store, &p, e);
    if (c == OK && p->trusted) {
        tell(call, p);
        return OK;
    }
    if (c == OK)
        c = err_set(e, HOME_PROJECT, "%s was changed while it was read", path);
    code undone = trust_store_remove(store, str_from(path), NULL);
    return c != OK ? c : undone;
}

static code run_file(cmd_call *call, err *e)
{
    const str_list *args = option_args(call->options);
    trust_store *store = NULL;
    const char *path = NULL;
    arena a;
    arena_init(&a);
    code c = project_find(&a, args->len ? args->ptr[0].ptr : NULL, &path, e);
    if (c == OK && !path) {
        c = err_set(e, HOME_PROJECT, "there is no gatepost.yaml here or above");
        err_hint(e, "name the file");
    }
    if (c == OK)
        c = trust_store_load(&store, e);
    if (c == OK)
        c = record(call, store, &a, path, e);
    trust_store_free(store);
    arena_deinit(&a);
    return c;
}

static const command_spec file_spec = {
    .name = "trust file",
    .args = "[FILE]",
    .args_max = 1,
    .summary = "Trust a project file as it is now",
    .about =
        "A gatepost.yaml comes with what was cloned, so by itself it can only choose among the "
        "accounts of 'gatepost up'. Trusted, it may name credential files, impersonation, origins "
        "that receive identity, and files outside its folder. Read it first. What counts is its "
        "content: after any change it must be trusted again.",
    .example = "gatepost trust file\ngatepost trust file services/orders/gatepost.yaml",
    .tables = plain_tables,
};

const verb verb_trust_file = {.spec = &file_spec, .group = VERB_REACH, .run = run_file};
