// SPDX-License-Identifier: Apache-2.0
#include "credential/keyring.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "credential/child.h"

enum {
    VALUE_BYTES_MAX = 32 << 10, // the kernel's own limit
    DESKTOP_TIMEOUT_MS = 60000, // a person may be asked to unlock it
    ARGS_MAX = 8,
    // The possessor may do everything, the user too: another session of the user reads it.
    KEY_RIGHTS = 0x3f3f0000,
};

typedef enum keyring_verb { VERB_LOAD, VERB_STORE, VERB_FORGET } keyring_verb;

struct keyring_op {
    loop *loop;
    keyring_verb verb;
    char *name;
    secret *value;
    keyring_on_done *on_done;
    void *ctx;
    child *child;
    task run;
};

// ---- the kernel's
// ---------------------------------------------------------------------------------

static long keyctl(int command, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
    return syscall(SYS_keyctl, command, a, b, c, d);
}

#define AS_ARG(pointer) ((unsigned long)(uintptr_t)(pointer))

// Linked to this process, so that it possesses what is in it.
static long user_keyring(void)
{
    long ring = keyctl(KEYCTL_GET_PERSISTENT, AS_ARG(-1), AS_ARG(KEY_SPEC_PROCESS_KEYRING), 0, 0);
    return ring >= 0 ? ring : KEY_SPEC_USER_KEYRING; // kernels without persistent ones
}

static long find_key(long ring, const char *name)
{
    return keyctl(KEYCTL_SEARCH, AS_ARG(ring), AS_ARG("user"), AS_ARG(name), 0);
}

static bool is_absent(int errnum)
{
    return errnum == ENOKEY || errnum == EKEYEXPIRED || errnum == EKEYREVOKED;
}

static code kernel_failed(int errnum, const char *what, err *e)
{
    (void)err_sys(e, CRED_KEYRING, errnum, "the kernel's keyring can't %s", what);
    return err_hint(e,
                    "a container may forbid it: run where the kernel's keys are allowed, or in a "
                    "desktop session with secret-tool (libsecret-tools)");
}

static code kernel_load(const char *name, secret **ret_value, err *e)
{
    char bytes[VALUE_BYTES_MAX];
    long key = find_key(user_keyring(), name);
    if (key < 0)
        return is_absent(errno) ? OK : kernel_failed(errno, "be searched", e);
    long len = keyctl(KEYCTL_READ, AS_ARG(key), AS_ARG(bytes), sizeof(bytes), 0);
    if (len < 0 || (size_t)len > sizeof(bytes))
        return kernel_failed(errno, "be read", e);
    *ret_value = secret_new((str){bytes, (size_t)len});
    secret_wipe(bytes, (size_t)len);
    return OK;
}

static code kernel_store(const char *name, str value, err *e)
{
    long key = syscall(SYS_add_key, "user", name, value.ptr, value.len, user_keyring());
    if (key < 0)
        return kernel_failed(errno, "take the sign-in", e);
    if (keyctl(KEYCTL_SETPERM, AS_ARG(key), KEY_RIGHTS, 0, 0) < 0)
        return kernel_failed(errno, "open the sign-in to you alone", e);
    return OK;
}

static code kernel_forget(const char *name, err *e)
{
    long ring = user_keyring(), key = find_key(ring, name);
    if (key < 0)
        return is_absent(errno) ? OK : kernel_failed(errno, "be searched", e);
    if (keyctl(KEYCTL_INVALIDATE, AS_ARG(key), 0, 0, 0) < 0 &&
        keyctl(KEYCTL_UNLINK, AS_ARG(key), AS_ARG(ring), 0, 0) < 0)
        return kernel_failed(errno, "forget the sign-in", e);
    return OK;
}

// ---- the desktop's
// --------------------------------------------------------------------------------

