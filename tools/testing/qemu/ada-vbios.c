/*
 * NVIDIA Ada: VBIOS image
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A synthetic ROM with what drivers of GSP boards look for: a PC-AT image with the BIT, an EFI image between (as
 * boards have it; pointers that leave the first image count as if it were not there), and an image of type 0xE0 with
 * the table of falcon programs, FWSEC's descriptor, its signatures and its code. The code is no code: the model does
 * FWSEC's work, and checks that exactly these bytes were loaded.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "ada.h"
#include "ada-abi.h"

#define PC_AT_SIZE      0x1000
#define EFI_SIZE        0x400
#define FWSEC_SIZE      0x10000     /* room behind the program, as on boards */

/* In the PC-AT image */
#define AT_PCIR         0x40
#define AT_BIT          0x1b0
#define AT_VERSION      0x200
#define AT_FALCON_DATA  0x220

/* In the 0xE0 image */
#define EXT_PCIR        0x20
#define EXT_TABLE       0x60
#define EXT_DESC        0x80

#define IMEM_SIZE       0x8000
#define DMEM_SIZE       0x3000
#define UCODE_ID        9           /* whose fuse is NV_FUSE_OPT_FPF_GSP_UCODE9_VERSION */
#define ENGINE_GSP      0x0400
#define SIGNATURES      2           /* for fuse versions 0 and 1 */
#define SIG_SIZE        r570_BCRT30_RSA3K_SIG_SIZE
#define DESC_SIZE       (r570_FALCON_UCODE_DESC_V3_rom__SIZE + SIGNATURES * SIG_SIZE)

/* In FWSEC's DMEM */
#define DMEM_APPIF      0x20
#define DMEM_MAPPER     0x40
#define DMEM_CMD_IN     0x100
#define DMEM_CMD_OUT    0x180
#define CMD_SIZE        0x40
#define DMEM_PKC        0x200

#define VBIOS_VERSION   0x95020001  /* an Ada board's look: 95.02.00.01.01 */

QEMU_BUILD_BUG_ON(EXT_DESC + DESC_SIZE + IMEM_SIZE + DMEM_SIZE > FWSEC_SIZE);

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
static void build_headers(AdaState *s, uint8_t *img, uint32_t pcir, uint32_t size, uint8_t type, bool nv, bool last)
{
    uint8_t *p = img + pcir;
    uint8_t *ext = img + ROUND_UP(pcir + r570_PCI_DATA_STRUCT__SIZE, 16);
    uint16_t blocks = size / r570_PCI_ROM_IMAGE_BLOCK_SIZE;

    stw_le_p(img, nv ? r570_PCI_EXP_ROM_SIGNATURE_NV : r570_PCI_EXP_ROM_SIGNATURE);
    stw_le_p(img + r570_PCI_EXP_ROM_STANDARD__pciDataStrucPtr, pcir);

    stl_le_p(p + r570_PCI_DATA_STRUCT__sig, nv ? r570_PCI_DATA_STRUCT_SIGNATURE_NV : r570_PCI_DATA_STRUCT_SIGNATURE);
    stw_le_p(p + r570_PCI_DATA_STRUCT__vendorID, PCI_VENDOR_ID_NVIDIA);
    stw_le_p(p + r570_PCI_DATA_STRUCT__deviceID, s->board->device_id);
    stw_le_p(p + r570_PCI_DATA_STRUCT__pciDataStructLen, r570_PCI_DATA_STRUCT__SIZE);
    p[r570_PCI_DATA_STRUCT__classCode + 1] = 0x02;  /* 3D controller */
    p[r570_PCI_DATA_STRUCT__classCode + 2] = 0x03;
    stw_le_p(p + r570_PCI_DATA_STRUCT__imageLen, blocks);
    p[r570_PCI_DATA_STRUCT__codeType] = type;
    p[r570_PCI_DATA_STRUCT__lastImage] = last ? r570_PCI_LAST_IMAGE : 0;

    stl_le_p(ext + r570_NV_PCI_DATA_EXT_STRUCT__signature, r570_NV_PCI_DATA_EXT_SIG);
    stw_le_p(ext + r570_NV_PCI_DATA_EXT_STRUCT__nvPciDataExtRev, r570_NV_PCI_DATA_EXT_REV_11);
    stw_le_p(ext + r570_NV_PCI_DATA_EXT_STRUCT__nvPciDataExtLen, r570_NV_PCI_DATA_EXT_STRUCT__SIZE);
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

    build_headers(s, img, AT_PCIR, PC_AT_SIZE, 0x00, false, false);
    img[2] = PC_AT_SIZE / r570_PCI_ROM_IMAGE_BLOCK_SIZE;

    stl_le_p(img + AT_VERSION, VBIOS_VERSION);
    img[AT_VERSION + r570_BIT_DATA_BIOSDATA_BINVER_rom__OemVersion] = 1;
    stl_le_p(img + AT_FALCON_DATA, PC_AT_SIZE + EXT_TABLE);

    token = build_token(token, 'i', 2, 16, AT_VERSION);
    token = build_token(token, 'B', 2, 16, AT_VERSION);
    token = build_token(token, r570_BIT_TOKEN_FALCON_DATA, 2, 4, AT_FALCON_DATA);

    stw_le_p(bit + r570_BIT_HEADER_V1_00_rom__Id, r570_BIT_HEADER_ID);
    stl_le_p(bit + r570_BIT_HEADER_V1_00_rom__Signature, r570_BIT_HEADER_SIGNATURE);
    stw_le_p(bit + r570_BIT_HEADER_V1_00_rom__BCD_Version, 0x0100);
    bit[r570_BIT_HEADER_V1_00_rom__HeaderSize] = r570_BIT_HEADER_V1_00_rom__SIZE;
    bit[r570_BIT_HEADER_V1_00_rom__TokenSize] = r570_BIT_TOKEN_V1_00_rom_size_6__SIZE;
    bit[r570_BIT_HEADER_V1_00_rom__TokenEntries] = 3;
    bit[r570_BIT_HEADER_V1_00_rom__HeaderChksum] = negative_sum(bit, r570_BIT_HEADER_V1_00_rom__SIZE);

    img[PC_AT_SIZE - 1] = negative_sum(img, PC_AT_SIZE);
}

