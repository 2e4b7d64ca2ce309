// SPDX-License-Identifier: Apache-2.0
// One conversation with IAM about one account's keys. Private to the room.
#pragma once

#include "credential/credential_keys.h"
#include "credential/provider.h"
#include "data/data.h"

typedef struct keys_session keys_session;
struct keys_session {
    const key_access *by;
    const key_file *file;
    arena *mem;
    const char *base; // of the IAM API
    fetch_client *fetch;
    credential_provider *own; // of the file's own key; NULL: by->provider asks
    project_identity itself;
    credential_options options;
};

void keys_open(keys_session *s, const key_access *by, const key_file *f, arena *mem);
void keys_close(keys_session *s);
// Forgets the token and reads the key file anew: after it was swapped.
void keys_reopen(keys_session *s);

// A call of IAM's; `path` begins behind ".../serviceAccounts/EMAIL". Repeats what is worth it.
// *ret_answer may be NULL.
CODE_CHECKED keys_call(keys_session *s, const char *method, str path, str body, json **ret_answer,
                       err *e);
// What is used when, from another of Google's APIs.
CODE_CHECKED keys_usage(keys_session *s, str project, json **ret_answer, err *e);
CODE_CHECKED keys_fetch_list(keys_session *s, iam_keys *ret, err *e);
// Makes an ID token with the key of a file: the proof that it works.
CODE_CHECKED keys_prove(const key_access *by, const char *path, bool local, arena *a, err *e);
