// SPDX-License-Identifier: Apache-2.0
// tree: how nodes are made and linked; for the readers of this room.
#pragma once

#include "data/data_json.h"

// Links value as the last member of parent. In an object, key must be new.
void tree_append(json *parent, str key, json *value, arena *a);
// Puts value where the member `before` is now.
void tree_replace(json *before, json *value);
// The member with that name, for changing it.
json *tree_find(const json *obj, str key);
