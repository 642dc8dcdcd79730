# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Shared by the bench's build scripts: where things are, progress lines with
# elapsed time, locks, and stamps that make a second run quick.

set -eu

BENCH=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
REPO=$(cd "$BENCH/../../.." && pwd)
CACHE=${NVKM_VGPU_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nvkm-vgpu}
LOGS=$CACHE/log
export BENCH REPO CACHE LOGS

# Which versions of Debian's packages: those of the file "versions", or with
# BENCH_NEWEST=1 the newest, or with BENCH_KERNEL=7.2.12+deb13 that stock
# kernel. What depends on it has VARIANT in its name.
export VARIANT=${BENCH_NEWEST:+.newest}${BENCH_KERNEL:+.$BENCH_KERNEL}

# Scripts that call each other share one clock.
export BENCH_T0="${BENCH_T0:-$(date +%s)}"

# Every child process prints C messages and asks nothing.
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive

mkdir -p "$LOGS" "$CACHE/stamp" "$CACHE/lock"

say()
{
	printf '[%4d s] %s\n' $(($(date +%s) - BENCH_T0)) "$*"
}

die()
{
	say "error: $*" >&2
	exit 1
}

[ -z "${BENCH_NEWEST:-}" ] || [ -z "${BENCH_KERNEL:-}" ] ||
	die "BENCH_NEWEST and BENCH_KERNEL=$BENCH_KERNEL exclude each other"

# mirror_fault LOG: what apt had to say about the mirror, if that was it.
mirror_fault()
{
	grep -m 1 -oE "(Failed to fetch|Unable to locate|Unable to find a source|Version '.*' for '.*' was not found|The repository) .*" "$1"
}

# run LABEL COMMAND...: output into a log, a sign of life every 20 s, and the
# log's end if the command fails, or one line if the mirror did.
run()
{
	local label=$1 log start pid fault rc=0 n=0
	shift
	log=$LOGS/${label//[^a-zA-Z0-9.-]/_}.log
	start=$(date +%s)
	say "$label ..."
	"$@" >"$log" 2>&1 </dev/null &
	pid=$!
	while kill -0 $pid 2>/dev/null; do
		sleep 0.2
		n=$((n + 1))
		[ $((n % 100)) -ne 0 ] ||
			say "$label: $(($(date +%s) - start)) s: $(tail -n 1 "$log" | cut -c 1-80)"
	done
	wait $pid || rc=$?
	if [ $rc -ne 0 ] && fault=$(mirror_fault "$log"); then
		die "$label: the mirror does not give what it should: $fault (whole log: $log)"
	elif [ $rc -ne 0 ]; then
		grep -E -A 3 'error[: ]|undefined (reference|symbol)|No rule to make' "$log" |
			head -n 60 >&2 || :
		tail -n 15 "$log" | cut -c 1-300 >&2
		die "$label failed (exit $rc), whole log: $log"
	fi
	say "$label: done in $(($(date +%s) - start)) s"
}

# lock NAME: held until this script ends; a second caller waits for the first.
lock()
{
	exec 9>"$CACHE/lock/$1"
	if ! flock -n 9; then
		say "waiting for another run that holds the lock '$1'"
		flock -w 3600 9 || die "lock '$1' is still held after an hour"
	fi
}

# key STRING...: one hash over strings and the files named on stdin.
key()
{
	{
		printf '%s\n' "$@"
		[ -t 0 ] || xargs -r -d '\n' sha256sum
	} | sha256sum | cut -c 1-24
}

fresh()
{
	[ "$(cat "$CACHE/stamp/$1" 2>/dev/null)" = "$2" ]
}

stamp()
{
	echo "$2" >"$CACHE/stamp/$1"
}

# The files that a kernel tree would take from this repo, NUL between them.
module_sources()
{
	[ -e "$REPO/Kbuild" ] || return 0
	(cd "$REPO" && find Kbuild Kconfig include nvkm-vgpu vfio-nvidia-vgpu \
		-type f \( -name '*.[chS]' -o -name Kbuild -o -name Makefile -o \
		-name 'Kconfig*' -o -name .kunitconfig -o -name '*.inc' -o -name '*.bin' \) ! -name '*.mod.c' -print0)
}
