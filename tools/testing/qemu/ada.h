/*
 * NVIDIA Ada GPU with GSP-RM firmware: internals of the model
 *
 * The model behaves like the chip at its registers and like GSP-RM at its message queues; it runs no firmware code.
 * What it takes for granted about the real thing, and from where, is in Documentation/nvidia-vgpu/model.rst.
 *
 * One file a concern:
 *   ada-pci.c     PCI functions, BARs, capabilities, reset, device properties
 *   ada-board.c   the boards it can be
 *   ada-regs.c    BAR0 of the PF: dispatch and the registers that belong to no larger block
 *   ada-vfregs.c  the virtual-function register block: all of a VF's BAR0, a window in the PF's
 *   ada-intr.c    interrupt trees
 *   ada-mmu.c     VRAM, PRAMIN, GMMU walk, VMMU, BAR1 and BAR3 apertures
 *   ada-tlb.c     what the GMMU keeps of its walks
 *   ada-falcon.c  falcon register block, DMA, BROM registers
 *   ada-vbios.c   the VBIOS image
 *   ada-hs.c      what the signed programs do: FWSEC, scrubber, booter load and unload
 *   ada-fw.c      the firmware images it knows, by hash
 *   ada-gsp.c     GSP-RM: start, message queues, events
 *   ada-seq.c     what GSP-RM has the CPU do while it starts
 *   ada-rm.c      RM objects and controls
 *   ada-vgpu.c    vGPU controls and the plugin tasks
 *   ada-monitor.c what GSP-RM tells of vGPUs that run
 *   ada-guest.c   the plugin tasks' end of the guests' drivers
 *   ada-gstatic.c what they tell them of the GPU
 *   ada-gobj.c    the guests' objects
 *   ada-rmchan.c  channel objects and their controls
 *   ada-chan.c    channels
 *   ada-ce.c      the copy engine
 *   ada-time.c    how long things take
 *   ada-debug.c   counters, accounting, refusals, fault injection
 *
 * Everything runs under the BQL.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_MISC_NVIDIA_ADA_H
#define HW_MISC_NVIDIA_ADA_H

#include "qemu/units.h"
#include "qemu/timer.h"
#include "qom/object.h"
#include "hw/pci/pci_device.h"
#include "qapi/qapi-types-common.h"
#include "system/hostmem.h"

#define TYPE_NVIDIA_ADA     "nvidia-ada"
#define TYPE_NVIDIA_ADA_VF  "nvidia-ada-vf"
#define TYPE_NVIDIA_ADA_AUDIO "nvidia-ada-audio"
OBJECT_DECLARE_SIMPLE_TYPE(AdaState, NVIDIA_ADA)
OBJECT_DECLARE_SIMPLE_TYPE(AdaVf, NVIDIA_ADA_VF)

#define ADA_MAX_VFS         32      /* NV_SRIOV: partitions with a GFID */
#define ADA_MAX_GFID        ADA_MAX_VFS
#define ADA_PF_BAR0_SIZE    (16 * MiB)
#define ADA_VF_BAR0_SIZE    (256 * KiB)
#define ADA_VF_BAR1_SIZE    (2 * GiB)
#define ADA_BAR3_SIZE       (32 * MiB)
#define ADA_VF_OFFSET       4           /* function number of VF 0 */
#define ADA_CONFIG_MIRROR   0x088000    /* in BAR0 of the PF: its configuration space */
#define ADA_PF_VFREGS       0xb80000    /* the PF's own copy of the VF register block */
#define ADA_INTR_LEAVES     8
#define ADA_PAGE            4096u   /* of GSP-RM, and the smallest of the GMMU */
#define ADA_VA_BITS         49      /* of the GMMU */

/* ---- boards (ada-board.c) ---------------------------------------------------------------------------------------- */

typedef struct AdaBoard {
    const char *name;           /* value of the property "board" */
    const char *marketing_name;
    uint16_t device_id, subsystem_id;
    uint32_t boot0, boot42;
    uint64_t vram_size;         /* of its memory chips; property "vram-size" overrides */
    uint32_t fb_channels;       /* of 32 bits, that these are on */
    bool ecc;                   /* as shipped; property "ecc" overrides */
    uint64_t vmmu_segment;      /* assumption VMMU-SEG; property "vmmu-segment" overrides */
    uint64_t bar1_size;         /* power-on default; property "bar1-size" overrides */
    bool display;               /* in display mode: a VGA device without SR-IOV, with an audio function */
} AdaBoard;

