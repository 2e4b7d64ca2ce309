// SPDX-License-Identifier: Apache-2.0
// message: the JSON inside the frames. What goes out is written piece by piece; what comes in is
// read as hostile: known members of known types, within these counts, or the message is refused.
// Unknown members are ignored.
//
// To the worker
//   SCOPE    {id, name, values}
//   RUN      {event, iteration, iterationCount, requestId, requestName, requestDescription,
//             location, owner, columns, legacy, response}; the request follows it
//   FETCHED  {id, failure: {name, message}, response}
//   COOKIES  {id, failure, cookies}
//   response {id, code, status, header, responseTime, responseSize, downloadedBytes, headerBytes,
//             cookies}; the body follows the JSON
// From the worker
//   ASSERTION {name, index, passed, skipped, error: {name, message, stack}}
//   CONSOLE   {level, messages}
//   EXCEPTION {name, message, stack}
//   FETCH     {id, request, item, variables}  request, variables: JSON text
//   COOKIE_OP {id, op, url, name, value, cookie}
//   DONE      {changes: [{scope, kind, key, value, type}], request, next, skip, error, timeout}
#pragma once

#include "data/data.h"
#include "js/js.h"

enum {
    MESSAGE_LIST_MAX = 100000, // members of a list
    MESSAGE_URL_BYTES_MAX = 64 << 10,
};

void message_write_scope(buf *out, const js_scope *s);
void message_write_run(buf *out, const js_script *s, uint32_t columns);
void message_write_fetched(buf *out, uint32_t id, const js_error *failure, const js_response *res);
void message_write_cookies(buf *out, uint32_t id, const js_error *failure, const js_cookie *list,
                           size_t count);

// Readers: `root` must outlive what they fill; lists live in the arena. SCRIPT_PROTOCOL.
CODE_CHECKED message_read_assertion(const json *root, js_assertion *ret, err *e);
CODE_CHECKED message_read_console(arena *a, const json *root, str *ret_level, str **ret_messages,
                                  size_t *ret_count, err *e);
CODE_CHECKED message_read_error(const json *root, js_error *ret, err *e);
CODE_CHECKED message_read_fetch(const json *root, js_fetch *ret, err *e);
CODE_CHECKED message_read_cookie_op(const json *root, js_cookie_op *ret, err *e);
CODE_CHECKED message_read_done(arena *a, const json *root, js_result *ret, err *e);
