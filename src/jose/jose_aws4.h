// SPDX-License-Identifier: Apache-2.0
// The signature of AWS Signature Version 4 over a canonical request. How the request becomes
// canonical is its sender's business; here are the key derivation and the signature.
#pragma once

#include "base/base.h"

typedef struct aws4 aws4;
struct aws4 {
    str secret; // the secret access key
    str when;   // X-Amz-Date: 20150830T123600Z
    str region;
    str service;
};

enum { AWS4_WHEN_MAX = 17 };
// X-Amz-Date of a wall-clock time, with its NUL.
void aws4_when(int64_t wall_s, char ret_text[AWS4_WHEN_MAX]);
// DAY/REGION/SERVICE/aws4_request.
str aws4_scope(const aws4 *k, arena *a);
// Lower-case hexadecimal.
str aws4_signature(const aws4 *k, str canonical_request, arena *a);
