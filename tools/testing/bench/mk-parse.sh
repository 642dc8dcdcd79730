#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the driver does with files from outside, as programs in user space, with
# ASan and UBSan. Prints the program's path last.
#
# mk-parse.sh vbios	tools/testing/vbios/vbios-parse: the VBIOS parser
# mk-parse.sh file	tools/testing/files/file-parse: firmware, and files of vGPU types

. "$(dirname "$0")/lib.sh"

DRIVER=$REPO/nvkm-vgpu
NAME=${1:-}-parse
OUT=$CACHE/$NAME
case ${1:-} in
vbios)
	TOOL=$REPO/tools/testing/vbios
	sources=("$DRIVER"/boot/{vbios,fwsec_cmd}.c)
	headers=("$DRIVER"/boot/{vbios,fwsec,falcon,dma}.h "$TOOL/kernel.h")
	libs=()
	;;
file)
	TOOL=$REPO/tools/testing/files
	sources=("$DRIVER"/boot/{firmware,hs}.c "$DRIVER"/vgpu/{typefile,placement}.c
		"$DRIVER"/fwabi/*/*.c)
	headers=("$DRIVER"/{boot,fwabi,fwabi/*,regs,vgpu}/*.h "$TOOL/kernel.h"
		"$REPO/tools/testing/vbios/kernel.h")
	libs=(-lz)
	;;
*)
	die "usage: mk-parse.sh vbios|file"
	;;
esac

# What the parsers include of Linux is in kernel.h; the C library has its own errno.
empty_headers()
{
	local h
	grep -hoP '#include <\K(linux|kunit|asm)/[^>]+' "$@" | sort -u | while read -r h; do
		[ "$h" != linux/errno.h ] || continue
		mkdir -p "$OUT.new/${h%/*}"
		: >"$OUT.new/$h"
	done
}

build()
{
	rm -rf "$OUT.new"
	mkdir -p "$OUT.new"
	empty_headers "${sources[@]}" "${headers[@]}"
	gcc -D_GNU_SOURCE -O1 -g -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare \
		-Wno-pointer-sign -Wno-format-truncation -Wno-missing-field-initializers -Werror \
		-fsanitize=address,undefined -fno-sanitize-recover=all \
		-include "$TOOL/kernel.h" -I"$OUT.new" -I"$DRIVER" \
		"$TOOL/$NAME.c" "${sources[@]}" "${libs[@]}" -o "$OUT.new/$NAME"
	rm -rf "$OUT"
	mv "$OUT.new" "$OUT"
}

lock "$NAME"
k=$(printf '%s\n' "$TOOL/$NAME.c" "${sources[@]}" "${headers[@]}" |
	key "$(declare -f build empty_headers)")
if ! fresh "$NAME" "$k" || [ ! -x "$OUT/$NAME" ]; then
	run "$NAME" build
	stamp "$NAME" "$k"
fi
echo "$OUT/$NAME"