const AdaBoard *ada_board_find(const char *name);
char *ada_board_names(void);    /* for an error message; caller frees */

/* ---- interrupt tree (ada-intr.c) --------------------------------------------------------------------------------- */

typedef struct AdaIntr {
    uint32_t leaf[ADA_INTR_LEAVES], leaf_en[ADA_INTR_LEAVES], top_en;
    uint32_t signalled;         /* subtrees that were pending and enabled when a message was sent last */
    bool message;               /* one is on its way */
    bool armed;                 /* MSI may send */
    bool lost;                  /* what is pending was lost by property lose-interrupt */
} AdaIntr;

/* ---- one PCI function: the PF or a VF ---------------------------------------------------------------------------- */

typedef struct AdaStats {       /* counted since power-on, read by property "stats" */
    uint64_t bar_reads[4], bar_writes[4];       /* by BAR 0, 1, 3 (index = BAR number) */
    uint64_t dma_read_bytes, dma_write_bytes;
    uint64_t interrupts;
    uint64_t vmmu_faults;       /* accesses outside of the function's guest physical framebuffer */
} AdaStats;

typedef struct AdaFunc {
    PCIDevice *pdev;            /* whose requester id DMA and interrupts carry; NULL: VF not enabled */
    AdaState *gpu;
    uint32_t gfid;              /* 0 the PF, else VF number + 1 */
    AdaIntr intr;
    uint32_t mailbox[16];       /* 0x2100 MAILBOX_SCRATCH */
    uint32_t bar1_block, bar2_block;            /* 0xf40, 0xf48 */
    uint32_t inv_pdb, inv_upper_pdb;            /* 0x30a0, 0x30a4 */
    uint8_t busy_invalidate, busy_bind;         /* reads until it is done */
    struct AdaTlbScope *inv_scope;              /* what is then done */
    uint32_t usermode_cfg[4];
    MemoryRegion off_bus[3];    /* over each BAR while it answers no more */
    AdaStats stats;
} AdaFunc;

/* DMA by a function, counted; false and a refusal when the bus reports an error, or it is no bus master */
bool ada_dma_read(AdaFunc *f, uint64_t addr, void *buf, size_t len);
bool ada_dma_write(AdaFunc *f, uint64_t addr, const void *buf, size_t len);

/* BAR0 (ada-regs.c): of the PF, of a VF */
extern const MemoryRegionOps ada_pf_bar0_ops, ada_vf_bar0_ops;
bool ada_is_register(uint32_t off); /* of the PF; but the window to framebuffer has none */
void ada_regs_reset(AdaState *s);
bool ada_gfw_booted(AdaState *s);   /* the GPU's own firmware is through, since the last reset of the PF */
uint64_t ada_ptimer(AdaState *s);
/* known to be nothing but storage */
uint32_t ada_store_read(AdaFunc *f, uint32_t off);
void ada_store_write(AdaFunc *f, uint32_t off, uint32_t val);
void ada_store_reset(AdaFunc *f);
/* a register the model knows nothing about: logged once, written in vain, and read as an error */
uint32_t ada_unknown_read(AdaFunc *f, uint32_t off);
void ada_unknown_write(AdaFunc *f, uint32_t off, uint32_t val);
/* What the bus in the GPU answers in place of a register, seen on an RTX 4070 SUPER */
#define ADA_PRI_UNKNOWN     0xbadf5040u     /* there is none */
#define ADA_PRI_NOT_READY   0xbadf5108u     /* GFW has not got there */
#define ADA_PRI_RESET       0xbadf5620u     /* its engine is held in reset */

/* registers of the VF block, offset from its start (0..ADA_VF_BAR0_SIZE) */
uint32_t ada_vfregs_read(AdaFunc *f, uint32_t off);
void ada_vfregs_write(AdaFunc *f, uint32_t off, uint32_t val);
void ada_func_reset(AdaFunc *f);    /* power-on, FLR: registers of this function only */

