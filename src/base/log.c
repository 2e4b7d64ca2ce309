// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

enum { LINE_BYTES_MAX = 16 * 1024 };

static log_level threshold = LOG_WARNING;
static log_format shape = LOG_TEXT;
static const char *const level_name[] = {"error", "warning", "info", "debug"};
static const char *const severity[] = {"ERROR", "WARNING", "INFO", "DEBUG"};

void log_init(log_level level, log_format format)
{
    threshold = level;
    shape = format;
}

bool log_enabled(log_level level)
{
    return level <= threshold;
}

static void add_json_line(buf *line, log_level level, const char *room, str text)
{
    char when[CLOCK_RFC3339_MAX];
    clock_rfc3339(clock_wall_ns(), when);
    buf_addf(line, "{\"time\":\"%s\",\"severity\":\"%s\",\"room\":", when, severity[level]);
    buf_add_json(line, str_from(room));
    buf_addz(line, ",\"message\":");
    buf_add_json(line, text);
    buf_addz(line, "}\n");
}

static void add_text_line(buf *line, log_level level, const char *room, str text)
{
    buf_addf(line, "gatepost: %s: %s: ", level_name[level], room);
    buf_add_shown(line, text);
    buf_addc(line, '\n');
}

void log_write(log_level level, const char *room, const char *fmt, ...)
{
    if (!log_enabled(level))
        return;
    buf text, line;
    buf_init(&text, LINE_BYTES_MAX);
    buf_init(&line, 8 * LINE_BYTES_MAX);
    va_list ap;
    va_start(ap, fmt);
    buf_addv(&text, fmt, ap);
    va_end(ap);
    if (!buf_ok(&text)) {
        buf_reset(&text);
        buf_addz(&text, "(a message too long to log)");
    }
    if (shape == LOG_JSON)
        add_json_line(&line, level, room, buf_str(&text));
    else
        add_text_line(&line, level, room, buf_str(&text));
    // One write, so that lines of several processes don't mix. Nobody to tell when it fails.
    ssize_t written = write(STDERR_FILENO, line.ptr, line.len);
    (void)written;
    buf_deinit(&text);
    buf_deinit(&line);
}
