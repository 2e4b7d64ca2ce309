// SPDX-License-Identifier: Apache-2.0
// base: what every room stands on. It knows nothing of the network, of JSON or of identity.
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/utf8.h"
#include "base/vec.h"