void ada_intr_init(AdaState *s);
void ada_intr_exit(AdaState *s);
/* latch vector @vector (leaf = vector / 32) and signal when enabled down the tree */
void ada_intr_raise(AdaFunc *f, unsigned int vector);
void ada_intr_reset(AdaFunc *f);
void ada_intr_off_bus(AdaFunc *f);  /* gone, or back */
void ada_intr_rearm(AdaFunc *f);    /* config 0x704 (BAR0 0x88704): MSI may send again, and does so what is pending */
uint32_t ada_intr_read(AdaFunc *f, uint32_t off);
void ada_intr_write(AdaFunc *f, uint32_t off, uint32_t val);

/* ---- falcons (ada-falcon.c, ada-hs.c) ---------------------------------------------------------------------------- */

#define ADA_FALCON_IMEM_MAX 0x24000
#define ADA_GSP_IMEM        0x10000
#define ADA_GSP_DMEM        0x10000

/* what differs from falcon to falcon */
typedef struct AdaFalconType {
    const char *name;           /* "gsp", "sec2", "pmu" */
    uint32_t base, fbif;        /* of its block, and of the FBIF in it */
    uint32_t imem_size, dmem_size;
    uint32_t imem_ports, dmem_ports;
} AdaFalconType;

typedef struct AdaFalcon {
    AdaState *gpu;
    const AdaFalconType *type;
    const char *name;
    uint8_t *imem, *dmem;
    uint32_t imem_high, dmem_high;      /* end of what was loaded since reset: 0 = nothing */
    uint32_t irqstat, irqmask, mailbox[2], itfen, os, rm, bootvec, dmactl;
    uint64_t dma_base;
    uint32_t dma_moffs, dma_fboffs, dma_cmd;
    uint32_t fbif_transcfg[8], fbif_ctl;
    uint32_t brom_modsel, brom_ucode_id, brom_engid, brom_paraaddr;
    uint32_t bcr_ctrl;          /* RISC-V boot configuration */
    uint32_t riscv_irqmask;     /* GSP-RM's own choice of what it tells the host */
    bool irq_line;              /* something that is not masked is pending */
    uint32_t engine, irqdest;
    uint32_t imemc[4], dmemc[8];            /* PIO ports, of which it has some */
    uint16_t imem_tag[ADA_FALCON_IMEM_MAX / 256];   /* virtual address >> 8 of each block */
    bool imem_secure[ADA_FALCON_IMEM_MAX / 256];
    bool was_reset;             /* since power-on */
    uint8_t busy_dma, busy_scrub, busy_core;    /* reads until it is done */
    bool ran;                   /* what was started has read its inputs, its result is */
    uint32_t result;
    bool halted;
    bool early;                 /* started before the GPU's own firmware was through */
    bool riscv_active, riscv_halted;
    QEMUTimer *run;             /* a signed program takes its time */
} AdaFalcon;

extern const AdaFalconType ada_falcon_gsp, ada_falcon_sec2, ada_falcon_pmu;
void ada_falcon_init(AdaFalcon *f, AdaState *s, const AdaFalconType *type);
void ada_falcon_exit(AdaFalcon *f);
void ada_falcon_reset(AdaFalcon *f);        /* engine reset */
void ada_falcon_power_on(AdaFalcon *f);
uint32_t ada_falcon_read(AdaFalcon *f, uint32_t off);       /* off within the 0x2000-byte block */
void ada_falcon_write(AdaFalcon *f, uint32_t off, uint32_t val);
/* GSP-RM's swgen0: a message waits; raises the GSP vector when IRQMASK lets it */
void ada_falcon_swgen0(AdaFalcon *f);
/* RISC-V core: started by booter_load, stopped for good by GSP-RM (unloaded or crashed) until the next reset */
void ada_falcon_riscv_start(AdaFalcon *f);
void ada_falcon_riscv_halt(AdaFalcon *f);
/* ada-hs.c: the CPU started what is in IMEM; dispatches, checks, acts, leaves the result in the mailboxes */
void ada_hs_run(AdaFalcon *f);

/* ---- firmware known by hash (ada-fw.c) --------------------------------------------------------------------------- */

typedef enum { ADA_FW_535, ADA_FW_570 } AdaFwVersion;

typedef struct AdaFwImage AdaFwImage;       /* one release; private to ada-fw.c and ada-hs.c */
/* which release's .fwimage has this SHA-256 */
const AdaFwImage *ada_fw_by_image(const uint8_t sha256[32]);
AdaFwVersion ada_fw_version(const AdaFwImage *fw);
const char *ada_fw_version_string(const AdaFwImage *fw);

