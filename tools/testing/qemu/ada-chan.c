/*
 * NVIDIA Ada GPU: channels
 *
 * A channel is a ring of entries (GPFIFO) that point to segments of a pushbuffer, which is headers and method data. The
 * CPU puts entries in, stores the new PUT in the channel's page (USERD) and rings the doorbell. Methods below 0x100 are
 * executed by the host unit, here; the others by the engine of the class that was set on their subchannel. Everything
 * is at virtual addresses of the channel's VA space, but USERD.
 *
 * A bottom half runs all channels that have work, in turns and in bounded parts. One that waits for a semaphore is
 * looked at again after each doorbell, after other channels' work, and every millisecond.
 *
 * An error stops the channel for good and no other. GSP-RM, who handles such interrupts, tells the driver which channel
 * is to be given up (RC_TRIGGERED). Before that comes the line for its log (OS_ERROR_LOG), but for a fault of the MMU,
 * where it says that there is one (MMU_FAULT_QUEUED) and leaves the words to the driver: so seen on GA106 with 570.144.
 * Assumption RC: with which Xid.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/log.h"
#include "hw/qdev-core.h"
#include "ada-guest.h"

/* in USERD */
#define GP_GET          0x88
#define GP_PUT          0x8c

#define BUDGET          16384   /* methods of a channel in its turn */
#define BUDGET_CE       1024    /* what a part of a transfer counts for */
#define RETRY_MS        1

/* what was seen in RC_TRIGGERED, on GA106 with 570.144, and how many records came before it */
#define RC_LEVEL        2
#define RC_SCOPE        1
#define RC_PARTITION    233
#define RC_NOCAT_RECORDS 5

#define PBDMA_ERROR     r570_ROBUST_CHANNEL_PBDMA_ERROR
#define MMU_FAULT       r570_ROBUST_CHANNEL_FIFO_ERROR_MMU_ERR_FLT

/* NV_PFAULT_FAULT_TYPE_*, the same since Volta */
enum {
    FAULT_PDE = 0, FAULT_PTE = 2, FAULT_VA_LIMIT = 3, FAULT_UNBOUND = 4, FAULT_READ_ONLY = 6, FAULT_REGION = 0xd,
};

/* ---- errors ------------------------------------------------------------------------------------------------------ */

typedef struct MmuFault { uint64_t va; uint32_t type; } MmuFault;

/* a guest's ids start where the host put them */
static uint32_t host_chid(const AdaChannel *c)
{
    return c->chid + (c->gfid ? c->gpu->gsp->vgpu[c->gfid].chid[c->engine->type] : 0);
}

static void send_error_log(AdaChannel *c, uint32_t xid, const char *text)
{
    AdaState *s = c->gpu;
    AdaFwVersion fw = s->gsp->fw;
    uint8_t p[MAX_CONST(r535_rpc_os_error_log_v17_00__SIZE, r570_rpc_os_error_log_v17_00__SIZE)] = {};

    stl_le_p(p + ADA_OFF(fw, rpc_os_error_log_v17_00, exceptType), xid);
    stl_le_p(p + ADA_OFF(fw, rpc_os_error_log_v17_00, runlistId), c->engine->runlist);
    stl_le_p(p + ADA_OFF(fw, rpc_os_error_log_v17_00, chid), host_chid(c));
    g_strlcpy((char *)p + ADA_OFF(fw, rpc_os_error_log_v17_00, errString), text,
              ADA_OFF(fw, rpc_os_error_log_v17_00, errString_SZ));
    ada_gsp_event(s, RPC_EVENT(OS_ERROR_LOG), p, ADA_SIZE(fw, rpc_os_error_log_v17_00));
}

