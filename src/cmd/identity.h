// SPDX-License-Identifier: Apache-2.0
// identity: the options that say who calls and what may receive identity, shared by the commands
// that send requests, and what is made of them: trust, credentials and the running `gatepost up`.
#pragma once

#include "credential/credential.h"
#include "data/data.h"

// --identity, --account, --impersonate-service-account, --audiences, --trust, --local, --refresh;
// --project and --region as gcloud knows them; --project-file.
extern const option_row cmd_identity[];

// An identity of the project file that isn't heeded.
typedef struct identity_aside identity_aside;
struct identity_aside {
    str name, why;
    bool said;
};

typedef struct identity_setup identity_setup;
struct identity_setup {
    arena arena; // of all that follows
    const home_project *project;
    const home_project *user; // the person's own config.yaml
    trust_store *store;
    trust_set *trust;
    const home_address *up; // the running `gatepost up`, or NULL
    VEC(project_identity) identities;
    VEC(project_rule) rules;
    VEC(identity_aside) asides;
    VEC(str) notes; // what of the project file was set aside, and why
    credential_provider *credentials;
};

// `dir` is where a project file is looked for first (the collection's folder), NULL: only from the
// current one upwards. Credential files beneath it are the collection's, not the person's: they are
// refused. Errors: HOME_…, DATA_…, TRUST_SPEC; HOME_ABSENT for --local without a running `up`.
//
// The files' section with the command's name sets the options that have a key there, the person's
// below the project's: ask for them afterwards.
CODE_CHECKED identity_open(identity_setup *s, loop *l, option_values *o, const char *dir, err *e);

// Where a rule would have chosen an identity that isn't heeded for this request ("folder/name"),
// a note says so, once.
void identity_note_request(identity_setup *s, str path);
// Also after an error.
void identity_close(identity_setup *s);
