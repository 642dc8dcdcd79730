#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A user of one VF, and then a guest, who do what they can to harm; and the user of another VF, who
# must not notice. NVGPU_SEED=n does again what was done, NVGPU_CALLS says how much of it.

. "$(dirname "$0")/lib.sh"
need_client
[ -x "$here/vfio-fuzz" ] || skip_all "vfio-fuzz is not built: make"
seed=${NVGPU_SEED:-$(date +%s)}
fuzz="$here/vfio-fuzz -s $seed -n ${NVGPU_CALLS:-5000}"
[ ! -e /dev/iommu ] || fuzz="$fuzz -i"

# fuzz DESCRIPTION [OPTION]
fuzz()
{
	text=$1
	shift
	# shellcheck disable=SC2086
	$fuzz "$@" "$(vf 0)" >"$tmp/out" 2>&1
	rc=$?
	grep -v '^ok' "$tmp/out" | sed 's/^\(# \)*/# /'
	result $rc "$text, seed $seed"
}

enable_vfs 2
pick_types 0
for n in 0 1; do
	check "VF $n is bound by driver_override" bind $n
	writes "a type for VF $n" 0 "$(current $n)" "$type"
done
mkfifo "$tmp/watch"
$client "$(vf 1)" boot watch:119 boot rpc <"$tmp/watch" >"$tmp/watched" 2>&1 &
holder=$!
exec 9>"$tmp/watch"
check "a user who is watched" wait_for grep -q '^ok watch begins' "$tmp/watched"
fuzz "calls"
fuzz "a guest's accesses" -g
echo >&9
wait "$holder"
rc=$?
holder=
exec 9>&-
[ $rc = 0 ] || sed 's/^/# /' "$tmp/watched"
result $rc "who was watched has noticed nothing"
if out=$($client "$(vf 0)" boot fb-zero:0x1000 rpc irq:70); then rc=0; else rc=1; fi
[ $rc = 0 ] || echo "$out" | sed 's/^/# /'
result $rc "who comes next finds all as it should be"
for n in 0 1; do
	writes "type of VF $n away" 0 "$(current $n)" 0
done
writes "VFs away" 0 "$pf_dir/sriov_numvfs" 0
finish
