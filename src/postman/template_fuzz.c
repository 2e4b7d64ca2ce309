// SPDX-License-Identifier: Apache-2.0
// Lines: the first is a template, each other "name=value" a variable of the environment. Filling
// in must end within its bound, whatever the variables say of each other.
#include <stdlib.h>

#include "base/fuzz.h"
#include "postman/postman.h"

enum { TEXT_MAX = 1 << 16 };

static void add_variables(pm_scope *s, str lines)
{
    for (str line, key, value; str_next(&lines, '\n', &line);) {
        str_cut(line, '=', &key, &value);
        if (pm_scope_set_text(s, key, value, NULL) != OK)
            abort();
        if (!pm_scope_get(s, key))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str template, lines;
    str_cut((str){(const char *)data, size}, '\n', &template, &lines);
    pm_scope *s = pm_scope_new(STR_NONE, STR("environment"));
    pm_scopes scopes = {{NULL, NULL, s}};
    add_variables(s, lines);
    buf out;
    buf_init(&out, TEXT_MAX);
    bool left = pm_resolve(&scopes, template, &out) & PM_LEFT;
    str name;
    size_t from = 0;
    if (buf_ok(&out) && left != pm_template_next(buf_str(&out), &from, &name))
        abort();
    fuzz_accepted += buf_ok(&out) && !left;
    if (out.len > TEXT_MAX)
        abort();
    buf_deinit(&out);
    pm_scope_json(s);
    pm_scope_free(s);
    return 0;
}
