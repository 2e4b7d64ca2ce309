// SPDX-License-Identifier: Apache-2.0
// Completion for bash and zsh. Command names may have two words: "audit query".
#include <string.h>

#include "data/render.h"

static void add_words(buf *out, const command_spec *c)
{
    size_t cursor = 0;
    for (const option_row *row; (row = table_next(c->tables, &cursor));) {
        if (row->letter)
            buf_addf(out, "-%c ", row->letter);
        buf_addf(out, "--%s ", row->name);
    }
}

// The words at that place of all command names: first words once, or the second words after one.
static void add_verbs(buf *out, const command_spec *const *commands, size_t count, str first)
{
    for (size_t i = 0; i < count; i++) {
        str head, tail;
        str_cut(str_from(commands[i]->name), ' ', &head, &tail);
        bool repeated = false;
        for (size_t j = 0; j < i; j++) {
            str other, rest;
            str_cut(str_from(commands[j]->name), ' ', &other, &rest);
            repeated = repeated || str_eq(other, head);
        }
        if (first.len == 0 && !repeated)
            buf_addf(out, STR_FMT " ", STR_ARG(head));
        else if (first.len && str_eq(head, first) && tail.len)
            buf_addf(out, STR_FMT " ", STR_ARG(tail));
    }
}

static void bash_choices(buf *out, const command_spec *c)
{
    size_t cursor = 0;
    for (const option_row *row; (row = table_next(c->tables, &cursor));) {
        if (row->kind != OPTION_CHOICE)
            continue;
        const char *rest = row->choices;
        buf_addf(out, "        '%s --%s') words='", c->name, row->name);
        for (str choice; choice_next(&rest, &choice);)
            buf_addf(out, STR_FMT " ", STR_ARG(choice));
        buf_addz(out, "' ;;\n");
    }
}

void commands_bash(buf *out, const command_spec *const *commands, size_t count)
{
    buf_addz(out, "# bash completion for gatepost\n"
                  "_gatepost() {\n"
                  "    local current=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD-1]}\n"
                  "    local verb=${COMP_WORDS[1]} words=\n"
                  "    COMPREPLY=()\n"
                  "    if ((COMP_CWORD == 1)); then\n"
                  "        words='");
    add_verbs(out, commands, count, STR_NONE);
    buf_addz(out, "'\n"
                  "        COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
                  "        return\n"
                  "    fi\n"
                  "    case $verb in\n");
    for (size_t i = 0; i < count; i++) {
        str head, tail;
        if (!str_cut(str_from(commands[i]->name), ' ', &head, &tail))
            continue;
        bool seen = i > 0 && str_starts(str_from(commands[i - 1]->name), head) &&
                    commands[i - 1]->name[head.len] == ' ';
        if (seen)
            continue;
        buf_addf(out, "        " STR_FMT ") verb+=\" ${COMP_WORDS[2]}\"\n", STR_ARG(head));
        buf_addz(out, "            if ((COMP_CWORD == 2)); then\n"
                      "                COMPREPLY=($(compgen -W '");
        add_verbs(out, commands, count, head);
        buf_addz(out, "' -- \"$current\"))\n"
                      "                return\n"
                      "            fi ;;\n");
    }
    buf_addz(out, "    esac\n"
                  "    case \"$verb $last\" in\n");
    for (size_t i = 0; i < count; i++)
        bash_choices(out, commands[i]);
    buf_addz(out, "    esac\n"
                  "    [[ $words ]] || case $verb in\n");
    for (size_t i = 0; i < count; i++) {
        buf_addf(out, "        '%s') words='", commands[i]->name);
        add_words(out, commands[i]);
        buf_addz(out, "' ;;\n");
    }
    buf_addz(out, "    esac\n"
                  "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
                  "    [[ $current == -* ]] || COMPREPLY+=($(compgen -f -- \"$current\"))\n"
                  "}\n"
                  "complete -o filenames -F _gatepost gatepost\n");
}

// ---- zsh

// Text inside '…[…]': quotes, brackets and colons are special.
static void add_zsh(buf *out, const char *text)
{
    for (const char *p = text; *p; p++) {
        if (*p == '\'')
            buf_addz(out, "'\\''");
        else if (strchr("[]:\\", *p))
            buf_addf(out, "\\%c", *p);
        else
            buf_addc(out, *p);
    }
}

static void zsh_action(buf *out, const option_row *row)
{
    const char *rest = row->choices;
    if (!option_takes_value(row))
        return;
    buf_addz(out, row->optional ? "::" : ":");
    add_zsh(out, row->kind == OPTION_CHOICE ? "choice" : option_value_name(row));
    buf_addc(out, ':');
    if (row->kind == OPTION_CHOICE) {
        buf_addc(out, '(');
        for (str choice; choice_next(&rest, &choice);)
            buf_addf(out, STR_FMT " ", STR_ARG(choice));
        buf_addc(out, ')');
    } else if (row->value && strstr(row->value, "FILE")) {
        buf_addz(out, "_files");
    } else if (row->value && strstr(row->value, "DIR")) {
        buf_addz(out, "_files -/");
    }
}

static void zsh_row(buf *out, const option_row *row)
{
    const char *star = row->repeat ? "*" : "";
    const char *after = row->optional ? "=-" : option_takes_value(row) ? "=" : "";
    for (int letter = row->letter ? 1 : 0; letter >= 0; letter--) {
        if (letter)
            buf_addf(out, "            '%s-%c[", star, row->letter);
        else
            buf_addf(out, "            '%s--%s%s[", star, row->name, after);
        add_zsh(out, row->help);
        buf_addc(out, ']');
        zsh_action(out, row);
        buf_addz(out, "' \\\n");
    }
}

void commands_zsh(buf *out, const command_spec *const *commands, size_t count)
{
    buf_addz(out, "#compdef gatepost\n"
                  "_gatepost() {\n"
                  "    local verb=$words[2]\n"
                  "    if ((CURRENT == 2)); then\n"
                  "        compadd -- ");
    add_verbs(out, commands, count, STR_NONE);
    buf_addz(out, "\n        return\n"
                  "    fi\n"
                  "    shift words\n"
                  "    ((CURRENT--))\n"
                  "    case $verb in\n");
    for (size_t i = 0; i < count; i++) {
        str head, tail;
        bool two = str_cut(str_from(commands[i]->name), ' ', &head, &tail);
        if (!two || (i > 0 && str_starts(str_from(commands[i - 1]->name), head)))
            continue;
        buf_addf(out, "    " STR_FMT ")\n        if ((CURRENT == 2)); then compadd -- ",
                 STR_ARG(head));
        add_verbs(out, commands, count, head);
        buf_addz(out, "; return; fi\n"
                      "        verb+=\" $words[2]\"\n"
                      "        shift words\n"
                      "        ((CURRENT--)) ;;\n");
    }
    buf_addz(out, "    esac\n"
                  "    case $verb in\n");
    for (size_t i = 0; i < count; i++) {
        buf_addf(out, "    '%s')\n        _arguments \\\n", commands[i]->name);
        size_t cursor = 0;
        for (const option_row *row; (row = table_next(commands[i]->tables, &cursor));)
            zsh_row(out, row);
        buf_addz(out, "            '*:file:_files' ;;\n");
    }
    buf_addz(out, "    esac\n"
                  "}\n"
                  "_gatepost \"$@\"\n");
}
