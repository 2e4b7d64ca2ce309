// SPDX-License-Identifier: Apache-2.0
// The conformance tests of cel-spec, read in place: from the folder that CEL_SPEC names, or from
// ../shared/cel beside the project. Without it the check is skipped, and says so. Prints a table,
// one line a file; what fails, and why; what is left out because it needs protobuf messages, by
// name.
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "cel/cel.h"
#include "cel/textproto_test.h"

enum { WANTED_PASSES = 1700, SKIPPED = 77 };

typedef enum outcome { PASSED, FAILED, NEEDS_PROTOBUF } outcome;

typedef struct one_test {
    arena arena;
    const pb_message *test;
    cel_env *env;
    bool protobuf; // something of it can't be said without protobuf messages
    char why[1200];
} one_test;

static str make(one_test *t, const char *fmt, ...) ATTR_PRINTF(2, 3);
static str make(one_test *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    str s = arena_vprintf(&t->arena, fmt, ap);
    va_end(ap);
    return s;
}

// ---- Types and values of the data ------------------------------------------------------------

static str type_text(one_test *t, const pb_message *m);

static str type_list(one_test *t, const pb_message *m, const char *name)
{
    str all = STR_NONE;
    for (const pb_field *f = m->first; f; f = f->next)
        if (str_eq(f->name, str_from(name)))
            all = make(t, STR_FMT "%s" STR_FMT, STR_ARG(all), all.len ? ", " : "",
                       STR_ARG(type_text(t, f->sub)));
    return all;
}

static str simple_type(one_test *t, const pb_field *f)
{
    static const char *const names[][2] = {{"BOOL", "bool"},           {"INT64", "int"},
                                           {"UINT64", "uint"},         {"DOUBLE", "double"},
                                           {"STRING", "string"},       {"BYTES", "bytes"},
                                           {"TIMESTAMP", "timestamp"}, {"DURATION", "duration"}};
    for (size_t i = 0; i < ARRAY_LEN(names) && !str_eq(f->name, STR("wrapper")); i++)
        if (str_eq(f->text, str_from(names[i][0])))
            return str_from(names[i][1]);
    if (str_eq(f->text, STR("google.protobuf.Timestamp")) ||
        str_eq(f->text, STR("google.protobuf.Duration")))
        return f->text;
    t->protobuf = true;
    return STR("dyn");
}

static str type_text(one_test *t, const pb_message *m)
{
    const pb_field *f = m ? m->first : NULL;
    if (!f || str_eq(f->name, STR("dyn")))
        return STR("dyn");
    if (str_eq(f->name, STR("null")))
        return STR("null_type");
    if (str_eq(f->name, STR("type_param")))
        return f->text;
    if (str_eq(f->name, STR("list_type")))
        return make(t, "list(" STR_FMT ")", STR_ARG(type_text(t, pb_sub(f->sub, "elem_type"))));
    if (str_eq(f->name, STR("map_type")))
        return make(t, "map(" STR_FMT ", " STR_FMT ")",
                    STR_ARG(type_text(t, pb_sub(f->sub, "key_type"))),
                    STR_ARG(type_text(t, pb_sub(f->sub, "value_type"))));
    if (str_eq(f->name, STR("type")))
        return make(t, "type(" STR_FMT ")", STR_ARG(type_text(t, f->sub)));
    if (str_eq(f->name, STR("abstract_type"))) {
        str params = type_list(t, f->sub, "parameter_types");
        return make(t, STR_FMT "(" STR_FMT ")", STR_ARG(pb_text(f->sub, "name")), STR_ARG(params));
    }
    return simple_type(t, f);
}

static cel_value value_of(one_test *t, const pb_message *m);

static cel_value list_value(one_test *t, const pb_field *list)
{
    VEC(cel_value) items = {0};
    for (const pb_field *f = list->sub ? list->sub->first : NULL; f; f = f->next)
        vec_push(&items, value_of(t, f->sub));
    cel_value *kept = arena_array(&t->arena, items.len, sizeof(*kept));
    for (size_t i = 0; i < items.len; i++)
        kept[i] = items.ptr[i];
    cel_value v = cel_list_of(kept, items.len);
    vec_deinit(&items);
    return v;
}

static cel_value map_value(one_test *t, const pb_field *map_field)
{
    VEC(cel_entry) entries = {0};
    for (const pb_field *f = map_field->sub ? map_field->sub->first : NULL; f; f = f->next) {
        cel_entry entry = {value_of(t, pb_sub(f->sub, "key")),
                           value_of(t, pb_sub(f->sub, "value"))};
        vec_push(&entries, entry);
    }
    cel_entry *kept = arena_array(&t->arena, entries.len, sizeof(*kept));
    for (size_t i = 0; i < entries.len; i++)
        kept[i] = entries.ptr[i];
    cel_value v = cel_map_of(kept, entries.len);
    vec_deinit(&entries);
    return v;
}

