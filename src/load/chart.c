// SPDX-License-Identifier: Apache-2.0
// A chart's values are averages or percentiles of a stretch, so that its lines go in steps. The SVG
// is stretched to the room that it gets; what is text stands around it.
#include "load/chart.h"

#include <math.h>

enum { STEP = 10, HEIGHT = 120 };

// ---- time ---------------------------------------------------------------------------------------

double chart_seconds(const load_result *r, size_t point)
{
    uint64_t from = point * r->point_ns, to = from + r->point_ns;
    return (double)((to < r->elapsed_ns ? to : r->elapsed_ns) - from) / 1e9;
}

size_t chart_points(const load_result *r)
{
    size_t count = r->point_count;
    bool begun = count && chart_seconds(r, count - 1) >= (double)r->point_ns / 2e9;
    return count > 1 && !begun ? count - 1 : count;
}

void chart_clock(buf *out, double seconds)
{
    unsigned long s = (unsigned long)seconds;
    if (seconds < 60)
        buf_addf(out, "%gs", round(seconds * 10) / 10);
    else if (s >= 3600)
        buf_addf(out, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
    else
        buf_addf(out, "%lu:%02lu", s / 60, s % 60);
}

// ---- values -------------------------------------------------------------------------------------

static double value_of(const load_result *r, const chart *c, size_t point, size_t line)
{
    return c->value(r, &r->points[point], chart_seconds(r, point), line);
}

// The number of its colour.
static size_t colour(const chart *c, size_t line)
{
    return c->bad ? 4 : line + 1;
}

static size_t line_count(const chart *c)
{
    size_t count = 0;
    while (count < CHART_LINES_MAX && c->lines[count])
        count++;
    return count;
}

// The least number not below it whose half is round as well: 2, 4, 6, 8, 10, 20 …
static double round_up(double value, bool whole)
{
    static const double steps[] = {1, 2, 4, 6, 8, 10};
    if (value <= 0)
        return whole ? 2 : 1;
    double unit = pow(10, floor(log10(value)));
    size_t i = 0;
    while (steps[i] * unit < value * (1 - 1e-9))
        i++;
    double top = steps[i] * unit;
    return whole && top < 2 ? 2 : top;
}

static double top_of(const load_result *r, const chart *c)
{
    double top = 0;
    for (size_t i = 0; i < chart_points(r); i++)
        for (size_t line = 0; line < line_count(c); line++)
            top = fmax(top, value_of(r, c, i, line)); // NAN counts for nothing
    return round_up(top, c->whole);
}

// ---- the drawing --------------------------------------------------------------------------------

static double y_of(double value, double top)
{
    return HEIGHT * (1 - value / top);
}

static void draw_line(buf *out, const load_result *r, const chart *c, size_t line, double top)
{
    bool on = false;
    buf_addf(out, "<path class=\"c%zu\" d=\"", colour(c, line));
    for (size_t i = 0; i < chart_points(r); i++) {
        double value = value_of(r, c, i, line);
        if (isnan(value)) {
            on = false;
            continue;
        }
        if (on)
            buf_addf(out, "V%.1f", y_of(value, top));
        else
            buf_addf(out, "M%zu %.1f", i * STEP, y_of(value, top));
        buf_addf(out, "H%zu", (i + 1) * STEP);
        on = true;
    }
    buf_addz(out, "\"/>\n");
}

static void grid(buf *out, size_t width)
{
    for (int i = 0; i <= 2; i++)
        buf_addf(out, "<path class=\"grid\" d=\"M0 %d H%zu\"/>\n", HEIGHT * i / 2, width);
}

// Who points at a stretch is told its values.
static void tell_point(buf *out, const load_result *r, const chart *c, size_t i)
{
    double from = (double)i * (double)r->point_ns / 1e9;
    buf_addf(out, "<rect class=\"spot\" x=\"%zu\" width=\"%d\" height=\"%d\"><title>", i * STEP,
             STEP, HEIGHT);
    chart_clock(out, from);
    buf_addz(out, "–");
    chart_clock(out, from + chart_seconds(r, i));
    for (size_t line = 0; line < line_count(c); line++) {
        double value = value_of(r, c, i, line);
        buf_addf(out, "\n%s: ", c->lines[line]);
        if (isnan(value))
            buf_addz(out, "none");
        else
            c->add(out, value);
    }
    buf_addz(out, "</title></rect>\n");
}

static void legend(buf *out, const chart *c)
{
    buf_addf(out, "<figcaption><b>%s</b>", c->title);
    if (line_count(c) > 1) {
        buf_addz(out, "<span class=\"keys\">");
        for (size_t line = 0; line < line_count(c); line++)
            buf_addf(out, "<span class=\"key c%zu\">%s</span>", colour(c, line), c->lines[line]);
        buf_addz(out, "</span>");
    }
    buf_addz(out, "</figcaption>\n");
}

static void scale(buf *out, const chart *c, double top)
{
    buf_addz(out, "<div class=\"values\">");
    for (int i = 2; i >= 0; i--) {
        buf_addz(out, "<span>");
        if (i)
            c->add(out, top * i / 2);
        else
            buf_addc(out, '0');
        buf_addz(out, "</span>");
    }
    buf_addz(out, "</div>\n");
}

static void times(buf *out, double seconds)
{
    buf_addz(out, "<div class=\"times\">");
    for (int i = 0; i <= 2; i++) {
        buf_addz(out, "<span>");
        chart_clock(out, seconds * i / 2);
        buf_addz(out, "</span>");
    }
    buf_addz(out, "</div>\n");
}

void chart_add(buf *out, const load_result *r, const chart *c)
{
    size_t count = chart_points(r), width = (count ? count : 1) * STEP;
    double top = top_of(r, c);
    buf_addz(out, "<figure class=\"card chart\">\n");
    legend(out, c);
    buf_addz(out, "<div class=\"plot\">\n");
    scale(out, c, top);
    buf_addf(out,
             "<svg viewBox=\"0 0 %zu %d\" preserveAspectRatio=\"none\" role=\"img\" "
             "aria-label=\"%s over time; the numbers stand below\">\n",
             width, HEIGHT, c->title);
    grid(out, width);
    for (size_t line = line_count(c); line-- > 0;)
        draw_line(out, r, c, line, top);
    for (size_t i = 0; i < count; i++)
        tell_point(out, r, c, i);
    buf_addz(out, "</svg>\n");
    times(out, (double)count * (double)r->point_ns / 1e9);
    buf_addz(out, "</div>\n</figure>\n");
}
