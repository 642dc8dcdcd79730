#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# mk-efi.sh FOLDER VMLINUZ INITRD ARGUMENTS secure|open [KEY]
#
# What a machine with UEFI boots from, into FOLDER: esp.img with Debian's shim, GRUB and that kernel,
# code.fd and vars.fd for the flash. With Secure Boot the machine trusts Microsoft's keys, as one from
# a shop does, and KEY (a certificate in DER) as if "mokutil --import" had been confirmed at its
# console.

. "$(dirname "$0")/lib.sh"

[ $# -ge 5 ] || die "usage: mk-efi.sh FOLDER VMLINUZ INITRD ARGUMENTS secure|open [KEY]"
out=$1 kernel=$2 initrd=$3 arguments=$4 key=${6:-}
case $5 in
secure) flash=4M.ms ;;
open) flash=4M ;;
*) die "'$5': expected secure or open" ;;
esac
owner=605dab50-e046-4300-abb6-3dd810dd8b23	# shim's; any would do

# what runs in there
make_all()
{
	cat <<-'X'
		set -e
		cp "/usr/share/OVMF/OVMF_CODE_$FLASH.fd" code.fd
		cp "/usr/share/OVMF/OVMF_VARS_$FLASH.fd" vars.fd
		if [ -e key.der ]; then
			openssl x509 -inform der -in key.der -out key.pem
			virt-fw-vars --inplace vars.fd --add-mok "$OWNER" key.pem
		fi
		rm -f esp.img
		truncate -s $(($(cat vmlinuz initrd | wc -c) / 1048576 + 48))M esp.img
		mformat -i esp.img -F ::
		mmd -i esp.img ::/EFI ::/EFI/BOOT ::/EFI/debian
		mcopy -i esp.img /usr/lib/shim/shimx64.efi.signed ::/EFI/BOOT/BOOTX64.EFI
		mcopy -i esp.img /usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed ::/EFI/BOOT/grubx64.efi
		mcopy -i esp.img grub.cfg ::/EFI/debian/grub.cfg
		mcopy -i esp.img vmlinuz initrd ::/
	X
}

root=$("$BENCH/mk-rootfs.sh" efi | tail -n 1)
mkdir -p "$out"
cp -L "$kernel" "$out/vmlinuz"
cp -L "$initrd" "$out/initrd"
[ -z "$key" ] || cp "$key" "$out/key.der"
printf 'linux /vmlinuz %s\ninitrd /initrd\nboot\n' "$arguments" >"$out/grub.cfg"
make_all >"$out/make"
# shellcheck disable=SC2016
OWNER=$owner FLASH=$flash unshare -m sh -c 'mount --bind "$1" "$2/mnt" && exec chroot "$2" sh -c "cd /mnt && sh make"' \
	sh "$out" "$root" >"$out/log" 2>&1 || die "no EFI system partition: $(tail -n 5 "$out/log")"
rm "$out/vmlinuz" "$out/initrd"
