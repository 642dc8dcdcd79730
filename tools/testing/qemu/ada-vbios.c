/*
 * NVIDIA Ada: the model's own VBIOS
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A synthetic ROM with what drivers of GSP boards look for: a PC-AT image with the BIT, an EFI image between (as
 * boards have it; pointers that leave the first image count as if it were not there), and two images of type 0xE0. The
 * second has the table of falcon programs, FWSEC's descriptor, its signatures and its code. The code is no code: the
 * model does FWSEC's work, and checks that exactly these bytes were loaded.
 *
 * Numbers of FWSEC, of the table and of all headers are those of flash images of real boards (AD102, AD103, AD106,
 * AD107); only the images around FWSEC are smaller. Among what looks odd and is so on boards: no size of data is a
 * multiple of a falcon's block, the EFI image is called the last by the PCI header and not by NVIDIA's, images of type
 * 0xE0 have the id of the chip's family, and an FWSEC for debug boards stands before the one that counts.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "ada.h"
#include "ada-abi.h"

#define CODE_TYPE_EFI   0x03        /* PCI firmware specification */
#define NPDE_SIZE       0x14

#define PC_AT_SIZE      0x1000
#define EFI_SIZE        0x400
#define EXT1_SIZE       0x600
#define EXT2_SIZE       0x12000

/* In the PC-AT image */
#define AT_PCIR         0x40
#define AT_BIT          0x1b0
#define AT_VERSION      0x200
#define AT_FALCON_DATA  0x220

/* In the second 0xE0 image */
#define EXT_PCIR        0x20
#define EXT_DEBUG       0x10c       /* FWSEC for debug boards */
#define EXT_FWSEC       0x130c
#define EXT_TABLE       0x11e0b     /* at an odd place */

#define TABLE_ENTRIES   16
#define TABLE_DEBUG     8           /* which of them */
#define TABLE_FWSEC     9

#define IMEM_SIZE       0xf700
#define IMEM_SIZE_DEBUG 0x100       /* never to be loaded, so this much is enough */
#define DMEM_SIZE       0xd80
#define UCODE_ID        9           /* whose fuse is NV_FUSE_OPT_FPF_GSP_UCODE9_VERSION */
#define ENGINE_GSP      0x0400
#define SIGNATURES      2           /* for fuse versions 0 and 1 */
#define SIG_SIZE        r570_BCRT30_RSA3K_SIG_SIZE
#define DESC_SIZE       (r570_FALCON_UCODE_DESC_V3_rom__SIZE + SIGNATURES * SIG_SIZE)

/* In FWSEC's DMEM */
#define DMEM_APPIF      0x1c
#define DMEM_MAPPER     0xae0
#define DMEM_PKC        0xb24
#define DMEM_OTHER      0xd2c
#define DMEM_CMD_IN     0xd40       /* up to the end of the data */
#define CMD_IN_SIZE     0x40
#define CMD_OUT_SIZE    0x100

#define VBIOS_VERSION   0x95020001  /* an Ada board's look: 95.02.00.01.01 */

QEMU_BUILD_BUG_ON(EXT_DEBUG + DESC_SIZE + IMEM_SIZE_DEBUG + DMEM_SIZE > EXT_FWSEC);
QEMU_BUILD_BUG_ON(EXT_FWSEC + DESC_SIZE + IMEM_SIZE + DMEM_SIZE > EXT_TABLE);

/* The same arbitrary bytes on every run (xorshift32) */
static void fill(uint8_t *p, size_t len, uint32_t seed)
{
    for (size_t i = 0; i < len; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        p[i] = seed >> 8;
    }
}

