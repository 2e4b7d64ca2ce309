// SPDX-License-Identifier: Apache-2.0
// chart: values over time as an SVG inside a page. Private to the room.
#pragma once

#include "load/load.h"

enum { CHART_LINES_MAX = 3 };

typedef struct chart chart;
struct chart {
    const char *title;
    const char *lines[CHART_LINES_MAX]; // their names; NULL: no more
    // Of a line in a stretch; NAN: there is none.
    double (*value)(const load_result *r, const load_point *p, double seconds, size_t line);
    void (*add)(buf *out, double value); // with its unit
    bool whole;                          // values are whole numbers
    bool bad;                            // the less the better, best none
};

// The stretches that are shown: a last one that has hardly begun isn't.
size_t chart_points(const load_result *r);
// How long that stretch is.
double chart_seconds(const load_result *r, size_t point);
// "4.5s", "1:30", "1:05:00": a time since the beginning.
void chart_clock(buf *out, double seconds);

void chart_add(buf *out, const load_result *r, const chart *c);
