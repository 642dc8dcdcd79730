#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# check-builds.sh [PATTERN]	that the drivers build, in TAP
#
# In a kernel tree and out of it, built in and as modules. BUILDS_FULL=1 does it
# in all ways and for two architectures. PATTERN chooses checks by name (grep -E).

. "$(dirname "$0")/lib.sh"
. "$BENCH/apt.sh"
. "$BENCH/tap.sh"

PATTERN=${1:-}
B=$CACHE/builds
FOLDER=drivers/gpu/nvkm-vgpu

# make_for ARCH FOLDER ARGUMENT...: in an object folder of that architecture.
make_for()
{
	local arch=$1 obj=$B/$2 cross=
	shift 2
	[ "$arch" != arm64 ] || cross=aarch64-linux-gnu-
	mkdir -p "$obj"
	make -s -C "$SRC" O="$obj" ARCH="$arch" CROSS_COMPILE="$cross" -j"$(nproc)" "$@"
}

# configure ARCH FOLDER LINE...: on top of builds.config. Every line must take.
configure()
{
	local arch=$1 folder=$2 wanted=$B/$2.wanted line rc=0
	shift 2
	mkdir -p "$B"
	{
		grep -vE "^($(printf '%s|' "${@%%=*}")#)=?" "$BENCH/builds.config"
		printf '%s\n' "$@"
	} >"$wanted"
	make_for "$arch" "$folder" KCONFIG_ALLCONFIG="$wanted" allnoconfig || return 1
	while read -r line; do
		case $line in
		*=n) ! grep -q "^${line%n}" "$B/$folder/.config" ;;
		*) grep -qxF -- "$line" "$B/$folder/.config" ;;
		esac || { echo "not taken: $line"; rc=1; }
	done < <(grep '^CONFIG' "$wanted")
	return $rc
}

# What make says of our folder, or all of it when it failed.
said()
{
	local log=$1
	shift
	if ! "$@" >"$log" 2>&1; then
		grep -E 'rror|undefined|warning' "$log" || tail -n 20 "$log"
		return 1
	fi
	grep -E 'nvkm.vgpu|nvidia.vgpu' "$log" | grep -E 'warning|WARNING|ERROR' || :
}

# ours CORE TESTS VFIO: our options as lines.
ours()
{
	echo "CONFIG_NVKM_VGPU=$1 CONFIG_NVKM_VGPU_KUNIT_TEST=$2 CONFIG_NVIDIA_VGPU_VFIO_PCI=$3"
}

# built FOLDER CORE TESTS VFIO [FWCTL]: what is built in is listed so, a module is there.
built()
{
	local obj=$B/$1 n=0 ko how
	shift
	for ko in nvkm-vgpu/nvkm-vgpu nvkm-vgpu/tests/nvkm-vgpu-kunit vfio-nvidia-vgpu/vfio-nvidia-vgpu \
		nvkm-vgpu/fwctl/nvkm-vgpu-fwctl; do
		n=$((n + 1))
		how=n
		[ $n -gt $# ] || how=${!n}
		[ "$how" = "$(
			if grep -qxF "kernel/$FOLDER/$ko.ko" "$obj/modules.builtin"; then
				echo y
			elif grep -qxF "$FOLDER/$ko.o" "$obj/modules.order"; then
				echo m
			else
				echo n
			fi)" ] || echo "$ko.ko is not built as $how"
	done
}

# compiled ARCH FOLDER WORD LINE...: our folder alone, W=1. kernel-doc is check-static's.
compiled()
{
	local arch=$1 folder=$2 core=$3
	shift 3
	# shellcheck disable=SC2046
	configure "$arch" "$folder" CONFIG_KUNIT="$core" CONFIG_VFIO="$core" \
		CONFIG_FWCTL="$core" CONFIG_NVKM_VGPU_FWCTL="$core" \
		$(ours "$core" "$core" "$core") "$@" || return 1
	make_for "$arch" "$folder" prepare >"$B/$folder.log" 2>&1 ||
		{ tail -n 20 "$B/$folder.log"; return 1; }
	find "$B/$folder/$FOLDER" -name '*.o' -delete 2>/dev/null || :
	said "$B/$folder.log" make_for "$arch" "$folder" W=1 KERNELDOC=/dev/null "$FOLDER/" || return 1
	[ -s "$B/$folder/$FOLDER/nvkm-vgpu/tests/module.o" ] || echo "nothing was built"
}

# linked ARCH KUNIT VFIO CORE TESTS DRIVER: the whole kernel and its modules.
linked()
{
	local arch=$1 folder=$1
	# shellcheck disable=SC2046
	configure "$arch" "$folder" CONFIG_KUNIT="$2" CONFIG_VFIO="$3" \
		$(ours "$4" "$5" "$6") || return 1
	said "$B/$folder.log" make_for "$arch" "$folder" vmlinux modules || return 1
	built "$folder" "$4" "$5" "$6"
}

# fwctl ARCH FWCTL CORE DRIVER: the same with its driver.
fwctl()
{
	local arch=$1 folder=$1
	# shellcheck disable=SC2046
	configure "$arch" "$folder" CONFIG_KUNIT=n CONFIG_VFIO=n CONFIG_FWCTL="$2" \
		$(ours "$3" n n) CONFIG_NVKM_VGPU_FWCTL="$4" || return 1
	said "$B/$folder.log" make_for "$arch" "$folder" vmlinux modules || return 1
	built "$folder" "$3" n n "$4"
}

# limits X: what a tristate that depends on one that is X can be.
limits()
{
	case $1 in
	n) echo n ;;
	m) echo n m ;;
	y) echo n m y ;;
	esac
}