/* ROM header, PCI data structure and NVIDIA's extension of it */
static void build_headers(AdaState *s, uint8_t *img, uint32_t pcir, uint32_t size, uint8_t type, bool last)
{
    bool nv = type == r570_NV_BCRT_HASH_INFO_BASE_CODE_TYPE_VBIOS_EXT;
    uint8_t *p = img + pcir;
    uint8_t *ext = img + ROUND_UP(pcir + r570_PCI_DATA_STRUCT__SIZE, 16);
    uint16_t blocks = size / r570_PCI_ROM_IMAGE_BLOCK_SIZE;

    memset(img, 0, ext + NPDE_SIZE - img);
    stw_le_p(img, nv ? r570_PCI_EXP_ROM_SIGNATURE_NV : r570_PCI_EXP_ROM_SIGNATURE);
    stw_le_p(img + r570_PCI_EXP_ROM_STANDARD__pciDataStrucPtr, pcir);

    stl_le_p(p + r570_PCI_DATA_STRUCT__sig, nv ? r570_PCI_DATA_STRUCT_SIGNATURE_NV : r570_PCI_DATA_STRUCT_SIGNATURE);
    stw_le_p(p + r570_PCI_DATA_STRUCT__vendorID, PCI_VENDOR_ID_NVIDIA);
    stw_le_p(p + r570_PCI_DATA_STRUCT__deviceID, nv ? s->board->device_id & ~0x7f : s->board->device_id);
    stw_le_p(p + r570_PCI_DATA_STRUCT__pciDataStructLen, r570_PCI_DATA_STRUCT__SIZE);
    p[r570_PCI_DATA_STRUCT__classCode + 1] = 0x02;  /* 3D controller */
    p[r570_PCI_DATA_STRUCT__classCode + 2] = 0x03;
    stw_le_p(p + r570_PCI_DATA_STRUCT__imageLen, blocks);
    p[r570_PCI_DATA_STRUCT__codeType] = type;
    /* for a BIOS that knows nothing of what follows the EFI image */
    p[r570_PCI_DATA_STRUCT__lastImage] = last || type == CODE_TYPE_EFI ? r570_PCI_LAST_IMAGE : 0;

    stl_le_p(ext + r570_NV_PCI_DATA_EXT_STRUCT__signature, r570_NV_PCI_DATA_EXT_SIG);
    stw_le_p(ext + r570_NV_PCI_DATA_EXT_STRUCT__nvPciDataExtRev, r570_NV_PCI_DATA_EXT_REV_11);
    stw_le_p(ext + r570_NV_PCI_DATA_EXT_STRUCT__nvPciDataExtLen, NPDE_SIZE);
    stw_le_p(ext + r570_NV_PCI_DATA_EXT_STRUCT__subimageLen, blocks);
    ext[r570_NV_PCI_DATA_EXT_STRUCT__privLastImage] = last ? r570_PCI_LAST_IMAGE : 0;
}

static uint8_t *build_token(uint8_t *p, uint8_t id, uint8_t version, uint16_t size, uint16_t at)
{
    p[r570_BIT_TOKEN_V1_00_rom_size_6__TokenId] = id;
    p[r570_BIT_TOKEN_V1_00_rom_size_6__DataVersion] = version;
    stw_le_p(p + r570_BIT_TOKEN_V1_00_rom_size_6__DataSize, size);
    stw_le_p(p + r570_BIT_TOKEN_V1_00_rom_size_6__DataPtr, at);
    return p + r570_BIT_TOKEN_V1_00_rom_size_6__SIZE;
}

static uint8_t negative_sum(const uint8_t *p, size_t len)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < len; i++) {
        sum += p[i];
    }
    return -sum;
}

static void build_pc_at(AdaState *s, uint8_t *img)
{
    uint8_t *bit = img + AT_BIT, *token = bit + r570_BIT_HEADER_V1_00_rom__SIZE;

    build_headers(s, img, AT_PCIR, PC_AT_SIZE, r570_NV_BCRT_HASH_INFO_BASE_CODE_TYPE_VBIOS_BASE, false);
    img[2] = PC_AT_SIZE / r570_PCI_ROM_IMAGE_BLOCK_SIZE;

    stl_le_p(img + AT_VERSION, VBIOS_VERSION);
    img[AT_VERSION + r570_BIT_DATA_BIOSDATA_BINVER_rom__OemVersion] = 1;
    stl_le_p(img + AT_FALCON_DATA, PC_AT_SIZE + EXT1_SIZE + EXT_TABLE);

    token = build_token(token, 'i', 2, 16, AT_VERSION);
    token = build_token(token, 'B', 2, 16, AT_VERSION);
    build_token(token, r570_BIT_TOKEN_FALCON_DATA, 2, 4, AT_FALCON_DATA);

    stw_le_p(bit + r570_BIT_HEADER_V1_00_rom__Id, r570_BIT_HEADER_ID);
    stl_le_p(bit + r570_BIT_HEADER_V1_00_rom__Signature, r570_BIT_HEADER_SIGNATURE);
    stw_le_p(bit + r570_BIT_HEADER_V1_00_rom__BCD_Version, 0x0100);
    bit[r570_BIT_HEADER_V1_00_rom__HeaderSize] = r570_BIT_HEADER_V1_00_rom__SIZE;
    bit[r570_BIT_HEADER_V1_00_rom__TokenSize] = r570_BIT_TOKEN_V1_00_rom_size_6__SIZE;
    bit[r570_BIT_HEADER_V1_00_rom__TokenEntries] = 3;
    bit[r570_BIT_HEADER_V1_00_rom__HeaderChksum] = negative_sum(bit, r570_BIT_HEADER_V1_00_rom__SIZE);

    img[PC_AT_SIZE - 1] = negative_sum(img, PC_AT_SIZE);
}

