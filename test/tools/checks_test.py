# SPDX-License-Identifier: Apache-2.0
"""Every check under tools/ fails on what it is there to find, names the place, and passes without."""
import subprocess
import tempfile
import unittest
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[2] / "tools"
HEAD = "// SPDX-License-Identifier: Apache-2.0\n"


class Check(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.write("src/rooms.txt", "base:\ndata:\nnet:\njose: data\noidc: jose\n")

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run_check(self, tool):
        return subprocess.run([TOOLS / tool, self.root], stdout=subprocess.PIPE, text=True)

    def assert_passes(self, tool):
        done = self.run_check(tool)
        self.assertEqual(done.returncode, 0, done.stdout)

    def assert_finds(self, tool, *lines):
        done = self.run_check(tool)
        self.assertEqual(done.returncode, 1, done.stdout)
        for line in lines:
            self.assertIn(line, done.stdout)


class Floors(Check):
    def include(self, room, line):
        self.write(f"src/{room}/x.c", HEAD + line + "\n")

    def test_allowed(self):
        for room, line in (("oidc", '#include "jose/jose.h"'), ("oidc", '#include "data/data_json.h"'),
                           ("data", '#include "base/str.h"'), ("jose", '#include "jose/key.h"'),
                           ("net", "#include <uv.h>"), ("oidc", "#include <stdio.h>")):
            with self.subTest(line):
                self.include(room, line)
                self.assert_passes("check-floors")

    def test_refused(self):
        for room, line, wrong in (
                ("jose", '#include "oidc/oidc.h"', "'jose' may not include 'oidc'"),
                ("jose", '#  include "net/net.h"', "'jose' may not include 'net'"),
                ("oidc", '#include "jose/key.h"', "private to 'jose'"),
                ("oidc", '#include "oidc.h"', "lacks its room"),
                ("oidc", '#include "nowhere/x.h"', "no room 'nowhere'"),
                ("jose", "#include <uv.h>", "belongs to net"),
                ("jose", "#include <curl/curl.h>", "belongs to fetch")):
            with self.subTest(line):
                self.include(room, line)
                self.assert_finds("check-floors", f"src/{room}/x.c:2: ", wrong)

    def test_room_without_a_line(self):
        self.include("attic", "")
        self.assert_finds("check-floors", "no room 'attic'")

    def test_table_that_climbs(self):
        self.write("src/rooms.txt", "base:\njose: oidc\noidc:\n")
        self.assert_finds("check-floors", "src/rooms.txt:2: 'jose' allows 'oidc'")


class Sizes(Check):
    def function(self, body, parameters="void"):
        self.write("src/base/x.c", f"{HEAD}static int\nf({parameters})\n{{\n{body}}}\n")

    def test_limits(self):
        for body, parameters, wrong in (
                ("    g();\n" * 77, "void", None),
                ("    g();\n" * 78, "void", "f has 81 lines"),
                ("    if (a) g();\n" * 14, "void", None),
                ("    if (a) g();\n" * 15, "void", "f has 16 cyclomatic complexity"),
                ("    x = a && b || c ? d : e;\n" * 5, "void", "f has 16 cyclomatic complexity"),
                ("    VEC_FOREACH(a, b) g();\n" * 15, "void", "f has 16 cyclomatic complexity"),
                ("case A: case B:\n case C: g();\n" * 14, "void", None),
                ("case A: g();\n" * 15, "void", "f has 16 cyclomatic complexity"),
                ('    g("if if } &&", \'{\'); // if && }\n' * 20, "void", None),
                ("", "int a, int b, int c, int d, int e, int f", None),
                ("", "int (*a)(int, int), int b, int c, int d, int e, int f", None),
                ("", "int a, int b, int c, int d, int e, int f, int g", "f has 7 parameters")):
            with self.subTest(body=body[:40], parameters=parameters):
                self.function(body, parameters)
                if wrong:
                    self.assert_finds("check-sizes", f"src/base/x.c:3: {wrong}")
                else:
                    self.assert_passes("check-sizes")

    def test_tables_are_not_functions(self):
        self.write("src/base/x.c", HEAD + "static const int t[] = {\n" + "    F(1),\n" * 99 + "};\n")
        self.assert_passes("check-sizes")

    def test_function_behind_an_attribute(self):
        self.write("src/base/x.c", HEAD + "__attribute__((format(printf, 1, 2))) int f(char *a, ...)\n"
                   "{\n" + "    if (a) g();\n" * 15 + "}\n")
        self.assert_finds("check-sizes", "src/base/x.c:2: f has 16")

    def test_file(self):
        self.write("src/base/x.c", HEAD + "\n" * 800)
        self.assert_finds("check-sizes", "src/base/x.c:1: the file has 801 lines")

    def test_script(self):
        self.write("test/x.test.mjs", HEAD + "\n" * 800)
        self.assert_finds("check-sizes", "test/x.test.mjs:1: the file has 801 lines")


class Style(Check):
    def setUp(self):
        super().setUp()
        clang_format = TOOLS.parent / ".clang-format"
        self.write(".clang-format", clang_format.read_text())

    def test_clean(self):
        self.write("src/base/x.c", HEAD + 'int f(void)\n{\n    return g("strcpy(a)");\n}\n')
        self.assert_passes("check-style")

    def test_format(self):
        self.write("src/base/x.c", HEAD + "int f(void) { return 1; }\n")
        self.assert_finds("check-style", "src/base/x.c:2: not formatted")

    def test_licence(self):
        self.write("src/base/x.c", "int x;\n")
        self.write("tools/y", "#!/bin/sh\necho\n")
        self.assert_finds("check-style", "src/base/x.c:1: the first line isn't the licence",
                          "tools/y:1: the first line isn't the licence")

    def test_banned_call(self):
        self.write("src/base/x.c", HEAD + "int f(char *s)\n{\n    return atoi(s);\n}\n")
        self.assert_finds("check-style", "src/base/x.c:4: atoi is banned")

    def test_codes_and_pages(self):
        self.write("src/base/codes.def", HEAD + 'ERR_CODE(CFG_A, "GP-CFG-01", X, 400, "a")\n'
                   'ERR_CODE(CFG_B, "GP-CFG-02", X, 400, "b")\nERR_CODE(CFG_C, "GP-CFG-02", X, 400, "b")\n'
                   'ERR_CODE(CFG_D, "GP-CFG-04", X, 400, "raised by nobody yet")\n')
        self.write("src/base/x.c", HEAD + "int x = CFG_A + CFG_B;\n")
        self.write("doc/errors/GP-CFG-02.md", "# GP-CFG-02: b\n")
        self.write("doc/errors/GP-CFG-03.md", "text")
        done = self.run_check("check-style")
        self.assertEqual(done.stdout.splitlines(), [
            "src/base/codes.def:2: GP-CFG-01 has no page doc/errors/GP-CFG-01.md",
            "src/base/codes.def:4: GP-CFG-02 is there twice",
            "doc/errors/GP-CFG-03.md:1: no line of src/base/codes.def has this code",
            "check-style: 3 problems"])

    def test_heading_of_a_page(self):
        self.write("src/base/codes.def", HEAD + 'ERR_CODE(CFG_A, "GP-CFG-01", X, 400, "a")\n')
        self.write("doc/errors/GP-CFG-01.md", "# GP-CFG-01: b\n")
        self.assert_finds("check-style", "doc/errors/GP-CFG-01.md:1: the heading isn't '# GP-CFG-01: a'")

    def test_fuzz_target_without_seeds(self):
        self.write("src/base/str_fuzz.c", HEAD)
        self.assert_finds("check-style", "src/base/str_fuzz.c:1: no seeds in test/seeds/base_str/")
        self.write("test/seeds/base_str/one", "x")
        self.assert_passes("check-style")

    def test_download_address(self):
        self.write("test/package-lock.json", '{"a": {\n"resolved": "x"}}')
        self.assert_finds("check-style", "test/package-lock.json:2: a download address")
        self.write("test/package-lock.json", '{"funding": {\n"url": "https://example.org"}}')
        self.assert_passes("check-style")


class Symbols(Check):
    def setUp(self):
        super().setUp()
        self.write("src/base/x.h", HEAD + "struct x {\n    int (*member)(int);\n};\n"
                   "static inline int one(void)\n{\n    return 1;\n}\nCODE_CHECKED f(int a,\n    int b);\n")
        self.write("src/base/x.c", HEAD + "code f(int a, int b)\n{\n    return a + b;\n}\n")
        self.write("src/data/y.c", HEAD + "static int g(void)\n{\n    return f(1, 2);\n}\n")

    def test_used_by_others(self):
        self.assert_passes("check-symbols")

    def test_defined_twice(self):
        self.write("src/net/x.c", HEAD + "code f(int a, int b)\n{\n    return 0;\n}\n")
        self.assert_finds("check-symbols", "src/net/x.c:2: f is also defined at src/base/x.c:2")

    def test_names_that_may_stand_twice(self):
        for name in ("src/net/x.c", "src/jose/x.c"):
            self.write(name, HEAD + "static int g(void)\n{\n    return 0;\n}\nint main(void)\n{\n}\n")
        self.write("src/base/x_test.c", HEAD + "code f(int a, int b)\n{\n    return 0;\n}\n")
        self.assert_passes("check-symbols")

    def test_used_at_home_only(self):
        self.write("src/data/y.c", HEAD)
        self.write("src/base/x.c", HEAD + "code f(int a, int b)\n{\n    return f(a, b);\n}\n")
        self.assert_finds("check-symbols", "src/base/x.h:9: f is used only where it is defined")
        self.write("src/base/x_test.c", HEAD + "int x = f(1, 2);\n")
        self.assert_passes("check-symbols")

    def test_used_by_nothing_but_tests(self):
        wrong = "src/base/x.h:3: f is used by nothing but its room's tests"
        self.write("src/base/x.h", HEAD + "// What it does.\nCODE_CHECKED f(int a, int b);\n")
        self.write("src/data/y.c", HEAD + "// f\n")
        self.write("src/base/x_test.c", HEAD + "int x = f(1, 2);\n")
        self.assert_finds("check-symbols", wrong)
        self.write("src/base/x_test.c", HEAD)
        self.assert_finds("check-symbols", wrong)
        self.write("src/base/x.h", HEAD + "// For tests: what\n// it does.\nCODE_CHECKED f(int a, int b);\n")
        self.assert_passes("check-symbols")
        self.write("src/base/x.h", HEAD + "// What it does.\nCODE_CHECKED f(int a, int b);\n")
        self.write("src/data/y_test.c", HEAD + "int x = f(1, 2);\n")
        self.assert_passes("check-symbols")


if __name__ == "__main__":
    unittest.main()