static int64_t number(str s)
{
    char text[32] = {0};
    if (s.len)
        memcpy(text, s.ptr, s.len < 31 ? s.len : 31);
    return strtoll(text, NULL, 0);
}

// The well-known messages that are values of CEL; the others need protobuf.
static cel_value object_value(one_test *t, const pb_field *f)
{
    const pb_message *m = f->sub;
    str url = m && m->first ? m->first->name : STR_NONE;
    const pb_message *sub = m && m->first ? m->first->sub : NULL;
    bool duration = str_ends(url, STR("google.protobuf.Duration"));
    cel_value v =
        cel_timestamp(number(pb_text(sub, "seconds")), (int32_t)number(pb_text(sub, "nanos")));
    if (duration)
        v.kind = CEL_DURATION;
    else if (!str_ends(url, STR("google.protobuf.Timestamp")))
        t->protobuf = true;
    return v;
}

static cel_value type_value(one_test *t, const pb_field *f)
{
    const cel_type *type = cel_type_parse(&t->arena, f->text);
    if (!type) {
        t->protobuf = true;
        return cel_null();
    }
    return (cel_value){.kind = CEL_TYPE, .type = type};
}

static cel_value null_value(one_test *t, const pb_field *f)
{
    (void)t, (void)f;
    return cel_null();
}

static cel_value bool_value(one_test *t, const pb_field *f)
{
    (void)t;
    return cel_bool(str_eq(f->text, STR("true")));
}

static cel_value int_value(one_test *t, const pb_field *f)
{
    (void)t;
    return cel_int(number(f->text));
}

static cel_value uint_value(one_test *t, const pb_field *f)
{
    return cel_uint(strtoull(arena_cstr(&t->arena, f->text), NULL, 0));
}

static cel_value double_value(one_test *t, const pb_field *f)
{
    return cel_double(strtod(arena_cstr(&t->arena, f->text), NULL));
}

static cel_value string_value(one_test *t, const pb_field *f)
{
    (void)t;
    return cel_string(f->text);
}

static cel_value bytes_value(one_test *t, const pb_field *f)
{
    (void)t;
    return cel_bytes(f->text);
}

static cel_value value_of(one_test *t, const pb_message *m)
{
    static const struct {
        const char *name;
        cel_value (*read)(one_test *t, const pb_field *f);
    } forms[] = {{"null_value", null_value},     {"bool_value", bool_value},
                 {"int64_value", int_value},     {"uint64_value", uint_value},
                 {"double_value", double_value}, {"string_value", string_value},
                 {"bytes_value", bytes_value},   {"list_value", list_value},
                 {"map_value", map_value},       {"type_value", type_value},
                 {"object_value", object_value}};
    const pb_field *f = m ? m->first : NULL;
    for (size_t i = 0; f && i < ARRAY_LEN(forms); i++)
        if (str_eq(f->name, str_from(forms[i].name)))
            return forms[i].read(t, f);
    t->protobuf = true; // enum_value
    return cel_null();
}

// ---- One test -------------------------------------------------------------------------------

static void declare_function(one_test *t, str name, const pb_message *function)
{
    for (const pb_field *f = function->first; f; f = f->next) {
        str params = type_list(t, f->sub, "params");
        str result = type_text(t, pb_sub(f->sub, "result_type"));
        bool member = str_eq(pb_text(f->sub, "is_instance_function"), STR("true"));
        str signature = make(t, "(" STR_FMT ") " STR_FMT, STR_ARG(params), STR_ARG(result));
        str first, rest;
        if (member) {
            str_cut(params, ',', &first, &rest);
            signature = make(t, STR_FMT ".(" STR_FMT ") " STR_FMT, STR_ARG(first), STR_ARG(rest),
                             STR_ARG(result));
        }
        cel_function declared = {.name = name.ptr, .signature = signature.ptr};
        if (cel_env_function(t->env, &declared, NULL) != OK)
            snprintf(t->why, sizeof(t->why), "the declaration is refused: %s", signature.ptr);
    }
}

