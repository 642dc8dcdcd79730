# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A private apt for Debian trixie and trixie-backports. Sourced after lib.sh.
# It has its own lists and sources, and takes the mirror from this machine's
# configuration, which it leaves alone.

APT=$CACHE/apt
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
DEBS=$CACHE/debs
export APT KEYRING DEBS

# The first Debian mirror that this machine uses.
apt_mirror()
{
	local m
	# shellcheck disable=SC2016
	m=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
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
	local mirror
	mirror=$(apt_mirror)
	mkdir -p "$APT"/{lists/partial,cache/archives/partial,state} "$DEBS" \
		"$APT"/etc/{apt.conf.d,preferences.d,sources.list.d}
	touch "$APT/state/status"
	cat >"$APT/etc/sources.list.d/bench.sources" <<-X
		Types: deb deb-src
		URIs: $mirror
		Suites: trixie trixie-backports
		Components: main non-free-firmware
		Architectures: amd64
		Signed-By: $KEYRING
	X
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

# Package lists, fetched once a day. Without a network the last ones serve.
apt_lists()
{
	if [ -n "$(find "$APT/fetched" -mmin -1440 2>/dev/null)" ]; then
		return 0
	fi
	apt_setup
	if [ ! -e "$APT/fetched" ]; then
		run trixie-lists tapt update
	elif ! tapt update >"$LOGS/trixie-lists" 2>&1; then
		say "trixie-lists: no update now, using those of $(date -r "$APT/fetched" +%F)"
		return 0
	fi
	touch "$APT/fetched"
}

# apt_version PACKAGE SUITE: newest version there, as of the last apt_lists.
apt_version()
{
	local known=$APT/version-$1-$2
	if [ ! "$known" -nt "$APT/fetched" ]; then
		tcache madison "$1" | awk -F' *\\| *' -v s="$2/" \
			'$3 ~ "Packages" && index($3, " " s) { gsub(/ /, "", $2); print $2; exit }' >"$known"
	fi
	cat "$known"
}
