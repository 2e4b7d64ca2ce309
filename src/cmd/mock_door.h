// SPDX-License-Identifier: Apache-2.0
// mock_door: who may call a private mock, and the trail that its decisions go to.
#pragma once

#include "cmd/cmd.h"
#include "home/home.h"
#include "mock/mock.h"

// --private and what goes with it.
extern const option_row cmd_mock_door[];

typedef struct mock_doorway mock_doorway;
struct mock_doorway {
    arena arena; // of all that follows
    mock_door door;
    secret *api_key;
    oidc *issuers;
    audit_spool *spool;
    directory *directory;
    role_set *roles;
    policy *policy;
    guard *guard;
    guard_target target;
    const char *trail; // folder of the audit trail; NULL: identities aren't asked for
};

// Reads the options. `name` is the collection's. *ret_door is NULL when the mock is open to
// everybody. OPTION_INVALID, IAM_MEMBER, OIDC_CONFIG, HOME_ABSENT, AUDIT_…, DATA_FILE.
CODE_CHECKED mock_door_open(mock_doorway *d, loop *l, const option_values *o, str name,
                            const mock_door **ret_door, err *e);
// The audience that a token must be for when the options name none: the mock's own address.
void mock_door_listens(mock_doorway *d, uint16_t port);
void mock_door_close(mock_doorway *d); // also after an error