/* what booter_load accepted, kept for GSP-RM */
typedef struct AdaWpr {
    const AdaFwImage *fw;
    uint64_t nonwpr_heap;       /* below it framebuffer is not GSP-RM's */
    uint8_t vf_partitions;
} AdaWpr;

/* ---- VBIOS (ada-vbios.c) ----------------------------------------------------------------------------------------- */

#define ADA_SIGNATURE_SIZE  384     /* BCRT30_RSA3K_SIG_SIZE */
#define ADA_MAX_SIGNATURES  4

/* the model's own VBIOS, as power_on wants it */
GBytes *ada_vbios_build(AdaState *s);
GBytes *ada_flash_load(const char *name, Error **errp);
/* flash as the next power-on finds it. What FWSEC must look like when run is checked against it in ada-hs.c */
void ada_flash_reset(AdaState *s);
uint32_t ada_flash_prom(AdaState *s, uint32_t off);

/* ---- VRAM and its MMUs (ada-mmu.c) ------------------------------------------------------------------------------- */

typedef struct AdaSegment { uint64_t gpa, spa, len; } AdaSegment;

typedef struct AdaVmmu {        /* guest physical FB of one GFID, assumption VMMU-GPA */
    unsigned int count;
    AdaSegment *seg;
} AdaVmmu;

bool ada_vram_init(AdaState *s, Error **errp);
void ada_vram_exit(AdaState *s);

/* system-physical framebuffer; outside it: all-ones, dropped, and false */
bool ada_vram_read(AdaState *s, uint64_t addr, void *buf, size_t len);
bool ada_vram_write(AdaState *s, uint64_t addr, const void *buf, size_t len);
void ada_vram_zero(AdaState *s, uint64_t addr, uint64_t len);       /* gives the pages back to the host */
void ada_vram_write64(AdaState *s, uint64_t addr, uint64_t val);

/* guest physical FB of @f: through the VMMU for a VF, as is for the PF */
bool ada_gpa_read(AdaFunc *f, uint64_t gpa, void *buf, size_t len);
bool ada_gpa_write(AdaFunc *f, uint64_t gpa, const void *buf, size_t len);
bool ada_gpa_zero(AdaFunc *f, uint64_t gpa, uint64_t len);   /* gives whole pages back to the host */
/* takes over @seg (g_malloc'ed) */
void ada_vmmu_set(AdaState *s, uint32_t gfid, AdaSegment *seg, unsigned int count);
void ada_vmmu_clear(AdaState *s, uint32_t gfid);

/* GMMU v2, page directory at guest physical FB or sysmem address @pdb. Result is a physical address in FB or sysmem */
typedef struct AdaXlat { uint64_t addr; uint64_t page_size; bool valid, sysmem, read_only, sparse; } AdaXlat;
AdaXlat ada_gmmu_walk(AdaFunc *f, uint64_t pdb, bool pdb_sysmem, uint64_t va);

/* ---- TLB (ada-tlb.c) --------------------------------------------------------------------------------------------- */

#define ADA_TLB_ENTRIES 4096

typedef struct AdaTlbEntry {
    bool used, root_sysmem;
    bool told;                  /* that it is stale */
    uint32_t gfid;
    uint64_t root;              /* page directory */
    uint64_t va;                /* of the page, and in x what it is */
    AdaXlat x;
} AdaTlbEntry;

typedef struct AdaTlbScope {
    bool all_roots, root_sysmem;
    uint64_t root;
    uint64_t va, size;          /* size 0: all addresses */
} AdaTlbScope;

/* ada_gmmu_walk(), but what was found earlier counts until it is invalidated */
AdaXlat ada_tlb_translate(AdaFunc *f, uint64_t root, bool root_sysmem, uint64_t va);
void ada_tlb_invalidate(AdaState *s, uint32_t gfid, const AdaTlbScope *scope);
void ada_tlb_invalidate_all(AdaState *s, uint32_t gfid);
void ada_tlb_reset(AdaState *s);    /* of all functions */

/* ---- what the CPU sees of VRAM (ada-mmu.c) ----------------------------------------------------------------------- */

