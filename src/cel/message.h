// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cel/eval.h"

// Sets n->type when the message is a known wrapper with known fields.
void cel_message_resolve(const cel_env *env, cel_node *n);
cel_value cel_message_eval(cel_call *c, const cel_node *n);