/* Table of falcon programs: an entry that no driver wants, then FWSEC's where the board has it */
static void build_table(AdaState *s, uint8_t *img)
{
    uint8_t *p = img + EXT_TABLE;

    p[r570_FALCON_UCODE_TABLE_HDR_V1_rom__Version] = r570_FALCON_UCODE_TABLE_HDR_V1_VERSION;
    p[r570_FALCON_UCODE_TABLE_HDR_V1_rom__HeaderSize] = r570_FALCON_UCODE_TABLE_HDR_V1_rom__SIZE;
    p[r570_FALCON_UCODE_TABLE_HDR_V1_rom__EntrySize] = r570_FALCON_UCODE_TABLE_ENTRY_V1_rom__SIZE;
    p[r570_FALCON_UCODE_TABLE_HDR_V1_rom__EntryCount] = s->power_on.vbios_fwsec ? 2 : 1;
    p[r570_FALCON_UCODE_TABLE_HDR_V1_rom__DescVersion] = 3;
    p[r570_FALCON_UCODE_TABLE_HDR_V1_rom__DescSize] = r570_FALCON_UCODE_DESC_V3_rom__SIZE;
    p += r570_FALCON_UCODE_TABLE_HDR_V1_rom__SIZE;

    p[r570_FALCON_UCODE_TABLE_ENTRY_V1_rom__ApplicationID] = 0x01;
    stl_le_p(p + r570_FALCON_UCODE_TABLE_ENTRY_V1_rom__DescPtr, PC_AT_SIZE + EXT_DESC);
    p += r570_FALCON_UCODE_TABLE_ENTRY_V1_rom__SIZE;

    if (s->power_on.vbios_fwsec) {
        p[r570_FALCON_UCODE_TABLE_ENTRY_V1_rom__ApplicationID] = r570_FALCON_UCODE_ENTRY_APPID_FWSEC_PROD;
        stl_le_p(p + r570_FALCON_UCODE_TABLE_ENTRY_V1_rom__DescPtr, PC_AT_SIZE + EXT_DESC);
    }
}

