#!/usr/bin/env bash
# A fresh machine is the judge: a bare Debian 12 in a folder, this clone, ./dev test. Root; an hour.
set -euo pipefail
top=$(git rev-parse --show-toplevel)
root=$(mktemp -d "${TMPDIR:-/var/tmp}/passerelle-root.XXXXXX")
trap 'umount "$root/proc" "$root/dev" 2>/dev/null || true; rm -rf --one-file-system "$root"' EXIT
chmod 755 "$root"  # tests give up root, and must still get in
debootstrap --variant=minbase bookworm "$root" >/dev/null
cp /etc/apt/sources.list "$root/etc/apt/" 2>/dev/null || true
cp -r /etc/apt/sources.list.d /etc/apt/apt.conf.d "$root/etc/apt/" 2>/dev/null || true
[ -f /root/.npmrc ] && cp /root/.npmrc "$root/root/"
cp /etc/resolv.conf /etc/hosts "$root/etc/" 2>/dev/null || true
# What this machine trusts to reach its registries.
trust=()
if [ -n "${NODE_EXTRA_CA_CERTS:-}" ]; then
  mkdir -p "$root/etc/trust" && cp "$NODE_EXTRA_CA_CERTS" "$root/etc/trust/extra.pem"
  trust=(NODE_EXTRA_CA_CERTS=/etc/trust/extra.pem)
fi
mount --bind /proc "$root/proc"
mount --bind /dev "$root/dev"
git clone -q "$top" "$root/root/passerelle"
chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "${trust[@]}" bash -c 'cd /root/passerelle && ./dev '"${*:-test}"
