# Each target is a step of .ci/run, where the commands stand.

.PHONY: help ci test race fips lint fuzz bench campaign interop browser generate apidiff release

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

ci: ## all that CI runs
	@.ci/run

test: ## the README's commands, all examples and nested modules; counts of allocations, dials and writes
race: ## the tests with the race detector
fips: ## the root package's tests in FIPS 140-only mode
lint: ## gofmt, go mod tidy and verify, go vet, golangci-lint, in all modules
fuzz: ## every fuzz target; they share FUZZ_SECONDS, 100 unless set
bench: ## the counts, then the table of benchmarks/, nine minutes; some rows with ROWS='get|post'
campaign: ## 20,000 calls and 1,500 challenges against a faulty simulator, with the figures of docs/faults.md
interop: ## JWE exchanged with two JavaScript libraries, and the lines that wisesim prints, run; installs Node and npm where missing
browser: ## wisesim's page in Chromium, with screenshots; installs Chromium where missing
generate: ## go generate in all modules
apidiff: ## the public API against the last release's; RELEASING.md has the rule
release: ## the modules as users will get them: tagged in a copy, imported and installed from there

test race fips lint fuzz bench campaign interop browser generate apidiff release:
	@.ci/run $@
