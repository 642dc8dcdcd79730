#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# mk-kernel.sh source	unpack Debian's linux-source, print its path
# mk-kernel.sh tree	and put this project's folder into it
# mk-kernel.sh		build the debug kernel with this project in its tree
# mk-kernel.sh NAME	build another one: that with the lines of kernel.NAME.config
#			in place of its own, in folders of its own
#
# The object tree stays in the cache: after an edit only this project's folder
# is compiled again.

. "$(dirname "$0")/lib.sh"
. "$BENCH/apt.sh"

unpack_source()
{
	local tmp=$CACHE/linux-fetch name=${taken%%=*}
	say "kernel: Debian source ${taken#*=}"
	trap 'rm -rf "$CACHE/linux-fetch"' EXIT
	rm -rf "$tmp"
	mkdir -p "$tmp/tree"
	(cd "$tmp" && run linux-source tapt download "$taken")
	run linux-deb dpkg-deb -x "$tmp"/linux-source-*.deb "$tmp"
	run linux-unpack tar -C "$tmp/tree" --strip-components=1 \
		-xf "$tmp/usr/src/$name.tar.xz"
	echo "${taken#*=}" >"$tmp/tree/.debian-version"
	rm -rf "$SRC"
	mv "$tmp/tree" "$SRC"
	rm -rf "$tmp"
}

# source_is NAME: the folder for what is taken, and whether that is in it.
source_is()
{
	SRC=$CACHE/$1
	[ "$(cat "$SRC/.debian-version" 2>/dev/null)" = "${taken#*=}" ]
}

KIND=${1:-debug}
[ -e "$BENCH/kernel.$KIND.config" ] || [[ $KIND =~ ^(source|tree|debug)$ ]] ||
	die "no kernel '$KIND': there is no kernel.$KIND.config"

lock kernel
tried=$(BENCH_NEWEST='' as_tried linux-source)
folder=linux-${tried#linux-source-}
folder=${folder%%=*}
if ! taken=$(as_tried linux-source) || ! source_is "$folder"; then
	apt_lists
	taken=$(apt_take linux-source)
	[ -z "${BENCH_NEWEST:-}" ] || [ "$taken" = "$tried" ] || folder=linux.newest
	source_is "$folder" || unpack_source
fi
if [ "$KIND" = source ]; then
	echo "$SRC"
	exit 0
fi

OWN=
CONFIGS=("$BENCH/kernel.config")
if [ "$KIND" != debug ]; then
	OWN=-$KIND
	CONFIGS+=("$BENCH/kernel.$KIND.config")
fi
OBJ=$SRC-obj$OWN
STAMP=${folder/#linux-*/kernel}$OWN
TREE=$SRC/drivers/gpu/nvkm-vgpu
INSTALL=$SRC-install$OWN
# Test modules that both kernels load; they are no part of the kernel's tree.
TESTS=$SRC-tests$OWN
MODULES=(selftests/nvidia-vgpu/{ecam,example})

# Our repo as a folder of the kernel: two lines hook it in, two more have gcov and KCSAN see it and
# nothing else, for the second with the help of build_all().
hook_folder()
{
	grep -q nvkm-vgpu "$SRC/drivers/gpu/Makefile" ||
		echo 'obj-y += nvkm-vgpu/' >>"$SRC/drivers/gpu/Makefile"
	# shellcheck disable=SC2016
	grep -q GCOV_PROFILE "$SRC/drivers/gpu/Makefile" ||
		echo '$(obj)/nvkm-vgpu: export GCOV_PROFILE := $(CONFIG_GCOV_KERNEL)' \
			>>"$SRC/drivers/gpu/Makefile"
	# shellcheck disable=SC2016
	grep -q KCSAN_SANITIZE "$SRC/drivers/gpu/Makefile" ||
		echo '$(obj)/nvkm-vgpu: export KCSAN_SANITIZE := $(CONFIG_KCSAN)' \
			>>"$SRC/drivers/gpu/Makefile"
	grep -q nvkm-vgpu "$SRC/drivers/video/Kconfig" ||
		sed -i '/source "drivers\/gpu\/vga\/Kconfig"/i source "drivers/gpu/nvkm-vgpu/Kconfig"' \
			"$SRC/drivers/video/Kconfig"
	grep -q nvkm-vgpu "$SRC/drivers/video/Kconfig" || die "no place for our Kconfig"
}

copy_folder()
{
	mkdir -p "$TREE"
	if [ ! -e "$REPO/Kbuild" ] || [ ! -e "$REPO/Kconfig" ]; then
		say "kernel: no Kbuild and Kconfig yet, building without our modules"
		touch "$TREE/Kbuild" "$TREE/Kconfig"
		return 0
	fi
	module_sources | rsync -rc --delete --delete-excluded --from0 \
		--files-from=- "$REPO/" "$TREE.new/"
	rsync -rc --delete "$TREE.new/" "$TREE/"
	rm -rf "$TREE.new"
}

copy_tests()
{
	rm -rf "$TESTS.new"
	mkdir -p "$TESTS"
	(cd "$REPO" && find include "${MODULES[@]/#/tools/testing/}" -type f \
		\( -name '*.[ch]' -o -name Kbuild \) ! -name '*.mod.c' -print0) |
		rsync -rc --from0 --files-from=- "$REPO/" "$TESTS.new/"
	rsync -rc "$TESTS.new/" "$TESTS/"
	rm -rf "$TESTS.new"
}

# The lines of all files, of each option the last one.
lines_of()
{
	cat "$@" | tac | awk -F = '!/^CONFIG_/ || !seen[$1]++' | tac
}

# allnoconfig plus the fragments plus all of ours as modules.
configure()
{
	local wanted line rc=0
	wanted=$OBJ/wanted.config
	mkdir -p "$OBJ"
	lines_of "${CONFIGS[@]}" >"$wanted"
	sed -n 's/^config \(.*\)/CONFIG_\1=m/p' "$TREE/Kconfig" >>"$wanted"
	make -s -C "$SRC" O="$OBJ" KCONFIG_ALLCONFIG="$wanted" allnoconfig
	while read -r line; do
		case $line in
		CONFIG_*=n)
			! grep -q "^${line%=n}=" "$OBJ/.config" ;;
		CONFIG_*)
			grep -qxF -- "$line" "$OBJ/.config" ;;
		esac || { echo "not taken: $line"; rc=1; }
	done <"$wanted"
	return $rc
}

