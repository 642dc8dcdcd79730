# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Shared by the tests: TAP output, finding the GPU, leaving it as it was.
#
# The GPU is the first argument or $NVGPU_PF (0000:3d:00.0), else the first one
# that nvkm-vgpu drives. No GPU, or one whose VFs are in use: skip.

set -u
export LC_ALL=C
PCI=/sys/bus/pci
here=$(cd "$(dirname "$0")" && pwd)
tests=0
failed=0

echo "TAP version 13"

# result 0|1 DESCRIPTION
result()
{
	tests=$((tests + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tests - $2"
	else
		failed=$((failed + 1))
		echo "not ok $tests - $2"
	fi
}

# check DESCRIPTION COMMAND...
check()
{
	text=$1
	shift
	if "$@"; then result 0 "$text"; else result 1 "$text"; fi
}

# is DESCRIPTION GOT WANTED
is()
{
	[ "$2" = "$3" ] || echo "# got '$2' instead of '$3'"
	check "$1" [ "$2" = "$3" ]
}

skip_all()
{
	echo "1..0 # SKIP $1"
	exit 4
}

finish()
{
	echo "1..$tests"
	[ $failed = 0 ]
	exit
}

# write FILE TEXT: one write(2); prints 0 or the name of the errno
write()
{
	if error=$(printf %s "$2" | tee "$1" 2>&1 >/dev/null); then
		echo 0
		return
	fi
	case $error in
	*": No such device") echo ENODEV ;;
	*": Invalid argument") echo EINVAL ;;
	*": Device or resource busy") echo EBUSY ;;
	*": Numerical result out of range") echo ERANGE ;;
	*": No space left on device") echo ENOSPC ;;
	*": Operation not permitted") echo EPERM ;;
	*": Operation not supported") echo EOPNOTSUPP ;;
	*": Input/output error") echo EIO ;;
	*) echo "$error" ;;
	esac
}

# writes DESCRIPTION WANTED FILE TEXT
writes()
{
	is "$1" "$(write "$3" "$4")" "$2"
}

[ "$(id -u)" = 0 ] || skip_all "needs root"
pf=${1:-${NVGPU_PF:-}}
[ -n "$pf" ] || pf=$(find $PCI/drivers/nvkm-vgpu/ -name '*:*:*.*' -printf '%f\n' 2>/dev/null | sort | head -n 1)
[ -n "$pf" ] || skip_all "no GPU is driven by nvkm-vgpu"
pf_dir=$PCI/devices/$pf
[ -e "$pf_dir/sriov_numvfs" ] || skip_all "$pf has no SR-IOV"
[ "$(cat "$pf_dir/sriov_numvfs")" = 0 ] || skip_all "the VFs of $pf are in use"

# vf N: the PCI address of the N-th VF, from 0
vf()
{
	basename "$(readlink -f "$pf_dir/virtfn$1")"
}

# current N, creatable N: the files of the N-th VF
current()
{
	echo "$pf_dir/virtfn$1/nvidia/current_vgpu_type"
}

creatable()
{
	echo "$pf_dir/virtfn$1/nvidia/creatable_vgpu_types"
}

enable_vfs()
{
	is "$1 VFs" "$(write "$pf_dir/sriov_numvfs" "$1")" 0
}

# bind N: give the N-th VF to the VFIO driver
bind()
{
	vf=$(vf "$1")
	echo vfio-nvidia-vgpu >"$PCI/devices/$vf/driver_override"
	echo "$vf" >"$PCI/drivers_probe"
	[ "$(basename "$(readlink "$PCI/devices/$vf/driver")")" = vfio-nvidia-vgpu ]
}

# pick_types N: ids from the list of the N-th VF, which has no type yet:
# type, same (another type of its size), other (a type of another size)
pick_types()
{
	type='' same='' other=''
	want=$(sed -n 's/.*-\(8\)Q$/\1/p' "$(creatable "$1")" | head -n 1)
	[ -n "$want" ] || want=$(sed -n 's/.*-\([0-9]*\)Q$/\1/p' "$(creatable "$1")" | head -n 1)
	while read -r id name; do
		case $name in
		*-"$want"Q) type=$id ;;
		*-"$want"A) same=$id ;;
		*-[0-9]*[QA]) other=$id ;;
		esac
	done <<-X
		$(sed -n 's/^\([0-9]*\) *: .* \([^ ]*\)$/\1 \2/p' "$(creatable "$1")")
	X
	[ -n "$type" ] && [ -n "$same" ] && [ -n "$other" ]
}

restore()
{
	[ -z "${holder:-}" ] || kill "$holder" 2>/dev/null
	for dir in "$pf_dir"/virtfn*; do
		[ ! -e "$dir/nvidia/current_vgpu_type" ] || write "$dir/nvidia/current_vgpu_type" 0 >/dev/null
	done
	write "$pf_dir/sriov_numvfs" 0 >/dev/null
	echo "$autoprobe" >"$pf_dir/sriov_drivers_autoprobe"
	rm -rf "$tmp"
}

tmp=$(mktemp -d)
autoprobe=$(cat "$pf_dir/sriov_drivers_autoprobe")
trap restore EXIT
trap 'exit 1' INT TERM

need_client()
{
	modprobe -q vfio-nvidia-vgpu || [ -d $PCI/drivers/vfio-nvidia-vgpu ] ||
		skip_all "no module vfio-nvidia-vgpu"
	[ -x "$here/vfio-client" ] || skip_all "vfio-client is not built: make"
	client="$here/vfio-client"
	[ ! -e /dev/iommu ] || client="$client -i"
}

# hold N: keep the N-th VF open in the background until release
hold()
{
	mkfifo "$tmp/hold"
	$client "$(vf "$1")" fb-write:0x1000:77 hold fb-check:0x1000:77 irq:70 <"$tmp/hold" >"$tmp/held" &
	holder=$!
	exec 9>"$tmp/hold"
	wait_for grep -q hold "$tmp/held"
}

# what was held is closed; true if all its checks passed
release()
{
	exec 9>&-
	wait "$holder"
	rc=$?
	holder=
	rm "$tmp/hold"
	[ $rc = 0 ] || sed 's/^/# /' "$tmp/held"
	return $rc
}

wait_for()
{
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt 100 ] || return 1
		sleep 0.1
	done
}
