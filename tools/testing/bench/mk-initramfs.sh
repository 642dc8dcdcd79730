#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# mk-initramfs.sh OUT INIT ROOT KVER [MODULE...] [-- FILE...]
#
# An initramfs of busybox, INIT as /init, the named modules of ROOT (a folder
# with lib/modules/KVER) with what they depend on, in loading order, and FILEs
# in /files.

. "$(dirname "$0")/lib.sh"

out=$1 init=$2 root=$3 kver=$4
shift 4
modules=() files=()
while [ $# -gt 0 ]; do
	[ "$1" != -- ] || { shift; files=("$@"); break; }
	modules+=("$1")
	shift
done
busybox=$root/usr/bin/busybox

lock "initramfs-$(basename "$out")"
k=$(printf '%s\n' "$init" "$busybox" "$0" ${files[@]+"${files[@]}"} |
	key "$(readlink -f "$root")" "$kver" "${modules[@]}")
name=initramfs-$(basename "$out")
if fresh "$name" "$k" && [ -e "$out" ]; then
	exit 0
fi

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp"/{bin,dev,proc,sys,run,tmp,modules,files}
cp "$busybox" "$tmp/bin/busybox"
cp "$init" "$tmp/init"
chmod +x "$tmp/init"
[ ${#files[@]} -eq 0 ] || cp -r "${files[@]}" "$tmp/files/"

: >"$tmp/modules/order"
for m in "${modules[@]}"; do
	modprobe -d "$root" -S "$kver" --show-depends "$m" >"$tmp/deps" ||
		die "no module $m in $root"
	while read -r verb file _; do
		[ "$verb" = insmod ] || continue
		ko=$(basename "$file")
		ko=${ko%.xz}
		[ ! -e "$tmp/modules/$ko" ] || continue
		case $file in
		*.xz) xz -dc "$file" >"$tmp/modules/$ko" ;;
		*) cp "$file" "$tmp/modules/$ko" ;;
		esac
		echo "$ko" >>"$tmp/modules/order"
	done <"$tmp/deps"
	rm "$tmp/deps"
done

mkdir -p "$(dirname "$out")"
(cd "$tmp" && find . | cpio -o -H newc --quiet | gzip -1) >"$out.new"
mv "$out.new" "$out"
stamp "$name" "$k"
