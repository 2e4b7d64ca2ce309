// SPDX-License-Identifier: Apache-2.0
// What the session of a sign-in needs of its steps.
#pragma once

#include "credential/exchange.h"

// After oauth_begin; the options are borrowed.
void oauth_login_begin(exchange *x, const credential_login_options *options);