/* is any of it in WPR2, where only GSP-RM may be? Refused and counted then */
bool ada_wpr2_denied(AdaFunc *f, uint64_t gpa, uint64_t size);

/* 1 MiB window of the PF at 0x700000 */
uint64_t ada_pramin_read(AdaState *s, uint32_t off, unsigned int size);
void ada_pramin_write(AdaState *s, uint32_t off, uint64_t val, unsigned int size);

uint64_t ada_bar1_read(AdaFunc *f, uint64_t off, unsigned int size);
void ada_bar1_write(AdaFunc *f, uint64_t off, uint64_t val, unsigned int size);
/* makes an instance block for the PF at @instance, with @pdb in it: what its block register is to have */
uint32_t ada_aperture_bind(AdaState *s, uint64_t instance, uint64_t pdb);
uint64_t ada_bar3_read(AdaFunc *f, uint64_t off, unsigned int size);
void ada_bar3_write(AdaFunc *f, uint64_t off, uint64_t val, unsigned int size);

/* ---- GSP-RM (ada-gsp.c, ada-rm.c, ada-vgpu.c, ada-guest.c) ------------------------------------------------------- */

typedef struct AdaGsp AdaGsp;   /* private to the files that include ada-gsp.h */

void ada_gsp_init(AdaState *s);
void ada_gsp_exit(AdaState *s);
void ada_gsp_forget(AdaState *s);           /* as if it had never run */
/*
 * booter_load has set up WPR2 from s->wpr; the libos arguments are at bus address @libos_args (GSP's mailboxes). GSP-RM
 * starts a little later by itself and reports INIT_DONE, or halts the GSP falcon
 */
void ada_gsp_boot(AdaState *s, uint64_t libos_args);
void ada_gsp_doorbell(AdaState *s);         /* 0x110c00: command queue */
/* PF 0xb82200: vector = gfid * 32 + handle */
void ada_vgpu_doorbell(AdaState *s, uint32_t val);
/* VF 0x2200: handle only, from the guest */
void ada_guest_doorbell(AdaFunc *f, uint32_t val);
void ada_guest_flr(AdaFunc *f);             /* that VF's guest state (RPC buffers) is gone; its plugin task lives on */
bool ada_gsp_running(AdaState *s);
bool ada_gsp_locked(AdaState *s, uint32_t off);
void ada_gsp_lockdown(AdaState *s, bool engage);
/* the active core is reset (ada-seq.c): has GSP-RM asked for it? It is suspended then */
bool ada_seq_suspend(AdaState *s);
bool ada_seq_suspended(AdaState *s);
uint32_t ada_seq_program(AdaState *s);      /* the GSP's falcon runs then: its mailbox 0 */
uint32_t ada_seq_resume(AdaState *s);       /* SEC2 runs: its mailbox 0 */
/* PF BAR0 vector of the GSP falcon in the interrupt tree, as INTR_GET_KERNEL_TABLE reports it */
uint32_t ada_gsp_stall_vector(AdaState *s);

/* ---- channels (ada-chan.c, ada-ce.c, ada-rmchan.c) --------------------------------------------------------------- */

typedef struct AdaChannel AdaChannel;   /* private to the files that include ada-chan.h */
typedef struct AdaFifo AdaFifo;

void ada_fifo_init(AdaState *s);
void ada_fifo_exit(AdaState *s);
/* 0x30090 of the VF block: work for a channel of the function, as token = runlist << 16 | channel id */
void ada_fifo_doorbell(AdaFunc *f, uint32_t val);

/* ---- how long things take (ada-time.c) --------------------------------------------------------------------------- */

typedef struct AdaPosted { uint64_t addr; uint8_t data[8], size; } AdaPosted;

void ada_time_init(AdaState *s);
void ada_time_exit(AdaState *s);
void ada_time_reset(AdaState *s);
/* @quick, or with timing=real something from @least to @most */
uint32_t ada_time_ms(AdaState *s, uint32_t quick, uint32_t least, uint32_t most);
/* with timing=real in half of the cases */
bool ada_time_coin(AdaState *s);
/* how many reads of a status bit find it not done yet; and whether this read does */
uint8_t ada_time_reads(AdaState *s);
bool ada_time_busy(uint8_t *reads);
/* a write of the CPU on its way to framebuffer; all of them arrive */
void ada_posted_write(AdaState *s, uint64_t addr, const uint8_t *data, unsigned int size);
void ada_posted_land(AdaState *s);

