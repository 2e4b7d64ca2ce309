// SPDX-License-Identifier: Apache-2.0
// `gatepost keys …`: how old service account keys are, and new ones in their place.
#include <signal.h>

#include "cmd/identity.h"
#include "cmd/verbs.h"
#include "credential/credential_keys.h"
#include "net/net.h"

enum { PAGE_BYTES_MAX = 4 << 20, RETRY_MS = 5 * 60 * 1000, DATE_LEN = 10 };

typedef struct run run;
struct run {
    cmd_call *call;
    loop *loop;
    identity_setup setup;
    key_access by;
    bool stop;
};

static code open_run(run *r, cmd_call *call, err *e)
{
    *r = (run){.call = call, .loop = loop_new()};
    code c = identity_open(&r->setup, r->loop, call->options, NULL, e);
    r->by = (key_access){.loop = r->loop, .up = r->setup.up};
    if (option_is_set(call->options, "identity") || option_is_set(call->options, "account") ||
        option_is_set(call->options, "impersonate-service-account")) {
        r->by.provider = r->setup.credentials;
        r->by.identity = option_text(call->options, "identity");
    }
    return c;
}

static void close_run(run *r)
{
    identity_close(&r->setup);
    loop_free(r->loop);
}

// ---- list ---------------------------------------------------------------------------------------

static bool is_stale(const iam_key *k)
{
    return !k->disabled && clock_wall_ms() - k->created_s * 1000 > KEYS_STALE_MS;
}

// "26 h", "3 d": what a person compares with a day.
static void add_age(int64_t since_s, buf *out)
{
    int64_t age_s = clock_wall_s() - since_s;
    if (age_s < 3600)
        buf_addf(out, "%lld min", (long long)(age_s < 0 ? 0 : age_s / 60));
    else if (age_s < 72 * 3600)
        buf_addf(out, "%lld h", (long long)(age_s / 3600));
    else
        buf_addf(out, "%lld d", (long long)(age_s / 86400));
}

static void add_used(const iam_key *k, buf *out)
{
    if (!k->usage_known)
        buf_addz(out, "unknown");
    else if (!k->used_s)
        buf_addz(out, "never seen");
    else
        add_age(k->used_s, out);
}

static void list_text(const key_file *f, const iam_keys *keys, str why, buf *out)
{
    size_t stale = 0;
    buf_addf(out, STR_FMT "  ", STR_ARG(f->email));
    buf_add_shown(out, str_from(f->path));
    buf_addf(out, "\n  %-40s  %-8s  %-10s\n", "key", "age", "last used");
    VEC_FOREACH (keys, k) {
        buf age, used;
        buf_init(&age, 64);
        buf_init(&used, 64);
        add_age(k->created_s, &age);
        add_used(k, &used);
        buf_addf(out, "  %-40.*s  %-8s  %-10s%s%s%s\n", STR_ARG(k->id), buf_cstr(&age),
                 buf_cstr(&used), str_eq(k->id, f->key_id) ? "  in the file" : "",
                 k->disabled ? "  disabled" : "", is_stale(k) ? "  older than 24 h" : "");
        stale += is_stale(k);
        buf_deinit(&age);
        buf_deinit(&used);
    }
    if (why.len)
        buf_addf(out, "  last use isn't known: " STR_FMT "\n", STR_ARG(why));
    if (stale) {
        buf_addz(out, "  fix: gatepost keys rotate ");
        buf_add_shown(out, str_from(f->path));
        buf_addc(out, '\n');
    }
}

static void time_json(jout *w, const char *name, int64_t s)
{
    char text[CLOCK_RFC3339_MAX];
    if (!s) {
        jout_null(w, name);
        return;
    }
    clock_rfc3339(s * 1000000000, text);
    jout_str(w, name, str_from(text));
}

static void list_json(const key_file *f, const iam_keys *keys, str why, jout *w)
{
    jout_object(w, NULL);
    jout_str(w, "file", str_from(f->path));
    jout_str(w, "account", f->email);
    jout_array(w, "keys");
    VEC_FOREACH (keys, k) {
        jout_object(w, NULL);
        jout_str(w, "id", k->id);
        jout_bool(w, "inFile", str_eq(k->id, f->key_id));
        time_json(w, "created", k->created_s);
        time_json(w, "expires", k->expires_s);
        time_json(w, "lastUsed", k->used_s);
        jout_bool(w, "lastUsedKnown", k->usage_known);
        jout_bool(w, "disabled", k->disabled);
        jout_bool(w, "stale", is_stale(k));
        jout_end(w);
    }
    jout_end(w);
    if (why.len)
        jout_str(w, "lastUsedUnknown", why);
    jout_end(w);
}

