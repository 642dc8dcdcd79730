#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh [PF]: every test, on a hypervisor whose GPU is idle. Exits with 4 when
# all were skipped.

cd "$(dirname "$0")" || exit 1
ran=0 failed=0
for test in ./test-*.sh; do
	echo "# $test"
	"$test" "$@"
	case $? in
	0) ran=$((ran + 1)) ;;
	4) ;;
	*) ran=$((ran + 1)) failed=$((failed + 1)) ;;
	esac
done
[ $ran -gt 0 ] || exit 4
[ $failed = 0 ]