/* ---- counters, refusals, faults (ada-debug.c) -------------------------------------------------------------------- */

/*
 * Something a real part would have refused: a line on stderr "nvidia-ada: refused <check>: <why>" and counter <check>.
 * @check is a stable name that tests look for, in words with dashes: a literal, so that the linker collects all of them
 * for the property "checks".
 */
#define ada_refuse(s, check, ...) ada_refused(s, ADA_CHECK(check), __VA_ARGS__)
#define ADA_CHECK(name) \
    ({ \
        static const char *const check_ __attribute__((used, section("ada_checks"))) = name; \
        check_; \
    })
/* from the first to the last that the linker put there */
extern const char *const __start_ada_checks[], *const __stop_ada_checks[];
void ada_refused(AdaState *s, const char *check, const char *fmt, ...) G_GNUC_PRINTF(3, 4);
/* once per register: an access the model knows nothing about */
void ada_unmodelled(AdaFunc *f, uint32_t off, bool write, uint32_t val);
void ada_count_rpc(AdaState *s, uint32_t function, uint32_t control_cmd);
void ada_count_event(AdaState *s, uint32_t function);
/* a signed program did what it is for; @name stays valid */
void ada_count_program(AdaState *s, const char *name);
void ada_debug_init(AdaState *s);
void ada_debug_exit(AdaState *s);
void ada_debug_class_init(ObjectClass *oc);         /* run-time properties of the PF: see Documentation */

/* Is lose-interrupt meant for this one of @f? Counts it, then forgets the fault */
bool ada_fault_interrupt(AdaFunc *f);
/* What a register of the PF at @off reads as: @val, if property fault-register has nothing else */
uint32_t ada_fault_register(AdaState *s, uint32_t off, uint32_t val);
/* property surprise-removal has changed (ada-pci.c) */
void ada_off_bus(AdaState *s);

/* Faults, by class properties that can be set while it runs (qom-set) and on the command line */
typedef enum { ADA_NUMBERS_SEEN, ADA_NUMBERS_OTHER } AdaNumbers;
typedef enum { ADA_FB_SEEN, ADA_FB_PLAIN, ADA_FB_SPLIT } AdaFbRegions;

typedef struct AdaRegisterFault {
    uint32_t offset, value, nth;
} AdaRegisterFault;

typedef struct AdaFaults {
    uint32_t scrubber_error;    /* property fault-scrubber: mailbox0 of a scrubber that fails; 0 = works */
    uint32_t booter_error;      /* fault-booter: the same of booter_load */
    uint32_t gsp;               /* fault-gsp: AdaFaultGsp */
    /* fault-message, one shot: <action>:<function|any>[:<control>][:<nth>] */
    char *message;
    /* lose-interrupt, one shot: <gfid>[:<nth>]; nth 0 = none */
    uint32_t lose_gfid, lose_nth;
    /* fault-plugin, one shot: <action>[=<number>]:<gfid>[:<nth>]; nth 0 = none */
    uint32_t plugin, plugin_arg, plugin_gfid, plugin_nth;
    /* fault-guest, one shot: <action>:<gfid>[:<nth>[:<what>]]; nth 0 = none */
    uint32_t guest, guest_gfid, guest_nth;  /* AdaGuestFault */
    bool guest_doorbell;        /* of a channel; else it is a call */
    /* fault-register: <offset>:<value>[:<nth>][,...], from its nth read on; nth 0 = none */
    AdaRegisterFault reg[4];
    bool off_bus;               /* surprise-removal */
    /* fault-engine: what becomes of the nth transfer from now on; nth 0 = nothing, or hung already */
    uint32_t engine, engine_nth;
    bool engine_hung;
} AdaFaults;
typedef enum { ADA_ENGINE_OK, ADA_ENGINE_HANG, ADA_ENGINE_ERROR } AdaFaultEngine;
typedef enum { ADA_GSP_OK, ADA_GSP_SILENT /* never answers */, ADA_GSP_DIES /* halts before INIT_DONE */ } AdaFaultGsp;