static void build_entry(uint8_t *table, unsigned int n, uint8_t application, uint8_t target, uint32_t desc)
{
    uint8_t *p = table + r570_FALCON_UCODE_TABLE_HDR_V1_rom__SIZE + n * r570_FALCON_UCODE_TABLE_ENTRY_V1_rom__SIZE;

    p[r570_FALCON_UCODE_TABLE_ENTRY_V1_rom__ApplicationID] = application;
    p[r570_FALCON_UCODE_TABLE_ENTRY_V1_rom__TargetID] = target;
    stl_le_p(p + r570_FALCON_UCODE_TABLE_ENTRY_V1_rom__DescPtr, PC_AT_SIZE + EXT1_SIZE + desc);
}

/* Table of falcon programs, most entries empty */
static void build_table(AdaState *s, uint8_t *p)
{
    p[r570_FALCON_UCODE_TABLE_HDR_V1_rom__Version] = r570_FALCON_UCODE_TABLE_HDR_V1_VERSION;
    p[r570_FALCON_UCODE_TABLE_HDR_V1_rom__HeaderSize] = r570_FALCON_UCODE_TABLE_HDR_V1_rom__SIZE;
    p[r570_FALCON_UCODE_TABLE_HDR_V1_rom__EntrySize] = r570_FALCON_UCODE_TABLE_ENTRY_V1_rom__SIZE;
    p[r570_FALCON_UCODE_TABLE_HDR_V1_rom__EntryCount] = TABLE_ENTRIES;
    p[r570_FALCON_UCODE_TABLE_HDR_V1_rom__DescVersion] = 1;
    p[r570_FALCON_UCODE_TABLE_HDR_V1_rom__DescSize] = 48;

    build_entry(p, 0, 0x01, 1, EXT_PCIR);   /* a program of another kind: no descriptor of this one's */
    build_entry(p, TABLE_DEBUG, r570_FALCON_UCODE_ENTRY_APPID_FWSEC_DBG, 7, EXT_DEBUG);
    if (s->power_on.vbios_fwsec) {
        build_entry(p, TABLE_FWSEC, r570_FALCON_UCODE_ENTRY_APPID_FWSEC_PROD, 7, EXT_FWSEC);
    }
}

static void build_fwsec_dmem(uint8_t *dmem, uint32_t seed)
{
    uint8_t *p = dmem + DMEM_APPIF;

    fill(dmem, DMEM_SIZE, 0x5ec0da7a + seed);
    memset(dmem + DMEM_PKC, 0, SIG_SIZE);

    p[r570_FALCON_APPLICATION_INTERFACE_HEADER_V1__version] = 1;
    p[r570_FALCON_APPLICATION_INTERFACE_HEADER_V1__headerSize] = r570_FALCON_APPLICATION_INTERFACE_HEADER_V1__SIZE;
    p[r570_FALCON_APPLICATION_INTERFACE_HEADER_V1__entrySize] = r570_FALCON_APPLICATION_INTERFACE_ENTRY_V1__SIZE;
    p[r570_FALCON_APPLICATION_INTERFACE_HEADER_V1__entryCount] = 2;
    p += r570_FALCON_APPLICATION_INTERFACE_HEADER_V1__SIZE;
    stl_le_p(p + r570_FALCON_APPLICATION_INTERFACE_ENTRY_V1__id, r570_FALCON_APPLICATION_INTERFACE_ENTRY_ID_DMEMMAPPER);
    stl_le_p(p + r570_FALCON_APPLICATION_INTERFACE_ENTRY_V1__dmemOffset, DMEM_MAPPER);
    p += r570_FALCON_APPLICATION_INTERFACE_ENTRY_V1__SIZE;
    stl_le_p(p + r570_FALCON_APPLICATION_INTERFACE_ENTRY_V1__id, 5);
    stl_le_p(p + r570_FALCON_APPLICATION_INTERFACE_ENTRY_V1__dmemOffset, DMEM_OTHER);

    p = dmem + DMEM_MAPPER;
    memset(p, 0, r570_FALCON_APPLICATION_INTERFACE_DMEM_MAPPER_V3__SIZE);
    memcpy(p + r570_FALCON_APPLICATION_INTERFACE_DMEM_MAPPER_V3__signature, "DMAP", 4);
    stw_le_p(p + r570_FALCON_APPLICATION_INTERFACE_DMEM_MAPPER_V3__version, 3);
    stw_le_p(p + r570_FALCON_APPLICATION_INTERFACE_DMEM_MAPPER_V3__size,
             r570_FALCON_APPLICATION_INTERFACE_DMEM_MAPPER_V3__SIZE);
    stl_le_p(p + r570_FALCON_APPLICATION_INTERFACE_DMEM_MAPPER_V3__cmd_in_buffer_offset, DMEM_CMD_IN);
    stl_le_p(p + r570_FALCON_APPLICATION_INTERFACE_DMEM_MAPPER_V3__cmd_in_buffer_size, CMD_IN_SIZE);
    stl_le_p(p + r570_FALCON_APPLICATION_INTERFACE_DMEM_MAPPER_V3__cmd_out_buffer_offset, 0);
    stl_le_p(p + r570_FALCON_APPLICATION_INTERFACE_DMEM_MAPPER_V3__cmd_out_buffer_size, CMD_OUT_SIZE);
    memset(dmem + DMEM_CMD_IN, 0, CMD_IN_SIZE);
}

