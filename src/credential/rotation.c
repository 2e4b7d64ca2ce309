// SPDX-License-Identifier: Apache-2.0
// The rotation of a key. Each step leaves facts behind (which key the file holds, which one lies
// beside it, which ones IAM has), and where to go on is read from them alone: so it doesn't matter
// where the last run ended.
//
//   FILE           the key that programs use
//   FILE.next      the new key, until it takes FILE's place
//   FILE.rotation  the key to be replaced (old), the keys that IAM had before (known), how often
//                  and when a new one was asked for (attempts, started, asked), and when it took
//                  the old one's place (swapped)
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "credential/keys.h"

enum {
    JOURNAL_BYTES_MAX = 64 << 10,
    KEY_BYTES_MAX = 64 << 10,
    PROVE_TRIES = 8, // a new key isn't known everywhere at once
    PROVE_WAIT_MS = 1000,
    // A key that was made while a run was killed: this close to its request, by IAM's clock.
    ORPHAN_BEFORE_S = 120,
    ORPHAN_AFTER_S = 600,
};

typedef struct rotation rotation;
struct rotation {
    const key_rotation *o;
    arena mem;
    key_file file;
    keys_session session;
    iam_keys keys;
    const char *next, *journal;
    int lock;
    bool begun; // there is a journal
    str old;
    int64_t started_s, asked_s, swapped_s;
    int64_t attempts;
    str *known;
    size_t known_count;
};

static void say(rotation *r, const char *fmt, ...) ATTR_PRINTF(2, 3);
static void say(rotation *r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    str line = arena_vprintf(&r->mem, fmt, ap);
    va_end(ap);
    if (r->o->on_step)
        r->o->on_step(r->o->ctx, line);
}

static code pause_ms(const rotation *r, uint64_t ms, err *e)
{
    static const bool never = false;
    if (!loop_run_until(r->o->by.loop, r->o->stop ? r->o->stop : &never, ms))
        return OK;
    (void)err_set(e, SYS_CANCELLED, "the rotation of %s was stopped", r->file.path);
    return err_hint(e, "nothing is lost: the same command goes on where it ended");
}

static const iam_key *find(const rotation *r, str id)
{
    VEC_FOREACH (&r->keys, k)
        if (str_eq(k->id, id))
            return k;
    return NULL;
}

// ---- journal ------------------------------------------------------------------------------------

static code lock_folder(rotation *r, err *e)
{
    str path = str_from(r->file.path);
    const char *dir = arena_cstr(&r->mem, str_sub(path, 0, (size_t)(str_rchr(path, '/') + 1)));
    r->lock = open(*dir ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r->lock < 0)
        return err_sys(e, HOME_DIR, errno, "%s", dir);
    if (flock(r->lock, LOCK_EX | LOCK_NB) == 0)
        return OK;
    return err_set(e, KEYS_BUSY, "another rotation is at work in %s", dir);
}

static code write_journal(rotation *r, err *e)
{
    buf text;
    buf_init(&text, JOURNAL_BYTES_MAX);
    jout w = jout_new(&text, JSON_PRETTY);
    jout_object(&w, NULL);
    jout_str(&w, "account", r->file.email);
    jout_str(&w, "old", r->old);
    jout_i64(&w, "started", r->started_s);
    jout_i64(&w, "attempts", r->attempts);
    jout_i64(&w, "asked", r->asked_s);
    jout_i64(&w, "swapped", r->swapped_s);
    jout_array(&w, "known");
    for (size_t i = 0; i < r->known_count; i++)
        jout_str(&w, NULL, r->known[i]);
    jout_end(&w);
    jout_end(&w);
    buf_addc(&text, '\n');
    code c = home_write(r->journal, buf_str(&text), 0600, e);
    buf_deinit(&text);
    return c;
}

static code other_account(const rotation *r, str account, err *e)
{
    (void)err_set(e, CRED_FILE, "%s is about another account (" STR_FMT ")", r->journal,
                  STR_ARG(account));
    return err_hint(e,
                    "a rotation of that account was begun here; when it is of no use any more: "
                    "rm %s",
                    r->journal);
}

