// SPDX-License-Identifier: Apache-2.0
// tree: how nodes are made and linked; for the readers of this room.
#pragma once

#include "data/data_json.h"

// Links value as the last member of parent. In an object, key must be new.
void tree_append(json *parent, str key, json *value, arena *a);
// Appends value, or moves its content into the place of the member of that name, in one step
// however many there are: for readers, whose value nobody else holds. Returns what is in the tree.
json *tree_put(json *obj, str key, json *value, arena *a);
// The member with that name, for changing it.
json *tree_find(const json *obj, str key);
