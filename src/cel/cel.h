// SPDX-License-Identifier: Apache-2.0
// cel: the Common Expression Language, whole but for protobuf messages: conditions of IAM policies,
// attribute mappings and the gate's rules are written in it. It parses, checks types, and evaluates
// without side effects and within limits.
//
//   cel_env *env = cel_env_new();                          // the standard library and extensions
//   cel_env_variable(env, "request", "map(string, dyn)", &e);
//   cel_compile(env, STR("request.path.startsWith('/v1/')"), &(cel_limits){.condition = true},
//               &program, &e);
//   cel_eval_condition(program, &arena, &(cel_activation){.lookup = find, .ctx = r}, &holds, &e);
//
// An environment and its programs are immutable once built: any thread may evaluate. The
// environment must outlive its programs. Reference: cel-spec's language definition and the
// extension libraries of cel-go (strings, math, encoders, network, optionals, bindings,
// two-variable comprehensions, block).
#pragma once

#include "base/base.h"

// What a value is. Those after CEL_ERROR are types only.
typedef enum cel_kind {
    CEL_NULL,
    CEL_BOOL,
    CEL_INT,
    CEL_UINT,
    CEL_DOUBLE,
    CEL_STRING,
    CEL_BYTES,
    CEL_LIST,
    CEL_MAP,
    CEL_TIMESTAMP,
    CEL_DURATION,
    CEL_TYPE,
    CEL_OPTIONAL,
    CEL_IP,
    CEL_CIDR,
    CEL_ERROR,
    CEL_DYN,      // any type; the check is left to the evaluation
    CEL_PARAM,    // a type parameter of a function: A
    CEL_VARIABLE, // a type that the checker has yet to find
    CEL_ABSTRACT, // a name from outside, with parameters
} cel_kind;

typedef struct cel_value cel_value;
typedef struct cel_type cel_type;
typedef struct cel_entry cel_entry;
typedef struct cel_env cel_env;
typedef struct cel_program cel_program;
typedef struct cel_call cel_call;

// Seconds since 1970 or a length in seconds; 0 ≤ ns < 10⁹ for a timestamp, and for a duration ns
// has the sign of s.
typedef struct cel_time {
    int64_t s;
    int32_t ns;
} cel_time;

// An address, IPv4 as ::ffff:a.b.c.d, and the bits of a CIDR's prefix counted in its own family.
typedef struct cel_net {
    uint8_t bytes[16];
    uint8_t bits;
} cel_net;

typedef struct cel_list {
    const cel_value *items;
    size_t len;
} cel_list;

typedef struct cel_map {
    const cel_entry *entries; // in order of insertion, no key twice
    size_t len;
} cel_map;

// Immutable. Strings, lists and maps are borrowed: from the program, the activation, or the arena
// of the evaluation.
struct cel_value {
    cel_kind kind;
    uint32_t offset; // of CEL_ERROR: where in the source it arose
    union {
        bool b;
        int64_t i;
        uint64_t u;
        double d;
        str s; // also the text of CEL_ERROR
        cel_list list;
        cel_map map;
        cel_time time; // CEL_TIMESTAMP, CEL_DURATION
        const cel_type *type;
        const cel_value *some; // CEL_OPTIONAL: NULL when it is empty
        const cel_net *net;    // CEL_IP, CEL_CIDR
    };
};

struct cel_entry {
    cel_value key;
    cel_value value;
};

static inline cel_value cel_null(void)
{
    return (cel_value){.kind = CEL_NULL};
}
static inline cel_value cel_bool(bool b)
{
    return (cel_value){.kind = CEL_BOOL, .b = b};
}
static inline cel_value cel_int(int64_t i)
{
    return (cel_value){.kind = CEL_INT, .i = i};
}
static inline cel_value cel_uint(uint64_t u)
{
    return (cel_value){.kind = CEL_UINT, .u = u};
}
static inline cel_value cel_double(double d)
{
    return (cel_value){.kind = CEL_DOUBLE, .d = d};
}
static inline cel_value cel_string(str s)
{
    return (cel_value){.kind = CEL_STRING, .s = s};
}
static inline cel_value cel_bytes(str s)
{
    return (cel_value){.kind = CEL_BYTES, .s = s};
}
static inline cel_value cel_list_of(const cel_value *items, size_t len)
{
    return (cel_value){.kind = CEL_LIST, .list = {items, len}};
}
static inline cel_value cel_map_of(const cel_entry *entries, size_t len)
{
    return (cel_value){.kind = CEL_MAP, .map = {entries, len}};
}
static inline cel_value cel_timestamp(int64_t s, int32_t ns)
{
    return (cel_value){.kind = CEL_TIMESTAMP, .time = {s, ns}};
}