static void send_rc(AdaChannel *c, uint32_t xid, const MmuFault *fault)
{
    AdaState *s = c->gpu;
    AdaFwVersion fw = s->gsp->fw;
    uint8_t p[MAX_CONST(r535_rpc_rc_triggered_v17_02__SIZE, r570_rpc_rc_triggered_v17_02__SIZE)] = {};

    stl_le_p(p + ADA_OFF(fw, rpc_rc_triggered_v17_02, nv2080EngineType), c->engine->type);
    stl_le_p(p + ADA_OFF(fw, rpc_rc_triggered_v17_02, chid), host_chid(c));
    stl_le_p(p + ADA_OFF(fw, rpc_rc_triggered_v17_02, exceptType), xid);
    stl_le_p(p + ADA_OFF(fw, rpc_rc_triggered_v17_02, scope), RC_SCOPE);
    stw_le_p(p + ADA_OFF(fw, rpc_rc_triggered_v17_02, partitionAttributionId), RC_PARTITION);
    if (fw == ADA_FW_570) {
        stl_le_p(p + r570_rpc_rc_triggered_v17_02__exceptLevel, RC_LEVEL);
        stl_le_p(p + r570_rpc_rc_triggered_v17_02__gfid, c->gfid);
        if (fault) {
            stl_le_p(p + r570_rpc_rc_triggered_v17_02__mmuFaultAddrLo, fault->va);
            stl_le_p(p + r570_rpc_rc_triggered_v17_02__mmuFaultAddrHi, fault->va >> 32);
            stl_le_p(p + r570_rpc_rc_triggered_v17_02__mmuFaultType, fault->type);
        }
    }
    ada_gsp_event(s, RPC_EVENT(RC_TRIGGERED), p, ADA_SIZE(fw, rpc_rc_triggered_v17_02));
}

static void send_mmu_fault(AdaState *s)
{
    ada_gsp_event(s, RPC_EVENT(MMU_FAULT_QUEUED), NULL, 0);
    for (int i = 0; s->gsp->fw == ADA_FW_570 && i < RC_NOCAT_RECORDS; i++) {
        ada_gsp_event(s, RPC_EVENT(GSP_POST_NOCAT_RECORD), (uint8_t[4]) {}, 4);
    }
}

static void chan_stop(AdaChannel *c, uint32_t xid, const MmuFault *fault, const char *why)
{
    g_autofree char *text = g_strdup_printf("Ch %08x, %s: %s", c->chid, c->engine->name, why);

    c->stopped = true;
    c->gpu->fifo->faults++;
    if (ada_gsp_running(c->gpu)) {
        if (fault) {
            send_mmu_fault(c->gpu);
        } else {
            send_error_log(c, xid, text);
        }
        send_rc(c, xid, fault);
        if (c->gfid) {
            ada_guest_rc(&c->gpu->gsp->vgpu[c->gfid], c, xid);
        }
    }
}

static void chan_refused(AdaChannel *c, const char *check, uint32_t xid, const MmuFault *fault, const char *why)
{
    ada_refused(c->gpu, check, "channel %u of GFID %u: %s", c->chid, c->gfid, why);
    chan_stop(c, xid, fault, why);
}

AdaStep ada_chan_failed(AdaChannel *c, const char *check, uint32_t xid, const char *fmt, ...)
{
    g_autofree char *why = NULL;
    va_list ap;

    va_start(ap, fmt);
    why = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    chan_refused(c, check, xid, NULL, why);
    return ADA_STEP_ERROR;
}

