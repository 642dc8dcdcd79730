#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Build our modules, and the test modules of tools/testing/selftests/, against
# Debian's stock kernel as a user would: `make KDIR=...`, in a chroot that has
# that kernel's headers and compiler. Prints a folder last:
#
#	overlay/	to lay over the host VM's root, so that modprobe finds ours
#	tests/		the test modules, which modprobe must not find: the guest's
#			one has the VF's ids
#	release		the kernel's

. "$(dirname "$0")/lib.sh"

M=$CACHE/modules
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
			\( -name '*.[ch]' -o -name Kbuild -o -name Makefile \) -print0)
	} | rsync -rc --from0 --files-from=- "$REPO/" "$M/src.new/"
	rsync -rc --delete "$M/src.new/" "$M/want/"
	# Keep the objects of the last build beside the sources.
	rsync -rc "$M/want/" "$M/src/"
	(cd "$M/src" && find . -type f \( -name '*.[ch]' -o -name Kbuild -o -name Makefile \) \
		! -name '*.mod.c' -print) | while read -r f; do
		[ -e "$M/want/$f" ] || rm "$M/src/$f"
	done
	rm -rf "$M/src.new"
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

# Every folder below the selftests that has a Kbuild is a set of test modules.
test_folders()
{
	(cd "$M/src" && find tools/testing/selftests -name Kbuild -printf '%h\n' 2>/dev/null)
}

build()
{
	local kdir=/lib/modules/$release/build d
	rm -rf "$M/out"
	mkdir -p "$M/out/tests"
	in_chroot make -C /src -j"$(nproc)" KDIR="$kdir" || return 1
	# Neither signed nor compressed.
	in_chroot make -C /src KDIR="$kdir" INSTALL_MOD_PATH=/out \
		INSTALL_MOD_STRIP=1 DEPMOD=true CONFIG_MODULE_SIG_ALL= \
		CONFIG_MODULE_COMPRESS_ALL= modules_install || return 1
	for d in $(test_folders); do
		in_chroot make -C "$kdir" -j"$(nproc)" M="/src/$d" W=1 \
			KBUILD_EXTRA_SYMBOLS=/src/Module.symvers modules || return 1
		find "$M/src/$d" -name '*.ko' -exec cp {} "$M/out/tests/" \; || return 1
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
	if ! fresh depmod "$k" || [ ! -e "$all/$lib/modules.dep.bin" ]; then
		depmod -b "$all" "$release"
		stamp depmod "$k"
	fi
	mkdir -p "$OUT.new/overlay/usr/$lib"
	[ ! -d "$all/$lib/updates" ] || cp -r "$all/$lib/updates" "$OUT.new/overlay/usr/$lib/"
	cp "$all/$lib"/modules.* "$OUT.new/overlay/usr/$lib/"
	cp -r "$M/out/tests" "$OUT.new/"
	echo "$release" >"$OUT.new/release"
	rm -rf "$OUT"
	mv "$OUT.new" "$OUT"
}

mkdir -p "$M/out/tests"
if [ -e "$REPO/Kbuild" ]; then
	copy_sources
	k=$(cd "$M/want" && find . -type f | sort |
		key "$root" "$chroot" "$(declare -f build install_modules)")
else
	say "modules: no Kbuild yet, the host VM gets none of ours"
	k=none-$(basename "$root")
fi
if ! fresh modules "$k" || [ ! -d "$OUT" ]; then
	[ ! -e "$REPO/Kbuild" ] || run modules-build build
	grep -hE 'warning:' "$LOGS/modules-build.log" 2>/dev/null || :
	run modules-install install_modules
	stamp modules "$k"
fi
echo "$OUT"
