// SPDX-License-Identifier: Apache-2.0
// Where refresh tokens live: the desktop's Secret Service where a session has one, else the
// kernel's keyring of the user (persistent-keyring(7): it outlives the session, and is forgotten
// some days after its last use). Never a file.
#pragma once

#include "credential/provider.h"

typedef struct keyring_op keyring_op;

// `value` is valid during the call; STR_NONE when there is none, and for what isn't a load.
typedef void keyring_on_done(void *ctx, str value, const err *e);

typedef struct keyring_ask keyring_ask;
struct keyring_ask {
    const credential_options *options; // for the environment
    str name;
    keyring_on_done *on_done;
    void *ctx;
};

// on_done comes once, never inside these. CRED_KEYRING when neither place works.
keyring_op *keyring_load(loop *l, const keyring_ask *ask);
keyring_op *keyring_store(loop *l, const keyring_ask *ask, str value);
// Also when there is nothing.
keyring_op *keyring_forget(loop *l, const keyring_ask *ask);
// Without its on_done. NULL is allowed.
void keyring_cancel(keyring_op *op);
