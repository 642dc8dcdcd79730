# SPDX-License-Identifier: GPL-2.0-only
#
#   make			both modules, against KDIR
#   make demo		everything from nothing to a guest with a vGPU
#   make check		all tests (make check-host T=name: one of them)
#   make check-full	and those that take long, and an hour of make check-fuzz
#   make coverage	which lines of the drivers the tests in VMs reach (S=suites, T=name)
#   make mutants		plant errors in the drivers and see who notices (N=, S=, M=)
#   make bench		what loads, lives of vGPUs and VFIO calls cost (T=table)
#   make check-newest	demo and VMs with the newest packages that there are
#   make series		the drivers as patches for Linux, into SERIES_DIR
#   make deb		a Debian package, into DEB_DIR; check-package: what it does

ifneq ($(KERNELRELEASE),)
include $(src)/Kbuild
else

KDIR ?= /lib/modules/$(shell uname -r)/build
BENCH := tools/testing/bench
DEB_DIR ?= ..
SERIES_DIR ?= ../series
SUITES := static bench abi files kunit vbios model host guest

modules modules_install clean:
	$(MAKE) -C $(KDIR) M=$(CURDIR) W=1 $@

demo:
	$(BENCH)/deps.sh
	$(BENCH)/demo.py

check:
	$(BENCH)/deps.sh
	$(BENCH)/check.py $(SUITES)

check-full:
	$(BENCH)/deps.sh
	$(BENCH)/check.py --full builds $(SUITES) fuzz

check-newest: export BENCH_NEWEST = 1
check-newest:
	$(BENCH)/deps.sh
	$(BENCH)/demo.py
	$(BENCH)/check.py model host guest

coverage:
	$(BENCH)/deps.sh
	$(BENCH)/coverage.py $(if $(T),-t "$(T)") $(S)

mutants:
	$(BENCH)/deps.sh
	$(BENCH)/mutate.py $(if $(N),-n $(N)) $(if $(S),-s $(S)) $(if $(M),-m $(M))

bench:
	$(BENCH)/deps.sh
	$(BENCH)/measure.py $(T)

series:
	tools/series/mk-series "$(SERIES_DIR)" "$$($(BENCH)/mk-kernel.sh source | tail -n 1)"

deb:
	tools/debian/make-deb "$(DEB_DIR)"

$(SUITES:%=check-%) check-builds check-fuzz check-package: check-%:
	$(BENCH)/deps.sh
	$(BENCH)/check.py $(if $(T),-t "$(T)") $*

.PHONY: modules modules_install clean bench series deb demo check check-full check-newest coverage mutants $(SUITES:%=check-%) check-builds check-fuzz check-package
endif
