// SPDX-License-Identifier: Apache-2.0
// write: JSON text, from a tree or piece by piece.
#pragma once

#include "data/data_json.h"

typedef enum json_style {
    JSON_COMPACT = 0,
    JSON_PRETTY = 1, // two spaces, one member a line
    JSON_SORTED = 2, // members by name; otherwise in their order
    JSON_TABS = 4,   // json_write, json_text: JSON_PRETTY with tabs
    JSON_BLANKS_MAX = 15,
} json_style;
#define JSON_BLANKS(n) ((unsigned)(n) << 4) // there, 1 to JSON_BLANKS_MAX: JSON_PRETTY with so many

// `style` is a union of json_style.
void json_write(buf *out, const json *v, unsigned style);
// NUL-terminated; free with free().
char *json_text(const json *v, unsigned style);

// Piece by piece, without a tree:
//
//   jout w = jout_new(&b, JSON_COMPACT);
//   jout_object(&w, NULL);
//   jout_str(&w, "name", STR("orders"));
//   jout_end(&w);
//
// `key` names the member inside an object and is NULL inside an array and for the root. A wrong
// sequence is a defect of the caller and aborts.
typedef struct jout jout;
struct jout {
    buf *out;
    unsigned style;
    uint32_t depth;
    uint64_t is_array; // a bit for each open level, the innermost lowest
    bool comma;        // the innermost level has a member already
    bool after_key;    // jout_key was called: a value must follow
};
enum { JOUT_DEPTH_MAX = 64 };

jout jout_new(buf *out, unsigned style);
void jout_object(jout *w, const char *key);
void jout_array(jout *w, const char *key);
void jout_end(jout *w); // closes the innermost
void jout_str(jout *w, const char *key, str value);
void jout_strf(jout *w, const char *key, const char *fmt, ...) ATTR_PRINTF(3, 4);
void jout_i64(jout *w, const char *key, int64_t value);
void jout_f64(jout *w, const char *key, double value); // not finite: null
void jout_bool(jout *w, const char *key, bool value);
void jout_null(jout *w, const char *key);
void jout_json(jout *w, const char *key, const json *v);
// `text` must be JSON already.
void jout_raw(jout *w, const char *key, str text);
// For a name that isn't a literal: the name first, then the value with a NULL key.
void jout_key(jout *w, str key);