static code read_journal(rotation *r, err *e)
{
    str text, account;
    json *root;
    const json *known = NULL;
    r->begun = access(r->journal, F_OK) == 0;
    if (!r->begun)
        return OK;
    const json_opts opts = {.file = r->journal};
    code c = file_read(&r->mem, r->journal, JOURNAL_BYTES_MAX, &text, e);
    if (c == OK)
        c = json_parse(&r->mem, text, &opts, &root, e);
    if (c || (c = json_get_str(root, "account", &account, e)) ||
        (c = json_get_str(root, "old", &r->old, e)) ||
        (c = json_get_i64(root, "started", &r->started_s, e)) ||
        (c = json_get_i64(root, "attempts", &r->attempts, e)) ||
        (c = json_get_i64(root, "asked", &r->asked_s, e)) ||
        (c = json_get_i64(root, "swapped", &r->swapped_s, e)) ||
        (c = json_get_arr(root, "known", &known, e)))
        return c;
    r->known = arena_array(&r->mem, known->len + 1, sizeof *r->known);
    JSON_EACH (known, id)
        r->known[r->known_count++] = json_str_or(id, STR_NONE);
    return str_eq(account, r->file.email) ? OK : other_account(r, account, e);
}

// ---- begin --------------------------------------------------------------------------------------

static code unknown_key(const rotation *r, err *e)
{
    (void)err_set(e, KEYS_UNKNOWN, "%s: IAM has no enabled key " STR_FMT " of " STR_FMT,
                  r->file.path, STR_ARG(r->file.key_id), STR_ARG(r->file.email));
    return err_hint(e,
                    "make a key by hand: gcloud iam service-accounts keys create %s "
                    "--iam-account=" STR_FMT,
                    r->file.path, STR_ARG(r->file.email));
}

// Until the key is due; the journal is written when it is.
static code begin(rotation *r, uint64_t *ret_wait_ms, err *e)
{
    const iam_key *k = find(r, r->file.key_id);
    if (!k || k->disabled)
        return unknown_key(r, e);
    int64_t age_ms = clock_wall_ms() - k->created_s * 1000;
    if (r->o->older_ms && age_ms < (int64_t)r->o->older_ms) {
        *ret_wait_ms = r->o->older_ms - (age_ms > 0 ? (uint64_t)age_ms : 0);
        return OK;
    }
    r->old = r->file.key_id;
    r->started_s = clock_wall_s();
    r->known = arena_array(&r->mem, r->keys.len, sizeof *r->known);
    VEC_FOREACH (&r->keys, key)
        r->known[r->known_count++] = key->id;
    say(r, "rotating key " STR_FMT " of " STR_FMT, STR_ARG(r->old), STR_ARG(r->file.email));
    return write_journal(r, e);
}

// ---- the new key --------------------------------------------------------------------------------

static bool is_known(const rotation *r, str id)
{
    for (size_t i = 0; i < r->known_count; i++)
        if (str_eq(r->known[i], id))
            return true;
    return false;
}

static code delete_key(rotation *r, str id, err *e)
{
    str path = arena_printf(&r->mem, "/keys/" STR_FMT, STR_ARG(id));
    return keys_call(&r->session, "DELETE", path, STR_NONE, NULL, e);
}

static bool may_be_orphan(const rotation *r, const iam_key *k, str ours)
{
    return !is_known(r, k->id) && !str_eq(k->id, ours) &&
           k->created_s >= r->started_s - ORPHAN_BEFORE_S &&
           k->created_s <= r->asked_s + ORPHAN_AFTER_S;
}

