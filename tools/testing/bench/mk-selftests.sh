#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Build the kernel's own VFIO selftests, as they are, from the debug kernel's
# source. Prints a folder with the programs last.

. "$(dirname "$0")/lib.sh"

WORK=$CACHE/vfio-selftests
OUT=$WORK/bin

src=$("$BENCH/mk-kernel.sh" source | tail -n 1)

build()
{
	rm -rf "$WORK"
	mkdir -p "$OUT" "$WORK/obj" "$WORK/headers"
	make -s -C "$src" O="$WORK/headers" INSTALL_HDR_PATH="$WORK/usr" headers_install
	make -C "$src/tools/testing/selftests/vfio" -j"$(nproc)" OUTPUT="$WORK/obj" \
		INSTALL_PATH="$OUT" KHDR_INCLUDES="-isystem $WORK/usr/include" all install
	rm -rf "$WORK/obj" "$WORK/headers"
}

lock vfio-selftests
k=$(key "$(cat "$src/.debian-version")" "$(gcc -dumpfullversion)" "$(declare -f build)" </dev/null)
if ! fresh vfio-selftests "$k" || [ ! -d "$OUT" ]; then
	run vfio-selftests build
	stamp vfio-selftests "$k"
fi
echo "$OUT"