typedef VEC(const char *) paths;

static void add_path(paths *p, const char *path)
{
    VEC_FOREACH (p, known)
        if (strcmp(*known, path) == 0)
            return;
    vec_push(p, path);
}

// The files that were named, else those that the project and the person use.
static code gather(run *r, paths *p, err *e)
{
    const str_list *named = option_args(r->call->options);
    const home_project *project = r->setup.project;
    const char *adc = getenv("GOOGLE_APPLICATION_CREDENTIALS");
    for (size_t i = 0; i < named->len; i++)
        add_path(p, named->ptr[i].ptr);
    if (p->len)
        return OK;
    for (size_t i = 0; r->setup.up && i < project->account_count; i++)
        if (project->accounts[i].key)
            add_path(p, project->accounts[i].key);
    VEC_FOREACH (&r->setup.identities, id)
        if (id->key)
            add_path(p, id->key);
    if (adc && *adc)
        add_path(p, adc);
    if (p->len)
        return OK;
    (void)err_set(e, OPTION_ARGS,
                  "there is no key file: neither the project file nor "
                  "GOOGLE_APPLICATION_CREDENTIALS names one");
    return err_hint(e, "name it: gatepost keys list KEY.json");
}

static code list_one(run *r, const char *path, jout *w, buf *out, err *e)
{
    key_file f;
    iam_keys keys = {0};
    str why;
    code c = key_file_read(&r->setup.arena, path, r->setup.up, &f, e);
    if (c == OK)
        c = keys_list(&r->by, &f, &r->setup.arena, &keys, &why, e);
    if (c == OK && w)
        list_json(&f, &keys, why, w);
    else if (c == OK)
        list_text(&f, &keys, why, out);
    vec_deinit(&keys);
    return c;
}

static code list_all(run *r, err *e)
{
    paths p = {0};
    buf page;
    buf_init(&page, PAGE_BYTES_MAX);
    bool as_json = str_eq(option_text(r->call->options, "format"), STR("json"));
    jout w = jout_new(&page, JSON_PRETTY);
    code c = gather(r, &p, e);
    if (as_json)
        jout_array(&w, NULL);
    VEC_FOREACH (&p, path) {
        err mine = ERR_INIT;
        code failed = list_one(r, *path, as_json ? &w : NULL, &page, &mine);
        if (!failed)
            continue;
        err_print(&mine, r->call->err); // the others are listed all the same
        r->call->status = code_exit(failed);
    }
    if (as_json) {
        jout_end(&w);
        buf_addc(&page, '\n');
    }
    if (c == OK)
        fwrite(buf_cstr(&page), 1, page.len, r->call->out);
    buf_deinit(&page);
    vec_deinit(&p);
    return c;
}

static code run_list(cmd_call *call, err *e)
{
    run r;
    code c = open_run(&r, call, e);
    if (c == OK)
        c = list_all(&r, e);
    close_run(&r);
    return c;
}

static const option_row list_rows[] = {
    {.name = "format",
     .kind = OPTION_CHOICE,
     .choices = "text|json",
     .def = "text",
     .group = "Output",
     .help = "How to write the answer"},
    {0},
};
static const option_row *const list_tables[] = {list_rows, cmd_identity, cmd_common, NULL};

static const command_spec list_spec = {
    .name = "keys list",
    .args = "[KEY.json…]",
    .args_max = 100,
    .summary = "Age and last use of service account keys",
    .about =
        "Asks IAM for all keys of the accounts whose key files are named; without a name, of those "
        "that the project file and GOOGLE_APPLICATION_CREDENTIALS name. A key older than 24 hours "
        "is "
        "flagged.\n\n"
        "The key of the file asks about its own account, which takes "
        "roles/iam.serviceAccountKeyAdmin (or Viewer) on it; --identity or "
        "--impersonate-service-account let somebody else ask. When a key was last used is told by "
        "Google's Policy Analyzer, a day late.",
    .example = "gatepost keys list key.json\n"
               "gatepost keys list --format json --impersonate-service-account "
               "admin@p.iam.gserviceaccount.com key.json",
    .tables = list_tables,
};

