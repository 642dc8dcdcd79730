#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# mk-rootfs.sh host	the hypervisor: Debian trixie with backports' stock
#			kernel, QEMU, libvirt and the GPU's real firmware
# mk-rootfs.sh build	a chroot with that kernel's headers and compiler
#
# Prints the folder last. It is made again when the package list, a version on
# the mirror or this script changes.

. "$(dirname "$0")/lib.sh"
. "$BENCH/apt.sh"

case ${1:-} in
host)
	packages=(linux-image-amd64 firmware-nvidia-graphics
		qemu-system-x86 libvirt-daemon-system libvirt-clients
		qemu-guest-agent busybox-static pciutils kmod udev systemd-sysv
		iproute2 procps python3-minimal)
	;;
build)
	packages=(linux-headers-amd64 make binutils gcc libc6-dev kmod dwarves)
	;;
*)
	die "usage: mk-rootfs.sh host|build"
	;;
esac

# What comes from backports: the kernel and what virtualises on it.
pin()
{
	cat <<-X
		Package: src:linux* src:qemu src:seabios src:ipxe linux-base firmware-*
		Pin: release n=trixie-backports
		Pin-Priority: 990
	X
}

# Every device but the GPU has no firmware here, and nobody reads the manuals.
dpkg_options()
{
	local p
	for p in man doc locale info lintian bug; do
		echo "--dpkgopt=path-exclude=/usr/share/$p/*"
	done
	echo "--dpkgopt=path-exclude=/usr/lib/firmware/nvidia/*"
	for p in ad10 ga102; do
		echo "--dpkgopt=path-include=/usr/lib/firmware/nvidia/$p*"
	done
	echo --dpkgopt=force-unsafe-io
}

build()
{
	local out=$1 mirror options
	mirror=$(apt_mirror)
	mapfile -t options < <(dpkg_options)
	pin >"$CACHE/rootfs.pin"
	# The debs are kept, for the next time; no initramfs is made, the
	# bench has its own; root has no password.
	# shellcheck disable=SC2016
	mmdebstrap --mode=root --variant=minbase --architectures=amd64 \
		--aptopt='Acquire::Languages "none"' \
		--aptopt='Acquire::Retries "3"' \
		--aptopt='APT::Install-Recommends "false"' \
		"${options[@]}" \
		--skip=essential/unlink \
		--setup-hook='mkdir -p "$1/var/cache/apt/archives" "$1/etc/apt/preferences.d" "$1/etc/initramfs-tools"' \
		--setup-hook='cp -n "$DEBS"/*.deb "$1/var/cache/apt/archives/" 2>/dev/null || :' \
		--setup-hook='cp "$CACHE/rootfs.pin" "$1/etc/apt/preferences.d/bench"' \
		--setup-hook='echo update_initramfs=no >"$1/etc/initramfs-tools/update-initramfs.conf"' \
		--customize-hook='cp -n "$1"/var/cache/apt/archives/*.deb "$DEBS/" 2>/dev/null || :' \
		--customize-hook='sed -i "s/^root:[^:]*:/root::/" "$1/etc/shadow"' \
		--include="$(IFS=,; echo "${packages[*]}")" \
		trixie "$out" - <<-X
			deb [signed-by=$KEYRING] $mirror trixie main non-free-firmware
			deb [signed-by=$KEYRING] $mirror trixie-backports main non-free-firmware
		X
}

# Older folders go when no VM runs from them.
remove_old()
{
	local old
	for old in "$CACHE/rootfs-$1"-*; do
		if [ "$old" = "$2" ] || [ ! -d "$old" ]; then
			continue
		fi
		flock -n "$CACHE/lock/use-$(basename "$old")" rm -rf --one-file-system "$old" || :
	done
}

lock "rootfs-$1"
[ -x /usr/bin/mmdebstrap ] || "$BENCH/deps.sh"
apt_lists
versions=$(for p in linux-image-amd64 firmware-nvidia-graphics; do
	apt_version "$p" trixie-backports
done)
out=$CACHE/rootfs-$1-$(key "${packages[@]}" "$versions" \
	"$(declare -f pin dpkg_options build)" </dev/null)
if [ ! -d "$out" ]; then
	[ "$(id -u)" = 0 ] || die "mk-rootfs.sh needs root"
	rm -rf --one-file-system "$out.new"
	export -f apt_mirror pin dpkg_options
	run "rootfs-$1" build "$out.new"
	mv "$out.new" "$out"
fi
remove_old "$1" "$out"
ln -sfn "$out" "$CACHE/rootfs-$1"
say "rootfs-$1: kernel $(ls "$out/lib/modules" 2>/dev/null || :)"
echo "$out"
