// SPDX-License-Identifier: Apache-2.0
// json: the tree that JSON (RFC 8259) and YAML are read into, and its readers.
//
// A tree lives in the arena that it was parsed into or built in, and is freed with it. Each node
// knows its place in the file and its parent, so an error can say
//
//   gatepost: service.yaml:12:9: spec.template.spec.timeoutSeconds: must be a number, not a string
//
// Strings are valid UTF-8. Numbers are kept as they were written (`text` is a JSON number of any
// size), so nothing is lost between reading and writing.
#pragma once

#include "base/base.h"

typedef enum json_type {
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
} json_type;

typedef struct json json;
struct json {
    json_type type;
    uint32_t line;     // 1-based; 0 when the node was built, not read
    uint32_t col;      // 1-based, in characters
    uint32_t len;      // members of an array or object
    const char *file;  // as given to the parser, or NULL
    uint32_t key_line; // where the name of this member stands; 0 when it has none
    uint32_t key_col;
    json *parent; // NULL for the root
    json *next;   // the next member of the parent
    str key;      // in an object: the name of this member
    json **index; // objects with many members: a hash table of them
    union {
        bool boolean; // JSON_BOOL
        str text;     // JSON_STRING: the value; JSON_NUMBER: the number as it was written
        struct {      // JSON_ARRAY, JSON_OBJECT: the members in order
            json *first;
            json *last;
        };
    };
};

static inline json *json_first(const json *v)
{
    return v && v->type >= JSON_ARRAY ? v->first : NULL;
}
// Walks the members of an array or object; nothing when v is NULL or neither.
// JSON_EACH(v, m) { use m->key, m; }
#define JSON_EACH(v, m) for (const json *m = json_first(v); m; m = m->next)

// ---- Reading

typedef struct json_opts json_opts;
struct json_opts {
    const char *file;    // named in errors; kept by reference, so it must outlive the tree
    size_t bytes_max;    // 0: JSON_BYTES_MAX
    uint32_t depth_max;  // 0: JSON_DEPTH_MAX
    uint32_t values_max; // 0: JSON_VALUES_MAX
    // As JavaScript's JSON.parse and newman read: a byte order mark, UTF-16LE and Latin-1 are
    // accepted, of duplicate keys the last counts (in the first one's place), "\u0000" is allowed
    // and a lone surrogate becomes U+FFFD. Otherwise each of these is an error.
    bool tolerant;
};
enum { JSON_BYTES_MAX = 64 << 20, JSON_DEPTH_MAX = 128, JSON_VALUES_MAX = 2000000 };

// One value and nothing after it. `opts` may be NULL. The text is copied: it may go afterwards.
// Errors: DATA_SYNTAX, DATA_DUPLICATE, DATA_LIMIT, each with its place.
CODE_CHECKED json_parse(arena *a, str text, const json_opts *opts, json **ret_root, err *e);
// Reads the file at `path` and names it in errors (opts->file is not used).
CODE_CHECKED json_load(arena *a, const char *path, const json_opts *opts, json **ret_root, err *e);

// The member of that name, or NULL when it is absent or obj is NULL or no object.
const json *json_get(const json *obj, const char *key);
const json *json_gets(const json *obj, str key);
// The member of an array at that place, or NULL. Walks: use JSON_EACH for all.
const json *json_at(const json *arr, size_t i);
// Values without complaint: `otherwise` when v is NULL or of another type.
str json_str_or(const json *v, str otherwise);
bool json_bool_or(const json *v, bool otherwise);
int64_t json_i64_or(const json *v, int64_t otherwise);
bool json_is(const json *v, json_type type); // false for NULL
bool json_is_str(const json *v, const char *text);

// json_get_x: the member must be there and be an x (DATA_MISSING, DATA_TYPE, DATA_VALUE otherwise).
// json_opt_x: when it is absent or null, OK and *ret_x stays as it was.
// Outputs borrow from the tree.
CODE_CHECKED json_get_str(const json *obj, const char *key, str *ret_text, err *e);
CODE_CHECKED json_get_bool(const json *obj, const char *key, bool *ret_value, err *e);
// Whole numbers in range: 1e3 and 5.0 are whole too.
CODE_CHECKED json_get_i64(const json *obj, const char *key, int64_t *ret_value, err *e);
CODE_CHECKED json_get_obj(const json *obj, const char *key, const json **ret_value, err *e);
CODE_CHECKED json_get_arr(const json *obj, const char *key, const json **ret_value, err *e);
CODE_CHECKED json_opt_str(const json *obj, const char *key, str *ret_text, err *e);
CODE_CHECKED json_opt_bool(const json *obj, const char *key, bool *ret_value, err *e);
CODE_CHECKED json_opt_i64(const json *obj, const char *key, int64_t *ret_value, err *e);
CODE_CHECKED json_opt_obj(const json *obj, const char *key, const json **ret_value, err *e);
CODE_CHECKED json_opt_arr(const json *obj, const char *key, const json **ret_value, err *e);
// A string, or a number as it was written: for ids that look like numbers.
CODE_CHECKED json_get_text(const json *obj, const char *key, str *ret_text, err *e);
// A string or number that is a duration ("90s", "1h"; a bare number counts seconds).
CODE_CHECKED json_opt_duration(const json *obj, const char *key, uint64_t *ret_ms, err *e);

// v itself must be of that type.
CODE_CHECKED json_want(const json *v, json_type type, err *e);
// The value as a number; DATA_TYPE or DATA_VALUE otherwise.
CODE_CHECKED json_to_i64(const json *v, int64_t *ret_value, err *e);
CODE_CHECKED json_to_f64(const json *v, double *ret_value, err *e);
// Each member of obj must have one of these names; DATA_UNKNOWN with the nearest as a hint.
CODE_CHECKED json_known(const json *obj, const char *const *names, size_t count, err *e);
#define JSON_KNOWN(obj, e, ...)                                                                    \
    json_known((obj), (const char *const[]){__VA_ARGS__},                                          \
               ARRAY_LEN(((const char *const[]){__VA_ARGS__})), (e))

// Sets the error with v's path before the message and v's place.
code json_err(const json *v, err *e, code c, const char *fmt, ...) ATTR_PRINTF(4, 5);
// The same for a name that is wrong itself: the place is the name's.
code json_err_key(const json *v, err *e, code c, const char *fmt, ...) ATTR_PRINTF(4, 5);
// "spec.containers[0].image", "" for the root; names that aren't words are quoted: a["b c"].
void json_path(buf *out, const json *v);
const char *json_type_name(json_type t); // "a string", "an object", …

// ---- Building: all in the given arena; strings are copied

json *json_new(arena *a, json_type type); // null, false, 0, "", [] or {}
json *json_new_str(arena *a, str text);   // bytes that aren't UTF-8 become U+FFFD
json *json_new_i64(arena *a, int64_t value);
json *json_new_bool(arena *a, bool value);
// A deep copy without its key, place and parent.
json *json_copy(arena *a, const json *v);
// Puts value, which has no parent yet, under that name; an earlier value of it is replaced in its
// place. Returns value.
json *json_set(arena *a, json *obj, str key, json *value);
json *json_push(json *arr, json *value);
// Takes the member out; NULL when absent.
json *json_remove(arena *a, json *obj, str key);

// Deep equality; the order of members doesn't count, numbers compare as written.
bool json_eq(const json *a, const json *b);
// Overwrites the text of every string in the tree: for a key file that has been read.
void json_wipe(json *v);
