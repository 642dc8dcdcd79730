#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Install the Debian 12 packages that the bench needs on this machine.

. "$(dirname "$0")/lib.sh"

packages=(
	# private apt, root folders
	debian-archive-keyring dpkg-dev mmdebstrap arch-test gpg erofs-utils
	# QEMU
	build-essential pkg-config ninja-build python3 python3-venv flex bison
	libglib2.0-dev libpixman-1-dev libfdt-dev libslirp-dev zlib1g-dev
	libattr1-dev libcap-ng-dev nettle-dev seabios qemu-system-data
	# kernel, and its selftests
	bc libelf-dev libssl-dev dwarves uuid-dev
	# the rest
	rsync cpio kmod xz-utils zstd git pciutils
	# tests: what reads the numbers for Prometheus
	python3-prometheus-client
	# static checks
	shellcheck sparse codespell pylint python3-sphinx
)

# deps.sh fuzz: also what the fuzzer is built with
[ "${1:-}" != fuzz ] || packages+=(clang libclang-rt-14-dev)
# deps.sh static: also what only make check-full runs
[ "${1:-}" != static ] || packages+=(clang-19 lld-19 llvm-19 clang-tidy coccinelle)

# deps.sh builds: the compiler for another architecture
[ "${1:-}" != builds ] || packages+=(gcc-aarch64-linux-gnu)

missing()
{
	local p
	for p in "${packages[@]}"; do
		dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null |
			grep -qx installed || echo "$p"
	done
}

lock deps
need=$(missing)
if [ -z "$need" ]; then
	say "deps: all ${#packages[@]} packages are installed"
	exit 0
fi

[ "$(id -u)" = 0 ] || die "deps: not root, cannot install: $need"
# Some foreign repository that does not answer is no reason to stop.
(run apt-update apt-get -q update) || say "deps: going on with the package lists that there are"
# shellcheck disable=SC2086
run apt-install apt-get -q -y -o DPkg::Lock::Timeout=600 --no-install-recommends install $need
need=$(missing)
[ -z "$need" ] || die "deps: still missing: $need"
say "deps: installed"
