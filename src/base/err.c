// SPDX-License-Identifier: Apache-2.0
#include "base/err.h"

#include <string.h>

#include "base/buf.h"

typedef struct code_row {
    const char *id;
    const char *title;
    int exit_status;
    int http_status;
} code_row;

#define ERR_CODE(name, id, exit_status, http_status, title)                                        \
    [name] = {id, title, exit_status, http_status},
static const code_row rows[CODE_COUNT] = {
    [OK] = {"", "no error", EXIT_OK, 200},
#include "base/codes.def"
};
#undef ERR_CODE

// The code of the last error that was set without an err: what wraps it returns that one.
static _Thread_local code unseen = SYS_FAILED;

static void set_text(char *to, size_t size, const char *fmt, va_list ap) ATTR_PRINTF(3, 0);
static void set_text(char *to, size_t size, const char *fmt, va_list ap)
{
    int n = vsnprintf(to, size, fmt, ap);
    if (n >= (int)size)
        memcpy(to + size - 4, "...", 4); // cut, and seen to be cut
}

static void set_msg(err *e, code c, const char *fmt, va_list ap) ATTR_PRINTF(3, 0);
static void set_msg(err *e, code c, const char *fmt, va_list ap)
{
    *e = ERR_INIT;
    e->code = c;
    set_text(e->msg, sizeof(e->msg), fmt, ap);
}

code err_set(err *e, code c, const char *fmt, ...)
{
    if (!e)
        return unseen = c;
    va_list ap;
    va_start(ap, fmt);
    set_msg(e, c, fmt, ap);
    va_end(ap);
    return c;
}

code err_sys(err *e, code c, int errnum, const char *fmt, ...)
{
    if (!e)
        return unseen = c;
    va_list ap;
    va_start(ap, fmt);
    set_msg(e, c, fmt, ap);
    va_end(ap);
    size_t len = strlen(e->msg);
    char why[128];
    snprintf(e->msg + len, sizeof(e->msg) - len, ": %s", strerror_r(errnum, why, sizeof(why)));
    return c;
}

code err_wrap(err *e, const char *fmt, ...)
{
    if (!e)
        return unseen;
    char what[sizeof(e->msg)], both[2 * sizeof(e->msg) + 4];
    va_list ap;
    va_start(ap, fmt);
    set_text(what, sizeof(what), fmt, ap);
    va_end(ap);
    snprintf(both, sizeof(both), "%s: %s", what, e->msg);
    size_t len = strnlen(both, sizeof(e->msg) - 1);
    memcpy(e->msg, both, len);
    e->msg[len] = 0;
    return e->code;
}

code err_at(err *e, const char *file, uint32_t line, uint32_t col)
{
    if (!e)
        return unseen;
    if (!e->file[0]) {
        snprintf(e->file, sizeof(e->file), "%s", file ? file : "");
        e->line = line;
        e->col = col;
    }
    return e->code;
}

code err_hint(err *e, const char *fmt, ...)
{
    if (!e)
        return unseen;
    if (e->hint[0])
        return e->code;
    va_list ap;
    va_start(ap, fmt);
    set_text(e->hint, sizeof(e->hint), fmt, ap);
    va_end(ap);
    return e->code;
}

static const code_row *row(code c)
{
    return &rows[(unsigned)c < CODE_COUNT ? c : SYS_FAILED];
}

const char *code_id(code c)
{
    return row(c)->id;
}

const char *code_title(code c)
{
    return row(c)->title;
}

int code_exit(code c)
{
    return row(c)->exit_status;
}

int code_http(code c)
{
    return row(c)->http_status;
}

void err_print(const err *e, FILE *out)
{
    buf text;
    buf_init(&text, 64 * 1024);
    buf_addz(&text, "gatepost: ");
    if (e->file[0]) {
        buf_add_shown(&text, str_from(e->file));
        if (e->line)
            buf_addf(&text, ":%u", e->line);
        if (e->line && e->col)
            buf_addf(&text, ":%u", e->col);
        buf_addz(&text, ": ");
    }
    buf_add_shown(&text, str_from(e->msg));
    buf_addf(&text, " [%s]\n", code_id(e->code));
    if (e->hint[0]) {
        buf_addz(&text, "  hint: ");
        buf_add_shown(&text, str_from(e->hint));
        buf_addc(&text, '\n');
    }
    fwrite(text.ptr, 1, text.len, out);
    buf_deinit(&text);
}
