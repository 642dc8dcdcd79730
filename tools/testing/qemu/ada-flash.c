/*
 * NVIDIA Ada: the board's flash, and FWSEC in it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The flash holds the model's own VBIOS or, with property "vbios", the bytes of a file as they were dumped from a
 * board. FWSEC is found in it as OpenRM finds it: IFR header, chain of images, BIT, table of falcon programs,
 * descriptor. Nothing that the flash says is believed before it was seen to lie inside. A flash without a usable FWSEC
 * is a flash all the same: its board shows it, and no program that is loaded from it will run.
 *
 *   assumption PROM-START   the window starts with the first image, IFR header and all before it are not in it: so it
 *                           was dumped from an RTX 4070 SUPER. Drivers are ready for the header, so property "prom-ifr"
 *                           shows the flash from its first byte
 *   assumption VBIOS-CHIP   any Ada board takes the VBIOS of any other: FWSEC of AD102 to AD107 has one shape, and
 *                           whether its signature is tied to a chip is not published
 */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qemu/bswap.h"
#include "qapi/error.h"
#include "ada.h"
#include "ada-abi.h"

#define FLASH_MAX           (16 * MiB)
#define PROM_SIZE           (1 * MiB)

/* What OpenRM names in tu102/dev_bus.h and kernel_gsp_vbios_tu102.c */
#define IFR_SIGNATURE       0x4947564e      /* NVGI */
#define IFR_STATUS_SIZE     4096
#define DIRECTORY_SIGNATURE 0x44524652      /* RFRD */

typedef struct Flash {
    const uint8_t *data;
    size_t size;
    size_t start;               /* the first image */
    bool images;                /* there is one at all */
    uint32_t expansion;         /* what is between the image with the BIT and the first of type 0xE0 */
    uint16_t device;
} Flash;

static const uint8_t *part(const Flash *f, uint64_t off, uint64_t len)
{
    return off <= f->size && len <= f->size - off ? f->data + off : NULL;
}

/* Behind its end a flash reads as ones */
static uint32_t word(const Flash *f, uint64_t off)
{
    const uint8_t *p = part(f, off, 4);

    return p ? ldl_le_p(p) : UINT32_MAX;
}

static uint16_t half(const Flash *f, uint64_t off)
{
    const uint8_t *p = part(f, off, 2);

    return p ? lduw_le_p(p) : UINT16_MAX;
}

static uint8_t byte(const Flash *f, uint64_t off)
{
    const uint8_t *p = part(f, off, 1);

    return p ? *p : UINT8_MAX;
}

static void find_start(Flash *f)
{
    uint32_t fixed = word(f, 4);
    uint64_t directory;

    f->start = 0;
    if (word(f, 0) != IFR_SIGNATURE) {
        return;
    }
    switch (extract32(fixed, 8, 8)) {
    case 1:
    case 2:
        f->start = word(f, extract32(fixed, 16, 15) + 4);
        break;
    case 3:
        directory = (uint64_t)word(f, extract32(word(f, 8), 0, 20)) + IFR_STATUS_SIZE;
        if (word(f, directory) == DIRECTORY_SIGNATURE) {
            f->start = word(f, directory + 8);
        }
        break;
    }
}

static void find_images(Flash *f)
{
    uint32_t base = 0;
    uint64_t at = f->start, ext = 0;
    bool last = false;

    while (!last && at < f->size) {
        uint64_t pcir = at + half(f, at + r570_PCI_EXP_ROM_STANDARD__pciDataStrucPtr);
        uint64_t npde = ROUND_UP(pcir + half(f, pcir + r570_PCI_DATA_STRUCT__pciDataStructLen), 16);
        uint32_t size = half(f, pcir + r570_PCI_DATA_STRUCT__imageLen) * r570_PCI_ROM_IMAGE_BLOCK_SIZE;
        uint32_t signature = word(f, pcir + r570_PCI_DATA_STRUCT__sig);

        if (signature != r570_PCI_DATA_STRUCT_SIGNATURE && signature != r570_PCI_DATA_STRUCT_SIGNATURE_NV) {
            break;
        }
        last = byte(f, pcir + r570_PCI_DATA_STRUCT__lastImage) & r570_PCI_LAST_IMAGE;
        if (word(f, npde + r570_NV_PCI_DATA_EXT_STRUCT__signature) == r570_NV_PCI_DATA_EXT_SIG) {
            size = half(f, npde + r570_NV_PCI_DATA_EXT_STRUCT__subimageLen) * r570_PCI_ROM_IMAGE_BLOCK_SIZE;
            last = byte(f, npde + r570_NV_PCI_DATA_EXT_STRUCT__privLastImage) & r570_PCI_LAST_IMAGE;
        }
        if (!size) {
            break;
        }
        switch (byte(f, pcir + r570_PCI_DATA_STRUCT__codeType)) {
        case r570_NV_BCRT_HASH_INFO_BASE_CODE_TYPE_VBIOS_BASE:
            if (!base) {
                base = size;
                f->device = half(f, pcir + r570_PCI_DATA_STRUCT__deviceID);
            }
            break;
        case r570_NV_BCRT_HASH_INFO_BASE_CODE_TYPE_VBIOS_EXT:
            ext = ext ?: at - f->start;
            break;
        }
        f->images = true;
        at += size;
    }
    f->expansion = ext > base ? ext - base : 0;
}

