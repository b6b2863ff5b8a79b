#!/bin/bash
# All tests: formats and lints, unit tests of every crate, tests with real VMs. Prints one line for each step and, at
# the very end, `N passed, N failed`. Nothing is left out silently: a step that cannot run here fails, or, for a tool
# that the distribution does not package, is named as not run.
set -uo pipefail
cd "$(dirname "$0")/.."
cargo=tools/cargo passed=0 failed=0 failures=() not_run=()
log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT
start=$SECONDS

# Runs a step whose only result is its exit status.
step() { # name, command...
    local name=$1 began=$SECONDS
    shift
    if "$@" >"$log/out" 2>&1; then
        passed=$((passed + 1))
        printf 'ok      %-34s %4d s\n' "$name" $((SECONDS - began))
    else
        failed=$((failed + 1)) failures+=("$name")
        printf 'FAILED  %-34s %4d s\n' "$name" $((SECONDS - began))
        tail -n 60 "$log/out"
    fi
}

# Runs cargo test and adds up what its result lines say.
tests() { # name, cargo test arguments...
    local name=$1 began=$SECONDS status=0 ok bad
    shift
    "$cargo" test --quiet --no-fail-fast "$@" >"$log/out" 2>&1 || status=$?
    ok=$(sed -n 's/^test result: .* \([0-9]*\) passed; .*/\1/p' "$log/out" | awk '{n += $1} END {print n + 0}')
    bad=$(sed -n 's/^test result: .* \([0-9]*\) failed; .*/\1/p' "$log/out" | awk '{n += $1} END {print n + 0}')
    if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
    if grep -q '[1-9][0-9]* ignored' "$log/out"; then bad=$((bad + 1)); echo "ignored tests are not allowed" >>"$log/out"; fi
    passed=$((passed + ok)) failed=$((failed + bad))
    while IFS= read -r line; do not_run+=("$line"); done < <(sed -n 's/^not run: //p' "$log/out")
    if [ "$bad" -eq 0 ] && [ "$ok" -gt 0 ]; then
        printf 'ok      %-34s %4d s  %d tests\n' "$name" $((SECONDS - began)) "$ok"
    else
        [ "$bad" -gt 0 ] || failed=$((failed + 1))
        failures+=("$name")
        printf 'FAILED  %-34s %4d s  %d passed, %d failed\n' "$name" $((SECONDS - began)) "$ok" "$bad"
        tail -n 150 "$log/out"
    fi
}

optional() { # cargo subcommand, name, arguments...
    local subcommand=$1 name=$2
    shift 2
    if "$cargo" "$subcommand" --version >/dev/null 2>&1; then
        step "$name" "$cargo" "$subcommand" "$@"
    else
        not_run+=("$name: cargo $subcommand is not installed here")
    fi
}

optional fmt "format" --all --check
optional clippy "lints, kernel" --quiet -p unirank-kernel -- -D warnings
optional clippy "lints" --quiet --workspace --exclude unirank-kernel --all-targets -- -D warnings
optional deny "licences and sources of dependencies" check licenses bans sources
# One thread: the kernel has one kernel lock, and its cells none of their own.
tests "unit tests: kernel" -p unirank-kernel -- --test-threads=1
tests "unit tests: ivc" -p unirank-ivc
tests "proofs: ivc" --config 'build.rustflags=["--cfg","loom"]' --target-dir target/loom -p unirank-ivc --release proofs
tests "unit tests: hca" -p unirank-hca --all-features
tests "unit tests: host backend" -p unirank-host-backend
tests "unit tests: hermit" -p unirank-hermit
tests "unit tests: mpi" -p unirank-mpi -p unirank-mpi-bindings
tests "unit tests: images" -p unirank-images
tests "unit tests: unirank" -p unirank
step "wrappers in build systems" tools/test-wrappers.sh
step "the kernel alone" tools/cargo --with kernel/boot-test/run.sh build/lib/unirank/kernel.o
tests "virtual machines" -p unirank-qemu-tests

echo
echo "took $((SECONDS - start)) s"
for name in "${not_run[@]}"; do echo "not run: $name"; done
for name in "${failures[@]}"; do echo "failed: $name"; done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