static void build_fwsec_dmem(uint8_t *dmem)
{
    uint8_t *p = dmem + DMEM_APPIF;

    fill(dmem, DMEM_SIZE, 0x5ec0da7a);
    memset(dmem + DMEM_PKC, 0, SIG_SIZE);

    p[r570_FALCON_APPLICATION_INTERFACE_HEADER_V1__version] = 1;
    p[r570_FALCON_APPLICATION_INTERFACE_HEADER_V1__headerSize] = r570_FALCON_APPLICATION_INTERFACE_HEADER_V1__SIZE;
    p[r570_FALCON_APPLICATION_INTERFACE_HEADER_V1__entrySize] = r570_FALCON_APPLICATION_INTERFACE_ENTRY_V1__SIZE;
    p[r570_FALCON_APPLICATION_INTERFACE_HEADER_V1__entryCount] = 2;
    p += r570_FALCON_APPLICATION_INTERFACE_HEADER_V1__SIZE;
    stl_le_p(p + r570_FALCON_APPLICATION_INTERFACE_ENTRY_V1__id, 1);
    stl_le_p(p + r570_FALCON_APPLICATION_INTERFACE_ENTRY_V1__dmemOffset, DMEM_CMD_OUT);
    p += r570_FALCON_APPLICATION_INTERFACE_ENTRY_V1__SIZE;
    stl_le_p(p + r570_FALCON_APPLICATION_INTERFACE_ENTRY_V1__id, r570_FALCON_APPLICATION_INTERFACE_ENTRY_ID_DMEMMAPPER);
    stl_le_p(p + r570_FALCON_APPLICATION_INTERFACE_ENTRY_V1__dmemOffset, DMEM_MAPPER);

    p = dmem + DMEM_MAPPER;
    memset(p, 0, r570_FALCON_APPLICATION_INTERFACE_DMEM_MAPPER_V3__SIZE);
    memcpy(p + r570_FALCON_APPLICATION_INTERFACE_DMEM_MAPPER_V3__signature, "DMAP", 4);
    stw_le_p(p + r570_FALCON_APPLICATION_INTERFACE_DMEM_MAPPER_V3__version, 3);
    stw_le_p(p + r570_FALCON_APPLICATION_INTERFACE_DMEM_MAPPER_V3__size,
             r570_FALCON_APPLICATION_INTERFACE_DMEM_MAPPER_V3__SIZE);
    stl_le_p(p + r570_FALCON_APPLICATION_INTERFACE_DMEM_MAPPER_V3__cmd_in_buffer_offset, DMEM_CMD_IN);
    stl_le_p(p + r570_FALCON_APPLICATION_INTERFACE_DMEM_MAPPER_V3__cmd_in_buffer_size, CMD_SIZE);
    stl_le_p(p + r570_FALCON_APPLICATION_INTERFACE_DMEM_MAPPER_V3__cmd_out_buffer_offset, DMEM_CMD_OUT);
    stl_le_p(p + r570_FALCON_APPLICATION_INTERFACE_DMEM_MAPPER_V3__cmd_out_buffer_size, CMD_SIZE);
    memset(dmem + DMEM_CMD_IN, 0, CMD_SIZE);
    memset(dmem + DMEM_CMD_OUT, 0, CMD_SIZE);
}

static void build_fwsec(uint8_t *desc)
{
    uint8_t *signature = desc + r570_FALCON_UCODE_DESC_V3_rom__SIZE, *ucode = desc + DESC_SIZE;

    stl_le_p(desc + r570_FALCON_UCODE_DESC_V3_rom__Hdr__vDesc, DESC_SIZE << 16 | 3 << 8 | 1);
    stl_le_p(desc + r570_FALCON_UCODE_DESC_V3_rom__StoredSize, IMEM_SIZE + DMEM_SIZE);
    stl_le_p(desc + r570_FALCON_UCODE_DESC_V3_rom__PKCDataOffset, DMEM_PKC);
    stl_le_p(desc + r570_FALCON_UCODE_DESC_V3_rom__InterfaceOffset, DMEM_APPIF);
    stl_le_p(desc + r570_FALCON_UCODE_DESC_V3_rom__IMEMLoadSize, IMEM_SIZE);
    stl_le_p(desc + r570_FALCON_UCODE_DESC_V3_rom__DMEMLoadSize, DMEM_SIZE);
    stw_le_p(desc + r570_FALCON_UCODE_DESC_V3_rom__EngineIdMask, ENGINE_GSP);
    desc[r570_FALCON_UCODE_DESC_V3_rom__UcodeId] = UCODE_ID;
    desc[r570_FALCON_UCODE_DESC_V3_rom__SignatureCount] = SIGNATURES;
    stw_le_p(desc + r570_FALCON_UCODE_DESC_V3_rom__SignatureVersions, BIT(SIGNATURES) - 1);

    for (int i = 0; i < SIGNATURES; i++) {
        fill(signature + i * SIG_SIZE, SIG_SIZE, 0x516a0000 + i + 1);
    }
    fill(ucode, IMEM_SIZE, 0x5ec0c0de);
    build_fwsec_dmem(ucode + IMEM_SIZE);
}

void ada_vbios_build(AdaState *s)
{
    uint8_t *ext;

    s->vbios_size = PC_AT_SIZE + EFI_SIZE + FWSEC_SIZE;
    g_free(s->vbios);
    s->vbios = g_malloc0(s->vbios_size);
    build_pc_at(s, s->vbios);
    build_headers(s, s->vbios + PC_AT_SIZE, AT_PCIR, EFI_SIZE, 0x03, false, false);

    ext = s->vbios + PC_AT_SIZE + EFI_SIZE;
    memset(ext, 0xff, FWSEC_SIZE);
    memset(ext, 0, EXT_DESC);
    build_headers(s, ext, EXT_PCIR, FWSEC_SIZE, 0xe0, true, true);
    build_table(s, ext);
    memset(ext + EXT_DESC, 0, DESC_SIZE);
    build_fwsec(ext + EXT_DESC);
    s->fwsec_desc_off = ext + EXT_DESC - s->vbios;
}
