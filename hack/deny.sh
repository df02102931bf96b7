#!/bin/sh
# cargo deny: licences, sources, banned crates; advisories too where their database can be reached.
set -eu
VERSION=0.20.2
CACHE=${PORTOLAN_CACHE:-$HOME/.cache/portolan}
TOOL=$CACHE/tools/cargo-deny-$VERSION/bin/cargo-deny

if [ ! -x "$TOOL" ]; then
    echo "building cargo-deny $VERSION, once (about 3 minutes on two cores)" >&2
    CARGO_TARGET_DIR=$CACHE/tools/build cargo install --quiet --locked \
        --root "$CACHE/tools/cargo-deny-$VERSION" "cargo-deny@$VERSION" >&2
    rm -rf "$CACHE/tools/build"
fi
"$TOOL" check --hide-inclusion-graph bans licenses sources
if timeout 60 "$TOOL" fetch db >/dev/null 2>&1; then
    "$TOOL" check --hide-inclusion-graph advisories
else
    echo 'advisories NOT checked: the advisory database cannot be reached from here' >&2
fi
