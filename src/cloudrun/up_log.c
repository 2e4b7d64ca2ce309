// SPDX-License-Identifier: Apache-2.0
// Lines for the person who watches. What others wrote is shown, not sent to the terminal as it is
// (threat 48), and without what looks like a credential (threat 32).
#include "cloudrun/output.h"
#include "cloudrun/up_own.h"

enum { LINE_BYTES_MAX = 8 * OUTPUT_LINE_BYTES_MAX, ID_SHOWN = 6 };

static void tell(up *u, const buf *line)
{
    u->o.on_line(u->o.ctx, buf_str(line));
}

static void begin(buf *line, up_service *s, str instance_id)
{
    buf_init(line, LINE_BYTES_MAX);
    buf_addf(line, STR_FMT " " STR_FMT, STR_ARG(s->spec->name),
             STR_ARG(str_sub(instance_id, 0, ID_SHOWN)));
}

void up_log_output(up_service *s, str instance_id, str container, str text)
{
    buf line, plain;
    begin(&line, s, instance_id);
    buf_init(&plain, LINE_BYTES_MAX);
    jose_redact(text, &plain);
    if (container.len)
        buf_addf(&line, "/" STR_FMT, STR_ARG(container));
    buf_addz(&line, " | ");
    buf_add_shown(&line, buf_str(&plain));
    tell(s->up, &line);
    buf_deinit(&plain);
    buf_deinit(&line);
}

void up_log_event(up_service *s, str instance_id, const err *e, const char *text)
{
    buf line;
    begin(&line, s, instance_id);
    buf_addz(&line, ": ");
    buf_add_shown(&line, str_from(e ? e->msg : text));
    if (e)
        buf_addf(&line, " [%s]", code_id(e->code));
    if (e && e->hint[0]) {
        buf_addz(&line, "; ");
        buf_add_shown(&line, str_from(e->hint));
    }
    tell(s->up, &line);
    buf_deinit(&line);
}

void up_note(up *u, const char *text)
{
    buf line;
    buf_init(&line, LINE_BYTES_MAX);
    buf_addz(&line, "note: ");
    buf_add_shown(&line, str_from(text));
    tell(u, &line);
    buf_deinit(&line);
}
