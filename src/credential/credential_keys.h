// SPDX-License-Identifier: Apache-2.0
// keys: the keys of a service account, and their rotation (google-identity.md §6). These functions
// run the loop until they have their answer: they are for commands.
//
// Invariants
// - Whenever the program is killed, the key file holds a key that works: the old one stays valid
//   until the new one was proved by minting and has taken its place, in one rename, for as long as
//   the grace says. The next rotation goes on where the last one ended.
// - A new private key is on disk (0600, FILE.next) before anything relies on it. FILE.rotation says
//   how far a rotation came and holds no secret. Both are gone when it is over.
// - A key that IAM made for a killed run is found and deleted by the next one, unless it appears
//   only after that has ended: the grace is what gives it time.
// - One rotation at a time per folder (flock).
#pragma once

#include "credential/credential.h"

enum {
    KEYS_STALE_MS = 24 * 3600 * 1000, // what a key's age should stay below
    KEYS_GRACE_MS = 5 * 60 * 1000,
};

// A key file of a service account.
typedef struct key_file key_file;
struct key_file {
    const char *path; // links followed
    str email;
    str key_id;
    bool local; // of the running `up`
};
// All lives in the arena. CRED_FILE when it is no service account's key.
CODE_CHECKED key_file_read(arena *a, const char *path, const home_address *up, key_file *ret,
                           err *e);

// Who asks IAM, and where.
typedef struct key_access key_access;
struct key_access {
    loop *loop;
    const home_address *up; // the running `up`, or NULL
    // NULL: the key of the file asks about itself; else this provider's identity does.
    credential_provider *provider;
    str identity;
};

// A key that IAM knows.
typedef struct iam_key iam_key;
struct iam_key {
    str id;
    int64_t created_s; // since 1970
    int64_t expires_s;
    bool disabled;
    bool usage_known;
    int64_t used_s; // last authenticated; 0: never seen. Google tells it a day late
};
typedef VEC(iam_key) iam_keys;

// The account's own keys, oldest first; strings live in the arena, the array is the caller's. `why`
// says what is missing when use can't be told, else "". KEYS_IAM, and what minting can fail with.
CODE_CHECKED keys_list(const key_access *by, const key_file *f, arena *a, iam_keys *ret,
                       str *ret_why, err *e);

typedef struct key_rotation key_rotation;
struct key_rotation {
    key_access by;
    const char *path;
    uint64_t older_ms;                    // leave a younger key alone; 0: rotate whatever its age
    uint64_t grace_ms;                    // from the swap until the old key is disabled
    const bool *stop;                     // becomes true when the person wants an end; NULL: never
    void (*on_step)(void *ctx, str line); // what was done, for the person
    void *ctx;
};
// *ret_wait_ms: until this key is due; 0 when it is, for older_ms = 0. SYS_CANCELLED when `stop`
// ended it: the next call goes on. CRED_FILE, KEYS_IAM, KEYS_UNKNOWN, CRED_REFUSED, HOME_WRITE,
// KEYS_BUSY (another rotation is at work in the folder).
CODE_CHECKED key_rotate(const key_rotation *r, uint64_t *ret_wait_ms, err *e);
