// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/base.h"

// Seconds east of UTC that the zone has at a moment: "UTC", "+02:00", "-9:30", or a name of the
// system's time zone database. False when there is no such zone.
bool cel_zone_offset(str zone, int64_t at_s, int64_t *ret_offset_s);