const verb verb_keys_list = {.spec = &list_spec, .group = VERB_GOVERN, .run = run_list};

// ---- rotate -------------------------------------------------------------------------------------

static void on_step(void *ctx, str line)
{
    run *r = ctx;
    fprintf(r->call->out, STR_FMT "\n", STR_ARG(line));
    fflush(r->call->out);
}

static void on_signal(void *ctx, int signum)
{
    (void)signum;
    ((run *)ctx)->stop = true;
}

// Until it is stopped: a failure is told and tried again, for the old key still works.
static code rotate_for_ever(run *r, key_rotation *k, err *e)
{
    for (;;) {
        uint64_t wait_ms;
        code c = key_rotate(k, &wait_ms, e);
        if (c == SYS_CANCELLED)
            break;
        if (c) {
            err_print(e, r->call->err);
            wait_ms = RETRY_MS;
        }
        *e = ERR_INIT;
        if (loop_run_until(r->loop, &r->stop, wait_ms))
            break;
    }
    *e = ERR_INIT;
    return OK;
}

static code rotate(run *r, err *e)
{
    const option_values *o = r->call->options;
    uint64_t wait_ms, every_ms = (uint64_t)option_int(o, "every");
    key_rotation k = {
        .by = r->by,
        .path = option_args(o)->ptr[0].ptr,
        .older_ms = every_ms ? every_ms : (uint64_t)option_int(o, "older-than"),
        .grace_ms = (uint64_t)option_int(o, "grace"),
        .stop = &r->stop,
        .on_step = on_step,
        .ctx = r,
    };
    if (every_ms)
        return rotate_for_ever(r, &k, e);
    code c = key_rotate(&k, &wait_ms, e);
    if (c == OK && wait_ms)
        fprintf(r->call->out, "the key is younger than that: it is due in %llu min\n",
                (unsigned long long)(wait_ms + 59999) / 60000);
    return c;
}

static code run_rotate(cmd_call *call, err *e)
{
    run r;
    code c = open_run(&r, call, e);
    signal_watch *interrupt = signal_watch_new(r.loop, SIGINT, on_signal, &r);
    signal_watch *terminate = signal_watch_new(r.loop, SIGTERM, on_signal, &r);
    if (c == OK)
        c = rotate(&r, e);
    signal_watch_free(interrupt);
    signal_watch_free(terminate);
    close_run(&r);
    return c;
}

static const option_row rotate_rows[] = {
    {.name = "grace",
     .kind = OPTION_DURATION,
     .def = "5m",
     .max = 30LL * 24 * 3600 * 1000,
     .help = "How long the old key stays valid after the new one has taken its place"},
    {.name = "older-than",
     .kind = OPTION_DURATION,
     .def = "0",
     .max = 365LL * 24 * 3600 * 1000,
     .help = "Leave a younger key alone: for cron, which may come at any time"},
    {.name = "every",
     .kind = OPTION_DURATION,
     .def = "0",
     .min = 0,
     .max = 365LL * 24 * 3600 * 1000,
     .help = "Stay, and rotate whenever the key is this old"},
    {0},
};
static const option_row *const rotate_tables[] = {rotate_rows, cmd_identity, cmd_common, NULL};

static const command_spec rotate_spec = {
    .name = "keys rotate",
    .args = "KEY.json",
    .args_min = 1,
    .args_max = 1,
    .summary = "A new service account key in the place of the old one",
    .about =
        "Makes a key, proves it by minting a token, puts it into the file's place in one step, "
        "waits "
        "for programs that still use the old one, disables that, proves the new key again, and "
        "deletes the old one.\n\n"
        "It may be killed at any moment: the file holds a working key, and the same command goes "
        "on "
        "where the last one ended. FILE.next and FILE.rotation lie beside the file meanwhile.\n\n"
        "The key rotates itself, which takes roles/iam.serviceAccountKeyAdmin on its own account, "
        "or "
        "--identity or --impersonate-service-account do it. examples/keys has a systemd timer and "
        "a "
        "Kubernetes CronJob.",
    .example = "gatepost keys rotate key.json\n"
               "gatepost keys rotate --older-than 23h --grace 10m key.json\n"
               "gatepost keys rotate --every 24h key.json",
    .tables = rotate_tables,
};

const verb verb_keys_rotate = {.spec = &rotate_spec, .group = VERB_GOVERN, .run = run_rotate};