// Keys that IAM made for a run that was killed before it could keep them: nobody has their private
// halves. They are told from keys of others by their time, and there are no more of them than were
// asked for: otherwise none is touched. `ours` is the new key that was kept, or "".
static code drop_orphans(rotation *r, str ours, err *e)
{
    int64_t count = 0;
    VEC_FOREACH (&r->keys, k)
        count += may_be_orphan(r, k, ours);
    if (count > r->attempts - (ours.len > 0)) {
        say(r,
            "%lld keys of " STR_FMT " were made meanwhile, by others too: see gatepost keys list",
            (long long)count, STR_ARG(r->file.email));
        return OK;
    }
    VEC_FOREACH (&r->keys, k) {
        if (!may_be_orphan(r, k, ours))
            continue;
        say(r, "deleting key " STR_FMT ", which an earlier run made and couldn't keep",
            STR_ARG(k->id));
        code c = delete_key(r, k->id, e);
        if (c)
            return c;
    }
    return OK;
}

// True when FILE.next holds a key that IAM has.
static bool has_next(rotation *r)
{
    key_file next;
    return access(r->next, F_OK) == 0 &&
           key_file_read(&r->mem, r->next, r->o->by.up, &next, NULL) == OK &&
           str_eq(next.email, r->file.email) && find(r, next.key_id);
}

static code keep_next(rotation *r, str encoded, err *e)
{
    buf text;
    buf_init(&text, KEY_BYTES_MAX);
    code c = OK;
    if (!base64_decode(&text, encoded) || !text.len)
        c = err_set(e, KEYS_IAM, "IAM's answer to making a key holds none");
    else
        c = home_write(r->next, buf_str(&text), 0600, e);
    buf_wipe(&text);
    buf_deinit(&text);
    return c;
}

static code create(rotation *r, err *e)
{
    json *made;
    str data;
    code c = drop_orphans(r, STR_NONE, e);
    if (c)
        return c;
    r->attempts++;
    r->asked_s = clock_wall_s();
    c = write_journal(r, e);
    if (c == OK)
        c = keys_call(&r->session, "POST", STR("/keys"),
                      STR("{\"privateKeyType\":\"TYPE_GOOGLE_CREDENTIALS_FILE\","
                          "\"keyAlgorithm\":\"KEY_ALG_RSA_2048\"}"),
                      &made, e);
    if (c)
        return c;
    c = json_get_str(made, "privateKeyData", &data, e);
    if (c == OK)
        c = keep_next(r, data, e);
    json_wipe(made);
    if (c == OK)
        say(r, "made a new key");
    return c;
}

static code prove(rotation *r, const char *path, err *e)
{
    for (int i = 0;; i++) {
        code c = keys_prove(&r->o->by, path, r->file.local, &r->mem, e);
        if (c != CRED_REFUSED || i + 1 == PROVE_TRIES)
            return c ? err_wrap(e, "%s: the key was made, but doesn't work yet", path) : OK;
        c = pause_ms(r, PROVE_WAIT_MS << i, e);
        if (c)
            return c;
    }
}

// The one moment at which programs change keys. The file keeps its owner and mode.
static code swap(rotation *r, err *e)
{
    struct stat st;
    if (stat(r->file.path, &st) == 0 &&
        (chown(r->next, st.st_uid, st.st_gid) || chmod(r->next, st.st_mode & 0777)))
        return err_sys(e, HOME_WRITE, errno, "%s", r->next);
    if (rename(r->next, r->file.path) || fsync(r->lock))
        return err_sys(e, HOME_WRITE, errno, "%s", r->file.path);
    code c = key_file_read(&r->mem, r->file.path, r->o->by.up, &r->file, e);
    if (c)
        return c;
    keys_reopen(&r->session);
    say(r, "%s holds the new key " STR_FMT, r->file.path, STR_ARG(r->file.key_id));
    return OK;
}

static code replace(rotation *r, err *e)
{
    code c = has_next(r) ? OK : create(r, e);
    if (c == OK)
        c = prove(r, r->next, e);
    return c == OK ? swap(r, e) : c;
}

// ---- the old key --------------------------------------------------------------------------------

