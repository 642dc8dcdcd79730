#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Build our modules and tools/testing/selftests/ against Debian's stock kernel
# as a user would: `make KDIR=...`, in a chroot that has that kernel's headers
# and compiler. Prints a folder last:
#
#	overlay/	to lay over the host VM's root, so that modprobe finds ours
#	selftests/	the selftests, built; modprobe must not find their modules,
#			the guest's one has the VF's ids
#	release		the kernel's

. "$(dirname "$0")/lib.sh"

M=$CACHE/modules$VARIANT
OUT=$M/stock

lock modules
root=$("$BENCH/mk-rootfs.sh" host | tail -n 1)
chroot=$("$BENCH/mk-rootfs.sh" build | tail -n 1)
release=$(ls "$root/lib/modules")
[ -d "$chroot/lib/modules/$release/build" ] ||
	die "the build chroot has headers of $(ls "$chroot/lib/modules"), the host runs $release"

copy_sources()
{
	mkdir -p "$M/src"
	{
		module_sources
		(cd "$REPO" && find Makefile tools/testing/selftests -type f \
			! -name '*.ko' ! -name '*.o' ! -name '*.mod*' ! -name '.*' -print0)
	} | rsync -rcp --from0 --files-from=- "$REPO/" "$M/src.new/"
	rsync -rcp --delete "$M/src.new/" "$M/want/"
	rm -rf "$M/src.new"
	# The objects of the last build stay beside the sources.
	(cd "$M/want" && find . -type f) | sort >"$M/files.new"
	[ ! -e "$M/files" ] || comm -13 "$M/files.new" "$M/files" |
		(cd "$M/src" && xargs -r -d '\n' rm -f)
	rsync -rcp "$M/want/" "$M/src/"
	mv "$M/files.new" "$M/files"
}

# All that is mounted goes with the mount namespace.
in_chroot()
{
	# shellcheck disable=SC2016
	unshare -m sh -c '
		c=$1 src=$2 out=$3
		shift 3
		mkdir -p "$c/src" "$c/out"
		mount -t proc proc "$c/proc"
		mount --bind "$src" "$c/src"
		mount --bind "$out" "$c/out"
		exec chroot "$c" "$@"' sh "$chroot" "$M/src" "$M/out" "$@"
}

# selftest_folders FILE: those that have one. A Makefile makes programs, a
# Kbuild test modules.
selftest_folders()
{
	(cd "$M/src" && find tools/testing/selftests -name "$1" -printf '%h\n' 2>/dev/null)
}

build()
{
	local kdir=/lib/modules/$release/build d
	rm -rf "$M/out"
	mkdir -p "$M/out"
	if [ -e "$M/src/Kbuild" ]; then
		in_chroot make -C /src -j"$(nproc)" KDIR="$kdir" || return 1
		# Neither signed nor compressed.
		in_chroot make -C /src KDIR="$kdir" INSTALL_MOD_PATH=/out \
			INSTALL_MOD_STRIP=1 DEPMOD=true CONFIG_MODULE_SIG_ALL= \
			CONFIG_MODULE_COMPRESS_ALL= modules_install || return 1
	fi
	for d in $(selftest_folders Kbuild); do
		in_chroot make -C "$kdir" -j"$(nproc)" M="/src/$d" W=1 \
			modules || return 1
	done
	for d in $(selftest_folders Makefile); do
		in_chroot make -C "/src/$d" || return 1
	done
}

# All of our modules that depmod looks at.
interface()
{
	find "$1" -name '*.ko' 2>/dev/null | sort | while read -r ko; do
		echo "${ko#"$1"}"
		modinfo "$ko" | grep -vE '^(filename|srcversion|sig)'
		nm "$ko" | grep -o '__ksymtab_.*' || :
	done | sha256sum
}

# depmod sees the stock modules through hard links, beside ours.
install_modules()
{
	local lib=lib/modules/$release all=$M/all
	if [ "$(cat "$all/root" 2>/dev/null)" != "$root" ]; then
		rm -rf "$all"
		mkdir -p "$all/$lib"
		cp -al "$root/$lib/kernel" "$all/$lib/"
		cp "$root/$lib"/modules.{order,builtin,builtin.modinfo} "$all/$lib/"
		echo "$root" >"$all/root"
	fi
	rm -rf "$all/$lib/updates" "$OUT.new"
	[ ! -d "$M/out/$lib/updates" ] || cp -r "$M/out/$lib/updates" "$all/$lib/"
	# Ten seconds that most edits do not need.
	k="$root $(interface "$all/$lib/updates")"
	if ! fresh "depmod$VARIANT" "$k" || [ ! -e "$all/$lib/modules.dep.bin" ]; then
		depmod -b "$all" "$release"
		stamp "depmod$VARIANT" "$k"
	fi
	mkdir -p "$OUT.new/overlay/usr/$lib"
	[ ! -d "$all/$lib/updates" ] || cp -r "$all/$lib/updates" "$OUT.new/overlay/usr/$lib/"
	cp "$all/$lib"/modules.* "$OUT.new/overlay/usr/$lib/"
	rsync -rp --exclude='.*' --exclude='*.o' --exclude='*.mod*' \
		"$M/src/tools/testing/selftests" "$OUT.new/"
	echo "$release" >"$OUT.new/release"
	rm -rf "$OUT"
	mv "$OUT.new" "$OUT"
}

mkdir -p "$M/out"
copy_sources
[ -e "$REPO/Kbuild" ] || say "modules: no Kbuild yet, the host VM gets none of ours"
k=$(cd "$M/want" && find . -type f | sort |
	key "$root" "$chroot" "$(declare -f build install_modules)")
if ! fresh "modules$VARIANT" "$k" || [ ! -d "$OUT" ]; then
	run modules-build build
	grep -hE 'warning:' "$LOGS/modules-build.log" || :
	run modules-install install_modules
	stamp "modules$VARIANT" "$k"
fi
echo "$OUT"
