#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The Debian package as "make deb" makes it, and a machine on which it was installed. Prints a
# folder last:
#
#	old.deb		the package
#	new.deb		a newer one, for upgrades
#	new.tar.gz	its modules, built by DKMS elsewhere ("dkms mktarball"), as an emulated CPU
#			takes long to compile
#	lintian		what lintian says of old.deb
#	install.log	what apt said when it installed it
#
# and $CACHE/rootfs-package is the machine: mk-rootfs.sh's "bare", after "apt install ./old.deb".
# DKMS built the modules in there.

. "$(dirname "$0")/lib.sh"

P=$CACHE/package$VARIANT

# in_chroot ROOT COMMAND...: with the folder as /out; all that is mounted goes with the namespace.
in_chroot()
{
	# shellcheck disable=SC2016
	unshare -m sh -c '
		c=$1 out=$2
		shift 2
		mkdir -p "$c/out"
		mount -t proc proc "$c/proc"
		mount -t tmpfs tmpfs "$c/run"
		mount --bind "$out" "$c/out"
		exec chroot "$c" "$@"' sh "$1" "$P.new" "${@:2}"
}

# make_deb NAME VERSION: nothing is compiled, so build-essential is not there.
make_deb()
{
	DEB_VERSION=$2 "$REPO/tools/debian/make-deb" -s "$P.new/$1/nvkm-vgpu" || return 1
	in_chroot "$debs" sh -c "cd /out/$1/nvkm-vgpu && dpkg-buildpackage -d -b -us -uc" || return 1
	mv "$P.new/$1"/*.deb "$P.new/$1.deb"
}

check_deb()
{
	in_chroot "$debs" lintian --allow-root --info --display-info --fail-on none \
		/out/old.deb >"$P.new/lintian"
}

# No daemon starts in there.
install_deb()
{
	in_chroot "$1" apt-get -q -y -o APT::Sandbox::User=root --no-install-recommends \
		install "/out/$2.deb"
}

# The newer one's modules, from a machine that is thrown away.
prebuild()
{
	install_deb "$1" new || return 1
	in_chroot "$1" dkms mktarball -m nvkm-vgpu -v 2.0 -k "$(ls "$1/lib/modules")" \
		--archive /out/new.tar.gz
}

build()
{
	local root=$CACHE/rootfs-package-$k
	rm -rf --one-file-system "$P.new" "$root" "$root.new" "$root.erofs"
	mkdir -p "$P.new"
	make_deb old 1.0
	make_deb new 2.0
	check_deb
	cp -a "$bare" "$root.new"
	install_deb "$root.new" old >"$P.new/install.log" 2>&1 || { cat "$P.new/install.log"; return 1; }
	cp -a "$bare" "$P.new/root"
	prebuild "$P.new/root"
	rm -rf --one-file-system "$P.new"/{root,old,new} "$P"
	mv "$root.new" "$root"
	mv "$P.new" "$P"
	ln -sfn "$root" "$CACHE/rootfs-package$VARIANT"
}

remove_old()
{
	local old
	for old in "$CACHE"/rootfs-package-*; do
		[ "${old%.erofs}" = "$(readlink "$CACHE/rootfs-package$VARIANT")" ] ||
			flock -n "$CACHE/lock/use-$(basename "$old" .erofs)" rm -rf --one-file-system "$old" || :
	done
}

lock package
debs=$("$BENCH/mk-rootfs.sh" deb | tail -n 1)
bare=$("$BENCH/mk-rootfs.sh" bare | tail -n 1)
k=$(cd "$REPO" && git ls-files -co --exclude-standard --deduplicate -- Kbuild Kconfig README.md include \
	nvkm-vgpu vfio-nvidia-vgpu Documentation tools/nvidia-vgpu tools/host tools/debian |
	while read -r f; do [ ! -f "$f" ] || echo "$f"; done |
	key "$debs" "$bare" "$(declare -f in_chroot make_deb check_deb install_deb prebuild build)")
if ! fresh "package$VARIANT" "$k" || [ ! -d "$P" ]; then
	run package build
	remove_old
	stamp "package$VARIANT" "$k"
fi
echo "$P"
