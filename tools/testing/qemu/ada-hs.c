/*
 * NVIDIA Ada: signed falcon programs
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the boot ROM checks before it lets a program into heavy-secure mode, and what FWSEC, the scrubber and the
 * booters then do. A program that is refused halts with an error in mailbox 0, and has changed nothing.
 */
#include "qemu/osdep.h"
#include "qemu/host-utils.h"
#include "qapi/error.h"
#include "ada-fw.h"
#include "ada-abi.h"

#define WPR_ALIGN           (128 * KiB)
#define FRTS_SIZE           (1 * MiB)
/* the end of framebuffer: how much is the display's, and how much if its VBIOS uses another place */
#define VGA_WORKSPACE       (1 * MiB)
#define VGA_WORKSPACE_SMALL (128 * KiB)
#define PRESCRUBBED_SIZE    (256 * MiB)     /* top of the framebuffer that power-on scrubs */
#define NO_RESUME           0xff            /* mailboxes of booter_unload, where a suspend has an address */
#define RADIX_PAGE          4096
#define RADIX_ENTRIES       (RADIX_PAGE / 8)
#define UNCHECKED_IMAGE_MAX (256 * MiB)     /* with fw-check=off: as much as is read of an image that nobody knows */
#define MODSEL_RSA3K        r570_NV_PFALCON2_FALCON_MOD_SEL_ALGO_RSA3K

/*
 * What booter_load of 535.113.01 leaves in mailbox 0 on an RTX 4070 SUPER: its structure is not there or invalid, the
 * place of WPR2 or the size of FRTS is not the usual one, WPR2 has grown before. Assumption ERROR-VALUES: the others
 * are the model's own, drivers only tell zero from the rest
 */
enum { ERR_META = 0x89, ERR_WPR_PLACE = 0x8d, ERR_WPR_TWICE = 0x29 };
enum { ERR_BOOT_ROM = 0xbad0001, ERR_FWSEC = 0xbad0002, ERR_BOOTER = 0xbad0003 };

/* ---- how strict -------------------------------------------------------------------------------------------------- */

typedef enum { STRUCTURE, CONTENT } CheckClass;

/* Property fw-check: "strict" checks all, "hash" what the firmware's bytes are, "off" nothing */
static bool checked(AdaState *s, CheckClass class)
{
    if (!s->fw_check || !strcmp(s->fw_check, "strict")) {
        return true;
    }
    return class == CONTENT && !strcmp(s->fw_check, "hash");
}

#define REFUSE(s, class, check, ...) (checked(s, class) ? (ada_refuse(s, check, __VA_ARGS__), true) : false)

/* ---- boot ROM ---------------------------------------------------------------------------------------------------- */

/* Blocks of code are found by their tags and have to be marked secure */
static bool rom_refuses_blocks(AdaFalcon *f, const AdaHsImage *hs)
{
    for (uint32_t i = 0; i < DIV_ROUND_UP(hs->code_size, 256); i++) {
        if (f->imem_tag[i] != hs->boot_vector / 256 + i &&
            REFUSE(f->gpu, STRUCTURE, "hs-imem-tag", "%s: IMEM block %u has tag 0x%x, not 0x%x", hs->name, i,
                   f->imem_tag[i], hs->boot_vector / 256 + i)) {
            return true;
        }
        if (!f->imem_secure[i] &&
            REFUSE(f->gpu, STRUCTURE, "hs-imem-secure", "%s: IMEM block %u is not secure", hs->name, i)) {
            return true;
        }
    }
    return false;
}

static bool rom_refuses_registers(AdaFalcon *f, const AdaHsImage *hs)
{
    AdaState *s = f->gpu;

    if ((f->brom_modsel & 0xff) != MODSEL_RSA3K &&
        REFUSE(s, STRUCTURE, "hs-brom-algorithm", "%s: MOD_SEL 0x%x is not RSA3K", hs->name, f->brom_modsel)) {
        return true;
    }
    if (f->brom_engid != hs->engine_mask &&
        REFUSE(s, STRUCTURE, "hs-brom-engine", "%s: engine mask 0x%x, not 0x%x", hs->name, f->brom_engid,
               hs->engine_mask)) {
        return true;
    }
    if ((f->brom_ucode_id & 0xff) != hs->ucode_id &&
        REFUSE(s, STRUCTURE, "hs-brom-ucode-id", "%s: ucode id %u, not %u", hs->name, f->brom_ucode_id,
               hs->ucode_id)) {
        return true;
    }
    if (f->brom_paraaddr != hs->pkc &&
        REFUSE(s, STRUCTURE, "hs-brom-paraaddr", "%s: signature at DMEM 0x%x, not 0x%x", hs->name, f->brom_paraaddr,
               hs->pkc)) {
        return true;
    }
    if (f->bootvec != hs->boot_vector &&
        REFUSE(s, STRUCTURE, "hs-boot-vector", "%s: boot vector 0x%x, not 0x%x", hs->name, f->bootvec,
               hs->boot_vector)) {
        return true;
    }
    return false;
}