# least A B: the lesser of two.
least()
{
	case $1$2 in
	*n*) echo n ;;
	*m*) echo m ;;
	*) echo y ;;
	esac
}

# All that Kconfig lets our three options be, with what they depend on as a module and built in.
combinations()
{
	local arch=$1 base core tests driver
	for base in y m; do
		for core in n m y; do
			for tests in $(limits "$(least "$core" "$base")"); do
				for driver in $(limits "$(least "$core" "$base")"); do
					[ "$base" = y ] || [ "$core$tests$driver" != nnn ] || continue
					check "$arch, Linux 7.3: KUNIT=$base VFIO=$base, NVKM_VGPU=$core KUNIT_TEST=$tests VFIO_PCI=$driver" \
						linked "$arch" $base $base "$core" "$tests" "$driver"
				done
			done
		done
	done
	check "$arch, Linux 7.3: KUNIT=n VFIO=n, NVKM_VGPU=y" linked "$arch" n n y n n
	check "$arch, Linux 7.3: KUNIT=n VFIO=y, all else y" linked "$arch" n y y n y
	for base in 'y y y' 'y y m' 'y m m' 'm y m'; do
		read -r base core driver <<<"$base"
		check "$arch, Linux 7.3: FWCTL=$base, NVKM_VGPU=$core, NVKM_VGPU_FWCTL=$driver" \
			fwctl "$arch" "$base" "$core" "$driver"
	done
}

# ---- Kconfig --------------------------------------------------------------

# offered ARCH WANT LINE...: whether Kconfig lets the core be there. The compiler does not
# matter for that.
offered()
{
	local arch=$1 want=$2 got=n
	shift 2
	configure "$arch" kconfig CONFIG_VFIO=y CONFIG_KUNIT=y "$@" CONFIG_NVKM_VGPU=y \
		>"$B/kconfig.log" 2>&1 || :
	! grep -qx CONFIG_NVKM_VGPU=y "$B/kconfig/.config" || got=y
	[ $got = "$want" ] || echo "NVKM_VGPU=$got, expected $want"
	grep -vxF 'not taken: CONFIG_NVKM_VGPU=y' "$B/kconfig.log" || :
}

POWERPC=(CONFIG_PPC64=y CONFIG_PPC_BOOK3S_64=y CONFIG_PPC_PSERIES=y CONFIG_PPC_64K_PAGES=y
	CONFIG_SUSPEND=n)

kconfig()
{
	check "Kconfig: offered on x86-64" offered x86 y
	check "Kconfig: refused on x86, 32 bits" offered x86 n CONFIG_64BIT=n
	check "Kconfig: refused without SR-IOV" offered x86 n CONFIG_PCI_IOV=n
	check "Kconfig: offered on arm64" offered arm64 y
	check "Kconfig: offered on powerpc, little endian" offered powerpc y \
		"${POWERPC[@]}" CONFIG_CPU_LITTLE_ENDIAN=y
	check "Kconfig: refused on powerpc, big endian" offered powerpc n \
		"${POWERPC[@]}" CONFIG_CPU_BIG_ENDIAN=y
	check "Kconfig: refused on s390, big endian" offered s390 n CONFIG_SUSPEND=n CONFIG_PM=n
}

# ---- KUnit without the bench ----------------------------------------------

# kunit_py TREE: the kernel's own program runs our tests, in a kernel that is a process.
kunit_py()
{
	local tree=$1
	mkdir -p "$B/kunit"
	"$tree/tools/testing/kunit/kunit.py" run --build_dir="$B/kunit" --jobs="$(nproc)" \
		--kunitconfig="$tree/$FOLDER/nvkm-vgpu/tests" 'nvkm_vgpu_*' >"$B/kunit.log" 2>&1 ||
		{ grep -E 'FAILED|rror|Testing complete' "$B/kunit.log" || tail -n 20 "$B/kunit.log"; return 1; }
	grep -qE 'Testing complete. Ran [1-9][0-9]+ tests: passed: [1-9]' "$B/kunit.log" ||
		{ echo "no tests were run"; tail -n 5 "$B/kunit.log"; }
}

