// SPDX-License-Identifier: Apache-2.0
// log: what the operator of a running program reads on stderr. Lines, never secrets: a value that
// may hold one is not a log argument. Text form for people, one JSON object a line for machines.
#pragma once

#include "base/mem.h"
#include "base/str.h"

typedef enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG } log_level;
typedef enum log_format { LOG_TEXT, LOG_JSON } log_format;

// Default: LOG_WARNING and LOG_TEXT, to stderr.
void log_init(log_level level, log_format format);
bool log_enabled(log_level level);

// `room` names the speaker. Control characters are escaped.
void log_write(log_level level, const char *room, const char *fmt, ...) ATTR_PRINTF(3, 4);

#define log_error(room, ...) log_write(LOG_ERROR, room, __VA_ARGS__)
#define log_warning(room, ...) log_write(LOG_WARNING, room, __VA_ARGS__)
#define log_info(room, ...) log_write(LOG_INFO, room, __VA_ARGS__)
#define log_debug(room, ...)                                                                       \
    do {                                                                                           \
        if (log_enabled(LOG_DEBUG))                                                                \
            log_write(LOG_DEBUG, room, __VA_ARGS__);                                               \
    } while (0)