static Flash flash_open(const uint8_t *data, size_t size)
{
    Flash f = { .data = data, .size = size };

    find_start(&f);
    find_images(&f);
    return f;
}

/* Offset of the table of falcon programs, 0 if there is none */
static uint64_t find_table(const Flash *f)
{
    static const uint8_t id[] = { 0xff, 0xb8, 'B', 'I', 'T', 0 };
    const uint8_t *p = part(f, f->start, 0) ? memmem(f->data + f->start, f->size - f->start, id, sizeof(id)) : NULL;
    uint64_t bit, token;

    if (!p) {
        return 0;
    }
    bit = p - f->data;
    for (int i = 0; i < byte(f, bit + r570_BIT_HEADER_V1_00_rom__TokenEntries); i++) {
        token = bit + byte(f, bit + r570_BIT_HEADER_V1_00_rom__HeaderSize) +
                i * byte(f, bit + r570_BIT_HEADER_V1_00_rom__TokenSize);
        if (byte(f, token + r570_BIT_TOKEN_V1_00_rom_size_6__TokenId) == r570_BIT_TOKEN_FALCON_DATA &&
            byte(f, token + r570_BIT_TOKEN_V1_00_rom_size_6__DataVersion) == 2) {
            return f->start + f->expansion +
                   (uint64_t)word(f, f->start + half(f, token + r570_BIT_TOKEN_V1_00_rom_size_6__DataPtr));
        }
    }
    return 0;
}

/* What is wrong with FWSEC's program at @desc, NULL if nothing is */
static const char *fwsec_flaw(const Flash *f, uint64_t desc)
{
    uint32_t vdesc = word(f, desc), count = byte(f, desc + r570_FALCON_UCODE_DESC_V3_rom__SignatureCount);
    uint32_t imem = word(f, desc + r570_FALCON_UCODE_DESC_V3_rom__IMEMLoadSize);
    uint32_t dmem = word(f, desc + r570_FALCON_UCODE_DESC_V3_rom__DMEMLoadSize);
    uint32_t pkc = word(f, desc + r570_FALCON_UCODE_DESC_V3_rom__PKCDataOffset);

    if (!part(f, desc, r570_FALCON_UCODE_DESC_V3_rom__SIZE)) {
        return "its descriptor is not in the flash";
    }
    if ((vdesc & 0xff01) != 0x0301) {
        return "its descriptor is not of version 3";
    }
    if (!count || count > ADA_MAX_SIGNATURES ||
        vdesc >> 16 < r570_FALCON_UCODE_DESC_V3_rom__SIZE + count * ADA_SIGNATURE_SIZE) {
        return "its signatures do not fit into its descriptor";
    }
    if (!imem || imem > ADA_GSP_IMEM || dmem < ADA_SIGNATURE_SIZE || dmem > ADA_GSP_DMEM ||
        pkc > dmem - ADA_SIGNATURE_SIZE) {
        return "its code or data do not fit into the falcon, or the signature not into the data";
    }
    if (!part(f, desc + (vdesc >> 16), (uint64_t)imem + dmem)) {
        return "its code and data are not in the flash";
    }
    return NULL;
}

/* FWSEC for boards that are sold, by the table of falcon programs. 0 and what is missing where there is none */
static uint64_t find_fwsec(const Flash *f, const char **flaw)
{
    uint64_t table = find_table(f), entry, desc;

    *flaw = "no table of falcon programs";
    if (!table || byte(f, table) != r570_FALCON_UCODE_TABLE_HDR_V1_VERSION) {
        return 0;
    }
    *flaw = "no FWSEC in the table of falcon programs";
    for (int i = 0; i < byte(f, table + r570_FALCON_UCODE_TABLE_HDR_V1_rom__EntryCount); i++) {
        entry = table + byte(f, table + r570_FALCON_UCODE_TABLE_HDR_V1_rom__HeaderSize) +
                i * byte(f, table + r570_FALCON_UCODE_TABLE_HDR_V1_rom__EntrySize);
        if (byte(f, entry + r570_FALCON_UCODE_TABLE_ENTRY_V1_rom__ApplicationID) ==
            r570_FALCON_UCODE_ENTRY_APPID_FWSEC_PROD) {
            desc = f->start + f->expansion +
                   (uint64_t)word(f, entry + r570_FALCON_UCODE_TABLE_ENTRY_V1_rom__DescPtr);
            *flaw = fwsec_flaw(f, desc);
            return *flaw ? 0 : desc;
        }
    }
    return 0;
}