/* Each rise of the fuse version retires a signature; with no fuse blown the last of the file is the good one */
static int signature_by_fuse(const AdaHsImage *hs, uint32_t fuse)
{
    return fuse ? (int)hs->fuse_version - (32 - clz32(fuse)) : (int)hs->num_signatures - 1;
}

static bool rom_refuses_signature(AdaFalcon *f, const AdaHsImage *hs, int good)
{
    AdaSha256 sum = ada_sha256(f->dmem + hs->pkc, ADA_SIGNATURE_SIZE);
    int found = -1;

    for (int i = 0; i < hs->num_signatures; i++) {
        if (!memcmp(sum.byte, hs->signature[i], sizeof(sum.byte))) {
            found = i;
        }
    }
    if (found < 0) {
        return REFUSE(f->gpu, CONTENT, "hs-signature", "%s: the signature at DMEM 0x%x is none of its", hs->name,
                      hs->pkc);
    }
    return found != good &&
           REFUSE(f->gpu, STRUCTURE, "hs-signature-fuse", "%s: signature %d, but the fuses want %d", hs->name, found,
                  good);
}

static bool rom_refuses(AdaFalcon *f, const AdaHsImage *hs, int good_signature)
{
    return rom_refuses_registers(f, hs) || rom_refuses_blocks(f, hs) ||
           rom_refuses_signature(f, hs, good_signature);
}

/* ---- FWSEC, on the GSP falcon ------------------------------------------------------------------------------------ */

typedef struct Fwsec {
    AdaHsImage hs;
    const uint8_t *code, *data;     /* as the VBIOS has them */
    uint32_t mapper, cmd_in, cmd_in_size;   /* in DMEM */
    uint16_t signature_versions;
} Fwsec;

/* Where the mapper is in FWSEC's data, and where commands go. False: not all of it is in there */
static bool fwsec_find_mapper(Fwsec *fw, uint32_t appif)
{
    const uint8_t *header = fw->data + appif, *mapper;
    const uint32_t size = fw->hs.data_size;
    uint64_t entry;

    if ((uint64_t)appif + r570_FALCON_APPLICATION_INTERFACE_HEADER_V1__SIZE > size) {
        return false;
    }
    entry = (uint64_t)appif + header[r570_FALCON_APPLICATION_INTERFACE_HEADER_V1__headerSize];
    for (int i = header[r570_FALCON_APPLICATION_INTERFACE_HEADER_V1__entryCount]; i && !fw->mapper; i--) {
        if (entry + r570_FALCON_APPLICATION_INTERFACE_ENTRY_V1__SIZE > size) {
            return false;
        }
        if (ldl_le_p(fw->data + entry + r570_FALCON_APPLICATION_INTERFACE_ENTRY_V1__id) ==
            r570_FALCON_APPLICATION_INTERFACE_ENTRY_ID_DMEMMAPPER) {
            fw->mapper = ldl_le_p(fw->data + entry + r570_FALCON_APPLICATION_INTERFACE_ENTRY_V1__dmemOffset);
        }
        entry += header[r570_FALCON_APPLICATION_INTERFACE_HEADER_V1__entrySize];
    }
    if (!fw->mapper ||
        (uint64_t)fw->mapper + r570_FALCON_APPLICATION_INTERFACE_DMEM_MAPPER_V3__SIZE > size) {
        return false;
    }
    mapper = fw->data + fw->mapper;
    fw->cmd_in = ldl_le_p(mapper + r570_FALCON_APPLICATION_INTERFACE_DMEM_MAPPER_V3__cmd_in_buffer_offset);
    fw->cmd_in_size = ldl_le_p(mapper + r570_FALCON_APPLICATION_INTERFACE_DMEM_MAPPER_V3__cmd_in_buffer_size);
    return fw->cmd_in_size >= r570_FWSECLIC_FRTS_CMD__SIZE && fw->cmd_in_size <= size &&
           fw->cmd_in <= size - fw->cmd_in_size;
}

