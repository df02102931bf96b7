#!/bin/sh
# Installs the distribution's packages that real nodes are made of, where they are missing, and says so.
# The containers of tests and demo run in namespaces of their own; no service of the machine is used, and
# none is started: a policy of ours says so while the packages are installed.
set -eu
missing=''
need() { # file, package
    [ -e "$1" ] || missing="$missing $2"
}
need /usr/bin/containerd containerd
need /usr/bin/crun crun
need /usr/lib/cni/bridge containernetworking-plugins
need /usr/sbin/nft nftables
# The package `busybox` has one that needs libraries, which a container lacks.
if [ ! -e /bin/busybox ] || grep -q /ld-lin /bin/busybox; then missing="$missing busybox-static"; fi
command -v ip >/dev/null 2>&1 || missing="$missing iproute2"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "real nodes need these packages of Debian, or what your distribution calls them:$missing" >&2
    echo "Install them; containers are run as root. Without: NODES=fake" >&2
    exit 1
fi
echo "installing for real nodes:$missing"
POLICY=/usr/sbin/policy-rc.d
if [ ! -e "$POLICY" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$POLICY"
    chmod +x "$POLICY"
    trap 'rm -f "$POLICY"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # words
apt-get install -y -qq --no-install-recommends $missing >/dev/null