# Everything: after a change of the configuration, of a Kbuild file or, the
# first time, from nothing.
build_all()
{
	KCSAN_SANITIZE=n nice -n 10 make -C "$SRC" O="$OBJ" -j"$(nproc)" bzImage modules
}

# After an edit of ours. modpost wants to see all modules.
build_ours()
{
	KCSAN_SANITIZE=n nice -n 5 make -C "$SRC" O="$OBJ" -j"$(nproc)" modules
}

# It has the symbols of our modules from the kernel's Module.symvers.
build_tests()
{
	local m
	for m in "${MODULES[@]}"; do
		nice -n 5 make -C "$SRC" O="$OBJ" M="$TESTS/tools/testing/$m" W=1 modules ||
			return 1
	done
}

install_all()
{
	local m
	rm -rf "$INSTALL.new"
	mkdir -p "$INSTALL.new/overlay"
	make -s -C "$SRC" O="$OBJ" INSTALL_MOD_PATH="$INSTALL.new/overlay/usr" modules_install
	for m in "${MODULES[@]}"; do
		mkdir -p "$INSTALL.new/$m"
		cp "$TESTS/tools/testing/$m"/*.ko "$INSTALL.new/$m/"
	done
	cp "$OBJ/arch/x86/boot/bzImage" "$INSTALL.new/vmlinuz"
	make -s -C "$SRC" O="$OBJ" kernelrelease >"$INSTALL.new/release"
	rm -rf "$INSTALL"
	mv "$INSTALL.new" "$INSTALL"
}

hook_folder
copy_folder
if [ "$KIND" = tree ]; then
	echo "$SRC"
	exit 0
fi
copy_tests
all=$(find "$TREE" -name 'K*' -type f | sort |
	key "$(cat "$SRC/.debian-version" "${CONFIGS[@]}")" "$(declare -f configure build_all)")
ours=$({ find "$TREE" -type f; find "$TESTS" -name '*.[ch]' ! -name '*.mod.c'; find "$TESTS" -name Kbuild; } |
	sort | key "$all" "$(declare -f build_ours build_tests install_all)")
if ! fresh "$STAMP-all" "$all" || [ ! -d "$INSTALL" ]; then
	run "kernel$OWN-config" configure
	run "kernel$OWN-build" build_all
	run "kernel$OWN-tests" build_tests
	run "kernel$OWN-install" install_all
	stamp "$STAMP-all" "$all"
elif ! fresh "$STAMP-ours" "$ours"; then
	run "kernel$OWN-build" build_ours
	run "kernel$OWN-tests" build_tests
	run "kernel$OWN-install" install_all
fi
if ! fresh "$STAMP-ours" "$ours"; then
	grep -hE 'warning:' "$LOGS/kernel$OWN-build.log" "$LOGS/kernel$OWN-tests.log" | grep nvkm-vgpu || :
	stamp "$STAMP-ours" "$ours"
	say "kernel: $(cat "$INSTALL/release") ($KIND)"
fi
ln -sfn "$INSTALL" "$CACHE/kernel-$KIND$VARIANT"
echo "$INSTALL"