// For tests: CEL's ==: numbers by value whatever their type, NaN unlike itself, maps without order.
bool cel_equal(const cel_value *a, const cel_value *b);
// The value of a map's key, or NULL.
const cel_value *cel_map_get(const cel_map *m, const cel_value *key);

// ---- What an expression may use -------------------------------------------------------------

// With the standard definitions, macros and extensions.
cel_env *cel_env_new(void);
void cel_env_free(cel_env *env);
// For tests: names are looked up in "a.b", then "a", then at the root.
void cel_env_container(cel_env *env, str container);
// Types are written as in documentation: "int", "map(string, list(dyn))", "optional_type(bool)".
// A name may have dots: then it is one variable, and wins over a field of a shorter one.
CODE_CHECKED cel_env_variable(cel_env *env, const char *name, const char *type, err *e);
// As cel_env_variable, for a type that is at hand.
void cel_env_variable_type(cel_env *env, str name, const cel_type *type);

// A function gets its arguments in order, the receiver first; none of them is an error. Reading its
// texts once is paid for already. What it allocates comes from cel_call_arena, after
// cel_call_charge.
typedef cel_value cel_fn(cel_call *call, const cel_value *args, size_t count);
typedef struct cel_function {
    const char *name;
    // "(A, list(A)) bool", and with a receiver "string.(string) string".
    const char *signature;
    cel_fn *fn; // NULL: declared for the checker alone
    void *ctx;  // see cel_call_ctx
} cel_function;
// One overload. A function of the same name and kinds of arguments must not exist.
CODE_CHECKED cel_env_function(cel_env *env, const cel_function *f, err *e);

// Google's functions for IAM: string.extract(template), list.hasOnly(list), and
// api.getAttribute(name, otherwise), which asks the activation for the name.
void cel_env_iam(cel_env *env);

// For tests, as our own functions look inside.
void *cel_call_ctx(const cel_call *call);
// For tests, too.
arena *cel_call_arena(cel_call *call);
// Counts work, about one unit for 16 bytes or one step. False when the limit is passed: return
// anything then, the evaluation ends with an error that nothing absorbs.
bool cel_call_charge(cel_call *call, size_t units);
// An error value.
cel_value cel_call_error(cel_call *call, const char *fmt, ...) ATTR_PRINTF(2, 3);

// ---- Compile --------------------------------------------------------------------------------

// 0 takes the default.
typedef struct cel_limits {
    uint32_t source_bytes; // 4096
    uint32_t depth;        // 200: of the tree
    uint32_t nodes;        // 4096: of the tree, after the macros
    uint32_t regex_bytes;  // 262144: memory of one pattern of `matches`
    uint64_t cost;         // 1,000,000: work of an evaluation
    bool condition;        // the result is a bool, or it isn't compiled
    bool unchecked;        // don't check the types: what would not compile fails when it is reached
} cel_limits;

// Errors: CEL_SYNTAX, CEL_NAME, CEL_TYPED, CEL_LIMIT, each with line and column in the source.
CODE_CHECKED cel_compile(const cel_env *env, str source, const cel_limits *limits,
                         cel_program **ret_program, err *e);
void cel_program_free(cel_program *p);
// For tests: the type that the checker found; dyn for an unchecked program.
const cel_type *cel_program_type(const cel_program *p);
bool cel_type_equal(const cel_type *a, const cel_type *b);
// "map(string, int)".
void cel_type_text(const cel_type *t, buf *out);
// Reads a type; NULL when malformed. Lives in a.
const cel_type *cel_type_parse(arena *a, str text);

// ---- Evaluate -------------------------------------------------------------------------------

typedef struct cel_activation {
    // The value of a declared variable, asked for once and only when it is needed; what it makes
    // goes into a. False: the variable has no value, an error where it is used.
    bool (*lookup)(void *ctx, str name, arena *a, cel_value *ret_value);
    void *ctx;
} cel_activation;

// An activation from a cel_map whose keys are the names: {.lookup = cel_lookup_map, .ctx =
// &values}.
bool cel_lookup_map(void *values, str name, arena *a, cel_value *ret_value);

// The result, or an error value. What it holds lives as long as the arena, the program and the
// values of the activation.
cel_value cel_eval(const cel_program *p, arena *a, const cel_activation *activation);
// The answer of a condition; CEL_FAILED, with the place, for an error and for what is no bool.
CODE_CHECKED cel_eval_condition(const cel_program *p, arena *a, const cel_activation *activation,
                                bool *ret_holds, err *e);
// An error value as CEL_FAILED with its place in the source; OK for any other value.
code cel_value_error(const cel_program *p, const cel_value *v, err *e);
