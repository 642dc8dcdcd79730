#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Build tools/testing/vbios/vbios-parse: the driver's VBIOS parser as a program
# in user space, with ASan and UBSan. Prints its path last.

. "$(dirname "$0")/lib.sh"

OUT=$CACHE/vbios-parse
DRIVER=$REPO/nvkm-vgpu
TOOL=$REPO/tools/testing/vbios
sources=("$DRIVER"/boot/{vbios,fwsec_cmd}.c)
headers=("$DRIVER"/boot/{vbios,fwsec,falcon,dma}.h)

# What the parser includes of Linux is in kernel.h.
empty_headers()
{
	local h
	grep -hoP '#include <\K(linux|kunit)/[^>]+' "$@" | sort -u | while read -r h; do
		mkdir -p "$OUT.new/${h%/*}"
		: >"$OUT.new/$h"
	done
}

build()
{
	rm -rf "$OUT.new"
	mkdir -p "$OUT.new"
	empty_headers "${sources[@]}" "${headers[@]}"
	gcc -D_GNU_SOURCE -O1 -g -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Werror \
		-fsanitize=address,undefined -fno-sanitize-recover=all \
		-include "$TOOL/kernel.h" -I"$OUT.new" -I"$DRIVER" \
		"$TOOL/vbios-parse.c" "${sources[@]}" -o "$OUT.new/vbios-parse"
	rm -rf "$OUT"
	mv "$OUT.new" "$OUT"
}

lock vbios-parse
k=$(printf '%s\n' "${sources[@]}" "${headers[@]}" "$TOOL"/*.[ch] |
	key "$(declare -f build empty_headers)")
if ! fresh vbios-parse "$k" || [ ! -x "$OUT/vbios-parse" ]; then
	run vbios-parse build
	stamp vbios-parse "$k"
fi
echo "$OUT/vbios-parse"