// secret-tool speaks to it; without a session's bus there is none to speak to.
static bool has_desktop(const credential_options *o)
{
    return option_env(o, "DBUS_SESSION_BUS_ADDRESS") && program_in_path(o, "secret-tool");
}

static void finish(keyring_op *op, str value, const err *e)
{
    keyring_on_done *on_done = op->on_done;
    void *ctx = op->ctx;
    secret *kept = op->value; // what `value` may borrow
    op->value = NULL;
    keyring_cancel(op);
    on_done(ctx, value, e);
    secret_free(kept);
}

static void on_kernel(void *ctx)
{
    keyring_op *op = ctx;
    err e = ERR_INIT;
    code failed = OK;
    secret *loaded = NULL;
    switch (op->verb) {
    case VERB_LOAD:
        failed = kernel_load(op->name, &loaded, &e);
        op->value = loaded;
        break;
    case VERB_STORE:
        failed = kernel_store(op->name, secret_str(op->value), &e);
        break;
    case VERB_FORGET:
        failed = kernel_forget(op->name, &e);
        break;
    }
    finish(op, loaded ? secret_str(loaded) : STR_NONE, failed ? &e : NULL);
}

static void use_kernel(keyring_op *op)
{
    op->run.run = on_kernel;
    op->run.ctx = op;
    task_post(op->loop, &op->run);
}

// What the desktop hasn't, or couldn't take, may be the kernel's; forgotten is it in both.
static void on_desktop(void *ctx, const child_result *r)
{
    keyring_op *op = ctx;
    str value = str_trim(r->out);
    bool good = r->status == 0 && !r->timed_out;
    if (op->verb == VERB_LOAD && good && value.len) {
        op->value = secret_new(value);
        finish(op, secret_str(op->value), NULL);
    } else if (op->verb == VERB_STORE && good) {
        finish(op, STR_NONE, NULL);
    } else {
        child_free(op->child);
        op->child = NULL;
        use_kernel(op);
    }
}

static bool use_desktop(keyring_op *op)
{
    static const char *const verbs[] = {
        [VERB_LOAD] = "lookup", [VERB_STORE] = "store", [VERB_FORGET] = "clear"};
    const char *argv[ARGS_MAX] = {"secret-tool", verbs[op->verb]};
    size_t n = 2;
    if (op->verb == VERB_STORE)
        argv[n++] = "--label=Gatepost sign-in";
    argv[n++] = "gatepost";
    argv[n++] = op->name;
    child_options o = {.argv = argv,
                       .input = op->value ? secret_str(op->value) : STR_NONE,
                       .timeout_ms = DESKTOP_TIMEOUT_MS,
                       .on_end = on_desktop,
                       .ctx = op};
    return child_start(op->loop, &o, &op->child, NULL) == OK;
}

// ---- operations
// -----------------------------------------------------------------------------------

static keyring_op *start(loop *l, const keyring_ask *ask, keyring_verb verb, str value)
{
    keyring_op *op = NEW(keyring_op);
    op->loop = l;
    op->verb = verb;
    op->name = mem_dupn(ask->name.ptr, ask->name.len);
    op->value = value.len ? secret_new(value) : NULL;
    op->on_done = ask->on_done;
    op->ctx = ask->ctx;
    if (!has_desktop(ask->options) || !use_desktop(op))
        use_kernel(op);
    return op;
}

keyring_op *keyring_load(loop *l, const keyring_ask *ask)
{
    return start(l, ask, VERB_LOAD, STR_NONE);
}

keyring_op *keyring_store(loop *l, const keyring_ask *ask, str value)
{
    return start(l, ask, VERB_STORE, value);
}

keyring_op *keyring_forget(loop *l, const keyring_ask *ask)
{
    return start(l, ask, VERB_FORGET, STR_NONE);
}

void keyring_cancel(keyring_op *op)
{
    if (!op)
        return;
    task_cancel(&op->run);
    child_free(op->child);
    secret_free(op->value);
    free(op->name);
    free(op);
}
