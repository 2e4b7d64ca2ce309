// SPDX-License-Identifier: Apache-2.0
// mime: the media type of a file by its name. Private to the room.
#pragma once

#include "base/base.h"

// "image/png", or NULL when the extension isn't known.
const char *mime_of(str path);
