#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Build the bench's outer QEMU: Debian trixie's source with the GPU model of
# tools/testing/qemu/ as hw/misc/nvidia-ada/. Prints the binary's path last;
# with the argument "source" only unpacks, and prints that path.
#
# The source and the object tree stay in the cache, so that after an edit of
# the model only the model is compiled. Another version, or another set of the
# patches qemu-*.patch, unpacks the source anew. BENCH_QEMU_SANITIZE=1 builds a second
# one with ASan and UBSan, BENCH_QEMU_FUZZ=1 the fuzzer of tools/testing/qemu
# (libFuzzer and ASan, so clang).

. "$(dirname "$0")/lib.sh"
. "$BENCH/apt.sh"

MODEL=$REPO/tools/testing/qemu
GEN=$REPO/tools/testing/abi/gen-header.py
PY=/usr/bin/python3

Q=$CACHE/qemu
tried=$(BENCH_NEWEST='' as_tried qemu meson)
if ! taken=$(as_tried qemu meson); then
	apt_lists
	taken=$(apt_take qemu; apt_take meson)
	[ "$taken" = "$tried" ] || Q=$CACHE/qemu.newest
fi
VENV=$Q/venv

BINARY=qemu-system-x86_64
if [ -n "${BENCH_QEMU_FUZZ:-}" ]; then
	BUILD=$Q/build-fuzz
	BINARY=qemu-fuzz-x86_64
	variant=(--cc=clang --host-cc=clang --cxx=clang++ --enable-fuzzing --enable-asan --disable-kvm)
	niceness=15
elif [ -n "${BENCH_QEMU_SANITIZE:-}" ]; then
	BUILD=$Q/build-sanitize
	variant=(--enable-asan --enable-ubsan)
	niceness=15
else
	BUILD=$Q/build
	variant=()
	niceness=5
fi

# Source packages stay, for the next set of patches. Debian's own patches are
# applied by dpkg-source. Of trixie itself, as the source that backports lists is
# not on every mirror.
fetch_source()
{
	rm -rf "$Q/fetch"
	mkdir -p "$Q/fetch"
	(cd "$Q/fetch" && run qemu-source tapt --only-source --download-only source "$1")
	(cd "$Q/fetch" && run meson tapt download "$2")
	printf '%s\n' "$@" >"$Q/fetch/taken"
	rm -rf "$Q/packages"
	mv "$Q/fetch" "$Q/packages"
}

unpack_source()
{
	rm -rf "$Q/src.new" "$Q/meson"
	run qemu-unpack dpkg-source --no-check -x "$Q"/packages/qemu_*.dsc "$Q/src.new"
	for patch in "${patches[@]}"; do
		run "$(basename "$patch" .patch)" patch -d "$Q/src.new" -p1 -i "$patch"
	done
	echo "$source_key" >"$Q/src.new/.bench-source"

	# QEMU wants a newer meson than Debian 12 has, inside its own venv.
	rm -rf "$VENV"
	dpkg-deb -x "$Q"/packages/meson_*.deb "$Q/meson"
	$PY -m venv "$VENV"
	cp -a "$Q"/meson/usr/lib/python3/dist-packages/. "$VENV"/lib/python3.*/site-packages/
	rm -rf "$Q/meson" "$Q/src"
	mv "$Q/src.new" "$Q/src"
}

# The three places where a folder of devices is known to QEMU.
hook_model()
{
	grep -q nvidia-ada "$Q/src/hw/misc/meson.build" ||
		echo "subdir('nvidia-ada')" >>"$Q/src/hw/misc/meson.build"
	grep -q nvidia-ada "$Q/src/hw/misc/Kconfig" ||
		printf '\nsource nvidia-ada/Kconfig\n' >>"$Q/src/hw/misc/Kconfig"
	rsync -c "$BENCH/bench.mak" \
		"$Q/src/configs/devices/x86_64-softmmu/bench.mak"
}

copy_model()
{
	local to=$Q/src/hw/misc/nvidia-ada empty
	mkdir -p "$to"
	if [ -e "$MODEL/meson.build" ]; then
		rsync -rc --delete --exclude=ada-abi.h "$MODEL/" "$to/"
	else
		say "qemu: $MODEL has no meson.build, building without the model"
		empty=$(mktemp -d)
		printf 'config NVIDIA_ADA\n    bool\n' >"$empty/Kconfig"
		: >"$empty/meson.build"
		rsync -rc --delete "$empty/" "$to/"
		rm -r "$empty"
		return 0
	fi
	if [ -e "$GEN" ]; then
		$PY "$GEN" "$to/ada-abi.h.new" || die "gen-header.py failed"
		rsync -c "$to/ada-abi.h.new" "$to/ada-abi.h"
		rm "$to/ada-abi.h.new"
	fi
}

configure()
{
	mkdir -p "$BUILD"
	cd "$BUILD"
	"$Q/src/configure" --python="$VENV/bin/python" \
		--target-list=x86_64-softmmu \
		--without-default-devices --with-devices-x86_64=bench \
		--without-default-features --enable-system --disable-user \
		--disable-tools --disable-docs --disable-guest-agent \
		--enable-tcg --enable-kvm --enable-fdt=system --enable-attr \
		--enable-virtfs --enable-cap-ng --enable-slirp --enable-nettle \
		--disable-werror --disable-download --disable-install-blobs \
		"$@"
}

build()
{
	# A header or meson.build that is new needs nothing special: ninja
	# runs meson again when one that it read has changed.
	nice -n "$niceness" ninja -C "$BUILD" "$BINARY"
}

lock qemu-source
patches=("$BENCH"/qemu-*.patch)
source_is()
{
	source_key=$(key "$taken" "$(cat "${patches[@]}")" </dev/null)
	[ "$(cat "$Q/src/.bench-source" 2>/dev/null)" = "$source_key" ]
}
if ! source_is; then
	mkdir -p "$Q"
	if [ "$(cat "$Q/packages/taken" 2>/dev/null)" != "$taken" ]; then
		apt_lists
		taken=$(apt_take qemu; apt_take meson)
	fi
	if ! source_is; then
		mapfile -t packages <<<"$taken"
		[ "$(cat "$Q/packages/taken" 2>/dev/null)" = "$taken" ] ||
			fetch_source "${packages[@]}"
		say "qemu: Debian source ${packages[0]#*=}, ${#patches[@]} patches of ours"
		unpack_source
	fi
fi
# mk-qemu.sh source: for those who want to read it.
if [ "${1:-}" = source ]; then
	echo "$Q/src"
	exit 0
fi
hook_model
copy_model
# Each object tree has a lock of its own; taking it gives up the source's.
lock "qemu-$(basename "$BUILD")"
k=$(key "${variant[@]}" "$(declare -f configure)" </dev/null)
if ! fresh "$(basename "$Q")-$(basename "$BUILD")" "$k" || [ ! -e "$BUILD/build.ninja" ]; then
	rm -rf "$BUILD"
	run "qemu-configure-$(basename "$BUILD")" configure "${variant[@]}"
	stamp "$(basename "$Q")-$(basename "$BUILD")" "$k"
fi
run "qemu-$(basename "$BUILD")" build
[ "$BINARY" != qemu-system-x86_64 ] || "$BUILD/$BINARY" --version | head -n 1
echo "$BUILD/$BINARY"
