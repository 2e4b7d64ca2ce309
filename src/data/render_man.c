// SPDX-License-Identifier: Apache-2.0
// roff for man(1), and the JSON Schema of the keys in gatepost.yaml.
#include "data/render.h"

// Text in roff: backslashes doubled, dashes that can be pasted, no line that starts a request.
static void add_roff(buf *out, str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool line_start = i == 0 || text.ptr[i - 1] == '\n';
        if (line_start && (c == '.' || c == '\''))
            buf_addz(out, "\\&");
        if (c == '\\')
            buf_addz(out, "\\e");
        else if (c == '-')
            buf_addz(out, "\\-");
        else
            buf_addc(out, c);
    }
}

static void add_roffz(buf *out, const char *text)
{
    add_roff(out, str_from(text));
}

static void man_row(buf *out, const option_row *row)
{
    buf text;
    buf_init(&text, 4096);
    buf_addz(out, ".TP\n\\fB");
    render_flag(&text, row);
    add_roff(out, buf_str(&text));
    buf_addz(out, "\\fR\n");
    buf_reset(&text);
    buf_addz(&text, row->help);
    render_notes(&text, row);
    add_roff(out, buf_str(&text));
    if (row->key) {
        buf_addz(out, "\nIn gatepost.yaml: ");
        add_roffz(out, row->key);
    }
    buf_addc(out, '\n');
    buf_deinit(&text);
}

static void man_title(buf *out, const command_spec *c, const char *version)
{
    buf_addz(out, ".TH \"GATEPOST\\-");
    for (const char *p = c->name; *p; p++)
        buf_addc(out, *p == ' ' ? '-' : *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p);
    buf_addf(out, "\" 1 \"\" \"gatepost %s\"\n.SH NAME\ngatepost\\-", version);
    for (const char *p = c->name; *p; p++)
        buf_addc(out, *p == ' ' ? '-' : *p);
    buf_addz(out, " \\- ");
    add_roffz(out, c->summary);
    buf_addz(out, "\n.SH SYNOPSIS\n");
    buf usage;
    buf_init(&usage, 4096);
    render_usage(&usage, c);
    add_roff(out, buf_str(&usage));
    buf_deinit(&usage);
    buf_addc(out, '\n');
}

static void man_about(buf *out, const char *about)
{
    buf_addz(out, ".SH DESCRIPTION\n");
    str rest = str_from(about);
    while (rest.len) {
        ssize_t end = str_find(rest, STR("\n\n"));
        str part = end < 0 ? rest : str_sub(rest, 0, (size_t)end);
        bool verbatim = part.len && part.ptr[0] == ' ';
        buf_addz(out, verbatim ? ".PP\n.nf\n" : ".PP\n");
        add_roff(out, part);
        buf_addz(out, verbatim ? "\n.fi\n" : "\n");
        rest = end < 0 ? STR_NONE : str_skip(rest, (size_t)end + 2);
    }
}

void command_man(buf *out, const command_spec *c, const char *version)
{
    man_title(out, c, version);
    if (c->about)
        man_about(out, c->about);
    const char *groups[RENDER_GROUPS_MAX];
    size_t n = render_groups(c->tables, groups);
    for (size_t i = 0; i < n; i++) {
        buf_addz(out, ".SH \"");
        add_roffz(out, groups[i]);
        buf_addz(out, "\"\n");
        size_t cursor = 0;
        for (const option_row *row; (row = render_next(c->tables, groups[i], &cursor));)
            man_row(out, row);
    }
    if (c->example) {
        buf_addz(out, ".SH EXAMPLES\n.nf\n");
        add_roffz(out, c->example);
        buf_addz(out, "\n.fi\n");
    }
}

// ---- JSON Schema

static void schema_value(jout *w, const option_row *row)
{
    const char *rest = row->choices;
    switch (row->kind) {
    case OPTION_FLAG:
        jout_str(w, "type", STR("boolean"));
        break;
    case OPTION_INT:
        jout_str(w, "type", STR("integer"));
        jout_i64(w, "minimum", row->min);
        if (row->max)
            jout_i64(w, "maximum", row->max);
        break;
    case OPTION_CHOICE:
        jout_array(w, "enum");
        for (str choice; choice_next(&rest, &choice);)
            jout_str(w, NULL, choice);
        jout_end(w);
        break;
    case OPTION_TEXT:
    case OPTION_DURATION:
    case OPTION_BYTES:
        jout_array(w, "type");
        jout_str(w, NULL, STR("string"));
        jout_str(w, NULL, STR("number"));
        jout_end(w);
        break;
    }
}

// One value, or several.
static void schema_list(jout *w, const option_row *row)
{
    jout_array(w, "anyOf");
    jout_object(w, NULL);
    schema_value(w, row);
    jout_end(w);
    jout_object(w, NULL);
    jout_str(w, "type", STR("array"));
    jout_object(w, "items");
    schema_value(w, row);
    jout_end(w);
    jout_end(w);
    jout_end(w);
}

void options_schema(jout *w, const option_row *const *tables)
{
    size_t cursor = 0;
    for (const option_row *row; (row = table_next(tables, &cursor));) {
        if (!row->key)
            continue;
        jout_object(w, row->key);
        jout_str(w, "description", str_from(row->help));
        if (row->repeat)
            schema_list(w, row);
        else
            schema_value(w, row);
        jout_end(w);
    }
}
