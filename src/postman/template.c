// SPDX-License-Identifier: Apache-2.0
#include "postman/postman.h"

enum { ROUNDS = 19 };

bool pm_template_next(str text, size_t *from, str *ret_name)
{
    for (size_t i = *from; i + 3 < text.len; i++) {
        if (text.ptr[i] != '{' || text.ptr[i + 1] != '{')
            continue;
        size_t end = i + 2;
        while (end < text.len && text.ptr[end] != '{' && text.ptr[end] != '}')
            end++;
        if (str_starts(str_skip(text, end), STR("}}"))) {
            *ret_name = str_sub(text, i + 2, end);
            *from = end + 2;
            return true;
        }
        i = end - 2; // a brace within: only the last two before it can open another
    }
    *from = text.len;
    return false;
}

// One round over the text.
static unsigned fill_in(const pm_scopes *s, str text, buf *out)
{
    unsigned became = 0;
    size_t from = 0, next = 0;
    for (str name; pm_template_next(text, &next, &name); from = next) {
        buf_adds(out, str_sub(text, from, next - name.len - 4));
        if (pm_lookup(s, name, out))
            became |= PM_FILLED;
        else if (pm_dynamic(name, out))
            became |= PM_FILLED | PM_DYNAMIC;
        else
            buf_adds(out, str_sub(text, next - name.len - 4, next));
    }
    buf_adds(out, str_skip(text, from));
    return became;
}

unsigned pm_resolve(const pm_scopes *s, str text, buf *out)
{
    if (str_find(text, STR("{{")) < 0) {
        buf_adds(out, text);
        return 0;
    }
    buf rounds[2];
    buf_init(&rounds[0], out->max);
    buf_init(&rounds[1], out->max);
    unsigned now = PM_FILLED, became = 0;
    for (int i = 0; i < ROUNDS && now; i++) {
        buf *to = &rounds[i % 2];
        buf_reset(to);
        now = fill_in(s, text, to);
        became |= now;
        text = buf_str(to);
        if (!buf_ok(to)) {
            out->overflow = true;
            break;
        }
    }
    size_t from = 0;
    str name;
    if (pm_template_next(text, &from, &name))
        became |= PM_LEFT;
    buf_adds(out, text);
    buf_deinit(&rounds[0]);
    buf_deinit(&rounds[1]);
    return became;
}