static code wait_grace(rotation *r, err *e)
{
    if (!r->swapped_s) {
        r->swapped_s = clock_wall_s();
        code c = write_journal(r, e);
        if (c)
            return c;
    }
    int64_t since_ms = clock_wall_ms() - r->swapped_s * 1000;
    if (since_ms >= (int64_t)r->o->grace_ms)
        return OK;
    uint64_t left_ms = r->o->grace_ms - (since_ms > 0 ? (uint64_t)since_ms : 0);
    say(r, "waiting %llu s for programs that still use the old key",
        (unsigned long long)(left_ms + 999) / 1000);
    return pause_ms(r, left_ms, e);
}

// Disabled first, so that a failure of the new key shows while the old one can come back.
static code retire(rotation *r, err *e)
{
    code c = keys_fetch_list(&r->session, &r->keys, e);
    if (c == OK)
        c = drop_orphans(r, r->file.key_id, e);
    const iam_key *old = c == OK ? find(r, r->old) : NULL;
    if (c || !old)
        return c;
    if (!old->disabled) {
        str path = arena_printf(&r->mem, "/keys/" STR_FMT ":disable", STR_ARG(r->old));
        c = keys_call(&r->session, "POST", path, STR("{}"), NULL, e);
        if (c)
            return c;
        say(r, "disabled key " STR_FMT, STR_ARG(r->old));
    }
    c = prove(r, r->file.path, e);
    if (c)
        return err_hint(e,
                        "the old key is disabled, not deleted: gcloud iam service-accounts keys "
                        "enable " STR_FMT " --iam-account=" STR_FMT,
                        STR_ARG(r->old), STR_ARG(r->file.email));
    c = delete_key(r, r->old, e);
    if (c == OK)
        say(r, "deleted key " STR_FMT, STR_ARG(r->old));
    return c;
}

// ---- all of it ----------------------------------------------------------------------------------

static code finish(rotation *r, err *e)
{
    if (unlink(r->journal))
        return err_sys(e, HOME_WRITE, errno, "%s", r->journal);
    say(r, "done");
    return OK;
}

static code go_on(rotation *r, err *e)
{
    code c = OK;
    if (str_eq(r->file.key_id, r->old))
        c = replace(r, e);
    if (c == OK)
        c = wait_grace(r, e);
    if (c == OK)
        c = retire(r, e);
    return c == OK ? finish(r, e) : c;
}

static code run(rotation *r, uint64_t *ret_wait_ms, err *e)
{
    code c = keys_fetch_list(&r->session, &r->keys, e);
    if (c == OK && r->begun)
        say(r, "going on with the rotation of key " STR_FMT " of " STR_FMT, STR_ARG(r->old),
            STR_ARG(r->file.email));
    else if (c == OK)
        c = begin(r, ret_wait_ms, e);
    return c || *ret_wait_ms ? c : go_on(r, e);
}

code key_rotate(const key_rotation *o, uint64_t *ret_wait_ms, err *e)
{
    rotation r = {.o = o, .lock = -1};
    *ret_wait_ms = 0;
    arena_init(&r.mem);
    code c = key_file_read(&r.mem, o->path, o->by.up, &r.file, e);
    if (c == OK) {
        r.next = arena_printf(&r.mem, "%s.next", r.file.path).ptr;
        r.journal = arena_printf(&r.mem, "%s.rotation", r.file.path).ptr;
        c = lock_folder(&r, e);
    }
    // Read again: another rotation may have ended just before the lock was ours.
    if (c == OK)
        c = key_file_read(&r.mem, o->path, o->by.up, &r.file, e);
    if (c == OK)
        c = read_journal(&r, e);
    if (c == OK) {
        keys_open(&r.session, &o->by, &r.file, &r.mem);
        c = run(&r, ret_wait_ms, e);
        keys_close(&r.session);
    }
    if (r.lock >= 0)
        close(r.lock);
    vec_deinit(&r.keys);
    arena_deinit(&r.mem);
    return c;
}