// What is bound without a declaration is dyn.
static cel_map declare(one_test *t)
{
    cel_entry *bound = arena_array(&t->arena, 16, sizeof(*bound));
    size_t count = 0;
    cel_env_container(t->env, pb_text(t->test, "container"));
    for (const pb_field *f = t->test->first; f; f = f->next) {
        if (!str_eq(f->name, STR("bindings")) || count == 16)
            continue;
        str key = pb_text(f->sub, "key");
        bound[count++] =
            (cel_entry){cel_string(key), value_of(t, pb_sub(pb_sub(f->sub, "value"), "value"))};
        cel_env_variable_type(t->env, key, cel_type_parse(&t->arena, STR("dyn")));
    }
    for (const pb_field *f = t->test->first; f; f = f->next) {
        if (!str_eq(f->name, STR("type_env")))
            continue;
        str name = pb_text(f->sub, "name");
        const pb_message *ident = pb_sub(f->sub, "ident"), *function = pb_sub(f->sub, "function");
        if (ident)
            cel_env_variable_type(t->env, name,
                                  cel_type_parse(&t->arena, type_text(t, pb_sub(ident, "type"))));
        if (function)
            declare_function(t, name, function);
    }
    return (cel_map){bound, count};
}

static bool nan_equal(const cel_value *a, const cel_value *b)
{
    return a->kind == CEL_DOUBLE && b->kind == CEL_DOUBLE && a->d != a->d && b->d != b->d;
}

// Equal, and of the same type: 1 isn't 1u here.
static bool same(const cel_value *a, const cel_value *b)
{
    if (a->kind != b->kind)
        return false;
    return nan_equal(a, b) || cel_equal(a, b);
}

static outcome missed(one_test *t, const char *what, const err *e)
{
    if (t->protobuf || pb_get(t->test, "disable_macros"))
        return NEEDS_PROTOBUF;
    snprintf(t->why, sizeof(t->why), "%s%s%s", what, e && e->msg[0] ? ": " : "", e ? e->msg : "");
    return FAILED;
}

static outcome judge_type(one_test *t, const cel_program *p, const pb_message *typed)
{
    const cel_type *wanted = cel_type_parse(&t->arena, type_text(t, pb_sub(typed, "deduced_type")));
    buf text;
    err e = ERR_INIT;
    if (!t->protobuf && wanted && cel_type_equal(wanted, cel_program_type(p)))
        return PASSED;
    buf_init(&text, 400);
    cel_type_text(cel_program_type(p), &text);
    snprintf(e.msg, sizeof(e.msg), "%s", buf_cstr(&text));
    buf_deinit(&text);
    return missed(t, "another type", &e);
}

static outcome judge_value(one_test *t, const cel_program *p, const cel_value *got)
{
    const pb_message *wanted = pb_sub(t->test, "value"), *typed = pb_sub(t->test, "typed_result");
    bool wants_error = pb_get(t->test, "eval_error") || pb_get(t->test, "any_eval_errors");
    cel_value v = cel_bool(true);
    err e = ERR_INIT;
    cel_value_error(p, got, &e);
    t->protobuf |= strstr(e.msg, "no message type") != NULL; // not the error that is wanted
    if (wants_error)
        return got->kind == CEL_ERROR && !t->protobuf ? PASSED
                                                      : missed(t, "an error is wanted", NULL);
    if (wanted || typed)
        v = value_of(t, wanted ? wanted : pb_sub(typed, "result"));
    if (t->protobuf || !same(&v, got)) {
        if (got->kind != CEL_ERROR) {
            buf out;
            buf_init(&out, 300);
            if (got->kind == CEL_STRING)
                buf_adds(&out, got->s);
            else
                buf_addf(&out, "kind %d, %lld", got->kind, (long long)got->i);
            snprintf(e.msg, sizeof(e.msg), "%s", buf_cstr(&out));
            buf_deinit(&out);
        }
        return missed(t, "another value", &e);
    }
    return PASSED;
}

static outcome judge(one_test *t, cel_program *p, cel_map *bound)
{
    const pb_message *typed = pb_sub(t->test, "typed_result");
    outcome o = typed ? judge_type(t, p, typed) : PASSED;
    if (o != PASSED || pb_get(t->test, "check_only"))
        return o;
    cel_value v = cel_eval(p, &t->arena, &(cel_activation){.lookup = cel_lookup_map, .ctx = bound});
    return judge_value(t, p, &v);
}

static bool mentions(str expr, const char *const *words)
{
    for (; *words; words++)
        if (str_find(expr, str_from(*words)) >= 0)
            return true;
    return false;
}

static outcome try_test(one_test *t)
{
    bool wants_error = pb_get(t->test, "eval_error") || pb_get(t->test, "any_eval_errors");
    cel_limits limits = {.source_bytes = 65536,
                         .unchecked = str_eq(pb_text(t->test, "disable_check"), STR("true"))};
    cel_program *p;
    err e = ERR_INIT;
    // The messages of the tests themselves, and names of which only some are messages.
    static const char *const messages[] = {"TestAllTypes", "TestRequired", "GlobalEnum",
                                           "NestedEnum",   "proto.",       NULL};
    static const char *const perhaps[] = {"google.protobuf.", "NullValue", "Value{", NULL};
    str expr = pb_text(t->test, "expr");
    t->env = cel_env_new();
    t->protobuf = mentions(expr, messages);
    cel_map bound = declare(t);
    outcome o;
    if (cel_compile(t->env, expr, &limits, &p, &e) == OK) {
        o = judge(t, p, &bound);
    } else {
        t->protobuf |= mentions(expr, perhaps);
        o = wants_error && !t->protobuf ? PASSED : missed(t, "not compiled", &e);
    }
    if (o == FAILED && mentions(expr, perhaps))
        o = NEEDS_PROTOBUF;
    cel_program_free(p);
    cel_env_free(t->env);
    return o;
}

