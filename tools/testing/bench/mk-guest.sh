#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What a guest with NVIDIA's own driver boots from: Debian's packages of the
# driver's source and tools and of a kernel, unpacked; nvidia.ko built with
# GRID_BUILD=1, the driver's code for vGPUs. Nothing is installed. Prints a
# folder last:
#
#	vmlinuz		the guest's kernel
#	initrd.gz	busybox, init-nvidia, nvidia.ko and what it needs, nvidia-smi, rm-copy
#	initrd-cuda.gz	the same with nvidia-uvm.ko, CUDA's library and cuda-copy
#	versions	of the packages, one a line
#
# It is made again when a version that it takes or this script changes, its
# the initrds also when init-nvidia or the host VM's root does.

. "$(dirname "$0")/lib.sh"
. "$BENCH/apt.sh"
apt_of_guest

G=$CACHE/guest
VARIANT=${BENCH_NEWEST:+.newest}
chosen=(nvidia-open-kernel-dkms nvidia-smi libnvidia-ml1 libcuda1
	guest/linux-image-amd64 guest/linux-headers-amd64)

# The headers' common part and kbuild's tools are of the same source.
headers_rest()
{
	local headers
	headers=$(grep ^linux-headers- <<<"$taken")
	tcache show "$headers" | sed -n 's/^Depends: //p' | tr -s ', ' '\n' |
		grep -E '^linux-(headers-.*-common|kbuild-)' | sed "s/\$/=${headers#*=}/"
}

# Packages stay, for the next time that this script is edited.
fetch()
{
	local rest
	rest=$(headers_rest)
	[ -n "$rest" ] || die "guest: the kernel's headers depend on nothing known"
	rm -rf "$G/debs.new"
	mkdir -p "$G/debs.new"
	# shellcheck disable=SC2086
	(cd "$G/debs.new" && run guest-packages tapt download $taken $rest)
	echo "$taken" >"$G/debs.new/taken"
	rm -rf "$G/debs"
	mv "$G/debs.new" "$G/debs"
}

unpack()
{
	local deb
	for deb in "$G"/debs/*.deb; do
		dpkg-deb -x "$deb" "$tree" || return 1
	done
}

# As Debian's dkms.conf has it, but for the driver's switch and the modules for
# displays and peers. The headers name the compiler of their release, gcc-12.
build()
{
	local headers=$tree/usr/src/linux-headers-$release
	local modules="nvidia-drm nvidia-modeset nvidia-peermem"
	# They find their common part where they would be installed.
	sed -i "s|/usr/src/|$tree/usr/src/|" "$headers/Makefile"
	nice -n 5 make -C "$source" -j"$(nproc)" GRID_BUILD=1 \
		NV_EXCLUDE_KERNEL_MODULES="$modules" \
		SYSSRC="$tree/usr/src/linux-headers-${release%-amd64}-common" \
		SYSOUT="$headers" modules || return 1
	grep -qx '#define NV_GRID_BUILD' "$source/conftest/generic.h" ||
		{ echo "error: built without GRID_BUILD"; return 1; }
	strip -g "$source/nvidia.ko" "$source/nvidia-uvm.ko"
}

# Both modules, those for the power button, and what they depend on, as a root folder with modules.
install_tree()
{
	local lib=lib/modules/$release verb file
	install -D -m 644 -t "$tree/$lib/updates" "$source/nvidia.ko" "$source/nvidia-uvm.ko"
	depmod -b "$tree" "$release"
	mkdir -p "$out.new/$lib" "$out.new/files" "$out.new/cuda"
	cp "$tree/$lib"/modules.{order,builtin,builtin.modinfo} "$out.new/$lib/"
	modprobe -d "$tree" -S "$release" -a --show-depends nvidia-uvm button evdev >"$tree/deps"
	while read -r verb file _; do
		[ "$verb" != insmod ] ||
			install -D -m 644 "$file" "$out.new/${file#"$tree"}"
	done <"$tree/deps"
	depmod -b "$out.new" "$release"
	cp "$tree/boot/vmlinuz-$release" "$out.new/vmlinuz"
	cp "$tree/usr/lib/nvidia/current/nvidia-smi" "$out.new/files/"
	cp "$tree"/usr/lib/*/nvidia/current/libnvidia-ml.so.*.* "$out.new/files/libnvidia-ml.so.1"
	cp "$tree"/usr/lib/*/nvidia/current/libcuda.so.*.* "$out.new/cuda/libcuda.so.1"
	echo "$taken" >"$out.new/versions"
}

# The programs' C library, and busybox, are those of the host VM.
initrds()
{
	local libs=$root/usr/lib/x86_64-linux-gnu
	local files=("$out"/files/* "$libs"/lib{c.so.6,m.so.6,dl.so.2,rt.so.1,pthread.so.0}
		"$libs/ld-linux-x86-64.so.2" "$out/rm-copy")
	local program
	mkdir -p "$out/usr/bin"
	cmp -s "$root/usr/bin/busybox" "$out/usr/bin/busybox" ||
		cp "$root/usr/bin/busybox" "$out/usr/bin/busybox"
	for program in cuda-copy rm-copy; do
		gcc -O1 -Wall -Wextra -Werror -o "$out/$program.new" "$BENCH/$program.c" -ldl
		cmp -s "$out/$program.new" "$out/$program" ||
			cp "$out/$program.new" "$out/$program"
	done
	"$BENCH/mk-initramfs.sh" "$out/initrd.gz" "$BENCH/init-nvidia" "$out" "$release" nvidia \
		button evdev -- \
		"${files[@]}"
	"$BENCH/mk-initramfs.sh" "$out/initrd-cuda.gz" "$BENCH/init-nvidia" "$out" "$release" \
		nvidia nvidia-uvm button evdev -- "${files[@]}" "$out"/cuda/* "$out/cuda-copy"
}

folder()
{
	release=$(sed -n 's/^linux-image-\(.*\)=.*/\1/p' <<<"$taken")
	out=$CACHE/guest-driver-$(key "$taken" \
		"$(declare -f headers_rest unpack build install_tree)" </dev/null)
}

lock guest-driver
out=
if taken=$(as_tried "${chosen[@]}"); then
	folder
fi
if [ ! -d "$out" ]; then
	if [ "$(cat "$G/debs/taken" 2>/dev/null)" != "${taken:-?}" ]; then
		apt_lists
		taken=$(for what in "${chosen[@]}"; do apt_take "$what"; done)
		folder
	fi
	if [ ! -d "$out" ]; then
		tree=$CACHE/guest/tree
		trap 'rm -rf "$tree" "$out.new"' EXIT
		rm -rf "$tree" "$out.new"
		mkdir -p "$tree"
		[ "$(cat "$G/debs/taken" 2>/dev/null)" = "$taken" ] || fetch
		run guest-unpack unpack
		source=$(echo "$tree"/usr/src/nvidia-*)
		run guest-driver build
		run guest-install install_tree
		mv "$out.new" "$out"
	fi
fi
root=$("$BENCH/mk-rootfs.sh" host | tail -n 1)
initrds
ln -sfn "$out" "$CACHE/guest-driver$VARIANT"
for old in "$CACHE"/guest-driver-*; do
	case $(readlink "$CACHE"/guest-driver "$CACHE"/guest-driver.newest) in
	*"$old"*) ;;
	*) rm -rf "$old" ;;
	esac
done
say "guest-driver: ${taken//$'\n'/, }"
echo "$out"
