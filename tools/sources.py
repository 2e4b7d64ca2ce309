# SPDX-License-Identifier: Apache-2.0
"""What the checks share: the list of C files, C without its comments and strings, and reporting."""
import re
import sys
from pathlib import Path

# A comment, a string or a character constant; a preprocessor line with its continuations.
NOT_CODE = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)
ATTRIBUTE = re.compile(r"__attribute__\s*\(\(.*?\)\)(?=[^)]|$)", re.S)
SIGNATURE = re.compile(r"(\w+)\s*\(")
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)


def root_argument():
    """The tree to check: the first argument (the tests of the checks give one), or this one."""
    return Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()


def c_files(root):
    return sorted(p for p in (root / "src").rglob("*.[ch]"))


def blank(text):
    """As many spaces, on as many lines."""
    return re.sub(r"[^\n]", " ", text)


def blank_match(match):
    """The same for a match; quotes stay, so that an argument remains an argument."""
    text = match.group()
    if text[0] in "\"'":
        return text[0] + " " * (len(text) - 2) + text[0]
    return blank(text)


def without_comments(text):
    """The code, line by line where it was, with comments and the inside of strings blanked."""
    return NOT_CODE.sub(blank_match, text)


def code_only(text):
    """without_comments, and without preprocessor lines."""
    return DIRECTIVE.sub(blank_match, without_comments(text))


def blocks(code):
    """(text before, start, end) of every brace block that isn't inside another."""
    depth = before = 0
    for match in re.finditer(r"[{};]", code):
        at = match.start()
        if match.group() == "{":
            depth += 1
            if depth == 1:
                start = at
        elif match.group() == "}":
            depth -= 1
            if depth == 0:
                yield before, start, at
                before = at + 1
        elif depth == 0:
            before = at + 1


def signature_in(head):
    """The name and the opening parenthesis of the function that `head` declares, or None."""
    return SIGNATURE.search(ATTRIBUTE.sub(blank_match, head))


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def finish(tool, problems):
    """Print what is wrong, one line each, and end the program."""
    for problem in problems:
        print(problem)
    print(f"{tool}: {len(problems) or 'no'} problem{'' if len(problems) == 1 else 's'}")
    sys.exit(bool(problems))