# ---- out of tree ----------------------------------------------------------

# In a chroot with a stock kernel's headers and compiler, as a user would. All that is mounted
# goes with the mount namespace.
in_chroot()
{
	# shellcheck disable=SC2016
	unshare -m sh -c '
		c=$1 src=$2
		shift 2
		mkdir -p "$c/src"
		mount -t proc proc "$c/proc"
		mount --bind "$src" "$c/src"
		exec chroot "$c" "$@"' sh "$@"
}

# The files of a checkout that make needs.
copy_to()
{
	mkdir -p "$1"
	{ module_sources; printf 'Makefile\0'; } |
		rsync -rcp --from0 --files-from=- "$REPO/" "$1/"
}

# headers KERNEL WORD...: against the headers of a stock kernel, "" for the one of the host VM.
headers()
{
	local kernel=$1 chroot release src=$B/out-of-tree ko
	shift
	chroot=$(BENCH_KERNEL=$kernel "$BENCH/mk-rootfs.sh" build | tail -n 1) || return 1
	release=$(ls "$chroot/lib/modules")
	rm -rf "$src"
	copy_to "$src"
	said "$B/out-of-tree.log" in_chroot "$chroot" "$src" make -s -C /src -j"$(nproc)" \
		KDIR="/lib/modules/$release/build" LOCALVERSION= "$@" || return 1
	for ko in nvkm-vgpu/nvkm-vgpu vfio-nvidia-vgpu/vfio-nvidia-vgpu; do
		case "$* $ko" in
		*PCI=n*vfio-*) [ ! -e "$src/$ko.ko" ] || echo "$ko.ko is there" ;;
		*) [ "$(modinfo -F vermagic "$src/$ko.ko" | cut -d ' ' -f 1)" = "$release" ] ||
			echo "$ko.ko is not of $release" ;;
		esac
	done
}

out_of_tree()
{
	local kernel name
	for kernel in "$OLDEST" ""; do
		name="x86-64, out of tree, headers of ${kernel:-$STOCK}"
		check "$name: both modules" headers "$kernel"
		[ -z "${BUILDS_FULL:-}" ] ||
			check "$name: the core alone" headers "$kernel" CONFIG_NVIDIA_VGPU_VFIO_PCI=n
	done
}

# Against a kernel tree that was built for another architecture.
out_of_tree_arm64()
{
	local src=$B/out-of-tree ko
	rm -rf "$src"
	copy_to "$src"
	linked arm64 m m n n n || return 1
	said "$B/out-of-tree.log" make_for arm64 arm64 M="$src" W=1 KERNELDOC=/dev/null CONFIG_NVKM_VGPU=m \
		CONFIG_NVIDIA_VGPU_VFIO_PCI=m CONFIG_NVKM_VGPU_KUNIT_TEST=m || return 1
	for ko in nvkm-vgpu/nvkm-vgpu vfio-nvidia-vgpu/vfio-nvidia-vgpu; do
		modinfo -F vermagic "$src/$ko.ko" | grep -q aarch64 || echo "$ko.ko is not for arm64"
	done
}

# Each patch of the series for Linux: style, W=1, and that it needs nothing of those that follow.
# checkpatch knows neither __guarded_by(), nor that MAINTAINERS has the files from the first patch on.
series()
{
	local SRC=$B/linux out=$B/series-linux patch
	local options=(CONFIG_KUNIT=m CONFIG_VFIO=m CONFIG_NVKM_VGPU=m) folders=(drivers/gpu/nvkm-vgpu/)
	rm -rf "$SRC" "$B/series"
	cp -al "$(BENCH_NEWEST='' "$BENCH/mk-kernel.sh" source | tail -n 1)" "$SRC"
	rm -rf "$SRC/drivers/gpu/nvkm-vgpu"
	sed -i '/nvkm-vgpu/d' "$SRC/drivers/gpu/Makefile" "$SRC/drivers/video/Kconfig"
	"$REPO/tools/series/mk-series" "$out" "$SRC" >"$B/series.log" || { cat "$B/series.log"; return 1; }
	for patch in "$out"/00[0-9][1-9]*.patch "$out"/00[1-9]0*.patch; do
		echo "$patch"
	done | sort >"$B/series.list"
	while read -r patch; do
		one_of_series "$patch" || return 1
	done <"$B/series.list"
}

