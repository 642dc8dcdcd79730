#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# mk-rootfs.sh host	the hypervisor: Debian trixie with backports' stock
#			kernel, QEMU, libvirt and the GPU's real firmware
# mk-rootfs.sh build	a chroot with that kernel's headers and compiler
# mk-rootfs.sh deb	a chroot with what makes and checks Debian packages
# mk-rootfs.sh clang	a chroot with a clang that knows which lock protects what
# mk-rootfs.sh bare	a hypervisor before our package: with systemd, that kernel, its
#			headers, DKMS and the firmware
#
# Prints the folder last. It is made again when the package list, a version
# that it takes or this script changes. rootfs-host and rootfs-build are links to
# those of the file "versions", .newest and .7.2.12+deb13 behind that to others.

. "$(dirname "$0")/lib.sh"
. "$BENCH/apt.sh"

case ${1:-} in
host)
	chosen=(linux-image-amd64 firmware-nvidia-graphics
		qemu-system-x86 libvirt-daemon-system)
	packages=(libvirt-clients apparmor selinux-policy-default qemu-guest-agent busybox-static
		pciutils kmod udev systemd-sysv iproute2 procps python3-minimal)
	;;
build)
	chosen=(linux-headers-amd64)
	packages=(make binutils gcc libc6-dev kmod dwarves)
	;;
deb)
	chosen=()
	packages=(dpkg-dev debhelper dh-dkms dh-python bash-completion lintian man-db)
	;;
efi)
	chosen=()
	packages=(ovmf shim-signed grub-efi-amd64-signed mtools python3-virt-firmware openssl)
	;;
clang)
	chosen=()
	packages=(clang-22)
	;;
bare)
	chosen=(linux-image-amd64 linux-headers-amd64 firmware-nvidia-graphics)
	packages=(systemd-sysv udev dkms gcc libc6-dev openssl mokutil python3 kmod pciutils
		procps qemu-guest-agent prometheus-node-exporter)
	;;
*)
	die "usage: mk-rootfs.sh host|build|deb|efi|clang|bare"
	;;
esac

# What comes from backports: the kernel and what virtualises on it. Of what has
# many packages all are of the version of the one that was chosen.
pin()
{
	local version
	for version in $taken; do
		case $version in
		qemu-system-x86=*) echo "Package: src:qemu" ;;
		libvirt-daemon-system=*) echo "Package: src:libvirt" ;;
		*) continue ;;
		esac
		printf 'Pin: version %s\nPin-Priority: 995\n\n' "${version#*=}"
	done
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

# lintian is below /usr/share/lintian
[ "$1" != deb ] || dpkg_options()
{
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
		--include="${packages[*]} ${taken//$'\n'/ }" \
		trixie "$out" - <<-X
			deb [signed-by=$KEYRING] $mirror trixie main non-free-firmware
			deb [signed-by=$KEYRING] $mirror trixie-backports main non-free-firmware
		X
}

# Folders that no link is for go when no VM runs from them.
remove_old()
{
	local old kept
	kept=$(find "$CACHE" -maxdepth 1 -type l -name "rootfs-$1*" -printf '%l\n')
	for old in "$CACHE/rootfs-$1"-*; do
		if [ ! -d "$old" ] || grep -qxF -- "$old" <<<"$kept"; then
			continue
		fi
		flock -n "$CACHE/lock/use-$(basename "$old")" rm -rf --one-file-system "$old" "$old.erofs" || :
	done
}

# folder NAME: the one for the versions that are taken.
folder()
{
	echo "$CACHE/rootfs-$1-$(key "${packages[@]}" "$taken" \
		"$(declare -f pin dpkg_options build)" </dev/null)"
}

lock "rootfs-$1"
[ -x /usr/bin/mmdebstrap ] || "$BENCH/deps.sh"
out=
if taken=$(as_tried "${chosen[@]}"); then
	out=$(folder "$1")
fi
if [ ! -d "$out" ]; then
	apt_lists
	taken=$(for what in "${chosen[@]}"; do apt_take "$what"; done)
	out=$(folder "$1")
fi
if [ ! -d "$out" ]; then
	[ "$(id -u)" = 0 ] || die "mk-rootfs.sh needs root"
	trap 'rm -rf --one-file-system "$out.new"' EXIT
	rm -rf --one-file-system "$out.new"
	run "rootfs-$1" build "$out.new"
	mv "$out.new" "$out"
fi
ln -sfn "$out" "$CACHE/rootfs-$1$VARIANT"
remove_old "$1"
say "rootfs-$1: ${taken//$'\n'/, }"
echo "$out"
