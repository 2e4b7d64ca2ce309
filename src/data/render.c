// SPDX-License-Identifier: Apache-2.0
// Help, man page and Markdown from the option tables.
#include <stdio.h>
#include <string.h>

#include "data/render.h"

enum { HELP_COLUMN = 36, WIDTH = 100 };

// ---- Groups

static const char *group_of(const option_row *row)
{
    return row->group ? row->group : "Options";
}

size_t render_groups(const option_row *const *tables, const char *ret_groups[RENDER_GROUPS_MAX])
{
    size_t n = 0, cursor = 0;
    for (const option_row *row; (row = table_next(tables, &cursor));) {
        size_t i = 0;
        while (i < n && strcmp(ret_groups[i], group_of(row)) != 0)
            i++;
        if (i == n && n < RENDER_GROUPS_MAX)
            ret_groups[n++] = group_of(row);
    }
    return n;
}

const option_row *render_next(const option_row *const *tables, const char *group, size_t *cursor)
{
    for (const option_row *row; (row = table_next(tables, cursor));)
        if (strcmp(group_of(row), group) == 0)
            return row;
    return NULL;
}

void render_flag(buf *out, const option_row *row)
{
    if (row->letter)
        buf_addf(out, "-%c, ", row->letter);
    buf_addf(out, "--%s", row->name);
    if (row->optional)
        buf_addf(out, "[=%s]", option_value_name(row));
    else if (option_takes_value(row))
        buf_addf(out, " %s", option_value_name(row));
}

void render_notes(buf *out, const option_row *row)
{
    if (row->repeat)
        buf_addz(out, row->comma ? " (repeatable, or separated by commas)" : " (repeatable)");
    if (row->def)
        buf_addf(out, " [default: %s]", row->def);
    if (row->env)
        buf_addf(out, " [%s]", row->env);
}

// ---- Help

// Breaks lines at blanks; every line after the first starts at `column`.
static void add_wrapped(buf *out, str text, size_t column)
{
    size_t at = column;
    for (str word; str_next(&text, ' ', &word);) {
        size_t len = utf8_len(word);
        if (at > column && at + 1 + len > WIDTH) {
            buf_addf(out, "\n%*s", (int)column, "");
            at = column;
        } else if (at > column) {
            buf_addc(out, ' ');
            at++;
        }
        buf_adds(out, word);
        at += len;
    }
    buf_addc(out, '\n');
}

static void help_row(buf *out, const option_row *row)
{
    buf flag, text;
    buf_init(&flag, 4096);
    buf_init(&text, 4096);
    render_flag(&flag, row);
    const char *indent = row->letter ? "  " : "      ";
    buf_addf(out, "%s%s", indent, buf_cstr(&flag));
    size_t used = strlen(indent) + utf8_len(buf_str(&flag));
    if (used + 2 > HELP_COLUMN)
        buf_addf(out, "\n%*s", HELP_COLUMN, "");
    else
        buf_addf(out, "%*s", (int)(HELP_COLUMN - used), "");
    buf_addz(&text, row->help);
    render_notes(&text, row);
    add_wrapped(out, buf_str(&text), HELP_COLUMN);
    buf_deinit(&flag);
    buf_deinit(&text);
}

static void heading(buf *out, const char *text, bool colour)
{
    buf_addf(out, colour ? "\n\033[1m%s\033[0m\n" : "\n%s\n", text);
}

// Paragraphs are separated by an empty line; a paragraph that starts with a blank is kept as it is.
static void add_paragraphs(buf *out, const char *text)
{
    str rest = str_from(text);
    while (rest.len) {
        ssize_t end = str_find(rest, STR("\n\n"));
        str part = end < 0 ? rest : str_sub(rest, 0, (size_t)end);
        rest = end < 0 ? STR_NONE : str_skip(rest, (size_t)end + 2);
        buf_addc(out, '\n');
        if (part.len && part.ptr[0] == ' ')
            buf_addf(out, STR_FMT "\n", STR_ARG(part));
        else
            add_wrapped(out, part, 0);
    }
}

static void add_example(buf *out, const char *example, const char *before)
{
    str rest = str_from(example);
    for (str line; str_next(&rest, '\n', &line);)
        buf_addf(out, "%s" STR_FMT "\n", before, STR_ARG(line));
}

void render_usage(buf *out, const command_spec *c)
{
    buf_addf(out, "gatepost %s [OPTIONS]%s%s", c->name, c->args ? " " : "", c->args ? c->args : "");
}

void command_help(buf *out, const command_spec *c, bool colour)
{
    buf_addz(out, "Usage: ");
    render_usage(out, c);
    buf_addf(out, "\n\n%s\n", c->summary);
    if (c->about)
        add_paragraphs(out, c->about);
    const char *groups[RENDER_GROUPS_MAX];
    size_t n = render_groups(c->tables, groups);
    for (size_t i = 0; i < n; i++) {
        heading(out, groups[i], colour);
        size_t cursor = 0;
        for (const option_row *row; (row = render_next(c->tables, groups[i], &cursor));)
            help_row(out, row);
    }
    if (c->example) {
        heading(out, "Examples", colour);
        add_example(out, c->example, "  ");
    }
}

// ---- Markdown

void command_markdown(buf *out, const command_spec *c)
{
    buf_addf(out, "# gatepost %s\n\n%s.\n\n```\n", c->name, c->summary);
    render_usage(out, c);
    buf_addz(out, "\n```\n");
    if (c->about)
        add_paragraphs(out, c->about);
    const char *groups[RENDER_GROUPS_MAX];
    size_t n = render_groups(c->tables, groups);
    for (size_t i = 0; i < n; i++) {
        buf_addf(out, "\n## %s\n\n", groups[i]);
        size_t cursor = 0;
        for (const option_row *row; (row = render_next(c->tables, groups[i], &cursor));) {
            buf_addz(out, "- `");
            render_flag(out, row);
            buf_addf(out, "`: %s", row->help);
            render_notes(out, row);
            if (row->key)
                buf_addf(out, " In `gatepost.yaml`: `%s`.", row->key);
            buf_addc(out, '\n');
        }
    }
    if (c->example) {
        buf_addz(out, "\n## Examples\n\n```\n");
        add_example(out, c->example, "");
        buf_addz(out, "```\n");
    }
}
