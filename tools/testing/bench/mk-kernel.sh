#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# mk-kernel.sh source	unpack Debian's linux-source, print its path
# mk-kernel.sh		build the debug kernel with this project in its tree
#
# The object tree stays in the cache: after an edit only this project's folder
# is compiled again.

. "$(dirname "$0")/lib.sh"
. "$BENCH/apt.sh"

SERIES=7.3
SRC=$CACHE/linux-$SERIES

unpack_source()
{
	local version tmp=$CACHE/linux-fetch
	apt_lists
	version=$(apt_version "linux-source-$SERIES")
	[ -n "$version" ] || die "no linux-source-$SERIES in trixie-backports"
	say "kernel: Debian source $version"
	rm -rf "$tmp"
	mkdir -p "$tmp/tree"
	(cd "$tmp" && run linux-source tapt download "linux-source-$SERIES")
	run linux-deb dpkg-deb -x "$tmp"/linux-source-*.deb "$tmp"
	run linux-unpack tar -C "$tmp/tree" --strip-components=1 \
		-xf "$tmp/usr/src/linux-source-$SERIES.tar.xz"
	echo "$version" >"$tmp/tree/.debian-version"
	mv "$tmp/tree" "$SRC"
	rm -rf "$tmp"
}

lock kernel
[ -d "$SRC" ] || unpack_source
if [ "${1:-}" = source ]; then
	echo "$SRC"
	exit 0
fi
