#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# sparse 0.6.4 for kernels that are newer than it, as CHECK= of Kbuild. Without
# the first definition Kbuild finds sparse too old and skips it, without the
# second the static_assert() in MODULE_INFO() is an error that hides all
# warnings of the file.
exec sparse -D__typeof_unqual__=__typeof__ '-D__builtin_strlen(s)=(sizeof(s)-1)' "$@"
