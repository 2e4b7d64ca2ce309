// SPDX-License-Identifier: Apache-2.0
// --retry: whether an exchange is made again. Off unless asked for: a request may have had its
// effect.
#include "runner/run.h"

enum { PAUSE_MS = 200, PAUSE_MS_MAX = 10000, RETRY_AFTER_S_MAX = 60 };

static bool is_listed(const run_retry *o, int status)
{
    for (size_t i = 0; i < o->status_count; i++)
        if (status >= o->statuses[i][0] && status <= o->statuses[i][1])
            return true;
    return false;
}

static bool never_connected(const trip *x)
{
    return x->failed && (x->error.code == FETCH_CONNECT || x->error.code == FETCH_RESOLVE);
}

// Seconds, or a date (RFC 9110 §10.2.3). A server can't make a run wait for ever.
static bool retry_after(const trip *x, uint64_t *ret_ms)
{
    str text = told_header(x, "Retry-After");
    uint64_t seconds;
    int64_t date;
    if (!str_to_u64(text, &seconds)) {
        if (!cookie_date(text, &date))
            return false;
        int64_t left = date - clock_wall_s();
        seconds = left > 0 ? (uint64_t)left : 0;
    }
    *ret_ms = 1000 * (seconds < RETRY_AFTER_S_MAX ? seconds : RETRY_AFTER_S_MAX);
    return true;
}

bool retry_wanted(const trip *x, uint64_t *ret_pause_ms)
{
    const run_retry *o = &x->r->o.retry;
    if (x->want.by_script || x->told.retries >= o->times || x->r->stopping)
        return false;
    bool again = x->failed ? o->connect && never_connected(x) : is_listed(o, x->told.status);
    uint64_t pause_ms = (uint64_t)PAUSE_MS << (x->told.retries < 8 ? x->told.retries : 8);
    *ret_pause_ms = pause_ms < PAUSE_MS_MAX ? pause_ms : PAUSE_MS_MAX;
    if (again && !x->failed)
        (void)retry_after(x, ret_pause_ms);
    return again;
}