/* Read back from the flash, where ada-flash.c has seen that all of the program is there */
static bool fwsec_describe(AdaState *s, Fwsec *fw)
{
    const uint8_t *desc = s->flash_data + s->fwsec_desc_off;
    uint32_t vdesc = ldl_le_p(desc + r570_FALCON_UCODE_DESC_V3_rom__Hdr__vDesc);
    AdaHsImage *hs = &fw->hs;

    *fw = (Fwsec) {};
    if (!s->fwsec_desc_off) {
        return false;
    }
    hs->kind = ADA_HS_FWSEC;
    hs->name = "FWSEC";
    hs->engine_mask = lduw_le_p(desc + r570_FALCON_UCODE_DESC_V3_rom__EngineIdMask);
    hs->ucode_id = desc[r570_FALCON_UCODE_DESC_V3_rom__UcodeId];
    hs->boot_vector = ldl_le_p(desc + r570_FALCON_UCODE_DESC_V3_rom__IMEMVirtBase);
    hs->code_size = ldl_le_p(desc + r570_FALCON_UCODE_DESC_V3_rom__IMEMLoadSize);
    hs->data_size = ldl_le_p(desc + r570_FALCON_UCODE_DESC_V3_rom__DMEMLoadSize);
    hs->pkc = ldl_le_p(desc + r570_FALCON_UCODE_DESC_V3_rom__PKCDataOffset);
    hs->num_signatures = desc[r570_FALCON_UCODE_DESC_V3_rom__SignatureCount];
    for (int i = 0; i < hs->num_signatures; i++) {
        AdaSha256 sum = ada_sha256(desc + r570_FALCON_UCODE_DESC_V3_rom__SIZE + i * ADA_SIGNATURE_SIZE,
                                   ADA_SIGNATURE_SIZE);
        memcpy(hs->signature[i], sum.byte, sizeof(sum.byte));
    }
    fw->signature_versions = lduw_le_p(desc + r570_FALCON_UCODE_DESC_V3_rom__SignatureVersions);
    fw->code = desc + (vdesc >> 16);
    fw->data = fw->code + hs->code_size;
    return fwsec_find_mapper(fw, ldl_le_p(desc + r570_FALCON_UCODE_DESC_V3_rom__InterfaceOffset));
}

/* The host may write the signature, the command and its buffer; every other byte is as in the VBIOS */
static bool fwsec_loaded(AdaFalcon *f, const Fwsec *fw)
{
    g_autofree uint8_t *data = g_memdup2(fw->data, fw->hs.data_size);
    uint32_t cmd = fw->mapper + r570_FALCON_APPLICATION_INTERFACE_DMEM_MAPPER_V3__init_cmd;

    if (f->imem_high < fw->hs.code_size || f->dmem_high < fw->hs.data_size) {
        return false;
    }
    memcpy(data + fw->hs.pkc, f->dmem + fw->hs.pkc, ADA_SIGNATURE_SIZE);
    memcpy(data + cmd, f->dmem + cmd, 4);
    memcpy(data + fw->cmd_in, f->dmem + fw->cmd_in, fw->cmd_in_size);
    return !memcmp(f->imem, fw->code, fw->hs.code_size) && !memcmp(f->dmem, data, fw->hs.data_size);
}

static bool fwsec_refuses_vbios_record(AdaState *s, const uint8_t *cmd)
{
    const uint8_t *rec = cmd + r570_FWSECLIC_FRTS_CMD__readVbiosDesc;

    return (ldl_le_p(rec + r570_FWSECLIC_READ_VBIOS_DESC__version) != 1 ||
            ldl_le_p(rec + r570_FWSECLIC_READ_VBIOS_DESC__size) != r570_FWSECLIC_READ_VBIOS_DESC__SIZE ||
            ldq_le_p(rec + r570_FWSECLIC_READ_VBIOS_DESC__gfwImageOffset) ||
            ldl_le_p(rec + r570_FWSECLIC_READ_VBIOS_DESC__gfwImageSize) ||
            ldl_le_p(rec + r570_FWSECLIC_READ_VBIOS_DESC__flags) != r570_FWSECLIC_READ_VBIOS_STRUCT_FLAGS) &&
           REFUSE(s, STRUCTURE, "fwsec-vbios-record", "the record of the VBIOS to read is not the usual one");
}

/* nouveau's tu102_gsp_vga_workspace_addr() */
static uint64_t vga_workspace(AdaState *s)
{
    uint64_t below = s->power_on.vga_workspace * KiB;

    if (!below) {
        return s->fb_size - VGA_WORKSPACE;
    }
    return s->fb_size - (below <= VGA_WORKSPACE ? below : VGA_WORKSPACE_SMALL);
}