/* Descriptor, signatures, code and data */
static void build_fwsec(uint8_t *desc, uint32_t imem, uint32_t seed)
{
    uint8_t *signature = desc + r570_FALCON_UCODE_DESC_V3_rom__SIZE;

    stl_le_p(desc + r570_FALCON_UCODE_DESC_V3_rom__Hdr__vDesc, DESC_SIZE << 16 | 3 << 8 | 1);
    stl_le_p(desc + r570_FALCON_UCODE_DESC_V3_rom__StoredSize, imem + DMEM_SIZE);
    stl_le_p(desc + r570_FALCON_UCODE_DESC_V3_rom__PKCDataOffset, DMEM_PKC);
    stl_le_p(desc + r570_FALCON_UCODE_DESC_V3_rom__InterfaceOffset, DMEM_APPIF);
    stl_le_p(desc + r570_FALCON_UCODE_DESC_V3_rom__IMEMLoadSize, imem);
    stl_le_p(desc + r570_FALCON_UCODE_DESC_V3_rom__DMEMLoadSize, DMEM_SIZE);
    stw_le_p(desc + r570_FALCON_UCODE_DESC_V3_rom__EngineIdMask, ENGINE_GSP);
    desc[r570_FALCON_UCODE_DESC_V3_rom__UcodeId] = UCODE_ID;
    desc[r570_FALCON_UCODE_DESC_V3_rom__SignatureCount] = SIGNATURES;
    stw_le_p(desc + r570_FALCON_UCODE_DESC_V3_rom__SignatureVersions, BIT(SIGNATURES) - 1);

    for (int i = 0; i < SIGNATURES; i++) {
        fill(signature + i * SIG_SIZE, SIG_SIZE, 0x516a0000 + seed + i + 1);
    }
    fill(desc + DESC_SIZE, imem, 0x5ec0c0de + seed);
    build_fwsec_dmem(desc + DESC_SIZE + imem, seed);
}

GBytes *ada_vbios_build(AdaState *s)
{
    size_t size = PC_AT_SIZE + EFI_SIZE + EXT1_SIZE + EXT2_SIZE;
    uint8_t *rom = g_malloc(size), *ext;

    memset(rom, 0xff, size);
    memset(rom, 0, PC_AT_SIZE);
    build_pc_at(s, rom);
    build_headers(s, rom + PC_AT_SIZE, AT_PCIR, EFI_SIZE, CODE_TYPE_EFI, false);
    build_headers(s, rom + PC_AT_SIZE + EFI_SIZE, EXT_PCIR, EXT1_SIZE, r570_NV_BCRT_HASH_INFO_BASE_CODE_TYPE_VBIOS_EXT,
                  false);

    ext = rom + PC_AT_SIZE + EFI_SIZE + EXT1_SIZE;
    memset(ext, 0, EXT2_SIZE);
    build_headers(s, ext, EXT_PCIR, EXT2_SIZE, r570_NV_BCRT_HASH_INFO_BASE_CODE_TYPE_VBIOS_EXT, true);
    build_table(s, ext + EXT_TABLE);
    build_fwsec(ext + EXT_DEBUG, IMEM_SIZE_DEBUG, 0xdeb);
    build_fwsec(ext + EXT_FWSEC, IMEM_SIZE, 0);
    return g_bytes_new_take(rom, size);
}
