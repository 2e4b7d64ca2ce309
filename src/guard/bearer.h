// SPDX-License-Identifier: Apache-2.0
// bearer: which header of a call counts, and the token in it.
#pragma once

#include "guard/guard.h"

typedef struct bearer bearer;
struct bearer {
    bool present;    // the call carries a header that counts, good or not
    bool serverless; // it is X-Serverless-Authorization: then Authorization isn't looked at
    str header;      // its value as it arrived
    str token;       // a part of it; empty when there is no single one
};

// OK also when there is none. GUARD_AMBIGUOUS: several; GUARD_SCHEME: not "Bearer TOKEN";
// GUARD_ACCESS_TOKEN. No error quotes the header: its first word may be the token.
CODE_CHECKED bearer_find(const guard_call *c, bearer *ret_bearer, err *e);

// The header with SIGNATURE_REMOVED_BY_GOOGLE as the token's third part. The token must have one.
str bearer_without_signature(const bearer *b, arena *a);