static bool fwsec_refuses_frts(AdaState *s, const uint8_t *cmd, uint64_t *start)
{
    const uint8_t *rec = cmd + r570_FWSECLIC_FRTS_CMD__frtsRegionDesc;
    uint32_t size = ldl_le_p(rec + r570_FWSECLIC_FRTS_REGION_DESC__frtsRegionSize);

    *start = (uint64_t)ldl_le_p(rec + r570_FWSECLIC_FRTS_REGION_DESC__frtsRegionOffset4K) << 12;
    if ((ldl_le_p(rec + r570_FWSECLIC_FRTS_REGION_DESC__version) != 1 ||
         ldl_le_p(rec + r570_FWSECLIC_FRTS_REGION_DESC__size) != r570_FWSECLIC_FRTS_REGION_DESC__SIZE ||
         ldl_le_p(rec + r570_FWSECLIC_FRTS_REGION_DESC__frtsRegionMediaType) != r570_FWSECLIC_FRTS_REGION_MEDIA_FB ||
         size != r570_FWSECLIC_FRTS_REGION_SIZE_1MB_IN_4K) &&
        REFUSE(s, STRUCTURE, "fwsec-frts-record", "the FRTS record is not one of 1 MiB in framebuffer (0x%x pages)",
               size)) {
        return true;
    }
    if (*start % WPR_ALIGN &&
        REFUSE(s, STRUCTURE, "fwsec-frts-align", "0x%" PRIx64 " is not a multiple of 128 KiB", *start)) {
        return true;
    }
    /* Never off: WPR2 outside of the memory cannot be */
    if (*start == 0 || *start > vga_workspace(s) - FRTS_SIZE) {
        ada_refuse(s, "fwsec-frts-region", "0x%" PRIx64 " is not below the VGA workspace at 0x%" PRIx64, *start,
                   vga_workspace(s));
        return true;
    }
    if (s->wpr2_hi) {
        ada_refuse(s, "fwsec-wpr2-up", "WPR2 is already at 0x%" PRIx64, s->wpr2_lo);
        return true;
    }
    return false;
}

static uint32_t run_fwsec(AdaFalcon *f)
{
    AdaState *s = f->gpu;
    uint32_t *frts_scratch = &s->sw_scratch[r570_NV_VBIOS_FWSECLIC_SCRATCH_INDEX_0E];
    uint32_t *sb_scratch = &s->sw_scratch[r570_NV_VBIOS_FWSECLIC_SCRATCH_INDEX_15];
    uint32_t version = s->power_on.fuse_gsp ? 32 - clz32(s->power_on.fuse_gsp) : 0, command;
    uint64_t start;
    const uint8_t *cmd;
    Fwsec fw;

    if (!fwsec_describe(s, &fw) || !fwsec_loaded(f, &fw)) {
        /* Nothing else runs here in secure mode, and without FWSEC's own bytes there is no telling what was wanted */
        ada_refuse(s, "fwsec-image", "what was loaded (0x%x + 0x%x bytes) is not FWSEC of the VBIOS", f->imem_high,
                   f->dmem_high);
        return ERR_BOOT_ROM;
    }
    if (rom_refuses(f, &fw.hs, version < 16 && (fw.signature_versions & BIT(version)) ?
                    ctpop16(fw.signature_versions & (BIT(version) - 1)) : -1)) {
        return ERR_BOOT_ROM;
    }

    cmd = f->dmem + fw.cmd_in;
    command = ldl_le_p(f->dmem + fw.mapper + r570_FALCON_APPLICATION_INTERFACE_DMEM_MAPPER_V3__init_cmd);
    switch (command) {
    case r570_FALCON_APPLICATION_INTERFACE_DMEM_MAPPER_V3_CMD_FRTS:
        if (fwsec_refuses_vbios_record(s, cmd) || fwsec_refuses_frts(s, cmd, &start)) {
            *frts_scratch = deposit32(*frts_scratch, 16, 16, ERR_FWSEC);
            return ERR_FWSEC;
        }
        s->wpr2_lo = start;
        s->wpr2_hi = start + FRTS_SIZE;
        s->fwsec_sb_done = false;
        *frts_scratch = deposit32(*frts_scratch, 16, 16, 0);
        ada_count_program(s, "fwsec-frts");
        return 0;
    case r570_FALCON_APPLICATION_INTERFACE_DMEM_MAPPER_V3_CMD_SB:
        if (fwsec_refuses_vbios_record(s, cmd)) {
            *sb_scratch = deposit32(*sb_scratch, 0, 16, ERR_FWSEC);
            return ERR_FWSEC;
        }
        *sb_scratch = deposit32(*sb_scratch, 0, 16, 0);
        s->fwsec_sb_done = true;
        ada_count_program(s, "fwsec-sb");
        return 0;
    default:
        ada_refuse(s, "fwsec-command", "0x%x is neither FRTS nor SB", command);
        return ERR_FWSEC;
    }
}

/* ---- booter_load, on SEC2 ---------------------------------------------------------------------------------------- */

/* GspFwWprMeta, the fields that count; the same in both releases */
typedef struct Meta {
    uint64_t magic, revision, radix3, image_size, loader, loader_size, loader_code, loader_data, loader_manifest,
             signature, signature_size, rsvd, nonwpr, nonwpr_size, start, heap, heap_size, elf, boot, frts, frts_size,
             end, fb_size, vga, vga_size, verified;
    uint8_t partitions;
} Meta;