/* What a power-on finds: class properties that can be set at any time, for the next reset of the PF */
typedef struct AdaPowerOn {
    OnOffAuto ecc;
    bool vbios_fwsec;           /* the model's own VBIOS has FWSEC */
    bool prom_ifr;              /* the window shows the flash from its first byte */
    bool wpr2_up;               /* once: the reset after it finds WPR2 down */
    bool scrubbed;
    uint32_t fuse_sec2, fuse_gsp;
    uint32_t vga_workspace;     /* property vga-workspace: KiB from the end of framebuffer; 0 = no display */
    uint32_t gfw_boot_ms;       /* assumption GFW-BOOT */
} AdaPowerOn;

/* ---- the PF: the whole GPU --------------------------------------------------------------------------------------- */

struct AdaState {
    PCIDevice parent_obj;

    /* properties */
    char *board_name;
    HostMemoryBackend *hostmem; /* "memdev": VRAM that others may look into; else private */
    uint64_t vram_size;
    bool sriov, has_msi;
    uint64_t bar1_size, vmmu_segment;
    AdaPowerOn next_power_on;   /* as set by now */
    char *fw_check;             /* "strict", "hash" or "off" */
    bool reply_interrupt;       /* replies of GSP-RM interrupt as events do */
    bool timing_real;
    uint32_t timing_seed;
    uint32_t numbers;           /* AdaNumbers: those that a driver has to ask for */
    uint32_t chids;             /* channel ids of a runlist: assumption CHIDS */
    uint32_t fb_regions;        /* AdaFbRegions: what GSP-RM says of the framebuffer */
    uint32_t plugin_delay_ms;
    uint32_t util_interval_ms;      /* 0: use of engines is not told */
    AdaFaults faults;

    AdaPowerOn power_on;        /* as the last one found it */
    int64_t gfw_booted_at;      /* ns of virtual time */
    uint32_t random;            /* state of what ada-time.c draws */
    AdaPosted posted[64];
    unsigned int posted_count;
    QEMUTimer *posted_timer;
    uint8_t busy_flush;
    const AdaBoard *board;
    AdaFunc func;               /* the PF as gfid 0 */
    AdaFunc *vf[ADA_MAX_VFS];   /* by VF number, NULL while not enabled */
    MemoryRegion bar0, bar0_io, bar1, bar3, vga_io, rom;
    uint8_t *vram_ptr;
    bool ecc;                   /* check bits take a sixteenth of the framebuffer */
    uint64_t fb_size;           /* what is left of VRAM to be addressed: assumption FB-SIZE */

    char *vbios_name;           /* property vbios, NULL: the model's own */
    GBytes *vbios_file;         /* its bytes when it was set, for the next reset */
    GBytes *flash;              /* as the last reset found it */
    const uint8_t *flash_data;
    size_t prom_start;          /* offset in the flash of what the window shows first */
    size_t fwsec_desc_off;      /* offset in the flash of FWSEC's descriptor, 0: it has none */

    AdaFalcon gsp_falcon, sec2, pmu;
    uint64_t wpr2_lo, wpr2_hi;  /* bytes, hi exclusive; 0 = down */
    AdaWpr wpr;
    bool fwsec_sb_done;         /* since WPR2 was set up or booter_load ran */
    bool scrub_done;            /* 0x1180fc 31:29 */
    uint32_t sequencer;         /* property: AdaSequencer */
    bool handoff;               /* 0x1180f8 26: GSP-RM goes on after CORE_RESUME */
    int64_t ptimer_offset;
    uint32_t sw_scratch[64];    /* 0x1400 */
    uint32_t pramin_base;       /* 0x1700 */
    GHashTable *reg_store;      /* written, otherwise unmodelled registers */
    uint64_t bar1_pdb, bar2_pdb;            /* PF apertures: VRAM pages GSP-RM owns */
    AdaVmmu vmmu[ADA_MAX_GFID + 1];         /* by gfid; [0] unused */
    AdaTlbEntry tlb[ADA_TLB_ENTRIES];

    QEMUBH *messages;           /* sends those of all functions */
    AdaGsp *gsp;
    AdaFifo *fifo;
    GHashTable *refusals, *rpc_counts, *event_counts, *program_counts, *unmodelled;
};

struct AdaVf {
    PCIDevice parent_obj;
    AdaFunc func;
    MemoryRegion bar0, bar0_io, bar1, bar3;
};

#endif
