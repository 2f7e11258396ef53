# The front door. CMakeLists.txt says how things are built; here is what one wants from them.
#
# Variables: PLAN=quick (bench), RESULTS=the newest folder (report), PREFIX=/usr/local and DESTDIR (install), BUILD=build,
# BUILD_TYPE=Release, CMAKE_FLAGS, JOBS=all CPUs (build), TEST_JOBS=3 (test: its programs mostly wait),
# FUZZ_SECONDS=60 (fuzz), STUDY=a file for its result (study).

PLAN ?= quick
BUILD ?= build
BUILD_TYPE ?= Release
JOBS ?= $(shell nproc)
TEST_JOBS ?= 3
PREFIX ?= /usr/local
RESULTS ?= $(lastword $(sort $(wildcard results/[0-9]*Z-*)))

help: ## this list
	@echo "clusterbench: a laboratory of server clustering strategies. make TARGET, with:"
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## install what is missing to build, test and plot (Debian, Ubuntu)
	@scripts/deps build

deps-quiet:
	@scripts/deps --quiet build

deps-lint:
	@scripts/deps --quiet build lint

build: deps-quiet ## build all programs into build/bin
	@mkdir -p $(BUILD)
	@cmake -S . -B $(BUILD) -DCMAKE_BUILD_TYPE=$(BUILD_TYPE) $(CMAKE_FLAGS) >$(BUILD)/configure.log 2>&1 || { cat $(BUILD)/configure.log; exit 1; }
	@cmake --build $(BUILD) -j $(JOBS) -- --no-print-directory -s

bench: build ## measure all strategies, draw the report: PLAN=smoke, quick (default), full, peers
	$(BUILD)/bin/clusterbench run --plan $(PLAN)

bench-messages: build ## what a message between workers costs: round trips, rates, CPU time (5 seconds, a quiet machine)
	$(BUILD)/bin/message_bench

peers: ## install the servers of others that plan peers runs beside ours: nginx, HAProxy, Node (apt), PM2 (npm, into build/)
	@BUILD=$(BUILD) scripts/deps peers

test: build ## build, then run every test
	@ctest --test-dir $(BUILD) --output-on-failure --no-tests=error -j $(TEST_JOBS) || \
	    { grep -a '^failed: ' $(BUILD)/Testing/Temporary/LastTest.log; exit 1; }

test-fault: build ## faults at full length, 20 reloads and 10 kills a strategy, and what they cost (8 minutes)
	@scripts/fault-figures $(BUILD)

truth: build ## hold loadgen against a server whose deeds are known; wrk and ab beside it (3 minutes, a quiet machine)
	$(BUILD)/bin/truth table pacing ports stop

soak: build ## loadgen's memory and descriptors in long and in wide runs; a study in small (6 minutes)
	$(BUILD)/bin/truth soak
	@scripts/study --quick --build $(BUILD)

truth-studies: build ## do --compare and --find-max keep their promises? (9 minutes, a quiet machine)
	@scripts/find-max-study 2s $(BUILD)
	@scripts/compare-study 20 10 250ms $(BUILD)

study: build ## does the verdict keep its promise? A/A and planted handicaps in 50 runs (30 minutes, a quiet machine)
	@scripts/study --build $(BUILD) $(if $(STUDY),-o $(STUDY))

lint: deps-lint ## layout, static analysis, shell and plot scripts, no warnings from gcc and clang
	@scripts/lint

sanitize: deps-quiet ## the tests under AddressSanitizer, UBSan and ThreadSanitizer
	@scripts/sanitize

fuzz: ## look for inputs that break the parsers: FUZZ_SECONDS=60 for each of them
	@scripts/deps --quiet build fuzz
	@scripts/fuzz

report: build ## draw the newest results again: RESULTS=DIR for others
	@test -n "$(RESULTS)" || { echo "report: there are no results yet; make bench measures some" >&2; exit 1; }
	$(BUILD)/bin/clusterbench report $(RESULTS)

install: build ## install below PREFIX (/usr/local); DESTDIR is honoured
	cmake --install $(BUILD) --prefix $(PREFIX)

clean: ## remove what was built; results stay
	rm -rf $(BUILD) build-asan build-tsan build-fuzz build-lint-gcc build-lint-clang

.PHONY: help deps deps-quiet deps-lint build bench bench-messages peers test test-fault truth truth-studies soak study lint sanitize fuzz report install clean