static void mmu_fault(AdaChannel *c, uint64_t va, uint32_t type, bool write)
{
    static const char *const names[] = {
        [FAULT_PDE] = "PDE", [FAULT_PTE] = "PTE", [FAULT_VA_LIMIT] = "VA limit", [FAULT_UNBOUND] = "no page directory",
        [FAULT_READ_ONLY] = "read-only", [FAULT_REGION] = "region",
    };
    MmuFault fault = { va, type };
    g_autofree char *why = g_strdup_printf("MMU fault, %s of 0x%" PRIx64 ", %s", write ? "write" : "read", va,
                                           names[type]);

    chan_refused(c, ADA_CHECK("chan-mmu-fault"), MMU_FAULT, &fault, why);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

AdaFunc *ada_chan_func(AdaChannel *c)
{
    return c->gfid ? c->gpu->vf[c->gfid - 1] : &c->gpu->func;
}

static GHashTable *chan_objects(const AdaChannel *c)
{
    return c->gfid ? c->gpu->gsp->vgpu[c->gfid].objects : c->gpu->gsp->objects;
}

AdaObject *ada_chan_space(const AdaChannel *c)
{
    return ada_object_find(chan_objects(c), c->client, c->vaspace);
}

bool ada_phys_access(AdaFunc *f, bool sysmem, uint64_t addr, void *buf, uint64_t len, AdaAccess how)
{
    static uint8_t zero[64 * KiB];

    if (!sysmem && ada_wpr2_denied(f, addr, len)) {
        return false;
    }
    if (how == ADA_READ) {
        return sysmem ? ada_dma_read(f, addr, buf, len) : ada_gpa_read(f, addr, buf, len);
    }
    if (how == ADA_WRITE) {
        return sysmem ? ada_dma_write(f, addr, buf, len) : ada_gpa_write(f, addr, buf, len);
    }
    if (!sysmem) {
        return ada_gpa_zero(f, addr, len);
    }
    for (uint64_t n; len; addr += n, len -= n) {
        n = MIN(len, sizeof(zero));
        if (!ada_dma_write(f, addr, zero, n)) {
            return false;
        }
    }
    return true;
}

/* what is at @va, and how much of @len goes on there; false: a fault */
static bool translate(AdaChannel *c, uint64_t va, bool write, AdaXlat *x, uint64_t *len)
{
    AdaObject *v = ada_chan_space(c);

    if (!v || !v->page_directory) {
        mmu_fault(c, va, FAULT_UNBOUND, write);
        return false;
    }
    if (va >> ADA_VA_BITS) {
        mmu_fault(c, va, FAULT_VA_LIMIT, write);
        return false;
    }
    *x = ada_tlb_translate(ada_chan_func(c), v->page_directory, v->page_directory_sysmem, va);
    if (!x->valid && !x->sparse) {
        mmu_fault(c, va, x->page_size ? FAULT_PTE : FAULT_PDE, write);
        return false;
    }
    if (write && x->read_only) {
        mmu_fault(c, va, FAULT_READ_ONLY, write);
        return false;
    }
    if (!x->page_size) {        /* a sparse entry above the page tables */
        x->page_size = ADA_PAGE;
    }
    *len = MIN(*len, x->page_size - va % x->page_size);
    return true;
}

bool ada_chan_access(AdaChannel *c, uint64_t va, void *buf, uint64_t len, AdaAccess how)
{
    uint8_t *p = buf;
    AdaXlat x;

    for (uint64_t n; len; va += n, p += how == ADA_ZERO ? 0 : n, len -= n) {
        n = len;
        if (!translate(c, va, how != ADA_READ, &x, &n)) {
            return false;
        }
        if (x.sparse) {         /* reads as zeros, keeps nothing */
            if (how == ADA_READ) {
                memset(p, 0, n);
            }
            continue;
        }
        if (ada_phys_access(ada_chan_func(c), x.sysmem, x.addr, p, n, how)) {
            continue;
        }
        if (x.sysmem) {
            ada_chan_error(c, "chan-dma", c->engine->xid, "the bus refuses 0x%" PRIx64 " (0x%" PRIx64 ")", x.addr, va);
        } else {
            mmu_fault(c, va, FAULT_REGION, how != ADA_READ);
        }
        return false;
    }
    return true;
}

bool ada_chan_release(AdaChannel *c, uint64_t va, uint64_t payload, bool wide, bool timestamp)
{
    uint64_t value = cpu_to_le64(wide ? payload : (uint32_t)payload), now = cpu_to_le64(ada_ptimer(c->gpu));

    c->gpu->fifo->semaphores++;
    /* the time first: who waits for the payload finds it there */
    return (!timestamp || ada_chan_access(c, va + 8, &now, sizeof(now), ADA_WRITE)) &&
           ada_chan_access(c, va, &value, wide || timestamp ? 8 : 4, ADA_WRITE);
}

static bool userd_access(AdaChannel *c, uint32_t off, uint32_t *val, AdaAccess how)
{
    uint32_t le = cpu_to_le32(*val);
    bool ok = ada_phys_access(ada_chan_func(c), c->userd_sysmem, c->userd + off, &le, sizeof(le), how);

    *val = le32_to_cpu(le);
    if (!ok) {
        ada_chan_error(c, "chan-dma", PBDMA_ERROR, "USERD at 0x%" PRIx64 " cannot be accessed", c->userd);
    }
    return ok;
}

/* ---- methods of the host ----------------------------------------------------------------------------------------- */

#define HOST(c, name)   ((c)->host[r570_NVC56F_##name / 4])

static bool acquired(uint32_t operation, uint64_t value, uint64_t payload, bool wide)
{
    switch (operation) {
    case r570_NVC56F_SEM_EXECUTE_OPERATION_ACQUIRE:
        return value == payload;
    case r570_NVC56F_SEM_EXECUTE_OPERATION_ACQ_STRICT_GEQ:
        return value >= payload;
    case r570_NVC56F_SEM_EXECUTE_OPERATION_ACQ_CIRC_GEQ:
        return wide ? (int64_t)(value - payload) >= 0 : (int32_t)(uint32_t)(value - payload) >= 0;
    default:    /* ACQ_AND */
        return (value & payload) != 0;
    }
}

static AdaStep acquire(AdaChannel *c, uint32_t operation, uint64_t va, uint64_t payload, bool wide)
{
    uint64_t value = 0;

    if (!ada_chan_access(c, va, &value, wide ? 8 : 4, ADA_READ)) {
        return ADA_STEP_ERROR;
    }
    return acquired(operation, le64_to_cpu(value), payload, wide) ? ADA_STEP_DONE : ADA_STEP_WAIT;
}

static AdaStep sem_execute(AdaChannel *c, uint32_t data)
{
    uint64_t va = (uint64_t)ADA_FIELD(HOST(c, SEM_ADDR_HI), NVC56F_SEM_ADDR_HI_OFFSET) << 32 | HOST(c, SEM_ADDR_LO);
    uint64_t payload = HOST(c, SEM_PAYLOAD_LO);
    uint32_t operation = ADA_FIELD(data, NVC56F_SEM_EXECUTE_OPERATION);
    bool wide = ADA_IS(data, NVC56F_SEM_EXECUTE_PAYLOAD_SIZE, 64BIT);
    bool timestamp = ADA_IS(data, NVC56F_SEM_EXECUTE_RELEASE_TIMESTAMP, EN);

    if (wide) {
        payload |= (uint64_t)HOST(c, SEM_PAYLOAD_HI) << 32;
    }
    if (va % (timestamp ? 16 : wide ? 8 : 4)) {
        return ada_chan_error(c, "chan-semaphore", PBDMA_ERROR, "semaphore at 0x%" PRIx64, va);
    }
    switch (operation) {
    case r570_NVC56F_SEM_EXECUTE_OPERATION_RELEASE:
        /* nothing is in flight: waiting for idle is over at once */
        return ada_chan_release(c, va, payload, wide, timestamp) ? ADA_STEP_DONE : ADA_STEP_ERROR;
    case r570_NVC56F_SEM_EXECUTE_OPERATION_ACQUIRE:
    case r570_NVC56F_SEM_EXECUTE_OPERATION_ACQ_STRICT_GEQ:
    case r570_NVC56F_SEM_EXECUTE_OPERATION_ACQ_CIRC_GEQ:
    case r570_NVC56F_SEM_EXECUTE_OPERATION_ACQ_AND:
        return acquire(c, operation, va, payload, wide);
    }
    return ada_chan_error(c, "chan-semaphore", PBDMA_ERROR, "operation %u is not modelled", operation);
}

/* the older four methods for the same */
static AdaStep semaphored(AdaChannel *c, uint32_t data)
{
    uint64_t va = (uint64_t)ADA_FIELD(HOST(c, SEMAPHOREA), NVC56F_SEMAPHOREA_OFFSET_UPPER) << 32 | HOST(c, SEMAPHOREB);
    uint32_t payload = HOST(c, SEMAPHOREC), operation = ADA_FIELD(data, NVC56F_SEMAPHORED_OPERATION);
    bool timestamp = ADA_IS(data, NVC56F_SEMAPHORED_RELEASE_SIZE, 16BYTE);

    switch (operation) {
    case r570_NVC56F_SEMAPHORED_OPERATION_RELEASE:
        if (va % (timestamp ? 16 : 4)) {
            break;
        }
        return ada_chan_release(c, va, payload, false, timestamp) ? ADA_STEP_DONE : ADA_STEP_ERROR;
    case r570_NVC56F_SEMAPHORED_OPERATION_ACQUIRE:
        return acquire(c, r570_NVC56F_SEM_EXECUTE_OPERATION_ACQUIRE, va, payload, false);
    case r570_NVC56F_SEMAPHORED_OPERATION_ACQ_GEQ:
        return acquire(c, r570_NVC56F_SEM_EXECUTE_OPERATION_ACQ_CIRC_GEQ, va, payload, false);
    case r570_NVC56F_SEMAPHORED_OPERATION_ACQ_AND:
        return acquire(c, r570_NVC56F_SEM_EXECUTE_OPERATION_ACQ_AND, va, payload, false);
    }
    return ada_chan_error(c, "chan-semaphore", PBDMA_ERROR, "operation %u at 0x%" PRIx64, operation, va);
}

static AdaStep set_object(AdaChannel *c, uint32_t data)
{
    uint32_t class = ADA_FIELD(data, NVC56F_SET_OBJECT_NVCLASS);

    if ((class != c->engine->class && !c->engine->swallows) ||
        !ada_object_child_of_class(chan_objects(c), c->client, c->handle, class)) {
        return ada_chan_error(c, "chan-class", c->engine->xid, "class 0x%04x on subchannel %u", class, c->subchannel);
    }
    c->class[c->subchannel] = class;
    return ADA_STEP_DONE;
}

/* of one page directory or all; if targeted, of a power of two of 4 KiB pages, to which the address is rounded down */
static void tlb_invalidate(AdaChannel *c, uint32_t op_d, bool targeted)
{
    uint32_t a = c->host[r570_NVC56F_MEM_OP_A / 4], op_c = c->host[r570_NVC56F_MEM_OP_C / 4];
    AdaTlbScope scope = {
        .all_roots = ADA_IS(op_c, NVC56F_MEM_OP_C_TLB_INVALIDATE_PDB, ALL),
        .root_sysmem = !ADA_IS(op_c, NVC56F_MEM_OP_C_TLB_INVALIDATE_PDB_APERTURE, VID_MEM),
        .root = (uint64_t)ADA_FIELD(op_d, NVC56F_MEM_OP_D_TLB_INVALIDATE_PDB_ADDR_HI) << 32 |
                (uint64_t)ADA_FIELD(op_c, NVC56F_MEM_OP_C_TLB_INVALIDATE_PDB_ADDR_LO) << 12,
    };

    if (targeted) {
        scope.size = (uint64_t)ADA_PAGE << ADA_FIELD(a, NVC56F_MEM_OP_A_TLB_INVALIDATE_INVALIDATION_SIZE);
        scope.va = (uint64_t)c->host[r570_NVC56F_MEM_OP_B / 4] << 32 |
                   (uint64_t)ADA_FIELD(a, NVC56F_MEM_OP_A_TLB_INVALIDATE_TARGET_ADDR_LO) << 12;
        scope.va = scope.size ? ROUND_DOWN(scope.va, scope.size) : 0;
    }
    ada_tlb_invalidate(c->gpu, c->gfid, &scope);
}

/* memory is coherent here, so that all of these are done at once */
static AdaStep mem_op(AdaChannel *c, uint32_t data)
{
    uint32_t operation = ADA_FIELD(data, NVC56F_MEM_OP_D_OPERATION);

    switch (operation) {
    case r570_NVC56F_MEM_OP_D_OPERATION_MMU_TLB_INVALIDATE:
    case r570_NVC56F_MEM_OP_D_OPERATION_MMU_TLB_INVALIDATE_TARGETED:
        tlb_invalidate(c, data, operation == r570_NVC56F_MEM_OP_D_OPERATION_MMU_TLB_INVALIDATE_TARGETED);
        return ADA_STEP_DONE;
    case r570_NVC56F_MEM_OP_D_OPERATION_MEMBAR:
    case r570_NVC56F_MEM_OP_D_OPERATION_L2_PEERMEM_INVALIDATE:
    case r570_NVC56F_MEM_OP_D_OPERATION_L2_SYSMEM_INVALIDATE:
    case r570_NVC56F_MEM_OP_D_OPERATION_L2_CLEAN_COMPTAGS:
    case r570_NVC56F_MEM_OP_D_OPERATION_L2_FLUSH_DIRTY:
    case r570_NVC56F_MEM_OP_D_OPERATION_L2_WAIT_FOR_SYS_PENDING_READS:
        return ADA_STEP_DONE;
    }
    return ada_chan_error(c, "chan-method", PBDMA_ERROR, "MEM_OP 0x%x is not modelled", operation);
}

static AdaStep host_method(AdaChannel *c, uint32_t method, uint32_t data)
{
    c->host[method / 4] = data;
    switch (method) {
    case r570_NVC56F_NOP:
    case r570_NVC56F_SEMAPHOREA:
    case r570_NVC56F_SEMAPHOREB:
    case r570_NVC56F_SEMAPHOREC:
    case r570_NVC56F_FB_FLUSH:
    case r570_NVC56F_MEM_OP_A:
    case r570_NVC56F_MEM_OP_B:
    case r570_NVC56F_MEM_OP_C:
    case r570_NVC56F_SET_REFERENCE:
    case r570_NVC56F_SEM_ADDR_LO:
    case r570_NVC56F_SEM_ADDR_HI:
    case r570_NVC56F_SEM_PAYLOAD_LO:
    case r570_NVC56F_SEM_PAYLOAD_HI:
    case r570_NVC56F_WFI:
    case r570_NVC56F_YIELD:
        return ADA_STEP_DONE;
    case r570_NVC56F_SET_OBJECT:
        return set_object(c, data);
    case r570_NVC56F_SEMAPHORED:
        return semaphored(c, data);
    case r570_NVC56F_NON_STALL_INTERRUPT:
        ada_intr_raise(ada_chan_func(c), c->engine->nonstall_vector);
        return ADA_STEP_DONE;
    case r570_NVC56F_MEM_OP_D:
        return mem_op(c, data);
    case r570_NVC56F_SEM_EXECUTE:
        return sem_execute(c, data);
    }
    return ada_chan_error(c, "chan-method", PBDMA_ERROR, "host method 0x%04x, data 0x%08x", method, data);
}

/* ---- pushbuffer -------------------------------------------------------------------------------------------------- */

/* assumption GUEST-GRAPHICS */
static AdaStep swallow(AdaChannel *c, uint32_t method, uint32_t data)
{
    if (!c->gpu->fifo->swallowed++) {
        fprintf(stderr, "nvidia-ada: %s takes methods and does nothing: first 0x%04x, data 0x%08x of GFID %u\n",
                c->engine->name, method, data, c->gfid);
    }
    return ADA_STEP_DONE;
}

static AdaStep run_method(AdaChannel *c, uint32_t method, uint32_t data)
{
    if (method < ADA_CE_FIRST) {
        return host_method(c, method, data);
    }
    if (!c->class[c->subchannel]) {
        return ada_chan_error(c, "chan-method", PBDMA_ERROR, "method 0x%04x on subchannel %u, which has no class",
                              method, c->subchannel);
    }
    return c->engine->swallows ? swallow(c, method, data) : ada_ce_method(c, method, data);
}

static AdaStep one_data(AdaChannel *c, uint32_t data)
{
    AdaStep step = run_method(c, c->method, data);

    if (step == ADA_STEP_DONE) {
        c->gpu->fifo->methods++;
        c->count--;
        if (c->mode != ADA_NON_INC) {
            c->method += 4;
        }
        if (c->mode == ADA_ONE_INC) {
            c->mode = ADA_NON_INC;
        }
    }
    return step;
}

static AdaStep bad_header(AdaChannel *c, uint32_t header)
{
    return ada_chan_error(c, "chan-header", PBDMA_ERROR, "method header 0x%08x at 0x%" PRIx64, header, c->pb);
}

static AdaStep one_header(AdaChannel *c, uint32_t header)
{
    uint32_t op = ADA_FIELD(header, NVC56F_DMA_SEC_OP), tert = ADA_FIELD(header, NVC56F_DMA_TERT_OP);
    AdaStep step;

    c->method = ADA_FIELD(header, NVC56F_DMA_METHOD_ADDRESS) * 4;
    c->subchannel = ADA_FIELD(header, NVC56F_DMA_METHOD_SUBCHANNEL);
    c->count = ADA_FIELD(header, NVC56F_DMA_METHOD_COUNT);
    switch (op) {
    case r570_NVC56F_DMA_SEC_OP_GRP0_USE_TERT:
    case r570_NVC56F_DMA_SEC_OP_GRP2_USE_TERT:
        /* the old form; masks of subdevices are for boards with more than one GPU */
        if (tert) {
            return bad_header(c, header);
        }
        c->mode = op == r570_NVC56F_DMA_SEC_OP_GRP0_USE_TERT ? ADA_INC : ADA_NON_INC;
        c->method = ADA_FIELD(header, NVC56F_DMA_METHOD_ADDRESS_OLD) * 4;
        c->count = ADA_FIELD(header, NVC56F_DMA_METHOD_COUNT_OLD);
        return ADA_STEP_DONE;
    case r570_NVC56F_DMA_SEC_OP_INC_METHOD:
        c->mode = ADA_INC;
        return ADA_STEP_DONE;
    case r570_NVC56F_DMA_SEC_OP_NON_INC_METHOD:
        c->mode = ADA_NON_INC;
        return ADA_STEP_DONE;
    case r570_NVC56F_DMA_SEC_OP_ONE_INC:
        c->mode = ADA_ONE_INC;
        return ADA_STEP_DONE;
    case r570_NVC56F_DMA_SEC_OP_IMMD_DATA_METHOD:
        c->count = 0;
        step = run_method(c, c->method, ADA_FIELD(header, NVC56F_DMA_IMMD_DATA));
        c->gpu->fifo->methods += step == ADA_STEP_DONE;
        return step;
    case r570_NVC56F_DMA_SEC_OP_END_PB_SEGMENT:
        c->count = 0;
        c->pb_left = 1;     /* this one */
        return ADA_STEP_DONE;
    }
    return bad_header(c, header);
}

/* the next entry of the GPFIFO */
static AdaStep next_segment(AdaChannel *c)
{
    uint64_t at = c->gpfifo + (uint64_t)c->get * r570_NVC56F_GP_ENTRY__SIZE;
    uint32_t put = 0, entry[2];

    if (!userd_access(c, GP_PUT, &put, ADA_READ)) {
        return ADA_STEP_ERROR;
    }
    if (put == c->get) {
        return ADA_STEP_IDLE;
    }
    if (put >= c->entries) {
        return ada_chan_error(c, "chan-gpfifo", PBDMA_ERROR, "PUT %u of %u entries", put, c->entries);
    }
    if (!ada_chan_access(c, at, entry, sizeof(entry), ADA_READ)) {
        return ADA_STEP_ERROR;
    }
    entry[0] = le32_to_cpu(entry[0]);
    entry[1] = le32_to_cpu(entry[1]);
    c->pb = (uint64_t)ADA_FIELD(entry[1], NVC56F_GP_ENTRY1_GET_HI) << 32 |
            ADA_FIELD(entry[0], NVC56F_GP_ENTRY0_GET) << 2;
    c->pb_left = ADA_FIELD(entry[1], NVC56F_GP_ENTRY1_LENGTH);
    /* without a length it is an instruction to the host, of which only "nothing" is modelled */
    if (c->pb_left ? ADA_IS(entry[0], NVC56F_GP_ENTRY0_FETCH, CONDITIONAL)
                   : !ADA_IS(entry[1], NVC56F_GP_ENTRY1_OPCODE, NOP)) {
        return ada_chan_error(c, "chan-gpfifo", PBDMA_ERROR, "entry %u is 0x%08x 0x%08x", c->get, entry[0], entry[1]);
    }
    c->get = (c->get + 1) % c->entries;
    return userd_access(c, GP_GET, &(uint32_t){ c->get }, ADA_WRITE) ? ADA_STEP_DONE : ADA_STEP_ERROR;
}

static AdaStep one_dword(AdaChannel *c)
{
    uint32_t dword;
    AdaStep step;

    if (!c->pb_left) {
        return next_segment(c);
    }
    if (!ada_chan_access(c, c->pb, &dword, sizeof(dword), ADA_READ)) {
        return ADA_STEP_ERROR;
    }
    dword = le32_to_cpu(dword);
    step = c->count ? one_data(c, dword) : one_header(c, dword);
    if (step == ADA_STEP_DONE) {
        c->pb += 4;
        c->pb_left--;
    }
    return step;
}

/* ---- scheduling -------------------------------------------------------------------------------------------------- */

static bool runnable(const AdaChannel *c)
{
    return c->enabled && c->pending && !c->stopped &&
           (!c->gfid || (c->gpu->vf[c->gfid - 1] && !c->gpu->gsp->vgpu[c->gfid].guest.held));
}

/* a channel's turn: true when it has done anything */
static bool run_channel(AdaChannel *c)
{
    bool any = false;
    AdaStep step;

    for (int budget = BUDGET; budget > 0; any = true) {
        if (c->ce.t.active) {
            step = ada_ce_run(c);
            budget -= BUDGET_CE;
        } else {
            step = one_dword(c);
            budget--;
        }
        c->waiting = step == ADA_STEP_WAIT;
        if (step == ADA_STEP_IDLE) {
            c->pending = false;
        }
        if (step != ADA_STEP_DONE) {
            break;
        }
    }
    return any;
}

/* Outside of the register access that rang, as GSP-RM's work is: a driver has to wait for it */
static void fifo_work(void *opaque)
{
    AdaState *s = opaque;
    AdaFifo *fifo = s->fifo;
    bool any = false, waits = false;

    if (s->faults.off_bus) {
        return;
    }
    for (guint i = 0; i < fifo->channels->len; i++) {
        AdaChannel *c = g_ptr_array_index(fifo->channels, i);

        if (runnable(c)) {
            any |= run_channel(c);
            waits |= c->waiting;
        }
    }
    if (any) {
        qemu_bh_schedule(fifo->work);
    } else if (waits) {
        timer_mod(fifo->timer, qemu_clock_get_ms(QEMU_CLOCK_VIRTUAL) + RETRY_MS);
    }
}

static void fifo_timer(void *opaque)
{
    AdaState *s = opaque;

    qemu_bh_schedule(s->fifo->work);
}

static AdaChannel *find_channel(AdaFifo *fifo, uint32_t gfid, uint32_t runlist, uint32_t chid)
{
    for (guint i = 0; i < fifo->channels->len; i++) {
        AdaChannel *c = g_ptr_array_index(fifo->channels, i);

        if (c->gfid == gfid && c->chid == chid && c->engine->runlist == runlist) {
            return c;
        }
    }
    return NULL;
}

void ada_fifo_doorbell(AdaFunc *f, uint32_t val)
{
    AdaFifo *fifo = f->gpu->fifo;
    uint32_t runlist = ADA_FIELD(val, NV_CTRL_VF_DOORBELL_RUNLIST_ID);
    uint32_t chid = ADA_FIELD(val, NV_CTRL_VF_DOORBELL_VECTOR);
    AdaChannel *c = find_channel(fifo, f->gfid, runlist, chid);

    fifo->doorbells++;
    if (!c) {
        ada_refuse(f->gpu, "chan-doorbell", "GFID %u has no channel %u on runlist %u", f->gfid, chid, runlist);
        return;
    }
    if (f->gfid && !ada_guest_hears(&f->gpu->gsp->vgpu[f->gfid])) {
        return;
    }
    c->pending = true;      /* remembered until it is enabled, too */
    qemu_bh_schedule(fifo->work);
}

bool ada_chan_inject(AdaState *s, uint32_t gfid, uint32_t runlist, uint32_t chid, uint32_t xid)
{
    AdaChannel *c = find_channel(s->fifo, gfid, runlist, chid);

    if (!c || c->stopped) {
        return false;
    }
    fprintf(stderr, "nvidia-ada: fault injected: Xid %u of channel %u of GFID %u\n", xid, chid, gfid);
    chan_stop(c, xid, xid == MMU_FAULT ? &(MmuFault) { .type = FAULT_PTE } : NULL, "an error of its engine");
    return true;
}

/* ---- start and end ----------------------------------------------------------------------------------------------- */

void ada_chan_add(AdaState *s, AdaChannel *c)
{
    c->gpu = s;
    s->fifo->created++;
    g_ptr_array_add(s->fifo->channels, c);
}

void ada_chan_free(AdaChannel *c)
{
    g_ptr_array_remove(c->gpu->fifo->channels, c);
}

void ada_chan_enable(AdaChannel *c, bool on)
{
    c->enabled = on;
    if (on) {
        qemu_bh_schedule(c->gpu->fifo->work);
    }
}

const char *ada_chan_state(const AdaChannel *c)
{
    return c->stopped ? "stopped" : !c->enabled ? "disabled" : c->waiting ? "waiting" : c->pending ? "running" : "idle";
}

void ada_fifo_init(AdaState *s)
{
    AdaFifo *fifo = g_new0(AdaFifo, 1);

    fifo->channels = g_ptr_array_new_with_free_func(g_free);
    fifo->work = qemu_bh_new_guarded(fifo_work, s, &DEVICE(s)->mem_reentrancy_guard);
    fifo->timer = timer_new_ms(QEMU_CLOCK_VIRTUAL, fifo_timer, s);
    s->fifo = fifo;
}

void ada_fifo_exit(AdaState *s)
{
    if (s->fifo) {
        g_ptr_array_unref(s->fifo->channels);
        qemu_bh_delete(s->fifo->work);
        timer_free(s->fifo->timer);
        g_clear_pointer(&s->fifo, g_free);
    }
}