// ---- Files ----------------------------------------------------------------------------------

typedef struct totals {
    unsigned count[3];
} totals;

static void run_section(const char *file, const pb_message *section, totals *file_totals,
                        buf *left_out)
{
    str name = pb_text(section, "name");
    unsigned before = file_totals->count[NEEDS_PROTOBUF];
    for (const pb_field *f = section->first; f; f = f->next) {
        if (!str_eq(f->name, STR("test")))
            continue;
        one_test t = {.test = f->sub};
        arena_init(&t.arena);
        outcome o = try_test(&t);
        if (o == FAILED)
            printf("FAILED %s " STR_FMT "/" STR_FMT ": %s\n", file, STR_ARG(name),
                   STR_ARG(pb_text(f->sub, "name")), t.why);
        if (o == NEEDS_PROTOBUF && file_totals->count[o]++ == before)
            buf_addf(left_out, "  %s " STR_FMT ":", file, STR_ARG(name));
        else if (o != NEEDS_PROTOBUF)
            file_totals->count[o]++;
        if (o == NEEDS_PROTOBUF)
            buf_addf(left_out, " " STR_FMT, STR_ARG(pb_text(f->sub, "name")));
        arena_deinit(&t.arena);
    }
    if (file_totals->count[NEEDS_PROTOBUF] > before)
        buf_addc(left_out, '\n');
}

static bool read_file(const char *folder, const char *name, buf *out)
{
    char path[4096], part[65536];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *in = fopen(path, "rb");
    for (size_t n; in && (n = fread(part, 1, sizeof(part), in)) > 0;)
        buf_add(out, part, n);
    return in && fclose(in) == 0 && buf_ok(out);
}

static bool run_file(const char *folder, const char *name, totals *all, buf *left_out)
{
    totals here = {0};
    arena a;
    buf text;
    arena_init(&a);
    buf_init(&text, 1 << 24);
    bool good = read_file(folder, name, &text);
    pb_reader r = {&a, buf_str(&text)};
    const pb_message *file = good ? pb_read(&r) : NULL;
    for (const pb_field *f = file ? file->first : NULL; f; f = f->next)
        if (str_eq(f->name, STR("section")))
            run_section(name, f->sub, &here, left_out);
    if (!file || r.rest.len)
        printf("  %s can't be read\n", name);
    printf("%-26s %6u %6u %9u\n", name, here.count[PASSED], here.count[FAILED],
           here.count[NEEDS_PROTOBUF]);
    for (size_t i = 0; i < ARRAY_LEN(here.count); i++)
        all->count[i] += here.count[i];
    buf_deinit(&text);
    arena_deinit(&a);
    return file && !r.rest.len;
}

static int only_data(const struct dirent *d)
{
    return str_ends(str_from(d->d_name), STR(".textproto"));
}

int main(void)
{
    char folder[4096];
    struct dirent **names;
    const char *given = getenv("CEL_SPEC"), *source = getenv("GATEPOST_SOURCE");
    snprintf(folder, sizeof(folder), "%s%s",
             given    ? given
             : source ? source
                      : ".",
             given ? "" : "/../shared/cel");
    int count = scandir(folder, &names, only_data, alphasort);
    if (count <= 0) {
        printf("skipped: there is no cel-spec test data in %s; set CEL_SPEC to its folder\n",
               folder);
        return SKIPPED;
    }
    totals all = {0};
    bool read = true;
    buf left_out;
    buf_init(&left_out, 1 << 20);
    printf("%-26s %6s %6s %9s\n", "file", "passed", "failed", "protobuf");
    for (int i = 0; i < count; i++) {
        read &= run_file(folder, names[i]->d_name, &all, &left_out);
        free(names[i]);
    }
    free(names);
    printf("need protobuf messages:\n%s", buf_cstr(&left_out));
    buf_deinit(&left_out);
    printf("%u failed, %u need protobuf messages\n", all.count[FAILED], all.count[NEEDS_PROTOBUF]);
    printf("total %u passed\n", all.count[PASSED]);
    return read && !all.count[FAILED] && all.count[PASSED] >= WANTED_PASSES ? 0 : 1;
}
