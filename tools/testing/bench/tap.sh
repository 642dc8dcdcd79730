# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Sourced by scripts that check things and tell the results as TAP.

# tap_begin PATTERN: of the checks those whose names match (grep -E).
tap_begin()
{
	TAP_PATTERN=$1
	TAP_RUN=0
	TAP_FAILED=0
	TAP_SKIPPED=0
	echo "TAP version 13"
}

# check NAME COMMAND...: any output is a failure, and so is a bad exit code.
check()
{
	local name=$1 out line rc=0 begin=$SECONDS
	shift
	[[ $name =~ $TAP_PATTERN ]] || return 0
	TAP_RUN=$((TAP_RUN + 1))
	out=$("$@" 2>&1 </dev/null) || rc=$?
	if [ -z "$out" ] && [ $rc -eq 0 ]; then
		echo "ok $TAP_RUN - $name # $((SECONDS - begin)) s"
		return 0
	fi
	TAP_FAILED=$((TAP_FAILED + 1))
	echo "not ok $TAP_RUN - $name"
	[ $rc -eq 0 ] || echo "  # exit code $rc"
	while [ -n "$out" ] && read -r line; do
		echo "  # $line"
	done < <(head -n 40 <<<"$out")
}

# skip NAME WHY
skip()
{
	[[ $1 =~ $TAP_PATTERN ]] || return 0
	TAP_RUN=$((TAP_RUN + 1))
	TAP_SKIPPED=$((TAP_SKIPPED + 1))
	echo "ok $TAP_RUN - $1 # SKIP $2"
}

# The exit code is 1 if one failed, or none was run.
tap_end()
{
	echo "1..$TAP_RUN"
	echo "# $((TAP_RUN - TAP_FAILED - TAP_SKIPPED)) passed, $TAP_FAILED failed, $TAP_SKIPPED skipped"
	[ "$TAP_FAILED" -eq 0 ] && [ "$TAP_RUN" -gt "$TAP_SKIPPED" ]
}
