// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/base.h"

typedef struct cel_zone cel_zone;

// "UTC", "+02:00", "-9:30", or a name of the system's time zone database. Lives in a; NULL when
// there is no such zone.
const cel_zone *cel_zone_load(arena *a, str name);
// Seconds east of UTC that the zone has at a moment.
int64_t cel_zone_offset(const cel_zone *zone, int64_t at_s);
