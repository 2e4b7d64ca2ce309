// SPDX-License-Identifier: Apache-2.0
// project_keys: what gatepost.yaml and config.yaml may say.
#pragma once

#include "home/shape.h"

extern const shape project_shape; // gatepost.yaml
extern const shape oauth_shape;   // an identity's `oauth`
extern const shape user_shape;    // config.yaml: the part of it that belongs to a person

enum {
    PROJECT_SECTIONS_MAX = 16,
    PROJECT_DEPTH_MAX = 16,
    PROJECT_VALUES_MAX = 100000,
    PROJECT_POLICY_BYTES_MAX = 1 << 20,
};
