/*
 * NVIDIA Ada GPU: the boards the model can be
 *
 *   assumption SRIOV-BOARDS  all have the PCI layout of an L20: capabilities, VFs and their BARs
 *   assumption REVISION      all are revision A1 of their chip
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "ada.h"

/* PMC_BOOT_0 and PMC_BOOT_42 of the two chips */
#define AD102_BOOT0     0x192000a1
#define AD102_BOOT42    0x192a1000
#define AD104_BOOT0     0x194000a1
#define AD104_BOOT42    0x194a1000

/*
 * Assumption BAR1-POWER-ON: boards for servers power on with the whole of BAR1, 64 GiB where the framebuffer is 48 GiB
 * (seen on an L20) and the next power of two elsewhere; workstation boards with 256 MiB.
 */
#define BAR1_WORKSTATION    (256 * MiB)

/*
 * Ids and names: NVIDIA's g_nv_name_released.h, the first subsystem of NVIDIA's own that it has for a board. Chips: the
 * same, by arch and impl in g_chips2halspec_nvoc.c. Framebuffer: what the largest vGPU type of the board takes; its
 * channels by the width of the bus; ECC as nvidia-smi shows L40, L40S, L20, L4 and the RTX boards, and L2 by analogy.
 */
static const AdaBoard boards[] = {
    { "l40", "NVIDIA L40", 0x26b5, 0x169d, AD102_BOOT0, AD102_BOOT42, 48 * GiB, 12, true, 128 * MiB, 64 * GiB },
    { "l40s", "NVIDIA L40S", 0x26b9, 0x1851, AD102_BOOT0, AD102_BOOT42, 48 * GiB, 12, true, 128 * MiB, 64 * GiB },
    { "l20", "NVIDIA L20", 0x26ba, 0x1957, AD102_BOOT0, AD102_BOOT42, 48 * GiB, 12, true, 128 * MiB, 64 * GiB },
    { "rtx6000ada", "NVIDIA RTX 6000 Ada Generation", 0x26b1, 0x16a1, AD102_BOOT0, AD102_BOOT42,
      48 * GiB, 12, false, 128 * MiB, BAR1_WORKSTATION },
    /* as it is shipped, for displays: as two servers show it. The board above was switched, as NVIDIA's tool does it */
    { "rtx6000ada-display", "NVIDIA RTX 6000 Ada Generation", 0x26b1, 0x16a1, AD102_BOOT0, AD102_BOOT42,
      48 * GiB, 12, false, 128 * MiB, 64 * GiB, .display = true },
    { "rtx5000ada", "NVIDIA RTX 5000 Ada Generation", 0x26b2, 0x17fa, AD102_BOOT0, AD102_BOOT42,
      32 * GiB, 8, false, 128 * MiB, BAR1_WORKSTATION },
    { "l4", "NVIDIA L4", 0x27b8, 0x16ca, AD104_BOOT0, AD104_BOOT42, 24 * GiB, 6, true, 64 * MiB, 32 * GiB },
    { "l2", "NVIDIA L2", 0x27b6, 0x1933, AD104_BOOT0, AD104_BOOT42, 24 * GiB, 6, true, 64 * MiB, 32 * GiB },
};

const AdaBoard *ada_board_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(boards); i++) {
        if (!strcmp(boards[i].name, name)) {
            return &boards[i];
        }
    }
    return NULL;
}

char *ada_board_names(void)
{
    GString *names = g_string_new(NULL);

    for (size_t i = 0; i < ARRAY_SIZE(boards); i++) {
        g_string_append_printf(names, "%s%s", i ? ", " : "", boards[i].name);
    }
    return g_string_free(names, FALSE);
}