one_of_series()
{
	local name ignored=FILE_PATH_CHANGES object
	name=$(basename "$1" | cut -c 1-4)
	# as check-static has it for them
	[[ $1 != *selftests* ]] ||
		ignored+=,REPEATED_WORD,VOLATILE,ARRAY_SIZE,PREFER_DEFINED_ATTRIBUTE_MACRO,EMBEDDED_FUNCTION_NAME
	# and for tracepoints
	sed -e '/^+/s/ __guarded_by([^)]*)//' "$1" |
		(cd "$B" && "$SRC/scripts/checkpatch.pl" --root="$SRC" --strict --terse --no-summary --show-types \
			--ignore="$ignored,LONG_LINE,OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT" -) | sed "s/^/$name/"
	patch -s -d "$SRC" -p1 -i "$1" || return 1
	[[ $1 != *KUnit* ]] || options+=(CONFIG_NVKM_VGPU_KUNIT_TEST=m)
	if [[ $1 == *vfio-* ]]; then
		options+=(CONFIG_NVIDIA_VGPU_VFIO_PCI=m)
		folders+=(drivers/vfio/pci/nvidia-vgpu/)
	fi
	configure x86 series "${options[@]}" || return 1
	said "$B/series.log" make_for x86 series W=1 KERNELDOC=/dev/null prepare "${folders[@]}" || return 1
	object=$B/series/drivers/gpu/nvkm-vgpu/nvkm-vgpu.o
	[ -s "$object" ] || echo "$name: nothing was built"
	nm -u "$object" | grep -E ' (nvgpu|nvkm)_' | sed "s/^/$name: needs what is not there yet: /" || :
}

# The model's series for QEMU, with QEMU as Debian has it and nothing else of ours.
build_alone()
{
	local patch
	rm -rf "$B/qemu"
	dpkg-source --no-check -x "$CACHE"/qemu/packages/qemu_*.dsc "$B/qemu" || return 1
	"$REPO/tools/testing/qemu/mk-series" "$B/series-qemu" "$B/qemu" || return 1
	for patch in "$B"/series-qemu/*.patch; do
		patch -d "$B/qemu" -p1 -i "$patch" || return 1
	done
	mkdir "$B/qemu/build"
	cd "$B/qemu/build" || return 1
	../configure --python="$CACHE/qemu/venv/bin/python" --target-list=x86_64-softmmu \
		--without-default-features --enable-system --enable-tcg --enable-fdt=system \
		--disable-tools --disable-docs --disable-guest-agent --disable-download \
		--disable-install-blobs || return 1
	ninja qemu-system-x86_64
}

model_alone()
{
	local log=$B/model-alone.log root
	"$BENCH/mk-qemu.sh" >/dev/null
	root=$("$BENCH/mk-rootfs.sh" host | tail -n 1)
	(build_alone) >"$log" 2>&1 || { tail -n 20 "$log"; return 1; }
	(cd "$B/qemu" && env -i PATH="$PATH" QEMU=build/qemu-system-x86_64 \
		NVKM_VGPU_FIRMWARE="$root/usr/lib/firmware" python3 tests/nvidia-ada/run.py) >"$log" 2>&1 ||
		{ grep -A 10 '^not ok' "$log" || tail -n 20 "$log"; }
	grep -q '^ok ' "$log" || echo "no test has passed"
}

# ---------------------------------------------------------------------------

everything()
{
	local pages
	kconfig
	check "x86-64, Linux 7.3: compiled as modules" compiled x86 x86-m m
	check "x86-64, Linux 7.3: compiled without debugfs, sleep and tracing" compiled x86 x86-y y \
		CONFIG_DEBUG_FS=n CONFIG_PM=n CONFIG_SUSPEND=n CONFIG_FTRACE=n \
		CONFIG_ENABLE_DEFAULT_TRACERS=n
	for pages in 4 16 64; do
		check "arm64, Linux 7.3: compiled for pages of $pages KiB" compiled arm64 "arm64-$pages" y \
			"CONFIG_ARM64_${pages}K_PAGES=y"
	done
	combinations x86
	combinations arm64
	check "arm64, Linux 7.3, out of tree: both modules and the tests" out_of_tree_arm64
	check "KUnit by kunit.py" kunit_py "$SRC"
	check "Linux 7.3 with each patch of the series" series
	check "QEMU with the model's series alone" model_alone
}

mkdir -p "$B"
SRC=$(BENCH_NEWEST='' "$BENCH/mk-kernel.sh" tree | tail -n 1)
OLDEST=$(apt_tried oldest/linux-headers-amd64 | sed 's/.* linux-headers-\(.*\)-amd64=.*/\1/')
STOCK=$(apt_tried linux-headers-amd64 | sed 's/.* linux-headers-\(.*\)-amd64=.*/\1/')

tap_begin "$PATTERN"
check "x86-64, Linux 7.3: compiled built in" compiled x86 x86-y y
out_of_tree
[ -z "${BUILDS_FULL:-}" ] || everything
tap_end