static void meta_parse(const uint8_t *p, Meta *m)
{
#define F(name) ldq_le_p(p + r570_GspFwWprMeta__##name)
    *m = (Meta) {
        .magic = F(magic), .revision = F(revision),
        .radix3 = F(sysmemAddrOfRadix3Elf), .image_size = F(sizeOfRadix3Elf),
        .loader = F(sysmemAddrOfBootloader), .loader_size = F(sizeOfBootloader),
        .loader_code = F(bootloaderCodeOffset), .loader_data = F(bootloaderDataOffset),
        .loader_manifest = F(bootloaderManifestOffset),
        .signature = F(sysmemAddrOfSignature), .signature_size = F(sizeOfSignature),
        .rsvd = F(gspFwRsvdStart), .nonwpr = F(nonWprHeapOffset), .nonwpr_size = F(nonWprHeapSize),
        .start = F(gspFwWprStart), .heap = F(gspFwHeapOffset), .heap_size = F(gspFwHeapSize),
        .elf = F(gspFwOffset), .boot = F(bootBinOffset), .frts = F(frtsOffset), .frts_size = F(frtsSize),
        .end = F(gspFwWprEnd), .fb_size = F(fbSize), .vga = F(vgaWorkspaceOffset), .vga_size = F(vgaWorkspaceSize),
        .verified = F(verified), .partitions = p[r570_GspFwWprMeta__gspFwHeapVfPartitionCount],
    };
#undef F
}

static bool meta_refused_head(AdaState *s, const Meta *m)
{
    if (m->magic != r570_GSP_FW_WPR_META_MAGIC) {
        return REFUSE(s, STRUCTURE, "wpr-meta-magic", "0x%" PRIx64 "%s", m->magic,
                      m->magic == r570_GSP_FW_SR_META_MAGIC ? " (resume is not modelled)" : "");
    }
    if (m->revision != r570_GSP_FW_WPR_META_REVISION &&
        REFUSE(s, STRUCTURE, "wpr-meta-revision", "%" PRIu64, m->revision)) {
        return true;
    }
    if (m->verified && REFUSE(s, STRUCTURE, "wpr-meta-verified", "the host says that it verified it")) {
        return true;
    }
    return m->fb_size != s->fb_size &&
           REFUSE(s, STRUCTURE, "wpr-meta-fb-size", "fbSize 0x%" PRIx64 ", the board has 0x%" PRIx64, m->fb_size,
                  s->fb_size);
}

/* What of the layout must lie where: gsp_fw_wpr_meta.h and the comments of kgspCalculateFbLayout_TU102() in OpenRM */
static bool meta_refused_align(AdaState *s, const Meta *m)
{
    const struct { const char *name; uint64_t value, align; } fields[] = {
        { "gspFwRsvdStart", m->rsvd, MiB }, { "nonWprHeapOffset", m->nonwpr, MiB },
        { "gspFwWprStart", m->start, WPR_ALIGN }, { "gspFwHeapOffset", m->heap, MiB },
        { "gspFwHeapSize", m->heap_size, MiB }, { "gspFwOffset", m->elf, 64 * KiB },
        { "bootBinOffset", m->boot, 4 * KiB }, { "frtsOffset", m->frts, 4 * KiB },
        { "gspFwWprEnd", m->end, WPR_ALIGN },
    };

    for (int i = 0; i < ARRAY_SIZE(fields); i++) {
        if (fields[i].value % fields[i].align &&
            REFUSE(s, STRUCTURE, "wpr-meta-align", "%s 0x%" PRIx64 " is not a multiple of 0x%" PRIx64, fields[i].name,
                   fields[i].value, fields[i].align)) {
            return true;
        }
    }
    return false;
}

/* Bottom to top, each part with the bytes it needs before the next may start, at least one where it has a place */
static bool meta_refused_order(AdaState *s, const Meta *m)
{
    const struct { const char *name; uint64_t at, need; } parts[] = {
        { "gspFwRsvdStart", m->rsvd, 0 }, { "nonWprHeapOffset", m->nonwpr, MAX(m->nonwpr_size, 1) },
        { "gspFwWprStart", m->start, r570_GspFwWprMeta__SIZE }, { "gspFwHeapOffset", m->heap, MAX(m->heap_size, 1) },
        { "gspFwOffset", m->elf, MAX(m->image_size, 1) }, { "bootBinOffset", m->boot, MAX(m->loader_size, 1) },
        { "frtsOffset", m->frts, MAX(m->frts_size, 1) }, { "gspFwWprEnd", m->end, 0 },
        { "vgaWorkspaceOffset", m->vga, m->vga_size }, { "fbSize", m->fb_size, 0 },
    };

    for (int i = 0; i + 1 < ARRAY_SIZE(parts); i++) {
        if (parts[i].at > parts[i + 1].at || parts[i + 1].at - parts[i].at < parts[i].need) {
            return REFUSE(s, STRUCTURE, "wpr-meta-order",
                          "%s 0x%" PRIx64 " + 0x%" PRIx64 " reaches beyond %s 0x%" PRIx64,
                          parts[i].name, parts[i].at, parts[i].need, parts[i + 1].name, parts[i + 1].at);
        }
    }
    return false;
}