/* Ids of a generation's boards are a range of their own (OpenRM's list of products) */
static const char *generation(uint16_t device)
{
    static const struct { uint16_t first; const char *name; } from[] = {
        { 0x2900, "Blackwell" }, { 0x2600, "Ada" }, { 0x2300, "Hopper" }, { 0x2080, "Ampere" }, { 0x1e00, "Turing" },
    };

    /* Ampere is on both sides of Hopper, Turing's TU116 and TU117 on both of Ampere's GA100 */
    if (device >= 0x2400 && device < 0x2600) {
        return "Ampere";
    }
    if (device >= 0x2180 && device < 0x2200) {
        return "Turing";
    }
    for (int i = 0; i < ARRAY_SIZE(from); i++) {
        if (device >= from[i].first) {
            return from[i].name;
        }
    }
    return "a generation before Turing";
}

/* Flash chips of later generations begin with what is not known here. The first image with an id tells whose it is */
static uint16_t any_device(const Flash *f)
{
    for (size_t at = 0; at + r570_PCI_DATA_STRUCT__SIZE <= f->size; at += 4) {
        if (word(f, at) == r570_PCI_DATA_STRUCT_SIGNATURE &&
            half(f, at + r570_PCI_DATA_STRUCT__vendorID) == PCI_VENDOR_ID_NVIDIA &&
            byte(f, at + r570_PCI_DATA_STRUCT__codeType) == r570_NV_BCRT_HASH_INFO_BASE_CODE_TYPE_VBIOS_BASE) {
            return half(f, at + r570_PCI_DATA_STRUCT__deviceID);
        }
    }
    return 0;
}

/* Bytes of a file, for the next reset */
GBytes *ada_flash_load(const char *name, Error **errp)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *data = NULL;
    gsize size;
    Flash f;

    if (!g_file_get_contents(name, &data, &size, &error)) {
        error_setg(errp, "vbios: %s", error->message);
        return NULL;
    }
    if (size > FLASH_MAX) {
        error_setg(errp, "vbios: %s has %zu bytes, more than the %" PRIu64 " of a flash", name, size, FLASH_MAX);
        return NULL;
    }
    f = flash_open((uint8_t *)data, size);
    if (!f.images) {
        f.device = any_device(&f);
        error_setg(errp, "vbios: %s has no PCI expansion ROM image at 0x%zx%s%s", name, f.start,
                   f.device ? ", it seems to be of " : "", f.device ? generation(f.device) : "");
        return NULL;
    }
    if (f.device && strcmp(generation(f.device), "Ada")) {
        error_setg(errp, "vbios: %s is of %s (10de:%04x), not of Ada", name, generation(f.device), f.device);
        return NULL;
    }
    return g_bytes_new_take(g_steal_pointer(&data), size);
}

void ada_flash_reset(AdaState *s)
{
    const char *flaw;
    size_t size;
    Flash f;

    g_clear_pointer(&s->flash, g_bytes_unref);
    s->flash = s->vbios_file ? g_bytes_ref(s->vbios_file) : ada_vbios_build(s);
    s->flash_data = g_bytes_get_data(s->flash, &size);
    f = flash_open(s->flash_data, size);
    s->prom_start = s->power_on.prom_ifr ? 0 : f.start;
    s->fwsec_desc_off = find_fwsec(&f, &flaw);
    if (s->vbios_file && !s->fwsec_desc_off) {
        info_report("nvidia-ada: vbios: %s: %s", s->vbios_name, flaw);
    }
}

/* The window on the flash: its first MiB, and ones behind its end */
uint32_t ada_flash_prom(AdaState *s, uint32_t off)
{
    uint8_t b[4] = { 0xff, 0xff, 0xff, 0xff };
    size_t size = g_bytes_get_size(s->flash), at = s->prom_start + off;

    if (off < PROM_SIZE && at < size) {
        memcpy(b, s->flash_data + at, MIN(4, size - at));
    }
    return ldl_le_p(b);
}
