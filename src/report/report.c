// SPDX-License-Identifier: Apache-2.0
#include "report/internal.h"

const run_listener *reporter_listener(const reporter *r)
{
    return &r->listener;
}

code reporter_finish(reporter *r, err *e)
{
    return r->finish(r, e);
}

void reporter_free(reporter *r)
{
    if (r)
        r->free(r);
}