/* The least that GSP-RM accepts: GSP_FW_HEAP_SIZE_OVERRIDE_LIBOS3_*_MIN_MB */
static uint64_t heap_min(AdaFwVersion version, uint8_t partitions)
{
    if (version == ADA_FW_535) {
        return (partitions ? r535_GSP_FW_HEAP_SIZE_OVERRIDE_LIBOS3_VGPU_MIN_MB :
                r535_GSP_FW_HEAP_SIZE_OVERRIDE_LIBOS3_BAREMETAL_MIN_MB) * MiB;
    }
    return (partitions ? r570_GSP_FW_HEAP_SIZE_OVERRIDE_LIBOS3_VGPU_MIN_MB :
            r570_GSP_FW_HEAP_SIZE_OVERRIDE_LIBOS3_BAREMETAL_MIN_MB) * MiB;
}

static bool meta_refused_memory(AdaState *s, const Meta *m, AdaFwVersion version)
{
    /* all or none, whatever TotalVFs is */
    if (m->partitions && m->partitions != r570_MAX_PARTITIONS_WITH_GFID &&
        REFUSE(s, STRUCTURE, "wpr-partition-count", "%u VF partitions, not 0 or %u", m->partitions,
               r570_MAX_PARTITIONS_WITH_GFID)) {
        return true;
    }
    if (m->heap_size < heap_min(version, m->partitions) &&
        REFUSE(s, STRUCTURE, "wpr-heap-size", "%" PRIu64 " MiB with %u VF partitions, at least %" PRIu64,
               (uint64_t)(m->heap_size / MiB), m->partitions, (uint64_t)(heap_min(version, m->partitions) / MiB))) {
        return true;
    }
    if ((m->frts != s->wpr2_lo || m->frts + m->frts_size != s->wpr2_hi) &&
        REFUSE(s, STRUCTURE, "wpr-meta-frts",
               "FRTS at 0x%" PRIx64 " + 0x%" PRIx64 ", WPR2 is 0x%" PRIx64 " - 0x%" PRIx64,
               m->frts, m->frts_size, s->wpr2_lo, s->wpr2_hi)) {
        return true;
    }
    return m->fb_size - m->rsvd > PRESCRUBBED_SIZE && !s->scrub_done &&
           REFUSE(s, STRUCTURE, "scrubber-skipped",
                  "%" PRIu64 " MiB at the end of the framebuffer, but only 256 MiB are scrubbed",
                  (uint64_t)((m->fb_size - m->rsvd) / MiB));
}

static bool meta_refused_loader(AdaState *s, const Meta *m, const AdaFwImage *fw)
{
    g_autofree uint8_t *data = NULL;

    if ((m->loader_code >= m->loader_size || m->loader_data >= m->loader_size ||
         m->loader_manifest >= m->loader_size) &&
        REFUSE(s, STRUCTURE, "bootloader-offsets", "code, data or manifest are outside of 0x%" PRIx64 " bytes",
               m->loader_size)) {
        return true;
    }
    if ((m->loader_code != fw->loader_code || m->loader_data != fw->loader_data ||
         m->loader_manifest != fw->loader_manifest) &&
        REFUSE(s, CONTENT, "bootloader-offsets", "code 0x%" PRIx64 ", data 0x%" PRIx64 " and manifest 0x%" PRIx64
               " are not where %s has them", m->loader_code, m->loader_data, m->loader_manifest, fw->name)) {
        return true;
    }
    if (!checked(s, CONTENT)) {
        return false;
    }
    if (m->loader_size != fw->loader_size) {
        ada_refuse(s, "bootloader-size", "0x%" PRIx64 ", not 0x%" PRIx64, m->loader_size, fw->loader_size);
        return true;
    }
    data = g_malloc(m->loader_size);
    if (!ada_dma_read(&s->func, m->loader, data, m->loader_size)) {
        ada_refuse(s, "bootloader-address", "0x%" PRIx64 " cannot be read", m->loader);
        return true;
    }
    if (memcmp(ada_sha256(data, m->loader_size).byte, fw->loader_sha256, 32)) {
        ada_refuse(s, "bootloader-hash", "it is not the bootloader of %s", fw->name);
        return true;
    }
    return false;
}

static bool meta_refused_signature(AdaState *s, const Meta *m, const AdaFwImage *fw)
{
    g_autofree uint8_t *data = NULL;

    if (!checked(s, CONTENT)) {
        return false;
    }
    if (m->signature_size != fw->signature_size) {
        ada_refuse(s, "gsp-signature-size", "0x%" PRIx64 ", not 0x%" PRIx64, m->signature_size, fw->signature_size);
        return true;
    }
    data = g_malloc(m->signature_size);
    if (!ada_dma_read(&s->func, m->signature, data, m->signature_size)) {
        ada_refuse(s, "gsp-signature-address", "0x%" PRIx64 " cannot be read", m->signature);
        return true;
    }
    if (memcmp(ada_sha256(data, m->signature_size).byte, fw->signature_sha256, 32)) {
        ada_refuse(s, "gsp-signature", "it is not the signature section for AD10x of %s", fw->name);
        return true;
    }
    return false;
}

