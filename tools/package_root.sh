#!/usr/bin/env bash
# package_root.sh DEB: the package in a bare Debian 12: installs, answers there as its own user, and leaves nothing. Root; minutes.
set -euo pipefail
deb=$(realpath "$1")
root=$(mktemp -d "${TMPDIR:-/var/tmp}/passerelle-package.XXXXXX")
trap 'umount "$root/proc" "$root/dev" 2>/dev/null || true; rm -rf --one-file-system "$root"' EXIT
chmod 755 "$root"
debootstrap --variant=minbase bookworm "$root" >/dev/null
cp /etc/apt/sources.list "$root/etc/apt/" 2>/dev/null || true
cp -r /etc/apt/sources.list.d /etc/apt/apt.conf.d "$root/etc/apt/" 2>/dev/null || true
cp /etc/resolv.conf /etc/hosts "$root/etc/" 2>/dev/null || true
mount --bind /proc "$root/proc"
mount --bind /dev "$root/dev"
cp "$deb" "$root/root/passerelle.deb"
cat >"$root/root/try.sh" <<'T'
set -eu
export DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8
fail() { echo "package: $*" >&2; exit 1; }
apt-get update -qq 2>/dev/null
apt-get install -y -qq --no-install-recommends /root/passerelle.deb >/dev/null 2>&1 || fail "it does not install"
passerelle check /etc/passerelle/gateway.json
# On loopback alone, and on a port that needs the right.
echo '{ "frontendIPConfigurations": { "*": "127.0.0.1" }, "frontendPorts": { "80": 943 }, "backendAddresses": { "*": "127.0.0.1:9437" } }' >/etc/passerelle/passerelle.local.json
passerelle backend --listen 127.0.0.1:9437 & backend=$!
passerelle run /etc/passerelle/gateway.json --admin 127.0.0.1:9438 --access-log off 2>/root/run.txt & gateway=$!
answer() { bash -c 'exec 3<>/dev/tcp/127.0.0.1/943; printf "GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" >&3; cat <&3' 2>/dev/null; }
for _ in $(seq 100); do answer | grep -q "^HTTP/1.1 200 " && break; sleep 0.1; done
answer | grep -q "^HTTP/1.1 200 " || { cat /root/run.txt; fail "it does not answer"; }
[ "$(stat -c %U "/proc/$gateway")" = passerelle ] || fail "it runs as $(stat -c %U "/proc/$gateway")"
kill "$gateway"; wait "$gateway" || fail "it ends with $?"
kill "$backend"; rm /etc/passerelle/passerelle.local.json
[ -s /usr/share/man/man1/passerelle-run.1.gz ] || fail "no manual page"
[ -s /usr/share/bash-completion/completions/passerelle ] || fail "no completion"
apt-get purge -y -qq passerelle >/dev/null 2>&1 || fail "it is not removed"
[ ! -e /usr/bin/passerelle ] || fail "it is still there"
ls /etc/passerelle /var/lib/passerelle 2>/dev/null && fail "its files are still there"
getent passwd passerelle && fail "its user is still there"
echo "package: installed, answered, and removed"
T
chroot "$root" bash /root/try.sh
