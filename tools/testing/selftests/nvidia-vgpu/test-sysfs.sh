#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Choosing a vGPU type: the files, their format, what they accept and refuse.

. "$(dirname "$0")/lib.sh"

modes()
{
	stat -c %a "$pf_dir/$1"
}

is "list of supported types is static and for all to read" "$(modes vgpu/supported_types)" 444
check "a PF is not taken for a VF" [ ! -e "$pf_dir/nvidia" ]
supported=$(cat "$pf_dir/vgpu/supported_types")

echo 0 >"$pf_dir/sriov_drivers_autoprobe"
enable_vfs 4
n=0
while [ $n -lt 4 ]; do
	for file in creatable_vgpu_types current_vgpu_type vgpu_params; do
		[ -e "$pf_dir/virtfn$n/nvidia/$file" ] || echo "# no $file at VF $n"
	done
	check "files of VF $n are there" [ -e "$(creatable $n)" -a -e "$(current $n)" ]
	n=$((n + 1))
done
is "mode of creatable_vgpu_types" "$(modes virtfn0/nvidia/creatable_vgpu_types)" 444
is "mode of current_vgpu_type" "$(modes virtfn0/nvidia/current_vgpu_type)" 644
is "no type at first" "$(cat "$(current 0)")" 0

# The format that every reader of it can parse: a header, then "%-5d : %s".
is "header" "$(head -n 1 "$(creatable 0)")" "ID    : vGPU Name"
bad=$(tail -n +2 "$(creatable 0)" | grep -vE '^([0-9]{5,}|[0-9 ]{5}) : NVIDIA [^:]* ?[^ :]+-[0-9]+[QBAC]$' || :)
is "every line is 'id : name'" "$bad" ""
is "an id once" "$(tail -n +2 "$(creatable 0)" | cut -d : -f 1 | sort | uniq -d)" ""
check "types to choose from" pick_types 0
echo "# type $type, same size $same, other size $other"

writes "an unknown id" ENODEV "$(current 0)" 4
is "reads 0 after" "$(cat "$(current 0)")" 0
writes "0 where there is none" 0 "$(current 0)" 0

writes "a type, without newline" 0 "$(current 0)" "$type"
is "reads back" "$(cat "$(current 0)")" "$type"
is "nothing more to create there" "$(wc -c <"$(creatable 0)")" 0
for text in abc 12x -1 ' ' 99999999999999999999 0x; do
	writes "not a number: '$text'" EINVAL "$(current 0)" "$text"
	is "has its type still" "$(cat "$(current 0)")" "$type"
done
writes "that type on another VF, with a newline" 0 "$(current 1)" "$type
"

params=$pf_dir/virtfn0/nvidia/vgpu_params
writes "a setting" 0 "$params" enable_uvm=1
writes "another one" 0 "$params" "disable_vnc=1
"
is "both are there" "$(cat "$params")" "disable_vnc=1, enable_uvm=1"
writes "the type once more" 0 "$(current 0)" "$type"
is "settings after it" "$(cat "$params")" "disable_vnc=1, enable_uvm=1"
writes "one of three cannot be honoured" EOPNOTSUPP "$params" \
	"disable_vnc=0, frame_rate_limiter=0, enable_profiling=1"
is "the others can" "$(cat "$params")" "disable_vnc=0, enable_uvm=1, enable_profiling=1"
writes "no name=value" EINVAL "$params" enable_uvm
writes "no setting" EINVAL "$params" colour=green
writes "no value" EINVAL "$params" enable_uvm=maybe
is "settings after it" "$(cat "$params")" "disable_vnc=0, enable_uvm=1, enable_profiling=1"
writes "a space" 0 "$params" ' '
is "settings after it" "$(cat "$params")" ""
writes "a setting of a VF without type" ENODEV "$pf_dir/virtfn3/nvidia/vgpu_params" enable_uvm=1

writes "another type of the same size" 0 "$(current 2)" "$same"
writes "a type of another size" EINVAL "$(current 3)" "$other"
is "reads 0 after" "$(cat "$(current 3)")" 0
check "only types of that size are listed" [ -z "$(sed 1d "$(creatable 3)" | grep -v -- "-${want}[QBAC]$")" ]
is "header of the shorter list" "$(head -n 1 "$(creatable 3)")" "ID    : vGPU Name"
is "supported types are the same as before" "$(cat "$pf_dir/vgpu/supported_types")" "$supported"
n=0
while [ $n -lt 3 ]; do
	writes "0 takes the type of VF $n away" 0 "$(current $n)" 0
	is "reads 0" "$(cat "$(current $n)")" 0
	n=$((n + 1))
done
check "the list is long again" pick_types 0
writes "the other size now" 0 "$(current 3)" "$other"
writes "and away" 0 "$(current 3)" 0
finish