static bool radix_read(AdaState *s, uint64_t addr, uint8_t *page, const char *what, uint64_t index)
{
    if (addr % RADIX_PAGE || !addr) {
        ada_refuse(s, "radix3-entry", "%s %" PRIu64 " at 0x%" PRIx64 " is not a page", what, index, addr);
        return false;
    }
    if (!ada_dma_read(&s->func, addr, page, RADIX_PAGE)) {
        ada_refuse(s, "radix3-entry", "%s %" PRIu64 " at 0x%" PRIx64 " cannot be read", what, index, addr);
        return false;
    }
    return true;
}

/* Root page with one entry, a page of entries, pages of entries, pages of the image */
static bool radix_hash(AdaState *s, const Meta *m, AdaSha256 *sum)
{
    g_autoptr(QCryptoHash) hash = qcrypto_hash_new(QCRYPTO_HASH_ALGO_SHA256, &error_abort);
    uint64_t pages = DIV_ROUND_UP(m->image_size, RADIX_PAGE), left = m->image_size;
    uint8_t root[RADIX_PAGE], level1[RADIX_PAGE], level2[RADIX_PAGE], page[RADIX_PAGE];

    if (!radix_read(s, m->radix3, root, "root", 0) || !radix_read(s, ldq_le_p(root), level1, "level 1 page", 0)) {
        return false;
    }
    for (uint64_t i = 0; i < pages; i++) {
        if (i % RADIX_ENTRIES == 0 &&
            !radix_read(s, ldq_le_p(level1 + i / RADIX_ENTRIES * 8), level2, "level 2 page", i / RADIX_ENTRIES)) {
            return false;
        }
        if (!radix_read(s, ldq_le_p(level2 + i % RADIX_ENTRIES * 8), page, "image page", i)) {
            return false;
        }
        qcrypto_hash_update(hash, (char *)page, MIN(left, RADIX_PAGE), &error_abort);
        left -= MIN(left, RADIX_PAGE);
    }
    *sum = ada_sha256_end(hash);
    return true;
}

/* Which release it is; NULL when refused */
static const AdaFwImage *booter_image(AdaState *s, const Meta *m, const AdaHsImage *booter)
{
    const AdaFwImage *fw;
    AdaSha256 sum;

    if ((!ada_fw_image_size_known(m->image_size) &&
         REFUSE(s, CONTENT, "gsp-image-size", "no firmware that is known has 0x%" PRIx64 " bytes", m->image_size))) {
        return NULL;
    }
    if (m->image_size == 0 || m->image_size > UNCHECKED_IMAGE_MAX) {
        ada_refuse(s, "gsp-image-size", "0x%" PRIx64 " bytes", m->image_size);
        return NULL;
    }
    if (!radix_hash(s, m, &sum)) {
        return NULL;
    }
    fw = ada_fw_by_image(sum.byte);
    if (!fw) {
        return REFUSE(s, CONTENT, "gsp-image-hash", "the image that the radix3 tables give is none that is known") ?
               NULL : ada_fw_of_version(booter->version);
    }
    if (fw->version != booter->version &&
        REFUSE(s, CONTENT, "gsp-image-release", "GSP-RM %s behind %s", fw->name, booter->name)) {
        return NULL;
    }
    return fw;
}

static uint32_t run_booter_load(AdaFalcon *f, const AdaHsImage *booter)
{
    AdaState *s = f->gpu;
    AdaFalcon *gsp = &s->gsp_falcon;
    uint64_t addr = (uint64_t)f->mailbox[1] << 32 | f->mailbox[0];
    uint8_t raw[r570_GspFwWprMeta__SIZE];
    const AdaFwImage *fw;
    Meta m;

    if (s->faults.booter_error) {
        return s->faults.booter_error;
    }
    if (addr % 256 || !ada_dma_read(&s->func, addr, raw, sizeof(raw))) {
        ada_refuse(s, "wpr-meta-address", "0x%" PRIx64 " is not aligned to 256 bytes or cannot be read", addr);
        return ERR_META;
    }
    meta_parse(raw, &m);
    if (meta_refused_head(s, &m)) {
        return ERR_META;
    }
    if (meta_refused_align(s, &m) || meta_refused_order(s, &m) || meta_refused_memory(s, &m, booter->version)) {
        return s->wpr.fw ? ERR_WPR_TWICE : ERR_WPR_PLACE;
    }
    fw = booter_image(s, &m, booter);
    if (!fw || meta_refused_signature(s, &m, fw) || meta_refused_loader(s, &m, fw)) {
        return ERR_BOOTER;
    }

    s->wpr = (AdaWpr) { .fw = fw, .nonwpr_heap = m.nonwpr, .vf_partitions = m.partitions };
    s->wpr2_lo = m.start;   /* assumption WPR2-RANGE: from FRTS alone it grows to the whole of the layout */
    s->wpr2_hi = m.end;
    s->fwsec_sb_done = false;
    ada_count_program(s, "booter-load");
    ada_falcon_riscv_start(gsp);
    ada_gsp_boot(s, (uint64_t)gsp->mailbox[1] << 32 | gsp->mailbox[0]);
    return 0;
}

