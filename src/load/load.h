// SPDX-License-Identifier: Apache-2.0
// load: a collection as a load. Users run it over and over, each with variables, cookies and
// connections of its own; identity is shared. How many there are at each moment (closed), or how
// many iterations begin within a second (open), is a profile.
//
// Invariants
// - Open: what is due is due, whether or not a user is free. An iteration that begins late has its
//   first request timed from when it was due, so that a server that stalls can't hide it
//   (coordinated omission).
// - Memory is bounded by the collection, the users and LOAD_POINTS, not by how long it goes on.
// - Scripts run in a few workers that the users share: globals that a script doesn't declare are
//   theirs in common.
// - No text of a result holds a token or what a server sent.
#pragma once

#include "load/profile.h"
#include "load/threshold.h"
#include "runner/runner.h"

typedef struct load_job load_job;

enum {
    LOAD_USERS_MAX = 20000,
    LOAD_POINTS = 120,
    LOAD_REASONS = 24, // further ones are counted together
};

typedef struct load_options load_options;
struct load_options {
    runner_options run;  // of each user; how often and when it runs is this room's
    profile profile;     // empty: all users, until the iterations are done
    bool open;           // the profile is of beginnings a second
    uint32_t users;      // so many at most
    uint64_t iterations; // of all users together; 0: as many as there is time for
    uint64_t grace_ms;   // that iterations have to end when the time is over; open: what was due
                         // by then begins and ends in it
    uint32_t workers;    // that run scripts
};

// ---- results ------------------------------------------------------------------------------------

typedef struct load_row load_row;
struct load_row {
    const pm_item *item;
    load_count n;
};

// One stretch of the run, LOAD_POINTS at most: when there are more, two become one.
typedef struct load_point load_point;
struct load_point {
    load_count n;
    uint32_t users; // the most that were at work
};

// Why requests failed: "status 503", "ECONNREFUSED", "test: is paid".
typedef struct load_reason load_reason;
struct load_reason {
    char *text;
    uint64_t count;
};

typedef struct load_result load_result;
struct load_result {
    const pm_collection *collection;
    const load_row *rows; // by the index of the item
    load_count all;
    load_point points[LOAD_POINTS];
    size_t point_count;
    uint64_t point_ns;
    load_reason reasons[LOAD_REASONS];
    size_t reason_count;
    uint64_t other_reasons;
    bool open, interrupted;
    uint64_t iterations;     // that ended
    uint64_t missed;         // open: that were due and never began
    uint64_t dropped;        // that hadn't ended when the grace was over
    uint64_t late_us;        // open: the latest beginning
    uint32_t users, working; // that there are; that are in an iteration
    int64_t started_wall_ms;
    uint64_t elapsed_ns;
    uint64_t length_ns; // how long iterations begin; 0: until all have
};
static inline double load_seconds(const load_result *r)
{
    return (double)r->elapsed_ns / 1e9;
}

// ---- the run ------------------------------------------------------------------------------------

// As runner_new. What is borrowed must outlive the load.
CODE_CHECKED load_job_new(loop *l, const load_options *o, load_job **ret, err *e);
void load_job_free(load_job *x); // NULL is allowed
// on_done comes once, not inside this call.
void load_job_start(load_job *x, void (*on_done)(void *ctx), void *ctx);
// Requests that are under way end; once more drops them.
void load_job_stop(load_job *x);
// As far as it has come.
const load_result *load_job_results(load_job *x);

// What a threshold without a request counts, or with one: NULL when the collection has no request
// of that path or name.
const load_count *load_counted(const load_result *r, const threshold *t);

// ---- telling ------------------------------------------------------------------------------------

typedef struct thresholds thresholds;
struct thresholds {
    const threshold *list;
    size_t count;
};

// All of them hold; without any, some request was answered. One that names no request of the
// collection doesn't hold.
bool load_passes(const load_result *r, const thresholds *list);
void load_text(buf *out, const load_result *r, const thresholds *list, bool colour);
void load_json(buf *out, const load_result *r, const thresholds *list);
// One self-contained page, with charts.
void load_html(buf *out, const load_result *r, const thresholds *list);
// One line for a terminal: how it goes, in so many columns.
void load_line(buf *out, const load_result *r, size_t width);

// ---- for Prometheus -----------------------------------------------------------------------------

enum {
    LOAD_SERIES_MAX = 200, // names of requests that have series of their own; the others share one
    LOAD_LABEL_BYTES_MAX = 200,
};

// The text format 0.0.4: per name of a request counters by status class and of failures, and a
// histogram of durations; counters of failures by reason; gauges of users.
void load_metrics(buf *out, const load_result *r);

// GET /metrics as long as it lives. A web page can't read it, whatever name it points here (DNS
// rebinding, threat 46): it answers under addresses and localhost only.
typedef struct load_endpoint load_endpoint;
// `where` is a port of 127.0.0.1, 0 for a free one, or an address with a port. OPTION_INVALID; NET
// errors when it can't be had.
CODE_CHECKED load_endpoint_new(loop *l, load_job *job, str where, load_endpoint **ret, err *e);
void load_endpoint_free(load_endpoint *x); // before the job; NULL is allowed
void load_endpoint_url(const load_endpoint *x, buf *out);
