# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A private apt for Debian trixie and trixie-backports. Sourced after lib.sh.
# It has its own lists and sources, and takes the mirror from this machine's
# configuration, which it leaves alone.

APT=$CACHE/apt
LISTS=trixie
# types, suites and components
SOURCES=("deb deb-src|trixie trixie-backports|main non-free-firmware")
KEYRING=${BENCH_KEYRING:-/usr/share/keyrings/debian-archive-keyring.gpg}
DEBS=$CACHE/debs
export APT KEYRING DEBS

# What only the guest with NVIDIA's driver is made of has lists of its own: a
# mirror without contrib and non-free is good enough for all the rest.
apt_of_guest()
{
	APT=$CACHE/apt-guest
	LISTS=guest
	SOURCES=("deb|trixie|contrib non-free" "deb|bookworm|main")
}

# The first Debian mirror that this machine uses.
apt_mirror()
{
	local m
	# shellcheck disable=SC2016
	m=$(apt-get --no-release-info indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		grep -m 1 '/debian/\?$') || m=
	[ -n "$m" ] || m=$(cat /etc/apt/sources.list.d/*.sources 2>/dev/null |
		awk '/^URIs:/ && /\/debian\/?$/ { print $2; exit }')
	[ -n "$m" ] || m=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
		awk '/^deb /{ for (i = 2; i <= NF; i++) if ($i ~ /\/debian\/?$/) { print $i; exit } }')
	[ -n "$m" ] || die "no Debian mirror in this machine's apt configuration"
	echo "$m"
}

apt_setup()
{
	local mirror line types suites components
	mirror=$(apt_mirror)
	mkdir -p "$APT"/{lists/partial,cache/archives/partial,state} "$DEBS" \
		"$APT"/etc/{apt.conf.d,preferences.d,sources.list.d}
	touch "$APT/state/status"
	for line in "${SOURCES[@]}"; do
		IFS='|' read -r types suites components <<<"$line"
		cat <<-X
			Types: $types
			URIs: $mirror
			Suites: $suites
			Components: $components
			Architectures: amd64
			Signed-By: $KEYRING

		X
	done >"$APT/etc/sources.list.d/bench.sources"
	cat >"$APT/apt.conf" <<-X
		Dir::Etc "$APT/etc";
		Dir::Etc::sourcelist "/dev/null";
		Dir::Etc::sourceparts "$APT/etc/sources.list.d";
		Dir::Etc::parts "$APT/etc/apt.conf.d";
		Dir::Etc::preferences "/dev/null";
		Dir::Etc::preferencesparts "$APT/etc/preferences.d";
		Dir::State "$APT/state";
		Dir::State::lists "$APT/lists";
		Dir::State::status "$APT/state/status";
		Dir::Cache "$APT/cache";
		Acquire::Languages "none";
		Acquire::Retries "3";
		Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
		Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
		APT::Architecture "amd64";
		APT::Install-Recommends "false";
		APT::Sandbox::User "root";
	X
}

tapt()
{
	APT_CONFIG=$APT/apt.conf apt-get -q "$@"
}

tcache()
{
	APT_CONFIG=$APT/apt.conf apt-cache "$@"
}

# Package lists, fetched once a day. Without a network the last ones serve, and
# for an hour nobody tries again.
apt_lists()
{
	local why
	exec 8>"$CACHE/lock/apt"
	flock 8
	if [ -z "$(find "$APT/fetched" -mmin -1440 2>/dev/null)" ] &&
		[ -z "$(find "$APT/failed" -mmin -60 2>/dev/null)" ]; then
		apt_setup
		if [ ! -e "$APT/fetched" ]; then
			run "$LISTS-lists" tapt update --error-on=any
			touch "$APT/fetched"
		elif tapt update --error-on=any >"$LOGS/$LISTS-lists.log" 2>&1; then
			touch "$APT/fetched"
			rm -f "$APT/failed"
		else
			touch "$APT/failed"
			why=$(mirror_fault "$LOGS/$LISTS-lists.log") || why="see $LOGS/$LISTS-lists.log"
			say "$LISTS-lists: using those of $(date -r "$APT/fetched" +%F), as there is no update now: $why"
		fi
	fi
	exec 8>&-
}

# apt_tried WHAT: its line of the file "versions", without the first word.
apt_tried()
{
	awk -v what="$1" '$1 == what { print $2, $3; found = 1 } END { exit !found }' \
		"$BENCH/versions" || die "$BENCH/versions has no line for $1"
}

# apt_has PACKAGE SUITE: versions there, newest first, as of the last apt_lists.
apt_has()
{
	tcache madison "$1" | awk -F' *\\| *' -v p="$1" -v s=" $2/" '{ gsub(/ /, "", $1) }
		$1 == p && index(" " $3, s) { gsub(/ /, "", $2); print $2 }' | sort -rVu
}

# apt_newest WHAT SUITE: package=version. A package that only depends on what
# has the version in its name stands for that.
apt_newest()
{
	local name=$1 version
	version=$(apt_has "$1" "$2" | head -n 1)
	[ -n "$version" ] || return 1
	case $1 in
	linux-*)
		name=$(tcache show "$1=$version" | sed -n '/^Depends:/s/[ ,]/\n/gp' |
			grep -m 1 "^${1%-amd64}-[0-9]") || return 1
		version=$(apt_has "$name" "$2" | head -n 1)
		[ -n "$version" ] || return 1
		;;
	esac
	echo "$name=$version"
}

# apt_take WHAT: the package=version of the file "versions" that is to be used.
# WHAT is a package; guest/PACKAGE is one of another suite than PACKAGE is.
apt_take()
{
	local what=$1 line suite tried name newest version
	line=$(apt_tried "$what")
	read -r suite tried <<<"$line"
	case ${BENCH_KERNEL:+$what} in
	linux-image-amd64 | linux-headers-amd64)
		name=${what%amd64}$BENCH_KERNEL-amd64
		version=$(apt_has "$name" "$suite" | head -n 1)
		[ -n "$version" ] || die "the mirror's $suite has no $name, which BENCH_KERNEL asks for"
		echo "$name=$version"
		return 0
		;;
	esac
	if [ -z "${BENCH_NEWEST:-}" ] &&
		apt_has "${tried%%=*}" "$suite" | grep -qxF -- "${tried#*=}"; then
		echo "$tried"
		return 0
	fi
	newest=$(apt_newest "${what#*/}" "$suite") ||
		die "the mirror's $suite has no ${what#*/}, neither as tried ($tried) nor a newer one"
	[ -n "${BENCH_NEWEST:-}" ] ||
		say "*** $what: wanted $tried, which the mirror has no more; taken $newest ***" >&2
	echo "$newest"
}

# as_tried WHAT...: whether all are taken as in the file "versions"; these.
as_tried()
{
	local what
	for what in "$@"; do
		case ${BENCH_NEWEST:+newest}${BENCH_KERNEL:+$what} in
		newest | linux-image-amd64 | linux-headers-amd64) return 1 ;;
		esac
		apt_tried "$what" | cut -d ' ' -f 2
	done
}