/* ---- the others -------------------------------------------------------------------------------------------------- */

/*
 * Assumption UNLOAD-ORDER: what OpenRM, nouveau and nova do before it, and hand to it, is what it wants. GSP-RM need
 * not have said goodbye: it may have crashed.
 */
static bool unload_refused(AdaFalcon *f)
{
    AdaState *s = f->gpu;

    if (s->gsp_falcon.riscv_active && REFUSE(s, STRUCTURE, "booter-unload-active", "the GSP's core runs")) {
        return true;
    }
    if (!s->fwsec_sb_done && REFUSE(s, STRUCTURE, "booter-unload-sb", "FWSEC-SB has not run since WPR2 is up")) {
        return true;
    }
    return (f->mailbox[0] != NO_RESUME || f->mailbox[1] != NO_RESUME) &&
           REFUSE(s, STRUCTURE, "booter-unload-mailbox", "0x%08x, 0x%08x: suspend is not modelled", f->mailbox[0],
                  f->mailbox[1]);
}

static uint32_t run_booter_unload(AdaFalcon *f)
{
    AdaState *s = f->gpu;

    if (unload_refused(f)) {
        return ERR_BOOTER;
    }
    ada_gsp_forget(s);
    s->gsp_falcon.riscv_active = false;
    s->wpr2_lo = s->wpr2_hi = 0;
    s->wpr = (AdaWpr) {};
    ada_count_program(s, "booter-unload");
    return 0;
}

static uint32_t run_scrubber(AdaState *s)
{
    if (s->faults.scrubber_error) {
        return s->faults.scrubber_error;
    }
    s->scrub_done = true;
    ada_count_program(s, "scrubber");
    return 0;
}

/* With fw-check=off a program that is not known goes by its ucode id; both booters have the same */
static const AdaHsImage *sec2_guess(AdaFalcon *f)
{
    if (checked(f->gpu, CONTENT)) {
        return NULL;
    }
    if (f->brom_ucode_id == ada_fw_hs_of_kind(ADA_HS_SCRUBBER)->ucode_id) {
        return ada_fw_hs_of_kind(ADA_HS_SCRUBBER);
    }
    return ada_fw_hs_of_kind(f->mailbox[0] == NO_RESUME ? ADA_HS_BOOTER_UNLOAD : ADA_HS_BOOTER_LOAD);
}

static uint32_t run_sec2(AdaFalcon *f)
{
    AdaState *s = f->gpu;
    const AdaHsImage *hs = ada_fw_hs_find(f->imem, f->imem_high, f->dmem, f->dmem_high);

    if (!hs) {
        hs = sec2_guess(f);
    }
    if (!hs) {
        ada_refuse(s, "hs-image", "sec2: what was loaded (0x%x + 0x%x bytes) is no program that is known", f->imem_high,
                   f->dmem_high);
        return ERR_BOOT_ROM;
    }
    if (rom_refuses(f, hs, signature_by_fuse(hs, s->power_on.fuse_sec2))) {
        return ERR_BOOT_ROM;
    }
    switch (hs->kind) {
    case ADA_HS_BOOTER_LOAD:
        return run_booter_load(f, hs);
    case ADA_HS_BOOTER_UNLOAD:
        return run_booter_unload(f);
    default:
        return run_scrubber(s);
    }
}

void ada_hs_run(AdaFalcon *f)
{
    if (f == &f->gpu->sec2 && ada_seq_suspended(f->gpu)) {
        f->mailbox[0] = ada_seq_resume(f->gpu);
        return;
    }
    if (f == &f->gpu->gsp_falcon && ada_seq_suspended(f->gpu)) {
        f->mailbox[0] = ada_seq_program(f->gpu);
        return;
    }
    if (!f->imem_high) {
        return;     /* an empty falcon just halts */
    }
    if (f->early) {
        ada_refuse(f->gpu, "gfw-boot", "%s: a program before the GPU's own firmware is through", f->name);
        f->mailbox[0] = ERR_BOOT_ROM;
        return;
    }
    if (f == &f->gpu->pmu) {
        ada_refuse(f->gpu, "hs-image", "pmu: no program of it is known");
        return;
    }
    f->mailbox[0] = f == &f->gpu->sec2 ? run_sec2(f) : run_fwsec(f);
}
