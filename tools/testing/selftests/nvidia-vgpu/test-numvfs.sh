#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Virtual functions come and go.

. "$(dirname "$0")/lib.sh"

numvfs=$pf_dir/sriov_numvfs
total=$(cat "$pf_dir/sriov_totalvfs")
echo 0 >"$pf_dir/sriov_drivers_autoprobe"

writes "more than the card has" ERANGE "$numvfs" $((total + 1))
is "none after that" "$(cat "$numvfs")" 0
writes "not a number" EINVAL "$numvfs" many
enable_vfs 2
writes "another number while some are there" EBUSY "$numvfs" 4
is "two still" "$(cat "$numvfs")" 2
check "VF 1 has its files" [ -e "$(current 1)" ]
check "there is no VF 2" [ ! -e "$pf_dir/virtfn2" ]
check "a type" pick_types 0
writes "a type on VF 1" 0 "$(current 1)" "$type"
writes "none" 0 "$numvfs" 0
check "VF 0 is gone" [ ! -e "$pf_dir/virtfn0" ]

enable_vfs "$total"
is "all have a type file, none a type" "$(cat "$pf_dir"/virtfn*/nvidia/current_vgpu_type | sort | uniq -c | xargs)" "$total 0"
# as many of the largest count as fit, no more
max=0
while [ "$max" -lt "$total" ] && [ "$(write "$(current "$max")" "$type")" = 0 ]; do
	max=$((max + 1))
done
echo "# $max of type $type"
check "at least one fits" [ "$max" -gt 0 ]
if [ "$max" -lt "$total" ]; then
	writes "no more than fit" ENOSPC "$(current "$max")" "$type"
	is "nothing is creatable then" "$(wc -c <"$(creatable "$max")")" 0
	writes "one less" 0 "$(current 0)" 0
	writes "room for another" 0 "$(current "$max")" "$type"
fi
writes "none again, with types set" 0 "$numvfs" 0

# The kernel has no "remove" for a single VF. What can be removed by hand is its
# driver, and the whole GPU.
modprobe -q vfio-nvidia-vgpu
enable_vfs 4
check "a VF has no file to remove it by" [ ! -e "$pf_dir/virtfn1/remove" ]
pick_types 1
writes "a type on VF 1" 0 "$(current 1)" "$type"
if [ -d $PCI/drivers/vfio-nvidia-vgpu ]; then
	check "VF 1 is bound" bind 1
	writes "and unbound by hand" 0 "$PCI/drivers/vfio-nvidia-vgpu/unbind" "$(vf 1)"
	is "which leaves its type" "$(cat "$(current 1)")" "$type"
fi
writes "the GPU is removed by hand" 0 "$pf_dir/remove" 1
check "it is gone with all VFs" [ ! -e "$pf_dir" ]
writes "and found again" 0 $PCI/rescan 1
check "its driver takes it" wait_for [ -e "$pf_dir/vgpu" ]
echo 0 >"$pf_dir/sriov_drivers_autoprobe"
enable_vfs 4
is "VF 1 has no type" "$(cat "$(current 1)")" 0
writes "none in the end" 0 "$numvfs" 0
finish
