#!/bin/sh
# All checks and tests. Every step runs, whatever the steps before came to; the last line counts what
# the runners reported, and each check beside them as one.
set -u
FEATURES="--features portolan-controller/fail-points"
LOG=$(mktemp)
passed=0
failed=0
trap 'rm -f "$LOG"' EXIT

step() { # name, command…
    name=$1
    shift
    printf '\n── %s\n' "$name"
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED: %s\n' "$name"
    fi
}

tests() { # name, arguments of cargo test…
    name=$1
    shift
    printf '\n── %s\n' "$name"
    # The output is shown and kept; the pipe's last status is tee's, so cargo's own goes into a file.
    { cargo test $FEATURES --no-fail-fast "$@" 2>&1; echo $? >"$LOG.status"; } | tee "$LOG"
    counts=$(awk '/^test result:/ { p += $4; f += $6 } END { print p + 0, f + 0 }' "$LOG")
    passed=$((passed + ${counts% *}))
    failed=$((failed + ${counts#* }))
    # A test program that did not compile or crashed reports nothing.
    if [ "$(cat "$LOG.status")" -ne 0 ] && [ "${counts#* }" -eq 0 ]; then
        failed=$((failed + 1))
        printf 'FAILED: %s (a test program did not run to its end)\n' "$name"
    fi
    rm -f "$LOG.status"
}

# Tests make network namespaces with `ip`, and run real pods where that is possible.
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
    hack/nodes.sh || echo 'the tests on real pods will fail: what they need cannot be installed'
fi

step "formatting" cargo fmt --all --check
step "programs" cargo build --workspace --bins $FEATURES
step "clippy" cargo clippy --workspace --all-targets $FEATURES --quiet -- -D warnings
step "server programs (the first time about 10 minutes)" target/debug/portolan-testbed build
tests "tests" --workspace
step "dependencies" hack/deny.sh

nodes=$(target/debug/portolan-testbed nodes)
[ "$nodes" = real ] || printf '\nnot covered here, real pods: %s\n' "$nodes"
printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
