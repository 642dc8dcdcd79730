#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# check-static.sh [PATTERN]	checks that need no machine to boot, in TAP
#
# A check passes when it says nothing. PATTERN chooses checks by name (grep -E).

. "$(dirname "$0")/lib.sh"
. "$BENCH/apt.sh"
. "$BENCH/tap.sh"

PATTERN=${1:-}
T=$CACHE/static

# files GIT-PATHSPEC...: what is or would be tracked; none at all is an error.
files()
{
	local list
	list=$(cd "$REPO" && git ls-files -co --exclude-standard --deduplicate -- "$@" |
		while read -r f; do [ ! -f "$f" ] || echo "$f"; done)
	[ -n "$list" ] || { echo "no files: $*"; return 1; }
	echo "$list"
}

in_repo()
{
	(cd "$REPO" && "$@")
}

module_files()
{
	files 'include/*.h' 'nvkm-vgpu/*.[ch]' 'vfio-nvidia-vgpu/*.[ch]'
}

# ---- style ----------------------------------------------------------------

# run_checkpatch OPTION...: outside of any git tree, or it drops its cache there. A file that it had
# nothing to say of is looked at again when it, its name, an option or the script changes.
run_checkpatch()
{
	local copy=$T/checkpatch silent=$T/silent f key
	local -a new=() keys=()
	rm -rf "$copy"
	mkdir -p "$silent"
	# it takes __guarded_by(), which gcc does not see, for the name of a member
	while read -r f; do
		mkdir -p "$copy/$(dirname "$f")"
		sed 's/ __guarded_by([^)]*)//' "$REPO/$f" >"$copy/$f"
		key=$(echo "$KVERSION" "$f" "$@" | cat - "$copy/$f" | sha256sum | cut -c 1-24)
		[ ! -e "$silent/$key" ] || continue
		new+=("$f")
		keys+=("$silent/$key")
	done
	[ ${#new[@]} -gt 0 ] || return 0
	printf "$copy/%s\n" "${new[@]}" | (cd "$T" && xargs "$KSRC/scripts/checkpatch.pl" \
		--root="$KSRC" --strict --terse --no-summary --show-types "$@" -f) \
		>"$T/checkpatch.log" 2>&1 && [ ! -s "$T/checkpatch.log" ] && touch "${keys[@]}" && return 0
	sed "s|^$copy/||" "$T/checkpatch.log"
	return 1
}

# A file that was silent is not any more, once it has an error.
planted_checkpatch()
{
	local REPO=$T/planted
	mkdir -p "$REPO"
	printf '/* SPDX-License-Identifier: GPL-2.0-only */\nint planted(int n);\n' >"$REPO/planted.h"
	run_checkpatch <<<planted.h || return 1
	echo 'int error( int n );' >>"$REPO/planted.h"
	run_checkpatch <<<planted.h | grep -q '^planted.h:3: .*SPACING' || echo "not reported: a space"
}

checkpatch()
{
	{
		module_files | grep -v '/trace\.h$'
		files Kbuild Kconfig 'nvkm-vgpu/*Kbuild'
		kernel_tests
	} | run_checkpatch
	# tracepoints are no C that it knows
	module_files | grep '/trace\.h$' |
		run_checkpatch --ignore=OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT
}

# Programs that poke at mapped registers, written like the kernel's selftests.
checkpatch_programs()
{
	files 'tools/testing/selftests/*.[ch]' | grep -vxF "$(kernel_tests)" |
		run_checkpatch --ignore=VOLATILE,ARRAY_SIZE,PREFER_DEFINED_ATTRIBUTE_MACRO,EMBEDDED_FUNCTION_NAME
}

kernel_tests()
{
	files 'tools/testing/selftests/*.c' | (cd "$REPO" && xargs grep -l '<linux/module.h>') || :
}

# QEMU asks for 80 columns and insists on 90; the model has 120. A macro that
# makes arguments cannot be put into parentheses.
checkpatch_qemu()
{
	local f
	files 'tools/testing/qemu/*.[ch]' | while read -r f; do
		in_repo "$QSRC/scripts/checkpatch.pl" --no-tree --terse --no-summary \
			-f "$f" </dev/null || :
	done >"$T/qemu.log"
	grep -Ev 'line over [89]0 characters|Macros with complex values' "$T/qemu.log" || :
	in_repo xargs awk 'length > 120 { print FILENAME ":" FNR ": " length " columns" }' \
		< <(files 'tools/testing/qemu/*.[ch]')
}

kernel_doc()
{
	in_repo xargs "$KSRC/scripts/kernel-doc" -none < <(module_files)
}

# Every exported function says in the API header what it needs and gives back.
exported()
{
	local f=include/linux/nvkm_vgpu.h sym doc n=0
	while read -r sym; do
		n=$((n + 1))
		doc=$(sed -n "/^ \* $sym() - /,/^ \*\//p" "$REPO/$f")
		[ -n "$doc" ] || echo "$f: $sym() has no kernel-doc"
		grep -q '^ \* Context:' <<<"$doc" || echo "$f: $sym(): no Context:"
		grep -q '^ \* Return:' <<<"$doc" || grep -q "^void $sym(" "$REPO/$f" ||
			echo "$f: $sym(): no Return:"
	done < <(in_repo grep -rohP '^EXPORT_SYMBOL_FOR_MODULES\(\K\w+' nvkm-vgpu --include='*.c')
	[ $n -gt 0 ] || echo "no exported functions found"
}

# The kernel's sphinx over our folder, in a tree that has no more of the kernel's documents.
# It misses a logo, and dot(1).
sphinx()
{
	local tree=$T/doc docs=$T/doc/Documentation x
	rm -rf "$tree" "$T/html"
	mkdir -p "$docs"
	for x in tools scripts include MAINTAINERS Makefile; do
		ln -s "$KSRC/$x" "$tree/$x"
	done
	for x in conf.py sphinx sphinx-static docutils.conf; do
		ln -s "$KSRC/Documentation/$x" "$docs/$x"
	done
	cp -r "$REPO/Documentation/." "$docs/"
	[ $# -eq 0 ] || printf '%s\n' "$@" >>"$docs/nvidia-vgpu/operator.rst"
	printf '%s\n' 'NVIDIA vGPU' '===========' '' '.. toctree::' '   :glob:' '' '   nvidia-vgpu/*' \
		>"$docs/index.rst"
	(cd "$docs" && srctree=$tree BUILDDIR=$T/html nice sphinx-build -q -j "$(nproc)" -b html \
		-c . . "$T/html") 2>&1 |
		grep -vE "^Using |images/logo.svg' does not exist|dot\(1\) not found" | sed "s|^$docs/||"
}

planted_sphinx()
{
	sphinx '' '====  ====' 'too long' '====  ====' >"$T/sphinx.log" || :
	grep -q 'operator.rst:[0-9]*: ERROR: Malformed table' "$T/sphinx.log" ||
		{ echo "not reported: a malformed table"; cat "$T/sphinx.log"; }
}

function_length()
{
	in_repo xargs awk 'FNR == 1 { start = 0 }
		/^\{$/ { start = FNR }
		/^\}$/ && start {
			if (FNR - start > 71)
				print FILENAME ":" start ": function of " FNR - start - 1 " lines"
			start = 0
		}' < <(module_files | grep '\.c$')
}

# ---- compilers ------------------------------------------------------------

# The stock kernel: whatever the build for the host VM had to say.
stock_build()
{
	"$BENCH/mk-modules.sh" >"$T/stock.log" 2>&1 || { tail -n 30 "$T/stock.log"; return 1; }
	grep -E 'warning:|WARNING:' "$LOGS/modules-build.log" || :
}

# prepare NAME OPTION...: Linux 7.3, prepared for external modules, in folder NAME.
# modpost has no symbols to look up.
prepare()
{
	local name=$1 obj=$T/$1 key
	shift
	key=$(key "$(cat "$KSRC/.debian-version" "$BENCH/kernel.config")" "$@" </dev/null)
	fresh "static-$name" "$key" && [ -d "$obj" ] && return 0
	forget_objects
	rm -rf "$obj"
	mkdir -p "$obj"
	make -s -C "$KSRC" O="$obj" KCONFIG_ALLCONFIG="$BENCH/kernel.config" "$@" allnoconfig &&
		nice make -s -C "$KSRC" O="$obj" -j"$(nproc)" "$@" modules_prepare || return 1
	stamp "static-$name" "$key"
}

kbuild()
{
	nice make -s -C "$KSRC" O="$T/linux" M="$T/src" W=1 CHECK="$BENCH/sparse.sh" \
		CONFIG_NVKM_VGPU_KUNIT_TEST=m \
		KBUILD_MODPOST_WARN=1 KBUILD_MODPOST_NOFINAL=1 -j"$(nproc)" "$@" modules
}

# What was compiled without a word need not be again: make knows what has changed since.
SILENT=$T/objects-are-silent

forget_objects()
{
	rm -f "$SILENT"
	mkdir -p "$T/src"
	find "$T/src" -name '*.o' -delete
}

# kbuild_silent NAME OPTION...: modpost's lines are about symbols of the kernel.
kbuild_silent()
{
	local name=$1
	shift
	kbuild O="$T/$name" "$@" >"$T/$name.log" 2>&1 || { cat "$T/$name.log"; return 1; }
	sed '/^WARNING: modpost: .*\(undefined!\|unresolved symbol warnings\)/d
		/Module.symvers is missing/,/at your own risk/d' "$T/$name.log"
}

# The same, everything anew.
kbuild_all()
{
	forget_objects
	kbuild_silent "$@"
}

copy_modules()
{
	mkdir -p "$T/src"
	module_sources | rsync -rc --from0 --files-from=- "$REPO/" "$T/src.new/"
	# a folder that is gone may have objects in it, which rsync would keep
	(cd "$T/src" && find . -depth -type d) | while read -r d; do
		[ -d "$T/src.new/$d" ] || rm -rf "$T/src/${d:?}"
	done
	rsync -rc --delete --exclude='*.o' --exclude='.*' "$T/src.new/" "$T/src/"
	rm -rf "$T/src.new"
}

build_and_sparse()
{
	prepare linux >"$T/prepare.log" 2>&1 || { tail -n 30 "$T/prepare.log"; return 1; }
	copy_modules
	[ -e "$SILENT" ] || forget_objects
	rm -f "$SILENT"
	kbuild_silent linux C=1 >"$T/said" && [ ! -s "$T/said" ] && touch "$SILENT" && return 0
	cat "$T/said"
	return 1
}

# What is said of the kernel's own headers is not ours. That a table's last members are
# left out, and so 0, is how tables are written.
build_w2()
{
	kbuild_all linux W=12 KCFLAGS=-Wno-missing-field-initializers |
		grep -E '^[a-z][^ ]*: (warning|error):' || :
}

build_clang()
{
	prepare linux-clang "$LLVM" >"$T/prepare.log" 2>&1 || { tail -n 30 "$T/prepare.log"; return 1; }
	kbuild_all linux-clang "$LLVM"
}

# planted_in FILE LINE WANT CHECK...: the check must tell of a line at the end of a file.
planted_in()
{
	local f=$1 line=$2 want=$3
	shift 3
	echo "$line" >>"$T/src/$f"
	"$@" >"$T/planted.log" 2>&1 || :
	copy_modules
	grep -qE "$want" "$T/planted.log" ||
		{ echo "not reported in $f: $line"; tail -n 20 "$T/planted.log"; }
}

# Data that is touched without its lock, by clang's context analysis as Linux 7.3 has it. Linux wants
# clang 23; what Debian has, 22, does it, too, where it need not compile: it gets gcc's command
# lines, and only looks.
locks()
{
	local chroot
	chroot=$("$BENCH/mk-rootfs.sh" clang 2>"$T/clang.log" | tail -n 1)
	[ -d "$chroot" ] || { tail -n 20 "$T/clang.log"; return 1; }
	"$BENCH/context.py" "$T/src" "$KSRC" clang-22 >"$T/context.sh" || return 1
	# shellcheck disable=SC2016
	unshare -m sh -c 'mkdir -p "$1$2" && mount --bind "$2" "$1$2" && exec chroot "$1" sh "$3"' \
		sh "$chroot" "$CACHE" "$T/context.sh" 2>&1 | grep -E 'warning:|error:|No such'
	[ "${PIPESTATUS[0]}" -eq 0 ]
}

locks_of_all()
{
	# another check may have built them by clang
	if grep -qs ' := gcc ' "$T/src/nvkm-vgpu/.pci.o.cmd"; then
		copy_modules
	else
		build_and_sparse || return 1
	fi
	locks
}

# barriers [TREE]: no machine of x86 sees that one of them is missing. What a pointer of a queue
# tells of is ordered before it, a whole barrier if that was read; and what it leads to is read after it.
barriers()
{
	(cd "${1:-$REPO}" && awk '
		FNR == 1 || /^}/ { barrier = 0; before = "" }
		/^\tdma_w?mb\(\);$/ { barrier = FNR; before = $1 }
		/READ_ONCE\(.*->stat->write_ptr\)/ { found++; read = FILENAME ":" FNR }
		/^\tdma_r?mb\(\);$/ || /^}/ { read = "" }
		/memcpy\(|msgq_slot\(/ && read { print read ": read with no barrier behind it"; read = "" }
		/WRITE_ONCE\(.*->write_ptr,/ { found++; tell("dma_w?mb") }
		/WRITE_ONCE\(.*->read_ptr,/ { found++; tell("dma_mb") }
		function tell(which) {
			if (barrier != FNR - 1 || before !~ which)
				print FILENAME ":" FNR ": written with no " which "() before it"
		}
		END { if (found != 3) print found + 0 " pointers of queues are told or read, not 3" }
	' nvkm-vgpu/gsp/*.c)
}

planted_barriers()
{
	local tree=$T/barriers f=nvkm-vgpu/gsp/msgq.c line n=0
	rm -rf "$tree"
	mkdir -p "$tree/nvkm-vgpu/gsp"
	while read -r line; do
		n=$((n + 1))
		sed "${line}d" "$REPO/$f" >"$tree/$f"
		barriers "$tree" | grep -q "^$f:" || echo "not reported: $f:$line"
	done < <(grep -nE '^\s*dma_[rw]?mb\(\);$' "$REPO/$f" | cut -d : -f 1)
	[ $n -gt 0 ] || echo "no barriers found"
}

# The kernel's scripts. Left out: those that need an OCaml compiler or make patches only, the
# two that take PTR_ERR() in a comparison for one that is printed, or warn of themselves.
semantic_patches()
{
	local script options
	find "$KSRC/scripts/coccinelle" -name '*.cocci' | sort |
		grep -vE '/(ptr_err_to_pe|stream_open)\.cocci$' | while read -r script; do
		grep -q '^virtual report' "$script" || continue
		! grep -q ocaml "$script" || continue
		options=$(sed -n 's|^// Options: ||p' "$script" | head -n 1)
		# shellcheck disable=SC2086
		(cd "$T/src" && nice spatch -D report --no-show-diff --very-quiet \
			--cocci-file "$script" $options --jobs "$(nproc)" --dir . -I "$KSRC/include" \
			-I "$KSRC/arch/x86/include" 2>&1 </dev/null) | grep -v '^$' || :
	done
}

# tidy [FILE]: clang-tidy over the model, as .clang-tidy there says. It is compiled as QEMU compiles
# it, but for options that clang does not know.
tidy()
{
	find "$T/tidy/src" -name "${1:-*.c}" | sort |
		nice xargs -P "$(nproc)" -n 4 clang-tidy --quiet -p "$T/tidy" 2>/dev/null |
		sed "s|^$T/tidy/src/||"
}

copy_model()
{
	mkdir -p "$T/tidy"
	"$BENCH/mk-qemu.sh" >"$T/qemu-build.log" 2>&1 || { tail -n 30 "$T/qemu-build.log"; return 1; }
	rsync -rc --delete "$QSRC/hw/misc/nvidia-ada/" "$T/tidy/src/" &&
	sed -E 's/ -f(zero-call-used-regs|trivial-auto-var-init)=[^ ]+| -Wold-style-declaration//g
		s|\.\./src/hw/misc/nvidia-ada/|'"$T/tidy/src/|" \
		"$CACHE/qemu/build/compile_commands.json" >"$T/tidy/compile_commands.json"
}

tidy_model()
{
	copy_model && tidy
}

planted_tidy()
{
	copy_model || return 1
	echo 'int planted(int n); int planted(int n) { char *p = g_malloc(4); return n / (p - p); }' \
		>>"$T/tidy/src/ada-ce.c"
	tidy ada-ce.c >"$T/tidy.log" || :
	grep -q 'ada-ce.c:.*core.DivideZero' "$T/tidy.log" ||
		{ echo "not reported: a division by 0"; tail -n 20 "$T/tidy.log"; }
}

# planted MODULE: sparse must find two errors at the end of the file that has
# MODULE_LICENSE(), the one where it went blind.
planted()
{
	local f want
	build_and_sparse || return 1
	f=$(cd "$T/src" && grep -l '^MODULE_LICENSE' "$1"/*.c) || { echo "no MODULE_LICENSE"; return 1; }
	cat >>"$T/src/$f" <<-'X'
		u32 planted_le32(__le32 wire);
		u32 planted_le32(__le32 wire) { return wire + 1; }
		u32 planted_iomem(void __iomem *regs);
		u32 planted_iomem(void __iomem *regs) { return *(u32 *)regs; }
	X
	kbuild C=1 >"$T/planted.log" 2>&1 || :
	copy_modules
	for want in 'restricted __le32 degrades to integer' \
		"cast removes address space '__iomem'"; do
		grep -q "$f:.*$want" "$T/planted.log" ||
			{ echo "not reported in $f: $want"; tail -n 20 "$T/planted.log"; }
	done
}

# ---- scripts --------------------------------------------------------------

shell_scripts()
{
	local f
	files '*.sh' 'tools/*' .ci | while read -r f; do
		! head -n 1 "$REPO/$f" | grep -qE '^#! ?/(usr/)?bin/(env )?(ba)?sh' || echo "$f"
	done
}

check_shell()
{
	in_repo xargs shellcheck -x -P SCRIPTDIR -f gcc < <(shell_scripts)
}

python_files()
{
	files '*.py'
	files 'tools/*' | while read -r f; do
		! head -n 1 "$REPO/$f" | grep -q '^#!.*python' || echo "$f"
	done
}

check_python()
{
	in_repo xargs pylint --rcfile=tools/testing/pylintrc -j "$(nproc)" < <(python_files | sort -u)
}

# As long as it finds these, what it does not find is worth something.
planted_python()
{
	local f=$T/planted.py want
	printf '%s\n' 'import os' 'def one(x):' '    y = x' '    return z' >"$f"
	pylint --rcfile="$REPO/tools/testing/pylintrc" "$f" >"$T/pylint.log" || :
	for want in unused-import unused-variable undefined-variable; do
		grep -q "$want" "$T/pylint.log" || echo "not reported: $want"
	done
}

spelling()
{
	in_repo xargs codespell -L 'hsi,fo,ser,te,damon' < <(files . ':!*.tsv' ':!*.map')
}

# ---- rules ----------------------------------------------------------------

# What the model takes for granted is in its documentation, and nothing else is.
assumptions()
{
	local doc=Documentation/nvidia-vgpu/model.rst
	in_repo diff -u --label "$doc" --label tools/testing/qemu \
		<(sed -n '/^Assumptions$/,/^Registers$/s/^\([A-Z][A-Z0-9-]*\)$/\1/p' "$REPO/$doc" | sort) \
		<(grep -rhoE '[Aa]ssumption [A-Z][A-Z0-9-]+' "$REPO/tools/testing/qemu" --include='*.[ch]' |
			cut -d ' ' -f 2 | sort -u)
}

# The same of the registers that it handles.
registers()
{
	local doc=Documentation/nvidia-vgpu/model-registers.rst
	in_repo diff -u --label "$doc" --label tools/testing/qemu \
		<(awk '/^[A-Za-z]+$/ { title = $1 } /^0x/ { print title, $1, $2 }' "$REPO/$doc") \
		<(in_repo tools/testing/qemu/registers.py)
}

# The file itself, and that it has all files that the driver makes.
sysfs_documented()
{
	local attr doc=$REPO/Documentation/ABI/testing/sysfs-driver-nvkm-vgpu n=0
	PYTHONDONTWRITEBYTECODE=1 python3 "$KSRC/tools/docs/get_abi.py" \
		--dir "$REPO/Documentation/ABI" validate
	while read -r attr; do
		n=$((n + 1))
		grep -qE "^What:.*/(nvidia|vgpu)/$attr$" "$doc" || echo "not documented: $attr"
	done < <(in_repo grep -rohP '^(static DEVICE_ATTR_\w+|STATUS_\w+)\(\K\w+(?=\);|,)' nvkm-vgpu --include='*.c')
	[ $n -gt 0 ] || echo "no sysfs files found"
}

# Each file of the entry is there, nothing of the repository that a kernel would take is left out, and
# it is in the order that the kernel's own script makes.
maintained()
{
	local pattern f m=$T/maintainers
	while read -r pattern; do
		[ -n "$(cd "$REPO" && git ls-files -co --exclude-standard -- "$pattern")" ] ||
			echo "MAINTAINERS: '$pattern' is not there"
	done < <(sed -n 's/^F:\t//p' "$REPO/MAINTAINERS")
	while read -r f; do
		sed -n 's/^F:\t//p' "$REPO/MAINTAINERS" | grep -qxF -e "$f" -e "${f%%/*}/" ||
			echo "MAINTAINERS: $f is of nobody"
	done < <(files 'include/*' 'nvkm-vgpu/*' 'vfio-nvidia-vgpu/*' 'tools/*' 'Documentation/ABI/*')
	sed -n '/^NVIDIA/,$p' "$REPO/MAINTAINERS" >"$m"
	"$KSRC/scripts/parse-maintainers.pl" --order --input="$m" --output="$m.out" --section="$m.section"
	diff --label MAINTAINERS --label "as it should be" -u "$m" "$m.out"
}

# The boards that the core claims are those of the VFIO driver and of the model.
same_boards()
{
	local core other name
	core=$(in_repo grep -oP '^\tBOARD\(\K0x\w+' nvkm-vgpu/vgpu/boards.c | sort)
	[ -n "$core" ] || echo "no boards found in the core"
	for name in vfio-nvidia-vgpu/main.c tools/testing/qemu/ada-board.c; do
		other=$(in_repo grep -oP '(_VFIO\(PCI_VENDOR_ID_NVIDIA, |^ +\{ "\w+", "NVIDIA [^"]+", )\K0x\w+' \
			"$name" | sort)
		diff <(echo "$core") <(echo "$other") | sed "s|^|$name: |"
	done
	return 0
}

# rule NAME SAMPLE REGEX PATHSPEC...: nothing in these files matches. SAMPLE is
# a line that must match, or the rule is not one.
rule()
{
	local name=$1 sample=$2 regex=$3
	shift 3
	check "$name" rule_holds "$sample" "$regex" "$@"
}

rule_holds()
{
	local sample=$1 regex=$2 list
	shift 2
	grep -qE -- "$regex" <<<"$sample" || echo "the rule does not find: $sample"
	list=$(files "$@") || { echo "$list"; return 1; }
	in_repo xargs grep -nHE -- "$regex" <<<"$list" || :
}

rules()
{
	local include='^[[:space:]]*#[[:space:]]*include'
	rule "the API header has no structures of the driver" \
		'#include "nvkm-vgpu/rm/rm.h"' "$include \"" 'include/*.h'
	rule "the variant driver includes the API header, Linux and itself" \
		'#include "../nvkm-vgpu/device.h"' "$include \"[^\"]*/" 'vfio-nvidia-vgpu/*.[ch]'
	rule "the variant driver has no register access to the GPU" \
		'#include <nvkm-vgpu/regs/gsp.h>' '(regs|fwabi|gsp|rm)/|ioread32|iowrite32|readl\(|writel\(' \
		'vfio-nvidia-vgpu/*.[ch]'
	rule "the fwctl driver includes the API header and Linux" \
		'#include "device.h"' "$include \"" 'nvkm-vgpu/fwctl/*.[ch]'
	rule "the core knows no VFIO" '#include <linux/vfio_pci_core.h>' "$include .*vfio" 'nvkm-vgpu/*.[ch]'
	rule "wire structures are included by their own firmware version only" \
		'#include "fwabi/r570_144/rpc.h"' "$include .*(r[0-9]+_[0-9]+|fwabi/common)/" 'nvkm-vgpu/*.[ch]'
	rule "the model includes nothing of the driver" \
		'#include "../../../nvkm-vgpu/regs/gsp.h"' "$include .*(nvkm|nvgpu|/regs/|fwabi|\.\./)" \
		'tools/testing/qemu/*'
	rule "a working driver prints nothing" 'dev_info(&pdev->dev, "hello");' \
		'\b(pr|dev|pci)_info\(|\bpr_notice\(|\bprintk\(' 'nvkm-vgpu/*.[ch]' 'vfio-nvidia-vgpu/*.[ch]' ':!nvkm-vgpu/tests'
	rule "the PF's device lock is the PCI core's" 'device_lock(&pdev->dev);' '^[^*]*\bdevice_(try)?lock\(' \
		'nvkm-vgpu/*.[ch]' 'vfio-nvidia-vgpu/*.[ch]'
	rule "no module parameters" 'module_param(x, int, 0);' '\bmodule_param' \
		'nvkm-vgpu/*.[ch]' 'vfio-nvidia-vgpu/*.[ch]' ':!nvkm-vgpu/tests'
	rule "no unfinished marks" '/* TO''DO */' '\b(TO''DO|FIX''ME|X''XX)\b' . ':!*.tsv'
	rule "no path of some machine" 'cat /wo''rk/x' '/(wo''rk|tmp/(bench|brief))/|/ho''me/[a-z]' . ':!*.tsv'
	rule "no host of packages" 'http://deb.deb''ian.org' '[a-z0-9]+\.deb''ian\.(org|net)|[a-z.]*mirror[a-z]*\.(org|com|net)' .
}

# ---------------------------------------------------------------------------

mkdir -p "$T"
# Both scripts unpack beside and rename; no need to wait for a build to end.
KSRC=$(BENCH_NEWEST='' as_tried linux-source)
KVERSION=${KSRC#*=}
KSRC=$CACHE/linux-${KSRC#linux-source-}
KSRC=${KSRC%%=*}
QSRC=$CACHE/qemu/src
[ "$(cat "$KSRC/.debian-version" 2>/dev/null)" = "$KVERSION" ] || "$BENCH/mk-kernel.sh" source
[ -d "$QSRC" ] || "$BENCH/mk-qemu.sh" source

# sometimes NAME COMMAND...: that a tool sees errors does not change from day to day. One in three by
# the seed; all of them in make check-full, when one is asked for, and without a seed.
sometimes()
{
	local draw
	draw=$(echo "${BENCH_SEED:-} $1" | sha256sum | cut -c 1-6)
	if [ -n "${BENCH_SEED:-}" ] && [ -z "$PATTERN" ] && [ -z "${STATIC_FULL:-}" ] &&
		[ $((0x$draw % 3)) -ne 0 ]; then
		skip "$1" "not in the sample of BENCH_SEED=$BENCH_SEED"
	else
		check "$@"
	fi
}

tap_begin "$PATTERN"
check "checkpatch --strict" checkpatch
sometimes "checkpatch sees errors" planted_checkpatch
check "checkpatch of the tests' programs" checkpatch_programs
check "checkpatch of QEMU over the model" checkpatch_qemu
check "kernel-doc" kernel_doc
check "exported functions are documented" exported
check "the kernel's sphinx" sphinx
sometimes "the kernel's sphinx sees errors" planted_sphinx
check "functions of the modules fit on a screen" function_length
check "includes and calls go down" "$BENCH/layers.py" "$REPO"
sometimes "includes and calls that go up are found" "$BENCH/layers.py" --test "$REPO"
check "barriers" barriers
check "barriers that are left out are found" planted_barriers
check "stock kernel, W=1" stock_build
check "Linux 7.3, W=1 and sparse" build_and_sparse
sometimes "sparse sees errors in nvkm-vgpu" planted nvkm-vgpu
sometimes "sparse sees errors in vfio-nvidia-vgpu" planted vfio-nvidia-vgpu
if [ -n "${STATIC_FULL:-}" ]; then
	# any that this machine has; deps.sh installs 19
	LLVM=LLVM=-$(find /usr/bin -name 'clang-[0-9]*' | sed 's/.*-//' | sort -n | tail -n 1)
	check "Linux 7.3, W=2" build_w2
	check "W=2 sees errors" planted_in nvkm-vgpu/pci.c \
		'int planted(int n); int planted(int n) { { int n = 1; return n; } }' 'shadow' build_w2
	check "Linux 7.3 by clang, W=1" build_clang
	check "clang sees errors" planted_in nvkm-vgpu/pci.c \
		'int planted(int n); int planted(int n) { return n == n; }' 'tautological' build_clang
	check "coccinelle" semantic_patches
	check "coccinelle sees errors" planted_in nvkm-vgpu/pci.c \
		'void planted(void *p); void planted(void *p) { if (p) kfree(p); }' 'ifnullfree|NULL check' \
		semantic_patches
	check "locks" locks_of_all
	check "data without its lock is found" planted_in nvkm-vgpu/pci.c \
		'int planted(struct nvkm_vgpu_pf *pf); int planted(struct nvkm_vgpu_pf *pf) { return pf->mgr.enabled; }' \
		"reading variable 'enabled' requires holding mutex" locks
	check "a lock that is not given back is found" planted_in nvkm-vgpu/pci.c \
		'void planted(struct mutex *m); void planted(struct mutex *m) { mutex_lock(m); }' \
		"still held at the end of function" locks
	check "clang-tidy over the model" tidy_model
	check "clang-tidy sees errors" planted_tidy
fi
check "shellcheck" check_shell
check "pylint" check_python
sometimes "pylint sees errors" planted_python
check "spelling" spelling
check "sysfs files are documented" sysfs_documented
check "MAINTAINERS has what is there" maintained
check "core, VFIO driver and model have the same boards" same_boards
check "the model's assumptions are documented" assumptions
check "the model's registers are documented" registers
rules
tap_end
