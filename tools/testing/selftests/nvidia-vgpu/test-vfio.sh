#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A vGPU through VFIO: who may open it, what it shows, what is refused meanwhile.

. "$(dirname "$0")/lib.sh"
need_client

# client DESCRIPTION N COMMAND...
client()
{
	text=$1
	bdf=$(vf "$2")
	shift 2
	if out=$($client "$bdf" "$@" 2>&1); then
		result 0 "$text"
	else
		echo "$out" | sed 's/^/# /'
		result 1 "$text"
	fi
}

# fails DESCRIPTION ERRNO N: open fails
fails()
{
	is "$1" "$($client "$(vf "$3")" | cut -d ' ' -f 1-3)" "FAIL open $2"
}

# The VFIO driver is found by its override alias and never binds by itself.
vendor=$(cut -c 3- "$pf_dir/vendor")
dev=$(cut -c 3- "$pf_dir/device")
check "modules.alias names the driver" sh -c \
	"modinfo -F alias vfio-nvidia-vgpu | grep -qi 'vfio_pci:v0000${vendor}d0000${dev}'"
enable_vfs 4
check "no driver takes a VF by itself" [ ! -e "$pf_dir/virtfn0/driver" ]
for n in 0 1; do
	check "VF $n is bound by driver_override" bind $n
done

fails "a VF with no type" ENODEV 0
pick_types 0
writes "a type" 0 "$(current 0)" "$type"
device=0x$dev
subsystem=$(printf 0x%x $((0x176d + type - 869)))
case $dev in
26b5) ids=ids:$device:$subsystem ;;
*) ids=boot ;;
esac
client "what a guest does" 0 "$ids" boot regions bar:1:0x10000000 clamp whole tlb fb-write:0x1000:1 fb-write:0x8001000:2 \
	fb-check:0x1000:1 fb-check:0x8001000:2 irq:70 irq:5 rpc
client "and once more" 0 boot fb-write:0x1000:3 fb-check:0x1000:3 rpc
client "across a reset" 0 rpc reset boot rpc reset reset irq:70 rpc
client "bus mastering off and on" 0 master:0 master:1 rpc

check "open" hold 0
# VFIO's own answers: a group is busy, a device's own node takes one user only
case $client in
*-i) fails "opened twice" EINVAL 0 ;;
*) fails "opened twice" EBUSY 0 ;;
esac
writes "type taken away while open" EBUSY "$(current 0)" 0
writes "type changed while open" EBUSY "$(current 0)" "$same"
is "still the same" "$(cat "$(current 0)")" "$type"
writes "VFs taken away while one is open" EBUSY "$pf_dir/sriov_numvfs" 0
is "all still there" "$(cat "$pf_dir/sriov_numvfs")" 4
writes "a type for its sibling" 0 "$(current 1)" "$same"
client "the sibling at the same time" 1 boot fb-write:0x1000:5 fb-check:0x1000:5 irq:70 rpc
check "who had it open was not disturbed" release

check "open again" hold 0
kill -9 "$holder"
wait "$holder" 2>/dev/null
holder=
exec 9>&-
rm "$tmp/hold"
client "after its user was killed" 0 boot rpc
for n in 0 1; do
	writes "type of VF $n away" 0 "$(current $n)" 0
done
fails "no type, no vGPU" ENODEV 0
writes "VFs away" 0 "$pf_dir/sriov_numvfs" 0
finish
