#!/bin/sh
# Installs the distribution's packages that real nodes are made of, where they are missing, and says so.
# The containers of tests and demo run in namespaces of their own; no service of the machine is used.
set -eu
missing=''
need() { # file, package
    [ -e "$1" ] || missing="$missing $2"
}
need /usr/bin/containerd containerd
need /usr/bin/crun crun
need /usr/lib/cni/bridge containernetworking-plugins
need /usr/sbin/nft nftables
need /bin/busybox busybox-static
command -v ip >/dev/null 2>&1 || missing="$missing iproute2"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "real nodes need these packages of Debian, or what your distribution calls them:$missing" >&2
    echo "Install them; containers are run as root. Without: NODES=fake" >&2
    exit 1
fi
echo "installing for real nodes:$missing"
apt-get update -qq
# shellcheck disable=SC2086 # words
apt-get install -y -qq --no-install-recommends $missing >/dev/null
