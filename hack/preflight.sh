#!/bin/sh
# Checks for what the project cannot install by itself, and says what is missing.
set -u
missing=0

need() { # program, what it is for, how to get it
    if ! command -v "$1" >/dev/null 2>&1; then
        printf 'missing: %s (%s). Install it: %s\n' "$1" "$2" "$3" >&2
        missing=1
    fi
}

need cargo "compiles Portolan" "https://rustup.rs"
need go "builds the Kubernetes, git and registry servers of tests and demo" "https://go.dev/dl, 1.26 or newer"
need git "serves repositories in tests" "your distribution's package git"
need make "runs the targets" "your distribution's package make"
need perl "configures OpenSSL for libgit2" "your distribution's package perl"
if ! command -v cc >/dev/null 2>&1 && ! command -v gcc >/dev/null 2>&1; then
    echo 'missing: a C compiler (compiles libgit2, OpenSSL and sqlite). Install it: gcc or clang' >&2
    missing=1
fi
if [ "$missing" -ne 0 ]; then
    echo 'Nothing was started. Install what is missing and call the same command again.' >&2
    exit 1
fi
